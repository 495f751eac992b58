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
    *("small-write-memory", "points", "rows", "orthogonal", "coordinates", "coordinates-sorted"),
    *("mask", "strided", "blocks", "appends", "import"),
    *("sharded-write-directory", "sharded-chunks", "sharded-plane"),
    *("small-write-zip", "small-read-zip", "zstd-read-memory", "gzip-read-memory"),
    *("raw-read-directory", "readers-8", "peak-read", "peak-write"),
    *("many-open", "many-list", "many-consolidated"),
)


def test_quick_benchmark_finds_right_results(tmp_path: Path) -> None:
    answer = tmp_path / "timings.json"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--rounds", "1"]
    command += ["--json", str(answer), "--rows"]
    done = subprocess.run([*command, *ROWS], cwd=peers.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    results = json.loads(answer.read_text())["results"]
    assert set(results) == set(ROWS)
    problems = {(r, n): t["problem"] for r, ts in results.items() for n, t in ts.items()}
    assert not any(problems.values()), problems
    lacking = {(r, n) for r, ts in results.items() for n, t in ts.items() if t["lacking"]}
    assert {n for _, n in lacking} <= {"limit", "floor", "zarr2", "tensorstore", "h5py"}
    for row, timings in results.items():
        assert timings["ours"]["figures"], row
    assert "ours / zarr-python 2" in done.stdout
    assert "no shards" in done.stdout


@pytest.mark.remote
def test_remote_benchmark_counts_one_request_for_each_chunk() -> None:
    libraries = ("ours", "ours-fsspec", "tensorstore")
    command = [sys.executable, "benchmarks/remote.py", "--rounds", "1", "--libraries", *libraries]
    done = subprocess.run(command, cwd=peers.ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    rows = [line.split("|") for line in done.stdout.splitlines() if "PUT" in line]
    assert [(row[4].strip(), row[8].strip()) for row in rows] == [("256 PUT", "256 GET")] * 3
