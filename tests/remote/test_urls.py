"""URLs given to `zarr.open` and others, and the examples of chapter 2.11 of the manual."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
import s3fs
from azure.storage.blob import ContainerClient
from fsspec.implementations.zip import ZipFileSystem
from fsspec.mapping import FSMap

import zarr
from zarr.storage import FSStore

pytestmark = pytest.mark.remote

HELLO = b"Hello from the cloud!"


@pytest.fixture
def s3(s3_options: dict[str, Any]) -> s3fs.S3FileSystem:
    return s3fs.S3FileSystem(**s3_options)


@pytest.fixture
def hello(bucket: str, s3: s3fs.S3FileSystem) -> str:
    """Return a place in S3 that holds what the manual's example reads."""
    place = f"{bucket}/store"
    group = zarr.group(FSStore(place, fs=s3))
    text = np.array([HELLO[n : n + 1] for n in range(len(HELLO))], "S1")
    group.array("foo/bar/baz", text, chunks=7)
    return place


class TestManual:
    """Chapter 2.11, with the servers of the tests in place of the cloud's."""

    def test_s3_map(self, s3: s3fs.S3FileSystem, hello: str) -> None:
        store = s3fs.S3Map(root=hello, s3=s3, check=False)
        root = zarr.group(store=store)
        z = root["foo/bar/baz"]
        assert repr(z) == "<zarr.core.Array '/foo/bar/baz' (21,) |S1>"
        info = str(z.info)
        for line in (
            "Name               : /foo/bar/baz",
            "Type               : zarr.core.Array",
            "Data type          : |S1",
            "Shape              : (21,)",
            "Chunk shape        : (7,)",
            "Order              : C",
            "Read-only          : False",
            "No. bytes          : 21",
            "Chunks initialized : 3/3",
        ):
            assert line in info
        assert z[:].tobytes() == HELLO

    def test_azure(self, container: ContainerClient) -> None:
        store = zarr.ABSStore(client=container, prefix="zarr-testing")
        root = zarr.group(store=store, overwrite=True)
        z = root.zeros("foo/bar", shape=(1000, 1000), chunks=(100, 100), dtype="i4")
        z[:] = 42
        np.testing.assert_array_equal(z[:], np.full((1000, 1000), 42, "i4"))
        assert len(list(container.list_blobs("zarr-testing/foo/bar/"))) == 101

    def test_lru_cache(self, s3: s3fs.S3FileSystem, hello: str) -> None:
        store = s3fs.S3Map(root=hello, s3=s3, check=False)
        cache = zarr.LRUStoreCache(store, max_size=2**28)
        root = zarr.group(store=cache)
        z = root["foo/bar/baz"]
        assert z[:].tobytes() == HELLO
        assert z[:].tobytes() == HELLO
        assert cache.hits >= 3

    def test_url(self, s3_options: dict[str, Any], hello: str) -> None:
        g = zarr.open_group(f"s3://{hello}", storage_options=s3_options)
        assert g["foo/bar/baz"][:].tobytes() == HELLO

    def test_chained_url(self, s3_options: dict[str, Any], hello: str) -> None:
        g = zarr.open_group(f"simplecache::s3://{hello}", storage_options={"s3": s3_options})
        assert g["foo/bar/baz"][:].tobytes() == HELLO
        assert g["foo/bar/baz"][:].tobytes() == HELLO

    def test_file_system(self, s3: s3fs.S3FileSystem, hello: str) -> None:
        store = zarr.storage.FSStore(f"/{hello}", fs=s3)
        g = zarr.open_group(store)
        assert g["foo/bar/baz"][:].tobytes() == HELLO

    @pytest.fixture
    def s3_zip(self, tmp_path: Path, s3: s3fs.S3FileSystem, bucket: str) -> str:
        group = zarr.open_group(str(tmp_path / "my.zarr"), mode="w")
        group["x"] = np.arange(10)
        with zipfile.ZipFile(tmp_path / "my.zarr.zip", "w") as archive:
            for file in sorted((tmp_path / "my.zarr").rglob("*")):
                archive.write(file, file.relative_to(tmp_path / "my.zarr"))
        s3.put_file(str(tmp_path / "my.zarr.zip"), f"{bucket}/my.zarr.zip")
        return f"s3://{bucket}/my.zarr.zip"

    def test_zip_on_s3(self, s3: s3fs.S3FileSystem, s3_zip: str) -> None:
        f = s3.open(s3_zip)
        fs = ZipFileSystem(f, mode="r")
        store = FSMap("", fs, check=False)
        cache = zarr.storage.LRUStoreCache(store, max_size=2**28)
        z = zarr.group(store=cache)
        np.testing.assert_array_equal(z["x"][:], np.arange(10))
        f.close()

    def test_chained_zip_on_s3(self, s3_zip: str, s3_options: dict[str, Any]) -> None:
        store = zarr.storage.FSStore(url=f"zip::{s3_zip}", mode="r", s3=s3_options)
        z = zarr.open_group(store, mode="r")
        np.testing.assert_array_equal(z["x"][:], np.arange(10))
        assert store.listdir() == [".zgroup", "x"]

    def test_consolidated(self, s3: s3fs.S3FileSystem, hello: str) -> None:
        store = s3fs.S3Map(root=hello, s3=s3, check=False)
        zarr.consolidate_metadata(store)
        root = zarr.open_consolidated(store)
        assert root["foo/bar/baz"][:].tobytes() == HELLO


