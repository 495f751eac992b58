"""Buffers in main memory, with NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from zarr.abc.buffer import ArrayLike, BufferPrototype, BytesLike, NDArrayLike
from zarr.abc.buffer import Buffer as AbstractBuffer
from zarr.abc.buffer import NDBuffer as AbstractNDBuffer

__all__ = [
    "Buffer", "NDBuffer", "as_numpy_array_wrapper", "buffer_prototype", "numpy_buffer_prototype",
]  # fmt: skip


class Buffer(AbstractBuffer):
    """A flat piece of main memory: the value of a key in a store.

    Parameters
    ----------
    array_like : ArrayLike
        One-dimensional array of bytes. It is not copied.

    Raises
    ------
    ValueError
        If the array has another number of dimensions, or its elements are no bytes.

    Examples
    --------
    >>> from zarr.buffer.cpu import Buffer
    >>> Buffer.from_bytes(b'abcdef')[2:4].to_bytes()
    b'cd'
    """

    def __init__(self, array_like: ArrayLike) -> None:
        super().__init__(array_like)

    @classmethod
    def create_zero_length(cls) -> Self:
        return cls(np.array([], dtype="u1"))

    @classmethod
    def from_buffer(cls, buffer: AbstractBuffer) -> Self:
        return cls(buffer.as_numpy_array())

    @classmethod
    def from_bytes(cls, bytes_like: BytesLike) -> Self:
        return cls(np.frombuffer(bytes_like, dtype="u1"))

    def as_numpy_array(self) -> npt.NDArray[Any]:
        return np.asanyarray(self._data)

    def combine(self, others: Iterable[AbstractBuffer]) -> Self:
        parts = [self.as_numpy_array(), *(other.as_numpy_array() for other in others)]
        return type(self)(np.concatenate(parts))


class NDBuffer(AbstractNDBuffer):
    """An array in main memory: a decoded chunk, or a part of one.

    Parameters
    ----------
    array : NDArrayLike
        The array, which is not copied.

    Examples
    --------
    >>> from zarr.buffer.cpu import NDBuffer
    >>> NDBuffer.create(shape=(2,), dtype='i4', fill_value=3).as_numpy_array()
    array([3, 3], dtype=int32)
    """

    def __init__(self, array: NDArrayLike) -> None:
        super().__init__(array)

    @classmethod
    def create(
        cls,
        *,
        shape: Iterable[int],
        dtype: npt.DTypeLike,
        order: Literal["C", "F"] = "C",
        fill_value: Any | None = None,
    ) -> Self:
        if fill_value is None:
            return cls(np.zeros(tuple(shape), dtype, order))
        return cls(np.full(tuple(shape), fill_value, dtype, order))

    @classmethod
    def empty(
        cls, shape: tuple[int, ...], dtype: npt.DTypeLike, order: Literal["C", "F"] = "C"
    ) -> Self:
        return cls(np.empty(shape, dtype, order))

    @classmethod
    def from_numpy_array(cls, array_like: npt.ArrayLike) -> Self:
        return cls.from_ndarray_like(np.asanyarray(array_like))

    def as_numpy_array(self) -> npt.NDArray[Any]:
        return np.asanyarray(self._data)


buffer_prototype = BufferPrototype(buffer=Buffer, nd_buffer=NDBuffer)
"""The classes of buffers in main memory."""


def numpy_buffer_prototype() -> BufferPrototype:
    """Return the classes of buffers in main memory.

    Returns
    -------
    BufferPrototype
        The classes.
    """
    return buffer_prototype


def as_numpy_array_wrapper(
    func: Callable[[npt.NDArray[Any]], bytes], buf: AbstractBuffer, prototype: BufferPrototype
) -> AbstractBuffer:
    """Return what a function makes of the contents of a buffer, as a buffer.

    Parameters
    ----------
    func : callable
        Takes a NumPy array and returns bytes.
    buf : Buffer
        The buffer.
    prototype : BufferPrototype
        The class of the buffer to return.

    Returns
    -------
    Buffer
        The result.
    """
    return prototype.buffer.from_bytes(func(buf.as_numpy_array()))
