"""``zarr rm``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from zarr.cli._deleting import delete
from zarr.cli._locations import Location, opened
from zarr.cli._nodes import is_array, members, walk
from zarr.cli._options import as_json, confirm, dry_run, yes, zarr_command
from zarr.cli._output import print_json
from zarr.cli._stale import tell_stale


@zarr_command("rm")
@click.argument("locations", nargs=-1, required=True)
@click.option("-r", "--recursive", is_flag=True, help="Delete groups with their members.")
@yes
@dry_run
@as_json
def command(
    locations: tuple[str, ...],
    recursive: bool,
    yes: bool,
    dry_run: bool,
    as_json: bool,
    storage_options: Mapping[str, Any],
) -> None:
    """Delete the arrays, groups or stores at LOCATIONS.

    Asks before each of them, unless there is --yes. Consolidated metadata above them are not
    changed; the command says which are out of date.
    """
    reports = []
    for text in locations:
        place = Location.of(text)
        with opened(place, "r", storage_options) as node:
            if not is_array(node) and members(node) and not recursive:
                raise ValueError(f"{text!r} is a group with members; use --recursive")
            reports.append({"location": text, **_count(node)})
            what = _described(text, node, place)
        if dry_run:
            if not as_json:
                click.echo(f"would delete {what}")
            continue
        confirm(f"Delete {what}?", yes)
        delete(place, storage_options)
        tell_stale(place, storage_options)
    if as_json:
        print_json({"deleted": reports, "dry_run": dry_run})


def _count(node: Any) -> dict[str, Any]:
    below = [member for _, member in walk(node)]
    arrays = sum(map(is_array, [node, *below]))
    return {"arrays": arrays, "groups": 1 + len(below) - arrays}


def _described(text: str, node: Any, place: Location) -> str:
    if is_array(node):
        what = f"the array {text} ({node.shape} {node.dtype})"
    else:
        count = _count(node)
        what = f"the group {text} (arrays below it: {count['arrays']})"
    return what if place.path or place.kind == "url" else f"{what}, and {place.store} itself"
