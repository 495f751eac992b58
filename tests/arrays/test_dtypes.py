"""Items of every NumPy kind, and Python objects."""

from __future__ import annotations

import json
import warnings
from datetime import date
from typing import Any

import numcodecs
import numpy as np
import pytest
from numpy.testing import assert_array_equal

import zarr
from zarr.errors import UnsafeDecodeError

EXTREMES: dict[str, Any] = {
    "?": [True, False, True],
    "i1": [-128, 127, 0], "<i2": [-(2**15), 2**15 - 1, 1], ">i8": [-(2**63), 2**63 - 1, 258],
    "u1": [0, 255, 1], "<u8": [0, 2**64 - 1, 1], ">u4": [0, 2**32 - 1, 1],
    "<f2": [np.nan, np.inf, -65504.0], "<f4": [np.nan, -0.0, 1e-45], ">f8": [-np.inf, 5e-324, 0.1],
    "<c8": [complex(np.nan, -np.inf), 1j, 0], ">c16": [complex(0.1, -0.0), 1, 2j],
    "<M8[ns]": ["NaT", "2262-04-11T23:47:16.854775807", "1970"],
    ">M8[D]": ["NaT", "0001-01-01", "9999-12-31"],
    "<m8[us]": [np.timedelta64("NaT", "us"), 5, -5], ">m8[Y]": [1, 2, 3], "<M8[25s]": [0, 1, 2],
    "S4": [b"", b"abcd", b"\xff\0\x01"], "<U4": ["", "äöüß", "🌊海"], ">U3": ["a", "ab", "abc"],
    "V3": [b"abc", b"\0\0\1", b"xyz"],
}  # fmt: skip


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", EXTREMES)
def test_extremes(dtype: str, order: str) -> None:
    a = np.array(EXTREMES[dtype] * 2, dtype).reshape(2, 3)
    z = zarr.array(a, chunks=2, order=order)
    again = zarr.Array(z.store)
    for array in (z, again):
        assert array.dtype == np.dtype(dtype)
        assert array.dtype.byteorder == np.dtype(dtype).byteorder
        assert array[...].tobytes() == a.tobytes()
    assert json.loads(bytes(z.store[".zarray"]))["dtype"] == np.dtype(dtype).str


@pytest.mark.parametrize(
    "dtype", [int, float, bool, complex, np.int16, "uint8", "float32", "=i4", None]
)
def test_spellings(dtype: Any) -> None:
    assert zarr.zeros(3, dtype=dtype).dtype == np.dtype(dtype)


@pytest.mark.parametrize("dtype", ["M8", "m8", "datetime64"])
def test_datetimes_need_a_unit(dtype: str) -> None:
    with pytest.raises(ValueError, match="unit"):
        zarr.zeros(3, dtype=dtype)


@pytest.mark.parametrize("dtype", ["foo", "i3", object()])
def test_no_dtypes(dtype: Any) -> None:
    with pytest.raises(TypeError):
        zarr.zeros(3, dtype=dtype)


def test_datetimes() -> None:
    z = zarr.array(["2007-07-13", "2006-01-13", "2010-08-13"], dtype="M8[D]")
    assert repr(z) == "<zarr.core.Array (3,) datetime64[D]>"
    assert z[0] == np.datetime64("2007-07-13")
    z[0] = "1999-12-31"
    z[1] = np.datetime64("NaT", "D")
    assert_array_equal(z[...], np.array(["1999-12-31", "NaT", "2010-08-13"], "M8[D]"))
    z[2] = date(2020, 2, 29)
    assert z[2] == np.datetime64("2020-02-29")
    d = zarr.array([1, 2, 3], dtype="m8[D]")
    assert d[1] == np.timedelta64(2, "D")


# -- objects ---------------------------------------------------------------------------


def fill(codec: Any, items: list[Any], **options: Any) -> Any:
    z = zarr.empty(len(items), dtype=object, object_codec=codec, chunks=2, **options)
    for i, item in enumerate(items):
        z[i] = item
    return z


