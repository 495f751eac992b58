"""The codecs of version 3, with NumPy as the oracle."""

from __future__ import annotations

import itertools
import json
import math
import sys
from typing import Any

import ml_dtypes
import numcodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import zarr
from tests.checksums import crc32c
from zarr._codecs import array_codecs
from zarr.codecs import (
    BloscCodec,
    BytesCodec,
    CastValueCodec,
    Crc32cCodec,
    GzipCodec,
    PackBitsCodec,
    ScaleOffsetCodec,
    ShardingCodec,
    TransposeCodec,
    VLenBytesCodec,
    VLenUTF8Codec,
    ZstdCodec,
)
from zarr.errors import ChunkDecodeError, MetadataError

INT4 = np.dtype(ml_dtypes.int4)
BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


def stored(values: Any, **options: Any) -> tuple[zarr.Array, bytes]:
    """Return an array of one chunk that holds `values`, and its bytes."""
    values = np.asarray(values)
    options = {"compressors": None, "config": {"write_empty_chunks": True}, **options}
    z = zarr.create_array(data=values, chunks=values.shape or (), **options)
    (key,) = [key for key in z.store if key != "zarr.json"]
    return zarr.open_array(z.store, mode="r+"), bytes(z.store[key])


def same(z: zarr.Array, values: Any) -> bool:
    values = np.asarray(values)
    return bool(z[...].dtype == values.dtype and z[...].tobytes() == values.tobytes())


# -- records -----------------------------------------------------------------------------

RECORDS = [
    (BytesCodec(None), {"name": "bytes"}),
    (BytesCodec(), {"name": "bytes", "configuration": {"endian": "little"}}),
    (BytesCodec("big"), {"name": "bytes", "configuration": {"endian": "big"}}),
    (TransposeCodec((1, 0)), {"name": "transpose", "configuration": {"order": [1, 0]}}),
    (
        BloscCodec(typesize=4, cname="lz4", clevel=1, shuffle="shuffle"),
        {"name": "blosc", "configuration": {
            "typesize": 4, "cname": "lz4", "clevel": 1, "shuffle": "shuffle", "blocksize": 0,
        }},
    ),
    (ZstdCodec(3, checksum=True),
     {"name": "zstd", "configuration": {"level": 3, "checksum": True}}),
    (GzipCodec(2), {"name": "gzip", "configuration": {"level": 2}}),
    (Crc32cCodec(), {"name": "crc32c"}),
    (VLenUTF8Codec(), {"name": "vlen-utf8"}),
    (VLenBytesCodec(), {"name": "vlen-bytes"}),
    (PackBitsCodec(first_bit=1), {"name": "packbits", "configuration": {"first_bit": 1}}),
    (CastValueCodec("int8"), {"name": "cast_value", "configuration": {"data_type": "int8"}}),
    (ScaleOffsetCodec(scale=2), {"name": "scale_offset", "configuration": {"scale": 2}}),
    (
        ShardingCodec((2, 2), [BytesCodec("little"), GzipCodec()], index_location="start"),
        {"name": "sharding_indexed", "configuration": {
            "chunk_shape": [2, 2],
            "codecs": [
                {"name": "bytes", "configuration": {"endian": "little"}},
                {"name": "gzip", "configuration": {"level": 5}},
            ],
            "index_codecs": [
                {"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"},
            ],
            "index_location": "start",
        }},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("record", "members"), RECORDS, ids=[m["name"] for _, m in RECORDS])
def test_records_are_what_documents_say(record: Any, members: Any) -> None:
    assert record.to_dict() == members
    assert type(record).from_dict(members).to_dict() == members
    json.dumps(record.to_dict())
    with pytest.raises(AttributeError):
        record.endian = "other"


def test_records_refuse_what_they_do_not_know() -> None:
    with pytest.raises(MetadataError, match="unknown"):
        GzipCodec.from_dict({"name": "gzip", "configuration": {"speed": 1}})


def test_codecs_of_an_array_as_objects() -> None:
    z = zarr.create_array(
        shape=(2, 3, 4), dtype="i4", filters=[TransposeCodec((1, 2, 0))], compressors=GzipCodec(3)
    )
    assert z.compressor == numcodecs.GZip(3)
    assert z.filters == [TransposeCodec([1, 2, 0])]


# -- the order of dimensions ---------------------------------------------------------------


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
@pytest.mark.parametrize("endian", ["little", "big"])
def test_transpose(order: tuple[int, ...], endian: Any) -> None:
    values = np.arange(24, dtype="i4").reshape(2, 3, 4)
    z, data = stored(values, filters=TransposeCodec(order), serializer=BytesCodec(endian))
    code = "<" if endian == "little" else ">"
    assert data == values.transpose(order).astype(f"{code}i4").tobytes()
    assert same(z, values)
    assert z[1, 2, 3] == 23
    z[:, 1] = -1
    values[:, 1] = -1
    assert same(z, values)


@given(data=st.data())
def test_transposes_add_up(data: st.DataObject) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=4, max_side=4))
    order = st.permutations(range(len(shape)))
    orders = data.draw(st.lists(order, min_size=1, max_size=3))
    values = np.arange(math.prod(shape), dtype="u2").reshape(shape)
    z, stored_bytes = stored(values, filters=[TransposeCodec(order) for order in orders])
    expected = values
    for order in orders:
        expected = expected.transpose(order)
    assert stored_bytes == expected.tobytes()
    assert same(z, values)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("filters", [None, [TransposeCodec((1, 0))]], ids=["plain", "transposed"])
