"""The test suites of real clients, with this package in place of the original.

One environment under ``.peers/`` holds the clients and zarr-python 2.18.7. A folder on
``PYTHONPATH`` puts another distribution called ``zarr`` in its place: the one of this
repository as it is now, built for clients of the 2.x library. No test of a client may fail with
ours that passes with the original.

    python -m tests.clients.clients             # all suites with both, a table of counts
    python -m tests.clients.clients dask        # only one suite
    python -m tests.clients.clients --record    # writes down what passes with the original

What passes with the original is recorded in ``passing.json.gz``, so that the tests run the
suites only once, with ours. Logs of what was run are in ``.peers/clients-logs/``.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import os
import subprocess
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import fasteners

from tests.interop import peers

__all__ = [
    "SUITES",
    "environ",
    "lost",
    "ours",
    "outcome_of",
    "passing",
    "printed_by",
    "run",
    "source",
]

ANNDATA = "0.12.19"
ENVIRONMENT = peers.Peer(
    "clients",
    "zarr-python 2.18.7",
    (
        f"anndata=={ANNDATA}",
        "dask[array,dataframe,distributed]==2026.8.0",
        "rechunker==0.5.4",
        "xarray==2026.4.0",
        "zarr==2.18.7",
        "numcodecs<0.16",
        # What their tests use.
        "aiohttp", "awkward", "boltons", "cftime", "filelock", "h5netcdf", "hypothesis",
        "joblib", "loky", "netCDF4", "openpyxl", "pip", "pooch", "pytest", "pytest-asyncio",
        "pytest-mock", "pytest-xdist", "requests", "scikit-learn",
    ),
)  # fmt: skip
# What our package needs and the environment lacks, or has too old.
BESIDE_OURS = ("numcodecs>=0.16.6,!=0.17.0", "fasteners>=0.18", "google-crc32c>=1.5")
RECORD = Path(__file__).with_name("passing.json.gz")
SURPASSED = ("test_raise_on_older_zarr_version",)
"""Tests that pass only where something is missing: selections by coroutines."""


@dataclass(frozen=True, slots=True)
class Suite:
    """A part of a client's tests: what pytest is told, and whether it needs the sources."""

    arguments: tuple[str, ...]
    needs_source: bool = False


_ANNDATA_IO = (
    "test_backed_dense", "test_backed_sparse", "test_dask", "test_io_backwards_compat",
    "test_io_dispatched", "test_io_elementwise", "test_io_partial", "test_io_utils",
    "test_readwrite", "test_structured_arrays", "test_x", "lazy/test_read", "lazy/test_write",
)  # fmt: skip

SUITES = {
    "dask": Suite(("--pyargs", "dask.array.tests")),
    "xarray": Suite(("--pyargs", "xarray.tests.test_backends")),
    "anndata": Suite(tuple(f"tests/{name}.py" for name in _ANNDATA_IO), needs_source=True),
}


# -- environments ----------------------------------------------------------------------


@contextlib.contextmanager
def ours() -> Iterator[Path]:
    """Install this package as it is now into a folder, for as long as the block takes."""
    python = peers.environment(ENVIRONMENT)
    with tempfile.TemporaryDirectory(prefix="zarr-ours-") as folder:
        # These clients, and zarr-python 2.18.7 beside them, require `zarr<3` or ask for it.
        peers.install_beside(python, Path(folder), str(peers.ROOT), *BESIDE_OURS, generation=2)
        yield Path(folder)


def environ(first: Path | None) -> dict[str, str]:
    # Settings of whoever runs us are not meant for the clients.
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "PYTHON"))}
    return environ if first is None else environ | {"PYTHONPATH": str(first)}


def source(python: Path, package: str, version: str) -> Path:
    """Return the source distribution of a client, which has its tests."""
    folder = peers.peers_folder() / f"{package.replace('-', '_')}-{version}"
    with fasteners.InterProcessLock(f"{folder}.lock"):
        if not folder.exists():
            command = [
                python, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", package,
                "--dest", folder.parent, f"{package}=={version}",
            ]  # fmt: skip
            subprocess.run(command, check=True, timeout=900)
            with tarfile.open(f"{folder}.tar.gz") as archive:
                archive.extractall(folder.parent, filter="data")
    return folder


# -- runs ------------------------------------------------------------------------------


