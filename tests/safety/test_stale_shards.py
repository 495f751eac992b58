"""An index of a shard that is kept never leads to the bytes of another chunk.

Others may rewrite a shard at any time. Chunks of equal encoded size are the trap: what lies
where a chunk has been is then another chunk, whole and with the right checksum.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr
from zarr.codecs import BytesCodec, Crc32cCodec, ShardingCodec
from zarr.errors import ChunkDecodeError

LITTLE = BytesCodec("little")
SIZE, COUNT = 64, 16
"""Bytes of a chunk, and number of chunks in the shard."""

LAYOUTS = {
    f"{inner}-{index}-{where}": ShardingCodec(
        (SIZE,),
        [LITTLE, Crc32cCodec()] if inner == "crc32c" else [LITTLE],
        [LITTLE, Crc32cCodec()] if index == "crc32c" else [LITTLE],
        where,
    )
    for inner in ("crc32c", "raw")
    for index in ("crc32c", "raw")
    for where in ("start", "end")
}


def create(store: Any, sharding: Any = LAYOUTS["crc32c-crc32c-end"]) -> Any:
    return zarr.create_array(
        store, shape=COUNT * SIZE, chunks=COUNT * SIZE, dtype="u1", serializer=sharding,
        compressors=None, filters=None, overwrite=True,
    )  # fmt: skip


def chunk(at: int) -> slice:
    return slice(at * SIZE, (at + 1) * SIZE)


def fill(z: Any, values: dict[int, int]) -> None:
    """Write whole chunks of one value each, all others absent."""
    whole = np.zeros(COUNT * SIZE, "u1")
    for at, value in values.items():
        whole[chunk(at)] = value
    z[...] = whole


@pytest.mark.parametrize("sharding", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("read", ["chunk", "item", "points", "some"])
def test_a_shard_that_was_replaced(tmp_path: Path, sharding: Any, read: str) -> None:
    ours, theirs = str(tmp_path / "ours"), str(tmp_path / "theirs")
    z, other = create(ours, sharding), create(theirs, sharding)
    reader = zarr.open_array(ours, mode="r")

    def seen(at: int) -> set[int]:
        if read == "item":
            return {int(reader[at * SIZE + 5])}
        if read == "points":
            return set(reader.vindex[[at * SIZE + 1, at * SIZE + 9]].tolist())
        if read == "some":
            return set(reader.oindex[[at * SIZE + 1, at * SIZE + 9]].tolist())
        return set(reader[chunk(at)].tolist())

    fill(z, {at: 10 + at for at in range(COUNT)})
    assert [seen(at) for at in range(COUNT)] == [{10 + at} for at in range(COUNT)]
    for values in (
        {at: 100 + at for at in range(1, COUNT)},  # everything moved by one
        {at: 50 + at for at in range(0, COUNT, 2)},
        {at: 150 + at for at in range(COUNT)},
        {3: 7},
        {},
        {at: 30 + at for at in reversed(range(COUNT))},
    ):
        fill(other, values)
        for at in (3, 0, 2, COUNT - 1, 8):
            if values:
                shutil.copy(f"{theirs}/c/0", f"{ours}/new")
                Path(f"{ours}/new").replace(f"{ours}/c/0")
            else:
                Path(f"{ours}/c/0").unlink(missing_ok=True)
            assert seen(at) == {values.get(at, 0)}


def test_writing_to_a_shard_that_was_replaced(tmp_path: Path) -> None:
    ours, theirs = str(tmp_path / "ours"), str(tmp_path / "theirs")
    z, other = create(ours), create(theirs)
    fill(z, dict.fromkeys(range(COUNT), 1))
    assert z[5] == 1
    fill(other, {9: 9})
    shutil.copy(f"{theirs}/c/0", f"{ours}/c/0")
    z[chunk(2).start + 3] = 2
    assert z[chunk(9)].tolist() == [9] * SIZE
    assert z[...].sum() == 9 * SIZE + 2


def test_another_array_in_the_place_of_one(tmp_path: Path) -> None:
    for chunks, where, dtype in ((4, "end", "u1"), (8, "start", "u2"), (2, "end", "u1")):
        z = zarr.create_array(
            str(tmp_path / "a"), shape=32, chunks=32, dtype=dtype, compressors=None, overwrite=True,
            filters=None, serializer=ShardingCodec((chunks,), [LITTLE], index_location=where),
        )  # fmt: skip
        z[...] = np.arange(32)
        assert z[9] == 9
        assert z[10:12].tolist() == [10, 11]


def test_what_is_not_there_is_an_error_even_so(tmp_path: Path) -> None:
    z = create(str(tmp_path / "a"), LAYOUTS["raw-crc32c-start"])
    fill(z, dict.fromkeys(range(COUNT), 1))
    assert z[5] == 1
    shard = tmp_path / "a/c/0"
    shard.write_bytes(shard.read_bytes()[:-1])  # the index is the same
    with pytest.raises(ChunkDecodeError, match=r"c/0, inner chunk \(15,\)"):
        z[chunk(15)]
    assert z[0] == 1


class Restless(zarr.MemoryStore):
    """A store in which a shard is another one at each read of ranges."""

    def __init__(self) -> None:
        super().__init__()
        self.versions: list[bytes] = []

    def get_partial_values(self, ranges: Any) -> Any:
        if self.versions:
            self["c/0"] = self.versions[0]
            self.versions = [*self.versions[1:], self.versions[0]]
        return super().get_partial_values(ranges)


def test_a_shard_that_changes_at_each_read_is_read_as_a_whole() -> None:
    store = Restless()
    z = create(store)
    versions = []
    for first in (0, 1, 2):
        fill(z, {at: 10 * first + at for at in range(first, COUNT)})
        versions.append(bytes(store["c/0"]))
    store.versions = versions
    for at in (3, 4, 9):
        (value,) = set(z[chunk(at)].tolist())
        assert value in (at, 10 + at, 20 + at)


def place(kind: str, path: str) -> Any:
    """Return a store of that kind at `path`."""
    return {
        "directory": zarr.DirectoryStore, "sqlite": zarr.SQLiteStore, "object": _object_store,
    }[kind](path)  # fmt: skip


def _object_store(path: str) -> Any:
    import obstore

    return zarr.storage.ObjectStore(obstore.store.LocalStore(path, mkdir=True))


WRITER = """
import sys, numpy as np, zarr
sys.path.insert(0, sys.argv[2])
from tests.safety.test_stale_shards import COUNT, fill, place
z = zarr.open_array(place(sys.argv[3], sys.argv[1]), mode="r+", write_empty_chunks=False)
rng = np.random.default_rng(1)
print("ready", flush=True)
for turn in range(1, 10**9):
    some = np.flatnonzero(rng.random(COUNT) < 0.7).tolist()
    fill(z, {at: at + 16 * (turn % 15 + 1) for at in some})
    if turn % 16 == 0:
        print(turn, flush=True)
"""


@pytest.mark.parametrize("kind", ["directory", "sqlite", "object"])
@pytest.mark.parametrize("layout", ["crc32c-crc32c-end", "raw-raw-start"])
def test_another_process_rewrites_the_shard_all_the_time(
    tmp_path: Path, layout: str, kind: str
) -> None:
    path = str(tmp_path / "a")
    create(place(kind, path), LAYOUTS[layout])
    root = str(Path(__file__).parents[2])
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, path, root, kind], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        try:
            assert writer.stdout.readline() == "ready\n"
            z = zarr.open_array(place(kind, path), mode="r")
            rng = np.random.default_rng(2)
            present, turns = 0, set()
            for reads in range(100_000):
                if reads >= 400 and present > 100 and len(turns) >= 8:
                    break
                at = int(rng.integers(COUNT))
                values = set(z[chunk(at)].tolist())
                assert len(values) == 1
                (value,) = values
                assert value == 0 or value % 16 == at, "the bytes of another chunk"
                present += value != 0
                turns.add(value // 16)
            assert present > 100
            assert len(turns) >= 8, "the writer was asleep"
        finally:
            writer.kill()
