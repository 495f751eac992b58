"""Selections: which chunks they touch, which part of each, and where that part goes.

Most selections are *separable*: what they take along one dimension does not depend on
the others. Such a selection is one small table per dimension (:class:`Axis`); the chunks
it touches are the product of the tables, and nothing is kept per chunk. Selections of
points (coordinates, masks) are sorted by chunk once.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from zarr.errors import (
    ArrayIndexError,
    BoundsCheckError,
    NegativeStepError,
    VindexInvalidSelectionError,
)
from zarr.grid import Edges, boundaries, count_chunks, find_chunks, first_items

__all__ = [
    "Axis",
    "Band",
    "BasicIndexer",
    "BlockIndexer",
    "ChunkProjection",
    "CoordinateIndexer",
    "Indexer",
    "MaskIndexer",
    "OrthogonalIndexer",
    "SortedPoints",
    "has_ellipsis",
    "indexer_class",
    "is_fancy",
    "is_orthogonal",
    "laid_before",
    "single_item",
    "split_fields",
]

Part: TypeAlias = Any
"""A slice with a positive step, or an array of integers."""


class ChunkProjection(NamedTuple):
    """One chunk that a selection touches.

    Attributes
    ----------
    chunk_coords : tuple of int
        Its place in the grid.
    chunk_selection : tuple
        What the selection takes of it.
    out_selection : tuple
        Where that goes in the output.
    is_complete : bool
        Whether all its cells within the array are taken.
    """

    chunk_coords: tuple[int, ...]
    chunk_selection: tuple[Any, ...]
    out_selection: tuple[Any, ...]
    is_complete: bool


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


def _within(entries: range, start: int, stop: int) -> range:
    """Return which of `entries` lie between `start` and `stop`, counted from `start`."""
    return range(max(entries.start, start) - start, max(min(entries.stop, stop) - start, 0))


_NONE = range(0)
_ONE = range(1)
_NO_PLACES = np.zeros((1, 0), np.intp)


def _int_axis(index: int, chunk: int | Edges, length: int) -> Axis:
    if isinstance(chunk, Edges):
        return _listed_axis(index, index + 1, chunk, length)
    at, offset = divmod(index, chunk)
    part = slice(offset, offset + 1)
    whole = range(1) if chunk == 1 else _NONE
    covered = range(1) if min(chunk, length - at * chunk) == 1 else _NONE
    return Axis((at,), (part,), (slice(0, 1),), whole, covered, 1, part)


def _slice_axis(start: int, stop: int, step: int, chunk: int | Edges, length: int) -> Axis:
    if stop <= start:
        return Axis((), (), (), _NONE, _NONE, 0, slice(0, 0))
    if isinstance(chunk, Edges):
        if step != 1:
            return _sorted_axis(np.arange(start, stop, step), chunk, length)
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
        return _sorted_axis(np.arange(start, stop, step), chunk, length)
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


def _sorted_axis(indices: np.ndarray[Any, Any], chunk: int | Edges, length: int) -> Axis:
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
        laid_before(chunks, chunk)[rank] + inside,
    )  # fmt: skip


def laid_before(chunks: np.ndarray[Any, Any], lengths: int | Edges) -> np.ndarray[Any, Any]:
    """Return how many items are before each of `chunks`, all of them laid end to end."""
    if isinstance(lengths, int):
        return np.arange(len(chunks)) * lengths
    each = lengths.lengths(chunks)
    return np.cumsum(each) - each  # type: ignore[no-any-return]


# -- selections as users write them ----------------------------------------------------


def _is_integer(item: Any) -> bool:
    return isinstance(item, (int, np.integer)) and not isinstance(item, (bool, np.bool_))


def _is_index_list(item: Any) -> bool:
    """Tell whether `item` is an array or a list (of lists) of integers or Booleans."""
    if isinstance(item, np.ndarray):
        return item.ndim > 0 and item.dtype.kind in "iub"
    if not isinstance(item, (list, tuple)) and not _is_array_like(item):
        return False
    return np.asarray(item).dtype.kind in "iub" or len(item) == 0


def _is_array_like(item: Any) -> bool:
    return getattr(item, "ndim", 0) > 0 and getattr(item, "dtype", None) is not None


def _as_tuple(selection: Any) -> tuple[Any, ...]:
    return selection if isinstance(selection, tuple) else (selection,)


def replace_ellipsis(selection: Any, ndim: int) -> tuple[Any, ...]:
    """Return `selection` as a tuple with one item per dimension.

    Raises
    ------
    ArrayIndexError
        If there are more items than dimensions, or more than one ellipsis.
    """
    items = selection if isinstance(selection, tuple) else (selection,)
    places = [i for i, item in enumerate(items) if item is Ellipsis]
    if len(items) == ndim and not places:
        return items
    if len(places) > 1:
        raise ArrayIndexError("an index can only have a single ellipsis ('...')")
    missing = ndim - len(items) + len(places)
    if missing < 0:
        raise ArrayIndexError(
            f"too many indices for array; expected {ndim}, got {len(items) - len(places)}"
        )
    at = places[0] if places else len(items)
    return (*items[:at], *[slice(None)] * missing, *items[at + len(places) :])


def split_fields(selection: Any) -> tuple[str | list[str] | None, Any]:
    """Return the field or fields that `selection` names, and what remains of it."""
    if isinstance(selection, str):
        return selection, ()
    if isinstance(selection, list) and selection and all(isinstance(s, str) for s in selection):
        return list(selection), ()
    if not isinstance(selection, tuple):
        return None, selection
    fields = [item for item in selection if isinstance(item, str)]
    if not fields:
        return None, selection
    rest = tuple([item for item in selection if not isinstance(item, str)])
    return fields[0] if len(fields) == 1 else fields, rest[0] if len(rest) == 1 else rest


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


def single_item(selection: Any, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return the place of the item that `selection` names by one plain integer per dimension.

    None if it does not.
    """
    items = selection if type(selection) is tuple else (selection,)
    if len(items) != len(shape):
        return None
    place = []
    for dim, index in enumerate(items):
        if type(index) is not int:
            return None
        length = shape[dim]
        if not -length <= index < length:
            raise BoundsCheckError(length, dim)
        place.append(index + length if index < 0 else index)
    return tuple(place)


