"""KeyboardInterrupts at any moment leave a ZIP archive whole, and its store usable."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("zip_interrupter.py")


def interrupt(folder: Path, kind: str, times: int, seed: int) -> None:
    """Interrupt in another process, where no signal comes from the test runner."""
    done = subprocess.run(
        [sys.executable, str(PROGRAM), kind, str(folder / "a.zip"), str(times), str(seed)],
        capture_output=True,
        text=True,
        timeout=850,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= times


@pytest.mark.parametrize("kind", ["store", "array"])
def test_some_interruptions(tmp_path: Path, kind: str) -> None:
    interrupt(tmp_path, kind, 60, seed=1)


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", ["store", "array"])
def test_thousands_of_interruptions(tmp_path: Path, kind: str) -> None:
    interrupt(tmp_path, kind, 2000, seed=2)
