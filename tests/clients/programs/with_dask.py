"""What users of Dask arrays do with Zarr, in both formats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
from steps import run

import zarr

DATA = np.arange(120.0).reshape(10, 12)


def blocks() -> Any:
    return da.from_array(DATA, chunks=(5, 4))


def target(folder: Path, version: int) -> Any:
    return zarr.create_array(
        str(folder / "t.zarr"), shape=DATA.shape, chunks=(5, 4), dtype="f8", zarr_format=version
    )


def write_and_read(folder: Path, version: int) -> None:
    da.to_zarr(blocks(), str(folder / "a.zarr"), zarr_format=version)
    found = da.from_zarr(str(folder / "a.zarr"))
    assert found.chunksize == (5, 4)
    assert (found.compute() == DATA).all()


def component(folder: Path, version: int) -> None:
    da.to_zarr(blocks(), str(folder / "a.zarr"), component="g/x")
    assert (da.from_zarr(str(folder / "a.zarr"), component="g/x").compute() == DATA).all()


def into_an_array(folder: Path, version: int) -> None:
    z = target(folder, version)
    da.to_zarr(blocks(), z)
    assert (z[:] == DATA).all()


def region(folder: Path, version: int) -> None:
    z = target(folder, version)
    da.to_zarr(blocks()[:5], z, region=(slice(5, 10), slice(None)))
    assert (z[5:] == DATA[:5]).all()


def store(folder: Path, version: int) -> None:
    z = target(folder, version)
    da.store(blocks() + 1, z, lock=False)
    assert (da.from_zarr(z).sum().compute()) == (DATA + 1).sum()


def from_array(folder: Path, version: int) -> None:
    z = target(folder, version)
    z[:] = DATA
    found = da.from_array(z, chunks=z.chunks)
    assert (found[::2, 3].compute() == DATA[::2, 3]).all()


def processes(folder: Path, version: int) -> None:
    z = target(folder, version)
    z[:] = DATA
    total = da.from_zarr(z).sum().compute(scheduler="processes", num_workers=2)
    assert total == DATA.sum()


def url(folder: Path, version: int) -> None:
    place = f"memory://dask-{version}-{folder.name}.zarr"
    da.to_zarr(blocks(), place, overwrite=True)
    assert (da.from_zarr(place).compute() == DATA).all()


def overwrite(folder: Path, version: int) -> None:
    for _ in range(2):
        da.to_zarr(blocks(), str(folder / "a.zarr"), overwrite=True)
    try:
        da.to_zarr(blocks(), str(folder / "a.zarr"))
    except Exception:  # noqa: BLE001  each generation has its own
        return
    raise AssertionError("no error")


STEPS = (
    write_and_read, component, into_an_array, region, store, from_array, processes, url,
    overwrite,
)  # fmt: skip

if __name__ == "__main__":
    run(STEPS, (2, 3))
