"""`zarr.transaction` on directories: all changes or none, and what may come in between."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zarr
from zarr.errors import (
    ContainsArrayError,
    GroupNotFoundError,
    ReadOnlyError,
    StorePermissionError,
    TransactionError,
)
from zarr.storage.journal import Journal

posix_only = pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
OPTIONS: dict[str, dict[str, Any]] = {
    "2": {"zarr_format": 2, "chunks": 4},
    "2 nested": {"zarr_format": 2, "chunks": 4, "dimension_separator": "/"},
    "3": {"zarr_format": 3, "chunks": 4},
    "shards": {"zarr_format": 3, "chunks": 2, "shards": 8},
}


def pair(path: Any, format: str = "2", **more: Any) -> zarr.Group:
    """Return a group of two arrays of ten elements each."""
    options = {**OPTIONS[format], **more}
    root = zarr.open_group(path, mode="w", zarr_format=options.pop("zarr_format"))
    for name in ("a", "b"):
        root.create_dataset(name, shape=10, dtype="i4", fill_value=-1, **options)[...] = range(10)
    return root


def content(store: Any) -> dict[str, Any]:
    """Return the values of all arrays and the attributes of all groups."""
    root = zarr.open_group(store, mode="r")
    found: dict[str, Any] = {"/": dict(root.attrs)}
    root.visititems(
        lambda name, node: found.__setitem__(
            name, node[...].tolist() if isinstance(node, zarr.Array) else dict(node.attrs)
        )
    )
    return found


def change_much(root: Any) -> None:
    """Append, write in part, delete, replace, shrink, create, move and set attributes."""
    root["a"].append(np.arange(5))
    root["a"][2:6] = 7
    root["b"].resize(3)
    root.create_group("g").create_dataset("c", data=np.arange(6), chunks=4)
    root["g"].create_dataset("d", data=np.arange(3))
    del root["g/d"]
    root.create_dataset("g/c", data=np.arange(2), overwrite=True)
    root.move("g/c", "h/e")
    root.attrs["until"] = 5
    root["a"].attrs.put({"unit": "m"})


# -- all or nothing ----------------------------------------------------------------------


def check_all_or_nothing(root: Any, format: str = "2") -> None:
    """Check that a transaction on the group of `pair` that fails changes nothing, another all."""
    store, other = root.store, pair(zarr.MemoryStore(), format)
    before = content(store)
    change_much(other)

    with pytest.raises(ZeroDivisionError), zarr.transaction(root) as txn:
        change_much(txn.group)
        assert content(txn.store) == content(other.store)
        assert content(store) == before
        1 / 0  # noqa: B018
    assert content(store) == before

    with zarr.transaction(root) as txn:
        change_much(txn.group)
        assert content(store) == before
        inside = txn.store
    assert content(store) == content(other.store)
    assert sorted(store) == sorted(other.store)
    with pytest.raises(TransactionError, match="is over"):
        inside["a/0"]
    assert zarr.recover(store) == "clean"


@pytest.mark.parametrize("fsync", [True, False])
@pytest.mark.parametrize("format", OPTIONS)
def test_changes_are_those_of_the_same_code_without_a_transaction(
    tmp_path: Path, format: str, *, fsync: bool
) -> None:
    root, other = pair(str(tmp_path / "a"), format), pair(str(tmp_path / "b"), format)
    before = content(root.store)

    change_much(other)
    with zarr.transaction(root, fsync=fsync) as txn:
        change_much(txn.group)
        assert content(txn.store) == content(other.store)
        assert content(str(tmp_path / "a")) == before

    assert content(root.store) == content(str(tmp_path / "a")) == content(other.store)
    assert sorted(root.store) == sorted(other.store)
    assert sorted(root.store.list_sizes()) == sorted(other.store.list_sizes())
    assert sorted(os.listdir(tmp_path / "a" / "__txn")) == ["gate", "lock", "readers"]


@pytest.mark.parametrize("how", ["exception", "rollback"])
def test_nothing_is_left_of_a_transaction_that_fails(tmp_path: Path, how: str) -> None:
    root = pair(str(tmp_path / "a"))
    before, keys = content(root.store), sorted(root.store.list_sizes())

    with pytest.raises(ZeroDivisionError), zarr.transaction(root) as txn:
        change_much(txn.group)
        if how == "rollback":
            txn.rollback()
        1 / 0  # noqa: B018

    assert content(root.store) == before
    assert sorted(root.store.list_sizes()) == keys
    assert sorted(os.listdir(tmp_path / "a")) == [".zgroup", "__txn", "a", "b"]
    assert sorted(os.listdir(tmp_path / "a" / "__txn")) == ["lock"]


def test_it_is_over_after_rollback(tmp_path: Path) -> None:
    root = pair(str(tmp_path / "a"))
    with zarr.transaction(root) as txn:
        group, store = txn.group, txn.store
        txn.rollback()
        with pytest.raises(TransactionError, match="inside of its with statement"):
            txn.group  # noqa: B018
        with pytest.raises(TransactionError, match="inside of its with statement"):
            txn.rollback()
    for use in (
        lambda: group["a"],
        lambda: store.setitems({"x": b""}),
        lambda: store.rmdir("a"),
        lambda: store.rename("a", "b"),
        lambda: store.delitems(["a/0"]),
        lambda: "a/0" in store,
    ):
        with pytest.raises(TransactionError, match="is over"):
            use()


def test_reads_see_the_changes(tmp_path: Path) -> None:
    root = pair(str(tmp_path / "a"))
    with zarr.transaction(root) as txn:
        store = txn.store
        store["a/0"] = b"new"
        store["x/y/z"] = b"first"
        store["x/y/z"] = b"second"
        assert store["x/y/z"] == b"second"
        assert store.getitems(["a/0", "x/y/z", "no"]) == {"a/0": b"new", "x/y/z": b"second"}
        ranges = [("x/y/z", (1, 2)), ("a/0", (-1, None)), ("no", (0, 1))]
        assert store.get_partial_values(ranges) == [b"ec", b"w", None]
        assert "x/y/z" in store
        assert "x/y" not in store
        assert store.listdir("x") == ["y"]
        assert store.getsize("x/y") == 6
        assert store.getsize("x/y/z") == 6
        del store["x/y/z"]
        assert store.listdir() == [".zgroup", "a", "b"]
        store.rmdir("a")
        assert store.listdir() == [".zgroup", "b"]
        assert store.listdir("a") == []
        assert list(store.list_prefix("a")) == []
        assert "a/0" not in store
        assert store.present(["a/0", "b/0"]) == ["b/0"]
        store["a/0"] = b"again"
        assert list(store.list_sizes("a")) == [("a/0", 5)]
        store.delitems(["b/0", "b/0", "b/9"])
        assert "0" not in store.listdir("b")
        with pytest.raises(KeyError):
            store["b/0"]
        with pytest.raises(KeyError):
            del store["b/0"]
        txn.rollback()
    assert content(root.store) == content(pair(zarr.MemoryStore()).store)


def test_an_array_may_become_a_folder_of_chunks_and_back(tmp_path: Path) -> None:
    """Files where folders were, and folders where files were."""
    path = str(tmp_path / "a")
    nested = {"chunks": 1, "dimension_separator": "/", "overwrite": True}
    root = zarr.open_group(path, mode="w")
    root.create_dataset("z", data=np.arange(2), **nested)
    for shape in ((2, 2), (2,), (2, 2, 2), (2, 2)):
        data = np.random.default_rng(0).random(shape)
        with zarr.transaction(path) as txn:
            txn.group.create_dataset("z", data=data, **nested)
        assert (zarr.open(path)["z"][...] == data).all()
        assert zarr.check(path).ok


def test_everything_may_be_replaced(tmp_path: Path) -> None:
    path = str(tmp_path / "a")
    pair(path)
    with zarr.transaction(path) as txn:
        root = zarr.open_group(txn.store, mode="w", zarr_format=3)
        root.create_dataset("new", data=[1, 2])
    assert content(path) == {"/": {}, "new": [1, 2]}


@pytest.mark.parametrize("kind", [zarr.DirectoryStore, zarr.NestedDirectoryStore, zarr.TempStore])
def test_all_stores_in_directories_have_transactions(
    tmp_path: Path, kind: Callable[..., Any]
) -> None:
    store = kind() if kind is zarr.TempStore else kind(str(tmp_path / "a"))
    root = pair(store)
    with zarr.transaction(store) as txn:
        change_much(txn.group)
    assert root["a"].shape == (15,)
    assert "h/e" in root


@pytest.mark.parametrize("has_links", [True, False])
@pytest.mark.parametrize("format", OPTIONS)
def test_moving_an_array_does_not_copy_its_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str, *, has_links: bool
) -> None:
    path = str(tmp_path / "a")
    root = pair(path, format)
    files = [key for key in root.store.list_prefix("a") if not key.endswith(("json", ".zarray"))]
    before = [os.stat(f"{path}/{key}").st_ino for key in files]
    if not has_links:
        monkeypatch.setattr("zarr.storage.overlay.link", lambda *_: False)
    with zarr.transaction(root) as txn:
        txn.group["b"][:4] = 5
        txn.group.move("a", "g/c")
        txn.group.move("b", "d")
        assert txn.group["g/c"][:].tolist() == list(range(10))
        assert content(path)["a"] == list(range(10))
    after = [os.stat(f"{path}/g/c{key[1:]}").st_ino for key in files]
    assert not has_links or after == before
    moved = {"d": [5, 5, 5, 5, *range(4, 10)], "g/c": list(range(10))}
    assert content(path) == {"/": {}, "g": {}, **moved}
    assert zarr.check(path).ok


@posix_only
def test_moving_an_array_whose_chunks_are_links(tmp_path: Path) -> None:
    path = str(tmp_path / "a")
    pair(path)
    os.rename(f"{path}/a/0", tmp_path / "elsewhere")
    os.symlink("../../elsewhere", f"{path}/a/0")
    with zarr.transaction(path) as txn:
        txn.group.move("a", "g/h/c")
    assert content(path)["g/h/c"] == list(range(10))


def test_a_move_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "a")
    before = content(pair(path).store)
    with pytest.raises(ZeroDivisionError), zarr.transaction(path) as txn:
        txn.group.move("a", "c")
        txn.group["c"][:] = 3
        1 / 0  # noqa: B018
    assert content(path) == before


def convert(store: Any) -> None:
    zarr.convert(store, zarr_format=3)


def repair(store: Any) -> None:
    zarr.check(store, fix="K002", age=0)


@pytest.mark.parametrize("change", [convert, repair, zarr.consolidate_metadata])
def test_what_changes_a_whole_store_does_so_in_a_transaction(tmp_path: Path, change: Any) -> None:
    paths = [str(tmp_path / name) for name in ("plain", "other")]
    for path in paths:
        pair(path)
        if change is repair:
            Path(path, "a", "9").write_bytes(b"outside of the grid")
    plain, other = map(zarr.DirectoryStore, paths)
    before = plain.getitems(sorted(plain))
    change(other)

    with pytest.raises(ZeroDivisionError), zarr.transaction(plain) as txn:
        change(txn.store)
        1 / 0  # noqa: B018
    assert plain.getitems(sorted(plain)) == before

    with zarr.transaction(plain) as txn:
        change(txn.store)
    assert plain.getitems(sorted(plain)) == other.getitems(sorted(other)) != before


def test_n5(tmp_path: Path) -> None:
    store = zarr.N5Store(str(tmp_path / "a.n5"))
    root = zarr.group(store)
    root.zeros("z", shape=10, chunks=4, dtype="i4")
    with zarr.transaction(store) as txn:
        txn.group["z"].append(np.arange(1, 6, dtype="i4"))
        txn.group.attrs["x"] = 1
        assert zarr.open(store, mode="r")["z"].shape == (10,)
    assert zarr.open(str(tmp_path / "a.n5"), mode="r")["z"][10:].tolist() == [1, 2, 3, 4, 5]
    with pytest.raises(ZeroDivisionError), zarr.transaction(store) as txn:
        txn.group.attrs["x"] = 2
        1 / 0  # noqa: B018
    assert dict(zarr.open(store, mode="r").attrs) == {"x": 1}
    assert zarr.recover(store) == "clean"


def test_keys_of_another_case(tmp_path: Path) -> None:
    store = zarr.DirectoryStore(str(tmp_path / "a"), normalize_keys=True)
    root = pair(store)
    with zarr.transaction(store) as txn:
        txn.group["A"][:] = 3
        assert txn.group["a"][0] == 3
    assert root["a"][0] == 3


def test_a_group_below_the_root(tmp_path: Path) -> None:
    root = pair(str(tmp_path / "a"))
    below = root.create_group("g")
    with zarr.transaction(below) as txn:
        assert txn.group.path == "g"
        txn.group.create_dataset("c", data=[1])
    assert root["g/c"][0] == 1


def test_an_empty_directory_becomes_a_group(tmp_path: Path) -> None:
    with zarr.transaction(str(tmp_path / "new")) as txn:
        txn.group.create_dataset("c", data=[1])
    assert content(str(tmp_path / "new")) == {"/": {}, "c": [1]}


def test_other_handles_notice(tmp_path: Path) -> None:
    root = pair(str(tmp_path / "a"))
    with zarr.config.set(cache_bytes=1 << 20):
        z = root["a"]
        assert z[3] == 3
        with zarr.transaction(root) as txn:
            txn.group["a"][:] = 8
            assert z[3] == 3
        assert z[3] == 8
    with zarr.transaction(root) as txn:
        txn.group["a"].append([1, 2])
    z.append([3])
    assert root["a"].shape == (13,)


def test_many_threads_write_in_one_transaction(tmp_path: Path) -> None:
    root = zarr.open_group(str(tmp_path / "a"), mode="w")
    root.zeros("z", shape=4000, chunks=10, dtype="i4")

    def fill(z: Any, start: int) -> None:
        for n in range(start, 4000, 20):
            z[n : n + 5] = n

    with zarr.transaction(root, fsync=False) as txn:
        threads = [threading.Thread(target=fill, args=(txn.group["z"], n)) for n in range(0, 20, 5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    expected = np.concatenate([np.full(5, n) for n in range(0, 4000, 5)])
    assert (root["z"][...] == expected).all()


# -- arguments and refusals --------------------------------------------------------------


@pytest.mark.parametrize("store", [{}, zarr.MemoryStore()])
def test_other_stores_say_what_to_use(store: Any) -> None:
    with pytest.raises(TransactionError, match=r"DirectoryStore.*OCDBTStore or icechunk"):
        zarr.transaction(store).__enter__()
    with pytest.raises(TransactionError, match="has no transactions"):
        zarr.recover(store)


def test_an_array_at_the_root(tmp_path: Path) -> None:
    z = zarr.open_array(str(tmp_path / "a"), mode="w", shape=4, dtype="i4")
    with zarr.transaction(z) as txn:
        with pytest.raises(ContainsArrayError):
            txn.group  # noqa: B018
        zarr.open_array(txn.store, mode="r+")[:] = 5
    assert z[:].tolist() == [5, 5, 5, 5]


def test_chunks_elsewhere_are_refused(tmp_path: Path) -> None:
    root = zarr.open_group(str(tmp_path / "a"), mode="w", chunk_store=str(tmp_path / "b"))
    with pytest.raises(TransactionError, match="chunks in another store"):
        zarr.transaction(root)


def test_one_transaction_of_a_thread_at_a_time(tmp_path: Path) -> None:
    root = pair(str(tmp_path / "a"))
    again = zarr.transaction(str(tmp_path / "a"))
    with zarr.transaction(root), pytest.raises(TransactionError, match="already in a transaction"):
        again.__enter__()
    with zarr.transaction(root):
        pass


def test_a_transaction_waits_for_others_no_longer_than_it_may(tmp_path: Path) -> None:
    root = pair(str(tmp_path / "a"))
    errors = []

    def other() -> None:
        try:
            with zarr.transaction(root, timeout=0.01):
                pass
        except TransactionError as error:
            errors.append(str(error))

    with zarr.transaction(root):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert len(errors) == 1
    assert "timeout=" in errors[0]


def test_repr(tmp_path: Path) -> None:
    txn = zarr.transaction(pair(str(tmp_path / "a")))
    assert repr(txn).endswith(", not open>")
    with txn:
        assert repr(txn).endswith(", open>")


# -- reading -----------------------------------------------------------------------------


def test_a_reading_transaction_changes_nothing(tmp_path: Path) -> None:
    root = pair(str(tmp_path / "a"))
    with zarr.transaction(root, read_only=True) as txn:
        assert txn.group["a"][3] == 3
        with pytest.raises(ReadOnlyError):
            txn.group["a"][3] = 4
        for change in (
            lambda: txn.store.setitems({"x": b""}),
            lambda: txn.store.delitems(["x"]),
            lambda: txn.store.rmdir("a"),
        ):
            with pytest.raises(ReadOnlyError, match="read_only=True"):
                change()
        # The other thread may prepare its changes, but not commit.
        assert in_thread(lambda: append_one(root, timeout=0.01)) is TransactionError
    assert in_thread(lambda: append_one(root)) is None
    assert root["a"].shape == root["b"].shape == (11,)


def append_one(root: Any, timeout: float = 30.0) -> None:
    with zarr.transaction(root, timeout=timeout, fsync=False) as txn:
        for name in ("a", "b"):
            txn.group[name].append([txn.group[name].shape[0]])


def in_thread(work: Callable[[], None]) -> type[BaseException] | None:
    """Return the class of the exception that `work` raises in another thread, if it does."""
    found: list[type[BaseException]] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001
            found.append(type(error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0] if found else None


def test_an_absent_group_is_not_made_by_a_reader(tmp_path: Path) -> None:
    zarr.open_array(str(tmp_path / "a" / "z"), mode="w", shape=1)
    with (
        pytest.raises(GroupNotFoundError),
        zarr.transaction(str(tmp_path / "a"), read_only=True) as txn,
    ):
        txn.group  # noqa: B018


# -- what others find in the middle ------------------------------------------------------


class Stop(BaseException):
    """Stands for the death of the process."""


def stopped_commit(path: str, monkeypatch: pytest.MonkeyPatch, *, puts: int) -> None:
    """Leave a transaction in the middle of its commit, after some of its new files."""
    left = [puts]
    put = Journal._put

    def put_some(self: Journal, *args: Any) -> None:
        if not left[0]:
            raise Stop
        left[0] -= 1
        put(self, *args)

    with monkeypatch.context() as patch, pytest.raises(Stop):
        patch.setattr(Journal, "_put", put_some)
        with zarr.transaction(path) as txn:
            change_much(txn.group)


@pytest.fixture(params=[0, 3])
def half(request: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the path of a store whose commit has been interrupted."""
    path = str(tmp_path / "half")
    pair(path)
    stopped_commit(path, monkeypatch, puts=request.param)
    return path


