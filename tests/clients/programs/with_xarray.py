"""What users of xarray do with Zarr, in both formats."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from steps import run

import zarr


def dataset() -> xr.Dataset:
    return xr.Dataset(
        {
            "t": (("time", "x"), np.arange(12.0).reshape(3, 4)),
            "n": (("x",), np.array([0, 1, 2, 3])),
            "s": (("x",), np.array(["a", "bb", "c", "d"], dtype=object)),
            "flag": (("x",), np.array([True, False, True, True])),
        },
        coords={"time": pd.date_range("2000-01-01", periods=3), "x": np.arange(4)},
        attrs={"title": "example"},
    )


def write_and_read(folder: Path, version: int) -> None:
    dataset().to_zarr(folder / "a.zarr", zarr_format=version)
    xr.testing.assert_identical(xr.open_zarr(folder / "a.zarr").load(), dataset())


def without_consolidated_metadata(folder: Path, version: int) -> None:
    dataset().to_zarr(folder / "a.zarr", zarr_format=version, consolidated=False)
    found = xr.open_zarr(folder / "a.zarr", consolidated=False).load()
    xr.testing.assert_identical(found, dataset())


def append(folder: Path, version: int) -> None:
    dataset().to_zarr(folder / "a.zarr", zarr_format=version)
    more = dataset().assign_coords(time=pd.date_range("2000-01-04", periods=3))
    more.drop_vars(["n", "s", "flag"]).to_zarr(folder / "a.zarr", append_dim="time")
    assert (
        xr.open_zarr(folder / "a.zarr").t.to_numpy().tolist() == [*more.t.to_numpy().tolist()] * 2
    )


def write_region(folder: Path, version: int) -> None:
    dataset().to_zarr(folder / "a.zarr", zarr_format=version)
    row = dataset()[["t"]].isel(time=[1]).drop_vars(["time", "x"]) + 100
    row.to_zarr(folder / "a.zarr", region={"time": slice(1, 2)})
    assert xr.open_zarr(folder / "a.zarr").t.to_numpy()[1].tolist() == [104, 105, 106, 107]


def encodings(folder: Path, version: int) -> None:
    codec = {2: {}, 3: {"compressors": zarr.codecs.BloscCodec(cname="lz4")}}[version]
    encoding = {"t": {"chunks": (1, 2), **codec}}
    source = dataset().drop_vars("s")
    source.to_zarr(folder / "a.zarr", zarr_format=version, encoding=encoding)
    found = xr.open_zarr(folder / "a.zarr")
    assert found.t.encoding["chunks"] == (1, 2)
    found.to_zarr(folder / "b.zarr", zarr_format=version)
    xr.testing.assert_identical(xr.open_zarr(folder / "b.zarr").load(), source)


def shards(folder: Path, version: int) -> None:
    encoding = {"t": {"chunks": (1, 2), "shards": {2: None, 3: (3, 4)}[version]}}
    dataset().to_zarr(folder / "a.zarr", zarr_format=version, encoding=encoding)
    assert xr.open_zarr(folder / "a.zarr").t.encoding["shards"] == encoding["t"]["shards"]


def add_a_variable(folder: Path, version: int) -> None:
    dataset().to_zarr(folder / "a.zarr", zarr_format=version)
    dataset()[["t"]].rename(t="u").to_zarr(folder / "a.zarr", mode="a")
    assert {"t", "u"} <= {*xr.open_zarr(folder / "a.zarr")}


def group_below(folder: Path, version: int) -> None:
    dataset().to_zarr(folder / "a.zarr", group="g/h", zarr_format=version)
    found = xr.open_zarr(folder / "a.zarr", group="g/h").load()
    xr.testing.assert_identical(found, dataset())


def tree(folder: Path, version: int) -> None:
    xr.DataTree.from_dict({"/": dataset(), "/c": dataset()}).to_zarr(
        folder / "a.zarr", zarr_format=version
    )
    found = xr.open_datatree(folder / "a.zarr", engine="zarr")["c"].to_dataset().load()
    xr.testing.assert_identical(found, dataset())


def chunks_of_dask(folder: Path, version: int) -> None:
    dataset().chunk({"time": 1}).to_zarr(folder / "a.zarr", zarr_format=version)
    xr.testing.assert_identical(xr.open_zarr(folder / "a.zarr").load(), dataset())


def unnamed_array(folder: Path, version: int) -> None:
    xr.DataArray([1, 2, 3]).to_zarr(folder / "a.zarr", zarr_format=version)
    found = xr.open_dataarray(folder / "a.zarr", engine="zarr")
    assert found.to_numpy().tolist() == [1, 2, 3]


def store_in_memory(folder: Path, version: int) -> None:
    store = zarr.storage.MemoryStore()
    dataset().to_zarr(store, zarr_format=version)
    xr.testing.assert_identical(xr.open_zarr(store).load(), dataset())


def nothing_there(folder: Path, version: int) -> None:
    try:
        xr.open_zarr(folder / "a.zarr")
    except FileNotFoundError:
        return
    raise AssertionError("no error")


def zeros_stay_zeros(folder: Path, version: int) -> None:
    xr.Dataset({"n": (("x",), np.array([0, 1]))}).to_zarr(folder / "a", zarr_format=version)
    assert xr.open_zarr(folder / "a").n.dtype.kind == "i"


def asynchronously(folder: Path, version: int) -> None:
    dataset().to_zarr(folder / "a.zarr", zarr_format=version)
    found = xr.open_zarr(folder / "a.zarr", chunks=None)
    asyncio.run(found.load_async())
    xr.testing.assert_identical(found, dataset())


STEPS = (
    write_and_read, without_consolidated_metadata, append, write_region, encodings, shards,
    add_a_variable, group_below, tree, chunks_of_dask, unnamed_array, store_in_memory,
    nothing_there, zeros_stay_zeros, asynchronously,
)  # fmt: skip

if __name__ == "__main__":
    run(STEPS, (2, 3))
