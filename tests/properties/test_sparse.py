"""Arrays of many chunks of which few are stored: only these are looked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import zarr
from zarr.errors import ArrayNotFoundError, ChunkNotFoundError

from .test_explain import costs, counts, new_store

SHAPE = (70, 66)  # 35 x 33 chunks

ARRAYS: dict[str, dict[str, Any]] = {
    "format 2": {"zarr_format": 2, "chunks": 2},
    "folders": {"zarr_format": 2, "chunks": 2, "dimension_separator": "/"},
    "format 3": {"zarr_format": 3, "chunks": 2},
    "shards": {"zarr_format": 3, "chunks": 2, "shards": (6, 4)},
    "listed shards": {"zarr_format": 3, "chunks": 2, "shards": ([12, 38, 20], 6)},
}

STORES = ["dict", "memory", "directory", "sqlite"]


def fill_value() -> Any:
    return np.array((7, 1.5), [("a", "i4"), ("b", "f8")])[()]


@st.composite
def boxes(draw: st.DrawFn) -> tuple[slice, slice]:
    starts = [draw(st.integers(0, n - 1)) for n in SHAPE]
    lengths = [draw(st.integers(0, 6)) for _ in SHAPE]
    first, second = map(slice, starts, map(sum, zip(starts, lengths, strict=True)))
    return first, second


def most(length: int) -> st.SearchStrategy[Any]:
    """What takes an element of nearly every chunk along one dimension."""
    rng = np.random.default_rng(length)
    return st.sampled_from(
        [
            slice(None),
            slice(1, None),
            slice(None, -1),
            slice(None, None, 2),
            rng.permutation(length),
            np.sort(rng.permutation(length)[3:]),
            np.arange(length) != 5,
        ]
    )


@pytest.mark.thread_unsafe(reason="traffic counts what all threads of the process do")
@pytest.mark.parametrize("name", ARRAYS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_reads_are_those_of_numpy(
    name: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    kind = data.draw(st.sampled_from(STORES))
    store = new_store(kind, tmp_path_factory.mktemp("sparse"))
    fill = fill_value()
    z = zarr.create(
        SHAPE, dtype=fill.dtype, fill_value=fill, store=store, path="g/z", **ARRAYS[name]
    )
    expected = np.full(SHAPE, fill)
    for number, box in enumerate(data.draw(st.lists(boxes(), max_size=3))):
        z[box] = expected[box] = np.array((number, -number), fill.dtype)
    selection = data.draw(st.tuples(*map(most, SHAPE)))
    index = np.ix_(*[np.arange(n)[part] for n, part in zip(SHAPE, selection, strict=True)])
    with zarr.config.set(workers=1):
        told = z.explain(sizes=True).oindex[selection]
        with zarr.traffic() as seen:
            found = z.oindex[selection]
    assert told.exact
    assert costs(told.requests) == counts(seen.of(z.store))
    np.testing.assert_array_equal(found, expected[index])
    np.testing.assert_array_equal(z.oindex["b", *selection], expected["b"][index])
    np.testing.assert_array_equal(z[...], expected)
    out = np.zeros(SHAPE, fill.dtype)
    z.get_basic_selection(..., out=out)
    np.testing.assert_array_equal(out, expected)


@pytest.mark.thread_unsafe(reason="traffic counts what all threads of the process do")
@pytest.mark.parametrize("kind", ["dict", "memory", "directory"])
@pytest.mark.parametrize("name", ARRAYS)
def test_what_is_absent_is_not_looked_for(name: str, kind: str, tmp_path: Path) -> None:
    z = zarr.create(SHAPE, dtype="i4", store=new_store(kind, tmp_path), **ARRAYS[name])
    with zarr.traffic() as empty:
        assert not z[...].any()
    assert empty.keys <= 3, empty
    z[10:14, 20:22] = 1
    z[11:13, 30] = 2
    with zarr.traffic() as few:
        assert z[...].sum() == 12
    assert few.keys <= 30, few  # those of a box
    cost = z.explain[...]
    assert cost.chunks == 35 * 33
    assert cost.keys <= few.keys


@pytest.mark.parametrize("number", [36, 10**9, 10**17, 4 * 10**17, 10**18, 10**19 - 1])
@pytest.mark.parametrize("kind", ["dict", "memory", "directory"])
@pytest.mark.parametrize("name", ARRAYS)
def test_keys_of_no_chunk_of_the_array_hide_none(
    name: str, kind: str, number: int, tmp_path: Path
) -> None:
    """Another array has left them, or a stranger."""
    store = new_store(kind, tmp_path)
    z = zarr.create(SHAPE, dtype="i4", store=store, **ARRAYS[name])
    z[:2, :2] = 1
    (key,) = [key for key in z.store if key[-1] == "0"]
    first, separator, _ = (key[:-3], key[-2], key[-1])
    for stray in (f"{number}{separator}0", f"0{separator}{number}", f"{number}{separator}{number}"):
        z.store[first + stray] = z.store[key]
    assert z[...].sum() == 4
    assert z[:, 1:].sum() == 2


@pytest.mark.parametrize("kind", ["dict", "memory", "directory"])
def test_absent_chunks_of_an_array_that_is_gone_are_an_error(kind: str, tmp_path: Path) -> None:
    store = new_store(kind, tmp_path)
    z = zarr.create(SHAPE, chunks=2, dtype="i4", store=store, path="z")
    zarr.storage.rmdir(store, "z")
    with pytest.raises(ArrayNotFoundError):
        z[...]


@pytest.mark.parametrize("kind", ["dict", "memory", "directory"])
def test_absent_chunks_that_are_not_allowed_are_an_error(kind: str, tmp_path: Path) -> None:
    store = new_store(kind, tmp_path)
    zarr.create(SHAPE, chunks=2, dtype="i4", store=store)
    with pytest.raises(ChunkNotFoundError):
        zarr.open_array(store, mode="r", missing="error")[...]


@pytest.mark.parametrize("method", ["__getitem__", "getitems"])
@pytest.mark.parametrize("base", [zarr.MemoryStore, zarr.DirectoryStore, zarr.KVStore])
def test_stores_that_make_values_are_asked_for_each(base: Any, method: str, tmp_path: Path) -> None:
    def of_one(self: Any, key: str) -> bytes:
        return base.__getitem__(self, key) if not key[0].isdigit() else b"\x05"

    def of_many(self: Any, keys: Any, **_: Any) -> dict[str, bytes]:
        found = {key: b"\x05" for key in keys if key[0].isdigit()}
        return base.getitems(self, [key for key in keys if not key[0].isdigit()]) | found

    made = of_one if method == "__getitem__" else of_many
    store = type("Making", (base,), {method: made})(*{
        zarr.MemoryStore: (), zarr.DirectoryStore: (str(tmp_path),), zarr.KVStore: ({},)
    }[base])  # fmt: skip
    z = zarr.create((40, 40), chunks=1, dtype="u1", compressor=None, store=store)
    assert (z[...] == 5).all()


def test_folders_that_cannot_be_listed_are_read(tmp_path: Path) -> None:
    z = zarr.create(SHAPE, chunks=2, dtype="i4", store=str(tmp_path / "z"))
    z[4:6, 4:6] = 1

    class Unlisted(zarr.DirectoryStore):
        def _scan(self, *_: Any) -> Any:
            raise PermissionError("this folder cannot be listed")

    z = zarr.open_array(Unlisted(str(tmp_path / "z")), mode="r")
    assert z[...].sum() == 4
