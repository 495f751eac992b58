"""The chunks of one array, and how the work on them is cut up: what reads and writes share."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import lru_cache
from threading import Semaphore
from typing import Any

import numpy as np

from zarr import config
from zarr._chunks.chunk_storage import chunk_storage_of, stored_chunks
from zarr._chunks.plan import (
    SMALL,
    DecodeSlots,
    Plan,
    Points,
    Window,
)
from zarr._codecs.pipeline import CodecPipeline
from zarr._metadata.records import ArrayMeta
from zarr._selection.axes import Axis
from zarr._selection.grid import Grid
from zarr._selection.points import CoordinateIndexer
from zarr._shared.chunk_cache import ChunkCache
from zarr._shared.threads import expect_blocks, run_all
from zarr.config import Missing
from zarr.errors import ArrayNotFoundError, ChunkDecodeError, ChunkNotFoundError
from zarr.storage.base import BaseStore
from zarr.sync import Name

__all__ = ["UNLIMITED", "ChunkAccess", "count_chunks_of"]

_TINY = 16 << 10
"""Bytes of a chunk below which two threads wait for the interpreter more than they work,
if each chunk is a call of its codec."""

_OF_SMALL = 4
"""How much more of small chunks must be wanted before a second thread is worth it."""

UNLIMITED: DecodeSlots = nullcontext()


def _pipeline_for(meta: ArrayMeta, shape: tuple[int, ...]) -> CodecPipeline:
    """Return the codecs of an array, bound to chunks of one shape."""
    return CodecPipeline(meta if meta.chunks == shape else replace(meta, grid=Grid(shape)))


class ChunkAccess:
    """The chunks of one array, in a store.

    Parameters
    ----------
    store : BaseStore
        The store that holds the chunks.
    prefix : str
        Prefix of the chunks' keys.
    meta : ArrayMeta
    document : tuple of BaseStore and str
        Store and key of the array's metadata document: absent chunks are fill values only while
        it exists.
    """

    def __init__(
        self, store: BaseStore, prefix: str, meta: ArrayMeta, document: tuple[BaseStore, str]
    ) -> None:
        self.store = store
        self.pipeline_for = lru_cache(1024)(functools.partial(_pipeline_for, meta))
        # Where chunks differ in shape, that of the largest; dtype and order are those of all.
        self.pipeline = self.pipeline_for(meta.grid.largest)
        expect_blocks(self.pipeline.nbytes)
        self.grid = meta.grid
        self.uniform_chunks = self.grid.largest == self.grid.chunks
        self.storage = chunk_storage_of(store, prefix, meta, self.pipeline.encoded_limit)
        self.keys = self.storage.keys
        self.fill_value = meta.fill_value
        self._document = document
        self._folder = prefix.rpartition("/")[0]
        self._cache: ChunkCache | None = None
        self._missing: Missing = "fill"
        self._noted: list[str] = []

    @property
    def address(self) -> Name:
        """Where the chunks really are, however the store was opened."""
        return self.store.address(self._folder)

    def pipeline_at(self, coords: Sequence[int]) -> CodecPipeline:
        return (
            self.pipeline
            if self.uniform_chunks
            else self.pipeline_for(self.storage.shape_at(coords))
        )

    def _named(self, error: ChunkDecodeError, key: Any) -> ChunkDecodeError:
        return error.at(self.storage.name(key))

    def _check_absent(self, keys: Sequence[Any], found: Collection[Any]) -> None:
        """Do what is to be done if not all chunks at `keys` were `found`.

        Raises
        ------
        ArrayNotFoundError
            If the array does not exist any more: absent chunks may be gone. Documents are
            deleted before chunks, so this must come after the chunks were read.
        ChunkNotFoundError
            If absent chunks are to be an error.
        """
        store, key = self._document
        if key not in store:
            raise ArrayNotFoundError(
                key.rpartition("/")[0], repr(store), "it was deleted or moved after it was opened"
            )
        if self._missing == "fill":
            return
        absent = [self.storage.name(chunk) for chunk in keys if chunk not in found]
        if self._missing == "error":
            raise ChunkNotFoundError(absent)
        self._noted += absent

    def fill(self) -> np.ndarray[Any, Any]:
        """Return an array without dimensions: the fill value, or zero where there is none."""
        fill = np.zeros((), self.pipeline.dtype)
        if self.fill_value is not None or fill.dtype.kind == "O":
            fill[()] = self.fill_value
        return fill

    def stored(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Iterate over key and place of each value that holds chunks."""
        return stored_chunks(self.storage)

    def windows(
        self, axes: Sequence[Axis], nbytes: int, most: int | None = None
    ) -> Iterator[Window]:
        """Group the runs of a selection into windows of about `nbytes` bytes of chunks.

        A shard is read or written as one, unless it has more than `most` bytes of chunks.
        """
        window: Window = []
        held = 0
        for part, keys, shape in self.storage.blocks(axes):
            pipeline = self.pipeline_for(shape)
            plan = Plan(part, keys, pipeline)
            each = max(pipeline.nbytes, 1)
            limit = nbytes if keys is self.keys else _share(plan.nchunks * each, most)
            for run in plan.runs():
                window.append((plan, run))
                held += len(run.keys) * each
                if held + each > limit:
                    yield window
                    window, held = [], 0
            if window and held + each > nbytes:
                yield window
                window, held = [], 0
        if window:
            yield window

    def for_each_window(
        self,
        work: Callable[[Any, DecodeSlots], None],
        windows: Callable[[int, int], Iterable[Any]],
        nchunks: int,
    ) -> None:
        """Call `work` for each window, on threads if that is worth it.

        Parameters
        ----------
        work : callable
            Takes a window, and what to enter for decoding and encoding: no more threads than
            there are workers are let in at a time, however many wait for a store.
        windows : callable
            Takes the bytes that a window should have, and the most that one may have: as many
            more as all threads together can hold within a quarter of what is asked for.
        """
        nbytes = max(self.pipeline.nbytes, 1)
        settings = config.get()
        total = nchunks * nbytes
        # Small chunks are hardly worth a second thread, but waiting side by side is.
        near = self.store.threads < 2
        least = settings.thread_bytes * (_OF_SMALL if near and nbytes <= SMALL else 1)
        in_turns = near and nbytes < _TINY and not self.pipeline.decodes_together
        serial = total < least or in_turns or nchunks < 2
        workers = 1 if serial or settings.workers < 2 else max(settings.workers, self.store.threads)
        share = min(settings.window_bytes, -(-total // workers))
        most = max(settings.window_bytes, total // (4 * workers))
        decode_slots = Semaphore(settings.workers) if workers > settings.workers else UNLIMITED
        self._run(lambda window: work(window, decode_slots), windows(share, most), workers)

    _run = staticmethod(run_all)

    def _points(self, indexer: CoordinateIndexer) -> Points:
        return Points(
            indexer.sorted(), self.storage, self.pipeline, self.pipeline_for, self.uniform_chunks
        )


def _share(nbytes: int, most: int | None) -> float:
    """Return the size of equal parts of `nbytes` bytes, each of at most about `most`."""
    if most is None or nbytes <= most:
        return math.inf
    return math.ceil(nbytes / math.ceil(nbytes / max(most, 1)))


def count_chunks_of(axes: Sequence[Axis]) -> int:
    """Return how many chunks a selection touches."""
    return math.prod([len(axis.chunks) for axis in axes])
