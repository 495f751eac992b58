"""The journal of a directory: changes to many files that become valid together.

`ROOT/__txn/` holds the files of changes that are being made, and the commit record that makes
them valid. The layout is specified on docs/formats/transactions.md.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from zarr._shared.threads import run_all
from zarr._system import SharedLock, exists, rename, unlink
from zarr.errors import StorePermissionError, TransactionError
from zarr.storage.base import Outcome
from zarr.storage.files import (
    ABSENT,
    discard,
    file_type,
    is_temporary,
    make_folder,
    move,
    put_link,
    sync_file,
    sync_folder,
    temporary_name,
    write_new_file,
)
from zarr.storage.links import check_inside
from zarr.storage.order import is_document_name

__all__ = [
    "FOLDER", "RESERVED", "SNAPSHOTS", "Changes", "Commit", "Journal", "has_commit", "read_commit",
]  # fmt: skip

FOLDER = "__txn"
SNAPSHOTS = "__snapshots"
RESERVED = frozenset((FOLDER, SNAPSHOTS))
"""Names at the root of a directory that hold no keys of the store."""

_VERSION = 1
_LOCKS = ("lock", "gate", "readers")
_COMMIT = "commit"
_RECORD = "record"
_SYNCS = 8
"""How many files are flushed at a time."""

_MOST_BYTES = 1 << 30
"""Size of the largest commit record that is read: some ten million keys."""


# -- what changes ----------------------------------------------------------------------


@dataclass(slots=True)
class Changes:
    """What a transaction changes.

    Attributes
    ----------
    token : str
        What the names of the new files begin with, which no other transaction uses.
    files : dict
        Number and size of the new file, by key.
    keys : set
        Keys that are deleted.
    folders : set
        Paths below which all is deleted but `files`.
    fsync : bool
        Whether to wait for the disk.
    links : bool
        Whether files keep their names in the journal until all is done.
    is_committed : bool
        Whether the changes are those of a commit record.
    """

    token: str
    files: dict[str, tuple[int, int]] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)
    fsync: bool = True
    links: bool = True
    is_committed: bool = False

    def hides(self, key: str) -> bool:
        """Tell whether what the store had at `key`, a value or a folder, has been deleted."""
        if key in self.keys or key in self.folders:
            return True
        return bool(self.folders) and any(folder in self.folders for folder in _above(key))

    def deletes_below(self, path: str) -> bool:
        """Tell whether a key or folder below `path` has been deleted."""
        prefix = f"{path}/" if path else ""
        return any(
            name.startswith(prefix) for names in (self.keys, self.folders) for name in tuple(names)
        )

    def is_empty(self) -> bool:
        """Tell whether nothing changes."""
        return not (self.files or self.keys or self.folders)


def _above(key: str) -> Iterator[str]:
    """Yield the paths of the folders above a key, from the innermost to the root."""
    while key:
        key = key.rpartition("/")[0]
        yield key


def put_order(keys: Iterable[str]) -> list[str]:
    """Return keys in the order in which readers that know no journal are to see them.

    Chunks come first, metadata after them from the inside out, and consolidated metadata last.
    """
    return sorted(keys, key=_rank_of_put)


def _rank_of_put(key: str) -> tuple[int, int]:
    depth, name = key.count("/"), key.rpartition("/")[2]
    if not is_document_name(name):
        return 0, 0
    return (2 if name == ".zmetadata" else 1), -depth


def _delete_order(keys: Iterable[str]) -> list[str]:
    """Return keys with metadata first, from the outside in."""
    return sorted(
        keys, key=lambda key: (not is_document_name(key.rpartition("/")[2]), key.count("/"))
    )


# -- the commit record -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Commit:
    """The steps of a transaction that has become valid.

    Attributes
    ----------
    changes : Changes
        What changes.
    first : tuple of str
        Deleted keys that are in the way of new folders.
    puts : tuple of str
        Keys of new files, in the order in which they are put into place.
    deletes : tuple of str
        Deleted keys, in that order.
    """

    changes: Changes
    first: tuple[str, ...]
    puts: tuple[str, ...]
    deletes: tuple[str, ...]

    @classmethod
    def of(cls, changes: Changes) -> Commit:
        above = {folder for key in changes.files for folder in _above(key)}
        first = changes.keys & above
        return cls(
            changes,
            tuple(sorted(first)),
            tuple(put_order(changes.files)),
            tuple(_delete_order(changes.keys - first)),
        )

    def dump(self) -> bytes:
        """Return the record: one line with its version and digest, one with the steps."""
        changes = self.changes
        steps = {
            "token": changes.token,
            "fsync": changes.fsync,
            "links": changes.links,
            "delete_first": self.first,
            "put": [[key, *changes.files[key]] for key in self.puts],
            "delete": self.deletes,
            "delete_folders": sorted(changes.folders),
        }
        body = json.dumps(steps, separators=(",", ":")).encode()
        head = {"zarr_transaction": _VERSION, "sha256": hashlib.sha256(body).hexdigest()}
        return json.dumps(head).encode() + b"\n" + body + b"\n"

    @classmethod
    def parse(cls, record: bytes) -> Commit:
        """Return the steps in a record; raise `ValueError` if it is not a valid one."""
        head, _, body = record.partition(b"\n")
        about = json.loads(head)
        if about["zarr_transaction"] != _VERSION:
            raise ValueError(f"version {about['zarr_transaction']!r:.20} is not supported")
        body = body.removesuffix(b"\n")
        if about["sha256"] != hashlib.sha256(body).hexdigest():
            raise ValueError("its digest differs from its content")
        steps = json.loads(body)
        files = {_text(key): (_number(number), _number(size)) for key, number, size in steps["put"]}
        lists = {
            name: tuple(map(_text, steps[name]))
            for name in ("delete_first", "delete", "delete_folders")
        }
        changes = Changes(
            _token(steps["token"]),
            files,
            {*lists["delete_first"], *lists["delete"]},
            set(lists["delete_folders"]),
            steps["fsync"] is True,
            steps["links"] is True,
            is_committed=True,
        )
        return cls(changes, lists["delete_first"], tuple(files), lists["delete"])


def _text(value: Any) -> str:
    if type(value) is not str or not value:
        raise ValueError(f"{value!r:.50} is not a key")
    return value


def _number(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r:.50} is not a number")
    return value


def _token(value: Any) -> str:
    if not _text(value).isalnum() or value in (*_LOCKS, _COMMIT):
        raise ValueError(f"{value!r:.50} is not the name of a folder of the journal")
    return _text(value)


def has_commit(root: str) -> bool:
    """Tell whether a directory has a commit that is not completed: one cheap look."""
    # Not if the look fails: reading the store raises what there is to raise.
    return exists(f"{root}/{FOLDER}/{_COMMIT}")


def read_commit(root: str) -> Commit | None:
    """Return the commit record of a directory, or None if it has none.

    Raises
    ------
    TransactionError
        If there is one that is not valid.
    """
    path = os.path.join(root, FOLDER, _COMMIT, _RECORD)
    record = None
    while record is None:
        try:
            with open(path, "rb") as file:
                record = file.read(_MOST_BYTES + 1)
        except ABSENT:
            if not has_commit(root):
                return None
            # Without a record, unless another commit has come into its place this moment.
            if not os.path.exists(path):
                record = b""
    try:
        if len(record) > _MOST_BYTES:
            raise ValueError(f"it has more than {_MOST_BYTES} bytes")
        return Commit.parse(record)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise TransactionError(
            f"the commit record {path!r} is not valid ({error}), so the store {root!r} may hold "
            "half of a transaction; check the store, or restore it from a copy, and then delete "
            f"the folder {FOLDER!r} in it"
        ) from error


# -- the journal -----------------------------------------------------------------------


class Journal:
    """The journal of the directory `root`.

    Parameters
    ----------
    root : str
        The directory.
    file_of : callable
        Returns the path of the file for a key.
    """

    def __init__(self, root: str, file_of: Callable[[str], str]) -> None:
        self.root = root
        self.folder = os.path.join(root, FOLDER)
        self._file = file_of

    def path(self, changes: Changes, number: int) -> str:
        """Return the path of a new file."""
        folder = _COMMIT if changes.is_committed else changes.token
        return f"{self.folder}/{folder}/{changes.token}.{number}"

    # -- locks -----------------------------------------------------------------------

    def lock(self, name: str, timeout: float, *, shared: bool = False) -> SharedLock:
        """Return a lock of the journal, which is held.

        Raises
        ------
        TransactionError
            If others hold it for longer than `timeout` seconds.
        StorePermissionError
            If the directory cannot be changed.
        """
        lock = SharedLock(os.path.join(self.folder, name), shared=shared)
        try:
            self._acquire(lock, timeout)
        except BaseException:
            lock.release()  # an interrupt may have come just behind
            raise
        return lock

    def _acquire(self, lock: SharedLock, timeout: float) -> None:
        try:
            try:
                acquired = lock.acquire(timeout)
            except FileNotFoundError:
                make_folder(self.folder, fsync=True)
                acquired = lock.acquire(timeout)
        except PermissionError as error:
            raise StorePermissionError(
                f"a transaction needs permission to write in the directory {self.root!r}: {error}"
            ) from error
        if not acquired:
            raise TransactionError(
                f"the store {self.root!r} has been in a transaction of another thread or process "
                f"for more than {timeout:g} s; nothing was changed. Wait longer with timeout="
            )

    def lock_out_readers(self, timeout: float) -> SharedLock:
        """Return the lock that excludes readers; new ones wait while it is waited for."""
        gate = self.lock("gate", timeout)
        try:
            return self.lock("readers", timeout)
        finally:
            gate.release()

    def lock_as_reader(self, timeout: float) -> SharedLock:
        """Return the lock that excludes commits."""
        gate = self.lock("gate", timeout, shared=True)
        try:
            return self.lock("readers", timeout, shared=True)
        finally:
            gate.release()

    # -- commit ----------------------------------------------------------------------

    def prepare(self, changes: Changes) -> list[str]:
        """Make sure that all steps can be done; return the folders that were made for that.

        Raises
        ------
        TransactionError
            If a folder is not writeable, or not in the directory.
        """
        made: list[str] = []
        above = {folder for key in changes.files for folder in _above(key)}
        blocked = changes.keys & above
        try:
            for folder in sorted({_folder_of(key) for key in (*changes.files, *changes.keys)}):
                if blocked and not blocked.isdisjoint((folder, *_above(folder))):
                    continue  # a file is in the way, and will be deleted
                self._prepare_folder(folder, folder in above, changes, made)
            if changes.fsync:
                self._sync_new(changes)
        except BaseException:
            self.remove_folders(made)
            raise
        return made

    def _prepare_folder(
        self, folder: str, is_needed: bool, changes: Changes, made: list[str]
    ) -> None:
        path = os.path.dirname(self._file(f"{folder}/x" if folder else "x"))
        check_inside(folder, self.root, path)
        if is_needed and not file_type(path):
            missing = path
            while not file_type(missing):
                made.append(missing)
                missing = os.path.dirname(missing)
            try:
                make_folder(path, changes.fsync)
            except (FileExistsError, NotADirectoryError) as error:
                raise TransactionError(
                    f"cannot store a key below {folder!r} in {self.root!r}: one of the folders "
                    "above it is a file"
                ) from error
        if file_type(path) and not os.access(path, os.W_OK | os.X_OK):
            raise StorePermissionError(f"cannot change the folder {path!r}: permission denied")

    def remove_folders(self, made: Iterable[str]) -> None:
        """Remove folders that were made for nothing."""
        for path in sorted(made, key=len, reverse=True):
            with suppress(OSError):
                os.rmdir(path)

    def _sync_new(self, changes: Changes) -> None:
        paths = (self.path(changes, number) for number, _ in changes.files.values())
        # Several at a time: the file system then writes its own journal less often.
        run_all(sync_file, paths, _SYNCS)
        sync_folder(self.root)

    def write_commit(self, commit: Commit) -> None:
        """Write the commit record, and rename its folder: with that the changes become valid."""
        changes = commit.changes
        folder = os.path.join(self.folder, changes.token)
        os.makedirs(folder, exist_ok=True)  # where nothing but deletions
        path = os.path.join(folder, _RECORD)
        write_new_file(path, commit.dump())
        if changes.fsync:
            sync_file(path)
            sync_folder(folder)
        rename(folder, os.path.join(self.folder, _COMMIT))
        changes.is_committed = True
        if changes.fsync:
            sync_folder(self.folder)

    # -- after the commit --------------------------------------------------------------

    def apply(self, commit: Commit) -> None:
        """Put all changes of a commit record into place, and delete the record.

        Done again after an interruption, it has the same effect.
        """
        changes = commit.changes
        self._check_folders(commit)
        self._delete(commit.first)
        folders = set()
        for key in commit.puts:
            target = self._file(key)
            self._put(changes, key, target)
            folders.add(os.path.dirname(target))
        if changes.fsync:  # before anything is deleted, as readers without a journal see both
            for folder in folders:
                sync_folder(folder)
        self._delete(commit.deletes)
        for path in sorted(changes.folders):
            discard(os.path.dirname(self._file(f"{path}/x")))
        if changes.fsync:
            self._sync_deleted(commit)
        self._end(changes)

    def _check_folders(self, commit: Commit) -> None:
        """Raise `StorePermissionError` if a symbolic link leads out of the directory."""
        keys = (*commit.changes.files, *commit.changes.keys, *commit.changes.folders)
        for folder in {_folder_of(key) for key in keys}:
            check_inside(folder, self.root, os.path.dirname(self._file(f"{folder}/x".lstrip("/"))))

    def _put(self, changes: Changes, key: str, target: str) -> None:
        number, size = changes.files[key]
        source = self.path(changes, number)
        if changes.links:
            try:
                if put_link(source, target):
                    return
            except FileNotFoundError:
                if not file_type(source):
                    raise self._incomplete(key) from None
                make_folder(os.path.dirname(target), changes.fsync)
                if put_link(source, target):
                    return
        move(source, target, fsync=changes.fsync)
        with suppress(*ABSENT):
            found = os.stat(target)
            if stat.S_ISREG(found.st_mode) and found.st_size == size:
                return
        raise self._incomplete(key)

    def _incomplete(self, key: str) -> TransactionError:
        return TransactionError(
            f"the store {self.root!r} lacks the new value of key {key!r} of a transaction: it "
            "may be a copy that was made during the commit, or damaged. Copy it again, inside of "
            "zarr.transaction(store, read_only=True), or restore it from another copy"
        )

    def _delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            with suppress(*ABSENT, IsADirectoryError):
                path = self._file(key)
                if file_type(path, follow_symlinks=False) != stat.S_IFDIR:
                    unlink(path)

    def _sync_deleted(self, commit: Commit) -> None:
        folders = {
            os.path.dirname(self._file(key))
            for key in (*commit.first, *commit.deletes, *commit.changes.folders)
        }
        for folder in folders:
            with suppress(*ABSENT):
                sync_folder(folder)

    def _end(self, changes: Changes) -> None:
        aside = os.path.join(self.folder, temporary_name())
        rename(os.path.join(self.folder, _COMMIT), aside)
        if changes.fsync:
            sync_folder(self.folder)
        discard(aside)

    def drop(self, token: str) -> None:
        """Delete the new files of a transaction."""
        discard(os.path.join(self.folder, token))

    # -- recovery ----------------------------------------------------------------------

    def leftovers(self) -> list[str]:
        """Return the names in the journal that are no locks."""
        try:
            names = os.listdir(self.folder)
        except ABSENT:
            return []
        return [name for name in names if name not in _LOCKS]

    def recover(self, timeout: float) -> Outcome:
        """Complete or undo a transaction that was interrupted; `lock` is not held."""
        if not self.leftovers():
            return "clean"
        lock = self.lock("lock", timeout)
        try:
            return self.recover_locked(timeout)
        finally:
            lock.release()

    def recover_locked(self, timeout: float) -> Outcome:
        """Complete or undo a transaction that was interrupted, with `lock` held."""
        outcome: Outcome = "clean"
        if (commit := read_commit(self.root)) is not None:
            readers = self.lock_out_readers(timeout)
            try:
                self.apply(commit)
            finally:
                readers.release()
            outcome = "rolled forward"
        for name in self.leftovers():
            discard(os.path.join(self.folder, name))
            if outcome == "clean" and not is_temporary(name):
                outcome = "rolled back"
        return outcome


def _folder_of(key: str) -> str:
    return key.rpartition("/")[0]
