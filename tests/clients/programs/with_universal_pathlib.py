"""What users of universal_pathlib and of fsspec do with Zarr, in both formats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fsspec
import numpy as np
from steps import run
from upath import UPath

import zarr

DATA = np.arange(12.0).reshape(3, 4)


def round_trip(store: Any, version: int) -> None:
    root = zarr.open_group(store, mode="w", zarr_format=version)
    root.create_array("x", shape=DATA.shape, chunks=(2, 2), dtype="f8")[:] = DATA
    assert (zarr.open_group(store, mode="r")["x"][:] == DATA).all()


def path_in_a_folder(folder: Path, version: int) -> None:
    round_trip(UPath(folder / "a.zarr"), version)


def path_in_memory(folder: Path, version: int) -> None:
    round_trip(UPath(f"memory://upath-{folder.name}.zarr"), version)


def joined_path(folder: Path, version: int) -> None:
    place = UPath(f"memory://joined-{folder.name}") / "deep" / "a.zarr"
    round_trip(place, version)
    assert place.exists()
    assert any(place.iterdir())


def store_of_a_path(folder: Path, version: int) -> None:
    place = UPath(f"memory://store-{folder.name}.zarr")
    round_trip(zarr.storage.FsspecStore.from_upath(place), version)


def store_of_a_url(folder: Path, version: int) -> None:
    round_trip(zarr.storage.FsspecStore.from_url(f"memory://url-{folder.name}.zarr"), version)


def mapper(folder: Path, version: int) -> None:
    round_trip(fsspec.get_mapper(f"memory://mapper-{folder.name}.zarr"), version)


def file_system(folder: Path, version: int) -> None:
    fs = fsspec.filesystem("memory", asynchronous=False)
    store = zarr.storage.FsspecStore.from_mapper(fs.get_mapper(f"/fs-{folder.name}.zarr"))
    round_trip(store, version)


STEPS = (
    path_in_a_folder, path_in_memory, joined_path, store_of_a_path, store_of_a_url, mapper,
    file_system,
)  # fmt: skip

if __name__ == "__main__":
    run(STEPS, (2, 3))
