"""ABSStore on an Azurite server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from azure.storage.blob import ContainerClient

from tests.remote.counts import CountTests
from tests.remote.relay import Relay
from tests.remote.servers import AZURITE_KEY
from zarr.errors import StoreError, StoreKeyError, StorePermissionError
from zarr.storage import ABSStore
from zarr.testing import StoreTests

pytestmark = pytest.mark.remote

ODD_KEYS = tuple(key for key in StoreTests.odd_keys if "\\" not in key)


class TestABSStore(StoreTests):
    odd_keys = ODD_KEYS

    @pytest.fixture
    def store(self, container: ContainerClient) -> ABSStore:
        ABSStore(client=container)["some/prefix-2/not"] = b"ours"
        return ABSStore(client=container, prefix="/some/prefix/")


def test_whole_container(container: ContainerClient) -> None:
    store = ABSStore(client=container)
    store.setitems({"a/x": b"1", "b": b"2"})
    assert sorted(store) == ["a/x", "b"]
    assert store.listdir() == ["a", "b"]
    store.clear()
    assert list(store) == []


@pytest.fixture
def watched(
    container: ContainerClient, azure_url: str, relay_to: Callable[[str], Relay]
) -> tuple[ABSStore, Relay]:
    """Return a store whose requests are counted."""
    relay = relay_to(azure_url)
    client = ContainerClient(
        f"http://127.0.0.1:{relay.own_port}/devstoreaccount1",
        container.container_name,
        credential={"account_name": "devstoreaccount1", "account_key": AZURITE_KEY},
    )
    return ABSStore(client=client, prefix="data"), relay


class TestCounts(CountTests):
    def check_removal(self, verbs: Counter[str]) -> None:
        assert verbs["POST"] == 8  # 256 at a time
        assert verbs.total() <= 8 + 1 + 1


class TestArguments:
    def test_deprecated_ones_warn_and_work(
        self, container: ContainerClient, azure_url: str
    ) -> None:
        with pytest.warns(FutureWarning, match="client="):
            store = ABSStore(
                container.container_name,
                "data",
                account_name="devstoreaccount1",
                account_key=AZURITE_KEY,
                blob_service_kwargs={"account_url": azure_url},
            )
        store["x"] = b"1"
        assert ABSStore(client=container)["data/x"] == b"1"

    def test_emulator(self) -> None:
        with pytest.warns(FutureWarning):
            store = ABSStore("test", blob_service_kwargs={"is_emulated": True})
        assert store.client.url == "http://127.0.0.1:10000/devstoreaccount1/test"

    def test_account(self) -> None:
        with pytest.warns(FutureWarning):
            store = ABSStore("test", account_name="me", account_key=AZURITE_KEY)
        assert store.client.url == "https://me.blob.core.windows.net/test"

    def test_client_does_not_warn(self, container: ContainerClient) -> None:
        ABSStore(client=container)  # a warning would be an error

    def test_neither_client_nor_container(self) -> None:
        with pytest.raises(ValueError, match="client="):
            ABSStore(prefix="data")


class TestFailures:
    def test_absent_container_is_no_absent_key(self, azure_url: str) -> None:
        credential = {"account_name": "devstoreaccount1", "account_key": AZURITE_KEY}
        store = ABSStore(client=ContainerClient(azure_url, "absent", credential=credential))
        for use in (
            lambda: store["x"],
            lambda: store.getitems(["x"]),
            lambda: store.get_partial_values([("x", (0, 1))]),
            store.listdir,
            lambda: list(store),
        ):
            with pytest.raises(StoreError, match="ContainerNotFound"):
                use()

    def test_wrong_key(self, container: ContainerClient, azure_url: str) -> None:
        credential: Any = {"account_name": "devstoreaccount1", "account_key": "AAAA"}
        client = ContainerClient(azure_url, container.container_name, credential=credential)
        store = ABSStore(client=client)
        with pytest.raises(StorePermissionError, match="'x'"):
            store["x"]
        with pytest.raises(StorePermissionError, match="'x'"):
            store["x"] = b""

    def test_backslash(self, container: ContainerClient) -> None:
        with pytest.raises(StoreKeyError, match="backslash"):
            ABSStore(client=container)["a\\b"] = b""
