"""Metadata of version 2 of the format as dictionaries, for code written for 2.x."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from zarr import _formats
from zarr._codecs.codec_names import step_from
from zarr._metadata import dtypes, v2_data_types
from zarr._metadata.records import ArrayMeta, ChunkKeys, GroupMeta
from zarr._metadata.v2_data_types import decode_data_type as decode_dtype
from zarr._metadata.v2_data_types import encode_data_type as encode_dtype
from zarr._selection.grid import Grid
from zarr.errors import MetadataError
from zarr.util import json_dumps, json_loads

__all__ = [
    "ZARR_FORMAT", "MetadataError", "decode_array_metadata", "decode_dtype", "decode_fill_value",
    "decode_group_metadata", "encode_array_metadata", "encode_dtype", "encode_fill_value",
    "encode_group_metadata", "json_dumps", "json_loads", "parse_metadata",
]  # fmt: skip

ZARR_FORMAT = _formats.DEFAULT.version


def parse_metadata(s: Mapping[str, Any] | bytes | str) -> Mapping[str, Any]:
    """Return the JSON object in `s`, or `s` itself if it is one already."""
    members: Mapping[str, Any] = s if isinstance(s, Mapping) else json_loads(s)
    return members


def encode_fill_value(v: Any, dtype: np.dtype[Any], object_codec: Any = None) -> Any:
    """Return a fill value as JSON has it."""
    dtype = np.dtype(dtype)
    return v2_data_types.encode_fill(dtypes.normalize_fill_value(v, dtype), dtype, object_codec)


def decode_fill_value(v: Any, dtype: np.dtype[Any], object_codec: Any = None) -> Any:
    """Return the fill value that JSON has as `v`."""
    return v2_data_types.decode_fill(v, np.dtype(dtype), object_codec)


def encode_array_metadata(meta: Mapping[str, Any]) -> bytes:
    """Return the content of a ``.zarray``, with NumPy's dtype and fill value, as its text."""
    dtype, inner = np.dtype(meta["dtype"]), ()
    if dtype.subdtype is not None:
        dtype, inner = dtype.subdtype
    steps = [step_from("filter", config) for config in meta.get("filters") or ()]
    if meta.get("compressor") is not None:
        steps.append(step_from("compressor", meta["compressor"]))
    separator = meta.get("dimension_separator")
    keys = ChunkKeys() if separator is None else ChunkKeys(separator, stated=True)
    shape, chunks = (*meta["shape"], *inner), tuple(meta["chunks"])
    array = ArrayMeta(
        shape=shape,
        dtype=dtype,
        grid=Grid((*chunks, *inner) if len(chunks) < len(shape) else chunks),
        fill_value=dtypes.normalize_fill_value(meta.get("fill_value"), dtype),
        order=meta.get("order", "C"),
        keys=keys,
        steps=tuple(steps),
    )
    return _formats.DEFAULT.dump_array(array)


def decode_array_metadata(s: Mapping[str, Any] | bytes | str) -> dict[str, Any]:
    """Return the content of a ``.zarray`` with NumPy's dtype and fill value."""
    members = dict(parse_metadata(s))
    array = _formats.DEFAULT.parse_array(json_dumps(members), ".zarray")
    return {
        **members, "shape": array.shape, "chunks": array.chunks, "dtype": array.dtype,
        "fill_value": array.fill_value,
    }  # fmt: skip


def encode_group_metadata(meta: Mapping[str, Any] | None = None) -> bytes:
    """Return the text of a ``.zgroup``."""
    return _formats.DEFAULT.dump_group(GroupMeta())


def decode_group_metadata(s: Mapping[str, Any] | bytes | str) -> dict[str, Any]:
    """Return the content of a ``.zgroup``, which is checked."""
    members = dict(parse_metadata(s))
    _formats.DEFAULT.parse_group(json_dumps(members), ".zgroup")
    return members
