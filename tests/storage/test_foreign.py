"""Stores written for the 3.x library, as stores of this one."""

from __future__ import annotations

import asyncio
import os
import pickle
from typing import Any

import numpy as np
import pytest

import zarr
from tests.storage.conftest import StartPython
from tests.storage.user_store import UserStore
from zarr.abc.store import RangeByteRequest, Store, SuffixByteRequest
from zarr.errors import ReadOnlyError, StoreError, StorePermissionError
from zarr.storage import as_store
from zarr.storage.base import BaseStore
from zarr.storage.event_loop import run
from zarr.testing import StoreTests


class TestUserStore(StoreTests):
    pickle_shares = False

    @pytest.fixture
    def store(self) -> BaseStore:
        return as_store(UserStore())


def test_nodes_have_the_store_that_was_passed() -> None:
    store = UserStore()
    group = zarr.open_group(store, mode="w")
    z = group.create_array("a", shape=4, chunks=2, dtype="i4")

    assert group.store is store
    assert z.store is store
    assert z.chunk_store is store
    assert zarr.open_array(store, path="a", mode="r").store is store


def test_new_nodes_have_the_format_that_such_code_expects() -> None:
    store = UserStore()
    zarr.create(4, chunks=2, dtype="i4", store=store)

    assert list(store.data) == ["zarr.json"]


def test_a_batch_is_one_request_for_each_chunk_and_asks_for_nothing_else() -> None:
    store = UserStore()
    z = zarr.create_array(store, shape=40, chunks=4, dtype="i4", fill_value=-1)
    z[:] = np.arange(40)
    store.log.clear()
    assert (z[:] == np.arange(40)).all()
    assert sorted(store.log) == [("get", f"c/{n}", None) for n in range(10)]


def test_no_more_requests_at_a_time_than_the_setting_allows() -> None:
    class Counting(UserStore):
        now = most = 0

        async def get(self, *args: Any) -> Any:
            self.now += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(0)
            self.now -= 1
            return await super().get(*args)

    store = Counting()
    as_store(store).setitems({str(n): b"x" for n in range(50)})
    with zarr.config.set({"async.concurrency": 7}):
        assert len(as_store(store).getitems([str(n) for n in range(50)])) == 50
    assert store.most == 7


def test_shards_are_read_by_ranges() -> None:
    store = UserStore()
    z = zarr.create_array(store, shape=64, shards=32, chunks=4, dtype="i4", compressors=None)
    z[:] = np.arange(64)
    store.log.clear()
    assert zarr.open_array(store)[40] == 40
    shard = [entry for entry in store.log if entry[1] == "c/1"]
    assert any(isinstance(request, SuffixByteRequest) for _, _, request in shard)
    assert all(request is not None for _, _, request in shard)


def test_opening_asks_for_no_rare_format() -> None:
    store = UserStore()
    with pytest.raises(FileNotFoundError):
        zarr.open(store, mode="r")
    assert {key for _, key, _ in store.log} == {".zarray", ".zgroup", "zarr.json"}


def test_append_writes_metadata_before_chunks() -> None:
    store = UserStore()
    z = zarr.create_array(store, shape=4, chunks=2, dtype="i4")
    z[:] = 1
    store.log.clear()
    z.append(np.ones(4, "i4"))
    written = [key for verb, key, *_ in store.log if verb == "set"]
    assert written[0] == "zarr.json"
    assert sorted(written[1:]) == ["c/2", "c/3"]


class Served(UserStore):
    """A store whose server carries out what it was sent, even if the client has left."""

    async def set(self, key: str, value: Any) -> None:
        if key == "3":
            raise ConnectionError("it is gone")
        await self._sent(self.data.__setitem__, key, value.to_bytes())

    async def delete(self, key: str) -> None:
        if key == "3":
            raise ConnectionError("it is gone")
        await self._sent(self.data.pop, key, None)

    async def _sent(self, *call: Any) -> None:
        loop = asyncio.get_running_loop()
        answered = loop.create_future()
        # Several turns of the loop later, in each of which another coroutine may be cancelled.
        turns = iter(range(20))

        def serve() -> None:
            if next(turns, None) is not None:
                loop.call_soon(serve)
                return
            call[0](*call[1:])
            if not answered.done():
                answered.set_result(None)

        serve()
        await answered


@pytest.mark.parametrize("verb", ["setitems", "delitems"])
def test_nothing_of_a_batch_is_under_way_when_it_fails(verb: str) -> None:
    store = Served()
    keys = [str(n) for n in range(8)]
    store.data.update(dict.fromkeys(keys, b"old"))
    with pytest.raises(StoreError, match="it is gone"):
        getattr(as_store(store), verb)(dict.fromkeys(keys, b"new"))
    before = dict(store.data)
    for _ in range(50):
        run(lambda: asyncio.sleep(0))
    assert store.data == before


