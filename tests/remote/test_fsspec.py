"""FSStore on S3, over HTTP, in files, in memory, in archives and through caches."""

from __future__ import annotations

import http.server
import inspect
import multiprocessing
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem

import zarr
from tests.remote.counts import CountTests
from tests.remote.relay import Relay
from zarr.errors import ReadOnlyError, StoreError, StorePermissionError
from zarr.storage import DirectoryStore, FSStore
from zarr.testing import StoreTests

pytestmark = pytest.mark.remote


class FSStoreTests(StoreTests):
    # Slashes at the ends of a key that is read do not matter.
    bad_keys = tuple(key for key in StoreTests.bad_keys if key.strip("/") != "x")


class TestFSStoreOnS3(FSStoreTests):
    @pytest.fixture
    def store(self, bucket: str, s3_options: dict[str, Any]) -> FSStore:
        FSStore(f"s3://{bucket}/some/prefix-2", **s3_options)["not"] = b"ours"
        return FSStore(f"s3://{bucket}/some/prefix", **s3_options)


class TestFSStoreInFiles(FSStoreTests):
    keeps_empty_folders = True

    @pytest.fixture
    def store(self, tmp_path: Path) -> FSStore:
        return FSStore(f"file://{tmp_path}/data")


class TestFSStoreInMemory(FSStoreTests):
    @pytest.fixture
    def store(self, unique: Callable[[str], str]) -> FSStore:
        return FSStore(f"memory://{unique('test')}/data")


class TestFSStoreInDirectoryOfAnother(FSStoreTests):
    keeps_empty_folders = True

    @pytest.fixture
    def store(self, tmp_path: Path) -> FSStore:
        return FSStore("data", fs=DirFileSystem(str(tmp_path), LocalFileSystem()))


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["simplecache", "filecache"])
class TestFSStoreThroughCache(FSStoreTests):
    runs = 2
    test_many_keys = None  # the caches of fsspec are slow with many files

    @pytest.fixture
    def store(
        self, protocol: str, tmp_path: Path, bucket: str, s3_options: dict[str, Any]
    ) -> FSStore:
        options = {"s3": s3_options, protocol: {"cache_storage": str(tmp_path)}}
        return FSStore(f"{protocol}::s3://{bucket}/data", **options)


@pytest.fixture
def watched(
    bucket: str, s3_url: str, s3_options: dict[str, Any], relay_to: Callable[[str], Relay]
) -> tuple[FSStore, Relay]:
    """Return a store whose requests are counted."""
    relay = relay_to(s3_url)
    options = {**s3_options, "endpoint_url": f"http://127.0.0.1:{relay.own_port}"}
    return FSStore(f"s3://{bucket}/data", **options), relay


class TestCounts(CountTests):
    def check_removal(self, verbs: Counter[str]) -> None:
        assert verbs["POST"] == 2  # 1000 at a time
        assert verbs.total() <= 3 + 2 + 1

    def test_single_requests(self, watched: tuple[FSStore, Relay]) -> None:
        store, relay = watched
        store["x"] = b"0123456789"
        assert relay.verbs == {"PUT": 1}
        for read in (
            lambda: store["x"],
            lambda: store.getitems(["x"]),
            lambda: store.get_partial_values([("x", (-3, None))]),
            lambda: "x" in store,
            lambda: store.get("absent"),
            store.listdir,
        ):
            relay.verbs.clear()
            read()
            assert relay.verbs == {"GET": 1}


