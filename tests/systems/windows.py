"""A plugin of pytest that shows Windows to this package, on the file system of Linux.

Load it with ``-p tests.systems.windows``, before `zarr` is imported. Modules of `zarr` then have
an `os` of their own: with drives and backslashes, text mode, no forks, no reads at a position, no
handles of folders, errors of Windows, and files that nobody can replace, rename or delete while
they are open. Anything else, such as pytest itself, has the real one.
"""

from __future__ import annotations

import asyncio  # noqa: F401 (modules that ask for the system when they are imported)
import builtins
import errno
import fcntl
import genericpath
import importlib.util
import io
import multiprocessing.util  # noqa: F401
import ntpath
import os
import pkgutil
import re
import sqlite3
import stat
import sys
from types import ModuleType
from typing import Any

import fasteners
import hypothesis  # noqa: F401
import numcodecs  # noqa: F401
import numpy as np  # noqa: F401
import pytest

assert "zarr" not in sys.modules, "zarr was imported before the simulation of Windows"

O_BINARY = 0x8000
LACKING = (
    "chown", "fchown", "fchmod", "fork", "getegid", "geteuid", "getgid", "getpgid", "getuid",
    "mkfifo", "O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_PATH", "O_SYNC",
    "O_TMPFILE", "pathconf", "posix_fadvise", "posix_fallocate", "pread", "preadv", "pwrite",
    "pwritev", "readv", "register_at_fork", "sched_getaffinity", "sched_setaffinity", "sendfile",
    "setsid", "statvfs", "sync", "wait", "writev",
)  # fmt: skip
REFUSED = re.compile(r'[\x00-\x1f<>:"|?*]')
DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def real(path: Any) -> Any:
    """Return the path of Linux for one of Windows; ends of names that Windows drops are lost."""
    path = path if isinstance(path, int) else os.fsdecode(path)
    if not isinstance(path, str):
        return path
    tail = path[2:] if path[:2].lower() == "c:" else path
    names = tail.replace("\\", "/").split("/")
    if any(REFUSED.search(name) or DEVICE.fullmatch(name) for name in names):
        raise OSError(errno.EINVAL, "Invalid argument", path)
    return "/".join(name if name in (".", "..") else name.rstrip(". ") for name in names)


def foreign(path: str) -> str:
    return "C:" + path.replace("/", "\\")


def open_files() -> set[str]:
    found = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            found.add(os.readlink(f"/proc/self/fd/{number}"))
        except OSError:
            continue
    return found


def check_closed(path: str, verb: str) -> None:
    """Raise what Windows does if the file `path`, or one in the folder `path`, is open."""
    inside = path + "/"
    for name in open_files():
        if name == path or (name.startswith(inside) and not os.path.isdir(name)):
            reason = "The process cannot access the file because it is being used by another"
            raise PermissionError(errno.EACCES, f"{reason} process ({verb})", path)


def denied(path: str) -> PermissionError:
    return PermissionError(errno.EACCES, "Access is denied", path)


def is_folder(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)


# -- functions of `os` -------------------------------------------------------------------

in_text_mode: set[int] = set()


def open_(path: Any, flags: int, mode: int = 0o777, *, dir_fd: None = None) -> int:
    if dir_fd is not None:
        raise NotImplementedError("dir_fd unavailable on this platform")
    if os.path.isdir(real(path)):
        raise denied(path)
    descriptor = os.open(real(path), flags & ~O_BINARY, mode)
    if not flags & O_BINARY:
        in_text_mode.add(descriptor)
    return descriptor


def close(descriptor: int) -> None:
    in_text_mode.discard(descriptor)
    os.close(descriptor)


def read(descriptor: int, length: int) -> bytes:
    data = os.read(descriptor, length)
    if descriptor in in_text_mode:
        return data.partition(b"\x1a")[0].replace(b"\r\n", b"\n")
    return data


def write(descriptor: int, data: Any) -> int:
    if descriptor not in in_text_mode:
        return os.write(descriptor, data)
    os.write(descriptor, bytes(data).replace(b"\n", b"\r\n"))
    return len(memoryview(data))


def replace(source: Any, target: Any) -> None:
    source, target = real(source), real(target)
    os.lstat(source)
    if os.path.lexists(target) and not os.path.samefile(source, target):
        if is_folder(source) or is_folder(target):
            raise denied(target)
        check_closed(os.path.realpath(target), "replace")
    check_closed(os.path.realpath(source), "rename")
    os.replace(source, target)


def rename(source: Any, target: Any) -> None:
    if os.path.lexists(real(target)):
        raise FileExistsError(errno.EEXIST, "Cannot create a file when it already exists", target)
    replace(source, target)


def unlink(path: Any, *, dir_fd: None = None) -> None:
    if dir_fd is not None:
        raise NotImplementedError("dir_fd unavailable on this platform")
    if is_folder(real(path)):
        raise denied(path)
    check_closed(os.path.realpath(real(path)), "delete")
    os.unlink(real(path))


