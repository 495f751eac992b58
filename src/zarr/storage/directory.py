"""Stores in directories of a file system: one file per key."""

from __future__ import annotations

import errno
import itertools
import os
import stat
import time
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any, ClassVar

from zarr import config
from zarr._system import (
    HAS_FOLDER_HANDLES,
    NO_FOLLOW,
    NO_NAMES,
    READ,
    absolute_path,
    can_name_files,
    exists,
    is_circular,
    real_name,
    unlink,
    why_no_name,
)
from zarr.errors import FSPathExistNotDir, StoreError, StoreKeyError
from zarr.storage.base import (
    BaseStore,
    Buffer,
    ByteRange,
    Outcome,
    Separator,
    StoreTransaction,
    Temporary,
    as_bytes,
    check_key,
    normalize_storage_path,
)
from zarr.storage.entries import is_folder, left_by_writers, size_of
from zarr.storage.files import (
    ABSENT,
    FAILURES,
    check_circle,
    discard,
    empty_but,
    file_type,
    has_temporary,
    is_absent,
    is_temporary,
    move,
    read_all,
    read_ranges,
    replace_file,
    sync_folder,
)
from zarr.storage.journal import RESERVED, Journal, has_commit, read_commit
from zarr.storage.links import check_dangling, check_inside
from zarr.storage.overlay import OverlayStore
from zarr.storage.transactions import DirectoryReading, DirectoryTransaction

__all__ = ["DirectoryStore", "NestedDirectoryStore", "reopen"]

_LISTED_AT_A_TIME = 1000
_MOST_FOLDERS = 10_000

_PATIENCE = 30.0
"""Seconds for which a write waits for the commit of another process."""

_NO_LINK = READ | NO_FOLLOW
"""How to open what should not be a link. If it is one, the system says so, and one that leads
nowhere is not mistaken for an absent file."""

_FLAGS = itertools.repeat(_NO_LINK)

_NOT_LOOKED = object()  # in place of a commit that was not looked for yet


class _NoFileError(StoreKeyError):
    """A key that every store may hold, but no file of this system."""


