"""What an operation may cost, counted and not timed.

The budgets are those of the design: calls of Python functions, project files they lie in,
and calls of the store. A change that passes the other tests and breaks one of these has
made the engine slower.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest

import zarr

PACKAGE = os.path.join(os.path.dirname(zarr.__file__), "")

CALLS_PER_ELEMENT = 45
CALLS_PER_FEW_ELEMENTS = 60
FILES_PER_ELEMENT = 8
CALLS_PER_CHUNK = 12
CALLS_PER_CHECKED_CHUNK = 2
CALLS_PER_PARTIAL_WRITE = 77
CALLS_PER_APPEND = 103
CALLS_PER_INNER_CHUNK = 63
CALLS_PER_SPARSE_READ = 120
CALLS_PER_OPENING = {2: 46, 3: 48}
CALLS_PER_MEMBER = {2: 28, 3: 28}
CALLS_PER_UNLIKE_MEMBER = {2: 33, 3: 40}
CALLS_PER_LISTED = {
    "list": {2: 1, 3: 5},
    "open the copies": {2: 0, 3: 0},
    "list the copies": {2: 1, 3: 7},
}


class Trace:
    """Counts the Python functions called, and the project files that they are in."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()

    def __call__(self, frame: FrameType, event: str, arg: Any) -> None:
        if event == "call":
            code = frame.f_code
            self.calls[f"{code.co_filename}:{code.co_qualname}"] += 1

    @property
    def count(self) -> int:
        return sum(self.calls.values())

    @property
    def files(self) -> set[str]:
        paths = {call.rpartition(":")[0] for call in self.calls}
        return {path[len(PACKAGE) :] for path in paths if path.startswith(PACKAGE)}


def trace(operation: Callable[[], Any]) -> Trace:
    """Return what `operation` calls when it has run before.

    It runs twice before: what earlier tests left can fill what the package remembers of documents
    in the middle of the first run, and then half of them would be unknown in the second.
    """
    operation()
    operation()
    found = Trace()
    gc.collect()
    gc.disable()  # or what it finds of earlier tests would be called, and counted
    sys.setprofile(found)
    try:
        operation()
    finally:
        sys.setprofile(None)
        gc.enable()
    # The lambda that a test passes is not part of the operation.
    found.calls = Counter({k: n for k, n in found.calls.items() if __file__ not in k})
    return found


