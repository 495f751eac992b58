"""ABSStore on an Azurite server."""

from __future__ import annotations

from typing import Any

import pytest

from zarr.storage import ABSStore
from zarr.testing import StoreTests

pytestmark = pytest.mark.remote


class TestABSStore(StoreTests):
    odd_keys = tuple(key for key in StoreTests.odd_keys if "\\" not in key)

    @pytest.fixture
    def store(self, container: Any) -> ABSStore:
        return ABSStore(client=container)


class TestABSStoreWithPrefix(StoreTests):
    odd_keys = tuple(key for key in StoreTests.odd_keys if "\\" not in key)

    @pytest.fixture
    def store(self, container: Any) -> ABSStore:
        ABSStore(client=container)["some/prefix-2/not"] = b"ours"
        return ABSStore(client=container, prefix="/some/prefix/")