def test_objects_in_any_order(order: Any, filters: Any) -> None:
    values = np.array([["a", "bc", "d"], ["", "é", "ff"]], object)
    z = zarr.create_array(shape=(2, 3), dtype=str, order=order, filters=filters, compressors=None)
    z[...] = values
    turned = values.T if (order == "F") != (filters is not None) else values
    assert (numcodecs.VLenUTF8().decode(z.store["c/0/0"]) == turned.ravel()).all()
    assert (zarr.open_array(z.store)[...] == values).all()


# -- bytes to bytes ----------------------------------------------------------------------


@pytest.mark.parametrize("package", ["google_crc32c", "crc32c"])
def test_crc32c_of_either_package(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip(package)
    monkeypatch.setattr(array_codecs, "_checksum", array_codecs._checksum.__wrapped__)
    if package == "crc32c":
        monkeypatch.setitem(sys.modules, "google_crc32c", None)
    for size in (0, 1, 1000):
        data = np.random.default_rng(size).bytes(size)
        encoded = array_codecs.Crc32c().encode(memoryview(data))
        assert encoded == data + crc32c(data).to_bytes(4, "little")
        assert array_codecs.Crc32c().decode(encoded) == data


def test_crc32c_is_at_the_end() -> None:
    values = np.arange(5, dtype="<i4")
    z, data = stored(values, compressors=Crc32cCodec())
    assert data == values.tobytes() + crc32c(values.tobytes()).to_bytes(4, "little")
    assert same(z, values)


@pytest.mark.parametrize("at", [0, 7, 19, 20, 23])
def test_crc32c_finds_each_flip(at: int) -> None:
    z, data = stored(np.arange(5, dtype="<i4"), compressors=Crc32cCodec())
    z.store["c/0"] = data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :]
    with pytest.raises(ChunkDecodeError, match="checksum") as caught:
        z[...]
    assert caught.value.key == "c/0"


@pytest.mark.parametrize("keep", [0, 3, 10])
def test_crc32c_of_too_few_bytes(keep: int) -> None:
    z, data = stored(np.arange(5, dtype="<i4"), compressors=Crc32cCodec())
    z.store["c/0"] = data[:keep]
    with pytest.raises(ChunkDecodeError, match="checksum"):
        z[...]


