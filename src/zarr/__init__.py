"""Zarr: chunked, compressed, N-dimensional arrays in any key-value store."""

from __future__ import annotations

import importlib as _importlib
import typing as _typing

from zarr import (  # noqa: F401
    _numcodecs_check,
    codecs,
    config,
    errors,
    storage,
)
from zarr._version import __version__
from zarr.codecs import *  # noqa: F403  codecs have always been found here, too
from zarr.convenience import (
    consolidate_metadata,
    convert,
    copy,
    copy_all,
    copy_store,
    load,
    open,
    open_consolidated,
    save,
    save_array,
    save_group,
    tree,
)
from zarr.core import Array
from zarr.creation import (
    array,
    create,
    create_array,
    empty,
    empty_like,
    from_array,
    full,
    full_like,
    ones,
    ones_like,
    open_array,
    open_like,
    zeros,
    zeros_like,
)
from zarr.errors import CopyError, MetadataError
from zarr.hierarchy import Group, create_group, group, open_group
from zarr.storage import (
    DictStore,
    DirectoryStore,
    KVStore,
    MemoryStore,
    NestedDirectoryStore,
    TempStore,
)
from zarr.sync import ProcessSynchronizer, ThreadSynchronizer

__all__ = [
    "Array", "CopyError", "DictStore", "DirectoryStore", "Group", "KVStore", "MemoryStore",
    "MetadataError", "NestedDirectoryStore", "ProcessSynchronizer", "TempStore",
    "ThreadSynchronizer", "__version__", "array", "consolidate_metadata", "convert", "copy",
    "copy_all", "copy_store", "create", "create_array", "create_group", "empty", "empty_like",
    "from_array", "full", "full_like", "group", "load", "ones", "ones_like", "open", "open_array",
    "open_consolidated", "open_group", "open_like", "save", "save_array", "save_group", "tree",
    "zeros", "zeros_like",
]  # fmt: skip


_LATER = frozenset((
    "abc", "api", "buffer", "context", "dtype", "experimental", "meta", "meta_v1", "metadata", "n5",
    "registry", "types", "util",
))  # fmt: skip
"""Modules that are imported at first use."""

_NEWER: dict[str, str] = {
    "AsyncArray": "zarr._async.array",
    "AsyncGroup": "zarr._async.group",
    "create_hierarchy": "zarr.core.sync_group",
    "print_debug_info": "zarr.core.debug_info",
}
"""Names of the 3.x library, with the modules that they are imported from at first use."""

_TOOLS = {
    "append": "append",
    "check": "check",
    "diff": "diff",
    "digest": "digest",
    "manifest": "manifest",
    "seal": "seal",
    "unseal": "seal",
    "traffic": "traffic",
    "drop_snapshot": "snapshot",
    "open_snapshot": "snapshot",
    "recover": "transaction",
    "restore_snapshot": "snapshot",
    "snapshot": "snapshot",
    "snapshots": "snapshot",
    "transaction": "transaction",
    "vacuum": "check",
}
"""Functions for whole hierarchies, with the modules of `zarr.tools` that they are imported from."""

_MODULES = (
    "attrs", "codecs", "config", "convenience", "core", "creation", "errors", "hierarchy", "n5",
    "storage", "sync",
)  # fmt: skip
"""Modules for users; the others are internal, or names that only old code needs."""

if _typing.TYPE_CHECKING:  # type checkers and editors do not follow `__getattr__`
    from zarr._async.array import AsyncArray as AsyncArray
    from zarr._async.group import AsyncGroup as AsyncGroup
    from zarr.core.debug_info import print_debug_info as print_debug_info
    from zarr.core.sync_group import create_hierarchy as create_hierarchy
    from zarr.storage import ABSStore as ABSStore
    from zarr.storage import DBMStore as DBMStore
    from zarr.storage import FSStore as FSStore
    from zarr.storage import LMDBStore as LMDBStore
    from zarr.storage import LRUStoreCache as LRUStoreCache
    from zarr.storage import MongoDBStore as MongoDBStore
    from zarr.storage import N5FSStore as N5FSStore
    from zarr.storage import N5Store as N5Store
    from zarr.storage import ObjectStore as ObjectStore
    from zarr.storage import RedisStore as RedisStore
    from zarr.storage import SQLiteStore as SQLiteStore
    from zarr.storage import ZipStore as ZipStore
    from zarr.tools.append import append as append
    from zarr.tools.check import check as check
    from zarr.tools.check import vacuum as vacuum
    from zarr.tools.diff import diff as diff
    from zarr.tools.digest import digest as digest
    from zarr.tools.manifest import manifest as manifest
    from zarr.tools.seal import seal as seal
    from zarr.tools.seal import unseal as unseal
    from zarr.tools.snapshot import drop_snapshot as drop_snapshot
    from zarr.tools.snapshot import open_snapshot as open_snapshot
    from zarr.tools.snapshot import restore_snapshot as restore_snapshot
    from zarr.tools.snapshot import snapshot as snapshot
    from zarr.tools.snapshot import snapshots as snapshots
    from zarr.tools.traffic import traffic as traffic
    from zarr.tools.transaction import recover as recover
    from zarr.tools.transaction import transaction as transaction
else:

    def __getattr__(name: str) -> object:
        # Stores that need other packages are imported at first use.
        if name in storage._ELSEWHERE:
            return getattr(storage, name)
        if name in _TOOLS:
            return getattr(_importlib.import_module(f"zarr.tools.{_TOOLS[name]}"), name)
        if name in _NEWER:
            return getattr(_importlib.import_module(_NEWER[name]), name)
        if name in _LATER:
            return _importlib.import_module(f"zarr.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    own = [name for name in globals() if name.startswith("__")]
    return sorted(
        {*__all__, *codecs.__all__, *storage._ELSEWHERE, *_TOOLS, *_NEWER, *_MODULES, *own}
    )
