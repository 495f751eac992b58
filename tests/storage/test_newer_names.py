"""Stores of this library in the hands of code for the 3.x library."""

from __future__ import annotations

import asyncio
import functools
import io
import logging
import pickle
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr
from tests.storage.user_store import UserStore
from zarr.abc.store import OffsetByteRequest, RangeByteRequest, Store, SuffixByteRequest
from zarr.buffer import cpu, default_buffer_prototype
from zarr.core.sync import SyncError, collect_aiterator, sync
from zarr.errors import ReadOnlyError
from zarr.storage import (
    FsspecStore,
    FSStore,
    LocalStore,
    LoggingStore,
    ManagedMemoryStore,
    MemoryStore,
    ObjectStore,
    StorePath,
    WrapperStore,
    ZipStore,
)
from zarr.storage._common import make_store_path

PROTOTYPE = default_buffer_prototype()


def buffer(data: bytes) -> cpu.Buffer:
    return cpu.Buffer.from_bytes(data)


def local_objects(path: Path) -> ObjectStore:
    obstore = pytest.importorskip("obstore")
    return ObjectStore(obstore.store.LocalStore(str(path), mkdir=True))


STORES: dict[str, Callable[[Path], Any]] = {
    "memory": lambda _: MemoryStore(),
    "flat": lambda _: MemoryStore(store_dict={}),
    "managed": lambda _: ManagedMemoryStore(),
    "mapping": lambda _: zarr.KVStore({}),
    "directory": lambda path: zarr.DirectoryStore(path / "data"),
    "local": lambda path: LocalStore(path / "data"),
    "fsspec": lambda path: FsspecStore.from_url(f"memory://{path}"),
    "object": lambda path: local_objects(path / "data"),
    "sqlite": lambda path: zarr.SQLiteStore(str(path / "data.db")),
    "wrapper": lambda path: WrapperStore(LocalStore(path / "data")),
    "logging": lambda _: LoggingStore(MemoryStore(), "ERROR"),
}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return STORES[request.param](tmp_path)


async def keys(found: AsyncIterator[str]) -> list[str]:
    return sorted([key async for key in found])


def test_is_a_store(store: Any) -> None:
    assert isinstance(store, Store)


def test_coroutines(store: Any) -> None:
    async def main() -> None:
        await store.set("a/b", buffer(b"0123456789"))
        await store.set("ab", buffer(b""))
        await store.set_if_not_exists("ab", buffer(b"x"))
        found = await store.get("a/b", PROTOTYPE)
        assert isinstance(found, cpu.Buffer)
        assert found.to_bytes() == b"0123456789"
        assert (await store.get("ab", prototype=PROTOTYPE)).to_bytes() == b""
        assert await store.get("none", PROTOTYPE) is None
        wanted = [
            (RangeByteRequest(2, 5), b"234"), (OffsetByteRequest(7), b"789"),
            (SuffixByteRequest(2), b"89"), (RangeByteRequest(8, 50), b"89"),
        ]  # fmt: skip
        for request, expected in wanted:
            part = await store.get("a/b", PROTOTYPE, byte_range=request)
            assert part.to_bytes() == expected
        parts = await store.get_partial_values(
            PROTOTYPE, [("a/b", RangeByteRequest(0, 1)), ("none", None), ("a/b", None)]
        )
        assert [p if p is None else p.to_bytes() for p in parts] == [b"0", None, b"0123456789"]
        ranges = [
            pair
            async for pairs in store.get_ranges("a/b", [SuffixByteRequest(1)], prototype=PROTOTYPE)
            for pair in pairs
        ]
        assert [(at, part.to_bytes()) for at, part in ranges] == [(0, b"9")]
        assert await store.exists("ab")
        assert not await store.exists("a")
        assert await store.getsize("a/b") == 10
        with pytest.raises(FileNotFoundError):
            await store.getsize("none")
        assert await store.getsize_prefix("a/") == 10
        assert await keys(store.list()) == ["a/b", "ab"]
        assert await keys(store.list_prefix("a")) == ["a/b", "ab"]
        assert await keys(store.list_prefix("a/")) == ["a/b"]
        assert await keys(store.list_dir("")) == ["a", "ab"]
        assert await keys(store.list_dir("a")) == ["b"]
        assert not await store.is_empty("a")
        assert await store.is_empty("none")
        await store.delete("ab")
        await store.delete("none")
        await store.delete_dir("a")
        assert await keys(store.list()) == []
        await store.set("x", buffer(b"1"))
        await store.clear()
        assert await store.is_empty("")

    asyncio.run(main())


