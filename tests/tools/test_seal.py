"""`seal`: what is not as it was sealed raises, and what is written through us stays sealed."""

from __future__ import annotations

import json
import os
import pickle
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest

import zarr
from tests.tools import damage, seal_damage
from zarr.errors import SealError
from zarr.storage import KVStore, LRUStoreCache, SQLiteStore
from zarr.tools.check_report import Report

DATA = np.random.default_rng(0).integers(0, 1000, (40, 40)).cumsum(axis=1).astype("i4")
LAYOUTS: dict[str, dict[str, Any]] = {
    "2 none": {"compressor": None},
    "2 LZ4": {"compressor": zarr.LZ4()},
    "2 Blosc": {"compressor": zarr.Blosc(), "dimension_separator": "/"},
    "3 zstd": {"zarr_version": 3, "compressor": zarr.Zstd(level=1)},
    "3 gzip": {"zarr_version": 3, "compressor": zarr.GZip(1)},
    "3 shards": {"zarr_version": 3, "compressor": zarr.Zstd(level=1), "shards": (20, 20)},
    "3 lists": {"zarr_version": 3, "chunks": ([5, 15, 20], 10)},
}
EVERY = pytest.mark.parametrize("layout", LAYOUTS)


def made(layout: str, store: Any = None, **kwargs: Any) -> Any:
    """Return the store of a sealed group with the array `z`, the last rows of which are absent."""
    store = KVStore({}) if store is None else store
    options = {"chunks": (10, 10), "dtype": "i4", "shape": DATA.shape, **LAYOUTS[layout]}
    version = options.get("zarr_version", 2)
    root = zarr.open_group(store, mode="w", zarr_version=version)
    root.attrs["title"] = "sealed"
    z = root.create_dataset("z", **{k: v for k, v in options.items() if k != "zarr_version"})
    z[:20] = DATA[:20]
    z.attrs["units"] = "m"
    zarr.seal(store, **kwargs)
    return store


def expected() -> Any:
    return np.concatenate([DATA[:20], np.zeros((20, 40), "i4")])


def opened(store: Any, mode: Any = "r", **kwargs: Any) -> zarr.Array:
    return zarr.open_group(store, mode=mode, **kwargs)["z"]  # type: ignore[return-value]


def chunk_keys(store: Any) -> list[str]:
    documents = (".zarray", ".zgroup", ".zattrs", "zarr.json", ".zmetadata")
    return sorted(k for k in store if "__seal" not in k and k.rpartition("/")[2] not in documents)


def found(store: Any) -> Report:
    return zarr.check(store, level="seal")


# -- reading ------------------------------------------------------------------------------


@EVERY
@pytest.mark.parametrize("algorithm", ["xxh3-64", "sha256", "blake3"])
def test_sealed_data_read_as_before(layout: str, algorithm: str) -> None:
    if algorithm == "blake3":
        pytest.importorskip("blake3")
    store = made(layout, algorithm=algorithm)
    z = opened(store)

    assert (z[...] == expected()).all()
    assert z[3, 7] == DATA[3, 7]
    assert (z.oindex[[1, 17], 3:30] == DATA[[1, 17], 3:30]).all()
    assert (z.vindex[[1, 17, 30], [3, 30, 2]] == expected()[[1, 17, 30], [3, 30, 2]]).all()
    assert z.attrs.asdict() == {"units": "m"}
    assert found(store).findings == ()


def test_the_result_counts() -> None:
    store = made("2 none")

    assert zarr.seal(store) == zarr.seal(zarr.open_group(store))
    assert str(zarr.seal(store, "z")) == "Sealed(arrays=1, groups=0, chunks=8, nbytes=3200)"
    assert zarr.unseal(store).arrays == 1
    assert not [key for key in store if "seal" in key]
    assert b"seal" not in store["z/.zarray"] + store[".zgroup"]


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (1,), (5000,), (70, 70)])
@pytest.mark.parametrize("version", [2, 3])
def test_arrays_of_any_shape(shape: tuple[int, ...], version: int) -> None:
    z = zarr.ones(shape, chunks=1, dtype="u1", zarr_version=version, compressor=None)
    zarr.seal(z)

    assert (zarr.open_array(z.store, mode="r")[...] == np.ones(shape)).all()
    assert found(z.store).findings == ()


