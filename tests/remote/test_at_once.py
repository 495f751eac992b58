"""How many requests of one read or write are under way at a time."""

from __future__ import annotations

import http.server
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Condition, Thread
from typing import Any

import numpy as np
import pytest

import zarr
from zarr.storage import ObjectStore

pytestmark = pytest.mark.remote


class Crowd:
    """Holds requests until so many of them are there at a time."""

    def __init__(self, wanted: int) -> None:
        self.wanted, self.present, self.seen = wanted, 0, 0
        self.is_over = False
        self.changed = Condition()

    def wait(self) -> bool:
        """Return whether enough requests came before clients give up; later ones are not held."""
        with self.changed:
            self.present += 1
            self.seen = max(self.seen, self.present)
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.is_over or self.seen >= self.wanted, timeout=20)
            self.present -= 1
            self.is_over = True
        return self.seen >= self.wanted


@contextmanager
def serving(folder: Path, crowd: Crowd) -> Iterator[str]:
    """Serve a folder, in which files whose names begin with a digit make up the crowd."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(folder))

        def do_GET(self) -> None:
            if Path(self.path).name[0].isdigit() and not crowd.wait():
                self.send_error(400, f"{crowd.seen} requests at a time, not {crowd.wanted}")
            else:
                super().do_GET()

        def do_PUT(self) -> None:
            value = self.rfile.read(int(self.headers["Content-Length"]))
            if Path(self.path).name[0].isdigit() and not crowd.wait():
                self.send_error(400, f"{crowd.seen} requests at a time, not {crowd.wanted}")
                return
            target = Path(self.translate_path(self.path))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(value)
            self.send_response(201)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 512

    with Server(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


def made() -> np.ndarray[Any, Any]:
    """Return values for 256 chunks, too large for one thread of the engine to ask for all."""
    return np.arange(256 << 15, dtype="i4").reshape(256, -1)


def opened(url: str) -> ObjectStore:
    return ObjectStore(url, client_options={"allow_http": True}, retries=0)


@pytest.mark.parametrize("format", [2, 3])
def test_chunks_of_one_read_are_asked_for_at_once(tmp_path: Path, format: int) -> None:
    values = made()
    options = {"chunk_key_encoding": {"name": "v2"}} if format == 3 else {}
    zarr.open_array(
        str(tmp_path / "a"), mode="w", shape=values.shape, chunks=(1, 1 << 15), dtype="i4",
        zarr_format=format, **options,
    )[:] = values  # fmt: skip
    with serving(tmp_path, Crowd(200)) as url:
        z = zarr.open_array(opened(f"{url}/a"), mode="r", zarr_format=format)
        assert np.array_equal(z[:], values)


def test_chunks_of_one_write_are_sent_at_once(tmp_path: Path) -> None:
    values = made()
    z = zarr.open_array(str(tmp_path / "a"), mode="w", shape=values.shape, chunks=(1, 1 << 15))
    with serving(tmp_path, Crowd(200)) as url:
        zarr.open_array(opened(f"{url}/a"), mode="r+")[:] = values
    assert np.array_equal(z[:], values)
