"""A store in a DBM-style database."""

from __future__ import annotations

import atexit
import dbm
import os
import sys
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext, suppress
from functools import partial
from stat import S_ISDIR
from typing import Any, TypeVar

from zarr._system import RLock
from zarr.errors import StoreError
from zarr.storage import dumb
from zarr.storage.base import (
    BaseStore,
    Buffer,
    Separator,
    as_bytes,
    check_key,
)
from zarr.storage.key_tree import KeyTree
from zarr.storage.remote import request_apart

__all__ = ["DBMStore"]

T = TypeVar("T")

_BTREE = 1  # DB_BTREE of Berkeley DB

# A process opens a database once, for all stores in it: two handles on one file would not
# see, or even destroy, what the other writes.
_databases: dict[tuple[int, int], _Database] = {}
_registry_lock = RLock()

# What the parent of a forked process has open: to close it here could harm it there.
_inherited: list[Any] = []


class _Database:
    """A database that is open in this process."""

    def __init__(
        self, path: str, flag: str, mode: int, open: Callable[..., Any] | None, options: Any
    ) -> None:
        self.path = path
        self.flag = flag
        self.lock = RLock()
        self.stores = 0
        self.pid = os.getpid()
        self.tree: KeyTree | None = None
        self._is_marked = False
        self._open: Callable[..., Any] = open or dbm.open
        self._mode = mode
        self._options = options
        self._worker: ThreadPoolExecutor | None = None
        self.is_closed = False
        self._refuse_remains()
        self.handle = self._opened(flag)
        self.file = self._find_file()
        kind = type(self.handle).__module__
        # dbm.dumb reads its index once; GNU dbm locks the file unless told not to.
        self._keeps_tree = dumb.is_dumb(self.handle) or (kind == "_gdbm" and "u" not in flag)
        # The B-trees of Berkeley DB have cursors that find the next key.
        self.is_sorted = kind == "berkeleydb" and self.handle.db.get_type() == _BTREE
        # Most of the libraries behind dbm.ndbm answer with an empty value as if it were absent.
        self.hides_empty = kind == "_dbm"
        self._keeps_pages = kind in ("_dbm", "berkeleydb")
        if self._keeps_pages and flag[:1] == "n":
            self._unmark()

    # -- opening -------------------------------------------------------------------

    def _refuse_remains(self) -> None:
        """Raise `StoreError` if a writer that was killed has left what cannot be trusted."""
        if self.flag[:1] == "n":
            return
        damage = dumb.find_damage(self.path, self._open)
        if damage is None and os.path.exists(self._mark):
            damage = (
                "a process that changed it still has it open, or was killed before it could write "
                f"all of it to the file; if no process has it open, delete {self._mark!r} to use "
                "the database with what values it has, some of which may be torn"
            )
        if damage is not None:
            raise StoreError(f"cannot open the DBM database {self.path!r}: {damage}")

    def _opened(self, flag: str) -> Any:
        arguments = (self.path, flag, self._mode)
        try:
            handle = self._open(*arguments, **self._options)
            if dumb.is_dumb(handle):
                handle = dumb.secure(handle)
            elif type(handle).__module__ == "dbm.sqlite3":
                # Only the thread that opened it may use it.
                handle.close()
                self._worker = self._worker or ThreadPoolExecutor(1, "zarr-dbm")
                handle = _in_thread(self._worker, partial(self._open, *arguments, **self._options))
        except Exception as error:
            raise StoreError(f"cannot open the DBM database {self.path!r}: {error}") from error
        return handle

    def _find_file(self) -> str:
        for suffix in ("", ".db", ".dat"):
            if os.path.isfile(self.path + suffix):
                return os.path.realpath(self.path + suffix)
        return os.path.realpath(self.path)

    def identity(self) -> tuple[int, int] | None:
        """Return what tells the file from all others, or None if it does not exist."""
        for suffix in ("", ".db", ".dat"):
            with suppress(OSError):
                status = os.stat(self.path + suffix)
                if not S_ISDIR(status.st_mode):
                    return status.st_dev, status.st_ino
        return None

    # -- changes that are not in the file --------------------------------------------

    @property
    def _mark(self) -> str:
        """A file that is there while the database has pages in memory that it has changed."""
        return f"{self.path}.unsaved"

    def mark(self) -> None:
        """Say, before the first change, that the file is not to be trusted now."""
        if self._keeps_pages and not self._is_marked:
            with open(self._mark, "wb"):
                self._is_marked = True

    def _unmark(self) -> None:
        self._is_marked = False
        with suppress(FileNotFoundError):
            os.unlink(self._mark)

    # -- using it --------------------------------------------------------------------

    def do(self, work: Callable[[Any], T]) -> T:
        """Return what `work` does with the handle."""
        try:
            if self.handle is None:  # since an interrupted flush
                self.handle = self._opened("w")
            if self._worker is None:
                return work(self.handle)
            return _in_thread(self._worker, partial(work, self.handle))
        except KeyError:
            raise
        # Each library has exceptions of its own.
        except Exception as error:
            raise StoreError(f"the DBM database {self.path!r} failed: {error}") from error

    def folders(self) -> KeyTree:
        """Return the keys by folder: one look at all keys, and at no value."""
        if self.tree is not None:
            return self.tree
        tree = KeyTree(self.do(_all_keys))
        if self._keeps_tree:
            self.tree = tree
        return tree

    def flush(self) -> None:
        """Write to the file what is still in memory."""
        sync = getattr(self.handle, "sync", None)
        if callable(sync):
            self.do(lambda _: sync())
        else:
            try:
                self.do(lambda handle: handle.close())
            finally:
                self.handle = None
            self.handle = self._opened("w")
        if self._is_marked:
            self._unmark()

    def close(self) -> None:
        """Close the handle, and the thread that it may have."""
        if self.is_closed:
            return
        self.is_closed = True
        try:
            self.do(lambda handle: handle.close())
        finally:
            if self._is_marked:  # if it fails, the error is raised
                self._unmark()
            if self._worker is not None:
                _apart(self._worker.shutdown)


