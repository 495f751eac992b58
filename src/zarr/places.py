"""Where chunks are: each a value of the store, or several in a shard.

The engine asks for chunks by their keys and gives them back encoded. The key of a chunk
that is a value is the store's key; that of a chunk in a shard is the key of the shard and
the number of the chunk in it.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from threading import Lock
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np

from zarr.codecs.sharding import ABSENT, ShardIndex, ShardLayout
from zarr.errors import ChunkDecodeError
from zarr.grid import Edges, Grid, count_chunks
from zarr.indexing import Axis, laid_before
from zarr.metadata import ArrayMeta, Sharding
from zarr.storage.base import BaseStore
from zarr.sync import renew_after_fork

__all__ = ["Block", "ChunkKey", "KeyTable", "Places", "Shards", "SlotTable", "Values", "places_of"]

ChunkKey: TypeAlias = Any
"""A string, or a pair of the key of a shard and a number."""

_GAP = 16 << 10
"""Bytes between two chunks of a shard that are read along rather than ask for each."""

_TRIES = 4
"""How often a shard may change while parts of it are read before the whole is read."""


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


class Block(NamedTuple):
    """A part of a selection.

    Attributes
    ----------
    axes : sequence of Axis
    keys : KeyTable or SlotTable
        How the keys of its chunks are made.
    shape : tuple of int
        Of all its chunks.
    """

    axes: Sequence[Axis]
    keys: Any
    shape: tuple[int, ...]


class Places(Protocol):
    """Where the chunks of an array are."""

    keys: KeyTable

    def key(self, coords: Sequence[int]) -> ChunkKey:
        """Return the key of the chunk at `coords`."""

    def name(self, key: ChunkKey) -> str:
        """Return what to call a chunk in a message."""

    def blocks(self, axes: Sequence[Axis]) -> Iterator[Block]:
        """Cut a selection into parts: one for each shard, or for chunks of one shape."""

    def shape_at(self, coords: Sequence[int]) -> tuple[int, ...]:
        """Return the shape of the chunk at `coords`."""

    def fetch(self, keys: Sequence[ChunkKey]) -> Mapping[ChunkKey, Any]:
        """Return those of the encoded chunks that exist."""

    def before(
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

    def put(self, chunks: dict[ChunkKey, Any], old: Any) -> None:
        """Store encoded chunks, or delete those that are None."""

    def to_lock(self, keys: Iterable[ChunkKey]) -> set[str]:
        """Return the keys of the store's values in which chunks are."""

    def values(self, counts: tuple[int, ...]) -> tuple[int, ...]:
        """Return the number of values along each dimension of a grid of `counts` chunks."""

    def present(self, values: list[str], counts: tuple[int, ...]) -> int:
        """Return how many chunks of a grid of `counts` chunks are stored in `values`."""


class Values:
    """Chunks that are values of the store."""

    def __init__(self, store: BaseStore, keys: KeyTable, meta: ArrayMeta) -> None:
        self.store = store
        self.keys = keys
        self.key = keys.key
        self.fetch = store.getitems
        self.grid = meta.grid
        self._shape = meta.grid.largest if meta.grid.regular else None

    def name(self, key: ChunkKey) -> str:
        return str(key)

    def blocks(self, axes: Sequence[Axis]) -> Iterator[Block]:
        if self._shape is not None:
            yield Block(axes, self.keys, self._shape)
            return
        pieces = list(map(_stretches, axes, self.grid.chunks))
        for block in itertools.product(*pieces):
            yield Block([a for _, a in block], self.keys, tuple([n for n, _ in block]))

    def shape_at(self, coords: Sequence[int]) -> tuple[int, ...]:
        return tuple(map(_length_at, self.grid.chunks, coords))

    def before(
        self, partial: Iterable[ChunkKey], complete: Iterable[ChunkKey]
    ) -> tuple[Mapping[ChunkKey, Any], Any]:
        keys = list(partial)
        return (self.store.getitems(keys) if keys else {}), None

    def put(self, chunks: dict[ChunkKey, Any], old: Any) -> None:
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

    def present(self, values: list[str], counts: tuple[int, ...]) -> int:
        return len(values)


def _length_at(lengths: int | Edges, at: int) -> int:
    return lengths if isinstance(lengths, int) else int(lengths.lengths(at))


def _first_at(lengths: int | Edges, at: int) -> int:
    return lengths * at if isinstance(lengths, int) else int(lengths.begins(at))


