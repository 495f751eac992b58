"""Zarr: chunked, compressed, N-dimensional arrays in any key-value store."""

from __future__ import annotations

import importlib as _importlib
from typing import Any

from zarr import codecs, config, errors, storage  # noqa: F401
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
    "full", "full_like", "group", "load", "ones", "ones_like", "open", "open_array",
    "open_consolidated", "open_group", "open_like", "save", "save_array", "save_group", "tree",
    "zeros", "zeros_like",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    # Stores that need other packages are imported when somebody asks for them.
    if name in storage._ELSEWHERE:
        return getattr(storage, name)
    if name == "n5":
        return _importlib.import_module("zarr.n5")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
