"""MongoDBStore on a server that speaks MongoDB's protocol."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pymongo
import pytest
from pymongo.monitoring import CommandListener

import zarr
from zarr.errors import StoreError
from zarr.storage import MongoDBStore
from zarr.testing import StoreTests

pytestmark = pytest.mark.remote


class TestMongoDBStore(StoreTests):
    @pytest.fixture
    def store(self, mongodb_url: str, unique: Callable[[str], str]) -> Iterator[MongoDBStore]:
        with MongoDBStore(collection=unique("test"), host=mongodb_url) as store:
            yield store
            store.clear()


class Commands(CommandListener):
    """Counts the commands that the driver sends."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def started(self, event: Any) -> None:
        self.counts[event.command_name] += 1

    def succeeded(self, event: Any) -> None:
        """Do nothing."""

    def failed(self, event: Any) -> None:
        """Do nothing."""


@pytest.fixture
def commands() -> Commands:
    return Commands()


@pytest.fixture
def store(
    mongodb_url: str, unique: Callable[[str], str], commands: Commands
) -> Iterator[MongoDBStore]:
    name = unique("test")
    with MongoDBStore(collection=name, host=mongodb_url, event_listeners=[commands]) as store:
        yield store
        store.clear()


class TestCounts:
    def test_reading_a_thousand_chunks_is_one_query(
        self, store: MongoDBStore, commands: Commands
    ) -> None:
        zarr.create(10_000, chunks=10, dtype="i4", store=store)[:] = np.arange(10_000)
        array = zarr.open_array(store, mode="r")
        commands.counts.clear()

        found = array[:]

        np.testing.assert_array_equal(found, np.arange(10_000))
        assert commands.counts["find"] == 1
        # How many documents come in one answer is the server's affair.
        assert set(commands.counts) <= {"find", "getMore"}

    def test_writing_a_thousand_chunks_is_one_command(
        self, store: MongoDBStore, commands: Commands
    ) -> None:
        array = zarr.create(10_000, chunks=10, dtype="i4", store=store)
        commands.counts.clear()

        array[:] = np.arange(10_000)

        assert commands.counts == {"update": 1}

    def test_listing_a_thousand_arrays_walks_no_chunks(
        self, store: MongoDBStore, commands: Commands
    ) -> None:
        store.setitems({f"g/{n}/.zarray": b"{}" for n in range(1000)})
        store.setitems({f"g/{n}/{m}": b"" for n in range(1000) for m in range(3)})
        commands.counts.clear()

        names = store.listdir("g")

        assert names == sorted(str(n) for n in range(1000))
        assert commands.counts["find"] <= 1002
        assert set(commands.counts) <= {"find", "getMore"}

    def test_listing_small_folders_is_few_queries(
        self, store: MongoDBStore, commands: Commands
    ) -> None:
        store.setitems({f"g/{n}/.zgroup": b"{}" for n in range(1000)})
        commands.counts.clear()
        assert len(store.listdir("g")) == 1000
        assert commands.counts["find"] <= 10


class TestDocumentLimit:
    def test_largest_value(self, store: MongoDBStore) -> None:
        # The server of the tests is less exact than MongoDB; the document is what counts.
        value = bytes(16 * 1024 * 1024 - 200)
        store["x"] = value
        assert store["x"] == value

    def test_larger_one_is_refused_before_anything_is_written(
        self, store: MongoDBStore, commands: Commands
    ) -> None:
        store["old"] = b"old"
        commands.counts.clear()

        with pytest.raises(StoreError, match=r"'big' has 16777216 bytes.*smaller chunks"):
            store.setitems({"small": b"1", "old": b"new", "big": bytes(16 << 20)})

        assert not commands.counts
        assert dict(store.items()) == {"old": b"old"}

    def test_array_with_too_large_chunks(self, store: MongoDBStore) -> None:
        array = zarr.create(17 << 20, chunks=17 << 20, dtype="u1", compressor=None, store=store)
        with pytest.raises(StoreError, match="smaller chunks"):
            array[:] = 1


def test_documents_of_the_2x_library(mongodb_url: str, store: MongoDBStore) -> None:
    with pymongo.MongoClient(mongodb_url) as client:
        collection = client[store.db.name][store.collection.name]
        for key in ("a/0", "a/1", ".zgroup"):
            collection.insert_one({"key": key, "value": b"12345"})

    assert sorted(store) == [".zgroup", "a/0", "a/1"]
    assert store.getsize("a") == 10
    store["a/0"] = b"1"
    assert store.getsize("a") == 6
    assert len(store) == 3


def test_keys_written_twice_by_racing_programs(mongodb_url: str, store: MongoDBStore) -> None:
    with pymongo.MongoClient(mongodb_url) as client:
        collection = client[store.db.name][store.collection.name]
        for _ in range(2):
            collection.insert_one({"key": "a/0", "value": b"12345"})

    store["a/1"] = b"1"
    assert store["a/0"] == b"12345"
    del store["a/0"]
    assert list(store) == ["a/1"]
