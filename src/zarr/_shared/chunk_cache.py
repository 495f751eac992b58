"""Decoded chunks that are kept: for thin slices through thick chunks.

Off by default: the caller says how many bytes an array may keep. All handles on an array
in the process share what is kept and forget what any of them writes; what other processes
write is not noticed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

from zarr._system import RLock
from zarr.sync import Name, Shared

__all__ = ["ChunkCache", "cache_for", "forget_below"]

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
        self._lock = RLock()
        self._chunks: OrderedDict[Hashable, Any] = OrderedDict()
        self._nbytes = 0
        self._version = 0
        self._changing: dict[Hashable, None] = {}

    def __len__(self) -> int:
        return len(self._chunks)

    @property
    def nbytes(self) -> int:
        """Bytes that are kept."""
        return self._nbytes

    def copied(self) -> ChunkCache:
        """Return another cache of the same chunks."""
        copy = ChunkCache()
        with self._lock:
            copy.limit, copy._chunks, copy._nbytes = self.limit, self._chunks.copy(), self._nbytes
        return copy

    def allow(self, limit: int) -> None:
        """Keep up to `limit` bytes, if it was less."""
        with self._lock:
            self.limit = max(self.limit, limit)

    def take(
        self, keys: Sequence[Hashable], names: Sequence[Hashable]
    ) -> tuple[dict[Hashable, Any], dict[Hashable, Hashable], int]:
        """Return the chunks known among those of `names`, and what is not known.

        Parameters
        ----------
        keys : sequence
            What the caller calls the chunks.
        names : sequence
            What they are called here.

        Returns
        -------
        found : dict
            Chunks by key. A chunk that is known to be absent is in neither dict.
        unknown : dict
            Names by key.
        version : int
            For :meth:`keep`.
        """
        with self._lock:
            return *self._take(keys, names), self._version

    def _take(self, keys: Sequence[Any], names: Sequence[Hashable]) -> tuple[Any, Any]:
        found, unknown = {}, {}
        for key, name in zip(keys, names, strict=True):
            if name not in self._chunks:
                unknown[key] = name
                continue
            self._chunks.move_to_end(name)
            if (chunk := self._chunks[name]) is not None:
                found[key] = chunk
        return found, unknown

    def keep(self, key: Hashable, chunk: Any, version: int) -> None:
        """Keep a chunk, or None for an absent one, unless some were forgotten since `version`.

        What was fetched before then may be what is now to be forgotten.
        """
        with self._lock:
            if version != self._version or key in self._changing:
                return
            self._drop(key)
            self._chunks[key] = chunk
            self._nbytes += _nbytes(chunk)
            if self._nbytes > self.limit:
                self._make_room()

    def _make_room(self) -> None:
        while self._nbytes > self.limit:
            self._drop(next(iter(self._chunks)))

    def forget(self, keys: Iterable[Hashable] | None = None) -> None:
        """Forget the chunks at `keys`, or all."""
        with self._lock:
            self._forget(list(self._chunks) if keys is None else keys)

    def _forget(self, keys: Iterable[Hashable]) -> None:
        self._version += 1
        for key in keys:
            self._drop(key)

    def begin_change(self, keys: Sequence[Hashable]) -> None:
        """Discard the chunks at `keys`, which are about to be written, and cache none of them.

        A write that is interrupted never comes to its end. Its chunks are not kept until the
        next write of them has.
        """
        with self._lock:
            self._changing.update(dict.fromkeys(keys))
            self._forget(keys)

    def end_change(self, keys: Sequence[Hashable]) -> None:
        """Forget the chunks at `keys`, which have been written, and keep them from now on."""
        with self._lock:
            self._forget(keys)
            for key in keys:
                self._changing.pop(key, None)

    def _drop(self, key: Hashable) -> None:
        if key in self._chunks:
            self._nbytes -= _nbytes(self._chunks.pop(key))


def _nbytes(chunk: Any) -> int:
    return _ABSENT_NBYTES if chunk is None else int(chunk.nbytes)


_caches = Shared(ChunkCache)


def cache_for(name: Name, limit: int) -> ChunkCache:
    """Return the cache of the array whose chunks are below the address `name`."""
    cache = _caches.of(name)
    cache.allow(limit)
    return cache


def forget_below(name: Name) -> None:
    """Forget the chunks of all arrays at the address `name` and below it."""
    space, path = name
    for (where, there), cache in _caches.all():
        if where == space and (not path or f"{there}/".startswith(f"{path}/")):
            cache.forget()
