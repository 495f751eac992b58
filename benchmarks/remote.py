"""How long 256 chunks take to and from an S3 server that is 20 milliseconds away.

All libraries take part in one run, each in a process and an environment of its own, and
take turns, so that a slow moment of the machine hits all of them::

    .venv/bin/python benchmarks/remote.py
    .venv/bin/python benchmarks/remote.py --rounds 31 --milliseconds 50
    .venv/bin/python benchmarks/remote.py --write    # the table goes into README.md

The server (``s3_server.py``) runs on this machine and answers each request after the set
delay. The others take part as they are, and once more with as many requests at a time as
this library makes ("256 at a time").
"""

from __future__ import annotations

import argparse
import json
import os
import selectors
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parent):
    sys.path.insert(0, str(folder))

import report  # noqa: E402
from run import machine  # noqa: E402

from tests.interop import peers  # noqa: E402

SECONDS_PER_ANSWER = 60

peers.PEERS["zarr3-remote"] = peers.Peer(
    "zarr3-remote",
    "zarr-python 3.1.6",
    ("zarr==3.1.6", "fsspec", "s3fs", "obstore>=0.8"),
)

OURS, ZARR, TENSORSTORE = "", "zarr3-remote", "tensorstore"
LIBRARIES = {
    "ours-obstore": (OURS, "this library, ObjectStore"),
    "ours-fsspec": (OURS, "this library, FSStore"),
    "zarr-obstore": (ZARR, "zarr-python 3.1.6, ObjectStore"),
    "zarr-obstore-256": (ZARR, "zarr-python 3.1.6, ObjectStore, 256 at a time"),
    "zarr-fsspec": (ZARR, "zarr-python 3.1.6, FsspecStore"),
    "zarr-fsspec-256": (ZARR, "zarr-python 3.1.6, FsspecStore, 256 at a time"),
    "tensorstore": (TENSORSTORE, "tensorstore 0.1.86"),
    "tensorstore-256": (TENSORSTORE, "tensorstore 0.1.86, 256 at a time"),
}
JOBS = ("write", "read")