class TestURLs:
    @pytest.fixture(params=["s3", "memory", "file", "simplecache::file", "dir::file"])
    def place(
        self,
        request: pytest.FixtureRequest,
        unique: Callable[[str], str],
        tmp_path: Path,
    ) -> tuple[str, dict[str, Any]]:
        """Return a URL and its options."""
        if request.param == "s3":
            bucket = request.getfixturevalue("bucket")
            return f"s3://{bucket}/data", request.getfixturevalue("s3_options")
        if request.param == "memory":
            return f"memory://{unique('urls')}", {}
        if request.param == "dir::file":
            return f"dir::file://{tmp_path}/data", {}
        return f"{request.param}://{tmp_path}/data", {}

    def test_arrays(self, place: tuple[str, dict[str, Any]]) -> None:
        url, options = place
        z = zarr.open(url, mode="w", shape=100, chunks=10, dtype="i4", storage_options=options)
        assert isinstance(z.store, FSStore)
        z[:] = np.arange(100)
        again = zarr.open_array(url, mode="r", storage_options=options)
        np.testing.assert_array_equal(again[:], np.arange(100))
        np.testing.assert_array_equal(again[35:67], np.arange(35, 67))

    def test_groups(self, place: tuple[str, dict[str, Any]]) -> None:
        url, options = place
        with zarr.open_group(url, mode="w", storage_options=options) as group:
            group["a/b"] = np.arange(10)
            group.attrs["x"] = 1
        group = zarr.open_group(url, mode="a", storage_options=options)
        assert sorted(group) == ["a"]
        assert group.attrs["x"] == 1
        np.testing.assert_array_equal(group["a/b"], np.arange(10))
        group.move("a/b", "c")
        assert sorted(group) == ["a", "c"]
        del group["c"]
        assert sorted(group) == ["a"]

    def test_final_format(self, place: tuple[str, dict[str, Any]]) -> None:
        url, options = place
        z = zarr.open(
            url, mode="w", shape=(20, 20), chunks=(5, 5), zarr_format=3, storage_options=options
        )
        z[3:9] = 7
        again = zarr.open(url, mode="r", storage_options=options)
        expected = np.zeros((20, 20))
        expected[3:9] = 7
        np.testing.assert_array_equal(again[:], expected)

    def test_absent(self, place: tuple[str, dict[str, Any]]) -> None:
        url, options = place
        with pytest.raises((ValueError, KeyError)):
            zarr.open(f"{url}/absent", mode="r", storage_options=options)

    def test_fsmap(self, place: tuple[str, dict[str, Any]]) -> None:
        url, options = place
        z = zarr.open(fsspec.get_mapper(url, **options), mode="w", shape=10, dtype="i4")
        z[:] = 3
        assert isinstance(z.store, FSStore)
        np.testing.assert_array_equal(zarr.open(url, mode="r", storage_options=options)[:], 3)

    def test_read_only(self, place: tuple[str, dict[str, Any]]) -> None:
        url, options = place
        zarr.open(url, mode="w", shape=10, dtype="i4", storage_options=options)
        z = zarr.open(url, mode="r", storage_options=options)
        with pytest.raises(PermissionError):
            z[0] = 1


def test_save_and_load() -> None:
    zarr.save("memory://saved/array", np.arange(10))
    np.testing.assert_array_equal(zarr.load("memory://saved/array"), np.arange(10))
    zarr.save("memory://saved/group", a=np.arange(3), b=np.arange(4))
    np.testing.assert_array_equal(zarr.load("memory://saved/group")["b"], np.arange(4))


def test_options_without_a_url(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="storage_options"):
        zarr.open_group(str(tmp_path), storage_options={"anon": True})


@pytest.mark.parametrize(
    ("use", "module", "extra"),
    [
        ("zarr.RedisStore()", "redis", "redis"),
        ("zarr.MongoDBStore()", "pymongo", "mongodb"),
        ("zarr.ABSStore(client=1)", "azure.storage.blob", "azure"),
        ("zarr.storage.FSStore('memory://')", "fsspec", "fsspec"),
        ("zarr.open('s3://bucket')", "fsspec", "fsspec"),
        ("zarr.storage.ObjectStore('memory://')", "obstore", "obstore"),
    ],
)
def test_missing_package_names_the_extra(use: str, module: str, extra: str) -> None:
    code = f"import sys, zarr; sys.modules[{module!r}] = None; {use}"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ)
    )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError:") and f"pip install 'zarr[{extra}]'" in last


def test_import_brings_no_client_in() -> None:
    names = ("redis", "pymongo", "azure", "fsspec", "obstore", "s3fs", "aiohttp", "asyncio")
    code = f"import sys, zarr; print([n for n in {names} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
