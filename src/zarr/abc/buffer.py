"""Buffers: bytes and arrays as code for the 3.x library passes them between stores and codecs."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import (
    Any,
    Literal,
    NamedTuple,
    Protocol,
    Self,
    SupportsIndex,
    TypeAlias,
    runtime_checkable,
)

import numpy as np
import numpy.typing as npt

__all__ = ["ArrayLike", "Buffer", "BufferPrototype", "NDArrayLike", "NDBuffer"]

BytesLike: TypeAlias = bytes | bytearray | memoryview
ScalarType: TypeAlias = int | float | complex | bytes | str | bool | np.generic


@runtime_checkable
class ArrayLike(Protocol):
    """Protocol: a flat array, as the memory of a `Buffer`."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The data type."""
        ...

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        ...

    @property
    def size(self) -> int:
        """Number of elements."""
        ...

    def __getitem__(self, key: slice) -> Self: ...

    def __setitem__(self, key: slice, value: Any) -> None: ...


@runtime_checkable
class NDArrayLike(Protocol):
    """Protocol: an array with the methods of NumPy, as the memory of an `NDBuffer`."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The data type."""
        ...

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        ...

    @property
    def size(self) -> int:
        """Number of elements."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, key: slice) -> Self: ...

    def __setitem__(self, key: slice, value: Any) -> None: ...

    def reshape(self, shape: tuple[int, ...], /) -> Self:
        """Return the array with another shape.

        Parameters
        ----------
        shape : tuple of int
            The shape.

        Returns
        -------
        NDArrayLike
            The array.
        """
        ...


NDArrayLikeOrScalar: TypeAlias = ScalarType | NDArrayLike


class Buffer(ABC):
    """A flat piece of memory: the value of a key in a store.

    Parameters
    ----------
    array_like : ArrayLike
        One-dimensional array of bytes. It is not copied.

    Raises
    ------
    ValueError
        If the array has another number of dimensions, or its elements are no bytes.
    """

    def __init__(self, array_like: ArrayLike) -> None:
        if array_like.ndim != 1:
            raise ValueError("array_like: only 1-dim allowed")
        if array_like.dtype != np.dtype("u1"):
            raise ValueError("array_like: only byte dtype allowed")
        self._data = array_like

    @classmethod
    @abstractmethod
    def create_zero_length(cls) -> Self:
        """Return an empty buffer.

        Returns
        -------
        Buffer
            The buffer.
        """

    @classmethod
    @abstractmethod
    def from_buffer(cls, buffer: Buffer) -> Self:
        """Return a buffer of this class with the contents of another.

        Parameters
        ----------
        buffer : Buffer
            The other buffer.

        Returns
        -------
        Buffer
            The buffer.
        """

    @classmethod
    @abstractmethod
    def from_bytes(cls, bytes_like: BytesLike) -> Self:
        """Return a buffer of bytes.

        Parameters
        ----------
        bytes_like : bytes-like
            The bytes, which are not copied.

        Returns
        -------
        Buffer
            The buffer.
        """

    @classmethod
    def from_array_like(cls, array_like: ArrayLike) -> Self:
        """Return a buffer of a flat array of bytes.

        Parameters
        ----------
        array_like : ArrayLike
            The array, which is not copied.

        Returns
        -------
        Buffer
            The buffer.
        """
        return cls(array_like)

    def as_array_like(self) -> ArrayLike:
        """Return the underlying array.

        Returns
        -------
        ArrayLike
            The array, not a copy.
        """
        return self._data

    @abstractmethod
    def as_numpy_array(self) -> npt.NDArray[Any]:
        """Return the contents as a NumPy array.

        Returns
        -------
        ndarray
            The array, a copy only if the buffer is not in main memory.
        """

    def as_buffer_like(self) -> BytesLike:
        """Return the contents as an object with the buffer protocol.

        Returns
        -------
        bytes-like
            A view of the memory.
        """
        return memoryview(self.as_numpy_array())  # type: ignore[arg-type]

    def to_bytes(self) -> bytes:
        """Return the contents as bytes.

        Returns
        -------
        bytes
            A copy.
        """
        return self.as_numpy_array().tobytes()

    @abstractmethod
    def combine(self, others: Iterable[Buffer]) -> Self:
        """Return this buffer followed by others.

        Parameters
        ----------
        others : iterable of Buffer
            The other buffers.

        Returns
        -------
        Buffer
            A new buffer.
        """

    def __getitem__(self, key: slice) -> Self:
        return type(self)(self._data[_checked(key)])

    def __setitem__(self, key: slice, value: Any) -> None:
        contents = value.as_array_like() if isinstance(value, Buffer) else value
        self._data[_checked(key)] = contents

    def __len__(self) -> int:
        return self._data.size

    def __add__(self, other: Buffer) -> Self:
        return self.combine([other])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.to_bytes() == other.to_bytes()

    __hash__ = None  # type: ignore[assignment]


def _checked(key: Any) -> slice:
    """Return `key`, which must be a slice without gaps."""
    if not isinstance(key, slice):
        raise TypeError(f"Item key has incorrect type (expected slice, got {type(key).__name__})")
    if key.step not in (None, 1):
        raise ValueError("slice must be contiguous")
    return key


class NDBuffer:
    """An array in memory: a decoded chunk, or a part of one.

    Parameters
    ----------
    array : NDArrayLike
        The array, which is not copied.
    """

    def __init__(self, array: NDArrayLike) -> None:
        self._data: Any = array

    @classmethod
    @abstractmethod
    def create(
        cls,
        *,
        shape: Iterable[int],
        dtype: npt.DTypeLike,
        order: Literal["C", "F"] = "C",
        fill_value: Any | None = None,
    ) -> Self:
        """Return a new array.

        Parameters
        ----------
        shape : iterable of int
            Length of each dimension.
        dtype : str, numpy.dtype or type
            The data type.
        order : {'C', 'F'}, default 'C'
            Layout in memory.
        fill_value : scalar, optional
            The value of all elements. Zero by default.

        Returns
        -------
        NDBuffer
            The array.
        """

    @classmethod
    def empty(
        cls, shape: tuple[int, ...], dtype: npt.DTypeLike, order: Literal["C", "F"] = "C"
    ) -> Self:
        """Return a new array whose elements are undefined.

        Parameters
        ----------
        shape : tuple of int
            Length of each dimension.
        dtype : str, numpy.dtype or type
            The data type.
        order : {'C', 'F'}, default 'C'
            Layout in memory.

        Returns
        -------
        NDBuffer
            The array.
        """
        return cls.create(shape=shape, dtype=dtype, order=order)

    @classmethod
    def from_ndarray_like(cls, ndarray_like: NDArrayLike) -> Self:
        """Return a buffer of an array.

        Parameters
        ----------
        ndarray_like : NDArrayLike
            The array, which is not copied.

        Returns
        -------
        NDBuffer
            The buffer.
        """
        return cls(ndarray_like)

    @classmethod
    @abstractmethod
    def from_numpy_array(cls, array_like: npt.ArrayLike) -> Self:
        """Return a buffer of a NumPy array, or of what NumPy makes one of.

        Parameters
        ----------
        array_like : array_like
            The array.

        Returns
        -------
        NDBuffer
            The buffer.
        """

    def as_ndarray_like(self) -> NDArrayLike:
        """Return the underlying array.

        Returns
        -------
        NDArrayLike
            The array, not a copy.
        """
        return self._data  # type: ignore[no-any-return]

    @abstractmethod
    def as_numpy_array(self) -> npt.NDArray[Any]:
        """Return the array as one of NumPy.

        Returns
        -------
        ndarray
            The array, a copy only if the buffer is not in main memory.
        """

    def as_scalar(self) -> ScalarType:
        """Return the only element.

        Returns
        -------
        scalar
            The element.

        Raises
        ------
        ValueError
            If there is more than one element.
        """
        if self._data.size != 1:
            raise ValueError("Buffer does not contain a single scalar value")
        data: Any = self.as_numpy_array()
        scalar: ScalarType = data.reshape(())[()]
        return scalar

    @property
    def dtype(self) -> np.dtype[Any]:
        """The data type."""
        return self._data.dtype  # type: ignore[no-any-return]

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension."""
        return self._data.shape  # type: ignore[no-any-return]

    @property
    def byteorder(self) -> str:
        """The byte order of the elements, 'little' or 'big'."""
        if self.dtype.byteorder in "<>":
            return "little" if self.dtype.byteorder == "<" else "big"
        return sys.byteorder

    def reshape(self, newshape: tuple[int, ...] | Literal[-1]) -> Self:
        """Return the array with another shape.

        Parameters
        ----------
        newshape : tuple of int, or -1
            The shape; -1 for a flat array.

        Returns
        -------
        NDBuffer
            The array.
        """
        return type(self)(self._data.reshape(newshape))

    def squeeze(self, axis: tuple[int, ...]) -> Self:
        """Return the array without some dimensions of length 1.

        Parameters
        ----------
        axis : tuple of int
            The dimensions.

        Returns
        -------
        NDBuffer
            The array.
        """
        kept = tuple(n for dim, n in enumerate(self.shape) if dim not in axis)
        return type(self)(self._data.reshape(kept))

    def astype(self, dtype: npt.DTypeLike, order: Literal["K", "A", "C", "F"] = "K") -> Self:
        """Return the array converted to another data type.

        Parameters
        ----------
        dtype : str, numpy.dtype or type
            The data type.
        order : {'K', 'A', 'C', 'F'}, default 'K'
            Layout in memory.

        Returns
        -------
        NDBuffer
            The array.
        """
        return type(self)(self._data.astype(dtype, order=order))

    def transpose(self, axes: SupportsIndex | Sequence[SupportsIndex] | None = None) -> Self:
        """Return the array with its dimensions in another order.

        Parameters
        ----------
        axes : sequence of int, optional
            The order. Reversed by default.

        Returns
        -------
        NDBuffer
            A view.
        """
        return type(self)(self._data.transpose(axes))

    def copy(self) -> Self:
        """Return a copy.

        Returns
        -------
        NDBuffer
            The copy.
        """
        return type(self)(self._data.copy())

    def fill(self, value: Any) -> None:
        """Set all elements to one value.

        Parameters
        ----------
        value : scalar
            The value.
        """
        self._data.fill(value)

    def all_equal(self, other: Any, equal_nan: bool = True) -> bool:
        """Return whether all elements equal a value or those of an array.

        Zeros of different sign are not equal.

        Parameters
        ----------
        other : scalar or array_like
            The value, or values that broadcast.
        equal_nan : bool, default True
            Whether NaN equals NaN.

        Returns
        -------
        bool
            Whether all are equal.
        """
        if other is None:
            return False
        mine, others = np.broadcast_arrays(self._data, np.asarray(other, self.dtype))
        if self.dtype.kind in "fcmM":
            same = np.array_equal(mine, others, equal_nan=equal_nan)
            zero = np.zeros((), self.dtype)
            both = (mine == zero) & (others == zero) if self.dtype.kind == "f" else None
            return same and (
                both is None or bool((np.signbit(mine) == np.signbit(others))[both].all())
            )
        return bool(np.array_equal(mine, others))

    def __getitem__(self, key: Any) -> Self:
        return type(self)(np.asanyarray(self._data.__getitem__(key)))

    def __setitem__(self, key: Any, value: Any) -> None:
        self._data.__setitem__(
            key, value.as_ndarray_like() if isinstance(value, NDBuffer) else value
        )

    def __len__(self) -> int:
        return self._data.__len__()  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} shape={self.shape} dtype={self.dtype} {self._data!r}>"


class BufferPrototype(NamedTuple):
    """The classes of the buffers that a store or a codec is asked to return.

    Parameters
    ----------
    buffer : type
        A subclass of `Buffer`.
    nd_buffer : type
        A subclass of `NDBuffer`.
    """

    buffer: type[Buffer]
    nd_buffer: type[NDBuffer]
