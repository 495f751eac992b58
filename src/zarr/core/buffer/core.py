"""Classes of buffers, under the names that code for the 3.x library imports."""

from zarr.abc.buffer import (
    ArrayLike,
    Buffer,
    BufferPrototype,
    BytesLike,
    NDArrayLike,
    NDArrayLikeOrScalar,
    NDBuffer,
    ScalarType,
)
from zarr.buffer import default_buffer_prototype

__all__ = [
    "ArrayLike", "Buffer", "BufferPrototype", "BytesLike", "NDArrayLike", "NDArrayLikeOrScalar",
    "NDBuffer", "ScalarType", "default_buffer_prototype",
]  # fmt: skip
