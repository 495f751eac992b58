"""Chunks in shards: several chunks in one value of the store, found by an index."""

from __future__ import annotations

import itertools
import operator
from collections import Counter
from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np

from zarr._chunks.chunk_keys import (
    Block,
    ChunkKey,
    ChunkKeyEncoder,
    InnerChunkIds,
    first_at,
    length_at,
)
from zarr._chunks.shard_indexes import shard_indexes
from zarr._codecs.sharding import ABSENT, ShardIndex, ShardLayout
from zarr._metadata.records import Sharding
from zarr._selection.axes import Axis
from zarr._selection.grid import Edges, Grid, count_chunks
from zarr.errors import ChunkDecodeError
from zarr.storage.base import BaseStore

__all__ = [
    "ShardedChunks",
]

_GAP = 16 << 10
"""Bytes between two chunks of a shard that are read along rather than ask for each."""


_INDEXES_AT_A_TIME = 1000

_FEW = 2
"""Chunks of a shard from which on one of them is read alone."""

_TRIES = 4
"""How often a shard may change while parts of it are read before the whole is read."""


@dataclass(slots=True)
class _Span:
    """Bytes of a shard that are read at once, with some of its chunks in them."""

    start: int
    stop: int
    chunks: list[tuple[int, int, int]]  # where each begins and ends, and its number


