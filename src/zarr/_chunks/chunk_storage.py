"""Where chunks are: each chunk a value of the store, or several in a shard."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from zarr._chunks.chunk_keys import Block, ChunkKey, ChunkKeyEncoder, length_at, split_by_length
from zarr._chunks.shards import ShardedChunks
from zarr._metadata.records import ArrayMeta
from zarr._selection.axes import Axis
from zarr.storage.base import BaseStore

__all__ = [
    "ChunkStorage",
    "UnshardedChunks",
    "chunk_storage_of",
    "stored_chunks",
]


class ChunkStorage(Protocol):
    """Where the chunks of an array are."""

    keys: ChunkKeyEncoder

    def key(self, coords: Sequence[int]) -> ChunkKey:
        """Return the key of the chunk at `coords`."""

    def name(self, key: ChunkKey) -> str:
        """Return what to call a chunk in a message."""

    def blocks(self, axes: Sequence[Axis]) -> Iterator[Block]:
        """Cut a selection into parts: one for each shard, or for chunks of one shape."""

    def shape_at(self, coords: Sequence[int]) -> tuple[int, ...]:
        """Return the shape of the chunk at `coords`."""

    def box_of(self, keys: Iterable[str], last: Sequence[int]) -> list[range]:
        """Return a box with all chunks up to `last` in the values at `keys`; empty if none is."""

    def fetch(self, keys: Sequence[ChunkKey]) -> Mapping[ChunkKey, Any]:
        """Return those of the encoded chunks that exist."""

    def fetch_for_update(
        self, partial: Iterable[ChunkKey], complete: Iterable[ChunkKey]
    ) -> tuple[Mapping[ChunkKey, Any], Any]:
        """Return what a change of chunks needs of what is stored, read once.

        Returns
        -------
        found : Mapping
            Those of the encoded chunks `partial` that exist.
        old
            What `put` wants to know.
        """

    def write(self, chunks: dict[ChunkKey, Any], old: Any) -> None:
        """Store encoded chunks, or delete those that are None."""

    def to_lock(self, keys: Iterable[ChunkKey]) -> set[str]:
        """Return the keys of the store's values in which chunks are."""

    def names_below(self, keys: Iterable[ChunkKey]) -> list[Hashable]:
        """Return what chunks are called however the store was opened: without the prefix."""

    def values(self, counts: tuple[int, ...]) -> tuple[int, ...]:
        """Return the number of values along each dimension of a grid of `counts` chunks."""

    def count_present(self, values: list[str], counts: tuple[int, ...]) -> int:
        """Return how many chunks of a grid of `counts` chunks are stored in `values`."""

    def mark_present(
        self, values: Iterable[tuple[str, tuple[int, ...]]], present: np.ndarray[Any, Any]
    ) -> None:
        """Set the elements of `present`, one for each chunk, whose chunks are stored in `values`.

        Parameters
        ----------
        values : iterable of (key, place)
        present : ndarray of bool
        """


class UnshardedChunks:
    """Chunks that are values of the store."""

    def __init__(self, store: BaseStore, keys: ChunkKeyEncoder, meta: ArrayMeta) -> None:
        self.store = store
        self.keys = keys
        self.key = keys.key
        self.grid = meta.grid
        self._shape = meta.grid.largest if meta.grid.regular else None

    def fetch(self, keys: Sequence[ChunkKey]) -> Mapping[ChunkKey, Any]:
        return self.store.getitems(keys)

    def name(self, key: ChunkKey) -> str:
        return str(key)

    def blocks(self, axes: Sequence[Axis]) -> Iterator[Block]:
        if self._shape is not None:
            yield Block(axes, self.keys, self._shape)
            return
        pieces = list(map(split_by_length, axes, self.grid.chunks))
        for block in itertools.product(*pieces):
            yield Block([a for _, a in block], self.keys, tuple([n for n, _ in block]))

    def shape_at(self, coords: Sequence[int]) -> tuple[int, ...]:
        return tuple(map(length_at, self.grid.chunks, coords))

    def box_of(self, keys: Iterable[str], last: Sequence[int]) -> list[range]:
        return self.keys.box_of(keys, last)

    def fetch_for_update(
        self, partial: Iterable[ChunkKey], complete: Iterable[ChunkKey]
    ) -> tuple[Mapping[ChunkKey, Any], Any]:
        keys = list(partial)
        return (self.store.source.getitems(keys) if keys else {}), None

    def write(self, chunks: dict[ChunkKey, Any], old: Any) -> None:
        empty = [key for key, buf in chunks.items() if buf is None]
        for key in empty:
            del chunks[key]
        if chunks:
            self.store.setitems(chunks)
        if empty:
            self.store.delitems(empty)

    def to_lock(self, keys: Iterable[ChunkKey]) -> set[str]:
        return set(keys)

    def names_below(self, keys: Iterable[ChunkKey]) -> list[Hashable]:
        skip = len(self.keys.prefix)
        return [key[skip:] for key in keys]

    def values(self, counts: tuple[int, ...]) -> tuple[int, ...]:
        return counts

    def count_present(self, values: list[str], counts: tuple[int, ...]) -> int:
        return len(values)

    def mark_present(
        self, values: Iterable[tuple[str, tuple[int, ...]]], present: np.ndarray[Any, Any]
    ) -> None:
        for _, place in values:
            if all(map(operator.lt, place, present.shape)):
                present[place] = True


def chunk_storage_of(
    store: BaseStore, prefix: str, meta: ArrayMeta, longest: int | None = None
) -> Any:
    """Return where the chunks of an array are.

    Parameters
    ----------
    longest : int, optional
        Most bytes that an encoded chunk can have, if there is telling.
    """
    keys = ChunkKeyEncoder(prefix, meta)
    if meta.sharding is None:
        return UnshardedChunks(store, keys, meta)
    size = math.prod(meta.sharding.chunks) * meta.dtype.itemsize
    return ShardedChunks(
        store, keys, meta.grid, meta.sharding, longest, None if meta.dtype.hasobject else size
    )


def stored_chunks(storage: Any) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield key and place of each value that holds chunks."""
    for key in storage.store.list_prefix(storage.keys.prefix.rpartition("/")[0]):
        if (place := storage.keys.place(key)) is not None:
            yield key, place
