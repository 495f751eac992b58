"""A child process can use what its parent opened, whatever the parent's threads held.

A lock that nobody in the child would ever release shows as a child that waits for ever;
`forks.py` ends it and prints where it was.
"""

from __future__ import annotations

import multiprocessing
import pathlib
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import zarr

from . import forks

KINDS = ["memory", "mapping", "cache", "directory", "nested", "fsspec", "lmdb", "sqlite"]

pytestmark = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system cannot fork"
)


def run_forks(kind: str, path: pathlib.Path, times: int) -> None:
    program = [sys.executable, "-W", "ignore", forks.__file__, kind, str(path), str(times)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stderr[-5000:]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_forking_while_threads_work_never_hangs(kind: str, tmp_path: pathlib.Path) -> None:
    run_forks(kind, tmp_path, 32)


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", KINDS)
def test_hundreds_of_forks_never_hang(kind: str, tmp_path: pathlib.Path) -> None:
    run_forks(kind, tmp_path, 400)


def test_forking_while_a_thread_makes_caches_never_hangs(tmp_path: pathlib.Path) -> None:
    run_forks("chunk cache", tmp_path, 200)


def write_row(z: Any, row: int) -> int:
    z[row] = row
    return int(z[row].sum())


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_workers_write_to_an_array_their_parent_has_used(
    method: str, tmp_path: pathlib.Path
) -> None:
    z = zarr.open_array(
        tmp_path / "a", mode="w", shape=(16, 100), chunks=(4, 10), dtype="i4",
        synchronizer=zarr.ProcessSynchronizer(tmp_path / "locks"),
    )  # fmt: skip
    z[...] = -1
    rows = np.arange(16)
    with ProcessPoolExecutor(3, multiprocessing.get_context(method)) as pool:
        sums = list(pool.map(write_row, [z] * 16, rows.tolist()))
    assert sums == (rows * 100).tolist()
    assert_array_equal(z[...], np.repeat(rows, 100).reshape(16, 100))
