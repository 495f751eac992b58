"""SQLite databases: what they promise beyond the conformance suite."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import zarr
from zarr.errors import ReadOnlyError, StoreError, StoreTimeoutError
from zarr.storage import SQLiteStore

StartPython = Callable[..., Any]
FORK = multiprocessing.get_context("fork")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data.sqldb"


@pytest.fixture
def store(path: Path) -> Iterator[SQLiteStore]:
    with SQLiteStore(path) as store:
        yield store


# -- the file --------------------------------------------------------------------------


def test_one_file_with_one_table(path: Path) -> None:
    with SQLiteStore(path) as store:
        store.setitems({"a/x": b"1", "b": np.arange(3, dtype="u1")})
    assert os.listdir(path.parent) == [path.name]
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT k, v, typeof(v) FROM zarr ORDER BY k").fetchall()
    assert rows == [("a/x", b"1", "blob"), ("b", b"\0\1\2", "blob")]


def test_database_of_the_2x_library(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE zarr(k TEXT PRIMARY KEY, v BLOB)")
        connection.execute("INSERT INTO zarr VALUES('a/x', x'0102')")
        connection.commit()
    with SQLiteStore(path) as store:
        assert store["a/x"] == b"\1\2"
        store["a/y"] = b"new"
        assert store.listdir("a") == ["x", "y"]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_write_ahead_log(store: SQLiteStore, path: Path) -> None:
    store["a"] = b"1"
    assert path.with_name(path.name + "-wal").exists()


def test_no_database(path: Path) -> None:
    path.write_bytes(b"This is no database." * 100)
    with pytest.raises(StoreError, match=r"data\.sqldb.*not a database"):
        SQLiteStore(path)
    with pytest.raises(StoreError, match="nowhere"):
        SQLiteStore(path.parent / "nowhere" / "data.sqldb")


def test_damaged_database(path: Path) -> None:
    with SQLiteStore(path) as store:
        store.setitems({f"a/{n}": bytes(10_000) for n in range(100)})
    damaged = bytearray(path.read_bytes())
    damaged[32768 : 2 * 32768] = os.urandom(32768)
    damaged[-40_000:] = b""
    path.write_bytes(damaged)
    with pytest.raises(StoreError, match=r"data\.sqldb"):
        SQLiteStore(path).getitems([f"a/{n}" for n in range(100)])


def test_read_only_database(path: Path) -> None:
    with SQLiteStore(path) as store:
        store["a"] = b"1"
    with SQLiteStore(f"file:{path}?mode=ro", uri=True) as store:
        assert store["a"] == b"1"
        for change in (
            lambda: store.__setitem__("b", b""),
            lambda: store.setitems({"b": b"", "c": b""}),
            lambda: store.__delitem__("a"),
            store.rmdir,
        ):
            with pytest.raises(ReadOnlyError, match="read-only"):
                change()
    with pytest.raises(StoreError):
        SQLiteStore(f"file:{path}-missing?mode=ro", uri=True)


def test_closed(path: Path) -> None:
    store = SQLiteStore(path)
    store["a"] = b"1"
    store.close()
    for use in (
        lambda: store["a"],
        lambda: "a" in store,
        lambda: store.getitems(["a"]),
        store.listdir,
        lambda: store.__setitem__("a", b""),
    ):
        with pytest.raises(StoreError, match="closed"):
            use()


def test_pickle_keeps_arguments(path: Path) -> None:
    with SQLiteStore(path, "/", timeout=3) as store:
        store["a"] = b"1"
        with pickle.loads(pickle.dumps(store)) as copy:
            assert copy.kwargs == {"timeout": 3}
            assert copy._dimension_separator == "/"
            copy["a"] = b"2"
            assert store["a"] == b"2"


def test_in_memory() -> None:
    store = SQLiteStore(":memory:")
    store["a"] = b"1"
    assert store != SQLiteStore(":memory:")
    with pytest.raises(pickle.PicklingError, match="in memory"):
        pickle.dumps(store)
    store.close()


def test_value_too_big_for_sqlite(store: SQLiteStore) -> None:
    # One byte per page is enough memory: nobody touches the rest before it is refused.
    big = np.empty(1_100_000_000, "u1")
    with pytest.raises(StoreError, match=r"'a/big'.*smaller chunks"):
        store.setitems({"a/small": b"1", "a/big": big})
    assert list(store) == []


# -- all or nothing --------------------------------------------------------------------


def test_batch_is_written_whole_or_not_at_all(store: SQLiteStore) -> None:
    store["a"] = b"old"
    with pytest.raises(TypeError):
        store.setitems({"a": b"new", "b": "text"})
    with pytest.raises(ValueError):
        store.setitems({"a": b"new", "../b": b""})
    assert dict(store) == {"a": b"old"}


KILLED = """
import os, signal, sys
from zarr.storage import SQLiteStore
store = SQLiteStore(sys.argv[1])
def items():
    for n in range(500):
        yield f"{n}", b"new" * 5000
