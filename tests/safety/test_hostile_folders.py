"""Folders that cannot be read, lead in circles, vanish meanwhile, or hold no files.

Every store on files of this machine must tell what is absent from what failed.
"""

from __future__ import annotations

import errno
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

import zarr
from zarr.errors import StoreError, StorePermissionError
from zarr.storage import (
    BaseStore,
    DirectoryStore,
    FSStore,
    LocalStore,
    N5Store,
    NestedDirectoryStore,
    ObjectStore,
    SQLiteStore,
    ZipStore,
)

KINDS: dict[str, Callable[[str], BaseStore]] = {
    "directory": DirectoryStore,
    "nested": NestedDirectoryStore,
    "without links": lambda path: DirectoryStore(path, follow_symlinks=False),
    "n5": N5Store,
    "fsspec": lambda path: FSStore(f"file://{path}"),
    "obstore": lambda path: ObjectStore(f"file://{path}"),
}
HERE = pathlib.Path(__file__).parent

READS: dict[str, Callable[[BaseStore, str], Any]] = {
    "[]": lambda store, key: store[key],
    "get": lambda store, key: store.get(key),
    "getitems": lambda store, key: store.getitems([key, "there"]).get(key),
    "get_first": lambda store, key: store.get_first([key]).get(key),
    "ranges": lambda store, key: store.get_partial_values([("there", (0, 1)), (key, (0, 1))])[1],
    "in": lambda store, key: key in store,
    "present": lambda store, key: key in store.present(["there", key]),
    "getsize": lambda store, key: store.getsize(key),
    "listdir": lambda store, key: store.listdir(key),
    "list_prefix": lambda store, key: list(store.list_prefix(key)),
}
"""Every way to ask for a key or a folder. What is absent is a `KeyError` or false."""


def outcome(read: Callable[[BaseStore, str], Any], store: BaseStore, key: str) -> str:
    """Return 'absent', 'failed' or 'there'."""
    try:
        found = read(store, key)
    except KeyError:
        return "absent"
    except OSError:
        return "failed"
    return "there" if found or found == b"" else "absent"


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def path() -> Iterator[str]:
    # Not in tmp_path, whose parents only its owner may enter.
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        yield os.path.join(folder, "data")


# -- absence and failure ---------------------------------------------------------------


@pytest.mark.parametrize(
    "key", ["x", "x/y", "there/x", "x" * 256, "x" * 256 + "/y", "a/" * 2500 + "y"]
)
def test_what_means_absent(kind: str, path: str, key: str) -> None:
    store = KINDS[kind](path)
    store["there"] = b"1"
    assert {how: outcome(read, store, key) for how, read in READS.items()} == dict.fromkeys(
        READS, "absent"
    )
    store.delitems([key])
    with pytest.raises(KeyError):
        del store[f"{key}/z"]


@pytest.mark.parametrize("key", ["dangling", "dangling/y", "a/dangling", "a/b/dangling/y/z"])
def test_a_link_to_nowhere_is_a_failure(kind: str, path: str, key: str) -> None:
    store = KINDS[kind](path)
    store.setitems({"there": b"1", "a/b/there": b"1"})
    link = key[: key.index("dangling") + len("dangling")]
    os.symlink("nowhere", os.path.join(path, link))
    assert {how: outcome(read, store, key) for how, read in READS.items()} == dict.fromkeys(
        READS, "failed"
    )
    with pytest.raises(StoreError, match=r"dangling.*nowhere"):
        store[key]
    with pytest.raises(StoreError, match=r"dangling.*nowhere"):
        store.getitems([f"x{n}" for n in range(9)] + [key])
    if kind == "n5":  # which looks for groups in each folder that it lists
        return
    assert sorted(store) == sorted(["there", "a/b/there", link])
    folder, _, name = link.rpartition("/")
    assert name in store.listdir(folder)
    os.unlink(os.path.join(path, link))
    assert sorted(store) == ["a/b/there", "there"]
    assert outcome(READS["[]"], store, key) == "absent"


