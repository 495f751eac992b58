"""Every attribute and method of an array that the manual lists."""

from __future__ import annotations

import binascii
import hashlib
import json
import pathlib
import pickle
from collections.abc import MutableMapping
from typing import Any

import numcodecs
import numpy as np
import pytest
from numpy.testing import assert_array_equal

import zarr

ATTRIBUTES = [
    "attrs", "basename", "blocks", "cdata_shape", "chunk_store", "chunks", "compressor", "dtype",
    "fill_value", "filters", "info", "initialized", "is_view", "itemsize", "meta_array", "name",
    "nbytes", "nbytes_stored", "nchunks", "nchunks_initialized", "ndim", "oindex", "order", "path",
    "read_only", "shape", "size", "store", "synchronizer", "vindex", "write_empty_chunks",
]  # fmt: skip

METHODS = [
    "append", "astype", "digest", "get_basic_selection", "get_block_selection",
    "get_coordinate_selection", "get_mask_selection", "get_orthogonal_selection", "hexdigest",
    "info_items", "islice", "resize", "set_basic_selection", "set_block_selection",
    "set_coordinate_selection", "set_mask_selection", "set_orthogonal_selection", "view",
]  # fmt: skip


@pytest.mark.parametrize("name", ATTRIBUTES + METHODS)
def test_is_there_and_documented(name: str) -> None:
    z = zarr.zeros((4, 6), chunks=(2, 3))
    getattr(z, name)
    assert (getattr(zarr.Array, name).__doc__ or "").strip()


def test_values_of_attributes(tmp_path: pathlib.Path) -> None:
    root = zarr.open_group(str(tmp_path / "g"))
    z = root.create_dataset("foo/bar", shape=(10, 7), chunks=(4, 3), dtype="<i4", fill_value=3)
    assert z.basename == "bar"
    assert z.name == "/foo/bar"
    assert z.path == "foo/bar"
    assert z.shape == (10, 7)
    assert z.chunks == (4, 3)
    assert z.cdata_shape == (3, 3)
    assert z.nchunks == 9
    assert z.ndim == 2
    assert z.size == 70
    assert z.itemsize == 4
    assert z.nbytes == 280
    assert z.order == "C"
    assert z.dtype == np.dtype("i4")
    assert z.fill_value == 3
    assert not z.read_only
    assert not z.is_view
    assert z.filters is None
    assert z.write_empty_chunks
    assert isinstance(z.store, MutableMapping)
    assert isinstance(z.attrs, MutableMapping)
    assert z.nchunks_initialized == z.initialized == 0
    z[:5, :1] = 1
    assert z.nchunks_initialized == z.initialized == 2
    stored = sum(p.stat().st_size for p in (tmp_path / "g/foo/bar").iterdir())
    assert z.nbytes_stored == stored
    assert repr(z) == "<zarr.core.Array '/foo/bar' (10, 7) int32>"
    z.attrs["a"] = "b" * 1000
    assert z.nbytes_stored > stored + 1000


def test_nbytes_stored_of_nested_chunks(tmp_path: pathlib.Path) -> None:
    sizes = set()
    for store in (
        zarr.NestedDirectoryStore(str(tmp_path / "a")),
        zarr.MemoryStore(dimension_separator="/"),
        {},
        zarr.DirectoryStore(str(tmp_path / "b"), dimension_separator="/"),
    ):
        z = zarr.zeros((4, 4), chunks=2, store=store, dimension_separator="/", compressor=None)
        z[...] = 1
        sizes.add(z.nbytes_stored - len(z.store[".zarray"]))
    assert sizes == {4 * 4 * 8}


def test_attributes_cannot_be_set() -> None:
    z = zarr.zeros((4, 6))
    for name in ("chunks", "dtype", "order", "compressor", "store", "path", "size"):
        with pytest.raises(AttributeError):
            setattr(z, name, None)


def test_shape_can_be_set() -> None:
    z = zarr.ones((4, 6), chunks=2)
    z.shape = (2, 8)
    assert z.shape == zarr.Array(z.store).shape == (2, 8)


