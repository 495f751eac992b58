"""Interrupt operations at random moments, and check what they leave behind.

    python -m tests.safety.interrupts                        # everything, and a table
    python -m tests.safety.interrupts --interrupts 50        # fewer
    python -m tests.safety.interrupts --places lmdb redis --operations write append

Each combination of a store, a synchronizer and a cache runs in a process of its own, which is
stopped with a traceback if an operation hangs. The places whose servers do not run are left out.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import faulthandler
import gc
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

import zarr
from tests.safety.places import (
    PLACES,
    SHAPE,
    Array,
    Place,
    at_hand,
    blocks_of,
    chunk_store_of,
)

OPERATIONS = ("write", "append", "resize", "attributes", "read")
SYNCHRONIZERS = ("none", "thread", "process")
CACHES = (0, 1 << 20)
WAYS = ("signal", "thread")
HANG_SECONDS = 60
SPARE = 4  # descriptors of one more connection in a pool, which is no leak
POOL = 10  # connections that the clients of slow places keep: no more than urllib3 does
SPARE_THREADS = 8  # as many as ask a store at a time: pools start them when they are needed
OF_FILES = ("directory", "nested", "temp", "lru", "fsspec", "object", "n5")
KEPT = 8  # exceptions that are kept alive, with the frames of their tracebacks
# What to do where each request takes milliseconds of a test server: strike a call this often
# before looking at what is left of it, and look for late changes of values this seldom.
STRIKES_IN_A_ROW, ROUNDS_PER_COMPARISON = 4, 4
_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Deadline(Exception):  # noqa: N818  what a handler of somebody's raises
    """An exception of the caller's own."""


STRIKES = (KeyboardInterrupt, SystemExit, Deadline)

# -- striking ------------------------------------------------------------------------------

_armed: list[type[BaseException]] = []


def _handle(signum: int, frame: Any) -> None:
    if _armed:
        raise _armed.pop()("struck")


def strike_here(call: Callable[[], Any], kind: type[BaseException], delay: float) -> Any:
    """Call `call`; a signal's handler raises `kind` after some seconds. Return what came out."""
    try:
        _armed.append(kind)
        signal.setitimer(signal.ITIMER_REAL, delay)
        call()
        _armed.clear()
    except BaseException as error:  # noqa: BLE001  all of them are looked at
        return error
    return None


def _raise_in(thread: threading.Thread, kind: type[BaseException]) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident or 0), ctypes.py_object(kind)
    )


def strike_thread(call: Callable[[], Any], kind: type[BaseException], delay: float) -> Any:
    """Call `call` in a new thread, in which `kind` is raised after some seconds."""
    came_out: list[BaseException] = []
    begun, finished = threading.Event(), threading.Event()

    def work() -> None:
        try:
            begun.set()
            call()
            finished.set()
            while True:
                time.sleep(1e-4)
        except BaseException as error:
            if not finished.is_set():
                came_out.append(error)
            if kind is SystemExit:
                raise  # the thread dies of it

    thread = threading.Thread(target=work, name="struck")
    thread.start()
    begun.wait()
    time.sleep(delay)
    _raise_in(thread, kind)
    thread.join(0.1)
    while thread.is_alive():  # long at work; or it was raised in a callback, which ignores it
        if finished.is_set():
            _raise_in(thread, kind)
        thread.join(0.1)
    return came_out[0] if came_out else None


def is_struck(error: BaseException, kind: type[BaseException]) -> bool:
    """Whether `error` is what was raised, or for an ordinary exception has it as its cause."""
    if isinstance(error, kind):
        return True
    seen: BaseException | None = error
    while kind is Deadline and seen is not None:
        if isinstance(seen, kind):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def is_inside(error: BaseException) -> bool:
    """Whether the library was at work when `error` was raised."""
    trace = error.__traceback__
    while trace is not None:
        if "/zarr/" in trace.tb_frame.f_code.co_filename:
            return True
        trace = trace.tb_next
    return False


# -- observing -----------------------------------------------------------------------------


class Watch:
    """The calls of a store by threads other than the one that is struck."""

    def __init__(self) -> None:
        self.begun = 0
        self.under_way: Counter[int] = Counter()
        self.ignored: int | None = None
        self.asked = 0  # calls of the ignored thread, for which stores may call their own verbs

    def others_under_way(self) -> int:
        return sum(n for thread, n in list(self.under_way.items()) if thread != self.ignored)


