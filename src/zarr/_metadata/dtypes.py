"""Data types and fill values as users give them."""

from __future__ import annotations

from typing import Any

import numpy as np

from zarr._metadata.foreign_dtypes import LARGEST_ITEM
from zarr._metadata.records import ArrayMeta
from zarr._metadata.v3_data_types import decode_data_type
from zarr.errors import MetadataError

__all__ = [
    "is_plain",
    "is_string_dtype",
    "is_text",
    "normalize_dtype",
    "normalize_fill_value",
    "strings_of",
    "viewed_fill",
    "without_subarray",
]


_PLAIN_KINDS = frozenset("biufcSUmM")
_REGISTERED = 2
"""What NumPy says of the data types of other packages."""


def is_plain(dtype: np.dtype[Any]) -> bool:
    """Tell whether `dtype` is one of NumPy's own whose scalars cannot be changed."""
    return dtype.kind in _PLAIN_KINDS and dtype.isbuiltin != _REGISTERED


def is_string_dtype(dtype: Any) -> bool:
    """Tell whether `dtype` is NumPy's own for text of any length."""
    return isinstance(dtype, np.dtypes.StringDType)


def is_text(meta: ArrayMeta) -> bool:
    """Tell whether the elements of an array are text of any length."""
    return meta.dtype.kind == "O" and any(step.name == "vlen-utf8" for step in meta.steps)


def strings_of(found: Any) -> Any:
    """Return objects that are text as NumPy's strings; None is the empty one."""
    text = np.asarray(found, object)
    return np.where(np.equal(text, np.array(None)), "", text).astype(np.dtypes.StringDType())


def normalize_dtype(dtype: Any) -> tuple[np.dtype[Any], dict[str, Any] | None]:
    """Return the NumPy dtype that `dtype` means, and the codec for its objects.

    Parameters
    ----------
    dtype : str, type, numpy.dtype or dict
        Anything that `numpy.dtype` takes, or ``str``, ``bytes`` or ``'array:T'``, which
        are short for arrays of objects with a codec that suits them; a data type as
        documents of version 3 have it; or an object with `to_native_dtype`, as those of
        :mod:`zarr.dtype`.

    Returns
    -------
    dtype : numpy.dtype
    object_codec : dict or None
        Configuration of the codec implied.

    Raises
    ------
    ValueError
        If datetimes have no unit, or items more than `LARGEST_ITEM` bytes.
    """
    if callable(getattr(dtype, "to_native_dtype", None)) and not isinstance(dtype, type):
        if (codec_id := getattr(dtype, "object_codec_id", None)) is not None:
            return np.dtype(object), {"id": codec_id}
        dtype = dtype.to_native_dtype()
    if dtype is str or (isinstance(dtype, str) and dtype == "string"):
        return np.dtype(object), {"id": "vlen-utf8"}
    if dtype is bytes or (isinstance(dtype, str) and dtype in ("bytes", "variable_length_bytes")):
        return np.dtype(object), {"id": "vlen-bytes"}
    if isinstance(dtype, str) and dtype.startswith("array:"):
        return np.dtype(object), {"id": "vlen-array", "dtype": np.dtype(dtype[6:]).str}
    result = _without_gaps(_as_dtype(dtype))
    if result.itemsize > LARGEST_ITEM:
        raise ValueError(f"elements of dtype {dtype!r:.200} have more than {LARGEST_ITEM} bytes")
    if result.kind == "T":  # NumPy's own strings of any length
        return np.dtype(object), {"id": "vlen-utf8"}
    if result.kind in "mM" and np.datetime_data(result)[0] == "generic":
        raise ValueError(
            f"dtype {result.str!r} has no unit; give one, for instance {result.str[1:]}[ns]"
        )
    return result, None


def _as_dtype(dtype: Any) -> np.dtype[Any]:
    try:
        result: np.dtype[Any] = np.dtype(dtype)
    except (TypeError, ValueError) as error:
        if not isinstance(dtype, (str, dict)):
            raise
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


def without_subarray(
    shape: tuple[int, ...], dtype: np.dtype[Any]
) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return shape and dtype of an array whose items are scalars: NumPy's rule for such dtypes."""
    if dtype.subdtype is None:
        return shape, dtype
    base, inner = dtype.subdtype
    return (*shape, *inner), base


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
    if dtype.kind == "V" and isinstance(fill_value, bytes) and not dtype.hasobject:
        if len(fill_value) > dtype.itemsize:
            raise ValueError(
                f"fill_value {fill_value!r:.100} is not valid for dtype {dtype}: it has "
                f"{len(fill_value)} bytes, an element has {dtype.itemsize}"
            )
        return np.frombuffer(fill_value.ljust(dtype.itemsize, b"\0"), dtype)[0]
    try:
        return _convert(fill_value, dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"fill_value {fill_value!r} is not valid for dtype {dtype}: {error}"
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
