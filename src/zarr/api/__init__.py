"""The functions of `zarr` for code for the 3.x library, with and without coroutines."""

from importlib import import_module as _import_module

_LATER = frozenset((
    "asynchronous", "synchronous",
))  # fmt: skip
"""Modules of the 3.x library, which are imported at first use."""


def __getattr__(name: str) -> object:
    if name in _LATER:
        return _import_module(f"zarr.api.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
