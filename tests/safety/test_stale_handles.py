"""What one handle appends, no write through another erases; what is cut off does not come back.

A handle keeps the shape that it last saw. Others may have appended to the array since, or cut
it off.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import zarr
from zarr.n5 import N5View

from .places import LOCAL, PLACES, Array, Place, chunk_store_of

# One chunk (or one shard) that holds ten elements or ten rows.
LAYOUTS: dict[str, dict[str, Any]] = {
    "2": {"zarr_format": 2, "chunks": (10,)},
    "3": {"zarr_format": 3, "chunks": (10,)},
    "shards": {"zarr_format": 3, "chunks": (5,), "shards": (10,)},
    "uneven shards": {"zarr_format": 3, "chunks": (2,), "shards": (10,)},
    "listed": {"zarr_format": 3, "chunks": ([10],)},
    "N5": {"chunks": (10,)},
}
MORE: dict[str, tuple[int, ...]] = {"2": (4,), "3": (4,), "shards": (8,), "N5": (4,)}
DTYPES: dict[str, Any] = {"numbers": "i4", "strings": str, "structured": [("a", "i4"), ("b", "f8")]}
CASES = [
    (name, layout)
    for name in LOCAL
    for layout in LAYOUTS
    if layout.removeprefix("uneven ") in PLACES[name].formats
]
each_case = pytest.mark.parametrize(("name", "layout"), CASES)
each_layout = pytest.mark.parametrize("layout", LAYOUTS)


def as_dtype(numbers: Any, dtype: str) -> Array:
    """Return different values of `dtype` for different numbers."""
    numbers = np.asarray(numbers)
    if dtype == "strings":
        return np.array([f"text {n}" for n in numbers.flat], object).reshape(numbers.shape)
    if dtype == "structured":
        found = np.zeros(numbers.shape, DTYPES[dtype])
        found["a"], found["b"] = numbers, numbers / 2
        return found
    return numbers.astype("i4")


def widened(layout: str, axis: int, columns: int = 6) -> dict[str, Any]:
    """Return a layout with one more dimension of `columns`, which is cut into two."""
    options = dict(LAYOUTS[layout])
    for name in ("chunks", "shards"):
        if name in options:
            pair = (options[name][0], columns // 2)
            options[name] = pair if axis == 0 else pair[::-1]
    return options


def create(place: Place, folder: Path, shape: Any, **options: Any) -> tuple[Any, Callable[[], Any]]:
    """Create an array; return it, and a function that opens it again."""
    store, chunk_store = place.open(str(folder)), chunk_store_of(place, str(folder))
    options = {"dtype": "i4", "fill_value": place.fill_value, **options}
    late = {name: options.pop(name) for name in ("write_empty_chunks",) if name in options}
    z = zarr.open_array(store, mode="w", shape=shape, chunk_store=chunk_store, **options, **late)
    return z, lambda: zarr.open_array(store, mode="r+", chunk_store=chunk_store, **late)


def store_for(layout: str) -> Place:
    """Return a place in memory for tests of formats."""
    if layout == "N5":
        return Place("n5 memory", lambda _: N5View(zarr.MemoryStore()), formats=("N5",))
    return PLACES["memory"]


# -- whole writes through a handle that has not seen an append -----------------------------


@each_case
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_whole_write_keeps_what_another_handle_appended(
    name: str, layout: str, tmp_path: Path
) -> None:
    a, again = create(PLACES[name], tmp_path, 5, **LAYOUTS[layout])
    a[...] = 1
    again().append(np.arange(5, 10, dtype="i4"))
    a[...] = 7
    assert again()[:].tolist() == [7, 7, 7, 7, 7, 5, 6, 7, 8, 9]


WRITES: dict[str, Callable[[Any, Any], Any]] = {
    "[...]": lambda z, v: z.__setitem__(..., v),
    "[:]": lambda z, v: z.__setitem__(slice(None), v),
    "[:5]": lambda z, v: z.__setitem__(slice(5), v),
    "array": lambda z, v: z.__setitem__(..., np.full(z.shape, v)),
    "basic": lambda z, v: z.set_basic_selection(slice(None), v),
    "oindex": lambda z, v: z.oindex.__setitem__(slice(None), v),
    "orthogonal list": lambda z, v: z.oindex.__setitem__(np.arange(5), v),
    "vindex": lambda z, v: z.vindex.__setitem__(np.arange(5), v),
    "mask": lambda z, v: z.set_mask_selection(np.ones(z.shape, bool), v),
    "blocks": lambda z, v: z.blocks.__setitem__(slice(None), v),
}


@each_layout
@pytest.mark.parametrize("write", WRITES)
def test_a_whole_write_by_any_selection_keeps_what_was_appended(
    layout: str, write: str, tmp_path: Path
) -> None:
    a, again = create(store_for(layout), tmp_path, 5, **LAYOUTS[layout])
    a[...] = 1
    again().append(np.arange(5, 10, dtype="i4"))
    WRITES[write](a, 7)
    assert again()[:].tolist() == [7, 7, 7, 7, 7, 5, 6, 7, 8, 9]


@each_layout
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_whole_write_of_any_dtype_keeps_what_was_appended(
    layout: str, order: str, dtype: str, tmp_path: Path
) -> None:
    if layout == "N5" and (dtype, order) != ("numbers", "C"):
        pytest.skip("N5 holds numbers in C order only")
    options = {**LAYOUTS[layout], "dtype": DTYPES[dtype], "order": order}
    options["fill_value"] = {"strings": "", "structured": None, "numbers": 0}[dtype]
    a, again = create(store_for(layout), tmp_path, 5, **options)
    a[...] = as_dtype(np.ones(5, int), dtype)
    again().append(as_dtype(np.arange(5, 10), dtype))
    a[...] = as_dtype(np.full(5, 7), dtype)
    expected = as_dtype([7, 7, 7, 7, 7, 5, 6, 7, 8, 9], dtype)
    assert again()[:].tolist() == expected.tolist()


@each_layout
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_whole_write_keeps_what_was_appended_along_any_dimension(
    layout: str, axis: int, order: str, tmp_path: Path
) -> None:
    if layout == "N5" and order == "F":
        pytest.skip("N5 has C order only")

    def along(length: int) -> tuple[int, int]:
        return (length, 6) if axis == 0 else (6, length)

    a, again = create(store_for(layout), tmp_path, along(5), order=order, **widened(layout, axis))
    a[...] = 1
    more = np.arange(5, 65, dtype="i4").reshape(along(10))
    again().append(more, axis=axis)
    a[...] = 7
    assert np.array_equal(again()[...], np.concatenate([np.full(along(5), 7), more], axis=axis))


@each_layout
def test_a_whole_write_of_fill_values_keeps_what_was_appended(layout: str, tmp_path: Path) -> None:
    place = store_for(layout)
    a, again = create(place, tmp_path, 5, write_empty_chunks=False, **LAYOUTS[layout])
    a[...] = 1
    again().append(np.arange(5, 10, dtype="i4"))
    a[...] = place.fill_value
    assert again()[:].tolist() == [place.fill_value] * 5 + [5, 6, 7, 8, 9]


@each_layout
def test_a_write_outside_a_shrunk_array_does_not_show_later(layout: str, tmp_path: Path) -> None:
    place = store_for(layout)
    a, again = create(place, tmp_path, 25, **LAYOUTS[layout] | listed_to(25, layout))
    a[...] = 1
    again().resize(4)
    a[...] = 7
    assert again()[:].tolist() == [7] * 4
    again().resize(25)
    assert again()[:].tolist() == [7] * 4 + [place.fill_value] * 21


def listed_to(length: int, layout: str) -> dict[str, Any]:
    return {"chunks": ([10, 10, length - 20],)} if layout == "listed" else {}


# -- appends and whole writes at once ------------------------------------------------------


@each_case
@pytest.mark.usefixtures("eager_threads")
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_threads_that_append_and_write_the_beginning_lose_no_row(
    name: str, layout: str, tmp_path: Path
) -> None:
    z, again = create(PLACES[name], tmp_path, 5, **LAYOUTS[layout])
    for _ in range(5):
        z.resize(5)
        start = threading.Barrier(2)

        def write(start: threading.Barrier = start) -> None:
            start.wait()
            for _ in range(5):
                z[:5] = 7

        thread = threading.Thread(target=write)
        thread.start()
        start.wait()
        for n in range(5, 17):
            z.append(np.array([n], "i4"))
        thread.join()
        assert again()[:].tolist() == [7] * 5 + list(range(5, 17))


_APPEND_AND_WRITE = """
import os, sys, numpy as np, zarr
from tests.safety.places import PLACES, chunk_store_of
name, folder, task = sys.argv[1:]
z = zarr.open_array(PLACES[name].open(folder), mode='r+',
                    chunk_store=chunk_store_of(PLACES[name], folder),
                    synchronizer=zarr.ProcessSynchronizer(folder + '/locks'))
