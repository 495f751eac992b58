"""Encode and decode chunks with single codecs, by the methods of zarr-python 3.

The same program runs with zarr-python and with this package. It takes from its standard input
what another one has encoded, in hexadecimal digits by the name of the case, and prints as JSON what
it has encoded itself, what it has decoded, and what it says of the codecs.
"""

from __future__ import annotations

import asyncio
import json
import sys

import numpy as np

from zarr import codecs
from zarr.codecs import numcodecs
from zarr.core.array_spec import ArrayConfig, ArraySpec
from zarr.core.buffer import default_buffer_prototype
from zarr.dtype import parse_dtype

NUMBERS = np.arange(24, dtype="<i4").reshape(4, 6)
FLOATS = np.linspace(0, 1, 24, dtype="<f8").reshape(4, 6)
TEXT = np.array(["", "a", "bcd", "\N{SNOWMAN}"], object)
OF_ARRAYS = {
    "bytes": (codecs.BytesCodec(), NUMBERS),
    "bytes big": (codecs.BytesCodec(endian="big"), NUMBERS),
    "bytes of one byte": (codecs.BytesCodec(), NUMBERS.astype("u1")),
    "transpose": (codecs.TransposeCodec(order=(1, 0)), NUMBERS),
    "vlen-utf8": (codecs.VLenUTF8Codec(), TEXT),
    "sharding": (codecs.ShardingCodec(chunk_shape=(2, 3)), NUMBERS),
    "sharding blosc": (
        codecs.ShardingCodec(
            chunk_shape=(2, 3), codecs=[codecs.BytesCodec(), codecs.BloscCodec(cname="lz4")]
        ),
        NUMBERS,
    ),
    "sharding in front": (
        codecs.ShardingCodec(chunk_shape=(4, 3), index_location="start"), NUMBERS,
    ),
    "scale_offset": (codecs.ScaleOffset(offset=1, scale=2), NUMBERS),
    "delta": (numcodecs.Delta(dtype="<i4"), NUMBERS),
    "astype": (numcodecs.AsType(encode_dtype="<i8"), NUMBERS),
    "fixedscaleoffset": (numcodecs.FixedScaleOffset(offset=0, scale=100, astype="<i2"), FLOATS),
    "quantize": (numcodecs.Quantize(digits=2), FLOATS),
    "bitround": (numcodecs.BitRound(keepbits=5), FLOATS),
    "packbits": (numcodecs.PackBits(), NUMBERS % 3 == 0),
}  # fmt: skip
OF_BYTES = {
    "gzip": codecs.GzipCodec(level=1),
    "zstd": codecs.ZstdCodec(level=3, checksum=True),
    "blosc": codecs.BloscCodec(),
    "blosc bits": codecs.BloscCodec(cname="lz4", shuffle="bitshuffle", typesize=2),
    "crc32c": codecs.Crc32cCodec(),
    "lz4": numcodecs.LZ4(),
    "numcodecs zlib": numcodecs.Zlib(level=2),
    "numcodecs bz2": numcodecs.BZ2(),
    "numcodecs lzma": numcodecs.LZMA(preset=1),
    "shuffle": numcodecs.Shuffle(),
    "crc32": numcodecs.CRC32(),
    "adler32": numcodecs.Adler32(),
    "fletcher32": numcodecs.Fletcher32(),
    "jenkins": numcodecs.JenkinsLookup3(),
}
CASES = {**OF_ARRAYS, **{name: (codec, NUMBERS) for name, codec in OF_BYTES.items()}}


def spec_of(array: np.ndarray) -> ArraySpec:
    dtype = parse_dtype("string" if array.dtype == object else array.dtype.name, zarr_format=3)
    config = ArrayConfig(order="C", write_empty_chunks=True)
    return ArraySpec(
        array.shape, dtype, dtype.default_scalar(), config, default_buffer_prototype()
    )  # fmt: skip


def chunk_of(name: str, array: np.ndarray) -> object:
    prototype = default_buffer_prototype()
    if name in OF_BYTES:
        return prototype.buffer.from_bytes(array.tobytes())
    return prototype.nd_buffer.from_numpy_array(array)


def digits_of(chunk: object) -> str:
    if hasattr(chunk, "to_bytes"):
        return chunk.to_bytes().hex()
    array = chunk.as_numpy_array()
    if array.dtype.kind in "OT":
        return json.dumps(array.tolist())
    return array.tobytes().hex()


def encoded_from(digits: str, name: str, codec: object, spec: ArraySpec) -> object:
    """Return the encoded chunk that another program has written as digits."""
    data, prototype = bytes.fromhex(digits), spec.prototype
    encoded = codec.resolve_metadata(spec)
    if name in OF_BYTES or not hasattr(codec, "resolve_metadata") or is_serializer(codec):
        return prototype.buffer.from_bytes(data)
    array = np.frombuffer(data, encoded.dtype.to_native_dtype()).reshape(encoded.shape)
    return prototype.nd_buffer.from_numpy_array(array)


def is_serializer(codec: object) -> bool:
    from zarr.abc.codec import ArrayBytesCodec

    return isinstance(codec, ArrayBytesCodec)


async def answers(others: dict[str, str]) -> dict[str, dict[str, object]]:
    found = {}
    for name, (codec, array) in CASES.items():
        spec = spec_of(array)
        evolved = codec.evolve_from_array_spec(spec)
        encoded, missing = await evolved.encode([(chunk_of(name, array), spec), (None, spec)])
        resolved = evolved.resolve_metadata(spec)
        found[name] = {
            "encoded": digits_of(encoded),
            "none": missing,
            "resolved": [list(resolved.shape), str(resolved.dtype)],
            "fixed": evolved.is_fixed_size,
        }
        if evolved.is_fixed_size:
            found[name]["size"] = evolved.compute_encoded_size(array.nbytes, spec)
        if name in others:
            given = encoded_from(others[name], name, evolved, spec)
            (decoded,) = await evolved.decode([(given, spec)])
            found[name]["decoded"] = digits_of(decoded)
    return found


if __name__ == "__main__":
    json.dump(asyncio.run(answers(json.load(sys.stdin))), sys.stdout)
