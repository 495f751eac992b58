"""What arrays and groups have in common: a place in a store, and attributes."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from copy import deepcopy
from importlib import import_module
from typing import Any, Self

import numpy as np

from zarr._formats import Found
from zarr._formats.base import Format
from zarr._metadata.records import ArrayMeta, GroupMeta
from zarr.attrs import Attributes
from zarr.config import Unchosen, Verify
from zarr.errors import ReadOnlyError, SealError
from zarr.storage.base import BaseStore, as_store, normalize_storage_path
from zarr.storage.resolve import normalize_store_arg
from zarr.sync import Synchronizer

__all__ = ["Node"]


def _opened(store: Any, mode: str) -> BaseStore:
    """Return the store that the argument of a constructor means."""
    if isinstance(store, (str, os.PathLike)):
        return normalize_store_arg(store, mode=mode)
    return as_store(store)


class Node:
    """An array or a group at a path in a store."""

    _format: Format
    _key: str
    _is_view = False
    _is_sealed = False
    _verify: Verify

    @classmethod
    def _of(cls, found: Found | None, *args: Any, **kwargs: Any) -> Self:
        """Return the array or group `found` in a store; without it, the constructor looks it up."""
        node = cls.__new__(cls)
        node.__dict__["_found"] = found
        # Without what only calls of the constructor by users need.
        getattr(cls.__init__, "__wrapped__", cls.__init__)(node, *args, **kwargs)
        return node

    def _place(
        self,
        store: BaseStore | MutableMapping[str, Any] | str,
        path: str | None,
        read_only: bool,
        chunk_store: BaseStore | MutableMapping[str, Any] | str | None,
        synchronizer: Synchronizer | None,
        cache_attrs: bool,
        meta_array: Any,
    ) -> None:
        """Set the attributes that arrays and groups have in common."""
        mode = "r" if read_only else "a"
        # Members of groups come with stores: no call for what each of them would repeat.
        self._store: BaseStore = (
            store if BaseStore in type(store).__mro__ else _opened(store, mode)  # type: ignore[assignment]
        )
        if chunk_store is not None and BaseStore not in type(chunk_store).__mro__:
            chunk_store = _opened(chunk_store, mode)
        self._chunk_store: BaseStore | None = chunk_store  # type: ignore[assignment]
        self._path = normalize_storage_path(path)
        self._read_only = read_only
        self._synchronizer = synchronizer
        self._cache_attrs = cache_attrs
        self._given_meta_array = meta_array
        self._attrs: Attributes | None = None

    def _check_writeable(self) -> None:
        if self._read_only:
            reason = "it was opened with mode='r' or read_only=True; open it with mode='r+'"
            if self._is_view:
                reason = "it is a view, of an array that may be writeable; change that array"
            kind = type(self).__name__.lower()
            raise ReadOnlyError(f"{kind} '/{self._path}' is read-only: {reason}")

    @property
    def store(self) -> BaseStore:
        """The store that holds the array or group: the object that was passed as the store."""
        return self._store.given  # type: ignore[no-any-return]

    @property
    def store_path(self) -> Any:
        """The store and the path together, as the 3.x library passes them around."""
        return import_module("zarr.storage").StorePath(self._store, self._path)

    @property
    def chunk_store(self) -> BaseStore:
        """The store that holds the chunks: the object that was passed as the store."""
        return self._data_store.given  # type: ignore[no-any-return]

    @property
    def _data_store(self) -> BaseStore:
        return self._store if self._chunk_store is None else self._chunk_store

    @property
    def path(self) -> str:
        """Path in the store, without a leading slash."""
        return self._path

    @property
    def zarr_format(self) -> int | str:
        """Version of the format: 2, 3, 1 (the first version) or ``'3-draft'`` (the draft of 3)."""
        return self._format.version

    _version = zarr_format  # as it was called in 2.x

    @property
    def read_only(self) -> bool:
        """Whether nothing can be changed through this object."""
        return self._read_only

    @read_only.setter
    def read_only(self, value: bool) -> None:
        self._read_only = bool(value)

    @property
    def synchronizer(self) -> Synchronizer | None:
        """The locks between processes; None without."""
        return self._synchronizer

    @property
    def meta_array(self) -> Any:
        """An array without dimensions, of the type that reads return."""
        given = self._given_meta_array
        return np.empty(()) if given is None else np.empty_like(given, shape=())

    def _check_seal(self, document: Any) -> dict[str, Any] | None:
        """Return the seal of the node, whose document is verified; None if it is not sealed.

        Raises
        ------
        SealError
            If the metadata are not as they were sealed; or not sealed, and should be.
        """
        seal = self._format.seal_of(document, self._key)
        if seal is None and self._verify is True and self._read_only:
            raise SealError("it is not sealed, and verify is True", self._key)
        if seal is not None and self._verify:
            self._format.check_seal(document, self._key)
        self._is_sealed = seal is not None
        return seal

    def _record(self) -> ArrayMeta | GroupMeta:
        """Return the metadata as they were last read."""
        raise NotImplementedError

    @property
    def attrs(self) -> Attributes:
        """The user attributes, a mapping of names to JSON values.

        References
        ----------
        Zarr specification, version 2: "Attributes"; version 3: "Array metadata" and "Group
        metadata", member ``attributes``.
        """
        if self._attrs is None:
            key = self._format.node_attrs_key(self._path, self._key)
            known = None
            if key == self._key and isinstance(self._store.default_version, Unchosen):
                # Code that brings a store of the 3.x library expects that the document of a node
                # is read once. Elsewhere attributes are as they are at the first look. Sealed ones
                # are verified.
                carried = None if self._is_sealed else self._record().attributes
                known = None if carried is None else deepcopy(dict(carried))
            self._attrs = Attributes(
                self._store, key, self._read_only, self._cache_attrs, self._synchronizer, known
            )
            self._attrs._format = self._format
            if self._is_sealed:
                self._attrs._node_key = self._key
                self._attrs._verify = bool(self._verify)
        return self._attrs
