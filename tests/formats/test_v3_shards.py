"""Shards as bytes: their index, what is refused, and shards that codecs handle whole."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import zarr
from tests.checksums import crc32c
from zarr._codecs.sharding import ABSENT, ShardLayout, regions_of, slot_of
from zarr._codecs.v3_codecs import parse_codecs
from zarr._metadata.records import Sharding
from zarr.codecs import (
    BytesCodec,
    Crc32cCodec,
    GzipCodec,
    ShardingCodec,
    TransposeCodec,
    ZstdCodec,
)
from zarr.errors import ChunkDecodeError, MetadataError

LITTLE, BIG = BytesCodec("little"), BytesCodec("big")
INDEX = (LITTLE, Crc32cCodec())


def layout(counts: tuple[int, ...] = (2, 3), index: Any = INDEX, at: Any = "end") -> ShardLayout:
    steps = parse_codecs([codec.to_dict() for codec in index])
    return ShardLayout(Sharding(counts, (1,) * len(counts), steps, at))


# -- the index -----------------------------------------------------------------------------


def test_the_size_of_the_example_in_the_specification() -> None:
    assert layout((2, 2)).index_nbytes == 68


def test_a_shard_byte_by_byte() -> None:
    shard = layout((3,)).build({0: b"abc", 2: b"de"})
    index = np.array([[0, 3], [ABSENT, ABSENT], [3, 2]], "<u8").tobytes()
    assert shard == b"abcde" + index + crc32c(index).to_bytes(4, "little")


def test_a_shard_with_the_index_first() -> None:
    shard = layout((3,), [BIG], "start").build({0: b"abc", 2: b"de"})
    index = np.array([[48, 3], [ABSENT, ABSENT], [51, 2]], ">u8").tobytes()
    assert shard == index + b"abcde"


@given(data=st.data())
def test_chunks_go_there_and_back(data: st.DataObject) -> None:
    counts = data.draw(st.lists(st.integers(1, 4), max_size=3).map(tuple))
    index = data.draw(
        st.sampled_from([
            (LITTLE, Crc32cCodec()), (LITTLE,), (BIG, Crc32cCodec(), Crc32cCodec()),
            (TransposeCodec(tuple(reversed(range(len(counts) + 1)))), BIG),
        ])
    )  # fmt: skip
    shards = layout(counts, index, data.draw(st.sampled_from(["start", "end"])))
    slots = st.integers(0, shards.count - 1)
    chunks = data.draw(st.dictionaries(slots, st.binary(max_size=9)))

    shard = shards.build(chunks)

    found = shards.parse(shard)
    assert found.shape == (shards.count, 2)
    start, length = shards.index_range
    encoded = shard[start:][:length]
    assert len(encoded) == shards.index_nbytes
    assert (shards.parse_index(encoded) == found).all()
    read = {
        slot: shard[offset : offset + nbytes]
        for slot, (offset, nbytes) in enumerate(found.tolist())
        if offset != ABSENT
    }
    assert read == chunks


def test_numbers_of_chunks() -> None:
    sharding = Sharding((4, 6), (2, 2), (), "end")
    regions = list(regions_of(sharding))
    assert regions[slot_of((1, 2), sharding.counts)] == (slice(2, 4), slice(4, 6))
    assert len(regions) == 6


def test_index_codecs_must_have_a_fixed_size() -> None:
    with pytest.raises(MetadataError, match="fixed encoded size"):
        layout(index=[LITTLE, GzipCodec()])


# -- damage -----------------------------------------------------------------------------------

CHUNKS = {0: b"aaaa", 1: b"bb", 3: b"cccccc", 5: b"d"}


@given(at=st.integers(0, 99), bit=st.integers(0, 7), where=st.sampled_from(["start", "end"]))
def test_a_flip_in_a_checked_index_is_found(at: int, bit: int, where: str) -> None:
    shards = layout(at=where)
    shard = bytearray(shards.build(CHUNKS))
    first = shards.index_range[0] % len(shard)
    shard[first + at] ^= 1 << bit
    with pytest.raises(ChunkDecodeError, match=r"index of the shard.*checksum"):
        shards.parse(bytes(shard))


@given(keep=st.integers(0, 112), where=st.sampled_from(["start", "end"]))
def test_a_truncated_shard_is_found(keep: int, where: str) -> None:
    shards = layout(at=where)
    shard = shards.build(CHUNKS)
    with pytest.raises(ChunkDecodeError, match="shard"):
        shards.parse(shard[:keep])


ENTRIES = [
    ([[0, 14], [ABSENT] * 2], "outside|chunks are in"),
    ([[14, 1], [ABSENT] * 2], "chunks are in"),
    ([[2**63, 2**63], [ABSENT] * 2], "chunks are in"),
    ([[2**64 - 2, 2], [ABSENT] * 2], "chunks are in"),
    ([[1, 2**64 - 1], [ABSENT] * 2], "chunks are in"),
    ([[ABSENT, 3], [0, 1]], "chunks are in"),
    ([[0, 5], [4, 2]], "overlap"),
    ([[4, 2], [0, 5]], "overlap"),
    ([[3, 4], [3, 5]], "overlap"),
    ([[2, 6], [3, 4]], "overlap"),
]


@pytest.mark.parametrize(("entries", "message"), ENTRIES, ids=repr)
def test_entries_that_cannot_be(entries: Any, message: str) -> None:
    shards = layout((2,), [LITTLE])
    index = np.array(entries, "<u8").tobytes()
    with pytest.raises(ChunkDecodeError, match=message) as caught:
        shards.parse(b"x" * 13 + index)
    assert "(0,)" in str(caught.value) or "(1,)" in str(caught.value)


def test_equal_chunks_may_be_stored_once() -> None:
    shards = layout((4,), [LITTLE])
    entries = [[0, 3], [5, 2], [0, 3], [5, 2]]
    index = np.array(entries, "<u8").tobytes()
    assert shards.parse(b"x" * 13 + index).tolist() == entries
    assert (
        shards.build({0: b"aaa", 1: b"bb"}, {2: 0, 3: 1})
        == b"aaabb" + np.array([[0, 3], [3, 2], [0, 3], [3, 2]], "<u8").tobytes()
    )


def test_a_small_shard_does_not_take_any_time_to_decode() -> None:
    """Chunks that many slots share are hardly longer than what they decode to."""
    sharding = layout((2,), [LITTLE])
    index = np.array([[0, 9000]] * 2, "<u8").tobytes()
    assert len(sharding.parse(bytes(9000) + index)) == 2
    sharding = ShardLayout(
        Sharding((2,), (1,), parse_codecs([LITTLE.to_dict()]), "end"), 1 << 20, 8
    )
    with pytest.raises(ChunkDecodeError, match="overlap"):
        sharding.parse(bytes(9000) + index)


@pytest.mark.parametrize("compressor", [None, GzipCodec(1)])
@pytest.mark.parametrize("location", ["start", "end"])
def test_arrays_whose_equal_chunks_are_stored_once(compressor: Any, location: str) -> None:
    store = zarr.MemoryStore()
    data = np.tile(np.arange(16, dtype="i4").reshape(4, 4), (3, 6))
    data[4:8, 4:8] = 7
    z = zarr.create_array(
        store, shape=data.shape, shards=(12, 24), chunks=(4, 4), dtype="i4",
        compressors=compressor,
    )  # fmt: skip
    document = json.loads(bytes(store["zarr.json"]))
    configuration = document["codecs"][0]["configuration"]
    configuration["index_location"] = location
    store["zarr.json"] = json.dumps(document).encode()
    z = zarr.open_array(store)
    z[...] = data
    shards = z._engine.storage.layout("c/0/0")
    whole = bytes(store["c/0/0"])
    index = shards.parse(whole).tolist()
    encoded = {slot: whole[at : at + length] for slot, (at, length) in enumerate(index)}
    first = {value: slot for slot, value in reversed(encoded.items())}
    shared = {slot: first[value] for slot, value in encoded.items() if first[value] != slot}
    assert len(shared) == 16
    store["c/0/0"] = shards.build({first[value]: value for value in first}, shared)
    assert len(store["c/0/0"]) < len(whole)

    z = zarr.open_array(store)
    for at in ((0, 0), (5, 5), (11, 23), (slice(3, 9), slice(2, 22)), ...):
        assert np.array_equal(z[at], data[at])
    assert z.nchunks_initialized
    z[1, 1] = data[1, 1] = -5  # the first of those that share their bytes
    z[8:12, 20:] = data[8:12, 20:] = 3
    z[4:8, 8:12] = data[4:8, 8:12] = 0
    assert np.array_equal(zarr.open_array(store)[...], data)
    # What is not changed goes on to share its bytes.
    assert len(store["c/0/0"]) < len(whole)


def test_an_entry_in_the_index_itself() -> None:
    shards = layout((1,), [LITTLE], "start")
    with pytest.raises(ChunkDecodeError, match="chunks are in"):
        shards.parse(np.array([[8, 3]], "<u8").tobytes() + b"xxxx")


def test_unused_space_and_any_order_are_fine() -> None:
    shards = layout((3,), [LITTLE])
    entries = [[7, 2], [0, 3], [4, 0]]
    index = np.array(entries, "<u8").tobytes()
    assert shards.parse(b"x" * 12 + index).tolist() == entries


@given(entries=st.lists(st.tuples(*[st.integers(0, 2**64 - 1)] * 2), min_size=4, max_size=4))
def test_a_parsed_index_never_leaves_the_shard(entries: Any) -> None:
    shards = layout((2, 2), [LITTLE])
    shard = b"x" * 100 + np.array(entries, "<u8").tobytes()
    try:
        index = shards.parse(shard).tolist()
    except ChunkDecodeError:
        return
    assert all(offset + nbytes <= 100 for offset, nbytes in index if offset != ABSENT)


# -- shards that codecs handle whole -----------------------------------------------------------

WHOLE = {
    "checked": {
        "serializer": ShardingCodec((2, 3), [LITTLE, GzipCodec()]), "compressors": Crc32cCodec(),
    },
    "compressed": {
        "serializer": ShardingCodec((4, 1), [BIG], [BIG], "start"), "compressors": ZstdCodec(),
    },
    "transposed": {
        "filters": TransposeCodec((1, 0)), "serializer": ShardingCodec((3, 2), [LITTLE]),
        "compressors": None,
    },
    "nested": {
        "serializer": ShardingCodec(
            (2, 6), [ShardingCodec((1, 3), [TransposeCodec((1, 0)), BIG, ZstdCodec()])]
        ),
        "compressors": None,
    },
}  # fmt: skip


@pytest.mark.parametrize("options", WHOLE.values(), ids=WHOLE)
@pytest.mark.parametrize("kind", ["i4", "S3", str])
def test_shards_in_other_codecs(options: Any, kind: Any) -> None:
    z = zarr.create_array(shape=(9, 8), chunks=(4, 6), dtype=kind, **_for(kind, options))
    values = np.arange(72).reshape(9, 8)
    values = values.astype(str).astype(object) if kind is str else values.astype(kind)
    z[...] = values
    z[3:6, 2:7] = values[3:6, 2:7][::-1]
    values[3:6, 2:7] = values[3:6, 2:7][::-1].copy()
    again = zarr.open_array(z.store)
    assert (again[...] == values).all()
    assert again[8, 7] == values[8, 7]


def _for(kind: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Return `options` with the serializer that strings need."""
    if kind is not str:
        return options
    sharding = options["serializer"]

    def changed(codec: Any) -> Any:
        if isinstance(codec, ShardingCodec):
            inner = [changed(c) for c in codec.codecs]
            return ShardingCodec(codec.chunk_shape, inner, codec.index_codecs, codec.index_location)
        return zarr.codecs.VLenUTF8Codec() if isinstance(codec, BytesCodec) else codec

    return {**options, "serializer": changed(sharding)}


