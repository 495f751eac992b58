"""A bar that shows how far a long job is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, Literal

__all__ = ["drawn", "followed"]


@contextmanager
def followed(progress: Any, title: str) -> Iterator[Any]:
    """Give the callback for the argument `progress` of a function.

    Parameters
    ----------
    progress : callable, bool or None
        A callback; True for a bar; None or False for nothing.
    title : str
        Text before the bar.

    Raises
    ------
    TypeError
        If `progress` is none of these.
    """
    if progress is True:
        with drawn(title) as callback:
            yield callback
    elif progress is None or progress is False:
        yield None
    elif callable(progress):
        yield progress
    else:
        raise TypeError(f"progress must be a function, True or None, not {progress!r}")


@contextmanager
def drawn(
    title: str, unit: Literal["bytes", "chunks"] = "bytes"
) -> Iterator[Callable[..., None] | None]:
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
