"""What users of ome-zarr and the models of its metadata do with Zarr, in both of its versions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pydantic_zarr.v2
import pydantic_zarr.v3
from ome_zarr.format import format_from_version
from ome_zarr.io import parse_url
from ome_zarr.reader import Reader
from ome_zarr.writer import (
    write_image,
    write_labels,
    write_plate_metadata,
    write_well_metadata,
)
from ome_zarr_models import open_ome_zarr
from steps import run

import zarr

IMAGE = np.random.default_rng(0).integers(0, 255, (2, 64, 64)).astype("u1")


def written(folder: Path, version: str, image: Any = IMAGE) -> str:
    path = str(folder / "a.zarr")
    write_image(image, path, axes="cyx", fmt=format_from_version(version))
    return path


def read(path: str) -> Any:
    return next(iter(Reader(parse_url(path))())).data[0].compute()


def image_at_a_path(folder: Path, version: str) -> None:
    assert (read(written(folder, version)) == IMAGE).all()


def image_in_a_group(folder: Path, version: str) -> None:
    path, form = str(folder / "a.zarr"), format_from_version(version)
    store = parse_url(path, mode="w", fmt=form).store
    group = zarr.group(store, zarr_format=form.zarr_format)
    write_image(IMAGE, group, axes="cyx", storage_options={"chunks": (1, 32, 32)})
    assert (read(path) == IMAGE).all()


def labels(folder: Path, version: str) -> None:
    path, form = written(folder, version), format_from_version(version)
    write_labels((IMAGE[0] > 100).astype("u1"), path, name="cells", axes="yx", fmt=form)
    assert "cells" in zarr.open_group(path)["labels"]
    assert (read(path) == IMAGE).all()


def attributes(folder: Path, version: str) -> None:
    found = zarr.open_group(written(folder, version), mode="r").attrs.asdict()
    assert {"multiscales", "ome"} & {*found}


def models(folder: Path, version: str) -> None:
    assert open_ome_zarr(zarr.open_group(written(folder, version), mode="r")) is not None


def specifications(folder: Path, version: str) -> None:
    module = {2: pydantic_zarr.v2, 3: pydantic_zarr.v3}[format_from_version(version).zarr_format]
    spec = module.GroupSpec.from_zarr(zarr.open_group(written(folder, version), mode="r"))
    made = spec.to_zarr(zarr.storage.MemoryStore(), path="x")
    assert module.GroupSpec.from_zarr(made) == spec


def plate(folder: Path, version: str) -> None:
    path, form = str(folder / "a.zarr"), format_from_version(version)
    group = zarr.open_group(path, mode="w", zarr_format=form.zarr_format)
    write_plate_metadata(group, ["A"], ["1"], ["A/1"])
    well = group.require_group("A").require_group("1")
    write_well_metadata(well, ["0"])
    write_image(IMAGE, well.require_group("0"), axes="cyx")
    assert list(Reader(parse_url(path))())


def image_of_dask(folder: Path, version: str) -> None:
    path = written(folder, version, da.from_array(IMAGE, chunks=(1, 32, 32)))
    assert (read(path) == IMAGE).all()


STEPS = (
    image_at_a_path, image_in_a_group, labels, attributes, models, specifications, plate,
    image_of_dask,
)  # fmt: skip

if __name__ == "__main__":
    run(STEPS, ("0.4", "0.5"))
