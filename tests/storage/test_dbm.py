"""DBM-style databases: what they promise beyond the conformance suite."""

from __future__ import annotations

import contextlib
import multiprocessing
import pickle
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr
from zarr.errors import ReadOnlyError, StoreError
from zarr.storage import DBMStore

berkeleydb = pytest.importorskip("berkeleydb")

FORK = multiprocessing.get_context("fork")


def library(name: str) -> list[Any]:
    """Return the library as a parameter, or nothing if this Python was built without it."""
    with contextlib.suppress(ImportError):
        return [pytest.param(import_module(f"dbm.{name}").open, id=name)]
    return []


GNU, NDBM, DUMB = library("gnu"), library("ndbm"), library("dumb")
BERKELEY = [
    pytest.param(berkeleydb.btopen, id="btree"),
    pytest.param(berkeleydb.hashopen, id="hash"),
]
ALL = [*GNU, *NDBM, *library("sqlite3"), *DUMB, *BERKELEY]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data.db"


@pytest.mark.parametrize("opener", ALL)
def test_flags(path: Path, opener: Callable[..., Any]) -> None:
    with pytest.raises(StoreError, match=r"data\.db"):
        DBMStore(path, flag="r", open=opener)
    with DBMStore(path, flag="n", open=opener) as store:
        store["a"] = b"1"
        store.flush()
        assert store["a"] == b"1"
    with DBMStore(path, flag="c", open=opener) as store:
        assert dict(store) == {"a": b"1"}
        store["b"] = np.arange(3, dtype="u1")
    with DBMStore(path, flag="r", open=opener) as store:
        assert not store.is_writeable()
        assert dict(store) == {"a": b"1", "b": b"\0\1\2"}
        for change in (
            lambda: store.__setitem__("c", b""),
            lambda: store.setitems({"c": b""}),
            lambda: store.__delitem__("a"),
            lambda: store.delitems(["a"]),
            store.rmdir,
            lambda: store.rename("a", "c"),
        ):
            with pytest.raises(ReadOnlyError):
                change()
        store.flush()
    with DBMStore(path, flag="n", open=opener) as store:
        assert len(store) == 0


@pytest.mark.parametrize("opener", ALL)
def test_pickle_does_not_empty_the_database(path: Path, opener: Callable[..., Any]) -> None:
    # GNU dbm lets only readers share a database.
    store = DBMStore(path, flag="n", open=opener, dimension_separator="/", mode=0o600)
    store["a"] = b"1"
    pickled = pickle.dumps(store)
    store.close()
    with pickle.loads(pickled) as copy:
        assert dict(copy) == {"a": b"1"}
        assert copy.open is opener
        assert (copy.flag, copy.mode, copy._dimension_separator) == ("c", 0o600, "/")


@pytest.mark.parametrize("opener", ALL)
def test_closed(path: Path, opener: Callable[..., Any]) -> None:
    store = DBMStore(path, open=opener)
    store["a"] = b"1"
    store.close()
    store.close()
    for use in (
        lambda: store["a"],
        lambda: store.getitems(["a"]),
        lambda: "a" in store,
        lambda: list(store),
        store.listdir,
        lambda: store.__setitem__("a", b""),
        store.flush,
    ):
        with pytest.raises(StoreError, match="closed"):
            use()


@pytest.mark.skipif(not NDBM, reason="this Python was built without dbm.ndbm")
def test_ndbm_refuses_empty_values(path: Path) -> None:
    with DBMStore(path, open=import_module("dbm.ndbm").open) as store:
        with pytest.raises(StoreError, match="empty value of 'b'"):
            store.setitems({"a": b"1", "b": b""})
        assert list(store) == []


def test_arguments_of_open(path: Path) -> None:
    with DBMStore(path, open=berkeleydb.btopen, pgsize=8192) as store:
        store["a"] = b"1"
        assert store.db.db.stat()["pagesize"] == 8192
        copy = pickle.loads(pickle.dumps(store))
        assert copy.open_kwargs == {"pgsize": 8192}
        copy.close()


