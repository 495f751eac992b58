"""Members of groups that code for the 3.x library uses, by way of those that all groups have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar

from zarr._formats.base import Format, join
from zarr._metadata.foreign_dtypes import JSON
from zarr._metadata.records import GroupMeta
from zarr.core.array import Array
from zarr.core.newer_names import chosen_config
from zarr.errors import GroupNotFoundError, named_after
from zarr.storage.base import BaseStore
from zarr.storage.consolidated import METADATA_KEY, ConsolidatedMetadataStore

if TYPE_CHECKING:
    from zarr.core.metadata.group import ConsolidatedMetadata, GroupMetadata, NodesBelow

__all__ = ["NewerGroupNames", "noting_the_3_x_library"]

P = ParamSpec("P")
T = TypeVar("T")
_NEWER = frozenset(("zarr_format", "use_consolidated"))
"""Parameters of functions that return groups, which only the 3.x library has, and not 2.x."""


def noting_the_3_x_library(function: Callable[P, T]) -> Callable[P, T]:
    """Note in the group that `function` returns that it was called by code for the 3.x library.

    Whoever names a parameter of that library only, even without a value, is such code.
    """

    @wraps(function)
    def noting(*args: P.args, **kwargs: P.kwargs) -> T:
        opened = function(*args, **kwargs)
        if isinstance(opened, NewerGroupNames) and not _NEWER.isdisjoint(kwargs):
            opened._skips_empty_chunks = True
        return opened

    return noting


@named_after("zarr.hierarchy", "Group")
class NewerGroupNames:
    """The properties and methods that only groups of the 3.x library have."""

    _format: Format
    _store: BaseStore
    _path: str
    _meta: GroupMeta
    _holder: NewerGroupNames | None = None
    """The group that this one was taken from, as its member."""
    _hides_copies = False
    """Whether the group was opened with ``use_consolidated=False``."""
    _skips_empty_chunks = False
    """Whether `array.write_empty_chunks` holds for members, which write all chunks in 2.x."""

    @property
    def metadata(self) -> GroupMetadata:
        """The metadata as a value.

        Its `consolidated_metadata` are those that the group was opened with. They are also shown
        where members are not looked up in them, unless the group was opened with
        ``use_consolidated=False``: who changes members must know that there are copies. In format
        2, they are read when they are asked for.

        Examples
        --------
        >>> import zarr
        >>> zarr.create_group(attributes={'title': 'Example'}).metadata.attributes
        {'title': 'Example'}
        """
        from zarr.core.metadata.group import (
            ConsolidatedMetadata,
            GroupMetadata,
            LateGroupMetadata,
        )

        nodes = self._nodes_below()
        attributes = self.attrs.asdict()  # type: ignore[attr-defined]
        if nodes is None and not (self._format.carries_copies or self._hides_copies):
            return LateGroupMetadata.of(attributes, self._format.shown_as, self._separate_copies)
        copies = None if nodes is None else ConsolidatedMetadata(nodes)
        return GroupMetadata(attributes, self._format.shown_as, copies)

    def _separate_copies(self) -> ConsolidatedMetadata | None:
        """Return the copies under a key of their own, of this group or of one it was taken from.

        None if there are none, or none of this group.
        """
        holder: NewerGroupNames | None = self
        while holder is not None and join(holder._path, METADATA_KEY) not in self._store:
            holder = holder._holder
        if holder is None or holder._hides_copies:
            return None
        store = ConsolidatedMetadataStore(
            self._store, path=holder._path, zarr_format=self._format.shown_as
        )
        with suppress(GroupNotFoundError):
            copied: NewerGroupNames = type(self)(store, self._path)  # type: ignore[call-arg]
            return copied.metadata.consolidated_metadata
        return None

    def _nodes_below(self) -> NodesBelow | None:
        """Return the copies of the metadata of all nodes below, None if there are none."""
        from zarr.core.metadata.group import NodesBelow, node_metadata

        paths = self._store.consolidated_paths(self._path)
        if paths is not None:
            return NodesBelow(dict.fromkeys(paths), lambda path: self[path].metadata)  # type: ignore[index]
        copies = self._copies()
        if copies is None:
            return None
        return NodesBelow(copies, lambda path: node_metadata(copies[path], path))

    def _copies(self) -> Mapping[str, JSON] | None:
        """Return the copies in the document of this group, or of one it was taken from.

        They may be out of date, so members are not looked up there.
        """
        if self._hides_copies:
            return None
        own = self._format.copies_in(self._meta)
        above = None if own is not None or self._holder is None else self._holder._copies()
        if above is None:
            return own
        inside = self._path.removeprefix(self._holder._path).strip("/")  # type: ignore[union-attr]
        prefix = f"{inside}/"
        return {p.removeprefix(prefix): at for p, at in above.items() if p.startswith(prefix)}

    @property
    def _async_group(self) -> Any:
        """The same group, with coroutines for methods."""
        return import_module("zarr._async.group").AsyncGroup._of(self)

    def _below(self, depth: int | None, prefix: str = "") -> Iterator[tuple[str, Any]]:
        for name, node in self.items():  # type: ignore[attr-defined]
            yield prefix + name, node
            if isinstance(node, NewerGroupNames) and depth != 0:
                below = None if depth is None else depth - 1
                yield from node._below(below, f"{prefix}{name}/")

    def members(
        self, max_depth: int | None = 0, *, use_consolidated_for_children: bool = True
    ) -> tuple[tuple[str, Any], ...]:
        """Return the arrays and groups in the group, or also those further below.

        Parameters
        ----------
        max_depth : int, optional
            Number of levels below the members to include. None includes all. 0 by default.
        use_consolidated_for_children : bool, default True
            Not used: a group that was opened with consolidated metadata uses them for all.

        Returns
        -------
        tuple of (str, Array or Group)
            Path, relative to the group, and object of each.

        Raises
        ------
        ValueError
            If `max_depth` is negative.

        Examples
        --------
        >>> import zarr
        >>> root = zarr.create_group()
        >>> z = root.create_array('foo/bar', shape=3, dtype='i4')
        >>> [path for path, _ in root.members()], [path for path, _ in root.members(None)]
        (['foo'], ['foo', 'foo/bar'])
        """
        if max_depth is not None and max_depth < 0:
            raise ValueError(f"max_depth must be None or >= 0. Got '{max_depth}' instead")
        return tuple(self._below(max_depth))

    def nmembers(self, max_depth: int | None = 0) -> int:
        """Return the number of :meth:`members`.

        Parameters
        ----------
        max_depth : int, optional
            Number of levels below the members to include. None includes all. 0 by default.

        Returns
        -------
        int
            Number of arrays and groups.

        Examples
        --------
        >>> import zarr
        >>> root = zarr.create_group()
        >>> z = root.create_array('foo/bar', shape=3, dtype='i4')
        >>> root.nmembers(), root.nmembers(max_depth=None)
        (1, 2)
        """
        return len(self.members(max_depth))

    def array_values(self) -> Iterator[Array]:
        """Iterate over the arrays among the members.

        Yields
        ------
        Array
            The array.

        Examples
        --------
        >>> import zarr
        >>> root = zarr.create_group()
        >>> z = root.create_array('z', shape=3, dtype='i4')
        >>> list(root.array_values())
        [<zarr.core.Array '/z' (3,) int32>]
        """
        return (array for _, array in self.arrays())  # type: ignore[attr-defined]

    def group_values(self) -> Iterator[Any]:
        """Iterate over the groups among the members.

        Yields
        ------
        Group
            The group.

        Examples
        --------
        >>> import zarr
        >>> root = zarr.create_group()
        >>> foo = root.create_group('foo')
        >>> list(root.group_values())
        [<zarr.hierarchy.Group '/foo'>]
        """
        return (group for _, group in self.groups())  # type: ignore[attr-defined]

    def get_array(self, path: str) -> Array:
        """Return the array of a name or path.

        Parameters
        ----------
        path : str
            Name or path.

        Returns
        -------
        Array
            The array.

        Raises
        ------
        KeyError
            If there is nothing.
        TypeError
            If there is a group.

        Examples
        --------
        >>> import zarr
        >>> root = zarr.create_group()
        >>> z = root.create_array('z', shape=3, dtype='i4')
        >>> root.get_array('z')
        <zarr.core.Array '/z' (3,) int32>
        """
        node = self[path]  # type: ignore[index]
        if not isinstance(node, Array):
            raise TypeError(f"{path!r} is the path of a group, not of an array")
        return node

    def get_group(self, path: str) -> Any:
        """Return the group of a name or path.

        Parameters
        ----------
        path : str
            Name or path.

        Returns
        -------
        Group
            The group.

        Raises
        ------
        KeyError
            If there is nothing.
        TypeError
            If there is an array.

        Examples
        --------
        >>> import zarr
        >>> root = zarr.create_group()
        >>> foo = root.create_group('foo')
        >>> root.get_group('foo')
        <zarr.hierarchy.Group '/foo'>
        """
        node = self[path]  # type: ignore[index]
        if isinstance(node, Array):
            raise TypeError(f"{path!r} is the path of an array, not of a group")
        return node

    def require_array(self, name: str, *, shape: Any, config: Any = None, **kwargs: Any) -> Array:
        """Return the array of a name, which is created if it does not exist.

        Parameters
        ----------
        name : str
            Name or path.
        shape : int or tuple of int
            Length of each dimension.
        config : ArrayConfig or dict, optional
            How the array is used, as for :func:`zarr.create_array`.
        **kwargs
            Other parameters of :meth:`create_array`, for a new array; `dtype` and `exact`, as for
            :meth:`require_dataset`, also for one that exists.

        Returns
        -------
        Array
            The array.

        Raises
        ------
        TypeError
            If the existing array has another shape or dtype.
        ContainsGroupError
            If there is a group at that path.

        Examples
        --------
        >>> import zarr
        >>> root = zarr.create_group()
        >>> z = root.require_array('foo', shape=10, dtype='i4')
        >>> root.require_array('foo', shape=10, dtype='i4') == z
        True
        """
        exact = kwargs.pop("exact", False)

        def create() -> Any:
            return self.create_array(name, shape=shape, config=config, **kwargs)  # type: ignore[attr-defined]

        array: Array = self._require(name, shape, kwargs.get("dtype"), exact, create)  # type: ignore[attr-defined]
        return array.with_config(config) if chosen_config(config) else array

    def update_attributes(self, new_attributes: Mapping[str, Any]) -> Self:
        """Set user attributes; others are kept.

        Parameters
        ----------
        new_attributes : dict
            Attributes by name.

        Returns
        -------
        Group
            This group.

        Examples
        --------
        >>> import zarr
        >>> dict(zarr.group().update_attributes({'title': 'Example'}).attrs)
        {'title': 'Example'}
        """
        self.attrs.update(new_attributes)  # type: ignore[attr-defined]
        return self

    async def update_attributes_async(self, new_attributes: Mapping[str, Any]) -> Self:
        """Set user attributes in a coroutine; others are kept.

        Parameters
        ----------
        new_attributes : dict
            Attributes by name.

        Returns
        -------
        Group
            This group.

        Examples
        --------
        >>> import asyncio
        >>> import zarr
        >>> root = zarr.group()
        >>> dict(asyncio.run(root.update_attributes_async({'title': 'Example'})).attrs)
        {'title': 'Example'}
        """
        in_thread = import_module("zarr.storage.event_loop").in_thread
        changed: Self = await in_thread(self.update_attributes, new_attributes)
        return changed

    def info_complete(self) -> Any:
        """Return :attr:`info`, which is complete here.

        Returns
        -------
        Info
            The summary.

        Examples
        --------
        >>> import zarr
        >>> summary = zarr.group().info_complete()
        """
        return self.info  # type: ignore[attr-defined]

    def create_hierarchy(
        self, nodes: Mapping[str, Any], *, overwrite: bool = False
    ) -> Iterator[tuple[str, Any]]:
        """Create arrays and groups from their metadata.

        Parameters
        ----------
        nodes : dict
            Metadata of arrays and groups by path, relative to the group.
        overwrite : bool, default False
            Whether to delete existing arrays and groups at these paths first.

        Yields
        ------
        path : str
            Path, relative to the group.
        node : Array or Group
            The new array or group.

        Raises
        ------
        ContainsArrayError, ContainsGroupError
            If there is an array or group at one of the paths and `overwrite` is False.

        Examples
        --------
        >>> import zarr
        >>> z = zarr.create_array(shape=3, dtype='i4')
        >>> root = zarr.create_group()
        >>> dict(root.create_hierarchy({'a/b': z.metadata}))
        {'a/b': <zarr.core.Array '/a/b' (3,) int32>}
        """
        from zarr.core.created_nodes import create_nodes

        prefix = f"{self._path}/" if self._path else ""
        paths = [p.strip("/") for p in nodes]
        inside = {prefix + p: m for p, m in zip(paths, nodes.values(), strict=True)}
        create_nodes(self._store, inside, overwrite=overwrite)
        return ((path, self[path]) for path in paths)  # type: ignore[index]