class TestExceptions:
    """Which errors mean that a key is absent."""

    documented = (KeyError, PermissionError, OSError)

    @pytest.fixture
    def denied(
        self, bucket: str, s3_url: str, s3_options: dict[str, Any], relay_to: Callable[[str], Relay]
    ) -> Callable[..., FSStore]:
        """Return a function that opens a store in which the key 'x' is denied."""
        FSStore(f"s3://{bucket}", **s3_options).setitems({"x": b"1", "y": b"2"})
        relay = relay_to(s3_url)
        relay.harm(rb"GET \S*/x[ ?]", "answer", status=403)
        endpoint = {"endpoint_url": f"http://127.0.0.1:{relay.own_port}"}

        def start(**options: Any) -> FSStore:
            return FSStore(f"s3://{bucket}", **{**s3_options, **endpoint, **options})

        return start

    def test_signature_is_the_documented_one(self) -> None:
        assert inspect.signature(FSStore).parameters["exceptions"].default == self.documented

    def test_denied_is_not_absent(self, denied: Callable[..., FSStore]) -> None:
        store = denied()
        with pytest.raises(StorePermissionError, match="'x'"):
            store["x"]
        with pytest.raises(StorePermissionError, match="'x'"):
            store.getitems(["y", "x"])
        assert store.getitems(["y", "absent"]) == {"y": b"2"}

    @pytest.mark.parametrize(
        "options",
        [
            {"exceptions": (KeyError, PermissionError, OSError)},
            {"exceptions": (PermissionError,)},
            {"missing_exceptions": (PermissionError,)},
        ],
    )
    def test_unless_one_says_so(
        self, denied: Callable[..., FSStore], options: dict[str, Any]
    ) -> None:
        store = denied(**options)
        assert store.getitems(["x", "y", "absent"]) == {"y": b"2"}
        assert store.get("x") is None

    def test_others_are_not_absent_then(self, denied: Callable[..., FSStore]) -> None:
        with pytest.raises(StorePermissionError):
            denied(exceptions=(KeyError,))["x"]


class TestCachedLists:
    """fsspec caches lists of files; what others write must show nevertheless."""

    def test_new_keys(self, bucket: str, s3_options: dict[str, Any]) -> None:
        here = FSStore(f"s3://{bucket}/data", **s3_options)
        there = FSStore(f"s3://{bucket}/data", skip_instance_cache=True, **s3_options)
        here.setitems({"g/a/x": b"1", "g/y": b"1"})
        assert here.listdir("g") == ["a", "y"]
        assert sorted(here) == ["g/a/x", "g/y"]
        assert here.getsize("g") == 1

        there.setitems({"g/b/x": b"1", "g/y": b"longer"})
        del there["g/a/x"]

        assert here.listdir("g") == ["b", "y"]
        assert here.listdir("g/b") == ["x"]
        assert sorted(here) == ["g/b/x", "g/y"]
        assert "g/b/x" in here and "g/a/x" not in here
        assert here.getsize("g") == here.getsize("g/y") == 6
        assert here["g/y"] == b"longer"

    def test_values_are_of_one_time(self, bucket: str, s3_options: dict[str, Any]) -> None:
        here = FSStore(f"s3://{bucket}/data", default_block_size=5 << 20, **s3_options)
        there = FSStore(f"s3://{bucket}/data", skip_instance_cache=True, **s3_options)
        here["x"] = bytes(12 << 20)
        here.listdir()
        for size in (6 << 20, 13 << 20):
            there["x"] = b"1" * size
            assert here["x"] == b"1" * size


