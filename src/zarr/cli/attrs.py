"""``zarr attrs``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from zarr._wording import counted
from zarr.cli._locations import Location, opened
from zarr.cli._nodes import attributes
from zarr.cli._options import as_json, dry_run, zarr_command
from zarr.cli._output import jsonable, print_json, visible
from zarr.errors import NameNotFoundError, did_you_mean
from zarr.tools import hdf5


@zarr_command("attrs", absence_is_an_answer=True)
@click.argument("location")
@click.argument("action", type=click.Choice(["show", "get", "set", "rm", "merge"]), default="show")
@click.argument("arguments", nargs=-1)
@dry_run
@as_json
def command(
    location: str,
    action: str,
    arguments: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
    storage_options: Mapping[str, Any],
) -> int:
    r"""Show or change the attributes of the array or group at LOCATION.

    \b
    zarr attrs LOCATION                    show all
    zarr attrs LOCATION get KEY            print one; exit status 1 if there is none
    zarr attrs LOCATION set KEY=VALUE ...  the value is JSON, or else text
    zarr attrs LOCATION rm KEY ...         delete
    zarr attrs LOCATION merge FILE         set all that a JSON file holds
    """
    _check_count(action, arguments)
    place = Location.of(location)
    if action in ("show", "get"):
        with opened(place, "r", storage_options) as node:
            return _show(attributes(node), arguments, as_json)
    with opened(place, "r+", storage_options) as node:
        old = attributes(node)
        new = _changed(location, old, action, arguments)
        if not dry_run:
            _store(node, old, new)
    return _show(new, (), as_json) if as_json or dry_run else 0


def _check_count(action: str, arguments: Sequence[str]) -> None:
    wanted = {"show": (0, 0), "get": (1, 1), "merge": (1, 1)}.get(action, (1, len(arguments)))
    if not wanted[0] <= len(arguments) <= wanted[1]:
        raise click.UsageError(f"'{action}' got {counted(len(arguments), 'argument')}; see --help")


def _show(found: dict[str, Any], keys: Sequence[str], as_json: bool) -> int:
    if not keys:
        if as_json:
            print_json(found)
        else:
            for key, value in found.items():
                text = json.dumps(jsonable(value), ensure_ascii=False)
                click.echo(visible(f"{key} = {text}"))
        return 0
    (key,) = keys
    if key not in found:
        click.echo(f"zarr: no attribute {key!r}{did_you_mean(key, found)}", err=True)
        return 1
    value = found[key]
    if isinstance(value, str) and not as_json:
        click.echo(value)
    else:
        print_json(value)
    return 0


def _changed(
    where: str, old: dict[str, Any], action: str, arguments: Sequence[str]
) -> dict[str, Any]:
    if action == "rm":
        for key in arguments:
            if key not in old:
                raise NameNotFoundError(key, "attribute", where, lambda: old)
        return {key: value for key, value in old.items() if key not in arguments}
    if action == "merge":
        merged = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
        if not isinstance(merged, dict):
            raise ValueError(f"{arguments[0]!r} does not hold a JSON object")
        return old | merged
    return old | dict(map(_pair, arguments))


def _pair(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise click.UsageError(f"{text!r} is not KEY=VALUE")
    try:
        return key, json.loads(value)
    except json.JSONDecodeError:
        return key, value


def _store(node: Any, old: dict[str, Any], new: dict[str, Any]) -> None:
    if not hdf5.is_h5py(node):
        node.attrs.put(new)
        return
    for key in old.keys() - new.keys():
        del node.attrs[key]
    hdf5.write_attributes(node, {k: v for k, v in new.items() if k not in old or old[k] != v})
