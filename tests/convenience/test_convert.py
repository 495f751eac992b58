"""Converting hierarchies between versions 2 and 3 of the format."""

from __future__ import annotations

import io
import json
import warnings
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest

import zarr
from tests.fixtures.contents import ATTRIBUTES, COMPRESSORS, FILTERS, PLAIN, values
from zarr.codecs import (
    BloscCodec,
    BytesCodec,
    Crc32cCodec,
    GzipCodec,
    ShardingCodec,
    TransposeCodec,
    ZstdCodec,
)
from zarr.errors import (
    ContainsGroupError,
    ConversionError,
    PathNotFoundError,
    ReadOnlyError,
)

SHAPE, CHUNKS = (7, 5), (3, 2)
DTYPES = (*PLAIN, "<c8", ">c16", "|V3", ">U3", "<M8[25s]", "|S1", "<f2", ">f2")
FILLS = {"b": True, "f": np.nan, "c": complex(1, np.inf), "M": 7, "m": 7, "S": b"a", "U": "ä"}


def contents(store: Any) -> dict[str, Any]:
    """Return what is in a store: documents as JSON, chunks as bytes."""
    return {
        key: json.loads(bytes(store[key])) if is_document(key) else bytes(store[key])
        for key in store
    }


def is_document(key: str) -> bool:
    return key.rpartition("/")[2].startswith((".z", "zarr.json"))


def filled(group: Any, name: str, dtype: Any, **kwargs: Any) -> None:
    dtype = np.dtype(dtype)
    fill = FILLS.get(dtype.kind, None if dtype.kind == "V" else 3)
    kwargs = {"shape": SHAPE, "chunks": CHUNKS, "fill_value": fill, **kwargs}
    z = group.create_dataset(name, dtype=dtype, **kwargs)
    # Chunks at the edges and some that are not there.
    data = np.zeros(SHAPE, dtype) if dtype.kind == "V" and not dtype.names else values(dtype, SHAPE)
    z[2:, :3] = data[2:, :3]


@pytest.fixture(scope="module")
def hierarchy() -> dict[str, bytes]:
    """A hierarchy of every dtype, codec, order and kind of document that both versions have."""
    store: dict[str, bytes] = {}
    root = zarr.group(store)
    root.attrs.put(ATTRIBUTES)
    for order in "CF":
        for i, dtype in enumerate(DTYPES):
            filled(root, f"dtypes/{order}/{i}", dtype, order=order)
        for i, config in enumerate(COMPRESSORS):
            codec = None if config is None else numcodecs.get_codec(dict(config))
            filled(root, f"compressors/{order}/{i}", ">i4", order=order, compressor=codec)
        for name, (dtype, configs) in FILTERS.items():
            filters = [numcodecs.get_codec(dict(config)) for config in configs]
            kwargs = {"order": order, "filters": filters, "fill_value": 0}
            filled(root, f"filters/{order}/{name}", dtype, **kwargs)
    fields = [("a", ">i4"), ("b", ">f8"), ("c", [("d", "|u1"), ("e", "|S3")])]
    filled(root, "structures/pair", fields, fill_value=None)
    filled(root, "structures/filled", [("a", "<i2"), ("b", "<f4")], fill_value=(1, 2.5))
    text = root.create_dataset("objects/text", shape=5, chunks=2, dtype=str, fill_value="")
    text[:3] = ["a", "", "ßé\0"]
    data = root.create_dataset("objects/bytes", shape=5, chunks=2, dtype=bytes)
    data[:] = [b"a", b"", b"\0", b"xyz", b"\xff"]
    filled(root, "layouts/slash", "<i4", dimension_separator="/")
    filled(root, "layouts/dot", "<i4", dimension_separator=".")
    filled(root, "layouts/undefined", "<f4", fill_value=None)
    root.create_dataset("layouts/scalar", shape=(), dtype="i4")[...] = 5
    root.create_dataset("layouts/empty", shape=(0, 3), chunks=(1, 1), dtype="i4")
    root.create_dataset("layouts/shuffled", shape=9, compressor=numcodecs.Blosc(shuffle=-1))[:] = 1
    filled(root, "named", "<i4")
    root["named"].attrs.put({"_ARRAY_DIMENSIONS": ["y", "x"], "units": "m"})
    root["dtypes"].attrs["empty"] = []
    del root["dtypes"].attrs["empty"]  # leaves an empty document
    zarr.consolidate_metadata(store)
    return store


