"""The operating system: what this package uses of it, and what replaces what a system lacks.

Linux has everything. macOS has no processor affinity and no `posix_fallocate`, moves at most
2 GiB by one call, and calls something else "on the disk". Windows has no forks, no reads at a
position, no handles of folders, opens files in text mode unless told otherwise, refuses to
replace, rename or delete a file that is open, and reserves names and characters.

No other module asks which system it runs on, or whether `os` has a function.
"""

from __future__ import annotations

import errno
import math
import operator
import os
import re
import sys
import time
from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import Any

import fasteners

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None  # type: ignore[assignment]
    import msvcrt

__all__ = [
    "CREATE", "FOLDER", "HAS_FOLDER_HANDLES", "KEEPS_OPEN_FILES", "NO_FOLLOW", "NO_NAMES", "READ",
    "TEMPORARY", "UPDATE", "BriefLock", "FileLock", "RLock", "SharedLock", "absolute_path",
    "allocate", "at_fork", "can_name_files", "clone_file", "count_processors", "exists",
    "is_circular", "is_junction", "link", "path_of_real_name", "protect", "read_at", "read_into",
    "real_name", "rename", "rename_in", "sync", "unlink", "why_no_name", "write_at",
]  # fmt: skip

IS_WINDOWS = os.name == "nt"
IS_MACOS = sys.platform == "darwin"

_BINARY: int = getattr(os, "O_BINARY", 0)

READ: int = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _BINARY
"""How to open files for reading. A pipe in the place of a file would block for ever."""

CREATE: int = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY
"""How to open new files for writing."""

UPDATE: int = os.O_RDWR | _BINARY
"""How to open files that are to be changed or flushed."""

TEMPORARY = ".__zarr_tmp_"
"""Prefix of the names of files that are being written or locked, and of folders that are being
deleted.

No reader takes one for a key.
"""

NO_FOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
"""Opens no symbolic link. Windows has no such flag: there the path is checked, and that is all."""

FOLDER: int = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
"""How to open folders."""

HAS_FOLDER_HANDLES: bool = os.scandir in os.supports_fd and os.open in os.supports_dir_fd
"""Whether folders can be opened, and files named relative to them."""

KEEPS_OPEN_FILES = IS_WINDOWS
"""Whether a file that is open anywhere cannot be replaced, renamed or deleted."""

_MOST_BYTES = 1 << 30
"""Bytes moved by one call where more than 2 GiB are an error."""


# -- processes -------------------------------------------------------------------------


def count_processors() -> int:
    """Return how many processors this process may use, as far as the system says."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def at_fork(**hooks: Callable[[], None]) -> None:
    """Register `hooks` as `os.register_at_fork` does, where processes can fork."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(**hooks)


# -- locks -----------------------------------------------------------------------------

if sys.version_info >= (3, 14):
    import _thread

    class RLock(_thread.RLock):
        """A lock of `threading` that no interrupt between two steps of ``with`` leaves held.

        From Python 3.14 on, ``with`` calls ``__enter__`` as any function is called: afterwards
        a signal's handler may raise, when the lock is held and the statement has not begun. None
        runs between what is unpacked and the end of a function, where this lock is taken.
        """

        def __enter__(self) -> None:
            (_,) = map(self.acquire, (True,))
else:
    from threading import RLock

# -- reading and writing at a position -------------------------------------------------

# Where reading at a position means to go there first, one thread at a time may do so. Few
# locks for all descriptors are enough: each is held for one call.
_turns = [RLock() for _ in range(64)]


def _seek_and_read(descriptor: int, length: int, position: int) -> bytes:
    with _turns[descriptor % len(_turns)]:
        os.lseek(descriptor, position, os.SEEK_SET)
        return os.read(descriptor, min(length, _MOST_BYTES))


def _read_some(descriptor: int, length: int, position: int) -> bytes:
    return os.pread(descriptor, min(length, _MOST_BYTES), position)


