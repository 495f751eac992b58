"""Servers that answer "denied" for what is absent, as public buckets without lists do."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import fsspec
import numpy as np
import obstore
import pytest

import zarr
from zarr.errors import StorePermissionError
from zarr.storage import FSStore, LRUStoreCache, ObjectStore

pytestmark = pytest.mark.remote

DENIAL = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>no</Message></Error>"


class Handler(BaseHTTPRequestHandler):
    """Serves the values of a dictionary, and denies everything else."""

    protocol_version = "HTTP/1.1"
    values: dict[str, bytes]

    def do_GET(self) -> None:
        value = self.values.get(self.path.partition("?")[0].removeprefix("/bucket/"))
        body = DENIAL if value is None else value
        self.send_response(403 if value is None else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{hash(body)}"')
        self.send_header("Last-Modified", "Sat, 28 Nov 2026 00:00:00 GMT")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def values() -> dict[str, bytes]:
    """Return the keys and values of a hierarchy, of both formats, with consolidated metadata."""
    found = {}
    for name, version in (("two", 2), ("three", 3)):
        store = zarr.MemoryStore()
        g = zarr.group(store, zarr_version=version)
        g.create_dataset("x", data=np.arange(8), chunks=4)
        g.create_dataset("sub/y", data=np.arange(6), chunks=3).attrs["unit"] = "m"
        g.create_dataset("sparse", shape=8, chunks=4, fill_value=5)[:4] = 1
        zarr.consolidate_metadata(store)
        found |= {f"{name}/{key}": bytes(value) for key, value in store.items()}
    return found


@pytest.fixture(scope="module")
def address(values: dict[str, bytes]) -> Iterator[str]:
    handler = type("Serving", (Handler,), {"values": values})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def _s3(address: str) -> dict[str, Any]:
    return {"anon": True, "endpoint_url": address, "use_listings_cache": False}


KINDS: dict[str, Callable[..., Any]] = {
    "http": lambda address, path, **options: FSStore(f"{address}/bucket/{path}", **options),
    "s3": lambda address, path, **options: FSStore(
        f"s3://bucket/{path}", **_s3(address), **options
    ),
    "mapper": lambda address, path: fsspec.get_mapper(f"s3://bucket/{path}", **_s3(address)),
    "cache": lambda address, path: LRUStoreCache(FSStore(f"{address}/bucket/{path}"), None),
    "obstore": lambda address, path, **options: ObjectStore(
        obstore.store.S3Store(
            "bucket", prefix=path, endpoint=address, region="us-east-1", skip_signature=True,
            client_options={"allow_http": True},
        ),
        **options,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ["two", "three"])
@pytest.mark.parametrize("kind", KINDS)
def test_denied_probes_do_no_harm(address: str, kind: str, name: str) -> None:
    def opened(path: str = "") -> Any:
        return KINDS[kind](address, f"{name}/{path}".rstrip("/"))

    for g in (zarr.open_group(opened(), mode="r"), zarr.open(opened(), mode="r")):
        assert g["x"][:].tolist() == list(range(8))
        assert dict(g.attrs) == {}
        y = g["sub/y"]
        assert (y[:].tolist(), dict(y.attrs)) == (list(range(6)), {"unit": "m"})
        assert "x" in g and "sub" in g
        assert dict(g["x"].attrs) == {}
    assert zarr.open(opened("x"), mode="r")[:].tolist() == list(range(8))
    assert zarr.open_array(opened("sub/y"), mode="r")[:].tolist() == list(range(6))
    consolidated = zarr.open_consolidated(opened(), mode="r")
    assert consolidated["x"][:].tolist() == list(range(8))
    assert sorted(consolidated) == ["sparse", "sub", "x"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_denied_chunk_is_an_error(address: str, kind: str) -> None:
    z = zarr.open_array(KINDS[kind](address, "two/sparse"), mode="r")
    assert z[:4].tolist() == [1] * 4
    for use in (lambda: z[:], lambda: z[5]):
        with pytest.raises(StorePermissionError, match=r"(?s)'1'.*exceptions=\(KeyError"):
            use()
    with pytest.raises(StorePermissionError):
        zarr.open(KINDS[kind](address, "absent"), mode="r")


@pytest.mark.parametrize("exceptions", [(PermissionError,), (KeyError, OSError)])
@pytest.mark.parametrize("kind", ["http", "s3", "obstore"])
def test_a_denied_chunk_is_absent_if_the_caller_says_so(
    address: str, kind: str, exceptions: tuple[type[Exception], ...]
) -> None:
    store = KINDS[kind](address, "two", exceptions=exceptions)
    g = zarr.open_group(store, mode="r")
    assert g["sparse"][:].tolist() == [1] * 4 + [5] * 4
    assert "nope" not in g and "x" in g
    assert store.get("nope/0") is None and "nope/0" not in store
    assert pickle.loads(pickle.dumps(store)).exceptions == store.exceptions
