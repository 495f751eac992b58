"""URLs given to `zarr.open` and others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest

import zarr
from zarr.storage import FSStore

pytestmark = pytest.mark.remote


class TestURLs:
    @pytest.fixture(params=["s3", "memory", "file", "simplecache::file", "dir::file"])
    def place(
        self,
        request: pytest.FixtureRequest,
        unique: Callable[[str], str],
        tmp_path: Path,
    ) -> tuple[str, dict[str, Any]]:
        """Return a URL and its options."""
        if request.param == "s3":
            bucket = request.getfixturevalue("bucket")
            return f"s3://{bucket}/data", request.getfixturevalue("s3_options")
        if request.param == "memory":
            return f"memory://{unique('urls')}", {}
        if request.param == "dir::file":
            return f"dir::file://{tmp_path}/data", {}
        return f"{request.param}://{tmp_path}/data", {}

    def test_arrays(self, place: tuple[str, dict[str, Any]]) -> None:
        url, options = place
        z = zarr.open(url, mode="w", shape=100, chunks=10, dtype="i4", storage_options=options)
        assert isinstance(z.store, FSStore)
        z[:] = np.arange(100)
        again = zarr.open_array(url, mode="r", storage_options=options)
        np.testing.assert_array_equal(again[:], np.arange(100))
        np.testing.assert_array_equal(again[35:67], np.arange(35, 67))

    def test_groups(self, place: tuple[str, dict[str, Any]]) -> None:
        url, options = place
        with zarr.open_group(url, mode="w", storage_options=options) as group:
            group["a/b"] = np.arange(10)
            group.attrs["x"] = 1
        group = zarr.open_group(url, mode="a", storage_options=options)
        assert sorted(group) == ["a"]
        assert group.attrs["x"] == 1
        np.testing.assert_array_equal(group["a/b"], np.arange(10))
        group.move("a/b", "c")
        assert sorted(group) == ["a", "c"]
        del group["c"]
        assert sorted(group) == ["a"]

    def test_final_format(self, place: tuple[str, dict[str, Any]]) -> None:
        url, options = place
        z = zarr.open(
            url, mode="w", shape=(20, 20), chunks=(5, 5), zarr_format=3, storage_options=options
        )
        z[3:9] = 7
        again = zarr.open(url, mode="r", storage_options=options)
        expected = np.zeros((20, 20))
        expected[3:9] = 7
        np.testing.assert_array_equal(again[:], expected)

    def test_absent(self, place: tuple[str, dict[str, Any]]) -> None:
        url, options = place
        with pytest.raises((ValueError, KeyError)):
            zarr.open(f"{url}/absent", mode="r", storage_options=options)

    def test_fsmap(self, place: tuple[str, dict[str, Any]]) -> None:
        url, options = place
        z = zarr.open(fsspec.get_mapper(url, **options), mode="w", shape=10, dtype="i4")
        z[:] = 3
        assert isinstance(z.store, FSStore)
        np.testing.assert_array_equal(zarr.open(url, mode="r", storage_options=options)[:], 3)

    def test_read_only(self, place: tuple[str, dict[str, Any]]) -> None:
        url, options = place
        zarr.open(url, mode="w", shape=10, dtype="i4", storage_options=options)
        z = zarr.open(url, mode="r", storage_options=options)
        with pytest.raises(PermissionError):
            z[0] = 1


def test_save_and_load() -> None:
    zarr.save("memory://saved/array", np.arange(10))
    np.testing.assert_array_equal(zarr.load("memory://saved/array"), np.arange(10))
    zarr.save("memory://saved/group", a=np.arange(3), b=np.arange(4))
    np.testing.assert_array_equal(zarr.load("memory://saved/group")["b"], np.arange(4))


def test_options_without_a_url(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="storage_options"):
        zarr.open_group(str(tmp_path), storage_options={"anon": True})
