"""Opening, saving and loading in one call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import ExitStack
from typing import Any, Literal, TypeAlias

import numpy as np

from zarr import creation, formats
from zarr.core import Array
from zarr.display import TreeViewer
from zarr.errors import PathNotFoundError
from zarr.hierarchy import Group, open_group
from zarr.hierarchy import group as _group
from zarr.storage import consolidated
from zarr.storage.base import BaseStore, normalize_storage_path
from zarr.storage.consolidated import METADATA_KEY
from zarr.storage.resolve import normalize_store_arg
from zarr.tools import convert as _converting
from zarr.tools import copy as _copying

__all__ = [
    "LazyLoader", "consolidate_metadata", "convert", "copy", "copy_all", "copy_store", "load",
    "open", "open_consolidated", "save", "save_array", "save_group", "tree",
]  # fmt: skip

StoreLike: TypeAlias = BaseStore | MutableMapping[str, Any] | str | None


def open(
    store: StoreLike = None,
    mode: str = "a",
    *,
    zarr_version: int | None = None,
    path: str | None = None,
    zarr_format: int | None = None,
    **kwargs: Any,
) -> Array | Group:
    """Open an array or a group the way files are opened.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str, optional
        A store, a path or a URL; a new store in memory by default.
    mode : {'r', 'r+', 'a', 'w', 'w-'}
        'r': read only, must exist. 'r+': read and write, must exist. 'a': read and
        write, is created if it does not exist. 'w': create, delete what is there. 'w-':
        create, must not exist.
    zarr_version, zarr_format : int, optional
        Format; by default the one that is found.
    path : str, optional
        Path in the store.
    **kwargs
        As for :func:`zarr.creation.open_array` or :func:`zarr.hierarchy.open_group`.
        With a `shape`, what is created is an array. With ``use_consolidated=True``,
        metadata are read as by :func:`open_consolidated`.

    Returns
    -------
    Array or Group
        What there is.

    Raises
    ------
    PathNotFoundError
        In the modes 'r' and 'r+', if there is nothing.

    Examples
    --------
    >>> import zarr
    >>> zarr.open('data/example.zarr', mode='w', shape=100, dtype='i4')
    <zarr.core.Array (100,) int32>
    >>> zarr.open('data/example.zarr', mode='r')
    <zarr.core.Array (100,) int32 read-only>
    """
    mode = creation.check_mode(mode)
    zarr_version = formats.one_version(zarr_version, zarr_format)
    store = normalize_store_arg(store, kwargs.pop("storage_options", None), mode)
    path = normalize_storage_path(path)
    if use_consolidated := kwargs.pop("use_consolidated", None):
        chunks = kwargs.get("chunk_store")
        store, kwargs["chunk_store"] = consolidated.split(
            store, chunks, use_consolidated, mode, path
        )
    kwargs |= {"store": store, "path": path, "mode": mode, "zarr_version": zarr_version}
    there = None if mode in ("w", "w-") else formats.kind(store, path, zarr_version)
    if there == "array":
        return creation.open_array(**kwargs)
    if there == "group":
        return open_group(**kwargs)
    if mode in ("r", "r+"):
        raise PathNotFoundError(path)
    return creation.open_array(**kwargs) if "shape" in kwargs else open_group(**kwargs)


def save_array(
    store: StoreLike,
    arr: Any,
    *,
    zarr_version: int | None = None,
    path: str | None = None,
    zarr_format: int | None = None,
    **kwargs: Any,
) -> None:
    """Save one array; what was there is deleted.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str
        A store, a path or a URL.
    arr : array_like
    zarr_version, zarr_format : int, optional
        Format.
    path : str, optional
        Path in the store.
    **kwargs
        As for :func:`zarr.creation.create`.

    Examples
    --------
    >>> import numpy as np
    >>> import zarr
    >>> zarr.save_array('data/example.zarr', np.arange(5))
    >>> zarr.load('data/example.zarr')
    array([0, 1, 2, 3, 4])
    """
    version = formats.one_version(zarr_version, zarr_format)
    with _Opened(store) as target:
        creation.array(arr, store=target, overwrite=True, zarr_version=version, path=path, **kwargs)


def save_group(
    store: StoreLike,
    *args: Any,
    zarr_version: int | None = None,
    path: str | None = None,
    zarr_format: int | None = None,
    **kwargs: Any,
) -> None:
    """Save several arrays as a group; what was there is deleted.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str
        A store, a path or a URL.
    *args : array_like
        Arrays to be named ``arr_0``, ``arr_1``, …
    zarr_version, zarr_format : int, optional
        Format.
    path : str, optional
        Path of the group in the store.
    **kwargs : array_like
        Arrays by name.

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
        raise ValueError(f"arrays given both by place and by name: {', '.join(sorted(twice))}")
    arrays |= kwargs
    if not arrays:
        raise ValueError("at least one array must be provided")
    with _Opened(store) as target:
        version = formats.one_version(zarr_version, zarr_format)
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
    """Save one array, or several as a group; see :func:`save_array` and :func:`save_group`.

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


class _Opened:
    """The store that an argument means, closed at the end if it was opened here."""

    def __init__(self, store: StoreLike, mode: str = "w") -> None:
        self._is_ours = not isinstance(store, (BaseStore, MutableMapping))
        self._store = normalize_store_arg(store, mode=mode)

    def __enter__(self) -> BaseStore:
        return self._store

    def __exit__(self, *error: object) -> None:
        if self._is_ours:
            self._store.close()


class LazyLoader(Mapping[str, Any]):
    """The arrays of a group, loaded when they are asked for.

    Parameters
    ----------
    grp : Group
    """

    def __init__(self, grp: Group) -> None:
        self.grp = grp
        self._loaded: dict[str, np.ndarray[Any, Any]] = {}

    def __getitem__(self, item: str) -> Any:
        if item not in self._loaded:
            self._loaded[item] = self.grp[item][...]
        return self._loaded[item]

    def __len__(self) -> int:
        return len(self.grp)

    def __iter__(self) -> Iterator[str]:
        return iter(self.grp)

    def __contains__(self, item: object) -> bool:
        return item in self.grp

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
        Format.
    path : str, optional
        Path in the store.

    Returns
    -------
    ndarray or LazyLoader

    Raises
    ------
    PathNotFoundError
        If there is nothing.
    """
    zarr_version = formats.one_version(zarr_version, zarr_format)
    target = normalize_store_arg(store, mode="r")
    path = normalize_storage_path(path)
    there = formats.kind(target, path, zarr_version)
    if there == "array":
        return Array(target, path=path, zarr_version=zarr_version)[...]
    if there == "group":
        return LazyLoader(Group(target, path=path, zarr_version=zarr_version))
    raise PathNotFoundError(path)


