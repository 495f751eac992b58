"""``zarr snapshot``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

import zarr
from zarr.cli._locations import Location, opened_store
from zarr.cli._options import as_json, confirm, yes, zarr_command
from zarr.cli._output import print_json


@click.group("snapshot")
def command() -> None:
    """Keep earlier states of a store in a directory."""


@zarr_command("create")
@click.argument("location")
@click.argument("name")
@click.option(
    "--method",
    type=click.Choice(["auto", "reflink", "link", "copy"]),
    default="auto",
    show_default=True,
    help="How to take the files.",
)
def create(location: str, name: str, method: Any, storage_options: Mapping[str, Any]) -> None:
    """Keep the present state of the store at LOCATION under NAME."""
    with opened_store(Location.of(location), "r+", storage_options) as store:
        click.echo(zarr.snapshot(store, name, method=method).path)


@zarr_command("ls")
@click.argument("location")
@as_json
def ls(location: str, as_json: bool, storage_options: Mapping[str, Any]) -> None:
    """List the snapshots of the store at LOCATION, the oldest first."""
    with opened_store(Location.of(location), "r", storage_options) as store:
        found = zarr.snapshots(store)
    if as_json:
        print_json(
            [{"name": s.name, "path": s.path, "created": s.created.isoformat()} for s in found]
        )
        return
    for one in found:
        click.echo(f"{one.created:%Y-%m-%d %H:%M:%S}  {one.name}")


@zarr_command("restore")
@click.argument("location")
@click.argument("name")
@yes
def restore(location: str, name: str, yes: bool, storage_options: Mapping[str, Any]) -> None:
    """Make the store at LOCATION what it was when the snapshot NAME was made."""
    confirm(f"Replace {location} by its snapshot {name}?", yes)
    with opened_store(Location.of(location), "r+", storage_options) as store:
        zarr.restore_snapshot(store, name)


@zarr_command("rm")
@click.argument("location")
@click.argument("name")
@yes
def rm(location: str, name: str, yes: bool, storage_options: Mapping[str, Any]) -> None:
    """Delete the snapshot NAME of the store at LOCATION."""
    confirm(f"Delete the snapshot {name} of {location}?", yes)
    with opened_store(Location.of(location), "r+", storage_options) as store:
        zarr.drop_snapshot(store, name)


for _command in (create, ls, restore, rm):
    command.add_command(_command)
