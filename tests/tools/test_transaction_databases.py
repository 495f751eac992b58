"""`zarr.transaction` on databases, where it is one of theirs, and on ZIP archives."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr
from tests.remote.conftest import _load_services
from tests.safety.places import PLACES
from tests.tools.test_transaction import (
    append_one,
    change_much,
    check_all_or_nothing,
    content,
    in_thread,
    pair,
)
from zarr.errors import ReadOnlyError, TransactionError

pytestmark = pytest.mark.filterwarnings("ignore:Duplicate name")
KINDS = ("sqlite", "lmdb", "zip", pytest.param("redis", marks=pytest.mark.remote))


@pytest.fixture(scope="module")
def redis() -> Iterator[None]:
    """Start a Redis server, unless one runs. Where it cannot be started, its tests fail."""
    services = _load_services()
    variable = services.variable("redis")
    if variable in os.environ:
        yield
        return
    server = services.start("redis")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(variable, server.address)
        yield
    server.stop()


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    if PLACES[request.param].service:
        request.getfixturevalue("redis")
    with contextlib.closing(PLACES[request.param].open(str(tmp_path))) as opened:
        yield opened


def test_all_or_nothing(store: Any) -> None:
    check_all_or_nothing(pair(store))


def test_verbs_see_the_changes(store: Any) -> None:
    pair(store)
    with zarr.transaction(store) as txn:
        inside = txn.store
        inside["x/y"] = b"abc"
        inside.setitems({"x/z": b"de", "a/0": b"new"})
        assert inside["x/y"] == b"abc"
        assert inside.getitems(["x/y", "no", "a/0"]) == {"x/y": b"abc", "a/0": b"new"}
        assert inside.get_partial_values([("x/y", (1, 1)), ("no", (0, 1))]) == [b"b", None]
        assert "x/z" in inside
        assert inside.listdir("x") == ["y", "z"]
        assert inside.getsize("x") == 5
        assert dict(inside.list_sizes("x")) == {"x/y": 3, "x/z": 2}
        inside.delitems(["x/z", "no"])
        del inside["x/y"]
        with pytest.raises(KeyError):
            del inside["x/y"]
        with pytest.raises(KeyError):
            inside["x/y"]
        inside.rmdir("a")
        inside["a/9"] = b""
        inside.rename("b", "c")
        assert inside.listdir() == [".zgroup", "a", "c"]
        assert store.listdir() == [".zgroup", "a", "b"]
    assert store.listdir() == [".zgroup", "a", "c"]
    assert list(store.list_prefix("a")) == ["a/9"]


def test_only_one_changes_at_a_time(store: Any) -> None:
    root = pair(store)
    with zarr.transaction(root) as txn:
        assert in_thread(lambda: append_one(root, timeout=0.05)) is TransactionError
        txn.group["a"][0] = 5
    assert in_thread(lambda: append_one(root)) is None
    assert root["a"].shape == (11,)
    assert root["a"][0] == 5


def test_reading_belongs_together(store: Any, request: Any) -> None:
    root = pair(store)
    with zarr.transaction(root, read_only=True) as txn:
        assert txn.group["a"].shape == (10,)
        if "redis" not in request.node.name:  # there commits wait for readers
            append_one(root)
        assert txn.group["b"].shape == (10,)
        with pytest.raises(ReadOnlyError):
            txn.store["x"] = b""
        with pytest.raises(ReadOnlyError):
            txn.group["a"][0] = 3
    append_one(root)
    assert root["a"].shape == root["b"].shape


def test_append(store: Any) -> None:
    root = pair(store)
    assert zarr.append(root, {"a": [1, 2], "b": [3]}) == {"a": (12,), "b": (11,)}
    with pytest.raises(ValueError, match="cannot append"):
        zarr.append(root, {"a": [1, 2], "b": [[3]]})
    assert root["a"].shape == (12,)


def test_many_chunks_from_several_threads(store: Any) -> None:
    root = zarr.open_group(store, mode="w")
    data = np.random.default_rng(0).random((300, 1000))
    with zarr.config.set(workers=4, window_bytes=1 << 16), zarr.transaction(root) as txn:
        z = txn.group.create_dataset("z", data=data, chunks=(3, 1000))
        assert (z[...] == data).all()
    assert (root["z"][...] == data).all()


def append_many(pickled: bytes, times: int) -> None:
    store = pickle.loads(pickled)
    for _ in range(times):
        with zarr.transaction(store, timeout=120) as txn:
            for name in ("a", "b"):
                z = txn.group[name]
                z.append([z.shape[0]])
    store.close()


def test_processes_lose_nothing(store: Any) -> None:
    if isinstance(store, zarr.ZipStore):
        pytest.skip("others get an error while an archive is written")
    pair(store)
    context = multiprocessing.get_context("spawn")
    arguments = (pickle.dumps(store), 10)
    children = [context.Process(target=append_many, args=arguments) for _ in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert content(store) == {"/": {}, "a": list(range(40)), "b": list(range(40))}


def test_a_database_in_memory_has_no_transactions() -> None:
    with pytest.raises(TransactionError, match="use a database in a file"):
        zarr.transaction(zarr.SQLiteStore(":memory:")).__enter__()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")
@pytest.mark.parametrize("kind", ["sqlite", "lmdb", "zip"])
def test_a_child_process_does_not_disturb(tmp_path: Path, kind: str) -> None:
    store = PLACES[kind].open(str(tmp_path))
    root = pair(store)
    with zarr.transaction(root) as txn:
        txn.group["a"][:] = 1
        child = os.fork()
        if not child:
            try:
                txn.store["x"] = b""
            except TransactionError:
                os._exit(0)
            os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
        txn.group["b"][:] = 1
    assert content(store) == {"/": {}, "a": [1] * 10, "b": [1] * 10}
    store.close()


@pytest.mark.remote
@pytest.mark.usefixtures("redis")
def test_redis_gives_up_what_was_not_used(tmp_path: Path) -> None:
    store = PLACES["redis"].open(str(tmp_path))
    pair(store)
    before = content(store)
    txn = zarr.transaction(store)
    with pytest.raises(TransactionError, match="was not used for more than"), txn:
        change_much(txn.group)
        store.client.delete(f"{store.prefix}.txn")  # as when its time is over
    assert content(store) == before
    store.close()
