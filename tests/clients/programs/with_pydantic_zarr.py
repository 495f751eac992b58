"""What users of pydantic-zarr do with Zarr, in both formats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydantic_zarr.v2
import pydantic_zarr.v3
from steps import run

import zarr

MODULES: dict[int, Any] = {2: pydantic_zarr.v2, 3: pydantic_zarr.v3}


def hierarchy(folder: Path, version: int) -> Any:
    root = zarr.open_group(str(folder / "a.zarr"), mode="w", zarr_format=version)
    root.attrs["title"] = "example"
    z = root.create_array("g/x", shape=(10, 12), chunks=(5, 4), dtype="f4", fill_value=1)
    z.attrs["units"] = "m"
    return root


def array_of_numpy(folder: Path, version: int) -> None:
    spec = MODULES[version].ArraySpec.from_array(np.arange(10), attributes={"a": 1})
    made = spec.to_zarr(zarr.storage.MemoryStore(), path="x")
    assert (made.shape, made.attrs.asdict()) == ((10,), {"a": 1})


def array_of_zarr(folder: Path, version: int) -> None:
    z = hierarchy(folder, version)["g/x"]
    spec = MODULES[version].ArraySpec.from_zarr(z)
    assert spec.shape == (10, 12)
    assert spec.attributes == {"units": "m"}
    again = spec.to_zarr(zarr.storage.MemoryStore(), path="y")
    assert MODULES[version].ArraySpec.from_zarr(again) == spec


def group_of_zarr(folder: Path, version: int) -> None:
    spec = MODULES[version].GroupSpec.from_zarr(hierarchy(folder, version))
    assert spec.attributes == {"title": "example"}
    made = spec.to_zarr(zarr.storage.MemoryStore(), path="copy")
    assert made["g/x"].chunks == (5, 4)
    assert MODULES[version].GroupSpec.from_zarr(made) == spec


def flat(folder: Path, version: int) -> None:
    spec = MODULES[version].GroupSpec.from_zarr(hierarchy(folder, version))
    flattened = spec.to_flat()
    assert {*flattened} == {"", "/g", "/g/x"}
    assert MODULES[version].GroupSpec.from_flat(flattened) == spec


def as_json(folder: Path, version: int) -> None:
    kind = MODULES[version].GroupSpec
    spec = kind.from_zarr(hierarchy(folder, version))
    assert kind(**spec.model_dump()) == spec
    assert kind.model_validate_json(spec.model_dump_json()).members.keys() == {"g"}


def overwrite(folder: Path, version: int) -> None:
    store = zarr.storage.MemoryStore()
    spec = MODULES[version].GroupSpec.from_zarr(hierarchy(folder, version))
    spec.to_zarr(store, path="a")
    spec.to_zarr(store, path="a", overwrite=True)
    other = MODULES[version].GroupSpec(attributes={"b": 2}, members={})
    try:
        other.to_zarr(store, path="a")
    except zarr.errors.ContainsGroupError:
        return
    raise AssertionError("no error")


STEPS = array_of_numpy, array_of_zarr, group_of_zarr, flat, as_json, overwrite

if __name__ == "__main__":
    run(STEPS, (2, 3))
