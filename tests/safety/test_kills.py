"""A killed process leaves nodes that are whole, the old or the new ones, or not there."""

from __future__ import annotations

import pytest

from .kills import LASTING, OPERATIONS, kill_often
from .places import LOCAL, REMOTE

HERE = [name for name in LASTING if name in LOCAL]
SEED = 1


@pytest.mark.parametrize("place", HERE)
def test_a_kill_leaves_no_node_in_halves(place: str) -> None:
    assert kill_often(place, 2 * len(OPERATIONS), SEED)[1] == {}


@pytest.mark.exhaustive
@pytest.mark.parametrize("place", HERE)
def test_five_hundred_kills_leave_no_node_in_halves(place: str) -> None:
    assert kill_often(place, 500, SEED)[1] == {}


@pytest.mark.remote
@pytest.mark.usefixtures("servers")
@pytest.mark.parametrize("place", REMOTE)
def test_a_kill_leaves_no_node_in_halves_on_a_server(place: str) -> None:
    assert kill_often(place, 2 * len(OPERATIONS), SEED)[1] == {}
