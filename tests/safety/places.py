"""Every kind of store and every format, for tests that a rule holds in all of them.

A *place* opens a store for a folder. Places that are *lasting* open the same data again in the
same process and in others; the servers of the remote ones are found by the variables
``ZARR_TEST_<NAME>`` that ``scripts/services.py`` prints.
"""

from __future__ import annotations

import contextlib
import dbm.dumb
import hashlib
import itertools
import os
import urllib.error
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

import numpy as np

import zarr
from tests.remote.servers import AZURITE_KEY, S3_KEYS, make_bucket, make_container

Array = np.ndarray[Any, Any]
Index = tuple[slice, ...]

SHAPE = (20, 16)
FORMATS: dict[str, dict[str, Any]] = {
    "2": {"zarr_format": 2, "chunks": (10, 8)},
    "3": {"zarr_format": 3, "chunks": (10, 8)},
    "shards": {"zarr_format": 3, "chunks": (5, 8), "shards": (10, 16)},
    "listed": {"zarr_format": 3, "chunks": ([5, 10, 5], 16)},
    "N5": {"chunks": (10, 8)},
}


@dataclass(frozen=True)
class Place:
    """One kind of store.

    Attributes
    ----------
    name : str
    open : callable
        Opens the store of a folder, which exists.
    lasting : bool
        Whether another call opens the same data, when the first store is closed.
    shared : bool
        Whether another call opens the same data meanwhile, in any process.
    service : str or None
        The server that it needs.
    formats : tuple of str
        Those of `FORMATS` that it can hold.
    chunk_store : callable or None
        Opens the store of the chunks, if they have one of their own.
    slow : bool
        Whether each request takes milliseconds of a server written for tests.
    """

    name: str
    open: Callable[[str], Any]
    lasting: bool = True
    shared: bool = True
    service: str | None = None
    formats: tuple[str, ...] = ("2", "3", "shards", "listed")
    chunk_store: Callable[[str], Any] | None = None
    slow: bool = False

    @property
    def fill_value(self) -> int:
        # N5 has no fill value but zero. What tests write is neither.
        return 0 if "N5" in self.formats else -1

    def options(self, format: str) -> dict[str, Any]:
        """Return the keyword arguments of a new array."""
        return {"dtype": "i4", "fill_value": self.fill_value, **FORMATS[format]}


def blocks_of(z: Any) -> list[Index]:
    """Return the region of each chunk of an array, cut at its edge."""
    return regions(z.shape, z.chunks)


def regions(shape: tuple[int, ...], chunks: Any) -> list[Index]:
    """Return the region of each chunk, cut at the edge of the array."""
    lists: list[list[slice]] = []
    for length, chunk in zip(shape, chunks, strict=True):
        ends = np.arange(0, length + chunk, chunk) if isinstance(chunk, int) else np.cumsum(chunk)
        edges = sorted({0, length, *(int(end) for end in ends if end < length)})
        lists.append([slice(*pair) for pair in itertools.pairwise(edges)])
    found: list[Index] = [()]
    for slices in lists:
        found = [(*before, each) for before in found for each in slices]
    return found


# -- remote stores -------------------------------------------------------------------------


def _unique(folder: str) -> str:
    """Return a name that only `folder` has, in letters and digits that every server accepts."""
    return "t" + hashlib.sha256(folder.encode()).hexdigest()[:20]


def _address(service: str) -> str:
    return os.environ[f"ZARR_TEST_{service.upper()}"]


def _redis(folder: str, host: str = "127.0.0.1") -> Any:
    return zarr.RedisStore(_unique(folder), host=host, port=urlsplit(_address("redis")).port)


def _mongodb(folder: str) -> Any:
    return zarr.MongoDBStore(collection=_unique(folder), host=_address("mongodb"))


def _azure(folder: str) -> Any:
    from azure.storage.blob import ContainerClient

    credential = {"account_name": "devstoreaccount1", "account_key": AZURITE_KEY}
    client = ContainerClient(_address("azure"), "safety", credential=credential)
    make_container(client)
    return zarr.ABSStore(client=client, prefix=_unique(folder))


def _bucket() -> str:
    with contextlib.suppress(urllib.error.HTTPError):
        make_bucket(_address("s3"), "safety")
    return "safety"


def _s3_options() -> dict[str, Any]:
    return {
        **S3_KEYS,
        "endpoint_url": _address("s3"),
        "client_kwargs": {"region_name": "us-east-1"},
    }