def has_ellipsis(selection: Any) -> bool:
    """Tell whether there is an ellipsis in `selection`: NumPy then returns no scalar."""
    return any(item is Ellipsis for item in _as_tuple(selection))


def is_fancy(selection: Any, ndim: int) -> bool:
    """Tell whether ``z[selection]`` means points.

    That is a mask of the array's dimensions, or one integer or integer array per
    dimension, with at least one array among them.
    """
    if isinstance(selection, np.ndarray) and selection.dtype == bool and ndim > 1:
        return selection.ndim == ndim
    items = _as_tuple(selection)
    if len(items) == 1 and ndim > 1 and not isinstance(selection, tuple):
        array = np.asarray(items[0]) if isinstance(items[0], list) else None
        return array is not None and array.dtype == bool and array.ndim == ndim
    if len(items) != ndim or not any(_is_index_list(item) for item in items):
        return False
    return all(
        _is_integer(item) or (_is_index_list(item) and np.asarray(item).dtype.kind != "b")
        for item in items
    )


def is_orthogonal(selection: Any, ndim: int) -> bool:
    """Tell whether ``z[selection]`` has exactly one array among integers and slices."""
    items = _as_tuple(selection)
    others = [item for item in items if not _is_index_list(item)]
    return len(items) - len(others) == 1 and all(
        _is_integer(item) or isinstance(item, slice) or item is Ellipsis for item in others
    )


def _integer(index: Any, length: int, dim: int) -> int:
    number = operator.index(index)
    if not -length <= number < length:
        raise BoundsCheckError(length, dim)
    return number + length if number < 0 else number


def _slice_bounds(item: slice, length: int) -> tuple[int, int, int]:
    try:
        start, stop, step = item.indices(length)
    except ValueError:
        raise NegativeStepError("slice step cannot be zero; it must be >= 1") from None
    if step < 1:
        raise NegativeStepError
    return start, stop, step


def _wrap(indices: np.ndarray[Any, Any], length: int, dim: int) -> np.ndarray[Any, Any]:
    """Return non-negative indices; raise `BoundsCheckError` if one is out of bounds."""
    indices = indices.astype(np.intp, copy=False)
    if indices.size == 0:
        return indices
    low, high = indices.min(), indices.max()
    if low < -length or high >= length:
        raise BoundsCheckError(length, dim)
    return np.where(indices < 0, indices + length, indices) if low < 0 else indices


# -- indexers --------------------------------------------------------------------------


