"""Kill processes in transactions, and cut the power, and look whether all or nothing is there.

    python -m tests.safety.transactions              # 10,000 kills and 10,000 power failures
    python -m tests.safety.transactions --kills 500 --cuts 0 --folder /dev/shm

A process is killed before each system call of a transaction that Python reports (opening, making,
renaming, linking and deleting files and folders), and at random moments. A power failure keeps
what was flushed, and of all else any part: files of any length, and any of the changes to each
folder.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr
from zarr.storage import files, journal

OLD, NEW = 3, 4
FORMATS: dict[str, dict[str, Any]] = {
    "2": {"zarr_format": 2, "chunks": (2, 3)},
    "3": {"zarr_format": 3, "chunks": (2, 3)},
    "shards": {"zarr_format": 3, "chunks": (1, 3), "shards": (2, 3)},
}


class TornError(AssertionError):
    """What is found is neither the old state nor the new one."""


@dataclass(frozen=True)
class Workload:
    """Arrays that all have the number of the state in them, as have their shapes and attributes."""

    arrays: int
    format: str
    fsync: bool = False

    def make(self, path: str) -> None:
        options = dict(FORMATS[self.format])
        root = zarr.open_group(path, mode="w", zarr_format=options.pop("zarr_format"))
        for name in self.names:
            z = root.create_dataset(name, shape=(OLD, 5), dtype="i4", compressor=None, **options)
            z[...] = OLD
        root.create_dataset(f"only{OLD}", data=np.full(4, OLD), chunks=2)
        root.attrs["state"] = OLD
        zarr.consolidate_metadata(root.store)

    @property
    def names(self) -> list[str]:
        return [f"group/a{n}" for n in range(self.arrays)]

    def advance(self, path: str, told: Callable[[], None] = lambda: None) -> None:
        """Go from the old state to the new one; call `told` when the commit has returned."""
        with zarr.transaction(path, fsync=self.fsync) as txn:
            root = txn.group
            for name in self.names:
                root[name].append(np.full((1, 5), NEW))
                root[name][...] = NEW
            del root[f"only{OLD}"]
            root.create_dataset(f"only{NEW}", data=np.full(4, NEW), chunks=2)
            root.attrs["state"] = NEW
            zarr.consolidate_metadata(txn.store)
        told()

    def state(self, store: Any) -> int:
        """Return the state of a store; raise `TornError` if it is neither."""
        try:
            found = {self._state_of(zarr.open_group(store, mode="r"))}
            found.add(self._state_of(zarr.open_consolidated(store)))
        except TornError:
            raise
        except Exception as error:
            raise TornError(f"{type(error).__name__}: {error}") from error
        if len(found) > 1:
            raise TornError("the consolidated metadata are of the other state")
        return found.pop()

    def _state_of(self, root: Any) -> int:
        state: int = root.attrs["state"]
        for name in self.names:
            z = root[name]
            values = np.unique(z[...]).tolist()
            if z.shape != (state, 5) or values != [state]:
                raise TornError(f"state {state}, but {name} has shape {z.shape}, values {values}")
        if [name for name in root if name != "group"] != [f"only{state}"]:
            raise TornError(f"state {state}, but members {list(root)}")
        if root[f"only{state}"][...].tolist() != [state] * 4:
            raise TornError(f"state {state}, but only{state} differs")
        return state


WORKLOADS = [Workload(n, format) for n in (2, 3, 5) for format in FORMATS]


# -- kills -----------------------------------------------------------------------------


def run_child(work: Callable[[], None], after: float | None = None) -> bool:
    """Run `work` in a forked child, killed `after` so many seconds; return whether it ended."""
    child = os.fork()
    if not child:
        try:
            work()
            os._exit(0)
        except BaseException:  # noqa: BLE001
            traceback.print_exc()
        os._exit(1)
    if after is not None:
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise AssertionError("the child failed")
    return os.WIFEXITED(status)


def kill_before_call(number: int, root: str) -> None:
    """Let the operating system kill this process before its nth call on files below `root`."""
    left = [number]

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if not event.startswith(("os.", "open")) or event in ("os.kill", "os.fork"):
            return
        if any(isinstance(arg, (str, bytes)) and str(arg).startswith(root) for arg in args) or (
            len(args) > 1 and isinstance(args[-1], int) and args[-1] > 2
        ):
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def after_kill(workload: Workload, path: str, is_told: bool) -> str:
    """Return what a transaction that was killed has left; raise `TornError` if it is torn."""
    with zarr.transaction(path, read_only=True) as txn:
        together = workload.state(txn.store)
    before = workload.state(path)
    outcome = zarr.recover(path)
    after = workload.state(path)
    if len({together, before, after}) > 1:
        raise TornError(f"{together} and {before} before recovery, {after} after it")
    if is_told and after != NEW:
        raise TornError("the commit had returned")
    if after != {"rolled back": OLD, "rolled forward": NEW}.get(outcome, after):
        raise TornError(f"{outcome}, but state {after}")
    left = set(os.listdir(f"{path}/__txn")) if os.path.exists(f"{path}/__txn") else set()
    if left - {"lock", "gate", "readers"}:
        raise TornError(f"left over: {left}")
    return outcome if outcome != "clean" else f"clean, state {after}"


def one_kill(
    workload: Workload, template: str, path: str, number: int | None, after: float | None
) -> tuple[str, bool]:
    """Kill one transaction; return the outcome, and whether it had ended before."""
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(template, path)
    told = f"{path}.told"
    Path(told).unlink(missing_ok=True)

    def work() -> None:
        if number is not None:
            kill_before_call(number, path)
        workload.advance(path, lambda: Path(told).touch())

    ended = run_child(work, after)
    return after_kill(workload, path, os.path.exists(told)), ended


def kills(
    workload: Workload, folder: str, numbers: Iterable[int] = itertools.count(), seed: int = 0
) -> Iterator[tuple[str, bool]]:
    """Kill one transaction after the other: before each call, and then at random moments."""
    template, path = os.path.join(folder, "template"), os.path.join(folder, "store")
    shutil.rmtree(template, ignore_errors=True)
    workload.make(template)
    durations = []
    for _ in range(3):
        start = time.perf_counter()
        one_kill(workload, template, path, None, None)
        durations.append(time.perf_counter() - start)
    for number in numbers:
        outcome, ended = one_kill(workload, template, path, number, None)
        if ended:
            break
        yield outcome, False
    rng = random.Random(seed)
    while True:
        yield one_kill(workload, template, path, None, rng.uniform(0, min(durations)))


# -- power failures --------------------------------------------------------------------


@dataclass(eq=False)
class File:
    """A file, and whether its content has been flushed."""

    content: bytes = b""
    is_safe: bool = False


@dataclass(eq=False)
class Folder:
    """A folder: the names that are on the disk, and the changes that may be."""

    names: dict[str, Any] = field(default_factory=dict)
    changes: list[dict[str, Any]] = field(default_factory=list)

    def now(self) -> dict[str, Any]:
        return self.after(self.changes)

    def after(self, changes: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the names after some changes; a name that is None is deleted."""
        names = dict(self.names)
        for change in changes:
            names.update(change)
        return {name: node for name, node in names.items() if node is not None}

    def flush(self) -> None:
        self.names, self.changes = self.now(), []