CHAINS = [
    [ZstdCodec()],
    [ZstdCodec(-3)],
    [ZstdCodec(5, checksum=True), Crc32cCodec()],
    [GzipCodec(0)],
    [BloscCodec()],
    [BloscCodec(typesize=1, cname="zlib", shuffle="bitshuffle")],
    [BloscCodec(shuffle="noshuffle"), GzipCodec(), Crc32cCodec()],
    [Crc32cCodec(), ZstdCodec()],
    [numcodecs.Shuffle(4), numcodecs.Zlib(1)],
    [numcodecs.LZ4()],
    [numcodecs.BZ2(1)],
    [numcodecs.LZMA(preset=0)],
    [numcodecs.Adler32(), numcodecs.CRC32()],
]


@pytest.mark.parametrize("chain", CHAINS, ids=repr)
@pytest.mark.parametrize("dtype", ["i4", "f8", "?", "S3", "V5"])
def test_compressors(chain: list[Any], dtype: str) -> None:
    values = np.frombuffer(b"\0\1" * (60 * np.dtype(dtype).itemsize), dtype).reshape(10, 12)
    z, _ = stored(values, compressors=chain)
    assert same(z, values)
    z[2:4, 3] = values[2:4, 3]
    assert same(z, values)


def test_blosc_typesize_is_as_stated() -> None:
    _, data = stored(np.arange(1000, dtype="i4"), compressors=BloscCodec(2, shuffle="shuffle"))
    assert data[3] == 2


@pytest.mark.parametrize("codec", [ZstdCodec(), GzipCodec(), BloscCodec()], ids=repr)
def test_a_chunk_that_would_decode_to_too_much(codec: Any) -> None:
    z, _ = stored(np.zeros(5, "i4"), compressors=codec)
    _, large = stored(np.zeros(5_000_000, "i4"), compressors=codec)
    z.store["c/0"] = large
    with pytest.raises(ChunkDecodeError):
        z[...]


# -- filters of numcodecs ------------------------------------------------------------------

FILTERS = [
    [numcodecs.Delta("<i4")],
    [numcodecs.Delta("<i4", "<i2")],
    [numcodecs.AsType("<i8", "<i4")],
    [numcodecs.AsType(">i8", "<i4")],
    [numcodecs.FixedScaleOffset(offset=0, scale=2, dtype="<i4", astype="<u2")],
    [TransposeCodec((1, 0)), numcodecs.Delta("<i4")],
    [numcodecs.Delta("<i4"), TransposeCodec((1, 0))],
]


