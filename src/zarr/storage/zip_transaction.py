"""Transactions on ZIP archives."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable
from pickle import PicklingError
from typing import Any

from zarr._system import RLock, sync
from zarr.errors import StoreError, TransactionError
from zarr.storage.base import StoreTransaction
from zarr.storage.identity import Identity
from zarr.storage.zip_archive import Archive, stamp_of

__all__ = ["Staging", "ZipTransaction"]


class ZipTransaction:
    """A transaction on a ZIP archive: values are appended, and the directory at its end.

    Parameters
    ----------
    base : ZipStore
        The store.
    staging : type
        The class of the store to work in.
    fsync : bool
        Whether a commit waits for the disk.
    read_only : bool
        Whether only to read.
    """

    _has_begun = False

    def __init__(self, base: Any, staging: Any, fsync: bool, read_only: bool) -> None:
        self._base, self._fsync = base, fsync
        try:
            with base._lock:
                archive = base._reading() if read_only else self._begin()
                self.store = staging(base, archive.branch(), read_only)
        except BaseException:
            self.rollback()
            raise

    def _begin(self) -> Archive:
        base = self._base
        try:
            archive: Archive = base._writing()
            if base._uncommitted:
                base._append_directory(archive)
        except StoreError as error:
            raise TransactionError(f"cannot begin a transaction: {error}") from error
        self._has_begun = base._in_transaction = True
        return archive

    def commit(self) -> None:
        """Make all changes visible together, and end the transaction."""
        base, staging = self._base, self.store
        with base._lock:
            try:
                archive = staging.close_for_changes()
                if archive is not None:
                    self._sync(archive)
                    archive.append_directory()
                    base._archive, base._tree = archive, None
                    self._sync(archive)
            except OSError as error:
                raise base._write_failure(error) from error
            finally:
                self.rollback()

    def _sync(self, archive: Archive) -> None:
        if self._fsync:
            sync(archive.descriptor)

    def rollback(self) -> None:
        """Drop all changes that are not committed, and end the transaction."""
        if not self._has_begun or self._base._pid != os.getpid():
            return
        base = self._base
        with base._lock:
            if hasattr(self, "store"):
                self.store.close_for_changes()
            archive = base._reading()
            if os.fstat(archive.descriptor).st_size > archive.end:
                archive.give_back(archive.end)
                archive.stamp = stamp_of(os.fstat(archive.descriptor))
            self._has_begun = base._in_transaction = False
            base.flush()

    def __del__(self) -> None:
        # An interrupt may have dropped it.
        self.rollback()


class Staging:
    """What a store in a transaction does otherwise: it has its own list of what is in the archive.

    Parameters
    ----------
    base : ZipStore
        The store below.
    archive : Archive
        The archive, with the list of this store.
    read_only : bool
        Whether nothing may change.
    """

    _archive: Archive | None
    _pid: int
    _mode: str
    _uncommitted: bool
    check_writeable: Callable[[], None]

    def __init__(self, base: Any, archive: Archive, read_only: bool) -> None:
        own = {"_archive": archive, "_lock": RLock(), "_tree": None, "_in_transaction": False}
        self.__dict__.update(base.__dict__, **own)
        self._uncommitted = False
        self._location, self._counted_as = Identity().number, base
        if read_only:
            self._mode = "r"

    @property
    def location(self) -> Hashable:
        return self._location

    def close_for_changes(self) -> Archive | None:
        """Refuse all use from now on; return the archive if it has been changed."""
        archive = self._archive if self._uncommitted else None
        self._archive, self._uncommitted = None, False
        return archive

    def _reading(self) -> Archive:
        if self._archive is None:
            raise TransactionError(f"the transaction on {self!r} is over; begin another one")
        if self._pid != os.getpid():
            raise TransactionError(f"the transaction on {self!r} belongs to another process")
        return self._archive

    def _writing(self) -> Archive:
        self.check_writeable()
        return self._reading()

    def flush(self) -> None:
        """Do nothing: the directory is written by the commit."""

    def close(self) -> None:
        """Do nothing: the transaction is ended by who has begun it."""

    def _refuse(self) -> Any:
        raise TransactionError(f"{self!r} is in a transaction: this is possible after its end only")

    compact = repair = _refuse

    def begin(self, **options: Any) -> StoreTransaction:
        return self._refuse()  # type: ignore[no-any-return]

    def __reduce__(self) -> Any:
        raise PicklingError("the store of a transaction cannot be pickled")

    def __del__(self) -> None:
        """Forget the file: the archive belongs to the store below."""
        self._uncommitted = False