def read(store: Any) -> dict[str, np.ndarray[Any, Any]]:
    found: dict[str, np.ndarray[Any, Any]] = {}
    root = zarr.open_group(store, mode="r")
    root.visititems(lambda path, node: found.update({path: node[...]}) if is_array(node) else None)
    return found


def is_array(node: Any) -> bool:
    return isinstance(node, zarr.Array)


def assert_same_data(store: Any, other: Any) -> None:
    found, expected = read(store), read(other)
    assert found.keys() == expected.keys()
    for path, array in expected.items():
        if path.endswith("undefined"):
            continue  # one may hold anything where the other has to hold something
        np.testing.assert_array_equal(found[path], array, err_msg=path)


# -- there and back ------------------------------------------------------------------------


def test_round_trip_gives_equal_documents_and_bytes(hierarchy: dict[str, bytes]) -> None:
    store = dict(hierarchy)

    converted, skipped, nbytes = zarr.convert(store, 3)

    assert (converted, skipped, nbytes) == (sum(is_node(key) for key in hierarchy), 0, 0)
    assert {key for key in store if is_document(key)} == {
        key.replace(".zarray", "zarr.json").replace(".zgroup", "zarr.json")
        for key in hierarchy
        if is_node(key)
    }
    chunks = {key: value for key, value in hierarchy.items() if not is_document(key)}
    assert chunks == {key: value for key, value in store.items() if not is_document(key)}
    assert_same_data(store, hierarchy)

    assert zarr.convert(store, 2) == (converted, 0, 0)
    assert store == hierarchy  # to the byte, as the same library has written the documents


def is_node(key: str) -> bool:
    return key.endswith((".zarray", ".zgroup"))


def test_round_trip_by_way_of_another_place(hierarchy: dict[str, bytes]) -> None:
    source, there, back = dict(hierarchy), zarr.MemoryStore(), {"other": b"thing"}

    converted, _, nbytes = zarr.convert(source, 3, there, dest_path="a/b")
    zarr.convert(there, 2, back, path="a/b")

    assert source == hierarchy
    assert nbytes > 0
    assert back == {**hierarchy, "other": b"thing"}
    assert converted == sum(is_node(key) for key in hierarchy)
    assert set(zarr.open_group(there)) == {"a"}


@pytest.mark.parametrize("fixture", ["v2_by_2_4_0", "v2_by_2_10_3", "v2_by_2_18_7"])
def test_round_trip_of_what_others_wrote(fixture: str) -> None:
    with zarr.ZipStore(Path(__file__).parents[1] / "fixtures" / f"{fixture}.zip", mode="r") as old:
        before = {key: bytes(old[key]) for key in old}
    store = dict(before)
    try:
        zarr.convert(store, 3)
    except ConversionError as error:  # what has no data type in version 3
        for path in error.problems:
            zarr.storage.rmdir(store, path)
        zarr.consolidate_metadata(store)
        before = dict(store)
        zarr.convert(store, 3)
    assert len(before) > 100

    zarr.convert(store, 2)

    assert contents(store) == contents(before)


