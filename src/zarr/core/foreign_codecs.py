"""Codecs derived from the classes of :mod:`zarr.abc.codec`, as the engine uses codecs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from zarr._codecs.v3_codecs import Bound
from zarr._metadata.records import Role, Step
from zarr.abc.codec import ArrayArrayCodec, ArrayBytesCodec
from zarr.core.array_spec import ArraySpec, parse_array_config
from zarr.core.buffer import default_buffer_prototype
from zarr.core.dtype import data_type_registry
from zarr.core.dtype.registry import of_objects
from zarr.core.sync import sync

__all__ = ["binder_of", "role_of"]


def role_of(cls: type[Any]) -> Role:
    """Return the place of the codecs of a class among those of an array."""
    if issubclass(cls, ArrayArrayCodec):
        return "filter"
    return "serializer" if issubclass(cls, ArrayBytesCodec) else "compressor"


def binder_of(cls: type[Any]) -> Callable[[Step, Bound], Bound]:
    """Return the function that binds the codecs of a class to chunks."""

    def bind(step: Step, before: Bound) -> Bound:
        spec = _spec_of(before)
        codec = cls.from_dict(dict(step.config)).evolve_from_array_spec(spec)
        codec.validate(shape=before.shape, dtype=spec.dtype, chunk_grid=None)
        encoded = codec.resolve_metadata(spec)
        bound = ForeignCodec(step.name, codec, spec, encoded, role_of(cls))
        return Bound(bound, bound.encoded_dtype, encoded.shape, encoded.fill_value)

    return bind


def _spec_of(before: Bound) -> ArraySpec:
    dtype = before.dtype
    kind = of_objects("vlen-utf8") if dtype.hasobject else data_type_registry.match_dtype(dtype)
    fill = kind.default_scalar() if before.fill_value is None else before.fill_value
    config = parse_array_config({"order": "C", "write_empty_chunks": False})
    return ArraySpec(before.shape, kind, fill, config, default_buffer_prototype())


class ForeignCodec:
    """A codec of the 3.x library with the methods of those of numcodecs.

    Parameters
    ----------
    codec_id : str
        Its name.
    codec : BaseCodec
        The codec.
    spec, encoded : ArraySpec
        What it encodes, and what that becomes.
    role : {'filter', 'serializer', 'compressor'}
        Whether it takes and returns arrays.
    """

    def __init__(
        self, codec_id: str, codec: Any, spec: ArraySpec, encoded: ArraySpec, role: Role
    ) -> None:
        self.codec_id = codec_id
        self._codec = codec
        self._spec = spec
        self._encoded = encoded
        self._role = role

    @property
    def encoded_dtype(self) -> np.dtype[Any]:
        """Of what is encoded: bytes unless this is a filter."""
        if self._role != "filter":
            return np.dtype("u1")
        dtype: np.dtype[Any] = self._encoded.dtype.to_native_dtype()
        return dtype

    def encode(self, buf: Any) -> Any:
        """Return the encoded form of a chunk."""
        data = self._bytes(buf) if self._role == "compressor" else self._array(buf, self._spec)
        result = self._call("_encode_sync", "_encode_single", data)
        if result is None:
            raise ValueError(f"codec {self.codec_id!r} returned nothing for a chunk")
        return result.as_numpy_array() if self._role == "filter" else result.to_bytes()

    def decode(self, buf: Any, out: Any = None) -> Any:
        """Return the decoded form of a chunk."""
        data = self._array(buf, self._encoded) if self._role == "filter" else self._bytes(buf)
        result = self._call("_decode_sync", "_decode_single", data)
        if self._role == "compressor":
            return result.to_bytes()
        array = np.ascontiguousarray(result.as_numpy_array())
        if array.shape != self._spec.shape:
            raise ValueError(
                f"codec {self.codec_id!r} decoded a chunk of shape {array.shape}, expected "
                f"{self._spec.shape}"
            )
        return array if array.dtype.hasobject else array.astype(self._native, copy=False)

    @property
    def _native(self) -> np.dtype[Any]:
        dtype: np.dtype[Any] = self._spec.dtype.to_native_dtype()
        return dtype

    def _call(self, plain: str, coroutine: str, data: Any) -> Any:
        if hasattr(self._codec, plain):
            return getattr(self._codec, plain)(data, self._spec)
        return sync(getattr(self._codec, coroutine)(data, self._spec))

    def _bytes(self, buf: Any) -> Any:
        data = buf if isinstance(buf, bytes) else bytes(memoryview(buf).cast("B"))
        return self._spec.prototype.buffer.from_bytes(data)

    def _array(self, buf: Any, spec: ArraySpec) -> Any:
        array = buf if isinstance(buf, np.ndarray) else np.frombuffer(buf, "u1")
        if not array.dtype.hasobject and array.nbytes == math.prod(spec.shape) * _size(spec):
            array = array.reshape(-1).view(spec.dtype.to_native_dtype()).reshape(spec.shape)
        return spec.prototype.nd_buffer.from_numpy_array(array)


def _size(spec: ArraySpec) -> int:
    size: int = spec.dtype.to_native_dtype().itemsize
    return size
