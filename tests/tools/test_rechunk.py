"""`zarr.rechunk`: the same elements, in other chunks, within bounded memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numcodecs import Blosc, Zlib

import zarr
from zarr.errors import ContainsArrayError, CopyError, PathNotFoundError
from zarr.tools.rechunk_plan import Layout, Regions, candidates, pieces

DATA = np.arange(60 * 80, dtype="i4").reshape(60, 80)


def _rows(**options: Any) -> zarr.Array:
    return zarr.array(DATA, chunks=(4, 80), **options)


def test_an_array_into_a_store() -> None:
    source, store = _rows(), zarr.MemoryStore()
    source.attrs["units"] = "K"

    done = zarr.rechunk(source, store, chunks=(60, 5))

    made = zarr.open_array(store, mode="r")
    assert made.chunks == (60, 5) and made.attrs.asdict() == {"units": "K"}
    assert np.array_equal(made[...], DATA)
    assert made.compressor == source.compressor
    assert done.blocks == 1 and done.found == 0
    assert not [key for key in store if "__rechunk" in key]


@pytest.mark.parametrize("memory", [9000, 12000, 20000, "64kB"])
def test_little_memory(memory: int | str) -> None:
    store = zarr.MemoryStore()

    done = zarr.rechunk(_rows(), store, chunks=(60, 5), memory=memory, verify="all")

    assert np.array_equal(zarr.open_array(store, mode="r")[...], DATA)
    assert done.blocks > 1 or memory == "64kB"
    assert not [key for key in store if "__rechunk" in key]


DTYPES = ["i2", ">f4", "M8[s]", "S3", "U2", "c8", "b1", [("a", "u1"), ("b", "<f8")]]


@st.composite
def _cases(draw: st.DrawFn) -> dict[str, Any]:
    shape = tuple(draw(st.lists(st.integers(0, 13), min_size=0, max_size=3)))
    lengths = st.tuples(*(st.integers(1, 15) for _ in shape))
    chunks = draw(lengths)
    shards = None
    if shape and draw(st.booleans()):
        shards = tuple(n * draw(st.integers(1, 3)) for n in chunks)
    return {
        "shape": shape,
        "source": {"chunks": draw(lengths) or True, "zarr_format": draw(st.sampled_from([2, 3]))},
        "chunks": chunks if shape else None,
        "shards": shards,
        "dtype": draw(st.sampled_from(DTYPES)),
        "blocks": draw(st.integers(1, 6)),
        "fraction": draw(st.sampled_from([0.0, 0.5, 1.0])),
    }


@settings(deadline=None, max_examples=150)
@given(_cases())
def test_any_array(case: dict[str, Any]) -> None:
    dtype = np.dtype(case["dtype"])
    if dtype.fields is not None:
        case["source"]["zarr_format"], case["shards"] = 2, None
    size = int(np.prod(case["shape"]))
    values = np.arange(size).astype("u1").astype("i4").reshape(case["shape"])
    data = np.zeros(case["shape"], dtype)
    if dtype.fields is None:
        data[...] = values.astype("i8" if dtype.kind in "mM" else dtype).astype(dtype)
    else:
        data["a"], data["b"] = values, values
    source = zarr.create(shape=case["shape"], dtype=dtype, **case["source"])
    rows = int((case["shape"] or (0,))[0] * case["fraction"])
    if case["shape"]:
        source[:rows] = data[:rows]
        data[rows:] = source[rows:]
    else:
        source[...] = data
    unit = max(np.prod(case["shards"] or case["chunks"] or (1,)), np.prod(source.chunks or (1,)))
    memory = int(max(1, 3 * unit * dtype.itemsize * case["blocks"]))
    store = zarr.MemoryStore()

    zarr.rechunk(
        source, store, case["chunks"], case["shards"], memory=memory, verify="all", dest_path="x/y"
    )

    made = zarr.open_group(store, mode="r")["x/y"]
    assert made.shape == case["shape"] and made.shards == case["shards"]
    assert case["chunks"] is None or made.chunks == case["chunks"]
    assert np.array_equal(made[...], data)
    assert zarr.check(store).ok
