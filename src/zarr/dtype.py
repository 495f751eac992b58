"""Data types of the 3.x library, to be given as `dtype` and found in metadata."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from zarr.core.dtype.registry import (
    DataTypeRegistry,
    ZDTypeLike,
    data_type_registry,
    parse_data_type,
    parse_dtype,
)
from zarr.core.dtype.types import (
    Bool,
    Complex64,
    Complex128,
    DateTime64,
    FixedLengthUTF32,
    Float16,
    Float32,
    Float64,
    Int8,
    Int16,
    Int32,
    Int64,
    NullTerminatedBytes,
    RawBytes,
    Struct,
    Structured,
    TimeDelta64,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    VariableLengthBytes,
    VariableLengthUTF8,
)
from zarr.core.dtype.wrapper import (
    HasEndianness,
    HasItemSize,
    HasLength,
    HasObjectCodec,
    TBaseDType,
    TBaseScalar,
    TDType_co,
    TScalar_co,
    ZDType,
)

__all__ = [
    "Bool",
    "Complex64",
    "Complex128",
    "DTypeSpec_V2",
    "DataTypeRegistry",
    "DateTime64",
    "DateTime64JSON_V2",
    "DateTime64JSON_V3",
    "FixedLengthUTF32",
    "FixedLengthUTF32JSON_V2",
    "FixedLengthUTF32JSON_V3",
    "Float16",
    "Float32",
    "Float64",
    "HasEndianness",
    "HasItemSize",
    "HasLength",
    "HasObjectCodec",
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "NullTerminatedBytes",
    "NullTerminatedBytesJSON_V3",
    "NullterminatedBytesJSON_V2",
    "RawBytes",
    "RawBytesJSON_V2",
    "RawBytesJSON_V3",
    "Struct",
    "StructJSON_V3",
    "Structured",
    "StructuredJSON_V2",
    "StructuredJSON_V3",
    "TBaseDType",
    "TBaseScalar",
    "TDType_co",
    "TScalar_co",
    "TimeDelta64",
    "TimeDelta64JSON_V2",
    "TimeDelta64JSON_V3",
    "UInt8",
    "UInt16",
    "UInt32",
    "UInt64",
    "VariableLengthBytes",
    "VariableLengthBytesJSON_V2",
    "VariableLengthUTF8",
    "VariableLengthUTF8JSON_V2",
    "ZDType",
    "ZDTypeLike",
    "check_dtype_spec_no_object_codec_v2",
    "check_dtype_spec_v2",
    "data_type_registry",
    "parse_data_type",
    "parse_dtype",
]


# What metadata hold for data types, for annotations.
DTypeSpec_V2: TypeAlias = Mapping[str, Any]
DateTime64JSON_V2: TypeAlias = Mapping[str, Any]
DateTime64JSON_V3: TypeAlias = Mapping[str, Any]
FixedLengthUTF32JSON_V2: TypeAlias = Mapping[str, Any]
FixedLengthUTF32JSON_V3: TypeAlias = Mapping[str, Any]
NullterminatedBytesJSON_V2: TypeAlias = Mapping[str, Any]
NullTerminatedBytesJSON_V3: TypeAlias = Mapping[str, Any]
RawBytesJSON_V2: TypeAlias = Mapping[str, Any]
RawBytesJSON_V3: TypeAlias = Mapping[str, Any]
StructJSON_V3: TypeAlias = Mapping[str, Any]
StructuredJSON_V2: TypeAlias = Mapping[str, Any]
StructuredJSON_V3: TypeAlias = Mapping[str, Any]
TimeDelta64JSON_V2: TypeAlias = Mapping[str, Any]
TimeDelta64JSON_V3: TypeAlias = Mapping[str, Any]
VariableLengthBytesJSON_V2: TypeAlias = Mapping[str, Any]
VariableLengthUTF8JSON_V2: TypeAlias = Mapping[str, Any]


def check_dtype_spec_v2(data: object) -> bool:
    """Tell whether `data` has the form of a data type in metadata of format 2.

    Parameters
    ----------
    data : object
        Any value.

    Returns
    -------
    bool
        True for a dict with a name and the identifier of a codec for objects.
    """
    return isinstance(data, Mapping) and {*data} == {"name", "object_codec_id"}


def check_dtype_spec_no_object_codec_v2(data: object) -> bool:
    """Tell whether `data` has the form of a data type in format 2, without a codec for objects.

    Parameters
    ----------
    data : object
        Any value.

    Returns
    -------
    bool
        True if the identifier of the codec is None.
    """
    return check_dtype_spec_v2(data) and data["object_codec_id"] is None  # type: ignore[index]
