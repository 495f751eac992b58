"""A process that uses arrays in several threads and forks, time and again.

    python forks.py KIND PATH TIMES

What a thread of the parent holds at the moment of a fork (locks of chunks, documents,
stores, thread pools, codecs) nobody releases in the child. Each child works through the
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
from typing import Any

import numpy as np
from numcodecs import Blosc, Zlib

import zarr

CODECS = {"blosc": Blosc(), "bits": Blosc("zstd", 3, Blosc.BITSHUFFLE), "zlib": Zlib(1)}
SIDE = 40
PATIENCE = 60  # seconds after which a child counts as hung


def store_of(kind: str, path: str) -> Any:
    if kind == "memory":
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


def keep_busy(root: Any, stopped: threading.Event) -> list[threading.Thread]:
    def in_turns(work: Callable[[], None]) -> None:
        while not stopped.is_set():
            work()

    def write() -> None:
        use(root, 1, "busy")

    def write_attributes() -> None:
        root["blosc"].attrs["now"] = 1

    threads = [
        threading.Thread(target=in_turns, args=(work,), daemon=True)
        for work in (write, write, write_attributes)
    ]
    for thread in threads:
        thread.start()
    return threads


def fork(work: Callable[[], None]) -> int:
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

    def in_child() -> None:
        use(root, 2, "child")
        check_alone(root, f"alone-{os.getpid()}")
        # And once more from a child of the child.
        wait_for(fork(lambda: use(root, 3, "grandchild")))

    # First without other threads, as a program that forks its workers at the start ...
    for _ in range(int(times) // 4):
        wait_for(fork(in_child))
    # ... and then while threads are anywhere in the middle of something.
    stopped = threading.Event()
    threads = keep_busy(root, stopped)
    for _ in range(int(times) - int(times) // 4):
        wait_for(fork(in_child))
    stopped.set()
    for thread in threads:
        thread.join()
    check_alone(root, "parent")


if __name__ == "__main__":
    main()
