"""Members of groups: what their names carry, and what is said where there is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol, Self, TypeVar

import numpy as np

from zarr._formats.base import NodeKind
from zarr._metadata import dtypes
from zarr._selection.grid import normalize_shape
from zarr.errors import NameNotFoundError

__all__ = ["Listed", "checked", "no_member"]


def no_member(group: Mapping[str, Any], item: str | bytes) -> NameNotFoundError:
    """Return the error for a name or path of which `group` has no member."""
    above, slash, _ = str(item).rpartition("/")

    def names() -> Iterator[str]:
        return (f"{above}{slash}{name}" for name in (group[above] if above else group))

    return NameNotFoundError(item, "member", repr(group), names)


class Shaped(Protocol):
    """Anything with a shape and a dtype."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...


T = TypeVar("T", bound=Shaped)


def checked(array: T, shape: Any, dtype: Any, exact: bool) -> T:
    """Return an array that exists, if it is one that `require_dataset` asks for."""
    kind = dtypes.normalize_dtype(dtype)[0]
    lengths, kind = dtypes.without_subarray(normalize_shape(shape), kind)
    if array.shape != lengths:
        raise TypeError(
            f"shape does not match existing array; expected {array.shape}, got {lengths}"
        )
    if exact and array.dtype != kind:
        raise TypeError(f"dtypes do not match exactly; expected {array.dtype}, got {kind}")
    if not np.can_cast(kind, array.dtype):
        raise TypeError(f"dtypes ({array.dtype}, {kind}) cannot be safely cast")
    return array


class Listed(str):
    """The name of a member, and what has just been found there."""

    __slots__ = ("found",)
    found: tuple[NodeKind, Any] | None

    def __new__(cls, name: str, found: tuple[NodeKind, Any]) -> Self:
        listed = super().__new__(cls, name)
        listed.found = found
        return listed
