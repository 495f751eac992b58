"""The appender: rows one by one, chunks as a whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import zarr


class Watched(zarr.MemoryStore):
    """A store that remembers which keys were written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []

    def __setitem__(self, key: str, value: Any) -> None:
        self.written.append(key)
        super().__setitem__(key, value)


@given(data=st.data())
def test_as_numpy_concatenates(data: st.DataObject) -> None:
    ndim = data.draw(st.integers(1, 3), "ndim")
    axis = data.draw(st.integers(-ndim, ndim - 1), "axis")
    shape = tuple(data.draw(st.lists(st.integers(1, 5), min_size=ndim, max_size=ndim), "shape"))
    chunks = tuple(data.draw(st.lists(st.integers(1, 4), min_size=ndim, max_size=ndim), "chunks"))
    expected = np.arange(np.prod(shape), dtype="i4").reshape(shape)
    options: dict[str, Any] = {}
    if data.draw(st.booleans(), "sharded"):
        options = {"zarr_format": 3, "shards": tuple(2 * n for n in chunks)}
    elif data.draw(st.booleans(), "listed"):
        options = {"zarr_format": 3}
        chunks = tuple([*[length] * (n // length), *[n % length] * (n % length > 0)]
                       for n, length in zip(shape, chunks, strict=True))  # fmt: skip
    z = zarr.create(shape, chunks=chunks, dtype="i4", **options)
    z[...] = expected
    with z.appender(axis) as rows:
        for count in data.draw(st.lists(st.integers(0, 9), max_size=6), "counts"):
            part = list(shape)
            part[axis] = count
            new = np.full(part, 100 + count, "i4")
            if count == 1 and data.draw(st.booleans(), "without the dimension"):
                rows.append(np.squeeze(new, axis))
            else:
                rows.append(new)
            expected = np.concatenate([expected, new], axis)
            if data.draw(st.booleans(), "flush"):
                rows.flush()
                assert rows.pending == 0
                assert_array_equal(z[...], expected)
            assert z.shape[axis] + rows.pending == expected.shape[axis]
    assert_array_equal(z[...], expected)


def test_each_chunk_is_written_once() -> None:
    store = Watched()
    z = zarr.create((0, 4), chunks=(10, 2), dtype="i4", store=store)
    store.written.clear()
    with z.appender() as rows:
        for n in range(95):
            rows.append(np.full(4, n))
            assert rows.pending == (n + 1) % 10
    chunks = [key for key in store.written if key != ".zarray"]
    assert sorted(chunks) == sorted({f"{row}.{column}" for row in range(10) for column in range(2)})
    assert store.written.count(".zarray") == 10


def test_many_rows_at_once_are_not_copied_piece_by_piece() -> None:
    store = Watched()
    z = zarr.create((5,), chunks=10, dtype="i4", fill_value=0, store=store)
    store.written.clear()
    with z.appender() as rows:
        rows.append(np.arange(72))
        assert rows.pending == 7
    assert store.written.count(".zarray") == 2
    assert_array_equal(z[5:], np.arange(72))


def test_what_was_accepted_is_kept_when_the_block_fails() -> None:
    z = zarr.create((0,), chunks=10, dtype="i4")
    with pytest.raises(RuntimeError, match="stop"), z.appender() as rows:
        rows.append(np.arange(4))
        assert z.shape == (0,)
        raise RuntimeError("stop")
    assert_array_equal(z[...], np.arange(4))


def test_others_may_append_meanwhile() -> None:
    z = zarr.create((0,), chunks=4, dtype="i4")
    with z.appender() as rows:
        for n in range(9):
            rows.append(n)
            z.append([100])
    assert sorted(z[...]) == [*range(9), *[100] * 9]


def test_objects_and_structures() -> None:
    z = zarr.create((0,), chunks=3, dtype=str)
    with z.appender() as rows:
        for word in ["a", "bc", "def", "ghij", "k"]:
            rows.append(word)
    assert z[...].tolist() == ["a", "bc", "def", "ghij", "k"]
    z = zarr.create((0,), chunks=3, dtype=[("a", "i4"), ("b", "f8")])
    with z.appender() as rows:
        rows.append((1, 2.5))
        rows.append([(2, 3.5), (3, 4.5)])
    assert z[...].tolist() == [(1, 2.5), (2, 3.5), (3, 4.5)]


def test_what_does_not_fit_is_refused() -> None:
    z = zarr.create((0, 4), chunks=(3, 2), dtype="i4")
    with z.appender() as rows:
        rows.append(np.ones((2, 4)))
        for shape in ((4, 2), (3,), (2, 4, 1), ()):
            with pytest.raises(ValueError, match="cannot be appended along dimension 0"):
                rows.append(np.ones(shape))
        assert rows.pending == 2
    assert z.shape == (2, 4)
    with pytest.raises(ValueError, match="axis 2"):
        z.appender(2)
    with pytest.raises(ValueError, match="axis 0"):
        zarr.create(()).appender()
    with pytest.raises(PermissionError):
        z.view().appender()