def test_len_bool_and_iteration() -> None:
    a = np.arange(24).reshape(6, 4)
    z = zarr.array(a, chunks=(4, 3))
    assert len(z) == 6
    assert len(zarr.zeros((0, 3))) == 0
    for row, expected in zip(z, a, strict=True):
        assert_array_equal(row, expected)
    assert [int(x) for x in zarr.array(np.arange(7), chunks=3)] == list(range(7))
    assert list(zarr.zeros(0)) == []
    assert 3 in zarr.array([1, 2, 3])
    assert 4 not in zarr.array([1, 2, 3])


@pytest.mark.parametrize(
    ("start", "end"),
    [(None, None), (2, None), (None, 5), (2, 9), (0, 0), (9, 100), (20, None), (5, 2), (3, 4)],
)
def test_islice(start: Any, end: Any) -> None:
    a = np.arange(20).reshape(10, 2)
    z = zarr.array(a, chunks=(3, 1))
    rows = list(z.islice(start, end))
    expected = a[slice(start, end)]
    assert len(rows) == len(expected)
    for row, other in zip(rows, expected, strict=True):
        assert_array_equal(row, other)


@pytest.mark.parametrize(("start", "end"), [(-1, None), (0, -1), (1.5, None), ("a", None)])
def test_islice_refuses(start: Any, end: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        list(zarr.zeros(10).islice(start, end))


def test_islice_decodes_each_chunk_once() -> None:
    class Counting(numcodecs.abc.Codec):
        codec_id = "counting_for_islice"
        decoded = 0

        def encode(self, buf: Any) -> Any:
            return bytes(np.ascontiguousarray(buf))

        def decode(self, buf: Any, out: Any = None) -> Any:
            Counting.decoded += 1
            return numcodecs.compat.ndarray_copy(buf, out) if out is not None else buf

    numcodecs.register_codec(Counting)
    z = zarr.array(np.arange(100), chunks=10, compressor=Counting())
    assert [int(x) for x in z.islice(5, 35)] == list(range(5, 35))
    assert Counting.decoded == 4
    rows = z.islice()
    next(rows)
    assert Counting.decoded == 5


def test_conversion_to_numpy() -> None:
    a = np.arange(12, dtype="i2").reshape(3, 4)
    z = zarr.array(a, chunks=2)
    assert_array_equal(np.asarray(z), a)
    assert np.asarray(z).dtype == a.dtype
    assert np.asarray(z, dtype="f4").dtype == np.dtype("f4")
    assert_array_equal(np.array(z), a)
    assert_array_equal(z.__array__(), a)
    assert z.__array__("f8").dtype == np.dtype("f8")
    assert_array_equal(np.add(z, 1), a + 1)
    assert_array_equal(np.zeros_like(z), np.zeros_like(a))
    assert_array_equal(np.concatenate([z, z]), np.concatenate([a, a]))
    assert float(zarr.array(2.5)[()]) == 2.5
    assert np.array(z, copy=True).flags.writeable
    with pytest.raises(ValueError, match="copy"):
        np.array(z, copy=False)


# -- append and resize -----------------------------------------------------------------


def test_what_resize_cuts_off_does_not_come_back() -> None:
    z = zarr.array(np.arange(10), chunks=4)
    z.resize(6)
    assert sorted(z.store) == [".zarray", "0", "1"]
    assert_array_equal(z[...], np.arange(6))
    z.resize(10)
    assert_array_equal(z[...], [*range(6), 0, 0, 0, 0])


def test_resize_does_not_rearrange() -> None:
    a = np.arange(100).reshape(10, 10)
    z = zarr.array(a, chunks=(3, 4), fill_value=-1)
    z.resize(5, 12)
    assert_array_equal(z[:, :10], a[:5])
    assert_array_equal(z[:, 10:], np.full((5, 2), -1))
    z.resize((2, 2))
    assert_array_equal(z[...], a[:2, :2])
    assert sorted(z.store) == [".zarray", "0.0"]


def test_resize_touches_nothing_but_its_chunks() -> None:
    store: dict[str, bytes] = {}
    z = zarr.array(np.arange(10), chunks=2, store=store, path="a")
    zarr.ones(10, chunks=2, store=store, path="b")[...] = 2
    store["a/notes.txt"] = b"mine"
    z.resize(3)
    assert sorted(k for k in store if k.startswith("a/")) == [
        "a/.zarray", "a/0", "a/1", "a/notes.txt",
    ]  # fmt: skip
    assert len([k for k in store if k.startswith("b/")]) == 6


@pytest.mark.parametrize("args", [(3,), (1, 2, 3), ((1, 2, 3),), (-1, 2), ("a", 2), (1.5, 2), ()])
def test_resize_refuses(args: Any) -> None:
    z = zarr.ones((4, 4), chunks=2)
    with pytest.raises((ValueError, TypeError)):
        z.resize(*args)
    assert z.shape == zarr.Array(z.store).shape == (4, 4)


def test_append() -> None:
    z = zarr.array(np.arange(6).reshape(2, 3), chunks=(2, 2))
    assert z.append([[6, 7, 8]]) == (3, 3)
    assert z.append(np.zeros((3, 2), int), axis=1) == (3, 5)
    assert z.append(np.ones((3, 1), int), axis=-1) == (3, 6)
    assert z.append(np.zeros((0, 6))) == (3, 6)
    assert z.append(zarr.ones((1, 6))) == (4, 6)
    assert_array_equal(
        z[...],
        [[0, 1, 2, 0, 0, 1], [3, 4, 5, 0, 0, 1], [6, 7, 8, 0, 0, 1], [1] * 6],
    )
    assert zarr.Array(z.store).shape == (4, 6)


@pytest.mark.parametrize(
    ("data", "axis"),
    [
        (np.ones((2, 4)), 0), (np.ones((3, 3)), 1), (np.ones(3), 0), (np.ones((1, 2, 3)), 0),
        (5, 0), (np.ones((2, 3)), 2), (np.ones((2, 3)), -3), ([[1, 2], [3]], 0),
    ],
)  # fmt: skip
def test_append_refuses(data: Any, axis: int) -> None:
    z = zarr.array(np.arange(6).reshape(2, 3))
    with pytest.raises(ValueError):
        z.append(data, axis=axis)
    assert z.shape == zarr.Array(z.store).shape == (2, 3)


def test_append_to_other_kinds() -> None:
    z = zarr.array(["a", "bc"], dtype=str, chunks=2)
    assert z.append(["def"]) == (3,)
    assert list(z[...]) == ["a", "bc", "def"]
    z = zarr.array(np.array(["2020-01-01"], "M8[D]"))
    z.append(np.array(["2021-01-01"], "M8[D]"))
    assert_array_equal(z[...], np.array(["2020-01-01", "2021-01-01"], "M8[D]"))
    z = zarr.zeros(0, dtype=[("a", "i4"), ("b", "S2")], chunks=2)
    z.append(np.array([(1, b"x")], z.dtype))
    assert z[0] == np.array((1, b"x"), z.dtype)


# -- views -----------------------------------------------------------------------------


def test_view_shares_data() -> None:
    z = zarr.array(np.arange(10, dtype="u1"), chunks=3)
    v = z.view()
    assert v.is_view
    assert v.store is z.store
    assert_array_equal(v[...], z[...])
    v[0] = 99
    assert z[0] == 99
    assert not z.is_view
    assert z.view(read_only=True).read_only
    synchronizer = zarr.ThreadSynchronizer()
    assert z.view(synchronizer=synchronizer).synchronizer is synchronizer


def test_view_changes_what_it_is_told() -> None:
    z = zarr.array(np.arange(12, dtype="<u2"), chunks=6, compressor=None)
    v = z.view(shape=24, chunks=12, dtype="u1")
    assert (v.shape, v.chunks, v.dtype) == ((24,), (12,), np.dtype("u1"))
    assert_array_equal(v[...], z[...].view("u1"))
    assert z.view(dtype="<i2").dtype == np.dtype("<i2")
    assert z.view(shape=5)[...].shape == (5,)
    empty = zarr.full(4, 1, dtype="u1")
    assert_array_equal(empty.view(fill_value=9)[...], [9] * 4)
    assert json.loads(bytes(z.store[".zarray"]))["shape"] == [12]


@pytest.mark.parametrize("change", [lambda v: v.resize(3), lambda v: v.append([1])])
def test_views_cannot_change_shape(change: Any) -> None:
    z = zarr.zeros(10, dtype="i4")
    for view in (z.view(), z.astype("f4")):
        with pytest.raises(PermissionError):
            change(view)
    assert z.shape == (10,)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("u1", "f4"),
        ("i8", "i2"),
        ("f8", "i4"),
        (">i4", "<f8"),
        ("?", "u1"),
        ("i4", "c8"),
        ("i4", "S5"),
    ],
)
def test_astype(source: str, target: str) -> None:
    a = np.arange(20).astype(source).reshape(4, 5)
    z = zarr.array(a, chunks=3)
    v = z.astype(target)
    assert v.dtype == np.dtype(target)
    assert v.is_view
    assert v.read_only
    assert_array_equal(v[...], a.astype(target))
    assert_array_equal(v[1:3, 2], a.astype(target)[1:3, 2])
    with pytest.raises(PermissionError):
        v[0, 0] = 1
    assert z.dtype == np.dtype(source)


