"""What reading does where chunks are absent: fill values, a warning, or an error."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr
from zarr.errors import ChunkDecodeError, ChunkNotFoundError

LAYOUTS: dict[str, dict[str, Any]] = {
    "format 2": {},
    "format 3": {"zarr_version": 3},
    "shards": {"zarr_version": 3, "shards": (4, 4)},
    "uncompressed": {"compressor": None},
    "listed": {"zarr_version": 3, "chunks": ([2, 3, 1, 2], 2)},
}


def _holey(layout: str, store: Any = None, **options: Any) -> zarr.Array:
    """Return an array of 8 x 6 elements of which two chunks are absent."""
    given = {"chunks": 2, "fill_value": -1, **LAYOUTS[layout]}
    store = zarr.MemoryStore() if store is None else store
    z = zarr.create((8, 6), dtype="i4", store=store, write_empty_chunks=False, path="a", **given)
    z[...] = np.arange(48).reshape(8, 6)
    z.blocks[0, 1] = -1
    z.blocks[2, 0] = -1
    return zarr.open_array(store, path="a", **options)


READS: dict[str, tuple[Callable[[zarr.Array], Any], int]] = {
    # How to read, and how many absent chunks are read.
    "all": (lambda z: z[...], 2),
    "a row": (lambda z: z[0], 1),
    "an element": (lambda z: z[1, 3], 1),
    "one chunk": (lambda z: z.blocks[0, 1], 1),
    "orthogonal": (lambda z: z.oindex[[0, 5], [1, 2]], 2),
    "falling": (lambda z: z.oindex[[5, 0], [1, 2]], 2),
    "points": (lambda z: z.vindex[[0, 5, 7], [2, 0, 5]], 2),
    "a mask": (lambda z: z.vindex[np.arange(48).reshape(8, 6) % 2 == 0], 2),
    "iteration": (list, 2),
    "out=": (lambda z: z.get_basic_selection(out=np.empty((8, 6), "i4")), 2),
    "present": (lambda z: z[6:, 4:], 0),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("cache_bytes", [0, 1 << 20])
def test_policies(read: str, layout: str, cache_bytes: int) -> None:
    select, count = READS[read]
    store = _holey(layout).store
    options: dict[str, Any] = {"path": "a", "cache_bytes": cache_bytes}

    expected = select(zarr.open_array(store, **options))
    warning = zarr.open_array(store, missing="warn", **options)
    strict = zarr.open_array(store, missing="error", **options)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        np.testing.assert_array_equal(select(warning), expected)
    said = " ".join(str(warned.message) for warned in caught)
    assert bool(caught) == bool(count)
    assert all(warned.filename == __file__ for warned in caught)
    if count:
        assert "absent: 'a/" in said
        with pytest.raises(ChunkNotFoundError, match="absent: 'a/") as raised:
            select(strict)
        assert all(key.startswith("a/") for key in raised.value.keys)
        if read == "all":
            assert "2 chunks that are read are absent" in said and len(raised.value.keys) == 2
    else:
        np.testing.assert_array_equal(select(strict), expected)


def test_message_shows_the_first_ten() -> None:
    z = zarr.open_array(zarr.zeros(100, chunks=1, zarr_version=3).store, missing="error")

    with pytest.raises(ChunkNotFoundError) as raised:
        z[:]

    assert "'c/9', ...; z.missing() lists all" in str(raised.value)
    assert "'c/10'" not in str(raised.value)
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)


def test_inner_chunk_is_named() -> None:
    z = _holey("shards", missing="error")

    with pytest.raises(ChunkNotFoundError) as raised:
        z[0, 2]

    assert raised.value.keys == ("a/c/0/0, inner chunk (0, 1)",)


def test_only_absence_is_concerned() -> None:
    store = _holey("format 2").store
    store["a/0.0"] = b"damaged"

    for missing in ("fill", "warn", "error"):
        with pytest.raises(ChunkDecodeError):
            zarr.open_array(store, path="a", missing=missing)[:2, :2]


def test_writing_parts_of_absent_chunks_is_no_read() -> None:
    z = _holey("format 3", missing="error")

    z[0, 2] = 7

    assert z[0, 2] == 7 and z[1, 3] == -1


def test_groups_hand_it_on() -> None:
    store = _holey("format 3").store
    zarr.group(store, zarr_version=3, path="g").create_group("h").zeros("z", shape=4, chunks=2)

    for group in (
        zarr.open_group(store, missing="error"),
        zarr.open(store, mode="r", missing="error"),
        pickle.loads(pickle.dumps(zarr.open_group(store, missing="error"))),
    ):
        for path in ("a", "g/h/z"):
            with pytest.raises(ChunkNotFoundError):
                group[path][:]
            with pytest.raises(ChunkNotFoundError):
                group[path.rpartition("/")[0] or "/"][path.rpartition("/")[2]][:]
    assert zarr.open_group(store)["a"][0, 2] == -1


def test_views_and_pickles_keep_it() -> None:
    z = _holey("format 2", missing="error")

    for other in (pickle.loads(pickle.dumps(z)), z.astype("f8"), z.view(fill_value=3)):
        with pytest.raises(ChunkNotFoundError):
            other[:]


def test_configuration() -> None:
    store = _holey("format 2").store

    with zarr.config.set(missing="error"):
        z = zarr.open_array(store, path="a")
        lenient = zarr.open_array(store, path="a", missing="fill")

    with pytest.raises(ChunkNotFoundError):
        z[:]
    assert lenient[0, 2] == -1 and zarr.open_array(store, path="a")[0, 2] == -1


@pytest.mark.parametrize(
    "use",
    [
        lambda: zarr.open_array(zarr.zeros(3).store, missing="raise"),
        lambda: zarr.open_group(zarr.group().store, missing="raise"),
        lambda: zarr.config.set(missing="raise"),
    ],
)
def test_unknown_policy(use: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match="missing must be one of"):
        use()
    assert zarr.config.get().missing == "fill"


def test_environment(tmp_path: Path) -> None:
    zarr.open_array(str(tmp_path / "z"), mode="w", shape=4, chunks=2)
    script = f"import zarr; zarr.open_array({str(tmp_path / 'z')!r}, mode='r')[:]"

    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120,
        env={**os.environ, "ZARR_MISSING": "error"},
    )  # fmt: skip

    assert "ChunkNotFoundError: 2 chunks that are read are absent: '0', '1'" in run.stderr


# -- z.missing() ----------------------------------------------------------------------------


class Unread(zarr.MemoryStore):
    """A store of which no chunk may be read."""

    def __getitem__(self, key: str) -> Any:
        assert not key[-1].isdigit(), key
        return super().__getitem__(key)

    def get_partial_values(self, ranges: Any) -> Any:
        assert all(start < 0 for _, (start, _) in ranges)  # the index of a shard
        return zarr.MemoryStore(self.root).get_partial_values(ranges)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_missing_lists_absent_chunks(layout: str) -> None:
    store = Unread(_holey(layout).store.root)

    found = zarr.open_array(store, path="a").missing()

    assert found.dtype == np.int64 and found.tolist() == [[0, 1], [2, 0]]


def test_missing_of_other_shapes() -> None:
    assert zarr.zeros(()).missing().shape == (1, 0)
    assert zarr.array(5).missing().shape == (0, 0)
    assert zarr.zeros((0, 3)).missing().shape == (0, 2)
    z = zarr.zeros((6, 6), chunks=2, shards=4, zarr_version=3)
    z[:3, 5] = 1
    assert z.missing().tolist() == [[0, 0], [0, 1], [1, 0], [1, 1], [2, 0], [2, 1], [2, 2]]


def test_missing_ignores_chunks_outside() -> None:
    z = zarr.array(np.arange(4), chunks=2)
    z.store["7"] = z.store["0"]
    del z.store["1"]

    assert z.missing().tolist() == [[1]]
