"""RedisStore on a Redis server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import redis

import zarr
from zarr.errors import StoreError, StoreKeyError, StorePermissionError
from zarr.storage import RedisStore
from zarr.testing import StoreTests

pytestmark = pytest.mark.remote


@pytest.fixture
def port(redis_url: str) -> int:
    return urlsplit(redis_url).port or 6379


@pytest.fixture
def store(port: int, unique: Callable[[str], str]) -> Iterator[RedisStore]:
    with RedisStore(prefix=unique("test"), host="127.0.0.1", port=port) as store:
        yield store
        store.clear()


class TestRedisStore(StoreTests):
    @pytest.fixture
    def store(self, port: int, unique: Callable[[str], str]) -> Iterator[RedisStore]:
        # With characters that mean something in a pattern.
        with RedisStore(prefix=unique("te?st*[a]"), host="127.0.0.1", port=port) as store:
            yield store
            store.clear()


@contextmanager
def counted(client: Any) -> Iterator[Counter[str]]:
    """Count the commands that the server is given."""
    commands: Counter[str] = Counter()
    before = client.info("commandstats")
    yield commands
    for name, stats in client.info("commandstats").items():
        calls = stats["calls"] - before.get(name, {"calls": 0})["calls"]
        if calls:
            commands[name.removeprefix("cmdstat_")] = calls
    del commands["info"]


@pytest.fixture
def alone(services: Any) -> Iterator[RedisStore]:
    """Return a store on a server that nobody else uses."""
    server = services.start("redis")
    with RedisStore(host="127.0.0.1", port=server.port) as store:
        yield store
    server.stop()


class TestCounts:
    def test_reading_a_thousand_chunks_is_one_command(self, alone: RedisStore) -> None:
        zarr.create(10_000, chunks=10, dtype="i4", store=alone)[:] = np.arange(10_000)
        array = zarr.open_array(alone, mode="r")

        with counted(alone.client) as commands:
            found = array[:]

        np.testing.assert_array_equal(found, np.arange(10_000))
        assert commands == {"mget": 1}

    def test_writing_a_thousand_chunks_is_one_transaction(self, alone: RedisStore) -> None:
        array = zarr.create(10_000, chunks=10, dtype="i4", store=alone)

        with counted(alone.client) as commands:
            array[:] = np.arange(10_000)

        assert commands == {"multi": 1, "mset": 1, "zadd": 1, "exec": 1}

    def test_listing_a_thousand_arrays_walks_no_chunks(self, alone: RedisStore) -> None:
        alone.setitems({f"g/{n}/.zarray": b"{}" for n in range(1000)})
        alone.setitems({f"g/{n}/{m}": b"" for n in range(1000) for m in range(50)})

        alone.listdir()  # the first time, the script has to be sent
        with counted(alone.client) as commands:
            names = alone.listdir("g")

        assert names == sorted(str(n) for n in range(1000))
        assert commands["evalsha"] == 1
        # One look at a key of each array, and one at the end.
        assert commands["zrangebylex"] <= 1001
        assert set(commands) <= {"evalsha", "zrangebylex"}


class TestIndex:
    def test_keys_of_other_programs_are_indexed_at_first(self, port: int, store: Any) -> None:
        raw = redis.Redis(port=port)
        for key in ("a/0", "a/b/0", ".zgroup"):
            raw.set(f"{store.prefix}:{key}", b"1")
        raw.set(f"{store.prefix}-not:x", b"1")

        assert sorted(store) == [".zgroup", "a/0", "a/b/0"]
        assert store.listdir("a") == ["0", "b"]
        raw.delete(f"{store.prefix}-not:x")
        raw.close()

    def test_reindex_finds_what_was_written_later(self, port: int, store: RedisStore) -> None:
        store["a"] = b"1"
        raw = redis.Redis(port=port)
        raw.set(f"{store.prefix}:b", b"2")
        raw.delete(f"{store.prefix}:a")
        raw.close()
        assert store["b"] == b"2"

        store.reindex()

        assert list(store) == ["b"]

    def test_survives_the_loss_of_all_data(self, alone: RedisStore) -> None:
        alone["a/x"] = b"1"
        alone.client.flushall()
        alone["b/x"] = b"2"
        assert list(alone) == ["b/x"]
        assert alone.listdir() == ["b"]
        assert list(RedisStore(port=alone.location[1][1])) == ["b/x"]  # type: ignore[index]


def test_too_large_a_value_is_refused_before_writing(store: RedisStore) -> None:
    with pytest.raises(StoreError, match=r"'big' has 536870913 bytes"):
        store.setitems({"small": b"1", "big": np.empty((512 << 20) + 1, "u1")})
    assert len(store) == 0


def test_server_out_of_memory(alone: RedisStore) -> None:
    data = np.random.default_rng(0).integers(0, 255, (40, 100_000), dtype="u1")
    z = zarr.create(
        data.shape, chunks=(1, 100_000), dtype="u1", store=alone, compressor=None, fill_value=None
    )
    z[:10] = data[:10]
    alone.client.config_set("maxmemory", alone.client.info("memory")["used_memory"] + 500_000)
    with pytest.raises(StoreError, match="maxmemory"):
        for row in range(10, 40):
            z[row] = data[row]
    number = z.nchunks_initialized
    assert 10 < number < 40
    np.testing.assert_array_equal(z[:number], data[:number])


def test_denied_command(alone: RedisStore) -> None:
    alone["x"] = b"1"
    alone.client.acl_setuser(
        "reader", enabled=True, passwords=["+secret"], keys=["*"], commands=["+get", "+mget"]
    )
    own_port = alone.location[1][1]  # type: ignore[index]
    with RedisStore(port=own_port, username="reader", password="secret") as reader:
        assert reader["x"] == b"1"
        with pytest.raises(StorePermissionError, match="no permissions"):
            reader["x"] = b"2"
    with (
        RedisStore(port=own_port, username="reader", password="wrong") as stranger,
        pytest.raises(StorePermissionError),
    ):
        stranger["x"]


def test_key_of_nobody(store: RedisStore) -> None:
    with pytest.raises(StoreKeyError):
        store["../x"] = b""
