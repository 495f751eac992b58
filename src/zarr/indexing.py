"""Indexers and selection helpers under the names that code written for 2.x imports."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from zarr._nodes.selection_methods import BlockIndex, OIndex, VIndex
from zarr._selection.axes import Axis
from zarr._selection.indexers import BasicIndexer, BlockIndexer, Indexer, OrthogonalIndexer
from zarr._selection.parsing import has_ellipsis, is_fancy, replace_ellipsis
from zarr._selection.points import CoordinateIndexer, MaskIndexer
from zarr._selection.projections import ChunkProjection
from zarr.errors import (
    ArrayIndexError,
    BoundsCheckError,
    NegativeStepError,
    VindexInvalidSelectionError,
)

__all__ = [
    "ArrayIndexError",
    "Axis",
    "BasicIndexer",
    "BlockIndex",
    "BlockIndexer",
    "BoundsCheckError",
    "ChunkDimProjection",
    "ChunkProjection",
    "CoordinateIndexer",
    "Indexer",
    "IntDimIndexer",
    "MaskIndexer",
    "NegativeStepError",
    "OIndex",
    "OrthogonalIndexer",
    "SliceDimIndexer",
    "VIndex",
    "VindexInvalidSelectionError",
    "ensure_tuple",
    "has_ellipsis",
    "is_coordinate_selection",
    "is_fancy",
    "is_integer",
    "is_slice",
    "replace_ellipsis",
]  # fmt: skip


def is_integer(x: Any) -> bool:
    """Tell whether `x` is an integer, and no Boolean."""
    return isinstance(x, (int, np.integer)) and not isinstance(x, bool)


def is_slice(s: Any) -> bool:
    """Tell whether `s` is a slice."""
    return isinstance(s, slice)


def ensure_tuple(v: Any) -> tuple[Any, ...]:
    """Return `v` if it is a tuple, else a tuple of it alone."""
    return v if isinstance(v, tuple) else (v,)


def is_coordinate_selection(selection: Any, array: Any) -> bool:
    """Tell whether `selection` has an integer or an array of integers for each dimension."""
    items = ensure_tuple(selection)
    return len(items) == len(array.shape) and all(
        is_integer(item)
        or (isinstance(item, (list, np.ndarray)) and np.asarray(item).dtype.kind in "iu")
        for item in items
    )


class ChunkDimProjection(NamedTuple):
    """One chunk along one dimension, and what a selection takes of it."""

    dim_chunk_ix: int
    dim_chunk_sel: Any
    dim_out_sel: Any


class SliceDimIndexer:
    """The chunks that a slice, or an integer, touches along one dimension.

    Parameters
    ----------
    dim_sel : slice or int
    dim_len : int
        Length of the array along the dimension.
    dim_chunk_len : int
        Length of a chunk.
    """

    def __init__(self, dim_sel: Any, dim_len: int, dim_chunk_len: int) -> None:
        self.dim_sel = dim_sel
        self.dim_len = dim_len
        self.dim_chunk_len = dim_chunk_len
        self._indexer = BasicIndexer(dim_sel, (dim_len,), (dim_chunk_len,))
        self.nitems = self._indexer.kept_shape[0]

    def __iter__(self) -> Iterator[ChunkDimProjection]:
        for (at,), (part,), out in self._indexer:
            yield ChunkDimProjection(at, part, out[0] if out else None)


class IntDimIndexer(SliceDimIndexer):
    """The chunk in which an integer lies along one dimension; see `SliceDimIndexer`."""
