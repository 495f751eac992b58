"""The stages of a plan: from an array to the next, by way of intermediate arrays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from zarr._chunks.rechunk_plan import Regions, Stage
from zarr._nodes.rechunking import intermediate_meta, items_in_piece, threads_for
from zarr.storage.base import BaseStore
from zarr.tools.rechunk_tasks import Source, Stored, Task

__all__ = ["intermediate", "tasks_of"]


def intermediate(source: Any, store: BaseStore, path: str, chunks: tuple[int, ...]) -> Stored:
    """Return an array for the elements of `source`, with fast codecs; it does not exist yet."""
    format, meta = intermediate_meta(source, chunks)
    return Stored(store, path, format.version, format.array_key(path), format.dump_array(meta))


def tasks_of(
    stage: Stage,
    source: Source,
    target: Stored,
    memory: int,
    itemsize: int,
    encoded: bool = False,
) -> Iterator[Task]:
    """Yield one task for each block of a stage, in order."""
    units = target.open(read_only=True)._current.grid.stored
    opened = source.open(read_only=True)
    regions = Regions(opened.shape, units, stage.block)
    threads = threads_for(opened._current.grid.chunks, units, memory, itemsize)
    items = items_in_piece(memory, itemsize)
    for number in range(len(regions)):
        ends = tuple((part.start, part.stop) for part in regions[number])
        yield Task(source, target, ends, encoded, items, itemsize, threads)
