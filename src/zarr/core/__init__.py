"""The array class, under the name that the manual gives it."""

from zarr.core.array import Array as Array

__all__ = ["Array"]
