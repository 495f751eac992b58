"""Changes to several arrays and groups that become visible together."""

from __future__ import annotations

from collections.abc import MutableMapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from zarr._nodes.node import Node
from zarr._shared.changes import changes
from zarr._shared.chunk_cache import forget_below
from zarr.errors import TransactionError
from zarr.hierarchy import Group, Mode, open_group
from zarr.storage.base import BaseStore, Outcome, StoreTransaction
from zarr.storage.resolve import Opened

__all__ = ["Transaction", "recover", "transaction"]


class Transaction:
    """A transaction on a store, used in a ``with`` statement; see :func:`zarr.transaction`.

    Parameters
    ----------
    store : Group, BaseStore, MutableMapping, str or path-like
        The store, as for :func:`zarr.transaction`.
    fsync : bool
        Whether a commit waits until all changes are on the disk.
    timeout : float
        Seconds for which to wait for other transactions.
    read_only : bool
        Whether only to read.

    Examples
    --------
    >>> import zarr
    >>> root = zarr.open_group('data/pair.zarr', mode='w')
    >>> with zarr.transaction(root) as txn:
    ...     txn
    <zarr.tools.transaction.Transaction on <DirectoryStore: ...>, open>
    """

    def __init__(self, store: Any, fsync: bool, timeout: float, read_only: bool) -> None:
        if isinstance(store, Node):
            if store._chunk_store is not None:
                raise TransactionError(
                    f"{store!r} has its chunks in another store, and a transaction has one; "
                    "pass that store"
                )
            read_only = read_only or store.read_only
            self._path = store.path
            store = store._store
        else:
            self._path = ""
        self._opened = Opened(store, "r" if read_only else "a")
        self._options = {"fsync": fsync, "timeout": timeout, "read_only": read_only}
        self._read_only = read_only
        self._begun: StoreTransaction | None = None
        self._group: Group | None = None

    @property
    def store(self) -> BaseStore:
        """The store to work in: what is read from it includes the changes made so far."""
        return self._in_progress().store

    def _in_progress(self) -> StoreTransaction:
        if self._begun is None:
            raise TransactionError(
                "the transaction is not open: use it inside of its with statement"
            )
        return self._begun

    @property
    def group(self) -> Group:
        """The group to work in, at the path of the given group, or at the root.

        It is created if the store is empty, unless the transaction is read-only.
        """
        store = self.store
        if self._group is None:
            mode: Mode = "r" if self._read_only else "a"
            self._group = open_group(store, mode=mode, path=self._path)
        return self._group

    def rollback(self) -> None:
        """Drop all changes, and end the transaction.

        Raises
        ------
        TransactionError
            If the transaction is over.
        """
        self._in_progress().rollback()
        self._begun = self._group = None  # not before: an interrupt is for `__exit__`

    def __enter__(self) -> Self:
        self._original = self._opened.__enter__()
        try:
            self._begun = self._original.begin(**self._options)  # type: ignore[arg-type]
        except BaseException:
            self._opened.__exit__()
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        begun, self._begun, self._group = self._begun, None, None
        try:
            if begun is not None and exc is None:
                begun.commit()
                if not self._read_only:
                    tell_handles(self._original)
            elif begun is not None:
                begun.rollback()
        except BaseException:
            if begun is not None:
                with suppress(Exception):
                    begun.rollback()  # or an interrupt could keep it open
            raise
        finally:
            self._opened.__exit__()

    def __repr__(self) -> str:
        state = "not open" if self._begun is None else "open"
        return f"<{type(self).__module__}.{type(self).__qualname__} on {self._opened!r}, {state}>"


def tell_handles(store: BaseStore) -> None:
    """Let the handles of this process on a store notice that it has changed."""
    address = store.address()
    changes.note(address)
    forget_below(address)


def transaction(
    store: Group | BaseStore | MutableMapping[str, Any] | str,
    *,
    fsync: bool = True,
    timeout: float = 30.0,
    read_only: bool = False,
) -> Transaction:
    """Return a transaction: changes to several arrays and groups that become visible together.

    Use it in a ``with`` statement and work in its `group`. Leaving the statement commits all
    changes at once; an exception, or the death of the process, leaves the store as it was.

    Parameters
    ----------
    store : Group, BaseStore, MutableMapping, str or path-like
        A group, a store, or a path or URL of one. A transaction is on the whole store, so a path
        must be that of the store, the same for all processes.
    fsync : bool, default True
        Whether a commit waits until all changes are on the disk, so that a power failure leaves
        all or nothing of them, too. Databases do what they are configured for.
    timeout : float, default 30.0
        Seconds for which to wait for other transactions, which are one at a time.
    read_only : bool, default False
        Whether only to read. Nobody commits a transaction meanwhile, so all that is read belongs
        together.

    Returns
    -------
    Transaction
        With the attributes `group` and `store` and the method `rollback`.

    Raises
    ------
    TransactionError
        If the store has no transactions, if another transaction takes longer than `timeout`, or if
        a commit was not completed.
    TransactionConflictError
        On OCDBT, at the end, if others have changed what was read.
    StorePermissionError
        If the store cannot be changed.

    Notes
    -----
    Directories (:class:`~zarr.DirectoryStore`, :class:`~zarr.N5Store` and stores like them),
    SQLite, LMDB, Redis, OCDBT and ZIP have transactions. On directories and Redis all writers must
    use them: a change outside of a transaction does not wait for one, and one of the two can be
    lost. On OCDBT nobody waits, and a transaction that has read what others have changed since is
    not committed. On ZIP archives nobody waits, either: there is one writer, and others get an
    error.

    On directories, transactions are specified on the page `Transactions` of the documentation.

    Examples
    --------
    >>> import zarr
    >>> root = zarr.open_group('data/weather.zarr', mode='w')
    >>> for name in ('temperature', 'wind'):
    ...     z = root.zeros(name, shape=(0, 4), chunks=(10, 4), dtype='f4')
    >>> with zarr.transaction(root) as txn:
    ...     for name in ('temperature', 'wind'):
    ...         shape = txn.group[name].append([[1, 2, 3, 4]])
    ...     txn.group.attrs['until'] = '2026-11-29'
    >>> root['wind'].shape, root.attrs['until']
    ((1, 4), '2026-11-29')
    """
    return Transaction(store, fsync, timeout, read_only)


def recover(
    store: Group | BaseStore | MutableMapping[str, Any] | str, timeout: float = 30.0
) -> Outcome:
    """Complete or undo a transaction that was interrupted.

    The next transaction or write does so, too, and what is read meanwhile is right.

    Parameters
    ----------
    store : Group, BaseStore, MutableMapping, str or path-like
        A group, a store, or a path or URL of one.
    timeout : float, default 30.0
        Seconds for which to wait for a running transaction.

    Returns
    -------
    str
        ``'clean'`` if nothing was to be done, ``'rolled back'`` if changes that had not been
        committed were deleted, ``'rolled forward'`` if a commit was completed.

    Raises
    ------
    TransactionError
        If the store has no transactions, or cannot be recovered.
    StorePermissionError
        If the store cannot be changed.

    Examples
    --------
    >>> import zarr
    >>> root = zarr.open_group('data/example.zarr', mode='w')
    >>> zarr.recover('data/example.zarr')
    'clean'
    """
    with Opened(store._store if isinstance(store, Node) else store, "a") as opened:
        return opened.recover(timeout)
