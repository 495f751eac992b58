"""The third level of a check: every chunk is fetched and decoded once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from zarr import config
from zarr._chunks.access import ChunkAccess
from zarr._chunks.plan import RUN_BYTES
from zarr._codecs.pipeline import CodecPipeline
from zarr._codecs.sharding import ABSENT
from zarr._shared.threads import run_all, scratch
from zarr.errors import ChunkDecodeError, UnsafeDecodeError
from zarr.tools.check_keys import ArrayKeys, check_size
from zarr.tools.check_nodes import Node, finding
from zarr.tools.check_report import Finding
from zarr.tools.check_shards import count_unused, read_index

__all__ = ["check_chunks"]

_SMALL = 64 << 10
"""Bytes of a chunk up to which many are decoded by one call, where the codecs can do that."""

_MOST_KEYS = 1000
_UNKNOWN_SIZE = 1 << 20

_WASTED = 5
"""A shard is worth a note if one byte in so many is unused."""

Window = list[str]


def check_chunks(
    node: Node, stored: ArrayKeys, progress: Callable[[int], None] | None = None
) -> tuple[list[Finding], int]:
    """Return what is wrong with the chunks of an array, each decoded once, and their bytes.

    Windows of chunks are fetched and decoded on as many threads as a full read has; each
    thread holds one window.

    Parameters
    ----------
    progress : callable, optional
        Called with the number of values that were read.
    """
    access = stored.access
    findings: list[Finding] = []
    sizes: list[int] = []
    check = _check_shards if node.meta.sharding is not None else _check_values

    def check_window(window: Window) -> None:
        found = list(check(node, access, window, sizes))
        findings.extend(found)
        if progress is not None:
            progress(len(window))

    settings = config.get()
    few = len(stored.keys) * max(access.pipeline.nbytes, 1) < settings.thread_bytes
    workers = 1 if few and access.store.threads < 2 else max(settings.workers, access.store.threads)
    run_all(check_window, _windows(stored, settings.window_bytes), workers)
    return _without_repetition(findings), sum(sizes)


def _windows(stored: ArrayKeys, nbytes: int) -> Iterator[Window]:
    """Group keys into windows of values that have about `nbytes` bytes when decoded."""
    pipeline = stored.access.pipeline
    each = _UNKNOWN_SIZE if pipeline.dtype.hasobject else max(pipeline.nbytes, 1)
    count = min(_MOST_KEYS, max(1, nbytes // each))
    for start in range(0, len(stored.keys), count):
        yield stored.keys[start : start + count]


def _without_repetition(findings: list[Finding]) -> list[Finding]:
    """Return `findings` with one only of those that say the same of each chunk."""
    unsafe = [f for f in findings if f.code == "M003"]
    return [f for f in findings if f.code != "M003"] + unsafe[:1]


def _failure(node: Node, key: str, error: ChunkDecodeError, what: str = "") -> Finding:
    if isinstance(error, UnsafeDecodeError):
        said = f"chunks cannot be checked: {error.reason}"
        return finding("M003", node.key, said, node.path)
    return finding("C002", key, f"{what}{error.reason}", node.path)


# -- chunks that are values ---------------------------------------------------------------


def _check_values(
    node: Node, access: ChunkAccess, window: Window, sizes: list[int]
) -> Iterator[Finding]:
    """Yield what is wrong with chunks; what was deleted since it was listed is left out."""
    found = access.store.getitems(window)
    sizes += map(len, found.values())
    if access.uniform_chunks and _decode_together(access.pipeline, list(found.values())):
        return
    for key, value in found.items():
        place = access.keys.place(key) or ()
        pipeline = access.pipeline_at(place)
        wrong_size = list(check_size(node, access, key, place, len(value)))
        if wrong_size:
            yield from wrong_size
            continue
        try:
            _decode(pipeline, value)
        except ChunkDecodeError as error:
            yield _failure(node, key, error)


def _decode_together(pipeline: CodecPipeline, values: Sequence[Any]) -> bool:
    """Tell whether small chunks can be decoded, all by one call."""
    if pipeline.sliceable:  # any bytes are elements, if there are enough of them
        return {pipeline.nbytes}.issuperset(map(len, values))
    if not pipeline.decodes_in_place or pipeline.nbytes > _SMALL or not values:
        return False
    try:
        pipeline.decode_run(values, scratch(len(values) * pipeline.nbytes))
    except ChunkDecodeError:
        return False
    return True


def _decode(pipeline: CodecPipeline, value: Any) -> None:
    if pipeline.decodes_in_place:
        flat = scratch(pipeline.nbytes).view(pipeline.dtype)
        pipeline.decode_into(value, flat.reshape(pipeline.shape, order=pipeline.order))
    else:
        pipeline.decode(value)


# -- shards ---------------------------------------------------------------------------------


def _check_shards(
    node: Node, access: ChunkAccess, window: Window, sizes: list[int]
) -> Iterator[Finding]:
    for key in window:
        # One by one: shards are large.
        value = access.store.get(key)
        if value is None:
            continue
        shard = memoryview(value).cast("B")
        layout = access.storage.layout(key)
        sizes.append(len(shard))
        wrong_size = list(check_size(node, access, key, access.keys.place(key) or (), len(shard)))
        if wrong_size:
            yield from wrong_size
            continue
        index, code, reason = read_index(layout, shard)
        if index is None:
            yield finding(code, key, reason, node.path)
            continue
        unused = count_unused(layout, index, len(shard))
        if unused * _WASTED > len(shard):
            yield finding("S003", key, f"{unused} of {len(shard)} bytes are unused", node.path)
        yield from _check_inner(node, access, key, shard, index)


def _check_inner(
    node: Node, access: ChunkAccess, key: str, shard: memoryview, index: np.ndarray[Any, Any]
) -> Iterator[Finding]:
    """Yield what is wrong with the chunks in a shard."""
    pipeline = access.pipeline_for(access.storage.chunks)
    counts = access.storage.layout(key).counts
    slots = np.flatnonzero(index[:, 0] != np.uint64(ABSENT)).tolist()
    chunks = [shard[start : start + length] for start, length in index[slots].tolist()]
    together = max(1, RUN_BYTES // max(pipeline.nbytes, 1))
    for first in range(0, len(slots), together):
        some = chunks[first : first + together]
        if _decode_together(pipeline, some):
            continue
        for slot, chunk in zip(slots[first : first + together], some, strict=True):
            try:
                _decode(pipeline, chunk)
            except ChunkDecodeError as error:
                place = tuple(map(int, np.unravel_index(slot, counts))) if counts else ()
                yield _failure(node, key, error, f"inner chunk {place} ")
