"""Opening arrays: the five modes, and what they do with what is there."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import zarr
from zarr.errors import (
    ArrayNotFoundError,
    ContainsArrayError,
    ContainsGroupError,
    PathNotFoundError,
    ReadOnlyError,
)

Place = Callable[[], Any]


@pytest.fixture(params=["dict", "memory", "directory", "str", "pathlib"])
def place(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Any:
    """Somewhere that an array can be opened, empty."""
    path = tmp_path / "a.zarr"
    return {
        "dict": dict,
        "memory": zarr.MemoryStore,
        "directory": lambda: zarr.DirectoryStore(str(path)),
        "str": lambda: str(path),
        "pathlib": lambda: path,
    }[request.param]()


@pytest.mark.parametrize("mode", ["r", "r+"])
def test_reading_needs_an_array(place: Any, mode: str) -> None:
    with pytest.raises(ArrayNotFoundError):
        zarr.open_array(place, mode=mode)
    with pytest.raises(ArrayNotFoundError, match="x/y"):
        zarr.open_array(place, mode=mode, path="x/y")
    with pytest.raises(PathNotFoundError):
        zarr.open(place, mode=mode)


def test_reading_creates_nothing(tmp_path: pathlib.Path) -> None:
    for mode in ("r", "r+"):
        with pytest.raises(ArrayNotFoundError):
            zarr.open_array(str(tmp_path / "nothing"), mode=mode)
    assert list(tmp_path.iterdir()) == []


def test_r(place: Any) -> None:
    zarr.open_array(place, mode="w", shape=10, chunks=4, dtype="i4")[...] = 7
    z = zarr.open_array(place, mode="r")
    assert z.read_only
    assert_array_equal(z[...], [7] * 10)
    for change in (
        lambda: z.__setitem__(0, 1),
        lambda: z.resize(3),
        lambda: z.append([1]),
        lambda: z.attrs.put({"a": 1}),
        lambda: z.attrs.__setitem__("a", 1),
        lambda: z.attrs.update(a=1),
        lambda: z.oindex.__setitem__([1], 1),
        lambda: z.vindex.__setitem__([1], 1),
        lambda: z.blocks.__setitem__(0, 1),
        lambda: z.set_mask_selection(np.ones(10, bool), 1),
        lambda: setattr(z, "fill_value", 3),
        lambda: setattr(z, "shape", 3),
    ):
        with pytest.raises(ReadOnlyError):
            change()
    assert_array_equal(zarr.open_array(place, mode="r")[...], [7] * 10)
    assert not dict(zarr.open_array(place, mode="r").attrs)


def test_r_plus(place: Any) -> None:
    zarr.open_array(place, mode="w", shape=10, chunks=4, dtype="i4")
    z = zarr.open_array(place, mode="r+")
    assert not z.read_only
    z[2:5] = 1
    assert zarr.open_array(place, mode="r")[...].sum() == 3


def test_a(place: Any) -> None:
    z = zarr.open_array(place, mode="a", shape=10, chunks=4, dtype="i4")
    z[...] = 5
    again = zarr.open_array(place, mode="a", shape=3, chunks=1, dtype="f8")
    assert (again.shape, again.chunks, again.dtype) == ((10,), (4,), np.dtype("i4"))
    assert_array_equal(again[...], [5] * 10)
    assert not again.read_only


def test_the_default_mode_is_a(place: Any) -> None:
    zarr.open_array(place, shape=4)[...] = 1
    assert_array_equal(zarr.open_array(place)[...], np.ones(4))


def test_w(place: Any) -> None:
    zarr.open_array(place, mode="w", shape=10, chunks=2)[...] = 5
    z = zarr.open_array(place, mode="w", shape=4, chunks=3, dtype="u1")
    assert (z.shape, z.nchunks_initialized) == ((4,), 0)
    assert_array_equal(z[...], np.zeros(4))


@pytest.mark.parametrize("mode", ["w-", "x"])
def test_w_minus(place: Any, mode: str) -> None:
    zarr.open_array(place, mode=mode, shape=4)[...] = 1
    with pytest.raises(ContainsArrayError):
        zarr.open_array(place, mode=mode, shape=4)
    assert_array_equal(zarr.open_array(place, mode="r")[...], np.ones(4))


@pytest.mark.parametrize("mode", ["a", "w-", "r", "r+"])
def test_a_group_is_in_the_way(place: Any, mode: str) -> None:
    zarr.open_group(place, mode="w").create_group("sub")
    with pytest.raises(
        ContainsGroupError if mode in ("a", "w-") else (ContainsGroupError, ArrayNotFoundError)
    ):
        zarr.open_array(place, mode=mode, shape=4)
    assert list(zarr.open_group(place, mode="r")) == ["sub"]


def test_w_replaces_a_group(place: Any) -> None:
    zarr.open_group(place, mode="w").create_group("sub")
    zarr.open_array(place, mode="w", shape=4)
    assert isinstance(zarr.open(place, mode="r"), zarr.Array)


@pytest.mark.parametrize("mode", ["z", "", "rw", None, "wb"])
def test_other_modes_are_refused(mode: Any) -> None:
    with pytest.raises(ValueError, match="mode"):
        zarr.open_array({}, mode=mode, shape=3)
    with pytest.raises(ValueError, match="mode"):
        zarr.open_group({}, mode=mode)
    with pytest.raises(ValueError, match="mode"):
        zarr.open({}, mode=mode, shape=3)


def test_a_shape_is_needed_to_create() -> None:
    for mode in ("a", "w", "w-"):
        with pytest.raises((TypeError, ValueError)):
            zarr.open_array({}, mode=mode)


def test_open_finds_what_is_there(place: Any) -> None:
    g = zarr.open_group(place, mode="w")
    g.zeros("a/b", shape=3)
    assert isinstance(zarr.open(place), zarr.Group)
    assert isinstance(zarr.open(place, mode="r", path="a/b"), zarr.Array)
    assert isinstance(zarr.open(place, mode="r+", path="a"), zarr.Group)
    assert isinstance(zarr.open(place, mode="a", path="a"), zarr.Group)


def test_open_creates_an_array_if_given_a_shape() -> None:
    assert isinstance(zarr.open({}, mode="w", shape=3), zarr.Array)
    assert isinstance(zarr.open({}, mode="a", shape=3), zarr.Array)
    assert isinstance(zarr.open({}, mode="w"), zarr.Group)
    assert isinstance(zarr.open({}, mode="a"), zarr.Group)
    assert isinstance(zarr.open({}, mode="w-", path="x"), zarr.Group)
    assert isinstance(zarr.open(), zarr.Group)


def test_open_r_never_changes_what_is_there(tmp_path: pathlib.Path) -> None:
    zarr.open_group(str(tmp_path / "g"), mode="w").ones("a", shape=3)[...] = 2
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    for mode in ("r", "r+", "a"):
        zarr.open(str(tmp_path / "g"), mode=mode)
        zarr.open(str(tmp_path / "g"), mode=mode, path="a")
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_the_class_opens_what_is_there() -> None:
    store: dict[str, bytes] = {}
    zarr.ones(4, store=store, path="a")
    assert_array_equal(zarr.Array(store, path="a")[...], np.ones(4))
    with pytest.raises(ArrayNotFoundError, match="b"):
        zarr.Array(store, path="b")
    with pytest.raises(ArrayNotFoundError):
        zarr.Array({})


def test_a_file_is_not_a_directory(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_text("hello")
    with pytest.raises(zarr.errors.FSPathExistNotDir):
        zarr.DirectoryStore(str(tmp_path / "file"))
    with pytest.raises(zarr.errors.FSPathExistNotDir):
        zarr.open_array(str(tmp_path / "file"), mode="w", shape=3)
    assert (tmp_path / "file").read_text() == "hello"


def test_object_codec_and_fill_value_are_passed_on(place: Any) -> None:
    z = zarr.open_array(place, mode="w", shape=3, dtype=str, fill_value="?")
    assert list(z[...]) == ["?", "?", "?"]
    assert json.loads(bytes(z.store[".zarray"]))["filters"] == [{"id": "vlen-utf8"}]


def test_write_empty_chunks_is_passed_on(place: Any) -> None:
    zarr.open_array(place, mode="w", shape=8, chunks=2)
    z = zarr.open_array(place, mode="r+", write_empty_chunks=False)
    z[...] = 0
    assert z.nchunks_initialized == 0


def test_chunk_store_may_be_a_path(tmp_path: pathlib.Path) -> None:
    meta, chunks = str(tmp_path / "meta"), str(tmp_path / "chunks")
    z = zarr.open_array(meta, mode="w", shape=8, chunks=2, chunk_store=chunks)
    z[...] = 1
    assert sorted(p.name for p in (tmp_path / "meta").iterdir()) == [".zarray"]
    assert sorted(p.name for p in (tmp_path / "chunks").iterdir()) == ["0", "1", "2", "3"]
    assert_array_equal(zarr.open_array(meta, mode="r", chunk_store=chunks)[...], np.ones(8))
