"""`zarr.digest`: equal for equal data however stored, different for any other."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import zarr
from zarr.errors import PathNotFoundError

RANDOM = np.random.default_rng(3)
SHAPE = (30, 45)
DATA = RANDOM.normal(size=SHAPE)
DATA[3, 4], DATA[5, 6], DATA[0, 0] = np.nan, -0.0, np.inf


def _hdf5(data: np.ndarray[Any, Any], tmp_path: Path, **options: Any) -> Any:
    file = h5py.File(tmp_path / f"{len(os.listdir(tmp_path))}.h5", "w")
    return file.create_dataset("x", data=data, **options)


LAYOUTS: dict[str, Callable[[Any, Path], Any]] = {
    "numpy": lambda data, _: data,
    "fortran": lambda data, _: np.asfortranarray(data),
    "big-endian": lambda data, _: data.astype(data.dtype.newbyteorder(">")),
    "format 2": lambda data, _: zarr.array(data, chunks=(7, 11)),
    "format 2, F": lambda data, _: zarr.array(data, chunks=(7, 50), order="F", compressor=None),
    "format 3": lambda data, _: zarr.array(data, chunks=(45, 1), zarr_version=3),
    "shards": lambda data, _: zarr.array(data, chunks=(4, 5), shards=(8, 20), zarr_version=3),
    "listed": lambda data, _: zarr.array(data, chunks=([10, 13, 7], 9), zarr_version=3),
    "HDF5": lambda data, path: _hdf5(data, path, chunks=(6, 7), compression="gzip"),
    "HDF5 contiguous": _hdf5,
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_how_data_are_stored_makes_no_difference(layout: str, tmp_path: Path) -> None:
    stored = LAYOUTS[layout](DATA, tmp_path)

    assert zarr.digest(stored) == zarr.digest(DATA) == defined_digest()
    assert zarr.diff(stored, DATA).equal


def defined_digest() -> str:
    """Return the digest as the documentation of the module defines it: one tile."""
    header = {"digest": 1, "dtype": "<f8", "kind": "array", "shape": list(SHAPE)}
    text = json.dumps(header, sort_keys=True, separators=(",", ":")) + "\n"
    tile = hashlib.sha256(DATA.astype("<f8").tobytes()).digest()
    return hashlib.sha256(text.encode() + tile).hexdigest()


def _objects(*items: Any) -> np.ndarray[Any, Any]:
    result = np.empty(len(items), object)
    result[:] = items
    return result


KINDS: dict[str, np.ndarray[Any, Any]] = {
    "bool": np.array([True, False, True]),
    "int8": np.arange(-3, 3, dtype="i1"),
    "uint64": np.array([0, 2**64 - 1], "u8"),
    "half": np.array([1.5, np.nan], "f2"),
    "complex": np.array([1 + 2j, -0.0], "c16"),
    "bytes": np.array([b"a", b"", b"abc"], "S3"),
    "text": np.array(["a", "é", ""], "U4"),
    "time": np.array(["2001-01-01", "NaT"], "M8[s]"),
    "duration": np.array([1, 2], "m8[us]"),
    "record": np.array([(1, 2.5), (3, np.nan)], "i2,f8"),
    "scalar": np.array(7.5),
    "empty": np.zeros((0, 4), "i4"),
    "raw": np.array([b"ab", b"cd"], "V2"),
}


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_data(kind: str, version: int) -> None:
    data = KINDS[kind]

    stored = zarr.array(data, zarr_version=version, chunks=2 if data.ndim else True)

    assert zarr.digest(stored) == zarr.digest(data)
    assert zarr.diff(stored, data).equal


def test_text_in_all_formats(tmp_path: Path) -> None:
    data = _objects("a", "ü" * 9, "", "text")
    two = zarr.array(data, chunks=2, dtype=str)
    three = zarr.array(data, chunks=3, dtype=str, zarr_version=3)
    hdf5 = _hdf5(data, tmp_path, dtype=h5py.string_dtype())

    assert {zarr.digest(x) for x in (two, three, hdf5)} == {zarr.digest(data)}
    assert zarr.diff(two, hdf5).equal and zarr.diff(three, hdf5).equal


def test_objects_are_told_apart() -> None:
    items = ["1", b"1", 1, 1.0, None, [1], {"a": 1}, np.array([1]), np.array([1], "i2"), True]

    digests = [zarr.digest(_objects(item)) for item in items]

    assert len(set(digests)) == len(items)
    assert zarr.digest(_objects("ab", "c")) != zarr.digest(_objects("a", "bc"))


def test_padding_of_records_does_not_count() -> None:
    plain = np.array([(1, 2.0), (3, 4.0)], [("a", "i1"), ("b", "f8")])
    padded = np.zeros(2, np.dtype([("a", "i1"), ("b", "f8")], align=True))
    padded.view("u1")[:] = 0xEE
    padded["a"], padded["b"] = plain["a"], plain["b"]

    assert zarr.digest(padded) == zarr.digest(plain) and zarr.diff(padded, plain).equal


def test_types_of_other_packages() -> None:
    data = np.arange(4).astype(ml_dtypes.bfloat16)

    assert zarr.digest(zarr.array(data, zarr_version=3)) == zarr.digest(data)
    assert zarr.digest(data) != zarr.digest(data.view("V2"))


@pytest.mark.parametrize(
    "other",
    [
        DATA.reshape(45, 30), DATA.astype("f4"), DATA.view("i8"), DATA[:-1], DATA[None],
        np.where(np.isnan(DATA), 0, DATA), np.where(DATA == 0, 0.0, DATA),
    ],
)  # fmt: skip
def test_other_arrays(other: np.ndarray[Any, Any]) -> None:
    assert zarr.digest(other) != zarr.digest(DATA)
    assert not zarr.diff(other, DATA).equal


def test_large_arrays_have_several_tiles() -> None:
    data = np.arange(3_000_000, dtype="u4").reshape(1000, 3000)
    z = zarr.array(data, chunks=(100, 999))
    other = zarr.array(data, chunks=(333, 512), compressor=None)

    assert zarr.digest(z) == zarr.digest(other) == zarr.digest(data)
    for place in [(0, 0), (999, 2999), (512, 1024), (511, 1023)]:
        changed = data.copy()
        changed[place] ^= 1
        assert zarr.digest(changed) != zarr.digest(data), place


def _tree(version: int, **options: Any) -> zarr.Group:
    root = zarr.group(zarr_version=version)
    root.create_dataset("a/x", data=DATA, **options)
    root.create_dataset("b", data=np.arange(5))
    root.create_group("empty")
    root["a/x"].attrs["units"] = "m"
    return root


def test_groups(tmp_path: Path) -> None:
    trees = [_tree(2), _tree(3), _tree(3, chunks=(5, 5), shards=(10, 15))]
    with h5py.File(tmp_path / "x.h5", "w") as file:
        zarr.copy_all(trees[0], file)
        assert zarr.digest(file) == zarr.digest(trees[0])
        assert zarr.digest(file, attributes=True) == zarr.digest(trees[0], attributes=True)
        assert zarr.diff(file, trees[1]).equal

    assert len({zarr.digest(tree) for tree in trees}) == 1
    assert len({zarr.digest(tree, attributes=True) for tree in trees}) == 1
    before = zarr.digest(trees[1])
    trees[1]["a/x"].attrs["units"] = "km"
    assert zarr.digest(trees[1]) == before
    assert zarr.digest(trees[1], attributes=True) != zarr.digest(trees[0], attributes=True)
    trees[1].move("b", "c")
    assert zarr.digest(trees[1]) != before


def test_paths_urls_and_algorithms(tmp_path: Path) -> None:
    path = str(tmp_path / "x.zarr")
    zarr.save(path, a=DATA, b=np.arange(3))

    found = zarr.digest(path, path="a")

    assert found == zarr.digest(f"file://{path}", path="a") == zarr.digest(DATA)
    assert found == zarr.digest(zarr.open_group(path), path="a")
    assert found == zarr.digest(zarr.DirectoryStore(path), path="a")
    assert len(zarr.digest(path, "sha1")) == 40 and zarr.digest([1, 2]) == zarr.digest(
        np.array([1, 2])
    )
    with pytest.raises(ValueError, match="no hash algorithm 'crc'"):
        zarr.digest(path, "crc")
    with pytest.raises(PathNotFoundError):
        zarr.digest(path, path="nowhere")
    with pytest.raises(PathNotFoundError, match="does not exist"):
        zarr.digest(str(tmp_path / "nowhere"))


def test_missing_chunks_can_be_an_error() -> None:
    store = zarr.zeros(10, chunks=2).store

    with zarr.config.set(missing="error"), pytest.raises(LookupError):
        zarr.digest(store)


# -- every edit is found --------------------------------------------------------------------

SHAPES = st.lists(st.integers(1, 9), min_size=0, max_size=3).map(tuple)


def _chunked(data: st.DataObject, values: np.ndarray[Any, Any]) -> Any:
    shards = data.draw(st.booleans())
    chunks = tuple(data.draw(st.integers(1, 5)) for _ in values.shape)
    options: dict[str, Any] = {"chunks": chunks} if chunks else {}
    if shards and chunks:
        options["shards"] = tuple(n * data.draw(st.integers(1, 3)) for n in chunks)
    version = 3 if "shards" in options else data.draw(st.sampled_from([2, 3]))
    return zarr.array(values, zarr_version=version, **options)


def _check_edit(shape: tuple[int, ...], data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(["u1", "i4", "f4", "f8", "S3", "i2,f4"]))
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    octets = data.draw(st.binary(min_size=size, max_size=size))
    values = np.frombuffer(octets, dtype).reshape(shape)
    edited = bytearray(octets)
    bit = data.draw(st.integers(0, size * 8 - 1))
    edited[bit >> 3] ^= 1 << (bit & 7)
    other = np.frombuffer(bytes(edited), dtype).reshape(shape)

    a, same, b = (_chunked(data, x) for x in (values, values, other))

    assert zarr.digest(a) == zarr.digest(same) == zarr.digest(values)
    assert zarr.diff(a, same).equal
    assert zarr.digest(a) != zarr.digest(b)
    (found,) = zarr.diff(a, b).differences
    place = np.unravel_index((bit >> 3) // np.dtype(dtype).itemsize, shape)
    assert found.what == "values" and found.count == 1
    assert found.first == (tuple(map(int, place)),)


@settings(max_examples=200, deadline=None)
@given(SHAPES, st.data())
def test_every_edit_is_found(shape: tuple[int, ...], data: st.DataObject) -> None:
    _check_edit(shape, data)


@pytest.mark.exhaustive
@settings(max_examples=10_000, deadline=None)
@given(SHAPES, st.data())
def test_each_of_ten_thousand_edits_is_found(shape: tuple[int, ...], data: st.DataObject) -> None:
    _check_edit(shape, data)
