from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr

TEMP = np.linspace(0, 1, 10 * 6 * 8, dtype="f4").reshape(10, 6, 8)
COUNT = np.arange(20, dtype="i4")
STORES = ("v2.zarr", "v3.zarr", "data.zip", "data.sqlite", "data.n5", "data.lmdb")


def fill(root: Any) -> None:
    """Make a group with an array, and another one in a group."""
    root.attrs["title"] = "Example"
    root.create_dataset("count", data=COUNT, chunks=7)
    root.create_group("ocean")
    names = ["time", "lat", "lon"]
    has_names = root.zarr_format == 3
    given = {"dimension_names": names} if has_names else {}
    temp = root.create_dataset("ocean/temp", data=TEMP, chunks=(5, 3, 8), **given)
    temp.attrs.put({"units": "K"} if has_names else {"units": "K", "_ARRAY_DIMENSIONS": names})


def make_stores(folder: Path) -> None:
    fill(zarr.open_group(str(folder / "v2.zarr"), mode="w"))
    fill(zarr.open_group(str(folder / "v3.zarr"), mode="w", zarr_format=3))
    kinds = {"data.sqlite": zarr.SQLiteStore, "data.n5": zarr.N5Store, "data.zip": zarr.ZipStore}
    try:
        import lmdb  # noqa: F401

        kinds["data.lmdb"] = zarr.LMDBStore
    except ImportError:
        pass
    for name, kind in kinds.items():
        store = kind(str(folder / name))
        fill(zarr.group(store))
        store.close()


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stores")
    make_stores(folder)
    return folder


@pytest.fixture
def stores(made: Path, tmp_path: Path) -> Path:
    """Give a folder with stores of its own to a test that changes them."""
    shutil.copytree(made, tmp_path / "stores")
    return tmp_path / "stores"


@pytest.fixture(scope="session")
def names(made: Path) -> list[str]:
    return [name for name in STORES if (made / name).exists()]
