"""LMDB databases that are open in this process, each once, and what keeps them open."""

from __future__ import annotations

import errno
import os
import shutil
import weakref
from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import RLock, get_ident, local
from typing import Any, Protocol

import numpy as np

from zarr._system import allocate, at_fork
from zarr.errors import ReadOnlyError, StoreError
from zarr.storage.base import Buffer
from zarr.storage.lmdb_file import find_damage

__all__ = ["Environment", "Loan", "any_big", "attach", "lent"]

_WORTH_MAPPING = 32 << 10
"""Values below this many bytes are copied, which is faster than to lend them."""

_LEAST_FREE = 1 << 20


class Attachable(Protocol):
    """A store that uses an environment."""

    path: str
    _attached: Environment | None

    def is_attached_to(self, environment: Environment) -> bool:
        """Return whether the store needs `environment`."""


class Loan:
    """Keeps a read transaction, and so the values read in it, until the last one is released."""

    __slots__ = ("__weakref__", "environment", "pid", "transaction")

    def __init__(self, environment: Environment, transaction: Any) -> None:
        self.environment = environment
        self.transaction = transaction
        self.pid = os.getpid()
        environment.loans[id(self)] = weakref.ref(self)

    def __del__(self) -> None:
        if self.pid != os.getpid():
            _inherited.append(self.transaction)
            return
        self.transaction.abort()
        self.environment.loans.pop(id(self), None)
        self.environment.close_if_unused()


class _MappedValue(np.ndarray[Any, np.dtype[np.uint8]]):
    """A value in the map of the database, which brings along what keeps it there."""

    loan: Loan


def any_big(pairs: Iterable[tuple[memoryview, memoryview]]) -> bool:
    """Return whether a value is so large that lending it is faster than copying."""
    return any(len(value) >= _WORTH_MAPPING for _, value in pairs)


def lent(value: memoryview, loan: Loan | None) -> Buffer:
    """Return `value` such that it outlives its transaction: on loan, or else copied."""
    if loan is None or len(value) < _WORTH_MAPPING:
        return bytes(value)
    array = np.frombuffer(value, np.uint8).view(_MappedValue)
    array.loan = loan
    return memoryview(array)  # type: ignore[arg-type]  # of 3.11, which has no __buffer__


# A database can be open only once in a process: all stores in it share one environment.
_environments: dict[tuple[int, int], Environment] = {}

# Held for short, by those who open and close; it may be asked for with a turn in hand, but
# not the other way round.
_registry = RLock()

# LMDB forbids to use, or even to close, in a child process what its parent has open.
_inherited: list[Any] = []


class Environment:
    """A database that is open in this process.

    Its users are not counted but looked up, and each holds a lock while it uses it: an exception
    at any moment leaves neither a wrong number nor a lock.
    """

    def __init__(self, path: str, options: dict[str, Any]) -> None:
        self.path = path
        self.options = options
        self.stores: dict[int, weakref.ref[Attachable]] = {}
        self.loans: dict[int, weakref.ref[Any]] = {}
        self._turns: dict[int, Any] = {}
        self._environment: Any = None
        self._was_checked = False

    @property
    def data_file(self) -> str:
        return os.path.join(self.path, "data.mdb") if self.options["subdir"] else self.path

    def identity(self) -> tuple[int, int] | None:
        """Return what tells the file from all others, or None if it does not exist."""
        try:
            status = os.stat(self.data_file)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise StoreError(error.errno, error.strerror, self.data_file) from error
        return status.st_dev, status.st_ino

    # -- using it --------------------------------------------------------------------

    def turn(self) -> Any:
        """Return the lock to hold, in this thread, while using the database."""
        try:
            return self._turns[get_ident()]
        except KeyError:
            with _registry:
                return self._turns.setdefault(get_ident(), RLock())

    def turns_of_others(self) -> list[Any]:
        """Return the locks of the other threads, always in the same order."""
        return [turn for ident, turn in list(self._turns.items()) if ident != get_ident()]

    def transaction(self, *, write: bool = False, buffers: bool = False) -> Any:
        """Return a new transaction. Called by a thread that has its turn."""
        import lmdb

        opened = self._environment or self.opened()
        try:
            return opened.begin(write=write, buffers=buffers)
        except lmdb.ReadersFullError:
            opened.reader_check()  # frees the places of processes that were killed
            return opened.begin(write=write, buffers=buffers)

    def opened(self) -> Any:
        """Return the environment of the package lmdb."""
        with _registry:
            if self._environment is None:
                self._open()
            return self._environment

    def _open(self) -> None:
        import lmdb

        try:
            damage = find_damage(self.data_file, read_trees=not self._was_checked)
        except OSError as error:
            raise StoreError(error.errno, error.strerror, self.data_file) from error
        if damage is not None:
            raise StoreError(f"the LMDB database {self.path!r} cannot be opened: {damage}")
        self._make_lock_file()
        try:
            # Not by way of a variable, which the traceback of an interrupt would keep.
            self._environment = lmdb.open(self.path, **self.options)
        except lmdb.Error as error:
            raise self.failure(error) from error
        self._was_checked = True

    def _make_lock_file(self) -> None:
        # LMDB maps this file: if the disk had no room for its bytes, to touch them would
        # kill the process.
        lock_file = os.path.join(self.path, "lock.mdb")
        if not self.options["subdir"]:
            lock_file = f"{self.path}-lock"
        if self.options["readonly"] or os.path.exists(lock_file):
            return
        try:
            file = open(lock_file, "xb", buffering=0, opener=_open_private)  # noqa: SIM115  (closed below)
        except OSError:  # there is one by now, or LMDB will say what is wrong
            return
        with file:
            try:
                allocate(file.fileno(), 64 * (self.options["max_readers"] + 4))
            except OSError as error:
                os.unlink(lock_file)
                reason = f"cannot make the lock file of an LMDB database: {error.strerror}"
                raise StoreError(error.errno, reason, lock_file) from error

    # -- closing it ------------------------------------------------------------------

    def has_loans(self) -> bool:
        """Return whether a value in the map is still in use."""
        return any([loan() is not None for loan in list(self.loans.values())])

    def is_needed(self) -> bool:
        """Return whether a store or a value needs the database."""
        stores = [store() for store in list(self.stores.values())]
        return self.has_loans() or any(
            store is not None and store.is_attached_to(self) for store in stores
        )

    def close_if_unused(self) -> None:
        """Close the database if no store and no value needs it, and no thread is at work."""
        with _registry:
            if self.is_needed() or not all(map(_is_free, self.turns_of_others())):
                return
            self.close()
            for identity, environment in list(_environments.items()):
                if environment is self:
                    del _environments[identity]

    def close(self) -> None:
        """Close the database; the next use opens it again."""
        if self._environment is not None:
            self._environment.close()
            self._environment = None

    def leave_behind(self) -> None:
        """Forget, in a child process, what is open in the parent."""
        if self._environment is not None:
            _inherited.append(self._environment)
            _inherited.extend(loan() for loan in self.loans.values())
            self._environment = None
        self.loans = {}
        self._turns = {}

    def failure(self, error: Exception) -> StoreError | ReadOnlyError:
        """Return the exception to raise for `error`."""
        import lmdb

        what = f"the LMDB database {self.path!r}"
        if isinstance(error, lmdb.MapFullError):
            size = self.options["map_size"]
            reason = f"the LMDB database is full: it may grow to map_size={size} bytes"
            return StoreError(errno.ENOSPC, reason, self.path)
        if isinstance(error, lmdb.ReadonlyError):
            return ReadOnlyError(f"{what} is open read-only")
        if "already open in this process" in str(error):
            return StoreError(
                f"{what} is already open in this process, by something else than an LMDBStore, or "
                "because values read from it were in use when this process was forked; for forks "
                "read with buffers=False"
            )
        with suppress(OSError):
            if shutil.disk_usage(os.path.dirname(self.path)).free < _LEAST_FREE:
                reason = f"the disk of the LMDB database is full ({error})"
                return StoreError(errno.ENOSPC, reason, self.path)
        return StoreError(f"{what} failed: {error}")


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o644)


