"""Real clients work with this package as they do with the one it takes the place of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients import clients

pytestmark = [pytest.mark.slow, pytest.mark.interop]


@pytest.fixture(scope="module")
def ours() -> Iterator[Path]:
    with clients.ours() as folder:
        yield folder


@pytest.mark.parametrize("name", clients.SUITES)
def test_what_passes_with_the_original_passes_with_ours(name: str, ours: Path) -> None:
    expected = clients.passing()[name]
    outcomes = clients.run(name, ours)
    print(f"{name}: {dict(Counter(outcomes.values()))}, with the original {len(expected)} passed")
    assert expected
    assert clients.lost(expected, outcomes) == []


def test_rechunker(ours: Path, tmp_path: Path) -> None:
    printed = clients.printed_by("rechunk.py", ours, tmp_path)
    assert printed == "rechunked (100, 90) array and group\n"


def test_executors_of_other_packages(ours: Path, tmp_path: Path) -> None:
    printed = clients.printed_by("executors.py", ours, tmp_path)
    assert printed == "loky killed dask killed warned\n"