class Disk:
    """What is certain to be on the disk of a directory, and what may be.

    Parameters
    ----------
    root : str
        The directory, in which the calls of this process are followed.
    """

    def __init__(self, root: str) -> None:
        self.root = os.path.realpath(root)
        self.top = self._read(self.root)

    def _read(self, path: str) -> Folder:
        folder = Folder()
        for entry in os.scandir(path):
            is_folder = entry.is_dir()
            folder.names[entry.name] = (
                self._read(entry.path) if is_folder else File(Path(entry.path).read_bytes(), True)
            )
        return folder

    def at(self, path: str) -> Any:
        node: Any = self.top
        for name in path[len(self.root) :].strip("/").split("/"):
            node = node.now().get(name) if name else node
        return node

    def follow(self, call: tuple[str, ...], content: bytes) -> None:
        """Do what a call did; `content` is that of the file it is about."""
        verb, path, *more = call
        folder, name = self.at(os.path.dirname(path)), os.path.basename(path)
        if folder is None:
            return  # the call has failed, and is made again
        if verb in ("create", "mkdir"):
            folder.changes.append({name: File() if verb == "create" else Folder()})
        elif verb == "sync":
            node = self.at(path)
            if isinstance(node, Folder):
                node.flush()
            elif node is not None:
                node.content, node.is_safe = content, True
        elif verb == "remove":
            folder.changes.append({name: None})
        else:
            node = self.at(path)
            if isinstance(node, File) and not node.is_safe:
                node.content = content
            target, new_name = self.at(os.path.dirname(more[0])), os.path.basename(more[0])
            if verb == "link":
                target.changes.append({new_name: node})
            elif target is folder:  # one change
                folder.changes.append({name: None, new_name: node})
            else:
                folder.changes.append({name: None})
                target.changes.append({new_name: node})

    def survive(self, path: str, rng: random.Random) -> None:
        """Make in `path` what may be left after a power failure."""
        how = rng.choice(["all", "none", "prefix", "any", "any"])
        self._survive(self.top, path, how, rng)

    def _survive(self, folder: Folder, path: str, how: str, rng: random.Random) -> None:
        os.makedirs(path)
        changes = folder.changes
        if how == "none":
            changes = []
        elif how == "prefix":
            changes = changes[: rng.randint(0, len(changes))]
        elif how == "any":
            changes = [change for change in changes if rng.random() < 0.5]
        for name, node in folder.after(changes).items():
            below = os.path.join(path, name)
            if isinstance(node, Folder):
                self._survive(node, below, how, rng)
                continue
            content = node.content
            if not node.is_safe:
                content = content[: rng.choice([0, len(content) // 2, len(content)])]
            Path(below).write_bytes(content)


class Calls:
    """The calls of this process on files below a directory, with the contents of the files.

    Parameters
    ----------
    root : str
        The directory.
    """

    def __init__(self, root: str) -> None:
        self.root = os.path.realpath(root)
        self.made: list[tuple[tuple[str, ...], bytes]] = []
        self._watching = False
        sys.addaudithook(self._hook)

    def _note(self, verb: str, *paths: str) -> None:
        content = b""
        if verb in ("sync", "link", "rename") and os.path.isfile(paths[0]):
            self._watching = False
            content = Path(paths[0]).read_bytes()
            self._watching = True
        self.made.append(((verb, *paths), content))

    def _hook(self, event: str, args: tuple[Any, ...]) -> None:
        if not self._watching:
            return
        verb = {"open": "create", "os.rmdir": "remove"}.get(event, event.removeprefix("os."))
        if verb == "remove" and isinstance(args[1], int) and args[1] > 0:
            args = (os.path.join(os.readlink(f"/proc/self/fd/{args[1]}"), args[0]),)
        if not args or not str(args[0]).startswith(self.root):
            return
        if verb in ("create", "mkdir") and not os.path.exists(args[0]):
            if verb == "mkdir" or args[2] & os.O_CREAT:
                self._note(verb, args[0])
        elif verb == "remove" and os.path.lexists(args[0]):
            self._note(verb, args[0])
        elif verb == "rename" or (verb == "link" and not os.path.exists(args[1])):
            self._note(verb, args[0], args[1])

    def _sync(self, descriptor: int) -> None:
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        if path.startswith(self.root):
            self._note("sync", path)

    def follow(self, work: Callable[[], None]) -> None:
        """Note the calls of `work`, which does not really flush anything."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(files, "sync", self._sync)
            patch.setattr(journal, "_SYNCS", 1)
            self._watching = True
            work()
            self._watching = False


def power_failures(workload: Workload, folder: str, seed: int = 0) -> Iterator[str]:
    """Cut the power after each call of a transaction, again and again, and look at what is left."""
    store = os.path.join(folder, "store")
    shutil.rmtree(store, ignore_errors=True)
    workload.make(store)
    kept = os.path.join(folder, "kept")
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(store, kept)
    followed = Calls(store)
    followed.follow(lambda: workload.advance(store))
    calls = followed.made
    assert workload.state(store) == NEW
    rng = random.Random(seed)
    left = os.path.join(folder, "left")
    while True:
        disk = Disk(kept)
        disk.root = os.path.realpath(store)
        for number in range(len(calls) + 1):
            shutil.rmtree(left, ignore_errors=True)
            disk.survive(left, rng)
            try:
                yield after_kill(workload, left, is_told=number == len(calls))
            except TornError as error:
                before = calls[number - 1][0] if number else "nothing"
                raise TornError(
                    f"after call {number} of {len(calls)}, {before}: {error}"
                ) from error
            if number < len(calls):
                disk.follow(*calls[number])


# -- the script ------------------------------------------------------------------------


def report(what: str, trials: dict[Any, Iterator[Any]], total: int) -> None:
    """Print the outcomes of so many trials, of each workload in turn."""
    if not total:
        return
    outcomes: Counter[str] = Counter()
    for number, (name, trial) in enumerate(itertools.cycle(trials.items())):
        if number >= total:
            break
        try:
            found = next(trial)
            outcomes[found if isinstance(found, str) else found[0]] += 1
        except TornError as error:
            outcomes["TORN"] += 1
            print(f"{name}: {error}", flush=True)
            if outcomes["TORN"] > 20:
                break
        if number % 1000 == 999:
            print(f"{number + 1} {what}: {dict(outcomes)}", flush=True)
    print(f"{sum(outcomes.values())} {what}: {dict(outcomes)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=10_000)
    parser.add_argument("--cuts", type=int, default=10_000, help="power failures")
    parser.add_argument("--folder", help="where to make the stores")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", "Consolidated metadata is currently")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        places = {w: os.path.join(folder, str(n)) for n, w in enumerate(WORKLOADS)}
        for place in places.values():
            os.makedirs(place)
        report("kills", {w: kills(w, place) for w, place in places.items()}, options.kills)
        safe = {Workload(w.arrays, w.format, fsync=True): p for w, p in places.items()}
        cuts = {w: power_failures(w, place) for w, place in safe.items()}
        report("power failures", cuts, options.cuts)


if __name__ == "__main__":
    main()