@pytest.mark.parametrize("filters", FILTERS, ids=repr)
@pytest.mark.parametrize("endian", ["little", "big"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_filters(filters: list[Any], endian: Any, order: Any) -> None:
    values = np.arange(12, dtype="i4").reshape(3, 4) ** 2
    z, _ = stored(values, filters=filters, serializer=BytesCodec(endian), order=order)
    assert same(z, values)


def test_packed_bits_of_numcodecs() -> None:
    values = np.array([True, False, True] * 7)
    z, data = stored(values, filters=numcodecs.PackBits())
    assert data == numcodecs.PackBits().encode(values).tobytes()
    assert same(z, values)


# -- packbits ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "codec", "data"),
    [
        (np.array([1, 0, 0, 0, 0, 1, 1, 0, 1, 1], "?"), PackBitsCodec(), "6103"),
        (np.array([1, 0, 0, 0, 0, 1, 1, 0, 1, 1], "?"), PackBitsCodec("first_byte"), "066103"),
        (np.array([1, 2, 3, 4, 5], "u1"), PackBitsCodec(first_bit=0, last_bit=2), "d158"),
        (np.array([2, 4, 6], "u1"), PackBitsCodec("last_byte", 1, 3), "d10007"),
        (np.array([1, -2, 3, -4, 5], "i2"), PackBitsCodec(last_bit=4), "c10f5e00"),
        (np.array([1 + 2j], "c8"), PackBitsCodec(), "0000803f00000040"),
        (np.array([-3, 7, 1], INT4), PackBitsCodec(), "7d01"),
        (np.array([1.5, -2], BFLOAT16), PackBitsCodec(), "c03f00c0"),
    ],
    ids=str,
)
def test_packbits(values: Any, codec: Any, data: str) -> None:
    z, found = stored(values, serializer=codec)
    assert found.hex() == data
    assert same(z, values)


@given(data=st.data())
def test_packbits_of_any_width(data: st.DataObject) -> None:
    dtype = np.dtype(data.draw(st.sampled_from(["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"])))
    last = data.draw(st.integers(0, 8 * dtype.itemsize - 1))
    first = data.draw(st.integers(0, last))
    padding = data.draw(st.sampled_from(["none", "first_byte", "last_byte"]))
    low = -(1 << last) >> first << first if dtype.kind == "i" else 0
    high = (1 << last) - 1 if dtype.kind == "i" else (2 << last) - 1
    items = data.draw(st.lists(st.integers(low, high), min_size=1, max_size=30))
    values = np.array([item >> first << first for item in items], dtype)
    z, _ = stored(values, serializer=PackBitsCodec(padding, first, last))
    assert same(z, values)


@pytest.mark.parametrize("codec", [PackBitsCodec("middle"), PackBitsCodec(first_bit=3, last_bit=2)])
def test_packbits_that_make_no_sense(codec: Any) -> None:
    store: dict[str, Any] = {}
    with pytest.raises(MetadataError, match="packbits"):
        zarr.create_array(store, shape=3, dtype="u1", serializer=codec)
    assert not store


def test_packed_bits_that_are_wrong() -> None:
    z, data = stored(np.ones(10, "?"), serializer=PackBitsCodec("first_byte"))
    for wrong in (data[:-1], data + b"\0", b"\5" + data[1:]):
        z.store["c/0"] = wrong
        with pytest.raises(ChunkDecodeError):
            z[...]


# -- cast_value and scale_offset -------------------------------------------------------------


def cast(values: Any, data_type: str, **configuration: Any) -> Any:
    """Return what the codec stores."""
    _, data = stored(values, filters=CastValueCodec(data_type, **configuration))
    return np.frombuffer(data, zarr._metadata.v3_data_types.decode_data_type(data_type))


ROUNDED = {
    "nearest-even": [-2, -2, -0.0, 0, 2, 2, 2, -3],
    "nearest-away": [-3, -2, -1, 1, 2, 3, 2, -3],
    "towards-zero": [-2, -1, 0, 0, 1, 2, 2, -2],
    "towards-positive": [-2, -1, 0, 1, 2, 3, 3, -2],
    "towards-negative": [-3, -2, -1, 0, 1, 2, 2, -3],
}


@pytest.mark.parametrize("rounding", ROUNDED)
def test_rounding_to_integers(rounding: str) -> None:
    values = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.4, -2.6]
    assert cast(values, "int8", rounding=rounding).tolist() == ROUNDED[rounding]


@pytest.mark.parametrize(
    ("rounding", "expected"),
    [
        ("nearest-even", [16777216, 16777220, -16777216]),
        ("nearest-away", [16777218, 16777220, -16777218]),
        ("towards-zero", [16777216, 16777218, -16777216]),
        ("towards-positive", [16777218, 16777220, -16777216]),
        ("towards-negative", [16777216, 16777218, -16777218]),
    ],
)
def test_rounding_of_integers_to_floats(rounding: str, expected: list[int]) -> None:
    values = np.array([16777217, 16777219, -16777217])
    assert cast(values, "float32", rounding=rounding).tolist() == expected