@pytest.fixture
def done(tmp_path: Path) -> dict[str, Any]:
    """Return what must be found."""
    root = pair(str(tmp_path / "done"))
    change_much(root)
    return content(root.store)


def test_readers_see_a_commit_that_was_not_completed(half: str, done: dict[str, Any]) -> None:
    assert content(half) == done
    with zarr.transaction(half, read_only=True) as txn:
        assert content(txn.store) == done
    assert os.path.exists(f"{half}/__txn/commit")
    store = zarr.DirectoryStore(half)
    for path in ("", "a", "b", "h", "h/e"):
        keys = list(store.list_prefix(path))
        assert sorted(store.present(keys)) == sorted(store.getitems(keys)) == sorted(keys)
        below = {key[len(path) :].lstrip("/").partition("/")[0] for key in keys}
        assert store.listdir(path) == sorted(below)
        sizes = dict(store.list_sizes(path))
        assert store.getsize(path) == sum(
            size for key, size in sizes.items() if "/" not in key[len(path) :].lstrip("/")
        )
    assert store["a/0"] == bytes(store.get_partial_values([("a/0", (0, None))])[0])


USES: dict[str, Callable[[zarr.DirectoryStore], Any]] = {
    "[]": lambda store: store["a/0"],
    "getitems": lambda store: store.getitems(["a/0", "b/0"]),
    "ranges": lambda store: store.get_partial_values([("a/0", (0, 4))]),
    "in": lambda store: ["a/0" in store, "b/.zarray" in store],
    "present": lambda store: store.present(["a/0", "b/.zarray"]),
    "list": sorted,
    "sizes": lambda store: sorted(store.list_sizes()),
    "listdir": lambda store: store.listdir("a"),
    "size": lambda store: store.getsize("a"),
}


