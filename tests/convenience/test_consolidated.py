"""Metadata of a hierarchy under one key: how they are written, read and protected."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest
from numcodecs import LZMA

import zarr
from zarr.errors import MetadataError, PathNotFoundError, ReadOnlyError
from zarr.storage import ConsolidatedMetadataStore


class Watched(zarr.MemoryStore):
    """A store that writes down what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Any] = []

    def __getitem__(self, key: str) -> Any:
        self.asked.append(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.asked.append(key)
        return super().__contains__(key)

    def getitems(self, keys: Sequence[str]) -> dict[str, Any]:
        self.asked.append(list(keys))
        return super().getitems(keys)

    def setitems(self, items: Mapping[str, Any]) -> None:
        self.asked.append(("set", list(items)))
        super().setitems(items)

    def listdir(self, path: str = "") -> list[str]:
        self.asked.append(f"listdir {path}")
        return super().listdir(path)

    def list_prefix(self, path: str = "") -> Any:
        self.asked.append(f"list_prefix {path}")
        return super().list_prefix(path)


def fill(store: Any, **options: Any) -> zarr.Group:
    root = zarr.group(store, **options)
    root.attrs["title"] = "root"
    bar = root.create_dataset("foo/bar", data=np.arange(100), chunks=50)
    bar.attrs["units"] = "m"
    root.create_dataset("spam", shape=10, dtype="f8", fill_value=np.nan, chunks=5)
    return root


@pytest.fixture
def store() -> Watched:
    store = Watched()
    fill(store)
    zarr.consolidate_metadata(store)
    store.asked.clear()
    return store


@pytest.fixture(params=[2, 3])
def any_format(request: pytest.FixtureRequest) -> Watched:
    store = Watched()
    fill(store, zarr_version=request.param)
    zarr.consolidate_metadata(store)
    store.asked.clear()
    return store


def test_document_is_laid_out_as_by_the_2x_library(store: Watched) -> None:
    document = json.loads(store[".zmetadata"])

    assert document.pop("zarr_consolidated_format") == 1
    copies = document.pop("metadata")
    assert document == {}
    assert sorted(copies) == [
        ".zattrs", ".zgroup", "foo/.zgroup", "foo/bar/.zarray", "foo/bar/.zattrs", "spam/.zarray",
    ]  # fmt: skip
    for key, copy in copies.items():
        assert json.dumps(copy) == json.dumps(json.loads(store[key]))
    assert store[".zmetadata"] == json.dumps(
        json.loads(store[".zmetadata"]), indent=4, sort_keys=True
    ).encode("ascii")


def test_hierarchy_is_read_as_without(any_format: Watched) -> None:
    root, plain = zarr.open_consolidated(any_format), zarr.open_group(any_format, mode="r")

    assert str(root.tree()) == str(plain.tree())
    assert root.attrs.asdict() == {"title": "root"}
    for path, node in plain.arrays(recurse=True):
        assert root[node.path][...].tobytes() == node[...].tobytes(), path
        assert root[node.path].attrs.asdict() == node.attrs.asdict()
        assert root[node.path].chunks == node.chunks


def test_opening_reads_once_and_listing_never(any_format: Watched) -> None:
    root = zarr.open_consolidated(any_format, mode="r")

    assert len(any_format.asked) == 1
    any_format.asked.clear()
    assert str(root.tree())
    assert list(root.arrays(recurse=True))
    assert "bar" in root["foo"]
    assert "nope" not in root
    assert root["foo/bar"].attrs["units"] == "m"
    assert any_format.asked == []


def test_consolidating_walks_folders_and_no_chunks(store: Watched) -> None:
    zarr.consolidate_metadata(store)

    listed = [asked for asked in store.asked if isinstance(asked, str) and "list" in asked]
    assert sorted(listed) == ["listdir ", "listdir foo"]


def test_nodes_in_folders_without_a_group_are_found(store: Watched) -> None:
    zarr.open_array(store, mode="w", shape=3, path="loose/deep/z")
    for key in ("loose/.zgroup", "loose/deep/.zgroup"):
        del store[key]

    root = zarr.consolidate_metadata(store)

    assert root["loose/deep/z"].shape == (3,)


def test_data_can_be_written(any_format: Watched) -> None:
    root = zarr.open_consolidated(any_format)

    root["foo/bar"][5] = -1

    assert zarr.open_group(any_format, mode="r")["foo/bar"][5] == -1


def test_data_cannot_be_written_in_mode_r(store: Watched) -> None:
    with pytest.raises(ReadOnlyError):
        zarr.open_consolidated(store, mode="r")["foo/bar"][5] = -1


def test_metadata_cannot_be_changed_in_mode_r(any_format: Watched) -> None:
    root = zarr.open_consolidated(any_format, mode="r")
    before = {key: any_format[key] for key in any_format}

    for change in (
        lambda: root.create_group("new"),
        lambda: root.require_group("new/deep"),
        lambda: root.zeros("new", shape=1),
        lambda: root.zeros("spam", shape=1, overwrite=True),
        lambda: root["spam"].resize(100),
        lambda: root["spam"].append(np.zeros(7)),
        lambda: root["spam"].attrs.update(a=1),
        lambda: root.attrs.put({}),
        lambda: root.__delitem__("foo"),
        lambda: root.move("foo", "fuh"),
        lambda: setattr(root["spam"], "fill_value", 3),
    ):
        with pytest.raises(ReadOnlyError):
            change()
    assert {key: any_format[key] for key in any_format} == before


CHANGES: dict[str, Callable[[zarr.Group], object]] = {
    "create_group": lambda root: root.create_group("new"),
    "require_group": lambda root: root.require_group("new/deep"),
    "create": lambda root: root.zeros("new", shape=1),
    "overwrite": lambda root: root.full("spam", fill_value=7, shape=1, overwrite=True),
    "resize": lambda root: root["spam"].resize(100),
    "append": lambda root: root["spam"].append(np.ones(7)),
    "attributes of an array": lambda root: root["spam"].attrs.update(a=1),
    "attributes of the root": lambda root: root.attrs.put({"b": 2}),
    "delete an array": lambda root: root.__delitem__("spam"),
    "delete a group": lambda root: root.__delitem__("foo"),
    "move": lambda root: root.move("foo", "fuh"),
    "fill_value": lambda root: setattr(root["spam"], "fill_value", 3),
}


def described(root: zarr.Group) -> dict[str, object]:
    found: dict[str, object] = {"": dict(root.attrs)}
    for path, node in root.members(max_depth=None):
        # As text, in which NaN equals itself.
        values = str(node[...].tolist()) if isinstance(node, zarr.Array) else None
        found[path] = (dict(node.attrs), values)
    return found


@pytest.mark.parametrize("name", CHANGES)
def test_metadata_are_changed_in_the_store_and_in_the_copies(
    name: str, any_format: Watched
) -> None:
    # 2.17: ReadOnlyError; 3.4.2: the store is changed, the copies are out of date.
    root = zarr.open_consolidated(any_format)
    before = described(root)

    CHANGES[name](root)

    assert described(root) == described(zarr.open_group(any_format, mode="r")) != before
    assert described(zarr.open_consolidated(any_format, strict=True)) == described(root)


def test_metadata_are_changed_after_pickling(tmp_path: Path) -> None:
    fill(zarr.DirectoryStore(tmp_path))
    root = pickle.loads(pickle.dumps(zarr.consolidate_metadata(str(tmp_path))))

    root["spam"].attrs["a"] = 1

    assert zarr.open_consolidated(str(tmp_path), strict=True)["spam"].attrs["a"] == 1
    assert zarr.open_group(str(tmp_path), mode="r")["spam"].attrs["a"] == 1


def test_changes_by_two_handles_are_both_in_the_copies(any_format: Watched) -> None:
    one, other = (zarr.open_consolidated(any_format) for _ in range(2))

    one.create_group("one")
    other.create_group("other")
    del one["spam"]

    assert {"one", "other", "foo"} == {*zarr.open_consolidated(any_format, strict=True)}


def test_metadata_below_a_group_with_copies_of_its_own(any_format: Watched) -> None:
    zarr.consolidate_metadata(any_format, path="foo")
    group = zarr.open_consolidated(any_format, path="foo")

    group.zeros("new", shape=2)

    assert "new" in zarr.open_consolidated(any_format, path="foo")
    assert zarr.open_group(any_format, mode="r")["foo/new"].shape == (2,)


def test_a_read_only_store_is_not_changed(store: Watched) -> None:
    root = zarr.open_consolidated(zarr.MemoryStore(store_dict=dict(store), read_only=True))

    with pytest.raises(ReadOnlyError):
        root.attrs["a"] = 1
    with pytest.raises(ReadOnlyError):
        root.create_group("new")


def test_other_key(store: Watched) -> None:
    del store[".zmetadata"]

    zarr.consolidate_metadata(store, ".other")

    assert zarr.open_consolidated(store, ".other")["spam"].shape == (10,)
    assert zarr.open_consolidated(store, metadata_key=".other", path="foo").name == "/foo"
    with pytest.raises(KeyError, match=r"\.zmetadata"):
        zarr.open_consolidated(store)


def test_path(any_format: Watched) -> None:
    assert list(zarr.open_consolidated(any_format, path="foo")) == ["bar"]
    assert zarr.open_consolidated(any_format, path="foo/bar")[3] == 3
    assert zarr.consolidate_metadata(any_format, path="foo").path == "foo"
    assert list(zarr.open_consolidated(any_format, path="foo")) == ["bar"]
    with pytest.raises(PathNotFoundError, match="nope"):
        zarr.open_consolidated(any_format, path="nope")


def test_siblings_survive_when_a_path_is_consolidated(store: Watched) -> None:
    zarr.consolidate_metadata(store, path="foo")

    assert sorted(zarr.open_consolidated(store)) == ["foo", "spam"]


def test_metadata_consolidated_inside_a_group(store: Watched) -> None:
    """Others put the copies beside the group that was consolidated, not at the root."""
    sub = {key.removeprefix("foo/"): store[key] for key in store if key.startswith("foo/")}
    zarr.consolidate_metadata(sub)
    store["foo/.zmetadata"] = sub[".zmetadata"]
    del store[".zmetadata"]

    root = zarr.open_consolidated(store, path="foo")

    assert list(root) == ["bar"]
    assert root["bar"][7] == 7
    with pytest.raises(KeyError):
        zarr.open_consolidated(store)


def test_array_alone() -> None:
    store: dict[str, bytes] = {}
    zarr.open_array(store, mode="w", shape=3, chunks=2)[:] = 1

    z = zarr.consolidate_metadata(store)

    assert isinstance(z, zarr.Array)
    assert z[:].tolist() == [1, 1, 1]
    assert list(json.loads(store[".zmetadata"])["metadata"]) == [".zarray"]


def test_nothing_to_consolidate() -> None:
    with pytest.raises(PathNotFoundError):
        zarr.consolidate_metadata({})


def test_paths_and_chunk_store(tmp_path: Path) -> None:
    path = tmp_path / "data"
    fill(zarr.DirectoryStore(path))

    zarr.consolidate_metadata(path)
    root = zarr.open_consolidated(path, mode="r")
    assert root["foo/bar"][3] == 3
    assert root.chunk_store == zarr.DirectoryStore(path)

    elsewhere = zarr.MemoryStore()
    zarr.copy_store(zarr.DirectoryStore(path), elsewhere, excludes=r"\.z")
    documents = zarr.MemoryStore()
    documents[".zmetadata"] = (path / ".zmetadata").read_bytes()
    assert zarr.open_consolidated(documents, chunk_store=elsewhere)["foo/bar"][4] == 4


@pytest.mark.parametrize("mode", ["a", "w", "w-", "x"])
def test_mode_that_would_change_metadata(store: Watched, mode: Any) -> None:
    with pytest.raises(ValueError, match="invalid mode"):
        zarr.open_consolidated(store, mode=mode)
    with pytest.raises(ValueError, match="invalid mode"):
        zarr.open_group(store, mode=mode, use_consolidated=True)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (b"{", "not a valid JSON"),
        (b"[]", "must hold a JSON object"),
        (b'{"metadata": {}}', "unsupported zarr consolidated metadata format: None"),
        (b'{"zarr_consolidated_format": 2}', "unsupported"),
        (b'{"zarr_consolidated_format": 1}', "metadata"),
        (b'{"zarr_consolidated_format": 1, "metadata": [1]}', "metadata"),
    ],
)
def test_document_that_makes_no_sense(store: Watched, document: bytes, message: str) -> None:
    store[".zmetadata"] = document

    with pytest.raises(MetadataError, match=message):
        zarr.open_consolidated(store)


