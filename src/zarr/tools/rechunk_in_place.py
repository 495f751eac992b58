"""The end of a rechunking in place: a new array takes the place of the one it was made from.

It is made below ``__rechunk/new`` of what is rechunked, and moved by a transaction, which readers
see as a whole or not at all.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from zarr import _formats
from zarr._formats.base import join
from zarr.core import Array
from zarr.errors import CopyError
from zarr.hierarchy import Group
from zarr.storage.base import BaseStore, normalize_storage_path
from zarr.storage.resolve import Opened
from zarr.tools.check import check
from zarr.tools.check_hierarchy import consolidated_above
from zarr.tools.rechunk_tasks import Stored
from zarr.tools.sources import is_store, opened

__all__ = ["check_in_place", "is_same_node", "opened_for_writing", "put_in_place"]


def is_same_node(node: Any, dest: Any, dest_path: str) -> bool:
    """Tell whether `dest_path` in `dest` is where `node` is."""
    if not isinstance(node, (Array, Group)):
        return False
    path = normalize_storage_path(dest_path)
    if isinstance(dest, (Array, Group)):
        store, path = dest._store, join(dest.path, path) if path else dest.path
    elif is_store(dest):
        with Opened(dest, "a") as store:
            return store.location == node._store.location and path == node.path
    else:
        return False
    return store.location == node._store.location and path == node.path


def opened_for_writing(stack: ExitStack, source: Any, path: str) -> Any:
    """Open an array or group that exists, to be changed."""
    if not is_store(source):
        node = stack.enter_context(opened(source, path))
        if isinstance(node, Array):
            node._reload()  # its attributes may be others since it was opened
        return node
    with opened(source, path) as node:
        inside = node.path
    store = stack.enter_context(Opened(source, "a"))
    found: Any = _formats.find_node(store, inside)
    kind = Array if found[0] == "array" else Group
    return kind._of(found[1], store, inside, read_only=False)


def check_in_place(node: Array | Group, arrays: list[Array]) -> None:
    """Raise an error if `arrays`, which are `node` or below it, cannot be replaced.

    Raises
    ------
    ValueError
        If the store has no transactions, or chunks are in another store, or an array is sealed.
    ReadOnlyError
        If the store, or `node`, is read-only.
    """
    if not node._store.has_transactions:
        raise ValueError(
            f"rechunking in place needs a store with transactions (a folder, SQLite, LMDB, Redis, "
            f"OCDBT or ZIP), which {node._store!r} is not; pass dest, and delete the original when "
            "you have compared the two"
        )
    node._check_writeable()
    for array in arrays:
        if array._chunk_store is not None:
            raise ValueError(
                f"{array!r} has its chunks in another store, and a transaction has one store: it "
                "cannot be rechunked in place; pass dest"
            )
        if array._is_sealed:
            raise ValueError(
                f"{array!r} is sealed: call zarr.unseal before it is rechunked in place, and "
                "zarr.seal afterwards"
            )


def put_in_place(store: BaseStore, pairs: list[tuple[Stored, Stored]]) -> None:
    """Let new arrays take the places of old ones, and renew consolidated metadata.

    Parameters
    ----------
    store : BaseStore
        The store of a transaction.
    pairs : list of (Stored, Stored)
        Each array as it was when the job began, and the array made of it.

    Raises
    ------
    CopyError
        If the metadata of an old array have changed.
    """
    for before, made in pairs:
        _put_array(store, before, made)
    if any(consolidated_above(store, before.path) for before, _ in pairs):
        check(store, level="meta", fix="M006", age=0)


def _put_array(store: BaseStore, before: Stored, made: Stored) -> None:
    format: Any = _formats.by_version(before.version)
    if store.getitems([before.key]).get(before.key) != before.document:
        raise CopyError(
            f"the metadata of the array at {before.path or '/'!r} have changed since rechunking it "
            "was begun; resume=False starts again"
        )
    old = replace(before, store=store).open(read_only=False)
    store.delitems([key for key, _ in old._engine.stored()])
    for key in list(store.list_prefix(made.path)):
        store.rename(key, join(before.path, key[len(made.path) + 1 :]))
    then, new = (format.parse_array(each.document, each.key) for each in (before, made))
    store.delitems([before.key])  # ZIP archives warn of values that are replaced
    store[before.key] = format.dump_array(replace(new, extra=then.extra))
