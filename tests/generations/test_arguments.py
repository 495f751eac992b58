"""Parameters, settings and methods of zarr-python 3.4 that 2.x does not have."""

from __future__ import annotations

import asyncio
import json
import math
import os
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr
from zarr.codecs import BytesCodec, ShardingCodec
from zarr.errors import MetadataError, StoreError, ZarrUserWarning

# -- Group.tree(max_nodes=, plain=) -------------------------------------------------------------


@pytest.fixture
def root() -> zarr.Group:
    root = zarr.create_group({})
    for group in ("a", "b", "c"):
        for name in ("x", "y", "z"):
            root.create_array(f"{group}/{name}", shape=2, dtype="i4")
    return root


def test_a_tree_shows_the_nodes_of_least_depth(root: zarr.Group) -> None:
    text = str(root.tree(max_nodes=5))

    assert text.splitlines() == [
        "/",
        " ├── a",
        " │   ├── x (2,) int32",
        " │   └── y (2,) int32",
        " ├── b",
        " └── c",
        "... more than max_nodes=5",
    ]
    assert bytes(root.tree(max_nodes=1)).decode() == "/\n +-- a\n... more than max_nodes=1"
    assert str(root.tree(max_nodes=0)) == "/\n... more than max_nodes=0"


@pytest.mark.parametrize("max_nodes", [None, 12, 500])
def test_a_tree_that_fits_is_whole(root: zarr.Group, max_nodes: int | None) -> None:
    assert str(root.tree(max_nodes=max_nodes)) == str(root.tree())
    assert str(root.tree()).count("\n") == 12
    assert "max_nodes" not in root.tree(max_nodes=max_nodes)._repr_html_()


def test_a_tree_has_both_limits(root: zarr.Group) -> None:
    assert str(root.tree(level=1, max_nodes=3)) == "/\n ├── a\n ├── b\n └── c"
    assert "more than max_nodes=2" in str(root.tree(level=1, max_nodes=2))


def test_a_tree_opens_no_node_that_it_does_not_show() -> None:
    asked: Counter[str] = Counter()

    class Counting(zarr.MemoryStore):
        def __getitem__(self, key: str) -> bytes:
            asked[key] += 1
            return super().__getitem__(key)

    store = Counting()
    root = zarr.open_group(store, mode="w", zarr_format=2)
    for i in range(50):
        root.create_array(f"{i:02}", shape=2, dtype="i4")
    asked.clear()

    str(root.tree(max_nodes=3))
    assert set(asked) <= {"00/.zarray", "01/.zarray", "02/.zarray"}


def test_plain_trees_are_text_in_notebooks(root: zarr.Group) -> None:
    assert root.tree(plain=True)._repr_html_() is None
    assert str(root.tree(plain=True)) == str(root.tree())
    html = root.tree(max_nodes=2)._repr_html_()
    assert "more than max_nodes=2" in html
    assert "<b>c</b>" not in html


def test_trees_of_asynchronous_groups(root: zarr.Group) -> None:
    tree = asyncio.run(
        zarr.AsyncGroup(root.metadata, root.store_path).tree(max_nodes=2, plain=True)
    )

    assert str(tree) == str(root.tree(max_nodes=2))
    assert tree._repr_html_() is None


# -- array.target_shard_size_bytes --------------------------------------------------------------


def shards_of(target: Any, **kwargs: Any) -> Any:
    with zarr.config.set({"array.target_shard_size_bytes": target}):
        return zarr.create_array({}, shards="auto", **kwargs).shards


@pytest.mark.parametrize(
    ("shape", "chunks", "dtype", "target", "shards"),
    [  # all as in 3.4.2
        ((1000, 1000), (100, 100), "i4", 1_000_000, (500, 500)),
        ((1000, 1000), (100, 100), "i4", 100_000, (100, 100)),
        ((1000, 1000), (100, 100), "u1", 100_000, (300, 300)),
        ((1000, 1000), (100, 100), "i4", 10**9, (1000, 1000)),
        ((1000,), (10,), "i4", 1000, (250,)),
        ((10_000_000,), (100_000,), "i4", 10**9, (10_000_000,)),
        ((100, 100, 100), (10, 20, 50), "i4", 1_000_000, (20, 40, 100)),
        ((1000,), (10,), "i4", 1, (10,)),
        ((1000,), (10,), "i4", 0, (10,)),
    ],
)
def test_target_of_shards(
    shape: Any, chunks: Any, dtype: str, target: int, shards: tuple[int, ...]
) -> None:
    assert shards_of(target, shape=shape, chunks=chunks, dtype=dtype) == shards


def test_shards_grow_where_the_array_has_room() -> None:
    """3.4.2 makes shards of one chunk here."""
    assert shards_of(10**6, shape=(10**6, 3), chunks=(1000, 3), dtype="u1") == (333_000, 3)


@pytest.mark.parametrize("target", [1, 999, 12_345, 10**6, 2**31])
@pytest.mark.parametrize("shape", [(1000, 7, 30), (64, 64, 64), (5, 1, 1)])
def test_shards_stay_below_the_target(shape: tuple[int, ...], target: int) -> None:
    chunks = (4, 2, 3)

    shards = shards_of(target, shape=shape, chunks=chunks, dtype="f8")
    assert all(length % chunk == 0 for length, chunk in zip(shards, chunks, strict=True))
    assert shards == chunks or math.prod(shards) * 8 <= target
    assert all(n < length + chunk for n, length, chunk in zip(shards, shape, chunks, strict=True))


