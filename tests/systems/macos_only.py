"""What is different on macOS, run by `test_systems` in the simulation."""

from __future__ import annotations

from pathlib import Path

import pytest

import zarr
from tests.systems import macos
from zarr import _system


def test_fsync_reaches_the_disk(tmp_path: Path) -> None:
    macos.synced.clear()
    zarr.DirectoryStore(tmp_path / "data", fsync=True)["x"] = b"x"
    assert len(macos.synced) >= 2  # the file, and the folder


def test_values_of_more_than_two_gigabytes(tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb") as file:
        file.truncate(5 << 29)
    store = zarr.DirectoryStore(tmp_path)
    (part,) = store.get_partial_values([("x", (10, None))])
    assert len(part) == (5 << 29) - 10


def test_names_where_the_volume_ignores_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upper, lower = zarr.DirectoryStore(tmp_path / "DATA"), zarr.DirectoryStore(tmp_path / "data")
    assert upper.address("a") != lower.address("a")
    monkeypatch.setenv("ZARR_TEST_IGNORES_CASE", "1")
    assert upper.address("a") == lower.address("A")


def test_workers() -> None:
    assert zarr.config.get().workers >= 1
    assert _system.count_processors() >= 1