def _copy_into(descriptor: int, memory: memoryview, position: int) -> int:
    data = read_at(descriptor, len(memory), position)
    memory[: len(data)] = data
    return len(data)


def _read_into(descriptor: int, memory: memoryview, position: int) -> int:
    return os.preadv(descriptor, [memory], position)


def _write_first(descriptor: int, buffers: Sequence[bytes | memoryview], position: int) -> int:
    first = memoryview(buffers[0])[:_MOST_BYTES]
    if hasattr(os, "pwrite"):
        return os.pwrite(descriptor, first, position)
    with _turns[descriptor % len(_turns)]:
        os.lseek(descriptor, position, os.SEEK_SET)
        return os.write(descriptor, first)


read_at: Callable[[int, int, int], bytes]
"""Read up to `length` bytes from `position` on, as `os.pread` does."""

read_into: Callable[[int, memoryview, int], int]
"""Read into memory from a position on; return the number of bytes, 0 at the end of the file."""

write_at: Callable[[int, Sequence[bytes | memoryview], int], int]
"""Write some of the buffers from a position on; return the number of bytes written."""

if not hasattr(os, "pread"):
    read_at = _seek_and_read
elif IS_MACOS:
    read_at = _read_some
else:
    read_at = os.pread
read_into = _copy_into if IS_MACOS or not hasattr(os, "preadv") else _read_into
write_at = _write_first if IS_MACOS or not hasattr(os, "pwritev") else os.pwritev


# -- the disk --------------------------------------------------------------------------


def _sync_fully(descriptor: int) -> None:
    """Wait for the disk itself; `os.fsync` of macOS leaves data in the cache of the drive."""
    try:
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)  # type: ignore[attr-defined]
    except OSError:  # some file systems on a network have no such request
        os.fsync(descriptor)


sync: Callable[[int], None]
"""Return when what was written to an open file is on the disk."""
sync = _sync_fully if hasattr(fcntl, "F_FULLFSYNC") else os.fsync


