"""Chunks between store and memory: all reads and writes of an array go through its engine.

The runs of a selection (:mod:`zarr._chunks.plan`) are grouped into *windows*. A window is one
call to the store, and the unit of work of a thread.
"""

from __future__ import annotations

from typing import Any

from zarr._chunks.partial_reads import Ranges
from zarr._chunks.plan import (
    SMALL,
)
from zarr._chunks.reading import Reading
from zarr._chunks.writing import Writing
from zarr._metadata.records import ArrayMeta
from zarr._selection.indexers import Indexer
from zarr._shared.chunk_cache import cache_for
from zarr.config import Missing
from zarr.storage.base import BaseStore
from zarr.sync import Synchronizer

__all__ = ["Engine", "WarningEngine"]


class Engine(Reading, Writing):
    """Reads and writes the chunks of one array.

    Parameters
    ----------
    store : BaseStore
        The store that holds the chunks.
    prefix : str
        Prefix of the chunks' keys.
    meta : ArrayMeta
    document : tuple of BaseStore and str
        Store and key of the array's metadata document: absent chunks are fill values only while
        it exists.
    write_empty_chunks : bool
        Whether to store chunks in which every element equals the fill value.
    synchronizer : Synchronizer, optional
        Locks between processes.
    cache_bytes : int
        Maximum number of bytes of decoded chunks to keep in memory; not for chunks that differ
        in shape.
    partial_reads : bool
        Whether to read only parts of chunks, where the store and the codecs allow it, no
        chunks are kept, and all have one shape.
    missing : {'fill', 'warn', 'error'}
        What reading does where chunks are absent.
    """

    def __init__(
        self,
        store: BaseStore,
        prefix: str,
        meta: ArrayMeta,
        document: tuple[BaseStore, str],
        write_empty_chunks: bool = True,
        synchronizer: Synchronizer | None = None,
        cache_bytes: int = 0,
        partial_reads: bool = False,
        missing: Missing = "fill",
    ) -> None:
        super().__init__(store, prefix, meta, document)
        self._missing = missing
        self.write_empty_chunks = write_empty_chunks
        self.synchronizer = synchronizer
        self._locks = None
        self._decoder = None  # where fetched chunks are decoded already
        # Users may change the objects that they get.
        if cache_bytes and self.uniform_chunks and not meta.dtype.hasobject:
            self._cache = cache_for(self.address, cache_bytes)
            self._decoder = self.pipeline.without_codecs()
            partial_reads = False
        else:
            self._fetch = self.storage.fetch  # type: ignore[method-assign]
        self.is_divisible = (
            meta.sharding is None and self.uniform_chunks and self.pipeline.readable_in_parts
        )
        partial_reads &= self.is_divisible and store.partial_reads and self.pipeline.nbytes > SMALL
        self._ranges = Ranges(store, self.pipeline) if partial_reads else None


class WarningEngine(Engine):
    """An engine for ``missing='warn'``: others need not ask at each read whether to warn."""

    def read(self, indexer: Indexer, out: Any, fields: Any = None) -> None:
        self._warn_after(Engine.read, indexer, out, fields)

    def read_item(self, place: tuple[int, ...]) -> Any:
        return self._warn_after(Engine.read_item, place)
