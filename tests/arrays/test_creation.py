"""The functions that create arrays, and every parameter of theirs."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import numcodecs
import numpy as np
import pytest
from numpy.testing import assert_array_equal

import zarr
from zarr.errors import BadCompressorError, ContainsArrayError, ContainsGroupError


def test_create_has_the_defaults_of_the_manual() -> None:
    z = zarr.create(100)
    assert z.shape == (100,)
    assert z.dtype == np.dtype("f8")
    assert z.compressor == numcodecs.Blosc("lz4", 5, numcodecs.Blosc.SHUFFLE, 0)
    assert z.filters is None
    assert z.order == "C"
    assert z.fill_value == 0
    assert z.read_only is False
    assert z.write_empty_chunks is True
    assert z.synchronizer is None
    assert z.path == ""
    assert z.name is None
    assert z.basename is None
    assert z.is_view is False
    assert type(z.store) is zarr.storage.KVStore
    assert z.chunk_store is z.store
    assert dict(z.attrs) == {}
    assert isinstance(z, zarr.core.Array)


@pytest.mark.parametrize(
    ("create", "fill"),
    [
        (lambda: zarr.zeros((3, 4)), 0),
        (lambda: zarr.ones((3, 4)), 1),
        (lambda: zarr.full((3, 4), fill_value=7.5), 7.5),
        (lambda: zarr.full((3, 4), 7.5), 7.5),
    ],
)
def test_filled(create: Any, fill: float) -> None:
    z = create()
    assert z.fill_value == fill
    assert_array_equal(z[...], np.full((3, 4), fill))
    assert z.nchunks_initialized == 0


def test_empty_has_no_fill_value() -> None:
    z = zarr.empty(5, dtype="i4")
    assert z.fill_value is None
    assert z[...].shape == (5,)


# -- shape -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (10, (10,)),
        (np.int64(10), (10,)),
        ((), ()),
        ((0,), (0,)),
        ((3, 0, 2), (3, 0, 2)),
        ([2, 3], (2, 3)),
        (np.array([2, 3]), (2, 3)),
        ((np.int16(2), 3), (2, 3)),
    ],
)
def test_shape(shape: Any, expected: tuple[int, ...]) -> None:
    z = zarr.zeros(shape, dtype="i4")
    assert z.shape == expected
    assert z[...].shape == expected
    assert all(type(n) is int for n in z.shape)


@pytest.mark.parametrize("shape", [-1, (3, -2)])
def test_negative_lengths_are_refused(shape: Any) -> None:
    with pytest.raises(ValueError, match="shape"):
        zarr.zeros(shape)


@pytest.mark.parametrize("shape", [None, 2.5, (2.5,), "abc"])
def test_shapes_that_are_not_integers_are_refused(shape: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        zarr.zeros(shape)


# -- chunks ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        (True, (625, 625)),
        (None, (625, 625)),
        (False, (10000, 10000)),
        (100, (100, 100)),
        ((100, 200), (100, 200)),
        ([100, 200], (100, 200)),
        ((100, None), (100, 10000)),
        ((None, 100), (10000, 100)),
        ((100, -1), (100, 10000)),
        ((-1, None), (10000, 10000)),
        ((100,), (100, 10000)),
        ((20000, 5), (20000, 5)),
        ((np.int64(7), 7), (7, 7)),
    ],
)
def test_chunks(chunks: Any, expected: tuple[int, ...]) -> None:
    z = zarr.zeros((10000, 10000), chunks=chunks, dtype="i4")
    assert z.chunks == expected
    assert all(type(n) is int for n in z.chunks)


@pytest.mark.parametrize(
    ("shape", "dtype", "expected"),
    [
        ((10000, 10000), "i4", (625, 625)),
        ((100,), "f8", (100,)),
        ((1000000,), "f8", (62500,)),
        ((1000000,), "u1", (250000,)),
        ((), "i4", ()),
        ((0,), "i4", (1,)),
        ((0, 10), "i4", (1, 10)),
    ],
)
def test_guessed_chunks(shape: tuple[int, ...], dtype: str, expected: tuple[int, ...]) -> None:
    z = zarr.zeros(shape, chunks=True, dtype=dtype)
    assert len(z.chunks) == len(shape)
    if expected[:1] == (625,) or shape in ((100,), (), (0,), (0, 10)):
        assert z.chunks == expected
    else:
        assert np.prod(z.chunks) * z.itemsize <= 512 * 1024


@pytest.mark.parametrize("shape", [(0,), (5, 0), (0, 0, 3)])
@pytest.mark.parametrize("chunks", [True, False, None, 3])
def test_no_chunk_has_length_zero(shape: tuple[int, ...], chunks: Any) -> None:
    z = zarr.zeros(shape, chunks=chunks, dtype="i4")
    assert all(n > 0 for n in z.chunks)
    assert z[...].shape == shape
    z.resize(tuple(n + 4 for n in shape))
    z[...] = 9
    assert (z[...] == 9).all()


@pytest.mark.parametrize("chunks", [(1, 2, 3), 0, (0, 2), (-3, 2), "abc", 2.5])
def test_chunks_that_make_no_sense_are_refused(chunks: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        zarr.zeros((10, 10), chunks=chunks)


# -- compressor, filters ---------------------------------------------------------------


@pytest.mark.parametrize(
    "compressor",
    [
        None,
        numcodecs.Blosc("zstd", 3, numcodecs.Blosc.BITSHUFFLE),
        numcodecs.Zlib(9),
        numcodecs.GZip(1),
        numcodecs.BZ2(1),
        numcodecs.LZMA(preset=1),
        numcodecs.LZ4(),
        numcodecs.Zstd(5),
    ],
)
def test_compressor(compressor: Any) -> None:
    z = zarr.array(np.arange(100), chunks=30, compressor=compressor)
    assert z.compressor == compressor
    assert zarr.Array(z.store).compressor == compressor
    assert_array_equal(z[...], np.arange(100))


def test_the_default_compressor_is_a_variable() -> None:
    before = zarr.storage.default_compressor
    try:
        zarr.storage.default_compressor = numcodecs.Zstd(1)
        assert zarr.zeros(10).compressor == numcodecs.Zstd(1)
        assert zarr.zeros(10, compressor="default").compressor == numcodecs.Zstd(1)
        assert zarr.group().zeros("a", shape=3).compressor == numcodecs.Zstd(1)
    finally:
        zarr.storage.default_compressor = before
    assert zarr.zeros(10).compressor.codec_id == "blosc"


@pytest.mark.parametrize("compressor", ["zlib", 3, object(), numcodecs.Blosc])
def test_what_is_no_codec_is_refused(compressor: Any) -> None:
    with pytest.raises((BadCompressorError, ValueError)):
        zarr.zeros(10, compressor=compressor)


def test_filters() -> None:
    filters = [numcodecs.Delta("i4"), numcodecs.CRC32()]
    z = zarr.array(np.arange(100, dtype="i4"), chunks=30, filters=filters)
    assert z.filters == filters
    again = zarr.Array(z.store)
    assert again.filters == filters
    assert_array_equal(again[...], np.arange(100))


@pytest.mark.parametrize("filters", [None, []])
def test_no_filters(filters: Any) -> None:
    assert not zarr.zeros(10, filters=filters).filters


def test_codecs_of_zarr_codecs_are_those_of_numcodecs() -> None:
    assert zarr.Blosc is numcodecs.Blosc
    assert zarr.codecs.Delta is numcodecs.Delta
    for name in ("Zlib", "GZip", "BZ2", "LZMA", "Zstd", "LZ4", "Categorize", "PackBits", "JSON"):
        assert getattr(zarr.codecs, name) is getattr(numcodecs, name)


# -- fill value ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "fill", "expected"),
    [
        ("i4", -5, -5),
        ("u1", 255, 255),
        ("f4", np.nan, np.nan),
        ("f8", np.inf, np.inf),
        ("f8", -np.inf, -np.inf),
        ("f8", -0.0, -0.0),
        ("f8", 1e-310, 1e-310),
        ("c16", complex(1, np.nan), complex(1, np.nan)),
        ("?", True, True),
        ("S3", b"abc", b"abc"),
        ("S3", b"\x00\xff", b"\x00\xff"),
        ("U3", "äöü", "äöü"),
        ("M8[D]", np.datetime64("2020-02-29"), np.datetime64("2020-02-29")),
        ("M8[ns]", "NaT", np.datetime64("NaT", "ns")),
        ("m8[s]", np.timedelta64(7, "s"), np.timedelta64(7, "s")),
        (">i4", 258, 258),
        ("f4", 0.1, np.float32(0.1)),
    ],
)
def test_fill_value(dtype: str, fill: Any, expected: Any, tmp_path: pathlib.Path) -> None:
    z = zarr.full(5, fill_value=fill, dtype=dtype, store=str(tmp_path / "a.zarr"))
    for array in (z, zarr.open_array(str(tmp_path / "a.zarr"), mode="r")):
        want = np.array([expected] * 5, dtype)
        assert_array_equal(array[...], want)
        assert np.asarray(array.fill_value, dtype).tobytes() == want[:1].tobytes()
        assert array[...].dtype == np.dtype(dtype)


def test_fill_value_of_structured_dtypes() -> None:
    dtype = np.dtype([("a", "S3"), ("b", "<i4"), ("c", "f8")])
    fill = np.array((b"xyz", 7, np.nan), dtype)[()]
    z = zarr.full(4, fill_value=fill, dtype=dtype)
    again = zarr.Array(z.store)
    for array in (z, again):
        assert array[...].tobytes() == np.full(4, fill, dtype).tobytes()
    assert zarr.zeros(3, dtype=dtype)[0] == np.zeros((), dtype)[()]


@pytest.mark.parametrize(
    ("dtype", "fill"),
    [("i4", "abc"), ("i4", 2**40), ("f8", "x"), ("U3", 5), ("M8[D]", "yesterday")],
)
def test_fill_values_of_another_kind_are_refused(dtype: str, fill: Any) -> None:
    with pytest.raises(ValueError, match="fill_value"):
        zarr.full(5, fill_value=fill, dtype=dtype)


def test_fill_value_can_be_set() -> None:
    z = zarr.zeros(10, chunks=3, dtype="i4")
    z[0] = 1
    z.fill_value = 42
    assert z.fill_value == 42
    assert_array_equal(z[...], [1, 0, 0] + [42] * 7)
    again = zarr.Array(z.store)
    assert again.fill_value == 42
    z.fill_value = None
    assert z.fill_value is None
    assert json.loads(bytes(z.store[".zarray"]))["fill_value"] is None


# -- order, separator ------------------------------------------------------------------


@pytest.mark.parametrize("order", ["C", "F"])
def test_order(order: str) -> None:
    a = np.arange(24, dtype="i4").reshape(4, 6)
    z = zarr.array(a, chunks=(2, 3), order=order, compressor=None)
    assert z.order == order
    assert bytes(z.store["1.1"]) == a[2:4, 3:6].tobytes(order)
    assert_array_equal(z[...], a)
    assert z[...].flags.c_contiguous if order == "C" else z[...].flags.f_contiguous


@pytest.mark.parametrize("order", ["A", "K", None, 1])
def test_other_orders_are_refused(order: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        zarr.zeros((2, 2), order=order)


@pytest.mark.parametrize(
    ("separator", "keys"),
    [
        (None, [".zarray", "0.0", "0.1"]),
        (".", [".zarray", "0.0", "0.1"]),
        ("/", [".zarray", "0/0", "0/1"]),
    ],
)
@pytest.mark.parametrize("kind", ["dict", "memory", "directory"])
def test_dimension_separator(
    separator: Any, keys: list[str], kind: str, tmp_path: pathlib.Path
) -> None:
    store: Any = {"dict": {}, "memory": zarr.MemoryStore(), "directory": str(tmp_path)}[kind]
    z = zarr.zeros((2, 4), chunks=2, store=store, dimension_separator=separator, overwrite=True)
    z[...] = 1
    assert sorted(z.store) == keys
    assert_array_equal(zarr.open_array(store, mode="r")[...], np.ones((2, 4)))


def test_a_separator_is_found_when_the_document_has_none(tmp_path: pathlib.Path) -> None:
    z = zarr.zeros((2, 4), chunks=2, store=zarr.NestedDirectoryStore(str(tmp_path / "n")))
    z[...] = 3
    assert (tmp_path / "n/0/1").is_file()
    again = zarr.open(zarr.NestedDirectoryStore(str(tmp_path / "n")))
    assert_array_equal(again[...], np.full((2, 4), 3.0))


def test_a_store_may_say_the_separator() -> None:
    store = zarr.MemoryStore(dimension_separator="/")
    zarr.ones((2, 2), chunks=1, store=store)[...] = 2
    assert "1/1" in store


@pytest.mark.parametrize("separator", ["-", "", ",", 0])
def test_other_separators_are_refused(separator: Any) -> None:
    with pytest.raises(ValueError, match="dimension_separator"):
        zarr.zeros((2, 2), dimension_separator=separator)


# -- where -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["str", "pathlib"])
def test_a_path_is_a_directory(kind: str, tmp_path: pathlib.Path) -> None:
    path: Any = tmp_path / "a.zarr"
    z = zarr.ones(3, store=str(path) if kind == "str" else path)
    assert type(z.store) is zarr.DirectoryStore
    assert (path / ".zarray").is_file()


def test_any_mutable_mapping_is_a_store() -> None:
    from collections import UserDict

    store: UserDict[str, bytes] = UserDict()
    z = zarr.array(np.arange(10), chunks=4, store=store, path="a/b")
    assert set(store) == {".zgroup", "a/.zgroup", "a/b/.zarray", "a/b/0", "a/b/1", "a/b/2"}
    assert all(isinstance(value, bytes) for value in store.values())
    assert_array_equal(z[...], np.arange(10))


def test_other_stores_are_refused() -> None:
    with pytest.raises(TypeError, match="store"):
        zarr.zeros(3, store=[1, 2])


@pytest.mark.parametrize("path", ["a/b", "/a/b", "a//b/", b"a/b", "a\\b"])
def test_path(path: Any) -> None:
    store: dict[str, bytes] = {}
    z = zarr.zeros(3, store=store, path=path)
    assert (z.path, z.name, z.basename) == ("a/b", "/a/b", "b")
    assert sorted(store) == [".zgroup", "a/.zgroup", "a/b/.zarray"]


@pytest.mark.parametrize("path", ["../a", "a/../b", ".", "a/./b"])
def test_paths_that_climb_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        zarr.zeros(3, store={}, path=path)


def test_chunk_store() -> None:
    store: dict[str, bytes] = {}
    chunk_store: dict[str, bytes] = {}
    z = zarr.create(10, chunks=5, store=store, chunk_store=chunk_store, path="p", dtype="i4")
    z[...] = 3
    assert sorted(store) == [".zgroup", "p/.zarray"]
    assert sorted(chunk_store) == ["p/0", "p/1"]
    assert z.chunk_store is not z.store
    assert z.nchunks_initialized == 2
    assert z.nbytes_stored == sum(
        len(v) for k, v in [*store.items(), *chunk_store.items()] if k.startswith("p/")
    )
    assert_array_equal(zarr.Array(store, "p", chunk_store=chunk_store)[...], [3] * 10)
    assert "Chunk store type" in str(z.info)
    z.resize(5)
    assert sorted(chunk_store) == ["p/0"]


def test_overwrite() -> None:
    store: dict[str, bytes] = {}
    zarr.ones(10, chunks=2, store=store)[...] = 5
    with pytest.raises(ContainsArrayError):
        zarr.zeros(4, store=store)
    assert zarr.Array(store).shape == (10,)
    z = zarr.zeros(4, store=store, overwrite=True)
    assert sorted(store) == [".zarray"]
    assert_array_equal(z[...], np.zeros(4))


def test_overwrite_a_group() -> None:
    store: dict[str, bytes] = {}
    zarr.group(store).zeros("a/b", shape=3)
    with pytest.raises(ContainsGroupError):
        zarr.zeros(4, store=store)
    with pytest.raises(ContainsGroupError):
        zarr.zeros(4, store=store, path="a")
    zarr.zeros(4, store=store, path="a", overwrite=True)
    assert sorted(store) == [".zgroup", "a/.zarray"]


def test_an_array_cannot_lie_in_an_array() -> None:
    store: dict[str, bytes] = {}
    zarr.zeros(4, store=store, path="a")
    with pytest.raises(ContainsArrayError):
        zarr.zeros(4, store=store, path="a/b")
    assert sorted(store) == [".zgroup", "a/.zarray"]


def test_overwriting_takes_the_chunks_of_the_chunk_store() -> None:
    store: dict[str, bytes] = {}
    chunk_store: dict[str, bytes] = {}
    zarr.create(10, chunks=5, store=store, chunk_store=chunk_store)[...] = 3
    z = zarr.create(10, chunks=5, store=store, chunk_store=chunk_store, overwrite=True)
    assert sorted(chunk_store) == []
    assert_array_equal(z[...], np.zeros(10))


# -- behaviour -------------------------------------------------------------------------


def test_read_only() -> None:
    store: dict[str, bytes] = {}
    zarr.zeros(10, store=store)
    z = zarr.create(10, store={}, read_only=True)
    assert z.read_only
    for array in (z, zarr.Array(store, read_only=True)):
        with pytest.raises(zarr.errors.ReadOnlyError):
            array[...] = 1
        with pytest.raises(PermissionError):
            array.resize(3)


def test_write_empty_chunks() -> None:
    for flag, count in ((True, 5), (False, 0)):
        z = zarr.full(10, fill_value=np.nan, chunks=2, write_empty_chunks=flag)
        assert z.write_empty_chunks is flag
        z[...] = np.nan
        assert z.nchunks_initialized == count
        z[:3] = 1
        assert z.nchunks_initialized == max(count, 2)
        z[:2] = np.nan
        assert z.nchunks_initialized == (5 if flag else 1)
        assert_array_equal(z[...], [np.nan] * 2 + [1] + [np.nan] * 7)


@pytest.mark.parametrize(
    ("dtype", "fill"),
    [
        ("S3", b"ab"), ("U3", "äb"), ("M8[s]", "NaT"), ("?", True), ("c8", complex(np.nan, 0)),
        (">f4", np.nan), ([("a", "i4"), ("b", "f8")], np.array((1, np.nan), "i4,f8")[()]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("order", ["C", "F"])
def test_empty_chunks_of_every_kind(dtype: Any, fill: Any, order: str) -> None:
    dtype = np.dtype(dtype)
    fill = np.array(fill.item() if dtype.names else fill, dtype)[()]
    z = zarr.full((4, 4), fill, dtype=dtype, chunks=2, order=order, write_empty_chunks=False)
    z[...] = fill
    assert z.nchunks_initialized == 0
    z[1, 1] = np.zeros((), dtype)[()]
    assert z.nchunks_initialized == 1
    z[1, 1] = fill
    assert z.nchunks_initialized == 0


def test_empty_chunks_of_objects() -> None:
    z = zarr.full(
        6, "x", dtype=object, chunks=2, object_codec=numcodecs.VLenUTF8(), write_empty_chunks=False
    )
    z[...] = "x"
    assert z.nchunks_initialized == 0
    z[0] = "y"
    assert list(z[...]) == ["y", "x", "x", "x", "x", "x"]
    assert z.nchunks_initialized == 1


def test_unknown_arguments_are_told() -> None:
    with pytest.warns(UserWarning, match="chunk"):
        zarr.create(10, chunk=3)


def test_names_of_h5py_are_understood() -> None:
    z = zarr.create(10, fillvalue=3)
    assert z.fill_value == 3
    z = zarr.create(10, compression="zlib", compression_opts=1)
    assert z.compressor == numcodecs.Zlib(1)
    assert zarr.create(10, compression=None).compressor is None


@pytest.mark.parametrize("version", [2, None])
def test_zarr_version(version: Any) -> None:
    z = zarr.create(10, zarr_version=version)
    assert json.loads(bytes(z.store[".zarray"]))["zarr_format"] == 2


@pytest.mark.parametrize("version", [0, 4, "2", 2.5])
def test_other_zarr_versions_are_refused(version: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        zarr.create(10, zarr_version=version)


def test_partial_decompress_and_storage_options_are_accepted(tmp_path: pathlib.Path) -> None:
    z = zarr.open_array(
        str(tmp_path / "a"), mode="w", shape=10, partial_decompress=True, storage_options=None
    )
    z[...] = 1
    assert_array_equal(zarr.open_array(str(tmp_path / "a"), partial_decompress=True)[2:5], [1] * 3)


def test_synchronizer_is_kept() -> None:
    synchronizer = zarr.ThreadSynchronizer()
    z = zarr.zeros(10, synchronizer=synchronizer)
    assert z.synchronizer is synchronizer
    assert "Synchronizer type  : zarr.sync.ThreadSynchronizer" in str(z.info)


# -- array and the *_like functions ----------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        np.arange(20, dtype="u2").reshape(4, 5),
        np.asfortranarray(np.arange(20.0).reshape(4, 5)),
        np.arange(20)[::-2],
        np.float32(7),
        np.array("2020-01-01", "M8[D]"),
        np.zeros((0, 3), ">i8"),
        np.array(["a", "bcd"]),
    ],
)
def test_array_of_numpy(data: Any) -> None:
    z = zarr.array(data)
    assert (z.shape, z.dtype) == (data.shape, data.dtype)
    assert_array_equal(z[...], data)


def test_array_of_lists_and_scalars() -> None:
    assert zarr.array([1, 2, 3]).dtype == np.dtype(int)
    assert_array_equal(zarr.array([[1.5, 2], [3, 4]])[...], [[1.5, 2], [3, 4]])
    assert zarr.array(42)[()] == 42
    assert zarr.array((1, 2), dtype="f4").dtype == np.float32


def test_array_copies() -> None:
    a = np.arange(10)
    z = zarr.array(a, compressor=None)
    a[...] = 0
    assert_array_equal(z[...], np.arange(10))


def test_array_of_zarr_takes_over_shape_dtype_and_chunks() -> None:
    source = zarr.array(np.arange(100, dtype="i2").reshape(10, 10), chunks=(3, 4))
    z = zarr.array(source)
    assert (z.shape, z.dtype, z.chunks) == (source.shape, source.dtype, source.chunks)
    assert_array_equal(z[...], source[...])
    other = zarr.array(source, chunks=(10, 1), dtype="f8")
    assert (other.chunks, other.dtype) == ((10, 1), np.dtype("f8"))
    assert_array_equal(other[...], source[...])


def test_array_read_only_is_filled_first() -> None:
    z = zarr.array([1, 2, 3], read_only=True)
    assert z.read_only
    assert_array_equal(z[...], [1, 2, 3])


@pytest.mark.parametrize(
    ("create", "fill"),
    [
        (zarr.empty_like, None),
        (zarr.zeros_like, 0),
        (zarr.ones_like, 1),
        (lambda a, **kwargs: zarr.full_like(a, fill_value=9, **kwargs), 9),
    ],
)
def test_like(create: Any, fill: Any) -> None:
    source = zarr.create(
        (10, 12), chunks=(3, 4), dtype="i2", order="F", compressor=numcodecs.Zlib(2),
        filters=[numcodecs.Delta("i2")], fill_value=3,
    )  # fmt: skip
    z = create(source)
    assert (z.shape, z.chunks, z.dtype, z.order) == ((10, 12), (3, 4), np.dtype("i2"), "F")
    assert (z.compressor, z.filters) == (source.compressor, source.filters)
    assert z.fill_value == fill
    other = create(source, shape=(5, 5), chunks=5, dtype="f4", filters=None)
    assert (other.shape, other.chunks, other.dtype) == ((5, 5), (5, 5), np.dtype("f4"))


def test_like_numpy_and_lists() -> None:
    a = np.ones((3, 4), "u1")
    z = zarr.zeros_like(a)
    assert (z.shape, z.dtype) == (a.shape, a.dtype)
    assert_array_equal(z[...], np.zeros_like(a))
    assert zarr.full_like(zarr.full(3, 7, dtype="i4")).fill_value == 7


def test_open_like(tmp_path: pathlib.Path) -> None:
    source = zarr.ones((10, 12), chunks=(3, 4), dtype="i2", compressor=numcodecs.Zlib(2))
    path = str(tmp_path / "a.zarr")
    z = zarr.open_like(source, path)
    assert (z.shape, z.chunks, z.dtype) == ((10, 12), (3, 4), np.dtype("i2"))
    assert (z.compressor, z.fill_value) == (numcodecs.Zlib(2), 1)
    assert type(z.store) is zarr.DirectoryStore
    z[...] = 3
    assert_array_equal(zarr.open_like(source, path)[...], np.full((10, 12), 3))
    assert zarr.open_like(np.zeros(3, "u1"), str(tmp_path / "b"), mode="w").dtype == np.dtype("u1")