def allocate(descriptor: int, size: int) -> None:
    """Make sure that the disk has room for the first `size` bytes of a new, empty file."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
    else:
        os.write(descriptor, bytes(size))


# -- names -----------------------------------------------------------------------------


def absolute_path(path: str | os.PathLike[str]) -> str:
    """Return `path` such that it means the same place in every working directory.

    Segments ``..`` stay, because behind a link they do not lead back to where the link is.
    """
    text = os.fspath(path)
    if not IS_WINDOWS and text[:1] == "/" and not ("//" in (end := f"{text}/") or "/." in end):
        return text
    if os.pardir in text.split(os.sep):
        return os.path.join(os.getcwd(), text)
    return os.path.abspath(text)


_EFFECTIVE = os.access in os.supports_effective_ids


def exists(path: str) -> bool:
    """Tell whether something is at `path`, links followed, and this process can get there.

    This takes a quarter of the time of `os.stat` where nothing is, which makes an exception.
    """
    return os.access(path, os.F_OK, effective_ids=_EFFECTIVE)


_RESERVED = re.compile(
    r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9¹²³])([. ].*)?", re.IGNORECASE | re.DOTALL
)
_REFUSED = re.compile(r'[\x00-\x1f<>:"\\|?*]')


def why_no_name(name: str) -> str | None:
    """Return why a file cannot have a name, or None."""
    if name in ("", ".", ".."):
        return "it is empty or names a folder"
    if not IS_WINDOWS:
        return None
    if found := _REFUSED.search(name):
        return f"Windows allows no {found.group()!r} in names of files"
    if name[-1] in ". ":
        return f"Windows drops the {name[-1]!r} at the end of a name"
    if _RESERVED.fullmatch(name):
        return "Windows reserves this name for a device"
    return None


class _NoNames(Container[str]):
    """Names that no file can have, where they cannot be listed."""

    def __contains__(self, name: object) -> bool:
        return why_no_name(str(name)) is not None


NO_NAMES: Container[str] = _NoNames() if IS_WINDOWS else ("", ".", "..")
"""Names that no file can have."""


def can_name_files(keys: Iterable[str]) -> bool:
    """Tell whether files below a folder can have all these names, if one look at all tells."""
    try:
        text = f"/{'/'.join(keys)}/"
    except TypeError:  # of what is no string
        return False
    if IS_WINDOWS or not text.isascii():
        return False
    return not ("//" in text or "/./" in text or "/../" in text or "\0" in text)


_PC_CASE_SENSITIVE = 11
"""The number of what macOS tells of a volume, for which Python has no name."""


def _ignores_case(path: str) -> bool:
    """Return whether names that differ in case only mean the same file, as far as that is known."""
    if not IS_MACOS:
        return IS_WINDOWS
    while True:
        try:
            return not os.pathconf(path, _PC_CASE_SENSITIVE)
        except FileNotFoundError:
            path = os.path.dirname(path)
        except (OSError, ValueError):
            return False


def real_name(path: str) -> str:
    """Return the one name of a file or folder: absolute, links followed, without a first slash.

    Where the volume ignores case, so does the name.
    """
    real = _resolved(path) if IS_WINDOWS else os.path.realpath(path)
    name = real.replace(os.sep, "/").lstrip("/")
    return name.casefold() if _ignores_case(real) else name


def path_of_real_name(name: str) -> str:
    """Return the path of the file or folder that :func:`real_name` has returned the name of."""
    if not IS_WINDOWS:
        return f"/{name}"
    return name if os.path.splitdrive(name)[0] else f"//{name}"


def _resolved(path: str) -> str:
    """Return the target of links; a name that no file can have is returned unchanged."""
    drive, tail = os.path.splitdrive(path)
    names = tail.replace(os.sep, "/").split("/")
    for n, name in enumerate(names):
        if name not in ("", ".", "..") and why_no_name(name):
            return "/".join([os.path.realpath(drive + "/".join(names[:n])), *names[n:]])
    return os.path.realpath(path)


_ERROR_CANT_RESOLVE_FILENAME = 1921
"""What Windows says of links that lead in a circle."""


def is_circular(error: BaseException) -> bool:
    """Tell whether a path could not be followed because a symbolic link leads back to itself."""
    return isinstance(error, OSError) and (
        error.errno == errno.ELOOP
        or getattr(error, "winerror", None) == _ERROR_CANT_RESOLVE_FILENAME
    )


def is_junction(entry: os.DirEntry[str]) -> bool:
    """Tell whether a folder of Windows is in truth a link to another one."""
    if not IS_WINDOWS:
        return False
    mount_point = 0xA0000003
    return getattr(entry.stat(follow_symlinks=False), "st_reparse_tag", 0) == mount_point


# -- renaming and deleting -------------------------------------------------------------

PATIENCE = 2.0
"""Seconds for which to wait until others have closed a file."""


def _patiently(verb: str, call: Callable[..., Any], *paths: str) -> None:
    """Call until no other process has a file open any more, perhaps only for a read.

    Raises
    ------
    IsADirectoryError, FileExistsError
        If a folder is in the way, for which Windows has the same error.
    PermissionError
        If it does not succeed in time.
    """
    pause, end = 0.001, time.monotonic() + PATIENCE
    while True:
        try:
            call(*paths)
            return
        except PermissionError as error:
            _check_ways(*paths)
            if time.monotonic() > end:
                reason = f"cannot {verb} it, for {PATIENCE:g} s: another program has it open"
                raise PermissionError(
                    errno.EACCES, f"{reason}, or it is protected ({error.strerror})", paths[-1]
                ) from error
        time.sleep(pause)
        pause = min(2 * pause, 0.1)


def _check_ways(source: str, target: str | None = None) -> None:
    """Raise what other systems raise where a folder is in the way."""
    in_the_way = source if target is None else target
    if target is not None and _is_same_file(source, target):
        return
    if os.path.isdir(in_the_way) and not os.path.islink(in_the_way):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), in_the_way)
    if target is not None and os.path.isdir(source) and os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)


def _is_same_file(source: str, target: str) -> bool:
    with suppress(OSError):
        return os.path.samestat(os.lstat(source), os.lstat(target))
    return False


def _rename_patiently(source: str, target: str) -> None:
    _patiently("replace or rename", os.replace, source, target)


def _unlink_patiently(path: str) -> None:
    _patiently("delete", os.unlink, path)


rename: Callable[[str, str], None]
"""Rename a file or folder; a file, or an empty folder, at the new name is replaced."""

unlink: Callable[[str], None]
"""Delete a file."""


_NO_LINKS = (
    errno.EPERM, errno.EXDEV, errno.EMLINK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL,
)  # fmt: skip
"""Errors of a file system without hard links, or of a file that has too many."""


def link(source: str, target: str) -> bool:
    """Give a file a second name; return whether the file system can do so."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno in _NO_LINKS:
            return False
        raise
    return True


