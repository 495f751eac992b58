"""Data types and fill values of version 3, in every legal spelling."""

from __future__ import annotations

import json
import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import zarr
from zarr._metadata.v3_data_types import (
    decode_data_type,
    decode_fill,
    default_fill,
    encode_data_type,
    encode_fill,
)
from zarr.errors import MetadataError

FOREIGN = [
    "bfloat16", "float8_e3m4", "float8_e4m3", "float8_e4m3b11fnuz", "float8_e4m3fn",
    "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu", "float6_e2m3fn",
    "float6_e3m2fn", "float4_e2m1fn", "int2", "int4", "uint2", "uint4",
]  # fmt: skip
NATIVE = [
    "?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16", "V1", "V5",
    "S1", "S7", "U1", "U9", "M8[ns]", "M8[10us]", "M8[D]", "m8[s]", "m8[7h]",
    [("a", "i4"), ("b", "f8")], [("x", "u1"), ("in", [("y", "S2"), ("z", "M8[s]")])],
]  # fmt: skip


def dtypes() -> list[np.dtype[Any]]:
    return [np.dtype(d) for d in NATIVE] + [np.dtype(getattr(ml_dtypes, n)) for n in FOREIGN]


def items(dtype: np.dtype[Any], size: int = 24) -> np.ndarray[Any, Any]:
    """Return items of every sort that `dtype` has."""
    rng = np.random.default_rng(5)
    if dtype.names is not None:
        record = np.zeros(size, dtype)
        for name in dtype.names:
            record[name] = items(dtype[name], size)
        return record
    if dtype.kind == "b":
        return rng.integers(0, 2, size).astype(dtype)
    if dtype.kind == "U":
        return rng.choice(["a", "ä", "𝄞", ""], size).astype(dtype)
    if dtype.isbuiltin == 2 and "int" in dtype.name:
        return rng.integers(0, 2, size).astype(dtype)
    return np.frombuffer(rng.bytes(size * dtype.itemsize), dtype).copy()


@pytest.mark.parametrize("dtype", dtypes(), ids=str)
def test_names_go_there_and_back(dtype: np.dtype[Any]) -> None:
    data_type = json.loads(json.dumps(encode_data_type(dtype)))
    assert decode_data_type(data_type) == dtype
    fill = json.loads(json.dumps(encode_fill(default_fill(dtype), data_type)))
    found = np.asarray(decode_fill(fill, data_type))
    assert found.tobytes() == np.asarray(default_fill(dtype)).tobytes()


@pytest.mark.parametrize("endian", ["little", "big"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("compressor", [None, zarr.codecs.BloscCodec(), zarr.codecs.GzipCodec(1)])
@pytest.mark.parametrize("dtype", dtypes(), ids=str)
def test_items_go_there_and_back(
    dtype: np.dtype[Any], compressor: Any, order: Any, endian: Any
) -> None:
    z = zarr.create_array(
        shape=(4, 6), chunks=(3, 4), dtype=dtype, order=order, compressors=compressor,
        serializer=zarr.codecs.BytesCodec(endian=endian),
    )  # fmt: skip
    values = items(dtype).reshape(4, 6)
    z[...] = values
    again = zarr.open_array(z.store)
    assert again.dtype == dtype
    assert again[...].tobytes() == values.tobytes()
    assert again[1:3, ::2].tobytes() == values[1:3, ::2].tobytes()


@pytest.mark.parametrize(
    "dtype", ["i2", "u4", "f8", "c8", "M8[s]", "U3", [("a", "i4"), ("b", "u1")]]
)
def test_stored_bytes_have_the_byte_order_that_is_stated(dtype: Any) -> None:
    dtype = np.dtype(dtype)
    values = items(dtype, 4)
    for endian, code in (("little", "<"), ("big", ">")):
        serializer = zarr.codecs.BytesCodec(endian=endian)
        z = zarr.create_array(data=values, serializer=serializer, compressors=None)
        assert bytes(z.store["c/0"]) == values.astype(dtype.newbyteorder(code)).tobytes()


@pytest.mark.parametrize(("kind", "item"), [(str, "ä"), (bytes, b"\xff\0")])
def test_objects(kind: type, item: Any) -> None:
    z = zarr.create_array(shape=(3, 3), chunks=(2, 2), dtype=kind)
    values = np.array([item * n for n in range(9)], object).reshape(3, 3)
    z[...] = values
    z[1, 1] = item * 20
    values[1, 1] = item * 20
    assert (zarr.open_array(z.store)[...] == values).all()
    assert z.fill_value == kind()


@pytest.mark.parametrize(
    "dtype", ["string", np.dtypes.StringDType(), str, "T"], ids=["name", "dtype", "str", "code"]
)
def test_strings_by_any_name(dtype: Any) -> None:
    z = zarr.create_array(shape=2, dtype=dtype, fill_value="é")
    assert json.loads(z.store["zarr.json"])["data_type"] == "string"
    assert list(z) == ["é", "é"]


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("bfloat16", ml_dtypes.bfloat16),
        ({"name": "numpy.datetime64", "configuration": {"unit": "s", "scale_factor": 3}}, "M8[3s]"),
        ({"name": "raw_bytes", "configuration": {"length_bytes": 3}}, "V3"),
        ("r24", "V3"),
        ("uint4", ml_dtypes.uint4),
    ],
)
def test_data_types_as_dtypes(name: Any, dtype: Any) -> None:
    assert zarr.create_array(shape=2, dtype=name).dtype == np.dtype(dtype)


