"""Coroutines that create and open arrays and groups, with the parameters of `zarr`'s functions.

Each calls the function of its name in a thread; arrays and groups that it returns have coroutines,
too. A coroutine that is cancelled ends when the call has ended.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial, wraps
from typing import Any

from zarr._async.array import AsyncArray
from zarr._async.group import AsyncGroup
from zarr._async.threads import as_asynchronous, as_synchronous, in_thread, iterated
from zarr.api import synchronous

__all__ = [
    "AsyncArray", "AsyncGroup", "array", "consolidate_metadata", "copy", "copy_all", "copy_store",
    "create", "create_array", "create_group", "create_hierarchy", "empty", "empty_like",
    "from_array", "full", "full_like", "group", "load", "ones", "ones_like", "open", "open_array",
    "open_consolidated", "open_group", "open_like", "save", "save_array", "save_group", "tree",
    "zeros", "zeros_like",
]  # fmt: skip


def _coroutine(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a coroutine that calls `function` in a thread."""

    @wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        given = {name: as_synchronous(value) for name, value in kwargs.items()}
        found = await in_thread(function, *map(as_synchronous, args), **given)
        return as_asynchronous(found)

    call.__module__ = __name__
    return call


array = _coroutine(synchronous.array)
consolidate_metadata = _coroutine(synchronous.consolidate_metadata)
copy = _coroutine(synchronous.copy)
copy_all = _coroutine(synchronous.copy_all)
copy_store = _coroutine(synchronous.copy_store)
create = _coroutine(synchronous.create)
create_array = _coroutine(synchronous.create_array)
create_group = _coroutine(synchronous.create_group)
empty = _coroutine(synchronous.empty)
empty_like = _coroutine(synchronous.empty_like)
from_array = _coroutine(synchronous.from_array)
full = _coroutine(synchronous.full)
full_like = _coroutine(synchronous.full_like)
group = _coroutine(synchronous.group)
load = _coroutine(synchronous.load)
ones = _coroutine(synchronous.ones)
ones_like = _coroutine(synchronous.ones_like)
open = _coroutine(synchronous.open)
open_array = _coroutine(synchronous.open_array)
open_consolidated = _coroutine(synchronous.open_consolidated)
open_group = _coroutine(synchronous.open_group)
open_like = _coroutine(synchronous.open_like)
save = _coroutine(synchronous.save)
save_array = _coroutine(synchronous.save_array)
save_group = _coroutine(synchronous.save_group)
tree = _coroutine(synchronous.tree)
zeros = _coroutine(synchronous.zeros)
zeros_like = _coroutine(synchronous.zeros_like)


async def create_hierarchy(
    *, store: Any, nodes: Mapping[str, Any], overwrite: bool = False
) -> AsyncIterator[tuple[str, Any]]:
    """Create arrays and groups from their metadata.

    Parameters
    ----------
    store : StoreLike
        The store.
    nodes : dict
        Metadata by path.
    overwrite : bool, default False
        Whether to replace existing arrays and groups.

    Yields
    ------
    path : str
        The path in the store.
    node : AsyncArray or AsyncGroup
        The new array or group.
    """
    create_all = partial(
        synchronous.create_hierarchy, store=store, nodes=nodes, overwrite=overwrite
    )
    async for path, node in iterated(create_all):
        yield path, as_asynchronous(node)
