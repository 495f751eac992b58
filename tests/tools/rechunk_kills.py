"""Kill a rechunking at any moment, and resume it.

    python -m tests.tools.rechunk_kills [NUMBER]

kills NUMBER jobs (100 by default) of each kind at random moments, resumes each, and prints how many
blocks were found done. The tests use `main`'s second form, in which the process kills itself
before a write of the given number:

    python -m tests.tools.rechunk_kills --job FOLDER KIND AT
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import zarr

__all__ = ["KINDS", "killed", "prepare", "resume"]

SHAPE = (3000, 1000)
KINDS: dict[str, dict[str, Any]] = {
    "direct": {"chunks": (75, 100), "memory": 800_000},
    "intermediate": {"chunks": (3000, 5), "memory": 800_000},
    "shards": {"chunks": (60, 1000), "shards": (120, 1000), "memory": 1_500_000},
    "in place": {"chunks": (75, 100), "memory": 800_000},
}


class DyingStore(zarr.DirectoryStore):
    """A folder whose process dies before the write of number `left`."""

    left = -1

    def _count(self) -> None:
        cls = type(self)
        cls.left -= 1
        if cls.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def __setitem__(self, key: str, value: Any) -> None:
        self._count()
        super().__setitem__(key, value)

    def setitems(self, items: Mapping[str, Any]) -> None:
        for key, value in items.items():
            self[key] = value


def data() -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).integers(0, 1000, SHAPE).astype("i4")


def prepare(folder: Path) -> None:
    """Make the source of a job."""
    zarr.array(data(), chunks=(60, 1000), store=str(folder / "source.zarr"), zarr_format=3)


def run(folder: Path, kind: str, store: Any) -> Any:
    if kind == "in place":
        return zarr.rechunk(store, **KINDS[kind])
    return zarr.rechunk(str(folder / "source.zarr"), store, **KINDS[kind])


def killed(folder: Path, kind: str, at: int) -> bool:
    """Run a job that dies before a write; tell whether it did."""
    command = [sys.executable, "-m", "tests.tools.rechunk_kills", "--job", str(folder), kind]
    code = subprocess.run([*command, str(at)], check=False).returncode
    assert code in (0, -signal.SIGKILL)
    return code != 0


def resume(folder: Path, kind: str) -> tuple[int, int]:
    """Finish a job, check the result; return how many blocks were there, and how many copied."""
    dest = folder / f"{kind}.zarr"
    markers = len(list(zarr.DirectoryStore(dest).list_prefix("__rechunk/done")))
    if kind == "in place":
        seen = zarr.open_array(str(dest), mode="r")
        assert seen.chunks in ((60, 1000), (75, 100)) and np.array_equal(seen[...], data())
        if seen.chunks == (75, 100):
            assert zarr.recover(str(dest)) in ("clean", "rolled forward")
            assert not (dest / "__rechunk").exists()
            return markers, 0
    done = run(folder, kind, str(dest))
    made = zarr.open_array(str(dest), mode="r")
    assert np.array_equal(made[...], data())
    assert done.found == markers, (done, markers)
    assert done.found + done.blocks == sum(s.blocks for s in done.plans[0].chosen.stages)
    assert not (dest / "__rechunk").exists()
    assert zarr.check(str(dest)).ok
    return done.found, done.blocks


def _at_random_moments(number: int) -> None:
    chooser = random.Random(0)
    for kind in KINDS:
        found: list[int] = []
        survived = 0
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            prepare(folder)
            plan = folder / f"{kind}.zarr" / "__rechunk" / "plan.json"
            job = _begun(folder, kind, plan)
            start = time.perf_counter()
            job.wait()
            longest = time.perf_counter() - start
            while len(found) < number:
                job = _begun(folder, kind, plan)
                try:
                    job.wait(chooser.uniform(0, longest))
                except subprocess.TimeoutExpired:
                    job.kill()
                if job.wait() == 0 or not plan.exists():
                    survived += 1
                    if kind == "in place":
                        resume(folder, kind)  # it may have been killed just after the commit
                    continue
                found.append(resume(folder, kind)[0])
        print(
            f"{kind}: {number} killed ({survived} were done before), all resumed; blocks found: "
            f"{min(found)} to {max(found)}, {sum(found) / number:.1f} on average",
            flush=True,
        )


def _begun(folder: Path, kind: str, plan: Path) -> subprocess.Popen[bytes]:
    """Return a new job that has written its plan: before, there is nothing to resume."""
    shutil.rmtree(folder / f"{kind}.zarr", ignore_errors=True)
    if kind == "in place":
        shutil.copytree(folder / "source.zarr", folder / f"{kind}.zarr")
    command = [sys.executable, "-m", "tests.tools.rechunk_kills", "--job", str(folder), kind, "-1"]
    job = subprocess.Popen(command)
    while job.poll() is None and not plan.exists():
        time.sleep(0.001)
    return job


def main() -> None:
    if sys.argv[1:2] == ["--job"]:
        folder, kind, at = sys.argv[2:]
        DyingStore.left = int(at)
        run(Path(folder), kind, DyingStore(str(Path(folder) / f"{kind}.zarr")))
    else:
        _at_random_moments(int(sys.argv[1]) if len(sys.argv) > 1 else 100)


if __name__ == "__main__":
    main()
