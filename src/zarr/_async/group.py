"""Groups whose methods are coroutines."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any, Self

from zarr import _formats
from zarr._async.threads import as_asynchronous, as_synchronous, in_thread, iterated
from zarr._metadata.records import GroupMeta
from zarr.core.metadata.group import GroupMetadata
from zarr.hierarchy import Group, create_group, open_group
from zarr.storage.base import as_store
from zarr.storage.store_path import StorePath

__all__ = ["AsyncGroup"]


def _group_of(metadata: Any, store_path: StorePath) -> Group:
    """Return the group at a path that has the given metadata, which are not read."""
    if isinstance(metadata, Mapping):
        metadata = GroupMetadata.from_dict(dict(metadata))
    format = _formats.by_version(metadata.zarr_format) or _formats.NAMED
    document = format.dump_group(GroupMeta(attributes=metadata.attributes))
    store, path = as_store(store_path.store), store_path.path
    found = format, format.group_key(path), document
    group = Group._of(found, store, path, not store.is_writeable())
    group.attrs._cached = dict(metadata.attributes)
    return group


def _property(name: str) -> property:
    return property(lambda self: getattr(self._group, name), doc=getattr(Group, name).__doc__)


class AsyncGroup:
    """A group whose methods are coroutines.

    Each coroutine calls the method of :class:`zarr.Group` in a thread. A coroutine that is
    cancelled ends when the call has ended, so that nothing goes on behind it.

    Parameters
    ----------
    metadata : GroupMetadata or dict
        The metadata. They are not read from the store.
    store_path : StorePath
        The store and the path of the group.

    Examples
    --------
    >>> import asyncio
    >>> from zarr.api import asynchronous
    >>> async def main():
    ...     root = await asynchronous.create_group()
    ...     z = await root.create_array('z', shape=3, dtype='i4')
    ...     return [name async for name in root.array_keys()]
    >>> asyncio.run(main())
    ['z']
    """

    _group: Group

    def __init__(self, metadata: Any, store_path: StorePath) -> None:
        self._group = _group_of(metadata, store_path)

    @classmethod
    def _of(cls, group: Group) -> Self:
        """Return the coroutines of a group."""
        result = cls.__new__(cls)
        result._group = group
        return result

    attrs = _property("attrs")
    basename = _property("basename")
    info = _property("info")
    metadata = _property("metadata")
    name = _property("name")
    path = _property("path")
    read_only = _property("read_only")
    store = _property("store")
    store_path = _property("store_path")
    synchronizer = _property("synchronizer")

    @classmethod
    async def open(
        cls, store: Any, zarr_format: int | None = None, use_consolidated: bool | str | None = None
    ) -> Self:
        """Open an existing group.

        Parameters
        ----------
        store : StoreLike
            The store, with the path of the group if it is not at the root.
        zarr_format : {2, 3}, optional
            Version of the format. The version found in the store by default.
        use_consolidated : bool or str, optional
            Whether to use consolidated metadata, or their key.

        Returns
        -------
        AsyncGroup
            The group.
        """
        return cls._of(
            await in_thread(
                open_group, store, "r+", zarr_format=zarr_format, use_consolidated=use_consolidated
            )
        )

    @classmethod
    async def from_store(cls, store: Any, **kwargs: Any) -> Self:
        """Create a group.

        Parameters
        ----------
        store : StoreLike
            The store.
        **kwargs
            Other parameters of :func:`zarr.create_group`.

        Returns
        -------
        AsyncGroup
            The group.
        """
        return cls._of(await in_thread(create_group, store, **kwargs))

    @classmethod
    def from_dict(cls, store_path: StorePath, data: Mapping[str, Any]) -> Self:
        """Return the group at a path that has the given metadata, which are not read.

        Parameters
        ----------
        store_path : StorePath
            The store and the path of the group.
        data : dict
            The metadata.

        Returns
        -------
        AsyncGroup
            The group.
        """
        return cls(data, store_path)

    # -- members ---------------------------------------------------------------------

    async def getitem(self, key: str) -> Any:
        """Return the member of that name or path.

        Parameters
        ----------
        key : str
            The name or path.

        Returns
        -------
        AsyncArray or AsyncGroup
            The member.

        Raises
        ------
        KeyError
            If there is no such member.
        """
        return as_asynchronous(await in_thread(self._group.__getitem__, key))

    async def get(self, key: str, default: Any = None) -> Any:
        """Return the member of that name or path, or a default.

        Parameters
        ----------
        key : str
            The name or path.
        default : object, optional
            What to return if there is no such member.

        Returns
        -------
        AsyncArray, AsyncGroup or object
            The member or the default.
        """
        return as_asynchronous(await in_thread(self._group.get, key, default))

    async def get_array(self, path: str) -> Any:
        """Return the array of that name or path.

        Parameters
        ----------
        path : str
            The name or path.

        Returns
        -------
        AsyncArray
            The array.
        """
        return as_asynchronous(await in_thread(self._group.get_array, path))

    async def get_group(self, path: str) -> AsyncGroup:
        """Return the group of that name or path.

        Parameters
        ----------
        path : str
            The name or path.

        Returns
        -------
        AsyncGroup
            The group.
        """
        return self._of(await in_thread(self._group.get_group, path))

    async def contains(self, member: str) -> bool:
        """Return whether there is a member of that name or path.

        Parameters
        ----------
        member : str
            The name or path.

        Returns
        -------
        bool
            Whether there is one.
        """
        return await in_thread(self._group.__contains__, member)

    async def setitem(self, key: str, value: Any) -> None:
        """Store an array, replacing the member if it exists.

        Parameters
        ----------
        key : str
            The name or path.
        value : array_like
            Data of the array.
        """
        await in_thread(self._group.__setitem__, key, value)

    async def delitem(self, key: str) -> None:
        """Delete a member.

        Parameters
        ----------
        key : str
            The name or path.
        """
        await in_thread(self._group.__delitem__, key)

    async def move(self, source: str, dest: str) -> None:
        """Move a member.

        Parameters
        ----------
        source : str
            The path.
        dest : str
            The new path.
        """
        await in_thread(self._group.move, source, dest)

    async def members(
        self, max_depth: int | None = 0, *, use_consolidated_for_children: bool = True
    ) -> AsyncIterator[tuple[str, Any]]:
        """Iterate over members.

        Parameters
        ----------
        max_depth : int, optional
            How many groups below to enter. None by all.
        use_consolidated_for_children : bool, default True
            Not used.

        Yields
        ------
        name : str
            The path, relative to this group.
        member : AsyncArray or AsyncGroup
            The member.
        """
        async for name, node in iterated(lambda: iter(self._group.members(max_depth))):
            yield name, as_asynchronous(node)

    async def nmembers(self, max_depth: int | None = 0) -> int:
        """Return the number of members.

        Parameters
        ----------
        max_depth : int, optional
            How many groups below to enter. None for all.

        Returns
        -------
        int
            The number.
        """
        return await in_thread(self._group.nmembers, max_depth)

    async def keys(self) -> AsyncIterator[str]:
        """Iterate over the names of members.

        Yields
        ------
        str
            The name.
        """
        async for name in iterated(self._group.keys):
            yield name

    async def array_keys(self) -> AsyncIterator[str]:
        """Iterate over the names of arrays.

        Yields
        ------
        str
            The name.
        """
        async for name in iterated(self._group.array_keys):
            yield name

    async def group_keys(self) -> AsyncIterator[str]:
        """Iterate over the names of groups.

        Yields
        ------
        str
            The name.
        """
        async for name in iterated(self._group.group_keys):
            yield name

    async def arrays(self) -> AsyncIterator[tuple[str, Any]]:
        """Iterate over arrays.

        Yields
        ------
        name : str
            The name.
        array : AsyncArray
            The array.
        """
        async for name, array in iterated(self._group.arrays):
            yield name, as_asynchronous(array)

    async def groups(self) -> AsyncIterator[tuple[str, AsyncGroup]]:
        """Iterate over groups.

        Yields
        ------
        name : str
            The name.
        group : AsyncGroup
            The group.
        """
        async for name, group in iterated(self._group.groups):
            yield name, self._of(group)

    async def array_values(self) -> AsyncIterator[Any]:
        """Iterate over arrays.

        Yields
        ------
        AsyncArray
            The array.
        """
        async for _, array in self.arrays():
            yield array

    async def group_values(self) -> AsyncIterator[AsyncGroup]:
        """Iterate over groups.

        Yields
        ------
        AsyncGroup
            The group.
        """
        async for _, group in self.groups():
            yield group

    # -- creation --------------------------------------------------------------------

    async def create_group(self, name: str, **kwargs: Any) -> AsyncGroup:
        """Create a group.

        Parameters
        ----------
        name : str
            The name or path.
        **kwargs
            Other parameters of :meth:`zarr.Group.create_group`.

        Returns
        -------
        AsyncGroup
            The group.
        """
        return self._of(await in_thread(self._group.create_group, name, **kwargs))

    async def require_group(self, name: str, overwrite: bool = False) -> AsyncGroup:
        """Return a group, created if it does not exist.

        Parameters
        ----------
        name : str
            The name or path.
        overwrite : bool, default False
            Whether to replace an existing group.

        Returns
        -------
        AsyncGroup
            The group.
        """
        return self._of(await in_thread(self._group.require_group, name, overwrite))

    async def require_groups(self, *names: str) -> tuple[AsyncGroup, ...]:
        """Return groups, created if they do not exist.

        Parameters
        ----------
        *names
            The names or paths.

        Returns
        -------
        tuple of AsyncGroup
            The groups.
        """
        return tuple(map(self._of, await in_thread(self._group.require_groups, *names)))

    async def create_array(self, name: str, **kwargs: Any) -> Any:
        """Create an array.

        Parameters
        ----------
        name : str
            The name or path.
        **kwargs
            Other parameters of :func:`zarr.create_array`.

        Returns
        -------
        AsyncArray
            The array.
        """
        return as_asynchronous(await in_thread(self._group.create_array, name, **kwargs))

    async def require_array(self, name: str, **kwargs: Any) -> Any:
        """Return an array, created if it does not exist.

        Parameters
        ----------
        name : str
            The name or path.
        **kwargs
            Other parameters of :meth:`zarr.Group.require_array`.

        Returns
        -------
        AsyncArray
            The array.
        """
        return as_asynchronous(await in_thread(self._group.require_array, name, **kwargs))

    async def create_hierarchy(
        self, nodes: Mapping[str, Any], *, overwrite: bool = False
    ) -> AsyncIterator[tuple[str, Any]]:
        """Create arrays and groups from their metadata.

        Parameters
        ----------
        nodes : dict
            Metadata by path, relative to this group.
        overwrite : bool, default False
            Whether to replace existing arrays and groups.

        Yields
        ------
        path : str
            The path, relative to this group.
        node : AsyncArray or AsyncGroup
            The new array or group.
        """
        create = partial(self._group.create_hierarchy, nodes, overwrite=overwrite)
        async for path, node in iterated(lambda: iter(create())):
            yield path, as_asynchronous(node)

    async def _filled(self, method: str, name: str, kwargs: dict[str, Any]) -> Any:
        given = {key: as_synchronous(value) for key, value in kwargs.items()}
        return as_asynchronous(await in_thread(getattr(self._group, method), name, **given))

    async def empty(self, *, name: str, **kwargs: Any) -> Any:
        """Create an array.

        The parameters and return value are those of :meth:`zarr.Group.empty`; the array
        is an `AsyncArray`.
        """
        return await self._filled("empty", name, kwargs)

    async def zeros(self, *, name: str, **kwargs: Any) -> Any:
        """Create an array.

        The parameters and return value are those of :meth:`zarr.Group.zeros`; the array
        is an `AsyncArray`.
        """
        return await self._filled("zeros", name, kwargs)

    async def ones(self, *, name: str, **kwargs: Any) -> Any:
        """Create an array.

        The parameters and return value are those of :meth:`zarr.Group.ones`; the array
        is an `AsyncArray`.
        """
        return await self._filled("ones", name, kwargs)

    async def full(self, *, name: str, **kwargs: Any) -> Any:
        """Create an array.

        The parameters and return value are those of :meth:`zarr.Group.full`; the array
        is an `AsyncArray`.
        """
        return await self._filled("full", name, kwargs)

    async def empty_like(self, *, name: str, **kwargs: Any) -> Any:
        """Create an array.

        The parameters and return value are those of :meth:`zarr.Group.empty_like`; the array
        is an `AsyncArray`.
        """
        return await self._filled("empty_like", name, kwargs)

    async def zeros_like(self, *, name: str, **kwargs: Any) -> Any:
        """Create an array.

        The parameters and return value are those of :meth:`zarr.Group.zeros_like`; the array
        is an `AsyncArray`.
        """
        return await self._filled("zeros_like", name, kwargs)

    async def ones_like(self, *, name: str, **kwargs: Any) -> Any:
        """Create an array.

        The parameters and return value are those of :meth:`zarr.Group.ones_like`; the array
        is an `AsyncArray`.
        """
        return await self._filled("ones_like", name, kwargs)

    async def full_like(self, *, name: str, **kwargs: Any) -> Any:
        """Create an array.

        The parameters and return value are those of :meth:`zarr.Group.full_like`; the array
        is an `AsyncArray`.
        """
        return await self._filled("full_like", name, kwargs)

    # -- other -----------------------------------------------------------------------

    async def update_attributes(self, new_attributes: Mapping[str, Any]) -> Self:
        """Set user attributes; others are kept.

        Parameters
        ----------
        new_attributes : dict
            Attributes by name.

        Returns
        -------
        AsyncGroup
            This group.
        """
        await in_thread(self._group.update_attributes, new_attributes)
        return self

    async def tree(
        self,
        expand: bool | None = None,
        level: int | None = None,
        *,
        max_nodes: int | None = None,
        plain: bool = False,
    ) -> Any:
        """Return a display of the hierarchy below the group.

        Parameters
        ----------
        expand : bool, optional
            Whether all groups are open in the HTML.
        level : int, optional
            Maximum depth. Unlimited by default.
        max_nodes : int, optional
            Maximum number of arrays and groups to show. Unlimited by default.
        plain : bool, default False
            Whether to show plain text in notebooks, too.

        Returns
        -------
        TreeViewer
            The tree.
        """
        tree = partial(self._group.tree, max_nodes=max_nodes, plain=plain)
        return await in_thread(tree, bool(expand), level)

    async def info_complete(self) -> Any:
        """Return :attr:`info`, which is complete here.

        Returns
        -------
        Info
            The summary.
        """
        return await in_thread(self._group.info_complete)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AsyncGroup) and self._group == other._group

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<AsyncGroup {self.store_path}>"
