"""The codecs of version 3 that numcodecs does not have, bound to the arrays they take.

Each has `encode` and `decode` as the codecs of numcodecs have. It knows dtype and shape of
the array that it encodes, since bytes alone do not tell.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any, Literal, Protocol

import numcodecs
import numpy as np

from zarr._metadata.v3_data_types import is_foreign

__all__ = ["BitRound", "Crc32c", "InByteOrder", "PackBits", "ScaleOffset", "Transform", "Transpose"]

_CRC_BYTES = 4


class Transform(Protocol):
    """A codec that knows how many bytes its encoded data have.

    Attributes
    ----------
    codec_id : str
    encoded_nbytes : int or None
        None if unknown.
    """

    codec_id: str
    encoded_nbytes: int | None

    def encode(self, buf: Any) -> Any:
        """Return the encoded data."""
        ...

    def decode(self, buf: Any) -> Any:
        """Return the data that `buf` encodes."""
        ...


def as_array(data: Any, dtype: np.dtype[Any], shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Return `data`, bytes or an array, as an array of `dtype` and `shape` in C order.

    Raises
    ------
    ValueError
        If it has another number of bytes.
    """
    array = data if isinstance(data, np.ndarray) else np.frombuffer(data, "u1")
    expected = math.prod(shape) * dtype.itemsize
    if array.nbytes != expected:
        raise ValueError(f"{array.nbytes} bytes, expected {expected}")
    return array.reshape(-1).view(dtype).reshape(shape)


class Transpose:
    """Puts the dimensions of an array in another order."""

    codec_id = "transpose"

    def __init__(
        self, order: tuple[int, ...], dtype: np.dtype[Any], shape: tuple[int, ...]
    ) -> None:
        self.order = order
        self.inverse = tuple(map(int, np.argsort(order)))
        self.dtype, self.shape = dtype, shape
        self.encoded_shape = tuple(shape[dim] for dim in order)
        self.encoded_nbytes = None if dtype.hasobject else math.prod(shape) * dtype.itemsize

    def encode(self, buf: Any) -> Any:
        return np.ascontiguousarray(buf.reshape(self.shape).transpose(self.order))

    def decode(self, buf: Any) -> Any:
        if self.dtype.hasobject:
            array = buf.reshape(self.encoded_shape)
        else:
            array = as_array(buf, self.dtype, self.encoded_shape)
        return np.ascontiguousarray(array.transpose(self.inverse))


class InByteOrder:
    """Stores the items of an array in another byte order than that of its dtype."""

    codec_id = "bytes"

    def __init__(self, dtype: np.dtype[Any], stored: np.dtype[Any], shape: tuple[int, ...]) -> None:
        self.dtype, self.stored, self.shape = dtype, stored, shape
        self.encoded_nbytes = math.prod(shape) * dtype.itemsize

    def encode(self, buf: Any) -> Any:
        array = np.asarray(buf)
        if is_foreign(self.dtype):  # NumPy has no byte order for it
            return np.ascontiguousarray(array).view(self._words(self.dtype)).byteswap()
        return array.reshape(-1).view(self.dtype).astype(self.stored)

    def decode(self, buf: Any) -> Any:
        if is_foreign(self.dtype):
            return as_array(buf, self._words(self.dtype), self.shape).byteswap().view(self.dtype)
        return as_array(buf, self.stored, self.shape).astype(self.dtype)

    @staticmethod
    def _words(dtype: np.dtype[Any]) -> np.dtype[Any]:
        # The parts of a complex number are swapped each for itself.
        return np.dtype("u2" if dtype.itemsize in (2, 4) else f"u{dtype.itemsize}")


class Crc32c:
    """Appends a CRC-32C checksum to bytes, and verifies it."""

    codec_id = "crc32c_end"
    encoded_nbytes = None

    def __init__(self) -> None:
        _checksum()  # imported now: a fork during an import leaves the child waiting for it

    def encode(self, buf: Any) -> Any:
        data = _plain_bytes(buf)
        return b"".join((data, checksum_of(data).to_bytes(_CRC_BYTES, "little")))

    def decode(self, buf: Any) -> Any:
        data = _plain_bytes(buf)
        if len(data) < _CRC_BYTES:
            raise ValueError(f"{len(data)} bytes are too few for a checksum")
        body, stored = data[:-_CRC_BYTES], int.from_bytes(data[-_CRC_BYTES:], "little")
        found = checksum_of(body)
        if found != stored:
            raise ValueError(f"the checksum is {found:#010x}, but {stored:#010x} is stored")
        return body

    def get_config(self) -> dict[str, Any]:
        """Return the configuration that numcodecs has for the same encoded bytes."""
        return {"id": "crc32c", "location": "end"}

    def __repr__(self) -> str:
        return "Crc32cCodec()"


