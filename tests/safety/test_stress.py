"""One array, read by eight threads while others write, append to it and resize it.

A minute where ``CI`` is set, a few seconds elsewhere.
"""

from __future__ import annotations

import os
import pathlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import zarr

SECONDS = 20.0 if os.environ.get("CI", "").lower() in ("1", "true", "yes") else 3.0
READERS, WRITERS = 8, 2
ROWS, COLUMNS, CHUNKS, FILL = 64, 40, (7, 11), -1
# A cell holds its row and how often it was written: ROW * row + writes.
ROW = 10**9
PLACES = ["memory", "directory", "shards"]

Array = np.ndarray[Any, Any]


@pytest.fixture(params=PLACES)
def array(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Any:
    options: dict[str, Any] = {"dtype": "i8", "fill_value": FILL, "chunks": CHUNKS}
    if request.param == "shards":
        options |= {"shards": (14, 22), "zarr_format": 3}
    if request.param != "memory":
        options["store"] = str(tmp_path / "z")
    z = zarr.create((ROWS, COLUMNS), **options)
    z[...] = rows_of(range(ROWS))
    return z


def rows_of(rows: Any) -> Array:
    """Return rows whose cells were written once."""
    return np.repeat(np.asarray(rows, "i8")[:, None] * ROW + 1, COLUMNS, axis=1)


class Reader:
    """What a reader may see of the rows that always exist."""

    def __init__(self, z: Any, seed: int) -> None:
        self.z = z
        self.rng = np.random.default_rng(seed)
        self.seen = np.zeros((ROWS, COLUMNS), "i8")

    def step(self) -> None:
        kind = self.rng.integers(6)
        rows = np.sort(self.rng.choice(ROWS, 5, replace=False))
        columns = np.sort(self.rng.choice(COLUMNS, 5, replace=False))
        match kind:
            case 0:
                index: Any = int(rows[0]), int(columns[0])
                found = self.z[index]
            case 1:
                index = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
                found = self.z[index]
            case 2:
                index = np.ix_(rows, columns)
                found = self.z.oindex[rows, columns]
            case 3:
                index = rows, columns
                found = self.z.vindex[rows, columns]
            case 4:
                index = slice(0, ROWS), slice(None, None, 3)
                found = self.z[index]
            case _:
                self.check_tail()
                return
        # A chunk is never older than when the same reader saw it last, and never torn.
        assert np.all(found >= self.seen[index])
        assert_array_equal(np.asarray(found) // ROW, self.expected_rows(index))
        self.seen[index] = found

    @staticmethod
    def expected_rows(index: Any) -> Array:
        return np.repeat(np.arange(ROWS)[:, None], COLUMNS, axis=1)[index]

    def check_tail(self) -> None:
        """Rows that come and go are as they were appended, or no longer there."""
        tail = self.z[ROWS:]
        expected = rows_of(range(ROWS, ROWS + len(tail)))
        assert np.all((tail == expected) | (tail == FILL))


class Writer:
    """Owns every other column of the rows that always exist."""

    def __init__(self, z: Any, number: int) -> None:
        self.z = z
        self.own = np.arange(number, COLUMNS, WRITERS)
        self.rng = np.random.default_rng(100 + number)
        self.cells = rows_of(range(ROWS))

    def step(self) -> None:
        first, last = np.sort(self.rng.integers(0, ROWS + 1, 2)).tolist()
        rows = np.arange(first, last)
        index = np.ix_(rows, self.own)
        self.cells[index] += 1
        if self.rng.integers(2):
            self.z[first:last, self.own[0] :: WRITERS] = self.cells[index]
        else:
            self.z.oindex[rows, self.own] = self.cells[index]
        assert_array_equal(self.z[first:last, self.own[0] :: WRITERS], self.cells[index])


class Resizer:
    """Appends rows and cuts them off again."""

    def __init__(self, z: Any) -> None:
        self.z = z
        self.rng = np.random.default_rng(7)
        self.length = ROWS

    def step(self) -> None:
        if self.length > ROWS + 40 or self.rng.integers(3) == 0:
            self.length = int(self.rng.integers(ROWS, self.length + 1))
            self.z.resize(self.length, COLUMNS)
        else:
            more = int(self.rng.integers(1, 10))
            self.z.append(rows_of(range(self.length, self.length + more)))
            self.length += more
        assert self.z.shape == (self.length, COLUMNS)
        assert_array_equal(self.z[ROWS:], rows_of(range(ROWS, self.length)))


def repeat(step: Callable[[], None], stop: threading.Event) -> int:
    """Do `step` until somebody stops everything, which a failure does too."""
    done = 0
    try:
        while not stop.is_set():
            step()
            done += 1
    finally:
        stop.set()
    return done


@pytest.mark.slow
@pytest.mark.usefixtures("eager_threads")
def test_readers_writers_and_a_resizer_share_an_array(array: Any) -> None:
    readers = [Reader(array, seed) for seed in range(READERS)]
    writers = [Writer(array, number) for number in range(WRITERS)]
    resizer = Resizer(array)
    stop = threading.Event()
    with ThreadPoolExecutor(READERS + WRITERS + 1) as pool:
        futures = [pool.submit(repeat, each.step, stop) for each in (*readers, *writers, resizer)]
        stop.wait(SECONDS)
        stop.set()
    assert all(future.result() > 0 for future in futures)

    expected = rows_of(range(resizer.length))
    for writer in writers:
        expected[:ROWS, writer.own] = writer.cells[:, writer.own]
    for z in (array, zarr.open_array(array.store, mode="r")):
        assert_array_equal(z[...], expected)
