"""A request of FSStore that is interrupted has stopped when the exception comes out."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
from fsspec.asyn import AsyncFileSystem
from fsspec.implementations.memory import MemoryFileSystem

import zarr
from zarr.storage import FSStore

KEYS = [f"{n:03}" for n in range(300)]


class SlowFiles(AsyncFileSystem):
    """A file system whose requests take a while, as those over a network do.

    What was sent is carried out, even if the client does not wait for the answer.
    """

    cachable = False
    protocol = "slow"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.files: dict[str, bytes] = {}
        self.failures = 0

    async def _pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **_: Any) -> None:
        if self.failures:
            self.failures -= 1
            await asyncio.sleep(0.001)
            raise TimeoutError("the network is down")
        self.loop.call_later(0.001, self.files.__setitem__, path, value)
        await asyncio.sleep(0.0011)

    async def _cat_file(self, path: str, start: Any = None, end: Any = None, **_: Any) -> bytes:
        await asyncio.sleep(0.001)
        if path not in self.files:
            raise FileNotFoundError(path)
        return self.files[path][start:end]

    async def _ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        await asyncio.sleep(0.001)
        folder = f"{path.rstrip('/')}/"
        names = {p[len(folder) :].partition("/") for p in self.files if p.startswith(folder)}
        if not names:
            raise FileNotFoundError(path)
        kinds = {folder + name: "directory" if slash else "file" for name, slash, _ in names}
        listed = [{"name": name, "type": kind, "size": None} for name, kind in kinds.items()]
        return listed if detail else list(kinds)

    async def _rm_file(self, path: str, **_: Any) -> None:
        self.loop.call_later(0.001, self.files.pop, path, None)
        await asyncio.sleep(0.0011)


class Interrupted(BaseException):
    """What the signal handler raises."""


@pytest.fixture
def alarm() -> Iterator[None]:
    def raise_it(*_: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGALRM, raise_it)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def interrupted_writes(rounds: int) -> int:
    fs = SlowFiles()
    store = FSStore("data", fs=fs)
    count = 0
    for n in range(rounds):
        if n % 10 == 0:
            fs.failures = 50  # such that some wait to try again
        try:
            signal.setitimer(signal.ITIMER_REAL, 1e-4 + n % 37 * 2e-4)
            store.setitems(dict.fromkeys(KEYS, str(n).encode()))
            signal.setitimer(signal.ITIMER_REAL, 0)
        except Interrupted:
            count += 1
            before = dict(fs.files)
            found = store.getitems(KEYS)  # long enough for what might still be under way
            assert {f"data/{key}": value for key, value in found.items()} == before == fs.files
        fs.failures = 0
        assert len(asyncio.all_tasks(fs.loop)) == 0
    store.setitems(dict.fromkeys(KEYS, b"end"))
    assert set(fs.files.values()) == {b"end"}
    return count


@pytest.mark.usefixtures("alarm")
def test_interrupted_writes_stop() -> None:
    assert interrupted_writes(60) > 30


@pytest.mark.usefixtures("alarm")
def test_interrupted_deletions_stop() -> None:
    fs = SlowFiles()
    store = FSStore("data", fs=fs)
    count = 0
    for n in range(60):
        store.setitems(dict.fromkeys(KEYS, b"new"))
        try:
            signal.setitimer(signal.ITIMER_REAL, 1e-4 + n % 37 * 2e-4)
            store.delitems(KEYS)
            signal.setitimer(signal.ITIMER_REAL, 0)
        except Interrupted:
            count += 1
            before = dict(fs.files)
            store.getitems(KEYS)  # long enough for what might still be under way
            assert fs.files == before
    assert count > 30


@pytest.mark.exhaustive
@pytest.mark.usefixtures("alarm")
def test_many_interrupted_writes_stop() -> None:
    assert interrupted_writes(2_000) > 1_000


@pytest.mark.usefixtures("alarm")
def test_interrupted_pause_before_a_retry() -> None:
    fs = SlowFiles()
    fs.failures = 10**6
    store = FSStore("data", fs=fs, retries=50)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    started = time.monotonic()
    with pytest.raises(Interrupted):
        store["x"] = b"1"
    assert time.monotonic() - started < 30
    fs.failures = 0
    assert store.getitems(["x"]) == fs.files == {}


@pytest.mark.usefixtures("alarm")
def test_a_file_system_that_blocks_is_not_interrupted_in_the_middle() -> None:
    class BlockingFiles(MemoryFileSystem):
        protocol = "blocking"

        def pipe_file(self, *args: Any, **options: Any) -> None:
            os.kill(os.getpid(), signal.SIGALRM)
            time.sleep(0.3)  # an interrupt would end it
            super().pipe_file(*args, **options)

    store = FSStore("/data", fs=BlockingFiles())
    with pytest.raises(Interrupted):
        store.setitems({"x": b"1", "y": b"2"})
    assert store.getitems(["x", "y"]) == {"x": b"1"}


def test_a_call_from_the_loop_itself_is_refused() -> None:
    fs = SlowFiles()
    store = FSStore("data", fs=fs)

    async def use() -> None:
        store["x"] = b"1"

    with pytest.raises(RuntimeError, match="event loop"):
        asyncio.run_coroutine_threadsafe(use(), fs.loop).result(30)


def test_arrays_on_slow_files() -> None:
    z = zarr.create(shape=100, chunks=10, dtype="i4", store=FSStore("data", fs=SlowFiles()))
    z[...] = 5
    assert (z[...] == 5).all()
