"""Hierarchies on a plain HTTP server: how many requests it takes to open them, and archives."""

from __future__ import annotations

import functools
import http.server
import io
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import obstore.store
import pytest

import zarr


class Handler(http.server.SimpleHTTPRequestHandler):
    requests: list[str]

    def send_head(self) -> Any:
        type(self).requests.append(f"{self.command} {self.path}")
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if not wanted:
            return super().send_head()
        start, last = map(int, wanted.groups())
        whole = Path(self.translate_path(self.path)).read_bytes()
        part = whole[start : last + 1]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{start + len(part) - 1}/{len(whole)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        return io.BytesIO(part)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path, list[str]]]:
    """Address and folder of a server, and the requests it has had."""
    handler = type("Counting", (Handler,), {"requests": []})
    make = functools.partial(handler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), make) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}", tmp_path, handler.requests
        running.shutdown()
        thread.join()


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_requests_to_open(server: tuple[str, Path, list[str]], zarr_format: int) -> None:
    url, folder, requests = server
    root = zarr.open_group(str(folder / "g"), mode="w", zarr_format=zarr_format)
    root.create_dataset("a", data=np.arange(3))
    root.attrs["title"] = "x"
    zarr.consolidate_metadata(str(folder / "g"))
    opened = {
        "consolidated": lambda: zarr.open_consolidated(f"{url}/g", mode="r"),
        "consolidated, format": lambda: zarr.open_consolidated(
            f"{url}/g", mode="r", zarr_format=zarr_format
        ),
        "open": lambda: zarr.open(f"{url}/g/a", mode="r"),
        "open, format": lambda: zarr.open(f"{url}/g/a", mode="r", zarr_format=zarr_format),
        "open_array": lambda: zarr.open_array(f"{url}/g/a", mode="r"),
    }
    counts = {}
    for name, open_it in opened.items():
        requests.clear()
        open_it()
        counts[name] = len(requests)
    # The same number as zarr-python 3 or less; 2.18 did not look at other formats.
    assert counts["consolidated"] <= 3
    assert counts["consolidated, format"] <= 2
    assert counts["open"] <= 3
    assert counts["open, format"] <= 4 - zarr_format
    assert counts["open_array"] <= 2


def test_archive_behind_a_url(server: tuple[str, Path, list[str]]) -> None:
    url, folder, _ = server
    with zarr.ZipStore(str(folder / "a.zip"), mode="w") as store:
        zarr.group(store).create_dataset("a", data=np.arange(3))
    for address in (f"{url}/a.zip", f"zip::{url}/a.zip"):
        assert zarr.open(address, mode="r")["a"][:].tolist() == [0, 1, 2]


def test_stores_of_obstore(server: tuple[str, Path, list[str]]) -> None:
    url, folder, _ = server
    zarr.open_group(str(folder / "g"), mode="w").create_dataset("a", data=np.arange(3))
    store = obstore.store.LocalStore(folder / "g")
    assert isinstance(zarr.open(store, mode="r").store, zarr.storage.ObjectStore)
    zarr.open_array(store, path="a")[:] = 5
    with pytest.raises(zarr.errors.ReadOnlyError):
        zarr.open_array(store, mode="r", path="a").resize(5)
    # Said by the URL, so it need not be said again.
    remote = zarr.storage.ObjectStore(f"{url}/g", mode="r")
    assert zarr.open_array(remote, mode="r", path="a")[:].tolist() == [5, 5, 5]


def test_server_without_lists_says_what_to_open(server: tuple[str, Path, list[str]]) -> None:
    url, _, _ = server
    store = zarr.storage.ObjectStore(f"{url}/g", retries=0)
    with pytest.raises(zarr.errors.StoreError, match=r"no WebDAV.*open_consolidated.*FSStore"):
        list(store)


def test_options_that_the_file_system_does_not_take(server: tuple[str, Path, list[str]]) -> None:
    url, _, _ = server
    with pytest.raises(zarr.errors.StoreError, match=r"'nonsense'.*; check storage_options"):
        zarr.open(f"{url}/g", mode="r", storage_options={"nonsense": 1})
