"""Reach one array in two ways at once, and count what is lost.

    python -m tests.safety.two_ways                      # all pairs of all kinds, and a table
    python -m tests.safety.two_ways --kinds directory    # of one kind
    python -m tests.safety.two_ways --only writes        # one of the checks

A *kind* is a place on one back end that holds an array at ``g/a``; a *way* is one spelling of
it. Kinds whose servers do not run are left out.
"""

from __future__ import annotations

import argparse
import faulthandler
import itertools
import os
import subprocess
import sys
import tempfile
import threading
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

import numpy as np

import zarr
from tests.safety import places
from zarr.n5 import N5FSStore, N5Store, N5View
from zarr.storage import OCDBTStore

CHUNK = 400
CACHE = 1 << 20
_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@dataclass(frozen=True)
class Way:
    """One way to an array: a store, and a path in it; through a group, if `member`."""

    store: Callable[[], Any]
    path: str = "g/a"
    member: bool = False
    chunk_store: Callable[[], Any] | None = None

    def open(self, synchronizer: Any = None, name: str = "a", cache: int = 0) -> Any:
        """Open the array `name`, beside which others are, in the mode 'r+'."""
        chunk_store = self.chunk_store() if self.chunk_store else None
        options = {"mode": "r+", "synchronizer": synchronizer, "chunk_store": chunk_store}
        with zarr.config.set(cache_bytes=cache):
            if self.member:
                group, _, path = f"/{self.path_of(name)}".rpartition("/")
                return zarr.open_group(self.store(), path=group, **options)[path]
            return zarr.open_array(self.store(), path=self.path_of(name), **options)

    def path_of(self, name: str) -> str:
        if not self.path.endswith("a"):
            raise LookupError(f"only one array can be reached: {self}")
        return self.path[:-1] + name

    @property
    def sees_group(self) -> bool:
        return bool(self.path)

    def open_attributes(self, synchronizer: Any) -> Any:
        """Return the attributes of the array `a`."""
        return (self.open if self.path else self.open_root)(synchronizer).attrs

    def open_root(self, synchronizer: Any = None, cache: int = 0) -> Any:
        """Open the array that is the root of the store."""
        chunk_store = self.chunk_store() if self.chunk_store else None
        with zarr.config.set(cache_bytes=cache):
            return zarr.open_array(
                self.store(), mode="r+", synchronizer=synchronizer, chunk_store=chunk_store
            )

    def open_a(self, synchronizer: Any = None, cache: int = 0) -> Any:
        """Open the array `a`."""
        if self.path:
            return self.open(synchronizer, cache=cache)
        return self.open_root(synchronizer, cache)

    def look(self) -> Any:
        """Open the array `a` to see what is stored, and not what an `LRUStoreCache` has kept."""
        store = self.store()
        if isinstance(store, zarr.LRUStoreCache):
            store.invalidate()
        return self.open_a()


@dataclass(frozen=True)
class Kind:
    """A place, and the ways to the array in it."""

    ways: Callable[[str], dict[str, Way]]
    service: str | None = None
    n5: bool = False
    # Whether several processes can have it open.
    processes: bool = True


# -- the kinds -----------------------------------------------------------------------------


def shared(make: Callable[[], Any]) -> Callable[[], Any]:
    """Return a function that always returns the same store."""
    made: list[Any] = []

    def store() -> Any:
        if not made:
            made.append(make())
        return made[0]

    return store


def linked(target: str, link: str) -> str:
    if not os.path.lexists(link):
        os.symlink(target, link)
    return link


