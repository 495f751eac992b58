"""Opening, saving and loading in one call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, TypeAlias

import numpy as np

from zarr import creation, formats
from zarr.core import Array
from zarr.display import TreeViewer
from zarr.errors import PathNotFoundError
from zarr.hierarchy import Group, open_group
from zarr.hierarchy import group as _group
from zarr.storage.base import BaseStore, normalize_storage_path
from zarr.storage.resolve import normalize_store_arg

__all__ = ["LazyLoader", "load", "open", "save", "save_array", "save_group", "tree"]

StoreLike: TypeAlias = BaseStore | MutableMapping[str, Any] | str | None


def open(
    store: StoreLike = None,
    mode: str = "a",
    *,
    zarr_version: int | None = None,
    path: str | None = None,
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
    zarr_version : int, optional
        Format; by default the one that is found.
    path : str, optional
        Path in the store.
    **kwargs
        As for :func:`zarr.creation.open_array` or :func:`zarr.hierarchy.open_group`.
        With a `shape`, what is created is an array.

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
    store = normalize_store_arg(store, kwargs.pop("storage_options", None), mode)
    path = normalize_storage_path(path)
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
    **kwargs: Any,
) -> None:
    """Save one array; what was there is deleted.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str
        A store, a path or a URL.
    arr : array_like
    zarr_version : int, optional
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
    with _Opened(store) as target:
        creation.array(
            arr, store=target, overwrite=True, zarr_version=zarr_version, path=path, **kwargs
        )


def save_group(
    store: StoreLike,
    *args: Any,
    zarr_version: int | None = None,
    path: str | None = None,
    **kwargs: Any,
) -> None:
    """Save several arrays as a group; what was there is deleted.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str
        A store, a path or a URL.
    *args : array_like
        Arrays to be named ``arr_0``, ``arr_1``, …
    zarr_version : int, optional
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
        root = _group(target, path=path, overwrite=True, zarr_version=zarr_version)
        for name, arr in arrays.items():
            root.create_dataset(name, data=arr)


def save(
    store: StoreLike,
    *args: Any,
    zarr_version: int | None = None,
    path: str | None = None,
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
        save_array(store, args[0], zarr_version=zarr_version, path=path)
    else:
        save_group(store, *args, zarr_version=zarr_version, path=path, **kwargs)


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


def load(store: StoreLike, zarr_version: int | None = None, path: str | None = None) -> Any:
    """Load an array into memory, or a group as a mapping that loads its arrays on demand.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str
        A store, a path or a URL.
    zarr_version : int, optional
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
