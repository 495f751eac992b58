"""With ``meta_array``, results of reads are arrays of its type.

Three types: a subclass of NumPy's, a type of its own that NumPy's functions know and that
does not become a NumPy array by itself, as those of GPUs, and CuPy's where there is a GPU.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest
from numpy.testing import assert_array_equal

import zarr

DATA = np.arange(60, dtype="i4").reshape(10, 6)


class Tagged(np.ndarray[Any, Any]):
    """A subclass."""


class Distant(np.lib.mixins.NDArrayOperatorsMixin):
    """An array in memory of its own: items come and go only when it says so."""

    def __init__(self, items: Any) -> None:
        self._items = np.array(items)
        self.shape, self.dtype = self._items.shape, self._items.dtype
        self.ndim, self.size = self._items.ndim, self._items.size

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {"shape": self.shape, "typestr": self.dtype.str, "version": 3}

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("implicit conversion to a NumPy array is not allowed; use get()")

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func not in (np.asarray, np.asanyarray, np.empty_like):
            return NotImplemented
        here = [arg._items if isinstance(arg, Distant) else arg for arg in args]
        kwargs = {name: value for name, value in kwargs.items() if name != "like"}
        return Distant(func(*here, **kwargs))

    def get(self) -> np.ndarray[Any, Any]:
        return self._items.copy()

    def reshape(self, *shape: Any) -> Distant:
        return Distant(self._items.reshape(*shape))

    def __getitem__(self, key: Any) -> Distant:
        return Distant(self._items[key])

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(value, np.ndarray):
            raise TypeError("unsupported type numpy.ndarray")
        self._items[key] = value._items if isinstance(value, Distant) else value


def _cupy() -> Any:
    cupy = pytest.importorskip("cupy", reason="no CuPy: it needs a GPU")
    try:
        cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError:
        pytest.skip("no GPU")
    return cupy


@pytest.fixture(params=["subclass", "foreign", "cupy"])
def made(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    """Return a function that makes an array of the type out of a NumPy array."""
    if request.param == "subclass":
        return lambda items: np.asarray(items).view(Tagged)
    return Distant if request.param == "foreign" else _cupy().asarray


def same(found: Any, meta: Any, expected: Any) -> None:
    assert type(found) is type(meta)
    assert found.dtype == np.asarray(expected).dtype
    assert_array_equal(found.get() if hasattr(found, "get") else found, expected)


OPTIONS: list[dict[str, Any]] = [
    {},
    {"compressor": None},
    {"chunks": (10, 6)},
    {"filters": [numcodecs.Delta("i4")]},
    {"order": "F"},
    {"zarr_format": 3, "shards": (8, 6)},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_every_kind_of_read_returns_the_type(
    options: dict[str, Any], made: Callable[[Any], Any]
) -> None:
    meta = made(np.empty(()))
    z = zarr.array(DATA, meta_array=meta, **{"chunks": (4, 3), **options})
    assert type(z.meta_array) is type(meta)
    same(z[...], meta, DATA)
    same(z[2:7, 1], meta, DATA[2:7, 1])
    same(z[3], meta, DATA[3])
    same(z[::2, 1:4], meta, DATA[::2, 1:4])
    same(z.get_basic_selection((slice(3), 2)), meta, DATA[:3, 2])
    same(z.oindex[[5, 1], :], meta, DATA[[5, 1]])
    same(z.vindex[[5, 1], [2, 2]], meta, DATA[[5, 1], [2, 2]])
    same(z.get_mask_selection(DATA % 7 == 0), meta, DATA[DATA % 7 == 0])
    same(z.blocks[0, 0], meta, DATA[: z.chunks[0], : z.chunks[1]])
    for row, expected in zip(z, DATA, strict=True):
        same(row, meta, expected)
    assert_array_equal(np.asarray(z), DATA)


def test_records_have_it_too(made: Callable[[Any], Any]) -> None:
    if type(made([0])).__module__.startswith("cupy"):
        pytest.skip("CuPy has no structured dtypes")
    data = np.array([(1, 2.5), (2, 3.5)], [("a", "i4"), ("b", "f8")])
    z = zarr.array(data, meta_array=made(np.empty(())))
    same(z["b"], made([0]), data["b"])
    same(z[:], made([0]), data)


def test_missing_chunks_and_empty_selections(made: Callable[[Any], Any]) -> None:
    z = zarr.full((4, 4), 7, dtype="i2", chunks=2, meta_array=made(np.empty(())))
    same(z[1:3], made([0]), np.full((2, 4), 7, "i2"))
    same(z[2:2], made([0]), np.empty((0, 4), "i2"))


@pytest.mark.parametrize("index", [(slice(None),), (slice(2, 9), 3), ([7, 2, 2],)], ids=str)
def test_values_and_output_of_the_type(made: Callable[[Any], Any], index: Any) -> None:
    z = zarr.zeros(DATA.shape, dtype="i4", chunks=(4, 3))
    z.oindex[index] = made(DATA[index])
    expected = np.zeros_like(DATA)
    expected[index] = DATA[index]
    assert_array_equal(z[...], expected)
    out = made(np.zeros(DATA[index].shape, "i4"))
    assert z.get_orthogonal_selection(index, out=out) is out
    same(out, made([0]), expected[index])


def test_every_way_to_create_takes_it(made: Callable[[Any], Any], tmp_path: Path) -> None:
    meta = made(np.empty(()))
    path = str(tmp_path / "a")
    arrays = [
        zarr.create(4, meta_array=meta),
        zarr.empty(4, meta_array=meta),
        zarr.zeros(4, meta_array=meta),
        zarr.ones(4, meta_array=meta),
        zarr.full(4, 3.0, meta_array=meta),
        zarr.array([1.0, 2, 3, 4], meta_array=meta),
        zarr.array(made(np.ones(4)), meta_array=meta),
        zarr.zeros_like(zarr.zeros(4), meta_array=meta),
        zarr.open_array(path, mode="w", shape=4, meta_array=meta),
        zarr.open_array(path, mode="r", meta_array=meta),
        zarr.open(path, mode="r", meta_array=meta),
        zarr.Array(zarr.DirectoryStore(path), meta_array=meta),
    ]
    for z in arrays:
        assert type(z[:]) is type(meta)
        assert z[:].shape == (4,)
    z = zarr.zeros((2, 3), meta_array=meta)
    z.append(made(np.ones((1, 3))))
    with z.appender() as rows:
        rows.append(made(np.full(3, 2.0)))
    same(z[1:], meta, [[0.0] * 3, [1.0] * 3, [2.0] * 3])


def test_groups_hand_it_to_their_members(made: Callable[[Any], Any]) -> None:
    meta = made(np.empty(()))
    store = zarr.MemoryStore()
    root = zarr.group(store, meta_array=meta)
    assert type(root.meta_array) is type(meta)
    root.create_dataset("foo/data", data=DATA)
    root.zeros("zeros", shape=3)
    root.array("array", made(DATA))
    for group in (root, zarr.open_group(store, mode="r", meta_array=meta)):
        same(group["foo"]["data"][...], meta, DATA)
        same(group["array"][...], meta, DATA)
        same(group["zeros"][...], meta, np.zeros(3))
        assert all(type(array[...]) is type(meta) for _, array in group.arrays())
        assert type(group["foo"].meta_array) is type(meta)
    assert type(zarr.open_group(store, mode="r")["array"][...]) is np.ndarray


def test_views_keep_it(made: Callable[[Any], Any]) -> None:
    z = zarr.array(DATA, meta_array=made(np.empty(())))
    same(z.view(dtype="u4")[...], made([0]), DATA.astype("u4"))
    same(z.astype("f8")[...], made([0]), DATA.astype("f8"))


def test_by_default_it_is_that_of_numpy() -> None:
    assert type(zarr.zeros(3).meta_array) is np.ndarray
    assert type(zarr.zeros(3)[:]) is np.ndarray
    assert type(zarr.group().meta_array) is np.ndarray
