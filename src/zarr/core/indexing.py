"""Indexers under the name, and with the parameters, that code for the 3.x library uses."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from types import EllipsisType
from typing import Any, NamedTuple, TypeAlias, TypeGuard

import numpy as np

from zarr._nodes.selection_methods import BlockIndex, OIndex, VIndex
from zarr._selection import indexers, points
from zarr.core.chunk_grids import ChunkGrid
from zarr.errors import (
    ArrayIndexError,
    BoundsCheckError,
    NegativeStepError,
    VindexInvalidSelectionError,
)

__all__ = [
    "ArrayIndexError", "BasicIndexer", "BasicSelection", "BlockIndex", "BlockIndexer",
    "BoundsCheckError", "ChunkProjection", "CoordinateIndexer", "CoordinateSelection", "Fields",
    "Indexer", "MaskIndexer", "MaskSelection", "NegativeStepError", "OIndex", "OrthogonalIndexer",
    "OrthogonalSelection", "Selection", "VIndex", "VindexInvalidSelectionError",
    "is_integer",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in ("AsyncOIndex", "AsyncVIndex"):  # which are imported at first use
        return getattr(import_module("zarr._async.array"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


BasicSelector: TypeAlias = int | slice | EllipsisType
BasicSelection: TypeAlias = BasicSelector | tuple[BasicSelector, ...]
CoordinateSelection: TypeAlias = Any
MaskSelection: TypeAlias = Any
OrthogonalSelection: TypeAlias = Any
Selection: TypeAlias = Any
Fields: TypeAlias = str | list[str] | tuple[str, ...]
Indexer = indexers.Indexer


def is_integer(x: Any) -> TypeGuard[int]:
    """Return whether a selection of one dimension is an integer of Python or NumPy.

    Parameters
    ----------
    x : object
        The selection.

    Returns
    -------
    bool
        False for truth values, too.
    """
    return isinstance(x, int | np.integer) and not isinstance(x, bool)


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
    is_complete_chunk : bool
        Whether the selection takes all of it.
    """

    chunk_coords: tuple[int, ...]
    chunk_selection: Any
    out_selection: Any
    is_complete_chunk: bool


class _OfGrid:
    """An indexer that is made from a shape and a grid.

    Parameters
    ----------
    selection : object
        The selection.
    shape : tuple of int
        Shape of the array.
    chunk_grid : ChunkGrid
        How the array is cut into chunks.
    """

    def __init__(self, selection: Any, shape: tuple[int, ...], chunk_grid: ChunkGrid) -> None:
        self._grid = chunk_grid
        super().__init__(selection, shape, chunk_grid.grid.chunks)  # type: ignore[call-arg]

    def __iter__(self) -> Iterator[ChunkProjection]:
        for coords, taken, out in super().__iter__():  # type: ignore[misc]
            place = tuple(map(int, coords))
            yield ChunkProjection(place, taken, out, self._is_complete(place, taken))

    def _is_complete(self, coords: tuple[int, ...], taken: Any) -> bool:
        """Tell whether all that the array has of a chunk is selected, by slices alone."""
        spec = self._grid[coords]
        parts = taken if isinstance(taken, tuple) else (taken,)
        return spec is not None and all(
            _covers(part, length) for part, length in zip(parts, spec.shape, strict=False)
        )


def _covers(part: Any, length: int) -> bool:
    if isinstance(part, slice):
        return part.indices(length) == (0, length, 1)
    return length == 1 and np.ndim(part) == 0


class BasicIndexer(_OfGrid, indexers.BasicIndexer):  # type: ignore[misc]
    """Integers and slices."""


class OrthogonalIndexer(_OfGrid, indexers.OrthogonalIndexer):  # type: ignore[misc]
    """For each dimension an integer, a slice, an integer array or a Boolean array."""


class BlockIndexer(_OfGrid, indexers.BlockIndexer):  # type: ignore[misc]
    """Integers and slices of step one that count chunks, not elements."""


class CoordinateIndexer(_OfGrid, points.CoordinateIndexer):  # type: ignore[misc]
    """One element for each set of coordinates."""


class MaskIndexer(_OfGrid, points.MaskIndexer):  # type: ignore[misc]
    """The elements at which a Boolean array is True."""
