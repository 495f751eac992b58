"""A store in an LMDB database."""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, TypeVar

from zarr.errors import StoreError, StoreKeyError
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
from zarr.storage.lmdb_environment import Environment, Loan, any_big, attach, lent
from zarr.storage.lmdb_keys import (
    KEYS_AT_A_TIME,
    LONGEST_KEY,
    below,
    children,
    delete,
    delete_folder,
    next_below,
    sizes_below,
)
from zarr.storage.lmdb_writer import LMDBTransaction

__all__ = ["LMDBStore"]

T = TypeVar("T")

_MAP_SIZE = 1 << 40 if sys.maxsize > 1 << 32 else 1 << 30
"""Address space, not memory: the file grows as it is written."""

_MOST_LOANS = 64


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
        self._attached: Environment | None = None
        attach(self, options)
        data_file = os.path.join(self.path, "data.mdb") if options["subdir"] else self.path
        self._location = os.path.realpath(data_file)

    # -- transactions --------------------------------------------------------------

    @property
    def location(self) -> Hashable:
        return self._location

    def _environment(self) -> Environment:
        if self._attached is None:
            raise StoreError(f"the LMDB database {self.path!r} is closed")
        return self._attached

    def is_attached_to(self, environment: Environment) -> bool:
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
        return _LMDBStagingTransaction(self, fsync, timeout, read_only)

    def recover(self, timeout: float = 30.0) -> Outcome:
        self._environment()  # LMDB has nothing to recover: what is not committed is not reachable
        return "clean"

    def flush(self) -> None:
        """Write all changes to the disk."""
        self._sync(self._environment())

    def _sync(self, environment: Environment) -> None:
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
                    if self.buffers and len(environment.loans) < _MOST_LOANS and any_big(pairs):
                        loan = Loan(environment, transaction)
                    return {wanted[bytes(key)]: lent(value, loan) for key, value in pairs}
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
        if not self._write(lambda transaction: delete(transaction, [name])):
            raise KeyError(key)

    def delitems(self, keys: Iterable[str]) -> None:
        names = [key.encode() for key in keys]
        self._write(lambda transaction: delete(transaction, names))

    # -- listing -------------------------------------------------------------------

    def __iter__(self) -> Iterator[str]:
        return self.list_prefix()

    def list_prefix(self, path: str = "") -> Iterator[str]:
        # In portions, so that no transaction stays open during the iteration.
        prefix = start = f"{path}/".encode() if path else b""
        while True:
            names = self._read(partial(next_below, prefix, start), buffers=False)
            yield from (name.decode() for name in names)
            if len(names) < KEYS_AT_A_TIME:
                return
            start = names[-1] + b"\0"

    def list_sizes(self, path: str = "") -> Iterator[tuple[str, int]]:
        prefix = start = f"{path}/".encode() if path else b""
        while True:
            found = self._read(partial(sizes_below, prefix, start))
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
            for name in [*below(transaction, prefix, prefix), source]:
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


class _LMDBStagingTransaction:
    """A transaction of LMDB and the store to work in."""

    def __init__(self, store: LMDBStore, fsync: bool, timeout: float, read_only: bool) -> None:
        environment = store._environment()
        begun = LMDBTransaction(
            f"the LMDB database {store.path!r}",
            lambda: environment.transaction(write=not read_only),
            environment.turn,
        )
        # It keeps the database open, as values in the map do.
        environment.loans[id(begun)] = weakref.ref(begun)
        self._environment = environment
        self._begun = begun
        self._flush = store.flush if fsync and not read_only else None
        try:
            begun.start(timeout)
        except BaseException:
            environment.loans.pop(id(begun), None)
            raise
        self.store = _LMDBStaging(store, begun, read_only)

    def commit(self) -> None:
        """Make all changes visible together, and end the transaction."""
        import lmdb

        try:
            self._begun.commit()
        except lmdb.Error as error:
            raise self._environment.failure(error) from error
        finally:
            self._environment.loans.pop(id(self._begun), None)
        if self._flush is not None:
            self._flush()

    def rollback(self) -> None:
        """Drop all changes, and end the transaction."""
        self._begun.end()
        self._environment.loans.pop(id(self._begun), None)


class _LMDBStaging(LMDBStore):
    """The store in a transaction: all that it does is in that one."""

    def __init__(self, store: LMDBStore, begun: LMDBTransaction, read_only: bool) -> None:
        self.__dict__.update(store.__dict__)
        self._mode = "r" if read_only else store._mode
        self._location = f"transaction {id(begun)} on {store._location}"
        self._begun = begun

    def _read(self, work: Callable[[Any], T], *, buffers: bool = True) -> T:
        import lmdb

        try:
            return self._begun.run(work)
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
        self._begun.end()