def test_folders_are_deleted_several_keys_at_a_time_metadata_first() -> None:
    store = UserStore()
    zarr.create_array(store, name="a", shape=40, chunks=4, dtype="i4")[:] = 1
    store.log.clear()
    zarr.storage.rmdir(as_store(store), "a")
    deleted = [entry[1] for entry in store.log if entry[0] == "delete"]
    assert deleted[0] == "a/zarr.json"
    assert sorted(deleted[1:]) == [f"a/c/{n}" for n in range(10)]
    assert list(store.data) == ["zarr.json"]


def test_errors_name_the_key_and_keep_their_cause() -> None:
    class Broken(UserStore):
        async def get(self, key: str, *args: Any) -> Any:
            if key.startswith("c/"):
                raise self.error
            return await super().get(key, *args)

    store = Broken()
    z = zarr.create_array(store, shape=4, chunks=2, dtype="i4")
    store.error = ConnectionError("reset by peer")  # type: ignore[attr-defined]
    with pytest.raises(StoreError, match=r"could not read 'c/0' in <Broken: .*reset") as found:
        z[:1]
    assert found.value.__cause__ is store.error  # type: ignore[attr-defined]
    store.error = PermissionError("denied")  # type: ignore[attr-defined]
    with pytest.raises(StorePermissionError):
        z[:]
    store.error = KeyError("something else")  # type: ignore[attr-defined]
    with pytest.raises(StoreError, match="something else"):
        z[:]


class StrictStore(UserStore):
    """A store to which a range that ends behind a value is an error."""

    async def get(self, key: str, prototype: Any, byte_range: Any = None) -> Any:
        value = await super().get(key, prototype)
        if byte_range is not None and value is not None:
            size = len(value)
            if isinstance(byte_range, SuffixByteRequest):
                fits = byte_range.suffix <= size
            elif isinstance(byte_range, RangeByteRequest):
                fits = byte_range.end <= size
            else:
                fits = byte_range.offset < size
            if not fits:
                raise OSError("416 range not satisfiable")
        return await super().get(key, prototype, byte_range)


@pytest.mark.parametrize(
    ("start", "length"),
    [(start, None) for start in (-12, -10, -1)]
    + [(start, length) for start in (0, 4, 9, 10, 12) for length in (None, 0, 1, 6, 20)],
)
def test_ranges_that_end_behind_a_value(start: int, length: int | None) -> None:
    value = b"0123456789"
    store = as_store(StrictStore())
    store["k"] = value
    expected = value[start:] if length is None else value[start : start + length]
    if start < -len(value):
        expected = value
    assert store.get_partial_values([("k", (start, length)), ("no", (0, 3))]) == [expected, None]


def test_a_failed_range_does_not_ask_for_the_whole_value() -> None:
    class Broken(UserStore):
        async def get(self, key: str, prototype: Any, byte_range: Any = None) -> Any:
            value = await super().get(key, prototype, byte_range)
            if byte_range is not None:
                raise ConnectionError("reset by peer")
            return value

        async def getsize(self, key: str) -> int:
            return len(self.data[key])

    store = Broken()
    as_store(store)["k"] = bytes(1000)
    for asked in [(0, 10), (990, None), (-4, None)]:
        with pytest.raises(StoreError, match=r"could not read 'k'.*reset by peer"):
            as_store(store).get_partial_values([("k", asked)])
    assert ("get", "k", None) not in store.log


def test_read_only() -> None:
    store = UserStore()
    zarr.create_array(store, shape=4, chunks=2, dtype="i4")
    z = zarr.open_array(store.with_read_only(True), mode="r+")
    with pytest.raises(ReadOnlyError):
        z[:] = 1
    with pytest.raises(ReadOnlyError):
        z.resize(8)
    assert list(store.data) == ["zarr.json"]
    assert as_store(store).with_read_only(True).read_only
    assert not as_store(store).read_only


def test_works_inside_a_running_loop() -> None:
    async def main() -> Any:
        z = zarr.create_array(UserStore(), shape=4, chunks=2, dtype="i4")
        z[:] = 3
        return z[:]

    assert asyncio.run(main()).tolist() == [3, 3, 3, 3]


