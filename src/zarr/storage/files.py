"""Files and folders of the operating system: read, replaced and deleted without half states.

An exception from a signal handler, such as `KeyboardInterrupt`, is raised when a call returns.
After ``descriptor = os.open(path)`` it can come when the file is open and the name not yet bound,
so that nothing closes the file. It cannot come between the steps of ``(descriptor,) = map(os.open,
...)``, nor of a ``for`` loop over such an iterator. All files are opened this way here, with the
``try`` whose ``finally`` closes them on the next line.
"""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import stat
from collections.abc import Container, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from zarr._system import (
    CREATE,
    FOLDER,
    HAS_FOLDER_HANDLES,
    NO_FOLLOW,
    READ,
    TEMPORARY,
    UPDATE,
    is_circular,
    is_junction,
    link,
    read_at,
    read_into,
    rename,
    rename_in,
    sync,
    unlink,
)
from zarr.errors import StoreError
from zarr.storage.base import Buffer, ByteRange, as_view
from zarr.storage.buffer_pool import LEAST, lend
from zarr.storage.order import is_document_name

__all__ = [
    "ABSENT", "FAILURES", "check_circle", "discard", "empty_but", "file_type", "has_temporary",
    "is_absent", "is_temporary", "make_folder", "move", "put_link", "read_all", "read_ranges",
    "replace_file", "sync_file", "sync_folder", "temporary_name", "write_new_file",
]  # fmt: skip

ABSENT = (FileNotFoundError, NotADirectoryError)
"""Most of what the system raises where nothing is; `is_absent` knows all of it."""

FAILURES = (OSError, UnicodeEncodeError)
"""What opening a file and asking for its properties raises."""

_NOTHING_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)

_WRITE = (CREATE,)
_NEW_MODE = (0o666,)

_FIRST_READ = 1 << 16
_TRIES = 1000
"""How often to begin again because others delete or replace folders at the same time."""

_NOT_MOVABLE = (errno.EXDEV, errno.EBUSY, errno.EINVAL)
"""Errors of renaming a mount point, the current directory, or a folder in two file systems."""

_IN_THE_WAY = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY)
"""Errors of a move whose target must be deleted first, or lacks the folder above it."""

_serial = itertools.count()
_token = os.urandom(6).hex()  # because numbers of processes are used again, and by other hosts
_abandoned: list[str] = []
"""Folders whose deletion was interrupted. They are hidden, and deleted by the next deletion."""


def temporary_name() -> str:
    """Return a name that no process uses again."""
    return f"{TEMPORARY}{os.getpid()}_{_token}_{next(_serial)}"


def is_temporary(name: str) -> bool:
    """Tell whether a file of this name is no key of a store."""
    # ".partial" is how files in the making end in stores written by the 2.x library.
    return name.startswith(TEMPORARY) or (name.endswith(".partial") and len(name) > 40)


def has_temporary(names: Sequence[str]) -> bool:
    """Tell whether any of many files may be no key of a store: fast, without a call for each."""
    text = "/".join(names)
    return TEMPORARY in text or ".partial" in text


def is_absent(error: BaseException) -> bool:
    """Tell whether `error` says that there is nothing at a path; all others are failures."""
    if isinstance(error, OSError):
        return error.errno in _NOTHING_THERE
    return isinstance(error, UnicodeEncodeError)  # no file can have such a name


def file_type(path: str, *, follow_symlinks: bool = True) -> int:
    """Return the type of what is at `path`, as `stat.S_IFMT` gives it; 0 if there is nothing."""
    try:
        return stat.S_IFMT(os.stat(path, follow_symlinks=follow_symlinks).st_mode)
    except FAILURES as error:
        if is_absent(error):
            return 0
        check_circle(error)
        raise


def check_circle(error: BaseException) -> None:
    """Raise `StoreError` if `error` says that a symbolic link leads back to itself."""
    if not is_circular(error):
        return
    paths = [p for p in (error.filename, error.filename2) if p]  # type: ignore[attr-defined]
    link = next(filter(None, map(_circle_above, map(os.fsdecode, paths))), None)
    if link is None:  # it was mended meanwhile, or there are more links than the system follows
        raise StoreError(f"cannot follow the symbolic links in {paths}: {error}") from error
    raise StoreError(
        f"cannot follow the symbolic link {link!r} to {os.readlink(link)!r}, because it leads "
        "back to itself; correct or delete it"
    ) from error


