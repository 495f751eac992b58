"""Web servers that can do little: no ranges, no entity tags, a short queue of connections."""

from __future__ import annotations

import asyncio
import http.server
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import zarr
import zarr.storage.pace
from zarr.storage import FSStore, ObjectStore
from zarr.storage.pace import Pace

pytestmark = pytest.mark.remote

Serve = Callable[..., str]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Return a function that serves `tmp_path`, as ``python -m http.server`` does."""
    with ExitStack() as stack:

        def start(tag: str | None = None, queue: int = 5) -> str:
            class Handler(http.server.SimpleHTTPRequestHandler):
                def __init__(self, *args: Any) -> None:
                    super().__init__(*args, directory=str(tmp_path))

                def end_headers(self) -> None:
                    if tag is not None:
                        self.send_header("ETag", tag)
                    super().end_headers()

                def copyfile(self, source: Any, outputfile: Any) -> None:
                    try:
                        super().copyfile(source, outputfile)
                    except ConnectionError:
                        pass  # the client has seen the headers, and wants no more

                def log_message(self, format: str, *args: Any) -> None:
                    pass

            class Server(http.server.ThreadingHTTPServer):
                request_queue_size = queue

            server = stack.enter_context(Server(("127.0.0.1", 0), Handler))
            Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_address[1]}"

        yield start


@pytest.mark.parametrize("tag", [None, '"strong"', 'W/"weak"'])
def test_shards_from_a_server_without_ranges(tmp_path: Path, serve: Serve, tag: str | None) -> None:
    data = np.arange(64).reshape(8, 8)
    options = {"shards": (4, 4), "chunks": (2, 2), "zarr_version": 3}
    zarr.open_array(str(tmp_path / "a"), mode="w", shape=(8, 8), dtype="i8", **options)[:] = data
    url = f"{serve(tag)}/a"
    for store in (ObjectStore(url, client_options={"allow_http": True}), FSStore(url)):
        z = zarr.open_array(store, mode="r")
        for selection in ((3, 4), (slice(2, 4), 5), Ellipsis, (slice(None), 0)):
            assert np.array_equal(z[selection], data[selection])
        # In every order, since it is remembered that there are no ranges.
        wanted = [(1, 3), (-4, None), (-4, 2), (10_000, 4), (3, 0)]
        whole = (tmp_path / "a" / "zarr.json").read_bytes()
        found = store.get_partial_values([("zarr.json", part) for part in wanted])
        expected = [whole[1:4], whole[-4:], whole[-4:-2], b"", b""]
        assert [bytes(part) for part in found if part is not None] == expected


def test_many_chunks_from_a_server_with_a_short_queue(
    tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No answer is late, however busy this machine is.
    monkeypatch.setattr(zarr.storage.pace, "time", SimpleNamespace(monotonic=lambda: 0.0))
    data = np.arange(3000)
    zarr.save_array(str(tmp_path / "a"), data, chunks=10)
    store = FSStore(f"{serve()}/a")
    assert store._pace.width == 10
    assert np.array_equal(zarr.open_array(store, mode="r")[:], data)
    assert store._pace.width > 10


def test_pace_follows_the_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    pace, inside = Pace(4, 32), [0, 0]

    async def request(seconds: float) -> None:
        inside[0] += 1
        inside[1] = max(inside)
        await asyncio.sleep(0)
        clock[0] += seconds
        inside[0] -= 1

    async def run(count: int, seconds: float) -> int:
        inside[1] = 0
        await asyncio.gather(*[pace.run(lambda: request(seconds)) for _ in range(count)])
        return inside[1]

    async def follow() -> None:
        assert await run(4, 0.0001) == 4
        assert await run(100, 0.0001) > 8
        assert pace.width == 32
        assert await run(100, 0.0001) == 32
        await run(1, 2.0)  # as of a connection that was lost
        assert pace.width == 16
        await run(16, 0.0001)  # while the surplus leaves
        assert await run(100, 0.0001) <= 24
        with pytest.raises(ZeroDivisionError):
            await pace.run(lambda: 1 // 0)  # type: ignore[arg-type, return-value]
        for _ in range(8):
            await run(1, 2.0)
            clock[0] += 1
        assert pace.width >= 4
        assert await run(10, 0.0001) >= 4

    asyncio.run(follow())
