"""``zarr recover``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

import zarr
from zarr.cli._locations import Location, opened_store
from zarr.cli._options import as_json, zarr_command
from zarr.cli._output import print_json


@zarr_command("recover")
@click.argument("location")
@as_json
def command(location: str, as_json: bool, storage_options: Mapping[str, Any]) -> None:
    """Complete or undo a transaction on the store at LOCATION that was interrupted.

    The next transaction does so, too, and what is read meanwhile is right.
    """
    with opened_store(Location.of(location), "r+", storage_options) as store:
        outcome = zarr.recover(store)
    if as_json:
        print_json({"outcome": outcome})
    else:
        click.echo(outcome)