def test_what_changed_in_between_is_kept() -> None:
    store: dict[str, bytes] = {}
    root = zarr.group(store)
    root.create_dataset("a", shape=6, chunks=2, dtype="f4", fill_value=None)[:] = 1
    root.create_dataset("b", shape=6, chunks=2, dtype="f4", fill_value=None)[:] = 1

    zarr.convert(store, 3)
    root = zarr.open_group(store)
    root["a"].resize(3)
    root["a"].attrs["new"] = 1
    document = json.loads(store["b/zarr.json"])
    store["b/zarr.json"] = json.dumps({**document, "fill_value": 5.0}).encode()
    zarr.convert(store, 2)

    root = zarr.open_group(store)
    assert root["a"].fill_value is None
    assert root["a"].shape == (3,)
    assert root["a"].attrs.asdict() == {"new": 1}
    assert root["b"].fill_value == 5


# -- documents -----------------------------------------------------------------------------


def test_document_of_version_3() -> None:
    store: dict[str, bytes] = {}
    compressor = numcodecs.Blosc("zstd", 3, numcodecs.Blosc.BITSHUFFLE)
    z = zarr.create(
        (4, 6), chunks=(2, 3), dtype=">i4", order="F", fill_value=7, compressor=compressor,
        filters=[numcodecs.Shuffle(4)], dimension_separator="/", store=store,
    )  # fmt: skip
    z.attrs.put({"_ARRAY_DIMENSIONS": ["y", "x"], "a": 1})

    zarr.convert(store, 3)

    assert json.loads(store["zarr.json"]) == {
        "zarr_format": 3,
        "node_type": "array",
        "shape": [4, 6],
        "data_type": "int32",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2, 3]}},
        "chunk_key_encoding": {"name": "v2", "configuration": {"separator": "/"}},
        "fill_value": 7,
        "codecs": [
            {"name": "transpose", "configuration": {"order": [1, 0]}},
            {"name": "bytes", "configuration": {"endian": "big"}},
            {"name": "numcodecs.shuffle", "configuration": {"elementsize": 4}},
            {
                "name": "blosc",
                "configuration": {
                    "cname": "zstd",
                    "clevel": 3,
                    "shuffle": "bitshuffle",
                    "blocksize": 0,
                    "typesize": 4,
                },
            },
        ],
        "dimension_names": ["y", "x"],
        "attributes": {"a": 1},
    }


def test_consolidated_metadata_become_inline_and_back() -> None:
    store: dict[str, bytes] = {}
    zarr.group(store).create_dataset("a/b", shape=3).attrs["x"] = 1
    zarr.consolidate_metadata(store)

    zarr.convert(store, 3)

    consolidated = json.loads(store["zarr.json"])["consolidated_metadata"]
    assert consolidated["kind"] == "inline"
    assert set(consolidated["metadata"]) == {"a", "a/b"}
    assert zarr.open_consolidated(store)["a/b"].attrs["x"] == 1

    zarr.convert(store, 2)

    assert set(json.loads(store[".zmetadata"])["metadata"]) == {
        ".zgroup", "a/.zgroup", "a/b/.zarray", "a/b/.zattrs",
    }  # fmt: skip
    assert zarr.open_consolidated(store)["a/b"].attrs["x"] == 1


def test_without_consolidated_metadata_none_are_made() -> None:
    store: dict[str, bytes] = {}
    zarr.group(store).create_dataset("a", shape=3)
    zarr.convert(store, 3)
    assert "consolidated_metadata" not in json.loads(store["zarr.json"])
    zarr.convert(store, 2)
    assert ".zmetadata" not in store


@pytest.mark.parametrize("names", [["x"], "xy", [1, 2], None])
def test_attribute_that_names_no_dimensions_stays(names: Any) -> None:
    store: dict[str, bytes] = {}
    zarr.create((2, 2), store=store).attrs["_ARRAY_DIMENSIONS"] = names
    zarr.convert(store, 3)
    document = json.loads(store["zarr.json"])
    assert document["attributes"] == {"_ARRAY_DIMENSIONS": names}
    assert "dimension_names" not in document


def test_two_answers_for_the_names_of_dimensions() -> None:
    store: dict[str, bytes] = {}
    attributes = {"_ARRAY_DIMENSIONS": ["y"]}
    zarr.create_array(store, shape=2, dtype="i4", dimension_names=["x"], attributes=attributes)
    with pytest.raises(ConversionError, match=r"dimension_names \['x'\] and attribute"):
        zarr.convert(store, 2, {})


