"""``zarr repair``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

import zarr
from zarr.cli._locations import Location, opened_store
from zarr.cli._options import age_option, as_json, confirm, dry_run, yes, zarr_command
from zarr.cli._output import print_lines, progress
from zarr.tools.check_report import Report


@zarr_command("repair")
@click.argument("location")
@click.option(
    "--fix", metavar="CODES", help="Codes of findings to mend, such as K001,M006, instead of all."
)
@click.option("--keep", help="For M004, what stays: 2, 3, array or group.")
@click.option(
    "--quarantine", is_flag=True, help="Move what a fix would delete to the folder __quarantine."
)
@age_option
@yes
@dry_run
@as_json
def command(
    location: str,
    fix: str | None,
    keep: str | None,
    quarantine: bool,
    age: float,
    yes: bool,
    dry_run: bool,
    as_json: bool,
    storage_options: Mapping[str, Any],
) -> int:
    """Check all data of the array or group at LOCATION, and mend the errors and warnings found.

    What was found is shown, and a question asked, before anything changes. Notes are mended only
    if --fix names them, two nodes at one path only with --keep. The exit status is 1 if an error is
    left.
    """
    place = Location.of(location)
    options: dict[str, Any] = {"keep": int(keep) if keep and keep.isdecimal() else keep, "age": age}

    def check(mode: str, codes: list[str], **more: Any) -> Report:
        with (
            opened_store(place, mode, storage_options) as store,
            progress("checking", "chunks") as bar,
        ):
            return zarr.check(store, place.path, fix=codes, progress=bar, **options, **more)

    report = check("r", [])
    codes = _named(fix) if fix else _mendable(report, keep)
    if codes and not dry_run:
        if not as_json:
            print_lines(str(report))
        confirm(f"Mend {', '.join(codes)} in {location}?", yes or quarantine)
        report = check("r+", codes, quarantine=quarantine)
    elif codes:
        report = check("r", codes, quarantine=quarantine, dry_run=True)
    print_lines(report.to_json() if as_json else str(report))
    return int(not report.ok)


def _named(codes: str) -> list[str]:
    return [code.strip() for code in codes.split(",") if code.strip()]


def _mendable(report: Report, keep: str | None) -> list[str]:
    """Return the codes of the errors and warnings that a fix mends without another choice."""
    found = {f.fix for f in report.findings if f.fix and f.severity != "note"}
    return sorted(found - ({"M004"} if keep is None else set()))
