"""``zarr explain``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

import zarr
from zarr.cli._locations import Location, opened
from zarr.cli._nodes import dimension_names
from zarr.cli._options import as_json, zarr_command
from zarr.cli._output import print_lines
from zarr.cli._selections import select


@zarr_command("explain", absence_is_an_answer=True)
@click.argument("location")
@click.argument("selection", required=False)
@click.option(
    "--sizes", is_flag=True, help="Find out what is stored: list the array, read indexes of shards."
)
@as_json
def command(
    location: str,
    selection: str | None,
    sizes: bool,
    as_json: bool,
    storage_options: Mapping[str, Any],
) -> None:
    """Tell what reading a selection of the array at LOCATION costs, without reading it.

    SELECTION is written as for 'zarr dump'; without it, all of the array is selected. Without
    --sizes, nothing but metadata is read, and all chunks are assumed to be stored.
    """
    with opened(Location.of(location), "r", storage_options) as array:
        if not isinstance(array, zarr.Array):
            raise click.UsageError(f"{location!r} is no Zarr array; only those are explained")
        cost = select(array.explain(sizes=sizes), selection, dimension_names(array))
    print_lines(cost.to_json() if as_json else str(cost))