def _is_free(turn: Any) -> bool:
    """Return whether no thread has `turn`."""
    is_free = False
    try:
        is_free = bool(turn.acquire(blocking=False))
    finally:
        try:
            turn.release()
        except RuntimeError:  # it was not acquired
            pass
    return is_free


# -- forks -----------------------------------------------------------------------------

# What is closed cannot be inherited: the other threads end their transactions, and both
# processes open the databases again when they need them.


class _Fork(local):
    """What the thread that forks holds, or is about to: all turns, and the registry."""

    def __init__(self) -> None:
        self.held: list[Any] = []

    def hold(self, lock: Any) -> None:
        self.held.append(lock)
        lock.acquire()

    def release(self) -> None:
        while self.held:
            try:
                self.held[-1].release()
            except RuntimeError:  # an interrupt came before it was acquired
                pass
            self.held.pop()


_fork = _Fork()


def _all_turns() -> list[Any]:
    return [turn for each in list(_environments.values()) for turn in each.turns_of_others()]


def _before_fork() -> None:
    while True:
        _fork.release()
        for turn in _all_turns():
            _fork.hold(turn)
        _fork.hold(_registry)
        if set(map(id, _all_turns())) <= set(map(id, _fork.held)):
            break  # no thread has begun to use a database meanwhile
    for environment in list(_environments.values()):
        if not environment.has_loans():
            environment.close()


def _after_fork_in_child() -> None:
    global _registry
    _registry = RLock()
    _fork.held.clear()
    for environment in list(_environments.values()):
        environment.leave_behind()


def _to_the_end(step: Callable[[], None]) -> Callable[[], None]:
    """Return a hook that begins `step` again when an interrupt has stopped it.

    Python drops what a hook raises, and forks all the same.
    """

    def hook() -> None:
        interrupt: BaseException | None = None
        for _ in range(3):
            try:
                step()
                break
            except BaseException as error:  # noqa: BLE001  (raised below)
                interrupt = error
        if interrupt is not None:
            raise interrupt

    return hook


at_fork(
    before=_to_the_end(_before_fork),
    after_in_parent=_to_the_end(_fork.release),
    after_in_child=_to_the_end(_after_fork_in_child),
)


# -- opening ---------------------------------------------------------------------------

_opening: list[Environment] = []


def attach(store: Attachable, options: dict[str, Any]) -> None:
    """Attach `store` to its database, which is opened if it is not open yet."""
    with _registry:
        for environment in [*_environments.values(), *_opening]:
            environment.close_if_unused()  # what an interrupt has left open
        _opening.clear()
        wanted = Environment(store.path, options)
        identity = wanted.identity()
        known = _environments.get(identity) if identity is not None else None
        if known is None:
            known = wanted
            _opening.append(wanted)
            wanted.opened()
            identity = wanted.identity()
            if identity is None:
                raise StoreError(
                    f"the LMDB database {store.path!r} was deleted while it was opened"
                )
            _environments[identity] = wanted
        elif known.options["readonly"] and not options["readonly"]:
            raise StoreError(
                f"the LMDB database {store.path!r} is open read-only in this process; "
                "close it first"
            )
        store._attached = known
        known.stores[id(store)] = weakref.ref(store)