def _stretches(axis: Axis, lengths: int | Edges) -> list[tuple[int, Axis]]:
    """Cut a table where the lengths of chunks change; return those with the parts."""
    if isinstance(lengths, int):
        return [(lengths, axis)]
    chunks = np.asarray(axis.chunks, np.int64)
    runs = lengths.runs_of(chunks)
    bounds = [*np.flatnonzero(np.diff(runs, prepend=-1)).tolist(), len(chunks)]
    shifts = laid_before(chunks, lengths)
    return [
        (int(lengths.lengths(chunks[start])), axis.part(start, stop, 0, int(shifts[start])))
        for start, stop in itertools.pairwise(bounds)
    ]


@dataclass(slots=True)
class _Span:
    """Bytes of a shard that are read at once, with some of its chunks in them."""

    start: int
    stop: int
    chunks: list[tuple[int, int, int]]  # where each begins and ends, and its number


class Shards:
    """Chunks that are put together in shards, which are values of the store.

    Parameters
    ----------
    longest : int, optional
        Most bytes that an encoded chunk can have, if there is telling.
    """

    def __init__(
        self,
        store: BaseStore,
        keys: KeyTable,
        grid: Grid,
        sharding: Sharding,
        longest: int | None,
    ) -> None:
        self.store = store
        self.keys = keys
        self.chunks = sharding.chunks
        per_shard = zip(grid.stored, self.chunks, strict=True)
        self._counts: tuple[Any, ...] = tuple(_divided(n, chunk) for n, chunk in per_shard)
        self._layout_of = lru_cache(256)(partial(_layout, sharding, longest))
        self._layout = self._layout_of(self._counts) if grid.regular else None

    def layout(self, shard: str) -> ShardLayout:
        """Return where things are in the shard with this key."""
        if self._layout is not None:
            return self._layout
        return self._layout_of(tuple(map(_length_at, self._counts, self.keys.place(shard) or ())))

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
            list(_cut(axis, count, length))
            for axis, count, length in zip(axes, self._counts, self.chunks, strict=True)
        ]
        for block in itertools.product(*pieces):
            shard = self.keys.key([at for at, _, _ in block])
            slots = SlotTable(shard, [count for _, count, _ in block])
            yield Block([axis for _, _, axis in block], slots, self.chunks)

    def shape_at(self, coords: Sequence[int]) -> tuple[int, ...]:
        return self.chunks

    def to_lock(self, keys: Iterable[ChunkKey]) -> set[str]:
        return {shard for shard, _ in keys}

    def values(self, counts: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(map(count_chunks, self._counts, counts))

    # -- reading -------------------------------------------------------------------

    def fetch(self, keys: Sequence[ChunkKey]) -> Mapping[ChunkKey, Any]:
        wanted: dict[str, list[int]] = {}
        for shard, slot in keys:
            wanted.setdefault(shard, []).append(slot)
        whole: list[str] = []
        parts: list[str] = []
        for shard, slots in wanted.items():
            (whole if len(slots) * 2 > self.layout(shard).count else parts).append(shard)
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

    def _opened(self, shard: str, value: Any, slot: int) -> tuple[memoryview, Any]:
        """Return a view of a whole shard and its index; `slot` is for messages."""
        view = memoryview(value).cast("B")
        return view, self._parsed(shard, slot, self.layout(shard).parse, view).tolist()

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
            index = indexes[shard]
            if index.version is not None:
                same = versions.get(shard) == index.version
            else:
                same = part is not None or (value is not None and bytes(value) == index.check)
            if not same:
                changed.add(shard)
                _indexes.forget(self._cache_name(shard))
        for (shard, part), value in read:
            if part is not None and shard not in changed:
                self._take_span(shard, part, value, found)
        return list(changed)

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
        view = memoryview(value)
        for start, stop, slot in span.chunks:
            found[shard, slot] = view[start - span.start : stop - span.start]

    def _indexes(
        self, shards: list[str], wanted: Mapping[str, list[int]]
    ) -> tuple[dict[str, ShardIndex], set[str]]:
        """Return the index of each shard that exists, and which of them were read just now."""
        known = {shard: _indexes.get(self._cache_name(shard)) for shard in shards}
        unknown = [shard for shard in shards if known[shard] is None]
        ranges = [(shard, self.layout(shard).index_range) for shard in unknown]
        encoded, versions = self.store.get_versioned_values(ranges) if ranges else ([], {})
        for shard, data in zip(unknown, encoded, strict=True):
            if data is None:
                continue
            layout = self.layout(shard)
            entries = self._parsed(shard, wanted[shard][0], layout.parse_index, data)
            index = known[shard] = ShardIndex(entries, layout.check_of(data), versions.get(shard))
            _indexes.keep(self._cache_name(shard), index)
        return {shard: index for shard, index in known.items() if index is not None}, set(unknown)

    def _parsed(self, shard: str, slot: int, parse: Callable[[Any], Any], data: Any) -> Any:
        try:
            return parse(data)
        except ChunkDecodeError as error:
            raise error.at(self.name((shard, slot))) from error

    def _cache_name(self, shard: str) -> Hashable:
        return self.store.location, shard, self.layout(shard).signature

    # -- writing -------------------------------------------------------------------

    def before(
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
        for shard, value in self.store.getitems(needed).items() if needed else ():
            slots = wanted.get(shard, [])
            old[shard] = self._opened(shard, value, slots[0] if slots else 0)
            _take(shard, *old[shard], slots, found)
        return found, old

    def put(self, chunks: dict[ChunkKey, Any], old: Any) -> None:
        changes: dict[str, dict[int, Any]] = {}
        for (shard, slot), buf in chunks.items():
            changes.setdefault(shard, {})[slot] = buf
        values, empty = {}, []
        for shard, new in changes.items():
            kept: dict[Any, Any] = {}
            if shard in old:
                view, index = old[shard]
                rest = [slot for slot in range(len(index)) if slot not in new]
                _take(shard, view, index, rest, kept)
            stored = {slot: buf for (_, slot), buf in kept.items()}
            stored.update({slot: buf for slot, buf in new.items() if buf is not None})
            if stored:
                values[shard] = self.layout(shard).build(stored)
            else:
                empty.append(shard)
        if values:
            self.store.setitems(values)
        if empty:
            self.store.delitems(empty)
        for shard in changes:
            _indexes.forget(self._cache_name(shard))

    def present(self, values: list[str], counts: tuple[int, ...]) -> int:
        ranges = [(shard, self.layout(shard).index_range) for shard in values]
        encoded = self.store.get_partial_values(ranges) if ranges else []
        total = 0
        for shard, data in zip(values, encoded, strict=True):
            if data is None:
                continue
            layout = self.layout(shard)
            index = self._parsed(shard, 0, layout.parse_index, data)
            stored = (index[:, 0] != np.uint64(ABSENT)).reshape(layout.counts)
            # A shard keeps what lies outside of an array that has become smaller.
            firsts = map(_first_at, self._counts, self.keys.place(shard) or ())
            inside = [slice(0, max(0, n - at)) for n, at in zip(counts, firsts, strict=True)]
            total += int(stored[tuple(inside)].sum())
        return total


def _divided(length: int | Edges, by: int) -> int | Edges:
    """Return lengths of shards, counted in chunks of length `by`."""
    if isinstance(length, int):
        return length // by
    return Edges((n // by, count) for n, count in length.runs)


def _layout(sharding: Sharding, longest: int | None, counts: tuple[int, ...]) -> ShardLayout:
    shape = tuple(n * chunk for n, chunk in zip(counts, sharding.chunks, strict=True))
    return ShardLayout(replace(sharding, shape=shape), longest)


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


def _spans(entries: np.ndarray[Any, Any], slots: list[int]) -> list[_Span]:
    """Return the ranges of bytes to read for some chunks; those that lie close are read at once."""
    spans: list[_Span] = []
    for (start, length), slot in sorted(zip(entries[slots].tolist(), slots, strict=True)):
        if start == ABSENT:
            break  # so are all that follow
        stop = start + length
        if not spans or start - spans[-1].stop > _GAP:
            spans.append(_Span(start, stop, []))
        spans[-1].stop = stop
        spans[-1].chunks.append((start, stop, slot))
    return spans


def _cut(axis: Axis, counts: int | Edges, length: int) -> Iterator[tuple[int, int, Axis]]:
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


class _IndexCache:
    """The indexes of the shards read last, shared by all handles of the process."""

    LIMIT = 64 << 20

    def __init__(self) -> None:
        renew_after_fork(self)

    def _renew(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[Hashable, ShardIndex] = OrderedDict()
        self._nbytes = 0

    def get(self, name: Hashable) -> ShardIndex | None:
        with self._lock:
            index = self._kept.get(name)
            if index is not None:
                self._kept.move_to_end(name)
            return index

    def keep(self, name: Hashable, index: ShardIndex) -> None:
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


def places_of(store: BaseStore, prefix: str, meta: ArrayMeta, longest: int | None = None) -> Any:
    """Return where the chunks of an array are.

    Parameters
    ----------
    longest : int, optional
        Most bytes that an encoded chunk can have, if there is telling.
    """
    keys = KeyTable(prefix, meta)
    if meta.sharding is None:
        return Values(store, keys, meta)
    return Shards(store, keys, meta.grid, meta.sharding, longest)
