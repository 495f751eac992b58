"""Types and checks of values that code for the 3.x library imports from here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, TypedDict

import numpy as np

from zarr.errors import MetadataValidationError

__all__ = [
    "ANY_ACCESS_MODE", "JSON", "ZARRAY_JSON", "ZARR_JSON", "ZATTRS_JSON", "ZGROUP_JSON",
    "ZMETADATA_V2_JSON", "AccessModeLiteral", "BytesLike", "ChunkCoords", "ChunksLike",
    "DimensionNames", "DimensionNamesLike", "MemoryOrder", "NamedConfig", "NodeType",
    "ShapeLike", "ZarrFormat", "ceildiv", "parse_bool", "parse_name", "parse_named_configuration",
    "parse_order", "parse_shapelike", "product",
]  # fmt: skip

ZARR_JSON = "zarr.json"
ZARRAY_JSON = ".zarray"
ZGROUP_JSON = ".zgroup"
ZATTRS_JSON = ".zattrs"
ZMETADATA_V2_JSON = ".zmetadata"

BytesLike: TypeAlias = bytes | bytearray | memoryview
ShapeLike: TypeAlias = Iterable[int | np.integer[Any]] | int | np.integer[Any]
ChunksLike: TypeAlias = ShapeLike | Sequence[Sequence[int]] | None
ChunkCoords: TypeAlias = tuple[int, ...]
ZarrFormat: TypeAlias = Literal[2, 3]
NodeType: TypeAlias = Literal["array", "group"]
JSON: TypeAlias = "str | int | float | bool | Mapping[str, JSON] | Sequence[JSON] | None"
MemoryOrder: TypeAlias = Literal["C", "F"]
AccessModeLiteral: TypeAlias = Literal["a", "r", "r+", "w", "w-"]
ANY_ACCESS_MODE = ("r", "r+", "a", "w", "w-")
DimensionNames: TypeAlias = Iterable[str | None] | None
DimensionNamesLike: TypeAlias = Iterable[str | None] | None


class NamedConfig(TypedDict, total=False):
    """An extension as metadata have it: a name, and a configuration if it needs one."""

    name: str
    configuration: Mapping[str, object]


def parse_name(data: Any, expected: str | None = None) -> str:
    """Return `data`, which must be a string, equal to `expected` if that is given."""
    if not isinstance(data, str):
        raise TypeError(f"Expected a string, got an instance of {type(data)}.")
    if expected is not None and data != expected:
        raise ValueError(f"Expected '{expected}'. Got {data} instead.")
    return data


def parse_named_configuration(
    data: Any, expected_name: str | None = None, *, require_configuration: bool = True
) -> tuple[str, Any]:
    """Return the name and the configuration in metadata of an extension.

    Parameters
    ----------
    data : dict or str
        The metadata.
    expected_name : str, optional
        The only name that is accepted. Any by default.
    require_configuration : bool, default True
        Whether it is an error if there is no configuration.

    Returns
    -------
    name : str
    configuration : dict or None

    Raises
    ------
    TypeError
        If `data` is neither a mapping nor a string.
    ValueError
        If the name or the configuration is absent, or the name is another one.
    """
    if isinstance(data, str) and not require_configuration:
        return parse_name(data, expected_name), None
    if not isinstance(data, Mapping):
        raise TypeError(f"Expected dict, got {type(data)}.")
    if "name" not in data:
        raise ValueError(f"Named configuration does not have a 'name' key. Got {data}.")
    name = parse_name(data["name"], expected_name)
    if "configuration" in data:
        if not isinstance(data["configuration"], Mapping):
            raise TypeError(f"Expected dict, got {type(data['configuration'])}.")
        return name, data["configuration"]
    if require_configuration:
        raise ValueError(f"Named configuration does not have a 'configuration' key. Got {data}.")
    return name, None


def parse_shapelike(data: Any) -> tuple[int, ...]:
    """Return a shape, given as an integer or a sequence of integers, as a tuple.

    Raises
    ------
    TypeError
        If `data` is none of these.
    ValueError
        If a length is negative.
    """
    lengths = (data,) if isinstance(data, (int, np.integer)) else tuple(data)
    if not all(isinstance(n, (int, np.integer)) for n in lengths):
        raise TypeError(f"Expected an iterable of integers, got {data!r} instead.")
    if any(n < 0 for n in lengths):
        raise ValueError(f"Expected all values to be non-negative. Got {data!r} instead.")
    return tuple(map(int, lengths))


def parse_order(data: Any) -> MemoryOrder:
    """Return `data`, which must be the name of a memory layout."""
    if data in ("C", "F"):
        return data  # type: ignore[no-any-return]
    raise ValueError(f"Expected one of ('C', 'F'), got {data!r} instead.")


def parse_bool(data: Any) -> bool:
    """Return `data`, which must be a Boolean."""
    if isinstance(data, bool):
        return data
    raise ValueError(f"Expected bool, got {data!r} instead.")


def product(tup: Iterable[int]) -> int:
    """Return the product of integers."""
    return int(np.prod([*tup], dtype=object)) if tup else 1


def ceildiv(a: float, b: float) -> int:
    """Return the quotient, rounded up."""
    return -int(-a // b)


def parse_dimension_names(data: Any) -> tuple[str | None, ...] | None:
    """Return names of dimensions as a tuple; None if there are none."""
    if data is None:
        return None
    names = tuple(data)
    if not all(name is None or isinstance(name, str) for name in names):
        raise MetadataValidationError(f"Expected either None or a iterable of str, got {data!r}")
    return names
