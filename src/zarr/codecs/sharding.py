"""Codecs under the name that code for the 3.x library imports."""

from zarr._codecs.codec_classes import (
    ShardingCodec,
    ShardingCodecIndexLocation,
    SubchunkWriteOrder,
)

__all__ = ["ShardingCodec", "ShardingCodecIndexLocation", "SubchunkWriteOrder"]
