"""``zarr rechunk``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

import click

import zarr
from zarr._wording import counted
from zarr.cli._copying import check_free, destination
from zarr.cli._executors import executor, executor_for
from zarr.cli._locations import Location, opened, opened_store
from zarr.cli._nodes import is_array
from zarr.cli._options import as_json, dry_run, zarr_command
from zarr.cli._output import print_json, print_lines
from zarr.cli._selections import parse_sizes
from zarr.tools.progress import drawn
from zarr.tools.rechunk import Rechunked
from zarr.tools.rechunk_journal import Journal


@zarr_command("rechunk")
@click.argument("source")
@click.argument("dest", required=False)
@click.option(
    "--in-place", is_flag=True,
    help="Replace SOURCE itself; its store must have transactions, as folders have.",
)  # fmt: skip
@click.option("--chunks", help="Shape of chunks: 100,200 or time=24,lat=100.")
@click.option("--shards", help="Shape of shards, in the same way.")
@click.option(
    "--compressor",
    help="Name of a codec of numcodecs, its configuration as JSON, or none.",
)
@click.option("--memory", default="256MB", show_default=True, help="Bytes for each worker.")
@executor
@click.option("--format", "zarr_format", type=click.Choice(["2", "3"]), help="Format of DEST.")
@click.option("--overwrite", is_flag=True, help="Replace what is at DEST.")
@click.option("--restart", is_flag=True, help="Start again what was interrupted.")
@click.option(
    "--verify", type=click.Choice(["sample", "all", "none"]), default="sample",
    show_default=True, help="How much to compare at the end.",
)  # fmt: skip
@dry_run
@as_json
def command(
    source: str,
    dest: str | None,
    in_place: bool,
    chunks: str | None,
    shards: str | None,
    compressor: str | None,
    memory: str,
    executor: str | None,
    zarr_format: str | None,
    overwrite: bool,
    restart: bool,
    verify: str,
    dry_run: bool,
    as_json: bool,
    storage_options: Mapping[str, Any],
) -> None:
    """Copy the array or group at SOURCE to DEST with other chunks, shards or codecs.

    With --in-place there is no DEST: the new arrays replace those at SOURCE, all at once, when they
    are complete.

    Memory is bounded, and what was interrupted goes on when the command is repeated. In a group,
    name dimensions: time=24 changes all arrays that have it.
    """
    options: dict[str, Any] = {
        "memory": int(memory) if memory.isdecimal() else memory,
        "zarr_format": None if zarr_format is None else int(zarr_format),
        "overwrite": overwrite,
        "resume": not restart,
        "verify": None if verify == "none" else verify,
        "dry_run": dry_run,
    }
    if compressor is not None:
        options["compressor"] = _codec(compressor)
    if in_place == (dest is not None):
        raise click.UsageError("give either DEST or --in-place")
    origin = Location.of(source)
    goal = origin if dest is None else destination(dest, origin)
    if dest is not None and (goal.store, goal.path) == (origin.store, origin.path):
        raise click.UsageError("DEST is SOURCE; --in-place replaces it")
    with opened(origin, "r+" if in_place else "r", storage_options) as node:
        for name, text in (("chunks", chunks), ("shards", shards)):
            if text is not None:
                options[name] = _sizes(text, node)
        if in_place:
            found = _run_in_place(node, executor, options)
        else:
            found = run(node, goal, executor, storage_options, options)
    _print(found, dry_run, as_json)


def run(
    node: Any,
    goal: Location,
    executor: str | None,
    storage_options: Mapping[str, Any],
    options: Mapping[str, Any],
) -> Rechunked:
    """Rechunk an open array or group to a location."""
    with ExitStack() as stack:
        if options.get("dry_run") and not goal.exists():
            return zarr.rechunk(node, zarr.MemoryStore(), **options)
        store = stack.enter_context(opened_store(goal, "a", storage_options))
        if not zarr.storage.contains_group(store) and Journal(store, goal.path).read() is None:
            check_free(goal)
        pool = stack.enter_context(executor_for(executor))
        bar = stack.enter_context(drawn("rechunking"))
        return zarr.rechunk(
            node, store, dest_path=goal.path, executor=pool, progress=bar, **options
        )


def _run_in_place(node: Any, executor: str | None, options: Mapping[str, Any]) -> Rechunked:
    with executor_for(executor) as pool, drawn("rechunking") as bar:
        return zarr.rechunk(node, executor=pool, progress=bar, **options)


def _sizes(text: str, node: Any) -> Any:
    if "=" not in text and is_array(node):
        return parse_sizes(text, None, node.shape)
    sizes = [part.partition("=") for part in text.split(",")]
    if not all(name.strip() and number.strip().isdecimal() for name, _, number in sizes):
        where = "" if is_array(node) else "in a group "
        raise click.UsageError(f"{text!r}: {where}name dimensions, as in time=24,lat=100")
    return {name.strip(): int(number) for name, _, number in sizes}


def _codec(text: str) -> Any:
    if text == "none":
        return None
    from numcodecs import get_codec

    try:
        return get_codec(json.loads(text) if text.lstrip().startswith("{") else {"id": text})
    except (ValueError, TypeError) as error:
        raise click.UsageError(f"--compressor {text!r}: {error}") from error


def _print(found: Rechunked, dry_run: bool, as_json: bool) -> None:
    if as_json:
        members = asdict(found)
        for array in members["plans"]:
            del array["chosen"]  # the first of the candidates
        print_json({**members, "dry_run": dry_run})
    elif dry_run:
        print_lines(str(found))
    else:
        before = f", {found.found} found" if found.found else ""
        size = counted(found.nbytes, "byte")
        click.echo(f"{counted(found.blocks, 'block')} copied{before}, {size}")
