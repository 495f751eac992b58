"""The stores on other operating systems, each simulated in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SYSTEMS = ("macos", "windows")
LEAST = {"macos": 1250, "windows": 1100}
"""Tests that pass at least, so that none of the stores is left out unnoticed."""


def run(*arguments: str) -> str:
    environment = {n: v for n, v in os.environ.items() if not n.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    return done.stdout


@pytest.mark.parametrize("system", SYSTEMS)
def test_import_and_store(system: str, tmp_path: Path) -> None:
    code = (
        f"import sys; import tests.systems.{system}; import zarr; "
        "z = zarr.open_array(sys.argv[1], mode='w', shape=10, chunks=3); z[2:8] = 42; "
        "assert zarr.open(sys.argv[1])[:].sum() == 6 * 42"
    )
    run("-c", code, str(tmp_path / "data.zarr"))


@pytest.mark.slow
@pytest.mark.parametrize("system", SYSTEMS)
def test_stores_conform(system: str, tmp_path: Path) -> None:
    options = ["-q", "-p", f"tests.systems.{system}", "-p", "no:cacheprovider", "-p", "no:xdist"]
    files = [str(HERE / "conformance.py"), str(HERE / f"{system}_only.py")]
    left_out = ["-k", "not LMDB"] if system == "windows" else []  # lmdb itself is not simulated

    said = run("-m", "pytest", *options, f"--basetemp={tmp_path}/run", *left_out, *files)

    passed = re.search(r"(\d+) passed", said)
    assert passed is not None, said
    assert int(passed[1]) >= LEAST[system], said
