"""Selections as text mean what they mean in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import zarr
from zarr.cli._selections import parse_selection, read_selection

SHAPE, NAMES = (5, 7, 4), ["time", "lat", "lon"]
DATA = np.arange(np.prod(SHAPE)).reshape(SHAPE)
ARRAY = zarr.array(DATA, chunks=(2, 3, 4))


def part_of(length: int) -> st.SearchStrategy[str]:
    bound = st.just("") | st.integers(-length, length).map(str)
    slices = st.tuples(bound, bound, st.sampled_from(["", ":", ":1", ":2"])).map(
        lambda parts: f"{parts[0]}:{parts[1]}{parts[2]}"
    )
    return slices | st.integers(-length, length - 1).map(str)


PARTS = st.tuples(*map(part_of, SHAPE))


@given(
    parts=PARTS, count=st.integers(1, 3), brackets=st.booleans(), space=st.sampled_from(["", " "])
)
def test_positions(parts: tuple[str, ...], count: int, brackets: bool, space: str) -> None:
    text = f",{space}".join(parts[:count])
    expected: Any = eval(f"DATA[{text}]")

    found = read_selection(ARRAY, f"[{text}]" if brackets else text, None)

    np.testing.assert_array_equal(found, expected)


@given(parts=PARTS, order=st.permutations(range(3)), count=st.integers(1, 3))
def test_names(parts: tuple[str, ...], order: list[int], count: int) -> None:
    named = order[:count]
    text = ", ".join(f"{NAMES[axis]}={parts[axis]}" for axis in named)
    whole = ",".join(parts[axis] if axis in named else ":" for axis in range(3))

    np.testing.assert_array_equal(read_selection(ARRAY, text, NAMES), eval(f"DATA[{whole}]"))


@given(text=st.text(alphabet="0123456789:,[]().=-+ abxyz_'\"*{}", max_size=12))
def test_anything_else_is_a_value_error(text: str) -> None:
    try:
        selection = parse_selection(text, ["a", "b", "x"])
    except ValueError:
        return
    assert all(item is Ellipsis or isinstance(item, int | slice | list) for item in selection)


def test_selection_of_a_selection_is_refused() -> None:
    with pytest.raises(ValueError, match="is not understood"):
        parse_selection("0][1", None)
