"""`zarr.diff`: what differs between arrays and groups, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr
from zarr.errors import ChunkDecodeError, PathNotFoundError

DATA = np.arange(600.0).reshape(20, 30)


def _tree(version: int = 2) -> zarr.Group:
    root = zarr.group(zarr_version=version)
    root.create_dataset("a/x", data=DATA, chunks=(7, 8))
    root.create_dataset("b", data=np.arange(5))
    root.create_group("empty").attrs["title"] = "t"
    return root


def test_equal_trees() -> None:
    found = zarr.diff(_tree(2), _tree(3))

    assert found.equal and (found.arrays, found.groups) == (2, 3)
    assert str(found) == "0 differences in 2 arrays and 3 groups"


def test_everything_that_can_differ() -> None:
    a, b = _tree(2), _tree(3)
    a.create_group("only/here")
    b.create_dataset("new", data=np.zeros(3))
    del b["b"]
    b.create_group("b")
    b["a/x"][3, 4:7] = -1
    b["a/x"].attrs.update({"units": "m", "valid": {"min": 0, "max": 1}})
    a["a/x"].attrs["valid"] = {"min": 0, "max": 2}
    b["empty"].attrs["title"] = "other"

    found = zarr.diff(a, b)

    assert [(d.path, d.what) for d in found.differences] == [
        ("a/x", "values"), ("a/x", "attributes"), ("b", "kind"), ("empty", "attributes"),
        ("new", "only in b"), ("only", "only in a"),
    ]  # fmt: skip
    values, attributes, kind, title, *_ = found.differences
    assert (values.count, values.first[0], values.low, values.high) == (3, (3, 4), (3, 4), (4, 7))
    assert values.largest == 97 and "3 of 600 elements differ in [3:4, 4:7]" in values.message
    assert attributes.message == "units: only in b; valid.max: 2 in a, 1 in b"
    assert kind.message == "an array in a, a group in b"
    assert title.message == 'title: "t" in a, "other" in b'
    assert len(str(found).splitlines()) == 7
    said = json.loads(found.to_json())
    assert said["schema"] == 1 and said["equal"] is False and len(said["differences"]) == 6
    without = zarr.diff(a, b, attributes=False)
    assert {d.what for d in without.differences} == {"values", "kind", "only in a", "only in b"}


@pytest.mark.parametrize(
    ("a", "b", "what"),
    [
        (np.zeros(3), np.zeros(4), ["shape"]),
        (np.zeros(3), np.zeros((3, 1)), ["shape"]),
        (np.zeros(3, "f4"), np.zeros(3, "f8"), ["dtype"]),
        (np.zeros(3, "i4"), np.zeros(3, ">i4"), []),
        (np.arange(3), np.arange(3) + 0.5, ["dtype", "values"]),
        (np.array(["a"]), np.array(["a", "b"])[:1].astype("U5"), ["dtype"]),
        (np.array(["a"]), np.array([1]), ["dtype", "values"]),
        (np.array([np.nan]), np.array([np.nan]), []),
        (np.array([0.0]), np.array([-0.0]), ["values"]),
        (np.array([], "f4"), np.array([], "f4"), []),
    ],
)
def test_arrays_of_memory(a: Any, b: Any, what: list[str]) -> None:
    assert [d.what for d in zarr.diff(a, b).differences] == what


def test_tolerance() -> None:
    a, b = np.array([1.0, 2.0, np.nan, -0.0]), np.array([1.0 + 1e-9, 2.0, np.nan, 0.0])

    assert zarr.diff(a, b).differences[0].count == 2
    assert zarr.diff(a, b, rtol=1e-6).equal and zarr.diff(a, b, atol=1e-6).equal
    assert not zarr.diff(a, b, atol=1e-12).equal


def test_names_of_dimensions() -> None:
    a = zarr.array(DATA, dimension_names=["y", "x"])
    b = zarr.array(DATA, dimension_names=["lat", "lon"])

    assert [d.what for d in zarr.diff(a, b).differences] == ["dimension names"]
    assert zarr.diff(a, zarr.array(DATA)).equal  # format 2 has none


def test_limit() -> None:
    a, b = np.zeros((50, 50)), np.ones((50, 50))

    (found,) = zarr.diff(a, b, limit=3).differences
    (none,) = zarr.diff(a, b, limit=0).differences

    assert found.count == 2500 and found.first == ((0, 0), (0, 1), (0, 2))
    assert none.count == 2500 and none.first == ()


def test_many_blocks() -> None:
    a = zarr.zeros((3000, 2000), chunks=(300, 2000), dtype="i4")
    b = zarr.zeros((3000, 2000), chunks=(3000, 100), dtype="i4", zarr_version=3)
    b[2999, 0] = b[0, 1999] = b[1500, 1500] = 1

    (found,) = zarr.diff(a, b).differences

    assert found.first == ((0, 1999), (1500, 1500), (2999, 0))
    assert (found.low, found.high) == ((0, 0), (3000, 2000))


def test_stores_and_paths(tmp_path: Path) -> None:
    zarr.save(str(tmp_path / "a"), x=DATA)
    zarr.save(str(tmp_path / "b.zip"), y=DATA)

    assert zarr.diff(str(tmp_path / "a"), tmp_path / "b.zip", path="x", other_path="y").equal
    assert not zarr.diff(str(tmp_path / "a"), str(tmp_path / "b.zip")).equal
    assert zarr.diff(f"file://{tmp_path}/a", zarr.DirectoryStore(tmp_path / "a")).equal
    with pytest.raises(PathNotFoundError):
        zarr.diff(str(tmp_path / "a"), str(tmp_path / "nowhere"))


def test_damaged_chunk_is_no_difference_but_an_error() -> None:
    a, b = zarr.array(DATA), zarr.array(DATA)
    b.store["0.0"] = b"damaged"

    with pytest.raises(ChunkDecodeError):
        zarr.diff(a, b)
