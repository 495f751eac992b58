"""What users of rechunker do with Zarr: arrays and groups, with and without intermediate arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dask
import numpy as np
from rechunker import rechunk
from steps import run

import zarr

DATA = np.random.default_rng(0).normal(size=(100, 90))


def source(folder: Path) -> Any:
    z = zarr.open_array(str(folder / "source.zarr"), mode="w", shape=DATA.shape, chunks=(5, 90))
    z[...] = DATA
    z.attrs["name"] = "data"
    return z


def moved(folder: Path, memory: int) -> Any:
    paths = {name: str(folder / name) for name in ("target.zarr", "temporary.zarr")}
    plan = rechunk(
        source(folder),
        (100, 9),
        memory,
        paths["target.zarr"],
        temp_store=paths["temporary.zarr"],
        executor="python",
    )
    plan.execute()
    return plan, zarr.open_array(paths["target.zarr"], mode="r")


def through_an_intermediate_array(folder: Path, memory: int) -> None:
    plan, z = moved(folder, 6 * 5 * 90 * 8)
    assert plan._intermediate is not None
    assert z.chunks == (100, 9)
    assert np.array_equal(z[...], DATA)
    assert dict(z.attrs) == {"name": "data"}


def at_once(folder: Path, memory: int) -> None:
    plan, z = moved(folder, 10**7)
    assert plan._intermediate is None
    assert np.array_equal(z[...], DATA)


def group(folder: Path, memory: int) -> None:
    root = zarr.open_group(str(folder / "group.zarr"), mode="w")
    root.attrs["title"] = "two arrays"
    for name in ("a", "b"):
        root.create_dataset(name, data=DATA, chunks=(5, 90))
    chunks = {"a": (100, 9), "b": (50, 45)}
    target, temporary = str(folder / "t.zarr"), str(folder / "x.zarr")
    rechunk(root, chunks, 10**6, target, temp_store=temporary, executor="python").execute()
    found = zarr.open_group(target, mode="r")
    assert dict(found.attrs) == {"title": "two arrays"}
    for name, shape in chunks.items():
        assert found[name].chunks == shape
        assert np.array_equal(found[name][...], DATA)


def from_dask(folder: Path, memory: int) -> None:
    blocks = dask.array.from_array(DATA, chunks=(10, 90))
    target, temporary = str(folder / "t.zarr"), str(folder / "x.zarr")
    rechunk(blocks, (100, 9), 10**6, target, temp_store=temporary, executor="python").execute()
    assert np.array_equal(zarr.open_array(target, mode="r")[...], DATA)


STEPS = through_an_intermediate_array, at_once, group, from_dask

if __name__ == "__main__":
    dask.config.set(scheduler="threads")
    run(STEPS, (0,))