print('ready', flush=True)
for line in sys.stdin:
    for n in range(5, 11):
        if task == 'append':
            z.append(np.array([n], 'i4'))
        else:
            z[:5] = 7
    print('done', flush=True)
"""
SHARED = [case for case in CASES if PLACES[case[0]].shared and case[1] in ("2", "shards", "N5")]


@pytest.mark.parametrize(("name", "layout"), [case for case in SHARED if case[1] != "shards"])
def test_processes_with_a_synchronizer_lose_no_row(name: str, layout: str, tmp_path: Path) -> None:
    check_processes(PLACES[name], layout, tmp_path, rounds=4)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("name", "layout"), SHARED)
def test_processes_with_a_synchronizer_lose_no_row_in_many_rounds(
    name: str, layout: str, tmp_path: Path
) -> None:
    check_processes(PLACES[name], layout, tmp_path, rounds=60)


def check_processes(place: Place, layout: str, folder: Path, rounds: int) -> None:
    _, again = create(place, folder, 5, **LAYOUTS[layout])
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", _APPEND_AND_WRITE, place.name, str(folder), task],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for task in ("append", "write")
    ]
    try:
        assert [worker.stdout.readline() for worker in workers] == ["ready\n"] * 2
        for _ in range(rounds):
            z = again()
            z.resize(5)
            z[...] = 7
            for worker in workers:
                worker.stdin.write("\n")
                worker.stdin.flush()
            assert [worker.stdout.readline() for worker in workers] == ["done\n"] * 2
            assert again()[:].tolist() == [7] * 5 + list(range(5, 11))
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
            worker.stdin.close()
            worker.stdout.close()


# -- what is cut off does not come back ----------------------------------------------------


@each_case
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_array_that_shrinks_and_grows_shows_fill_values(
    name: str, layout: str, tmp_path: Path
) -> None:
    place = PLACES[name]
    z, again = create(place, tmp_path, 25, **LAYOUTS[layout] | listed_to(25, layout))
    z[...] = np.arange(1, 26)
    z.resize(3)
    z.resize(25)
    assert again()[:].tolist() == [1, 2, 3] + [place.fill_value] * 22


@each_layout
@pytest.mark.parametrize("write_empty_chunks", [True, False])
@pytest.mark.parametrize("lengths", [(5, 10), (1, 10, 25), (9, 10), (0, 10), (10, 20, 15, 25)])
def test_an_array_that_is_resized_several_times_shows_fill_values(
    layout: str, write_empty_chunks: bool, lengths: tuple[int, ...], tmp_path: Path
) -> None:
    place = store_for(layout)
    options = {**LAYOUTS[layout], **listed_to(25, layout)}
    z, again = create(place, tmp_path, 25, write_empty_chunks=write_empty_chunks, **options)
    model = np.arange(1, 26)
    z[...] = model
    for length in lengths:
        z.resize(length)
        more = np.full(max(0, length - len(model)), place.fill_value)
        model = np.concatenate([model[:length], more])
    assert again()[:].tolist() == model.tolist()
    z[: len(model) : 2] = 50
    model[::2] = 50
    assert again()[:].tolist() == model.tolist()


@each_layout
@pytest.mark.parametrize("axis", [0, 1])
def test_an_array_of_two_dimensions_that_shrinks_and_grows_shows_fill_values(
    layout: str, axis: int, tmp_path: Path
) -> None:
    place = store_for(layout)
    z, again = create(place, tmp_path, (10, 10), **widened(layout, axis, 10))
    z[...] = 1
    z.resize(7, 4)
    z.resize(10, 10)
    expected = np.full((10, 10), place.fill_value)
    expected[:7, :4] = 1
    assert np.array_equal(again()[...], expected)


@each_layout
@pytest.mark.parametrize("dtype", ["strings", "structured"])
def test_an_array_of_objects_that_shrinks_and_grows_shows_fill_values(
    layout: str, dtype: str, tmp_path: Path
) -> None:
    if layout == "N5":
        pytest.skip("N5 holds numbers only")
    fill_value = {"strings": "empty", "structured": None}[dtype]
    options = {**LAYOUTS[layout], "dtype": DTYPES[dtype], "fill_value": fill_value}
    if dtype == "structured":
        options["fill_value"] = as_dtype(-1, dtype)[()]
    z, again = create(store_for(layout), tmp_path, 10, **options)
    z[...] = as_dtype(np.arange(10), dtype)
    z.resize(4)
    z.resize(10)
    empty = "empty" if dtype == "strings" else as_dtype(-1, dtype)[()].item()
    assert again()[:].tolist() == as_dtype(np.arange(4), dtype).tolist() + [empty] * 6


# -- appends that fail ---------------------------------------------------------------------


def failing_class(kind: type) -> type:
    """Return a subclass of a store's class in which some keys cannot be written."""

    def check(self: Any, key: str) -> None:
        if self.fails is not None and self.fails(key):
            raise OSError(f"no space left for {key}")

    def setitem(self: Any, key: str, value: Any) -> None:
        check(self, key)
        kind.__setitem__(self, key, value)

    def setitems(self: Any, items: Any) -> None:
        for key, value in items.items():
            setitem(self, key, value)

    verbs = {"__setitem__": setitem, "setitems": setitems, "fails": None}
    return type(kind.__name__, (kind,), verbs)


