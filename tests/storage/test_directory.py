"""Stores in directories: what they promise beyond the conformance suite."""

from __future__ import annotations

import errno
import multiprocessing
import os
import pickle
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr
from zarr.errors import FSPathExistNotDir, StorePermissionError
from zarr.storage import DirectoryStore, NestedDirectoryStore, TempStore
from zarr.storage.base import Temporary
from zarr.storage.files import temporary_name

StartPython = Callable[..., Any]


def all_files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_one_file_per_key(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "data")
    assert not (tmp_path / "data").exists()
    store.setitems({"a/b/0.0": b"1", ".zgroup": b"2"})
    assert all_files(tmp_path / "data") == [".zgroup", "a/b/0.0"]
    (tmp_path / "data" / "a" / "foreign").write_bytes(b"3")
    assert store["a/foreign"] == b"3"
    assert store.listdir("a") == ["b", "foreign"]


def test_path_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FSPathExistNotDir, match="file"):
        DirectoryStore(tmp_path / "file")


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        DirectoryStore(tmp_path / "data")["a/x"] = b""
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "data/a/x").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "data/a").stat().st_mode) == 0o750


def test_normalized_keys(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "data", normalize_keys=True)
    store["Foo/BAR"] = b"1"
    assert store["foo/bar"] == store["FOO/bar"] == b"1"
    assert all_files(tmp_path / "data") == ["foo/bar"]
    assert "FOO/BAR" in store
    del store["fOO/bAR"]
    assert len(store) == 0


def test_nested_chunks(tmp_path: Path) -> None:
    store = NestedDirectoryStore(tmp_path / "data")
    zarr.zeros((4, 4), chunks=(2, 2), store=store)[:] = 1
    assert all_files(tmp_path / "data") == [".zarray", "0/0", "0/1", "1/0", "1/1"]
    with pytest.raises(ValueError, match="'/'"):
        NestedDirectoryStore(tmp_path / "data", dimension_separator=".")


def test_pickle_is_small_and_keeps_arguments(tmp_path: Path) -> None:
    store = DirectoryStore("data/walnuts.zarr")
    assert len(pickle.dumps(store)) < 200
    store = DirectoryStore(
        tmp_path / "data",
        normalize_keys=True,
        dimension_separator="/",
        fsync=True,
        follow_symlinks=False,
    )
    copy = pickle.loads(pickle.dumps(store))
    assert (copy.normalize_keys, copy._dimension_separator, copy.fsync) == (True, "/", True)
    assert not copy.follow_symlinks
    assert DirectoryStore("data/walnuts.zarr").follow_symlinks


# -- staying inside --------------------------------------------------------------------


