"""What arrays and groups have in common: a place in a store, and attributes."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import numpy as np

from zarr.attrs import Attributes
from zarr.errors import ReadOnlyError
from zarr.formats.base import Format
from zarr.storage.base import BaseStore, as_store, normalize_storage_path
from zarr.sync import Synchronizer

__all__ = ["Node"]


class Node:
    """An array or a group at a path in a store."""

    _format: Format
    _key: str

    def _place(
        self,
        store: BaseStore | MutableMapping[str, Any],
        path: str | None,
        read_only: bool,
        chunk_store: BaseStore | MutableMapping[str, Any] | None,
        synchronizer: Synchronizer | None,
        cache_attrs: bool,
        meta_array: Any,
    ) -> None:
        """Take over what the constructors of arrays and groups are told alike."""
        self._store = as_store(store)
        self._chunk_store = None if chunk_store is None else as_store(chunk_store)
        self._path = normalize_storage_path(path)
        self._read_only = read_only
        self._synchronizer = synchronizer
        self._cache_attrs = cache_attrs
        self._given_meta_array = meta_array
        self._attrs: Attributes | None = None

    def _check_writeable(self) -> None:
        if self._read_only:
            raise ReadOnlyError

    @property
    def store(self) -> BaseStore:
        """The store that holds the node."""
        return self._store

    @property
    def chunk_store(self) -> BaseStore:
        """The store that holds the chunks."""
        return self._store if self._chunk_store is None else self._chunk_store

    @property
    def path(self) -> str:
        """Path in the store, without a slash in front."""
        return self._path

    @property
    def read_only(self) -> bool:
        """Whether nothing may be changed through this object."""
        return self._read_only

    @read_only.setter
    def read_only(self, value: bool) -> None:
        self._read_only = bool(value)

    @property
    def synchronizer(self) -> Synchronizer | None:
        """The locks between processes, if any."""
        return self._synchronizer

    @property
    def meta_array(self) -> Any:
        """An array of the type that reads return."""
        given = self._given_meta_array
        return np.empty(()) if given is None else np.empty_like(given, shape=())

    @property
    def attrs(self) -> Attributes:
        """The user attributes, a mapping of names to JSON values."""
        if self._attrs is None:
            self._attrs = Attributes(
                self._store,
                self._format.node_attrs_key(self._path, self._key),
                self._read_only,
                self._cache_attrs,
                self._synchronizer,
                format=self._format,
            )
        return self._attrs
