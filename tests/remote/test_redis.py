"""RedisStore on a Redis server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from zarr.storage import RedisStore
from zarr.testing import StoreTests

pytestmark = pytest.mark.remote


@pytest.fixture
def port(redis_url: str) -> int:
    return urlsplit(redis_url).port or 6379


@pytest.fixture
def store(port: int, unique: Callable[[str], str]) -> Iterator[RedisStore]:
    with RedisStore(prefix=unique("test"), host="127.0.0.1", port=port) as store:
        yield store
        store.clear()


class TestRedisStore(StoreTests):
    @pytest.fixture
    def store(self, port: int, unique: Callable[[str], str]) -> Iterator[RedisStore]:
        with RedisStore(prefix=unique("test"), host="127.0.0.1", port=port) as store:
            yield store
            store.clear()