def rmdir(path: Any, *, dir_fd: None = None) -> None:
    if dir_fd is not None:
        raise NotImplementedError("dir_fd unavailable on this platform")
    os.rmdir(real(path))


def stat_(path: Any, *, dir_fd: None = None, follow_symlinks: bool = True) -> os.stat_result:
    try:
        return os.stat(real(path), follow_symlinks=follow_symlinks)
    except NotADirectoryError as error:
        raise FileNotFoundError(errno.ENOENT, "The system cannot find the path", path) from error


def scandir(path: Any = ".") -> Any:
    if isinstance(path, int):
        raise TypeError("scandir: path should be string, bytes, os.PathLike or None, not int")
    return os.scandir(real(path))


def on_real_path(function: Any) -> Any:
    def call(path: Any, *arguments: Any, **options: Any) -> Any:
        return function(real(path), *arguments, **options)

    return call


class FileIO(io.FileIO):
    def __init__(self, file: Any, mode: str = "r") -> None:
        if os.path.isdir(real(file)):
            raise denied(file)
        super().__init__(real(file), mode)


def open_file(file: Any, *arguments: Any, **options: Any) -> Any:
    return builtins.open(real(file), *arguments, **options)


class Lock(fasteners.InterProcessLock):
    """Locks of Windows belong to an open file, not to a process."""

    def __init__(self, path: Any) -> None:
        super().__init__(real(path))

    def trylock(self) -> None:
        fcntl.flock(self.lockfile, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def unlock(self) -> None:
        fcntl.flock(self.lockfile, fcntl.LOCK_UN)


# -- the modules that `zarr` gets --------------------------------------------------------


def copy_of(module: ModuleType, **replaced: ModuleType) -> ModuleType:
    """Return `module`, executed once more with other modules to import."""
    spec = importlib.util.spec_from_file_location(module.__name__, module.__file__)
    assert spec is not None and spec.loader is not None
    copy = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        for name, other in replaced.items():
            patch.setitem(sys.modules, name, other)
        spec.loader.exec_module(copy)
    return copy


def windows_os() -> ModuleType:
    fake = ModuleType("os")
    vars(fake).update({name: value for name, value in vars(os).items() if name not in LACKING})
    vars(fake).update(
        name="nt", sep="\\", altsep="/", linesep="\r\n", O_BINARY=O_BINARY, supports_fd=set(),
        supports_dir_fd=set(), open=open_, close=close, read=read, write=write, replace=replace,
        rename=rename, unlink=unlink, remove=unlink, rmdir=rmdir, stat=stat_, scandir=scandir,
        lstat=lambda path: stat_(path, follow_symlinks=False),
        getcwd=lambda: foreign(os.getcwd()),
        **{
            name: on_real_path(getattr(os, name))
            for name in ("access", "chmod", "listdir", "makedirs", "mkdir", "readlink", "utime")
        },
    )  # fmt: skip
    generic = copy_of(genericpath, os=fake)
    fake.path = copy_of(ntpath, os=fake, genericpath=generic)  # type: ignore[attr-defined]
    fake.path.realpath = lambda path: foreign(os.path.realpath(real(path)))
    fake.path.abspath = lambda path: foreign(os.path.abspath(real(path)))
    fake.path.islink = lambda path: os.path.islink(real(path))
    return fake


def windows_locks() -> ModuleType:
    """Return `msvcrt`, whose lock of a byte is one of the whole file here."""
    fake = ModuleType("msvcrt")
    kinds = {"LK_NBLCK": fcntl.LOCK_EX | fcntl.LOCK_NB, "LK_UNLCK": fcntl.LOCK_UN}
    vars(fake).update(kinds, locking=lambda descriptor, kind, _: fcntl.flock(descriptor, kind))
    return fake


def import_zarr() -> None:
    fake = windows_os()
    connect = sqlite3.connect
    sqlite3.connect = lambda path, **options: connect(
        path if path == ":memory:" else real(path), **options
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "os", fake)
        patch.setitem(sys.modules, "os.path", fake.path)
        patch.setitem(sys.modules, "fcntl", None)
        patch.setitem(sys.modules, "msvcrt", windows_locks())
        patch.setattr(io, "FileIO", FileIO)
        patch.setattr(fasteners, "InterProcessLock", Lock)
        package = importlib.import_module("zarr")
        for module in pkgutil.walk_packages(package.__path__, "zarr."):
            importlib.import_module(module.name)
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == "zarr":
            vars(module).setdefault("open", open_file)
    assert stat.S_ISDIR(fake.stat("C:\\").st_mode)
    # Modules that are imported in a function ask for these once more.
    fasteners.InterProcessLock = Lock


import_zarr()