def test_read_only(store: Any) -> None:
    sync(store.set("a", buffer(b"1")))
    frozen = store.with_read_only(True)

    assert frozen.read_only
    assert not store.read_only
    for write in (
        lambda: frozen.set("a", buffer(b"2")),
        lambda: frozen.delete("a"),
        lambda: frozen.set_if_not_exists("b", buffer(b"2")),
        lambda: frozen.delete_dir(""),
    ):
        with pytest.raises(ReadOnlyError):
            sync(write())
    assert sync(frozen.get("a", PROTOTYPE)).to_bytes() == b"1"


def test_arrays(store: Any) -> None:
    group = zarr.open_group(store, mode="w", zarr_format=3)
    group.create_array("z", shape=6, chunks=2, dtype="i4")[:] = np.arange(6)
    assert group.store is store
    assert zarr.open_array(StorePath(store, "z"), mode="r")[:].tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("value", [b"123", b""], ids=["some", "empty"])
def test_a_value_is_awaited_for_a_buffer(value: bytes, tmp_path: Path) -> None:
    # 2.17: bytes; 3.4.2: a coroutine, also where no prototype is given.
    for store in (zarr.MemoryStore(), zarr.DirectoryStore(tmp_path)):
        store["a"] = value

        async def read(store: Any = store) -> bytes:
            return bytes((await store.get("a")).to_bytes())

        assert asyncio.run(store.get("a")).to_bytes() == asyncio.run(read()) == value
        assert store.get("a") == value
        assert type(pickle.loads(pickle.dumps(store.get("a")))) is bytes


def test_the_verbs_of_2_x_are_what_they_were() -> None:
    store = zarr.MemoryStore()
    store["a/b"] = b"123"
    assert store.get("a/b") == b"123"
    assert store.get("none", b"0") == b"0"
    assert store.get("none") is None
    assert store.getsize("a") == 3
    assert list(store.list_prefix("a")) == ["a/b"]
    assert next(store.list_prefix("a")) == "a/b"
    assert store.get_partial_values([("a/b", (1, None))]) == [b"23"]
    store.clear()
    assert not store


@pytest.mark.parametrize("kind", [MemoryStore, LocalStore])
def test_an_overridden_coroutine_is_what_arrays_call(kind: Any, tmp_path: Path) -> None:
    calls = []

    class Tracked(kind):  # type: ignore[misc]
        async def get(self, key: str, prototype: Any = None, byte_range: Any = None) -> Any:
            calls.append(("get", key))
            return await super().get(key, prototype, byte_range)

        async def set(self, key: str, value: Any) -> None:
            calls.append(("set", key))
            await super().set(key, value)

        async def delete(self, key: str) -> None:
            calls.append(("delete", key))
            await super().delete(key)

    store = Tracked() if kind is MemoryStore else Tracked(tmp_path / "data")
    z = zarr.create_array(store, shape=4, chunks=2, dtype="i4", zarr_format=3)
    z[:] = 1
    assert z[:].tolist() == [1, 1, 1, 1]
    z.resize(2)
    assert {("set", "c/0"), ("get", "c/1"), ("delete", "c/1")} <= {*calls}


def test_an_overridden_listing_is_what_groups_call() -> None:
    class Hiding(MemoryStore):
        async def list_dir(self, prefix: str) -> Any:
            async for name in super().list_dir(prefix):
                if name != "hidden":
                    yield name

    root = zarr.open_group(Hiding(), mode="w")
    root.create_group("hidden")
    root.create_group("seen")
    assert list(root) == ["seen"]


def test_wrappers_of_wrappers_do_not_wait_for_each_other(tmp_path: Path) -> None:
    store: Any = zarr.LRUStoreCache(WrapperStore(zarr.DirectoryStore(tmp_path)), None)
    for _ in range(2):
        store = zarr.LRUStoreCache(WrapperStore(store), None)
    z = zarr.create_array(store, shape=300, chunks=1, dtype="i4", overwrite=True)
    with zarr.config.set({"async.concurrency": 100}):
        z[:] = np.arange(300)
        assert (zarr.open_array(store)[:] == np.arange(300)).all()


