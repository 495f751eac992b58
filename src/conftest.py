"""Doctests of the modules: each one runs in a directory of its own."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let examples write to paths such as data/example.zarr and leave nothing behind."""
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
