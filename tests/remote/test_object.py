"""ObjectStore on an S3 server, on Azurite, over HTTP, in a directory and in memory."""

from __future__ import annotations

import itertools
import multiprocessing
import pickle
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import obstore
import pytest
from azure.storage.blob import ContainerClient

import zarr
from tests.remote.counts import CountTests
from tests.remote.relay import Relay
from tests.remote.servers import AZURITE_KEY
from zarr.errors import ReadOnlyError, StoreError
from zarr.storage import DirectoryStore, ObjectStore
from zarr.testing import StoreTests

pytestmark = pytest.mark.remote


class TestObjectStoreOnS3(StoreTests):
    @pytest.fixture
    def store(self, bucket: str, obstore_options: dict[str, Any]) -> ObjectStore:
        root = ObjectStore(f"s3://{bucket}", **obstore_options)
        root["some/prefix-2/not"] = b"ours"
        return ObjectStore(f"s3://{bucket}/some/prefix", **obstore_options)


class TestObjectStoreOnAzure(StoreTests):
    odd_keys = tuple(key for key in StoreTests.odd_keys if "\\" not in key)
    runs = 2

    @pytest.fixture
    def store(self, container: ContainerClient, azure_url: str) -> ObjectStore:
        return ObjectStore(
            f"az://{container.container_name}/data",
            account_name="devstoreaccount1",
            account_key=AZURITE_KEY,
            endpoint=azure_url,
            client_options={"allow_http": True},
        )


class TestObjectStoreInDirectory(StoreTests):
    keeps_empty_folders = True

    @pytest.fixture
    def store(self, tmp_path: Path) -> ObjectStore:
        return ObjectStore(f"file://{tmp_path}/data")


class TestObjectStoreInMemory(StoreTests):
    pickles = False

    @pytest.fixture
    def store(self) -> ObjectStore:
        return ObjectStore("memory:///")


@pytest.fixture
def watched(
    bucket: str,
    s3_url: str,
    obstore_options: dict[str, Any],
    relay_to: Callable[[str], Relay],
) -> tuple[ObjectStore, Relay]:
    """Return a store whose requests are counted."""
    relay = relay_to(s3_url)
    options = {**obstore_options, "endpoint": f"http://127.0.0.1:{relay.own_port}"}
    return ObjectStore(f"s3://{bucket}/data", **options), relay


class TestCounts(CountTests):
    def check_removal(self, verbs: Counter[str]) -> None:
        assert verbs == {"GET": 2, "POST": 2}  # 1000 at a time

    def test_near_ranges_are_one_request(self, watched: tuple[ObjectStore, Relay]) -> None:
        store, relay = watched
        value = np.random.default_rng(0).bytes(3_000_000)
        store.setitems({"x": value, "y": value})
        relay.verbs.clear()

        starts = [10, 500, 100_000, 2_900_000, 700, 600]
        parts = store.get_partial_values([(key, (s, 200)) for s in starts for key in "xy"])

        assert parts == [value[s : s + 200] for s in starts for _ in "xy"]
        assert relay.verbs == {"GET": 4}


class TestHTTP:
    def test_reads(self, http_url: str, http_folder: Path, unique: Callable[[str], str]) -> None:
        name = unique("object")
        zarr.save_array(str(http_folder / name), np.arange(100))
        store = ObjectStore(f"{http_url}/{name}", client_options={"allow_http": True})

        np.testing.assert_array_equal(zarr.open_array(store, mode="r")[:], np.arange(100))
        assert "absent" not in store
        value = store["0"]
        assert store.get_partial_values([("0", (2, 3)), ("0", (-4, None)), ("1", (0, 1))]) == [
            bytes(value)[2:5],
            bytes(value)[-4:],
            None,
        ]


class TestArguments:
    def test_store_of_obstore(self, tmp_path: Path) -> None:
        zarr.save_array(str(tmp_path / "a"), np.arange(10))
        store = ObjectStore(obstore.store.LocalStore(tmp_path / "a"))
        np.testing.assert_array_equal(zarr.open_array(store, mode="r")[:], np.arange(10))

    def test_options_of_a_store(self) -> None:
        with pytest.raises(ValueError, match="region"):
            ObjectStore(obstore.store.MemoryStore(), region="nowhere")

    def test_read_only(self, tmp_path: Path) -> None:
        DirectoryStore(tmp_path)["x"] = b"1"
        store = ObjectStore(f"file://{tmp_path}", mode="r")
        for change in (
            lambda: store.__setitem__("x", b""),
            lambda: store.setitems({"x": b""}),
            lambda: store.__delitem__("x"),
            lambda: store.delitems(["x"]),
            store.clear,
            lambda: store.rename("x", "y"),
        ):
            with pytest.raises(ReadOnlyError):
                change()
        assert bytes(store["x"]) == b"1"
        assert not store.is_writeable()

    def test_location(self, obstore_options: dict[str, Any]) -> None:
        one = ObjectStore("s3://bucket-1/data", **obstore_options)
        same = ObjectStore("s3://bucket-1/data", **{**obstore_options, "access_key_id": "other"})
        assert one == same and hash(one) == hash(same)
        elsewhere = {**obstore_options, "endpoint": "http://127.0.0.1:1"}
        assert one != ObjectStore("s3://bucket-1/data", **elsewhere)
        assert one != ObjectStore("s3://bucket-1/data2", **obstore_options)
        assert one != ObjectStore("s3://bucket-2/data", **obstore_options)
        assert urlsplit(obstore_options["endpoint"]).netloc in repr(one.location)