LEGAL: list[tuple[Any, Any, Any]] = [
    ("bool", True, np.True_),
    ("int8", -128, np.int8(-128)),
    ("uint64", 2**64 - 1, np.uint64(2**64 - 1)),
    ("int16", 3.0, np.int16(3)),
    ("float16", 0.1, np.float16(0.1)),
    ("float32", "Infinity", np.float32(math.inf)),
    ("float64", "-Infinity", np.float64(-math.inf)),
    ("float64", "NaN", np.float64(math.nan)),
    ("float32", "0x3fc00000", np.float32(1.5)),
    ("float16", "0x3C00", np.float16(1)),
    ("float32", -0.0, np.float32(-0.0)),
    ("complex64", [1, "0x7fc00000"], np.complex64(complex(1, math.nan))),
    ("complex_float64", ["-Infinity", 0], np.complex128(complex(-math.inf, 0))),
    ("r16", [1, 255], np.void(b"\x01\xff")),
    ({"name": "raw_bytes", "configuration": {"length_bytes": 2}}, "Af8=", np.void(b"\x01\xff")),
    ({"name": "null_terminated_bytes", "configuration": {"length_bytes": 3}}, "YWI=",
     np.bytes_(b"ab")),
    ({"name": "fixed_length_utf32", "configuration": {"length_bytes": 8}}, "ä", np.str_("ä")),
    ({"name": "numpy.datetime64", "configuration": {"unit": "μs", "scale_factor": 1}}, "NaT",
     np.datetime64("NaT", "us")),
    ({"name": "numpy.datetime64", "configuration": {"unit": "s", "scale_factor": 1}}, -5,
     np.datetime64(-5, "s")),
    ({"name": "numpy.timedelta64", "configuration": {"unit": "h", "scale_factor": 2}}, 5,
     np.timedelta64(5, (("h"), 2))),
    ("string", "ü", "ü"),
    ("bytes", [1, 2], b"\x01\x02"),
    ("variable_length_bytes", "AQI=", b"\x01\x02"),
    ("bfloat16", "0x3fc0", ml_dtypes.bfloat16(1.5)),
    ("float8_e5m2", "NaN", ml_dtypes.float8_e5m2(math.nan)),
    ("int4", -8, ml_dtypes.int4(-8)),
    ("complex_bfloat16", [1, 2], None),
    ("complex_float16", ["NaN", 2], None),
]  # fmt: skip


@pytest.mark.parametrize(("data_type", "fill", "expected"), LEGAL, ids=repr)
def test_legal_fill_values(data_type: Any, fill: Any, expected: Any) -> None:
    found = decode_fill(fill, data_type)
    if expected is not None:
        assert np.asarray(found).tobytes() == np.asarray(expected).tobytes()
    again = decode_fill(json.loads(json.dumps(encode_fill(found, data_type))), data_type)
    assert np.asarray(again).tobytes() == np.asarray(found).tobytes()


