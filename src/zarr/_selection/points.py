"""Selections of points: coordinates and masks, sorted by chunk once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from zarr._selection.grid import boundaries, count_chunks, find_chunks, first_items
from zarr._selection.indexers import BasicIndexer, Indexer, OrthogonalIndexer
from zarr._selection.masks import smallest_box, touched_by
from zarr._selection.parsing import (
    as_tuple,
    is_fancy,
    is_index_list,
    is_integer,
    is_orthogonal,
    wrap_negative,
)
from zarr._selection.projections import ChunkProjection, grid_of
from zarr.errors import (
    ArrayIndexError,
    VindexInvalidSelectionError,
)

__all__ = [
    "Band",
    "CoordinateIndexer",
    "MaskIndexer",
    "SortedPoints",
    "indexer_class",
]

_NO_PLACES = np.zeros((1, 0), np.intp)


def indexer_class(selection: Any, ndim: int) -> type[Indexer]:
    """Return the kind of selection that ``z[selection]`` is."""
    items = selection if type(selection) is tuple else (selection,)
    if all([type(item) in _PLAIN for item in items]):
        return BasicIndexer
    if is_fancy(selection, ndim):
        mask = np.asarray(items[0] if len(items) == 1 else False)
        return MaskIndexer if mask.dtype == bool and mask.ndim == ndim else CoordinateIndexer
    return OrthogonalIndexer if is_orthogonal(selection, ndim) else BasicIndexer


_PLAIN = {int, slice, type(Ellipsis)}


class SortedPoints(NamedTuple):
    """Points in the order of the chunks in which they lie.

    Attributes
    ----------
    coords : ndarray of shape (chunks touched, dimensions)
        Chunks touched, in rising order.
    bounds : ndarray of shape (chunks touched + 1,)
        Where the points of each begin.
    positions : ndarray or None
        Position in the output of each point; None if they were sorted.
    inside : tuple of ndarray
        Place of each point in its chunk, one array per dimension.
    """

    coords: np.ndarray[Any, Any]
    bounds: np.ndarray[Any, Any]
    positions: np.ndarray[Any, Any] | None
    inside: tuple[np.ndarray[Any, Any], ...]


def _sort_points(
    arrays: Sequence[np.ndarray[Any, Any]], shape: tuple[int, ...], chunks: tuple[Any, ...]
) -> SortedPoints:
    places = list(map(find_chunks, chunks, arrays))
    counts = list(map(count_chunks, chunks, shape))
    if math.prod(counts) < 2**62:
        number = np.ravel_multi_index(places, counts) if places else np.zeros(1, np.intp)
    else:  # beyond what one integer can number: rank the chunks instead
        number = np.unique(np.stack(places), axis=1, return_inverse=True)[1].reshape(-1)
    positions = None
    if number.size > 1 and (number[1:] < number[:-1]).any():
        small = number.astype(np.uint16) if math.prod(counts) <= 1 << 16 else number
        positions = np.argsort(small, kind="stable")
        number = number[positions]
        arrays = [a[positions] for a in arrays]
        places = [p[positions] for p in places]
    starts = np.flatnonzero(np.diff(number, prepend=-1))
    coords = np.stack([p[starts] for p in places], axis=1) if places else _NO_PLACES
    inside = (a - first_items(c, p) for a, p, c in zip(arrays, places, chunks, strict=True))
    return SortedPoints(coords, np.append(starts, number.size), positions, tuple(inside))


class CoordinateIndexer(Indexer):
    """Points: one integer array per dimension, broadcast against each other.

    Parameters
    ----------
    selection : tuple of array_like
    shape : tuple of int or Array
        Of the array; or the array itself, as in 2.x.
    chunks : tuple of int or Edges, optional
        Of the array.

    Raises
    ------
    VindexInvalidSelectionError, BoundsCheckError
    """

    def __init__(self, selection: Any, shape: Any, chunks: tuple[Any, ...] | None = None) -> None:
        if chunks is None:
            self._of_array, (shape, chunks) = True, grid_of(shape)
        self._arrays = _coordinate_arrays(selection, shape)
        self.kept_shape = self.shape = self._arrays[0].shape if self._arrays else ()
        self._grid = shape, chunks

    def _points(self) -> Sequence[np.ndarray[Any, Any]]:
        """Return the places of the points along each dimension."""
        return [array.reshape(-1) for array in self._arrays]

    def sorted(self) -> SortedPoints:
        """Return the points sorted by chunk."""
        return _sort_points(self._points(), *self._grid)

    def __iter__(self) -> Iterator[ChunkProjection]:
        points = self.sorted()
        for i, coords in enumerate(points.coords.tolist()):
            part = slice(int(points.bounds[i]), int(points.bounds[i + 1]))
            out = part if points.positions is None else points.positions[part]
            inside = tuple(a[part] for a in points.inside)
            yield ChunkProjection(tuple(coords), inside, out)


def _coordinate_arrays(selection: Any, shape: tuple[int, ...]) -> tuple[np.ndarray[Any, Any], ...]:
    items = as_tuple(selection)
    if len(items) != len(shape):
        raise VindexInvalidSelectionError(selection)
    arrays = []
    for dim, item in enumerate(items):
        if not is_integer(item) and not is_index_list(item):
            raise VindexInvalidSelectionError(selection)
        array = np.asarray(item)
        if array.dtype.kind == "b":
            raise VindexInvalidSelectionError(selection)
        if array.size == 0:
            array = array.astype(np.intp)
        arrays.append(wrap_negative(array, shape[dim], dim))
    try:
        broadcast = np.broadcast_arrays(*arrays)
    except ValueError as error:
        raise ArrayIndexError(f"coordinate arrays cannot be broadcast: {error}") from None
    return tuple(np.atleast_1d(array) for array in broadcast)


class MaskIndexer(CoordinateIndexer):
    """Points: one Boolean array of the array's shape.

    Parameters
    ----------
    selection : array_like of bool
    shape : tuple of int or Array
        Of the array; or the array itself, as in 2.x.
    chunks : tuple of int or Edges, optional
        Of the array.

    Raises
    ------
    ArrayIndexError
        If it is not Boolean, or of another shape.
    """

    def __init__(self, selection: Any, shape: Any, chunks: tuple[Any, ...] | None = None) -> None:
        if chunks is None:
            self._of_array, (shape, chunks) = True, grid_of(shape)
        items = as_tuple(selection)
        mask = np.asarray(items[0]) if len(items) == 1 else None
        if mask is None or mask.dtype.kind != "b" or mask.shape != shape:
            raise ArrayIndexError(
                f"invalid mask selection; expected one Boolean array of shape {shape}, "
                f"got {selection!r:.100}"
            )
        count = int(np.count_nonzero(mask))
        self.kept_shape = self.shape = (count,)
        self.mask = mask
        self.dense = mask.ndim > 0 and count * _DENSE >= mask.size > 0
        self._grid = shape, chunks

    def _points(self) -> Sequence[np.ndarray[Any, Any]]:
        return self.mask.nonzero()

    def bands(self, items: int) -> Iterator[Band]:
        """Cut the mask along its first dimension into bands of about so many `items`."""
        shape, chunks = self._grid
        edges = [boundaries(lengths, n) for lengths, n in zip(chunks, shape, strict=True)]
        rows = max(1, items // max(1, math.prod(shape[1:])))
        first, count = 0, len(edges[0]) - 1
        while first < count:
            start = int(edges[0][first])
            last = max(first + 1, int(np.searchsorted(edges[0], start + rows, "right")) - 1)
            parts = [edges[0][first : last + 1], *edges[1:]]
            part = self.mask[start : int(parts[0][-1])]
            touched = touched_by(part, [bounds[:-1] - bounds[0] for bounds in parts])
            if (box := smallest_box(touched)) is not None:
                pairs = zip(parts, box, strict=True)
                region = tuple([slice(int(e[b.start]), int(e[b.stop])) for e, b in pairs])
                within = (slice(region[0].start - start, region[0].stop - start), *region[1:])
                coords = None
                if not touched[box].all():
                    coords = np.argwhere(touched)
                    coords[:, 0] += first
                yield Band(part[within], BasicIndexer(region, shape, chunks), coords)
            first = last


_DENSE = 64
"""One point in so many items makes a mask dense: to sort the points then costs more than
to pass over all items."""


class Band(NamedTuple):
    """A part of a dense mask.

    Attributes
    ----------
    mask : ndarray of bool
        Of the shape of `box`.
    box : BasicIndexer
        Chunks in which all its points lie.
    coords : ndarray or None
        Which of these chunks have points; None if all have.
    """

    mask: np.ndarray[Any, Any]
    box: BasicIndexer
    coords: np.ndarray[Any, Any] | None
