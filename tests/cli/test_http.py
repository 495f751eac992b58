"""Locations behind URLs of a server that cannot list."""

from __future__ import annotations

import functools
import os
import runpy
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr
from tests.cli.command import run_many
from tests.cli.conftest import COUNT, TEMP

pytest.importorskip("click")
pytest.importorskip("fsspec")
pytest.importorskip("aiohttp")
pytestmark = pytest.mark.remote

FileHandler: Any = runpy.run_path(str(Path(__file__).parents[2] / "scripts/http_files.py"))[
    "FileHandler"
]


class Unlisted(FileHandler):
    def send_head(self) -> Any:
        if os.path.isdir(self.translate_path(self.path)):
            self.send_error(404)
            return None
        return super().send_head()


@pytest.fixture
def url(stores: Path) -> Iterator[str]:
    handler = functools.partial(Unlisted, directory=str(stores))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_consolidated_hierarchies_are_seen_and_copied(url: str, stores: Path) -> None:
    for name in ("v2.zarr", "v3.zarr"):
        zarr.consolidate_metadata(str(stores / name))

    ls, info, dump, copied, single, other, absent = run_many(
        stores,
        ["ls", "-r", f"{url}/v2.zarr"],
        ["info", "--json", f"{url}/v3.zarr/ocean/temp"],
        ["dump", "--json", f"{url}/v3.zarr/count", "[:3]"],
        ["cp", f"{url}/v3.zarr", "copy.zarr"],
        ["cp", f"{url}/v2.zarr/count", "single.zarr"],
        ["cp", f"{url}/v2.zarr", "copy.zip"],
        ["ls", f"{url}/nope.zarr"],
    )

    assert [line[-1] for line in ls.lines] == ["count", "ocean", "ocean/temp"]
    assert info.json["shape"] == [10, 6, 8]
    assert dump.json["values"] == [0, 1, 2]
    assert [result.status for result in (copied, single, other)] == [0, 0, 0]
    for name in ("copy.zarr", "copy.zip"):
        root = zarr.open(str(stores / name), mode="r")
        np.testing.assert_array_equal(root["ocean/temp"][...], TEMP)
        np.testing.assert_array_equal(root["count"][...], COUNT)
    np.testing.assert_array_equal(zarr.open(str(stores / "single.zarr"), mode="r")[...], COUNT)
    assert absent.status == 1
