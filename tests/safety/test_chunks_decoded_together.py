"""Small chunks are decoded many at a time: with the same result as one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numcodecs import Blosc

import zarr
from zarr.errors import ChunkDecodeError

LENGTH, COUNT = 512, 16
DATA = np.random.default_rng(1).integers(0, 16, (COUNT, LENGTH)).cumsum(axis=1).astype("i4")
CODEC = Blosc("lz4", 5, Blosc.SHUFFLE)


def rows(codec: Any = CODEC) -> zarr.Array:
    return zarr.array(DATA, chunks=(1, LENGTH), compressor=codec)


def read(get: Callable[[], Any]) -> Any:
    """Return what is read, or None where it is refused."""
    try:
        return get()
    except ChunkDecodeError:
        return None


OTHERS = {
    "another codec": Blosc("zstd", 3, Blosc.SHUFFLE),
    "no shuffle": Blosc("lz4", 5, Blosc.NOSHUFFLE),
    "stored": Blosc("lz4", 0),
    "blocks": Blosc("zstd", 5, Blosc.SHUFFLE, blocksize=512),
}


@pytest.mark.parametrize("at", [0, 3, COUNT - 1])
@pytest.mark.parametrize("kind", OTHERS)
def test_chunks_that_others_have_written_differently(kind: str, at: int) -> None:
    z = rows()
    z.store[f"{at}.0"] = OTHERS[kind].encode(DATA[at])
    np.testing.assert_array_equal(z[...], DATA)
    np.testing.assert_array_equal(z[:, ::7], DATA[:, ::7])


@pytest.mark.parametrize("kind", OTHERS)
def test_all_chunks_of_such_a_kind(kind: str) -> None:
    np.testing.assert_array_equal(rows(OTHERS[kind])[...], DATA)


@pytest.mark.parametrize("at", [0, 3, COUNT - 1])
@pytest.mark.parametrize(
    "damage",
    [
        lambda good: good[:0],
        lambda good: good[:7],
        lambda good: good[:19],
        lambda good: good[:-1],
        lambda good: good + b"\0",
        lambda good: CODEC.encode(np.zeros(len(good) + LENGTH * 4, "u1")),
        lambda good: good[:16] + b"\xff\xff\xff\x7f" + good[20:],  # where its block is
        lambda good: good[:16] + b"\0\0\0\0" + good[20:],
        lambda good: good[:20] + b"\xff\xff\0\0" + good[24:],  # how long its first stream is
        lambda good: good[:12] + np.uint32(24).tobytes() + good[16:24],
    ],
)
def test_a_damaged_chunk_is_named(damage: Callable[[bytes], bytes], at: int) -> None:
    z = rows()
    z.store[f"{at}.0"] = damage(bytes(z.store[f"{at}.0"]))
    with pytest.raises(ChunkDecodeError, match=rf"\b{at}\.0"):
        z[...]
    others = [i for i in range(COUNT) if i != at]
    np.testing.assert_array_equal(z.oindex[others], DATA[others])


@pytest.mark.parametrize("cname", ["lz4", "zstd", "blosclz"])
def test_no_changed_byte_makes_a_difference_between_both_ways(cname: str) -> None:
    z = rows(Blosc(cname, 5, Blosc.SHUFFLE))
    good = bytes(z.store["2.0"])
    for place in range(len(good)):
        bad = bytearray(good)
        bad[place] ^= 0x81
        z.store["2.0"] = bytes(bad)
        alone, together = read(lambda: z[2]), read(lambda: z[...])
        assert (alone is None) == (together is None), place
        if alone is not None:
            np.testing.assert_array_equal(together[2], alone)
            np.testing.assert_array_equal(np.delete(together, 2, 0), np.delete(DATA, 2, 0))
