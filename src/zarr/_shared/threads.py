"""The threads that do windows of work side by side, and the memory they work in."""

from __future__ import annotations

import math
import time
from _thread import start_new_thread
from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice, repeat
from queue import SimpleQueue
from threading import Lock, get_ident, local
from typing import Any, TypeVar

import numpy as np

from zarr._system import RLock
from zarr.sync import renew_after_fork

__all__ = ["Workers", "expect_blocks", "run_all", "scratch"]

T = TypeVar("T")

_BLINK = 0.001


class Workers:
    """Threads that work side by side for callers who wait for them.

    In contrast to an executor of the standard library, callers can be interrupted at any
    moment: what they touch here is written in C, so that nothing is left locked.
    """

    def __init__(self) -> None:
        renew_after_fork(self)

    def _renew(self) -> None:
        # Threads do not survive a fork; the child starts its own when it needs them.
        self._tasks: SimpleQueue[tuple[Callable[[Any], Any], _Items]] = SimpleQueue()
        self._count = 0
        self._wanted: dict[int, int] = {}  # threads, by calling threads
        self._here = local()

    def run(
        self, work: Callable[[T], Any], items: Iterable[T], width: int, most: int | None = None
    ) -> None:
        """Call `work` for each of `items`, on up to `width` threads.

        Called from a worker, everything happens right there: workers never wait for each
        other. The first exception stops the rest and is raised. When one comes out, an
        interrupt of the calling thread included, no call is under way any more.

        Parameters
        ----------
        most : int, optional
            How many threads all callers have together, where each adds its own: for work
            that only waits. Without it, they share the threads of the one that asked for most.
        """
        if width < 2 or self.is_worker():
            for item in items:
                work(item)
        elif most is None:
            self._share(work, items, width, threads=width)
        else:
            self._add(work, items, width, most)

    def call(self, work: Callable[[], T]) -> T:
        """Return ``work()``, called on a thread that an interrupt of this one does not reach.

        There are as many such threads as callers at a time.
        """
        if self.is_worker():
            return work()
        answers: list[T] = []
        self._add(lambda _: answers.append(work()), [None], 1)
        return answers[0]

    def _add(
        self, work: Callable[[T], Any], items: Iterable[T], width: int, most: float = math.inf
    ) -> None:
        me = get_ident()
        self._wanted[me] = width
        try:
            threads = min(most, sum(list(self._wanted.values())))
            self._share(work, items, width, threads)
        finally:
            self._wanted.pop(me, None)

    def is_worker(self) -> bool:
        """Return whether the calling thread is one of these."""
        return getattr(self._here, "is_worker", False)

    def _share(
        self, work: Callable[[T], Any], items: Iterable[T], width: int, threads: float
    ) -> None:
        shared = _Items(items, width)
        try:
            if self._count < threads:
                self._start(threads)
            deque(map(self._tasks.put, repeat((work, shared), width)), maxlen=0)
            shared.left.acquire()
        except BaseException:
            shared.stopped = True
            try:
                shared.wait()
            except BaseException:
                shared.wait()  # interrupted just when it began to wait
                raise
            raise
        if shared.errors:
            raise shared.errors[0]

    def _start(self, threads: float) -> None:
        while self._count < threads:
            start_new_thread(self._serve, (self._tasks,))
            self._count += 1

    def _serve(self, tasks: SimpleQueue[tuple[Callable[[Any], Any], _Items]]) -> None:
        self._here.is_worker = True
        while True:
            work, shared = tasks.get()
            shared.drain(work)
            del work, shared  # or what they refer to would live until the next task


class _Items:
    """An iterable that several threads share until it is used up, or one of them fails."""

    def __init__(self, items: Iterable[Any], width: int) -> None:
        self._items = iter(items)
        self._next = RLock()
        self._busy: set[int] = set()
        self._leaving = [None] * (width - 1)
        self.left = Lock()
        self.left.acquire()
        self.stopped = False
        self.errors: list[BaseException] = []

    def drain(self, work: Callable[[Any], Any]) -> None:
        """Call `work` for one item after the other; the last thread to finish reports that."""
        me = get_ident()
        try:
            while True:
                # First of all, so that either this thread sees that it must stop, or the one
                # that waits for all to stop sees this one.
                self._busy.add(me)
                if self.stopped:
                    break
                with self._next:
                    taken = list(islice(self._items, 1))
                if not taken:
                    break
                work(taken[0])
                del taken
        except BaseException as error:  # noqa: BLE001 (the caller raises it)
            self.stopped = True
            self.errors.append(error)
        self._busy.discard(me)
        try:
            self._leaving.pop()
        except IndexError:
            self.left.release()

    def wait(self) -> None:
        """Wait until no thread works on an item, even if that is interrupted."""
        try:
            self._sleep()
        except BaseException:
            self.wait()
            raise

    def _sleep(self) -> None:
        while self._busy:
            time.sleep(_BLINK)


_workers = Workers()


def run_all(work: Callable[[T], Any], items: Iterable[T], workers: int) -> None:
    """Call `work` for each of `items`, on up to `workers` threads; see :meth:`Workers.run`.

    The calling thread only waits, so that codecs see that they run in a worker and leave
    their own threads off.
    """
    _workers.run(work, items, workers)


_here = local()


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
