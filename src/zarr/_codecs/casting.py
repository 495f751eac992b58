"""The codec `cast_value`: from the numbers of one data type to those of another.

https://github.com/zarr-developers/zarr-extensions/tree/main/codecs/cast_value
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from zarr._codecs.array_codecs import as_array
from zarr._metadata.v3_data_types import is_foreign

__all__ = ["CastValue", "OutOfRange", "Rounding", "cast"]

Rounding: TypeAlias = Literal[
    "nearest-even", "towards-zero", "towards-positive", "towards-negative", "nearest-away"
]
OutOfRange: TypeAlias = Literal["clamp", "wrap"]
ScalarMap: TypeAlias = Sequence[tuple[Any, Any]]


class CastValue:
    """Converts the items of an array by their numerical value.

    Parameters
    ----------
    source, target : numpy.dtype
        Of the decoded and of the encoded items: integers and floats.
    shape : tuple of int
    rounding : str
    out_of_range : {'clamp', 'wrap'}, optional
        An error by default.
    encode_map, decode_map : sequence of (input, output)
        Scalars that are converted in another way.
    """

    codec_id = "cast_value"

    def __init__(
        self,
        source: np.dtype[Any],
        target: np.dtype[Any],
        shape: tuple[int, ...],
        rounding: Rounding = "nearest-even",
        out_of_range: OutOfRange | None = None,
        encode_map: ScalarMap = (),
        decode_map: ScalarMap = (),
    ) -> None:
        if rounding not in get_args(Rounding):
            raise ValueError(f"rounding must be one of {', '.join(get_args(Rounding))}")
        if out_of_range not in (None, *get_args(OutOfRange)):
            raise ValueError(f"out_of_range must be 'clamp' or 'wrap', not {out_of_range!r}")
        for dtype in (source, target):
            if not (_is_integer(dtype) or _is_float(dtype)):
                raise ValueError(f"cast_value is for integers and floats, not for {dtype}")
        if out_of_range == "wrap" and not _is_integer(target):
            raise ValueError(f"out_of_range 'wrap' is for integers, not for {target}")
        self.source, self.target, self.shape = source, target, shape
        self.rounding, self.out_of_range = rounding, out_of_range
        self.encode_map, self.decode_map = encode_map, decode_map
        self.encoded_nbytes = math.prod(shape) * target.itemsize

    def encode(self, buf: Any) -> Any:
        values = as_array(np.ascontiguousarray(buf), self.source, self.shape)
        return cast(values, self.target, self.rounding, self.out_of_range, self.encode_map)

    def decode(self, buf: Any) -> Any:
        values = as_array(buf, self.target, self.shape)
        wrap_fits = self.out_of_range != "wrap" or _is_integer(self.source)
        out_of_range = self.out_of_range if wrap_fits else None
        return cast(values, self.source, self.rounding, out_of_range, self.decode_map)


def _is_integer(dtype: np.dtype[Any]) -> bool:
    return dtype.kind in "iu" or (is_foreign(dtype) and dtype.name.startswith(("int", "uint")))


def _is_float(dtype: np.dtype[Any]) -> bool:
    return dtype.kind == "f" or (is_foreign(dtype) and "float" in dtype.name)


def cast(
    values: np.ndarray[Any, Any],
    target: np.dtype[Any],
    rounding: Rounding = "nearest-even",
    out_of_range: OutOfRange | None = None,
    scalar_map: ScalarMap = (),
) -> np.ndarray[Any, Any]:
    """Return `values` as items of `target`.

    Raises
    ------
    ValueError
        If an item has no counterpart.
    """
    if not scalar_map:
        return _cast(values, target, rounding, out_of_range)
    result = np.empty(values.shape, target)
    left = np.ones(values.shape, bool)
    for key, output in scalar_map:
        hit = left & (np.isnan(values) if np.isnan(key) else values == key)
        result[hit] = output
        left &= ~hit
    result[left] = _cast(values[left], target, rounding, out_of_range)
    return result


def _cast(
    values: np.ndarray[Any, Any],
    target: np.dtype[Any],
    rounding: Rounding,
    out_of_range: OutOfRange | None,
) -> np.ndarray[Any, Any]:
    if values.dtype == target or not values.size:
        return values.astype(target)
    wide = _widened(values)
    if _is_integer(target):
        return _to_integers(wide, target, rounding, out_of_range)
    return _to_floats(wide, target, rounding, out_of_range)


def _widened(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the same numbers in a dtype of NumPy's own that can hold all of them."""
    if _is_integer(values.dtype):
        return values if not is_foreign(values.dtype) else values.astype("i8")
    return values.astype("f8")


