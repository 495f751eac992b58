"""Locks between threads and between processes.

A write of a part of a chunk reads the chunk, changes it and writes it back; without a
lock, two such writes can lose one of their updates. Between the threads of a process the
locks of :class:`KeyLocks` are always taken. Between processes those of the *synchronizer*
are, if the caller passes one.

A lock is held by a call, and only until that call has ended, however it ends: with a
result, an exception, an interrupt from the keyboard at any moment, or the death of its
thread. So what is done under locks is passed to :meth:`KeyLocks.hold` as a function.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from contextvars import Context, ContextVar, copy_context
from functools import partial
from operator import attrgetter, methodcaller
from threading import Lock, get_ident
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar
from weakref import WeakValueDictionary

import fasteners

from zarr._system import (
    TEMPORARY,
    BriefLock,
    RLock,
    absolute_path,
    at_fork,
    path_of_real_name,
    real_name,
)

__all__ = [
    "KeyLocks",
    "Name",
    "ProcessSynchronizer",
    "Shared",
    "Synchronizer",
    "ThreadSynchronizer",
    "renew_after_fork",
]

R = TypeVar("R")
Name = tuple[Hashable, str]
"""What a lock is called: where the data are, and the path there."""


class Synchronizer(Protocol):
    """Protocol: ``synchronizer[key]`` is a context manager that holds the lock of that key.

    Any object with this method can be passed as `synchronizer`.
    """

    def __getitem__(self, item: str) -> Any: ...


# -- forks -----------------------------------------------------------------------------


class Renewable(Protocol):
    """An object with locks that would stay locked in a forked child."""

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
    _held.clear()
    for owner in list(_renewed.values()):
        owner._renew()


at_fork(after_in_child=_renew_all)

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
        self._members: WeakValueDictionary[Name, T] = WeakValueDictionary()
        renew_after_fork(self)

    def _renew(self) -> None:
        self._guard = RLock()
        for member in list(self._members.values()):
            member._renew()

    def of(self, name: Name) -> T:
        """Return what the handles on the thing with this name share."""
        with self._guard:
            found = self._members.get(name)
            if found is None:
                found = self._members[name] = self._new()
            return found

    def all(self) -> list[tuple[Name, T]]:
        """Return all that is shared, with its name."""
        with self._guard:
            return list(self._members.items())


# -- locks between threads ---------------------------------------------------------------

_PATIENCE = 0.05
"""Seconds after which a waiting thread looks whether the holder has been interrupted."""


class _Holder:
    """A call that holds locks.

    No code needs to record that it has ended, which an interrupt could prevent: it
    runs in a context of its own, which the interpreter itself leaves at the end of the
    call, and which can be entered by one thread at a time only. Whoever enters it later has
    proof that the call is over, and may free what it left behind.
    """

    __slots__ = ("context", "ended", "names", "thread")

    def __init__(self, names: Sequence[Name], context: Context | None) -> None:
        self.names = names
        self.context = context
        self.thread = get_ident()
        self.ended = Lock()
        self.ended.acquire()


# Only atomic operations change it, so that it needs no guard that could be left locked.
_held: dict[Name, _Holder] = {}

_enclosing: ContextVar[tuple[_Holder, ...]] = ContextVar("enclosing", default=())
"""The holders in whose calls the running code is."""


def _hold(
    names: Sequence[Name], work: Callable[[], R], paths: Mapping[Name, str] | None = None
) -> R:
    """Return ``work()``, called while no other caller holds one of `names`.

    Names are taken in their order, which must be the same for all that take several. A thread
    never waits for itself.

    Parameters
    ----------
    paths : Mapping, optional
        Files to lock besides, by the names that exclude other threads from them.
    """
    context = copy_context()
    return context.run(_run, _Holder(names, context), work, paths)


def _run(holder: _Holder, work: Callable[[], R], paths: Mapping[Name, str] | None) -> R:
    _enclosing.set((*_enclosing.get(), holder))
    try:
        _take(holder)
        if paths:
            return _with_files(holder, paths, work)
        return work()
    finally:
        _free(holder)
        holder.ended.release()
        _enclosing.set(())  # or context and holder would stay until garbage is collected


def _with_files(holder: _Holder, paths: Mapping[Name, str], work: Callable[[], R]) -> R:
    own = [path for name, path in paths.items() if _held.get(name) is holder]
    locks = [fasteners.InterProcessLock(path) for path in own]
    # One call, of functions written in C only, and made beforehand: no interrupt comes between
    # the end of the work and the end of that call.
    release: Callable[[], object] = partial(
        deque, map(_close, filter(None, map(_lock_file, locks))), 0
    )
    try:
        for lock in locks:
            lock.acquire()
        return work()
    finally:
        release()


_lock_file = attrgetter("lockfile")
_close = methodcaller("close")


def _take(holder: _Holder) -> None:
    for name in holder.names:
        while (other := _held.setdefault(name, holder)) is not holder:
            if other.thread != holder.thread:
                _wait_for(other)
            elif other.context is None or other in _enclosing.get():
                break
            else:
                _bury(other)


def _free(holder: _Holder) -> None:
    for name in holder.names:
        if _held.get(name) is holder:
            del _held[name]


def _wait_for(other: _Holder) -> None:
    if other.ended.acquire(timeout=_PATIENCE):
        other.ended.release()  # for the next thread that waits
    else:
        _bury(other)


def _bury(other: _Holder) -> None:
    """Free the locks of a call, if it has ended without doing so."""
    if other.context is not None:
        try:
            other.context.run(_free, other)
        except RuntimeError:
            pass  # it is entered: the call goes on, or another thread does the same


class KeyLocks:
    """The locks of the keys below a folder of a store.

    They are named by where the data really are, however the store was opened.

    Parameters
    ----------
    store : BaseStore
    folder : str
        All keys that are ever locked begin with it.
    synchronizer : Synchronizer, optional
        Locks between processes.
    beside : bool
        Whether to exclude other processes also without one, where the keys are local files: by
        files next to them. Only for what is changed in a moment, one key at a time.
    """

    __slots__ = ("_beside", "_head", "_skip", "_space", "_synchronizer")

    def __init__(
        self,
        store: Any,
        folder: str,
        synchronizer: Synchronizer | None = None,
        *,
        beside: bool = False,
    ) -> None:
        self._space, path = store.address(folder)
        self._beside = beside and self._space == "file"
        self._head = f"{path}/" if path else ""
        self._skip = len(folder) + 1 if folder else 0
        self._synchronizer = synchronizer
        if isinstance(synchronizer, ProcessSynchronizer) and self._space == "file":
            synchronizer.check_apart(path)

    def hold(self, keys: Collection[str], work: Callable[[], R]) -> R:
        """Return ``work()``, called while no other caller holds the lock of one of `keys`."""
        space, head, skip = self._space, self._head, self._skip
        names = [(space, head + key[skip:]) for key in sorted(keys)]
        if self._beside:
            (name,) = (key[skip:].replace("/", ".") for key in keys)
            path = path_of_real_name(f"{head}{TEMPORARY}lock_{name}")
            work = partial(_with_file_beside, path, work)
        if self._synchronizer is None:
            return _hold(names, work)
        locks = [self._synchronizer[key] for key in sorted(keys)]
        if isinstance(self._synchronizer, ProcessSynchronizer):
            locks += map(self._synchronizer.at_address, names)
        if all(isinstance(lock, _KeyLock) for lock in locks):
            names += [lock.name for lock in locks]
            return _hold(names, work, {lock.name: lock.path for lock in locks if lock.path})
        return _hold(names, lambda: _inside_all(locks, work))


def _with_file_beside(path: str, work: Callable[[], R]) -> R:
    lock = BriefLock(path)
    try:
        # Without the folder, permission to change it, or a file system with locks, go on: what
        # else is wrong there is for `work` to tell.
        with suppress(OSError):
            lock.acquire()
        return work()
    finally:
        try:
            lock.release()
        except BaseException:
            lock.release()  # the rest of it, if an interrupt came in the middle
            raise


def _inside_all(locks: Iterable[Any], work: Callable[[], R]) -> R:
    with ExitStack() as stack:
        for lock in locks:
            stack.enter_context(lock)
        return work()


# -- synchronizers -------------------------------------------------------------------------


class _KeyLock:
    """The lock of one key of a synchronizer, which its users can hold themselves.

    Parameters
    ----------
    name : Name
        What it is called between threads.
    path : str, optional
        The file that is locked between processes.
    """

    def __init__(self, name: Name, path: str | None = None) -> None:
        self.name = name
        self.path = path
        self._entered: list[tuple[_Holder, Any]] = []

    def __enter__(self) -> Self:
        holder = _Holder([self.name], None)
        file = None
        try:
            _take(holder)
            if self.path is not None and _held.get(self.name) is holder:
                file = fasteners.InterProcessLock(self.path)
                file.acquire()
        except BaseException:
            _leave(holder, file)
            raise
        self._entered.append((holder, file))
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    def acquire(self) -> bool:
        """Wait for the lock and take it, as often as the thread that has it wants."""
        self.__enter__()
        return True

    def release(self) -> None:
        """Give the lock back."""
        _leave(*self._entered.pop())


def _leave(holder: _Holder, file: Any) -> None:
    try:
        if file is not None and file.lockfile is not None:
            file.lockfile.close()
    finally:
        _free(holder)
        holder.ended.release()


class ThreadSynchronizer:
    """Locks between threads, one per key.

    For compatibility with the 2.x library: threads exclude each other without it, too.

    Examples
    --------
    >>> import zarr
    >>> z = zarr.zeros(10, synchronizer=zarr.ThreadSynchronizer())
    """

    def __init__(self) -> None:
        self._locks: dict[str, _KeyLock] = {}

    def __getitem__(self, item: str) -> Any:
        return self._locks.setdefault(item, _KeyLock((id(self), item)))

    def __getstate__(self) -> bool:
        return True

    def __setstate__(self, state: bool) -> None:
        ThreadSynchronizer.__init__(self)


class ProcessSynchronizer:
    """Locks between processes, one file per key, through the package ``fasteners``.

    Processes that run the 2.x library use the same locks on the same files.

    Parameters
    ----------
    path : str or path-like
        A directory that all processes share, on a file system with file locks. It must differ from
        the directory of the array or group.

    Examples
    --------
    >>> import zarr
    >>> synchronizer = zarr.ProcessSynchronizer('data/example.sync')
    >>> z = zarr.open_array('data/example', mode='w', shape=(100, 100), chunks=(10, 10),
    ...                     synchronizer=synchronizer)
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = absolute_path(path)

    def __getitem__(self, item: str) -> Any:
        path = os.path.join(self.path, item)
        return self._lock(path)

    def check_apart(self, folder: str) -> None:
        """Raise an error if lock files would become values of a local store.

        Parameters
        ----------
        folder : str
            The directory of an array or group.

        Raises
        ------
        ValueError
            If the lock files are in that directory.
        """
        if real_name(self.path) == folder:
            raise ValueError(
                f"the directory of a ProcessSynchronizer, {self.path!r}, must not be that of the "
                "array or group: lock files would be taken for chunks"
            )

    def at_address(self, name: Name) -> _KeyLock:
        """Return the lock of an address, for processes that use other keys for the same data.

        The 2.x library has locks by key only, so both are acquired.

        Parameters
        ----------
        name : tuple
            Namespace and path in it, see :meth:`zarr.storage.BaseStore.address`.

        Returns
        -------
        context manager
            The lock.
        """
        digest = hashlib.blake2b(repr(name).encode(), digest_size=16).hexdigest()
        return self._lock(os.path.join(self.path, ".addresses", digest[:2], digest[2:]))

    def _lock(self, path: str) -> _KeyLock:
        # Files are not locked against other threads of the process that has locked them.
        return _KeyLock(("lock file", os.path.realpath(path)), path)
