"""Between what users pass to a selection and what the engine takes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from zarr._selection.indexers import Indexer
from zarr.errors import ArrayIndexError

__all__ = [
    "Fields", "Result", "as_value", "checked_fields", "describe_refused",
    "fields_dtype", "is_masked_array", "must_be_assigned_to", "on_host", "same_object",
    "with_dropped_axes",
]  # fmt: skip

Fields = str | Sequence[str] | None


def checked_fields(fields: Any) -> Fields:
    """Return the argument `fields` of a selection; None if it names no field.

    Raises
    ------
    ArrayIndexError
        If it is neither text nor a sequence of text.
    """
    if fields is None or isinstance(fields, str):
        return fields or None
    if isinstance(fields, (list, tuple)) and all(isinstance(name, str) for name in fields):
        return list(fields) or None
    raise ArrayIndexError(
        f"invalid 'fields' argument, expected a name or a list of names, not {fields!r:.100}"
    )


def fields_dtype(dtype: np.dtype[Any], fields: Fields) -> np.dtype[Any]:
    """Return the dtype of some fields; raise `ArrayIndexError` if they do not exist."""
    names = [fields] if isinstance(fields, str) else list(fields or ())
    known = dtype.names or ()
    for name in names:
        if name not in known:
            raise ArrayIndexError(f"invalid 'fields' argument, dtype {dtype} has no field {name!r}")
    if isinstance(fields, str):
        return dtype[fields]
    return np.dtype([(name, dtype[name]) for name in names])


class Result:
    """What a read returns: an array of the type that is asked for, or `out`.

    Parameters
    ----------
    indexer : Indexer
    dtype : numpy.dtype
    order : {'C', 'F'}
    like : array, optional
        One of the type to return; NumPy's by default.
    out : array, optional
        To read into, of the shape of the selection; not one that must be assigned to.

    Attributes
    ----------
    memory : array
        To be filled, of the shape ``indexer.kept_shape``.
    """

    __slots__ = ("_indexer", "_like", "_out", "memory")

    def __init__(
        self, indexer: Indexer, dtype: np.dtype[Any], order: Any, like: Any, out: Any
    ) -> None:
        self._indexer, self._out = indexer, out
        self._like = like if out is None else out
        if out is not None and not _is_foreign(out):
            self.memory = with_dropped_axes(out, indexer)
        elif out is None and isinstance(like, np.ndarray):
            self.memory = np.empty_like(like, dtype, order, shape=indexer.kept_shape)
        else:
            self.memory = np.empty(indexer.kept_shape, dtype, order)

    def take(self) -> Any:
        """Return the result, of the shape ``indexer.shape``, once `memory` is filled."""
        out, like, indexer = self._out, self._like, self._indexer
        if out is not None and not _is_foreign(out):
            return out
        result = self.memory
        if indexer.drop_axes:
            result = result.reshape(indexer.shape + result.shape[len(indexer.kept_shape) :])
        if like is not None and _is_foreign(like):
            result = np.asarray(result, like=like)
        if out is None:
            return result
        out[...] = result
        return out


def must_be_assigned_to(out: Any, shape: tuple[int, ...]) -> bool:
    """Tell whether parts of `out`, to be read into, are copies, so that it must be assigned to.

    Raises
    ------
    TypeError, ValueError
        If it is not an array of `shape`.
    """
    if not hasattr(out, "shape") or not hasattr(out, "__setitem__"):
        raise TypeError(f"parameter 'out': expected an array, not {type(out).__name__}")
    if tuple(out.shape) != shape:
        raise ValueError(
            f"parameter 'out': expected array with shape {shape!r}, got {tuple(out.shape)!r}"
        )
    return not isinstance(out, np.ndarray) and not _is_foreign(out)


def with_dropped_axes(array: Any, indexer: Indexer) -> Any:
    """Return a view of `array` with the dimensions that integers dropped, of length one."""
    if not indexer.drop_axes:
        return array
    kept = range(len(indexer.kept_shape))
    return array[tuple([None if d in indexer.drop_axes else slice(None) for d in kept])]


def _is_foreign(array: Any) -> bool:
    """Tell whether `array` is of a type that NumPy's functions know, and yet not NumPy's own.

    Only such a type's own functions may move items into its memory.
    """
    return hasattr(array, "__array_function__") and not isinstance(array, np.ndarray)


def on_host(array: Any) -> Any:
    """Return `array`, or a copy in main memory of an array in the memory of a GPU."""
    return array.get() if hasattr(array, "__cuda_array_interface__") else array


def as_value(
    value: Any, shape: tuple[int, ...], dtype: np.dtype[Any], fill_value: Any = None, name: str = ""
) -> Any:
    """Return `value` as an array without dimensions, or of `shape`.

    Parameters
    ----------
    value : scalar or array_like
    shape : tuple of int
        Shape of the selection.
    dtype : numpy.dtype
        Of the array, or of some of its fields.
    fill_value : scalar, optional
        What is stored for masked items.
    name : str
        Of the array, for messages.

    Raises
    ------
    TypeError, ValueError, OverflowError
        If an item cannot be stored as one of `dtype`, as NumPy raises; the message says which.
    """
    if dtype.subdtype is not None:  # each item is an array
        dtype, inner = dtype.subdtype
        shape += inner
    value = on_host(value)
    is_array = hasattr(value, "dtype") and hasattr(value, "shape")
    if is_array and not isinstance(value.dtype, np.dtype):  # of pandas, for instance
        value = np.asarray(value)
    if is_masked_array(value):
        value = _unmasked(value, fill_value, name)
    if dtype.kind == "O" and not (is_array and (shape or not value.shape)):
        array = _as_objects(value, shape)
    elif isinstance(value, np.ndarray):
        array = value if value.dtype.kind not in "OUST" else _parsed(value, dtype, name)
    elif is_array and shape and tuple(value.shape) == shape:
        return value  # an array elsewhere, read as needed
    elif isinstance(value, np.generic) and dtype.kind != "O":
        array = _parsed(value, dtype, name)
    else:
        array = np.asarray(value) if is_array else _parsed(value, dtype, name)
    if array.ndim == 0 or array.shape == shape:
        return array
    while array.ndim > len(shape) and array.shape[0] == 1:
        array = array[0]
    try:
        return np.broadcast_to(array, shape)
    except ValueError:
        raise ValueError(
            f"parameter 'value': expected array with shape {shape!r}, got {np.shape(value)!r}"
        ) from None


def is_masked_array(value: Any) -> bool:
    """Tell whether `value` is a masked array, without importing what makes one.

    A fork while another thread imports a module leaves the child waiting for that import.
    """
    masked = getattr(sys.modules.get("numpy.ma"), "MaskedArray", ())
    return isinstance(value, masked)


def _unmasked(value: Any, fill_value: Any, name: str) -> np.ndarray[Any, Any]:
    """Return a masked array with the fill value where it is masked."""
    if not np.ma.is_masked(value):
        return np.asarray(value.data)
    if fill_value is None:
        raise ValueError(
            f"array {name!r} has no fill value to store for masked elements; use value.filled(...)"
        )
    return np.asarray(value.filled(fill_value))


def _parsed(value: Any, dtype: np.dtype[Any], name: str) -> np.ndarray[Any, Any]:
    """Return scalars, lists, or arrays of objects or text, as an array of `dtype`.

    Where NumPy refuses to assign one such item, this raises the same error.
    """
    if not _takes_none(dtype) and _holds_none(value):
        raise TypeError(f"None cannot be stored in array {name!r} of dtype {dtype}")
    try:
        if isinstance(value, np.generic):
            array = np.zeros((), dtype)
            array[()] = value
            return array
        return np.asarray(value, dtype)
    except (TypeError, ValueError, OverflowError) as error:
        message = f"array {name!r} of dtype {dtype}: {_culprit(value, dtype)}{error}"
        kinds = (kind for kind in (TypeError, OverflowError) if isinstance(error, kind))
        raise next(kinds, ValueError)(message) from error


def _takes_none(dtype: np.dtype[Any]) -> bool:
    """Tell whether None is a value of `dtype`, or of one of its fields: an object, or NaT."""
    if dtype.fields is not None:
        return any(_takes_none(field[0].base) for field in dtype.fields.values())
    return dtype.kind in "OmM"


def _holds_none(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype.kind == "O" and _holds_none(value.reshape(-1).tolist())
    if not isinstance(value, (list, tuple)):
        return value is None
    nested = [item for item in value if isinstance(item, (list, tuple))]
    return any(item is None for item in value) or any(map(_holds_none, nested))


def _culprit(value: Any, dtype: np.dtype[Any]) -> str:
    """Describe the single element of `value` that cannot be converted to `dtype`, if any."""
    if not isinstance(value, (list, tuple, np.ndarray)) or dtype.fields is not None:
        return ""
    for place, item in np.ndenumerate(np.asarray(value, object)):
        try:
            np.asarray(item, dtype)
        except (TypeError, ValueError, OverflowError):
            at = place[0] if len(place) == 1 else place
            return f"item {at} of the value, {item!r:.100}, cannot be stored: "
    return ""


def describe_refused(codec: Any, value: Any) -> str | None:
    """Describe the first object that `codec` cannot encode; None if it can encode each."""
    for place, item in np.ndenumerate(np.asarray(value)):
        one = np.empty(1, object)
        one[0] = item
        try:
            codec.encode(one)
        except Exception as error:  # noqa: BLE001  codecs may raise anything
            at = "" if not place else f"item {place[0] if len(place) == 1 else place} of "
            missing = isinstance(item, float) or type(item).__name__ in ("NAType", "NaTType")
            hint = "; replace missing values first" if missing else ""
            return f"{at}the value, {item!r:.100}: {error!s:.200}{hint}"
    return None


def _as_objects(value: Any, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Return an array of objects: `value` itself as the one item, or the items it holds."""
    if shape and isinstance(value, (list, tuple)):
        if len(shape) == 1 and len(value) == shape[0]:
            array = np.empty(shape, object)
            for i, item in enumerate(value):
                array[i] = item
            return array
        return np.asarray(value, object)
    array = np.empty((), object)
    array[()] = value
    return array


def same_object(one: Any, other: Any) -> bool:
    """Tell whether two objects are the same by type and value: 0 is neither False nor 0.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return repr(one) == repr(other)  # tells -0.0 from 0.0
    if isinstance(one, np.ndarray):
        same = one.dtype == other.dtype and one.shape == other.shape
        return same and same_object(one.tolist(), other.tolist())
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same_object, one, other))
    if isinstance(one, dict):
        return same_object(list(one.items()), list(other.items()))
    return bool(one == other)