def test_change_at_the_root_is_noticed(store: Watched) -> None:
    before = dict(zarr.open_consolidated(store).attrs)
    zarr.open_group(store).attrs["title"] = "changed"

    message = r"out of date.*\.zattrs.*consolidate_metadata"
    with pytest.warns(UserWarning, match=message) as caught:
        assert dict(zarr.open_consolidated(store).attrs) == before
    assert caught[0].filename == __file__
    with pytest.raises(MetadataError, match=message):
        zarr.open_consolidated(store, strict=True)
    zarr.consolidate_metadata(store)
    assert zarr.open_consolidated(store).attrs["title"] == "changed"


def test_change_at_the_path_is_noticed(store: Watched) -> None:
    zarr.open_array(store, path="spam").resize(3)

    with pytest.raises(MetadataError, match=r"out of date.*spam/\.zarray"):
        zarr.open_consolidated(store, path="spam", strict=True)
    with pytest.warns(UserWarning, match=r"out of date.*spam/\.zarray"):
        zarr.open_consolidated(store, path="spam")


def test_deleted_hierarchy_is_not_read_from_copies(store: Watched) -> None:
    zarr.open_group(store, mode="w")

    with pytest.raises(KeyError):
        zarr.open_consolidated(store)


def test_copies_are_used_on_demand(any_format: Watched) -> None:
    for use in (None, False):
        root = zarr.open_group(any_format, mode="r", use_consolidated=use)
        assert root.store is any_format
    for root in (
        zarr.open_group(any_format, mode="r", use_consolidated=True),
        zarr.open(any_format, mode="r+", use_consolidated=True),
        zarr.open_group(any_format, mode="r", use_consolidated=".zmetadata"),
    ):
        assert isinstance(root.store, ConsolidatedMetadataStore)
        assert root["foo/bar"][9] == 9
    with pytest.raises(KeyError):
        zarr.open_group(zarr.group().store, mode="r", use_consolidated=True)


