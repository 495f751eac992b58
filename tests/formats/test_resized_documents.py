"""A resized array has the document of one that was made with that shape."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import zarr

KEYS = {2: ".zarray", 3: "zarr.json"}


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize(
    "options", [{}, {"dtype": [("shape", "i4")]}, {"dimension_separator": "/"}, {"shards": True}]
)
def test_same_document(version: int, ndim: int, options: dict[str, Any]) -> None:
    if "shards" in options:
        if version == 2:
            return
        options = {"shards": (8,) * ndim}
    made = {"chunks": (4,) * ndim, "zarr_format": version, **options}
    grown, new = zarr.MemoryStore(), zarr.MemoryStore()
    z = zarr.create((0, *[6] * (ndim - 1)), store=grown, **made)
    z.append(np.zeros((5, *[6] * (ndim - 1)), z.dtype))
    z.resize(9, *[6] * (ndim - 1))
    zarr.create((9, *[6] * (ndim - 1)), store=new, **made)
    assert grown[KEYS[version]] == new[KEYS[version]]


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("indent", [None, 0, 1, 2, 3, 4])
@pytest.mark.parametrize("shape_of_attribute", [[6], [6, 6]])
def test_documents_of_others(version: int, indent: int | None, shape_of_attribute: Any) -> None:
    store = zarr.MemoryStore()
    zarr.create(6, chunks=4, store=store, zarr_format=version)
    document = json.loads(bytes(store[KEYS[version]]))
    document |= {"attributes": {"shape": shape_of_attribute, "more": {"shape": [6]}}}
    store[KEYS[version]] = json.dumps(document, indent=indent).encode()
    zarr.open_array(store, mode="r+").append(np.zeros(3))
    document["shape"] = [9]
    after = json.loads(bytes(store[KEYS[version]]))
    assert {name: after[name] for name in ("shape", "attributes")} == {
        "shape": [9],
        "attributes": document["attributes"],
    }