def _circle_above(path: str) -> str | None:
    """Return the link at or above a path that leads back to itself, if there is one."""
    while True:
        try:
            is_link = stat.S_ISLNK(os.lstat(path).st_mode)
        except OSError as error:  # in a circle, or not made yet
            if not (is_circular(error) or is_absent(error)) or path == os.path.dirname(path):
                return None
            path = os.path.dirname(path)
            continue
        if not is_link:
            return None
        try:
            os.stat(path)
        except OSError as error:
            return path if is_circular(error) else None
        return None


# -- reading ---------------------------------------------------------------------------


def read_all(descriptor: int) -> Buffer:
    """Read a file to its end: one system call for a small file, no second copy of a large one.

    Raises
    ------
    OSError
        If it is not a regular file. A pipe or a terminal has no positions to read from; a
        device is asked what it is, because it gives nothing, or more than a small file.
    """
    data = read_at(descriptor, _FIRST_READ, 0)
    if 0 < len(data) < _FIRST_READ:
        return data
    size = _size(descriptor)
    if len(data) < _FIRST_READ:
        return data
    data = _read_range(descriptor, 0, size)
    while more := read_at(descriptor, _FIRST_READ, len(data)):  # it grows while we read
        data = b"".join([data, more])
    return data


def read_ranges(descriptor: int, ranges: Sequence[ByteRange]) -> list[Buffer]:
    """Read ranges of bytes of a file; what lies behind its end is left out."""
    size = _size(descriptor)
    parts: list[Buffer] = []
    for start, length in ranges:
        begin = max(0, size + start) if start < 0 else min(start, size)
        wanted = size - begin if length is None else min(length, size - begin)
        parts.append(_read_range(descriptor, begin, wanted))
    return parts


def _size(descriptor: int) -> int:
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode):
        return found.st_size
    number = errno.EISDIR if stat.S_ISDIR(found.st_mode) else errno.ESPIPE
    raise OSError(number, os.strerror(number))  # of the class that belongs to the number


def _read_range(descriptor: int, begin: int, length: int) -> Buffer:
    """Read `length` bytes, or up to the end; one system call moves at most 2 GiB."""
    if length < LEAST:
        return read_at(descriptor, length, begin)
    memory, done = lend(length), 0
    while done < length and (read := read_into(descriptor, memory[done:], begin + done)):
        done += read
    return memory[:done]


# -- writing ---------------------------------------------------------------------------


def replace_file(path: str, value: Buffer, *, fsync: bool = False) -> None:
    """Make `value` the contents of the file at `path`, and missing folders above it.

    Readers see the old value or the new one, whole. Folders that others delete meanwhile
    are made again. A folder in the way is deleted, as an object store would let it.
    """
    left = _TRIES
    while True:
        try:
            _replace_once(path, value, fsync)
            return
        except IsADirectoryError:
            discard(path)
        except ABSENT:
            left -= 1
            if not left:
                raise
            make_folder(os.path.dirname(path), fsync)
        except OSError as error:
            check_circle(error)
            raise


def _replace_once(path: str, value: Buffer, fsync: bool) -> None:
    # Not by `os.path`, which takes as long as the system does.
    folder = path[: max(path.rfind("/"), path.rfind(os.sep)) + 1]
    temporary = folder + temporary_name()
    try:
        (descriptor,) = map(os.open, (temporary,), _WRITE, _NEW_MODE)
        try:
            _write_all(descriptor, value)
            if fsync:
                sync(descriptor)
        finally:
            os.close(descriptor)
        rename(temporary, path)
    except BaseException as error:
        # The first thing done, so that no second interrupt can come before it.
        try:
            os.unlink(temporary)
        except OSError:
            pass  # not made yet, or in its place already
        if isinstance(error, OSError) and error.filename is None:
            error.filename = path  # of a full disk the system names no file
        raise
    if fsync:
        sync_folder(folder or ".")


def write_new_file(path: str, value: Buffer) -> int:
    """Write `value` to a new file that nobody reads yet; return the size in bytes."""
    try:
        (descriptor,) = map(os.open, (path,), _WRITE, _NEW_MODE)
        try:
            _write_all(descriptor, value)
            return os.fstat(descriptor).st_size
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.filename is None:
            error.filename = path
        raise


def _write_all(descriptor: int, value: Buffer) -> None:
    view: bytes | memoryview = value if type(value) is bytes else as_view(value)
    written = os.write(descriptor, view)
    while written < len(view):
        view = memoryview(view)[written:]
        written = os.write(descriptor, view)


