"""A store in an LMDB database."""

from __future__ import annotations

import errno
import itertools
import os
import sys
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from threading import Condition
from typing import Any, ClassVar

import numpy as np

from zarr.errors import ReadOnlyError, StoreError, StoreKeyError
from zarr.storage.base import (
    BaseStore,
    Buffer,
    ByteRange,
    Separator,
    as_view,
    check_key,
    take_range,
)

__all__ = ["LMDBStore"]

_MAP_SIZE = 1 << 40 if sys.maxsize > 1 << 32 else 1 << 30
"""Address space, not memory: the file grows as it is written."""

_WORTH_MAPPING = 32 << 10
"""Values below this many bytes are copied, which is faster than to lend them."""

_LONGEST_KEY = 511
_MOST_LOANS = 64
_KEYS_AT_A_TIME = 10_000
_LEAST_FREE = 1 << 20


class _Loan:
    """Keeps a read transaction, and so the values read in it, as long as somebody has one."""

    __slots__ = ("environment", "number", "pid", "transaction")

    def __init__(self, environment: _Environment, transaction: Any) -> None:
        self.environment = environment
        self.transaction = transaction
        self.pid = os.getpid()
        self.number = next(_numbers)
        environment.loans[self.number] = None

    def __del__(self) -> None:
        if self.pid != os.getpid():
            _inherited.append(self.transaction)
            return
        self.transaction.abort()
        self.environment.loans.pop(self.number, None)
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
    return memoryview(array)  # type: ignore[arg-type]  # of 3.11, which knows no __buffer__


def _begin(environment: Any, *, write: bool = False, buffers: bool = False) -> Any:
    import lmdb

    try:
        return environment.begin(write=write, buffers=buffers)
    except lmdb.ReadersFullError:
        environment.reader_check()  # frees the places of processes that were killed
        return environment.begin(write=write, buffers=buffers)