def run(name: str, first: Path | None) -> dict[str, str]:
    """Run a suite, with the packages in `first` before those of the environment.

    Returns the outcome of each test by its name: 'passed', 'failed', 'skipped' or 'xfailed'.
    """
    suite = SUITES[name]
    python = peers.environment(ENVIRONMENT)
    logs = peers.peers_folder() / "clients-logs"
    logs.mkdir(exist_ok=True)
    log = logs / f"{name}-{'original' if first is None else 'ours'}.txt"
    with tempfile.TemporaryDirectory(prefix="zarr-clients-") as folder, log.open("w") as file:
        report = Path(folder, "report.xml")
        subprocess.run(
            [
                python, "-m", "pytest", *suite.arguments, "-k", "zarr", "-q", "--tb=short",
                "--disable-warnings", "-p", "no:cacheprovider", f"--junitxml={report}",
                f"--basetemp={folder}/tmp",
            ],
            cwd=source(python, "anndata", ANNDATA) if suite.needs_source else folder,
            env=environ(first), stdout=file, stderr=subprocess.STDOUT, timeout=3600,
        )  # fmt: skip
        if not report.exists():
            raise RuntimeError(f"{name} did not run:\n{log.read_text()[-3000:]}")
        return dict(map(outcome_of, ET.parse(report).iter("testcase")))


def outcome_of(case: ET.Element) -> tuple[str, str]:
    """Return the name and the outcome of a test in a report of pytest."""
    found = {element.tag: element for element in case}
    if "failure" in found or "error" in found:
        outcome = "failed"
    elif "skipped" in found:
        outcome = "xfailed" if found["skipped"].get("type") == "pytest.xfail" else "skipped"
    else:
        outcome = "passed"
    return f"{case.get('classname')}::{case.get('name')}", outcome


def passing() -> dict[str, list[str]]:
    """Return the recorded names of the tests that pass with the original, by suite."""
    with gzip.open(RECORD, "rt", encoding="utf-8") as file:
        return dict(json.load(file))


def record(outcomes: dict[str, dict[str, str]]) -> None:
    """Write down which tests pass with the original."""
    names = {s: sorted(t for t in tests if tests[t] == "passed") for s, tests in outcomes.items()}
    # Without a time in it, the same names are the same bytes.
    RECORD.write_bytes(gzip.compress(json.dumps(names, indent=0).encode(), mtime=0))


def lost(expected: list[str], outcomes: dict[str, str]) -> list[str]:
    """Return the tests that are expected to pass and do not, with what became of them."""
    return sorted(
        f"{test}: {outcomes.get(test, 'not run')}"
        for test in expected
        if outcomes.get(test) != "passed" and not any(name in test for name in SURPASSED)
    )


def printed_by(name: str, first: Path | None, folder: Path) -> str:
    """Return what a script of this folder prints, run in the environment of the clients."""
    script = Path(__file__).with_name(name)
    return subprocess.run(
        [peers.environment(ENVIRONMENT), script],
        cwd=folder, env=environ(first), capture_output=True, text=True, check=True, timeout=300,
    ).stdout  # fmt: skip


# -- command line ----------------------------------------------------------------------


def main() -> None:
    """Run the suites named on the command line with both packages, all by default."""
    parser = argparse.ArgumentParser(description="Run the tests of clients with both packages.")
    parser.add_argument("suites", nargs="*", metavar="suite", help=", ".join(SUITES))
    parser.add_argument("--record", action="store_true", help="write down what passes")
    options = parser.parse_args()
    names = options.suites or list(SUITES)
    if options.record and len(names) < len(SUITES):
        parser.error("--record needs all suites")
    kinds = ("passed", "failed", "skipped", "xfailed")
    print(f"{'suite':10}{'with':10}", *(f"{kind:>9}" for kind in kinds))
    originals: dict[str, dict[str, str]] = {}
    missed: list[str] = []
    with ours() as first:
        for name in names:
            for title, folder in (("original", None), ("ours", first)):
                outcomes = run(name, folder)
                count = Counter(outcomes.values())
                print(f"{name:10}{title:10}", *(f"{count[k]:9}" for k in kinds), flush=True)
                if folder is None:
                    originals[name] = outcomes
            missed += lost([t for t, o in originals[name].items() if o == "passed"], outcomes)
    if options.record:
        record(originals)
    if missed:
        raise SystemExit("\n".join(("", "pass only with the original:", *missed)))


if __name__ == "__main__":
    main()
