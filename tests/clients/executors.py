"""Rechunk on executors of other packages, in the working directory; print which were equal.

Loky and a Dask cluster of two processes, each once as it is and once with a worker that is
killed; and the warning of a Dask worker that writes parts of chunks.
"""

from __future__ import annotations

import os
import shutil
import signal
import warnings
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import dask.array as da
import loky
import numpy as np
from dask.distributed import Client, LocalCluster

import zarr

DATA = np.random.default_rng(0).integers(0, 1000, (3000, 1000)).astype("i4")


def rechunked(name: str, executor: Executor, stop: Callable[[], Any] | None = None) -> None:
    """Rechunk by way of intermediate arrays; call `stop` after the third block."""
    shutil.rmtree("dest.zarr", ignore_errors=True)

    def after(done: int, *_: int) -> None:
        if done == 3 and stop is not None:
            stop()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of the pool that broke
        found = zarr.rechunk(
            "source.zarr", "dest.zarr", (3000, 5), memory=800_000, executor=executor, progress=after
        )
    stages = found.plans[0].chosen.stages
    assert len(stages) > 1 and found.blocks == sum(stage.blocks for stage in stages)
    assert np.array_equal(zarr.open("dest.zarr", mode="r")[...], DATA)
    print(name, end=" ")


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGTERM if os.name == "nt" else signal.SIGKILL)


def _write_part() -> str:
    """Write blocks of whole chunks and shards, then a part; return the warning of the latter."""
    z = zarr.open("parts.zarr", mode="r+")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        z[:30], z[30:50, 30:60] = 1, 1
        assert not caught
        z[:20] = 1
    return str(caught[0].message)


def main() -> None:
    zarr.array(DATA, chunks=(60, 1000), store="source.zarr")
    pool = loky.get_reusable_executor(2)
    rechunked("loky", pool)
    first = pool.submit(os.getpid).result()
    rechunked("killed", pool, lambda: _kill(first))
    zarr.create((50, 60), chunks=10, shards=30, store="parts.zarr", zarr_format=3)
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        executor = client.get_executor()
        rechunked("dask", executor)
        pid = client.submit(os.getpid).result()
        rechunked("killed", executor, lambda: _kill(pid))
        assert "x.rechunk((30, 30))" in client.submit(_write_part).result()
        da.store(da.ones((50, 60), chunks=30), zarr.open("parts.zarr"), lock=False)
    assert zarr.open("parts.zarr", mode="r")[...].all()
    print("warned")


if __name__ == "__main__":
    Path("dest.zarr").mkdir(exist_ok=True)
    main()