class TestThroughCache:
    @pytest.mark.parametrize("protocol", ["simplecache", "filecache"])
    def test_cut_download_leaves_no_copy(
        self,
        protocol: str,
        bucket: str,
        s3_url: str,
        s3_options: dict[str, Any],
        relay_to: Callable[[str], Relay],
        tmp_path: Path,
    ) -> None:
        data = {key: np.random.default_rng(0).bytes(200_000) for key in ("x", "y")}
        FSStore(f"s3://{bucket}", **s3_options).setitems(data)
        relay = relay_to(s3_url)
        relay.harm(rb"GET \S*/x[ ?]", "cut answer", after=2_000)
        s3 = {**s3_options, "endpoint_url": f"http://127.0.0.1:{relay.own_port}"}
        options = {"s3": s3, protocol: {"cache_storage": str(tmp_path)}}
        store = FSStore(f"{protocol}::s3://{bucket}", retries=0, **options)
        with pytest.raises(StoreError):
            store.getitems(["x", "y"])
        with pytest.raises(StoreError):
            store["x"]
        relay.rules.clear()

        assert store.getitems(["x", "y"]) == data
        assert store["x"] == data["x"]

    def test_second_read_asks_nobody(
        self,
        bucket: str,
        s3_url: str,
        s3_options: dict[str, Any],
        relay_to: Callable[[str], Relay],
    ) -> None:
        FSStore(f"s3://{bucket}", **s3_options).setitems({"x": b"1", "y": b"2"})
        relay = relay_to(s3_url)
        s3 = {**s3_options, "endpoint_url": f"http://127.0.0.1:{relay.own_port}"}
        store = FSStore(f"simplecache::s3://{bucket}", s3=s3)
        first = store.getitems(["x", "y"])
        relay.verbs.clear()

        assert store.getitems(["x", "y"]) == first == {"x": b"1", "y": b"2"}
        assert not relay.verbs


