"""Where chunks are: each a value of the store, or several in a shard.

The engine asks for chunks by their keys and gives them back encoded. The key of a chunk
that is a value is the store's key; that of a chunk in a shard is the key of the shard and
the number of the chunk in it.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from threading import Lock
from typing import Any, Protocol, TypeAlias

import numpy as np

from zarr.codecs.sharding import ABSENT, ShardLayout
from zarr.errors import ChunkDecodeError
from zarr.indexing import Axis
from zarr.metadata import ArrayMeta, Sharding
from zarr.storage.base import BaseStore
from zarr.sync import renew_after_fork

__all__ = ["ChunkKey", "KeyTable", "Places", "Shards", "SlotTable", "Values", "places_of"]

ChunkKey: TypeAlias = Any
"""A string, or a pair of the key of a shard and a number."""


class KeyTable:
    """How the keys of an array's chunks are made: computed once per array."""

    def __init__(self, prefix: str, meta: ArrayMeta) -> None:
        self.separator: str = meta.keys.separator
        self.prefix = prefix
        self.only = prefix + meta.keys.scalar
        self._pattern: re.Pattern[str] | None = None
        self._ndim = len(meta.shape)

    def key(self, coords: Sequence[int]) -> str:
        """Return the key of the chunk at `coords`."""
        return self.prefix + self.separator.join(map(str, coords)) if coords else self.only

    def place(self, key: str) -> tuple[int, ...] | None:
        """Return the coordinates of the chunk whose key is `key`, or None if it is no chunk's."""
        if not self._ndim:
            return () if key == self.only else None
        if not key.startswith(self.prefix):
            return None
        if self._pattern is None:  # without the prefix, so that arrays share what is compiled
            number = "(0|[1-9][0-9]*)"
            self._pattern = re.compile(re.escape(self.separator).join([number] * self._ndim))
        match = self._pattern.fullmatch(key, len(self.prefix))
        return None if match is None else tuple(map(int, match.groups()))

    def names(self, axes: Sequence[Axis]) -> list[list[str]]:
        """Return, per dimension, what each entry contributes to a key."""
        names = []
        for d, axis in enumerate(axes):
            head = "" if d else self.prefix
            tail = self.separator if d < len(axes) - 1 else ""
            names.append([f"{head}{at}{tail}" for at in axis.chunks])
        return names

    def run(self, head: Sequence[str], names: Sequence[str], tail: Sequence[str]) -> list[str]:
        """Return the keys of neighbours from what the dimensions contribute."""
        before, after = "".join(head), "".join(tail)
        return [f"{before}{name}{after}" for name in names]


class SlotTable:
    """How the keys of the chunks in one shard are made."""

    def __init__(self, shard: str, counts: Sequence[int]) -> None:
        self.shard = shard
        self.counts = counts
        self.only = (shard, 0)

    def names(self, axes: Sequence[Axis]) -> list[list[int]]:
        """Return, per dimension, what each entry contributes to the number of a chunk."""
        strides = [math.prod(self.counts[d + 1 :]) for d in range(len(self.counts))]
        return [[at * n for at in axis.chunks] for axis, n in zip(axes, strides, strict=True)]

    def run(self, head: Sequence[int], names: Sequence[int], tail: Sequence[int]) -> list[Any]:
        """Return the keys of neighbours from what the dimensions contribute."""
        base = sum(head) + sum(tail)
        return [(self.shard, base + name) for name in names]


class Places(Protocol):
    """Where the chunks of an array are."""

    keys: KeyTable

    def key(self, coords: Sequence[int]) -> ChunkKey:
        """Return the key of the chunk at `coords`."""

    def name(self, key: ChunkKey) -> str:
        """Return what to call a chunk in a message."""

    def blocks(self, axes: Sequence[Axis]) -> Iterator[tuple[Sequence[Axis], Any]]:
        """Cut a selection into what is written at once; yield its axes and table of keys."""

    def fetch(self, keys: Sequence[ChunkKey]) -> Mapping[ChunkKey, Any]:
        """Return those of the encoded chunks that exist."""

    def put(self, chunks: dict[ChunkKey, Any]) -> None:
        """Store encoded chunks, or delete those that are None."""

    def to_lock(self, keys: Iterable[ChunkKey]) -> set[str]:
        """Return the keys of the store's values in which chunks are."""

    def values(self, counts: tuple[int, ...]) -> tuple[int, ...]:
        """Return the number of values along each dimension of a grid of `counts` chunks."""

    def present(self, values: list[str]) -> int:
        """Return how many chunks are stored in `values`."""