_FICLONE = 0x40049409
"""The request of Linux to share the blocks of a file, until one of the two is changed."""


def clone_file(source: str, target: str) -> bool:
    """Make a new file that shares the blocks of another; return whether that is possible."""
    if not sys.platform.startswith("linux"):
        return False
    with open(source, "rb") as old, open(target, "xb") as new:
        try:
            fcntl.ioctl(new.fileno(), _FICLONE, old.fileno())
        except OSError:
            os.unlink(target)
            return False
    return True


def protect(path: str) -> None:
    """Take away the permission to write a file, which can be replaced and deleted all the same.

    On Windows it could not be, and others than the owner may not change permissions.
    """
    if not IS_WINDOWS:
        with suppress(PermissionError):
            os.chmod(path, os.stat(path).st_mode & ~0o222 & 0o7777)


def rename_in(folder: int, name: str, new_name: str) -> None:
    """Rename what is in an open folder."""
    os.rename(name, new_name, src_dir_fd=folder, dst_dir_fd=folder)


rename, unlink = (_rename_patiently, _unlink_patiently) if IS_WINDOWS else (os.replace, os.unlink)


# -- locks -----------------------------------------------------------------------------


class SharedLock:
    """A lock of several readers or one writer, between threads and processes, on a file.

    It is freed when the process ends, however it ends.

    Parameters
    ----------
    path : str
        A file for the lock alone, made if it does not exist.
    shared : bool
        Whether others may share the lock, as readers do. They need no permission to write.

    Attributes
    ----------
    release : callable
        Gives the lock back, if it is held. It is made before the lock is taken and calls only what
        is written in C, so that no interrupt comes before it or in the middle of it.
    """

    release: Callable[[], object]

    def __init__(self, path: str, *, shared: bool) -> None:
        self.path = path
        self._shared = shared
        self._opened: list[int] = []  # the descriptor
        self.release = self._opened.clear  # nothing yet

    def acquire(self, timeout: float) -> bool:
        """Take the lock; return whether that was possible in `timeout` seconds."""
        self.release = _release_of(self._opened)
        try:
            self._open()
            if self._try_until(time.monotonic() + timeout):
                return True
        except BaseException:
            self._close()
            raise
        self._close()
        return False

    @property
    def is_held(self) -> bool:
        """Whether it has been taken, and not given back."""
        return bool(self._opened)

    def is_current(self) -> bool:
        """Tell whether the file that is locked still has the name `path`."""
        try:
            return os.path.samestat(os.fstat(self._opened[0]), os.stat(self.path))
        except OSError:
            return False

    def _try_until(self, end: float) -> bool:
        pause = 0.0005
        while not self._try():
            left = end - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(pause, left))
            pause = min(2 * pause, 0.02)
        return True

    def __del__(self) -> None:
        # An interrupt may come before the lock is kept. Closed, and not unlocked: a child that
        # has inherited the file must not free the lock of its parent.
        if hasattr(self, "_opened"):
            self._close()

    def _close(self) -> None:
        deque(_closing(self._opened), 0)

    def _open(self) -> None:
        try:
            self._open_with(os.O_RDWR | os.O_CREAT | _BINARY)
        except OSError as error:
            if not self._shared or error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
                raise
            self._open_with(READ)

    def _open_with(self, flags: int) -> None:
        # In one call, so that it is kept before an interrupt can come.
        self._opened.extend(map(os.open, (self.path,), (flags,), (0o666,)))

    def _try(self) -> bool:
        try:
            if fcntl is None:
                msvcrt.locking(self._opened[0], msvcrt.LK_NBLCK, 1)
            else:
                kind = fcntl.LOCK_SH if self._shared else fcntl.LOCK_EX
                fcntl.flock(self._opened[0], kind | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
                return False
            raise
        return True


def _release_of(opened: list[int]) -> Callable[[], object]:
    """Return a call that unlocks and closes the file whose descriptor will be in the list."""
    if fcntl is None:
        unlock: Iterable[object] = chain(
            map(os.lseek, opened, (0,), (os.SEEK_SET,)),
            map(msvcrt.locking, opened, (msvcrt.LK_UNLCK,), (1,)),
        )
    else:  # closing is not enough where a child has inherited the file
        unlock = map(fcntl.flock, opened, (fcntl.LOCK_UN,))
    return partial(deque, chain(unlock, _closing(opened)), 0)


def _closing(opened: list[int]) -> Iterator[None]:
    """Return an iterator that takes the descriptor out of the list, if there is one, and closes it.

    It calls only what is written in C.
    """
    first = map(operator.mul, opened, (0,))  # 0, if there is one
    return map(os.close, map(opened.pop, first))


class BriefLock:
    """A lock between threads and processes on a file that is there only while one wants it.

    The holder deletes the file before the lock is given back. Others who waited for it find that
    the file of this name is another by now, or none, and begin again.

    Parameters
    ----------
    path : str
        A file for the lock alone, in a folder that exists.
    """

    def __init__(self, path: str) -> None:
        self._lock = SharedLock(path, shared=False)

    def acquire(self) -> None:
        """Take the lock."""
        while self._lock.acquire(math.inf) and not self._lock.is_current():
            self._lock.release()

    def release(self) -> None:
        """Give the lock back, if it is held."""
        if not self._lock.is_held:
            return
        if not IS_WINDOWS and self._lock.is_current():
            self._delete()
        self._lock.release()
        if IS_WINDOWS:  # which deletes no file that anybody has open
            self._delete()

    def _delete(self) -> None:
        with suppress(OSError):
            os.unlink(self._lock.path)


class FileLock:
    """A lock that excludes others from an open file; not the one who holds it.

    Parameters
    ----------
    path : str
    descriptor : int
        The open file. Where the system can lock it, nothing else is needed, and closing it
        frees the lock. Windows would keep readers out as well, so there a file next to it is
        locked.
    """

    def __init__(self, path: str, descriptor: int) -> None:
        self._descriptor = descriptor
        self._beside = fasteners.InterProcessLock(f"{path}.lock") if IS_WINDOWS else None

    def acquire(self) -> None:
        """Take the lock, or raise `BlockingIOError` at once if others have it."""
        if self._beside is None:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        elif not self._beside.acquired and not self._beside.acquire(blocking=False):
            self._beside.lockfile.close()
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    def release(self) -> None:
        """Give the lock back, if it is held."""
        if self._beside is None:
            with suppress(OSError):
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        elif self._beside.acquired:
            self._beside.release()
            with suppress(OSError):  # others have it open
                os.unlink(self._beside.path)

    def after_close(self) -> None:
        """Give the lock back after the file was closed, if that did not do so."""
        if self._beside is not None:
            self.release()
