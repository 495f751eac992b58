"""How long 256 chunks take to and from an S3 server that is 20 milliseconds away.

All libraries take part in one run, each in a process and an environment of its own, and
take turns, so that a slow moment of the machine hits all of them::

    .venv/bin/python benchmarks/remote.py
    .venv/bin/python benchmarks/remote.py --rounds 9 --milliseconds 50

The server (``s3_server.py``) runs on this machine and answers each request after the set
delay. The others take part as they are, and once more with as many requests at a time as
this library makes ("128 at a time").
"""

from __future__ import annotations

import argparse
import json
import os
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
sys.path.insert(0, str(HERE.parent))

from tests.interop import peers  # noqa: E402  (from the repository's root)

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
    "zarr-obstore-128": (ZARR, "zarr-python 3.1.6, ObjectStore, 128 at a time"),
    "zarr-fsspec": (ZARR, "zarr-python 3.1.6, FsspecStore"),
    "zarr-fsspec-128": (ZARR, "zarr-python 3.1.6, FsspecStore, 128 at a time"),
    "tensorstore": (TENSORSTORE, "tensorstore 0.1.86"),
    "tensorstore-128": (TENSORSTORE, "tensorstore 0.1.86, 128 at a time"),
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
                    urllib.request.urlopen(f"{address}/-/count").close()
                    break
                except OSError:
                    time.sleep(0.05)
            yield address
        finally:
            process.terminate()


class Library:
    """A library in its own process."""

    def __init__(self, name: str, address: str) -> None:
        environment, self.title = LIBRARIES[name]
        python = str(peers.interpreter(environment)) if environment else sys.executable
        inherited = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        own = {} if environment else {"PYTHONPATH": str(HERE.parent / "src")}
        self.process = subprocess.Popen(
            [python, str(HERE / "remote_worker.py"), name, address],
            env={**inherited, **own},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.seconds: dict[str, list[float]] = {job: [] for job in JOBS}

    def ask(self, job: str) -> float:
        """Do a job and return the seconds it took."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"do": job}) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.title} failed at {job}")
        return float(json.loads(answer)["seconds"])

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()


def measure(names: Sequence[str], rounds: int, milliseconds: float) -> list[Library]:
    """Return the libraries with the seconds that they took in each round."""
    with serving(milliseconds) as address, ExitStack() as stack:
        libraries = []
        for name in names:
            library = Library(name, address)
            stack.callback(library.close)
            libraries.append(library)
            for job in JOBS:
                library.ask(job)  # connections are made, and what is read is checked
        for job in JOBS:
            for turn in range(rounds):
                first = turn % len(libraries)
                for library in libraries[first:] + libraries[:first]:
                    library.seconds[job].append(library.ask(job))
    return libraries


def table(libraries: Sequence[Library]) -> Iterator[str]:
    """Yield the lines of a table: medians, and ratios to the best of the others."""
    others = [library for library in libraries if not library.title.startswith("this")]
    best = {job: min((median(o.seconds[job]) for o in others), default=None) for job in JOBS}
    yield f"{'':48}" + "".join(f"{job:>10} ms   ratio" for job in JOBS)
    for library in libraries:
        line = f"{library.title:48}"
        for job in JOBS:
            seconds, reference = median(library.seconds[job]), best[job]
            ratio = f"{seconds / reference:8.2f}" if reference else " " * 8
            line += f"{seconds * 1000:10.0f}   {ratio}"
        yield line
    yield "ratio: to the fastest of the others, as they are or with 128 requests at a time"


def main() -> None:
    """Measure, print the table, and write the figures where asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--milliseconds", type=float, default=20.0)
    parser.add_argument("--libraries", nargs="+", default=list(LIBRARIES), choices=LIBRARIES)
    parser.add_argument("--json", type=Path, help="file for the seconds of every round")
    options = parser.parse_args()
    libraries = measure(options.libraries, options.rounds, options.milliseconds)
    print("\n".join(table(libraries)))
    if options.json:
        figures: dict[str, Any] = {library.title: library.seconds for library in libraries}
        options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