def test_metadata_are_the_copies_and_chunks_are_those_of_the_store(store: Watched) -> None:
    copies = ConsolidatedMetadataStore(store)

    assert json.loads(copies["foo/.zgroup"]) == {"zarr_format": 2}
    assert "foo/bar/0" in copies
    assert len(copies) == len(list(copies)) == 6
    assert copies.listdir() == [".zattrs", ".zgroup", "foo", "spam"]
    assert copies.listdir("foo/bar") == [".zarray", ".zattrs"]
    assert copies.listdir("nope") == []
    assert zarr.storage.getsize(copies) == -1
    assert copies["foo/bar/0"] == store["foo/bar/0"]
    copies["foo/bar/0"] = b"1"
    assert copies.getitems(["foo/bar/0", "nope/0"]) == {"foo/bar/0": b"1"}
    del copies["foo/bar/0"]
    assert "foo/bar/0" not in store
    with pytest.raises(KeyError):
        copies["foo/bar/0"]
    copies["new/.zgroup"] = store[".zgroup"]
    del copies["new/.zgroup"]
    with pytest.raises(KeyError):
        del copies["new/.zgroup"]
    copies.rename("foo", "fuh")
    assert {"fuh/.zgroup", "fuh/bar/.zarray"} <= {*ConsolidatedMetadataStore(store)}
    copies.rmdir("fuh")
    assert not [key for key in [*store, *copies] if key.startswith(("foo", "fuh", "new"))]
    copies.clear()
    assert list(copies) == list(store) == []


