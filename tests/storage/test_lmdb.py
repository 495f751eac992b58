"""LMDB databases: what they promise beyond the conformance suite."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
import pytest

import zarr
from zarr.errors import ReadOnlyError, StoreError, StoreKeyError
from zarr.storage import LMDBStore

FORK = multiprocessing.get_context("fork")
BIG = 200_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data.mdb"


@pytest.fixture
def store(path: Path) -> Iterator[LMDBStore]:
    with LMDBStore(path) as store:
        yield store


# -- the file --------------------------------------------------------------------------


def test_file_is_small_and_plain(path: Path) -> None:
    with LMDBStore(path) as store:
        store.setitems({"a/x": b"1", "ü": np.arange(3, dtype="u1")})
    assert sorted(os.listdir(path.parent)) == ["data.mdb", "data.mdb-lock"]
    assert path.stat().st_size < 100_000
    assert not path.stat().st_mode & 0o111
    with lmdb.open(str(path), subdir=False) as environment, environment.begin() as transaction:
        assert list(transaction.cursor()) == [(b"a/x", b"1"), ("ü".encode(), b"\0\1\2")]


def test_in_a_folder(tmp_path: Path) -> None:
    with LMDBStore(tmp_path / "folder", subdir=True) as store:
        store["a"] = b"1"
        with LMDBStore(tmp_path / "folder", subdir=True) as other:
            assert other["a"] == b"1"
    assert sorted(os.listdir(tmp_path / "folder")) == ["data.mdb", "lock.mdb"]


@pytest.mark.parametrize("subdir", [False, True])
def test_links_share_the_lock_file(tmp_path: Path, subdir: bool) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "links").mkdir()
    real, link = tmp_path / "real" / "data", tmp_path / "links" / "data"
    LMDBStore(real, subdir=subdir).close()
    link.symlink_to(real)

    with LMDBStore(link, subdir=subdir) as store:
        store["a"] = b"1"
        assert store.path == str(link)

    assert os.listdir(tmp_path / "links") == ["data"]


def test_no_database(path: Path) -> None:
    path.write_bytes(b"This is no database." * 1000)
    with pytest.raises(StoreError, match=r"data\.mdb"):
        LMDBStore(path)
    with pytest.raises(StoreError, match="nowhere"):
        LMDBStore(path.parent / "nowhere" / "data.mdb")


def test_read_only(path: Path) -> None:
    with LMDBStore(path) as store:
        store["a"] = b"1"
    with LMDBStore(path, readonly=True) as store:
        assert not store.is_writeable()
        assert store["a"] == b"1"
        for change in (
            lambda: store.__setitem__("b", b""),
            lambda: store.__delitem__("a"),
            store.rmdir,
            lambda: store.rename("a", "b"),
        ):
            with pytest.raises(ReadOnlyError):
                change()
        with pytest.raises(StoreError, match="read-only in this process"):
            LMDBStore(path)
        store.flush()
    with LMDBStore(path) as store, LMDBStore(path, readonly=True) as reader:
        store["a"] = b"2"
        assert reader["a"] == b"2"
        with pytest.raises(ReadOnlyError):
            del reader["a"]


def test_closed(path: Path) -> None:
    store = LMDBStore(path)
    store["a"] = b"1"
    store.close()
    for use in (
        lambda: store["a"],
        lambda: store.getitems(["a"]),
        lambda: "a" in store,
        lambda: list(store),
        lambda: store.__setitem__("a", b""),
        store.flush,
    ):
        with pytest.raises(StoreError, match="closed"):
            use()


def test_keys_have_a_limit(store: LMDBStore) -> None:
    store["k" * 511] = b"1"
    long = "k" * 512
    with pytest.raises(StoreKeyError, match="511"):
        store[long] = b"1"
    with pytest.raises(KeyError):
        store[long]
    with pytest.raises(KeyError):
        del store[long]
    assert long not in store
    assert store.getitems([long, "k" * 511]) == {"k" * 511: b"1"}
    store.delitems([long])
    store.rmdir(long)
    assert store.listdir(long) == []
    with pytest.raises(StoreKeyError):
        store.rename("k" * 511, long)
    assert dict(store) == {"k" * 511: b"1"}


def test_pickle_keeps_arguments(path: Path) -> None:
    with LMDBStore(path, False, "/", map_size=1 << 30) as store:
        store["a"] = b"1"
        with pickle.loads(pickle.dumps(store)) as copy:
            assert (copy.buffers, copy.kwargs) == (False, {"map_size": 1 << 30})
            assert copy._dimension_separator == "/"
            copy["a"] = b"2"
            assert store["a"] == b"2"


# -- one database, several stores ------------------------------------------------------


def test_stores_of_one_process_share_the_database(path: Path) -> None:
    first, second = LMDBStore(path), LMDBStore(path)
    first["a"] = b"1"
    assert second["a"] == b"1"
    first.close()
    second["b"] = b"2"
    assert dict(second) == {"a": b"1", "b": b"2"}
    second.close()
    with LMDBStore(path) as third:
        assert len(third) == 2


def test_database_replaced_by_another(path: Path) -> None:
    old = LMDBStore(path)
    old["a"] = b"old"
    path.unlink()
    path.with_name("data.mdb-lock").unlink()
    with LMDBStore(path) as new:
        assert "a" not in new
        new["a"] = b"new"
        assert old["a"] == b"old"
    old.close()
    with LMDBStore(path) as store:
        assert store["a"] == b"new"


OTHER = """
import sys
from zarr.storage import LMDBStore
with LMDBStore(sys.argv[1]) as store:
    for n in range(200):
        store.setitems({f"{sys.argv[2]}/{n}/{m}": bytes([n]) * 100 for m in range(5)})