@pytest.mark.parametrize("use", USES)
def test_the_first_use_of_a_store_sees_a_commit_made_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, use: str
) -> None:
    path = str(tmp_path / "later")
    pair(path)
    store = zarr.DirectoryStore(path)
    stopped_commit(path, monkeypatch, puts=0)
    whole = pair(str(tmp_path / "whole"))
    change_much(whole)
    assert USES[use](store) == USES[use](whole.store)


def test_recovery_completes_it_once(half: str, done: dict[str, Any]) -> None:
    reader = zarr.open_group(half, mode="r")
    assert zarr.recover(half) == "rolled forward"
    assert zarr.recover(half) == "clean"
    assert content(reader.store) == content(half) == done
    assert sorted(os.listdir(f"{half}/__txn")) == ["gate", "lock", "readers"]


@pytest.mark.parametrize(
    "write",
    [
        lambda store: store.__setitem__("x", b""),
        lambda store: store.setitems({"x": b""}),
        lambda store: store.delitems(["x"]),
        lambda store: store.rmdir("x"),
        lambda store: store.rename("x", "y"),
        lambda store: zarr.transaction(store).__enter__().rollback(),
    ],
)
def test_the_next_writer_completes_it(half: str, done: dict[str, Any], write: Any) -> None:
    write(zarr.DirectoryStore(half))
    assert not os.path.exists(f"{half}/__txn/commit")
    found = content(half)
    assert found == done


