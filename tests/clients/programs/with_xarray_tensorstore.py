"""What users of xarray-tensorstore do: xarray writes through this package, TensorStore reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr
import xarray_tensorstore
from steps import run

import zarr

DATA = np.arange(12.0).reshape(3, 4)


def written(folder: Path, version: int) -> str:
    path = str(folder / "a.zarr")
    dataset = xr.Dataset({"t": (("y", "x"), DATA)}, coords={"x": np.arange(4)}, attrs={"a": 1})
    dataset.to_zarr(path, zarr_format=version, encoding={"t": {"chunks": (2, 2)}})
    return path


def read(folder: Path, version: int) -> None:
    found = xarray_tensorstore.open_zarr(written(folder, version), mask_and_scale=False)
    assert (xarray_tensorstore.read(found).compute().t.to_numpy() == DATA).all()
    assert found.attrs == {"a": 1}


def select(folder: Path, version: int) -> None:
    found = xarray_tensorstore.open_zarr(written(folder, version), mask_and_scale=False)
    assert (found.t.sel(x=[0, 3]).isel(y=1).to_numpy() == DATA[1, [0, 3]]).all()


def without_consolidated_metadata(folder: Path, version: int) -> None:
    path = written(folder, version)
    found = xarray_tensorstore.open_zarr(path, consolidated=False, mask_and_scale=False)
    assert float(found.t.sum()) == DATA.sum()


def write(folder: Path, version: int) -> None:
    path = written(folder, version)
    found = xarray_tensorstore.open_zarr(path, write=True, mask_and_scale=False)
    found.t[1, :] = 0
    assert (zarr.open_group(path, mode="r")["t"][1] == 0).all()


STEPS = read, select, without_consolidated_metadata, write

if __name__ == "__main__":
    run(STEPS, (2, 3))