def directory(folder: str) -> dict[str, Way]:
    root = f"{folder}/root"
    os.makedirs(f"{root}/g", exist_ok=True)
    link, inside = linked(root, f"{folder}/link"), linked(f"{root}/g", f"{root}/inside")
    absolute = linked(f"{root}/g/a", f"{folder}/link-to-a")
    assert inside
    return {
        "path": Way(lambda: root),
        "path of the array": Way(lambda: f"{root}/g/a", ""),
        "path of the group": Way(lambda: f"{root}/g", "a"),
        "member of a group": Way(lambda: root, member=True),
        "member of the group": Way(lambda: f"{root}/g", "a", member=True),
        "relative path": Way(lambda: os.path.relpath(root)),
        "slashes": Way(lambda: f"{folder}//root/./g/", "a"),
        "link to the root": Way(lambda: link),
        "link inside": Way(lambda: root, "inside/a"),
        "link to the array": Way(lambda: absolute, ""),
        "file URL": Way(lambda: f"file://{root}"),
        "file URL of the array": Way(lambda: f"file://{root}/g/a", ""),
        "DirectoryStore": Way(lambda: zarr.DirectoryStore(root)),
        "DirectoryStore of the group": Way(lambda: zarr.DirectoryStore(f"{root}/g"), "a"),
        "NestedDirectoryStore": Way(lambda: zarr.NestedDirectoryStore(root)),
        "FSStore": Way(lambda: zarr.FSStore(root)),
        "FSStore of the group": Way(lambda: zarr.FSStore(f"{root}/g"), "a"),
        "FSStore of a link": Way(lambda: zarr.FSStore(link)),
        "ObjectStore": Way(lambda: zarr.ObjectStore(f"file://{root}")),
        "ObjectStore of the group": Way(lambda: zarr.ObjectStore(f"file://{root}/g"), "a"),
        "ObjectStore of a link": Way(lambda: zarr.ObjectStore(f"file://{link}")),
        "LRU": Way(shared(lambda: zarr.LRUStoreCache(zarr.DirectoryStore(root), CACHE))),
        "LRU of the group": Way(
            shared(lambda: zarr.LRUStoreCache(zarr.DirectoryStore(f"{root}/g"), CACHE)), "a"
        ),
        "chunk store": Way(
            lambda: zarr.FSStore(root), chunk_store=lambda: zarr.DirectoryStore(root)
        ),
    }


def n5(folder: str) -> dict[str, Way]:
    root = f"{folder}/root.n5"
    os.makedirs(f"{root}/g", exist_ok=True)
    link = linked(root, f"{folder}/link.n5")
    return {
        "path": Way(lambda: root),
        "member of a group": Way(lambda: root, member=True),
        "N5Store": Way(lambda: N5Store(root)),
        "N5Store of the group": Way(lambda: N5Store(f"{root}/g"), "a"),
        "N5Store of the array": Way(lambda: N5Store(f"{root}/g/a"), ""),
        "link": Way(lambda: link),
        "N5FSStore": Way(lambda: N5FSStore(root)),
        "N5FSStore of the group": Way(lambda: N5FSStore(f"file://{root}/g"), "a"),
        "file URL": Way(lambda: f"file://{root}"),
        "view": Way(lambda: N5View(zarr.DirectoryStore(root))),
        "view of an ObjectStore": Way(lambda: N5View(zarr.ObjectStore(f"file://{root}"))),
    }


def sqlite(folder: str) -> dict[str, Way]:
    path = f"{folder}/z.sqlite"
    zarr.SQLiteStore(path).close()
    link = linked(path, f"{folder}/link.sqlite")
    return {
        "path": Way(lambda: zarr.SQLiteStore(path)),
        "member of a group": Way(lambda: zarr.SQLiteStore(path), member=True),
        "relative path": Way(lambda: zarr.SQLiteStore(os.path.relpath(path))),
        "link": Way(lambda: zarr.SQLiteStore(link)),
        "URI": Way(lambda: zarr.SQLiteStore(f"file:{path}", uri=True)),
        "URI with a mode": Way(lambda: zarr.SQLiteStore(f"file:{path}?mode=rwc", uri=True)),
        "URI with a host": Way(lambda: zarr.SQLiteStore(f"file://{path}", uri=True)),
        "relative URI": Way(lambda: zarr.SQLiteStore(f"file:{os.path.relpath(path)}", uri=True)),
        "LRU": Way(shared(lambda: zarr.LRUStoreCache(zarr.SQLiteStore(path), CACHE))),
    }


