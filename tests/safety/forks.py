"""A process that uses arrays in several threads and forks, time and again.

    python forks.py KIND PATH TIMES

What a thread of the parent holds at the moment of a fork (locks of chunks, documents,
stores, caches, thread pools, codecs) nobody releases in the child. Each child works through the
objects it inherited; one that hangs says where, and ends.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numcodecs import Blosc, Zlib

import zarr

CODECS = {"blosc": Blosc(), "bits": Blosc("zstd", 3, Blosc.BITSHUFFLE), "zlib": Zlib(1)}
Work: TypeAlias = Callable[[], None]
SIDE = 40
PATIENCE = 60  # seconds after which a child counts as hung


def store_of(kind: str, path: str) -> Any:
    if kind in {"memory", "chunk cache"}:
        return zarr.MemoryStore()
    if kind == "mapping":
        return {}
    if kind == "cache":
        return zarr.LRUStoreCache(zarr.MemoryStore(), 1 << 20)
    return {
        "directory": zarr.DirectoryStore,
        "nested": zarr.NestedDirectoryStore,
        "fsspec": lambda url: zarr.storage.FSStore(url, auto_mkdir=True),
        "lmdb": lambda folder: zarr.LMDBStore(os.path.join(folder, "data.mdb")),
        "sqlite": lambda folder: zarr.SQLiteStore(os.path.join(folder, "data.sqlite")),
    }[kind](path)


def use(root: Any, value: int, name: str) -> None:
    """Write and read whole chunks and parts of them, attributes, a group."""
    for codec in CODECS:
        z = root[codec]
        z[...] = value
        z[3:30, 5:38] = value
        part = z[1:-1, ::3]
        assert part.shape == (SIDE - 2, -(-SIDE // 3))
    root.attrs["value"] = value
    root.require_group(name).attrs["value"] = value


def check_alone(root: Any, name: str) -> None:
    """Do the same where nobody else writes, and look at what was read."""
    mine = root.require_group(name)
    for codec, compressor in CODECS.items():
        z = mine.full(
            codec, fill_value=7, shape=(SIDE, SIDE), chunks=(9, 9), dtype="i4",
            compressor=compressor, overwrite=True,
        )  # fmt: skip
        a = np.full((SIDE, SIDE), 7, "i4")
        for value, selection in enumerate((np.s_[...], np.s_[3:30, 5:38], np.s_[::5, 7])):
            z[selection] = a[selection] = value
        assert np.array_equal(z[...], a)
        z.append(a)
        assert np.array_equal(z[SIDE:], a)


def read_with_cache(root: Any) -> None:
    """Open an array that keeps chunks; it gets a new cache if no other handle has one."""
    z = zarr.open_array(root.store, path="zlib", mode="r", cache_bytes=1 << 20)
    assert z[0, 0] == z[0, 1]


def works_of(kind: str, root: Any) -> tuple[Work, list[Work]]:
    """Return what a child does, and what the threads of its parent do all the time."""

    def in_child() -> None:
        use(root, 2, "child")
        check_alone(root, f"alone-{os.getpid()}")
        # And once more from a child of the child.
        wait_for(fork(lambda: use(root, 3, "grandchild")))

    def write() -> None:
        use(root, 1, "busy")

    def write_attributes() -> None:
        root["blosc"].attrs["now"] = 1

    def read() -> None:
        read_with_cache(root)

    return (read, [read]) if kind == "chunk cache" else (in_child, [write, write, write_attributes])


def keep_busy(works: list[Work], stopped: threading.Event) -> list[threading.Thread]:
    def in_turns(work: Work) -> None:
        while not stopped.is_set():
            work()

    threads = [threading.Thread(target=in_turns, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    return threads


def fork(work: Work) -> int:
    child = os.fork()
    if child:
        return child
    try:
        signal.alarm(PATIENCE)
        work()
    except BaseException:  # noqa: BLE001  whatever it is, the parent is told by the exit status
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def wait_for(child: int) -> None:
    _, status = os.waitpid(child, 0)
    if status:
        raise SystemExit(f"a child ended with status {os.waitstatus_to_exitcode(status)}")


def main() -> None:
    kind, path, times = sys.argv[1:]
    # Whoever is overdue prints where all of its threads are, and dies of the signal.
    faulthandler.register(signal.SIGALRM, chain=True)
    # Threads also for little data, and more of them than there are processors.
    zarr.config.set(workers=4, thread_bytes=1, window_bytes=1 << 12)
    root = zarr.group(store_of(kind, path))
    for codec, compressor in CODECS.items():
        root.zeros(codec, shape=(SIDE, SIDE), chunks=(9, 9), dtype="i4", compressor=compressor)
    use(root, 0, "before")
    in_child, in_threads = works_of(kind, root)

    # First without other threads, as a program that forks its workers at the start ...
    for _ in range(int(times) // 4):
        wait_for(fork(in_child))
    # ... and then while threads are anywhere in the middle of something.
    stopped = threading.Event()
    threads = keep_busy(in_threads, stopped)
    for _ in range(int(times) - int(times) // 4):
        wait_for(fork(in_child))
    stopped.set()
    for thread in threads:
        thread.join()
    check_alone(root, "parent")


if __name__ == "__main__":
    main()
