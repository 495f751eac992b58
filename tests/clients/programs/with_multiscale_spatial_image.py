"""What users of multiscale-spatial-image do with Zarr, in both formats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from multiscale_spatial_image import Methods, to_multiscale
from spatial_image import to_spatial_image
from steps import run

import zarr

IMAGE = np.random.default_rng(0).integers(0, 255, (64, 64)).astype("u1")


def pyramid() -> Any:
    image = to_spatial_image(da.from_array(IMAGE, chunks=(32, 32)), dims=("y", "x"))
    return to_multiscale(image, [2, 2], method=Methods.XARRAY_COARSEN)


def write_and_read(folder: Path, version: int) -> None:
    path = str(folder / "a.zarr")
    pyramid().to_zarr(path, zarr_format=version)
    tree = xr.open_datatree(path, engine="zarr")
    assert sorted(tree.children) == ["scale0", "scale1", "scale2"]
    assert np.array_equal(tree["scale0"]["image"].values, IMAGE)


def levels(folder: Path, version: int) -> None:
    path = str(folder / "a.zarr")
    pyramid().to_zarr(path, zarr_format=version)
    root = zarr.open_group(path, mode="r")
    for name, level in pyramid().children.items():
        assert np.array_equal(root[f"{name}/image"][:], level["image"].values)


def ngff(folder: Path, version: int) -> None:
    path = str(folder / "a.zarr")
    pyramid().msi.to_zarr(path, zarr_format=version)
    root = zarr.open_group(path, mode="r")
    attributes = root.attrs.asdict()
    scales = attributes.get("ome", attributes)["multiscales"][0]["datasets"]
    assert np.array_equal(root[scales[0]["path"]][:], IMAGE)


STEPS = write_and_read, levels, ngff

if __name__ == "__main__":
    run(STEPS, (2, 3))
