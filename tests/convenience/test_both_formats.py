"""Places that have metadata of two versions of the format, as converters leave them."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

import zarr

OPENERS = {
    "open": lambda store, **kwargs: zarr.open(store, mode="r", **kwargs)["a"],
    "open, path": lambda store, **kwargs: zarr.open(store, mode="r", path="a", **kwargs),
    "open_array": lambda store, **kwargs: zarr.open_array(store, mode="r", path="a", **kwargs),
    "open_array, a": lambda store, **kwargs: zarr.open_array(store, path="a", **kwargs),
    "open_group": lambda store, **kwargs: zarr.open_group(store, mode="r", **kwargs)["a"],
    "open_group, a": lambda store, **kwargs: zarr.open_group(store, **kwargs)["a"],
    "group": lambda store, **kwargs: zarr.group(store, **kwargs)["a"],
    "Array": lambda store, zarr_format=None: zarr.Array(store, "a", zarr_version=zarr_format),
    "Group": lambda store, zarr_format=None: zarr.Group(store, zarr_version=zarr_format)["a"],
    "load": lambda store, **kwargs: zarr.load(store, **kwargs)["a"],
    "open_consolidated": lambda store, **kwargs: zarr.open_consolidated(store, **kwargs)["a"],
}


@pytest.fixture
def both() -> zarr.MemoryStore:
    """A hierarchy that another tool has converted, and written to afterwards."""
    store = zarr.MemoryStore()
    zarr.group(store).create_dataset("a", data=[1, 2, 3])
    zarr.consolidate_metadata(store)
    old = dict(store)
    zarr.convert(store, 3)
    zarr.open_array(store, path="a").append([4, 5])
    store.update({key: value for key, value in old.items() if ".z" in key})
    zarr.consolidate_metadata(store, zarr_format=3)
    return store


@pytest.mark.parametrize("name", OPENERS)
def test_the_newer_format_counts(both: zarr.MemoryStore, name: str) -> None:
    if name == "open_consolidated":  # each format has copies of its own
        assert OPENERS[name](both)[:].tolist() == [1, 2, 3, 4, 5]
    else:
        with pytest.warns(UserWarning, match=r"both format 3 and 2.*zarr_format=2") as caught:
            assert OPENERS[name](both)[:].tolist() == [1, 2, 3, 4, 5]
        assert {warning.filename for warning in caught} == {__file__}
    assert OPENERS[name](both, zarr_format=2)[:].tolist() == [1, 2, 3]
    assert OPENERS[name](both, zarr_format=3)[:].tolist() == [1, 2, 3, 4, 5]


def test_pickles_stay_with_their_format(both: zarr.MemoryStore) -> None:
    for version, values in ((2, [1, 2, 3]), (3, [1, 2, 3, 4, 5])):
        group = zarr.open_group(both, mode="r", zarr_format=version)
        for opened in (
            pickle.loads(pickle.dumps(group))["a"],
            pickle.loads(pickle.dumps(group["a"])),
        ):
            assert opened[:].tolist() == values


def test_copies_of_the_older_format_are_not_those_of_the_newer() -> None:
    store: dict[str, Any] = {}
    zarr.group(store).create_dataset("a", data=[1, 2, 3])
    zarr.consolidate_metadata(store)
    old = store[".zmetadata"]
    zarr.convert(store, 3)
    zarr.group(store, overwrite=True, zarr_format=3).create_dataset("b", data=[1])
    store[".zmetadata"] = old
    with pytest.raises(KeyError, match=r"no consolidated metadata.*'zarr\.json'"):
        zarr.open_consolidated(store)
