"""The entries of folders: files, folders, links, and what interrupted writers have left."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress

from zarr._system import is_circular
from zarr.storage.base import Temporary
from zarr.storage.journal import RESERVED

__all__ = ["is_folder", "left_by_writers", "size_of"]


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Tell whether an entry is a folder, or a link to one."""
    try:
        return entry.is_dir()
    except OSError as error:
        if is_circular(error):
            return False
        raise


def size_of(entry: os.DirEntry[str]) -> int:
    """Return the bytes of the file that an entry is, or leads to; -1 where that is no file."""
    try:
        return entry.stat().st_size
    except FileNotFoundError:
        if entry.is_symlink():
            return -1
        raise
    except OSError as error:
        if is_circular(error):
            return -1
        raise


def left_by_writers(path: str, entries: Iterable[os.DirEntry[str]]) -> Iterator[Temporary]:
    """Yield the names, sizes and ages of what writers have left in the folder `path`."""
    for entry in entries:
        name = f"{path}/{entry.name}" if path else entry.name
        if name not in RESERVED:
            with suppress(FileNotFoundError):
                known = entry.stat(follow_symlinks=False)
                yield name, known.st_size, time.time() - known.st_mtime
