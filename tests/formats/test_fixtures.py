"""Data written by others, some of it long ago, read bit for bit."""

from __future__ import annotations

import base64
import itertools
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr
from zarr.errors import ReadOnlyError

FIXTURES = Path(__file__).parents[1] / "fixtures"
sys.path.insert(0, str(FIXTURES))  # where its scripts find it, too

import contents  # noqa: E402
import make_v1  # noqa: E402

RELEASES = ("2_4_0", "2_10_3", "2_18_7")
ARRAYS = {name: (data, options) for name, data, options in contents.arrays()}
NOT_WRITTEN = {
    # What these releases could not write, as the scripts report it.
    "2_4_0": {"fills/structure"},
    "2_10_3": {"fills/structure"},
    "2_18_7": set(),
    "draft": set(),
}


def values_of(fixture: str) -> dict[str, bytes]:
    with zipfile.ZipFile(FIXTURES / f"{fixture}.zip") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def assert_same(found: Any, wanted: Any) -> None:
    found, wanted = np.asarray(found), np.asarray(wanted)
    assert found.dtype == wanted.dtype
    assert found.shape == wanted.shape
    if not wanted.dtype.hasobject:
        assert found.tobytes() == wanted.tobytes()
        return
    for one, other in zip(found.ravel(), wanted.ravel(), strict=True):
        assert type(one) is type(other)
        assert np.array_equal(one, other)


@pytest.fixture(scope="module", params=RELEASES)
def by_release(request: pytest.FixtureRequest) -> tuple[str, dict[str, bytes]]:
    return request.param, values_of(f"v2_by_{request.param}")


@pytest.mark.parametrize("name", ARRAYS)
def test_array_of_an_old_release(by_release: tuple[str, dict[str, bytes]], name: str) -> None:
    release, values = by_release
    root = zarr.open_group(values, mode="r")
    assert (name in root) == (name not in NOT_WRITTEN[release])

    if name in root:
        assert_same(root[name][...], contents.expected(*ARRAYS[name]))


def test_attributes_of_an_old_release(by_release: tuple[str, dict[str, bytes]]) -> None:
    root = zarr.open_group(by_release[1], mode="r")

    assert root.attrs.asdict() == contents.ATTRIBUTES
    assert root["layouts/scalar"].attrs.asdict() == contents.ATTRIBUTES


def test_consolidated_metadata_of_an_old_release(by_release: tuple[str, dict[str, bytes]]) -> None:
    values = by_release[1]
    written = json.loads(values[".zmetadata"])

    root = zarr.open_consolidated(dict(values), mode="r")
    zarr.consolidate_metadata(values, ".again")

    assert json.dumps(json.loads(values[".again"])) == json.dumps(written)
    assert set(root) == {name.partition("/")[0] for name in ARRAYS}
    assert_same(root["layouts/column_major"][...], ARRAYS["layouts/column_major"][0])


def _padded(document: bytes) -> Any:
    """Return a document with the zeros that fill up a string, which old releases left out."""
    members = json.loads(document)
    if isinstance(members["dtype"], str) and members["dtype"].startswith("|S"):
        fill = np.array(base64.b64decode(members["fill_value"] or ""), members["dtype"])
        members["fill_value"] = base64.b64encode(fill.tobytes()).decode()
    return members


def test_documents_of_an_old_release_are_written_back_unchanged(
    by_release: tuple[str, dict[str, bytes]],
) -> None:
    values = by_release[1]
    root = zarr.open_group(values, mode="r")
    for name, node in root.arrays(recurse=True):
        key = f"{node.path}/.zarray"
        assert _padded(node._format.dump_array(node._meta)) == _padded(values[key]), name


# -- version 1 -----------------------------------------------------------------------------


