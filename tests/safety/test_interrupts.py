"""An interrupt leaves every chunk whole, no lock held, nothing open and nothing under way."""

from __future__ import annotations

import random
import re
import signal
from pathlib import Path
from typing import Any

import pytest

import zarr
from zarr._system import RLock

from .interrupts import run_combination, violations
from .places import LOCAL, REMOTE

SEED = 1


@pytest.mark.parametrize("way", ["signal", "thread"])
@pytest.mark.parametrize("place", LOCAL)
def test_interrupts_are_no_obstacle(place: str, way: str) -> None:
    found = run_combination(place, "none", 0, way, interrupts=24, seed=SEED)
    assert violations(found) == {}


@pytest.mark.parametrize("cache", [0, 1 << 20])
@pytest.mark.parametrize("synchronizer", ["thread", "process"])
def test_interrupts_with_a_synchronizer(synchronizer: str, cache: int) -> None:
    found = run_combination("directory", synchronizer, cache, interrupts=24, seed=SEED)
    assert violations(found) == {}


@pytest.mark.exhaustive
@pytest.mark.parametrize("cache", [0, 1 << 20])
@pytest.mark.parametrize("synchronizer", ["none", "thread", "process"])
@pytest.mark.parametrize("place", LOCAL)
def test_a_hundred_interrupts_of_each_kind(place: str, synchronizer: str, cache: int) -> None:
    found = run_combination(place, synchronizer, cache, interrupts=100, seed=SEED)
    assert violations(found) == {}


@pytest.mark.remote
@pytest.mark.usefixtures("servers")
@pytest.mark.parametrize("way", ["signal", "thread"])
@pytest.mark.parametrize("place", REMOTE)
def test_interrupts_of_remote_stores(place: str, way: str) -> None:
    found = run_combination(place, "none", 0, way, interrupts=8, seed=SEED)
    assert violations(found) == {}


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers that send signals")
def test_with_does_not_leave_a_lock_held() -> None:
    def strike(*_: Any) -> None:
        raise KeyError("struck")

    def use(lock: Any) -> None:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, 2e-4))
        while True:
            with lock:
                pass

    before = signal.signal(signal.SIGALRM, strike)
    try:
        for _ in range(2000):
            lock: Any = RLock()
            try:
                use(lock)
            except KeyError:
                assert not lock._is_owned()
    finally:
        signal.signal(signal.SIGALRM, before)


def test_locks_of_threading_are_not_used_by_with() -> None:
    root = Path(zarr.__file__).parent
    sources = {str(path.relative_to(root)): path.read_text("utf-8") for path in root.rglob("*.py")}
    # Flags that another thread lowers, and a lock for numcodecs.
    expected = {
        "_codecs/blosc_lock.py": "blosc._MUTEX",
        "_shared/threads.py": "self.left",
        "storage/coroutines.py": "self.ended",
        "sync.py": "self.ended",
    }
    made = re.compile(r"^ *(\S*?)(?:, \S+)? = (?:threading\.)?Lock\(\)", re.MULTILINE)
    taken = re.compile(r"^(?:from threading import .*Lock|import _thread)", re.MULTILINE)
    assert {name: made.findall(text) for name, text in sources.items() if made.search(text)} == {
        name: [lock] for name, lock in expected.items()
    }
    assert {name for name, text in sources.items() if taken.search(text)} == {*expected}
