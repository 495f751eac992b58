"""Compressors and filters.

The codec classes of `numcodecs` under the names they had before they moved there, and those
of version 3 of the format.
"""

from importlib import import_module as _import_module

import numcodecs as _numcodecs
from numcodecs import get_codec as get_codec
from numcodecs import register_codec as register_codec

from zarr._codecs import blosc_lock as _blosc_lock  # noqa: F401 (for what its import does)
from zarr._codecs.codec_classes import BloscCname as BloscCname
from zarr._codecs.codec_classes import BloscCodec as BloscCodec
from zarr._codecs.codec_classes import BloscShuffle as BloscShuffle
from zarr._codecs.codec_classes import BytesCodec as BytesCodec
from zarr._codecs.codec_classes import CastValueCodec as CastValueCodec
from zarr._codecs.codec_classes import Crc32cCodec as Crc32cCodec
from zarr._codecs.codec_classes import Endian as Endian
from zarr._codecs.codec_classes import GzipCodec as GzipCodec
from zarr._codecs.codec_classes import PackBitsCodec as PackBitsCodec
from zarr._codecs.codec_classes import ScaleOffsetCodec as ScaleOffsetCodec
from zarr._codecs.codec_classes import ShardingCodec as ShardingCodec
from zarr._codecs.codec_classes import ShardingCodecIndexLocation as ShardingCodecIndexLocation
from zarr._codecs.codec_classes import SubchunkWriteOrder as SubchunkWriteOrder
from zarr._codecs.codec_classes import TransposeCodec as TransposeCodec
from zarr._codecs.codec_classes import VLenBytesCodec as VLenBytesCodec
from zarr._codecs.codec_classes import VLenUTF8Codec as VLenUTF8Codec
from zarr._codecs.codec_classes import ZstdCodec as ZstdCodec

CastValue, ScaleOffset = CastValueCodec, ScaleOffsetCodec  # as the 3.x library names them

# The documented names of this module are the codec classes of numcodecs.
_classes = {
    name: found
    for name, found in vars(_numcodecs).items()
    if isinstance(found, type) and issubclass(found, _numcodecs.abc.Codec)
}
globals().update(_classes)

__all__ = ["get_codec", "register_codec", *_classes]  # noqa: PLE0604  the names of classes

_LATER = frozenset((
    "blosc", "bytes", "cast_value", "crc32c_", "gzip", "numcodecs", "scale_offset", "sharding",
    "transpose", "vlen_utf8", "zstd",
))  # fmt: skip
"""Modules of the 3.x library, which are imported at first use."""


def __getattr__(name: str) -> object:
    if name in _LATER:
        return _import_module(f"zarr.codecs.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