def test_chunks_of_fill_values_are_left_out_within_a_shard() -> None:
    z = zarr.create_array(
        shape=8, chunks=8, dtype="u1", fill_value=3,
        serializer=ShardingCodec((2,), [LITTLE], [LITTLE]), compressors=Crc32cCodec(),
    )  # fmt: skip
    z[2:4] = 1
    shard = bytes(z.store["c/0"])
    assert len(shard) == 2 + 4 * 16 + 4
    assert zarr.open_array(z.store)[...].tolist() == [3, 3, 1, 1, 3, 3, 3, 3]


def test_a_damaged_chunk_in_a_nested_shard_is_named() -> None:
    z = zarr.create_array(
        shape=4, chunks=4, dtype="u1", compressors=None, config={"write_empty_chunks": True},
        serializer=ShardingCodec((2,), [ShardingCodec((1,), [BytesCodec(), Crc32cCodec()])]),
    )  # fmt: skip
    z[...] = 7
    shard = bytearray(z.store["c/0"])
    shard[0] ^= 1
    z.store["c/0"] = bytes(shard)
    with pytest.raises(ChunkDecodeError, match="checksum") as caught:
        zarr.open_array(z.store)[...]
    assert "c/0" in str(caught.value)
    assert "inner chunk" in str(caught.value)
