"""The functions that create and open arrays and groups, as the 3.x library names their module."""

from zarr.convenience import (
    consolidate_metadata,
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
from zarr.core.array import Array
from zarr.core.sync_group import create_hierarchy
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
from zarr.hierarchy import Group, create_group, group, open_group

__all__ = [
    "Array", "Group", "array", "consolidate_metadata", "copy", "copy_all", "copy_store", "create",
    "create_array", "create_group", "create_hierarchy", "empty", "empty_like",
    "from_array", "full", "full_like", "group", "load", "ones", "ones_like", "open", "open_array",
    "open_consolidated", "open_group", "open_like", "save", "save_array", "save_group", "tree",
    "zeros", "zeros_like",
]  # fmt: skip
