"""The distributions for `zarr>=3` and for `zarr<3` differ in their version, and in nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.test_sdist import ROOT, run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

VERSIONS = {"3": "3.5.0", "2": "2.20.0"}
REQUIREMENTS = {
    # As newest releases of clients declare them, and the last ones for 2.x.
    "zarr>=3.3.0": "3.5.0", "zarr>3.1.2": "3.5.0", "zarr~=3.0": "3.5.0", "zarr<4.0,>=3.1": "3.5.0",
    "zarr!=3.0.*,>=2.18.7": "3.5.0", "zarr": "3.5.0", "zarr<3": "2.20.0", "zarr<3,>=2.11": "2.20.0",
}  # fmt: skip


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("build")
    folder = tmp_path_factory.mktemp("dist")
    for generation in VERSIONS:
        build(ROOT, folder, {"ZARR_BUILD_FOR": generation})
    return folder


def build(source: Path, folder: Path, variables: Mapping[str, str], *options: str) -> None:
    environ = {k: v for k, v in os.environ.items() if k != "ZARR_BUILD_FOR"} | dict(variables)
    command = [sys.executable, "-m", "build", f"--outdir={folder}", *options, str(source)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def contents(folder: Path, version: str) -> dict[str, bytes]:
    """Return the files of a wheel, with the version cut out of their names and contents.

    It stays in the description, which names both versions.
    """
    with zipfile.ZipFile(folder / f"zarr-{version}-py3-none-any.whl") as wheel:
        found = {name: wheel.read(name) for name in wheel.namelist()}
    metadata = f"zarr-{version}.dist-info/METADATA"
    found[metadata], _, found["description"] = found[metadata].partition(b"\n\n")
    return {
        name.replace(version, "VERSION"): data
        if name == "description"
        else data.replace(version.encode(), b"VERSION")
        for name, data in found.items()
        if not name.endswith("/RECORD")
    }


def test_wheels_differ_in_the_version_only(dist: Path) -> None:
    new, old = (contents(dist, version) for version in VERSIONS.values())

    assert new == old
    assert b'__version__ = "VERSION"' in new["zarr/_version.py"]
    assert b"\nVersion: VERSION\n" in new["zarr-VERSION.dist-info/METADATA"]


@pytest.mark.parametrize("requirement", REQUIREMENTS)
def test_pip_resolves(requirement: str, dist: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "pip", "download", "--quiet", "--no-index", "--no-deps",
        "--only-binary=:all:", f"--find-links={dist}", f"--dest={tmp_path}", requirement,
        cwd=tmp_path)  # fmt: skip

    assert [path.name for path in tmp_path.iterdir()] == [
        f"zarr-{REQUIREMENTS[requirement]}-py3-none-any.whl"
    ]


@pytest.mark.parametrize("version", VERSIONS.values())
def test_source_distribution_keeps_its_version(version: str, dist: Path, tmp_path: Path) -> None:
    with tarfile.open(dist / f"zarr-{version}.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")

    build(tmp_path / f"zarr-{version}", tmp_path, {}, "--wheel")

    assert contents(tmp_path, version) == contents(dist, version)


@pytest.mark.parametrize("version", VERSIONS.values())
def test_version_of_the_package_is_that_of_its_metadata(version: str, dist: Path) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import zarr; from importlib.metadata import version\n"
        "print(zarr.__version__, version('zarr'), zarr.__file__)"
    )
    wheel = dist / f"zarr-{version}-py3-none-any.whl"

    printed = run(sys.executable, "-c", program, wheel, cwd=dist).split()

    assert printed[:2] == [version, version]
    assert str(wheel) in printed[2]


def test_other_generations_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("build")
    with pytest.raises(AssertionError, match="ZARR_BUILD_FOR must be 2 or 3"):
        build(ROOT, tmp_path, {"ZARR_BUILD_FOR": "4"}, "--wheel")
