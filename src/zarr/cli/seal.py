"""``zarr seal``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import click

import zarr
from zarr._wording import counted
from zarr.cli._locations import Location, opened_store
from zarr.cli._options import as_json, zarr_command
from zarr.cli._output import print_json
from zarr.tools.progress import drawn


@zarr_command("seal")
@click.argument("location")
@click.option(
    "--algorithm",
    type=click.Choice(["xxh3-64", "sha256", "blake3"]),
    default="xxh3-64",
    show_default=True,
    help="How chunks are digested.",
)
@click.option("--overwrite", is_flag=True, help="Replace digests without verifying them.")
@click.option("--unseal", is_flag=True, help="Delete the digests instead.")
@click.option(
    "--export",
    type=click.Choice(["sha256sum", "bagit", "dandi"]),
    help="Change nothing; print checksums of all values for other programs.",
)
@as_json
def command(
    location: str,
    algorithm: str,
    overwrite: bool,
    unseal: bool,
    export: str | None,
    as_json: bool,
    storage_options: Mapping[str, Any],
) -> None:
    """Store digests of the array or group at LOCATION, with which every read is verified.

    What is sealed already is verified first. 'zarr check --level seal' verifies all at once.
    """
    if sum((overwrite, unseal, export is not None)) > 1:
        raise click.UsageError("give only one of --overwrite, --unseal and --export")
    place = Location.of(location)
    mode = "r" if export is not None else "r+"
    with opened_store(place, mode, storage_options) as store:
        if export is not None:
            _print_manifest(zarr.manifest(store, place.path, export), export, as_json)
            return
        if unseal:
            result = zarr.unseal(store, place.path)
        else:
            with drawn("sealing", "chunks") as bar:
                result = zarr.seal(store, place.path, algorithm, overwrite=overwrite, progress=bar)
    _print(asdict(result), "unsealed" if unseal else "sealed", as_json)


def _print_manifest(text: str, kind: str, as_json: bool) -> None:
    if as_json:
        print_json({"kind": kind, "manifest": text})
    else:
        click.echo(text.rstrip("\n"))


def _print(result: dict[str, int], verb: str, as_json: bool) -> None:
    if as_json:
        print_json(result)
        return
    counts = f"{counted(result['arrays'], 'array')} and {counted(result['groups'], 'group')}"
    chunks = f": {counted(result['chunks'], 'chunk')}, {counted(result['nbytes'], 'byte')}"
    click.echo(f"{verb} {counts}{chunks if verb == 'sealed' else ''}")
