"""The stages of a plan: from an array to the next, by way of intermediate arrays."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from zarr import _formats
from zarr._formats.base import join
from zarr._selection.grid import first_items, longest
from zarr.core import Array
from zarr.storage.base import BaseStore
from zarr.storage.nodes import NamedOptions, array_meta
from zarr.tools.rechunk_plan import LOCAL, REMOTE, Cost, Layout, Plan, Regions, Stage, candidates
from zarr.tools.rechunk_tasks import Stored, Task, run_tasks

__all__ = ["FOLDER", "bytes_of_element", "copy_by_plan", "intermediate", "plans_for", "tasks_of"]

FOLDER = "__rechunk"
"""Name of what holds intermediate arrays and the journal, below the destination."""

_COPIES = 3
"""How often a chunk is in memory while it is decoded or encoded."""

_THREAD_BYTES = 4 << 20
"""What a thread takes besides, as memory that it does not give back."""

_POINTER, _OBJECT, _SAMPLE = 8, 64, 1000


def bytes_of_element(array: Array) -> int:
    """Return the bytes of an element in memory; for objects, the mean of some of one chunk."""
    if not array.dtype.hasobject:
        return max(1, array.dtype.itemsize)
    for _, place in array._engine.stored():
        lengths = zip(array._current.grid.stored, place, strict=True)
        begins = [int(first_items(n, np.int64(at))) for n, at in lengths]
        row = tuple(slice(at, at + 1) for at in begins[:-1])
        sample = np.asarray(array[(*row, *(slice(at, at + _SAMPLE) for at in begins[-1:]))])
        sizes = [sys.getsizeof(item) for item in sample.reshape(-1).tolist()]
        return _POINTER + sum(sizes) // max(1, len(sizes))
    return _OBJECT


def plans_for(
    source: Array, target: Array, memory: int, itemsize: int, encoded: bool = False
) -> list[Plan]:
    """Return the plans for one array, the best one first; see :func:`candidates`."""
    here, there = source._current.grid, target._current.grid
    cost = _cost_of(target._data_store)
    return candidates(
        source.shape,
        itemsize,
        Layout(here.chunks, here.stored, _cost_of(source._data_store)),
        Layout(there.chunks, there.stored, cost),
        memory,
        cost,
        encoded,
    )


def _cost_of(store: BaseStore) -> Cost:
    if store.threads < 2:
        return LOCAL
    return replace(REMOTE, get=REMOTE.get / store.threads, put=REMOTE.put / store.threads)


def intermediate(source: Array, store: BaseStore, path: str, chunks: tuple[int, ...]) -> Stored:
    """Return an array for the elements of `source`, with fast codecs; it does not exist yet."""
    from numcodecs import Blosc

    format = _formats.NAMED if source._format is _formats.NAMED else _formats.DEFAULT
    filters: list[Any] = []
    options = NamedOptions()
    if source.dtype.hasobject:  # whose codecs are what makes bytes of them
        steps = source._current.steps
        filters = [dict(step.config) for step in steps if step.role == "filter"]
        made = [dict(step.config) for step in steps if step.role == "serializer"]
        options = NamedOptions(serializer=made[0] if made else "auto")
    meta = array_meta(
        source.shape, chunks, source.dtype, Blosc("lz4", 5), source.fill_value,
        filters=filters or None, options=options, format=format,
    )  # fmt: skip
    return Stored(store, path, format.version, format.array_key(path), format.dump_array(meta))


def tasks_of(
    stage: Stage,
    source: Stored,
    target: Stored,
    memory: int,
    itemsize: int,
    encoded: bool = False,
) -> Iterator[Task]:
    """Yield one task for each block of a stage, in order."""
    opened = target.open(read_only=True)
    regions = Regions(opened.shape, opened._current.grid.stored, stage.block)
    threads = _threads_for(source, target, memory, itemsize)
    items = max(1, memory // 8 // itemsize)
    for number in range(len(regions)):
        ends = tuple((part.start, part.stop) for part in regions[number])
        yield Task(source, target, ends, encoded, items, itemsize, threads)


def _threads_for(source: Stored, target: Stored, memory: int, itemsize: int) -> int:
    """Return how many threads may decode and encode chunks at a time, each within its share."""
    chunks = source.open(read_only=True)._current.grid.chunks
    units = target.open(read_only=True)._current.grid.stored
    most = max(math.prod(map(longest, lengths)) for lengths in (chunks, units)) * itemsize
    return max(1, memory // 2 // (_COPIES * most + _THREAD_BYTES))


def copy_by_plan(
    source: Array, target: Array, memory: int, progress: Callable[[float], object]
) -> bool:
    """Copy the elements of an array into another one; tell whether `memory` suffices.

    Parameters
    ----------
    memory : int
        Bytes.
    progress : callable
        Called with the part that is done.
    """
    itemsize = max(map(bytes_of_element, (source, target)))
    try:
        plans = plans_for(source, target, memory, itemsize)
    except ValueError:
        return False
    store, folder = target._data_store, join(target.path, FOLDER)
    if store.is_view or not store.is_erasable():
        plans = [plan for plan in plans if len(plan.stages) == 1]
    done, size = 0, max(1, source.size * len(plans[0].stages))

    def finished(task: Task) -> None:
        nonlocal done
        done += task.size
        progress(done / size)

    before = Stored.of(source)
    last = replace(Stored.of(target), write_empty_chunks=target.write_empty_chunks)
    try:
        for number, stage in enumerate(plans[0].stages if source.size else ()):
            after = last
            if stage.chunks is not None:
                after = intermediate(source, store, f"{folder}/{number}", stage.chunks)
                store[after.key] = after.document
            run_tasks(tasks_of(stage, before, after, memory, itemsize), None, finished)
            before = after
    finally:
        if len(plans[0].stages) > 1:
            store.rmdir(folder)
    return True
