"""How a selection is cut up for work, and how items move between chunks and arrays.

The chunks of a separable selection are handled in *runs*: neighbours along one
dimension, the one with the most of them. A run of small chunks is decoded into one array
and scattered by one NumPy assignment, so that the cost per chunk is that of its key, its
fetch and its codec.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from zarr._chunks.chunk_storage import ChunkStorage
from zarr._codecs.pipeline import CodecPipeline
from zarr._selection.axes import Axis
from zarr._selection.points import SortedPoints

__all__ = [
    "RUN_BYTES",
    "SMALL",
    "Change",
    "DecodeSlots",
    "Plan",
    "Points",
    "Run",
    "Window",
    "flat_items",
    "gather",
    "of_fields",
    "open_mesh",
    "scatter",
    "take",
]

SMALL = 64 << 10
"""Bytes of a chunk up to which a copy costs less than handling it alone."""

RUN_BYTES = 1 << 20
"""Most bytes of small chunks decoded together: what fits the cache."""


class Run(NamedTuple):
    """Chunks that are neighbours along one dimension.

    `place` is the entry in each axis' table; along the run's own dimension the run has
    the entries from `start` to `stop`.
    """

    place: tuple[int, ...]
    start: int
    stop: int
    keys: list[str]


Window: TypeAlias = "list[tuple[Plan, Run]]"
"""The runs of one call to the store, and the unit of work of a thread."""

DecodeSlots: TypeAlias = AbstractContextManager[Any]
"""What to enter for decoding and encoding."""


class Change(NamedTuple):
    """What is to change in one chunk: the items at `where`, None for all, become `value`."""

    pipeline: CodecPipeline
    where: Any
    value: Any


class Plan:
    """A separable selection of chunks of one shape, cut into runs along one dimension."""

    def __init__(self, axes: Sequence[Axis], keys: Any, pipeline: CodecPipeline) -> None:
        self.axes = axes
        self.keys = keys
        self.pipeline = pipeline
        self.counts = [len(axis.chunks) for axis in axes]
        self.nchunks = math.prod(self.counts)
        self.dim_count = len(axes)
        self.dim = max(reversed(range(len(axes))), key=self.counts.__getitem__) if axes else 0
        self.axis = axes[self.dim] if axes else _NO_AXIS
        nbytes = pipeline.nbytes
        self.run_length = max(1, RUN_BYTES // max(nbytes, 1)) if nbytes <= SMALL else 1

    def runs(self) -> Iterator[Run]:
        """Yield the runs that make up the selection."""
        if not self.axes:
            yield Run((), 0, 1, [self.keys.only])
            return
        dim = self.dim
        names = self.keys.names(self.axes)
        others = [range(n) for n in self.counts]
        others[dim] = range(1)
        for place in itertools.product(*others):
            head = [names[d][place[d]] for d in range(dim)]
            tail = [names[d][place[d]] for d in range(dim + 1, len(place))]
            for start in range(0, self.counts[dim], self.run_length):
                stop = min(start + self.run_length, self.counts[dim])
                yield Run(place, start, stop, self.keys.run(head, names[dim][start:stop], tail))

    def parts(self, run: Run, entry: int) -> tuple[list[Any], list[Any]]:
        """Return what is taken of one chunk of `run`, and where that goes in the output."""
        at = list(run.place)
        if at:
            at[self.dim] = entry
        inner = [axis.inner[i] for axis, i in zip(self.axes, at, strict=True)]
        outer: list[Any] = [axis.outer[i] for axis, i in zip(self.axes, at, strict=True)]
        return inner, outer

    def others_in(self, run: Run, name: str) -> bool:
        """Tell whether the run's entries in the other dimensions are all `whole` (`covered`)."""
        for d, entry in enumerate(run.place):
            if d != self.dim and entry not in getattr(self.axes[d], name):
                return False
        return True


_NO_AXIS = Axis((0,), (slice(0, 1),), (slice(0, 1),), range(1), range(1), 1, slice(0, 1))


