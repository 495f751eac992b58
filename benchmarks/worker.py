"""One library's process: commands as lines of JSON in, answers as lines of JSON out.

``{"do": "prepare", "row": …}`` makes what the row needs, does it once and checks it;
``{"do": "measure"}`` does it again; ``{"do": "quit"}`` ends.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import traceback
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, TextIO

import numpy as np
from adapters import ADAPTERS
from loops import CodecLoop, split
from rows import READS, Layout, Row
from work import Work, expected, selection

# Shorter measurements than this many seconds are repeated, up to so many times.
SHORT, MOST_RUNS = 0.1, 20

# Actions that begin with an empty array, those that return a figure of their own, and those
# that find more than one array.
_FROM_NOTHING = ("write_all", "append")
_FIGURES = ("import_library", "peak_read", "peak_write")
_MEMBERS = ("open_members", "list_members", "open_consolidated")


class Worker:
    """Holds the array and the work of the row in progress."""

    def __init__(self, library: str, scratch: Path) -> None:
        self.scratch = scratch
        folder = scratch / library
        folder.mkdir(exist_ok=True)
        self.adapter = ADAPTERS[library](folder)
        self.checks = not isinstance(self.adapter, CodecLoop)
        self.array: Any = None
        self.held: tuple[Layout, str, int] | None = None
        self.data_of: tuple[Layout, Any] | None = None
        self.work: Work | None = None

    def hello(self, command: dict[str, Any]) -> dict[str, Any]:
        return {"versions": self.adapter.versions()}

    def prepare(self, command: dict[str, Any]) -> dict[str, Any]:
        """Set the row up and do it once, to warm up and to check."""
        row, layout = Row(**command["row"]), Layout.of(command["layout"])
        lacking = self.adapter.lacking(row)
        if lacking:
            return {"lacking": lacking}
        self.work = Work(row, layout, self._data(layout), selection(row, layout))
        self._set_up()
        self.expected: Any = expected(self.work) if self.checks else None
        if isinstance(self.adapter, CodecLoop) and row.place:
            prepared = self.adapter.prepare(self.work)
            self.work = Work(row, layout, self.work.data, prepared)
        return self.measure({"check": True})

    def measure(self, command: dict[str, Any]) -> dict[str, Any]:
        """Do the row, a short one several times; return its figure and whether it was right.

        The answer has the seconds beside the figure, which may be one of something else.
        """
        assert self.work is not None
        runs: list[float] = []
        figures: list[float] = []
        result = None
        gc.collect()
        while not runs or (sum(runs) < SHORT and len(runs) < MOST_RUNS):
            result = None  # whose memory the next run may use
            seconds, result = self._run()
            runs.append(seconds)
            figures.append(result if self.work.row.action in _FIGURES else seconds)
        is_correct = self._is_correct(result, bool(command.get("check")))
        return {"figure": median(figures), "seconds": median(runs), "correct": is_correct}

    def _run(self) -> tuple[float, Any]:
        assert self.work is not None
        work, place = self.work, self.work.row.place
        if work.row.action in _FROM_NOTHING:
            self.array = None
            self.array = self.adapter.create(work.layout, place)
        action = getattr(self.adapter, work.row.action)
        start = perf_counter()
        result = action(self.array, work)
        if work.row.action == "write_all":
            self.adapter.close(self.array, place)
        seconds = perf_counter() - start
        if work.row.action == "write_all" and place in self.adapter.closing:
            self.array = self.adapter.reopen(work.layout, place)
        return seconds, result

    def _data(self, layout: Layout) -> Any:
        if self.data_of is None or self.data_of[0] != layout:
            self.data_of = None
            self.data_of = layout, np.load(self.scratch / f"{layout.name}.npy")
        return self.data_of[1]

    def _set_up(self) -> None:
        """Have the row's array, filled with its data unless the row does that itself."""
        assert self.work is not None
        row, layout = self.work.row, self.work.layout
        wanted = layout, row.place, row.count if row.action in _MEMBERS else 0
        if not row.place or self.held == wanted:
            return
        self.array = self.held = None
        if row.action in _MEMBERS:
            self.adapter.create_members(layout, row.count)
        elif row.action not in _FROM_NOTHING:
            self._fill()
        is_kept = row.action in READS or row.action == "write_all"
        self.held = wanted if is_kept else None

    def _fill(self) -> None:
        assert self.work is not None
        work, place = self.work, self.work.row.place
        if work.layout.fill:  # which needs no chunks
            self.array = self.adapter.create(work.layout, place)
            return
        if isinstance(self.adapter, CodecLoop):
            work = Work(work.row, work.layout, work.data, list(split(work.layout, work.data)))

        def write(array: Any) -> None:
            self.adapter.write_all(array, work)  # type: ignore[attr-defined]

        self.array = self.adapter.fill(work.layout, place, write)

    def _is_correct(self, result: Any, check_writes: bool) -> bool:
        assert self.work is not None
        row = self.work.row
        if row.action not in READS and row.action != "write_all":
            self.held = None
        if not self.checks or row.action in _FIGURES:
            return True
        if row.action in ("write_all", "write_blocks"):
            if not check_writes:
                return True
            result = self._read(self.array)
        elif row.action == "append":
            result = self._read(result)
        return bool(np.array_equal(np.asarray(result), self.expected))

    def _read(self, array: Any) -> Any:
        return self.adapter.read_all(array, self.work)  # type: ignore[attr-defined]


def _answer(worker: Worker, line: str, out: TextIO) -> bool:
    """Answer one command; return whether there may be another."""
    command = json.loads(line)
    if command["do"] == "quit":
        return False
    try:
        answer = getattr(worker, command["do"])(command)
    except Exception:  # noqa: BLE001 - the driver reports it
        answer = {"error": traceback.format_exc()}
    print(json.dumps(answer), file=out, flush=True)
    return True


def main() -> None:
    out = os.fdopen(os.dup(1), "w")
    # What a library prints must not get between.
    os.dup2(2, 1)
    worker = Worker(sys.argv[1], Path(sys.argv[2]))
    for line in sys.stdin:
        if not _answer(worker, line, out):
            break


if __name__ == "__main__":
    main()
