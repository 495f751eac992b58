"""One job of `rechunk.py`, in the process of one library.

    python rechunk_worker.py LIBRARY CASE FOLDER

prints seconds of the job, seconds of the processor, the most MiB that the process had above those
it had before, and how often the bytes of a chunk of the source were read, in the mean and at most,
as JSON.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable
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

    @property
    def index_bytes(self) -> int:
        """Bytes of the index of a shard of the source, 0 if it has none."""
        if "shards" not in self.source:
            return 0
        return 16 * math.prod(self.source["shards"]) // math.prod(self.source["chunks"]) + 4


CASES = {
    "rows": Case(
        "rows to columns, 64 MB", (8000, 8000), {"chunks": (40, 8000)}, {"chunks": (8000, 40)}
    ),
    "rows-256": Case(
        "rows to columns, 256 MB", (8000, 8000), {"chunks": (40, 8000)}, {"chunks": (8000, 40)},
        256_000_000,
    ),
    "large": Case(
        "rows to columns, 4 GB, 256 MB", (32000, 32000), {"chunks": (40, 32000)},
        {"chunks": (32000, 40)}, 256_000_000,
    ),
    "ragged": Case(
        "ragged edges, 64 MB", (8011, 7999), {"chunks": (41, 7999)}, {"chunks": (8011, 43)}
    ),
    "days": Case(
        "(1, y, x) to (t, 8, 8), 64 MB", (640, 320, 320), {"chunks": (1, 320, 320)},
        {"chunks": (640, 8, 8)},
    ),
    "points": Case(
        "(1, y, x) to (t, 1, 1), 16 MB, 4 MB", (256, 128, 128), {"chunks": (1, 128, 128)},
        {"chunks": (256, 1, 1)}, 4_000_000,
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


Job = Callable[[], object]
OURS = {"rechunk", "copy", "array"}


class Reads:
    """Counts how often the bytes of each value of the source are read."""

    def __init__(self, source: Path, index_bytes: int = 0) -> None:
        self._source = source
        self._index_bytes = index_bytes
        self._ranges: dict[str, list[tuple[int, int | None]]] = {}
        self._of_opened = False

    def watch(self) -> None:
        """Count files that are opened by their whole path, each as read whole."""
        self._of_opened = True
        sys.addaudithook(self._watch)

    def _watch(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], (str, os.PathLike)):
            path = os.fspath(arguments[0])
            if isinstance(path, str) and path.startswith(f"{self._source}/"):
                self._note(path.removeprefix(f"{self._source}/"), (0, None))

    def _note(self, key: str, asked: tuple[int, int | None]) -> None:
        if key.rpartition("/")[2][:1].isdigit():
            self._ranges.setdefault(key, []).append(asked)

    def store(self) -> Any:
        """Return a store of this library that counts."""
        import zarr

        note = self._note

        class Counted(zarr.DirectoryStore):
            def getitems(self, keys: Any, **kwargs: Any) -> Any:
                keys = list(keys)
                for key in keys:
                    note(key, (0, None))
                return super().getitems(keys, **kwargs)

            def get_partial_values(self, key_ranges: Any, *args: Any) -> Any:
                key_ranges = list(key_ranges)
                for key, asked in key_ranges:
                    note(key, asked)
                return super().get_partial_values(key_ranges, *args)

        return Counted(str(self._source))

    def figures(self) -> dict[str, float]:
        """Return the mean and the most, of the bytes of chunks, those of indexes left out.

        Nothing of shards that were opened, of which any part may have been read.
        """
        if self._of_opened and self._index_bytes:
            return {}
        read = size = most = 0
        for key, ranges in self._ranges.items():
            length = (self._source / key).stat().st_size
            end = length - self._index_bytes
            steps: Counter[int] = Counter()
            for start, count in ranges:
                first = start if start >= 0 else length + start
                last = end if count is None else min(end, first + count)
                if first < last:
                    read += last - first
                    steps[first] += 1
                    steps[last] -= 1
            size += end
            depths = itertools.accumulate(steps[at] for at in sorted(steps))
            most = max(most, max(depths, default=0))
        return {"mean_reads": read / max(1, size), "most_reads": most}


def grow(count: int, folder: Path) -> Job:
    """Rechunk `count` chunks of 256 bytes within 4 MB, between databases of one file each."""
    import numpy as np

    import zarr

    store = zarr.SQLiteStore(str(folder / "s.sqlite"))
    source = zarr.open(store, mode="w", shape=(count, 256), chunks=(1, 256), dtype="u1")
    for at in range(0, count, 1000):
        source[at : at + 1000] = np.random.default_rng(at).integers(0, 99, 256).astype("u1")
    target = zarr.SQLiteStore(str(folder / "t.sqlite"))
    rechunk = zarr.rechunk
    return lambda: rechunk(source, target, (256, 1), memory="4MB", verify=None)


def job_of(
    library: str, case: Case, source: Path, target: Path, scratch: Path, reads: Reads
) -> Job:
    """Return the job, with all imports done."""
    import zarr

    path = str(target)
    if library in OURS:
        z: Any = zarr.open(reads.store(), mode="r")
        if library == "rechunk":
            rechunk = zarr.rechunk  # which imports what it needs
            return lambda: rechunk(z, path, memory=case.memory, **case.target)
        if library == "array":
            return lambda: zarr.array(z, store=path, zarr_format=case.format, **case.target)
        group = zarr.open_group(path, mode="w", zarr_format=case.format)
        copy = zarr.copy
        return lambda: copy(z, group, name="a", **case.target)
    reads.watch()
    chunks = case.target.get("shards") or case.target["chunks"]
    if library == "dask":
        import dask.array as da

        def store() -> None:
            x = da.from_zarr(str(source)).rechunk(chunks, block_size_limit=case.memory // 2)
            made = zarr.create_array(path, shape=case.shape, dtype="i4",
                                     zarr_format=case.format, **case.target)  # fmt: skip
            da.store(x, made, lock=False)

        return store
    if case.format == 3:
        raise NotImplementedError("no shards")
    if library == "cubed":
        import cubed

        # It wants room for several copies of a chunk.
        spec = cubed.Spec(work_dir=str(scratch), allowed_mem=3 * case.memory, reserved_mem=0)

        return lambda: cubed.to_zarr(cubed.from_zarr(str(source), spec=spec).rechunk(chunks), path)
    import rechunker

    z = zarr.open(str(source), mode="r")
    return lambda: rechunker.rechunk(
        z, chunks, case.memory, path, temp_store=str(scratch), executor="python"
    ).execute()


def memory(name: str) -> float:
    """Return MiB of this process: 'VmRSS', or 'VmHWM', the most so far."""
    # The most of `resource` begins with what a forked process takes over from its parent.
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def main() -> None:
    library, name, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    source, target, scratch = (folder / part for part in (f"{name}.zarr", "out.zarr", "tmp.zarr"))
    for path in (target, scratch):
        shutil.rmtree(path, ignore_errors=True)
    if library == "make":
        make(CASES[name], source)
        return
    reads = Reads(source)
    if library == "grow":
        job = grow(int(name), folder)
    else:
        reads = Reads(source, CASES[name].index_bytes)
        job = job_of(library, CASES[name], source, target, scratch, reads)
    before, cpu, start = memory("VmRSS"), time.process_time(), time.perf_counter()
    job()
    figures = {"seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu}
    figures["memory"] = memory("VmHWM") - before
    print(json.dumps(figures | reads.figures()))


if __name__ == "__main__":
    main()