def test_unknown_members_are_kept() -> None:
    store: dict[str, bytes] = {}
    zarr.create(4, chunks=2, store=store)
    document = json.loads(store[".zarray"])
    document |= {"theirs": {"must_understand": False, "x": [1]}, "hint": 5}
    store[".zarray"] = json.dumps(document).encode()

    zarr.convert(store, 3)
    assert json.loads(store["zarr.json"])["theirs"] == document["theirs"]

    zarr.convert(store, 2)
    assert json.loads(store[".zarray"]) == document


# -- chunks that cannot stay ---------------------------------------------------------------


def native() -> dict[str, bytes]:
    """A hierarchy of version 3 as it is written by default, with most of what only it has."""
    store: dict[str, bytes] = {}
    root = zarr.create_group(store, attributes={"a": 1}, zarr_format=3)
    data = np.arange(80).reshape(8, 10)
    options: dict[str, dict[str, Any]] = {
        "plain": {},
        "dot": {"chunk_key_encoding": {"name": "default", "separator": "."}},
        "old-keys": {"chunk_key_encoding": {"name": "v2", "separator": "."}, "shards": (4, 10)},
        "shards": {"shards": (4, 10), "dimension_names": ["y", None]},
        "start": {
            "serializer": ShardingCodec((2, 5), [BytesCodec("big")], index_location="start"),
            "chunks": (4, 10),
        },
        "rotated": {"filters": [TransposeCodec((1, 0))], "compressors": [GzipCodec(1)]},
        "checked": {"compressors": [BloscCodec(), Crc32cCodec()]},
        "listed": {"chunks": ((5, 3), 4)},
        "listed-shards": {"chunks": (1, 2), "shards": ((5, 3), 4)},
        "cast": {"filters": [zarr.codecs.CastValueCodec("int16")], "compressors": [ZstdCodec()]},
    }
    for name, kwargs in options.items():
        z = root.create_array(name, **{"shape": (8, 10), "chunks": (2, 5), "dtype": "i4"} | kwargs)
        z[1:, :7] = data[1:, :7]
    root.create_array("text", shape=(4,), chunks=(2,), dtype="string")[:3] = ["a", "", "é"]
    z = root.create_array("octets", shape=(4,), chunks=(2,), dtype="variable_length_bytes")
    z[:2] = [b"a", b"\0"]
    root.create_array("scalar", shape=(), dtype="i4")[...] = 5
    zarr.consolidate_metadata(store)
    return store


@pytest.mark.parametrize("place", ["here", "elsewhere"])
def test_chunks_are_rewritten_if_that_is_wanted(place: str) -> None:
    before = native()
    store, dest = dict(before), None if place == "here" else {}

    converted, _, nbytes = zarr.convert(store, 2, dest, rewrite_chunks=True)

    result = store if dest is None else dest
    assert converted == 14
    assert nbytes > 0
    assert not [key for key in result if "zarr.json" in key or "/c/" in key or "/c." in key]
    assert_same_data(result, before)
    root = zarr.open_consolidated(result, mode="r")
    assert root["shards"].chunks == (2, 5)
    assert root["shards"].attrs.asdict() == {"_ARRAY_DIMENSIONS": ["y", None]}
    assert root["shards"].nchunks_initialized == 8
    if dest is not None:
        assert store == before
    else:
        assert zarr.convert(store, 2, rewrite_chunks=True) == (0, 14, 0)

    zarr.convert(result, 3)

    assert_same_data(result, before)
    assert zarr.open_group(result)["shards"]._meta.dimension_names == ("y", None)


