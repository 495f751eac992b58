"""Counts of what stores do.

In the block of :func:`traffic`, the methods of all classes of stores are replaced by others that
count; before and after it, nothing of this is there.
"""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from inspect import isfunction
from typing import Any, NamedTuple

from zarr._system import RLock
from zarr.storage.base import BaseStore, class_hooks
from zarr.tools.check_report import aligned

__all__ = ["Traffic", "VerbCount", "traffic"]

_SCHEMA = 1
"""Number of the schema of `to_json`: a change of what members mean raises it."""


def _nbytes(value: Any) -> int:
    try:
        return memoryview(value).nbytes
    except TypeError:  # which the store refuses
        return 0


def _total(values: Iterable[Any]) -> int:
    return sum(_nbytes(value) for value in values if value is not None)


def _one(first: Any, result: Any) -> int:
    return 1


def _given(first: Any, result: Any) -> int:
    return len(first)


def _returned(first: Any, result: Any) -> int:
    return len(result or ())


def _none(first: Any, result: Any) -> int:
    return 0


class _Kind(NamedTuple):
    """How what a method moves is counted.

    Attributes
    ----------
    keys : callable
        Returns the number of keys, given the first argument and what was returned.
    read : callable, optional
        Returns the bytes of what was returned. Without it, bytes are counted that the method reads
        by others.
    written : callable, optional
        Returns the bytes of what was stored, given all arguments.
    iterates : bool, default False
        Whether it returns an iterator, whose items are counted.
    """

    keys: Callable[[Any, Any], int]
    read: Callable[[Any], int] | None = None
    written: Callable[[Sequence[Any]], int] | None = None
    iterates: bool = False

    @property
    def moves(self) -> bool:
        """Whether the method itself returns or stores values."""
        return self.read is not None or self.written is not None

    def bytes_of(self, args: Sequence[Any], result: Any) -> tuple[int, int]:
        """Return the bytes that a call has read and written."""
        read = 0 if self.read is None or result is None else self.read(result)
        return read, 0 if self.written is None else self.written(args)


_READ_ONE = _Kind(_one, _nbytes)
_READ_MANY = _Kind(_given, lambda found: _total(found.values()))
_WRITE_ONE = _Kind(_one, written=lambda args: _nbytes(args[1]))
_WRITE_MANY = _Kind(_given, written=lambda args: _total(args[0].values()))
_ITERATE = _Kind(_none, iterates=True)

_VERBS = {
    "__getitem__": _READ_ONE,
    "getitems": _READ_MANY,
    "probe": _READ_MANY,
    "get_first": _READ_MANY,
    "get_partial_values": _Kind(_given, _total),
    "get_versioned_values": _Kind(_given, lambda found: _total(found[0])),
    "__setitem__": _WRITE_ONE,
    "setitems": _WRITE_MANY,
    "__contains__": _Kind(_one),
    "__delitem__": _Kind(_one),
    "delitems": _Kind(_given),
    "present": _Kind(_given),
    "copyitems": _Kind(_given),
    "get_ages": _Kind(_given),
    "__iter__": _ITERATE,
    "list_prefix": _ITERATE,
    "list_sizes": _ITERATE,
    "list_temporary": _ITERATE,
    "keys_if_few": _Kind(_none),
    "list_folders": _ITERATE,
    "listdir": _Kind(_returned),
    "__len__": _Kind(_none),
    "getsize": _Kind(_none),
    "rename": _Kind(_none),
    "rmdir": _Kind(_none),
}
"""The methods that are counted."""


@dataclass(frozen=True, slots=True)
class VerbCount:
    """How often a method of a store was called, and what it has moved.

    Attributes
    ----------
    calls : int
        Number of calls.
    keys : int
        Number of keys, or of ranges of bytes, that were asked for, written, deleted or listed.
    bytes_read : int
        Size of the values that were returned.
    bytes_written : int
        Size of the values that were stored.
    """

    calls: int = 0
    keys: int = 0
    bytes_read: int = 0
    bytes_written: int = 0

    def __add__(self, other: VerbCount) -> VerbCount:
        return VerbCount(
            self.calls + other.calls,
            self.keys + other.keys,
            self.bytes_read + other.bytes_read,
            self.bytes_written + other.bytes_written,
        )


