"""Data types and fill values as metadata of version 2 of the format spells them.

https://zarr-specs.readthedocs.io/en/latest/v2/v2.0.html: "Data type encoding" and "Fill
value encoding".
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from contextlib import suppress
from copy import deepcopy
from typing import Any

import numpy as np

from zarr._metadata.foreign_dtypes import _FOREIGN, JSON, LARGEST_ITEM, foreign_dtype, is_foreign
from zarr.errors import MetadataError

__all__ = [
    "decode_data_type",
    "decode_fill",
    "encode_data_type",
    "encode_fill",
]


def encode_data_type(dtype: np.dtype[Any]) -> JSON:
    """Return the v2 spelling of `dtype`: a string, or a list of fields."""
    if dtype.fields is None:
        # As tensorstore has them: to NumPy they are opaque.
        return dtype.name if is_foreign(dtype) else dtype.str
    return [_encode_field(name, dtype.fields[name][0]) for name in dtype.names or ()]


def _encode_field(name: str, dtype: np.dtype[Any]) -> JSON:
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return [name, encode_data_type(base), list(shape)]
    return [name, encode_data_type(dtype)]


def decode_data_type(name: JSON) -> np.dtype[Any]:
    """Return the dtype that a v2 document calls `name`.

    Raises
    ------
    MetadataError
        If there is no such dtype.
    """
    try:
        dtype: np.dtype[Any] = np.dtype(_decode_name(name))
    except (TypeError, ValueError, SyntaxError, KeyError, IndexError, RecursionError) as error:
        raise MetadataError(f"dtype {name!r:.200} is not valid: {error!s:.500}") from error
    if dtype.subdtype is not None:
        raise MetadataError(f"dtype {name!r:.200} is not valid for an array")
    if dtype.itemsize > LARGEST_ITEM:
        raise MetadataError(f"elements of dtype {name!r:.200} have more than {LARGEST_ITEM} bytes")
    if dtype.kind in "mM" and np.datetime_data(dtype)[0] == "generic":
        raise MetadataError(f"dtype {name!r} has no unit")
    return dtype


def _decode_name(name: JSON) -> Any:
    if isinstance(name, str):
        if "," in name:
            raise ValueError("a dtype is one name or a list of fields")
        return foreign_dtype(name) if _FOREIGN.fullmatch(name) else name
    if not isinstance(name, list) or not name:
        raise TypeError("a dtype is a string or a list of fields")
    fields = []
    for field in name:
        if not isinstance(field, list) or len(field) not in (2, 3):
            raise TypeError("a field is a list of name, dtype and perhaps shape")
        label, kind, *shape = field
        if not isinstance(label, str):
            raise TypeError("the name of a field is a string")
        kind = np.dtype(_decode_name(kind))
        fields.append((label, kind, tuple(shape[0])) if shape else (label, kind))
    return fields


def encode_fill(value: Any, dtype: np.dtype[Any], object_codec: Any = None) -> JSON:
    """Return the v2 spelling of a fill value.

    Parameters
    ----------
    value : scalar or None
        As :func:`normalize_fill_value` returns it.
    dtype : numpy.dtype
    object_codec : codec, optional
        Encodes the fill value of structured types with objects in them.
    """
    if value is None:
        return None
    kind = dtype.kind
    if kind in "iu" or (is_foreign(dtype) and "int" in dtype.name):
        return int(value)
    if kind == "f" or is_foreign(dtype):
        return _encode_float(float(value))
    if kind == "b":
        return bool(value)
    if kind == "c":
        return [_encode_float(float(value.real)), _encode_float(float(value.imag))]
    if kind in "mM":
        return int(np.asarray(value, dtype).view("i8" if dtype.isnative else dtype.str[0] + "i8"))
    if kind == "U":
        return str(value)
    if kind == "V" and dtype.hasobject:
        if object_codec is None:
            raise ValueError("missing object_codec for object array")
        return base64.standard_b64encode(object_codec.encode(value)).decode("ascii")
    if kind in "SV":
        # With the zeros that fill a string up: tensorstore takes nothing shorter.
        return base64.standard_b64encode(np.asarray(value, dtype).tobytes()).decode("ascii")
    if isinstance(value, bytes) and _is_bytes_codec(object_codec):
        return base64.standard_b64encode(value).decode("ascii")
    return value.item() if isinstance(value, np.generic) else value


def _is_bytes_codec(object_codec: Any) -> bool:
    return getattr(object_codec, "codec_id", None) == "vlen-bytes"


def _encode_float(value: float) -> JSON:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def decode_fill(value: JSON, dtype: np.dtype[Any], object_codec: Any = None) -> Any:
    """Return the scalar of `dtype` that a v2 document spells as `value`.

    Raises
    ------
    MetadataError
        If it is not a legal spelling.
    """
    if dtype.kind == "O" and isinstance(value, str) and _is_bytes_codec(object_codec):
        with suppress(ValueError):  # text that is no base64 stays what it is
            return base64.b64decode(value, validate=True)
    if value is None:
        return None
    if dtype.kind == "O":
        return deepcopy(value)  # users can change it, and the document has other readers
    try:
        return _decode_fill(value, dtype, object_codec)
    except (TypeError, ValueError, OverflowError, binascii.Error) as error:
        raise MetadataError(
            f"fill_value {value!r:.200} is not valid for dtype {dtype}: {error!s:.500}"
        ) from error


def _decode_fill(value: JSON, dtype: np.dtype[Any], object_codec: Any) -> Any:
    kind = dtype.kind
    if is_foreign(dtype):
        return np.array(_decode_float(value)).astype(dtype)[()]
    if kind == "f":
        return np.array(_decode_float(value), dtype)[()]
    if kind == "c":
        if not isinstance(value, list):
            return np.array(_decode_float(value), dtype)[()]
        real, imag = value
        return np.array(complex(_decode_float(real), _decode_float(imag)), dtype)[()]
    if kind == "V" and dtype.hasobject:
        if object_codec is None:
            raise ValueError("missing object_codec for object array")
        return _only_item(object_codec.decode(base64.standard_b64decode(value)))
    if kind in "SV":
        return _decode_bytes_fill(value, dtype)
    if kind in "mM":
        return _decode_time_fill(value, dtype)
    if kind == "U" and not isinstance(value, str):
        if value == 0:
            return np.zeros((), dtype)[()]
        raise TypeError("expected a string")
    return np.array(_decode_integer(value, kind) if kind in "biu" else value, dtype)[()]


def _decode_integer(value: JSON, kind: str) -> int | float:
    if isinstance(value, str) and kind != "b" and _INTEGER.fullmatch(value):
        return int(value)  # as some Java writers spell it
    if not isinstance(value, (int, float)):
        raise TypeError("expected a number")
    return value


def _decode_time_fill(value: JSON, dtype: np.dtype[Any]) -> Any:
    if isinstance(value, str):  # "NaT", as some writers spell it
        return np.array(value, dtype)[()]
    if type(value) is not int:
        raise TypeError("expected an integer or 'NaT'")
    return np.array(value, "i8").view(dtype.newbyteorder("=")).astype(dtype)[()]


def _only_item(items: Any) -> Any:
    if np.size(items) != 1:
        raise ValueError(f"{np.size(items)} elements, expected one")
    return items


def _decode_bytes_fill(value: JSON, dtype: np.dtype[Any]) -> Any:
    if value == 0:  # written by versions before 2.3 for structured types
        return np.zeros((), dtype)[()]
    if not isinstance(value, str):
        raise TypeError("expected a base64 string")
    raw = base64.standard_b64decode(value)
    if dtype.kind == "S":
        return np.array(raw, dtype)[()]
    if len(raw) != dtype.itemsize:
        raise ValueError(f"{len(raw)} bytes for an element of {dtype.itemsize}")
    return np.frombuffer(raw, dtype)[0]


_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)


_NUMBER = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|nan|inf|infinity)", re.IGNORECASE
)


def _decode_float(value: JSON) -> float:
    """Return the number that a document spells as a number, or as text as some writers do."""
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            raise ValueError("expected a number, 'NaN', 'Infinity' or '-Infinity'")
        return float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError("expected a number")
    return float(value)
