"""Arrays that are assigned to arrays with other chunks: by the plans of `zarr.rechunk`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr
from zarr._chunks import regions

SHAPE, SOURCE, TARGET = (480, 480), (2, 480), (480, 2)
DATA = np.arange(480 * 480, dtype="i4").reshape(SHAPE)


class WatchedStore(zarr.MemoryStore):
    """Counts reads of keys, keeps what was written in order, and fails after `left` writes."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: Counter[str] = Counter()
        self.written: list[str] = []
        self.left = -1

    def getitems(self, keys: Sequence[str], **kwargs: Any) -> dict[str, Any]:
        self.reads.update(keys)
        return super().getitems(keys, **kwargs)

    def setitems(self, items: Mapping[str, Any]) -> None:
        for key, value in items.items():
            if self.left == 0:
                raise OSError("no space left")
            self.left -= 1
            self.written.append(key)
            super().__setitem__(key, value)


@pytest.fixture(autouse=True)
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let blocks have 120 kB: the source has 922 kB."""
    monkeypatch.setattr(regions.items_in_part, "__defaults__", (120_000,))


def _source(**options: Any) -> tuple[zarr.Array, WatchedStore]:
    store = WatchedStore()
    z = zarr.create(SHAPE, chunks=SOURCE, dtype="i4", store=store, fill_value=-1, **options)
    z[...] = DATA
    store.reads.clear()
    return z, store


def _by_array(source: zarr.Array, store: Any, **options: Any) -> zarr.Array:
    return zarr.array(source, store=store, **options)


def _by_assignment(source: zarr.Array, store: Any, **options: Any) -> zarr.Array:
    z = zarr.create(SHAPE, store=store, dtype=options.pop("dtype", "i4"), **options)
    z[...] = source
    return z


def _by_create_array(source: zarr.Array, store: Any, **options: Any) -> zarr.Array:
    return zarr.create_array(store, data=source, **options)


WAYS = [_by_array, _by_assignment]


@pytest.mark.parametrize("layout", [{"chunks": TARGET}, {"chunks": (16, 16), "shards": (96, 96)}])
@pytest.mark.parametrize("way", [*WAYS, _by_create_array])
def test_each_chunk_is_read_twice_at_most(way: Callable[..., zarr.Array], layout: Any) -> None:
    (source, read), store = _source(), WatchedStore()

    z = way(source, store, **layout)

    assert np.array_equal(z[...], DATA)
    counts = [n for key, n in read.reads.items() if not key.endswith(".zarray")]
    assert len(counts) == 240 and max(counts) <= 2
    assert not [key for key in store if "__rechunk" in key]


@pytest.mark.parametrize("way", WAYS)
def test_the_plan_has_an_intermediate_array(way: Callable[..., zarr.Array]) -> None:
    (source, _), store = _source(), WatchedStore()

    way(source, store, chunks=TARGET)

    copied = [key for key in store.written if key.startswith("__rechunk/copy-")]
    assert copied and len({key.split("/")[1] for key in copied}) == 1


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_an_archive_which_frees_no_space_gets_no_intermediate_array(
    way: Callable[..., zarr.Array], cached: bool, tmp_path: Path
) -> None:
    path = tmp_path / "a.zip"
    source, _ = _source()

    with zarr.ZipStore(path, mode="w") as archive:
        store = zarr.LRUStoreCache(archive, None) if cached else archive
        way(source, store, chunks=TARGET, compressor=None)

    assert b"__rechunk" not in path.read_bytes()
    with zarr.ZipStore(path, mode="r") as archive:
        assert np.array_equal(zarr.open(archive)[...], DATA)


def test_copies_into_one_array_have_intermediate_arrays_of_their_own() -> None:
    (source, _), store = _source(), WatchedStore()
    z = zarr.create(SHAPE, chunks=TARGET, dtype="i4", store=store)

    z[...] = source
    z[...] = source

    names = {key.split("/")[1] for key in store.written if key.startswith("__rechunk/")}
    assert len(names) == 2


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", ["f8", ">i8", "i2"])
def test_elements_are_converted(way: Callable[..., zarr.Array], dtype: str) -> None:
    z = way(_source()[0], WatchedStore(), chunks=TARGET, dtype=dtype)

    assert z.dtype == dtype and np.array_equal(z[...], DATA.astype(dtype))


@pytest.mark.parametrize("order", ["C", "F"])
def test_objects(order: Any) -> None:
    data = DATA[:200, :200].astype(str).astype(object)
    source = zarr.array(data, chunks=(2, 200), dtype=str, order=order)

    z = zarr.array(source, chunks=(200, 2), dtype=str, store=WatchedStore())

    assert np.array_equal(z[...], data)


def test_a_view_is_read_as_it_is_understood() -> None:
    source, _ = _source()

    z = zarr.array(source.astype("f4"), chunks=TARGET)

    assert z.dtype == "f4" and np.array_equal(z[...], DATA.astype("f4"))


def test_other_selections_are_no_copies_of_whole_arrays() -> None:
    (source, _), store = _source(), WatchedStore()
    z = zarr.zeros((481, 960), chunks=(481, 2), dtype="i4", store=store)

    z[1:, ::2] = source

    assert np.array_equal(z[1:, ::2], DATA) and not z[0].any() and not z[:, 1::2].any()
    assert not [key for key in store.written if "__rechunk" in key]


def test_an_array_is_assigned_to_itself() -> None:
    z, store = _source()

    z[...] = z

    assert np.array_equal(z[...], DATA)
    assert not [key for key in store if "__rechunk" in key]


def test_absent_chunks_are_errors_where_the_source_says_so() -> None:
    source, store = _source()
    del store["7.0"]
    strict = zarr.open_array(store, mode="r", missing="error")

    with pytest.raises(zarr.errors.ChunkNotFoundError):
        zarr.array(strict, chunks=TARGET)
    assert source.shape == zarr.array(source, chunks=TARGET).shape


@pytest.mark.parametrize("left", [5, 40, 90])
def test_a_failure_leaves_no_intermediate_array(left: int) -> None:
    (source, _), store = _source(), WatchedStore()
    z = zarr.create(SHAPE, chunks=TARGET, dtype="i4", store=store)
    store.left = left

    with pytest.raises(OSError, match="no space"):
        z[...] = source
    assert not [key for key in store if "__rechunk" in key]


def test_copies_of_arrays_that_lack_chunks_go_by_the_plan(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("zarr.tools.transfer.MEMORY", 240_000)
    source, store = _source()
    del store["7.0"], store["100.0"]
    expected = source[...]
    store.reads.clear()
    group = zarr.group()

    zarr.copy(source, group, name="a", chunks=TARGET)

    assert np.array_equal(group["a"][...], expected)
    assert max(n for key, n in store.reads.items() if key[0].isdigit()) <= 2
