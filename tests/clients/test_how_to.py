"""Examples of the documentation that need packages which the other tests do without."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients import clients, newest
from tests.docs.pages import pages_with, script_of
from tests.interop import peers

pytestmark = [pytest.mark.slow, pytest.mark.interop]

GCS = peers.Peer(
    "gcs",
    "an emulator of Google Cloud Storage",
    ("gcp-storage-emulator", "gcsfs", *clients.BESIDE_OURS),
)


@pytest.fixture(scope="module")
def ours() -> Iterator[Path]:
    try:
        with newest.ours() as folder:
            yield folder
    except peers.MissingPythonError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("page", pages_with("clients"), ids=lambda page: page.stem)
def test_xarray_and_dask(page: Path, ours: Path, tmp_path: Path) -> None:
    subprocess.run(
        # Not as a file, of which processes of Dask would run the beginning again.
        [peers.environment(newest.ENVIRONMENT), "-c", script_of(page)],
        cwd=tmp_path, env=clients.environ(ours), check=True, timeout=300,
    )  # fmt: skip


@contextlib.contextmanager
def emulator(python: Path) -> Iterator[str]:
    """Run the emulator with a bucket."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    where = ["--host", "127.0.0.1", "--port", str(port), "--in-memory"]
    command = [python.parent / "gcp-storage-emulator", "start", *where]
    with subprocess.Popen(
        [*command, "--default-bucket", "my-bucket"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        try:
            until = time.monotonic() + 60
            while process.poll() is None and time.monotonic() < until:
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def test_google_cloud_storage(tmp_path: Path) -> None:
    (page,) = pages_with("gcs")
    program = tmp_path / "program.py"
    program.write_text(script_of(page), encoding="utf-8")
    python = peers.environment(GCS)
    settings = {"PYTHONPATH": str(peers.ROOT / "src"), "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false"}
    with emulator(python) as address:
        subprocess.run(
            [python, program],
            cwd=tmp_path,
            env=clients.environ(None) | settings | {"STORAGE_EMULATOR_HOST": address},
            check=True, timeout=300,
        )  # fmt: skip
