"""A warning where blocks of a Dask array are written that share chunks with others."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from zarr._metadata.records import ArrayMeta
from zarr._selection.axes import Axis
from zarr._selection.grid import Edges, find_chunks, first_items
from zarr.errors import ZarrRuntimeWarning, warn_user

__all__ = ["warn_of_shared_chunks"]


def warn_of_shared_chunks(axes: Sequence[Axis], meta: ArrayMeta, name: str) -> None:
    """Warn if this is a Dask worker, and the selection is not one of whole storage units.

    Another worker may write to the rest of a chunk, or shard, at the same time; one of the two
    changes is then lost. Only workers in processes of their own are meant: threads of one process
    exclude each other.

    Parameters
    ----------
    axes : sequence of Axis
        What is written.
    meta : ArrayMeta
    name : str
        Of the array.
    """
    if all(map(_is_aligned, axes, meta.grid.chunks, meta.grid.stored, meta.shape)):
        return
    if not _is_worker_process():
        return
    what, units = ("chunks", meta.grid.chunks)
    if meta.grid.shards is not None:
        what, units = ("shards", meta.grid.shards)
    lengths = tuple(n.longest if isinstance(n, Edges) else n for n in units)
    warn_user(
        f"a block of a Dask array covers parts of {what} of array {name!r}; workers that write to "
        f"one of them at a time lose changes. Rechunk first: x.rechunk({lengths})",
        ZarrRuntimeWarning,
    )


def _is_aligned(axis: Axis, chunk: int | Edges, unit: int | Edges, length: int) -> bool:
    """Tell whether an axis of a selection consists of whole `unit`s, or of their part inside."""
    if len(axis.covered) != len(axis.chunks):
        return False
    if chunk == unit or not axis.chunks:
        return True
    begin, end = (int(first_items(chunk, at)) for at in (axis.chunks[0], axis.chunks[-1] + 1))
    return _begins(unit, begin) and (end >= length or _begins(unit, end))


def _begins(unit: int | Edges, at: int) -> bool:
    return int(first_items(unit, find_chunks(unit, at))) == at


def _is_worker_process() -> bool:
    get_worker = getattr(sys.modules["distributed"], "get_worker", None)
    try:
        worker = get_worker() if get_worker is not None else None
    except ValueError:  # not within a task
        return False
    return getattr(worker, "nanny", None) is not None