def test_a_store_that_was_open_before_notices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: dict[str, Any]
) -> None:
    path = str(tmp_path / "half")
    root = pair(path)
    stopped_commit(path, monkeypatch, puts=2)
    assert content(root.store) == done
    zarr.recover(path)
    assert content(root.store) == done


def test_changes_that_were_not_committed_are_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "a")
    before = content(pair(path).store)
    with monkeypatch.context() as patch, pytest.raises(Stop):
        patch.setattr(Journal, "write_commit", lambda *_: (_ for _ in ()).throw(Stop()))
        patch.setattr(Journal, "drop", lambda *_: None)
        with zarr.transaction(path) as txn:
            change_much(txn.group)
    assert len(os.listdir(f"{path}/__txn")) == 4
    assert content(path) == before
    assert zarr.recover(path) == "rolled back"
    assert zarr.recover(path) == "clean"
    assert content(path) == before


def test_copying_in_the_middle_of_a_commit(half: str, done: dict[str, Any]) -> None:
    for preserve in (shutil.copy, shutil.copy2):
        copy = f"{half}-{preserve.__name__}"
        shutil.copytree(half, copy, copy_function=preserve)
        assert content(copy) == done
        assert zarr.recover(copy) == "rolled forward"
        assert content(copy) == done


def test_a_copy_that_lacks_new_files_is_an_error(half: str) -> None:
    for name in os.listdir(f"{half}/__txn/commit"):
        if name != "record":
            os.unlink(f"{half}/__txn/commit/{name}")
    with pytest.raises(TransactionError, match=r"lacks the new value of key .*Copy it again"):
        zarr.recover(half)


