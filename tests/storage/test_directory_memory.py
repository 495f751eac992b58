"""Large values of directories are read into memory that is used again: never too early."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr
from zarr.storage import DirectoryStore
from zarr.storage.buffer_pool import LEAST, lend

SIZES = [LEAST - 1, LEAST, LEAST + 1, 3 * LEAST, (1 << 20) + 5, 17 << 20]
KEEPING: dict[str, Callable[[Any], Any]] = {
    "itself": lambda value: value,
    "a slice": lambda value: memoryview(value)[5:-3],
    "a slice of a slice": lambda value: memoryview(value)[5:][:-3],
    "an array": lambda value: np.frombuffer(value, "u1"),
    "a part of an array": lambda value: np.frombuffer(value, "u1")[7::2],
}


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    store = DirectoryStore(tmp_path)
    for at, size in enumerate(SIZES):
        store[str(at)] = bytes([at]) * size
    return store


def read(store: DirectoryStore, at: int) -> Any:
    return store.getitems([str(at)])[str(at)]


@pytest.mark.parametrize("how", KEEPING)
@pytest.mark.parametrize("at", range(len(SIZES)), ids=map(str, SIZES))
def test_what_is_kept_stays_as_it_was(store: DirectoryStore, at: int, how: str) -> None:
    kept = [KEEPING[how](read(store, at)) for _ in range(3)]
    store[str(at)] = b"\xff" * SIZES[at]
    for _ in range(20):
        read(store, at)
        gc.collect(0)
    assert {int(item) for part in kept for item in set(bytes(part))} == {at}
    assert set(bytes(read(store, at))) == {0xFF}


def test_all_of_a_call_stay_as_they_were(store: DirectoryStore) -> None:
    found = store.getitems([str(at) for at in range(len(SIZES))])
    parts = store.get_partial_values([(str(at), (1, None)) for at in range(len(SIZES))])
    for at, part in enumerate(parts):
        assert bytes(found[str(at)]) == bytes([at]) * SIZES[at]
        assert part is not None
        assert bytes(part) == bytes([at]) * (SIZES[at] - 1)


def test_a_value_by_its_key_is_bytes(store: DirectoryStore) -> None:
    assert all(type(store[str(at)]) is bytes for at in range(len(SIZES)))


def address(value: Any) -> int:
    return int(np.frombuffer(value, "u1").__array_interface__["data"][0])


@pytest.mark.parametrize("size", [LEAST, 1 << 20, 9 << 20])
def test_memory_is_used_again(tmp_path: Path, size: int) -> None:
    store = DirectoryStore(tmp_path)
    store["x"] = bytes(size)
    addresses = {address(store.getitems(["x"])["x"]) for _ in range(10)}
    assert len(addresses) == 1


def test_memory_that_is_kept_is_bounded() -> None:
    loans = [lend(1 << 20) for _ in range(100)]
    known = {address(loan) for loan in loans}
    tracemalloc.start()
    try:
        loans.clear()
        again = [lend(1 << 20) for _ in range(100)]
        fresh, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len({address(loan) for loan in again}) == len(known) == 100
    assert fresh > 80 << 20


def test_threads_that_read_side_by_side(tmp_path: Path) -> None:
    data = np.arange(64 * (1 << 16), dtype="u4").reshape(64, -1)
    z = zarr.array(data, chunks=(1, 1 << 16), compressor=None, store=DirectoryStore(tmp_path))
    rng = np.random.default_rng(0)
    with ThreadPoolExecutor(8) as pool:
        rows = rng.integers(0, 64, 500)
        for row, found in zip(rows, pool.map(z.__getitem__, rows.tolist()), strict=True):
            np.testing.assert_array_equal(found, data[row])


def _peak_of_list(folder: Path, count: int) -> int:
    folder.mkdir()
    for number in range(count):
        (folder / f"0.{number}").touch()
    store = zarr.DirectoryStore(str(folder))
    tracemalloc.start()
    try:
        assert sum(1 for _ in store.list_sizes()) == count
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_list_of_sizes_keeps_no_names(tmp_path: Path) -> None:
    some = _peak_of_list(tmp_path / "some", 1000)

    assert _peak_of_list(tmp_path / "many", 5000) < 1.5 * some
