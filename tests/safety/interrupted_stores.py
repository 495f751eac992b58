"""Programs that are interrupted at random moments while they use a store.

Run as a process of its own: ``interrupted_stores.py KIND PLACE COUNT SEED``. It ends with 0 if
after each interrupt every value was the old one or the new one, and the store went on.
"""

from __future__ import annotations

import faulthandler
import os
import random
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import zarr
from zarr.errors import StoreError

PATIENCE = 120  # seconds until something hangs
KEYS = [f"{folder}/{name}" for folder in "ab" for name in ("x", "y", "z/0", "z/1")]
Values = dict[str, bytes | None]


def store_of(kind: str, place: str) -> Any:
    """Open a store of `kind`."""
    if kind.startswith("dbm."):
        from importlib import import_module

        return zarr.DBMStore(place, open=import_module(kind).open)
    if kind == "berkeleydb":
        import berkeleydb

        return zarr.DBMStore(place, open=berkeleydb.btopen)
    if kind == "redis":
        return zarr.RedisStore(prefix="interrupted", port=int(place))
    if kind == "mongodb":
        return zarr.MongoDBStore(host=place, collection="interrupted")
    if kind == "azure":
        from azure.storage.blob import ContainerClient

        from tests.remote.servers import AZURITE_KEY

        key = {"account_name": "devstoreaccount1", "account_key": AZURITE_KEY}
        url, _, container = place.rpartition("/")
        return zarr.ABSStore(client=ContainerClient(url, container, credential=key))
    kinds = {"sqlite": zarr.SQLiteStore, "lmdb": zarr.LMDBStore}
    return kinds[kind](place)


class Interrupter:
    """Raises KeyboardInterrupt in the main thread, after a time, while it is armed."""

    def __init__(self, seed: int, longest: float) -> None:
        self.random = random.Random(seed)
        self.longest = longest
        self.armed = False
        self.lost = 0
        signal.signal(signal.SIGALRM, self.strike)
        sys.unraisablehook = self.strike_again

    def strike_again(self, lost: Any) -> None:
        """Interrupt once more, because Python drops what a destructor raises."""
        self.lost += 1
        if lost.exc_type is KeyboardInterrupt:
            self.armed = True
            signal.setitimer(signal.ITIMER_REAL, self.longest)

    def strike(self, number: int, frame: FrameType | None) -> None:
        if self.armed:
            self.armed = False
            raise KeyboardInterrupt

    def until_interrupted(self, work: Callable[[], None]) -> None:
        try:
            self.armed = True
            signal.setitimer(signal.ITIMER_REAL, self.random.uniform(5e-6, self.longest))
            while True:
                work()
        except KeyboardInterrupt:
            pass
        finally:
            self.armed = False
            signal.setitimer(signal.ITIMER_REAL, 0)


