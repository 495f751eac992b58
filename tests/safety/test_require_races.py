"""Threads and processes that ask for one node at the same time all get it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from .places import LOCAL, PLACES, REMOTE
from .races import VERSIONS, WAYS, wrong_in_processes, wrong_in_threads

CASES = [
    (name, version)
    for name in LOCAL
    for version in VERSIONS
    if version == 2 or "3" in PLACES[name].formats
]
REMOTE_CASES = [(name, version) for name in REMOTE for version in VERSIONS]
NOTHING: Counter[str] = Counter()
each_way = pytest.mark.parametrize("way", WAYS)
quiet = pytest.mark.filterwarnings("ignore:Duplicate name")


@quiet
@each_way
@pytest.mark.usefixtures("eager_threads")
@pytest.mark.parametrize(("name", "version"), CASES)
def test_threads_get_what_they_ask_for(name: str, version: int, way: str, tmp_path: Path) -> None:
    assert wrong_in_threads(PLACES[name], tmp_path, version, way, rounds=5) == NOTHING


@quiet
@each_way
@pytest.mark.usefixtures("eager_threads")
@pytest.mark.parametrize(("name", "version"), [case for case in CASES if PLACES[case[0]].shared])
def test_threads_with_stores_of_their_own_get_what_they_ask_for(
    name: str, version: int, way: str, tmp_path: Path
) -> None:
    assert wrong_in_threads(PLACES[name], tmp_path, version, way, rounds=20, own=True) == NOTHING


each_shared = pytest.mark.parametrize("name", [name for name in LOCAL if PLACES[name].shared])


@each_shared
@pytest.mark.parametrize("way", ["require_dataset", "replace_array"])
def test_processes_get_what_they_ask_for(name: str, way: str, tmp_path: Path) -> None:
    assert wrong_in_processes(PLACES[name], tmp_path, 2, way, rounds=8) == NOTHING


@each_way
@each_shared
@pytest.mark.exhaustive
def test_processes_get_what_they_ask_for_many_times(name: str, way: str, tmp_path: Path) -> None:
    assert wrong_in_processes(PLACES[name], tmp_path, 2, way, rounds=50) == NOTHING


@quiet
@each_way
@pytest.mark.exhaustive
@pytest.mark.usefixtures("eager_threads")
@pytest.mark.parametrize(("name", "version"), CASES)
def test_threads_get_what_they_ask_for_a_hundred_times(
    name: str, version: int, way: str, tmp_path: Path
) -> None:
    assert wrong_in_threads(PLACES[name], tmp_path, version, way, rounds=100) == NOTHING


@each_way
@pytest.mark.remote
@pytest.mark.usefixtures("eager_threads", "servers")
@pytest.mark.parametrize(("name", "version"), REMOTE_CASES)
def test_threads_get_what_they_ask_remote_stores_for(
    name: str, version: int, way: str, tmp_path: Path
) -> None:
    assert wrong_in_threads(PLACES[name], tmp_path, version, way, rounds=3) == NOTHING


@each_way
@pytest.mark.remote
@pytest.mark.usefixtures("servers")
@pytest.mark.parametrize("name", REMOTE)
def test_processes_get_what_they_ask_remote_stores_for(name: str, way: str, tmp_path: Path) -> None:
    assert wrong_in_processes(PLACES[name], tmp_path, 2, way, rounds=3) == NOTHING
