"""What stores on other machines share: errors that name the key, and requests side by side."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from typing import Any, TypeVar

from zarr._shared.threads import Workers
from zarr.errors import StoreError

__all__ = [
    "DENIED", "age_of", "cut_into", "failure", "map_requests", "pauses", "request_apart", "require",
]  # fmt: skip

T = TypeVar("T")
R = TypeVar("R")

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
_SHOWN = 500


DENIED = (
    "; if this place denies what is absent, pass exceptions=(KeyError, FileNotFoundError, "
    "PermissionError) to read denied chunks as fill values"
)
"""What to say of a key that may not be read."""


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
    verb: str,
    what: str,
    place: object,
    cause: object,
    kind: type[StoreError] = StoreError,
    hint: str = "",
) -> StoreError:
    """Return the error that says that `verb` failed on the key or path `what` of `place`.

    Parameters
    ----------
    hint : str
        What to do about it.
    """
    # Some drivers put whole values, or pages of HTML, into what they say.
    said = f"{type(cause).__name__}: {cause}" if isinstance(cause, BaseException) else str(cause)
    said = said if len(said) <= _SHOWN else f"{said[:_SHOWN]}..."
    return kind(f"could not {verb} {what!r} in {place}: {said}{hint}")


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


_requests = Workers()
_single_requests = Workers()


def age_of(moment: Any) -> float | None:
    """Return the seconds since `moment`, None if it is not known.

    Parameters
    ----------
    moment : datetime.datetime, float, str or None
        What a driver says of when a value was stored: a time, of UTC if it has no zone; seconds
        since 1970; or text in the form of ISO 8601. The clock is that of the server.
    """
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment)
        except ValueError:
            return None
    if isinstance(moment, datetime):
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return time.time() - moment if isinstance(moment, (int, float)) else None


def map_requests(request: Callable[[T], R], items: Sequence[T], width: int) -> list[R]:
    """Return ``[request(item) for item in items]``, with up to `width` under way at a time.

    The threads mostly wait for the network, and are shared by all stores of the process: calls
    from several threads have `width` of them together.
    The first exception stops requests that have not begun, and is raised when none is
    under way any more.
    """
    answers: list[Any] = [None] * len(items)

    def ask(at: int) -> None:
        answers[at] = request(items[at])

    _requests.run(ask, range(len(items)), min(width, len(items)), width)
    return answers


def request_apart(request: Callable[..., R], *args: Any, **kwargs: Any) -> R:
    """Return ``request(*args, **kwargs)``, called on a thread that no interrupt reaches.

    Drivers keep locks and connections that an exception at any moment would leave locked or
    with half an answer in them. An interrupt of the caller is raised when the request has
    ended.
    """
    call = partial(request, *args, **kwargs)
    return call() if _requests.is_worker() else _single_requests.call(call)
