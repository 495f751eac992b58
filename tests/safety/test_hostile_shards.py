"""Damaged shards give an error that names the shard and the inner chunk, never wrong data."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from . import hostile_shards
from .hostile_shards import COUNTS, KEY, LAYOUTS, Case, all_cases

CASES = {f"{case.layout.name}: {case.name}": case for case in all_cases()}
REFUSED = {name: case for name, case in CASES.items() if case.one == case.all == "refused"}
NAMED = re.compile(rf"{re.escape(repr(KEY)[:-1])}, inner chunk \((\d+), (\d+)\)")


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Any]:
    """What a process with little memory makes of each case."""
    process = subprocess.run(
        [sys.executable, "-m", hostile_shards.__name__], cwd=Path(__file__).parents[2],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr[-2000:]
    lines = [json.loads(line) for line in process.stdout.splitlines()]
    return {line.get("name", "memory"): line for line in lines}


def test_there_are_at_least_five_hundred(outcomes: dict[str, Any]) -> None:
    assert len(CASES) == sum(1 for _ in all_cases())
    assert len(REFUSED) >= 500
    assert set(CASES) < set(outcomes)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_verdicts(layout: Any, outcomes: dict[str, Any]) -> None:
    wrong = []
    for name, case in CASES.items():
        if case.layout == layout:
            wrong += [f"{name}: {complaint}" for complaint in complaints(case, outcomes[name])]
    assert wrong == []


def complaints(case: Case, outcome: dict[str, Any]) -> list[str]:
    """Return what is wrong with what came of a case."""
    found = []
    for mode, verdict in (
        ("one", case.one), ("item", case.one), ("all", case.all), ("write", case.write),
        ("other", "either" if not case.layout.checked else "safe"),
    ):  # fmt: skip
        result = outcome[mode]
        if isinstance(result, dict):
            found += [f"{mode}: {complaint}" for complaint in about_error(result)]
        elif verdict == "refused" and not (mode == "item" and result):
            found.append(f"{mode} was accepted, with {'right' if result else 'wrong'} values")
        elif verdict == "safe" and not result:
            found.append(f"{mode} gave wrong values")
    return found


def about_error(result: dict[str, Any]) -> list[str]:
    message = result["message"]
    found = []
    if "ChunkDecodeError" not in result["error"]:
        found.append(f"{result['error'][0]}: {message}")
    if not NAMED.search(message):
        found.append(f"does not name shard and chunk: {message}")
    if len(message) > 500:
        found.append(f"too long: {message}")
    return found


def test_the_damaged_chunk_is_the_one_that_is_named(outcomes: dict[str, Any]) -> None:
    for name, case in CASES.items():
        result = outcomes[name]["one"]
        if isinstance(result, dict):
            place = tuple(map(int, np.unravel_index(case.slot, COUNTS)))
            assert str(place) in result["message"], (name, result["message"])


def test_memory(outcomes: dict[str, Any]) -> None:
    assert outcomes["memory"]["more"] < 48 << 20