def _children(transaction: Any, prefix: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield the names behind `prefix` and the sizes of their values; folders end with ``/``.

    One seek per child, however much lies below it.
    """
    cursor = transaction.cursor()
    found = cursor.set_range(prefix) if prefix else cursor.first()
    while found:
        key = bytes(cursor.key())
        if not key.startswith(prefix):
            return
        name, slash, _ = key[len(prefix) :].partition(b"/")
        if slash:
            yield name + slash, 0
            found = cursor.set_range(prefix + name + b"0")  # "0" follows "/"
        else:
            yield name, len(cursor.value())
            found = cursor.next()


def _below(transaction: Any, prefix: bytes, start: bytes) -> Iterator[bytes]:
    """Yield the keys from `start` on that begin with `prefix`."""
    cursor = transaction.cursor()
    if cursor.set_range(start) if start else cursor.first():
        for key in cursor.iternext(values=False):
            if not key.startswith(prefix):
                return
            yield key


# A database can be open only once in a process: all stores in it share one environment.
_environments: dict[tuple[int, int], _Environment] = {}
_changed = Condition()
_forking = False
_numbers = itertools.count()

# LMDB forbids to use, or even to close, in a child process what its parent has open.
_inherited: list[Any] = []


class _Environment:
    """A database that is open in this process."""

    def __init__(self, path: str, options: dict[str, Any]) -> None:
        self.path = path
        self.options = options
        self.stores = 0
        self.loans: dict[int, None] = {}
        self.users: dict[int, None] = {}
        self._environment: Any = None

    @property
    def data_file(self) -> str:
        return os.path.join(self.path, "data.mdb") if self.options["subdir"] else self.path

    def identity(self) -> tuple[int, int] | None:
        """Return what tells the file from all others, or None if it does not exist."""
        try:
            status = os.stat(self.data_file)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return status.st_dev, status.st_ino

    def _opened(self) -> Any:
        if self._environment is None:
            import lmdb

            self._make_lock_file()
            try:
                self._environment = lmdb.open(self.path, **self.options)
            except lmdb.Error as error:
                raise self.failure(error) from error
        return self._environment

    def _make_lock_file(self) -> None:
        # LMDB maps this file: if the disk had no room for its bytes, to touch them would
        # kill the process.
        lock_file = os.path.join(self.path, "lock.mdb")
        if not self.options["subdir"]:
            lock_file = f"{self.path}-lock"
        if self.options["readonly"]:
            return
        try:
            descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        except OSError:  # there is one, or LMDB will say what is wrong
            return
        try:
            os.posix_fallocate(descriptor, 0, 64 * (self.options["max_readers"] + 4))
        except OSError as error:
            os.unlink(lock_file)
            reason = f"cannot make the lock file of an LMDB database: {error.strerror}"
            raise StoreError(error.errno, reason, lock_file) from error
        finally:
            os.close(descriptor)

    @contextmanager
    def in_use(self) -> Iterator[Any]:
        """Give the LMDB environment, which stays open within the block."""
        number = next(_numbers)
        with _changed:
            while _forking:
                _changed.wait()
            environment = self._opened()
            self.users[number] = None
        try:
            yield environment
        finally:
            with _changed:
                del self.users[number]
                _changed.notify_all()

    def close_if_unused(self) -> None:
        """Close the database if no store and no value needs it."""
        with _changed:
            if not (self.stores or self.loans or self.users):
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
            self._environment = None
        self.loans = {}
        self.users = {}

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
            status = os.statvfs(os.path.dirname(self.path))
            if status.f_bavail * status.f_frsize < _LEAST_FREE:
                reason = f"the disk of the LMDB database is full ({error})"
                return StoreError(errno.ENOSPC, reason, self.path)
        return StoreError(f"{what} failed: {error}")


def _before_fork() -> None:
    # What is closed cannot be inherited; both processes open it again when they need it.
    global _forking
    _changed.acquire()
    _forking = True
    for environment in list(_environments.values()):
        while environment.users:
            _changed.wait()
        if not environment.loans:
            environment.close()


def _after_fork_in_parent() -> None:
    global _forking
    _forking = False
    _changed.notify_all()
    _changed.release()


def _after_fork_in_child() -> None:
    global _changed, _forking
    _changed, _forking = Condition(), False
    for environment in _environments.values():
        environment.leave_behind()


os.register_at_fork(
    before=_before_fork,
    after_in_parent=_after_fork_in_parent,
    after_in_child=_after_fork_in_child,
)


def _attach(path: str, options: dict[str, Any]) -> _Environment:
    """Return the environment of the database at `path`, opened if it is not open yet."""
    with _changed:
        wanted = _Environment(path, options)
        identity = wanted.identity()
        environment = _environments.get(identity) if identity is not None else None
        if environment is None:
            with wanted.in_use():
                identity = wanted.identity()
            if identity is None:
                raise StoreError(f"the LMDB database {path!r} has vanished while it was opened")
            environment = _environments[identity] = wanted
        elif environment.options["readonly"] and not options["readonly"]:
            raise StoreError(
                f"the LMDB database {path!r} is open read-only in this process; close it first"
            )
        environment.stores += 1
        return environment


class LMDBStore(BaseStore):
    """A store in an LMDB database. Needs the package `lmdb`.

    Parameters
    ----------
    path : str or path-like
        The database file; a lock file with the suffix ``-lock`` lies beside it.
    buffers : bool, default True
        Whether big values are lent from the memory map of the database, instead of being
        copied. They stay what they are as long as somebody holds them, and until then the
        space of values that are replaced or deleted is not used again.
    dimension_separator : {'.', '/'}, optional
        Separator between the dimensions of a chunk key, for arrays created here.
    **kwargs
        Arguments of `lmdb.open`. In contrast to it, by default the database may grow to
        a terabyte, is one file, and is not flushed to the disk after every write.

    Raises
    ------
    ImportError
        If the package `lmdb` is missing.
    StoreError
        If the file is no database, the disk or the map is full, and so on.

    Notes
    -----
    Safe to use from several threads and processes; not on a network file system. All
    values of one call appear at once. Keys have at most 511 bytes. Call :meth:`flush` or
    :meth:`close` to be sure that what was written survives a loss of power.

    Examples
    --------
    >>> import zarr
    >>> store = zarr.LMDBStore('data/array.mdb')
    >>> z = zarr.zeros((10, 10), chunks=(5, 5), store=store, overwrite=True)
    >>> z[...] = 42
    >>> sorted(store)
    ['.zarray', '0.0', '0.1', '1.0', '1.1']
    >>> store.close()  # don't forget to call this when you're done
    """

    partial_reads: ClassVar[bool] = True

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
        self._attached: _Environment | None = _attach(self.path, options)

    # -- transactions --------------------------------------------------------------

    @property
    def location(self) -> Hashable:
        return os.path.realpath(self.path)

    def _environment(self) -> _Environment:
        if self._attached is None:
            raise StoreError(f"the LMDB database {self.path!r} is closed")
        return self._attached

    @contextmanager
    def _transaction(self, write: bool = False, buffers: bool = False) -> Iterator[Any]:
        """Give a transaction, which becomes valid at the end of the block if it writes."""
        import lmdb

        environment = self._environment()
        if write:
            self.check_writeable()
        with environment.in_use() as opened:
            try:
                with _begin(opened, write=write, buffers=buffers) as transaction:
                    yield transaction
            except lmdb.Error as error:
                raise environment.failure(error) from error

    def flush(self) -> None:
        """Write to the disk what is still on its way there."""
        self._sync(self._environment())

    def _sync(self, environment: _Environment) -> None:
        import lmdb

        if environment.options["readonly"]:
            return
        with environment.in_use() as opened:
            try:
                opened.sync(True)
            except lmdb.Error as error:
                raise environment.failure(error) from error

    def close(self) -> None:
        """Flush and close the database; values read from it stay valid."""
        with _changed:
            environment, self._attached = self._attached, None
            if environment is None:
                return
            environment.stores -= 1
        try:
            if os.path.exists(environment.data_file):
                self._sync(environment)
        finally:
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

    def getitems(self, keys: Sequence[str]) -> dict[str, Buffer]:
        import lmdb

        wanted = {key.encode(): key for key in keys if key}
        environment = self._environment()
        loan = None
        with environment.in_use() as opened:
            try:
                transaction = _begin(opened, buffers=True)
                try:
                    pairs = transaction.cursor().getmulti(list(wanted))
                    if self.buffers and len(environment.loans) < _MOST_LOANS and _any_big(pairs):
                        loan = _Loan(environment, transaction)
                    return {wanted[bytes(key)]: _lent(value, loan) for key, value in pairs}
                finally:
                    if loan is None:
                        transaction.abort()
            except lmdb.Error as error:
                raise environment.failure(error) from error

    def get_partial_values(self, ranges: Sequence[tuple[str, ByteRange]]) -> list[Buffer | None]:
        with self._transaction(buffers=True) as transaction:
            values = [transaction.get(key.encode()) if key else None for key, _ in ranges]
            return [
                None if value is None else take_range(value, byte_range)
                for value, (_, byte_range) in zip(values, ranges, strict=True)
            ]

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, str) or not key:
            return False
        with self._transaction(buffers=True) as transaction:
            return transaction.get(key.encode()) is not None

    def __len__(self) -> int:
        with self._transaction() as transaction:
            return transaction.stat()["entries"]  # type: ignore[no-any-return]

    # -- writing -------------------------------------------------------------------

    def _encoded(self, key: str) -> bytes:
        name = check_key(key).encode()
        if len(name) > _LONGEST_KEY:
            raise StoreKeyError(
                f"key {key[:40]!r}... has {len(name)} bytes; LMDB takes at most {_LONGEST_KEY}"
            )
        return name

    def __setitem__(self, key: str, value: Buffer) -> None:
        LMDBStore.setitems(self, {key: value})

    def setitems(self, items: Mapping[str, Buffer]) -> None:
        pairs = [
            (self._encoded(key), value if type(value) is bytes else as_view(value))
            for key, value in items.items()
        ]
        with self._transaction(write=True) as transaction:
            transaction.cursor().putmulti(pairs)

    def __delitem__(self, key: str) -> None:
        name = check_key(key).encode()
        with self._transaction(write=True) as transaction:
            if len(name) > _LONGEST_KEY or not transaction.delete(name):
                raise KeyError(key)

    def delitems(self, keys: Iterable[str]) -> None:
        names = [key.encode() for key in keys]
        with self._transaction(write=True) as transaction:
            for name in names:
                if 0 < len(name) <= _LONGEST_KEY:
                    transaction.delete(name)

    # -- listing -------------------------------------------------------------------

    def __iter__(self) -> Iterator[str]:
        return self.list_prefix()

    def list_prefix(self, path: str = "") -> Iterator[str]:
        # In portions, so that no transaction stays open while somebody iterates.
        prefix = start = f"{path}/".encode() if path else b""
        while True:
            with self._transaction() as transaction:
                names = list(itertools.islice(_below(transaction, prefix, start), _KEYS_AT_A_TIME))
            yield from (name.decode() for name in names)
            if len(names) < _KEYS_AT_A_TIME:
                return
            start = names[-1] + b"\0"

    def listdir(self, path: str = "") -> list[str]:
        prefix = f"{path}/".encode() if path else b""
        with self._transaction(buffers=True) as transaction:
            names = {name.removesuffix(b"/") for name, _ in _children(transaction, prefix)}
        return sorted(name.decode() for name in names)

    def rmdir(self, path: str = "") -> None:
        prefix = f"{path}/".encode() if path else b""
        with self._transaction(write=True) as transaction:
            if 0 < len(prefix) <= _LONGEST_KEY:
                transaction.delete(prefix[:-1])
            cursor = transaction.cursor()
            found = cursor.set_range(prefix) if prefix else cursor.first()
            while found and cursor.key().startswith(prefix):
                found = cursor.delete() and cursor.key()

    def rename(self, src_path: str, dst_path: str) -> None:
        if src_path == dst_path:
            return
        source, target = check_key(src_path).encode(), check_key(dst_path).encode()
        prefix = source + b"/"
        with self._transaction(write=True) as transaction:
            for name in [*_below(transaction, prefix, prefix), source]:
                value = transaction.pop(name)
                if value is not None:
                    transaction.put(self._encoded((target + name[len(source) :]).decode()), value)

    def getsize(self, path: str = "") -> int:
        with self._transaction(buffers=True) as transaction:
            value = transaction.get(path.encode()) if path else None
            if value is not None:
                return len(value)
            prefix = f"{path}/".encode() if path else b""
            return sum(size for _, size in _children(transaction, prefix))

    # -- as an object --------------------------------------------------------------

    def __reduce__(self) -> Any:
        arguments = (self.path, self.buffers, self._dimension_separator)
        return partial(type(self), *arguments, **self.kwargs), ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.path!r}>"