@given(value=st.floats(-1e30, 1e30))
def test_rounding_of_floats_brackets_the_value(value: float) -> None:
    down = float(cast([value], "float32", rounding="towards-negative")[0])
    up = float(cast([value], "float32", rounding="towards-positive")[0])
    nearest = float(cast([value], "float32")[0])
    assert down <= value <= up
    assert nearest == float(np.float32(value))
    assert up == down or np.nextafter(np.float32(down), np.float32(np.inf)) == np.float32(up)


@pytest.mark.parametrize(
    ("values", "data_type", "out_of_range", "expected"),
    [
        ([128.0], "int8", "clamp", [127]),
        ([128.0], "int8", "wrap", [-128]),
        ([32768, 32769, -32769], "int16", "wrap", [-32768, -32767, 32767]),
        ([300, -1], "uint8", "clamp", [255, 0]),
        ([300, -1], "uint8", "wrap", [44, 255]),
        ([1e300, -1e300], "uint64", "clamp", [2**64 - 1, 0]),
        ([-1.0], "uint64", "wrap", [2**64 - 1]),
        ([1e39, -1e39], "float32", "clamp", [math.inf, -math.inf]),
        ([500.0, -500.0], "float8_e4m3fn", "clamp", [448, -448]),
        ([20, -20], "int4", "clamp", [7, -8]),
        ([20, 8], "int4", "wrap", [4, -8]),
    ],
)
def test_out_of_range(values: Any, data_type: str, out_of_range: Any, expected: Any) -> None:
    found = cast(values, data_type, out_of_range=out_of_range, rounding="nearest-even")
    assert found.astype(object).tolist() == expected or found.tolist() == expected
    with pytest.raises(ValueError, match="cannot be represented"):
        cast(values, data_type)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("out_of_range", [None, "clamp", "wrap"])
def test_what_integers_do_not_have(value: float, out_of_range: Any) -> None:
    with pytest.raises(ValueError, match="cannot be represented"):
        cast([value], "int8", out_of_range=out_of_range)


def test_special_floats_stay() -> None:
    values = np.array([math.nan, math.inf, -math.inf, -0.0, 1.0])
    z, _ = stored(values, filters=CastValueCodec("float32"))
    assert np.array_equal(z[...], values, equal_nan=True)
    assert np.signbit(z[3])


def test_scalar_map() -> None:
    maps = {"encode": [["NaN", 0], ["NaN", 9]], "decode": [[0, "NaN"]]}
    values = np.array([1.0, math.nan, 3.0])
    z, data = stored(values, filters=CastValueCodec("uint8", scalar_map=maps), fill_value=math.nan)
    assert data == b"\1\0\3"
    assert np.array_equal(z[...], values, equal_nan=True)


def test_the_example_of_the_specification() -> None:
    filters = [
        ScaleOffsetCodec(offset=-10, scale=0.1),
        CastValueCodec(
            "uint8", scalar_map={"encode": [["NaN", 0]], "decode": [[0, "NaN"]]}
        ),
    ]  # fmt: skip
    values = np.array([0.0, 2540.0, math.nan, 100.0])
    z, data = stored(values, filters=filters, fill_value=math.nan)
    assert list(data) == [1, 255, 0, 11]
    assert np.allclose(z[...], values, equal_nan=True)


def test_scale_offset_of_integers() -> None:
    filters = [ScaleOffsetCodec(offset=1000), CastValueCodec("uint8")]
    z, data = stored(np.array([1000, 1255], "u2"), filters=filters, fill_value=1000)
    assert data == b"\0\xff"
    assert z[...].tolist() == [1000, 1255]
    with pytest.raises(ValueError, match="range"):
        z[0] = 999


def test_scale_offset_that_does_not_divide() -> None:
    z, _ = stored(np.array([2, 4], "i4"), filters=ScaleOffsetCodec(scale=2), fill_value=0)
    z.store["c/0"] = np.array([1, 2], "<i4").tobytes()
    with pytest.raises(ChunkDecodeError, match="multiples"):
        z[...]