VERBS = (
    "__getitem__", "__setitem__", "__delitem__", "getitems", "setitems", "delitems",
    "get_partial_values", "get_versioned_values", "rmdir", "rename",
)  # fmt: skip


def watched_class(kind: type, watch: Watch) -> type:
    """Return a subclass of the store class `kind` that reports its calls to `watch`."""

    def counted(name: str) -> Callable[..., Any]:
        inner = getattr(kind, name)

        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            thread = threading.get_ident()
            if thread == watch.ignored:
                watch.asked += 1
                try:
                    return inner(self, *args, **kwargs)
                finally:
                    watch.asked -= 1
            watch.begun += not watch.asked
            watch.under_way[thread] += 1
            try:
                return inner(self, *args, **kwargs)
            finally:
                watch.under_way[thread] -= 1

        return method

    return type(kind.__name__, (kind,), {name: counted(name) for name in VERBS})


def content_of(*stores: Any) -> dict[str, bytes]:
    """Return all that is in some stores, as it is now."""
    found = {}
    for number, store in enumerate(stores):
        for key, value in store.getitems(list(store)).items():
            found[f"{number}:{key}"] = bytes(memoryview(value))
    return found


def descriptors() -> list[str]:
    found = []
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            found.append(os.readlink(f"/proc/self/fd/{number}"))
    return found


def files_below(folder: str) -> set[str]:
    return {os.path.join(at, name) for at, _, names in os.walk(folder) for name in names}


# -- one combination -----------------------------------------------------------------------