class DirectoryStore(BaseStore):
    """A store in a directory of a file system, one file per key.

    Parameters
    ----------
    path : str or path-like
        The directory, which is created by the first write. A relative path is resolved once, when
        the store is created.
    normalize_keys : bool, default False
        Whether to convert keys to lower case, for data shared with a case-insensitive file system.
    dimension_separator : {'.', '/'}, optional
        Separator between the chunk indices in a chunk key, for arrays created in this store, and
        for arrays of format 2 whose metadata name none.
    fsync : bool, default False
        Whether a write returns only when the value and its name are on the disk, so that it
        survives a power failure.
    follow_symlinks : bool, optional
        Whether to follow symbolic links in the directory that lead out of it. If False, links are
        checked at each access, and a link out of the directory raises `StorePermissionError`. The
        directory itself can always be a link. By default the setting of ``zarr.config``: True,
        unless the environment variable ``ZARR_FOLLOW_SYMLINKS`` is 0.

    Raises
    ------
    FSPathExistNotDir
        If `path` is a file.

    Notes
    -----
    A value is written to a temporary file that is then renamed, so a reader sees the old value or
    the new one, whole, even if the writer is killed. Safe to use from several threads and
    processes; no file stays open between calls. A folder is moved or deleted by renaming it, which
    is atomic for readers.

    Reading a link that is broken or leads back to itself raises `StoreError`; it is never treated
    as a missing value. A link to a folder above it is not listed, because the listing would not
    end.

    Files whose names begin with ``.__zarr_tmp_`` are left by processes that were killed. They are
    not keys, and can be deleted while no process writes.

    References
    ----------
    Zarr specification, version 3: "File system store".

    Examples
    --------
    >>> import zarr
    >>> store = zarr.DirectoryStore('data/array.zarr')
    >>> z = zarr.zeros((10, 10), chunks=(5, 5), store=store, overwrite=True)
    >>> z[...] = 42
    >>> sorted(store)
    ['.zarray', '0.0', '0.1', '1.0', '1.1']
    """

    partial_reads: ClassVar[bool] = True
    atomic_folders: ClassVar[bool] = True
    has_transactions: ClassVar[bool] = True

    def __init__(
        self,
        path: str | os.PathLike[str],
        normalize_keys: bool = False,
        dimension_separator: Separator | None = None,
        *,
        fsync: bool = False,
        follow_symlinks: bool | None = None,
    ) -> None:
        path = absolute_path(path)
        if file_type(path) not in (0, stat.S_IFDIR):
            raise FSPathExistNotDir(path, hint=_hint_of_file(path))
        self.path = path
        self.normalize_keys = normalize_keys
        self.fsync = fsync
        allowed = config.get().follow_symlinks if follow_symlinks is None else follow_symlinks
        self.follow_symlinks: bool = allowed
        self._dimension_separator = dimension_separator
        self._prefix = path if path[-1] in (os.sep, "/") else path + os.sep
        # Folders in keys that have been checked, because most keys share theirs with others.
        self._checked = {""}
        # A commit of another process that has not been completed. It is looked for before all
        # else, and whenever a node is opened; without one, that is all it costs.
        self._pending: Any = _NOT_LOOKED

    @property
    def root(self) -> Path:
        """The directory, as the 3.x library has it."""
        return Path(self.path)

    @property
    def location(self) -> Hashable:
        return os.path.realpath(self.path)  # not kept: links may be changed

    def address(self, path: str = "") -> tuple[Hashable, str]:
        below = path.lower() if self.normalize_keys else path
        return "file", real_name(self._prefix + below)

    # -- from keys to files --------------------------------------------------------

    def _name(self, key: object) -> str:
        """Return `key` as the names of files have it; raise `StoreKeyError` if it has no file."""
        return self._file(key)[len(self._prefix) :]

    def _file(self, key: object) -> str:
        """Return the path of the file for `key`, which cannot lie outside the root."""
        if not isinstance(key, str):
            key = check_key(key)
        if self.normalize_keys:
            key = key.lower()
        folder, _, name = key.rpartition("/")
        if folder not in self._checked or name in NO_NAMES or "\0" in name or key[0] == "/":
            self._check_folder(key, folder)
        return self._prefix + key

    def _files(self, keys: Sequence[str]) -> Iterable[str]:
        """Return the paths of the files for many keys, most often without a look at each."""
        if self.normalize_keys or not can_name_files(keys):
            return map(self._file, keys)
        return map(self._prefix.__add__, keys)

    def _check_folder(self, key: str, folder: str) -> None:
        for name in check_key(key).split("/"):
            if name in NO_NAMES and (reason := why_no_name(name)):
                raise _NoFileError(f"key {key!r} cannot be a file in {self!r}: {reason}")
        if not self.follow_symlinks:
            check_inside(key, self.path, self._prefix + folder)
            return
        if len(self._checked) > _MOST_FOLDERS:
            self._checked = {""}
        self._checked.add(folder)

    # -- transactions --------------------------------------------------------------

    def _notice_commit(self) -> OverlayStore | None:
        """Return what to read from while a commit of the directory has not been completed."""
        pending = None
        if has_commit(self.path) and (commit := read_commit(self.path)) is not None:
            pending = OverlayStore(self._without_overlay(), self._journal(), commit.changes)
        self._pending = pending
        return pending

    def _without_overlay(self) -> DirectoryStore:
        plain = object.__new__(type(self))
        plain.__dict__.update(self.__dict__)
        plain._pending = None
        return plain

    def _journal(self) -> Journal:
        return Journal(self.path, self._file)

    def _complete(self) -> None:
        """Complete the commit of another process, before anything else is changed."""
        if self._pending is not None and self._notice_commit() is not None:
            self._journal().recover(_PATIENCE)
            self._pending = None

    def begin(
        self, *, fsync: bool = True, timeout: float = 30.0, read_only: bool = False
    ) -> StoreTransaction:
        kind = DirectoryReading if read_only else DirectoryTransaction
        return kind(self._without_overlay(), self._journal(), fsync, timeout)

    def recover(self, timeout: float = 30.0) -> Outcome:
        outcome = self._journal().recover(timeout)
        self._pending = None
        return outcome

    # -- reading -------------------------------------------------------------------

    def probe(self, keys: Sequence[str]) -> dict[str, Buffer]:
        self._notice_commit()
        return self.getitems(keys)

    def _read(self, key: str, ranges: Sequence[ByteRange] | None = None) -> Any:
        """Return the value of `key`, or those `ranges` of it; None if it is absent."""
        try:
            path = self._file(key)
        except _NoFileError:
            return None
        try:
            try:
                return self._read_file(path, ranges, _NO_LINK)
            except OSError as error:
                if error.errno != errno.ELOOP:
                    raise
                target = path if self.follow_symlinks else check_inside(key, self.path, path)
                return self._read_file(target, ranges, READ)
        except FAILURES as error:
            if isinstance(error, StoreError):
                raise
            check_circle(error)
            if is_absent(error):
                check_dangling(key, self.path, path)
                return None
            if _means_folder(path, error):
                return None
            if file_type(path) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise StoreError(
                    f"cannot read key {key!r} of {self!r}: {path!r} is a pipe, a socket or a "
                    "device; expected a regular file"
                ) from error
            raise

    def _read_file(self, path: str, ranges: Sequence[ByteRange] | None, flags: int) -> Any:
        (descriptor,) = map(os.open, (path,), (flags,))
        try:
            return read_all(descriptor) if ranges is None else read_ranges(descriptor, ranges)
        finally:
            os.close(descriptor)

    def __getitem__(self, key: str) -> bytes:
        if self._pending is not None and (overlay := self._notice_commit()) is not None:
            return as_bytes(overlay[key])
        value = self._read(key)
        if value is None:
            raise KeyError(key)
        return as_bytes(value)

    def getitems(self, keys: Sequence[str], *, contexts: Any = None) -> dict[str, Buffer]:
        if self._pending is not None and (overlay := self._notice_commit()) is not None:
            return overlay.getitems(keys)
        if not self.follow_symlinks:
            return {key: value for key in keys if (value := self._read(key)) is not None}
        # Three system calls per key, and little else: this is what reading small chunks costs.
        found: dict[str, Buffer] = {}
        opened = zip(keys, map(os.open, self._files(keys), _FLAGS), strict=True)
        while True:
            try:
                for key, descriptor in opened:
                    try:
                        found[key] = read_all(descriptor)
                    except IsADirectoryError:
                        pass
                    finally:
                        os.close(descriptor)
                if len(found) < len(keys):
                    self._check_absent(keys, found)
                return found
            except ABSENT:
                continue  # with the next key
            except (*FAILURES, _NoFileError):
                # A link or a failure: one by one, to find out which, and of which key.
                left = [key for key in keys if key not in found]
                return found | {k: value for k in left if (value := self._read(k)) is not None}

    def _check_absent(self, keys: Sequence[str], found: Mapping[str, Buffer]) -> None:
        """Raise `StoreError` if keys are not found because of a link to nowhere."""
        if not NO_FOLLOW:
            for key in [key for key in keys if key not in found]:
                check_dangling(key, self.path, self._file(key))
            return
        # They are no links themselves, or opening them would have failed. Where something was
        # found in their folder, that is no link to nowhere either.
        folders = {key.rpartition("/")[0]: key for key in keys if key not in found}
        for key in found:
            folders.pop(key.rpartition("/")[0], None)
            break  # because most keys are in one folder
        for folder, key in folders.items():
            if not exists(path := self._folder(folder)):
                check_dangling(key, self.path, path)

    def get_first(self, keys: Sequence[str]) -> dict[str, Buffer]:
        # Most often it is the first one: to look for the others would double the system calls.
        for key in keys:
            if found := self.getitems([key]):
                return found
        return {}

    def get_partial_values(self, ranges: Sequence[tuple[str, ByteRange]]) -> list[Buffer | None]:
        if self._pending is not None and (overlay := self._notice_commit()) is not None:
            return overlay.get_partial_values(ranges)
        values: list[Buffer | None] = []
        # The ranges of one value come from one file, though another may take its place.
        for key, group in itertools.groupby(ranges, key=itemgetter(0)):
            wanted = [byte_range for _, byte_range in group]
            parts = self._read(key, wanted)
            values += [None] * len(wanted) if parts is None else parts
        return values

    def __contains__(self, key: object) -> bool:
        if self._pending is not None and (overlay := self._notice_commit()) is not None:
            return key in overlay
        try:
            path = self._file(key)
        except StoreKeyError:
            return False
        if not self.follow_symlinks:
            check_inside(str(key), self.path, path)
        try:
            found = file_type(path)
        except ValueError:  # of a key that no file can have
            return False
        if not found:
            check_dangling(str(key), self.path, path)
        return found not in (0, stat.S_IFDIR)

    def present(self, keys: Sequence[str]) -> list[str]:
        if self._pending is not None or not self.follow_symlinks:
            return [key for key in keys if key in self]
        found: dict[str, bool] = {}
        asked = zip(keys, map(os.stat, self._files(keys)), strict=True)
        while True:
            try:
                for key, state in asked:
                    found[key] = not stat.S_ISDIR(state.st_mode)
                break
            except ABSENT:
                continue  # with the next key
            except (*FAILURES, StoreKeyError, ValueError):
                return [key for key in keys if key in self]  # one by one, to find out which
        for key in keys:
            if key not in found:
                check_dangling(key, self.path, self._file(key))
        return [key for key in keys if found.get(key)]

    # -- writing -------------------------------------------------------------------

    def __setitem__(self, key: str, value: Buffer) -> None:
        if self._mode == "r":
            self.check_writeable()
        self._complete()
        path = self._file(key)
        try:
            replace_file(path, value, fsync=self.fsync)
        except UnicodeEncodeError as error:
            raise StoreKeyError(f"key {key!r} cannot be the name of a file: {error}") from error
        except (FileExistsError, NotADirectoryError) as error:
            check_dangling(key, self.path, os.path.dirname(path))
            raise StoreKeyError(
                f"cannot store key {key!r} in {self!r}: one of the folders above it is a file"
            ) from error

    def setitems(self, items: Mapping[str, Buffer]) -> None:
        for key, value in items.items():
            self[key] = value

    def __delitem__(self, key: str) -> None:
        self.check_writeable()
        self._complete()
        try:
            path = self._file(key)
        except _NoFileError:
            raise KeyError(key) from None
        try:
            unlink(path)
        except FAILURES as error:
            check_circle(error)
            # Some systems say that it is not permitted to unlink a folder.
            if is_absent(error) or file_type(path, follow_symlinks=False) == stat.S_IFDIR:
                raise KeyError(key) from None
            raise
        if self.fsync:
            sync_folder(os.path.dirname(path))

    # -- listing -------------------------------------------------------------------

    def _folder(self, path: str) -> str:
        return self._file(f"{path}/x")[:-2] if path else self.path

    def _entries(self, path: str) -> list[os.DirEntry[str]]:
        """Return the values and folders directly below `path`, sorted by name."""
        found = list(itertools.chain.from_iterable(self._scan(path)))
        return sorted(found, key=attrgetter("name"))

    def _scan(
        self, path: str, most: int | None = None, temporary: list[os.DirEntry[str]] | None = None
    ) -> Iterator[list[os.DirEntry[str]]]:
        """Yield the values and folders directly below `path`, at `most` so many at a time.

        A list `temporary` gets what writers have left there.
        """
        try:
            entries = os.scandir(self._folder(path))
        except _NoFileError:
            return
        except FAILURES as error:
            check_circle(error)
            if not is_absent(error):
                raise
            check_dangling(path, self.path, self._folder(path))
            return
        with entries:
            while found := list(itertools.islice(entries, most)):
                if has_temporary([entry.name for entry in found]):
                    if temporary is not None:
                        temporary += [entry for entry in found if is_temporary(entry.name)]
                    found = [entry for entry in found if not is_temporary(entry.name)]
                if not path:
                    found = [entry for entry in found if entry.name not in RESERVED]
                yield [
                    entry
                    for entry in found
                    if entry.is_file(follow_symlinks=False)
                    or not entry.is_symlink()
                    or self._shows(path, entry)
                ]

    def _shows(self, path: str, link: os.DirEntry[str]) -> bool:
        """Tell whether a link in the folder `path` is listed.

        Not if its target is a folder above it, because the listing would not end.
        """
        try:
            target = os.stat(link.path)
        except OSError as error:
            if is_absent(error) or is_circular(error):
                return True  # reading it raises the error
            raise
        segments = path.split("/") if path else []
        above = ["/".join(segments[:n]) for n in range(len(segments) + 1)]
        return not any(_is_same(self._folder(folder), target) for folder in above)

    def __iter__(self) -> Iterator[str]:
        return self.list_prefix()

    def list_prefix(self, path: str = "") -> Iterator[str]:
        if self._pending is not None and (overlay := self._notice_commit()) is not None:
            yield from overlay.list_prefix(path)
            return
        prefix = f"{path}/" if path else ""
        for entry in self._entries(path):
            key = prefix + entry.name
            if not entry.is_file(follow_symlinks=False) and is_folder(entry):
                yield from self.list_prefix(key)
            else:
                yield key

    def list_sizes(self, path: str = "") -> Iterator[tuple[str, int]]:
        if self._pending is not None and (overlay := self._notice_commit()) is not None:
            yield from overlay.list_sizes(path)
            return
        folders = []  # for later: no more than one list of the system is open at a time
        prefix = f"{path}/" if path else ""
        for entry in itertools.chain.from_iterable(self._scan(path, _LISTED_AT_A_TIME)):
            if is_folder(entry):
                folders.append(prefix + entry.name)
            else:
                with suppress(FileNotFoundError):  # deleted meanwhile
                    yield prefix + entry.name, size_of(entry)
        for folder in folders:
            yield from self.list_sizes(folder)

    def list_folders(
        self, path: str = "", temporary: list[Temporary] | None = None
    ) -> Iterator[tuple[str, list[str]]]:
        if self._pending is not None and (overlay := self._notice_commit()) is not None:
            yield from overlay.list_folders(path)
            if temporary is not None:
                temporary += self.list_temporary(path)
            return
        left: list[os.DirEntry[str]] = []
        found = list(itertools.chain.from_iterable(self._scan(path, None, left)))
        if temporary is not None:
            temporary += left_by_writers(path, left)
        names = [entry.name for entry in found if entry.is_file(follow_symlinks=False)]
        folders = []
        if len(names) < len(found):
            others = [entry for entry in found if not entry.is_file(follow_symlinks=False)]
            folders = [entry for entry in others if is_folder(entry)]
            names += [entry.name for entry in others if not is_folder(entry)]
        if names:
            yield path, sorted(names)
        for folder in sorted(folders, key=attrgetter("name")):
            # What writers have left where a link leads to is not this store's to delete.
            inside = None if folder.is_symlink() else temporary
            yield from self.list_folders(f"{path}/{folder.name}" if path else folder.name, inside)

    def keys_if_few(self, path: str, most: int) -> list[str] | None:
        if self._pending is not None and self._notice_commit() is not None:
            return None
        found: list[str] = []
        folders = [path]
        try:
            while folders:
                path = folders.pop()
                prefix = f"{path}/" if path else ""
                # No more at a time than needed to see that there are many, as there most often are.
                parts = self._scan(path, min(most + 1, _LISTED_AT_A_TIME))
                for entry in itertools.chain.from_iterable(parts):
                    if len(found) + len(folders) == most:
                        return None
                    (folders if is_folder(entry) else found).append(prefix + entry.name)
        except FAILURES:
            return None  # a folder may hold files that can be read, but not listed
        return found

    def list_temporary(self, path: str = "") -> Iterator[Temporary]:
        try:
            with os.scandir(self._folder(path)) as entries:
                listed = list(entries)
        except (_NoFileError, *FAILURES):
            return  # the list of keys raises what there is to raise
        left: list[os.DirEntry[str]] = []
        if has_temporary([entry.name for entry in listed]):
            left = [entry for entry in listed if is_temporary(entry.name)]
        yield from left_by_writers(path, left)
        for entry in listed:
            if entry.is_dir(follow_symlinks=False) and entry not in left:
                name = f"{path}/{entry.name}" if path else entry.name
                if name not in RESERVED:
                    yield from self.list_temporary(name)

    def get_ages(self, keys: Iterable[str]) -> dict[str, float]:
        ages = {}
        for key in keys:
            with suppress(*FAILURES, StoreKeyError):
                ages[key] = time.time() - os.stat(self._file(key)).st_mtime
        return ages

    def listdir(self, path: str = "") -> list[str]:
        if self._pending is not None and (overlay := self._notice_commit()) is not None:
            return overlay.listdir(path)
        return [entry.name for entry in self._entries(path)]

    def rmdir(self, path: str = "") -> None:
        self.check_writeable()
        self._complete()
        try:
            target = self._folder(path)
        except _NoFileError:
            return
        if path and not _is_discarded(target):
            return
        if not path and any(map(os.path.lexists, (self._prefix + name for name in RESERVED))):
            empty_but(target, RESERVED)
            return
        discard(target, is_root=not path)
        if self.fsync and path:
            sync_folder(os.path.dirname(target))

    def rename(self, src_path: str, dst_path: str) -> None:
        self.check_writeable()
        self._complete()
        target = self._file(dst_path)
        try:
            source = self._file(src_path)
        except _NoFileError:
            return
        if source == target:
            return
        try:
            move(source, target, fsync=self.fsync)
        except (FileExistsError, NotADirectoryError) as error:
            raise StoreKeyError(
                f"cannot move {src_path!r} to {dst_path!r} in {self!r}: one of the folders above "
                "it is a file"
            ) from error
        if self.fsync:
            sync_folder(os.path.dirname(target))

    def getsize(self, path: str = "") -> int:
        if self._pending is not None and (overlay := self._notice_commit()) is not None:
            return overlay.getsize(path)
        if path and path in self:
            return _size(self._file(path))
        return sum(_size(entry.path) for entry in self._entries(path) if not is_folder(entry))

    # -- as an object --------------------------------------------------------------

    def dir_path(self, path: str | None = None) -> str:
        """Return the path of the folder for the keys below a path.

        Parameters
        ----------
        path : str, optional
            Path in the store. The root by default.

        Returns
        -------
        str
            The absolute path in the file system.
        """
        return self._folder(normalize_storage_path(path))

    def _options(self) -> dict[str, Any]:
        options: dict[str, Any] = {
            name: value
            for name, value in (
                ("normalize_keys", self.normalize_keys),
                ("dimension_separator", self._dimension_separator),
                ("fsync", self.fsync),
            )
            if value
        }
        if not self.follow_symlinks:
            options["follow_symlinks"] = False
        if self.read_only:
            options["read_only"] = True
        return options

    def __reduce__(self) -> Any:
        if options := self._options():
            return reopen, (type(self), self.path, options)
        return type(self), (self.path,)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.path!r}>"

    def explain_absence(self, path: str) -> str:
        if not os.path.isdir(self.path):
            return "the directory does not exist"
        if not os.path.isdir(self._folder(path)):
            return f"the directory has no folder {path!r}"
        return "the directory holds no Zarr metadata" if self.listdir(path) else "it is empty"


