"""Drivers change things on threads that no interrupt reaches.

They keep locks, as `logging` does, which they call, and an interrupt can leave a lock held when it
comes as it is taken. And servers carry out what they have received, however late, if the client
leaves without waiting for the answer. Redis is read in the calling thread, to be quick: each use
has a connection of its own, which is dropped with its locks if it is interrupted.
"""

from __future__ import annotations

import http.server
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

import zarr
from tests.safety.places import PLACES

pytestmark = pytest.mark.remote

DRIVERS = frozenset(
    ["aiobotocore", "aiohttp", "azure", "botocore", "logging", "pymongo", "redis", "requests"]
)
MERE_VALUES = frozenset(
    [
        "azure.core.utils._utils.__getitem__",  # the headers of an answer
        "pymongo.common.validate_is_mapping",  # when a change of one document is written down
        "pymongo.operations.__init__",
        "pymongo.synchronous.database.name",
        "pymongo.write_concern.validate_boolean",
    ]
)
"""What has no lock and asks for nothing."""
VERBS: dict[str, Callable[[Any], object]] = {
    "write": lambda store: store.__setitem__("a/0", b"12345"),
    "write several": lambda store: store.setitems({f"a/{n}": b"12345" for n in range(5)}),
    "read": lambda store: store["a/0"],
    "read several": lambda store: store.getitems([f"a/{n}" for n in range(9)]),
    "read a part": lambda store: store.get_partial_values([("a/0", (1, 2)), ("a/1", (-2, 2))]),
    "look for": lambda store: ("a/0" in store, "a/none" in store),
    "list": lambda store: [list(store), store.listdir("a"), list(store.list_prefix("a"))],
    "measure": lambda store: (store.getsize("a/0"), store.getsize("a"), [*store.list_sizes("a")]),
    "ages": lambda store: store.get_ages(["a/0", "a/none"]),
    "delete": lambda store: store.__delitem__("a/0"),
    "delete several": lambda store: store.delitems(["a/1", "a/none"]),
    "move": lambda store: store.rename("a", "b"),
    "delete a folder": lambda store: store.rmdir("b"),
}

CHANGES = ("write", "write several", "delete", "delete several", "move", "delete a folder")


def called_here(work: Callable[[], object]) -> set[str]:
    """Return the functions of drivers that this thread calls during `work`."""
    found = set()

    def look(frame: Any, event: str, _: object) -> None:
        if event == "call":
            names = Path(frame.f_code.co_filename).parts
            if not DRIVERS.isdisjoint(names) and "zarr" not in names:
                found.add(f"{frame.f_globals.get('__name__')}.{frame.f_code.co_name}")

    sys.setprofile(look)
    try:
        work()
    finally:
        sys.setprofile(None)
    return found


@pytest.fixture
def environment(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    service = request.getfixturevalue("place").service
    url = request.getfixturevalue(f"{service}_url")
    monkeypatch.setenv(f"ZARR_TEST_{service.upper()}", url)


@pytest.mark.parametrize(
    "place", [place for place in PLACES.values() if place.service], ids=lambda place: place.name
)
@pytest.mark.usefixtures("environment")
def test_nothing_of_a_driver_runs_in_the_calling_thread(place: Any, tmp_path: Path) -> None:
    store = place.open(str(tmp_path))
    z = zarr.open_array(store, mode="w", path="warm", shape=4, chunks=2, dtype="i4")
    z[:] = 1
    assert z[:].tolist() == [1, 1, 1, 1]
    found = {}
    for name, verb in VERBS.items():
        called = called_here(lambda: verb(store)) - MERE_VALUES  # noqa: B023
        if place.service != "redis" or name in CHANGES:
            found[name] = called
    assert found == {name: set() for name in found}


class Interrupted(BaseException):
    """What the signal handler raises."""


@contextmanager
def interrupting() -> Iterator[tuple[str, Callable[[], int]]]:
    """Serve PUT, each of which interrupts the client half a second before it is answered.

    Yields the address, and a function that tells how many requests are under way.
    """
    under_way: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            under_way.append(self.path)
            os.kill(os.getpid(), signal.SIGALRM)
            time.sleep(0.5)  # if the client leaves at once, it finds the request under way
            under_way.remove(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.send_header("ETag", '"1"')
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    def raise_it(*_: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGALRM, raise_it)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", lambda: len(under_way)
        finally:
            server.shutdown()
            signal.signal(signal.SIGALRM, before)


def by_obstore(url: str) -> Any:
    return zarr.ObjectStore(url, client_options={"allow_http": True}, retries=0)


def by_fsspec(url: str) -> Any:
    client = {"endpoint_url": url, "region_name": "us-east-1"}
    return zarr.FSStore("s3://bucket/a", key="k", secret="s", client_kwargs=client, retries=0)


@pytest.mark.parametrize("opened", [by_obstore, by_fsspec])
def test_an_interrupt_comes_out_when_no_request_is_under_way(
    opened: Callable[[str], Any],
) -> None:
    with interrupting() as (url, count):
        store = opened(url)
        with pytest.raises(Interrupted):
            store["key"] = b"value"
        assert count() == 0
