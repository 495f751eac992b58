"""Stores in OCDBT databases: the conformance suite, versions, transactions, tensorstore itself."""

from __future__ import annotations

import multiprocessing
import os
import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr
from tests.tools.test_transaction import check_all_or_nothing, content, pair
from zarr.errors import ReadOnlyError, StoreError, TransactionConflictError
from zarr.storage.base import BaseStore
from zarr.testing import StoreTests

OCDBTStore = zarr.storage.OCDBTStore


@pytest.fixture
def store(tmp_path: Path) -> Any:
    return OCDBTStore(tmp_path / "data")


class TestOCDBTStore(StoreTests):
    runs = 8

    @pytest.fixture
    def store(self, tmp_path: Path) -> BaseStore:
        return OCDBTStore(tmp_path / "data")


# -- where the database is -----------------------------------------------------------------


def test_places(tmp_path: Path) -> None:
    plain = OCDBTStore(tmp_path / "data")
    plain["a"] = b"1"
    url = f"file://{tmp_path}/data"
    spec = {"driver": "file", "path": f"{tmp_path}/data/"}
    for other in (OCDBTStore(url), OCDBTStore(f"{url}/|ocdbt:"), OCDBTStore(spec)):
        assert other["a"] == b"1"
        assert other.address("x") == plain.address("x")
        assert pickle.loads(pickle.dumps(other))["a"] == b"1"
    assert OCDBTStore(tmp_path / "other").address() != plain.address()
    assert OCDBTStore("memory://").address() != OCDBTStore("memory://").address()


def killed_while_committing(folder: Path) -> None:
    """Leave what a process does that is killed while it writes a longer manifest."""
    (folder / "data" / "manifest.ocdbt.__lock").write_bytes(b"x" * 5000)


@pytest.mark.parametrize(
    "use",
    [
        lambda store: store["a"],
        list,
        lambda store: store.versions(),
        lambda store: store.setitems({"c": b"3"}),
        zarr.recover,
        lambda store: zarr.transaction(store).__enter__().store["a"],
    ],
    ids=["read", "list", "versions", "write", "recover", "transaction"],
)
def test_a_killed_writer_does_not_damage_the_next_manifest(tmp_path: Path, use: Any) -> None:
    OCDBTStore(tmp_path / "data")["a"] = b"1"
    killed_while_committing(tmp_path)
    OCDBTStore(tmp_path / "data")["b"] = b"2"
    assert (tmp_path / "data" / "manifest.ocdbt").stat().st_size == 5000

    use(OCDBTStore(tmp_path / "data"))

    reader = OCDBTStore(tmp_path / "data", read_only=True)
    assert {key: reader[key] for key in "ab"} == {"a": b"1", "b": b"2"}
    assert zarr.recover(OCDBTStore(tmp_path / "data")) == "clean"


def test_who_may_not_write_is_told_how_to_mend_a_manifest(tmp_path: Path) -> None:
    OCDBTStore(tmp_path / "data")["a"] = b"1"
    killed_while_committing(tmp_path)
    OCDBTStore(tmp_path / "data")["b"] = b"2"

    with pytest.raises(StoreError, match=r"zarr\.recover"):
        OCDBTStore(tmp_path / "data", read_only=True)["a"]
    assert zarr.recover(OCDBTStore(tmp_path / "data")) == "rolled forward"
    assert OCDBTStore(tmp_path / "data", read_only=True)["b"] == b"2"


@pytest.mark.parametrize("damage", [lambda data: data[:-3], lambda data: b"\0" + data + b"\0"])
def test_another_damage_of_the_manifest_is_left_alone(tmp_path: Path, damage: Any) -> None:
    OCDBTStore(tmp_path / "data")["a"] = b"1"
    manifest = tmp_path / "data" / "manifest.ocdbt"
    manifest.write_bytes(damage(manifest.read_bytes()))
    before = manifest.read_bytes()

    with pytest.raises(StoreError, match="could not read 'a'"):
        OCDBTStore(tmp_path / "data")["a"]
    assert manifest.read_bytes() == before


def test_errors_name_the_store(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match=r"could not write 'a' in <OCDBTStore: .*file"):
        OCDBTStore(tmp_path / "file")["a"] = b""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "manifest.ocdbt").write_bytes(b"garbage")
    with pytest.raises(StoreError, match="could not read 'a'"):
        OCDBTStore(tmp_path / "data")["a"]
    with pytest.raises(StoreError, match="versions"):
        OCDBTStore(tmp_path / "data").versions()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")
def test_a_forked_child_is_refused(store: Any) -> None:
    store["a"] = b"1"
    child = os.fork()
    if not child:
        try:
            store["a"]
        except StoreError as error:
            os._exit(0 if "spawn" in str(error) else 2)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


# -- versions ------------------------------------------------------------------------------


def test_versions(store: Any) -> None:
    assert store.versions() == []
    for n in range(40):  # more than the manifest itself lists
        store.setitems({"n": str(n).encode(), f"k/{n}": b""})
    versions = store.versions()
    numbers = [version.number for version in versions]
    assert numbers == sorted(set(numbers))
    times = [version.time for version in versions]
    assert times == sorted(times)
    found = [OCDBTStore(store.url, version)["n"] for version in numbers[-40:]]
    assert found == [str(n).encode() for n in range(40)]

    at = OCDBTStore(store.url, times[-5])
    assert at["n"] == b"35"
    assert OCDBTStore(store.url, times[-5].isoformat().replace("+00:00", "Z"))["n"] == b"35"
    assert OCDBTStore(store.url, datetime.now(UTC) + timedelta(days=1))["n"] == b"39"
    assert len(at.listdir("k")) == 36
    assert pickle.loads(pickle.dumps(at))["n"] == b"35"
    assert at.address() != store.address()
    assert "version" in repr(at)


