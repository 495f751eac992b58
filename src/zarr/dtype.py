"""Data types of the 3.x library, to be given as `dtype` and found in metadata."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from zarr.core.dtype.registry import DataTypeRegistry as DataTypeRegistry
from zarr.core.dtype.registry import ZDTypeLike as ZDTypeLike
from zarr.core.dtype.registry import data_type_registry as data_type_registry
from zarr.core.dtype.registry import parse_data_type as parse_data_type
from zarr.core.dtype.registry import parse_dtype as parse_dtype
from zarr.core.dtype.types import Bool as Bool
from zarr.core.dtype.types import Complex64 as Complex64
from zarr.core.dtype.types import Complex128 as Complex128
from zarr.core.dtype.types import DateTime64 as DateTime64
from zarr.core.dtype.types import FixedLengthUTF32 as FixedLengthUTF32
from zarr.core.dtype.types import Float16 as Float16
from zarr.core.dtype.types import Float32 as Float32
from zarr.core.dtype.types import Float64 as Float64
from zarr.core.dtype.types import Int8 as Int8
from zarr.core.dtype.types import Int16 as Int16
from zarr.core.dtype.types import Int32 as Int32
from zarr.core.dtype.types import Int64 as Int64
from zarr.core.dtype.types import NullTerminatedBytes as NullTerminatedBytes
from zarr.core.dtype.types import RawBytes as RawBytes
from zarr.core.dtype.types import Struct as Struct
from zarr.core.dtype.types import Structured as Structured
from zarr.core.dtype.types import TimeDelta64 as TimeDelta64
from zarr.core.dtype.types import UInt8 as UInt8
from zarr.core.dtype.types import UInt16 as UInt16
from zarr.core.dtype.types import UInt32 as UInt32
from zarr.core.dtype.types import UInt64 as UInt64
from zarr.core.dtype.types import VariableLengthBytes as VariableLengthBytes
from zarr.core.dtype.types import VariableLengthUTF8 as VariableLengthUTF8
from zarr.core.dtype.wrapper import HasEndianness as HasEndianness
from zarr.core.dtype.wrapper import HasItemSize as HasItemSize
from zarr.core.dtype.wrapper import HasLength as HasLength
from zarr.core.dtype.wrapper import HasObjectCodec as HasObjectCodec
from zarr.core.dtype.wrapper import TBaseDType as TBaseDType
from zarr.core.dtype.wrapper import TBaseScalar as TBaseScalar
from zarr.core.dtype.wrapper import TDType_co as TDType_co
from zarr.core.dtype.wrapper import TScalar_co as TScalar_co
from zarr.core.dtype.wrapper import ZDType as ZDType

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