def tree(grp: Any, expand: bool = False, level: int | None = None) -> TreeViewer:
    """Return a display of the hierarchy below a group of ours or of h5py.

    Parameters
    ----------
    grp : Group or h5py.Group
    expand : bool, default False
        Whether the HTML shows everything at once.
    level : int, optional
        Depth at which to stop.
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
    progress: _copying.Progress | None = None,
    **create_kws: Any,
) -> tuple[int, int, int]:
    """Copy an array, or a group with all below it, into another group.

    Both may be ours or of h5py. Data move a few MiB at a time; between arrays of ours
    with the same chunks and codecs, chunks are not even decoded.

    Parameters
    ----------
    source : Array, Group, h5py.Dataset or h5py.Group
    dest : Group or h5py.Group
    name : str, optional
        Name or path in `dest`; by default the last part of the name of `source`.
    shallow : bool, default False
        Whether to copy of a group only the arrays in it, not the groups.
    without_attrs : bool, default False
        Whether to leave out user attributes.
    log : callable, path or file, optional
        Is told line by line what happens.
    if_exists : {'raise', 'replace', 'skip', 'skip_initialized'}
        What to do about arrays that exist in `dest`. 'raise': stop with an error.
        'replace': delete them. 'skip': leave them alone. 'skip_initialized': leave their
        chunks alone, and copy the others, so that a second call completes a copy that
        was interrupted (not for h5py).
    dry_run : bool, default False
        Whether to tell only what would happen.
    progress : callable, optional
        Called with chunks done, chunks in all, bytes done, bytes in all. It may stop the
        copy by raising an exception.
    **create_kws
        Arguments for the creation of arrays, in place of what `source` says.

    Returns
    -------
    copied, skipped : int
        Numbers of arrays and groups.
    nbytes : int
        Bytes copied, before compression.

    Raises
    ------
    CopyError
        If something is in the way.
    TypeError
        If `source` has no name and none is given, or has no counterpart in HDF5.
    ValueError
        If an argument makes no sense.

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
    options = _copying.Options(if_exists, without_attrs, create_kws, progress)
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
    progress: _copying.Progress | None = None,
    **create_kws: Any,
) -> tuple[int, int, int]:
    """Copy all members of a group into another group.

    The parameters, what is returned and what is raised are those of :func:`copy`.

    Examples
    --------
    >>> import numpy as np
    >>> import zarr
    >>> source, dest = zarr.group(), zarr.group()
    >>> spam = source.create_dataset('spam', data=np.arange(100, 200), chunks=30)
    >>> zarr.copy_all(source, dest)
    (1, 0, 800)
    """
    options = _copying.Options(if_exists, without_attrs, create_kws, progress)
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
    progress: _copying.Progress | None = None,
) -> tuple[int, int, int]:
    """Copy keys and values of a store to another, as they are.

    Parameters
    ----------
    source, dest : BaseStore, MutableMapping or str
    source_path : str, optional
        Copy only what is below this path.
    dest_path : str, optional
        Where to copy it to.
    excludes, includes : str or sequence of str, optional
        Regular expressions, searched for in the keys of `source`. Keys with one of
        `excludes` and none of `includes` in them are not copied.
    flags : int, optional
        Of the module `re`.
    if_exists : {'raise', 'replace', 'skip'}
        What to do about keys that exist in `dest`. With 'raise' nothing is copied if
        there is one.
    dry_run : bool, default False
        Whether to tell only what would happen.
    log : callable, path or file, optional
        Is told line by line what happens.
    progress : callable, optional
        Called with keys done, keys in all, bytes done, and an estimate of bytes in all.

    Returns
    -------
    copied, skipped : int
        Numbers of keys.
    nbytes : int
        Bytes copied.

    Raises
    ------
    CopyError
        If a key exists in `dest`.

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
    return _copying.copy_store(
        source, dest, source_path, dest_path, excludes, includes, flags, if_exists, dry_run, log,
        progress,
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
) -> tuple[int, int, int]:
    """Convert a whole hierarchy, or one array, to another version of the format.

    In place, only metadata are written, if the other version can say how the chunks are to
    be read as they are. Attributes, fill values, names of dimensions (in version 2 they are
    xarray's attribute ``_ARRAY_DIMENSIONS``) and consolidated metadata are converted too.
    What the new documents cannot say they keep, so that converting back gives the old ones.

    Nothing is lost if it is interrupted: what is there opens as before or as converted, and
    a second call completes the conversion. Nobody else may write meanwhile; arrays and
    groups that are open have to be opened again.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str
        A store, a path or a URL.
    zarr_format : {2, 3}
        Version to convert to.
    dest : BaseStore, MutableMapping or str, optional
        Where to put the result; `store` itself by default.
    path : str, optional
        Path of what is to be converted.
    dest_path : str, optional
        Path of the result in `dest`.
    rewrite_chunks : bool, default False
        Whether to write chunks anew that cannot stay as they are: under other keys, decoded
        and encoded again if need be. In place that needs room for both. Otherwise
        such arrays are an error.
    overwrite : bool, default False
        Whether to delete what is in `dest`.
    dry_run : bool, default False
        Whether to tell only what would happen.
    log : callable, path or file, optional
        Is told line by line what happens.

    Returns
    -------
    converted, skipped : int
        Numbers of arrays and groups; skipped are those converted by an earlier call.
    nbytes : int
        Bytes of chunks copied, before compression.

    Raises
    ------
    ConversionError
        If the other version has no words for an array or group; then nothing is changed.
    PathNotFoundError
        If there is nothing at `path`.
    ContainsArrayError, ContainsGroupError
        If there is something in `dest`.
    ValueError
        If an argument makes no sense.

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
        source = stack.enter_context(_Opened(store, "a" if changes else "r"))
        target = None if dest is None else stack.enter_context(_Opened(dest, "a"))
        return _converting.convert(
            source, zarr_format, target, path, dest_path, rewrite_chunks, overwrite, dry_run, log
        )


def consolidate_metadata(
    store: StoreLike,
    metadata_key: str = METADATA_KEY,
    *,
    path: str = "",
    zarr_version: int | None = None,
    zarr_format: int | None = None,
) -> Array | Group:
    """Put copies of all metadata in a store under one key, to be read at once.

    Call it again after arrays or groups have been created, deleted or resized, or
    attributes changed: nothing does that for you.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str
        A store, a path or a URL.
    metadata_key : str
        Where to put the copies.
    path : str, optional
        Path of what is to be opened.
    zarr_version, zarr_format : int, optional
        Format; by default the one that is found. Groups in format 3 carry the copies
        themselves: they are put into the one at `path`, and `metadata_key` plays no part.

    Returns
    -------
    Group or Array
        Opened with the copies.

    Raises
    ------
    PathNotFoundError
        If there is nothing at `path`.

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
    target = normalize_store_arg(store, mode="a")
    path = normalize_storage_path(path)
    version = formats.one_version(zarr_version, zarr_format)
    consolidated.consolidate(target, metadata_key, path, version)
    return open_consolidated(target, metadata_key, path=path)


def open_consolidated(
    store: StoreLike,
    metadata_key: str = METADATA_KEY,
    mode: Literal["r", "r+"] = "r+",
    **kwargs: Any,
) -> Array | Group:
    """Open a group whose metadata :func:`consolidate_metadata` has put under one key.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str
        A store, a path or a URL.
    metadata_key : str
        Where the copies are.
    mode : {'r', 'r+'}
        'r': read only. 'r+': data can be written, metadata cannot be changed.
    **kwargs
        As for :func:`open`.

    Returns
    -------
    Group or Array

    Raises
    ------
    KeyError
        If there are no consolidated metadata.
    MetadataError
        If they cannot be understood, or are seen to be out of date.
    ValueError
        If `mode` is another one.
    """
    consolidated.check_mode(mode)
    options = kwargs.pop("storage_options", None)
    data = normalize_store_arg(store, options, mode)
    chunks = kwargs.pop("chunk_store", None)
    if chunks is not None:
        chunks = normalize_store_arg(chunks, options, mode)
    path = normalize_storage_path(kwargs.pop("path", None))
    metadata, chunks = consolidated.split(data, chunks, metadata_key, mode, path)
    return open(metadata, mode, path=path, chunk_store=chunks, **kwargs)
