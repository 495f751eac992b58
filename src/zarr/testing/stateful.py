"""A hypothesis state machine that applies the same operations to a store and a dict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pickle import dumps, loads

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from zarr.storage.base import BaseStore, ByteRange
from zarr.testing.strategies import FOLDERS, LEAVES, byte_ranges, store_keys, store_paths, values

__all__ = ["cut", "store_machine"]


def cut(value: bytes, byte_range: ByteRange) -> bytes:
    """Return the part of `value` that `byte_range` means."""
    start, length = byte_range
    begin = max(0, len(value) + start) if start < 0 else start
    return value[begin:] if length is None else value[begin : begin + length]


def _below(keys: Sequence[str], path: str) -> set[str]:
    return {key for key in keys if not path or key.startswith(path + "/")}


def store_machine(
    make_store: Callable[[], BaseStore],
    *,
    folders: Sequence[str] = FOLDERS,
    leaves: Sequence[str] = LEAVES,
    keeps_empty_folders: bool = False,
    pickles: bool = False,
) -> type[RuleBasedStateMachine]:
    """Return a state machine that compares a store with a dict, method by method.

    Parameters
    ----------
    make_store : callable
        Called without arguments at the start of every run; returns an empty store.
    folders, leaves : sequence of str, optional
        Names of which keys consist, as for :func:`store_keys`.
    keeps_empty_folders : bool, default False
        Whether ``listdir`` can return folders whose values have been deleted.
    pickles : bool, default False
        Whether runs continue sometimes with a copy of the store from a pickle.

    Returns
    -------
    type
        A `hypothesis.stateful.RuleBasedStateMachine`: run it with
        `hypothesis.stateful.run_state_machine_as_test`, or use its ``TestCase``.

    Examples
    --------
    >>> from hypothesis import HealthCheck, settings
    >>> from hypothesis.stateful import run_state_machine_as_test
    >>> from zarr.storage import MemoryStore
    >>> from zarr.testing import store_machine
    >>> run_state_machine_as_test(
    ...     store_machine(MemoryStore),
    ...     settings=settings(max_examples=5, suppress_health_check=list(HealthCheck)),
    ... )
    """
    keys = store_keys(folders, leaves)
    # Mostly keys that exist: random ones hardly ever meet a value.
    known = st.runner().flatmap(lambda machine: st.sampled_from(sorted(machine.model) or ["0"]))
    some_keys = keys | known
    paths = store_paths(folders)
    known_paths = known.map(lambda key: key.rpartition("/")[0])
    some_paths = paths | known_paths | some_keys
    batch = st.lists(some_keys, max_size=8)

    class StoreMachine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.model: dict[str, bytes] = {}
            self.store = make_store()
            self.copies: list[BaseStore] = []

        @rule(key=some_keys, value=values())
        def set(self, key: str, value: bytes) -> None:
            self.store[key] = value
            self.model[key] = value

        @rule(items=st.dictionaries(some_keys, values(), max_size=8))
        def setitems(self, items: dict[str, bytes]) -> None:
            self.store.setitems(items)
            self.model.update(items)

        @rule(key=some_keys)
        def get(self, key: str) -> None:
            if key in self.model:
                assert key in self.store
                assert bytes(self.store[key]) == self.model[key]
            else:
                assert key not in self.store
                try:
                    value = self.store[key]
                except KeyError:
                    return
                raise AssertionError(f"absent key {key!r} has the value {value!r}")

        @rule(keys=batch)
        def getitems(self, keys: list[str]) -> None:
            found = {key: bytes(value) for key, value in self.store.getitems(keys).items()}
            assert found == {key: self.model[key] for key in keys if key in self.model}

        @rule(ranges=st.lists(st.tuples(some_keys, byte_ranges()), max_size=8))
        def get_partial_values(self, ranges: list[tuple[str, ByteRange]]) -> None:
            found = self.store.get_partial_values(ranges)
            assert [None if part is None else bytes(part) for part in found] == [
                cut(self.model[key], byte_range) if key in self.model else None
                for key, byte_range in ranges
            ]

        @rule(key=some_keys)
        def delete(self, key: str) -> None:
            try:
                del self.store[key]
            except KeyError:
                assert key not in self.model
            else:
                del self.model[key]

        @rule(keys=batch)
        def delitems(self, keys: list[str]) -> None:
            self.store.delitems(keys)
            for key in keys:
                self.model.pop(key, None)

        @rule(path=some_paths)
        def list_prefix(self, path: str) -> None:
            assert sorted(self.store.list_prefix(path)) == sorted(_below([*self.model], path))

        @rule(path=some_paths)
        def listdir(self, path: str) -> None:
            skip = len(path) + 1 if path else 0
            wanted = {key[skip:].partition("/")[0] for key in _below([*self.model], path)}
            names = self.store.listdir(path)
            assert names == sorted(names)
            if keeps_empty_folders:
                assert not any(self._below_name(path, name) for name in {*names} - wanted)
                names = [name for name in names if name in wanted]
            assert names == sorted(wanted)

        def _below_name(self, path: str, name: str) -> list[str]:
            return list(self.store.list_prefix(f"{path}/{name}" if path else name))

        @rule(path=some_paths)
        def getsize(self, path: str) -> None:
            if path in self.model:
                expected = len(self.model[path])
            else:
                depth = path.count("/") + 1 if path else 0
                expected = sum(
                    len(self.model[key])
                    for key in _below([*self.model], path)
                    if key.count("/") == depth
                )
            assert self.store.getsize(path) in (expected, -1)

        @rule(path=some_paths)
        def rmdir(self, path: str) -> None:
            self.store.rmdir(path)
            for key in _below([*self.model], path):
                del self.model[key]

        @rule(source=known, goal=some_keys)
        def rename_value(self, source: str, goal: str) -> None:
            self.store.rename(source, goal)
            if source in self.model:
                self.model[goal] = self.model.pop(source)

        @precondition(lambda self: any("/" in key for key in self.model))
        @rule(source=known_paths, goal=paths)
        def rename_folder(self, source: str, goal: str) -> None:
            if not source or not goal or f"{goal}/".startswith(f"{source}/"):
                return
            if _below([*self.model], goal):  # what then happens is the store's affair
                return
            self.store.rename(source, goal)
            for key in _below([*self.model], source):
                self.model[goal + key[len(source) :]] = self.model.pop(key)

        @precondition(lambda _: pickles)
        @rule()
        def pickle(self) -> None:
            self.store = loads(dumps(self.store))
            self.copies.append(self.store)

        @invariant()
        def same_number(self) -> None:
            assert len(self.store) == len(self.model)

        def teardown(self) -> None:
            assert sorted(self.store) == sorted(self.model)
            found = self.store.getitems(sorted(self.model))
            assert {key: bytes(value) for key, value in found.items()} == self.model
            for copy in self.copies:
                copy.close()

    return StoreMachine
