"""Documents that say something absurd, keys that no path reaches, values nested very deep."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest

import zarr
from zarr.errors import ChunkDecodeError, MetadataError, ZarrError
from zarr.storage.n5 import N5View

GROUP = b'{"zarr_format": 2}'
GROUP_3 = b'{"zarr_format": 3, "node_type": "group"}'


def array_document(**members: Any) -> bytes:
    store: dict[str, bytes] = {}
    zarr.create(4, chunks=2, dtype="i4", store=store, compressor=None)
    return json.dumps({**json.loads(store[".zarray"]), **members}).encode()


# -- keys ---------------------------------------------------------------------------------

FOLDERS = [
    "",
    "/",
    "//x",
    "/abs",
    "..",
    "../x",
    ".",
    "a/./b",
    "a//b",
    "d\\..\\..\\x",
    "x\\",
    "a/..",
]
"""Folders that are no paths of nodes."""

STORES: dict[str, Callable[[dict[str, bytes], Path], Any]] = {
    "dict": lambda files, _: files,
    "memory": lambda files, _: _filled(zarr.MemoryStore(), files),
    "cache": lambda files, _: zarr.LRUStoreCache(files, None),
    "ZIP": lambda files, folder: _archive(folder / "a.zip", files),
}


def _filled(store: Any, files: dict[str, bytes]) -> Any:
    for key, data in files.items():
        store.root[key] = data
    return store


def _archive(path: Path, files: dict[str, bytes]) -> Any:
    import zipfile

    with zipfile.ZipFile(path, "w") as archive:
        for key, data in files.items():
            archive.writestr(key, data)
    return zarr.ZipStore(str(path), mode="r")


def with_strange_keys(version: int) -> dict[str, bytes]:
    """Return a group with one array, and copies of it where no node can be."""
    files: dict[str, bytes] = {}
    g = zarr.open_group(files, mode="w", zarr_format=version)
    g.create_dataset("good", data=np.arange(4))
    group = GROUP if version == 2 else GROUP_3
    name = ".zgroup" if version == 2 else "zarr.json"
    for folder in FOLDERS:
        files[f"{folder}/{name}"] = group
        files |= {f"{folder}/{k}": v for k, v in files.items() if k.startswith("good/")}
    return {key: bytes(data) for key, data in files.items()}


@pytest.mark.parametrize("version", [2, 3])
def test_no_node_is_where_no_path_leads(version: int) -> None:
    g = zarr.open_group(with_strange_keys(version), mode="r")
    assert set(g) <= {"good", "a"}
    assert len(g) == len(list(g)) == len(list(g.groups())) + len(list(g.arrays()))
    seen: list[str] = []
    g.visit(seen.append)
    for path in seen:
        assert g[path].path == path
    assert repr(g.tree())


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("as_array", [True, False])
def test_such_keys_are_ignored_one_by_one(version: int, folder: str, as_array: bool) -> None:
    files: dict[str, bytes] = {}
    zarr.open_group(files, mode="w", zarr_format=version).create_dataset("good", data=[1, 2])
    place = "good/" if as_array else ""
    name = "zarr.json" if version == 3 else ".zarray" if as_array else ".zgroup"
    files[f"{folder}/{name}"] = files[f"{place}{name}"]
    zarr.consolidate_metadata(files)
    g = zarr.open_consolidated(files, mode="r")
    assert [path for path, _ in g.arrays(recurse=True)] in (["good"], [])
    assert list(g) == ["good"]
    other: dict[str, bytes] = {}
    zarr.copy_all(zarr.open_group(files, mode="r"), zarr.group(other, zarr_format=version))
    assert list(zarr.open_group(other, mode="r")) == ["good"]
    away: dict[str, bytes] = {}
    zarr.convert(files, 5 - version, dest=away)
    assert list(zarr.open_group(away, mode="r")) == ["good"]
    assert not any(key.startswith(("/", ".", "d")) and "good" in key for key in away)


@pytest.mark.parametrize("kind", STORES)
def test_strange_keys_in_any_store(kind: str, tmp_path: Path) -> None:
    store = STORES[kind](with_strange_keys(2), tmp_path)
    g = zarr.open_group(store, mode="r")
    assert set(g) <= {"good", "a"}
    zarr.copy_all(g, zarr.group({}))
    repr(g.tree())


def test_strange_keys_in_consolidated_metadata() -> None:
    document = json.loads(array_document())
    copies = {f"{folder}/.zarray": document for folder in FOLDERS}
    copies |= {".zgroup": {"zarr_format": 2}, "good/.zarray": document, "\ud800/.zarray": document}
    files = {".zmetadata": json.dumps({"zarr_consolidated_format": 1, "metadata": copies}).encode()}
    g = zarr.open_consolidated(files, mode="r")
    assert "good" in set(g) <= {"good", "a", "\ud800"}
    assert repr(g.tree())
    # With a document that is a string.
    copies["\ud800/.zarray"] = "\ud800"
    files = {".zmetadata": json.dumps({"zarr_consolidated_format": 1, "metadata": copies}).encode()}
    with pytest.raises(MetadataError, match=r"'\.zmetadata'"):
        zarr.open_consolidated(files, mode="r")


# -- depth --------------------------------------------------------------------------------


def nested(levels: int, inside: Any = 1, as_objects: bool = False) -> Any:
    for _ in range(levels):
        inside = {"a": inside} if as_objects else [inside]
    return inside


@pytest.mark.parametrize("levels", [129, 400, 1200, 100_000])
@pytest.mark.parametrize("member", ["filters", "compressor", "fill_value", "dtype", "other"])
def test_deep_documents_are_refused(levels: int, member: str) -> None:
    document = array_document(**{member: "HERE"}).decode()
    document = document.replace('"HERE"', "[" * levels + "]" * levels)
    with pytest.raises(MetadataError, match=r"'\.zarray' .*128 levels"):
        zarr.open_array({".zarray": document.encode()}, mode="r")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
@pytest.mark.parametrize("as_objects", [True, False])
def test_deep_attributes_are_refused_when_read(as_objects: bool, encoding: str) -> None:
    for levels, refused in ((127, False), (128, True)):
        text = json.dumps({"x": nested(levels, as_objects=as_objects)})
        g = zarr.open_group({".zgroup": GROUP, ".zattrs": text.encode(encoding)}, mode="r")
        if refused:
            with pytest.raises(MetadataError, match=r"'\.zattrs'"):
                g.attrs.asdict()
        else:
            assert g.attrs.asdict() == json.loads(text)


def test_brackets_in_strings_are_not_levels() -> None:
    text = {"a": "[" * 5000, '\\"[[': '"[{\\' * 300, "b": [[]] * 500, "c": "]\\\\" * 500}
    g = zarr.open_group({".zgroup": GROUP, ".zattrs": json.dumps(text).encode()}, mode="r")
    assert g.attrs.asdict() == text


@pytest.mark.parametrize("version", [2, 3])
def test_deep_attributes_are_refused_when_written(version: int) -> None:
    store: dict[str, bytes] = {}
    g = zarr.open_group(store, mode="w", zarr_format=version)
    z = g.create_dataset("z", data=[1, 2])
    for node in (g, z):
        node.attrs["x"] = nested(64)
        before = dict(store)
        for levels in (65, 900):
            with pytest.raises(ValueError, match=r"attribute 'y'.*64 levels"):
                node.attrs["y"] = nested(levels, as_objects=levels == 900)
        assert store == before
    zarr.consolidate_metadata(store)
    assert zarr.open_consolidated(store)["z"].attrs["x"] == nested(64)
    zarr.convert(store, 5 - version, rewrite_chunks=True)
    assert zarr.open_group(store)["z"].attrs["x"] == nested(64)


def test_documents_grow_in_proportion_to_what_is_in_them() -> None:
    store: dict[str, bytes] = {}
    for version in (2, 3):
        g = zarr.open_group(store, mode="w", zarr_format=version)
        g.attrs["x"] = [nested(62, [1] * 10) for _ in range(50)]
        text = json.dumps(g.attrs.asdict(), separators=(",", ":"))
        assert max(map(len, store.values())) < 100 * len(text)


# -- what makes no sense --------------------------------------------------------------------

SETTINGS = [
    {"id": "blosc", "shuffle": 6}, {"id": "blosc", "shuffle": []}, {"id": "blosc", "shuffle": {}},
    {"id": "blosc", "cname": "nope"}, {"id": "blosc", "clevel": 11}, {"id": "blosc", "clevel": "x"},
    {"id": "blosc", "blocksize": -1}, {"id": "zlib", "level": 77}, {"id": "gzip", "level": "x"},
    {"id": "bz2", "level": 0}, {"id": "lzma", "preset": 99}, {"id": "zstd", "level": []},
]  # fmt: skip


@pytest.mark.parametrize("config", SETTINGS, ids=str)
def test_settings_that_no_codec_takes(config: dict[str, Any]) -> None:
    store: dict[str, bytes] = {".zarray": array_document(compressor=config)}

    def write() -> None:
        zarr.open_array(store, mode="r+")[...] = 1

    def look() -> None:
        z = zarr.open_array(store, mode="r")
        repr((z, z.compressor, z.info))

    with pytest.raises(MetadataError):
        write()
    try:
        look()
    except MetadataError:
        assert config["id"] == "blosc"


@pytest.mark.parametrize("counts", [["x", 2], [0, 2], [-1, 2], [2], [2.5, 2], [True, 2], "ab", {}])
def test_shards_of_the_draft_have_whole_numbers_of_chunks(counts: Any) -> None:
    with pytest.raises(MetadataError, match=r"meta/root/a\.array\.json.*chunks_per_shard"):
        _open_draft(counts)


@pytest.mark.parametrize("fill", [[[0]], [0], True, {}, 1.5])
@pytest.mark.parametrize("dtype", ["<M8[s]", "<m8[ms]"])
def test_fill_values_of_dates_are_integers(dtype: str, fill: Any) -> None:
    with pytest.raises(MetadataError, match=r"'\.zarray'.*fill_value"):
        zarr.open_array({".zarray": array_document(dtype=dtype, fill_value=fill)}, mode="r")


def test_shards_of_the_draft_that_cannot_be_addressed() -> None:
    with pytest.raises(MetadataError, match="too large to address"):
        _open_draft([2**60, 2**60])


@pytest.mark.parametrize("separator", [None, "", "-", 5, []])
def test_separators_of_the_draft_are_two(separator: Any) -> None:
    with pytest.raises(MetadataError, match=r"meta/root/a\.array\.json.*separator"):
        _open_draft([2, 2], separator)


@pytest.mark.parametrize("level", [float("inf"), "x", []])
def test_levels_of_version_1_are_integers(level: Any) -> None:
    document = {
        "zarr_format": 1, "shape": [4], "chunks": [2], "dtype": "<i4", "fill_value": 0,
        "compression": "zlib", "compression_opts": level, "order": "C",
    }  # fmt: skip
    with pytest.raises(MetadataError, match=r"'meta'.*compression_opts"):
        zarr.open_array({"meta": json.dumps(document).encode()}, mode="r")


def _open_draft(counts: Any, separator: Any = "/") -> zarr.Array:
    url = "https://purl.org/zarr/spec"
    transformer = {
        "extension": f"{url}/storage_transformers/sharding/1.0",
        "type": "indexed",
        "configuration": {"chunks_per_shard": counts},
    }
    document = {
        "shape": [4, 4], "data_type": "<i4", "chunk_memory_layout": "C", "fill_value": 0,
        "chunk_grid": {"type": "regular", "chunk_shape": [2, 2], "separator": separator},
        "attributes": {},
        "storage_transformers": [transformer],
    }  # fmt: skip
    files = {
        "zarr.json": json.dumps({"zarr_format": f"{url}/protocol/core/3.0"}).encode(),
        "meta/root/a.array.json": json.dumps(document).encode(),
    }
    return zarr.open_array(files, mode="r", path="a")


@pytest.mark.parametrize("level", ["x", None, {}, [1]])
def test_n5_with_settings_that_no_codec_takes(level: Any) -> None:
    tree: dict[str, bytes] = {}
    z = zarr.create(4, chunks=2, dtype="i4", store=N5View(tree), compressor=numcodecs.GZip(1))
    z[:] = 1
    members = json.loads(tree["attributes.json"])
    members["compression"]["level"] = level
    tree["attributes.json"] = json.dumps(members).encode()
    with pytest.raises(ZarrError):
        zarr.open_array(N5View(tree), mode="r+")[:] = 2


# -- sizes that are only declared ------------------------------------------------------------


def test_copies_of_huge_arrays_take_as_long_as_their_chunks() -> None:
    store: dict[str, bytes] = {}
    g = zarr.open_group(store, mode="w")
    z = g.create_dataset("z", shape=(4, 2**60), chunks=(2, 3), dtype="i4", order="F")
    z[1:3, 2**59 : 2**59 + 5] = [[1, 2, 3, 4, 5]] * 2
    z[0, 0] = 7
    other, away = zarr.group({}), {}
    zarr.copy_all(g, other, chunks=(3, 7))
    zarr.convert(store, 3, dest=away, rewrite_chunks=True)
    for copy in (other["z"], zarr.open_group(away, mode="r")["z"]):
        assert copy.shape == z.shape
        assert copy[0, 0] == 7
        assert copy[:, 2**59 - 1 : 2**59 + 6].tolist() == z[:, 2**59 - 1 : 2**59 + 6].tolist()
        assert copy.nchunks_initialized < 20


def test_chunks_larger_than_blosc_can_make_are_refused_by_their_header() -> None:
    codec = numcodecs.Blosc()
    document = array_document(
        shape=[2**45], chunks=[2**45], dtype="|u1", compressor=codec.get_config()
    )
    z = zarr.open_array({".zarray": document, "0": bytes(codec.encode(b"abcd" * 10))}, mode="r")
    for selection in (0, slice(5), [3, 7]):
        with pytest.raises(ChunkDecodeError, match=r"chunk '0'.*40 decoded bytes"):
            z.oindex[selection]


@pytest.mark.parametrize("name", ["{0}.0", "{0}/0", "c/{0}/0", "0.{0}"])
@pytest.mark.parametrize("version", [2, 3])
def test_keys_with_numbers_of_thousands_of_digits_are_no_chunks(name: str, version: int) -> None:
    store: dict[str, Any] = {}
    z = zarr.open_array(
        store, mode="w", shape=(4, 4), chunks=(2, 2), dtype="i4", zarr_format=version
    )
    z[...] = 1
    store[name.format("9" * 5000)] = b"x"

    assert z.nchunks_initialized == 4
    copies = zarr.group()
    zarr.copy(z, copies, name="copy")
    assert np.array_equal(copies["copy"][...], np.ones((4, 4)))
    assert {found.severity for found in zarr.check(store).findings} <= {"note", "warning"}
