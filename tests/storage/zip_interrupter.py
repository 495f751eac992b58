"""Interrupts the methods of a `ZipStore`, or of arrays in one, at random moments: a script.

After each interruption the store must be usable, with the values from before or after.
"""

from __future__ import annotations

import itertools
import os
import pickle
import random
import signal
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import zarr
from zarr.storage import ZipStore

State = dict[str, bytes]


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def content(store: ZipStore) -> State:
    return {key: bytes(store[key]) for key in store}


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


class Interrupter:
    """Calls functions that it interrupts, and counts how often that happens."""

    def __init__(self, path: str, seed: int) -> None:
        self.path = path
        self.random = random.Random(seed)
        self.interruptions = 0
        self.durations: dict[str, float] = {}
        self.store = ZipStore(path, mode="w", compression=self.random.choice([0, 8]))
        self.store.flush()
        self.descriptors = descriptors()
        signal.signal(signal.SIGALRM, interrupt)

    def interrupted(self, name: str, call: Callable[[], object]) -> bool:
        """Call, unless an exception comes in between; return whether it came."""
        longest = self.durations.setdefault(name, 1e-3)
        start = time.perf_counter()
        try:
            try:
                signal.setitimer(signal.ITIMER_REAL, self.random.uniform(1e-6, 1.2 * longest))
                call()
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
        except KeyboardInterrupt:
            self.interruptions += 1
            return True
        finally:
            self.durations[name] = 0.8 * longest + 0.2 * (time.perf_counter() - start)
        return False

    def check_file(self) -> None:
        """Check that this handle has left all to others, and nothing in memory or on the disk."""
        state = content(self.store)
        self.store.flush()
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            with ZipStore(self.path) as other:
                assert content(other) == state
                other["other"] = b"other"
        assert self.store.getitems(list(state)) == state
        del self.store["other"]
        self.store.compact()
        assert content(self.store) == state
        assert os.listdir(os.path.dirname(self.path)) == [os.path.basename(self.path)]
        assert descriptors() <= self.descriptors + 1


class StoreInterrupter(Interrupter):
    """Interrupts the methods of a store, and knows what it must hold."""

    # -- what is interrupted, and the states that it may leave -----------------------

    def put(self, before: State) -> list[State]:
        size = self.random.choice([10, 1000, 50_000])
        keys = self.random.sample(range(30), self.random.randrange(1, 8))
        items = {f"{n % 3}/{n}": self.random.randbytes(size) for n in keys}
        self.interrupted("put", lambda: self.store.setitems(items))
        return [before, {**before, **items}]

    def delete(self, before: State) -> list[State]:
        keys = self.random.sample(sorted(before), min(3, len(before)))
        self.interrupted("delete", lambda: self.store.delitems(keys))
        return [
            {key: value for key, value in before.items() if key not in keys[:n]}
            for n in range(len(keys) + 1)
        ]

    def rmdir(self, before: State) -> list[State]:
        folder = f"{self.random.randrange(3)}"
        self.interrupted("rmdir", lambda: self.store.rmdir(folder))
        return [before, {k: v for k, v in before.items() if not k.startswith(f"{folder}/")}]

    def rename(self, before: State) -> list[State]:
        source, target = self.random.sample("012", 2)
        self.interrupted("rename", lambda: self.store.rename(source, target))
        moved = {f"{target}{k[1:]}": v for k, v in before.items() if k.startswith(f"{source}/")}
        kept = {k: v for k, v in before.items() if not k.startswith(f"{source}/")}
        return [before, {**kept, **moved}]

    def read(self, before: State) -> list[State]:
        found: list[Any] = []
        keys = list(before)
        if not self.interrupted("read", lambda: found.append(self.store.getitems(keys))):
            assert found == [before]
        self.interrupted("list", self.store.listdir)
        self.interrupted("contains", lambda: "missing" in self.store)
        return [before]

    def flush(self, before: State) -> list[State]:
        self.interrupted("flush", self.store.flush)
        return [before]

    def compact(self, before: State) -> list[State]:
        self.interrupted("compact", self.store.compact)
        return [before]

    def pickle(self, before: State) -> list[State]:
        self.interrupted("pickle", lambda: pickle.loads(pickle.dumps(self.store)).close())
        return [before]

    def open(self, before: State) -> list[State]:
        self.interrupted("open", lambda: ZipStore(self.path, mode=self.random.choice("ra")))
        return [before]

    def close(self, before: State) -> list[State]:
        if not self.interrupted("close", self.store.close) or self.store._archive is None:
            self.store = ZipStore(self.path, compression=self.store.compression)
        return [before]

    def check(self, acceptable: list[State]) -> State:
        found = content(self.store)
        assert found in acceptable
        assert sorted(self.store.list_prefix()) == sorted(found)
        assert self.store.listdir() == sorted({key[0] for key in found})
        with ZipStore(self.path, mode="r") as reader:
            content(reader)
        return found

    def run(self, interruptions: int) -> None:
        steps = [
            self.put, self.put, self.put, self.delete, self.rmdir, self.rename, self.read,
            self.flush, self.compact, self.pickle, self.open, self.close,
        ]  # fmt: skip
        state: State = {}
        for number in itertools.count():
            state = self.check(self.random.choice(steps)(state))
            if number % 20 == 0:
                self.check_file()
            if self.interruptions >= interruptions:
                break
        self.store.close()


