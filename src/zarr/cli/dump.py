"""``zarr dump``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
import numpy as np

from zarr._wording import counted
from zarr.cli._locations import Location, opened
from zarr.cli._nodes import dimension_names, is_array, walk
from zarr.cli._options import as_json, zarr_command
from zarr.cli._output import print_json
from zarr.cli._selections import read_selection

_EDGE = 3
"""How many positions at each end of a long axis are shown."""


@zarr_command("dump", absence_is_an_answer=True)
@click.argument("location")
@click.argument("selection", required=False)
@click.option(
    "--max-items", type=click.IntRange(min=1), default=1000, show_default=True,
    help="Values to show at most; of more, only both ends of each axis.",
)  # fmt: skip
@as_json
def command(
    location: str,
    selection: str | None,
    max_items: int,
    as_json: bool,
    storage_options: Mapping[str, Any],
) -> None:
    """Print values of the array at LOCATION, or of all arrays in the group there.

    SELECTION is written as in NumPy, '[0, :10]', or by names of dimensions, 'time=0, lat=:10'.
    With --json, more than --max-items values are an error.
    """
    with opened(Location.of(location), "r", storage_options) as node:
        if is_array(node):
            found = [("", node)]
        elif selection is not None:
            raise click.UsageError(f"{location!r} is a group; a SELECTION is for one array")
        else:
            found = [(path, member) for path, member in walk(node) if is_array(member)]
        dumped = {path: _dump(array, selection, max_items, as_json) for path, array in found}
        if as_json:
            print_json(dumped[""] if is_array(node) else dumped)


def _dump(array: Any, selection: str | None, max_items: int, as_json: bool) -> dict[str, Any]:
    """Print values, unless as JSON; return what that has."""
    names = dimension_names(array)
    if as_json:
        _check_size(array, selection, max_items)
    edges_only = selection is None and not as_json and array.size > max_items
    values = _edges(array) if edges_only else read_selection(array, selection, names)
    if as_json and values.size > max_items:
        raise _too_many(values.size, max_items)
    if not as_json:
        threshold = 0 if edges_only else max_items
        with np.printoptions(threshold=threshold, edgeitems=_EDGE, linewidth=100):
            title = f"{array.name} {array.shape} {array.dtype}"
            click.echo(f"# {title}{'' if selection is None else f' {selection}'}")
            click.echo(str(values))
    return {"shape": values.shape, "dtype": str(array.dtype), "values": values}


def _check_size(array: Any, selection: str | None, max_items: int) -> None:
    if selection is None and array.size > max_items:
        raise _too_many(array.size, max_items)


def _too_many(size: int, max_items: int) -> ValueError:
    values = counted(size, "value is", "values are")
    return ValueError(f"{values} more than --max-items {max_items}; select fewer or raise it")


def _edges(array: Any, above: tuple[slice, ...] = ()) -> Any:
    """Return both ends of each axis, with one position more than NumPy prints of a long one."""
    axis = len(above)
    if axis == array.ndim:
        return np.asarray(array[above])
    length = array.shape[axis]
    if length <= 2 * _EDGE + 1:
        return _edges(array, (*above, slice(0, length)))
    ends = slice(0, _EDGE + 1), slice(length - _EDGE, length)
    return np.concatenate([_edges(array, (*above, end)) for end in ends], axis)
