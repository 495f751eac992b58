"""The array class, under the name that the manual gives it."""

from importlib import import_module as _import_module

from zarr.core.array import Array as Array

__all__ = ["Array"]

_LATER = frozenset((
    "array_spec", "attributes", "buffer", "chunk_grids", "chunk_key_encodings",
    "codec_pipeline", "common", "config", "dtype", "group", "indexing", "metadata", "sync",
    "sync_group",
))  # fmt: skip
"""Modules of the 3.x library, which are imported at first use."""

_CLASSES = {
    "BatchedCodecPipeline": "zarr.core.codec_pipeline",
    "Buffer": "zarr.core.buffer",
    "NDBuffer": "zarr.core.buffer",
}
"""Classes that the 3.x library shows here, and where they are."""


def __getattr__(name: str) -> object:
    if name in _LATER:
        return _import_module(f"zarr.core.{name}")
    if name in _CLASSES:
        return getattr(_import_module(_CLASSES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