class Traffic:
    """What stores did in the block of a ``with`` statement; printed as a table.

    Obtained from :func:`traffic`. What stores call of their own methods is not counted again.
    Stores in front of other stores, such as `LRUStoreCache`, are counted in `stores` only: the
    totals are those of the stores that hold the data. What happens in a transaction is counted
    when it happens, as done by the store that the transaction is on; the commit, which moves
    values to their places, is not counted.

    Examples
    --------
    >>> import zarr
    >>> z = zarr.array(range(100), chunks=10)
    >>> with zarr.traffic() as seen:
    ...     total = z[:35].sum()
    >>> seen.calls, seen.keys
    (1, 4)
    >>> seen.verbs['getitems'].bytes_read == seen.bytes_read
    True
    """

    def __init__(self) -> None:
        self._lock = RLock()
        self._counts: dict[tuple[Any, str], VerbCount] = {}
        self._names: dict[Any, tuple[str, bool]] = {}

    def _note(self, store: BaseStore, verb: str, count: VerbCount) -> None:
        if count == VerbCount():
            return
        where = type(store), store.location
        with self._lock:
            if where not in self._names:
                self._names[where] = repr(store), store.forwards
            self._counts[where, verb] = self._counts.get((where, verb), VerbCount()) + count

    def _snapshot(self) -> dict[tuple[Any, str], VerbCount]:
        with self._lock:
            return dict(self._counts)

    @property
    def verbs(self) -> dict[str, VerbCount]:
        """Counts by name of the method, of the stores that hold the data."""
        found: dict[str, VerbCount] = {}
        for (where, verb), count in sorted(self._snapshot().items(), key=lambda item: item[0][1]):
            if not self._names[where][1]:
                found[verb] = found.get(verb, VerbCount()) + count
        return found

    @property
    def stores(self) -> list[tuple[str, dict[str, VerbCount]]]:
        """All stores, as text, each with its counts by name of the method."""
        found: dict[Any, dict[str, VerbCount]] = {}
        for (where, verb), count in self._snapshot().items():
            found.setdefault(where, {})[verb] = count
        return [(self._names[where][0], counts) for where, counts in found.items()]

    def of(self, store: BaseStore) -> dict[str, VerbCount]:
        """Return the counts of one store.

        Parameters
        ----------
        store : BaseStore
            The store.

        Returns
        -------
        dict of str to VerbCount
            By name of the method; empty if nothing happened.

        Examples
        --------
        >>> import zarr
        >>> z = zarr.ones(100, chunks=10)
        >>> with zarr.traffic() as seen:
        ...     z[:] = 5
        >>> list(seen.of(z.store))
        ['setitems']
        """
        here = type(store), store.location
        return {verb: count for (where, verb), count in self._snapshot().items() if where == here}

    @property
    def total(self) -> VerbCount:
        """The sum of :attr:`verbs`."""
        return sum(self.verbs.values(), VerbCount())

    @property
    def calls(self) -> int:
        """Number of calls."""
        return self.total.calls

    @property
    def keys(self) -> int:
        """Number of keys, or of ranges of bytes, in all calls."""
        return self.total.keys

    @property
    def bytes_read(self) -> int:
        """Size of the values that were read."""
        return self.total.bytes_read

    @property
    def bytes_written(self) -> int:
        """Size of the values that were written."""
        return self.total.bytes_written

    def to_dict(self) -> dict[str, Any]:
        """Return the counts, as JSON has them.

        Returns
        -------
        dict
            With the number of its schema.
        """
        return {
            "schema": _SCHEMA,
            **asdict(self.total),
            "verbs": {verb: asdict(count) for verb, count in self.verbs.items()},
            "stores": [
                {"store": store, "verbs": {verb: asdict(count) for verb, count in counts.items()}}
                for store, counts in self.stores
            ],
        }

    def to_json(self) -> str:
        """Return :meth:`to_dict` as a JSON document.

        Returns
        -------
        str
            JSON.
        """
        return json.dumps(self.to_dict(), indent=2)

    def __str__(self) -> str:
        rows: list[tuple[str, ...]] = [("verb", "calls", "keys", "bytes read", "bytes written")]
        for verb, count in [*self.verbs.items(), ("total", self.total)]:
            rows.append((verb, *(f"{n:,}" for n in asdict(count).values())))
        return "\n".join(aligned(rows))

    __repr__ = __str__


@contextmanager
def traffic() -> Iterator[Traffic]:
    """Count what stores do in the block of a ``with`` statement.

    All stores are counted, in all threads of the process; blocks can be nested. Outside of such
    blocks, counting costs nothing.

    Yields
    ------
    Traffic
        The counts, complete when the block has ended.

    Examples
    --------
    >>> import zarr
    >>> z = zarr.zeros(100, chunks=10, compressor=None)
    >>> with zarr.traffic() as seen:
    ...     z[:] = 7
    >>> seen.verbs['setitems']
    VerbCount(calls=1, keys=10, bytes_read=0, bytes_written=800)
    """
    counts = Traffic()
    _watch.add(counts)
    try:
        yield counts
    finally:
        _watch.remove(counts)