def test_cancelling_waits_for_what_has_begun() -> None:
    class Slow(zarr.KVStore):
        def __setitem__(self, key: str, value: Any) -> None:
            loop.call_soon_threadsafe(task.cancel)
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result()
            super().__setitem__(key, value)

    async def main() -> dict[str, Any]:
        nonlocal task, loop
        loop = asyncio.get_running_loop()
        data: dict[str, Any] = {}
        task = asyncio.ensure_future(Slow(data).set("a", buffer(b"1")))
        with pytest.raises(asyncio.CancelledError):
            await task
        return dict(data)

    loop = task = None  # type: ignore[assignment]
    assert asyncio.run(main()) == {"a": b"1"}


# -- single stores ---------------------------------------------------------------------


def test_local_store(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "data", read_only=False)
    z = zarr.create_array(store, shape=4, dtype="i4")
    assert z.zarr_format == 3
    assert store.root == tmp_path / "data"
    assert str(store) == f"file://{(tmp_path / 'data').as_posix()}"
    assert isinstance(zarr.open_group(str(tmp_path / "other"), mode="w").store, LocalStore)
    assert not isinstance(MemoryStore(), LocalStore)
    assert pickle.loads(pickle.dumps(store.with_read_only(True))).read_only
    with pytest.raises(FileNotFoundError):
        sync(LocalStore.open(tmp_path / "none", read_only=True))
    sync(store.move(tmp_path / "moved"))
    assert zarr.open_array(store).shape == (4,)
    assert (tmp_path / "moved" / "zarr.json").exists()


def test_memory_store_of_a_flat_dictionary() -> None:
    data = {"x": cpu.Buffer.from_bytes(b"1")}
    store = MemoryStore(store_dict=data, read_only=False)
    zarr.open_group(store, mode="a", path="a/b")
    assert sorted(data) == [".zgroup", "a/.zgroup", "a/b/.zgroup", "x"]
    assert bytes(store["x"]) == b"1"
    assert isinstance(store, MemoryStore)
    assert MemoryStore(read_only=True).read_only
    with pytest.raises(ReadOnlyError):
        MemoryStore(store_dict=data, read_only=True)["y"] = b""


def test_managed_memory_store() -> None:
    store = ManagedMemoryStore("managed", path="a")
    store["b"] = b"1"
    assert str(store) == "memory://managed/a"
    whole = ManagedMemoryStore.from_url("memory://managed")
    assert list(whole) == ["a/b"]
    assert whole.address("a/b") == store.address("b")
    assert pickle.loads(pickle.dumps(store))["b"] == b"1"
    with pytest.raises(ValueError, match="no store in memory"):
        ManagedMemoryStore.from_url("memory://other")


def test_zip_store_read_only(tmp_path: Path) -> None:
    with ZipStore(tmp_path / "a.zip", mode="w") as store:
        store["a"] = b"1"
    with ZipStore(tmp_path / "a.zip", read_only=True) as store:
        assert store.read_only
        assert sync(store.get("a", PROTOTYPE)).to_bytes() == b"1"


def test_object_store_read_only(tmp_path: Path) -> None:
    obstore = pytest.importorskip("obstore")
    store = ObjectStore(obstore.store.MemoryStore(), read_only=True)
    with pytest.raises(ReadOnlyError):
        store["a"] = b""


