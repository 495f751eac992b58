"""Data types of another package, ml_dtypes, and what all data types have in common."""

from __future__ import annotations

import re
from typing import Any, TypeAlias

import numpy as np

from zarr.errors import ExtensionNotFoundError

__all__ = [
    "FOREIGN_NAMES",
    "JSON",
    "LARGEST_ITEM",
    "_FOREIGN",
    "foreign_dtype",
    "is_foreign",
    "is_foreign_name",
]

JSON: TypeAlias = Any
"""A value that ``json`` can write: None, bool, int, float, str, list or dict of these."""


LARGEST_ITEM = 64 << 20
"""Most bytes of an item: fill values and single items are held in memory several times."""


# Kinds of ml_dtypes whose names there and here differ.
FOREIGN_NAMES = {"complex_float16": "complex32", "complex_bfloat16": "bcomplex32"}


_FOREIGN = re.compile(
    r"bfloat16|u?int[24]|float(4_e2m1fn|6_e2m3fn|6_e3m2fn|8_e[0-9]m[0-9](fn|fnu|fnuz|b11fnuz)?)"
    r"|complex_float16|complex_bfloat16"
)


def is_foreign_name(name: str) -> bool:
    """Tell whether documents call a dtype of another package so."""
    return _FOREIGN.fullmatch(name) is not None


def foreign_dtype(name: str) -> np.dtype[Any]:
    """Return the dtype of another package, ml-dtypes, that documents call `name`."""
    try:
        import ml_dtypes  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError as error:
        raise ExtensionNotFoundError(f"data_type {name!r} needs the package ml-dtypes") from error
    found = getattr(ml_dtypes, FOREIGN_NAMES.get(name, name), None)
    if found is None:
        raise ExtensionNotFoundError(
            f"data_type {name!r} is not supported by this version of ml-dtypes"
        )
    dtype: np.dtype[Any] = np.dtype(found)
    return dtype


def is_foreign(dtype: np.dtype[Any]) -> bool:
    """Tell whether `dtype` is one of another package, such as bfloat16 of ml_dtypes."""
    return dtype.isbuiltin == 2
