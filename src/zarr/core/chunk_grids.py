"""How an array is cut into chunks, as a value class."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zarr._selection.grid import (
    Edges,
    Grid,
    boundaries,
    normalize_grid,
)
from zarr._selection.grid import guess_chunks as _guess
from zarr.core.common import parse_shapelike

__all__ = ["ChunkGrid", "ChunkSpec", "guess_chunks", "normalize_chunks_nd"]


@dataclass(frozen=True)
class ChunkSpec:
    """One chunk of an array.

    Parameters
    ----------
    slices : tuple of slice
        The part of the array.
    codec_shape : tuple of int
        Shape of the chunk as it is stored, which can extend beyond the end of the array.
    """

    slices: tuple[slice, ...]
    codec_shape: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the part of the array."""
        return tuple(part.stop - part.start for part in self.slices)

    @property
    def is_boundary(self) -> bool:
        """Whether the end of the array cuts the chunk."""
        return self.shape != self.codec_shape


@dataclass(frozen=True)
class ChunkGrid:
    """The chunks of an array of one shape.

    Parameters
    ----------
    array_shape : tuple of int
        Shape of the array.
    grid : Grid
        Lengths of the chunks.
    """

    array_shape: tuple[int, ...]
    grid: Grid

    @classmethod
    def from_sizes(cls, array_shape: Any, chunk_sizes: Sequence[int | Sequence[int]]) -> ChunkGrid:
        """Return the grid for lengths of chunks.

        Parameters
        ----------
        array_shape : int or tuple of int
            Shape of the array.
        chunk_sizes : sequence of int or of sequences of int
            Length of the chunks along each dimension, or the lengths of all.

        Returns
        -------
        ChunkGrid
            The grid.

        Raises
        ------
        ValueError
            If the number of dimensions differs, or chunks are too few.
        """
        shape = parse_shapelike(array_shape)
        if len(shape) != len(chunk_sizes):
            raise ValueError(
                f"array_shape {shape} and chunk_sizes {chunk_sizes} must have the same length"
            )
        lengths = [n if isinstance(n, int) else tuple(map(int, n)) for n in chunk_sizes]
        edges = [n if isinstance(n, int) else _edges(n) for n in lengths]
        for length, extent in zip(edges, shape, strict=True):
            if isinstance(length, Edges) and length.total < extent:
                raise ValueError(f"chunks {length!r} are shorter than the array, {extent}")
        return cls(shape, Grid(tuple(edges)))

    @classmethod
    def from_metadata(cls, metadata: Any) -> ChunkGrid:
        """Return the grid of the chunks that are stored under keys of their own.

        Parameters
        ----------
        metadata : ArrayV2Metadata or ArrayV3Metadata
            Metadata of the array.

        Returns
        -------
        ChunkGrid
            The grid: of shards, if there are.
        """
        grid = metadata.chunk_grid
        return grid if isinstance(grid, cls) else cls.from_sizes(metadata.shape, grid.lengths)

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.array_shape)

    @property
    def is_regular(self) -> bool:
        """Whether all chunks along each dimension are equally long."""
        return bool(self.grid.regular)

    @property
    def chunk_shape(self) -> tuple[int, ...]:
        """Shape of a chunk.

        Raises
        ------
        ValueError
            If chunks differ.
        """
        if not self.is_regular:
            raise ValueError(
                "chunk_shape is only available for regular chunk grids; use chunk_sizes"
            )
        return tuple(self.grid.chunks)

    @property
    def chunk_sizes(self) -> tuple[tuple[int, ...], ...]:
        """Lengths of all chunks along each dimension, the last one cut at the end of the array."""
        ends = map(boundaries, self.grid.chunks, self.array_shape)
        return tuple(tuple(np.diff(each).tolist()) for each in ends)

    @property
    def grid_shape(self) -> tuple[int, ...]:
        """Number of chunks along each dimension."""
        return tuple(map(int, self.grid.counts(self.array_shape)))

    def get_nchunks(self) -> int:
        """Return the number of chunks.

        Returns
        -------
        int
            Number of chunks.
        """
        return math.prod(self.grid_shape)

    def all_chunk_coords(
        self,
        *,
        origin: Sequence[int] | None = None,
        selection_shape: Sequence[int] | None = None,
    ) -> Iterator[tuple[int, ...]]:
        """Iterate over the indices of chunks.

        Parameters
        ----------
        origin : sequence of int, optional
            Indices of the first chunk. Zeros by default.
        selection_shape : sequence of int, optional
            Number of chunks along each dimension. All that follow by default.

        Yields
        ------
        tuple of int
            Indices of a chunk.
        """
        first = origin or (0,) * self.ndim
        counts = selection_shape or [n - at for n, at in zip(self.grid_shape, first, strict=True)]
        return itertools.product(*(range(at, at + n) for at, n in zip(first, counts, strict=True)))

    def iter_chunk_regions(
        self,
        *,
        origin: Sequence[int] | None = None,
        selection_shape: Sequence[int] | None = None,
    ) -> Iterator[tuple[slice, ...]]:
        """Iterate over the parts of the array that chunks hold.

        The parameters are those of :meth:`all_chunk_coords`.

        Parameters
        ----------
        origin : sequence of int, optional
            Indices of the first chunk.
        selection_shape : sequence of int, optional
            Number of chunks along each dimension.

        Yields
        ------
        tuple of slice
            The part of the array.
        """
        for coords in self.all_chunk_coords(origin=origin, selection_shape=selection_shape):
            spec = self[coords]
            if spec is not None:
                yield spec.slices

    def __getitem__(self, coords: int | tuple[int, ...]) -> ChunkSpec | None:
        """Return one chunk, None outside the grid."""
        at = coords if isinstance(coords, tuple) else (coords,)
        if len(at) != self.ndim:
            raise ValueError(f"expected {self.ndim} indices of a chunk, got {len(at)}")
        if any(not 0 <= i < n for i, n in zip(at, self.grid_shape, strict=True)):
            return None
        box = self.grid.box(at)
        slices = [
            slice(p.start, min(p.stop, n)) for p, n in zip(box, self.array_shape, strict=True)
        ]
        return ChunkSpec(tuple(slices), tuple(part.stop - part.start for part in box))

    def __iter__(self) -> Iterator[ChunkSpec]:
        return (spec for coords in self.all_chunk_coords() if (spec := self[coords]) is not None)

    def update_shape(self, new_shape: tuple[int, ...]) -> ChunkGrid:
        """Return the grid of the array after it has been resized.

        Parameters
        ----------
        new_shape : tuple of int
            The new shape.

        Returns
        -------
        ChunkGrid
            The grid, with chunks added to lists of lengths that do not cover the new shape.
        """
        return ChunkGrid(new_shape, self.grid.covering(new_shape))


def _edges(lengths: Iterable[int]) -> Edges:
    return Edges([(length, 1) for length in lengths])


def guess_chunks(shape: tuple[int, ...], typesize: int) -> ChunkGrid:
    """Return chunks of a size that suits most arrays.

    Parameters
    ----------
    shape : tuple of int
        Shape of the array.
    typesize : int
        Size of an element in bytes.

    Returns
    -------
    ChunkGrid
        The grid.
    """
    return ChunkGrid.from_sizes(shape, _guess(shape, typesize))


def normalize_chunks_nd(chunks: Any, shape: tuple[int, ...]) -> ChunkGrid:
    """Return the chunks that an argument `chunks` means.

    Parameters
    ----------
    chunks : int, tuple of int or of lists of int, bool or None
        As for :func:`zarr.create`.
    shape : tuple of int
        Shape of the array.

    Returns
    -------
    ChunkGrid
        The grid.
    """
    return ChunkGrid(shape, normalize_grid(chunks, None, shape, 1))
