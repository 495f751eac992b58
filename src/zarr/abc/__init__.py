"""Abstract classes of the 3.x library, for code that subclasses them or checks for them."""

from importlib import import_module as _import_module

_LATER = frozenset((
    "buffer", "codec", "metadata", "numcodec", "store",
))  # fmt: skip
"""Modules of the 3.x library, which are imported at first use."""


def __getattr__(name: str) -> object:
    if name in _LATER:
        return _import_module(f"zarr.abc.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