def test_astype_of_a_filtered_array() -> None:
    a = np.arange(20, dtype="i4")
    z = zarr.array(a, chunks=7, filters=[numcodecs.Delta("i4")])
    assert_array_equal(z.astype("f8")[...], a.astype("f8"))


def test_astype_of_cells_never_written() -> None:
    z = zarr.full(5, 7, dtype="i4", chunks=2)
    assert_array_equal(z.astype("f4")[...], np.full(5, 7, "f4"))


# -- info, digest ----------------------------------------------------------------------


def test_info_of_an_array_in_a_group() -> None:
    z = zarr.group().create_dataset(
        "foo/bar", shape=(10, 10), chunks=5, dtype="<f4", order="F",
        filters=[numcodecs.CRC32(), numcodecs.Adler32()], compressor=numcodecs.Zlib(3),
    )  # fmt: skip
    z[:5] = 1
    lines = str(z.info).split("\n")
    names = [line.partition(":")[0].strip() for line in lines if line]
    assert names == [
        "Name", "Type", "Data type", "Shape", "Chunk shape", "Order", "Read-only", "Filter [0]",
        "Filter [1]", "Compressor", "Store type", "No. bytes", "No. bytes stored", "Storage ratio",
        "Chunks initialized",
    ]  # fmt: skip
    assert len({line.index(":") for line in lines if line}) == 1
    items = dict(z.info_items())
    assert items["Name"] == "/foo/bar"
    assert items["Type"] == "zarr.core.Array"
    assert items["Data type"] == "float32"
    assert items["Shape"] == "(10, 10)"
    assert items["Filter [1]"] == "Adler32()"
    assert items["Compressor"] == "Zlib(level=3)"
    assert items["Store type"] == "zarr.storage.MemoryStore"
    assert items["No. bytes"] == "400"
    assert items["Chunks initialized"] == "2/4"
    assert items["Storage ratio"] == f"{400 / z.nbytes_stored:.1f}"
    assert repr(z.info) == str(z.info)
    html = z.info._repr_html_()
    assert "<table" in html
    assert "/foo/bar" in html


