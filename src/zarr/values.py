"""Between what users pass to a selection and what the engine takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zarr.errors import ArrayIndexError
from zarr.indexing import Indexer

__all__ = ["Fields", "Result", "as_value", "fields_dtype", "on_host", "with_dropped_axes"]

Fields = str | Sequence[str] | None


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
        To read into.

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
        self._like = like if out is None else _check_out(out, indexer.shape)
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


def _check_out(out: Any, shape: tuple[int, ...]) -> Any:
    """Return `out` if it is an array of `shape` to read into, else raise."""
    if not hasattr(out, "shape"):
        raise TypeError(f"parameter 'out': expected an array, not {type(out).__name__}")
    if tuple(out.shape) != shape:
        raise ValueError(
            f"parameter 'out': expected array with shape {shape!r}, got {tuple(out.shape)!r}"
        )
    return out


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
    """Return `array`, or a copy in this machine's memory of one that a GPU has."""
    return array.get() if hasattr(array, "__cuda_array_interface__") else array


def as_value(value: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """Return `value` as an array without dimensions, or of `shape`."""
    if dtype.subdtype is not None:  # each item is an array
        dtype, inner = dtype.subdtype
        shape += inner
    value = on_host(value)
    is_array = hasattr(value, "dtype") and hasattr(value, "shape")
    if dtype.kind == "O" and not (is_array and (shape or not value.shape)):
        array = _as_objects(value, shape)
    elif isinstance(value, np.ndarray):
        array = value
    elif is_array and shape and value.shape == shape:
        return value  # an array elsewhere, read as needed
    else:
        array = np.asarray(value, None if is_array else dtype)
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
