"""New arrays of version 3: what code of the 2.x and of the 3.x generation says."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest

import zarr
from zarr._storage.v3_storage_transformers import ShardingStorageTransformer
from zarr.codecs import (
    BloscCname,
    BloscCodec,
    BloscShuffle,
    BytesCodec,
    Crc32cCodec,
    Endian,
    GzipCodec,
    ShardingCodec,
    ShardingCodecIndexLocation,
    TransposeCodec,
    ZstdCodec,
)
from zarr.errors import MetadataError

SQUARE: dict[str, Any] = {"shape": (8, 8), "chunks": (2, 4), "dtype": "<i4"}


def document(create: Callable[..., Any], **kwargs: Any) -> dict[str, Any]:
    """Create an array, check that it holds data, and return its document."""
    store: dict[str, bytes] = {}
    z = create(store=store, **{**SQUARE, **kwargs})
    data = np.arange(64, dtype="i4").reshape(8, 8)
    z[...] = data
    np.testing.assert_array_equal(zarr.open_array(store, mode="r")[...], data)
    return dict(json.loads(store["zarr.json"]))


def codecs(**kwargs: Any) -> list[Any]:
    return list(document(zarr.create, zarr_format=3, **kwargs)["codecs"])


BYTES = BytesCodec("little")
LZ4 = {"name": "numcodecs.lz4", "configuration": {"acceleration": 2}}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"compressor": None}, {"compressors": None}),
        ({"compressor": None}, {"codecs": [BYTES]}),
        ({"compressor": numcodecs.GZip(3)}, {"compressors": GzipCodec(level=3)}),
        ({"compressor": numcodecs.GZip(3)}, {"compressors": [GzipCodec(level=3)]}),
        ({"compressor": numcodecs.Zstd(3)}, {"codecs": [BYTES, ZstdCodec(level=3)]}),
        (
            {"compressor": numcodecs.Blosc("zstd", 7, numcodecs.Blosc.BITSHUFFLE)},
            {"compressors": BloscCodec(cname="zstd", clevel=7, shuffle="bitshuffle")},
        ),
        (
            {"compressor": numcodecs.Blosc("lz4", 1, numcodecs.Blosc.NOSHUFFLE)},
            {
                "compressors": BloscCodec(
                    cname=BloscCname.lz4, clevel=1, shuffle=BloscShuffle.noshuffle
                )
            },
        ),
        ({"compressor": numcodecs.LZ4(2)}, {"compressors": LZ4}),
        ({"compressor": numcodecs.LZ4(2)}, {"compressors": numcodecs.LZ4(2)}),
        ({"compression": "gzip", "compression_opts": 3}, {"compressors": GzipCodec(level=3)}),
        (
            {"filters": [numcodecs.Delta("<i4")], "compressor": None},
            {
                "filters": {
                    "name": "numcodecs.delta",
                    "configuration": {"dtype": "<i4", "astype": "<i4"},
                },
                "compressors": [],
            },
        ),
        (
            {"filters": [numcodecs.Shuffle(4)], "compressor": numcodecs.Zlib(1)},
            {"filters": None, "compressors": [numcodecs.Shuffle(4), numcodecs.Zlib(1)]},
        ),
        (
            {"order": "F", "compressor": None},
            {"filters": [TransposeCodec((1, 0))], "compressors": None},
        ),
        (
            {"dtype": ">i4", "compressor": None},
            {"serializer": BytesCodec(Endian.big), "compressors": None},
        ),
        (
            {"dimension_separator": ".", "compressor": None},
            {"chunk_key_encoding": ("default", "."), "compressors": None},
        ),
        (
            {"storage_transformers": [ShardingStorageTransformer("indexed", (2, 1))]},
            {"shards": (4, 4)},
        ),
        (
            {
                "storage_transformers": [ShardingStorageTransformer("indexed", (2, 1))],
                "compressor": None,
            },
            {
                "chunks": (4, 4),
                "serializer": ShardingCodec((2, 4), codecs=[BYTES]),
                "compressors": None,
            },
        ),
        (
            {"shards": (4, 4), "compressor": None},
            {
                "chunks": (4, 4),
                "codecs": [
                    ShardingCodec(
                        (2, 4), [BytesCodec()], index_location=ShardingCodecIndexLocation.end
                    )
                ],
            },
        ),
    ],
)
def test_both_generations_make_the_same(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert document(zarr.create, zarr_version=3, **old) == document(
        zarr.create, zarr_format=3, **new
    )
    if "compressor" in old:
        assert document(zarr.create_array, **old) == document(zarr.create_array, **new)


@pytest.mark.parametrize(
    "name",
    ["numcodecs.lz4", "numcodecs/lz4", "https://zarr.dev/numcodecs/lz4", "lz4"],
)
def test_codecs_of_numcodecs_are_written_by_one_name(name: str) -> None:
    (_, codec) = codecs(compressors={**LZ4, "name": name})
    assert codec == LZ4


@pytest.mark.parametrize("name", ["numcodecs/lz4", "https://zarr.dev/numcodecs/lz4", "lz4"])
def test_codecs_of_numcodecs_are_read_by_each_name(name: str) -> None:
    store: dict[str, bytes] = {}
    z = zarr.create(store=store, zarr_format=3, compressors=LZ4, **SQUARE)
    z[...] = 7
    store["zarr.json"] = store["zarr.json"].replace(b'"numcodecs.lz4"', f'"{name}"'.encode())
    z = zarr.open_array(store)
    assert (z[...] == 7).all()
    z.resize(4, 8)
    assert json.loads(store["zarr.json"])["codecs"][-1]["name"] == name


# -- where arrays are created ---------------------------------------------------------------


def transformer(*counts: int) -> list[ShardingStorageTransformer]:
    return [ShardingStorageTransformer("indexed", counts)]


def open_new(store: Any, **kwargs: Any) -> Any:
    return zarr.open_array(store, mode="w", **kwargs)


def create_by_path(store: Any, **kwargs: Any) -> Any:
    return zarr.create(store=store, path="x", **kwargs)


def create_dataset(store: Any, **kwargs: Any) -> Any:
    return zarr.group(store, zarr_version=3).create_dataset("x", **kwargs)


def create_in_group(store: Any, **kwargs: Any) -> Any:
    kwargs.pop("zarr_format")
    return zarr.create_group(store).create_array("x", **kwargs)


@pytest.mark.parametrize("create", [zarr.create_array, open_new, create_by_path, create_in_group])
def test_every_option_everywhere(create: Callable[..., Any]) -> None:
    options: dict[str, Any] = {
        "zarr_format": 3,
        "shards": (4, 8),
        "filters": [TransposeCodec((1, 0))],
        "serializer": BytesCodec("big"),
        "compressors": [ZstdCodec(1), Crc32cCodec()],
        "chunk_key_encoding": {"name": "v2", "separator": "/"},
        "dimension_names": ["y", None],
        "attributes": {"a": 1},
        "fill_value": 5,
    }
    store: dict[str, bytes] = {}
    z = create(store, **SQUARE, **options)
    z[:3] = 1
    assert z.fill_value == 5
    assert z.attrs.asdict() == {"a": 1}
    (path,) = [key for key in store if key.endswith("zarr.json") and b"chunk_grid" in store[key]]
    members = json.loads(store[path])
    (sharding,) = members["codecs"]
    assert sharding["configuration"]["chunk_shape"] == [2, 4]
    assert [codec["name"] for codec in sharding["configuration"]["codecs"]] == [
        "transpose", "bytes", "zstd", "crc32c",
    ]  # fmt: skip
    assert members["chunk_grid"]["configuration"] == {"chunk_shape": [4, 8]}
    assert members["dimension_names"] == ["y", None]
    assert path.replace("zarr.json", "0/0") in store


@pytest.mark.parametrize("create", [open_new, create_by_path, create_dataset])
def test_storage_transformers_everywhere(create: Callable[..., Any]) -> None:
    z = create({}, storage_transformers=transformer(2, 2), **SQUARE)
    assert z.chunks == (2, 4)
    z[...] = 1
    assert sorted(key for key in z.store if "c/" in key) == sorted(
        f"{z.path}/c/{i}/0".lstrip("/") for i in range(2)
    )


def test_groups_of_either_generation() -> None:
    for create in (
        lambda store: zarr.group(store, zarr_version=3),
        lambda store: zarr.group(store, zarr_format=3),
        lambda store: zarr.open_group(store, mode="w", zarr_format=3),
        zarr.create_group,
    ):
        store: dict[str, bytes] = {}
        root = create(store)
        root.create_group("a").create_array("b", **SQUARE)
        root.require_group("c").zeros("d", shape=3)
        assert {key for key in store if key.endswith("zarr.json")} == set(store)
        assert len(store) == 5


# -- what makes no sense ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"compressor": numcodecs.Zlib(), "compressors": GzipCodec()}, "mean the same thing"),
        ({"codecs": [BYTES], "compressors": GzipCodec()}, "codecs cannot be combined"),
        ({"codecs": [BYTES], "filters": [TransposeCodec((1, 0))]}, "codecs cannot be combined"),
        ({"codecs": [GzipCodec()]}, "exactly one from arrays to bytes"),
        ({"codecs": [GzipCodec(), BYTES]}, "wrong position"),
        ({"shards": (3, 4)}, "must divide shards"),
        ({"shards": (4, 4), "storage_transformers": transformer(2, 1)}, "mean the same"),
        ({"storage_transformers": transformer(2)}, "one for each dimension"),
        ({"storage_transformers": transformer(2, 0)}, "positive integers"),
        ({"storage_transformers": ["x"]}, "storage transformer 'x' is not known"),
        ({"chunk_key_encoding": "v4"}, "chunk_key_encoding 'v4' is not known"),
        ({"chunk_key_encoding": {"name": "v2", "separator": "-"}}, "separator must be"),
        ({"dimension_names": ["x"]}, "dimension_names must be 2"),
        ({"compressors": "zstd"}, "expected a codec object"),
        ({"compressors": {"name": "unheard-of"}}, "codec 'unheard-of' is not known"),
    ],
)
def test_arguments_that_make_no_sense(options: dict[str, Any], message: str) -> None:
    store: dict[str, bytes] = {}
    with pytest.raises(ValueError, match=message):
        zarr.create(store=store, zarr_format=3, **SQUARE, **options)
    assert not store


# -- codecs of other packages ------------------------------------------------------------------


def test_entry_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "zarr_flip_for_tests.py").write_text(
        "class Flip:\n"
        "    codec_id = 'zarr-tests.flip'\n"
        "    def __init__(self, mask):\n"
        "        self.mask = mask\n"
        "    @classmethod\n"
        "    def from_config(cls, config):\n"
        "        return cls(config['mask'])\n"
        "    def get_config(self):\n"
        "        return {'name': self.codec_id, 'configuration': {'mask': self.mask}}\n"
        "    def encode(self, buf):\n"
        "        return bytes(byte ^ self.mask for byte in memoryview(buf).cast('B'))\n"
        "    def decode(self, buf, out=None):\n"
        "        return self.encode(buf)\n"
    )
    information = tmp_path / "zarr_flip_for_tests-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: zarr-flip\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(
        "[zarr.codecs]\nzarr-tests.flip = zarr_flip_for_tests:Flip\n"
    )
    config = {"name": "zarr-tests.flip", "configuration": {"mask": 255}}
    with pytest.raises(MetadataError, match="not known"):
        codecs(compressors=config)

    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    assert codecs(compressors=config)[-1] == config
    from zarr_flip_for_tests import Flip  # type: ignore[import-not-found]

    store: dict[str, bytes] = {}
    z = zarr.create_array(store, compressors=Flip(255), **SQUARE)
    z[...] = 1
    assert store["c/0/0"][:8] == b"\xfe\xff\xff\xff" * 2
    assert type(z.compressor) is Flip


# -- what is not known ---------------------------------------------------------------------------


def changed(store: dict[str, bytes], key: str, **members: Any) -> None:
    store[key] = json.dumps({**json.loads(store[key]), **members}).encode()


def test_members_that_must_be_understood() -> None:
    store: dict[str, bytes] = {}
    zarr.create_group(store).create_array("a", **SQUARE)
    for key in ("a/zarr.json", "zarr.json"):
        for value in (1, {"x": 1}, {"must_understand": True}):
            before = store[key]
            changed(store, key, theirs=value)
            with pytest.raises(MetadataError, match="'theirs' is not known"):
                zarr.open(store, path=key.removesuffix("zarr.json"))
            store[key] = before


def test_members_that_need_not_be_understood_are_kept() -> None:
    store: dict[str, bytes] = {}
    zarr.create_group(store).create_array("a", **SQUARE)
    theirs = {"must_understand": False, "deep": [{"x": None}]}
    for key in ("a/zarr.json", "zarr.json"):
        changed(store, key, theirs=theirs)
    root = zarr.open_group(store)
    root.attrs["new"] = 1
    root["a"].attrs["new"] = 1
    root["a"].resize(9, 9)
    root.create_group("b")
    zarr.consolidate_metadata(store)
    for key in ("a/zarr.json", "zarr.json"):
        assert json.loads(store[key])["theirs"] == theirs
        assert json.loads(store[key])["attributes"] == {"new": 1}
    copies = json.loads(store["zarr.json"])["consolidated_metadata"]["metadata"]
    assert copies["a"]["theirs"] == theirs


def test_codecs_that_need_not_be_understood() -> None:
    store: dict[str, bytes] = {}
    z = zarr.create_array(store, compressors=None, **SQUARE)
    z[...] = 3
    steps = json.loads(store["zarr.json"])["codecs"]
    changed(store, "zarr.json", codecs=[*steps, {"name": "hint", "must_understand": False}])
    assert (zarr.open_array(store)[...] == 3).all()
    changed(store, "zarr.json", codecs=[*steps, {"name": "hint"}])
    with pytest.raises(MetadataError, match="codec 'hint' is not known"):
        zarr.open_array(store)


def test_inline_copies_that_are_out_of_date_are_not_used_unasked() -> None:
    store: dict[str, bytes] = {}
    root = zarr.create_group(store)
    root.create_array("a", **SQUARE)
    zarr.consolidate_metadata(store)
    root = zarr.open_group(store)
    root["a"].resize(4, 4)
    root.create_group("b")
    again = zarr.open_group(store)
    assert again["a"].shape == (4, 4)
    assert sorted(again) == ["a", "b"]
    assert zarr.open_consolidated(store)["a"].shape == (8, 8)
    zarr.consolidate_metadata(store)
    assert sorted(zarr.open_consolidated(store)) == ["a", "b"]
