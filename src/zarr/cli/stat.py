"""``zarr stat``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import click
import numpy as np

from zarr.cli._locations import Location, opened
from zarr.cli._nodes import is_array, stored_bytes, walk, windows
from zarr.cli._options import as_json, zarr_command
from zarr.cli._output import human, print_json, print_table
from zarr.tools import hdf5


@zarr_command("stat", absence_is_an_answer=True)
@click.argument("location")
@click.option("--range", "ranges", is_flag=True, help="Read all data for the range of values.")
@as_json
def command(location: str, ranges: bool, as_json: bool, storage_options: Mapping[str, Any]) -> None:
    """Count chunks and stored bytes of the array at LOCATION, or of all below the group there.

    The store is listed; no data are read without --range.
    """
    place = Location.of(location)
    with opened(place, "r", storage_options) as node:
        found = [(place.name, node)] if is_array(node) else list(walk(node))
        arrays = [_measure(path, item, ranges) for path, item in found if is_array(item)]
    total = {
        key: sum(array[key] for array in arrays)
        for key in ("nbytes", "nbytes_stored", "nchunks", "nchunks_initialized")
    }
    if as_json:
        print_json({"arrays": arrays, "total": total})
        return
    rows = [_row(array, ranges) for array in arrays]
    rows += [_row({"name": "total", **total}, ranges)] if len(arrays) != 1 else []
    print_table(rows, ["bytes", "stored", "ratio", "chunks", *_RANGE[: 3 * ranges], "name"])


_RANGE = ["min", "max", "NaN"]


def _measure(path: str, array: Any, ranges: bool) -> dict[str, Any]:
    stored = stored_bytes(array)
    entry = {"name": path, "nbytes": array.nbytes, "nbytes_stored": stored, **_chunks(array)}
    return entry | (_range(array) if ranges else {})


def _chunks(array: Any) -> dict[str, int]:
    if not hdf5.is_h5py(array):
        return {"nchunks": array.nchunks, "nchunks_initialized": array.nchunks_initialized}
    if array.chunks is None:
        return {"nchunks": 1, "nchunks_initialized": int(array.id.get_storage_size() > 0)}
    lengths = zip(array.shape, array.chunks, strict=True)
    total = math.prod(-(-length // chunk) for length, chunk in lengths)
    return {"nchunks": total, "nchunks_initialized": array.id.get_num_chunks()}


def _range(array: Any) -> dict[str, Any]:
    """Return smallest and largest value, without NaN and NaT, and how many of these there are."""
    if array.dtype.kind not in "biufmM" or not array.size:
        return dict.fromkeys(_RANGE)
    low, high, missing = None, None, 0
    for window in windows(array):
        values = np.asarray(array[window])
        absent = np.isnan(values) if values.dtype.kind in "fmM" else np.zeros(values.shape, bool)
        missing += int(absent.sum())
        valid = values[~absent]
        if valid.size:
            low = valid.min() if low is None else min(low, valid.min())
            high = valid.max() if high is None else max(high, valid.max())
    return {"min": low, "max": high, "NaN": missing}


def _row(entry: Mapping[str, Any], ranges: bool) -> list[object]:
    stored, size = entry["nbytes_stored"], entry["nbytes"]
    ratio = f"{size / stored:.1f}" if stored > 0 else "-"
    chunks = f"{entry['nchunks_initialized']}/{entry['nchunks']}"
    values = ["-" if entry.get(key) is None else str(entry[key]) for key in _RANGE]
    return [human(size), human(stored), ratio, chunks, *values[: 3 * ranges], entry["name"]]
