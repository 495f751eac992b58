"""``zarr cp``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from zarr.cli._copying import Copy, destination, print_result
from zarr.cli._locations import Location
from zarr.cli._options import as_json, dry_run, if_exists, zarr_command
from zarr.cli._stale import tell_stale


@zarr_command("cp")
@click.argument("source")
@click.argument("dest")
@if_exists
@click.option("-v", "--verbose", is_flag=True, help="Print a line for all that is copied.")
@dry_run
@as_json
def command(
    source: str,
    dest: str,
    if_exists: str,
    verbose: bool,
    dry_run: bool,
    as_json: bool,
    storage_options: Mapping[str, Any],
) -> None:
    """Copy the array or group at SOURCE, with all below it, to DEST.

    Any kind of store can be copied to any other, HDF5 files included. A DEST that ends with a
    slash is a group to copy into. Stored chunks are copied as they are, unless the formats
    differ. How a new store is kept is told by the end of its name: .zip, .n5, .sqlite, .lmdb,
    .h5; else it is a folder.
    """
    origin = Location.of(source)
    copy = Copy(if_exists, dry_run, verbose and not as_json, storage_options)
    target = destination(dest, origin)
    result = copy.run(origin, target)
    if not dry_run:
        tell_stale(target, storage_options)
    print_result(result, dry_run, as_json)
