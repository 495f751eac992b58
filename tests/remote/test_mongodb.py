"""MongoDBStore on a server that speaks MongoDB's protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from zarr.storage import MongoDBStore
from zarr.testing import StoreTests

pytestmark = pytest.mark.remote


class TestMongoDBStore(StoreTests):
    @pytest.fixture
    def store(self, mongodb_url: str, unique: Callable[[str], str]) -> Iterator[MongoDBStore]:
        with MongoDBStore(collection=unique("test"), host=mongodb_url) as store:
            yield store
            store.clear()