class Points:
    """A selection of points, chunk by chunk.

    Parameters
    ----------
    points : SortedPoints
    storage : ChunkStorage
    pipeline : CodecPipeline
        Of the chunks, or, where they differ in shape, of the largest.
    pipeline_for : callable
        Returns the pipeline of chunks of a given shape.
    uniform_chunks : bool
        Whether all chunks have one shape.
    """

    def __init__(
        self,
        points: SortedPoints,
        storage: ChunkStorage,
        pipeline: CodecPipeline,
        pipeline_for: Callable[[tuple[int, ...]], CodecPipeline],
        uniform_chunks: bool,
    ) -> None:
        coords = points.coords.tolist()
        self.keys = [storage.key(at) for at in coords]
        self.bounds: list[int] = points.bounds.tolist()
        self.rank = np.repeat(np.arange(len(self.keys)), np.diff(points.bounds))
        self.positions = points.positions
        self._places = points.inside
        self._shapes = None if uniform_chunks else [storage.shape_at(at) for at in coords]
        self._pipeline, self._pipeline_for = pipeline, pipeline_for
        self.together = max(1, RUN_BYTES // max(pipeline.nbytes, 1)) if uniform_chunks else 1
        self.inside = self._flat(pipeline)

    def _flat(self, pipeline: CodecPipeline) -> np.ndarray[Any, Any]:
        """Return the place of each point in its chunk, as one number."""
        if self._shapes is None:
            return np.ravel_multi_index(self._places, pipeline.shape, order=pipeline.order)
        lengths = np.array(self._shapes)[self.rank]
        order = range(lengths.shape[1])[:: -1 if pipeline.order == "C" else 1]
        stride, flat = np.ones(len(lengths), np.intp), np.zeros(len(lengths), np.intp)
        for d in order:
            flat += self._places[d] * stride
            stride = stride * lengths[:, d]
        return flat

    def pipeline(self, at: int) -> CodecPipeline:
        """Return the pipeline of one chunk."""
        return self._pipeline if self._shapes is None else self._pipeline_for(self._shapes[at])

    def parts(self, at: int) -> list[Any]:
        """Return the places in their chunk of the points of one chunk, along each dimension."""
        part = self.part(range(at, at + 1))
        return [places[part] for places in self._places]

    def windows(self, nbytes: int) -> Iterator[range]:
        """Yield ranges of chunks of about so many bytes."""
        count = len(self.keys)
        chunks_per_window = max(1, nbytes // max(self._pipeline.nbytes, 1))
        for start in range(0, count, chunks_per_window):
            yield range(start, min(start + chunks_per_window, count))

    def part(self, run: range) -> slice:
        """Return which of the sorted points lie in the chunks of `run`."""
        return slice(self.bounds[run.start], self.bounds[run.stop])

    def target(self, part: slice) -> Any:
        """Return the places of these points in the output."""
        return part if self.positions is None else self.positions[part]


# -- moving items between chunks and the caller's array ----------------------------------


def of_fields(array: Any, fields: Any) -> Any:
    """Return some fields of a structured array, or the array itself."""
    return array if fields is None else array[fields]


def open_mesh(parts: tuple[Any, ...], shape: Sequence[int]) -> tuple[Any, ...]:
    """Return an index for what each of `parts` selects along its dimension, independently."""
    if [*map(type, parts)].count(slice) > len(parts) - 2:
        return parts
    return np.ix_(*map(_as_array, parts, shape))


def _as_array(part: Any, length: int) -> Any:
    return np.arange(*part.indices(length)) if isinstance(part, slice) else part


def take(array: Any, parts: Sequence[Any]) -> Any:
    """Return `array` indexed by each of `parts` along its dimension, independently."""
    arrays = [d for d, part in enumerate(parts) if not isinstance(part, slice)]
    if len(arrays) < 2:
        return array[tuple(parts)]
    array = array[tuple([part if isinstance(part, slice) else slice(None) for part in parts])]
    for d in arrays:
        array = array.take(parts[d], axis=d)
    return array


def flat_items(chunks: Any, order: str) -> Any:
    """Return the items of a run of chunks, each in the order in which it is stored."""
    if order == "F":
        chunks = chunks.transpose(0, *range(chunks.ndim - 1, 0, -1))
    return chunks.reshape(-1)


def _split(array: Any, dim: int, count: int) -> Any:
    """Return a view of `array` with dimension `dim` cut into `count` equal parts."""
    shape = array.shape
    return array.reshape((*shape[:dim], count, shape[dim] // count, *shape[dim + 1 :]))


def _first_to(dim: int, array: Any) -> Any:
    """Return a view of `array` with its first dimension in the place of dimension `dim`."""
    # numpy.moveaxis takes longer to find this order than a small run to copy.
    return array.transpose(*range(1, dim + 1), 0, *range(dim + 1, array.ndim))


def scatter(chunks: Any, plan: Plan, run: Run, region: list[Any], out: Any) -> None:
    """Copy a run of chunks, cut to size in the other dimensions, into `out`."""
    dim, axis = plan.dim, plan.axis
    first, last = max(run.start, axis.whole.start), min(run.stop, axis.whole.stop)
    if first < last:
        region[dim] = slice(axis.outer[first].start, axis.outer[last - 1].stop)
        laid = _first_to(dim, chunks[first - run.start : last - run.start])
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


def _scatter_band(chunks: Any, plan: Plan, run: Run, region: list[Any], out: Any) -> None:
    """Copy every so many items, or chosen ones, along the run, laid end to end."""
    dim, axis = plan.dim, plan.axis
    length = chunks.shape[dim + 1]
    laid = _first_to(dim, chunks)
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


def gather(value: Any, plan: Plan, run: Run, first: int, last: int) -> Any:
    """Return the whole chunks `first` to `last` of a run, each without gaps, from `value`."""
    pipeline = plan.pipeline
    _, region = plan.parts(run, first)
    axis, dim = plan.axis, plan.dim
    region[dim] = slice(axis.outer[first].start, axis.outer[last - 1].stop)
    part = np.asarray(value[tuple(region)])
    laid = np.moveaxis(_split(part, dim, last - first), dim, 0)
    if pipeline.order == "C":
        return np.ascontiguousarray(laid, pipeline.dtype)
    back = (0, *range(laid.ndim - 1, 0, -1))
    return np.ascontiguousarray(laid.transpose(back), pipeline.dtype).transpose(back)
