"""An interrupt at any moment leaves a store as it was or as it should be, and usable."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import interrupted_stores
from .test_killed_databases import python

KINDS = ["sqlite", "lmdb", "dbm.dumb", "berkeleydb"]


def run(kind: str, place: object, count: int) -> None:
    with python(interrupted_stores.__file__, kind, place, count, 0) as program:
        assert program.stdout is not None
        said = program.stdout.read()
        assert program.wait(600) == 0
    assert said.startswith(f"{count} interrupts")


@pytest.mark.parametrize("kind", KINDS)
def test_interrupted_at_some_moments(kind: str, tmp_path: Path) -> None:
    run(kind, tmp_path / "data", 60)


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", KINDS)
def test_interrupted_at_a_thousand_moments(kind: str, tmp_path: Path) -> None:
    run(kind, tmp_path / "data", 1000)
