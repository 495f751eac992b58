"""What stores do when servers and networks fail: a clear error or a successful retry.

Never are missing bytes taken for a missing chunk, and never is a part of a value taken for
the whole. All servers are real; a relay between them and the client does the harm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from azure.storage.blob import ContainerClient, LinearRetry

import zarr
from tests.remote.relay import Relay
from tests.remote.servers import AZURITE_KEY, S3_KEYS, make_bucket, make_container
from zarr.errors import StoreError, StorePermissionError, StoreTimeoutError
from zarr.storage import (
    ABSStore,
    BaseStore,
    DirectoryStore,
    FSStore,
    MongoDBStore,
    ObjectStore,
    RedisStore,
)

pytestmark = pytest.mark.remote

DATA = np.random.default_rng(0).integers(0, 255, (4, 60_000), dtype="u1")
"""Four chunks, stored as they are, so that cutting one is sure to hit its bytes."""


@dataclass
class Backend:
    """A kind of store and how to reach its server.

    Attributes
    ----------
    open : callable
        Opens the store on the server at a port; `retries` as the stores have it.
    read, write : bytes
        Patterns of the requests that read and write the chunk 2.0.
    """

    name: str
    service: str
    open: Callable[..., BaseStore]
    read: bytes
    write: bytes = b""
    speaks_http: bool = True


def fsspec_s3(port: int, place: str, **options: Any) -> FSStore:
    config = {"connect_timeout": 2, "read_timeout": 2}
    return FSStore(
        f"s3://{place}/data",
        endpoint_url=f"http://127.0.0.1:{port}",
        client_kwargs={"region_name": "us-east-1"},
        config_kwargs=config,
        **S3_KEYS,
        **options,
    )


def obstore_s3(port: int, place: str, **options: Any) -> ObjectStore:
    return ObjectStore(
        f"s3://{place}/data",
        endpoint=f"http://127.0.0.1:{port}",
        region="us-east-1",
        access_key_id=S3_KEYS["key"],
        secret_access_key=S3_KEYS["secret"],
        client_options={"allow_http": True, "timeout": "2s"},
        **options,
    )


def azure(port: int, place: str, **options: Any) -> ABSStore:
    client = ContainerClient(
        f"http://127.0.0.1:{port}/devstoreaccount1",
        place,
        credential={"account_name": "devstoreaccount1", "account_key": AZURITE_KEY},
        retry_policy=LinearRetry(backoff=0, retry_total=3, random_jitter_range=0),
        connection_timeout=2,
        read_timeout=2,
    )
    return ABSStore(client=client, prefix="data", **options)


def fsspec_http(port: int, place: str, **options: Any) -> FSStore:
    from aiohttp import ClientTimeout

    timeout = {"timeout": ClientTimeout(total=2)}
    return FSStore(f"http://127.0.0.1:{port}/{place}/data", client_kwargs=timeout, **options)


def obstore_http(port: int, place: str, **options: Any) -> ObjectStore:
    url = f"http://127.0.0.1:{port}/{place}/data"
    return ObjectStore(url, client_options={"allow_http": True, "timeout": "2s"}, **options)


def redis(port: int, place: str, **options: Any) -> RedisStore:
    return RedisStore(place, host="127.0.0.1", port=port, socket_timeout=2, **options)


def mongodb(port: int, place: str, **options: Any) -> MongoDBStore:
    times = {"serverSelectionTimeoutMS": 2000, "socketTimeoutMS": 2000}
    return MongoDBStore(collection=place, host="127.0.0.1", port=port, **times, **options)


HTTP_READ, HTTP_WRITE = rb"GET \S*/2\.0[ ?]", rb"PUT \S*/2\.0[ ?]"
BACKENDS = [
    Backend("fsspec-s3", "s3", fsspec_s3, HTTP_READ, HTTP_WRITE),
    Backend("obstore-s3", "s3", obstore_s3, HTTP_READ, HTTP_WRITE),
    Backend("azure", "azure", azure, HTTP_READ, HTTP_WRITE),
    Backend("fsspec-http", "http", fsspec_http, HTTP_READ),
    Backend("obstore-http", "http", obstore_http, HTTP_READ),
    Backend("redis", "redis", redis, rb"GET[\s\S]*2\.0", rb"SET", speaks_http=False),
    Backend("mongodb", "mongodb", mongodb, rb"find[\s\S]*2\.0", rb"update", False),
]
WRITABLE = [backend for backend in BACKENDS if backend.write]
HTTP = [backend for backend in BACKENDS if backend.speaks_http]
KEEPING = [backend for backend in BACKENDS if backend.service not in ("s3", "azure")]
"""Those whose servers find everything again after a crash."""


def named(backend: Backend) -> str:
    return backend.name


@dataclass
class Site:
    """An array on a server, behind a relay."""

    backend: Backend
    relay: Relay
    port: int
    place: str

    def direct(self) -> BaseStore:
        """Open the store without the relay."""
        return self.backend.open(self.port, self.place)

    def store(self, **options: Any) -> BaseStore:
        """Open the store through the relay."""
        return self.backend.open(self.relay.own_port, self.place, **options)

    def array(self, **options: Any) -> Any:
        """Open the array through the relay."""
        return zarr.open_array(self.store(**options), mode="r" if not self.backend.write else "r+")


def prepare(backend: Backend, port: int, place: str, folder: str | Path) -> str:
    """Put the array on a server; return the name of its place there."""
    if backend.service == "http":
        filling: BaseStore = DirectoryStore(f"{folder}/{place}/data")
    else:
        place = place.replace("_", "-") if backend.service in ("s3", "azure") else place
        if backend.service == "s3":
            make_bucket(f"http://127.0.0.1:{port}", place)
        filling = backend.open(port, place)
        if isinstance(filling, ABSStore):
            make_container(filling.client)
    array = zarr.create(
        DATA.shape,
        chunks=(1, DATA.shape[1]),
        dtype=DATA.dtype,
        compressor=None,
        fill_value=7,
        store=filling,
    )
    array[:] = DATA
    return place


@pytest.fixture
def site(request: pytest.FixtureRequest, unique: Callable[[str], str]) -> Iterator[Site]:
    """Return an array on the server that all tests share."""
    backend: Backend = request.param
    url = request.getfixturevalue(f"{backend.service}_url")
    folder = request.getfixturevalue("http_folder") if backend.service == "http" else ""
    port = urlsplit(url).port
    assert port is not None
    place = prepare(backend, port, unique("faults"), folder)
    relay = Relay(port)
    yield Site(backend, relay, port, place)
    relay.close()


class Doomed:
    """A server for one test, to be killed, which goes on with what it had on disk."""

    def __init__(self, services: ModuleType, name: str, folder: Path) -> None:
        self._begin = partial(services.start, name, folder=folder)
        # A server ends with the thread that has started it; those of the relay are short-lived.
        self._thread = ThreadPoolExecutor(1)
        self._server = self._thread.submit(self._begin).result()
        self.port: int = self._server.port

    def kill(self) -> None:
        self._server.kill()

    def restart(self) -> None:
        self._server.kill()
        self._server = self._thread.submit(self._begin, self.port).result()

    def stop(self) -> None:
        self._server.stop()
        self._thread.shutdown()


@pytest.fixture
def doomed(
    request: pytest.FixtureRequest,
    services: ModuleType,
    unique: Callable[[str], str],
    tmp_path: Path,
) -> Iterator[tuple[Site, Doomed]]:
    """Return an array on a server of its own, and that server."""
    backend: Backend = request.param
    server = Doomed(services, backend.service, tmp_path)
    place = prepare(backend, server.port, unique("faults"), tmp_path)
    relay = Relay(server.port)
    yield Site(backend, relay, server.port, place), server
    relay.close()
    server.stop()


def check_intact(array: Any) -> None:
    np.testing.assert_array_equal(array[:], DATA)


def check_fails(array: Any, kind: type[Exception] = StoreError) -> None:
    """Reading everything must raise, and name the chunk, or the batch that it is in."""
    with pytest.raises(kind, match=r"2\.0|0\.0 … 3\.0") as caught:
        array[:]
    assert caught.value.__cause__ is not None or caught.value.__context__ is not None


# -- reading -----------------------------------------------------------------------------


@pytest.mark.parametrize("site", BACKENDS, indirect=True, ids=named)
class TestBrokenConnection:
    def test_relay_does_no_harm_unasked(self, site: Site) -> None:
        check_intact(site.array())

    def test_reset_once_is_retried(self, site: Site) -> None:
        rule = site.relay.harm(site.backend.read, "reset", times=1)
        check_intact(site.array())
        assert rule.done == 1

    def test_reset_without_retries_raises(self, site: Site) -> None:
        site.relay.harm(site.backend.read, "reset")
        check_fails(site.array(retries=0))

    def test_answer_cut_short_once_is_retried(self, site: Site) -> None:
        rule = site.relay.harm(site.backend.read, "cut answer", times=1, after=20_000)
        check_intact(site.array())
        assert rule.done == 1

    def test_answer_cut_short_raises(self, site: Site) -> None:
        site.relay.harm(site.backend.read, "cut answer", after=20_000)
        check_fails(site.array(retries=0))

    def test_no_answer_raises(self, site: Site) -> None:
        site.relay.harm(site.backend.read, "hang")
        check_fails(site.array(retries=0), StoreTimeoutError)


@pytest.mark.parametrize("site", HTTP, indirect=True, ids=named)
class TestRefusal:
    @pytest.mark.parametrize("status", [500, 503])
    def test_once_is_retried(self, site: Site, status: int) -> None:
        rule = site.relay.harm(site.backend.read, "answer", times=1, status=status)
        check_intact(site.array())
        assert rule.done == 1

    @pytest.mark.parametrize("status", [500, 503])
    def test_always_raises(self, site: Site, status: int) -> None:
        site.relay.harm(site.backend.read, "answer", status=status)
        check_fails(site.array(retries=0))

    def test_denied_raises_and_is_not_retried(self, site: Site) -> None:
        rule = site.relay.harm(site.backend.read, "answer", status=403)
        array = site.array()
        check_fails(array, StorePermissionError)
        assert rule.done == 1
        np.testing.assert_array_equal(array[:2], DATA[:2])


@pytest.mark.parametrize("doomed", BACKENDS, indirect=True, ids=named)
def test_server_killed_while_reading(doomed: tuple[Site, Doomed]) -> None:
    site, server = doomed
    array = site.array(retries=1)
    site.relay.harm(site.backend.read, "cut answer", after=20_000, and_then=server.kill)

    with pytest.raises(StoreError):
        array[:]
    with pytest.raises(StoreError):
        array[0, 0]


@pytest.mark.parametrize("doomed", KEEPING, indirect=True, ids=named)
def test_server_restarted_while_reading(doomed: tuple[Site, Doomed]) -> None:
    site, server = doomed
    array = site.array(retries=20)  # a busy machine takes a while to start a server
    rule = site.relay.harm(
        site.backend.read, "cut answer", times=1, after=20_000, and_then=server.restart
    )
    np.testing.assert_array_equal(array[2], DATA[2])
    assert rule.done == 1


# -- writing -----------------------------------------------------------------------------


@pytest.mark.parametrize("doomed", WRITABLE, indirect=True, ids=named)
def test_server_killed_while_writing(doomed: tuple[Site, Doomed]) -> None:
    site, server = doomed
    array = site.array(retries=1)
    site.relay.harm(site.backend.write, "cut request", after=20_000, and_then=server.kill)

    with pytest.raises(StoreError):
        array[:] = DATA[::-1]

    if site.backend not in KEEPING:
        return
    server.restart()
    rows = zarr.open_array(site.direct(), mode="r")[:]
    for row, old, new in zip(rows, DATA, DATA[::-1], strict=True):
        assert (row == old).all() or (row == new).all()
    np.testing.assert_array_equal(rows[2], DATA[2])  # that request never was whole
    site.relay.rules.clear()
    array[:] = DATA[::-1]
    np.testing.assert_array_equal(array[:], DATA[::-1])


@pytest.mark.parametrize("site", WRITABLE, indirect=True, ids=named)
class TestBrokenWrite:
    def test_request_cut_short_leaves_the_old_value(self, site: Site) -> None:
        array = site.array(retries=0)
        site.relay.harm(site.backend.write, "cut request", after=20_000)

        with pytest.raises(StoreError, match=r"2\.0"):
            array[2] = 1

        check_intact(zarr.open_array(site.direct(), mode="r"))

    def test_request_cut_short_once_is_retried(self, site: Site) -> None:
        rule = site.relay.harm(site.backend.write, "cut request", times=1, after=20_000)
        site.array()[:] = DATA[::-1]

        assert rule.done == 1
        stored = zarr.open_array(site.direct(), mode="r")[:]
        np.testing.assert_array_equal(stored, DATA[::-1])

    def test_lost_confirmation_leaves_a_whole_value(self, site: Site) -> None:
        array = site.array(retries=0)
        site.relay.harm(site.backend.write, "cut answer", after=1)

        with pytest.raises(StoreError, match=r"2\.0"):
            array[2] = DATA[0]

        stored = zarr.open_array(site.direct(), mode="r")[:]
        assert (stored[2] == DATA[2]).all() or (stored[2] == DATA[0]).all()
        np.testing.assert_array_equal(stored[[0, 1, 3]], DATA[[0, 1, 3]])


@pytest.mark.parametrize("site", [b for b in WRITABLE if b.speaks_http], indirect=True, ids=named)
def test_denied_write_raises(site: Site) -> None:
    site.relay.harm(site.backend.write, "answer", status=403)
    with pytest.raises(StorePermissionError, match=r"2\.0"):
        site.array()[2] = 1
    check_intact(zarr.open_array(site.direct(), mode="r"))
