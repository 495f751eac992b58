"""Data types of the 3.x library, to be given as `dtype` and found in metadata."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from zarr.core import dtype as _core
from zarr.core.dtype import *  # noqa: F403  one list of names for both modules

__all__ = [
    "DTypeSpec_V2",
    "DateTime64JSON_V2",
    "DateTime64JSON_V3",
    "FixedLengthUTF32JSON_V2",
    "FixedLengthUTF32JSON_V3",
    "NullTerminatedBytesJSON_V3",
    "NullterminatedBytesJSON_V2",
    "RawBytesJSON_V2",
    "RawBytesJSON_V3",
    "StructJSON_V3",
    "StructuredJSON_V2",
    "StructuredJSON_V3",
    "TimeDelta64JSON_V2",
    "TimeDelta64JSON_V3",
    "VariableLengthBytesJSON_V2",
    "VariableLengthUTF8JSON_V2",
    "check_dtype_spec_no_object_codec_v2",
    "check_dtype_spec_v2",
]
__all__ += _core.__all__


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
