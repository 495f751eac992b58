"""``zarr cp``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from zarr.cli import rechunk
from zarr.cli._copying import Copy, destination, print_result
from zarr.cli._executors import executor
from zarr.cli._locations import Location, opened
from zarr.cli._options import as_json, dry_run, if_exists, zarr_command
from zarr.cli._stale import tell_stale


@zarr_command("cp")
@click.argument("source")
@click.argument("dest")
@if_exists
@click.option("-v", "--verbose", is_flag=True, help="Print a line for all that is copied.")
@click.option(
    "--resume", is_flag=True,
    help="Go on with a copy that was interrupted, also with one that this option began.",
)  # fmt: skip
@executor
@dry_run
@as_json
def command(
    source: str,
    dest: str,
    if_exists: str,
    verbose: bool,
    resume: bool,
    executor: str | None,
    dry_run: bool,
    as_json: bool,
    storage_options: Mapping[str, Any],
) -> None:
    """Copy the array or group at SOURCE, with all below it, to DEST.

    Any kind of store can be copied to any other, HDF5 files included. A DEST that ends with a
    slash is a group to copy into. Stored chunks are copied as they are, unless the formats
    differ. How a new store is kept is told by the end of its name: .zip, .n5, .sqlite, .lmdb,
    .h5; else it is a folder.

    With --resume or --executor arrays are copied block by block, as by rechunk, and become
    visible when they are complete.
    """
    origin = Location.of(source)
    if resume or executor is not None:
        options = {"overwrite": if_exists == "replace", "dry_run": dry_run}
        with opened(origin, "r", storage_options) as node:
            goal = destination(dest, origin)
            done = rechunk.run(node, goal, executor, storage_options, options)
        print_result((len(done.plans), 0, done.nbytes), dry_run, as_json)
        return
    copy = Copy(if_exists, dry_run, verbose and not as_json, storage_options)
    target = destination(dest, origin)
    result = copy.run(origin, target)
    if not dry_run:
        tell_stale(target, storage_options)
    print_result(result, dry_run, as_json)
