"""A store in an SQLite database."""

from __future__ import annotations

import errno
import json
import os
import pickle
import sqlite3
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from threading import Lock
from typing import Any, ClassVar

from zarr.errors import ReadOnlyError, StoreError, StoreTimeoutError
from zarr.storage.base import (
    BaseStore,
    Buffer,
    ByteRange,
    Separator,
    as_view,
    check_key,
)

__all__ = ["SQLiteStore"]

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

# SQLite forbids to use, or even to close, in a child process what its parent opened.
_inherited: list[sqlite3.Connection] = []


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
        Separator between the dimensions of a chunk key, for arrays created here.
    **kwargs
        Arguments of `sqlite3.connect`. The `timeout`, 30 seconds here, says how long to
        wait for another process to finish writing.

    Raises
    ------
    StoreError
        If the file is no database, the disk is full, and so on.
    StoreTimeoutError
        If another process kept the database locked for longer than `timeout`.

    Notes
    -----
    Safe to use from several threads, and from several processes, which may read while
    one of them writes. What a method has written is in the file when it returns; all
    values of one call appear at once. Where the file system allows it, the database uses
    a write-ahead log: while it is open, two more files lie beside it.

    Examples
    --------
    >>> import zarr
    >>> store = zarr.SQLiteStore('data/array.sqldb')
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
        dimension_separator: Separator | None = None,
        **kwargs: Any,
    ) -> None:
        path = os.fspath(path)
        is_uri = bool(kwargs.get("uri"))
        self._in_memory = path in ("", ":memory:") or (is_uri and "mode=memory" in path)
        self.path = path if self._in_memory or is_uri else os.path.abspath(path)
        self.kwargs = kwargs
        self._dimension_separator = dimension_separator
        # A database in memory belongs to its one connection, which threads use in turn.
        self._turn: Any = Lock() if self._in_memory else nullcontext()
        self._idle: list[sqlite3.Connection] = []
        self._pid = os.getpid()
        self._closed = False
        self._prepare()

    # -- connections ---------------------------------------------------------------

    @property
    def location(self) -> Hashable:
        if self._in_memory:
            return id(self)
        return self.path if self.kwargs.get("uri") else os.path.realpath(self.path)

    def _connect(self) -> sqlite3.Connection:
        options = {"timeout": 30.0, **self.kwargs}
        options |= {"isolation_level": None, "check_same_thread": False}
        connection: sqlite3.Connection = sqlite3.connect(self.path, **options)
        try:
            self._relax(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _relax(self, connection: sqlite3.Connection) -> None:
        # With a write-ahead log this is enough for the database to survive a loss of power.
        if connection.execute("PRAGMA journal_mode").fetchone() == ("wal",):
            connection.execute("PRAGMA synchronous = NORMAL")

    def _prepare(self) -> None:
        """Make the table, unless it exists."""
        with self._connection() as connection:
            query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'zarr'"
            if connection.execute(query).fetchone():
                return
            connection.execute(f"PRAGMA page_size = {_PAGE}")
            # Another process may be about to do the same.
            with suppress(sqlite3.OperationalError):
                connection.execute("PRAGMA journal_mode = WAL")
                self._relax(connection)
            connection.execute("CREATE TABLE IF NOT EXISTS zarr(k TEXT PRIMARY KEY, v BLOB)")

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection that nobody else uses."""
        if self._closed:
            raise StoreError(f"the SQLite database {self.path!r} is closed")
        if self._pid != os.getpid():
            self._disown()
        with self._turn:
            connection = None
            try:
                try:
                    connection = self._idle.pop()
                except IndexError:
                    connection = self._connect()
                yield connection
            except BaseException as error:
                if connection is not None and connection.in_transaction:
                    with suppress(sqlite3.Error):
                        connection.rollback()
                if isinstance(error, sqlite3.Error):
                    raise self._failure(error) from error
                raise
            finally:
                if connection is not None:
                    self._take_back(connection)

    def _take_back(self, connection: sqlite3.Connection) -> None:
        if self._closed:
            connection.close()
        else:
            self._idle.append(connection)

    def _disown(self) -> None:
        if not self._in_memory:
            _inherited.extend(self._idle)
            self._idle = []
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
        with self._connection() as connection:
            return connection.execute(sql, parameters).fetchall()

    def close(self) -> None:
        """Close the database."""
        self._closed = True
        if self._pid != os.getpid():
            self._disown()
        while self._idle:
            self._idle.pop().close()

    def __del__(self) -> None:
        if not getattr(self, "_closed", True):
            self.close()

    # -- reading -------------------------------------------------------------------

    def __getitem__(self, key: str) -> bytes:
        rows = self._ask("SELECT v FROM zarr WHERE k = ?", (check_key(key),))
        if not rows:
            raise KeyError(key)
        return rows[0][0]  # type: ignore[no-any-return]

    def getitems(self, keys: Sequence[str]) -> dict[str, Buffer]:
        if not keys:
            return {}
        # The keys go in as one JSON array: the number of parameters is limited.
        sql = "SELECT k, v FROM zarr WHERE k IN (SELECT value FROM json_each(?))"
        return dict(self._ask(sql, (json.dumps(list(keys)),)))

    def get_partial_values(self, ranges: Sequence[tuple[str, ByteRange]]) -> list[Buffer | None]:
        wanted: dict[str, list[int]] = {}
        for n, (key, _) in enumerate(ranges):
            wanted.setdefault(key, []).append(n)
        parts: list[Buffer | None] = [None] * len(ranges)
        if not wanted:
            return parts
        sql = "SELECT k, rowid FROM zarr WHERE k IN (SELECT value FROM json_each(?))"
        with self._connection() as connection:
            connection.execute("BEGIN")
            for key, row in connection.execute(sql, (json.dumps(list(wanted)),)).fetchall():
                with connection.blobopen("zarr", "v", row, readonly=True) as blob:
                    for n in wanted[key]:
                        parts[n] = _part(blob, ranges[n][1])
            connection.execute("COMMIT")
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
        if not rows:
            return
        with self._connection() as connection:
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
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(_PUT, rows)
            connection.execute("COMMIT")

    def __delitem__(self, key: str) -> None:
        with self._connection() as connection:
            cursor = connection.execute("DELETE FROM zarr WHERE k = ?", (check_key(key),))
            if not cursor.rowcount:
                raise KeyError(key)

    def delitems(self, keys: Iterable[str]) -> None:
        sql = "DELETE FROM zarr WHERE k IN (SELECT value FROM json_each(?))"
        self._ask(sql, (json.dumps(list(keys)),))

    # -- listing -------------------------------------------------------------------

    def __iter__(self) -> Iterator[str]:
        return self.list_prefix()

    def list_prefix(self, path: str = "") -> Iterator[str]:
        # In portions, so that no transaction stays open while somebody iterates.
        sql = f"SELECT k FROM zarr WHERE k >= ? AND k < ? ORDER BY k LIMIT {_KEYS_AT_A_TIME}"
        bounds = _bounds(path)
        low, high = bounds["low"], bounds["high"]
        while True:
            keys = [key for (key,) in self._ask(sql, (low, high))]
            yield from keys
            if len(keys) < _KEYS_AT_A_TIME:
                return
            low = keys[-1] + "\1"

    def listdir(self, path: str = "") -> list[str]:
        bounds = _bounds(path)
        skip = bounds["skip"] - 1
        return sorted({key[skip:].partition("/")[0] for (key,) in self._ask(_LIST, bounds)})

    def rmdir(self, path: str = "") -> None:
        if path:
            sql = "DELETE FROM zarr WHERE k = :path OR (k >= :low AND k < :high)"
            self._ask(sql, {"path": path, **_bounds(path)})
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
        if self._in_memory:
            raise pickle.PicklingError("an SQLite database in memory cannot be pickled")
        return partial(type(self), self.path, self._dimension_separator, **self.kwargs), ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.path!r}>"


def _part(blob: sqlite3.Blob, byte_range: ByteRange) -> bytes:
    start, length = byte_range
    size = len(blob)
    begin = max(0, size + start) if start < 0 else min(start, size)
    wanted = size - begin if length is None else min(length, size - begin)
    if not wanted:
        return b""
    blob.seek(begin)
    return blob.read(wanted)
