"""The few settings of the package: one typed record, seeded from the environment.

Each field can be set before import by an environment variable ``ZARR_<FIELD>``, for a
process by :func:`set`, or for a block by using the result of :func:`set` as a context
manager.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from types import TracebackType
from typing import Any

__all__ = ["Config", "get", "set"]


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of the engine.

    Attributes
    ----------
    workers : int
        Threads that fetch and decode chunks, the calling thread included. One means
        that everything happens in the calling thread.
    window_bytes : int
        Bytes of decoded data that one worker handles between two calls to the store.
    thread_bytes : int
        A selection below this many bytes of chunks is never worth a second thread.
    cache_bytes : int
        Most bytes of decoded chunks that each array opened from now on keeps in memory.
    allow_pickle : bool
        Whether chunks written with the ``pickle`` codec may be decoded. Decoding a
        pickle runs code that the data brings along.
    """

    workers: int = 0
    window_bytes: int = 8 << 20
    thread_bytes: int = 1 << 20
    cache_bytes: int = 0
    allow_pickle: bool = False


def _from_environment(environ: Mapping[str, str]) -> Config:
    given: dict[str, Any] = {}
    for field in fields(Config):
        text = environ.get(f"ZARR_{field.name.upper()}", "").strip()
        if not text:
            continue
        if isinstance(field.default, bool):
            given[field.name] = text.lower() in ("1", "true", "yes")
        else:
            given[field.name] = int(text)
    config = Config(**given)
    if config.workers < 1:
        config = replace(config, workers=min(32, len(os.sched_getaffinity(0))))
    return config


current = _from_environment(os.environ)


def get() -> Config:
    """Return the settings in force."""
    return current


class set:
    """Change settings now, and, when used in a ``with`` statement, restore them at its end.

    Parameters
    ----------
    **changes
        Fields of :class:`Config` and their new values.

    Examples
    --------
    >>> import zarr
    >>> with zarr.config.set(workers=1):
    ...     zarr.config.get().workers
    1
    """

    def __init__(self, **changes: Any) -> None:
        global current
        self._before = current
        current = replace(current, **changes)

    def __enter__(self) -> Config:
        return current

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        global current
        current = self._before
