"""What a selection means: fields, ellipses, integers, slices and arrays of indices."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from zarr.errors import (
    ArrayIndexError,
    BoundsCheckError,
    NegativeStepError,
    ZeroStepError,
)

__all__ = [
    "as_tuple",
    "checked_index",
    "has_ellipsis",
    "is_fancy",
    "is_index_list",
    "is_integer",
    "is_orthogonal",
    "replace_ellipsis",
    "single_item",
    "slice_bounds",
    "split_fields",
    "wrap_negative",
]


def is_integer(item: Any) -> bool:
    return isinstance(item, (int, np.integer)) and not isinstance(item, (bool, np.bool_))


def is_index_list(item: Any) -> bool:
    """Tell whether `item` is an array or a list (of lists) of integers or Booleans."""
    if isinstance(item, np.ndarray):
        return item.ndim > 0 and item.dtype.kind in "iub"
    if not isinstance(item, (list, tuple)) and not _is_array_like(item):
        return False
    return np.asarray(item).dtype.kind in "iub" or len(item) == 0


def _is_array_like(item: Any) -> bool:
    return getattr(item, "ndim", 0) > 0 and getattr(item, "dtype", None) is not None


def as_tuple(selection: Any) -> tuple[Any, ...]:
    return selection if isinstance(selection, tuple) else (selection,)


def replace_ellipsis(selection: Any, ndim: int | tuple[int, ...]) -> tuple[Any, ...]:
    """Return `selection` as a tuple with one item per dimension.

    Parameters
    ----------
    selection : item or tuple of items
    ndim : int or tuple of int
        Number of dimensions, or a shape.

    Raises
    ------
    ArrayIndexError
        If there are more items than dimensions, or more than one ellipsis.
    """
    items = selection if isinstance(selection, tuple) else (selection,)
    places = [i for i, item in enumerate(items) if item is Ellipsis]
    if isinstance(ndim, tuple):
        ndim = len(ndim)
    if len(items) == ndim and not places:
        return items
    if len(places) > 1:
        raise ArrayIndexError("an index can only have a single ellipsis ('...')")
    missing = ndim - len(items) + len(places)
    if missing < 0:
        raise ArrayIndexError(
            f"too many indices for array; expected {ndim}, got {len(items) - len(places)}"
        )
    at = places[0] if places else len(items)
    return (*items[:at], *[slice(None)] * missing, *items[at + len(places) :])


def split_fields(selection: Any) -> tuple[str | list[str] | None, Any]:
    """Return the field or fields that `selection` names, and what remains of it."""
    if isinstance(selection, str):
        return selection, ()
    if isinstance(selection, list) and selection and all(isinstance(s, str) for s in selection):
        return list(selection), ()
    if not isinstance(selection, tuple):
        return None, selection
    fields = [item for item in selection if isinstance(item, str)]
    if not fields:
        return None, selection
    rest = tuple([item for item in selection if not isinstance(item, str)])
    return fields[0] if len(fields) == 1 else fields, rest[0] if len(rest) == 1 else rest


def single_item(selection: Any, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return the place of the item that `selection` names by one plain integer per dimension.

    None if it does not.
    """
    items = selection if type(selection) is tuple else (selection,)
    if len(items) != len(shape):
        return None
    place = []
    for dim, index in enumerate(items):
        if type(index) is not int:
            return None
        length = shape[dim]
        if not -length <= index < length:
            raise BoundsCheckError(length, dim)
        place.append(index + length if index < 0 else index)
    return tuple(place)


def has_ellipsis(selection: Any) -> bool:
    """Tell whether there is an ellipsis in `selection`: NumPy then returns no scalar."""
    return any(item is Ellipsis for item in as_tuple(selection))


def is_fancy(selection: Any, ndim: int) -> bool:
    """Tell whether ``z[selection]`` means points.

    That is a mask of the array's dimensions, or one integer or integer array per
    dimension, with at least one array among them.
    """
    if isinstance(selection, np.ndarray) and selection.dtype == bool and ndim > 1:
        return selection.ndim == ndim
    items = as_tuple(selection)
    if len(items) == 1 and ndim > 1 and not isinstance(selection, tuple):
        array = np.asarray(items[0]) if isinstance(items[0], list) else None
        return array is not None and array.dtype == bool and array.ndim == ndim
    if len(items) != ndim or not any(is_index_list(item) for item in items):
        return False
    return all(
        is_integer(item) or (is_index_list(item) and np.asarray(item).dtype.kind != "b")
        for item in items
    )


def is_orthogonal(selection: Any, ndim: int) -> bool:
    """Tell whether ``z[selection]`` has exactly one array among integers and slices.

    Raises
    ------
    ArrayIndexError
        If there are fewer items than dimensions, and NumPy would order these differently.
    """
    items = as_tuple(selection)
    arrays = list(map(is_index_list, items))
    if arrays.count(True) != 1 or not all(
        is_array or is_integer(item) or isinstance(item, slice) or item is Ellipsis
        for item, is_array in zip(items, arrays, strict=True)
    ):
        return False
    if len(items) < ndim or any(item is Ellipsis for item in items):
        _check_order(items, arrays.index(True), ndim)
    return True


def _check_order(items: tuple[Any, ...], array: int, ndim: int) -> None:
    """Raise `ArrayIndexError` where NumPy moves the dimension of the array to the front."""
    fixed = [i for i, item in enumerate(items) if i == array or is_integer(item)]
    apart = fixed[-1] - fixed[0] >= len(fixed)
    before = [item for item in items[:array] if not is_integer(item)]
    if apart and before and (before != [...] or len(items) <= ndim):
        raise ArrayIndexError(
            "an integer that is separated from an array, with fewer indices than dimensions, has "
            "another meaning in NumPy; use oindex, or an index for each dimension"
        )


def checked_index(index: Any, length: int, dim: int) -> int:
    number = operator.index(index)
    if not -length <= number < length:
        raise BoundsCheckError(length, dim)
    return number + length if number < 0 else number


def slice_bounds(item: slice, length: int) -> tuple[int, int, int]:
    try:
        start, stop, step = item.indices(length)
    except ValueError:
        raise ZeroStepError from None
    if step < 1:
        raise NegativeStepError
    return start, stop, step


def wrap_negative(indices: np.ndarray[Any, Any], length: int, dim: int) -> np.ndarray[Any, Any]:
    """Return non-negative indices; raise `BoundsCheckError` if one is out of bounds."""
    indices = indices.astype(np.intp, copy=False)
    if indices.size == 0:
        return indices
    low, high = indices.min(), indices.max()
    if low < -length or high >= length:
        raise BoundsCheckError(length, dim)
    return np.where(indices < 0, indices + length, indices) if low < 0 else indices