def test_html_is_escaped() -> None:
    z = zarr.group().create_dataset("<script>alert(1)", shape=3)
    assert "<script>" not in z.info._repr_html_()


@pytest.mark.parametrize(
    ("nbytes", "text"),
    [(320, "320"), (8000000, "8000000 (7.6M)"), (4 * 10**8, "400000000 (381.5M)"),
     (2**40, "1099511627776 (1.0T)")],
)  # fmt: skip
def test_sizes_in_info(nbytes: int, text: str) -> None:
    assert dict(zarr.zeros(nbytes, dtype="u1", chunks=2**30).info_items())["No. bytes"] == text


@pytest.mark.parametrize(
    ("create", "digest"),
    [
        (lambda: zarr.empty((10000, 10000), chunks=(1000, 1000)),
         "041f90bc7a571452af4f850a8ca2c6cddfa8a1ac"),
        (lambda: zarr.zeros((10000, 10000), chunks=(1000, 1000)),
         "7162d416d26a68063b66ed1f30e0a866e4abed60"),
        (lambda: zarr.zeros((10000, 10000), dtype="u1", chunks=(1000, 1000)),
         "cb387af37410ae5a3222e893cf3373e4e4f22816"),
    ],
)  # fmt: skip
def test_digests_of_the_manual(create: Any, digest: str) -> None:
    z = create()
    assert z.hexdigest() == digest
    assert binascii.hexlify(z.digest()) == digest.encode()
    assert z.digest() == bytes.fromhex(digest)


