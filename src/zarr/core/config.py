"""The settings, under the name that code for the 3.x library imports."""

from typing import Any, Literal

from zarr import config

__all__ = ["BadConfigError", "config", "parse_indexing_order"]


class BadConfigError(ValueError):
    """A setting whose value is not valid."""


def parse_indexing_order(data: Any) -> Literal["C", "F"]:
    """Return `data` if it is the name of a memory layout."""
    if data in ("C", "F"):
        return data  # type: ignore[no-any-return]
    raise ValueError(f"expected one of ('C', 'F'), got {data!r} instead")
