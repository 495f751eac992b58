"""What is drawn on a terminal, and not in a pipe."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import environment, run

pytest.importorskip("click")
pty = pytest.importorskip("pty", reason="only POSIX has pseudo-terminals")


def on_a_terminal(cwd: Path, *arguments: str, answer: str = "") -> tuple[int, str]:
    """Run a command on a pseudo-terminal; return its status and all that it drew."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "zarr", *arguments],
        cwd=cwd, env=environment(TERM="xterm", COLUMNS="80"),
        stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    os.write(ours, answer.encode())
    drawn = b""
    try:
        while part := os.read(ours, 65536):
            drawn += part
    except OSError:  # so Linux tells that the other end is closed
        pass
    os.close(ours)
    return process.wait(timeout=120), drawn.decode()


def test_a_terminal_gets_a_bar_and_a_pipe_does_not(made: Path, tmp_path: Path) -> None:
    pytest.importorskip("rich")
    source = str(made / "v2.zarr")

    status, drawn = on_a_terminal(tmp_path, "cp", source, "terminal.zarr")
    piped = run(tmp_path, "cp", source, "pipe.zarr")

    assert status == 0
    assert "copying" in drawn
    assert "\x1b[" in drawn
    assert "13 copied, 0 skipped" in drawn
    assert (piped.status, piped.err) == (0, "")
    assert piped.out.startswith("13 copied")
    assert "\x1b" not in piped.out


def test_questions_are_asked_on_the_terminal(stores: Path) -> None:
    status, drawn = on_a_terminal(stores, "rm", "v2.zarr/count", answer="n\n")

    assert status == 1
    assert "Delete the array v2.zarr/count" in drawn
    assert (stores / "v2.zarr/count/.zarray").exists()


def test_a_closed_pipe_is_no_traceback(made: Path) -> None:
    command = f'"{sys.executable}" -m zarr dump v2.zarr | head -n 1'

    done = subprocess.run(
        command, shell=True, cwd=made, env=environment(), capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip

    assert done.stdout == "# /count (20,) int32\n"
    assert done.stderr == ""
