"""Names that the 3.x library calls experimental."""

from zarr.core.chunk_grids import ChunkGrid, ChunkSpec

__all__ = ["ChunkGrid", "ChunkSpec"]
