"""Arrays whose metadata differ in little: what is parsed once stays apart for each of them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import zarr
from zarr.errors import MetadataError

KEYS = {2: ".zarray", 3: "zarr.json"}


def document(zarr_format: int, **changes: Any) -> dict[str, Any]:
    """Return the metadata document of an array, with changes."""
    store = zarr.MemoryStore()
    zarr.create((6, 4), chunks=(3, 2), dtype="i4", store=store, zarr_format=zarr_format)
    return {**json.loads(store[KEYS[zarr_format]]), **changes}


def opened(zarr_format: int, members: dict[str, Any]) -> zarr.Array:
    return zarr.open_array({KEYS[zarr_format]: json.dumps(members).encode()}, mode="r+")


@pytest.mark.parametrize("zarr_format", KEYS)
def test_shapes_attributes_and_names_are_those_of_each(zarr_format: int) -> None:
    first = opened(zarr_format, document(zarr_format))
    second = opened(zarr_format, document(zarr_format, shape=[9, 9]))
    assert (first.shape, second.shape) == ((6, 4), (9, 9))
    second.resize(3, 3)
    assert first.shape == (6, 4)
    if zarr_format == 3:
        named = document(3, dimension_names=["x", None], attributes={"a": 1})
        third = opened(3, named)
        assert third.metadata.dimension_names == ("x", None)
        assert dict(third.attrs) == {"a": 1}
        assert dict(first.attrs) == {}


@pytest.mark.parametrize("zarr_format", KEYS)
def test_values_that_equal_each_other_are_told_apart(zarr_format: int) -> None:
    kind = {2: {"dtype": "<f8"}, 3: {"data_type": "float64"}}[zarr_format]
    signs = []
    for value in (0.0, -0.0, 0):
        z = opened(zarr_format, document(zarr_format, fill_value=value, **kind))
        signs.append(bool(np.signbit(z.fill_value)))
    assert signs == [False, True, False]
    if zarr_format == 3:
        opened(3, document(3, fill_value=1))
        with pytest.raises(MetadataError):
            opened(3, document(3, fill_value=True))


@pytest.mark.parametrize("zarr_format", KEYS)
def test_an_invalid_member_is_an_error_each_time(zarr_format: int) -> None:
    for _ in range(2):
        for wrong in ({"fill_value": "x"}, {"shape": [6]}, {"shape": [6, 4, 2]}):
            with pytest.raises(MetadataError):
                opened(zarr_format, document(zarr_format, **wrong))


def test_fill_values_that_can_be_changed_are_not_shared() -> None:
    def made() -> zarr.Array:
        store = zarr.MemoryStore()
        fill = np.array((1, 2.0), "i4,f4")[()]
        zarr.create(4, dtype="i4,f4", fill_value=fill, store=store, zarr_format=3)
        return zarr.open_array(store, mode="r")

    first, second = made(), made()
    first.fill_value["f0"] = 7
    assert second.fill_value["f0"] == 1
    assert made().fill_value["f0"] == 1


@pytest.mark.parametrize("zarr_format", KEYS)
def test_what_users_change_in_records_stays_theirs(zarr_format: int) -> None:
    members = document(zarr_format)
    first, second = opened(zarr_format, members), opened(zarr_format, members)
    said = first.metadata.to_dict()
    for value in said.values():
        if isinstance(value, (dict, list)):
            value.clear()
    assert json.loads(json.dumps(second.metadata.to_dict())) != said
    second.resize(5, 4)
    again = zarr.open_array(second.store, mode="r")
    assert (again.shape, again.chunks, again.dtype) == ((5, 4), (3, 2), np.dtype("i4"))


def test_rectilinear_chunks_are_compared_with_each_shape() -> None:
    grid = {
        "name": "rectilinear",
        "configuration": {"kind": "inline", "chunk_shapes": [[2, 4], 2]},
    }
    assert opened(3, document(3, chunk_grid=grid)).shape == (6, 4)
    with pytest.raises(MetadataError, match="add up to 6"):
        opened(3, document(3, chunk_grid=grid, shape=[7, 4]))


@pytest.mark.parametrize("zarr_format", KEYS)
def test_arrays_with_equal_documents_change_apart(zarr_format: int) -> None:
    root = zarr.open_group(zarr.MemoryStore(), mode="w", zarr_format=zarr_format)
    for name in "ab":
        root.zeros(name, shape=(6, 4), chunks=(3, 2), dtype="i4")
    a, other = root["a"], root["a"]
    a.resize(8, 4)
    a.attrs["x"] = [1]
    assert (root["a"].shape, root["b"].shape) == ((8, 4), (6, 4))
    other.append(np.ones((1, 4), "i4"))
    assert root["a"].shape == (9, 4)
    a.attrs["x"].append(2)
    assert dict(root["a"].attrs) == {"x": [1]}
    assert dict(root["b"].attrs) == {}


def test_a_document_of_one_format_is_none_of_another() -> None:
    text = json.dumps(document(2)).encode()
    assert zarr.open_array({".zarray": text}, mode="r").zarr_format == 2
    with pytest.raises(MetadataError, match="zarr_format must be 3"):
        zarr.open_array({"zarr.json": text}, mode="r")
