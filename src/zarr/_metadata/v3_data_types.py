"""Data types and fill values as documents of version 3 spell them.

https://zarr-specs.readthedocs.io/en/latest/v3/data-types and
https://github.com/zarr-developers/zarr-extensions/tree/main/data-types. Where there is more
than one spelling, all are read, and the most widely supported one is written.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal, TypeAlias

import numpy as np

from zarr._metadata.foreign_dtypes import (
    FOREIGN_NAMES,
    JSON,
    LARGEST_ITEM,
    foreign_dtype,
    is_foreign,
    is_foreign_name,
)
from zarr.errors import ExtensionNotFoundError, MetadataError

__all__ = [
    "ByteOrder",
    "Items",
    "byte_ordered",
    "decode_data_type",
    "decode_fill",
    "default_fill",
    "encode_data_type",
    "encode_fill",
    "has_byte_order",
    "is_foreign",
    "items_of",
    "of_byte_order",
]

Items: TypeAlias = Literal["string", "bytes"]
"""What the objects of an array of objects are."""

ByteOrder: TypeAlias = Literal["little", "big"]

_CORE = {
    "bool": "?",
    **{f"{kind}{8 * n}": f"{kind[0]}{n}" for kind in ("int", "uint") for n in (1, 2, 4, 8)},
    **{f"float{8 * n}": f"f{n}" for n in (2, 4, 8)},
    **{f"complex{8 * n}": f"c{n}" for n in (8, 16)},
}
_NUMBERS: dict[str, np.dtype[Any]] = {name: np.dtype(code) for name, code in _CORE.items()}
_ALIASES = {"complex_float32": "complex64", "complex_float64": "complex128"}

_STRINGS = ("string",)
_BYTES = ("variable_length_bytes", "bytes")

_UNITS = ("Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as", "generic")
_DEEPEST = 32


# -- names -----------------------------------------------------------------------------


def decode_data_type(data_type: JSON) -> np.dtype[Any]:
    """Return the NumPy dtype, in native byte order, that a document calls `data_type`.

    Variable-length strings and bytes become objects; see :func:`items_of`.

    Parameters
    ----------
    data_type : str or dict
        A name, or an object with `name` and `configuration`.

    Raises
    ------
    MetadataError
        If there is no such data type.
    """
    try:
        return _decode(data_type, _DEEPEST)
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        if isinstance(error, MetadataError):
            raise
        raise MetadataError(f"data_type {data_type!r:.200} is not valid: {error!s:.500}") from error


def _decode(data_type: JSON, depth: int) -> np.dtype[Any]:
    if type(data_type) is str and data_type in _NUMBERS:
        return _NUMBERS[data_type]
    name, configuration = _name_of(data_type)
    name = _ALIASES.get(name, name)
    if name in _PARAMETRIC:
        dtype: np.dtype[Any] = _PARAMETRIC[name](configuration, depth)
        return dtype
    if configuration:
        raise MetadataError(
            f"data_type {name!r:.100} takes no configuration, but has {configuration!r:.200}"
        )
    if name in _NUMBERS:
        return _NUMBERS[name]
    if name in _STRINGS or name in _BYTES:
        return np.dtype(object)
    if re.fullmatch("r[0-9]+", name):
        return _raw(int(name[1:]))
    if is_foreign_name(name):
        return foreign_dtype(name)
    raise ExtensionNotFoundError(f"data_type {name!r:.100} is not known")


def _name_of(data_type: JSON) -> tuple[str, Mapping[str, JSON]]:
    if isinstance(data_type, str):
        return data_type, {}
    if not isinstance(data_type, dict) or not isinstance(data_type.get("name"), str):
        raise MetadataError(
            f"data_type must be a string or an object with a name, not {data_type!r:.200}"
        )
    configuration = data_type.get("configuration", {})
    if not isinstance(configuration, dict):
        raise MetadataError(
            f"the configuration of data_type {data_type['name']!r:.100} is not an object"
        )
    return data_type["name"], configuration


def _raw(bits: int) -> np.dtype[Any]:
    if bits % 8 or not 8 <= bits <= 8 * LARGEST_ITEM:
        raise MetadataError(f"data_type 'r{bits}' must have a positive multiple of 8 bits")
    return np.dtype(f"V{bits // 8}")


def _length(configuration: Mapping[str, JSON]) -> int:
    length = configuration.get("length_bytes")
    if type(length) is not int or not 0 < length <= LARGEST_ITEM:
        raise MetadataError(f"length_bytes must be a positive integer, not {length!r:.50}")
    return length


def _utf32(configuration: Mapping[str, JSON]) -> np.dtype[Any]:
    length = _length(configuration)
    if length % 4:
        raise MetadataError(f"length_bytes must be a multiple of 4, not {length}")
    return np.dtype(f"U{length // 4}")


def _time(code: str, configuration: Mapping[str, JSON]) -> np.dtype[Any]:
    unit, factor = configuration.get("unit"), configuration.get("scale_factor")
    unit = "us" if unit in ("\u03bcs", "\u00b5s") else unit  # two letters look like a mu
    if unit not in _UNITS:
        raise MetadataError(f"unit must be one of {', '.join(_UNITS)}, not {unit!r:.50}")
    if type(factor) is not int or not 1 <= factor <= 2**31 - 1:
        raise MetadataError(f"scale_factor must be an integer from 1 to 2**31-1: {factor!r:.50}")
    return np.dtype(code if unit == "generic" else f"{code}[{factor}{unit}]")


def _struct(configuration: Mapping[str, JSON], depth: int) -> np.dtype[Any]:
    fields = configuration.get("fields")
    if not isinstance(fields, list) or not fields or not depth:
        raise MetadataError("the fields of a struct must be a list of at least one, not too deep")
    described = []
    for field in fields:
        match field:
            case {"name": str(name), "data_type": data_type} | [str(name), data_type] if name:
                dtype = _decode(data_type, depth - 1)
            case _:
                raise MetadataError(f"a field must have a name and a data_type, not {field!r:.100}")
        if dtype.hasobject:
            raise MetadataError(f"field {name!r} has no fixed size: {data_type!r:.50}")
        described.append((name, dtype))
    return np.dtype(described)


_PARAMETRIC: dict[str, Any] = {
    "raw_bytes": lambda configuration, _: _raw(8 * _length(configuration)),
    "null_terminated_bytes": lambda configuration, _: np.dtype(f"S{_length(configuration)}"),
    "fixed_length_utf32": lambda configuration, _: _utf32(configuration),
    "numpy.datetime64": lambda configuration, _: _time("M8", configuration),
    "numpy.timedelta64": lambda configuration, _: _time("m8", configuration),
    "struct": _struct,
    "structured": _struct,
}


def items_of(data_type: JSON) -> Items | None:
    """Return what the objects of an array of `data_type` are, None if it has no objects."""
    name = _name_of(data_type)[0]
    return "string" if name in _STRINGS else "bytes" if name in _BYTES else None


def encode_data_type(dtype: np.dtype[Any], items: Items | None = None) -> JSON:
    """Return what a document calls `dtype`, whose byte order is not part of that.

    Parameters
    ----------
    dtype : numpy.dtype
    items : {'string', 'bytes'}, optional
        For objects: what they are.

    Raises
    ------
    ValueError
        If version 3 has no such data type.
    """
    if dtype.hasobject:
        if dtype.kind != "O" or items is None:
            raise ValueError(
                f"dtype {dtype} has no data type in version 3 of the format; it supports "
                "objects only as strings (dtype=str) and bytes (dtype=bytes)"
            )
        return _STRINGS[0] if items == "string" else _BYTES[0]
    if is_foreign(dtype):
        names = {theirs: ours for ours, theirs in FOREIGN_NAMES.items()}
        return names.get(dtype.name, str(dtype.name))
    if dtype.kind in "biufc":
        if dtype.name not in _CORE:
            raise ValueError(f"dtype {dtype} has no data type in version 3 of the format")
        return dtype.name
    if dtype.kind in "mM":
        unit, factor = np.datetime_data(dtype)
        name = "numpy.datetime64" if dtype.kind == "M" else "numpy.timedelta64"
        return {"name": name, "configuration": {"unit": unit, "scale_factor": factor}}
    if dtype.fields is not None:
        # The registry would have new data say "struct", but the readers that know that name
        # must know this one too, and most know this one only.
        fields = [[name, _encode_field(name, dtype)] for name in dtype.names or ()]
        return {"name": "structured", "configuration": {"fields": fields}}
    name = {"S": "null_terminated_bytes", "U": "fixed_length_utf32", "V": "raw_bytes"}[dtype.kind]
    if not dtype.itemsize:
        raise ValueError(f"dtype {dtype} has no length; give one, for instance {dtype.kind}10")
    return {"name": name, "configuration": {"length_bytes": dtype.itemsize}}


def _encode_field(name: str, dtype: np.dtype[Any]) -> JSON:
    field = dtype[name]
    if field.subdtype is not None:
        raise ValueError(
            f"field {name!r} of {dtype} is an array, which has no data type in version 3 of the "
            "format"
        )
    return encode_data_type(field)


# -- byte order ------------------------------------------------------------------------


def has_byte_order(dtype: np.dtype[Any]) -> bool:
    """Tell whether the items of `dtype` can be stored in two byte orders."""
    if dtype.fields is not None:
        return any(has_byte_order(dtype[name]) for name in dtype.names or ())
    if is_foreign(dtype):
        return dtype.itemsize > 1
    return dtype.kind in "iufcmMU" and dtype.itemsize > 1


def byte_ordered(dtype: np.dtype[Any], order: ByteOrder) -> np.dtype[Any]:
    """Return `dtype` with another byte order; those of other packages have the native only."""
    ordered: np.dtype[Any] = dtype.newbyteorder("<" if order == "little" else ">")
    return ordered


def of_byte_order(dtype: np.dtype[Any]) -> ByteOrder:
    """Return the byte order of the items of `dtype`.

    Raises
    ------
    ValueError
        If it has fields of either order.
    """
    if dtype == byte_ordered(dtype, "little"):
        return "little"
    if dtype == byte_ordered(dtype, "big"):
        return "big"
    raise ValueError(f"dtype {dtype} has fields of both byte orders; version 3 stores one only")


# -- fill values -----------------------------------------------------------------------


def default_fill(dtype: np.dtype[Any], items: Items | None = None) -> Any:
    """Return the fill value of an array for which none was given."""
    if dtype.hasobject:
        return "" if items == "string" else b""
    if dtype.kind in "mM":
        return np.array("NaT", dtype)[()]
    return np.zeros((), dtype)[()]


def encode_fill(value: Any, data_type: JSON, order: ByteOrder = "little") -> JSON:
    """Return the spelling of the fill value `value` in a document.

    Parameters
    ----------
    value : scalar
        Of the dtype that :func:`decode_data_type` returns.
    data_type : str or dict
        As it is in the document.
    order : {'little', 'big'}
        Byte order in which chunks are stored.
    """
    name = _name_of(data_type)[0]
    if name in _STRINGS:
        return str(value)
    if name in _BYTES:
        return _base64(bytes(value))
    dtype = decode_data_type(data_type)
    scalar = np.asarray(value).astype(dtype, copy=False).reshape(())
    if dtype.fields is not None:
        if name == "structured":
            return _base64(scalar.astype(byte_ordered(dtype, order)).tobytes())
        fields = data_type["configuration"]["fields"]
        return {n: encode_fill(scalar[n], t, order) for n, t in map(_field_items, fields)}
    if name == "raw_bytes":
        return _base64(scalar.tobytes())
    if dtype.kind == "V" and not is_foreign(dtype):
        return list(scalar.tobytes())
    if dtype.kind == "S":
        return _base64(bytes(scalar[()]))
    if dtype.kind == "U":
        return str(scalar[()])
    if dtype.kind in "mM":
        return int(scalar.view("i8"))
    return _encode_number(scalar)


def _field_items(field: JSON) -> tuple[str, JSON]:
    return (field["name"], field["data_type"]) if isinstance(field, dict) else tuple(field)


def _base64(data: bytes) -> str:
    return base64.standard_b64encode(data).decode("ascii")


def _encode_number(scalar: np.ndarray[Any, Any]) -> JSON:
    kind = _number_kind(scalar.dtype)
    if kind == "bool":
        return bool(scalar)
    if kind == "integer":
        return int(scalar)
    if kind == "complex":
        parts = scalar.reshape(1).view(_part_of(scalar.dtype))
        return [_encode_float(part.reshape(())) for part in parts]
    return _encode_float(scalar)


def _encode_float(scalar: np.ndarray[Any, Any]) -> JSON:
    value = float(scalar)
    if math.isnan(value):
        if scalar.tobytes() == _nan(scalar.dtype).tobytes():
            return "NaN"
        width = scalar.dtype.itemsize
        return f"0x{int(scalar.view(f'u{width}')):0{2 * width}x}"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def _nan(dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    return np.array(math.nan).astype(dtype)


def _number_kind(dtype: np.dtype[Any]) -> str:
    if is_foreign(dtype):
        for prefix, kind in (("bcomplex", "complex"), ("complex", "complex"), ("u", "integer")):
            if dtype.name.startswith(prefix):
                return kind
        return "integer" if dtype.name.startswith("int") else "float"
    return {"b": "bool", "i": "integer", "u": "integer", "f": "float", "c": "complex"}[dtype.kind]


def _part_of(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype of the real and the imaginary part of a complex `dtype`."""
    if is_foreign(dtype):
        return foreign_dtype("bfloat16") if dtype.name == "bcomplex32" else np.dtype("f2")
    return np.dtype(f"f{dtype.itemsize // 2}")


