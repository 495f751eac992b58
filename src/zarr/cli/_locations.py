"""Which store, and which path in it, a location on the command line means."""

from __future__ import annotations

import dbm
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zarr
from zarr.errors import NodeError, PathNotFoundError
from zarr.storage import BaseStore, DirectoryStore, normalize_store_arg

__all__ = ["Location", "opened", "opened_store"]

_SIGNATURES = {b"PK": "zip", b"SQLite format 3\0": "sqlite", b"\x89HDF\r\n\x1a\n": "hdf5"}
"""What files of each kind begin with."""

_LMDB_MAGIC = (b"\xde\xc0\xef\xbe", b"\xbe\xef\xc0\xde")
"""Bytes 16 to 19 of an LMDB file, on little-endian and big-endian machines."""

_SUFFIXES = {
    ".zarr": "directory", ".zip": "zip", ".n5": "n5", ".sqlite": "sqlite", ".sqlite3": "sqlite",
    ".db": "sqlite", ".lmdb": "lmdb", ".dbm": "dbm", ".h5": "hdf5", ".hdf5": "hdf5",
    ".nc": "hdf5",
}  # fmt: skip
"""The kind of a store that does not exist yet, by the end of its name."""


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a store.

    Attributes
    ----------
    text : str
        As it was given.
    store : str
        Path or URL of the store.
    path : str
        Path in it, ``''`` for its root.
    kind : str
        What the store is: ``'url'``, ``'directory'``, ``'zip'``, ``'n5'``, ``'sqlite'``,
        ``'lmdb'``, ``'dbm'``, ``'hdf5'`` or ``'file'``, which is none of these.
    reason : str
        Why it is taken for that.
    """

    text: str
    store: str
    path: str
    kind: str
    reason: str

    @classmethod
    def of(cls, text: str) -> Location:
        """Return the location that `text` means.

        A URL is split behind its first part that ends as stores do (``.zarr``, ``.zip``,
        ``.n5``); without one, all of it is the store. In a local path, the store is the first
        part that is a file, an LMDB database or a folder named ``….n5``; else the outermost of
        the arrays and groups around the deepest one; else, as for a URL, the part that ends
        as stores do, or all of it.
        """
        if "://" in text or "::" in text:
            store, path = _split_at_suffix(text, (".zarr", ".zip", ".n5"))
            return cls(text, store, path, "url", "it is a URL")
        parts = Path(text).parts
        for count in range(1, len(parts) + 1):
            prefix, path = Path(*parts[:count]), "/".join(parts[count:])
            if kind := _kind_of_existing(prefix):
                return cls(text, str(prefix), path, kind, "that is what is there")
        if count := _outermost_node(parts):
            store, path = str(Path(*parts[:count])), "/".join(parts[count:])
            return cls(text, store, path, "directory", "it is the outermost array or group there")
        store, path = _split_at_suffix(Path(text).as_posix(), tuple(_SUFFIXES))
        kind = "directory" if Path(store).is_dir() else _SUFFIXES.get(Path(store).suffix, "")
        return cls(text, str(Path(store)), path, kind or "directory", "its name says so")

    @property
    def name(self) -> str:
        """The last part of the location."""
        return (self.path or self.store).rstrip("/").rpartition("/")[2]

    def exists(self) -> bool:
        """Tell whether a local store exists; a URL may."""
        return self.kind == "url" or os.path.lexists(self.store) or _is_dbm(Path(self.store))

    def is_near(self, other: Location) -> bool:
        """Tell whether both are in one store."""
        return (self.kind, _real(self)) == (other.kind, _real(other))


def _real(location: Location) -> str:
    return location.store if location.kind == "url" else os.path.realpath(location.store)


def _split_at_suffix(text: str, suffixes: tuple[str, ...]) -> tuple[str, str]:
    """Return `text` up to its first part that ends with one of `suffixes`, and what follows."""
    parts = text.split("/")
    for count, part in enumerate(parts, 1):
        if part.lower().endswith(suffixes) and part not in suffixes:
            return "/".join(parts[:count]), "/".join(parts[count:]).strip("/")
    return text, ""


def _kind_of_existing(path: Path) -> str:
    """Return what store is at `path`, if it is not a plain folder; ``''`` if that is all."""
    if path.is_file():
        return _kind_of_file(path)
    if path.is_dir():
        if (path / "data.mdb").is_file():
            return "lmdb"
        return "n5" if path.suffix == ".n5" or _is_n5(path / "attributes.json") else ""
    return "dbm" if _is_dbm(path) else ""


def _is_n5(document: Path) -> bool:
    """Tell whether a file is the metadata at the root of an N5 container."""
    try:
        return "n5" in json.loads(document.read_bytes())
    except (OSError, ValueError, TypeError):
        return False


def _kind_of_file(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(32)
    for signature, kind in _SIGNATURES.items():
        if head.startswith(signature):
            return kind
    if head[16:20] in _LMDB_MAGIC:
        return "lmdb"
    return "dbm" if _is_dbm(path) else "file"


def _is_dbm(path: Path) -> bool:
    return path.parent.is_dir() and bool(path.name) and bool(dbm.whichdb(str(path)))


def _outermost_node(parts: tuple[str, ...]) -> int:
    """Return how many of `parts` lead to the root of the hierarchy, 0 if there is none."""
    count = len(parts)
    while count and not _is_node(Path(*parts[:count])):
        count -= 1
    while count > 1 and _is_node(Path(*parts[: count - 1])):
        count -= 1
    return count


def _is_node(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    store = DirectoryStore(str(folder))
    try:
        return zarr.storage.contains_array(store) or zarr.storage.contains_group(store)
    except (ValueError, OSError):  # metadata that are broken are metadata
        return True


def _make_store(location: Location, mode: str, options: Mapping[str, Any]) -> BaseStore:
    """Return the store of a location, for reading with the mode 'r', else for changes."""
    match location.kind:
        case "url":
            return normalize_store_arg(location.store, options, mode)
        case "zip":
            return zarr.ZipStore(location.store, mode=mode)
        case "sqlite":
            return zarr.SQLiteStore(location.store)
        case "lmdb":
            return zarr.LMDBStore(location.store, subdir=Path(location.store).is_dir())
        case "dbm":
            return zarr.DBMStore(location.store, flag="r" if mode == "r" else "c")
        case "n5":
            return zarr.N5Store(location.store)
        case "file":
            raise ValueError(
                f"{location.store!r} is a file, but neither a ZIP archive nor an SQLite, LMDB, DBM "
                "or HDF5 file; for .npy and .npz files, use 'zarr import'"
            )
    return DirectoryStore(location.store)


@contextmanager
def opened_store(
    location: Location, mode: str = "r", options: Mapping[str, Any] | None = None
) -> Iterator[BaseStore]:
    """Open the store of a location, and close it at the end.

    Raises
    ------
    PathNotFoundError
        If it is to be read, and does not exist.
    """
    if mode in ("r", "r+") and not location.exists():
        raise PathNotFoundError(location.path, location.store, "no such file or folder")
    store = _make_store(location, "r" if mode == "r" else "a", options or {})
    try:
        yield store
    finally:
        store.close()


@contextmanager
def opened(
    location: Location,
    mode: str = "r",
    options: Mapping[str, Any] | None = None,
    *,
    consolidated: bool = True,
) -> Iterator[Any]:
    """Open the array or group at a location, of ours or of h5py, and close its store at the end.

    Parameters
    ----------
    location : Location
    mode : {'r', 'r+', 'a'}
        'a' makes a group, if there is nothing.
    options : Mapping, optional
        Storage options for URLs.
    consolidated : bool, default True
        Whether the metadata behind a URL may be read from copies of them.

    Raises
    ------
    PathNotFoundError
        If there is nothing.
    """
    if location.kind == "hdf5":
        with _opened_hdf5(location, mode) as found:
            yield found
        return
    with opened_store(location, mode, options) as store:
        yield _open(store, location, mode, consolidated)


def _open(store: BaseStore, location: Location, mode: str, consolidated: bool) -> Any:
    if consolidated and location.kind == "url" and mode == "r":
        # What cannot be listed, as over HTTP, may have its metadata in one document.
        try:
            return zarr.open_consolidated(store, mode="r", path=location.path)
        except (KeyError, NodeError):
            pass
    return zarr.open(store, mode=mode, path=location.path)  # type: ignore[arg-type]


@contextmanager
def _opened_hdf5(location: Location, mode: str) -> Iterator[Any]:
    try:
        import h5py
    except ImportError as error:
        raise ImportError("HDF5 files need the package h5py: pip install 'zarr[h5py]'") from error
    if mode != "a" and not location.exists():
        raise PathNotFoundError(location.path, location.store, "no such file or folder")
    with h5py.File(location.store, mode) as file:
        if mode == "a":
            yield file.require_group(location.path or "/")
        elif location.path and location.path not in file:
            raise PathNotFoundError(location.path, location.store)
        else:
            yield file[location.path or "/"]
