"""What is different on Windows, run by `test_systems` in the simulation."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import numpy as np
import pytest

import zarr
from zarr import _system
from zarr.errors import StoreError, StoreKeyError

NAMES = (
    "a:b", "a*", "a?", '"', "<", ">", "a|b", "back\\slash", "..\\..\\x", "C:\\x", "\x01", "a.",
    "a ", "CON", "con", "nul", "NUL.txt", "aux.0", "Com1", "lpt9.tar.gz", "prn ", "conin$",
)  # fmt: skip


@pytest.mark.parametrize("kind", [zarr.DirectoryStore, zarr.NestedDirectoryStore, zarr.N5Store])
@pytest.mark.parametrize("name", NAMES)
def test_reserved_name_is_refused(tmp_path: Path, kind, name: str) -> None:
    store = kind(tmp_path / "data")
    store["x/y"] = b"y"
    before = sorted(p.name for p in tmp_path.rglob("*"))

    for key in (name, f"a/{name}", f"{name}/a"):
        with pytest.raises(StoreKeyError) as caught:
            store[key] = b"bad"
        assert repr(key) in str(caught.value)
        assert key not in store
        assert store.get(key) is None
        assert store.getitems([key, "x/y"]) == {"x/y": b"y"}
        assert store.listdir(name) == []
        store.rmdir(name)
        with pytest.raises(StoreKeyError):
            store.rename("x", key)
        store.rename(key, "new")

    assert sorted(p.name for p in tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "name", ["a", "con1", "console", "nulls", "com", "lpt", "a.b", " a", "é~$"]
)
def test_other_names_are_not(tmp_path: Path, name: str) -> None:
    store = zarr.DirectoryStore(tmp_path)
    store[name] = b"x"
    assert store[name] == b"x" and list(store) == [name]


@pytest.mark.parametrize("size", [10, 200_000])
def test_no_byte_is_text(tmp_path: Path, size: int) -> None:
    value = b"a\r\nb\nc\x1a\r\r\n" * (size // 10)
    store = zarr.DirectoryStore(tmp_path / "data")
    with zarr.ZipStore(tmp_path / "data.zip") as archive:
        for each in (store, archive):
            each["x"] = value
            assert each["x"] == value
            assert each.get_partial_values([("x", (1, 5))]) == [value[1:6]]


def test_every_way_to_say_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    windows = "C:" + str(tmp_path).replace("/", "\\") + "\\data"
    paths = [
        "data",
        "data\\",
        ".\\data",
        windows,
        windows + "\\",
        windows.replace("\\", "/"),
        "DATA",
    ]
    zarr.DirectoryStore("data")["x"] = b"x"

    stores = [zarr.DirectoryStore(path) for path in paths]
    for store in stores[:-1]:
        store["y"] = b"y"
        assert sorted(store) == ["x", "y"]

    assert sorted(p.name for p in tmp_path.rglob("*")) == ["data", "x", "y"]
    assert len({store.address("A/b") for store in stores}) == 1


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[int]:
    """Keep the file of the key 'a/x' open."""
    zarr.DirectoryStore(tmp_path / "data")["a/x"] = b"old"
    descriptor = os.open(tmp_path / "data/a/x", os.O_RDONLY)
    yield descriptor
    try:
        os.close(descriptor)
    except OSError:
        pass


CHANGES = {
    "replace": lambda store: store.update({"a/x": b"new"}),
    "delete": lambda store: store.pop("a/x"),
    "delete folder": lambda store: store.rmdir("a"),
    "rename folder": lambda store: store.rename("a", "b"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_open_file_is_waited_for(tmp_path: Path, reader: int, change) -> None:
    store = zarr.DirectoryStore(tmp_path / "data")
    Timer(0.2, os.close, [reader]).start()
    change(store)
    assert store.get("a/x") in (None, b"new")


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_open_file_is_named_in_the_error(
    tmp_path: Path, reader: int, change, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_system, "PATIENCE", 0.05)
    store = zarr.DirectoryStore(tmp_path / "data")
    with pytest.raises(PermissionError, match="another program has it open") as caught:
        change(store)
    assert "data" in str(caught.value)
    assert dict(store) == {"a/x": b"old"}
    assert [p.name for p in tmp_path.rglob("*")] == ["data", "a", "x"]


@pytest.mark.filterwarnings("ignore:the ZIP archive .* does not end with its directory")
def test_zip_has_one_writer(tmp_path: Path) -> None:
    path = tmp_path / "data.zip"
    with zarr.ZipStore(path, mode="w") as first:
        first["a"] = b"1"
        first.flush()
        first["a2"] = b"1"
        with zarr.ZipStore(path) as second, pytest.raises(StoreError, match="another process"):
            second["b"] = b"2"
    with zarr.ZipStore(path) as second:
        second["b"] = b"2"
    assert [p.name for p in tmp_path.iterdir()] == ["data.zip"]


def test_open_zip_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_system, "PATIENCE", 0.05)
    path = tmp_path / "data.zip"
    with zarr.ZipStore(path, mode="w") as store:
        store["a"] = b"1"
    with zarr.ZipStore(path, mode="r") as reading:
        with pytest.raises(StoreError, match="another program has it open"):
            zarr.ZipStore(path, mode="w")
        assert reading["a"] == b"1"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_zip_is_compacted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_system, "PATIENCE", 0.05)
    path = tmp_path / "data.zip"
    with zarr.ZipStore(path, mode="w") as store:
        for n in range(5):
            store["a"] = bytes([n]) * 1000
        assert store.compact() > 3000
        assert store["a"] == b"\4" * 1000
        store["a"] = b"5" * 1000
        store.flush()
        with zarr.ZipStore(path, mode="r"), pytest.raises(StoreError, match="cannot compact"):
            store.compact()
        store["b"] = b"still open"
    with zarr.ZipStore(path, mode="r") as store:
        assert dict(store) == {"a": b"5" * 1000, "b": b"still open"}
    assert [p.name for p in tmp_path.iterdir()] == ["data.zip"]


def test_arrays(tmp_path: Path) -> None:
    synchronizer = zarr.ProcessSynchronizer(tmp_path / "sync")
    z = zarr.open_array(
        str(tmp_path / "data"),
        mode="w",
        shape=100,
        chunks=10,
        fill_value=0,
        synchronizer=synchronizer,
    )
    z[5:95] = np.arange(90)
    z.append(np.arange(5))
    assert z[:].tolist() == [0] * 5 + list(range(90)) + [0] * 5 + list(range(5))
    group = zarr.open_group(str(tmp_path / "group"), mode="w")
    group.create_dataset("a/b", data=np.eye(3))
    group.move("a", "c")
    assert (group["c/b"][:] == np.eye(3)).all()
    with pytest.raises(StoreKeyError, match="reserves"):
        group.create_group("aux")


@pytest.mark.parametrize("keys", [["0"], ["0", "1"], [str(n) for n in range(9)]])
@pytest.mark.parametrize("with_value", [False, True])
def test_link_to_nowhere_is_a_failure(tmp_path: Path, keys: list[str], *, with_value: bool) -> None:
    store = zarr.DirectoryStore(tmp_path / "data")
    store["x/there"] = b"1"
    os.symlink("nowhere", tmp_path / "data" / "x" / "0")
    wanted = [f"x/{key}" for key in keys] + ["x/there"] * with_value
    for read in (store.getitems, store.present):
        with pytest.raises(StoreError, match=r"x.0.*nowhere"):
            read(wanted)
