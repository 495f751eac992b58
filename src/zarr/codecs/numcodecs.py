"""Codecs of numcodecs for arrays of format 3."""

from zarr._codecs.numcodecs_classes import (
    BZ2,
    CRC32,
    CRC32C,
    LZ4,
    LZMA,
    ZFPY,
    Adler32,
    AsType,
    BitRound,
    Blosc,
    Delta,
    FixedScaleOffset,
    Fletcher32,
    GZip,
    JenkinsLookup3,
    PackBits,
    PCodec,
    Quantize,
    Shuffle,
    Zlib,
    Zstd,
)
from zarr._codecs.numcodecs_classes import NumcodecsArrayArrayCodec as _NumcodecsArrayArrayCodec
from zarr._codecs.numcodecs_classes import NumcodecsArrayBytesCodec as _NumcodecsArrayBytesCodec
from zarr._codecs.numcodecs_classes import NumcodecsBytesBytesCodec as _NumcodecsBytesBytesCodec
from zarr._codecs.numcodecs_classes import NumcodecsCodec as _NumcodecsCodec

__all__ = [
    "BZ2",
    "CRC32",
    "CRC32C",
    "LZ4",
    "LZMA",
    "ZFPY",
    "Adler32",
    "AsType",
    "BitRound",
    "Blosc",
    "Delta",
    "FixedScaleOffset",
    "Fletcher32",
    "GZip",
    "JenkinsLookup3",
    "PCodec",
    "PackBits",
    "Quantize",
    "Shuffle",
    "Zlib",
    "Zstd",
    "_NumcodecsArrayArrayCodec",
    "_NumcodecsArrayBytesCodec",
    "_NumcodecsBytesBytesCodec",
    "_NumcodecsCodec",
]  # fmt: skip
