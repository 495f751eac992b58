"""`snapshot` and `recover`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import zarr
from tests.cli.command import environment, run_many

pytest.importorskip("click")


def test_snapshots(stores: Path) -> None:
    create, again, listed, text, asks, missing, nameless, named = run_many(
        stores,
        ["snapshot", "create", "v2.zarr", "one"],
        ["snapshot", "create", "v2.zarr", "one"],
        ["snapshot", "ls", "v2.zarr", "--json"],
        ["snapshot", "ls", "v2.zarr"],
        ["snapshot", "restore", "v2.zarr", "one"],
        ["snapshot", "rm", "v2.zarr", "none", "--yes"],
        ["snapshot", "create", "v2.zarr"],
        ["snapshot", "ls", "v2.zarr", "one"],
    )
    assert create.status == 0
    assert create.lines[0][-1] == "one"
    assert (stores / "v2.zarr/__snapshots/one").is_dir()
    assert again.status == 2
    assert "already" in again.err
    assert [one["name"] for one in listed.json] == ["one"]
    assert text.lines[0][-1] == "one"
    assert asks.status == 1
    assert missing.status != 0
    assert "no snapshot 'none'; there are 'one'" in missing.err
    assert (nameless.status, named.status) == (2, 2)
    assert "create takes a NAME" in nameless.err

    before = zarr.open(str(stores / "v2.zarr"))["count"][:]
    zarr.open(str(stores / "v2.zarr"))["count"][:] = 0
    restored, dropped, empty, elsewhere = run_many(
        stores,
        ["snapshot", "restore", "v2.zarr", "one", "--yes"],
        ["snapshot", "rm", "v2.zarr", "one", "--yes"],
        ["snapshot", "ls", "v2.zarr", "--json"],
        ["snapshot", "ls", "data.zip"],
    )
    assert (restored.status, dropped.status) == (0, 0)
    assert (zarr.open(str(stores / "v2.zarr"))["count"][:] == before).all()
    assert empty.json == []
    assert elsewhere.status == 2
    assert "no snapshots" in elsewhere.err


def test_recover(stores: Path) -> None:
    clean, same, none = run_many(
        stores,
        ["recover", "v2.zarr"],
        ["recover", "v2.zarr", "--json"],
        ["recover", "memory://none"],
    )
    assert (clean.status, clean.out) == (0, "clean\n")
    assert same.json == {"outcome": "clean"}
    assert none.status == 2
    assert "no transactions" in none.err


KILLED = """
import os, zarr

with zarr.transaction("v2.zarr") as changes:
    changes.group["count"][:] = 0
    os._exit(9)
"""


def test_recover_after_a_killed_writer(stores: Path) -> None:
    for options, expected in (["--json"], {"outcome": "rolled back"}), ([], "rolled back\n"):
        command = [sys.executable, "-c", KILLED]
        killed = subprocess.run(command, cwd=stores, env=environment(), timeout=120, check=False)
        (recovered,) = run_many(stores, ["recover", "v2.zarr", *options])

        assert (killed.returncode, recovered.status) == (9, 0)
        assert (recovered.json if options else recovered.out) == expected
    assert zarr.open(str(stores / "v2.zarr"), mode="r")["count"][:].any()
