"""The old names of stores, and the storage transformer that asks for shards."""

from __future__ import annotations

import importlib
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr
from zarr._storage import absstore, v3
from zarr._storage import store as old_store
from zarr._storage.v3_storage_transformers import ShardingStorageTransformer
from zarr.storage import ConsolidatedMetadataStore


@pytest.mark.parametrize("name", v3.__all__)
def test_store_for_version_3_is_the_store_under_another_name(name: str) -> None:
    found = getattr(v3, name)

    assert (found.__module__, found.__name__) == ("zarr._storage.v3", name)
    if name != "RmdirV3":
        assert issubclass(found, getattr(zarr.storage, name.removesuffix("V3")))


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="NoStoreV3"):
        _ = v3.NoStoreV3


def test_new_nodes_are_of_version_3_where_no_version_is_given(tmp_path: Path) -> None:
    store = v3.DirectoryStoreV3(tmp_path)

    root = zarr.group(store)
    root.create_dataset("foo/bar", data=np.arange(6), chunks=2)
    zarr.open_array(store, mode="w", path="spam", shape=3)
    other = v3.MemoryStoreV3()
    zarr.array([1, 2], store=other, zarr_version=2)

    documents = {"zarr.json", "foo/zarr.json", "foo/bar/zarr.json", "spam/zarr.json"}
    assert {key for key in store if key.endswith("zarr.json")} == documents
    assert ".zarray" in other
    assert zarr.open(tmp_path, mode="r")["foo/bar"][:].tolist() == list(range(6))


def test_pickle(tmp_path: Path) -> None:
    store = v3.DirectoryStoreV3(tmp_path)

    assert pickle.loads(pickle.dumps(store)) == store
    assert type(pickle.loads(pickle.dumps(store))) is v3.DirectoryStoreV3


def test_consolidated_metadata() -> None:
    store = v3.MemoryStoreV3()
    zarr.group(store).zeros("foo", shape=3)
    zarr.consolidate_metadata(store)

    copies = v3.ConsolidatedMetadataStoreV3(store)

    assert isinstance(copies, ConsolidatedMetadataStore)
    assert list(zarr.open_group(copies, mode="r", chunk_store=store)) == ["foo"]


def test_sharding_transformer() -> None:
    store: dict[str, Any] = {}
    transformer = ShardingStorageTransformer("indexed", chunks_per_shard=(2, 3))
    z = zarr.create(
        (8, 9), chunks=(2, 2), dtype="i4", store=store, zarr_version=3,
        storage_transformers=[transformer],
    )  # fmt: skip

    z[...] = np.arange(72).reshape(8, 9)

    assert z.chunks == (2, 2)
    assert sorted(store) == ["c/0/0", "c/0/1", "c/1/0", "c/1/1", "zarr.json"]
    assert zarr.open(store, mode="r")[...].tolist() == np.arange(72).reshape(8, 9).tolist()


def test_transformers_compare_by_what_they_do() -> None:
    one = ShardingStorageTransformer("indexed", chunks_per_shard=2)

    assert one == ShardingStorageTransformer("indexed", (2,))
    assert one != ShardingStorageTransformer("indexed", (3,))
    assert one != old_store.StorageTransformer("indexed")
    assert repr(one) == "ShardingStorageTransformer('indexed', chunks_per_shard=(2,))"
    with pytest.raises(ValueError, match="'other'"):
        ShardingStorageTransformer("other", 2)


def test_old_places_of_base_class_and_azure() -> None:
    assert old_store.BaseStore is old_store.Store is zarr.storage.BaseStore
    assert absstore.ABSStore is zarr.storage.ABSStore
    assert absstore.ABSStoreV3 is v3.ABSStoreV3
    assert importlib.import_module("zarr.n5").N5Store is zarr.N5Store


def test_files_that_match_a_pattern_are_deleted(tmp_path: Path) -> None:
    for name in ("a1", "a2", "b1"):
        (tmp_path / name).write_text("x")
    (tmp_path / "a3").mkdir()

    zarr.storage.atexit_rmglob(f"{tmp_path}/a*")

    assert [path.name for path in tmp_path.iterdir()] == ["b1"]
