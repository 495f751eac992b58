"""How much damage goes unnoticed: without anything, with a checksum in each chunk, with a seal.

``python -m tests.tools.seal_damage [COUNT] [PEER ...]`` damages stores of each layout COUNT times
in all, and prints how often a full read raised, returned the right values, and returned wrong ones.
Peers (``newest`` is zarr-python 3.4, ``tensorstore``) then read the same damaged stores as files.
"""

from __future__ import annotations

import base64
import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import zarr
from zarr.storage import KVStore

__all__ = ["GUARDS", "LAYOUTS", "damage_all", "outcomes", "outcomes_of"]

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


def damages(
    intact: dict[str, bytes], count: int, seed: int = 0
) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Yield the kind of each damage, and the store that it makes of an intact one."""
    rng = random.Random(seed)
    chunks = [k for k in sorted(intact) if "__seal" not in k and k not in DOCUMENTS]
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        store = dict(intact)
        kind(store, rng.sample(chunks, 2), rng)
        yield kind.__name__, store


def outcomes(layout: str, guard: str, count: int, seed: int = 0) -> Iterator[tuple[str, str]]:
    """Yield the kind of each damage, and what came of a read: raised, right or wrong."""
    for kind, store in damages(stored(layout, guard), count, seed):
        try:
            values = zarr.open_array(KVStore(store), mode="r")[...]
        except zarr.errors.ChunkDecodeError:
            yield kind, "raised"
        else:
            yield kind, "right" if (values == DATA).all() else "wrong"


def outcomes_of(
    peer: str, layout: str, guard: str, count: int, seed: int = 0
) -> list[tuple[str, str]] | str:
    """Return what :func:`outcomes` yields where a peer reads the stores, or why it cannot."""
    from tests.interop import peers  # needed for peers only

    python, variables = peers.python_for(peer)
    intact = stored(layout, guard)
    kinds, lines = [], []
    for kind, store in damages(intact, count, seed):
        changes = {
            key: base64.b64encode(store[key]).decode() if key in store else None
            for key in intact
            if store.get(key) != intact[key]
        }
        kinds.append(kind)
        lines.append(json.dumps(changes))
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/data.npy", DATA)
        place = zarr.DirectoryStore(f"{folder}/z")
        place.update(intact)
        worker = str(Path(__file__).with_name("seal_damage_worker.py"))
        done = subprocess.run(
            [python, worker, peer, layout[0], folder],
            input="\n".join(lines), env=variables, capture_output=True, text=True, check=True,
        )  # fmt: skip
    answers = done.stdout.splitlines()
    if len(answers) == 1 != count:
        return answers[0]
    return list(zip(kinds, answers, strict=True))


def damage_all(count: int) -> Iterator[tuple[str, str, Counter[tuple[str, str]]]]:
    """Yield layout, guard and outcomes; `count` is the number of damages for each guard."""
    for layout in LAYOUTS:
        for guard in GUARDS:
            yield layout, guard, Counter(outcomes(layout, guard, -(-count // len(LAYOUTS))))


def damage_all_for(peer: str, count: int) -> Iterator[tuple[str, str, Counter[Any]]]:
    """Yield the same for a peer, which knows no seals."""
    for layout in LAYOUTS:
        for guard in GUARDS[:2]:
            found = outcomes_of(peer, layout, guard, -(-count // len(LAYOUTS)))
            if isinstance(found, str):
                print(f"{layout:10} {guard:10} cannot be read: {found.partition(' [')[0][-40:]}")
            else:
                yield layout, guard, Counter(found)


def show(found: Iterator[tuple[str, str, Counter[tuple[str, str]]]]) -> None:
    """Print a table of outcomes, the wrong ones also by the kind of damage."""
    totals: dict[str, Counter[str]] = {guard: Counter() for guard in GUARDS}
    print(f"{'layout':10} {'guard':10} {'damages':>8} {'raised':>7} {'right':>6} {'wrong':>6}")
    for layout, guard, counts in found:
        by: Counter[str] = Counter()
        for (kind, what), number in counts.items():
            by[what] += number
            if what == "wrong":
                totals[guard][kind] += number
        print(
            f"{layout:10} {guard:10} {counts.total():8} {by['raised']:7} {by['right']:6} "
            f"{by['wrong']:6}"
        )
    for guard, kinds in totals.items():
        print(f"silently wrong with {guard}: {kinds.total()} {dict(kinds)}", flush=True)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    show(damage_all(count))
    for peer in sys.argv[2:]:
        print(f"\n{peer}")
        show(damage_all_for(peer, count))


if __name__ == "__main__":
    main()
