"""Groups: creating, finding, listing, moving and deleting members."""

from __future__ import annotations

import pathlib
import pickle
from typing import Any

import numcodecs
import numpy as np
import pytest
from numpy.testing import assert_array_equal

import zarr
from zarr.errors import (
    ContainsArrayError,
    ContainsGroupError,
    GroupNotFoundError,
    ReadOnlyError,
)


@pytest.fixture(params=["default", "dict", "memory", "directory", "nested", "str", "temp"])
def root(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> zarr.Group:
    """An empty group in a store of every kind."""
    path = str(tmp_path / "g.zarr")
    store: Any = {
        "default": lambda: None,
        "dict": dict,
        "memory": zarr.MemoryStore,
        "directory": lambda: zarr.DirectoryStore(path),
        "nested": lambda: zarr.NestedDirectoryStore(path),
        "str": lambda: path,
        "temp": lambda: zarr.TempStore(dir=str(tmp_path)),
    }[request.param]()
    return zarr.group(store)


def fill(g: zarr.Group) -> zarr.Group:
    """Put the members of the manual's examples into `g`."""
    g.create_group("foo")
    bar = g.create_group("bar")
    bar.create_group("baz")
    quux = bar.create_group("quux")
    quux.create_dataset("baz", shape=100, chunks=10)[...] = 4
    g.create_dataset("top", shape=(3, 4), dtype="i4")
    return g


# -- opening ---------------------------------------------------------------------------


def test_group_has_the_defaults_of_the_manual() -> None:
    g = zarr.group()
    assert isinstance(g, zarr.hierarchy.Group)
    assert (g.path, g.name, g.basename) == ("", "/", "")
    assert g.read_only is False
    assert g.synchronizer is None
    assert type(g.store) is zarr.storage.MemoryStore
    assert g.chunk_store is g.store
    assert dict(g.attrs) == {}
    assert len(g) == 0
    assert list(g) == []
    assert repr(g) == "<zarr.hierarchy.Group '/'>"
    assert isinstance(g.meta_array, np.ndarray)


def test_group_keeps_what_is_there() -> None:
    store: dict[str, bytes] = {}
    zarr.group(store).create_group("a")
    assert list(zarr.group(store)) == ["a"]
    assert list(zarr.group(store, overwrite=True)) == []
    assert sorted(store) == [".zgroup"]


def test_group_in_place_of_an_array() -> None:
    store: dict[str, bytes] = {}
    zarr.ones(3, store=store)
    with pytest.raises(ContainsArrayError):
        zarr.group(store)
    assert isinstance(zarr.group(store, overwrite=True), zarr.Group)
    assert sorted(store) == [".zgroup"]


def test_group_at_a_path() -> None:
    store: dict[str, bytes] = {}
    g = zarr.group(store, path="a/b")
    assert (g.path, g.name, g.basename) == ("a/b", "/a/b", "b")
    assert sorted(store) == [".zgroup", "a/.zgroup", "a/b/.zgroup"]
    assert repr(g) == "<zarr.hierarchy.Group '/a/b'>"


def test_chunk_store() -> None:
    store: dict[str, bytes] = {}
    chunk_store: dict[str, bytes] = {}
    g = zarr.group(store, chunk_store=chunk_store)
    g.ones("a/b", shape=4, chunks=2)[...] = 3
    assert sorted(store) == [".zgroup", "a/.zgroup", "a/b/.zarray"]
    assert sorted(chunk_store) == ["a/b/0", "a/b/1"]
    assert g["a"].chunk_store is g.chunk_store
    again = zarr.open_group(store, mode="r", chunk_store=chunk_store)
    assert_array_equal(again["a/b"][...], [3] * 4)
    del g["a"]
    assert sorted(store) == [".zgroup"]
    assert sorted(chunk_store) == []
    g.ones("c", shape=4, chunks=2)[...] = 3
    g.move("c", "d")
    assert_array_equal(g["d"][...], [3] * 4)


@pytest.mark.parametrize("mode", ["r", "r+"])
def test_modes_that_need_a_group(mode: str, tmp_path: pathlib.Path) -> None:
    for store in ({}, str(tmp_path / "x")):
        with pytest.raises(GroupNotFoundError):
            zarr.open_group(store, mode=mode)
    store = {}
    zarr.ones(3, store=store)
    with pytest.raises((ContainsArrayError, GroupNotFoundError)):
        zarr.open_group(store, mode=mode)
    store = {}
    zarr.group(store)
    assert zarr.open_group(store, mode=mode).read_only is (mode == "r")
    assert list(tmp_path.iterdir()) == []


def test_mode_w() -> None:
    store: dict[str, bytes] = {}
    fill(zarr.group(store))
    assert list(zarr.open_group(store, mode="w")) == []
    assert sorted(store) == [".zgroup"]


def test_mode_a() -> None:
    store: dict[str, bytes] = {}
    zarr.open_group(store, mode="a").create_group("x")
    assert list(zarr.open_group(store)) == ["x"]
    store = {}
    zarr.ones(3, store=store)
    with pytest.raises(ContainsArrayError):
        zarr.open_group(store, mode="a")


@pytest.mark.parametrize("mode", ["w-", "x"])
def test_mode_w_minus(mode: str) -> None:
    store: dict[str, bytes] = {}
    zarr.open_group(store, mode=mode)
    with pytest.raises(ContainsGroupError):
        zarr.open_group(store, mode=mode)
    store = {}
    zarr.ones(3, store=store)
    with pytest.raises(ContainsArrayError):
        zarr.open_group(store, mode=mode)


def test_mode_r_refuses_every_change() -> None:
    store: dict[str, bytes] = {}
    fill(zarr.group(store))
    before = dict(store)
    g = zarr.open_group(store, mode="r")
    a = np.ones(3)
    for change in (
        lambda: g.create_group("n"),
        lambda: g.require_group("n"),
        lambda: g.create_groups("n", "m"),
        lambda: g.require_groups("n", "m"),
        lambda: g.create_dataset("n", shape=3),
        lambda: g.require_dataset("n", shape=3),
        lambda: g.create("n", shape=3),
        lambda: g.empty("n", shape=3),
        lambda: g.zeros("n", shape=3),
        lambda: g.ones("n", shape=3),
        lambda: g.full("n", shape=3, fill_value=1),
        lambda: g.array("n", a),
        lambda: g.empty_like("n", a),
        lambda: g.zeros_like("n", a),
        lambda: g.ones_like("n", a),
        lambda: g.full_like("n", a, fill_value=1),
        lambda: g.move("foo", "n"),
        lambda: g.__delitem__("foo"),
        lambda: g.__setitem__("n", a),
        lambda: g.attrs.put({"a": 1}),
        lambda: g["foo"].create_group("n"),
        lambda: g["foo"].attrs.update(a=1),
        lambda: g["top"].__setitem__(0, 1),
        lambda: g["bar"]["quux"]["baz"].resize(3),
    ):
        with pytest.raises(ReadOnlyError):
            change()
    assert store == before
    assert g["foo"].read_only
    assert g["top"].read_only


def test_the_class_opens_what_is_there() -> None:
    with pytest.raises(GroupNotFoundError):
        zarr.Group({})
    store: dict[str, bytes] = {}
    zarr.ones(3, store=store)
    with pytest.raises((ContainsArrayError, GroupNotFoundError)):
        zarr.Group(store)
    store = {}
    fill(zarr.group(store))
    assert zarr.Group(store, "bar", read_only=True).read_only


# -- members ---------------------------------------------------------------------------


def test_members(root: zarr.Group) -> None:
    fill(root)
    assert len(root) == 3
    assert sorted(root) == ["bar", "foo", "top"]
    assert list(root) == sorted(root)
    assert sorted(root.keys()) == sorted(root)
    assert list(root.group_keys()) == ["bar", "foo"]
    assert list(root.array_keys()) == ["top"]
    assert list(root.array_keys(recurse=True)) == ["baz", "top"]
    assert [n for n, g in root.groups()] == ["bar", "foo"]
    assert all(isinstance(g, zarr.Group) for _, g in root.groups())
    assert [n for n, a in root.arrays()] == ["top"]
    arrays = dict(root.arrays(recurse=True))
    assert sorted(a.path for a in arrays.values()) == ["bar/quux/baz", "top"]
    assert all(isinstance(a, zarr.Array) for a in arrays.values())
    assert [type(value).__name__ for value in root.values()] == ["Group", "Group", "Array"]
    assert [name for name, _ in root.items()] == sorted(root)


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("foo", True), ("/foo", True), ("foo/", True), ("bar/quux", True), ("/bar/quux/baz", True),
        ("top", True), ("nope", False), ("bar/nope", False), ("top/nope", False), ("fo", False),
        ("foo/bar", False), ("", True), ("/", True),
    ],
)  # fmt: skip
def test_paths(root: zarr.Group, path: str, there: bool) -> None:
    fill(root)
    if path.strip("/"):
        assert (path in root) is there
    if there:
        assert root[path].path == path.strip("/")
        assert type(root[path]) is (
            zarr.Array if path.endswith(("top", "quux/baz")) else zarr.Group
        )
    else:
        with pytest.raises(KeyError, match=path.rsplit("/", maxsplit=1)[-1]):
            root[path]