class Worker:
    """Uses a store, and knows what must be in it."""

    def __init__(self, store: Any, seed: int, prefix: str = "") -> None:
        self.store = store
        self.random = random.Random(seed)
        self.keys = [prefix + key for key in KEYS]
        self.prefix = prefix
        self.folders = {prefix + folder for folder in "ab"}
        self.values: Values = dict.fromkeys(self.keys)
        self.changes: Values = {}
        self.suspended: list[Any] = []
        self.number = 0

    def work(self) -> None:
        """Do one thing or another."""
        random.choice([self.write, self.write, self.write_one, self.delete, self.read,
                       self.look, self.list, self.remove, self.rename])()  # fmt: skip

    def change(self, changes: Values, method: Callable[..., Any], *arguments: Any) -> None:
        self.changes = changes
        method(*arguments)
        self.values.update(changes)
        self.changes = {}

    def value(self, key: str) -> bytes:
        self.number += 1
        size = self.random.choice([10, 3000, 100_000])
        return f"{key} {self.number} ".encode().ljust(size, b"%d" % (self.number % 10))

    def write(self) -> None:
        keys = self.random.sample(self.keys, 3)
        items = {key: self.value(key) for key in keys}
        self.change(dict(items), self.store.setitems, items)

    def write_one(self) -> None:
        key = self.random.choice(self.keys)
        value = self.value(key)
        self.change({key: value}, self.store.__setitem__, key, value)

    def delete(self) -> None:
        keys = self.random.sample(self.keys, 2)
        self.change(dict.fromkeys(keys), self.store.delitems, keys)

    def remove(self) -> None:
        folder = self.random.choice("ab")
        gone = {key: None for key in self.keys if key.startswith(f"{self.prefix}{folder}/")}
        self.change(dict(gone), self.store.rmdir, f"{self.prefix}{folder}")

    def rename(self) -> None:
        source, target = f"{self.prefix}a/z", f"{self.prefix}b/z"
        moved: Values = {}
        for name in "01":
            if self.values[f"{source}/{name}"] is not None:
                moved[f"{target}/{name}"] = self.values[f"{source}/{name}"]
                moved[f"{source}/{name}"] = None
        self.change(moved, self.store.rename, source, target)

    def read(self) -> None:
        keys = self.random.sample(self.keys, 3)
        found = self.store.getitems(keys)
        for key in keys:
            assert self.values[key] == (bytes(found[key]) if key in found else None), key
        parts = self.store.get_partial_values([(key, (1, 7)) for key in keys])
        for key, part in zip(keys, parts, strict=True):
            value = self.values[key]
            assert (None if part is None else bytes(part)) == (value and value[1:8])

    def look(self) -> None:
        for key in self.keys:
            assert (key in self.store) == (self.values[key] is not None), key
        self.store.getsize(f"{self.prefix}a")
        len(self.store)

    def list(self) -> None:
        there = {key for key, value in self.values.items() if value is not None}
        names = {key.rpartition("/z/")[0] + "/z" if "/z/" in key else key for key in there}
        for folder in self.folders:
            expected = {name for name in names if name.startswith(f"{folder}/")}
            assert {f"{folder}/{name}" for name in self.store.listdir(folder)} == expected
        keys = iter(self.store)
        next(keys, None)
        self.suspended = [*self.suspended[-3:], keys]

    def check(self) -> None:
        """Look at all values, and make up one's mind about what was interrupted."""
        found: Values = dict.fromkeys(self.keys)
        found.update({k: bytes(v) for k, v in self.store.getitems(self.keys).items()})
        for key in self.keys:
            allowed = [self.values[key], self.changes.get(key, self.values[key])]
            assert found[key] in allowed, (key, found[key] and found[key][:60], self.changes)
        if type(self.store) in (zarr.SQLiteStore, zarr.LMDBStore, zarr.RedisStore):
            done = [found[key] == value for key, value in self.changes.items()]
            undone = [found[key] == self.values[key] for key in self.changes]
            assert all(done) or all(undone), "half a change"
        self.values, self.changes = found, {}


def work_beside(store: Any, stop: threading.Event, failures: list[BaseException]) -> None:
    """Use `store` in another thread."""
    worker = Worker(store, 1, "other/")
    try:
        while not stop.is_set():
            worker.work()
    except BaseException as error:
        failures.append(error)
        raise


def fork_and_use(store: Any) -> None:
    """Use the store in a forked process."""
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(PATIENCE)
        try:
            store["child"] = b"written"
            os._exit(0 if store["child"] == b"written" else 3)
        except StoreError:
            os._exit(0)  # says that it cannot
        finally:
            os._exit(4)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def main() -> None:
    kind, place, count, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    longest = 3e-2 if kind in ("azure", "mongodb") else 3e-3
    interrupter = Interrupter(seed, longest)
    store = store_of(kind, place)
    store.rmdir("")
    worker = Worker(store, seed)
    for _ in range(50):
        worker.work()
    worker.check()
    stop, failures = threading.Event(), list[BaseException]()
    beside = threading.Thread(target=work_beside, args=(store, stop, failures))
    beside.start()
    most = descriptors()
    for number in range(count):
        faulthandler.dump_traceback_later(PATIENCE, exit=True)
        interrupter.until_interrupted(worker.work)
        worker.check()
        if number % 50 == 49:
            if kind == "lmdb":
                fork_and_use(store)
            worker.suspended.clear()
            assert descriptors() < most + 30, f"{descriptors()} descriptors, {most} at first"
    stop.set()
    beside.join(PATIENCE)
    assert not beside.is_alive()
    assert not failures, failures
    store.close()
    again = store_of(kind, place)
    worker.store = again
    worker.check()
    again.close()
    print(
        count,
        "interrupts,",
        interrupter.lost,
        "in destructors,",
        descriptors() - most,
        "descriptors",
    )


if __name__ == "__main__":
    main()
