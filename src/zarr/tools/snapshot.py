"""Snapshots: earlier states of a store in a directory, each a store of its own."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, TypeAlias

from zarr._nodes.node import Node
from zarr.core import Array
from zarr.errors import TransactionError
from zarr.hierarchy import Group
from zarr.storage.base import BaseStore
from zarr.storage.directory import DirectoryStore
from zarr.storage.n5 import N5View
from zarr.storage.nodes import contains_array
from zarr.storage.resolve import Opened
from zarr.storage.snapshots import Method, Snapshot, delete, find, find_all, make, put_back
from zarr.tools.transaction import tell_handles

__all__ = [
    "Snapshot", "drop_snapshot", "open_snapshot", "restore_snapshot", "snapshot",
    "snapshots",
]  # fmt: skip

StoreArgument: TypeAlias = Array | Group | BaseStore | MutableMapping[str, Any] | str


@contextmanager
def _directory(store: StoreArgument, mode: str = "a") -> Iterator[tuple[DirectoryStore, bool]]:
    """Yield the directory of a store, and whether it holds N5.

    Raises
    ------
    TransactionError
        If the store is not a directory.
    """
    if isinstance(store, Node):
        store = store.store
    with Opened(store, mode) as opened:
        tree = opened.tree if isinstance(opened, N5View) else opened
        if not isinstance(tree, DirectoryStore):
            raise TransactionError(
                f"{opened!r} has no snapshots, which are made of stores in directories; copy the "
                "store with zarr.copy_store"
            )
        yield tree, tree is not opened


def snapshot(store: StoreArgument, name: str, *, method: Method = "auto") -> Snapshot:
    """Keep the present state of a store under a name.

    A snapshot is a store of its own, in the folder ``__snapshots/NAME`` of the directory, where any
    program can read it. Changes of the original do not change it.

    Parameters
    ----------
    store : Array, Group, BaseStore, MutableMapping, str or path-like
        A store in a directory, an array or group in it, or its path. The snapshot is of the whole
        store.
    name : str
        Name of the new snapshot.
    method : {'auto', 'reflink', 'link', 'copy'}, default 'auto'
        How to take the files. ``'reflink'`` shares their blocks, which a few file systems can do;
        ``'link'`` gives each file a second name; ``'copy'`` copies the data. ``'auto'`` tries them
        in that order.

    Returns
    -------
    Snapshot
        Its name, path and time.

    Raises
    ------
    ValueError
        If there is a snapshot of that name, or it is no name of a folder.
    TransactionError
        If the store is not a directory, or another transaction takes longer than 30 seconds.
    StoreError
        If the file system lacks what `method` needs.

    Notes
    -----
    Transactions wait meanwhile. Writers that use none do not, and what they change at that moment
    may be in the snapshot or not.

    Linked files are shared with the original until that replaces them, as this package,
    zarr-python and tensorstore do. A program that changes files in place, such as zarrs, would
    change the snapshot, too: so linked files are made read-only, which stops such a program unless
    it runs as root. For data that such programs write use ``method='copy'``.

    Examples
    --------
    >>> import zarr
    >>> z = zarr.open_array('data/z.zarr', mode='w', shape=4, dtype='i4')
    >>> snap = zarr.snapshot(z, 'before')
    >>> z[:] = 7
    >>> zarr.open_snapshot(z, 'before')[:]
    array([0, 0, 0, 0], dtype=int32)
    """
    with _directory(store) as (tree, _):
        return make(tree, name, method)


def snapshots(store: StoreArgument) -> list[Snapshot]:
    """Return the snapshots of a store, the oldest first.

    Parameters
    ----------
    store : Array, Group, BaseStore, MutableMapping, str or path-like
        As for :func:`zarr.snapshot`.

    Returns
    -------
    list of Snapshot
        Names, paths and times.

    Raises
    ------
    TransactionError
        If the store is not a directory.

    Examples
    --------
    >>> import zarr
    >>> z = zarr.open_array('data/y.zarr', mode='w', shape=4, dtype='i4')
    >>> snap = zarr.snapshot(z, 'monday')
    >>> [one.name for one in zarr.snapshots(z)]
    ['monday']
    """
    with _directory(store, "r") as (tree, _):
        return find_all(tree)


def open_snapshot(store: StoreArgument, name: str) -> Array | Group:
    """Open a snapshot to read.

    Parameters
    ----------
    store : Array, Group, BaseStore, MutableMapping, str or path-like
        As for :func:`zarr.snapshot`.
    name : str
        Name of the snapshot.

    Returns
    -------
    Array or Group
        What is at the root of the snapshot, read-only.

    Raises
    ------
    KeyError
        If there is no such snapshot.
    TransactionError
        If the store is not a directory.

    Examples
    --------
    >>> import zarr
    >>> z = zarr.open_array('data/x.zarr', mode='w', shape=4, dtype='i4')
    >>> snap = zarr.snapshot(z, 'monday')
    >>> zarr.open_snapshot('data/x.zarr', 'monday')
    <zarr.core.Array (4,) int32 read-only>
    """
    with _directory(store, "r") as (tree, is_n5):
        opened: BaseStore = _opened(tree, find(tree, name))
        if is_n5:
            opened = N5View(opened)
            opened._dimension_separator = "/"
        return (Array if contains_array(opened) else Group)(opened, read_only=True)


def _opened(tree: DirectoryStore, path: str) -> DirectoryStore:
    return DirectoryStore(
        path,
        tree.normalize_keys,
        tree._dimension_separator,
        follow_symlinks=tree.follow_symlinks,
    )


def restore_snapshot(store: StoreArgument, name: str) -> None:
    """Make a store what it was when a snapshot was made.

    All changes are one transaction: readers see the present state, or that of the snapshot. Other
    snapshots stay.

    Parameters
    ----------
    store : Array, Group, BaseStore, MutableMapping, str or path-like
        As for :func:`zarr.snapshot`.
    name : str
        Name of the snapshot.

    Raises
    ------
    KeyError
        If there is no such snapshot.
    TransactionError
        If the store is not a directory, or another transaction takes longer than 30 seconds.

    Examples
    --------
    >>> import zarr
    >>> z = zarr.open_array('data/w.zarr', mode='w', shape=4, dtype='i4')
    >>> snap = zarr.snapshot(z, 'monday')
    >>> z[:] = 7
    >>> zarr.restore_snapshot(z, 'monday')
    >>> z[:]
    array([0, 0, 0, 0], dtype=int32)
    """
    with _directory(store) as (tree, _):
        kept = _opened(tree, find(tree, name))
        begun = tree.begin()
        try:
            put_back(begun.store, tree, kept)
        except BaseException:
            begun.rollback()
            raise
        begun.commit()
        tell_handles(tree)


def drop_snapshot(store: StoreArgument, name: str) -> None:
    """Delete a snapshot. The store itself and other snapshots stay.

    Parameters
    ----------
    store : Array, Group, BaseStore, MutableMapping, str or path-like
        As for :func:`zarr.snapshot`.
    name : str
        Name of the snapshot.

    Raises
    ------
    KeyError
        If there is no such snapshot.
    TransactionError
        If the store is not a directory, or another transaction takes longer than 30 seconds.

    Examples
    --------
    >>> import zarr
    >>> z = zarr.open_array('data/v.zarr', mode='w', shape=4, dtype='i4')
    >>> snap = zarr.snapshot(z, 'monday')
    >>> zarr.drop_snapshot(z, 'monday')
    >>> zarr.snapshots(z)
    []
    """
    with _directory(store) as (tree, _):
        delete(tree, name)