@pytest.fixture
def version_1(tmp_path: Path) -> Path:
    with zipfile.ZipFile(FIXTURES / "v1.zip") as archive:
        archive.extractall(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", make_v1.ARRAYS)
def test_array_in_version_1_is_read_where_it_is(version_1: Path, name: str) -> None:
    before = {path: path.read_bytes() for path in (version_1 / name).iterdir()}
    z = zarr.open(version_1 / name, mode="r")

    assert_same(z[...], make_v1.data_of(name))
    assert z.attrs.asdict() == (contents.ATTRIBUTES if name == "column_major" else {})
    assert {path: path.read_bytes() for path in (version_1 / name).iterdir()} == before


@pytest.mark.parametrize("name", make_v1.ARRAYS)
def test_array_in_version_1_is_migrated(version_1: Path, name: str) -> None:
    store = zarr.DirectoryStore(version_1 / name)
    chunks = {key: store[key] for key in store if key not in ("meta", "attrs")}

    zarr.storage.migrate_1to2(store)

    z = zarr.open_array(store, mode="r", zarr_version=2)
    assert_same(z[...], make_v1.data_of(name))
    assert z.attrs.asdict() == (contents.ATTRIBUTES if name == "column_major" else {})
    assert {key: store[key] for key in store if not key.startswith(".z")} == chunks
    with pytest.raises(KeyError, match="meta"):
        zarr.storage.migrate_1to2(store)


def test_migration_cut_short_is_completed_by_a_second_call(version_1: Path) -> None:
    values = {path.name: path.read_bytes() for path in (version_1 / "structure").iterdir()}

    class Fragile(dict[str, bytes]):
        left = 0

        def spend(self) -> None:
            self.left -= 1
            if self.left < 0:
                raise OSError("out of luck")

        def __setitem__(self, key: str, value: bytes) -> None:
            self.spend()
            super().__setitem__(key, value)

        def __delitem__(self, key: str) -> None:
            self.spend()
            super().__delitem__(key)

    for steps in itertools.count():
        store = Fragile(values)
        store.left = steps
        try:
            zarr.storage.migrate_1to2(store)
            break
        except OSError:
            store.left = 10
            assert_same(zarr.open_array(store, mode="r")[...], make_v1.data_of("structure"))
            zarr.storage.migrate_1to2(store)
            z = zarr.open_array(store, mode="r", zarr_version=2)
            assert_same(z[...], make_v1.data_of("structure"))
    assert steps > 2


def test_chunks_in_version_1_can_be_written_but_metadata_cannot(version_1: Path) -> None:
    z = zarr.open(version_1 / "column_major", mode="r+")
    wanted = make_v1.data_of("column_major")

    z[1:3] = wanted[1:3] = 7
    z.attrs["more"] = 1

    z = zarr.open(version_1 / "column_major", mode="a")
    assert_same(z[...], wanted)
    assert z.attrs["more"] == 1
    with pytest.raises(ReadOnlyError, match="migrate_1to2"):
        z.resize(8, 5, 6)
    with pytest.raises(ReadOnlyError, match="migrate_1to2"):
        zarr.create(5, store={}, zarr_version=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"compression_opts": "much"}, "compression_opts"),
        ({"compression": 5}, "compression"),
        ({"compression": "zfp9000"}, "zfp9000"),
        ({"shape": [-1, 2]}, "shape"),
        ({"dtype": "<x7"}, "dtype"),
        ({"order": "D"}, "order"),
    ],
)
def test_impossible_document_in_version_1(change: dict[str, Any], message: str) -> None:
    document = {
        "zarr_format": 1, "shape": [4, 5], "chunks": [2, 2], "dtype": "<i4", "order": "C",
        "fill_value": 0, "compression": "zlib", "compression_opts": 1,
    }  # fmt: skip

    with pytest.raises(zarr.MetadataError, match=message):
        zarr.open_array({"meta": json.dumps(document | change).encode(), "attrs": b"{}"})[...]


def test_a_key_named_meta_is_not_mistaken_for_version_1() -> None:
    for document in (b"\xff", b"[]", b'{"zarr_format": 2}', b"{}"):
        store = {"meta": document}
        assert not zarr.storage.contains_array(store)
        zarr.open_group(store, mode="w-")


# -- the draft of version 3 ----------------------------------------------------------------


@pytest.fixture(scope="module")
def draft() -> dict[str, bytes]:
    return values_of("draft_v3")


@pytest.mark.parametrize("name", ARRAYS)
def test_array_of_the_draft(draft: dict[str, bytes], name: str) -> None:
    z = zarr.open(draft, mode="r", path=name)

    data, options = ARRAYS[name]
    assert_same(z[...], contents.expected(data, options))
    assert z.chunks == options.get("chunks", data.shape)
    assert z.attrs.asdict() == ({"units": "m"} if name.startswith("filters") else {})


