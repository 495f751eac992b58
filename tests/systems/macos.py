"""A plugin of pytest that makes Linux look like macOS, as far as this package uses it.

Load it with ``-p tests.systems.macos``, before `zarr` is imported: functions that macOS lacks are
gone, calls that move more than 2 GiB fail, a folder is not an `IsADirectoryError` to `unlink`,
and only `F_FULLFSYNC` brings data to the disk.
"""

from __future__ import annotations

import asyncio  # noqa: F401 (modules that ask for the system when they are imported)
import errno
import fcntl
import multiprocessing.util  # noqa: F401
import os
import stat
import subprocess  # noqa: F401
import sys
import tempfile  # noqa: F401
import urllib.request  # noqa: F401
from typing import Any

import fasteners  # noqa: F401
import hypothesis  # noqa: F401
import lmdb  # noqa: F401
import numcodecs  # noqa: F401
import numpy as np  # noqa: F401

assert "zarr" not in sys.modules, "zarr was imported before the simulation of macOS"

LACKING = (
    "copy_file_range", "fdatasync", "memfd_create", "O_DIRECT", "O_PATH",
    "posix_fallocate", "posix_fadvise", "preadv", "pwritev", "sched_getaffinity",
    "sched_setaffinity",
)  # fmt: skip
F_FULLFSYNC = 51
PC_CASE_SENSITIVE = 11
MOST = (1 << 31) - 1

synced: list[int] = []
"""Descriptors that were brought to the disk, with `F_FULLFSYNC`."""

_pread, _pwrite, _unlink, _fcntl, _pathconf = (
    os.pread, os.pwrite, os.unlink, fcntl.fcntl, os.pathconf,
)  # fmt: skip


def pread(descriptor: int, length: int, position: int) -> bytes:
    if length > MOST:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    return _pread(descriptor, length, position)


def pwrite(descriptor: int, data: Any, position: int) -> int:
    if memoryview(data).nbytes > MOST:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    return _pwrite(descriptor, data, position)


def unlink(path: Any, *, dir_fd: int | None = None) -> None:
    if stat.S_ISDIR(os.lstat(path).st_mode if dir_fd is None else 0):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), path)
    _unlink(path, dir_fd=dir_fd)


def full_sync(descriptor: Any, command: int, argument: Any = 0) -> Any:
    if command != F_FULLFSYNC:
        return _fcntl(descriptor, command, argument)
    synced.append(descriptor)
    os.fsync(descriptor)
    return 0


def pathconf(path: Any, name: Any) -> int:
    if name != PC_CASE_SENSITIVE:
        return _pathconf(path, name)
    os.stat(path)
    return int("ZARR_TEST_IGNORES_CASE" not in os.environ)


for name in LACKING:
    if hasattr(os, name):
        delattr(os, name)
os.pread, os.pwrite, os.pathconf = pread, pwrite, pathconf
os.unlink = os.remove = unlink
fcntl.fcntl, fcntl.F_FULLFSYNC = full_sync, F_FULLFSYNC
sys.platform = "darwin"
