"""What is measured: the arrays, their data, the rows of the table and their targets.

Every library's own environment imports this module, so it needs NumPy alone.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

__all__ = [
    "BLOSC",
    "LAYOUTS",
    "ROWS",
    "Layout",
    "Row",
    "Work",
    "block_values",
    "expected",
    "generator",
    "quick",
    "quick_layout",
    "selection",
    "write_data",
]

BLOSC = {"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1, "blocksize": 0}
"""The compressor of all arrays."""

BLOCK = 100
"""Side of an unaligned block, in elements."""

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Layout:
    """One array: its shape and chunk shape in elements, its NumPy type."""

    name: str
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: str

    def chunks_of(self, axis: int) -> int:
        """Return how many chunks there are along `axis`."""
        return -(-self.shape[axis] // self.chunks[axis])


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table.

    Attributes
    ----------
    action : str
        A method of the libraries' adapters.
    place : {'memory', 'directory', ''}
        Where the chunks are.
    count : int
        How often the action is done in one measurement, or to how many elements.
    to_zarr2, to_fastest, to_floor : float, optional
        Targets: the most that our time may be, as a share of zarr-python 2's, of the
        fastest peer's, and of a bare loop around the codec.
    """

    name: str
    title: str
    action: str
    layout: str
    place: str = "memory"
    count: int = 1
    to_zarr2: float | None = None
    to_fastest: float | None = None
    to_floor: float | None = None


LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout("bulk", (512, 512, 512), (128, 128, 128), "<u2"),
        Layout("small", (4096, 4096), (64, 64), "<i4"),
        Layout("tiny", (2048, 2048), (16, 16), "<i4"),
        Layout("growing", (4000, 512), (32, 512), "<i4"),
    )
}

_TITLES = {
    "bulk": "512³ u2, 128³ chunks",
    "small": "4096² i4, 64² chunks",
    "tiny": "2048² i4, 16² chunks",
}


def _whole(
    layout: str, place: str, to_zarr2: float | None = None, to_fastest: float | None = None
) -> list[Row]:
    """Return the rows that write and read a whole array; reading finds what was written."""
    return [
        Row(
            f"{layout}-{verb}-{place}",
            f"{verb} {_TITLES[layout]}, {place}",
            f"{verb}_all",
            layout,
            place,
            to_zarr2=to_zarr2,
            to_fastest=to_fastest,
        )
        for verb in ("write", "read")
    ]


ROWS = [
    *_whole("bulk", "memory", to_fastest=0.8),
    Row("bulk-points", "200 random elements of 512³", "points", "bulk", count=200, to_floor=1.5),
    *_whole("bulk", "directory", to_fastest=0.8),
    *_whole("tiny", "memory", to_zarr2=0.6, to_fastest=1.0),
    *_whole("tiny", "directory", to_zarr2=0.6, to_fastest=1.2),
    *_whole("small", "directory", to_zarr2=0.6, to_fastest=1.2),
    Row("open", "open an array in a directory, 200 times", "open", "small", "directory", 200),
    *_whole("small", "memory", to_zarr2=0.6, to_fastest=1.0),
    # On the array that the rows above have written.
    Row("points", "2,000 random elements", "points", "small", "memory", 2000, 0.6, 1.0),
    Row("rows", "500 rows", "rows", "small", "memory", 500, 0.6, to_floor=1.5),
    Row("orthogonal", "orthogonal 1000 x 1000", "orthogonal", "small", count=1000, to_floor=1.5),
    Row(
        "coordinates", "100,000 coordinates", "coordinates", "small", "memory", 100_000, 0.6,
        to_floor=1.5,
    ),
    Row("mask", "mask, 5 % true", "mask", "small", to_floor=1.5),
    Row("strided", "[::7, ::5]", "strided", "small", to_floor=1.5),
    Row("blocks", "500 unaligned 100² writes", "write_blocks", "small", count=500, to_floor=1.5),
    Row(
        "appends", "500 appends of 8 x 512, 32 x 512 chunks", "append", "growing", "memory", 500,
        0.6, to_floor=1.5,
    ),
    Row("import", "import, in a fresh interpreter", "import_library", "small", ""),
]  # fmt: skip