def test_fsspec_store(tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    fs = fsspec.filesystem("memory", skip_instance_cache=True)
    store = FsspecStore(fs, path="/fsspec_store")
    zarr.create_array(store, shape=4, dtype="i4", overwrite=True)
    assert FsspecStore(fs, read_only=True, path="/fsspec_store").read_only
    assert sorted(FsspecStore.from_mapper(fs.get_mapper("/fsspec_store"))) == ["zarr.json"]
    assert isinstance(FSStore("memory://x"), FsspecStore)
    url = FsspecStore.from_url(f"file://{tmp_path}", storage_options={"auto_mkdir": True})
    assert zarr.create_array(url, shape=4, dtype="i4").zarr_format == 3


def test_fsspec_store_of_a_file_system_for_coroutines() -> None:
    fsspec = pytest.importorskip("fsspec")
    target = fsspec.filesystem("memory")
    target.pipe_file("/references/data", b"0123")
    references = {".zgroup": '{"zarr_format": 2}', "x": ["memory://references/data", 1, 2]}
    fs = fsspec.filesystem("reference", fo=references, asynchronous=True)
    store = FsspecStore(fs, read_only=True)
    assert sync(store.get("x", PROTOTYPE)).to_bytes() == b"12"
    assert zarr.open_group(store, mode="r").zarr_format == 2


def test_store_path() -> None:
    store = MemoryStore()
    place = StorePath(store, "a") / "b"
    assert (place.path, place.store, str(place)) == ("a/b", store, f"{store}/a/b")
    sync(place.set(buffer(b'{"x": 1}')))
    assert sync(place.get()).to_bytes() == b'{"x": 1}'
    assert sync(place.get_json()) == {"x": 1}
    assert sync(place.exists())
    assert not sync(StorePath(store, "a").is_empty())
    with pytest.raises(FileExistsError):
        sync(StorePath.open(store, "a", mode="w-"))
    with pytest.raises(ValueError, match=r"'\.\.'"):
        place / "../c"
    sync(place.delete())
    assert sync(StorePath(store, "a").is_empty())
    root = zarr.open_group(StorePath(store, "g"), mode="w")
    z = zarr.create_array(StorePath(store, "g"), name="z", shape=2, dtype="i4")
    assert (root.path, z.path, z.store_path) == ("g", "g/z", StorePath(store, "g/z"))
    assert sync(make_store_path(store, path="g/z")) == z.store_path
    assert zarr.open(z.store_path, mode="r").shape == (2,)


def test_logging_store() -> None:
    text = io.StringIO()
    store = LoggingStore(MemoryStore(), "INFO", logging.StreamHandler(text))
    sync(store.get("a/b", PROTOTYPE))
    assert "Calling MemoryStore.get(a/b)" in text.getvalue()
    assert store.counter == {"get": 1}


def test_wrapper_of_a_foreign_store() -> None:
    inner = UserStore()
    store = WrapperStore(inner)
    assert store == WrapperStore(inner)
    assert zarr.create_array(store, data=np.arange(3))[:].tolist() == [0, 1, 2]
    assert str(store) == "wrapping-user://"


# -- coroutines and buffers --------------------------------------------------------------


def test_sync() -> None:
    async def three() -> int:
        return 3

    async def inner() -> int:
        return sync(three())

    assert sync(three()) == 3
    assert asyncio.run(inner()) == 3
    with pytest.raises(SyncError, match="running loop"):
        sync(inner())
    with pytest.raises(TimeoutError):
        sync(asyncio.Event().wait(), timeout=0.001)
    store = MemoryStore()
    store["a"] = b""
    assert sync(collect_aiterator(store.list())) == ("a",)


def test_buffers() -> None:
    value = buffer(b"abc") + buffer(b"d")
    assert value.to_bytes() == b"abcd"
    assert (len(value), value[1:3].to_bytes(), value == buffer(b"abcd")) == (4, b"bc", True)
    assert bytes(value.as_buffer_like()) == b"abcd"
    assert cpu.Buffer.create_zero_length().to_bytes() == b""
    with pytest.raises(ValueError, match="1-dim"):
        cpu.Buffer(np.zeros((2, 2), "u1"))
    with pytest.raises(ValueError, match="byte dtype"):
        cpu.Buffer(np.zeros(2, "i4"))
    with pytest.raises(TypeError, match="slice"):
        value[1]  # type: ignore[index]


def test_array_buffers() -> None:
    value = cpu.NDBuffer.from_numpy_array(np.array([[1.0, np.nan]]))
    assert (value.shape, value.dtype, value.byteorder) == ((1, 2), np.dtype("f8"), "little")
    assert value.reshape(-1).shape == (2,)
    assert value.squeeze((0,)).shape == (2,)
    assert value.transpose((1, 0)).shape == (2, 1)
    assert not value.all_equal(np.nan)
    nans = cpu.NDBuffer.create(shape=(2,), dtype="f8", fill_value=np.nan)
    assert nans.all_equal(np.nan)
    assert not nans.all_equal(np.nan, equal_nan=False)
    assert not cpu.NDBuffer.from_numpy_array(np.array([0.0, -0.0])).all_equal(0.0)
    assert cpu.NDBuffer.from_numpy_array(np.array(3)).as_scalar() == 3
    nans[0] = 1
    assert nans[:1].as_numpy_array().tolist() == [1.0]


def test_decorated_methods_serve_both_generations() -> None:
    def counted(method: Any) -> Any:
        @functools.wraps(method)
        def call(*arguments: Any) -> Any:
            calls.append(method.__name__)
            return method(*arguments)

        return call

    calls: list[str] = []

    class Counted(MemoryStore):
        getsize = counted(MemoryStore.getsize)

        @counted
        def clear(self) -> None:
            super().clear()

    store = Counted()
    store["a"] = b"12345"

    async def use() -> int:
        size: int = await store.getsize("a")
        await store.clear()
        return size

    assert asyncio.run(use()) == 5
    assert list(store) == []
    assert calls == ["getsize", "clear"]