def make_folder(path: str, fsync: bool) -> None:
    """Make a folder and those above it, unless others delete one of them meanwhile.

    Raises
    ------
    FileExistsError, NotADirectoryError
        If a file is in the way.
    """
    missing = [path]
    while fsync and not file_type(above := os.path.dirname(os.path.abspath(missing[-1]))):
        missing.append(above)
    for folder in reversed(missing):
        try:
            os.makedirs(folder, exist_ok=True)
            if fsync:
                sync_folder(os.path.dirname(os.path.abspath(folder)))
        except FileNotFoundError:
            return
        except FileExistsError:
            if file_type(folder, follow_symlinks=False) not in (0, stat.S_IFDIR):
                raise


def sync_file(path: str) -> None:
    """Return when the contents of a file are on the disk."""
    (descriptor,) = map(os.open, (path,), (UPDATE,))
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: str) -> None:
    """Return when the names in a folder are on the disk, or others have deleted it.

    Where folders cannot be opened, the system itself sees to it.
    """
    if not HAS_FOLDER_HANDLES:
        return
    try:
        (descriptor,) = map(os.open, (path,), (READ,))
    except FileNotFoundError:
        return
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


# -- moving and deleting ---------------------------------------------------------------


def move(source: str, target: str, *, fsync: bool = False) -> None:
    """Move the file or folder at `source`, if there is one, in place of what is at `target`."""
    if f"{source}/".startswith(f"{target}/"):
        _move_up(source, target)
        return
    for left in reversed(range(_TRIES)):
        try:
            rename(source, target)
            return
        except OSError as error:
            if error.errno == errno.EXDEV:
                _move_across(source, target)
                return
            check_circle(error)
            if error.errno not in (*_IN_THE_WAY, errno.EINVAL) or not left:
                raise
            if error.errno == errno.EINVAL:
                # The target was in what is moved: most often since another was moving a folder
                # above it. To look whether it still is would be just as late.
                continue
        if not file_type(source, follow_symlinks=False):
            return
        if _is_same(source, target):
            return
        if any(_is_same(folder, target) for folder in _folders_above(source)):
            _move_up(source, target)
            return
        if file_type(target, follow_symlinks=False):
            discard(target)
        else:
            make_folder(os.path.dirname(target), fsync)


def put_link(source: str, target: str) -> bool:
    """Give the file at `source` a second name, in place of what is at `target`.

    Returns
    -------
    bool
        False if the file system has no hard links.

    Raises
    ------
    FileNotFoundError
        If there is no file at `source`, or no folder for `target`.
    """
    try:
        return link(source, target)
    except FileExistsError:
        pass
    aside = _hidden_beside(target)
    try:
        if not link(source, aside):
            return False
        try:
            rename(aside, target)
        except IsADirectoryError:
            discard(target)
            rename(aside, target)
    finally:
        with suppress(FileNotFoundError):  # where both names are of one file, nothing was renamed
            unlink(aside)
    return True


def _folders_above(path: str) -> Iterator[str]:
    while (above := os.path.dirname(path)) != path:
        yield above
        path = above


def _is_same(path: str, other: str) -> bool:
    """Tell whether two paths are one, as where the volume ignores case; links are not followed."""
    try:
        return os.path.samestat(os.lstat(path), os.lstat(other))
    except ABSENT:
        return False


def _move_up(source: str, target: str) -> None:
    """Move what is at `source` in place of the folder `target`, in which it is."""
    aside = _hidden_beside(target)
    try:
        rename(source, aside)
    except ABSENT:
        return
    try:
        move(aside, target)
    except BaseException:
        rename(aside, source)
        raise


def _move_across(source: str, target: str) -> None:
    """Move a file or folder to another file system, where the copy appears when it is whole."""
    copy = _hidden_beside(target)
    try:
        if file_type(source, follow_symlinks=False) == stat.S_IFDIR:
            shutil.copytree(source, copy, symlinks=True)
        else:
            shutil.copy2(source, copy, follow_symlinks=False)
        move(copy, target)
    except BaseException:
        _abandoned.append(copy)
        raise
    discard(source)


def discard(path: str, *, is_root: bool = False) -> None:
    """Delete what is at `path`, if anything is; a folder with all in it vanishes at once.

    A link is deleted, not its target.

    Parameters
    ----------
    is_root : bool, default False
        Whether `path` is a folder which may be a link, a mount point, or in a folder where
        nothing may be changed: if so, it stays, and what is in it is deleted.
    """
    _remove_abandoned()
    kind = file_type(path, follow_symlinks=False)
    if is_root and (kind == stat.S_IFLNK or _is_current(path)):
        _empty_folder(path)
    elif kind == stat.S_IFDIR:
        _discard_folder(path, is_root)
    elif kind:
        try:
            unlink(path)
        except ABSENT:
            pass  # others were faster
        except IsADirectoryError:
            discard(path)


