"""URLs given to `zarr.open` and others."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from email.message import Message
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import fsspec
import numpy as np
import pytest

import zarr
from tests.remote.relay import Relay
from tests.remote.servers import AZURITE_KEY
from zarr.errors import StoreError
from zarr.storage import FSStore, URLStore
from zarr.storage.url_options import obstore_options
from zarr.testing import StoreTests

pytestmark = pytest.mark.remote


class TestURLStoreOnS3(StoreTests):
    """The suite on what ``zarr.open('s3://…')`` opens."""

    runs = 10

    @pytest.fixture
    def store(self, bucket: str, s3_options: dict[str, Any]) -> URLStore:
        URLStore(f"s3://{bucket}", **s3_options)["some/prefix-2/not"] = b"ours"
        store = URLStore(f"s3://{bucket}/some/prefix", **s3_options)
        assert store._direct is not None
        return store


class TestURLStoreOnS3ThroughFsspec(StoreTests):
    """The suite with an option that only fsspec has."""

    runs = 5
    bad_keys = tuple(key for key in StoreTests.bad_keys if key.strip("/") != "x")

    @pytest.fixture
    def store(self, bucket: str, s3_options: dict[str, Any]) -> URLStore:
        store = URLStore(f"s3://{bucket}/data", default_fill_cache=False, **s3_options)
        assert store._direct is None
        return store


class TestURLStoreOnAzure(StoreTests):
    odd_keys = tuple(key for key in StoreTests.odd_keys if "\\" not in key)
    runs = 1

    @pytest.fixture
    def store(self, container: Any, azure_url: str) -> URLStore:
        return URLStore(
            f"az://{container.container_name}/data",
            account_name="devstoreaccount1",
            account_key=AZURITE_KEY,
            endpoint_url=azure_url,
        )


class TestURLs:
    @pytest.fixture(
        params=["s3", "s3 by fsspec", "memory", "file", "simplecache::file", "dir::file"]
    )
    def place(
        self,
        request: pytest.FixtureRequest,
        unique: Callable[[str], str],
        tmp_path: Path,
    ) -> tuple[str, dict[str, Any]]:
        """Return a URL and its options."""
        if request.param == "s3 by fsspec":
            request.getfixturevalue("by_fsspec")
        if request.param.startswith("s3"):
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
        direct = url.startswith("s3:") and zarr.config.get().remote == "auto"
        assert isinstance(z.store, URLStore if direct else FSStore)
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


@pytest.fixture
def by_fsspec() -> Iterator[None]:
    """Open URLs through fsspec."""
    with zarr.config.set(remote="fsspec"):
        yield


class TestDirect:
    """URLs that are opened through obstore."""

    @pytest.fixture
    def watched(
        self,
        bucket: str,
        s3_url: str,
        s3_options: dict[str, Any],
        relay_to: Callable[[str], Relay],
    ) -> tuple[str, dict[str, Any], Relay]:
        """Return a URL, its options, and the relay that counts the requests."""
        relay = relay_to(s3_url)
        endpoint = {"endpoint_url": f"http://127.0.0.1:{relay.own_port}"}
        return f"s3://{bucket}/data", {**s3_options, **endpoint}, relay

    @pytest.mark.parametrize("way", ["auto", "fsspec"])
    def test_requests_to_open_and_read(
        self, watched: tuple[str, dict[str, Any], Relay], way: Any
    ) -> None:
        url, options, relay = watched
        root = zarr.open_group(url, mode="w", storage_options=options)
        root.create_dataset("a", data=np.arange(1000), chunks=10)
        zarr.consolidate_metadata(root.store)

        with zarr.config.set(remote=way):
            relay.verbs.clear()
            opened = zarr.open_consolidated(url, storage_options=options)
            array = opened["a"]
            counts = [relay.verbs.total()]
            array[...]
            counts.append(relay.verbs.total())

        assert counts[0] <= 3
        assert counts[1] - counts[0] == 100

    def test_traffic_counts_requests_once(self, bucket: str, s3_options: dict[str, Any]) -> None:
        z = zarr.open(f"s3://{bucket}/a", mode="w", shape=40, chunks=10, storage_options=s3_options)
        z[:] = 1
        with zarr.traffic() as seen:
            z[:]
        assert seen.total.keys == 4

    def test_same_data_and_locks_both_ways(self, bucket: str, s3_options: dict[str, Any]) -> None:
        url = f"s3://{bucket}/data"
        direct, other = URLStore(url, **s3_options), FSStore(url, **s3_options)
        direct["a/x"] = b"1"
        assert other["a/x"] == b"1"
        assert direct.address("a/x") == other.address("a/x")

    @pytest.mark.parametrize("way", ["auto", "fsspec"])
    def test_same_errors_both_ways(self, way: Any, s3_options: dict[str, Any]) -> None:
        options = {**s3_options, **HERE, "retries": 0}
        with zarr.config.set(remote=way), pytest.raises(StoreError, match="s3://a/b"):
            zarr.open_group("s3://a/b", mode="r", storage_options=options)

    def test_what_code_for_2_x_asks_of_it(self, bucket: str, s3_options: dict[str, Any]) -> None:
        store = zarr.open_group(f"s3://{bucket}/data", mode="w", storage_options=s3_options).store
        assert store.path == f"{bucket}/data"
        assert store.fs.exists(f"{bucket}/data/.zgroup")
        assert ".zgroup" in store.map

    def test_a_pickle_opens_the_url_again(self, bucket: str, s3_options: dict[str, Any]) -> None:
        z = zarr.open(f"s3://{bucket}/a", mode="w", shape=4, dtype="i4", storage_options=s3_options)
        z[:] = 7
        again = pickle.loads(pickle.dumps(z))
        assert isinstance(again.store, URLStore)
        assert list(again) == [7] * 4

    @pytest.mark.parametrize("way", ["auto", "fsspec"])
    def test_absence_is_explained(self, way: Any, bucket: str, s3_options: dict[str, Any]) -> None:
        zarr.group(URLStore(f"s3://{bucket}/a", **s3_options))
        reasons = {
            f"s3://{bucket}-absent/x": f"there is no '{bucket}-absent'",
            f"s3://{bucket}/x": "nothing exists at this URL",
        }
        for url, reason in reasons.items():
            with zarr.config.set(remote=way), pytest.raises(ValueError, match=reason):
                zarr.open_group(url, mode="r", storage_options=s3_options)


KEYS = {"key": "k", "secret": "s"}
HERE = {"endpoint_url": "http://127.0.0.1:9"}


@pytest.mark.parametrize(
    ("url", "options", "found"),
    [
        ("s3://b/x", {**KEYS, **HERE}, {"access_key_id": "k", "region": "us-east-1"}),
        ("s3://b", {"anon": True, **HERE}, {"skip_signature": True}),
        ("s3://b", {**KEYS, "token": "t", **HERE}, {"session_token": "t"}),
        ("s3://b", {**KEYS, "client_kwargs": {**HERE, "region_name": "r"}}, {"region": "r"}),
        ("s3://b", {**KEYS, **HERE, "retries": 1}, {"retries": 1}),
        ("s3://b", {**KEYS, **HERE, "config_kwargs": {"s3": {}}}, None),
        ("s3://b", {"key": "k", **HERE}, None),
        ("s3://b", {"profile": "p"}, None),
        ("s3://b", {**KEYS, "client_kwargs": {"verify": False}}, None),
        ("s3://b", {**KEYS, "client_kwargs": {"region_name": "cn-north-1"}}, None),
        ("simplecache::s3://b", KEYS, None),
        ("s3://", KEYS, None),
        ("gs://b/x", {"token": "anon"}, {"skip_signature": True}),
        ("gcs://b", {"token": "key.json"}, {"application_credentials": "key.json"}),
        ("gs://b", {}, None),
        ("gs://b", {"token": "anon", "project": "p"}, None),
        ("az://c/x", {"account_name": "a", "account_key": "k"}, {"account_key": "k"}),
        ("abfs://c", {"account_name": "a", "sas_token": "?s"}, {"sas_key": "s"}),
        ("az://c", {"account_name": "a", "anon": True}, {"skip_signature": True}),
        ("az://c", {"account_name": "a"}, None),
        ("abfs://c@a.dfs.core.windows.net/x", {"account_key": "k"}, None),
        ("https://host/x", {}, None),
        ("memory://x", {}, None),
    ],
)
def test_options_of_fsspec_for_obstore(
    url: str,
    options: dict[str, Any],
    found: dict[str, Any] | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    translated = obstore_options(url, options)
    if found is None:
        assert translated is None
    else:
        assert translated is not None
        assert found.items() <= translated.items()


@pytest.fixture
def at_amazon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave nothing in the environment that says where buckets are."""
    for name in ("AWS_ENDPOINT_URL", "AWS_CA_BUNDLE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)


def deny(request: Any, timeout: float) -> Any:
    """Answer as Amazon does to strangers: denied, but with the region."""
    headers = Message()
    headers["x-amz-bucket-region"] = "eu-west-3"
    raise HTTPError(request.full_url, 403, "Forbidden", headers, None)


def test_the_region_of_a_bucket_is_asked_for_once(
    at_amazon: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def answer(request: Any, timeout: float) -> Any:
        asked.append(request.full_url)
        return deny(request, timeout)

    monkeypatch.setattr("zarr.storage.url_options.urlopen", answer)
    for _ in range(2):
        found = obstore_options("s3://a-bucket-of-this-test/x", {"anon": True})
        assert found == {"skip_signature": True, "region": "eu-west-3"}
    assert asked == ["https://s3.amazonaws.com/a-bucket-of-this-test"]


@pytest.mark.parametrize(
    "failure",
    [
        OSError("unreachable"), HTTPException("no answer"), TimeoutError(),
        HTTPError("", 503, "", Message(), None),
    ],
    ids=["unreachable", "no answer", "late", "refused"],
)  # fmt: skip
def test_a_region_is_asked_for_again_after_a_failure(
    failure: Exception, at_amazon: None, request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    name = request.node.callspec.id.replace(" ", "-")

    def fail(request: Any, timeout: float) -> Any:
        raise failure

    monkeypatch.setattr("zarr.storage.url_options.urlopen", fail)
    found = obstore_options(f"s3://{name}/x", {"anon": True})
    assert found == {"skip_signature": True, "region": "us-east-1"}

    monkeypatch.setattr("zarr.storage.url_options.urlopen", deny)
    found = obstore_options(f"s3://{name}/x", {"anon": True})
    assert found == {"skip_signature": True, "region": "eu-west-3"}


@pytest.mark.parametrize("bucket", ["a b", "a\nb", "ü", "a%20b", "arn:aws:s3:::b"])
def test_odd_names_of_buckets_are_left_to_fsspec(bucket: str, at_amazon: None) -> None:
    assert obstore_options(f"s3://{bucket}/x", {"anon": True}) is None


def test_save_and_load() -> None:
    zarr.save("memory://saved/array", np.arange(10))
    np.testing.assert_array_equal(zarr.load("memory://saved/array"), np.arange(10))
    zarr.save("memory://saved/group", a=np.arange(3), b=np.arange(4))
    np.testing.assert_array_equal(zarr.load("memory://saved/group")["b"], np.arange(4))


def test_options_without_a_url(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="storage_options"):
        zarr.open_group(str(tmp_path), storage_options={"anon": True})
