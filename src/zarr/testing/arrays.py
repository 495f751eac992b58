"""The part of the conformance suite that keeps arrays and groups in a store."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from numcodecs import GZip

import zarr
from zarr.storage.base import BaseStore

__all__ = ["ArrayTests"]

LAYOUTS = ("2-dots", "2-slashes", "3", "3-shards")

_every_layout = pytest.mark.parametrize("layout", LAYOUTS)
_every_version = pytest.mark.parametrize("version", [2, 3])


def _options(layout: str, *chunks: int) -> dict[str, Any]:
    """Return the arguments of `create` for chunks of this shape, two to a shard."""
    version, _, kind = layout.partition("-")
    options: dict[str, Any] = {"zarr_version": int(version), "chunks": chunks}
    if kind == "slashes":
        options["dimension_separator"] = "/"
    elif kind == "shards":
        options["shards"] = tuple(2 * length for length in chunks)
    return options


SELECTIONS: tuple[Any, ...] = (
    Ellipsis,
    (slice(3, 9), slice(None)),
    (slice(None, None, 3), slice(1, 10, 2)),
    5,
    (12, 10),
    (slice(0, 0), 3),
    (-1, slice(-4, None)),
)


class ArrayTests:
    """Tests of arrays and groups in a store, with NumPy as the judge.

    Attributes
    ----------
    dtypes : tuple of str
        Data types of the arrays.
    """

    dtypes: ClassVar[tuple[str, ...]] = ("<i4", ">f8", "|b1", "<U3", "|S2")

    def _reopened(self, store: BaseStore, path: str) -> Any:
        return zarr.open_array(store, mode="r", path=path)

    @_every_layout
    def test_array(self, store: BaseStore, layout: str) -> None:
        expected = np.full((13, 11), -1, "i4")
        z = zarr.create(
            (13, 11), dtype="i4", fill_value=-1, store=store, path="a/b", **_options(layout, 4, 5)
        )
        assert np.array_equal(self._reopened(store, "a/b")[:], expected)
        for n, selection in enumerate(SELECTIONS):
            value = np.arange(expected[selection].size).reshape(expected[selection].shape) + n
            z[selection] = value
            expected[selection] = value
            again = self._reopened(store, "a/b")
            assert np.array_equal(again[:], expected)
            assert np.array_equal(again[selection], expected[selection])
        assert np.array_equal(z.oindex[[0, 7, 3], 2:9], expected[[0, 7, 3], 2:9])
        assert np.array_equal(z.vindex[[0, 7], [1, 2]], expected[[0, 7], [1, 2]])

    @_every_layout
    def test_array_of_any_type(self, store: BaseStore, layout: str) -> None:
        for dtype in self.dtypes:
            data = (np.arange(30) % 7).astype(dtype).reshape(5, 6)
            path = f"{np.dtype(dtype).kind}/x"
            zarr.array(data, compressor=GZip(1), store=store, path=path, **_options(layout, 2, 4))
            again = self._reopened(store, path)
            # Format 3 says how bytes lie in the store, and nothing of memory.
            assert again.dtype.newbyteorder("=") == data.dtype.newbyteorder("=")
            assert np.array_equal(again[:], data)

    @_every_layout
    def test_array_without_compression(self, store: BaseStore, layout: str) -> None:
        data = np.random.default_rng(0).integers(0, 255, (100, 2000), "u1")
        zarr.array(data, compressor=None, store=store, **_options(layout, 60, 1000))
        again = self._reopened(store, "")
        assert np.array_equal(again[:], data)
        assert np.array_equal(again[59:61, ::7], data[59:61, ::7])

    @_every_layout
    def test_array_changes(self, store: BaseStore, layout: str) -> None:
        z = zarr.create(10, dtype="i8", fill_value=0, store=store, **_options(layout, 3))
        z[:] = np.arange(10)
        z.attrs["unit"] = "m"
        z.resize(5)
        z.append(np.array([7, 8, 9]))
        again = self._reopened(store, "")
        assert again[:].tolist() == [0, 1, 2, 3, 4, 7, 8, 9]
        assert dict(again.attrs) == {"unit": "m"}
        assert zarr.open_array(store, mode="r+").shape == (8,)

    @_every_layout
    def test_failed_read_is_told_from_absence(self, store: BaseStore, layout: str) -> None:
        options = _options(layout, 10)
        z = zarr.create(100, dtype="i4", fill_value=-1, store=store, compressor=GZip(1), **options)
        z[:60] = 1
        keys = sorted(key for key in store if not key.endswith((".zarray", "zarr.json")))
        per_key = 60 // len(keys)
        assert (per_key,) == options.get("shards", options["chunks"])
        del store[keys[0]]
        assert z[:].tolist() == [-1] * per_key + [1] * (60 - per_key) + [-1] * 40
        store[keys[1]] = b"damaged"
        with pytest.raises(ValueError, match=keys[1]):
            z[:]

    @_every_version
    def test_groups(self, store: BaseStore, version: int) -> None:
        root = zarr.group(store=store, zarr_version=version)
        root.attrs["title"] = "test"
        for name in ("a", "a-b", "a/b/c", "d/e"):
            root.create_group(f"groups/{name}")
        for n, name in enumerate(("x", "groups/a/y", "groups/a/b/z")):
            root.array(name, np.arange(10) + n, chunks=4)
        again: Any = zarr.open_group(store, mode="r")
        assert sorted(again) == ["groups", "x"]
        assert dict(again.attrs) == {"title": "test"}
        assert sorted(again["groups"].group_keys()) == ["a", "a-b", "d"]
        assert sorted(again["groups/a"].array_keys()) == ["y"]
        assert again["groups/a/b/z"][:].tolist() == list(range(2, 12))
        assert "groups/a/y" in again
        assert "groups/a/missing" not in again

    @_every_version
    def test_groups_change(self, store: BaseStore, version: int) -> None:
        root: Any = zarr.group(store=store, zarr_version=version)
        for n, name in enumerate(("a/x", "a/b/y", "ab/z")):
            root.array(name, np.arange(10) + n, chunks=4)
        root.move("a/b", "moved/here")
        assert sorted(root) == ["a", "ab", "moved"]
        assert root["moved/here/y"][:].tolist() == list(range(1, 11))
        assert "a/b" not in root
        del root["a"]
        assert sorted(root) == ["ab", "moved"]
        assert root["ab/z"][:].tolist() == list(range(2, 12))
        assert not any(key.startswith("a/") for key in store)
        root.create_group("moved", overwrite=True)
        assert sorted(root["moved"]) == []
        zarr.group(store=store, overwrite=True, zarr_version=version)
        assert len(store) == 1

    def test_random_writes(self, store: BaseStore) -> None:
        random = np.random.default_rng(0)
        expected = np.zeros((17, 23), "i2")
        z = zarr.create((17, 23), chunks=(5, 6), dtype="i2", store=store)
        for n in range(25):
            (a, b), (c, d) = (np.sort(random.integers(0, size + 1, 2)) for size in z.shape)
            z[a:b, c:d] = n
            expected[a:b, c:d] = n
        assert np.array_equal(self._reopened(store, "")[:], expected)
