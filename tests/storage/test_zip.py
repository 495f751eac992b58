"""ZIP archives: what they promise beyond the conformance suite."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import shutil
import signal
import stat
import subprocess
import sys
import warnings
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test

import zarr
from zarr.errors import ReadOnlyError, StoreError
from zarr.storage import MemoryStore, ZipStore
from zarr.testing import store_machine

MANY = {f"g/{n}/0.0": b"%d" % n * 50 for n in range(200)}


def content(store: ZipStore) -> dict[str, bytes]:
    return {key: bytes(value) for key, value in store.items()}


def reopened(path: Path) -> dict[str, bytes]:
    with ZipStore(path, mode="r") as store:
        return content(store)


def check_with_unzip(path: Path) -> None:
    """Ask Info-ZIP and Python whether the archive is whole."""
    done = subprocess.run(
        ["unzip", "-tq", str(path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No errors" in done.stdout
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert len(names) == len(set(names))


def python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# -- modes -----------------------------------------------------------------------------


def test_modes(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with pytest.raises(FileNotFoundError):
        ZipStore(path, mode="r")
    with ZipStore(path, mode="x") as store:
        store["a"] = b"1"
    with pytest.raises(FileExistsError):
        ZipStore(path, mode="x")
    with ZipStore(path) as store:
        store["b"] = b"2"
    assert reopened(path) == {"a": b"1", "b": b"2"}
    with ZipStore(path, mode="w") as store:
        assert list(store) == []
    assert reopened(path) == {}
    check = zipfile.ZipFile(path)
    assert check.namelist() == []
    check.close()
    with pytest.raises(ValueError, match="mode must be"):
        ZipStore(path, mode="rw")
    with pytest.raises(ValueError, match="compression"):
        ZipStore(path, compression=5)


def test_read_only(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with ZipStore(path, mode="w") as store:
        store["a/x"] = b"1"
    before = path.read_bytes()
    with ZipStore(path, mode="r") as store:
        assert not store.is_writeable()
        for change in (
            lambda: store.__setitem__("b", b""),
            lambda: store.setitems({"b": b""}),
            lambda: store.__delitem__("a/x"),
            lambda: store.delitems(["a/x"]),
            lambda: store.rmdir("a"),
            lambda: store.rename("a", "b"),
            store.clear,
            store.compact,
        ):
            with pytest.raises(ReadOnlyError):
                change()
        store.flush()
    assert path.read_bytes() == before


def test_closed(tmp_path: Path) -> None:
    store = ZipStore(tmp_path / "a.zip")
    store["a"] = b"1"
    store.close()
    for use in (
        lambda: store["a"],
        lambda: store.getitems(["a"]),
        lambda: list(store),
        lambda: store.__setitem__("a", b""),
    ):
        with pytest.raises(StoreError, match="closed"):
            use()


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compression(tmp_path: Path, method: int) -> None:
    path = tmp_path / "a.zip"
    value = bytes(100_000)
    with ZipStore(path, mode="w", compression=method) as store:
        store["zeros"] = value
        store["empty"] = b""
    assert path.stat().st_size < 2_000
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.read("zeros") == value
        assert archive.getinfo("zeros").compress_type == method
    assert reopened(path) == {"zeros": value, "empty": b""}


def test_permissions_of_entries(tmp_path: Path) -> None:
    with ZipStore(tmp_path / "a.zip") as store:
        store["a/x"] = b""
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        mode = archive.getinfo("a/x").external_attr >> 16
    assert stat.S_ISREG(mode)
    assert stat.S_IMODE(mode) == 0o644


# -- replacing and deleting ------------------------------------------------------------


def test_replacing_warns(tmp_path: Path) -> None:
    with ZipStore(tmp_path / "a.zip") as store:
        store["a"] = b"first"
        with pytest.warns(UserWarning, match="Duplicate name: 'a'"):
            store["a"] = b"second"
        with pytest.warns(UserWarning, match="Duplicate name: 'a'") as caught:
            store.setitems({"a": b"third", "b": b"new"})
        assert len(caught) == 1
        assert caught[0].filename == __file__
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(UserWarning):
                store["a"] = b"never"
            del store["a"]
            store["a"] = b"fourth"
    assert reopened(tmp_path / "a.zip") == {"a": b"fourth", "b": b"new"}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_delete_replace_compact_reopen(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with ZipStore(path, mode="w") as store:
        store.setitems(MANY)
    check_with_unzip(path)
    with ZipStore(path) as store:
        del store["g/0/0.0"]
        store.delitems(["g/1/0.0", "missing"])
        store.rmdir("g/2")
        store.rename("g/3", "h")
        store.setitems({"g/4/0.0": b"replaced", "g/new": np.arange(1000)})
        store["g/4/0.0"] = b"replaced again"
        expected = content(store)
    assert set(MANY) - set(expected) == {f"g/{n}/0.0" for n in range(4)}
    assert expected["h/0.0"] == MANY["g/3/0.0"]
    assert reopened(path) == expected
    check_with_unzip(path)
    full = path.stat().st_size
    with ZipStore(path) as store:
        freed = store.compact()
        assert content(store) == expected
        assert path.stat().st_size == full - freed
        assert freed > 10_000
        # The store goes on to work, and so do its earlier handles.
        store["more"] = b"after"
        assert store["more"] == b"after"
        assert store["h/0.0"] == MANY["g/3/0.0"]
    expected["more"] = b"after"
    assert reopened(path) == expected
    check_with_unzip(path)
    with ZipStore(path) as store:
        store.compact()
        assert store.compact() == 0
    assert reopened(path) == expected
    check_with_unzip(path)


def test_deleting_is_durable_without_any_write(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with ZipStore(path) as store:
        store.setitems({"a": b"1", "b": b"2"})
    with ZipStore(path) as store:
        del store["a"]
    assert reopened(path) == {"b": b"2"}
    with ZipStore(path) as store:
        store.clear()
    assert reopened(path) == {}
    check = subprocess.run(["unzip", "-l", str(path)], capture_output=True, text=True, check=False)
    assert "b" not in check.stdout.split()


def test_compact_keeps_permissions_and_links(tmp_path: Path) -> None:
    real, link = tmp_path / "real.zip", tmp_path / "link.zip"
    with ZipStore(real) as store:
        store.setitems(MANY)
    real.chmod(0o640)
    link.symlink_to(real)
    with ZipStore(link) as store:
        store.rmdir("g/5")
        store.compact()
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["real.zip", "link.zip"] or len(os.listdir(tmp_path)) == 2
    assert len(reopened(real)) == len(MANY) - 1


def test_readers_go_on_while_the_archive_is_compacted(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with ZipStore(path) as store:
        store.setitems(MANY)
        store["junk"] = bytes(10_000)
    reader = ZipStore(path, mode="r")
    with ZipStore(path) as store, ThreadPoolExecutor(3) as pool:

        def read(_: int) -> bool:
            return store.getitems(list(MANY)) == MANY and all(store[k] == MANY[k] for k in MANY)

        reads = [pool.submit(read, n) for n in range(12)]
        for n in range(10):
            store[f"junk{n}"] = bytes(10_000)
            del store[f"junk{n}"]
            store.compact()
        assert all(done.result() for done in reads)
    assert reader.getitems(list(MANY)) == MANY
    assert len(reader["junk"]) == 10_000
    reader.close()


class Archives(store_machine(MemoryStore)):  # type: ignore[misc]
    """The machine of the conformance suite, on archives that are closed and compacted."""

    folder: ClassVar[Path]

    @initialize(compression=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
    def create(self, compression: int) -> None:
        self.path = self.folder / "archive.zip"
        self.store = ZipStore(self.path, mode="w", compression=compression)

    @rule()
    def flush(self) -> None:
        self.store.flush()

    @rule()
    def compact(self) -> None:
        self.store.compact()

    @rule()
    def reopen(self) -> None:
        self.store.close()
        assert reopened(self.path) == self.model
        self.store = ZipStore(self.path)

    def teardown(self) -> None:
        super().teardown()
        self.store.close()
        if self.model:
            check_with_unzip(self.path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_state_machine(tmp_path: Path) -> None:
    Archives.folder = tmp_path
    run_state_machine_as_test(Archives, settings=settings(max_examples=40, database=None))


# -- other tools -----------------------------------------------------------------------


def make_tree(folder: Path) -> dict[str, bytes]:
    values = {f"a/b/{n}.0": bytes([n]) * (n * 37) for n in range(40)} | {".zgroup": b"{}"}
    for key, value in values.items():
        file = folder / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(value)
    return values


def archive_by_zip(folder: Path, path: Path) -> None:
    subprocess.run(["zip", "-qr", str(path), "."], cwd=folder, check=True)


def archive_by_zip_to_a_pipe(folder: Path, path: Path) -> None:
    # Sizes follow the data, because a pipe cannot go back to write them before.
    with path.open("wb") as file:
        zipped = subprocess.Popen(["zip", "-qr", "-", "."], cwd=folder, stdout=subprocess.PIPE)
        assert zipped.stdout is not None
        shutil.copyfileobj(zipped.stdout, file)
        zipped.stdout.close()
        assert zipped.wait(30) == 0


def archive_by_python(folder: Path, path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                with archive.open(str(file.relative_to(folder)), "w", force_zip64=True) as entry:
                    entry.write(file.read_bytes())
        archive.comment = b"with a comment"


def archive_by_7z(folder: Path, path: Path) -> None:
    subprocess.run(
        ["7z", "a", "-tzip", "-bso0", str(path), f"{folder}/."], check=True, capture_output=True
    )


@pytest.mark.parametrize(
    "make", [archive_by_zip, archive_by_zip_to_a_pipe, archive_by_python, archive_by_7z]
)
def test_archives_of_other_tools(tmp_path: Path, make: object) -> None:
    folder, path = tmp_path / "tree", tmp_path / "a.zip"
    expected = make_tree(folder)
    make(folder, path)  # type: ignore[operator]
    assert reopened(path) == expected
    with ZipStore(path, mode="r") as store:
        assert store.getitems(list(expected)) == expected
        assert store.listdir("a/b") == sorted(f"{n}.0" for n in range(40))
        ranges = [(key, (3, 20)) for key in expected]
        assert store.get_partial_values(ranges) == [v[3:23] for v in expected.values()]
    with ZipStore(path) as store:
        store["a/new"] = b"new"
        del store["a/b/3.0"]
        store.rename("a/b/4.0", "renamed/ü")
    expected["a/new"] = b"new"
    del expected["a/b/3.0"]
    expected["renamed/ü"] = expected.pop("a/b/4.0")
    assert reopened(path) == expected
    check_with_unzip(path)
    with ZipStore(path) as store:
        store.compact()
    assert reopened(path) == expected
    check_with_unzip(path)


def test_more_entries_than_zip32_counts(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    values = {f"c/{n}": b"" for n in range(66_000)}
    with ZipStore(path, mode="w") as store:
        store.setitems(values)
    with zipfile.ZipFile(path) as archive:
        assert len(archive.namelist()) == 66_000
    with ZipStore(path, mode="r") as store:
        assert len(store) == 66_000
    with ZipStore(tmp_path / "b.zip", mode="w", allowZip64=False) as store:
        with pytest.raises(zipfile.LargeZipFile, match="allowZip64"):
            store.setitems(values)
        store["c"] = b"1"
    assert reopened(tmp_path / "b.zip") == {"c": b"1"}


@pytest.mark.slow
def test_more_bytes_than_zip32_counts(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    big = np.zeros(2_200_000_000, "u1")
    with ZipStore(path, mode="w") as store:
        store["a"] = big
        store["b"] = big
        store["c"] = b"after four gigabytes"
    with zipfile.ZipFile(path) as archive:
        assert archive.getinfo("b").file_size == len(big)
        assert archive.read("c") == b"after four gigabytes"
    with ZipStore(path) as store:
        assert store["c"] == b"after four gigabytes"
        assert len(store["b"]) == len(big)
        del store["a"]
        store.compact()
        assert store["c"] == b"after four gigabytes"
    assert path.stat().st_size < 2_300_000_000
    with (
        ZipStore(path, mode="w", allowZip64=False) as store,
        pytest.raises(zipfile.LargeZipFile),
    ):
        store["a"] = big


# -- unfinished and damaged archives ---------------------------------------------------

KILLED = """
import os, signal, sys
from zarr.storage.zip import ZipStore
store = ZipStore(sys.argv[1], mode=sys.argv[2])
for n in range(50):
    store[f"new/{n}"] = b"x" * 1000
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("mode", ["w", "a"])
def test_archive_of_a_killed_writer(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.zip"
    with ZipStore(path) as store:
        store.setitems(MANY)
    assert python(KILLED, path, mode).returncode == -signal.SIGKILL
    for again in ("r", "a"):
        if mode == "w":
            with pytest.raises(StoreError, match=r"a\.zip.*has not closed it"):
                ZipStore(path, mode=again)
        else:
            with pytest.warns(RuntimeWarning, match="stopped"), ZipStore(path, mode=again) as store:
                assert content(store) == MANY


def test_unclosed_archive_has_what_was_flushed(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    writer = ZipStore(path, mode="w")
    with pytest.raises(StoreError, match=r"a\.zip"):
        ZipStore(path, mode="r")
    writer["a"] = b"1"
    with pytest.raises(StoreError, match=r"a\.zip"):
        ZipStore(path, mode="r")
    writer.flush()
    assert reopened(path) == {"a": b"1"}
    writer["b"] = b"2"
    with pytest.warns(RuntimeWarning, match="has not closed it"):
        assert reopened(path) == {"a": b"1"}
    writer.close()
    assert reopened(path) == {"a": b"1", "b": b"2"}


def test_store_that_nobody_closed_is_closed_at_the_end(tmp_path: Path) -> None:
    code = "import sys; from zarr.storage.zip import ZipStore; ZipStore(sys.argv[1])['a'] = b'1'"
    done = python(code, tmp_path / "a.zip")
    assert done.returncode == 0 and done.stderr == ""
    code = "import sys; from zarr.storage.zip import *; s = ZipStore(sys.argv[1]); s['b'] = b'2'"
    done = python(code, tmp_path / "a.zip")
    assert done.returncode == 0 and done.stderr == ""
    assert reopened(tmp_path / "a.zip") == {"a": b"1", "b": b"2"}


def test_one_archive_that_is_gone_at_the_end_does_not_keep_others_from_being_written(
    tmp_path: Path,
) -> None:
    paths = [tmp_path / f"{name}.zip" for name in "abc"]
    for path in paths:
        with ZipStore(path) as store:
            store["old"] = b"1"
    code = (
        "import os, sys; from zarr.storage.zip import *; stores = [*map(ZipStore, sys.argv[1:])]\n"
        "for s in stores: s['new'] = b'2'; s.flush(); s['last'] = b'3'\n"
        "os.close(stores[1]._archive.file.descriptor)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, paths)], capture_output=True, text=True, check=False
    )
    assert "b.zip" in done.stderr
    for path in paths[::2]:
        assert reopened(path) == {"old": b"1", "new": b"2", "last": b"3"}


def test_truncated_archives(tmp_path: Path) -> None:
    path, cut = tmp_path / "a.zip", tmp_path / "cut.zip"
    with ZipStore(path) as store:
        store.setitems({"a/x": b"1" * 30, "a/y": b"2" * 40})
    whole = path.read_bytes()
    for length in range(len(whole)):
        cut.write_bytes(whole[:length])
        with pytest.raises(StoreError, match=r"cut\.zip"):
            ZipStore(cut, mode="r")
        if length:
            with pytest.raises(StoreError, match=r"cut\.zip"):
                ZipStore(cut, mode="a")
            assert cut.read_bytes() == whole[:length]


def test_no_archive_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"This is no ZIP archive." * 100)
    with pytest.raises(StoreError, match=r"a\.zip"):
        ZipStore(path)
    with pytest.raises(OSError, match="directory"):
        ZipStore(tmp_path)


@given(data=st.data())
def test_damage_is_never_read_as_data(scratch: Path, data: st.DataObject) -> None:
    path = scratch / "damaged.zip"
    path.unlink(missing_ok=True)
    method = data.draw(st.sampled_from([0, 8]))
    values = {"a/x": b"one" * 20, "a/y": b"two" * 30, "b": b""}
    with ZipStore(path, compression=method) as store:
        store.setitems(values)
    damaged = bytearray(path.read_bytes())
    for at in data.draw(st.lists(st.integers(0, len(damaged) - 1), min_size=1, max_size=4)):
        damaged[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(damaged)
    try:
        with ZipStore(path, mode="r") as store:
            for key, value in values.items():
                try:
                    assert store.get(key, value) == value
                except StoreError as error:
                    assert repr(key) in str(error)  # noqa: PT017
    except StoreError as error:
        assert "damaged.zip" in str(error)  # noqa: PT017


def test_file_cut_short_under_an_open_store(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with ZipStore(path) as store:
        store.setitems({"a": bytes(10_000), "b": bytes(10_000), "big": bytes(100_000)})
    store = ZipStore(path, mode="r")
    os.truncate(path, 500)
    for read in (
        lambda: store["a"],
        lambda: store["big"],
        lambda: store.getitems(["a", "b", "big"]),
        lambda: store.get_partial_values([("b", (5_000, 100))]),
        lambda: store.get_partial_values([("a", (5_000, 100))]),
    ):
        with pytest.raises(StoreError, match=r"a\.zip"):
            read()
    store.close()


def test_full_disk(small_disk: Path) -> None:
    path = small_disk / "a.zip"
    store = ZipStore(path)
    written = {}
    with pytest.raises(StoreError, match=r"No space left.*a\.zip"):
        for n in range(100):
            value = np.random.default_rng(n).bytes(100_000)
            store[f"a/{n}"] = value
            written[f"a/{n}"] = value
    assert len(written) > 10
    assert content(store) == written
    store.close()
    assert reopened(path) == written
    check_with_unzip(path)


def test_full_disk_while_compacting(small_disk: Path) -> None:
    path = small_disk / "a.zip"
    values = {str(n): np.random.default_rng(n).bytes(100_000) for n in range(15)}
    with ZipStore(path) as store:
        store.setitems(values)
        with pytest.raises(StoreError, match="compact"):
            store.compact()
        assert os.listdir(small_disk) == ["a.zip"]
        assert content(store) == values
    assert reopened(path) == values


# -- places and folders ----------------------------------------------------------------


def test_address_is_that_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, link = tmp_path / "a.zip", tmp_path / "link.zip"
    with ZipStore(path, mode="w") as store:
        store["a/x"] = b"1"
    link.symlink_to(path)
    monkeypatch.chdir(tmp_path)
    stores = [ZipStore(way, mode="r") for way in (path, str(path), "a.zip", "./a.zip", link)]
    with ZipStore(tmp_path / "b.zip") as other:
        assert len({store.address("a") for store in stores}) == 1
        assert len({store.address("a") for store in (stores[0], other)}) == 2
        assert stores[0].address("a") != stores[0].address("b")
    for store in stores:
        store.close()


def test_store_keeps_to_its_file_when_a_link_is_changed(tmp_path: Path) -> None:
    link = tmp_path / "link.zip"
    for name in ("a.zip", "b.zip"):
        with ZipStore(tmp_path / name, mode="w") as store:
            store["name"] = name.encode()
    link.symlink_to(tmp_path / "a.zip")
    with ZipStore(link) as store:
        link.unlink()
        link.symlink_to(tmp_path / "b.zip")
        store["more"] = b"1"
        store.compact()
    assert reopened(tmp_path / "a.zip") == {"name": b"a.zip", "more": b"1"}
    assert reopened(tmp_path / "b.zip") == {"name": b"b.zip"}


def test_link_to_an_archive_that_is_not_there_yet(tmp_path: Path) -> None:
    (tmp_path / "link.zip").symlink_to(tmp_path / "a.zip")
    with ZipStore(tmp_path / "link.zip") as store:
        store["a"] = b"1"
    assert reopened(tmp_path / "a.zip") == {"a": b"1"}


@pytest.mark.parametrize("mode", ["r", "a", "w", "x"])
def test_path_that_cannot_be_looked_at(tmp_path: Path, mode: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotADirectoryError):
        ZipStore(tmp_path / "file" / "a.zip", mode=mode)


def test_readers_see_all_or_nothing_of_a_rename(tmp_path: Path) -> None:
    here, there = ([f"{folder}/{n}" for n in range(200)] for folder in ("here", "there"))
    with ZipStore(tmp_path / "a.zip", mode="w") as store, ThreadPoolExecutor(1) as pool:
        store.setitems(dict.fromkeys(here, b"1"))

        def move() -> None:
            for _ in range(50):
                store.rename("here", "there")
                store.rename("there", "here")

        moving = pool.submit(move)
        while not moving.done():
            assert sorted(store.getitems(here + there)) in (sorted(here), sorted(there))
            assert store.listdir() in (["here"], ["there"])
        moving.result()


def test_readers_see_all_or_nothing_of_a_deleted_folder(tmp_path: Path) -> None:
    folders = [[f"{folder}/{n}" for n in range(200)] for folder in range(50)]
    with ZipStore(tmp_path / "a.zip", mode="w") as store, ThreadPoolExecutor(1) as pool:
        for keys in folders:
            store.setitems(dict.fromkeys(keys, b"1"))
        deleting = pool.submit(lambda: [store.rmdir(str(n)) for n in range(50)])
        while not deleting.done():
            for keys in folders:
                assert len(store.getitems(keys)) in (0, len(keys))
        deleting.result()


def test_failed_rename_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with ZipStore(path, mode="w") as store:
        store.setitems({"a/x": b"1" * 100, "a/y": b"2" * 100})
    damaged = path.read_bytes().replace(b"PK\3\4", b"none")
    path.write_bytes(damaged.replace(b"none", b"PK\3\4", 1))
    with ZipStore(path) as store:
        with pytest.raises(StoreError, match="'a/y'"):
            store.rename("a", "b")
        assert store["a/x"] == b"1" * 100
        assert list(store) == ["a/x", "a/y"]


# -- several writers -------------------------------------------------------------------


def test_second_writer_is_refused_until_the_first_is_done(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    first = ZipStore(path)
    first.setitems({"a": b"1", "z": b"0"})
    first.flush()
    second = ZipStore(path)
    first["b"] = b"2"
    with pytest.raises(StoreError, match="is writing"):
        second["c"] = b"3"
    with pytest.raises(StoreError, match="is writing"):
        del second["a"]
    first.close()
    second["c"] = b"3"
    del second["z"]
    assert content(second) == {"a": b"1", "b": b"2", "c": b"3"}
    second.close()
    assert reopened(path) == {"a": b"1", "b": b"2", "c": b"3"}
    check_with_unzip(path)


def test_writer_after_somebody_compacted(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with ZipStore(path) as store:
        store.setitems(MANY)
    second = ZipStore(path)
    with ZipStore(path) as store:
        store.rmdir("g/7")
        store.compact()
    second["new"] = b"new"
    second.close()
    expected = {**MANY, "new": b"new"}
    del expected["g/7/0.0"]
    assert reopened(path) == expected


def test_pickle_of_a_new_archive(tmp_path: Path) -> None:
    store = ZipStore(tmp_path / "a.zip", mode="w", compression=8, dimension_separator="/")
    store["a"] = b"1"
    copy = pickle.loads(pickle.dumps(store))
    assert copy["a"] == b"1"
    assert (copy.mode, copy.compression, copy._dimension_separator) == ("a", 8, "/")
    copy["b"] = b"2"
    copy.close()
    store["c"] = b"3"
    store.close()
    assert reopened(tmp_path / "a.zip") == {"a": b"1", "b": b"2", "c": b"3"}


def write_in_child(store: ZipStore, outcome: multiprocessing.connection.Connection) -> None:
    outcome.send(bytes(store["a"]))
    try:
        store["child"] = b""
    except StoreError as error:
        outcome.send(str(error))
    store.close()


def test_after_a_fork(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    store = ZipStore(path)
    store["a"] = b"1"
    receiver, sender = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=write_in_child, args=(store, sender))
    child.start()
    assert receiver.recv() == b"1"
    assert "another process" in receiver.recv()
    child.join(30)
    assert child.exitcode == 0
    store["b"] = b"2"
    store.close()
    assert reopened(path) == {"a": b"1", "b": b"2"}


# -- counted operations ----------------------------------------------------------------


def test_thousand_small_chunks_in_one_read(tmp_path: Path, counted_calls) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "a.zip"
    chunks = {f"a/{n // 32}.{n % 32}": np.random.default_rng(n).bytes(1000) for n in range(1000)}
    with ZipStore(path, mode="w") as store, counted_calls() as calls:
        store.setitems(chunks)
    assert calls["pwritev"] == 2  # at most a thousand buffers in a call
    with ZipStore(path, mode="r") as store:
        with counted_calls() as calls:
            assert store.getitems(list(chunks)) == chunks
        assert (calls["pread"], calls["open"]) == (1, 0)
        with counted_calls() as calls:
            store.getitems([f"a/{n}.0" for n in range(1000, 2000)])
        assert calls["pread"] == 0


def test_array_of_thousand_chunks(tmp_path: Path, counted_calls) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "a.zip"
    with ZipStore(path, mode="w") as store:
        z = zarr.create(shape=100_000, chunks=100, dtype="i4", store=store, compressor=None)
        z[:] = np.arange(100_000)
    with ZipStore(path, mode="r") as store:
        z = zarr.open_array(store, mode="r")
        with counted_calls() as calls:
            assert np.array_equal(z[:], np.arange(100_000))
        assert (calls["pread"], calls["open"]) == (1, 0)


def test_big_chunks_in_one_read_each(tmp_path: Path, counted_calls) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "a.zip"
    chunks = {f"a/{n}": bytes(100_000) for n in range(100)}
    with ZipStore(path, mode="w") as store:
        store.setitems(chunks)
        with counted_calls() as calls:
            assert store.getitems(list(chunks)) == chunks
        assert calls["pread"] == 100
    with ZipStore(path, mode="r") as store:
        store.getitems(list(chunks))  # finds where the data start
        with counted_calls() as calls:
            store.getitems(list(chunks))
        assert (calls["pread"], calls["open"]) == (100, 0)


def test_listing_does_not_walk_chunks(tmp_path: Path, counted_calls) -> None:  # type: ignore[no-untyped-def]
    costs = []
    for chunks in (1, 30):
        keys = [f"g/{n:04}/{name}" for n in range(1000) for name in (".zarray", *range(chunks))]
        with ZipStore(tmp_path / f"{chunks}.zip", mode="w") as store:
            store.setitems(dict.fromkeys(keys, b""))
            assert len(store.listdir("g")) == 1000
            store["g/1000/.zarray"] = b""
            with counted_calls() as calls:
                assert len(store.listdir("g")) == 1001
            costs.append(sum(calls.values()))
            assert calls["pread"] == 0
    assert costs[0] == costs[1] < 20


# -- archives with something before them ------------------------------------------------


@pytest.mark.parametrize("by_us", [True, False])
@pytest.mark.parametrize("size", [1, 100, 70_000])
def test_bytes_before_the_first_entry(tmp_path: Path, by_us: bool, size: int) -> None:
    plain, path = tmp_path / "plain.zip", tmp_path / "a.zip"
    values = {f"a/{n}": bytes([n]) * n for n in range(50)}
    if by_us:
        with ZipStore(plain, mode="w") as store:
            store.setitems(values)
    else:
        with zipfile.ZipFile(plain, "w", zipfile.ZIP_DEFLATED) as archive:
            for key, value in values.items():
                archive.writestr(key, value)
    path.write_bytes(b"#" * size + plain.read_bytes())  # as of a self-extracting archive
    with ZipStore(path, mode="r") as store:
        assert {key: bytes(value) for key, value in store.items()} == values
        assert store.get_partial_values([("a/20", (1, 3))]) == [bytes([20]) * 3]
    with ZipStore(path, mode="a") as store:
        store["b"] = values["b"] = b"new"
        del store["a/7"], values["a/7"]
    assert path.read_bytes()[:size] == b"#" * size
    with ZipStore(path, mode="a") as store:
        assert {key: bytes(value) for key, value in store.items()} == values
        with zipfile.ZipFile(path) as archive:
            assert {name: archive.read(name) for name in archive.namelist()} == values
        store.compact()
    with zipfile.ZipFile(path) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == values


def test_a_store_that_refers_to_itself_is_written_when_it_is_dropped(tmp_path: Path) -> None:
    for n in range(20):
        store: Any = ZipStore(tmp_path / f"{n}.zip", mode="w")
        store["a"] = b"1"
        store.itself = store
    del store
    gc.collect()

    for n in range(20):
        with ZipStore(tmp_path / f"{n}.zip", mode="r") as found:
            assert found["a"] == b"1"


COMMENT = b'{"ome": {"version": "0.5"}}'


def comment_of(path: Path) -> bytes:
    """Return the comment that other tools read."""
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return archive.comment


def test_comment_of_the_archive(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with ZipStore(path, mode="w") as store:
        store["a"] = b"1"
        assert store.comment == b""
        store.comment = COMMENT
    assert comment_of(path) == COMMENT
    with ZipStore(path, mode="a") as store:
        assert store.comment == COMMENT
        store["b"] = b"2"
    assert comment_of(path) == COMMENT
    with ZipStore(path, mode="a") as store:
        store._zf.comment = b"changed"  # as bioio-ome-zarr does
        store.compact()
    assert comment_of(path) == b"changed"
    with ZipStore(path, mode="a") as store:
        store.comment = b""
        store.compact()  # which compares all names, so that there can be a checksum again
        assert content(store) == {"a": b"1", "b": b"2"}
    assert comment_of(path).startswith(b"zarr directory ")
    with ZipStore(path, mode="r") as store:
        assert store.comment == b""
        with pytest.raises(ReadOnlyError):
            store.comment = COMMENT


def test_transactions_keep_the_comment(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with ZipStore(path, mode="w") as store:
        zarr.open_group(store, mode="w")
        store.comment = COMMENT
        with zarr.transaction(store) as txn:
            txn.group["x"] = np.arange(3)
    assert comment_of(path) == COMMENT
    assert "x/0" in reopened(path)


def test_comments_of_other_tools_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", b"1")
        archive.comment = b"with a comment"
    with ZipStore(path, mode="a") as store:
        assert store.comment == b"with a comment"
        store["b"] = b"2"
    assert comment_of(path) == b"with a comment"
    assert reopened(path) == {"a": b"1", "b": b"2"}


def test_an_old_checksum_is_no_comment(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with ZipStore(path, mode="w") as store:
        store["a"] = b"1"
    with zipfile.ZipFile(path, "a") as archive:  # which keeps the comment
        archive.writestr("b", b"2")
    with ZipStore(path, mode="r") as store:
        assert store.comment == b""


@pytest.mark.parametrize(
    "comment",
    [b"x" * 65536, b"PK\5\6" + b"\0" * 18, b"zarr directory 0+46 crc32 00000000"],
    ids=["long", "end record", "checksum"],
)
def test_comments_that_archives_cannot_have(tmp_path: Path, comment: bytes) -> None:
    with ZipStore(tmp_path / "a.zip", mode="w") as store:
        store["a"] = b"1"
        with pytest.raises(ValueError, match="comment"):
            store.comment = comment
    assert reopened(tmp_path / "a.zip") == {"a": b"1"}
