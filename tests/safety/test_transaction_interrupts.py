"""An interrupt at any line of a transaction leaves all of it or nothing, and no lock."""

from __future__ import annotations

import contextlib
import gc
import sys
from pathlib import Path
from typing import Any

import pytest

import zarr

from .places import PLACES

TRACED = {
    "directory": ("storage/transactions.py", "storage/journal.py", "_system.py"),
    "sqlite": ("storage/sqlite.py",),
    "lmdb": ("storage/lmdb_writer.py", "storage/lmdb.py"),
    "redis": ("storage/redis_transaction.py",),
    "zip": ("storage/zip.py", "storage/zip_transaction.py", "storage/zip_archive.py"),
    "ocdbt": ("storage/ocdbt.py", "storage/overlay.py"),
}
"""The files of which each line is interrupted."""

TIMEOUT = {
    "directory": 0.0, "sqlite": 0.0, "redis": 0.0, "zip": 0.0, "lmdb": 30.0, "ocdbt": 0.0,
}  # fmt: skip
"""How long the next transaction may wait: LMDB's end in a thread of their own."""

KINDS = [
    pytest.param(kind, marks=pytest.mark.remote if PLACES[kind].service else ())
    for kind in TRACED
    if kind in PLACES
]


def transact(store: Any, value: int, *, read_only: bool) -> None:
    """Change the array, or only read it, in a transaction."""
    with zarr.transaction(store, fsync=False, read_only=read_only) as txn:
        if read_only:
            txn.group["a"][:]
        else:
            txn.group["a"][:] = value


def is_in_finalizer(frame: Any) -> bool:
    while frame is not None and frame.f_code.co_name != "__del__":
        frame = frame.f_back
    return frame is not None


def interrupted_at(line: int, store: Any, traced: tuple[str, ...], *, read_only: bool) -> bool:
    """Return whether there is a `line`-th line in a transaction; it is interrupted before that."""
    left = line

    def trace(frame: Any, event: str, arg: Any) -> Any:
        nonlocal left
        if not frame.f_code.co_filename.endswith(traced) or is_in_finalizer(frame):
            return None  # Python drops what a finalizer raises
        if event == "line":
            left -= 1
            if left < 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        transact(store, line, read_only=read_only)
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("read_only", [False, True], ids=["writing", "reading"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupt_at_any_line_leaves_no_lock(
    tmp_path: Path, request: pytest.FixtureRequest, kind: str, *, read_only: bool
) -> None:
    if PLACES[kind].service:
        request.getfixturevalue("servers")
    traced = ("tools/transaction.py", *TRACED[kind])
    with contextlib.closing(PLACES[kind].open(str(tmp_path))) as store:
        root = zarr.open_group(store, mode="w")
        root.create_dataset("a", shape=4, chunks=2, dtype="i4")
        line, before = 0, 0
        # Nothing may wait for the collector of cycles.
        gc.disable()
        try:
            while interrupted_at(line, store, traced, read_only=read_only):
                found = set(zarr.open_array(store, path="a", mode="r")[:])
                assert found in (({before},) if read_only else ({before}, {line}))
                with zarr.transaction(store, fsync=False, timeout=TIMEOUT[kind]) as txn:
                    txn.group["a"][:] = -1
                assert set(root["a"][:]) == {-1}
                line, before = line + 1, -1
        finally:
            gc.enable()
    assert line > 20
