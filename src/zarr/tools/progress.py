"""How far a long job is: for a callback, or as a bar."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, Literal, TypeAlias

from zarr.tools.transfer import nbytes_of, number_of_chunks

__all__ = ["Progress", "Tracker", "drawn", "followed"]

Progress: TypeAlias = Callable[[int, int, int, int], object]
"""Called with chunks done, chunks in all, bytes done and bytes in all."""

Unit: TypeAlias = Literal["bytes", "chunks"]


@contextmanager
def followed(progress: Any, title: str, unit: Unit = "bytes") -> Iterator[Any]:
    """Give the callback for the argument `progress` of a function.

    Parameters
    ----------
    progress : callable, bool or None
        A callback; True for a bar; None or False for nothing.
    title : str
        Text before the bar.
    unit : {'bytes', 'chunks'}, default 'bytes'
        What the last two numbers of each call are.

    Raises
    ------
    TypeError
        If `progress` is none of these.
    """
    if progress is True:
        with drawn(title, unit) as callback:
            yield callback
    elif progress is None or progress is False:
        yield None
    elif callable(progress):
        yield progress
    else:
        raise TypeError(f"progress must be a function, True or None, not {progress!r}")


@contextmanager
def drawn(title: str, unit: Unit = "bytes") -> Iterator[Callable[..., None] | None]:
    """Draw a bar on the terminal or in a notebook; give a callback that gets numbers.

    The callback is None in a pipe, and where rich is not installed. The last two numbers of each
    call are those shown: how much of `unit` is done, and how much there is.
    """
    is_seen = sys.stderr.isatty() or "ipykernel" in sys.modules
    if not is_seen or find_spec("rich") is None:
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    counts = DownloadColumn() if unit == "bytes" else MofNCompleteColumn()
    columns = TextColumn("{task.description}"), BarColumn(), counts, TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=None)

        def show(*numbers: int) -> None:
            done, total = numbers[-2:]
            bar.update(task, completed=done, total=total or None)

        yield show


class Tracker:
    """How far a job is that copies arrays, for a callback."""

    def __init__(self, callback: Progress | None) -> None:
        self.callback = callback
        self.chunks = self.all_chunks = self.nbytes = self.all_nbytes = 0
        self._before = (0, 0)

    def expect(self, arrays: Iterable[Any]) -> None:
        """Measure arrays that are to be copied."""
        if self.callback is not None:
            for array in arrays:
                self.all_chunks += number_of_chunks(array)
                self.all_nbytes += nbytes_of(array)
            self.tell()

    def skip(self, arrays: Iterable[Any]) -> None:
        """Report arrays as done or not needed."""
        if self.callback is not None:
            for array in arrays:
                self.finish(array)

    def tell(self) -> None:
        """Call the callback, if there is one."""
        if self.callback is not None:
            self.callback(self.chunks, self.all_chunks, self.nbytes, self.all_nbytes)

    def part(self, array: Any, part: float) -> None:
        """Report the part of `array` that is done."""
        if self.callback is not None:
            chunks, nbytes = self._before
            self.chunks = chunks + int(part * number_of_chunks(array))
            self.nbytes = nbytes + int(part * nbytes_of(array))
            self.tell()

    def finish(self, array: Any) -> None:
        """Report `array` as done."""
        if self.callback is not None:
            chunks, nbytes = self._before
            self._before = chunks + number_of_chunks(array), nbytes + nbytes_of(array)
            self.chunks, self.nbytes = self._before
            self.tell()