def is_document(key: str) -> bool:
    return key.rpartition("/")[2] in (".zarray", "zarr.json", "attributes.json")


FAILURES = {
    "metadata": is_document,
    "the last chunk": lambda key: key.rpartition("/")[2] == "2",
    "every chunk": lambda key: not is_document(key),
}


@each_case
@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_nothing_of_a_failed_append_shows(
    name: str, layout: str, failure: str, tmp_path: Path
) -> None:
    place = PLACES[name]
    z, again = create(place, tmp_path, 4, **LAYOUTS[layout])
    z[...] = 1
    chunk_store = z.chunk_store if place.chunk_store and failure != "metadata" else z.store
    kind = type(chunk_store)
    chunk_store.__class__ = failing_class(kind)
    chunk_store.fails = FAILURES[failure]
    with pytest.raises(OSError, match="no space left"):
        z.append(np.full(26, 99, "i4"))
    chunk_store.fails = None
    chunk_store.__class__ = kind
    assert again()[:].tolist() == [1] * 4
    for length in (7, 30, 45):
        again().resize(length)
        assert again()[:].tolist() == [1] * 4 + [place.fill_value] * (length - 4)


@each_layout
def test_rows_appended_after_a_failed_append_are_right(layout: str, tmp_path: Path) -> None:
    z, again = create(store_for(layout), tmp_path, 4, **LAYOUTS[layout])
    z[...] = 1
    kind = type(z.store)
    z.store.__class__ = failing_class(kind)
    z.store.fails = is_document
    with pytest.raises(OSError, match="no space left"):
        z.append(np.full(26, 99, "i4"))
    z.store.fails = None
    again().append(np.array([2, 3], "i4"))
    z.append(np.array([4], "i4"))
    z.resize(30)
    expected = [1, 1, 1, 1, 2, 3, 4] + [store_for(layout).fill_value] * 23
    assert again()[:].tolist() == expected


