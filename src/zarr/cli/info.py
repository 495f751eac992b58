"""``zarr info``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from zarr._nodes.display import human_size
from zarr.cli._locations import Location, opened
from zarr.cli._nodes import attributes, codecs, is_array, members, summary
from zarr.cli._options import as_json, zarr_command
from zarr.cli._output import print_json, print_pairs
from zarr.tools import hdf5


@zarr_command("info", absence_is_an_answer=True)
@click.argument("location")
@click.option("-v", "--verbose", is_flag=True, help="Show attributes and settings of codecs.")
@as_json
def command(
    location: str, verbose: bool, as_json: bool, storage_options: Mapping[str, Any]
) -> None:
    """Show what the metadata of the array or group at LOCATION say.

    Nothing but metadata is read; 'zarr stat' counts chunks and stored bytes.
    """
    place = Location.of(location)
    with opened(place, "r", storage_options) as node:
        report = _report(node, place)
        if as_json:
            print_json(report)
        else:
            print_pairs(list(_lines(report, verbose).items()))


def _report(node: Any, place: Location) -> dict[str, Any]:
    report: dict[str, Any] = {"location": place.text, "store": place.store}
    if not hdf5.is_h5py(node):
        report |= {"store_type": type(node.store).__name__, "zarr_format": node.zarr_format}
    report |= {"path": f"/{place.path}", **summary(node)}
    if is_array(node):
        report |= _array_report(node)
    else:
        report["members"] = {name: summary(member)["kind"] for name, member in members(node)}
    return report | {"attributes": attributes(node)}


def _array_report(array: Any) -> dict[str, Any]:
    report: dict[str, Any] = {
        "codecs": [config for _, config in codecs(array)],
        "nbytes": array.nbytes,
    }
    if hdf5.is_h5py(array):
        return report | {"fill_value": array.fillvalue}
    return report | {
        "shards": array.shards,
        "order": array.order,
        "fill_value": array.fill_value,
        "nchunks": array.nchunks,
    }


def _lines(report: dict[str, Any], verbose: bool) -> dict[str, Any]:
    """Return what is shown of a report as text."""
    shown = {key.replace("_", " "): value for key, value in report.items() if value is not None}
    del shown["location"]
    found = shown.pop("attributes")
    for name in ("shape", "chunks", "shards"):
        if name in shown:
            shown[name] = str(shown[name])
    if "dimension names" in shown:
        shown["dimension names"] = ", ".join(name or "-" for name in shown["dimension names"])
    if "nbytes" in shown:
        shown["nbytes"] = human_size(shown["nbytes"])
    if "members" in shown:
        shown["members"] = ", ".join(shown["members"]) or "none"
    if "codecs" in shown:
        configs = shown.pop("codecs")
        names = [str(config.get("id", config.get("name"))) for config in configs]
        shown["codecs"] = ", ".join(map(str, configs) if verbose else names) or "none"
    shown["attributes"] = ", ".join(found) or "none"
    if verbose:
        del shown["attributes"]
        shown |= {f"attribute {name}": value for name, value in found.items()}
    return shown
