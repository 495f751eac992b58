"""Commits that several processes make at once are all there afterwards."""

from __future__ import annotations

import pytest

from tests.tools import commits


@pytest.mark.parametrize("kind", ["directory", "ocdbt"])
def test_none_is_lost(kind: str) -> None:
    if kind == "ocdbt":
        pytest.importorskip("tensorstore")
    assert commits.survivors(kind, processes=3, commits=4) == 12
