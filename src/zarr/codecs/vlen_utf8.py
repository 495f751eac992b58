"""Codecs under the name that code for the 3.x library imports."""

from zarr._codecs.codec_classes import VLenBytesCodec as VLenBytesCodec
from zarr._codecs.codec_classes import VLenUTF8Codec as VLenUTF8Codec
