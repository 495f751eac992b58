"""The cache in front of a store: coherent, bounded, and it saves fetches."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr
from zarr.storage.base import BaseStore, take_range
from zarr.storage.cache import LRUStoreCache
from zarr.storage.directory import DirectoryStore
from zarr.storage.memory import MemoryStore
from zarr.testing import StoreTests


class TestCacheOfMemory(StoreTests):
    pickle_shares = False

    @pytest.fixture
    def store(self) -> BaseStore:
        return LRUStoreCache(MemoryStore(), max_size=None)


class TestCacheOfDirectory(StoreTests):
    keeps_empty_folders = True

    @pytest.fixture
    def store(self, tmp_path: Path) -> BaseStore:
        return LRUStoreCache(DirectoryStore(tmp_path / "data"), max_size=100)


class Watched(MemoryStore):
    """A store in memory that writes down what it is asked for, and can be held up."""

    partial_reads = True

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Any] = []
        self.fetched, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()

    def getitems(self, keys: Sequence[str]) -> dict[str, Any]:
        self.asked.append(list(keys))
        found = super().getitems(keys)
        self.fetched.set()
        assert self.go_on.wait(30)
        return found

    def get_partial_values(self, ranges: Any) -> list[Any]:
        self.asked.append(list(ranges))
        whole = super().getitems([key for key, _ in ranges])
        return [take_range(whole[key], part) if key in whole else None for key, part in ranges]

    def listdir(self, path: str = "") -> list[str]:
        self.asked.append(f"listdir {path}")
        return super().listdir(path)


@pytest.fixture
def inner() -> Watched:
    store = Watched()
    store.setitems({"a": b"1234", "b": b"5678", "c": b"", "d/e": b"9"})
    return store


def test_second_read_asks_nobody(inner: Watched) -> None:
    cache = LRUStoreCache(inner, max_size=None)

    first = cache.getitems(["a", "b", "c", "nope"])
    second = cache.getitems(["a", "b", "c"])

    assert first == second == {"a": b"1234", "b": b"5678", "c": b""}
    assert inner.asked == [["a", "b", "c", "nope"]]
    assert (cache.hits, cache.misses) == (3, 3)


def test_batch_fetches_only_what_is_not_there(inner: Watched) -> None:
    cache = LRUStoreCache(inner, max_size=None)
    cache["b"]

    assert cache.getitems(["a", "b", "c"]) == {"a": b"1234", "b": b"5678", "c": b""}
    assert inner.asked[-1] == ["a", "c"]


def test_least_recently_used_goes_first(inner: Watched) -> None:
    cache = LRUStoreCache(inner, max_size=8)
    cache["a"], cache["b"], cache["a"], cache["d/e"]
    inner.asked.clear()

    cache["a"], cache["d/e"]
    assert inner.asked == []
    cache["b"]
    assert inner.asked == [["b"]]


def test_value_larger_than_the_cache_is_not_kept(inner: Watched) -> None:
    cache = LRUStoreCache(inner, max_size=3)

    cache["d/e"], cache["a"], cache["a"], cache["d/e"]

    assert (cache.hits, cache.misses) == (1, 3)


def test_ranges_are_cached_and_taken_from_whole_values(inner: Watched) -> None:
    cache = LRUStoreCache(inner, max_size=None)
    ranges = [("a", (1, 2)), ("nope", (0, 1)), ("a", (-1, None))]

    assert cache.get_partial_values(ranges) == [b"23", None, b"4"]
    assert cache.get_partial_values(ranges[::2]) == [b"23", b"4"]
    assert len(inner.asked) == 1
    cache["a"] = b"abcd"
    assert cache.get_partial_values(ranges) == [b"bc", None, b"d"]
    cache["b"]
    inner.asked.clear()
    assert cache.get_partial_values([("b", (0, 2))]) == [b"56"]
    assert inner.asked == []


@pytest.mark.parametrize("change", ["set", "setitems", "del", "delitems", "rmdir", "rename"])
def test_what_is_written_through_the_cache_is_seen(inner: Watched, change: str) -> None:
    cache = LRUStoreCache(inner, max_size=None)
    cache["a"], cache.listdir(), list(cache)

    if change == "set":
        cache["a"] = b"new"
    elif change == "setitems":
        cache.setitems({"a": b"new"})
    elif change == "del":
        del cache["a"]
    elif change == "delitems":
        cache.delitems(["a"])
    elif change == "rmdir":
        cache.rmdir("a")
    else:
        cache.rename("a", "moved")

    assert cache.get("a") == inner.get("a")
    assert ("a" in cache) == ("a" in inner)
    assert cache.listdir() == inner.listdir()
    assert sorted(cache) == sorted(inner)


def test_what_others_write_is_seen_after_invalidate(inner: Watched) -> None:
    cache = LRUStoreCache(inner, max_size=None)
    cache["a"], cache.listdir(), list(cache)
    inner["a"], inner["x"] = b"new", b"new"

    assert cache["a"] == b"1234"
    assert "x" not in cache
    cache.invalidate_values()
    assert cache["a"] == b"new"
    assert "x" not in cache.listdir()
    cache.invalidate_keys()
    assert "x" in cache
    assert "x" in cache.listdir()
    inner["a"] = b"newer"
    cache.invalidate()
    assert cache["a"] == b"newer"


def test_value_overwritten_while_it_is_fetched_is_not_kept(inner: Watched) -> None:
    cache = LRUStoreCache(inner, max_size=None)
    inner.go_on.clear()
    reader = threading.Thread(target=lambda: cache["a"])
    reader.start()
    assert inner.fetched.wait(30)

    cache["a"] = b"new"
    inner.go_on.set()
    reader.join(30)

    assert cache["a"] == b"new"


def test_failed_fetch_leaves_nothing_behind(inner: Watched, monkeypatch: Any) -> None:
    cache = LRUStoreCache(inner, max_size=None)

    def fail(keys: Sequence[str]) -> dict[str, Any]:
        raise OSError("broken")

    with monkeypatch.context() as patch:
        patch.setattr(inner, "getitems", fail)
        with pytest.raises(OSError, match="broken"):
            cache["a"]

    assert cache["a"] == b"1234"


def test_array_is_read_twice_but_fetched_once(inner: Watched) -> None:
    data = np.arange(100).reshape(10, 10)
    zarr.array(data, chunks=(5, 5), store=inner, path="z")
    cache = zarr.LRUStoreCache(inner, max_size=2**20)
    z = zarr.open_array(cache, mode="r+", path="z")

    assert np.array_equal(z[...], data)
    inner.asked.clear()
    assert np.array_equal(z[...], data)
    assert inner.asked == []
    z[0, 0] = -1
    assert z[0, 0] == -1
    assert zarr.open_array(inner, mode="r", path="z")[0, 0] == -1


def test_pickle_holds_the_store_but_no_values(inner: Watched, tmp_path: Path) -> None:
    cache = LRUStoreCache(DirectoryStore(tmp_path), max_size=10_000)
    cache["a"] = b"x" * 5000
    cache["a"]

    pickled = pickle.dumps(cache)

    assert len(pickled) < 1000
    assert pickle.loads(pickled)["a"] == b"x" * 5000


def test_plain_mapping_will_do() -> None:
    assert zarr.LRUStoreCache({"a": b"1"}, max_size=None)["a"] == b"1"


def test_group_listing_is_cached(inner: Watched) -> None:
    group = zarr.group(inner, path="g")
    group.zeros("x", shape=1)
    cached = zarr.open_group(LRUStoreCache(inner, max_size=None), mode="r", path="g")
    assert list(cached) == ["x"]
    inner.asked.clear()

    assert list(cached) == ["x"]
    assert "listdir g" not in inner.asked


class Interrupted(BaseException):
    """What comes at the end of a write."""


class ReadWhileWritten(zarr.MemoryStore):
    """A store whose values are read through its cache while it writes, and then fails."""

    cache: LRUStoreCache

    def _change(self, change: Callable[[], Any]) -> None:
        self.cache.getitems(["a", "b"])
        self.cache.get_partial_values([("a", (0, 1))])
        list(self.cache)
        self.cache.listdir()
        change()
        raise Interrupted

    def __setitem__(self, key: str, value: Any) -> None:
        self._change(partial(super().__setitem__, key, value))

    def __delitem__(self, key: str) -> None:
        self._change(partial(super().__delitem__, key))

    def rmdir(self, path: str = "") -> None:
        self._change(partial(super().delitems, ["a", "b"]))


@pytest.mark.parametrize(
    "write",
    [
        lambda cache: cache.__setitem__("a", b"new"),
        lambda cache: cache.__delitem__("a"),
        lambda cache: cache.setitems({"a": b"new"}),
        lambda cache: cache.delitems(["a"]),
        lambda cache: cache.rmdir(),
    ],
)
def test_interrupted_writes_leave_nothing_stale(write: Callable[[LRUStoreCache], Any]) -> None:
    store = ReadWhileWritten({"a": b"old", "b": b"old"})
    store.cache = cache = LRUStoreCache(store, max_size=None)
    assert cache.getitems(["a", "b"]) == {"a": b"old", "b": b"old"}
    with pytest.raises(Interrupted):
        write(cache)
    assert dict(cache.items()) == dict(store.items())
    assert cache.get("a") == store.get("a")
    assert ("a" in cache) == ("a" in store)
    assert cache.get_partial_values([("a", (0, 1))]) == store.get_partial_values([("a", (0, 1))])
    assert cache.listdir() == store.listdir()
