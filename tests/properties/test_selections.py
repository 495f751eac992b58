"""Any selection of any kind reads and writes exactly what NumPy does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import zarr

from . import selections as sel
from .layouts import RECORD_DTYPES, Layout, build, engine_of, large_layouts, layouts, same, shapes

Index = Any


@dataclass(frozen=True)
class Kind:
    """One kind of selection: how to draw one, how to use it, what NumPy calls it."""

    draw: Callable[[Any], st.SearchStrategy[Index]]
    method: str
    bracket: Callable[[Any], Any]
    numpy_index: Callable[[Index, Any], tuple[Index, tuple[int, ...] | None]]

    def read(self, z: Any, selection: Index, **kwargs: Any) -> Any:
        return getattr(z, f"get_{self.method}_selection")(selection, **kwargs)

    def write(self, z: Any, selection: Index, value: Any, **kwargs: Any) -> None:
        getattr(z, f"set_{self.method}_selection")(selection, value, **kwargs)


def _as_is(selection: Index, z: Any) -> tuple[Index, None]:
    return selection, None


def _as_arrays(selection: Index, z: Any) -> tuple[Index, None]:
    # To NumPy a list of lists is one index, not one per dimension, unless in a tuple.
    return (selection if isinstance(selection, tuple) else (selection,)), None


KINDS = {
    "basic": Kind(lambda z: sel.basic(z.shape), "basic", lambda z: z, _as_is),
    "orthogonal": Kind(
        lambda z: sel.orthogonal(z.shape),
        "orthogonal",
        lambda z: z.oindex,
        lambda s, z: sel.outer(s, z.shape),
    ),
    "coordinate": Kind(
        lambda z: sel.coordinates(z.shape), "coordinate", lambda z: z.vindex, _as_arrays
    ),
    "mask": Kind(lambda z: sel.masks(z.shape), "mask", lambda z: z.vindex, _as_is),
    "block": Kind(
        lambda z: sel.blocks(z.cdata_shape if z.ndim else ()),
        "block",
        lambda z: z.blocks,
        lambda s, z: (sel.block_slices(s, z.shape, z.chunks), None),
    ),
}

EVERY_KIND = list(KINDS)

some_dimensions = shapes.filter(lambda shape: len(shape) > 0)


def layouts_for(kind: str, **options: Any) -> st.SearchStrategy[Layout]:
    """Draw layouts; points need at least one dimension."""
    if kind in ("coordinate", "mask", "mixed"):
        return layouts(shape=some_dimensions, **options)
    return layouts(**options)


def reference(kind: Kind, z: Any, a: Any, selection: Index) -> Any:
    """Return what NumPy reads."""
    index, shape = kind.numpy_index(selection, z)
    result = a[index]
    return result if shape is None or a.ndim == 0 else result.reshape(shape)[()]


def shape_of(kind: Kind, z: Any, selection: Index) -> tuple[int, ...]:
    """Return the shape of what is selected; an item may be an array itself, so do not ask it."""
    return np.shape(reference(kind, z, np.zeros(z.shape, bool), selection))


# -- values to write -------------------------------------------------------------------


@st.composite
def values(draw: st.DrawFn, layout: Layout, shape: tuple[int, ...]) -> Any:
    """Draw something that NumPy would take as the value for a selection of `shape`."""
    if layout.object_codec and not shape:
        return layout.items((1,), draw(st.integers(1, 9)))[0]
    value = layout.items(shape, draw(st.integers(1, 9)))
    kinds = ["array", "array", "fortran", "strided", "zarr", "scalar", "broadcast", "read-only"]
    if value.dtype.kind in "biufSU":
        kinds += ["list", "list"]
    if layout.object_codec:
        kinds = ["array"]
        if layout.object_codec in ("vlen-utf8", "vlen-bytes", "categorize"):
            kinds.append("scalar")
    kind = draw(st.sampled_from(kinds))
    if kind == "fortran":
        return np.array(value, order="F")
    if kind == "strided" and shape:
        twice = np.repeat(value, 2, axis=-1)
        return twice[..., ::2]
    if kind == "zarr" and shape and 0 not in shape:
        return zarr.array(value, chunks=2)
    if kind == "scalar":
        return layout.items((), 5)[()]
    if kind == "broadcast" and shape:
        return draw(broadcastable(value))
    if kind == "list" and value.size:
        return value.tolist()
    if kind == "read-only":
        value.flags.writeable = False
    return value


@st.composite
def broadcastable(draw: st.DrawFn, value: np.ndarray[Any, Any]) -> Any:
    """Draw a part of `value` that broadcasts to its shape."""
    index: list[Any] = [slice(1) if draw(st.booleans()) else slice(None) for _ in value.shape]
    if 0 not in value.shape:
        drop = draw(st.integers(0, value.ndim - 1))
        index[:drop] = [0] * drop
    return value[tuple(index)]


def as_numpy(value: Any, layout: Layout) -> Any:
    """Return `value` as NumPy takes it."""
    if isinstance(value, zarr.Array):
        return value[...]
    return value


# -- the properties --------------------------------------------------------------------


@pytest.mark.parametrize("name", EVERY_KIND)
@given(data=st.data())
def test_reads_what_numpy_reads(name: str, scratch: Path, data: st.DataObject) -> None:
    kind = KINDS[name]
    layout = data.draw(layouts_for(name))
    with engine_of(layout):
        z, a = build(layout, scratch)
        selection = data.draw(kind.draw(z))
        expected = reference(kind, z, a, selection)
        same(kind.read(z, selection), expected)
        same(kind.bracket(z)[selection], expected)


@pytest.mark.parametrize("name", EVERY_KIND)
@given(data=st.data())
def test_reads_into_a_given_array(name: str, scratch: Path, data: st.DataObject) -> None:
    kind = KINDS[name]
    layout = data.draw(layouts_for(name))
    with engine_of(layout):
        z, a = build(layout, scratch)
        selection = data.draw(kind.draw(z))
        expected = reference(kind, z, a, selection)
        shape = shape_of(kind, z, selection)
        around = np.zeros(tuple(n + 2 for n in shape), a.dtype)
        if data.draw(st.booleans()):
            around = np.array(around, order="F")
        out = around[(*(slice(1, -1) for _ in shape), Ellipsis)]
        kind.read(z, selection, out=out)
        same(out if shape else out[()], expected)


@pytest.mark.parametrize("name", EVERY_KIND)
@given(data=st.data())
def test_writes_what_numpy_writes(name: str, scratch: Path, data: st.DataObject) -> None:
    kind = KINDS[name]
    layout = data.draw(layouts_for(name))
    with engine_of(layout):
        z, a = build(layout, scratch)
        for _ in range(data.draw(st.integers(1, 3))):
            selection = data.draw(kind.draw(z))
            value = data.draw(values(layout, shape_of(kind, z, selection)))
            write_both(kind, z, a, selection, value, layout, data.draw(st.booleans()))
        same(z[...], a)
        same(zarr.Array(z.store)[...], a)


def write_both(
    kind: Kind, z: Any, a: Any, selection: Index, value: Any, layout: Layout, bracket: bool
) -> None:
    """Write `value` to the Zarr array and to the NumPy array."""
    if bracket:
        kind.bracket(z)[selection] = value
    else:
        kind.write(z, selection, value)
    index, shape = kind.numpy_index(selection, z)
    plain = as_numpy(value, layout)
    if a.dtype == object and isinstance(plain, np.ndarray) and plain.dtype != object:
        # An array that is one item: NumPy would spread it over cells.
        cells = np.zeros(a.shape, bool)
        cells[index] = True
        a[tuple(np.argwhere(cells)[0])] = plain
    elif shape is None or a.ndim == 0:
        a[index] = plain
    else:
        # Dimensions selected by an integer are there in the index, but not in the value.
        target = a[index].reshape(shape)
        target[...] = plain
        a[index] = target.reshape(a[index].shape)


@given(data=st.data())
def test_brackets_take_lists_and_masks(scratch: Path, data: st.DataObject) -> None:
    layout = data.draw(layouts_for("mixed"))
    with engine_of(layout):
        z, a = build(layout, scratch)
        selection = data.draw(sel.mixed(z.shape))
        points = all(not isinstance(i, slice) for i in sel.expand(selection, a.ndim))
        boolean = any(
            np.asarray(i).dtype == bool
            for i in sel.expand(selection, a.ndim)
            if not isinstance(i, slice)
        )
        kind = KINDS["coordinate" if points and not boolean and a.ndim > 0 else "orthogonal"]
        if points and not boolean and not _has_array(selection):
            kind = KINDS["basic"]
        expected = reference(kind, z, a, selection)
        same(z[selection], expected)
        value = data.draw(values(layout, shape_of(kind, z, selection)))
        write_both(
            Kind(kind.draw, kind.method, lambda z: z, kind.numpy_index),
            z, a, selection, value, layout, True,
        )  # fmt: skip
        same(z[...], a)


def _has_array(selection: Index) -> bool:
    items = selection if isinstance(selection, tuple) else (selection,)
    return any(isinstance(item, (list, np.ndarray)) for item in items)


@given(data=st.data())
def test_brackets_take_a_mask_of_the_whole_array(scratch: Path, data: st.DataObject) -> None:
    layout = data.draw(layouts_for("mask"))
    with engine_of(layout):
        z, a = build(layout, scratch)
        mask = data.draw(sel.masks(z.shape))
        same(z[mask], a[mask])
        value = data.draw(values(layout, a[mask].shape))
        z[mask] = value
        a[mask] = as_numpy(value, layout)
        same(z[...], a)


@pytest.mark.parametrize("name", EVERY_KIND)
@given(data=st.data())
def test_fields(name: str, scratch: Path, data: st.DataObject) -> None:
    kind = KINDS[name]
    layout = data.draw(layouts_for(name, dtypes=RECORD_DTYPES))
    names = layout.np_dtype().names
    assert names is not None
    with engine_of(layout):
        z, a = build(layout, scratch)
        selection = data.draw(kind.draw(z))
        field = data.draw(st.sampled_from(names))
        several = data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
        expected = reference(kind, z, a, selection)
        same(kind.read(z, selection, fields=field), expected[field])
        both = kind.read(z, selection, fields=several)
        assert both.dtype.names == tuple(several)
        for one in several:
            same(both[one], expected[several][one])

        part = layout.items(np.shape(expected), 3)[field]
        kind.write(z, selection, part, fields=field)
        index, _ = kind.numpy_index(selection, z)
        if name in ("basic", "block"):
            index = tuple(sel.expand(index, a.ndim))  # the field may have dimensions of its own
        target = a[field]
        target[index] = np.reshape(part, np.shape(target[index]))
        same(z[...], a)


@given(data=st.data())
def test_operations_of_all_kinds_in_a_row(scratch: Path, data: st.DataObject) -> None:
    layout = data.draw(layouts(shape=some_dimensions))
    with engine_of(layout):
        z, a = build(layout, scratch)
        for _ in range(data.draw(st.integers(2, 6))):
            kind = KINDS[data.draw(st.sampled_from(EVERY_KIND))]
            selection = data.draw(kind.draw(z))
            if data.draw(st.booleans()):
                same(kind.read(z, selection), reference(kind, z, a, selection))
            else:
                value = data.draw(values(layout, shape_of(kind, z, selection)))
                write_both(kind, z, a, selection, value, layout, data.draw(st.booleans()))
        same(z[...], a)


@pytest.mark.parametrize("name", EVERY_KIND)
@settings(max_examples=max(5, (settings.get_current_profile_name() == "ci" and 40) or 0))
@given(data=st.data())
def test_threads_read_and_write_the_same(name: str, scratch: Path, data: st.DataObject) -> None:
    kind = KINDS[name]
    layout = data.draw(large_layouts())
    with engine_of(layout):
        z, a = build(layout, scratch)
        selection = data.draw(kind.draw(z))
        same(kind.read(z, selection), reference(kind, z, a, selection))
        value = data.draw(values(layout, shape_of(kind, z, selection)))
        write_both(kind, z, a, selection, value, layout, data.draw(st.booleans()))
        same(z[...], a)


def test_the_ci_profile_generates_at_least_two_thousand_cases() -> None:
    here = [name for name in globals() if name.startswith("test_")]
    parametrized = [name for name in here if hasattr(globals()[name], "pytestmark")]
    runs = len(parametrized) * len(EVERY_KIND) + len(here) - 1 - len(parametrized)
    assert runs * settings.get_profile("ci").max_examples >= 2000
