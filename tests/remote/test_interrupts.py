"""An interrupt leaves no answer on a connection for the next request to take for its own."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import zarr
from tests.safety.test_interrupted_databases import run

pytestmark = pytest.mark.remote

COUNTS = [40, pytest.param(1000, marks=pytest.mark.exhaustive)]


@pytest.mark.parametrize("count", COUNTS)
def test_redis(redis_url: str, count: int) -> None:
    run("redis", urlsplit(redis_url).port, count)


@pytest.mark.parametrize("count", COUNTS)
def test_mongodb(mongodb_url: str, count: int) -> None:
    run("mongodb", mongodb_url, count)


@pytest.mark.parametrize("count", COUNTS)
def test_azure(azure_url: str, container: Any, count: int) -> None:
    run("azure", f"{azure_url}/{container.container_name}", count)


def test_addresses_of_redis(redis_url: str) -> None:
    port = urlsplit(redis_url).port
    hosts = ["localhost", "127.0.0.1", "LOCALHOST"]
    stores = [zarr.RedisStore("address", host=host, port=port) for host in hosts]
    assert len({store.address("a") for store in stores}) == 1
    assert len({store.location for store in stores}) == 1
    others = [
        zarr.RedisStore("other", port=port),
        zarr.RedisStore("address", port=port, db=1),
    ]
    addresses = {store.address("a") for store in [stores[0], *others]}
    assert len(addresses) == 3
    for store in [*stores, *others]:
        store.close()


def test_address_of_redis_through_a_socket(tmp_path: Path) -> None:
    server, port, path = shutil.which("redis-server"), "0", tmp_path / "socket"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [str(server), "--port", port, "--unixsocket", str(path), "--save", ""]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            stores = [
                zarr.RedisStore(unix_socket_path=str(path), retries=20),
                zarr.RedisStore(port=port, retries=20),
            ]
            stores[0]["a"] = b"1"
            assert stores[1]["a"] == b"1"
            assert stores[0].address("a") == stores[1].address("a")
            for store in stores:
                store.close()
        finally:
            process.terminate()


def test_addresses_of_mongodb(mongodb_url: str) -> None:
    port = urlsplit(mongodb_url).port
    stores = [
        zarr.MongoDBStore(host=mongodb_url),
        zarr.MongoDBStore(host="localhost", port=port),
        zarr.MongoDBStore(host="127.0.0.1", port=port),
        zarr.MongoDBStore(host=f"mongodb://localhost:{port}/?appname=x"),
    ]
    assert len({store.address("a") for store in stores}) == 1
    other = zarr.MongoDBStore(host=mongodb_url, collection="other")
    assert other.address("a") != stores[0].address("a")
    for store in [*stores, other]:
        store.close()


def test_addresses_of_azure(azure_url: str, container: Any) -> None:
    from azure.storage.blob import ContainerClient

    from .servers import AZURITE_KEY

    key = {"account_name": "devstoreaccount1", "account_key": AZURITE_KEY}
    url = azure_url.replace("127.0.0.1", "localhost")
    with ContainerClient(url, container.container_name, credential=key) as client:
        whole, part = zarr.ABSStore(client=container), zarr.ABSStore(client=client, prefix="a/")
        assert whole.address("a/b") == part.address("b")
        assert whole.address("a") == part.address("")
        assert whole.address("b") != part.address("b")


def test_nothing_is_absent_from_a_container_that_does_not_exist(azure_url: str) -> None:
    from azure.storage.blob import ContainerClient

    from .servers import AZURITE_KEY

    key = {"account_name": "devstoreaccount1", "account_key": AZURITE_KEY}
    with ContainerClient(azure_url, "no-such-container", credential=key) as client:
        store = zarr.ABSStore(client=client, retries=0)
        for use in (
            lambda: store["a"],
            lambda: "a" in store,
            lambda: store.getitems(["a", "b"]),
            lambda: store.get_partial_values([("a", (0, 1))]),
            lambda: list(store),
            lambda: store.listdir("a"),
            lambda: store.getsize("a"),
            lambda: store.rmdir("a"),
            lambda: store.rename("a", "b"),
            lambda: store.__delitem__("a"),
            lambda: store.delitems(["a", "b"]),
        ):
            with pytest.raises(zarr.errors.StoreError, match="no-such-container"):
                use()
