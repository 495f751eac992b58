"""Groups and their metadata, under the names that code for the 3.x library imports."""

from zarr._async.group import AsyncGroup
from zarr.core.metadata.group import ConsolidatedMetadata, GroupMetadata
from zarr.core.sync_group import create_hierarchy, get_node
from zarr.hierarchy import Group

__all__ = [
    "AsyncGroup",
    "ConsolidatedMetadata",
    "Group",
    "GroupMetadata",
    "create_hierarchy",
    "get_node",
]