def test_objects() -> None:
    z = zarr.array(["a", "bc", "é"], dtype=str, chunks=2)
    zarr.seal(z)
    z[1] = "other"

    assert zarr.open_array(z.store, mode="r")[:].tolist() == ["a", "other", "é"]


# -- damage -------------------------------------------------------------------------------


def flipped(store: Any, key: str) -> None:
    data = bytearray(store[key])
    data[len(data) // 2] ^= 4
    store[key] = bytes(data)


def cut(store: Any, key: str) -> None:
    store[key] = store[key][:-3]


def emptied(store: Any, key: str) -> None:
    store[key] = b""


def deleted(store: Any, key: str) -> None:
    del store[key]


def exchanged(store: Any, key: str) -> None:
    other = next(k for k in chunk_keys(store) if k != key)
    store[key], store[other] = store[other], store[key]


@EVERY
@pytest.mark.parametrize("damage", [flipped, cut, emptied, deleted, exchanged])
@pytest.mark.parametrize("cached", [0, 1 << 20])
def test_damage_raises_and_is_found(
    layout: str, damage: Callable[[Any, str], None], cached: int
) -> None:
    store = made(layout)
    for key in chunk_keys(store)[:3]:
        before = dict(store)
        damage(store, key)

        with zarr.config.set(cache_bytes=cached), pytest.raises(SealError) as error:
            opened(store)[...]
        assert error.value.key in chunk_keys(before)
        assert repr(error.value.key) in str(error.value)
        assert {"X001", "X002"} & set(found(store).counts)
        with pytest.raises(SealError, match="overwrite=True"):
            zarr.seal(store)
        store.clear()
        store.update(before)
    assert (opened(store)[...] == expected()).all()


@EVERY
def test_a_single_element_of_a_damaged_chunk(layout: str) -> None:
    store = made(layout)
    flipped(store, chunk_keys(store)[0])

    for read in (lambda z: z[0, 0], lambda z: z[:2, :2], lambda z: z.vindex[[0], [1]]):
        with pytest.raises(SealError):
            read(opened(store))


def test_parts_of_chunks_are_not_read_of_sealed_arrays(tmp_path: Path) -> None:
    path = str(tmp_path / "z")
    z = zarr.open_array(path, mode="w", shape=10**6, chunks=10**6, dtype="u1", compressor=None)
    z[:] = 1
    zarr.seal(path)
    (tmp_path / "z" / "0").write_bytes(b"\1" * 999_999 + b"\2")

    with pytest.raises(SealError, match="'0'"):
        zarr.open_array(path, mode="r", partial_decompress=True)[:10]
    z = zarr.open_array(path, mode="r", partial_decompress=True, verify=False)
    assert z[:10].tolist() == [1] * 10


@EVERY
def test_a_value_where_none_was(layout: str) -> None:
    store = made(layout)
    z = opened(store, verify=False)
    key = z._engine.keys.key([n - 1 for n in z._engine.storage.values(z.cdata_shape)])
    store[key] = store[chunk_keys(store)[0]]

    with pytest.raises(SealError, match="where nothing was"):
        opened(store)[...]
    assert found(store).counts["X003"] == 1


@EVERY
def test_a_stale_value(layout: str) -> None:
    store = made(layout)
    key = chunk_keys(store)[0]
    old = store[key]
    z = opened(store, "r+")
    z[...] = DATA + 1

    assert (opened(store)[...] == DATA + 1).all()
    store[key] = old
    with pytest.raises(SealError):
        opened(store)[...]


@EVERY
def test_a_damaged_chunk_is_not_changed_in_part(layout: str) -> None:
    store = made(layout)
    flipped(store, chunk_keys(store)[0])

    with pytest.raises(SealError):
        opened(store, "r+")[0, 0] = 1


@EVERY
def test_lost_or_damaged_digests(layout: str) -> None:
    store = made(layout)
    before = dict(store)
    for key in [key for key in store if "__seal/" in key and not key.endswith(".zattrs")]:
        del store[key]
        with pytest.raises(SealError):
            opened(store)[...]
        assert not found(store).ok
        store[key] = before[key][:-1]
        with pytest.raises(SealError):
            opened(store)[...]
        assert not found(store).ok
        store[key] = before[key]


# -- metadata -----------------------------------------------------------------------------


def edited(store: Any, key: str, change: Callable[[Any], None]) -> None:
    """Change a document as a writer would that keeps what it does not know."""
    text = bytes(store[key])
    members, end = json.JSONDecoder().raw_decode(text.decode())
    change(members)
    store[key] = json.dumps(members).encode() + text.rstrip(b"\n")[end:]


@EVERY
def test_changed_metadata_raise_on_opening(layout: str) -> None:
    store = made(layout)
    before = dict(store)
    array_key = "z/.zarray" if layout[0] == "2" else "z/zarr.json"
    edited(store, array_key, lambda members: members.update(shape=[30, 40]))

    with pytest.raises(SealError, match=array_key):
        opened(store)
    assert "X004" in found(store).counts
    assert opened(store, verify=False).shape == (30, 40)
    store.update(before)
    assert opened(store).shape == (40, 40)


@EVERY
def test_changed_attributes(layout: str) -> None:
    store = made(layout)
    for folder in ("z/", ""):
        before = dict(store)
        if layout[0] == "2":
            store[f"{folder}.zattrs"] = b'{"other": 1}'
        else:
            edited(store, f"{folder}zarr.json", lambda members: members["attributes"].update(u=1))
        with pytest.raises(SealError):
            group = zarr.open_group(store, mode="r")
            (group["z"] if folder else group).attrs.asdict()
        assert found(store).counts == {"X004": 1}
        store.update(before)
    assert found(store).findings == ()


def test_spelling_of_metadata_does_not_matter() -> None:
    store = made("3 zstd")
    store["z/zarr.json"] = json.dumps(json.loads(store["z/zarr.json"])).encode()

    assert (opened(store)[...] == expected()).all()


@EVERY
def test_metadata_replaced_by_others_are_found(layout: str) -> None:
    store = made(layout)
    array_key = "z/.zarray" if layout[0] == "2" else "z/zarr.json"
    edited(store, array_key, lambda members: members.pop("__seal"))

    assert (opened(store)[...] == expected()).all()
    assert found(store).counts == {"X007": 1}
    zarr.seal(store)
    assert found(store).findings == ()


def test_a_group_replaced_by_others_is_noted() -> None:
    store = made("3 zstd")
    store["zarr.json"] = store["zarr.json"].rstrip()

    assert found(store).counts == {"X009": 1}


# -- writing ------------------------------------------------------------------------------


def write_all(z: Any) -> None:
    z[...] = 3


def write_part(z: Any) -> None:
    z[3:33, 7:9] = 5


def write_points(z: Any) -> None:
    z.vindex[[1, 35], [2, 3]] = 7


def append(z: Any) -> None:
    z.append(np.ones((27, z.shape[1]), "i4"))


def append_other_axis(z: Any) -> None:
    z.append(np.ones((z.shape[0], 700), "i4"), axis=1)


def shrink_and_grow(z: Any) -> None:
    z.resize(7, 13)
    z.resize(90, 50)
    z[80:] = 2


def delete_chunks(z: Any) -> None:
    z._write_empty_chunks = False
    z[:15] = 0


def attributes(z: Any) -> None:
    z.attrs["more"] = [1, {"a": None}]
    del z.attrs["units"]


def fill_value(z: Any) -> None:
    z.fill_value = 9


@EVERY
@pytest.mark.parametrize(
    "change",
    [write_all, write_part, write_points, append, append_other_axis, shrink_and_grow,
     delete_chunks, attributes, fill_value],
)  # fmt: skip
def test_what_is_written_stays_sealed(layout: str, change: Callable[[Any], None]) -> None:
    store = made(layout)
    before = opened(store)
    before[...]
    z = opened(store, "r+")
    change(z)
    zarr.open_group(store).attrs["later"] = True

    assert found(store).findings == ()
    assert (opened(store)[...] == z[...]).all()
    assert opened(store).attrs.asdict() == z.attrs.asdict()
    assert before[...].shape == (40, 40)  # another handle finds the new digests
    z[0, 0] = 8
    assert opened(store)[0, 0] == 8
    assert opened(store, verify=False)._seal is not None


def test_a_handle_from_before_the_seal_keeps_it_true() -> None:
    z = zarr.array(DATA, chunks=10)
    other = zarr.open_array(z.store)
    zarr.seal(z)
    other[0] = 4
    other.attrs["a"] = 1
    z.append(np.ones((5, 40), "i4"))

    assert found(z.store).findings == ()
    assert (zarr.open_array(z.store, mode="r")[0] == 4).all()


def test_unsealed_by_another_handle() -> None:
    store = made("2 Blosc")
    z, writer = opened(store, "r"), opened(store, "r+")
    assert z[0, 0] == writer[0, 0]
    zarr.unseal(store)
    writer[...] = 1

    assert (z[...] == 1).all()
    assert (opened(store)[...] == 1).all()


def test_sealed_again_with_another_algorithm() -> None:
    store = made("3 shards")
    z = opened(store)
    assert z[0, 0] == DATA[0, 0]
    zarr.seal(store, algorithm="sha256")
    zarr.open_group(store)["z"][0] = 1

    assert (z[0] == 1).all()
    assert found(store).findings == ()


def moved_into_new_groups(root: Any) -> None:
    root.move("z", "x/y/z")


def moved_into_a_group_made_before(root: Any) -> None:
    root.create_group("x", attributes={"made": "before"}).require_group("y")
    root.move("z", "x/y/z")


def moved_groups(root: Any) -> None:
    root.move("inner", "x/y/inner")


def created_arrays(root: Any) -> None:
    root.create_array("x/y/new", shape=3, dtype="i4")
    root["inner"].array("deep/new", [1, 2])
    zarr.save_array(root.store, np.ones(3), path="w/new", zarr_version=root.zarr_format)


def created_groups(root: Any) -> None:
    root.create_group("x/y").attrs["late"] = 1
    root.require_group("inner/deep/w").attrs["late"] = 2
    zarr.open_group(root.store, path="v/w", mode="a", zarr_version=root.zarr_format)


def replaced_groups(root: Any) -> None:
    root.create_group("inner", overwrite=True)
    zarr.open_group(root.store, path="x/y", mode="w", zarr_version=root.zarr_format)


def hierarchies(root: Any) -> None:
    group = zarr.group(zarr_version=root.zarr_format).metadata
    made = dict(root.create_hierarchy({"x/y": group, "x/z/w": group}))
    assert len(made) >= 2


def copied(root: Any) -> None:
    zarr.copy(root["z"], root.require_group("x"), "z")
    zarr.copy(root["inner"], root, "v/inner")
    zarr.copy_all(root["inner"], root.require_group("y/w"))


def copied_keys(root: Any) -> None:
    root.require_group("x/y")
    zarr.copy_store(root.chunk_store, root.store, "z", "x/y/z")


def attributes(root: Any) -> None:
    root["inner"].attrs["late"] = 1
    root.attrs["late"] = 2
    root["z"].attrs["late"] = 3


def rechunked(root: Any) -> None:
    zarr.rechunk(root["z"], root.store, dest_path="x/y/z", chunks=(20, 20))


@pytest.mark.parametrize("consolidated", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        moved_into_new_groups, moved_into_a_group_made_before, moved_groups, created_arrays,
        created_groups, replaced_groups, hierarchies, copied, copied_keys, rechunked,
        attributes,
    ],
)  # fmt: skip
@pytest.mark.parametrize("layout", ["2 none", "3 zstd"])
def test_groups_made_in_a_sealed_hierarchy_are_sealed(
    layout: str, change: Callable[[Any], None], consolidated: bool
) -> None:
    store = made(layout)
    zarr.open_group(store, mode="r+").create_dataset("inner/z", data=DATA)
    zarr.seal(store)
    if consolidated:
        zarr.consolidate_metadata(store)
        change(zarr.open_consolidated(store, mode="r+"))
    else:
        change(zarr.open_group(store, mode="r+"))

    def sealed_below(group: Any) -> None:
        for name in group.group_keys():
            sealed_below(zarr.open_group(store, path=group[name].path, mode="r", verify=True))

    sealed_below(zarr.open_group(store, mode="r", verify=True))
    assert not {f.code for f in found(store).findings} - {"M006"}


