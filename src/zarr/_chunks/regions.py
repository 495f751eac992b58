"""Selections cut into parts of bounded size, where the other side is not in memory.

Values and results that live in another store, or in a file, are moved part by part. A part
covers whole chunks of the array, and grows towards whole chunks of the other side.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from zarr._selection.axes import Axis, offsets_before
from zarr._selection.grid import Edges, Grid, find_chunks, first_items, longest
from zarr._selection.indexers import Indexer

__all__ = [
    "PART_BYTES", "Region", "chunk_lengths", "grow", "items_in_part", "nbytes_of_item", "parts_of",
]  # fmt: skip

Region = tuple[slice, ...]

PART_BYTES = 32 << 20
"""About how many bytes are moved at a time."""

_OBJECT_BYTES = 64


def grow(box: list[int], items: int, *aims: Sequence[int]) -> list[int]:
    """Return `box` made larger towards the lengths in `aims`, one after the other.

    Each length is multiplied by an integer. The result holds at most `items` items, unless
    `box` itself holds more.
    """
    box = [max(1, length) for length in box]
    for aim in aims:
        for d in reversed(range(len(box))):
            factor = min(items // math.prod(box), -(-aim[d] // box[d]))
            box[d] *= max(1, factor)
    return box


def items_in_part(dtype: np.dtype[Any], nbytes: int = PART_BYTES) -> int:
    """Return how many items of `dtype` a part of about `nbytes` bytes holds."""
    return max(1, nbytes // nbytes_of_item(dtype))


def nbytes_of_item(dtype: np.dtype[Any]) -> int:
    """Return the bytes of an item in memory, an estimate for objects."""
    return _OBJECT_BYTES if dtype.hasobject else max(1, dtype.itemsize)


def chunk_lengths(array: Any) -> tuple[int, ...]:
    """Return the shape of what `array` reads or writes at a time, as far as it says so."""
    for lengths in (getattr(array, "shards", None), getattr(array, "chunks", None)):
        if isinstance(lengths, tuple) and len(lengths) == len(array.shape):
            return tuple(n if isinstance(n, int) else max(n, default=1) for n in lengths)
    return tuple(array.shape)


def parts_of(
    indexer: Indexer, grid: Grid, dtype: np.dtype[Any], other: Any
) -> Iterator[tuple[Indexer, Region]]:
    """Cut a selection into parts; yield each with its place in what is selected.

    Selections of points, and selections that change the order of elements, stay whole: their
    indices are in memory already.

    Parameters
    ----------
    indexer : Indexer
    grid : Grid
        Of the array.
    dtype : numpy.dtype
        Of the items.
    other : array
        Of the shape of the selection: what to read into, or to write.
    """
    axes, drop = indexer.axes, indexer.drop_axes
    if axes is None or indexer.reorder:
        yield indexer, tuple([slice(0, n) for n in indexer.shape])
        return
    aims = []
    for lengths in (chunk_lengths(other), indexer.shape):
        given = iter(lengths)
        aims.append([1 if d in drop else next(given) for d in range(len(axes))])
    box = grow(list(map(longest, grid.stored)), items_in_part(dtype), *aims)
    cuts = map(_split, axes, grid.chunks, grid.stored, box)
    for parts in itertools.product(*cuts):
        part = Indexer()
        part._set_axes([axis for axis, _ in parts], drop)
        yield part, tuple([place for d, (_, place) in enumerate(parts) if d not in drop])


def _split(
    axis: Axis, chunk: int | Edges, stored: int | Edges, most: int
) -> list[tuple[Axis, slice]]:
    """Cut a table where what is stored under one key ends; return the parts and their places.

    A part has at most `most` items, or those of one key.
    """
    if axis.size <= most:
        return [(axis, slice(0, axis.size))]
    chunks = np.asarray(axis.chunks, np.int64)
    keys = find_chunks(stored, first_items(chunk, chunks))
    bounds = [0]
    ends = [*np.flatnonzero(np.diff(keys, prepend=-1))[1:].tolist(), len(chunks)]
    for start, stop in itertools.pairwise(ends):
        if axis.outer[stop - 1].stop - axis.outer[bounds[-1]].start > most:
            bounds.append(start)
    shifts = offsets_before(chunks, chunk)
    return [
        _part(axis, start, stop, int(shifts[start]))
        for start, stop in itertools.pairwise([*bounds, len(chunks)])
    ]


def _part(axis: Axis, start: int, stop: int, shift: int) -> tuple[Axis, slice]:
    place = slice(axis.outer[start].start, axis.outer[stop - 1].stop)
    part = axis.part(start, stop, 0, shift)
    band = part.band
    if isinstance(band, slice):
        first = band.start + place.start * (band.step or 1)
        band = slice(first, band.stop, band.step)
    else:
        band = band[place]
    outer = [slice(s.start - place.start, s.stop - place.start) for s in part.outer]
    return part._replace(outer=outer, size=place.stop - place.start, band=band), place