def test_digest_depends_on_chunks_document_and_attributes() -> None:
    z = zarr.zeros((4, 4), chunks=2, dtype="i4")
    seen = {z.hexdigest()}
    z[0, 0] = 1
    seen.add(z.hexdigest())
    z.attrs["a"] = 1
    seen.add(z.hexdigest())
    z.resize(4, 6)
    seen.add(z.hexdigest())
    assert len(seen) == 4
    assert z.hexdigest("md5") != z.hexdigest()
    assert len(z.digest("sha256")) == hashlib.sha256().digest_size
    copy = zarr.zeros((4, 6), chunks=2, dtype="i4")
    copy.attrs["a"] = 1
    copy[0, 0] = 1
    assert copy.hexdigest() == z.hexdigest()
    with pytest.raises(ValueError):
        z.digest("no such algorithm")


# -- equality and pickles --------------------------------------------------------------


def test_equality(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "a.zarr")
    z = zarr.open_array(path, mode="w", shape=4)
    same_place = zarr.open_array(path, mode="r+")
    assert z == same_place
    assert z == z
    assert z != zarr.open_array(path, mode="r")
    assert z != zarr.open_array(str(tmp_path / "b.zarr"), mode="w", shape=4)
    assert z != "foo"
    assert z != 4
    root = zarr.group()
    assert root.zeros("a", shape=4) == root["a"]
    assert root["a"] != root.zeros("b", shape=4)
    with pytest.raises(TypeError):
        hash(z)


@pytest.mark.usefixtures("in_tmp_path")
def test_pickles_of_what_is_on_disk_are_small() -> None:
    for store in (
        "data/walnuts.zarr",
        zarr.DirectoryStore("data/almonds.zarr"),
        zarr.NestedDirectoryStore("data/pecans.zarr"),
    ):
        z = zarr.open(store, mode="w", shape=100000, dtype="i8")
        z[:] = np.arange(100000)
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            s = pickle.dumps(z, protocol)
            assert len(s) < 200 + len(z.store.path)
            again = pickle.loads(s)
            assert again == z
            assert type(again.store) is type(z.store)
            assert_array_equal(again[:], z[:])


def test_pickles_keep_how_an_array_was_opened(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "a")
    zarr.open_array(path, mode="w", shape=4, path="p/q")
    z = zarr.Array(
        zarr.DirectoryStore(path), "p/q", read_only=True, cache_metadata=False, cache_attrs=False,
        write_empty_chunks=False, synchronizer=zarr.ProcessSynchronizer(str(tmp_path / "s")),
    )  # fmt: skip
    again = pickle.loads(pickle.dumps(z))
    assert again.read_only
    assert again.path == "p/q"
    assert not again.write_empty_chunks
    assert again.synchronizer.path == str(tmp_path / "s")
    z.read_only = False
    again.store[again.path + "/.zarray"] = again.store[again.path + "/.zarray"].replace(b"4", b"4")
    assert again.shape == (4,)


