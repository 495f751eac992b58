"""Which chunks a mask touches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["smallest_box", "touched_by"]


def touched_by(mask: np.ndarray[Any, Any], begins: Sequence[Any]) -> np.ndarray[Any, Any]:
    """Return for each chunk whether there is a point of `mask` in it.

    Parameters
    ----------
    begins : sequence of array of int
        First item of each chunk, along each dimension.
    """
    if mask.ndim > 1 and mask.flags.c_contiguous:
        mask = mask.view(f"u{math.gcd(8, mask.shape[-1])}")  # as many at once as can be
    for dim, first in enumerate(begins[:-1]):
        mask = np.bitwise_or.reduceat(mask, first, axis=dim)
    return np.logical_or.reduceat(mask.view(bool), begins[-1], axis=-1)


def smallest_box(touched: np.ndarray[Any, Any]) -> tuple[slice, ...] | None:
    """Return the smallest box that holds all that is True, or None if nothing is."""
    box = []
    for dim in range(touched.ndim):
        others = tuple([d for d in range(touched.ndim) if d != dim])
        places = np.flatnonzero(touched.any(axis=others))
        if not places.size:
            return None
        box.append(slice(int(places[0]), int(places[-1]) + 1))
    return tuple(box)
