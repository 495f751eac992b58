"""One place has one address, however it is spelled; two places have two."""

from __future__ import annotations

import itertools
import os
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import zarr


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty working directory, to which a link leads."""
    folder = tmp_path / "folder with spaces"
    folder.mkdir()
    (tmp_path / "link").symlink_to(folder)
    monkeypatch.chdir(folder)
    return folder


def assert_one_place(stores: list[Any]) -> None:
    stores[0]["a/x"] = b"seen by all"
    for one, other in itertools.pairwise(stores):
        assert one.address("a") == other.address("a")
        assert hash(one.address("a")) == hash(other.address("a"))
        assert one == other
        assert one.address("a") != other.address("b")
    for store in stores:
        assert store["a/x"] == b"seen by all"
        store.close()


def assert_places_of_their_own(stores: list[Any]) -> None:
    addresses = [store.address("a") for store in stores]
    assert len(set(addresses)) == len(stores)
    for store in stores:
        store.close()


def spellings(folder: Path, name: str) -> list[str]:
    (folder / "alias").unlink(missing_ok=True)
    (folder / "alias").symlink_to(folder / name)
    return [
        name,
        f"./{name}",
        f"../{folder.name}/{name}",
        str(folder / name),
        str(folder.parent / "link" / name),
        str(folder / "alias"),
    ]


def test_sqlite(folder: Path) -> None:
    zarr.SQLiteStore("data.db").close()
    paths = spellings(folder, "data.db")
    uris = [f"file:{path.replace(' ', '%20')}" for path in paths]
    uris += [f"file://{folder}/data.db", "file:data.db?mode=rw", "file:data.db?cache=private"]
    assert_one_place(
        [zarr.SQLiteStore(path) for path in paths]
        + [zarr.SQLiteStore(uri, uri=True) for uri in uris]
    )
    assert_places_of_their_own([zarr.SQLiteStore("data.db"), zarr.SQLiteStore("other.db")])


def test_sqlite_path_of_a_uri_is_fixed_when_it_is_opened(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = zarr.SQLiteStore("file:data.db", uri=True)
    store["a"] = b"1"
    store._idle.clear()  # so that it connects again
    monkeypatch.chdir(folder.parent)
    assert store["a"] == b"1"
    store.close()


@pytest.mark.parametrize(
    "uris",
    [
        ["file:m?mode=memory&cache=shared", "file:m?cache=shared&mode=memory"],
        ["file::memory:?cache=shared", "file::memory:?cache=shared"],
        ["file:/m?vfs=memdb", "file:/m?vfs=memdb"],
    ],
)
def test_sqlite_in_shared_memory(uris: list[str]) -> None:
    assert_one_place([zarr.SQLiteStore(uri, uri=True) for uri in uris])


def test_sqlite_in_memory_of_its_own() -> None:
    private = ["file:m?mode=memory", "file:m?vfs=memdb", "file::memory:"]
    assert_places_of_their_own(
        [zarr.SQLiteStore(path) for path in [":memory:", ":memory:", "", ""]]
        + [zarr.SQLiteStore(uri, uri=True) for uri in private * 2]
        + [zarr.SQLiteStore(f"file:{n}?mode=memory&cache=shared", uri=True) for n in "ab"]
    )


def test_lmdb(folder: Path) -> None:
    zarr.LMDBStore("data.mdb").close()
    assert_one_place([zarr.LMDBStore(path) for path in spellings(folder, "data.mdb")])
    assert_places_of_their_own([zarr.LMDBStore("data.mdb"), zarr.LMDBStore("other.mdb")])


def test_lmdb_in_a_folder(folder: Path) -> None:
    zarr.LMDBStore("data", subdir=True).close()
    paths = spellings(folder, "data")
    files = [os.path.join(path, "data.mdb") for path in paths]
    assert_one_place(
        [zarr.LMDBStore(path, subdir=True) for path in paths]
        + [zarr.LMDBStore(path) for path in files]
    )


def test_dbm(folder: Path) -> None:
    import berkeleydb

    openers = {"data.db": berkeleydb.btopen, "data": import_module("dbm.dumb").open}
    for name, opener in openers.items():
        zarr.DBMStore(name, open=opener).close()
        paths = spellings(folder, name)[:-1]
        assert_one_place([zarr.DBMStore(path, open=opener) for path in paths])
        stores = [zarr.DBMStore(path, open=opener) for path in (name, f"{name}2")]
        assert_places_of_their_own(stores)


def test_address_stays_when_the_working_directory_changes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in (zarr.SQLiteStore, zarr.LMDBStore, zarr.DBMStore):
        with kind(f"data.{kind.__name__}") as store:
            before = store.address("a")
            monkeypatch.chdir(folder.parent)
            assert store.address("a") == before
        monkeypatch.chdir(folder)
