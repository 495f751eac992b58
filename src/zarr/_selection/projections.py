"""Chunks that a selection touches, in the form that code written for 2.x iterates over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

__all__ = ["ChunkProjection", "grid_of", "projection"]


class ChunkProjection(NamedTuple):
    """One chunk that a selection touches.

    Attributes
    ----------
    chunk_coords : tuple of int
        Its position in the grid.
    chunk_selection : tuple
        What the selection takes of it.
    out_selection : tuple
        Where that goes in the output.
    """

    chunk_coords: tuple[int, ...]
    chunk_selection: tuple[Any, ...]
    out_selection: Any


def grid_of(array: Any) -> tuple[tuple[int, ...], tuple[Any, ...]]:
    """Return shape and chunks of a Zarr array or of another array.

    Raises
    ------
    TypeError
        If it is none.
    """
    try:
        # The property of a Zarr array lists lengths in another form.
        return array.shape, array._chunks if hasattr(array, "_chunks") else array.chunks
    except AttributeError:
        raise TypeError(
            f"expected an array with shape and chunks, or shape and chunks, not {array!r:.100}"
        ) from None


def projection(
    coords: Sequence[int],
    inner: Sequence[Any],
    outer: Sequence[Any],
    dropped: Sequence[int],
    is_basic: bool,
) -> ChunkProjection:
    """Return the part of a separable selection that lies in one chunk.

    Parameters
    ----------
    coords : sequence of int
    inner, outer : sequence of slice or array
        What is taken of the chunk along each dimension, and where that goes.
    dropped : sequence of int
        Dimensions that the output does not have.
    is_basic : bool
        Whether the selection has integers and slices only. An integer then drops its
        dimension by itself; else the dimension stays, of length one.
    """
    out = tuple(part for dim, part in enumerate(outer) if dim not in dropped)
    if any(isinstance(part, np.ndarray) for part in out):
        out = np.ix_(*map(_indices, out))
    if is_basic:
        taken = tuple(
            part.start if dim in dropped else slice(part.start, part.stop, part.step or 1)
            for dim, part in enumerate(inner)
        )
    else:
        taken = np.ix_(*map(_indices, inner))
    return ChunkProjection(tuple(coords), taken, out)


def _indices(part: Any) -> Any:
    if isinstance(part, slice):
        return np.arange(part.start or 0, part.stop, part.step or 1)
    return part
