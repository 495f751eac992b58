"""The conformance suite for stores with coroutines, on ours and on one that a user wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import zarr
from tests.storage.user_store import UserStore
from zarr.storage import FsspecStore, LocalStore, LoggingStore, ManagedMemoryStore, WrapperStore
from zarr.testing.store import StoreTests


class TestUserStore(StoreTests[Any, Any]):
    store_cls = UserStore


class TestMemoryStore(StoreTests[Any, Any]):
    store_cls = zarr.MemoryStore


class TestFlatMemoryStore(StoreTests[Any, Any]):
    store_cls = zarr.MemoryStore

    @pytest.fixture
    def store_kwargs(self) -> dict[str, Any]:
        return {"store_dict": {}}


class TestManagedMemoryStore(StoreTests[Any, Any]):
    store_cls = ManagedMemoryStore


class TestLocalStore(StoreTests[Any, Any]):
    store_cls = LocalStore

    @pytest.fixture
    def store_kwargs(self, tmp_path: Path) -> dict[str, Any]:
        return {"root": tmp_path / "data"}


class TestFsspecStore(StoreTests[Any, Any]):
    store_cls = FsspecStore

    @pytest.fixture
    def store_kwargs(self, tmp_path: Path) -> dict[str, Any]:
        fsspec = pytest.importorskip("fsspec")
        return {"fs": fsspec.filesystem("memory"), "path": str(tmp_path)}


class TestWrapperStore(StoreTests[Any, Any]):
    store_cls = WrapperStore

    @pytest.fixture
    def store_kwargs(self, tmp_path: Path) -> dict[str, Any]:
        return {"store_cls": LocalStore, "root": tmp_path / "data"}


class TestLoggingStore(StoreTests[Any, Any]):
    store_cls = LoggingStore

    @pytest.fixture
    def store_kwargs(self) -> dict[str, Any]:
        return {"store_cls": UserStore}
