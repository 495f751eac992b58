"""User attributes, under the name that code for the 3.x library imports."""

from zarr.attrs import Attributes

__all__ = ["Attributes"]