def test_a_file_system_without_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: dict[str, Any]
) -> None:
    path = str(tmp_path / "half")
    pair(path)
    monkeypatch.setattr("zarr.storage.files.link", lambda *_: False)
    stopped_commit(path, monkeypatch, puts=4)
    assert content(path) == done
    assert zarr.recover(path) == "rolled forward"
    assert content(path) == done


# -- damaged and hostile journals --------------------------------------------------------


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b'{"zarr_transaction": 2, "sha256": ""}\n{}',
        b'{"zarr_transaction": 1, "sha256": "x"}\n{}',
    ],
)
def test_a_damaged_commit_record_is_an_error(tmp_path: Path, record: bytes) -> None:
    path = tmp_path / "a"
    pair(str(path))
    (path / "__txn" / "commit").mkdir(parents=True)
    (path / "__txn" / "commit" / "record").write_bytes(record)
    for use in (zarr.recover, zarr.open_group, lambda p: zarr.transaction(p).__enter__()):
        with pytest.raises(TransactionError, match="is not valid"):
            use(str(path))


def with_steps(path: Path, **steps: Any) -> None:
    """Write a commit record with some steps."""
    import hashlib

    empty: dict[str, Any] = {
        "token": "x", "fsync": False, "links": True, "delete_first": [], "put": [], "delete": [],
        "delete_folders": [],
    }  # fmt: skip
    body = json.dumps({**empty, **steps}).encode()
    head = {"zarr_transaction": 1, "sha256": hashlib.sha256(body).hexdigest()}
    (path / "__txn" / "commit").mkdir(parents=True, exist_ok=True)
    record = json.dumps(head).encode() + b"\n" + body
    (path / "__txn" / "commit" / "record").write_bytes(record)