class Case:
    """An array that is worked on while it is interrupted, and what is known of it."""

    def __init__(self, place: Place, folder: str, synchronizer: str, cache: int) -> None:
        self.place, self.folder, self.cache = place, folder, cache
        self.locks = os.path.join(folder, "locks")
        self.synchronizer = {
            "none": lambda: None,
            "thread": zarr.ThreadSynchronizer,
            "process": lambda: zarr.ProcessSynchronizer(self.locks),
        }[synchronizer]()
        self.store = place.open(folder)
        self.chunk_store = chunk_store_of(place, folder)
        self.watch = Watch()
        self.plain, self.watched = type(self.store), None
        if isinstance(self.store, zarr.storage.BaseStore):
            self.watched = watched_class(self.plain, self.watch)
        self.value = 1
        self.arrays = 0
        self.told: set[str] = set()
        self.left_behind: set[str] = set()  # files that do not belong to any value

    def open_array(self, store: Any = None) -> Any:
        chunk_store = self.chunk_store if store is None else chunk_store_of(self.place, self.folder)
        return zarr.open_array(
            self.store if store is None else store,
            mode="r+",
            path=self.path,
            chunk_store=chunk_store,
            synchronizer=self.synchronizer,
            cache_bytes=self.cache,
        )

    def create(self, format: str) -> None:
        """Create another array and write all of it."""
        # Where nothing is, so that what an interrupted call still does is no obstacle.
        self.arrays += 1
        if self.arrays > 3:
            self.forget_array(f"g/{self.arrays - 3}")
        self.path = f"g/{self.arrays}"
        self.format = format
        z = zarr.open_array(
            self.store,
            mode="w",
            path=self.path,
            shape=SHAPE,
            chunk_store=self.chunk_store,
            **self.place.options(format),
        )
        z[...] = 1
        z.attrs.put({"v": [1] * 50})
        self.model: Array = z[...]
        self.attributes = dict(z.attrs)
        self.z = self.open_array()
        self.other = self.open_array()

    def forget_array(self, path: str) -> None:
        """Delete an array that nobody uses any more: each check reads the whole store."""
        if self.place.name in OF_FILES:
            self.left_behind |= files_below(self.folder) - known_files(self)
        for store in (self.store, self.chunk_store):
            if store is not None:
                zarr.storage.rmdir(store, path)

    def next_value(self) -> int:
        self.value += 1
        return self.value

    def watching(self, on: bool) -> None:
        if self.watched is not None:
            self.store.__class__ = self.watched if on else self.plain

    # -- operations: what to call, and how the array may be afterwards --

    def write(self, rng: random.Random) -> tuple[Callable[[], Any], str]:
        value = self.next_value()
        rows, columns = self.model.shape
        region = rng.choice(
            [
                (slice(None), slice(None)),
                (slice(0, 10), slice(0, 8)),
                (slice(rng.randrange(rows), None), slice(None)),
                (slice(None), slice(rng.randrange(columns), None, 3)),
                (rng.randrange(rows), rng.randrange(columns)),
            ]
        )
        self.new = self.model.copy()
        self.new[region] = value
        return lambda: self.z.__setitem__(region, value), "each chunk"

    def append(self, rng: random.Random) -> tuple[Callable[[], Any], str]:
        rows = np.full((rng.choice([1, 5, 12]), self.model.shape[1]), self.next_value(), "i4")
        self.new = np.concatenate([self.model, rows])
        return lambda: self.z.append(rows), "all"

    def resize(self, rng: random.Random) -> tuple[Callable[[], Any], str]:
        shape = rng.choice([3, 10, 17, 20, 33]), rng.choice([5, 8, 16, 16, 20])
        if self.format == "listed":
            shape = shape[0], 16
        self.new = resized(self.model, shape, self.place.fill_value)
        return lambda: self.z.resize(shape), "all"

    def change_attributes(self, rng: random.Random) -> tuple[Callable[[], Any], str]:
        value = [self.next_value()] * 50
        self.new = self.model
        if rng.randrange(2):
            self.new_attributes = {"v": value}
            return lambda: self.z.attrs.put({"v": value}), "all"
        self.new_attributes = {**self.attributes, "v": value}
        return lambda: self.z.attrs.__setitem__("v", value), "all"

    def read(self, rng: random.Random) -> tuple[Callable[[], Any], str]:
        self.new = self.model
        self.out = np.zeros_like(self.model)
        return lambda: self.z.get_basic_selection(..., out=self.out), "all"

    def begin(self, operation: str, rng: random.Random) -> tuple[Callable[[], Any], str]:
        self.new_attributes = self.attributes
        self.out = np.zeros(1)
        method = self.change_attributes if operation == "attributes" else getattr(self, operation)
        return method(rng)

    # -- checks --

    def check(self, z: Any, rule: str) -> None:
        """Raise `AssertionError` unless the array is as it was, or as it was to become."""
        found, attributes = z[...], dict(z.attrs)
        assert attributes in (self.attributes, self.new_attributes), "attributes: neither"
        assert found.shape in (self.model.shape, self.new.shape), f"shape: {found.shape}"
        if rule == "each chunk":
            for block in blocks_of(z):
                old = np.array_equal(found[block], self.model[block])
                assert old or np.array_equal(found[block], self.new[block]), f"torn: {block}"
        else:
            whole = [np.array_equal(found, each) for each in (self.model, self.new)]
            assert any(whole), f"torn: {describe(found, self.model, self.new)}"
        self.model, self.attributes = found, attributes

    def has_grown(self) -> bool:
        """Tell whether an append has happened, of which the metadata are stored last."""
        return self.open_array().shape != self.model.shape

    def grow_and_shrink(self) -> None:
        """Check that nothing of an interrupted call shows when the array grows."""
        rows, columns = self.model.shape
        self.z.resize(rows + 25, columns)
        tail = self.z[rows:]
        assert (tail == self.place.fill_value).all(), f"leftover: {np.unique(tail)}"
        self.z.resize(rows, columns)

    def use_other(self) -> None:
        """Change the array through a handle that was not interrupted."""
        if self.other.shape != self.model.shape:
            self.other = self.open_array()  # handles do not see each other's resize
        self.use(self.other)

    def use(self, z: Any) -> None:
        """Change a part of every chunk, and the attributes: what needs all locks."""
        assert z.shape == self.model.shape, f"shape: {z.shape}, stored is {self.model.shape}"
        value = self.next_value()
        z[::2, ::2] = value
        z.attrs["v"] = [value] * 50
        self.model = self.model.copy()
        self.model[::2, ::2] = value
        self.attributes = {**self.attributes, "v": [value] * 50}


def resized(values: Array, shape: tuple[int, ...], fill_value: int) -> Array:
    new = np.full(shape, fill_value, values.dtype)
    kept = tuple(slice(min(pair)) for pair in zip(values.shape, shape, strict=True))
    new[kept] = values[kept]
    return new


def describe(found: Array, old: Array, new: Array) -> str:
    return (
        f"found {found.shape} with values {np.unique(found)[:5].tolist()}, expected {old.shape} "
        f"with {np.unique(old)[:5].tolist()} or {new.shape} with {np.unique(new)[:5].tolist()}"
    )


