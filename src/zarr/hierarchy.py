"""Groups: arrays and groups under names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from itertools import islice
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias, TypeVar

import numpy as np

from zarr import creation, formats
from zarr.core import Array
from zarr.display import Info, TreeViewer, group_info, type_name
from zarr.errors import (
    ContainsArrayError,
    ContainsGroupError,
    GroupNotFoundError,
)
from zarr.formats.base import Format, NodeKind, join
from zarr.grid import normalize_shape
from zarr.node import Node
from zarr.storage import consolidated
from zarr.storage.base import BaseStore, normalize_storage_path
from zarr.storage.memory import MemoryStore
from zarr.storage.nodes import init_group, move_node, remove_node, require_parents
from zarr.storage.resolve import normalize_store_arg
from zarr.sync import Synchronizer, holding_document, lock_for

__all__ = ["Group", "create_group", "group", "open_group"]

Mode: TypeAlias = Literal["r", "r+", "a", "w", "w-"]
StoreLike: TypeAlias = BaseStore | MutableMapping[str, Any] | str | None
T = TypeVar("T")


class Group(Node, MutableMapping[str, Any]):
    """A group in a store, opened by its path: a mapping of names to arrays and groups.

    Parameters
    ----------
    store : BaseStore or MutableMapping
        Where the group is. A ``with`` statement closes it at its end.
    path : str, optional
        Path in the store.
    read_only : bool, default False
        Whether nothing may be changed through this object.
    chunk_store : BaseStore or MutableMapping, optional
        Where the chunks of arrays are, if not in `store`.
    cache_attrs : bool, default True
        Whether to read user attributes once; else they are read at each access.
    synchronizer : Synchronizer, optional
        Locks between processes, handed on to members.
    zarr_version : int, optional
        Format; by default the one that is found.
    meta_array : array, optional
        Array of the type that reads return.

    Raises
    ------
    GroupNotFoundError
        If there is no group at `path`.
    ContainsArrayError
        If there is an array.

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

    def __init__(
        self,
        store: BaseStore | MutableMapping[str, Any],
        path: str | None = None,
        read_only: bool = False,
        chunk_store: BaseStore | MutableMapping[str, Any] | None = None,
        cache_attrs: bool = True,
        synchronizer: Synchronizer | None = None,
        zarr_version: int | None = None,
        *,
        meta_array: Any = None,
        found: tuple[Format, str, Any] | None = None,
    ) -> None:
        self._place(store, path, read_only, chunk_store, synchronizer, cache_attrs, meta_array)
        if found is None:
            found = self._find(zarr_version)
        self._format, self._key, document = found
        self._meta = self._format.parse_group(document, self._key)

    def _find(self, version: int | None) -> tuple[Format, str, Any]:
        try:
            return formats.find_group(self._store, self._path, version)
        except GroupNotFoundError:
            if formats.kind(self._store, self._path, version) == "array":
                raise ContainsArrayError(self._path) from None
            raise

    # -- what it is ------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Path with a slash in front, as h5py has it."""
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

    def _array(self, path: str, found: tuple[Format, str, Any] | None = None) -> Array:
        return Array(
            self._store,
            path,
            self._read_only,
            self._chunk_store,
            self._synchronizer,
            cache_attrs=self._cache_attrs,
            meta_array=self._given_meta_array,
            found=found,
        )

    def _group(self, path: str, found: tuple[Format, str, Any] | None = None) -> Group:
        return Group(
            self._store,
            path,
            self._read_only,
            self._chunk_store,
            self._cache_attrs,
            self._synchronizer,
            meta_array=self._given_meta_array,
            found=found,
        )

    def _member(self, kind: NodeKind, path: str, document: Any) -> Array | Group:
        found = self._format, self._format.node_key(kind, path), document
        return self._array(path, found) if kind == "array" else self._group(path, found)

    def _nodes(self) -> Iterator[tuple[str, Array | Group]]:
        """Yield name and node of each member; the documents are read in one batch."""
        # By way of `__getitem__`, as with any mapping: who overrides it meets every member.
        for name, found in self._format.children(self._store, self._path).items():
            yield name, self[_Listed(name, found)]

    def _names(self, *kinds: str) -> list[str]:
        members = self._format.kinds(self._store, self._path)
        return [name for name, kind in members.items() if kind in kinds]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of members, sorted."""
        return iter(self._names("array", "group"))

    def __len__(self) -> int:
        return len(self._names("array", "group"))

    def __contains__(self, item: object) -> bool:
        """Tell whether there is a member of that name or path."""
        if not isinstance(item, (str, bytes)):
            return False
        return self._format.kind(self._store, self._member_path(item)) is not None

    def __getitem__(self, item: str) -> Any:
        """Return the member of that name or path.

        Raises
        ------
        KeyError
            If there is none.
        """
        if isinstance(item, _Listed):
            path, found = join(self._path, item), item.found
        else:
            path = self._member_path(item)
            found = self._format.look_up(self._store, path)
        if found is None:
            raise KeyError(item)
        kind, document = found
        return self._member(kind, path, document)

    def __setitem__(self, item: str, value: Any) -> None:
        """Store `value` as an array of that name, in place of what is there."""
        self.array(item, value, overwrite=True)

    def __delitem__(self, item: str) -> None:
        """Delete the member of that name or path, with all below it."""
        with self._writing():
            path = self._member_path(item)
            if self._format.kind(self._store, path) is None:
                raise KeyError(item)
            remove_node(self._store, path, self._format, self._chunk_store)

    def __getattr__(self, item: str) -> Any:
        # Private names are never members; asking the store would slow down every copy
        # and pickle, which look for special methods.
        if item.startswith("_"):
            raise AttributeError(item)
        try:
            return self[item]
        except (KeyError, ValueError):
            raise AttributeError(f"{self!r} has no attribute or member {item!r}") from None

    def __dir__(self) -> list[str]:
        members = [name for name in self if name.isidentifier()]
        return sorted({*super().__dir__(), *members})

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def keys(self) -> Iterator[str]:  # type: ignore[override]
        """Iterate over the names of members, sorted."""
        return iter(self)

    def items(self) -> Iterator[tuple[str, Any]]:  # type: ignore[override]
        """Iterate over names and members, sorted by name."""
        return self._nodes()

    def values(self) -> Iterator[Any]:  # type: ignore[override]
        """Iterate over members, sorted by name."""
        return (node for _, node in self._nodes())

    def group_keys(self) -> Iterator[str]:
        """Iterate over the names of groups among the members."""
        return iter(self._names("group"))

    def groups(self) -> Iterator[tuple[str, Group]]:
        """Iterate over names and groups among the members."""
        return ((name, node) for name, node in self._nodes() if isinstance(node, Group))

    def array_keys(self, recurse: bool = False) -> Iterator[str]:
        """Iterate over the names of arrays among the members, or in all groups below too."""
        return (name for name, _ in self.arrays(recurse)) if recurse else iter(self._names("array"))

    def arrays(self, recurse: bool = False) -> Iterator[tuple[str, Array]]:
        """Iterate over names and arrays among the members, or in all groups below too."""
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
        """Call ``func(path, node)`` for everything below; stop when it returns not None.

        Returns
        -------
        object
            What stopped it, or None.
        """
        results = (func(path, node) for path, node in self._walk())
        return next(islice((r for r in results if r is not None), 1), None)

    def visit(self, func: Callable[[str], T | None]) -> T | None:
        """Call ``func(path)`` for everything below; stop when it returns not None."""
        return self.visititems(lambda path, _: func(path))

    visitkeys = visit

    def visitvalues(self, func: Callable[[Any], T | None]) -> T | None:
        """Call ``func(node)`` for everything below; stop when it returns not None."""
        return self.visititems(lambda _, node: func(node))

    def tree(self, expand: bool = False, level: int | None = None) -> TreeViewer:
        """Return a display of the hierarchy below, as text and as HTML.

        Parameters
        ----------
        expand : bool, default False
            Whether the HTML shows everything at once.
        level : int, optional
            Depth at which to stop.
        """
        return TreeViewer(self, expand, level)

    # -- creating and moving -----------------------------------------------------------

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the locks of the group's document, so that nobody else adds or removes members."""
        self._check_writeable()
        lock = lock_for(self._store.location, self._key)
        with holding_document(lock, self._synchronizer, self._key):
            yield

    def create_group(
        self,
        name: str,
        overwrite: bool = False,
        *,
        attributes: Mapping[str, Any] | None = None,
    ) -> Group:
        """Create a group, and those missing above it.

        Parameters
        ----------
        name : str
            Name or path.
        overwrite : bool, default False
            Whether to delete what is there.
        attributes : dict, optional
            User attributes.

        Raises
        ------
        ContainsArrayError, ContainsGroupError
            If something is there.
        """
        with self._writing():
            return self._create_group(self._member_path(name), overwrite, attributes)

    def _create_group(
        self, path: str, overwrite: bool, attributes: Mapping[str, Any] | None = None
    ) -> Group:
        init_group(
            self._store,
            overwrite,
            path,
            self._chunk_store,
            zarr_version=self._format.version,  # type: ignore[arg-type]
            attributes=attributes,
        )
        return self._group(path)

    def create_groups(self, *names: str, **kwargs: Any) -> tuple[Group, ...]:
        """Create several groups."""
        return tuple(self.create_group(name, **kwargs) for name in names)

    def require_group(self, name: str, overwrite: bool = False) -> Group:
        """Return a group, which is created if it does not exist.

        Parameters
        ----------
        name : str
            Name or path.
        overwrite : bool, default False
            Whether to delete what is there.

        Raises
        ------
        ContainsArrayError
            If there is an array.
        """
        with self._writing():
            path = self._member_path(name)
            if not overwrite and self._format.kind(self._store, path) == "group":
                return self._group(path)
            return self._create_group(path, overwrite)

    def require_groups(self, *names: str) -> tuple[Group, ...]:
        """Return several groups, which are created if they do not exist."""
        return tuple(self.require_group(name) for name in names)

    def _create(self, function: Callable[..., T], name: str, *args: Any, **kwargs: Any) -> T:
        with self._writing():
            kwargs.setdefault("synchronizer", self._synchronizer)
            kwargs.setdefault("cache_attrs", self._cache_attrs)
            kwargs.setdefault("meta_array", self._given_meta_array)
            kwargs.setdefault("zarr_version", self._format.version)
            return function(
                *args,
                store=self._store,
                path=self._member_path(name),
                chunk_store=self._chunk_store,
                **kwargs,
            )

    def create_dataset(self, name: str, **kwargs: Any) -> Array:
        """Create an array, with the arguments of h5py.

        Parameters
        ----------
        name : str
            Name or path.
        data : array_like, optional
            What to fill it with.
        **kwargs
            As for :func:`zarr.creation.create`.
        """
        data = kwargs.pop("data", None)
        if data is None:
            return self.create(name, **kwargs)
        return self.array(name, data, **kwargs)

    def require_dataset(
        self, name: str, shape: Any, dtype: Any = None, exact: bool = False, **kwargs: Any
    ) -> Array:
        """Return an array, which is created if it does not exist.

        Parameters
        ----------
        name : str
            Name or path.
        shape : int or tuple of int
        dtype : str or numpy.dtype, optional
        exact : bool, default False
            Whether an existing array must have just this dtype; else it must be one that
            `dtype` can be cast to safely.
        **kwargs
            As for :func:`zarr.creation.create`.

        Raises
        ------
        TypeError
            If the array has another shape or dtype.
        """
        path = self._member_path(name)
        if self._format.kind(self._store, path) != "array":
            return self.create_dataset(name, shape=shape, dtype=dtype, **kwargs)
        array = self._array(path)
        lengths = normalize_shape(shape)
        if array.shape != lengths:
            raise TypeError(
                f"shape does not match existing array; expected {array.shape}, got {lengths}"
            )
        kind = np.dtype(dtype)
        if exact and array.dtype != kind:
            raise TypeError(f"dtypes do not match exactly; expected {array.dtype}, got {kind}")
        if not np.can_cast(kind, array.dtype):
            raise TypeError(f"dtypes ({array.dtype}, {kind}) cannot be safely cast")
        return array

    def create_array(self, name: str, **kwargs: Any) -> Array:
        """Create an array, with the arguments of the 3.x library.

        Parameters
        ----------
        name : str
            Name or path.
        **kwargs
            As for :func:`zarr.creation.create_array`; the format is that of the group.
        """
        data = kwargs.pop("data", None)
        write_data = kwargs.pop("write_data", True)
        if data is not None:
            if not hasattr(data, "shape") or not hasattr(data, "dtype"):
                data = creation.as_array(data, kwargs.get("dtype"), self._given_meta_array)
            given = {"shape": data.shape, "dtype": data.dtype}
            kwargs = {**given, **{n: v for n, v in kwargs.items() if v is not None}}
        array = self._create(creation.create_array, name, zarr_format=None, **kwargs)
        if data is not None and write_data:
            array._fill_with(data)  # not under the group's lock
        return array

    def create(self, name: str, **kwargs: Any) -> Array:
        """Create an array; see :func:`zarr.creation.create`."""
        return self._create(creation.create, name, **kwargs)

    def empty(self, name: str, **kwargs: Any) -> Array:
        """Create an array; see :func:`zarr.creation.empty`."""
        return self._create(creation.empty, name, **kwargs)

    def zeros(self, name: str, **kwargs: Any) -> Array:
        """Create an array; see :func:`zarr.creation.zeros`."""
        return self._create(creation.zeros, name, **kwargs)

    def ones(self, name: str, **kwargs: Any) -> Array:
        """Create an array; see :func:`zarr.creation.ones`."""
        return self._create(creation.ones, name, **kwargs)

    def full(self, name: str, fill_value: Any, **kwargs: Any) -> Array:
        """Create an array; see :func:`zarr.creation.full`."""
        return self._create(creation.full, name, fill_value=fill_value, **kwargs)

    def array(self, name: str, data: Any, **kwargs: Any) -> Array:
        """Create an array; see :func:`zarr.creation.array`."""
        array, data = self._create(creation.create_for, name, data, **kwargs)
        array._fill_with(data)  # not under the group's lock
        return array

    def empty_like(self, name: str, data: Any, **kwargs: Any) -> Array:
        """Create an array; see :func:`zarr.creation.empty_like`."""
        return self._create(creation.empty_like, name, data, **kwargs)

    def zeros_like(self, name: str, data: Any, **kwargs: Any) -> Array:
        """Create an array; see :func:`zarr.creation.zeros_like`."""
        return self._create(creation.zeros_like, name, data, **kwargs)

    def ones_like(self, name: str, data: Any, **kwargs: Any) -> Array:
        """Create an array; see :func:`zarr.creation.ones_like`."""
        return self._create(creation.ones_like, name, data, **kwargs)

    def full_like(self, name: str, data: Any, **kwargs: Any) -> Array:
        """Create an array; see :func:`zarr.creation.full_like`."""
        return self._create(creation.full_like, name, data, **kwargs)

    def move(self, source: str, dest: str) -> None:
        """Move a member, with all below it, to another name or path.

        Parameters
        ----------
        source, dest : str
            Names or paths; those that begin with a slash count from the root.

        Raises
        ------
        ValueError
            If `source` does not exist, or `dest` does, or lies below `source`.
        """
        with self._writing():
            origin, target = self._member_path(source), self._member_path(dest)
            if self._format.kind(self._store, origin) is None:
                raise ValueError(f'The source, "{source}", does not exist.')
            if self._format.kind(self._store, target) is not None:
                raise ValueError(f'The dest, "{dest}", already exists.')
            if f"{target}/".startswith(f"{origin}/"):
                raise ValueError(f'The dest, "{dest}", lies below the source, "{source}".')
            require_parents(self._store, target, self._format)
            move_node(self._store, origin, target, self._format, self._chunk_store)

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
            self._synchronizer, self._given_meta_array,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"<{type_name(self)} {self.name!r}{' read-only' if self._read_only else ''}>"

    @property
    def info(self) -> Info:
        """A report of what the group is and holds."""
        return Info(self)

    def info_items(self) -> list[tuple[str, str]]:
        """Return the lines of the report as pairs of strings."""
        return group_info(self)


