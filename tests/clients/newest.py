"""The newest clients, written for the 3.x library, with this package in its place.

One environment under ``.peers/`` holds the clients and zarr-python 3.4.2. A folder on
``PYTHONPATH`` puts this package in its place, with a version that clients of the 3.x library
accept. The programs in ``programs/`` do what users of each client do; a step that works with
the original works with ours.

    python -m tests.clients.newest              # all programs with both, a table of counts
    python -m tests.clients.newest xarray       # only one program
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.clients.clients import BESIDE_OURS, environ
from tests.interop import peers

__all__ = ["PROGRAMS", "lost", "ours", "run"]

ENVIRONMENT = peers.Peer(
    "newest_clients",
    "zarr-python 3.4.2",
    (
        "anndata==0.13.4", "dask[array]==2026.8.0", "ome-zarr==0.21.0", "ome-zarr-models==1.8.1",
        "pydantic-zarr==0.10.0", "scipy", "xarray==2026.9.0", "zarr==3.4.2", "pip",
    ),
    (3, 12),
)  # fmt: skip
PROGRAMS = ("xarray", "anndata", "ome_zarr")
VERSION = "3.5.0"
"""What clients are told: they refuse versions before 3."""


@contextlib.contextmanager
def ours() -> Iterator[Path]:
    """Install this package as it is now into a folder, for as long as the block takes."""
    python = peers.environment(ENVIRONMENT)
    with tempfile.TemporaryDirectory(prefix="zarr-ours-") as name:
        folder = Path(name)
        peers.install_beside(python, folder, str(peers.ROOT), *BESIDE_OURS)
        (facts,) = folder.glob("zarr-*.dist-info")
        lines = (facts / "METADATA").read_text("utf-8").splitlines()
        changed = [f"Version: {VERSION}" if s.startswith("Version:") else s for s in lines]
        (facts / "METADATA").write_text("\n".join(changed), "utf-8")
        facts.rename(folder / f"zarr-{VERSION}.dist-info")
        (folder / "zarr" / "_version.py").write_text(f'__version__ = "{VERSION}"\n')
        yield folder


def run(program: str, first: Path | None) -> dict[str, str]:
    """Run a program, with the packages in `first` before those of the environment.

    Returns 'passed' or an error for each step, and the version and place of zarr as 'zarr'.
    """
    script = Path(__file__).with_name("programs") / f"with_{program}.py"
    done = subprocess.run(
        [peers.environment(ENVIRONMENT), script],
        env=environ(first), capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{program} did not run:\n{done.stderr[-3000:]}")
    outcomes: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return outcomes


def lost(original: dict[str, str], outcomes: dict[str, str]) -> dict[str, str]:
    """Return the steps that pass only with the original, with what became of them."""
    return {
        step: outcomes.get(step, "not run")
        for step, outcome in original.items()
        if outcome == "passed" != outcomes.get(step)
    }


def main() -> None:
    """Run the programs named on the command line with both packages, all by default."""
    parser = argparse.ArgumentParser(description="Run programs of clients with both packages.")
    parser.add_argument("programs", nargs="*", metavar="program", help=", ".join(PROGRAMS))
    names = parser.parse_args().programs or PROGRAMS
    missed: dict[str, str] = {}
    with ours() as first:
        for name in names:
            found = {
                title: run(name, folder) for title, folder in (("real", None), ("ours", first))
            }
            for title, outcomes in found.items():
                passed = sum(outcome == "passed" for outcome in outcomes.values())
                print(f"{name:10}{title:6}{passed:4} of {len(outcomes) - 1}", flush=True)
            missed |= lost(found["real"], found["ours"])
    if missed:
        raise SystemExit("\n".join(f"{step}: {outcome}" for step, outcome in missed.items()))


if __name__ == "__main__":
    main()
