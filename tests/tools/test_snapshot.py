"""Snapshots stay as they were, whatever is done to the original; and rows for several arrays."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr
from tests.tools.test_transaction import OPTIONS, change_much, content, pair
from zarr.errors import ReadOnlyError, StoreError, TransactionError

posix = pytest.mark.skipif(os.name == "nt", reason="permissions are those of POSIX")


def bytes_of(path: str) -> dict[str, bytes]:
    """Return the contents of all files in a snapshot."""
    store = zarr.DirectoryStore(path)
    return {key: store[key] for key in store}


@pytest.mark.parametrize("method", ["auto", "link", "copy"])
@pytest.mark.parametrize("format", OPTIONS)
def test_a_snapshot_stays_what_it_was(tmp_path: Path, format: str, method: Any) -> None:
    root = pair(str(tmp_path / "a"), format)
    before, files = content(root.store), bytes_of(root.store.path)
    snap = zarr.snapshot(root, "s1", method=method)
    assert snap.path == str(tmp_path / "a" / "__snapshots" / "s1")

    change_much(root)
    root["a"][:] = 9

    assert bytes_of(snap.path) == files
    assert content(snap.path) == before
    kept = zarr.open_snapshot(root, "s1")
    assert isinstance(kept, zarr.Group)
    assert kept["a"][...].tolist() == before["a"]
    with pytest.raises(ReadOnlyError):
        kept["a"][0] = 1
    assert not [key for key in root.store if "__" in key]
    assert "__snapshots" not in root.store.listdir()
    assert sorted(root) == ["a", "b", "g", "h"]
    assert zarr.check(root.store).ok


@pytest.mark.parametrize("format", OPTIONS)
def test_restoring_is_a_transaction(tmp_path: Path, format: str) -> None:
    root = pair(str(tmp_path / "a"), format)
    before = content(root.store)
    zarr.snapshot(root, "one")
    change_much(root)
    changed = content(root.store)
    zarr.snapshot(root.store, "two")

    z = root["a"]
    zarr.restore_snapshot(root, "one")
    assert content(root.store) == before
    assert z[0] == 0
    zarr.restore_snapshot(str(tmp_path / "a"), "two")
    assert content(root.store) == changed
    root["a"][:] = 3
    zarr.restore_snapshot(root, "one")
    assert content(root.store) == before
    assert [one.name for one in zarr.snapshots(root)] == ["one", "two"]


def test_dropping(tmp_path: Path) -> None:
    root = pair(str(tmp_path / "a"))
    before = content(root.store)
    for name in ("one", "two"):
        zarr.snapshot(root, name)
    zarr.drop_snapshot(root, "one")
    assert [one.name for one in zarr.snapshots(root)] == ["two"]
    zarr.drop_snapshot(root, "two")
    assert zarr.snapshots(root) == []
    assert not os.path.exists(tmp_path / "a" / "__snapshots")
    assert content(root.store) == before


def test_snapshots_outlive_what_deletes_everything(tmp_path: Path) -> None:
    path = str(tmp_path / "a")
    before = content(pair(path).store)
    zarr.snapshot(path, "s")
    pair(path, "3")
    zarr.DirectoryStore(path).clear()
    assert list(zarr.DirectoryStore(path)) == []
    zarr.restore_snapshot(path, "s")
    assert content(path) == before


def test_an_array_and_n5(tmp_path: Path) -> None:
    for path in (str(tmp_path / "z.zarr"), str(tmp_path / "z.n5")):
        z = zarr.open_array(path, mode="w", shape=4, chunks=2, dtype="i4")
        z[:] = 1
        zarr.snapshot(z, "s")
        z[:] = 2
        kept = zarr.open_snapshot(path, "s")
        assert isinstance(kept, zarr.Array)
        assert kept[:].tolist() == [1] * 4
        zarr.restore_snapshot(path, "s")
        assert z[:].tolist() == [1] * 4


@posix
def test_linked_files_refuse_to_be_changed_in_place(tmp_path: Path) -> None:
    root = pair(str(tmp_path / "a"))
    zarr.snapshot(root, "s", method="link")
    for path in ("a/0", "__snapshots/s/a/0"):
        assert not os.stat(tmp_path / "a" / path).st_mode & 0o222
    root["a"][0] = 5
    assert os.stat(tmp_path / "a" / "a" / "0").st_mode & stat.S_IWUSR


def test_a_link_to_a_file_is_copied(tmp_path: Path) -> None:
    root = pair(str(tmp_path / "a"))
    elsewhere = tmp_path / "elsewhere"
    os.rename(tmp_path / "a" / "a" / "0", elsewhere)
    (tmp_path / "a" / "a" / "0").symlink_to(elsewhere)
    zarr.snapshot(root, "s")
    elsewhere.write_bytes(b"")
    assert zarr.open_snapshot(root, "s")["a"][0] == 0


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", ".hidden", "a\\b", "../x"])
def test_names_that_are_refused(tmp_path: Path, name: str) -> None:
    root = pair(str(tmp_path / "a"))
    for use in (zarr.snapshot, zarr.open_snapshot, zarr.restore_snapshot, zarr.drop_snapshot):
        with pytest.raises(ValueError, match="cannot be the name of a snapshot"):
            use(root, name)


def test_refusals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = pair(str(tmp_path / "a"))
    zarr.snapshot(root, "s")
    with pytest.raises(ValueError, match="has a snapshot 's' already"):
        zarr.snapshot(root, "s")
    with pytest.raises(ValueError, match="method must be one of auto, reflink, link, copy"):
        zarr.snapshot(root, "t", method="fast")  # type: ignore[arg-type]
    with pytest.raises(KeyError, match="no snapshot 't'; there are 's'"):
        zarr.open_snapshot(root, "t")
    with pytest.raises(TransactionError, match="has no snapshots"):
        zarr.snapshot({}, "s")
    monkeypatch.setattr("zarr.storage.snapshots.clone_file", lambda *_: False)
    monkeypatch.setattr("zarr.storage.snapshots.link", lambda *_: False)
    for method in ("reflink", "link"):
        with pytest.raises(StoreError, match=f"method='{method}'"):
            zarr.snapshot(root, "t", method=method)  # type: ignore[arg-type]
    zarr.snapshot(root, "t")
    assert [one.name for one in zarr.snapshots(root)] == ["s", "t"]


# -- append ------------------------------------------------------------------------------


def make_days(store: Any) -> zarr.Group:
    root = zarr.open_group(store, mode="w")
    root.zeros("t", shape=(2, 3), chunks=(2, 3), dtype="i4")
    root.zeros("g/u", shape=(3, 2), chunks=(3, 2), dtype="i4")
    return root


@pytest.mark.parametrize("kind", ["path", "group", "memory", "store"])
def test_append_to_several_arrays(tmp_path: Path, kind: str) -> None:
    root = make_days(zarr.MemoryStore() if kind == "memory" else str(tmp_path / "a"))
    target = {"path": str(tmp_path / "a"), "store": root.store}.get(kind, root)
    shapes = zarr.append(target, {"t": [[1, 2, 3]], "g/u": np.ones((4, 2))})
    assert shapes == {"t": (3, 3), "g/u": (7, 2)}
    assert root["t"][2].tolist() == [1, 2, 3]
    assert zarr.append(target, {"g/u": np.ones((7, 1))}, axis=-1) == {"g/u": (7, 3)}


@pytest.mark.parametrize("kind", ["directory", "memory"])
@pytest.mark.parametrize(
    ("name", "rows", "axis", "error", "message"),
    [
        ("g/u", [[1, 2, 3]], 0, ValueError, r"shape \(1, 3\) to 'g/u' of shape \(3, 2\)"),
        ("g/u", [1, 2], 0, ValueError, r"shape \(2,\) to 'g/u'"),
        ("g/u", [[1, 2]], 2, ValueError, "along axis 2"),
        ("g", [[1]], 0, TypeError, "is a group"),
        ("no", [[1]], 0, KeyError, "no"),
    ],
)
def test_append_refuses_all_or_nothing(
    tmp_path: Path, kind: str, name: str, rows: Any, axis: int, error: Any, message: str
) -> None:
    root = make_days(zarr.MemoryStore() if kind == "memory" else str(tmp_path / "a"))
    first = [[1, 2, 3]] if axis == 0 else np.ones((2, 3))
    with pytest.raises(error, match=message):
        zarr.append(root, {"t": first, name: rows}, axis=axis)
    assert root["t"].shape == (2, 3)
