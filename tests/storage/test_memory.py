"""Stores in main memory: what they promise beyond the conformance suite."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import zarr
from zarr.storage import BaseStore, KVStore, MemoryStore, as_store


def test_folders_are_dicts() -> None:
    store = MemoryStore(cls=OrderedDict)
    store["a/b/c"] = b"1"
    assert store.root == OrderedDict(a=OrderedDict(b=OrderedDict(c=b"1")))
    assert type(store.root["a"]["b"]) is OrderedDict


def test_two_stores_on_one_root() -> None:
    root: dict[str, Any] = {}
    first, second = MemoryStore(root), MemoryStore(root)
    first["a"] = b"1"
    assert second["a"] == b"1"
    assert first == second
    assert first != MemoryStore()


def test_empty_folders_vanish() -> None:
    store = MemoryStore()
    store["a/b/c"] = b"1"
    del store["a/b/c"]
    assert store.listdir() == []
    store.setitems({"a/b/c": b"1", "a/d": b"2"})
    store.delitems(["a/b/c"])
    assert store.listdir("a") == ["d"]


def test_value_and_folder_of_one_name() -> None:
    store = MemoryStore()
    store.setitems({"a": b"1", "c/d/e": b"4"})
    for use in (
        lambda: store.__setitem__("a/b", b"2"),
        lambda: store.setitems({"a/b/c": b"2"}),
        lambda: store.rename("c", "a/b"),
    ):
        with pytest.raises(KeyError, match="'a' in it is a value"):
            use()
    assert dict(store) == {"a": b"1", "c/d/e": b"4"}
    store["c/d"] = b"3"  # in place of a folder
    assert dict(store) == {"a": b"1", "c/d": b"3"}


def test_pickle_brings_the_content_along() -> None:
    store = MemoryStore(dimension_separator="/")
    store["a/b"] = np.arange(1000, dtype="u1")
    copy = pickle.loads(pickle.dumps(store))
    store["a/b"] = b"changed"
    assert len(copy["a/b"]) == 1000
    assert copy._dimension_separator == "/"


def test_numbers_and_lists_are_no_values() -> None:
    # bytes(5) would be five zeros, and so would bytes() of an array without dimensions.
    for store in (MemoryStore(), KVStore({})):
        with pytest.raises(TypeError):
            store["a"] = 5
        store["a"] = np.array(3, "u1")
        assert store["a"] == b"\3"


def test_listing_and_renaming_do_not_walk_chunks(counted_calls: Callable[[], Any]) -> None:
    costs = []
    for chunks in (1, 50):
        store = MemoryStore()
        names = (".zarray", *range(chunks))
        store.setitems({f"g/{n:04}/{name}": b"" for n in range(1000) for name in names})
        with counted_calls() as calls:
            assert len(store.listdir("g")) == 1000
            store.rename("g", "h")
            assert len(store.listdir("h")) == 1000
            store.rmdir("h")
        costs.append(sum(calls.values()))
    assert costs[0] == costs[1]


def test_thousand_chunks_in_one_call(counted_calls: Callable[[], Any]) -> None:
    store = MemoryStore()
    chunks = {f"a/{n}": b"%d" % n for n in range(1000)}
    store.setitems(chunks)
    with counted_calls() as calls:
        assert store.getitems(list(chunks)) == chunks
    assert calls["_folder"] == 1


# -- any mapping -----------------------------------------------------------------------


class Recorder(dict[str, Any]):
    """A mapping with verbs of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.used: list[str] = []

    def listdir(self, path: str = "") -> list[str]:
        self.used.append(f"listdir {path}")
        return ["listed"]

    def getsize(self, path: str = "") -> int:
        self.used.append(f"getsize {path}")
        return 42

    def close(self) -> None:
        self.used.append("close")


def test_verbs_of_a_mapping_are_used() -> None:
    mapping = Recorder()
    store = as_store(mapping)
    assert isinstance(store, KVStore)
    assert store.listdir("a") == ["listed"]
    assert store.getsize("a") == 42
    store.close()
    assert mapping.used == ["listdir a", "getsize a", "close"]


def test_dict_is_used_as_it_is() -> None:
    mapping: dict[str, Any] = {}
    z = zarr.create(shape=10, chunks=5, store=mapping, fill_value=0)
    z[:5] = 1
    assert sorted(mapping) == [".zarray", "0"]
    assert all(type(value) is bytes for value in mapping.values())
    assert KVStore(mapping).location == KVStore(mapping).location


def test_what_is_no_store() -> None:
    for other in (5, b"x", [], object()):
        with pytest.raises(TypeError, match="expected a store"):
            as_store(other)


class Minimal(BaseStore):
    """The five methods, and nothing else."""

    def __init__(self) -> None:
        self.data: dict[str, bytes] = {}

    def __getitem__(self, key: str) -> bytes:
        return self.data[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.data[key] = bytes(value)

    def __delitem__(self, key: str) -> None:
        del self.data[key]

    def __iter__(self) -> Any:
        return iter(list(self.data))


def test_five_methods_are_enough() -> None:
    store = Minimal()
    root = zarr.group(store=store)
    z = root.create_dataset("a/b", shape=(20, 20), chunks=(7, 7), dtype="i4", fill_value=-1)
    z[3:18, 5:] = np.arange(225).reshape(15, 15)
    expected = np.full((20, 20), -1, "i4")
    expected[3:18, 5:] = np.arange(225).reshape(15, 15)
    assert np.array_equal(zarr.open_group(store, mode="r")["a/b"][:], expected)
    root.move("a", "moved")
    assert np.array_equal(root["moved/b"][:], expected)
    assert list(root) == ["moved"]
    del root["moved"]
    assert list(root) == []
