"""Programs of clients of zarr-python 3, with this package in its place."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients import clients
from tests.docs.pages import pages_with, script_of
from tests.interop import peers

pytestmark = [pytest.mark.slow, pytest.mark.interop]

SCRIPT = Path(__file__).with_name("stores_of_clients.py")
PROGRAMS = ("icechunk", "tifffile", "obstore", "virtualizarr", "kerchunk", "xarray", "asynchronous")
ENVIRONMENT = peers.Peer(
    "clients3",
    "clients of zarr-python 3",
    (
        "zarr==3.4.2", "icechunk==2.3.0", "tifffile==2026.11.8", "imagecodecs", "obstore==0.12.1",
        "virtualizarr==2.8.0", "kerchunk==0.2.10", "h5py", "h5netcdf", "xarray==2026.9.0",
    ),
    (3, 12),
)  # fmt: skip


@pytest.fixture(scope="module")
def ours() -> Iterator[Path]:
    try:
        python = peers.environment(ENVIRONMENT)
    except peers.MissingPythonError as error:
        pytest.skip(str(error))
    with tempfile.TemporaryDirectory(prefix="zarr-ours-") as folder:
        peers.install_beside(python, Path(folder), str(peers.ROOT), *clients.BESIDE_OURS)
        yield Path(folder)


@pytest.mark.parametrize("program", PROGRAMS)
def test_program(program: str, ours: Path, tmp_path: Path) -> None:
    run = subprocess.run(
        [peers.environment(ENVIRONMENT), SCRIPT, program],
        cwd=tmp_path, env=clients.environ(ours), capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert run.stdout.endswith("done\n"), run.stderr[-3000:]


def test_how_to_use_icechunk(ours: Path, tmp_path: Path) -> None:
    (page,) = pages_with("icechunk")
    program = tmp_path / "program.py"
    program.write_text(script_of(page), encoding="utf-8")
    subprocess.run(
        [peers.environment(ENVIRONMENT), program],
        cwd=tmp_path, env=clients.environ(ours), check=True, timeout=300,
    )  # fmt: skip
