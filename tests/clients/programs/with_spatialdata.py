"""What users of spatialdata do with Zarr: its files have format 3, or format 2 on demand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anndata as ad
import geopandas as gpd
import numpy as np
import pandas as pd
import spatialdata as sd
from shapely import Point
from spatialdata import SpatialData
from spatialdata._io import format as formats
from spatialdata.models import (
    Image2DModel,
    Labels2DModel,
    PointsModel,
    ShapesModel,
    TableModel,
)
from steps import run

import zarr

IMAGE = np.random.default_rng(0).integers(0, 255, (3, 64, 64)).astype("u1")
CELLS = np.repeat(np.arange(8, dtype="i4"), 512).reshape(64, 64)
RASTER = {
    "SpatialDataContainerFormatV01": formats.RasterFormatV02,
    "SpatialDataContainerFormatV02": formats.RasterFormatV03,
}


def data() -> SpatialData:
    cells = pd.DataFrame({"region": pd.Categorical(["cells"] * 7), "instance": np.arange(1, 8)})
    cells.index = cells.index.astype(str)
    table = ad.AnnData(np.arange(21, dtype="f4").reshape(7, 3), obs=cells)
    spots = pd.DataFrame({"x": [1.0, 2.0], "y": [3.0, 4.0], "gene": ["a", "b"]})
    circles = gpd.GeoDataFrame({"geometry": [Point(1, 2), Point(3, 4)], "radius": [1.0, 2.0]})
    return SpatialData(
        images={
            "image": Image2DModel.parse(IMAGE, dims=("c", "y", "x")),
            "pyramid": Image2DModel.parse(IMAGE, dims=("c", "y", "x"), scale_factors=[2, 2]),
        },
        labels={"cells": Labels2DModel.parse(CELLS, dims=("y", "x"))},
        points={"spots": PointsModel.parse(spots)},
        shapes={"circles": ShapesModel.parse(circles)},
        tables={
            "table": TableModel.parse(
                table, region="cells", region_key="region", instance_key="instance"
            )
        },
    )  # fmt: skip


def format_of(setting: str) -> Any:
    return getattr(formats, setting)()


def written(folder: Path, setting: str) -> Path:
    path = folder / "a.zarr"
    data().write(path, sdata_formats=format_of(setting))
    return path


def write_and_read(folder: Path, setting: str) -> None:
    again = sd.read_zarr(written(folder, setting))
    assert np.array_equal(again["image"].values, IMAGE)
    assert np.array_equal(again["cells"].values, CELLS)
    assert again["pyramid"]["scale1"]["image"].shape == (3, 32, 32)
    assert again["spots"].compute()["x"].tolist() == [1, 2]
    assert again["circles"]["radius"].tolist() == [1, 2]
    assert np.array_equal(again["table"].X, data()["table"].X)


def one_kind_of_elements(folder: Path, setting: str) -> None:
    again = sd.read_zarr(written(folder, setting), selection=("images", "tables"))
    assert sorted(again.images) == ["image", "pyramid"]
    assert not again.labels


def write_an_element(folder: Path, setting: str) -> None:
    again = sd.read_zarr(written(folder, setting))
    again["more"] = Image2DModel.parse(IMAGE[:, :32], dims=("c", "y", "x"))
    again.write_element("more", sdata_formats=[format_of(setting), RASTER[setting]()])
    assert np.array_equal(sd.read_zarr(folder / "a.zarr")["more"].values, IMAGE[:, :32])
    again.delete_element_from_disk("more")
    assert "more" not in sd.read_zarr(folder / "a.zarr").images


def consolidated_metadata(folder: Path, setting: str) -> None:
    again = sd.read_zarr(written(folder, setting))
    assert again.has_consolidated_metadata()
    again.write_consolidated_metadata()
    again.write_metadata(sdata_format=format_of(setting))
    assert sd.read_zarr(folder / "a.zarr").has_consolidated_metadata()


def transformations(folder: Path, setting: str) -> None:
    from spatialdata.transformations import Scale, get_transformation, set_transformation

    again = sd.read_zarr(written(folder, setting))
    scale: Any = Scale([2.0, 3.0], axes=("x", "y"))
    set_transformation(again["image"], scale, "half", write_to_sdata=again)
    found = get_transformation(sd.read_zarr(folder / "a.zarr")["image"], "half")
    assert found.to_affine_matrix(("x", "y"), ("x", "y"))[0, 0] == 2


def levels(folder: Path, setting: str) -> None:
    root = zarr.open_group(str(written(folder, setting)), mode="r")
    assert sorted(root) == ["images", "labels", "points", "shapes", "tables"]
    names = sorted(root["images/pyramid"].array_keys())
    assert [root[f"images/pyramid/{name}"].shape[1] for name in names] == [64, 32, 16]


STEPS = (
    write_and_read, one_kind_of_elements, write_an_element, consolidated_metadata,
    transformations, levels,
)  # fmt: skip

if __name__ == "__main__":
    run(STEPS, tuple(RASTER))
