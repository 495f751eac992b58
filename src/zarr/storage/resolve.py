"""Which store a path, a URL or an object means."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, MutableMapping
from importlib import import_module
from typing import Any

from zarr.storage.base import BaseStore, KVStore, as_store
from zarr.storage.directory import DirectoryStore
from zarr.storage.memory import MemoryStore

__all__ = ["normalize_store_arg"]

_OF_VERSION = {3: ("zarr._storage.v3", "V3")}
"""Where the stores are whose new arrays and groups are of that version, and how their names end."""


def normalize_store_arg(
    store: Any,
    storage_options: Mapping[str, Any] | None = None,
    mode: str = "r",
    *,
    zarr_version: int | None = None,
    default: type[KVStore | MemoryStore] = KVStore,
) -> BaseStore:
    """Return the store that `store` means.

    Parameters
    ----------
    store : BaseStore, MutableMapping, str, path-like or None
        A store; any mapping; a path, of which ``.zip`` means a `ZipStore` and ``.n5`` an
        `N5Store`; a URL; None for a new store in memory.
    storage_options : Mapping, optional
        For a URL only.
    mode : str
        File mode for ``.zip`` files and URLs.
    zarr_version : int, optional
        Format in which a new store in memory makes arrays and groups.
    default : type
        The class of a new store in memory.

    Raises
    ------
    TypeError
        If it means none.
    ValueError
        If `storage_options` are given with something other than a URL.

    Examples
    --------
    >>> from zarr.storage import normalize_store_arg
    >>> normalize_store_arg('data/example.zarr')
    <DirectoryStore: 'data/example.zarr'>
    """
    if isinstance(store, os.PathLike):
        store = os.fspath(store)
    if isinstance(store, str) and ("://" in store or "::" in store):
        kind = _load("N5FSStore" if store.endswith(".n5") else "FSStore")
        return kind(store, mode=mode, **(storage_options or {}))
    if storage_options:
        raise ValueError("storage_options are for URLs such as 's3://bucket/key' only")
    if store is None:
        return _of_version(default, zarr_version)({})
    if not isinstance(store, str):
        return _adopt(store)
    if store.endswith(".zip"):
        return _load("ZipStore")(store, mode=mode)
    if store.endswith(".n5"):
        return _load("N5Store")(store)
    return DirectoryStore(store)


def _of_version(kind: type[BaseStore], version: int | None) -> Callable[..., BaseStore]:
    """Return the kind of store that is `kind` with new arrays and groups of `version`."""
    if version not in _OF_VERSION:
        return kind
    module, ending = _OF_VERSION[version]
    found: Callable[..., BaseStore] = getattr(import_module(module), kind.__name__ + ending)
    return found


def _load(name: str) -> Callable[..., BaseStore]:
    """Return a class of a back end, which is imported only when it is needed."""
    found: Callable[..., BaseStore] = getattr(import_module("zarr.storage"), name)
    return found


def _adopt(store: Any) -> BaseStore:
    if isinstance(store, MutableMapping) and type(store).__module__ == "fsspec.mapping":
        return _load("FSStore").from_map(store)  # type: ignore[attr-defined, no-any-return]
    return as_store(store)
