"""``zarr doctor``."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import os
import platform
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

import zarr
from zarr.cli._locations import Location, opened_store
from zarr.cli._nodes import is_array, members
from zarr.cli._options import as_json, zarr_command
from zarr.cli._output import print_json, print_pairs

_PACKAGES = {
    "zarr": "", "numpy": "", "numcodecs": "", "fasteners": "", "google-crc32c": "",
    "click": "cli", "rich": "cli", "fsspec": "fsspec", "s3fs": "fsspec", "obstore": "obstore",
    "h5py": "h5py", "lmdb": "lmdb", "redis": "redis", "pymongo": "mongodb",
    "azure-storage-blob": "azure", "berkeleydb": "berkeleydb", "isal": "fast", "zlib-ng": "fast",
    "msgpack": "msgpack", "ml_dtypes": "", "ipytree": "jupyter",
}  # fmt: skip
"""Packages that matter, and the extra that brings each."""

_VARIABLES = ("ZARR_", "BLOSC_", "NUMCODECS_", "FSSPEC_", "OMP_NUM_THREADS", "PYTHONPATH", "TMPDIR")
"""What the names of environment variables begin with that matter here; none holds secrets."""


@zarr_command("doctor")
@click.argument("location", required=False)
@as_json
def command(location: str | None, as_json: bool, storage_options: Mapping[str, Any]) -> int:
    """Show versions, codecs, settings and facts of the system, to be put into a report of a bug.

    With a LOCATION, also what opening it does, step by step; the exit status is 1 if a step
    fails.
    """
    report: dict[str, Any] = {
        "packages": _packages(),
        "codecs": _codecs(),
        "configuration": dataclasses.asdict(zarr.config.get()),
        "environment": _environment(),
        "system": _system(),
    }
    steps = [] if location is None else _steps(location, storage_options)
    if as_json:
        print_json(report | ({"steps": steps} if steps else {}))
    else:
        _print(report, steps)
    return int(any(not step["ok"] for step in steps))


def _packages() -> dict[str, str]:
    found = {}
    for name, extra in _PACKAGES.items():
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = f"missing (zarr[{extra}])" if extra else "missing"
    return found


def _codecs() -> list[str]:
    import numcodecs

    return sorted({*numcodecs.registry.codec_registry, *numcodecs.registry.entries})


def _environment() -> dict[str, str]:
    return {
        name: value for name, value in sorted(os.environ.items()) if name.startswith(_VARIABLES)
    }


def _system() -> dict[str, Any]:
    return {
        "python": sys.version.split()[0],
        "executable": sys.executable,
        "platform": platform.platform(),
        "machine": platform.machine(),
        "byte order": sys.byteorder,
        "processors": os.cpu_count(),
        "without GIL": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        "encoding of file names": sys.getfilesystemencoding(),
        "temporary folder": tempfile.gettempdir(),
        "package": str(Path(zarr.__file__).parent),
    }


def _print(report: Mapping[str, Any], steps: list[dict[str, Any]]) -> None:
    for title, content in report.items():
        click.echo(f"# {title}")
        if isinstance(content, dict):
            print_pairs(list(content.items()) or [("", "none set")])
        else:
            click.echo(", ".join(content))
    if steps:
        click.echo("# opening")
        for step in steps:
            click.echo(f"{'ok  ' if step['ok'] else 'FAIL'} {step['step']}: {step['result']}")


def _steps(text: str, options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Open a location step by step; the last step is the one that fails."""
    steps: list[dict[str, Any]] = []

    def take(step: str, act: Callable[[], Any], show: Callable[[Any], object] = str) -> Any:
        try:
            result = act()
            steps.append({"step": step, "ok": True, "result": str(show(result))})
        except Exception as error:
            steps.append({"step": step, "ok": False, "result": f"{type(error).__name__}: {error}"})
            raise _FailedError from error
        return result

    try:
        place = take("find the store", lambda: Location.of(text), _found)
        if place.kind == "hdf5":
            take("open the HDF5 file", lambda: _open_hdf5(place))
        else:
            _open_step_by_step(place, options, take)
    except _FailedError:
        pass
    return steps


class _FailedError(Exception):
    """A step has failed, and is recorded."""


def _found(place: Location) -> str:
    return f"{place.store}, a {place.kind}, because {place.reason}; path in it: /{place.path}"


def _open_hdf5(place: Location) -> str:
    import h5py

    with h5py.File(place.store, "r") as file:
        return repr(file[place.path or "/"])


def _open_step_by_step(
    place: Location, options: Mapping[str, Any], take: Callable[..., Any]
) -> None:
    opening = opened_store(place, "r", options)
    store = take("open the store", opening.__enter__, repr)
    try:
        node = take(
            "read the metadata",
            lambda: zarr.open(store, mode="r", path=place.path),
            lambda found: f"{found!r}, format {found.zarr_format}",
        )
        take("read the attributes", node.attrs.asdict, lambda found: f"{len(found)}")
        if not is_array(node):
            take("list the members", lambda: members(node), lambda found: f"{len(found)}")
            return
        take("make the codecs", lambda: _pipeline(node), lambda found: found)
        take(
            "count the chunks", lambda: node.nchunks_initialized, lambda n: f"{n} of {node.nchunks}"
        )
        if node.size:
            first = (0,) * node.ndim
            take("read the first value", lambda: node[first], repr)
    finally:
        opening.__exit__(None, None, None)


def _pipeline(array: Any) -> str:
    return f"filters {array.filters}, compressor {array.compressor}"
