"""``zarr tree``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import click

import zarr
from zarr.cli._locations import Location, opened
from zarr.cli._nodes import is_array, is_readable, members, summary
from zarr.cli._options import as_json, zarr_command
from zarr.cli._output import print_json, print_lines


@zarr_command("tree", absence_is_an_answer=True)
@click.argument("location")
@click.option("-L", "--level", type=click.IntRange(min=1), help="Depth at which to stop.")
@as_json
def command(
    location: str, level: int | None, as_json: bool, storage_options: Mapping[str, Any]
) -> None:
    """Draw the hierarchy below LOCATION."""
    place = Location.of(location)
    with opened(place, "r", storage_options) as node:
        if as_json:
            print_json(_nested(place.name, node, level, ()))
        elif is_array(node):
            click.echo(f"{place.name} {node.shape} {node.dtype}")
        else:
            viewer = zarr.tree(node, level=level)
            ascii_only = not (sys.stdout.encoding or "").lower().startswith("utf")
            text = bytes(viewer).decode() if ascii_only else str(viewer)
            print_lines(text)


def _nested(name: str, node: Any, level: int | None, above: tuple[Any, ...]) -> dict[str, Any]:
    found = {"name": name, **summary(node)}
    is_open = level is None or len(above) < level
    if is_readable(node) and not is_array(node) and is_open and node not in above:
        found["members"] = [
            _nested(below, member, level, (*above, node)) for below, member in members(node)
        ]
    return found
