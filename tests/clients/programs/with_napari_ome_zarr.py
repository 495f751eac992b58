"""What the plugin of napari for OME-Zarr reads, without a display, in both formats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from napari_ome_zarr import napari_get_reader
from ome_zarr.format import FormatV04, FormatV05
from ome_zarr.writer import write_image, write_labels, write_plate_metadata, write_well_metadata
from steps import run

import zarr

FORMATS = {2: FormatV04, 3: FormatV05}
IMAGE = np.random.default_rng(0).integers(0, 255, (2, 3, 64, 64)).astype("u1")
CELLS = (IMAGE[0] > 128).astype("i4")


def image(folder: Path, version: int) -> Path:
    path = folder / "a.ome.zarr"
    root = zarr.open_group(str(path), mode="w", zarr_format=version)
    omero = {
        "channels": [
            {
                "label": f"c{i}", "color": "FF0000", "active": True,
                "window": {"start": 0, "end": 255, "min": 0, "max": 255},
            }
            for i in range(2)
        ]
    }  # fmt: skip
    write_image(
        IMAGE, root, axes="czyx", fmt=FORMATS[version](), metadata={"omero": omero},
        storage_options={"chunks": (1, 3, 32, 32)},
    )  # fmt: skip
    return path


def layers_of(path: Path) -> list[Any]:
    read = napari_get_reader(str(path))
    assert read is not None, f"the plugin does not read {path}"
    return list(read(str(path)))


def finest(layer: Any) -> np.ndarray:
    data = layer[0]
    return np.asarray(data[0] if isinstance(data, (list, tuple)) else data)


def an_image(folder: Path, version: int) -> None:
    layers = layers_of(image(folder, version))
    assert [layer[2] for layer in layers] == ["image", "image"]  # one for each channel
    assert np.array_equal(np.stack([finest(layer) for layer in layers]), IMAGE)
    assert layers[0][1]["axis_labels"] == ("z", "y", "x")


def levels(folder: Path, version: int) -> None:
    data = layers_of(image(folder, version))[0][0]
    assert [level.shape[-1] for level in data][:3] == [64, 32, 16]


def labels(folder: Path, version: int) -> None:
    path = image(folder, version)
    root = zarr.open_group(str(path), mode="r+")
    write_labels(CELLS, root, "cells", axes="zyx", fmt=FORMATS[version]())
    layers = layers_of(path)
    assert sorted({layer[2] for layer in layers}) == ["image", "labels"]
    (found,) = (layer for layer in layers if layer[2] == "labels")
    assert np.array_equal(np.squeeze(finest(found)), CELLS)


def no_image(folder: Path, version: int) -> None:
    image(folder, version)
    assert napari_get_reader(str(folder / "a.ome.zarr" / "s0")) is None
    assert napari_get_reader(str(folder / "nothing.zarr")) is None


def a_plate(folder: Path, version: int) -> None:
    path = folder / "plate.ome.zarr"
    fmt = FORMATS[version]()
    root = zarr.open_group(str(path), mode="w", zarr_format=version)
    write_plate_metadata(root, ["A"], ["1", "2"], ["A/1", "A/2"], fmt=fmt)
    for column in "12":
        well = root.require_group(f"A/{column}")
        write_well_metadata(well, ["0"], fmt=fmt)
        write_image(IMAGE, well.require_group("0"), axes="czyx", fmt=fmt)
    plates = np.stack([finest(layer) for layer in layers_of(path)])
    assert np.array_equal(plates, np.concatenate([IMAGE, IMAGE], axis=-1))


STEPS = an_image, levels, labels, no_image, a_plate

if __name__ == "__main__":
    run(STEPS, (2, 3))
