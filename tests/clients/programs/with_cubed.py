"""What users of cubed do with Zarr."""

from __future__ import annotations

from pathlib import Path

import cubed
import cubed.array_api as xp
import cubed.random
import numpy as np
from steps import run

import zarr

DATA = np.arange(144.0).reshape(12, 12)


def spec(folder: Path) -> cubed.Spec:
    return cubed.Spec(work_dir=str(folder / "work"), allowed_mem="200MB")


def stored(folder: Path, version: int) -> str:
    path = str(folder / "a.zarr")
    zarr.create_array(path, data=DATA, chunks=(4, 6), zarr_format=version)
    return path


def compute(folder: Path, version: int) -> None:
    a = xp.asarray(DATA, chunks=(4, 6), spec=spec(folder))
    assert (xp.add(a, 1).compute() == DATA + 1).all()


def read(folder: Path, version: int) -> None:
    a = cubed.from_zarr(stored(folder, version), spec=spec(folder))
    assert float(xp.sum(a).compute()) == DATA.sum()
    assert (a[2:9, 5].compute() == DATA[2:9, 5]).all()
    assert (a[[1, 7, 2], :].compute() == DATA[[1, 7, 2]]).all()


def write(folder: Path, version: int) -> None:
    a = cubed.from_zarr(stored(folder, version), spec=spec(folder))
    cubed.to_zarr(xp.multiply(a, 2), str(folder / "b.zarr"))
    assert (zarr.open_array(str(folder / "b.zarr"), mode="r")[:] == DATA * 2).all()


def other_chunks(folder: Path, version: int) -> None:
    a = cubed.from_zarr(stored(folder, version), spec=spec(folder))
    b = cubed.rechunk(a, (12, 2))
    assert (b.compute() == DATA).all()


def reduce_and_join(folder: Path, version: int) -> None:
    a = cubed.from_zarr(stored(folder, version), spec=spec(folder))
    both = xp.concat([a, a], axis=0)
    assert (xp.mean(both, axis=0).compute() == DATA.mean(axis=0)).all()


def random(folder: Path, version: int) -> None:
    a = cubed.random.random((20, 20), chunks=(10, 10), spec=spec(folder))
    assert 0 < float(xp.mean(a).compute()) < 1


STEPS = compute, read, write, other_chunks, reduce_and_join, random

if __name__ == "__main__":
    run(STEPS, (2, 3))
