"""What ``zarr.json`` says is understood, checked, and written back as it was."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import zarr
from zarr.errors import (
    ArrayNotFoundError,
    ContainsArrayError,
    ContainsGroupError,
    MetadataError,
)
from zarr.storage import KVStore

BYTES = {"name": "bytes", "configuration": {"endian": "little"}}
ZSTD = {"name": "zstd", "configuration": {"level": 0, "checksum": False}}


def document(**changes: Any) -> dict[str, Any]:
    """Return the document of an array, with some members changed or, if None, left out."""
    members = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": [4, 6],
        "data_type": "int32",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2, 3]}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 7,
        "codecs": [BYTES, ZSTD],
        "attributes": {"b": 1, "a": [1.5, None]},
    } | changes
    return {name: value for name, value in members.items() if value is not None}


def stored(members: dict[str, Any]) -> dict[str, bytes]:
    return {"zarr.json": json.dumps(members).encode()}


def opened(**changes: Any) -> zarr.Array:
    return zarr.open_array(stored(document(**changes)), mode="r+")


def found(store: Any, key: str = "zarr.json") -> dict[str, Any]:
    return dict(json.loads(bytes(store[key])))


# -- what is written -------------------------------------------------------------------


def test_a_new_array_is_what_the_ecosystem_writes() -> None:
    z = zarr.create_array(shape=(4, 6), chunks=(2, 3), dtype="i4")
    assert found(z.store) == {
        "zarr_format": 3,
        "node_type": "array",
        "shape": [4, 6],
        "data_type": "int32",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2, 3]}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 0,
        "codecs": [BYTES, ZSTD],
        "attributes": {},
    }


def test_the_arguments_of_2_make_what_they_mean() -> None:
    z = zarr.create(
        (4, 6), chunks=(2, 3), dtype=">f4", order="F", fill_value=np.nan, zarr_version=3,
        compressor=zarr.Blosc("zstd", 3, zarr.Blosc.BITSHUFFLE), filters=[zarr.codecs.Shuffle(4)],
        dimension_separator=".",
    )  # fmt: skip
    members = found(z.store)
    assert members["data_type"] == "float32"
    assert members["fill_value"] == "NaN"
    assert members["chunk_key_encoding"]["configuration"] == {"separator": "."}
    assert members["codecs"] == [
        {"name": "transpose", "configuration": {"order": [1, 0]}},
        {"name": "bytes", "configuration": {"endian": "big"}},
        {"name": "numcodecs.shuffle", "configuration": {"elementsize": 4}},
        {
            "name": "blosc",
            "configuration": {
                "cname": "zstd", "clevel": 3, "shuffle": "bitshuffle", "blocksize": 0,
                "typesize": 4,
            },
        },
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("dtype", "shuffle", "name", "typesize"),
    [
        ("i8", zarr.Blosc.AUTOSHUFFLE, "shuffle", 8),
        ("i1", zarr.Blosc.AUTOSHUFFLE, "bitshuffle", 1),
        ("c16", zarr.Blosc.NOSHUFFLE, "noshuffle", 16),
        (str, zarr.Blosc.SHUFFLE, "shuffle", 1),
    ],
)
def test_blosc_says_how_it_shuffles(dtype: Any, shuffle: int, name: str, typesize: int) -> None:
    z = zarr.create(4, dtype=dtype, zarr_version=3, compressor=zarr.Blosc(shuffle=shuffle))
    configuration = found(z.store)["codecs"][-1]["configuration"]
    assert (configuration["shuffle"], configuration["typesize"]) == (name, typesize)


def test_both_names_of_the_version_mean_the_same() -> None:
    one = zarr.zeros(3, zarr_version=3)
    other = zarr.zeros(3, zarr_format=3)
    assert found(one.store) == found(other.store)
    with pytest.raises(ValueError, match="mean the same"):
        zarr.zeros(3, zarr_version=2, zarr_format=3)


@pytest.mark.parametrize(
    "options",
    [
        {"shards": 4},
        {"dimension_names": ["x"]},
        {"serializer": zarr.codecs.BytesCodec()},
        {"codecs": [zarr.codecs.BytesCodec()]},
        {"chunk_key_encoding": "default"},
    ],
)
def test_what_only_version_3_has_makes_version_3(options: dict[str, Any]) -> None:
    z = zarr.create(4, chunks=2, **options)
    assert "zarr.json" in z.store


@pytest.mark.parametrize(
    "options", [{"shards": 4}, {"dimension_names": ["x"]}, {"chunk_key_encoding": "default"}]
)
def test_what_only_version_3_has_is_not_for_version_2(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="version 2"):
        zarr.create(4, chunks=2, zarr_format=2, **options)


def test_new_arrays_are_of_version_2_otherwise() -> None:
    z = zarr.create(4, compressors=[zarr.codecs.GzipCodec(level=3)], attributes={"a": 1})
    assert found(z.store, ".zarray")["compressor"] == {"id": "gzip", "level": 3}
    assert found(z.store, ".zattrs") == {"a": 1}


@pytest.mark.parametrize(
    ("encoding", "ndim", "key"),
    [
        ("default", 2, "c/0/0"),
        ({"name": "default", "separator": "."}, 2, "c.0.0"),
        ({"name": "default", "configuration": {"separator": "."}}, 1, "c.0"),
        ("default", 0, "c"),
        ("v2", 2, "0.0"),
        ({"name": "v2", "separator": "/"}, 2, "0/0"),
        ("v2", 0, "0"),
    ],
)
def test_chunk_keys(encoding: Any, ndim: int, key: str) -> None:
    store = KVStore({})
    z = zarr.create_array(store, shape=(1,) * ndim, dtype="i4", chunk_key_encoding=encoding)
    z[...] = 1
    assert sorted(store) == sorted([key, "zarr.json"])
    assert zarr.open_array(store)[...] == 1


def test_dimension_names_and_attributes() -> None:
    z = zarr.create_array(
        shape=(1, 1), dtype="i4", dimension_names=["x", None], attributes={"z": 1, "a": "ü"}
    )
    members = found(z.store)
    assert members["dimension_names"] == ["x", None]
    assert list(members["attributes"]) == ["z", "a"]
    assert dict(z.attrs) == {"z": 1, "a": "ü"}


@pytest.mark.parametrize("names", [["x"], ["x", 1], ["x", "y", "z"]])
def test_dimension_names_are_checked(names: list[Any]) -> None:
    with pytest.raises(ValueError, match="dimension_names"):
        zarr.create_array(shape=(1, 1), dtype="i4", dimension_names=names)


def test_arrays_like_one_of_version_3() -> None:
    z = zarr.create_array(
        shape=(8, 8), chunks=(2, 2), shards=(4, 4), dtype="f4", fill_value=5,
        dimension_names=["x", "y"],
        compressors=[zarr.codecs.BloscCodec(), zarr.codecs.Crc32cCodec()],
        serializer=zarr.codecs.BytesCodec(endian="big"), order="F",
    )  # fmt: skip
    like = found(zarr.full_like(z).store)
    original = found(z.store)
    assert like == original
    empty = found(zarr.zeros_like(z, compressors=None, zarr_format=3).store)
    assert len(empty["codecs"][0]["configuration"]["codecs"]) == 2


# -- what is read and written back -------------------------------------------------------


LEGAL: list[dict[str, Any]] = [
    {},
    {"attributes": None},
    {"codecs": ["bytes"], "data_type": "uint8"},
    {"data_type": {"name": "int32"}},
    {"chunk_key_encoding": "default"},
    {"chunk_key_encoding": {"name": "v2"}},
    {"storage_transformers": []},
    {"dimension_names": ["x", None]},
    {"unheard_of": {"must_understand": False, "more": [1]}},
    {"fill_value": "0x7fc00001", "data_type": "float32"},
    {"fill_value": 1, "data_type": "float64"},
    {"fill_value": [1, "NaN"], "data_type": "complex64"},
    {"codecs": [{"name": "unheard-of", "must_understand": False}, BYTES]},
    {"codecs": [BYTES, {"name": "numcodecs/zlib", "configuration": {"id": "zlib", "level": 1}}]},
    {"codecs": [BYTES, {"name": "https://zarr.dev/numcodecs/bz2", "configuration": {"level": 1}}]},
    {"codecs": [{"name": "transpose", "configuration": {"order": [1, 0]}}, BYTES]},
    {"codecs": [{"name": "transpose", "configuration": {"order": "F"}}, BYTES]},
    {"codecs": [{"name": "endian", "configuration": {"endian": "big"}}]},
    {
        "data_type": {"name": "struct", "configuration": {"fields": [
            {"name": "a", "data_type": "int8"}, {"name": "b", "data_type": {"name": "float32"}},
        ]}},
        "fill_value": {"a": 1, "b": "NaN"},
    },
    {
        "codecs": [
            {"name": "sharding_indexed", "configuration": {
                "chunk_shape": [1, 3], "codecs": [BYTES, ZSTD], "index_codecs": [BYTES],
                "index_location": "start",
            }}
        ]
    },
]  # fmt: skip


@pytest.mark.parametrize("changes", LEGAL, ids=repr)
def test_a_document_is_written_back_as_it_was(changes: dict[str, Any]) -> None:
    before = document(**changes)
    store = stored(before)
    z = zarr.open_array(store, mode="r+")
    z.attrs["new"] = 1
    z.resize(5, 6)
    attributes = {**before.get("attributes", {}), "new": 1}
    assert found(store) == {**before, "shape": [5, 6], "attributes": attributes}


@pytest.mark.parametrize("changes", LEGAL, ids=repr)
def test_data_go_there_and_back(changes: dict[str, Any]) -> None:
    store = stored(document(**changes))
    z = zarr.open_array(store, mode="r+")
    values = np.arange(24).reshape(4, 6).astype(z.dtype if z.dtype.names is None else "i1")
    if z.dtype.names is not None:
        values = np.array([(v, v / 2) for v in values.flat], z.dtype).reshape(4, 6)
    z[...] = values
    z[1:3, 2:5] = values[1:3, 2:5][::-1]
    values[1:3, 2:5] = values[1:3, 2:5][::-1].copy()
    again = zarr.open_array(store, mode="r")
    assert again[...].tobytes() == values.tobytes()
    assert again[3, 1] == values[3, 1]


def test_a_change_is_spelled_anew() -> None:
    store = stored(document(fill_value="0x7fc00001", data_type="float32"))
    z = zarr.open_array(store, mode="r+")
    z.fill_value = 2.5
    assert found(store) == document(fill_value=2.5, data_type="float32")
    assert z[0, 0] == 2.5


# -- what is refused -----------------------------------------------------------------------

ILLEGAL: list[tuple[dict[str, Any], str]] = [
    ({"zarr_format": 4}, "zarr_format must be 3"),
    ({"node_type": "table"}, "node_type"),
    ({"node_type": None}, "node_type"),
    *[({name: None}, f"missing: {name}") for name in ("shape", "data_type", "codecs")],
    ({"unheard_of": 1}, "'unheard_of' is not known"),
    ({"unheard_of": {"must_understand": True}}, "'unheard_of' is not known"),
    ({"storage_transformers": [{"name": "x"}]}, "storage transformer"),
    ({"shape": [4, -1]}, "shape"),
    ({"shape": [4, 1.5]}, "shape"),
    ({"shape": 4}, "shape"),
    ({"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2]}}}, "chunk_shape"),
    ({"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [0, 1]}}}, "chunk_shape"),
    ({"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2**62] * 2}}}, "large"),
    ({"chunk_grid": {"name": "hexagonal"}}, "hexagonal"),
    ({"chunk_key_encoding": {"name": "zigzag"}}, "zigzag"),
    ({"chunk_key_encoding": {"name": "v2", "configuration": {"separator": "-"}}}, "separator"),
    ({"data_type": "int12"}, "int12"),
    ({"data_type": 5}, "data_type"),
    ({"data_type": {"name": "int32", "configuration": {"a": 1}}}, "configuration"),
    ({"fill_value": 2**40}, "fill_value"),
    ({"fill_value": "x"}, "fill_value"),
    ({"codecs": [BYTES, BYTES]}, "exactly one"),
    ({"codecs": [ZSTD, BYTES]}, "wrong pos"),
    ({"codecs": [BYTES, {"name": "transpose", "configuration": {"order": [1, 0]}}]}, "wrong pos"),
    ({"codecs": [{"name": "transpose", "configuration": {"order": [1, 1]}}, BYTES]}, "permutation"),
    ({"codecs": [BYTES, {"name": "unheard-of"}]}, "'unheard-of' is not known"),
    ({"codecs": [BYTES, {"name": 5}]}, "name"),
    ({"codecs": [BYTES, {"name": "gzip", "configuration": 5}]}, "configuration"),
    ({"codecs": [{"name": "vlen-utf8"}]}, "vlen-utf8"),
    ({"data_type": "string", "fill_value": ""}, "cannot encode"),
    ({"dimension_names": ["x"]}, "dimension_names"),
    ({"attributes": [1]}, "attributes"),
    ({"codecs": [{"name": "sharding_indexed", "configuration": {
        "chunk_shape": [2, 2], "codecs": [BYTES], "index_codecs": [BYTES]}}]}, "divide the shard"),
    ({"codecs": [{"name": "sharding_indexed", "configuration": {
        "chunk_shape": [2, 3], "codecs": [BYTES]}}]}, "codecs must be a list"),
    ({"codecs": [{"name": "sharding_indexed", "configuration": {
        "chunk_shape": [2, 3], "codecs": [BYTES], "index_codecs": [BYTES],
        "index_location": "middle"}}]}, "index_location"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "message"), ILLEGAL, ids=[repr(i[0]) for i in ILLEGAL])
def test_a_document_that_makes_no_sense(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(MetadataError, match=message) as caught:
        opened(**changes)
    assert "zarr.json" in str(caught.value)


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b'"x"', b"\xff", b"[" * 100_000])
def test_a_document_that_is_no_object(text: bytes) -> None:
    with pytest.raises(MetadataError, match=r"zarr\.json"):
        zarr.open_array({"zarr.json": text}, mode="r")


@pytest.mark.parametrize(
    ("codec", "message"),
    [
        ({"name": "blosc", "configuration": {"cname": "lz4", "shuffle": "shuffle"}}, "blosc"),
        ({"name": "blosc", "configuration": {"shuffle": "sideways", "typesize": 4}}, "blosc"),
        ({"name": "numcodecs.bz2", "configuration": {"nonsense": 1}}, "bz2"),
    ],
)
def test_a_codec_that_does_not_take_its_configuration(codec: Any, message: str) -> None:
    z = opened(codecs=[BYTES, codec])
    with pytest.raises(MetadataError, match=message):
        z[...]


# -- groups ----------------------------------------------------------------------------------


def test_groups_and_arrays_in_one_hierarchy() -> None:
    root = zarr.create_group(attributes={"title": "täst"})
    root.create_group("a/b", attributes={"x": 1})
    root["a"].create_array("c", shape=4, dtype="i4")
    root.zeros("d", shape=3)
    root["d"].attrs["units"] = "m"

    again = zarr.open_group(root.store, mode="r")

    assert dict(again.attrs) == {"title": "täst"}
    assert list(again) == ["a", "d"]
    assert list(again["a"].group_keys()) == ["b"]
    assert list(again["a"].array_keys()) == ["c"]
    assert dict(again["a/b"].attrs) == {"x": 1}
    assert dict(again["d"].attrs) == {"units": "m"}
    assert "d" in again
    assert "e" not in again
    assert sorted(k for k in root.store if k.endswith(".json")) == [
        "a/b/zarr.json", "a/c/zarr.json", "a/zarr.json", "d/zarr.json", "zarr.json",
    ]  # fmt: skip


def test_a_group_keeps_what_we_do_not_know() -> None:
    members = {
        "zarr_format": 3,
        "node_type": "group",
        "consolidated_metadata": {"kind": "inline", "must_understand": False, "metadata": {}},
        "unheard_of": {"must_understand": False},
    }
    store = stored(members)
    zarr.open_group(store, mode="r+").attrs["a"] = 1
    assert found(store) == {**members, "attributes": {"a": 1}}


@pytest.mark.parametrize("changes", [{"zarr_format": 2}, {"unheard_of": 1}, {"attributes": 5}])
def test_a_group_that_makes_no_sense(changes: dict[str, Any]) -> None:
    store = stored({"zarr_format": 3, "node_type": "group", **changes})
    with pytest.raises(MetadataError):
        zarr.open_group(store, mode="r")


def test_the_kind_of_a_node_is_in_its_document() -> None:
    root = zarr.create_group()
    root.create_array("a", shape=3, dtype="i4")
    with pytest.raises(ContainsGroupError):
        zarr.open_array(root.store, mode="r")
    with pytest.raises(ArrayNotFoundError):
        zarr.Array(root.store)
    with pytest.raises(ContainsArrayError):
        zarr.open_group(root.store, path="a", mode="r")
    with pytest.raises(ContainsArrayError):
        root.create_group("a/b")


def test_moving_and_deleting() -> None:
    root = zarr.create_group()
    root.create_array("a/b", data=np.arange(4))
    root.move("a/b", "c/d")
    assert list(root["c/d"]) == [0, 1, 2, 3]
    del root["c"]
    assert list(root) == ["a"]


RESERVED = "version 3 of the format reserves names that begin with '__'"


def test_reserved_names_of_others_are_seen() -> None:
    root = zarr.create_group()
    inner = zarr.create_array({}, shape=2, dtype="i4").store
    root.store.update(
        {"__a/zarr.json": root.store["zarr.json"], "__a/__b/zarr.json": inner["zarr.json"]}
    )
    assert list(root) == ["__a"]
    assert list(root["__a"]) == ["__b"]
    assert "__a/__b" in root
    assert root["__a/__b"][:].tolist() == [0, 0]
    seen: list[str] = []
    root.visit(seen.append)
    assert seen == ["__a", "__a/__b"]
    assert "__b" in str(root.tree())
    zarr.consolidate_metadata(root.store)
    assert list(zarr.open_consolidated(root.store)["__a"]) == ["__b"]
    root.move("__a", "c")
    del root["c/__b"]
    assert list(root["c"]) == []


CREATED = {
    "create_group": lambda root: root.create_group("__a"),
    "create_dataset": lambda root: root.create_dataset("__a", data=[1, 2]),
    "parent": lambda root: root.create_dataset("x/__a/b", data=[1, 2]),
    "move": lambda root: root.move("old", "__a"),
    "parent of a move": lambda root: root.move("old", "__a/b"),
    "save": lambda root: zarr.save_array(root.store, np.arange(2), path="__a", zarr_version=3),
    "copy": lambda root: zarr.copy(root["old"], root, name="__a"),
}


@pytest.mark.parametrize("create", CREATED.values(), ids=CREATED)
def test_reserved_names_are_created_with_a_warning(create: Any) -> None:
    root = zarr.create_group()
    root.create_group("old")
    with pytest.warns(UserWarning, match=RESERVED) as caught:
        create(root)
    assert len(caught) == 1
    # xarray calls arrays without a name so; in its tests, what warns at its lines is an error.
    assert caught[0].filename == zarr.storage.nodes.__file__
    assert "__a" in root or list(root["x"]) == ["__a"]
    assert list(zarr.group()) == []
    zarr.group().create_group("__a")  # version 2 reserves no names


def test_version_2_by_its_number() -> None:
    store: dict[str, bytes] = {}
    zarr.zeros(3, store=store)
    zarr.zeros(5, store=store, zarr_version=3, overwrite=False, path="x")
    assert zarr.open(store, zarr_version=2).shape == (3,)
    assert zarr.open(store, path="x").shape == (5,)


def test_a_version_2_array_opens_with_one_read() -> None:
    reads: list[str] = []

    class Counting(KVStore):
        def __getitem__(self, key: str) -> Any:
            reads.append(key)
            return super().__getitem__(key)

        def getitems(self, keys: Any) -> Any:
            reads.extend(keys)
            return super().getitems(keys)

    store = Counting({})
    zarr.zeros(3, store=store)
    reads.clear()
    zarr.Array(store)
    assert reads == ["zarr.json", ".zarray"]
    reads.clear()
    zarr.Array(store, zarr_version=2)
    assert reads == [".zarray"]


# -- consolidated metadata -------------------------------------------------------------------


def test_consolidated_metadata_are_inline(tmp_path: Any) -> None:
    path = str(tmp_path / "a.zarr")
    root = zarr.create_group(path, attributes={"t": 1})
    root.create_array("x/a", data=np.arange(4), attributes={"q": 2})
    zarr.consolidate_metadata(path)

    members = json.loads((tmp_path / "a.zarr" / "zarr.json").read_text())
    assert list(members["consolidated_metadata"]["metadata"]) == ["x", "x/a"]
    assert members["consolidated_metadata"]["kind"] == "inline"
    assert members["consolidated_metadata"]["must_understand"] is False

    again = zarr.open_consolidated(path)
    assert dict(again.attrs) == {"t": 1}
    assert list(again["x/a"]) == [0, 1, 2, 3]
    assert dict(again["x/a"].attrs) == {"q": 2}
    assert dict(zarr.open(path).attrs) == {"t": 1}
