"""Codecs under the name that code for the 3.x library imports."""

from zarr._codecs.codec_classes import ScaleOffsetCodec

__all__ = ["ScaleOffsetCodec"]
