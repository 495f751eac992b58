"""``zarr import``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np

import zarr
from zarr.cli._copying import Copy, check_free, destination, node_at, print_result
from zarr.cli._locations import Location, opened, opened_store
from zarr.cli._nodes import dimension_names, is_array
from zarr.cli._options import as_json, dry_run, if_exists, zarr_command
from zarr.cli._selections import parse_sizes
from zarr.errors import CopyError
from zarr.storage import BaseStore


@zarr_command("import")
@click.argument("source")
@click.argument("dest")
@click.option("--chunks", help="Shape of chunks, for one array: 100,200 or time=24,lat=100.")
@click.option(
    "--format", "zarr_format", type=click.Choice(["2", "3"]), help="Format of a new store."
)
@if_exists
@click.option("-v", "--verbose", is_flag=True, help="Print a line for all that is copied.")
@dry_run
@as_json
def command(
    source: str,
    dest: str,
    chunks: str | None,
    zarr_format: str | None,
    if_exists: str,
    verbose: bool,
    dry_run: bool,
    as_json: bool,
    storage_options: Mapping[str, Any],
) -> None:
    """Read SOURCE, an HDF5, NetCDF 4, .npy or .npz file, into DEST.

    SOURCE may name a group or dataset in the file: data.h5/ocean/temp. Dimension scales become
    names of dimensions. Pickled objects in .npy and .npz files are refused.
    """
    origin = Location.of(source)
    version = None if zarr_format is None else int(zarr_format)
    log = verbose and not as_json
    if Path(source).suffix in (".npy", ".npz"):
        copy = Copy(if_exists, dry_run, log, storage_options, zarr_format=version)
        print_result(_from_numpy(source, Location.of(dest), chunks, copy), dry_run, as_json)
        return
    create = _creation(origin, chunks)
    copy = Copy(if_exists, dry_run, log, storage_options, create, version)
    print_result(copy.run(origin, destination(dest, origin)), dry_run, as_json)


def _creation(origin: Location, chunks: str | None) -> dict[str, Any]:
    """Return the arguments for the creation of arrays like those at a location."""
    with opened(origin) as node:
        if chunks is None:
            return {}
        if not is_array(node):
            raise click.UsageError("--chunks is for one array; name it, as in data.h5/ocean/temp")
        return {"chunks": parse_sizes(chunks, dimension_names(node), node.shape)}


def _from_numpy(
    source: str, dest: Location, chunks: str | None, copy: Copy
) -> tuple[int, int, int]:
    try:
        loaded = np.load(source, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        raise ValueError(f"{source!r}: {error} (pickled objects are refused)") from error
    arrays = {"": loaded} if isinstance(loaded, np.ndarray) else loaded
    if chunks is not None and "" not in arrays:
        raise click.UsageError("--chunks is for one array, not for the arrays of an .npz file")
    copied = nbytes = 0
    skipped = []
    with opened_store(dest, "a", copy.options) as store:
        if node_at(store, "") is None and copy.if_exists != "skip":
            check_free(dest)
        for name in arrays:
            path = "/".join(part for part in (dest.path, name) if part)
            if _stays(store, path, copy):
                skipped.append(path)
                continue
            data = arrays[name]
            if copy.log or copy.dry_run:
                click.echo(f"copy {name or source} {data.shape} {data.dtype}")
            if not copy.dry_run:
                sizes = True if chunks is None else parse_sizes(chunks, None, data.shape)
                version = copy.format_in(store)
                zarr.save_array(store, data, path=path, chunks=sizes, zarr_format=version)
            copied, nbytes = copied + 1, nbytes + data.nbytes
    return copied, len(skipped), nbytes


def _stays(store: BaseStore, path: str, copy: Copy) -> bool:
    if node_at(store, path) is None or copy.if_exists == "replace":
        return False
    if copy.if_exists == "raise":
        raise CopyError(f"{path or '/'!r} exists in {store!r}; use --if-exists replace or skip")
    return True