class Values:
    """Chunks that are values of the store."""

    def __init__(self, store: BaseStore, keys: KeyTable) -> None:
        self.store = store
        self.keys = keys
        self.key = keys.key
        self.fetch = store.getitems

    def name(self, key: ChunkKey) -> str:
        return str(key)

    def blocks(self, axes: Sequence[Axis]) -> Iterator[tuple[Sequence[Axis], Any]]:
        yield axes, self.keys

    def put(self, chunks: dict[ChunkKey, Any]) -> None:
        empty = [key for key, buf in chunks.items() if buf is None]
        for key in empty:
            del chunks[key]
        if chunks:
            self.store.setitems(chunks)
        if empty:
            self.store.delitems(empty)

    def to_lock(self, keys: Iterable[ChunkKey]) -> set[str]:
        return set(keys)

    def values(self, counts: tuple[int, ...]) -> tuple[int, ...]:
        return counts

    def present(self, values: list[str]) -> int:
        return len(values)


class Shards:
    """Chunks that are put together in shards, which are values of the store."""

    def __init__(self, store: BaseStore, keys: KeyTable, sharding: Sharding) -> None:
        self.store = store
        self.keys = keys
        self.layout = ShardLayout(sharding)
        self.counts = self.layout.counts
        self.chunks = sharding.chunks

    def key(self, coords: Sequence[int]) -> ChunkKey:
        shard = [at // n for at, n in zip(coords, self.counts, strict=True)]
        slot = 0
        for at, n in zip(coords, self.counts, strict=True):
            slot = slot * n + at % n
        return self.keys.key(shard), slot

    def name(self, key: ChunkKey) -> str:
        shard, slot = key
        place = tuple(map(int, np.unravel_index(slot, self.counts))) if self.counts else ()
        return f"{shard}, inner chunk {place}"

    def blocks(self, axes: Sequence[Axis]) -> Iterator[tuple[Sequence[Axis], Any]]:
        pieces = [
            list(_cut(axis, count, length))
            for axis, count, length in zip(axes, self.counts, self.chunks, strict=True)
        ]
        for block in itertools.product(*pieces):
            shard = self.keys.key([at for at, _ in block])
            yield [axis for _, axis in block], SlotTable(shard, self.counts)

    def to_lock(self, keys: Iterable[ChunkKey]) -> set[str]:
        return {shard for shard, _ in keys}

    def values(self, counts: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(-(-n // each) for n, each in zip(counts, self.counts, strict=True))

    # -- reading -------------------------------------------------------------------

    def fetch(self, keys: Sequence[ChunkKey]) -> Mapping[ChunkKey, Any]:
        wanted: dict[str, list[int]] = {}
        for shard, slot in keys:
            wanted.setdefault(shard, []).append(slot)
        whole = [shard for shard, slots in wanted.items() if len(slots) * 2 > self.layout.count]
        found: dict[ChunkKey, Any] = {}
        for shard, value in self.store.getitems(whole).items() if whole else ():
            self._take_whole(shard, value, wanted[shard], found)
        parts = (
            [shard for shard in wanted if shard not in whole] if len(whole) < len(wanted) else []
        )
        if parts:
            self._take_parts(parts, wanted, found)
        return found

    def _take_whole(
        self, shard: str, value: Any, slots: list[int], found: dict[ChunkKey, Any]
    ) -> None:
        view = memoryview(value).cast("B")
        index = self._parsed(shard, self.layout.parse, view).tolist()
        for slot in slots:
            offset, length = index[slot]
            if offset != ABSENT:
                found[shard, slot] = view[offset : offset + length]

    def _take_parts(
        self, shards: list[str], wanted: dict[str, list[int]], found: dict[ChunkKey, Any]
    ) -> None:
        indexes = self._indexes(shards)
        keys, ranges = [], []
        for shard in shards:
            index = indexes.get(shard)
            if index is None:
                continue
            for slot in wanted[shard]:
                offset, length = index[slot].tolist()
                if offset != ABSENT:
                    keys.append((shard, slot))
                    ranges.append((shard, (offset, length)))
        values = self.store.get_partial_values(ranges) if ranges else []
        for key, (_, (_, length)), value in zip(keys, ranges, values, strict=True):
            if value is None or len(value) != length:
                _indexes.forget(self._cache_name(key[0]))
                have = "nothing" if value is None else f"{len(value)} bytes"
                raise ChunkDecodeError(
                    f"{have} in the store, expected {length} bytes", self.name(key)
                )
            found[key] = value

    def _indexes(self, shards: list[str]) -> dict[str, Any]:
        """Return the index of each shard that exists, from memory where we have it."""
        known = {shard: _indexes.get(self._cache_name(shard)) for shard in shards}
        unknown = [shard for shard in shards if known[shard] is None]
        ranges = [(shard, self.layout.index_range) for shard in unknown]
        encoded = self.store.get_partial_values(ranges) if ranges else []
        for shard, data in zip(unknown, encoded, strict=True):
            if data is None:
                continue
            index = known[shard] = self._parsed(shard, self.layout.parse_index, data)
            if self.store.lasting:
                _indexes.keep(self._cache_name(shard), index)
        return {shard: index for shard, index in known.items() if index is not None}

    def _parsed(self, shard: str, parse: Any, data: Any) -> np.ndarray[Any, Any]:
        try:
            index: np.ndarray[Any, Any] = parse(data)
        except ChunkDecodeError as error:
            raise error.at(shard) from error
        return index

    def _cache_name(self, shard: str) -> Hashable:
        return self.store.location, shard

    # -- writing -------------------------------------------------------------------

    def put(self, chunks: dict[ChunkKey, Any]) -> None:
        changes: dict[str, dict[int, Any]] = {}
        for (shard, slot), buf in chunks.items():
            changes.setdefault(shard, {})[slot] = buf
        partial = [shard for shard, new in changes.items() if len(new) < self.layout.count]
        old = self.store.getitems(partial) if partial else {}
        values, empty = {}, []
        for shard, new in changes.items():
            kept = self._kept(shard, old[shard], new) if shard in old else {}
            kept.update({slot: buf for slot, buf in new.items() if buf is not None})
            if kept:
                values[shard] = self.layout.build(kept)
            else:
                empty.append(shard)
        if values:
            self.store.setitems(values)
        if empty:
            self.store.delitems(empty)
        for shard in changes:
            _indexes.forget(self._cache_name(shard))

    def _kept(self, shard: str, value: Any, new: Mapping[int, Any]) -> dict[int, Any]:
        """Return the encoded chunks of a shard that do not change."""
        view = memoryview(value).cast("B")
        index = self._parsed(shard, self.layout.parse, view)
        present = np.flatnonzero(index[:, 0] != np.uint64(ABSENT)).tolist()
        kept = {}
        for slot in present:
            if slot not in new:
                offset, length = index[slot].tolist()
                kept[slot] = view[offset : offset + length]
        return kept

    def present(self, values: list[str]) -> int:
        indexes = self._indexes(values).values()
        return sum(int((index[:, 0] != np.uint64(ABSENT)).sum()) for index in indexes)


def _cut(axis: Axis, count: int, length: int) -> Iterator[tuple[int, Axis]]:
    """Yield the place of each shard along one dimension, and the entries in it."""
    start = 0
    while start < len(axis.chunks):
        shard = axis.chunks[start] // count
        stop = start + 1
        while stop < len(axis.chunks) and axis.chunks[stop] // count == shard:
            stop += 1
        yield shard, axis.part(start, stop, shard * count, length)
        start = stop


class _IndexCache:
    """The indexes of the shards read last, shared by all handles of the process."""

    LIMIT = 64 << 20

    def __init__(self) -> None:
        renew_after_fork(self)

    def _renew(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[Hashable, np.ndarray[Any, Any]] = OrderedDict()
        self._nbytes = 0

    def get(self, name: Hashable) -> np.ndarray[Any, Any] | None:
        with self._lock:
            index = self._kept.get(name)
            if index is not None:
                self._kept.move_to_end(name)
            return index

    def keep(self, name: Hashable, index: np.ndarray[Any, Any]) -> None:
        with self._lock:
            self._drop(name)
            self._kept[name] = index
            self._nbytes += index.nbytes
            while self._nbytes > self.LIMIT:
                self._drop(next(iter(self._kept)))

    def forget(self, name: Hashable) -> None:
        with self._lock:
            self._drop(name)

    def _drop(self, name: Hashable) -> None:
        index = self._kept.pop(name, None)
        if index is not None:
            self._nbytes -= index.nbytes


_indexes = _IndexCache()


def places_of(store: BaseStore, prefix: str, meta: ArrayMeta) -> Any:
    """Return where the chunks of an array are."""
    keys = KeyTable(prefix, meta)
    if meta.sharding is None:
        return Values(store, keys)
    return Shards(store, keys, meta.sharding)
