"""A file system that shows a folder as one that does not tell cases apart: ``FOLDER MOUNTED_AT``.

As on macOS and Windows, a new name is kept as it was written, and found however it is spelled.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from mfusepy import FUSE, Operations

ATTRIBUTES = ("st_gid", "st_ino", "st_mode", "st_nlink", "st_size", "st_uid")
TIMES = ("st_atime", "st_ctime", "st_mtime")


def attributes(path: str) -> dict[str, Any]:
    found = os.lstat(path)
    times = {name: getattr(found, f"{name}_ns") for name in TIMES}
    return {name: getattr(found, name) for name in ATTRIBUTES} | times


class IgnoringCase(Operations):
    use_ns = True

    def __init__(self, root: str) -> None:
        self.root = root

    def real(self, path: str) -> str:
        found = self.root
        for name in path.split("/"):
            if name:
                listed = os.listdir(found) if os.path.isdir(found) else []
                same = [other for other in listed if other.casefold() == name.casefold()]
                found = f"{found}/{same[0] if same else name}"
        return found

    def named(self, path: str) -> str:
        folder, _, name = path.rpartition("/")
        return f"{self.real(folder)}/{name}"

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        return attributes(self.real(path))

    def readdir(self, path: str, fh: int) -> list[tuple[str, dict[str, Any], int]]:
        folder = self.real(path)
        return [(name, attributes(f"{folder}/{name}"), 0) for name in os.listdir(folder)]

    def create(self, path: str, mode: int, fi: Any = None) -> int:
        return os.open(self.real(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)

    def open(self, path: str, flags: int) -> int:
        return os.open(self.real(path), flags & ~os.O_APPEND)

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        return os.pread(fh, size, offset)

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        return os.pwrite(fh, data, offset)

    def truncate(self, path: str, length: int, fh: int | None = None) -> None:
        os.truncate(self.real(path), length)

    def flush(self, path: str, fh: int) -> int:
        return 0

    def fsync(self, path: str, datasync: int, fh: int) -> int:
        return 0

    def release(self, path: str, fh: int) -> None:
        os.close(fh)

    def mkdir(self, path: str, mode: int) -> None:
        os.mkdir(self.real(path), mode)

    def rmdir(self, path: str) -> None:
        os.rmdir(self.real(path))

    def unlink(self, path: str) -> None:
        os.unlink(self.real(path))

    def rename(self, old: str, new: str) -> None:
        source, target = self.real(old), self.real(new)
        os.rename(source, self.named(new) if source == target else target)

    def chmod(self, path: str, mode: int) -> None:
        os.chmod(self.real(path), mode)

    def utimens(self, path: str, times: Any = None) -> int:
        os.utime(self.real(path), ns=times)
        return 0


if __name__ == "__main__":
    FUSE(IgnoringCase(sys.argv[1]), sys.argv[2], foreground=True, use_ino=True, nothreads=True)
