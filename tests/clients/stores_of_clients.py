"""What clients of zarr-python 3 do with stores; each function is a program, run by its name."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import zarr
import zarr.api.asynchronous

DATA = np.arange(100.0).reshape(10, 10)


def icechunk() -> None:
    """Commit, branch and travel in time."""
    import icechunk as library

    repo = library.Repository.create(library.in_memory_storage())
    session = repo.writable_session("main")
    store = session.store
    group = zarr.open_group(store, mode="w")
    z = group.create_array("a", shape=(100,), chunks=(10,), dtype="i4")
    z[:] = np.arange(100)
    assert group.store is store
    first = session.commit("first")
    session = repo.writable_session("main")
    z = zarr.open_group(session.store, mode="r+")["a"]
    z[:10] = -1
    z.append(np.arange(5))
    session.commit("second")
    repo.create_branch("other", first)
    session = repo.writable_session("other")
    group = zarr.open_group(session.store, mode="a")
    del group["a"]
    group.create_array("c", shape=3, dtype="u1")
    session.commit("third")
    now = zarr.open_group(repo.readonly_session("main").store, mode="r")
    assert (now["a"].shape, now["a"][0], now["a"][104]) == ((105,), -1, 4)
    then = zarr.open_group(repo.readonly_session(snapshot_id=first).store, mode="r")
    assert then["a"][:].tolist() == list(range(100))
    assert list(zarr.open_group(repo.readonly_session("other").store, mode="r")) == ["c"]


def tifffile() -> None:
    """Read images through the store of tifffile."""
    import tifffile as library

    image = np.arange(64 * 64, dtype="u2").reshape(64, 64)
    for options in ({"tile": (16, 16)}, {"tile": (16, 16), "compression": "zlib"}, {}):
        library.imwrite("image.tif", image, **options)
        with library.imread("image.tif", aszarr=True) as store:
            z = zarr.open(store, mode="r")
            assert (z[:] == image).all()
            assert (z[3:20, 5] == image[3:20, 5]).all()


def obstore() -> None:
    """Write to a store of obstore."""
    import obstore as library

    store = zarr.storage.ObjectStore(store=library.store.MemoryStore(), read_only=False)
    zarr.create_group(store).create_array("a", data=DATA, chunks=3)
    assert (zarr.open_group(store, mode="r")["a"][:] == DATA).all()


def virtualizarr() -> None:
    """Open an HDF5 file as a store, and write references for kerchunk and icechunk."""
    import h5py
    import icechunk as library
    import xarray as xr
    from obspec_utils.registry import ObjectStoreRegistry
    from obstore.store import LocalStore
    from virtualizarr import open_virtual_dataset
    from virtualizarr.parsers import HDFParser

    folder = Path.cwd()
    url = f"file://{folder}/data.h5"
    with h5py.File("data.h5", "w") as file:
        file.create_dataset("t", data=DATA, chunks=(5, 5), compression="gzip")
    registry = ObjectStoreRegistry({"file://": LocalStore()})
    manifest = HDFParser()(url=url, registry=registry)
    assert (zarr.open_group(manifest, mode="r", zarr_format=3)["t"][:] == DATA).all()
    virtual = open_virtual_dataset(url, registry=registry, parser=HDFParser())
    virtual.vz.to_kerchunk("references.json", format="json")
    assert float(xr.open_dataset("references.json", engine="kerchunk").t[3, 4]) == 34
    config = library.RepositoryConfig.default()
    files = library.local_filesystem_store(str(folder))
    config.set_virtual_chunk_container(library.VirtualChunkContainer(f"file://{folder}/", files))
    repo = library.Repository.create(
        library.in_memory_storage(),
        config=config,
        authorize_virtual_chunk_access=library.containers_credentials({f"file://{folder}/": None}),
    )
    session = repo.writable_session("main")
    virtual.vz.to_icechunk(session.store)
    session.commit("virtual")
    found = zarr.open_group(repo.readonly_session("main").store, mode="r")["t"]
    assert (found[:] == DATA).all()


def kerchunk() -> None:
    """Read references through a file system for coroutines."""
    import fsspec
    import h5py
    from kerchunk.hdf import SingleHdf5ToZarr

    with h5py.File("data.h5", "w") as file:
        file.create_dataset("t", data=DATA, chunks=(5, 5), compression="gzip")
    references = SingleHdf5ToZarr("data.h5").translate()
    fs = fsspec.filesystem(
        "reference", fo=references, asynchronous=True, remote_protocol="file",
        remote_options={"asynchronous": True},
    )  # fmt: skip
    store = zarr.storage.FsspecStore(fs, read_only=True)
    assert zarr.open_group(store, mode="r", zarr_format=2)["t"][3, 4] == 34


def xarray() -> None:
    """Write to and read from stores of several kinds, also by coroutines."""
    import icechunk as library
    import xarray as xr

    data = xr.Dataset({"t": (("x", "y"), DATA)}, coords={"x": np.arange(10)})
    session = library.Repository.create(library.in_memory_storage()).writable_session("main")
    stores = zarr.storage.MemoryStore(), zarr.storage.LocalStore("data.zarr"), session.store
    for store in stores:
        data.to_zarr(store, zarr_format=3, consolidated=False)
        xr.testing.assert_identical(xr.open_zarr(store, consolidated=False).load(), data)
        opened = xr.open_zarr(store, chunks=None, consolidated=False)
        loaded = asyncio.run(opened.isel(x=[0, 2]).load_async())
        assert (loaded.t.values == DATA[[0, 2]]).all()
        data.to_zarr(store, append_dim="x", consolidated=False)
        assert xr.open_zarr(store, consolidated=False).sizes["x"] == 20


def asynchronous() -> None:
    """Use groups and arrays by coroutines."""

    async def main() -> list[str]:
        group = await zarr.api.asynchronous.open_group(store={}, mode="w")
        z = await group.create_array("x", shape=3, dtype="i4")
        await z.setitem(slice(None), 7)
        assert (await z.getitem(slice(None))).tolist() == [7, 7, 7]
        return [name async for name in group.array_keys()]

    assert asyncio.run(main()) == ["x"]


PROGRAMS: dict[str, Callable[[], Any]] = {
    program.__name__: program
    for program in (icechunk, tifffile, obstore, virtualizarr, kerchunk, xarray, asynchronous)
}

if __name__ == "__main__":
    PROGRAMS[sys.argv[1]]()
    print("done")
