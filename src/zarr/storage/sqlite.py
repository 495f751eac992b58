"""A store in an SQLite database."""

from __future__ import annotations

import errno
import json
import os
import pickle
import sqlite3
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from struct import unpack_from
from typing import Any, ClassVar, NamedTuple, TypeVar
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from zarr._system import RLock
from zarr.errors import ReadOnlyError, StoreError, StoreTimeoutError, TransactionError
from zarr.storage.base import (
    BaseStore,
    Buffer,
    ByteRange,
    Outcome,
    Separator,
    StoreTransaction,
    as_view,
    check_key,
)
from zarr.storage.fork_gate import ForkGate
from zarr.storage.identity import Identity

__all__ = ["SQLiteStore"]

T = TypeVar("T")

_PAGE = 32768
"""Bytes per page of a new database: chunks are bigger than what databases usually hold."""

_KEYS_AT_A_TIME = 10_000

_AFTER_ALL_TEXT = b""
"""Upper bound of all keys: SQLite sorts blobs after text."""

_PUT = "INSERT INTO zarr(k, v) VALUES (?, ?) ON CONFLICT(k) DO UPDATE SET v = excluded.v"

# One seek in the index per child, however much lies below it: after a key comes the next
# key, after a folder the first key behind all of its own ("0" follows "/").
_CHILDREN = """
WITH RECURSIVE hit(k) AS (
    SELECT * FROM (SELECT k FROM zarr WHERE k >= :low AND k < :high ORDER BY k LIMIT 1)
    UNION ALL
    SELECT (
        SELECT z.k FROM zarr AS z
        WHERE z.k >= CASE instr(substr(hit.k, :skip), '/')
            WHEN 0 THEN hit.k || char(1)
            ELSE substr(hit.k, 1, :skip + instr(substr(hit.k, :skip), '/') - 2) || '0'
            END AND z.k < :high
        ORDER BY z.k LIMIT 1
    ) FROM hit WHERE hit.k IS NOT NULL
)
"""
_LIST = _CHILDREN + "SELECT k FROM hit WHERE k IS NOT NULL"
_SIZE = (
    _CHILDREN
    + """
SELECT coalesce(sum(length(v)), 0) FROM zarr
WHERE k IN (SELECT k FROM hit WHERE instr(substr(k, :skip), '/') = 0)
"""
)

# The locks of SQLite itself, which connections share.
_gate = ForkGate()

# SQLite forbids to use, or even to close, in a child process what its parent opened.
_inherited: list[sqlite3.Connection] = []


_in_transaction: dict[int, sqlite3.Connection] = {}
"""Connections in transactions. A child process keeps them, too, so that it does not close them."""


class _Connection(sqlite3.Connection):
    """A connection that may be dropped: it closes itself then, without a warning."""

    def __del__(self) -> None:
        with suppress(sqlite3.ProgrammingError):  # it was never opened
            _gate.run(self.close)


class _Place(NamedTuple):
    """Where a database is.

    Attributes
    ----------
    path : str
        What SQLite opens, wherever the working directory is by then.
    in_memory : bool
        Whether the database goes with its last connection.
    location : hashable or None
        Equal for all spellings of one place; None if only one connection can reach it.
    """

    path: str
    in_memory: bool
    location: Hashable

    @classmethod
    def of(cls, path: str, is_uri: bool) -> _Place:
        if path in ("", ":memory:"):
            return cls(path, True, None)
        if not (is_uri and path.startswith("file:")):
            return cls(os.path.abspath(path), False, os.path.realpath(path))
        parts = urlsplit(path)
        # What follows the name of a file is no matter of the place, except in memory.
        options = dict(parse_qsl(parts.query))
        name = unquote(parts.path)
        if options.get("vfs") == "memdb" or options.get("mode") == "memory" or name == ":memory:":
            is_shared = options.get("cache") == "shared" and options.get("vfs") != "memdb"
            is_shared |= options.get("vfs") == "memdb" and name.startswith("/")
            kind = options.get("vfs", "memory")
            return cls(path, True, ("sqlite", kind, name) if is_shared else None)
        query = f"?{parts.query}" if parts.query else ""
        return cls(f"file:{quote(os.path.abspath(name))}{query}", False, os.path.realpath(name))


def _bounds(path: str) -> dict[str, Any]:
    """Return the range of the keys below `path`, and where names begin in it."""
    if not path:
        return {"low": "", "high": _AFTER_ALL_TEXT, "skip": 1}
    return {"low": f"{path}/", "high": f"{path}0", "skip": len(path) + 2}


