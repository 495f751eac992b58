"""``zarr digest``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

import zarr
from zarr.cli._locations import Location, opened
from zarr.cli._options import as_json, zarr_command
from zarr.cli._output import print_json


@zarr_command("digest")
@click.argument("locations", nargs=-1, required=True)
@click.option(
    "--algorithm", default="sha256", show_default=True, help="One of those of Python's hashlib."
)
@click.option("--attributes", is_flag=True, help="Digest the attributes, too.")
@as_json
def command(
    locations: tuple[str, ...],
    algorithm: str,
    attributes: bool,
    as_json: bool,
    storage_options: Mapping[str, Any],
) -> None:
    """Print a digest of the data of each array or group at LOCATIONS.

    It depends on shape, data type and values, not on how they are stored: copies in other
    formats, chunks and stores have the same digest.
    """
    digests = {}
    for text in locations:
        with opened(Location.of(text), "r", storage_options) as node:
            digests[text] = zarr.digest(node, algorithm, attributes=attributes)
        if not as_json:
            click.echo(f"{digests[text]}  {text}")
    if as_json:
        print_json({"algorithm": algorithm, "digests": digests})
