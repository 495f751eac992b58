"""A store in memory is never taken for one that is gone, although it may lie where that lay."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import zarr
from zarr.errors import ChunkDecodeError
from zarr.storage import BaseStore, KVStore, MemoryStore, ObjectStore, SQLiteStore

KEY = "c/0/0"


class OfOnesOwn(BaseStore):
    """A store that says nothing about where it is."""

    def __init__(self) -> None:
        self.values_by_key: dict[str, Any] = {}

    def __getitem__(self, key: str) -> Any:
        return self.values_by_key[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.values_by_key[key] = value

    def __delitem__(self, key: str) -> None:
        del self.values_by_key[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_by_key)


IN_MEMORY: dict[str, Callable[[], BaseStore]] = {
    "dict": lambda: KVStore({}),
    "memory": MemoryStore,
    "sqlite": lambda: SQLiteStore(":memory:"),
    "obstore": lambda: ObjectStore("memory://"),
    "own": OfOnesOwn,
}


@pytest.mark.parametrize("new", IN_MEMORY.values(), ids=IN_MEMORY)
def test_no_two_stores_are_at_one_place_one_after_the_other(new: Callable[[], BaseStore]) -> None:
    places = set()
    for _ in range(50):
        with new() as store:
            places.add((store.location, store.address("a")))
    assert len(places) == 50


@pytest.mark.parametrize("new", IN_MEMORY.values(), ids=IN_MEMORY)
def test_a_store_stays_where_it_is(new: Callable[[], BaseStore]) -> None:
    with new() as store:
        assert store.location == store.location
        assert store.address("a") == store.address("a")


def test_stores_of_one_dict_are_at_one_place() -> None:
    values: dict[str, Any] = {}
    one, other = KVStore(values), KVStore(values)
    assert one.location == other.location
    assert one.address("a") == other.address("a")
    folder, same = MemoryStore(values), MemoryStore(values)
    assert folder.address("a") == same.address("a")


@pytest.mark.parametrize("new", [OfOnesOwn, MemoryStore, lambda: KVStore({})])
def test_a_copy_from_a_pickle_is_at_another_place(new: Callable[[], BaseStore]) -> None:
    store = new()
    store.location  # noqa: B018  it may be found out when it is asked for
    assert pickle.loads(pickle.dumps(store)).location != store.location
    assert copy.deepcopy(store).location != store.location


def test_an_index_is_not_found_for_another_dict() -> None:
    good: dict[str, Any] = {}
    zarr.create_array(good, shape=(8, 8), chunks=(4, 4), shards=(8, 8), dtype="i4")[...] = (
        np.arange(64).reshape(8, 8)
    )
    spoiled = bytearray(good[KEY])
    spoiled[-40] ^= 1  # in the index, before its checksum
    for _ in range(20):
        # Each dictionary is gone when the next one is made, most often at its address.
        assert zarr.open_array(dict(good), mode="r")[0, 0] == 0
        with pytest.raises(ChunkDecodeError, match="index"):
            zarr.open_array({**good, KEY: bytes(spoiled)}, mode="r")[0, 0]
