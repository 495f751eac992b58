"""Metadata of version 1 of the format as dictionaries, for code written for 2.x."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from zarr.meta import decode_dtype, encode_dtype, json_dumps, parse_metadata

__all__ = ["decode_dtype", "decode_metadata", "encode_dtype", "encode_metadata"]


def decode_metadata(b: Mapping[str, Any] | bytes | str) -> dict[str, Any]:
    """Return the content of a document named ``meta``, with NumPy's dtype."""
    members = dict(parse_metadata(b))
    shape, chunks = tuple(members["shape"]), tuple(members["chunks"])
    return {**members, "shape": shape, "chunks": chunks, "dtype": decode_dtype(members["dtype"])}


def encode_metadata(meta: Mapping[str, Any]) -> bytes:
    """Return the text of a document named ``meta``."""
    dtype = encode_dtype(np.dtype(meta["dtype"]))
    return json_dumps({"zarr_format": 1, **meta, "dtype": dtype})
