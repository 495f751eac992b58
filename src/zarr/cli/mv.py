"""``zarr mv``."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any

import click

import zarr
from zarr.cli._copying import Copy, destination
from zarr.cli._deleting import delete
from zarr.cli._locations import Location, opened, opened_store
from zarr.cli._options import as_json, confirm, dry_run, yes, zarr_command
from zarr.cli._output import print_json
from zarr.cli._stale import tell_stale
from zarr.errors import CopyError


@zarr_command("mv")
@click.argument("source")
@click.argument("dest")
@yes
@dry_run
@as_json
def command(
    source: str,
    dest: str,
    yes: bool,
    dry_run: bool,
    as_json: bool,
    storage_options: Mapping[str, Any],
) -> None:
    """Move the array or group at SOURCE, with all below it, to DEST.

    In one store it is renamed. Into another store it is copied and then deleted, about which
    the command asks. A DEST that ends with a slash is a group to move into. Nothing is ever
    replaced.
    """
    origin = Location.of(source)
    target = destination(dest, origin)
    renames = origin.is_near(target) or _is_whole(origin, target)
    with opened(origin, "r", storage_options):
        pass  # there is something to move
    if dry_run:
        click.echo(f"would {'rename' if renames else 'copy and delete'} {source} to {target.text}")
    elif origin.is_near(target):
        _rename(origin, target, storage_options)
    elif renames:
        shutil.move(origin.store, target.store)
    else:
        confirm(f"Copy {source} to {target.text} and delete it at {source}?", yes)
        Copy(options=storage_options).run(origin, target)
        delete(origin, storage_options)
    if not dry_run:
        if not renames or origin.path:
            tell_stale(origin, storage_options)
        if not origin.is_near(target):
            tell_stale(target, storage_options)
    if as_json:
        print_json({"source": source, "dest": target.text, "renamed": renames, "dry_run": dry_run})


def _is_whole(origin: Location, target: Location) -> bool:
    """Tell whether a whole local store becomes a new one of the same kind."""
    kinds = ("directory", "n5", "zip", "hdf5")
    is_root = not origin.path and not target.path and not target.exists()
    return is_root and origin.kind == target.kind and origin.kind in kinds


def _rename(origin: Location, target: Location, options: Mapping[str, Any]) -> None:
    if not origin.path or not target.path:
        raise CopyError(f"{origin.text!r} cannot be moved to {target.text!r} in the same store")
    if origin.kind == "hdf5":
        with opened(Location.of(origin.store), "r+") as file:
            file.move(origin.path, target.path)
        return
    with opened_store(origin, "r+", options) as store:
        zarr.open_group(store, mode="r+").move(f"/{origin.path}", f"/{target.path}")
