"""Private and forgotten names that code written for zarr-python 2 uses, used as it uses them.

What is expected is what zarr-python 2.18.7 returns.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import zarr
import zarr.indexing
import zarr.n5


@pytest.fixture
def z() -> zarr.Array:
    return zarr.array(np.arange(35).reshape(5, 7), chunks=(2, 3), path="a")


SELECTIONS = {
    "BasicIndexer": [
        (slice(0, 3), 4), (1, 2), (slice(None), slice(1, 6, 2)), Ellipsis, (slice(4, 1),), 3,
    ],
    "OrthogonalIndexer": [
        (slice(None), [0, 5]), (3, [0, 5]), ([0, 3], [5, 0]), ([3, 0], 2), (3, slice(None)),
        (slice(None, None, 2), np.array([True] * 3 + [False] * 4)),
    ],
    "BlockIndexer": [(1, slice(0, 2)), (slice(1, 3),)],
    "CoordinateIndexer": [([0, 3], [5, 0]), (4, [6, 1, 1])],
    "MaskIndexer": [np.arange(35).reshape(5, 7) % 3 == 0],
}  # fmt: skip
EXPECTED = {
    "BasicIndexer": "get_basic_selection", "OrthogonalIndexer": "get_orthogonal_selection",
    "BlockIndexer": "get_block_selection", "CoordinateIndexer": "get_coordinate_selection",
    "MaskIndexer": "get_mask_selection",
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "selection"), [(kind, s) for kind, some in SELECTIONS.items() for s in some]
)
def test_indexer_of_an_array_tells_chunks_and_places(
    z: zarr.Array, kind: str, selection: Any
) -> None:
    indexer = getattr(zarr.indexing, kind)(selection, z)
    padded = np.pad(z[:], ((0, 1), (0, 2)))
    by_loop, by_array = np.zeros(indexer.shape, int), np.zeros(indexer.shape, int)

    for coords, chunk_selection, out_selection in indexer:
        y, x = coords
        chunk = padded[2 * y : 2 * y + 2, 3 * x : 3 * x + 3]
        part = chunk[chunk_selection]
        if indexer.drop_axes:
            part = np.squeeze(part, axis=indexer.drop_axes)
        by_loop[out_selection] = part
    coords, inner, outer = ([part[i] for part in indexer] for i in range(3))
    z._chunk_getitems(coords, inner, by_array, outer, drop_axes=indexer.drop_axes)

    wanted = getattr(z, EXPECTED[kind])(selection)
    np.testing.assert_array_equal(by_loop, wanted)
    np.testing.assert_array_equal(by_array, wanted)


def test_indexer_refuses_what_is_no_array_and_says_what_it_takes() -> None:
    with pytest.raises(TypeError, match="expected an array with shape and chunks"):
        zarr.indexing.BasicIndexer(0, (5, 7))


def test_other_names_of_indexing(z: zarr.Array) -> None:
    from zarr.indexing import (
        IntDimIndexer,
        OIndex,
        SliceDimIndexer,
        VIndex,
        ensure_tuple,
        is_coordinate_selection,
        is_slice,
        replace_ellipsis,
    )

    assert list(IntDimIndexer(4, 7, 3)) == [(1, 1, None)]
    assert list(SliceDimIndexer(slice(1, 6), 7, 3)) == [
        (0, slice(1, 3, 1), slice(0, 2)), (1, slice(0, 3, 1), slice(2, 5)),
    ]  # fmt: skip
    assert replace_ellipsis(..., (5, 7)) == (slice(None), slice(None))
    assert (is_slice(slice(1)), is_slice(1), ensure_tuple(3)) == (True, False, (3,))
    assert is_coordinate_selection((1, np.array([2])), z)
    assert not is_coordinate_selection((slice(1), 2), z)
    assert OIndex(z)[[0, 1], 2].tolist() == VIndex(z)[[0, 1], [2, 2]].tolist() == [2, 9]
    with pytest.raises(ImportError):
        from zarr.indexing import nonsense  # noqa: F401


def test_private_attributes_of_arrays() -> None:
    g = zarr.group()
    z = g.full("a", 3, shape=(5, 7), chunks=(2, 3), filters=[zarr.Delta("f8")])

    assert (z._shape, z._chunks, z._dtype, z._order) == ((5, 7), (2, 3), np.dtype("f8"), "C")
    assert (z._fill_value, z._filters, z._compressor) == (3, z.filters, z.compressor)
    assert (z._cdata_shape, z._key_prefix, z._chunk_key((1, 2))) == ((3, 3), "a/", "a/1.2")
    assert (z._dimension_separator, z._version, g._version) == (".", 2, 2)
    nested = g.zeros("b", shape=4, chunks=2, dimension_separator="/", dtype="i4")
    assert (nested._dimension_separator, zarr.zeros(3)._key_prefix) == ("/", "")
    assert zarr.zeros((), path="s")._chunk_key((0,)) == "s/0"
    with pytest.raises(AttributeError):
        z._shape = (1, 1)


@pytest.mark.parametrize("options", [{"zarr_format": 2}, {"zarr_format": 3}, {"shards": 4}])
def test_chunk_key_is_where_the_store_has_the_chunk(options: dict[str, Any]) -> None:
    z = zarr.create(10, chunks=2, store=zarr.MemoryStore(), path="a/b", **options)
    before = set(z.store)
    z[6] = 1

    assert set(z.store) - before == {z._chunk_key((3,))}


def test_util() -> None:
    from zarr import util

    text = util.json_dumps({"b": np.int64(3), "a": [1, 2]})
    assert text == b'{\n    "a": [\n        1,\n        2\n    ],\n    "b": 3\n}'
    assert util.json_loads(text) == util.json_loads(text.decode()) == {"a": [1, 2], "b": 3}
    assert util.normalize_storage_path("/a//b/") == "a/b"
    assert util.normalize_shape(3) == (3,)
    assert util.guess_chunks((1000, 1000), 4) == (250, 500)
    assert util.normalize_chunks((10, None), (100, 20), 4) == (10, 20)
    assert util.buffer_size(np.zeros(3)) == 24
    assert util.buffer_size(b"abc") == 3
    sizes = [util.human_readable_size(size) for size in (1, 3000, 3 << 31)]
    assert sizes == ["1", "2.9K", "6.0G"]
    assert str(util.TreeViewer(zarr.group())) == "/"


@pytest.mark.parametrize(
    ("value", "dtype", "encoded"),
    [
        (np.nan, "f8", "NaN"), (np.inf, "f4", "Infinity"), (3, "i4", 3), (True, "?", True),
        (None, "i4", None), ("a", "U3", "a"), (1 + 2j, "c8", [1.0, 2.0]),
        (np.zeros((), "i4,i4")[()], "i4,i4", "AAAAAAAAAAA="),
    ],
)  # fmt: skip
def test_fill_values_of_meta(value: Any, dtype: str, encoded: Any) -> None:
    from zarr import meta

    assert meta.encode_fill_value(value, np.dtype(dtype)) == encoded
    back = meta.decode_fill_value(encoded, np.dtype(dtype))
    assert back is value is None or np.array_equal(back, value, equal_nan=dtype[0] == "f")


def test_metadata_as_dictionaries() -> None:
    from zarr import meta, meta_v1

    z = zarr.full((3, 4), np.nan, chunks=(2, 2), dtype="f4", compressor=zarr.Zlib(1),
                  filters=[zarr.Delta("f4")], dimension_separator="/")  # fmt: skip
    document = z.store[".zarray"]
    members = meta.decode_array_metadata(document)

    assert (members["shape"], members["chunks"], members["dtype"]) == ((3, 4), (2, 2), z.dtype)
    assert np.isnan(members["fill_value"])
    assert meta.encode_array_metadata(members) == document
    pair = {**members, "dtype": np.dtype(("f4", (2,)))}
    assert json.loads(meta.encode_array_metadata(pair))["shape"] == [3, 4, 2]
    assert meta.decode_group_metadata(meta.encode_group_metadata()) == {"zarr_format": 2}
    assert meta.ZARR_FORMAT == 2
    with pytest.raises(meta.MetadataError):
        meta.decode_group_metadata(b'{"zarr_format": 3}')
    assert meta.decode_dtype(meta.encode_dtype(np.dtype("i4,f8"))) == np.dtype("i4,f8")
    old = {
        "shape": (3,), "chunks": (2,), "dtype": np.dtype("f4"), "compression": "blosc",
        "compression_opts": {"clevel": 5}, "fill_value": 0, "order": "C",
    }  # fmt: skip
    assert meta_v1.decode_metadata(meta_v1.encode_metadata(old)) == {**old, "zarr_format": 1}


def test_store_with_the_keys_of_zarr_storage() -> None:
    """As stores of whole-slide images do it: metadata made beforehand, chunks on demand."""
    from zarr.storage import (
        Store,
        _path_to_prefix,
        array_meta_key,
        attrs_key,
        group_meta_key,
        init_array,
        init_group,
        normalize_storage_path,
    )
    from zarr.util import json_dumps

    made: dict[str, bytes] = {}
    init_group(made)
    made[attrs_key] = json_dumps({"multiscales": [{"version": "0.1"}]})
    init_array(made, path="0", shape=(4, 4), chunks=(2, 2), dtype="u1", compressor=None)

    class Slides(Store):
        def __getitem__(self, key: str) -> bytes:
            if key in made:
                return made[key]
            place, _, chunk = key.rpartition("/")
            if _path_to_prefix(place) != "0/":
                raise KeyError(key)
            y, x = map(int, chunk.split("."))
            return bytes([y * 2 + x] * 4)

        def __iter__(self) -> Any:
            return iter(made)

        __setitem__ = __delitem__ = None  # type: ignore[assignment]

    root = zarr.open_group(Slides(), mode="r")
    assert root["0"][::2, ::2].tolist() == [[0, 1], [2, 3]]
    assert root.attrs["multiscales"] == [{"version": "0.1"}]
    assert (array_meta_key, group_meta_key) == (".zarray", ".zgroup")
    assert (_path_to_prefix(""), _path_to_prefix(None)) == ("", "")
    assert normalize_storage_path("a/") == "a"


def test_n5_metadata_as_dictionaries() -> None:
    array = {
        "shape": [5, 6], "chunks": [2, 3], "dtype": "<f4", "fill_value": 0, "order": "C",
        "compressor": {"id": "zlib", "level": 1}, "filters": None, "zarr_format": 2,
    }  # fmt: skip
    stored = zarr.n5.array_metadata_to_n5(array)

    assert stored == {
        "dimensions": [6, 5], "blockSize": [3, 2], "dataType": "float32",
        "compression": {"type": "gzip", "level": 1, "useZlib": True},
    }  # fmt: skip
    assert zarr.n5.array_metadata_to_n5(array, top_level=True) == {**stored, "n5": "2.0.0"}
    back = zarr.n5.array_metadata_to_zarr(stored)
    assert (back["shape"], back["chunks"], back["dtype"]) == ([5, 6], [2, 3], "<f4")
    assert zarr.n5.group_metadata_to_n5({"zarr_format": 2, "x": 1}) == {"x": 1, "n5": "2.0.0"}
    assert zarr.n5.group_metadata_to_zarr({"n5": "2.0.0"}) == {"zarr_format": 2}
    keys = ["a/b/1.2.3", "1.2", "a/attributes.json"]
    assert list(map(zarr.n5.invert_chunk_coords, keys)) == ["a/b/3/2/1", "2/1", keys[2]]
    assert zarr.n5.n5_attrs_key == "attributes.json"
    assert {"n5", "dimensions"} <= set(zarr.n5.n5_keywords)


def test_types_of_annotations() -> None:
    from zarr.context import Context
    from zarr.types import DIMENSION_SEPARATOR, MEMORY_ORDER, ZARR_VERSION, PathLike

    assert Context(meta_array=None) == {"meta_array": None}
    assert None not in (DIMENSION_SEPARATOR, MEMORY_ORDER, ZARR_VERSION, PathLike)
    assert zarr.util.human_readable_size is not None  # without an import of its own


def test_dict_store_says_its_name() -> None:
    with pytest.warns(DeprecationWarning, match="MemoryStore"):
        store = zarr.DictStore()
    assert isinstance(store, zarr.MemoryStore)
