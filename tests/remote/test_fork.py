"""Stores that are used before a fork, by the parent and by the child after it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from zarr.storage import ABSStore, BaseStore, FSStore, MongoDBStore, RedisStore, URLStore

pytestmark = [
    pytest.mark.remote,
    pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning"),
]

VALUES = {f"a/{n}": bytes([n]) * 50_000 for n in range(8)}


@pytest.fixture(params=["redis", "mongodb", "azure", "s3", "s3 url"])
def store(request: pytest.FixtureRequest, unique: Callable[[str], str]) -> Iterator[BaseStore]:
    store: BaseStore
    if request.param == "redis":
        url = urlsplit(request.getfixturevalue("redis_url"))
        store = RedisStore(unique("fork"), host="127.0.0.1", port=url.port)
    elif request.param == "mongodb":
        host = request.getfixturevalue("mongodb_url")
        store = MongoDBStore(collection=unique("fork"), host=host)
    elif request.param == "azure":
        store = ABSStore(client=request.getfixturevalue("container"))
    else:
        options = request.getfixturevalue("s3_options")
        kind = FSStore if request.param == "s3" else URLStore
        store = kind(f"s3://{request.getfixturevalue('bucket')}/data", **options)
    with store:
        yield store


def _work(store: BaseStore, name: str, answer: Any) -> None:
    right = 0
    for _ in range(5):
        found = store.getitems(list(VALUES))
        right += {key: bytes(value) for key, value in found.items()} == VALUES
    store[name] = b"done"
    answer.send(right)


def test_parent_and_children_at_once(store: BaseStore) -> None:
    store.setitems(VALUES)
    assert store.listdir("a") == sorted(str(n) for n in range(8))
    context = multiprocessing.get_context("fork")
    answers, children = [], []
    for number in range(2):
        receiver, sender = context.Pipe(duplex=False)
        answers.append(receiver)
        children.append(context.Process(target=_work, args=(store, f"b/{number}", sender)))
    try:
        for child in children:
            child.start()
        for _ in range(5):
            assert {k: bytes(v) for k, v in store.getitems(list(VALUES)).items()} == VALUES
        for answer in answers:
            assert answer.poll(60)
            assert answer.recv() == 5
        for child in children:
            child.join(60)
            assert child.exitcode == 0
    finally:
        for child in children:
            child.kill()
    assert store.listdir("b") == ["0", "1"]