def test_without_a_target_shards_have_the_size_they_had() -> None:
    assert shards_of(None, shape=(4000, 4000), chunks=(500, 500), dtype="i4") == (4000, 4000)
    with pytest.raises(TypeError, match=r"array\.target_shard_size_bytes must be an integer"):
        shards_of("1 MB", shape=10, chunks=2, dtype="i4")
    assert shards_of(100, shape=(), dtype="i4") == ()


# -- ShardingCodec(subchunk_write_order=) -------------------------------------------------------


def test_the_order_of_chunks_in_shards_is_not_stored() -> None:
    store = zarr.MemoryStore()
    codec = ShardingCodec(chunk_shape=(2,), subchunk_write_order="unordered")
    z = zarr.create_array(store, data=np.arange(8), chunks=8, serializer=codec, compressors=None)

    assert "order" not in json.dumps(codec.to_dict())
    assert b"subchunk" not in store["zarr.json"]
    assert z.metadata.codecs == (codec.evolve_from_array_spec(spec_of(z)),)
    assert z[:].tolist() == list(range(8))
    with pytest.raises(MetadataError, match="subchunk_write_order"):
        document = codec.to_dict()
        document["configuration"]["subchunk_write_order"] = "morton"
        ShardingCodec.from_dict(document)


def spec_of(z: zarr.Array) -> Any:
    from zarr.core.array_spec import ArraySpec, parse_array_config
    from zarr.core.buffer import default_buffer_prototype

    config = parse_array_config(None)
    return ArraySpec(z.shards, z.metadata.dtype, z.fill_value, config, default_buffer_prototype())


def test_orders_that_are_not_used_warn() -> None:
    with warnings.catch_warnings(action="error"):
        assert ShardingCodec(chunk_shape=(2,)).subchunk_write_order == "lexicographic"
        ShardingCodec((2,), [BytesCodec()], [BytesCodec()], "end", "unordered")
    for order in ("morton", "colexicographic"):
        with pytest.warns(ZarrUserWarning, match=order):
            ShardingCodec(chunk_shape=(2,), subchunk_write_order=order)
    with pytest.raises(ValueError, match="subchunk_write_order must be one of"):
        ShardingCodec(chunk_shape=(2,), subchunk_write_order="random")


# -- ZipStore.move ------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["w", "x", "a"])
def test_a_moved_archive_remains_usable(tmp_path: Path, mode: str) -> None:
    old, new = tmp_path / "old.zip", tmp_path / "new" / "sub" / "b.zip"
    store = zarr.ZipStore(old, mode=mode)
    z = zarr.array(np.arange(10), chunks=5, store=store)

    assert asyncio.run(store.move(new)) is None
    assert not old.exists()
    assert store.path == str(new)
    assert z[:].tolist() == list(range(10))
    store["key"] = b"value"
    store.close()
    with zarr.ZipStore(new, mode="r") as again:
        assert zarr.open_array(again)[:].tolist() == list(range(10))
        assert again["key"] == b"value"
    assert os.listdir(tmp_path) == ["new"]


def test_an_archive_that_is_only_read_can_be_moved(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zarr.ZipStore(path, mode="w") as store:
        store["key"] = b"value"

    reader = zarr.ZipStore(path, mode="r")
    asyncio.run(reader.move(str(tmp_path / "b.zip")))
    assert reader["key"] == b"value"
    assert not reader.is_writeable()
    reader.close()
    asyncio.run(reader.move(tmp_path / "c.zip"))  # a closed one stays closed
    with pytest.raises(StoreError, match="closed"):
        reader["key"]
    assert os.listdir(tmp_path) == ["c.zip"]


def test_nothing_is_replaced_by_a_move(tmp_path: Path) -> None:
    other = tmp_path / "other.zip"
    other.write_bytes(b"something else")
    store = zarr.ZipStore(tmp_path / "a.zip", mode="w")
    store["key"] = b"value"

    for existing in (other, tmp_path, tmp_path / "a.zip"):
        with pytest.raises(FileExistsError, match="exists"):
            asyncio.run(store.move(existing))
    assert other.read_bytes() == b"something else"
    store["another"] = b"value"
    assert sorted(store) == ["another", "key"]
    store.close()


def test_an_archive_that_was_deleted_is_not_made_again_by_a_move(tmp_path: Path) -> None:
    store = zarr.ZipStore(tmp_path / "a.zip", mode="w")
    store["key"] = b"value"
    store.flush()
    (tmp_path / "a.zip").unlink()

    with pytest.raises(FileNotFoundError, match=r"a\.zip"):
        asyncio.run(store.move(tmp_path / "b.zip"))
    assert list(tmp_path.iterdir()) == []
    store.close()


def test_a_move_that_fails_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = zarr.ZipStore(tmp_path / "a.zip", mode="w")
    store["key"] = b"value"

    with pytest.raises(OSError, match="file"):
        asyncio.run(store.move(tmp_path / "file" / "b.zip"))
    assert store["key"] == b"value"
    store["another"] = b"value"
    store.close()