def test_a_chunk_whose_content_was_not_fetched(kind: str, path: str) -> None:
    g = zarr.open_group(KINDS[kind](path), mode="w")
    z = g.create_dataset("a", shape=8, chunks=2, dtype="i4")
    z[:] = 7
    os.rename(os.path.join(path, "a", "1"), os.path.join(path, "annexed"))
    os.symlink("../annexed", os.path.join(path, "a", "1"))
    assert z[:].tolist() == [7] * 8
    os.unlink(os.path.join(path, "annexed"))
    for use in (lambda: z[:], lambda: z[2], lambda: z.__setitem__(2, 1), lambda: z.oindex[[2]]):
        with pytest.raises(StoreError, match=r"a/1.*annexed"):
            use()
    z[2:4] = 5  # which needs nothing of what was there
    assert z[:].tolist() == [7, 7, 5, 5, 7, 7, 7, 7]


@pytest.mark.parametrize("target", ["circle", "pair"])
@pytest.mark.parametrize("key", ["circle", "circle/y", "a/circle/y/z"])
def test_a_link_to_itself_is_a_failure(kind: str, path: str, key: str, target: str) -> None:
    store = KINDS[kind](path)
    store.setitems({"there": b"1", "a/there": b"1"})
    link = key[: key.index("circle") + len("circle")]
    folder = os.path.join(path, os.path.dirname(link))
    os.symlink(target, os.path.join(path, link))
    if target == "pair":
        os.symlink("circle", os.path.join(folder, target))
    uses: dict[str, Callable[[], Any]] = {
        how: partial(read, store, key) for how, read in READS.items()
    }
    uses["many"] = lambda: store.getitems([f"x{n}" for n in range(9)] + [key])
    uses["write below"] = lambda: store.__setitem__(f"{key}/x", b"2")
    uses["rename below"] = lambda: store.rename("there", f"{key}/x")
    uses["del below"] = lambda: store.__delitem__(f"{key}/x")
    uses["open"] = lambda: zarr.open(store, path=key, mode="r")
    for how, use in uses.items():
        with pytest.raises(StoreError, match="circle"):
            pytest.fail(f"{how}: {use()!r}")
    if kind != "n5":  # which looks for groups in each folder that it lists
        assert set(store) == {"there", "a/there", *names_in(path)}
        assert store.listdir(os.path.dirname(link)) == sorted(os.listdir(folder))
    if kind == "obstore":  # which lists what it deletes
        os.unlink(os.path.join(path, link))
    store.rmdir(link)
    assert key not in store


def names_in(path: str) -> set[str]:
    """Return the links in a folder, as keys."""
    return {
        os.path.relpath(os.path.join(folder, name), path)
        for folder, _, names in os.walk(path)
        for name in names
        if os.path.islink(os.path.join(folder, name))
    }


OPENED: dict[str, Callable[[str], Any]] = {
    "directory": DirectoryStore,
    "nested": NestedDirectoryStore,
    "local": LocalStore,
    "n5": N5Store,
    "fsspec": FSStore,
    "obstore": lambda path: ObjectStore(f"file://{path}"),
    "zip": ZipStore,
    "zip to read": lambda path: ZipStore(path, mode="r"),
    "sqlite": SQLiteStore,
    "open": zarr.open,
    "create": lambda path: zarr.open(f"{path}/a/b", mode="w", shape=3),
    "save": lambda path: zarr.save(path, [1, 2]),
}


