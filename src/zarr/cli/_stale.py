"""Consolidated metadata that a command has left out of date."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from zarr.cli._locations import Location, opened_store
from zarr.tools.check_hierarchy import consolidated_above

__all__ = ["tell_stale"]


def tell_stale(location: Location, options: Mapping[str, Any]) -> None:
    """Say which consolidated metadata are out of date, now that what is at a location changed."""
    if location.kind == "hdf5" or not location.path:
        return
    with opened_store(location, "r", options) as store:
        stale = consolidated_above(store, location.path)
    for path in stale:
        where = f"{location.store}/{path}".rstrip("/")
        click.echo(
            f"zarr: warning: the consolidated metadata of {where} are out of date now; "
            f"renew them with: zarr consolidate {where}",
            err=True,
        )
