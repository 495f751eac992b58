"""The most memory that reading and writing a large array takes: the array and a little more."""

from __future__ import annotations

import gc
import pathlib
import platform
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import zarr

MOST_BEYOND = 64 << 20

# A process of its own, so that its high-water mark is that of the operation.
PROGRAM = """
import resource, sys
from pathlib import Path
import numpy as np
import zarr

place, codec, action, path = sys.argv[1:]
SLAB, SLABS = (64, 256, 256), 8

def high_water():
    # What getrusage says may be of the process that started this one.
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

def create(store, slabs):
    options = dict(zarr_format=3, shards=(128,) * 3) if place == "shards" else {}
    return zarr.create(
        (SLAB[0] * slabs, *SLAB[1:]), chunks=(64, 64, 64), dtype="u4", store=store, overwrite=True,
        compressor="default" if codec == "blosc" else None, **options,
    )

slab = (np.arange(np.prod(SLAB), dtype="u4") // 7).reshape(SLAB)
z = create(zarr.MemoryStore() if place == "memory" else path, SLABS)
if action == "write":
    values = np.empty(z.shape, z.dtype)
    values.reshape(SLABS, *SLAB)[...] = slab
    before = high_water()
    z[...] = values
    used = high_water() - before
    if place == "memory":
        used -= z.nbytes_stored
else:
    for start in range(0, len(z), SLAB[0]):
        z[start : start + SLAB[0]] = slab
    before = high_water()
    values = z[...]
    used = high_water() - before - values.nbytes
assert (values.reshape(SLABS, *SLAB) == slab).all()
print(used)
"""


@pytest.mark.parametrize("action", ["read", "write"])
@pytest.mark.parametrize("codec", ["blosc", "raw"])
@pytest.mark.parametrize("place", ["memory", "directory", "shards"])
def test_peak_memory(tmp_path: pathlib.Path, place: str, codec: str, action: str) -> None:
    command = [sys.executable, "-c", PROGRAM, place, codec, action, str(tmp_path / "z")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) <= MOST_BEYOND


FAULTS = """
import resource, sys
import numpy as np
import zarr

z = zarr.create((16, 1 << 20), chunks=(1, 1 << 20), dtype="u4", store=sys.argv[1])
values = np.random.default_rng(0).integers(0, 1 << 16, z.shape, "u4")
faults = []
for _ in range(3):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    z[...] = values
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(faults[-1], z.nbytes_stored // resource.getpagesize())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries do not learn")
def test_encoding_again_asks_for_no_fresh_memory(tmp_path: pathlib.Path) -> None:
    command = [sys.executable, "-c", FAULTS, str(tmp_path / "array")]
    faults, pages = map(int, subprocess.check_output(command, text=True).split())
    assert pages > 5000
    assert faults < pages / 4


USES: dict[str, Callable[[Any], Any]] = {
    "write": lambda z: z.__setitem__(Ellipsis, 2),
    "write a part": lambda z: z.__setitem__((slice(1, 7), slice(2, 9)), 3),
    "read": lambda z: z[...],
    "read points": lambda z: z.vindex[[1, 2], [3, 4]],
    "append": lambda z: z.append(np.ones((3, 20), "i4")),
    "resize": lambda z: z.resize(20, 20),
    "change attributes": lambda z: z.attrs.__setitem__("a", 1),
    "open": lambda z: zarr.open_array(z.store, mode="r+"),
    "read kept chunks": lambda z: zarr.open_array(z.store, mode="r", cache_bytes=99999)[...],
    "read with warnings": lambda z: zarr.open_array(z.store, mode="r", missing="warn")[...],
    "explain": lambda z: z.explain[2:5],
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_memory_does_not_wait_for_the_garbage_collector(
    tmp_path: pathlib.Path, zarr_format: int, use: str
) -> None:
    z = zarr.open_array(
        str(tmp_path / "z"), mode="w", shape=(20, 20), chunks=5, dtype="i4", zarr_format=zarr_format
    )
    for work in (*USES.values(), USES[use]):
        work(z)
    gc.collect()
    gc.disable()
    try:
        USES[use](z)
        assert gc.collect() == 0
    finally:
        gc.enable()
