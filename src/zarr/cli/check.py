"""``zarr check``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

import zarr
from zarr.cli._locations import Location, opened_store
from zarr.cli._options import age_option, as_json, confirm, dry_run, yes, zarr_command
from zarr.cli._output import print_lines, progress


@zarr_command("check")
@click.argument("location")
@click.option(
    "--level",
    type=click.Choice(["meta", "keys", "data", "seal"]),
    default="data",
    show_default=True,
    help="What to look at: metadata; keys and sizes, too; all chunks, too; their seals, too.",
)
@click.option("--fix", metavar="CODES", help="Codes of findings to mend, such as K001,M006.")
@click.option("--keep", help="For --fix M004, what stays: 2, 3, array or group.")
@click.option(
    "--quarantine", is_flag=True, help="Move what a fix would delete to the folder __quarantine."
)
@age_option
@yes
@dry_run
@as_json
def command(
    location: str,
    level: str,
    fix: str | None,
    keep: str | None,
    quarantine: bool,
    age: float,
    yes: bool,
    dry_run: bool,
    as_json: bool,
    storage_options: Mapping[str, Any],
) -> int:
    """Look for damage in the array or group at LOCATION, and mend what --fix names.

    The exit status is 1 if an error is left.
    """
    place = Location.of(location)
    codes = [code.strip() for code in (fix or "").split(",") if code.strip()]
    changes = bool(codes) and not dry_run
    if changes:
        confirm(f"Mend {', '.join(codes)} in {location}?", yes or quarantine)
    mode = "r+" if changes else "r"
    with opened_store(place, mode, storage_options) as store, progress("checking", "chunks") as bar:
        report = zarr.check(
            store,
            place.path,
            level,
            codes,
            keep=int(keep) if keep and keep.isdecimal() else keep,
            quarantine=quarantine,
            age=age,
            dry_run=dry_run,
            progress=bar,
        )
    print_lines(report.to_json() if as_json else str(report))
    return int(not report.ok)
