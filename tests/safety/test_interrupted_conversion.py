"""A conversion that is interrupted loses nothing, and a second call completes it."""

from __future__ import annotations

import pathlib
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import zarr
from zarr.errors import GroupNotFoundError, ZarrError

from . import writers

# Half way through, there are metadata of both versions.
pytestmark = pytest.mark.filterwarnings("ignore:.*has metadata of both format:UserWarning")


class FailingDict(dict[str, bytes]):
    """A mapping that can be changed a number of times only."""

    changes = 1 << 30

    def _count(self) -> None:
        if self.changes == 0:
            raise InterruptedError
        self.changes -= 1

    def __setitem__(self, key: str, value: bytes) -> None:
        self._count()
        super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        self._count()
        super().__delitem__(key)


def build(store: Any, version: int, stays: bool) -> None:
    """Make a hierarchy of which all or only some chunks can stay in a conversion."""
    root = zarr.group(store, zarr_format=version)
    root.attrs["title"] = "x"
    options: list[dict[str, Any]] = [{"dimension_separator": "/"}, {"order": "F"}, {"dtype": ">f4"}]
    if version == 3:
        options = [{"chunk_key_encoding": "v2"}, {"chunk_key_encoding": "v2", "dtype": ">f4"}]
    if not stays and version == 3:
        options = [{}, {"shards": (6, 4)}, {"chunk_key_encoding": "v2", "shards": (6, 4)}]
    if not stays and version == 2:
        options.append({"dtype": [("a", "<i4"), ("b", ">f8")]})
    for i, kwargs in enumerate(options):
        z = root.create_dataset(
            f"g{i}/a", **{"shape": (10, 7), "chunks": (3, 2), "dtype": "i4", **kwargs}
        )
        z[1:, :5] = np.ones((9, 5), z.dtype)
        z.attrs["number"] = i
    keys = {"chunk_key_encoding": "v2"} if stays and version == 3 else {}
    root.create_dataset("scalar", shape=(), dtype="i4", fill_value=3, **keys)
    zarr.consolidate_metadata(store)


def facts(root: zarr.Group) -> dict[str, Any]:
    found: dict[str, Any] = {"": dict(root.attrs)}

    def note(path: str, node: Any) -> None:
        data = node[...].tolist() if isinstance(node, zarr.Array) else sorted(node)
        found[path] = (data, dict(node.attrs))

    root.visititems(note)
    return found


def check_intact(store: Any, expected: dict[str, Any]) -> set[int]:
    """Assert that all is there for everybody who finds anything; return what there is to find."""
    assert facts(zarr.open_group(store, mode="r")) == expected
    assert facts(zarr.open_consolidated(store)) == expected
    seen = set()
    for version in (2, 3):
        try:
            root = zarr.open_group(store, mode="r", zarr_format=version)
        except GroupNotFoundError:
            continue
        assert facts(root) == expected
        seen.add(version)
    for path, fact in expected.items():
        if path:
            node = zarr.open(store, mode="r", path=path)
            assert dict(node.attrs) == fact[1]
            if isinstance(node, zarr.Array):
                assert node[...].tolist() == fact[0]
    return seen


@pytest.mark.parametrize("stays", [True, False])
@pytest.mark.parametrize("version", [2, 3])
def test_interrupted_before_each_change(version: int, stays: bool) -> None:
    before: dict[str, bytes] = {}
    build(before, version, stays)
    expected = facts(zarr.open_group(before, mode="r"))
    whole = dict(before)
    zarr.convert(whole, 5 - version, rewrite_chunks=not stays)
    seen = []
    for changes in range(10_000):
        store = FailingDict(before)
        store.changes = changes
        try:
            zarr.convert(store, 5 - version, rewrite_chunks=not stays)
        except InterruptedError:
            store.changes = 1 << 30
        else:
            break
        seen.append(check_intact(store, expected))
        back = FailingDict(store)

        zarr.convert(store, 5 - version, rewrite_chunks=not stays)
        assert store == whole

        # Or whoever has thought better of it turns back.
        zarr.convert(back, version, rewrite_chunks=True)
        assert facts(zarr.open_group(back, mode="r", zarr_format=version)) == expected
        if stays and version == 2:
            assert back == before
    assert seen[0] == {version}
    assert seen[-1] == {5 - version}
    assert {2, 3} in seen


@pytest.mark.parametrize("version", [2, 3])
def test_killed_at_random_moments(version: int, tmp_path: pathlib.Path) -> None:
    rounds = 50
    path = str(tmp_path / "g")
    build(path, version, stays=False)
    expected = facts(zarr.open_group(path, mode="r"))
    answer = subprocess.run(
        [sys.executable, writers.__file__, "convert", path, str(5 - version), str(rounds)],
        check=True, timeout=240, capture_output=True, text=True,
    )  # fmt: skip
    copies = answer.stdout.split()
    assert len(copies) == rounds
    whole = contents(f"{path}-whole")
    half_way = 0
    for copy in copies:
        check_intact(copy, expected)
        half_way += contents(copy).keys() not in (contents(path).keys(), whole.keys())
        zarr.convert(copy, 5 - version, rewrite_chunks=True)
        assert contents(copy) == whole
        assert facts(zarr.open_group(copy, mode="r")) == expected
    print(f"to version {5 - version}: {rounds} kills, {half_way} of them half way")


def contents(path: str) -> dict[str, bytes]:
    store = zarr.DirectoryStore(path)
    return {key: bytes(store[key]) for key in store}


def test_a_problem_is_found_before_anything_is_changed() -> None:
    store: dict[str, bytes] = {}
    build(store, 3, stays=False)
    before = FailingDict(store)
    before.changes = 0
    with pytest.raises(ZarrError, match="nothing has been converted"):
        zarr.convert(before, 2)
