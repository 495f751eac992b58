"""What users of bioio-ome-zarr do with Zarr, in both formats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
from bioio_ome_zarr import Reader
from bioio_ome_zarr.writers import Channel, OMEZarrWriter
from steps import run

import zarr

IMAGE = np.random.default_rng(0).integers(0, 255, (2, 3, 4, 64, 64)).astype("u1")
CHANNELS = [Channel(label=f"c{i}", color="FF0000") for i in range(3)]
LEVELS = [IMAGE.shape, (2, 3, 4, 32, 32)]


def written(folder: Path, version: int, **options: Any) -> str:
    path = str(folder / "a.ome.zarr")
    writer = OMEZarrWriter(
        path, LEVELS, "u1", chunk_shape=(1, 1, 2, 32, 32), zarr_format=version, channels=CHANNELS,
        **options,
    )  # fmt: skip
    writer.write_full_volume(IMAGE)
    return path


def write_and_read(folder: Path, version: int) -> None:
    reader = Reader(written(folder, version))
    assert (reader.data == IMAGE).all()
    assert reader.channel_names == ["c0", "c1", "c2"]


def levels(folder: Path, version: int) -> None:
    root = zarr.open_group(written(folder, version), mode="r")
    assert [root[str(i)].shape for i in range(2)] == [tuple(shape) for shape in LEVELS]
    assert root["0"].chunks == (1, 1, 2, 32, 32)


def compressors(folder: Path, version: int) -> None:
    named = {2: numcodecs.Blosc("zstd", 3), 3: zarr.codecs.BloscCodec(cname="zstd", clevel=3)}
    assert (Reader(written(folder, version, compressor=named[version])).data == IMAGE).all()


def shards(folder: Path, version: int) -> None:
    options = {} if version == 2 else {"shard_shape": (1, 1, 4, 64, 64)}
    assert (Reader(written(folder, version, **options)).data == IMAGE).all()


def timepoints(folder: Path, version: int) -> None:
    path = str(folder / "a.ome.zarr")
    writer = OMEZarrWriter(path, LEVELS, "u1", zarr_format=version)
    for t in range(2):
        writer.write_timepoints(IMAGE[t : t + 1], start_T_dest=t)
    assert (zarr.open_group(path, mode="r")["0"][:] == IMAGE).all()


STEPS = write_and_read, levels, compressors, shards, timepoints

if __name__ == "__main__":
    run(STEPS, (2, 3))