def lmdb(folder: str) -> dict[str, Way]:
    path = f"{folder}/z.mdb"
    zarr.LMDBStore(path).close()
    link = linked(path, f"{folder}/link.mdb")
    return {
        "path": Way(lambda: zarr.LMDBStore(path)),
        "member of a group": Way(lambda: zarr.LMDBStore(path), member=True),
        "relative path": Way(lambda: zarr.LMDBStore(os.path.relpath(path))),
        "link": Way(lambda: zarr.LMDBStore(link)),
        "no buffers": Way(lambda: zarr.LMDBStore(path, buffers=False)),
        "LRU": Way(shared(lambda: zarr.LRUStoreCache(zarr.LMDBStore(path), CACHE))),
    }


def ocdbt(folder: str) -> dict[str, Way]:
    path = f"{folder}/z.ocdbt"
    OCDBTStore(path)["x"] = b""
    link = linked(path, f"{folder}/link.ocdbt")
    return {
        "path": Way(lambda: OCDBTStore(path)),
        "member of a group": Way(lambda: OCDBTStore(path), member=True),
        "relative path": Way(lambda: OCDBTStore(os.path.relpath(path))),
        "link": Way(lambda: OCDBTStore(link)),
        "URL": Way(lambda: OCDBTStore(f"file://{path}")),
        "URL of tensorstore": Way(lambda: OCDBTStore(f"file://{path}/|ocdbt:")),
        "specification": Way(lambda: OCDBTStore({"driver": "file", "path": f"{path}/"})),
        "LRU": Way(shared(lambda: zarr.LRUStoreCache(OCDBTStore(path), CACHE))),
    }


def archive(folder: str) -> dict[str, Way]:
    # One object, since two cannot have an archive open for writing.
    store = shared(lambda: zarr.ZipStore(f"{folder}/z.zip", mode="a"))
    return {
        "store": Way(store),
        "member of a group": Way(store, member=True),
        "LRU": Way(shared(lambda: zarr.LRUStoreCache(store(), CACHE))),
        "chunk store": Way(store, chunk_store=store),
    }


def database(folder: str) -> dict[str, Way]:
    path = f"{folder}/z.db"
    zarr.DBMStore(path).close()
    return {
        "path": Way(lambda: zarr.DBMStore(path)),
        "member of a group": Way(lambda: zarr.DBMStore(path), member=True),
        "relative path": Way(lambda: zarr.DBMStore(os.path.relpath(path))),
        "link to the folder": Way(
            lambda: zarr.DBMStore(linked(folder, f"{folder}/link") + "/z.db")
        ),
        "LRU": Way(shared(lambda: zarr.LRUStoreCache(zarr.DBMStore(path), CACHE))),
    }


def memory(folder: str) -> dict[str, Way]:
    store = zarr.MemoryStore()
    store.root["g"] = {}
    return {
        "store": Way(lambda: store),
        "member of a group": Way(lambda: store, member=True),
        "its root": Way(lambda: zarr.MemoryStore(root=store.root)),
        "a folder of it": Way(lambda: zarr.MemoryStore(root=store.root["g"]), "a"),
        "the array's folder": Way(lambda: zarr.MemoryStore(root=store.root["g"]["a"]), ""),
        "LRU": Way(shared(lambda: zarr.LRUStoreCache(store, CACHE))),
        "chunk store": Way(lambda: store, chunk_store=lambda: zarr.MemoryStore(root=store.root)),
    }


def mapping(folder: str) -> dict[str, Way]:
    items: dict[str, Any] = {}
    return {
        "dict": Way(lambda: items),
        "KVStore": Way(lambda: zarr.storage.KVStore(items)),
        "member of a group": Way(lambda: items, member=True),
        "KVStore of a KVStore": Way(lambda: zarr.storage.KVStore(zarr.storage.KVStore(items))),
        "LRU": Way(shared(lambda: zarr.LRUStoreCache(zarr.storage.KVStore(items), CACHE))),
        "chunk store": Way(lambda: items, chunk_store=lambda: zarr.storage.KVStore(items)),
    }


def chunks_elsewhere(folder: str) -> dict[str, Way]:
    def way(documents: Callable[[], Any], chunks: Callable[[], Any], **more: Any) -> Way:
        return Way(documents, chunk_store=chunks, **more)

    here, there = f"{folder}/documents", f"{folder}/chunks"
    return {
        "paths": way(lambda: here, lambda: there),
        "member of a group": way(lambda: here, lambda: there, member=True),
        "groups": way(lambda: f"{here}/g", lambda: f"{there}/g", path="a"),
        "FSStore": way(lambda: zarr.FSStore(here), lambda: zarr.FSStore(there)),
        "ObjectStore": way(lambda: here, lambda: zarr.ObjectStore(f"file://{there}")),
    }