def test_pickles_of_memory_carry_the_data() -> None:
    for store in (None, {}, zarr.MemoryStore(), zarr.storage.KVStore({})):
        z = zarr.array(np.arange(1000), chunks=100, store=store, compressor=None)
        again = pickle.loads(pickle.dumps(z))
        assert again == z
        assert_array_equal(again[...], z[...])
        z[0] = 99
        assert again[0] == 0
        again[1] = 77
        assert z[1] == 1


def test_pickled_arrays_still_work_with_locks(tmp_path: pathlib.Path) -> None:
    z = zarr.open_array(str(tmp_path / "a"), mode="w", shape=10, chunks=4,
                        synchronizer=zarr.ThreadSynchronizer())  # fmt: skip
    again = pickle.loads(pickle.dumps(z))
    again[1:9] = 4
    assert_array_equal(z[...], [0] + [4] * 8 + [0])


# -- caching ---------------------------------------------------------------------------


def test_metadata_is_cached() -> None:
    store: dict[str, bytes] = {}
    z = zarr.zeros(10, chunks=2, store=store)
    other = zarr.Array(store)
    z.resize(20)
    assert other.shape == (10,)
    assert zarr.Array(store).shape == (20,)


def test_metadata_is_not_cached() -> None:
    store: dict[str, bytes] = {}
    z = zarr.zeros(10, chunks=2, dtype="i4", store=store)
    other = zarr.Array(store, cache_metadata=False)
    z.append(np.ones(5, "i4"))
    assert other.shape == (15,)
    assert (other.size, other.nbytes, other.nchunks, other.cdata_shape, len(other)) == (
        15,
        60,
        8,
        (8,),
        15,
    )
    assert other[14] == 1
    assert "(15,)" in repr(other)
    assert "(15,)" in str(other.info)
    z.append(np.full(5, 2, "i4"))
    other[19] = 7
    assert_array_equal(z[15:], [2, 2, 2, 2, 7])
    z.append(np.full(1, 3, "i4"))
    assert other.append(np.full(1, 4, "i4")) == (22,)
    assert zarr.Array(store).shape == (22,)
    z2 = zarr.Array(store, cache_metadata=False)
    z2.resize(4)
    assert_array_equal(other[...], [0] * 4)


def test_metadata_that_is_gone() -> None:
    g = zarr.group()
    g.zeros("a", shape=3)
    z = zarr.Array(g.store, "a", cache_metadata=False)
    del g["a"]
    with pytest.raises(zarr.errors.ArrayNotFoundError, match="a"):
        _ = z.shape
    with pytest.raises(zarr.errors.ArrayNotFoundError):
        z[0] = 1
    assert list(g.store) == [".zgroup"]


def test_two_handles_append_in_turn() -> None:
    store: dict[str, bytes] = {}
    first = zarr.zeros(0, chunks=4, dtype="i4", store=store)
    second = zarr.Array(store)
    for i in range(6):
        (first, second)[i % 2].append([i])
    assert_array_equal(zarr.Array(store)[...], range(6))


@pytest.mark.parametrize("cache", [True, False])
def test_cache_attrs(cache: bool) -> None:
    store: dict[str, bytes] = {}
    z = zarr.zeros(3, store=store)
    other = zarr.Array(store, cache_attrs=cache)
    assert dict(other.attrs) == {}
    z.attrs["a"] = 1
    assert dict(other.attrs) == ({} if cache else {"a": 1})
    other.attrs.refresh()
    assert dict(other.attrs) == {"a": 1}


def test_a_cached_handle_does_not_undo_the_attributes_of_another() -> None:
    store: dict[str, bytes] = {}
    z = zarr.zeros(3, store=store)
    other = zarr.Array(store)
    assert dict(other.attrs) == {}
    z.attrs["a"] = 1
    other.attrs["b"] = 2
    assert dict(zarr.Array(store).attrs) == {"a": 1, "b": 2}
