"""One place has one address, whatever store and whatever spelling leads there."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import obstore.store
import pytest
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem

import zarr
from zarr.storage import (
    BaseStore,
    ConsolidatedMetadataStore,
    DirectoryStore,
    FSStore,
    LRUStoreCache,
    MemoryStore,
    N5FSStore,
    N5Store,
    NestedDirectoryStore,
    ObjectStore,
)
from zarr.storage.n5 import N5View

S3 = {"key": "k", "secret": "s", "endpoint_url": "http://127.0.0.1:5555"}
OBSTORE_S3 = {
    "endpoint": "http://localhost:5555/",
    "access_key_id": "k",
    "secret_access_key": "s",
    "region": "us-east-1",
    "client_options": {"allow_http": True},
}

LOCAL: dict[str, Callable[[Path], tuple[BaseStore, str]]] = {
    "directory": lambda top: (DirectoryStore(top / "data"), "g/a"),
    "subgroup": lambda top: (DirectoryStore(top / "data/g"), "a"),
    "the array itself": lambda top: (DirectoryStore(top / "data/g/a"), ""),
    "above": lambda top: (DirectoryStore(top), "data/g/a"),
    "slash": lambda top: (DirectoryStore(f"{top}/data/"), "g/a"),
    "dots": lambda top: (DirectoryStore(f"{top}/data/../data/./g"), "a"),
    "relative": lambda _: (DirectoryStore("data/g"), "a"),
    "link to the root": lambda top: (DirectoryStore(top / "link"), "g/a"),
    "link inside": lambda top: (DirectoryStore(top / "data"), "inner/a"),
    "links refused": lambda top: (DirectoryStore(top / "data", follow_symlinks=False), "g/a"),
    "lower case": lambda top: (DirectoryStore(top / "data", normalize_keys=True), "G/A"),
    "nested": lambda top: (NestedDirectoryStore(top / "data"), "g/a"),
    "n5": lambda top: (N5Store(top / "data"), "g/a"),
    "n5, fsspec": lambda top: (N5FSStore(f"file://{top}/data"), "g/a"),
    "n5 over obstore": lambda top: (N5View(ObjectStore(f"file://{top}/data")), "g/a"),
    "file://": lambda top: (FSStore(f"file://{top}/data"), "g/a"),
    "file:// of the array": lambda top: (FSStore(f"file://{top}/link/g/a"), ""),
    "local://": lambda top: (FSStore(f"local://{top}/data/g/"), "a"),
    "fs": lambda _: (FSStore("data", fs=LocalFileSystem()), "g/a"),
    "directory of another": lambda top: (
        FSStore("g", fs=DirFileSystem(f"{top}/data", LocalFileSystem())),
        "a",
    ),
    "simplecache": lambda top: (FSStore(f"simplecache::file://{top}/data"), "g/a"),
    "obstore": lambda top: (ObjectStore(f"file://{top}/data"), "g/a"),
    "obstore of the array": lambda top: (ObjectStore(f"file://{top}/data/g/a/"), ""),
    "obstore's store": lambda top: (ObjectStore(obstore.store.LocalStore(top / "link")), "g/a"),
    "obstore of all": lambda top: (ObjectStore(obstore.store.LocalStore()), f"{top}/data/g/a"[1:]),
    "cache": lambda top: (LRUStoreCache(DirectoryStore(top / "data"), None), "g/a"),
    "consolidated": lambda top: (ConsolidatedMetadataStore(DirectoryStore(top / "data")), "g/a"),
}

REMOTE: dict[str, Callable[[], tuple[BaseStore, str]]] = {
    "s3://": lambda: (FSStore("s3://bucket/p/q", **S3), "a"),
    "s3a://": lambda: (FSStore("s3a://bucket/p", **S3), "q/a"),
    "bucket": lambda: (FSStore("s3://bucket", **S3), "p/q/a"),
    "client options": lambda: (
        FSStore("s3://bucket/p/q/a/", client_kwargs={"endpoint_url": S3["endpoint_url"]}),
        "",
    ),
    "secrets": lambda: (FSStore("s3://bucket/p/q", **{**S3, "key": "other"}), "a"),
    "fs": lambda: (FSStore("bucket/p", fs=FSStore("s3://bucket", **S3).fs), "q/a"),
    "cached": lambda: (FSStore("simplecache::s3://bucket/p", s3=S3), "q/a"),
    "n5": lambda: (N5FSStore("s3://bucket/p", **S3), "q/a"),
    "obstore": lambda: (ObjectStore("s3://bucket/p/q/", **OBSTORE_S3), "a"),
    "obstore, s3a": lambda: (ObjectStore("s3a://bucket", **OBSTORE_S3), "p/q/a"),
    "obstore's store": lambda: (
        ObjectStore(obstore.store.S3Store("bucket", prefix="p", **OBSTORE_S3)),
        "q/a",
    ),
}


@pytest.fixture
def top(in_tmp_path: Path) -> Path:
    g = zarr.open_group(str(in_tmp_path / "data"), mode="w")
    g.zeros("g/a", shape=4)
    zarr.consolidate_metadata(g.store)
    (in_tmp_path / "link").symlink_to("data")
    (in_tmp_path / "data/inner").symlink_to("g")
    return in_tmp_path


@pytest.mark.parametrize("spelling", LOCAL)
def test_one_folder(spelling: str, top: Path) -> None:
    store, path = LOCAL[spelling](top)
    assert store.address(path) == ("file", os.path.realpath(top / "data/g/a").lstrip("/"))
    if not spelling.startswith("lower"):
        _, above = store.address(path)
        assert store.address(f"{path}/0/0".lstrip("/")) == ("file", f"{above}/0/0")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_one_prefix_of_a_bucket() -> None:
    found = {spelling: (made := make())[0].address(made[1]) for spelling, make in REMOTE.items()}
    assert found == dict.fromkeys(found, (("s3", "127.0.0.1:5555"), "bucket/p/q/a"))


def different() -> list[tuple[Any, str]]:
    amazon = {"region": "us-east-1", "skip_signature": True}
    return [
        (FSStore("s3://bucket/p", **S3), "a"),
        (FSStore("s3://bucket/p", **S3), "b"),
        (FSStore("s3://bucket/pa", **S3), ""),
        (FSStore("s3://other/p", **S3), "a"),
        (FSStore("s3://bucket/p", **{**S3, "endpoint_url": "http://127.0.0.1:1"}), "a"),
        (FSStore("s3://bucket/p", anon=True), "a"),
        (ObjectStore("s3://bucket/q", **amazon), "a"),
        (ObjectStore("gs://bucket/p", skip_signature=True), "a"),
        (ObjectStore("az://bucket/p", account_name="one", skip_signature=True), "a"),
        (ObjectStore("az://bucket/p", account_name="two", skip_signature=True), "a"),
        (ObjectStore("https://one.example/p"), "a"),
        (ObjectStore("https://two.example/p"), "a"),
        (FSStore("memory://bucket/p"), "a"),
        (ObjectStore("memory:///"), "a"),
        (DirectoryStore("/bucket/p"), "a"),
        (DirectoryStore("/bucket/p"), "b"),
        (MemoryStore(), "a"),
        (MemoryStore(), "a"),
    ]


def test_different_places() -> None:
    stores = different()  # all alive, because places in memory are told by their identity
    addresses = [store.address(path) for store, path in stores]
    for one, other in itertools.combinations(range(len(addresses)), 2):
        assert addresses[one] != addresses[other]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda: FSStore("memory://m/p"), lambda: FSStore("memory://m/p/")),
        (lambda: FSStore("https://x.example/p"), lambda: ObjectStore("https://x.example:443/p/")),
        (
            lambda: FSStore("s3://bucket/p", anon=True),
            lambda: ObjectStore("s3://bucket/p", region="eu-west-1", skip_signature=True),
        ),
    ],
)
def test_two_spellings(one: Callable[[], BaseStore], other: Callable[[], BaseStore]) -> None:
    assert one().address("a/b") == other().address("a/b")
    assert one().address() == other().address()


def test_equal_stores_have_equal_addresses(top: Path) -> None:
    stores = [make(top)[0] for make in LOCAL.values()]
    for one, other in itertools.product(stores, repeat=2):
        if one == other:
            assert one.address() == other.address()
            assert hash(one) == hash(other)
        elif type(one) is type(other) and not isinstance(one, (N5View, ConsolidatedMetadataStore)):
            assert one.address() != other.address()


def test_a_relative_path_is_resolved_once(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = DirectoryStore("data")
    before = store.address(), store.location
    monkeypatch.chdir(top / "data")
    assert (store.address(), store.location) == before
