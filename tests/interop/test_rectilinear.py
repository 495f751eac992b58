"""Chunks of different lengths, from and to zarr-python 3.4.2, which needs Python 3.12."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import zarr

from . import peers

FIXTURE = Path(__file__).parents[1] / "fixtures" / "rectilinear_by_3_4_2.zip"
CHUNKS = {
    "lists": ((10, 20, 5), (7, 7, 7, 9)),
    "one_list": ((10, 10, 15, 5),),
    "equal": ((4, 4, 4), (3, 5)),
    "keys": ((2, 7), (4, 5)),
    "plain": ((10, 20, 5), (7, 7, 7, 9)),
}

READ = """
import sys
import numpy as np
import zarr
zarr.config.set({"array.rectilinear_chunks": True})
for name, z in zarr.open_group(sys.argv[1], mode="r").arrays():
    data = np.arange(z.size, dtype=z.dtype).reshape(z.shape)
    assert (z[...] == data).all(), name
    print(name)
"""


@pytest.mark.parametrize("name", CHUNKS)
def test_theirs_is_read(name: str) -> None:
    with zarr.ZipStore(FIXTURE, mode="r") as store:
        z = zarr.open_array(store, path=name, mode="r")
        data = np.arange(z.size, dtype="i4").reshape(z.shape)
        data[:2] = -1
        assert z.chunks == CHUNKS[name]
        assert_array_equal(z[...], data)
        assert_array_equal(z[1:-1], data[1:-1])


@pytest.mark.interop
def test_ours_is_read(tmp_path: Path) -> None:
    try:
        python = peers.interpreter("newest")
    except peers.MissingPythonError as error:
        pytest.skip(str(error))
    root = zarr.open_group(tmp_path / "ours", mode="w", zarr_format=3)
    options: dict[str, dict[str, Any]] = {
        name: {"chunks": list(map(list, chunks))} for name, chunks in CHUNKS.items()
    }
    options["mixed"] = {"chunks": [[10, 20, 5], 7]}
    options["pairs"] = {"chunks": [[(5, 7)], [(3, 9), 2, 1]]}
    for name, option in options.items():
        shape = (35, 30) if name in ("mixed", "pairs") else tuple(map(sum, CHUNKS[name]))
        z = root.create_dataset(name, shape=shape, dtype="i4", **option)
        z[...] = np.arange(z.size).reshape(shape)
    done = subprocess.run(
        [str(python), "-W", "ignore", "-c", READ, str(tmp_path / "ours")],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split()) == sorted(options)
