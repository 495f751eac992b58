"""Arguments of creation functions: spellings of other libraries, mistakes, and what they leave."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numcodecs
import numpy as np
import pytest
from numcodecs import BZ2, LZMA, Blosc, GZip, Zlib
from numpy.testing import assert_array_equal

import zarr
from zarr.errors import BadCompressorError, ContainsArrayError, MetadataError
from zarr.storage import N5Store, init_array

# -- compression ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"compressor": Zlib(9), "compression": "bz2", "compression_opts": 1}, Zlib(9)),
        ({"compressor": Zlib(3), "compression": None}, Zlib(3)),
        ({"compressor": None, "compression": "zlib"}, None),
        ({"compressors": [Zlib(3)], "compression": None}, Zlib(3)),
    ],
)
def test_a_compressor_wins_over_compression(given: Any, expected: Any) -> None:
    for create in (zarr.create, zarr.zeros, zarr.group().create_dataset):
        name = {} if create in (zarr.create, zarr.zeros) else {"name": "x"}
        with pytest.warns(UserWarning, match="overridden by 'compressor'") as warned:
            z = create(shape=100, **name, **given)
        assert z.compressor == expected
        assert len(warned) == len(given) - 1
        assert {warning.filename for warning in warned} == {__file__}


@pytest.mark.parametrize("nothing", [None, False, 0, "", (), [], {}, "none"])
def test_what_is_empty_or_false_is_no_compressor(nothing: Any) -> None:
    store: dict[str, Any] = {}
    init_array(store, shape=5, compressor=nothing)
    arrays = [
        zarr.create(5, compressor=nothing), zarr.create(5, compression=nothing),
        zarr.group().create_dataset("x", shape=5, compressor=nothing),
        zarr.open_array({}, "w", shape=5, compressor=nothing), zarr.open_array(store),
        zarr.create(5, compressor=nothing, zarr_version=3),
    ]  # fmt: skip
    assert [z.compressor for z in arrays] == [None] * len(arrays)


@pytest.mark.parametrize(
    ("compression", "options", "expected"),
    [
        ("blosc", ("zstd", 1, 2), Blosc("zstd", 1, 2)),
        ("blosc", ("lz4",), Blosc("lz4")),
        ("blosc", {"cname": "zstd"}, Blosc("zstd")),
        ("blosc", "zstd", Blosc("zstd")),
        ("blosc", (), Blosc()),
        ("zlib", (9,), Zlib(9)),
        ("zlib", [9], Zlib(9)),
        ("zlib", 9, Zlib(9)),
        ("bz2", None, BZ2()),
        ("lzma", (1,), LZMA(1)),
        ("gzip", 4, GZip(4)),
    ],
)
def test_compression_options(compression: Any, options: Any, expected: Any) -> None:
    z = zarr.create(9, compression=compression, compression_opts=options)
    assert z.compressor == expected
    z[...] = np.arange(9)
    assert_array_equal(z[...], np.arange(9))


UNUSABLE: list[dict[str, Any]] = [
    {"compression": "lzf"},
    {"compression": 1},
    {"compression": "zlib", "compression_opts": "x"},
    {"compression": "zlib", "compression_opts": 99},
    {"compression": "blosc", "compression_opts": 3},
    {"compression": "gzip", "compression_opts": {"speed": 1}},
    {"compressor": {"id": "unheard-of"}},
    {"compressor": {"id": "zlib", "level": [9]}},
    {"compressor": "zlib"},
    {"filters": [{"id": "unheard-of"}]},
    {"fill_value": "x"},
    {"dtype": object},
    {"chunks": (0, 1)},
    {"chunks": 2**31, "dtype": "u1"},
    {"chunks": 2**31 - 16, "dtype": "u1"},
]


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("given", UNUSABLE, ids=str)
def test_a_failed_creation_leaves_nothing(given: Any, version: int) -> None:
    store: dict[str, Any] = {}
    root = zarr.group(store, zarr_version=version)
    root.create_dataset("old", shape=3)
    before = dict(store)
    for create in (
        lambda **kw: root.create_dataset("y/z", **kw),
        lambda **kw: root.create_dataset("old", overwrite=True, **kw),
        lambda **kw: root.require_dataset("y", **{"dtype": "f8", **kw}),
        lambda **kw: zarr.open_array(store, "a", path="y", zarr_version=version, **kw),
    ):
        with pytest.raises((ValueError, TypeError)):
            create(**{"shape": 10, **given})
        assert store == before


@pytest.mark.parametrize("version", [2, 3])
def test_values_that_cannot_be_stored_leave_nothing(version: int) -> None:
    store: dict[str, Any] = {}
    root = zarr.group(store, zarr_version=version)
    root.attrs["x"] = 1
    before = dict(store)
    for value, dtype in (
        (np.array(["a", np.nan, "b"], object), str),
        (np.array(["1", "x"]), "i4"),
        (np.array([1, None], object), "f8"),
    ):
        with pytest.raises((TypeError, ValueError)):
            root.create_dataset("s", data=value, dtype=dtype, chunks=1)
        assert store == before
        with pytest.raises((TypeError, ValueError)):
            zarr.array(value, dtype=dtype, store=store, path="s", chunks=1, zarr_version=version)
        assert store == before
        with pytest.raises((TypeError, ValueError)):
            zarr.create_array(
                store, name="s", data=value, dtype=dtype, chunks=1, zarr_format=version,
                attributes={"units": "m"},
            )  # fmt: skip
        assert store == before


@pytest.mark.parametrize("nbytes", [2**31 - 16, 2**31 - 1, 2**31])
def test_chunks_too_large_for_blosc_are_refused_at_creation(nbytes: int) -> None:
    with pytest.raises(ValueError, match="at most 2147483631"):
        zarr.create(2**32, chunks=nbytes, dtype="u1")
    zarr.create(2**32, chunks=2**31 - 17, dtype="u1")
    zarr.create(2**32, chunks=nbytes, dtype="u1", compressor=Zlib())


# -- shapes, chunks and dtypes ----------------------------------------------------------------


@pytest.mark.parametrize("store", [dict, N5Store])
@pytest.mark.parametrize("version", [2, 3])
def test_the_shape_of_a_dtype_belongs_to_the_array(store: Any, version: int, tmp_path: Any) -> None:
    if store is N5Store and version == 3:
        pytest.skip("N5 is like version 2")
    root = zarr.group(store(*[str(tmp_path)] if store is N5Store else []), zarr_version=version)
    for name, create in (
        ("a", root.create_dataset),
        ("b", root.zeros),
        ("c", root.require_dataset),
    ):
        z = create(name, shape=(3,), chunks=(2,), dtype="(2,2)f4")
        assert (z.shape, z.chunks, z.dtype) == ((3, 2, 2), (2, 2, 2), np.dtype("f4"))
        z[...] = np.arange(12).reshape(3, 2, 2)
        assert_array_equal(root[name][...], np.arange(12).reshape(3, 2, 2))
    assert root.require_dataset("c", shape=(3,), dtype="(2,2)f4") == z
    assert zarr.create(3, chunks=(2, 1, 1), dtype="(2,2)f4").chunks == (2, 1, 1)
    assert zarr.create(3, dtype="(2,)i4", fill_value=None)[...].shape == (3, 2)


def test_integral_floats_are_lengths() -> None:
    for shape, chunks, names in (
        ((10.0, 3), (1.0, 2), ["shape", "chunks"]),
        ((np.float64(1e3),), True, ["shape"]),
    ):
        with pytest.warns(UserWarning, match="non-integer") as warned:
            z = zarr.zeros(shape, chunks=chunks)
        assert z.shape == tuple(map(int, shape))
        assert [str(warning.message).partition(" ")[0] for warning in warned] == names
        assert {warning.filename for warning in warned} == {__file__}
    for bad in ((2.5,), (float("nan"),), ("2",), 2.5):
        with pytest.raises(TypeError, match="shape"):
            zarr.zeros(bad)
        with pytest.raises(TypeError, match="chunks"):
            zarr.zeros((10,), chunks=bad)


def test_chunks_of_numpy_and_dask() -> None:
    assert zarr.zeros((4, 4), chunks=np.array([2, 2])).chunks == (2, 2)
    assert zarr.zeros((4, 4), chunks=np.array(2)).chunks == (2, 2)
    for shape, chunks, expected in (
        ((40,), ((10, 10, 10, 10),), (10,)),
        ((35, 4), ((10, 10, 10, 5), (4,)), (10, 4)),
        ((13,), ((10, 3),), (10,)),
        ((0,), ((0,),), (1,)),
        ((6, 5), ((3, 3), 2), (3, 2)),
    ):
        store: dict[str, Any] = {}
        z = zarr.zeros(shape, chunks=chunks, store=store)
        assert (z.chunks, list(store)) == (expected, [".zarray"])
    listed = zarr.zeros(40, chunks=([10, 10, 10, 10],))
    assert listed.chunks == ((10, 10, 10, 10),)
    assert "zarr.json" in listed.store
    assert zarr.zeros((13, 20), chunks=((3, 10), (10, 10))).chunks == ((3, 10), 10)


def test_an_array_without_dimensions_has_one_chunk() -> None:
    for kwargs in ({}, {"zarr_version": 3}, {"shards": ()}):
        z = zarr.zeros((), **kwargs)
        assert (z.cdata_shape, z.nchunks, z.chunks, z.nchunks_initialized) == ((1,), 1, (), 0)
        z[()] = 5
        assert z.nchunks_initialized == 1


# -- fill values ------------------------------------------------------------------------------

STRUCTURE = [("foo", "S3"), ("bar", "<i4")]


@pytest.mark.parametrize(
    ("dtype", "fill", "expected"),
    [
        (STRUCTURE, b"", (b"", 0)),
        (STRUCTURE, b"abc", (b"abc", 0)),
        (STRUCTURE, b"abcdefg", (b"abc", int.from_bytes(b"defg", "little"))),
        ([("a", "U3"), ("b", "M8[s]")], b"", ("", np.datetime64(0, "s").item())),
        ([("a", [("b", "i2")]), ("c", "u1", (2,))], b"\x01", ((1,), [0, 0])),
        ("V5", b"ab", b"ab\0\0\0"),
    ],
)
def test_bytes_are_the_memory_of_one_item(dtype: Any, fill: bytes, expected: Any) -> None:
    for z in (zarr.create(3, dtype=dtype, fill_value=fill), zarr.full(3, fill, dtype=dtype)):
        assert str(z.fill_value.item()) == str(np.array(expected, dtype).item())
        assert zarr.open(z.store)[1].tobytes() == fill.ljust(z.itemsize, b"\0")
    with pytest.raises(ValueError, match="bytes"):
        zarr.create(3, dtype=dtype, fill_value=bytes(100))


@pytest.mark.parametrize(
    ("text", "dtype", "expected"),
    [
        ("0", "<f8", 0.0), ("0.5", "<f4", 0.5), ("1e3", "<f8", 1000.0), ("-.5", ">f8", -0.5),
        ("nan", "<f8", np.nan), ("-inf", "<f8", -np.inf), ("7", "|u1", 7), ("-3", "<i8", -3),
        ("9223372036854775807", "<i8", 2**63 - 1), ("2", "<c16", 2 + 0j),
    ],
)  # fmt: skip
def test_numbers_as_text_are_read(text: str, dtype: str, expected: Any) -> None:
    z = zarr.open(written_elsewhere(text, dtype), mode="r")
    assert_array_equal(z.fill_value, expected)
    assert_array_equal(z[...], np.full(4, expected, dtype))


@pytest.mark.parametrize(
    ("text", "dtype"),
    [("", "<f8"), ("false", "|u1"), ("0", "|b1"), (" 7", "<i4"), ("1_0", "<f8"), ("0x10", "<i4"),
     ("7.0", "<i4"), ("256", "|u1"), ("-1", "|u1"), ("\u0661", "<i4")],
)  # fmt: skip
def test_text_that_is_no_number_is_refused(text: str, dtype: str) -> None:
    with pytest.raises(MetadataError, match="fill_value"):
        zarr.open(written_elsewhere(text, dtype), mode="r")


def written_elsewhere(fill_value: str, dtype: str) -> dict[str, bytes]:
    document = {
        "zarr_format": 2, "shape": [4], "chunks": [2], "dtype": dtype, "compressor": None,
        "fill_value": fill_value, "order": "C", "filters": None,
    }  # fmt: skip
    return {".zarray": json.dumps(document).encode()}


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("M8[D]", np.datetime64("NaT", "D")), ("m8[s]", np.timedelta64("NaT", "s")), (str, ""),
     (bytes, b""), ("f4", 0.0), ("U3", ""), ("?", False)],
)  # fmt: skip
def test_create_array_has_the_same_default_in_both_formats(dtype: Any, expected: Any) -> None:
    for version in (2, 3):
        for z in (
            zarr.create_array({}, shape=2, dtype=dtype, zarr_format=version),
            zarr.group(zarr_version=version).create_array("x", shape=2, dtype=dtype),
        ):
            again = zarr.open_array(z.store, "r", path=z.path)
            assert str(again.fill_value) == str(expected)
            assert [str(item) for item in again[...]] == [str(expected)] * 2


# -- arrays like others ------------------------------------------------------------------------


def test_arrays_like_lists_and_tables() -> None:
    class Table:
        shape, dtype, chunklen = (100, 10), np.dtype("i8"), 13

    assert zarr.empty_like([0] * 9, shape=20).shape == (20,)
    assert zarr.zeros_like([[0.5] * 3] * 2).shape == (2, 3)
    assert zarr.empty_like(Table()).chunks == (13, 10)
    assert zarr.full_like([1, 2], fill_value=7)[...].tolist() == [7, 7]
    assert zarr.full_like(zarr.full(3, 7))[...].tolist() == [7, 7, 7]
    with pytest.raises(TypeError, match="needs a fill_value"):
        zarr.full_like([1, 2])


@pytest.mark.parametrize("name", ["empty", "zeros", "ones"])
def test_functions_named_by_their_fill_value_take_no_other(name: str) -> None:
    for keyword in ("fill_value", "fillvalue"):
        with pytest.raises(TypeError, match=rf"{name}\(\) takes no '{keyword}'; use full\(\)"):
            getattr(zarr, name)(3, **{keyword: 9})
        with pytest.raises(TypeError, match=rf"{name}_like\(\) takes no '{keyword}'.*full_like"):
            getattr(zarr, f"{name}_like")(zarr.zeros(3), **{keyword: 9})


def test_text_of_pandas_is_text() -> None:
    class Kind:
        type = str

    class Series:
        dtype, shape = Kind(), (2,)

        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            return np.array(["a", "é"], object)

    z = zarr.group().array("s", Series(), chunks=1)
    assert z[...].tolist() == ["a", "é"]
    z[...] = Series()
    z.append(Series())
    assert z[...].tolist() == ["a", "é"] * 2


# -- h5py, mistakes -----------------------------------------------------------------------------


def test_positional_arguments_of_h5py() -> None:
    root = zarr.group()
    assert root.create_dataset("a", (100, 100)).shape == (100, 100)
    assert root.create_dataset("b", (10,), "i4").dtype == np.dtype("i4")
    assert root.create_dataset("c", (3,), "i4", [1, 2, 3])[...].tolist() == [1, 2, 3]
    assert root.create_dataset("d", None, None, np.arange(3)).shape == (3,)
    assert root.require_dataset("b", (10,), "i4") == root["b"]
    assert root.require_dataset("e", (10,), "i4", True).dtype == np.dtype("i4")


@pytest.mark.parametrize(
    ("keyword", "meant"),
    [("chunksize", "chunks"), ("compresion", "compression"), ("dtyp", "dtype")],
)
def test_misspelt_keywords_are_named_where_they_are(
    keyword: str, meant: str, tmp_path: Any
) -> None:
    root = zarr.group()
    for create in (
        lambda **kw: zarr.zeros(10, **kw),
        lambda **kw: zarr.array([1, 2], **kw),
        lambda **kw: zarr.open(str(tmp_path / "x"), mode="w", shape=10, **kw),
        lambda **kw: root.create_dataset("x", shape=3, overwrite=True, **kw),
        lambda **kw: root.require_dataset("y" + keyword, shape=3, dtype="i4", **kw),
        lambda **kw: zarr.create_array(shape=3, dtype="i4", **kw),
    ):
        with pytest.warns(UserWarning, match=f"{keyword!r}; did you mean {meant!r}") as warned:
            create(**{keyword: 5})
        assert [warning.filename for warning in warned] == [__file__]


def test_messages_about_objects() -> None:
    root = zarr.group()
    with pytest.raises(ValueError, match="cannot make an array of dict"):
        root["q"] = {"a": 1}
    with pytest.raises(ValueError, match=r"missing object_codec.*dtype=str.*numcodecs\.JSON"):
        zarr.array(np.array(["a", 1], object))
    with pytest.warns(UserWarning, match="only needed for object arrays"):
        zarr.create(3, dtype="i4", object_codec=numcodecs.JSON())
    with pytest.warns(FutureWarning, match="missing object_codec"):
        zarr.create(3, dtype=object, filters=[numcodecs.JSON()])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        z = zarr.create(3, dtype=object, object_codec=numcodecs.JSON())
        zarr.empty_like(z)
        zarr.copy(z, zarr.group(), name="x")


def test_overwriting_below_an_array_says_what_to_delete() -> None:
    root = zarr.group()
    root.create_dataset("foo", shape=3)
    for create in (
        lambda: root.create_dataset("foo/bar", shape=4, overwrite=True),
        lambda: root.create_group("foo/bar", overwrite=True),
        lambda: root.__setitem__("foo/bar", [1]),
        lambda: zarr.open_array(root.store, "w", path="foo/bar", shape=4),
        lambda: zarr.open_group(root.store, "w", path="foo/bar"),
        lambda: zarr.save(root.store, [1], path="foo/bar"),
    ):
        with pytest.raises(ContainsArrayError, match=r"'foo' contains.*: delete it .*overwrite="):
            create()
    assert root["foo"].shape == (3,)


def test_what_no_compressor_is() -> None:
    with pytest.raises(BadCompressorError, match="'zlib'; expected a codec object"):
        zarr.create(3, compressor="zlib")
    with pytest.raises(BadCompressorError, match="unknown compression 'lzf'; available are blosc"):
        zarr.create(3, compression="lzf")


@pytest.mark.parametrize("fields", [[], (), ""])
def test_no_fields_are_all(fields: Any) -> None:
    z = zarr.array(np.array([(1, 2)], dtype=[("a", "i4"), ("b", "i4")]))
    assert z.get_basic_selection(slice(None), fields=fields).tolist() == [(1, 2)]
    z.set_basic_selection(slice(None), (3, 4), fields=fields)
    assert z[...].tolist() == [(3, 4)]
    for bad in (5, slice(None), [1], object()):
        with pytest.raises(IndexError, match="fields"):
            z.get_orthogonal_selection(slice(None), fields=bad)
        with pytest.raises(IndexError, match="fields"):
            z.set_basic_selection(slice(None), (0, 0), fields=bad)


@pytest.mark.parametrize(("start", "end"), [(0.5, 1), (-1, 1), (0, "1"), (0, -2)])
def test_ends_of_iterations_are_nonnegative_integers(start: Any, end: Any) -> None:
    with pytest.raises(ValueError, match="nonnegative integers"):
        list(zarr.zeros(10).islice(start, end))
