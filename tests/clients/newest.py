"""The newest clients, written for the 3.x library, with this package in its place.

Environments under ``.peers/`` hold the clients and zarr-python 3.4.2: one for xarray, anndata and
ome-zarr, and one for each of `ON_DEMAND`, which `make clients` runs. A folder on ``PYTHONPATH``
puts this package in its place. The programs in ``programs/`` do what users of each client do; a
step that works with the original works with ours.

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
from typing import Literal

from tests.clients.clients import BESIDE_OURS, environ
from tests.interop import peers

__all__ = ["PROGRAMS", "lost", "ours", "run"]

ENVIRONMENT = peers.Peer(
    "newest_clients",
    "zarr-python 3.4.2",
    (
        "anndata==0.13.4", "dask[array,distributed]==2026.8.0", "ome-zarr==0.21.0",
        "ome-zarr-models==1.8.1",
        "pydantic-zarr==0.10.0", "scipy", "xarray==2026.9.0", "zarr==3.4.2", "pip",
    ),
    (3, 12),
)  # fmt: skip
PROGRAMS = ("xarray", "anndata", "ome_zarr")
VERSION = "3.5.0"

ON_DEMAND = {
    "dask": ("dask[array]==2026.8.0", "fsspec"),
    "cubed": ("cubed==0.28.0",),
    # zarr-python 3 lacks what it needs: no step works with the original.
    "rechunker": ("rechunker==0.5.2",),
    "pydantic_zarr": ("pydantic-zarr[zarr]==0.10.0",),
    "universal_pathlib": ("universal-pathlib",),
    "bioio_ome_zarr": ("bioio-ome-zarr==3.8.1",),
    "xarray_tensorstore": ("xarray-tensorstore==0.3.0",),
    "zarr_checksum": ("zarr-checksum",),
    "zarrs": ("zarrs==0.2.3",),
    "titiler_xarray": ("titiler-xarray==2.4.0",),
    "spatialdata": ("spatialdata==0.8.0",),
    "sgkit": ("sgkit==0.10.0", "numcodecs<0.16"),
    "bio2zarr": ("bio2zarr==0.2.1",),
    "napari_ome_zarr": ("napari-ome-zarr==0.11.0",),
    "multiscale_spatial_image": ("multiscale-spatial-image==2.1.0", "dask-image", "itk-filtering"),
}
"""Clients whose environments take minutes each to install, with what pip installs."""


BEFORE_3 = ("sgkit",)
"""Clients that require ``zarr<3``, which get the build of this package for them."""


def environment_of(program: str) -> peers.Peer:
    """Return the environment of a program."""
    if program in PROGRAMS:
        return ENVIRONMENT
    version = "2.18.7" if program in BEFORE_3 else "3.4.2"
    requirements = (*ON_DEMAND[program], f"zarr=={version}", "pip")
    return peers.Peer(f"client_{program}", f"zarr-python {version}", requirements, (3, 12))


@contextlib.contextmanager
def ours(environment: peers.Peer = ENVIRONMENT, generation: Literal[2, 3] = 3) -> Iterator[Path]:
    """Install this package as it is now into a folder, for as long as the block takes."""
    python = peers.environment(environment)
    with tempfile.TemporaryDirectory(prefix="zarr-ours-") as name:
        peers.install_beside(
            python, Path(name), str(peers.ROOT), *BESIDE_OURS, generation=generation
        )
        yield Path(name)


def run(program: str, first: Path | None) -> dict[str, str]:
    """Run a program, with the packages in `first` before those of the environment.

    Returns 'passed' or an error for each step, and the version and place of zarr as 'zarr'.
    """
    script = Path(__file__).with_name("programs") / f"with_{program}.py"
    done = subprocess.run(
        [peers.environment(environment_of(program)), script],
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
    every = (*PROGRAMS, *ON_DEMAND)
    parser.add_argument("programs", nargs="*", metavar="program", help=", ".join(every))
    missed: dict[str, str] = {}
    for name in parser.parse_args().programs or every:
        with ours(environment_of(name), 2 if name in BEFORE_3 else 3) as first:
            found = {
                title: run(name, folder) for title, folder in (("real", None), ("ours", first))
            }
        for title, outcomes in found.items():
            passed = sum(outcome == "passed" for outcome in outcomes.values())
            print(f"{name:20}{title:6}{passed:4} of {len(outcomes) - 1}", flush=True)
        if name == "rechunker":  # must work although it does not with the original
            found["real"] = dict.fromkeys(found["ours"].keys() - {"zarr"}, "passed")
        missed |= lost(found["real"], found["ours"])
    if missed:
        raise SystemExit("\n".join(f"{step}: {outcome}" for step, outcome in missed.items()))


if __name__ == "__main__":
    main()