@pytest.mark.parametrize(
    ("codec", "items"),
    [
        (numcodecs.VLenUTF8(), ["foo", "", "¡Hola mundo!", "温度", "x" * 5000, "n\0l"]),
        (numcodecs.VLenBytes(), [b"foo", b"", b"\x00\xff", b"y" * 5000]),
        (numcodecs.JSON(), [42, "foo", ["bar", "baz", "qux"], {"a": 1, "b": 2.2}, None, True, 1.5]),
        (numcodecs.MsgPack(), [42, "foo", ["bar", "baz", "qux"], {"a": 1, "b": 2.2}, None, False]),
        (numcodecs.Categorize(["a", "b", "ü"], dtype=object), ["a", "ü", "b", "a"]),
    ],
    ids=lambda value: getattr(value, "codec_id", ""),
)
def test_objects_one_by_one_and_at_once(codec: Any, items: list[Any]) -> None:
    z = fill(codec, items)
    assert z.dtype == np.dtype(object)
    assert [codec.get_config() for codec in z.filters] == [codec.get_config()]
    again = zarr.Array(z.store)
    for array in (z, again):
        assert list(array[...]) == items
        assert [array[i] for i in range(len(items))] == items
        assert [type(item) for item in array[...]] == [type(item) for item in items]
    at_once = np.empty(len(items), object)
    at_once[:] = items
    z = zarr.array(at_once, object_codec=codec, chunks=3)
    assert list(z[...]) == items
    z[1:3] = at_once[2:0:-1]
    assert list(z[1:3]) == items[2:0:-1]
    assert list(z.oindex[[-1, 0]]) == [items[-1], items[0]]


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    "codec",
    [numcodecs.VLenUTF8(), numcodecs.JSON(), numcodecs.MsgPack(),
     numcodecs.Categorize(list("abcdefghijklmnopqrstuvwx"), dtype=object)],
    ids=lambda codec: codec.codec_id,
)  # fmt: skip
def test_objects_of_two_dimensions(codec: Any, order: str) -> None:
    a = np.array(list("abcdefghijklmnopqrstuvwx"), object).reshape(4, 6)
    z = zarr.array(a, object_codec=codec, chunks=(3, 4), order=order, fill_value="a")
    assert_array_equal(z[...], a)
    z[1:3, ::2] = "b"
    a[1:3, ::2] = "b"
    assert_array_equal(z[...], a)


def test_ragged_arrays() -> None:
    rows = [np.array([1, 3, 5]), np.array([4]), np.array([7, 9, 14])]
    for z in (
        zarr.empty(4, dtype="array:i8", chunks=2),
        zarr.empty(4, dtype=object, object_codec=numcodecs.VLenArray("i8"), chunks=2),
    ):
        for i, row in enumerate(rows):
            z[i] = row
        assert z.filters == [numcodecs.VLenArray("<i8")]
        for i, row in enumerate(rows):
            assert_array_equal(z[i], row)
            assert z[i].dtype == np.dtype("i8")
        assert z[3].shape == (0,)
        assert z[:2][1].tolist() == [4]
        z[1] = [5, 6]
        assert z[1].tolist() == [5, 6]
        z[0] = np.array([8])
        assert z[0].tolist() == [8]
    whole = np.empty(3, object)
    whole[:] = rows
    z = zarr.array(whole, dtype="array:i4")
    assert [row.tolist() for row in z] == [row.tolist() for row in rows]
    assert z[0].dtype == np.dtype("i4")


@pytest.mark.parametrize(
    ("dtype", "filters", "items", "empty"),
    [
        (str, [numcodecs.VLenUTF8()], ["a", "äb", ""], ""),
        (bytes, [numcodecs.VLenBytes()], [b"a", b"\xff", b""], b""),
    ],
)
def test_short_names(dtype: Any, filters: Any, items: Any, empty: Any) -> None:
    z = zarr.array(items, dtype=dtype)
    assert z.dtype == np.dtype(object)
    assert z.filters == filters
    assert list(z[...]) == items
    z = zarr.zeros(3, dtype=dtype)
    assert list(z[...]) in ([0, 0, 0], [empty] * 3)
    z[1] = items[0]
    assert list(z[...]) == [empty, items[0], empty]
    z = zarr.create(2, dtype=dtype, fill_value=items[0] if dtype is str else None)
    z[1] = items[1]
    assert z[1] == items[1]