def test_paths_are_relative_to_the_group(root: zarr.Group) -> None:
    fill(root)
    bar = root["bar"]
    assert "quux" in bar
    assert "foo" not in bar
    assert bar["quux/baz"].name == "/bar/quux/baz"
    assert "baz" in bar["quux"]


@pytest.mark.parametrize("path", ["..", "../foo", "a/../b", "."])
def test_paths_that_climb(path: str) -> None:
    root = fill(zarr.group())
    with pytest.raises((ValueError, KeyError)):
        root["foo"][path]
    with pytest.raises(ValueError):
        root["foo"].create_group(path)


def test_member_access(root: zarr.Group) -> None:
    fill(root)
    assert root.foo == root["foo"]
    assert root.bar.quux.baz == root["bar/quux/baz"]
    with pytest.raises(AttributeError, match="nope"):
        _ = root.nope
    assert hasattr(root, "foo")
    assert not hasattr(root, "nope")
    assert {"foo", "bar", "top", "create_group"} <= set(dir(root))
    assert sorted(root._ipython_key_completions_()) == ["bar", "foo", "top"]


def test_members_are_not_shadowing_methods() -> None:
    g = zarr.group()
    g.create_group("keys")
    assert callable(g.keys)
    assert isinstance(g["keys"], zarr.Group)


