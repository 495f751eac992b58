"""What an array is when its chunks are understood differently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from zarr._codecs.codec_names import astype_step, step_from
from zarr._metadata import dtypes
from zarr._metadata.records import ArrayMeta
from zarr._selection.grid import normalize_grid, normalize_shape

__all__ = ["converted", "viewed"]


def viewed(
    meta: ArrayMeta,
    shape: int | tuple[int, ...] | None,
    chunks: Any,
    dtype: Any,
    fill_value: Any,
    filters: Sequence[Any] | None,
) -> ArrayMeta:
    """Return `meta` with what is given in place of what it has."""
    changes: dict[str, Any] = {}
    if shape is not None:
        changes["shape"] = normalize_shape(shape)
    if dtype is not None:
        changes["dtype"] = dtypes.normalize_dtype(dtype)[0]
    if chunks is not None:
        lengths = changes.get("shape", meta.shape)
        changes["grid"] = normalize_grid(chunks, None, lengths, meta.dtype.itemsize)
    if filters is not None:
        kept = [step for step in meta.steps if step.role != "filter"]
        changes["steps"] = (*[step_from("filter", codec) for codec in filters], *kept)
    kind = changes.get("dtype", meta.dtype)
    fill = dtypes.viewed_fill(meta.fill_value, kind) if fill_value is None else fill_value
    return replace(meta, fill_value=dtypes.normalize_fill_value(fill, kind), **changes)


def converted(meta: ArrayMeta, dtype: np.dtype[Any]) -> ArrayMeta:
    """Return `meta` with items of another dtype, into which they are converted when read."""
    steps = (astype_step(meta.dtype, dtype), *meta.steps)
    fill = dtypes.viewed_fill(meta.fill_value, dtype)
    return replace(meta, dtype=dtype, steps=steps, fill_value=fill)
