"""A shard that another process has rewritten is read as it is now."""

from __future__ import annotations

import pathlib
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import zarr

WRITE = """
import sys
import zarr
z = zarr.open_array(sys.argv[1], mode="r+")
start, stop, value = map(int, sys.argv[2:])
z[start:stop] = value
"""


def write_elsewhere(path: str, start: int, stop: int, value: int) -> None:
    command = [sys.executable, "-c", WRITE, path, str(start), str(stop), str(value)]
    subprocess.run(command, check=True, timeout=60)


@pytest.mark.parametrize("compressor", [None, "default"])
def test_a_shard_rewritten_by_another_process(tmp_path: pathlib.Path, compressor: Any) -> None:
    path = str(tmp_path / "z")
    a = np.zeros(400, "u2")
    z = zarr.create(
        400, chunks=10, shards=200, dtype="u2", store=path, zarr_format=3, compressor=compressor
    )

    a[100:150] = z[100:150] = np.arange(50)
    assert_array_equal(z[100:120], a[100:120])
    write_elsewhere(path, 0, 50, 7)  # moves the chunks that are there
    a[:50] = 7
    for part in (slice(100, 120), slice(0, 20), slice(5, 6), slice(None), slice(120, 150)):
        assert_array_equal(z[part], a[part])
    assert z.nchunks_initialized == 10
    write_elsewhere(path, 300, 301, 9)  # a shard that was not there
    a[300] = 9
    for part in (slice(300, 310), slice(290, 301), slice(None)):
        assert_array_equal(z[part], a[part])


def test_one_batch_reads_a_chunk_and_whether_its_shard_is_still_the_same(
    tmp_path: pathlib.Path,
) -> None:
    store = Ranges(str(tmp_path / "z"))
    z = zarr.create(400, chunks=10, shards=200, dtype="u2", store=store, zarr_format=3)
    z[...] = np.arange(400)
    z[15], z[25]
    store.ranges.clear()
    assert z[35] == 35
    assert len(store.ranges) == 1


class Ranges(zarr.DirectoryStore):
    """A store that keeps the batches of ranges asked for."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.ranges: list[Any] = []

    def get_partial_values(self, ranges: Any) -> Any:
        self.ranges.append(ranges)
        return super().get_partial_values(ranges)
