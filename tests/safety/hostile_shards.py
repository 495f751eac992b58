"""Shards that somebody malicious, or a failing disk, might leave us.

As a script it reads and writes in every one of them under a limit of memory, and prints what
happened as lines of JSON.
"""

from __future__ import annotations

import gzip
import json
import resource
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numcodecs
import numpy as np

import zarr
from tests.checksums import crc32c
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, GzipCodec, ShardingCodec, ZstdCodec

MEMORY = 192 << 20
"""Bytes of address space that the reader gets on top of what it has after importing."""

ABSENT = 2**64 - 1
COUNTS = (2, 3)
KEY = "c/0/0"

INNER: dict[str, tuple[list[Any], bool]] = {
    "raw": ([], False),
    "crc32c": ([Crc32cCodec()], True),
    "zstd": ([ZstdCodec(3, True)], True),
    "zstd-crc32c": ([ZstdCodec(3, False), Crc32cCodec()], True),
    "gzip": ([GzipCodec(1)], True),
    "blosc": ([BloscCodec(cname="lz4", clevel=5, shuffle="shuffle", typesize=4)], False),
}
"""Codecs behind the first one, and whether a checksum covers what they make."""


@dataclass(frozen=True)
class Layout:
    """An array of one shard of 2 x 3 chunks."""

    inner: str
    location: str
    checked: bool  # whether the index has a checksum
    length: int = 4  # of a chunk along each dimension

    @property
    def name(self) -> str:
        size = "" if self.length == 4 else " large"
        return f"{self.inner}{size} {self.location} {'crc32c' if self.checked else 'plain'}"

    @property
    def covered(self) -> bool:
        return INNER[self.inner][1]

    @property
    def items(self) -> np.ndarray[Any, Any]:
        shape = tuple(n * self.length for n in COUNTS)
        return np.arange(100, 100 + np.prod(shape), dtype="<i4").reshape(shape)

    def store(self) -> dict[str, bytes]:
        """Return the store of the array, with nothing wrong."""
        sharding = ShardingCodec(
            (self.length,) * 2,
            [BytesCodec("little"), *INNER[self.inner][0]],
            [BytesCodec("little"), *([Crc32cCodec()] if self.checked else [])],
            self.location,
        )
        shape = self.items.shape
        store: dict[str, bytes] = {}
        z = zarr.create_array(
            store, shape=shape, chunks=shape, dtype="i4", serializer=sharding, compressors=None,
            filters=None,
        )  # fmt: skip
        z[...] = self.items
        return store

    @property
    def index_nbytes(self) -> int:
        return 16 * 6 + 4 * self.checked

    def entries(self, shard: bytes) -> np.ndarray[Any, Any]:
        index = (
            shard[: self.index_nbytes] if self.location == "start" else shard[-self.index_nbytes :]
        )
        return np.frombuffer(index[:96], "<u8").reshape(6, 2).copy()

    def data(self, shard: bytes) -> bytes:
        return (
            shard[self.index_nbytes :] if self.location == "start" else shard[: -self.index_nbytes]
        )

    def join(self, entries: np.ndarray[Any, Any], data: bytes) -> bytes:
        """Return a shard of these parts, with the right checksum."""
        index = entries.astype("<u8").tobytes()
        if self.checked:
            index += crc32c(index).to_bytes(4, "little")
        return index + data if self.location == "start" else data + index

    def build(self, chunks: list[bytes]) -> bytes:
        """Return a shard of encoded chunks."""
        begin = self.index_nbytes if self.location == "start" else 0
        ends = np.cumsum([begin, *map(len, chunks)])
        return self.join(np.stack([ends[:-1], np.diff(ends)], axis=1), b"".join(chunks))

    def chunks(self, shard: bytes) -> list[bytes]:
        return [shard[at : at + n] for at, n in self.entries(shard).astype(int).tolist()]


@dataclass(frozen=True)
class Case:
    """A damaged shard.

    `slot` is the inner chunk that the damage is about. What must be said of a read of it
    (`one`), of the whole (`all`) and of a write to another chunk (`write`): "refused";
    "safe" if the right values will do as well; "either" if nothing covers the damage.
    """

    name: str
    layout: Layout
    shard: bytes
    slot: int
    one: str = "refused"
    all: str = "refused"
    write: str = "refused"


