"""Documents as other writers have them, which the specifications do not foresee."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import zarr
from zarr.errors import MetadataError

FOREIGN_FILLS = {
    "bfloat16": (1.5, 1.5), "int4": (-3, -3), "uint2": (3, 3), "float8_e4m3fn": ("NaN", np.nan),
    "float8_e5m2": (None, 0), "float8_e4m3": ("-Infinity", -np.inf),
}  # fmt: skip


def v2_document(dtype: Any, **members: Any) -> bytes:
    document = {
        "zarr_format": 2, "shape": [6], "chunks": [2], "dtype": dtype, "compressor": None,
        "fill_value": None, "filters": None, "order": "C", **members,
    }  # fmt: skip
    return json.dumps(document, separators=(",", ":")).encode()


@pytest.mark.parametrize("name", FOREIGN_FILLS)
def test_dtypes_of_ml_dtypes_in_version_2(name: str) -> None:
    """As tensorstore writes them."""
    dtype = np.dtype(getattr(ml_dtypes, name))
    spelled, fill = FOREIGN_FILLS[name]
    data = np.arange(4).astype(dtype)
    store = {".zarray": v2_document(name, fill_value=spelled)}
    store |= {str(i): data[2 * i : 2 * i + 2].tobytes() for i in range(2)}
    z = zarr.open_array(store)
    assert z.dtype == dtype
    expected = np.concatenate([data, np.full(2, fill).astype(dtype)])
    assert z[:].tobytes() == expected.tobytes()
    z.append(data)
    assert json.loads(store[".zarray"]) == json.loads(
        v2_document(name, fill_value=spelled, shape=[10])
    )
    zarr.convert(store, 3)
    zarr.convert(store, 2)
    assert zarr.open_array(store)[:].tobytes() == np.concatenate([expected, data]).tobytes()


def test_ml_dtypes_are_imported_when_they_are_needed() -> None:
    program = f"""
import zarr
z = zarr.open_array({{".zarray": {v2_document("bfloat16", fill_value=2)!r}}})
assert str(z.dtype) == "bfloat16" and z[0] == 2, z.dtype
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    program = f"""
import sys
sys.modules["ml_dtypes"] = None
import zarr
try:
    zarr.open_array({{".zarray": {v2_document("bfloat16")!r}}})
except zarr.errors.MetadataError as error:
    assert "needs the package ml-dtypes" in str(error), error
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def v3_document(codecs: list[Any], **members: Any) -> bytes:
    document = {
        "zarr_format": 3, "node_type": "array", "shape": [5], "data_type": "int32",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2]}},
        "chunk_key_encoding": {"name": "default"}, "fill_value": None, "codecs": codecs, **members,
    }  # fmt: skip
    return json.dumps(document).encode()


GZIP = {"name": "gzip", "configuration": {"level": 1}}
TRANSPOSE = {"name": "transpose", "configuration": {"order": [0]}}


@pytest.mark.parametrize("codecs", [[], [GZIP], [TRANSPOSE], [TRANSPOSE, GZIP]], ids=str)
def test_documents_without_a_codec_that_makes_bytes(codecs: list[Any]) -> None:
    """As zarr-js and zarrita.js write them: items are stored as they are, fill values are null."""
    plain = {"name": "bytes", "configuration": {"endian": "little"}}
    at = next((i for i, codec in enumerate(codecs) if codec is GZIP), len(codecs))
    usual = {"zarr.json": v3_document([*codecs[:at], plain, *codecs[at:]], fill_value=0)}
    zarr.open_array(usual)[:3] = [1, -2, 3]
    store = {**usual, "zarr.json": v3_document(codecs)}
    z = zarr.open_array(store)
    assert z[:].tolist() == [1, -2, 3, 0, 0]
    assert z.fill_value is None
    z[3:] = [4, 5]
    z.append([6])
    assert zarr.open_array(store)[:].tolist() == [1, -2, 3, 4, 5, 6]
    zarr.convert(store, 2, rewrite_chunks=True)
    assert zarr.open_array(store)[:].tolist() == [1, -2, 3, 4, 5, 6]


def test_items_that_are_no_numbers_need_such_a_codec() -> None:
    with pytest.raises(MetadataError, match="bytes"):
        zarr.open_array({"zarr.json": v3_document([], data_type="string")})
    with pytest.raises(ValueError, match="exactly one"):
        zarr.create_array({}, shape=2, dtype="i4", codecs=[GZIP])


@pytest.mark.parametrize("dtype", ["<i4", ">f8", "|u1", "<U3"])
def test_shuffle_without_a_size_of_items(dtype: str) -> None:
    """As netCDF-C writes it: whole items are shuffled."""
    data = np.arange(6).astype(dtype)
    usual = {
        ".zarray": v2_document(dtype, filters=[{"id": "shuffle", "elementsize": data.itemsize}])
    }
    zarr.open_array(usual)[...] = data
    store = {**usual, ".zarray": v2_document(dtype, filters=[{"id": "shuffle", "elementsize": 0}])}
    z = zarr.open_array(store)
    assert z[:].tolist() == data.tolist()
    z[:] = data[::-1]
    assert (
        zarr.open_array({**store, ".zarray": usual[".zarray"]})[:].tolist() == data[::-1].tolist()
    )
    zarr.convert(store, 3, rewrite_chunks=True)
    assert zarr.open_array(store)[:].tolist() == data[::-1].tolist()
    zarr.convert(store, 2, rewrite_chunks=True)
    assert json.loads(store[".zarray"])["filters"] == [{"id": "shuffle", "elementsize": 0}]