@pytest.mark.parametrize(
    "steps",
    [
        {"token": "../x"}, {"token": "lock"}, {"token": ""}, {"put": [["a", -1, 0]]},
        {"put": [["a", "../../x", 0]]}, {"put": [["", 0, 0]]}, {"put": "abc"}, {"delete": [3]},
        {"delete_folders": [""]},
    ],
)  # fmt: skip
def test_a_record_with_invalid_steps_is_an_error(tmp_path: Path, steps: Any) -> None:
    path = tmp_path / "a"
    pair(str(path))
    with_steps(path, **steps)
    with pytest.raises(TransactionError, match="is not valid"):
        zarr.recover(str(path))


@pytest.mark.parametrize("name", ["delete", "delete_folders", "put", "delete_first"])
@pytest.mark.parametrize("key", ["../victim/f", "link/f", "link/sub"])
def test_a_hostile_record_reaches_nothing_outside(tmp_path: Path, name: str, key: str) -> None:
    victim = tmp_path / "victim"
    (victim / "sub").mkdir(parents=True)
    (victim / "f").write_bytes(b"keep")
    (victim / "sub" / "f").write_bytes(b"keep")
    path = tmp_path / "a"
    pair(str(path))
    (path / "link").symlink_to(victim)
    with_steps(path, **{name: [[key, 0, 3]] if name == "put" else [key]})
    (path / "__txn" / "commit" / "x.0").write_bytes(b"bad")

    with pytest.raises((StorePermissionError, zarr.errors.StoreKeyError)):
        zarr.recover(str(path))

    assert (victim / "f").read_bytes() == (victim / "sub" / "f").read_bytes() == b"keep"
    assert sorted(os.listdir(victim)) == ["f", "sub"]


