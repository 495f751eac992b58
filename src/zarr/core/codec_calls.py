"""What the methods of built-in codecs do that code for the 3.x library calls.

Each codec is bound to the chunk that an `ArraySpec` describes, as the engine binds the codecs of an
array, and the engine's own objects encode and decode.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from zarr._codecs import v3_codecs
from zarr._codecs.array_codecs import as_array
from zarr._codecs.builtin import check_settings, encoded_limit, encoder
from zarr._codecs.codec_names import step_from, unavailable
from zarr._codecs.objects import decode_unsized
from zarr._codecs.pipeline import CodecPipeline
from zarr._codecs.v3_codecs import Bound
from zarr._metadata.records import ArrayMeta, Step
from zarr._selection.grid import Grid
from zarr.core.array_spec import ArraySpec
from zarr.core.dtype import data_type_registry
from zarr.core.dtype.wrapper import ZDType
from zarr.core.foreign_codecs import role_of
from zarr.errors import ChunkDecodeError, MetadataError

__all__ = ["decode", "encode", "encoded_size", "evolved", "resolved", "validate"]


def evolved(codec: Any, spec: ArraySpec) -> Any:
    """Return `codec` with what it leaves to arrays like that of `spec`."""
    step, _ = _bind(codec, spec.dtype, spec.shape, spec.fill_value)
    return type(codec).from_dict(step.config)


def resolved(codec: Any, spec: ArraySpec) -> ArraySpec:
    """Return what `codec` makes of the chunk of `spec`, if that is an array."""
    step, bound = _bind(codec, spec.dtype, spec.shape, spec.fill_value)
    if step.role != "filter":
        return spec
    is_same = bound.dtype == _dtype_here(spec.dtype)
    dtype = spec.dtype if is_same else data_type_registry.match_dtype(bound.dtype)
    fill = spec.fill_value if bound.fill_value is None else bound.fill_value
    return replace(spec, shape=bound.shape, dtype=dtype, fill_value=fill)


def validate(codec: Any, shape: tuple[int, ...], dtype: ZDType[Any, Any], grid: Any) -> None:
    """Raise `MetadataError` unless `codec` can encode the chunks of an array."""
    lengths = shape if grid is None else grid.lengths
    if len(lengths) != len(shape):
        raise MetadataError(f"chunks {lengths} have another number of dimensions than {shape}")
    # What fits the length that divides those of all chunks fits each of them.
    chunk = [n if isinstance(n, int) else math.gcd(*n) for n in lengths]
    _bind(codec, dtype, tuple(chunk), None)


def encoded_size(codec: Any, nbytes: int, spec: ArraySpec) -> int:
    """Return how many bytes `codec` makes of the `nbytes` bytes of the chunk of `spec`."""
    step, bound = _bind(codec, spec.dtype, spec.shape, spec.fill_value)
    if not _is_predictable(codec):
        raise NotImplementedError(
            f"the size of chunks that codec {step.name!r} encodes is not known before"
        )
    if bound.codec is None:
        return nbytes
    if step.role == "filter":
        return nbytes // _dtype_here(spec.dtype).itemsize * bound.dtype.itemsize
    size = encoded_limit(bound.codec, math.prod(spec.shape), nbytes)
    return nbytes if size is None else size


def _is_predictable(codec: Any) -> bool:
    """Tell whether the size of what `codec` makes does not depend on the data."""
    inner = getattr(codec, "codecs", ())  # of the chunks in a shard
    return all(map(_is_predictable, inner)) if inner else codec.is_fixed_size


def encode(codec: Any, chunk: Any, spec: ArraySpec) -> Any:
    """Return the buffer that `codec` makes of the buffer `chunk`.

    None for a shard of fill values, if they are not to be stored.
    """
    prototype, dtype = spec.prototype, _dtype_here(spec.dtype)
    step, bound = _bind(codec, spec.dtype, spec.shape, spec.fill_value)
    if step.role == "compressor":
        data = encoder(bound.codec)(np.ascontiguousarray(chunk.as_numpy_array()))
        return prototype.buffer.from_bytes(_octets(data))
    array = chunk.as_numpy_array().astype(dtype, copy=False)
    if array.shape != spec.shape:
        raise ValueError(f"a chunk of shape {array.shape} was given, expected {spec.shape}")
    if step.role == "serializer":
        return _serialize(step, array, spec)
    if bound.codec is not None:
        array = _shaped(encoder(bound.codec)(np.ascontiguousarray(array)), bound)
    return prototype.nd_buffer.from_numpy_array(array)


def decode(codec: Any, chunk: Any, spec: ArraySpec) -> Any:
    """Return the buffer of which `codec` has made the buffer `chunk`."""
    step, bound = _bind(codec, spec.dtype, spec.shape, spec.fill_value)
    try:
        data = np.ascontiguousarray(chunk.as_numpy_array())
        if step.role == "compressor":
            decoded = decode_unsized(bound.codec, data, None, 2 * _nbytes(spec))
            return spec.prototype.buffer.from_bytes(_octets(decoded))
        if step.role == "serializer":
            array = _pipeline(step, spec, spec.fill_value).decode(data)
        else:
            plain = Bound(None, _dtype_here(spec.dtype), spec.shape, None)
            array = _shaped(data if bound.codec is None else bound.codec.decode(data), plain)
    except ChunkDecodeError as error:
        raise ChunkDecodeError(f"codec {step.name!r}: the chunk {error.reason}") from error
    except Exception as error:  # codecs raise what they like
        raise ChunkDecodeError(f"codec {step.name!r} cannot decode the chunk: {error}") from error
    array = array.astype(spec.dtype.to_native_dtype(), copy=False)
    return spec.prototype.nd_buffer.from_numpy_array(array)


def _bind(
    codec: Any, dtype: ZDType[Any, Any], shape: tuple[int, ...], fill_value: Any
) -> tuple[Step, Bound]:
    """Return the step that `codec` is in arrays of `dtype`, and its codec for one chunk."""
    before = Bound(None, _dtype_here(dtype), shape, fill_value)
    step = step_from(role_of(type(codec)), codec)
    try:
        step = step._replace(config=v3_codecs.completed(dict(step.config), before.dtype))
        bound = v3_codecs.bind(step, before)
        check_settings(bound.codec)
    except Exception as error:  # codecs raise what they like
        raise MetadataError(unavailable(step, error)) from error
    return step, bound


def _dtype_here(dtype: ZDType[Any, Any]) -> np.dtype[Any]:
    """Return the dtype of arrays here, in which text is objects."""
    native: np.dtype[Any] = dtype.to_native_dtype()
    return np.dtype(object) if native.kind == "T" else native


def _serialize(step: Step, array: np.ndarray[Any, Any], spec: ArraySpec) -> Any:
    skips_empty = not spec.config.write_empty_chunks and spec.fill_value is not None
    if skips_empty and step.name == v3_codecs.SHARDING and _is_all(array, spec.fill_value):
        return None
    # A shard has all of its chunks unless there is a fill value that they can be compared with.
    pipeline = _pipeline(step, spec, spec.fill_value if skips_empty else None)
    data = pipeline.encode(np.ascontiguousarray(array, pipeline.dtype))
    return spec.prototype.buffer.from_bytes(_octets(data))


def _is_all(array: np.ndarray[Any, Any], value: Any) -> bool:
    full = np.full_like(array, value)
    if array.dtype.hasobject:
        return bool((array == full).all())
    return array.tobytes() == full.tobytes()


def _pipeline(step: Step, spec: ArraySpec, fill_value: Any) -> CodecPipeline:
    meta = ArrayMeta(
        spec.shape, _dtype_here(spec.dtype), Grid(spec.shape), fill_value, steps=(step,)
    )
    return CodecPipeline(meta)


def _shaped(data: Any, bound: Bound) -> np.ndarray[Any, Any]:
    """Return what a codec has returned as the array that it stands for."""
    if bound.dtype.hasobject:
        return np.asarray(data, bound.dtype).reshape(bound.shape)
    return as_array(data, bound.dtype, bound.shape)


def _octets(data: Any) -> bytes:
    return data.tobytes() if isinstance(data, np.ndarray) else bytes(data)


def _nbytes(spec: ArraySpec) -> int:
    dtype = _dtype_here(spec.dtype)
    return 0 if dtype.hasobject else math.prod(spec.shape) * dtype.itemsize
