"""What stores on other machines share: errors that name the key, and requests side by side."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from importlib import import_module
from threading import Lock
from typing import Any, TypeVar

from zarr.errors import StoreError

__all__ = ["cut_into", "failure", "map_requests", "pauses", "require"]

T = TypeVar("T")
R = TypeVar("R")

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
_SHOWN = 500


def require(module: str, store: str, extra: str, package: str | None = None) -> Any:
    """Import `module`, which `store` needs and the extra `extra` brings.

    Raises
    ------
    ImportError
        If it is not installed, naming the extra.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{store} needs the package {package or module}: pip install 'zarr[{extra}]'"
        ) from error


def failure(
    verb: str, what: str, place: object, cause: object, kind: type[StoreError] = StoreError
) -> StoreError:
    """Return the error that says that `verb` failed on the key or path `what` of `place`."""
    # Some drivers put whole values, or pages of HTML, into what they say.
    said = f"{type(cause).__name__}: {cause}" if isinstance(cause, BaseException) else str(cause)
    said = said if len(said) <= _SHOWN else f"{said[:_SHOWN]}..."
    return kind(f"could not {verb} {what!r} in {place}: {said}")


def pauses(retries: int) -> Iterator[float]:
    """Yield the seconds to wait before each of `retries` further attempts.

    They double each time, less a random part, so that many clients that failed together
    do not come back together.
    """
    for attempt in range(retries):
        yield min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE) * random.uniform(0.5, 1.0)  # noqa: S311 (no secret)


def cut_into(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of up to `size` consecutive items."""
    part: list[T] = []
    for item in items:
        part.append(item)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part


_pools: dict[int, ThreadPoolExecutor] = {}
_guard = Lock()


def map_requests(request: Callable[[T], R], items: Sequence[T], width: int) -> list[R]:
    """Return ``[request(item) for item in items]``, with up to `width` under way at a time.

    The threads mostly wait for the network, and are shared by all stores of the process.
    The first exception stops requests that have not begun, and is raised when none is
    under way any more.
    """
    if len(items) < 2:
        return [request(item) for item in items]
    with _guard:
        pool = _pools.get(width)
        if pool is None:
            pool = _pools[width] = ThreadPoolExecutor(width, thread_name_prefix="zarr-request")
    futures = [pool.submit(request, item) for item in items]
    done, waiting = wait(futures, return_when=FIRST_EXCEPTION)
    if waiting:
        for future in waiting:
            future.cancel()
        wait(waiting)
        raise next(e for future in done if (e := future.exception()) is not None)
    return [future.result() for future in futures]


def _forget_pools() -> None:
    # Threads do not survive a fork; the child starts its own when it needs them.
    global _guard
    _guard = Lock()
    _pools.clear()


os.register_at_fork(after_in_child=_forget_pools)