class _NoRanges(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def plain_http(tmp_path: Path) -> Iterator[str]:
    """Return the address of a server that ignores the header Range."""

    def handler(*args: Any) -> _NoRanges:
        return _NoRanges(*args, directory=str(tmp_path))

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class TestHTTP:
    def test_reads(self, http_url: str, http_folder: Path, unique: Callable[[str], str]) -> None:
        name = unique("fsspec")
        group = zarr.open_group(str(http_folder / name), mode="w")
        group["a b/[x]"] = np.arange(100)
        store = FSStore(f"{http_url}/{name}")

        np.testing.assert_array_equal(zarr.open_group(store, mode="r")["a b/[x]"], np.arange(100))
        assert store.listdir() == [".zgroup", "a b"]
        assert store.listdir("a b") == [".zgroup", "[x]"]
        assert sorted(store) == sorted(DirectoryStore(http_folder / name))
        assert ".zgroup" in store and "absent" not in store

    @pytest.mark.parametrize("server", ["http_url", "plain_http"])
    def test_ranges(
        self,
        server: str,
        request: pytest.FixtureRequest,
        tmp_path: Path,
        http_folder: Path,
        unique: Callable[[str], str],
    ) -> None:
        name = unique("ranges")
        value = bytes(range(10))
        folder = tmp_path if server == "plain_http" else http_folder
        DirectoryStore(folder / name).update({"x": value, "empty": b"", "one": b"1"})
        store = FSStore(f"{request.getfixturevalue(server)}/{name}")

        # From these nobody can tell whether the server heeds ranges.
        assert store.get_partial_values([("one", (0, 1)), ("one", (1, 5))]) == [b"1", b""]
        assert store.get_partial_values([("empty", (0, 1))]) == [b""]

        ranges = [(0, 4), (3, 20), (4, None), (-3, None), (-30, 5), (10, 1), (50, None), (2, 0)]
        parts = store.get_partial_values([("x", r) for r in ranges] + [("absent", (0, 1))])

        assert parts == [
            value[:4], value[3:], value[4:], value[-3:], value[:5], b"", b"", b"", None
        ]  # fmt: skip

    def test_writing_is_not_possible(self, http_url: str) -> None:
        with pytest.raises(StoreError, match="'x'"):
            FSStore(http_url)["x"] = b""


class TestArguments:
    def test_file_system(self, bucket: str, s3_options: dict[str, Any]) -> None:
        fs = fsspec.filesystem("s3", **s3_options)
        store = FSStore(f"/{bucket}/data", fs=fs)
        store["x"] = b"1"
        assert store.fs is fs
        assert fs.cat_file(f"{bucket}/data/x") == b"1"
        assert store == FSStore(f"s3://{bucket}/data", **s3_options)

    def test_options_with_file_system(self) -> None:
        with pytest.raises(ValueError, match="anon"):
            FSStore("x", fs=fsspec.filesystem("memory"), anon=True)

    def test_file_system_for_coroutines(self) -> None:
        with pytest.raises(ValueError, match="asynchronous"):
            FSStore("http://x", fs=fsspec.filesystem("http", asynchronous=True))

    def test_read_only(self, tmp_path: Path) -> None:
        DirectoryStore(tmp_path)["x"] = b"1"
        store = FSStore(f"file://{tmp_path}", mode="r")
        for change in (
            lambda: store.__setitem__("x", b""),
            lambda: store.setitems({"x": b""}),
            lambda: store.__delitem__("x"),
            lambda: store.delitems(["x"]),
            store.clear,
            lambda: store.rename("x", "y"),
        ):
            with pytest.raises(ReadOnlyError):
                change()
        assert store["x"] == b"1"
        assert not store.is_writeable() and not store.is_erasable()

    def test_normalize_keys(self, tmp_path: Path) -> None:
        store = FSStore(str(tmp_path), normalize_keys=True)
        store["Foo/BAR"] = b"1"
        assert store["fOO/bar"] == b"1"
        assert list(store) == ["foo/bar"]

    @pytest.mark.parametrize(
        ("options", "separator", "key"),
        [
            ({}, ".", "0.1"),
            ({"dimension_separator": "/"}, "/", "0/1"),
            ({"key_separator": "/"}, "/", "0/1"),
            ({"key_separator": "."}, ".", "0.1"),
        ],
    )
    def test_separator(
        self, options: dict[str, Any], separator: str, key: str, tmp_path: Path
    ) -> None:
        store = FSStore(str(tmp_path), **options)
        assert store.key_separator == separator
        zarr.ones((2, 2), chunks=(1, 1), store=store)[:] = 5
        assert key in store

    def test_check_and_create(self, tmp_path: Path) -> None:
        FSStore(str(tmp_path / "new"), create=True, check=True)
        assert (tmp_path / "new").is_dir()
        with pytest.raises(ValueError):
            FSStore(str(tmp_path / "other"), check=True)

    def test_unknown_protocol(self) -> None:
        with pytest.raises(ValueError, match="nonsense"):
            FSStore("nonsense://x")

    def test_map(self, tmp_path: Path) -> None:
        store = FSStore(str(tmp_path))
        store["a/x"] = b"1"
        assert dict(store.map) == {"a/x": b"1"}
        again = FSStore.from_map(store.map)
        assert again == store
        assert dict(again.items()) == {"a/x": b"1"}


def test_bucket_is_not_made_by_mistake(s3_options: dict[str, Any]) -> None:
    store = FSStore("s3://never-made-bucket/data", **s3_options)
    with pytest.raises(StoreError, match=r"'x'.*bucket"):
        store["x"] = b"1"
    assert not fsspec.filesystem("s3", **s3_options).exists("never-made-bucket")


def _read_in_child(store: FSStore, answers: Any) -> None:
    answers.put(store.getitems(["x", "y"]))


@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_forked_process(bucket: str, s3_options: dict[str, Any]) -> None:
    store = FSStore(f"s3://{bucket}/data", **s3_options)
    store.setitems({"x": b"1", "y": b"2"})
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()
    child = context.Process(target=_read_in_child, args=(store, answers))
    child.start()
    assert answers.get() == {"x": b"1", "y": b"2"}
    child.join()
    assert child.exitcode == 0
    assert store["x"] == b"1"


def test_words_in_a_key_mean_nothing(bucket: str, s3_options: dict[str, Any]) -> None:
    store = FSStore(f"s3://{bucket}/range/416", **s3_options)
    assert "orange" not in store
    assert store.get_partial_values([("range 416", (5, 3))]) == [None]
    store["out of range"] = b""
    assert "out of range" in store
    assert store.get_partial_values([("out of range", (5, 3))]) == [b""]
