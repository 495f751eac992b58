"""The servers of the remote stores, real ones, started once for all tests that need them.

A server that cannot be started fails the tests of its store; none is skipped. Under
``python scripts/services.py run -- pytest`` the servers of that command are used.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.remote.relay import Relay
from tests.remote.servers import AZURITE_KEY, S3_KEYS, make_bucket, make_container, remove_container

# A failure shows both sides, as in a module of tests.
pytest.register_assert_rewrite("tests.remote.counts")

ROOT = Path(__file__).parents[2]


def _load_services() -> ModuleType:
    # A script, not a module of a package: scripts/ is on nobody's path.
    spec = importlib.util.spec_from_file_location("services", ROOT / "scripts" / "services.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def services() -> ModuleType:
    """Return the module that starts and stops servers."""
    return _load_services()


def _address(services: ModuleType, name: str) -> Iterator[str]:
    given = os.environ.get(services.variable(name))
    if given:
        yield given
        return
    server = services.start(name)
    yield server.address
    server.stop()


@pytest.fixture(scope="session")
def redis_url(services: ModuleType) -> Iterator[str]:
    """Return the address of a Redis server."""
    yield from _address(services, "redis")


@pytest.fixture(scope="session")
def mongodb_url(services: ModuleType) -> Iterator[str]:
    """Return the address of a server that speaks MongoDB's protocol."""
    yield from _address(services, "mongodb")


@pytest.fixture(scope="session")
def azure_url(services: ModuleType) -> Iterator[str]:
    """Return the address of the storage account of an Azurite server."""
    yield from _address(services, "azure")


@pytest.fixture(scope="session")
def s3_url(services: ModuleType) -> Iterator[str]:
    """Return the address of an S3 server."""
    yield from _address(services, "s3")


@pytest.fixture(scope="session")
def _http_server(services: ModuleType) -> Iterator[tuple[str, str]]:
    given = os.environ.get(services.variable("http"))
    if given:
        yield given, os.environ["ZARR_TEST_HTTP_FOLDER"]
        return
    server = services.start("http")
    yield server.address, str(server.folder)
    server.stop()


@pytest.fixture(scope="session")
def http_url(_http_server: tuple[str, str]) -> str:
    """Return the address of an HTTP server of files."""
    return _http_server[0]


@pytest.fixture(scope="session")
def http_folder(_http_server: tuple[str, str]) -> Path:
    """Return the folder whose files that server shows."""
    return Path(_http_server[1])


@pytest.fixture
def unique() -> Callable[[str], str]:
    """Make names that no other test uses, on servers that all tests share."""
    return lambda stem: f"{stem}_{uuid.uuid4().hex[:12]}"


@pytest.fixture
def container(azure_url: str, unique: Callable[[str], str]) -> Any:
    """Return the client of a new container."""
    from azure.storage.blob import ContainerClient

    credential = {"account_name": "devstoreaccount1", "account_key": AZURITE_KEY}
    name = unique("test").replace("_", "-")
    with ContainerClient(azure_url, name, credential=credential) as client:
        make_container(client)
        yield client
        remove_container(client)


@pytest.fixture
def bucket(s3_url: str, unique: Callable[[str], str]) -> str:
    """Return the name of a new bucket."""
    name = unique("test").replace("_", "-")
    make_bucket(s3_url, name)
    return name


@pytest.fixture
def obstore_options(s3_url: str) -> dict[str, Any]:
    """Return the options with which obstore finds the S3 server."""
    return {
        "endpoint": s3_url,
        "region": "us-east-1",
        "access_key_id": S3_KEYS["key"],
        "secret_access_key": S3_KEYS["secret"],
        "client_options": {"allow_http": True},
    }


@pytest.fixture
def s3_options(s3_url: str) -> dict[str, Any]:
    """Return the options with which s3fs finds the S3 server."""
    return {**S3_KEYS, "endpoint_url": s3_url, "client_kwargs": {"region_name": "us-east-1"}}


@pytest.fixture
def relay_to() -> Iterator[Callable[[str], Relay]]:
    """Return a function that puts a relay before a server, given its address."""
    with contextlib.ExitStack() as stack:

        def start(address: str) -> Relay:
            relay = Relay(urlsplit(address).port or 80)
            stack.callback(relay.close)
            return relay

        yield start
