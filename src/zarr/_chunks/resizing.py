"""What becomes of chunks when an array becomes smaller or larger.

What lies outside an array's shape never shows: it is deleted when the array shrinks, and what
an append that was cut short has left there is deleted when the array grows.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from zarr._chunks.access import count_chunks_of
from zarr._chunks.engine import Engine
from zarr._chunks.plan import Change, DecodeSlots, Window
from zarr._selection.axes import Axis
from zarr._selection.indexers import BasicIndexer
from zarr._shared.chunk_cache import forget_below

__all__ = ["clear_outside", "delete_outside"]

_FEW = 1000
"""Number of chunks up to which deleting them by key is faster than listing the stored ones."""

_MANY = 100_000
"""Number of chunks from which listing the stored ones is faster than reading each of them."""


def clear_outside(engine: Engine, inside: tuple[int, ...], shape: tuple[int, ...]) -> None:
    """Make elements outside of the shape `inside`, of an array of `shape`, as if never written.

    Chunks that lie outside are deleted; in those that the edge cuts, elements become fill values
    again. Where nothing is stored, nothing is.
    """
    grid = engine.grid
    delete_outside(engine, grid.counts(shape), grid.counts(inside))
    edges = grid.edges(inside)
    for dim, (begin, end, length) in enumerate(zip(inside, edges, shape, strict=True)):
        if begin < min(end, length) and 0 not in edges:
            region = [slice(0, edge) for edge in edges]
            region[dim] = slice(begin, end)
            _clear(engine, region, edges)


def _clear(engine: Engine, region: list[slice], shape: tuple[int, ...]) -> None:
    """Make the elements in `region` of an array of `shape`, whole chunks, as if never written."""
    axes = _axes(engine, region, shape)
    if count_chunks_of(axes) <= _MANY:
        _clear_axes(engine, axes)
        return
    for _, place in engine.stored():
        if part := _overlap(region, engine.grid.box(place)):
            _clear_axes(engine, _axes(engine, part, shape))


def _axes(engine: Engine, region: Sequence[slice], shape: tuple[int, ...]) -> list[Axis]:
    return BasicIndexer(tuple(region), shape, engine.grid.chunks).axes or []


def _clear_axes(engine: Engine, axes: Sequence[Axis]) -> None:
    clear_chunks = partial(_clear_chunks, engine)

    def clear_window(window: Window, decode_slots: DecodeSlots) -> None:
        changes = {}
        for plan, run in window:
            others_whole = plan.others_in(run, "whole")
            for key, entry in zip(run.keys, range(run.start, run.stop), strict=True):
                whole = others_whole and entry in plan.axis.whole
                where = None if whole else plan.parts(run, entry)[0]
                changes[key] = Change(plan.pipeline, where, engine.fill())
        engine.holding_each({}, changes, clear_chunks, decode_slots)

    count = count_chunks_of(axes)
    engine.for_each_window(clear_window, lambda nbytes, _: engine.windows(axes, nbytes), count)


def _clear_chunks(
    engine: Engine,
    cleared: dict[Any, Any],
    changes: Mapping[Any, Change],
    decode_slots: DecodeSlots,
) -> None:
    """Note in `cleared` what the chunks that exist become, and store it."""
    found, old = engine.storage.fetch_for_update(changes, ())
    with decode_slots:
        cleared.update(_cleared(engine, found, changes))
    if cleared:
        engine.put(cleared, old)


def _cleared(
    engine: Engine, found: Mapping[Any, Any], changes: Mapping[Any, Change]
) -> dict[Any, Any]:
    cleared: dict[Any, Any] = {}
    for key in found:
        new = changes[key]
        if new.where is None:
            cleared[key] = None
            continue
        chunk = engine.editable(new.pipeline, found, key)
        before = chunk.copy()
        chunk[tuple(new.where)] = new.value
        if chunk.dtype.hasobject or chunk.tobytes() != before.tobytes():
            cleared[key] = engine.encode(new.pipeline, chunk)
    return cleared


def _overlap(region: Sequence[slice], box: Sequence[slice]) -> list[slice]:
    """Return what two boxes have in common, an empty list if that is nothing."""
    part = [
        slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(region, box, strict=True)
    ]
    return part if all(one.start < one.stop for one in part) else []


def delete_outside(engine: Engine, before: tuple[int, ...], now: tuple[int, ...]) -> None:
    """Delete the chunks of a grid of `before` chunks that a grid of `now` does not have.

    A shard is deleted if it holds no other chunks.
    """
    before, now = engine.storage.values(before), engine.storage.values(now)
    inside = tuple(map(min, before, now))
    number = math.prod(before) - math.prod(inside)
    if not number:
        return
    if number <= _FEW:
        keys = [engine.keys.key(place) for place in _places_outside(before, inside)]
    else:
        keys = [
            key
            for key, place in engine.stored()
            if any(map(operator.ge, place, now)) and all(map(operator.lt, place, before))
        ]
    engine.store.delitems(keys)
    forget_below(engine.address)


def _places_outside(counts: tuple[int, ...], inside: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Yield the places in a grid of `counts` that are not in a smaller one of `inside`."""
    for dim, (first, count) in enumerate(zip(inside, counts, strict=True)):
        box = [*map(range, inside[:dim]), range(first, count), *map(range, counts[dim + 1 :])]
        if all(box):  # `product` keeps all numbers of every range, however many, in memory
            yield from itertools.product(*box)
