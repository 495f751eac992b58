"""`progress=` of long jobs: a callback, a bar on a terminal, nothing in a pipe."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import zarr

DATA = np.arange(48, dtype="i4").reshape(6, 8)


def _array(**options: Any) -> zarr.Array:
    return zarr.array(DATA, chunks=(2, 4), store=zarr.MemoryStore(), **options)


def _check(progress: Any) -> None:
    assert zarr.check(_array().store, progress=progress).ok


def _seal(progress: Any) -> None:
    assert zarr.seal(_array(), progress=progress).chunks == 6


def _convert(progress: Any) -> None:
    store = zarr.MemoryStore()
    zarr.convert(_array().store, 3, store, progress=progress)
    assert np.array_equal(zarr.open_array(store)[...], DATA)


def _copy(progress: Any) -> None:
    zarr.copy(_array(), zarr.group(), name="a", progress=progress)


def _copy_all(progress: Any) -> None:
    source = zarr.group()
    source["a"] = DATA
    zarr.copy_all(source, zarr.group(), progress=progress)


def _copy_store(progress: Any) -> None:
    zarr.copy_store(_array().store, zarr.MemoryStore(), progress=progress)


def _rechunk(progress: Any) -> None:
    zarr.rechunk(_array(), zarr.MemoryStore(), (6, 2), progress=progress)


JOBS = [_check, _seal, _convert, _copy, _copy_all, _copy_store, _rechunk]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("job", JOBS)
def test_a_bar_on_a_terminal(job: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rich")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)

    job(True)

    verb = job.__name__.strip("_").split("_")[0]
    assert verb[:-1] in terminal.getvalue()


@pytest.mark.parametrize("job", JOBS)
def test_no_bar_in_a_pipe(job: Callable[[Any], None], capfd: pytest.CaptureFixture[str]) -> None:
    job(True)

    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("job", JOBS)
def test_a_callback_is_told_the_end(job: Callable[[Any], None]) -> None:
    calls: list[tuple[int, ...]] = []

    job(lambda *numbers: calls.append(numbers))

    done, total = calls[-1][-2:]
    assert done == total > 0
    assert calls == sorted(calls)


@pytest.mark.parametrize("job", JOBS)
def test_what_is_no_callback_is_refused(job: Callable[[Any], None]) -> None:
    with pytest.raises(TypeError, match="progress must be a function, True or None"):
        job(5)


@pytest.mark.parametrize("rewrite_chunks", [False, True])
def test_conversion_counts_the_chunks_that_are_copied(rewrite_chunks: bool) -> None:
    calls: list[tuple[int, ...]] = []

    zarr.convert(
        _array(order="F").store, 3, zarr.MemoryStore(), rewrite_chunks=rewrite_chunks,
        progress=lambda *numbers: calls.append(numbers),
    )  # fmt: skip

    assert calls[0] == (0, 6, 0, DATA.nbytes)
    assert calls[-1] == (6, 6, DATA.nbytes, DATA.nbytes)


def test_conversion_in_place_copies_nothing() -> None:
    calls: list[tuple[int, ...]] = []

    zarr.convert(_array().store, 3, progress=lambda *numbers: calls.append(numbers))

    assert calls == [(0, 0, 0, 0)]
