"""What users of zarrs' Python package do: set its pipeline, and use it for chunks themselves.

Arrays of this package do not use the pipeline (which a warning says); the results are the same.
"""

from __future__ import annotations

import asyncio
import warnings
from pathlib import Path

import numpy as np
import zarrs
from steps import run

import zarr
from zarr.core.array_spec import ArraySpec, parse_array_config
from zarr.core.buffer import default_buffer_prototype

with warnings.catch_warnings(action="ignore"):  # of pipelines that are not used
    zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"})

DATA = np.arange(192, dtype="i4").reshape(12, 16)
FORMATS = {
    "2": {"zarr_format": 2},
    "3": {"zarr_format": 3},
    "blosc": {"compressors": zarr.codecs.BloscCodec(), "zarr_format": 3},
    "shards": {"shards": (6, 8), "zarr_format": 3},
}


def written(folder: Path, setting: str) -> zarr.Array:
    store = zarr.storage.LocalStore(folder / "a.zarr")
    z = zarr.create_array(store, shape=(12, 16), chunks=(3, 4), dtype="i4", **FORMATS[setting])
    z[:] = DATA
    return z


def arrays(folder: Path, setting: str) -> None:
    z = written(folder, setting)
    assert np.array_equal(zarr.open_array(folder / "a.zarr")[:], DATA)
    assert np.array_equal(z[2:9, ::3], DATA[2:9, ::3])


def pipeline(folder: Path, setting: str) -> None:
    z = written(folder, setting)
    found = z.async_array.codec_pipeline
    assert isinstance(found, zarrs.ZarrsCodecPipeline)
    shape = z.shards or z.chunks
    prototype = default_buffer_prototype()
    spec = ArraySpec(shape, z.metadata.dtype, 0, parse_array_config(None), prototype)
    chunk = prototype.nd_buffer.from_numpy_array(np.zeros(shape, "i4"))
    place = z.store_path / ("1.1" if setting == "2" else "c/1/1")
    whole = tuple(slice(0, n) for n in shape)
    info = [(place, spec, whole, whole, True)]
    asyncio.run(found.read(info, chunk))
    part = tuple(slice(n, 2 * n) for n in shape)
    assert np.array_equal(chunk.as_numpy_array(), DATA[part])
    new = prototype.nd_buffer.from_numpy_array(DATA[part] + 1000)
    asyncio.run(found.write(info, new))
    assert np.array_equal(z[part], DATA[part] + 1000)


STEPS = arrays, pipeline

if __name__ == "__main__":
    run(STEPS, tuple(FORMATS))
