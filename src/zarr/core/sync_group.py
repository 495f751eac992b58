"""Arrays and groups by their paths and from their metadata, for code for the 3.x library."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from zarr import _formats
from zarr.core.array import Array
from zarr.core.created_nodes import create_nodes
from zarr.errors import PathNotFoundError
from zarr.hierarchy import Group
from zarr.storage.base import BaseStore, normalize_storage_path
from zarr.storage.resolve import StoreLike, normalize_store_arg

__all__ = ["create_hierarchy", "get_node"]


def _node(store: BaseStore, path: str, version: Any = None) -> Array | Group:
    path = normalize_storage_path(path)
    node = _formats.find_node(store, path, version)
    if node is None:
        raise _formats.not_found(PathNotFoundError, store, path, version)
    kind, found = node
    return (Array if kind == "array" else Group)._of(found, store, path, not store.is_writeable())


def get_node(store: StoreLike, path: str, zarr_format: int) -> Array | Group:
    """Return the array or group at a path.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str
        A store, a path or a URL.
    path : str
        Path in the store.
    zarr_format : {2, 3}
        Version of the format.

    Returns
    -------
    Array or Group
        The array or group.

    Raises
    ------
    PathNotFoundError
        If there is neither.
    """
    return _node(normalize_store_arg(store, mode="r+"), path, zarr_format)


def create_hierarchy(
    *, store: StoreLike, nodes: Mapping[str, Any], overwrite: bool = False
) -> Iterator[tuple[str, Array | Group]]:
    """Create arrays and groups from their metadata.

    Groups above them that do not exist are created, too.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str
        A store, a path or a URL.
    nodes : dict
        Metadata of arrays and groups, such as their attribute `metadata`, by path.
    overwrite : bool, default False
        Whether to delete existing arrays and groups at these paths first.

    Yields
    ------
    path : str
        Path in the store.
    node : Array or Group
        The new array or group.

    Raises
    ------
    ContainsArrayError, ContainsGroupError
        If there is an array or group at one of the paths and `overwrite` is False.
    TypeError
        If the metadata are of another type.

    Examples
    --------
    >>> import zarr
    >>> z = zarr.create_array(shape=3, dtype='i4')
    >>> dict(zarr.create_hierarchy(store={}, nodes={'a': z.metadata}))
    {'': <zarr.hierarchy.Group '/'>, 'a': <zarr.core.Array '/a' (3,) int32>}
    """
    target = normalize_store_arg(store, mode="a")
    paths = {normalize_storage_path(path): metadata for path, metadata in nodes.items()}
    create_nodes(target, paths, overwrite=overwrite)
    above = {"/".join(path.split("/")[:n]) for path in paths for n in range(path.count("/") + 1)}
    return ((path, _node(target, path)) for path in sorted({*paths, *above}))
