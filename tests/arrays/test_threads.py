"""Work on several threads: chunks large enough that the engine thinks it worth while."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import zarr

SHAPE, CHUNKS = (130, 300, 200), (30, 70, 60)  # chunks of 504 kB, 5 * 5 * 4 of them


@pytest.fixture(params=[None, "default"])
def compressor(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("window_bytes", [1, 3 << 20, 1 << 30])
def test_every_window_is_worked_on(
    tmp_path: Path, workers: int, window_bytes: int, compressor: Any
) -> None:
    a = np.random.default_rng(0).integers(0, 1000, SHAPE, "i4")
    with zarr.config.set(workers=workers, window_bytes=window_bytes, thread_bytes=0):
        z = zarr.open_array(
            str(tmp_path / "z"), mode="w", shape=SHAPE, chunks=CHUNKS, dtype="i4",
            compressor=compressor, fill_value=-1,
        )  # fmt: skip
        z[...] = a
        assert z.nchunks_initialized == z.nchunks == 100
        assert_array_equal(z[...], a)
        part = (slice(7, 121), slice(None, None, 3), slice(11, 190))
        assert_array_equal(z[part], a[part])
        a[part] = a[part][::-1]
        z[part] = a[part]
        assert_array_equal(z[...], a)
        points = tuple(np.random.default_rng(1).integers(0, n, 500) for n in SHAPE)
        assert_array_equal(z.vindex[points], a[points])
        rows = np.array([3, 129, 64, 65])
        assert_array_equal(z.oindex[rows, :, 5:9], a[rows, :, 5:9])


def test_the_first_error_of_a_thread_is_raised(tmp_path: Path) -> None:
    z = zarr.open_array(str(tmp_path / "z"), mode="w", shape=SHAPE, chunks=CHUNKS, dtype="i4")
    z[...] = 5
    z.store["2.2.2"] = z.store["2.2.2"][:-1]
    with zarr.config.set(workers=3, window_bytes=1, thread_bytes=0):
        with pytest.raises(zarr.errors.ChunkDecodeError, match=r"2\.2\.2"):
            z[...]
        assert (z[:, :140] == 5).all()
