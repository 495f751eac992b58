"""What is measured: the arrays, the rows of the table and their targets.

Every library's own environment imports this module, so it needs NumPy alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

__all__ = [
    "BLOSC",
    "CODECS",
    "LAYOUTS",
    "READS",
    "ROWS",
    "Layout",
    "Row",
    "quick",
    "quick_layout",
]

BLOSC = {"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1, "blocksize": 0}
"""The compressor of all arrays that do not name another."""

CODECS: dict[str, dict[str, Any] | None] = {
    "blosc": BLOSC,
    "zstd": {"id": "zstd", "level": 3},
    "gzip": {"id": "gzip", "level": 5},
    "raw": None,
}


@dataclass(frozen=True, slots=True)
class Layout:
    """One array: its shape and chunk shape in elements, its NumPy type.

    Attributes
    ----------
    codec : str
        A key of `CODECS`.
    shards : tuple of int, optional
        Shape of a shard, of whose chunks `chunks` is the shape. Such arrays are of format 3, all
        others of format 2.
    fill : int
        The fill value. If it is not zero, the array has no chunks but reads as that value.
    """

    name: str
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: str
    codec: str = "blosc"
    shards: tuple[int, ...] | None = None
    fill: int = 0

    def chunks_of(self, axis: int) -> int:
        """Return how many chunks there are along `axis`."""
        return -(-self.shape[axis] // self.chunks[axis])

    @classmethod
    def of(cls, fields: dict[str, Any]) -> Layout:
        """Return the layout whose fields were written as JSON."""
        lists = {k: tuple(v) for k, v in fields.items() if isinstance(v, list)}
        return cls(**{**fields, **lists})


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table.

    Attributes
    ----------
    action : str
        A method of the libraries' adapters.
    place : {'memory', 'directory', 'zip', 'sqlite', ''}
        Where the chunks are.
    count : int
        How often the action is done in one measurement, or to how many elements.
    to_zarr2, to_fastest, to_limit, to_floor : float, optional
        Targets: the most that our time may be, as a share of zarr-python 2's, of the
        fastest peer's, of the limit, and of a bare loop around the codec.
    side : int
        Elements along each side of a region that the row reads or writes.
    threads : int
        How many threads do the row's regions.
    unit : {'s', 'MiB'}
        Of what the row measures.
    """

    name: str
    title: str
    action: str
    layout: str
    place: str = "memory"
    count: int = 1
    to_zarr2: float | None = None
    to_fastest: float | None = None
    to_limit: float | None = None
    to_floor: float | None = None
    side: int = 100
    threads: int = 1
    unit: str = "s"


READS = frozenset(
    (
        "read_all", "points", "rows", "columns", "orthogonal", "coordinates", "mask", "strided",
        "regions", "chunks", "open", "open_members", "list_members", "open_consolidated",
        "peak_read",
    )
)  # fmt: skip
"""Actions that leave the array as it is."""

LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout("bulk", (512, 512, 512), (128, 128, 128), "<u2"),
        Layout("small", (4096, 4096), (64, 64), "<i4"),
        Layout("tiny", (2048, 2048), (16, 16), "<i4"),
        Layout("growing", (4000, 512), (32, 512), "<i4"),
        Layout("raw", (512, 512, 512), (128, 128, 128), "<u2", "raw"),
        Layout("zstd", (256, 256, 256), (128, 128, 128), "<u2", "zstd"),
        Layout("gzip", (256, 256, 256), (128, 128, 128), "<u2", "gzip"),
        Layout("sharded", (512, 512, 512), (32, 32, 32), "<u2", shards=(256, 256, 256)),
        Layout("empty", (10_000, 10_000), (10, 10), "|u1", fill=7),
        Layout("many", (100, 100), (50, 50), "<i4"),
    )
}

_TITLES = {
    "bulk": "512³ u2, 128³ chunks",
    "small": "4096² i4, 64² chunks",
    "tiny": "2048² i4, 16² chunks",
    "raw": "512³ u2, 128³ chunks, uncompressed",
    "zstd": "256³ u2, 128³ chunks, zstd 3",
    "gzip": "256³ u2, 128³ chunks, gzip 5",
    "sharded": "512³ u2, 32³ chunks in 256³ shards",
}

# What a peer that is fast may need, at most, for us to be as fast as we want to be.
_READ, _WRITE, _ZSTD, _PART, _REST = 0.6, 0.9, 0.9, 0.8, 1.0
# What the limit may need: chunks of a MiB and more, and smaller ones.
_LARGE, _MIDDLE, _LOOP = 1.3, 2.0, 1.5


def _whole(
    layout: str,
    place: str,
    to_fastest: tuple[float, float] = (_REST, _REST),
    to_limit: float | None = None,
    **other: float,
) -> list[Row]:
    """Return the rows that write and read a whole array; reading finds what was written."""
    return [
        Row(
            f"{layout}-{verb}-{place}",
            f"{verb} {_TITLES[layout]}, {place}",
            f"{verb}_all",
            layout,
            place,
            to_fastest=target,
            to_limit=to_limit,
            **other,  # type: ignore[arg-type]
        )
        for verb, target in zip(("write", "read"), to_fastest, strict=True)
    ]