def test_names_with_unusual_characters(root: zarr.Group) -> None:
    for name in ("with space", "ümläut", "a.b", "%20", "0", "0.0", "海", ".hidden", "x:y"):
        root.zeros(name, shape=2)
        assert name in root
        assert root[name].basename == name
    assert len(root) == 9


def test_a_name_that_looks_like_a_document() -> None:
    g = zarr.group()
    for name in (".zgroup", ".zarray", ".zattrs", "a/.zarray"):
        with pytest.raises((ValueError, KeyError)):
            g.create_group(name)
    assert list(g) == []


# -- creating --------------------------------------------------------------------------


def test_create_group(root: zarr.Group) -> None:
    foo = root.create_group("foo")
    assert (foo.path, foo.read_only) == ("foo", False)
    assert foo.store is root.store
    deep = foo.create_group("a/b/c")
    assert deep.name == "/foo/a/b/c"
    assert "a/b" in foo
    with pytest.raises(ContainsGroupError):
        root.create_group("foo")
    with pytest.raises(ContainsGroupError):
        root.create_group("foo/a/b")
    root.zeros("z", shape=3)
    with pytest.raises(ContainsArrayError):
        root.create_group("z")
    with pytest.raises(ContainsArrayError):
        root.create_group("z/below")
    assert isinstance(root.create_group("z", overwrite=True), zarr.Group)
    assert list(root.create_group("foo", overwrite=True)) == []