def _obstore_options() -> dict[str, Any]:
    return {
        "endpoint": _address("s3"),
        "region": "us-east-1",
        "access_key_id": S3_KEYS["key"],
        "secret_access_key": S3_KEYS["secret"],
        "client_options": {"allow_http": True},
    }


def _s3_by_fsspec(folder: str) -> Any:
    return zarr.FSStore(f"s3://{_bucket()}/{_unique(folder)}", **_s3_options())


def _s3_by_obstore(folder: str) -> Any:
    return zarr.ObjectStore(f"s3://{_bucket()}/{_unique(folder)}", **_obstore_options())


# -- the list ------------------------------------------------------------------------------


def _memory_objects(folder: str) -> Any:
    import obstore.store

    return zarr.ObjectStore(obstore.store.MemoryStore())


def _dbm_places() -> list[Place]:
    """Return what can open a DBM database here; which libraries Python has differs."""
    found = {"dumb": dbm.dumb.open}
    for name in ("gnu", "ndbm", "sqlite3"):
        with contextlib.suppress(ImportError):
            found[name] = import_module(f"dbm.{name}").open
    with contextlib.suppress(ImportError):
        found["btree"] = import_module("berkeleydb").btopen
    return [
        Place(
            f"dbm {name}",
            lambda f, open=opener: zarr.DBMStore(f"{f}/z.db", open=open),  # type: ignore[misc]
            shared=False,
        )
        for name, opener in found.items()
    ]


def _ocdbt_places() -> list[Place]:
    """Return the database of tensorstore, where that is installed."""
    if find_spec("tensorstore") is None:
        return []
    return [Place("ocdbt", lambda f: zarr.storage.OCDBTStore(f"file://{f}/z.ocdbt"))]


N5 = ("N5",)
_GOES_AWAY: dict[str, Any] = {"lasting": False, "shared": False}
PLACES = {
    place.name: place
    for place in (
        Place("dict", lambda _: {}, **_GOES_AWAY),
        Place("kv", lambda _: zarr.storage.KVStore({}), **_GOES_AWAY),
        Place("memory", lambda _: zarr.MemoryStore(), **_GOES_AWAY),
        Place("directory", lambda f: zarr.DirectoryStore(f"{f}/z")),
        Place("nested", lambda f: zarr.NestedDirectoryStore(f"{f}/z")),
        Place("temp", lambda f: zarr.TempStore(dir=f), **_GOES_AWAY),
        Place("zip", lambda f: zarr.ZipStore(f"{f}/z.zip", mode="a"), shared=False),
        Place("lmdb", lambda f: zarr.LMDBStore(f"{f}/z.mdb")),
        Place("sqlite", lambda f: zarr.SQLiteStore(f"{f}/z.sqlite")),
        Place("sqlite memory", lambda _: zarr.SQLiteStore(":memory:"), **_GOES_AWAY),
        *_dbm_places(),
        *_ocdbt_places(),
        Place("n5", lambda f: zarr.N5Store(f"{f}/z.n5"), formats=N5),
        Place("n5 fsspec", lambda f: zarr.N5FSStore(f"file://{f}/z.n5"), formats=N5),
        Place("fsspec", lambda f: zarr.FSStore(f"file://{f}/z")),
        Place("fsspec memory", lambda f: zarr.FSStore(f"memory://{f}/z"), **_GOES_AWAY),
        Place("object", lambda f: zarr.ObjectStore(f"file://{f}/z")),
        Place("object memory", _memory_objects, **_GOES_AWAY),
        Place("lru", lambda f: zarr.LRUStoreCache(zarr.DirectoryStore(f"{f}/z"), 2**20)),
        Place(
            "chunk store",
            lambda f: zarr.DirectoryStore(f"{f}/z"),
            chunk_store=lambda f: zarr.DirectoryStore(f"{f}/chunks"),
        ),
        Place("redis", _redis, service="redis"),
        Place("mongodb", _mongodb, service="mongodb", slow=True),
        Place("azure", _azure, service="azure", slow=True),
        Place("s3 fsspec", _s3_by_fsspec, service="s3", slow=True),
        Place("s3 object", _s3_by_obstore, service="s3", slow=True),
    )
}
LOCAL = [name for name, place in PLACES.items() if place.service is None]
REMOTE = [name for name, place in PLACES.items() if place.service is not None]


def at_hand() -> list[str]:
    """Return the names of the places whose servers run."""
    return [
        name
        for name, place in PLACES.items()
        if place.service is None or f"ZARR_TEST_{place.service.upper()}" in os.environ
    ]


def chunk_store_of(place: Place, folder: str) -> Any:
    return None if place.chunk_store is None else place.chunk_store(folder)
