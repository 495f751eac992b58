"""Stores: where the bytes of arrays and groups live.

Any ``MutableMapping`` of strings to bytes will do; the classes here do it well for a
number of back ends. Those that need another package import it when they are used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from numcodecs import Blosc

from zarr import _formats
from zarr.errors import FSPathExistNotDir, MetadataError, ReadOnlyError
from zarr.storage.base import (
    BaseStore,
    Buffer,
    KVStore,
    Store,
    as_store,
    normalize_storage_path,
)
from zarr.storage.consolidated import ConsolidatedMetadataStore
from zarr.storage.directory import (
    DirectoryStore,
    NestedDirectoryStore,
)
from zarr.storage.memory import DictStore, MemoryStore
from zarr.storage.nodes import (
    contains_array,
    contains_group,
    getsize,
    init_array,
    init_group,
    listdir,
    migrate_1to2,
    rename,
    rmdir,
)
from zarr.storage.resolve import StoreLike, normalize_store_arg
from zarr.storage.store_path import StorePath
from zarr.storage.temporary import TempStore, atexit_rmglob, atexit_rmtree

if TYPE_CHECKING:  # type checkers and editors do not follow `__getattr__`
    from zarr.storage.azure import ABSStore as ABSStore
    from zarr.storage.cache import LRUStoreCache as LRUStoreCache
    from zarr.storage.dbm import DBMStore as DBMStore
    from zarr.storage.fsspec import FSStore as FSStore
    from zarr.storage.fsspec_store import FsspecStore as FsspecStore
    from zarr.storage.lmdb import LMDBStore as LMDBStore
    from zarr.storage.local import LocalStore as LocalStore
    from zarr.storage.logged import LoggingStore as LoggingStore
    from zarr.storage.managed_memory import ManagedMemoryStore as ManagedMemoryStore
    from zarr.storage.mongodb import MongoDBStore as MongoDBStore
    from zarr.storage.n5 import N5FSStore as N5FSStore
    from zarr.storage.n5 import N5Store as N5Store
    from zarr.storage.object import ObjectStore as ObjectStore
    from zarr.storage.ocdbt import OCDBTStore as OCDBTStore
    from zarr.storage.redis import RedisStore as RedisStore
    from zarr.storage.sqlite import SQLiteStore as SQLiteStore
    from zarr.storage.url import URLStore as URLStore
    from zarr.storage.wrapper import WrapperStore as WrapperStore
    from zarr.storage.zip import ZipStore as ZipStore

array_meta_key, group_meta_key, attrs_key = (
    _formats.DEFAULT.array_key(""),
    _formats.DEFAULT.group_key(""),
    _formats.DEFAULT.attrs_key(""),
)
"""Keys of metadata at the root of a store, in version 2 of the format."""

default_compressor = Blosc()
"""The compressor of arrays for which none is named. May be replaced."""

_ELSEWHERE = {
    "ABSStore": "azure",
    "DBMStore": "dbm",
    "FSStore": "fsspec",
    "FsspecStore": "fsspec_store",
    "LMDBStore": "lmdb",
    "LRUStoreCache": "cache",
    "LocalStore": "local",
    "LoggingStore": "logged",
    "ManagedMemoryStore": "managed_memory",
    "MongoDBStore": "mongodb",
    "N5FSStore": "n5",
    "N5Store": "n5",
    "OCDBTStore": "ocdbt",
    "ObjectStore": "object",
    "RedisStore": "redis",
    "SQLiteStore": "sqlite",
    "URLStore": "url",
    "WrapperStore": "wrapper",
    "ZipStore": "zip",
}
"""Back ends that are imported at first use, and their modules."""

for _class in (
    BaseStore, ConsolidatedMetadataStore, DictStore, DirectoryStore, KVStore, MemoryStore,
    NestedDirectoryStore, StorePath, TempStore,
):  # fmt: skip
    _class.__module__ = __name__  # where users find them, and pickles look for them

__all__ = [  # noqa: PLE0604  the names of back ends
    *_ELSEWHERE,
    "BaseStore", "Buffer", "ConsolidatedMetadataStore", "DictStore", "DirectoryStore",
    "FSPathExistNotDir", "KVStore", "MemoryStore", "MetadataError", "NestedDirectoryStore",
    "ReadOnlyError", "Store", "StoreLike", "StorePath", "TempStore", "array_meta_key", "as_store",
    "atexit_rmglob", "atexit_rmtree", "attrs_key", "group_meta_key",
    "contains_array", "contains_group", "default_compressor", "getsize", "init_array",
    "init_group", "listdir", "migrate_1to2", "normalize_storage_path", "normalize_store_arg",
    "rename", "rmdir",
]  # fmt: skip


def _path_to_prefix(path: str | None) -> str:
    """Return what the keys below `path` begin with; a private name that stores for 2.x import."""
    return f"{path}/" if path else ""


if not TYPE_CHECKING:  # or else any name would pass

    def __getattr__(name: str) -> Any:
        module = _ELSEWHERE.get(name)
        if module is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            found = getattr(import_module(f"{__name__}.{module}"), name)
        except ModuleNotFoundError as error:
            if error.name == f"{__name__}.{module}":
                raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
            raise
        if found.__module__ == f"{__name__}.{module}":
            found.__module__ = __name__
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
