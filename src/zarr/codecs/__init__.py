"""Compressors and filters.

The codec classes of `numcodecs` under the names they had before they moved there, and the
pipeline that turns chunks into bytes.
"""

from numcodecs import *  # noqa: F403  the documented names of this module are those
from numcodecs import get_codec, register_codec  # noqa: F401

from zarr.codecs.names import codec_from as codec_from
from zarr.codecs.names import object_codec_of as object_codec_of
from zarr.codecs.names import step_from as step_from
from zarr.codecs.pipeline import CodecPipeline as CodecPipeline
