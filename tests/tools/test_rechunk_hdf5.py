"""`zarr.rechunk` from HDF5 files."""

from __future__ import annotations

import io
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr
from zarr.errors import CopyError, PathNotFoundError

h5py = pytest.importorskip("h5py")

DATA = np.arange(60 * 80, dtype="i4").reshape(60, 80)
WORDS = np.array([["é", "bc"], ["", "d" * 50]], object)


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A file with some of what HDF5 has."""
    with h5py.File(tmp_path / "source.h5", "w") as file:
        file.attrs["title"] = "model"
        t = file.create_dataset("ocean/t", data=DATA, chunks=(4, 80), compression="gzip")
        t.attrs["units"] = "K"
        file["time"] = np.arange(60.0)
        file["time"].make_scale("time")
        t.dims[0].attach_scale(file["time"])
        file.create_dataset("plain", data=DATA)
        file.create_dataset("words", data=WORDS, dtype=h5py.string_dtype(), chunks=(1, 2))
        file["scalar"] = 5
        file.create_group("empty")
    return str(tmp_path / "source.h5")


def _check_tree(made: Any) -> None:
    assert np.array_equal(made["ocean/t"][...], DATA) and np.array_equal(made["plain"][...], DATA)
    assert np.array_equal(made["words"][...], WORDS) and made["scalar"][()] == 5
    assert made["ocean/t"].attrs["units"] == "K" and made.attrs["title"] == "model"
    assert "empty" in made


def test_a_file_by_its_path(path: str) -> None:
    store = zarr.MemoryStore()

    done = zarr.rechunk(path, store, {"time": 60}, memory="64kB", verify="all")

    made = zarr.open_group(store, mode="r")
    _check_tree(made)
    assert made["ocean/t"].chunks == (60, 80) and made["time"].chunks == (60,)
    assert {plan.path for plan in done.plans} == {"ocean/t", "plain", "scalar", "time", "words"}
    one = zarr.MemoryStore()
    zarr.rechunk(path, one, (60, 5), path="ocean/t", zarr_format=3)
    assert zarr.open_array(one).dimension_names == ("time", None)
    with pytest.raises(PathNotFoundError, match="absent"):
        zarr.rechunk(path, one, path="absent")


@pytest.mark.parametrize("kind", ["dataset", "group", "file", "in memory"])
def test_objects_of_h5py(path: str, kind: str) -> None:
    store = zarr.MemoryStore()
    opened = io.BytesIO(Path(path).read_bytes()) if kind == "in memory" else path

    with h5py.File(opened, "r") as file:
        source = {"dataset": file["ocean/t"], "group": file["ocean"]}.get(kind, file)
        with ThreadPoolExecutor(3) as executor:
            zarr.rechunk(
                source, store, options={"*t": {"chunks": (60, 5)}}, memory="64kB", verify="all",
                executor=executor,
            )  # fmt: skip

    made = zarr.open(store, mode="r")
    if kind == "dataset":
        assert np.array_equal(made[...], DATA)
    elif kind == "group":
        assert made["t"].chunks == (60, 5) and np.array_equal(made["t"][...], DATA)
    else:
        _check_tree(made)


@pytest.mark.parametrize("memory", ["64kB", 9000, 4200])
def test_blocks_read_chunks_as_often_as_planned(path: str, memory: Any, monkeypatch: Any) -> None:
    reads: list[Any] = []
    read = zarr.tools.hdf5.read

    def counted(dataset: Any, region: Any) -> Any:
        reads.extend(range(region[0].start // 4, -(-region[0].stop // 4)))
        return read(dataset, region)

    monkeypatch.setattr(zarr.tools.hdf5, "read", counted)
    store = zarr.MemoryStore()
    with h5py.File(path, "r") as file:
        done = zarr.rechunk(file["ocean/t"], store, (60, 2), memory=memory, verify=None)

    assert np.array_equal(zarr.open_array(store)[...], DATA)
    most = max(reads.count(chunk) for chunk in set(reads))
    assert len(set(reads)) == 15 and most <= done.plans[0].chosen.reads


def test_words_within_little_memory(path: str) -> None:
    store = zarr.MemoryStore()

    zarr.rechunk(path, store, (2, 1), memory=3000, verify="all", path="words")

    assert np.array_equal(zarr.open_array(store)[...], WORDS)


def test_into_an_array_that_exists(path: str) -> None:
    target = zarr.zeros((60, 80), chunks=(30, 16), dtype="i4")

    zarr.rechunk(path, target, memory=20000, path="ocean/t")

    assert np.array_equal(target[...], DATA)


def test_processes(path: str, tmp_path: Path) -> None:
    dest = str(tmp_path / "dest.zarr")
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as executor:
        zarr.rechunk(path, dest, {"time": 60}, memory="64kB", executor=executor)
        with h5py.File(path, "r+") as file, pytest.raises(ValueError, match="open for writing"):
            zarr.rechunk(file, f"{dest}2", executor=executor)
        copied = io.BytesIO(Path(path).read_bytes())
        with h5py.File(copied, "r") as file, pytest.raises(ValueError, match="no plain file"):
            zarr.rechunk(file, f"{dest}2", executor=executor)

    _check_tree(zarr.open_group(dest, mode="r"))


class Stopping(zarr.MemoryStore):
    left = 20

    def setitems(self, items: Any) -> None:
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt
        super().setitems(items)


@pytest.fixture
def stopped(path: str) -> Stopping:
    store = Stopping()
    store.left = 5
    with pytest.raises(KeyboardInterrupt):
        zarr.rechunk(path, store, (60, 5), memory=9000, path="ocean/t")
    return store


def test_an_interruption_is_resumed(path: str, stopped: Stopping) -> None:
    done = zarr.rechunk(path, stopped, (60, 5), memory=9000, path="ocean/t")

    assert done.found > 0 and np.array_equal(zarr.open_array(stopped)[...], DATA)


def test_a_changed_file_is_noticed(path: str, stopped: Stopping) -> None:
    with h5py.File(path, "r+") as file:
        file["ocean/t"][0] = 7
        file.create_dataset("more", data=DATA)

    with pytest.raises(CopyError, match="has changed"):
        zarr.rechunk(path, stopped, (60, 5), memory=9000, path="ocean/t")


def test_what_cannot_be(path: str) -> None:
    with pytest.raises(ValueError, match="dest is required for a source in HDF5"):
        zarr.rechunk(path)
    with h5py.File(path, "r+") as file:
        file["alias"] = h5py.SoftLink("/nowhere")
    with pytest.warns(UserWarning, match="alias is a broken link"):
        zarr.rechunk(path, zarr.MemoryStore())