def decode_fill(value: JSON, data_type: JSON, order: ByteOrder = "little") -> Any:
    """Return the scalar that a document spells as `value`.

    Parameters
    ----------
    value
    data_type, order
        As for :func:`encode_fill`.

    Raises
    ------
    MetadataError
        If it is not a legal spelling.
    """
    try:
        return _decode_fill(value, data_type, order)
    except (TypeError, ValueError, OverflowError, binascii.Error) as error:
        raise MetadataError(
            f"fill_value {value!r:.200} is not valid for data_type {data_type!r:.200}: "
            f"{error!s:.500}"
        ) from error


def _decode_fill(value: JSON, data_type: JSON, order: ByteOrder) -> Any:
    name = _name_of(data_type)[0]
    if name in _STRINGS:
        return _text(value)
    if name in _BYTES:
        return _octets(value)
    dtype = decode_data_type(data_type)
    if dtype.fields is not None:
        return _decode_struct(value, data_type, dtype, order)
    if dtype.kind == "U":
        if len(_text(value)) > dtype.itemsize // 4:
            raise ValueError(f"longer than {dtype.itemsize // 4} characters")
        return np.array(value, dtype)[()]
    if dtype.kind in "mM":
        if value != "NaT":
            value = _integer(value, np.dtype("i8"))
            return np.array(value, "i8").view(dtype)[()]
        return np.array("NaT", dtype)[()]
    if dtype.kind == "S" or (dtype.kind == "V" and not is_foreign(dtype)):
        data = _octets(value)
        if len(data) > dtype.itemsize or (dtype.kind == "V" and len(data) != dtype.itemsize):
            raise ValueError(f"{len(data)} bytes for an element of {dtype.itemsize}")
        return np.frombuffer(data.ljust(dtype.itemsize, b"\0"), dtype)[0]
    return _decode_number(value, dtype)