def _means_folder(path: str, error: Exception) -> bool:
    """Tell whether `error` is what reading the folder `path` raises."""
    if isinstance(error, IsADirectoryError):
        return True
    # Where folders cannot be opened, it looks like one to which access is denied.
    is_denied = isinstance(error, PermissionError) and not HAS_FOLDER_HANDLES
    return is_denied and file_type(path) == stat.S_IFDIR


def _hint_of_file(path: str) -> str:
    """Return how to open the file at `path`, if that can be told from how it begins."""
    try:
        with open(path, "rb") as file:
            beginning = file.read(16)
    except OSError:
        return ""
    if beginning.startswith(b"PK"):
        return "it is a ZIP archive; open it with zarr.ZipStore"
    if beginning.startswith(b"SQLite format 3"):
        return "it is an SQLite database; open it with zarr.SQLiteStore"
    return ""


def _size(path: str) -> int:
    """Return the bytes in the file at `path`, 0 if it is none or has been deleted."""
    try:
        found = os.stat(path)
    except OSError as error:
        if is_absent(error):
            return 0
        check_circle(error)
        raise
    return found.st_size if stat.S_ISREG(found.st_mode) else 0


def _is_discarded(path: str) -> bool:
    """Tell whether deleting the folder at `path` is enough: it is not a value."""
    kind = file_type(path, follow_symlinks=False)
    if kind != stat.S_IFLNK:
        return kind == stat.S_IFDIR
    # A link that leads nowhere was one to a folder, or cannot be told from it.
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except OSError as error:
        if is_absent(error) or is_circular(error):
            return True
        raise


