"""`checksum=True` at creation: the codec of the format that notices damaged chunks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import zarr
from zarr.errors import ChunkDecodeError

DATA = np.arange(100.0).reshape(10, 10)
LAYOUTS: list[dict[str, Any]] = [
    {},
    {"compressor": None},
    {"filters": [zarr.Delta("f8")]},
    {"zarr_version": 3},
    {"zarr_version": 3, "shards": (10, 10), "compressor": None},
    {"codecs": [{"name": "bytes", "configuration": {"endian": "big"}}]},
    {"dtype": str},
]


@pytest.mark.parametrize("options", LAYOUTS, ids=str)
def test_a_flipped_bit_raises(options: dict[str, Any]) -> None:
    data = DATA.astype(str).astype(object) if "dtype" in options else DATA
    z = zarr.array(data, chunks=(5, 5), checksum=True, **options)
    assert (zarr.open_array(z.store, mode="r")[...] == data).all()

    key = next(key for key in sorted(z.store) if key[0] in "0c")
    value = bytearray(z.store[key])
    value[len(value) // 3] ^= 1
    z.store[key] = bytes(value)
    with pytest.raises(ChunkDecodeError):
        zarr.open_array(z.store, mode="r")[...]


def test_what_the_metadata_say() -> None:
    two = zarr.zeros(4, checksum=True, filters=[zarr.Delta("f8")])
    assert two.compressor.codec_id == "crc32"
    assert [codec.codec_id for codec in two.filters] == ["delta", "blosc"]
    three = zarr.create_array(shape=4, dtype="i4", checksum=True)
    assert b'"name": "crc32c"' in three.store["zarr.json"]
    group = zarr.group()
    assert group.create_dataset("a", shape=4, checksum=True).compressor.codec_id == "crc32"
    opened = zarr.open_array(mode="w", shape=4, checksum=True)
    assert opened.compressor.codec_id == "crc32"


def test_formats_without_one() -> None:
    with pytest.raises(ValueError, match="no codec for checksum"):
        zarr.create(4, checksum=True, zarr_version=1)
