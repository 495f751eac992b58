"""Copying from stores that cannot list their keys, as over plain HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import zarr
from zarr.errors import CopyError
from zarr.storage import KVStore


class Unlisted(KVStore):
    """A store that reads what is asked for, and lists nothing."""

    def list_prefix(self, path: str = "") -> Iterator[str]:
        return iter(())

    def listdir(self, path: str = "") -> list[str]:
        return []


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("options", [{}, {"chunks": 4}, {"fill_value": 0}], ids=str)
def test_all_chunks_are_copied(zarr_format: int, options: dict[str, int]) -> None:
    stored: dict[str, bytes] = {}
    root = zarr.open_group(KVStore(stored), mode="w", zarr_format=zarr_format)
    data = np.arange(10, dtype="i4")
    root.create_dataset("a", data=data, chunks=3)
    zarr.consolidate_metadata(KVStore(stored))
    source = zarr.open_consolidated(Unlisted(stored), mode="r")
    dest = zarr.open_group(zarr.MemoryStore(), mode="w", zarr_format=zarr_format)

    zarr.copy_all(source, dest, **options)
    zarr.copy(source["a"], dest, "b", if_exists="skip_initialized", **options)

    np.testing.assert_array_equal(dest["a"][...], data)
    np.testing.assert_array_equal(dest["b"][...], data)


def test_keys_that_cannot_be_listed_are_an_error() -> None:
    stored: dict[str, bytes] = {}
    zarr.array(np.arange(10), chunks=3, store=KVStore(stored), path="a")

    with pytest.raises(CopyError, match="cannot list the keys of"):
        zarr.copy_store(Unlisted(stored), {}, "a")
    assert zarr.copy_store(Unlisted({}), {}) == (0, 0, 0)
