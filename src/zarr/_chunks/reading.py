"""Reading: from the windows of a selection to the elements of an array in memory."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from zarr._chunks.access import ChunkAccess, count_chunks_of
from zarr._chunks.partial_reads import Ranges
from zarr._chunks.plan import (
    RUN_BYTES,
    SMALL,
    DecodeSlots,
    Plan,
    Points,
    Run,
    Window,
    flat_items,
    of_fields,
    scatter,
    take,
)
from zarr._codecs.pipeline import CodecPipeline, DecodedParts
from zarr._selection.axes import Axis
from zarr._selection.indexers import Indexer
from zarr._selection.points import CoordinateIndexer, MaskIndexer
from zarr._shared.threads import scratch
from zarr.errors import ChunkDecodeError, absence_of, warn_user

__all__ = ["Reading"]

_MANY = 1024
"""Chunks in a selection from which on a store is asked whether it has few keys at all."""

_TO_FEW = 32
"""How many chunks a selection has for each key if these are few."""

_MOST_KEYS = 1 << 15
"""How many keys are few at most: they are held in memory."""


class Reading(ChunkAccess):
    """Reads of selections."""

    _decoder: CodecPipeline | None
    _ranges: Ranges | None

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
            self._read_reordered(indexer, out, fields)

    def read_item(self, place: tuple[int, ...]) -> Any:
        """Return the one item at `place`."""
        if self.uniform_chunks:
            pipeline = self._decoder or self.pipeline
            shape = pipeline.shape
            coords = [at // length for at, length in zip(place, shape, strict=True)]
            inside = tuple([at % length for at, length in zip(place, shape, strict=True)])
        else:
            coords, inside = self.grid.locate(place)
            pipeline = self.pipeline_at(coords)
        key = self.storage.key(coords)
        found = self._fetch_part(key, inside)
        if key not in found:
            self._check_absent((key,), found)
            return self.fill()[()]
        try:
            item = self._decode_part(pipeline, found[key], inside)[inside]
        except ChunkDecodeError as error:
            raise self._named(error, key) from error
        return item.copy() if isinstance(item, np.void) else item

    def _warn_after(self, read: Callable[..., Any], *args: Any) -> Any:
        """Return what the method `read` returns, with one warning of all absent chunks."""
        reader = copy.copy(self)  # other threads read, too, and count for themselves
        reader._noted = []
        result = read(reader, *args)
        if reader._noted:
            warn_user(absence_of(sorted(set(reader._noted))))
        return result

    def _read_box(
        self, axes: Sequence[Axis], out: Any, fields: Any, only: Collection[Any] | None = None
    ) -> None:
        """Fill `out`; given the keys of some chunks, leave what it has of others undefined."""
        if all([len(axis.chunks) == 1 for axis in axes]):
            coords = [axis.chunks[0] for axis in axes]
            key = self.storage.key(coords)
            inner = [axis.inner[0] for axis in axes]
            found = self._fetch_part(key, inner)
            if key not in found:
                self._check_absent((key,), found)
            pipeline = self._decoder or self.pipeline_at(coords)
            self._read_chunk(pipeline, found, key, inner, out, fields)
            return
        part = axes if only is not None else self._stored_part(axes)
        if part is not axes:
            self._fill_in(out, fields)

        def read_window(window: Window, decode_slots: DecodeSlots) -> None:
            found = self._fetch_window(window, only)
            with decode_slots:
                for plan, run in window:
                    self._read_run(plan, run, found, out, fields)

        if count := count_chunks_of(part):
            self.for_each_window(read_window, lambda n, most: self.windows(part, n, most), count)
        if part is not axes:
            self._check_absent((), ())

    def _stored_part(self, axes: Sequence[Axis]) -> Sequence[Axis]:
        """Return a part of `axes` with all chunks that exist, where that can be told at once."""
        count = count_chunks_of(axes)
        if count < _MANY or self._missing != "fill" or not self.uniform_chunks:
            return axes
        keys = self.store.keys_if_few(self._folder, min(count // _TO_FEW, _MOST_KEYS))
        if keys is None:
            return axes
        box = self.storage.box_of(keys, [axis.chunks[-1] for axis in axes])
        part = [
            axis.within(chunks, length)
            for axis, chunks, length in zip(axes, box, self.pipeline.shape, strict=True)
        ]
        return part if 2 * count_chunks_of(part) <= count else axes

    def _fill_in(self, out: Any, fields: Any) -> None:
        out[...] = of_fields(self.fill(), fields)

    def _read_reordered(self, indexer: Indexer, out: Any, fields: Any) -> None:
        rising = np.empty_like(out)
        self._read_box(indexer.axes or [], rising, fields)
        for dim, positions in indexer.reorder:
            rising = rising.take(np.argsort(positions), axis=dim)
        out[...] = rising

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
            target[...] = of_fields(self.fill(), fields)
            return
        try:
            if fields is None and _fits(pipeline, target, inner):
                pipeline.decode_into(buf, target)
            else:
                chunk = self._decode_part(pipeline, buf, inner)
                target[...] = take(of_fields(chunk, fields), inner)
        except ChunkDecodeError as error:
            raise self._named(error, key) from error

    def _read_mask(self, indexer: MaskIndexer, out: Any, fields: Any) -> None:
        inner = out.shape[1:]
        memory, done = None, 0
        for mask, box, only in self._bands(indexer):
            shape = (*box.kept_shape, *inner)
            if memory is None or memory.size < math.prod(shape):
                memory = np.empty_like(out, order="C", shape=math.prod(shape))
            part = memory[: math.prod(shape)].reshape(shape)
            self._read_box(box.axes or [], part, fields, only)
            points = part.reshape(-1, *inner).compress(mask.reshape(-1), axis=0)
            out[done : done + len(points)] = points
            done += len(points)

    def _bands(self, indexer: MaskIndexer) -> Iterator[tuple[Any, Indexer, Collection[Any] | None]]:
        """Yield parts of a dense mask, each with the box around it and the keys to read there."""
        for mask, box, coords in indexer.bands(4 * RUN_BYTES // self.pipeline.dtype.itemsize):
            only = None if coords is None else set(map(self.storage.key, coords.tolist()))
            yield mask, box, only

    def _read_points(self, indexer: CoordinateIndexer, out: Any, fields: Any) -> None:
        flat_shape = (math.prod(indexer.shape), *out.shape[len(indexer.shape) :])
        if not out.flags.c_contiguous:
            flat_out = np.empty_like(out, order="C", shape=flat_shape)
        else:
            flat_out = out.reshape(flat_shape)
        items = self.pipeline.items
        points = self._points(indexer)

        def read_window(window: range, decode_slots: DecodeSlots) -> None:
            keys, together = points.keys[window.start : window.stop], points.together
            if self._ranges is None:
                found = self._fetch(keys)
            else:
                together = 1
                chosen = (points.inside[points.part(range(at, at + 1))] for at in window)
                spans = map(self.pipeline.spans_of_items, chosen)
                found = self._ranges.fetch(zip(keys, spans, strict=True))
            if len(found) < len(keys):
                self._check_absent(keys, found)
            with decode_slots:
                for start in range(window.start, window.stop, together):
                    run = range(start, min(start + together, window.stop))
                    flat = self._decode_flat(points, run, found)
                    part = points.part(run)
                    which = points.rank[part] - start
                    values = flat[which * items + points.inside[part]]
                    flat_out[points.target(part)] = of_fields(values, fields)

        self.for_each_window(read_window, lambda n, _: points.windows(n), len(points.keys))
        if not out.flags.c_contiguous:
            out[...] = flat_out.reshape(out.shape)

    def _fetch_part(self, key: Any, parts: Sequence[Any]) -> Mapping[Any, Any]:
        """Return the encoded chunk at `key`, or what is needed of it, if it exists."""
        if self._ranges is None:
            return self._fetch((key,))
        return self._ranges.fetch([(key, self.pipeline.spans(parts))])

    def _fetch_window(self, window: Window, only: Collection[Any] | None) -> Mapping[Any, Any]:
        """Return the same for the chunks of a window, or for those `only`."""
        keys = [key for _, run in window for key in run.keys if only is None or key in only]
        found: Mapping[Any, Any]
        if self._ranges is None:
            found = self._fetch(keys)
        else:
            # Chunks that are worth reading in parts are large, so in runs of one.
            parts = {run.keys[0]: plan.parts(run, run.start)[0] for plan, run in window}
            found = self._ranges.fetch((key, self.pipeline.spans(parts[key])) for key in keys)
        if len(found) < len(keys):
            self._check_absent(keys, found)
        return found

    # Engines without a cache have that of their storage in its place.
    def _fetch(self, keys: Sequence[Any]) -> Mapping[Any, Any]:
        """Return the decoded bytes of those chunks that exist, and keep them in memory."""
        cache: Any = self._cache
        names = self.storage.names_below(keys)
        found: dict[Any, Any]
        found, unknown, version = cache.take(keys, names)
        encoded = self.storage.fetch(list(unknown)) if unknown else {}
        for key, name in unknown.items():
            chunk = None
            if key in encoded:
                found[key] = chunk = self._decode_to_keep(key, encoded[key])
            cache.keep(name, chunk, version)
        return found

    def _decode_to_keep(self, key: Any, buf: Any) -> Any:
        """Return the decoded bytes of a chunk, in memory of their own."""
        try:
            chunk = self.pipeline.decode(buf)
        except ChunkDecodeError as error:
            raise self._named(error, key) from error
        chunk = chunk.reshape(-1, order=self.pipeline.order).view("u1")
        # The store's own memory may change, or be more than the chunk.
        return chunk.copy() if self.pipeline.sliceable else chunk

    def _decode_part(
        self, pipeline: CodecPipeline, buf: Any, parts: Sequence[Any]
    ) -> np.ndarray[Any, Any]:
        """Return the chunk that `buf` holds, valid where `parts` select.

        It is so until this thread decodes another.
        """
        if type(buf) is DecodedParts:
            return pipeline.decode_pieces(buf, scratch(pipeline.nbytes))
        if pipeline.nbytes <= SMALL or not pipeline.decodes_in_place:
            return pipeline.decode(buf)
        return pipeline.decode_part(buf, parts, scratch(pipeline.nbytes))

    def _decode_run(
        self, pipeline: CodecPipeline, keys: list[Any], found: Mapping[Any, Any]
    ) -> np.ndarray[Any, Any]:
        """Return the chunks at `keys` as one array with one more dimension in front."""
        bufs = [buf for key in keys if (buf := found.get(key)) is not None] if found else []
        shape = (len(keys), *pipeline.shape)
        if not bufs:
            return np.broadcast_to(self.fill(), shape)
        try:
            chunks = pipeline.decode_run(bufs, scratch(len(bufs) * pipeline.nbytes))
        except ChunkDecodeError:
            self._blame(pipeline, keys, found)
            raise
        if len(bufs) == len(keys):
            return chunks
        result = np.empty(shape, pipeline.dtype)
        result[...] = self.fill()
        result[[key in found for key in keys]] = chunks
        return result

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

    def _blame(self, pipeline: CodecPipeline, keys: list[Any], found: Mapping[Any, Any]) -> None:
        """Raise the error of the first chunk that cannot be decoded, with its key."""
        for key in keys:
            if key in found:
                try:
                    pipeline.decode(found[key])
                except ChunkDecodeError as error:
                    raise self._named(error, key) from error


def _fits(pipeline: CodecPipeline, target: Any, inner: list[Any]) -> bool:
    """Tell whether a whole chunk is wanted and can be decoded right into `target`."""
    if type(target) is not np.ndarray or target.shape != pipeline.shape:
        return False
    parts = zip(inner, pipeline.whole, strict=True)
    if not all([type(part) is slice and part == whole for part, whole in parts]):
        return False
    flags = target.flags
    contiguous = flags.c_contiguous if pipeline.order == "C" else flags.f_contiguous
    return contiguous and target.dtype == pipeline.dtype
