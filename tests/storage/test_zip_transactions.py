"""Transactions on ZIP archives: the directory is written once, at the end."""

from __future__ import annotations

import os
import pickle
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr
from tests.tools.test_transaction import change_much, content, pair
from zarr.errors import StoreError, TransactionError

pytestmark = pytest.mark.filterwarnings("ignore:Duplicate name")

DIRECTORY_END = b"PK\5\6"


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Return the path of an archive with two arrays."""
    path = str(tmp_path / "data.zip")
    with zarr.ZipStore(path, mode="w") as store:
        pair(store)
    return path


def bytes_of(path: str) -> bytes:
    return Path(path).read_bytes()


def read(path: str) -> Any:
    """Return the content as another process sees it."""
    with warnings.catch_warnings(action="ignore"), zarr.ZipStore(path, mode="r") as store:
        return content(store)


@pytest.mark.parametrize("fsync", [True, False])
def test_the_directory_is_written_once(path: str, *, fsync: bool) -> None:
    before = bytes_of(path)
    with zarr.ZipStore(path, mode="a") as store:
        with zarr.transaction(store, fsync=fsync) as txn:
            change_much(txn.group)
            expected = content(txn.store)
        # Others can open it at once.
        assert read(path) == content(store) == expected
    after = bytes_of(path)
    assert after.startswith(before)
    assert after[len(before) :].count(DIRECTORY_END) == 1
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None


@pytest.mark.parametrize("how", ["exception", "rollback"])
def test_an_archive_is_as_before(path: str, how: str) -> None:
    before = bytes_of(path)
    with zarr.ZipStore(path, mode="a") as store:
        with pytest.raises(ZeroDivisionError), zarr.transaction(store) as txn:
            change_much(txn.group)
            if how == "rollback":
                txn.rollback()
            1 / 0  # noqa: B018
        assert bytes_of(path) == before
        assert content(store)["a"] == list(range(10))
    assert bytes_of(path) == before


def test_nothing_is_written_for_nothing(path: str) -> None:
    before = bytes_of(path)
    with zarr.ZipStore(path, mode="a") as store, zarr.transaction(store) as txn:
        content(txn.store)
    assert bytes_of(path) == before


def test_a_new_archive(tmp_path: Path) -> None:
    path = str(tmp_path / "new.zip")
    with pytest.raises(ZeroDivisionError), zarr.transaction(path) as txn:
        txn.group.create_dataset("z", data=[1])
        1 / 0  # noqa: B018
    with zarr.ZipStore(path, mode="r") as store:
        assert list(store) == []
    with zarr.transaction(path) as txn:
        txn.group.create_dataset("z", data=[1])
    assert read(path) == {"/": {}, "z": [1]}


def test_what_was_not_flushed_before_is_kept(path: str) -> None:
    with zarr.ZipStore(path, mode="a") as store:
        store["x"] = b"1"
        with pytest.raises(ZeroDivisionError), zarr.transaction(store) as txn:
            txn.store["x"] = b"2"
            1 / 0  # noqa: B018
        assert store["x"] == b"1"
    with zarr.ZipStore(path, mode="r") as store:
        assert store["x"] == b"1"


def test_others_see_the_old_state_meanwhile(path: str) -> None:
    expected = read(path)
    with zarr.ZipStore(path, mode="a") as store, zarr.transaction(store) as txn:
        change_much(txn.group)
        assert read(path) == content(store) == expected
        with pytest.warns(RuntimeWarning, match="does not end with its directory"):
            other = zarr.ZipStore(path, mode="a")
        with other:
            with pytest.raises(StoreError, match="another process or another"):
                other["x"] = b""
            with pytest.raises(TransactionError, match="cannot begin"):
                zarr.transaction(other).__enter__()


def test_the_store_itself_cannot_be_changed_meanwhile(path: str) -> None:
    with zarr.ZipStore(path, mode="a") as store:
        with zarr.transaction(store) as txn:
            inside = txn.store
            for change in (
                lambda: store.__setitem__("x", b""),
                lambda: store.delitems(["a/0"]),
                lambda: store.rmdir("a"),
                lambda: store.rename("a", "c"),
                store.compact,
                store.repair,
                store.close,
                lambda: zarr.transaction(store).__enter__(),
                inside.compact,
                inside.repair,
                lambda: zarr.transaction(inside).__enter__(),
            ):
                with pytest.raises(TransactionError, match="in a transaction"):
                    change()
            store.flush()
            with pytest.raises(pickle.PicklingError):
                pickle.dumps(inside)
            txn.store["x"] = b"1"
        store["y"] = b"2"
        assert store.getitems(["x", "y"]) == {"x": b"1", "y": b"2"}
        with pytest.raises(TransactionError, match="is over"):
            inside["x"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")
def test_a_killed_transaction_leaves_the_old_state(path: str) -> None:
    expected = read(path)
    child = os.fork()
    if not child:
        store = zarr.ZipStore(path, mode="a")
        txn = zarr.transaction(store).__enter__()
        change_much(txn.group)
        os.kill(os.getpid(), 9)
    os.waitpid(child, 0)

    assert read(path) == expected
    with pytest.warns(RuntimeWarning, match="does not end with its directory"):
        assert zarr.recover(path) == "rolled back"
    assert zarr.recover(path) == "clean"
    assert read(path) == expected


def test_a_full_disk_leaves_the_old_state(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = bytes_of(path)
    store = zarr.ZipStore(path, mode="a")
    with pytest.raises(StoreError, match="No space left"), zarr.transaction(store) as txn:
        txn.group["a"][:] = 5

        def full(*args: Any) -> int:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("zarr.storage.zip_archive.write_at", full)
    monkeypatch.undo()
    assert bytes_of(path) == before
    with zarr.transaction(store) as txn:
        txn.group["a"][:] = 6
    assert set(content(store)["a"]) == {6}
    store.close()


def test_reading_belongs_together(path: str) -> None:
    with zarr.ZipStore(path, mode="a") as store:
        root = zarr.open_group(store)
        with zarr.transaction(store, read_only=True) as txn:
            assert txn.group["a"].shape == (10,)
            zarr.append(root, {"a": np.arange(3), "b": np.arange(3)})
            store.compact()
            assert txn.group["b"].shape == (10,)
        assert root["b"].shape == (13,)


def test_leaving_a_transaction_that_reads_changes_nothing(path: str) -> None:
    with zarr.ZipStore(path, mode="a") as store:
        root = zarr.open_group(store)
        root["a"][:] = 2  # not in the directory of the file yet
        with zarr.transaction(store, read_only=True) as txn:
            root["a"][:] = 3
            root["c"] = np.arange(4)
            assert set(txn.group["a"][...]) == {2}
        assert set(root["a"][...]) == {3}
    assert set(read(path)["a"]) == {3}
    assert read(path)["c"] == [0, 1, 2, 3]


def test_stores_that_are_gone_do_not_make_others_look_changed(path: str) -> None:
    with zarr.ZipStore(path, mode="a") as store:
        root = zarr.open_group(store)
        for n in range(200):  # objects get the identity of others that are gone
            with pytest.raises(KeyError, match="stop"), zarr.transaction(store) as txn:
                txn.group["a"][:] = -1
                raise KeyError("stop")
            with zarr.transaction(store, read_only=True):
                root["a"][:] = n
            assert set(root["a"][...]) == {n}
