"""The store in a file system of fsspec, with the parameters that it has in the 3.x library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from zarr.config import Unchosen
from zarr.storage.fsspec import FSStore

__all__ = ["FsspecStore"]

_ABSENT = (FileNotFoundError, IsADirectoryError, NotADirectoryError)


class FsspecStore(FSStore):
    """A store in a file system of ``fsspec``: `FSStore` with the parameters of the 3.x library.

    Every `FSStore` is an instance of this class. New arrays and groups have format 3.

    Parameters
    ----------
    fs : fsspec.spec.AbstractFileSystem
        The file system. One for use in coroutines is replaced by its twin that is not.
    read_only : bool, default False
        Whether nothing can be written.
    path : str, default '/'
        Path of the root in the file system.
    allowed_exceptions : tuple of Exception subclasses
        More errors for which a key is absent when it is read.

    Examples
    --------
    >>> import zarr
    >>> from zarr.storage import FsspecStore
    >>> store = FsspecStore.from_url('memory://example_of_3.zarr')
    >>> z = zarr.create_array(store, shape=4, dtype='i4', overwrite=True)
    >>> sorted(z.store)
    ['zarr.json']
    """

    default_version: ClassVar[int | None] = Unchosen(3)

    def __init__(
        self,
        fs: Any,
        read_only: bool = False,
        path: str = "/",
        allowed_exceptions: tuple[type[Exception], ...] = _ABSENT,
    ) -> None:
        super().__init__(
            path, fs=_blocking(fs), mode="r" if read_only else "w", exceptions=allowed_exceptions
        )

    @classmethod
    def __subclasshook__(cls, other: type) -> Any:
        return True if cls is FsspecStore and FSStore in other.__mro__ else NotImplemented

    @classmethod
    def from_url(
        cls,
        url: str,
        storage_options: Mapping[str, Any] | None = None,
        read_only: bool = False,
        allowed_exceptions: tuple[type[Exception], ...] = _ABSENT,
    ) -> Self:
        """Return a store for a URL.

        Parameters
        ----------
        url : str
            The URL.
        storage_options : Mapping, optional
            Options of the file system.
        read_only : bool, default False
            Whether nothing can be written.
        allowed_exceptions : tuple of Exception subclasses
            More errors for which a key is absent when it is read.

        Returns
        -------
        FsspecStore
            The store.
        """
        options = {n: v for n, v in (storage_options or {}).items() if n != "asynchronous"}
        opened = FSStore(url, mode="r" if read_only else "w", **options)
        store = cls.__new__(cls)
        vars(store).update(vars(opened))
        store.exceptions = tuple(dict.fromkeys((*store.exceptions, *allowed_exceptions)))
        return store

    @classmethod
    def from_mapper(
        cls,
        fs_map: Any,
        read_only: bool = False,
        allowed_exceptions: tuple[type[Exception], ...] = _ABSENT,
    ) -> Self:
        """Return a store on the file system and root of an `fsspec.FSMap`.

        Parameters
        ----------
        fs_map : fsspec.FSMap
            The mapping.
        read_only : bool, default False
            Whether nothing can be written.
        allowed_exceptions : tuple of Exception subclasses
            More errors for which a key is absent when it is read.

        Returns
        -------
        FsspecStore
            The store.
        """
        return cls(fs_map.fs, read_only, fs_map.root, allowed_exceptions)

    @classmethod
    def from_upath(
        cls,
        upath: Any,
        read_only: bool = False,
        allowed_exceptions: tuple[type[Exception], ...] = _ABSENT,
    ) -> Self:
        """Return a store at a path of ``universal_pathlib``.

        Parameters
        ----------
        upath : upath.UPath
            The path.
        read_only : bool, default False
            Whether nothing can be written.
        allowed_exceptions : tuple of Exception subclasses
            More errors for which a key is absent when it is read.

        Returns
        -------
        FsspecStore
            The store.
        """
        return cls(upath.fs, read_only, upath.path, allowed_exceptions)

    @property
    def allowed_exceptions(self) -> tuple[type[Exception], ...]:
        """The errors for which a key is absent when it is read."""
        return self.exceptions

    @property
    def async_impl(self) -> bool:
        """Whether the file system sends its requests from coroutines."""
        return self._is_async

    def __str__(self) -> str:
        return f"{type(self._fs).__name__}:{self.path}"


def _blocking(fs: Any) -> Any:
    """Return a file system like `fs` that need not be called from coroutines."""
    if type(fs).__name__ == "AsyncFileSystemWrapper":
        return fs.sync_fs
    if not getattr(fs, "asynchronous", False):
        return fs
    return type(fs)(*map(_without_loop, fs.storage_args), **_without_loop(fs.storage_options))


def _without_loop(option: Any) -> Any:
    """Return an option of a file system without what is for coroutines, file systems included."""
    if isinstance(option, Mapping):
        kept = {n: v for n, v in option.items() if n not in ("asynchronous", "loop")}
        nested = ("fs", "remote_options", "target_options")
        return {n: _without_loop(v) if n in nested else v for n, v in kept.items()}
    return _blocking(option)