@pytest.mark.parametrize("scale", [1e300, 1e-300])
def test_scale_offset_that_overflows(scale: float) -> None:
    with pytest.raises(ValueError, match="range"):
        z, _ = stored([1e200], filters=ScaleOffsetCodec(scale=scale))
        z.store["c/0"] = np.array([1e200]).tobytes()
        z[...]


@pytest.mark.parametrize(
    "codec",
    [
        CastValueCodec("string"),
        CastValueCodec("int8", rounding="upwards"),
        CastValueCodec("float32", out_of_range="wrap"),
        {"name": "cast_value", "configuration": {"data_type": "int8", "more": 1}},
        {"name": "scale_offset", "configuration": {"more": 1}},
        {"name": "scale_offset", "configuration": {"scale": "x"}},
    ],
    ids=repr,
)
def test_arithmetic_that_makes_no_sense(codec: Any) -> None:
    with pytest.raises(MetadataError):
        zarr.create_array(shape=3, dtype="f8", filters=codec)[0] = 1


# -- codecs of others ------------------------------------------------------------------------


def test_a_codec_of_numcodecs_that_we_do_not_know_by_name() -> None:
    class Reverse(numcodecs.abc.Codec):  # type: ignore[misc]
        codec_id = "zarr-test-reverse"

        def encode(self, buf: Any) -> Any:
            return bytes(memoryview(buf).cast("B"))[::-1]

        def decode(self, buf: Any, out: Any = None) -> Any:
            return bytes(buf)[::-1]

    zarr.codecs.register_codec(Reverse)
    values = np.arange(5, dtype="<i4")
    z, data = stored(values, compressors=Reverse())
    assert data == values.tobytes()[::-1]
    assert same(z, values)


def bit_rounded(number: int, keep: int, dtype: np.dtype[Any]) -> int:
    """Return a number rounded to the nearest with `keep` bits, halfway to the even one."""
    drop = max(0, abs(number).bit_length() - keep)
    kept, low = abs(number) >> drop, abs(number) & ((1 << drop) - 1)
    half = 1 << drop >> 1
    up = drop > 0 and (low > half or (low == half and kept & 1))
    rounded = (kept + up) << drop
    if rounded > np.iinfo(dtype).max + (number < 0):
        rounded = kept << drop
    return -rounded if number < 0 else rounded


@pytest.mark.parametrize("dtype", ["i1", "u1", "<i2", ">u2", "<i8", ">u8", "<M8[s]", "m8[ns]"])
@pytest.mark.parametrize("keep", [1, 3, 7, 64])
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_bitround_of_integers(dtype: str, keep: int, zarr_format: int) -> None:
    kind = np.dtype(dtype)
    integer = kind if kind.kind in "iu" else np.dtype(np.int64)
    limits = np.iinfo(integer)
    near = [
        *range(-130, 300),
        limits.min,
        limits.min + 1,
        limits.max // 3,
        limits.max - 1,
        limits.max,
    ]
    numbers = [n for n in dict.fromkeys(near) if limits.min <= n <= limits.max]
    data = np.array(numbers, integer.newbyteorder("=")).view(kind.newbyteorder("=")).astype(kind)
    codec = numcodecs.BitRound(keep)
    if zarr_format == 3:
        codec = {"name": "bitround", "configuration": {"keepbits": keep}}
    store: dict[str, bytes] = {}
    z = zarr.create(
        data.shape, chunks=100, dtype=dtype, filters=[codec], fill_value=0, store=store,
        zarr_version=zarr_format,
    )  # fmt: skip
    z[:] = data
    found = z[:].view("i8").tolist() if kind.kind in "mM" and kind.isnative else z[:].tolist()
    assert found == [bit_rounded(n, keep, integer) for n in numbers]
    before = z[:].tolist()
    zarr.convert(store, 5 - zarr_format, rewrite_chunks=True)
    again = zarr.open_array(store)
    assert again[:].tolist() == before
    again[:3] = data[:3]