@pytest.mark.parametrize("version", [2, 3])
def test_groups_made_in_a_hierarchy_that_is_not_sealed_have_no_seals(version: int) -> None:
    root = zarr.open_group(KVStore({}), mode="w", zarr_version=version)
    zarr.seal(root.create_dataset("z", data=DATA))
    root.create_group("w", attributes={"a": 1})
    root.move("z", "x/y/z")

    keys = [key for key in root.store if key.endswith((".zgroup", "zarr.json"))]
    sealed = [key for key in keys if b"seal" in root.store[key] or root.store[key].endswith(b"\t")]
    assert [key for key in sealed if "x/y/z" not in key] == []


def test_deleted_array_is_not_called_damaged() -> None:
    store = made("2 Blosc")
    z = opened(store)
    z[0, 0]
    del zarr.open_group(store)["z"]

    with pytest.raises(zarr.errors.ArrayNotFoundError):
        z[...]


# -- what is sealed, and what not ----------------------------------------------------------


class Asked(KVStore):
    """Notes the keys that are read or listed."""

    def __init__(self, data: dict[str, bytes]) -> None:
        super().__init__(data)
        self.keys_read: list[str] = []

    def __getitem__(self, key: str) -> Any:
        self.keys_read.append(key)
        return super().__getitem__(key)


