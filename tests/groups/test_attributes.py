"""User attributes of arrays and groups."""

from __future__ import annotations

import fractions
import json
import threading
from collections.abc import MutableMapping
from typing import Any

import numpy as np
import pytest

import zarr
from zarr.errors import ReadOnlyError


@pytest.fixture(params=["group", "array", "nested array"])
def node(request: pytest.FixtureRequest) -> Any:
    """A node with attributes."""
    root = zarr.group()
    if request.param == "group":
        return root
    if request.param == "array":
        return zarr.zeros(3)
    return root.zeros("a/b", shape=3)


def key(node: Any) -> str:
    return f"{node.path}/.zattrs" if node.path else ".zattrs"


def stored(node: Any) -> Any:
    return json.loads(bytes(node.store[key(node)]))


def test_a_mapping(node: Any) -> None:
    attrs = node.attrs
    assert isinstance(attrs, zarr.attrs.Attributes)
    assert isinstance(attrs, MutableMapping)
    assert len(attrs) == 0
    assert key(node) not in node.store
    attrs["foo"] = "bar"
    attrs["baz"] = 42
    attrs["qux"] = [1, 4, 7, 12]
    assert attrs["foo"] == "bar"
    assert sorted(attrs) == ["baz", "foo", "qux"]
    assert sorted(attrs.keys()) == ["baz", "foo", "qux"]
    assert len(attrs) == 3
    assert "foo" in attrs
    assert "nope" not in attrs
    assert attrs.get("nope", 5) == 5
    assert dict(attrs) == attrs.asdict() == {"foo": "bar", "baz": 42, "qux": [1, 4, 7, 12]}
    assert dict(attrs.items())["baz"] == 42
    assert stored(node) == attrs.asdict()
    with pytest.raises(KeyError, match="nope"):
        attrs["nope"]
    with pytest.raises(KeyError, match="nope"):
        del attrs["nope"]
    del attrs["foo"]
    assert stored(node) == {"baz": 42, "qux": [1, 4, 7, 12]}
    assert attrs.pop("baz") == 42
    assert attrs.setdefault("new", 1) == 1
    attrs.clear()
    assert dict(attrs) == {}


def test_put_update_asdict(node: Any) -> None:
    attrs = node.attrs
    attrs.put({"a": 1, "b": 2})
    assert attrs.asdict() == {"a": 1, "b": 2}
    attrs.put({"c": 3})
    assert attrs.asdict() == stored(node) == {"c": 3}
    attrs.update({"d": 4}, e=5)
    attrs.update([("f", 6)])
    attrs.update(g=7)
    assert attrs.asdict() == stored(node) == {"c": 3, "d": 4, "e": 5, "f": 6, "g": 7}
    attrs.put({})
    assert attrs.asdict() == {}


def test_what_is_given_back_may_be_changed(node: Any) -> None:
    node.attrs.put({"a": [1]})
    node.attrs.asdict()["b"] = 2
    assert node.attrs.asdict() == {"a": [1]}
    given = {"x": 1}
    node.attrs.put(given)
    given["y"] = 2
    assert node.attrs.asdict() == {"x": 1}


def test_update_writes_once(node: Any) -> None:
    writes = []

    class Store(dict):  # type: ignore[type-arg]
        def __setitem__(self, key: str, value: bytes) -> None:
            writes.append(key)
            super().__setitem__(key, value)

    g = zarr.group(Store())
    writes.clear()
    g.attrs.update({str(i): i for i in range(50)})
    assert writes == [".zattrs"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None), (True, True), (0, 0), (-(2**70), -(2**70)), (1.5, 1.5), ("ünï", "ünï"),
        ([1, [2, {"a": None}]], [1, [2, {"a": None}]]), ({}, {}), ((1, 2), [1, 2]),
        (np.int32(5), 5), (np.float32(0.5), 0.5), (np.float64(0.1), 0.1), (np.bool_(True), True),
        (np.str_("x"), "x"), (np.uint64(2**63), 2**63),
        ([np.int8(1), {"a": np.float16(2)}], [1, {"a": 2.0}]),
    ],
)  # fmt: skip
def test_json_and_numpy_scalars(node: Any, value: Any, expected: Any) -> None:
    node.attrs["x"] = value
    again = zarr.open(node.store, mode="r", path=node.path or None)
    assert again.attrs["x"] == expected
    assert type(again.attrs["x"]) is type(expected)
    assert type(node.attrs["x"]) is not np.generic
    node.attrs.put({"y": value})
    node.attrs.update(z=value)
    assert stored(node) == {"y": expected, "z": expected}


@pytest.mark.parametrize("name", [1, None, 1.5, ("a", "b"), b"x", True])
def test_names_become_strings(node: Any, name: Any) -> None:
    expected = {str(name): 1, "new": 1}
    for change in (
        lambda: node.attrs.__setitem__(name, 1),
        lambda: node.attrs.put({"new": 1, name: 1}),
        lambda: node.attrs.update({"new": 1, name: 1}),
    ):
        node.attrs.put({"new": 1})
        with pytest.warns(DeprecationWarning, match="keys of type 'string'") as warned:
            change()
        assert [warning.filename for warning in warned] == [__file__]
        assert node.attrs.asdict() == stored(node) == expected