class CountingStore(zarr.MemoryStore):
    """A store in memory that remembers which of its verbs were called from outside."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[tuple[str, Any]] = []

    def verbs(self) -> Counter[str]:
        return Counter(verb for verb, _ in self.log)


def counting(verb: str) -> Callable[..., Any]:
    original = getattr(zarr.MemoryStore, verb)

    def count(self: CountingStore, *args: Any) -> Any:
        before = len(self.log)
        result = original(self, *args)
        # What the verb itself calls does not count.
        self.log[before:] = [
            (verb, list(args[0]) if isinstance(args[0], (list, dict)) else args[0])
        ]
        return result

    return count


for _verb in (
    "__getitem__", "__contains__", "__setitem__", "__delitem__", "getitems", "setitems", "delitems",
    "get_partial_values", "listdir", "list_prefix", "rmdir", "rename", "getsize",
):  # fmt: skip
    setattr(CountingStore, _verb, counting(_verb))
CountingStore.probe = CountingStore.getitems  # type: ignore[method-assign]


# -- one element -----------------------------------------------------------------------


@pytest.mark.parametrize("store", ["dict", "memory"])
@pytest.mark.parametrize("compressor", ["default", None])
@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_reading_one_element(store: str, compressor: Any, ndim: int) -> None:
    place: Any = {} if store == "dict" else zarr.MemoryStore()
    a = np.arange(10**ndim).reshape((10,) * ndim)
    z = zarr.array(a, chunks=5, compressor=compressor, store=place)
    at = (7,) * ndim
    found = trace(lambda: z[at])
    assert found.count <= CALLS_PER_ELEMENT, found.calls
    assert len(found.files) <= FILES_PER_ELEMENT, found.files


def test_reading_a_few_elements_of_one_chunk() -> None:
    z = zarr.array(np.arange(10000).reshape(100, 100), chunks=50)
    found = trace(lambda: z[3:7, 60:65])
    assert found.count <= CALLS_PER_FEW_ELEMENTS, found.calls


# -- many chunks -----------------------------------------------------------------------


@pytest.mark.parametrize("compressor", ["default", None])
@pytest.mark.parametrize("order", ["C", "F"])
def test_reading_full_chunks(compressor: Any, order: str) -> None:
    with zarr.config.set(workers=1):
        a = np.arange(160_000, dtype="i4").reshape(400, 400)
        z = zarr.array(
            a, chunks=(10, 10), compressor=compressor, order=order, store=CountingStore()
        )
        found = trace(lambda: z[...])
        assert found.count <= CALLS_PER_CHUNK * z.nchunks, found.calls.most_common(12)
        z.store.log.clear()
        z[...]
        assert z.store.verbs() == {"getitems": 1}


@pytest.mark.parametrize("compressor", ["default", None])
def test_verifying_costs_no_calls_for_each_chunk(compressor: Any) -> None:
    with zarr.config.set(workers=1):
        a = np.arange(160_000, dtype="i4").reshape(400, 400)
        z = zarr.array(a, chunks=(10, 10), compressor=compressor)
        unsealed = trace(lambda: z[...]).count
        zarr.seal(z)
        sealed = trace(lambda: z[...]).count
        assert sealed - unsealed <= 20, (sealed, unsealed)
        fresh = trace(lambda: zarr.open_array(z.store, mode="r")[...]).count
        assert fresh - unsealed <= 500, (fresh, unsealed)


@pytest.mark.parametrize("compressor", ["default", None])
@pytest.mark.parametrize("level", ["data", "seal"])
def test_checking_costs_few_calls_for_each_chunk(compressor: Any, level: str) -> None:
    counts = {}
    with zarr.config.set(workers=1):
        for length in (400, 800):
            z = zarr.ones((length, length), chunks=(10, 10), dtype="i4", compressor=compressor)
            zarr.seal(z)
            found = trace(lambda store=z.store: zarr.check(store, level=level))
            counts[z.nchunks] = found.count
    (few, cheap), (many, dear) = counts.items()
    assert dear - cheap <= CALLS_PER_CHECKED_CHUNK * (many - few), counts


def test_checking_a_folder_costs_one_call_for_each_chunk_besides_reading_it(tmp_path: Path) -> None:
    counts = []
    with zarr.config.set(workers=1):
        for length in (400, 800):
            path = str(tmp_path / f"{length}.zarr")
            z = zarr.open_array(path, mode="w", shape=(length, length), chunks=(10, 10), dtype="i4")
            z[:] = np.arange(length)
            read = trace(lambda z=z: z[...]).count
            counts.append(trace(lambda path=path: zarr.check(path)).count - read)
    assert counts[1] - counts[0] <= 1.1 * (80**2 - 40**2), counts


@pytest.mark.parametrize("threads", [1, 64])
def test_a_window_of_a_sealed_array_is_one_call_of_the_store(threads: int) -> None:
    class Store(CountingStore):
        pass

    Store.threads = threads  # type: ignore[misc]
    z = zarr.array(np.ones((16, 1 << 15), "i8"), chunks=(1, 1 << 15), store=Store())
    with zarr.config.set(workers=1, window_bytes=1 << 30):
        zarr.seal(z)
        z[...]
        z.store.log.clear()
        z[...]
    assert z.store.verbs() == {"getitems": 1}


def test_the_digests_of_a_sealed_array_are_loaded_once_for_all_threads() -> None:
    together = threading.Barrier(2)

    class Store(zarr.MemoryStore):
        def get(self, key: str, *args: Any) -> Any:
            if "__seal" in key:
                asked.append(key)
                with contextlib.suppress(threading.BrokenBarrierError):
                    together.wait(0.3)  # for another thread that loads them, too
            return super().get(key, *args)

    asked: list[str] = []
    store = Store()
    z = zarr.array(np.ones((64, 1 << 16), "i8"), chunks=(1, 1 << 16), store=store)
    zarr.seal(z)
    opened = zarr.open_array(store, mode="r")
    asked.clear()
    together.reset()
    with zarr.config.set(workers=4):
        opened[...]
    assert sorted(asked) == ["__seal/.zarray", "__seal/0.0.0"]


def test_a_mask_fetches_the_chunks_that_hold_its_points() -> None:
    a = np.arange(90 * 80).reshape(90, 80)
    z = zarr.array(a, chunks=(10, 10), store=CountingStore())
    mask = np.zeros(a.shape, bool)
    mask[15:55, 25:65] = True
    mask[30:40, 40:50] = False
    z.store.log.clear()
    assert np.array_equal(z.get_mask_selection(mask), a[mask])
    fetched = [key for verb, keys in z.store.log if verb == "getitems" for key in keys]
    wanted = np.argwhere(mask.reshape(9, 10, 8, 10).any(axis=(1, 3)))
    assert sorted(fetched) == [f"{row}.{column}" for row, column in wanted]


# Chunks that are too large to be decoded many at a time, so that windows are exact.
LARGE = 128 << 10


@pytest.mark.parametrize(
    ("window", "count"), [(64 * LARGE, 1), (8 * LARGE, 5), (LARGE, 40), (1, 40)]
)
def test_one_getitems_per_window(window: int, count: int) -> None:
    with zarr.config.set(workers=1, window_bytes=window):
        z = zarr.ones(40 * LARGE, chunks=LARGE, dtype="u1", store=CountingStore())
        z[...] = 2
        z.store.log.clear()
        z[...]
        assert z.store.verbs() == {"getitems": count}
        keys = [key for _, keys in z.store.log for key in keys]
        assert sorted(keys) == sorted(map(str, range(40)))


@pytest.mark.parametrize(
    "read",
    [
        lambda z: z[5:95, 5:95],
        lambda z: z[::3, ::2],
        lambda z: z.oindex[[1, 30, 60], :],
        lambda z: z.vindex[[1, 30, 60], [2, 40, 80]],
        lambda z: z.get_mask_selection(np.eye(100, dtype=bool)),
        lambda z: z.blocks[1:5, 2],
        lambda z: z[50],
    ],
)
def test_every_kind_of_selection_reads_in_one_batch(read: Any) -> None:
    z = zarr.array(np.arange(10_000).reshape(100, 100), chunks=10, store=CountingStore())
    z.store.log.clear()
    read(z)
    verbs = z.store.verbs()
    assert sum(verbs.values()) == verbs["getitems"] + verbs["get_partial_values"] == 1
    for _, keys in z.store.log:
        assert len(set(keys)) == len(keys)


def test_reading_one_chunk_is_one_read() -> None:
    z = zarr.array(np.arange(100), chunks=10, store=CountingStore())
    z.store.log.clear()
    z[15]
    z[11:19]
    assert sum(z.store.verbs().values()) == 2


# -- writing ---------------------------------------------------------------------------


@pytest.mark.parametrize(("window", "count"), [(64 * LARGE, 1), (8 * LARGE, 3), (LARGE, 20)])
def test_partial_writes_go_in_batches(window: int, count: int) -> None:
    with zarr.config.set(workers=1, window_bytes=window):
        z = zarr.zeros(20 * LARGE, chunks=LARGE, dtype="u1", store=CountingStore())
        z[...] = 1
        z.store.log.clear()
        z[::2] = 2
        assert z.store.verbs() == {"getitems": count, "setitems": count}


@pytest.mark.parametrize(
    "write",
    [
        lambda z: z.__setitem__((slice(5, 95), slice(5, 95)), 1),
        lambda z: z.oindex.__setitem__(([1, 30, 60], slice(None)), 1),
        lambda z: z.vindex.__setitem__(([1, 30, 60], [2, 40, 80]), 1),
        lambda z: z.set_mask_selection(np.eye(100, dtype=bool), 1),
        lambda z: z.__setitem__(50, 1),
    ],
)
def test_every_kind_of_partial_write_is_one_batch(write: Any) -> None:
    z = zarr.array(np.arange(10_000).reshape(100, 100), chunks=10, store=CountingStore())
    z.store.log.clear()
    write(z)
    assert z.store.verbs() == {"getitems": 1, "setitems": 1}


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_calls_to_write_a_part_of_a_chunk(zarr_format: int) -> None:
    z = zarr.array(np.zeros((100, 100)), chunks=50, compressor=None, zarr_format=zarr_format)
    found = trace(lambda: z.__setitem__((slice(3, 7), slice(60, 65)), 1))
    assert found.count <= CALLS_PER_PARTIAL_WRITE, found.calls


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_calls_to_append(zarr_format: int) -> None:
    z = zarr.zeros((0, 50), chunks=(100, 50), compressor=None, zarr_format=zarr_format)
    rows = np.ones((5, 50))
    found = trace(lambda: z.append(rows))
    assert found.count <= CALLS_PER_APPEND, found.calls


def test_full_writes_read_nothing() -> None:
    z = zarr.zeros((90, 90), chunks=10, store=CountingStore())
    z.store.log.clear()
    z[...] = np.ones((90, 90))
    assert z.store.verbs() == {"setitems": 1}
    z.store.log.clear()
    z[10:30, 40:] = 5
    z.blocks[1:3, 4] = 6
    assert z.store.verbs() == {"setitems": 2}


def test_full_writes_read_the_chunks_at_the_edge_in_one_batch() -> None:
    # Another handle may have appended to them since this one has read the shape.
    z = zarr.zeros((95, 95), chunks=10, store=CountingStore())
    z.store.log.clear()
    z[...] = np.ones((95, 95))
    assert z.store.verbs() == {"getitems": 1, "setitems": 1}
    (keys,) = [keys for verb, keys in z.store.log if verb == "getitems"]
    assert len(keys) == 19


def test_empty_chunks_are_deleted_in_one_batch() -> None:
    z = zarr.zeros((100, 100), chunks=10, store=CountingStore(), write_empty_chunks=False)
    z[...] = 1
    z.store.log.clear()
    z[...] = 0
    assert z.store.verbs() == {"delitems": 1}


# -- shards ----------------------------------------------------------------------------


def sharded(store: Any = None, **options: Any) -> Any:
    """Return an array of 2 x 2 x 2 shards of 8 x 8 x 8 chunks of 4 x 4 x 4 items."""
    z = zarr.create(
        (64, 64, 64), chunks=4, shards=32, dtype="u2", compressor=None,
        store=CountingStore() if store is None else store, **options,
    )  # fmt: skip
    z[...] = np.arange(64**3, dtype="u2").reshape(64, 64, 64)
    if store is None:
        z.store.log.clear()
    return z


def ranges(store: CountingStore) -> list[list[int]]:
    """Return for each read of ranges how many bytes each of them had."""
    return [[length for _, (_, length) in asked] for verb, asked in store.log if "partial" in verb]


@pytest.mark.parametrize("kind", ["chunk", "item", "point"])
def test_reading_an_inner_chunk_is_two_reads_and_then_one(kind: str) -> None:
    read = {
        "chunk": lambda z, at: z[at : at + 4, 4:8, 4:8],
        "item": lambda z, at: z[at, 5, 6],
        "point": lambda z, at: z.vindex[[at], [5], [6]],
    }[kind]
    z = sharded()
    index, chunk, check = 512 * 16 + 4, 4**3 * 2, 4
    read(z, 4)
    assert z.store.verbs() == {"get_partial_values": 2}
    assert ranges(z.store) == [[index], [chunk, check]]
    for at in (4, 8, 28):
        z.store.log.clear()
        read(z, at)
        assert z.store.verbs() == {"get_partial_values": 1}
        assert ranges(z.store) == [[chunk, check]]
    z.store.log.clear()
    read(zarr.Array(z.store), 12)  # another handle knows the index, too
    assert [verb for verb, keys in z.store.log if "zarr.json" not in keys] == ["get_partial_values"]


def test_calls_to_read_an_inner_chunk_from_a_file(tmp_path: Path) -> None:
    z = sharded(zarr.DirectoryStore(str(tmp_path)))
    found = trace(lambda: z[4:8, 4:8, 4:8])
    assert found.count <= CALLS_PER_INNER_CHUNK, found.calls


def test_calls_to_read_an_inner_chunk_from_an_object_store() -> None:
    pytest.importorskip("obstore")
    z = sharded(zarr.storage.ObjectStore("memory://"))
    found = trace(lambda: z[4:8, 4:8, 4:8])
    assert found.count <= CALLS_PER_INNER_CHUNK, found.calls


@pytest.mark.parametrize("kind", ["dict", "memory", "directory"])
@pytest.mark.parametrize("written", [0, 100])
def test_calls_to_read_a_million_chunks_of_which_few_exist(
    kind: str, written: int, tmp_path: Path
) -> None:
    store = {"dict": {}, "memory": zarr.MemoryStore(), "directory": str(tmp_path)}[kind]
    z = zarr.create((4000, 4000), chunks=4, dtype="u1", store=store)
    z[:written, 1000:1004] = 1
    found = trace(lambda: z[...])
    assert found.count <= CALLS_PER_SPARSE_READ + CALLS_PER_CHUNK * written / 4, found.calls


def test_an_absent_inner_chunk_costs_no_more_than_one_that_is_there() -> None:
    z = zarr.zeros((64,), chunks=4, shards=32, dtype="u1", store=CountingStore())
    z[8] = 1
    z.store.log.clear()
    assert z[0] == 0
    assert ranges(z.store) == [[8 * 16 + 4]]
    z.store.log.clear()
    assert z[1] == 0
    assert ranges(z.store) == [[4]]
    z.store.log.clear()
    assert z[40] == 0  # no such shard, so the array itself may have been deleted
    assert z.store.verbs() == {"get_partial_values": 1, "__contains__": 1}


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_plane_reads_indexes_and_then_ranges_that_lie_close_as_one(axis: int) -> None:
    z = sharded()
    plane = tuple(slice(9, 10) if d == axis else slice(None) for d in range(3))
    z[plane]
    assert z.store.verbs() == {"get_partial_values": 2}
    indexes, parts = ranges(z.store)
    assert indexes == [512 * 16 + 4] * 4
    # Of each shard either the 64 chunks that follow each other, or, where the gaps are small,
    # those with what is between.
    assert len(parts) == 4 * 2
    least = 64 * 4**3 * 2
    assert sorted(parts)[4] >= least
    assert sum(parts) <= 4 * (8 * least + 4)
    z.store.log.clear()
    z[plane]
    assert z.store.verbs() == {"get_partial_values": 1}


def test_chunks_far_apart_are_read_one_by_one() -> None:
    z = zarr.create(
        (2**20,), chunks=2**15, shards=2**20, dtype="u1", compressor=None, store=CountingStore()
    )
    z[...] = 1
    z.store.log.clear()
    z[:: 2**16]
    assert ranges(z.store)[1] == [2**15] * 16 + [4]


def test_most_of_a_shard_is_read_as_a_whole() -> None:
    z = sharded()
    z[:32, :32, :20]
    assert z.store.verbs() == {"getitems": 1}


@pytest.mark.parametrize(
    "write",
    [
        lambda z: z.__setitem__((5, 6, 7), 1),
        lambda z: z.__setitem__((slice(4, 8), slice(4, 8), slice(4, 8)), 1),
        lambda z: z.__setitem__((slice(1, 17), slice(1, 17), slice(1, 17)), 1),
        lambda z: z.__setitem__((slice(0, 31), slice(None), slice(None)), 1),
        lambda z: z.vindex.__setitem__(([1, 30, 40], [2, 31, 50], [3, 3, 60]), 1),
        lambda z: z.oindex.__setitem__(([1, 2], slice(0, 64, 7), [0]), 1),
    ],
)
def test_writing_part_of_a_shard_is_one_read_and_one_write(write: Any) -> None:
    z = sharded()
    write(z)
    assert z.store.verbs() == {"getitems": 1, "setitems": 1}
    read, written = (sorted(keys) for _, keys in z.store.log)
    assert read == written
    assert len(set(read)) == len(read)


def test_writing_whole_shards_reads_nothing() -> None:
    z = sharded()
    z[:32] = 7
    assert z.store.verbs() == {"setitems": 1}


@pytest.mark.parametrize(
    ("compressor", "shards"), [(None, (256, 256, 256)), ("default", ([256, 128], 256, 512))]
)
def test_memory_of_a_full_read(tmp_path: Path, compressor: Any, shards: Any) -> None:
    """At most 1.3 times the array, whether or not chunks can be compressed."""
    shape, path = (384, 256, 512), str(tmp_path / "a")
    noise = np.random.default_rng(0).integers(0, 2**16, shape, "u2")
    zarr.create(
        shape, chunks=64, shards=shards, dtype="u2", store=path, compressor=compressor
    )[...] = noise  # fmt: skip
    code = f"""
