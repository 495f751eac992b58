"""Decoded chunks that are kept: fewer fetches, and never another answer."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numcodecs import Blosc, Delta
from numpy.testing import assert_array_equal

import zarr
from zarr.errors import ArrayNotFoundError, ChunkDecodeError
from zarr.storage import KVStore


class Counting(zarr.MemoryStore):
    """A store that counts the keys it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []

    def getitems(self, keys: Any) -> Any:
        self.fetched += [key for key in keys if not key.endswith((".zarray", "zarr.json"))]
        return super().getitems(keys)


def thick(store: Any = None, **options: Any) -> zarr.Array:
    options = {"shape": (40, 50), "chunks": (20, 25), "dtype": "i4", **options}
    z = zarr.open_array(Counting() if store is None else store, mode="w", **options)
    z[...] = np.arange(2000).reshape(40, 50)
    z.store.fetched.clear()
    return z


def again(z: zarr.Array, **options: Any) -> zarr.Array:
    return zarr.open_array(z.store, mode="r+", **options)


def test_thin_slices_fetch_each_chunk_once() -> None:
    z = again(thick(), cache_bytes=1 << 20)
    for row in range(40):
        assert_array_equal(z[row], np.arange(50) + 50 * row)
        assert z[row, 7] == 50 * row + 7
        assert_array_equal(z.oindex[[row], [3, 30]], [[50 * row + 3, 50 * row + 30]])
        assert_array_equal(z.vindex[[row, row], [3, 30]], [50 * row + 3, 50 * row + 30])
    assert sorted(z.store.fetched) == ["0.0", "0.1", "1.0", "1.1"]


def test_off_by_default() -> None:
    z = again(thick())
    assert z[0, 0] == z[0, 0]
    assert z.store.fetched == ["0.0"] * 2


def test_the_setting_holds_for_arrays_opened_from_then_on() -> None:
    group = zarr.group(Counting())
    group.create_dataset("a", data=np.arange(10), chunks=5)
    with zarr.config.set(cache_bytes=1000):
        z = group["a"]
    group.store.fetched.clear()
    assert z[0] == z[1] - 1 == 0
    assert group.store.fetched == ["a/0"]


@pytest.mark.parametrize("chunks_that_fit", [0, 1, 2, 3])
def test_no_more_is_kept_than_allowed(chunks_that_fit: int) -> None:
    z = again(thick(), cache_bytes=chunks_that_fit * 2000 + 100)
    z[...]
    z[...]
    cache = z._engine._cache
    assert len(cache) == chunks_that_fit
    assert cache.nbytes == chunks_that_fit * 2000


def test_absence_is_remembered_until_something_is_written() -> None:
    z = zarr.open_array(
        Counting(), mode="w", shape=10, chunks=5, dtype="i4", fill_value=9, cache_bytes=1000
    )
    for _ in range(3):
        assert_array_equal(z[...], np.full(10, 9))
    assert z.store.fetched == ["0", "1"]
    zarr.open_array(z.store)[3] = 4
    assert z[3] == 4
    assert z[2] == 9


CHANGES: dict[str, Callable[[zarr.Array], Any]] = {
    "by another handle": lambda z: again(z).__setitem__(slice(0, 30), -1),
    "by points": lambda z: again(z).vindex.__setitem__(([0, 39], [0, 49]), -1),
    "by a view": lambda z: again(z).view(dtype="u4").__setitem__(slice(0, 30), 5),
    "by fields": lambda z: again(z).set_basic_selection((1, slice(3, 9)), -3),
    "resized twice": lambda z: (again(z).resize(5, 50), again(z).resize(40, 50)),
    "deleted": lambda z: zarr.storage.rmdir(z.store, "c") or again(z).__setitem__(0, 0),
    "created anew": lambda z: zarr.open_array(
        z.store, mode="w", shape=(40, 50), chunks=(20, 25), dtype="i4"
    ),
    "copied": lambda z: zarr.copy_store(
        thick(fill_value=3, compressor=z.compressor).store, z.store, if_exists="replace"
    ),
}


@pytest.mark.parametrize("how", CHANGES)
@pytest.mark.parametrize("compressor", [None, Blosc()])
def test_what_is_written_is_read(how: str, compressor: Any) -> None:
    z = again(thick(compressor=compressor), cache_bytes=1 << 20)
    z[...]
    CHANGES[how](z)
    assert_array_equal(z[...], again(z)[...])
    assert z[1, 1] == again(z)[1, 1]


