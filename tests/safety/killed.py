"""A process that changes a hierarchy in a database until it is killed.

``killed.py KIND PLACE SEED`` prints a line per change that was finished.
"""

from __future__ import annotations

import random
import sys
from typing import Any

import numpy as np

import zarr
from tests.safety.interrupted_stores import store_of

CHUNK = 5000
ROUNDS = 1000


def change(group: Any, what: int, number: int) -> None:
    """Change the hierarchy in one way or another."""
    a = group["a"]
    if what < 5:
        a[what * CHUNK : (what + 1) * CHUNK] = number
    elif what == 5:
        a[...] = number
    elif what == 6:
        group.attrs.put({"values": [number] * 500})
    elif what == 7:
        b = group.create_dataset("b", shape=2 * CHUNK, chunks=CHUNK, dtype="i4", overwrite=True)
        b[...] = number
    elif "b" in group:
        if "c" in group:
            del group["c"]
        group.move("b", "c")


def main() -> None:
    kind, place, seed = sys.argv[1:]
    rng = random.Random(int(seed))
    store = store_of(kind, place)
    group = zarr.open_group(store, mode="r+")
    print("ready", flush=True)
    for number in range(1, ROUNDS):
        what = rng.randrange(9)
        change(group, what, number)
        if kind.startswith("dbm") or kind == "berkeleydb":
            store.flush()
        print(what, number, flush=True)


def prepare(kind: str, place: str) -> None:
    """Make the hierarchy."""
    with store_of(kind, place) as store:
        group = zarr.open_group(store, mode="w")
        # Noise would not be compressed away, and no compressor is the same.
        a = group.create_dataset("a", shape=5 * CHUNK, chunks=CHUNK, dtype="i4", compressor=None)
        a[...] = 0
        group.attrs.put({"values": [0] * 500})


def check(kind: str, place: str, lines: list[str]) -> None:
    """Look whether everything is whole, and what was finished there."""
    done: dict[int, int] = {}
    for what, number in (map(int, line.split()) for line in lines):
        for chunk in range(5) if what == 5 else [what]:
            done[chunk] = number
    with store_of(kind, place) as store:
        group = zarr.open_group(store, mode="r")
        for chunk in range(5):
            (value,) = np.unique(group["a"][chunk * CHUNK : (chunk + 1) * CHUNK])
            assert value >= done.get(chunk, 0), (chunk, value, done)
        values = group.attrs["values"]
        assert len(values) == 500
        assert len(set(values)) == 1
        assert values[0] >= done.get(6, 0)
        for name in set(group) & {"b", "c"}:
            for chunk in group[name].blocks[0], group[name].blocks[1]:
                assert len(np.unique(chunk)) == 1
        assert set(store) <= {
            ".zgroup", ".zattrs", "a/.zarray", *(f"a/{n}" for n in range(5)),
            *(f"{name}/{key}" for name in "bc" for key in (".zarray", "0", "1")),
        }  # fmt: skip


if __name__ == "__main__":
    main()