def fsspec_memory(folder: str) -> dict[str, Way]:
    import fsspec

    root = f"memory://{folder}/root"
    files = fsspec.filesystem("memory")
    return {
        "URL": Way(lambda: root),
        "member of a group": Way(lambda: root, member=True),
        "URL of the group": Way(lambda: f"{root}/g", "a"),
        "URL of the array": Way(lambda: f"{root}/g/a", ""),
        "FSStore": Way(lambda: zarr.FSStore(root)),
        "file system": Way(lambda: zarr.FSStore(f"{folder}/root", fs=files)),
        "mapper": Way(lambda: fsspec.get_mapper(root)),
    }


def object_memory(folder: str) -> dict[str, Way]:
    import obstore.store

    store = obstore.store.MemoryStore()
    return {
        "ObjectStore": Way(lambda: zarr.ObjectStore(store)),
        "member of a group": Way(lambda: zarr.ObjectStore(store), member=True),
        "read-only mode apart": Way(lambda: zarr.ObjectStore(store, mode="r+")),
        "LRU": Way(shared(lambda: zarr.LRUStoreCache(zarr.ObjectStore(store), CACHE))),
    }


def redis(folder: str) -> dict[str, Way]:
    return {
        "127.0.0.1": Way(partial(places._redis, folder)),
        "localhost": Way(partial(places._redis, folder, host="localhost")),
        "member of a group": Way(partial(places._redis, folder), member=True),
        "db": Way(
            lambda: zarr.RedisStore(
                places._unique(folder),
                host="127.0.0.1",
                db=0,
                port=urlsplit(places._address("redis")).port,
            )
        ),
        "LRU": Way(shared(lambda: zarr.LRUStoreCache(places._redis(folder), CACHE))),
    }


def mongodb(folder: str) -> dict[str, Way]:
    def store(host: str) -> Any:
        return zarr.MongoDBStore(collection=places._unique(folder), host=host)

    address = places._address("mongodb")
    return {
        "127.0.0.1": Way(lambda: store(address)),
        "localhost": Way(lambda: store(address.replace("127.0.0.1", "localhost"))),
        "slash": Way(lambda: store(f"{address}/")),
        "member of a group": Way(lambda: store(address), member=True),
        "host and port": Way(
            lambda: zarr.MongoDBStore(
                collection=places._unique(folder), host="127.0.0.1", port=urlsplit(address).port
            )
        ),
        "LRU": Way(shared(lambda: zarr.LRUStoreCache(store(address), CACHE))),
    }


def azure(folder: str) -> dict[str, Way]:
    store = places._azure(folder)

    def below(path: str) -> Any:
        return zarr.ABSStore(client=store.client, prefix=f"{store.prefix}/{path}")

    return {
        "client": Way(lambda: store),
        "another client": Way(partial(places._azure, folder)),
        "member of a group": Way(lambda: store, member=True),
        "prefix of the group": Way(lambda: below("g"), "a"),
        "prefix of the array": Way(lambda: below("g/a"), ""),
        "LRU": Way(shared(lambda: zarr.LRUStoreCache(store, CACHE))),
    }


def s3(folder: str) -> dict[str, Way]:
    url = f"s3://{places._bucket()}/{places._unique(folder)}"

    def by_fsspec(path: str = "") -> Any:
        return zarr.FSStore(url + path, **places._s3_options())

    def by_obstore(path: str = "") -> Any:
        return zarr.ObjectStore(url + path, **places._obstore_options())

    return {
        "FSStore": Way(by_fsspec),
        "ObjectStore": Way(by_obstore),
        "member of a group": Way(by_fsspec, member=True),
        "FSStore of the group": Way(lambda: by_fsspec("/g"), "a"),
        "FSStore of the array": Way(lambda: by_fsspec("/g/a"), ""),
        "ObjectStore of the group": Way(lambda: by_obstore("/g"), "a"),
        "ObjectStore with a slash": Way(lambda: by_obstore("/")),
        "LRU": Way(shared(lambda: zarr.LRUStoreCache(by_obstore(), CACHE))),
    }


