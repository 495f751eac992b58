"""Stores: where the bytes of arrays and groups live.

Any ``MutableMapping`` of strings to bytes will do; the classes here do it well for a
number of back ends. Those that need another package import it when they are used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from numcodecs import Blosc

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
    TempStore,
    atexit_rmglob,
    atexit_rmtree,
)
from zarr.storage.memory import MemoryStore
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
from zarr.storage.resolve import normalize_store_arg

default_compressor = Blosc()
"""The compressor of arrays for which none is named. May be replaced."""

_ELSEWHERE = {
    "ABSStore": "azure",
    "DBMStore": "dbm",
    "FSStore": "fsspec",
    "LMDBStore": "lmdb",
    "LRUStoreCache": "cache",
    "MongoDBStore": "mongodb",
    "N5FSStore": "n5",
    "N5Store": "n5",
    "ObjectStore": "object",
    "RedisStore": "redis",
    "SQLiteStore": "sqlite",
    "ZipStore": "zip",
}
"""Back ends that are imported when somebody asks for them, and their modules."""

DictStore = MemoryStore
for _class in (
    BaseStore, ConsolidatedMetadataStore, DirectoryStore, KVStore, MemoryStore,
    NestedDirectoryStore, TempStore,
):  # fmt: skip
    _class.__module__ = __name__  # where users find them, and pickles look for them

__all__ = [  # noqa: PLE0604  the names of back ends
    *_ELSEWHERE,
    "BaseStore", "Buffer", "ConsolidatedMetadataStore", "DictStore", "DirectoryStore",
    "FSPathExistNotDir", "KVStore", "MemoryStore", "MetadataError", "NestedDirectoryStore",
    "ReadOnlyError", "Store", "TempStore", "as_store", "atexit_rmglob", "atexit_rmtree",
    "contains_array", "contains_group", "default_compressor", "getsize", "init_array",
    "init_group", "listdir", "migrate_1to2", "normalize_storage_path", "normalize_store_arg",
    "rename", "rmdir",
]  # fmt: skip


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