def _is_same(path: str, found: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.stat(path), found)
    except ABSENT:
        return False


def reopen(cls: type[DirectoryStore], path: str, options: dict[str, Any]) -> DirectoryStore:
    """Return a store that was pickled."""
    read_only = options.pop("read_only", False)
    store = cls(path, **options)
    store._mode = "r" if read_only else "a"
    return store


class NestedDirectoryStore(DirectoryStore):
    """A `DirectoryStore` whose arrays keep their chunks in nested folders.

    Some file systems are slow with many files in one folder; here the chunk ``(3, 4)`` of an
    array is the file ``3/4``.

    Parameters
    ----------
    path : str or path-like
        The directory, which is created by the first write.
    normalize_keys : bool, default False
        Whether to convert keys to lower case.
    dimension_separator : {'/'}, optional
        Always ``'/'``.
    fsync : bool, default False
        Whether a write returns only when the value is on the disk, as for :class:`DirectoryStore`.
    follow_symlinks : bool, optional
        Whether to follow symbolic links out of the directory, as for :class:`DirectoryStore`.

    Raises
    ------
    ValueError
        If another `dimension_separator` is given.
    FSPathExistNotDir
        If `path` is a file.

    Examples
    --------
    >>> import zarr
    >>> store = zarr.NestedDirectoryStore('data/array.zarr')
    >>> z = zarr.zeros((10, 10), chunks=(5, 5), store=store, overwrite=True)
    >>> z[...] = 42
    >>> sorted(store)
    ['.zarray', '0/0', '0/1', '1/0', '1/1']
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        normalize_keys: bool = False,
        dimension_separator: Separator | None = "/",
        *,
        fsync: bool = False,
        follow_symlinks: bool | None = None,
    ) -> None:
        if dimension_separator not in ("/", None):
            raise ValueError(
                "NestedDirectoryStore only supports '/' as dimension_separator, "
                f"not {dimension_separator!r}"
            )
        super().__init__(path, normalize_keys, "/", fsync=fsync, follow_symlinks=follow_symlinks)
