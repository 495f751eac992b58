"""What claims to be large takes no memory before the stored bytes make it plausible."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numcodecs
import numpy as np
import pytest

import zarr
from zarr.errors import ChunkDecodeError, MetadataError

from . import bombs


@pytest.fixture(scope="module")
def outcomes() -> dict[str, dict[str, Any]]:
    """What a process makes of each bomb."""
    process = subprocess.run(
        [sys.executable, bombs.__file__], capture_output=True, text=True, timeout=300, check=True
    )
    return {line["name"]: line for line in map(json.loads, process.stdout.splitlines())}


@pytest.mark.parametrize("name", bombs.BOMBS)
def test_bombs_are_refused_in_little_memory(name: str, outcomes: dict[str, dict[str, Any]]) -> None:
    outcome = outcomes[name]
    kinds = ("ChunkDecodeError: chunk ", "MetadataError: '.zarray'", "UnsafeDecodeError: chunk ")
    assert outcome["said"].startswith(kinds)
    assert outcome["more"] < 100 << 20


# -- what is legal although it is repetitive ----------------------------------------------

ITEMS = np.array(["x" * 20_000_000, '"\\' * 1_000_000, "", " " * 3_000_000, "é", "[1,"], object)

COMPRESSORS = [
    numcodecs.GZip(1), numcodecs.Zlib(1), numcodecs.LZMA(preset=0), numcodecs.Zstd(1),
    numcodecs.LZMA(format=3, filters=[{"id": 33, "preset": 0}]), numcodecs.LZ4(),
    numcodecs.Blosc("zstd", 1), numcodecs.Blosc("lz4", 1, blocksize=1 << 20), numcodecs.BZ2(1),
]  # fmt: skip

CODECS = [
    numcodecs.VLenUTF8(), numcodecs.JSON(), numcodecs.JSON(ensure_ascii=False, indent=3),
    numcodecs.MsgPack(),
]  # fmt: skip


@pytest.mark.parametrize("compressor", COMPRESSORS, ids=str)
@pytest.mark.parametrize("codec", CODECS, ids=str)
def test_large_repetitive_objects_are_read(codec: Any, compressor: Any) -> None:
    z = zarr.create(
        len(ITEMS), chunks=len(ITEMS), dtype=object, object_codec=codec, compressor=compressor
    )
    z[:] = ITEMS
    assert (z[:] == ITEMS).all()


@pytest.mark.parametrize("checksum", [numcodecs.CRC32(), numcodecs.Fletcher32()], ids=str)
def test_large_repetitive_objects_are_read_behind_checksums(checksum: Any) -> None:
    z = zarr.create(
        len(ITEMS), chunks=len(ITEMS), dtype=object, object_codec=numcodecs.VLenUTF8(),
        filters=[checksum], compressor=numcodecs.Zstd(1),
    )  # fmt: skip
    z[:] = ITEMS
    assert (z[:] == ITEMS).all()


def test_large_repetitive_pickles_are_read() -> None:
    with zarr.config.set(allow_pickle=True):
        z = zarr.create(
            1, dtype=object, object_codec=numcodecs.Pickle(), compressor=numcodecs.Zstd(1)
        )
        z[0] = {"x": "y" * 70_000_000}
        assert z[0] == {"x": "y" * 70_000_000}


# -- Zstandard ----------------------------------------------------------------------------


def unstated(frame: bytes) -> bytes:
    """Return a Zstandard frame that does not say how much it decodes to."""
    data = bytes(numcodecs.Zstd().decode(frame))
    blocks = [data[at : at + 1000] for at in range(0, len(data), 1000)] or [b""]
    parts = [
        (len(block) << 3 | (i == len(blocks) - 1)).to_bytes(3, "little") + block
        for i, block in enumerate(blocks)
    ]
    return b"\x28\xb5\x2f\xfd\x00\x50" + b"".join(parts)


def recoded(z: zarr.Array, change: Any) -> None:
    for key in list(z.store):
        if not key.endswith((".zarray", "zarr.json")):
            z.store[key] = change(bytes(z.store[key]))


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("dtype", [str, "i4"])
def test_zstandard_frames_without_size(version: int, dtype: Any) -> None:
    z = zarr.create(
        9, chunks=4, dtype=dtype, compressor=numcodecs.Zstd(1), zarr_format=version, store={}
    )
    data = np.arange(9).astype(dtype).astype(z.dtype)
    z[:] = data
    recoded(z, unstated)
    assert (z[:] == data).all()
    assert z[5] == data[5]


@pytest.mark.parametrize("dtype", [str, "i4"])
def test_zstandard_frames_one_after_the_other(dtype: Any) -> None:
    z = zarr.create(9, chunks=4, dtype=dtype, compressor=numcodecs.Zstd(1), store={})
    data = np.arange(9).astype(dtype).astype(z.dtype)
    z[:] = data

    def split(frame: bytes) -> bytes:
        decoded, zstd = bytes(numcodecs.Zstd().decode(frame)), numcodecs.Zstd(1)
        skipped = b"\x50\x2a\x4d\x18\x03\0\0\0abc"
        return b"".join([zstd.encode(decoded[:5]), skipped, unstated(zstd.encode(decoded[5:]))])

    recoded(z, split)
    assert (z[:] == data).all()


def test_streamed_zstandard_frames_of_another_library() -> None:
    zstandard = pytest.importorskip("zstandard")
    z = zarr.create(
        len(ITEMS), chunks=len(ITEMS), dtype=str, compressor=numcodecs.Zstd(1), zarr_format=3
    )
    z[:] = ITEMS

    def stream(frame: bytes) -> bytes:
        data = bytes(numcodecs.Zstd().decode(frame))
        writer = zstandard.ZstdCompressor(write_content_size=False, write_checksum=True)
        encoder = writer.compressobj()
        parts = [encoder.compress(data[at : at + 300_000]) for at in range(0, len(data), 300_000)]
        return b"".join([*parts, encoder.flush()])

    recoded(z, stream)
    assert (z[:] == ITEMS).all()


@pytest.mark.parametrize("length", [3, 7, 20, -1])
def test_truncated_zstandard_frames_are_refused(length: int) -> None:
    z = zarr.create(9, chunks=9, dtype=str, compressor=numcodecs.Zstd(1), store={})
    z[:] = "abc"
    recoded(z, lambda frame: unstated(frame)[:length])
    with pytest.raises(ChunkDecodeError, match="chunk '0'"):
        z[:]


# -- items --------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("dtype", ["S70000000", "U20000000", "V70000000"])
def test_items_larger_than_64_mib_are_refused(version: int, dtype: str) -> None:
    store: dict[str, bytes] = {}
    with pytest.raises(ValueError, match="67108864 bytes"):
        zarr.create(1, dtype=dtype, store=store, zarr_format=version)
    assert not store


def test_documents_with_such_items_are_refused() -> None:
    document = bombs.document(dtype="|S70000000", fill_value="")
    with pytest.raises(MetadataError, match=r"'\.zarray'"):
        zarr.open_array({".zarray": document}, mode="r")
