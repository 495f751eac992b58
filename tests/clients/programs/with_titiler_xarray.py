"""What users of titiler-xarray do with Zarr, through rio-tiler, in both formats."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr
from steps import run
from titiler.xarray.io import Reader


def written(folder: Path, version: int) -> str:
    path = str(folder / "a.zarr")
    data = np.arange(2 * 18 * 36, dtype="f4").reshape(2, 18, 36)
    coords = {
        "time": np.array(["2000-01-01", "2000-01-02"], dtype="M8[ns]"),
        "y": np.arange(85.0, -95, -10), "x": np.arange(-175.0, 185, 10),
    }  # fmt: skip
    dataset = xr.Dataset({"t": (("time", "y", "x"), data)}, coords)
    dataset.to_zarr(path, zarr_format=version, encoding={"t": {"chunks": (1, 9, 18)}})
    return path


def statistics(folder: Path, version: int) -> None:
    with Reader(f"file://{written(folder, version)}", variable="t") as reader:
        assert [float(one.min) for one in reader.statistics().values()] == [0, 648]


def tile(folder: Path, version: int) -> None:
    with Reader(f"file://{written(folder, version)}", variable="t") as reader:
        assert reader.tile(0, 0, 0, tilesize=64).data.shape == (2, 64, 64)


def one_time(folder: Path, version: int) -> None:
    path = f"file://{written(folder, version)}"
    with Reader(path, variable="t", sel=["time=2000-01-02"]) as reader:
        assert reader.point(-175, 85).data.tolist() == [648]


STEPS = statistics, tile, one_time

if __name__ == "__main__":
    run(STEPS, (2, 3))