class ArrayInterrupter(Interrupter):
    """Interrupts what arrays do; each chunk of `a` holds one number only."""

    def __init__(self, path: str, seed: int) -> None:
        super().__init__(path, seed)
        self.group: Any = zarr.group(self.store)
        self.group.zeros("a", shape=(30, 30), chunks=(10, 10), dtype="i4", compressor=None)

        self.number = 0

    @property
    def array(self) -> Any:
        return self.group["a"]

    def write(self) -> None:
        self.array[...] = self.number

    def write_block(self) -> None:
        self.array.blocks[0, self.number % 3] = self.number

    def append(self) -> None:
        if len(self.array) < 80:
            self.array.append(np.full((10, 30), self.number))

    def resize(self) -> None:
        self.array.resize(10 * (self.number % 5 + 1), 30)

    def put_attributes(self) -> None:
        self.group.attrs.put({"values": [self.number] * 100})

    def read(self) -> None:
        self.array[...]

    def create(self) -> None:
        self.group.array("b", np.arange(30), chunks=10, overwrite=True)

    def move(self) -> None:
        for source, target in ("bc", "cb"):
            if source in self.group and target not in self.group:
                self.group.move(source, target)
                break

    def delete(self) -> None:
        if "c" in self.group:
            del self.group["c"]

    def consolidate(self) -> None:
        zarr.consolidate_metadata(self.store)

    def flush(self) -> None:
        self.store.flush()

    def compact(self) -> None:
        self.store.compact()

    def run(self, interruptions: int) -> None:
        steps = [
            self.write, self.write_block, self.append, self.resize, self.put_attributes, self.read,
            self.create, self.move, self.delete, self.consolidate, self.flush, self.compact,
        ]  # fmt: skip
        while self.interruptions < interruptions:
            self.number += 1
            step = self.random.choice(steps)
            self.interrupted(step.__name__, step)
            self.check()
            if self.number % 20 == 0:
                self.check_file()
        self.store.close()

    def check(self) -> None:
        z = zarr.open_array(self.store, mode="r", path="a")
        for block in itertools.product(*map(range, z.cdata_shape)):
            assert len(np.unique(z.blocks[block])) == 1
        assert len(set(self.group.attrs.get("values", [0]))) == 1
        content(self.store)


if __name__ == "__main__":
    kind, path, times, seed = sys.argv[1:]
    warnings.simplefilter("ignore")
    sys.unraisablehook = lambda _: None  # what came in a method that Python calls on its own
    kinds = {"store": StoreInterrupter, "array": ArrayInterrupter}
    interrupter = kinds[kind](path, int(seed))
    interrupter.run(int(times))
    print(interrupter.interruptions)
