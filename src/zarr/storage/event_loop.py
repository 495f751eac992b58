"""The event loop for coroutines of stores, and the threads in which coroutines call other code."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from functools import partial
from threading import Thread
from typing import Any, TypeVar

from zarr._system import RLock
from zarr.storage.coroutines import WithinLoopError, run_in, to_its_end
from zarr.sync import renew_after_fork

__all__ = [
    "WithinLoopError", "collected", "gathered", "in_thread", "is_in_loop", "loop", "result_of",
    "run",
]  # fmt: skip

T = TypeVar("T")
R = TypeVar("R")

_THREADS = 64
"""Threads in which coroutines call functions at a time, at each depth of calls."""


class _Loop:
    """One event loop for the process, in a thread that is started when it is needed."""

    def __init__(self) -> None:
        renew_after_fork(self)

    def _renew(self) -> None:
        # The thread does not survive a fork; a child starts one when it needs it.
        self._guard = RLock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def get(self) -> asyncio.AbstractEventLoop:
        with self._guard:
            if self._loop is None:
                started = asyncio.new_event_loop()
                Thread(target=started.run_forever, name="zarr-io", daemon=True).start()
                self._loop = started
            return self._loop

    def is_current(self) -> bool:
        try:
            return asyncio.get_running_loop() is self._loop
        except RuntimeError:
            return False


_shared = _Loop()


def loop() -> asyncio.AbstractEventLoop:
    """Return the event loop in which the coroutines of stores run, in a thread of its own."""
    return _shared.get()


def is_in_loop() -> bool:
    """Return whether the calling thread runs the event loop for stores."""
    return _shared.is_current()


def run(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Return what the coroutine that `make` returns evaluates to, in the loop for stores.

    Raises
    ------
    WithinLoopError
        If it is called from a coroutine that runs in that loop.
    """
    return run_in(loop(), make)


def result_of(
    awaitable: Awaitable[T], within: asyncio.AbstractEventLoop | None, timeout: float | None
) -> T:
    """Return the result of `awaitable`, in the loop `within` or that for stores.

    Raises
    ------
    WithinLoopError
        If it is called from a coroutine that runs in that loop.
    TimeoutError
        If there is none after `timeout` seconds.
    """

    async def wait() -> T:
        return await asyncio.wait_for(awaitable, timeout)

    try:
        return run_in(within or loop(), wait)
    except WithinLoopError:
        if asyncio.iscoroutine(awaitable):
            awaitable.close()
        raise


async def gathered(request: Callable[[T], Awaitable[R]], items: Iterable[T], limit: int) -> list[R]:
    """Return ``[await request(item) for item in items]``, with up to `limit` at a time.

    The first exception cancels the others, and is raised when none runs any more.
    """
    everything = list(enumerate(items))
    pending = iter(everything)
    answers: dict[int, R] = {}

    async def work() -> None:
        for at, item in pending:
            answers[at] = await request(item)

    workers = [asyncio.ensure_future(work()) for _ in range(min(limit, len(everything)))]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return [answers[at] for at in range(len(answers))]


async def collected(items: AsyncIterator[T]) -> list[T]:
    """Return what an asynchronous iterator yields."""
    return [item async for item in items]


# -- functions in threads ------------------------------------------------------------------


class _Pools:
    """Threads for functions that block, by how deep they are called from each other.

    A function that a coroutine calls in a thread may wait for another coroutine that does the same.
    Threads of one pool could all wait for one that is free.
    """

    def __init__(self) -> None:
        renew_after_fork(self)

    def _renew(self) -> None:
        self._guard = RLock()
        self._pools: dict[int, ThreadPoolExecutor] = {}

    def submit(self, function: Callable[[], T]) -> Future[T]:
        depth = _depth.get()
        with self._guard:
            if depth not in self._pools:
                self._pools[depth] = ThreadPoolExecutor(_THREADS, f"zarr-coroutine-{depth}")
            pool = self._pools[depth]
        context = copy_context()
        context.run(_depth.set, depth + 1)
        return pool.submit(context.run, function)


_depth: ContextVar[int] = ContextVar("depth", default=0)
_pools = _Pools()


async def in_thread(function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Return ``function(*args, **kwargs)``, called in a thread.

    If the coroutine is cancelled, a function that has not begun is never called; for one that has
    begun it waits, so that nothing of it goes on after the coroutine has ended.
    """
    future = _pools.submit(partial(function, *args, **kwargs))
    return await to_its_end(asyncio.wrap_future(future), future.cancel)
