"""A store in an LMDB database."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import weakref
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from threading import get_ident, local
from typing import Any, ClassVar, TypeVar

import numpy as np

from zarr._system import RLock, allocate, at_fork
from zarr.errors import ReadOnlyError, StoreError, StoreKeyError
from zarr.storage.base import (
    BaseStore,
    Buffer,
    ByteRange,
    Outcome,
    Separator,
    StoreTransaction,
    as_view,
    check_key,
    take_range,
)
from zarr.storage.lmdb_file import find_damage
from zarr.storage.lmdb_keys import (
    KEYS_AT_A_TIME,
    LONGEST_KEY,
    children,
    delete_folder,
    delete_keys,
    keys_below,
    next_keys,
    next_sizes,
)
from zarr.storage.lmdb_writer import LMDBTransaction, TransactionThread

__all__ = ["LMDBStore"]

T = TypeVar("T")

_MAP_SIZE = 1 << 40 if sys.maxsize > 1 << 32 else 1 << 30
"""Address space, not memory: the file grows as it is written."""

_WORTH_MAPPING = 32 << 10
"""Values below this many bytes are copied, which is faster than to lend them."""

_MOST_LOANS = 64
_LEAST_FREE = 1 << 20


class _Loan:
    """Keeps a read transaction, and so the values read in it, until the last one is released."""

    __slots__ = ("__weakref__", "environment", "pid", "transaction")

    def __init__(self, environment: _Environment, transaction: Any) -> None:
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

    loan: _Loan


def _any_big(pairs: Iterable[tuple[memoryview, memoryview]]) -> bool:
    return any(len(value) >= _WORTH_MAPPING for _, value in pairs)


def _lent(value: memoryview, loan: _Loan | None) -> Buffer:
    """Return `value` such that it outlives its transaction: on loan, or else copied."""
    if loan is None or len(value) < _WORTH_MAPPING:
        return bytes(value)
    array = np.frombuffer(value, np.uint8).view(_MappedValue)
    array.loan = loan
    return memoryview(array)  # type: ignore[arg-type]  # of 3.11, which has no __buffer__


# A database can be open only once in a process: all stores in it share one environment.
_environments: dict[tuple[int, int], _Environment] = {}

# Held for short, by those who open and close; it may be asked for with a turn in hand, but
# not the other way round.
_registry = RLock()

# LMDB forbids to use, or even to close, in a child process what its parent has open.
_inherited: list[Any] = []


class _Environment:
    """A database that is open in this process.

    Its users are not counted but looked up, and each holds a lock while it uses it: an exception
    at any moment leaves neither a wrong number nor a lock.
    """

    def __init__(self, path: str, options: dict[str, Any]) -> None:
        # LMDB calls its lock file after the path, and processes that came by a link must share it.
        self.path = os.path.realpath(path)
        self.options = options
        self.stores: dict[int, weakref.ref[LMDBStore]] = {}
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
            self._unregister()

    def _unregister(self) -> None:
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

_opening: list[_Environment] = []


def _attach(store: LMDBStore, options: dict[str, Any]) -> None:
    """Attach `store` to its database, which is opened if it is not open yet."""
    with _registry:
        for environment in [*_environments.values(), *_opening]:
            environment.close_if_unused()  # what an interrupt has left open
        _opening.clear()
        wanted = _Environment(store.path, options)
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


class LMDBStore(BaseStore):
    """A store in an LMDB database.

    Requires the package ``lmdb``: ``pip install 'zarr[lmdb]'``.

    Parameters
    ----------
    path : str or path-like
        The database file. A lock file with the suffix ``-lock`` is created next to it.
    buffers : bool, default True
        Whether large values are views of the memory map of the database instead of copies. A view
        stays valid and unchanged; until it is released, the space of values that are replaced or
        deleted is not reused.
    dimension_separator : {'.', '/'}, optional
        Separator between the chunk indices in a chunk key, for arrays created in this store.
    **kwargs
        Options of `lmdb.open`. Unlike there, by default the database can grow to a terabyte, is one
        file, and is not flushed to the disk after every write.

    Raises
    ------
    ImportError
        If the package ``lmdb`` is missing.
    StoreError
        If the file is not a database, or the disk or the map is full.

    Notes
    -----
    Safe to use from several threads and processes; not on a network file system. All values of one
    call are stored in one transaction. Keys have at most 511 bytes. After :meth:`flush` or
    :meth:`close`, changes survive a power failure.

    Examples
    --------
    >>> import zarr
    >>> store = zarr.LMDBStore('data/array.mdb')
    >>> z = zarr.zeros((10, 10), chunks=(5, 5), store=store, overwrite=True)
    >>> z[...] = 42
    >>> sorted(store)
    ['.zarray', '0.0', '0.1', '1.0', '1.1']
    >>> store.close()  # when you are done
    """

    partial_reads: ClassVar[bool] = True
    atomic_folders: ClassVar[bool] = True
    has_transactions: ClassVar[bool] = True

    def __init__(
        self,
        path: str | os.PathLike[str],
        buffers: bool = True,
        dimension_separator: Separator | None = None,
        **kwargs: Any,
    ) -> None:
        try:
            import lmdb  # noqa: F401  (to say at once if it is missing)
        except ImportError as error:
            raise ImportError(
                "LMDBStore needs the package lmdb: pip install 'zarr[lmdb]'"
            ) from error
        self.path = os.path.abspath(os.fspath(path))
        self.buffers = buffers
        self.kwargs = kwargs
        self._dimension_separator = dimension_separator
        options = {
            "map_size": _MAP_SIZE,
            "subdir": False,
            "readonly": False,
            "sync": False,
            "metasync": False,
            "readahead": False,
            "meminit": False,
            "mode": 0o644,
            "max_readers": 1024,
            "max_spare_txns": 16,
            **kwargs,
        }
        if options["readonly"]:
            self._mode = "r"
        self._attached: _Environment | None = None
        _attach(self, options)
        data_file = os.path.join(self.path, "data.mdb") if options["subdir"] else self.path
        self._location = os.path.realpath(data_file)

    # -- transactions --------------------------------------------------------------

    @property
    def location(self) -> Hashable:
        return self._location

    @property
    def db(self) -> Any:
        """The `lmdb.Environment` in use. Other stores in this process may share it."""
        return self._environment().opened()

    def _environment(self) -> _Environment:
        if self._attached is None:
            raise StoreError(f"the LMDB database {self.path!r} is closed")
        return self._attached

    def is_attached_to(self, environment: _Environment) -> bool:
        """Return whether the store is open in an environment.

        Parameters
        ----------
        environment : object
            A database that is open in this process.

        Returns
        -------
        bool
            Whether the store uses it now.
        """
        return self._attached is environment

    # All context managers here are written in C: an interrupt at any moment ends the
    # transaction, and gives the turn back.

    def _read(self, work: Callable[[Any], T], *, buffers: bool = True) -> T:
        """Return what `work` does with a transaction that reads."""
        import lmdb

        environment = self._environment()
        try:
            with environment.turn(), environment.transaction(buffers=buffers) as transaction:
                return work(transaction)
        except lmdb.Error as error:
            raise environment.failure(error) from error

    def _write(self, work: Callable[[Any], T]) -> T:
        """Return what `work` does with a transaction, which becomes valid as a whole."""
        import lmdb

        environment = self._environment()
        self.check_writeable()
        try:
            with environment.turn(), environment.transaction(write=True) as transaction:
                return work(transaction)
        except lmdb.Error as error:
            raise environment.failure(error) from error

    def begin(
        self, *, fsync: bool = True, timeout: float = 30.0, read_only: bool = False
    ) -> StoreTransaction:
        if not read_only:
            self.check_writeable()
        flush = self.flush if fsync and not read_only else None
        thread = TransactionThread(self._environment(), write=not read_only)
        try:
            thread.start(timeout)
            return LMDBTransaction(thread, _LMDBStaging(self, thread, read_only), flush)
        except BaseException:
            thread.end()  # or as soon as it has begun
            raise

    def recover(self, timeout: float = 30.0) -> Outcome:
        self._environment()  # LMDB has nothing to recover: what is not committed is not reachable
        return "clean"

    def flush(self) -> None:
        """Write all changes to the disk."""
        self._sync(self._environment())

    def _sync(self, environment: _Environment) -> None:
        import lmdb

        if environment.options["readonly"]:
            return
        try:
            with environment.turn():
                environment.opened().sync(True)
        except lmdb.Error as error:
            raise environment.failure(error) from error

    def close(self) -> None:
        """Flush and close the database; values read from it stay valid."""
        environment = self._attached
        if environment is None:
            return
        try:
            if os.path.exists(environment.data_file):
                self._sync(environment)
        finally:
            self._attached = None
            environment.close_if_unused()

    def __del__(self) -> None:
        if getattr(self, "_attached", None) is not None:
            self.close()

    # -- reading -------------------------------------------------------------------

    def __getitem__(self, key: str) -> Buffer:
        found = LMDBStore.getitems(self, [check_key(key)])
        if not found:
            raise KeyError(key)
        return found[key]

    def getitems(self, keys: Sequence[str], *, contexts: Any = None) -> dict[str, Buffer]:
        import lmdb

        wanted = {key.encode(): key for key in keys if key}
        environment = self._environment()
        loan = transaction = None
        try:
            with environment.turn():
                try:
                    transaction = environment.transaction(buffers=True)
                    pairs = transaction.cursor().getmulti(list(wanted))
                    if self.buffers and len(environment.loans) < _MOST_LOANS and _any_big(pairs):
                        loan = _Loan(environment, transaction)
                    return {wanted[bytes(key)]: _lent(value, loan) for key, value in pairs}
                finally:
                    if loan is None and transaction is not None:
                        transaction.abort()
        except lmdb.Error as error:
            raise environment.failure(error) from error

    def get_partial_values(self, ranges: Sequence[tuple[str, ByteRange]]) -> list[Buffer | None]:
        def read(transaction: Any) -> list[Buffer | None]:
            values = [transaction.get(key.encode()) if key else None for key, _ in ranges]
            return [
                None if value is None else take_range(value, byte_range)
                for value, (_, byte_range) in zip(values, ranges, strict=True)
            ]

        return self._read(read)

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, str) or not key:
            return False
        name = key.encode()
        return self._read(lambda transaction: transaction.get(name) is not None)

    def __len__(self) -> int:
        return self._read(lambda transaction: transaction.stat()["entries"])  # type: ignore[no-any-return]

    # -- writing -------------------------------------------------------------------

    def _encoded(self, key: str) -> bytes:
        name = check_key(key).encode()
        if len(name) > LONGEST_KEY:
            raise StoreKeyError(
                f"key {key[:40]!r}... has {len(name)} bytes; LMDB takes at most {LONGEST_KEY}"
            )
        return name

    def __setitem__(self, key: str, value: Buffer) -> None:
        LMDBStore.setitems(self, {key: value})

    def setitems(self, items: Mapping[str, Buffer]) -> None:
        pairs = [
            (self._encoded(key), value if type(value) is bytes else as_view(value))
            for key, value in items.items()
        ]
        self._write(lambda transaction: transaction.cursor().putmulti(pairs))

    def __delitem__(self, key: str) -> None:
        name = check_key(key).encode()
        if not self._write(lambda transaction: delete_keys(transaction, [name])):
            raise KeyError(key)

    def delitems(self, keys: Iterable[str]) -> None:
        names = [key.encode() for key in keys]
        self._write(lambda transaction: delete_keys(transaction, names))

    # -- listing -------------------------------------------------------------------

    def __iter__(self) -> Iterator[str]:
        return self.list_prefix()

    def list_prefix(self, path: str = "") -> Iterator[str]:
        # In portions, so that no transaction stays open during the iteration.
        prefix = start = f"{path}/".encode() if path else b""
        while True:
            names = self._read(partial(next_keys, prefix, start), buffers=False)
            yield from (name.decode() for name in names)
            if len(names) < KEYS_AT_A_TIME:
                return
            start = names[-1] + b"\0"

    def list_sizes(self, path: str = "") -> Iterator[tuple[str, int]]:
        prefix = start = f"{path}/".encode() if path else b""
        while True:
            found = self._read(partial(next_sizes, prefix, start))
            yield from ((name.decode(), size) for name, size in found)
            if len(found) < KEYS_AT_A_TIME:
                return
            start = found[-1][0] + b"\0"

    def listdir(self, path: str = "") -> list[str]:
        prefix = f"{path}/".encode() if path else b""
        names = self._read(lambda transaction: {name for name, _ in children(transaction, prefix)})
        return sorted({name.removesuffix(b"/").decode() for name in names})

    def rmdir(self, path: str = "") -> None:
        prefix = f"{path}/".encode() if path else b""
        self._write(partial(delete_folder, prefix))

    def rename(self, src_path: str, dst_path: str) -> None:
        if src_path == dst_path:
            return
        source, target = check_key(src_path).encode(), check_key(dst_path).encode()
        prefix = source + b"/"

        def move(transaction: Any) -> None:
            for name in [*keys_below(transaction, prefix, prefix), source]:
                value = transaction.pop(name)
                if value is not None:
                    transaction.put(self._encoded((target + name[len(source) :]).decode()), value)

        self._write(move)

    def getsize(self, path: str = "") -> int:
        prefix = f"{path}/".encode() if path else b""

        def measure(transaction: Any) -> int:
            value = transaction.get(path.encode()) if path else None
            if value is not None:
                return len(value)
            return sum(size for _, size in children(transaction, prefix))

        return self._read(measure)

    # -- as an object --------------------------------------------------------------

    def __reduce__(self) -> Any:
        arguments = (self.path, self.buffers, self._dimension_separator)
        return partial(type(self), *arguments, **self.kwargs), ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.path!r}>"


class _LMDBStaging(LMDBStore):
    """The store in a transaction: all that it does is in that one."""

    def __init__(self, store: LMDBStore, thread: TransactionThread, read_only: bool) -> None:
        self.__dict__.update(store.__dict__)
        self._counted_as = store
        self._mode = "r" if read_only else store._mode
        self._location = f"transaction {id(thread)} on {store._location}"
        self._thread = thread

    def _read(self, work: Callable[[Any], T], *, buffers: bool = True) -> T:
        import lmdb

        try:
            return self._thread.run(work)
        except lmdb.Error as error:
            raise self._environment().failure(error) from error

    def _write(self, work: Callable[[Any], T]) -> T:
        self.check_writeable()
        return self._read(work)

    def getitems(self, keys: Sequence[str], *, contexts: Any = None) -> dict[str, Buffer]:
        wanted = {key.encode(): key for key in keys if key}

        def read(transaction: Any) -> dict[str, Buffer]:
            pairs = transaction.cursor().getmulti(list(wanted))
            return {wanted[bytes(key)]: bytes(value) for key, value in pairs}

        return self._read(read)

    def __getitem__(self, key: str) -> Buffer:
        found = self.getitems([check_key(key)])
        if not found:
            raise KeyError(key)
        return found[key]

    def flush(self) -> None:
        """Do nothing: what is not committed need not be on the disk."""

    def close(self) -> None:
        """Do nothing: the transaction is ended by who has begun it."""

    def __del__(self) -> None:
        """Do nothing: the transaction ends with its thread."""