class SQLiteStore(BaseStore):
    """A store in an SQLite database, one row per key.

    Parameters
    ----------
    path : str or path-like
        The database file, or ``':memory:'``.
    dimension_separator : {'.', '/'}, optional
        Separator between the chunk indices in a chunk key, for arrays created in this store.
    **kwargs
        Options of `sqlite3.connect`. The default `timeout`, for which a process waits until another
        has finished writing, is 30 seconds here.

    Raises
    ------
    StoreError
        If the file is not a database, or the disk is full.
    StoreTimeoutError
        If another process kept the database locked for longer than `timeout`.

    Notes
    -----
    Safe to use from several threads, and from several processes, which can read while one of them
    writes. Changes are in the file when a method returns; all values of one call are stored in one
    transaction. Where the file system supports it, the database uses a write-ahead log, which adds
    two files while the database is open.

    Examples
    --------
    >>> import zarr
    >>> store = zarr.SQLiteStore('data/array.sqldb')
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
        dimension_separator: Separator | None = None,
        **kwargs: Any,
    ) -> None:
        place = _Place.of(os.fspath(path), bool(kwargs.get("uri")))
        self.path = place.path
        self._in_memory = place.in_memory
        # A database in memory without a name is where its only connection is.
        self._location = Identity().number if place.location is None else place.location
        self.kwargs = kwargs
        self._dimension_separator = dimension_separator
        self._idle: list[sqlite3.Connection] = []
        self._shown: sqlite3.Connection | None = None
        # A database in memory belongs to its one connection, which threads use in turn.
        self._turn = RLock()
        self._only = _gate.run(self._connect) if self._in_memory else None
        self._pid = os.getpid()
        self._closed = False
        self._refuse_truncated()
        self._do(self._prepare)

    # -- connections ---------------------------------------------------------------

    @property
    def location(self) -> Hashable:
        return self._location

    @property
    def db(self) -> sqlite3.Connection:
        """A connection to the database, for statements of your own, until the store is closed."""
        return _gate.run(self._show)

    @property
    def cursor(self) -> sqlite3.Cursor:
        """A new cursor of `db`."""
        return self.db.cursor()

    def _show(self) -> sqlite3.Connection:
        self._check_open()
        if self._only is not None:
            return self._only
        if self._shown is None:
            self._shown = self._connect()
        return self._shown

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError(f"the SQLite database {self.path!r} is closed")
        if self._pid != os.getpid():
            self._disown()

    def _refuse_truncated(self) -> None:
        """Raise `StoreError` if the file is shorter than it says.

        SQLite takes one of a single byte for a new database, and what the last page lacks
        for zeros.
        """
        if not isinstance(self._location, str):
            return
        try:
            found = _lacking(self._location)
            # Another process may be writing: then there is a journal, or it is another length.
            journals = [f"{self._location}-wal", f"{self._location}-journal"]
            if not found or any(map(os.path.exists, journals)) or found != _lacking(self._location):
                return
        except OSError:
            return  # SQLite will say what is wrong
        raise StoreError(f"the SQLite database {self.path!r} is truncated: it has {found}")

    def _connect(self) -> sqlite3.Connection:
        options = {"timeout": 30.0, "factory": _Connection, **self.kwargs}
        options |= {"isolation_level": None, "check_same_thread": False}
        try:
            connection: sqlite3.Connection = sqlite3.connect(self.path, **options)
            try:
                self._relax(connection)
            except BaseException:
                connection.close()
                raise
        except sqlite3.Error as error:
            raise self._failure(error) from error
        return connection

    def _relax(self, connection: sqlite3.Connection) -> None:
        # With a write-ahead log this is enough for the database to survive a loss of power.
        if connection.execute("PRAGMA journal_mode").fetchone() == ("wal",):
            connection.execute("PRAGMA synchronous = NORMAL")

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Make the table, unless it exists."""
        query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'zarr'"
        if connection.execute(query).fetchone():
            return
        connection.execute(f"PRAGMA page_size = {_PAGE}")
        # Another process may be about to do the same.
        with suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA journal_mode = WAL")
            self._relax(connection)
        connection.execute("CREATE TABLE IF NOT EXISTS zarr(k TEXT PRIMARY KEY, v BLOB)")

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `work` does with a connection of its own; all of it or nothing.

        The context managers are written in C, and the one of a connection ends its
        transaction. A connection that an interrupt keeps from going back is closed when
        the traceback goes.
        """
        return _gate.run(partial(self._use_connection, work))

    def _use_connection(self, work: Callable[[sqlite3.Connection], T]) -> T:
        self._check_open()
        connection = None
        try:
            if self._only is not None:
                with self._turn, self._only:
                    return work(self._only)
            connection = self._take()
            with connection:
                return work(connection)
        except sqlite3.Error as error:
            raise self._failure(error) from error
        finally:
            if connection is not None:
                self._idle.append(connection)
                if self._closed:
                    self.close()

    def _take(self) -> sqlite3.Connection:
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()

    def _disown(self) -> None:
        if not self._in_memory:
            _inherited.extend([*self._idle, *filter(None, [self._shown])])
            self._idle, self._shown = [], None
        self._turn = RLock()
        self._pid = os.getpid()

    def _failure(self, error: sqlite3.Error) -> Exception:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        what = f"the SQLite database {self.path!r}"
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            timeout = self.kwargs.get("timeout", 30.0)
            return StoreTimeoutError(
                f"{what} was locked by another process or connection for more than {timeout} s"
            )
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
            return ReadOnlyError(f"{what} is read-only: {error}")
        if code == sqlite3.SQLITE_FULL:
            reason = f"cannot write to the SQLite database: {error}"
            return StoreError(errno.ENOSPC, reason, self.path)
        return StoreError(f"{what} failed: {error}")

    def _ask(self, sql: str, parameters: Any = ()) -> list[tuple[Any, ...]]:
        return self._do(lambda connection: connection.execute(sql, parameters).fetchall())

    def close(self) -> None:
        """Close the database."""
        _gate.run(self._close)

    def _close(self) -> None:
        self._closed = True
        if self._pid != os.getpid():
            self._disown()
        if self._only is not None:
            with self._turn:
                self._only.close()
        if self._shown is not None:
            self._shown.close()
        while self._idle:
            self._idle.pop().close()

    def __del__(self) -> None:
        if not getattr(self, "_closed", True):
            self.close()

    def _start(self, connection: sqlite3.Connection, statement: str) -> None:
        """Begin a transaction, which ends with the call."""
        connection.execute(statement)

    def begin(
        self, *, fsync: bool = True, timeout: float = 30.0, read_only: bool = False
    ) -> StoreTransaction:
        if self._in_memory:
            raise TransactionError(
                f"{self!r} has one connection, so nothing could be kept from others until it is "
                "committed; use a database in a file"
            )
        return _SQLiteTransaction(self, fsync, timeout, read_only)

    def recover(self, timeout: float = 30.0) -> Outcome:
        self._ask("SELECT 1 FROM zarr LIMIT 1")  # SQLite does it, when a database is used
        return "clean"

    # -- reading -------------------------------------------------------------------

    def __getitem__(self, key: str) -> bytes:
        rows = self._ask("SELECT v FROM zarr WHERE k = ?", (check_key(key),))
        if not rows:
            raise KeyError(key)
        value: bytes = rows[0][0]
        if type(value) is not bytes:
            raise self._no_bytes(key, value)
        return value

    def getitems(self, keys: Sequence[str], *, contexts: Any = None) -> dict[str, Buffer]:
        if not keys:
            return {}
        # The keys go in as one JSON array: the number of parameters is limited.
        sql = "SELECT k, v FROM zarr WHERE k IN (SELECT value FROM json_each(?))"
        found = dict(self._ask(sql, (json.dumps(list(keys)),)))
        if not set(map(type, found.values())) <= {bytes}:
            raise self._no_bytes(
                *next(pair for pair in found.items() if type(pair[1]) is not bytes)
            )
        return found

    def _no_bytes(self, key: str, value: object) -> StoreError:
        return StoreError(
            f"the SQLite database {self.path!r} is damaged, or changed by another program: the "
            f"value of {key!r} is not a BLOB but {type(value).__name__}"
        )

    def get_partial_values(self, ranges: Sequence[tuple[str, ByteRange]]) -> list[Buffer | None]:
        wanted: dict[str, list[int]] = {}
        for n, (key, _) in enumerate(ranges):
            wanted.setdefault(key, []).append(n)
        parts: list[Buffer | None] = [None] * len(ranges)
        if not wanted:
            return parts
        sql = "SELECT k, rowid FROM zarr WHERE k IN (SELECT value FROM json_each(?))"

        def read(connection: sqlite3.Connection) -> None:
            self._start(connection, "BEGIN")
            for key, row in connection.execute(sql, (json.dumps(list(wanted)),)).fetchall():
                with connection.blobopen("zarr", "v", row, readonly=True) as blob:
                    for n in wanted[key]:
                        parts[n] = _part(blob, ranges[n][1])

        self._do(read)
        return parts

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and bool(self._ask("SELECT 1 FROM zarr WHERE k = ?", (key,)))

    def __len__(self) -> int:
        return self._ask("SELECT count(*) FROM zarr")[0][0]  # type: ignore[no-any-return]

    # -- writing -------------------------------------------------------------------

    def __setitem__(self, key: str, value: Buffer) -> None:
        SQLiteStore.setitems(self, {key: value})

    def setitems(self, items: Mapping[str, Buffer]) -> None:
        rows = [
            (check_key(key), value if type(value) is bytes else as_view(value))
            for key, value in items.items()
        ]
        if rows:
            self._do(partial(self._put, rows))

    def _put(self, rows: list[tuple[str, Buffer]], connection: sqlite3.Connection) -> None:
        most = connection.getlimit(sqlite3.SQLITE_LIMIT_LENGTH)
        for key, value in rows:
            if len(value) > most - 1024:
                raise StoreError(
                    f"the value of {key!r} has {len(value)} bytes, more than the {most - 1024} "
                    "that SQLite can hold; use smaller chunks"
                )
        if len(rows) == 1:
            connection.execute(_PUT, rows[0])
            return
        # To ask for the lock at once: a reader that becomes a writer may not wait.
        self._start(connection, "BEGIN IMMEDIATE")
        connection.executemany(_PUT, rows)

    def __delitem__(self, key: str) -> None:
        sql, name = "DELETE FROM zarr WHERE k = ?", check_key(key)
        if not self._do(lambda connection: connection.execute(sql, (name,)).rowcount):
            raise KeyError(key)

    def delitems(self, keys: Iterable[str]) -> None:
        sql = "DELETE FROM zarr WHERE k IN (SELECT value FROM json_each(?))"
        self._ask(sql, (json.dumps(list(keys)),))

    # -- listing -------------------------------------------------------------------

    def __iter__(self) -> Iterator[str]:
        return self.list_prefix()

    def list_prefix(self, path: str = "") -> Iterator[str]:
        return (key for (key,) in self._rows("k", path))

    def list_sizes(self, path: str = "") -> Iterator[tuple[str, int]]:
        return ((key, size) for key, size in self._rows("k, length(v)", path))

    def _rows(self, columns: str, path: str) -> Iterator[Any]:
        """Yield `columns`, of which the key is the first, of all keys below `path`."""
        # In portions, so that no transaction stays open during the iteration.
        sql = (
            f"SELECT {columns} FROM zarr WHERE k >= ? AND k < ? ORDER BY k LIMIT {_KEYS_AT_A_TIME}"
        )
        bounds = _bounds(path)
        low, high = bounds["low"], bounds["high"]
        while True:
            rows = self._ask(sql, (low, high))
            yield from rows
            if len(rows) < _KEYS_AT_A_TIME:
                return
            low = rows[-1][0] + "\1"

    def listdir(self, path: str = "") -> list[str]:
        bounds = _bounds(path)
        skip = bounds["skip"] - 1
        return sorted({key[skip:].partition("/")[0] for (key,) in self._ask(_LIST, bounds)})

    def rmdir(self, path: str = "") -> None:
        if path:
            self._ask("DELETE FROM zarr WHERE k >= :low AND k < :high", _bounds(path))
        else:
            self._ask("DELETE FROM zarr")

    def rename(self, src_path: str, dst_path: str) -> None:
        if src_path == dst_path:
            return
        self._ask(
            "UPDATE OR REPLACE zarr SET k = :target || substr(k, :skip - 1) "
            "WHERE k = :path OR (k >= :low AND k < :high)",
            {"target": check_key(dst_path), "path": check_key(src_path), **_bounds(src_path)},
        )

    def getsize(self, path: str = "") -> int:
        if path:
            rows = self._ask("SELECT length(v) FROM zarr WHERE k = ?", (path,))
            if rows:
                return rows[0][0]  # type: ignore[no-any-return]
        return self._ask(_SIZE, _bounds(path))[0][0]  # type: ignore[no-any-return]

    # -- as an object --------------------------------------------------------------

    def __reduce__(self) -> Any:
        if self._in_memory:  # another process has no way to it
            raise pickle.PicklingError("an SQLite database in memory cannot be pickled")
        return partial(type(self), self.path, self._dimension_separator, **self.kwargs), ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.path!r}>"


class _SQLiteTransaction:
    """A transaction of SQLite, on a connection of its own."""

    def __init__(self, store: SQLiteStore, fsync: bool, timeout: float, read_only: bool) -> None:
        # Kept before it begins: Python's connections are in cycles, so that one which an interrupt
        # drops would stay in its transaction until the collector comes.
        self.store = _SQLiteStaging(store)
        try:
            self.store.start(fsync, timeout, read_only)
        except BaseException:
            self.store.close_for_changes()
            raise

    def commit(self) -> None:
        """Make all changes visible together, and end the transaction."""
        try:
            self.store._ask("COMMIT")
        finally:
            self.store.close_for_changes()

    def rollback(self) -> None:
        """Drop all changes, and end the transaction."""
        self.store.close_for_changes()

    def __del__(self) -> None:
        # An interrupt may have dropped it; arrays and groups can keep its store for longer.
        if hasattr(self, "store"):
            self.store.close_for_changes()


class _SQLiteStaging(SQLiteStore):
    """The store in a transaction: all that it does is on one connection."""

    _connection: Any

    def __init__(self, store: SQLiteStore) -> None:
        own = {"_idle": [], "_turn": RLock(), "_connection": None, "_pid": os.getpid()}
        self.__dict__.update(store.__dict__, _location=Identity().number, _counted_as=store, **own)
        _gate.run(self._connect_to_begin)

    def _connect_to_begin(self) -> None:
        self._connection = _in_transaction[id(self)] = self._connect()

    def start(self, fsync: bool, timeout: float, read_only: bool) -> None:
        """Begin the transaction."""

        def begin(connection: sqlite3.Connection) -> None:
            connection.execute(f"PRAGMA busy_timeout = {max(0, round(timeout * 1000))}")
            if fsync:
                connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN" if read_only else "BEGIN IMMEDIATE")
            if read_only:  # the first read decides what all of them see
                connection.execute("SELECT 1 FROM zarr LIMIT 1").fetchall()
                connection.execute("PRAGMA query_only = 1")

        try:
            self._do(begin)
        except StoreTimeoutError as error:
            raise TransactionError(
                f"{self!r} was locked by another connection for more than {timeout:g} s; "
                "nothing was changed. Wait longer with timeout="
            ) from error

    def _use_connection(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._closed:
            raise TransactionError(f"the transaction on {self!r} is over; begin another one")
        if self._pid != os.getpid():
            raise TransactionError(f"the transaction on {self!r} belongs to another process")
        try:
            with self._turn:
                return work(self._connection)
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def _start(self, connection: sqlite3.Connection, statement: str) -> None:
        pass  # it has begun

    def close_for_changes(self) -> None:
        """End the transaction; without a commit before, nothing is changed."""
        if self._pid == os.getpid():
            self._closed = True
            with self._turn:
                if self._connection is not None:
                    _gate.run(self._connection.close)
            _in_transaction.pop(id(self), None)

    def close(self) -> None:
        """Do nothing: the transaction is ended by who has begun it."""

    def __del__(self) -> None:
        if hasattr(self, "_connection"):
            self.close_for_changes()


def _lacking(path: str) -> str | None:
    """Return how many bytes of how many a database file has, or None if it has them all."""
    with open(path, "rb") as file:
        header = file.read(100)
        size = os.fstat(file.fileno()).st_size
    if size == 1:
        return "one byte"
    if not header.startswith(b"SQLite format 3\0") or len(header) < 100:
        return None  # it is new, or SQLite will say what is wrong
    (page_size,) = unpack_from(">H", header, 16)
    changes, pages = unpack_from(">II", header, 24)
    (valid_for,) = unpack_from(">I", header, 92)
    page_size = 65536 if page_size == 1 else page_size
    # Old programs do not count the pages.
    expected = pages * page_size if changes == valid_for else size + -size % max(page_size, 1)
    return f"{size} of {expected} bytes" if size < expected else None


def _part(blob: sqlite3.Blob, byte_range: ByteRange) -> bytes:
    start, length = byte_range
    size = len(blob)
    begin = max(0, size + start) if start < 0 else min(start, size)
    wanted = size - begin if length is None else min(length, size - begin)
    if not wanted:
        return b""
    blob.seek(begin)
    return blob.read(wanted)
