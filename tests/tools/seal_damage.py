"""How much damage goes unnoticed: without anything, with a checksum in each chunk, with a seal.

``python -m tests.tools.seal_damage [COUNT]`` damages stores of each layout COUNT times in all, and
prints how often a full read raised, returned the right values, and returned wrong ones.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import zarr
from zarr.storage import KVStore

__all__ = ["GUARDS", "LAYOUTS", "damage_all"]

DATA = np.random.default_rng(0).integers(0, 1000, (32, 32)).cumsum(axis=1).astype("i4")

LAYOUTS: dict[str, dict[str, Any]] = {
    "2 none": {"compressor": None},
    "2 LZ4": {"compressor": zarr.LZ4()},
    "2 Blosc": {"compressor": zarr.Blosc()},
    "2 zstd": {"compressor": zarr.Zstd(level=3)},
    "3 gzip": {"zarr_version": 3, "compressor": zarr.GZip(3)},
    "3 zstd": {"zarr_version": 3, "compressor": zarr.Zstd(level=3)},
    "3 shards": {"zarr_version": 3, "compressor": zarr.Zstd(level=3), "shards": (16, 16)},
}
GUARDS = ("nothing", "checksum", "seal")
DOCUMENTS = (".zarray", ".zattrs", "zarr.json")


def flip(store: dict[str, bytes], keys: list[str], rng: random.Random) -> None:
    data = bytearray(store[keys[0]])
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    store[keys[0]] = bytes(data)


def swap(store: dict[str, bytes], keys: list[str], rng: random.Random) -> None:
    store[keys[0]], store[keys[1]] = store[keys[1]], store[keys[0]]


def truncate(store: dict[str, bytes], keys: list[str], rng: random.Random) -> None:
    store[keys[0]] = store[keys[0]][: rng.randrange(len(store[keys[0]]))]


def delete(store: dict[str, bytes], keys: list[str], rng: random.Random) -> None:
    del store[keys[0]]


KINDS: tuple[Callable[[dict[str, bytes], list[str], random.Random], None], ...] = (
    flip, swap, truncate, delete,
)  # fmt: skip


def stored(layout: str, guard: str) -> dict[str, bytes]:
    """Return the keys and values of an intact array."""
    store = KVStore({})
    z = zarr.create(
        DATA.shape, chunks=(8, 8), dtype="i4", store=store, checksum=guard == "checksum",
        **LAYOUTS[layout],
    )  # fmt: skip
    z[...] = DATA
    if guard == "seal":
        zarr.seal(store)
    return {key: bytes(store[key]) for key in store}


def outcomes(layout: str, guard: str, count: int, seed: int = 0) -> Iterator[tuple[str, str]]:
    """Yield the kind of each damage, and what came of a read: raised, right or wrong."""
    rng, intact = random.Random(seed), stored(layout, guard)
    chunks = [k for k in sorted(intact) if "__seal" not in k and k not in DOCUMENTS]
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        store = dict(intact)
        kind(store, rng.sample(chunks, 2), rng)
        try:
            values = zarr.open_array(KVStore(store), mode="r")[...]
        except zarr.errors.ChunkDecodeError:
            yield kind.__name__, "raised"
        else:
            yield kind.__name__, "right" if (values == DATA).all() else "wrong"


def damage_all(count: int) -> Iterator[tuple[str, str, Counter[tuple[str, str]]]]:
    """Yield layout, guard and outcomes; `count` is the number of damages for each guard."""
    for layout in LAYOUTS:
        for guard in GUARDS:
            yield layout, guard, Counter(outcomes(layout, guard, -(-count // len(LAYOUTS))))


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    totals: Counter[str] = Counter()
    print(f"{'layout':10} {'guard':10} {'damages':>8} {'raised':>7} {'right':>6} {'wrong':>6}")
    for layout, guard, found in damage_all(count):
        by = Counter(what for (_, what), n in found.items() for _ in range(n))
        print(
            f"{layout:10} {guard:10} {found.total():8} {by['raised']:7} {by['right']:6} "
            f"{by['wrong']:6}"
        )
        totals[guard] += by["wrong"]
    print("silently wrong:", dict(totals))


if __name__ == "__main__":
    main()
