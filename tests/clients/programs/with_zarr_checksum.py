"""What users of zarr-checksum do: the checksum of a hierarchy in a folder, in both formats."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from steps import run
from zarr_checksum import compute_zarr_checksum
from zarr_checksum.generators import yield_files_local

import zarr


def checksum(folder: Path) -> str:
    return str(compute_zarr_checksum(yield_files_local(folder)).digest)


def written(folder: Path, version: int) -> Path:
    root = zarr.open_group(str(folder / "a.zarr"), mode="w", zarr_format=version)
    z = root.create_array("g/x", shape=(10, 12), chunks=(5, 4), dtype="f8")
    z[:] = np.arange(120.0).reshape(10, 12)
    return folder / "a.zarr"


def count(folder: Path, version: int) -> None:
    found = compute_zarr_checksum(yield_files_local(written(folder, version)))
    stored = [path for path in (folder / "a.zarr").rglob("*") if path.is_file()]
    assert found.count == len(stored)
    assert found.size == sum(path.stat().st_size for path in stored)


def copy(folder: Path, version: int) -> None:
    path = written(folder, version)
    shutil.copytree(path, folder / "b.zarr")
    assert checksum(path) == checksum(folder / "b.zarr")


def change(folder: Path, version: int) -> None:
    before = checksum(written(folder, version))
    zarr.open_group(str(folder / "a.zarr"), mode="r+")["g/x"][0, 0] = -1
    assert checksum(folder / "a.zarr") != before


STEPS = count, copy, change

if __name__ == "__main__":
    run(STEPS, (2, 3))
