"""Compressors and filters.

The codec classes of `numcodecs` under the names they had before they moved there, and the
pipeline that turns chunks into bytes.
"""

import numcodecs as _numcodecs
from numcodecs import get_codec as get_codec
from numcodecs import register_codec as register_codec

from zarr.codecs.names import astype_step as astype_step
from zarr.codecs.names import codec_from as codec_from
from zarr.codecs.names import object_codec_of as object_codec_of
from zarr.codecs.names import step_from as step_from
from zarr.codecs.pipeline import CodecPipeline as CodecPipeline
from zarr.codecs.records import BloscCname as BloscCname
from zarr.codecs.records import BloscCodec as BloscCodec
from zarr.codecs.records import BloscShuffle as BloscShuffle
from zarr.codecs.records import BytesCodec as BytesCodec
from zarr.codecs.records import CastValueCodec as CastValueCodec
from zarr.codecs.records import Crc32cCodec as Crc32cCodec
from zarr.codecs.records import Endian as Endian
from zarr.codecs.records import GzipCodec as GzipCodec
from zarr.codecs.records import PackBitsCodec as PackBitsCodec
from zarr.codecs.records import ScaleOffsetCodec as ScaleOffsetCodec
from zarr.codecs.records import ShardingCodec as ShardingCodec
from zarr.codecs.records import ShardingCodecIndexLocation as ShardingCodecIndexLocation
from zarr.codecs.records import TransposeCodec as TransposeCodec
from zarr.codecs.records import VLenBytesCodec as VLenBytesCodec
from zarr.codecs.records import VLenUTF8Codec as VLenUTF8Codec
from zarr.codecs.records import ZstdCodec as ZstdCodec

# The documented names of this module are the codec classes of numcodecs.
_classes = {
    name: found
    for name, found in vars(_numcodecs).items()
    if isinstance(found, type) and issubclass(found, _numcodecs.abc.Codec)
}
globals().update(_classes)

__all__ = ["get_codec", "register_codec", *_classes]  # noqa: PLE0604  the names of classes