print("ready", flush=True)
while True:
    store.setitems(dict(items()))
"""


def test_writer_killed_in_the_middle(path: Path, start_python: StartPython) -> None:
    old = {str(n): b"old" * 5000 for n in range(500)}
    new = {str(n): b"new" * 5000 for n in range(500)}
    with SQLiteStore(path) as store:
        for _ in range(5):
            store.setitems(old)
            child = start_python(KILLED, path)
            assert child.stdout.readline() == "ready\n"
            child.kill()
            assert child.wait(30) == -signal.SIGKILL
            assert store.getitems(list(old)) in (old, new)
            assert len(store) == 500


def test_full_disk(small_disk: Path) -> None:
    written: dict[str, bytes] = {}
    with SQLiteStore(small_disk / "data.sqldb") as store:
        with pytest.raises(StoreError, match=r"data\.sqldb|disk"):
            for n in range(100):
                items = {f"{n}/{m}": np.random.default_rng(n).bytes(50_000) for m in range(2)}
                store.setitems(items)
                written.update(items)
        assert len(written) >= 8
        assert dict(store) == written
    with SQLiteStore(small_disk / "data.sqldb") as store:
        assert store.getitems(list(written)) == written


# -- other processes -------------------------------------------------------------------


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_database_locked_by_another_process(
    path: Path, journal: str, start_python: StartPython
) -> None:
    with SQLiteStore(path) as store:
        z = zarr.create(shape=100, chunks=10, dtype="i4", store=store, fill_value=-1)
        z[:] = np.arange(100)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute(f"PRAGMA journal_mode = {journal}").fetchone() == (journal,)
    code = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); "
        "c.execute('PRAGMA locking_mode = EXCLUSIVE'); c.execute('BEGIN EXCLUSIVE'); "
        "c.execute('DELETE FROM zarr'); print('locked', flush=True); "
        "sys.stdin.readline(); c.execute('ROLLBACK'); c.close()"
    )
    holder = start_python(code, path)
    assert holder.stdout.readline() == "locked\n"
    with pytest.raises(StoreTimeoutError, match=r"data\.sqldb.*locked"):
        SQLiteStore(path, timeout=0.1)
    holder.communicate("\n", timeout=30)
    assert holder.returncode == 0
    with SQLiteStore(path, timeout=0.1) as store:
        assert np.array_equal(zarr.open(store, mode="r")[:], np.arange(100))


def test_locked_while_open(path: Path) -> None:
    with SQLiteStore(path, timeout=0.1) as store:
        z = zarr.create(shape=100, chunks=10, dtype="i4", store=store, fill_value=-1)
        z[:] = np.arange(100)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreTimeoutError, match=r"locked .*0\.1 s"):
                z[:] = 0
            with pytest.raises(StoreTimeoutError):
                del store["0"]
            # One writes, the others go on reading.
            assert np.array_equal(z[:], np.arange(100))
            other.execute("ROLLBACK")
        z[:5] = 7
        assert z[4:6].tolist() == [7, 5]


def test_waits_for_the_lock(path: Path, start_python: StartPython) -> None:
    with SQLiteStore(path) as store:
        store["a"] = b"1"
        code = (
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); "
            "c.execute('BEGIN IMMEDIATE'); print('locked', flush=True); "
            "[c.execute('INSERT OR REPLACE INTO zarr VALUES(?, ?)', ('b', b'x' * 1000)) "
            "for _ in range(30_000)]; c.execute('COMMIT'); c.close()"
        )
        holder = start_python(code, path)
        assert holder.stdout.readline() == "locked\n"
        store["a"] = b"2"
        assert holder.wait(30) == 0
        assert store["a"] == b"2"
        assert len(store["b"]) == 1000


OWN_CHUNKS = """
import sys, time, zarr
path, number, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
with zarr.SQLiteStore(path) as store:
    z = zarr.open_array(store, mode="r+")
    end, rounds = time.monotonic() + seconds, 0
    while rounds == 0 or time.monotonic() < end:
        rounds += 1
        for chunk in range(number, 64, 8):
            mine = slice(chunk * 500, (chunk + 1) * 500)
            z[mine] = rounds * 1000 + chunk
            assert (z[mine] == rounds * 1000 + chunk).all(), chunk