def test_waiting_within_the_loop_itself_is_an_error() -> None:
    z = zarr.create_array(UserStore(), shape=4, chunks=2, dtype="i4")

    async def read() -> Any:
        return z[:]

    with pytest.raises(RuntimeError, match="from within the event loop"):
        run(read)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_process_has_a_loop_of_its_own() -> None:
    z = zarr.create_array(UserStore(), shape=4, chunks=2, dtype="i4")
    z[:] = 5
    child = os.fork()
    if not child:
        os._exit(0 if z[:].tolist() == [5, 5, 5, 5] else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_pickles_with_the_store() -> None:
    z = zarr.create_array(UserStore(), shape=4, chunks=2, dtype="i4")
    z[:] = 5
    assert pickle.loads(pickle.dumps(z))[:].tolist() == [5, 5, 5, 5]


def test_groups_list_delete_and_move() -> None:
    store = UserStore()
    root = zarr.open_group(store, mode="w")
    root.create_group("a/b").create_array("z", shape=4, chunks=2, dtype="i4")[:] = 1
    root.move("a", "c")
    assert sorted(root) == ["c"]
    assert root["c/b/z"][:].tolist() == [1, 1, 1, 1]
    del root["c"]
    assert list(store.data) == ["zarr.json"]


def test_a_store_that_cannot_be_listed_opens_by_path() -> None:
    class Unlisted(UserStore):
        supports_listing = False

    store = Unlisted()
    zarr.create_array(store, name="a", shape=4, chunks=2, dtype="i4")
    assert zarr.open_group(store, mode="r")["a"].shape == (4,)
    assert not as_store(store).is_listable()


def test_stores_of_this_library_are_stores_of_the_other() -> None:
    assert isinstance(zarr.MemoryStore(), Store)
    assert issubclass(zarr.DirectoryStore, Store)
    assert not isinstance({}, Store)
    assert not isinstance(zarr.MemoryStore(), UserStore)


HANDS_OVER = """
import asyncio, atexit, sys, threading, time
from zarr.storage import event_loop
from zarr.storage.coroutines import run_in

if sys.argv[1] == "ours":
    loop = event_loop.loop()
else:
    from fsspec.asyn import get_loop

    loop = get_loop()
ends = threading.Event()
atexit.register(ends.set)  # called before what was registered when the package was imported
wake = loop._write_to_self

def wake_and_lose_the_interpreter():
    wake()
    if threading.current_thread().name == "store":
        ends.wait()
        time.sleep(0.5)  # as a thread does that waits for the interpreter

loop._write_to_self = wake_and_lose_the_interpreter

def hand_over(result):
    loop.call_soon_threadsafe(result.set_result, 1)
    print("left", flush=True)

async def ask():
    result = asyncio.get_running_loop().create_future()
    threading.Thread(target=hand_over, args=(result,), name="store", daemon=True).start()
    return await result

print(run_in(loop, ask), flush=True)
"""


@pytest.mark.parametrize("loop", ["ours", "of fsspec"])
def test_threads_that_hand_over_results_leave_before_the_interpreter_ends(
    loop: str, start_python: StartPython
) -> None:
    out, _ = start_python(HANDS_OVER, loop).communicate(timeout=60)
    assert out.split() == ["1", "left"]


def test_attributes_are_read_with_the_document_of_their_node() -> None:
    store = UserStore()
    root = zarr.open_group(store, mode="w", attributes={"of": "root"})
    root.create_group("g", attributes={"list": [1]}).create_array(
        "a", shape=4, dtype="i4", attributes={"units": ["K"]}
    )

    root = zarr.open_group(store, mode="r+")
    store.log.clear()
    group = root["g"]
    array = group["a"]
    assert (dict(group.attrs), dict(array.attrs)) == ({"list": [1]}, {"units": ["K"]})
    assert [key for _, key, _ in store.log] == ["g/zarr.json", "g/a/zarr.json"]

    array.attrs["units"].append("C")  # of this handle only
    assert dict(group["a"].attrs) == {"units": ["K"]}
    array.attrs["more"] = 1
    assert dict(array.attrs) == dict(group["a"].attrs) == {"units": ["K"], "more": 1}
    group.attrs.refresh()
    group.attrs["list"] = 2
    assert dict(root["g"].attrs) == {"list": 2}


class QuotaError(Exception):
    """An error of the package that the store is from."""

    def __init__(self, message: str, *, limit: int) -> None:
        super().__init__(message)
        self.limit = limit


class MissingPartError(LookupError):
    """Another one, which is a built-in error, too."""


@pytest.mark.parametrize("expected", [QuotaError, StoreError])
def test_errors_of_a_store_are_caught_by_their_own_class_and_by_ours(expected: type) -> None:
    class Full(UserStore):
        async def get(self, *args: Any) -> Any:
            raise QuotaError("too much", limit=5)

    store = as_store(Full())
    with pytest.raises(expected, match=r"could not read 'a/b'.*too much") as caught:
        store["a/b"]
    error: Any = caught.value
    assert type(error).__name__ == "StoreError"
    assert (error.limit, type(error.__cause__)) == (5, QuotaError)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (StoreError, str(error))


def test_an_error_that_looks_like_absence_is_none_of_ours() -> None:
    class Broken(UserStore):
        async def get(self, *args: Any) -> Any:
            raise MissingPartError("a part of the value is lost")

    store = as_store(Broken())
    with pytest.raises(StoreError, match="part of the value is lost") as caught:
        store["a/b"]
    assert not isinstance(caught.value, LookupError)


def test_errors_that_cannot_be_ours_too_come_with_a_note() -> None:
    class LayoutError(Exception):
        """As classes written in other languages: no other with a layout of its own goes with it."""

        __slots__ = ("detail",)

    always = LayoutError("changed")

    class Broken(UserStore):
        async def get(self, *args: Any) -> Any:
            raise always

    store = as_store(Broken())
    for _ in range(2):
        with pytest.raises(LayoutError) as caught:
            store["a/b"]
    (note,) = caught.value.__notes__  # one, however often
    assert note.startswith("could not read 'a/b' in ")
