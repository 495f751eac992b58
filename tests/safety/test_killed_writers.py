"""A writer that is killed leaves every value whole: the old one or the new one."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import numpy as np
import pytest

import zarr

from . import writers
from .writers import store_of


def prepare(path: pathlib.Path, kind: str) -> None:
    g = zarr.open_group(store_of(str(path), kind), mode="w")
    # Chunks that take more than one page, of noise, so that they are not compressed away.
    z = g.create_dataset("a", shape=(300, 300), chunks=(100, 100), dtype="i8", compressor=None)
    z[...] = 0
    g.attrs.put({"values": [0] * 500})


def check(path: pathlib.Path, kind: str) -> None:
    store = store_of(str(path), kind)
    g = zarr.open_group(store, mode="r")
    z = g["a"]
    assert z.shape == (300, 300)
    for i in range(3):
        for j in range(3):
            assert len(np.unique(z.blocks[i, j])) == 1, "a chunk is half old, half new"
    assert len(set(g.attrs["values"])) == 1
    assert len(g.attrs["values"]) == 500
    separator = "/" if kind == "nested" else "."
    chunks = {f"a/{i}{separator}{j}" for i in range(3) for j in range(3)}
    known = chunks | {".zgroup", ".zattrs", "a/.zarray", "b/.zarray"}
    assert set(store) <= known
    assert set(store) >= known - {"b/.zarray"}
    assert set(store.listdir()) <= {".zgroup", ".zattrs", "a", "b"}
    assert {name for name in store.listdir("a") if "." in name or kind == "nested"} == {
        name.split("/")[1] for name in (chunks | {"a/.zarray"})
    }
    assert set(g) <= {"a", "b"}
    assert z.nchunks_initialized == 9
    assert z.nbytes_stored == z.nbytes + len(store["a/.zarray"])


def run(path: pathlib.Path, kind: str, rounds: int) -> None:
    prepare(path, kind)
    driver = subprocess.Popen(
        [sys.executable, writers.__file__, "kill", str(path), kind, str(rounds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert driver.stdin is not None
    assert driver.stdout is not None
    try:
        for _ in range(rounds):
            assert driver.stdout.readline() == "killed\n"
            check(path, kind)
            driver.stdin.write("\n")
            driver.stdin.flush()
        assert driver.wait(timeout=10) == 0
    finally:
        driver.kill()
        driver.wait()
        driver.stdin.close()
        driver.stdout.close()


@pytest.mark.parametrize("kind", ["plain", "nested", "fsync"])
def test_killed_at_some_moments(kind: str, tmp_path: pathlib.Path) -> None:
    run(tmp_path / "g", kind, 5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["plain", "nested", "fsync"])
def test_killed_at_a_hundred_moments(kind: str, tmp_path: pathlib.Path) -> None:
    run(tmp_path / "g", kind, 100)


def test_remains_of_a_killed_writer_are_no_obstacle(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "g"
    run(path, "plain", 5)
    g = zarr.open_group(str(path), mode="r+")
    g["a"][...] = 5
    assert (g["a"][...] == 5).all()
    g.move("a", "c")
    assert (g["c"][...] == 5).all()
    del g["c"]
    assert "c" not in g
    zarr.open_group(str(path), mode="w")
    assert set(zarr.DirectoryStore(str(path))) == {".zgroup"}


def test_a_failing_write_leaves_the_old_value(tmp_path: pathlib.Path) -> None:
    # A file system without space, as seen by a process with a limit on the size of files.
    script = f"""
import resource, signal, numpy as np, zarr
z = zarr.open_array({str(tmp_path / "a")!r}, mode='w', shape=20000, chunks=10000, dtype='i8',
                    compressor=None)
z[...] = 7
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (40000, 40000))
try:
    z[...] = 8
except OSError as error:
    print(type(error).__name__)
"""
    answer = subprocess.run(
        [sys.executable, "-c", script], check=True, timeout=60, capture_output=True, text=True
    )
    assert answer.stdout.strip() in ("OSError", "StoreError")
    assert (zarr.open_array(str(tmp_path / "a"))[...] == 7).all()
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == [".zarray", "0", "1"]
