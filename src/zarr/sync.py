"""Locks between threads and between processes.

A write of a part of a chunk reads the chunk, changes it and writes it back; without a
lock, two such writes can lose one of their updates. Between the threads of a process the
engine always takes :class:`ChunkLocks`. Between processes it takes the locks of the
*synchronizer* that the caller passes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from threading import Condition, Lock, RLock
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar
from weakref import WeakValueDictionary

import fasteners

__all__ = [
    "ChunkLocks",
    "DocumentLock",
    "ProcessSynchronizer",
    "Shared",
    "Synchronizer",
    "ThreadSynchronizer",
    "holding",
    "holding_document",
    "lock_for",
    "locks_for",
    "renew_after_fork",
]


class Synchronizer(Protocol):
    """Anything that gives a context manager for a key: inside it, nobody else is."""

    def __getitem__(self, item: str) -> Any: ...


class Renewable(Protocol):
    """What has locks, which nobody would free in a forked child."""

    def _renew(self) -> None: ...


_renewed: WeakValueDictionary[int, Renewable] = WeakValueDictionary()


def renew_after_fork(owner: Renewable) -> None:
    """Call ``owner._renew()`` now and in every forked child, as long as `owner` lives.

    In a child there are no threads that would release the locks they held in the parent,
    or finish what they had begun to change. `_renew` puts new locks in place of its own,
    and forgets what may be half done.
    """
    owner._renew()
    _renewed[id(owner)] = owner


def _renew_all() -> None:
    for owner in list(_renewed.values()):
        owner._renew()


os.register_at_fork(after_in_child=_renew_all)

T = TypeVar("T", bound=Renewable)


class Shared(Generic[T]):
    """What all handles on the same thing share, by the name of the thing, while one lives.

    Renewed in every forked child, with all that is shared.

    Parameters
    ----------
    new : callable
        Makes what is to be shared by the handles on one thing.
    """

    def __init__(self, new: Callable[[], T]) -> None:
        self._new = new
        self._members: WeakValueDictionary[tuple[Hashable, str], T] = WeakValueDictionary()
        renew_after_fork(self)

    def _renew(self) -> None:
        self._guard = Lock()
        for member in list(self._members.values()):
            member._renew()

    def of(self, location: Hashable, key: str) -> T:
        """Return what the handles on what is at `key` in the store at `location` share."""
        with self._guard:
            found = self._members.get((location, key))
            if found is None:
                found = self._members[location, key] = self._new()
            return found

    def known(self, location: Hashable, key: str) -> T | None:
        """Return the same, or None if there are no handles that share it."""
        return self._members.get((location, key))

    def all(self) -> list[tuple[tuple[Hashable, str], T]]:
        """Return all that is shared, with its location and key."""
        with self._guard:
            return list(self._members.items())


class ThreadSynchronizer:
    """Locks between threads, one per key.

    Kept for code that passes one: threads exclude each other without it, too.

    Examples
    --------
    >>> import zarr
    >>> z = zarr.zeros(10, synchronizer=zarr.ThreadSynchronizer())
    """

    def __init__(self) -> None:
        renew_after_fork(self)

    def _renew(self) -> None:
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
        self._threads = lock_for("lock file", os.path.realpath(path))
        self._file = fasteners.InterProcessLock(path)

    def __enter__(self) -> Self:
        self._threads.acquire()
        try:
            self._file.acquire()
        except BaseException:
            self._threads.release()
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
            self._threads.release()


class ChunkLocks:
    """The locks of one array's chunks between threads: the keys that are held."""

    def __init__(self) -> None:
        self._renew()

    def _renew(self) -> None:
        self.guard = Lock()
        self.freed = Condition(self.guard)
        self.waiting = 0
        self.held: set[str] = set()

    def of(self, keys: Collection[str]) -> AbstractContextManager[None]:
        """Return the locks of all `keys`, for which nobody waits who wants none of them."""
        return _HeldKeys(self, keys)


class _HeldKeys:
    """The locks of some keys, as one."""

    __slots__ = ("_keys", "_locks")

    def __init__(self, locks: ChunkLocks, keys: Collection[str]) -> None:
        self._locks = locks
        self._keys = keys

    def __enter__(self) -> None:
        locks = self._locks
        with locks.guard:
            if locks.held.isdisjoint(self._keys):
                locks.held.update(self._keys)
            else:
                self._wait(locks)

    def __exit__(self, *_: object) -> None:
        with self._locks.guard:
            self._free(self._locks, self._keys)

    def _wait(self, locks: ChunkLocks) -> None:
        # In an order that all have in common, or two could wait for each other; one by one,
        # or others could be faster again and again.
        mine: list[str] = []
        locks.waiting += 1
        try:
            for key in sorted(self._keys):
                while key in locks.held:
                    locks.freed.wait()
                locks.held.add(key)
                mine.append(key)
        except BaseException:
            self._free(locks, mine)
            raise
        finally:
            locks.waiting -= 1

    @staticmethod
    def _free(locks: ChunkLocks, keys: Iterable[str]) -> None:
        locks.held.difference_update(keys)
        if locks.waiting:
            locks.freed.notify_all()


class DocumentLock:
    """A lock between threads that is free again in a forked child.

    A lock of Python's cannot be freed there: while the thread that gets it has not yet run
    on, the lock is taken and denies it.
    """

    def __init__(self) -> None:
        self._renew()

    def _renew(self) -> None:
        self._lock = Lock()

    def acquire(self) -> None:
        self._lock.acquire()

    def release(self) -> None:
        self._lock.release()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


_chunk_locks = Shared(ChunkLocks)
_document_locks = Shared(DocumentLock)


def locks_for(location: Hashable, prefix: str) -> ChunkLocks:
    """Return the locks of the chunks below `prefix` in the store at `location`.

    All handles on one array get the same object.
    """
    return _chunk_locks.of(location, prefix)


def lock_for(location: Hashable, key: str) -> DocumentLock:
    """Return the lock of the document at `key` in the store at `location`."""
    return _document_locks.of(location, key)


def holding(
    locks: ChunkLocks, synchronizer: Synchronizer | None, keys: Collection[str]
) -> AbstractContextManager[Any]:
    """Hold the locks of chunk `keys` between threads and, given a synchronizer, processes."""
    return _holding(locks.of(keys), synchronizer, keys)


def holding_document(
    lock: DocumentLock, synchronizer: Synchronizer | None, key: str
) -> AbstractContextManager[Any]:
    """Hold the lock of the document at `key` between threads and, perhaps, processes."""
    return _holding(lock, synchronizer, (key,))


def _holding(
    threads: AbstractContextManager[Any], synchronizer: Synchronizer | None, keys: Iterable[str]
) -> AbstractContextManager[Any]:
    # Every write comes here: what the locks of threads cost alone is all it shall cost.
    return threads if synchronizer is None else _holding_both(threads, synchronizer, keys)


@contextmanager
def _holding_both(
    threads: AbstractContextManager[Any], synchronizer: Synchronizer, keys: Iterable[str]
) -> Iterator[None]:
    with threads, ExitStack() as stack:
        for key in sorted(keys):
            stack.enter_context(synchronizer[key])
        yield
