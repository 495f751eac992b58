"""Changing the chunks of 256 MB: this library, what others do, and how the cost grows.

    python benchmarks/rechunk.py --rounds 5 --write      # into docs/benchmarks.md
    python benchmarks/rechunk.py --before TREE/src       # and `copy` of an earlier version
    python benchmarks/rechunk.py --cases large --rounds 1        # 4 GB
    python benchmarks/rechunk.py --rounds 0 --growth 5

Each job runs in a process of its own, `rechunk_worker.py`, on a local disk; the libraries take
turns. Memory is the most that the process had above what it had when the job began.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parent):
    sys.path.insert(0, str(folder))

import report  # noqa: E402
from rechunk_worker import CASES  # noqa: E402
from run import machine  # noqa: E402

from tests.interop import peers  # noqa: E402

__all__ = ["measure", "table"]

WORKER = HERE / "rechunk_worker.py"
OTHERS = {
    "rechunker": peers.Peer(
        "rechunker",
        "rechunker 0.5.4, zarr-python 2.18.7",
        ("rechunker==0.5.4", "zarr==2.18.7", "numcodecs<0.16", "dask[array]"),
    ),
    "dask": peers.Peer(
        "zarr3_dask",
        "zarr-python 3.4.2, Dask",
        ("zarr==3.4.2", "dask[array]==2026.8.0"),
        (3, 12),
    ),
    "cubed": peers.Peer(
        "cubed", "cubed 0.27.0, zarr-python 3.4.2", ("cubed==0.27.0", "zarr==3.4.2"), (3, 12)
    ),
}
TITLES = {
    "rechunk": "`zarr.rechunk`",
    "copy": "`zarr.copy`",
    "before": "`zarr.copy` of before",
    "before-array": "`zarr.array` of before",
    "array": "`zarr.array`",
    **{name: peer.title for name, peer in OTHERS.items()},
}
Figures = dict[str, dict[str, list[dict[str, float]]]]
"""What was measured by case and library."""


def run(library: str, case: str, folder: Path, before: str | None) -> dict[str, float] | None:
    """Run one job; None if the library cannot do it."""
    if library in OTHERS:
        python, variables = str(peers.environment(OTHERS[library])), {}
    else:
        python, variables = sys.executable, {"PYTHONPATH": str(peers.ROOT / "src")}
        if library.startswith("before"):
            variables = {"PYTHONPATH": str(before)}
    name = library.removeprefix("before-").replace("before", "copy")
    done = subprocess.run(
        [python, str(WORKER), name, case, str(folder)],
        env=variables, text=True, capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode:
        print(f"{library}, {case}: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return None
    if library == "make":
        return None
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(
    libraries: Sequence[str], cases: Sequence[str], rounds: int, before: str | None
) -> Figures:
    """Let the libraries take turns."""
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as name:
        for case in cases:
            figures[case] = {library: [] for library in libraries}
            run("make", case, Path(name), before)
            for _ in range(rounds):
                for library in list(figures[case]):
                    found = run(library, case, Path(name), before)
                    if found is None:
                        del figures[case][library]
                    else:
                        figures[case][library].append(found)
    return figures


def table(figures: Figures) -> Iterator[str]:
    """Yield the lines of the table."""
    yield "| | | seconds | ratio | processor | ratio | more MiB | reads of a chunk: mean | most |"
    yield "| --- | --- |" + " ---: |" * 7
    for case, libraries in figures.items():
        title = CASES[case].title
        for library, rounds in libraries.items():
            if not rounds:
                continue
            cells = []
            for name in ("seconds", "cpu"):
                pairs = zip(libraries["rechunk"], rounds, strict=True)
                ratio = median(ours[name] / other[name] for ours, other in pairs)
                cells += [f"{median(found[name] for found in rounds):.2f}"]
                cells += ["" if library == "rechunk" else f"{ratio:.2f}"]
            cells += [f"{max(found['memory'] for found in rounds):.0f}"]
            found = rounds[0]
            cells += [
                f"{found[name]:.{digits}f}" if name in found else ""
                for name, digits in (("mean_reads", 2), ("most_reads", 0))
            ]
            yield f"| {title} | {TITLES[library]} | {' | '.join(cells)} |"
            title = ""


def growth(most: int) -> Iterator[str]:
    """Yield the lines of a table of time and memory by number of chunks."""
    yield "| chunks | seconds | processor | µs for each chunk | more MiB |"
    yield "| ---: | ---: | ---: | ---: | ---: |"
    for exponent in range(2, most + 1):
        with tempfile.TemporaryDirectory() as name:
            found = run("grow", str(10**exponent), Path(name), None)
        assert found is not None
        each = found["cpu"] / 10**exponent * 1e6
        cells = f"{found['seconds']:.2f} | {found['cpu']:.2f} | {each:.0f} | {found['memory']:.0f}"
        yield f"| {10**exponent:,} | {cells} |"


def main() -> None:
    """Measure, print the tables, and write them where asked to."""
    usual = [name for name in CASES if name != "large"]
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=usual)
    parser.add_argument("--libraries", nargs="+", default=["rechunk", "copy", *OTHERS])
    parser.add_argument("--before", help="folder for PYTHONPATH with an earlier version")
    parser.add_argument("--growth", type=int, help="exponent of ten of the most chunks")
    parser.add_argument("--json", type=Path, help="file for the figures of every round")
    parser.add_argument("--write", action="store_true", help="put the tables into the docs")
    options = parser.parse_args()
    more = ["before"] if options.before else []
    lines: list[str] = []
    if options.rounds:
        figures: Any = measure(
            [*options.libraries, *more], options.cases, options.rounds, options.before
        )
        if options.json:
            options.json.write_text(json.dumps(figures, indent=1))
        ratios = (
            "Seconds, those of the processor, and ratios (`zarr.rechunk` by the other, the median "
            "of the rounds), are of the job alone, without imports."
        )
        lines += [f"{options.rounds} rounds on {machine()}. {ratios}", ""]
        lines += table(figures)
    if options.growth:
        lines += ["", *growth(options.growth)]
    text = "\n".join(lines)
    print(text)
    if options.write:
        report.write_into(peers.ROOT / "docs" / "benchmarks.md", f"{text}\n", "rechunk")


if __name__ == "__main__":
    main()
