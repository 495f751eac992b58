"""The test suites of the newest clients, with zarr-python and with this package.

Each client has an environment of its own under ``.peers/``, with zarr-python 3.4.2, or 2.18.7 where
it cannot use that, and its tests come with its source distribution, which pip downloads. A folder
on ``PYTHONPATH`` puts this package in the place of the other, with the settings that the how-to has
for code written for zarr-python 3 (`SETTINGS`). Every test that passes with the original passes
with ours, but for those in `EXCUSED`.

    python -m tests.clients.suites              # all suites with both, a table of counts
    python -m tests.clients.suites xarray dask  # only some

Takes an hour or more. Logs of what was run are in ``.peers/clients-logs/``, and the outcomes with
the original, which are not run again while they are there.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree as ET

from tests.clients.clients import environ, outcome_of, source
from tests.clients.newest import ours
from tests.interop import peers

__all__ = ["EXCUSED", "SETTINGS", "SUITES", "lost", "run"]

SETTINGS = {"ZARR_DEFAULT_ZARR_FORMAT": "3", "ZARR_TEXT": "string"}
"""Environment variables for code that expects what zarr-python 3 does by default."""


@dataclass(frozen=True, slots=True)
class Suite:
    """What is run of the tests of a client, and what they need."""

    package: str
    version: str
    arguments: tuple[str, ...]
    needs: tuple[str, ...] = ()
    options: str = ""
    """Options in place of those that the project has for all its tests, which need plugins."""
    generation: Literal[2, 3] = 3
    """That of zarr-python. For 2, the build of this package for ``zarr<3`` takes its place."""

    @property
    def environment(self) -> peers.Peer:
        """The environment, which others with the same packages share."""
        return peers.Peer(
            f"suite-{self.package}-{self.version}",
            f"zarr-python {_VERSIONS[self.generation]}",
            (
                f"{self.package}=={self.version}", *self.needs,
                f"zarr=={_VERSIONS[self.generation]}",
                "hypothesis", "pip", "pytest", "pytest-mock", "pytest-timeout", "pytest-xdist",
            ),
            (3, 12),
        )  # fmt: skip


_VERSIONS = {2: "2.18.7", 3: "3.4.2"}
_DASK = "dask[array,dataframe,distributed]==2026.8.0"
_XARRAY_NEEDS = (
    _DASK, "aiohttp", "bottleneck", "cftime", "cubed", "fsspec", "h5netcdf", "netCDF4",
    "pooch", "pytest-asyncio", "requests", "scipy",
)  # fmt: skip
_XARRAY = ("xarray/tests/test_backends.py", "-k", "zarr")
_ANNDATA_NEEDS = (
    _DASK, "aiohttp", "awkward", "boltons", "filelock", "joblib", "loky", "openpyxl", "pyarrow",
    "requests", "scikit-learn",
)  # fmt: skip
_ANNDATA_IO = (
    "test_backed_dense", "test_backed_sparse", "test_dask", "test_io_backwards_compat",
    "test_io_dispatched", "test_io_elementwise", "test_io_partial", "test_io_utils",
    "test_readwrite", "test_structured_arrays", "lazy/test_read", "lazy/test_write",
)  # fmt: skip
_ANNDATA_OPTIONS = "--import-mode=importlib --dist=loadgroup -p testing.anndata._pytest"
_ANNDATA = (*(f"tests/{name}.py" for name in _ANNDATA_IO), "-k", "zarr")
_VIRTUALIZARR_NEEDS = (
    "h5netcdf", "h5py", "icechunk", "kerchunk", "netCDF4", "pytest-asyncio", "scipy",
)  # fmt: skip
_RECHUNKER_NEEDS = (
    "dask[array,diagnostics]", "fsspec", "numcodecs<0.16", "numpy<2.3", "xarray==2024.11.0",
)  # fmt: skip

SUITES = {
    "xarray": Suite("xarray", "2026.9.0", _XARRAY, _XARRAY_NEEDS),
    "xarray-2026.4": Suite("xarray", "2026.4.0", _XARRAY, _XARRAY_NEEDS),
    "anndata": Suite(
        "anndata", "0.13.4", _ANNDATA, (*_ANNDATA_NEEDS, "xarray==2026.9.0"), _ANNDATA_OPTIONS
    ),
    "anndata-0.12": Suite(
        "anndata", "0.12.19", _ANNDATA, (*_ANNDATA_NEEDS, "xarray==2026.4.0"), _ANNDATA_OPTIONS
    ),
    "dask": Suite("dask", "2026.8.0", ("dask/array/tests", "-k", "zarr"), (_DASK, "fsspec")),
    "cubed": Suite("cubed", "0.28.0", ("cubed/tests",)),
    "virtualizarr": Suite("virtualizarr", "2.8.0", ("virtualizarr/tests",), _VIRTUALIZARR_NEEDS),
    "ome-zarr": Suite("ome-zarr", "0.21.0", ("tests",)),
    "rechunker": Suite("rechunker", "0.5.4", ("tests",), _RECHUNKER_NEEDS, generation=2),
    "rechunker-0.5.2": Suite("rechunker", "0.5.2", ("tests",), _RECHUNKER_NEEDS, generation=2),
}
"""The source distributions of kerchunk 0.2.10 and ome-zarr-models 1.8.1 have no tests."""

EXCUSED = {
    "TestInstrumentedZarrStore::": "xarray: how often the methods of a store are called",
    "::test_avoid_excess_metadata_calls": "xarray: how often a coroutine of groups is called",
    "::test_astronaut_download[V04]": "ome-zarr: a `.zattrs` for an array without attributes",
    "::test_read_zarr_zip_path_suggests_store": "anndata: a path that ends in .zip is a folder",
    "::test_index_does_not_read_local_headers": "virtualizarr: no holes in an archive",
    "test_backed_sparse::test_data_access": "anndata: the keys read; ours reads fewer",
    "test_backed_sparse::test_lazy_array_cache": "anndata: the same",
}
"""Tests that pin what the other library does inside, by part of their names, with reasons."""


def run(suite: Suite, log: Path, first: Path | None) -> dict[str, str]:
    """Run a suite, with the packages in the folder `first` before those of the environment.

    Returns the outcome of each test by its name: 'passed', 'failed', 'skipped' or 'xfailed'.
    """
    python = peers.environment(suite.environment)
    settings = SETTINGS if first and suite.generation == 3 else {}
    with tempfile.TemporaryDirectory(prefix="zarr-suites-") as folder, log.open("w") as file:
        report = Path(folder, "report.xml")
        subprocess.run(
            [
                python, "-m", "pytest", *suite.arguments, "-q", "--tb=short",
                "-o", f"addopts={suite.options}",
                "-n", "auto", "--timeout=300",  # some ask servers of the internet
                "--disable-warnings", "-p", "no:cacheprovider", f"--junitxml={report}",
                f"--basetemp={folder}/tmp",
            ],
            cwd=source(python, suite.package, suite.version),
            # Names of tests that are made from sets are the same in every worker.
            env=environ(first) | settings | {"PYTHONHASHSEED": "0"},
            stdout=file, stderr=subprocess.STDOUT, timeout=7200,
        )  # fmt: skip
        if not report.exists():
            raise RuntimeError(f"{suite.package} did not run:\n{log.read_text()[-3000:]}")
        return dict(map(outcome_of, ET.parse(report).iter("testcase")))


def lost(original: dict[str, str], outcomes: dict[str, str]) -> list[str]:
    """Return the tests that pass only with the original and are not excused."""
    return sorted(
        f"{test}: {outcomes.get(test, 'not run')}"
        for test, outcome in original.items()
        if outcome == "passed" != outcomes.get(test) and not any(e in test for e in EXCUSED)
    )


def main() -> None:
    """Run the suites named on the command line with both packages, all by default."""
    parser = argparse.ArgumentParser(description="Run the tests of clients with both packages.")
    parser.add_argument("suites", nargs="*", metavar="suite", help=", ".join(SUITES))
    names = parser.parse_args().suites or SUITES
    logs = peers.peers_folder() / "clients-logs"
    logs.mkdir(exist_ok=True)
    kinds = ("passed", "failed", "skipped", "xfailed")
    print(f"{'suite':15}{'with':9}", *(f"{kind:>9}" for kind in kinds))
    missed = 0
    with ExitStack() as stack:
        generations = {SUITES[name].generation for name in names}
        folders = {one: stack.enter_context(ours(generation=one)) for one in generations}
        for name in names:
            folder = folders[SUITES[name].generation]
            found = {}
            for title, first in (("original", None), ("ours", folder)):
                log = logs / f"suite-{name}-{title}.txt"
                outcomes = log.with_suffix(".json")
                if first or not outcomes.exists():
                    outcomes.write_text(json.dumps(run(SUITES[name], log, first)))
                found[title] = json.loads(outcomes.read_text())
                count = Counter(found[title].values())
                print(f"{name:15}{title:9}", *(f"{count[k]:9}" for k in kinds), flush=True)
            for test in lost(found["original"], found["ours"]):
                missed += 1
                print("passes only with the original:", test, flush=True)
    raise SystemExit(missed > 0)


if __name__ == "__main__":
    main()
