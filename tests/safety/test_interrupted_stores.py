"""An interrupted call of a store leaves no file open, no temporary file and no torn value."""

from __future__ import annotations

import gc
import os
import pathlib
import random
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import zarr
from zarr.storage import BaseStore, FSStore, LRUStoreCache

KINDS: dict[str, Callable[[pathlib.Path], BaseStore]] = {
    "directory": zarr.DirectoryStore,
    "directory, synced": lambda path: zarr.DirectoryStore(path, fsync=True),
    "directory without links": lambda path: zarr.DirectoryStore(path, follow_symlinks=False),
    "fsspec": lambda path: FSStore(f"file://{path}"),
    "cache": lambda path: LRUStoreCache(zarr.DirectoryStore(path), max_size=None),
}
KEYS = [f"a/{i}" for i in range(20)]
SIZES = (10, 70_000, 300_000)

pytestmark = [
    # What the interrupt leaves in an expression closes itself, and says so.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


class Interrupted(BaseException):
    """What the signal handler raises."""


@pytest.fixture
def interrupting() -> Iterator[Callable[[Callable[[], Any], float], bool]]:
    """Return a function that calls another one and interrupts it after some seconds."""

    def raise_it(*_: object) -> None:
        raise Interrupted

    def run(action: Callable[[], Any], seconds: float) -> bool:
        try:
            try:
                signal.setitimer(signal.ITIMER_REAL, seconds)
                action()
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
        except Interrupted:
            return True
        return False

    before = signal.signal(signal.SIGALRM, raise_it)
    try:
        yield run
    finally:
        signal.signal(signal.SIGALRM, before)


def open_files() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


def hidden_files(path: pathlib.Path) -> list[str]:
    return [str(p) for p in path.rglob("*") if p.name.startswith(".__zarr_tmp_")]


def value(n: int, version: int = 0) -> bytes:
    return bytes([version % 256]) * SIZES[n % len(SIZES)]


def moments(rounds: int) -> Iterator[float]:
    chance = random.Random(rounds)
    return (chance.uniform(5e-6, 3e-3) for _ in range(rounds))


def interrupted_reads(store: BaseStore, interrupting: Any, rounds: int) -> int:
    expected = {key: value(n) for n, key in enumerate(KEYS)}
    store.setitems(expected)
    parts = [(key, (1, 5)) for key in KEYS]

    def read() -> None:
        for _ in range(100):
            found = store.getitems(KEYS)
            assert all(bytes(found[key]) == expected[key] for key in KEYS)
            assert store[KEYS[0]] == expected[KEYS[0]]
            store.get_partial_values(parts)
            assert KEYS[0] in store
            assert len(store.listdir("a")) == len(KEYS)

    read()
    before = open_files()
    count = sum(interrupting(read, seconds) for seconds in moments(rounds))
    assert open_files() == before
    return count


def interrupted_writes(store: BaseStore, path: pathlib.Path, interrupting: Any, rounds: int) -> int:
    version = 0

    def write() -> None:
        nonlocal version
        while True:
            version += 1
            store.setitems({key: value(n, version) for n, key in enumerate(KEYS[:5])})
            store.delitems(KEYS[:2])
            store["b/c/0"] = b"moved"
            store.rename("b", "c")
            store.rmdir("c")

    before = open_files()
    for seconds in moments(rounds):
        assert interrupting(write, seconds)
        for n, key in enumerate(KEYS[:5]):
            found = bytes(store.get(key, b""))
            assert found in (b"", bytes(found[:1]) * SIZES[n % len(SIZES)])
            # Through a cache nothing is seen that is not stored.
            assert bytes(zarr.DirectoryStore(path).get(key, b"")) == found
        assert not [name for name in hidden_files(path) if not os.path.isdir(name)]
    assert open_files() == before
    # Folders whose deletion was interrupted go with the next one.
    store["x/y"] = b""
    store.rmdir("x")
    assert hidden_files(path) == []
    return rounds


@pytest.mark.parametrize("kind", KINDS)
def test_reads(kind: str, tmp_path: pathlib.Path, interrupting: Any) -> None:
    assert interrupted_reads(KINDS[kind](tmp_path / "data"), interrupting, 100) > 50


@pytest.mark.parametrize("kind", KINDS)
def test_writes(kind: str, tmp_path: pathlib.Path, interrupting: Any) -> None:
    path = tmp_path / "data"
    interrupted_writes(KINDS[kind](path), path, interrupting, 60)


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", KINDS)
def test_many_reads(kind: str, tmp_path: pathlib.Path, interrupting: Any) -> None:
    assert interrupted_reads(KINDS[kind](tmp_path / "data"), interrupting, 10_000) > 8_000


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", KINDS)
def test_many_writes(kind: str, tmp_path: pathlib.Path, interrupting: Any) -> None:
    path = tmp_path / "data"
    interrupted_writes(KINDS[kind](path), path, interrupting, 2_000)
