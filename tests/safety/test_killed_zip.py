"""What was flushed to a ZIP archive is there, whenever its writer is killed."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest

from . import zip_writers


def kill(path: pathlib.Path, rounds: int, seed: int) -> int:
    """Kill writers, with all checks; return after how many kills the archive had no end."""
    done = subprocess.run(
        [sys.executable, zip_writers.__file__, str(path), str(rounds), str(seed)],
        capture_output=True,
        text=True,
        timeout=850,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_killed_at_some_moments(tmp_path: pathlib.Path) -> None:
    assert kill(tmp_path / "a.zip", 12, seed=1) > 0


@pytest.mark.exhaustive
def test_killed_at_six_hundred_moments(tmp_path: pathlib.Path) -> None:
    assert kill(tmp_path / "a.zip", 600, seed=2) > 100
