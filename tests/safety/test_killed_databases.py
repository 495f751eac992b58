"""A process that is killed leaves a database with all that it had finished, and nothing torn."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import pytest

import zarr
from zarr.errors import StoreError

from . import killed

ROOT = Path(__file__).parents[2]
KINDS = ["sqlite", "lmdb", "dbm.dumb"]


def python(*arguments: object) -> subprocess.Popen[str]:
    """Start a program of these tests."""
    path = os.pathsep.join([str(ROOT), *sys.path])
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )


def kill_at_a_random_moment(kind: str, place: str, seed: int) -> list[str]:
    """Kill a writer; return the lines of what it had finished."""
    with python(killed.__file__, kind, place, seed) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        time.sleep(random.Random(seed).uniform(0.0, 0.1))
        writer.kill()
        lines = writer.stdout.read().splitlines()
    return [line for line in lines if len(line.split()) == 2]


def kill_often(kind: str, place: str, rounds: int) -> None:
    for seed in range(rounds):
        killed.prepare(kind, place)
        lines = kill_at_a_random_moment(kind, place, seed)
        killed.check(kind, place, lines)


@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_some_moments(kind: str, tmp_path: Path) -> None:
    kill_often(kind, str(tmp_path / "data"), 3)


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_two_hundred_moments(kind: str, tmp_path: Path) -> None:
    kill_often(kind, str(tmp_path / "data"), 200)


UNSAVED = """
import os, sys
from tests.safety.interrupted_stores import store_of
store = store_of("berkeleydb", sys.argv[1])
store["a"] = b"1"
store.flush()
os.kill(os.getpid(), 9) if sys.argv[2] == "flushed" else None
store["b"] = b"2"
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("state", ["flushed", "unsaved"])
def test_database_with_unsaved_pages_is_refused(state: str, tmp_path: Path) -> None:
    import berkeleydb

    place = tmp_path / "data"
    with python("-c", UNSAVED, place, state) as writer:
        writer.wait(60)
    if state == "unsaved":
        with pytest.raises(StoreError, match=r"was killed before .*delete '.*data\.unsaved'"):
            zarr.DBMStore(place, open=berkeleydb.btopen)
        (tmp_path / "data.unsaved").unlink()
    with zarr.DBMStore(place, open=berkeleydb.btopen) as store:
        assert store["a"] == b"1"


@pytest.mark.parametrize("flag", ["r", "w", "c"])
def test_dumb_database_without_its_index_is_refused(flag: str, tmp_path: Path) -> None:
    dumb = import_module("dbm.dumb")
    place = tmp_path / "data"
    with zarr.DBMStore(place, open=dumb.open) as store:
        store["a"] = b"1"
    # What dbm.dumb leaves if it is killed between two steps.
    (tmp_path / "data.dir").rename(tmp_path / "data.bak")
    for opener in (dumb.open, None):
        with pytest.raises(StoreError, match=r"index .*data\.dir' is missing.*data\.bak"):
            zarr.DBMStore(place, flag, open=opener)
    (tmp_path / "data.bak").rename(tmp_path / "data.dir")
    with zarr.DBMStore(place, flag, open=dumb.open) as store:
        assert dict(store) == {"a": b"1"}


def test_dumb_reads_what_was_written(tmp_path: Path) -> None:
    dumb = import_module("dbm.dumb")
    values = {}
    with zarr.DBMStore(tmp_path / "data", open=dumb.open) as store:
        for n in range(300):
            key = f"a/{n % 7}"
            values[key] = b"%d " % n * (n * 37 % 1000 + 1)
            store[key] = values[key]
            if n % 10 == 0:
                store.delitems([key])
                del values[key]
        store.flush()
        size = (tmp_path / "data.dat").stat().st_size
    with dumb.open(str(tmp_path / "data"), "r") as database:
        assert {key.decode(): database[key] for key in database} == values
    assert size < 300_000  # places are used again


@pytest.mark.parametrize("change", ["truncated", "overlap", "line"])
def test_dumb_index_that_contradicts_the_values_is_refused(change: str, tmp_path: Path) -> None:
    dumb = import_module("dbm.dumb")
    with zarr.DBMStore(tmp_path / "data", open=dumb.open) as store:
        store.setitems({"a": b"1" * 600, "b": b"2" * 600})
    index, values = tmp_path / "data.dir", tmp_path / "data.dat"
    if change == "truncated":
        os.truncate(values, values.stat().st_size - 1)
    elif change == "overlap":
        index.write_text(index.read_text().replace("(1024,", "(512,"))
    else:
        index.write_text(index.read_text()[:-3])
    with pytest.raises(StoreError, match="data"):
        zarr.DBMStore(tmp_path / "data", open=dumb.open)