LENGTH_2 = {"length_bytes": 2}
ILLEGAL: list[tuple[Any, Any]] = [
    ("bool", 2), ("bool", "true"), ("bool", None), ("int8", 128), ("int8", 1.5), ("int8", "1"),
    ("uint8", -1), ("int64", 2**63), ("int8", True), ("int8", None), ("float32", "nan"),
    ("float32", "0x123456789"), ("float32", "0x"), ("float32", [1]), ("float32", True),
    ("complex64", [1]), ("complex64", [1, 2, 3]), ("complex64", "NaN0"), ("r16", [1]),
    ("r16", [1, 256]), ("r16", [1, -1]), ("r16", "!"), ("string", 0), ("bytes", 5),
    ({"name": "raw_bytes", "configuration": LENGTH_2}, "AQ=="),
    ({"name": "null_terminated_bytes", "configuration": LENGTH_2}, "YWJj"),
    ({"name": "fixed_length_utf32", "configuration": {"length_bytes": 4}}, "ab"),
    ({"name": "numpy.datetime64", "configuration": {"unit": "s", "scale_factor": 1}}, "now"),
    ({"name": "numpy.datetime64", "configuration": {"unit": "s", "scale_factor": 1}}, 2**63),
    ({"name": "struct", "configuration": {"fields": [{"name": "a", "data_type": "int8"}]}}, {}),
    ({"name": "struct", "configuration": {"fields": [{"name": "a", "data_type": "int8"}]}}, "AQI="),
    ("int4", 8), ("uint2", 4), ("bfloat16", "0x12345"),
]  # fmt: skip


@pytest.mark.parametrize(("data_type", "fill"), ILLEGAL, ids=repr)
def test_illegal_fill_values(data_type: Any, fill: Any) -> None:
    with pytest.raises(MetadataError, match="fill_value"):
        decode_fill(fill, data_type)


@pytest.mark.parametrize(
    "data_type",
    [
        "int128", "r7", "r0", "", "R8", 5, None, [], {}, {"name": 5}, "datetime64",
        {"name": "raw_bytes"}, {"name": "raw_bytes", "configuration": {"length_bytes": 0}},
        {"name": "raw_bytes", "configuration": {"length_bytes": 2**40}},
        {"name": "fixed_length_utf32", "configuration": {"length_bytes": 3}},
        {"name": "numpy.datetime64", "configuration": {"unit": "fortnight", "scale_factor": 1}},
        {"name": "numpy.datetime64", "configuration": {"unit": "s", "scale_factor": 0}},
        {"name": "struct", "configuration": {"fields": []}},
        {"name": "struct", "configuration": {"fields": [["a"]]}},
        {"name": "struct", "configuration": {"fields": [["a", "string"]]}},
        {"name": "struct", "configuration": {"fields": [["a", "int8"], ["a", "int8"]]}},
        {"name": "struct", "configuration": {"fields": [["", "int8"]]}},
    ],
    ids=repr,
)  # fmt: skip
def test_illegal_data_types(data_type: Any) -> None:
    with pytest.raises(MetadataError):
        decode_data_type(data_type)


@pytest.mark.parametrize(
    "dtype",
    [
        object, "f16", [("a", "i4", (2,))], [("a", "<i4"), ("b", ">i4")], "S0",
        [("a", object)],
    ],
    ids=repr,
)  # fmt: skip
def test_dtypes_without_a_name(dtype: Any) -> None:
    with pytest.raises(ValueError, match=r"version 3|no length|object_codec|byte orders"):
        zarr.zeros(3, dtype=dtype, zarr_version=3)


def test_struct_fill_values_follow_the_byte_order() -> None:
    dtype = np.dtype([("a", "i4"), ("b", "f8")])
    fill = np.array((1, 2.5), dtype)[()]
    for endian in ("little", "big"):
        serializer = zarr.codecs.BytesCodec(endian=endian)
        z = zarr.create_array(shape=3, dtype=dtype, fill_value=fill, serializer=serializer)
        assert zarr.open_array(z.store)[0] == fill


@given(bits=st.integers(0, 2**32 - 1))
def test_every_float_is_a_fill_value(bits: int) -> None:
    value = np.array(bits, "u4").view("f4")[()]
    text = json.dumps(encode_fill(value, "float32"))
    assert np.asarray(decode_fill(json.loads(text), "float32")).view("u4") == bits


def test_no_fill_value_is_the_default() -> None:
    assert zarr.empty(3, dtype="i4", zarr_version=3).fill_value == 0
    assert np.isnat(zarr.create_array(shape=3, dtype="M8[s]").fill_value)
    assert zarr.zeros(3, dtype="M8[s]", zarr_version=3).fill_value == np.datetime64(0, "s")