def test_links_that_lead_out(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    store = DirectoryStore(tmp_path / "data", follow_symlinks=False)
    store["a/x"] = b"1"
    (tmp_path / "data/out").symlink_to(outside)
    (tmp_path / "data/a/file").symlink_to(outside / "secret")
    for use in (
        lambda: store["out/secret"],
        lambda: store["a/file"],
        lambda: store.get_partial_values([("out/secret", (0, 3))]),
        lambda: store.__setitem__("out/new", b""),
        lambda: store.__delitem__("out/secret"),
    ):
        with pytest.raises(StorePermissionError, match=r"out|a/file"):
            use()
    assert store.listdir("a") == ["file", "x"]
    with pytest.raises(StorePermissionError):
        store.rmdir("out")
    assert all_files(outside) == ["secret"]
    open_store = DirectoryStore(tmp_path / "data", follow_symlinks=True)
    assert open_store["out/secret"] == b"secret"


def test_the_root_may_be_a_link(tmp_path: Path) -> None:
    DirectoryStore(tmp_path / "real")["a"] = b"1"
    (tmp_path / "link").symlink_to(tmp_path / "real")
    store = DirectoryStore(tmp_path / "link")
    assert store["a"] == b"1"
    assert store == DirectoryStore(tmp_path / "real")


# -- old or new, never half ------------------------------------------------------------

OVERWRITE = """
import sys
from zarr.storage import DirectoryStore
store = DirectoryStore(sys.argv[1], fsync=bool(sys.argv[2]))
print("ready", flush=True)
n = 0
while True:
    n += 1
    store["a/x"] = bytes([n % 256]) * 8_000_000
"""


@pytest.mark.parametrize("fsync", ["", "1"])
def test_killed_writer(tmp_path: Path, fsync: str, start_python: StartPython) -> None:
    store = DirectoryStore(tmp_path / "data")
    store["a/x"] = bytes(8_000_000)
    for _ in range(3):
        child = start_python(OVERWRITE, tmp_path / "data", fsync)
        assert child.stdout.readline() == "ready\n"
        for _ in range(20):
            value = store["a/x"]
            assert len(value) == 8_000_000
            assert value.count(value[0]) == 8_000_000
        child.kill()
        assert child.wait(30) == -signal.SIGKILL
        value = store["a/x"]
        assert value.count(value[0]) == len(value) == 8_000_000
        # What the killed writer has left behind is no key.
        assert list(store) == ["a/x"]
        assert store.listdir("a") == ["x"]


def test_full_disk(small_disk: Path) -> None:
    store = DirectoryStore(small_disk / "data")
    z = zarr.create(
        shape=10_000_000, chunks=100_000, dtype="u1", store=store, compressor=None, fill_value=7
    )
    z[:100_000] = 1
    with pytest.raises(OSError, match="No space left") as caught:
        z[100_000:] = 2
    assert caught.value.errno == errno.ENOSPC
    assert not [name for name in all_files(small_disk) if "tmp" in name]
    chunks = np.asarray(z[:]).reshape(-1, 100_000)
    assert (chunks == chunks[:, :1]).all()
    assert chunks[0, 0] == 1
    with pytest.raises(OSError, match="No space left"):
        store["0"] = bytes(2_000_000)
    assert (z[:100_000] == 1).all()


UNREADABLE = """
import os, sys, zarr
z = zarr.open_array(sys.argv[1], mode="r")
assert (z[:] == 1).all()
os.chmod(sys.argv[1] + "/0", 0)
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    print(z[:])
except PermissionError as error:
    print("PermissionError", error.filename)
"""


def test_denied_access_is_no_fill_value() -> None:
    # Not in tmp_path, whose parents only its owner may enter.
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        path = os.path.join(folder, "data")
        zarr.open_array(path, mode="w", shape=10, chunks=5, dtype="i4", fill_value=-1)[:] = 1
        done = subprocess.run(
            [sys.executable, "-c", UNREADABLE, path], capture_output=True, text=True, timeout=60
        )
    assert done.stdout == f"PermissionError {path}/0\n", done.stderr


def test_processes_write_different_chunks(tmp_path: Path, start_python: StartPython) -> None:
    z = zarr.open_array(
        str(tmp_path / "data"), mode="w", shape=8000, chunks=100, dtype="i4", fill_value=-1
    )
    code = (
        "import sys, zarr; z = zarr.open_array(sys.argv[1], mode='r+'); n = int(sys.argv[2])\n"
        "for chunk in range(n, 80, 4): z[chunk * 100 : chunk * 100 + 100] = chunk"
    )
    for child in [start_python(code, tmp_path / "data", n) for n in range(4)]:
        assert child.wait(60) == 0
    assert np.array_equal(z[:], np.repeat(np.arange(80), 100))


def read_in_child(store: DirectoryStore, outcome: Any) -> None:
    outcome.send(bytes(store["a"]))


def test_after_a_fork(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "data")
    store["a"] = b"1"
    receiver, sender = multiprocessing.Pipe(duplex=False)
    context = multiprocessing.get_context("fork")
    child = context.Process(target=read_in_child, args=(store, sender))
    child.start()
    assert receiver.recv() == b"1"
    child.join(30)
    assert child.exitcode == 0


def test_temporary_store_is_deleted_at_exit(tmp_path: Path) -> None:
    code = (
        "import os, sys, zarr; store = zarr.TempStore(dir=sys.argv[1]); z = zarr.zeros(5, "
        "store=store); z[:] = 1; print(sorted(store), os.listdir(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.startswith("['.zarray', '0'] ['zarr"), done.stderr
    assert os.listdir(tmp_path) == []
    store = TempStore(prefix="pre", suffix="suf", dir=str(tmp_path))
    assert [name[:3] + name[-3:] for name in os.listdir(tmp_path)] == ["presuf"]
    store.rmdir()


# -- counted operations ----------------------------------------------------------------


def test_thousand_chunks_in_three_system_calls_each(
    tmp_path: Path, counted_calls: Callable[[], Any]
) -> None:
    store = DirectoryStore(tmp_path / "data")
    chunks = {f"a/{n // 32}.{n % 32}": bytes([n % 251]) * 1000 for n in range(1000)}
    store.setitems(chunks)
    store["a/0.0"]
    with counted_calls() as calls:
        assert store.getitems(list(chunks)) == chunks
    # Opened by `map`, where nobody sees it; but nothing is read or closed that is not open.
    assert (calls["pread"], calls["close"]) == (1000, 1000)
    assert calls["stat"] == calls["lstat"] == calls["fstat"] == calls["scandir"] == 0
    with counted_calls() as calls:
        store.get_partial_values([(key, (10, 10)) for key in chunks])
    assert (calls["pread"], calls["fstat"], calls["close"]) == (1000, 1000, 1000)


def test_listing_does_not_walk_chunks(tmp_path: Path, counted_calls: Callable[[], Any]) -> None:
    store = DirectoryStore(tmp_path / "data")
    names = (".zarray", *range(5))
    store.setitems({f"g/{n:04}/{name}": b"" for n in range(1000) for name in names})
    with counted_calls() as calls:
        assert len(store.listdir("g")) == 1000
    assert calls["scandir"] == 1
    assert calls["open"] == 0
    assert calls["stat"] <= 2


# -- where it is -----------------------------------------------------------------------

RELATIVE: dict[str, Callable[[str], Any]] = {
    "path": lambda name: name,
    "directory": DirectoryStore,
    "nested": NestedDirectoryStore,
    "temporary": lambda name: TempStore(dir=name),
    "n5": zarr.N5Store,
    "zip": lambda name: zarr.ZipStore(f"{name}.zip"),
    "sqlite": lambda name: zarr.SQLiteStore(f"{name}.sqlite"),
    "lmdb": lambda name: zarr.LMDBStore(f"{name}.lmdb"),
    "dbm": lambda name: zarr.DBMStore(f"{name}.dbm"),
    "fsspec": lambda name: zarr.storage.FSStore(f"file://{name}"),
    "cache": lambda name: zarr.LRUStoreCache(name, None),
}


@pytest.mark.parametrize("kind", RELATIVE)
def test_a_relative_path_means_one_place(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "before" / "x").mkdir(parents=True)
    (tmp_path / "after").mkdir()
    monkeypatch.chdir(tmp_path / "before")
    g = zarr.open_group(RELATIVE[kind]("x"), mode="w")
    g.create_dataset("a", shape=4, chunks=2, dtype="i4", fill_value=0)[:2] = 7
    locks = zarr.ProcessSynchronizer("locks")
    monkeypatch.chdir(tmp_path / "after")
    pickled = None if kind == "lmdb" else pickle.dumps(g)
    assert g["a"][:].tolist() == [7, 7, 0, 0]
    zarr.Array(g.store, "a", synchronizer=locks)[2] = 9
    assert list(g) == ["a"]
    assert os.listdir() == []
    if kind in ("zip", "dbm"):
        g.store.close()
    assert pickled is None or pickle.loads(pickled)["a"][:].tolist() == [7, 7, 9, 0]
    assert os.path.isabs(locks.path)
    if kind in ("path", "directory", "nested"):
        assert g.store.path == str(tmp_path / "before" / "x")


def test_a_path_behind_a_link_means_one_place(tmp_path: Path) -> None:
    (tmp_path / "real" / "below").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real" / "below")
    path = os.path.join(tmp_path, "link", os.pardir, "x")  # real/x, as for the system
    zarr.zeros(4, chunks=2, store=zarr.DirectoryStore(path))
    with zarr.ProcessSynchronizer(path + ".sync")["a"]:
        assert sorted(os.listdir(tmp_path / "real")) == ["below", "x", "x.sync"]
    assert sorted(os.listdir(tmp_path)) == ["link", "real"]


def test_the_current_folder_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    zarr.open_array(".", mode="w", shape=4)[:] = 1
    assert zarr.open_array(str(tmp_path), mode="w", shape=4)[:].tolist() == [0] * 4
    assert os.listdir() == [".zarray"]


def test_links_are_refused_where_the_configuration_says_so(tmp_path: Path) -> None:
    g = zarr.open_group(str(tmp_path / "data"), mode="w")
    zarr.open_array(str(tmp_path / "disk"), mode="w", shape=4)[:] = 1
    os.symlink(tmp_path / "disk", tmp_path / "data" / "linked")
    assert list(g) == ["linked"]
    assert zarr.copy_all(g, zarr.group()) == (1, 0, 32)
    url = f"file://{tmp_path}/data"
    with zarr.config.set(follow_symlinks=False):
        stores = DirectoryStore(g.store.path), zarr.storage.FSStore(url)
    refusing: list[Any] = [*stores, pickle.loads(pickle.dumps(stores[0]))]
    for store in refusing:
        root = zarr.open_group(store, mode="r")
        for use in (lambda: list(root), lambda: "linked" in root, lambda: root["linked"]):  # noqa: B023
            with pytest.raises(StorePermissionError, match="follow_symlinks"):
                use()
    code = "import sys, zarr; print(zarr.DirectoryStore(sys.argv[1]).follow_symlinks)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env={**os.environ, "ZARR_FOLLOW_SYMLINKS": "0"}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout == "False\n", done.stderr


def test_a_list_of_folders_tells_what_writers_have_left(tmp_path: Path) -> None:
    store = DirectoryStore(str(tmp_path))
    store.setitems({"a/b/0": b"1", "a/1": b"22", "c": b"3"})
    names = ["a/" + temporary_name(), "a/b/" + temporary_name(), temporary_name()]
    for name in names:
        (tmp_path / name).write_bytes(b"12345")
    (elsewhere := tmp_path.parent / f"{tmp_path.name} elsewhere").mkdir()
    (elsewhere / "0").write_bytes(b"1")
    (elsewhere / temporary_name()).write_bytes(b"12345")
    (tmp_path / "a/link").symlink_to(elsewhere)
    for path in ("", "a", "a/b", "missing"):
        left: list[Temporary] = []
        listed = dict(store.list_folders(path, left))
        assert sum(map(len, listed.values())) == len(list(store.list_prefix(path)))
        expected = sorted(name for name in names if not path or name.startswith(f"{path}/"))
        assert sorted(name for name, _, _ in left) == expected
        assert sorted(name for name, _, _ in store.list_temporary(path)) == expected
        assert {size for _, size, _ in left} <= {5}
        assert all(0 <= age < 3600 for _, _, age in left)