# -- any sequence --------------------------------------------------------------------------

lengths = st.integers(0, 13)
handles = st.integers(0, 1)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("write"), handles, lengths, lengths, lengths, lengths),
        st.tuples(st.just("write all"), handles),
        st.tuples(st.just("append"), handles, st.integers(0, 7), st.integers(0, 1)),
        st.tuples(st.just("failed append"), handles, st.integers(1, 7), st.integers(0, 1)),
        st.tuples(st.just("resize"), handles, lengths, lengths),
        st.tuples(st.just("open"), handles),
    ),
    max_size=8,
)
GRIDS: dict[str, dict[str, Any]] = {
    "2": {"zarr_format": 2, "chunks": (4, 3)},
    "3": {"zarr_format": 3, "chunks": (4, 3)},
    "shards": {"zarr_format": 3, "chunks": (2, 3), "shards": (4, 6)},
    "listed": {"zarr_format": 3, "chunks": ([2, 5], [3, 1, 2])},
    "N5": {"chunks": (4, 3)},
}


class Pair:
    """Two handles on one array, and what it must hold."""

    def __init__(self, layout: str, order: str, write_empty_chunks: bool) -> None:
        place = store_for(layout)
        self.fill_value = place.fill_value
        options = {**GRIDS[layout], "order": order, "write_empty_chunks": write_empty_chunks}
        z, self.again = create(place, Path(), (7, 6), **options)
        z.store.__class__ = failing_class(type(z.store))
        self.handles = [z, self.again()]
        self.model: Array = np.full((7, 6), self.fill_value)
        self.value = 0

    def do(self, kind: str, handle: int, *rest: int) -> None:
        z = self.handles[handle]
        self.value += 1
        if kind == "write":
            self.write(z, slice(*sorted(rest[:2])), slice(*sorted(rest[2:])))
        elif kind == "write all":
            self.write(z, slice(None), slice(None))
        elif kind == "resize":
            z.resize(rest)
            new = np.full(rest, self.fill_value)
            kept = tuple(slice(min(pair)) for pair in zip(rest, self.model.shape, strict=True))
            new[kept] = self.model[kept]
            self.model = new
        elif kind == "open":
            self.handles[handle] = self.again()
        else:
            self.append(z, kind == "failed append", *rest)

    def write(self, z: Any, rows: slice, columns: slice) -> None:
        shape = z.shape  # which may be an old one; the write notices
        seen = np.zeros(shape, bool)
        seen[rows, columns] = True
        z[rows, columns] = self.value
        both = tuple(slice(min(pair)) for pair in zip(shape, self.model.shape, strict=True))
        self.model[both][seen[both]] = self.value

    def append(self, z: Any, fails: bool, length: int, axis: int) -> None:
        shape = list(self.model.shape)
        shape[axis] = length
        rows = np.full(shape, self.value)
        if not fails:
            z.append(rows, axis=axis)
            self.model = np.concatenate([self.model, rows], axis=axis)
            return
        z.store.fails = is_document
        with pytest.raises(OSError, match="no space left"):
            z.append(rows, axis=axis)
        z.store.fails = None


@pytest.mark.parametrize("layout", GRIDS)
@given(steps=steps, order=st.sampled_from("CF"), write_empty_chunks=st.booleans())
def test_any_sequence_of_two_handles_is_as_in_numpy(
    layout: str, steps: Any, order: str, write_empty_chunks: bool
) -> None:
    pair = Pair(layout, "C" if layout == "N5" else order, write_empty_chunks)
    for step in steps:
        pair.do(*step)
        assert np.array_equal(pair.again()[...], pair.model), step
