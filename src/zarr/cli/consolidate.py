"""``zarr consolidate``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

import zarr
from zarr._wording import counted
from zarr.cli._locations import Location, opened_store
from zarr.cli._nodes import is_array, walk
from zarr.cli._options import as_json, dry_run, zarr_command
from zarr.cli._output import print_json


@zarr_command("consolidate")
@click.argument("location")
@dry_run
@as_json
def command(
    location: str, dry_run: bool, as_json: bool, storage_options: Mapping[str, Any]
) -> None:
    """Put copies of all metadata below LOCATION into one document, to be read at once.

    Call it again after arrays or groups have been created, deleted or resized, or attributes
    changed: nothing does that by itself.
    """
    place = Location.of(location)
    with opened_store(place, "r" if dry_run else "r+", storage_options) as store:
        root = zarr.open(store, mode="r", path=place.path)
        nodes = [root, *(member for _, member in walk(root))]
        if not dry_run:
            zarr.consolidate_metadata(store, path=place.path)
    arrays = sum(map(is_array, nodes))
    if as_json:
        print_json({"arrays": arrays, "groups": len(nodes) - arrays, "dry_run": dry_run})
    else:
        done = "would put" if dry_run else "put"
        groups = counted(len(nodes) - arrays, "group")
        click.echo(f"{done} the metadata of {counted(arrays, 'array')} and {groups} together")
