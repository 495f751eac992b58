"""Copying the keys and values of whole stores."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from zarr._formats.base import join
from zarr._shared.chunk_cache import forget_below
from zarr.errors import CopyError
from zarr.storage.base import BaseStore, as_view, normalize_storage_path
from zarr.storage.nodes import contains_array, contains_group
from zarr.storage.resolve import normalize_store_arg
from zarr.tools.copy import Log, Reporter, Result
from zarr.tools.progress import Progress
from zarr.tools.transfer import WINDOW_BYTES

__all__ = ["copy_store"]

_KEY_CHOICES = ("raise", "replace", "skip")


def copy_store(
    source: Any,
    dest: Any,
    source_path: str,
    dest_path: str,
    excludes: str | Sequence[str] | None,
    includes: str | Sequence[str] | None,
    flags: int,
    if_exists: str,
    dry_run: bool,
    log: Log,
    progress: Progress | None,
) -> Result:
    """Copy keys and values; see `zarr.convenience.copy_store`."""
    if if_exists not in _KEY_CHOICES:
        raise ValueError(f"if_exists must be one of {list(_KEY_CHOICES)!r}; found {if_exists!r}")
    source = normalize_store_arg(source, mode="r")
    dest = normalize_store_arg(dest, mode="a")
    source_path = normalize_storage_path(source_path)
    dest_path = normalize_storage_path(dest_path)
    listed = list(source.list_prefix(source_path))
    if not listed and _is_node(source, source_path):
        raise CopyError(
            f"cannot list the keys of {source!r}; zarr.copy and zarr.copy_all copy arrays and "
            "groups without a list, if their metadata are consolidated"
        )
    keys = _selected(listed, excludes, includes, flags)
    skip = len(source_path) + 1 if source_path else 0
    targets = {key: join(dest_path, key[skip:]) for key in keys}
    present = set() if if_exists == "replace" else set(dest.list_prefix(dest_path))
    if if_exists == "raise":
        for target in targets.values():
            if target in present:
                raise CopyError(f"key {target!r} exists in destination")
    with Reporter(log, dry_run) as reporter:
        queue = iter(targets.items())
        done = fetched = 0
        while batch := list(itertools.islice(queue, _next_batch(fetched, reporter.nbytes))):
            for key, target in batch:
                label = key if key == target else f"{key} -> {target}"
                (reporter.skip if target in present else reporter.copy)(label)
            if dry_run:
                continue
            moved = {key: target for key, target in batch if target not in present}
            reporter.nbytes += _copy_values(source, dest, moved)
            fetched += len(moved)
            done += len(batch)
            if progress is not None:
                expected = reporter.nbytes * len(targets) // done
                progress(done, len(targets), reporter.nbytes, expected)
        return reporter.result()


def _is_node(store: BaseStore, path: str) -> bool:
    return contains_array(store, path) or contains_group(store, path)


def _selected(
    keys: Iterable[str],
    excludes: str | Sequence[str] | None,
    includes: str | Sequence[str] | None,
    flags: int,
) -> list[str]:
    """Return `keys`, sorted, without those excluded and not included again."""
    out, back = _patterns(excludes, flags), _patterns(includes, flags)
    return sorted(
        key
        for key in keys
        if not any(p.search(key) for p in out) or any(p.search(key) for p in back)
    )


def _patterns(patterns: str | Sequence[str] | None, flags: int) -> list[re.Pattern[str]]:
    listed = [patterns] if isinstance(patterns, str) else patterns or ()
    return [re.compile(pattern, flags) for pattern in listed]


def _copy_values(source: BaseStore, dest: BaseStore, targets: Mapping[str, str]) -> int:
    """Copy the values at the keys of `targets` to what they map to; return the bytes."""
    found = source.getitems(list(targets))
    dest.setitems({targets[key]: value for key, value in found.items()})
    forget_below(dest.address())
    return sum(as_view(value).nbytes for value in found.values())


def _next_batch(fetched: int, nbytes: int) -> int:
    """Return how many values to fetch at a time, judging by those fetched so far."""
    mean = nbytes // fetched + 1 if fetched else WINDOW_BYTES // 8
    return max(1, min(1000, 2 * fetched + 1, WINDOW_BYTES // mean))
