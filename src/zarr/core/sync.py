"""Coroutines called from code that is not asynchronous, as code for the 3.x library does it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import TYPE_CHECKING, Any, TypeVar

from zarr.storage import event_loop

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

__all__ = ["SyncError", "SyncMixin", "collect_aiterator", "sync"]

T = TypeVar("T")


class SyncError(RuntimeError):
    """A coroutine cannot be waited for, because the event loop that waits would have to run it."""


def sync(
    coro: Awaitable[T], loop: AbstractEventLoop | None = None, timeout: float | None = None
) -> T:
    """Return what a coroutine returns.

    Parameters
    ----------
    coro : awaitable
        The coroutine.
    loop : asyncio.AbstractEventLoop, optional
        The event loop, which runs in another thread. That of the stores by default.
    timeout : float, optional
        Seconds to wait for the result. Unlimited by default.

    Returns
    -------
    object
        The result.

    Raises
    ------
    SyncError
        If it is called in the thread that runs the event loop.
    TimeoutError
        If there is no result in time.

    Examples
    --------
    >>> import zarr
    >>> from zarr.core.sync import sync
    >>> store = zarr.MemoryStore()
    >>> sync(store.exists('a'))
    False
    """
    try:
        return event_loop.result_of(coro, loop, timeout)
    except event_loop.WithinLoopError:
        raise SyncError("Calling sync() from within a running loop") from None


async def collect_aiterator(data: AsyncIterator[T]) -> tuple[T, ...]:
    """Return all that an asynchronous iterator yields.

    Parameters
    ----------
    data : AsyncIterator
        The iterator.

    Returns
    -------
    tuple
        The items.
    """
    return tuple(await event_loop.collected(data))


# The name that clients import.
_collect_aiterator = collect_aiterator


class SyncMixin:
    """Methods that wait for coroutines, for classes of the 3.x library."""

    def _sync(self, coroutine: Awaitable[T]) -> T:
        return sync(coroutine)

    def _sync_iter(self, async_iterator: AsyncIterator[T]) -> list[T]:
        async def collect() -> list[T]:
            return [item async for item in async_iterator]

        return sync(collect())


def __getattr__(name: str) -> Any:
    if name == "loop":
        return [event_loop.loop()]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
