"""Kill processes at random moments of every operation, and check what another one then finds.

    python -m tests.safety.kills                     # every lasting store, and a table
    python -m tests.safety.kills --kills 100 --places zip lmdb --operations append delete

Each kill hits a process of its own, which has just begun an operation on a group of its own. The
places whose servers do not run are left out.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

import zarr
from tests.safety.places import PLACES, Array, Place, at_hand, regions

OLD, NEW = 1, 2  # what is in arrays before and after; never the fill value
SHAPE = (100, 160)
FORMATS: dict[str, dict[str, Any]] = {
    "2": {"zarr_format": 2, "chunks": (50, 80), "compressor": None},
    "3": {"zarr_format": 3, "chunks": (50, 80), "compressors": None},
    "shards": {"zarr_format": 3, "chunks": (25, 80), "shards": (50, 160), "compressors": None},
    "listed": {"zarr_format": 3, "chunks": ([25, 50, 25], 160), "compressors": None},
    "N5": {"chunks": (50, 80), "compressor": None},
}
# Of many chunks, so that deleting and copying them takes a while.
FINE: dict[str, dict[str, Any]] = {
    "2": FORMATS["2"] | {"chunks": (10, 16)},
    "3": FORMATS["3"] | {"chunks": (10, 16)},
    "shards": FORMATS["shards"] | {"chunks": (5, 16), "shards": (10, 32)},
    "listed": FORMATS["listed"] | {"chunks": ([5, 15] * 5, 16)},
    "N5": FORMATS["N5"] | {"chunks": (10, 16)},
}
HANG_SECONDS = 30
_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Scene(NamedTuple):
    """The group that one process works on, as somebody opens it."""

    place: Place
    folder: str
    path: str
    format: str
    store: Any = None

    def group(self, path: str = "") -> Any:
        options = (
            {} if self.format == "N5" else {"zarr_format": FORMATS[self.format]["zarr_format"]}
        )
        whole = f"{self.path}/{path}".strip("/")
        return zarr.open_group(self.store, mode="a", path=whole, **options)

    def create(
        self, name: str, value: int | None, fine: bool = True, shape: Any = SHAPE, **more: Any
    ) -> Any:
        options = {**(FINE if fine else FORMATS)[self.format], **more}
        options |= {"fill_value": self.place.fill_value, "dtype": "i8"}
        options.pop("zarr_format", None)
        z = self.group().create_dataset(name, shape=shape, **options)
        if value is not None:
            z[...] = value
        return z

    def fill_everywhere(self, z: Any) -> None:
        assert (z[...] == self.place.fill_value).all(), f"leftover: {values_of(z)}"

    def whole(self, z: Any, value: int = OLD, shape: Any = SHAPE) -> None:
        """Raise unless the array is as it was before."""
        assert z.shape == shape, f"shape: {z.shape}"
        found = values_of(z)
        assert found == [value], f"not whole: {found} in place of {value}"


def values_of(z: Any) -> list[int]:
    return np.unique(z[...]).tolist()


def each_chunk(z: Any, *allowed: int) -> None:
    """Raise unless each chunk holds one of some values alone."""
    content = z[...]
    for region in regions(z.shape, z.chunks):
        found = np.unique(content[region]).tolist()
        assert len(found) == 1, f"torn: {found} in {region}"
        assert found[0] in allowed, f"not whole: {found} in {region}, allowed are {allowed}"


class Operation:
    """What a process is killed at: before it, the operation, and what must hold afterwards."""

    formats: tuple[str, ...] = tuple(FORMATS)
    alone = False  # in a store of its own
    fine = False  # with many chunks

    def before(self, s: Scene) -> None:
        s.create("a", OLD, self.fine).attrs.put({"v": [OLD] * 500})

    def act(self, s: Scene) -> None:
        raise NotImplementedError

    def after(self, s: Scene) -> None:
        raise NotImplementedError

    def anew(self, s: Scene, name: str) -> None:
        """Create an array where one was, and check that nothing of that one shows."""
        s.fill_everywhere(s.create(name, None, overwrite=True))


class Write(Operation):
    def act(self, s: Scene) -> None:
        s.group()["a"][...] = NEW

    def after(self, s: Scene) -> None:
        z = s.group()["a"]
        assert z.shape == SHAPE
        each_chunk(z, OLD, NEW)
        z[...] = NEW
        s.whole(z, NEW)


class Append(Operation):
    def act(self, s: Scene) -> None:
        s.group()["a"].append(np.full((70, SHAPE[1]), NEW))

    def after(self, s: Scene) -> None:
        z = s.group()["a"]
        rows = z.shape[0]
        assert rows in (SHAPE[0], SHAPE[0] + 70), f"shape: {z.shape}"
        content: Array = z[...]
        assert (content[: SHAPE[0]] == OLD).all(), f"not whole: {values_of(z)}"
        tail = np.unique(content[SHAPE[0] :]).tolist()
        assert (content[SHAPE[0] :] == NEW).all(), f"not whole: rows of {tail} were appended"
        z.resize(rows + 110, SHAPE[1])
        found = np.unique(z[rows:]).tolist()
        assert found == [s.place.fill_value], f"leftover: {found}"


class Resize(Operation):
    shape = (30, 70)

    def act(self, s: Scene) -> None:
        z = s.group()["a"]
        z.resize(*(self.shape if s.format != "listed" else (30, SHAPE[1])))

    def after(self, s: Scene) -> None:
        z = s.group()["a"]
        shape = z.shape
        s.whole(z, OLD, shape)
        assert shape in (SHAPE, self.shape, (30, SHAPE[1])), f"shape: {shape}"
        z.resize(SHAPE[0] + 20, SHAPE[1])
        content = z[...]
        cut = tuple(slice(n) for n in shape)
        assert (content[cut] == OLD).all(), f"not whole: {values_of(z)}"
        content[cut] = s.place.fill_value
        found = np.unique(content).tolist()
        assert found == [s.place.fill_value], f"leftover: {found}"


class Attributes(Operation):
    def act(self, s: Scene) -> None:
        s.group()["a"].attrs.put({"v": [NEW] * 500})
        s.group().attrs["v"] = [NEW] * 500

    def after(self, s: Scene) -> None:
        z = s.group()["a"]
        assert dict(z.attrs) in ({"v": [OLD] * 500}, {"v": [NEW] * 500}), "attributes: neither"
        assert dict(s.group().attrs) in ({}, {"v": [NEW] * 500}), "attributes: neither"
        s.whole(z)


class Delete(Operation):
    fine = True

    def act(self, s: Scene) -> None:
        del s.group()["a"]

    def after(self, s: Scene) -> None:
        absent_or_whole(s, "a")
        self.anew(s, "a")


class DeleteGroup(Operation):
    fine = True

    def before(self, s: Scene) -> None:
        s.group("h/i")
        for name in ("h/a", "h/i/b"):
            s.create(name, OLD)

    def act(self, s: Scene) -> None:
        del s.group()["h"]

    def after(self, s: Scene) -> None:
        g = s.group()
        if "h" in g:
            # Deleting a group is deleting one array after the other, each of which is whole.
            for name in ("h/a", "h/i/b"):
                absent_or_whole(s, name)
        self.anew(s, "h/a")


class Overwrite(Operation):
    fine = True
    shape = (60, 160)

    def act(self, s: Scene) -> None:
        more = {"chunks": (30, 80)} if s.format == "listed" else {}
        s.create("a", NEW, shape=self.shape, overwrite=True, **more)

    def after(self, s: Scene) -> None:
        g = s.group()
        if "a" in g and g["a"].shape == self.shape:
            each_chunk(g["a"], s.place.fill_value, NEW)
            assert dict(g["a"].attrs) == {}, "leftover: attributes"
        else:
            absent_or_whole(s, "a")
        self.anew(s, "a")


class OverwriteGroup(DeleteGroup):
    def act(self, s: Scene) -> None:
        s.group().create_group("h", overwrite=True)


class Move(Operation):
    fine = True

    def act(self, s: Scene) -> None:
        s.group().move("a", "m")

    def after(self, s: Scene) -> None:
        here = [absent_or_whole(s, name) for name in ("a", "m")]
        assert any(here), "lost: neither the source nor the target is there"


class MoveGroup(DeleteGroup):
    def act(self, s: Scene) -> None:
        s.group().move("h", "m")

    def after(self, s: Scene) -> None:
        for name in ("a", "i/b"):
            here = [absent_or_whole(s, f"{group}/{name}") for group in ("h", "m")]
            assert any(here), f"lost: neither h/{name} nor m/{name} is there"


class Copy(Operation):
    fine = True

    def act(self, s: Scene) -> None:
        g = s.group()
        zarr.copy(g["a"], g, name="c")

    def after(self, s: Scene) -> None:
        assert absent_or_whole(s, "a"), "lost: the source"
        absent_or_whole(s, "c")
        self.anew(s, "c")


class Consolidate(Operation):
    alone = True

    def act(self, s: Scene) -> None:
        version = {} if s.format == "N5" else {"zarr_format": FORMATS[s.format]["zarr_format"]}
        zarr.consolidate_metadata(s.store, path=s.path, **version)

    def after(self, s: Scene) -> None:
        assert absent_or_whole(s, "a"), "lost: the array"
        self.act(s)
        g = zarr.open_consolidated(s.store, path=s.path, mode="r")
        s.whole(g["a"])


class Convert(Operation):
    fine = True

    formats = ("2", "3")
    alone = True

    def target(self, s: Scene) -> int:
        return 5 - int(s.format)

    def act(self, s: Scene) -> None:
        zarr.convert(s.store, self.target(s), path=s.path, rewrite_chunks=True)

    def after(self, s: Scene) -> None:
        g = zarr.open_group(s.store, mode="r", path=s.path)
        if "a" in g:
            s.whole(g["a"])
        self.act(s)
        z = zarr.open_array(s.store, mode="r", path=f"{s.path}/a".strip("/"))
        s.whole(z)
        assert dict(z.attrs) == {"v": [OLD] * 500}, "attributes: lost"


class Compact(Operation):
    """Rewrites an archive; of other stores, flushes what they hold back."""

    def act(self, s: Scene) -> None:
        s.group()["a"][...] = OLD
        for name in ("flush", "compact"):
            getattr(s.store, name, lambda: None)()

    def after(self, s: Scene) -> None:
        assert absent_or_whole(s, "a"), "lost: the array"


OPERATIONS: dict[str, Operation] = {
    "write": Write(),
    "append": Append(),
    "resize": Resize(),
    "attributes": Attributes(),
    "delete": Delete(),
    "delete group": DeleteGroup(),
    "overwrite": Overwrite(),
    "overwrite group": OverwriteGroup(),
    "move": Move(),
    "move group": MoveGroup(),
    "copy": Copy(),
    "consolidate": Consolidate(),
    "convert": Convert(),
    "compact": Compact(),
}
# A database of these that was not flushed is refused after a kill: test_killed_databases.py.
REFUSING = ("dbm btree", "dbm ndbm")
LASTING = [
    name
    for name, place in PLACES.items()
    if place.lasting and place.chunk_store is None and name not in REFUSING
]


def absent_or_whole(s: Scene, name: str) -> bool:
    """Return whether an array is there, and raise unless it is as it was."""
    g = s.group()
    try:
        z = zarr.open_array(s.store, mode="r", path=f"{s.path}/{name}".strip("/"))
    except zarr.errors.ArrayNotFoundError:
        assert name not in g, f"half there: {name!r} is in the group, but there is no array"
        assert name not in list(g), f"half there: {name!r} is listed"
        return False
    assert name in g, f"half there: {name!r} opens, but it is not in the group"
    s.whole(z)
    return True


# -- the processes that are killed ---------------------------------------------------------


def run_server(place: Place) -> None:
    """Fork a process for each line of standard input, and kill it as that says."""
    _expect_warnings()
    for line in sys.stdin:
        order = json.loads(line)
        told, tell = os.pipe()
        child = os.fork()
        if child == 0:
            _work(place, order, tell)
        print(json.dumps(_kill(child, told, order["delay"])), flush=True)
        os.close(told)
        os.close(tell)


def _work(place: Place, order: dict[str, Any], tell: int) -> None:
    try:
        store = place.open(order["folder"])
        operation = OPERATIONS[order["operation"]]
        scene = Scene(place, order["folder"], order["path"], order["format"], store)
        scene.group()  # connects, and loads what is loaded once
        os.write(tell, b"b")
        start = time.perf_counter()
        operation.act(scene)
        os.write(tell, f"{time.perf_counter() - start:.9f}\n".encode())
        if order["delay"] is None:
            getattr(store, "close", lambda: None)()
            os._exit(0)
        signal.pause()
    except BaseException:  # noqa: BLE001  told to the parent, which fails
        os.write(tell, b"x" + traceback.format_exc().encode()[-3000:])
    os._exit(3)


def _kill(child: int, told: int, delay: float | None) -> dict[str, Any]:
    """Kill `child` some seconds after it has begun; or when it has ended, without a delay."""
    said = _read_until(told, lambda said: said[:1] in (b"b", b"x"))
    if delay is None:
        said = _read_until(told, lambda said: said.endswith(b"\n"), said)
    else:
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
        os.set_blocking(told, False)
        said = _read_until(told, lambda _: True, said)
    if delay is None and not said.endswith(b"\n"):
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    begun, _, error = said.partition(b"x")
    if error or not begun:
        return {"error": error.decode() or "hang: the operation did not begin"}
    if delay is not None:
        return {"finished": len(begun) > 1}
    return {"seconds": float(begun[1:])} if begun[1:] else {"error": "hang: it did not end"}


def _read_until(told: int, enough: Callable[[bytes], bool], said: bytes = b"") -> bytes:
    while not enough(said) or not said:
        ready, _, _ = select.select([told], [], [], HANG_SECONDS)
        if not ready:
            break
        said += os.read(told, 4096)
    with contextlib.suppress(BlockingIOError):
        if not os.get_blocking(told):
            said += os.read(told, 4096)
    return said


class Killer:
    """Starts and kills processes on one place, and checks what they leave."""

    def __init__(self, place: str, folder: str, seed: int) -> None:
        self.place, self.folder = PLACES[place], folder
        self.rng = random.Random(f"{seed} {place}")
        self.counts: Counter[str] = Counter()
        self.messages: dict[str, str] = {}
        self.seconds: dict[tuple[str, str], float] = {}
        self.number = 0
        command = [sys.executable, "-m", "tests.safety.kills", "--server", place]
        self.server = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT
        )
        for format in self.place.formats:
            self.with_store(lambda s: s.create("keep", 5, fine=False), self.scene("keep", format))

    def scene(self, path: str, format: str, folder: str = "") -> Scene:
        scene = Scene(self.place, os.path.join(self.folder, folder or format), path, format)
        os.makedirs(scene.folder, exist_ok=True)
        return scene

    def with_store(self, do: Callable[[Scene], Any], scene: Scene) -> None:
        """Open the store, do something on it, and close it."""
        store = self.place.open(scene.folder)
        try:
            do(scene._replace(store=store))
        finally:
            getattr(store, "close", lambda: None)()

    def order(self, operation: str, scene: Scene, delay: float | None) -> dict[str, Any]:
        order = {
            "operation": operation,
            "folder": scene.folder,
            "path": scene.path,
            "format": scene.format,
            "delay": delay,
        }
        assert self.server.stdin is not None and self.server.stdout is not None
        self.server.stdin.write(json.dumps(order) + "\n")
        self.server.stdin.flush()
        return dict(json.loads(self.server.stdout.readline()))

    def new_scene(self, operation: str, format: str) -> Scene:
        self.number += 1
        alone = OPERATIONS[operation].alone
        path, folder = ("", str(self.number)) if alone else (f"g{self.number}", "")
        scene = self.scene(path, format, folder)
        self.with_store(OPERATIONS[operation].before, scene)
        return scene

    def kill(self, operation: str, format: str) -> None:
        """Kill one process, and check what it leaves."""
        try:
            if (operation, format) not in self.seconds:
                scene = self.new_scene(operation, format)
                answer = self.order(operation, scene, None)
                if "error" in answer:
                    self.violated(operation, "failed", answer["error"])
                    return
                self.seconds[operation, format] = answer["seconds"]
            scene = self.new_scene(operation, format)
        except Exception as error:  # noqa: BLE001  any is a finding
            self.violated(operation, "afterwards", f"{type(error).__name__}: {error}")
            return
        delay = self.rng.uniform(0, 1.1 * self.seconds[operation, format])
        answer = self.order(operation, scene, delay)
        if "error" in answer:
            self.violated(operation, "failed", answer["error"])
            return
        self.counts["kills"] += 1
        self.counts["finished"] += answer["finished"]
        self.check(operation, scene)

    def check(self, operation: str, scene: Scene) -> None:
        try:
            self.with_store(OPERATIONS[operation].after, scene)
            keep = self.scene("keep", scene.format)
            self.with_store(lambda s: s.whole(s.group()["keep"], 5), keep)
        except AssertionError as error:
            what, _, message = str(error).partition(":")
            self.violated(operation, what, f"{message} (version {scene.format})")
        except Exception as error:  # noqa: BLE001  any is a finding
            text = f"{type(error).__name__}: {error} (version {scene.format})"
            self.violated(operation, "unreadable", text)

    def violated(self, operation: str, what: str, message: str) -> None:
        self.counts[what] += 1
        self.counts[operation] += 1
        self.messages.setdefault(f"{operation}: {what}", message)

    def close(self) -> None:
        self.server.kill()
        self.server.wait()
        assert self.server.stdin is not None and self.server.stdout is not None
        self.server.stdin.close()
        self.server.stdout.close()


def _expect_warnings() -> None:
    warnings.filterwarnings("ignore", "Duplicate name")
    warnings.filterwarnings("ignore", "the ZIP archive .* does not end with its directory")


def kill_often(
    place: str, kills: int, seed: int = 0, operations: Sequence[str] = tuple(OPERATIONS)
) -> tuple[Counter[str], dict[str, str]]:
    """Kill processes on a place; return counts and a message for each kind of finding."""
    todo = [
        (operation, format)
        for operation in operations
        for format in PLACES[place].formats
        if format in OPERATIONS[operation].formats
    ]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        _expect_warnings()
        killer = Killer(place, folder, seed)
        try:
            for number in range(kills):
                killer.kill(*todo[number % len(todo)])
        finally:
            killer.close()
    return killer.counts, killer.messages


COLUMNS = (
    "kills", "finished", "torn", "not whole", "half there", "lost", "leftover", "shape",
    "attributes", "unreadable", "afterwards", "failed",
)  # fmt: skip


def main() -> int:
    if sys.argv[1:2] == ["--server"]:
        run_server(PLACES[sys.argv[2]])
        return 0
    parser = argparse.ArgumentParser(description=__doc__)
    here = [name for name in LASTING if name in at_hand()]
    parser.add_argument("--places", nargs="+", default=here, choices=LASTING)
    parser.add_argument("--operations", nargs="+", default=list(OPERATIONS), choices=OPERATIONS)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    print(f"{'place':14}", *COLUMNS, flush=True)
    told = []
    for place in arguments.places:
        counts, messages = kill_often(place, arguments.kills, arguments.seed, arguments.operations)
        print(f"{place:14}", *[f"{counts[name]:>{len(name)}}" for name in COLUMNS], flush=True)
        told += [f"{place}, {what}: {message}" for what, message in messages.items()]
    print(*told, sep="\n")
    return int(bool(told))


if __name__ == "__main__":
    sys.exit(main())