@pytest.mark.parametrize("version", [2, 3])
def test_unsealed_arrays_cost_nothing_more(version: int) -> None:
    data: dict[str, bytes] = {}
    z = zarr.array(DATA, chunks=10, store=KVStore(data), zarr_version=version)
    store = Asked(data)
    assert (zarr.open_array(store, mode="r")[...] == z[...]).all()

    documents = {".zarray", ".zgroup", "zarr.json"}
    asked = [key for key in store.keys_read if key not in documents]
    assert sorted(asked) == chunk_keys(data)
    assert not [key for key in store.keys_read if "__" in key]


@pytest.mark.parametrize("version", [2, 3])
def test_sealed_arrays_cost_two_values_more(version: int) -> None:
    data: dict[str, bytes] = {}
    z = zarr.array(DATA, chunks=10, store=KVStore(data), zarr_version=version)
    zarr.seal(z)
    store = Asked(data)
    zarr.open_array(store, mode="r")[...]

    assert len([key for key in store.keys_read if "__seal" in key]) == 2


def test_verify() -> None:
    store = KVStore({})
    zarr.group(store).array("z", DATA)

    with pytest.raises(SealError, match="not sealed"):
        zarr.open_group(store, mode="r", verify=True)
    with zarr.config.set(verify=True), pytest.raises(SealError):
        zarr.open_array(store, path="z", mode="r")
    zarr.seal(store)
    z = zarr.open_array(store, path="z", mode="r", verify=True)
    assert (pickle.loads(pickle.dumps(z))._verify) is True
    flipped(store, "z/0.0")
    with zarr.config.set(verify=False):
        assert zarr.open_array(store, path="z", mode="r")._verify is False
    with pytest.raises(ValueError, match="verify must be"):
        zarr.open_array(store, path="z", verify="always")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="verify must be"):
        zarr.config.set(verify="always")


