"""Arrays and groups made from their metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zarr import _formats
from zarr.core.metadata.group import GroupMetadata
from zarr.storage.base import BaseStore, normalize_storage_path
from zarr.storage.nodes import create_array_node, new_group

__all__ = ["create_node", "create_nodes"]


def create_node(
    store: BaseStore, path: str, metadata: Any, *, overwrite: bool = False
) -> _formats.Found:
    """Write the metadata of a new array or group, and those of missing groups above it.

    Raises
    ------
    TypeError
        If `metadata` are not those of an array or group.
    ContainsArrayError, ContainsGroupError
        If there is an array or group and `overwrite` is False.
    """
    if isinstance(metadata, GroupMetadata):
        return new_group(store, overwrite, path, None, metadata.zarr_format, metadata.attributes)
    if not hasattr(metadata, "to_record"):
        raise TypeError(
            f"path {path!r}: expected ArrayV2Metadata, ArrayV3Metadata or GroupMetadata, not "
            f"{type(metadata).__name__}"
        )
    format = _formats.by_version(metadata.zarr_format) or _formats.NAMED
    return create_array_node(store, path, metadata.to_record(), format, overwrite, usable=True)


def create_nodes(store: BaseStore, nodes: Mapping[str, Any], *, overwrite: bool = False) -> None:
    """Create arrays and groups by their paths, those above others first."""
    in_order = sorted(nodes, key=lambda path: path.count("/") + bool(path))
    for path in in_order:
        create_node(store, normalize_storage_path(path), nodes[path], overwrite=overwrite)
