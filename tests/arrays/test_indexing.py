"""Rules of indexing that need naming one by one: what is refused, and how."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import zarr
from zarr.errors import (
    ArrayIndexError,
    BoundsCheckError,
    NegativeStepError,
    ReadOnlyError,
    VindexInvalidSelectionError,
)


@pytest.fixture
def a() -> Any:
    return np.arange(35).reshape(5, 7)


@pytest.fixture
def z(a: Any) -> zarr.Array:
    return zarr.array(a, chunks=(2, 3))


# -- what brackets mean ----------------------------------------------------------------


def test_scalars_are_scalars(z: zarr.Array) -> None:
    assert type(z[1, 2]) is np.int64
    assert type(z.oindex[1, 2]) is np.int64
    assert type(z.get_basic_selection((1, 2))) is np.int64
    assert type(zarr.array(np.float32(2))[()]) is np.float32
    record = zarr.zeros(3, dtype=[("a", "i4"), ("b", "f8")])[0]
    assert type(record) is np.void
    assert record["b"] == 0


def test_without_dimensions() -> None:
    z = zarr.array(np.int32(7))
    assert (z.shape, z.chunks, z.ndim, z.size, z.nchunks, z.nbytes) == ((), (), 0, 1, 1, 4)
    assert z[()] == 7
    assert isinstance(z[()], np.int32)
    assert isinstance(z[...], np.ndarray)
    assert z[...].shape == ()
    assert z.oindex[()] == z.blocks[()] == z.oindex[...] == 7
    z[()] = 8
    assert z[...] == 8
    z[...] = 9
    assert z[()] == 9
    z.oindex[()] = 10
    z.set_block_selection((), z[()] + 1)
    assert int(np.asarray(z)) == 11
    for selection in (0, slice(None), [0], (0, 0)):
        with pytest.raises(IndexError):
            z[selection]
    with pytest.raises(TypeError):
        len(z)
    with pytest.raises(TypeError):
        list(z)


@pytest.mark.parametrize(
    "selection",
    [
        [0, 2],
        ([0, 2], slice(None)),
        (slice(None), [1, 3]),
        (slice(1, 4), np.array([6, 0, 0])),
        (Ellipsis, [0, 1]),
        ([0, 1], Ellipsis),
        (2, [1, 3]),
        ([0, 2], [1, 3]),
        ([0, 2], 3),
        ([[0, 1], [2, 3]], [[0], [6]]),
        np.array([True, False, True, False, True]),
        [True, False, True, False, True],
        (slice(None), [True] * 3 + [False] * 4),
        [],
        (slice(None), []),
        np.array([-1, 0]),
        np.uint8([1, 2]),
    ],
)
def test_lists_in_brackets(z: zarr.Array, a: Any, selection: Any) -> None:
    assert_array_equal(z[selection], a[selection])
    z[selection] = -1
    a[selection] = -1
    assert_array_equal(z[...], a)


def test_an_integer_list_and_an_integer_around_a_slice() -> None:
    # Here NumPy would move the list's dimension to the front; the manual says that lists
    # among integers and slices select orthogonally.
    a = np.arange(60).reshape(3, 4, 5)
    z = zarr.array(a, chunks=2)
    assert_array_equal(z[1, :, [0, 2]], a[1][:, [0, 2]])
    assert_array_equal(z[[0, 2], :, 1], a[[0, 2]][:, :, 1])


def test_masks_in_brackets(z: zarr.Array, a: Any) -> None:
    mask = a % 3 == 0
    assert_array_equal(z[mask], a[mask])
    assert_array_equal(z[mask.tolist()], a[mask])
    z[mask] = 0
    a[mask] = 0
    assert_array_equal(z[...], a)
    line = zarr.array(np.arange(10), chunks=3)
    assert_array_equal(line[line[:] > 4], np.arange(5, 10))


def test_zarr_arrays_select_too(z: zarr.Array, a: Any) -> None:
    rows = zarr.array([0, 3])
    mask = zarr.array(a % 2 == 0, chunks=2)
    assert_array_equal(z.oindex[rows, :], a[[0, 3]])
    assert_array_equal(z.vindex[rows, rows], a[[0, 3], [0, 3]])
    assert_array_equal(z.vindex[mask], a[a % 2 == 0])
    assert_array_equal(z.get_mask_selection(mask), a[a % 2 == 0])


@pytest.mark.parametrize(
    "selection",
    [
        (1, 2, 3),
        (slice(None),) * 3,
        (Ellipsis, 1, Ellipsis),
        None,
        (None, 1),
        1.5,
        (slice(None), 1.0),
        np.array([1.5]),
        "foo",
        {"a": 1},
        object(),
        ([0, 1], slice(None), 3),
    ],
)
def test_what_is_no_selection_is_refused(z: zarr.Array, selection: Any) -> None:
    before = z[...]
    with pytest.raises(IndexError):
        z[selection]
    with pytest.raises(IndexError):
        z[selection] = 1
    assert_array_equal(z[...], before)


@pytest.mark.parametrize("selection", [5, -6, (0, 7), (0, -8), (slice(None), 7), 10**30])
def test_integers_out_of_bounds(z: zarr.Array, selection: Any) -> None:
    for view in (z, z.oindex):
        with pytest.raises(BoundsCheckError):
            view[selection]
        with pytest.raises(BoundsCheckError):
            view[selection] = 1


@pytest.mark.parametrize("selection", [[0, 5], [-6], ([0], [7]), (slice(None), [0, -8])])
def test_arrays_out_of_bounds(z: zarr.Array, selection: Any) -> None:
    with pytest.raises(BoundsCheckError):
        z.oindex[selection]
    with pytest.raises(BoundsCheckError):
        z.oindex[selection] = 0


def test_coordinates_out_of_bounds(z: zarr.Array) -> None:
    for selection in (([0, 5], [0, 0]), ([0, 0], [0, -8])):
        with pytest.raises(BoundsCheckError):
            z.vindex[selection]
        with pytest.raises(BoundsCheckError):
            z.set_coordinate_selection(selection, 0)


def test_slices_reach_beyond_the_end(z: zarr.Array, a: Any) -> None:
    for selection in (
        slice(3, 100), slice(-100, 2), slice(9, 10), slice(4, 2), slice(None, -9), slice(0, 0),
    ):  # fmt: skip
        assert_array_equal(z[selection], a[selection])
        assert_array_equal(z.oindex[:, selection], a[:, selection])
        z[selection] = a[selection] = 5


@pytest.mark.parametrize("selection", [slice(None, None, -1), (0, slice(5, 1, -2))])
def test_negative_steps(z: zarr.Array, selection: Any) -> None:
    for view in (z, z.oindex):
        with pytest.raises(NegativeStepError):
            view[selection]
        with pytest.raises(IndexError):
            view[selection] = 1


@pytest.mark.parametrize("ndim", [2, 3, 4])
def test_an_array_among_implicit_axes_selects_as_in_numpy_or_not_at_all(ndim: int) -> None:
    a = np.arange(5**ndim).reshape((5,) * ndim)
    z = zarr.array(a, chunks=2)
    pool = [0, slice(1, 4), ..., [0, 2, 4, 1, 3], [True, False, True, True, False]]
    refused = 0
    for items in itertools.product(pool, repeat=min(ndim, 3)):
        arrays = sum(isinstance(item, list) for item in items)
        if arrays != 1 or items.count(...) > 1 or (ndim < 4 and ... not in items):
            continue
        try:
            selected = z[items]
        except IndexError:
            refused += 1
            with pytest.raises(IndexError):
                z[items] = 1
            continue
        assert_array_equal(selected, a[items])
        new = a.copy()
        z[items] = new[items] = np.arange(selected.size).reshape(selected.shape)
        assert_array_equal(z[...], new)
        z[...] = a
    assert refused == {2: 0, 3: 2, 4: 4}[ndim]


@pytest.mark.parametrize(
    "selection", [slice(10, 12), slice(15, 20), slice(-20, 2), slice(20, None), (slice(10, None),)]
)
def test_slices_of_blocks_that_begin_outside_are_out_of_bounds(selection: Any) -> None:
    z = zarr.zeros(100, chunks=10)
    with pytest.raises(BoundsCheckError):
        z.blocks[selection]
    with pytest.raises(BoundsCheckError):
        z.blocks[selection] = 1
    assert z.blocks[8:12].shape == (20,)
    assert z.blocks[3:2].shape == z.blocks[2:2].shape == z.blocks[:-20].shape == (0,)
    assert zarr.zeros(0, chunks=10).blocks[:].shape == (0,)


def test_step_zero(z: zarr.Array) -> None:
    for view in (z, z.oindex, z.blocks):
        with pytest.raises(NegativeStepError, match="zero") as caught:
            view[::0]
        assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("shape", [(300,), (61, 83), (40, 24), (9, 30, 16)])
@pytest.mark.parametrize("seed", range(4))
def test_masks_of_blobs(shape: tuple[int, ...], seed: int) -> None:
    rng = np.random.default_rng(seed)
    chunks = tuple(rng.integers(3, 9, len(shape)).tolist())
    a = rng.integers(0, 100, shape)
    z = zarr.array(a, chunks=chunks)
    blobs = np.zeros(shape, bool)
    for _ in range(3):
        corner = rng.integers(0, shape)
        blobs[tuple(slice(at, at + n) for at, n in zip(corner, (7, 12, 5), strict=False))] = True
    for mask in (
        blobs,
        ~blobs,
        np.asfortranarray(blobs),
        np.pad(blobs, 1)[(slice(1, -1),) * a.ndim],
    ):
        assert_array_equal(z.get_mask_selection(mask), a[mask])
        out = np.empty(2 * mask.sum(), a.dtype)[::2]
        z.get_mask_selection(mask, out=out)
        assert_array_equal(out, a[mask])


# -- orthogonal, coordinate, mask, block -----------------------------------------------


@pytest.mark.parametrize(
    "selection",
    [
        [[0, 1], [1, 2]],
        ([[0], [1]], slice(None)),
        [True, False],
        (slice(None), np.ones(8, bool)),
        np.ones((5, 7), bool),
        ([0.5], 1),
        None,
        (0, 0, 0),
        "foo",
    ],
)
def test_orthogonal_refuses(z: zarr.Array, selection: Any) -> None:
    with pytest.raises(IndexError):
        z.oindex[selection]
    with pytest.raises(IndexError):
        z.set_orthogonal_selection(selection, 1)


@pytest.mark.parametrize(
    "selection",
    [
        [0, 1],
        ([0, 1],),
        ([0], [1], [2]),
        (slice(None), [1]),
        ([0, 1], Ellipsis),
        ([0.5], [1]),
        ([True, False], [0, 1]),
        (None, [1]),
        "foo",
    ],
)
def test_coordinates_refuse(z: zarr.Array, selection: Any) -> None:
    with pytest.raises((VindexInvalidSelectionError, IndexError)):
        z.get_coordinate_selection(selection)
    with pytest.raises(IndexError):
        z.vindex[selection]
    with pytest.raises(IndexError):
        z.vindex[selection] = 1


def test_coordinates_that_do_not_broadcast(z: zarr.Array) -> None:
    with pytest.raises(IndexError):
        z.vindex[[0, 1], [0, 1, 2]]
    with pytest.raises(IndexError):
        z.set_coordinate_selection(([0, 1], [0, 1, 2]), 1)


@pytest.mark.parametrize(
    "mask",
    [
        np.ones((5, 6), bool),
        np.ones((7, 5), bool),
        np.ones(5, bool),
        np.ones((5, 7), int),
        np.ones((5, 7, 1), bool),
        slice(None),
        "foo",
    ],
)
def test_masks_must_fit(z: zarr.Array, mask: Any) -> None:
    with pytest.raises(IndexError):
        z.get_mask_selection(mask)
    with pytest.raises(IndexError):
        z.set_mask_selection(mask, 1)


@pytest.mark.parametrize(
    "selection", [slice(None, None, 2), [0, 1], (0, [1]), 1.5, None, (0, 0, 0)]
)
def test_blocks_refuse(z: zarr.Array, selection: Any) -> None:
    with pytest.raises(IndexError):
        z.blocks[selection]
    with pytest.raises(IndexError):
        z.blocks[selection] = 1


@pytest.mark.parametrize("selection", [3, -4, (0, 3), (0, -4)])
def test_blocks_out_of_bounds(z: zarr.Array, selection: Any) -> None:
    assert z.cdata_shape == (3, 3)
    with pytest.raises(BoundsCheckError):
        z.blocks[selection]


def test_blocks_at_the_edge(z: zarr.Array, a: Any) -> None:
    assert_array_equal(z.blocks[-1, -1], a[4:, 6:])
    assert_array_equal(z.blocks[2], a[4:])
    assert_array_equal(z.blocks[1:, ...], a[2:])
    assert_array_equal(z.blocks[..., :1], a[:, :3])


@pytest.mark.parametrize("axis", [0, 1])
def test_repeated_indices_read(z: zarr.Array, a: Any, axis: int) -> None:
    rows = [3, 0, 3, -2, 0, 4, 4]
    assert_array_equal(z.oindex[(rows, slice(None))[:: 1 - 2 * axis]], a.take(rows, axis))


def test_of_repeated_indices_the_last_value_stays(z: zarr.Array, a: Any) -> None:
    rows = [3, 0, 3, 0]
    values = np.arange(4)[:, None] + np.zeros((4, 7), int)
    z.oindex[rows, :] = values
    a[rows] = values
    assert_array_equal(z[...], a)
    z.vindex[[1, 1, 4, 1], [2, 2, 0, 2]] = [7, 8, 9, 10]
    a[[1, 1, 4, 1], [2, 2, 0, 2]] = [7, 8, 9, 10]
    assert_array_equal(z[...], a)


# -- out= ------------------------------------------------------------------------------

SELECTIONS: list[tuple[str, Any]] = [
    ("basic", (slice(1, 4), slice(None, None, 2))),
    ("orthogonal", ([0, 3], slice(None))),
    ("coordinate", ([0, 3, 4], [6, 0, 6])),
    ("block", (slice(0, 2), 0)),
]


@pytest.mark.parametrize(("kind", "selection"), SELECTIONS)
def test_out(z: zarr.Array, kind: str, selection: Any) -> None:
    get = getattr(z, f"get_{kind}_selection")
    expected = get(selection)
    for order in "CF":
        out = np.empty(expected.shape, expected.dtype, order)
        get(selection, out=out)
        assert_array_equal(out, expected)
    converted = np.empty(expected.shape, "f4")
    get(selection, out=converted)
    assert_array_equal(converted, expected)
    with pytest.raises(ValueError, match="out"):
        get(selection, out=np.empty((9, 9, 9), expected.dtype))
    with pytest.raises(TypeError, match="out"):
        get(selection, out=[[1]])


def test_out_is_not_touched_outside(z: zarr.Array, a: Any) -> None:
    around = np.full((9, 9), -1)
    z.get_basic_selection((slice(None), slice(1, 6)), out=around[2:7, 2:7])
    assert_array_equal(around[2:7, 2:7], a[:, 1:6])
    around[2:7, 2:7] = -1
    assert (around == -1).all()


def test_read_only_out(z: zarr.Array) -> None:
    out = np.empty((5, 7), int)
    out.flags.writeable = False
    with pytest.raises((ValueError, TypeError)):
        z.get_basic_selection(out=out)


# -- values ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("selection", "shape"),
    [
        ((slice(None), slice(None)), (7,)),
        ((slice(None), slice(None)), (1, 7)),
        ((slice(None), slice(None)), (5, 1)),
        ((slice(None), slice(None)), (1, 1, 5, 7)),
        ((slice(None), slice(None)), ()),
        ((slice(None), slice(None)), (1,)),
        ((2, slice(None)), (7,)),
        ((2, slice(None)), (1, 7)),
        ((2, 3), ()),
        ((slice(0, 0), slice(None)), (0, 7)),
    ],
)
def test_values_broadcast(z: zarr.Array, a: Any, selection: Any, shape: tuple[int, ...]) -> None:
    value = np.arange(100, 100 + np.prod(shape, dtype=int)).reshape(shape)
    for target in (z, z.oindex):
        target[selection] = value
        a[selection] = value
        assert_array_equal(z[...], a)


@pytest.mark.parametrize("shape", [(6,), (5, 6), (2, 7), (7, 5), (2, 5, 7), (0,)])
def test_values_of_other_shapes_are_refused(z: zarr.Array, a: Any, shape: Any) -> None:
    for target in (z, z.oindex, z.blocks):
        with pytest.raises(ValueError, match="shape"):
            target[...] = np.zeros(shape, int)
    with pytest.raises(ValueError, match="shape"):
        z.vindex[[0, 1, 2], [0, 1, 2]] = [1, 2]
    with pytest.raises(ValueError, match="shape"):
        z.set_mask_selection(a > 3, [1, 2])
    assert_array_equal(z[...], a)


def test_values_are_converted(z: zarr.Array, a: Any) -> None:
    z[0] = np.arange(7) + 0.9
    assert_array_equal(z[0], np.arange(7))
    z[1] = True
    assert_array_equal(z[1], [1] * 7)
    z[2] = [True, 2.0, 3, 4, 5, 6, 7]
    assert_array_equal(z[2], range(1, 8))
    z[3] = np.arange(7, dtype=">i2")
    assert_array_equal(z[3], range(7))
    z[4] = range(7)
    assert_array_equal(z[4], range(7))


@pytest.mark.parametrize("value", ["abc", [1, [2, 3]], object(), {"a": 1}])
def test_values_that_cannot_be_converted_are_refused(z: zarr.Array, a: Any, value: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        z[...] = value
    assert_array_equal(z[...], a)


def test_values_are_not_kept(a: Any) -> None:
    z = zarr.zeros(a.shape, dtype=a.dtype, chunks=a.shape, compressor=None)
    b = a.copy()
    z[...] = b
    b[...] = -1
    assert_array_equal(z[...], a)
    out = z[...]
    out[...] = -2
    assert_array_equal(z[...], a)


def test_results_may_be_changed(z: zarr.Array, a: Any) -> None:
    for store in ({}, zarr.MemoryStore()):
        for chunks in (False, (2, 3)):
            for order in "CF":
                y = zarr.array(
                    a, chunks=chunks, compressor=None, order=order, store=store, overwrite=True
                )
                for out in (
                    y[...],
                    y[1:3],
                    y[0],
                    y.oindex[[0, 1]],
                    y.vindex[[0], [0]],
                    y.blocks[0],
                ):
                    assert out.flags.writeable
                    out[...] = -3
                assert_array_equal(y[...], a)


def test_zarr_and_h5py_like_values(z: zarr.Array, a: Any) -> None:
    y = zarr.zeros_like(z)
    y[...] = z
    assert_array_equal(y[...], a)
    y[1:3, :] = zarr.array(a[:2] * 10, chunks=(1, 7))
    assert_array_equal(y[1:3], a[:2] * 10)
    y.oindex[[0, 4], :] = zarr.array(a[:2] * 3)
    assert_array_equal(y[4], a[1] * 3)

    class Lazy:
        shape, dtype, ndim = a.shape, a.dtype, 2

        def __getitem__(self, selection: Any) -> Any:
            return a[selection]

        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            return np.array(a, dtype)

    y[...] = Lazy()
    assert_array_equal(y[...], a)


def test_one_array_written_to_itself(z: zarr.Array, a: Any) -> None:
    z[...] = z
    assert_array_equal(z[...], a)


# -- fields ----------------------------------------------------------------------------


@pytest.fixture
def records() -> Any:
    return np.array(
        [(b"aaa", 1, 4.2), (b"bbb", 2, 8.4), (b"ccc", 3, 12.6)],
        dtype=[("foo", "S3"), ("bar", "i4"), ("baz", "f8")],
    )


def test_fields_in_brackets(records: Any) -> None:
    z = zarr.array(records, chunks=2)
    assert_array_equal(z["foo"], records["foo"])
    assert_array_equal(z["bar", 1:], records["bar"][1:])
    assert_array_equal(z["foo", "baz"], records[["foo", "baz"]])
    assert_array_equal(z[1:, "foo", "baz"], records[1:][["foo", "baz"]])
    assert z["bar", 2] == 3
    assert_array_equal(z.oindex["bar", [2, 0]], [3, 1])
    assert_array_equal(z.vindex["bar", [2, 0]], [3, 1])
    assert_array_equal(z.vindex["bar", [True, False, True]], [1, 3])
    assert_array_equal(z.blocks["bar", 1], [3])


def test_fields_are_written(records: Any) -> None:
    z = zarr.array(records, chunks=2)
    z["bar"] = [7, 8, 9]
    records["bar"] = [7, 8, 9]
    z["foo", 1] = b"x"
    records["foo"][1] = b"x"
    z.oindex["baz", [0, 2]] = 1.5
    records["baz"][[0, 2]] = 1.5
    z.vindex["bar", [0, 2]] = [-1, -2]
    records["bar"][[0, 2]] = [-1, -2]
    z.set_mask_selection(np.array([False, True, False]), 33, fields="bar")
    records["bar"][1] = 33
    z.set_block_selection(1, b"zz", fields="foo")
    records["foo"][2] = b"zz"
    assert_array_equal(z[...], records)


def test_unknown_fields_are_refused(records: Any) -> None:
    z = zarr.array(records)
    for fields in ("nope", ["foo", "nope"]):
        with pytest.raises((ArrayIndexError, IndexError)):
            z.get_basic_selection(fields=fields)
        with pytest.raises(IndexError):
            z.set_basic_selection(..., 1, fields=fields)
    with pytest.raises(IndexError):
        z["nope"]
    with pytest.raises(IndexError, match="field"):
        zarr.zeros(3)["foo"]


def test_fields_of_one_record() -> None:
    z = zarr.zeros((), dtype=[("a", "i4"), ("b", "f8")])
    z.set_basic_selection((), 3, fields="a")
    assert z.get_basic_selection((), fields="a") == 3
    assert z["a"] == 3
    z["b"] = 2.5
    assert z[()] == np.array((3, 2.5), z.dtype)


def test_nested_fields_and_arrays_in_fields() -> None:
    dtype = np.dtype([("p", [("x", "f4"), ("y", "f4")]), ("rgb", "u1", (3,))])
    a = np.zeros(5, dtype)
    a["p"]["x"] = range(5)
    a["rgb"] = np.arange(15).reshape(5, 3)
    z = zarr.array(a, chunks=2)
    assert z.dtype == dtype
    assert z[...].tobytes() == a.tobytes()
    assert z[2].tobytes() == a[2].tobytes()
    assert_array_equal(z["rgb"], a["rgb"])
    assert_array_equal(z["p"], a["p"])
    assert zarr.Array(z.store).dtype == dtype
    z["p", 1:3] = np.array([(7, 8), (9, 10)], dtype["p"])
    a["p"][1:3] = [(7, 8), (9, 10)]
    assert z[...].tobytes() == a.tobytes()


def test_arrays_in_fields_are_written() -> None:
    a = np.zeros(5, [("rgb", "u1", (3,)), ("n", "i4")])
    z = zarr.array(a, chunks=2)
    value = np.arange(15, dtype="u1").reshape(5, 3)
    z["rgb"] = value
    assert_array_equal(z["rgb"], value)
    z["rgb", 1:3] = 9
    value[1:3] = 9
    assert_array_equal(z["rgb"], value)
    assert (z["n"] == 0).all()


def test_fields_with_gaps() -> None:
    dtype = np.dtype([("a", "u1"), ("b", "f8")], align=True)
    a = np.zeros(4, dtype)
    a["a"], a["b"] = range(4), np.arange(4) / 2
    z = zarr.array(a, chunks=3)
    for array in (z, zarr.Array(z.store)):
        assert_array_equal(array["a"], a["a"])
        assert_array_equal(array["b"], a["b"])


def test_read_only_arrays_refuse_every_way_of_writing(a: Any) -> None:
    z = zarr.array(a, read_only=True)
    for write in (
        lambda: z.set_basic_selection(0, 1),
        lambda: z.set_orthogonal_selection([0], 1),
        lambda: z.set_coordinate_selection(([0], [0]), 1),
        lambda: z.set_mask_selection(a > 0, 1),
        lambda: z.set_block_selection(0, 1),
        lambda: z.__setitem__(0, 1),
    ):
        with pytest.raises(ReadOnlyError):
            write()
    assert_array_equal(z[...], a)
