"""Stores in directories of a file system: one file per key."""

from __future__ import annotations

import atexit
import errno
import itertools
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from glob import glob
from typing import Any, ClassVar

from zarr.errors import FSPathExistNotDir, StoreKeyError
from zarr.storage.base import (
    BaseStore,
    Buffer,
    ByteRange,
    Separator,
    as_bytes,
    as_view,
    check_key,
)
from zarr.storage.lending import LEAST, lend

__all__ = ["DirectoryStore", "NestedDirectoryStore", "TempStore", "atexit_rmglob", "atexit_rmtree"]

TEMPORARY = ".__zarr_tmp_"
"""Prefix of the names of files that are being written. No reader takes one for a key."""

_FIRST_READ = 1 << 16
_ODD_NAMES = ("", ".", "..")
_serial = itertools.count()


def _temporary_name() -> str:
    return f"{TEMPORARY}{os.getpid()}_{next(_serial)}"


def _is_temporary(name: str) -> bool:
    # ".partial" is how files in the making end in stores written by the 2.x library.
    return name.startswith(TEMPORARY) or (name.endswith(".partial") and len(name) > 40)


def _read_all(descriptor: int) -> Buffer:
    """Read a file to its end: one system call for a small file, no second copy of a large one."""
    data = os.read(descriptor, _FIRST_READ)
    if len(data) < _FIRST_READ:
        return data
    data = _read_range(descriptor, 0, os.fstat(descriptor).st_size)
    while more := os.pread(descriptor, _FIRST_READ, len(data)):  # it grows while we read
        data = b"".join([data, more])
    return data


def _read_ranges(descriptor: int, ranges: Sequence[ByteRange]) -> list[Buffer]:
    size = os.fstat(descriptor).st_size
    parts: list[Buffer] = []
    for start, length in ranges:
        begin = max(0, size + start) if start < 0 else min(start, size)
        wanted = size - begin if length is None else min(length, size - begin)
        parts.append(_read_range(descriptor, begin, wanted))
    return parts


def _read_range(descriptor: int, begin: int, length: int) -> Buffer:
    """Read `length` bytes, or what there is; one system call moves at most 2 GiB."""
    if length < LEAST:
        return os.pread(descriptor, length, begin)
    memory, done = lend(length), 0
    while done < length and (read := os.preadv(descriptor, [memory[done:]], begin + done)):
        done += read
    return memory[:done]


def _write_all(descriptor: int, value: Buffer) -> None:
    view: bytes | memoryview = value if type(value) is bytes else as_view(value)
    written = os.write(descriptor, view)
    while written < len(view):
        view = memoryview(view)[written:]
        written = os.write(descriptor, view)


