"""Codecs under the name that code for the 3.x library imports."""

from zarr._codecs.codec_classes import GzipCodec

__all__ = ["GzipCodec"]
