"""Ask for one node from several threads and processes at once, and count what goes wrong.

    python -m tests.safety.races                 # every store, and a table
    python -m tests.safety.races --rounds 10 --places directory

The places whose servers do not run are left out.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import tempfile
import threading
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import zarr
from tests.safety.places import PLACES, Place, at_hand

WORKERS = 4
VERSIONS = (2, 3)


def root(store: Any, path: str, version: int, mode: str = "a") -> Any:
    return zarr.open_group(store, mode=mode, path=path, **format_of(store, version))


def format_of(store: Any, version: int) -> dict[str, Any]:
    return {} if "N5" in type(store).__name__ else {"zarr_format": version}


def require_dataset(store: Any, path: str, version: int) -> Any:
    group = root(store, path, version).require_group("x/y")
    return group.require_dataset("z", shape=8, chunks=4, dtype="i4")


def require_group(store: Any, path: str, version: int) -> Any:
    return root(store, path, version).require_group("x/y/z")


def require_groups(store: Any, path: str, version: int) -> Any:
    return root(store, path, version).require_groups("x/y", "x/y/z")[1]


def make_group(store: Any, path: str, version: int) -> Any:
    return zarr.group(store, path=f"{path}/x/y/z", **format_of(store, version))


def open_array(store: Any, path: str, version: int) -> Any:
    return zarr.open_array(
        store,
        mode="a",
        path=f"{path}/x/y/z",
        shape=8,
        chunks=4,
        dtype="i4",
        **format_of(store, version),
    )


def replace_array(store: Any, path: str, version: int) -> Any:
    return zarr.open_array(
        store,
        mode="w",
        path=f"{path}/x/y/z",
        shape=8,
        chunks=4,
        dtype="i4",
        **format_of(store, version),
    )


def replace_group(store: Any, path: str, version: int) -> Any:
    return root(store, f"{path}/x/y/z", version, mode="w")


def create_exclusively(store: Any, path: str, version: int) -> Any:
    """Create an array unless it exists, as `mode='w-'` says; others may be faster."""
    try:
        return zarr.open_array(
            store,
            mode="w-",
            path=f"{path}/x/y/z",
            shape=8,
            chunks=4,
            dtype="i4",
            **format_of(store, version),
        )
    except zarr.errors.ContainsArrayError:
        return zarr.open_array(store, mode="r+", path=f"{path}/x/y/z")


WAYS: dict[str, Callable[[Any, str, int], Any]] = {
    way.__name__: way
    for way in (
        require_dataset,
        require_group,
        require_groups,
        make_group,
        open_array,
        replace_array,
        replace_group,
        create_exclusively,
    )
}


def check_node(store: Any, path: str, version: int, way: str) -> None:
    """Check that one whole node is there, with all the groups above it."""
    group = zarr.open_group(store, mode="r", path=path)
    assert list(group) == ["x"]
    assert list(group["x"]) == ["y"]
    assert list(group["x/y"]) == ["z"]
    node = group["x/y/z"]
    if isinstance(node, zarr.Group):
        assert "group" in way
        assert list(node) == []
        return
    assert "group" not in way
    assert node.shape == (8,)
    assert not node[:].any()
    node = zarr.open_array(store, mode="r+", path=f"{path}/x/y/z")
    node[:] = np.arange(8)
    assert node[:].tolist() == list(range(8))


def ask(store: Any, path: str, version: int, way: str) -> str:
    """Ask for a node; return '' or what went wrong."""
    try:
        node = WAYS[way](store, path, version)
    except Exception as error:  # noqa: BLE001  none may come through
        return f"{type(error).__name__}: {error}"
    return "" if node.read_only is False else "read only"


def wrong_in_threads(
    place: Place, folder: Path, version: int, way: str, rounds: int, own: bool = False
) -> Counter[str]:
    """Ask from threads; return what went wrong, and how often."""
    first = place.open(str(folder))
    stores = [place.open(str(folder)) if own else first for _ in range(WORKERS)]
    answers: Counter[str] = Counter()
    start = threading.Barrier(WORKERS)

    def work(number: int) -> None:
        for n in range(rounds):
            start.wait()
            answers[ask(stores[number], f"g{n}", version, way)] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong(answers, first, version, way, rounds)


def wrong(answers: Counter[str], store: Any, version: int, way: str, rounds: int) -> Counter[str]:
    """Return what went wrong, in the calls and with the nodes at the end."""
    found = Counter({text: number for text, number in answers.items() if text})
    for n in range(rounds):
        try:
            check_node(store, f"g{n}", version, way)
        except Exception as error:  # noqa: BLE001  any is a finding
            found[f"at the end: {type(error).__name__}: {error}"] += 1
    return found


_ASK = """
import sys
from tests.safety.places import PLACES
from tests.safety.races import ask
name, folder, version, way, rounds = sys.argv[1:]
store = PLACES[name].open(folder)
print('ready', flush=True)
for n in range(int(rounds)):
    sys.stdin.readline()
    print(ask(store, f'g{n}', int(version), way), flush=True)
"""


def wrong_in_processes(
    place: Place, folder: Path, version: int, way: str, rounds: int
) -> Counter[str]:
    """Ask from processes; return what went wrong, and how often."""
    command = [sys.executable, "-c", _ASK, place.name, str(folder), str(version), way, str(rounds)]
    workers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(WORKERS)
    ]
    answers: Counter[str] = Counter()
    try:
        assert [worker.stdout.readline() for worker in workers] == ["ready\n"] * WORKERS
        for _ in range(rounds):
            for worker in workers:
                worker.stdin.write("\n")
                worker.stdin.flush()
            answers.update(worker.stdout.readline().strip() for worker in workers)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
            worker.stdin.close()
            worker.stdout.close()
    return wrong(answers, place.open(str(folder)), version, way, rounds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--places", nargs="+", default=at_hand(), choices=list(PLACES))
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--rounds", type=int, default=100)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", "Duplicate name")
    sys.setswitchinterval(1e-5)
    print(f"{'place':14} {'version':8} {'way':20} {'threads':>8} {'own':>8} {'processes':>10}")
    told: list[str] = []
    for name, version, way in itertools.product(arguments.places, VERSIONS, arguments.ways):
        place = PLACES[name]
        if version == 3 and "3" not in place.formats:
            continue
        cells = []
        for kind in ("threads", "own", "processes"):
            if kind != "threads" and not place.shared:
                cells.append("-")
                continue
            with tempfile.TemporaryDirectory() as folder:
                at = Path(folder)
                if kind == "processes":
                    found = wrong_in_processes(place, at, version, way, arguments.rounds)
                else:
                    own = kind == "own"
                    found = wrong_in_threads(place, at, version, way, arguments.rounds, own)
            cells.append(str(found.total()))
            told += [f"{name}, {version}, {way}, {kind}: {n} x {text}" for text, n in found.items()]
        row = f"{name:14} {version:<8} {way:20} {cells[0]:>8} {cells[1]:>8} {cells[2]:>10}"
        print(row, flush=True)
    print(*told, sep="\n")
    return int(bool(told))


if __name__ == "__main__":
    sys.exit(main())