@pytest.mark.parametrize("how", OPENED)
def test_a_store_that_is_a_link_to_itself(how: str, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "circle"
    path.symlink_to(path)
    with pytest.raises(StoreError, match="circle"):
        OPENED[how](str(path))


def test_more_links_than_the_system_follows(tmp_path: pathlib.Path) -> None:
    store = DirectoryStore(tmp_path)
    store["0"] = b"1"
    for n in range(100):
        (tmp_path / str(n + 1)).symlink_to(str(n))
    assert store["9"] == b"1"
    with pytest.raises(StoreError, match=r"100'"):
        store["100"]


DENIED = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from test_hostile_folders import KINDS, READS, outcome
kind, path = sys.argv[2:]
store = KINDS[kind](path)
store["there"] = b"1"
store["a/x"] = b"1"
store["b/x"] = b"1"
os.chmod(path + "/a", 0)
if os.geteuid() == 0:
    os.chmod(path, 0o777)
    os.setgid(65534)
    os.setuid(65534)
found = {how: [outcome(read, store, key) for key in ("a/x", "a/absent")]
         for how, read in READS.items()}
found["walk"] = [outcome(lambda store, key: list(store), store, "")] * 2
for how, change in (
    ("del", lambda: store.__delitem__("a/x")),
    ("delitems", lambda: store.delitems(["a/x"])),
    ("write", lambda: store.__setitem__("a/x", b"2")),
    ("rename", lambda: store.rename("a/x", "y")),
    ("rmdir", lambda: store.rmdir("a/x")),
):
    found[how] = [outcome(lambda store, key: change() or True, store, "")] * 2
print(json.dumps(found))
"""


def run_denied(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_denied_is_a_failure_everywhere(kind: str, path: str) -> None:
    found = json.loads(run_denied(DENIED, str(HERE), kind, path))
    assert found == {name: ["failed", "failed"] for name in found}
    assert len(found) == len(READS) + 6


DENIED_GROUP = """
import os, sys, zarr
path = sys.argv[1]
g = zarr.open_group(path, mode="w")
g.ones("a", shape=4)
os.chmod(path + "/a", 0)
if os.geteuid() == 0:
    os.chmod(path, 0o777)
    os.setgid(65534)
    os.setuid(65534)
g = zarr.open_group(path, mode="r+")
for use in (lambda: list(g), lambda: len(g), lambda: list(g.array_keys()), lambda: "a" in g,
            lambda: "a/.zarray" in g.store, lambda: g["a"],
            lambda: g.move("a/b", "c")):
    try:
        print(use())
    except PermissionError:
        continue
if "a (unreadable: " not in str(g.tree()):
    print(g.tree())
"""


def test_members_that_cannot_be_read_are_not_left_out(path: str) -> None:
    assert run_denied(DENIED_GROUP, path) == ""


# -- what is no file -------------------------------------------------------------------


@pytest.fixture(params=["pipe", "socket", "zero", "null", "terminal"])
def special(request: pytest.FixtureRequest) -> Iterator[Callable[[str], None]]:
    """Return a function that makes something at a path that is not a file."""
    ends: list[Any] = []

    def make(path: str) -> None:
        if request.param == "pipe":
            os.mkfifo(path)
        elif request.param == "socket":
            ends.append(socket.socket(socket.AF_UNIX))
            ends[0].bind(path)
        elif request.param == "terminal":
            first, second = os.openpty()
            ends.extend([os.fdopen(first, "rb", 0), os.fdopen(second, "rb", 0)])
            os.symlink(os.ttyname(second), path)
        else:
            os.symlink(f"/dev/{request.param}", path)

    yield make
    for end in ends:
        end.close()


def test_pipes_and_devices_are_refused(
    kind: str, tmp_path: pathlib.Path, special: Callable[[str], None]
) -> None:
    path = str(tmp_path / "s")
    store = KINDS[kind](path)
    store["there"] = b"1"
    special(f"{path}/x")
    if kind == "without links" and os.path.islink(f"{path}/x"):
        with pytest.raises(StorePermissionError):
            store["x"]
        return
    for how in ("[]", "get", "getitems", "get_first", "ranges"):
        with pytest.raises(StoreError, match=r"'x'.*s/x.*regular file"):
            READS[how](store, "x")
    # As of any other file that cannot be read.
    assert "x" in store
    assert store.listdir() == sorted(store) == ["there", "x"]
    assert store.getsize("x") == 0
    store["x"] = b"2"
    assert store["x"] == b"2"


def test_a_pipe_with_a_writer_is_refused(tmp_path: pathlib.Path) -> None:
    store = DirectoryStore(tmp_path)
    os.mkfifo(tmp_path / "x")
    reader = os.open(tmp_path / "x", os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(tmp_path / "x", os.O_WRONLY)
    try:
        os.write(writer, b"some bytes")
        with pytest.raises(StoreError, match="pipe"):
            store["x"]
    finally:
        os.close(reader)
        os.close(writer)


# -- links -----------------------------------------------------------------------------


def test_links_are_followed(tmp_path: pathlib.Path) -> None:
    outside = zarr.open_group(str(tmp_path / "outside"), mode="w")
    outside.ones("b", shape=4)
    g = zarr.open_group(str(tmp_path / "data"), mode="w")
    os.symlink(tmp_path / "outside", tmp_path / "data" / "link")
    assert list(g) == ["link"]
    assert list(g["link"]) == ["b"]
    g["link/b"][:2] = 5
    assert outside["b"][:].tolist() == [5, 5, 1, 1]
    del g["link"]  # the link, not what it leads to
    assert list(g) == []
    assert list(outside) == ["b"]


@pytest.mark.parametrize("key", ["..", "../x", "a/../../x", "/etc/passwd", "a//x", "./x", "a\0"])
def test_no_key_leaves_the_store_by_its_name(kind: str, path: str, key: str) -> None:
    store = KINDS[kind](path)
    for use in (
        lambda: store[key],
        lambda: store.getitems([key]),
        lambda: store.__setitem__(key, b""),
        lambda: store.__delitem__(key),
        lambda: store.rename(key, "y"),
        lambda: store.rename("y", key),
        lambda: store.rmdir(key),
    ):
        with pytest.raises((KeyError, ValueError)):
            use()
    assert key not in store


@pytest.mark.parametrize("kind", ["directory", "nested", "without links", "fsspec", "obstore"])
def test_links_in_circles(kind: str, path: str) -> None:
    g = zarr.open_group(KINDS[kind](path), mode="w")
    g.create_group("b/c").ones("d", shape=4)
    os.symlink(".", os.path.join(path, "self"))
    os.symlink("..", os.path.join(path, "b", "up"))
    os.symlink(os.path.join(path, "b"), os.path.join(path, "b", "c", "back"))
    assert list(g) == ["b"]
    assert {"self", "up", "back"}.isdisjoint(part for key in g.store for part in key.split("/"))
    assert "d" in str(g.tree())
    found = zarr.consolidate_metadata(g.store)
    assert sorted(dict(found["b"].groups())) == ["c"]
    visited: list[str] = []
    g.visit(visited.append)
    assert visited == ["b", "b/c", "b/c/d"]


def test_links_to_each_other_in_circles(tmp_path: pathlib.Path) -> None:
    store = DirectoryStore(tmp_path)
    store.setitems({"a/x": b"", "b/y": b""})
    (tmp_path / "a/to_b").symlink_to("../b")
    (tmp_path / "b/to_a").symlink_to("../a")
    assert sorted(store) == ["a/to_b/y", "a/x", "b/to_a/x", "b/y"]


@pytest.mark.parametrize("fresh", [False, True])
def test_a_folder_that_becomes_a_link(tmp_path: pathlib.Path, fresh: bool) -> None:
    store = DirectoryStore(tmp_path / "data", follow_symlinks=False)
    z = zarr.open_array(store, mode="w", path="a", shape=4, chunks=2, fill_value=0)
    z[...] = 1
    assert z[...].tolist() == [1] * 4
    assert store.listdir("a") == [".zarray", "0", "1"]
    os.rename(tmp_path / "data/a", tmp_path / "outside")
    (tmp_path / "data/a").symlink_to(tmp_path / "outside")
    if fresh:
        store = DirectoryStore(tmp_path / "data", follow_symlinks=False)
    for use in (
        lambda: store["a/0"],
        lambda: store.getitems(["a/0"]),
        lambda: store.get_partial_values([("a/0", (0, 1))]),
        lambda: store.__setitem__("a/0", b""),
        lambda: store.__delitem__("a/0"),
        lambda: store.listdir("a"),
        lambda: store.rmdir("a/0"),
        lambda: store.rename("a/0", "b"),
        lambda: store.rename("b", "a/5"),
        lambda: z[...],
        lambda: z.__setitem__(..., 7),
    ):
        with pytest.raises(StorePermissionError, match="is outside of"):
            use()
    for use in (lambda: "a/0" in store, lambda: list(store), lambda: list(zarr.open_group(store))):
        with pytest.raises(StorePermissionError, match="is outside of"):
            use()
    assert store.listdir() == [".zgroup", "a"]
    assert sorted(os.listdir(tmp_path / "outside")) == [".zarray", "0", "1"]


# -- folders that change meanwhile -----------------------------------------------------


def run_all(*actions: Callable[[], Any]) -> None:
    """Run `actions` at the same time, and raise what one of them raises."""
    errors: list[BaseException] = []

    def run(action: Callable[[], Any]) -> None:
        try:
            action()
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=run, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def repeat(count: int, action: Callable[[], Any]) -> Callable[[], None]:
    return lambda: [action() for _ in range(count)] and None


@pytest.mark.usefixtures("eager_threads")
@pytest.mark.parametrize("kind", ["directory", "n5", "fsspec"])
def test_others_delete_and_move_meanwhile(kind: str, tmp_path: pathlib.Path) -> None:
    store = KINDS[kind](str(tmp_path / "data"))
    keys = [f"a/b/{n}" for n in range(5)]
    values = dict.fromkeys(keys, b"1")
    run_all(
        repeat(60, lambda: store.setitems(values)),
        repeat(60, lambda: store.setitems(values)),
        repeat(60, lambda: store.delitems(keys)),
        repeat(60, lambda: store.rmdir("a")),
        repeat(60, store.rmdir),
        repeat(60, lambda: store.rename("a", "c")),
        repeat(60, lambda: store.rename("c", "a/b")),
        repeat(60, lambda: (list(store), store.listdir("a/b"), store.getsize("a/b"))),
        repeat(60, lambda: (store.getitems(keys), store.present(keys))),
    )
    store.rmdir()
    assert list(store) == []
    assert os.listdir(tmp_path) in ([], ["data"])


@pytest.mark.usefixtures("eager_threads")
@pytest.mark.parametrize("kind", ["directory", "n5", "fsspec"])
def test_folders_move_into_each_other_meanwhile(kind: str, tmp_path: pathlib.Path) -> None:
    store = KINDS[kind](str(tmp_path / "data"))
    run_all(
        repeat(1000, lambda: store.setitems({"a/b/0": b"1"})),
        *[repeat(1000, lambda: store.rename("a", "c"))] * 2,
        *[repeat(1000, lambda: store.rename("c", "a/b"))] * 2,
    )
    assert set(store.values()) <= {b"1"}
    store.rmdir()
    assert os.listdir(tmp_path) in ([], ["data"])


@pytest.mark.usefixtures("eager_threads")
@pytest.mark.parametrize("kind", ["directory", "n5", "fsspec"])
def test_sizes_and_digests_while_chunks_are_deleted(kind: str, path: str) -> None:
    z = zarr.open_array(KINDS[kind](path), mode="w", shape=40, chunks=2, dtype="i4")
    reader = zarr.open_array(KINDS[kind](path), mode="r")

    def delete_and_write() -> None:
        z.resize(2)
        z.resize(40)
        z[...] = 1

    run_all(
        repeat(30, delete_and_write),
        repeat(60, lambda: reader.nbytes_stored),
        repeat(60, lambda: str(reader.info)),
        repeat(60, reader.digest),
        repeat(60, lambda: zarr.storage.getsize(reader.store)),
    )
    assert reader.nchunks_initialized == 20


def create_again_and_again(path: str, count: int) -> None:
    store = DirectoryStore(path)
    for _ in range(count):
        zarr.storage.init_group(store, overwrite=True)
        zarr.storage.init_array(store, shape=4, path="x/y", overwrite=True)
        store.setitems(dict.fromkeys([f"x/y/{n}" for n in range(4)], b"1"))


@pytest.mark.usefixtures("eager_threads")
def test_threads_create_one_array_again_and_again(tmp_path: pathlib.Path) -> None:
    run_all(*[lambda: create_again_and_again(str(tmp_path / "a"), 20)] * 6)
    create_again_and_again(str(tmp_path / "a"), 1)
    assert zarr.open_array(str(tmp_path / "a"), path="x/y", mode="r").shape == (4,)
    assert os.listdir(tmp_path) == ["a"]


CREATE = """
import sys
sys.path.insert(0, sys.argv[1])
from test_hostile_folders import create_again_and_again
sys.stdin.readline()
create_again_and_again(sys.argv[2], 30)
"""


def test_processes_create_one_hierarchy_again_and_again(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "g"
    children = [
        subprocess.Popen(
            [sys.executable, "-c", CREATE, str(HERE), str(path)],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(4)
    ]  # fmt: skip
    for child in children:
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()
    for child in children:
        assert child.communicate(timeout=200)[1] == ""
    assert os.listdir(tmp_path) == ["g"]


# -- deleting and moving at once -------------------------------------------------------


def test_a_reader_sees_all_of_a_folder_or_nothing(tmp_path: pathlib.Path) -> None:
    store = DirectoryStore(tmp_path)
    names = [str(n) for n in range(300)]
    seen = set()

    def change() -> None:
        store.setitems({f"b/{name}": b"" for name in names})
        store.rename("b", "a")
        store.rmdir("a")
        done.append(None)

    done: list[None] = []

    def watch() -> None:
        while len(done) < 10:
            seen.add(len(store.listdir("a")))

    run_all(repeat(10, change), watch)
    # The list of a folder is not made at once: it may be moved away meanwhile, but whole.
    assert seen <= {0, 300}


def test_a_root_where_nothing_may_be_renamed(tmp_path: pathlib.Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    for path in (str(tmp_path / "link"), ".", str(tmp_path / "real") + "/"):
        before = os.getcwd()
        os.chdir(tmp_path / "real")
        try:
            zarr.open_array(path, mode="w", shape=4)[...] = 1
            assert zarr.open_array(path, mode="w", shape=4)[...].tolist() == [0] * 4
            zarr.DirectoryStore(path).rmdir()
            assert list(zarr.DirectoryStore(path)) == []
        finally:
            os.chdir(before)
            (tmp_path / "real").mkdir(exist_ok=True)
    assert sorted(os.listdir(tmp_path)) == ["link", "real"]


def test_a_folder_moved_above_itself(tmp_path: pathlib.Path) -> None:
    store = DirectoryStore(tmp_path)
    store.setitems({"a/b/c/x": b"1", "a/b/y": b"2"})
    store.rename("a/b", "a")
    assert sorted(store) == ["a/c/x", "a/y"]
    with pytest.raises(OSError, match="Invalid argument") as caught:
        store.rename("a", "a/d")
    assert caught.value.errno == errno.EINVAL
    assert sorted(store) == ["a/c/x", "a/y"]


def test_a_folder_moved_to_another_file_system(tmp_path: pathlib.Path) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
        store = DirectoryStore(tmp_path)
        store.setitems({"a/b/x": b"1", "a/y": b"2"})
        os.symlink(other, tmp_path / "far")
        store.rename("a", "far/a")
        assert sorted(store) == ["far/a/b/x", "far/a/y"]
        store.rename("far/a/y", "y")
        assert sorted(store) == ["far/a/b/x", "y"]
        assert os.listdir(other) == ["a"]


def test_random_sequences_equal_a_dict(tmp_path: pathlib.Path) -> None:
    store, model = DirectoryStore(tmp_path), {}
    rng = np.random.default_rng(0)
    for step in range(300):
        key = "/".join(map(str, rng.integers(0, 3, rng.integers(1, 4))))
        if rng.random() < 0.7:
            parents = [key.rsplit("/", n)[0] for n in range(1, key.count("/") + 1)]
            if not any(parent in model for parent in parents):
                model = {k: v for k, v in model.items() if not k.startswith(f"{key}/")}
                store[key] = model[key] = bytes([step % 256])
        else:
            store.rmdir(key)
            model = {k: v for k, v in model.items() if not k.startswith(f"{key}/")}
        assert dict(store.items()) == model