class Indexer:
    """A selection bound to an array's shape and grid.

    Attributes
    ----------
    shape : tuple of int
        Shape of what is selected.
    drop_axes : tuple of int
        Dimensions selected by an integer, which the result does not have.
    axes : list of Axis or None
        One table per dimension; None for points.
    kept_shape : tuple of int
        `shape` with the dropped dimensions in it, of length one.
    reorder : list of (int, array)
        Dimensions whose entries were sorted: output position of each entry.
    """

    shape: tuple[int, ...]
    drop_axes: tuple[int, ...] = ()
    axes: list[Axis] | None = None
    kept_shape: tuple[int, ...]
    reorder: Sequence[tuple[int, np.ndarray[Any, Any]]] = ()

    def _set_axes(self, axes: list[Axis], drop_axes: tuple[int, ...]) -> None:
        self.axes = axes
        self.drop_axes = drop_axes
        self.kept_shape = self.shape = tuple([axis.size for axis in axes])
        if drop_axes:
            self.shape = tuple([axis.size for d, axis in enumerate(axes) if d not in drop_axes])

    def __iter__(self) -> Iterator[ChunkProjection]:
        axes = self.axes or []
        entries = [range(len(axis.chunks)) for axis in axes]
        for place in itertools.product(*entries):
            at = list(zip(axes, place, strict=True))
            outer: list[Any] = [axis.outer[i] for axis, i in at]
            for d, positions in self.reorder:
                outer[d] = positions[outer[d]]
            yield ChunkProjection(
                tuple(axis.chunks[i] for axis, i in at),
                tuple(axis.inner[i] for axis, i in at),
                tuple(outer),
                all(i in axis.covered for axis, i in at),
            )


class BasicIndexer(Indexer):
    """Integers and slices.

    Parameters
    ----------
    selection : int, slice, Ellipsis or a tuple of these
    shape : tuple of int
    chunks : tuple of int or Edges
        Of the array.

    Raises
    ------
    ArrayIndexError
        If the selection holds anything else.
    BoundsCheckError, NegativeStepError
    """

    def __init__(self, selection: Any, shape: tuple[int, ...], chunks: tuple[Any, ...]) -> None:
        axes, drop = [], []
        for dim, item in enumerate(replace_ellipsis(selection, len(shape))):
            length, chunk = shape[dim], chunks[dim]
            if isinstance(item, slice):
                axes.append(_slice_axis(*_slice_bounds(item, length), chunk, length))
            elif _is_integer(item):
                axes.append(_int_axis(_integer(item, length, dim), chunk, length))
                drop.append(dim)
            else:
                raise ArrayIndexError(
                    f"unsupported selection item for basic indexing; expected integer or slice, "
                    f"got {type(item)!r}: {item!r:.100}"
                )
        self._set_axes(axes, tuple(drop))


class OrthogonalIndexer(Indexer):
    """For each dimension an integer, a slice, an integer array or a Boolean array.

    Parameters
    ----------
    selection : item or tuple of items
    shape : tuple of int
    chunks : tuple of int or Edges
        Of the array.

    Raises
    ------
    ArrayIndexError
        If an item is of another kind, or a Boolean array has another length.
    BoundsCheckError, NegativeStepError
    """

    def __init__(self, selection: Any, shape: tuple[int, ...], chunks: tuple[Any, ...]) -> None:
        axes, drop, reorder = [], [], []
        for dim, item in enumerate(replace_ellipsis(selection, len(shape))):
            length, chunk = shape[dim], chunks[dim]
            if isinstance(item, slice):
                axes.append(_slice_axis(*_slice_bounds(item, length), chunk, length))
            elif _is_integer(item):
                axes.append(_int_axis(_integer(item, length, dim), chunk, length))
                drop.append(dim)
            else:
                indices = _index_array(item, length, dim)
                if indices.size > 1 and (np.diff(indices) < 0).any():
                    positions = np.argsort(indices, kind="stable")
                    reorder.append((dim, positions))
                    indices = indices[positions]
                axes.append(_sorted_axis(indices, chunk, length))
        self.reorder = reorder
        self._set_axes(axes, tuple(drop))


