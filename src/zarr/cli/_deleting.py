"""Deleting what is at a location."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zarr.cli._locations import Location, opened, opened_store
from zarr.storage import rmdir

__all__ = ["delete"]

_BESIDE = {
    "sqlite": ("-wal", "-shm", "-journal"),
    "lmdb": ("-lock",),
    "dbm": (".dat", ".dir", ".bak", ".pag", ".db"),
}
"""Ends of the names of the files that a database has besides its own."""


def delete(location: Location, options: Mapping[str, Any]) -> None:
    """Delete the array, the group or the store at a location, with all below it."""
    if location.path and location.kind == "hdf5":
        with opened(Location(location.store, location.store, "", "hdf5", ""), "r+") as file:
            del file[location.path]
    elif location.path or location.kind == "url":
        with opened_store(location, "r+", options) as store:
            rmdir(store, location.path)
    elif Path(location.store).is_dir() and not Path(location.store).is_symlink():
        _delete_folder(location, options)
    else:
        for end in ("", *_BESIDE.get(location.kind, ())):
            Path(f"{location.store}{end}").unlink(missing_ok=True)


def _delete_folder(location: Location, options: Mapping[str, Any]) -> None:
    if location.kind == "lmdb":
        shutil.rmtree(location.store)
        return
    with opened_store(location, "r+", options) as store:
        rmdir(store)
