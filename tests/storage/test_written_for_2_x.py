"""Stores, mappings and data that were made for, or by, the releases 2.x of the library."""

from __future__ import annotations

import json
import os
import pickle
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr
from zarr.errors import StoreTypeError
from zarr.storage import (
    ConsolidatedMetadataStore,
    DirectoryStore,
    FSStore,
    KVStore,
    LRUStoreCache,
    MemoryStore,
    NestedDirectoryStore,
    ObjectStore,
    Store,
    normalize_store_arg,
)

# -- stores with the interface of 2.x ---------------------------------------------------


class Demanding(Store):
    """A store of 2.17, whose `getitems` cannot be called without `contexts`."""

    def __init__(self) -> None:
        self.data: dict[str, bytes] = {}

    def __getitem__(self, key: str) -> bytes:
        return self.data[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.data[key] = bytes(value)

    def __delitem__(self, key: str) -> None:
        del self.data[key]

    def __iter__(self) -> Iterator[str]:
        return iter(list(self.data))

    def getitems(self, keys: Any, *, contexts: Any) -> dict[str, Any]:  # type: ignore[override]
        assert contexts == {}
        return {key: self.data[key] for key in keys if key in self.data}


class Tolerant(Demanding):
    """The same with a default, and an argument that nobody here gives."""

    def getitems(
        self, keys: Any, *, contexts: Any = None, on_error: str = "omit"
    ) -> dict[str, Any]:
        return super().getitems(keys, contexts=contexts or {})


@pytest.mark.parametrize("kind", [Demanding, Tolerant])
def test_getitems_with_contexts(kind: type[Demanding]) -> None:
    g = zarr.group(kind())
    z = g.create_dataset("a", shape=10, chunks=3, dtype="i4")
    z[2:5] = 3
    assert z[:].tolist() == [0, 0, 3, 3, 3, 0, 0, 0, 0, 0]
    assert list(g) == ["a"]
    assert LRUStoreCache(g.store, None).getitems(["a/0", "b"], contexts={}).keys() == {"a/0"}


def test_every_store_takes_contexts(tmp_path: Path) -> None:
    at = str(tmp_path / "s")
    stores = [
        MemoryStore(), KVStore({}), DirectoryStore(at), NestedDirectoryStore(at), zarr.N5Store(at),
        zarr.ZipStore(at + ".zip"), zarr.SQLiteStore(at + ".sqlite"), zarr.LMDBStore(at + ".lmdb"),
        zarr.DBMStore(at + ".dbm"), FSStore(f"file://{at}"), FSStore("memory://contexts"),
        ObjectStore("memory:///"), LRUStoreCache({}, None),
    ]  # fmt: skip
    for store in stores:
        store["a/0"] = b"1"
        assert set(store.getitems(["a/0", "b"], contexts={})) == {"a/0"}
        store.close()


class Duck:
    """What 2.x took for a mapping: seven methods, and no base class."""

    def __init__(self, data: dict[str, Any] | None = None) -> None:
        self.data = {} if data is None else data
        for name in ("keys", "values", "get"):
            assert callable(getattr(self, name))

    def keys(self) -> Any:
        return self.data.keys()

    def values(self) -> Any:
        return self.data.values()

    def get(self, key: str, default: Any = None) -> Any:
        return self.data.get(key, default)

    def __getitem__(self, key: str) -> Any:
        return self.data[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.data[key] = value

    def __delitem__(self, key: str) -> None:
        del self.data[key]

    def __contains__(self, key: object) -> bool:
        return key in self.data


def test_mapping_by_its_methods() -> None:
    duck: Any = Duck()
    g = zarr.group(duck)
    g.create_dataset("a/b", shape=4, dtype="i4", chunks=2)[:] = 1
    assert zarr.open(duck, mode="r")["a/b"][:].tolist() == [1] * 4
    assert (list(g), len(g.store), sorted(duck.data)) == (["a"], 5, sorted(g.store))
    g.move("a", "c")
    del g["c/b"]
    zarr.save(duck, np.arange(3), path="x")
    assert zarr.load(duck, path="x").tolist() == [0, 1, 2]
    assert zarr.Array(duck, "x")[1] == 1


@pytest.mark.parametrize("what", [5, b"x", [], object(), "text"])
def test_what_is_no_store_is_a_value_error(what: Any) -> None:
    for use in (zarr.storage.as_store, KVStore, ConsolidatedMetadataStore):
        with pytest.raises(ValueError, match="expected") as caught:
            use(what)
        assert isinstance(caught.value, TypeError)
    if what != "text":
        with pytest.raises(StoreTypeError):
            zarr.open_group(what)


class FilesMap(dict[str, Any]):
    """A mapping on files, as they used to be: absent keys are `FileNotFoundError`."""

    def __getitem__(self, key: str) -> Any:
        if key not in self:
            raise FileNotFoundError(key)
        return super().__getitem__(key)


class DuckOfFiles(Duck):
    def __getitem__(self, key: str) -> Any:
        return FilesMap(self.data)[key]


@pytest.mark.parametrize("kind", [dict, FilesMap, Duck, DuckOfFiles, KVStore])
def test_metadata_as_text_and_dictionaries(kind: Callable[..., Any]) -> None:
    array = {
        "zarr_format": 2, "shape": [4], "chunks": [2], "dtype": "|u1", "compressor": None,
        "fill_value": 0, "filters": None, "order": "C",
    }  # fmt: skip
    documents: dict[str, Any] = {
        ".zgroup": '{"zarr_format": 2}', "a/.zarray": array, "a/.zattrs": '{"é": 1}',
        "b/.zarray": json.dumps(array), "three/zarr.json": {"zarr_format": 3, "node_type": "group"},
    }  # fmt: skip
    store = kind(documents | {"a/0": b"\1\2", "a/1": np.array([3, 4], "u1")})
    g = zarr.open_group(store, mode="r+")
    assert g["a"][:].tolist() == [1, 2, 3, 4]
    assert dict(g["a"].attrs) == {"é": 1}
    assert list(g) == ["a", "b"]
    assert zarr.open_group(store, path="three", mode="r").info
    zarr.consolidate_metadata(store)
    assert zarr.open_consolidated(store)["b"][:].tolist() == [0] * 4
    g["a"].attrs["x"] = 2
    assert json.loads(store["a/.zattrs"]) == {"é": 1, "x": 2}


@pytest.mark.parametrize("value", ["ab", {"a": 1}, 5, [1, 2]])
def test_values_of_other_types_are_named(value: Any) -> None:
    for kind in (dict, Duck):
        store: Any = kind({})
        z = zarr.zeros(4, chunks=2, store=store, compressor=None)
        z[:] = 1
        store["1"] = value
        with pytest.raises(TypeError, match=rf"'1'.*{type(value).__name__}"):
            z[:]


def test_a_defaultdict_is_not_filled() -> None:
    store: defaultdict[str, bytes] = defaultdict(bytes)
    with pytest.raises(ValueError, match="nothing found"):
        zarr.open(store, mode="r")
    g = zarr.open_group(store, mode="w")
    g.create_dataset("a", shape=4, chunks=2)[:2] = 1
    assert list(g) == ["a"]
    assert g["a"][:].tolist() == [1, 1, 0, 0]
    assert sorted(store) == [".zgroup", "a/.zarray", "a/0"]


# -- where a store is named -------------------------------------------------------------


def test_arrays_and_groups_by_their_path(tmp_path: Path) -> None:
    path = str(tmp_path / "data.zarr")
    zarr.open_group(path, mode="w").create_dataset("a", data=np.arange(3))
    assert zarr.Array(path, path="a")[:].tolist() == [0, 1, 2]
    assert zarr.Array(tmp_path / "data.zarr", path="a", read_only=True)[1] == 1
    assert list(zarr.Group(path)) == ["a"]
    assert list(zarr.Group(FSStore(tmp_path / "data.zarr"))) == ["a"]
    with zarr.ZipStore(tmp_path / "a.zip") as store:
        zarr.copy_store(DirectoryStore(path), store)
    assert zarr.Group(str(tmp_path / "a.zip"), read_only=True)["a"][2] == 2


def test_storage_options_with_a_store() -> None:
    g = zarr.open_group({}, mode="w", storage_options={"anon": True})
    assert list(g) == []
    with pytest.raises(ValueError, match="URL"):
        normalize_store_arg("path", storage_options={"anon": True})


@pytest.mark.parametrize("url", ["file://{}", "memory://slashes"])
def test_slashes_around_a_key_that_is_read(tmp_path: Path, url: str) -> None:
    store = FSStore(url.format(tmp_path))
    store["a/b"] = b"1"
    for key in ("/a/b", "a/b/", "//a/b"):
        assert store[key] == store.get(key) == b"1"
        assert key in store
    for key in ("/", "", "a//b", "..", "a/../b"):
        assert store.get(key, 5) == store.pop(key, 5) == 5
        assert key not in store
    with pytest.raises(ValueError, match="invalid"):
        store["/a/b"] = b"2"


# -- caches and copies ------------------------------------------------------------------


def test_a_view_is_not_kept_as_it_was_written(tmp_path: Path) -> None:
    cache = LRUStoreCache(zarr.N5Store(tmp_path), None)
    z = zarr.zeros((4, 4), chunks=(2, 2), store=cache)
    assert cache[".zarray"] == cache._store[".zarray"]
    z[:] = 1
    assert zarr.open_array(zarr.N5Store(tmp_path), mode="r")[:].tolist() == [[1.0] * 4] * 4


def test_documents_of_consolidated_metadata() -> None:
    store = MemoryStore()
    zarr.group(store).zeros("a", shape=3)
    found = zarr.consolidate_metadata(store).store
    assert found.meta_store["a/.zarray"]["shape"] == [3]


@pytest.mark.parametrize(
    "kind", [zarr.DirectoryStore, zarr.NestedDirectoryStore, zarr.N5Store, FSStore]
)
def test_nothing_is_written_below_a_value(tmp_path: Path, kind: Callable[..., Any]) -> None:
    store = kind(str(tmp_path / "data"))
    store.setitems({"a/b": b"1", "x/y/z": b"2"})
    for write in (
        lambda: store.__setitem__("a/b/c", b"3"),
        lambda: store.setitems({"a/b/c/d": b"3"}),
    ):
        with pytest.raises(KeyError, match="'a/b"):
            write()
    assert dict(store) == {"a/b": b"1", "x/y/z": b"2"}
    store["x/y"] = b"4"  # in place of a folder
    assert dict(store) == {"a/b": b"1", "x/y": b"4"}


@pytest.mark.parametrize("kind", [zarr.ZipStore, zarr.DBMStore, zarr.SQLiteStore, zarr.LMDBStore])
def test_a_closed_store_is_pickled(tmp_path: Path, kind: Callable[..., Any]) -> None:
    store = kind(tmp_path / "data")
    store["a"] = b"1"
    before = pickle.dumps(store)
    store.close()
    assert pickle.dumps(store) == before
    with pickle.loads(before) as copy:
        assert bytes(copy["a"]) == b"1"


def test_temporary_stores_are_equal_to_their_copies() -> None:
    z = zarr.zeros(3, store=zarr.TempStore())
    assert pickle.loads(pickle.dumps(z)) == z


# -- nested chunks before 2.8 ------------------------------------------------------------

NESTED: dict[str, Callable[[str], Any]] = {
    "nested": NestedDirectoryStore,
    "directory": lambda path: DirectoryStore(path, dimension_separator="/"),
    "fsspec": lambda path: FSStore(f"file://{path}", dimension_separator="/"),
    "obstore": lambda path: ObjectStore(f"file://{path}", dimension_separator="/"),
    "cache": lambda path: LRUStoreCache(NestedDirectoryStore(path), None),
}


def _old_array(folder: Path, separator: str) -> np.ndarray[Any, Any]:
    """Make an array whose metadata do not name the separator of its chunk keys."""
    data = np.arange(35).reshape(5, 7)
    g = zarr.open_group(str(folder), mode="w")
    g.array("g/a", data, chunks=(2, 3), fill_value=-1, dimension_separator=separator)
    document = folder / "g" / "a" / ".zarray"
    members = json.loads(document.read_bytes())
    del members["dimension_separator"]
    document.write_text(json.dumps(members))
    return data


@pytest.mark.parametrize("separator", [".", "/"])
@pytest.mark.parametrize("kind", NESTED)
def test_arrays_that_name_no_separator(tmp_path: Path, kind: str, separator: str) -> None:
    data = _old_array(tmp_path, separator)
    g = zarr.open_group(NESTED[kind](str(tmp_path)), mode="r+")
    z = g["g/a"]
    assert z[:].tolist() == data.tolist()
    assert z.nchunks_initialized == 9
    z[0, 0] = data[0, 0] = 100
    z.append(data)
    z = pickle.loads(pickle.dumps(z))
    assert z[:].tolist() == [*data.tolist(), *data.tolist()]
    names = os.listdir(tmp_path / "g" / "a")
    assert ("0.0" in names) == (separator == ".") and ("0" in names) == (separator == "/")
    target = zarr.group()
    zarr.copy(z, target, name="copy")
    assert target["copy"][:].tolist() == z[:].tolist()
    zarr.convert(g.store, 3)
    assert zarr.open_group(str(tmp_path))["g/a"][:].tolist() == z[:].tolist()


def test_a_store_that_names_no_separator_has_dots(tmp_path: Path) -> None:
    data = _old_array(tmp_path, ".")
    assert zarr.open_group(str(tmp_path))["g/a"][:].tolist() == data.tolist()
    chunks = NestedDirectoryStore(tmp_path / "elsewhere")
    z = zarr.open_array(DirectoryStore(tmp_path), path="g/a", chunk_store=chunks)
    z[0, 0] = 7
    assert sorted(chunks) == ["g/a/0/0"]
