"""Spoiled stores give exceptions of :mod:`zarr.errors`, in little time and memory, or nothing."""

from __future__ import annotations

from . import hostile_fuzz

SEED = 20260728
COUNT = 5000


def test_spoiled_stores() -> None:
    wrong = hostile_fuzz.run(SEED, 0, COUNT)
    assert not wrong, f"{len(wrong)} of {COUNT} cases, the first: {wrong[0]}"