def test_pickle_reads_nothing_again(tmp_path: Path) -> None:
    store = zarr.DirectoryStore(tmp_path)
    fill(store)
    root = zarr.consolidate_metadata(store)
    pickled = pickle.dumps(root)
    del store[".zmetadata"]

    again = pickle.loads(pickled)

    assert str(again.tree()) == str(root.tree())
    assert again["foo/bar"][8] == 8


def test_closing_closes_the_store_beneath(tmp_path: Path) -> None:
    with zarr.ZipStore(tmp_path / "data.zip", mode="w") as store:
        fill(store)
        zarr.consolidate_metadata(store)

    with zarr.open_consolidated(zarr.ZipStore(tmp_path / "data.zip", mode="r")) as root:
        assert root["foo/bar"][1] == 1
    with pytest.raises(Exception, match="closed"):
        root.chunk_store["foo/bar/0"]


def test_large_hierarchy_is_listed_folder_by_folder() -> None:
    store = Watched()
    root = zarr.group(store)
    for i in range(300):
        root.create_group(f"g{i % 3}/h{i}")
    zarr.consolidate_metadata(store)
    copies = zarr.open_consolidated(store)

    assert list(copies) == ["g0", "g1", "g2"]
    assert len(list(copies["g1"].groups())) == 100