# -- errors of the system ----------------------------------------------------------------


def test_a_full_disk_leaves_the_old_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "a")
    root = pair(path)
    before = content(root.store)
    write, left = os.write, [5]

    def full(*args: Any) -> int:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        return write(*args)

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left"), zarr.transaction(path) as txn:
        change_much(txn.group)
    monkeypatch.undo()

    assert content(path) == before
    assert os.listdir(f"{path}/__txn") == ["lock"]


def as_somebody_else(work: Callable[[], None]) -> str:
    """Run `work` in a child without the rights of root; return what it raises, or an empty text."""
    reader, writer = multiprocessing.Pipe(duplex=False)

    def run() -> None:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        try:
            work()
            writer.send("")
        except BaseException as error:  # noqa: BLE001
            writer.send(f"{type(error).__name__}: {error}")

    child = multiprocessing.get_context("fork").Process(target=run)
    child.start()
    said: str = reader.recv() if reader.poll(60) else "no answer"
    child.join()
    return said


posix = pytest.mark.skipif(os.name == "nt", reason="permissions are those of POSIX")


@pytest.fixture
def open_folder(tmp_path: Path) -> Path:
    """Return a folder that everybody can reach."""
    folder = tmp_path
    while folder != folder.parent and folder.stat().st_uid == os.geteuid():
        if not folder.stat().st_mode & stat.S_IXOTH:
            folder.chmod(folder.stat().st_mode | stat.S_IXOTH | stat.S_IROTH)
        folder = folder.parent
    return tmp_path


