"""Transactions that are killed, cut off from power, and read meanwhile; more in transactions.py."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest

import zarr
from tests.safety.transactions import NEW, OLD, WORKLOADS, Workload, power_failures

posix = pytest.mark.skipif(sys.platform == "win32", reason="follows the calls of POSIX")
ROOT = Path(__file__).parents[2]


@posix
@pytest.mark.parametrize("workload", WORKLOADS[:2], ids=str)
def test_killed_before_each_call(workload: Workload, tmp_path: Path) -> None:
    """In a process of its own, as a process with threads should not fork."""
    code = f"""
import itertools
from tests.safety.transactions import Workload, kills
trials = kills({workload!r}, {str(tmp_path)!r}, range(40, 130, 6))
print(*[outcome for outcome, _ in itertools.islice(trials, 18)], sep="\\n")
"""
    answer = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        capture_output=True, text=True, timeout=250,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert {"rolled back", "rolled forward"} <= set(answer.stdout.splitlines())


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_power_failures(tmp_path: Path) -> None:
    trials = power_failures(Workload(2, "3", fsync=True), str(tmp_path), seed=1)
    outcomes = set(itertools.islice(trials, 130))
    assert outcomes == {"clean, state 3", "rolled back", "rolled forward", "clean, state 4"}


READER = """
import sys
import zarr
from tests.safety.transactions import Workload
workload = Workload(2, "2")
states = []
while True:
    with zarr.transaction(sys.argv[1], read_only=True) as txn:
        states.append(workload.state(txn.store))
    if len(states) == 1:
        print("ready", flush=True)
    if states[-1] == 4:
        break
print(sorted(set(states)), states == sorted(states), flush=True)
"""


def test_a_reader_meanwhile_sees_the_old_state_or_the_new_one(tmp_path: Path) -> None:
    workload, path = Workload(2, "2"), str(tmp_path / "store")
    workload.make(path)
    with subprocess.Popen(
        [sys.executable, "-c", READER, path],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        stdout=subprocess.PIPE, text=True,
    ) as reader:  # fmt: skip
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
        assert workload.state(path) == OLD
        workload.advance(path)
        assert reader.stdout.readline() == "[3, 4] True\n"
    assert workload.state(zarr.DirectoryStore(path)) == NEW
