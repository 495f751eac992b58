"""What errors say where nothing, or something else, is found."""

from __future__ import annotations

import dbm
import pickle
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr
from zarr.errors import FSPathExistNotDir, MetadataError, NodeError, StoreError
from zarr.storage import FSStore, MemoryStore

OPENERS: dict[str, Callable[..., Any]] = {
    "open": lambda store: zarr.open(store, mode="r"),
    "open_group": lambda store: zarr.open_group(store, mode="r"),
    "open_array": lambda store: zarr.open_array(store, mode="r"),
    "load": zarr.load,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    zarr.save(str(tmp_path / "f" / "data.zarr"), a=np.arange(3), b=np.arange(2))
    return tmp_path / "f"


@pytest.mark.parametrize("opener", OPENERS)
def test_where_to_look_instead(folder: Path, tmp_path: Path, opener: str) -> None:
    zipped = shutil.make_archive(str(tmp_path / "x"), "zip", folder)
    in_memory = MemoryStore()
    zarr.group(in_memory, path="data.zarr", zarr_version=3)
    del in_memory["zarr.json"]
    for store in (str(folder), FSStore(f"file://{folder}"), zipped, in_memory):
        with pytest.raises(
            NodeError, match=r"at path '' in <.*a group at path 'data.zarr'"
        ) as caught:
            OPENERS[opener](store)
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    zarr.save(zarr.N5Store(tmp_path / "n5"), np.arange(3))
    with pytest.raises(NodeError, match=r"'.*/n5'.*zarr\.N5Store"):
        OPENERS[opener](str(tmp_path / "n5"))
    with pytest.raises(NodeError, match=r"'.*/nowhere'.*does not exist"):
        OPENERS[opener](str(tmp_path / "nowhere"))


def test_the_other_kind_of_node(folder: Path) -> None:
    with pytest.raises(NodeError, match=r"path 'data.zarr' contains a group in <.*open_group"):
        zarr.open_array(str(folder), path="data.zarr", mode="r")


def test_files_by_how_they_begin(folder: Path, tmp_path: Path) -> None:
    zipped = shutil.make_archive(str(tmp_path / "x"), "zip", folder)
    shutil.move(zipped, tmp_path / "x.vcz")
    with pytest.raises(FSPathExistNotDir, match=r"zarr\.ZipStore"):
        zarr.open(str(tmp_path / "x.vcz"), mode="r")
    zarr.SQLiteStore(tmp_path / "x.db").close()
    with pytest.raises(FSPathExistNotDir, match=r"zarr\.SQLiteStore"):
        zarr.open(str(tmp_path / "x.db"), mode="r")
    (tmp_path / "x.txt").write_text("text")
    with pytest.raises(FSPathExistNotDir, match=r"x\.txt'$"):
        zarr.open(str(tmp_path / "x.txt"), mode="r")


@pytest.mark.parametrize("name", [".zgroup", "a/.zarray", "zarr.json", "b/.zattrs"])
def test_pointers_of_git_lfs(name: str) -> None:
    store: dict[str, bytes] = {}
    zarr.save(store, a=np.arange(3), b=np.arange(3))
    store[name] = b"version https://git-lfs.github.com/spec/v1\noid sha256:4665\nsize 128\n"
    if name == "zarr.json":
        del store[".zgroup"]
    with pytest.raises(MetadataError, match=rf"'{name}'.*git lfs pull"):
        [dict(node.attrs) for node in zarr.open_group(store, mode="r").values()]


def test_public_names_of_stores(tmp_path: Path) -> None:
    store = zarr.DirectoryStore(tmp_path)
    assert (store.dir_path(), store.dir_path("/a/b")) == (str(tmp_path), str(tmp_path / "a/b"))
    assert FSStore(f"file://{tmp_path}").dir_path("a") == str(tmp_path / "a")
    with zarr.ZipStore(tmp_path / "a.zip") as archive:
        archive.setitems({"b": b"", "a": b""})
        assert archive.keylist() == ["a", "b"]
        with archive.zf as zf:
            assert sorted(zf.namelist()) == ["a", "b"]
        archive["c"] = b"1"  # which it can be written after
        with archive.zf as zf:
            assert zf.read("c") == b"1"
    with pytest.raises(StoreError, match="closed"):
        _ = archive.zf


def test_public_names_of_n5_stores(tmp_path: Path) -> None:
    folder = str(tmp_path / "data.n5")
    for store in (zarr.N5Store(folder), zarr.N5FSStore(folder, normalize_keys=True, mode="r")):
        assert (store.dir_path(), store.dir_path("/a")) == (folder, f"{folder}/a")
    assert store.map.root == folder
    assert (store.mode, store.key_separator, store.normalize_keys) == ("r", ".", True)
    assert KeyError in store.exceptions


@pytest.mark.parametrize("path", ["data.sqldb", ":memory:"])
def test_public_names_of_sqlite_stores(path: str, in_tmp_path: Path) -> None:
    with zarr.SQLiteStore(path) as store:
        store["a/b"] = b"1"
        assert store.db.execute("SELECT k, v FROM zarr").fetchall() == [("a/b", b"1")]
        assert store.cursor.execute("SELECT count(*) FROM zarr").fetchone() == (1,)
        store.db.execute("DELETE FROM zarr")
        assert list(store) == []
        db = store.db
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        db.execute("SELECT 1")
    with pytest.raises(StoreError, match="closed"):
        _ = store.db


def test_public_names_of_databases(tmp_path: Path) -> None:
    lmdb = pytest.importorskip("lmdb")
    with zarr.LMDBStore(tmp_path / "data.lmdb") as store:
        store["a"] = b"1"
        assert isinstance(store.db, lmdb.Environment)
        assert store.db.stat()["entries"] == 1
    with zarr.DBMStore(tmp_path / "data.dbm") as store:
        assert store.open is dbm.open


def test_key_of_the_account_of_a_blob_container() -> None:
    blob = pytest.importorskip("azure.storage.blob")
    url, credential = "https://a.example/", {"account_name": "a", "account_key": "a2V5"}
    signing = blob.ContainerClient(url, "container", credential=credential)
    assert zarr.ABSStore(client=signing).account_key == "a2V5"
    assert zarr.ABSStore(client=blob.ContainerClient(url, "container")).account_key is None


def test_prefix_of_a_blob_container_may_be_none() -> None:
    blob = pytest.importorskip("azure.storage.blob")
    client = blob.ContainerClient("https://account.blob.core.windows.net", "container")
    store = zarr.ABSStore(prefix=None, client=client)
    assert store == zarr.ABSStore(client=client)
    assert (store.container, store.account_name) == ("container", "account")
