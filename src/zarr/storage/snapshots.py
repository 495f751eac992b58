"""Files of snapshots: folders in a directory that hold earlier states of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from zarr._system import clone_file, link, protect, rename, why_no_name
from zarr.errors import StoreError
from zarr.storage.directory import DirectoryStore
from zarr.storage.files import discard, is_temporary, temporary_name
from zarr.storage.journal import SNAPSHOTS

__all__ = [
    "Method", "Snapshot", "delete", "find", "find_all", "make", "put_back",
]  # fmt: skip

Method: TypeAlias = Literal["auto", "reflink", "link", "copy"]
"""How a snapshot takes files: see :func:`zarr.snapshot`."""

_METHODS = {
    "auto": ("reflink", "link", "copy"),
    "reflink": ("reflink",),
    "link": ("link",),
    "copy": ("copy",),
}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot of a store.

    Attributes
    ----------
    name : str
        The name.
    path : str
        The directory of the snapshot, which can be opened as any store.
    created : datetime.datetime
        When it was made.
    """

    name: str
    path: str
    created: datetime


def _checked(name: str) -> str:
    """Return the name of a snapshot; raise `ValueError` if it cannot be one."""
    if why_no_name(name) or name.startswith(".") or not set(name).isdisjoint("/\\\0"):
        raise ValueError(
            f"{name!r} cannot be the name of a snapshot: expected a name of a folder, without "
            "slashes, that does not begin with a dot"
        )
    return name


def find(tree: DirectoryStore, name: str) -> str:
    """Return the path of a snapshot; raise `KeyError` if there is none of that name."""
    path = os.path.join(tree.path, SNAPSHOTS, _checked(name))
    if not os.path.isdir(path):
        names = ", ".join(repr(one.name) for one in find_all(tree)) or "none"
        raise KeyError(f"{tree!r} has no snapshot {name!r}; there are {names}")
    return path


def find_all(tree: DirectoryStore) -> list[Snapshot]:
    """Return all snapshots of a directory, the oldest first."""
    found = []
    with suppress(FileNotFoundError), os.scandir(os.path.join(tree.path, SNAPSHOTS)) as entries:
        for entry in entries:
            if entry.is_dir() and not is_temporary(entry.name):
                created = datetime.fromtimestamp(entry.stat().st_mtime, UTC)
                found.append(Snapshot(entry.name, entry.path, created))
    return sorted(found, key=lambda one: (one.created, one.name))


# -- taking files ----------------------------------------------------------------------


class _Files:
    """Takes files into a snapshot, or out of it, in the cheapest way that works.

    Parameters
    ----------
    method : str
        One of `Method`.

    Raises
    ------
    ValueError
        If it is none.
    """

    def __init__(self, method: str) -> None:
        if method not in _METHODS:
            raise ValueError(f"method must be one of {', '.join(_METHODS)}, not {method!r}")
        self.method = method
        self._ways = list(_METHODS[method])

    def take(self, source: str, target: str) -> None:
        """Make `target` a file with the content of `source`."""
        if os.path.islink(source):
            shutil.copyfile(source, target)
            return
        for way in tuple(self._ways):
            if way == "reflink" and clone_file(source, target):
                return
            if way == "link" and link(source, target):
                protect(target)
                return
            if way == "copy":
                shutil.copyfile(source, target)
                return
            if len(self._ways) > 1:
                self._ways.remove(way)  # not here, so nor for the other files
        raise StoreError(
            f"the file system of {source!r} cannot make snapshots with method={self.method!r}; "
            "use method='auto'"
        )


def make(tree: DirectoryStore, name: str, method: str) -> Snapshot:
    """Make a snapshot of a directory; raise `ValueError` if there is one of that name."""
    files = _Files(method)
    folder = os.path.join(tree.path, SNAPSHOTS)
    path = os.path.join(folder, _checked(name))
    with _locked(tree):
        if os.path.lexists(path):
            raise ValueError(f"{tree!r} has a snapshot {name!r} already; drop it first")
        hidden = os.path.join(folder, temporary_name())
        os.makedirs(hidden)
        try:
            _take_all(tree, hidden, files)
            rename(hidden, path)
        except BaseException:
            discard(hidden)
            raise
        return next(one for one in find_all(tree) if one.name == name)


def _take_all(tree: DirectoryStore, target: str, files: _Files) -> None:
    made = {""}
    for key in tree.list_prefix():
        folder = key.rpartition("/")[0]
        if folder not in made:
            os.makedirs(os.path.join(target, folder), exist_ok=True)
            made.add(folder)
        files.take(tree._file(key), f"{target}/{key}")


@contextmanager
def _locked(tree: DirectoryStore) -> Iterator[None]:
    """Keep transactions out."""
    begun = tree.begin()
    try:
        yield
    finally:
        begun.rollback()


def put_back(staging: Any, tree: DirectoryStore, kept: DirectoryStore) -> None:
    """Stage what differs between a snapshot and the present state."""
    files = _Files("auto")
    old = set(kept.list_prefix())
    staging.delitems([key for key in tree.list_prefix() if key not in old])
    for key in old:
        source = kept._file(key)
        if not _is_same_file(source, tree._file(key)):
            staging.adopt(key, source, files.take)


def _is_same_file(source: str, target: str) -> bool:
    with suppress(OSError):
        return os.path.samefile(source, target)
    return False


def delete(tree: DirectoryStore, name: str) -> None:
    """Delete a snapshot; raise `KeyError` if there is none of that name."""
    with _locked(tree):
        discard(find(tree, name))
        with suppress(OSError):  # others are in it
            os.rmdir(os.path.join(tree.path, SNAPSHOTS))
