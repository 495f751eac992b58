"""The benchmark runs, and every library's results in it are right."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.interop import peers

pytestmark = [pytest.mark.slow, pytest.mark.interop]

# Neither thousands of files nor large arrays.
ROWS = (
    *("bulk-read-memory", "bulk-points", "tiny-read-memory"),
    *("small-write-directory", "small-read-directory", "open"),
    *("small-write-memory", "points", "rows", "orthogonal", "coordinates"),
    *("mask", "strided", "blocks", "appends", "import"),
)


def test_quick_benchmark_finds_right_results(tmp_path: Path) -> None:
    answer = tmp_path / "timings.json"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--json", str(answer), "--rows"]
    done = subprocess.run([*command, *ROWS], cwd=peers.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    results = json.loads(answer.read_text())["results"]
    assert set(results) == set(ROWS)
    problems = {(r, n): t["problem"] for r, ts in results.items() for n, t in ts.items()}
    assert not any(problems.values()), problems
    assert "ours / zarr-python 2" in done.stdout
