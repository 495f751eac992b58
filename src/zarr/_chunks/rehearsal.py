"""A read that is rehearsed: everything is done as it will be, but for fetching and decoding.

The code that reads runs as it is, on a store that notes what it is asked for and answers with
placeholders, and into an array that takes no memory.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from zarr._chunks.access import count_chunks_of
from zarr._chunks.assignment import Fields, checked_fields, fields_dtype
from zarr._chunks.engine import Engine
from zarr._chunks.explanation import Explanation, Request, advice_on
from zarr._chunks.partial_reads import Layout, Ranges, StoredBytes, usual_head
from zarr._chunks.plan import Plan, Points, Run
from zarr._chunks.reading import Reading
from zarr._chunks.shard_indexes import shard_indexes
from zarr._chunks.shards import ShardedChunks
from zarr._codecs.blocks import HEADER
from zarr._codecs.pipeline import ByteRanges, CodecPipeline, DecodedParts
from zarr._codecs.sharding import ShardIndex
from zarr._selection.axes import Axis
from zarr._selection.indexers import BasicIndexer, Indexer
from zarr._selection.points import MaskIndexer
from zarr.storage.base import BaseStore, Buffer, ByteRange

__all__ = ["Rehearsal"]


class Placeholder:
    """Stands for bytes that are not read.

    Attributes
    ----------
    nbytes : int
        How many there are, -1 if unknown.
    """

    def __init__(self, nbytes: int) -> None:
        self.nbytes = nbytes

    def __len__(self) -> int:
        return max(self.nbytes, 0)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Placeholder)

    __hash__ = None  # type: ignore[assignment]

    def __getitem__(self, part: slice) -> Placeholder:
        return Placeholder(part.stop - part.start)


class StandIn:
    """What stands for a store: it notes what would be read of it, and reads nothing.

    Parameters
    ----------
    store : BaseStore
        The other store.
    sizes : mapping of str to int, optional
        The sizes of all its values that matter; None if they are not known, and assumed to exist.

    Attributes
    ----------
    requests : list of Request
        What was read.
    chunks, found : int
        How many chunks were asked for, and how many of them exist.
    heads : dict of str to bytes-like
        First bytes of Blosc chunks, which were read.
    """

    def __init__(self, store: BaseStore, sizes: Mapping[str, int] | None) -> None:
        self.real = store
        self.sizes = sizes
        self.requests: list[Request] = []
        self.chunks = self.found = 0
        self.heads: dict[str, Any] = {}
        self.threads = store.threads
        self.whole_reads = store.whole_reads
        self.location = store.location
        self.address = store.address

    def note(
        self,
        verb: str,
        keys: Iterable[str],
        ranges: Sequence[ByteRange] | None = None,
        nbytes: int | None = None,
    ) -> None:
        plain: Any = None if ranges is None else tuple(ranges)
        self.requests.append(Request(verb, tuple(keys), plain, nbytes))

    def getitems(self, keys: Sequence[str]) -> dict[str, Buffer]:
        sizes = self.sizes
        if sizes is None:
            self.note("getitems", keys)
            return {key: Placeholder(-1) for key in keys}
        found = {key: Placeholder(sizes[key]) for key in keys if key in sizes}
        self.note("getitems", keys, nbytes=_total(found.values()))
        return dict(found)

    def keys_if_few(self, path: str, most: int) -> list[str] | None:
        self.note("keys_if_few", (), nbytes=0)
        return self.real.keys_if_few(path, most)

    def get_partial_values(self, ranges: Sequence[tuple[str, ByteRange]]) -> list[Buffer | None]:
        return self._take("get_partial_values", ranges)

    def get_versioned_values(
        self, ranges: Sequence[tuple[str, ByteRange]]
    ) -> tuple[list[Buffer | None], dict[str, str]]:
        return self._take("get_versioned_values", ranges), {}

    def _take(self, verb: str, ranges: Sequence[tuple[str, ByteRange]]) -> list[Buffer | None]:
        values = [self._part(key, start, length or 0) for key, (start, length) in ranges]
        nbytes = None if self.sizes is None else _total(v for v in values if v is not None)
        self.note(verb, [key for key, _ in ranges], [part for _, part in ranges], nbytes)
        return values

    def _part(self, key: str, start: int, length: int) -> Buffer | None:
        head = self.heads.get(key)
        if head is not None and (start, length) == (0, len(head)):
            return head
        if self.sizes is None:
            return Placeholder(length)
        if key not in self.sizes:
            return None
        size = self.sizes[key]
        return Placeholder(min(length, max(0, size - start)) if start >= 0 else min(length, -start))


def _total(values: Iterable[Any]) -> int | None:
    """Return the bytes of all values, None if those of one are unknown."""
    sizes = [value.nbytes if type(value) is Placeholder else len(value) for value in values]
    return None if -1 in sizes else sum(sizes)


class _KnownIndexes:
    """The indexes of shards that would be in memory; those that are stay as they are."""

    def __init__(self) -> None:
        self._kept: dict[Any, ShardIndex] = {}

    def get(self, name: Any) -> ShardIndex | None:
        return self._kept.get(name) or shard_indexes.get(name)

    def keep(self, name: Any, index: ShardIndex) -> None:
        self._kept[name] = index


class _Shards(ShardedChunks):
    """Chunks in shards of which at most the indexes are read."""

    def __init__(self, shards: ShardedChunks, store: StandIn, chunk_nbytes: int) -> None:
        self.__dict__.update(shards.__dict__)
        self.store: Any = store
        self.indexes: Any = _KnownIndexes()
        self._real = shards
        self._chunk_nbytes = chunk_nbytes

    def _read_indexes(
        self, shards: list[str], wanted: Mapping[str, list[int]]
    ) -> dict[str, ShardIndex]:
        self.store.get_versioned_values([(s, self.layout(s).index_range) for s in shards])
        return self._look_up(shards, wanted)

    def _look_up(self, shards: list[str], wanted: Mapping[str, list[int]]) -> dict[str, ShardIndex]:
        if self.store.sizes is not None:
            return self._real._read_indexes(shards, wanted)
        return {shard: self._guess(shard) for shard in shards}

    def _guess(self, shard: str) -> ShardIndex:
        """Return an index of chunks that all exist and lie one after the other."""
        count = self.layout(shard).count
        lengths = np.full(count, self._chunk_nbytes, "u8")
        return ShardIndex(np.stack([np.arange(count, dtype="u8") * lengths, lengths], 1), b"", None)

    def _opened(self, shard: str, value: Any, slot: int) -> tuple[Any, Any]:
        index = self.indexes.get(self._cache_name(shard))
        if index is None:
            index = self._look_up([shard], {shard: [slot]})[shard]
        return value, index.entries.tolist()

    def _view(self, value: Any) -> Any:
        return value

    def _is_current(self, *_: Any) -> bool:
        return True


class _Ranges(Ranges):
    """Parts of chunks, of which at most the headers of Blosc chunks are read."""

    def __init__(self, store: StandIn, pipeline: CodecPipeline) -> None:
        super().__init__(store, pipeline)  # type: ignore[arg-type]
        self.store: Any = store

    def fetch(self, wanted: Iterable[tuple[str, ByteRanges]]) -> dict[str, Any]:
        chunks = list(wanted)
        found = super().fetch(chunks)
        self.store.chunks += len(chunks)
        self.store.found += len(found)
        return found

    def _heads(self, keys: Iterable[str]) -> dict[str, Any]:
        if self.store.sizes is not None:
            return super()._heads(keys)
        return self._first_bytes(dict.fromkeys(keys, usual_head(self.nbytes)))

    def _first_bytes(self, counts: Mapping[str, int]) -> dict[str, Any]:
        found = super()._first_bytes(counts)
        if self.store.sizes is None:
            return found
        wanted = [(key, (0, counts[key])) for key in found]
        values = self.store.real.get_partial_values(wanted)
        heads = {key: v for (key, _), v in zip(wanted, values, strict=True) if v is not None}
        self.store.heads.update(heads)
        return heads

    def _layout(self, head: Any, spans: ByteRanges) -> Layout | None:
        if self.store.sizes is not None:
            return super()._layout(head, spans)
        return StoredBytes(spans, HEADER)

    def _parts(self, layout: Layout, buffers: Sequence[Any]) -> DecodedParts:
        return DecodedParts((low, high, None) for low, high in layout.decoded)


class Rehearsal(Reading):
    """Reads of an array that are only rehearsed, one at a time.

    Parameters
    ----------
    engine : Engine
        Of the array.
    sizes : mapping of str to int, optional
        The sizes of all stored values of the array; None if they are not known. Where they are,
        indexes of shards and headers of chunks are read, too.
    """

    def __init__(self, engine: Engine, sizes: Mapping[str, int] | None) -> None:
        self.__dict__.update(engine.__dict__)
        self.__dict__.pop("_fetch", None)  # of an engine without a cache
        self._engine = engine
        self._missing = "fill"
        self._decoded_bytes = 0
        self._selected: tuple[Indexer, int] = Indexer(), 0
        self._stand_in = StandIn(engine.store, sizes)
        self.store: Any = self._stand_in
        self.storage = self._storage_in(self._stand_in)
        if engine._cache is not None:
            self._cache = engine._cache.copied()
        if engine._ranges is not None:
            self._ranges = _Ranges(self._stand_in, self.pipeline)

    def _storage_in(self, store: StandIn) -> Any:
        storage = self._engine.storage
        if isinstance(storage, ShardedChunks):
            return _Shards(storage, store, self.pipeline.nbytes)
        chunks: Any = copy.copy(storage)
        chunks.store = store
        return chunks

    # -- what is done --------------------------------------------------------------------

    def get(self, indexer: Indexer, out: Any, fields: Fields, selection: Any) -> None:
        """Rehearse what the method `_get` of an array does."""
        dtype = self.pipeline.dtype
        if fields is not None and (fields := checked_fields(fields)) is not None:
            dtype = fields_dtype(dtype, fields)
        self._selected = indexer, math.prod(indexer.shape) * dtype.itemsize
        self.read(indexer, _no_memory(indexer.kept_shape, dtype), fields)

    def read_item(self, place: tuple[int, ...]) -> None:
        end = tuple([at + 1 for at in place])
        self._selected = BasicIndexer(place, end, self.grid.chunks), self.pipeline.dtype.itemsize
        super().read_item(place)

    def explanation(self) -> Explanation:
        """Return what has been rehearsed."""
        indexer, selected = self._selected
        seen = self._stand_in
        known = seen.sizes is not None
        amplification = self._decoded_bytes / max(selected, 1)
        return Explanation(
            shape=indexer.shape,
            chunks=seen.chunks,
            absent=seen.chunks - seen.found if known else None,
            requests=tuple(seen.requests),
            selected_bytes=selected,
            decoded_bytes=self._decoded_bytes,
            exact=known or not seen.requests,
            advice=tuple(advice_on(self._engine, indexer, seen.chunks, amplification)),
        )

    # -- what is done otherwise than when reading ----------------------------------------

    @staticmethod
    def _run(work: Callable[[Any], None], windows: Iterable[Any], _: int) -> None:
        for window in windows:
            work(window)

    def _fetch(self, keys: Sequence[Any]) -> Mapping[Any, Any]:
        found = self.storage.fetch(keys) if self._cache is None else super()._fetch(keys)
        self._stand_in.chunks += len(keys)
        self._stand_in.found += len(found)
        return found

    def _stored_part(self, axes: Sequence[Axis]) -> Sequence[Axis]:
        part = super()._stored_part(axes)
        self._stand_in.chunks += count_chunks_of(axes) - count_chunks_of(part)
        return part

    def _fill_in(self, out: Any, fields: Any) -> None:
        pass

    def _check_absent(self, keys: Sequence[Any], found: Any) -> None:
        self._stand_in.note("__contains__", [self._document[1]], nbytes=0)

    def _decode_to_keep(self, key: Any, buf: Any) -> Any:
        self._decoded_bytes += self.pipeline.nbytes
        return Placeholder(self.pipeline.nbytes)

    def _count(
        self, pipeline: CodecPipeline, keys: Iterable[Any], found: Mapping[Any, Any]
    ) -> None:
        """Count what is decoded of chunks, unless it was when they were fetched."""
        if self._cache is not None:
            return
        for key in keys:
            buf = found.get(key)
            if type(buf) is DecodedParts:
                self._decoded_bytes += sum(high - low for low, high, _ in buf)
            elif buf is not None:
                self._decoded_bytes += pipeline.nbytes

    def _decode_part(self, pipeline: CodecPipeline, buf: Any, parts: Sequence[Any]) -> Any:
        self._count(pipeline, [0], {0: buf})
        return _no_memory(pipeline.shape, pipeline.dtype)

    def _read_chunk(
        self, pipeline: CodecPipeline, found: Mapping[Any, Any], key: Any, *_: Any
    ) -> None:
        self._count(pipeline, [key], found)

    def _read_run(self, plan: Plan, run: Run, found: Mapping[Any, Any], *_: Any) -> None:
        self._count(plan.pipeline, run.keys, found)

    def _decode_flat(self, points: Points, run: range, found: Mapping[Any, Any]) -> Any:
        pipeline = points.pipeline(run.start)
        self._count(pipeline, points.keys[run.start : run.stop], found)
        return _no_memory((len(run) * pipeline.items,), pipeline.dtype)

    def _read_reordered(self, indexer: Indexer, out: Any, fields: Any) -> None:
        self._read_box(indexer.axes or [], out, fields)

    def _read_mask(self, indexer: MaskIndexer, out: Any, fields: Any) -> None:
        for _, box, only in self._bands(indexer):
            self._read_box(box.axes or [], out, fields, only)


def _no_memory(shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """Return an array in which all elements are one, which can be written."""
    return np.lib.stride_tricks.as_strided(np.zeros(1, dtype), shape, (0,) * len(shape))
