"""Functions that open, save, load, copy and convert in one call."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Literal

import numpy as np

from zarr import _formats, creation
from zarr._formats.base import NodeKind
from zarr._nodes.display import TreeViewer
from zarr.core import Array
from zarr.core.newer_group_names import noting_the_3_x_library
from zarr.errors import (
    ContainsGroupError,
    PathNotFoundError,
    ZarrUserWarning,
    did_you_mean,
    warn_user,
)
from zarr.hierarchy import Group, open_group
from zarr.hierarchy import group as _group
from zarr.storage import consolidated
from zarr.storage.base import BaseStore, normalize_storage_path
from zarr.storage.consolidated import METADATA_KEY
from zarr.storage.resolve import Opened, StoreLike, normalize_store_arg
from zarr.storage.store_path import without_path
from zarr.tools import convert as _converting
from zarr.tools import copy as _copying
from zarr.tools import copy_keys as _copying_keys
from zarr.tools.progress import Progress, followed

__all__ = [
    "LazyLoader", "consolidate_metadata", "convert", "copy", "copy_all", "copy_store", "load",
    "open", "open_consolidated", "save", "save_array", "save_group", "tree",
]  # fmt: skip


@noting_the_3_x_library
def open(
    store: StoreLike = None,
    mode: creation.Mode = "a",
    *,
    zarr_version: int | None = None,
    path: str | None = None,
    zarr_format: int | None = None,
    **kwargs: Any,
) -> Array | Group:
    """Open an array or a group, with a mode as for files.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str, optional
        A store, a path or a URL. A new store in memory by default.
    mode : {'r', 'r+', 'a', 'w', 'w-'}, default 'a'
        'r': read only, must exist. 'r+': read and write, must exist. 'a': read and write, created
        if it does not exist. 'w': create, an existing array or group is deleted. 'w-': create,
        must not exist.
    zarr_version, zarr_format : int, optional
        Version of the format. The version found in the store by default. If the metadata of both
        format 3 and format 2 are found at one path, as some tools write them, format 3 is opened,
        with a warning.
    path : str, optional
        Path of the array or group in the store. The root by default.
    **kwargs
        Other parameters of :func:`zarr.open_array` or :func:`zarr.open_group`. With a `shape`, an
        array is created. With ``use_consolidated=True``, metadata are read as by
        :func:`open_consolidated`.

    Returns
    -------
    Array or Group
        The array or group found at `path`, or the new one.

    Raises
    ------
    PathNotFoundError
        If there is neither an array nor a group, in the modes 'r' and 'r+'.
    ContainsArrayError, ContainsGroupError
        If there is an array or group, in the mode 'w-'.
    ValueError
        If `mode` is not one of these.

    Examples
    --------
    >>> import zarr
    >>> zarr.open('data/example.zarr', mode='w', shape=100, dtype='i4')
    <zarr.core.Array (100,) int32>
    >>> zarr.open('data/example.zarr', mode='r')
    <zarr.core.Array (100,) int32 read-only>
    """
    mode = creation.check_mode(mode)
    zarr_version = _formats.one_version(zarr_version, zarr_format)
    store, path = without_path(store, path)
    store = normalize_store_arg(store, kwargs.pop("storage_options", None), mode)
    path = normalize_storage_path(path)
    use_consolidated = kwargs.pop("use_consolidated", None)
    if use_consolidated:
        chunks = kwargs.get("chunk_store")
        store, kwargs["chunk_store"] = consolidated.split(
            store, chunks, use_consolidated, mode, path, zarr_version
        )
    node = None if mode in ("w", "w-") else _formats.find_node(store, path, zarr_version)
    if node is not None:
        opened = _open_found(store, path, mode, *node, **kwargs)
        if isinstance(opened, Group):
            opened._hides_copies = use_consolidated is False
        return opened
    if mode in ("r", "r+"):
        raise _formats.not_found(PathNotFoundError, store, path, zarr_version)
    kwargs |= {"store": store, "path": path, "mode": mode, "zarr_version": zarr_version}
    return creation.open_array(**kwargs) if "shape" in kwargs else open_group(**kwargs)


_ARRAY_ARGUMENTS = frozenset(inspect.signature(Array).parameters)
_GROUP_ARGUMENTS = frozenset(inspect.signature(Group).parameters)


def _open_found(
    store: BaseStore,
    path: str,
    mode: str,
    kind: NodeKind,
    found: _formats.Found,
    chunk_store: StoreLike = None,
    **kwargs: Any,
) -> Array | Group:
    """Open what has been found at `path`; arguments that only creating needs are ignored."""
    if chunk_store is not None:
        chunk_store = normalize_store_arg(chunk_store, None, mode)
    kwargs |= {"chunk_store": chunk_store, "read_only": mode == "r"}
    config = kwargs.pop("config", None)
    if kind == "array":
        known = {name: kwargs[name] for name in kwargs if name in _ARRAY_ARGUMENTS}
        return Array._of(found, store, path, **known).with_config(config)
    kwargs.pop("attributes", None)
    if mode == "a" and "shape" in kwargs:
        raise ContainsGroupError(path, repr(store))
    for name in [name for name in kwargs if name not in _GROUP_ARGUMENTS]:
        raise TypeError(
            f"open() got an unexpected keyword argument {name!r} for the group at {path!r}"
            f"{did_you_mean(name, _GROUP_ARGUMENTS)}"
        )
    return Group._of(found, store, path, **kwargs)


def save_array(
    store: StoreLike,
    arr: Any,
    *,
    zarr_version: int | None = None,
    path: str | None = None,
    zarr_format: int | None = None,
    **kwargs: Any,
) -> None:
    """Save one array; an existing array or group is deleted.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str
        A store, a path or a URL.
    arr : array_like
        Values to store.
    zarr_version, zarr_format : int, optional
        Version of the format, 2 or 3. 2 by default.
    path : str, optional
        Path of the array in the store. The root by default.
    **kwargs
        Other parameters of :func:`zarr.create`.

    Examples
    --------
    >>> import numpy as np
    >>> import zarr
    >>> zarr.save_array('data/example.zarr', np.arange(5))
    >>> zarr.load('data/example.zarr')
    array([0, 1, 2, 3, 4])
    """
    version = _formats.one_version(zarr_version, zarr_format)
    with Opened(store) as target:
        creation.array(arr, store=target, overwrite=True, zarr_version=version, path=path, **kwargs)


def save_group(
    store: StoreLike,
    *args: Any,
    zarr_version: int | None = None,
    path: str | None = None,
    zarr_format: int | None = None,
    **kwargs: Any,
) -> None:
    """Save several arrays as a group; an existing array or group is deleted.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str
        A store, a path or a URL.
    *args : array_like
        Arrays to store as ``arr_0``, ``arr_1``, …
    zarr_version, zarr_format : int, optional
        Version of the format, 2 or 3. 2 by default.
    path : str, optional
        Path of the group in the store. The root by default.
    **kwargs : array_like
        Arrays to store by name.

    Raises
    ------
    ValueError
        If there are no arrays.

    Examples
    --------
    >>> import numpy as np
    >>> import zarr
    >>> zarr.save_group('data/example.zarr', foo=np.arange(5))
    >>> zarr.load('data/example.zarr')
    <LazyLoader: foo>
    """
    arrays = {f"arr_{i}": arr for i, arr in enumerate(args)}
    if twice := arrays.keys() & kwargs.keys():
        raise ValueError(f"arrays given both by position and by name: {', '.join(sorted(twice))}")
    arrays |= kwargs
    if not arrays:
        raise ValueError("at least one array must be provided")
    with Opened(store) as target:
        version = _formats.one_version(zarr_version, zarr_format)
        root = _group(target, path=path, overwrite=True, zarr_version=version)
        for name, arr in arrays.items():
            root.create_dataset(name, data=arr)


def save(
    store: StoreLike,
    *args: Any,
    zarr_version: int | None = None,
    path: str | None = None,
    zarr_format: int | None = None,
    **kwargs: Any,
) -> None:
    """Save one array, as :func:`save_array`, or several as a group, as :func:`save_group`.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str
        A store, a path or a URL.
    *args : array_like
        One array to store at `path`, or several to store as ``arr_0``, ``arr_1``, …
    zarr_version, zarr_format : int, optional
        Version of the format, 2 or 3. 2 by default.
    path : str, optional
        Path of the array or group in the store. The root by default.
    **kwargs : array_like
        Arrays to store by name, in a group.

    Raises
    ------
    ValueError
        If there are no arrays.

    Examples
    --------
    >>> import numpy as np
    >>> import zarr
    >>> zarr.save('data/example.zarr', np.arange(5), np.arange(3))
    >>> zarr.load('data/example.zarr')
    <LazyLoader: arr_0, arr_1>
    """
    if not args and not kwargs:
        raise ValueError("at least one array must be provided")
    if len(args) == 1 and not kwargs:
        save_array(store, args[0], zarr_version=zarr_version, path=path, zarr_format=zarr_format)
    else:
        save_group(
            store, *args, zarr_version=zarr_version, path=path, zarr_format=zarr_format, **kwargs
        )


class LazyLoader(Mapping[str, Any]):
    """The arrays of a group, each loaded into memory at the first access.

    Parameters
    ----------
    grp : Group
        The group.
    """

    def __init__(self, grp: Group) -> None:
        self.grp = grp
        self._loaded: dict[str, np.ndarray[Any, Any]] = {}

    def __getitem__(self, item: str) -> Any:
        if item not in self._loaded:
            member: Any = self.grp[item]
            self._loaded[item] = member[...]
        return self._loaded[item]

    def __len__(self) -> int:
        return len(self.grp)

    def __iter__(self) -> Iterator[str]:
        return iter(self.grp)

    def __contains__(self, item: object) -> bool:
        return item in self.grp

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def __repr__(self) -> str:
        return f"<LazyLoader: {', '.join(self)}>"


def load(
    store: StoreLike,
    zarr_version: int | None = None,
    path: str | None = None,
    *,
    zarr_format: int | None = None,
) -> Any:
    """Load an array into memory, or a group as a mapping that loads its arrays on demand.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str
        A store, a path or a URL.
    zarr_version, zarr_format : int, optional
        Version of the format. The version found in the store by default. A string in the second
        position is `path`, as in the 3.x library.
    path : str, optional
        Path of the array or group in the store. The root by default.

    Returns
    -------
    ndarray or LazyLoader
        The elements of the array, or the arrays of the group.

    Raises
    ------
    PathNotFoundError
        If there is neither an array nor a group at `path`.

    Examples
    --------
    >>> import numpy as np
    >>> import zarr
    >>> zarr.save('data/example.zarr', foo=np.arange(5), bar=np.arange(3))
    >>> zarr.load('data/example.zarr')['foo']
    array([0, 1, 2, 3, 4])
    """
    if isinstance(zarr_version, str):  # the second parameter of the 3.x library
        zarr_version, path = None, zarr_version
    zarr_version = _formats.one_version(zarr_version, zarr_format)
    store, path = without_path(store, path)
    target = normalize_store_arg(store, mode="r")
    path = normalize_storage_path(path)
    node = _formats.find_node(target, path, zarr_version)
    if node is None:
        raise _formats.not_found(PathNotFoundError, target, path, zarr_version)
    opened = _open_found(target, path, "r+", *node)
    return opened[...] if isinstance(opened, Array) else LazyLoader(opened)


def tree(grp: Any, expand: bool = False, level: int | None = None) -> TreeViewer:
    """Return a display of the hierarchy below a group, as text and as HTML.

    Parameters
    ----------
    grp : Group or h5py.Group
        The group to show.
    expand : bool, default False
        Whether all groups are open in the HTML.
    level : int, optional
        Maximum depth. Unlimited by default.

    Returns
    -------
    TreeViewer
        The tree, shown when it is printed or at the end of a notebook cell.

    Examples
    --------
    >>> import zarr
    >>> root = zarr.group()
    >>> z = root.zeros('foo/bar', shape=10)
    >>> zarr.tree(root)
    /
     └── foo
         └── bar (10,) float64
    """
    return TreeViewer(grp, expand, level)


def copy(
    source: Any,
    dest: Any,
    name: str | None = None,
    shallow: bool = False,
    without_attrs: bool = False,
    log: Any = None,
    if_exists: str = "raise",
    dry_run: bool = False,
    *,
    progress: Progress | bool | None = None,
    **create_kws: Any,
) -> tuple[int, int, int]:
    """Copy an array, or a group including everything below it, into another group.

    Source and destination are Zarr or HDF5 groups. Data are copied a few MiB at a time; between
    Zarr arrays with the same chunks and codecs, the chunks are copied without decoding. Zarr
    arrays that get other chunks are copied as by :func:`zarr.rechunk` with 64 MiB of memory.

    Dimension scales of HDF5 and netCDF are converted to names of dimensions, and vice versa: in
    format 3 `dimension_names`, in format 2 the attribute ``_ARRAY_DIMENSIONS`` of xarray.
    Attributes of HDF5 with one element become scalars. Attributes without counterpart, such as
    references, are left out and listed in one warning at the end.

    Parameters
    ----------
    source : Array, Group, h5py.Dataset or h5py.Group
        The array or group to copy.
    dest : Group or h5py.Group
        The group to copy to.
    name : str, optional
        Name or path in `dest`. The last segment of the path of `source` by default.
    shallow : bool, default False
        Whether to copy only the arrays directly in the group, not its subgroups.
    without_attrs : bool, default False
        Whether to leave out user attributes.
    log : callable, path or file, optional
        Receives one line of text per action.
    if_exists : {'raise', 'replace', 'skip', 'skip_initialized'}, default 'raise'
        What to do with arrays that exist in `dest`. 'raise': stop with an error. 'replace':
        delete them. 'skip': leave them unchanged. 'skip_initialized': leave their stored chunks
        unchanged and copy the others, so that a second call completes an interrupted copy (not
        for HDF5).
    dry_run : bool, default False
        Whether to log what would be done without doing it.
    progress : callable or bool, optional
        Called with the number of chunks copied, their total, the number of bytes copied, and
        their total. It may stop the copy by raising an exception. True draws a bar, on a terminal
        or in a notebook, if rich is installed.
    **create_kws
        Parameters of :func:`zarr.create` (or of h5py's ``create_dataset``) that are to differ
        from `source`, such as `chunks`.

    Returns
    -------
    copied, skipped : int
        Numbers of arrays and groups.
    nbytes : int
        Size of the data copied in bytes, before compression.

    Raises
    ------
    CopyError
        If an array or group exists in `dest`.
    TypeError
        If `source` has no name and none is given, or has no counterpart in HDF5.
    ValueError
        If an argument is invalid.

    Examples
    --------
    >>> import numpy as np
    >>> import sys
    >>> import zarr
    >>> source, dest = zarr.group(), zarr.group()
    >>> baz = source.create_dataset('foo/bar/baz', data=np.arange(100))
    >>> zarr.copy(source['foo'], dest, log=sys.stdout)
    copy /foo
    copy /foo/bar
    copy /foo/bar/baz (100,) int64
    all done: 3 copied, 0 skipped, 800 bytes copied
    (3, 0, 800)
    """
    with followed(progress, "copying") as callback:
        options = _copying.Options(if_exists, without_attrs, create_kws, callback)
        return _copying.copy(source, dest, name, shallow, log, dry_run, options)


def copy_all(
    source: Any,
    dest: Any,
    shallow: bool = False,
    without_attrs: bool = False,
    log: Any = None,
    if_exists: str = "raise",
    dry_run: bool = False,
    *,
    progress: Progress | bool | None = None,
    **create_kws: Any,
) -> tuple[int, int, int]:
    """Copy all members of a group into another group.

    The parameters, return value and errors are those of :func:`zarr.copy`.

    Examples
    --------
    >>> import numpy as np
    >>> import zarr
    >>> source, dest = zarr.group(), zarr.group()
    >>> spam = source.create_dataset('spam', data=np.arange(100, 200), chunks=30)
    >>> zarr.copy_all(source, dest)
    (1, 0, 800)
    """
    with followed(progress, "copying") as callback:
        options = _copying.Options(if_exists, without_attrs, create_kws, callback)
        return _copying.copy_all(source, dest, shallow, log, dry_run, options)


def copy_store(
    source: StoreLike,
    dest: StoreLike,
    source_path: str = "",
    dest_path: str = "",
    excludes: str | Sequence[str] | None = None,
    includes: str | Sequence[str] | None = None,
    flags: int = 0,
    if_exists: str = "raise",
    dry_run: bool = False,
    log: Any = None,
    *,
    progress: Progress | bool | None = None,
) -> tuple[int, int, int]:
    """Copy keys and values from one store to another, unchanged.

    Parameters
    ----------
    source, dest : BaseStore, MutableMapping or str
        The store to copy from and the store to copy to, or a path or URL.
    source_path : str, optional
        Path in `source` below which to copy. The root by default.
    dest_path : str, optional
        Path in `dest` below which to store the copies. The root by default.
    excludes, includes : str or sequence of str, optional
        Regular expressions, searched for in the keys of `source`. Keys that match one of
        `excludes` and none of `includes` are not copied. All keys are copied by default.
    flags : int, default 0
        Flags of the module :mod:`re` for these expressions.
    if_exists : {'raise', 'replace', 'skip'}, default 'raise'
        What to do with keys that exist in `dest`. With 'raise', nothing is copied if any exists.
    dry_run : bool, default False
        Whether to log what would be done without doing it.
    log : callable, path or file, optional
        Receives one line of text per action.
    progress : callable or bool, optional
        Called with the number of keys copied, their total, the number of bytes copied, and an
        estimate of their total. True draws a bar.

    Returns
    -------
    copied, skipped : int
        Numbers of keys.
    nbytes : int
        Size of the values copied in bytes.

    Raises
    ------
    CopyError
        If a key exists in `dest`, or `source` cannot list its keys, as over plain HTTP.
    ValueError
        If an argument is invalid.

    Examples
    --------
    >>> import sys
    >>> import zarr
    >>> source, dest = zarr.KVStore({}), zarr.KVStore({})
    >>> z = zarr.open_array(source, mode='w', shape=10, chunks=5, path='foo', dtype='i4')
    >>> z[:] = 42
    >>> zarr.copy_store(source, dest, source_path='foo', dry_run=True, log=sys.stdout)
    copy foo/.zarray -> .zarray
    copy foo/0 -> 0
    copy foo/1 -> 1
    dry run: 3 copied, 0 skipped
    (3, 0, 0)
    """
    with followed(progress, "copying") as callback:
        return _copying_keys.copy_store(
            source, dest, source_path, dest_path, excludes, includes, flags, if_exists, dry_run,
            log, callback,
        )  # fmt: skip


def convert(
    store: StoreLike,
    zarr_format: int,
    dest: StoreLike = None,
    *,
    path: str = "",
    dest_path: str = "",
    rewrite_chunks: bool = False,
    overwrite: bool = False,
    dry_run: bool = False,
    log: Any = None,
    progress: Progress | bool | None = None,
) -> tuple[int, int, int]:
    """Convert a hierarchy or an array to another version of the format.

    In place, only metadata are written if the other version can describe the chunks as they are
    stored. Attributes, fill values, names of dimensions (in format 2 the attribute
    ``_ARRAY_DIMENSIONS`` of xarray) and consolidated metadata are converted, too. Where the new
    metadata cannot express the old ones, they contain a copy of them as ``converted_from``, so
    that converting back restores the old ones: in place with ``rewrite_chunks=True`` if chunks had
    to be moved or rewritten, and without it if they were not.

    An interrupted conversion loses nothing: each array and group opens as before or as converted,
    and a second call completes the conversion. Nothing else may write to the store meanwhile, and
    open arrays and groups have to be opened again.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str
        A store, a path or a URL.
    zarr_format : {2, 3}
        Version to convert to.
    dest : BaseStore, MutableMapping or str, optional
        The store for the result. `store` itself by default.
    path : str, optional
        Path in `store` of the array or group to convert. The root by default.
    dest_path : str, optional
        Path of the result in `dest`. The root by default.
    rewrite_chunks : bool, default False
        Whether chunks can be rewritten that the other version cannot describe as they are stored:
        under other keys, decoded and encoded again if necessary. In place this takes space for
        both. If False, such arrays are an error.
    overwrite : bool, default False
        Whether to delete existing arrays and groups in `dest`.
    dry_run : bool, default False
        Whether to log what would be done without doing it.
    log : callable, path or file, optional
        Receives one line of text per action.
    progress : callable or bool, optional
        Called with the number of chunks copied, their total, the number of bytes copied, and
        their total; of the arrays whose chunks are copied or rewritten. True draws a bar, on a
        terminal or in a notebook, if rich is installed.

    Returns
    -------
    converted, skipped : int
        Numbers of arrays and groups; those that an earlier call converted are skipped.
    nbytes : int
        Size of the chunks copied in bytes, before compression.

    Raises
    ------
    ConversionError
        If the other version cannot express the metadata of an array or group. Nothing is changed
        then.
    PathNotFoundError
        If there is neither an array nor a group at `path`.
    ContainsArrayError, ContainsGroupError
        If there is an array or group in `dest`.
    ValueError
        If an argument is invalid.

    References
    ----------
    Zarr specification, version 2: "Arrays", "Groups" and "Attributes"; version 3: "Array metadata"
    and "Group metadata".

    Examples
    --------
    >>> import sys
    >>> import zarr
    >>> store = zarr.MemoryStore()
    >>> z = zarr.group(store).zeros('foo', shape=100, dtype='i4')
    >>> zarr.convert(store, 3, dry_run=True, log=sys.stdout)
    convert /
    convert /foo (100,) int32
    delete .zgroup
    delete foo/.zarray
    dry run: 2 converted, 0 skipped, 0 bytes of chunks copied
    (2, 0, 0)
    >>> zarr.convert(store, 3)
    (2, 0, 0)
    >>> sorted(store)
    ['foo/zarr.json', 'zarr.json']
    """
    path, dest_path = normalize_storage_path(path), normalize_storage_path(dest_path)
    with ExitStack() as stack:
        changes = dest is None and not dry_run
        source = stack.enter_context(Opened(store, "a" if changes else "r"))
        target = None if dest is None else stack.enter_context(Opened(dest, "a"))
        callback = stack.enter_context(followed(progress, "converting"))
        return _converting.convert(
            source, zarr_format, target, path, dest_path, rewrite_chunks, overwrite, dry_run, log,
            callback,
        )  # fmt: skip


def consolidate_metadata(
    store: StoreLike,
    metadata_key: str = METADATA_KEY,
    *,
    path: str = "",
    zarr_version: int | None = None,
    zarr_format: int | None = None,
) -> Array | Group:
    """Store copies of all metadata under one key, so that one request reads them.

    Call it again after arrays or groups have been created, deleted or resized, or attributes
    changed: consolidated metadata are not updated automatically.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str
        A store, a path or a URL.
    metadata_key : str, default '.zmetadata'
        Key of the copies. Not used in format 3, where the metadata of the group at `path` contain
        them.
    path : str, optional
        Path of the array or group to open. The root by default.
    zarr_version, zarr_format : int, optional
        Version of the format. The version found in the store by default.

    Returns
    -------
    Group or Array
        The array or group at `path`, opened with the consolidated metadata.

    Raises
    ------
    PathNotFoundError
        If there is neither an array nor a group at `path`.

    Warns
    -----
    ZarrUserWarning
        In format 3, where other readers may ignore the copies.

    References
    ----------
    The Zarr specification has no section on consolidated metadata. The key ``.zmetadata`` is that
    of zarr-python 2; the member ``consolidated_metadata`` of format 3 is that of zarr-python 3.

    Examples
    --------
    >>> import zarr
    >>> store = zarr.MemoryStore()
    >>> z = zarr.group(store).zeros('foo/bar', shape=10)
    >>> zarr.consolidate_metadata(store)
    <zarr.hierarchy.Group '/'>
    >>> zarr.open_consolidated(store)['foo/bar']
    <zarr.core.Array '/foo/bar' (10,) float64>
    """
    store, path = without_path(store, path)
    target = normalize_store_arg(store, mode="a")
    path = normalize_storage_path(path)
    version = _formats.one_version(zarr_version, zarr_format)
    if consolidated.consolidate(target, metadata_key, path, version):
        # Clients of zarr-python 3 look for the first words.
        warn_user(
            "Consolidated metadata is currently not part of the Zarr format 3 specification. Other "
            "readers may ignore it.",
            ZarrUserWarning,
        )
    return open_consolidated(target, metadata_key, path=path)


@noting_the_3_x_library
def open_consolidated(
    store: StoreLike,
    metadata_key: str = METADATA_KEY,
    mode: Literal["r", "r+"] = "r+",
    *,
    strict: bool = False,
    zarr_version: int | None = None,
    zarr_format: int | None = None,
    **kwargs: Any,
) -> Array | Group:
    """Open a group with the metadata that :func:`consolidate_metadata` has stored under one key.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str
        A store, a path or a URL.
    metadata_key : str, default '.zmetadata'
        Key of the consolidated metadata. Not used in format 3.
    mode : {'r', 'r+'}, default 'r+'
        'r': read only. 'r+': data and metadata can be written; each change of metadata writes the
        consolidated metadata again.
    strict : bool, default False
        Whether consolidated metadata that are found to be out of date are an error. By default
        they are used, with a warning, because readers of a published hierarchy cannot update
        them. Changes of members below the root are not detected.
    zarr_version, zarr_format : int, optional
        Version of the format. The version found in the store by default.
    **kwargs
        Other parameters of :func:`open`.

    Returns
    -------
    Group or Array
        The group or array at `path`.

    Raises
    ------
    KeyError
        If there are no consolidated metadata.
    MetadataError
        If they are invalid, or found to be out of date and `strict` is True.
    ValueError
        If `mode` is neither 'r' nor 'r+'.

    Examples
    --------
    >>> import zarr
    >>> store = zarr.MemoryStore()
    >>> z = zarr.group(store).zeros('foo/bar', shape=10)
    >>> root = zarr.consolidate_metadata(store)
    >>> zarr.open_consolidated(store, mode='r')
    <zarr.hierarchy.Group '/' read-only>
    """
    consolidated.check_mode(mode)
    options = kwargs.pop("storage_options", None)
    store, path = without_path(store, kwargs.pop("path", None))
    data = normalize_store_arg(store, options, mode)
    chunks = kwargs.pop("chunk_store", None)
    if chunks is not None:
        chunks = normalize_store_arg(chunks, options, mode)
    path = normalize_storage_path(path)
    version = _formats.one_version(zarr_version, zarr_format)
    metadata, chunks = consolidated.split(
        data, chunks, metadata_key, mode, path, version, strict=strict
    )
    return open(metadata, mode, path=path, chunk_store=chunks, zarr_version=version, **kwargs)
