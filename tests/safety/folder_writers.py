"""A process that writes, moves, replaces and deletes until it is killed; run as a script."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import time
from collections.abc import Callable

import numpy as np

import zarr
from zarr.storage import BaseStore, FSStore, ObjectStore

KINDS: dict[str, Callable[[str], BaseStore]] = {
    "directory": zarr.DirectoryStore,
    "nested": zarr.NestedDirectoryStore,
    "fsspec": lambda path: FSStore(f"file://{path}"),
    "obstore": lambda path: ObjectStore(f"file://{path}"),
    "n5": zarr.N5Store,
}
VALUES = 20
SIZE = 5_000


def write_until_killed(path: str, kind: str, seed: int) -> None:
    store = KINDS[kind](path)
    for version in itertools.count(seed):
        byte = bytes([version % 255 + 1])
        store.setitems({f"new/v{n}": byte * SIZE for n in range(VALUES)})
        store.rename("new", "a" if version % 2 else "b/c")
        if version % 3 == 0:
            store.rmdir("a")
        if version % 5 == 0:
            store.rmdir("b")
        z = zarr.open_array(store, path="z", mode="w", shape=(40, 40), chunks=20, dtype="i4")
        z[...] = version


def main() -> None:
    path, kind, rounds = sys.argv[1:]
    rng = np.random.default_rng(0)
    for seed in range(int(rounds)):
        ready, tell = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(tell, b".")
            write_until_killed(path, kind, seed * 1000)
        os.read(ready, 1)
        time.sleep(rng.uniform(0.0, 0.05))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(ready)
        os.close(tell)
        print("killed", flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    main()
