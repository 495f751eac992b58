"""Writing: from the elements of an array in memory to the chunks of a selection, under locks."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from zarr._chunks.access import UNLIMITED, ChunkAccess, count_chunks_of
from zarr._chunks.assignment import same_object
from zarr._chunks.plan import (
    Change,
    DecodeSlots,
    Plan,
    Run,
    Window,
    gather,
    of_fields,
    open_mesh,
)
from zarr._codecs.pipeline import CodecPipeline
from zarr._selection.axes import Axis
from zarr._selection.indexers import Indexer
from zarr._selection.points import CoordinateIndexer
from zarr._shared.chunk_cache import cache_for
from zarr._shared.threads import scratch
from zarr.errors import ChunkDecodeError
from zarr.sync import KeyLocks, Synchronizer

__all__ = ["Writing"]

_MOST_LOCK_FILES = 64
"""How many locks between processes are held at a time, each of them an open file."""


class Writing(ChunkAccess):
    """Writes to selections."""

    write_empty_chunks: bool
    synchronizer: Synchronizer | None
    _locks: KeyLocks | None

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
        write = Write(self, value, fields)
        if all([len(axis.chunks) == 1 for axis in axes]):
            write.only(axes)
        else:
            self.for_each_window(
                write.window, lambda n, _: self.windows(axes, n), count_chunks_of(axes)
            )

    def _write_points(self, indexer: CoordinateIndexer, value: Any, fields: Any) -> None:
        points = self._points(indexer)
        flat_value = np.asarray(value)
        if value.ndim:
            inner = value.shape[len(indexer.shape) :]
            flat_value = flat_value.reshape((math.prod(indexer.shape), *inner))

        def write_window(window: range, decode_slots: DecodeSlots) -> None:
            changes = {}
            for at in window:
                part = points.part(range(at, at + 1))
                new = flat_value if value.ndim == 0 else flat_value[points.target(part)]
                changes[points.keys[at]] = Change(points.pipeline(at), points.inside[part], new)
            self.update({}, changes, self._change_points(fields), decode_slots)

        self.for_each_window(write_window, lambda n, _: points.windows(n), len(points.keys))

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
        decode_slots: DecodeSlots = UNLIMITED,
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
        decode_slots : context manager
            What to enter for decoding and encoding.
        """
        self.holding_each(complete, partial, self._update, change, decode_slots)

    def holding_each(
        self,
        complete: dict[Any, Any],
        partial: Mapping[Any, Change],
        work: Callable[..., Any],
        *args: Any,
    ) -> None:
        """Call ``work(complete, partial, *args)`` while no other caller changes these chunks.

        In parts, where too many locks between processes would be needed at a time.
        """
        values = self.storage.to_lock(itertools.chain(complete, partial))
        if self.synchronizer is None or len(values) <= _MOST_LOCK_FILES:
            self._holding(values, functools.partial(work, complete, partial, *args))
            return
        names = sorted(values)
        for start in range(0, len(names), _MOST_LOCK_FILES):
            mine = set(names[start : start + _MOST_LOCK_FILES])
            parts = [
                {key: change for key, change in changes.items() if self._is_in(key, mine)}
                for changes in (complete, partial)
            ]
            self._holding(mine, functools.partial(work, *parts, *args))

    def _is_in(self, key: Any, values: set[str]) -> bool:
        return not values.isdisjoint(self.storage.to_lock((key,)))

    def _holding(self, keys: Collection[str], work: Callable[[], Any]) -> None:
        """Call `work` while no other caller changes the values at `keys`."""
        if self._locks is None:
            # Other handles may keep chunks of the array, whether or not this one does.
            self._cache = self._cache or cache_for(self.address, 0)
            self._locks = KeyLocks(self.store, self._folder, self.synchronizer)
        self._locks.hold(keys, work)

    def _update(
        self,
        complete: dict[Any, Any],
        partial: Mapping[Any, Change],
        change: Callable[[np.ndarray[Any, Any], Change], None],
        decode_slots: DecodeSlots,
    ) -> None:
        found, old = self.storage.fetch_for_update(partial, complete)
        encode = CodecPipeline.encode if self.write_empty_chunks else self.encode
        with decode_slots:
            for key, new in partial.items():
                chunk = self.editable(new.pipeline, found, key)
                change(chunk, new)
                complete[key] = encode(new.pipeline, chunk)
        self.put(complete, old)

    def put(self, chunks: dict[Any, Any], old: Any) -> None:
        """Store chunks, under their locks, and discard what caches hold of them."""
        cache: Any = self._cache
        names = self.storage.names_below(chunks) if cache.limit else []
        try:
            cache.begin_change(names)
            self.storage.write(chunks, old)
        finally:
            cache.end_change(names)

    def editable(
        self, pipeline: CodecPipeline, found: Mapping[Any, Any], key: Any
    ) -> np.ndarray[Any, Any]:
        """Return a copy of the chunk at `key`, or a chunk of fill values, to be changed."""
        buf = found.get(key)
        try:
            if buf is not None:
                return pipeline.decode_copy(buf)
            chunk = np.empty(pipeline.shape, pipeline.dtype, pipeline.order)
            chunk[...] = self.fill()
        except MemoryError:
            if buf is not None:
                pipeline.decode(buf)  # which says so if that is not such a chunk
            what = f"chunk {self.storage.name(key)!r} takes {pipeline.nbytes} bytes"
            raise MemoryError(f"{what}, more than there is memory") from None
        except ChunkDecodeError as error:
            raise self._named(error, key) from error
        return chunk

    def encode(self, pipeline: CodecPipeline, chunk: np.ndarray[Any, Any]) -> Any:
        """Return the bytes to store for `chunk`, or None if it need not be stored."""
        if not self.write_empty_chunks and self._is_empty(chunk):
            return None
        return pipeline.encode(chunk)

    def encode_run(self, pipeline: CodecPipeline, chunks: np.ndarray[Any, Any]) -> Iterable[Any]:
        """Return the same for each chunk of an array with one more dimension."""
        if self.write_empty_chunks or not self._may_be_empty(chunks):
            return pipeline.encode_run(chunks)
        return [self.encode(pipeline, chunk) for chunk in chunks]

    def _may_be_empty(self, chunks: np.ndarray[Any, Any]) -> bool:
        """Tell whether a chunk of a run begins and ends with the fill value."""
        if self.fill_value is None or chunks.dtype.hasobject:
            return self.fill_value is not None
        fill = self._fill_bits()
        corners: list[Any] = [(slice(None), *[at] * (chunks.ndim - 1)) for at in (0, -1)]
        first, last = (_bits(chunks[corner]) == fill for corner in corners)
        return bool((first & last).any())

    def _is_empty(self, chunk: np.ndarray[Any, Any]) -> bool:
        """Tell whether all elements of `chunk` equal the fill value, bit for bit."""
        if self.fill_value is None:
            return False
        if chunk.dtype.hasobject:
            fill = self.fill().item()
            return all(same_object(item, fill) for item in chunk.reshape(-1).tolist())
        items, fill = _bits(chunk.reshape(-1, order=self.pipeline.order)), self._fill_bits()
        return bool(items[0] == fill[0] and items[-1] == fill[0] and (items == fill).all())

    def _fill_bits(self) -> Any:
        return _bits(self.fill().reshape(1))