def _index_array(item: Any, length: int, dim: int) -> np.ndarray[Any, Any]:
    array = np.asarray(item)
    if array.size == 0 and array.ndim == 1 and array.dtype.kind == "f":
        array = array.astype(np.intp)  # an empty list
    if array.ndim != 1 or array.dtype.kind not in "iub":
        raise ArrayIndexError(
            f"unsupported selection item for orthogonal indexing; expected integer, slice, "
            f"integer array or Boolean array of one dimension, got {type(item)!r}: {item!r:.100}"
        )
    if array.dtype.kind != "b":
        return _wrap(array, length, dim)
    if len(array) != length:
        raise ArrayIndexError(
            f"Boolean array has the wrong length for dimension {dim}; "
            f"expected {length}, got {len(array)}"
        )
    return np.flatnonzero(array)


class BlockIndexer(BasicIndexer):
    """Integers and slices of step one that count chunks, not items.

    Parameters
    ----------
    selection : int, slice, Ellipsis or a tuple of these
    shape : tuple of int
    chunks : tuple of int or Edges
        Of the array.

    Raises
    ------
    ArrayIndexError, BoundsCheckError, NegativeStepError
    """

    def __init__(self, selection: Any, shape: tuple[int, ...], chunks: tuple[Any, ...]) -> None:
        items = []
        for dim, item in enumerate(replace_ellipsis(selection, len(shape))):
            length, chunk = shape[dim], chunks[dim]
            blocks = count_chunks(chunk, length)
            if isinstance(item, slice):
                start, stop, step = _slice_bounds(item, blocks)
                if step != 1:
                    raise NegativeStepError("only slices with step 1 are supported for blocks")
            elif _is_integer(item):
                start = _integer(item, blocks, dim)
                stop = start + 1
            else:
                raise ArrayIndexError(
                    f"unsupported selection item for block indexing; expected integer or slice, "
                    f"got {type(item)!r}: {item!r:.100}"
                )
            begin, end = first_items(chunk, np.array([start, max(start, stop)])).tolist()
            items.append(slice(begin, min(end, length)))
        super().__init__(tuple(items), shape, chunks)


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
    shape : tuple of int
    chunks : tuple of int or Edges
        Of the array.

    Raises
    ------
    VindexInvalidSelectionError, BoundsCheckError
    """

    def __init__(self, selection: Any, shape: tuple[int, ...], chunks: tuple[Any, ...]) -> None:
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
            yield ChunkProjection(tuple(coords), inside, (out,), False)


def _coordinate_arrays(selection: Any, shape: tuple[int, ...]) -> tuple[np.ndarray[Any, Any], ...]:
    items = _as_tuple(selection)
    if len(items) != len(shape):
        raise VindexInvalidSelectionError(selection)
    arrays = []
    for dim, item in enumerate(items):
        if not _is_integer(item) and not _is_index_list(item):
            raise VindexInvalidSelectionError(selection)
        array = np.asarray(item)
        if array.dtype.kind == "b":
            raise VindexInvalidSelectionError(selection)
        if array.size == 0:
            array = array.astype(np.intp)
        arrays.append(_wrap(array, shape[dim], dim))
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
    shape : tuple of int
    chunks : tuple of int or Edges
        Of the array.

    Raises
    ------
    ArrayIndexError
        If it is not Boolean, or of another shape.
    """

    def __init__(self, selection: Any, shape: tuple[int, ...], chunks: tuple[Any, ...]) -> None:
        items = _as_tuple(selection)
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
            touched = _touched(part, [bounds[:-1] - bounds[0] for bounds in parts])
            if (box := _bounds(touched)) is not None:
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


def _touched(mask: np.ndarray[Any, Any], begins: Sequence[Any]) -> np.ndarray[Any, Any]:
    """Return for each chunk whether there is a point of `mask` in it.

    Parameters
    ----------
    begins : sequence of array of int
        First item of each chunk, along each dimension.
    """
    if mask.ndim > 1 and mask.flags.c_contiguous:
        mask = mask.view(f"u{math.gcd(8, mask.shape[-1])}")  # as many at once as can be
    for dim, first in enumerate(begins[:-1]):
        mask = np.bitwise_or.reduceat(mask, first, axis=dim)
    return np.logical_or.reduceat(mask.view(bool), begins[-1], axis=-1)


def _bounds(touched: np.ndarray[Any, Any]) -> tuple[slice, ...] | None:
    """Return the smallest box that holds all that is True, or None if nothing is."""
    box = []
    for dim in range(touched.ndim):
        others = tuple([d for d in range(touched.ndim) if d != dim])
        places = np.flatnonzero(touched.any(axis=others))
        if not places.size:
            return None
        box.append(slice(int(places[0]), int(places[-1]) + 1))
    return tuple(box)