LAYOUTS = [
    Layout("raw", "end", True), Layout("crc32c", "start", True), Layout("zstd", "end", False),
    Layout("zstd-crc32c", "end", True), Layout("gzip", "start", False),
    Layout("blosc", "end", True), Layout("blosc", "start", True, 160),
    Layout("crc32c", "end", True, 160), Layout("raw", "start", False),
]  # fmt: skip


def edits(at: int, n: int, size: int) -> dict[str, tuple[int, int]]:
    """Return other entries for a chunk of `n` bytes at `at` in a shard of `size` bytes."""
    return {
        "offset at the end": (size, n),
        "offset before the end": (size - 1, n),
        "offset 2**40": (2**40, n),
        "offset 2**62": (2**62, n),
        "offset 2**63": (2**63, n),
        "offset 2**64-2": (2**64 - 2, n),
        "sum passes 2**64": (2**64 - 8, 16),
        "offset absent": (ABSENT, n),
        "length absent": (at, ABSENT),
        "length 2**64-2": (at, 2**64 - 2),
        "length 2**63": (at, 2**63),
        "length 2**40": (at, 2**40),
        "length 2**31": (at, 2**31),
        "length of the shard": (at, size),
        "length 0": (at, 0),
        "length halved": (at, n // 2),
        "length less one": (at, n - 1),
        "length and one": (at, n + 1),
        "offset and one": (at + 1, n),
    }


# These leave a range of bytes within the shard that no other chunk claims, or claim one byte
# of the index, which a reader of some ranges does not see.
MOVED = ("length and one", "offset and one")
SHORTENED = ("length 0", "length halved", "length less one")


def damaged_indexes(layout: Layout, shard: bytes) -> Iterator[Case]:
    entries, data = layout.entries(shard), layout.data(shard)
    for slot in (0, 2, 5):
        for what, entry in edits(*entries[slot].tolist(), len(shard)).items():
            changed = entries.copy()
            changed[slot] = entry
            one, write = "refused", "refused"
            if what in SHORTENED:
                write = "either"  # that shows when it is decoded
            if what in MOVED and slot == 5 and layout.location == "end":
                one = "safe" if layout.covered else "either"
            moved = layout.join(changed, data)
            yield Case(f"{what} {slot}", layout, moved, slot, one, write=write)
    for one, other in ((0, 1), (4, 5), (5, 0)):
        changed = entries.copy()
        changed[one] = changed[other]
        # As from writers that store equal chunks once: only a checksum would tell.
        moved = layout.join(changed, data)
        yield Case(f"{one} is where {other} is", layout, moved, one, "either", "either", "either")
    begin = layout.index_nbytes if layout.location == "start" else 0
    changed = entries.copy()
    changed[3] = 0 if begin else len(shard) - 20, 20
    one = "safe" if layout.covered else "refused"
    yield Case("in the index", layout, layout.join(changed, data), 3, one)


def damaged_bytes(layout: Layout, shard: bytes, rng: np.random.Generator) -> Iterator[Case]:
    size, index = len(shard), layout.index_nbytes
    start = 0 if layout.location == "start" else size - index
    sure = "refused" if layout.checked else "either"
    for at in (*rng.choice(96, 8, replace=False).tolist(), *range(96, index)):
        flipped = bytearray(shard)
        flipped[start + at] ^= 1 << int(rng.integers(8))
        yield Case(f"flipped in the index {at}", layout, bytes(flipped), 2, sure, sure, sure)
    for slot in (0, 3, 5):
        begin, length = layout.entries(shard)[slot].astype(int).tolist()
        for at in rng.choice(length, 4, replace=False).tolist():
            flipped = bytearray(shard)
            flipped[begin + at] ^= 1 << int(rng.integers(8))
            covered = "refused" if layout.covered else "either"
            if layout.inner == "gzip":
                covered = "safe"  # a gzip header has bytes that mean nothing
            name = f"flipped in chunk {slot} {at}"
            yield Case(name, layout, bytes(flipped), slot, covered, covered, "either")
    for keep in sorted({0, 1, 15, index - 1, index, index + 1, size // 2, size - 17, size - 1}):
        short = shard[:keep]
        if layout.location == "start":
            sure = "refused"
        yield Case(f"cut to {keep} of {size}", layout, short, 5, sure, sure, sure)
    sure = "refused" if layout.checked or layout.location == "start" else "either"
    if layout.location == "end":
        extra = bytes(rng.integers(0, 256, 16, "u1"))
        yield Case("longer", layout, shard + extra, 1, sure, sure, sure)
        yield Case("longer by an entry", layout, shard + b"\xff" * 16, 1, sure, sure, sure)
    elif layout.checked:
        yield Case("longer by an entry", layout, b"\xff" * 16 + shard, 1)
    yield Case("zeros", layout, bytes(size), 4)


def damaged_chunks(layout: Layout, shard: bytes, rng: np.random.Generator) -> Iterator[Case]:
    """Yield shards in which one chunk is something else, and the index knows it."""
    chunks = layout.chunks(shard)
    good = chunks[4]
    others: dict[str, tuple[bytes, str]] = {
        "nothing": (b"", "refused"),
        "cut in half": (good[: len(good) // 2], "refused"),
        "cut by one": (good[:-1], "refused"),
        "noise": (rng.bytes(len(good)), "refused" if layout.inner != "raw" else "either"),
        "doubled": (good * 2, "safe" if layout.inner in ("gzip", "zstd", "blosc") else "refused"),
        "very long": (good + bytes(8 << 20), "refused"),
    }
    bomb = bytes(1 << 20)
    if layout.inner == "zstd":
        frame = bytearray(numcodecs.Zstd(1).encode(bytes(70_000)))
        at = 5 if frame[4] & 0x20 else 6
        frame[at : at + 4] = (MEMORY * 2).to_bytes(4, "little")
        others["bomb"] = bytes(frame), "refused"
    if layout.inner == "gzip":
        others["bomb"] = gzip.compress(bomb) * (MEMORY * 4 // 3 >> 20), "refused"
    if layout.inner == "blosc":
        for field, place in (("nbytes", 4), ("cbytes", 12)):
            for value in (0, 1, 2**31 - 1, 2**32 - 1):
                header = bytearray(good)
                header[place : place + 4] = value.to_bytes(4, "little")
                others[f"{field} {value}"] = bytes(header), "refused"
    for what, (chunk, verdict) in others.items():
        changed = [*chunks[:4], chunk, *chunks[5:]]
        write = "either" if len(chunk) < 1 << 20 else "refused"
        name = f"chunk 4 is {what}"
        yield Case(name, layout, layout.build(changed), 4, verdict, verdict, write)


def all_cases() -> Iterator[Case]:
    rng = np.random.default_rng(5)
    for layout in LAYOUTS:
        shard = bytes(layout.store()[KEY])
        yield from damaged_indexes(layout, shard)
        yield from damaged_bytes(layout, shard, rng)
        yield from damaged_chunks(layout, shard, rng)


# -- the script ------------------------------------------------------------------------


def region(layout: Layout, slot: int) -> tuple[slice, ...]:
    return tuple(
        slice(int(at) * layout.length, (int(at) + 1) * layout.length)
        for at in np.unravel_index(slot, COUNTS)
    )


def attempt(operation: Callable[[], bool]) -> Any:
    """Return whether it gave the right values, or how it failed."""
    try:
        return bool(operation())
    except Exception as error:  # noqa: BLE001  whatever it is, the test is to see it
        return {"error": [cls.__name__ for cls in type(error).__mro__], "message": str(error)}


def outcome(case: Case, store: dict[str, bytes]) -> dict[str, Any]:
    """Read and write in a damaged shard."""
    items, here = case.layout.items, region(case.layout, case.slot)
    other = region(case.layout, 1 if case.slot != 1 else 3)
    store = {**store, KEY: case.shard}

    def read(where: Any) -> Callable[[], bool]:
        # A new dictionary, so that no index is known.
        return lambda: bool((zarr.open_array(dict(store), mode="r")[where] == items[where]).all())

    def write() -> bool:
        copy = dict(store)
        zarr.open_array(copy, mode="r+")[other[0].start, other[1].start] = 1
        return bool(zarr.open_array(copy)[other[0].start, other[1].start] == 1)

    item = (here[0].start + 1, here[1].start + 2)
    return {
        "one": attempt(read(here)),
        "item": attempt(read(item)),
        "all": attempt(read(...)),
        "other": attempt(read(other)),
        "write": attempt(write),
    }


def memory() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def main() -> None:
    stores = {layout: layout.store() for layout in LAYOUTS}
    cases = list(all_cases())
    zarr.config.set(workers=1)
    limit = memory() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for case in cases:
        name = f"{case.layout.name}: {case.name}"
        print(json.dumps({"name": name, **outcome(case, stores[case.layout])}), flush=True)
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps({"more": more * 1024}))


if __name__ == "__main__":
    sys.exit(main())
