"""Groups: arrays and groups by name, in a hierarchy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from functools import partial
from itertools import islice
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias, TypeVar

from zarr import _formats, config, creation
from zarr._formats.base import NodeKind, join
from zarr._formats.seals import SEAL
from zarr._metadata.records import GroupMeta
from zarr._nodes.display import Info, TreeViewer, group_html, group_info, type_name
from zarr._nodes.members import Listed, checked, no_member
from zarr._nodes.node import Node
from zarr.config import Missing, Verify, check_missing
from zarr.core import Array
from zarr.core.newer_group_names import NewerGroupNames, noting_the_3_x_library
from zarr.core.newer_names import or_of_coroutines
from zarr.errors import (
    ContainsArrayError,
    ContainsGroupError,
    GroupNotFoundError,
)
from zarr.storage import consolidated
from zarr.storage.base import BaseStore, normalize_storage_path
from zarr.storage.memory import MemoryStore
from zarr.storage.nodes import (
    holds_metadata,
    is_auto,
    move_node,
    new_group,
    remove_node,
    require_parents,
    settled,
)
from zarr.storage.resolve import StoreLike, normalize_store_arg
from zarr.storage.store_path import without_path
from zarr.sync import KeyLocks, Synchronizer

__all__ = ["Group", "create_group", "group", "open_group"]

Mode: TypeAlias = Literal["r", "r+", "a", "w", "w-"]
T = TypeVar("T")


class Group(NewerGroupNames, Node, MutableMapping[str, Any]):
    """A group in a store, opened by its path: a mapping of names to arrays and groups.

    Groups are created by :func:`zarr.group`, :func:`zarr.open_group` and their own methods; the
    class itself is rarely called.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str
        The store that holds the group, or a path or URL of one. A ``with`` statement closes it.
    path : str, optional
        Path of the group in the store. The root by default.
    read_only : bool, default False
        Whether nothing can be changed through this object.
    chunk_store : BaseStore, MutableMapping or str, optional
        The store that holds the chunks of arrays, if they are not in `store`.
    cache_attrs : bool, default True
        Whether to read user attributes once. If False, they are read at each access.
    synchronizer : Synchronizer, optional
        Locks between processes, also for the members.
    zarr_version : int, optional
        Version of the format. The version found in the store by default.
    meta_array : array, optional
        Array of the type that reads return, for instance of a GPU library. NumPy by default.
    missing : {'fill', 'warn', 'error'}, optional
        How reading from arrays treats absent chunks, see :func:`zarr.open_array`.
    verify : bool or 'auto', optional
        Whether reading compares what is stored with its seal, see :func:`zarr.open_array`.

    Raises
    ------
    GroupNotFoundError
        If there is no group at `path`.
    ContainsArrayError
        If there is an array at `path`.

    References
    ----------
    Zarr specification, version 2: "Groups"; version 3: "Group metadata".

    Examples
    --------
    >>> import zarr
    >>> root = zarr.group()
    >>> z = root.zeros('foo/bar', shape=(10, 10))
    >>> root['foo']
    <zarr.hierarchy.Group '/foo'>
    >>> list(root['foo'])
    ['bar']
    """

    @or_of_coroutines
    def __init__(
        self,
        store: BaseStore | MutableMapping[str, Any] | str,
        path: str | None = None,
        read_only: bool = False,
        chunk_store: BaseStore | MutableMapping[str, Any] | str | None = None,
        cache_attrs: bool = True,
        synchronizer: Synchronizer | None = None,
        zarr_version: int | None = None,
        *,
        meta_array: Any = None,
        missing: Missing | None = None,
        verify: Verify | None = None,
    ) -> None:
        self._place(store, path, read_only, chunk_store, synchronizer, cache_attrs, meta_array)
        self._missing = missing if missing is None else check_missing(missing)
        self._given_verify = verify
        self._verify = config.get().verify if verify is None else config.check_verify(verify)
        found = self.__dict__.pop("_found", None)
        if found is None:
            found = _formats.find_group(self._store, self._path, zarr_version)
        self._format, self._key, document = found
        self._meta = self._format.parse_group(document, self._key)
        if SEAL in self._meta.extra or self._verify is True:
            self._check_seal(document)

    def _record(self) -> GroupMeta:
        return self._meta

    # -- what it is ------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Path with a leading slash, as in h5py."""
        return f"/{self._path}"

    @property
    def basename(self) -> str:
        """The last segment of the path."""
        return self._path.rpartition("/")[2]

    # -- members ---------------------------------------------------------------------

    def _member_path(self, name: str | bytes) -> str:
        """Return the path of a member; a name that begins with a slash counts from the root."""
        text = name.decode("ascii") if isinstance(name, bytes) else str(name)
        inside = normalize_storage_path(text)
        if text.startswith("/"):
            return inside
        return join(self._path, inside) if inside else self._path

    def _member(self, kind: NodeKind, path: str, document: Any) -> Any:
        """Return the array or group at `path`, whose metadata have been read."""
        found = self._format, self._format.node_key(kind, path), document
        node: Any = (Array if kind == "array" else Group)._of(
            found, self._store, path, self._read_only, self._chunk_store,
            synchronizer=self._synchronizer, cache_attrs=self._cache_attrs,
            meta_array=self._given_meta_array, missing=self._missing, verify=self._given_verify,
        )  # fmt: skip
        if kind == "group":
            node.__dict__["_holder"] = self
            node.__dict__["_skips_empty_chunks"] = self._skips_empty_chunks
        elif self._skips_empty_chunks and node._missing == "fill":
            node._write_empty_chunks = bool(config.get("array.write_empty_chunks"))
        return node

    def _nodes(self) -> Iterator[tuple[str, Array | Group]]:
        """Yield name and node of each member; the documents are read in one batch."""
        # By way of `__getitem__`, as with any mapping: who overrides it meets every member.
        for name, found in self._format.children(self._store, self._path).items():
            yield name, self[Listed(name, found)]

    def _names(self, *kinds: str) -> list[str]:
        members = self._format.kinds(self._store, self._path)
        return [name for name, kind in members.items() if kind in kinds]

    def _all_names(self) -> list[str]:
        """Return the names below, also of what cannot be read and of what is no member."""
        return self._format.member_names(self._store, self._path)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of members, sorted."""
        return iter(self._names("array", "group"))

    def __len__(self) -> int:
        return len(self._names("array", "group"))

    def __contains__(self, item: object) -> bool:
        """Return whether there is a member of that name or path."""
        if not isinstance(item, (str, bytes)):
            return False
        return self._format.kind(self._store, self._member_path(item)) is not None

    def __getitem__(self, item: str) -> Array | Group:
        """Return the member of that name or path.

        Parameters
        ----------
        item : str
            Name of a member, or path of an array or group below. A path with a leading slash is
            relative to the root of the store.

        Returns
        -------
        Array or Group
            The member.

        Raises
        ------
        KeyError
            If there is no such member.

        Examples
        --------
        >>> import zarr
        >>> root = zarr.group()
        >>> z = root.zeros('foo/bar', shape=10)
        >>> root['foo/bar']
        <zarr.core.Array '/foo/bar' (10,) float64>
        """
        if isinstance(item, Listed):
            path, found = join(self._path, item), item.found
        else:
            path = self._member_path(item)
            found = self._format.look_up(self._store, path)
        if found is None:
            raise no_member(self, item)
        kind, document = found
        return self._member(kind, path, document)  # type: ignore[no-any-return]

    def __setitem__(self, item: str, value: Any) -> None:
        """Store `value` as an array of that name, replacing the member if it exists.

        Parameters
        ----------
        item : str
            Name or path of the array.
        value : array_like
            Data of the array.
        """
        self.array(item, value, overwrite=True)

    def __delitem__(self, item: str) -> None:
        """Delete the member of that name or path, including everything below it.

        Parameters
        ----------
        item : str
            Name or path of the member.

        Raises
        ------
        KeyError
            If there is no such member.
        """

        def remove() -> None:
            path = self._member_path(item)
            if self._format.kind(self._store, path) is None:
                raise no_member(self, item)
            remove_node(self._store, path, self._format, self._chunk_store)

        self._change_members(remove)

    def __getattr__(self, item: str) -> Any:
        # Private names are never members; asking the store would slow down every copy
        # and pickle, which look for special methods.
        if item.startswith("_"):
            raise AttributeError(item)
        try:
            return self[item]
        except (KeyError, ValueError):
            raise AttributeError(
                f"{self!r} has no attribute or member {item!r}", name=item, obj=self
            ) from None

    def __dir__(self) -> list[str]:
        members = [name for name in self if name.isidentifier()]
        return sorted({*super().__dir__(), *members})

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def keys(self) -> Iterator[str]:  # type: ignore[override]
        """Iterate over the names of the members, sorted.

        Yields
        ------
        str
            Name of an array or group.

        Examples
        --------
        >>> import zarr
        >>> root = zarr.group()
        >>> z = root.zeros('b', shape=10)
        >>> a = root.create_group('a')
        >>> list(root.keys())
        ['a', 'b']
        """
        return iter(self)

    def items(self) -> Iterator[tuple[str, Array | Group]]:  # type: ignore[override]
        """Iterate over the names and members, sorted by name.

        Yields
        ------
        name : str
            Name of the member.
        member : Array or Group
            The member.

        Examples
        --------
        >>> import zarr
        >>> root = zarr.group()
        >>> z = root.zeros('b', shape=10)
        >>> dict(root.items())
        {'b': <zarr.core.Array '/b' (10,) float64>}
        """
        return self._nodes()

    def values(self) -> Iterator[Array | Group]:  # type: ignore[override]
        """Iterate over the members, sorted by name.

        Yields
        ------
        Array or Group
            The member.

        Examples
        --------
        >>> import zarr
        >>> root = zarr.group()
        >>> z = root.zeros('b', shape=10)
        >>> list(root.values())
        [<zarr.core.Array '/b' (10,) float64>]
        """
        return (node for _, node in self._nodes())

    def group_keys(self) -> Iterator[str]:
        """Iterate over the names of the groups among the members, sorted.

        Yields
        ------
        str
            Name of a group.

        Examples
        --------
        >>> import zarr
        >>> root = zarr.group()
        >>> foo, z = root.create_group('foo'), root.zeros('z', shape=10)
        >>> list(root.group_keys())
        ['foo']
        """
        return iter(self._names("group"))

    def groups(self) -> Iterator[tuple[str, Group]]:
        """Iterate over the groups among the members, sorted by name.

        Yields
        ------
        name : str
            Name of the group.
        group : Group
            The group.

        Examples
        --------
        >>> import zarr
        >>> root = zarr.group()
        >>> foo, z = root.create_group('foo'), root.zeros('z', shape=10)
        >>> dict(root.groups())
        {'foo': <zarr.hierarchy.Group '/foo'>}
        """
        return ((name, node) for name, node in self._nodes() if isinstance(node, Group))

    def array_keys(self, recurse: bool = False) -> Iterator[str]:
        """Iterate over the names of the arrays among the members, sorted.

        Parameters
        ----------
        recurse : bool, default False
            Whether to include the arrays in all groups below.

        Yields
        ------
        str
            Name of an array, without the path of its group.

        Examples
        --------
        >>> import zarr
        >>> root = zarr.group()
        >>> z, deep = root.zeros('z', shape=10), root.zeros('foo/bar', shape=10)
        >>> list(root.array_keys()), list(root.array_keys(recurse=True))
        (['z'], ['bar', 'z'])
        """
        return (name for name, _ in self.arrays(recurse)) if recurse else iter(self._names("array"))

    def arrays(self, recurse: bool = False) -> Iterator[tuple[str, Array]]:
        """Iterate over the arrays among the members, sorted by name.

        Parameters
        ----------
        recurse : bool, default False
            Whether to include the arrays in all groups below.

        Yields
        ------
        name : str
            Name of the array, without the path of its group.
        array : Array
            The array.

        Examples
        --------
        >>> import zarr
        >>> root = zarr.group()
        >>> z, deep = root.zeros('z', shape=10), root.zeros('foo/bar', shape=10)
        >>> [array.path for _, array in root.arrays(recurse=True)]
        ['foo/bar', 'z']
        """
        for name, node in self._nodes():
            if isinstance(node, Array):
                yield name, node
            elif recurse:
                yield from node.arrays(recurse=True)

    def _walk(self, prefix: str = "") -> Iterator[tuple[str, Array | Group]]:
        for name, node in self._nodes():
            yield prefix + name, node
            if isinstance(node, Group):
                yield from node._walk(f"{prefix}{name}/")

    def visititems(self, func: Callable[[str, Any], T | None]) -> T | None:
        """Call a function with path and object of each array and group below this group.

        Parameters
        ----------
        func : callable
            Called as ``func(path, node)``, with paths relative to this group. A result other than
            None ends the walk.

        Returns
        -------
        object
            The result that ended the walk, or None.

        Examples
        --------
        >>> import zarr
        >>> root = zarr.group()
        >>> z = root.zeros('foo/bar', shape=10)
        >>> root.visititems(lambda path, node: print(path, type(node).__name__))
        foo Group
        foo/bar Array
        """
        results = (func(path, node) for path, node in self._walk())
        return next(islice((r for r in results if r is not None), 1), None)

    def visit(self, func: Callable[[str], T | None]) -> T | None:
        """Call a function with the path of each array and group below this group.

        Parameters
        ----------
        func : callable
            Called as ``func(path)``, with paths relative to this group. A result other than None
            ends the walk.

        Returns
        -------
        object
            The result that ended the walk, or None.

        Examples
        --------
        >>> import zarr
        >>> root = zarr.group()
        >>> z = root.zeros('foo/bar', shape=10)
        >>> root.visit(print)
        foo
        foo/bar
        """
        return self.visititems(lambda path, _: func(path))

    visitkeys = visit

    def visitvalues(self, func: Callable[[Any], T | None]) -> T | None:
        """Call a function with each array and group below this group.

        Parameters
        ----------
        func : callable
            Called as ``func(node)``. A result other than None ends the walk.

        Returns
        -------
        object
            The result that ended the walk, or None.

        Examples
        --------
        >>> import zarr
        >>> root = zarr.group()
        >>> z = root.zeros('foo/bar', shape=10)
        >>> root.visitvalues(lambda node: node if isinstance(node, zarr.Array) else None)
        <zarr.core.Array '/foo/bar' (10,) float64>
        """
        return self.visititems(lambda _, node: func(node))

    def tree(
        self,
        expand: bool = False,
        level: int | None = None,
        *,
        max_nodes: int | None = None,
        plain: bool = False,
    ) -> TreeViewer:
        """Return a display of the hierarchy below the group, as text and as HTML.

        Parameters
        ----------
        expand : bool, default False
            Whether all groups are open in the HTML.
        level : int, optional
            Maximum depth. Unlimited by default.
        max_nodes : int, optional
            Maximum number of arrays and groups to show, those of least depth and of the first
            names. Others are not opened. Unlimited by default.
        plain : bool, default False
            Whether to show plain text in notebooks, too.

        Returns
        -------
        TreeViewer
            The tree, shown when it is printed or at the end of a notebook cell.

        Examples
        --------
        >>> import zarr
        >>> root = zarr.group()
        >>> z = root.zeros('foo/bar', shape=10)
        >>> root.tree()
        /
         └── foo
             └── bar (10,) float64
        """
        return TreeViewer(self, expand, level, max_nodes=max_nodes, plain=plain)

    # -- creating and moving -----------------------------------------------------------

    def _change_members(self, change: Callable[[], T]) -> T:
        """Return ``change()``, called while no other caller adds or removes members."""
        self._check_writeable()
        locks = KeyLocks(self._store, self._key.rpartition("/")[0], self._synchronizer)
        return locks.hold([self._key], change)

    def create_group(
        self,
        name: str,
        overwrite: bool = False,
        *,
        attributes: Mapping[str, Any] | None = None,
    ) -> Group:
        """Create a group, and the groups above it that do not exist.

        Parameters
        ----------
        name : str
            Name or path.
        overwrite : bool, default False
            Whether to delete an existing array or group at that path first.
        attributes : dict, optional
            User attributes.

        Returns
        -------
        Group
            The new group.

        Raises
        ------
        ContainsArrayError, ContainsGroupError
            If there is an array or group at that path and `overwrite` is False.
        ReadOnlyError
            If this group is read-only.

        Examples
        --------
        >>> import zarr
        >>> root = zarr.group()
        >>> root.create_group('foo/bar', attributes={'title': 'Example'})
        <zarr.hierarchy.Group '/foo/bar'>
        """
        create = partial(self._create_group, self._member_path(name), overwrite, attributes)
        return self._change_members(create)

    def _create_group(
        self, path: str, overwrite: bool, attributes: Mapping[str, Any] | None = None
    ) -> Group:
        version = self._format.version
        found = new_group(self._store, overwrite, path, self._chunk_store, version, attributes)
        return self._member("group", path, found[2])  # type: ignore[no-any-return]

    def create_groups(self, *names: str, **kwargs: Any) -> tuple[Group, ...]:
        """Create several groups.

        Parameters
        ----------
        *names : str
            Names or paths.
        **kwargs
            Other parameters of :meth:`create_group`, the same for all.

        Returns
        -------
        tuple of Group
            The new groups.

        Examples
        --------
        >>> import zarr
        >>> root = zarr.group()
        >>> root.create_groups('foo', 'bar')
        (<zarr.hierarchy.Group '/foo'>, <zarr.hierarchy.Group '/bar'>)
        """
        return tuple(self.create_group(name, **kwargs) for name in names)

    def require_group(self, name: str, overwrite: bool = False) -> Group:
        """Return the group of a name, which is created if it does not exist.

        Parameters
        ----------
        name : str
            Name or path.
        overwrite : bool, default False
            Whether to delete an existing array or group at that path first.

        Returns
        -------
        Group
            The group.

        Raises
        ------
        ContainsArrayError
            If there is an array at that path and `overwrite` is False.

        Examples
        --------
        >>> import zarr
        >>> root = zarr.group()
        >>> root.require_group('foo') == root.require_group('foo')
        True
        """

        def require() -> Group:
            path = self._member_path(name)
            there = None if overwrite else self._format.look_up(self._store, path)
            if there is not None and there[0] == "group":
                return self._member("group", path, there[1])  # type: ignore[no-any-return]
            return self._create_group(path, overwrite)

        return self._change_members(lambda: settled(require, ContainsGroupError))

    def require_groups(self, *names: str) -> tuple[Group, ...]:
        """Return several groups, which are created if they do not exist.

        Parameters
        ----------
        *names : str
            Names or paths.

        Returns
        -------
        tuple of Group
            The groups.

        Examples
        --------
        >>> import zarr
        >>> zarr.group().require_groups('foo', 'bar')
        (<zarr.hierarchy.Group '/foo'>, <zarr.hierarchy.Group '/bar'>)
        """
        return tuple(self.require_group(name) for name in names)

    def _create(self, function: Callable[..., T], name: str, *args: Any, **kwargs: Any) -> T:
        kwargs.setdefault("synchronizer", self._synchronizer)
        kwargs.setdefault("cache_attrs", self._cache_attrs)
        kwargs.setdefault("meta_array", self._given_meta_array)
        kwargs.setdefault("zarr_version", self._format.version)
        kwargs["store"], kwargs["chunk_store"] = self._store, self._chunk_store
        kwargs["path"] = self._member_path(name)
        return self._change_members(partial(function, *args, **kwargs))

    def create_dataset(
        self, name: str, shape: Any = None, dtype: Any = None, data: Any = None, **kwargs: Any
    ) -> Array:
        """Create an array, with the parameters of h5py.

        Parameters
        ----------
        name : str
            Name or path.
        shape : int or tuple of int, optional
            Length of each dimension. That of `data` by default.
        dtype : str, numpy.dtype or type, optional
            Data type of the elements. That of `data` by default, otherwise 64-bit floats.
        data : array_like, optional
            Values to fill the array with.
        **kwargs
            Other parameters of :func:`zarr.create`.

        Returns
        -------
        Array
            The new array.

        Raises
        ------
        ContainsArrayError, ContainsGroupError
            If there is an array or group at that path and ``overwrite=True`` is not given.

        Examples
        --------
        >>> import zarr
        >>> root = zarr.group()
        >>> root.create_dataset('foo', (100, 100), 'i4', chunks=(10, 10))
        <zarr.core.Array '/foo' (100, 100) int32>
        """
        kwargs |= {"shape": shape, "dtype": dtype}
        if data is None:
            return self.create(name, **kwargs)
        return self.array(name, data, **kwargs)

    def require_dataset(
        self, name: str, shape: Any, dtype: Any = None, exact: bool = False, **kwargs: Any
    ) -> Array:
        """Return the array of a name, which is created if it does not exist.

        Parameters
        ----------
        name : str
            Name or path.
        shape : int or tuple of int
            Length of each dimension.
        dtype : str, numpy.dtype or type, optional
            Data type of the elements. 64-bit floats by default.
        exact : bool, default False
            Whether the dtype of an existing array must equal `dtype`. If False, it is enough that
            `dtype` can be cast to it safely.
        **kwargs
            Other parameters of :func:`zarr.create`, for a new array.

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
        >>> root = zarr.group()
        >>> z = root.require_dataset('foo', shape=10, dtype='i4')
        >>> root.require_dataset('foo', shape=10, dtype='i4') == z
        True
        """
        create = partial(self.create_dataset, name, shape=shape, dtype=dtype, **kwargs)
        return self._require(name, shape, dtype, exact, create)

    def _require(
        self, name: str, shape: Any, dtype: Any, exact: bool, create: Callable[[], Array]
    ) -> Array:
        """Return the array of a name, created by `create` if it does not exist."""

        def require() -> Array:
            path = self._member_path(name)
            there = self._format.look_up(self._store, path)
            if there is None or there[0] == "group":
                return create()
            return checked(self._member("array", path, there[1]), shape, dtype, exact)  # type: ignore[no-any-return]

        return settled(require, ContainsArrayError)

    def create_array(self, name: str, **kwargs: Any) -> Array:
        """Create an array, with the parameters of the 3.x library.

        Parameters
        ----------
        name : str
            Name or path.
        **kwargs
            Other parameters of :func:`zarr.create_array`. The version of the format is that of the
            group.

        Returns
        -------
        Array
            The new array.

        Raises
        ------
        ContainsArrayError, ContainsGroupError
            If there is an array or group at that path and ``overwrite=True`` is not given.

        Examples
        --------
        >>> import zarr
        >>> root = zarr.create_group()
        >>> root.create_array('foo', shape=(100, 100), chunks=(10, 10), dtype='i4')
        <zarr.core.Array '/foo' (100, 100) int32>
        """
        data = kwargs.pop("data", None)
        write_data = kwargs.pop("write_data", True)
        if data is not None:
            kwargs = {n: v for n, v in kwargs.items() if v is not None or n == "fill_value"}
            data, dtype = creation.as_array(data, kwargs.get("dtype"), self._given_meta_array)
            kwargs = {
                "shape": data.shape,
                **kwargs,
                "dtype": data.dtype if dtype is None else dtype,
            }
        array = self._create(creation.create_array, name, zarr_format=None, **kwargs)
        if data is not None and write_data:
            array._fill_new(data)  # not under the group's lock
        return array

    def create(self, name: str, **kwargs: Any) -> Array:
        """Create an array in the group, as :func:`zarr.create` does.

        Parameters
        ----------
        name : str
            Name or path.
        **kwargs
            Parameters of :func:`zarr.create`. The version of the format is that of the group. With
            one that only :func:`zarr.create_array` has, such as `config` or `data`, or with the
            value ``'auto'``, those of :meth:`create_array`.

        Returns
        -------
        Array
            The new array.

        Examples
        --------
        >>> import zarr
        >>> zarr.group().create('foo', shape=10, dtype='i4')
        <zarr.core.Array '/foo' (10,) int32>
        """
        if kwargs.keys() & {"config", "data", "write_data"} or any(map(is_auto, kwargs.values())):
            return self.create_array(name, **kwargs)
        return self._create(creation.create, name, **kwargs)

    def empty(self, name: str, **kwargs: Any) -> Array:
        """Create an array without a fill value, as :func:`zarr.empty` does.

        Parameters
        ----------
        name : str
            Name or path.
        **kwargs
            Parameters of :func:`zarr.empty`.

        Returns
        -------
        Array
            The new array.

        Examples
        --------
        >>> import zarr
        >>> zarr.group().empty('foo', shape=10)
        <zarr.core.Array '/foo' (10,) float64>
        """
        return self._create(creation.empty, name, **kwargs)

    def zeros(self, name: str, **kwargs: Any) -> Array:
        """Create an array of zeros, as :func:`zarr.zeros` does.

        Parameters
        ----------
        name : str
            Name or path.
        **kwargs
            Parameters of :func:`zarr.zeros`.

        Returns
        -------
        Array
            The new array.

        Examples
        --------
        >>> import zarr
        >>> zarr.group().zeros('foo', shape=3)[:]
        array([0., 0., 0.])
        """
        return self._create(creation.zeros, name, **kwargs)

    def ones(self, name: str, **kwargs: Any) -> Array:
        """Create an array of ones, as :func:`zarr.ones` does.

        Parameters
        ----------
        name : str
            Name or path.
        **kwargs
            Parameters of :func:`zarr.ones`.

        Returns
        -------
        Array
            The new array.

        Examples
        --------
        >>> import zarr
        >>> zarr.group().ones('foo', shape=3)[:]
        array([1., 1., 1.])
        """
        return self._create(creation.ones, name, **kwargs)

    def full(self, name: str, fill_value: Any, **kwargs: Any) -> Array:
        """Create an array of one value, as :func:`zarr.full` does.

        Parameters
        ----------
        name : str
            Name or path.
        fill_value : scalar
            Value of all elements.
        **kwargs
            Parameters of :func:`zarr.full`.

        Returns
        -------
        Array
            The new array.

        Examples
        --------
        >>> import zarr
        >>> zarr.group().full('foo', fill_value=42, shape=3, dtype='i4')[:]
        array([42, 42, 42], dtype=int32)
        """
        return self._create(creation.full, name, fill_value=fill_value, **kwargs)

    def array(self, name: str, data: Any, **kwargs: Any) -> Array:
        """Create an array filled with data, as :func:`zarr.array` does.

        Parameters
        ----------
        name : str
            Name or path.
        data : array_like
            Values to fill the array with.
        **kwargs
            Other parameters of :func:`zarr.array`.

        Returns
        -------
        Array
            The new array.

        Examples
        --------
        >>> import zarr
        >>> zarr.group().array('foo', [1, 2, 3])[:]
        array([1, 2, 3])
        """
        array, data = self._create(creation.create_for, name, data, **kwargs)
        array._fill_new(data)  # not under the group's lock
        return array

    def empty_like(self, name: str, data: Any, **kwargs: Any) -> Array:
        """Create an array like another one without a fill value, as :func:`zarr.empty_like` does.

        Parameters
        ----------
        name : str
            Name or path.
        data : array_like
            The array that determines shape, dtype, chunks and codecs.
        **kwargs
            Parameters of :func:`zarr.create` that are to differ.

        Returns
        -------
        Array
            The new array.

        Examples
        --------
        >>> import numpy as np
        >>> import zarr
        >>> zarr.group().empty_like('foo', np.arange(10))
        <zarr.core.Array '/foo' (10,) int64>
        """
        return self._create(creation.empty_like, name, data, **kwargs)

    def zeros_like(self, name: str, data: Any, **kwargs: Any) -> Array:
        """Create an array of zeros like another one, as :func:`zarr.zeros_like` does.

        Parameters
        ----------
        name : str
            Name or path.
        data : array_like
            The array that determines shape, dtype, chunks and codecs.
        **kwargs
            Parameters of :func:`zarr.create` that are to differ.

        Returns
        -------
        Array
            The new array.

        Examples
        --------
        >>> import numpy as np
        >>> import zarr
        >>> zarr.group().zeros_like('foo', np.arange(3))[:]
        array([0, 0, 0])
        """
        return self._create(creation.zeros_like, name, data, **kwargs)

    def ones_like(self, name: str, data: Any, **kwargs: Any) -> Array:
        """Create an array of ones like another one, as :func:`zarr.ones_like` does.

        Parameters
        ----------
        name : str
            Name or path.
        data : array_like
            The array that determines shape, dtype, chunks and codecs.
        **kwargs
            Parameters of :func:`zarr.create` that are to differ.

        Returns
        -------
        Array
            The new array.

        Examples
        --------
        >>> import numpy as np
        >>> import zarr
        >>> zarr.group().ones_like('foo', np.arange(3))[:]
        array([1, 1, 1])
        """
        return self._create(creation.ones_like, name, data, **kwargs)

    def full_like(self, name: str, data: Any, **kwargs: Any) -> Array:
        """Create an array of one value like another array, as :func:`zarr.full_like` does.

        Parameters
        ----------
        name : str
            Name or path.
        data : array_like
            The array that determines shape, dtype, chunks and codecs.
        **kwargs
            Parameters of :func:`zarr.create` that are to differ, such as ``fill_value``.

        Returns
        -------
        Array
            The new array.

        Examples
        --------
        >>> import numpy as np
        >>> import zarr
        >>> zarr.group().full_like('foo', np.arange(3), fill_value=42)[:]
        array([42, 42, 42])
        """
        return self._create(creation.full_like, name, data, **kwargs)

    def move(self, source: str, dest: str) -> None:
        """Move a member, including everything below it, to another name or path.

        Parameters
        ----------
        source, dest : str
            Names or paths. A path with a leading slash is relative to the root of the store.

        Raises
        ------
        ValueError
            If `source` does not exist, or `dest` does, or `dest` lies below `source`.
        ReadOnlyError
            If the group is read-only.

        Examples
        --------
        >>> import zarr
        >>> root = zarr.group()
        >>> z = root.zeros('foo', shape=10)
        >>> root.move('foo', 'bar/baz')
        >>> root['bar/baz']
        <zarr.core.Array '/bar/baz' (10,) float64>
        """

        def move() -> None:
            origin, target = self._member_path(source), self._member_path(dest)
            if self._format.kind(self._store, origin) is None:
                raise ValueError(f'The source, "{source}", does not exist.')
            if self._format.kind(self._store, target) is not None:
                raise ValueError(f'The dest, "{dest}", already exists.')
            if f"{target}/".startswith(f"{origin}/"):
                raise ValueError(f'The dest, "{dest}", lies below the source, "{source}".')
            if holds_metadata(self._store, target):
                raise ValueError(f'The dest, "{dest}", holds arrays or groups.')
            require_parents(self._store, target, self._format)
            move_node(self._store, origin, target, self._format, self._chunk_store)

        self._change_members(move)

    @classmethod
    def from_store(
        cls,
        store: StoreLike,
        *,
        attributes: Mapping[str, Any] | None = None,
        zarr_format: int = 3,
        overwrite: bool = False,
    ) -> Group:
        """Create a group at the root of a store.

        The parameters, return value and errors are those of :func:`zarr.create_group`.

        Parameters
        ----------
        store : BaseStore, MutableMapping or str
            A store, a path or a URL.
        attributes : dict, optional
            User attributes.
        zarr_format : int, default 3
            Version of the format, 2 or 3.
        overwrite : bool, default False
            Whether to delete an existing array or group first.

        Examples
        --------
        >>> import zarr
        >>> zarr.Group.from_store({}, attributes={'title': 'Example'})
        <zarr.hierarchy.Group '/'>
        """
        return create_group(
            store, zarr_format=zarr_format, overwrite=overwrite, attributes=attributes
        )

    @classmethod
    def open(cls, store: StoreLike, zarr_format: int | None = None) -> Group:
        """Open the group at the root of a store, or at a path in it.

        Parameters
        ----------
        store : BaseStore, MutableMapping or str
            A store, a path, a URL, or a store together with a path.
        zarr_format : int, optional
            Version of the format. The version found in the store by default.

        Returns
        -------
        Group
            The group.

        Raises
        ------
        GroupNotFoundError
            If there is no group.

        Examples
        --------
        >>> import zarr
        >>> root = zarr.create_group()
        >>> zarr.Group.open(root.store)
        <zarr.hierarchy.Group '/'>
        """
        return open_group(store, mode="r+", zarr_format=zarr_format)

    # -- as an object ------------------------------------------------------------------

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._store.close()

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Group)
            and self._store == other._store
            and self._read_only == other._read_only
            and self._path == other._path
        )

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> Any:
        return _reopen, (
            self._store, self._path, self._read_only, self._chunk_store, self._cache_attrs,
            self._synchronizer, self._given_meta_array, self._format.version, self._missing,
            self._given_verify, self._skips_empty_chunks,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"<{type_name(self)} {self.name!r}{' read-only' if self._read_only else ''}>"

    def _repr_html_(self) -> str:
        return group_html(self)

    @property
    def info(self) -> Info:
        """A summary of the group and its members, shown as text or as a table."""
        return Info(self)

    def info_items(self) -> list[tuple[str, str]]:
        """Return the labels and values of :attr:`info`.

        Returns
        -------
        list of (str, str)
            One pair per line.

        Examples
        --------
        >>> import zarr
        >>> dict(zarr.group().info_items())['No. members']
        '0'
        """
        return group_info(self)


def _reopen(
    store: BaseStore,
    path: str,
    read_only: bool,
    chunk_store: BaseStore | None,
    cache_attrs: bool,
    synchronizer: Synchronizer | None,
    meta_array: Any,
    zarr_version: Any = None,
    missing: Missing | None = None,
    verify: Verify | None = None,
    skips_empty_chunks: bool = False,
) -> Group:
    opened = Group(
        store, path, read_only, chunk_store, cache_attrs, synchronizer, zarr_version,
        meta_array=meta_array, missing=missing, verify=verify,
    )  # fmt: skip
    opened._skips_empty_chunks = skips_empty_chunks
    return opened


@noting_the_3_x_library
def group(
    store: StoreLike = None,
    overwrite: bool = False,
    chunk_store: StoreLike = None,
    cache_attrs: bool = True,
    synchronizer: Synchronizer | None = None,
    path: str | None = None,
    *,
    zarr_version: int | None = None,
    meta_array: Any = None,
    zarr_format: int | None = None,
    attributes: Mapping[str, Any] | None = None,
    storage_options: dict[str, Any] | None = None,
) -> Group:
    """Return the group at a path, which is created if it does not exist.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str, optional
        A store, a path or a URL. A new store in memory by default.
    overwrite : bool, default False
        Whether to delete an existing array or group at `path` first.
    chunk_store : BaseStore, MutableMapping or str, optional
        The store that holds the chunks of arrays, if they are not in `store`.
    cache_attrs : bool, default True
        Whether to read user attributes once. If False, they are read at each access.
    synchronizer : Synchronizer, optional
        Locks between processes, also for the members.
    path : str, optional
        Path of the group in the store. The root by default.
    zarr_version, zarr_format : int, optional
        Version of the format of a new group, 2 or 3. 2 by default.
    meta_array : array, optional
        Array of the type that reads return, for instance of a GPU library. NumPy by default.
    attributes : dict, optional
        User attributes of a new group.
    storage_options : dict, optional
        Options for the back end of a URL.

    Returns
    -------
    Group
        The group.

    Raises
    ------
    ContainsArrayError
        If there is an array at `path` and `overwrite` is False.

    References
    ----------
    Zarr specification, version 2: "Groups"; version 3: "Group metadata".

    Examples
    --------
    >>> import zarr
    >>> zarr.group()
    <zarr.hierarchy.Group '/'>
    """
    zarr_version = _formats.one_version(zarr_version, zarr_format)
    store, path = without_path(store, path)
    store = normalize_store_arg(
        store, storage_options, "w", zarr_version=zarr_version, default=MemoryStore
    )
    chunks = None
    if chunk_store is not None:
        chunks = normalize_store_arg(chunk_store, storage_options, "w")
    path = normalize_storage_path(path)

    def require() -> Group:
        node = None if overwrite else _formats.find_node(store, path, zarr_version)
        kind, found = node or (None, None)
        if kind != "group" or found is None:
            found = new_group(store, overwrite, path, chunks, zarr_version, attributes)
        return Group._of(
            found, store, path, False, chunks, cache_attrs, synchronizer, zarr_version,
            meta_array=meta_array,
        )  # fmt: skip

    return settled(require, ContainsGroupError, GroupNotFoundError)


@noting_the_3_x_library
def open_group(
    store: StoreLike = None,
    mode: Mode = "a",
    cache_attrs: bool = True,
    synchronizer: Synchronizer | None = None,
    path: str | None = None,
    chunk_store: StoreLike = None,
    storage_options: dict[str, Any] | None = None,
    *,
    zarr_version: int | None = None,
    meta_array: Any = None,
    zarr_format: int | None = None,
    attributes: Mapping[str, Any] | None = None,
    use_consolidated: bool | str | None = None,
    missing: Missing | None = None,
    verify: Verify | None = None,
) -> Group:
    """Open a group, with a mode as for files.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str, optional
        A store, a path or a URL. A new store in memory by default.
    mode : {'r', 'r+', 'a', 'w', 'w-'}, default 'a'
        'r': read only, must exist. 'r+': read and write, must exist. 'a': read and write, created
        if it does not exist. 'w': create, an existing array or group is deleted. 'w-': create,
        must not exist.
    cache_attrs : bool, default True
        Whether to read user attributes once. If False, they are read at each access.
    synchronizer : Synchronizer, optional
        Locks between processes, also for the members.
    path : str, optional
        Path of the group in the store. The root by default.
    chunk_store : BaseStore, MutableMapping or str, optional
        The store that holds the chunks of arrays, if they are not in `store`.
    storage_options : dict, optional
        Options for the back end of a URL.
    zarr_version, zarr_format : int, optional
        Version of the format, 2 or 3. The version found in the store by default, 2 for a new
        group.
    meta_array : array, optional
        Array of the type that reads return, for instance of a GPU library. NumPy by default.
    attributes : dict, optional
        User attributes of a new group.
    use_consolidated : bool or str, optional
        Whether to read the metadata that :func:`zarr.consolidate_metadata` has collected, in the
        modes 'r' and 'r+'; or the key of these metadata. They are not used by default.
    missing : {'fill', 'warn', 'error'}, optional
        How reading from arrays of the group treats absent chunks, see :func:`zarr.open_array`.
    verify : bool or 'auto', optional
        Whether reading compares metadata, attributes and chunks with their seal, also those of
        members, see :func:`zarr.open_array`.

    Returns
    -------
    Group
        The group.

    Raises
    ------
    GroupNotFoundError
        If there is no group, in the modes 'r' and 'r+'.
    ContainsArrayError
        If there is an array, except in the mode 'w'.
    ContainsGroupError
        If there is a group, in the mode 'w-'.
    ValueError
        If `mode` is not one of these.

    Examples
    --------
    >>> import zarr
    >>> root = zarr.open_group('data/example.zarr', mode='w')
    >>> foo = root.create_group('foo')
    >>> zarr.open_group('data/example.zarr', mode='r')
    <zarr.hierarchy.Group '/' read-only>
    """
    mode = creation.check_mode(mode)
    zarr_version = _formats.one_version(zarr_version, zarr_format)
    store, path = without_path(store, path)
    store = normalize_store_arg(
        store, storage_options, mode, zarr_version=zarr_version, default=MemoryStore
    )
    chunks = None
    if chunk_store is not None:
        chunks = normalize_store_arg(chunk_store, storage_options, mode)
    path = normalize_storage_path(path)
    store, chunks = consolidated.split(store, chunks, use_consolidated, mode, path, zarr_version)

    def open_or_create() -> Group:
        look = mode in ("a", "w-")
        kind, found = (look and _formats.find_node(store, path, zarr_version)) or (None, None)
        if kind == "array":
            raise ContainsArrayError(path, repr(store), creation.way_out("array", mode))
        if kind == "group" and mode == "w-":
            raise ContainsGroupError(path, repr(store), creation.way_out("group", mode))
        if found is None and mode not in ("r", "r+"):
            found = new_group(store, mode == "w", path, chunks, zarr_version, attributes)
        opened = Group._of(
            found, store, path, mode == "r", chunks, cache_attrs, synchronizer, zarr_version,
            meta_array=meta_array, missing=missing, verify=verify,
        )  # fmt: skip
        opened._hides_copies = use_consolidated is False
        return opened

    if mode == "a":
        return settled(open_or_create, ContainsGroupError, GroupNotFoundError)
    return open_or_create()


def create_group(
    store: StoreLike = None,
    *,
    path: str | None = None,
    zarr_format: int | None = 3,
    overwrite: bool = False,
    attributes: Mapping[str, Any] | None = None,
    storage_options: dict[str, Any] | None = None,
) -> Group:
    """Create a group in format 3, with the parameters of the 3.x library.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str, optional
        A store, a path or a URL. A new store in memory by default.
    path : str, optional
        Path of the group in the store. The root by default.
    zarr_format : int, default 3
        Version of the format, 2 or 3.
    overwrite : bool, default False
        Whether to delete an existing array or group at `path` first.
    attributes : dict, optional
        User attributes.
    storage_options : dict, optional
        Options for the back end of a URL.

    Returns
    -------
    Group
        The new group.

    Raises
    ------
    ContainsArrayError, ContainsGroupError
        If there is an array or group at `path` and `overwrite` is False.

    References
    ----------
    Zarr specification, version 3: "Group metadata".

    Examples
    --------
    >>> import zarr
    >>> root = zarr.create_group(attributes={'title': 'Example'})
    >>> root.create_array('a', shape=10, dtype='i4')
    <zarr.core.Array '/a' (10,) int32>
    """
    _formats.one_version(None, zarr_format)
    store, path = without_path(store, path)
    store = normalize_store_arg(
        store, storage_options, "w", zarr_version=zarr_format, default=MemoryStore
    )
    path = normalize_storage_path(path)
    found = new_group(store, overwrite, path, None, zarr_format, attributes)
    created = Group._of(found, store, path)
    created._skips_empty_chunks = True
    return created