def _decode_struct(value: JSON, data_type: JSON, dtype: np.dtype[Any], order: ByteOrder) -> Any:
    if isinstance(value, str):
        data = _octets(value)
        if len(data) != dtype.itemsize:
            raise ValueError(f"{len(data)} bytes for an element of {dtype.itemsize}")
        return np.frombuffer(data, byte_ordered(dtype, order)).astype(dtype)[0]
    if not isinstance(value, dict):
        raise TypeError("expected an object with a member for each field, or base64")
    fields = [_field_items(field) for field in data_type["configuration"]["fields"]]
    if value.keys() != {name for name, _ in fields}:
        raise ValueError(f"must have the members {', '.join(name for name, _ in fields)}")
    scalar = np.zeros((), dtype)
    for name, kind in fields:
        scalar[name] = _decode_fill(value[name], kind, order)
    return scalar[()]


def _text(value: JSON) -> str:
    if not isinstance(value, str):
        raise TypeError("expected a string")
    return value


def _octets(value: JSON) -> bytes:
    if isinstance(value, str):
        return base64.b64decode(value, validate=True)
    if not isinstance(value, list) or any(type(item) is not int for item in value):
        raise TypeError("expected base64, or a list of integers from 0 to 255")
    return bytes(value)


def _decode_number(value: JSON, dtype: np.dtype[Any]) -> Any:
    kind = _number_kind(dtype)
    if kind == "bool":
        if value not in (0, 1) or isinstance(value, float):
            raise TypeError("expected true or false")
        return np.bool_(value)
    if kind == "integer":
        return np.array(_integer(value, dtype)).astype(dtype)[()]
    if kind == "complex":
        real, imaginary = value if isinstance(value, list) else (value, 0)
        part = _part_of(dtype)
        parts = np.array([_decode_float(real, part), _decode_float(imaginary, part)], part)
        return parts.view(dtype)[0]
    return _decode_float(value, dtype)


