"""Arrays whose chunks differ in length, and shards that do, are what NumPy has, too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import zarr

from .layouts import build, engine_of, layouts, same
from .test_selections import (
    EVERY_KIND,
    KINDS,
    reference,
    shape_of,
    some_dimensions,
    values,
    write_both,
)

DTYPES = [
    "|b1", "|i1", "<i4", "<u8", "<f4", "<f8", "<c16", "<M8[ns]", "|S7", "<U3", "vlen-utf8",
    [("foo", "S3"), ("bar", "<i4"), ("baz", "<f8")],
]  # fmt: skip


@st.composite
def listed(draw: st.DrawFn, length: int, unit: int = 1) -> Any:
    """Draw chunk lengths for one dimension, multiples of `unit`, perhaps more than needed."""
    if draw(st.integers(0, 3)) == 0:
        return unit * draw(st.integers(1, 4))
    lengths: list[Any] = []
    room = length + draw(st.sampled_from([0, 0, 3, 9]))
    while room > 0 or not lengths:
        edge, count = (
            unit * draw(st.sampled_from([1, 1, 2, 3, 5])),
            draw(st.sampled_from([1, 1, 3])),
        )
        pair = draw(st.booleans())
        lengths += [(edge, count)] if pair else [edge] * count
        room -= edge * count
    return lengths


@st.composite
def grids(draw: st.DrawFn, shape: tuple[int, ...]) -> dict[str, Any]:
    """Draw arguments `chunks`, and perhaps `shards`, with a list for a dimension or more."""
    sharded = draw(st.booleans())
    units = [draw(st.integers(1, 3)) if sharded else 1 for _ in shape]
    lengths = [draw(listed(n, unit)) for n, unit in zip(shape, units, strict=True)]
    if all(isinstance(n, int) for n in lengths):
        lengths[0] = [units[0] * max(1, shape[0])]
    return {"chunks": units, "shards": lengths} if sharded else {"chunks": lengths}


@st.composite
def arrays(draw: st.DrawFn, folder: Path) -> Any:
    """Draw a layout; return it, the array and what NumPy has."""
    layout = draw(
        layouts(shape=some_dimensions, dtypes=DTYPES, stores=["none", "dict", "directory"])
    )
    grid = draw(grids(layout.shape))
    layout = replace(layout, filters=None, chunks=grid.pop("chunks"))
    return layout, *build(layout, folder, **grid)


@pytest.mark.parametrize("name", EVERY_KIND)
@given(data=st.data())
def test_reads_what_numpy_reads(name: str, scratch: Path, data: st.DataObject) -> None:
    kind = KINDS[name]
    layout, z, a = data.draw(arrays(scratch))
    with engine_of(layout):
        selection = data.draw(kind.draw(z))
        expected = reference(kind, z, a, selection)
        same(kind.read(z, selection), expected)
        same(kind.bracket(zarr.Array(z.store))[selection], expected)


@pytest.mark.parametrize("name", EVERY_KIND)
@given(data=st.data())
def test_writes_what_numpy_writes(name: str, scratch: Path, data: st.DataObject) -> None:
    kind = KINDS[name]
    layout, z, a = data.draw(arrays(scratch))
    with engine_of(layout):
        for _ in range(data.draw(st.integers(1, 3))):
            selection = data.draw(kind.draw(z))
            value = data.draw(values(layout, shape_of(kind, z, selection)))
            write_both(kind, z, a, selection, value, layout, data.draw(st.booleans()))
        same(z[...], a)
        same(zarr.Array(z.store)[...], a)


@given(data=st.data())
def test_lengths_add_up_and_blocks_are_chunks(scratch: Path, data: st.DataObject) -> None:
    _, z, a = data.draw(arrays(scratch))
    for lengths, length, count in zip(z.chunks, z.shape, z.cdata_shape, strict=True):
        if isinstance(lengths, tuple):
            assert sum(lengths) == length
            assert len(lengths) == count
    if a.size:
        assert sum(z.blocks[(at,) + (slice(None),) * (z.ndim - 1)].size
                   for at in range(z.cdata_shape[0])) == a.size  # fmt: skip
    for ours, theirs in zip(z, a, strict=True):
        same(ours, theirs)


@given(data=st.data())
def test_copies_are_equal(scratch: Path, data: st.DataObject) -> None:
    _, z, a = data.draw(arrays(scratch))
    dest = zarr.group(zarr_format=data.draw(st.sampled_from([2, 3])))
    zarr.copy(z, dest, name="x")
    same(dest["x"][...], a)


@given(data=st.data())
def test_data_move_between_grids(scratch: Path, data: st.DataObject) -> None:
    _, z, a = data.draw(arrays(scratch))
    grid = data.draw(grids(z.shape))
    dest = zarr.group(zarr_format=3)
    zarr.copy(z, dest, name="x", **grid)
    same(dest["x"][...], a)


@given(data=st.data())
def test_arrays_like_it_have_its_grid(scratch: Path, data: st.DataObject) -> None:
    _, z, a = data.draw(arrays(scratch))
    other = zarr.full_like(z)
    assert (other.chunks, other.shards) == (z.chunks, z.shards)
    other[...] = a
    same(other[...], a)
