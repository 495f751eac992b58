"""Types that code written for 2.x or for the 3.x library imports from here."""

from typing import Any, Literal, TypeAlias

from zarr.core import Array
from zarr.core.common import JSON, ZarrFormat
from zarr.dtype import DTypeSpec_V2 as DTypeConfig_V2

__all__ = [
    "DIMENSION_SEPARATOR", "JSON", "MEMORY_ORDER", "ZARR_VERSION", "AnyArray", "AnyAsyncArray",
    "ArrayV2", "ArrayV3", "AsyncArrayV2", "AsyncArrayV3", "DTypeConfig_V2", "DTypeJSON",
    "MetaArray", "PathLike", "ZarrFormat",
]  # fmt: skip

AnyArray: TypeAlias = Array
ArrayV2: TypeAlias = Array
ArrayV3: TypeAlias = Array
AnyAsyncArray: TypeAlias = Any
AsyncArrayV2: TypeAlias = Any
AsyncArrayV3: TypeAlias = Any
DTypeJSON: TypeAlias = JSON

ZARR_VERSION: TypeAlias = Literal[2, 3]
DIMENSION_SEPARATOR: TypeAlias = Literal[".", "/"]
MEMORY_ORDER: TypeAlias = Literal["C", "F"]
PathLike: TypeAlias = str | bytes | None
MetaArray: TypeAlias = Any
