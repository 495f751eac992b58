"""What `explain` says of a selection is what `traffic` counts when it is read."""

from __future__ import annotations

import itertools
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import zarr
from zarr.storage import LRUStoreCache, MemoryStore
from zarr.tools.traffic import VerbCount

from .test_selections import EVERY_KIND, KINDS

_number = itertools.count()

STORES = ["dict", "memory", "directory", "zip", "sqlite", "cache"]
if find_spec("obstore"):
    STORES.append("object")


def new_store(kind: str, folder: Path) -> Any:
    """Return an empty store."""
    name = str(folder / f"{next(_number)}")
    match kind:
        case "memory":
            return MemoryStore()
        case "directory":
            return zarr.DirectoryStore(name)
        case "zip":
            return zarr.ZipStore(f"{name}.zip", mode="w")
        case "sqlite":
            return zarr.SQLiteStore(f"{name}.db")
        case "cache":
            return LRUStoreCache(MemoryStore(), None)
        case "object":
            return zarr.ObjectStore("memory://")
    return {}


ARRAYS: dict[str, dict[str, Any]] = {
    "format 2": {"zarr_version": 2, "chunks": (4, 5)},
    "format 3": {"zarr_version": 3, "chunks": (4, 5)},
    "shards": {"zarr_version": 3, "chunks": (4, 5), "shards": (12, 10)},
    "listed chunks": {"zarr_version": 3, "chunks": ([7, 3, 20], 5)},
    "large chunks": {"zarr_version": 2, "chunks": (20, 9), "partial_decompress": True},
}
COMPRESSORS = {"none": None, "blosc": numcodecs.Blosc("lz4", blocksize=16 << 10)}


@st.composite
def arrays(draw: st.DrawFn, name: str, folder: Path, caches: list[int]) -> Any:
    """Draw an array of which a part is stored, opened in one of several ways."""
    store = new_store(draw(st.sampled_from(STORES)), folder)
    options = dict(ARRAYS[name])
    reading = {"partial_decompress": options.pop("partial_decompress", False)}
    if not reading["partial_decompress"]:
        reading["cache_bytes"] = draw(st.sampled_from(caches))
    dtype = "V4096" if reading["partial_decompress"] else "i4"  # or nothing is read in parts
    if name != "listed chunks":
        options["compressor"] = COMPRESSORS[draw(st.sampled_from(["none", "blosc"]))]
    z = zarr.create((30, 23), dtype=dtype, store=store, fill_value=0, **options)
    rows = draw(st.sampled_from([0, 9, 30]))
    values = np.random.default_rng(rows).integers(1, 9, (rows, 23 * z.dtype.itemsize), "u1")
    z[:rows] = values.view(dtype).reshape(rows, 23)
    return zarr.open_array(z.store, mode="r", **reading)


def costs(requests: Any) -> dict[str, tuple[int, int, int]]:
    """Return calls, keys and bytes by verb."""
    found: dict[str, tuple[int, int, int]] = {}
    for request in requests:
        calls, keys, nbytes = found.get(request.verb, (0, 0, 0))
        found[request.verb] = (calls + 1, keys + len(request.keys), nbytes + request.nbytes)
    return found


def counts(verbs: dict[str, VerbCount]) -> dict[str, tuple[int, int, int]]:
    """Return the same of what happened."""
    return {  # how a store looks for a key without reading it is its own affair
        verb: (count.calls, count.keys, 0 if verb == "__contains__" else count.bytes_read)
        for verb, count in verbs.items()
    }


@pytest.mark.thread_unsafe(reason="traffic counts what all threads of the process do")
@pytest.mark.parametrize("name", ARRAYS)
@settings(max_examples=max(10, (settings.get_current_profile_name() == "ci" and 250) or 0))
@given(data=st.data())
def test_explain_says_what_traffic_counts(name: str, scratch: Path, data: st.DataObject) -> None:
    workers, window = data.draw(st.sampled_from([(1, 8 << 20), (1, 300), (3, 300)]))
    # What a cache drops that is too small for a selection depends on the order of threads, and
    # several threads may read the index of a shard.
    caches = [0, 1_000, 1_000_000] if workers == 1 else [0, 1_000_000]
    workers = 1 if name == "shards" else workers
    z = data.draw(arrays(name, scratch, caches))
    with zarr.config.set(workers=workers, window_bytes=window, thread_bytes=0):
        for _ in range(2):
            kind = KINDS[data.draw(st.sampled_from(EVERY_KIND))]
            selection = data.draw(kind.draw(z))

            told = kind.bracket(z.explain(sizes=True))[selection]
            with zarr.traffic() as seen:
                found = kind.bracket(z)[selection]

            assert told.exact
            assert costs(told.requests) == counts(seen.of(z.store))
            assert told.shape == found.shape


def test_the_ci_profile_generates_at_least_a_thousand_selections() -> None:
    assert len(ARRAYS) * settings.get_profile("ci").max_examples >= 1000
