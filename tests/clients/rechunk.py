"""Rechunk an array and a group with rechunker, in the working directory; print the result."""

from __future__ import annotations

import dask
import numpy as np
from rechunker import rechunk

import zarr


def main() -> None:
    dask.config.set(scheduler="threads")
    data = np.random.default_rng(0).normal(size=(100, 90))
    source = zarr.open_array("source.zarr", mode="w", shape=data.shape, chunks=(5, 90))
    source[...] = data
    source.attrs["name"] = "data"
    # So little memory that an intermediate array is needed.
    plan = rechunk(source, (100, 9), 6 * 5 * 90 * 8, "array.zarr", temp_store="temporary.zarr")
    assert plan._intermediate is not None
    plan.execute()
    result = zarr.open_array("array.zarr", mode="r")
    assert result.chunks == (100, 9)
    assert np.array_equal(result[...], data)
    assert dict(result.attrs) == {"name": "data"}

    group = zarr.open_group("group.zarr", mode="w")
    group.attrs["title"] = "two arrays"
    for name in ("a", "b"):
        group.array(name, data, chunks=(5, 90))
    chunks = {"a": (100, 9), "b": (50, 45)}
    plan = rechunk(group, chunks, 10**6, "rechunked.zarr", temp_store="temporary-group.zarr")
    plan.execute()
    result = zarr.open_group("rechunked.zarr", mode="r")
    assert dict(result.attrs) == {"title": "two arrays"}
    for name in group:
        assert result[name].chunks == chunks[name]
        assert np.array_equal(result[name][...], data)
    print("rechunked", result["a"].shape, "array and group")


if __name__ == "__main__":
    main()
