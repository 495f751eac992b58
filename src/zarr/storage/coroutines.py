"""Coroutines for threads that wait for them, and that may be interrupted while they wait."""

from __future__ import annotations

import asyncio
import atexit
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from threading import Lock
from types import FrameType
from typing import Any, Generic, TypeVar

__all__ = ["WithinLoopError", "run_in", "to_its_end"]

T = TypeVar("T")


class WithinLoopError(RuntimeError):
    """The event loop that a coroutine needs is the one that would have to wait for it."""


def run_in(loop: asyncio.AbstractEventLoop, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Return what a coroutine returns that runs in `loop`, which another thread runs.

    If an exception comes to the waiting thread, such as `KeyboardInterrupt`, the coroutine is
    cancelled, and the exception is raised on when nothing of the coroutine runs any more.

    Raises
    ------
    WithinLoopError
        If the calling thread is the one that runs `loop`, which would wait for itself.
    """
    if _is_running_here(loop):
        raise WithinLoopError("this store was called from within the event loop that it needs")
    call = _Call(loop, make)
    try:
        loop.call_soon_threadsafe(call.start)
        call.ended.acquire()
    except BaseException:
        call.stop()
        raise
    return call.result()


async def to_its_end(request: Awaitable[T], give_up: Callable[[], bool] = lambda: False) -> T:
    """Return what `request` returns. If the caller is cancelled, it is waited for all the same.

    A server may carry out what it was sent after the client has left, and overwrite what others
    have written meanwhile. So what changes a store is not cancelled.

    Parameters
    ----------
    request : awaitable
        Runs to its end.
    give_up : callable, optional
        Called when the caller is cancelled; true if `request` has not begun, and never will.
    """
    task = asyncio.ensure_future(request)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not give_up():
            while not task.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([task])
            if not task.cancelled():
                task.exception()  # or else asyncio would complain that nobody has seen it
        raise
    finally:
        del task, request  # what an exception in them holds is this frame


def _is_running_here(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


class _Call(Generic[T]):
    """One coroutine. Its end is signalled by a lock, whose methods no exception can interrupt."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, make: Callable[[], Coroutine[Any, Any, T]]
    ) -> None:
        self._loop = loop
        self._make = make
        self._task: asyncio.Task[None] | None = None
        self._values: list[T] = []
        self._error: BaseException | None = None
        self._cancelled = False
        self.ended = Lock()
        self.ended.acquire()

    # -- in the thread of the loop ---------------------------------------------------

    def start(self) -> None:
        self._task = self._loop.create_task(self._run())
        self._task.add_done_callback(self._tell_end)

    async def _run(self) -> None:
        try:
            self._values.append(await self._make())
        except BaseException as error:  # noqa: BLE001 (it is raised in the thread that waits)
            self._error = error

    def _tell_end(self, _: object = None) -> None:
        if self.ended.locked():
            self.ended.release()

    def _cancel(self) -> None:
        # It has not begun and never will; or it has ended, and the exception came when the
        # waiting thread was already told.
        if self._task is None or self._task.done():
            self._tell_end()
        else:
            self._task.cancel()

    # -- in the thread that waits ----------------------------------------------------

    def stop(self) -> None:
        """Cancel the coroutine, and wait until it has ended, whatever else comes meanwhile."""
        while True:
            try:
                if not self._cancelled:
                    self._loop.call_soon_threadsafe(self._cancel)
                    self._cancelled = True
                self.ended.acquire()
                return
            except BaseException:  # noqa: BLE001, S112 (the first one is raised in the end)
                continue

    def result(self) -> T:
        if self._error is not None:
            raise self._error
        return self._values[0]


# -- at exit -------------------------------------------------------------------------------

_SECONDS_AT_EXIT = 2.0
"""How long the interpreter waits, before it ends, for threads that hand over results."""


@atexit.register
def _let_go() -> None:
    """Wait until the threads of stores have handed over their results.

    The result is here before the thread that brought it has the interpreter again, to drop what it
    refers to. If the interpreter were taken down meanwhile, the thread (of icechunk or obstore, in
    Python 3.12 and 3.13) would take the process down with it.
    """
    until = time.monotonic() + _SECONDS_AT_EXIT
    while _are_results_handed_over() and time.monotonic() < until:
        time.sleep(0.001)  # which lets them have the interpreter


def _are_results_handed_over() -> bool:
    """Tell whether a thread is within a call of `call_soon_threadsafe` of any event loop."""
    handing = asyncio.BaseEventLoop.call_soon_threadsafe.__code__
    for innermost in sys._current_frames().values():
        frame: FrameType | None = innermost
        while frame is not None:
            if frame.f_code is handing:
                return True
            frame = frame.f_back
    return False