@contextmanager
def serving(milliseconds: float) -> Iterator[str]:
    """Run the server; give its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, str(HERE / "s3_server.py"), str(port), str(milliseconds)]
    with subprocess.Popen(command) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            for _ in range(200):
                try:
                    counted(address)
                    break
                except OSError:
                    time.sleep(0.05)
            yield address
        finally:
            process.terminate()


def counted(address: str) -> dict[str, Any]:
    """Return what the server counted since it was last asked."""
    with urllib.request.urlopen(f"{address}/-/count", timeout=10) as answer:
        return dict(json.load(answer))


class Library:
    """A library in its own process.

    Attributes
    ----------
    seconds : dict
        What each job took in each round.
    counts : dict
        What the server counted at each job.
    """

    def __init__(self, name: str, address: str) -> None:
        environment, self.title = LIBRARIES[name]
        self.is_ours = environment == OURS
        self.seconds: dict[str, list[float]] = {job: [] for job in JOBS}
        self.counts: dict[str, dict[str, Any]] = {}
        python = sys.executable if self.is_ours else str(peers.interpreter(environment))
        inherited = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        own = {"PYTHONPATH": str(HERE.parent / "src")} if self.is_ours else {}
        self._process = subprocess.Popen(
            [python, str(HERE / "remote_worker.py"), name, address],
            env={**inherited, **own},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answers = selectors.DefaultSelector()
        assert self._process.stdout is not None
        self._answers.register(self._process.stdout, selectors.EVENT_READ)
        self.versions: dict[str, str] = self._answer("start")

    def _answer(self, job: str) -> dict[str, Any]:
        assert self._process.stdout is not None
        if not self._answers.select(SECONDS_PER_ANSWER):
            self.close()
            raise TimeoutError(f"{self.title} gave no answer to {job!r} in time")
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.title} failed at {job!r}")
        return dict(json.loads(line))

    def do(self, job: str) -> float:
        """Do a job and return the seconds that it took."""
        assert self._process.stdin is not None
        print(json.dumps({"do": job}), file=self._process.stdin, flush=True)
        return float(self._answer(job)["seconds"])

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._answers.close()
        self._process.kill()
        self._process.communicate()


def measure(names: Sequence[str], rounds: int, milliseconds: float) -> list[Library]:
    """Return the libraries with the seconds that they took in each round."""
    with serving(milliseconds) as address, ExitStack() as stack:
        libraries = []
        for name in names:
            library = Library(name, address)
            stack.callback(library.close)
            libraries.append(library)
            for job in JOBS:  # what is read is checked the first time
                library.do(job)
            for job in JOBS:  # now that there are connections
                counted(address)
                library.do(job)
                library.counts[job] = counted(address)
        for job in JOBS:
            for turn in range(rounds):
                first = turn % len(libraries)
                for library in libraries[first:] + libraries[:first]:
                    library.seconds[job].append(library.do(job))
    return libraries


def fastest(libraries: Sequence[Library], job: str) -> Library | None:
    """Return the other library with the least median."""
    others = [library for library in libraries if not library.is_ours]
    return min(others, key=lambda library: median(library.seconds[job]), default=None)


def ratio(library: Library, other: Library, job: str) -> float:
    """Return the median over the rounds of one library's time as a share of the other's."""
    return median(map(float.__truediv__, library.seconds[job], other.seconds[job]))


def table(libraries: Sequence[Library], rounds: int, milliseconds: float) -> Iterator[str]:
    """Yield the lines of a table, and of what it says."""
    yield (
        f"{rounds} rounds, {milliseconds:g} ms of latency. Times are medians (and the least); "
        "ratios, the medians of the rounds' ratios to the fastest of the others."
    )
    yield ""
    yield f"Machine: {machine()}."
    yield ""
    yield (
        "; ".join(
            f"{title}: " + ", ".join(f"{name} {version}" for name, version in versions.items())
            for title, versions in _environments(libraries).items()
        )
        + "."
    )
    yield ""
    head = [f"{job} 256 chunks | ratio | requests | at once" for job in JOBS]
    yield f"| | {' | '.join(head)} |"
    yield "| --- |" + " ---: |" * (4 * len(JOBS))
    for library in libraries:
        yield f"| {library.title} | {' | '.join(_cells(libraries, library, job) for job in JOBS)} |"


def _environments(libraries: Sequence[Library]) -> dict[str, dict[str, str]]:
    return {library.title.partition(",")[0]: library.versions for library in libraries}


def _cells(libraries: Sequence[Library], library: Library, job: str) -> str:
    seconds, other = library.seconds[job], fastest(libraries, job)
    share = f"{ratio(library, other, job):.2f}" if other else "-"
    requests = ", ".join(f"{n} {verb}" for verb, n in library.counts[job]["requests"].items())
    times = f"{median(seconds) * 1000:.0f} ms ({min(seconds) * 1000:.0f})"
    bold = f"**{share}**" if library.is_ours else share
    return f"{times} | {bold} | {requests} | {library.counts[job]['at once']}"


def main() -> None:
    """Measure, print the table, and write it where asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--milliseconds", type=float, default=20.0)
    parser.add_argument("--libraries", nargs="+", default=list(LIBRARIES), choices=LIBRARIES)
    parser.add_argument("--json", type=Path, help="file for the seconds of every round")
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    options = parser.parse_args()
    libraries = measure(options.libraries, options.rounds, options.milliseconds)
    text = "\n".join(table(libraries, options.rounds, options.milliseconds))
    print(text)
    if options.json:
        figures = {library.title: library.seconds for library in libraries}
        options.json.write_text(json.dumps(figures, indent=1))
    if options.write:
        report.write_into(HERE / "README.md", f"{text}\n", "remote")


if __name__ == "__main__":
    main()