def _integer(value: JSON, dtype: np.dtype[Any]) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int:
        raise TypeError("expected an integer")
    low, high = _limits(dtype)
    if not low <= value < high:
        raise OverflowError(f"expected an integer from {low} to {high - 1}")
    return value


@lru_cache
def _limits(dtype: np.dtype[Any]) -> tuple[int, int]:
    """Return the least integer of `dtype`, and the first that is too large for it."""
    if is_foreign(dtype):
        bits = int(dtype.name.lstrip("uint"))
        return (0, 2**bits) if dtype.name.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1))
    info = np.iinfo(dtype)
    return int(info.min), int(info.max) + 1


def _decode_float(value: JSON, dtype: np.dtype[Any]) -> Any:
    if isinstance(value, str):
        if value in ("Infinity", "-Infinity", "+Infinity"):
            value = -math.inf if value[0] == "-" else math.inf
        elif value == "NaN":
            value = math.nan
        elif re.fullmatch(f"0[xX][0-9a-fA-F]{{1,{2 * dtype.itemsize}}}", value):
            return np.array(int(value, 16), f"u{dtype.itemsize}").view(dtype)[()]
        else:
            raise ValueError("expected a number, 'NaN', 'Infinity', '-Infinity' or '0x…'")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError("expected a number")
    with np.errstate(over="ignore"):
        return np.array(float(value)).astype(dtype)[()]
