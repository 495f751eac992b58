"""Counting what stores do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest

import zarr
from tests.safety.places import PLACES
from zarr.storage import BaseStore, KVStore, LRUStoreCache, MemoryStore
from zarr.tools import traffic as tool
from zarr.tools.traffic import _VERBS, VerbCount


class FiveMethods(BaseStore):
    """A store with nothing but what it must have."""

    def __init__(self) -> None:
        self.data: dict[str, bytes] = {}

    def __getitem__(self, key: str) -> bytes:
        return self.data[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.data[key] = bytes(value)

    def __delitem__(self, key: str) -> None:
        del self.data[key]

    def __iter__(self) -> Iterator[str]:
        return iter(list(self.data))


def methods() -> dict[tuple[type, str], Any]:
    found: dict[tuple[type, str], Any] = {}
    todo: list[type] = [BaseStore]
    while todo:
        cls = todo.pop()
        found.update({(cls, verb): vars(cls).get(verb) for verb in _VERBS})
        todo += cls.__subclasses__()
    return found


@pytest.mark.parametrize("kind", [FiveMethods, MemoryStore])
def test_each_verb_is_counted_once(kind: type[BaseStore]) -> None:
    store = kind()
    with zarr.traffic() as seen:
        store["a"] = b"123"
        store.setitems({"b": b"12", "c/d": b"1"})
        assert store["a"] == b"123"
        assert set(store.getitems(["a", "b", "x"])) == {"a", "b"}
        assert store.get_partial_values([("a", (0, 2)), ("a", (-1, None))]) == [b"12", b"3"]
        assert "x" not in store
        with pytest.raises(KeyError):
            store["x"]
        assert sorted(store.list_prefix("")) == ["a", "b", "c/d"]
        assert dict(store.list_sizes("c")) == {"c/d": 1}
        store.delitems(iter(["a", "b"]))

    counts = seen.of(store)
    assert counts["__setitem__"] == VerbCount(1, 1, 0, 3)
    assert counts["setitems"] == VerbCount(1, 2, 0, 3)
    assert counts["__getitem__"] == VerbCount(2, 2, 3, 0)
    assert counts["getitems"] == VerbCount(1, 3, 5, 0)
    assert counts["get_partial_values"] == VerbCount(1, 2, 3, 0)
    assert counts["__contains__"].calls == 1
    assert counts["list_prefix"] == VerbCount(1, 3, 0, 0)
    assert (counts["list_sizes"].calls, counts["list_sizes"].keys) == (1, 1)
    assert (counts["delitems"].calls, counts["delitems"].keys) == (1, 2)
    assert seen.verbs == dict(sorted(counts.items()))
    assert store.is_listable()
    assert sorted(store) == ["c/d"]


def test_bytes_that_a_method_reads_by_another_are_its_own() -> None:
    store = FiveMethods()
    store["a"] = b"12345"
    with zarr.traffic() as seen:
        assert store.getsize("a") == 5
        assert "a" in store

    assert seen.of(store)["getsize"].bytes_read >= 5
    assert seen.of(store)["__contains__"] == VerbCount(1, 1, 5, 0)


def test_nothing_is_left_behind() -> None:
    before = methods()
    with zarr.traffic():

        class Late(MemoryStore):
            def __getitem__(self, key: str) -> Any:
                return super().__getitem__(key)

        assert methods() != before
        counted = [method for method in methods().values() if method]
        assert any(method.__code__.co_filename == tool.__file__ for method in counted)

    late = [method for (cls, _), method in methods().items() if cls is Late and method]
    after = {key: method for key, method in methods().items() if key[0] is not Late}
    assert after == before
    assert late
    assert not any(method.__code__.co_filename == tool.__file__ for method in late)


def test_classes_that_come_later_are_counted() -> None:
    with zarr.traffic() as seen:

        class Later(FiveMethods):
            def __getitem__(self, key: str) -> bytes:
                return super().__getitem__(key)

        store = Later()
        store.getitems(["a", "b"])

    assert seen.of(store) == {"getitems": VerbCount(1, 2)}


def test_blocks_can_be_nested_and_see_all_threads() -> None:
    z = zarr.array(np.ones(1000), chunks=10)
    readers = 8
    with zarr.traffic() as outer:
        z[:10]
        with zarr.traffic() as inner:
            threads = [threading.Thread(target=lambda: z[:]) for _ in range(readers)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        z[:10]

    assert inner.keys == 100 * readers
    assert outer.keys == inner.keys + 2


def test_arrays_opened_before_are_counted(tmp_path: Path) -> None:
    z = zarr.open_array(str(tmp_path / "a"), mode="w", shape=20, chunks=5, dtype="i4")
    with zarr.traffic() as seen:
        z[:] = np.arange(20)
        z[3:12] = 1

    assert seen.verbs["setitems"].keys == 4 + 3
    assert seen.verbs["getitems"].keys == 2


def test_totals_leave_out_stores_in_front_of_others() -> None:
    store = MemoryStore()
    zarr.array(np.ones(100), chunks=10, store=store)
    z = zarr.open_array(LRUStoreCache(store, None), mode="r")
    with zarr.traffic() as seen:
        z[:]
        z[:]

    assert seen.of(z.store)["getitems"].calls == 2
    assert seen.of(store)["getitems"].calls == 1
    assert seen.verbs["getitems"] == seen.of(store)["getitems"]
    assert len(seen.stores) == 2


def test_methods_of_a_mapping_are_counted() -> None:
    class Batches(dict[str, Any]):
        def setitems(self, items: Any) -> None:
            self.update(items)

    store = KVStore(Batches())
    with zarr.traffic() as seen:
        zarr.array(np.ones(10), chunks=5, store=store)

    assert seen.of(store)["setitems"].keys == 2


def test_text_and_json() -> None:
    z = zarr.array(np.ones(10), chunks=5)
    with zarr.traffic() as seen:
        z[:]
    told = seen.to_dict()

    assert told["schema"] == 1
    assert told["verbs"]["getitems"]["keys"] == told["keys"] == 2
    assert told["stores"][0]["store"].startswith("<KVStore")
    assert [line.split()[0] for line in str(seen).splitlines()] == ["verb", "getitems", "total"]


# -- what explain adds to it ---------------------------------------------------------------


class Counted(numcodecs.abc.Codec):  # type: ignore[misc]
    """A codec that counts what it decodes."""

    codec_id = "counted-for-explain"
    decoded = 0

    def encode(self, buf: Any) -> Any:
        return bytes(buf)

    def decode(self, buf: Any, out: Any = None) -> Any:
        Counted.decoded += len(buf)
        return numcodecs.compat.ndarray_copy(buf, out)


numcodecs.register_codec(Counted)


@pytest.mark.parametrize("cache_bytes", [0, 10_000])
@pytest.mark.parametrize("chunks", [(3, 4), (3, 20)])
def test_decoded_bytes_are_those_that_codecs_return(chunks: Any, cache_bytes: int) -> None:
    z = zarr.open_array(
        MemoryStore(), mode="w", shape=(20, 20), chunks=chunks, dtype="i4",
        compressor=Counted(), cache_bytes=cache_bytes,
    )  # fmt: skip
    z[:10] = 1
    mask = np.arange(400).reshape(20, 20) % 7 == 0
    for read in (
        lambda z: z[3, 3], lambda z: z[2:7, ::3], lambda z: z[:], lambda z: z[mask],
        lambda z: z.oindex[[7, 2, 3], :], lambda z: z.vindex[[0, 19, 4], [0, 3, 3]],
        lambda z: z.blocks[1],
    ):  # fmt: skip
        told = read(z.explain(sizes=True))
        Counted.decoded = 0
        expected = read(z)

        assert told.decoded_bytes == Counted.decoded
        assert told.selected_bytes == expected.nbytes
        assert told.shape == expected.shape


def test_explain_reads_nothing() -> None:
    z = zarr.ones((40, 40), chunks=5, shards=20, zarr_version=3, store=MemoryStore())
    with zarr.traffic() as seen:
        told = z.explain[3:30, 4]

    assert seen.calls == 0
    assert (told.chunks, told.absent, told.stored_bytes, told.exact) == (6, None, None, False)


def test_explain_takes_no_memory_for_the_selection() -> None:
    z = zarr.create((10**7, 10**7), chunks=(10**6, 10**6), dtype="f8", compressor=None)

    told = z.explain[:]
    reordered = z.explain.oindex[[5, 3], :]

    assert told.selected_bytes == 8 * 10**14
    assert told.keys == 100
    assert reordered.chunks == 10


def test_explain_has_the_errors_of_the_read() -> None:
    z = zarr.ones((4, 6), chunks=2, dtype=[("a", "i4"), ("b", "f8")])

    assert z.explain["a", 0].selected_bytes == 6 * 4
    with pytest.raises(IndexError):
        z.explain[4]
    with pytest.raises(IndexError):
        z.explain.blocks[3]
    with pytest.raises(IndexError, match="has no field"):
        z.explain["c"]


def test_the_metadata_that_are_read_each_time_count() -> None:
    store = MemoryStore()
    zarr.array(np.ones(10), chunks=5, store=store)
    z = zarr.open_array(store, mode="r", cache_metadata=False)
    told = z.explain(sizes=True)[:5]
    with zarr.traffic() as seen:
        z[:5]

    assert (told.calls, told.keys, told.stored_bytes) == (seen.calls, seen.keys, seen.bytes_read)


def test_advice() -> None:
    z = zarr.ones((1000, 1000), chunks=(1, 1000), dtype="f4")
    (shape, cache, small) = z.explain[:, 3].advice

    assert shape.startswith("dimension 1: about 1 of 1000")
    assert "cache_bytes" in cache
    assert small.startswith("1,000 chunks of 4,000 bytes")
    assert z.explain[5].advice == ()
    assert "points" in z.explain.vindex[[1, 5], [3, 3]].advice[0]


def test_explanation_as_text_and_json() -> None:
    told = zarr.array(np.ones((4, 6)), chunks=2).explain(sizes=True)[0]

    assert told.to_dict()["requests"][0]["keys"] == ("0.0", "0.1", "0.2")
    assert '"schema": 1' in told.to_json()
    assert str(told).splitlines()[1] == "chunks        : 3"
    assert repr(told) == str(told)


@pytest.mark.parametrize(
    "options", [{}, {"zarr_version": 3, "shards": 12}], ids=["plain", "shards"]
)
def test_sealed_arrays_are_explained(options: dict[str, Any]) -> None:
    store = MemoryStore()
    z = zarr.create((20, 20), chunks=6, dtype="i4", store=store, **options)
    z[:] = np.arange(400).reshape(20, 20)
    zarr.seal(store)
    z = zarr.open_array(store, mode="r")
    z[0, 0]  # reads the seal
    told = z.explain(sizes=True)[3:9, 2]
    with zarr.traffic() as seen:
        z[3:9, 2]

    assert (told.calls, told.keys, told.stored_bytes) == (seen.calls, seen.keys, seen.bytes_read)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("kind", ["directory", "nested", "sqlite", "lmdb", "zip", "ocdbt"])
def test_transactions_are_counted_as_their_stores(kind: str, tmp_path: Path) -> None:
    if kind in PLACES:
        store = PLACES[kind].open(str(tmp_path))
    else:
        store = zarr.NestedDirectoryStore(str(tmp_path / "nested"))
    z = zarr.open_group(store, mode="w").zeros("z", shape=100, chunks=10, compressor=None)
    z[:50] = 1

    with zarr.traffic() as seen, zarr.transaction(store) as txn:
        inside = txn.group["z"]
        with zarr.traffic() as written:
            inside[40:80] = 2
        with zarr.traffic() as read:
            data = inside[:]
        with zarr.traffic() as listed:
            keys = list(txn.store.list_prefix("z"))
        txn.store.delitems(["z/7"])

    assert written.verbs["setitems"] == VerbCount(1, 4, 0, 320)
    assert read.verbs["getitems"] == VerbCount(1, 10, 640, 0)
    assert listed.verbs["list_prefix"].keys == len(keys)
    assert seen.of(store) == seen.verbs and seen.verbs["delitems"].keys == 1
    assert data.sum() == 40 + 80
    assert [name for name, _ in seen.stores] == [repr(store)]
    store.close()
