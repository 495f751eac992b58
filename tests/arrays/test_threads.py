"""Work on several threads: chunks large enough that the engine thinks it worth while."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Lock
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import zarr
from zarr import sync
from zarr.storage import MemoryStore
from zarr.storage.base import Buffer
from zarr.sync import KeyLocks

SHAPE, CHUNKS = (130, 300, 200), (30, 70, 60)  # chunks of 504 kB, 5 * 5 * 4 of them


@pytest.fixture(params=[None, "default"])
def compressor(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("window_bytes", [1, 3 << 20, 1 << 30])
def test_every_window_is_worked_on(
    tmp_path: Path, workers: int, window_bytes: int, compressor: Any
) -> None:
    a = np.random.default_rng(0).integers(0, 1000, SHAPE, "i4")
    with zarr.config.set(workers=workers, window_bytes=window_bytes, thread_bytes=0):
        z = zarr.open_array(
            str(tmp_path / "z"), mode="w", shape=SHAPE, chunks=CHUNKS, dtype="i4",
            compressor=compressor, fill_value=-1,
        )  # fmt: skip
        z[...] = a
        assert z.nchunks_initialized == z.nchunks == 100
        assert_array_equal(z[...], a)
        part = (slice(7, 121), slice(None, None, 3), slice(11, 190))
        assert_array_equal(z[part], a[part])
        a[part] = a[part][::-1]
        z[part] = a[part]
        assert_array_equal(z[...], a)
        points = tuple(np.random.default_rng(1).integers(0, n, 500) for n in SHAPE)
        assert_array_equal(z.vindex[points], a[points])
        rows = np.array([3, 129, 64, 65])
        assert_array_equal(z.oindex[rows, :, 5:9], a[rows, :, 5:9])


def test_the_first_error_of_a_thread_is_raised(tmp_path: Path) -> None:
    z = zarr.open_array(str(tmp_path / "z"), mode="w", shape=SHAPE, chunks=CHUNKS, dtype="i4")
    z[...] = 5
    z.store["2.2.2"] = z.store["2.2.2"][:-1]
    with zarr.config.set(workers=3, window_bytes=1, thread_bytes=0):
        with pytest.raises(zarr.errors.ChunkDecodeError, match=r"2\.2\.2"):
            z[...]
        assert (z[:, :140] == 5).all()


class FarStore(MemoryStore):
    """A store whose answers come when as many requests are under way as it wants."""

    threads = 6

    def __init__(self) -> None:
        super().__init__()
        self.together = Barrier(1)

    def getitems(self, keys: Sequence[str]) -> dict[str, Buffer]:
        self.together.wait(60)
        return super().getitems(keys)

    def setitems(self, items: Mapping[str, Buffer]) -> None:
        self.together.wait(60)
        super().setitems(items)


def test_far_store_is_asked_by_many_threads() -> None:
    store = FarStore()
    with zarr.config.set(workers=2):
        z = zarr.create((1_200_000,), chunks=100_000, dtype="u1", store=store, compressor=None)
        # Both pass only if six windows, of two chunks each, are at the store at once.
        store.together = Barrier(6)
        z[...] = 1
        assert (z[...] == 1).all()


def test_one_worker_means_one_also_for_far_stores() -> None:
    store = FarStore()
    with zarr.config.set(workers=1):
        z = zarr.create((1_200_000,), chunks=100_000, dtype="u1", store=store, compressor=None)
        z[...] = 1
        assert (z[...] == 1).all()


def test_locks_of_chunks_exclude_and_never_deadlock() -> None:
    locks, names = KeyLocks(zarr.MemoryStore(), ""), [str(n) for n in range(9)]
    inside = {name: Lock() for name in names}

    def work(seed: int) -> int:
        rng = np.random.default_rng(seed)
        for _ in range(300):
            wanted = set(rng.permutation(names)[: rng.integers(1, 9)].tolist())
            locks.hold(wanted, lambda wanted=wanted: check_alone(wanted))
        return seed

    def check_alone(wanted: set[str]) -> None:
        taken = [inside[name].acquire(blocking=False) for name in wanted]
        assert all(taken)
        for name in wanted:
            inside[name].release()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8), timeout=60)) == list(range(8))


def test_a_thread_does_not_wait_for_itself() -> None:
    locks = KeyLocks(zarr.MemoryStore(), "")
    assert locks.hold(["a", "b"], lambda: locks.hold(["b", "c"], lambda: 5)) == 5


@pytest.mark.parametrize("again", ["same thread", "another thread"])
def test_locks_that_an_interrupt_has_left_are_free(again: str) -> None:
    # What an interrupt between two bytecodes does, at the worst of moments.
    locks = KeyLocks(zarr.MemoryStore(), "")
    free = sync._free

    def interrupted(holder: sync._Holder) -> None:
        sync._free = free
        raise KeyboardInterrupt

    def hold() -> int:
        return locks.hold(["a"], lambda: 5)

    sync._free = interrupted
    with pytest.raises(KeyboardInterrupt) as kept:
        hold()
    if again == "same thread":
        assert hold() == 5
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: hold(), range(20), timeout=30)) == [5] * 20
    del kept
