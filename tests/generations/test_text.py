"""Text of any length as NumPy's strings, which is what the 3.x library returns, or as objects."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys

import numcodecs
import numpy as np
import pytest

import zarr

STRINGS = np.dtypes.StringDType()
WORDS = np.array(["a", "bb", "ccc", "дddd"], dtype=STRINGS)
LAYOUTS = {"2": {"zarr_format": 2}, "3": {"zarr_format": 3}, "shards": {"shards": 4}}


@pytest.fixture(params=LAYOUTS)
def place(request, tmp_path):
    """Return the path of an array of text whose second half is not stored."""
    layout = LAYOUTS[request.param]
    root = zarr.create_group(str(tmp_path), zarr_format=layout.get("zarr_format", 3))
    shards = layout.get("shards")
    root.create_array("a", shape=8, chunks=2, dtype=str, shards=shards)[:4] = WORDS
    return str(tmp_path / "a")


def test_objects_by_default(place) -> None:
    z = zarr.open_array(place, mode="r")

    assert (z.dtype, z[:].dtype) == (np.dtype(object), np.dtype(object))
    assert z[:4].tolist() == WORDS.tolist()


def test_strings_where_they_are_set(place) -> None:
    with zarr.config.set(text="string"):
        z = zarr.open_array(place, mode="r+")
        member = zarr.open_group(os.path.dirname(place), mode="r")["a"]

    for array in (z, member, pickle.loads(pickle.dumps(z))):
        assert array.dtype == STRINGS
        found = (
            array[:], array[1:3], array[...], array.oindex[[0, 3]], array.vindex[[0, 3]],
            array.get_mask_selection(np.arange(array.size) < 2), array.blocks[0],
        )  # fmt: skip
        assert {read.dtype for read in found} == {STRINGS}
        assert array[:].tolist() == [*WORDS, *[""] * (array.size - 4)]
        assert (array[1], type(array[1])) == ("bb", str)
    z[1] = WORDS[3]
    z[2:4] = WORDS[:2]
    assert z[:4].tolist() == ["a", "дddd", "a", "bb"]
    out = np.empty(2, STRINGS)
    assert z.get_basic_selection(slice(0, 2), out=out).tolist() == ["a", "дddd"]
    assert zarr.open_array(place, mode="r").dtype == object  # what is stored says nothing of it


@pytest.mark.parametrize("version", [2, 3])
def test_an_array_that_is_created_with_strings_returns_them(version) -> None:
    made = (
        zarr.create_array({}, shape=4, dtype=STRINGS, zarr_format=version),
        zarr.create_array({}, data=WORDS, zarr_format=version),
        zarr.array(WORDS, zarr_format=version),
        zarr.zeros(4, dtype=STRINGS, zarr_format=version),
        zarr.group(zarr_format=version).create_array("a", shape=4, dtype=STRINGS),
    )
    for z in made:
        z[:] = WORDS
        assert (z.dtype, z[:].dtype, z[:].tolist()) == (STRINGS, STRINGS, WORDS.tolist())
        assert pickle.loads(pickle.dumps(z)).dtype == STRINGS
    for z in (zarr.array(WORDS.astype(object), dtype=str), zarr.zeros(4, dtype=str)):
        assert z.dtype == object


def test_only_text_is_returned_as_strings() -> None:
    with zarr.config.set(text="string"):
        objects = zarr.empty(2, dtype=object, object_codec=numcodecs.JSON())
        objects[:] = [1, "a"]
        assert (objects.dtype, objects[:].tolist()) == (object, [1, "a"])
        assert zarr.ones(2)[:].dtype == "f8"
        missing = zarr.full(2, fill_value=None, dtype=str)
        assert missing[:].tolist() == ["", ""]


def test_the_setting() -> None:
    with pytest.raises(ValueError, match="'object' or 'string'"):
        zarr.config.set(text="T")
    run = subprocess.run(
        [sys.executable, "-c", "import zarr; print(zarr.ones(1, dtype=str).dtype)"],
        env=os.environ | {"ZARR_TEXT": "string"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert run.stdout.strip() == "StringDType()"
