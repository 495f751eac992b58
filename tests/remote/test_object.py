"""ObjectStore on an S3 server, on Azurite, over HTTP, in a directory and in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from zarr.storage import ObjectStore
from zarr.testing import StoreTests

pytestmark = pytest.mark.remote


class TestObjectStoreOnS3(StoreTests):
    @pytest.fixture
    def store(self, bucket: str, obstore_options: dict[str, Any]) -> ObjectStore:
        root = ObjectStore(f"s3://{bucket}", **obstore_options)
        root["some/prefix-2/not"] = b"ours"
        return ObjectStore(f"s3://{bucket}/some/prefix", **obstore_options)


class TestObjectStoreInDirectory(StoreTests):
    keeps_empty_folders = True

    @pytest.fixture
    def store(self, tmp_path: Path) -> ObjectStore:
        return ObjectStore(f"file://{tmp_path}/data")


class TestObjectStoreInMemory(StoreTests):
    pickles = False

    @pytest.fixture
    def store(self) -> ObjectStore:
        return ObjectStore("memory:///")
