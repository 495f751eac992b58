"""Data types and fill values: what NumPy calls them and what documents call them."""

from __future__ import annotations

import base64
import binascii
import math
from contextlib import suppress
from copy import deepcopy
from typing import Any, TypeAlias

import numpy as np

from zarr.errors import MetadataError

__all__ = [
    "JSON",
    "decode_fill_v2",
    "decode_v2",
    "encode_fill_v2",
    "encode_v2",
    "normalize_dtype",
    "normalize_fill_value",
    "viewed_fill",
]

JSON: TypeAlias = Any
"""A value that ``json`` can write: None, bool, int, float, str, list or dict of these."""

_NUMERIC_KINDS = "biufcmM"


# -- from what a user says -----------------------------------------------------------


def normalize_dtype(dtype: Any) -> tuple[np.dtype[Any], dict[str, Any] | None]:
    """Return the NumPy dtype that `dtype` means, and the codec for its objects.

    Parameters
    ----------
    dtype : str, type, numpy.dtype or dict
        Anything that `numpy.dtype` takes, or ``str``, ``bytes`` or ``'array:T'``, which
        are short for arrays of objects with a codec that suits them; or a data type as
        documents of version 3 have it.

    Returns
    -------
    dtype : numpy.dtype
    object_codec : dict or None
        Configuration of the codec implied.

    Raises
    ------
    ValueError
        If datetimes have no unit.
    """
    if dtype is str or (isinstance(dtype, str) and dtype == "string"):
        return np.dtype(object), {"id": "vlen-utf8"}
    if dtype is bytes or (isinstance(dtype, str) and dtype in ("bytes", "variable_length_bytes")):
        return np.dtype(object), {"id": "vlen-bytes"}
    if isinstance(dtype, str) and dtype.startswith("array:"):
        return np.dtype(object), {"id": "vlen-array", "dtype": np.dtype(dtype[6:]).str}
    result = _without_gaps(_as_dtype(dtype))
    if result.kind == "T":  # NumPy's own strings of any length
        return np.dtype(object), {"id": "vlen-utf8"}
    if result.kind in "mM" and np.datetime_data(result)[0] == "generic":
        raise ValueError(
            f"dtype {result.str!r} has no unit; say one, for instance {result.str[1:]}[ns]"
        )
    return result, None


def _as_dtype(dtype: Any) -> np.dtype[Any]:
    try:
        result: np.dtype[Any] = np.dtype(dtype)
    except (TypeError, ValueError) as error:
        if not isinstance(dtype, (str, dict)):
            raise
        from zarr.data_types import decode_data_type

        try:
            return decode_data_type(dtype)
        except MetadataError:
            raise error from None
    return result