@atexit.register
def _close_all() -> None:
    # Later, Python may have cleared what stores need to close themselves.
    with ExitStack() as stack:  # one that fails leaves the others their turn
        for database in list(_databases.values()):
            if database.pid == os.getpid():
                stack.callback(_close_at_exit, database)


def _close_at_exit(database: _Database) -> None:
    # The thread of dbm.sqlite3 is gone by now; it has stored each change at once.
    with suppress(StoreError) if database._worker is not None else nullcontext():
        database.close()


def _apart(use: Callable[[], T]) -> T:
    """Return what `use` of an executor returns, of which an interrupt must leave no lock held."""
    return use() if sys.is_finalizing() else request_apart(use)


def _in_thread(worker: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    """Return what `work` returns, called in the thread of `worker`."""
    return _apart(lambda: worker.submit(work).result())


def _attach(
    path: str, flag: str, mode: int, open: Callable[..., Any] | None, options: Any
) -> _Database:
    """Return the database at `path`, opened if it is not open yet."""
    with _registry_lock:
        database = _find(path)
        if database is None:
            database = _Database(path, flag, mode, open, options)
            identity = database.identity()
            if identity is not None:
                _databases[identity] = database
        elif database.flag[:1] == "r" != flag[:1]:
            raise StoreError(
                f"the DBM database {path!r} is open read-only in this process; close it first"
            )
        elif flag[:1] == "n":
            database.mark()
            database.tree = None
            database.do(_delete_all)
        database.stores += 1
        return database


def _find(path: str) -> _Database | None:
    for identity, database in list(_databases.items()):
        if database.pid != os.getpid():
            _inherited.append(_databases.pop(identity))
        elif (
            os.path.realpath(database.path) == os.path.realpath(path)
            and database.identity() == identity  # or else the file was replaced meanwhile
        ):
            return database
    return None


def _forget(database: _Database) -> None:
    for identity, other in list(_databases.items()):
        if other is database:
            del _databases[identity]


def _detach(database: _Database) -> None:
    """Close `database` if no other store uses it."""
    with _registry_lock:
        database.stores -= 1
        if database.stores:
            return
        _forget(database)
        if database.pid != os.getpid():
            _inherited.append(database)
        else:
            with database.lock:
                database.close()


class DBMStore(BaseStore):
    """A store in a DBM-style database.

    Parameters
    ----------
    path : str or path-like
        The database. Some libraries append a suffix, or create two files.
    flag : {'c', 'r', 'w', 'n'}, default 'c'
        How to open the database: ``'r'`` read-only, ``'w'`` an existing one, ``'c'`` an existing or
        a new one, ``'n'`` a new, empty one.
    mode : int, default 0o666
        Permissions of new files.
    open : callable, optional
        The function that opens the database, for example ``dbm.gnu.open`` or
        ``berkeleydb.btopen``. `dbm.open` by default.
    write_lock : bool, default True
        Whether only one thread at a time uses the database.
    dimension_separator : {'.', '/'}, optional
        Separator between the chunk indices in a chunk key, for arrays created in this store.
    **open_kwargs
        Other parameters of `open`.

    Raises
    ------
    StoreError
        If the database cannot be opened, for example because another process uses it.

    Notes
    -----
    Call :meth:`close` after writing, or use the store as a context manager: some libraries write
    essential data only then.

    `dbm.open` uses the library that is installed: the kinds of databases differ in speed and cannot
    read each other's files. `dbm.dumb`, which is always available, is slow. The B-trees of Berkeley
    DB (``pip install 'zarr[berkeleydb]'``) are the only kind that lists a group without reading all
    keys.

    A process that is killed while it writes leaves a database of `dbm.dumb` with all values of
    calls that had returned, each the old one or the new one; a power failure can damage it. (This
    holds for values that a DBMStore writes. `dbm.dumb` itself overwrites values in place; remains
    of that are refused where they are recognised, but an index without its last lines looks
    complete.) `dbm.ndbm` and Berkeley DB keep changed pages in memory until :meth:`flush` or
    :meth:`close`: until then a file with the suffix ``.unsaved`` exists next to the database, and
    no other process can open the store, because a killed writer may have left any mixture of old
    and new values. GNU dbm is as safe as its library, which writes immediately.

    Safe to use from several threads. Whether several processes can write depends on the library;
    assume that they cannot.

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
        self.open = open or dbm.open  # type: ignore[assignment, method-assign]
        self.write_lock = write_lock
        self.open_kwargs = open_kwargs
        self._dimension_separator = dimension_separator
        if flag[:1] == "r":
            self._mode = "r"
        self._database: _Database | None = self._attached(flag)
        self._location = self._database.file

    def _attached(self, flag: str) -> _Database:
        return _attach(self.path, flag, self.mode, self.open, self.open_kwargs)

    # -- the database --------------------------------------------------------------

    @property
    def location(self) -> Hashable:
        return self._location

    @property
    def db(self) -> Any:
        """The object that `open` has returned, or None once the store is closed."""
        return None if self._database is None else self._database.handle

    def _here(self) -> _Database:
        """Return the database, if this process may use it."""
        database = self._database
        if database is None:
            raise StoreError(f"the DBM database {self.path!r} is closed")
        if database.pid != os.getpid():
            # The two processes would move each other's position in the file.
            if self._mode != "r":
                raise StoreError(
                    f"the DBM database {self.path!r} was opened before this process was forked; "
                    "open it after the fork, and in one process at a time"
                )
            _inherited.append(database)
            database = self._database = self._attached(self.flag)
        return database

    def _turn(self, database: _Database) -> Any:
        return database.lock if self.write_lock else nullcontext()

    def _do(self, work: Callable[[Any], T]) -> T:
        database = self._here()
        with self._turn(database):
            return database.do(work)

    def _change(self, work: Callable[[Any], T]) -> T:
        database = self._here()
        with self._turn(database):
            database.mark()
            return database.do(work)

    def flush(self) -> None:
        """Write all changes to the file."""
        database = self._here()
        if self._mode != "r":
            with self._turn(database):
                database.flush()

    def close(self) -> None:
        """Write all changes to the file, and close the database."""
        database, self._database = self._database, None
        if database is not None:
            _detach(database)

    def __del__(self) -> None:
        database = getattr(self, "_database", None)
        if database is not None and not database.is_closed:
            self.close()

    # -- reading -------------------------------------------------------------------

    def __getitem__(self, key: str) -> bytes:
        name = check_key(key).encode()
        try:
            return self._do(lambda handle: handle[name])  # type: ignore[no-any-return]
        except KeyError:
            raise KeyError(key) from None

    def getitems(self, keys: Sequence[str], *, contexts: Any = None) -> dict[str, Buffer]:
        def get(handle: Any) -> dict[str, Buffer]:
            found = {}
            for key in keys:
                try:
                    found[key] = handle[key.encode()]
                except KeyError:
                    pass
            return found

        return self._do(get) if keys else {}

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, str) or not key:
            return False
        name = key.encode()
        return self._do(lambda handle: name in handle)

    def _all(self) -> list[str]:
        return self._do(_all_keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return self._do(len)

    # -- writing -------------------------------------------------------------------

    def __setitem__(self, key: str, value: Buffer) -> None:
        DBMStore.setitems(self, {key: value})

    def setitems(self, items: Mapping[str, Buffer]) -> None:
        self.check_writeable()
        pairs = {check_key(key): as_bytes(value) for key, value in items.items()}
        database = self._here()
        if database.hides_empty:
            for key, value in pairs.items():
                if not value:
                    raise StoreError(f"dbm.ndbm cannot hold the empty value of {key!r}")

        def put(handle: Any) -> None:
            # An interrupt leaves no tree, which is better than a wrong one.
            tree, database.tree = database.tree, None
            for key, value in pairs.items():
                handle[key.encode()] = value
                if tree is not None:
                    tree.add(key)
            database.tree = tree

        self._change(put)

    def __delitem__(self, key: str) -> None:
        if not self._delete([check_key(key)]):
            raise KeyError(key)

    def delitems(self, keys: Iterable[str]) -> None:
        self._delete(list(keys))

    def _delete(self, keys: list[str]) -> int:
        """Delete those `keys` that exist; return their number."""
        self.check_writeable()
        database = self._here()

        def delete(handle: Any) -> int:
            number = 0
            tree, database.tree = database.tree, None
            for key in keys:
                try:
                    del handle[key.encode()]
                except KeyError:
                    continue
                number += 1
                if tree is not None:
                    tree.remove(key)
            if number and dumb.is_dumb(handle):
                handle.sync()
            database.tree = tree
            return number

        return self._change(delete)

    # -- listing -------------------------------------------------------------------

    def _seek(self, path: str, only_children: bool) -> list[str]:
        """Return what lies below `path` in a B-tree; of folders below it only the names."""
        prefix = f"{path}/".encode() if path else b""
        return [key.decode() for key in self._do(partial(_seek, prefix, only_children))]

    def list_prefix(self, path: str = "") -> Iterator[str]:
        database = self._here()
        if database.is_sorted:
            return iter(self._seek(path, only_children=False))
        with self._turn(database):
            return iter(list(database.folders().below(path)))

    def listdir(self, path: str = "") -> list[str]:
        database = self._here()
        if database.is_sorted:
            skip = len(path) + 1 if path else 0
            names = self._seek(path, only_children=True)
            return sorted({name[skip:].removesuffix("/") for name in names})
        with self._turn(database):
            return database.folders().names(path)

    def getsize(self, path: str = "") -> int:
        if path and path in self:
            return len(self[path])
        database = self._here()
        if database.is_sorted:
            keys = [key for key in self._seek(path, only_children=True) if key[-1] != "/"]
        else:
            with self._turn(database):
                keys = database.folders().values(path)
        return sum(len(value) for value in self.getitems(keys).values())

    # -- as an object --------------------------------------------------------------

    def __reduce__(self) -> Any:
        if self._database is not None:
            self.flush()
        # To open it again must not empty it.
        flag = "c" + self.flag[1:] if self.flag[:1] == "n" else self.flag
        arguments = (self.path, flag, self.mode, self.open, self.write_lock)
        return partial(type(self), *arguments, self._dimension_separator, **self.open_kwargs), ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.path!r}>"


def _delete_all(handle: Any) -> None:
    for name in list(handle.keys()):
        del handle[name]
    if dumb.is_dumb(handle):
        handle.sync()


def _all_keys(handle: Any) -> list[str]:
    return [key.decode() for key in handle.keys()]  # noqa: SIM118  (not all can be iterated)


def _seek(prefix: bytes, only_children: bool, handle: Any) -> list[bytes]:
    """Return keys of a B-tree that begin with `prefix`, without reading their values."""
    cursor = handle.db.cursor()
    try:
        return _keys_from(cursor, prefix, only_children)
    finally:
        cursor.close()


def _keys_from(cursor: Any, prefix: bytes, only_children: bool) -> list[bytes]:
    keys: list[bytes] = []
    go = partial(_key_there, dlen=0, doff=0)
    key = go(cursor.set_range, prefix) if prefix else go(cursor.first)
    while key is not None and key.startswith(prefix):
        name, slash, _ = key[len(prefix) :].partition(b"/")
        if only_children and slash:
            keys.append(prefix + name + slash)
            key = go(cursor.set_range, prefix + name + b"0")  # "0" follows "/"
        else:
            keys.append(key)
            key = go(cursor.next)
    return keys


def _key_there(move: Callable[..., Any], *arguments: bytes, **options: int) -> bytes | None:
    """Return the key to which `move` takes a cursor, or None if there is none."""
    try:
        record = move(*arguments, **options)
    except KeyError:
        return None
    return None if record is None else bytes(record[0])
