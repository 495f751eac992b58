"""Shards: several encoded chunks in one value, with an index of where each of them is.

https://zarr-specs.readthedocs.io/en/latest/v3/codecs/sharding-indexed. All functions take
and return bytes and arrays; their callers read and write.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from zarr._codecs.pipeline import CodecPipeline
from zarr._codecs.v3_codecs import BINDERS, SHARDING, Bound, parse_sharding
from zarr._metadata.records import ArrayMeta, Sharding, Step
from zarr._selection.grid import LONGEST, Grid
from zarr.errors import ChunkDecodeError, MetadataError

__all__ = ["ABSENT", "ShardIndex", "ShardLayout", "WholeShards", "regions_of", "slot_of"]

ABSENT = 2**64 - 1
"""Offset and length of a chunk that is not stored."""

_SHARED = 4 << 10
_SHARED_OF_UNKNOWN = 1 << 20
"""Bytes of an encoded chunk that several slots may share: beyond twice those of a chunk, and
where these are not known. Otherwise a small file could take any time to decode."""

_ENTRY = 16
_CHECKSUM = 4
_FIXED_SIZE = ("bytes", "transpose", "crc32c", "numcodecs.crc32", "numcodecs.crc32c")


class ShardIndex(NamedTuple):
    """The index of one shard as it was read.

    Attributes
    ----------
    entries : ndarray of uint64
        Offset and length of each chunk.
    check : bytes
        What was at the shard's `check_range`. An index with another content has, but for one
        chance in four thousand millions, something else there.
    version : str, optional
        That of the shard, where the store knows it.
    """

    entries: np.ndarray[Any, Any]
    check: bytes
    version: str | None = None

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return self.entries.nbytes


class ShardLayout:
    """Where things are in shards of one shape. Immutable.

    Parameters
    ----------
    sharding : Sharding
    longest : int, optional
        Most bytes that an encoded chunk can have, if there is telling.
    chunk_nbytes : int, optional
        Bytes of a decoded chunk, if they are always as many.

    Attributes
    ----------
    counts : tuple of int
        Number of chunks along each dimension of a shard.
    count : int
        Number of chunks in a shard, present or not.
    index_nbytes : int
        Bytes of an encoded index: the same for every shard.
    index_range : (start, length)
        The bytes of a shard in which its index is, as stores take it: a negative start
        counts from the end.
    check_range : (start, length)
        The part of it that differs where indexes differ: the checksum, if there is one.
    signature : Hashable
        Equal for layouts that understand an index alike.

    Raises
    ------
    MetadataError
        If the size of an encoded index depends on what is in it.
    """

    def __init__(
        self, sharding: Sharding, longest: int | None = None, chunk_nbytes: int | None = None
    ) -> None:
        for step in sharding.index_steps:
            if step.name not in _FIXED_SIZE:
                raise MetadataError(f"index codec {step.name!r} has no fixed encoded size")
        self.counts = sharding.counts
        self.count = math.prod(self.counts)
        shape = (*self.counts, 2)
        steps = sharding.index_steps
        self._meta = ArrayMeta(shape, np.dtype("u8"), Grid(shape), steps=steps)
        self._pipeline = CodecPipeline(self._meta)
        checksums = sum(step.role == "compressor" for step in steps)
        self.index_nbytes = _ENTRY * self.count + _CHECKSUM * checksums
        self._at_start = sharding.index_location == "start"
        self.index_range = (0 if self._at_start else -self.index_nbytes, self.index_nbytes)
        self._longest = ABSENT if longest is None else longest
        self._shared = _SHARED_OF_UNKNOWN if chunk_nbytes is None else 2 * chunk_nbytes + _SHARED
        self.check_range = self.index_range
        if steps[-1].name == "crc32c":
            end = self.index_nbytes if self._at_start else 0
            self.check_range = (end - _CHECKSUM, _CHECKSUM)
        self.signature = (self.counts, self._at_start, str([step.config for step in steps]))

    def check_of(self, index: Any) -> bytes:
        """Return what of an encoded index lies in `check_range`."""
        return bytes(index[-self.check_range[1] :])

    def parse_index(self, data: Any, shard_nbytes: int | None = None) -> np.ndarray[Any, Any]:
        """Return offset and length of each chunk in a shard, in C order of the chunks.

        Parameters
        ----------
        data : buffer
            The encoded index.
        shard_nbytes : int, optional
            Bytes of the whole shard, if known.

        Returns
        -------
        ndarray of uint64
            Of shape (count, 2), in bytes; both are `ABSENT` where there is no chunk.

        Raises
        ------
        ChunkDecodeError
            If a checksum is wrong, or chunks overlap in part or do not lie within the shard.
        """
        index = self.decode_index(data)
        self.check_index(index, shard_nbytes)
        return index

    def decode_index(self, data: Any) -> np.ndarray[Any, Any]:
        """Return what :meth:`parse_index` does, without a look at where the chunks are."""
        if len(data) != self.index_nbytes:
            raise ChunkDecodeError(
                f"the index of the shard has {len(data)} bytes, expected {self.index_nbytes}"
            )
        try:
            return np.ascontiguousarray(self._pipeline.decode(data), "u8").reshape(-1, 2)
        except ChunkDecodeError as error:
            raise ChunkDecodeError(f"the index of the shard {error.reason}") from error

    def check_index(self, index: np.ndarray[Any, Any], shard_nbytes: int | None) -> None:
        """Raise `ChunkDecodeError` unless all chunks lie in the shard, each in its own place.

        Some writers store equal chunks once: these share one place.
        """
        absent = index == np.uint64(ABSENT)
        present = np.flatnonzero(~absent.all(axis=1))
        offsets, lengths = index[present].T
        low = self.index_nbytes if self._at_start else 0
        high = LONGEST if shard_nbytes is None else shard_nbytes
        if shard_nbytes is not None and not self._at_start:
            high = max(high - self.index_nbytes, 0)
        bad = (offsets < np.uint64(low)) | (offsets > np.uint64(high))
        bad |= (lengths > np.uint64(high) - offsets) | absent[present].any(axis=1)
        if bad.any():
            at = int(np.argmax(bad))
            raise ChunkDecodeError(
                f"inner chunk {self._place(present[at])} of the shard has {int(lengths[at])} bytes "
                f"from byte {int(offsets[at])}, but chunks are in the bytes {low} to {high}"
            )
        long = lengths > np.uint64(self._longest)
        if long.any():
            at = int(np.argmax(long))
            raise ChunkDecodeError(
                f"inner chunk {self._place(present[at])} of the shard has {int(lengths[at])} "
                f"bytes, but no encoded chunk of this array has more than {self._longest}"
            )
        order = np.lexsort((lengths, offsets))
        order = order[lengths[order] > 0]
        begins, sizes = offsets[order], lengths[order]
        overlap = (begins + sizes)[:-1] > begins[1:]
        same = overlap & (begins[:-1] == begins[1:]) & (sizes[:-1] == sizes[1:])
        overlap &= ~same | (sizes[1:] > np.uint64(self._shared))
        if overlap.any():
            at = int(np.argmax(overlap))
            one, other = self._place(present[order[at]]), self._place(present[order[at + 1]])
            raise ChunkDecodeError(f"inner chunks {one} and {other} of the shard overlap")

    def _place(self, slot: Any) -> tuple[int, ...]:
        return tuple(map(int, np.unravel_index(int(slot), self.counts))) if self.counts else ()

    def parse(self, shard: Any) -> np.ndarray[Any, Any]:
        """Return what :meth:`parse_index` does, from a whole shard."""
        data = memoryview(shard).cast("B")
        return self.parse_index(self.encoded_index(data), len(data))

    def encoded_index(self, shard: memoryview) -> memoryview:
        """Return the part of a whole shard in which its index is."""
        if len(shard) < self.index_nbytes:
            raise ChunkDecodeError(f"{len(shard)} bytes are too few for the index of a shard")
        return shard[: self.index_nbytes] if self._at_start else shard[-self.index_nbytes :]

    @property
    def is_checked(self) -> bool:
        """Whether the last four bytes of an index are the CRC-32C of all before them."""
        return [step.name for step in self._meta.steps[1:]] == ["crc32c"]

    def unchecked_index(self, data: Any) -> np.ndarray[Any, Any]:
        """Return what the encoded index `data` says, whether or not its checksum is right."""
        from zarr._codecs.pipeline import CodecPipeline

        steps = tuple(step for step in self._meta.steps if step.role != "compressor")
        pipeline = CodecPipeline(replace(self._meta, steps=steps))
        index = pipeline.decode(memoryview(data)[: _ENTRY * self.count])
        return np.ascontiguousarray(index, "u8").reshape(-1, 2)

    def build(self, chunks: Mapping[int, Any], same: Mapping[int, int] | None = None) -> bytes:
        """Return a shard of encoded chunks.

        Parameters
        ----------
        chunks : Mapping of int to buffer
            Encoded chunks by their number in the shard, in C order; those left out are not
            stored.
        same : Mapping of int to int, optional
            Numbers of further chunks, and of those in `chunks` that they are equal to, and
            stored with.
        """
        index = np.full((self.count, 2), ABSENT, "u8")
        slots = sorted(chunks)
        parts = [_octets(chunks[slot]) for slot in slots]
        if slots:
            lengths = np.array([len(part) for part in parts], "u8")
            begin = np.uint64(self.index_nbytes if self._at_start else 0)
            index[slots, 0] = np.cumsum(lengths, dtype="u8") - lengths + begin
            index[slots, 1] = lengths
        if same:
            index[[*same]] = index[[*same.values()]]
        stored = index.reshape(self._pipeline.shape).astype(self._pipeline.dtype, copy=False)
        encoded = self._pipeline.encode(stored)
        return b"".join([encoded, *parts] if self._at_start else [*parts, encoded])


def _octets(data: Any) -> Any:
    return data if isinstance(data, bytes) else memoryview(data).cast("B")


def slot_of(place: tuple[int, ...], counts: tuple[int, ...]) -> int:
    """Return the number, in C order, of the chunk at `place` in a shard of `counts` chunks."""
    slot = 0
    for at, count in zip(place, counts, strict=True):
        slot = slot * count + at
    return slot


def regions_of(sharding: Sharding) -> Iterator[tuple[slice, ...]]:
    """Yield the part of a shard that each chunk in it covers, in C order."""
    for place in product(*map(range, sharding.counts)):
        yield tuple(
            slice(at * n, (at + 1) * n) for at, n in zip(place, sharding.chunks, strict=True)
        )


class WholeShards:
    """The step 'sharding_indexed' as a codec of whole shards.

    This is for shards within shards, and for those that other codecs encode again;
    the chunks in a shard that is a stored value are fetched one by one by the engine.

    Parameters
    ----------
    step : Step
    dtype : numpy.dtype
    shape : tuple of int
        Shape of a shard.
    fill_value : scalar
        Value of the items of absent chunks.
    """

    codec_id = "sharding_indexed"

    def __init__(
        self, step: Step, dtype: np.dtype[Any], shape: tuple[int, ...], fill_value: Any
    ) -> None:
        self.sharding, steps = parse_sharding(step, shape)
        size = None if dtype.hasobject else math.prod(self.sharding.chunks) * dtype.itemsize
        self.layout = ShardLayout(self.sharding, chunk_nbytes=size)
        self.dtype, self.fill_value = dtype, fill_value
        self._chunks = _pipeline(self.sharding, steps, dtype, fill_value)
        longest = self._chunks.encoded_limit
        self.encoded_nbytes = (
            None if longest is None else self.layout.index_nbytes + self.layout.count * longest
        )
        self._fill = np.zeros((), dtype)
        if fill_value is not None:
            self._fill[()] = fill_value

    def encode(self, buf: Any) -> Any:
        shard = np.asarray(buf).reshape(self.sharding.shape)
        chunks = {}
        for slot, region in enumerate(regions_of(self.sharding)):
            chunk = np.ascontiguousarray(shard[region], self._chunks.dtype)
            if self.fill_value is None or not self._is_fill(chunk):
                chunks[slot] = self._chunks.encode(chunk)
        return self.layout.build(chunks)

    def _is_fill(self, chunk: np.ndarray[Any, Any]) -> bool:
        fill = np.broadcast_to(self._fill.astype(chunk.dtype), chunk.shape)
        if chunk.dtype.hasobject:
            return bool((chunk == fill).all())
        return bool(chunk.tobytes() == fill.tobytes())

    def decode(self, buf: Any) -> Any:
        data = memoryview(buf).cast("B")
        index = self.layout.parse(data)
        shard = np.empty(self.sharding.shape, self.dtype)
        regions = regions_of(self.sharding)
        for slot, (region, (offset, length)) in enumerate(
            zip(regions, index.tolist(), strict=True)
        ):
            if offset == ABSENT:
                shard[region] = self._fill
                continue
            try:
                shard[region] = self._chunks.decode(data[offset : offset + length])
            except ChunkDecodeError as error:
                raise ChunkDecodeError(f"inner chunk {slot} of the shard {error.reason}") from error
        return shard


def _pipeline(
    sharding: Sharding, steps: tuple[Step, ...], dtype: np.dtype[Any], fill_value: Any
) -> CodecPipeline:
    chunks = sharding.chunks
    return CodecPipeline(ArrayMeta(chunks, dtype, Grid(chunks), fill_value, steps=steps))


def _bind(step: Step, before: Bound) -> Bound:
    codec = WholeShards(step, before.dtype, before.shape, before.fill_value)
    return Bound(codec, np.dtype("u1"), before.shape, None)


BINDERS[SHARDING] = _bind