def empty_but(path: str, spared: Container[str]) -> None:
    """Delete what is in a folder but for some names in it, metadata first."""
    for entry in _metadata_first(path):
        if entry.name not in spared:
            discard(entry.path)


def _is_current(path: str) -> bool:
    """Tell whether `path` is the current folder, which must stay one that exists."""
    try:
        return os.path.samefile(path, os.curdir)
    except OSError:
        return False


def _discard_folder(path: str, is_root: bool) -> None:
    hidden = _hidden_beside(path)
    try:
        try:
            rename(path, hidden)
        except OSError as error:
            if is_absent(error):
                return
            if is_root:
                _empty_folder(path)
            elif error.errno in _NOT_MOVABLE:
                _remove_tree(path)
            else:
                raise
        _remove_tree(hidden)
    except BaseException:
        _abandoned.append(hidden)
        raise


def _hidden_beside(path: str) -> str:
    return os.path.join(os.path.dirname(path.rstrip(f"/{os.sep}")), temporary_name())


def _remove_abandoned() -> None:
    for path in tuple(_abandoned):
        try:
            if file_type(path) == stat.S_IFDIR:
                _remove_tree(path)
            else:
                unlink(path)
        except OSError:
            pass  # it is hidden, and the caller deletes something else
        try:
            _abandoned.remove(path)
        except ValueError:
            pass  # another thread was faster


def _remove_tree(path: str, parent: int | None = None) -> None:
    """Delete the folder `path`, of the folder that is open as `parent`, with all in it.

    What others delete at the same time is no error. Links are not followed, also where a
    folder is replaced by one meanwhile.
    """
    for left in reversed(range(_TRIES)):
        try:
            if HAS_FOLDER_HANDLES:
                _remove_open_tree(path, parent)
            else:
                _empty_at(path)
                os.rmdir(path)
        except FileNotFoundError:
            return
        except OSError as error:
            # Others who had found the folder before it was hidden may still make something.
            if error.errno != errno.ENOTEMPTY or not left:
                raise
        else:
            return


def _remove_open_tree(path: str, parent: int | None) -> None:
    (descriptor,) = map(partial(os.open, dir_fd=parent), (path,), (FOLDER | NO_FOLLOW,))
    try:
        _empty(descriptor)
    finally:
        os.close(descriptor)
    os.rmdir(path, dir_fd=parent)


def _empty_folder(path: str) -> None:
    """Delete all that is in a folder but not the folder itself, each folder in it at once."""
    if not HAS_FOLDER_HANDLES:
        with suppress(FileNotFoundError):
            _empty_at(path, at_once=True)
        return
    try:
        (descriptor,) = map(os.open, (path,), (FOLDER,))
    except FileNotFoundError:
        return
    try:
        _empty(descriptor, at_once=True)
    finally:
        os.close(descriptor)


def _empty(folder: int, *, at_once: bool = False) -> None:
    """Delete all that is in the folder that is open as `folder`, metadata first.

    Where this is interrupted, what is left is not an array that lacks a part of its chunks.
    """
    for entry in _metadata_first(folder):
        try:
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.name, dir_fd=folder)
            elif at_once:
                _remove_tree(_hide(entry.name, folder), folder)
            else:
                _remove_tree(entry.name, folder)
        except FileNotFoundError:
            pass


def _empty_at(path: str, *, at_once: bool = False) -> None:
    """Do what `_empty` does, where folders cannot be opened."""
    for entry in _metadata_first(path):
        try:
            if not entry.is_dir(follow_symlinks=False):
                unlink(entry.path)
            elif is_junction(entry):
                os.rmdir(entry.path)  # the link, not its target
            elif at_once:
                discard(entry.path)
            else:
                _remove_tree(entry.path)
        except FileNotFoundError:
            pass


def _metadata_first(folder: Any) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: not is_document_name(entry.name))


def _hide(name: str, folder: int) -> str:
    """Rename a folder in the open `folder` such that no reader sees it, if that is possible."""
    hidden = temporary_name()
    try:
        rename_in(folder, name, hidden)
    except OSError as error:
        if error.errno in _NOT_MOVABLE:
            return name
        raise
    return hidden