class Runner:
    """Interrupts one operation on one place, again and again."""

    def __init__(self, case: Case, operation: str, way: str, seed: str) -> None:
        self.case, self.operation, self.way = case, operation, way
        self.rng = random.Random(f"{seed} {operation}")
        self.kept: deque[BaseException] = deque(maxlen=KEPT)
        self.helper = ThreadPoolExecutor(1, thread_name_prefix="helper")
        self.in_a_row = STRIKES_IN_A_ROW if case.place.slow else 1
        self.rounds_per_comparison = ROUNDS_PER_COMPARISON if case.place.slow else 1
        self.counts: Counter[str] = Counter()
        self.messages: dict[str, str] = {}

    def violated(self, what: str, message: str) -> None:
        self.counts[what] += 1
        self.messages.setdefault(what, message)

    def run(self, interrupts: int, formats: Sequence[str]) -> None:
        for number, format in enumerate(formats):
            self.case.create(format)
            duration = self.calibrate()
            wanted = interrupts * (number + 1) // len(formats)
            for _ in range(4 * interrupts):
                if self.counts["struck"] >= wanted:
                    break
                self.round(duration)

    def calibrate(self) -> float:
        """Return how long the operation takes; warm up what is kept: threads, connections."""
        case, seconds = self.case, []
        for number in range(8):
            with workers(number % 2 == 0):
                call, _ = case.begin(self.operation, self.rng)
                start = time.perf_counter()
                call()
                seconds.append(time.perf_counter() - start)
                case.model, case.attributes = case.new, case.new_attributes
                self.helper.submit(case.use_other).result()
        if self.operation == "append":
            case.create(case.format)
        self.open_before = len(descriptors())
        self.threads_before = threading.active_count()
        return sorted(seconds)[4]

    def round(self, duration: float) -> None:
        faulthandler.dump_traceback_later(HANG_SECONDS, exit=True)
        case, number = self.case, self.counts["rounds"]
        self.counts["rounds"] += 1
        several = number // 2 % 2 == 0
        kind = STRIKES[number % 3]
        call, rule = case.begin(self.operation, self.rng)
        strike = strike_here if self.way == "signal" else strike_thread
        case.watching(several)
        case.watch.ignored = threading.get_ident() if self.way == "signal" else None
        for _ in range(self.in_a_row):
            delay = max(self.rng.uniform(0, 1.1 * duration), 2e-6)
            with workers(several):
                error = strike(call, kind, delay)
                late = case.watch.others_under_way()
            case.watch.asked = 0
            begun = case.watch.begun
            if error is None:
                break
            self.tell(error, kind, number)
            # Rows that were appended would be appended once more.
            if late or (self.operation == "append" and case.has_grown()):
                break
        try:
            self.check_round(rule, error, late, begun, number)
        except AssertionError as violation:
            what, _, message = str(violation).partition(":")
            self.violated(what, message)
            case.create(case.format)
        except Exception as foreign:  # noqa: BLE001  any is a finding
            self.violated("after", f"{type(foreign).__name__}: {foreign}")
            case.create(case.format)
        finally:
            case.watching(False)
        if case.model.shape[0] > 60 or len(case.z.chunks) != 2:
            case.create(case.format)

    def tell(self, error: BaseException, kind: type[BaseException], number: int) -> None:
        """Count what came out of a call."""
        if not is_struck(error, kind):
            self.violated("foreign", f"{type(error).__name__}: {error}")
            return
        self.counts["struck"] += 1
        self.counts["inside"] += is_inside(error)
        if number // 4 % 2:
            self.kept.append(error)

    def check_round(
        self, rule: str, error: BaseException | None, late: int, begun: int, number: int
    ) -> None:
        case = self.case
        stores = [case.store] if case.chunk_store is None else [case.store, case.chunk_store]
        if error is None:
            case.check(case.open_array(), "all")
            assert np.array_equal(case.model, case.new), "wrong: a finished call did not happen"
            return
        assert not late, f"late: {late} calls of the store are under way after the exception"
        out = case.out.copy()
        compared = [] if number % self.rounds_per_comparison else stores
        before = content_of(*map(zarr.storage.as_store, compared))
        if number % 16 == 5 and case.place.shared:
            store = case.place.open(case.folder)
            case.check(case.open_array(store), rule)
            getattr(store, "close", lambda: None)()
        else:
            case.check(case.open_array(), rule)
        after = content_of(*map(zarr.storage.as_store, compared))
        assert before == after, f"late: values changed: {sorted(before.items() ^ after.items())}"
        assert case.watch.begun == begun or self.way == "thread", "late: calls of the store began"
        assert np.array_equal(out, case.out), "late: the result's memory changed"
        self.use_afterwards(number)

    def use_afterwards(self, number: int) -> None:
        case = self.case
        if case.z.shape != case.model.shape:
            # Interrupted after the metadata were stored and before the handle took them over.
            self.counts["behind"] += 1
            case.z = case.open_array()
        users = [
            lambda: case.use(case.z),
            lambda: self.helper.submit(case.use_other).result(HANG_SECONDS - 5),
        ]
        for user in users if number % 2 else reversed(users):
            user()
        if self.operation in ("append", "resize") and number % 2:
            case.grow_and_shrink()
        case.new, case.new_attributes = case.model, case.attributes
        for z in (case.z, case.other):
            found = z[...]
            assert np.array_equal(found, case.model), (
                f"stale: {describe(found, case.model, case.model)}"
            )

    def check_leaks(self) -> None:
        """Check what is left when the exceptions are still alive, then when they are gone."""
        faulthandler.dump_traceback_later(HANG_SECONDS, exit=True)
        case = self.case
        # The next user may recover what an interrupted call left behind.
        case.use(case.z)
        for keys in locked(case.locks):
            self.violated("locked", keys)
        found = descriptors()
        spare = POOL if case.place.slow else SPARE
        if len(found) > self.open_before + len(self.kept) + spare:
            self.violated("descriptors", f"{len(found)}, not {self.open_before}: {found[-5:]}")
        self.kept.clear()
        gc.collect()
        found = descriptors()
        if len(found) > self.open_before + spare:
            self.violated("descriptors", f"{len(found)}, not {self.open_before}: {found[-5:]}")
        if case.place.name in OF_FILES:
            now = files_below(case.folder) - known_files(case)
            for name in sorted((now | case.left_behind) - case.told):
                self.violated("files", name)
                case.told.add(name)
        if threading.active_count() > self.threads_before + SPARE_THREADS:
            self.violated("threads", str(threading.enumerate()))


