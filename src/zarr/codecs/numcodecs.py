"""Codecs of numcodecs for arrays of format 3."""

from zarr._codecs.numcodecs_classes import Adler32 as Adler32
from zarr._codecs.numcodecs_classes import AsType as AsType
from zarr._codecs.numcodecs_classes import BZ2 as BZ2
from zarr._codecs.numcodecs_classes import BitRound as BitRound
from zarr._codecs.numcodecs_classes import Blosc as Blosc
from zarr._codecs.numcodecs_classes import CRC32 as CRC32
from zarr._codecs.numcodecs_classes import CRC32C as CRC32C
from zarr._codecs.numcodecs_classes import Delta as Delta
from zarr._codecs.numcodecs_classes import FixedScaleOffset as FixedScaleOffset
from zarr._codecs.numcodecs_classes import Fletcher32 as Fletcher32
from zarr._codecs.numcodecs_classes import GZip as GZip
from zarr._codecs.numcodecs_classes import JenkinsLookup3 as JenkinsLookup3
from zarr._codecs.numcodecs_classes import LZ4 as LZ4
from zarr._codecs.numcodecs_classes import LZMA as LZMA
from zarr._codecs.numcodecs_classes import PCodec as PCodec
from zarr._codecs.numcodecs_classes import PackBits as PackBits
from zarr._codecs.numcodecs_classes import Quantize as Quantize
from zarr._codecs.numcodecs_classes import Shuffle as Shuffle
from zarr._codecs.numcodecs_classes import ZFPY as ZFPY
from zarr._codecs.numcodecs_classes import Zlib as Zlib
from zarr._codecs.numcodecs_classes import Zstd as Zstd
from zarr._codecs.numcodecs_classes import NumcodecsArrayArrayCodec as _NumcodecsArrayArrayCodec
from zarr._codecs.numcodecs_classes import NumcodecsArrayBytesCodec as _NumcodecsArrayBytesCodec
from zarr._codecs.numcodecs_classes import NumcodecsBytesBytesCodec as _NumcodecsBytesBytesCodec
from zarr._codecs.numcodecs_classes import NumcodecsCodec as _NumcodecsCodec

__all__ = [
    "Adler32", "AsType", "BZ2", "BitRound", "Blosc", "CRC32", "CRC32C", "Delta", "FixedScaleOffset", "Fletcher32", "GZip", "JenkinsLookup3", "LZ4", "LZMA", "PCodec", "PackBits", "Quantize", "Shuffle", "ZFPY", "Zlib", "Zstd",
    "_NumcodecsArrayArrayCodec", "_NumcodecsArrayBytesCodec", "_NumcodecsBytesBytesCodec",
    "_NumcodecsCodec",
]  # fmt: skip
