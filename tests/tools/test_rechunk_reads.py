"""How often `zarr.rechunk` fetches the chunks of shards, counted byte by byte."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import zarr
from zarr.storage.base import take_range


class Fetched(zarr.MemoryStore):
    """Counts how often each byte of each shard is fetched, and the requests."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[str, np.ndarray[Any, Any]] = {}
        self.requests = 0

    def getitems(self, keys: Sequence[str], *, contexts: Any = None) -> dict[str, Any]:
        found = super().getitems(keys)
        self.requests += 1
        for key, value in found.items():
            self._note(key, value, (0, None))
        return found

    def get_partial_values(self, ranges: Any) -> Any:
        found = super().getitems([key for key, _ in ranges])
        self.requests += 1
        for key, asked in ranges:
            self._note(key, found[key], asked)
        return [take_range(found[key], asked) for key, asked in ranges]

    def _note(self, key: str, value: Any, asked: tuple[int, int | None]) -> None:
        if key.startswith("c/"):
            counts = self.counts.setdefault(key, np.zeros(len(value), "i8"))
            start, length = asked
            counts[start:][: len(value) if length is None else length] += 1

    def of_chunks(self, in_shard: int) -> np.ndarray[Any, Any]:
        """Return how often each byte was fetched that is not one of an index."""
        # The index of a shard: offset and length of each chunk, and a checksum.
        return np.concatenate([counts[: -16 * in_shard - 4] for counts in self.counts.values()])


def _source(shape: Any, chunks: Any, shards: Any) -> tuple[zarr.Array, int]:
    source = zarr.create_array(
        Fetched(), shape=shape, chunks=chunks, shards=shards, dtype="f8", compressors=None
    )
    source[...] = np.random.default_rng(0).random(shape)
    source.store.counts.clear()
    source.store.requests = 0
    return source, math.prod(shards) // math.prod(chunks)


SQUARES: Any = ((800, 800), (50, 50), (200, 200))


@pytest.mark.parametrize(
    ("kind", "options", "memory", "name"),
    [
        (SQUARES, {"chunks": (800, 10)}, 5_200_000, "direct"),
        (SQUARES, {"chunks": (800, 10)}, 3_000_000, "direct"),  # an eighth is more than a shard
        (SQUARES, {"chunks": (800, 10)}, 900_000, "direct"),
        (SQUARES, {"chunks": (40, 800)}, 2_600_000, "direct"),
        (SQUARES, {"chunks": (50, 50)}, 1_000_000, "encoded"),
        (SQUARES, {"chunks": (50, 50), "shards": (400, 200)}, 2_600_000, "encoded"),
        (((65536,), (4096,), (16384,)), {"chunks": (65536,)}, 1_600_000, "direct"),
        (((65536,), (4096,), (16384,)), {"chunks": (4096,)}, 1_000_000, "encoded"),
        (((33, 64, 48), (16, 16, 16), (16, 32, 48)), {"chunks": (33, 4, 4)}, 900_000, "direct"),
    ],
)
@pytest.mark.parametrize("workers", [1, 3])
def test_chunks_of_shards_are_fetched_once(
    kind: Any, options: Any, memory: int, name: str, workers: int
) -> None:
    source, in_shard = _source(*kind)
    store: Any = source.store

    with zarr.config.set(workers=workers):
        done = zarr.rechunk(source, zarr.MemoryStore(), memory=memory, verify=None, **options)

    plan = done.plans[0].chosen
    assert (plan.name, plan.reads) == (name, 1)
    assert set(store.of_chunks(in_shard)) == {1}


def test_a_shard_that_has_room_is_one_request() -> None:
    source, _ = _source(*SQUARES)
    store: Any = source.store

    with zarr.config.set(workers=1):
        done = zarr.rechunk(source, zarr.MemoryStore(), (800, 10), memory=5_200_000, verify=None)

    assert done.blocks > 1
    assert store.requests <= len(store.counts) + 2  # and a few for metadata


SIDES = {1: 4096, 2: 64, 3: 16}  # chunks of 32 KiB: smaller gaps are read along


@st.composite
def _cases(draw: st.DrawFn) -> dict[str, Any]:
    ndim = draw(st.sampled_from(list(SIDES)))
    side, most = SIDES[ndim], 4 if ndim < 3 else 3
    few = st.lists(st.integers(1, most), min_size=ndim, max_size=ndim)
    shards = tuple(side * n for n in draw(few))
    ragged = draw(st.lists(st.sampled_from([0, 0, side // 3]), min_size=ndim, max_size=ndim))
    shape = tuple(n * k - r for n, k, r in zip(shards, draw(few), ragged, strict=True))
    target = tuple(min(n, draw(st.sampled_from([side // 3, side, 2 * side, n]))) for n in shape)
    room = draw(st.sampled_from([3, 4, 6, 10, 30]))
    return {
        "source": (shape, (side,) * ndim, shards),
        "chunks": target,
        "memory": room * 8 * max(side**ndim, math.prod(target)),
        "workers": draw(st.sampled_from([1, 3])),
    }


@settings(deadline=None, max_examples=30)
@given(_cases())
def test_chunks_are_fetched_as_often_as_planned(case: dict[str, Any]) -> None:
    source, in_shard = _source(*case["source"])
    store: Any = source.store
    made = zarr.MemoryStore()

    with zarr.config.set(workers=case["workers"]):
        done = zarr.rechunk(source, made, case["chunks"], memory=case["memory"], verify=None)
    counts = store.of_chunks(in_shard)

    stage = done.plans[0].chosen.stages[0]
    # A shard of which more than half is wanted is read whole, so once more than its chunks.
    assert counts.max() <= stage.reads + 1
    assert counts.mean() <= 1.4 * stage.nbytes_read / (8 * source.size)
    assert np.array_equal(zarr.open_array(made)[...], source[...])