def known_files(case: Case) -> set[str]:
    """Return the files in which values are, and those of locks."""
    base = next(each for each in os.listdir(case.folder) if each != "locks")
    keys = set(case.store)
    if case.place.name == "n5":
        keys = set(zarr.NestedDirectoryStore(os.path.join(case.folder, base)))
    known = {os.path.join(case.folder, base, key) for key in keys}
    return known | files_below(case.locks)


@contextlib.contextmanager
def workers(several: bool) -> Iterator[None]:
    changes = {"workers": 3, "window_bytes": 1, "thread_bytes": 0} if several else {"workers": 1}
    with zarr.config.set(**changes):
        yield


_TRY_LOCKS = """
import fasteners, os, sys
for at, _, names in os.walk(sys.argv[1]):
    for name in names:
        lock = fasteners.InterProcessLock(os.path.join(at, name))
        if not lock.acquire(blocking=False):
            print(os.path.join(at, name))
        else:
            lock.release()
"""


def locked(folder: str) -> list[str]:
    """Return the lock files that another process cannot take."""
    command = [sys.executable, "-c", _TRY_LOCKS, folder]
    return subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=60
    ).stdout.splitlines()


def run_child(arguments: argparse.Namespace) -> None:
    warnings.filterwarnings("ignore", "Duplicate name")
    threading.excepthook = lambda _: None
    sys.setswitchinterval(1e-5)
    signal.signal(signal.SIGALRM, _handle)
    place = PLACES[arguments.places[0]]
    synchronizer, cache = arguments.synchronizers[0], arguments.caches[0]
    seed = f"{arguments.seed} {place.name} {synchronizer} {cache} {arguments.way}"
    with tempfile.TemporaryDirectory() as folder:
        case = Case(place, folder, synchronizer, cache)
        for operation in arguments.operations:
            print(json.dumps({"begin": operation}), flush=True)
            runner = Runner(case, operation, arguments.way, seed)
            runner.run(arguments.interrupts, arguments.formats or place.formats)
            runner.check_leaks()
            runner.helper.shutdown()
            result = {"end": operation, "counts": runner.counts, "messages": runner.messages}
            print(json.dumps(result), flush=True)
        faulthandler.cancel_dump_traceback_later()
        getattr(case.store, "close", lambda: None)()
        if place.lasting:
            case.check(case.open_array(place.open(folder)), "all")


