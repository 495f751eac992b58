"""No lock of a file is held after an interrupt, wherever in a call it comes.

Signals are looked for when a function begins, when a call of one that is written in C has
returned, and when a loop begins again (for which see `test_loops`). From Python 3.12 on, an
exception can be raised at each of the former moments, one after the other. It is kept, as
notebooks keep the last one: what only its frames hold would be held until the next.
"""

from __future__ import annotations

import gc
import itertools
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np
import pytest

import zarr
from zarr.storage.base import BaseStore
from zarr.tools.transaction import Transaction

pytestmark = [
    pytest.mark.skipif(sys.version_info < (3, 12), reason="needs sys.monitoring, of Python 3.12"),
    pytest.mark.skipif(
        not os.path.exists("/proc/locks"), reason="reads the locks that Linux knows"
    ),
    # Files and listings that an exception keeps from being closed are closed when they are dropped.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

PACKAGE = os.path.dirname(zarr.__file__)


@pytest.fixture(autouse=True)
def dropped_within_the_test() -> Iterator[None]:
    """Drop what exceptions have kept, or other tests would be warned of it."""
    yield
    gc.collect()


class Interrupted(BaseException):
    """What comes at any moment."""


def struck_at(moment: int, work: Callable[[], object]) -> Interrupted | None:
    """Raise at a moment of a call, counted from 0; return what was raised, None behind its end."""
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
    events, left = monitoring.events, itertools.count(moment, -1)
    here, struck = threading.get_ident(), []

    def strike(code: CodeType, *_: object) -> None:
        # As signals do, it comes to one thread.
        ours = threading.get_ident() == here and code.co_filename.startswith(PACKAGE)
        if ours and next(left) == 0:
            struck.append(Interrupted())
            raise struck[0]

    told, sys.unraisablehook = sys.unraisablehook, lambda _: None  # what comes in `__del__`
    monitoring.use_tool_id(monitoring.PROFILER_ID, "interrupts")
    kinds = (events.PY_START, events.C_RETURN)
    for kind in kinds:
        monitoring.register_callback(monitoring.PROFILER_ID, kind, strike)
    monitoring.set_events(monitoring.PROFILER_ID, events.PY_START | events.CALL)
    try:
        work()
    except Interrupted:
        pass
    finally:
        monitoring.set_events(monitoring.PROFILER_ID, 0)
        for kind in kinds:
            monitoring.register_callback(monitoring.PROFILER_ID, kind, None)
        monitoring.free_tool_id(monitoring.PROFILER_ID)
        sys.unraisablehook = told
    return struck[0] if struck else None


def locks_of_files() -> list[str]:
    """Return the locks of files that this process holds."""
    with open("/proc/locks") as file:
        return [line for line in file if line.split()[4] == str(os.getpid())]


def made(path: Path, **options: Any) -> zarr.Array:
    options = {"zarr_format": 2, "fill_value": -1} | options
    z = zarr.open_array(str(path), mode="w", shape=20, chunks=5, dtype="i4", **options)
    z[:] = 0
    return z


def held_after_each_moment(
    work: Callable[[zarr.Array], object], make: Callable[[], zarr.Array]
) -> dict[str, list[int]]:
    """Return the moments after which locks are held, by the function in which they are."""
    held: dict[str, list[int]] = {}
    for moment in itertools.count():
        z = make()
        error = struck_at(moment, lambda: work(z))  # noqa: B023
        if error is None:
            break
        if locks_of_files():
            names = [frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__)]
            held.setdefault(names[-2], []).append(moment)  # the last one is `strike`
            del error
            gc.collect()  # its traceback refers to it
    assert moment > 20
    return held


def writes(z: zarr.Array) -> None:
    z[1:7] = 5


def appends(z: zarr.Array) -> None:
    z.append(np.ones(5, "i4"))


def resizes(z: zarr.Array) -> None:
    z.resize(13)
    z.resize(20)


def changes_attributes(z: zarr.Array) -> None:
    z.attrs["a"] = [1]


@pytest.mark.parametrize("synchronized", [True, False], ids=["synchronizer", "none"])
@pytest.mark.parametrize("work", [writes, appends, resizes, changes_attributes])
@pytest.mark.parametrize("format", [2, 3])
def test_no_lock_of_a_file_is_held(
    work: Callable[[zarr.Array], None], synchronized: bool, format: int, tmp_path: Path
) -> None:
    locks = zarr.ProcessSynchronizer(str(tmp_path / "locks")) if synchronized else None
    held = held_after_each_moment(
        work,
        lambda: made(tmp_path / "z", zarr_format=format, synchronizer=locks),
    )
    assert held == {}


def test_no_lock_beside_a_seal_is_held(tmp_path: Path) -> None:
    def sealed() -> zarr.Array:
        made(tmp_path / "z")
        zarr.seal(tmp_path / "z")
        return zarr.open_array(tmp_path / "z", mode="r+")

    assert held_after_each_moment(writes, sealed) == {}


def transactions(store: BaseStore) -> None:
    with zarr.transaction(store, fsync=False) as changes:
        changes.group["z"][1:7] = 5
    with zarr.transaction(store, fsync=False, read_only=True) as reading:
        assert reading.group["z"][1] == 5
    with suppress(RuntimeError), zarr.transaction(store, fsync=False) as dropped:
        dropped.group["z"].resize(7)
        raise RuntimeError


def place_of(error: BaseException) -> tuple[CodeType, int]:
    """Return the function and the line where it was raised."""
    *_, (frame, line), _ = traceback.walk_tb(error.__traceback__)  # the last one is `strike`
    return frame.f_code, line


def beginning_of(function: Any) -> tuple[CodeType, int]:
    return function.__code__, function.__code__.co_firstlineno


def can_begin(store: BaseStore) -> bool:
    """Tell whether another thread can have a transaction."""

    def begin() -> None:
        with zarr.transaction(store, fsync=False, timeout=30):  # LMDB ends them in other threads
            pass

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(begin).exception() is None


STORES = [zarr.DirectoryStore, zarr.SQLiteStore, zarr.LMDBStore, zarr.ZipStore]


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("kind", STORES)
def test_no_transaction_stays_open(kind: type[BaseStore], tmp_path: Path) -> None:
    store = kind(str(tmp_path / "data"))  # type: ignore[call-arg]
    zarr.open_group(store, mode="w").zeros("z", shape=20, chunks=5, dtype="i4")
    for moment in itertools.count():
        error = struck_at(moment, lambda: transactions(store))
        if error is None:
            break
        place = place_of(error)
        if place == beginning_of(Transaction.__exit__):
            # No code can prevent that an exception comes in place of that call.
            del error
            gc.collect()
        else:
            assert can_begin(store), place
    assert moment > 1000
    store.close()
