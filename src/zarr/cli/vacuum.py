"""``zarr vacuum``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

import zarr
from zarr._wording import counted
from zarr.cli._locations import Location, opened_store
from zarr.cli._options import age_option, as_json, confirm, dry_run, yes, zarr_command
from zarr.cli._output import print_lines


@zarr_command("vacuum")
@click.argument("location")
@click.option(
    "--quarantine", is_flag=True, help="Move everything to the folder __quarantine instead."
)
@age_option
@yes
@dry_run
@as_json
def command(
    location: str,
    quarantine: bool,
    age: float,
    yes: bool,
    dry_run: bool,
    as_json: bool,
    storage_options: Mapping[str, Any],
) -> None:
    """Delete what writers have left below LOCATION that no reader sees.

    These are temporary files of writers that were killed, intermediate arrays of copies that were
    killed, and chunks outside of the shape of their array. What an interrupted rechunk has made is
    deleted when it is a week old.
    """
    place = Location.of(location)
    if not dry_run:
        confirm(f"Delete what writers have left in {location}?", yes or quarantine)
    with opened_store(place, "r" if dry_run else "r+", storage_options) as store:
        report = zarr.vacuum(store, place.path, age=age, quarantine=quarantine, dry_run=dry_run)
    verb = "would be freed" if dry_run else "freed"
    print_lines(
        report.to_json() if as_json else f"{report}\n{counted(report.freed, 'byte')} {verb}"
    )
