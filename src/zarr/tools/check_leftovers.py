"""What copies and rechunkings that were interrupted have left in the folders ``__rechunk``."""

from __future__ import annotations

from collections.abc import Iterator

from zarr._formats.base import join
from zarr._nodes.rechunking import FOLDER
from zarr.storage.base import BaseStore
from zarr.tools.check_nodes import finding
from zarr.tools.check_report import Finding, period
from zarr.tools.rechunk_journal import Journal
from zarr.tools.rechunk_tasks import unpublished

__all__ = [
    "RESUMABLE", "check_leftovers", "left_in", "owner_of", "seconds_since", "values_of",
]  # fmt: skip

RESUMABLE = 7 * 86400
"""Seconds for which a rechunking that was interrupted can go on."""


def left_in(key: str) -> str:
    """Return the folder of the copy or the rechunking to which a key belongs."""
    parts = key.split("/")
    at = parts.index(FOLDER) + 1
    name = parts[at] if at < len(parts) else ""
    return "/".join(parts[: at + name.startswith("copy-")])


def owner_of(folder: str) -> str:
    """Return the path of the array or group that a left-over belongs to."""
    return "/".join(folder.split("/")[: folder.split("/").index(FOLDER)])


def check_leftovers(store: BaseStore, folders: set[str], age: float) -> Iterator[Finding]:
    """Yield a finding for each of `folders` in which nothing was stored for `age` seconds."""
    for folder in sorted(folders):
        seconds = seconds_since(store, folder)
        if seconds is not None and seconds < age:
            continue
        since = "" if seconds is None else f" {period(seconds)} ago"
        if _is_resumable(store, folder):
            said = f"a rechunking that was interrupted{since}; it goes on when it is repeated"
            yield finding("K006", folder, said)
        else:
            yield finding("K001", folder, f"left by a copy that was interrupted{since}")


def seconds_since(store: BaseStore, folder: str) -> float | None:
    """Return how long ago a value of a left-over was stored, None if the store does not know it."""
    keys = (key for key in store.list_prefix(folder) if left_in(key) == folder)
    ages = store.get_ages(keys)
    return min(ages.values(), default=None)


def _is_resumable(store: BaseStore, folder: str) -> bool:
    key = join(folder, "plan.json")
    return not folder.rpartition("/")[2].startswith("copy-") and key in store


def values_of(store: BaseStore, folder: str) -> Iterator[dict[str, int]]:
    """Yield what is left in a folder, as sizes by key, in the order in which it may be deleted.

    So are the chunks of arrays that nobody sees yet. A rechunking that goes on when only some are
    deleted must not take a block for done whose chunks are gone.
    """
    parts: dict[str, dict[str, int]] = {"done": {}, "": {}, "plan.json": {}, "documents": {}}
    for key, size in store.list_sizes(folder):
        if left_in(key) == folder:
            name = key[len(folder) + 1 :].partition("/")[0]
            parts[name if name in parts else ""][key] = size
    if folder.rpartition("/")[2] == FOLDER:
        for made in unpublished(Journal(store, owner_of(folder))):
            parts[""].update((key, store.getsize(key)) for key, _ in made._engine.stored())
    yield from parts.values()