def _without_gaps(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return `dtype` without the gaps that NumPy leaves in aligned structures.

    Documents can only spell them as nameless fields, which readers would show.
    """
    if dtype.fields is None:
        return dtype
    fields: list[Any] = []
    for name in dtype.names or ():
        field = dtype.fields[name][0]
        base, shape = field.subdtype or (field, ())
        fields.append((name, _without_gaps(base), shape))
    return np.dtype(fields)


def normalize_fill_value(fill_value: Any, dtype: np.dtype[Any]) -> Any:
    """Return `fill_value` as a scalar of `dtype`; None stays None, "undefined".

    Raises
    ------
    ValueError
        If `fill_value` cannot be converted to `dtype`.
    """
    if fill_value is None or dtype.kind == "O":
        return fill_value
    if dtype.kind in "SUV" and isinstance(fill_value, (int, np.integer)) and fill_value == 0:
        return np.zeros((), dtype)[()]  # zero, the default of creation, means empty here
    if dtype.kind == "U" and not isinstance(fill_value, str):
        raise ValueError(f"fill_value {fill_value!r} is not valid for dtype {dtype}; use a string")
    if dtype.kind == "V" and isinstance(fill_value, bytes) and len(fill_value) == dtype.itemsize:
        return np.frombuffer(fill_value, dtype)[0]
    try:
        return _convert(fill_value, dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"fill_value {fill_value!r} is not valid for dtype {dtype}; nested exception: {error}"
        ) from error


def viewed_fill(value: Any, dtype: np.dtype[Any]) -> Any:
    """Return the fill value `value` for a view with another dtype: zero stays zero."""
    if value is None or dtype.kind == "O":
        return value
    if not np.asarray(value).astype(bool).any():
        return np.zeros((), dtype)[()]
    return _convert(value, dtype)


def _convert(value: Any, dtype: np.dtype[Any]) -> Any:
    if isinstance(value, np.generic) and value.dtype == dtype:
        return value
    return np.array(value, dtype=dtype).reshape(())[()]


# -- Zarr v2: https://zarr-specs.readthedocs.io, "Data type encoding" ------------------


def encode_v2(dtype: np.dtype[Any]) -> JSON:
    """Return the v2 spelling of `dtype`: a string, or a list of fields."""
    if dtype.fields is None:
        return dtype.str
    return [_encode_field(name, dtype.fields[name][0]) for name in dtype.names or ()]


def _encode_field(name: str, dtype: np.dtype[Any]) -> JSON:
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return [name, encode_v2(base), list(shape)]
    return [name, encode_v2(dtype)]


def decode_v2(name: JSON) -> np.dtype[Any]:
    """Return the dtype that a v2 document calls `name`.

    Raises
    ------
    MetadataError
        If there is no such dtype.
    """
    try:
        dtype: np.dtype[Any] = np.dtype(_decode_name(name))
    except (TypeError, ValueError, SyntaxError, KeyError, IndexError, RecursionError) as error:
        raise MetadataError(f"dtype {name!r:.200} is not valid: {error}") from error
    if dtype.subdtype is not None or dtype.itemsize > 2**31:
        raise MetadataError(f"dtype {name!r:.200} is not valid for an array")
    if dtype.kind in "mM" and np.datetime_data(dtype)[0] == "generic":
        raise MetadataError(f"dtype {name!r} has no unit")
    return dtype


def _decode_name(name: JSON) -> Any:
    if isinstance(name, str):
        if "," in name:
            raise ValueError("a dtype is one name or a list of fields")
        return name
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


# -- Zarr v2: "Fill value encoding" ----------------------------------------------------


def encode_fill_v2(value: Any, dtype: np.dtype[Any], object_codec: Any = None) -> JSON:
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
    if kind == "f":
        return _encode_float(float(value))
    if kind in "iu":
        return int(value)
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


def decode_fill_v2(value: JSON, dtype: np.dtype[Any], object_codec: Any = None) -> Any:
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
            f"fill_value {value!r:.200} is not valid for dtype {dtype}: {error}"
        ) from error


def _decode_fill(value: JSON, dtype: np.dtype[Any], object_codec: Any) -> Any:
    kind = dtype.kind
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
        return object_codec.decode(base64.standard_b64decode(value))
    if kind in "SV":
        return _decode_bytes_fill(value, dtype)
    if kind in "mM":
        if isinstance(value, str):  # "NaT", as some writers spell it
            return np.array(value, dtype)[()]
        return np.array(value, "i8").view(dtype.newbyteorder("=")).astype(dtype)[()]
    if kind == "U" and not isinstance(value, str):
        if value == 0:
            return np.zeros((), dtype)[()]
        raise TypeError("expected a string")
    if kind in "biu" and not isinstance(value, (int, float)):
        raise TypeError("expected a number")
    return np.array(value, dtype)[()]


def _decode_bytes_fill(value: JSON, dtype: np.dtype[Any]) -> Any:
    if value == 0:  # written by versions before 2.3 for structured types
        return np.zeros((), dtype)[()]
    if not isinstance(value, str):
        raise TypeError("expected a base64 string")
    raw = base64.standard_b64decode(value)
    if dtype.kind == "S":
        return np.array(raw, dtype)[()]
    if len(raw) != dtype.itemsize:
        raise ValueError(f"{len(raw)} bytes for an item of {dtype.itemsize}")
    return np.frombuffer(raw, dtype)[0]


def _decode_float(value: JSON) -> float:
    if isinstance(value, str):
        special = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
        if value not in special:
            raise ValueError("expected a number, 'NaN', 'Infinity' or '-Infinity'")
        return special[value]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError("expected a number")
    return float(value)