class _Listed(str):
    """The name of a member, and what has just been found there."""

    __slots__ = ("found",)
    found: tuple[NodeKind, Any] | None

    def __new__(cls, name: str, found: tuple[NodeKind, Any]) -> Self:
        listed = super().__new__(cls, name)
        listed.found = found
        return listed


def _reopen(
    store: BaseStore,
    path: str,
    read_only: bool,
    chunk_store: BaseStore | None,
    cache_attrs: bool,
    synchronizer: Synchronizer | None,
    meta_array: Any,
) -> Group:
    return Group(
        store, path, read_only, chunk_store, cache_attrs, synchronizer, meta_array=meta_array
    )


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
) -> Group:
    """Return the group at a path, which is created if it does not exist.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str, optional
        A store, a path or a URL; a new store in memory by default.
    overwrite : bool, default False
        Whether to delete what is there first.
    chunk_store : BaseStore, MutableMapping or str, optional
        Where the chunks of arrays are, if not in `store`.
    cache_attrs : bool, default True
        Whether to read user attributes once; else they are read at each access.
    synchronizer : Synchronizer, optional
        Locks between processes.
    path : str, optional
        Path in the store.
    zarr_version, zarr_format : int, optional
        Format of a new group.
    meta_array : array, optional
        Array of the type that reads return.
    attributes : dict, optional
        User attributes of a new group.

    Examples
    --------
    >>> import zarr
    >>> zarr.group()
    <zarr.hierarchy.Group '/'>
    """
    zarr_version = formats.one_version(zarr_version, zarr_format)
    store = normalize_store_arg(store, mode="w", zarr_version=zarr_version, default=MemoryStore)
    chunks = None if chunk_store is None else normalize_store_arg(chunk_store, mode="w")
    path = normalize_storage_path(path)
    found = None if overwrite else formats.kind(store, path, zarr_version)
    if found != "group":
        init_group(store, overwrite, path, chunks, zarr_version=zarr_version, attributes=attributes)
    return Group(
        store, path, False, chunks, cache_attrs, synchronizer, zarr_version, meta_array=meta_array
    )


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
) -> Group:
    """Open a group the way files are opened.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str, optional
        A store, a path or a URL; a new store in memory by default.
    mode : {'r', 'r+', 'a', 'w', 'w-'}
        'r': read only, must exist. 'r+': read and write, must exist. 'a': read and
        write, is created if it does not exist. 'w': create, delete what is there. 'w-':
        create, must not exist.
    cache_attrs : bool, default True
        Whether to read user attributes once; else they are read at each access.
    synchronizer : Synchronizer, optional
        Locks between processes.
    path : str, optional
        Path in the store.
    chunk_store : BaseStore, MutableMapping or str, optional
        Where the chunks of arrays are, if not in `store`.
    storage_options : dict, optional
        Options of the back end of a URL.
    zarr_version, zarr_format : int, optional
        Format.
    meta_array : array, optional
        Array of the type that reads return.
    attributes : dict, optional
        User attributes of a new group.
    use_consolidated : bool or str, optional
        Whether to read the metadata that `zarr.consolidate_metadata` has put under one
        key, in the modes 'r' and 'r+'; or that key. By default they are not used.

    Raises
    ------
    GroupNotFoundError
        In the modes 'r' and 'r+', if there is no group.
    ContainsArrayError
        If there is an array.
    ContainsGroupError
        In the mode 'w-', if there is a group.

    Examples
    --------
    >>> import zarr
    >>> root = zarr.open_group('data/example.zarr', mode='w')
    >>> foo = root.create_group('foo')
    >>> zarr.open_group('data/example.zarr', mode='r')
    <zarr.hierarchy.Group '/' read-only>
    """
    mode = creation.check_mode(mode)  # type: ignore[assignment]
    zarr_version = formats.one_version(zarr_version, zarr_format)
    new: dict[str, Any] = {"zarr_version": zarr_version, "attributes": attributes}
    store = normalize_store_arg(
        store, storage_options, mode, zarr_version=zarr_version, default=MemoryStore
    )
    chunks = None
    if chunk_store is not None:
        chunks = normalize_store_arg(chunk_store, storage_options, mode)
    path = normalize_storage_path(path)
    store, chunks = consolidated.split(store, chunks, use_consolidated, mode, path)
    if mode == "w":
        init_group(store, True, path, chunks, **new)
    elif mode in ("a", "w-"):
        there = formats.kind(store, path, zarr_version)
        if there == "array":
            raise ContainsArrayError(path)
        if there == "group" and mode == "w-":
            raise ContainsGroupError(path)
        if there is None:
            init_group(store, False, path, chunks, **new)
    return Group(
        store,
        path,
        mode == "r",
        chunks,
        cache_attrs,
        synchronizer,
        zarr_version,
        meta_array=meta_array,
    )


