"""Runs the `zarr` command in processes of its own, many commands in one where that will do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

_SOURCES = str(Path(__file__).parents[2] / "src")

# Reads lists of arguments, runs the entry point with each, prints what came of it.
_MANY = """
import contextlib, io, json, sys
from _zarr_command import main

results = []
for arguments in json.load(sys.stdin):
    sys.argv = ["zarr", *arguments]
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main()
        except SystemExit as end:
            status = end.code
    texts = []
    for stream in (out, err):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode())
    results.append((status or 0, *texts))
json.dump(results, sys.stdout)
"""


class Result(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[list[str]]:
        return [line.split() for line in self.out.splitlines()]


def environment(**changes: str) -> dict[str, str]:
    path = os.pathsep.join(filter(None, [_SOURCES, os.environ.get("PYTHONPATH")]))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ZARR_")}
    return {**kept, "PYTHONPATH": path, "PYTHONUTF8": "1", **changes}


def run(cwd: Path, *arguments: str, stdin: str = "", **changes: str) -> Result:
    """Run one command as a user would."""
    done = subprocess.run(
        [sys.executable, "-m", "zarr", *arguments],
        cwd=cwd, env=environment(**changes), input=stdin, capture_output=True, text=True,
        encoding="utf-8", timeout=120,
    )  # fmt: skip
    return Result(done.returncode, done.stdout, done.stderr)


def run_many(cwd: Path, *commands: list[str]) -> list[Result]:
    """Run commands one after the other in one process."""
    done = subprocess.run(
        [sys.executable, "-c", _MANY],
        cwd=cwd, env=environment(), input=json.dumps(commands), stdout=subprocess.PIPE, text=True,
        encoding="utf-8", timeout=300, check=True,
    )  # fmt: skip
    return [Result(*result) for result in json.loads(done.stdout)]