def test_groups_forget_what_they_remove_and_move() -> None:
    with zarr.config.set(cache_bytes=1 << 20):
        root = zarr.group(zarr.MemoryStore())
        a = root.create_dataset("x/a", data=np.arange(10), chunks=5, fill_value=-1)
        b = root.create_dataset("b", data=np.arange(10) * 2, chunks=5)
        a[...], b[...]
        root.move("x", "y")
        with pytest.raises(ArrayNotFoundError, match="x/a"):
            a[...]
        root.move("b", "x/a")
        assert_array_equal(root["x/a"][...], np.arange(10) * 2)
        moved = root["y/a"]
        moved[...]
        del root["y"]
        with pytest.raises(ArrayNotFoundError, match="y/a"):
            moved[...]


@given(data=st.data())
def test_any_sequence_of_reads_and_writes(data: st.DataObject) -> None:
    store = KVStore({})
    options = data.draw(
        st.sampled_from([{}, {"compressor": None}, {"order": "F"}, {"filters": [Delta("i4")]}])
    )
    shards = data.draw(st.booleans())
    extra: dict[str, Any] = {"zarr_format": 3, "shards": (4, 6)} if shards else {}
    if shards:
        options.pop("filters", None)
    zarr.create((9, 8), chunks=(2, 3), dtype="i4", store=store, fill_value=0, **options, **extra)
    handles = [
        zarr.open_array(store, cache_bytes=data.draw(st.sampled_from([0, 60, 100_000])))
        for _ in range(3)
    ]
    a = np.zeros((9, 8), "i4")
    for step in range(data.draw(st.integers(1, 15))):
        z = data.draw(st.sampled_from(handles))
        low = data.draw(st.tuples(st.integers(0, 8), st.integers(0, 7)))
        size = data.draw(st.tuples(st.integers(1, 9), st.integers(1, 8)))
        region = tuple(slice(at, at + n) for at, n in zip(low, size, strict=True))
        if data.draw(st.booleans()):
            z[region] = a[region] = step
        assert_array_equal(z[region], a[region])
        assert z[low] == a[low]
    for z in handles:
        assert_array_equal(z[...], a)


def test_results_are_the_callers() -> None:
    z = again(thick(), cache_bytes=1 << 20)
    for selection in (np.s_[:20, :25], np.s_[0], np.s_[...]):
        z[selection][...] = -1
        assert z[selection].min() >= 0


def test_objects_are_not_kept() -> None:
    z = zarr.open_array(
        Counting(), mode="w", shape=4, chunks=2, dtype=object, object_codec=zarr.codecs.JSON(),
        cache_bytes=1 << 20,
    )  # fmt: skip
    z[0] = ["a"]
    z[0].append("b")
    assert z[0] == ["a"]


def test_damage_is_not_kept() -> None:
    z = again(thick(), cache_bytes=1 << 20)
    good = z.store["0.0"]
    z.store["0.0"] = b"nonsense"
    for _ in range(2):
        with pytest.raises(ChunkDecodeError, match=r"'0\.0'"):
            z[0, 0]
    z.store["0.0"] = good
    assert z[0, 1] == 1


def test_copies_of_the_handle_keep_as_much() -> None:
    store = zarr.MemoryStore()
    zarr.array(np.arange(4), store=store)
    z = zarr.open_array(store, cache_bytes=12345)
    assert pickle.loads(pickle.dumps(z))._cache_bytes == 12345


def test_readers_beside_writers_never_see_old_data_for_long() -> None:
    store = zarr.MemoryStore()
    zarr.create(64, chunks=8, dtype="i8", store=store)
    z = zarr.open_array(store, cache_bytes=1 << 20)
    stopped = threading.Event()
    failures: list[str] = []

    def read() -> None:
        while not stopped.is_set():
            z[...]

    def write(place: int) -> None:
        handle = zarr.open_array(store)
        for value in range(300):
            handle[place] = value
            if z[place] != value:  # nobody else writes there
                failures.append(f"{z[place]} at {place}, not {value}")

    readers = [threading.Thread(target=read) for _ in range(2)]
    writers = [threading.Thread(target=write, args=(place,)) for place in (3, 4, 40)]
    for thread in readers + writers:
        thread.start()
    for thread in writers:
        thread.join()
    stopped.set()
    for thread in readers:
        thread.join()
    assert not failures


@pytest.mark.usefixtures("eager_threads")
def test_nodes_go_while_caches_of_others_come() -> None:
    root = zarr.group(zarr.MemoryStore())
    for n in range(300):
        root.zeros(str(n), shape=4, chunks=2)

    def read(n: int) -> zarr.Array:
        z = zarr.open_array(root.store, path=str(n), mode="r", cache_bytes=1000)
        assert z[0] == 0
        return z

    kept = [read(n) for n in range(200)]
    done = threading.Event()

    def read_others() -> None:
        while not done.is_set():
            for n in range(200, 300):
                read(n)

    reader = threading.Thread(target=read_others)
    reader.start()
    try:
        for _ in range(1500):
            root.zeros("gone", shape=4, overwrite=True)
    finally:
        done.set()
        reader.join()
    assert all(z[0] == 0 for z in kept)
