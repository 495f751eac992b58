"""Chunks between store and memory: what every read and write of an array goes through.

The chunks of a separable selection are handled in *runs*: neighbours along one
dimension, the one with the most of them. A run of small chunks is decoded into one array
and scattered by one NumPy assignment, so that the cost per chunk is that of its key, its
fetch and its codec. Runs are grouped into *windows*: one call to the store each, and the
unit of work of a thread.
"""

from __future__ import annotations

import itertools
import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from zarr import config
from zarr.codecs.pipeline import CodecPipeline
from zarr.errors import ChunkDecodeError
from zarr.indexing import Axis, CoordinateIndexer, Indexer
from zarr.metadata import ArrayMeta
from zarr.storage.base import BaseStore
from zarr.sync import ChunkLocks, Synchronizer, holding, locks_for
from zarr.threads import run_all, scratch

__all__ = ["Engine"]

_SMALL = 64 << 10
"""Bytes of a chunk up to which a copy costs less than handling it alone."""

_FEW = 1000
"""Number of chunks up to which deleting them by key beats listing what there is."""

_RUN_BYTES = 1 << 20
"""Most bytes of small chunks decoded together: what fits the cache."""


class _Run(NamedTuple):
    """Chunks that are neighbours along one dimension.

    `place` is the entry in each axis' table; along the run's own dimension the run has
    the entries from `start` to `stop`.
    """

    place: tuple[int, ...]
    start: int
    stop: int
    keys: list[str]


