"""The driver: one worker per library, all rows, in rounds that take the libraries in turn.

python -m benchmarks                     # everything
python -m benchmarks --quick             # small arrays: does it work?
python -m benchmarks --rows tiny points --rounds 9
python -m benchmarks --write             # and put the results into docs/benchmarks.md
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
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parent):  # so that it also runs as a file
    sys.path.insert(0, str(folder))

import growth  # noqa: E402
import report  # noqa: E402
from rows import LAYOUTS, ROWS, Layout, Row, quick, quick_layout  # noqa: E402
from work import write_data  # noqa: E402

from tests.interop import peers  # noqa: E402

SECONDS_PER_ANSWER = 60
PAGE = HERE.parent / "docs" / "benchmarks.md"
IMAGES = HERE.parent / "docs" / "images"

# Bare loops run in this environment, one library twice in the same.
ENVIRONMENTS = {name: name for name in ("zarr2", "zarr3", "newest", "tensorstore", "h5py")}
ENVIRONMENTS |= {"fused": "newest", "zarrs": "newest_zarrs"}
_PEER_TITLES = {
    name: peers.PEERS[place].title for name, place in ENVIRONMENTS.items() if name != "fused"
}
TITLES = {
    "ours": "zarr (this)",
    "before": "zarr (before)",
    "limit": "limit",
    "floor": "codec alone",
    "fused": f"{_PEER_TITLES['newest']}, fused",
} | _PEER_TITLES


@dataclass(slots=True)
class Timing:
    """What one library needed for one row.

    Attributes
    ----------
    figures : list of float
        One per round that the library took part in, in the row's unit.
    problem : str
        Why there is none, or why they do not count.
    lacking : str
        Why the library takes no part.
    """

    figures: list[float] = field(default_factory=list)
    problem: str = ""
    lacking: str = ""

    @property
    def median(self) -> float | None:
        return median(self.figures) if self.figures and not self.problem else None


class WorkerProcess:
    """A library's process, to which commands are sent one at a time."""

    def __init__(
        self, library: str, python: str, scratch: Path, source: Path | None = None
    ) -> None:
        self.library = library
        self._python = python
        self._scratch = scratch
        self._source = source
        self._answers = selectors.DefaultSelector()
        self._start()

    def _start(self) -> None:
        environment = dict(os.environ)
        environment.pop("PYTHONPATH", None)
        if self._source is not None:
            environment["PYTHONPATH"] = str(self._source)
        self._process = subprocess.Popen(
            [self._python, str(HERE / "worker.py"), self.library, str(self._scratch)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        assert self._process.stdout is not None
        self._answers.register(self._process.stdout, selectors.EVENT_READ)

    def _restart(self) -> None:
        assert self._process.stdout is not None
        self._answers.unregister(self._process.stdout)
        self._process.kill()
        self._process.communicate()
        self._start()

    def ask(self, **command: Any) -> dict[str, Any]:
        """Send one command and return the answer; what went wrong is in ``error``.

        A process that takes too long is replaced, and ``late`` is in the answer.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(command), file=self._process.stdin, flush=True)
        if not self._answers.select(SECONDS_PER_ANSWER):
            self._restart()
            return {"late": f"> {SECONDS_PER_ANSWER} s"}
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
        first = worker.ask(do="prepare", row=asdict(row), layout=asdict(layout))
        timing = timings[worker.library] = Timing(lacking=first.get("lacking", ""))
        if timing.lacking:
            continue
        timing.problem = _problem(first)
        shares[worker.library] = 0 if timing.problem else int(budget / first["seconds"])
        if not timing.problem and not shares[worker.library]:
            timing.figures.append(first["figure"])
    for number in range(rounds):
        turn = number % len(workers)
        for worker in workers[turn:] + workers[:turn]:
            timing = timings[worker.library]
            if number < shares.get(worker.library, 0) and not timing.problem:
                _measure_once(worker, timing, is_last=number == rounds - 1)
    return timings


def _measure_once(worker: WorkerProcess, timing: Timing, *, is_last: bool) -> None:
    answer = worker.ask(do="measure", check=is_last)
    timing.problem = _problem(answer)
    if not timing.problem:
        timing.figures.append(answer["figure"])


def _problem(answer: dict[str, Any]) -> str:
    if "late" in answer:
        return str(answer["late"])
    if "error" in answer:
        print(answer["error"], file=sys.stderr)
        return "failed"
    return "" if answer["correct"] else "wrong result"


def run(options: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """Measure everything that the options ask for."""
    rows = [_sized(row, options) for row in ROWS if _is_wanted(row, options.rows)]
    layouts = {name: LAYOUTS[name] for name in dict.fromkeys(row.layout for row in rows)}
    if options.quick:
        layouts = {name: quick_layout(layout) for name, layout in layouts.items()}
    for layout in layouts.values():
        write_data(layout, scratch / f"{layout.name}.npy")
    workers: list[WorkerProcess] = []
    try:
        pythons = _pythons(options)
        workers.extend(
            WorkerProcess(library, python, scratch, _source(library, options))
            for library, python in pythons.items()
        )
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


def _sized(row: Row, options: argparse.Namespace) -> Row:
    if row.layout == "many":
        row = replace(row, count=options.many, title=row.title.format(count=f"{options.many:,}"))
    return quick(row) if options.quick else row


def _is_wanted(row: Row, wanted: list[str]) -> bool:
    return not wanted or any(row.name == name or row.name.startswith(f"{name}-") for name in wanted)


def _pythons(options: argparse.Namespace) -> dict[str, str]:
    """Return the interpreter of each library, leaving out those that no Python here can run."""
    pythons = {}
    for library in options.libraries:
        try:
            pythons[library] = _python(library, options)
        except peers.MissingPythonError as error:
            print(f"{library} is left out: {error}", file=sys.stderr)
    return pythons


def _source(library: str, options: argparse.Namespace) -> Path | None:
    """Return the folder of a library that is not installed, for PYTHONPATH."""
    if library == "before":
        return Path(options.before)
    is_installed = library != "ours" or options.ours_python != sys.executable
    return None if is_installed else HERE.parent / "src"


def _python(library: str, options: argparse.Namespace) -> str:
    if library == "ours":
        return str(options.ours_python)
    if library in ENVIRONMENTS:
        return str(peers.interpreter(ENVIRONMENTS[library]))
    return sys.executable


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
    parser.add_argument(
        "--before",
        type=Path,
        metavar="FOLDER",
        help="sources of an earlier version, as TREE/src, to measure beside this one",
    )
    parser.add_argument("--quick", action="store_true", help="small arrays, 2 rounds")
    parser.add_argument("--many", type=int, default=1000, help="arrays in the large group")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every timing there")
    parser.add_argument("--write", action="store_true", help="renew docs/benchmarks.md")
    parser.add_argument("--scratch", type=Path, help="folder for data on disk")
    parser.add_argument(
        "--ours-python",
        default=sys.executable,
        metavar="PYTHON",
        help="interpreter that has another zarr installed, to measure in place of this one",
    )
    options = parser.parse_args(arguments)
    if options.before is None:
        options.libraries = [name for name in options.libraries if name != "before"]
    elif "before" not in options.libraries:
        options.libraries = [*options.libraries, "before"]
    if options.quick:
        options.rounds = min(options.rounds, 2)
    return options


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; return 1 if a result of ours was wrong or failed."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        outcome = run(options, Path(scratch))
        _tell(outcome, options)  # before the folder, which takes its time to remove
    return int(any(t["ours"].problem for t in outcome["results"].values() if "ours" in t))


def _tell(outcome: dict[str, Any], options: argparse.Namespace) -> None:
    """Print the tables, and write what the options ask for."""
    rows, results = outcome["rows"], outcome["results"]
    text = report.markdown(rows, results, TITLES, outcome["versions"], machine(), options)
    print(text)
    if options.json:
        plain = {r: {n: asdict(t) for n, t in timings.items()} for r, timings in results.items()}
        document = {"machine": machine(), "versions": outcome["versions"], "results": plain}
        options.json.write_text(json.dumps(document, indent=1))
    if options.write:
        import plots  # needs matplotlib, which only pictures do

        report.write_into(PAGE, text)
        plots.draw_ratios(rows, results, IMAGES / "benchmark_ratios.svg")
        plots.draw_growth(growth.measure(quick=options.quick), IMAGES / "benchmark_growth.svg")


if __name__ == "__main__":
    sys.exit(main())
