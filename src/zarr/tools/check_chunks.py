"""The third level of a check: every chunk is fetched and decoded once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from zarr import config
from zarr._chunks.access import ChunkAccess
from zarr._codecs.pipeline import CodecPipeline
from zarr._codecs.sharding import ABSENT
from zarr._shared.threads import run_all, scratch
from zarr.errors import ChunkDecodeError, UnsafeDecodeError
from zarr.tools.check_keys import ArrayKeys
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
) -> list[Finding]:
    """Return what is wrong with the chunks of an array, each of which is decoded once.

    Windows of chunks are fetched and decoded on as many threads as a full read has; each
    thread holds one window.

    Parameters
    ----------
    progress : callable, optional
        Called with the number of values that were read.
    """
    access, findings = stored.access, []
    check = _check_shards if node.meta.sharding is not None else _check_values

    def check_window(window: Window) -> None:
        found = list(check(node, access, window))
        findings.extend(found)
        if progress is not None:
            progress(len(window))

    settings = config.get()
    few = len(stored.keys) * max(access.pipeline.nbytes, 1) < settings.thread_bytes
    workers = 1 if few and access.store.threads < 2 else max(settings.workers, access.store.threads)
    run_all(check_window, _windows(stored, settings.window_bytes), workers)
    return _without_repetition(findings)


def _windows(stored: ArrayKeys, nbytes: int) -> Iterator[Window]:
    """Group keys into windows of about `nbytes` bytes, encoded or decoded."""
    each = max(stored.access.pipeline.nbytes, 1)
    window: Window = []
    held = 0
    for key, size in zip(stored.keys, stored.sizes, strict=True):
        window.append(key)
        held += max(size if size >= 0 else _UNKNOWN_SIZE, each)
        if held >= nbytes or len(window) >= _MOST_KEYS:
            yield window
            window, held = [], 0
    if window:
        yield window


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


def _check_values(node: Node, access: ChunkAccess, window: Window) -> Iterator[Finding]:
    """Yield what is wrong with chunks; what was deleted since it was listed is left out."""
    found = access.store.getitems(window)
    if access.uniform_chunks and _decode_together(access.pipeline, list(found.values())):
        return
    for key, value in found.items():
        pipeline = access.pipeline
        if not access.uniform_chunks:
            pipeline = access.pipeline_at(access.keys.place(key) or ())
        if len(value) == 0 and pipeline.nbytes:
            continue  # its size has said it
        if pipeline.sliceable and len(value) != pipeline.nbytes:
            continue
        try:
            _decode(pipeline, value)
        except ChunkDecodeError as error:
            yield _failure(node, key, error)


def _decode_together(pipeline: CodecPipeline, values: Sequence[Any]) -> bool:
    """Tell whether small chunks can be decoded, all by one call."""
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


def _check_shards(node: Node, access: ChunkAccess, window: Window) -> Iterator[Finding]:
    pipeline = access.pipeline_for(access.storage.chunks)
    for key in window:
        # One by one: shards are large.
        value = access.store.get(key)
        if value is None:
            continue
        shard = memoryview(value).cast("B")
        layout = access.storage.layout(key)
        if len(shard) < layout.index_nbytes:
            continue  # its size has said it
        index, code, reason = read_index(layout, shard)
        if index is None:
            yield finding(code, key, reason, node.path)
            continue
        unused = count_unused(layout, index, len(shard))
        if unused * _WASTED > len(shard):
            yield finding("S003", key, f"{unused} of {len(shard)} bytes are unused", node.path)
        for slot in np.flatnonzero(index[:, 0] != np.uint64(ABSENT)).tolist():
            start, length = map(int, index[slot])
            try:
                _decode(pipeline, shard[start : start + length])
            except ChunkDecodeError as error:
                place = tuple(map(int, np.unravel_index(slot, layout.counts)))
                yield _failure(node, key, error, f"inner chunk {place if layout.counts else ()} ")
