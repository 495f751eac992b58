"""What is created is what is found when the array or group is opened again."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import zarr

from .layouts import OBJECTS, Layout, build, fill_of, layouts, new_store, same

ATTRIBUTES = (
    "shape", "chunks", "dtype", "order", "fill_value", "compressor", "filters",
    "cdata_shape", "nchunks", "nchunks_initialized", "size", "ndim", "itemsize", "nbytes",
)  # fmt: skip


def equal(left: Any, right: Any) -> bool:
    """Whether two attributes are the same, NaN included."""
    if isinstance(left, (np.generic, np.ndarray, float)):
        return np.asarray(left).tobytes() == np.asarray(right).tobytes()
    return bool(left == right)


@given(layout=layouts(), path=st.sampled_from([None, "foo", "foo/bar baz/ÄÖ", "/x//y/"]))
def test_arrays_reopen_as_they_were(layout: Layout, path: str | None, scratch: Path) -> None:
    store = new_store(layout.store if layout.store != "none" else "dict", scratch)
    z = zarr.create(
        layout.shape,
        chunks=layout.chunks,
        dtype=layout.np_dtype(),
        compressor=layout.compressor,
        fill_value=fill_of(layout),
        order=layout.order,
        store=store,
        path=path,
        filters=layout.filters,
        object_codec=OBJECTS[layout.object_codec][0]() if layout.object_codec else None,
        dimension_separator=layout.separator if layout.store != "nested" else None,
    )
    again = zarr.open_array(store, mode="r", path=path)
    for name in ATTRIBUTES:
        assert equal(getattr(again, name), getattr(z, name)), name
    assert again.dtype == layout.np_dtype()
    assert again.order == layout.order
    assert again.shape == layout.shape
    assert again.path == "/".join(s for s in (path or "").split("/") if s)
    assert again.read_only
    assert not z.read_only
    assert (again == z) == (z == again)


@given(layout=layouts())
def test_documents_are_plain_json(layout: Layout, scratch: Path) -> None:
    z, _ = build(layout, scratch)

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    document = json.loads(bytes(z.store[".zarray"]), parse_constant=refuse)
    assert document["zarr_format"] == 2
    assert tuple(document["shape"]) == z.shape
    assert tuple(document["chunks"]) == z.chunks
    assert document["order"] == z.order
    assert set(document) - {"dimension_separator"} == {
        "zarr_format", "shape", "chunks", "dtype", "compressor", "fill_value", "order", "filters",
    }  # fmt: skip


@given(layout=layouts())
def test_chunks_lie_where_the_format_says(layout: Layout, scratch: Path) -> None:
    z, _ = build(layout, scratch)
    separator = "/" if layout.store == "nested" else layout.separator or "."
    grid = z.cdata_shape if z.ndim else ()
    places = {separator.join(map(str, index)) if index else "0" for index in np.ndindex(grid)}
    keys = set(z.store) - {".zarray", ".zattrs", ".zgroup"}
    assert keys <= places
    assert z.nchunks_initialized == z.initialized == len(keys)


@given(layout=layouts())
def test_copies_by_array_and_like(layout: Layout, scratch: Path) -> None:
    z, a = build(layout, scratch)
    like = zarr.empty_like(z)
    for name in ("shape", "chunks", "dtype", "order", "compressor", "filters"):
        assert equal(getattr(like, name), getattr(z, name)), name
    like[...] = z
    same(like[...], a)


@given(layout=layouts(), path=st.sampled_from(["", "a/b"]))
def test_equality_and_pickle(layout: Layout, path: str, scratch: Path) -> None:
    import pickle

    store = new_store(layout.store, scratch)
    root = zarr.open_group(store, mode="a")
    g = root.require_group(path) if path else root
    other = pickle.loads(pickle.dumps(g))
    assert other == g or layout.store in ("none", "dict", "memory", "kv")
    assert other.path == g.path
    z, a = build(layout, scratch)
    again = pickle.loads(pickle.dumps(z))
    same(again[...], a)
    for name in ATTRIBUTES:
        assert equal(getattr(again, name), getattr(z, name)), name


# -- attributes ------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
documents = st.dictionaries(texts, json_values, max_size=6)


@given(first=documents, second=documents, how=st.sampled_from(["items", "put", "update"]))
def test_attributes_reopen_as_they_were(
    first: dict[str, Any], second: dict[str, Any], how: str, scratch: Path
) -> None:
    store = new_store("directory", scratch)
    for node in (zarr.group(store), zarr.zeros(3, store=store, path="a")):
        attrs = node.attrs
        attrs.put(first)
        expected = dict(first)
        if how == "put":
            attrs.put(second)
            expected = dict(second)
        elif how == "update":
            attrs.update(second)
            expected |= second
        else:
            for key, value in second.items():
                attrs[key] = value
            expected |= second
        for key in list(expected)[::2]:
            del attrs[key]
            del expected[key]
        again = zarr.open(store, mode="r")
        again = again if node.path == "" else again[node.path]
        assert again.attrs.asdict() == attrs.asdict() == expected
        assert set(again.attrs) == set(again.attrs.keys()) == set(expected)
        assert len(again.attrs) == len(expected)


@given(value=st.sampled_from([math.nan, math.inf, -math.inf]))
def test_attributes_keep_floats_that_are_not_json(value: float) -> None:
    g = zarr.group()
    g.attrs["x"] = value
    assert repr(zarr.Group(g.store).attrs["x"]) == repr(value)
