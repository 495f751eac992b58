"""What the workers of all libraries share: the list of steps in, the results out."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import matrix

__all__ = ["Library", "work"]


class Library(Protocol):
    """What a library's worker can do with a case in a folder."""

    def write(self, folder: Path, case: matrix.Case) -> dict[str, Any]:
        """Create the array, write its data and describe what reading gives back."""

    def read(self, folder: Path, case: matrix.Case) -> dict[str, Any]:
        """Describe the whole array."""

    def update(self, folder: Path, update: matrix.Update) -> dict[str, Any]:
        """Make the changes, and describe the array."""

    def hierarchy(self, folder: Path) -> dict[str, Any]:
        """Create groups and attributes."""

    def read_hierarchy(self, folder: Path) -> dict[str, Any]:
        """Describe what `hierarchy` created."""


def work(library: Library) -> None:
    """Do the steps that come in on the standard input; answer on the standard output."""
    answer = os.fdopen(os.dup(1), "w")
    # What a library prints must not get between.
    os.dup2(2, 1)
    job = json.load(sys.stdin)
    root = Path(job["root"])
    with answer:
        json.dump([_results(library, root, step) for step in job["steps"]], answer)


def _results(library: Library, root: Path, step: dict[str, Any]) -> dict[str, Any]:
    folder = root / step["folder"]
    folder.mkdir(exist_ok=True)
    action = getattr(library, step["action"])
    if "hierarchy" in step["action"]:
        return {"tree": _guarded(action, folder)}
    return {
        name: _guarded(action, folder, item)
        for name, case, item in _items(step["cases"], step["action"])
        if getattr(case, step["only"])
    }


def _items(table: str, action: str) -> Iterator[tuple[str, matrix.Case, Any]]:
    if table == "cases":
        return ((name, case, case) for name, case in matrix.CASES.items())
    return (
        (name, update.case, update if action == "update" else update.case)
        for name, update in matrix.UPDATES.items()
    )


def _guarded(action: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    # One failing case must not hide the others.
    try:
        return action(*arguments)
    except Exception:  # noqa: BLE001 - the test says what went wrong
        return {"error": traceback.format_exc()}
