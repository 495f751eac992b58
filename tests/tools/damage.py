"""The damage corpus: small hierarchies with one kind of damage each.

``python -m tests.tools.damage FOLDER`` writes all of it, one directory for each kind and layout.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import zarr

__all__ = ["DATA", "KINDS", "LAYOUTS", "NOTICED", "age_all", "chunk_file", "damaged", "make"]

DATA = np.random.default_rng(0).integers(0, 1000, (40, 40)).cumsum(axis=1).astype("i4")
"""The values of the array ``a/z``: 16 chunks."""

LAYOUTS: dict[str, dict[str, Any]] = {
    "format 2": {"zarr_version": 2, "compressor": zarr.Blosc("lz4", 5)},
    "format 3": {"zarr_version": 3, "compressor": zarr.Zstd(level=3)},
    "shards": {"zarr_version": 3, "compressor": zarr.Zstd(level=3), "shards": (20, 20)},
}
"""How the array is stored. None of the codecs has a checksum."""

OTHER_VERSION = {"format 2": 3, "format 3": 2, "shards": 2}


def make(folder: Path, layout: str) -> None:
    """Write an intact hierarchy, with consolidated metadata."""
    options = dict(LAYOUTS[layout])
    version = options.pop("zarr_version")
    root = zarr.open_group(str(folder), mode="w", zarr_version=version)
    group = root.create_group("a")
    group.attrs["title"] = "corpus"
    chunks = (10, 10)
    z = group.create_dataset("z", shape=DATA.shape, chunks=chunks, dtype="i4", **options)
    z[...] = DATA
    z.attrs["units"] = "m"
    root.create_dataset("other", data=np.arange(6), chunks=3)
    zarr.consolidate_metadata(str(folder))


def document(folder: Path, layout: str) -> Path:
    """Return the metadata document of the array."""
    return folder / "a" / "z" / (".zarray" if layout == "format 2" else "zarr.json")


def chunk_file(folder: Path, layout: str, *place: int) -> Path:
    """Return the file of a chunk, or of a shard."""
    names = map(str, place)
    array = folder / "a" / "z"
    return array / ".".join(names) if layout == "format 2" else array / "c" / "/".join(names)


def edit(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    members = json.loads(path.read_text())
    change(members)
    path.write_text(json.dumps(members))


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 0x10
    path.write_bytes(bytes(data))


def bad_json(folder: Path, layout: str) -> None:
    path = document(folder, layout)
    path.write_text(path.read_text()[:-20])


def two_documents(folder: Path, layout: str) -> None:
    other = zarr.zeros(DATA.shape, chunks=10, dtype="i4", zarr_version=OTHER_VERSION[layout])
    (key,) = other.store
    (folder / "a" / "z" / key).write_bytes(bytes(other.store[key]))


def chunk_missing(folder: Path, layout: str) -> None:
    chunk_file(folder, layout, 1, 1).unlink()


def other_spelling(folder: Path, layout: str) -> None:
    path = chunk_file(folder, layout, 1, 1)
    name = "c/1/1" if layout == "format 2" else "1.1"
    (folder / "a" / "z" / name).parent.mkdir(parents=True, exist_ok=True)
    path.rename(folder / "a" / "z" / name)


def swapped(folder: Path, layout: str) -> None:
    one, other = (chunk_file(folder, layout, n, 0) for n in (0, 1))
    a, b = one.read_bytes(), other.read_bytes()
    one.write_bytes(b)
    other.write_bytes(a)


def flip_middle(folder: Path, layout: str) -> None:
    path = chunk_file(folder, layout, 1, 1)
    flip(path, path.stat().st_size // 2)


def flip_end(folder: Path, layout: str) -> None:
    flip(chunk_file(folder, layout, 1, 1), -3)


def stale_copies(folder: Path, layout: str) -> None:
    edit(document(folder, layout), lambda members: members.update(shape=[50, 40]))


def truncated(folder: Path, layout: str) -> None:
    path = chunk_file(folder, layout, 1, 1)
    path.write_bytes(path.read_bytes()[:-7])


def zero_length(folder: Path, layout: str) -> None:
    chunk_file(folder, layout, 1, 1).write_bytes(b"")


def wrong_dtype(folder: Path, layout: str) -> None:
    name, value = ("dtype", "<f8") if layout == "format 2" else ("data_type", "float64")
    edit(document(folder, layout), lambda members: members.update({name: value}))
    zarr.consolidate_metadata(str(folder))


def outside_grid(folder: Path, layout: str) -> None:
    inside, outside = chunk_file(folder, layout, 0, 0), chunk_file(folder, layout, 9, 0)
    outside.parent.mkdir(exist_ok=True)
    shutil.copy(inside, outside)


def temporary_file(folder: Path, layout: str) -> None:
    (folder / "a" / "z" / ".__zarr_tmp_123_abc_0").write_bytes(b"half a chunk")


def group_missing(folder: Path, layout: str) -> None:
    (folder / "a" / (".zgroup" if layout == "format 2" else "zarr.json")).unlink()
    zarr.consolidate_metadata(str(folder))


KINDS: dict[str, Callable[[Path, str], None]] = {
    function.__name__: function
    for function in (
        bad_json, two_documents, chunk_missing, other_spelling, swapped, flip_middle, flip_end,
        stale_copies, truncated, zero_length, wrong_dtype, outside_grid, temporary_file,
        group_missing,
    )
}  # fmt: skip

NOTICED: dict[str, dict[str, str | None]] = {
    # By kind, the code of the finding at the level "data" without a seal; None where there can
    # be none: the bytes that are stored are as good as any others.
    "bad_json": dict.fromkeys(LAYOUTS, "M001"),
    "two_documents": dict.fromkeys(LAYOUTS, "M004"),
    # A note only: an array may be sparse.
    "chunk_missing": dict.fromkeys(LAYOUTS, "C005"),
    "other_spelling": dict.fromkeys(LAYOUTS, "K003"),
    # Both are chunks of this array. Nothing says which is which.
    "swapped": dict.fromkeys(LAYOUTS, None),
    # The codecs have no checksum, and the bit is in the data. The index of a shard has one.
    "flip_middle": dict.fromkeys(LAYOUTS, None),
    "flip_end": {"format 2": None, "format 3": None, "shards": "S001"},
    "stale_copies": dict.fromkeys(LAYOUTS, "M006"),
    "truncated": {"format 2": "C002", "format 3": "C002", "shards": "S001"},
    "zero_length": dict.fromkeys(LAYOUTS, "C001"),
    "wrong_dtype": dict.fromkeys(LAYOUTS, "C002"),
    "outside_grid": dict.fromkeys(LAYOUTS, "K002"),
    "temporary_file": dict.fromkeys(LAYOUTS, "K001"),
    "group_missing": dict.fromkeys(LAYOUTS, "M005"),
}


def age_all(folder: Path, seconds: float = 7200) -> None:
    """Make all files look as if they had been written so many seconds ago."""
    then = time.time() - seconds
    for path in folder.rglob("*"):
        os.utime(path, (then, then))


def damaged(folder: Path, kind: str, layout: str) -> None:
    """Write a hierarchy with one kind of damage."""
    make(folder, layout)
    KINDS[kind](folder, layout)
    age_all(folder)


if __name__ == "__main__":
    for layout in LAYOUTS:
        for kind in KINDS:
            damaged(Path(sys.argv[1]) / layout.replace(" ", "_") / kind, kind, layout)
