"""What is assigned to arrays, and what selections are read into: values of every kind."""

from __future__ import annotations

import enum
from typing import Any

import numcodecs
import numpy as np
import pytest
from numpy.testing import assert_array_equal

import zarr
from zarr._chunks import regions
from zarr.errors import ChunkDecodeError


class Sink:
    """The least that `out=` may be: what is assigned to it can be seen."""

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self.data = np.zeros(shape, dtype)
        self.shape, self.dtype, self.ndim = shape, self.data.dtype, len(shape)

    def __setitem__(self, region: Any, value: Any) -> None:
        self.data[region] = value


def in_zarr(shape: tuple[int, ...], dtype: Any) -> Any:
    return zarr.zeros(shape, chunks=tuple(max(1, n // 2) for n in shape), dtype=dtype)


def in_hdf5(shape: tuple[int, ...], dtype: Any) -> Any:
    h5py = pytest.importorskip("h5py")
    file = h5py.File.in_memory()
    return file.create_dataset("x", shape=shape, dtype=dtype, chunks=True)


LAYOUTS: list[dict[str, Any]] = [
    {"chunks": (3, 4)},
    {"chunks": (3, 2), "shards": (6, 4)},
    {"chunks": ([5, 7, 8], [2, 9])},
]
SELECTIONS: list[tuple[str, Any]] = [
    ("basic", (slice(None), slice(None))),
    ("basic", (slice(4, 19), slice(1, 10))),
    ("basic", (slice(1, 20, 3), slice(0, 11, 2))),
    ("basic", (7, slice(2, None))),
    ("basic", (slice(3, 17), 4)),
    ("orthogonal", ([1, 4, 5, 19], slice(1, 11, 4))),
    ("orthogonal", ([9, 4, 5, 0], [0, 3, 10])),
    ("coordinate", ([1, 4, 19], [0, 3, 10])),
    ("block", (slice(1, 3), slice(None))),
]


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regions, "PART_BYTES", 200)
    monkeypatch.setattr(regions.items_in_part, "__defaults__", (200,))


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("target", [Sink, in_zarr, in_hdf5])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_out_holds_the_selection_whatever_it_is(layout: dict[str, Any], target: Any) -> None:
    z = zarr.array(np.arange(220).reshape(20, 11), **layout)
    for kind, selection in SELECTIONS:
        read = getattr(z, f"get_{kind}_selection")
        expected = read(selection)
        out = target(expected.shape, "i8")

        assert read(selection, out=out) is out

        assert_array_equal(out.data if target is Sink else out[...], expected)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("source", [in_zarr, in_hdf5])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_values_from_other_arrays(layout: dict[str, Any], source: Any) -> None:
    expected = np.zeros((20, 11), "i4")
    z = zarr.array(expected, **layout)
    for number, (kind, selection) in enumerate(SELECTIONS):
        shape = getattr(z, f"get_{kind}_selection")(selection).shape
        items = np.arange(1, 1 + np.prod(shape), dtype="i8").reshape(shape) * (number + 1)
        value = source(shape, "i8")
        value[...] = items
        getattr(z, f"set_{kind}_selection")(selection, value)
        twin = zarr.array(expected, **layout)
        getattr(twin, f"set_{kind}_selection")(selection, items)

        assert_array_equal(z[...], twin[...])

        z[...] = expected


def test_out_without_dimensions_and_with_fields() -> None:
    z = zarr.array(np.array([(1, 2.5), (3, 4.5)], dtype=[("a", "i4"), ("b", "f8")]), chunks=1)
    out = zarr.zeros(2, dtype="f8")
    assert_array_equal(z.get_basic_selection(slice(None), out=out, fields="b")[:], [2.5, 4.5])
    scalar = zarr.zeros((), dtype="i4")
    zarr.array(np.arange(4, dtype="i4")).get_basic_selection(2, out=scalar)
    assert scalar[()] == 2


@pytest.mark.parametrize("out", [[0, 0, 0], object(), 5])
def test_out_that_cannot_be_filled_is_refused(out: Any) -> None:
    with pytest.raises(TypeError, match="'out'"):
        zarr.zeros(3).get_basic_selection(slice(None), out=out)


class Counted(dict[str, Any]):
    reads = 0

    def __getitem__(self, key: str) -> Any:
        self.reads += "." in key and key[0] != "."
        return super().__getitem__(key)


def test_rechunking_reads_each_chunk_once() -> None:
    store = Counted()
    data = np.random.default_rng(0).integers(0, 9, (50, 20, 20))
    source = zarr.array(data, chunks=(1, 20, 20), store=store)
    store.reads = 0

    z = zarr.array(source, chunks=(50, 2, 2))

    assert store.reads == 50
    assert z.chunks == (50, 2, 2)
    assert_array_equal(z[...], data)


SCALARS = [
    np.float64("nan"), np.float64(1e30), np.float64(2.5), np.uint64(2**63), np.int64(-1),
    np.timedelta64(3, "s"), np.bool_(True), np.str_("7"), np.str_("x"), np.bytes_(b"8"),
    float("nan"), 2**63, "x", True, 3 + 0j, np.complex128(3), np.datetime64("2000-01-01"),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::numpy.exceptions.ComplexWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("dtype", ["i8", "i4", "i1", "u8", "u1", "?", "f4", "M8[s]", "U3", "S3"])
def test_scalars_that_numpy_refuses_are_refused(dtype: str) -> None:
    for value in SCALARS:
        expected = np.zeros(4, dtype)
        z = zarr.array(expected, chunks=2)
        ways: list[tuple[str, Any]] = [
            ("", 0), ("", slice(None)), ("oindex", [0, 3]), ("vindex", [1, 2]), ("blocks", 1),
            ("vindex", np.array([True, False, False, True])),
        ]  # fmt: skip
        try:
            np.zeros((), dtype)[()] = value
        except (TypeError, ValueError, OverflowError) as error:
            for how, selection in ways:
                with pytest.raises(type(error), match="array '/' of dtype"):
                    (getattr(z, how) if how else z)[selection] = value
            continue
        for how, selection in ways:
            (getattr(z, how) if how else z)[selection] = value
            expected[slice(2, 4) if how == "blocks" else selection] = value
            assert_array_equal(z[...], expected)


@pytest.mark.parametrize("dtype", ["f8", "i4", "?", "c16", "U4", "S4", [("a", "f4")]])
@pytest.mark.parametrize("value", [None, [1, None], np.array([1, None], object)])
def test_none_is_no_value_of_a_numeric_array(dtype: Any, value: Any) -> None:
    z = zarr.zeros(2, dtype=dtype)
    with pytest.raises((TypeError, ValueError)):
        z[...] = value
    assert z.nchunks_initialized == 0


def test_none_is_a_value_of_datetimes_and_objects() -> None:
    z = zarr.zeros(2, dtype="M8[s]")
    z[...] = [None, "2020-01-01"]
    z[1] = None
    assert np.isnat(z[...]).all()
    names = zarr.zeros(2, dtype=str)
    names[...] = np.array(["a", None], object)
    assert names[...].tolist() == ["a", ""]
    records = zarr.empty(2, dtype=[("a", "i4"), ("b", "O")], object_codec=numcodecs.MsgPack())
    records[0] = (1, None)
    zarr.empty(2, dtype=[("a", "i4"), ("b", "M8[s]")])[...] = [(1, None), (2, None)]


def test_messages_name_array_dtype_and_item() -> None:
    root = zarr.group()
    counts = root.zeros("counts", shape=3, dtype="i4")
    with pytest.raises(ValueError, match=r"'/counts' of dtype int32: item 2 of the value, 'x'"):
        counts[...] = ["1", "2", "x"]
    with pytest.raises(ValueError, match=r"item 1 of the value, 'y'"):
        counts[1:] = np.array(["1", "y"])
    with pytest.raises(ValueError, match=r"'/counts' of dtype int32: .*'a'"):
        counts[0] = "a"
    names = root.zeros("names", shape=3, dtype=str)
    with pytest.raises(TypeError, match=r"'/names', vlen-utf8: item 1 of the value, nan.*missing"):
        names[...] = np.array(["a", np.nan, "b"], object)


@pytest.mark.parametrize("chunks", [2, 4])
def test_masked_items_become_fill_values(chunks: int) -> None:
    value = np.ma.masked_array([1.0, 2.0, 3.0, 4.0], mask=[False, True, False, True])
    z = zarr.array(value, chunks=chunks, fill_value=-9)
    assert_array_equal(z[...], [1, -9, 3, -9])
    z[1] = np.ma.masked
    z[0:2] = value[0:2]
    assert_array_equal(z[...], [1, -9, 3, -9])
    z.append(value)
    with z.appender() as rows:
        rows.append(value)
    assert_array_equal(z[4:], [1, -9, 3, -9] * 2)
    with pytest.raises(ValueError, match="no fill value"):
        zarr.empty(4)[...] = value


class Colour(enum.StrEnum):
    RED = "red"


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize(
    ("dtype", "items", "expected"),
    [
        (str, [np.str_("a"), Colour.RED, "é"], ["a", "red", "é"]),
        (bytes, [np.bytes_(b"a"), b"bc", b""], [b"a", b"bc", b""]),
    ],
)
def test_subclasses_of_text_are_text(dtype: Any, items: Any, expected: Any, version: int) -> None:
    value = np.array(items, object)
    value[...] = items
    z = zarr.empty(3, chunks=2, dtype=dtype, zarr_version=version)
    z[...] = value
    z.append(value)
    assert z[...].tolist() == expected * 2
    assert {type(item) for item in z[...]} == {dtype}
    assert value[0] is items[0]


class Returns(numcodecs.abc.Codec):
    """Encodes and decodes to whatever it is told."""

    codec_id = "zarr-test-returns"

    def __init__(self, encoded: bool = True, decoded: bool = True) -> None:
        self.encoded, self.decoded = encoded, decoded

    def encode(self, buf: Any) -> Any:
        return numcodecs.compat.ensure_bytes(buf) if self.encoded else None

    def decode(self, buf: Any, out: Any = None) -> Any:
        return numcodecs.compat.ensure_bytes(buf) if self.decoded else None


numcodecs.register_codec(Returns)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("role", ["compressor", "filters", "filters of a compressor"])
def test_a_codec_that_returns_nothing_is_an_error(role: str, version: int) -> None:
    def create(codec: Any) -> Any:
        given = {"compressor": codec} if role == "compressor" else {"filters": [codec]}
        others = {"compressor": None} if role == "filters" else {}
        return zarr.create(
            4, chunks=2, dtype="i4", fill_value=-1, zarr_version=version, **given, **others
        )

    z = create(Returns(encoded=False))
    with pytest.raises(TypeError, match="zarr-test-returns"):
        z[...] = [1, 2, 3, 4]
    z = create(Returns(decoded=False))
    z[...] = [1, 2, 3, 4]
    with pytest.raises(ChunkDecodeError, match=r"'(c/)?0'.*NoneType"):
        z[...]


@pytest.mark.parametrize("fill", [0, 1, False, 0.0, -0.0, "", None, [0], {"a": 0}])
def test_objects_equal_the_fill_value_by_type_and_value(fill: Any) -> None:
    others = [0, 1, False, True, 0.0, -0.0, "", [0], [False], {"a": 0}, {"a": 0.0}]
    for item in others:
        z = zarr.create(
            2, dtype=object, object_codec=numcodecs.JSON(), fill_value=fill,
            write_empty_chunks=False,
        )  # fmt: skip
        value = np.empty(2, object)
        value[0] = value[1] = item
        z[...] = value
        assert [repr(read) for read in z[...]] == [repr(item)] * 2
        assert z.nchunks_initialized == (repr(item) != repr(fill))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    ("dtype", "fill", "alike"),
    [
        ("i4", 7, 8), ("f8", 0.0, -0.0), ("f4", np.nan, 0.0), ("?", True, False), ("c16", 1j, 1),
        ("S3", b"ab", b"a"), ("U2", "é", "e"), ("M8[s]", "NaT", 5), (">i2", 1, 256),
        ([("a", "u1"), ("b", "<f8")], (1, 0.0), (1, -0.0)),
    ],
)  # fmt: skip
def test_runs_of_chunks_some_of_which_are_empty(
    dtype: Any, fill: Any, alike: Any, order: Any
) -> None:
    fill = np.array(fill, dtype)[()]
    data = np.full((2, 24), fill, dtype)
    z = zarr.create(
        data.shape, chunks=(2, 4), dtype=dtype, fill_value=fill, order=order,
        write_empty_chunks=False,
    )  # fmt: skip
    data[0, 5] = data[1, 8] = data[0, 23] = np.array(alike, dtype)[()]

    z[...] = data
    stored = {key for key in z.store if key[0].isdigit()}
    data[...] = np.array(alike, dtype)[()]
    z[...] = data

    assert stored == {"0.1", "0.2", "0.5"}
    assert z.nchunks_initialized == 6 and z[...].tobytes() == data.tobytes()
