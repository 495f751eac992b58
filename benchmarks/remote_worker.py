"""One library's part in `remote.py`: jobs as lines of JSON in, answers as JSON out.

Runs in the environment of its library, which has NumPy and little else. A library opens an
empty array in the bucket, and says how to read several regions at a time.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

BUCKET = "measured"
TOGETHER = 256
"""Threads that read regions at the same time, with libraries whose reads wait."""

Region = tuple[slice, ...]


class Layout(NamedTuple):
    """How an array is stored."""

    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: str
    shards: tuple[int, ...] | None = None

    def data(self) -> np.ndarray[Any, Any]:
        """Return a smooth field with some noise, which packs to about three quarters."""
        rng = np.random.default_rng(0)
        if self.shards is None:
            rows, columns = np.ogrid[: self.shape[0], : self.shape[1]]
            field = np.sin(rows / 200) + np.cos(columns / 300)
            packed = np.round((field + rng.random(self.shape) / 50) * 1000) / 1000
            return np.asarray(packed, self.dtype)
        angles = [np.arange(n) * np.pi * (4 + 2 * d) / n for d, n in enumerate(self.shape)]
        x, y, z = np.ix_(*[(900 * np.sin(angle)).astype("i2") for angle in angles])
        return np.asarray(3000 + x + y + z + rng.integers(0, 16, self.shape, "i2"), self.dtype)

    def random_chunks(self, count: int) -> list[Region]:
        """Return the regions of some chunks, the same in every process."""
        rng = np.random.default_rng(1)
        counts = [n // length for n, length in zip(self.shape, self.chunks, strict=True)]
        places = rng.integers(0, counts, (count, len(counts))) * self.chunks
        return [tuple(map(slice, place, place + self.chunks)) for place in places]


LAYOUTS = {
    "chunks": Layout((2048, 4096), (128, 256), "float32"),  # 16 x 16 chunks of 128 KiB
    "shards": Layout((512, 512, 512), (32, 32, 32), "uint16", (256, 256, 256)),
}


class Opened(NamedTuple):
    """An empty array, and what a library does with it.

    Attributes
    ----------
    write : callable
        Stores all values.
    read : callable
        Returns a region.
    read_together : callable
        Returns several regions, as fast as the library can.
    """

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]
    read_together: Callable[[Sequence[Region]], list[Any]]


def indexed(array: Any) -> Opened:
    """Return what is done with an array that is indexed, and waits for the result."""
    pool = ThreadPoolExecutor(TOGETHER)
    return Opened(
        lambda values: array.__setitem__(..., values),
        array.__getitem__,
        lambda regions: list(pool.map(array.__getitem__, regions)),
    )


def ours(layout: Layout, store: Any, **opening: Any) -> Opened:
    """Return an array of this library."""
    import zarr

    options: dict[str, Any] = {"compressor": zarr.Blosc("lz4", 5, 1)}
    if layout.shards is not None:
        options |= {"shards": layout.shards, "zarr_format": 3}
    array = zarr.open(
        store,
        mode="w",
        shape=layout.shape,
        chunks=layout.chunks,
        dtype=layout.dtype,
        **options,
        **opening,
    )
    return indexed(array)


def ours_by_url(name: str, address: str, layout: Layout) -> Opened:
    """Open what a user would: a URL, with the options of fsspec."""
    options = {"endpoint_url": address, "anon": True}
    return ours(layout, f"s3://{BUCKET}/{name}", storage_options=options)


def ours_by_fsspec(name: str, address: str, layout: Layout) -> Opened:
    from zarr.storage import FSStore

    return ours(layout, FSStore(f"s3://{BUCKET}/{name}", endpoint_url=address, anon=True))


def zarr_python(name: str, layout: Layout, store: Any) -> Opened:
    """Return an array of zarr-python 3."""
    import numcodecs

    import zarr

    if name.endswith("-256"):
        zarr.config.set({"async.concurrency": 256})
    options: dict[str, Any] = {"zarr_format": 2, "compressors": numcodecs.Blosc("lz4", 5, 1)}
    if layout.shards is not None:
        blosc = zarr.codecs.BloscCodec(
            cname="lz4", clevel=5, shuffle="shuffle", typesize=np.dtype(layout.dtype).itemsize
        )
        options = {"zarr_format": 3, "compressors": blosc, "shards": layout.shards}
    array = zarr.create_array(
        store=store,
        shape=layout.shape,
        chunks=layout.chunks,
        dtype=layout.dtype,
        overwrite=True,
        **options,
    )
    return indexed(array)


def zarr_obstore(name: str, address: str, layout: Layout) -> Opened:
    import obstore.store

    from zarr.storage import ObjectStore

    store = obstore.store.S3Store(
        BUCKET,
        prefix=name,
        endpoint=address,
        region="us-east-1",
        skip_signature=True,
        client_options={"allow_http": True},
    )
    return zarr_python(name, layout, ObjectStore(store))


def zarrs_obstore(name: str, address: str, layout: Layout) -> Opened:
    import zarr

    zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"})
    return zarr_obstore(name, address, layout)


def zarr_fsspec(name: str, address: str, layout: Layout) -> Opened:
    from zarr.storage import FsspecStore

    options: dict[str, Any] = {"endpoint_url": address, "anon": True}
    if name.endswith("-256"):
        options["config_kwargs"] = {"max_pool_connections": 256}
    store = FsspecStore.from_url(f"s3://{BUCKET}/{name}", storage_options=options)
    return zarr_python(name, layout, store)


def tensorstore(name: str, address: str, layout: Layout) -> Opened:
    import tensorstore as ts

    context = {"s3_request_concurrency": {"limit": 256}} if name.endswith("-256") else {}
    array = ts.open(
        {
            "driver": "zarr" if layout.shards is None else "zarr3",
            "kvstore": {
                "driver": "s3",
                "bucket": BUCKET,
                "path": f"{name}/",
                "endpoint": address,
                "aws_region": "us-east-1",
                "aws_credentials": {"type": "anonymous"},
            },
            "metadata": document(layout),
            "create": True,
            "delete_existing": True,
            "recheck_cached_data": True,
        },
        context=ts.Context(context),
    ).result()
    return Opened(
        lambda values: array.write(values).result(),
        lambda region: array[region].read().result(),
        lambda regions: [future.result() for future in [array[r].read() for r in regions]],
    )


def document(layout: Layout) -> dict[str, Any]:
    """Return the metadata of an array as its format has it."""
    dtype = np.dtype(layout.dtype)
    blosc: dict[str, Any] = {"cname": "lz4", "clevel": 5}
    if layout.shards is None:
        return {
            "shape": layout.shape,
            "chunks": layout.chunks,
            "dtype": dtype.str,
            "compressor": {"id": "blosc", **blosc, "shuffle": 1},
        }
    blosc |= {"shuffle": "shuffle", "blocksize": 0, "typesize": dtype.itemsize}
    little = {"name": "bytes", "configuration": {"endian": "little"}}
    sharding = {
        "chunk_shape": layout.chunks,
        "codecs": [little, {"name": "blosc", "configuration": blosc}],
        "index_codecs": [little, {"name": "crc32c"}],
    }
    return {
        "shape": layout.shape,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": layout.shards}},
        "data_type": dtype.name,
        "codecs": [{"name": "sharding_indexed", "configuration": sharding}],
    }


OPEN = {
    "ours": ours_by_url,
    "ours-fsspec": ours_by_fsspec,
    "zarr-obstore": zarr_obstore,
    "zarr-fsspec": zarr_fsspec,
    "zarrs-obstore": zarrs_obstore,
    "tensorstore": tensorstore,
}


def versions() -> dict[str, str]:
    """Return the versions of what is installed here and takes part."""
    names = ("zarr", "zarrs", "tensorstore", "obstore", "fsspec", "s3fs", "aiobotocore", "numpy")
    found = {}
    for name in names:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def jobs(layout: Layout, opened: Opened, values: Any) -> dict[str, tuple[Callable[[], Any], Any]]:
    """Return what each job does, and what it returns, made by NumPy."""
    regions = layout.random_chunks(500) if layout.shards is not None else []
    middle = tuple(n * 2 // 5 for n in layout.shape)
    plane, across = (middle[0],), (..., middle[-1])
    return {
        "write": (lambda: opened.write(values), None),
        "read": (lambda: opened.read(...), lambda: values),
        "plane": (lambda: opened.read(plane), lambda: values[plane]),
        "across": (lambda: opened.read(across), lambda: values[across]),
        "single": (
            lambda: [opened.read(region) for region in regions],
            lambda: [values[region] for region in regions],
        ),
        "together": (
            lambda: opened.read_together(regions),
            lambda: [values[region] for region in regions],
        ),
    }


def main(name: str, address: str, what: str) -> None:
    """Do the jobs that are asked for on standard input, until it ends."""
    layout = LAYOUTS[what]
    values = layout.data()
    opened = OPEN[name.removesuffix("-256")](name, address, layout)
    known = jobs(layout, opened, values)
    checked = set()
    print(json.dumps(versions()), flush=True)
    for line in sys.stdin:
        job = json.loads(line)["do"]
        do, expected = known[job]
        start = perf_counter()
        try:
            found = do()
        except Exception as error:  # noqa: BLE001 (what a library cannot is part of the table)
            print(json.dumps({"cannot": f"{type(error).__name__}: {error}"}), flush=True)
            continue
        seconds = perf_counter() - start
        if expected is not None and job not in checked:
            np.testing.assert_array_equal(found, expected())
            checked.add(job)
        print(json.dumps({"seconds": seconds}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
