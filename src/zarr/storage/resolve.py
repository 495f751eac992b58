"""The store for a path, a URL or an object."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from zarr import _formats, config
from zarr.storage.base import BaseStore, KVStore, as_store
from zarr.storage.directory import DirectoryStore
from zarr.storage.memory import MemoryStore
from zarr.storage.store_path import StorePath

__all__ = ["Opened", "StoreLike", "normalize_store_arg"]

if TYPE_CHECKING:  # nothing else needs it
    from zarr.abc.store import Store

    StoreLike: TypeAlias = (
        BaseStore | Store | StorePath | MutableMapping[str, Any] | str | os.PathLike[str] | None
    )
else:
    StoreLike = BaseStore | StorePath | MutableMapping[str, Any] | str | os.PathLike[str] | None
"""What a store can be given as."""

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
    """Return the store for the argument `store` of the functions that open and create.

    Parameters
    ----------
    store : BaseStore, MutableMapping, str, path-like or None
        A store, including those of ``obstore``; any mapping; a path, with a `ZipStore` for
        ``.zip`` and an `N5Store` for ``.n5``; a URL, with an archive for ``.zip`` in mode 'r'; or
        None for a new store in memory.
    storage_options : Mapping, optional
        Options of the file system of ``fsspec`` for a URL. URLs of object stores are opened as a
        `URLStore`, through ``obstore`` if that is installed and supports all of them, and others
        as an `FSStore`. Not used with a store or a mapping.
    mode : str, default 'r'
        Mode for ``.zip`` files and URLs.
    zarr_version : int, optional
        Version of the format in which a new store in memory creates arrays and groups.
    default : type, default KVStore
        The class of a new store in memory.

    Returns
    -------
    BaseStore
        `store` itself if it is a store.

    Raises
    ------
    StoreTypeError
        If `store` is none of these.
    ValueError
        If `storage_options` are given with a path that is not a URL, or there is no such version
        of the format.

    Examples
    --------
    >>> from zarr.storage import normalize_store_arg
    >>> type(normalize_store_arg('data/example.zarr')).__name__
    'DirectoryStore'
    """
    if zarr_version is not None:
        _formats.by_version(zarr_version)
    if store is None:
        kind = _of_version(default, zarr_version)
        return kind() if default is MemoryStore else kind({})
    if not isinstance(store, str) and isinstance(store, os.PathLike):
        store = os.fspath(store)
    if not isinstance(store, str):
        return _adopt(store, mode)
    if "://" in store or "::" in store:
        return _open_url(store, mode, storage_options or {})
    if storage_options:
        raise ValueError("storage_options are for URLs such as 's3://bucket/key' only")
    if store.endswith(".zip"):
        return _load("ZipStore")(store, mode=mode)
    if store.endswith(".n5"):
        return _load("N5Store")(store)
    return DirectoryStore(store)


def _open_url(url: str, mode: str, options: Mapping[str, Any]) -> BaseStore:
    """Return the store for a URL: the fastest that supports all of its options."""
    if url.endswith(".n5"):
        return _load("N5FSStore")(url, mode=mode, **options)
    if _is_remote_zip(url, mode):
        with suppress(FileNotFoundError):  # of which the store without an archive can tell more
            return _load("FSStore")(f"zip::{url}", mode=mode, **options)
    if config.get().remote == "auto":
        direct: BaseStore | None = _load("URLStore").if_direct(url, mode, options)  # type: ignore[attr-defined]
        if direct is not None:
            return direct
    return _load("FSStore")(url, mode=mode, **options)


def _of_version(kind: type[BaseStore], version: int | None) -> Callable[..., BaseStore]:
    """Return `kind`, or its subclass whose new arrays and groups have the given version."""
    if version not in _OF_VERSION:
        return kind
    module, ending = _OF_VERSION[version]
    found: Callable[..., BaseStore] = getattr(import_module(module), kind.__name__ + ending)
    return found


def _load(name: str) -> Callable[..., BaseStore]:
    """Return a class of a back end, which is imported only when it is needed."""
    found: Callable[..., BaseStore] = getattr(import_module("zarr.storage"), name)
    return found


def _is_remote_zip(url: str, mode: str) -> bool:
    """Tell whether a URL means an archive, which can only be read on another machine."""
    path = url.partition("?")[0]
    return mode == "r" and "::" not in url and path.endswith(".zip") and "://" in path


def _adopt(store: Any, mode: str) -> BaseStore:
    package = type(store).__module__.partition(".")[0]
    if package == "obstore":
        return _load("ObjectStore")(store, mode="r" if mode == "r" else "w")
    if package == "upath":
        return _load("FsspecStore").from_upath(store, mode == "r")  # type: ignore[attr-defined, no-any-return]
    if isinstance(store, StorePath):
        return _adopt(store.store, mode)
    if isinstance(store, MutableMapping) and type(store).__module__ == "fsspec.mapping":
        return _load("FSStore").from_map(store)  # type: ignore[attr-defined, no-any-return]
    return as_store(store)


class Opened:
    """The store that an argument means, closed at the end if it was opened here.

    Parameters
    ----------
    store
        What :func:`normalize_store_arg` accepts.
    mode : str, default 'w'
        File mode for ``.zip`` files and URLs.
    """

    def __init__(self, store: Any, mode: str = "w") -> None:
        self._is_ours = store is None or isinstance(store, (str, os.PathLike))
        self._store = normalize_store_arg(store, mode=mode)

    def __enter__(self) -> BaseStore:
        return self._store

    def __exit__(self, *error: object) -> None:
        if self._is_ours:
            self._store.close()

    def __repr__(self) -> str:
        return repr(self._store)
