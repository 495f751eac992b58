"""Buffers, under the names that code for the 3.x library imports."""

from zarr.abc.buffer import (
    ArrayLike,
    Buffer,
    BufferPrototype,
    NDArrayLike,
    NDArrayLikeOrScalar,
    NDBuffer,
)
from zarr.buffer import default_buffer_prototype
from zarr.buffer.cpu import numpy_buffer_prototype
from zarr.core.buffer import core, cpu

__all__ = [
    "ArrayLike", "Buffer", "BufferPrototype", "NDArrayLike", "NDArrayLikeOrScalar", "NDBuffer",
    "core", "cpu", "default_buffer_prototype", "numpy_buffer_prototype",
]  # fmt: skip