import resource, sys, zarr
zarr.config.set(workers=int(sys.argv[1]))
z = zarr.open_array({path!r}, mode="r")
z[0, 0, 0], z[:40, :40, :40]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
a = z[...]
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print((after - before) * 1024 / a.nbytes)
"""
    for workers in ("1", "2"):
        answer = subprocess.run(
            [sys.executable, "-c", code, workers],
            check=True, capture_output=True, text=True, timeout=100,
        )  # fmt: skip
        assert float(answer.stdout) <= 1.3


def test_regular_chunks_need_no_search() -> None:
    z = zarr.array(np.arange(10_000).reshape(100, 100), chunks=10)
    for operation in (
        lambda: z[...], lambda: z[5], lambda: z[::3], lambda: z.vindex[[1, 2], [3, 4]],
        lambda: z.oindex[[1, 50]], lambda: z.blocks[1], lambda: z.__setitem__(7, 1),
    ):  # fmt: skip
        found = trace(operation)
        assert not [call for call in found.calls if "Edges" in call]


# -- opening ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "open_it",
    [
        lambda store: zarr.Array(store, "a/b"),
        lambda store: zarr.open_array(store, mode="r", path="a/b"),
        lambda store: zarr.open_array(store, mode="r+", path="a/b"),
    ],
)
def test_opening_an_array_reads_its_document_and_no_more(open_it: Any) -> None:
    store = CountingStore()
    z = zarr.group(store).ones("a/b", shape=10)
    z.attrs["x"] = 1
    store.log.clear()
    z = open_it(store)
    assert store.log == [("getitems", ["a/b/zarr.json", "a/b/.zarray"])]
    for name in ("shape", "dtype", "chunks", "compressor", "filters", "fill_value", "nbytes"):
        getattr(z, name)
    repr(z)
    assert len(store.log) == 1
    assert z.attrs["x"] == 1
    assert z.attrs["x"] == 1
    assert len(store.log) == 2


@pytest.mark.parametrize("zarr_format", CALLS_PER_OPENING)
def test_calls_to_open_an_array_in_a_folder(zarr_format: int, tmp_path: Path) -> None:
    path = str(tmp_path)
    zarr.open_array(path, mode="w", shape=(10, 10), chunks=5, dtype="i4", zarr_format=zarr_format)
    found = trace(lambda: zarr.open_array(path, mode="r"))
    assert found.count <= CALLS_PER_OPENING[zarr_format], found.calls


def test_members_of_groups_are_found_in_one_read() -> None:
    store = CountingStore()
    zarr.group(store).ones("a/b", shape=10)
    g = zarr.open_group(store, mode="r")
    store.log.clear()
    g["a/b"]
    assert sum(store.verbs().values()) <= 2
    store.log.clear()
    g["a"]
    assert sum(store.verbs().values()) <= 2


@pytest.mark.parametrize("zarr_format", CALLS_PER_MEMBER)
@pytest.mark.parametrize("consolidated", [False, True])
def test_calls_to_open_a_member(zarr_format: int, *, consolidated: bool) -> None:
    g = zarr.open_group(zarr.MemoryStore(), mode="w", zarr_format=zarr_format)
    g.zeros("a", shape=(10, 10), chunks=5, dtype="i4")
    if consolidated:
        g = zarr.consolidate_metadata(g.store)
    found = trace(lambda: g["a"])
    assert found.count <= CALLS_PER_MEMBER[zarr_format], found.calls


@pytest.mark.parametrize("zarr_format", CALLS_PER_MEMBER)
def test_calls_to_open_a_member_that_is_not_like_others(zarr_format: int) -> None:
    g = zarr.open_group(zarr.MemoryStore(), mode="w", zarr_format=zarr_format)
    for length in range(1, 602):  # more than are kept
        g.zeros(f"a{length}", shape=length, chunks=5, dtype="i4")
    g = zarr.open_group(g.store, mode="r")
    found = trace(lambda: [node.shape for node in g.values()])
    assert found.count <= CALLS_PER_UNLIKE_MEMBER[zarr_format] * len(g) + 50, found.calls


@pytest.mark.parametrize("operation", CALLS_PER_LISTED)
@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.filterwarnings("ignore:Consolidated metadata")
def test_calls_for_each_member_of_a_group(operation: str, zarr_format: int, tmp_path: Path) -> None:
    counts = []
    for members in (10, 60):
        path = str(tmp_path / str(members))
        g = zarr.open_group(path, mode="w", zarr_format=zarr_format)
        for number in range(members):
            g.zeros(f"a{number}", shape=number + 1, chunks=5, dtype="i4")
        zarr.consolidate_metadata(path)
        g = zarr.open_group(path, mode="r")
        copies = zarr.open_consolidated(path, mode="r")
        perform = {
            "list": lambda g=g: list(g.array_keys()),
            "open the copies": lambda path=path: zarr.open_consolidated(path, mode="r"),
            "list the copies": lambda copies=copies: list(copies.array_keys()),
        }[operation]
        counts.append(trace(perform).count)
    few, many = counts
    assert many - few <= CALLS_PER_LISTED[operation][zarr_format] * 50 + 10, counts


def test_appending_costs_the_same_however_long_the_array_is() -> None:
    counts = []
    for length in (10, 10_000):
        store = CountingStore()
        z = zarr.zeros(length, chunks=10, store=store)
        z[...] = 1
        z.append(np.ones(10))
        store.log.clear()
        found = trace(lambda z=z: z.append(np.ones(10)))
        counts.append((found.count, store.verbs()["list_prefix"] + store.verbs()["listdir"]))
    assert counts[0] == counts[1]
    assert counts[0][1] == 0


# -- arrays of any size ----------------------------------------------------------------

LAYOUTS: dict[str, tuple[Callable[[int], Any], dict[str, Any]]] = {
    "line": (lambda n: 10 * n, {"chunks": 10}),
    "plane": (lambda n: (10 * n, 100), {"chunks": 10, "dimension_separator": "/"}),
    "shards": (lambda n: 10 * n, {"chunks": 10, "shards": 20, "zarr_format": 3}),
}

OPERATIONS: dict[str, Callable[[Any], Any]] = {
    "one element": lambda z: z[(5,) * z.ndim],
    "the last element": lambda z: z[(-1,) * z.ndim],
    "a slice": lambda z: z[(slice(2, 29),) * z.ndim],
    "a step": lambda z: z[(slice(2, 90, 7), slice(2, 90, 7))[: z.ndim]],
    "coordinates": lambda z: z.vindex[([3, 50, 20], [7, 1, 2])[: z.ndim]],
    "orthogonal": lambda z: z.oindex[([3, 50, 20], [7, 1, 2])[: z.ndim]],
    "a block": lambda z: z.blocks[(0,) * z.ndim],
    "writing an element": lambda z: z.__setitem__((4,) * z.ndim, 3),
    "writing a slice": lambda z: z.__setitem__((slice(3, 9),) * z.ndim, 4),
    "appending": lambda z: z.append(np.ones((10, *z.shape[1:]), z.dtype)),
    "resizing": lambda z: z.resize(z.shape[0] + 10, *z.shape[1:]),
    "opening": lambda z: zarr.open_array(z.store, mode="r+"),
    "facts": lambda z: (z.nchunks, z.nbytes, z.cdata_shape, repr(z)),
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_cost_does_not_depend_on_the_chunks_not_touched(layout: str, operation: str) -> None:
    shape, options = LAYOUTS[layout]
    costs = []
    for chunks in (10, 10**9):
        store = CountingStore()
        z = zarr.create(shape(chunks), dtype="u1", store=store, **options)
        z[(slice(30),) * z.ndim] = 1
        store.log.clear()
        found = trace(lambda z=z: OPERATIONS[operation](z))
        costs.append((found.calls, store.verbs()))
    assert costs[0] == costs[1]


@pytest.mark.parametrize("place", ["memory", "directory"])
def test_the_chunks_not_touched_may_be_stored(place: str, tmp_path: Path) -> None:
    costs = []
    for chunks in (10, 5_000):
        path = str(tmp_path / str(chunks))
        z = zarr.zeros(10 * chunks, chunks=10, store=None if place == "memory" else path)
        z[...] = 1
        found = [
            trace(lambda z=z: z[55]).calls,
            trace(lambda z=z: z.__setitem__(56, 3)).calls,
            trace(lambda z=z: z.append(np.ones(10))).calls,
            trace(lambda z=z: zarr.open_array(z.store, mode="r")).calls,
        ]
        costs.append(found)
    assert costs[0] == costs[1]


# -- import ----------------------------------------------------------------------------


def modules_after(statement: str) -> set[str]:
    """Return the modules that a new interpreter has after `statement`."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    path = str(Path(PACKAGE).parent)
    answer = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": path},
    )
    return set(json.loads(answer.stdout))


def test_importing_brings_no_optional_dependency() -> None:
    extra = modules_after("import zarr") - modules_after("import numpy, numcodecs")
    outside = {name.partition(".")[0] for name in extra} - sys.stdlib_module_names
    assert outside <= {"zarr", "fasteners"}
    for name in ("asyncio", "concurrent.futures.process", "sqlite3", "dbm", "http", "ssl", "xml"):
        assert name not in extra
    assert len([name for name in extra if not name.startswith("zarr")]) <= 60, sorted(extra)


@pytest.mark.parametrize(
    "name", ["fsspec", "lmdb", "redis", "pymongo", "azure", "obstore", "h5py", "dask"]
)
def test_importing_works_without(name: str) -> None:
    modules_after(f"import sys; sys.modules[{name!r}] = None; import zarr; zarr.zeros(3)[...]")