KINDS = {
    "directory": Kind(directory),
    "n5": Kind(n5, n5=True),
    "sqlite": Kind(sqlite),
    "lmdb": Kind(lmdb),
    **({"ocdbt": Kind(ocdbt)} if find_spec("tensorstore") else {}),
    "zip": Kind(archive, processes=False),
    "dbm": Kind(database, processes=False),
    "memory": Kind(memory, processes=False),
    "mapping": Kind(mapping, processes=False),
    "chunk store": Kind(chunks_elsewhere),
    "fsspec memory": Kind(fsspec_memory, processes=False),
    "object memory": Kind(object_memory, processes=False),
    "redis": Kind(redis, "redis"),
    "mongodb": Kind(mongodb, "mongodb"),
    "azure": Kind(azure, "azure"),
    "s3": Kind(s3, "s3"),
}
LOCAL = [name for name, kind in KINDS.items() if kind.service is None]
REMOTE = [name for name, kind in KINDS.items() if kind.service is not None]


def prepare(kind: Kind, folder: str, format: int = 2) -> dict[str, Way]:
    """Create the array by the first way, and return all ways."""
    ways = kind.ways(folder)
    first = next(iter(ways.values()))
    create(first, "a", n5=kind.n5, format=format)
    return ways


def create(way: Way, name: str, n5: bool, format: int = 2) -> Any:
    options: dict[str, Any] = {} if n5 else {"zarr_format": format, "fill_value": -1}
    if format == 2 and not n5:
        options["dimension_separator"] = "/"  # which every store of files understands
    path = way.path_of(name) if way.path else None
    chunk_store = way.chunk_store() if way.chunk_store else None
    return zarr.open_array(
        way.store(), mode="w", path=path, shape=CHUNK, chunks=CHUNK, dtype="i4",
        chunk_store=chunk_store, **options,
    )  # fmt: skip


def version_of(z: Any) -> int:
    return 3 if z.attrs.key.endswith("zarr.json") else 2


# -- what is done by two ways at once, each returning how much is lost ---------------------


def at_once(*tasks: Callable[[], Any]) -> None:
    """Run tasks in threads that start together; raise what the first that fails raises."""
    start, errors = threading.Barrier(len(tasks)), []

    def run(task: Callable[[], Any]) -> None:
        start.wait()
        try:
            task()
        except BaseException as error:  # noqa: BLE001  raised below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def write_elements(z: Any, number: int, count: int) -> None:
    for n in range(count):
        z[number + 2 * n] = n + 1