def test_require_group(root: zarr.Group) -> None:
    foo = root.require_group("foo/bar")
    foo.zeros("z", shape=3)
    assert root.require_group("foo/bar") == foo
    assert "z" in root.require_group("foo/bar")
    with pytest.raises(ContainsArrayError):
        root.require_group("foo/bar/z")
    assert isinstance(root.require_group("foo/bar/z", overwrite=True), zarr.Group)
    assert list(root.require_group("foo/bar", overwrite=True)) in ([], ["z"])


def test_create_and_require_groups(root: zarr.Group) -> None:
    a, b = root.create_groups("a", "b/c")
    assert (a.path, b.path) == ("a", "b/c")
    again, d = root.require_groups("a", "d")
    assert again == a
    assert d.path == "d"
    with pytest.raises(ContainsGroupError):
        root.create_groups("a", "e")
    assert len(list(root.create_groups("a", "e", overwrite=True))) == 2


def test_create_dataset(root: zarr.Group) -> None:
    z = root.create_dataset(
        "a/b", shape=(10, 6), chunks=(3, 4), dtype="i2", compressor=numcodecs.Zlib(1),
        fill_value=7, order="F", filters=[numcodecs.Delta("i2")], cache_metadata=False,
        dimension_separator="/",
    )  # fmt: skip
    assert (z.name, z.shape, z.chunks, z.dtype) == ("/a/b", (10, 6), (3, 4), np.dtype("i2"))
    assert (z.compressor, z.fill_value, z.order) == (numcodecs.Zlib(1), 7, "F")
    assert_array_equal(z[...], np.full((10, 6), 7))
    z[...] = 1
    assert "a/b/3/1" in root.store
    with pytest.raises(ContainsArrayError):
        root.create_dataset("a/b", shape=3)
    with pytest.raises(ContainsGroupError):
        root.create_dataset("a", shape=3)
    with pytest.raises(ContainsArrayError):
        root.create_dataset("a/b/c", shape=3)
    assert root.create_dataset("a/b", shape=3, overwrite=True).shape == (3,)
    assert root.create_dataset("a", shape=4, overwrite=True).shape == (4,)


@pytest.mark.parametrize(
    "data", [np.arange(12).reshape(3, 4), [1.5, 2.5], 42, np.array(["a", "bc"])]
)
def test_create_dataset_with_data(root: zarr.Group, data: Any) -> None:
    z = root.create_dataset("d", data=data)
    assert_array_equal(z[...], data)
    assert z.dtype == np.asarray(data).dtype
    assert z.shape == np.shape(data)
    z = root.create_dataset("e", data=data, chunks=2, compressor=None)
    assert_array_equal(root["e"][...], data)
    z = root.create_dataset("f", data=zarr.array(data))
    assert_array_equal(z[...], data)