def test_chunks_are_not_rewritten_without_being_asked() -> None:
    before = native()
    store = dict(before)
    with pytest.raises(ConversionError) as caught:
        zarr.convert(store, 2)
    assert store == before
    assert set(caught.value.problems) == set(zarr.open_group(store))
    assert "/shards: version 2 of the format has no shards; rewrite_chunks" in str(caught.value)
    assert "/dot: version 2 of the format has other chunk keys" in str(caught.value)


def test_chunks_of_which_version_3_has_no_word() -> None:
    store: dict[str, bytes] = {}
    root = zarr.group(store)
    mixed = root.create_dataset("mixed", shape=5, chunks=2, dtype=[("a", "<i4"), ("b", ">f8")])
    mixed[:3] = (1, 2.5)
    delta = root.create_dataset(
        "delta", shape=5, chunks=2, dtype=">i4", filters=[numcodecs.Delta(">i4")]
    )
    delta[:] = range(5)
    before = dict(store)
    with pytest.raises(
        ConversionError, match=r"(?s)/delta: .*big-endian.*/mixed: .*both byte orders"
    ):
        zarr.convert(store, 3)

    zarr.convert(store, 3, rewrite_chunks=True)

    assert_same_data(store, before)
    assert set(store) == {
        "zarr.json", "mixed/zarr.json", "mixed/c/0", "mixed/c/1", "mixed/c/2",
        "delta/zarr.json", "delta/c/0", "delta/c/1", "delta/c/2",
    }  # fmt: skip


@pytest.mark.parametrize("codec", [numcodecs.JSON(), numcodecs.MsgPack(), numcodecs.Pickle()])
def test_objects_without_a_data_type(codec: Any) -> None:
    store: dict[str, bytes] = {}
    zarr.group(store).create_dataset("a/b", shape=2, dtype=object, object_codec=codec)
    before = dict(store)
    with pytest.raises(ConversionError, match=r"/a/b: .*strings .* and bytes"):
        zarr.convert(store, 3, rewrite_chunks=True)
    assert store == before


def test_filters_that_would_be_read_otherwise() -> None:
    # After "delta" the byte order of version 2 is that of the filter, of version 3 another.
    store: dict[str, bytes] = {}
    z = zarr.create_array(
        store, shape=4, chunks=2, dtype="i4", serializer=BytesCodec("big"),
        filters=[{"name": "numcodecs.delta", "configuration": {"dtype": "<i4"}}],
        chunk_key_encoding="v2",
    )  # fmt: skip
    z[:] = [1, 5, 2, 8]
    with pytest.raises(ConversionError, match="encode differently"):
        zarr.convert(store, 2, {})
    dest: dict[str, bytes] = {}
    zarr.convert(store, 2, dest, rewrite_chunks=True)
    assert zarr.open_array(dest)[:].tolist() == [1, 5, 2, 8]


# -- what is said and refused --------------------------------------------------------------


def test_dry_run_tells_and_does_nothing() -> None:
    store: dict[str, bytes] = {}
    zarr.group(store).create_dataset("a", shape=3, dtype="i4").attrs["x"] = 1
    zarr.consolidate_metadata(store)
    before, log = dict(store), io.StringIO()

    assert zarr.convert(store, 3, dry_run=True, log=log) == (2, 0, 0)

    assert store == before
    planned = log.getvalue().splitlines()
    assert planned == [
        "convert /",
        "convert /a (3,) int32",
        "delete .zgroup",
        "delete .zmetadata",
        "delete a/.zarray",
        "delete a/.zattrs",
        "dry run: 2 converted, 0 skipped, 0 bytes of chunks copied",
    ]
    log = io.StringIO()
    zarr.convert(store, 3, log=log)
    assert log.getvalue().splitlines()[:-1] == planned[:-1]


def test_what_is_there_is_not_overwritten_by_accident() -> None:
    store, dest = {}, {}
    zarr.group(store).create_dataset("new", shape=3, chunks=3)[:] = 1
    zarr.group(dest).create_dataset("old", shape=3)[:] = 1
    before = dict(dest)
    with pytest.raises(ContainsGroupError):
        zarr.convert(store, 3, dest)
    assert dest == before
    zarr.convert(store, 3, dest, overwrite=True)
    assert set(dest) == {"zarr.json", "new/zarr.json", "new/0"}


