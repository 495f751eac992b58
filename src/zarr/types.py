"""Types that code written for 2.x imports from here."""

from typing import Any, Literal, TypeAlias

__all__ = ["DIMENSION_SEPARATOR", "MEMORY_ORDER", "ZARR_VERSION", "MetaArray", "PathLike"]

ZARR_VERSION: TypeAlias = Literal[2, 3]
DIMENSION_SEPARATOR: TypeAlias = Literal[".", "/"]
MEMORY_ORDER: TypeAlias = Literal["C", "F"]
PathLike: TypeAlias = str | bytes | None
MetaArray: TypeAlias = Any