def test_create_dataset_with_data_and_dtype() -> None:
    g = zarr.group()
    assert g.create_dataset("a", data=[1, 2], dtype="f4").dtype == np.dtype("f4")
    assert g.create_dataset("b", data=["a", "b"], dtype=str)[1] == "b"
    assert g.create_dataset("c", data=np.array([1, 2]), shape=(2,)).shape == (2,)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda g: g.create("n", shape=3), 0),
        (lambda g: g.zeros("n", shape=3), 0),
        (lambda g: g.ones("n", shape=3), 1),
        (lambda g: g.full("n", shape=3, fill_value=5), 5),
        (lambda g: g.full("n", 5, shape=3), 5),
        (lambda g: g.array("n", np.array([1.0, 2, 3])), [1, 2, 3]),
        (lambda g: g.array("n", data=[1.0, 2, 3]), [1, 2, 3]),
        (lambda g: g.zeros_like("n", np.ones(3)), 0),
        (lambda g: g.ones_like("n", np.zeros(3)), 1),
        (lambda g: g.full_like("n", np.zeros(3), fill_value=4), 4),
        (lambda g: g.full_like("n", zarr.ones(3), fill_value=4), 4),
    ],
)
def test_functions_of_creation(root: zarr.Group, make: Any, expected: Any) -> None:
    z = make(root.create_group("sub"))
    assert z.name == "/sub/n"
    assert_array_equal(z[...], np.broadcast_to(expected, 3))
    assert root["sub/n"] == z
    with pytest.raises(ContainsArrayError):
        make(root["sub"])


def test_empty_and_empty_like() -> None:
    g = zarr.group()
    assert g.empty("a", shape=3).fill_value is None
    assert g.empty_like("b", g["a"]).shape == (3,)
    assert g.zeros("x/y", shape=3, overwrite=True, chunks=2).chunks == (2,)


def test_require_dataset(root: zarr.Group) -> None:
    z = root.require_dataset("a", shape=10, chunks=3, dtype="i4")
    z[...] = 5
    again = root.require_dataset("a", shape=10, dtype="i4")
    assert again == z
    assert_array_equal(again[...], [5] * 10)
    assert root.require_dataset("a", shape=(10,), dtype="i4", exact=True) == z
    with pytest.raises(TypeError, match="shape"):
        root.require_dataset("a", shape=11, dtype="i4")
    with pytest.raises(TypeError):
        root.require_dataset("a", shape=10, dtype="S4")
    with pytest.raises(TypeError):
        root.require_dataset("a", shape=10, dtype="i2", exact=True)
    root.create_group("g")
    with pytest.raises(ContainsGroupError):
        root.require_dataset("g", shape=10)
    with pytest.raises(ContainsArrayError):
        root.require_dataset("a/b", shape=10)
    assert root.require_dataset("d", shape=2, data=[1, 2])[1] == 2


def test_setitem(root: zarr.Group) -> None:
    root["a"] = np.arange(3)
    assert_array_equal(root["a"][...], np.arange(3))
    root["a"] = [1.5, 2.5]
    assert_array_equal(root["a"][...], [1.5, 2.5])
    root["b/c"] = 7
    assert root["b/c"][()] == 7


def test_synchronizer_and_caching_are_passed_on() -> None:
    synchronizer = zarr.ThreadSynchronizer()
    store: dict[str, bytes] = {}
    g = zarr.group(store, synchronizer=synchronizer, cache_attrs=False)
    assert g.synchronizer is synchronizer
    assert g.create_group("a").synchronizer is synchronizer
    assert g.zeros("z", shape=3).synchronizer is synchronizer
    assert g["z"].synchronizer is synchronizer
    z, again = g["z"], zarr.group(store)["z"]
    assert dict(z.attrs) == {}
    again.attrs["a"] = 1
    assert dict(z.attrs) == {"a": 1}


# -- moving, deleting ------------------------------------------------------------------


def test_move(root: zarr.Group) -> None:
    fill(root)
    root.attrs["a"] = 1
    root["bar"].attrs["b"] = 2
    root.move("bar", "new/place")
    assert "bar" not in root
    assert sorted(root) == ["foo", "new", "top"]
    assert isinstance(root["new"], zarr.Group)
    assert_array_equal(root["new/place/quux/baz"][...], [4] * 100)
    assert dict(root["new/place"].attrs) == {"b": 2}
    root.move("top", "foo/top")
    assert root["foo/top"].shape == (3, 4)
    foo = root["foo"]
    foo.move("top", "other")
    assert "other" in foo
    foo.move("/foo/other", "/back")
    assert "back" in root
    assert not [k for k in root.store if k.startswith(("bar/", "top/"))]


