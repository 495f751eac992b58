"""``zarr ls``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from zarr.cli._locations import Location, opened
from zarr.cli._nodes import codecs, is_array, is_readable, members, stored_bytes, summary, walk
from zarr.cli._options import as_json, zarr_command
from zarr.cli._output import human, print_json, print_table, shape_text


@zarr_command("ls", absence_is_an_answer=True)
@click.argument("location")
@click.option("-r", "--recursive", is_flag=True, help="List all that is below, too.")
@click.option("-l", "--long", is_flag=True, help="Show chunks, codecs and stored bytes.")
@as_json
def command(
    location: str,
    recursive: bool,
    long: bool,
    as_json: bool,
    storage_options: Mapping[str, Any],
) -> None:
    """List the members of the group at LOCATION, or the array there.

    One line for each: kind, shape, data type and name. With --long the store is listed to find
    how many bytes are stored.
    """
    place = Location.of(location)
    with opened(place, "r", storage_options) as node:
        if is_array(node):
            found = [(place.name, node)]
        else:
            found = list(walk(node)) if recursive else members(node)
        entries = [_entry(name, member, long) for name, member in found]
    if as_json:
        print_json(entries)
    elif entries:
        print_table([_long_row(entry) if long else _row(entry) for entry in entries])


def _entry(name: str, node: Any, long: bool) -> dict[str, Any]:
    entry = {"name": name, **summary(node)}
    if long and is_readable(node) and is_array(node):
        entry["codecs"] = [text for text, _ in codecs(node)]
        entry["nbytes"], entry["nbytes_stored"] = node.nbytes, stored_bytes(node)
    return entry


def _row(entry: dict[str, Any]) -> list[str]:
    shape = shape_text(entry["shape"]) if "shape" in entry else ""
    return [entry["kind"], shape, entry.get("dtype", ""), entry["name"]]


def _long_row(entry: dict[str, Any]) -> list[str]:
    kind, shape, dtype, name = _row(entry)
    if "shape" not in entry:
        return [kind, shape, dtype, "", "", "", "", name]
    stored, size = entry["nbytes_stored"], entry["nbytes"]
    ratio = f"{size / stored:.1f}" if stored > 0 else "-"
    chunks, used = shape_text(entry["chunks"]), ",".join(entry["codecs"]) or "none"
    return [kind, shape, dtype, chunks, used, human(stored), ratio, name]