# -- all combinations ----------------------------------------------------------------------


def run_combination(
    place: str,
    synchronizer: str,
    cache: int,
    way: str = "signal",
    interrupts: int = 50,
    seed: int = 0,
    operations: Sequence[str] = OPERATIONS,
    formats: Sequence[str] = (),
) -> dict[str, dict[str, Any]]:
    """Interrupt operations in processes of their own; return counts and messages of each."""
    left, results = list(operations), {}
    while left:
        command = [
            sys.executable, "-m", "tests.safety.interrupts", "--child", "--places", place,
            "--synchronizers", synchronizer, "--caches", str(cache), "--way", way,
            "--interrupts", str(interrupts), "--seed", str(seed), "--operations", *left,
            *(["--formats", *formats] if formats else []),
        ]  # fmt: skip
        child = subprocess.run(command, capture_output=True, text=True, cwd=_ROOT)
        lines = [json.loads(line) for line in child.stdout.splitlines()]
        for line in lines:
            if "end" in line:
                results[line["end"]] = {"counts": line["counts"], "messages": line["messages"]}
        left = left[sum("end" in line for line in lines) :]
        if child.returncode:
            what = "hang" if "Timeout (" in child.stderr else "crash"
            operation = left.pop(0) if left else operations[-1]
            results[operation] = {
                "counts": {what: 1},
                "messages": {what: f"{told_by(child.stderr)}\n{' '.join(command[1:])}"},
            }
    return results


def told_by(stderr: str) -> str:
    """Return the end of what a process said: of a hang, the threads inside the library."""
    if "Timeout (" not in stderr:
        return stderr[-3000:]
    threads = stderr[stderr.index("Timeout (") :].split("\n\n")
    return "\n\n".join(each for each in threads if "/src/zarr/" in each)


COLUMNS = (
    "struck", "inside", "hang", "crash", "torn", "shape", "attributes", "stale", "leftover", "late",
    "foreign", "after", "wrong", "descriptors", "files", "threads", "locked",
)  # fmt: skip


def violations(results: dict[str, dict[str, Any]]) -> dict[str, dict[str, str]]:
    """Return the messages of those operations that have any."""
    return {name: found["messages"] for name, found in results.items() if found["messages"]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--child", action="store_true")
    parser.add_argument("--places", nargs="+", default=at_hand(), choices=list(PLACES))
    parser.add_argument("--synchronizers", nargs="+", default=SYNCHRONIZERS)
    parser.add_argument("--caches", nargs="+", type=int, default=CACHES)
    parser.add_argument("--way", choices=(*WAYS, "both"), default="both")
    parser.add_argument("--operations", nargs="+", default=OPERATIONS, choices=OPERATIONS)
    parser.add_argument("--formats", nargs="+", default=())
    parser.add_argument("--interrupts", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.child:
        run_child(arguments)
        return 0
    ways = WAYS if arguments.way == "both" else (arguments.way,)
    print(f"seed {arguments.seed}; {arguments.interrupts} interrupts each", flush=True)
    print(f"{'place':14} {'sync':8} {'cache':>7} {'way':6} {'operation':10}", *COLUMNS, flush=True)
    told, totals = [], Counter[str]()
    for place, synchronizer, cache, way in itertools.product(
        arguments.places, arguments.synchronizers, arguments.caches, ways
    ):
        results = run_combination(
            place, synchronizer, cache, way, arguments.interrupts, arguments.seed,
            arguments.operations, arguments.formats,
        )  # fmt: skip
        for operation, found in results.items():
            cells = [f"{found['counts'].get(name, 0):>{len(name)}}" for name in COLUMNS]
            print(f"{place:14} {synchronizer:8} {cache:7} {way:6} {operation:10}", *cells)
            totals.update(found["counts"])
            told += [
                f"{place}, {synchronizer}, {cache}, {way}, {operation}: {what}: {message}"
                for what, message in found["messages"].items()
            ]
        sys.stdout.flush()
    print("total:", ", ".join(f"{name} {totals[name]}" for name in COLUMNS if totals[name]))
    print(*told, sep="\n\n")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