def _limits(dtype: np.dtype[Any]) -> tuple[int, int]:
    if is_foreign(dtype):
        size = 1 << int(dtype.name.lstrip("uint"))
        return (0, size - 1) if dtype.name[0] == "u" else (-(size // 2), size // 2 - 1)
    info = np.iinfo(dtype)
    return int(info.min), int(info.max)


def _refuse(values: np.ndarray[Any, Any], bad: Any, target: np.dtype[Any]) -> None:
    if np.any(bad):
        raise ValueError(f"cast_value: {values[bad].flat[0]} cannot be represented as {target}")


def _to_integers(
    values: np.ndarray[Any, Any],
    target: np.dtype[Any],
    rounding: Rounding,
    out_of_range: OutOfRange | None,
) -> np.ndarray[Any, Any]:
    low, high = _limits(target)
    if values.dtype.kind == "f":
        _refuse(values, ~np.isfinite(values), target)
        values = _ROUND[rounding](values)
        # 2**63-1 and 2**64-1 are no floats, but the powers of two are.
        below, above = values < float(low), values >= float(high + 1)
    else:
        below, above = _compared(values, low, high)
    if out_of_range is None:
        _refuse(values, below | above, target)
    if out_of_range == "wrap":
        return np.asarray(_wrapped(values, target))
    inside = ~(below | above)
    result = np.empty(values.shape, target)
    result[inside] = values[inside].astype(target)
    result[below], result[above] = low, high
    return result


def _compared(values: np.ndarray[Any, Any], low: int, high: int) -> tuple[Any, Any]:
    """Return where integers are below `low` and where they are above `high`."""
    least, most = _limits(values.dtype)
    below = values < low if low >= least else np.zeros(values.shape, bool)
    above = values > high if high <= most else np.zeros(values.shape, bool)
    return below, above


def _wrapped(values: np.ndarray[Any, Any], target: np.dtype[Any]) -> Any:
    """Return integral `values` modulo two to the number of bits of `target`."""
    if values.dtype.kind == "f":
        size = np.abs(np.fmod(values, 2.0**64)).astype("u8")
        with np.errstate(over="ignore"):
            words = np.where(values < 0, ~size + np.uint64(1), size)
    else:
        words = values.astype("i8" if values.dtype.kind == "i" else "u8").view("u8")
    if not is_foreign(target):
        return words.astype(f"u{target.itemsize}").view(target)
    bits = int(target.name.lstrip("uint"))
    words &= np.uint64(2**bits - 1)
    if target.name[0] == "i":
        signed = words.astype("i8")
        return np.where(signed >= 2 ** (bits - 1), signed - 2**bits, signed).astype(target)
    return words.astype(target)


def _nearest_away(values: np.ndarray[Any, Any]) -> Any:
    whole = np.trunc(values)
    return whole + np.copysign(np.abs(values - whole) >= 0.5, values)


_ROUND: dict[str, Any] = {
    "nearest-even": np.rint,
    "towards-zero": np.trunc,
    "towards-positive": np.ceil,
    "towards-negative": np.floor,
    "nearest-away": _nearest_away,
}


# -- to floats -------------------------------------------------------------------------


def _to_floats(
    values: np.ndarray[Any, Any],
    target: np.dtype[Any],
    rounding: Rounding,
    out_of_range: OutOfRange | None,
) -> np.ndarray[Any, Any]:
    info = _finfo(target)
    special = ~np.isfinite(values) if values.dtype.kind == "f" else np.zeros(values.shape, bool)
    if special.any() and not _keeps(values[special], target):
        _refuse(values, special, target)
    with np.errstate(over="ignore", invalid="ignore"):
        result = values.astype(target)
    most = float(info.max)
    over = ~special & ~np.isfinite(result.astype("f8"))
    over |= ~special & (np.abs(values.astype("f8")) > most)
    fits = ~(special | over)
    if rounding != "nearest-even":
        result[fits] = _directed(values[fits], result[fits], rounding)
    # What lies beyond the largest finite number, but rounds to it, is in range.
    half = most + (most - float(np.nextafter(info.max, np.zeros((), target)))) / 2
    rounds_back = over & (np.abs(values.astype("f8")) < half)
    sign = np.where(values < 0, -1.0, 1.0)
    result[rounds_back] = (sign * most)[rounds_back].astype(target)
    over &= ~rounds_back
    if out_of_range is None:
        _refuse(values, over, target)
    limit = math.inf if _has_infinity(target) else most
    result[over] = (sign * limit)[over].astype(target)
    return result


def _finfo(dtype: np.dtype[Any]) -> Any:
    if is_foreign(dtype):
        import ml_dtypes  # type: ignore[import-not-found, import-untyped, unused-ignore]

        return ml_dtypes.finfo(dtype)  # type: ignore[no-untyped-call, unused-ignore]
    return np.finfo(dtype)


def _has_infinity(dtype: np.dtype[Any]) -> bool:
    return bool(np.isinf(np.array(math.inf).astype(dtype).astype("f8")))


def _keeps(values: np.ndarray[Any, Any], target: np.dtype[Any]) -> bool:
    """Tell whether NaN and infinities among `values` exist in `target`."""
    with np.errstate(over="ignore", invalid="ignore"):
        back = values.astype(target).astype("f8")
    return bool(np.all((np.isnan(back) & np.isnan(values)) | (back == values)))


def _directed(values: np.ndarray[Any, Any], nearest: Any, rounding: Rounding) -> Any:
    """Return the neighbour of each of `values` that `rounding` asks for.

    Parameters
    ----------
    values : ndarray
        Finite numbers within the range of the target.
    nearest : ndarray
        The same, rounded to the nearest.
    """
    error = _difference(nearest, values)
    infinity = np.full((), np.inf, "f8").astype(nearest.dtype)
    least, most = np.asarray(_finfo(nearest.dtype).min), np.asarray(_finfo(nearest.dtype).max)
    up = np.nextafter(nearest, infinity if _has_infinity(nearest.dtype) else most)
    down = np.nextafter(nearest, -infinity if _has_infinity(nearest.dtype) else least)
    lower = np.where(error > 0, down, nearest)
    upper = np.where(error < 0, up, nearest)
    if rounding == "towards-negative":
        return lower
    if rounding == "towards-positive":
        return upper
    if rounding == "towards-zero":
        return np.where(values < 0, upper, lower)
    # The nearest, and of two equally near ones that away from zero.
    tie = (error != 0) & (_difference(upper, values) == -_difference(lower, values))
    return np.where(tie, np.where(values < 0, lower, upper), nearest)


def _difference(floats: Any, values: np.ndarray[Any, Any]) -> Any:
    """Return ``floats - values``, with the right sign, and zero only if they are equal."""
    if values.dtype.kind == "f":
        return floats.astype("f8") - values
    # Where integers are not exact as floats, the floats are whole numbers.
    exact = [int(f) - int(v) for f, v in zip(floats.astype("f8").flat, values.flat, strict=True)]
    return np.array(exact, object).astype("f8").reshape(values.shape)
