"""`zarr.rechunk` and the executors that callers hand over: what an interrupt leaves of them."""

from __future__ import annotations

import threading
from _thread import interrupt_main
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import zarr

DATA = np.arange(60 * 80, dtype="i4").reshape(60, 80)


class Asked(ThreadPoolExecutor):
    """Interrupts the main thread while it is asked for the task of number `interrupt_at`."""

    def __init__(self, interrupt_at: int = 0) -> None:
        super().__init__(2)
        self.interrupt_at = interrupt_at
        self.futures: list[Future[Any]] = []
        self.threads: set[threading.Thread] = set()

    def submit(self, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.threads.add(threading.current_thread())
        future = super().submit(*args, **kwargs)
        self.futures.append(future)
        if len(self.futures) == self.interrupt_at:
            interrupt_main()
        return future


def _rechunked(executor: Any, store: Any, **options: Any) -> zarr.tools.rechunk.Rechunked:
    source = zarr.array(DATA, chunks=(4, 80))
    return zarr.rechunk(source, store, (60, 5), memory=9000, executor=executor, **options)


def test_no_interrupt_reaches_what_takes_the_locks_of_an_executor() -> None:
    with Asked() as executor:
        done = _rechunked(executor, zarr.MemoryStore())

    assert done.blocks == len(executor.futures) > 4
    assert threading.main_thread() not in executor.threads


@pytest.mark.parametrize("at", [1, 3, 6])
def test_an_executor_works_after_an_interrupt(at: int) -> None:
    store = zarr.MemoryStore()
    with Asked(at) as executor:
        with pytest.raises(KeyboardInterrupt):
            _rechunked(executor, store)

        assert len(executor.futures) == at and all(future.done() for future in executor.futures)
        assert executor.submit(int, "5").result() == 5
        markers = len(list(store.list_prefix("__rechunk/done")))
        done = _rechunked(executor, store)

    assert done.found == markers and np.array_equal(zarr.open_array(store, mode="r")[...], DATA)


def test_an_interrupt_of_the_callers_own_code_waits_for_what_is_under_way() -> None:
    def stop(done: int, *_: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    store = zarr.MemoryStore()
    with Asked() as executor:
        with pytest.raises(KeyboardInterrupt):
            _rechunked(executor, store, progress=stop)

        assert all(future.done() for future in executor.futures)
        done = _rechunked(executor, store)

    assert done.found >= 3 and np.array_equal(zarr.open_array(store, mode="r")[...], DATA)
