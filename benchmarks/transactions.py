"""What it costs to change several chunks together, compared with plain writes to a directory.

    python -m benchmarks.transactions
    python -m benchmarks.transactions --chunks 64 --bytes 4194304

Each row writes, or reads, the same uncompressed chunks. The ratios are those of processor time,
user and system, and of elapsed time; each is the median of ratios within one round, as rounds
differ more than the rows of a round do.
"""

from __future__ import annotations

import argparse
import itertools
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import zarr

Work = Callable[[Any, Any], object]


def plainly(store: Any, data: Any) -> None:
    zarr.open_array(store, mode="r+", path="z")[:] = data


def in_transaction(store: Any, data: Any) -> None:
    with zarr.transaction(store, fsync=False) as txn:
        txn.group["z"][:] = data


def read(store: Any, data: Any) -> None:
    if zarr.open_array(store, mode="r", path="z")[:].nbytes != data.nbytes:
        raise RuntimeError("data are missing")


def _directory(folder: Path) -> Any:
    return zarr.DirectoryStore(str(folder / "z.zarr"))


def _ocdbt(folder: Path) -> Any:
    return zarr.storage.OCDBTStore(folder / "z.ocdbt")


ROWS: dict[str, tuple[Callable[[Path], Any], Work, Work]] = {
    "directory": (_directory, plainly, read),
    "directory, transaction": (_directory, in_transaction, read),
    "OCDBT": (_ocdbt, plainly, read),
    "OCDBT, transaction": (_ocdbt, in_transaction, read),
}
"""Stores, how they are written, and how they are read; the others are compared with the first."""


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Return the processor time and the elapsed time of a call."""
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    work()
    elapsed, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
    return user + system, elapsed


def measure(chunks: int, nbytes: int, rounds: int, folder: Path) -> dict[str, list[Any]]:
    """Return the times of writing and reading for each row and round."""
    data = np.random.default_rng(0).integers(0, 255, (chunks, nbytes), "u1")
    found: dict[str, list[Any]] = {name: [] for name in ROWS}
    names = list(ROWS)
    for number, at in itertools.product(range(rounds), range(len(names))):
        name = names[(number + at) % len(names)]  # the first one has cold caches
        opened, write, reading = ROWS[name]
        place = folder / f"{number} {name}"
        place.mkdir()
        store = opened(place)
        root = zarr.open_group(store, mode="w")
        root.create_dataset("z", shape=data.shape, chunks=(1, nbytes), dtype="u1", compressor=None)
        pair = seconds(lambda: write(store, data)), seconds(lambda: reading(store, data))  # noqa: B023
        found[name].append(pair)
        shutil.rmtree(place)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=1600)
    parser.add_argument("--bytes", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--folder", help="where to make the stores")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        found = measure(given.chunks, given.bytes, given.rounds, Path(folder))
    print("| | write, processor | write, elapsed | read, processor | read, elapsed |")
    print("|---|---|---|---|---|")
    base = found["directory"]
    for name, rounds in found.items():
        cells = [
            statistics.median(
                mine[verb][kind] / plain[verb][kind]
                for mine, plain in zip(rounds, base, strict=True)
            )
            for verb, kind in itertools.product((0, 1), (0, 1))
        ]
        print(f"| {name} |", " | ".join(f"{cell:.2f}" for cell in cells), "|")


if __name__ == "__main__":
    main()
