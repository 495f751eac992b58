"""One library's part in `remote.py`: jobs as lines of JSON in, answers as JSON out.

Runs in the environment of its library, which has NumPy and little else.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable
from importlib import metadata
from time import perf_counter
from typing import Any

import numpy as np

SHAPE, CHUNKS, DTYPE = (2048, 4096), (128, 256), "float32"
"""16 x 16 chunks of 128 KiB."""

BUCKET = "measured"

Job = Callable[[], Any]


def data() -> np.ndarray[Any, Any]:
    """Return a smooth field with some noise, which packs to three quarters."""
    rng = np.random.default_rng(0)
    rows, columns = np.ogrid[: SHAPE[0], : SHAPE[1]]
    field = np.sin(rows / 200) + np.cos(columns / 300)
    return (np.round((field + rng.random(SHAPE) / 50) * 1000) / 1000).astype(DTYPE)


def ours(store: Any) -> tuple[Callable[[Any], None], Job]:
    """Return what writes and what reads, with this library."""
    import zarr

    options = {"chunks": CHUNKS, "dtype": DTYPE, "compressor": zarr.Blosc("lz4", 5, 1)}
    array = zarr.create(SHAPE, store=store, overwrite=True, **options)
    return lambda values: array.__setitem__(..., values), lambda: array[...]


def ours_obstore(name: str, address: str) -> tuple[Callable[[Any], None], Job]:
    from zarr.storage import ObjectStore

    return ours(
        ObjectStore(
            f"s3://{BUCKET}/{name}",
            endpoint=address,
            region="us-east-1",
            skip_signature=True,
            client_options={"allow_http": True},
        )
    )


def ours_fsspec(name: str, address: str) -> tuple[Callable[[Any], None], Job]:
    from zarr.storage import FSStore

    return ours(FSStore(f"s3://{BUCKET}/{name}", endpoint_url=address, anon=True))


def zarr_python(name: str, store: Any) -> tuple[Callable[[Any], None], Job]:
    """Return what writes and what reads, with zarr-python 3."""
    import numcodecs

    import zarr

    if name.endswith("-256"):
        zarr.config.set({"async.concurrency": 256})
    array = zarr.create_array(
        store=store,
        shape=SHAPE,
        chunks=CHUNKS,
        dtype=DTYPE,
        zarr_format=2,
        compressors=numcodecs.Blosc("lz4", 5, 1),
        overwrite=True,
    )
    return lambda values: array.__setitem__(..., values), lambda: array[...]


def zarr_obstore(name: str, address: str) -> tuple[Callable[[Any], None], Job]:
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
    return zarr_python(name, ObjectStore(store))


def zarr_fsspec(name: str, address: str) -> tuple[Callable[[Any], None], Job]:
    from zarr.storage import FsspecStore

    options: dict[str, Any] = {"endpoint_url": address, "anon": True}
    if name.endswith("-256"):
        options["config_kwargs"] = {"max_pool_connections": 256}
    store = FsspecStore.from_url(f"s3://{BUCKET}/{name}", storage_options=options)
    return zarr_python(name, store)


def tensorstore(name: str, address: str) -> tuple[Callable[[Any], None], Job]:
    import tensorstore as ts

    context = {"s3_request_concurrency": {"limit": 256}} if name.endswith("-256") else {}
    array = ts.open(
        {
            "driver": "zarr",
            "kvstore": {
                "driver": "s3",
                "bucket": BUCKET,
                "path": f"{name}/",
                "endpoint": address,
                "aws_region": "us-east-1",
                "aws_credentials": {"type": "anonymous"},
            },
            "metadata": {
                "shape": SHAPE,
                "chunks": CHUNKS,
                "dtype": np.dtype(DTYPE).str,
                "compressor": {"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1},
            },
            "create": True,
            "delete_existing": True,
            "recheck_cached_data": True,
        },
        context=ts.Context(context),
    ).result()
    return lambda values: array.write(values).result(), lambda: array.read().result()


OPEN = {
    "ours-obstore": ours_obstore,
    "ours-fsspec": ours_fsspec,
    "zarr-obstore": zarr_obstore,
    "zarr-fsspec": zarr_fsspec,
    "tensorstore": tensorstore,
}


def versions() -> dict[str, str]:
    """Return the versions of what is installed here and takes part."""
    names = ("zarr", "tensorstore", "obstore", "fsspec", "s3fs", "aiobotocore", "numpy")
    found = {}
    for name in names:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def main(name: str, address: str) -> None:
    """Do the jobs that are asked for on standard input, until it ends."""
    values = data()
    write, read = OPEN[name.removesuffix("-256")](name, address)
    checked = False
    print(json.dumps(versions()), flush=True)
    for line in sys.stdin:
        job = json.loads(line)["do"]
        start = perf_counter()
        found = write(values) if job == "write" else read()
        seconds = perf_counter() - start
        if job == "read" and not checked:
            np.testing.assert_array_equal(found, values)
            checked = True
        print(json.dumps({"seconds": seconds}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