print(rounds)
"""


@pytest.mark.parametrize("seconds", [1, pytest.param(30, marks=pytest.mark.slow)])
def test_eight_processes_write_disjoint_chunks(
    path: Path, seconds: float, start_python: StartPython
) -> None:
    with SQLiteStore(path) as store:
        zarr.create(shape=64 * 500, chunks=500, dtype="i8", store=store, fill_value=-1)
    children = [start_python(OWN_CHUNKS, path, n, seconds) for n in range(8)]
    rounds = [int(child.communicate(timeout=seconds + 120)[0]) for child in children]
    assert [child.returncode for child in children] == [0] * 8
    with SQLiteStore(path) as store:
        data = zarr.open_array(store, mode="r")[:].reshape(64, 500)
    expected = [rounds[chunk % 8] * 1000 + chunk for chunk in range(64)]
    assert np.array_equal(data, np.repeat(expected, 500).reshape(64, 500))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def use_in_child(store: SQLiteStore, outcome: Any) -> None:
    seen = bytes(store["a"])
    store["child"] = b"written"
    store.close()
    outcome.send(seen)


def test_after_a_fork(path: Path) -> None:
    with SQLiteStore(path) as store:
        store["a"] = b"1"
        receiver, sender = multiprocessing.Pipe(duplex=False)
        child = FORK.Process(target=use_in_child, args=(store, sender))
        child.start()
        assert receiver.recv() == b"1"
        child.join(30)
        assert child.exitcode == 0
        assert store["child"] == b"written"
        store["a"] = b"2"
    with SQLiteStore(path) as store:
        assert dict(store) == {"a": b"2", "child": b"written"}


# -- counted operations ----------------------------------------------------------------


class CountingConnection(sqlite3.Connection):
    """Counts statements, and the instructions of SQLite's virtual machine in them."""

    counts: ClassVar[Counter[str]] = Counter()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.set_trace_callback(self._statement)
        self.set_progress_handler(self._instruction, 1)

    def _statement(self, sql: str) -> None:
        self.counts["statements"] += 1

    def _instruction(self) -> int:
        self.counts["instructions"] += 1
        return 0


@pytest.fixture
def counts() -> Counter[str]:
    CountingConnection.counts.clear()
    return CountingConnection.counts


def test_thousand_chunks_in_one_statement(path: Path, counts: Counter[str]) -> None:
    chunks = {f"a/{n // 32}.{n % 32}": bytes([n % 251]) * 100 for n in range(1000)}
    with SQLiteStore(path, factory=CountingConnection) as store:
        counts.clear()
        store.setitems(chunks)
        assert counts["statements"] == 1000 + 2  # one transaction
        counts.clear()
        assert store.getitems(list(chunks)) == chunks
        assert counts["statements"] == 1
        counts.clear()
        store.get_partial_values([(key, (0, 10)) for key in chunks])
        assert counts["statements"] <= 3
        counts.clear()
        store.delitems(chunks)
        assert counts["statements"] == 1
        assert len(store) == 0


def test_array_of_thousand_chunks(path: Path, counts: Counter[str]) -> None:
    with SQLiteStore(path, factory=CountingConnection) as store:
        z = zarr.create(shape=100_000, chunks=100, dtype="i4", store=store, compressor=None)
        z[:] = np.arange(100_000)
        counts.clear()
        assert np.array_equal(z[:], np.arange(100_000))
        assert counts["statements"] == 1
        counts.clear()
        z[50:99_950] = 7  # the two chunks at the ends are read before
        assert counts["statements"] == 1 + 1000 + 2


def test_listing_does_not_walk_chunks(tmp_path: Path, counts: Counter[str]) -> None:
    costs = []
    for chunks in (1, 40):
        with SQLiteStore(tmp_path / f"{chunks}.sqldb", factory=CountingConnection) as store:
            store.setitems(
                {
                    f"g/{n:04}/{name}": b""
                    for n in range(1000)
                    for name in (".zarray", *range(chunks))
                }
            )
            for use, expected in (
                (lambda: store.listdir("g"), [f"{n:04}" for n in range(1000)]),
                (store.listdir, ["g"]),
                (lambda: store.getsize("g"), 0),
            ):
                counts.clear()
                assert use() == expected
                assert counts["statements"] <= 2
                costs.append(counts["instructions"])
    assert costs[:3] == costs[3:]


def test_group_of_thousand_arrays(tmp_path: Path, counts: Counter[str]) -> None:
    costs = []
    for chunks in (1, 20):
        with SQLiteStore(tmp_path / f"{chunks}.sqldb", factory=CountingConnection) as store:
            root = zarr.group(store)
            root.zeros("0000", shape=chunks, chunks=1)[:] = 1
            keys = list(store.list_prefix("0000"))
            for n in range(1, 1000):
                store.setitems({key.replace("0000", f"{n:04}"): store[key] for key in keys})
            counts.clear()
            assert sum(1 for _ in root.arrays()) == 1000
            assert counts["statements"] == 2  # the names, and the documents
            costs.append(counts["instructions"])
    assert costs[0] == costs[1]


def test_more_keys_than_sqlite_has_parameters(store: SQLiteStore) -> None:
    items = {f"a/{n}": b"%d" % n for n in range(40_000)}
    store.setitems(items)
    assert store.getitems(list(items)) == items
    assert sum(1 for _ in store) == len(store) == 40_000
    assert len(list(store.list_prefix("a"))) == 40_000
    store.delitems(list(items))
    assert len(store) == 0
