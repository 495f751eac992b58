"""How long chunks and shards take to and from an S3 server that is 20 milliseconds away.

All libraries take part in one run, each in a process and an environment of its own, and
take turns, so that a slow moment of the machine hits all of them::

    .venv/bin/python benchmarks/remote.py
    .venv/bin/python benchmarks/remote.py --rounds 31 --milliseconds 50
    .venv/bin/python benchmarks/remote.py --what shards --rounds 3
    .venv/bin/python benchmarks/remote.py --write    # the table goes into README.md

The server (``s3_server.py``) runs on this machine and answers each request after the set
delay. The others take part as they are, and once more with as many requests at a time as
this library makes ("256 at a time"). Plain chunks and shards have a table each.
"""

from __future__ import annotations

import argparse
import json
import math
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
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parent):
    sys.path.insert(0, str(folder))

import report  # noqa: E402
from run import machine  # noqa: E402

from tests.interop import peers  # noqa: E402

SECONDS_PER_ANSWER = 120

_CLIENTS = ("fsspec", "s3fs", "obstore>=0.8")
for peer in (
    peers.Peer("zarr3-remote", "zarr-python 3.1.6", ("zarr==3.1.6", *_CLIENTS)),
    peers.Peer("zarrs-remote", "zarrs-python 0.2.3", ("zarrs==0.2.3", "zarr==3.1.6", *_CLIENTS)),
):
    peers.PEERS[peer.name] = peer

OURS, ZARR, ZARRS, TENSORSTORE = "", "zarr3-remote", "zarrs-remote", "tensorstore"
LIBRARIES = {
    "ours": (OURS, 'this library, `zarr.open("s3://…")`'),
    "ours-fsspec": (OURS, "this library, FSStore"),
    "zarr-obstore": (ZARR, "zarr-python 3.1.6, ObjectStore"),
    "zarr-obstore-256": (ZARR, "zarr-python 3.1.6, ObjectStore, 256 at a time"),
    "zarr-fsspec": (ZARR, "zarr-python 3.1.6, FsspecStore"),
    "zarr-fsspec-256": (ZARR, "zarr-python 3.1.6, FsspecStore, 256 at a time"),
    "zarrs-obstore": (ZARRS, "zarrs 0.2.3 in zarr-python 3.1.6, ObjectStore"),
    "tensorstore": (TENSORSTORE, "tensorstore 0.1.86"),
    "tensorstore-256": (TENSORSTORE, "tensorstore 0.1.86, 256 at a time"),
}

LONG = 5.0
"""Seconds from which on a job, nearly all of it latency, is done once."""


class What(NamedTuple):
    """A table of the comparison.

    Attributes
    ----------
    jobs : dict
        What each job is called.
    marker : str
        Of the place of the table in README.md.
    libraries : tuple of str
        Those that take part.
    """

    jobs: dict[str, str]
    marker: str
    libraries: tuple[str, ...]


