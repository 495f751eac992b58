"""However one array is reached, by two ways at once nothing is lost and nothing read is old."""

from __future__ import annotations

from pathlib import Path

import pytest

from .two_ways import (
    CHECKS,
    KINDS,
    LOCAL,
    REMOTE,
    all_pairs,
    few_pairs,
    lost_between_processes,
    lost_by,
    prepare,
)

pytestmark = pytest.mark.filterwarnings("ignore:Duplicate name")
each_check = pytest.mark.parametrize("check", CHECKS)
SHARED = [name for name in LOCAL if KINDS[name].processes]


@each_check
@pytest.mark.usefixtures("eager_threads")
@pytest.mark.parametrize("kind", LOCAL)
def test_threads_by_two_ways_lose_nothing(kind: str, check: str, tmp_path: Path) -> None:
    assert lost_by(kind, few_pairs(kind), [check], 15, str(tmp_path)) == {}


@each_check
@pytest.mark.exhaustive
@pytest.mark.usefixtures("eager_threads")
@pytest.mark.parametrize("format", [2, 3])
@pytest.mark.parametrize("kind", LOCAL)
def test_threads_by_any_two_ways_lose_nothing(
    kind: str, format: int, check: str, tmp_path: Path
) -> None:
    assert lost_by(kind, all_pairs(kind), [check], 100, str(tmp_path), format) == {}


@each_check
@pytest.mark.remote
@pytest.mark.usefixtures("eager_threads", "servers")
@pytest.mark.parametrize("kind", REMOTE)
def test_threads_by_two_ways_lose_nothing_on_a_server(
    kind: str, check: str, tmp_path: Path
) -> None:
    assert lost_by(kind, few_pairs(kind), [check], 20, str(tmp_path)) == {}


@pytest.mark.parametrize("check", [check for check in CHECKS if check != "stale"])
@pytest.mark.parametrize("kind", SHARED)
def test_processes_with_a_synchronizer_lose_nothing(kind: str, check: str, tmp_path: Path) -> None:
    ways = prepare(KINDS[kind], str(tmp_path))
    names = [name for name, way in ways.items() if way.path == "g/a"]
    pair = names[0], names[-1]
    assert lost_between_processes(kind, str(tmp_path), ways, pair, check, 30) == 0
