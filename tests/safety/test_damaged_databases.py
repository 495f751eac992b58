"""Databases that are truncated or changed raise an error, and never end the process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import lmdb
import numpy as np
import pytest

import zarr
from zarr.errors import StoreError

KEYS = [f"g{group}/a/{n}" for group in range(4) for n in range(20)]

# Opens damaged copies of a file, each in a process of its own, and uses them in every way.
PROGRAM = """
import os, random, signal, sys
import zarr
from zarr.errors import StoreError

kind, path, damage, first, last = sys.argv[1], sys.argv[2], sys.argv[3], *map(int, sys.argv[4:])
original = open(path, "rb").read()
damaged = path + ".damaged"

def use():
    with (zarr.LMDBStore if kind == "lmdb" else zarr.SQLiteStore)(damaged) as store:
        keys = list(store)
        store.getitems(keys)
        store.get_partial_values([(key, (-5, None)) for key in keys])
        store.listdir("g1")
        store.getsize("g2/a")
        store.setitems({key: b"new" * 500 for key in keys[:20]})
        store.rename("g3", "g9")
        store.rmdir("g2")

for number in range(first, last):
    rng = random.Random(number)
    data = bytearray(original)
    if damage == "truncated":
        del data[rng.randrange(1, len(data)):]
    for _ in range(rng.choice([1, 2, 8]) if damage == "changed" else 0):
        page = rng.randrange(len(data) // 4096) * 4096
        at = page + (rng.randrange(200) if rng.random() < 0.7 else rng.randrange(4096))
        data[at] = rng.choice([0, 255, data[at] ^ (1 << rng.randrange(8))])
    for end in ("", "-lock", "-wal", "-shm"):
        if os.path.exists(damaged + end):
            os.unlink(damaged + end)
    open(damaged, "wb").write(data)
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        try:
            use()
            os._exit(0)
        except StoreError as error:
            os._exit(0 if damaged in str(error) else 4)
        except BaseException as error:
            sys.stderr.write(repr(error))
            os._exit(3)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status == 0, (number, status)
"""


def make(kind: str, path: Path) -> None:
    rng = np.random.default_rng(0)
    with (zarr.LMDBStore if kind == "lmdb" else zarr.SQLiteStore)(path) as store:
        store.setitems({key: rng.bytes(int(rng.choice([10, 1000, 9000]))) for key in KEYS})
        store.delitems(KEYS[::7])


def damage(kind: str, path: Path, how: str, count: int) -> None:
    make(kind, path)
    program = [sys.executable, "-c", PROGRAM, kind, str(path), how, "0", str(count)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("how", ["truncated", "changed"])
@pytest.mark.parametrize("kind", ["lmdb", "sqlite"])
def test_some_damaged_files(kind: str, how: str, tmp_path: Path) -> None:
    damage(kind, tmp_path / "data", how, 40)


@pytest.mark.exhaustive
@pytest.mark.parametrize("how", ["truncated", "changed"])
@pytest.mark.parametrize("kind", ["lmdb", "sqlite"])
def test_many_damaged_files(kind: str, how: str, tmp_path: Path) -> None:
    damage(kind, tmp_path / "data", how, 3000)


@pytest.mark.parametrize("kind", ["lmdb", "sqlite"])
def test_truncated_file_says_so(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "data"
    make(kind, path)
    for size in range(1, path.stat().st_size, 7919):
        data = path.read_bytes()
        path.write_bytes(data[:size])
        with pytest.raises(StoreError, match="data"):
            (zarr.LMDBStore if kind == "lmdb" else zarr.SQLiteStore)(path)["g0/a/1"]
        path.write_bytes(data)


def test_lmdb_truncated_while_it_is_closed_for_a_fork(tmp_path: Path) -> None:
    path = tmp_path / "data"
    make("lmdb", path)
    with zarr.LMDBStore(path) as store:
        assert store["g0/a/1"]
        child = os.fork()  # closes the database, in both processes
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
        size = path.stat().st_size
        data = path.read_bytes()
        os.truncate(path, size // 2)
        with pytest.raises(StoreError, match=r"data.*truncated"):
            store["g0/a/1"]
        path.write_bytes(data)
        assert store["g0/a/1"]


def test_lmdb_file_may_lack_free_pages_at_its_end(tmp_path: Path) -> None:
    path = str(tmp_path / "data")
    with lmdb.open(path, subdir=False) as environment:
        with environment.begin(write=True) as transaction:
            transaction.put(b"a", b"1")
        with environment.begin(write=True) as transaction:
            transaction.put(b"big", bytes(200_000))
            transaction.delete(b"big")
        pages = environment.info()["last_pgno"] + 1
    if os.path.getsize(path) >= pages * 4096:
        pytest.skip("this version of LMDB does not leave such files")
    with zarr.LMDBStore(path) as store:
        assert store["a"] == b"1"
        store["b"] = b"2" * 10_000
        assert store["b"] == b"2" * 10_000


@pytest.mark.parametrize("version", [0, 1])
def test_both_formats_of_lmdb(version: int, tmp_path: Path) -> None:
    if not hasattr(lmdb.Environment, "lib_version"):
        pytest.skip("this package lmdb has one engine")
    path = tmp_path / "data"
    values = {f"{'k' * (n % 7 + 1)}/{n}": bytes([n % 251]) * (n * 37 % 9000) for n in range(500)}
    with zarr.LMDBStore(path, lib_version=version) as store:
        store.setitems(values)
    with zarr.LMDBStore(path) as store:
        assert dict(store) == values
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(StoreError, match="truncated"):
        zarr.LMDBStore(path)


def test_lmdb_file_that_grows_is_not_refused(tmp_path: Path) -> None:
    path = tmp_path / "data"
    make("lmdb", path)
    code = (
        "import sys, zarr; store = zarr.LMDBStore(sys.argv[1]); print('ready', flush=True)\n"
        "for n in range(3000): store.setitems({f'{n % 50}': bytes(n * 7), f'{n}/x': b'1'})\n"
        "store.close()"
    )
    with subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        opened = 0
        while writer.poll() is None:
            with zarr.LMDBStore(path) as store:
                assert store["g0/a/1"]
            opened += 1
        assert writer.returncode == 0
    assert opened > 1


def test_sqlite_value_of_another_type_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data"
    make("sqlite", path)
    with zarr.SQLiteStore(path) as store:
        store._ask("UPDATE zarr SET v = 'text' WHERE k = 'g0/a/1'")
        for read in (lambda: store["g0/a/1"], lambda: store.getitems(["g0/a/1", "g0/a/2"])):
            with pytest.raises(StoreError, match=r"data.*damaged.*'g0/a/1'.*str"):
                read()