def test_copies() -> None:
    store, other = made("3 zstd"), KVStore({})
    zarr.copy(opened(store), zarr.group(other, zarr_version=3), name="z")
    assert (opened(other)[...] == expected()).all()
    assert not [key for key in other if "seal" in key]

    dest = KVStore({})
    zarr.copy_store(store, dest)
    assert found(dest).findings == ()
    assert opened(dest)._seal is not None


def test_conversion_in_place_is_refused() -> None:
    store = made("2 Blosc")
    with pytest.raises(zarr.errors.ConversionError, match=r"zarr\.unseal"):
        zarr.convert(store, 3)
    dest = KVStore({})
    zarr.convert(store, 3, dest)
    assert (opened(dest)[...] == expected()).all()


@pytest.mark.parametrize("version", [2, 3])
def test_consolidated_metadata_are_renewed(version: int) -> None:
    store = KVStore({})
    z = zarr.group(store, zarr_version=version).create_group("g").array("z", DATA, chunks=10)
    zarr.consolidate_metadata(store)
    zarr.seal(store)
    root = zarr.open_consolidated(store, mode="r")

    assert (root["g/z"][...] == DATA).all()
    assert found(store).findings == ()
    flipped(store, next(key for key in chunk_keys(store)))
    with pytest.raises(SealError):
        zarr.open_consolidated(store, mode="r")["g/z"][...]
    zarr.seal(store, overwrite=True)
    zarr.unseal(store, "g")
    assert zarr.open_consolidated(store, mode="r")["g/z"]._seal is None
    assert found(store).findings == ()
    assert z.shape == (40, 40)


