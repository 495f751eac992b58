"""FSStore on S3, over HTTP, in files and in memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem

from zarr.storage import FSStore
from zarr.testing import StoreTests

pytestmark = pytest.mark.remote


class TestFSStoreOnS3(StoreTests):
    @pytest.fixture
    def store(self, bucket: str, s3_options: dict[str, Any]) -> FSStore:
        FSStore(f"s3://{bucket}/some/prefix-2", **s3_options)["not"] = b"ours"
        return FSStore(f"s3://{bucket}/some/prefix", **s3_options)


class TestFSStoreInFiles(StoreTests):
    keeps_empty_folders = True

    @pytest.fixture
    def store(self, tmp_path: Path) -> FSStore:
        return FSStore(f"file://{tmp_path}/data")


class TestFSStoreInMemory(StoreTests):
    @pytest.fixture
    def store(self, unique: Callable[[str], str]) -> FSStore:
        return FSStore(f"memory://{unique('test')}/data")


class TestFSStoreInDirectoryOfAnother(StoreTests):
    keeps_empty_folders = True

    @pytest.fixture
    def store(self, tmp_path: Path) -> FSStore:
        return FSStore("data", fs=DirFileSystem(str(tmp_path), LocalFileSystem()))


@pytest.mark.parametrize("protocol", ["simplecache", "filecache"])
class TestFSStoreThroughCache(StoreTests):
    runs = 2
    test_many_keys = None  # the caches of fsspec are slow with many files

    @pytest.fixture
    def store(
        self, protocol: str, tmp_path: Path, bucket: str, s3_options: dict[str, Any]
    ) -> FSStore:
        options = {"s3": s3_options, protocol: {"cache_storage": str(tmp_path)}}
        return FSStore(f"{protocol}::s3://{bucket}/data", **options)
