"""``zarr snapshot``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

import zarr
from zarr.cli._locations import Location, opened_store
from zarr.cli._options import as_json, confirm, yes, zarr_command
from zarr.cli._output import print_json


@zarr_command("snapshot")
@click.argument("action", type=click.Choice(["create", "ls", "restore", "rm"]))
@click.argument("location")
@click.argument("name", required=False)
@click.option(
    "--method",
    type=click.Choice(["auto", "reflink", "link", "copy"]),
    default="auto",
    show_default=True,
    help="How create takes the files.",
)
@yes
@as_json
def command(
    action: str,
    location: str,
    name: str | None,
    method: Any,
    yes: bool,
    as_json: bool,
    storage_options: Mapping[str, Any],
) -> None:
    """Keep the present state of the store at LOCATION as NAME, or return to it.

    create makes a snapshot, ls lists them, the oldest first, restore makes the store what it was
    when NAME was made, rm deletes the snapshot.
    """
    if (name is None) != (action == "ls"):
        raise click.UsageError(f"{action} takes {'no' if action == 'ls' else 'a'} NAME")
    if action in ("restore", "rm"):
        verb = "Return to" if action == "restore" else "Delete"
        confirm(f"{verb} the snapshot {name} of {location}?", yes)
    mode = "r" if action == "ls" else "r+"
    with opened_store(Location.of(location), mode, storage_options) as store:
        found = _act(store, action, name or "", method)
    if as_json:
        print_json(
            [{"name": s.name, "path": s.path, "created": s.created.isoformat()} for s in found]
        )
        return
    for one in found:
        click.echo(f"{one.created:%Y-%m-%d %H:%M:%S}  {one.name}")


def _act(store: Any, action: str, name: str, method: Any) -> list[Any]:
    """Do what is asked; return the snapshots to show."""
    match action:
        case "create":
            return [zarr.snapshot(store, name, method=method)]
        case "restore":
            zarr.restore_snapshot(store, name)
        case "rm":
            zarr.drop_snapshot(store, name)
        case _:
            return zarr.snapshots(store)
    return []