def test_metadata_and_chunks_in_two_stores() -> None:
    store, chunks = KVStore({}), KVStore({})
    z = zarr.array(DATA, chunks=10, store=store, chunk_store=chunks)
    zarr.seal(z)
    flipped(chunks, "0.0")

    with pytest.raises(SealError):
        z[...]
    with pytest.raises(SealError):
        zarr.open_array(store, chunk_store=chunks, mode="r")[...]


def test_other_stores(tmp_path: Path) -> None:
    for store in (
        SQLiteStore(str(tmp_path / "z.sqlite")),
        zarr.DirectoryStore(str(tmp_path / "z.zarr")),
        LRUStoreCache(zarr.MemoryStore(), 1 << 20),
    ):
        made("2 Blosc", store)
        opened(store, "r+")[3] = 4
        assert (opened(store)[3] == 4).all()
        assert found(store).findings == ()
        store.close()
    assert zarr.seal(str(tmp_path / "z.zarr")).arrays == 1


def test_formats_without_room(tmp_path: Path) -> None:
    zarr.open_array(str(tmp_path / "z.n5"), mode="w", shape=4, chunks=2)[...] = 1
    with pytest.raises(ValueError, match="formats 2 and 3"):
        zarr.seal(str(tmp_path / "z.n5"))
    with pytest.raises(ValueError, match="algorithm"):
        zarr.seal(zarr.ones(3), algorithm="crc32")
    with pytest.raises(zarr.errors.PathNotFoundError):
        zarr.seal(KVStore({}))
    with pytest.raises(zarr.errors.ReadOnlyError):
        zarr.seal(zarr.open_array(zarr.ones(3).store, mode="r"))
    big = zarr.open_array(KVStore({}), mode="w", shape=10**12, chunks=1)
    with pytest.raises(ValueError, match="a row for each"):
        zarr.seal(big)


HOSTILE = [
    {"version": 2}, {"version": 1}, {"algorithm": ["xxh3-64"]}, {"algorithm": "md5"},
    {"metadata": 5}, {"algorithm": "sha256"}, {"attributes": 7},
]  # fmt: skip


@pytest.mark.parametrize("change", HOSTILE, ids=str)
def test_hostile_seals(change: dict[str, Any]) -> None:
    store = made("2 Blosc")
    edited(store, "z/.zarray", lambda members: members["__seal"].update(change))
    if change == {"version": 1}:
        assert (opened(store)[...] == expected()).all()
        return
    with pytest.raises(SealError):
        z = opened(store)
        z.attrs.asdict()
        z[...]
    assert not found(store).ok


def test_hostile_digests() -> None:
    store = made("2 Blosc")
    for change in ({"shape": [10**9, 10**9, 3]}, {"chunks": [10**6, 10**6, 3]}, {"dtype": "<i8"},
                   {"shape": [3], "chunks": [3]}):  # fmt: skip
        before = dict(store)
        edited(store, "z/__seal/.zarray", lambda members, new=change: members.update(new))
        if "dtype" in change or "chunks" in change:
            with pytest.raises(SealError, match="not those of digests"):
                opened(store)[...]
        store.update(before)