def test_manual_example_with_berkeley_db(path: Path) -> None:
    with DBMStore(path, open=berkeleydb.btopen) as store:
        root = zarr.group(store=store, overwrite=True)
        z = root.zeros("foo/bar", shape=(100, 100), chunks=(10, 10), dtype="i4")
        z[:] = 42
    with DBMStore(path, flag="r", open=berkeleydb.btopen) as store:
        assert (zarr.open_group(store, mode="r")["foo/bar"][:] == 42).all()


def test_no_database(path: Path) -> None:
    path.write_bytes(b"This is no database." * 1000)
    for opener in (None, berkeleydb.btopen):
        with pytest.raises(StoreError, match=r"data\.db"):
            DBMStore(path, open=opener)


@pytest.mark.skipif(not GNU, reason="this Python was built without dbm.gnu")
def test_locked_by_another_process(path: Path, start_python: Callable[..., Any]) -> None:
    opener = import_module("dbm.gnu").open
    code = (
        "import dbm.gnu, sys; db = dbm.gnu.open(sys.argv[1], 'c'); db[b'a'] = b'1'; "
        "print('open', flush=True); sys.stdin.readline(); db.close()"
    )
    holder = start_python(code, path)
    assert holder.stdout.readline() == "open\n"
    with pytest.raises(StoreError, match=r"data\.db.*unavailable"):
        DBMStore(path, open=opener)
    holder.communicate("\n", timeout=30)
    with DBMStore(path, open=opener) as store:
        assert store["a"] == b"1"


@pytest.mark.parametrize("opener", [*GNU, *NDBM, *DUMB, *BERKELEY])
def test_failure_is_not_absence(path: Path, opener: Callable[..., Any]) -> None:
    store = DBMStore(path, open=opener)
    z = zarr.create(shape=100, chunks=10, dtype="i4", store=store, fill_value=-1)
    z[:] = np.arange(100)
    store.db.close()  # whatever may have happened to it
    with pytest.raises(StoreError, match=r"data\.db"):
        z[:]
    with pytest.raises(StoreError):
        z[:] = 0
    with contextlib.suppress(StoreError):
        store.close()


def test_values_keep_what_was_written_on_a_full_disk(small_disk: Path) -> None:
    path = small_disk / "data.db"
    written = {}
    store = DBMStore(path, open=berkeleydb.btopen)
    with pytest.raises(StoreError, match=r"data\.db"):
        for n in range(100):
            value = np.random.default_rng(n).bytes(100_000)
            store[str(n)] = value
            store.flush()
            written[str(n)] = value
    assert len(written) > 5
    assert {key: store[key] for key in written} == written
    with contextlib.suppress(StoreError):
        store.close()
    with DBMStore(path, flag="r", open=berkeleydb.btopen) as store:
        assert {key: store[key] for key in written} == written


@pytest.mark.parametrize("opener", ALL)
def test_stores_of_one_process_share_the_database(path: Path, opener: Callable[..., Any]) -> None:
    first, second = DBMStore(path, open=opener), DBMStore(path, open=opener)
    first["a"] = b"1"
    assert second.listdir() == ["a"]
    second["b"] = b"2"
    assert first["b"] == b"2"
    assert first.listdir() == ["a", "b"]
    first.close()
    second["c"] = b"3"
    with pytest.raises(StoreError, match="closed"):
        first["c"]
    second.close()
    with DBMStore(path, flag="r", open=opener) as reader:
        assert len(reader) == 3
        with pytest.raises(StoreError, match="read-only in this process"):
            DBMStore(path, open=opener)
    with DBMStore(path, open=opener) as store, DBMStore(path, flag="n", open=opener) as new:
        assert len(store) == len(new) == 0
        assert store.listdir() == []


@pytest.mark.parametrize("opener", ALL)
def test_database_replaced_by_another(tmp_path: Path, opener: Callable[..., Any]) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    old = DBMStore(folder / "data.db", open=opener)
    old["a"] = b"old"
    old.flush()
    folder.rename(tmp_path / "elsewhere")
    folder.mkdir()
    with DBMStore(folder / "data.db", open=opener) as new:
        assert "a" not in new
        new["a"] = b"new"
    with DBMStore(folder / "data.db", flag="r", open=opener) as new:
        assert new["a"] == b"new"
    with contextlib.suppress(StoreError):
        old.close()


