"""With ``partial_decompress=True`` only the bytes of a chunk that are needed are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import zarr
from tests.properties import selections as sel
from zarr.errors import ChunkDecodeError

MIB = 1 << 20


class CountingStore(zarr.DirectoryStore):
    """A store that counts the bytes that are read, by how they are asked for."""

    def __init__(self, path: Any) -> None:
        super().__init__(path)
        self.read: Counter[str] = Counter()

    def getitems(self, keys: Sequence[str]) -> dict[str, Any]:
        found = super().getitems(keys)
        self.read["calls"] += 1
        self.read["whole"] += sum(map(len, found.values()))
        return found

    def get_partial_values(self, ranges: Any) -> list[Any]:
        values = super().get_partial_values(ranges)
        self.read["calls"] += 1
        self.read["ranges"] += sum(len(value) for value in values if value is not None)
        return values


def smooth(shape: tuple[int, ...], dtype: str = "f8") -> np.ndarray[Any, Any]:
    """Data that compress, no two rows the same."""
    return np.sqrt(np.arange(np.prod(shape))).reshape(shape).astype(dtype)


def stored(path: Path, data: np.ndarray[Any, Any], **options: Any) -> tuple[Any, CountingStore]:
    """Store `data`; return the array, opened for partial reads, and its store."""
    store = CountingStore(path)
    zarr.array(data, store=store, overwrite=True, **options)
    array = zarr.open_array(store, mode="r", partial_decompress=True)
    store.read.clear()
    return array, store


# -- bytes -------------------------------------------------------------------------------


@pytest.mark.parametrize("cname", ["lz4", "zstd", "blosclz", "zlib", "lz4hc"])
def test_one_item_of_a_blosc_chunk_takes_its_header_and_one_block(
    cname: str, tmp_path: Path
) -> None:
    data = smooth((MIB // 2,))  # 4 MiB
    compressor = numcodecs.Blosc(cname, blocksize=1 << 15)
    z, store = stored(tmp_path, data, chunks=data.shape, compressor=compressor)
    chunk = (tmp_path / "0").read_bytes()
    assert z[300_000] == data[300_000]
    nbytes, blocksize = np.frombuffer(chunk, "<i4", 2, 4).tolist()
    starts = np.frombuffer(chunk, "<i4", nbytes // blocksize, 16).tolist()
    begin = starts[300_000 * 8 // blocksize]
    block = min(end for end in (*starts, len(chunk)) if end > begin) - begin
    head = 16 + 4 * 128  # the header and a table for blocks of 32 KiB, read before and after
    assert store.read == {"calls": 2, "ranges": 2 * head + block}
    assert 10 * store.read["ranges"] < len(chunk)


def test_one_item_of_a_chunk_with_the_default_compressor(tmp_path: Path) -> None:
    data = smooth((MIB // 2,))
    z, store = stored(tmp_path, data, chunks=data.shape)
    assert z[300_000] == data[300_000]
    assert store.read["whole"] == 0
    assert 4 * store.read["ranges"] < len((tmp_path / "0").read_bytes())


def test_one_item_of_a_raw_chunk_takes_its_bytes(tmp_path: Path) -> None:
    data = smooth((1024, 512))
    z, store = stored(tmp_path, data, chunks=data.shape, compressor=None)
    assert z[700, 11] == data[700, 11]
    assert store.read == {"calls": 1, "ranges": 8}
    store.read.clear()
    assert_array_equal(z[700], data[700])
    assert store.read == {"calls": 1, "ranges": 512 * 8}


def test_a_chunk_that_blosc_could_not_compress_is_like_a_raw_one(tmp_path: Path) -> None:
    data = np.random.default_rng(0).integers(0, 256, 4 * MIB, "u1")
    z, store = stored(tmp_path, data, chunks=data.shape)
    assert z[3_000_000] == data[3_000_000]
    assert store.read == {"calls": 2, "ranges": 2 * (16 + 4 * 128) + 1}


def test_many_chunks_take_two_calls(tmp_path: Path) -> None:
    data = smooth((16, 65_536))
    compressor = numcodecs.Blosc(blocksize=1 << 14)
    z, store = stored(tmp_path, data, chunks=(1, 65_536), compressor=compressor)
    assert_array_equal(z[:, 100:200], data[:, 100:200])
    assert store.read["calls"] < 16  # two for each window of work
    assert store.read["whole"] == 0


def test_without_it_chunks_are_read_whole(tmp_path: Path) -> None:
    data = smooth((MIB // 2,))
    for compressor in (None, numcodecs.Blosc()):
        _, store = stored(tmp_path, data, chunks=data.shape, compressor=compressor)
        z = zarr.open_array(store, mode="r")
        store.read.clear()
        assert z[300_000] == data[300_000]
        assert_array_equal(z[:10], data[:10])
        assert store.read == {"calls": 2, "whole": 2 * len((tmp_path / "0").read_bytes())}


def test_what_is_wanted_in_large_part_is_read_whole(tmp_path: Path) -> None:
    data = smooth((MIB // 2,))
    z, store = stored(tmp_path, data, chunks=data.shape)
    assert_array_equal(z[10:-10], data[10:-10])
    assert store.read["calls"] == 1
    assert store.read["ranges"] == 0


@pytest.mark.parametrize(
    "options",
    [
        {"compressor": numcodecs.Zstd()},
        {"filters": [numcodecs.Delta("f8")]},
        {"filters": [numcodecs.Delta("f8")], "compressor": None},
        {"chunks": 1000},
    ],
    ids=["other codec", "filter", "filter, raw", "small chunks"],
)
def test_what_cannot_be_divided_is_read_whole(options: dict[str, Any], tmp_path: Path) -> None:
    data = smooth((MIB // 2,))
    z, store = stored(tmp_path, data, **{"chunks": data.shape, **options})
    assert z[300_000] == data[300_000]
    assert store.read["ranges"] == 0


def test_stores_that_cannot_read_ranges_are_read_as_ever() -> None:
    data = smooth((MIB // 8,))
    store = zarr.MemoryStore()
    zarr.array(data, store=store, chunks=data.shape)
    z = zarr.open_array(store, mode="r", partial_decompress=True)
    assert_array_equal(z[100:200], data[100:200])


# -- values ------------------------------------------------------------------------------

COMPRESSORS = {
    "raw": None,
    "default": numcodecs.Blosc(),
    "small blocks": numcodecs.Blosc("zstd", blocksize=4096, shuffle=numcodecs.Blosc.NOSHUFFLE),
    "bits": numcodecs.Blosc("lz4", blocksize=10_000, shuffle=numcodecs.Blosc.BITSHUFFLE),
    "one block": numcodecs.Blosc("lz4", blocksize=1 << 22),
}
SHAPE, CHUNKS = (90, 70, 50), (60, 50, 40)


@cache
def pair(name: str, order: str, folder: Path) -> tuple[Any, CountingStore, np.ndarray[Any, Any]]:
    """Return an array in which some chunks are missing, its store, and what is in it."""
    data = smooth(SHAPE, "i4")
    data[60:, :50, 40:] = 7
    path = folder / f"partial {name} {order}"
    options = {"chunks": CHUNKS, "compressor": COMPRESSORS[name], "order": order}
    z, store = stored(path, data, fill_value=7, **options)
    (path / "1.0.1").unlink()
    return z, store, data


@pytest.mark.parametrize("order", ["C", "F"])
@given(name=st.sampled_from([*COMPRESSORS]), drawn=st.data())
def test_any_selection_reads_what_numpy_has(
    order: str, name: str, scratch: Path, drawn: st.DataObject
) -> None:
    z, _, data = pair(name, order, scratch)
    basic = drawn.draw(sel.basic(SHAPE))
    assert_array_equal(z.get_basic_selection(basic), data[basic])
    outer = drawn.draw(sel.orthogonal(SHAPE))
    index, shape = sel.outer(outer, SHAPE)
    expected = data[index]
    assert_array_equal(
        z.get_orthogonal_selection(outer), expected if shape is None else expected.reshape(shape)
    )
    points = drawn.draw(sel.coordinates(SHAPE))
    index = points if isinstance(points, tuple) else (points,)
    assert_array_equal(z.get_coordinate_selection(points), data[index])
    place = tuple(drawn.draw(st.tuples(*[st.integers(0, n - 1) for n in SHAPE])))
    assert z[place] == data[place]


def test_a_mask_reads_points(tmp_path: Path) -> None:
    data = smooth(SHAPE, "i4")
    z, store = stored(tmp_path, data, chunks=CHUNKS, compressor=COMPRESSORS["small blocks"])
    mask = np.zeros(SHAPE, bool)
    mask[10, 20, 5:9] = mask[80, 1, 1] = True
    assert_array_equal(z.get_mask_selection(mask), data[mask])
    assert store.read["whole"] == 0


def test_records_and_fields(tmp_path: Path) -> None:
    data = np.zeros(50_000, [("a", "i4"), ("b", "f8")])
    data["a"], data["b"] = np.arange(50_000), np.sqrt(np.arange(50_000))
    compressor = numcodecs.Blosc(blocksize=1 << 12)
    z, store = stored(tmp_path, data, chunks=50_000, compressor=compressor)
    assert_array_equal(z[100:200], data[100:200])
    assert_array_equal(z["b", 100:200], data["b"][100:200])
    assert z[77] == data[77]
    assert store.read["whole"] == 0


def test_writing_is_as_ever(tmp_path: Path) -> None:
    data = smooth((MIB // 8,))
    stored(tmp_path, data, chunks=data.shape)
    z = zarr.open_array(str(tmp_path), mode="r+", partial_decompress=True)
    z[100:200] = data[100:200] = -1
    assert_array_equal(z[50:150], data[50:150])
    assert_array_equal(zarr.open_array(str(tmp_path))[:], data)


# -- chunks that are not as they should be -------------------------------------------------


def test_a_chunk_that_is_written_meanwhile_is_read_whole(tmp_path: Path) -> None:
    old, new = smooth((MIB // 8,)), smooth((MIB // 8,)) + 1

    class Rewritten(CountingStore):
        def get_partial_values(self, ranges: Any) -> list[Any]:
            values = super().get_partial_values(ranges)
            if self.read["calls"] == 1:  # after the header, before the blocks
                zarr.open_array(str(tmp_path), mode="r+")[:] = new
            return values

    compressor = numcodecs.Blosc(blocksize=1 << 14)
    stored(tmp_path, old, chunks=old.shape, compressor=compressor)
    store = Rewritten(tmp_path)
    z = zarr.open_array(store, mode="r", partial_decompress=True)
    store.read.clear()
    assert_array_equal(z[1000:1100], new[1000:1100])


def test_a_chunk_that_is_deleted_meanwhile_is_missing(tmp_path: Path) -> None:
    class Deleted(CountingStore):
        def get_partial_values(self, ranges: Any) -> list[Any]:
            values = super().get_partial_values(ranges)
            (tmp_path / "0").unlink(missing_ok=True)
            return values

    data = smooth((MIB // 8,))
    stored(tmp_path, data, chunks=data.shape, fill_value=-5)
    z = zarr.open_array(Deleted(tmp_path), mode="r", partial_decompress=True)
    assert_array_equal(z[1000:1010], [-5] * 10)


@pytest.mark.parametrize("compressor", [None, numcodecs.Blosc(blocksize=1 << 14)], ids=str)
def test_a_truncated_chunk_raises_with_its_key(compressor: Any, tmp_path: Path) -> None:
    data = smooth((2, MIB // 8))
    z, _ = stored(tmp_path, data, chunks=(1, MIB // 8), compressor=compressor)
    chunk = tmp_path / "1.0"
    chunk.write_bytes(chunk.read_bytes()[:-10_000])
    with pytest.raises(ChunkDecodeError, match=r"1\.0"):
        z[1, -1]
    with pytest.raises(ChunkDecodeError, match=r"1\.0"):
        z[:, -5:]
    for length in (0, 3, 20):
        chunk.write_bytes(chunk.read_bytes()[:length])
        with pytest.raises(ChunkDecodeError, match=r"1\.0"):
            z[1, 5]


@given(
    at=st.integers(0, 16 + 4 * 16 - 1),
    value=st.integers(0, 255),
    width=st.integers(1, 8),
    place=st.integers(0, MIB // 32 - 1),
)
def test_a_spoilt_header_raises_nothing_but_a_decode_error(
    at: int, value: int, width: int, place: int, scratch: Path
) -> None:
    data = smooth((MIB // 32,))
    path = scratch / "spoilt"
    z, _ = stored(path, data, chunks=data.shape, compressor=numcodecs.Blosc(blocksize=1 << 14))
    chunk = bytearray((path / "0").read_bytes())
    chunk[at : at + width] = bytes([value]) * width
    (path / "0").write_bytes(chunk)
    try:
        found = z[place : place + 10]
    except ChunkDecodeError:
        return
    assert found.dtype == data.dtype
    assert len(found) == len(data[place : place + 10])