class _Calls(threading.local):
    """Inside of which methods of stores a thread is."""

    def __init__(self) -> None:
        self.inside: dict[int, str] = {}

    @contextmanager
    def inside_of(self, store: BaseStore, verb: str) -> Iterator[None]:
        outer = self.inside.get(id(store))
        self.inside[id(store)] = verb if outer is None else outer
        try:
            yield
        finally:
            if outer is None:
                del self.inside[id(store)]


_calls = _Calls()


class _Watch:
    """Those who count, and the methods that are replaced for them."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._counting: tuple[Traffic, ...] = ()
        self._counted: dict[tuple[str, Any], Any] = {}
        self._inherited: list[tuple[type, str]] = []

    def add(self, counts: Traffic) -> None:
        with self._lock:
            self._counting = (*self._counting, counts)
            if len(self._counting) == 1:
                self._replace(BaseStore)

    def remove(self, counts: Traffic) -> None:
        with self._lock:
            self._counting = tuple(known for known in self._counting if known is not counts)
            if not self._counting:
                self._restore(BaseStore)

    def note(self, store: BaseStore, verb: str, count: VerbCount) -> None:
        for counts in self._counting:
            counts._note(store, verb, count)

    def _replace(self, cls: type) -> None:
        """Make the methods of a class, and of those that inherit from it, count."""
        for verb in _VERBS:
            function = getattr(cls, verb)
            if function in self._counted.values() or not isfunction(function):
                continue
            if verb not in vars(cls):
                self._inherited.append((cls, verb))
            if (verb, function) not in self._counted:
                self._counted[verb, function] = _counting_method(verb, function)
            setattr(cls, verb, self._counted[verb, function])
        subclass: type
        for subclass in cls.__subclasses__():
            self._replace(subclass)

    def replace_new(self, cls: type) -> None:
        with self._lock:
            if self._counting:
                self._replace(cls)

    def _restore(self, cls: type) -> None:
        for known, verb in self._inherited:
            delattr(known, verb)
        self._inherited.clear()
        self._restore_own(cls, {method: key for key, method in self._counted.items()})
        self._counted.clear()

    def _restore_own(self, cls: type, originals: Mapping[Any, tuple[str, Any]]) -> None:
        for name, method in list(vars(cls).items()):
            if isfunction(method) and method in originals:
                setattr(cls, name, originals[method][1])
        subclass: type
        for subclass in cls.__subclasses__():
            self._restore_own(subclass, originals)


_watch = _Watch()
class_hooks.append(_watch.replace_new)


def _counting_method(verb: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method that does what `function` does, and counts."""
    kind = _VERBS[verb]

    @functools.wraps(function)
    def counted(self: BaseStore, *args: Any, **kwargs: Any) -> Any:
        store = _counted_store(self)
        outer = _calls.inside.get(id(store))
        if outer is not None:
            result = function(self, *args, **kwargs)
            if not _VERBS[outer].moves:
                read, written = kind.bytes_of([*args, *kwargs.values()], result)
                _watch.note(store, outer, VerbCount(0, 0, read, written))
            return result
        if kind.keys is _given and args and not isinstance(args[0], Mapping):
            args = (list(args[0]), *args[1:])  # it may be an iterator
        result = None
        try:
            with _calls.inside_of(store, verb):
                result = function(self, *args, **kwargs)
        finally:
            given = [*args, *kwargs.values()]
            keys = kind.keys(given[0] if given else (), result)
            _watch.note(store, verb, VerbCount(1, keys, *kind.bytes_of(given, result)))
        return _iterated(store, verb, result) if kind.iterates else result

    return counted


def _counted_store(store: BaseStore) -> BaseStore:
    """Return the store whose counts include those of `store`: that of a transaction, or itself."""
    while store._counted_as is not None:
        store = store._counted_as
    return store


def _iterated(store: BaseStore, verb: str, items: Iterable[Any]) -> Iterator[Any]:
    """Iterate over `items`, and count them."""
    iterator = iter(items)
    while True:
        is_outermost = id(store) not in _calls.inside
        try:
            with _calls.inside_of(store, verb):
                item = next(iterator)
        except StopIteration:
            return
        if is_outermost:
            _watch.note(store, verb, VerbCount(keys=1))
        yield item
