"""Locks between threads and between processes.

A write of a part of a chunk reads the chunk, changes it and writes it back; without a
lock, two such writes can lose one of their updates. Between the threads of a process the
engine always takes :class:`ChunkLocks`. Between processes it takes the locks of the
*synchronizer* that the caller passes.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock, RLock
from types import TracebackType
from typing import Any, Protocol
from weakref import WeakValueDictionary

import fasteners

__all__ = ["ChunkLocks", "ProcessSynchronizer", "Synchronizer", "ThreadSynchronizer", "locks_for"]


class Synchronizer(Protocol):
    """Anything that gives a context manager for a key: inside it, nobody else is."""

    def __getitem__(self, item: str) -> Any: ...


class ThreadSynchronizer:
    """Locks between threads, one per key.

    Kept for code that passes one: threads exclude each other without it, too.

    Examples
    --------
    >>> import zarr
    >>> z = zarr.zeros(10, synchronizer=zarr.ThreadSynchronizer())
    """

    def __init__(self) -> None:
        self._guard = Lock()
        self._locks: dict[str, Any] = {}

    def __getitem__(self, item: str) -> Any:
        with self._guard:
            return self._locks.setdefault(item, RLock())

    def __getstate__(self) -> bool:
        return True

    def __setstate__(self, state: bool) -> None:
        ThreadSynchronizer.__init__(self)


class ProcessSynchronizer:
    """Locks between processes, one file per key, through the `fasteners` package.

    Processes that run the 2.x library take the same locks on the same files.

    Parameters
    ----------
    path : str or path-like
        A directory that all processes share, on a file system with file locks. It must
        not be the directory of the array itself.

    Examples
    --------
    >>> import zarr
    >>> synchronizer = zarr.ProcessSynchronizer('data/example.sync')
    >>> z = zarr.open_array('data/example', mode='w', shape=(100, 100), chunks=(10, 10),
    ...                     synchronizer=synchronizer)
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)

    def __getitem__(self, item: str) -> _FileLock:
        return _FileLock(os.path.join(self.path, item))


class _FileLock:
    """A lock file, and a lock between this process's threads, for which it is void."""

    def __init__(self, path: str) -> None:
        real = os.path.realpath(path)
        self._threads = locks_for("lock file", real)
        self._file = fasteners.InterProcessLock(path)

    def __enter__(self) -> _FileLock:
        self._threads.whole.acquire()
        try:
            self._file.acquire()
        except BaseException:
            self._threads.whole.release()
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._file.release()
        finally:
            self._threads.whole.release()


class ChunkLocks:
    """The locks of one array's chunks between threads: a fixed number, shared by hash.

    Attributes
    ----------
    whole : Lock
        For what concerns the array as one: its document, its attributes.
    """

    STRIPES = 64

    def __init__(self) -> None:
        self.whole = Lock()
        self._stripes = [Lock() for _ in range(self.STRIPES)]

    @contextmanager
    def holding(self, keys: Iterable[str]) -> Iterator[None]:
        """Hold the locks of all `keys`, taken in an order that cannot deadlock."""
        wanted = sorted({hash(key) % self.STRIPES for key in keys})
        held = []
        try:
            for number in wanted:
                self._stripes[number].acquire()
                held.append(number)
            yield
        finally:
            for number in held:
                self._stripes[number].release()


_all_locks: WeakValueDictionary[Hashable, ChunkLocks] = WeakValueDictionary()
_all_locks_guard = Lock()


def locks_for(location: Hashable, path: str) -> ChunkLocks:
    """Return the locks of the node at `path` in the store at `location`.

    All handles on one node get the same object.
    """
    with _all_locks_guard:
        locks = _all_locks.get((location, path))
        if locks is None:
            locks = _all_locks[location, path] = ChunkLocks()
        return locks


def _forget_locks() -> None:
    # A child process must not inherit locks that threads of its parent hold.
    global _all_locks_guard
    _all_locks_guard = Lock()
    for locks in list(_all_locks.values()):
        ChunkLocks.__init__(locks)


os.register_at_fork(after_in_child=_forget_locks)


@contextmanager
def holding(
    locks: ChunkLocks, synchronizer: Synchronizer | None, keys: Iterable[str]
) -> Iterator[None]:
    """Hold the locks of chunk `keys` between threads and, given a synchronizer, processes."""
    keys = sorted(keys)
    with locks.holding(keys), ExitStack() as stack:
        if synchronizer is not None:
            for key in keys:
                stack.enter_context(synchronizer[key])
        yield
