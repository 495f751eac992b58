"""``zarr convert``."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import click

import zarr
from zarr._wording import counted
from zarr.cli._copying import print_result
from zarr.cli._locations import Location, opened_store
from zarr.cli._options import as_json, dry_run, zarr_command
from zarr.cli._output import lines


@zarr_command("convert")
@click.argument("location")
@click.argument("dest", required=False)
@click.option(
    "--to", "zarr_format", type=click.Choice(["2", "3"]), required=True, help="The new format."
)
@click.option("--rewrite-chunks", is_flag=True, help="Write chunks anew that cannot stay.")
@click.option("--overwrite", is_flag=True, help="Delete what is at DEST.")
@click.option("-v", "--verbose", is_flag=True, help="Print a line for all that is done.")
@dry_run
@as_json
def command(
    location: str,
    dest: str | None,
    zarr_format: str,
    rewrite_chunks: bool,
    overwrite: bool,
    verbose: bool,
    dry_run: bool,
    as_json: bool,
    storage_options: Mapping[str, Any],
) -> None:
    """Convert the array or group at LOCATION, with all below it, to another format.

    In place, or to DEST. In place only metadata are written where the chunks can stay; what is
    interrupted is completed by a second call.
    """
    place = Location.of(location)
    changes = dest is None and not dry_run
    with ExitStack() as stack:
        mode = "r+" if changes else "r"
        store = stack.enter_context(opened_store(place, mode, storage_options))
        target, path = None, ""
        if dest is not None:
            goal = Location.of(dest)
            target, path = stack.enter_context(opened_store(goal, "a", storage_options)), goal.path
        result = zarr.convert(
            store,
            int(zarr_format),
            target,
            path=place.path,
            dest_path=path,
            rewrite_chunks=rewrite_chunks,
            overwrite=overwrite,
            dry_run=dry_run,
            log=lines((verbose or dry_run) and not as_json),
            progress=True,
        )
    _print(result, dry_run, as_json)


def _print(result: tuple[int, int, int], dry_run: bool, as_json: bool) -> None:
    if as_json or dry_run:
        print_result(result, dry_run, as_json)
    else:
        converted, skipped, nbytes = result
        size = counted(nbytes, "byte")
        click.echo(f"{converted} converted, {skipped} skipped, {size} of chunks copied")