"""


def test_several_processes_write(path: Path, start_python: Callable[..., Any]) -> None:
    with LMDBStore(path) as store:
        children = [start_python(OTHER, path, n) for n in range(4)]
        for n in range(200):
            store[f"own/{n}"] = b"own"
        for child in children:
            assert child.wait(60) == 0
        assert len(store) == 4 * 1000 + 200
        assert store["3/199/4"] == bytes([199]) * 100


# -- values on loan --------------------------------------------------------------------


def test_big_values_are_not_copied(store: LMDBStore) -> None:
    value = np.random.default_rng(0).bytes(BIG)
    store.setitems({"a": value, "small": b"1"})
    found = store.getitems(["a", "small"])
    view = found["a"]
    assert isinstance(view, memoryview)
    assert view.readonly
    assert view == value
    assert type(found["small"]) is bytes
    address = np.frombuffer(view, "u1").ctypes.data
    again = store["a"]
    assert np.frombuffer(again, "u1").ctypes.data == address


def test_without_buffers_values_are_copied(path: Path) -> None:
    with LMDBStore(path, buffers=False) as store:
        store["a"] = bytes(BIG)
        assert type(store["a"]) is bytes
        assert type(store.getitems(["a"])["a"]) is bytes


def test_values_outlive_changes_and_the_store(path: Path) -> None:
    store = LMDBStore(path)
    values = {str(n): np.random.default_rng(n).bytes(BIG) for n in range(20)}
    store.setitems(values)
    held = store.getitems(list(values))
    part = store["3"][100:200]
    for n in range(20):
        store.setitems({str(m): bytes([n]) * BIG for m in range(20)})
    store.clear()
    store.setitems({f"new{m}": b"new" * BIG for m in range(10)})
    store.close()
    gc.collect()
    assert held == values
    assert part == values["3"][100:200]
    with LMDBStore(path) as again:
        again["more"] = bytes(BIG)
        assert held == values


def test_space_is_used_again_when_values_are_given_back(path: Path) -> None:
    with LMDBStore(path) as store:
        for n in range(100):
            store["a"] = bytes([n]) * 1_000_000
            value = store["a"]
            assert value[0] == n
        del value
        assert path.stat().st_size < 20_000_000


def test_more_values_held_than_lmdb_has_readers(store: LMDBStore) -> None:
    values = {str(n): bytes([n % 251]) * 40_000 for n in range(1500)}
    store.setitems(values)
    held = {key: store[key] for key in values}
    assert held == values
    store["0"] = b"changed"
    assert held["0"] == values["0"]
    del held
    gc.collect()
    assert isinstance(store["1"], memoryview)


def test_threads_give_values_to_each_other(store: LMDBStore) -> None:
    values = {str(n): bytes([n]) * BIG for n in range(16)}
    store.setitems(values)
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            for key, value in zip(values, pool.map(store.__getitem__, values), strict=True):
                assert value == values[key]
                store[key] = values[key]


# -- after a fork ----------------------------------------------------------------------


def use_in_child(store: LMDBStore, path: Path, outcome: Any) -> None:
    try:
        seen = bytes(store["a"])[:3]
        store["child"] = b"written"
        with LMDBStore(path) as again:
            assert again["child"] == b"written"
        outcome.send(seen)
        store.close()
    except (AssertionError, StoreError) as error:
        outcome.send(error)


def run_in_child(*arguments: Any) -> Any:
    receiver, sender = multiprocessing.Pipe(duplex=False)
    child = FORK.Process(target=use_in_child, args=(*arguments, sender))
    child.start()
    answer = receiver.recv() if receiver.poll(60) else None
    child.join(60)
    assert child.exitcode == 0
    return answer


def test_after_a_fork(store: LMDBStore, path: Path) -> None:
    store["a"] = b"one" * BIG
    assert run_in_child(store, path) == b"one"
    assert store["child"] == b"written"
    store["a"] = b"two" * BIG
    assert run_in_child(store, path) == b"two"


def test_forks_while_threads_read(store: LMDBStore, path: Path) -> None:
    store["a"] = b"one" * 1000
    stop: list[None] = []

    def read() -> int:
        number = 0
        while not stop:
            assert store["a"] == b"one" * 1000
            number += 1
        return number

    with ThreadPoolExecutor(2) as pool:
        reads = [pool.submit(read) for _ in range(2)]
        try:
            for _ in range(3):
                assert run_in_child(store, path) == b"one"
        finally:
            stop.append(None)
        assert all(done.result(60) for done in reads)


def test_fork_with_values_on_loan(store: LMDBStore, path: Path) -> None:
    store["a"] = b"one" * BIG
    held = store["a"]
    answer = run_in_child(store, path)
    assert isinstance(answer, StoreError)
    assert "buffers=False" in str(answer)
    store["a"] = b"two" * BIG
    store["b"] = b"two" * BIG
    assert held == b"one" * BIG
    del held
    assert run_in_child(store, path) == b"two"


# -- full ------------------------------------------------------------------------------


def test_full_map(path: Path) -> None:
    with LMDBStore(path, map_size=1 << 20) as store:
        written = {}
        with pytest.raises(StoreError, match="map_size=1048576"):
            for n in range(100):
                store[str(n)] = bytes(50_000)
                written[str(n)] = bytes(50_000)
        assert len(written) > 10
        assert dict(store) == written
        del store["0"]
        store["small"] = b"fits"


def test_full_disk(small_disk: Path) -> None:
    path = small_disk / "data.mdb"
    written = {}
    with LMDBStore(path) as store:
        with pytest.raises(StoreError, match=r"data\.mdb"):
            for n in range(100):
                items = {f"{n}/{m}": np.random.default_rng(n).bytes(50_000) for m in range(2)}
                store.setitems(items)
                written.update(items)
        assert len(written) >= 10
        assert dict(store) == written
        (small_disk / "rest").write_bytes(b"")
        with (small_disk / "rest").open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(bytes(4096)):
                pass
        with pytest.raises(StoreError, match="lock file"):
            LMDBStore(small_disk / "other.mdb")
        assert dict(store) == written


def test_array_on_a_full_disk(small_disk: Path) -> None:
    with LMDBStore(small_disk / "data.mdb") as store:
        z = zarr.create(shape=10_000_000, chunks=100_000, dtype="u1", store=store, compressor=None)
        with pytest.raises(StoreError):
            z[:] = 1
        seen = np.asarray(z[:])
        # Each chunk is there whole, or not at all.
        assert set(seen.reshape(-1, 100_000).sum(axis=1).tolist()) <= {0, 100_000}


# -- counted operations ----------------------------------------------------------------


def test_thousand_chunks_in_one_transaction(store: LMDBStore, counted_calls) -> None:  # type: ignore[no-untyped-def]
    chunks = {f"a/{n // 32}.{n % 32}": bytes([n % 251]) * 100 for n in range(1000)}
    with counted_calls() as calls:
        store.setitems(chunks)
    assert (calls["begin"], calls["putmulti"]) == (1, 1)
    for size in (100, 50_000):
        chunks = {key: bytes(size) for key in chunks}
        store.setitems(chunks)
        with counted_calls() as calls:
            found = store.getitems(list(chunks))
        assert found == chunks
        assert (calls["begin"], calls["getmulti"], calls["get"]) == (1, 1, 0)
    del found


def test_array_of_thousand_chunks(store: LMDBStore, counted_calls) -> None:  # type: ignore[no-untyped-def]
    z = zarr.create(shape=100_000, chunks=100, dtype="i4", store=store, compressor=None)
    with counted_calls() as calls:
        z[:] = np.arange(100_000)
    assert (calls["begin"], calls["putmulti"]) == (1, 1)
    with counted_calls() as calls:
        assert np.array_equal(z[:], np.arange(100_000))
    assert (calls["begin"], calls["getmulti"]) == (1, 1)


def test_listing_does_not_walk_chunks(tmp_path: Path, counted_calls) -> None:  # type: ignore[no-untyped-def]
    costs = []
    for chunks in (1, 40):
        with LMDBStore(tmp_path / f"{chunks}.mdb") as store:
            names = (".zarray", *range(chunks))
            store.setitems({f"g/{n:04}/{name}": b"" for n in range(1000) for name in names})
            for use in (lambda: store.listdir("g"), lambda: store.getsize("g")):
                with counted_calls() as calls:
                    use()
                assert calls["begin"] == 1
                assert calls["set_range"] == 1001
                costs.append(sum(calls.values()))
            assert len(store.listdir("g")) == 1000
    assert costs[:2] == costs[2:]