def check_content(path: str, expected: Any) -> None:
    assert content(path) == expected


@posix
def test_a_reader_without_permission_to_write(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch, done: dict[str, Any]
) -> None:
    path = str(open_folder / "half")
    before = content(pair(path).store)

    def read_together(expected: Any) -> None:
        with zarr.transaction(path, read_only=True) as txn:
            check_content(path, expected)
            assert content(txn.store) == expected

    assert as_somebody_else(lambda: read_together(before)) == ""
    stopped_commit(path, monkeypatch, puts=3)
    assert as_somebody_else(lambda: check_content(path, done)) == ""
    assert as_somebody_else(lambda: read_together(done)) == ""
    said = as_somebody_else(lambda: zarr.recover(path))
    assert said.startswith("StorePermissionError: a transaction needs permission to write")
    zarr.recover(path)
    assert as_somebody_else(lambda: read_together(done)) == ""


@posix
def test_a_first_commit_that_a_reader_could_not_prevent_is_noticed(open_folder: Path) -> None:
    path = str(open_folder / "a")
    pair(path)
    context = multiprocessing.get_context("fork")
    ready, go = context.Event(), context.Event()

    def read() -> None:
        with zarr.transaction(path, read_only=True):
            ready.set()
            go.wait(60)

    def commit() -> None:
        ready.wait(60)
        append_one(path)
        go.set()

    thread = threading.Thread(target=commit)
    thread.start()
    said = as_somebody_else(read)
    thread.join()
    assert said.startswith("TransactionError: the first transaction on")


@posix
def test_permission_denied_leaves_the_old_state(open_folder: Path) -> None:
    path = str(open_folder / "a")
    before = content(pair(path).store)
    os.chmod(path, 0o777)
    os.chmod(f"{path}/a", 0o777)

    said = as_somebody_else(lambda: append_one(path))

    if os.geteuid():
        pytest.skip("needs two users")
    assert said.startswith("StorePermissionError: cannot change the folder")
    assert f"{path}/b" in said
    assert content(path) == before


def append_many(path: str, times: int) -> None:
    for _ in range(times):
        with zarr.transaction(path, fsync=False, timeout=120) as txn:
            for name in ("a", "b"):
                z = txn.group[name]
                z.append([z.shape[0]])
            txn.group.attrs["count"] = txn.group.attrs.get("count", 0) + 1


def test_processes_lose_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "a")
    pair(path)
    context = multiprocessing.get_context("spawn")
    children = [context.Process(target=append_many, args=(path, 25)) for _ in range(5)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    expected = list(range(10 + 125))
    assert content(path) == {"/": {"count": 125}, "a": expected, "b": expected}
