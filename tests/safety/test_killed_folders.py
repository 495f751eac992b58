"""A process that is killed leaves values whole, and folders moved or deleted or not at all."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import numpy as np
import pytest

import zarr
from zarr.storage import BaseStore

from . import folder_writers
from .folder_writers import KINDS, SIZE, VALUES


def check(store: BaseStore) -> None:
    for folder in ("a", "b/c", "new"):
        found = store.getitems([f"{folder}/v{n}" for n in range(VALUES)])
        for value in found.values():
            assert len(value) == SIZE
            assert len(set(bytes(value))) == 1
        if store.atomic_folders and folder != "new":
            assert len(found) in (0, VALUES)
            assert len({bytes(value) for value in found.values()}) <= 1
            assert len(store.listdir(folder)) == len(found)
    assert set(store.listdir()) <= {"a", "b", "new", "z", ".zgroup"}
    if zarr.storage.contains_array(store, "z"):
        z = zarr.open_array(store, path="z", mode="r")
        for i, j in np.ndindex(2, 2):
            assert len(np.unique(z.blocks[i, j])) == 1


def run(path: pathlib.Path, kind: str, rounds: int) -> None:
    arguments = [sys.executable, folder_writers.__file__, str(path), kind, str(rounds)]
    with subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as driver:
        assert driver.stdin is not None
        assert driver.stdout is not None
        try:
            for _ in range(rounds):
                assert driver.stdout.readline() == "killed\n"
                check(KINDS[kind](str(path)))
                driver.stdin.write("\n")
                driver.stdin.flush()
            assert driver.wait(timeout=60) == 0
        finally:
            driver.kill()
    # What is left behind is no obstacle.
    store = KINDS[kind](str(path))
    store.rmdir()
    assert list(store) == []


@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_some_moments(kind: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / "data").mkdir()
    run(tmp_path / "data", kind, 8)


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_many_moments(kind: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / "data").mkdir()
    run(tmp_path / "data", kind, 250)