def test_one_array_and_a_hierarchy_below_a_folder() -> None:
    store: dict[str, bytes] = {}
    zarr.create(4, chunks=2, store=store)[:] = 3
    zarr.convert(store, 3)
    assert set(store) == {"zarr.json", "0", "1"}
    assert zarr.open_array(store)[:].tolist() == [3] * 4

    store = {"a/b/.zgroup": b'{"zarr_format": 2}', "plain/folder/.zgroup": b'{"zarr_format": 2}'}
    zarr.convert(store, 3, path="a/b")
    assert set(store) == {"a/b/zarr.json", "plain/folder/.zgroup"}


def test_nodes_in_folders_that_are_no_nodes() -> None:
    store: dict[str, bytes] = {}
    zarr.group(store)
    zarr.create(4, chunks=2, store=store, path="a/b/c")[:] = 3
    del store["a/.zgroup"], store["a/b/.zgroup"]
    zarr.convert(store, 3)
    assert set(store) == {"zarr.json", "a/b/c/zarr.json", "a/b/c/0", "a/b/c/1"}


def test_errors() -> None:
    store: dict[str, bytes] = {}
    zarr.group(store).create_group("a").create_group("b")
    before = dict(store)
    with pytest.raises(PathNotFoundError):
        zarr.convert({}, 3)
    with pytest.raises(ValueError, match="zarr_format must be one of"):
        zarr.convert(store, 4)
    with pytest.raises(ValueError, match="zarr_format must be 2 or 3 to convert to, not 1"):
        zarr.convert(store, 1)
    with pytest.raises(ValueError, match="'a/b' is in the group 'a' of version 2"):
        zarr.convert(store, 3, path="a/b")
    with pytest.raises(ValueError, match="dest_path 'a/c' overlaps with path 'a'"):
        zarr.convert(store, 3, store, path="a", dest_path="a/c")
    with pytest.raises(ValueError, match=r"in version 2 of the format already; zarr\.copy_store"):
        zarr.convert(store, 2, {})
    assert store == before


def test_names_that_version_3_reserves_are_kept() -> None:
    store: dict[str, bytes] = {}
    zarr.group(store).create_dataset("__a/__b", data=[1, 2])
    before = dict(store)
    reserved = "version 3 of the format reserves names that begin with '__', as in /__a, /__a/__b"
    with pytest.warns(UserWarning, match=reserved) as caught:
        zarr.convert(store, 3)
    assert len(caught) == 1
    assert zarr.open(store, mode="r")["__a/__b"][:].tolist() == [1, 2]
    with pytest.warns(UserWarning, match="reserves names"):
        assert zarr.copy_all(zarr.group(before), copied := zarr.create_group())[0] == 2
    assert zarr.copy_all(copied, back := zarr.group())[0] == 2
    assert back["__a/__b"][:].tolist() == [1, 2]
    zarr.convert(store, 2)
    assert store == before


def test_drafts_and_first_versions_are_told_where_to_go() -> None:
    with zarr.ZipStore(Path(__file__).parents[1] / "fixtures" / "draft_v3.zip", mode="r") as store:
        drafts = {key: bytes(store[key]) for key in store}
    roots = {
        key.rpartition("zarr.json")[0].strip("/") for key in drafts if key.endswith("zarr.json")
    }
    store = {key[len(min(roots)) :].lstrip("/"): value for key, value in drafts.items()}
    with pytest.raises(ValueError, match=r"zarr\.copy_all copies"):
        zarr.convert(store, 3)