def test_object_codec_beside_filters() -> None:
    z = zarr.array(
        ["a", "b"] * 10, dtype=object, object_codec=numcodecs.VLenUTF8(),
        filters=[numcodecs.CRC32()], chunks=7,
    )  # fmt: skip
    assert z.filters == [numcodecs.VLenUTF8(), numcodecs.CRC32()]
    assert list(zarr.Array(z.store)[...]) == ["a", "b"] * 10


def test_the_object_codec_may_be_the_first_filter() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        z = zarr.create(3, dtype=object, filters=[numcodecs.VLenUTF8()])
    z[0] = "x"
    assert z[0] == "x"


def test_objects_need_a_codec() -> None:
    with pytest.raises(ValueError, match="object_codec"):
        zarr.zeros(3, dtype=object)
    with pytest.raises(ValueError, match="object_codec"):
        zarr.array(np.array(["a"], object))


@pytest.mark.parametrize(
    ("codec", "value"),
    [(numcodecs.VLenUTF8(), 5), (numcodecs.VLenBytes(), "text"), (numcodecs.JSON(), object())],
)
def test_objects_of_another_kind_are_refused(codec: Any, value: Any) -> None:
    z = zarr.empty(3, dtype=object, object_codec=codec)
    with pytest.raises((TypeError, ValueError)):
        z[0] = value


def test_pickle_is_refused_unless_allowed() -> None:
    items = [{1, 2}, (3, "x"), None, 1.5]
    z = fill_with_pickle(items)
    again = zarr.Array(z.store)
    with pytest.raises(UnsafeDecodeError, match="0"):
        again[...]
    with pytest.raises(ValueError):
        again[0]
    with pytest.raises(UnsafeDecodeError):
        again[0] = 1  # a part of a chunk is written by reading it first
    with zarr.config.set(allow_pickle=True):
        assert list(again[...]) == items
        again[1] = {"changed"}
        assert list(again[...]) == [{1, 2}, {"changed"}, None, 1.5]
    with pytest.raises(UnsafeDecodeError):
        again[...]


def fill_with_pickle(items: list[Any]) -> Any:
    whole = np.empty(len(items), object)
    whole[:] = items
    z = zarr.empty(len(items), dtype=object, object_codec=numcodecs.Pickle(), chunks=4)
    z[...] = whole
    return z


# -- sources ---------------------------------------------------------------------------


def test_h5py(tmp_path: Any) -> None:
    import h5py

    with h5py.File(tmp_path / "x.h5", "w") as f:
        a = np.arange(60, dtype="i2").reshape(10, 6)
        d = f.create_dataset("d", data=a, chunks=(4, 3))
        whole = f.create_dataset("whole", data=a)
        z = zarr.array(d)
        assert (z.shape, z.dtype, z.chunks) == (a.shape, a.dtype, (4, 3))
        assert_array_equal(z[...], a)
        assert_array_equal(zarr.array(whole)[...], a)
        like = zarr.zeros_like(d)
        assert (like.shape, like.dtype, like.chunks) == (a.shape, a.dtype, (4, 3))
        like[...] = d
        assert_array_equal(like[...], a)
        like[2:5] = d[2:5]
        g = zarr.group()
        assert_array_equal(g.create_dataset("x", data=d)[...], a)
        assert_array_equal(g.array("y", d, chunks=5)[...], a)
        assert zarr.array(d, chunks=(5, 5)).chunks == (5, 5)
        other = zarr.zeros((20, 6), dtype="f8", chunks=(7, 2))
        other[3:13] = d
        assert_array_equal(other[3:13], a)
        # and the other way round
        f.create_dataset("back", data=z)
        assert_array_equal(f["back"][...], a)
