"""The data types of the 3.x library, each a value class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from zarr._metadata.v3_data_types import byte_ordered
from zarr.core.dtype.registry import data_type_registry
from zarr.core.dtype.wrapper import (
    EndiannessStr,
    HasEndianness,
    HasItemSize,
    HasLength,
    HasObjectCodec,
    ZDType,
)
from zarr.errors import DataTypeValidationError

__all__ = [
    "Bool", "Complex64", "Complex128", "DateTime64", "FixedLengthUTF32", "Float16", "Float32",
    "Float64", "ForeignDType", "Int8", "Int16", "Int32", "Int64", "NullTerminatedBytes", "RawBytes",
    "Struct", "Structured", "TimeDelta64", "UInt8", "UInt16", "UInt32", "UInt64",
    "VariableLengthBytes", "VariableLengthUTF8",
]  # fmt: skip


def _endianness(dtype: np.dtype[Any]) -> EndiannessStr:
    return "little" if dtype == byte_ordered(dtype, "little") else "big"


class _Plain(ZDType[Any, Any], HasItemSize):
    """Elements of one byte."""

    @classmethod
    def from_native_dtype(cls, dtype: np.dtype[Any]) -> Self:
        cls._check_native(dtype)
        return cls()

    def to_native_dtype(self) -> Any:
        return self.dtype_cls()


@dataclass(frozen=True, kw_only=True)
class _Number(HasEndianness, ZDType[Any, Any], HasItemSize):
    """Elements of several bytes, in one of two orders.

    Parameters
    ----------
    endianness : {'little', 'big'}, default 'little'
        The byte order in memory.
    """

    @classmethod
    def from_native_dtype(cls, dtype: np.dtype[Any]) -> Self:
        cls._check_native(dtype)
        return cls(endianness=_endianness(dtype))

    def to_native_dtype(self) -> Any:
        return byte_ordered(self.dtype_cls(), self.endianness)


class Bool(_Plain):
    """Truth values."""

    dtype_cls = np.dtypes.BoolDType
    _zarr_v3_name = "bool"


class Int8(_Plain):
    """Integers of 8 bits."""

    dtype_cls = np.dtypes.Int8DType
    _zarr_v3_name = "int8"


class UInt8(_Plain):
    """Integers of 8 bits, without a sign."""

    dtype_cls = np.dtypes.UInt8DType
    _zarr_v3_name = "uint8"


class Int16(_Number):
    """Integers of 16 bits."""

    dtype_cls = np.dtypes.Int16DType
    _zarr_v3_name = "int16"


class UInt16(_Number):
    """Integers of 16 bits, without a sign."""

    dtype_cls = np.dtypes.UInt16DType
    _zarr_v3_name = "uint16"


class Int32(_Number):
    """Integers of 32 bits."""

    dtype_cls = type(np.dtype("i4"))
    _zarr_v3_name = "int32"


class UInt32(_Number):
    """Integers of 32 bits, without a sign."""

    dtype_cls = type(np.dtype("u4"))
    _zarr_v3_name = "uint32"


class Int64(_Number):
    """Integers of 64 bits."""

    dtype_cls = type(np.dtype("i8"))
    _zarr_v3_name = "int64"


class UInt64(_Number):
    """Integers of 64 bits, without a sign."""

    dtype_cls = type(np.dtype("u8"))
    _zarr_v3_name = "uint64"


class Float16(_Number):
    """Floating-point numbers of 16 bits."""

    dtype_cls = np.dtypes.Float16DType
    _zarr_v3_name = "float16"


class Float32(_Number):
    """Floating-point numbers of 32 bits."""

    dtype_cls = np.dtypes.Float32DType
    _zarr_v3_name = "float32"


class Float64(_Number):
    """Floating-point numbers of 64 bits."""

    dtype_cls = np.dtypes.Float64DType
    _zarr_v3_name = "float64"


class Complex64(_Number):
    """Complex numbers, with parts of 32 bits."""

    dtype_cls = np.dtypes.Complex64DType
    _zarr_v3_name = "complex64"


class Complex128(_Number):
    """Complex numbers, with parts of 64 bits."""

    dtype_cls = np.dtypes.Complex128DType
    _zarr_v3_name = "complex128"


@dataclass(frozen=True, kw_only=True)
class _Time(HasEndianness, ZDType[Any, Any], HasItemSize):
    """Counts of a unit of time, from which the code of NumPy's dtype is made.

    Parameters
    ----------
    endianness : {'little', 'big'}, default 'little'
        The byte order.
    scale_factor : int, default 1
        Number of units that one step stands for.
    unit : str, default 'generic'
        The unit, as NumPy names it.
    """

    _code: ClassVar[str]
    scale_factor: int = 1
    unit: str = "generic"

    @classmethod
    def from_native_dtype(cls, dtype: np.dtype[Any]) -> Self:
        cls._check_native(dtype)
        unit, factor = np.datetime_data(dtype)
        return cls(endianness=_endianness(dtype), scale_factor=factor, unit=unit)

    def to_native_dtype(self) -> Any:
        unit = "" if self.unit == "generic" else f"[{self.scale_factor}{self.unit}]"
        return byte_ordered(np.dtype(self._code + unit), self.endianness)


class DateTime64(_Time):
    """Points in time."""

    dtype_cls = np.dtypes.DateTime64DType
    _zarr_v3_name = "numpy.datetime64"
    _code = "M8"


class TimeDelta64(_Time):
    """Durations."""

    dtype_cls = np.dtypes.TimeDelta64DType
    _zarr_v3_name = "numpy.timedelta64"
    _code = "m8"


@dataclass(frozen=True, kw_only=True)
class FixedLengthUTF32(HasEndianness, HasLength, ZDType[Any, Any], HasItemSize):
    """Text of a fixed number of characters.

    Parameters
    ----------
    length : int
        Number of characters.
    endianness : {'little', 'big'}, default 'little'
        The byte order.
    """

    dtype_cls = np.dtypes.StrDType
    _zarr_v3_name = "fixed_length_utf32"
    code_point_bytes: ClassVar[int] = 4

    def __post_init__(self) -> None:
        HasEndianness.__post_init__(self)
        HasLength.__post_init__(self)

    @classmethod
    def from_native_dtype(cls, dtype: np.dtype[Any]) -> Self:
        cls._check_native(dtype)
        return cls(length=dtype.itemsize // 4, endianness=_endianness(dtype))

    def to_native_dtype(self) -> Any:
        return byte_ordered(np.dtype(f"U{self.length}"), self.endianness)


@dataclass(frozen=True, kw_only=True)
class NullTerminatedBytes(HasLength, ZDType[Any, Any], HasItemSize):
    """Bytes of a fixed number, of which zeros at the end do not count.

    Parameters
    ----------
    length : int
        Number of bytes.
    """

    dtype_cls = np.dtypes.BytesDType
    _zarr_v3_name = "null_terminated_bytes"

    @classmethod
    def from_native_dtype(cls, dtype: np.dtype[Any]) -> Self:
        cls._check_native(dtype)
        return cls(length=dtype.itemsize)

    def to_native_dtype(self) -> Any:
        return np.dtype(f"S{self.length}")


@dataclass(frozen=True, kw_only=True)
class RawBytes(HasLength, ZDType[Any, Any], HasItemSize):
    """Bytes of a fixed number, without a meaning.

    Parameters
    ----------
    length : int
        Number of bytes.
    """

    dtype_cls = np.dtypes.VoidDType
    _zarr_v3_name = "raw_bytes"

    @classmethod
    def from_native_dtype(cls, dtype: np.dtype[Any]) -> Self:
        cls._check_native(dtype)
        if dtype.fields is not None:
            raise DataTypeValidationError(f"Invalid data type: {dtype} has fields.")
        return cls(length=dtype.itemsize)

    def to_native_dtype(self) -> Any:
        return np.dtype(f"V{self.length}")


@dataclass(frozen=True, kw_only=True)
class Structured(ZDType[Any, Any], HasItemSize):
    """Records with named fields.

    Parameters
    ----------
    fields : tuple of (str, ZDType)
        Name and data type of each field.
    """

    dtype_cls = np.dtypes.VoidDType
    _zarr_v3_name = "structured"
    fields: tuple[tuple[str, ZDType[Any, Any]], ...]

    @classmethod
    def from_native_dtype(cls, dtype: np.dtype[Any]) -> Self:
        cls._check_native(dtype)
        if dtype.fields is None:
            raise DataTypeValidationError(f"Invalid data type: {dtype} has no fields.")
        names = dtype.names or ()
        return cls(fields=tuple((n, data_type_registry.match_dtype(dtype[n])) for n in names))

    def to_native_dtype(self) -> Any:
        return np.dtype([(name, kind.to_native_dtype()) for name, kind in self.fields])

    def has_multi_byte_fields(self) -> bool:
        """Tell whether a field has a byte order.

        Returns
        -------
        bool
            True if one has.
        """
        return any(isinstance(kind, HasEndianness) for _, kind in self.fields)


class Struct(Structured):
    """Records with named fields, under the name of the registered extension."""

    _zarr_v3_name = "struct"

    def _spelled_in_3(self) -> Any:
        fields = [{"name": name, "data_type": kind.to_json(3)} for name, kind in self.fields]
        return {"name": self._zarr_v3_name, "configuration": {"fields": fields}}


@dataclass(frozen=True, kw_only=True)
class VariableLengthUTF8(ZDType[Any, str], HasObjectCodec):
    """Text of any length.

    Its NumPy dtype is that of strings of any length; arrays return objects of the type ``str``.
    """

    dtype_cls = np.dtypes.StringDType
    _zarr_v3_name = "string"
    object_codec_id = _object_codec_id = "vlen-utf8"
    _items = "string"

    @classmethod
    def from_native_dtype(cls, dtype: np.dtype[Any]) -> Self:
        cls._check_native(dtype)
        return cls()

    def to_native_dtype(self) -> Any:
        return self.dtype_cls()


@dataclass(frozen=True, kw_only=True)
class VariableLengthBytes(ZDType[Any, bytes], HasObjectCodec):
    """Bytes of any number."""

    dtype_cls = np.dtypes.ObjectDType
    _zarr_v3_name = "variable_length_bytes"
    object_codec_id = _object_codec_id = "vlen-bytes"
    _items = "bytes"

    @classmethod
    def from_native_dtype(cls, dtype: np.dtype[Any]) -> Self:
        cls._check_native(dtype)
        return cls()

    def to_native_dtype(self) -> Any:
        return np.dtype(object)


@dataclass(frozen=True, kw_only=True)
class ForeignDType(ZDType[Any, Any], HasItemSize):
    """Numbers of another package, such as bfloat16; or objects with a codec of their own.

    Parameters
    ----------
    native : numpy.dtype
        The dtype.
    """

    native: np.dtype[Any]

    @classmethod
    def from_native_dtype(cls, dtype: np.dtype[Any]) -> Self:
        return cls(native=dtype)

    def to_native_dtype(self) -> Any:
        return self.native


data_type_registry.fallback = ForeignDType
# In the order in which NumPy's dtypes are matched: of two for records, the first is found.
for _cls in (
    Bool, Int8, UInt8, Int16, UInt16, Int32, UInt32, Int64, UInt64, Float16, Float32, Float64,
    Complex64, Complex128, DateTime64, TimeDelta64, FixedLengthUTF32, NullTerminatedBytes, RawBytes,
    Struct, Structured, VariableLengthUTF8, VariableLengthBytes,
):  # fmt: skip
    data_type_registry.register(_cls._zarr_v3_name, _cls)