def test_random_changes_stay_sealed() -> None:
    rng = random.Random(0)
    for layout in LAYOUTS:
        store, data = made(layout), expected()
        for value in range(1, 25):
            rows = slice(*sorted(rng.choices(range(41), k=2)))
            columns = slice(rng.randrange(40), None, rng.choice((1, 3)))
            opened(store, "r+")[rows, columns] = value
            data[rows, columns] = value
            assert (opened(store)[...] == data).all()
        assert found(store).findings == ()


@pytest.mark.parametrize("layout", ["2 Blosc", "3 shards"])
def test_readers_of_what_is_being_written(layout: str, tmp_path: Path) -> None:
    path = str(tmp_path / "z")
    made(layout, zarr.DirectoryStore(path))
    reader, done = opened(path), Event()

    def read() -> int:
        number = 0
        while not done.is_set() or not number:
            for z in (reader, opened(path)):  # one that knows old digests, one that does not
                assert z[:20, ::3].shape == (20, 14)
            number += 1
        return number

    def write(first: int) -> None:
        z = opened(path, "r+")
        for value in range(25):
            z[first : first + 3] = value
            z.attrs[f"a{first}"] = value

    with ThreadPoolExecutor(5) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        writers = [pool.submit(write, first) for first in (0, 8, 22)]
        for writer in writers:
            writer.result()
        done.set()
        assert all(each.result() for each in readers)
    assert found(path).findings == ()


WRITER = """
import sys
import zarr

path, first = sys.argv[1], int(sys.argv[2])
z = zarr.open_group(path, mode="r+")["z"]
print("ready", flush=True)
sys.stdin.readline()
for value in range(30):
    z[first : first + 10] = value + first
    if value % 10 == 9:
        z.oindex[first : first + 5, 3:13] = value + first
"""


@pytest.mark.parametrize("layout", ["2 Blosc", "3 zstd"])
def test_processes_that_write_chunks_of_their_own(layout: str, tmp_path: Path) -> None:
    path = str(tmp_path / "z")
    made(layout, zarr.DirectoryStore(path))
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, path, str(first)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for first in (0, 10, 20)
    ]  # fmt: skip
    for each in writers:
        assert each.stdout is not None
        each.stdout.readline()
    for each in writers:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    reader = opened(path)
    while any(each.poll() is None for each in writers):
        assert reader[...].shape == (40, 40)  # nothing is called damaged meanwhile
    for each in writers:
        each.communicate()
        assert each.returncode == 0

    assert found(path).findings == ()
    assert (opened(path)[:30] == np.repeat([29, 39, 49], 10)[:, None]).all()
    assert not [name for name in tmp_path.rglob("*") if "lock" in name.name]


class Interrupted(KVStore):
    """Calls something once, right before or after chunks are stored."""

    before: Any = None
    after: Any = None

    def setitems(self, items: Any) -> None:
        if any("__seal" in key for key in items):
            super().setitems(items)
            return
        before, self.before, after, self.after = self.before, None, self.after, None
        if before is not None:
            before()
        super().setitems(items)
        if after is not None:
            after()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_another_writer_of_the_same_chunk_in_between(moment: str) -> None:
    data = dict(made("2 Blosc"))
    store = Interrupted(data)
    z, other = opened(store, "r+"), opened(KVStore(data), "r+")
    setattr(store, moment, lambda: other.set_basic_selection(slice(0, 10), 5))
    z[:10] = 3

    assert found(store).findings == ()
    assert (opened(store)[:10] == (3 if moment == "before" else 5)).all()


def test_what_a_killed_writer_has_left_is_sealed_by_the_next_write() -> None:
    def die() -> None:
        raise MemoryError

    store = made("2 Blosc", Interrupted({}))
    z = opened(store, "r+")
    store.after = die
    with pytest.raises(MemoryError):
        z[:10] = 7
    assert found(store).counts["X006"] == 4
    z[:10, :10] = 8

    assert found(store).counts == {"X006": 3}
    assert z._seal.entries(["z/0/0"])["z/0/0"]


