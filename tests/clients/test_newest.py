"""The newest clients, written for the 3.x library, work with this package as with that one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients import newest
from tests.interop import peers

pytestmark = [pytest.mark.slow, pytest.mark.interop]


@pytest.fixture(scope="module")
def ours() -> Iterator[Path]:
    try:
        with newest.ours() as folder:
            yield folder
    except peers.MissingPythonError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("program", newest.PROGRAMS)
def test_what_works_with_the_original_works_with_ours(program: str, ours: Path) -> None:
    original = newest.run(program, None)
    outcomes = newest.run(program, ours)

    assert outcomes["zarr"].startswith(f"{newest.VERSION} {ours}")
    assert sum(outcome == "passed" for outcome in original.values()) > 10
    assert newest.lost(original, outcomes) == {}
