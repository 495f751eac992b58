"""Resizing, appending and writing in any order leaves what NumPy would have."""

from __future__ import annotations

import tempfile
from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

import zarr

from . import selections as sel

lengths = st.integers(0, 9)


lists = st.lists(st.integers(1, 4), min_size=9, max_size=12)


def _grid(chunks: Any, ndim: int) -> dict[str, Any]:
    """Return arguments for chunks of one length, or of those listed, or for such shards."""
    if isinstance(chunks, int):
        return {"chunks": chunks}
    kind, listed = chunks
    if kind == "chunks":
        return {"chunks": (listed,) * ndim}
    return {"chunks": 2, "shards": ([2 * n for n in listed],) * ndim}


def _begin(i: int, lengths: Any) -> int:
    """Return the first index of the chunk in which `i` is, or less if that is not known."""
    if isinstance(lengths, int):
        return i // lengths * lengths
    ends = np.cumsum(lengths)
    at = int(np.searchsorted(ends, i, "right"))
    return int(ends[at] - lengths[at]) if at < len(lengths) else 0


class GrowAndShrink(RuleBasedStateMachine):
    """A Zarr array that grows and shrinks, beside a NumPy array of the same cells.

    Cells that were cut off and come back may hold what they held, if their chunk was kept
    because some of it stayed inside, or the fill value. `cut` remembers the former.
    """

    z: Any

    @initialize(
        shape=st.lists(lengths, min_size=1, max_size=3),
        chunks=st.integers(1, 5)
        | st.tuples(st.just("chunks"), lists)
        | st.tuples(st.just("shards"), lists),
        fill=st.sampled_from([0, 7]),
        order=st.sampled_from("CF"),
        write_empty_chunks=st.booleans(),
        directory=st.booleans(),
        engine=st.sampled_from([{}, {"workers": 3, "window_bytes": 16, "thread_bytes": 0}]),
    )
    def create(
        self,
        shape: list[int],
        chunks: Any,
        fill: int,
        order: str,
        write_empty_chunks: bool,
        directory: bool,
        engine: dict[str, int],
    ) -> None:
        self.settings = zarr.config.set(**engine)
        self.folder = tempfile.TemporaryDirectory()
        self.z = zarr.create(
            tuple(shape),
            dtype="i4",
            fill_value=fill,
            order=order,
            write_empty_chunks=write_empty_chunks,
            store=f"{self.folder.name}/a.zarr" if directory else None,
            **_grid(chunks, len(shape)),
        )
        self.a = np.full(shape, fill, "i4")
        self.cut: dict[tuple[int, ...], int] = {}
        self.clock = 100

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()
            self.settings.__exit__(None, None, None)

    def stamp(self, shape: tuple[int, ...]) -> Any:
        """Return values never written before."""
        size = int(np.prod(shape, dtype=int))
        self.clock += size
        return np.arange(self.clock - size, self.clock, dtype="i4").reshape(shape)

    @rule(data=st.data())
    def write(self, data: st.DataObject) -> None:
        selection = data.draw(sel.basic(self.a.shape))
        value = self.stamp(np.shape(self.a[selection]))
        self.z[selection] = value
        self.a[selection] = value

    @rule(data=st.data())
    def write_fill(self, data: st.DataObject) -> None:
        selection = data.draw(sel.basic(self.a.shape))
        self.z[selection] = self.z.fill_value
        self.a[selection] = self.z.fill_value

    @rule(data=st.data())
    def resize(self, data: st.DataObject) -> None:
        shape = tuple(data.draw(lengths) for _ in self.a.shape)
        stored = self.z.shards or self.z.chunks
        how = data.draw(st.sampled_from(["args", "tuple", "list"]))
        if how == "args":
            self.z.resize(*shape)
        else:
            self.z.resize(shape if how == "tuple" else list(shape))
        self._reshape_model(shape, stored)

    @rule(data=st.data())
    @precondition(lambda self: self.a.size < 3000)
    def append(self, data: st.DataObject) -> None:
        axis = data.draw(st.integers(0, self.a.ndim - 1))
        shape = list(self.a.shape)
        shape[axis] = data.draw(st.integers(0, 4))
        more = self.stamp(tuple(shape))
        before = self.a.shape
        given = more.tolist() if more.size and data.draw(st.booleans()) else more
        shape = list(before)
        shape[axis] += more.shape[axis]
        assert self.z.append(given, axis=axis) == tuple(shape)
        self._forget_cut(tuple(shape))
        self.a = np.concatenate([self.a, more], axis=axis)

    @rule()
    def open_again(self) -> None:
        self.z = zarr.Array(self.z.store)

    def _reshape_model(self, shape: tuple[int, ...], stored: Any) -> None:
        old = self.a
        self._remember_cut(shape, stored)
        self.a = np.full(shape, self.z.fill_value, old.dtype)
        kept = tuple(slice(min(m, n)) for m, n in zip(old.shape, shape, strict=True))
        self.a[kept] = old[kept]
        actual = self.z[...]
        for cell in [
            cell for cell in self.cut if all(i < n for i, n in zip(cell, shape, strict=True))
        ]:
            value = self.cut.pop(cell)
            if actual[cell] == value:
                self.a[cell] = value

    def _remember_cut(self, shape: tuple[int, ...], stored: Any) -> None:
        for cell in np.ndindex(self.a.shape):
            if any(i >= n for i, n in zip(cell, shape, strict=True)):
                self.cut[cell] = self.a[cell]
        # The chunks that lie wholly outside are deleted, and what they held is gone.
        self.cut = {
            cell: value
            for cell, value in self.cut.items()
            if all(_begin(i, c) < n for i, c, n in zip(cell, stored, shape, strict=True))
        }

    def _forget_cut(self, shape: tuple[int, ...]) -> None:
        """Forget the cells that an append to the end at `shape` has written."""
        self.cut = {
            cell: value
            for cell, value in self.cut.items()
            if any(i >= n for i, n in zip(cell, shape, strict=True))
        }

    @invariant()
    def same_shape_and_cells(self) -> None:
        if hasattr(self, "z"):
            assert self.z.shape == self.a.shape
            assert self.z.cdata_shape == tuple(
                len(c) if isinstance(c, tuple) else -(-n // c)
                for n, c in zip(self.a.shape, self.z.chunks, strict=True)
            )
            np.testing.assert_array_equal(self.z[...], self.a)
            assert self.z.nchunks_initialized <= self.z.nchunks


TestGrowAndShrink = GrowAndShrink.TestCase
TestGrowAndShrink.settings = settings(
    # One case is a life of many steps.
    max_examples=max(15, settings().max_examples // 5),
    stateful_step_count=25,
)
