"""The driver: one worker per library, all rows, in rounds that take the libraries in turn.

python -m benchmarks                     # everything
python -m benchmarks --quick             # small arrays: does it work?
python -m benchmarks --rows tiny points --rounds 9
python -m benchmarks --write             # and put the table into benchmarks/README.md
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import selectors
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parent):  # so that it also runs as a file
    sys.path.insert(0, str(folder))

import report  # noqa: E402
from rows import LAYOUTS, ROWS, Layout, Row, quick, quick_layout, write_data  # noqa: E402

from tests.interop import peers  # noqa: E402

SECONDS_PER_ANSWER = 300

TITLES = {"ours": "zarr (this)", "floor": "codec alone"} | {
    name: peer.title for name, peer in peers.PEERS.items()
}


@dataclass(slots=True)
class Timing:
    """What one library needed for one row.

    Attributes
    ----------
    seconds : list of float
        One per round that the library took part in.
    problem : str
        Why there is none, or why they do not count.
    """

    seconds: list[float] = field(default_factory=list)
    problem: str = ""

    @property
    def median(self) -> float | None:
        return median(self.seconds) if self.seconds and not self.problem else None


class WorkerProcess:
    """A library's process, to which commands are sent one at a time."""

    def __init__(self, library: str, python: str, scratch: Path) -> None:
        environment = dict(os.environ)
        environment.pop("PYTHONPATH", None)
        if library == "ours" and python == sys.executable:
            environment["PYTHONPATH"] = str(HERE.parent / "src")
        self.library = library
        self._process = subprocess.Popen(
            [python, str(HERE / "worker.py"), library, str(scratch)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self._answers = selectors.DefaultSelector()
        assert self._process.stdout is not None
        self._answers.register(self._process.stdout, selectors.EVENT_READ)

    def ask(self, **command: Any) -> dict[str, Any]:
        """Send one command and return the answer; what went wrong is in ``error``."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(command), file=self._process.stdin, flush=True)
        if not self._answers.select(SECONDS_PER_ANSWER):
            raise TimeoutError(f"{self.library} gave no answer to {command} in time")
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process of {self.library} ended during {command}")
        return dict(json.loads(line))

    def versions(self) -> dict[str, str]:
        """Return the versions of the library and of what it stands on."""
        answer = self.ask(do="hello")
        if "error" in answer:
            raise RuntimeError(f"{self.library} cannot be imported:\n{answer['error']}")
        return dict(answer["versions"])

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._answers.close()
        self._process.kill()
        self._process.communicate()


def measure_row(
    workers: list[WorkerProcess], row: Row, layout: Layout, rounds: int, budget: float
) -> dict[str, Timing]:
    """Return the timings of all libraries for one row.

    Every round asks each library once, and begins with another one each time. A library
    whose rounds would take more than `budget` seconds takes part in as many as fit; if
    none does, what its first run took is its only timing.
    """
    timings, shares = {}, {}
    for worker in workers:
        if worker.library == "floor" and row.action == "open":
            continue
        first = worker.ask(do="prepare", row=asdict(row), layout=asdict(layout))
        timing = timings[worker.library] = Timing(problem=_problem(first))
        shares[worker.library] = 0 if timing.problem else int(budget / first["seconds"])
        if not timing.problem and not shares[worker.library]:
            timing.seconds.append(first["seconds"])
    for number in range(rounds):
        turn = number % len(workers)
        for worker in workers[turn:] + workers[:turn]:
            if number < shares.get(worker.library, 0):
                _measure_once(worker, timings[worker.library], is_last=number == rounds - 1)
    return timings


def _measure_once(worker: WorkerProcess, timing: Timing, *, is_last: bool) -> None:
    answer = worker.ask(do="measure", check=is_last)
    timing.problem = timing.problem or _problem(answer)
    timing.seconds.append(answer.get("seconds", 0.0))


def _problem(answer: dict[str, Any]) -> str:
    if "error" in answer:
        print(answer["error"], file=sys.stderr)
        return "failed"
    return "" if answer["correct"] else "wrong result"


def run(options: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """Measure everything that the options ask for."""
    rows = [row for row in ROWS if _is_wanted(row, options.rows)]
    layouts = {name: LAYOUTS[name] for name in dict.fromkeys(row.layout for row in rows)}
    if options.quick:
        rows = [quick(row) for row in rows]
        layouts = {name: quick_layout(layout) for name, layout in layouts.items()}
    for layout in layouts.values():
        write_data(layout, scratch / f"{layout.name}.npy")
    pythons = {name: _python(name, options) for name in options.libraries}
    workers: list[WorkerProcess] = []
    try:
        workers.extend(WorkerProcess(n, python, scratch) for n, python in pythons.items())
        versions = {w.library: w.versions() for w in workers}
        results = {}
        for row in rows:
            timings = measure_row(workers, row, layouts[row.layout], options.rounds, options.budget)
            results[row.name] = timings
            print(report.progress_line(row, timings), file=sys.stderr, flush=True)
    finally:
        for worker in workers:
            worker.close()
    return {"rows": rows, "results": results, "versions": versions}


def _is_wanted(row: Row, wanted: list[str]) -> bool:
    return not wanted or any(row.name == name or row.name.startswith(f"{name}-") for name in wanted)


def _python(library: str, options: argparse.Namespace) -> str:
    if library == "ours":
        return str(options.ours_python)
    return sys.executable if library == "floor" else str(peers.interpreter(library))


def machine() -> str:
    """Return what the times depend on, in words that do not identify the machine."""
    cpu, memory = platform.processor() or platform.machine(), ""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next(line.partition(":")[2].strip() for line in lines if "model name" in line)
        memory = f", {os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') >> 30} GiB"
    except (OSError, StopIteration):
        pass  # not Linux
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cpu}, {cores} cores{memory}, {platform.system()}, Python {platform.python_version()}"


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure this package and its peers."
    )
    names = list(TITLES)
    parser.add_argument("--rows", nargs="+", default=[], help="names, or what they begin with")
    parser.add_argument("--rounds", type=int, default=7, help="measurements of each row")
    parser.add_argument(
        "--budget", type=float, default=12, help="most seconds for one row of one library"
    )
    parser.add_argument("--libraries", nargs="+", choices=names, default=names)
    parser.add_argument("--quick", action="store_true", help="small arrays, 2 rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every timing there")
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    parser.add_argument("--scratch", type=Path, help="folder for data on disk")
    parser.add_argument(
        "--ours-python",
        default=sys.executable,
        metavar="PYTHON",
        help="interpreter that has another zarr installed, to measure in place of this one",
    )
    options = parser.parse_args(arguments)
    if options.quick:
        options.rounds = min(options.rounds, 2)
    return options


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; return 1 if a result of ours was wrong or failed."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        outcome = run(options, Path(scratch))
    rows, results = outcome["rows"], outcome["results"]
    text = report.markdown(rows, results, TITLES, outcome["versions"], machine(), options)
    print(text)
    if options.json:
        plain = {r: {n: asdict(t) for n, t in timings.items()} for r, timings in results.items()}
        document = {"machine": machine(), "versions": outcome["versions"], "results": plain}
        options.json.write_text(json.dumps(document, indent=1))
    if options.write:
        report.write_into(HERE / "README.md", text)
    return int(any(t["ours"].problem for t in results.values() if "ours" in t))


if __name__ == "__main__":
    sys.exit(main())