def test_absent_bucket_is_no_absent_key(obstore_options: dict[str, Any]) -> None:
    store = ObjectStore("s3://absent-bucket/data", **obstore_options)
    with pytest.raises(StoreError, match="NoSuchBucket"):
        store["x"]


def _read_in_child(data: bytes, answers: Any) -> None:
    try:
        answers.put(bytes(pickle.loads(data)["x"]))
    except StoreError as error:
        answers.put(error)


@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_forked_process_gets_an_error_and_does_not_hang(tmp_path: Path) -> None:
    store = ObjectStore(f"file://{tmp_path}")
    store["x"] = b"1"
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()
    child = context.Process(target=_read_in_child, args=(pickle.dumps(store), answers))
    child.start()
    answer = answers.get()
    child.join()
    assert isinstance(answer, StoreError)
    assert "spawn" in str(answer)


def test_ranges_of_a_value_come_from_one_version_of_it() -> None:
    """A value is replaced all the time while ranges of it are read by several requests."""
    store = ObjectStore(obstore.store.MemoryStore())
    size, stop = 1_000_000, threading.Event()
    store["a"] = bytes(size)

    def replace() -> None:
        for version in itertools.cycle(range(200)):
            if stop.is_set():
                return
            store["a"] = bytes([version]) * size

    writer = threading.Thread(target=replace)
    writer.start()
    seen = set()
    try:
        while len(seen) < 40:
            ranges = [("a", (0, 2)), ("a", (500_000, 2)), ("a", (-2, 2))]
            (version,) = {bytes(part) for part in store.get_partial_values(ranges)}
            seen.add(version)
    finally:
        stop.set()
        writer.join()


class TestShards:
    """Two shards of 256 chunks: what they cost, and that others may rewrite them."""

    @pytest.fixture
    def data(self) -> np.ndarray[Any, Any]:
        return np.random.default_rng(0).integers(0, 2**31, (16 * 32, 16 * 16), "i4")

    def create(self, store: ObjectStore, data: np.ndarray[Any, Any]) -> Any:
        return zarr.create(
            data.shape, chunks=16, shards=256, dtype="i4", compressor=None, store=store,
            zarr_format=3,
        )  # fmt: skip

    def test_each_shard_is_one_request(
        self, watched: tuple[ObjectStore, Relay], data: np.ndarray[Any, Any]
    ) -> None:
        store, relay = watched
        z = self.create(store, data)
        relay.verbs.clear()

        z[...] = data
        assert relay.verbs == {"PUT": 2}
        relay.verbs.clear()
        np.testing.assert_array_equal(z[...], data)
        assert relay.verbs == {"GET": 2}

    def test_a_large_shard_is_one_request(self, watched: tuple[ObjectStore, Relay]) -> None:
        store, relay = watched
        z = zarr.create(
            6 << 20, chunks=1 << 20, shards=6 << 20, dtype="u1", compressor=None, store=store,
            zarr_format=3,
        )  # fmt: skip
        relay.verbs.clear()
        z[...] = 7
        assert relay.verbs == {"PUT": 1}

    def test_a_chunk_is_one_request_once_the_index_is_known(
        self, watched: tuple[ObjectStore, Relay], data: np.ndarray[Any, Any]
    ) -> None:
        store, relay = watched
        z = self.create(store, data)
        z[...] = data
        for region, count in (
            ((slice(16), slice(16)), 2),
            ((slice(16, 32), slice(64, 80)), 1),
            ((17, 99), 1),
            ((slice(256, 272), slice(16)), 2),
            ((slice(None), 40), 2),  # near enough to be read at once
        ):
            relay.verbs.clear()
            np.testing.assert_array_equal(z[region], data[region])
            assert relay.verbs == {"GET": count}, region

    def test_others_rewrite_a_shard(
        self, watched: tuple[ObjectStore, Relay], data: np.ndarray[Any, Any]
    ) -> None:
        store, relay = watched
        z = self.create(store, data)
        z[:16, :64] = data[:16, :64]  # four of its chunks
        np.testing.assert_array_equal(z[:16, 32:48], data[:16, 32:48])

        store.store.put("c/0/0", self._with(data + 1)["c/0/0"])  # all, each in another place
        relay.verbs.clear()
        np.testing.assert_array_equal(z[:16, 32:48], data[:16, 32:48] + 1)
        assert relay.verbs == {"GET": 3}  # what the old index says, the new one, the chunk

        other = zarr.create(
            data.shape, chunks=16, shards=256, dtype="i4", compressor=None, zarr_format=3,
            store=ObjectStore("memory:///"), write_empty_chunks=False,
        )  # fmt: skip
        other[64:80, :16] = 5
        store.store.put("c/0/0", other.store["c/0/0"])
        assert not z[:16, 32:48].any()
        relay.verbs.clear()
        assert not z[:16, 32:48].any()  # is it still not there, and is the array?
        assert relay.verbs == {"GET": 1, "HEAD": 1}

        store.store.put("c/0/0", self._with(data)["c/0/0"])
        np.testing.assert_array_equal(z[:16, 32:48], data[:16, 32:48])
        store.store.delete("c/0/0")
        assert not z[:16, 32:48].any()

    def _with(self, data: np.ndarray[Any, Any]) -> ObjectStore:
        store = ObjectStore("memory:///")
        self.create(store, data)[...] = data
        return store
