"""Selections of every kind, and what NumPy makes of them.

For each kind there is a strategy that draws one for a shape, and, where NumPy's own
indexing differs, a function that turns it into an index that NumPy understands.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

Index = Any


# -- one dimension ---------------------------------------------------------------------


def integers(length: int) -> st.SearchStrategy[Any]:
    """An index within bounds, of any integer type."""
    return st.builds(
        lambda i, kind: kind(i),
        st.integers(-length, length - 1),
        st.sampled_from([int, int, np.int64, np.int32]),
    )


def slices(length: int) -> st.SearchStrategy[slice]:
    """A slice with a positive step whose ends may lie outside."""
    ends = st.none() | st.integers(-length - 3, length + 3)
    steps = st.sampled_from([None, None, 1, 1, 2, 3, 7, 100])
    return st.builds(slice, ends, ends, steps)


@st.composite
def integer_arrays(draw: st.DrawFn, length: int, size: int | None = None) -> Any:
    """Indices in any order, some of them repeated or negative, as array or list."""
    sizes = {"min_size": 0, "max_size": 8} if size is None else {"min_size": size, "max_size": size}
    if length == 0:
        return np.zeros(0, int)
    kind = draw(st.sampled_from(["any", "rising", "unique", "whole"]))
    items = draw(st.lists(st.integers(-length, length - 1), **sizes))
    if kind == "rising":
        items = sorted(i % length for i in items)
    elif kind == "unique" and size is None:
        items = list(dict.fromkeys(i % length for i in items))
    elif kind == "whole" and size is None:
        items = list(range(length))
    as_type = draw(st.sampled_from(["list", "i8", "i4", "u4"]))
    if as_type == "list" and items:
        return items
    if as_type == "u4":
        items = [i % length for i in items]
    return np.array(items, "i8" if as_type == "list" else as_type)


def masks(shape: tuple[int, ...]) -> st.SearchStrategy[Any]:
    """A Boolean array of `shape` with none, some or all cells chosen."""

    def make(density: float, seed: int) -> Any:
        return np.random.default_rng(seed).random(shape) < density

    return st.builds(make, st.sampled_from([0.0, 0.05, 0.3, 0.9, 1.0]), st.integers(0, 999))


# -- all dimensions --------------------------------------------------------------------


@st.composite
def _with_ellipsis(draw: st.DrawFn, items: list[Any]) -> Index:
    """Shorten a full selection where that does not change it, and unpack single items."""
    whole = [isinstance(item, slice) and item == slice(None) for item in items]
    how = draw(st.sampled_from(["full", "full", "trailing", "ellipsis", "bare"]))
    if how == "trailing":
        while items and whole[len(items) - 1]:
            items = items[:-1]
    elif how == "ellipsis":
        start = draw(st.integers(0, len(items)))
        stop = start
        while stop < len(items) and whole[stop]:
            stop += 1
        items = [*items[:start], Ellipsis, *items[stop:]]
    elif how == "bare" and len(items) == 1:
        return items[0]
    return tuple(items)


@st.composite
def basic(draw: st.DrawFn, shape: tuple[int, ...]) -> Index:
    """Integers and slices, perhaps an ellipsis."""
    items = []
    for length in shape:
        kinds = [slices(length), slices(length), st.just(slice(None))]
        if length:
            kinds.append(integers(length))
        items.append(draw(st.one_of(kinds)))
    return draw(_with_ellipsis(items))


@st.composite
def orthogonal(draw: st.DrawFn, shape: tuple[int, ...]) -> Index:
    """Integers, slices, integer arrays and Boolean arrays, one per dimension."""
    items = []
    for length in shape:
        kinds = [slices(length), st.just(slice(None)), integer_arrays(length), masks((length,))]
        if length:
            kinds.append(integers(length))
        items.append(draw(st.one_of(kinds)))
    return draw(_with_ellipsis(items))


@st.composite
def coordinates(draw: st.DrawFn, shape: tuple[int, ...]) -> Index:
    """One integer array per dimension, of shapes that broadcast; at least one array."""
    if 0 in shape:
        return tuple(np.zeros(0, int) for _ in shape)
    target = draw(st.lists(st.integers(0, 4), min_size=1, max_size=3).map(tuple))
    items: list[Any] = []
    for length in shape:
        part = list(target[draw(st.integers(0, len(target) - 1)) :])
        part = [1 if draw(st.booleans()) and n != 0 else n for n in part]
        seed = draw(st.integers(0, 999))
        items.append(np.random.default_rng(seed).integers(-length, length, tuple(part)))
    fixed = draw(st.integers(0, len(shape) - 1))
    seed = draw(st.integers(0, 999))
    items[fixed] = np.random.default_rng(seed).integers(-shape[fixed], shape[fixed], target)
    for i, length in enumerate(shape):
        if i != fixed and draw(st.integers(0, 4)) == 0:
            items[i] = draw(integers(length))
        elif items[i].size and draw(st.booleans()):
            items[i] = items[i].tolist()
    return tuple(items) if len(items) > 1 or draw(st.booleans()) else items[0]


@st.composite
def blocks(draw: st.DrawFn, grid: tuple[int, ...]) -> Index:
    """Integers and slices of step one, in units of chunks."""
    items = []
    for count in grid:
        ends = st.none() | st.integers(-count - 2, count + 2)
        begins = st.none() | st.integers(min(-count, 0), max(count - 1, 0))  # within the grid
        kinds = [st.builds(slice, begins, ends), st.just(slice(None))]
        if count:
            kinds.append(integers(count))
        items.append(draw(st.one_of(kinds)))
    return draw(_with_ellipsis(items))


@st.composite
def mixed(draw: st.DrawFn, shape: tuple[int, ...]) -> Index:
    """What ``z[...]`` takes besides basic selections.

    At most one list or Boolean array among integers and slices, or coordinates for all
    dimensions.
    """
    if draw(st.integers(0, 3)) == 0:
        return draw(coordinates(shape))
    at = draw(st.integers(0, len(shape) - 1))
    items = []
    for i, length in enumerate(shape):
        kinds: list[Any] = [slices(length), st.just(slice(None))]
        if length:
            kinds.append(integers(length))
        if i == at:
            kinds = [integer_arrays(length), masks((length,))]
        items.append(draw(st.one_of(kinds)))
    plain = all(isinstance(item, slice) for i, item in enumerate(items) if i != at)
    return draw(_with_ellipsis(items)) if plain else tuple(items)  # integers may stand apart


# -- as NumPy has it -------------------------------------------------------------------


def expand(selection: Index, ndim: int) -> list[Any]:
    """Return one item per dimension: ellipses and omissions become full slices."""
    items = list(selection) if isinstance(selection, tuple) else [selection]
    at = next((i for i, item in enumerate(items) if item is Ellipsis), None)
    if at is None:
        return items + [slice(None)] * (ndim - len(items))
    missing = ndim - (len(items) - 1)
    return items[:at] + [slice(None)] * missing + items[at + 1 :]


def outer(selection: Index, shape: tuple[int, ...]) -> tuple[Index, tuple[int, ...]]:
    """Return an index for NumPy that selects orthogonally, and the shape of the result."""
    axes, lengths = [], []
    for item, length in zip(expand(selection, len(shape)), shape, strict=True):
        if isinstance(item, (int, np.integer)):
            axes.append(np.array([item], int))
            continue
        chosen = np.arange(length)[item if isinstance(item, slice) else np.asarray(item)]
        axes.append(chosen)
        lengths.append(len(chosen))
    return (np.ix_(*axes) if axes else ()), tuple(lengths)


def block_slices(
    selection: Index, shape: tuple[int, ...], chunks: tuple[Any, ...]
) -> tuple[slice, ...]:
    """Return the slices of cells that a selection of blocks stands for."""
    out = []
    for item, length, chunk in zip(expand(selection, len(shape)), shape, chunks, strict=True):
        if isinstance(chunk, tuple):
            bounds = np.cumsum([0, *chunk]).tolist()
        else:
            bounds = [*range(0, length, chunk), length]
        count = len(bounds) - 1
        if isinstance(item, slice):
            start, stop, _ = item.indices(count)
        else:
            start = int(item) % count
            stop = start + 1
        out.append(slice(bounds[start], bounds[max(start, stop)]))
    return tuple(out)