def use_in_child(store: DBMStore, outcome: Any) -> None:
    for use in (lambda: store["a"], lambda: store.__setitem__("b", b"2")):
        try:
            outcome.send(use())
        except (StoreError, ReadOnlyError) as error:
            outcome.send(str(error))
    store.close()


@pytest.mark.parametrize("flag", ["c", "r"])
@pytest.mark.parametrize("opener", ALL)
def test_after_a_fork(path: Path, opener: Callable[..., Any], flag: str) -> None:
    with DBMStore(path, open=opener) as store:
        store["a"] = b"1"
    with DBMStore(path, flag=flag, open=opener) as store:
        assert store["a"] == b"1"
        receiver, sender = multiprocessing.Pipe(duplex=False)
        child = FORK.Process(target=use_in_child, args=(store, sender))
        child.start()
        seen, refused = receiver.recv(), receiver.recv()
        child.join(30)
        assert child.exitcode == 0
        assert seen == b"1" if flag == "r" else "before this process was forked" in seen
        assert "read-only" in refused or "forked" in refused
        assert store["a"] == b"1"
        if flag == "c":
            store["b"] = b"2"
    with DBMStore(path, flag="r", open=opener) as store:
        assert store["a"] == b"1"


LEFT_OPEN = """
import sys
from importlib import import_module
from zarr.storage import *
library, function, path = sys.argv[1:]
store = DBMStore(path, open=getattr(import_module(library), function))
store["a"] = b"1"
store["b"] = store["a"] + b"2"
"""


@pytest.mark.parametrize("opener", ALL)
def test_a_store_that_nobody_closed_is_closed_at_the_end(
    path: Path, opener: Callable[..., Any]
) -> None:
    function = [opener.__module__, opener.__name__, str(path)]
    done = subprocess.run(
        [sys.executable, "-c", LEFT_OPEN, *function], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    with DBMStore(path, flag="r", open=opener) as store:
        assert dict(store) == {"a": b"1", "b": b"12"}


# -- counted operations ----------------------------------------------------------------


def make_groups(store: DBMStore, chunks: int) -> None:
    names = (".zarray", *range(chunks))
    store.setitems({f"g/{n:04}/{name}": b"x" for n in range(1000) for name in names})


def test_listing_a_btree_does_not_walk_chunks(tmp_path: Path, counted_calls) -> None:  # type: ignore[no-untyped-def]
    costs = []
    for chunks in (1, 20):
        with DBMStore(tmp_path / f"{chunks}.db", open=berkeleydb.btopen) as store:
            make_groups(store, chunks)
            with counted_calls() as calls:
                assert len(store.listdir("g")) == 1000
            assert (calls["set_range"], calls["get"]) == (1001, 0)
            costs.append(sum(calls.values()))
            with counted_calls() as calls:
                assert store.listdir("") == ["g"]
                assert len(list(store.list_prefix("g/0007"))) == chunks + 1
    assert costs[0] == costs[1]


@pytest.mark.parametrize("opener", [*GNU, *DUMB])
def test_other_kinds_look_at_their_keys_once(  # type: ignore[no-untyped-def]
    tmp_path: Path, opener: Callable[..., Any], counted_calls
) -> None:
    costs = []
    for chunks in (1, 20):
        with DBMStore(tmp_path / f"{chunks}.db", open=opener) as store:
            make_groups(store, chunks)
            with counted_calls() as calls:
                assert len(store.listdir("g")) == 1000
            assert calls["keys"] == 1
            store["g/new/.zarray"] = b""
            del store["g/0000/0"]
            with counted_calls() as calls:
                assert len(store.listdir("g")) == 1001
                assert "0" not in store.listdir("g/0000")
            assert calls["keys"] == 0
            costs.append(sum(calls.values()))
    assert costs[0] == costs[1] < 30


@pytest.mark.parametrize("opener", ALL)
def test_thousand_chunks_in_one_turn(  # type: ignore[no-untyped-def]
    path: Path, opener: Callable[..., Any], counted_calls
) -> None:
    chunks = {f"a/{n // 32}.{n % 32}": bytes([n % 251]) * 100 for n in range(1000)}
    with DBMStore(path, open=opener) as store:
        store.setitems(chunks)
        with counted_calls() as calls:
            assert store.getitems(list(chunks)) == chunks
        assert calls["_do"] == 1
        assert calls["keys"] == 0