def _bits(items: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return elements as numbers or bytes that are equal where all of their bits are."""
    nbytes = items.dtype.itemsize
    return items.view(f"u{nbytes}" if nbytes in (1, 2, 4, 8) else f"V{nbytes}")


class Write:
    """A write of `value` to the chunks of a selection."""

    def __init__(self, chunks: Writing, value: Any, fields: Any) -> None:
        self.chunks = chunks
        self.value = value
        self.fields = fields
        self.uniform: dict[tuple[int, ...], Any] = {}

    def only(self, axes: Sequence[Axis]) -> None:
        """Write the one chunk that a selection touches."""
        coords = [axis.chunks[0] for axis in axes]
        key, pipeline = self.chunks.storage.key(coords), self.chunks.pipeline_at(coords)
        region = tuple([axis.outer[0] for axis in axes])
        complete: dict[Any, Any] = {}
        partial: dict[Any, Change] = {}
        if self.fields is not None or not all([axis.whole for axis in axes]):
            change = self._change_of(pipeline, tuple([axis.inner[0] for axis in axes]), region)
            partial[key] = change
        elif self.value.ndim:
            complete[key] = self._encode_one(pipeline, region)
        else:
            complete[key] = self._encode_uniform(pipeline)
        self.chunks.update(complete, partial, self._change)

    def window(self, window: Window, decode_slots: DecodeSlots) -> None:
        """Write one window."""
        with decode_slots:
            complete, partial = self._encode(window)
        self.chunks.update(complete, partial, self._change, decode_slots)

    def _encode(self, window: Window) -> tuple[dict[Any, Any], dict[Any, Change]]:
        """Return the chunks of a window that are known whole, encoded, and changes of others."""
        complete: dict[Any, Any] = {}
        partial: dict[Any, Change] = {}
        for plan, run in window:
            first, last = self._encode_whole(plan, run, complete)
            if not (rest := (*range(run.start, first), *range(last, run.stop))):
                continue
            dim, axis = plan.dim, plan.axis
            inner, region = plan.parts(run, run.start)
            for entry in rest:
                if inner:  # along the run, nothing else differs
                    inner[dim], region[dim] = axis.inner[entry], axis.outer[entry]
                change = self._change_of(plan.pipeline, tuple(inner), tuple(region))
                partial[run.keys[entry - run.start]] = change
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
            complete.update(zip(keys, self.chunks.encode_run(plan.pipeline, chunks), strict=True))
        return first, last

    def _encode_uniform(self, pipeline: CodecPipeline) -> Any:
        if pipeline.shape not in self.uniform:
            chunk = np.empty(pipeline.shape, pipeline.dtype, pipeline.order)
            chunk[...] = self.value
            self.uniform[pipeline.shape] = self.chunks.encode(pipeline, chunk)
        return self.uniform[pipeline.shape]

    def _encode_one(self, pipeline: CodecPipeline, region: tuple[Any, ...]) -> Any:
        part = np.asarray(self.value[region])
        flags = part.flags
        ready = flags.c_contiguous if pipeline.order == "C" else flags.f_contiguous
        if part.dtype == pipeline.dtype and (ready or pipeline.sliceable):
            return self.chunks.encode(pipeline, part)
        if pipeline.dtype.hasobject:
            chunk = np.array(part, pipeline.dtype, order=pipeline.order)
            return self.chunks.encode(pipeline, chunk)
        chunk = _scratch_chunk(pipeline)
        chunk[...] = part
        return self.chunks.encode(pipeline, chunk)

    def _change_of(
        self, pipeline: CodecPipeline, inner: tuple[Any, ...], region: tuple[Any, ...]
    ) -> Change:
        value = self.value if self.value.ndim == 0 else np.asarray(self.value[region])
        return Change(pipeline, inner, value)

    def _change(self, chunk: np.ndarray[Any, Any], new: Change) -> None:
        if self.fields is not None:
            chunk = chunk[self.fields]
        chunk[open_mesh(new.where, chunk.shape)] = new.value


def _scratch_chunk(pipeline: CodecPipeline) -> np.ndarray[Any, Any]:
    """Return memory for a chunk, this thread's until it asks again."""
    flat = scratch(pipeline.nbytes).view(pipeline.dtype)
    return flat.reshape(pipeline.shape, order=pipeline.order)
