"""A store in a DBM-style database."""

from __future__ import annotations

import dbm
import os
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from threading import RLock
from types import TracebackType
from typing import Any, Self, TypeVar

from zarr.errors import StoreError
from zarr.storage.base import (
    BaseStore,
    Buffer,
    Separator,
    as_bytes,
    check_key,
)
from zarr.storage.key_tree import KeyTree

__all__ = ["DBMStore"]

T = TypeVar("T")

_BTREE = 1  # DB_BTREE of Berkeley DB

# What the parent of a forked process has open: to close it here could harm it there.
_inherited: list[Any] = []


def _stays_as_we_know_it(database: Any, flag: str) -> bool:
    """Whether no other process can change the keys while the database is open here."""
    module = type(database).__module__
    # dbm.dumb reads its index once; GNU dbm locks the file unless told not to.
    return module == "dbm.dumb" or (module == "_gdbm" and "u" not in flag)


def _is_sorted(database: Any) -> bool:
    """Whether this is a B-tree of Berkeley DB, whose cursors find the next key."""
    berkeley = getattr(database, "db", None)
    return type(database).__module__ == "berkeleydb" and berkeley.get_type() == _BTREE


class DBMStore(BaseStore):
    """A store in a DBM-style database.

    Parameters
    ----------
    path : str or path-like
        The database. Some libraries add a suffix, or make two files.
    flag : str, default 'c'
        How to open the database: ``'r'`` to read, ``'w'`` to change one, ``'c'`` to
        change one or make it, ``'n'`` to make an empty one.
    mode : int, default 0o666
        Permissions of new files.
    open : callable, optional
        What opens the database, `dbm.open` by default; for example ``dbm.gnu.open`` or
        ``berkeleydb.btopen``.
    write_lock : bool, default True
        Whether to let one thread at a time use the database.
    dimension_separator : {'.', '/'}, optional
        Separator between the dimensions of a chunk key, for arrays created here.
    **open_kwargs
        More arguments of `open`.

    Raises
    ------
    StoreError
        If the database cannot be opened, for example because another process uses it.

    Notes
    -----
    Call :meth:`close` after writing, or use the store as a context manager: some
    libraries write essential data only then.

    `dbm.open` takes what it finds on the machine: the kinds of databases differ in speed
    and cannot read each other's files. `dbm.dumb`, which is always there, is slow. The
    B-trees of Berkeley DB (``pip install 'zarr[berkeleydb]'``) are the only kind that
    lists a group without reading all keys.

    Safe to use from several threads. Whether several processes may write depends on the
    library; assume that they may not.

    Examples
    --------
    >>> import zarr
    >>> with zarr.DBMStore('data/array.db') as store:
    ...     z = zarr.zeros((10, 10), chunks=(5, 5), store=store, overwrite=True)
    ...     z[...] = 42
    ...     sorted(store)
    ['.zarray', '0.0', '0.1', '1.0', '1.1']
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        flag: str = "c",
        mode: int = 0o666,
        open: Callable[..., Any] | None = None,
        write_lock: bool = True,
        dimension_separator: Separator | None = None,
        **open_kwargs: Any,
    ) -> None:
        self.path = os.path.abspath(os.fspath(path))
        self.flag = flag
        self.mode = mode
        self.open = open
        self.write_lock = write_lock
        self.open_kwargs = open_kwargs
        self._dimension_separator = dimension_separator
        if flag[:1] == "r":
            self._mode = "r"
        self._lock: Any = RLock() if write_lock else nullcontext()
        self._tree: KeyTree | None = None
        self._worker: ThreadPoolExecutor | None = None
        self.db = self._opened(flag)

    # -- the database --------------------------------------------------------------

    @property
    def location(self) -> Hashable:
        return os.path.realpath(self.path)

    def _opened(self, flag: str) -> Any:
        open_database = dbm.open if self.open is None else self.open
        try:
            database = open_database(self.path, flag, self.mode, **self.open_kwargs)
            if type(database).__module__ == "dbm.sqlite3":
                # Only the thread that opened it may use it.
                database.close()
                self._worker = ThreadPoolExecutor(1, "zarr-dbm")
                opened = self._worker.submit(
                    open_database, self.path, flag, self.mode, **self.open_kwargs
                )
                database = opened.result()
        except Exception as error:
            raise StoreError(f"cannot open the DBM database {self.path!r}: {error}") from error
        self._pid = os.getpid()
        self._is_sorted = _is_sorted(database)
        self._keeps_tree = _stays_as_we_know_it(database, flag)
        return database

    def _do(self, work: Callable[[Any], T]) -> T:
        """Return what `work` does with the database."""
        with self._lock:
            if self._pid != os.getpid():
                self._leave_to_parent()
            if self.db is None:
                raise StoreError(f"the DBM database {self.path!r} is closed")
            try:
                if self._worker is None:
                    return work(self.db)
                return self._worker.submit(work, self.db).result()
            except KeyError:
                raise
            # Each library has exceptions of its own.
            except Exception as error:
                raise StoreError(f"the DBM database {self.path!r} failed: {error}") from error

    def _leave_to_parent(self) -> None:
        # The two processes would move each other's position in the file.
        if self._mode != "r":
            raise StoreError(
                f"the DBM database {self.path!r} was opened before this process was forked; open "
                "it after the fork, and in one process at a time"
            )
        _inherited.append(self.db)
        self.db = self._opened(self.flag)

    def flush(self) -> None:
        """Write to the file what is still in memory."""
        if self._mode == "r":
            return

        def sync(database: Any) -> None:
            if callable(getattr(database, "sync", None)):
                database.sync()
            else:
                database.close()
                self.db = self._opened("w")

        self._do(sync)

    def close(self) -> None:
        """Write to the file what is still in memory, and close the database."""
        with self._lock:
            if self.db is None:
                return
            if self._pid != os.getpid():
                _inherited.append(self.db)
            else:
                self._do(lambda database: database.close())
            self.db = self._tree = None
            if self._worker is not None:
                self._worker.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "db", None) is not None:
            self.close()

    # -- reading -------------------------------------------------------------------

    def __getitem__(self, key: str) -> bytes:
        name = check_key(key).encode()
        try:
            return self._do(lambda database: database[name])  # type: ignore[no-any-return]
        except KeyError:
            raise KeyError(key) from None

    def getitems(self, keys: Sequence[str]) -> dict[str, Buffer]:
        def get(database: Any) -> dict[str, Buffer]:
            found = {}
            for key in keys:
                try:
                    found[key] = database[key.encode()]
                except KeyError:
                    pass
            return found

        return self._do(get) if keys else {}

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, str) or not key:
            return False
        name = key.encode()
        return self._do(lambda database: name in database)

    def _all(self) -> list[str]:
        return self._do(lambda database: [key.decode() for key in database.keys()])

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return self._do(len)

    # -- writing -------------------------------------------------------------------

    def __setitem__(self, key: str, value: Buffer) -> None:
        self.setitems({key: value})

    def setitems(self, items: Mapping[str, Buffer]) -> None:
        self.check_writeable()
        pairs = {check_key(key): as_bytes(value) for key, value in items.items()}

        def put(database: Any) -> None:
            for key, value in pairs.items():
                database[key.encode()] = value
                if self._tree is not None:
                    self._tree.add(key)

        self._do(put)

    def __delitem__(self, key: str) -> None:
        self.check_writeable()
        check_key(key)

        def delete(database: Any) -> None:
            del database[key.encode()]
            if self._tree is not None:
                self._tree.remove(key)

        try:
            self._do(delete)
        except KeyError:
            raise KeyError(key) from None

    def delitems(self, keys: Iterable[str]) -> None:
        self.check_writeable()
        names = list(keys)

        def delete(database: Any) -> None:
            for name in names:
                try:
                    del database[name.encode()]
                except KeyError:
                    continue
                if self._tree is not None:
                    self._tree.remove(name)

        self._do(delete)

    # -- listing -------------------------------------------------------------------

    def _keys(self) -> KeyTree:
        """Return the keys by folder: one look at all keys, and no value."""
        with self._lock:
            if self._tree is not None:
                return self._tree
            tree = KeyTree(self._all())
            if self._keeps_tree:
                self._tree = tree
            return tree

    def _seek(self, path: str, only_children: bool) -> list[str]:
        """Return what lies below `path` in a B-tree; of folders below it only the names."""
        prefix = f"{path}/".encode() if path else b""
        return [key.decode() for key in self._do(partial(_seek, prefix, only_children))]

    def list_prefix(self, path: str = "") -> Iterator[str]:
        if self._is_sorted:
            return iter(self._seek(path, only_children=False))
        with self._lock:
            return iter(list(self._keys().below(path)))

    def listdir(self, path: str = "") -> list[str]:
        if self._is_sorted:
            skip = len(path) + 1 if path else 0
            names = self._seek(path, only_children=True)
            return sorted({name[skip:].removesuffix("/") for name in names})
        with self._lock:
            return self._keys().names(path)

    def clear(self) -> None:
        """Delete everything."""
        self.rmdir()

    def rmdir(self, path: str = "") -> None:
        keys = list(self.list_prefix(path))
        self.delitems([*keys, path] if path else keys)

    def getsize(self, path: str = "") -> int:
        if path and path in self:
            return len(self[path])
        if self._is_sorted:
            keys = [key for key in self._seek(path, only_children=True) if key[-1] != "/"]
        else:
            with self._lock:
                keys = self._keys().values(path)
        return sum(len(value) for value in self.getitems(keys).values())

    # -- as an object --------------------------------------------------------------

    def __reduce__(self) -> Any:
        self.flush()
        # To open it again must not empty it.
        flag = "c" + self.flag[1:] if self.flag[:1] == "n" else self.flag
        arguments = (self.path, flag, self.mode, self.open, self.write_lock)
        return partial(type(self), *arguments, self._dimension_separator, **self.open_kwargs), ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.path!r}>"


def _seek(prefix: bytes, only_children: bool, database: Any) -> list[bytes]:
    """Return keys of a B-tree that begin with `prefix`, without reading their values."""
    keys: list[bytes] = []
    cursor = database.db.cursor()
    go = partial(_key_there, dlen=0, doff=0)
    try:
        key = go(cursor.set_range, prefix) if prefix else go(cursor.first)
        while key is not None and key.startswith(prefix):
            name, slash, _ = key[len(prefix) :].partition(b"/")
            if only_children and slash:
                keys.append(prefix + name + slash)
                key = go(cursor.set_range, prefix + name + b"0")  # "0" follows "/"
            else:
                keys.append(key)
                key = go(cursor.next)
    finally:
        cursor.close()
    return keys


def _key_there(move: Callable[..., Any], *arguments: bytes, **options: int) -> bytes | None:
    """Return the key to which `move` takes a cursor, or None if there is none."""
    try:
        record = move(*arguments, **options)
    except KeyError:
        return None
    return None if record is None else bytes(record[0])
