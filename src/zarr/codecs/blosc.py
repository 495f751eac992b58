"""Codecs under the name that code for the 3.x library imports."""

from zarr._codecs.codec_classes import BloscCname as BloscCname
from zarr._codecs.codec_classes import BloscCodec as BloscCodec
from zarr._codecs.codec_classes import BloscShuffle as BloscShuffle
