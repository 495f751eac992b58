"""The threads that do windows of work side by side, and the memory they work in."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from threading import Lock, local
from typing import Any, TypeVar

import numpy as np

__all__ = ["expect_blocks", "run_all", "scratch"]

T = TypeVar("T")

_pool: ThreadPoolExecutor | None = None
_pool_size = 0
_guard = Lock()
_here = local()


def run_all(work: Callable[[T], Any], items: Iterable[T], workers: int) -> None:
    """Call `work` for each of `items`, on up to `workers` threads.

    The calling thread only waits, so that codecs see that they run in a worker and leave
    their own threads off. Called from a worker, everything happens right there: workers
    never wait for each other. The first exception stops the rest and is raised.
    """
    if workers < 2 or getattr(_here, "is_worker", False):
        for item in items:
            work(item)
        return
    queue = _Queue(items)
    pool = _pool_of(workers)
    futures = [pool.submit(_drain, work, queue) for _ in range(workers)]
    errors = [error for future in futures if (error := future.exception()) is not None]
    if errors:
        raise errors[0]


class _Queue:
    """An iterator that several threads share."""

    def __init__(self, items: Iterable[Any]) -> None:
        self._items: Iterator[Any] = iter(items)
        self._lock = Lock()
        self.stopped = False

    def take(self) -> list[Any]:
        """Return the next item in a list, or an empty list at the end."""
        with self._lock:
            return [] if self.stopped else list(islice(self._items, 1))


def _drain(work: Callable[[Any], Any], queue: _Queue) -> None:
    _here.is_worker = True
    try:
        while taken := queue.take():
            work(taken[0])
    except BaseException:
        queue.stopped = True
        raise


def scratch(nbytes: int) -> np.ndarray[Any, Any]:
    """Return `nbytes` bytes of memory that are this thread's until it asks again.

    Fresh memory costs a page fault per 4 KiB, which for large chunks is as much as
    decoding them.
    """
    buffer = getattr(_here, "buffer", None)
    if buffer is None or buffer.size < nbytes:
        buffer = np.empty(nbytes, "u1")
        if nbytes <= _LARGEST_KEPT:
            _here.buffer = buffer
    return buffer[:nbytes]


_LARGEST_KEPT = 16 << 20


def expect_blocks(nbytes: int) -> None:
    """Make the C library ready for blocks of `nbytes` bytes that come and go.

    It gives memory back to the system at once, and asks for fresh memory each time, where a
    block is larger than any that was freed before (glibc, ``mallopt(3)``, "M_MMAP_THRESHOLD"):
    a page fault per 4 KiB. Codecs ask for as much as a chunk may need and cut their result to
    size before it is freed, so that the library never learns. So it is shown such a block.
    """
    global _expected
    if _expected < nbytes <= _LARGEST_EXPECTED:
        bytes(nbytes + _ROUNDED)  # never written to, so it costs no memory
        _expected = nbytes


_expected = 128 << 10  # what glibc expects at first
_LARGEST_EXPECTED = 31 << 20  # more it never learns
_ROUNDED = 8 << 10


def _pool_of(workers: int) -> ThreadPoolExecutor:
    global _pool, _pool_size
    with _guard:
        if _pool is None or _pool_size < workers:
            _pool = ThreadPoolExecutor(workers, thread_name_prefix="zarr")
            _pool_size = workers
        return _pool


def _forget_pool() -> None:
    # Threads do not survive a fork; the child starts its own when it needs them.
    global _pool, _pool_size, _guard
    _pool, _pool_size, _guard = None, 0, Lock()


os.register_at_fork(after_in_child=_forget_pool)