@pytest.mark.parametrize("case", contents.SHARDED, ids=lambda case: case[0])
def test_sharded_array_of_the_draft(draft: dict[str, bytes], case: tuple[Any, ...]) -> None:
    name, shape, chunks, _, written = case
    z = zarr.open_array(draft, mode="r", path=f"sharded/{name}")
    wanted = contents.expected_sharded(shape, written)

    assert z.chunks == chunks
    assert_same(z[...], wanted)
    assert_same(z[1:7:2], wanted[1:7:2])
    assert z[(0,) * len(shape)] == wanted[(0,) * len(shape)]


def test_hierarchy_of_the_draft(draft: dict[str, bytes]) -> None:
    root = zarr.open_group(draft, mode="r")
    folders = {name.partition("/")[0] for name in ARRAYS}

    assert root.attrs.asdict() == {"title": "a draft"}
    assert set(root) == folders | {"explicit", "sharded"}
    assert sorted(name for name, _ in root["dtypes"].arrays()) == sorted(
        name.partition("/")[2] for name in ARRAYS if name.startswith("dtypes/")
    )
    assert root["explicit/below"].attrs.asdict() == {"depth": 2}
    assert root["explicit"].attrs.asdict() == {}
    assert "explicit" in root
    assert "nowhere" not in root
    assert isinstance(zarr.open(draft, mode="r", path="explicit"), zarr.Group)


def test_attributes_of_the_draft_in_stores_for_the_3_x_library(
    draft: dict[str, bytes], tmp_path: Path
) -> None:
    store = zarr.storage.LocalStore(tmp_path / "draft")
    store.setitems(draft)
    root, same = zarr.open_group(draft, mode="r"), zarr.open_group(store, mode="r")

    assert same.attrs.asdict() == {"title": "a draft"}
    assert same["explicit/below"].attrs.asdict() == {"depth": 2}
    for name in ARRAYS:
        assert same[name].attrs.asdict() == root[name].attrs.asdict()


def test_hierarchy_of_the_draft_is_migrated_by_copying(draft: dict[str, bytes]) -> None:
    source, dest = zarr.open_group(draft, mode="r"), zarr.group()

    zarr.copy_all(source, dest)

    assert dest.attrs.asdict() == {"title": "a draft"}
    for name, (data, options) in ARRAYS.items():
        assert_same(dest[name][...], contents.expected(data, options))
        old, new = source[name], dest[name]
        assert (new.compressor, new.filters, new.order) == (old.compressor, old.filters, old.order)
        assert new.attrs.asdict() == old.attrs.asdict()
    for name, shape, _, _, written in contents.SHARDED:
        assert_same(dest[f"sharded/{name}"][...], contents.expected_sharded(shape, written))


def test_draft_metadata_cannot_be_changed(draft: dict[str, bytes]) -> None:
    values = dict(draft)
    root = zarr.open_group(values, mode="r+")

    for change in (
        lambda: root.create_group("new"),
        lambda: root.zeros("new", shape=1),
        lambda: root.attrs.update(a=1),
        lambda: root["layouts/column_major"].resize(8, 5, 3),
        root["layouts/column_major"].attrs.clear,
        lambda: root.move("layouts", "plans"),
        lambda: root.__delitem__("layouts"),
    ):
        with pytest.raises(ReadOnlyError):
            change()
    assert values == draft


def test_chunks_of_the_draft_can_be_changed(draft: dict[str, bytes]) -> None:
    values = dict(draft)
    z = zarr.open_array(values, mode="r+", path="layouts/column_major")

    z[2:5] = 7

    wanted = ARRAYS["layouts/column_major"][0].copy()
    wanted[2:5] = 7
    assert_same(zarr.open_array(values, mode="r", path="layouts/column_major")[...], wanted)
    assert set(values) == set(draft)


def test_draft_is_told_from_final_version_3(draft: dict[str, bytes]) -> None:
    array = zarr.open(draft, mode="r", path="layouts/empty")
    assert "final" not in repr(type(array._format)).lower()
    with pytest.raises(ValueError, match="nothing found"):
        zarr.open(draft, mode="r", zarr_version=3)