def _sync_folder(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def atexit_rmtree(path: str, isdir: Callable[[str], bool] = os.path.isdir) -> None:
    """Delete the directory `path` with all in it, if it exists; meant for `atexit`."""
    if isdir(path):
        shutil.rmtree(path, ignore_errors=True)


def atexit_rmglob(path: str) -> None:
    """Delete the files and directories that match the pattern `path`; meant for `atexit`."""
    for found in glob(path):
        if os.path.isfile(found):
            os.remove(found)
        else:
            atexit_rmtree(found)


class DirectoryStore(BaseStore):
    """A store in a directory of a file system, one file per key.

    Parameters
    ----------
    path : str or path-like
        The directory; it is created by the first write.
    normalize_keys : bool, default False
        Whether to convert keys to lower case, for data shared with a file system that
        does not tell cases apart.
    dimension_separator : {'.', '/'}, optional
        Separator between the dimensions of a chunk key, for arrays created here.
    fsync : bool, default False
        Whether a write returns only when the value and its name are on the disk, so that
        it survives a loss of power.
    follow_symlinks : bool, default False
        Whether keys may lead out of the directory through symbolic links inside it.
        The directory itself may always be a link.

    Raises
    ------
    FSPathExistNotDir
        If `path` is a file.

    Notes
    -----
    A value is written to a temporary file that is then renamed, so a reader sees the old
    value or the new one, whole, even if the writer is killed. Safe to use from several
    threads and processes; no file stays open between calls.

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

    def __init__(
        self,
        path: str | os.PathLike[str],
        normalize_keys: bool = False,
        dimension_separator: Separator | None = None,
        *,
        fsync: bool = False,
        follow_symlinks: bool = False,
    ) -> None:
        path = os.fspath(path)
        if not os.path.isdir(path) and os.path.exists(path):
            raise FSPathExistNotDir(path)
        self.path = path
        self.normalize_keys = normalize_keys
        self.fsync = fsync
        self.follow_symlinks = follow_symlinks
        self._dimension_separator = dimension_separator
        self._prefix = os.path.join(path, "")
        self._flags = os.O_RDONLY if follow_symlinks else os.O_RDONLY | os.O_NOFOLLOW
        self._location: str | None = None
        # Folders seen to lie inside the root: looked at once, not at each key.
        self._inside = {""}

    @property
    def location(self) -> Hashable:
        if self._location is None:
            self._location = os.path.realpath(self.path)
        return self._location

    # -- from keys to files --------------------------------------------------------

    def _file(self, key: object) -> str:
        """Return the path of the file for `key`, which is sure to lie in the root."""
        if not isinstance(key, str):
            key = check_key(key)
        if self.normalize_keys:
            key = key.lower()
        folder, _, name = key.rpartition("/")
        if folder not in self._inside or name in _ODD_NAMES or "\0" in name or key[0] == "/":
            self._check_folder(key, folder)
        return self._prefix + key

    def _check_folder(self, key: str, folder: str) -> None:
        check_key(key)
        if folder in self._inside:
            return
        parent = folder.rpartition("/")[0]
        if parent not in self._inside:
            self._check_folder(key, parent)
        path = self._prefix + folder
        try:
            mode = (os.stat if self.follow_symlinks else os.lstat)(path).st_mode
        except (OSError, ValueError):
            return
        # A folder that is no link lies where its parent lies.
        if stat.S_ISLNK(mode):
            self._check_inside(key, path)
        if parent in self._inside and (stat.S_ISDIR(mode) or os.path.isdir(path)):
            self._inside.add(folder)

    def _check_inside(self, key: str, path: str) -> None:
        root = os.path.realpath(self.path)
        real = os.path.realpath(path)
        if real != root and not real.startswith(os.path.join(root, "")):
            raise StoreKeyError(
                f"key {key!r} leads out of the store {self.path!r} through a symbolic link to "
                f"{real!r}; pass follow_symlinks=True if that is meant"
            )

    def _open(self, key: str) -> int:
        """Open the file of `key` for reading; raise `KeyError` if there is none."""
        try:
            return os.open(self._file(key), self._flags)
        except OSError:
            descriptor = self._open_oddity(key)
            if descriptor is None:
                raise KeyError(key) from None
            return descriptor

    def _open_oddity(self, key: str) -> int | None:
        """Open a file that could not just be opened; return None if there is none."""
        path = self._file(key)
        try:
            return os.open(path, self._flags)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                return None
            if error.errno != errno.ELOOP:
                raise
            self._check_inside(key, path)
            return os.open(path, os.O_RDONLY)

    # -- reading -------------------------------------------------------------------

    def __getitem__(self, key: str) -> bytes:
        descriptor = self._open(key)
        try:
            return as_bytes(_read_all(descriptor))
        except IsADirectoryError:
            raise KeyError(key) from None
        finally:
            os.close(descriptor)

    def getitems(self, keys: Sequence[str]) -> dict[str, Buffer]:
        # Three system calls per key, and little else: this is what reading small chunks costs.
        found: dict[str, Buffer] = {}
        file, flags = self._file, self._flags
        for key in keys:
            try:
                descriptor = os.open(file(key), flags)
            except FileNotFoundError:
                continue
            except OSError:
                if (odd := self._open_oddity(key)) is None:
                    continue
                descriptor = odd
            try:
                found[key] = _read_all(descriptor)
            except IsADirectoryError:
                pass
            finally:
                os.close(descriptor)
        return found

    def getfirst(self, keys: Sequence[str]) -> dict[str, Buffer]:
        # Most often it is the first one: to look for the others would double the system calls.
        for key in keys:
            if found := self.getitems([key]):
                return found
        return {}

    def get_partial_values(self, ranges: Sequence[tuple[str, ByteRange]]) -> list[Buffer | None]:
        values: list[Buffer | None] = []
        # The ranges of one value come from one file, though another may take its place.
        for key, group in itertools.groupby(ranges, key=lambda item: item[0]):
            wanted = [byte_range for _, byte_range in group]
            try:
                descriptor = self._open(key)
            except KeyError:
                values += [None] * len(wanted)
                continue
            try:
                values += _read_ranges(descriptor, wanted)
            except IsADirectoryError:
                values += [None] * len(wanted)
            finally:
                os.close(descriptor)
        return values

    def __contains__(self, key: object) -> bool:
        try:
            return stat.S_ISREG(os.stat(self._file(key)).st_mode)
        except (OSError, ValueError):  # `StoreKeyError` is one of the latter
            return False

    # -- writing -------------------------------------------------------------------

    def __setitem__(self, key: str, value: Buffer) -> None:
        path = self._file(key)
        folder, _, _ = path.rpartition("/")
        temporary = f"{folder}/{_temporary_name()}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        try:
            descriptor = os.open(temporary, flags, 0o666)
        except (FileNotFoundError, NotADirectoryError):
            self._make_folder(folder)
            descriptor = os.open(temporary, flags, 0o666)
        try:
            try:
                _write_all(descriptor, value)
                if self.fsync:
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)
            self._put_in_place(temporary, path)
        except BaseException:
            if os.path.exists(temporary):
                os.unlink(temporary)
            raise
        if self.fsync:
            _sync_folder(folder)

    def _put_in_place(self, temporary: str, path: str) -> None:
        try:
            os.replace(temporary, path)
        except IsADirectoryError:
            # A folder in the way gives place, as an object store would let it.
            shutil.rmtree(path)
            os.replace(temporary, path)

    def _make_folder(self, folder: str) -> None:
        if not self.fsync:
            os.makedirs(folder, exist_ok=True)
            return
        missing = []
        while not os.path.isdir(folder):
            missing.append(folder)
            folder = os.path.dirname(os.path.abspath(folder))
        for path in reversed(missing):
            os.makedirs(path, exist_ok=True)
            _sync_folder(os.path.dirname(os.path.abspath(path)))

    def setitems(self, items: Mapping[str, Buffer]) -> None:
        for key, value in items.items():
            self[key] = value

    def __delitem__(self, key: str) -> None:
        path = self._file(key)
        try:
            os.unlink(path)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError):
            if os.path.isfile(path):
                raise
            raise KeyError(key) from None
        if self.fsync:
            _sync_folder(os.path.dirname(path))

    # -- listing -------------------------------------------------------------------

    def _folder(self, path: str) -> str:
        return self._file(f"{path}/x")[:-2] if path else self.path

    def _walk(self, folder: str, prefix: str) -> Iterator[str]:
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            return
        for entry in entries:
            if entry.is_dir(follow_symlinks=self.follow_symlinks):
                yield from self._walk(entry.path, f"{prefix}{entry.name}/")
            elif not _is_temporary(entry.name) and entry.is_file():
                yield prefix + entry.name

    def __iter__(self) -> Iterator[str]:
        return self._walk(self.path, "")

    def list_prefix(self, path: str = "") -> Iterator[str]:
        return self._walk(self._folder(path), f"{path}/" if path else "")

    def listdir(self, path: str = "") -> list[str]:
        try:
            with os.scandir(self._folder(path)) as entries:
                ours = [entry for entry in entries if self._is_ours(entry)]
        except (FileNotFoundError, NotADirectoryError):
            return []
        if path in self._inside:
            above = f"{path}/" if path else ""
            folders = [entry.name for entry in ours if entry.is_dir(follow_symlinks=False)]
            self._inside.update([above + name for name in folders])
        return sorted([entry.name for entry in ours])

    def present(self, keys: Sequence[str]) -> list[str]:
        return [key for key in keys if key in self]

    def _is_ours(self, entry: os.DirEntry[str]) -> bool:
        """Tell whether an entry of a folder belongs to the store."""
        if _is_temporary(entry.name):
            return False
        if self.follow_symlinks or not entry.is_symlink():
            return True
        try:
            self._check_inside(entry.name, entry.path)
        except StoreKeyError:
            return False
        return True

    def rmdir(self, path: str = "") -> None:
        target = self._folder(path)
        if os.path.isdir(target) and not (path and os.path.islink(target)):
            shutil.rmtree(target)
        elif os.path.lexists(target):
            os.unlink(target)
        self._inside = {""}

    def rename(self, src_path: str, dst_path: str) -> None:
        source, target = self._file(src_path), self._file(dst_path)
        if source == target or not os.path.exists(source):
            return
        self._make_folder(os.path.dirname(target))
        if os.path.isdir(target) and not os.path.islink(target):
            shutil.rmtree(target)
        os.replace(source, target)
        self._inside = {""}

    def getsize(self, path: str = "") -> int:
        target = self._folder(path)
        try:
            entries = list(os.scandir(target))
        except NotADirectoryError:
            return os.stat(target).st_size
        except FileNotFoundError:
            return 0
        return sum(
            entry.stat().st_size
            for entry in entries
            if entry.is_file() and not _is_temporary(entry.name)
        )

    # -- as an object --------------------------------------------------------------

    def __reduce__(self) -> Any:
        options = {
            name: value
            for name, value in (
                ("normalize_keys", self.normalize_keys),
                ("dimension_separator", self._dimension_separator),
                ("fsync", self.fsync),
                ("follow_symlinks", self.follow_symlinks),
            )
            if value
        }
        if options:
            return _reopen, (type(self), self.path, options)
        return type(self), (self.path,)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.path!r}>"


def _reopen(cls: type[DirectoryStore], path: str, options: dict[str, Any]) -> DirectoryStore:
    return cls(path, **options)


class NestedDirectoryStore(DirectoryStore):
    """A `DirectoryStore` whose arrays keep their chunks in nested folders.

    With many chunks in one folder some file systems become slow; here the chunk
    ``(3, 4)`` of an array is the file ``3/4``.

    Parameters
    ----------
    path : str or path-like
        The directory; it is created by the first write.
    normalize_keys : bool, default False
        Whether to convert keys to lower case.
    dimension_separator : {'/'}, optional
        Here always ``'/'``.

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
        **options: bool,
    ) -> None:
        if dimension_separator not in ("/", None):
            raise ValueError(
                "NestedDirectoryStore only supports '/' as dimension_separator, "
                f"not {dimension_separator!r}"
            )
        super().__init__(path, normalize_keys, "/", **options)


class TempStore(DirectoryStore):
    """A `DirectoryStore` in a temporary directory that is deleted when Python exits.

    Parameters
    ----------
    suffix, prefix : str
        Ends of the directory's name.
    dir : str, optional
        Folder in which to create it.
    normalize_keys : bool, default False
        Whether to convert keys to lower case.
    dimension_separator : {'.', '/'}, optional
        Separator between the dimensions of a chunk key, for arrays created here.

    Examples
    --------
    >>> import zarr
    >>> z = zarr.zeros(10, store=zarr.TempStore())
    """

    def __init__(
        self,
        suffix: str = "",
        prefix: str = "zarr",
        dir: str | None = None,
        normalize_keys: bool = False,
        dimension_separator: Separator | None = None,
        **options: bool,
    ) -> None:
        path = tempfile.mkdtemp(suffix=suffix, prefix=prefix, dir=dir)
        atexit.register(atexit_rmtree, path)
        super().__init__(path, normalize_keys, dimension_separator, **options)

    def __reduce__(self) -> Any:
        # What is pickled is a reference: the directory still belongs to its creator.
        return DirectoryStore, (self.path, self.normalize_keys, self._dimension_separator)
