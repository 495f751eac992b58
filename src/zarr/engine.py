"""Chunks between store and memory: what every read and write of an array goes through.

The runs of a selection (:mod:`zarr.plan`) are grouped into *windows*: one call to the
store each, and the unit of work of a thread.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import lru_cache, partial
from threading import Semaphore
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from zarr import config
from zarr.chunk_cache import cache_for, forget_chunks
from zarr.codecs.pipeline import CodecPipeline, Pieces
from zarr.errors import ChunkDecodeError
from zarr.grid import Grid
from zarr.indexing import Axis, CoordinateIndexer, Indexer, MaskIndexer
from zarr.metadata import ArrayMeta
from zarr.places import places_of
from zarr.plan import (
    RUN_BYTES,
    SMALL,
    Plan,
    Points,
    Run,
    flat_items,
    gather,
    of_fields,
    open_mesh,
    scatter,
    take,
)
from zarr.ranges import Ranges
from zarr.storage.base import BaseStore
from zarr.sync import ChunkLocks, Synchronizer, holding, locks_for
from zarr.threads import expect_blocks, run_all, scratch

__all__ = ["Engine"]

_FEW = 1000
"""Number of chunks up to which deleting them by key beats listing what there is."""

_TINY = 16 << 10
"""Bytes of a chunk below which two threads wait for the interpreter more than they work,
if each chunk is a call of its codec."""

_OF_SMALL = 4
"""How much more of small chunks must be wanted before a second thread is worth it."""

Window: TypeAlias = list[tuple[Plan, Run]]
Turn: TypeAlias = AbstractContextManager[Any]
_AT_ONCE: Turn = nullcontext()


class Change(NamedTuple):
    """What is to change in one chunk: the items at `where` become `value`."""

    pipeline: CodecPipeline
    where: Any
    value: Any


def _pipeline_for(meta: ArrayMeta, shape: tuple[int, ...]) -> CodecPipeline:
    """Return the codecs of an array, bound to chunks of one shape."""
    return CodecPipeline(meta if meta.chunks == shape else replace(meta, grid=Grid(shape)))


class Engine:
    """The chunks of one array.

    Parameters
    ----------
    store : BaseStore
        Where the chunks are.
    prefix : str
        What their keys begin with.
    meta : ArrayMeta
    write_empty_chunks : bool
        Whether to store chunks in which every cell equals the fill value.
    synchronizer : Synchronizer, optional
        Locks between processes.
    cache_bytes : int
        Most bytes of decoded chunks to keep in memory; none where chunks differ in shape.
    in_parts : bool
        Whether to read only parts of chunks, where the store and the codecs allow it, no
        chunks are kept, and all have one shape.
    """

    def __init__(
        self,
        store: BaseStore,
        prefix: str,
        meta: ArrayMeta,
        write_empty_chunks: bool = True,
        synchronizer: Synchronizer | None = None,
        cache_bytes: int = 0,
        in_parts: bool = False,
    ) -> None:
        self.store = store
        self.pipeline_for = lru_cache(1024)(partial(_pipeline_for, meta))
        # Where chunks differ in shape, that of the largest; dtype and order are those of all.
        self.pipeline = self.pipeline_for(meta.grid.largest)
        expect_blocks(self.pipeline.nbytes)
        self.grid = meta.grid
        self.alike = self.grid.largest == self.grid.chunks
        self.places = places_of(store, prefix, meta, self.pipeline.encoded_limit)
        self.keys = self.places.keys
        self.write_empty_chunks = write_empty_chunks
        self.synchronizer = synchronizer
        self.fill_value = meta.fill_value
        self._locks: ChunkLocks | None = None
        self._fetch: Callable[[Sequence[Any]], Mapping[Any, Any]] = self.places.fetch
        self._decoder: CodecPipeline | None = None  # where what is fetched is decoded already
        # What users get of objects, they may change.
        if cache_bytes and self.alike and not meta.dtype.hasobject:
            self._cache = cache_for(store.location, prefix, cache_bytes)
            self._fetch = self._fetch_decoded
            self._decoder = self.pipeline.without_codecs()
            in_parts = False
        divisible = meta.sharding is None and self.alike and self.pipeline.readable_in_parts
        in_parts &= divisible and store.partial_reads and self.pipeline.nbytes > SMALL
        self._ranges = Ranges(store, self.pipeline) if in_parts else None

    # -- reading -------------------------------------------------------------------

    def read(self, indexer: Indexer, out: Any, fields: Any = None) -> None:
        """Fill `out`, of shape ``indexer.kept_shape``, with what `indexer` selects.

        Parameters
        ----------
        fields : str or list of str, optional
            Fields of a structured dtype to take; `out` then has their dtype.

        Raises
        ------
        ChunkDecodeError
            If a chunk cannot be decoded.
        """
        if not out.size:
            return
        if isinstance(indexer, MaskIndexer) and indexer.dense:
            self._read_mask(indexer, out, fields)
        elif isinstance(indexer, CoordinateIndexer):
            self._read_points(indexer, out, fields)
        elif not indexer.reorder:
            self._read_box(indexer.axes or [], out, fields)
        else:
            rising = np.empty_like(out)
            self._read_box(indexer.axes or [], rising, fields)
            for dim, positions in indexer.reorder:
                rising = rising.take(np.argsort(positions), axis=dim)
            out[...] = rising

    def read_item(self, place: tuple[int, ...]) -> Any:
        """Return the one item at `place`."""
        if self.alike:
            pipeline = self._decoder or self.pipeline
            shape = pipeline.shape
            coords = [at // length for at, length in zip(place, shape, strict=True)]
            inside = tuple([at % length for at, length in zip(place, shape, strict=True)])
        else:
            coords, inside = self.grid.locate(place)
            pipeline = self.pipeline_at(coords)
        key = self.places.key(coords)
        found = self._fetch_part(key, inside)
        if key not in found:
            return self._fill()[()]
        try:
            item = self._decode_part(pipeline, found[key], inside)[inside]
        except ChunkDecodeError as error:
            raise self._named(error, key) from error
        return item.copy() if isinstance(item, np.void) else item

    def _fetch_part(self, key: Any, parts: Sequence[Any]) -> Mapping[Any, Any]:
        """Return the encoded chunk at `key`, or what is needed of it, if it exists."""
        if self._ranges is None:
            return self._fetch((key,))
        return self._ranges.fetch([(key, self.pipeline.spans(parts))])

    def _fetch_window(self, window: Window, only: Collection[Any] | None) -> Mapping[Any, Any]:
        """Return the same for the chunks of a window, or for those `only`."""
        keys = [key for _, run in window for key in run.keys if only is None or key in only]
        if self._ranges is None:
            return self._fetch(keys)
        # Chunks that are worth reading in parts are large, so in runs of one.
        parts = {run.keys[0]: plan.parts(run, run.start)[0] for plan, run in window}
        return self._ranges.fetch((key, self.pipeline.spans(parts[key])) for key in keys)

    def _fetch_decoded(self, keys: Sequence[Any]) -> Mapping[Any, Any]:
        """Return the decoded bytes of those chunks that exist, and keep them in memory."""
        found, unknown, version = self._cache.take(keys)
        encoded = self.places.fetch(unknown) if unknown else {}
        for key in unknown:
            chunk = None
            if key in encoded:
                try:
                    chunk = self.pipeline.decode(encoded[key])
                except ChunkDecodeError as error:
                    raise self._named(error, key) from error
                chunk = chunk.reshape(-1, order=self.pipeline.order).view("u1")
                # The store's own memory may change, or be more than the chunk.
                found[key] = chunk = chunk.copy() if self.pipeline.sliceable else chunk
            self._cache.keep(key, chunk, version)
        return found

    def pipeline_at(self, coords: Sequence[int]) -> CodecPipeline:
        return self.pipeline if self.alike else self.pipeline_for(self.places.shape_at(coords))

    def _named(self, error: ChunkDecodeError, key: Any) -> ChunkDecodeError:
        return error.at(self.places.name(key))

    def _read_box(
        self, axes: Sequence[Axis], out: Any, fields: Any, only: Collection[Any] | None = None
    ) -> None:
        """Fill `out`; given the keys of some chunks, leave what it has of others undefined."""
        if all([len(axis.chunks) == 1 for axis in axes]):
            coords = [axis.chunks[0] for axis in axes]
            key = self.places.key(coords)
            inner = [axis.inner[0] for axis in axes]
            found = self._fetch_part(key, inner)
            pipeline = self._decoder or self.pipeline_at(coords)
            self._read_chunk(pipeline, found, key, inner, out, fields)
            return

        def read_window(window: Window, turn: Turn) -> None:
            found = self._fetch_window(window, only)
            with turn:
                for plan, run in window:
                    self._read_run(plan, run, found, out, fields)

        self._for_each_window(
            read_window, lambda n, most: self._windows(axes, n, most), _count(axes)
        )

    def _windows(
        self, axes: Sequence[Axis], nbytes: int, most: int | None = None
    ) -> Iterator[Window]:
        """Group the runs of a selection into windows of about `nbytes` bytes of chunks.

        A shard is read or written as one, unless it has more than `most` bytes of chunks.
        """
        window: Window = []
        held = 0
        for part, keys, shape in self.places.blocks(axes):
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

    def _for_each_window(
        self,
        work: Callable[[Any, Turn], None],
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
        turn = Semaphore(settings.workers) if workers > settings.workers else _AT_ONCE
        run_all(lambda window: work(window, turn), windows(share, most), workers)

    def _read_run(
        self, plan: Plan, run: Run, found: Mapping[Any, Any], out: Any, fields: Any
    ) -> None:
        """Put what is selected of the chunks of `run` into its place in `out`."""
        inner, region = plan.parts(run, run.start)
        pipeline = self._decoder or plan.pipeline
        if len(run.keys) == 1:
            self._read_chunk(pipeline, found, run.keys[0], inner, out[tuple(region)], fields)
            return
        chunks = of_fields(self._decode_run(pipeline, run.keys, found), fields)
        inner[plan.dim] = slice(None)
        scatter(take(chunks, [slice(None), *inner]), plan, run, region, out)

    def _read_chunk(
        self,
        pipeline: CodecPipeline,
        found: Mapping[Any, Any],
        key: Any,
        inner: list[Any],
        target: Any,
        fields: Any,
    ) -> None:
        """Put the part `inner` of the chunk at `key` into `target`."""
        buf = found.get(key)
        if buf is None:
            target[...] = of_fields(self._fill(), fields)
            return
        try:
            if fields is None and _fits(pipeline, target, inner):
                pipeline.decode_into(buf, target)
            else:
                chunk = self._decode_part(pipeline, buf, inner)
                target[...] = take(of_fields(chunk, fields), inner)
        except ChunkDecodeError as error:
            raise self._named(error, key) from error

    def _decode_part(
        self, pipeline: CodecPipeline, buf: Any, parts: Sequence[Any]
    ) -> np.ndarray[Any, Any]:
        """Return the chunk that `buf` holds, valid where `parts` select.

        It is so until this thread decodes another.
        """
        if type(buf) is Pieces:
            return pipeline.decode_pieces(buf, scratch(pipeline.nbytes))
        if pipeline.nbytes <= SMALL or not pipeline.decodes_in_place:
            return pipeline.decode(buf)
        return pipeline.decode_part(buf, parts, scratch(pipeline.nbytes))

    def _decode_run(
        self, pipeline: CodecPipeline, keys: list[Any], found: Mapping[Any, Any]
    ) -> np.ndarray[Any, Any]:
        """Return the chunks at `keys` as one array with one more dimension in front."""
        bufs = [buf for key in keys if (buf := found.get(key)) is not None]
        shape = (len(keys), *pipeline.shape)
        if not bufs:
            return np.broadcast_to(self._fill(), shape)
        try:
            chunks = pipeline.decode_run(bufs, scratch(len(bufs) * pipeline.nbytes))
        except ChunkDecodeError:
            self._blame(pipeline, keys, found)
            raise
        if len(bufs) == len(keys):
            return chunks
        result = np.empty(shape, pipeline.dtype)
        result[...] = self._fill()
        result[[key in found for key in keys]] = chunks
        return result

    def _blame(self, pipeline: CodecPipeline, keys: list[Any], found: Mapping[Any, Any]) -> None:
        """Raise the error of the first chunk that cannot be decoded, with its key."""
        for key in keys:
            if key in found:
                try:
                    pipeline.decode(found[key])
                except ChunkDecodeError as error:
                    raise self._named(error, key) from error

    def _fill(self) -> np.ndarray[Any, Any]:
        """Return an array without dimensions: the fill value, or zero where there is none."""
        fill = np.zeros((), self.pipeline.dtype)
        if self.fill_value is not None or fill.dtype.kind == "O":
            fill[()] = self.fill_value
        return fill

    def _read_mask(self, indexer: MaskIndexer, out: Any, fields: Any) -> None:
        inner = out.shape[1:]
        memory, done = None, 0
        for mask, box, coords in indexer.bands(4 * RUN_BYTES // self.pipeline.dtype.itemsize):
            shape = (*box.kept_shape, *inner)
            if memory is None or memory.size < math.prod(shape):
                memory = np.empty_like(out, order="C", shape=math.prod(shape))
            part = memory[: math.prod(shape)].reshape(shape)
            only = None if coords is None else set(map(self.places.key, coords.tolist()))
            self._read_box(box.axes or [], part, fields, only)
            points = part.reshape(-1, *inner).compress(mask.reshape(-1), axis=0)
            out[done : done + len(points)] = points
            done += len(points)

    def _read_points(self, indexer: CoordinateIndexer, out: Any, fields: Any) -> None:
        flat_shape = (math.prod(indexer.shape), *out.shape[len(indexer.shape) :])
        if not out.flags.c_contiguous:
            flat_out = np.empty_like(out, order="C", shape=flat_shape)
        else:
            flat_out = out.reshape(flat_shape)
        items = self.pipeline.items
        points = self._points(indexer)

        def read_window(window: range, turn: Turn) -> None:
            keys, together = points.keys[window.start : window.stop], points.together
            if self._ranges is None:
                found = self._fetch(keys)
            else:
                together = 1
                chosen = (points.inside[points.part(range(at, at + 1))] for at in window)
                spans = map(self.pipeline.spans_of_items, chosen)
                found = self._ranges.fetch(zip(keys, spans, strict=True))
            with turn:
                for start in range(window.start, window.stop, together):
                    run = range(start, min(start + together, window.stop))
                    flat = self._decode_flat(points, run, found)
                    part = points.part(run)
                    which = points.rank[part] - start
                    values = flat[which * items + points.inside[part]]
                    flat_out[points.target(part)] = of_fields(values, fields)

        self._for_each_window(read_window, lambda n, _: points.windows(n), len(points.keys))
        if not out.flags.c_contiguous:
            out[...] = flat_out.reshape(out.shape)

    def _points(self, indexer: CoordinateIndexer) -> Points:
        return Points(indexer.sorted(), self.places, self.pipeline, self.pipeline_for, self.alike)

    def _decode_flat(self, points: Points, run: range, found: Mapping[Any, Any]) -> Any:
        """Return the items of some chunks of `points`, in the order in which they are stored."""
        keys = points.keys[run.start : run.stop]
        pipeline = self._decoder or points.pipeline(run.start)
        order = pipeline.order
        if len(keys) > 1 or keys[0] not in found:
            return flat_items(self._decode_run(pipeline, keys, found), order)
        try:
            chunk = self._decode_part(pipeline, found[keys[0]], points.parts(run.start))
        except ChunkDecodeError as error:
            raise self._named(error, keys[0]) from error
        return chunk.reshape(-1, order=order)

    # -- writing -------------------------------------------------------------------

    def write(self, indexer: Indexer, value: Any, fields: Any = None) -> None:
        """Store `value` where `indexer` selects.

        Parameters
        ----------
        value : array
            Without dimensions, or of shape ``indexer.kept_shape``. One that is not a
            NumPy array is sliced as needed, so that it never is in memory as a whole.
        fields : str or list of str, optional
            Fields of a structured dtype to change.

        Raises
        ------
        ChunkDecodeError
            If a chunk that is changed in part cannot be decoded.
        """
        if 0 in indexer.kept_shape:
            return
        if isinstance(indexer, CoordinateIndexer):
            self._write_points(indexer, value, fields)
            return
        for dim, positions in indexer.reorder:
            if value.ndim:
                value = np.asarray(value).take(positions, axis=dim)
        self._write_box(indexer.axes or [], value, fields)

    def _write_box(self, axes: Sequence[Axis], value: Any, fields: Any) -> None:
        write = _Write(self, value, fields)
        if all([len(axis.chunks) == 1 for axis in axes]):
            write.only(axes)
        else:
            self._for_each_window(write.window, lambda n, _: self._windows(axes, n), _count(axes))

    def _write_points(self, indexer: CoordinateIndexer, value: Any, fields: Any) -> None:
        points = self._points(indexer)
        flat_value = np.asarray(value)
        if value.ndim:
            inner = value.shape[len(indexer.shape) :]
            flat_value = flat_value.reshape((math.prod(indexer.shape), *inner))

        def write_window(window: range, turn: Turn) -> None:
            changes = {}
            for at in window:
                part = points.part(range(at, at + 1))
                new = flat_value if value.ndim == 0 else flat_value[points.target(part)]
                changes[points.keys[at]] = Change(points.pipeline(at), points.inside[part], new)
            self.update({}, changes, self._change_points(fields), turn)

        self._for_each_window(write_window, lambda n, _: points.windows(n), len(points.keys))

    def _change_points(self, fields: Any) -> Callable[[Any, Change], None]:
        def change(chunk: np.ndarray[Any, Any], new: Change) -> None:
            items = chunk.reshape(-1, order=self.pipeline.order)
            of_fields(items, fields)[new.where] = new.value

        return change

    def update(
        self,
        complete: dict[Any, Any],
        partial: Mapping[Any, Change],
        change: Callable[[np.ndarray[Any, Any], Change], None],
        turn: Turn = _AT_ONCE,
    ) -> None:
        """Store complete chunks and change others, such that no other writer interferes.

        Parameters
        ----------
        complete : dict
            Encoded chunks, or None for those to delete, by key.
        partial : Mapping
            What is to change in other chunks, by key.
        change : callable
            Does so in a decoded chunk.
        turn : context manager
            What to enter for decoding and encoding.
        """
        if self._locks is None:
            self._location = self.store.location
            self._locks = locks_for(self._location, self.keys.prefix)
        locked = self.places.to_lock(itertools.chain(complete, partial))
        with holding(self._locks, self.synchronizer, locked):
            found, old = self.places.before(partial, complete)
            with turn:
                for key, new in partial.items():
                    chunk = self.editable(new.pipeline, found, key)
                    change(chunk, new)
                    complete[key] = self.encode(new.pipeline, chunk)
            written = list(complete)
            try:
                self.places.put(complete, old)
            finally:
                forget_chunks(self._location, self.keys.prefix, written)

    def editable(
        self, pipeline: CodecPipeline, found: Mapping[Any, Any], key: Any
    ) -> np.ndarray[Any, Any]:
        """Return a copy of the chunk at `key`, or a chunk of fill values, to be changed."""
        chunk = np.empty(pipeline.shape, pipeline.dtype, pipeline.order)
        buf = found.get(key)
        if buf is None:
            chunk[...] = self._fill()
            return chunk
        try:
            pipeline.decode_into(buf, chunk)
        except ChunkDecodeError as error:
            raise self._named(error, key) from error
        return chunk

    # -- what is stored --------------------------------------------------------------

    def stored(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield key and place of each value that holds chunks."""
        for key in self.store.list_prefix(self.keys.prefix.rpartition("/")[0]):
            if (place := self.keys.place(key)) is not None:
                yield key, place

    def nchunks_stored(self, counts: tuple[int, ...]) -> int:
        """Return how many chunks of a grid of `counts` chunks are stored."""
        return int(self.places.present([key for key, _ in self.stored()], counts))

    def delete_outside(self, before: tuple[int, ...], now: tuple[int, ...]) -> None:
        """Delete the chunks of a grid of `before` chunks that a grid of `now` does not have.

        A shard is deleted if it holds no other chunks.
        """
        before, now = self.places.values(before), self.places.values(now)
        if math.prod(before) == math.prod(map(min, before, now)):
            return
        if math.prod(before) <= _FEW:
            places: Iterable[tuple[int, ...]] = itertools.product(*map(range, before))
            chunks = ((self.keys.key(place), place) for place in places)
        else:
            chunks = ((key, place) for key, place in self.stored())
        self.store.delitems([key for key, place in chunks if any(map(operator.ge, place, now))])
        forget_chunks(self.store.location, self.keys.prefix)

    def encode(self, pipeline: CodecPipeline, chunk: np.ndarray[Any, Any]) -> Any:
        """Return the bytes to store for `chunk`, or None if it need not be stored."""
        if not self.write_empty_chunks and self._is_empty(chunk):
            return None
        return pipeline.encode(chunk)

    def encode_run(self, pipeline: CodecPipeline, chunks: np.ndarray[Any, Any]) -> Iterable[Any]:
        """Return the same for each chunk of an array with one more dimension."""
        if self.write_empty_chunks:
            return pipeline.encode_run(chunks)
        return [self.encode(pipeline, chunk) for chunk in chunks]

    def _is_empty(self, chunk: np.ndarray[Any, Any]) -> bool:
        """Tell whether all cells of `chunk` equal the fill value, bit for bit."""
        if self.fill_value is None:
            return False
        if chunk.dtype.hasobject:
            return bool(np.all(chunk == self._fill()))
        items = chunk.reshape(-1, order=self.pipeline.order).view(f"V{chunk.dtype.itemsize}")
        fill = self._fill().reshape(1).view(items.dtype)
        if items[0] != fill[0] or items[-1] != fill[0]:
            return False
        if chunk.dtype.kind in "biu" or chunk.dtype.itemsize in (1, 2, 4, 8):
            unsigned = f"u{chunk.dtype.itemsize}"
            return bool((items.view(unsigned) == fill.view(unsigned)).all())
        return bool((items == fill).all())


