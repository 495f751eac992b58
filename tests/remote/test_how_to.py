"""Examples of the documentation that need a server."""

from __future__ import annotations

import base64
import functools
import http.server
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

import zarr
from tests.docs import pages
from tests.remote.servers import AZURITE_KEY, S3_KEYS, make_bucket, make_container, remove_container

pytestmark = pytest.mark.remote


def page_with(what: str) -> Path:
    (page,) = pages.pages_with(what)
    return page


def test_s3(s3_url: str, in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_bucket(s3_url, "my-bucket")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", S3_KEYS["key"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", S3_KEYS["secret"])
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_url)
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    pages.run(page_with("s3"))


def test_azure(azure_url: str, in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from azure.storage.blob import ContainerClient

    parts = {
        "DefaultEndpointsProtocol": "http",
        "AccountName": "devstoreaccount1",
        "AccountKey": AZURITE_KEY,
        "BlobEndpoint": azure_url,
    }
    connection = ";".join(f"{name}={value}" for name, value in parts.items())
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", connection)
    with ContainerClient.from_connection_string(connection, "my-container") as client:
        make_container(client)
        pages.run(page_with("azure"))
        remove_container(client)


PASSWORD = f"Basic {base64.b64encode(b'ada:secret').decode()}"


class Handler(http.server.SimpleHTTPRequestHandler):
    """Shows what is in `private` to those who know a password or a token."""

    def send_head(self) -> Any:
        known = self.headers.get("Authorization") in (PASSWORD, "Bearer 5f2b")
        if self.path.startswith("/private/") and not known:
            return self.send_error(401)
        return super().send_head()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    handler = functools.partial(Handler, directory=str(tmp_path / "served"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_http(address: str, in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("public", "private"):
        zarr.save(f"served/{folder}/model.zarr", salinity=[35])
    with pytest.raises(PermissionError):
        zarr.open_group(f"{address}/private/model.zarr", mode="r")["salinity"][0]
    blocks: Callable[[Path], Iterator[pages.Block]] = pages.blocks

    def blocks_here(page: Path) -> Iterator[pages.Block]:
        for block in blocks(page):
            yield block._replace(code=block.code.replace("https://data.example.org", address))

    monkeypatch.setattr(pages, "blocks", blocks_here)
    pages.run(page_with("http"))