def test_move_refuses(root: zarr.Group) -> None:
    fill(root)
    with pytest.raises((ContainsArrayError, ContainsGroupError, ValueError)):
        root.move("foo", "top")
    with pytest.raises((ContainsArrayError, ContainsGroupError, ValueError)):
        root.move("top", "foo")
    with pytest.raises((ValueError, KeyError)):
        root.move("nope", "x")
    with pytest.raises((ContainsArrayError, ValueError)):
        root.move("foo", "top/below")
    with pytest.raises(ValueError):
        root.move("bar", "bar/quux/inside")
    assert sorted(root) == ["bar", "foo", "top"]
    assert_array_equal(root["bar/quux/baz"][...], [4] * 100)


def test_delete(root: zarr.Group) -> None:
    fill(root)
    del root["bar/quux"]
    assert "bar/quux" not in root
    assert "bar/baz" in root
    del root["top"]
    assert sorted(root) == ["bar", "foo"]
    del root["bar"]
    assert sorted(root) == ["foo"]
    for name in ("bar", "nope", "foo/nope"):
        with pytest.raises(KeyError, match=name.split("/")[-1]):
            del root[name]
    assert sorted(root.store) == [".zgroup", "foo/.zgroup"]


def test_deleting_spares_names_that_begin_alike(root: zarr.Group) -> None:
    root.ones("a", shape=2)[...] = 2
    root.ones("ab", shape=2)[...] = 3
    root.create_group("a.b")
    del root["a"]
    assert sorted(root) == ["a.b", "ab"]
    root.move("ab", "a")
    assert_array_equal(root["a"][...], [3, 3])


def test_del_of_an_attribute_deletes_nothing() -> None:
    root = fill(zarr.group())
    with pytest.raises(AttributeError):
        del root.foo
    assert "foo" in root


# -- visiting --------------------------------------------------------------------------

ALL = ["bar", "bar/baz", "bar/quux", "bar/quux/baz", "foo", "top"]


def test_visit(root: zarr.Group) -> None:
    fill(root)
    seen: list[Any] = []
    assert root.visit(seen.append) is None
    assert seen == ALL
    keys: list[Any] = []
    root.visitkeys(keys.append)
    assert keys == ALL
    objects: list[Any] = []
    root.visitvalues(objects.append)
    assert [o.path for o in objects] == ALL
    assert [type(o).__name__ for o in objects] == ["Group"] * 3 + ["Array", "Group", "Array"]
    items: list[Any] = []
    root.visititems(lambda name, value: items.append((name, value.name)))
    assert items == [(name, f"/{name}") for name in ALL]
    seen.clear()
    root["bar"].visit(seen.append)
    assert seen == ["baz", "quux", "quux/baz"]


def test_visiting_stops_at_the_first_result(root: zarr.Group) -> None:
    fill(root)
    seen: list[Any] = []

    def find(name: str) -> Any:
        seen.append(name)
        return name.upper() if name.endswith("quux") else None

    assert root.visit(find) == "BAR/QUUX"
    assert seen == ["bar", "bar/baz", "bar/quux"]
    assert (
        root.visitvalues(lambda o: o.path if isinstance(o, zarr.Array) else None) == "bar/quux/baz"
    )
    assert root.visititems(lambda name, _: 0 if name == "foo" else None) == 0
    assert root.visitkeys(lambda n: False if n == "bar" else None) is False


# -- tree, info ------------------------------------------------------------------------