def _fits(pipeline: CodecPipeline, target: Any, inner: list[Any]) -> bool:
    """Tell whether a whole chunk is wanted and can be decoded right into `target`."""
    if type(target) is not np.ndarray or target.shape != pipeline.shape:
        return False
    parts = zip(inner, pipeline.whole, strict=True)
    if not all(type(part) is slice and part == whole for part, whole in parts):
        return False
    flags = target.flags
    contiguous = flags.c_contiguous if pipeline.order == "C" else flags.f_contiguous
    return contiguous and target.dtype == pipeline.dtype


def _scratch_chunk(pipeline: CodecPipeline) -> np.ndarray[Any, Any]:
    """Return memory for a chunk, this thread's until it asks again."""
    flat = scratch(pipeline.nbytes).view(pipeline.dtype)
    return flat.reshape(pipeline.shape, order=pipeline.order)


def _share(nbytes: int, most: int | None) -> float:
    """Return the size of equal parts of `nbytes` bytes, each of at most about `most`."""
    if most is None or nbytes <= most:
        return math.inf
    return math.ceil(nbytes / math.ceil(nbytes / max(most, 1)))


def _count(axes: Sequence[Axis]) -> int:
    return math.prod([len(axis.chunks) for axis in axes])


class _Write:
    """A write of `value` to the chunks of a selection."""

    def __init__(self, engine: Engine, value: Any, fields: Any) -> None:
        self.engine = engine
        self.value = value
        self.fields = fields
        self.uniform: dict[tuple[int, ...], Any] = {}

    def only(self, axes: Sequence[Axis]) -> None:
        """Write the one chunk that a selection touches."""
        coords = [axis.chunks[0] for axis in axes]
        key, pipeline = self.engine.places.key(coords), self.engine.pipeline_at(coords)
        region = tuple([axis.outer[0] for axis in axes])
        complete: dict[Any, Any] = {}
        partial: dict[Any, Change] = {}
        if self.fields is not None or not all([axis.whole for axis in axes]):
            change = self._change_of(pipeline, [axis.inner[0] for axis in axes], region)
            self._prepare(key, change, all([axis.covered for axis in axes]), complete, partial)
        elif self.value.ndim:
            complete[key] = self._encode_one(pipeline, region)
        else:
            complete[key] = self._encode_uniform(pipeline)
        self.engine.update(complete, partial, self._change)

    def window(self, window: Window, turn: Turn) -> None:
        """Write one window."""
        with turn:
            complete, partial = self._encode(window)
        self.engine.update(complete, partial, self._change, turn)

    def _encode(self, window: Window) -> tuple[dict[Any, Any], dict[Any, Change]]:
        """Return the chunks of a window that are known whole, encoded, and changes of others."""
        complete: dict[Any, Any] = {}
        partial: dict[Any, Change] = {}
        for plan, run in window:
            first, last = self._encode_whole(plan, run, complete)
            rest = (*range(run.start, first), *range(last, run.stop))
            others_covered = bool(rest) and plan.others_in(run, "covered")
            for entry in rest:
                inner, region = plan.parts(run, entry)
                change = self._change_of(plan.pipeline, inner, tuple(region))
                covered = others_covered and entry in plan.axis.covered
                self._prepare(run.keys[entry - run.start], change, covered, complete, partial)
        return complete, partial

    def _encode_whole(self, plan: Plan, run: Run, complete: dict[Any, Any]) -> tuple[int, int]:
        """Encode the entries of `run` that overwrite chunks whole; return their range."""
        whole = plan.axis.whole
        first, last = max(run.start, whole.start), min(run.stop, whole.stop)
        if self.fields is not None or last <= first or not plan.others_in(run, "whole"):
            return run.stop, run.stop
        keys = run.keys[first - run.start : last - run.start]
        if self.value.ndim == 0:
            complete.update(dict.fromkeys(keys, self._encode_uniform(plan.pipeline)))
        elif len(keys) == 1:
            complete[keys[0]] = self._encode_one(plan.pipeline, tuple(plan.parts(run, first)[1]))
        else:
            chunks = gather(self.value, plan, run, first, last)
            complete.update(zip(keys, self.engine.encode_run(plan.pipeline, chunks), strict=True))
        return first, last

    def _encode_uniform(self, pipeline: CodecPipeline) -> Any:
        if pipeline.shape not in self.uniform:
            chunk = np.empty(pipeline.shape, pipeline.dtype, pipeline.order)
            chunk[...] = self.value
            self.uniform[pipeline.shape] = self.engine.encode(pipeline, chunk)
        return self.uniform[pipeline.shape]

    def _encode_one(self, pipeline: CodecPipeline, region: tuple[Any, ...]) -> Any:
        part = np.asarray(self.value[region])
        flags = part.flags
        ready = flags.c_contiguous if pipeline.order == "C" else flags.f_contiguous
        if part.dtype == pipeline.dtype and (ready or pipeline.sliceable):
            return self.engine.encode(pipeline, part)
        if pipeline.dtype.hasobject:
            chunk = np.array(part, pipeline.dtype, order=pipeline.order)
            return self.engine.encode(pipeline, chunk)
        chunk = _scratch_chunk(pipeline)
        chunk[...] = part
        return self.engine.encode(pipeline, chunk)

    def _change_of(
        self, pipeline: CodecPipeline, inner: list[Any], region: tuple[Any, ...]
    ) -> Change:
        value = self.value if self.value.ndim == 0 else np.asarray(self.value[region])
        return Change(pipeline, inner, value)

    def _prepare(
        self,
        key: Any,
        change: Change,
        covered: bool,
        complete: dict[Any, Any],
        partial: dict[Any, Change],
    ) -> None:
        """Encode a chunk of which all cells are known, or note what is to change in it."""
        if not covered or self.fields is not None:
            partial[key] = change
            return
        chunk = self.engine.editable(change.pipeline, {}, key)
        self._change(chunk, change)
        complete[key] = self.engine.encode(change.pipeline, chunk)

    def _change(self, chunk: np.ndarray[Any, Any], new: Change) -> None:
        chunk = of_fields(chunk, self.fields)
        chunk[tuple(open_mesh(new.where, chunk.shape))] = new.value
