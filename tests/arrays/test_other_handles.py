"""What handles on one array notice of each other, and what they find where one was deleted."""

from __future__ import annotations

import os
import pathlib
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import zarr
from zarr.errors import ArrayNotFoundError, BoundsCheckError
from zarr.storage import KVStore

FORMATS: dict[str, dict[str, Any]] = {
    "2": {"chunks": 4},
    "3": {"chunks": 4, "zarr_format": 3},
    "shards": {"chunks": 2, "shards": 4, "zarr_format": 3},
    "listed": {"chunks": [[4, 4, 4]], "zarr_format": 3},
}


@pytest.fixture(params=FORMATS)
def options(request: pytest.FixtureRequest) -> dict[str, Any]:
    return FORMATS[request.param]


def two_handles(options: dict[str, Any], length: int = 10) -> tuple[Any, Any]:
    store = zarr.MemoryStore()
    zarr.create(length, dtype="i4", store=store, fill_value=-1, **options)[...] = 1
    return zarr.open_array(store, mode="r+"), zarr.open_array(store, mode="r+")


def test_nothing_is_stored_outside_of_an_array_that_became_shorter(options: dict[str, Any]) -> None:
    one, other = two_handles(options)
    other.resize(5)
    with pytest.raises(BoundsCheckError):
        one[7] = 3
    one[...] = 2
    assert one.shape == (5,)
    other.resize(10)
    assert_array_equal(other[...], [2] * 5 + [-1] * 5)


def test_a_selection_refers_to_the_shape_that_the_handle_showed(options: dict[str, Any]) -> None:
    one, other = two_handles(options)
    other.append(np.full(3, 9))
    one[...] = 2
    assert one.shape == (13,)
    assert_array_equal(one[...], [2] * 10 + [9] * 3)
    one[...] = 3
    assert_array_equal(other[...], [3] * 13)


def test_a_deleted_array_is_not_written_to(options: dict[str, Any]) -> None:
    options = dict(options)
    version = options.pop("zarr_format", 2)
    root = zarr.open_group(zarr.MemoryStore(), mode="w", zarr_format=version)
    z = root.create("a", shape=10, dtype="i4", **options)
    z[...] = 1
    del root["a"]
    with pytest.raises(ArrayNotFoundError, match="'a'"):
        z[...] = 2
    with pytest.raises(ArrayNotFoundError, match="'a'"):
        z[...]
    assert len(list(root.store)) == 1


@pytest.mark.parametrize("kind", ["dict", "memory", "directory"])
def test_an_array_starts_empty_where_a_deletion_was_cut_short(
    kind: str, options: dict[str, Any], tmp_path: pathlib.Path
) -> None:
    store: Any = {
        "dict": lambda: KVStore({}),
        "memory": zarr.MemoryStore,
        "directory": lambda: zarr.DirectoryStore(str(tmp_path)),
    }[kind]()
    version = options.get("zarr_format", 2)
    root = zarr.open_group(store, mode="w", zarr_format=version)
    arguments = {"shape": 10, "dtype": "i4", "fill_value": -1, **options}
    arguments.pop("zarr_format", None)
    root.create("a", **arguments)[...] = 1
    document = "a/zarr.json" if version == 3 else "a/.zarray"
    del store[document]
    assert len([key for key in store if key.startswith("a/")]) > 1
    assert "a" not in root
    assert_array_equal(root.create("a", **arguments)[...], np.full(10, -1))


@pytest.mark.parametrize("store", [{}, zarr.MemoryStore()], ids=["dict", "memory"])
def test_an_array_without_dimensions_starts_empty_too(store: Any) -> None:
    zarr.create((), store=store, fill_value=-1)[...] = 5
    del store[".zarray"]
    assert zarr.create((), store=store, fill_value=-1)[()] == -1


def test_nodes_below_a_new_array_are_left_alone() -> None:
    store = zarr.MemoryStore()
    inner = zarr.create(4, chunks=2, store=store, path="a/0")
    inner[...] = 5
    del store["a/.zgroup"]
    zarr.create(4, chunks=2, store=store, path="a")
    assert_array_equal(inner[...], np.full(4, 5))


def test_moving_onto_a_path_with_nodes_below_is_refused() -> None:
    root = zarr.group(zarr.MemoryStore())
    root.create("b/c", shape=3)
    root.create("a", shape=3)
    del root.store["b/.zgroup"]
    with pytest.raises(ValueError, match="holds arrays or groups"):
        root.move("a", "b")
    assert "b/c" in root
    assert "a" in root


def test_locks_between_processes_are_named_by_address_too(tmp_path: pathlib.Path) -> None:
    root = zarr.open_group(str(tmp_path / "g"), mode="w")
    root.zeros("a", shape=4, chunks=4)
    held = []
    for number, (path, inside) in enumerate(((tmp_path / "g", "a"), (tmp_path / "g" / "a", ""))):
        locks = tmp_path / f"locks{number}"
        synchronizer = zarr.ProcessSynchronizer(str(locks))
        z = zarr.open_array(str(path), path=inside, mode="r+", synchronizer=synchronizer)
        z[0] = 1
        names = {str(p.relative_to(locks)) for p in locks.rglob("*") if p.is_file()}
        held.append({name for name in names if name.startswith(".addresses")})
    assert held[0] == held[1]
    assert len(held[0]) == 1


def test_a_synchronizer_in_the_directory_of_the_array_is_refused(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "a")
    synchronizer = zarr.ProcessSynchronizer(os.path.join(path, "."))
    z = zarr.open_array(path, mode="w", shape=4, synchronizer=synchronizer)
    with pytest.raises(ValueError, match="must not be that of the array"):
        z[0] = 1


@pytest.mark.parametrize("first", ["outer", "inner"])
def test_a_folder_of_a_memory_store_is_the_same_place(first: str) -> None:
    outer = zarr.MemoryStore()
    zarr.group(outer).create("g/a", shape=10, chunks=10, dtype="i4")
    folder = outer.root["g"]
    if first == "inner":
        inner = zarr.MemoryStore(root=folder)
        outer = zarr.MemoryStore(root={"x": outer.root})
        assert outer.address("x/g/a") == inner.address("a")
    else:
        inner = zarr.MemoryStore(root=folder)
        assert outer.address("g/a") == inner.address("a")
    assert outer.address("elsewhere") != inner.address("a")
