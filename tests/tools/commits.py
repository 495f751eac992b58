"""Count how many of the commits that several processes make at once are there afterwards.

    python -m tests.tools.commits                        # on a directory and on OCDBT
    python -m tests.tools.commits --kinds icechunk --runs 3

Each process adds 1 to a number, commits, and begins again where another was faster; so the number
is how many of the commits have survived. icechunk needs the package of that name, and writes to a
local disk.
"""

from __future__ import annotations

import argparse
import functools
import multiprocessing
import sys
import tempfile
import warnings
from collections.abc import Callable
from typing import Any

import zarr
from zarr.errors import TransactionConflictError

Step = Callable[[], bool]
"""Reads, changes and commits; returns whether the commit was acknowledged."""


def _in_transaction(store: Any) -> bool:
    try:
        with zarr.transaction(store, fsync=False, timeout=300) as txn:
            txn.group["n"][0] += 1
    except TransactionConflictError:
        return False
    return True


def _in_session(repository: Any, conflict: type[Exception]) -> bool:
    session = repository.writable_session("main")
    zarr.open_group(session.store, mode="r+")["n"][0] += 1
    try:
        session.commit("one more")
    except conflict:
        return False
    return True


def _store(kind: str, folder: str) -> Any:
    if kind == "directory":
        return zarr.DirectoryStore(f"{folder}/z.zarr")
    return zarr.storage.OCDBTStore(f"{folder}/z.ocdbt")


def _repository(folder: str) -> Any:
    import icechunk

    storage = icechunk.local_filesystem_storage(f"{folder}/z.icechunk")
    return icechunk.Repository.open_or_create(storage)


def make(kind: str, folder: str) -> None:
    """Make the number."""
    session = _repository(folder).writable_session("main") if kind == "icechunk" else None
    root = zarr.open_group(session.store if session else _store(kind, folder), mode="w")
    root.create_array("n", shape=(1,), dtype="i8", fill_value=0)
    if session:
        session.commit("zero")


def step(kind: str, folder: str) -> Step:
    """Return what a process does again and again."""
    if kind != "icechunk":
        return functools.partial(_in_transaction, _store(kind, folder))
    import icechunk

    return functools.partial(_in_session, _repository(folder), icechunk.ConflictError)


def value(kind: str, folder: str) -> int:
    """Return the number."""
    if kind == "icechunk":
        store = _repository(folder).readonly_session("main").store
    else:
        store = _store(kind, folder)
    return int(zarr.open_group(store, mode="r")["n"][0])


def work(kind: str, folder: str, commits: int, start: Any) -> None:
    """Commit so often."""
    warnings.simplefilter("ignore")
    one = step(kind, folder)
    start.wait()
    while commits:
        commits -= one()


def survivors(kind: str, processes: int, commits: int) -> int:
    """Return how many of ``processes * commits`` acknowledged commits have survived."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        make(kind, folder)
        start = context.Barrier(processes)
        workers = [
            context.Process(target=work, args=(kind, folder, commits, start))
            for _ in range(processes)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
            if worker.exitcode:
                raise RuntimeError(f"a process ended with status {worker.exitcode}")
        return value(kind, folder)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    kinds = ("directory", "ocdbt", "icechunk")
    parser.add_argument("--kinds", nargs="+", choices=kinds, default=kinds[:2])
    parser.add_argument("--processes", type=int, default=5)
    parser.add_argument("--commits", type=int, default=25)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    lost = 0
    for kind in arguments.kinds:
        made = arguments.processes * arguments.commits
        found = [
            survivors(kind, arguments.processes, arguments.commits) for _ in range(arguments.runs)
        ]
        lost += arguments.runs * made - sum(found) if kind != "icechunk" else 0
        print(f"{kind}: {', '.join(map(str, found))} of {made}", flush=True)
    return int(lost > 0)


if __name__ == "__main__":
    sys.exit(main())