def test_a_version_is_read_only(store: Any) -> None:
    store["a"] = b"1"
    old = OCDBTStore(store.url, store.versions()[-1].number)
    changes = (
        lambda: old.setitems({"a": b"2"}),
        lambda: old.delitems(["a"]),
        lambda: old.rmdir(""),
        lambda: zarr.transaction(old).__enter__(),
    )
    for change in changes:
        with pytest.raises(ReadOnlyError):
            change()
    with pytest.raises(ReadOnlyError):
        OCDBTStore(store.url, read_only=True)["a"] = b""
    with zarr.transaction(old, read_only=True) as txn:
        assert txn.store["a"] == b"1"


@pytest.mark.parametrize("version", [99, "2001-01-01T00:00:00Z", "nonsense"])
def test_a_version_that_does_not_exist(store: Any, version: Any) -> None:
    store["a"] = b"1"
    with pytest.raises(StoreError, match="version"):
        OCDBTStore(store.url, version)


def test_a_call_makes_one_version(store: Any) -> None:
    root = zarr.open_group(store, mode="w")
    z = root.zeros("z", shape=100, chunks=5, dtype="i4")
    before = len(store.versions())
    z[:] = 1
    assert len(store.versions()) == before + 1
    store.rmdir("z")
    assert len(store.versions()) == before + 2


# -- tensorstore ---------------------------------------------------------------------------


@pytest.mark.parametrize("format", [2, 3])
def test_tensorstore_reads_and_writes_it(store: Any, format: int) -> None:
    import tensorstore

    root = zarr.open_group(store, mode="w", zarr_format=format)
    data = np.arange(42, dtype="i4").reshape(6, 7)
    root.create_dataset("a/z", data=data, chunks=(4, 4))
    driver = {2: "zarr", 3: "zarr3"}[format]
    with zarr.transaction(store) as txn:
        txn.group["a/z"][0] = -1
    z = tensorstore.open({"driver": driver, "kvstore": f"file://{store.url}/|ocdbt:a/z/"}).result()
    expected = np.concatenate([np.full((1, 7), -1), data[1:]])
    assert (z.read().result() == expected).all()
    z[5].write(77).result()
    assert set(root["a/z"][5].tolist()) == {77}


# -- transactions --------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["2", "3", "shards"])
def test_all_or_nothing_in_one_version(store: Any, format: str) -> None:
    root = pair(store, format)
    versions = len(store.versions())

    check_all_or_nothing(root, format)

    assert len(store.versions()) == versions + 1


def test_a_new_database(store: Any) -> None:
    with zarr.transaction(store) as txn:
        txn.group.create_dataset("z", data=[1, 2])
    assert content(store) == {"/": {}, "z": [1, 2]}
    with zarr.transaction(store):
        pass


@pytest.mark.parametrize(
    ("read", "change"),
    [
        (lambda store: store["a"], lambda store: store.__setitem__("a", b"2")),
        (lambda store: store["a"], lambda store: store.delitems(["a"])),
        (lambda store: store.getitems(["new"]), lambda store: store.__setitem__("new", b"")),
        (lambda store: "new" in store, lambda store: store.__setitem__("new", b"")),
        (
            lambda store: store.get_partial_values([("a", (0, 1))]),
            lambda store: store.__setitem__("a", b"2"),
        ),
        (lambda store: store.listdir("f"), lambda store: store.__setitem__("f/y", b"")),
    ],
    ids=["changed", "deleted", "appeared", "looked for", "part", "listed"],
)
def test_a_conflict_changes_nothing(store: Any, read: Any, change: Any) -> None:
    store.setitems({"a": b"1", "f/x": b""})
    with (
        pytest.raises(TransactionConflictError, match="Begin another"),
        zarr.transaction(store) as txn,
    ):
        read(txn.store)
        txn.store["b"] = b""
        change(store)
    assert "b" not in store


def test_what_was_not_read_is_no_conflict(store: Any) -> None:
    store.setitems({"a": b"1", "b": b"1"})
    with zarr.transaction(store) as txn:
        assert txn.store["a"] == b"1"
        txn.store["c"] = b"1"
        store["b"] = b"2"
    assert store.getitems(["b", "c"]) == {"b": b"2", "c": b"1"}


def test_reading_belongs_together(store: Any) -> None:
    root = pair(store)
    with zarr.transaction(root, read_only=True) as txn:
        assert txn.group["a"].shape == (10,)
        zarr.append(root, {"a": [1], "b": [1]})
        assert txn.group["b"].shape == (10,)
        with pytest.raises(ReadOnlyError):
            txn.store["x"] = b""
    assert root["b"].shape == (11,)


def append_many(url: str, times: int) -> None:
    store = OCDBTStore(url)
    done = 0
    while done < times:
        try:
            with zarr.transaction(store) as txn:
                for name in ("a", "b"):
                    z = txn.group[name]
                    z.append([z.shape[0]])
                txn.group.attrs["count"] = txn.group.attrs.get("count", 0) + 1
        except TransactionConflictError:
            continue
        done += 1


def test_processes_lose_nothing(store: Any) -> None:
    pair(store)
    context = multiprocessing.get_context("spawn")
    children = [context.Process(target=append_many, args=(store.url, 10)) for _ in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    expected = list(range(40))
    assert content(store) == {"/": {"count": 30}, "a": expected, "b": expected}