WHAT = {
    "chunks": What(
        {"write": "write 256 chunks", "read": "read 256 chunks"},
        "remote",
        tuple(name for name in LIBRARIES if not name.startswith("zarrs")),
    ),
    "shards": What(
        {
            "write": "write all",
            "read": "read all",
            "plane": "one plane, `[204]`",
            "across": "one plane, `[..., 204]`",
            "single": "500 random chunks, one after the other",
            "together": "500 random chunks at a time",
        },
        "remote-shards",
        ("ours", "zarr-obstore-256", "zarrs-obstore", "tensorstore", "tensorstore-256"),
    ),
}


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
    lacks : dict
        Why the library cannot do a job.
    """

    def __init__(self, name: str, address: str, what: str) -> None:
        environment, self.title = LIBRARIES[name]
        self.is_ours = environment == OURS
        self.seconds: dict[str, list[float]] = {job: [] for job in WHAT[what].jobs}
        self.counts: dict[str, dict[str, Any]] = {}
        self.lacks: dict[str, str] = {}
        python = sys.executable if self.is_ours else str(peers.interpreter(environment))
        inherited = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        own = {"PYTHONPATH": str(HERE.parent / "src")} if self.is_ours else {}
        self._process = subprocess.Popen(
            [python, str(HERE / "remote_worker.py"), name, address, what],
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
        answer = self._answer(job)
        if reason := answer.get("cannot"):
            self.lacks[job] = reason
            return math.nan
        return float(answer["seconds"])

    def begin(self, address: str) -> None:
        """Do each job as often as it takes to have connections, and count its requests."""
        for job in self.seconds:  # what is read is checked the first time
            counted(address)
            seconds = self.do(job)
            self.counts[job] = counted(address)
            if seconds > LONG:
                self.seconds[job].append(seconds)
        for job in self.seconds:
            if self.repeats(job):
                self.do(job)
                self.counts[job] = counted(address)

    def repeats(self, job: str) -> bool:
        """Tell whether the library does a job in each round."""
        return job not in self.lacks and max(self.seconds[job], default=0) <= LONG

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._answers.close()
        self._process.kill()
        self._process.communicate()


def measure(what: str, names: Sequence[str], rounds: int, milliseconds: float) -> list[Library]:
    """Return the libraries with the seconds that they took in each round."""
    with serving(milliseconds) as address, ExitStack() as stack:
        libraries = []
        for name in names:
            library = Library(name, address, what)
            stack.callback(library.close)
            libraries.append(library)
            library.begin(address)
        for job in WHAT[what].jobs:
            able = [library for library in libraries if library.repeats(job)]
            for turn in range(rounds if able else 0):
                first = turn % len(able)
                for library in able[first:] + able[:first]:
                    library.seconds[job].append(library.do(job))
    return libraries


def fastest(libraries: Sequence[Library], job: str) -> Library | None:
    """Return the other library with the least median."""
    others = [library for library in libraries if not library.is_ours and library.seconds[job]]
    return min(others, key=lambda library: median(library.seconds[job]), default=None)


def ratio(library: Library, other: Library, job: str) -> float:
    """Return the median over the rounds of one library's time as a share of the other's."""
    return median(map(float.__truediv__, library.seconds[job], other.seconds[job]))


def table(
    what: str, libraries: Sequence[Library], rounds: int, milliseconds: float
) -> Iterator[str]:
    """Yield the lines of a table, and of what it says."""
    yield (
        f"{rounds} rounds, {milliseconds:g} ms of latency. Times are medians (and the least); "
        "ratios, the medians of the rounds' ratios to the fastest of the others. "
        f"What takes more than {LONG:g} s is done once."
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
    yield from (_wide(libraries) if what == "chunks" else _long(libraries, WHAT[what].jobs))


def _wide(libraries: Sequence[Library]) -> Iterator[str]:
    """Yield the lines of a table with a row for each library."""
    jobs = WHAT["chunks"].jobs
    head = [f"{title} | ratio | requests | at once" for title in jobs.values()]
    yield f"| | {' | '.join(head)} |"
    yield "| --- |" + " ---: |" * (4 * len(jobs))
    for library in libraries:
        yield f"| {library.title} | {' | '.join(_cells(libraries, library, job) for job in jobs)} |"


def _long(libraries: Sequence[Library], jobs: dict[str, str]) -> Iterator[str]:
    """Yield the lines of a table with a row for each library and job."""
    yield "| | | time | ratio | requests | at once |"
    yield "| --- | --- |" + " ---: |" * 4
    for job, title in jobs.items():
        for at, library in enumerate(libraries):
            cells = _cells(libraries, library, job)
            yield f"| {'' if at else title} | {library.title} | {cells} |"
    reasons: dict[str, list[str]] = {}
    for library in libraries:
        for job, reason in library.lacks.items():
            reasons.setdefault(f"{library.title}: {_one_line(reason)}", []).append(jobs[job])
    for reason, titles in reasons.items():
        yield ""
        yield f"{reason} ({'; '.join(titles)})."


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 200 else f"{line[:200]}..."


def _environments(libraries: Sequence[Library]) -> dict[str, dict[str, str]]:
    return {library.title.partition(",")[0]: library.versions for library in libraries}


def _cells(libraries: Sequence[Library], library: Library, job: str) -> str:
    if job in library.lacks:
        return " | ".join(["-"] * 4)
    seconds, other = library.seconds[job], fastest(libraries, job)
    share = f"{ratio(library, other, job):.2f}" if other else "-"
    requests = ", ".join(f"{n} {verb}" for verb, n in library.counts[job]["requests"].items())
    times = f"{median(seconds) * 1000:.0f} ms ({min(seconds) * 1000:.0f})"
    bold = f"**{share}**" if library.is_ours else share
    return f"{times} | {bold} | {requests} | {library.counts[job]['at once']}"


def main() -> None:
    """Measure, print the table, and write it where asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--what", default="chunks", choices=WHAT)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--milliseconds", type=float, default=20.0)
    parser.add_argument("--libraries", nargs="+", choices=LIBRARIES)
    parser.add_argument("--json", type=Path, help="file for the seconds of every round")
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    options = parser.parse_args()
    what = WHAT[options.what]
    libraries = measure(
        options.what, options.libraries or what.libraries, options.rounds, options.milliseconds
    )
    text = "\n".join(table(options.what, libraries, options.rounds, options.milliseconds))
    print(text)
    if options.json:
        figures = {library.title: library.seconds for library in libraries}
        options.json.write_text(json.dumps(figures, indent=1))
    if options.write:
        report.write_into(HERE / "README.md", f"{text}\n", what.marker)


if __name__ == "__main__":
    main()
