"""``zarr diff``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

import zarr
from zarr.cli._locations import Location, opened
from zarr.cli._options import as_json, zarr_command
from zarr.cli._output import print_lines


@zarr_command("diff")
@click.argument("a")
@click.argument("b")
@click.option("--rtol", type=click.FloatRange(min=0), default=0, help="Relative tolerance.")
@click.option("--atol", type=click.FloatRange(min=0), default=0, help="Absolute tolerance.")
@click.option("--data-only", is_flag=True, help="Leave out the attributes.")
@click.option(
    "--limit", type=click.IntRange(min=0), default=10, show_default=True,
    help="Positions to report for each array.",
)  # fmt: skip
@click.option("-q", "--quiet", is_flag=True, help="Print nothing; the exit status tells.")
@as_json
def command(
    a: str,
    b: str,
    rtol: float,
    atol: float,
    data_only: bool,
    limit: int,
    quiet: bool,
    as_json: bool,
    storage_options: Mapping[str, Any],
) -> int:
    """Compare the arrays at A and B, or all that is in the groups there.

    How data are stored makes no difference: chunks, codecs, the format, the kind of store. The
    exit status is 0 if nothing differs, 1 if something does, 2 if that cannot be found out.
    """
    with (
        opened(Location.of(a), "r", storage_options) as one,
        opened(Location.of(b), "r", storage_options) as other,
    ):
        found = zarr.diff(one, other, rtol=rtol, atol=atol, attributes=not data_only, limit=limit)
    if not quiet:
        print_lines(found.to_json() if as_json else str(found))
    return int(not found.equal)
