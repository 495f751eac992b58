"""An array on a disk that is full, in every store that keeps files: an error, no torn chunk.

What each store leaves on such a disk, and whether it goes on, is in the tests of the store.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr
from zarr.storage import (
    BaseStore,
    DirectoryStore,
    FSStore,
    LMDBStore,
    N5Store,
    NestedDirectoryStore,
    ObjectStore,
    SQLiteStore,
)

DATA = np.random.default_rng(0).integers(0, 255, (60, 60_000), dtype="u1")
"""More than the disk holds, in chunks that are stored as they are."""

STORES: dict[str, Callable[[Path], BaseStore]] = {
    "directory": lambda disk: DirectoryStore(disk / "data"),
    "nested": lambda disk: NestedDirectoryStore(disk / "data"),
    "n5": lambda disk: N5Store(disk / "data.n5"),
    "sqlite": lambda disk: SQLiteStore(disk / "data.sqldb"),
    "lmdb": lambda disk: LMDBStore(disk / "data.lmdb"),
    "fsspec": lambda disk: FSStore(f"file://{disk}/data"),
    "obstore": lambda disk: ObjectStore(f"file://{disk}/data"),
}


@pytest.mark.parametrize("kind", STORES)
@pytest.mark.parametrize("threads", [False, True])
def test_array_on_a_full_disk(kind: str, threads: bool, small_disk: Path) -> None:
    settings: Any = {"workers": 4, "thread_bytes": 0} if threads else {"workers": 1}
    with STORES[kind](small_disk) as store, zarr.config.set(window_bytes=300_000, **settings):
        z = zarr.create(
            DATA.shape, chunks=(1, 60_000), dtype="u1", store=store, compressor=None,
            fill_value=0, write_empty_chunks=True,
        )  # fmt: skip
        z[:10] = DATA[:10]
        with pytest.raises(OSError):  # a StoreError, or the one of the system
            z[10:] = DATA[10:]
        with pytest.raises(OSError):
            z[:] = DATA[::-1]

        stored = z[:]
        is_old = (stored == DATA).all(1)
        is_new = (stored == DATA[::-1]).all(1)
        never_written = (stored == 0).all(1)
        assert (is_old | is_new | never_written).all()
        assert not never_written[:10].any()
        assert never_written.sum() + z.nchunks_initialized == len(DATA)