def lost_writes(one: Way, two: Way, count: int) -> int:
    """Write elements of one chunk by two ways; return how many are lost."""
    handles = one.open_a(), two.open_a()
    handles[0][...] = 0
    at_once(*[partial(write_elements, z, n, count) for n, z in enumerate(handles)])
    return sum(
        2 * count - int((way.look()[: 2 * count] == np.arange(2 * count) // 2 + 1).sum())
        for way in (one, two)
    )


def change_attributes(attrs: Any, number: int, count: int) -> None:
    for n in range(count):
        attrs[f"{number}-{n}"] = n


def lost_attributes(one: Way, two: Way, count: int) -> int:
    handles = one.open_a().attrs, two.open_a().attrs
    handles[0].put({})
    at_once(*[partial(change_attributes, attrs, n, count) for n, attrs in enumerate(handles)])
    return sum(2 * count - len(way.look().attrs) for way in (one, two))


def append_rows(z: Any, number: int, count: int) -> None:
    for _ in range(count):
        z.append(np.full(3, number + 1, "i4"))


def lost_appends(one: Way, two: Way, count: int) -> int:
    handles = one.open_a(), two.open_a()
    handles[0].resize(0)
    at_once(*[partial(append_rows, z, n, count) for n, z in enumerate(handles)])
    lost = 0
    for way in (one, two):
        values = way.look()[:]
        lost += sum(abs(3 * count - int((values == n).sum())) for n in (1, 2))
    one.open_a().resize(CHUNK)
    return lost


def lost_rows(one: Way, two: Way, count: int) -> int:
    """Append by one way while the rows before are written whole by the other."""
    z, writer = one.open_a(), two.open_a()
    z.resize(5)
    writer = two.open_a()

    def write() -> None:
        for _ in range(count):
            writer[:5] = 7

    at_once(partial(append_rows, z, 7, count), write)
    lost = 3 * count - int((two.look()[5:] == 8).sum())
    one.open_a().resize(CHUNK)
    return lost


def stale_reads(one: Way, two: Way, count: int) -> int:
    """Read by a handle with a cache what is written by another; return how often it is old."""
    old = 0
    a, b = one.open_a(cache=CACHE), two.open_a(cache=CACHE)
    for n in range(count):
        a[...]
        b[n] = n + 100
        old += int(a[n]) != n + 100
        b[...]
        a[n] = n + 200
        old += int(b[n]) != n + 200
        b[...] = n + 300
        old += not (a[...] == n + 300).all()
    old += stale_after_overwriting(one, two) + stale_after_moving(one, two)
    return old


def stale_after_overwriting(one: Way, two: Way) -> int:
    a = one.open_a(cache=CACHE)
    if not one.path and two.path and isinstance(a.store, zarr.MemoryStore):
        return 0  # a dict that is an array has no name, and is not found anew
    a[...] = 5
    a[...]
    n5 = "N5" in type(a.store).__name__
    new = create(two, "a", n5=n5, format=version_of(a))
    old = not (a[...] == new.fill_value).all()
    new[3] = 9
    return int(old) + (int(a[3]) != 9)


def stale_after_moving(one: Way, two: Way) -> int:
    if not two.path or two.chunk_store or isinstance(two.store(), dict):
        return 0
    a = one.open_a(cache=CACHE)
    a[...] = 5
    a[...]
    n5 = "N5" in type(a.store).__name__
    create(two, "b", n5=n5, format=version_of(a))[...] = 6
    group, _, _ = two.path.rpartition("/")
    options = {"path": group, "mode": "r+"}
    g = zarr.open_group(two.store(), **options)
    if "old" in g:
        del g["old"]
    g.move("a", "old")
    g.move("b", "a")
    return int(not (a[...] == 6).all())


CHECKS: dict[str, Callable[[Way, Way, int], int]] = {
    "writes": lost_writes,
    "attributes": lost_attributes,
    "appends": lost_appends,
    "rows": lost_rows,
    "stale": stale_reads,
}

# -- processes -----------------------------------------------------------------------------

WORK = {"writes": write_elements, "appends": append_rows}


def run_child(kind: str, folder: str, way: str, check: str, number: int, count: int) -> None:
    """Do what one of two processes does, with a synchronizer."""
    synchronizer = zarr.ProcessSynchronizer(f"{folder}/locks")
    z = KINDS[kind].ways(folder)[way].open_a(synchronizer)
    print("ready", flush=True)
    sys.stdin.readline()
    if check == "attributes":
        change_attributes(z.attrs, number, count)
    elif check == "rows" and number:
        for _ in range(count):
            z[:5] = 7
    else:
        {"writes": write_elements}.get(check, append_rows)(z, number, count)


def lost_between_processes(
    kind: str, folder: str, ways: dict[str, Way], pair: tuple[str, str], check: str, count: int
) -> int:
    """Do the same in two processes that share a `ProcessSynchronizer`."""
    z = ways[pair[0]].open_a()
    z.attrs.put({})
    z.resize({"writes": CHUNK, "appends": 0, "rows": 5}.get(check, CHUNK))
    z[...] = 0
    processes = [
        subprocess.Popen(
            [
                sys.executable, "-m", "tests.safety.two_ways", "--child", kind, folder, way, check,
                str(number), str(count),
            ],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT,
        )
        for number, way in enumerate(pair)
    ]  # fmt: skip
    try:
        for process in processes:
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            process.stdin.write("\n")
            process.stdin.flush()
        for process in processes:
            process.communicate(timeout=120)
            assert process.returncode == 0
    finally:
        for process in processes:
            process.kill()
            process.wait()
    z = ways[pair[0]].look()
    if check == "attributes":
        return 2 * count - len(z.attrs)
    if check == "writes":
        return 2 * count - int((z[: 2 * count] == np.arange(2 * count) // 2 + 1).sum())
    wanted = {"appends": (1, 2), "rows": (1,)}[check]
    lost = sum(abs(3 * count - int((z[:] == n).sum())) for n in wanted)
    z.resize(CHUNK)
    return lost


# -- all pairs -----------------------------------------------------------------------------


def lost_by(
    kind: str, pairs: list[tuple[str, str]], checks: list[str], count: int, folder: str,
    format: int = 2,
) -> dict[tuple[str, str, str], Any]:  # fmt: skip
    """Return what is lost, or what is raised, for each pair and check where any is."""
    warnings.filterwarnings("ignore", "Duplicate name")
    ways, found = prepare(KINDS[kind], folder, format), {}
    for pair, check in itertools.product(pairs, checks):
        if check == "stale" and any("LRU" in way for way in pair) and pair[0] != pair[1]:
            continue  # the store keeps values, and what passes it by it does not notice
        try:
            lost: Any = CHECKS[check](ways[pair[0]], ways[pair[1]], count)
        except Exception as error:  # noqa: BLE001  any is a finding
            lost = f"{type(error).__name__}: {error}"
            create(next(iter(ways.values())), "a", KINDS[kind].n5, format)
        if lost:
            found[*pair, check] = lost
    return found


def all_pairs(kind: str) -> list[tuple[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        names = list(KINDS[kind].ways(folder))
    return list(itertools.combinations_with_replacement(names, 2))


def few_pairs(kind: str) -> list[tuple[str, str]]:
    """Return pairs in which each way is first once and second once."""
    with tempfile.TemporaryDirectory() as folder:
        names = list(KINDS[kind].ways(folder))
    return [(names[0], name) for name in names] + list(itertools.pairwise(names[1:]))


def main() -> int:
    if sys.argv[1:2] == ["--child"]:
        kind, folder, way, check, number, count = sys.argv[2:]
        run_child(kind, folder, way, check, int(number), int(count))
        return 0
    parser = argparse.ArgumentParser(description=__doc__)
    running = [
        name
        for name, kind in KINDS.items()
        if kind.service is None or f"ZARR_TEST_{kind.service.upper()}" in os.environ
    ]
    parser.add_argument("--kinds", nargs="+", default=running, choices=list(KINDS))
    parser.add_argument("--only", nargs="+", default=list(CHECKS), choices=list(CHECKS))
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--no-processes", action="store_true")
    arguments = parser.parse_args()
    sys.setswitchinterval(1e-5)
    print(f"{'kind':14} {'pairs':>5}  what is lost of {2 * arguments.count} for each pair")
    bad = False
    for kind in arguments.kinds:
        pairs, totals, told = all_pairs(kind), Counter[str](), []
        for format in (2,) if KINDS[kind].n5 else (2, 3):
            with tempfile.TemporaryDirectory() as folder:
                faulthandler.dump_traceback_later(60 * len(pairs), exit=True)
                found = lost_by(kind, pairs, arguments.only, arguments.count, folder, format)
            for (one, two, check), lost in found.items():
                totals[check] += 1
                told.append(f"   {one} and {two}, version {format}, {check}: {lost}")
        if KINDS[kind].processes and not arguments.no_processes:
            with tempfile.TemporaryDirectory() as folder:
                ways = prepare(KINDS[kind], folder)
                for pair, check in itertools.product(pairs, arguments.only):
                    if check == "stale" or ways[pair[0]].path != ways[pair[1]].path:
                        continue
                    lost = lost_between_processes(kind, folder, ways, pair, check, 50)
                    if lost:
                        totals["processes"] += 1
                        told.append(f"   {pair[0]} and {pair[1]}, processes, {check}: {lost}")
        print(f"{kind:14} {len(pairs):5}  pairs that lose: {dict(totals) or 'none'}", flush=True)
        print(*told, sep="\n", flush=True)
        bad = bad or bool(told)
    faulthandler.cancel_dump_traceback_later()
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
