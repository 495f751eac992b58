"""Methods of built-in codecs, as code for the 3.x library calls them on buffers."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import numcodecs as nc
import numpy as np
import pytest

import zarr
from zarr.abc.codec import SupportsSyncCodec
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
    numcodecs,
)
from zarr.core.array_spec import ArrayConfig, ArraySpec
from zarr.core.buffer import default_buffer_prototype
from zarr.core.metadata.v3 import RectilinearChunkGridMetadata, RegularChunkGridMetadata
from zarr.dtype import VariableLengthBytes, VariableLengthUTF8, parse_dtype
from zarr.errors import ChunkDecodeError, MetadataError

DATA = np.arange(24, dtype="<i4").reshape(4, 6)
PROTOTYPE = default_buffer_prototype()


def spec_of(
    array: np.ndarray[Any, Any], fill: Any = None, *, dtype: Any = None, empty: bool = True
) -> ArraySpec:
    dtype = parse_dtype(array.dtype, zarr_format=3) if dtype is None else dtype
    fill = dtype.default_scalar() if fill is None else fill
    config = ArrayConfig(order="C", write_empty_chunks=empty)
    return ArraySpec(array.shape, dtype, fill, config, PROTOTYPE)


def elements(array: np.ndarray[Any, Any]) -> Any:
    return PROTOTYPE.nd_buffer.from_numpy_array(array)


def octets(data: bytes) -> Any:
    return PROTOTYPE.buffer.from_bytes(data)


def encode(codec: Any, chunk: Any, spec: ArraySpec) -> Any:
    (encoded,) = asyncio.run(codec.encode([(chunk, spec)]))
    return encoded


def decode(codec: Any, chunk: Any, spec: ArraySpec) -> Any:
    (decoded,) = asyncio.run(codec.decode([(chunk, spec)]))
    return decoded


FILTERS = [
    TransposeCodec(order=(1, 0)),
    TransposeCodec(order=(0, 1)),
    CastValueCodec("int64"),
    ScaleOffsetCodec(offset=1, scale=2),
    numcodecs.Delta(dtype="<i4"),
    numcodecs.Delta(),
    numcodecs.AsType(encode_dtype="<i8"),
    numcodecs.FixedScaleOffset(offset=0, scale=2, astype="<i2"),
]
SERIALIZERS = [
    BytesCodec(),
    BytesCodec("big"),
    BytesCodec(None),
    PackBitsCodec(),
    ShardingCodec(chunk_shape=(2, 3)),
    ShardingCodec(chunk_shape=(2, 3), codecs=[BytesCodec(), BloscCodec()], index_location="start"),
    ShardingCodec(chunk_shape=(4, 3), codecs=[ShardingCodec(chunk_shape=(2, 3)), GzipCodec()]),
]
COMPRESSORS = [
    GzipCodec(level=1),
    ZstdCodec(level=2, checksum=True),
    BloscCodec(),
    BloscCodec(cname="lz4", shuffle="bitshuffle"),
    Crc32cCodec(),
    numcodecs.Zlib(level=1),
    numcodecs.LZ4(),
    numcodecs.BZ2(),
    numcodecs.LZMA(preset=1),
    numcodecs.Shuffle(),
    numcodecs.CRC32(),
    numcodecs.Adler32(),
    numcodecs.Fletcher32(),
    numcodecs.JenkinsLookup3(),
]


@pytest.mark.parametrize("codec", FILTERS, ids=repr)
def test_filters_return_the_array_that_they_resolve_to(codec: Any) -> None:
    spec = spec_of(DATA)
    evolved = codec.evolve_from_array_spec(spec)

    encoded = encode(evolved, elements(DATA), spec)
    resolved = evolved.resolve_metadata(spec)
    assert encoded.shape == resolved.shape
    assert encoded.dtype == resolved.dtype.to_native_dtype()
    decoded = decode(evolved, encoded, spec).as_numpy_array()
    assert decoded.dtype == DATA.dtype
    assert np.array_equal(decoded, DATA)


def test_what_filters_make_of_an_array() -> None:
    spec = spec_of(DATA, 5)
    transposed = TransposeCodec(order=(1, 0))

    assert np.array_equal(encode(transposed, elements(DATA), spec).as_numpy_array(), DATA.T)
    assert transposed.resolve_metadata(spec).shape == (6, 4)
    scaled = ScaleOffsetCodec(offset=1, scale=2)
    assert scaled.resolve_metadata(spec).fill_value == (5 - 1) * 2
    cast = CastValueCodec("int64").resolve_metadata(spec)
    assert (cast.dtype.to_native_dtype(), cast.fill_value) == (np.dtype("i8"), 5)
    bits = numcodecs.PackBits()
    flags = DATA % 3 == 0
    packed = encode(bits, elements(flags), spec_of(flags)).as_numpy_array()
    assert packed.tobytes() == bytes(nc.PackBits().encode(flags))
    assert bits.resolve_metadata(spec_of(flags)).shape == packed.shape


@pytest.mark.parametrize("codec", SERIALIZERS, ids=repr)
def test_serializers_make_what_arrays_store(codec: Any) -> None:
    spec = spec_of(DATA)
    store = zarr.MemoryStore()
    z = zarr.create_array(
        store, shape=DATA.shape, chunks=DATA.shape, dtype="i4", serializer=codec, compressors=None,
        config={"write_empty_chunks": True},
    )  # fmt: skip
    z[:] = DATA

    encoded = encode(codec, elements(DATA), spec)
    assert encoded.to_bytes() == store["c/0/0"]
    assert np.array_equal(decode(codec, encoded, spec).as_numpy_array(), DATA)
    assert codec.resolve_metadata(spec) is spec


@pytest.mark.parametrize("codec", COMPRESSORS, ids=repr)
def test_compressors_of_bytes(codec: Any) -> None:
    spec = spec_of(DATA)
    evolved = codec.evolve_from_array_spec(spec)

    encoded = encode(evolved, octets(DATA.tobytes()), spec)
    assert decode(evolved, encoded, spec).to_bytes() == DATA.tobytes()
    assert evolved.resolve_metadata(spec) is spec
    if evolved.is_fixed_size:
        assert evolved.compute_encoded_size(DATA.nbytes, spec) == len(encoded)
    else:
        with pytest.raises(NotImplementedError, match="size of chunks that codec"):
            evolved.compute_encoded_size(DATA.nbytes, spec)


def test_gzip_can_be_decoded_by_others() -> None:
    spec = spec_of(DATA)

    encoded = encode(GzipCodec(), octets(DATA.tobytes()), spec)
    assert gzip.decompress(encoded.to_bytes()) == DATA.tobytes()
    given = octets(gzip.compress(DATA.tobytes()))
    assert decode(GzipCodec(), given, spec).to_bytes() == DATA.tobytes()


@pytest.mark.parametrize("dtype", [object, np.dtypes.StringDType()], ids=str)
def test_text(dtype: Any) -> None:
    text = np.array(["", "a", "\N{SNOWMAN}bc"], dtype)
    spec = spec_of(text, dtype=VariableLengthUTF8())
    codec = VLenUTF8Codec()

    encoded = encode(codec, elements(text), spec)
    assert encoded.to_bytes() == bytes(nc.VLenUTF8().encode(text.astype(object)))
    decoded = decode(codec, encoded, spec).as_numpy_array()
    assert decoded.dtype == spec.dtype.to_native_dtype()
    assert decoded.tolist() == text.tolist()


def test_bytes_of_any_length() -> None:
    data = np.array([b"", b"a", b"bcd"], object)
    spec = spec_of(data, dtype=VariableLengthBytes())

    encoded = encode(VLenBytesCodec(), elements(data), spec)
    assert encoded.to_bytes() == bytes(nc.VLenBytes().encode(data))
    assert decode(VLenBytesCodec(), encoded, spec).as_numpy_array().tolist() == data.tolist()


@pytest.mark.parametrize(
    "array", [np.array(7, "i2"), np.zeros((0, 3), "f8"), np.arange(3, dtype=">f4")]
)
def test_other_shapes_and_byte_orders(array: np.ndarray[Any, Any]) -> None:
    spec = spec_of(array)

    encoded = encode(BytesCodec("little"), elements(array), spec)
    assert encoded.to_bytes() == array.astype(array.dtype.newbyteorder("<")).tobytes()
    decoded = decode(BytesCodec("little"), encoded, spec).as_numpy_array()
    assert decoded.shape == array.shape
    assert np.array_equal(decoded, array)


def test_absent_chunks_stay_absent() -> None:
    spec = spec_of(DATA)
    pairs = [(elements(DATA), spec), (None, spec), (elements(DATA + 1), spec)]

    first, second, third = asyncio.run(BytesCodec().encode(iter(pairs)))
    assert second is None
    assert (first.to_bytes(), third.to_bytes()) == (DATA.tobytes(), (DATA + 1).tobytes())
    decoded = asyncio.run(BytesCodec().decode([(None, spec), (third, spec)]))
    assert decoded[0] is None
    assert np.array_equal(decoded[1].as_numpy_array(), DATA + 1)
    assert asyncio.run(GzipCodec().encode([(octets(b""), spec)]))[0].to_bytes() != b""


def test_shards_leave_out_empty_chunks_if_the_array_does() -> None:
    codec = ShardingCodec(chunk_shape=(2, 6))
    half = np.where(np.arange(4)[:, None] < 2, DATA, 9).astype("i4")
    empty, spec = np.full_like(DATA, 9), spec_of(DATA, 9, empty=False)

    assert encode(codec, elements(empty), spec) is None
    encoded = encode(codec, elements(half), spec)
    assert len(encoded) == half.nbytes // 2 + 2 * 16 + 4
    assert np.array_equal(decode(codec, encoded, spec).as_numpy_array(), half)
    whole = encode(codec, elements(half), spec_of(DATA, 9))
    assert len(whole) == codec.compute_encoded_size(half.nbytes, spec)


@pytest.mark.parametrize(
    ("codec", "size"),
    [
        (BytesCodec("big"), 96),
        (TransposeCodec(order=(1, 0)), 96),
        (ScaleOffsetCodec(scale=2), 96),
        (CastValueCodec("int64"), 192),
        (PackBitsCodec(last_bit=3), 12),
        (Crc32cCodec(), 100),
        (ShardingCodec(chunk_shape=(2, 3)), 96 + 4 * 16 + 4),
    ],
    ids=repr,
)
def test_size_of_encoded_chunks(codec: Any, size: int) -> None:
    assert codec.compute_encoded_size(96, spec_of(DATA)) == size


@pytest.mark.parametrize("codec", [ShardingCodec(chunk_shape=(2, 3), codecs=["bytes", "gzip"])])
def test_size_that_depends_on_the_data(codec: Any) -> None:
    assert not codec.is_fixed_size
    with pytest.raises(NotImplementedError, match="sharding_indexed"):
        codec.compute_encoded_size(96, spec_of(DATA))


def test_codecs_complete_what_they_leave_to_the_array() -> None:
    spec, plain = spec_of(DATA), spec_of(DATA.astype("u1"))

    blosc = BloscCodec().evolve_from_array_spec(spec)
    assert (blosc.typesize, blosc.shuffle) == (4, "shuffle")
    assert BloscCodec().evolve_from_array_spec(plain).shuffle == "bitshuffle"
    assert BytesCodec().evolve_from_array_spec(plain) == BytesCodec(None)
    assert BytesCodec("big").evolve_from_array_spec(spec) == BytesCodec("big")
    shards = ShardingCodec(chunk_shape=(2, 3), codecs=[BytesCodec(None), BloscCodec()])
    assert shards.evolve_from_array_spec(spec).codecs == (BytesCodec("little"), blosc)
    shuffle = numcodecs.Shuffle().evolve_from_array_spec(spec)
    assert shuffle == numcodecs.Shuffle(elementsize=4)
    cast = numcodecs.AsType(encode_dtype="<i8").evolve_from_array_spec(spec)
    assert cast == numcodecs.AsType(encode_dtype="<i8", decode_dtype="<i4")


@pytest.mark.parametrize(
    "codec",
    [
        numcodecs.Delta(),
        numcodecs.AsType(encode_dtype="<f4"),
        numcodecs.FixedScaleOffset(offset=0, scale=4),
        numcodecs.Quantize(digits=3),
    ],
    ids=repr,
)
@pytest.mark.parametrize("shards", [None, (4, 6)])
def test_arrays_complete_what_filters_leave_out(codec: Any, shards: Any) -> None:
    """zarr-python 3.4.2 does so, too; for Delta it raises a TypeError."""
    store = zarr.MemoryStore()
    z = zarr.create_array(
        store, shape=(4, 6), chunks=(2, 6), shards=shards, dtype="f8", filters=codec
    )
    z[:] = DATA / 4

    assert np.array_equal(zarr.open_array(store)[:], DATA / 4)


@pytest.mark.parametrize("shards", [None, (4,)])
def test_codecs_after_a_filter_are_completed_for_what_it_makes(shards: Any) -> None:
    """Without a byte order, other readers refuse elements of two bytes."""
    z = zarr.create_array(
        shape=4, chunks=2, shards=shards, dtype="int8", filters=CastValueCodec("int16"),
        compressors=BloscCodec(),
    )  # fmt: skip
    z[:] = [1, -2, 3, 4]

    _, serializer, compressor = z.metadata.inner_codecs
    assert serializer == BytesCodec("little")
    assert (compressor.typesize, compressor.shuffle) == (2, "shuffle")
    assert z[:].tolist() == [1, -2, 3, 4]


def test_shuffles_have_the_size_of_elements() -> None:
    """A reader that takes another size for absent ones, as zarr-python does, is not misled."""
    z = zarr.create_array(shape=4, dtype="f8", compressors=numcodecs.Shuffle())

    assert z.compressors == (numcodecs.Shuffle(elementsize=8),)


REGULAR = RegularChunkGridMetadata(chunk_shape=(2, 3))
RAGGED = RectilinearChunkGridMetadata(chunk_shapes=((2, 4), 3))


@pytest.mark.parametrize("grid", [REGULAR, RAGGED, None], ids=["regular", "ragged", "none"])
def test_validate(grid: Any) -> None:
    dtype = parse_dtype("int32", zarr_format=3)

    for codec in (BytesCodec(), TransposeCodec(order=(1, 0)), ShardingCodec(chunk_shape=(2, 3))):
        codec.validate(shape=(6, 9), dtype=dtype, chunk_grid=grid)
    for codec, reason in [
        (TransposeCodec(order=(0, 2, 1)), "permutation of 2 dimensions"),
        (ShardingCodec(chunk_shape=(4, 3)), "must divide"),
        (numcodecs.LZ4(nope=1), "nope"),
        (BytesCodec("middle"), "endian"),
    ]:
        with pytest.raises(ValueError, match=reason):
            codec.validate(shape=(6, 9), dtype=dtype, chunk_grid=grid)
    with pytest.raises(MetadataError, match="dimensions"):
        BytesCodec().validate(shape=(6,), dtype=dtype, chunk_grid=REGULAR)


@pytest.mark.parametrize(
    ("codec", "chunk"),
    [
        (BytesCodec(), octets(b"short")),
        (GzipCodec(), octets(b"no gzip")),
        (BloscCodec(), octets(b"no blosc at all, but long enough")),
        (Crc32cCodec(), octets(b"no checksum")),
        (numcodecs.Zlib(), octets(b"no zlib")),
        (ShardingCodec(chunk_shape=(2, 3)), octets(b"too short for an index")),
        (TransposeCodec(order=(1, 0)), elements(DATA[:2])),
    ],
    ids=lambda value: getattr(value, "name", None) or type(value).__name__,
)
def test_what_cannot_be_decoded_is_an_error(codec: Any, chunk: Any) -> None:
    with pytest.raises(ChunkDecodeError, match="codec '"):
        decode(codec, chunk, spec_of(DATA))


def test_a_chunk_of_another_shape_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"shape \(2, 6\) was given, expected \(4, 6\)"):
        encode(BytesCodec(), elements(DATA[:2]), spec_of(DATA))


def test_codecs_run_without_a_loop() -> None:
    spec = spec_of(DATA)

    for codec in (BytesCodec(), numcodecs.Zlib()):
        assert isinstance(codec, SupportsSyncCodec)
    encoded = BytesCodec()._encode_sync(elements(DATA), spec)
    assert encoded.to_bytes() == DATA.tobytes()
    assert np.array_equal(BytesCodec()._decode_sync(encoded, spec).as_numpy_array(), DATA)


def test_codecs_of_an_array_decode_its_chunks() -> None:
    """As clients decode what they have fetched themselves."""
    store = zarr.MemoryStore()
    z = zarr.create_array(
        store, data=DATA, chunks=(4, 3), filters=TransposeCodec(order=(1, 0)),
        compressors=[BloscCodec(), Crc32cCodec()],
    )  # fmt: skip
    spec = spec_of(DATA[:, :3])
    specs = []
    for codec in z.metadata.codecs:
        specs.append(spec)
        spec = codec.resolve_metadata(spec)
    chunk = octets(store["c/0/1"])

    for codec, before in zip(reversed(z.metadata.codecs), reversed(specs), strict=True):
        chunk = decode(codec, chunk, before)
    assert np.array_equal(chunk.as_numpy_array(), DATA[:, 3:])
