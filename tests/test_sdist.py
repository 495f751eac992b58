"""The source distribution installs, and brings tests that pass without the repository."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TESTS = ["tests/groups", "tests/arrays/test_indexing.py", "tests/test_public_api.py",
         "tests/test_signatures.py", "tests/test_community.py"]  # fmt: skip
"""A fast part of the tests, which needs no other packages."""


def run(*command: str | Path, cwd: Path) -> str:
    # What this process has set for its own environment does not hold in the new one.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        command, cwd=cwd, env=kept, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:]
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(1800)  # most of it is pip, which waits for the network
def test_source_distribution_passes_its_own_tests(tmp_path: Path) -> None:
    pytest.importorskip("build")
    run(sys.executable, "-m", "build", "--sdist", f"--outdir={tmp_path}", cwd=ROOT)
    (archive,) = tmp_path.glob("zarr-*.tar.gz")
    with tarfile.open(archive) as file:
        file.extractall(tmp_path, filter="data")
    unpacked = archive.with_name(archive.name.removesuffix(".tar.gz"))
    run(sys.executable, "-m", "venv", "venv", cwd=tmp_path)
    python = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"

    run(python, "-m", "pip", "install", "--quiet", "--upgrade", "pip>=25.1", cwd=unpacked)
    run(python, "-m", "pip", "install", "--quiet", ".[msgpack]", "--group=few", cwd=unpacked)
    report = run(python, "-m", "pytest", "-q", "-m", "not slow", *TESTS, cwd=unpacked)

    where = run(python, "-c", "import zarr; print(zarr.__file__)", cwd=unpacked)
    assert str(tmp_path / "venv") in where
    assert " passed" in report
    for name in ("CONTRIBUTING.md", "SECURITY.md", "Makefile", "docs/index.md", "demo", ".ci"):
        assert (unpacked / name).exists()
