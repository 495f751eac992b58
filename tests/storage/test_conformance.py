"""The public conformance suite on every store that needs no server."""

from __future__ import annotations

import contextlib
import dbm.dumb
import pickle
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA

import pytest

from zarr._system import why_no_name
from zarr.storage.base import BaseStore, KVStore
from zarr.storage.dbm import DBMStore
from zarr.storage.directory import DirectoryStore, NestedDirectoryStore
from zarr.storage.lmdb import LMDBStore
from zarr.storage.memory import MemoryStore
from zarr.storage.sqlite import SQLiteStore
from zarr.storage.temporary import TempStore
from zarr.storage.zip import ZipStore
from zarr.testing import StoreTests
from zarr.testing.stores import FOLDERS, ODD_KEYS


class FileTests(StoreTests):
    """The suite with the names that files can have on this system."""

    keeps_empty_folders = True
    folders = tuple(name for name in FOLDERS if not why_no_name(name))
    odd_keys = tuple(key for key in ODD_KEYS if not any(map(why_no_name, key.split("/"))))


class TestMemoryStore(StoreTests):
    pickle_shares = False

    @pytest.fixture
    def store(self) -> BaseStore:
        return MemoryStore()


class TestKVStore(StoreTests):
    pickle_shares = False
    checks_keys = False
    checks_values = False

    @pytest.fixture
    def store(self) -> BaseStore:
        return KVStore({})


class TestDirectoryStore(FileTests):
    @pytest.fixture
    def store(self, tmp_path: Path) -> BaseStore:
        return DirectoryStore(tmp_path / "data")


class TestDirectoryStoreWithFsync(FileTests):
    many = 50
    runs = 3

    @pytest.fixture
    def store(self, tmp_path: Path) -> BaseStore:
        return DirectoryStore(tmp_path / "data", fsync=True)


class TestNestedDirectoryStore(FileTests):
    @pytest.fixture
    def store(self, tmp_path: Path) -> BaseStore:
        return NestedDirectoryStore(tmp_path / "data")


@pytest.mark.filterwarnings("ignore:Duplicate name")
class TestZipStore(StoreTests):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[BaseStore]:
        with ZipStore(tmp_path / "data.zip") as store:
            yield store


@pytest.mark.parametrize("compression", [ZIP_DEFLATED, ZIP_BZIP2, ZIP_LZMA])
@pytest.mark.filterwarnings("ignore:Duplicate name")
class TestCompressedZipStore(StoreTests):
    big = 200_000
    runs = 5

    @pytest.fixture
    def store(self, tmp_path: Path, compression: int) -> Iterator[BaseStore]:
        with ZipStore(tmp_path / "data.zip", compression=compression, mode="w") as store:
            yield store


class TestSQLiteStore(StoreTests):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[BaseStore]:
        with SQLiteStore(tmp_path / "data.sqldb") as store:
            yield store


class TestSQLiteStoreInMemory(StoreTests):
    pickles = False

    @pytest.fixture
    def store(self) -> Iterator[BaseStore]:
        with SQLiteStore(":memory:") as store:
            yield store


@pytest.mark.parametrize("buffers", [True, False])
class TestLMDBStore(StoreTests):
    @pytest.fixture
    def store(self, tmp_path: Path, buffers: bool) -> Iterator[BaseStore]:
        with LMDBStore(tmp_path / "data.mdb", buffers=buffers) as store:
            yield store


def openers() -> list[Any]:
    """Return what can open a DBM database here; which libraries Python has differs.

    Without dbm.ndbm, which cannot hold the empty values of the suite.
    """
    found = [pytest.param(dbm.dumb.open, id="dumb")]
    for name in ("gnu", "sqlite3"):
        with contextlib.suppress(ImportError):
            found.append(pytest.param(import_module(f"dbm.{name}").open, id=name))
    with contextlib.suppress(ImportError):
        berkeleydb = import_module("berkeleydb")
        found.append(pytest.param(berkeleydb.btopen, id="btree"))
        found.append(pytest.param(berkeleydb.hashopen, id="hash"))
    return found


@pytest.mark.parametrize("opener", openers())
class TestDBMStore(StoreTests):
    runs = 10
    big = 500_000

    @pytest.fixture
    def store(self, tmp_path: Path, opener: Any) -> Iterator[BaseStore]:
        with DBMStore(tmp_path / "data.db", open=opener) as store:
            yield store


class TestTempStore(FileTests):
    def test_pickle(self, store: BaseStore) -> None:
        store["a/x"] = b"x"
        copy = pickle.loads(pickle.dumps(store))
        # A reference, which must not delete the directory when its process ends.
        assert type(copy) is DirectoryStore
        assert copy.location == store.location
        assert copy["a/x"] == b"x"

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[BaseStore]:
        store = TempStore(dir=str(tmp_path))
        yield store
        store.rmdir()
