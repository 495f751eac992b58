"""Names that code written for 2.x imports from here; their homes are elsewhere."""

from __future__ import annotations

import json
from typing import Any

from numcodecs.compat import ensure_contiguous_ndarray

from zarr._nodes.display import Info as InfoReporter
from zarr._nodes.display import TreeViewer
from zarr._nodes.display import rounded_size as human_readable_size
from zarr._selection.grid import guess_chunks, normalize_chunks, normalize_shape
from zarr.storage import normalize_storage_path

__all__ = [
    "InfoReporter", "TreeViewer", "buffer_size", "guess_chunks", "human_readable_size",
    "json_dumps", "json_loads", "normalize_chunks", "normalize_shape", "normalize_storage_path",
]  # fmt: skip


def json_dumps(o: Any) -> bytes:
    """Return `o` as JSON, the way metadata are written; NumPy scalars are numbers."""
    text = json.dumps(o, indent=4, sort_keys=True, default=lambda scalar: scalar.item())
    return text.encode("ascii")


def json_loads(s: bytes | str) -> Any:
    """Return what a JSON text says."""
    return json.loads(s)


def buffer_size(v: Any) -> int:
    """Return the bytes in an object with a buffer."""
    return int(ensure_contiguous_ndarray(v).nbytes)
