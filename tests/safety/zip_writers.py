"""A writer of a ZIP archive that is killed, and what must be in the archive afterwards.

As a script: kills a writer of an archive again and again, and checks the archive after each
time; each writer goes on where the last one was killed.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import warnings
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

import zarr
from zarr.storage import ZipStore

State = dict[str, int]


def state_of(store: ZipStore) -> State:
    return {key: zlib.crc32(value) for key, value in store.items()}


class Writer:
    """Changes a group in an archive at random, and keeps a journal of what it has flushed."""

    def __init__(self, path: str, journal: str, seed: int) -> None:
        self.random = random.Random(seed)
        self.journal = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        self.store = ZipStore(path)
        self.note("flushed")
        self.group = zarr.open_group(self.store, mode="a")
        if "a" not in self.group:
            self.group.zeros("a", shape=(40, 40), chunks=(10, 10), dtype="i4", compressor=None)

    def note(self, word: str) -> None:
        line = json.dumps([word, state_of(self.store)])
        os.write(self.journal, line.encode() + b"\n")

    def write(self) -> None:
        z, number = self.group["a"], self.random.randrange(1 << 30)
        first, last = sorted(self.random.sample(range(z.shape[0] + 1), 2))
        z[first:last] = number

    def append(self) -> None:
        if self.group["a"].shape[0] < 100:
            self.group["a"].append(np.full((7, 40), self.random.randrange(1 << 30)))

    def resize(self) -> None:
        self.group["a"].resize(self.random.randrange(20, 80), 40)

    def put_attributes(self) -> None:
        self.group.attrs.put({"values": [self.random.randrange(1 << 30)] * 200})

    def delete(self) -> None:
        for name in list(self.group):
            if name != "a":
                del self.group[name]

    def overwrite(self) -> None:
        z = self.group.zeros("b/c", shape=30, chunks=5, dtype="i8", overwrite=True)
        z[...] = 1

    def move(self) -> None:
        if "b" in self.group and "moved" not in self.group:
            self.group.move("b", "moved")

    def consolidate(self) -> None:
        zarr.consolidate_metadata(self.store)

    def keep(self, method: Callable[[], object]) -> None:
        self.note("flushing")
        method()
        self.note("flushed")

    def go_on(self) -> None:
        changes = [
            self.write, self.append, self.resize, self.put_attributes, self.delete,
            self.overwrite, self.move, self.consolidate,
        ]  # fmt: skip
        while True:
            for change in self.random.choices(changes, k=3):
                change()
            self.keep(self.random.choice([self.store.flush, self.store.flush, self.store.compact]))


def write_until_killed(path: str, journal: str, seed: int) -> None:
    warnings.simplefilter("ignore")
    Writer(path, journal, seed).go_on()


def acceptable_states(journal: str, states: list[State]) -> list[State]:
    """Return what was flushed last, and what was being flushed when the writer was killed.

    `states` is the same for the writer before.
    """
    with open(journal) as file:
        for line in file:
            if not line.endswith("\n"):
                break
            word, state = json.loads(line)
            states = [state] if word == "flushed" else [states[-1], state]
    return states


def check(path: str, expected: list[State]) -> bool:
    """Check that the archive holds one of the states; return whether it has an end."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with ZipStore(path, mode="r") as store:
            found = state_of(store)
    assert found in expected, f"{sorted(found)} instead of {[sorted(state) for state in expected]}"
    try:
        zipfile.ZipFile(path).close()
    except zipfile.BadZipFile:
        assert len(caught) == 1, "a torn archive is opened without a warning"
        return False
    return not caught


def check_values(path: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with ZipStore(path, mode="r") as store:
            group: Any = zarr.open_group(store, mode="r")
            assert group["a"][...].ndim == 2
            for name in ("b", "moved"):
                if name in group:
                    assert (group[name]["c"][...] == 1).all()


def repair(path: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        store = ZipStore(path, mode="a")
    store.repair()
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
    store.close()


def kill_at_random_moments(path: str, rounds: int, seed: int) -> None:
    moments = random.Random(seed)
    with ZipStore(path, mode="w") as store:
        zarr.group(store).zeros("a", shape=(40, 40), chunks=(10, 10), dtype="i4", compressor=None)
        states = [state_of(store)]
    torn = number = 0
    # On a busy machine a writer may not have begun when it is killed.
    while number < rounds or not torn:
        number += 1
        journal = f"{path}.journal"
        child = os.fork()
        if child == 0:
            write_until_killed(path, journal, number)
        while not os.path.exists(journal):
            time.sleep(0.0005)
        time.sleep(moments.uniform(0.0, 0.06))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        states = acceptable_states(journal, states)
        torn += not check(path, states)
        check_values(path)
        if moments.random() < 0.3:
            repair(path)
            assert check(path, states)
        os.unlink(journal)
    print(torn, flush=True)


if __name__ == "__main__":
    kill_at_random_moments(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
