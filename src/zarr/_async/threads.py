"""The threads in which arrays and groups are called, and the values that come from there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from importlib import import_module
from typing import Any, TypeVar

from zarr.core import Array
from zarr.hierarchy import Group
from zarr.storage.event_loop import in_thread

__all__ = ["as_asynchronous", "as_synchronous", "in_thread", "iterated"]

T = TypeVar("T")


def as_asynchronous(value: Any) -> Any:
    """Return an array or group with coroutines; other values as they are."""
    if isinstance(value, Array):
        return import_module("zarr._async.array").AsyncArray._of(value)
    if isinstance(value, Group):
        return import_module("zarr._async.group").AsyncGroup._of(value)
    return value


def as_synchronous(value: Any) -> Any:
    """Return an array or group without coroutines; other values as they are."""
    kind = type(value)
    if kind.__module__.startswith("zarr._async."):
        return value._array if hasattr(value, "_array") else value._group
    return value


async def iterated(make: Callable[[], Iterator[T]]) -> AsyncIterator[T]:
    """Yield what an iterator yields that is used up in a thread."""
    for item in await in_thread(lambda: list(make())):
        yield item
