"""The conformance suite for stores, as one pytest class to subclass."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from zarr.storage.base import BaseStore, Buffer, ByteRange
from zarr.testing.arrays import ArrayTests
from zarr.testing.stateful import cut, store_machine
from zarr.testing.strategies import FOLDERS, LEAVES

__all__ = ["StoreTests"]

BAD_KEYS = ("", "/", ".", "..", "../x", "a/../../x", "a/..", "/x", "x/", "a//b", "a/./b", "a\0b")

ODD_KEYS = (
    "UPPER/lower",
    "with space/0 0",
    "dots.../.hidden.",
    "é/ü",
    "日本/0.0",
    "emoji-🦓/0",
    "a_b/0",
    "a%62/0",
    "a*?[]{}/0",
    "quote'\"`/0",
    "semi;colon:at@plus+/0",
    "amp&equals=hash#/0",
    "back\\slash",
    "-dash/--option",
    "~tilde/0",
    "deep/" * 12 + "0",
    "long-" * 20 + "/0",
)

VALUES: tuple[tuple[str, Buffer, bytes], ...] = (
    ("bytes", b"\x00\xff data", b"\x00\xff data"),
    ("empty", b"", b""),
    ("bytearray", bytearray(b"abc"), b"abc"),
    ("memoryview", memoryview(b"abcdef")[2:5], b"cde"),
    ("uint8 array", np.arange(5, dtype="u1"), bytes(range(5))),
    ("float array", np.array([1.5, -2.0]), np.array([1.5, -2.0]).tobytes()),
    ("2-d array", np.arange(6, dtype="<i4").reshape(2, 3), np.arange(6, dtype="<i4").tobytes()),
    ("0-d array", np.array(7, dtype="<i8"), (7).to_bytes(8, "little")),
    ("empty array", np.empty(0, "f8"), b""),
    ("big-endian array", np.arange(3, dtype=">i2"), b"\0\0\0\1\0\2"),
    ("structured array", np.zeros(2, "i2,f4"), bytes(12)),
    ("text array", np.array(["a"], "<U1"), b"a\0\0\0"),
)

RANGES: tuple[ByteRange, ...] = (
    (0, None),
    (0, 4),
    (3, 4),
    (3, None),
    (9, 100),
    (10, 1),
    (50, 5),
    (50, None),
    (4, 0),
    (-3, None),
    (-3, 2),
    (-100, None),
    (-100, 3),
)


class StoreTests(ArrayTests):
    """Tests of a store. Subclass it and override the fixture :meth:`store`.

    Attributes
    ----------
    pickles : bool
        Whether the store can be pickled.
    pickle_shares : bool
        Whether an unpickled store has the same data, instead of a copy of them.
    keeps_empty_folders : bool
        Whether a folder is listed after its last value was deleted.
    checks_keys : bool
        Whether the store itself refuses invalid keys.
    bad_keys : tuple of str
        Keys that are invalid in every store.
    checks_values : bool
        Whether the store itself refuses values that are not bytes-like.
    odd_keys : tuple of str
        Keys with unusual characters that the store supports.
    folders, leaves : tuple of str
        Names of which the state machine makes keys.
    big : int
        Size in bytes of a large value for this store.
    many : int
        A large number of keys for this store.
    runs, steps : int
        Number of runs of the state machine, and of its steps in each.

    Examples
    --------
    >>> import pytest
    >>> from zarr.storage import MemoryStore
    >>> from zarr.testing import StoreTests
    >>> class TestMemoryStore(StoreTests):
    ...     pickle_shares = False
    ...
    ...     @pytest.fixture
    ...     def store(self):
    ...         return MemoryStore()
    """

    pickles: ClassVar[bool] = True
    pickle_shares: ClassVar[bool] = True
    keeps_empty_folders: ClassVar[bool] = False
    checks_keys: ClassVar[bool] = True
    checks_values: ClassVar[bool] = True
    bad_keys: ClassVar[tuple[str, ...]] = BAD_KEYS
    odd_keys: ClassVar[tuple[str, ...]] = ODD_KEYS
    folders: ClassVar[tuple[str, ...]] = FOLDERS
    leaves: ClassVar[tuple[str, ...]] = LEAVES
    big: ClassVar[int] = 5_000_000
    many: ClassVar[int] = 1500
    runs: ClassVar[int] = 25
    steps: ClassVar[int] = 40

    @pytest.fixture
    def store(self) -> Iterator[BaseStore]:
        """Provide an empty store to each test. A pytest fixture, to be overridden.

        Yields
        ------
        BaseStore
            The store.
        """
        raise NotImplementedError(f"{type(self).__name__} must override the fixture 'store'")

    # -- one value -----------------------------------------------------------------

    def test_is_a_store(self, store: BaseStore) -> None:
        assert isinstance(store, BaseStore)
        assert store.is_readable() and store.is_writeable()
        assert store.is_listable() and store.is_erasable()
        assert store.threads >= 1
        assert repr(store)

    def test_starts_empty(self, store: BaseStore) -> None:
        assert len(store) == 0
        assert list(store) == []
        assert "a" not in store
        assert store.listdir() == []

    @pytest.mark.parametrize(
        ("value", "expected"), [v[1:] for v in VALUES], ids=[v[0] for v in VALUES]
    )
    def test_value(self, store: BaseStore, value: Buffer, expected: bytes) -> None:
        store["a/x"] = value
        assert bytes(store["a/x"]) == expected
        store.setitems({"b/x": value, "b/y": value})
        assert bytes(store["b/x"]) == bytes(store["b/y"]) == expected
        assert store.getsize("a/x") in (len(expected), -1)

    @pytest.mark.parametrize("value", [None, "text", 5, [1, 2], 1.5])
    def test_not_a_value(self, store: BaseStore, value: object) -> None:
        if not self.checks_values:
            pytest.skip("this store takes what it gets")
        with pytest.raises(TypeError):
            store["x"] = value
        with pytest.raises(TypeError):
            store.setitems({"x": value})
        assert "x" not in store

    def test_document_is_bytes_like(self, store: BaseStore) -> None:
        store[".zarray"] = b'{"zarr_format": 2}'
        assert bytes(memoryview(store[".zarray"])).decode() == '{"zarr_format": 2}'

    def test_overwrite(self, store: BaseStore) -> None:
        for value in (b"first", b"", b"a longer second", b"3"):
            store["a/x"] = value
            assert bytes(store["a/x"]) == value
        assert len(store) == 1
        assert list(store) == ["a/x"]

    def test_big_value(self, store: BaseStore) -> None:
        value = np.random.default_rng(0).bytes(self.big)
        store["a/big"] = value
        assert bytes(store["a/big"]) == value
        store.setitems({"a/big": value[:-1], "a/big2": value})
        assert bytes(store["a/big"]) == value[:-1]
        assert bytes(store["a/big2"]) == value
        assert store.get_partial_values([("a/big2", (self.big - 5, 3))]) == [value[-5:-2]]

    def test_missing_key(self, store: BaseStore) -> None:
        store["a/x"] = b"x"
        for key in ("x", "a", "a/y", "a/x/y", "b/x", "a/x2"):
            with pytest.raises(KeyError):
                store[key]
            with pytest.raises(KeyError):
                del store[key]
            assert key not in store
            assert store.get(key) is None
        assert len(store) == 1

    def test_delete(self, store: BaseStore) -> None:
        store.setitems({"a/x": b"x", "a/y": b"y"})
        del store["a/x"]
        assert "a/x" not in store
        assert list(store) == ["a/y"]
        with pytest.raises(KeyError):
            del store["a/x"]
        store["a/x"] = b"again"
        assert bytes(store["a/x"]) == b"again"

    def test_odd_keys(self, store: BaseStore) -> None:
        for n, key in enumerate(self.odd_keys):
            store[key] = b"%d" % n
        assert sorted(store) == sorted(self.odd_keys)
        found = store.getitems(self.odd_keys)
        for n, key in enumerate(self.odd_keys):
            assert key in store
            assert bytes(store[key]) == bytes(found[key]) == b"%d" % n
            folder, _, name = key.rpartition("/")
            assert name in store.listdir(folder)
            assert key in list(store.list_prefix(folder))
        store.delitems(self.odd_keys[::2])
        assert sorted(store) == sorted(self.odd_keys[1::2])

    @pytest.mark.parametrize("key", BAD_KEYS)
    def test_bad_key(self, store: BaseStore, key: str) -> None:
        if not self.checks_keys or key not in self.bad_keys:
            pytest.skip("this store takes what it gets")
        store["x"] = b"x"
        with pytest.raises(ValueError):
            store[key] = b"bad"
        with pytest.raises(ValueError):
            store.setitems({key: b"bad"})
        for use in (store.__getitem__, store.__delitem__):
            with pytest.raises(KeyError):
                use(key)
        assert store.get(key, "default") == store.pop(key, "default") == "default"
        assert key not in store
        try:
            assert store.getitems([key]) == {}
        except ValueError:
            pass
        assert list(store) == ["x"]

    @pytest.mark.parametrize("key", [None, 5, b"x", ("x",)])
    def test_key_of_another_type(self, store: BaseStore, key: Any) -> None:
        if not self.checks_keys:
            pytest.skip("this store takes what it gets")
        with pytest.raises((TypeError, ValueError)):
            store[key] = b"bad"
        assert len(store) == 0

    # -- as a mapping --------------------------------------------------------------

    def test_mapping(self, store: BaseStore) -> None:
        content = {"a/x": b"1", "a/b/y": b"2", "z": b"3"}
        store.update(content)
        assert len(store) == 3
        assert sorted(store) == sorted(store.keys()) == sorted(content)
        assert {key: bytes(value) for key, value in store.items()} == content
        assert sorted(bytes(value) for value in store.values()) == [b"1", b"2", b"3"]
        assert bytes(store.pop("a/x")) == b"1"
        assert store.pop("a/x", None) is None
        with pytest.raises(KeyError):
            store.pop("a/x")
        assert bytes(store.setdefault("z", b"new")) == b"3"
        assert bytes(store.setdefault("new", b"new")) == b"new"
        key, value = store.popitem()
        assert key not in store and bytes(value) in (b"2", b"3", b"new")
        store.clear()
        assert len(store) == 0 and list(store) == []
        store["after"] = b"clear"
        assert list(store) == ["after"]
        assert bool(store)

    def test_change_while_iterating(self, store: BaseStore) -> None:
        store.setitems({f"a/{n}": b"x" for n in range(50)})
        for key in store:
            del store[key]
        assert len(store) == 0

    # -- whose memory --------------------------------------------------------------

    def test_stored_value_is_no_alias(self, store: BaseStore) -> None:
        source = bytearray(b"before")
        array = np.arange(100, dtype="<i8")
        expected = array.tobytes()
        store["a"] = source
        store["b"] = array
        store.setitems({"c": source, "d": memoryview(source)})
        source[:] = b"AFTER!"
        array[:] = -1
        for key in "acd":
            assert bytes(store[key]) == b"before"
        assert bytes(store["b"]) == expected

    def test_read_value_is_no_alias(self, store: BaseStore) -> None:
        for size in (10, 100_000):
            store["a"] = bytes(size)
            for value in (store["a"], store.getitems(["a"])["a"]):
                view = memoryview(value)
                if not view.readonly:
                    view[0] = 1
                assert bytes(store["a"]) == bytes(size)

    @pytest.mark.parametrize("size", [10, 5_000, 300_000])
    def test_read_value_stays(self, store: BaseStore, size: int) -> None:
        old = np.random.default_rng(size).bytes(size)
        store.setitems({"a": old, "b": old})
        held = [store["a"], *store.getitems(["a", "b"]).values()]
        held += store.get_partial_values([("a", (0, None)), ("b", (1, size))])
        store["a"] = bytes(size)
        del store["b"]
        for n in range(20):
            store[f"c{n}"] = bytes([n]) * size
        store.delitems([f"c{n}" for n in range(20)])
        assert [bytes(value) for value in held] == [old, old, old, old, old[1:]]

    # -- many at a time ------------------------------------------------------------

    def test_getitems(self, store: BaseStore) -> None:
        content = {f"a/{n}.{m}": b"%d" % (n * m) for n in range(12) for m in range(12)}
        store.setitems(content)
        wanted = ["missing", *list(content)[::-3], "a", "b/0.0", "a/0.0", "a/0.0"]
        found = store.getitems(wanted)
        expected = {key: content[key] for key in wanted if key in content}
        assert {key: bytes(value) for key, value in found.items()} == expected
        assert store.getitems([]) == {}
        assert store.getitems(["missing", "a/missing"]) == {}

    def test_many_keys(self, store: BaseStore) -> None:
        content = {f"a/{n}": b"%d" % n for n in range(self.many)}
        store.setitems(content)
        assert len(store) == self.many
        found = store.getitems(list(content) + [f"b/{n}" for n in range(self.many)])
        assert {key: bytes(value) for key, value in found.items()} == content
        store.delitems(list(content)[1:])
        assert list(store) == ["a/0"]

    def test_setitems(self, store: BaseStore) -> None:
        store["a/x"] = b"old"
        store.setitems({"a/x": b"new", "a/y": b"", "b/z": b"zzz"})
        assert bytes(store["a/x"]) == b"new"
        assert {key: bytes(value) for key, value in store.items()} == {
            "a/x": b"new",
            "a/y": b"",
            "b/z": b"zzz",
        }
        store.setitems({})
        assert len(store) == 3

    def test_delitems(self, store: BaseStore) -> None:
        store.setitems({f"a/{n}": b"x" for n in range(5)})
        store.delitems(["a/0", "missing", "a/3", "a", "a/3"])
        assert sorted(store) == ["a/1", "a/2", "a/4"]
        store.delitems(iter(["a/1"]))
        store.delitems([])
        assert sorted(store) == ["a/2", "a/4"]

    @pytest.mark.parametrize("size", [10, 200_000])
    def test_get_partial_values(self, store: BaseStore, size: int) -> None:
        value = np.random.default_rng(1).bytes(size)
        store.setitems({"a/x": value, "a/empty": b""})
        ranges = [("a/x", byte_range) for byte_range in RANGES]
        ranges += [("missing", (0, None)), ("a", (0, 3))]
        ranges += [("a/empty", (0, 5)), ("a/empty", (-5, None))]
        ranges += [("a/x", (size // 2, 10)), ("a/x", (-size // 2, 10))]
        found = store.get_partial_values(ranges)
        content = {"a/x": value, "a/empty": b""}
        assert [None if part is None else bytes(part) for part in found] == [
            cut(content[key], byte_range) if key in content else None for key, byte_range in ranges
        ]
        assert store.get_partial_values([]) == []

    # -- the hierarchy -------------------------------------------------------------

    tree: ClassVar[dict[str, bytes]] = {
        ".zgroup": b"0",
        "a/.zgroup": b"11",
        "a/x/.zarray": b"222",
        "a/x/0.0": b"3333",
        "a/x/0.1": b"",
        "a/y/c/0/0": b"44444",
        "a/y/zarr.json": b"5",
        "a-b/0": b"6",
        "a.b/0": b"7",
        "a0/0": b"8",
        "a_b/0": b"9",
        "aXb/0": b"10",
        "A/0": b"11",
        "b/a/x/0": b"12",
    }

    @pytest.fixture
    def grown(self, store: BaseStore) -> BaseStore:
        """Provide a store with the keys of `tree`. A pytest fixture.

        Parameters
        ----------
        store : BaseStore
            The fixture :meth:`store`.

        Returns
        -------
        BaseStore
            The same store.
        """
        store.setitems(self.tree)
        return store

    def _names(self, store: BaseStore, path: str) -> list[str]:
        names = store.listdir(path)
        if self.keeps_empty_folders:
            prefix = f"{path}/" if path else ""
            return [n for n in names if prefix + n in store or any(store.list_prefix(prefix + n))]
        return names

    @pytest.mark.parametrize(
        ("path", "expected"),
        [
            ("", [".zgroup", "A", "a", "a-b", "a.b", "a0", "aXb", "a_b", "b"]),
            ("a", [".zgroup", "x", "y"]),
            ("a/x", [".zarray", "0.0", "0.1"]),
            ("a/y", ["c", "zarr.json"]),
            ("a/y/c", ["0"]),
            ("a_b", ["0"]),
            ("a/x/0.0", []),
            ("missing", []),
            ("a/x/missing", []),
            ("b", ["a"]),
            ("%", []),
            ("*", []),
        ],
    )
    def test_listdir(self, grown: BaseStore, path: str, expected: list[str]) -> None:
        assert grown.listdir(path) == expected

    @pytest.mark.parametrize("path", ["", "a", "a/x", "a/y", "a_b", "A", "b", "missing", "a/x/0.0"])
    def test_list_prefix(self, grown: BaseStore, path: str) -> None:
        expected = [key for key in self.tree if not path or key.startswith(f"{path}/")]
        assert sorted(grown.list_prefix(path)) == sorted(expected)

    @pytest.mark.parametrize("path", ["", "a", "a/x", "a/y", "a_b", "A", "b", "missing", "a/x/0.0"])
    def test_list_sizes(self, grown: BaseStore, path: str) -> None:
        prefix = f"{path}/" if path else ""
        expected = {k: len(v) for k, v in self.tree.items() if k.startswith(prefix)}
        found = list(grown.list_sizes(path))
        assert sorted(key for key, _ in found) == sorted(expected)
        assert all(size in (expected[key], -1) for key, size in found)

    @pytest.mark.parametrize("path", ["", "a", "a/x", "a/y", "a_b", "A", "b", "missing", "a/x/0.0"])
    def test_list_folders(self, grown: BaseStore, path: str) -> None:
        found = [
            f"{folder}/{name}".lstrip("/")
            for folder, names in grown.list_folders(path)
            for name in names
        ]
        assert sorted(found) == sorted(grown.list_prefix(path))

    @pytest.mark.parametrize("path", ["", "a", "a/x", "b", "missing", "a/x/0.0"])
    def test_keys_if_few(self, grown: BaseStore, path: str) -> None:
        """All keys below a path, or None, as where they are more."""
        prefix = f"{path}/" if path else ""
        expected = sorted(key for key in self.tree if key.startswith(prefix))
        for most in range(len(self.tree) + 2):
            found = grown.keys_if_few(path, most)
            assert found is None or (sorted(found) == expected and len(found) <= most)

    def test_get_ages(self, store: BaseStore) -> None:
        """Of what exists; a store need not know."""
        store.setitems({"a/b": b"1", "c": b"2"})
        ages = store.get_ages(iter(["a/b", "c", "d"]))
        assert set(ages) <= {"a/b", "c"}
        assert all(abs(age) < 3600 for age in ages.values())

    def test_sizes_of_many_keys(self, store: BaseStore) -> None:
        store.setitems({f"a/{n}": bytes(n % 7) for n in range(self.many)})
        found = dict(store.list_sizes("a"))
        assert found.keys() == {f"a/{n}" for n in range(self.many)}
        assert all(size in (int(key[2:]) % 7, -1) for key, size in found.items())

    @pytest.mark.parametrize("path", ["a", "a/x", "a/y", "a_b", "A", "a/x/0.0", "missing", "%"])
    def test_rmdir(self, grown: BaseStore, path: str) -> None:
        grown.rmdir(path)
        rest = {k: v for k, v in self.tree.items() if not k.startswith(f"{path}/")}
        assert sorted(grown) == sorted(rest)
        assert {k: bytes(v) for k, v in grown.getitems(list(self.tree)).items()} == rest
        assert grown.listdir(path) == []

    def test_rmdir_all(self, grown: BaseStore) -> None:
        grown.rmdir()
        assert list(grown) == [] and grown.listdir() == [] and len(grown) == 0
        grown["a/x"] = b"again"
        assert list(grown) == ["a/x"]

    @pytest.mark.parametrize(
        ("source", "target"),
        [
            ("a", "new"),
            ("a", "new/deeper/still"),
            ("a/x", "a/z"),
            ("a/x", "x"),
            ("a_b", "b/b"),
            ("a/x/0.0", "a/x/1.0"),
            ("a/x/0.0", "elsewhere/0.0"),
            (".zgroup", "b/.zgroup"),
            ("a/x/0.0", "a/x/0.1"),
            ("a", "a"),
            ("a/x/0.0", "a/x/0.0"),
            ("missing", "target"),
        ],
    )
    def test_rename(self, grown: BaseStore, source: str, target: str) -> None:
        grown.rename(source, target)
        moved = {k for k in self.tree if k == source or k.startswith(f"{source}/")}
        expected = {k: v for k, v in self.tree.items() if k not in moved}
        expected.update({target + k[len(source) :]: self.tree[k] for k in moved})
        assert sorted(grown) == sorted(expected)
        assert {k: bytes(v) for k, v in grown.items()} == expected
        parent, _, name = target.rpartition("/")
        assert (name in self._names(grown, parent)) == bool(moved)

    @pytest.mark.parametrize(
        ("path", "expected"),
        [("", 1), ("a", 2), ("a/x", 7), ("a/y", 1), ("a/y/c", 0), ("a/x/0.0", 4), ("missing", 0)],
    )
    def test_getsize(self, grown: BaseStore, path: str, expected: int) -> None:
        assert grown.getsize(path) in (expected, -1)

    # -- threads -------------------------------------------------------------------

    def _in_threads(self, work: Callable[[int], None], number: int = 8) -> None:
        start = Barrier(number)

        def run(n: int) -> None:
            start.wait()
            work(n)

        with ThreadPoolExecutor(number) as pool:
            list(pool.map(run, range(number)))

    def test_threads_write_and_read(self, store: BaseStore) -> None:
        def work(n: int) -> None:
            mine = {f"a/{n}/{m}": b"%d-%d" % (n, m) for m in range(25)}
            for key, value in list(mine.items())[:5]:
                store[key] = value
            store.setitems(mine)
            assert {k: bytes(v) for k, v in store.getitems(list(mine)).items()} == mine
            assert store.listdir(f"a/{n}") == sorted(str(m) for m in range(25))
            del store[f"a/{n}/0"]
            store.delitems([f"a/{n}/1"])

        self._in_threads(work)
        assert sorted(store) == sorted(f"a/{n}/{m}" for n in range(8) for m in range(2, 25))

    def test_threads_see_whole_values(self, store: BaseStore) -> None:
        whole = [bytes([n]) * 50_000 for n in range(4)]
        store["a/x"] = whole[0]

        def work(n: int) -> None:
            for _ in range(10):
                if n < 4:
                    store["a/x"] = whole[n]
                else:
                    values = (store["a/x"], store.getitems(["a/x"])["a/x"])
                    assert all(bytes(value) in whole for value in values)

        self._in_threads(work)

    # -- as an object --------------------------------------------------------------

    def test_equality(self, store: BaseStore) -> None:
        same = store
        assert store == same
        assert hash(store) == hash(same)
        assert hash(store.location) == hash(same.location)
        others: tuple[object, ...] = ({}, "store", None)
        assert all(store != other for other in others)

    def test_pickle(self, store: BaseStore) -> None:
        if not self.pickles:
            with pytest.raises((TypeError, pickle.PicklingError)):
                pickle.dumps(store)
            return
        store.setitems({"a/x": b"x" * 10, "a/y": b"y"})
        with pickle.loads(pickle.dumps(store)) as copy:
            assert type(copy) is type(store)
            assert copy._dimension_separator == store._dimension_separator
            assert {key: bytes(value) for key, value in copy.items()} == {
                "a/x": b"x" * 10,
                "a/y": b"y",
            }
            if self.pickle_shares:
                assert copy == store and copy.location == store.location
                assert hash(copy) == hash(store)
        assert bytes(store["a/x"]) == b"x" * 10

    def test_context_manager(self, store: BaseStore) -> None:
        with store as entered:
            assert entered is store
            store["a/x"] = b"x"
            assert bytes(store["a/x"]) == b"x"

    def test_close_twice(self, store: BaseStore) -> None:
        store["a/x"] = b"x"
        store.close()
        store.close()

    # -- against a dict ------------------------------------------------------------

    def test_state_machine(self, store: BaseStore) -> None:
        def emptied() -> BaseStore:
            store.clear()
            return store

        machine = store_machine(
            emptied,
            folders=self.folders,
            leaves=self.leaves,
            keeps_empty_folders=self.keeps_empty_folders,
            pickles=self.pickles,
        )
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=self.runs,
                stateful_step_count=self.steps,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                phases=(Phase.generate, Phase.shrink),
                database=None,
            ),
        )
