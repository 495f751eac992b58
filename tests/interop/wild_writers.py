"""Small stores by other writers, each through its own interface.

    python tests/interop/wild_writers.py FOLDER NAME...

writes `FOLDER/NAME.zarr` for each name of a writer, and `FOLDER/NAME.npz` with what its arrays
hold, by path. Each writer's own environment runs this script, so nothing but NumPy is imported
before its library.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["WRITERS"]

Arrays = dict[str, np.ndarray[Any, Any]]


def numbers(shape: tuple[int, ...], dtype: str, seed: int = 0) -> np.ndarray[Any, Any]:
    """Return an array in which hardly any two items are equal."""
    bits = np.random.default_rng(seed).integers(0, 100, shape)
    return (bits - 50 if np.dtype(dtype).kind in "if" else bits).astype(dtype)


def zarr_python_2(path: str) -> Arrays:
    import zarr

    root = zarr.open_group(path, mode="w")
    arrays = {f"g/{dtype}": numbers((7, 5), dtype) for dtype in ("<i4", ">u2", "<f8")}
    for name, data in arrays.items():
        root.array(name, data, chunks=(3, 2), fill_value=-1 if data.dtype.kind != "u" else 1)
    root["g"].attrs["title"] = "grün"
    text = np.array(["a", "", "é"], object)
    root.array("text", text, dtype=str, chunks=2)
    zarr.consolidate_metadata(path)
    return {**arrays, "text": text.astype("U")}


def zarr_python_3(path: str) -> Arrays:
    import zarr

    root = zarr.open_group(path, mode="w", zarr_format=3)
    data = numbers((8, 10), "int16")
    plain = root.create_array(
        "plain", shape=(8, 10), chunks=(3, 4), dtype="int16", dimension_names=["y", "x"],
        attributes={"units": "m"},
    )  # fmt: skip
    sharded = root.create_array("sharded", shape=(8, 10), chunks=(2, 5), shards=(4, 10), dtype="i2")
    plain[...] = sharded[...] = data
    odd = root.create_group("__unnamed__").create_array("a", shape=(3,), dtype="f4")
    odd[...] = [1, 2, 3]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        zarr.consolidate_metadata(path)
    return {"plain": data, "sharded": data, "__unnamed__/a": np.array([1, 2, 3], "f4")}


def zarrs(path: str) -> Arrays:
    import zarrs as _  # noqa: F401  registers its pipeline

    import zarr

    zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"})
    data = numbers((9, 8), "float32")
    z = zarr.create_array(
        f"{path}/a", shape=data.shape, chunks=(3, 4), shards=(9, 8), dtype=data.dtype,
        compressors=zarr.codecs.ZstdCodec(level=1, checksum=True),
    )  # fmt: skip
    z[...] = data
    return {"a": data}


def tensorstore(path: str) -> Arrays:
    import tensorstore as ts

    arrays = {"v2": numbers((5, 6), ">i4"), "v3": numbers((5, 6), "uint16")}
    sharded = [
        {
            "name": "sharding_indexed",
            "configuration": {
                "chunk_shape": [2, 3],
                "codecs": [{"name": "bytes", "configuration": {"endian": "big"}}, {"name": "gzip"}],
                "index_location": "start",
            },
        }
    ]
    grid = {"name": "regular", "configuration": {"chunk_shape": [4, 6]}}
    metadata = {
        "v2": {"shape": [5, 6], "chunks": [2, 4], "dtype": ">i4", "compressor": {"id": "zlib"}},
        "v3": {"shape": [5, 6], "data_type": "uint16", "chunk_grid": grid, "codecs": sharded},
    }
    for name, data in arrays.items():
        driver = "zarr" if name == "v2" else "zarr3"
        kvstore = {"driver": "file", "path": f"{path}/{name}"}
        spec = {"driver": driver, "kvstore": kvstore, "metadata": metadata[name]}
        ts.open(spec, create=True).result()[...] = data
    spec = {"driver": "zarr", "kvstore": {"driver": "file", "path": f"{path}/bfloat16"}}
    ts.open(spec, create=True, dtype=ts.bfloat16, shape=[4]).result()[...] = [1, 2, 3, 4]
    return {**arrays, "bfloat16": np.array([1, 2, 3, 4], "f4")}


def acquire(path: str) -> Arrays:
    import acquire_zarr as aqz

    space = aqz.DimensionType.SPACE
    settings = aqz.ArraySettings(
        output_key="a",
        data_type=np.uint16,
        compression=aqz.CompressionSettings(
            compressor=aqz.Compressor.BLOSC1,
            codec=aqz.CompressionCodec.BLOSC_LZ4,
            level=1,
            shuffle=1,
        ),
        dimensions=[
            aqz.Dimension(
                name=name, kind=kind, array_size_px=size, chunk_size_px=chunk, shard_size_chunks=2
            )
            for name, kind, size, chunk in (
                ("t", aqz.DimensionType.TIME, 0, 2),
                ("y", space, 6, 3),
                ("x", space, 8, 4),
            )
        ],
    )
    stream = aqz.ZarrStream(aqz.StreamSettings(store_path=path, arrays=[settings], overwrite=True))
    data = numbers((5, 6, 8), "uint16")
    stream.append(data, "a")
    stream.close()
    return {"a": data}


def netcdf_c(path: str) -> Arrays:
    import netCDF4

    data = numbers((4, 4), "int32")
    with netCDF4.Dataset(f"file://{path}#mode=nczarr,file", "w") as dataset:
        dataset.createDimension("y", 5)
        dataset.createDimension("x", 4)
        options = {"chunksizes": (2, 3), "fill_value": -1}
        for name, more in {"plain": {}, "packed": {"zlib": True, "shuffle": True}}.items():
            variable = dataset.createVariable(name, "i4", ("y", "x"), **options, **more)
            variable.units = "m"
            variable[:4] = data
        inner = dataset.createGroup("g").createVariable("b", "f8", ("x",))
        inner[:] = [1.5, 2, 3, 4]
    whole = np.concatenate([data, np.full((1, 4), -1, "int32")])
    return {"plain": whole, "packed": whole, "g/b": np.array([1.5, 2, 3, 4])}


def gdal(path: str) -> Arrays:
    return _gdal(path, "ZARR_V2", "ZLIB")


def gdal_3(path: str) -> Arrays:
    return _gdal(path, "ZARR_V3", "GZIP")


def _gdal(path: str, version: str, compress: str) -> Arrays:
    import rasterio

    data = numbers((5, 7), "float32")
    options = {"FORMAT": version, "COMPRESS": compress, "BLOCKSIZE": "2,3", "ARRAY_NAME": "band"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has no coordinates
        with rasterio.open(
            path, "w", driver="Zarr", width=7, height=5, count=1, dtype="float32", **options
        ) as raster:
            raster.write(data, 1)
    return {"band": data}


def xarray(path: str) -> Arrays:
    import xarray as xr

    data = numbers((3, 4), "float64")
    times = np.array(["2000-01-01", "2000-01-02", "2000-01-04"], "M8[ns]")
    dataset = xr.Dataset(
        {"a": (("time", "x"), data), "packed": (("time", "x"), data)}, {"time": times}
    )
    encoding = {"packed": {"dtype": "int16", "scale_factor": 1.0, "_FillValue": -99}}
    for version in (2, 3):
        dataset.to_zarr(
            f"{path}/v{version}", zarr_format=version, encoding=encoding, consolidated=True
        )
    arrays = {"a": data, "packed": data.astype("int16"), "time": np.array([0, 1, 3])}
    return {f"v{version}/{name}": found for version in (2, 3) for name, found in arrays.items()}


def anndata(path: str) -> Arrays:
    import anndata as ad
    import pandas as pd

    data = numbers((4, 3), "float32")
    labels = pd.Categorical(["a", "b", "a", "c"])
    table = pd.DataFrame({"label": labels}, index=[f"n{i}" for i in range(4)])
    annotated = ad.AnnData(data, obs=table)
    annotated.layers["twice"] = 2 * data
    annotated.write_zarr(path, chunks=(2, 3))
    return {
        "X": data,
        "layers/twice": 2 * data,
        "obs/label/codes": labels.codes,
        "obs/label/categories": np.array(["a", "b", "c"]),
    }


WRITERS: dict[str, tuple[str, Callable[[str], Arrays]]] = {
    "zarr-python-2": ("zarr2", zarr_python_2),
    "zarr-python-3": ("zarr3", zarr_python_3),
    "zarrs": ("zarrs", zarrs),
    "tensorstore": ("tensorstore", tensorstore),
    "acquire-zarr": ("writers", acquire),
    "netcdf-c": ("writers", netcdf_c),
    "gdal-2": ("writers", gdal),
    "gdal-3": ("writers", gdal_3),
    "xarray": ("schemas", xarray),
    "anndata": ("schemas", anndata),
}
"""Environment and function by name."""


def main(folder: str, *names: str) -> None:
    """Write the stores of some writers."""
    for name in names:
        path = Path(folder) / f"{name}.zarr"
        arrays = WRITERS[name][1](str(path))
        np.savez(path.with_suffix(".npz"), **{key.replace("/", "|"): arrays[key] for key in arrays})


if __name__ == "__main__":
    main(*sys.argv[1:])
