"""A class of somebody who overrides one method of a store sees all that passes through it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr
from zarr.storage import BaseStore


class Tracked:
    """Counts the keys that are read, written and deleted one by one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.read, self.written, self.deleted = Counter(), Counter(), Counter()
        super().__init__(*args, **kwargs)

    def __getitem__(self, key: str) -> Any:
        self.read[key] += 1
        return super().__getitem__(key)

    def __setitem__(self, key: str, value: Any) -> None:
        self.written[key] += 1
        super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        self.deleted[key] += 1
        super().__delitem__(key)


class TrackedMemoryStore(Tracked, zarr.MemoryStore): ...


class TrackedDirectoryStore(Tracked, zarr.DirectoryStore): ...


class TrackedFSStore(Tracked, zarr.storage.FSStore): ...


class TrackedSQLiteStore(Tracked, zarr.SQLiteStore): ...


class TrackedDBMStore(Tracked, zarr.DBMStore): ...


class TrackedLMDBStore(Tracked, zarr.LMDBStore): ...


class TrackedZipStore(Tracked, zarr.ZipStore): ...


class TrackedCache(Tracked, zarr.LRUStoreCache): ...


STORES: dict[str, Callable[[str], BaseStore]] = {
    "memory": lambda _: TrackedMemoryStore(),
    "directory": TrackedDirectoryStore,
    "fsspec": TrackedFSStore,
    "sqlite": TrackedSQLiteStore,
    "dbm": TrackedDBMStore,
    "lmdb": TrackedLMDBStore,
    "zip": TrackedZipStore,
    "cache": lambda _: TrackedCache(zarr.MemoryStore(), max_size=None),
}


@pytest.mark.parametrize("name", STORES)
def test_every_chunk_passes_through_the_methods_of_the_subclass(name: str, tmp_path: Path) -> None:
    with STORES[name](str(tmp_path / "data")) as store:
        data = np.arange(1, 41, dtype="i4")
        z = zarr.create(40, chunks=10, dtype="i4", store=store, fill_value=0)
        z[:] = data
        chunks = ["0", "1", "2", "3"]
        assert store.written == dict.fromkeys([".zarray", *chunks], 1)
        store.read.clear()
        np.testing.assert_array_equal(z[:], data)
        assert store.read == dict.fromkeys(chunks, 1)
        if name != "zip":  # whose values stay
            empty = zarr.open_array(store, mode="r+", write_empty_chunks=False)
            empty[10:30] = 0
            assert set(store.deleted) >= {"1", "2"}


def test_no_more_documents_are_read_than_needed(tmp_path: Path) -> None:
    store = TrackedDirectoryStore(tmp_path)
    zarr.group(store).zeros("group/array", shape=1)
    root = zarr.open_group(store, mode="r")
    store.read.clear()
    assert root["group/array"].shape == (1,)
    assert store.read == {"group/array/.zarray": 1}


@pytest.mark.parametrize("name", ["directory", "lmdb", "sqlite"])
def test_ranges_pass_through_them_too(name: str, tmp_path: Path) -> None:
    with STORES[name](str(tmp_path / "data")) as store:
        store["key"] = b"0123456789"
        assert store.get_partial_values([("key", (2, 3)), ("none", (0, 1))]) == [b"234", None]
        assert store.read == {"key": 1, "none": 1}
        assert not store.partial_reads


def test_a_subclass_with_verbs_of_its_own_keeps_them(tmp_path: Path) -> None:
    class Both(zarr.DirectoryStore):
        def __getitem__(self, key: str) -> bytes:
            return super().__getitem__(key).upper()

        def getitems(self, keys: Any) -> Any:
            return {key: value.upper() for key, value in super().getitems(keys).items()}

    store = Both(tmp_path)
    store["a"] = b"text"
    assert store["a"] == store.getitems(["a"])["a"] == b"TEXT"
    assert store.get_partial_values([("a", (1, 2))]) == [b"EX"]


def test_a_subclass_that_leaves_them_alone_is_as_fast_as_its_base() -> None:
    class Named(zarr.DirectoryStore):
        title = "data"

    assert Named.getitems is zarr.DirectoryStore.getitems
    assert Named.get_partial_values is zarr.DirectoryStore.get_partial_values
    assert Named.partial_reads
