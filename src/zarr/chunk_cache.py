"""Decoded chunks that are kept: for thin slices through thick chunks.

Off by default: the caller says how many bytes an array may keep. All handles on an array
in the process share what is kept and forget what any of them writes; what other processes
write is not noticed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Sequence
from threading import Lock
from typing import Any

from zarr.sync import Shared

__all__ = ["ChunkCache", "cache_for", "forget_below", "forget_chunks"]

_ABSENT_NBYTES = 128
"""What it costs to remember that a chunk does not exist."""


class ChunkCache:
    """The chunks of one array that were used last, decoded; for several threads.

    Attributes
    ----------
    limit : int
        Most bytes to keep.
    """

    def __init__(self) -> None:
        self.limit = 0
        self._renew()

    def _renew(self) -> None:
        self._lock = Lock()
        self._chunks: OrderedDict[Hashable, Any] = OrderedDict()
        self._nbytes = 0
        self._version = 0

    def __len__(self) -> int:
        return len(self._chunks)

    @property
    def nbytes(self) -> int:
        """Bytes that are kept."""
        return self._nbytes

    def allow(self, limit: int) -> None:
        """Keep up to `limit` bytes, if it was less."""
        with self._lock:
            self.limit = max(self.limit, limit)

    def take(self, keys: Sequence[Hashable]) -> tuple[dict[Hashable, Any], list[Hashable], int]:
        """Return the chunks known among `keys`, the keys not known, and the version of all.

        A chunk that is known to be absent is in neither.
        """
        found, unknown = {}, []
        with self._lock:
            for key in keys:
                if key not in self._chunks:
                    unknown.append(key)
                    continue
                self._chunks.move_to_end(key)
                if (chunk := self._chunks[key]) is not None:
                    found[key] = chunk
            return found, unknown, self._version

    def keep(self, key: Hashable, chunk: Any, version: int) -> None:
        """Keep a chunk, or None for an absent one, unless some were forgotten since `version`.

        What was fetched before then may be what is now to be forgotten.
        """
        with self._lock:
            if version != self._version:
                return
            self._drop(key)
            self._chunks[key] = chunk
            self._nbytes += _nbytes(chunk)
            while self._nbytes > self.limit:
                self._drop(next(iter(self._chunks)))

    def forget(self, keys: Iterable[Hashable] | None = None) -> None:
        """Forget the chunks at `keys`, or all."""
        with self._lock:
            self._version += 1
            for key in list(self._chunks) if keys is None else keys:
                self._drop(key)

    def _drop(self, key: Hashable) -> None:
        if key in self._chunks:
            self._nbytes -= _nbytes(self._chunks.pop(key))


def _nbytes(chunk: Any) -> int:
    return _ABSENT_NBYTES if chunk is None else int(chunk.nbytes)


_caches = Shared(ChunkCache)


def cache_for(location: Hashable, prefix: str, limit: int) -> ChunkCache:
    """Return the cache of the array with chunks below `prefix` in the store at `location`."""
    cache = _caches.of(location, prefix)
    cache.allow(limit)
    return cache


def forget_chunks(location: Hashable, prefix: str, keys: Iterable[Hashable] | None = None) -> None:
    """Forget the chunks at `keys`, or all, of the array with chunks below `prefix`."""
    if (cache := _caches.known(location, prefix)) is not None:
        cache.forget(keys)


def forget_below(location: Hashable, path: str) -> None:
    """Forget the chunks of all arrays at `path` and below it."""
    for (where, prefix), cache in _caches.all():
        if where == location and (not path or f"{prefix}/".startswith(f"{path}/")):
            cache.forget()