def _reading(name: str, title: str, action: str, count: int = 1, **other: Any) -> Row:
    """Return a row that reads parts of the array of small chunks in memory."""
    return Row(name, title, action, "small", count=count, **{"to_fastest": _PART, **other})


_BULK = (_WRITE, _READ)

ROWS = [
    *_whole("bulk", "memory", _BULK, _LARGE),
    Row("bulk-points", "200 random elements of 512³", "points", "bulk", count=200,
        to_fastest=_PART, to_floor=_LOOP),
    *_whole("bulk", "directory", _BULK, _LARGE),
    Row("readers-1", "32 unaligned 96³ blocks of 512³, 1 thread", "regions", "bulk", "directory",
        32, to_fastest=_REST, side=96),
    Row("readers-8", "32 unaligned 96³ blocks of 512³, 8 threads", "regions", "bulk", "directory",
        32, to_fastest=_REST, side=96, threads=8),
    Row("peak-read", "peak memory beyond the array: read 512³", "peak_read", "bulk", "directory",
        unit="MiB"),
    Row("peak-write", "peak memory beyond the array: write 512³", "peak_write", "bulk",
        "directory", unit="MiB"),
    *_whole("raw", "memory", _BULK, _LARGE),
    *_whole("raw", "directory", _BULK, _LARGE),
    *_whole("zstd", "memory", (_ZSTD, _ZSTD), _LARGE),
    *_whole("gzip", "memory", (_REST, _REST), _LARGE),
    *_whole("sharded", "directory", _BULK, _MIDDLE),
    Row("sharded-chunks", "500 random 32³ chunks in shards", "chunks", "sharded", "directory",
        500, to_fastest=_READ, side=32),
    Row("sharded-plane", "one plane of 512³ in shards", "rows", "sharded", "directory",
        to_fastest=_READ),
    *_whole("tiny", "memory", to_zarr2=0.6, to_floor=_LOOP),
    *_whole("tiny", "directory", to_zarr2=0.6, to_floor=_LOOP),
    *_whole("small", "zip", to_limit=_MIDDLE),
    *_whole("small", "sqlite", to_limit=_MIDDLE),
    *_whole("small", "directory", to_limit=_MIDDLE, to_zarr2=0.6),
    Row("open", "open an array in a directory, 200 times", "open", "small", "directory", 200,
        to_fastest=_PART),
    *_whole("small", "memory", to_limit=_MIDDLE, to_zarr2=0.6),
    # On the array that the rows above have written.
    _reading("points", "2,000 random elements", "points", 2000, to_zarr2=0.6),
    _reading("rows", "500 rows", "rows", 500, to_zarr2=0.6, to_fastest=_REST, to_floor=_LOOP),
    _reading("columns", "500 columns", "columns", 500, to_fastest=_REST, to_floor=_LOOP),
    _reading("orthogonal", "orthogonal 1000 x 1000", "orthogonal", 1000, to_floor=_LOOP),
    _reading("coordinates", "100,000 coordinates", "coordinates", 100_000, to_zarr2=0.6),
    _reading("coordinates-sorted", "100,000 coordinates, sorted", "coordinates", 100_000),
    _reading("mask", "mask, 5 % true", "mask"),
    _reading("strided", "[::7, ::5]", "strided", to_fastest=_REST, to_floor=_LOOP),
    _reading("blocks", "500 unaligned 100² writes", "write_blocks", 500, to_floor=_LOOP),
    Row("appends", "500 appends of 8 x 512, 32 x 512 chunks", "append", "growing",
        count=500, to_fastest=_PART, to_zarr2=0.6),
    Row("empty", "10⁶ chunks, none stored", "read_all", "empty", to_fastest=_REST),
    Row("many-open", "a group of {count}: open every array", "open_members", "many", "directory",
        1000, to_fastest=_PART),
    Row("many-list", "a group of {count}: list the arrays", "list_members", "many", "directory",
        1000, to_fastest=_PART),
    Row("many-consolidated", "a group of {count}, consolidated: open every array",
        "open_consolidated", "many", "directory", 1000, to_fastest=_PART),
    Row("import", "import, in a fresh interpreter", "import_library", "small", "",
        to_fastest=_REST),
]  # fmt: skip


def quick(row: Row) -> Row:
    """Return `row` with a tenth of the work, where it says how often, and no targets."""
    return replace(
        row,
        count=max(1, row.count // 10),
        side=min(row.side, 32),
        to_zarr2=None,
        to_fastest=None,
        to_limit=None,
        to_floor=None,
    )


def quick_layout(layout: Layout) -> Layout:
    """Return `layout` with a quarter of its chunks along every axis."""
    if layout.name in ("growing", "many"):
        return layout
    shape = tuple(n // 4 for n in layout.shape)
    shards = tuple(n // 4 for n in layout.shards) if layout.shards else None
    chunks = tuple(min(n, c) for n, c in zip(shape, layout.chunks, strict=True))
    return replace(layout, shape=shape, chunks=chunks, shards=shards)