def _plain_bytes(buf: Any) -> memoryview:
    data: Any = buf.reshape(-1).view("u1") if isinstance(buf, np.ndarray) else buf
    view = memoryview(data)
    return view if view.format == "B" and view.ndim == 1 else view.cast("B")


def checksum_of(data: Any) -> int:
    """Return the CRC-32C of `data`."""
    # google-crc32c refuses a memoryview, but takes an array over the same memory.
    return _checksum()(np.frombuffer(data, "u1") if len(data) else b"")


@cache
def _checksum() -> Callable[[Any], int]:
    """Return the function for CRC-32C of the package that this Python requires.

    google-crc32c has no wheels for free-threaded Python from 3.14 on, where the package
    crc32c is required instead.
    """
    try:
        import google_crc32c
    except ImportError:
        import crc32c

        checksum: Callable[[Any], int] = crc32c.crc32c
        return checksum
    return google_crc32c.value  # type: ignore[no-any-return]


class ScaleOffset:
    """Subtracts an offset and multiplies by a scale, in the arithmetic of the dtype."""

    codec_id = "scale_offset"

    def __init__(
        self, offset: Any, scale: Any, dtype: np.dtype[Any], shape: tuple[int, ...]
    ) -> None:
        self.offset, self.scale = np.asarray(offset), np.asarray(scale)
        self.dtype, self.shape = dtype, shape
        self.encoded_nbytes = math.prod(shape) * dtype.itemsize

    def encode(self, buf: Any) -> Any:
        values = as_array(np.ascontiguousarray(buf), self.dtype, self.shape)
        if self.dtype.kind in "iu":
            self._check(values, lambda v: (v - int(self.offset), int(self.scale)))
        with np.errstate(over="ignore", invalid="ignore"):
            return self._finite((values - self.offset) * self.scale, values)

    def decode(self, buf: Any) -> Any:
        values = as_array(buf, self.dtype, self.shape)
        if self.dtype.kind in "iu":
            if np.any(values % self.scale):
                raise ValueError(f"scale_offset: not all elements are multiples of {self.scale}")
            values = values // self.scale
            self._check(values, lambda v: (v + int(self.offset), 1))
            return values + self.offset
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return self._finite(values / self.scale + self.offset, values)

    def _check(self, values: np.ndarray[Any, Any], steps: Any) -> None:
        """Raise `ValueError` if the arithmetic would leave the range of the dtype.

        It is linear: the extremes stay the extremes, and Python computes with those exactly.
        """
        if not values.size:
            return
        info = np.iinfo(self.dtype)
        for extreme in (int(values.min()), int(values.max())):
            shifted, factor = steps(extreme)
            if any(not info.min <= v <= info.max for v in (shifted, shifted * factor)):
                raise ValueError(
                    f"scale_offset: {extreme} with offset {self.offset} and scale {self.scale} "
                    f"leaves the range of {self.dtype}"
                )

    def _finite(self, result: Any, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        result = result.astype(self.dtype)
        if np.any(np.isfinite(values) & ~np.isfinite(result)):
            raise ValueError(
                f"scale_offset: offset {self.offset} and scale {self.scale} leave the range of "
                f"{self.dtype}"
            )
        return result  # type: ignore[no-any-return]


def component_bits(dtype: np.dtype[Any]) -> int:
    """Return the number of bits of an item of `dtype`, of one part of a complex item."""
    if dtype.kind == "b":
        return 1
    if is_foreign(dtype):
        if dtype.name.startswith(("int", "uint")):
            return int(dtype.name.lstrip("uint"))
        if dtype.name.startswith(("float4", "float6")):
            return int(dtype.name[5])
    return 8 * dtype.itemsize // components(dtype)


def components(dtype: np.dtype[Any]) -> int:
    """Return the number of parts of an item of `dtype`."""
    return 2 if dtype.kind == "c" or dtype.name in ("complex32", "bcomplex32") else 1


class PackBits:
    """Stores some bits of each item only, without gaps, the lowest bit first."""

    codec_id = "packed_bits"

    def __init__(
        self,
        dtype: np.dtype[Any],
        shape: tuple[int, ...],
        padding: Literal["none", "first_byte", "last_byte"] = "none",
        first_bit: int | None = None,
        last_bit: int | None = None,
    ) -> None:
        bits = component_bits(dtype)
        self.first = 0 if first_bit is None else first_bit
        self.stop = bits if last_bit is None else last_bit + 1
        if padding not in ("none", "first_byte", "last_byte"):
            raise ValueError(f"padding_encoding must be none, first_byte or last_byte: {padding!r}")
        if not 0 <= self.first < self.stop <= bits:
            raise ValueError(f"bits {first_bit} to {last_bit} are not among the {bits} of {dtype}")
        self.dtype, self.shape, self.padding = dtype, shape, padding
        self.parts = math.prod(shape) * components(dtype)
        self.width = dtype.itemsize // components(dtype)
        self.signed = dtype.kind == "i" or (is_foreign(dtype) and dtype.name.startswith("int"))
        self.nbits = self.parts * (self.stop - self.first)
        self.encoded_nbytes = -(-self.nbits // 8) + (padding != "none")

    def encode(self, buf: Any) -> Any:
        words = np.ascontiguousarray(buf).reshape(-1).view(f"u{self.width}")
        octets = words.astype(f"<u{self.width}").view("u1").reshape(self.parts, self.width)
        bits = np.unpackbits(octets, axis=1, bitorder="little")[:, self.first : self.stop]
        data = np.packbits(bits, bitorder="little").tobytes()
        padded = bytes([-self.nbits % 8])
        if self.padding == "first_byte":
            return padded + data
        return data + padded if self.padding == "last_byte" else data

    def decode(self, buf: Any) -> Any:
        data = np.frombuffer(buf, "u1")
        if len(data) != self.encoded_nbytes:
            raise ValueError(f"{len(data)} bytes of packed bits, expected {self.encoded_nbytes}")
        if self.padding != "none":
            at = 0 if self.padding == "first_byte" else -1
            if data[at] != -self.nbits % 8:
                raise ValueError(f"{data[at]} bits of padding, expected {-self.nbits % 8}")
            data = data[1:] if at == 0 else data[:-1]
        stored = np.unpackbits(data, count=self.nbits, bitorder="little")
        bits = np.zeros((self.parts, 8 * self.width), "u1")
        bits[:, self.first : self.stop] = stored.reshape(self.parts, -1)
        if self.signed:
            bits[:, self.stop :] = bits[:, self.stop - 1 : self.stop]
        words = np.packbits(bits, axis=1, bitorder="little").view(f"<u{self.width}")
        words = words.reshape(-1).astype(f"u{self.width}")
        if is_foreign(self.dtype) and "int" in self.dtype.name:
            # Its own package decides what the unused bits are.
            return words.view("i1" if self.signed else "u1").astype(self.dtype).reshape(self.shape)
        return words.view(self.dtype).reshape(self.shape)


class BitRound(numcodecs.BitRound):  # type: ignore[misc]
    """The codec 'bitround' for integers and times, which numcodecs does not round.

    https://github.com/zarr-developers/zarr-extensions/tree/main/codecs/bitround: of each
    magnitude `keepbits` bits are kept, from the highest that is set.
    """

    def encode(self, buf: Any) -> Any:
        items = np.asarray(buf)
        if items.dtype.kind not in "iumM":
            return super().encode(buf)
        native = items.astype(items.dtype.newbyteorder("="), copy=False)
        numbers = native.view(f"i{native.itemsize}") if native.dtype.kind in "mM" else native
        return _round_bits(numbers, self.keepbits).view(native.dtype).astype(items.dtype)


def _round_bits(numbers: np.ndarray[Any, Any], keep: int) -> np.ndarray[Any, Any]:
    """Return integers rounded to the nearest that have `keep` bits, to even ones from halfway."""
    bits = 8 * numbers.itemsize
    unsigned = np.dtype(f"u{numbers.itemsize}")
    negative = numbers < 0
    # The smallest number of all is its own magnitude.
    size = np.where(negative, np.negative(numbers.view(unsigned)), numbers.view(unsigned))
    width = np.zeros(size.shape, unsigned)  # of the number, in bits
    for step in (32, 16, 8, 4, 2, 1):
        if step < bits:
            large = (size >> width) >> unsigned.type(step) > 0
            width[large] += unsigned.type(step)
    width += size > 0
    drop = width - np.minimum(width, unsigned.type(min(keep, bits)))
    one = unsigned.type(1)
    low = size & ((one << drop) - one)
    kept = size - low
    half = np.where(drop > 0, one << (np.maximum(drop, one) - one), one)
    odd = (kept >> drop) & one
    up = (drop > 0) & ((low > half) | ((low == half) & (odd == one)))
    largest = unsigned.type(np.iinfo(numbers.dtype).max)
    room = np.where(negative, largest + one, largest) if numbers.dtype.kind == "i" else largest
    fits = kept <= room - np.minimum(one << drop, room)
    rounded = np.where(up & fits, kept + (one << drop), kept).astype(unsigned)
    signed: np.ndarray[Any, Any] = np.where(negative, np.negative(rounded), rounded)
    return signed.view(numbers.dtype)
