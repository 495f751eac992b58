"""Groups and their metadata, under the names that code for the 3.x library imports."""

from importlib import import_module
from typing import Any

from zarr.core.metadata.group import ConsolidatedMetadata, GroupMetadata
from zarr.core.sync_group import create_hierarchy, get_node
from zarr.hierarchy import Group

__all__ = ["ConsolidatedMetadata", "Group", "GroupMetadata", "create_hierarchy", "get_node"]


def __getattr__(name: str) -> Any:
    if name == "AsyncGroup":  # which is imported at first use
        return import_module("zarr._async.group").AsyncGroup
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