# -- the damage corpus ----------------------------------------------------------------------


@pytest.mark.parametrize("layout", seal_damage.LAYOUTS)
def test_no_damage_reads_as_wrong_values(layout: str) -> None:
    found = Counter(what for _, what in seal_damage.outcomes(layout, "seal", 40))

    assert found["wrong"] == 0
    assert found["raised"] >= 38  # two equal chunks may have been swapped


@pytest.mark.parametrize("layout", seal_damage.LAYOUTS)
def test_no_flip_or_truncation_with_a_checksum(layout: str) -> None:
    found = Counter(seal_damage.outcomes(layout, "checksum", 80))

    assert not {("flip", "wrong"), ("truncate", "wrong")} & set(found)


@pytest.mark.parametrize("layout", damage.LAYOUTS)
@pytest.mark.parametrize("kind", damage.KINDS)
def test_all_kinds_of_damage_are_noticed_with_a_seal(
    kind: str, layout: str, tmp_path: Path
) -> None:
    damage.make(tmp_path / "z", layout)
    zarr.seal(str(tmp_path / "z"))
    assert zarr.check(str(tmp_path / "z"), level="seal").findings == ()

    damage.KINDS[kind](tmp_path / "z", layout)
    damage.age_all(tmp_path / "z")

    assert zarr.check(str(tmp_path / "z"), level="seal").findings != ()


# -- killed writers -------------------------------------------------------------------------

# For each number of writes: a child is killed before the last of them, the parent looks at what
# it has left.
KILLED = """
import os, shutil, sys
import numpy as np
import zarr

class Killed(zarr.DirectoryStore):
    left = -1

    def _count(self):
        Killed.left -= 1
        if Killed.left == 0:
            os._exit(9)

    def setitems(self, items):
        for key, value in items.items():
            self._count()
            super().setitems({key: value})

    def __setitem__(self, key, value):
        self._count()
        super().__setitem__(key, value)

    def delitems(self, keys):
        for key in list(keys):
            self._count()
            super().delitems([key])

def attributes(root):
    root["z"].attrs["more"] = 1
    root.attrs["more"] = 1

def write(root):
    root["z"][3:33, 7:9] = 5

def append(root):
    root["z"].append(np.ones((27, 40), "i4"))

ACTIONS = {
    "attributes": attributes, "write": write, "append": append, "seal": zarr.seal,
    "unseal": zarr.unseal, "overwrite": lambda root: zarr.seal(root, "", "sha256", overwrite=True),
}

def killed(path, number):
    root = zarr.open_group(Killed(path), mode="r+")
    Killed.left = number
    ACTIONS[action](root)
    os._exit(0)

def look(path):
    root = zarr.open_group(path, mode="r")
    root["z"][...], root["z"].attrs.asdict(), root.attrs.asdict()
    found = set(zarr.check(path, level="seal").counts)
    assert not {"X001", "X002", "X003", "X004"} & found, found  # nothing is called damaged
    zarr.seal(path)
    found = set(zarr.check(path, level="seal", age=0).counts)
    assert found <= {"K002"}, found

made, action = sys.argv[1:]
for number in range(1, 100):
    path = f"{made}-{number}"
    shutil.copytree(made, path)
    child = os.fork()
    if not child:
        try:
            killed(path, number)
        finally:
            os._exit(1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    look(path)
    if status != 9:
        break
print(status, number)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.parametrize("layout", ["2 Blosc", "3 shards"])
@pytest.mark.parametrize("action", ["write", "append", "attributes", "seal", "unseal", "overwrite"])
def test_a_killed_writer_leaves_no_false_alarm(layout: str, action: str, tmp_path: Path) -> None:
    path = str(tmp_path / "z")
    made(layout, zarr.DirectoryStore(path))

    done = subprocess.run(
        [sys.executable, "-c", KILLED, path, action],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    status, number = map(int, done.stdout.split())
    assert (status, number > 2) == (0, True)
