"""Stores in memory that are found by a URL."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from itertools import count
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from zarr.config import Unchosen
from zarr.storage.base import BaseStore, Buffer, check_key, normalize_storage_path
from zarr.storage.memory import FlatMemoryStore

__all__ = ["ManagedMemoryStore"]


class _Values(dict[str, Any]):
    """The values of all stores of one name; weak references to a plain dictionary do not exist."""

    __slots__ = ("__weakref__",)


_named: WeakValueDictionary[str, _Values] = WeakValueDictionary()
_numbers = count()


class ManagedMemoryStore(FlatMemoryStore):
    """A store in memory that is shared by all stores of its name, as long as one of them lives.

    Parameters
    ----------
    name : str, optional
        The name. A new one by default.
    path : str, default ''
        Path of the root of this store in the values of that name.
    read_only : bool, default False
        Whether nothing can be written.

    Examples
    --------
    >>> import zarr
    >>> from zarr.storage import ManagedMemoryStore
    >>> store = ManagedMemoryStore('example')
    >>> z = zarr.create_array(store, shape=4, dtype='i4')
    >>> sorted(ManagedMemoryStore.from_url('memory://example'))
    ['zarr.json']
    """

    default_version: ClassVar[int | None] = Unchosen(3)

    def __init__(self, name: str | None = None, *, path: str = "", read_only: bool = False) -> None:
        if name is not None and "/" in name:
            raise ValueError(f"name must not contain slashes, not be {name!r}")
        self._name = str(next(_numbers)) if name is None else name
        self.path = normalize_storage_path(path)
        self._prefix = f"{self.path}/" if self.path else ""
        super().__init__(store_dict=_named.setdefault(self._name, _Values()), read_only=read_only)

    @classmethod
    def from_url(cls, url: str, *, read_only: bool = False) -> Self:
        """Return the store that a URL names.

        Parameters
        ----------
        url : str
            The URL, ``memory://name/path``.
        read_only : bool, default False
            Whether nothing can be written.

        Returns
        -------
        ManagedMemoryStore
            The store.

        Raises
        ------
        ValueError
            If it is no such URL, or there is no store of that name.
        """
        parts = urlsplit(url)
        if parts.scheme != "memory" or parts.netloc not in _named:
            raise ValueError(f"there is no store in memory with the URL {url!r}")
        return cls(parts.netloc, path=parts.path, read_only=read_only)

    @property
    def name(self) -> str:
        """The name of the store."""
        return self._name

    def address(self, path: str = "") -> tuple[Hashable, str]:
        return self.location, f"{self._prefix}{path}".rstrip("/")

    def __getitem__(self, key: str) -> Buffer:
        try:
            return super().__getitem__(self._prefix + key)
        except KeyError:
            raise KeyError(key) from None

    def __setitem__(self, key: str, value: Buffer) -> None:
        super().__setitem__(self._prefix + check_key(key), value)

    def __delitem__(self, key: str) -> None:
        super().__delitem__(self._prefix + key)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._prefix + key in self._mutable_mapping

    def __iter__(self) -> Iterator[str]:
        skip = len(self._prefix)
        return (key[skip:] for key in [*self._mutable_mapping] if key.startswith(self._prefix))

    def __len__(self) -> int:
        return BaseStore.__len__(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ManagedMemoryStore) and self.address() == other.address()

    __hash__ = BaseStore.__hash__

    def __reduce__(self) -> Any:
        return _found_again, (self._name, self.path, self.read_only)

    def __str__(self) -> str:
        return f"memory://{self._name}/{self.path}".rstrip("/")

    def __repr__(self) -> str:
        return f"ManagedMemoryStore('{self}')"


def _found_again(name: str, path: str, read_only: bool) -> ManagedMemoryStore:
    return ManagedMemoryStore(name, path=path, read_only=read_only)
