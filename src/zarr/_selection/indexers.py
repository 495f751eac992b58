"""Separable selections: integers, slices, blocks, and arrays of indices along dimensions."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from zarr._selection.axes import Axis, int_axis, slice_axis, sorted_axis
from zarr._selection.grid import count_chunks, first_items
from zarr._selection.parsing import (
    checked_index,
    is_integer,
    replace_ellipsis,
    slice_bounds,
    wrap_negative,
)
from zarr._selection.projections import ChunkProjection, grid_of, projection
from zarr.errors import (
    ArrayIndexError,
    BoundsCheckError,
    NegativeStepError,
)

__all__ = [
    "BasicIndexer",
    "BlockIndexer",
    "Indexer",
    "OrthogonalIndexer",
]


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
    _of_array = False  # made as in 2.x, where integers alone leave no axes to drop

    def _set_axes(
        self, axes: list[Axis], drop_axes: tuple[int, ...], is_basic: bool = True
    ) -> None:
        self.axes = axes
        self._dropped, self._is_basic = drop_axes, is_basic
        self.drop_axes = () if is_basic and self._of_array else drop_axes
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
            coords, inner = [axis.chunks[i] for axis, i in at], [axis.inner[i] for axis, i in at]
            yield projection(coords, inner, outer, self._dropped, self._is_basic)


class BasicIndexer(Indexer):
    """Integers and slices.

    Parameters
    ----------
    selection : int, slice, Ellipsis or a tuple of these
    shape : tuple of int or Array
        Of the array; or the array itself, as in 2.x.
    chunks : tuple of int or Edges, optional
        Of the array.

    Raises
    ------
    ArrayIndexError
        If the selection holds anything else.
    BoundsCheckError, NegativeStepError
    """

    def __init__(self, selection: Any, shape: Any, chunks: tuple[Any, ...] | None = None) -> None:
        if chunks is None:
            self._of_array, (shape, chunks) = True, grid_of(shape)
        axes, drop = [], []
        for dim, item in enumerate(replace_ellipsis(selection, len(shape))):
            length, chunk = shape[dim], chunks[dim]
            if isinstance(item, slice):
                axes.append(slice_axis(*slice_bounds(item, length), chunk, length))
            elif is_integer(item):
                axes.append(int_axis(checked_index(item, length, dim), chunk, length))
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
    shape : tuple of int or Array
        Of the array; or the array itself, as in 2.x.
    chunks : tuple of int or Edges, optional
        Of the array.

    Raises
    ------
    ArrayIndexError
        If an item is of another kind, or a Boolean array has another length.
    BoundsCheckError, NegativeStepError
    """

    def __init__(self, selection: Any, shape: Any, chunks: tuple[Any, ...] | None = None) -> None:
        if chunks is None:
            self._of_array, (shape, chunks) = True, grid_of(shape)
        axes, drop, reorder, is_basic = [], [], [], True
        for dim, item in enumerate(replace_ellipsis(selection, len(shape))):
            length, chunk = shape[dim], chunks[dim]
            if isinstance(item, slice):
                axes.append(slice_axis(*slice_bounds(item, length), chunk, length))
            elif is_integer(item):
                axes.append(int_axis(checked_index(item, length, dim), chunk, length))
                drop.append(dim)
            else:
                is_basic = False
                indices = _index_array(item, length, dim)
                if indices.size > 1 and (np.diff(indices) < 0).any():
                    positions = np.argsort(indices, kind="stable")
                    reorder.append((dim, positions))
                    indices = indices[positions]
                axes.append(sorted_axis(indices, chunk, length))
        self.reorder = reorder
        self._set_axes(axes, tuple(drop), is_basic)


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
        return wrap_negative(array, length, dim)
    if len(array) != length:
        raise ArrayIndexError(
            f"Boolean array has the wrong length for dimension {dim}; "
            f"expected {length}, got {len(array)}"
        )
    return np.flatnonzero(array)


class BlockIndexer(BasicIndexer):
    """Integers and slices of step one that count chunks, not elements.

    Parameters
    ----------
    selection : int, slice, Ellipsis or a tuple of these
    shape : tuple of int or Array
        Of the array; or the array itself, as in 2.x.
    chunks : tuple of int or Edges, optional
        Of the array.

    Raises
    ------
    ArrayIndexError, BoundsCheckError, NegativeStepError
    """

    def __init__(self, selection: Any, shape: Any, chunks: tuple[Any, ...] | None = None) -> None:
        if chunks is None:
            self._of_array, (shape, chunks) = True, grid_of(shape)
        items = []
        for dim, item in enumerate(replace_ellipsis(selection, len(shape))):
            length, chunk = shape[dim], chunks[dim]
            blocks = count_chunks(chunk, length)
            if isinstance(item, slice):
                start, stop, step = slice_bounds(item, blocks)
                if step != 1:
                    raise NegativeStepError("only slices with step 1 are supported for blocks")
                if item.start and not -blocks <= item.start < blocks:
                    raise BoundsCheckError(blocks, dim)
            elif is_integer(item):
                start = checked_index(item, blocks, dim)
                stop = start + 1
            else:
                raise ArrayIndexError(
                    f"unsupported selection item for block indexing; expected integer or slice, "
                    f"got {type(item)!r}: {item!r:.100}"
                )
            begin, end = first_items(chunk, np.array([start, max(start, stop)])).tolist()
            items.append(slice(begin, min(end, length)))
        super().__init__(tuple(items), shape, chunks)