def test_tree(root: zarr.Group) -> None:
    fill(root)
    assert str(root.tree()).splitlines() == [
        "/",
        " ├── bar",
        " │   ├── baz",
        " │   └── quux",
        " │       └── baz (100,) float64",
        " ├── foo",
        " └── top (3, 4) int32",
    ]
    assert str(root.tree(level=1)) == "/\n ├── bar\n ├── foo\n └── top (3, 4) int32"
    assert str(root["bar"].tree(level=1)) == "bar\n ├── baz\n └── quux"
    assert repr(root.tree()) == str(root.tree())
    assert str(zarr.tree(root)) == str(root.tree())
    html = root.tree()._repr_html_()
    assert "quux" in html
    assert "(100,) float64" in html
    assert "<details open" in root.tree(expand=True)._repr_html_()


def test_tree_of_names_that_are_html() -> None:
    g = zarr.group()
    g.create_group("<script>alert(1)<")
    assert "<script>" not in g.tree()._repr_html_()


def test_tree_of_an_empty_group() -> None:
    assert str(zarr.group().tree()) == "/"


def test_info(root: zarr.Group) -> None:
    fill(root)
    items = dict(root.info_items())
    kind = type(root.store)
    assert items == {
        "Name": "/",
        "Type": "zarr.hierarchy.Group",
        "Read-only": "False",
        "Store type": f"zarr.storage.{kind.__name__}",
        "No. members": "3",
        "No. arrays": "1",
        "No. groups": "2",
        "Groups": "bar, foo",
        "Arrays": "top",
    }
    assert "<table" in root.info._repr_html_()
    assert str(root.info).splitlines()[0] == "Name        : /"


def test_info_with_everything() -> None:
    g = zarr.group({}, chunk_store={}, synchronizer=zarr.ThreadSynchronizer())
    items = dict(g.info_items())
    assert items["Synchronizer type"] == "zarr.sync.ThreadSynchronizer"
    assert items["Chunk store type"] == "zarr.storage.KVStore"


# -- as an object ----------------------------------------------------------------------


def test_equality(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "g")
    g = zarr.open_group(path, mode="w")
    assert g == zarr.open_group(path, mode="a")
    assert g != zarr.open_group(path, mode="r")
    assert g != g.create_group("a")
    assert g["a"] == g["a"]
    assert g != zarr.open_group(str(tmp_path / "h"))
    assert g != 5
    assert g != g.zeros("z", shape=3)


def test_pickle(root: zarr.Group) -> None:
    fill(root)
    root.attrs["a"] = 1
    again = pickle.loads(pickle.dumps(root["bar"]))
    assert again.path == "bar"
    assert list(again) == ["baz", "quux"]
    assert_array_equal(again["quux/baz"][...], [4] * 100)
    assert dict(pickle.loads(pickle.dumps(root)).attrs) == {"a": 1}
    if isinstance(root.store, zarr.DirectoryStore):
        again.create_group("new")
        assert "new" in root["bar"]


def test_context_manager() -> None:
    closed = []

    class Store(dict):  # type: ignore[type-arg]
        def close(self) -> None:
            closed.append(True)

    with zarr.group(Store()) as g:
        g.create_group("a")
        assert not closed
    assert closed == [True]
    with zarr.group() as g:
        g.create_group("a")
    with pytest.raises(RuntimeError, match="inside"), zarr.group(Store()):
        raise RuntimeError("inside")
    assert closed == [True, True]


# -- foreign and implicit stores -------------------------------------------------------


def test_folders_without_documents_hold_no_groups(tmp_path: pathlib.Path) -> None:
    store = zarr.DirectoryStore(str(tmp_path))
    root = zarr.group(store)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/file.txt").write_text("x")
    (tmp_path / "readme.md").write_text("x")
    assert list(root) == []
    assert "data" not in root
    assert "readme.md" not in root
    assert len(root) == 0


def test_many_members() -> None:
    g = zarr.group({})
    for i in range(200):
        g.zeros(f"a{i:03}", shape=1)
    assert len(g) == 200
    assert list(g) == [f"a{i:03}" for i in range(200)]
