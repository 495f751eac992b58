"""A hierarchy of every dtype copied between all pairs of stores, and a copy larger than memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import h5py
import numcodecs
import numpy as np
import pytest

import zarr

sys.path.insert(0, str(Path(__file__).parents[1] / "fixtures"))
import contents

ARRAYS = {name: (data, options) for name, data, options in contents.arrays()}
NOT_IN_HDF5 = {"objects/json"}  # it has no type for them
ATTRIBUTES = {"title": "Höhe", "number": -1.5, "list": [1, 2, 3], "flag": True, "none": None}
KINDS = ("directory", "zip", "sqlite", "memory", "h5py")

Opener = Callable[[str, str], Any]


@pytest.fixture
def new_root(tmp_path: Path) -> Iterator[Opener]:
    """Return a function that makes an empty root group: of which kind, and of what name."""
    with ExitStack() as stack:

        def make(kind: str, name: str) -> Any:
            path = tmp_path / name
            if kind == "h5py":
                return stack.enter_context(h5py.File(path, "w"))
            store: Any
            if kind == "zip":
                store = zarr.ZipStore(path, mode="w")
            elif kind == "sqlite":
                store = zarr.SQLiteStore(path)
            else:
                store = zarr.MemoryStore() if kind == "memory" else zarr.DirectoryStore(path)
            return zarr.group(stack.enter_context(store))

        yield make


def codec(config: Any) -> Any:
    return None if config is None else numcodecs.get_codec(dict(config))


def fill(root: zarr.Group, leave_out: set[str]) -> None:
    """Write the hierarchy."""
    for name, (data, given) in ARRAYS.items():
        if name in leave_out:
            continue
        options = dict(given)
        part = options.pop("part", None)
        options.setdefault("fill_value", None if data.dtype.hasobject else 0)
        for option in ("compressor", "object_codec"):
            if option in options:
                options[option] = codec(options[option])
        if "filters" in options:
            options["filters"] = [codec(config) for config in options["filters"]]
        z = root.create_dataset(name, shape=data.shape, dtype=data.dtype, **options)
        z[() if data.shape == () else slice(part)] = data[() if data.shape == () else slice(part)]
        z.attrs.put(ATTRIBUTES | {"path": name})
    root.require_group("groups/within/groups").attrs.put(ATTRIBUTES)
    root.attrs.put(ATTRIBUTES)


def plain(values: Any) -> Any:
    """Return what an array holds in words that do not depend on how text is stored."""
    values = np.asarray(values)
    if values.dtype.kind not in "OU":
        return values.dtype.str, values.tobytes()
    items = [np.asarray(v, "u1").tobytes() if isinstance(v, np.ndarray) and v.dtype == "u1"
             else v for v in values.ravel().tolist()]  # fmt: skip
    return [item.tolist() if isinstance(item, np.ndarray) else item for item in items]


def written_by(kind: str, new_root: Opener) -> Any:
    """Return the root of the hierarchy, in a store of this kind."""
    root = new_root(kind, "source")
    if kind != "h5py":
        fill(root, set())
        return root
    memory = zarr.group()
    fill(memory, NOT_IN_HDF5)
    zarr.copy_all(memory, root)
    return root


@pytest.mark.parametrize("new", KINDS)
@pytest.mark.parametrize("old", KINDS)
def test_copies_between_all_pairs(old: str, new: str, new_root: Opener) -> None:
    through_hdf5 = "h5py" in (old, new)
    source = written_by(old, new_root)
    if new == "h5py" and old != "h5py":
        for name in NOT_IN_HDF5:
            del source[name]
    dest = new_root(new, "dest")

    zarr.copy_all(source, dest)

    names = set(ARRAYS) - (NOT_IN_HDF5 if through_hdf5 else set())
    result = dest
    if new == "h5py":  # as a reader of ours finds it
        result = zarr.group()
        zarr.copy_all(dest, result)
    reference = zarr.group()
    fill(reference, set())
    found = {node.path: node for _, node in result.arrays(recurse=True)}
    assert set(found) == names
    for name in names:
        data, options = ARRAYS[name]
        z, wanted = found[name], reference[name]
        assert plain(z[...]) == plain(contents.expected(data, options)), name
        assert z.attrs.asdict() == {**ATTRIBUTES, "path": name}
        assert z.chunks == wanted.chunks
        if through_hdf5:
            assert_fill_value_kept(z, wanted)
            continue
        assert json.loads(result.store[f"{name}/.zarray"]) == json.loads(
            reference.store[f"{name}/.zarray"]
        )
        assert z.nchunks_initialized == wanted.nchunks_initialized
    for group in (result, result["groups/within/groups"]):
        assert group.attrs.asdict() == ATTRIBUTES


def assert_fill_value_kept(z: zarr.Array, wanted: zarr.Array) -> None:
    if wanted.fill_value is None:  # HDF5 always has one
        return
    assert plain(z.fill_value) == plain(wanted.fill_value), wanted.name


MEASURED_COPY = """
import json, sys
import h5py
import zarr

def opened(kind, path, mode):
    if kind == "h5py":
        return h5py.File(path, mode)
    if kind == "zip":
        return zarr.group(zarr.ZipStore(path, mode=mode)) if mode == "w" else zarr.open_group(
            zarr.ZipStore(path, mode="r"), mode="r")
    return zarr.open_group(path, mode=mode)

def status(name):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith(name))

old, new, kws = sys.argv[1], sys.argv[3], json.loads(sys.argv[5])
kws = {name: tuple(v) if isinstance(v, list) else v for name, v in kws.items()}
small = zarr.group()
small.zeros("x", shape=(1000, 1000), chunks=(100, 100))[:] = 1
zarr.copy_all(small, zarr.group(), chunks=(200, 50))  # what is loaded and started once
source, dest = opened(old, sys.argv[2], "r"), opened(new, sys.argv[4], "w")
with open("/proc/self/clear_refs", "w") as reset:
    reset.write("5")  # the peak is now what is in use
before = status("VmRSS")
copied = zarr.copy_all(source, dest, **kws)
after = status("VmHWM")
for root in (source, dest):
    root.close() if isinstance(root, h5py.File) else root.store.close()
print(json.dumps([after - before, copied[2]]))
"""

LENGTHS, CHUNKS = (16_384, 16_384), (1024, 1024)


@pytest.fixture(scope="module")
def two_gigabytes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write an array of two gigabytes that takes a quarter of that on the disk."""
    path = tmp_path_factory.mktemp("large") / "source"
    z = zarr.open_group(path, mode="w").create_dataset(
        "z", shape=LENGTHS, chunks=CHUNKS, dtype="f8"
    )
    random = np.random.default_rng(1)
    for start in range(0, LENGTHS[0], CHUNKS[0]):
        z[start : start + CHUNKS[0]] = random.integers(0, 2**16, (CHUNKS[0], LENGTHS[1]))
    assert z.nbytes == 2 << 30
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("new", "kws"),
    [
        ("directory", {}),
        ("directory", {"chunks": [512, 2048]}),
        ("zip", {}),
        ("h5py", {"compression": None}),
    ],
)
def test_copy_of_two_gigabytes_takes_little_memory(
    two_gigabytes: Path, tmp_path: Path, new: str, kws: dict[str, Any]
) -> None:
    run = subprocess.run(
        [sys.executable, "-c", MEASURED_COPY, "directory", str(two_gigabytes), new,
         str(tmp_path / "dest"), json.dumps(kws)],
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr

    grown, nbytes = json.loads(run.stdout)

    assert nbytes == 2 << 30
    assert grown < 64 << 20
