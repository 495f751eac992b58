"""Store and codec for the N5 format."""

from zarr.codecs.n5 import LZ4Block, N5ChunkWrapper
from zarr.storage.n5 import N5FSStore, N5Store, N5View

__all__ = ["LZ4Block", "N5ChunkWrapper", "N5FSStore", "N5Store", "N5View"]
