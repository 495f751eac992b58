"""The elements of an array on their way into one with other chunks, block by block.

:mod:`zarr._chunks.rechunk_plan` tells which blocks; assignment and :mod:`zarr.tools` copy them.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from zarr import _formats
from zarr._chunks.engine import Engine
from zarr._chunks.rechunk_plan import (
    LOCAL,
    REMOTE,
    Cost,
    Layout,
    Lengths,
    Plan,
    Regions,
    Stage,
    candidates,
    pieces,
)
from zarr._chunks.regions import Region
from zarr._formats.base import Format, join
from zarr._metadata.records import ArrayMeta
from zarr._selection.grid import first_items, longest
from zarr._selection.indexers import BasicIndexer
from zarr.storage.base import BaseStore
from zarr.storage.nodes import NamedOptions, array_meta

__all__ = [
    "FOLDER", "End", "Scratch", "Write", "bytes_of_element", "copy_block", "copy_by_plan",
    "intermediate_meta", "items_in_piece", "mean_bytes", "plans_for", "threads_for",
]  # fmt: skip

FOLDER = "__rechunk"
"""Name of what holds intermediate arrays and the journal, below the destination."""

Write = Callable[[Region, Any], object]
"""What stores the elements of a region."""

_COPIES = 3
"""How often a chunk is in memory while it is decoded or encoded."""

_THREAD_BYTES = 4 << 20
"""What a thread takes besides, as memory that it does not give back."""

_POINTER, _OBJECT, _SAMPLE = 8, 64, 1000


@dataclass(frozen=True, slots=True)
class End:
    """One end of a copy.

    Attributes
    ----------
    dtype : numpy.dtype
    chunks : tuple of int or Edges
        What is decoded at a time.
    units : tuple of int or Edges
        What is stored at a time: shards, or else chunks.
    read : callable
        Called with a region and an array to read it into.
    write : callable
        Called with a region and its elements.
    """

    dtype: np.dtype[Any]
    chunks: Lengths
    units: Lengths
    read: Callable[[Region, Any], object]
    write: Write

    @classmethod
    def of(cls, array: Any, write: Write | None = None) -> End:
        """Return an array as an end; `write` takes the place of assigning to it."""
        grid = array._current.grid

        def read(region: Region, out: Any) -> None:
            array.get_basic_selection(region, out=out)

        return cls(
            array.dtype, grid.chunks, grid.stored, read,
            array.set_basic_selection if write is None else write,
        )  # fmt: skip


class Scratch:
    """Memory for one block after the other, which is not given back and taken again for each."""

    def __init__(self) -> None:
        self._memory = np.empty(0, "u1")

    def block(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
        """Return an array with any values, which ends the use of the one before."""
        nbytes = math.prod(shape) * dtype.itemsize
        if dtype.hasobject or not nbytes:
            return np.empty(shape, dtype)
        if self._memory.nbytes < nbytes:
            self._memory = np.empty(0, "u1")  # never both
            self._memory = np.empty(nbytes, "u1")
        return self._memory[:nbytes].view(dtype).reshape(shape)


def bytes_of_element(array: Any) -> int:
    """Return the bytes of an element in memory; for objects, the mean of some of one chunk."""
    if not array.dtype.hasobject:
        return max(1, int(array.dtype.itemsize))
    for _, place in array._engine.stored():
        lengths = zip(array._current.grid.stored, place, strict=True)
        begins = [int(first_items(n, np.int64(at))) for n, at in lengths]
        row = tuple(slice(at, at + 1) for at in begins[:-1])
        sample = np.asarray(array[(*row, *(slice(at, at + _SAMPLE) for at in begins[-1:]))])
        return mean_bytes(sample)
    return _OBJECT


def mean_bytes(objects: np.ndarray[Any, Any]) -> int:
    """Return the mean of the bytes that some objects, and pointers to them, take in memory."""
    sizes = [sys.getsizeof(item) for item in objects.reshape(-1).tolist()]
    return _POINTER + sum(sizes) // len(sizes) if sizes else _OBJECT


def plans_for(
    source: Any, target: Any, memory: int, itemsize: int, encoded: bool = False
) -> list[Plan]:
    """Return the plans for one array, the best one first; see :func:`candidates`."""
    here, there = source._current.grid, target._current.grid
    store: BaseStore = target._data_store
    cost = _cost_of(store)
    plans = candidates(
        source.shape,
        itemsize,
        Layout(here.chunks, here.stored, _cost_of(source._data_store)),
        Layout(there.chunks, there.stored, cost),
        memory,
        cost,
        encoded,
    )
    if store.is_view or not store.is_erasable() or not store.frees_space:
        return [plan for plan in plans if len(plan.stages) == 1]
    return plans


def _cost_of(store: BaseStore) -> Cost:
    if store.threads < 2:
        return LOCAL
    return replace(REMOTE, get=REMOTE.get / store.threads, put=REMOTE.put / store.threads)


def intermediate_meta(source: Any, chunks: tuple[int, ...]) -> tuple[Format, ArrayMeta]:
    """Return format and metadata of an array for the elements of `source`, with fast codecs."""
    from numcodecs import Blosc

    format = _formats.NAMED if source._format is _formats.NAMED else _formats.DEFAULT
    filters: list[Any] = []
    options = NamedOptions()
    if source.dtype.hasobject:  # whose codecs are what makes bytes of them
        steps = source._current.steps
        filters = [dict(step.config) for step in steps if step.role == "filter"]
        made = [dict(step.config) for step in steps if step.role == "serializer"]
        options = NamedOptions(serializer=made[0] if made else "auto")
    return format, array_meta(
        source.shape, chunks, source.dtype, Blosc("lz4", 5), source.fill_value,
        filters=filters or None, options=options, format=format,
    )  # fmt: skip


def items_in_piece(memory: int, itemsize: int) -> int:
    """Return how many elements of chunks are decoded or encoded at a time."""
    return max(1, memory // 8 // itemsize)


def threads_for(source: Lengths, target: Lengths, memory: int, itemsize: int) -> int:
    """Return how many threads may decode and encode chunks at a time, each within its share."""
    most = max(math.prod(map(longest, lengths)) for lengths in (source, target)) * itemsize
    return max(1, memory // 2 // (_COPIES * most + _THREAD_BYTES))


def copy_block(
    source: End,
    target: End,
    region: Region,
    items: int,
    scratch: Scratch,
    wanted: Callable[[Region], bool] | None = None,
) -> None:
    """Read a block, and then write it, both in pieces of bounded size.

    Parameters
    ----------
    source, target : End
    region : tuple of slice
        Whole units of `target`.
    items : int
        Most elements of chunks to decode or encode at a time.
    scratch : Scratch
    wanted : callable, optional
        Tells whether a region is to be written.
    """
    begins = [part.start for part in region]
    shape = tuple(part.stop - part.start for part in region)
    block = scratch.block(shape, source.dtype)
    for piece in pieces(region, source.units, items, source.chunks):
        source.read(piece, block[_within(piece, begins)])
    for piece in pieces(region, target.units, items):
        if wanted is None or wanted(piece):
            target.write(piece, block[_within(piece, begins)])


def _within(region: Region, begins: list[int]) -> Any:
    """Return where `region` is in a block with the given first corner."""
    parts = zip(region, begins, strict=True)
    return (..., *(slice(part.start - at, part.stop - at) for part, at in parts))


def copy_by_plan(
    source: Any,
    target: Any,
    memory: int,
    itemsize: int,
    *,
    write: Write | None = None,
    progress: Callable[[float], object] = float,
    wanted: Callable[[Region], bool] | None = None,
    limited: Callable[[int], AbstractContextManager[Any]] = nullcontext,
) -> bool:
    """Copy the elements of an array into another one; tell whether `memory` suffices.

    Parameters
    ----------
    source, target : Array
    memory : int
        Bytes.
    itemsize : int
        Bytes of an element in memory.
    write : callable, optional
        What stores elements in `target`, in place of assigning to it.
    progress : callable
        Called with the part that is done.
    wanted : callable, optional
        Tells whether a region is to be copied.
    limited : callable
        Called with a number of threads; its context has no more of them.
    """
    try:
        plans = plans_for(source, target, memory, itemsize)
    except ValueError:
        return False
    store: BaseStore = target._data_store
    # Not the folder of another copy into the same array.
    folder = join(target.path, f"{FOLDER}/copy-{os.urandom(8).hex()}")
    stages = plans[0].stages if source.size else ()
    done, size = 0.0, max(1, len(stages))
    before, last = End.of(source), End.of(target, write)
    try:
        for number, stage in enumerate(stages):
            after = last
            if stage.chunks is not None:
                after = _intermediate(source, store, f"{folder}/{number}", stage.chunks)
            threads = threads_for(before.chunks, after.units, memory, itemsize)
            items = items_in_piece(memory, itemsize)
            with limited(threads):
                for part in _copy_blocks(source.shape, stage, before, after, items, wanted):
                    done += part / size
                    progress(done)
            before = after
    finally:
        if len(stages) > 1:
            store.rmdir(folder)
    return True


def _copy_blocks(
    shape: tuple[int, ...],
    stage: Stage,
    source: End,
    target: End,
    items: int,
    wanted: Callable[[Region], bool] | None,
) -> Any:
    """Copy the blocks of a stage; yield which part of the array each of them is."""
    scratch = Scratch()
    regions, all_items = Regions(shape, target.units, stage.block), math.prod(shape)
    for number in range(len(regions)):
        region = regions[number]
        if wanted is None or wanted(region):
            copy_block(source, target, region, items, scratch, wanted)
        yield math.prod(part.stop - part.start for part in region) / all_items


def _intermediate(source: Any, store: BaseStore, path: str, chunks: tuple[int, ...]) -> End:
    """Store the metadata of an intermediate array, and return it."""
    format, meta = intermediate_meta(source, chunks)
    key = format.array_key(path)
    store[key] = format.dump_array(meta)
    engine = Engine(store, format.chunk_prefix(path, meta), meta, (store, key), False)

    def read(region: Region, out: Any) -> None:
        engine.read(BasicIndexer(region, meta.shape, meta.grid.chunks), out, None)

    def write(region: Region, value: Any) -> None:
        engine.write(BasicIndexer(region, meta.shape, meta.grid.chunks), value, None)

    return End(meta.dtype, meta.grid.chunks, meta.grid.stored, read, write)
