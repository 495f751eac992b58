"""Tables of the chunks that a selection touches along one dimension.

Most selections are *separable*: the elements selected along one dimension do not depend on
the other dimensions. Such a selection is one small table per dimension (:class:`Axis`); the
chunks it touches are the product of the tables.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from zarr._selection.grid import Edges, find_chunks, first_items

__all__ = [
    "Axis",
    "int_axis",
    "offsets_before",
    "slice_axis",
    "sorted_axis",
]

Part: TypeAlias = Any
"""A slice with a positive step, or an array of integers."""


class Axis(NamedTuple):
    """What a separable selection takes along one dimension, chunk by chunk.

    Attributes
    ----------
    chunks : sequence of int
        Chunks touched, in rising order.
    inner : sequence of slice or array
        What is taken of each.
    outer : sequence of slice
        Where that goes in the output.
    whole : range
        Entries that take a chunk entirely; no such chunk passes the array's end.
    covered : range
        Entries that take all of a chunk that lies within the array.
    size : int
        Length of the output.
    band : slice or array
        What is taken of all chunks touched, laid end to end.
    """

    chunks: Sequence[int]
    inner: Sequence[Part]
    outer: Sequence[slice]
    whole: range
    covered: range
    size: int
    band: Part

    def part(self, start: int, stop: int, first: int, shift: int) -> Axis:
        """Return the entries from `start` to `stop`, with chunks counted from `first`.

        Parameters
        ----------
        shift : int
            Items in the chunks of the entries before.
        """
        band = self.band
        if isinstance(band, slice):
            band = slice(band.start - shift, band.stop - shift, band.step)
        else:
            band = band - shift
        return Axis(
            [at - first for at in self.chunks[start:stop]],
            self.inner[start:stop],
            self.outer[start:stop],
            _within(self.whole, start, stop),
            _within(self.covered, start, stop),
            self.size,
            band,
        )

    def within(self, chunks: range, length: int) -> Axis:
        """Return the entries for some of the chunks, each of `length` items."""
        start, stop = (bisect_left(self.chunks, at) for at in (chunks.start, chunks.stop))
        return self.part(start, stop, 0, start * length)


def _within(entries: range, start: int, stop: int) -> range:
    """Return which of `entries` lie between `start` and `stop`, counted from `start`."""
    return range(max(entries.start, start) - start, max(min(entries.stop, stop) - start, 0))


_NONE = range(0)


_ONE = range(1)


def int_axis(index: int, chunk: int | Edges, length: int) -> Axis:
    if isinstance(chunk, Edges):
        return _listed_axis(index, index + 1, chunk, length)
    at, offset = divmod(index, chunk)
    part = slice(offset, offset + 1)
    whole = range(1) if chunk == 1 else _NONE
    covered = range(1) if min(chunk, length - at * chunk) == 1 else _NONE
    return Axis((at,), (part,), (slice(0, 1),), whole, covered, 1, part)


def slice_axis(start: int, stop: int, step: int, chunk: int | Edges, length: int) -> Axis:
    if stop <= start:
        return Axis((), (), (), _NONE, _NONE, 0, slice(0, 0))
    if isinstance(chunk, Edges):
        if step != 1:
            return sorted_axis(np.arange(start, stop, step), chunk, length)
        return _listed_axis(start, stop, chunk, length)
    if step != 1:
        return _strided_axis(start, stop, step, chunk, length)
    first, last = start // chunk, (stop - 1) // chunk
    if first == last:
        return _one_chunk_axis(first, start, stop, chunk, length)
    chunks = range(first, last + 1)
    edges = [start, *range((first + 1) * chunk, stop, chunk), stop]
    inner = [slice(0, chunk)] * len(chunks)
    inner[-1] = slice(0, stop - last * chunk)
    inner[0] = slice(start - first * chunk, min(stop, edges[1]) - first * chunk)
    outer = [slice(a - start, b - start) for a, b in itertools.pairwise(edges)]
    head = 1 if start > first * chunk else 0
    whole = range(head, len(chunks) - (stop < (last + 1) * chunk))
    covered = range(head, len(chunks) - (stop < min(length, (last + 1) * chunk)))
    band = slice(start - first * chunk, stop - first * chunk)
    return Axis(chunks, inner, outer, whole, covered, stop - start, band)


def _one_chunk_axis(at: int, start: int, stop: int, chunk: int, length: int) -> Axis:
    """Return the table of a slice of step one within a chunk: of most small reads and writes."""
    begin = at * chunk
    part = slice(start - begin, stop - begin)
    size = stop - start
    whole = _ONE if size == chunk else _NONE
    covered = _ONE if size == min(chunk, length - begin) else _NONE
    return Axis((at,), (part,), (slice(0, size),), whole, covered, size, part)


def _listed_axis(start: int, stop: int, chunk: Edges, length: int) -> Axis:
    """Return the table of a slice of step one, where chunks differ in length."""
    first, last = chunk.at(start)[0], chunk.at(stop - 1)[0]
    begins = chunk.begins(np.arange(first, last + 2)).tolist()
    inner = [slice(0, after - begin) for begin, after in itertools.pairwise(begins)]
    inner[-1] = slice(0, stop - begins[-2])
    inner[0] = slice(start - begins[0], min(stop, begins[1]) - begins[0])
    edges = [start, *begins[1:-1], stop]
    outer = [slice(a - start, b - start) for a, b in itertools.pairwise(edges)]
    head = 1 if start > begins[0] else 0
    whole = range(head, len(inner) - (stop < begins[-1]))
    covered = range(head, len(inner) - (stop < min(length, begins[-1])))
    band = slice(start - begins[0], stop - begins[0])
    return Axis(range(first, last + 1), inner, outer, whole, covered, stop - start, band)


def _strided_axis(start: int, stop: int, step: int, chunk: int, length: int) -> Axis:
    size = len(range(start, stop, step))
    if step >= chunk:  # no chunk has two items: some may have none
        return sorted_axis(np.arange(start, stop, step), chunk, length)
    first, last = start // chunk, (start + (size - 1) * step) // chunk
    chunks = range(first, last + 1)
    # Number of items before the beginning of each chunk.
    before = [-(-max(0, at * chunk - start) // step) for at in (*chunks, last + 1)]
    before[-1] = size
    inner = [
        slice(start + taken * step - at * chunk, min(stop - at * chunk, chunk), step)
        for at, taken in zip(chunks, before, strict=False)
    ]
    outer = [slice(a, b) for a, b in itertools.pairwise(before)]
    band = slice(start - first * chunk, stop - first * chunk, step)
    return Axis(chunks, inner, outer, _NONE, _NONE, size, band)


def sorted_axis(indices: np.ndarray[Any, Any], chunk: int | Edges, length: int) -> Axis:
    """Return the table of an integer array in rising order."""
    at = find_chunks(chunk, indices)
    starts = np.flatnonzero(np.diff(at, prepend=-1))
    bounds = [*starts.tolist(), len(indices)]
    chunks = at[starts]
    inside = indices - first_items(chunk, at)
    outer = [slice(a, b) for a, b in itertools.pairwise(bounds)]
    rank = np.repeat(np.arange(len(chunks)), np.diff(bounds))
    return Axis(
        chunks.tolist(), [inside[part] for part in outer], outer, _NONE, _NONE, len(indices),
        offsets_before(chunks, chunk)[rank] + inside,
    )  # fmt: skip


def offsets_before(chunks: np.ndarray[Any, Any], lengths: int | Edges) -> np.ndarray[Any, Any]:
    """Return how many items are before each of `chunks`, all of them laid end to end."""
    if isinstance(lengths, int):
        return np.arange(len(chunks)) * lengths
    each = lengths.lengths(chunks)
    return np.cumsum(each) - each  # type: ignore[no-any-return]
