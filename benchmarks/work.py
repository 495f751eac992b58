"""The work of a row: its data, which elements it touches, and what NumPy gives for them.

Every library's own environment imports this module, so it needs NumPy alone.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rows import Layout, Row

__all__ = [
    "Array",
    "Work",
    "block_values",
    "expected",
    "member_names",
    "selection",
    "write_data",
]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Work:
    """What an adapter needs for a row besides its array.

    Attributes
    ----------
    data : ndarray
        The contents of the whole array.
    selection : object
        As `selection` returns it.
    """

    row: Row
    layout: Layout
    data: Array
    selection: Any


def _generator(name: str) -> np.random.Generator:
    """Return random numbers that are the same in every process."""
    return np.random.default_rng(zlib.crc32(name.encode()))


def _smooth_noise(layout: Layout, start: int, stop: int) -> Array:
    """Return values as instruments give them: a smooth field and a few bits of noise."""
    rng = _generator(f"{layout.name} {start}")
    field: Any = np.float32(3000)
    for axis, length in enumerate(layout.shape):
        index = np.arange(start, stop) if axis == 0 else np.arange(length)
        wave = 900 * np.sin(index * (2 + axis) * 2 * np.pi / length)
        newaxes = (1,) * (len(layout.shape) - 1 - axis)
        field = field + wave.astype("f4").reshape(-1, *newaxes)
    values: Array = field.astype(layout.dtype)
    values += rng.integers(0, 16, values.shape, "u1")
    return values


def write_data(layout: Layout, path: Path) -> None:
    """Write the data of `layout` to an ``.npy`` file, slab by slab."""
    out = np.lib.format.open_memmap(path, "w+", layout.dtype, layout.shape)
    slab = 64
    for start in range(0, layout.shape[0], slab):
        stop = min(start + slab, layout.shape[0])
        out[start:stop] = layout.fill or _smooth_noise(layout, start, stop)
    out.flush()


def block_values(work: Work) -> Array:
    """Return the block that the unaligned writes write."""
    layout, side = work.layout, work.row.side
    return _smooth_noise(replace(layout, shape=(side,) * len(layout.shape)), 0, side)


def member_names(count: int) -> list[str]:
    """Return the names of the arrays in a group."""
    return [f"array{number:06}" for number in range(count)]


# -- selections -----------------------------------------------------------------------


def selection(row: Row, layout: Layout) -> Any:
    """Return which elements `row` touches, in the form its action takes."""
    make = _SELECTIONS.get(row.action)
    return None if make is None else make(row, layout, _generator(row.name))


def _points(row: Row, layout: Layout, rng: np.random.Generator) -> Any:
    columns = [rng.integers(0, n, row.count).tolist() for n in layout.shape]
    return list(zip(*columns, strict=True))


def _rows(row: Row, layout: Layout, rng: np.random.Generator) -> Any:
    return rng.integers(0, layout.shape[0], row.count).tolist()


def _columns(row: Row, layout: Layout, rng: np.random.Generator) -> Any:
    return rng.integers(0, layout.shape[1], row.count).tolist()


def _orthogonal(row: Row, layout: Layout, rng: np.random.Generator) -> Any:
    return tuple(np.sort(rng.choice(n, row.count, replace=False)) for n in layout.shape)


def _coordinates(row: Row, layout: Layout, rng: np.random.Generator) -> Any:
    flat = rng.integers(0, np.prod(layout.shape), row.count)
    if row.name.endswith("-sorted"):
        flat.sort()
    return np.unravel_index(flat, layout.shape)


def _mask(row: Row, layout: Layout, rng: np.random.Generator) -> Any:
    return rng.random(layout.shape) < 0.05


def _regions(row: Row, layout: Layout, rng: np.random.Generator) -> Any:
    columns = [rng.integers(0, n - row.side, row.count).tolist() for n in layout.shape]
    return [tuple(slice(i, i + row.side) for i in corner) for corner in zip(*columns, strict=True)]


def _chunks(row: Row, layout: Layout, rng: np.random.Generator) -> Any:
    counts = [range(layout.chunks_of(axis)) for axis in range(len(layout.shape))]
    columns = [
        (rng.integers(0, len(n), row.count) * c).tolist()
        for n, c in zip(counts, layout.chunks, strict=True)
    ]
    return [
        tuple(slice(i, i + c) for i, c in zip(corner, layout.chunks, strict=True))
        for corner in zip(*columns, strict=True)
    ]


_SELECTIONS: dict[str, Callable[[Row, Layout, np.random.Generator], Any]] = {
    "points": _points,
    "rows": _rows,
    "columns": _columns,
    "orthogonal": _orthogonal,
    "coordinates": _coordinates,
    "mask": _mask,
    "regions": _regions,
    "chunks": _chunks,
    "write_blocks": _regions,
}


# -- results --------------------------------------------------------------------------


def expected(work: Work) -> Any:
    """Return what NumPy gives for the row; for rows that write, the whole array after it."""
    answer = _EXPECTED.get(work.row.action)
    return None if answer is None else answer(work.data, work.selection, work)


def _after_blocks(data: Array, chosen: Any, work: Work) -> Array:
    held, block = data.copy(), block_values(work)
    for region in chosen:
        held[region] = block
    return held


_EXPECTED: dict[str, Callable[[Array, Any, Work], Any]] = {
    "read_all": lambda data, _chosen, _work: data,
    "write_all": lambda data, _chosen, _work: data,
    "points": lambda data, chosen, _work: np.array([data[index] for index in chosen]),
    "rows": lambda data, chosen, _work: data[chosen],
    "columns": lambda data, chosen, _work: data[:, chosen].T,
    "orthogonal": lambda data, chosen, _work: data[np.ix_(*chosen)],
    "coordinates": lambda data, chosen, _work: data[chosen],
    "mask": lambda data, chosen, _work: data[chosen],
    "regions": lambda data, chosen, _work: np.array([data[region] for region in chosen]),
    "chunks": lambda data, chosen, _work: np.array([data[region] for region in chosen]),
    "strided": lambda data, _chosen, _work: data[::7, ::5],
    "write_blocks": _after_blocks,
    "append": lambda data, _chosen, work: data[: work.row.count * 8],
    "open": lambda _data, _chosen, work: np.array(work.layout.shape),
    "open_members": lambda _data, _chosen, work: np.array([work.layout.shape] * work.row.count),
    "open_consolidated": lambda _data, _chosen, work: np.array(
        [work.layout.shape] * work.row.count
    ),
    "list_members": lambda _data, _chosen, work: np.array(member_names(work.row.count)),
}
