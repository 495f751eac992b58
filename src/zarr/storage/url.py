"""A store for a URL of an object store, through the fastest package that can open it."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from zarr.errors import StoreError
from zarr.storage.base import BaseStore, Buffer, ByteRange
from zarr.storage.fsspec import FSStore
from zarr.storage.object import ObjectStore
from zarr.storage.url_options import obstore_options

__all__ = ["URLStore"]


class URLStore(BaseStore):
    """A store for a URL of an object store: an `ObjectStore`, or an `FSStore` where need be.

    This is what ``zarr.open('s3://…')`` and similar functions open. Requires the package
    ``obstore``, or ``fsspec`` with the one for the protocol.

    Parameters
    ----------
    url : str
        A URL such as ``s3://bucket/prefix``, ``gs://…`` or ``az://…``.
    mode : str, default 'w'
        'r' for a read-only store.
    **storage_options
        Options of the file system of ``fsspec`` for this URL, such as ``anon``, ``key``,
        ``secret``, ``token``, ``endpoint_url`` and ``client_kwargs``; also `retries` and
        `exceptions`, as of `FSStore`.

    Raises
    ------
    ImportError
        If the packages are missing.

    Notes
    -----
    Requests go through ``obstore`` if it is installed and every option has an equal there. They go
    through ``fsspec`` otherwise, and in processes forked from one that has used the store, in which
    ``obstore`` does not work. To use ``fsspec`` alone, open a `FSStore`, or set
    ``zarr.config.set(remote='fsspec')``.

    Safe to use from several threads and processes, including forked ones if ``fsspec`` and the
    package for the protocol are installed.

    Examples
    --------
    >>> from zarr.storage import URLStore
    >>> store = URLStore('s3://bucket/data.zarr', anon=True)  # doctest: +SKIP
    >>> root = zarr.open_group(store, mode='r')  # doctest: +SKIP
    """

    forwards = True
    partial_reads: ClassVar[bool] = True

    def __init__(self, url: str, mode: str = "w", **storage_options: Any) -> None:
        self._open(url, mode, storage_options, obstore_options(url, storage_options))

    def _open(
        self, url: str, mode: str, options: Mapping[str, Any], found: dict[str, Any] | None
    ) -> None:
        """Open the store, through obstore if its options are found."""
        self._url = url
        self._options = dict(options)
        self.mode = mode
        self._mode = "r" if mode == "r" else "a"
        self._dimension_separator = options.get("dimension_separator")
        self._process = os.getpid()
        self._fsspec: FSStore | None = None
        self._direct = None if found is None else ObjectStore(url, mode=mode, **found)
        self.threads = self._store.threads  # type: ignore[misc]

    @classmethod
    def if_direct(cls, url: str, mode: str, options: Mapping[str, Any]) -> URLStore | None:
        """Return a store whose requests go through ``obstore``, None if they cannot.

        Parameters
        ----------
        url : str
            The URL.
        mode : str
            'r' for a read-only store.
        options : Mapping
            Options of the file system of ``fsspec``.

        Returns
        -------
        URLStore or None
            The store.
        """
        found = obstore_options(url, options)
        if found is None:
            return None
        store = cls.__new__(cls)
        store._open(url, mode, options, found)
        return store

    @property
    def _store(self) -> BaseStore:
        """The store that sends the requests."""
        if self._direct is not None and self._process == os.getpid():
            return self._direct
        return self._through_fsspec

    @property
    def _through_fsspec(self) -> FSStore:
        if self._fsspec is None:
            self._fsspec = FSStore(self._url, mode=self.mode, **self._options)
        return self._fsspec

    @property
    def fs(self) -> Any:
        """The `fsspec.AbstractFileSystem` for the URL, as of `FSStore`."""
        return self._through_fsspec.fs

    @property
    def map(self) -> Any:
        """An `fsspec.FSMap` of the same directory, as of `FSStore`."""
        return self._through_fsspec.map

    @property
    def path(self) -> str:
        """The path of the root in the file system, as of `FSStore`."""
        return self._url.partition("://")[2].rstrip("/")

    def __getstate__(self) -> dict[str, Any]:
        return {"url": self._url, "mode": self.mode, **self._options}

    def __setstate__(self, state: dict[str, Any]) -> None:
        URLStore.__init__(self, **state)

    @property
    def location(self) -> Hashable:
        return self.address()

    def address(self, path: str = "") -> tuple[Hashable, str]:
        place = self._through_fsspec if self._direct is None else self._direct
        return place.address(path)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._url!r}>"

    def explain_absence(self, path: str) -> str:
        try:
            empty = next(iter(self._store.list_prefix()), None) is None
        except StoreError as error:
            bucket = self.path.partition("/")[0]
            return f"there is no {bucket!r}" if _says_no_bucket(error) else ""
        return "nothing exists at this URL" if empty else ""

    # -- verbs ---------------------------------------------------------------------

    def __getitem__(self, key: str) -> Buffer:
        return self._store[key]

    def __contains__(self, key: object) -> bool:
        return key in self._store

    def getitems(self, keys: Sequence[str], *, contexts: Any = None) -> dict[str, Buffer]:
        return self._store.getitems(keys)

    def probe(self, keys: Sequence[str]) -> dict[str, Buffer]:
        try:
            return self._store.probe(keys)
        except StoreError as error:
            if _says_no_bucket(error):
                return {}  # as for `FSStore`: the error of who looks for metadata tells why
            raise

    def get_partial_values(self, ranges: Sequence[tuple[str, ByteRange]]) -> list[Buffer | None]:
        return self._store.get_partial_values(ranges)

    def get_versioned_values(
        self, ranges: Sequence[tuple[str, ByteRange]]
    ) -> tuple[list[Buffer | None], dict[str, str]]:
        return self._store.get_versioned_values(ranges)

    def __setitem__(self, key: str, value: Buffer) -> None:
        self._store[key] = value

    def setitems(self, items: Mapping[str, Buffer]) -> None:
        self._store.setitems(items)

    def copyitems(self, targets: Mapping[str, str]) -> None:
        self._store.copyitems(targets)

    def __delitem__(self, key: str) -> None:
        del self._store[key]

    def delitems(self, keys: Iterable[str]) -> None:
        self._store.delitems(keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self._store)

    def list_prefix(self, path: str = "") -> Iterator[str]:
        return self._store.list_prefix(path)

    def list_sizes(self, path: str = "") -> Iterator[tuple[str, int]]:
        return self._store.list_sizes(path)

    def get_ages(self, keys: Iterable[str]) -> dict[str, float]:
        return self._store.get_ages(keys)

    def listdir(self, path: str = "") -> list[str]:
        return self._store.listdir(path)

    def rmdir(self, path: str = "") -> None:
        self._store.rmdir(path)

    def rename(self, src_path: str, dst_path: str) -> None:
        self._store.rename(src_path, dst_path)

    def getsize(self, path: str = "") -> int:
        return self._store.getsize(path)

    def close(self) -> None:
        """Do nothing: neither package has resources to release."""


def _says_no_bucket(error: StoreError) -> bool:
    """Tell whether a service says that there is no bucket of that name."""
    return any(code in str(error) for code in ("NoSuchBucket", "ContainerNotFound"))
