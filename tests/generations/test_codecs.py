"""Codecs and data types that are written for the 3.x library, in arrays here."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import numpy as np
import pytest

import zarr
from zarr.abc.codec import ArrayArrayCodec, ArrayBytesCodec, BytesBytesCodec
from zarr.codecs._v2 import V2Codec
from zarr.core.array_spec import ArraySpec, parse_array_config
from zarr.core.buffer import default_buffer_prototype
from zarr.core.codec_pipeline import BatchedCodecPipeline, FusedCodecPipeline
from zarr.errors import ChunkDecodeError, DataTypeValidationError, UnknownCodecError
from zarr.registry import get_codec_class, get_pipeline_class, register_codec

DATA = np.arange(20, dtype="i2").reshape(5, 4)


@dataclass(frozen=True)
class Plain:
    """What the codecs of these tests have in common."""

    def to_dict(self):
        return {"name": self.name}

    @classmethod
    def from_dict(cls, data):  # noqa: ARG003
        return cls()


class Reverse(Plain, BytesBytesCodec):
    """Of bytes, with coroutines only."""

    name = "test.reverse"

    async def _encode_single(self, chunk, spec):
        return chunk.from_bytes(chunk.to_bytes()[::-1])

    _decode_single = _encode_single


class Negate(Plain, ArrayArrayCodec):
    """Of arrays, without coroutines."""

    name = "test.negate"

    def _encode_sync(self, chunk, spec):
        return spec.prototype.nd_buffer.from_numpy_array(-chunk.as_numpy_array())

    _decode_sync = _encode_sync


class Text(Plain, ArrayBytesCodec):
    """Makes text of numbers, of another length for each chunk."""

    name = "test.text"

    def _encode_sync(self, chunk, spec):
        text = ",".join(map(str, chunk.as_numpy_array().ravel().tolist()))
        return spec.prototype.buffer.from_bytes(text.encode())

    def _decode_sync(self, data, spec):
        numbers = list(map(int, data.to_bytes().decode().split(",")))
        array = np.array(numbers, spec.dtype.to_native_dtype()).reshape(spec.shape)
        return spec.prototype.nd_buffer.from_numpy_array(array)


for codec in (Reverse, Negate, Text):
    register_codec(codec.name, codec)


@pytest.mark.parametrize(
    "codecs",
    [
        {"compressors": Reverse()},
        {"filters": Negate()},
        {"serializer": Text()},
        {"filters": [Negate()], "serializer": Text(), "compressors": [Reverse()]},
    ],
)
@pytest.mark.parametrize("shards", [None, (4, 4)])
def test_registered_codecs_run(codecs, shards) -> None:
    store = zarr.MemoryStore()
    z = zarr.create_array(store, shape=(5, 4), chunks=(2, 2), shards=shards, dtype="i2", **codecs)
    z[:] = DATA
    z[1, 1:3] = 100
    expected = DATA.copy()
    expected[1, 1:3] = 100

    again = zarr.open_array(store, mode="r")
    assert np.array_equal(again[:], expected)
    assert again[4, 3] == 19
    shown = [*again.metadata.inner_codecs]
    for given in codecs.values():
        assert all(one in shown for one in (given if isinstance(given, list) else [given]))


def test_what_a_registered_codec_cannot_decode_is_an_error() -> None:
    store = zarr.MemoryStore()
    z = zarr.create_array(store, shape=4, dtype="i2", serializer=Text(), compressors=None)
    z[:] = 1
    store["c/0"] = b"no numbers"

    with pytest.raises(ChunkDecodeError):
        z[:]
    store["c/0"] = b"1,2"
    with pytest.raises(ChunkDecodeError):
        z[:]


def test_classes_by_name() -> None:
    assert get_codec_class("blosc") is zarr.codecs.BloscCodec
    assert get_codec_class("numcodecs.zlib") is zarr.codecs.numcodecs.Zlib
    assert get_codec_class("test.text") is Text
    assert get_pipeline_class().__name__ == "BatchedCodecPipeline"
    with pytest.raises(UnknownCodecError, match="nope"):
        get_codec_class("nope")


@pytest.mark.parametrize(
    ("codec", "kind"),
    [
        (zarr.codecs.TransposeCodec(order=(1, 0)), ArrayArrayCodec),
        (zarr.codecs.BytesCodec(), ArrayBytesCodec),
        (zarr.codecs.ShardingCodec(chunk_shape=(2,)), ArrayBytesCodec),
        (zarr.codecs.VLenUTF8Codec(), ArrayBytesCodec),
        (zarr.codecs.BloscCodec(), BytesBytesCodec),
        (zarr.codecs.numcodecs.Delta(dtype="<i2"), ArrayArrayCodec),
        (zarr.codecs.numcodecs.LZMA(preset=1), BytesBytesCodec),
    ],
)
def test_our_codecs_are_of_the_classes_of_the_3_x_library(codec, kind) -> None:
    assert isinstance(codec, kind)
    assert type(codec).from_dict(codec.to_dict()) == codec


def test_codecs_of_numcodecs() -> None:
    z = zarr.create_array(
        shape=(5, 4), dtype="i2", chunks=(2, 4), filters=zarr.codecs.numcodecs.Delta(dtype="<i2"),
        compressors=zarr.codecs.numcodecs.Zlib(level=3),
    )  # fmt: skip
    z[:] = DATA

    assert np.array_equal(z[:], DATA)
    assert z.compressors == (zarr.codecs.numcodecs.Zlib(level=3),)
    assert z.metadata.codecs[0] == zarr.codecs.numcodecs.Delta(dtype="<i2")


def test_pipelines_of_clients_encode_and_decode() -> None:
    pipeline = BatchedCodecPipeline.from_codecs([Negate(), Text(), Reverse()])
    prototype = default_buffer_prototype()
    spec = ArraySpec((3,), zarr.dtype.Int16(), 0, parse_array_config(None), prototype)
    chunk = prototype.nd_buffer.from_numpy_array(np.array([1, 2, 3], "i2"))

    (encoded, nothing) = asyncio.run(pipeline.encode([(chunk, spec), (None, spec)]))
    (decoded,) = asyncio.run(pipeline.decode([(encoded, spec)]))

    assert (encoded.to_bytes(), nothing) == (b"3-,2-,1-", None)
    assert decoded.as_numpy_array().tolist() == [1, 2, 3]


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("compressor", [None, zarr.codecs.Zlib(level=1)])
def test_pipelines_of_arrays_in_format_2_encode_and_decode(compressor, order) -> None:
    store = zarr.storage.MemoryStore()
    z = zarr.create(
        (2, 3), chunks=(2, 3), dtype="i2", store=store, order=order, compressor=compressor,
        filters=[zarr.codecs.Delta(dtype="i2")],
    )  # fmt: skip
    z[:] = DATA[:2, :3]
    codec = z.async_array.codec_pipeline.array_bytes_codec
    prototype = default_buffer_prototype()
    spec = ArraySpec((2, 3), zarr.dtype.Int16(), 0, parse_array_config({"order": order}), prototype)

    (decoded,) = asyncio.run(codec.decode([(prototype.buffer.from_bytes(store["0.0"]), spec)]))
    (encoded, nothing) = asyncio.run(codec.encode([(decoded, spec), (None, spec)]))

    assert codec == V2Codec(z.metadata.filters, compressor)
    assert np.array_equal(decoded.as_numpy_array(), z[:])
    assert (encoded.to_bytes(), nothing) == (bytes(store["0.0"]), None)


@pytest.mark.parametrize("version", [2, 3])
def test_pipelines_read_and_write_chunks(version) -> None:
    z = zarr.create_array(
        zarr.storage.MemoryStore(), shape=(5, 4), chunks=(2, 4), dtype="i2", zarr_format=version
    )
    z[:] = DATA
    pipeline, prototype = z.async_array.codec_pipeline, default_buffer_prototype()
    spec = ArraySpec((2, 4), z.metadata.dtype, 0, parse_array_config(None), prototype)
    places = [z.store_path / z.metadata.encode_chunk_key((n, 0)) for n in (0, 1, 9)]
    row, whole = (1, slice(0, 4)), (slice(0, 2), slice(0, 4))
    info = [(place, spec, row, (n,), False) for n, place in enumerate(places)]
    out = prototype.nd_buffer.from_numpy_array(np.full((3, 4), 7, "i2"))

    results = asyncio.run(pipeline.read(info, out))

    assert [r["status"] for r in results] == ["present", "present", "missing"]
    assert np.array_equal(out.as_numpy_array(), [DATA[1], DATA[3], [0] * 4])
    new = prototype.nd_buffer.from_numpy_array(np.array([[9] * 4, [8] * 4], "i2"))
    asyncio.run(pipeline.write([(places[0], spec, row, (1,), False)], new))
    zeros = prototype.nd_buffer.from_numpy_array(np.zeros((2, 4), "i2"))
    asyncio.run(pipeline.write([(places[1], spec, whole, whole, True)], zeros))
    assert z[:4].tolist() == [[0, 1, 2, 3], [8] * 4, [0] * 4, [0] * 4]
    assert z.nchunks_initialized == 2  # without the chunk of zeros
    taken = (slice(0, 2), 2)
    asyncio.run(pipeline.write([(places[0], spec, taken, (slice(0, 2), 0), False)], new))
    assert z[:2, 2].tolist() == [9, 8]


def test_pipelines_of_arrays_are_of_the_class_that_is_set() -> None:
    z = zarr.create_array(shape=4, dtype="i2", chunks=2, compressors=zarr.codecs.GzipCodec())
    path = "zarr.core.codec_pipeline.FusedCodecPipeline"

    with zarr.config.set({"codec_pipeline.path": path}):
        pipeline = z._async_array.codec_pipeline

    assert pipeline == FusedCodecPipeline((), *z.metadata.codecs[:1], z.metadata.codecs[1:])
    assert type(z.async_array.codec_pipeline) is BatchedCodecPipeline


@pytest.mark.parametrize("name", zarr.dtype.__all__)
def test_data_types_as_arguments(name) -> None:
    kind = getattr(zarr.dtype, name)
    if not (isinstance(kind, type) and issubclass(kind, zarr.dtype.ZDType)):
        pytest.skip("no data type")
    if kind is zarr.dtype.ZDType:
        pytest.skip("the base class")
    given = {
        "FixedLengthUTF32": {"length": 3}, "NullTerminatedBytes": {"length": 3},
        "RawBytes": {"length": 3}, "DateTime64": {"unit": "ns"}, "TimeDelta64": {"unit": "s"},
        "Struct": {"fields": (("a", zarr.dtype.Int8()), ("b", zarr.dtype.Float32()))},
        "Structured": {"fields": (("a", zarr.dtype.Int8()), ("b", zarr.dtype.Float32()))},
    }.get(name, {})  # fmt: skip
    data_type = kind(**given)
    for version in (2, 3):
        z = zarr.create_array(shape=2, dtype=data_type, zarr_format=version)
        again = zarr.dtype.parse_dtype(data_type.to_json(version), zarr_format=version)
        assert again.to_native_dtype() == data_type.to_native_dtype()
        value = data_type.default_scalar()
        z[0] = value
        assert z.metadata.dtype.to_json(2) == data_type.to_json(2)
        spelled = data_type.to_json_scalar(value, zarr_format=version)
        read = data_type.from_json_scalar(spelled, zarr_format=version)
        assert np.array_equal(read, value) or (read != read and value != value)


def test_data_types_of_numpy() -> None:
    for dtype in ("<i2", ">f8", "U4", "S3", "V5", "M8[ns]", "?", "c16", [("a", "<i4")]):
        found = zarr.dtype.data_type_registry.match_dtype(np.dtype(dtype))
        assert found.to_native_dtype() == np.dtype(dtype)
    with pytest.raises(DataTypeValidationError, match="objects"):
        zarr.dtype.data_type_registry.match_dtype(np.dtype(object))