def test_stores(tmp_path: Path) -> None:
    folder, archive = str(tmp_path / "a.zarr"), str(tmp_path / "b.zip")
    root = zarr.open_group(folder, mode="w")
    root.create_dataset("x/y", data=np.arange(10), chunks=3)

    zarr.convert(folder, 3, archive)
    np.testing.assert_array_equal(zarr.open_group(archive, mode="r")["x/y"][:], np.arange(10))
    with pytest.raises(ReadOnlyError):
        zarr.convert(zarr.ZipStore(archive, mode="r"), 2)
    zarr.convert(archive, 2, str(tmp_path / "c.zarr"))
    assert contents(zarr.DirectoryStore(tmp_path / "c.zarr")) == contents(
        zarr.DirectoryStore(folder)
    )

    zarr.convert(folder, 3)
    assert sorted(p.name for p in (tmp_path / "a.zarr").iterdir()) == ["x", "zarr.json"]
    np.testing.assert_array_equal(zarr.open_group(folder)["x/y"][:], np.arange(10))
    with pytest.raises(ValueError, match=r"as Zarr; zarr\.copy_all"):
        zarr.convert(folder, 2, str(tmp_path / "d.n5"))


def test_nothing_is_warned_of(hierarchy: dict[str, bytes]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        zarr.convert(dict(hierarchy), 3, {})


def test_from_version_3_and_back_is_without_loss() -> None:
    store = native()
    root = zarr.open_group(store)
    for name, attributes in {
        "attribute": {"_ARRAY_DIMENSIONS": ["y", "x"], "units": "m"},
        "other": {"_ARRAY_DIMENSIONS": [1, 2]},
    }.items():
        root.create_array(name, shape=(2, 2), dtype="i4", attributes=attributes)[...] = 1
    root.create_array(
        "both", shape=(2, 2), dtype="i4", attributes={"_ARRAY_DIMENSIONS": ["y", "x"]},
        dimension_names=["y", "x"],
    )  # fmt: skip
    for key, more in {"zarr.json": {}, "plain/zarr.json": {"attributes": {"a": 1}}}.items():
        document = json.loads(store[key]) | more
        document["theirs"] = {"must_understand": False, "x": [1]}
        store[key] = json.dumps(document).encode()
    zarr.consolidate_metadata(store)
    before = contents(store)
    values = read(store)

    zarr.convert(store, 2, rewrite_chunks=True)
    zarr.convert(store, 3, rewrite_chunks=True)

    after = contents(store)
    assert {key: after[key] for key in after if is_document(key)} == {
        key: before[key] for key in before if is_document(key)
    }
    assert after.keys() >= before.keys()  # chunks of fill values may have been stored
    found = read(store)
    assert found.keys() == values.keys()
    for path, array in values.items():
        np.testing.assert_array_equal(found[path], array, err_msg=path)


@pytest.mark.parametrize("rewrite_chunks", [False, True])
def test_attributes_and_names_stay_what_they_are(rewrite_chunks: bool) -> None:
    store: dict[str, bytes] = {}
    root = zarr.create_group(store)
    a = root.create_array("a", data=np.arange(2.0), attributes={"_ARRAY_DIMENSIONS": ["x"]})
    root.create_array("b", data=np.arange(2.0), dimension_names=["x"], attributes={"old": 1})
    zarr.convert(store, 2, rewrite_chunks=True)
    root = zarr.open_group(store)
    assert root["b"].attrs["_ARRAY_DIMENSIONS"] == ["x"]
    root["a"].attrs["new"] = 2
    root["b"].append([5.0])
    del root["b"].attrs["old"]

    zarr.convert(store, 3, rewrite_chunks=rewrite_chunks)

    documents = {name: json.loads(store[f"{name}/zarr.json"]) for name in "ab"}
    assert documents["a"]["attributes"] == {"_ARRAY_DIMENSIONS": ["x"], "new": 2}
    assert "dimension_names" not in documents["a"]
    assert documents["b"].get("attributes", {}) == {}
    assert documents["b"]["dimension_names"] == ["x"]
    assert zarr.open_group(store, mode="r")["b"][:].tolist() == [0, 1, 5]
    assert ("c/0" in "".join(store)) == rewrite_chunks
    assert a.dtype == "f8"