def test_what_users_change_does_not_reach_the_copies(tmp_path: Path) -> None:
    filters = [{"id": 3, "dist": 4}, {"id": 0x21, "preset": 1}]
    root = zarr.open_group(tmp_path, mode="w")
    root.attrs["axes"] = ["y"]
    root.zeros("a", shape=10, compressor=LZMA(format=3, filters=filters))
    root.create("b", shape=2, dtype=object, object_codec=numcodecs.JSON(), fill_value={"x": [1]})
    root = zarr.consolidate_metadata(tmp_path)

    for name in ("a", "b"):
        root[name].attrs  # noqa: B018
    root.attrs["axes"].append("x")
    root["a"].compressor.filters[0]["dist"] = 9
    root["b"].fill_value["x"].append(2)
    root["b"][0]["x"].append(3)

    assert root["a"].compressor.filters == filters
    assert root["b"].fill_value == {"x": [1]}
    assert zarr.open_group(root.store, mode="r").attrs["axes"] == ["y"]


def test_copies_are_the_text_that_is_there(store: Watched) -> None:
    document = store[".zmetadata"]
    escaped = document.replace(b'"foo/', b'"f\\u006f\\u006F/').replace(b"\n", b"\r\n\t")
    as_text = {k: json.dumps(v) for k, v in json.loads(document)["metadata"].items()}
    for same in (
        b"\n" + escaped + b"\n",
        document.decode().encode("utf-16"),
        json.dumps({"zarr_consolidated_format": 1, "metadata": as_text}).encode(),
        document.replace(b'{\n    "metadata"', b'{"metadata": 0, "metadata"', 1),  # the last counts
    ):
        store[".zmetadata"] = same
        root = zarr.open_consolidated(store)
        assert root["foo/bar"][7] == 7
        assert root["foo/bar"].attrs.asdict() == {"units": "m"}
        assert np.isnan(root["spam"].fill_value)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"metadata": {', b'"metadata": {,'),
        (b'"metadata": {', b'"metadata" {'),
        (b'"metadata": {', b'"metadata": {"a": 1 "b": 2, '),
        (b'"metadata": {', b'"metadata": {"a": , '),
        (b'"metadata": {', b'"metadata": {"a\nb": 1, '),
        (b'"metadata": {', b'"metadata": {"\\x": 1, '),
        (b'"metadata": {', b'"metadata": {1: 1, '),
        (b"},\n    ", b",},\n    "),
        (b"},\n    ", b"}\n    "),
        (b"1\n}", b"1,\n}"),
        (b"1\n}", b"1\n"),
        (b"1\n}", b"1\n}}"),
        (b"1\n}", b"1\n}\x0b"),
    ],
)
def test_copies_in_text_that_is_no_json(store: Watched, old: bytes, new: bytes) -> None:
    document = store[".zmetadata"]
    assert old in document
    store[".zmetadata"] = document.replace(old, new)

    with pytest.raises(MetadataError, match=r"'\.zmetadata' is not a valid JSON document"):
        zarr.open_consolidated(store)