@pytest.mark.parametrize("name", [0, None, 1.5, True, np.int64(7), np.float32(0.5), float("nan")])
def test_names_within_values_follow_json(node: Any, name: Any) -> None:
    node.attrs["legend"] = {name: "land", "x": [{name: {}}]}
    plain = name.item() if isinstance(name, np.generic) else name
    text = next(iter(json.loads(json.dumps({plain: 0}))))
    assert node.attrs["legend"] == stored(node)["legend"] == {text: "land", "x": [{text: {}}]}


@pytest.mark.parametrize(
    "value", [{("a", "b"): 1}, {b"x": 1}, {1: 0, "1": 0}, {True: 0, "true": 0}]
)
def test_names_within_values_that_are_no_json_are_refused(node: Any, value: Any) -> None:
    node.attrs.put({"old": 1})
    with pytest.raises((TypeError, ValueError), match="'new'"):
        node.attrs["new"] = value
    assert node.attrs.asdict() == stored(node) == {"old": 1}


@pytest.mark.parametrize(
    ("value", "expected"), [(np.longdouble(1.5), 1.5), (fractions.Fraction(1, 4), 0.25)]
)
def test_real_numbers_become_floats(node: Any, value: Any, expected: float) -> None:
    node.attrs["new"] = [value]
    assert node.attrs["new"] == stored(node)["new"] == [expected]
    with pytest.raises(TypeError, match="'new': timedelta64"):
        node.attrs["new"] = np.timedelta64(3, "s")


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", 1j, np.array, [1, [object()]]])
def test_what_is_no_json_is_refused(node: Any, value: Any) -> None:
    node.attrs.put({"old": 1})
    for change in (
        lambda: node.attrs.__setitem__("new", value),
        lambda: node.attrs.put({"new": value}),
        lambda: node.attrs.update(new=value),
    ):
        with pytest.raises(TypeError, match="new"):
            change()
        assert node.attrs.asdict() == stored(node) == {"old": 1}


def test_read_only() -> None:
    store: dict[str, bytes] = {}
    zarr.group(store).attrs["a"] = 1
    attrs = zarr.open_group(store, mode="r").attrs
    for change in (
        lambda: attrs.__setitem__("a", 2), lambda: attrs.__delitem__("a"), lambda: attrs.put({}),
        lambda: attrs.update(b=1), attrs.clear, lambda: attrs.pop("a"),
    ):  # fmt: skip
        with pytest.raises(ReadOnlyError):
            change()
    assert dict(attrs) == {"a": 1}
    with pytest.raises(ReadOnlyError):
        zarr.attrs.Attributes(store, read_only=True)["x"] = 1


def test_the_class_itself() -> None:
    store = {"meta/.zattrs": b'{"a": 1}'}
    attrs = zarr.attrs.Attributes(store, key="meta/.zattrs")
    assert dict(attrs) == {"a": 1}
    attrs["b"] = 2
    assert json.loads(store["meta/.zattrs"]) == {"a": 1, "b": 2}
    assert dict(zarr.attrs.Attributes({}, cached_dict={"c": 3})) == {"c": 3}


def test_caching() -> None:
    store: dict[str, bytes] = {}
    cached = zarr.group(store).attrs
    fresh = zarr.group(store, cache_attrs=False).attrs
    assert dict(cached) == dict(fresh) == {}
    zarr.group(store).attrs["a"] = 1
    assert dict(cached) == {}
    assert dict(fresh) == {"a": 1}
    assert "a" in fresh
    assert len(fresh) == 1
    cached.refresh()
    assert dict(cached) == {"a": 1}
    reads = []

    class Store(dict):  # type: ignore[type-arg]
        def __getitem__(self, key: str) -> bytes:
            reads.append(key)
            return bytes(super().__getitem__(key))

    attrs = zarr.attrs.Attributes(Store({".zattrs": b'{"a": 1}'}))
    for _ in range(5):
        assert attrs["a"] == 1
    assert reads == [".zattrs"]


def test_attributes_are_copied_by_nobody(tmp_path: Any) -> None:
    # Two handles that both have cached the attributes change different ones.
    store = zarr.DirectoryStore(str(tmp_path))
    first, second = zarr.group(store), zarr.group(store)
    assert dict(first.attrs) == dict(second.attrs) == {}
    first.attrs["a"] = 1
    second.attrs["b"] = 2
    assert dict(zarr.group(store).attrs) == {"a": 1, "b": 2}


@pytest.mark.usefixtures("eager_threads")
@pytest.mark.parametrize("kind", ["dict", "memory", "directory"])
@pytest.mark.parametrize("cache", [True, False])
def test_threads_lose_no_update(kind: str, cache: bool, tmp_path: Any) -> None:
    store: Any = {
        "dict": dict,
        "memory": zarr.MemoryStore,
        "directory": lambda: zarr.DirectoryStore(str(tmp_path)),
    }[kind]()
    zarr.group(store)
    start = threading.Barrier(8)

    def write(number: int) -> None:
        mine = store if kind != "directory" else zarr.DirectoryStore(str(tmp_path))
        attrs = zarr.group(mine, cache_attrs=cache).attrs
        start.wait()
        for i in range(20):
            attrs[f"{number}-{i}"] = i

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(zarr.group(store).attrs) == 160


def test_pretty_documents() -> None:
    g = zarr.group()
    g.attrs.put({"b": 1, "a": "ü"})
    text = bytes(g.store[".zattrs"]).decode("ascii")
    assert text == '{\n    "a": "\\u00fc",\n    "b": 1\n}'
