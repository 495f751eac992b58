"""One job of `rechunk.py`, in the process of one library.

    python rechunk_worker.py LIBRARY CASE FOLDER

prints seconds of the job, seconds of the processor, and the most MiB that the process had, as JSON.
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["CASES", "Case"]


@dataclass(frozen=True)
class Case:
    """An array, and the chunks that it is to get."""

    title: str
    shape: tuple[int, ...]
    source: dict[str, Any]
    target: dict[str, Any]
    memory: int = 64_000_000
    format: int = 2


CASES = {
    "rows": Case(
        "rows to columns, 64 MB", (8000, 8000), {"chunks": (40, 8000)}, {"chunks": (8000, 40)}
    ),
    "rows-256": Case(
        "rows to columns, 256 MB", (8000, 8000), {"chunks": (40, 8000)}, {"chunks": (8000, 40)},
        256_000_000,
    ),
    "ragged": Case(
        "ragged edges, 64 MB", (8011, 7999), {"chunks": (41, 7999)}, {"chunks": (8011, 43)}
    ),
    "days": Case(
        "(1, y, x) to (t, 8, 8), 64 MB", (640, 320, 320), {"chunks": (1, 320, 320)},
        {"chunks": (640, 8, 8)},
    ),
    "shards": Case(
        "into shards, 128 MB", (8000, 8000), {"chunks": (40, 8000)},
        {"chunks": (200, 200), "shards": (2000, 2000)}, 128_000_000, 3,
    ),
    "from-shards": Case(
        "from shards, 128 MB", (8000, 8000), {"chunks": (200, 200), "shards": (2000, 2000)},
        {"chunks": (8000, 40)}, 128_000_000, 3,
    ),
}  # fmt: skip


def make(case: Case, path: Path) -> None:
    import numpy as np

    import zarr

    shutil.rmtree(path, ignore_errors=True)
    z = zarr.open(
        str(path), mode="w", shape=case.shape, dtype="i4", zarr_format=case.format, **case.source
    )
    rng = np.random.default_rng(0)
    step = (z.shards or z.chunks)[0] * max(1, 40 // (z.shards or z.chunks)[0])
    for at in range(0, case.shape[0], step):
        z[at : at + step] = rng.integers(0, 1000, z[at : at + step].shape).astype("i4")


def grow(count: int, folder: Path) -> float:
    """Rechunk `count` chunks of 256 bytes within 4 MB."""
    import numpy as np

    import zarr

    source = zarr.open(
        str(folder / "s"), mode="w", shape=(count, 256), chunks=(1, 256), dtype="u1",
        dimension_separator="/",
    )  # fmt: skip
    for at in range(0, count, 1000):
        source[at : at + 1000] = np.random.default_rng(at).integers(0, 99, 256).astype("u1")
    start = time.perf_counter()
    zarr.rechunk(source, str(folder / "t"), (256, 1), memory="4MB", verify=None)
    return time.perf_counter() - start


def work(library: str, case: Case, source: Path, target: Path, scratch: Path) -> float:
    """Do the job; return the seconds it took, without imports."""
    import zarr

    z = zarr.open(str(source), mode="r")
    if library == "dask":
        import dask.array as da

        start = time.perf_counter()
        chunks = case.target.get("shards") or case.target["chunks"]
        x = da.from_zarr(str(source)).rechunk(chunks, block_size_limit=case.memory // 2)
        made = zarr.create_array(str(target), shape=case.shape, dtype="i4",
                                 zarr_format=case.format, **case.target)  # fmt: skip
        da.store(x, made, lock=False)
    elif library == "rechunker":
        from rechunker import rechunk

        if case.format == 3:
            raise NotImplementedError("no shards")
        start = time.perf_counter()
        chunks = case.target["chunks"]
        plan = rechunk(
            z, chunks, case.memory, str(target), temp_store=str(scratch), executor="python"
        )
        plan.execute()
    elif library == "copy":
        group = zarr.open_group(str(target), mode="w", zarr_format=case.format)
        start = time.perf_counter()
        zarr.copy(z, group, name="a", **case.target)
    elif library == "array":
        start = time.perf_counter()
        zarr.array(z, store=str(target), zarr_format=case.format, **case.target)
    else:
        from zarr.tools.rechunk import rechunk

        start = time.perf_counter()
        rechunk(z, str(target), memory=case.memory, **case.target)
    return time.perf_counter() - start


def main() -> None:
    library, name, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    source, target, scratch = (folder / part for part in (f"{name}.zarr", "out.zarr", "tmp.zarr"))
    for path in (target, scratch):
        shutil.rmtree(path, ignore_errors=True)
    if library == "make":
        make(CASES[name], source)
        seconds = 0.0
    elif library == "grow":
        seconds = grow(int(name), folder)
    else:
        seconds = work(library, CASES[name], source, target, scratch)
    used = resource.getrusage(resource.RUSAGE_SELF)
    peak = used.ru_maxrss / 1024
    status = Path("/proc/self/status")
    if status.exists():  # what a forked process takes over from its parent does not count there
        lines = status.read_text().splitlines()
        peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    cpu = used.ru_utime + used.ru_stime
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak": peak}))


if __name__ == "__main__":
    main()
