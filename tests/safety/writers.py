"""What the writers of the safety tests do, in a thread or, as a script, in a process.

Each writer owns every eighth row. It writes regions of its rows that are not aligned with
chunks, remembers what it wrote, and checks that nobody undoes it.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import zarr

WRITERS = 8
SHAPE = (64, 50)
CHUNKS = (7, 11)


def own_rows(number: int) -> Any:
    return np.arange(number, SHAPE[0], WRITERS)


def some_region(rng: np.random.Generator, number: int) -> tuple[Any, str]:
    """Return a selection of cells of writer `number`, and the kind it is of."""
    first, last = sorted(rng.integers(0, SHAPE[1] + 1, 2).tolist())
    columns = slice(first, last, int(rng.integers(1, 4)))
    rows = own_rows(number)
    start = int(rng.integers(0, len(rows)))
    kind = ("basic", "basic", "orthogonal", "coordinate", "mask")[rng.integers(5)]
    if kind == "basic":
        return (slice(int(rows[start]), None, WRITERS), columns), kind
    some = rng.choice(rows, size=rng.integers(1, len(rows) + 1), replace=False)
    if kind == "orthogonal":
        return (some, columns), kind
    if kind == "coordinate":
        return (some, rng.integers(0, SHAPE[1], some.size)), kind
    mask = np.zeros(SHAPE, bool)
    mask[some] = rng.random((some.size, SHAPE[1])) < 0.3
    return mask, kind


def index_for_numpy(selection: Any, kind: str) -> Any:
    if kind == "orthogonal":
        return np.ix_(selection[0], np.arange(SHAPE[1])[selection[1]])
    return selection


def write_own_cells(z: Any, number: int, seconds: float, seed: int) -> Any:
    """Write and check for some seconds; return what the writer's rows must hold now.

    Raises
    ------
    AssertionError
        If somebody has undone a write.
    """
    rng = np.random.default_rng((seed, number))
    mine = np.zeros(SHAPE, "i8")
    rows = own_rows(number)
    clock = (number + 1) << 32
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for _ in range(5):
            selection, kind = some_region(rng, number)
            index = index_for_numpy(selection, kind)
            clock += 1
            getattr(z, f"set_{kind}_selection")(selection, clock)
            mine[index] = clock
        np.testing.assert_array_equal(z.oindex[rows, :], mine[rows], "an update was lost")
    return mine[rows]


def write_until_killed(path: str, kind: str, seed: int) -> None:
    """Overwrite the array at `path` for ever, every chunk with one number at a time."""
    rng = np.random.default_rng(seed)
    store = store_of(path, kind)
    g = zarr.open_group(store, mode="r+")
    z = g["a"]
    value = int(rng.integers(1, 2**31))
    while True:
        value += 1
        block = tuple(slice(*sorted(rng.integers(0, n + 1, 2).tolist())) for n in z.cdata_shape)
        z.blocks[block] = value
        g.attrs.put({"values": [value] * 500})
        g.create_dataset("b", shape=value % 7, overwrite=True)


def store_of(path: str, kind: str) -> Any:
    if kind == "nested":
        return zarr.NestedDirectoryStore(path)
    return zarr.DirectoryStore(path, fsync=kind == "fsync")


def kill_at_random_moments(path: str, kind: str, rounds: int) -> None:
    """Start a writer and kill it, `rounds` times; wait for a line on stdin after each."""
    rng = np.random.default_rng(0)
    for seed in range(rounds):
        child = os.fork()
        if child == 0:
            write_until_killed(path, kind, seed)
        time.sleep(rng.uniform(0.0, 0.04))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        print("killed", flush=True)
        sys.stdin.readline()


def convert_and_be_killed(path: str, version: int, rounds: int) -> None:
    """Convert copies of the hierarchy at `path`, killed `rounds` times; print where they are."""
    rng = np.random.default_rng(version)
    shutil.copytree(path, f"{path}-whole")
    moments: list[float] = []
    convert_telling(f"{path}-whole", version, lambda: moments.append(time.monotonic()))
    seconds = time.monotonic() - moments[0]
    for number in range(rounds):
        copy = f"{path}-{number}"
        shutil.copytree(path, copy)
        ready, tell = os.pipe()
        child = os.fork()
        if child == 0:
            convert_telling(copy, version, partial(os.write, tell, b"."))
            os._exit(0)
        os.read(ready, 1)
        time.sleep(rng.uniform(0.0, 1.1 * seconds))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(ready)
        os.close(tell)
        print(copy, flush=True)


def convert_telling(path: str, version: int, tell: Callable[[], object]) -> None:
    """Convert a hierarchy; call `tell` just before anything is changed."""
    lines = 0

    def log(line: str) -> None:
        nonlocal lines
        if not lines:
            tell()
        lines += 1

    zarr.convert(path, version, rewrite_chunks=True, log=log)


def main() -> None:
    task, path, *rest = sys.argv[1:]
    if task == "write":
        locks, number, seconds, seed = rest
        z = zarr.open_array(path, mode="r+", synchronizer=zarr.ProcessSynchronizer(locks))
        print("ready", flush=True)
        sys.stdin.readline()
        rows = write_own_cells(z, int(number), float(seconds), int(seed))
        sys.stdout.buffer.write(rows.tobytes())
    elif task == "kill":
        kind, rounds = rest
        kill_at_random_moments(path, kind, int(rounds))
    elif task == "convert":
        version, rounds = rest
        convert_and_be_killed(path, int(version), int(rounds))
    elif task == "attributes":
        locks, number, count = rest
        g = zarr.open_group(path, mode="r+", synchronizer=zarr.ProcessSynchronizer(locks))
        z = g["a"]
        print("ready", flush=True)
        sys.stdin.readline()
        for i in range(int(count)):
            g.attrs[f"{number}-{i}"] = i
            z.append(np.full(3, int(number)))


if __name__ == "__main__":
    main()
