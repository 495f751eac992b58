"""Writers that share chunks lose no update."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import zarr

from . import writers
from .writers import CHUNKS, SHAPE, WRITERS, own_rows, write_own_cells

SHORT = 0.6


def names_in(folder: pathlib.Path) -> set[str]:
    """Return the names of all files, as they are on the disk."""
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def expected_keys(separator: str = ".") -> set[str]:
    grid = [-(-n // c) for n, c in zip(SHAPE, CHUNKS, strict=True)]
    return {f"{i}{separator}{j}" for i in range(grid[0]) for j in range(grid[1])}


def run_threads(open_array: Any, seconds: float) -> None:
    """Run the writers, each on the array that it opens, and check what is there at the end."""
    start = threading.Barrier(WRITERS)

    def run(number: int) -> Any:
        z = open_array(number)
        start.wait()
        return write_own_cells(z, number, seconds, seed=number)

    with ThreadPoolExecutor(WRITERS) as pool:
        results = list(pool.map(run, range(WRITERS)))
    final = open_array(0)[...]
    for number, rows in enumerate(results):
        assert_array_equal(final[own_rows(number)], rows)


def options(separator: str = ".") -> dict[str, Any]:
    return {"shape": SHAPE, "chunks": CHUNKS, "dtype": "i8", "dimension_separator": separator}


@pytest.mark.usefixtures("eager_threads")
@pytest.mark.parametrize("store", ["dict", "kv", "memory", "directory", "chunk store"])
def test_threads_on_one_array(store: str, tmp_path: pathlib.Path) -> None:
    place: Any = {
        "dict": dict,
        "kv": lambda: zarr.storage.KVStore({}),
        "memory": zarr.MemoryStore,
        "directory": lambda: str(tmp_path),
        "chunk store": dict,
    }[store]()
    chunk_store = {} if store == "chunk store" else None
    z = zarr.open_array(place, mode="w", chunk_store=chunk_store, **options())
    run_threads(lambda _: z, SHORT)
    assert set(z.chunk_store) - {".zarray"} <= expected_keys()
    if store == "directory":
        assert names_in(tmp_path) <= expected_keys() | {".zarray"}


@pytest.mark.usefixtures("eager_threads")
def test_threads_with_a_thread_synchronizer() -> None:
    z = zarr.create(synchronizer=zarr.ThreadSynchronizer(), **options())
    run_threads(lambda _: z, SHORT)


@pytest.mark.usefixtures("eager_threads")
@pytest.mark.parametrize("kind", ["dict", "kv of one dict", "memory of one root", "paths", "link"])
def test_threads_on_handles_of_their_own(kind: str, tmp_path: pathlib.Path) -> None:
    # The place of the data counts, not the object that leads there.
    mapping: dict[str, Any] = {}
    folder = tmp_path / "a.zarr"
    folder.mkdir()
    (tmp_path / "link").symlink_to(folder)

    def store(number: int) -> Any:
        if kind == "dict":
            return mapping
        if kind == "kv of one dict":
            return zarr.storage.KVStore(mapping)
        if kind == "memory of one root":
            return zarr.MemoryStore(root=mapping)
        if kind == "link" and number % 2:
            return str(tmp_path / "link")
        if number % 3 == 1:
            return zarr.DirectoryStore(os.path.relpath(folder))
        return str(folder)

    zarr.open_array(store(0), mode="w", **options())
    run_threads(lambda number: zarr.open_array(store(number), mode="r+"), SHORT)
    if kind in ("paths", "link"):
        assert names_in(folder) <= expected_keys() | {".zarray"}


@pytest.mark.usefixtures("eager_threads")
def test_threads_inside_the_engine_and_outside(tmp_path: pathlib.Path) -> None:
    with zarr.config.set(workers=3, window_bytes=512, thread_bytes=0):
        z = zarr.open_array(str(tmp_path), mode="w", write_empty_chunks=False, **options())
        run_threads(lambda _: z, SHORT)
    assert names_in(tmp_path) <= expected_keys() | {".zarray"}


SECONDS = [5, pytest.param(60, marks=pytest.mark.exhaustive)]


@pytest.mark.slow
@pytest.mark.usefixtures("eager_threads")
@pytest.mark.parametrize("seconds", SECONDS)
def test_threads_for_a_while(tmp_path: pathlib.Path, seconds: int) -> None:
    z = zarr.open_array(zarr.NestedDirectoryStore(str(tmp_path)), mode="w", **options("/"))
    run_threads(lambda _: z, seconds)
    assert names_in(tmp_path) <= expected_keys("/") | {".zarray"}


def run_processes(task: str, path: pathlib.Path, rest: Any) -> list[bytes]:
    """Run one process per writer, all starting at the same time; return what they print."""
    processes = [
        subprocess.Popen(
            [sys.executable, writers.__file__, task, str(path), *rest(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for number in range(WRITERS)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(b"\n")
            process.stdin.flush()
        answers = [process.communicate(timeout=120)[0] for process in processes]
        assert [process.returncode for process in processes] == [0] * WRITERS
    finally:
        for process in processes:
            process.kill()
            process.wait()
    return answers


def check_processes(tmp_path: pathlib.Path, seconds: float) -> None:
    folder, locks = tmp_path / "a.zarr", tmp_path / "locks"
    zarr.open_array(str(folder), mode="w", **options())
    answers = run_processes(
        "write", folder, lambda number: (str(locks), str(number), str(seconds), "1")
    )
    final = zarr.open_array(str(folder), mode="r")[...]
    for number, answer in enumerate(answers):
        rows = np.frombuffer(answer, "i8").reshape(-1, SHAPE[1])
        assert_array_equal(final[own_rows(number)], rows)
    assert names_in(folder) <= expected_keys() | {".zarray"}


def test_processes(tmp_path: pathlib.Path) -> None:
    check_processes(tmp_path, 2)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", SECONDS)
def test_processes_for_a_while(tmp_path: pathlib.Path, seconds: int) -> None:
    check_processes(tmp_path, seconds)


def test_processes_change_attributes_and_append(tmp_path: pathlib.Path) -> None:
    g = zarr.open_group(str(tmp_path / "g"), mode="w")
    g.zeros("a", shape=0, chunks=10, dtype="i8")
    run_processes(
        "attributes", tmp_path / "g", lambda number: (str(tmp_path / "s"), str(number), "8")
    )
    g = zarr.open_group(str(tmp_path / "g"), mode="r")
    assert set(g.attrs) == {f"{number}-{i}" for number in range(WRITERS) for i in range(8)}
    values, counts = np.unique(g["a"][...], return_counts=True)
    assert values.tolist() == list(range(WRITERS))
    assert set(counts.tolist()) == {8 * 3}


@pytest.mark.usefixtures("eager_threads")
def test_threads_append(tmp_path: pathlib.Path) -> None:
    zarr.open_array(str(tmp_path), mode="w", shape=0, chunks=10, dtype="i8")

    def run(number: int) -> None:
        z = zarr.open_array(str(tmp_path), mode="r+")
        for _ in range(10):
            z.append(np.full(3, number))

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(run, range(WRITERS)))
    values, counts = np.unique(zarr.open_array(str(tmp_path))[...], return_counts=True)
    assert values.tolist() == list(range(WRITERS))
    assert set(counts.tolist()) == {30}


@pytest.mark.usefixtures("eager_threads")
def test_readers_see_whole_chunks(tmp_path: pathlib.Path) -> None:
    z = zarr.open_array(str(tmp_path), mode="w", shape=(40, 40), chunks=20, dtype="i8")
    z[...] = 0
    done = threading.Event()

    def write() -> None:
        for value in range(1, 150):
            z[...] = value
        done.set()

    def read() -> None:
        while not done.is_set():
            for i in range(2):
                for j in range(2):
                    assert len(np.unique(z.blocks[i, j])) == 1

    with ThreadPoolExecutor(4) as pool:
        tasks = [pool.submit(write), *[pool.submit(read) for _ in range(3)]]
        for task in tasks:
            task.result()


def test_locks_work_after_a_fork(tmp_path: pathlib.Path) -> None:
    # A child of a process whose threads were writing must not wait for their locks.
    script = f"""
import os, threading, time, zarr, numpy as np
z = zarr.open_array({str(tmp_path)!r}, mode='w', shape=100, chunks=7, dtype='i8', compressor=None)
stop = False
def write():
    while not stop:
        z[3:90] = 1
threads = [threading.Thread(target=write) for _ in range(3)]
[t.start() for t in threads]
for _ in range(20):
    child = os.fork()
    if child == 0:
        z[1:50] = 2
        z.attrs['a'] = 1
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
stop = True
[t.join() for t in threads]
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=True, timeout=60)