def create_group(
    store: StoreLike = None,
    *,
    path: str | None = None,
    zarr_format: int | None = 3,
    overwrite: bool = False,
    attributes: Mapping[str, Any] | None = None,
    storage_options: dict[str, Any] | None = None,
) -> Group:
    """Create a group of version 3 of the format, with the arguments of the 3.x library.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str, optional
        A store, a path or a URL; a new store in memory by default.
    path : str, optional
        Path in the store.
    zarr_format : int, default 3
        Format.
    overwrite : bool, default False
        Whether to delete what is there first.
    attributes : dict, optional
        User attributes.
    storage_options : dict, optional
        Options of the back end of a URL.

    Raises
    ------
    ContainsArrayError, ContainsGroupError
        If there is something at `path` and `overwrite` is False.

    Examples
    --------
    >>> import zarr
    >>> root = zarr.create_group(attributes={'title': 'Example'})
    >>> root.create_array('a', shape=10, dtype='i4')
    <zarr.core.Array '/a' (10,) int32>
    """
    store = normalize_store_arg(
        store, storage_options, "w", zarr_version=zarr_format, default=MemoryStore
    )
    path = normalize_storage_path(path)
    init_group(store, overwrite, path, zarr_version=zarr_format, attributes=attributes)
    return Group(store, path, zarr_version=zarr_format)
