"""Transactions on directories: begin, commit, roll back."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import Any
from weakref import WeakValueDictionary

from zarr._system import SharedLock
from zarr.errors import StorePermissionError, TransactionError
from zarr.storage.journal import Changes, Commit, Journal, has_commit, read_commit
from zarr.storage.overlay import OverlayStore, StagingStore

__all__ = ["DirectoryReading", "DirectoryTransaction"]

_begun: WeakValueDictionary[str, DirectoryTransaction] = WeakValueDictionary()
"""The transactions of this process, by the real path of the directory.

Those that are over, and those that an interrupt has dropped, are none.
"""


class DirectoryTransaction:
    """A transaction that changes a directory.

    Parameters
    ----------
    base : DirectoryStore
        The directory.
    journal : Journal
        Its journal.
    fsync : bool
        Whether a commit waits for the disk.
    timeout : float
        Seconds for which to wait for other transactions.
    """

    def __init__(self, base: Any, journal: Journal, fsync: bool, timeout: float) -> None:
        self._journal = journal
        self._timeout = timeout
        self._root = os.path.realpath(journal.root)
        self._thread = threading.get_ident()
        other = _begun.get(self._root)
        if other is not None and other._lock.is_held and other._thread == self._thread:
            raise TransactionError(
                f"this thread is already in a transaction on {base!r}: use that one"
            )
        self._lock: SharedLock = journal.lock("lock", timeout)
        try:
            _begun[self._root] = self
            journal.recover_locked(timeout)
            self._changes = Changes(os.urandom(8).hex(), fsync=fsync)
            self.store = StagingStore(base, journal, self._changes)
        except BaseException:
            self._lock.release()
            raise

    def commit(self) -> None:
        """Make all changes visible together, and end the transaction."""
        made: list[str] = []
        try:
            self.store.close_for_changes()
            self.store.settle()
            if self._changes.is_empty():
                self._journal.drop(self._changes.token)
            else:
                made = self._journal.prepare(self._changes)
                self._commit(Commit.of(self._changes))
        except BaseException as error:
            if not has_commit(self._root):
                self._journal.remove_folders(made)
                self._journal.drop(self._changes.token)
            elif isinstance(error, OSError):
                raise TransactionError(
                    f"the transaction on {self.store.base!r} is committed, but not all of it is in "
                    f"place yet ({error}); remove the cause and call zarr.recover"
                ) from error
            raise
        finally:
            self._lock.release()

    def _commit(self, commit: Commit) -> None:
        readers = self._journal.lock_out_readers(self._timeout)
        try:
            self._journal.write_commit(commit)
            self._journal.apply(commit)
        finally:
            readers.release()

    def rollback(self) -> None:
        """Drop all changes, and end the transaction."""
        try:
            self.store.close_for_changes()
            self._journal.drop(self._changes.token)
        finally:
            self._lock.release()


class DirectoryReading:
    """A transaction that reads a directory, in which nothing is committed meanwhile.

    Parameters
    ----------
    base : DirectoryStore
        The directory.
    journal : Journal
        Its journal.
    fsync : bool
        Not used.
    timeout : float
        Seconds for which to wait for a commit.
    """

    def __init__(self, base: Any, journal: Journal, fsync: bool, timeout: float) -> None:
        self._journal = journal
        lock: SharedLock | None = None
        try:
            # Without permission to write there may be no file to lock. Then no transaction has
            # ever been committed here, and whether one has been meanwhile is seen at the end.
            with suppress(StorePermissionError):
                lock = journal.lock_as_reader(timeout)
            commit = read_commit(journal.root)
            changes = Changes("") if commit is None else commit.changes
            self.store = OverlayStore(base, journal, changes)
        except BaseException:
            if lock is not None:
                lock.release()
            raise
        self._lock = lock

    def commit(self) -> None:
        """End the transaction.

        Raises
        ------
        TransactionError
            If there may have been a commit meanwhile.
        """
        try:
            readers = os.path.join(self._journal.folder, "readers")
            if self._lock is None and os.path.lexists(readers):
                raise TransactionError(
                    f"the first transaction on {self._journal.root!r} was committed while it was "
                    "read, and this process may not write there to prevent that; read again"
                )
        finally:
            if self._lock is not None:
                self._lock.release()

    def rollback(self) -> None:
        """End the transaction."""
        if self._lock is not None:
            self._lock.release()
