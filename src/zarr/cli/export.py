"""``zarr export``."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import numpy as np

from zarr.cli._copying import Copy, print_result
from zarr.cli._locations import Location, opened
from zarr.cli._nodes import dimension_names, is_array, members, windows
from zarr.cli._options import as_json, dry_run, zarr_command
from zarr.cli._selections import read_selection

_KINDS = {".h5": "hdf5", ".hdf5": "hdf5", ".npy": "npy", ".npz": "npz", ".zip": "zip"}


@zarr_command("export")
@click.argument("location")
@click.argument("file", type=click.Path(dir_okay=False))
@click.argument("selection", required=False)
@click.option("--overwrite", is_flag=True, help="Replace FILE.")
@dry_run
@as_json
def command(
    location: str,
    file: str,
    selection: str | None,
    overwrite: bool,
    dry_run: bool,
    as_json: bool,
    storage_options: Mapping[str, Any],
) -> None:
    """Write the array or group at LOCATION to FILE.

    FILE ends with .h5 or .hdf5 (with all that is below), .zip (a Zarr archive), .npy (one
    array, or a SELECTION of it, as for 'zarr dump') or .npz (the arrays of one group). It
    appears when it is complete.
    """
    target = Path(file)
    if target.suffix not in _KINDS:
        raise ValueError(f"{file!r} ends with none of {', '.join(_KINDS)}")
    if selection is not None and target.suffix != ".npy":
        raise click.UsageError("a SELECTION can be written to an .npy file only")
    if target.exists() and not overwrite:
        raise FileExistsError(f"{file!r} exists; use --overwrite")
    origin = Location.of(location)
    with _complete_at(target, dry_run) as unfinished:
        kind = _KINDS[target.suffix]
        if kind in ("hdf5", "zip"):
            goal = Location(file, str(unfinished), "", kind, "")
            result = Copy(dry_run=dry_run, options=storage_options).run(origin, goal)
        else:
            with opened(origin, "r", storage_options) as node:
                write = _write_npy if kind == "npy" else _write_npz
                result = write(node, unfinished, selection, dry_run)
    print_result(result, dry_run, as_json)


@contextmanager
def _complete_at(target: Path, dry_run: bool) -> Iterator[Path]:
    """Let a file be written elsewhere, and put it in its place when it is complete."""
    if dry_run:
        yield target.with_name(f"{target.name}.not-written")
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".zarr-export-", dir=target.parent) as folder:
        unfinished = Path(folder, target.name)
        yield unfinished
        unfinished.replace(target)


def _write_npy(
    node: Any, target: Path, selection: str | None, dry_run: bool
) -> tuple[int, int, int]:
    if not is_array(node):
        raise ValueError(f"{node.name!r} is a group; .npy files hold one array, use .npz or .h5")
    if dry_run:
        click.echo(f"would write {node.shape} {node.dtype}")
        return 1, 0, 0
    if selection is not None:
        values = read_selection(node, selection, dimension_names(node))
        np.save(target, values, allow_pickle=False)
        return 1, 0, int(values.nbytes)
    if node.dtype.hasobject or not node.size:
        np.save(target, np.asarray(node[...]), allow_pickle=False)
    else:
        file = np.lib.format.open_memmap(target, "w+", dtype=node.dtype, shape=node.shape)
        for window in windows(node):
            file[window] = node[window]
        file.flush()
    return 1, 0, int(node.nbytes)


def _write_npz(
    node: Any, target: Path, selection: str | None, dry_run: bool
) -> tuple[int, int, int]:
    if is_array(node):
        raise ValueError(f"{node.name!r} is an array; .npz files hold a group, use .npy")
    arrays = {name: member for name, member in members(node) if is_array(member)}
    if dry_run:
        for name, array in arrays.items():
            click.echo(f"would write {name} {array.shape} {array.dtype}")
        return len(arrays), 0, 0
    np.savez(target, allow_pickle=False, **{name: array[...] for name, array in arrays.items()})
    return len(arrays), 0, sum(int(array.nbytes) for array in arrays.values())
