"""What a seal costs a reader, and what a check of all data costs, compared with a plain read.

    python -m benchmarks.seal
    python -m benchmarks.seal --chunks 10000 --bytes 1600

Each row reads the same chunks of a directory, encoded with the default compressor, of an array that
is open, or of one that is opened for it. The ratios are those of processor time, user and system;
each is the median of the ratios of all rounds, in which the rows take turns.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np

import zarr
from benchmarks.transactions import seconds

SIZES = ((64, 4 << 20), (256, 1 << 20), (1600, 40_000), (10_000, 1600))


Work: TypeAlias = Callable[[zarr.Array], object]


def read(z: zarr.Array) -> None:
    z[:]


def open_and_read(z: zarr.Array) -> None:
    zarr.open_array(z.store.path, mode="r")[:]


def check(z: zarr.Array) -> None:
    if not zarr.check(z.store.path, level="data").ok:
        raise RuntimeError("the data are damaged")


ROWS: dict[str, tuple[str, Work, str]] = {
    "read": ("plain", read, "read"),
    "read what is sealed": ("sealed", read, "read"),
    "open and read": ("plain", open_and_read, "open and read"),
    "open and read what is sealed": ("sealed", open_and_read, "open and read"),
    "`check`, data": ("plain", check, "open and read"),
    "`check`, data that are sealed": ("sealed", check, "open and read"),
}
"""Which array, what is done, and the row with which it is compared."""


def measure(chunks: int, nbytes: int, rounds: int, folder: Path) -> dict[str, list[float]]:
    """Return the processor time of each row in each round."""
    count = nbytes // 4
    data = np.random.default_rng(0).integers(0, 9, (chunks, count), "i4").cumsum(axis=1)
    for name in ("plain", "sealed"):
        z = zarr.open_array(
            str(folder / name), mode="w", shape=data.shape, chunks=(1, count), dtype="i4"
        )
        z[:] = data
    zarr.seal(str(folder / "sealed"))
    arrays = {name: zarr.open_array(str(folder / name), mode="r") for name in ("plain", "sealed")}
    found: dict[str, list[float]] = {name: [] for name in ROWS}
    names = list(ROWS)
    for number, at in itertools.product(range(-1, rounds), range(len(names))):
        name = names[(number + at) % len(names)]
        place, work, _ = ROWS[name]
        spent, _ = seconds(lambda: work(arrays[place]))  # noqa: B023
        if number >= 0:  # the first round warms up
            found[name].append(spent)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int)
    parser.add_argument("--bytes", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--folder", help="where to make the arrays")
    given = parser.parse_args()
    sizes = ((given.chunks, given.bytes),) if given.chunks else SIZES
    print(
        "| |", " | ".join(f"{chunks:,} chunks of {nbytes:,} bytes" for chunks, nbytes in sizes), "|"
    )
    print("|---" * (len(sizes) + 1) + "|")
    columns = []
    for chunks, nbytes in sizes:
        with tempfile.TemporaryDirectory(dir=given.folder) as folder:
            columns.append(measure(chunks, nbytes, given.rounds, Path(folder)))
    for name, (_, _, base) in ROWS.items():
        ratios = [
            statistics.median(a / b for a, b in zip(column[name], column[base], strict=True))
            for column in columns
        ]
        print(f"| {name} |", " | ".join(f"{ratio:.3f}" for ratio in ratios), "|")


if __name__ == "__main__":
    main()