class _Plan:
    """A separable selection, cut into runs along one dimension."""

    def __init__(self, axes: Sequence[Axis], keys: KeyTable, chunk_nbytes: int) -> None:
        self.axes = axes
        self.keys = keys
        self.counts = [len(axis.chunks) for axis in axes]
        self.nchunks = math.prod(self.counts)
        self.dim_count = len(axes)
        self.dim = max(range(len(axes)), key=self.counts.__getitem__) if axes else 0
        self.axis = axes[self.dim] if axes else _NO_AXIS
        small = chunk_nbytes <= _SMALL
        self.run_length = max(1, _RUN_BYTES // max(chunk_nbytes, 1)) if small else 1

    def runs(self) -> Iterator[_Run]:
        if not self.axes:
            yield _Run((), 0, 1, [self.keys.only])
            return
        dim = self.dim
        names = self.keys.names(self.axes)
        others = [range(n) for n in self.counts]
        others[dim] = range(1)
        for place in itertools.product(*others):
            head = "".join([names[d][place[d]] for d in range(dim)])
            tail = "".join([names[d][place[d]] for d in range(dim + 1, len(place))])
            for start in range(0, self.counts[dim], self.run_length):
                stop = min(start + self.run_length, self.counts[dim])
                keys = [f"{head}{name}{tail}" for name in names[dim][start:stop]]
                yield _Run(place, start, stop, keys)

    def windows(self, chunks_per_window: int) -> Iterator[list[_Run]]:
        window: list[_Run] = []
        held = 0
        for run in self.runs():
            window.append(run)
            held += len(run.keys)
            if held >= chunks_per_window:
                yield window
                window, held = [], 0
        if window:
            yield window

    def parts(self, run: _Run, entry: int) -> tuple[list[Any], list[Any]]:
        """Return what is taken of one chunk of `run`, and where that goes in the output."""
        at = list(run.place)
        if at:
            at[self.dim] = entry
        inner = [axis.inner[i] for axis, i in zip(self.axes, at, strict=True)]
        outer: list[Any] = [axis.outer[i] for axis, i in zip(self.axes, at, strict=True)]
        return inner, outer

    def others_in(self, run: _Run, name: str) -> bool:
        """Tell whether the run's entries in the other dimensions are all `whole` (`covered`)."""
        return all(
            d == self.dim or entry in getattr(axis, name)
            for d, (axis, entry) in enumerate(zip(self.axes, run.place, strict=True))
        )


_NO_AXIS = Axis((0,), (slice(0, 1),), (slice(0, 1),), range(1), range(1), 1, slice(0, 1))


class KeyTable:
    """How the keys of an array's chunks are made: computed once per array."""

    def __init__(self, prefix: str, meta: ArrayMeta) -> None:
        self.separator: str = meta.keys.separator
        self.prefix = prefix
        self.only = prefix + meta.keys.scalar
        self._pattern: re.Pattern[str] | None = None
        self._ndim = len(meta.shape)

    def key(self, coords: Sequence[int]) -> str:
        """Return the key of the chunk at `coords`."""
        return self.prefix + self.separator.join(map(str, coords)) if coords else self.only

    def place(self, key: str) -> tuple[int, ...] | None:
        """Return the coordinates of the chunk whose key is `key`, or None if it is no chunk's."""
        if self._pattern is None:
            number = "(0|[1-9][0-9]*)"
            body = re.escape(self.separator).join([number] * self._ndim)
            pattern = re.escape(self.prefix) + body if self._ndim else re.escape(self.only)
            self._pattern = re.compile(pattern)
        match = self._pattern.fullmatch(key)
        return None if match is None else tuple(map(int, match.groups()))

    def names(self, axes: Sequence[Axis]) -> list[list[str]]:
        """Return, per dimension, what each entry contributes to a key."""
        names = []
        for d, axis in enumerate(axes):
            head = "" if d else self.prefix
            tail = self.separator if d < len(axes) - 1 else ""
            names.append([f"{head}{at}{tail}" for at in axis.chunks])
        return names


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
    """

    def __init__(
        self,
        store: BaseStore,
        prefix: str,
        meta: ArrayMeta,
        write_empty_chunks: bool = True,
        synchronizer: Synchronizer | None = None,
    ) -> None:
        self.store = store
        self.pipeline = CodecPipeline(meta)
        self.keys = KeyTable(prefix, meta)
        self.write_empty_chunks = write_empty_chunks
        self.synchronizer = synchronizer
        self.fill_value = meta.fill_value
        self._whole = [slice(0, length) for length in self.pipeline.shape]
        self._locks: ChunkLocks | None = None

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
        if isinstance(indexer, CoordinateIndexer):
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
        shape = self.pipeline.shape
        key = self.keys.key([index // length for index, length in zip(place, shape, strict=True)])
        found = self.store.getitems((key,))
        if key not in found:
            return self._fill()[()]
        inside = tuple([index % length for index, length in zip(place, shape, strict=True)])
        try:
            item = self._decode_part(found[key], inside)[inside]
        except ChunkDecodeError as error:
            raise error.at(key) from error
        return item.copy() if isinstance(item, np.void) else item

    def _read_box(self, axes: Sequence[Axis], out: Any, fields: Any) -> None:
        if all([len(axis.chunks) == 1 for axis in axes]):
            key = self.keys.key([axis.chunks[0] for axis in axes])
            found = self.store.getitems((key,))
            self._read_chunk(found, key, [axis.inner[0] for axis in axes], out, fields)
            return
        plan = _Plan(axes, self.keys, self.pipeline.nbytes)

        def read_window(window: list[_Run]) -> None:
            found = self.store.getitems([key for run in window for key in run.keys])
            for run in window:
                self._read_run(plan, run, found, out, fields)

        self._for_each_window(read_window, plan.windows, plan.nchunks)

    def _for_each_window(
        self,
        work: Callable[[Any], None],
        windows: Callable[[int], Iterable[Any]],
        nchunks: int,
    ) -> None:
        """Call `work` for each window, on threads if that is worth it."""
        nbytes = max(self.pipeline.nbytes, 1)
        settings = config.get()
        total = nchunks * nbytes
        serial = total < settings.thread_bytes or nbytes <= _SMALL or nchunks < 2
        workers = 1 if serial else settings.workers
        share = min(settings.window_bytes, -(-total // workers))
        run_all(work, windows(max(1, share // nbytes)), workers)

    def _read_run(
        self, plan: _Plan, run: _Run, found: Mapping[str, Any], out: Any, fields: Any
    ) -> None:
        """Put what is selected of the chunks of `run` into its place in `out`."""
        inner, region = plan.parts(run, run.start)
        if len(run.keys) == 1:
            self._read_chunk(found, run.keys[0], inner, out[tuple(region)], fields)
            return
        chunks = _of(self._decode_run(run.keys, found), fields)
        inner[plan.dim] = slice(None)
        _scatter(_take(chunks, [slice(None), *inner]), plan, run, region, out)

    def _read_chunk(
        self, found: Mapping[str, Any], key: str, inner: list[Any], target: Any, fields: Any
    ) -> None:
        """Put the part `inner` of the chunk at `key` into `target`."""
        buf = found.get(key)
        if buf is None:
            target[...] = _of(self._fill(), fields)
            return
        try:
            if fields is None and self._fits(target, inner):
                self.pipeline.decode_into(buf, target)
            else:
                target[...] = _take(_of(self._decode_part(buf, inner), fields), inner)
        except ChunkDecodeError as error:
            raise error.at(key) from error

    def _decode_part(self, buf: Any, parts: Sequence[Any]) -> np.ndarray[Any, Any]:
        """Return the chunk that `buf` holds, valid where `parts` select.

        It is so until this thread decodes another.
        """
        pipeline = self.pipeline
        if pipeline.nbytes <= _SMALL or not pipeline.decodes_in_place:
            return pipeline.decode(buf)
        return pipeline.decode_part(buf, parts, scratch(pipeline.nbytes))

    def _scratch_chunk(self) -> np.ndarray[Any, Any]:
        flat = scratch(self.pipeline.nbytes).view(self.pipeline.dtype)
        return flat.reshape(self.pipeline.shape, order=self.pipeline.order)

    def _fits(self, target: Any, inner: list[Any]) -> bool:
        """Tell whether a whole chunk is wanted and can be decoded right into `target`."""
        if type(target) is not np.ndarray or target.shape != self.pipeline.shape:
            return False
        parts = zip(inner, self._whole, strict=True)
        if not all(type(part) is slice and part == whole for part, whole in parts):
            return False
        flags = target.flags
        contiguous = flags.c_contiguous if self.pipeline.order == "C" else flags.f_contiguous
        return contiguous and target.dtype == self.pipeline.dtype

    def _decode_run(self, keys: list[str], found: Mapping[str, Any]) -> np.ndarray[Any, Any]:
        """Return the chunks at `keys` as one array with one more dimension in front."""
        bufs = [buf for key in keys if (buf := found.get(key)) is not None]
        shape = (len(keys), *self.pipeline.shape)
        if not bufs:
            return np.broadcast_to(self._fill(), shape)
        try:
            chunks = self.pipeline.decode_run(bufs)
        except ChunkDecodeError:
            self._blame(keys, found)
            raise
        if len(bufs) == len(keys):
            return chunks
        result = np.empty(shape, self.pipeline.dtype)
        result[...] = self._fill()
        result[[key in found for key in keys]] = chunks
        return result

    def _blame(self, keys: list[str], found: Mapping[str, Any]) -> None:
        """Raise the error of the first chunk that cannot be decoded, with its key."""
        for key in keys:
            if key in found:
                try:
                    self.pipeline.decode(found[key])
                except ChunkDecodeError as error:
                    raise error.at(key) from error

    def _fill(self) -> np.ndarray[Any, Any]:
        """Return an array without dimensions: the fill value, or zero where there is none."""
        fill = np.zeros((), self.pipeline.dtype)
        if self.fill_value is not None or fill.dtype.kind == "O":
            fill[()] = self.fill_value
        return fill

    def _read_points(self, indexer: CoordinateIndexer, out: Any, fields: Any) -> None:
        flat_shape = (math.prod(indexer.shape), *out.shape[len(indexer.shape) :])
        if not out.flags.c_contiguous:
            flat_out = np.empty_like(out, order="C", shape=flat_shape)
        else:
            flat_out = out.reshape(flat_shape)
        items = self.pipeline.items
        points = _Points(indexer, self.keys, self.pipeline)

        def read_window(window: range) -> None:
            found = self.store.getitems(points.keys[window.start : window.stop])
            step = max(1, _RUN_BYTES // max(self.pipeline.nbytes, 1))
            for start in range(window.start, window.stop, step):
                run = range(start, min(start + step, window.stop))
                flat = self._decode_flat(points, run, found)
                part = points.part(run)
                which = points.rank[part] - start
                values = flat[which * items + points.inside[part]]
                flat_out[points.target(part)] = _of(values, fields)

        self._for_each_window(read_window, points.windows, len(points.keys))
        if not out.flags.c_contiguous:
            out[...] = flat_out.reshape(out.shape)

    def _decode_flat(self, points: _Points, run: range, found: Mapping[str, Any]) -> Any:
        """Return the items of some chunks of `points`, in the order in which they are stored."""
        keys = points.keys[run.start : run.stop]
        order = self.pipeline.order
        if len(keys) > 1 or keys[0] not in found:
            return _flat(self._decode_run(keys, found), order)
        try:
            chunk = self._decode_part(found[keys[0]], points.parts(run.start))
        except ChunkDecodeError as error:
            raise error.at(keys[0]) from error
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
        plan = _Plan(axes, self.keys, self.pipeline.nbytes)
        write = _Write(self, plan, value, fields)
        self._for_each_window(write.window, plan.windows, plan.nchunks)

    def _write_points(self, indexer: CoordinateIndexer, value: Any, fields: Any) -> None:
        points = _Points(indexer, self.keys, self.pipeline)
        flat_value = np.asarray(value)
        if value.ndim:
            inner = value.shape[len(indexer.shape) :]
            flat_value = flat_value.reshape((math.prod(indexer.shape), *inner))

        def write_window(window: range) -> None:
            changes = {}
            for at in window:
                part = points.part(range(at, at + 1))
                new = flat_value if value.ndim == 0 else flat_value[points.target(part)]
                changes[points.keys[at]] = (points.inside[part], new)
            self.update({}, changes, self._change_points(fields))

        self._for_each_window(write_window, points.windows, len(points.keys))

    def _change_points(self, fields: Any) -> Callable[[Any, Any], None]:
        def change(chunk: np.ndarray[Any, Any], new: tuple[Any, Any]) -> None:
            inside, value = new
            _of(chunk.reshape(-1, order=self.pipeline.order), fields)[inside] = value

        return change

    def update(
        self,
        complete: dict[str, Any],
        partial: Mapping[str, Any],
        change: Callable[[np.ndarray[Any, Any], Any], None],
    ) -> None:
        """Store complete chunks and change others, such that no other writer interferes.

        Parameters
        ----------
        complete : dict
            Encoded chunks, or None for those to delete, by key.
        partial : Mapping
            What ``change(chunk, ...)`` needs for each chunk to change, by key.
        change : callable
            Changes a decoded chunk in place.
        """
        if self._locks is None:
            self._locks = locks_for(self.store.location, self.keys.prefix)
        with holding(self._locks, self.synchronizer, [*complete, *partial]):
            found = self.store.getitems(list(partial)) if partial else {}
            for key, new in partial.items():
                chunk = self._editable(found, key)
                change(chunk, new)
                complete[key] = self.encode(chunk)
            empty = [key for key, buf in complete.items() if buf is None]
            for key in empty:
                del complete[key]
            if complete:
                self.store.setitems(complete)
            if empty:
                self.store.delitems(empty)

    def _editable(self, found: Mapping[str, Any], key: str) -> np.ndarray[Any, Any]:
        """Return a copy of the chunk at `key`, or a chunk of fill values, to be changed."""
        chunk = np.empty(self.pipeline.shape, self.pipeline.dtype, self.pipeline.order)
        buf = found.get(key)
        if buf is None:
            chunk[...] = self._fill()
            return chunk
        try:
            self.pipeline.decode_into(buf, chunk)
        except ChunkDecodeError as error:
            raise error.at(key) from error
        return chunk

    # -- what is stored --------------------------------------------------------------

    def stored(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield key and coordinates of each chunk that is stored."""
        for key in self.store.list_prefix(self.keys.prefix.rpartition("/")[0]):
            if (place := self.keys.place(key)) is not None:
                yield key, place

    def delete_outside(self, before: tuple[int, ...], now: tuple[int, ...]) -> None:
        """Delete the chunks of a grid of `before` chunks that a grid of `now` does not have."""
        if math.prod(before) == math.prod(map(min, before, now)):
            return
        if math.prod(before) <= _FEW:
            places: Iterable[tuple[int, ...]] = itertools.product(*map(range, before))
            chunks = ((self.keys.key(place), place) for place in places)
        else:
            chunks = ((key, place) for key, place in self.stored())
        self.store.delitems([key for key, place in chunks if any(map(operator.ge, place, now))])

    def encode(self, chunk: np.ndarray[Any, Any]) -> Any:
        """Return the bytes to store for `chunk`, or None if it need not be stored."""
        if not self.write_empty_chunks and self._is_empty(chunk):
            return None
        return self.pipeline.encode(chunk)

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


class _Write:
    """A write of `value` to the chunks of a plan."""

    def __init__(self, engine: Engine, plan: _Plan, value: Any, fields: Any) -> None:
        self.engine = engine
        self.pipeline = engine.pipeline
        self.plan = plan
        self.value = value
        self.fields = fields
        self.uniform: Any = _UNKNOWN

    def window(self, window: list[_Run]) -> None:
        complete: dict[str, Any] = {}
        partial: dict[str, Any] = {}
        for run in window:
            first, last = self._encode_whole(run, complete)
            for entry in (*range(run.start, first), *range(last, run.stop)):
                self._prepare(run, entry, complete, partial)
        self.engine.update(complete, partial, self._change)

    def _encode_whole(self, run: _Run, complete: dict[str, Any]) -> tuple[int, int]:
        """Encode the entries of `run` that overwrite chunks whole; return their range."""
        plan = self.plan
        whole = plan.axis.whole if plan.dim_count else range(1)
        first, last = max(run.start, whole.start), min(run.stop, whole.stop)
        if self.fields is not None or last <= first or not plan.others_in(run, "whole"):
            return run.stop, run.stop
        keys = run.keys[first - run.start : last - run.start]
        if self.value.ndim == 0:
            complete.update(dict.fromkeys(keys, self._encode_uniform()))
        elif len(keys) == 1:
            complete[keys[0]] = self._encode_one(run, first)
        else:
            chunks = _gather(self.value, plan, run, first, last, self.pipeline)
            complete.update(zip(keys, map(self.engine.encode, chunks), strict=True))
        return first, last

    def _encode_one(self, run: _Run, entry: int) -> Any:
        pipeline = self.pipeline
        _, region = self.plan.parts(run, entry)
        part = np.asarray(self.value[tuple(region)])
        flags = part.flags
        ready = flags.c_contiguous if pipeline.order == "C" else flags.f_contiguous
        if part.dtype == pipeline.dtype and (ready or pipeline.sliceable):
            return self.engine.encode(part)
        if pipeline.dtype.hasobject:
            return self.engine.encode(np.array(part, pipeline.dtype, order=pipeline.order))
        chunk = self.engine._scratch_chunk()
        chunk[...] = part
        return self.engine.encode(chunk)

    def _encode_uniform(self) -> Any:
        if self.uniform is _UNKNOWN:
            chunk = np.empty(self.pipeline.shape, self.pipeline.dtype, self.pipeline.order)
            chunk[...] = self.value
            self.uniform = self.engine.encode(chunk)
        return self.uniform

    def _prepare(
        self, run: _Run, entry: int, complete: dict[str, Any], partial: dict[str, Any]
    ) -> None:
        plan = self.plan
        key = run.keys[entry - run.start]
        inner, region = plan.parts(run, entry)
        value = self.value if self.value.ndim == 0 else np.asarray(self.value[tuple(region)])
        covered = not plan.dim_count or (
            entry in plan.axis.covered and plan.others_in(run, "covered")
        )
        if not covered or self.fields is not None:
            partial[key] = (inner, value)
            return
        chunk = self.engine._editable({}, key)
        self._change(chunk, (inner, value))
        complete[key] = self.engine.encode(chunk)

    def _change(self, chunk: np.ndarray[Any, Any], new: tuple[list[Any], Any]) -> None:
        inner, value = new
        chunk = _of(chunk, self.fields)
        if sum(not isinstance(part, slice) for part in inner) > 1:
            lengths = chunk.shape[: len(inner)]
            inner = list(np.ix_(*map(_as_array, inner, lengths)))
        chunk[tuple(inner)] = value


_UNKNOWN: Any = object()


class _Points:
    """A selection of points, chunk by chunk."""

    def __init__(self, indexer: CoordinateIndexer, keys: KeyTable, pipeline: CodecPipeline) -> None:
        self.keys = [keys.key(coords) for coords in indexer.coords.tolist()]
        self.bounds: list[int] = indexer.bounds.tolist()
        self.rank = np.repeat(np.arange(len(self.keys)), np.diff(indexer.bounds))
        self.inside = np.ravel_multi_index(indexer.inside, pipeline.shape, order=pipeline.order)
        self.positions = indexer.positions
        self._places = indexer.inside

    def parts(self, at: int) -> list[Any]:
        """Return the places in their chunk of the points of one chunk, along each dimension."""
        part = self.part(range(at, at + 1))
        return [places[part] for places in self._places]

    def windows(self, chunks_per_window: int) -> Iterator[range]:
        count = len(self.keys)
        for start in range(0, count, chunks_per_window):
            yield range(start, min(start + chunks_per_window, count))

    def part(self, run: range) -> slice:
        """Return which of the sorted points lie in the chunks of `run`."""
        return slice(self.bounds[run.start], self.bounds[run.stop])

    def target(self, part: slice) -> Any:
        """Return the places of these points in the output."""
        return part if self.positions is None else self.positions[part]


# -- moving items between chunks and the caller's array ----------------------------------


def _of(array: Any, fields: Any) -> Any:
    return array if fields is None else array[fields]


def _as_array(part: Any, length: int) -> Any:
    return np.arange(*part.indices(length)) if isinstance(part, slice) else part


def _take(array: Any, parts: Sequence[Any]) -> Any:
    """Return `array` indexed by each of `parts` along its dimension, independently."""
    arrays = [d for d, part in enumerate(parts) if not isinstance(part, slice)]
    if len(arrays) < 2:
        return array[tuple(parts)]
    array = array[tuple([part if isinstance(part, slice) else slice(None) for part in parts])]
    for d in arrays:
        array = array.take(parts[d], axis=d)
    return array


def _flat(chunks: Any, order: str) -> Any:
    """Return the items of a run of chunks, each in the order in which it is stored."""
    if order == "F":
        chunks = chunks.transpose(0, *range(chunks.ndim - 1, 0, -1))
    return chunks.reshape(-1)


def _split(array: Any, dim: int, count: int) -> Any:
    """Return a view of `array` with dimension `dim` cut into `count` equal parts."""
    shape = array.shape
    return array.reshape((*shape[:dim], count, shape[dim] // count, *shape[dim + 1 :]))


def _scatter(chunks: Any, plan: _Plan, run: _Run, region: list[Any], out: Any) -> None:
    """Copy a run of chunks, cut to size in the other dimensions, into `out`."""
    dim, axis = plan.dim, plan.axis
    first, last = max(run.start, axis.whole.start), min(run.stop, axis.whole.stop)
    if first < last:
        region[dim] = slice(axis.outer[first].start, axis.outer[last - 1].stop)
        laid = np.moveaxis(chunks[first - run.start : last - run.start], 0, dim)
        _split(out[tuple(region)], dim, last - first)[...] = laid
        rest = (*range(run.start, first), *range(last, run.stop))
    elif run.stop - run.start > 2:
        _scatter_band(chunks, plan, run, region, out)
        return
    else:
        rest = tuple(range(run.start, run.stop))
    for entry in rest:
        region[dim] = axis.outer[entry]
        part = (*[slice(None)] * dim, axis.inner[entry])
        out[tuple(region)] = chunks[entry - run.start][part]


def _scatter_band(chunks: Any, plan: _Plan, run: _Run, region: list[Any], out: Any) -> None:
    """Copy every so many items, or chosen ones, along the run, laid end to end."""
    dim, axis = plan.dim, plan.axis
    length = chunks.shape[dim + 1]
    laid = np.moveaxis(chunks, 0, dim)
    shape = laid.shape
    laid = laid.reshape((*shape[:dim], -1, *shape[dim + 2 :]))
    start, stop = axis.outer[run.start].start, axis.outer[run.stop - 1].stop
    region[dim] = slice(start, stop)
    if isinstance(axis.band, slice):
        step = axis.band.step or 1
        begin = axis.band.start + start * step - run.start * length
        part: Any = slice(begin, begin + (stop - start - 1) * step + 1, step)
        out[tuple(region)] = laid[(*[slice(None)] * dim, part)]
    else:
        out[tuple(region)] = laid.take(axis.band[start:stop] - run.start * length, axis=dim)


def _gather(
    value: Any, plan: _Plan, run: _Run, first: int, last: int, pipeline: CodecPipeline
) -> Any:
    """Return the whole chunks `first` to `last` of a run, each without gaps, from `value`."""
    _, region = plan.parts(run, first)
    axis, dim = plan.axis, plan.dim
    region[dim] = slice(axis.outer[first].start, axis.outer[last - 1].stop)
    part = np.asarray(value[tuple(region)])
    laid = np.moveaxis(_split(part, dim, last - first), dim, 0)
    if pipeline.order == "C":
        return np.ascontiguousarray(laid, pipeline.dtype)
    back = (0, *range(laid.ndim - 1, 0, -1))
    return np.ascontiguousarray(laid.transpose(back), pipeline.dtype).transpose(back)
