"""An interrupt leaves every chunk whole, no lock held, nothing open and nothing under way."""

from __future__ import annotations

import pytest

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