def quick(row: Row) -> Row:
    """Return `row` with a tenth of the work, where it says how often, and no targets."""
    count = max(1, row.count // 10)
    return replace(row, count=count, to_zarr2=None, to_fastest=None, to_floor=None)


def quick_layout(layout: Layout) -> Layout:
    """Return `layout` with a quarter of its chunks along every axis."""
    if layout.name == "growing":
        return layout
    return replace(layout, shape=tuple(n // 4 for n in layout.shape))


# -- data -----------------------------------------------------------------------------


def generator(name: str) -> np.random.Generator:
    """Return random numbers that are the same in every process."""
    return np.random.default_rng(zlib.crc32(name.encode()))


def _smooth_noise(layout: Layout, start: int, stop: int) -> Array:
    """Return values as instruments give them: a smooth field and a few bits of noise."""
    rng = generator(f"{layout.name} {start}")
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
        out[start:stop] = _smooth_noise(layout, start, stop)
    out.flush()


# -- selections and what they give ----------------------------------------------------


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


def selection(row: Row, layout: Layout) -> Any:
    """Return which elements `row` touches, in the form its action takes."""
    rng = generator(row.name)
    make = _SELECTIONS.get(row.action)
    return None if make is None else make(row, layout, rng)


def _points(row: Row, layout: Layout, rng: np.random.Generator) -> Any:
    columns = [rng.integers(0, n, row.count).tolist() for n in layout.shape]
    return list(zip(*columns, strict=True))


def _rows(row: Row, layout: Layout, rng: np.random.Generator) -> Any:
    return rng.integers(0, layout.shape[0], row.count).tolist()


def _orthogonal(row: Row, layout: Layout, rng: np.random.Generator) -> Any:
    return tuple(np.sort(rng.choice(n, row.count, replace=False)) for n in layout.shape)


def _coordinates(row: Row, layout: Layout, rng: np.random.Generator) -> Any:
    return tuple(rng.integers(0, n, row.count) for n in layout.shape)


def _mask(row: Row, layout: Layout, rng: np.random.Generator) -> Any:
    return rng.random(layout.shape) < 0.05


def _corners(row: Row, layout: Layout, rng: np.random.Generator) -> Any:
    columns = [rng.integers(0, n - BLOCK, row.count).tolist() for n in layout.shape]
    return [tuple(slice(i, i + BLOCK) for i in corner) for corner in zip(*columns, strict=True)]


_SELECTIONS: dict[str, Callable[[Row, Layout, np.random.Generator], Any]] = {
    "points": _points,
    "rows": _rows,
    "orthogonal": _orthogonal,
    "coordinates": _coordinates,
    "mask": _mask,
    "write_blocks": _corners,
}


def block_values(layout: Layout) -> Array:
    """Return the block that the unaligned writes write."""
    return _smooth_noise(replace(layout, shape=(BLOCK, BLOCK)), 0, BLOCK)


def expected(work: Work) -> Any:
    """Return what NumPy gives for the row; for rows that write, the whole array after it."""
    data, chosen = work.data, work.selection
    match work.row.action:
        case "read_all" | "write_all":
            return data
        case "points":
            return np.array([data[index] for index in chosen])
        case "rows":
            return data[chosen]
        case "orthogonal":
            return data[np.ix_(*chosen)]
        case "coordinates" | "mask":
            return data[chosen]
        case "strided":
            return data[::7, ::5]
        case "write_blocks":
            held, block = data.copy(), block_values(work.layout)
            for region in chosen:
                held[region] = block
            return held
        case "append":
            return data[: work.row.count * 8]
        case "open":
            return np.array(work.layout.shape)
    return None
