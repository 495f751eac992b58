"""Codecs under the name that code for the 3.x library imports."""

from zarr.core.codec_pipeline import V2Codec

__all__ = ["V2Codec"]