class ShardedChunks:
    """Chunks that are put together in shards, which are values of the store.

    Parameters
    ----------
    longest : int, optional
        Most bytes that an encoded chunk can have, if there is telling.
    chunk_nbytes : int, optional
        Bytes of a decoded chunk, if they are always as many.
    """

    def __init__(
        self,
        store: BaseStore,
        keys: ChunkKeyEncoder,
        grid: Grid,
        sharding: Sharding,
        longest: int | None,
        chunk_nbytes: int | None,
    ) -> None:
        self.store = store
        self.keys = keys
        self.chunks = sharding.chunks
        self.indexes: Any = shard_indexes
        per_shard = zip(grid.stored, self.chunks, strict=True)
        self._counts: tuple[Any, ...] = tuple(_divided(n, chunk) for n, chunk in per_shard)
        self._layout_of = lru_cache(256)(partial(_layout, sharding, longest, chunk_nbytes))
        self._layout = self._layout_of(self._counts) if grid.regular else None
        self._location: Hashable | None = None

    def layout(self, shard: str) -> ShardLayout:
        """Return where things are in the shard with this key."""
        if self._layout is not None:
            return self._layout
        return self._layout_of(tuple(map(length_at, self._counts, self.keys.place(shard) or ())))

    def key(self, coords: Sequence[int]) -> ChunkKey:
        shard, slot = [], 0
        for at, n in zip(coords, self._counts, strict=True):
            if isinstance(n, int):
                number, inside, count = at // n, at % n, n
            else:
                number, begin, count = n.at(at)
                inside = at - begin
            shard.append(number)
            slot = slot * count + inside
        return self.keys.key(shard), slot

    def name(self, key: ChunkKey) -> str:
        shard, slot = key
        counts = self.layout(shard).counts
        place = tuple(map(int, np.unravel_index(slot, counts))) if counts else ()
        return f"{shard}, inner chunk {place}"

    def blocks(self, axes: Sequence[Axis]) -> Iterator[Block]:
        pieces = [
            list(split_by_shard(axis, count, length))
            for axis, count, length in zip(axes, self._counts, self.chunks, strict=True)
        ]
        for block in itertools.product(*pieces):
            shard = self.keys.key([at for at, _, _ in block])
            slots = InnerChunkIds(shard, [count for _, count, _ in block])
            yield Block([axis for _, _, axis in block], slots, self.chunks)

    def shape_at(self, coords: Sequence[int]) -> tuple[int, ...]:
        return self.chunks

    def box_of(self, keys: Iterable[str], last: Sequence[int]) -> list[range]:
        last_shard = self.keys.place(self.key(last)[0]) or ()
        return [
            range(first_at(count, box.start), first_at(count, box[-1]) + length_at(count, box[-1]))
            if box
            else box
            for count, box in zip(self._counts, self.keys.box_of(keys, last_shard), strict=True)
        ]

    def to_lock(self, keys: Iterable[ChunkKey]) -> set[str]:
        return {shard for shard, _ in keys}

    def names_below(self, keys: Iterable[ChunkKey]) -> list[Hashable]:
        skip = len(self.keys.prefix)
        return [(shard[skip:], slot) for shard, slot in keys]

    def values(self, counts: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(map(count_chunks, self._counts, counts))

    # -- reading -------------------------------------------------------------------

    def fetch(self, keys: Sequence[ChunkKey]) -> Mapping[ChunkKey, Any]:
        if len(keys) == 1 and not self.store.whole_reads:
            known = self._fetch_known(keys[0])
            if known is not None:
                return known
        wanted: dict[str, list[int]] = {}
        for shard, slot in keys:
            wanted.setdefault(shard, []).append(slot)
        whole: list[str] = []
        parts: list[str] = []
        for shard, slots in wanted.items():
            most = self.store.whole_reads or len(slots) * 2 > self.layout(shard).count
            (whole if most else parts).append(shard)
        found: dict[ChunkKey, Any] = {}
        for _ in range(_TRIES):
            if not parts:
                break
            parts = self._take_parts(parts, wanted, found)
        # What others rewrite all the time is read as one value.
        whole += parts
        for shard, value in self.store.getitems(whole).items() if whole else ():
            view, index = self._opened(shard, value, wanted[shard][0])
            _take(shard, view, index, wanted[shard], found)
        return found

    def _fetch_known(self, key: ChunkKey) -> Mapping[ChunkKey, Any] | None:
        """Return one chunk by the index that is known of its shard.

        None if there is none, or it is not that of the shard any more, and where the chunk is
        absent: these are rarer, and :meth:`fetch` has them all.
        """
        shard, slot = key
        layout, name = self.layout(shard), self._cache_name(shard)
        index = self.indexes.get(name)
        if index is None or layout.count < _FEW:
            return None
        start, length = index.entries[slot].tolist()
        if start == ABSENT:
            return None
        wanted = [(shard, (start, length))]
        if index.version is None:
            wanted.append((shard, layout.check_range))
        values, versions = self.store.get_versioned_values(wanted)
        value = values[0]
        if value is None or not self._is_current(shard, index, None, values[-1], versions):
            self.indexes.forget(name)
            return None
        return {key: value} if len(value) == length else None

    def _opened(self, shard: str, value: Any, slot: int) -> tuple[memoryview, Any]:
        """Return a view of a whole shard and its index; `slot` is for messages."""
        view = memoryview(value).cast("B")
        return view, self._parsed(shard, slot, self.layout(shard).parse, view).tolist()

    def _view(self, value: Any) -> Any:
        return memoryview(value)

    def _take_parts(
        self, shards: list[str], wanted: dict[str, list[int]], found: dict[ChunkKey, Any]
    ) -> list[str]:
        """Read chunks of some shards; return the shards whose index is not what it was.

        One call to the store reads the chunks and, for each shard, what tells whether the
        index that they were found by is still that of the shard: its version where the store
        knows it, a part of the index otherwise.
        """
        indexes, fresh = self._indexes(shards, wanted)
        spans: list[tuple[str, _Span | None]] = []
        ranges: list[Any] = []
        for shard, index in indexes.items():
            needed = _spans(index.entries, wanted[shard])
            for span in needed:
                spans.append((shard, span))
                ranges.append((shard, (span.start, span.stop - span.start)))
            if index.version is None if needed else shard not in fresh:
                spans.append((shard, None))
                ranges.append((shard, self.layout(shard).check_range))
        values, versions = self.store.get_versioned_values(ranges) if ranges else ([], {})
        read = list(zip(spans, values, strict=True))
        changed: set[str] = set()
        for (shard, part), value in read:
            if not self._is_current(shard, indexes[shard], part, value, versions):
                changed.add(shard)
                self.indexes.forget(self._cache_name(shard))
        for (shard, part), value in read:
            if part is not None and shard not in changed:
                self._take_span(shard, part, value, found)
        return list(changed)

    def _is_current(
        self, shard: str, index: ShardIndex, part: _Span | None, value: Any, versions: Any
    ) -> bool:
        """Tell whether what was read of a shard says that its index is still `index`."""
        if index.version is not None:
            return bool(versions.get(shard) == index.version)
        return part is not None or (value is not None and bytes(value) == index.check)

    def _take_span(self, shard: str, span: _Span, value: Any, found: dict[ChunkKey, Any]) -> None:
        have = 0 if value is None else len(value)
        for start, stop, slot in span.chunks:
            if stop > span.start + have:
                raise ChunkDecodeError(
                    f"{max(0, span.start + have - start)} bytes in the shard, expected "
                    f"{stop - start} from byte {start}",
                    self.name((shard, slot)),
                )
        if len(span.chunks) == 1:
            found[shard, span.chunks[0][2]] = value
            return
        view = self._view(value)
        for start, stop, slot in span.chunks:
            found[shard, slot] = view[start - span.start : stop - span.start]

    def _indexes(
        self, shards: list[str], wanted: Mapping[str, list[int]]
    ) -> tuple[dict[str, ShardIndex], set[str]]:
        """Return the index of each shard that exists, and which of them were read just now."""
        known = {shard: self.indexes.get(self._cache_name(shard)) for shard in shards}
        unknown = [shard for shard in shards if known[shard] is None]
        for shard, index in self._read_indexes(unknown, wanted).items() if unknown else ():
            known[shard] = index
            self.indexes.keep(self._cache_name(shard), index)
        return {shard: index for shard, index in known.items() if index is not None}, set(unknown)

    def _read_indexes(
        self, shards: list[str], wanted: Mapping[str, list[int]]
    ) -> dict[str, ShardIndex]:
        """Return the index of each shard that exists."""
        ranges = [(shard, self.layout(shard).index_range) for shard in shards]
        encoded, versions = self.store.get_versioned_values(ranges)
        indexes = {}
        for shard, data in zip(shards, encoded, strict=True):
            if data is not None:
                layout = self.layout(shard)
                entries = self._parsed(shard, wanted[shard][0], layout.parse_index, data)
                indexes[shard] = ShardIndex(entries, layout.check_of(data), versions.get(shard))
        return indexes

    def _parsed(self, shard: str, slot: int, parse: Callable[[Any], Any], data: Any) -> Any:
        try:
            return parse(data)
        except ChunkDecodeError as error:
            raise error.at(self.name((shard, slot))) from error

    def _cache_name(self, shard: str) -> Hashable:
        # Kept, as the address of locks is. Should a link be changed, then an index is found out
        # not to be that of the shard, as it is where another process has written the shard.
        if self._location is None:
            self._location = self.store.location
        return self._location, shard, self.layout(shard).signature

    # -- writing -------------------------------------------------------------------

    def fetch_for_update(
        self, partial: Iterable[ChunkKey], complete: Iterable[ChunkKey]
    ) -> tuple[Mapping[ChunkKey, Any], Any]:
        wanted: dict[str, list[int]] = {}
        for shard, slot in partial:
            wanted.setdefault(shard, []).append(slot)
        changes = Counter(shard for shard, _ in complete)
        for shard, slots in wanted.items():
            changes[shard] += len(slots)
        needed = [s for s, n in changes.items() if s in wanted or n < self.layout(s).count]
        old = {}
        found: dict[ChunkKey, Any] = {}
        for shard, value in self.store.source.getitems(needed).items() if needed else ():
            slots = wanted.get(shard, [])
            old[shard] = self._opened(shard, value, slots[0] if slots else 0)
            _take(shard, *old[shard], slots, found)
        return found, old

    def write(self, chunks: dict[ChunkKey, Any], old: Any) -> None:
        changes: dict[str, dict[int, Any]] = {}
        for (shard, slot), buf in chunks.items():
            changes.setdefault(shard, {})[slot] = buf
        values, empty = {}, []
        for shard, new in changes.items():
            stored: dict[int, Any] = {}
            same: dict[int, int] = {}
            if shard in old:
                view, index = old[shard]
                stored, same = _kept(view, index, new)
            stored.update({slot: buf for slot, buf in new.items() if buf is not None})
            if stored:
                values[shard] = self.layout(shard).build(stored, same)
            else:
                empty.append(shard)
        if values:
            self.store.setitems(values)
        if empty:
            self.store.delitems(empty)
        for shard in changes:
            self.indexes.forget(self._cache_name(shard))

    def count_present(self, values: list[str], counts: tuple[int, ...]) -> int:
        return sum(int(stored.sum()) for _, stored in self._stored(values, counts))

    def mark_present(
        self, values: Iterable[tuple[str, tuple[int, ...]]], present: np.ndarray[Any, Any]
    ) -> None:
        shards = iter(values)
        while part := [shard for shard, _ in itertools.islice(shards, _INDEXES_AT_A_TIME)]:
            for firsts, stored in self._stored(part, present.shape):
                region = map(slice, firsts, map(operator.add, firsts, stored.shape))
                present[tuple(region)] = stored

    def _stored(
        self, values: list[str], counts: tuple[int, ...]
    ) -> Iterator[tuple[tuple[int, ...], np.ndarray[Any, Any]]]:
        """Yield the place of each shard's first chunk, and which of its chunks are stored."""
        ranges = [(shard, self.layout(shard).index_range) for shard in values]
        encoded = self.store.get_partial_values(ranges) if ranges else []
        for shard, data in zip(values, encoded, strict=True):
            if data is None:
                continue
            layout = self.layout(shard)
            index = self._parsed(shard, 0, layout.parse_index, data)
            stored = (index[:, 0] != np.uint64(ABSENT)).reshape(layout.counts)
            # A shard keeps what lies outside of an array that has become smaller.
            firsts = tuple(map(first_at, self._counts, self.keys.place(shard) or ()))
            inside = [slice(0, max(0, n - at)) for n, at in zip(counts, firsts, strict=True)]
            yield firsts, stored[tuple(inside)]


def _divided(length: int | Edges, by: int) -> int | Edges:
    """Return lengths of shards, counted in chunks of length `by`."""
    if isinstance(length, int):
        return length // by
    return Edges((n // by, count) for n, count in length.runs)


def _layout(
    sharding: Sharding, longest: int | None, chunk_nbytes: int | None, counts: tuple[int, ...]
) -> ShardLayout:
    shape = tuple(n * chunk for n, chunk in zip(counts, sharding.chunks, strict=True))
    return ShardLayout(replace(sharding, shape=shape), longest, chunk_nbytes)


def _take(
    shard: str,
    view: memoryview,
    index: list[list[int]],
    slots: Iterable[int],
    found: dict[ChunkKey, Any],
) -> None:
    """Put those chunks of a whole shard into `found` that are present."""
    for slot in slots:
        offset, length = index[slot]
        if offset != ABSENT:
            found[shard, slot] = view[offset : offset + length]


def _kept(
    view: memoryview, index: list[list[int]], new: Container[int]
) -> tuple[dict[int, Any], dict[int, int]]:
    """Return the chunks of a whole shard that stay as they are, those stored together once.

    Parameters
    ----------
    new : container of int
        Chunks that do not stay.

    Returns
    -------
    stored : dict of int to memoryview
    same : dict of int to int
        Other chunks, and with which of `stored` they share their place.
    """
    first: dict[tuple[int, int], int] = {}
    stored: dict[int, Any] = {}
    same: dict[int, int] = {}
    for slot, (offset, length) in enumerate(index):
        if offset == ABSENT or slot in new:
            continue
        owner = first.setdefault((offset, length), slot)
        if owner == slot:
            stored[slot] = view[offset : offset + length]
        else:
            same[slot] = owner
    return stored, same


def _spans(entries: np.ndarray[Any, Any], slots: list[int]) -> list[_Span]:
    """Return the ranges of bytes to read for some chunks; those that lie close are read at once."""
    spans: list[_Span] = []
    for (start, length), slot in sorted(zip(entries[slots].tolist(), slots, strict=True)):
        if start == ABSENT:
            break  # so are all that follow
        stop = start + length
        if not spans or start - spans[-1].stop > _GAP:
            spans.append(_Span(start, stop, []))
        spans[-1].stop = max(spans[-1].stop, stop)
        spans[-1].chunks.append((start, stop, slot))
    return spans


def split_by_shard(axis: Axis, counts: int | Edges, length: int) -> Iterator[tuple[int, int, Axis]]:
    """Cut a table at the ends of shards; yield place and number of chunks of each.

    Parameters
    ----------
    counts : int or Edges
        Number of chunks in each shard.
    length : int
        Of a chunk.
    """
    start = 0
    while start < len(axis.chunks):
        at = axis.chunks[start]
        if isinstance(counts, int):
            shard, first, count = at // counts, at // counts * counts, counts
        else:
            shard, first, count = counts.at(at)
        stop = start + 1
        while stop < len(axis.chunks) and axis.chunks[stop] < first + count:
            stop += 1
        yield shard, count, axis.part(start, stop, first, start * length)
        start = stop
