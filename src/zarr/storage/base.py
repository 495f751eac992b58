"""What a store is: five mapping methods, and batch, range and list verbs with defaults.

A back end subclasses :class:`BaseStore`, implements the five methods of a
``MutableMapping`` and overrides the verbs that it can do faster. Facts about a store are
class attributes; nobody asks a store what methods it has.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, ClassVar, Literal, Self, TypeAlias

from zarr.errors import ReadOnlyError, StoreKeyError

__all__ = ["BaseStore", "Buffer", "ByteRange", "KVStore", "Store", "as_store"]

Buffer: TypeAlias = Any
"""Anything with the buffer protocol: bytes, bytearray, memoryview, a contiguous array."""

ByteRange: TypeAlias = tuple[int, int | None]
"""``(start, length)`` in bytes; no length means up to the end, a negative start counts
from the end."""

Separator: TypeAlias = Literal[".", "/"]


def normalize_storage_path(path: str | bytes | None) -> str:
    """Return `path` without leading, trailing or doubled slashes.

    Parameters
    ----------
    path : str, bytes or None
        Logical path of a node; backslashes count as slashes.

    Returns
    -------
    str
        ``''`` for the root.

    Raises
    ------
    ValueError
        If a segment is ``.`` or ``..``.

    Examples
    --------
    >>> from zarr.storage import normalize_storage_path
    >>> normalize_storage_path('/foo//bar/')
    'foo/bar'
    """
    if not path:
        return ""
    text = path.decode("ascii") if isinstance(path, bytes) else str(path)
    if "/" not in text and "\\" not in text and text not in (".", ".."):
        return text
    segments = [s for s in text.replace("\\", "/").split("/") if s]
    if "." in segments or ".." in segments:
        raise ValueError(f"path {text!r} must not contain the segments '.' or '..'")
    return "/".join(segments)


def check_key(key: object) -> str:
    """Return `key` if it is one that every store may hold, else raise `StoreKeyError`."""
    if not isinstance(key, str):
        raise StoreKeyError(f"store keys are strings, not {type(key).__name__}: {key!r}")
    segments = key.split("/")
    if "" in segments or "." in segments or ".." in segments or "\0" in key:
        raise StoreKeyError(f"invalid store key {key!r}: it is empty or would leave the store")
    return key


def as_bytes(value: Buffer) -> bytes:
    """Return the bytes of `value`, copied unless they are `bytes`; `TypeError` if it has none."""
    # Not bytes(value): that makes zeros of an integer, and of an array without dimensions.
    return value if type(value) is bytes else memoryview(value).tobytes()


def as_view(value: Buffer) -> memoryview:
    """Return a flat view of the bytes of `value`; raise `TypeError` if it has none."""
    view = memoryview(value)
    return view.cast("B") if view.c_contiguous and view.nbytes else memoryview(view.tobytes())


def take_range(value: Buffer, byte_range: ByteRange) -> bytes:
    """Return the bytes of `value` that `byte_range` selects."""
    start, length = byte_range
    view = as_view(value)
    if start < 0:
        start = max(0, len(view) + start)
    stop = len(view) if length is None else start + length
    return bytes(view[start:stop])


_VERBS = {
    "__getitem__": ("getitems", "get_partial_values"),
    "getitems": ("get_partial_values",),
    "get_partial_values": ("get_versioned_values",),
    "__setitem__": ("setitems",),
    "__delitem__": ("delitems",),
}
"""The verbs whose defaults go through another method, by that method."""


def _age(cls: type, name: str) -> int:
    """Return how many classes further up `cls` has its attribute `name` from."""
    return next(age for age, base in enumerate(cls.__mro__) if name in base.__dict__)


class BaseStore(MutableMapping[str, Buffer]):
    """A flat mapping of string keys to bytes, with verbs for many keys at a time.

    Keys are segments joined by ``/``. A missing key raises `KeyError` from a single read
    and is left out of the answer of a batch read; any other failure raises something
    else. Stored values are never changed by later changes of the caller's buffer. All
    methods may be called from several threads.

    Attributes
    ----------
    threads : int
        How many threads are worth working on a selection, however few processors there
        are: more than one for a store that is far away, because threads mostly wait for it.
    partial_reads : bool
        Whether :meth:`get_partial_values` moves fewer bytes than reading whole values.
    default_version : int or None
        Format of new arrays and groups for which none is given.
    is_view : bool
        Whether what is stored is something else, which only looks like a format of Zarr.
    """

    threads: ClassVar[int] = 1
    partial_reads: ClassVar[bool] = False
    default_version: ClassVar[int | None] = None
    is_view: ClassVar[bool] = False
    _dimension_separator: Separator | None = None
    _mode: str = "a"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        # A class that overrides a method for one key means all keys: a verb for many that
        # it inherits would pass it by.
        super().__init_subclass__(**kwargs)
        for method, verbs in _VERBS.items():
            for verb in verbs:
                if _age(cls, method) < _age(cls, verb):
                    setattr(cls, verb, getattr(BaseStore, verb))
        if cls.get_partial_values is BaseStore.get_partial_values:
            cls.partial_reads = False

    # -- five methods to implement -------------------------------------------------

    @abstractmethod
    def __getitem__(self, key: str) -> Buffer: ...

    @abstractmethod
    def __setitem__(self, key: str, value: Buffer) -> None: ...

    @abstractmethod
    def __delitem__(self, key: str) -> None: ...

    @abstractmethod
    def __iter__(self) -> Iterator[str]: ...

    def __len__(self) -> int:
        return sum(1 for _ in self)

    # -- facts ---------------------------------------------------------------------

    @property
    def location(self) -> Hashable:
        """Where the data are: equal for two stores exactly if they share their data.

        Locks are kept per location, so that every handle on one place excludes the
        others. The default knows nothing better than this object itself.
        """
        return id(self)

    def is_readable(self) -> bool:
        """Whether values can be read."""
        return True

    def is_writeable(self) -> bool:
        """Whether values can be written."""
        return self._mode != "r"

    def is_listable(self) -> bool:
        """Whether keys can be listed."""
        return True

    def is_erasable(self) -> bool:
        """Whether keys can be deleted."""
        return self.is_writeable()

    def check_writeable(self) -> None:
        """Raise `ReadOnlyError` unless values can be written."""
        if not self.is_writeable():
            raise ReadOnlyError

    def check_document(self, key: str, document: Buffer) -> None:
        """Raise unless the store can hold the metadata `document` at `key`.

        Asked before anything is changed to make room for it. Most stores take anything.
        """

    # -- batch verbs ---------------------------------------------------------------

    def getitems(self, keys: Sequence[str]) -> dict[str, Buffer]:
        """Return the values of those `keys` that exist."""
        found = {}
        for key in keys:
            try:
                found[key] = self[key]
            except KeyError:
                continue
        return found

    def present(self, keys: Sequence[str]) -> list[str]:
        """Return those of `keys` that exist, in their order."""
        found = self.getitems(keys)
        return [key for key in keys if key in found]

    def getfirst(self, keys: Sequence[str]) -> dict[str, Buffer]:
        """Return the value of the first of `keys` that exists; of more, if that is as cheap."""
        if type(self).getitems is not BaseStore.getitems:
            return self.getitems(keys)
        for key in keys:
            try:
                return {key: self[key]}
            except KeyError:
                continue
        return {}

    def get_partial_values(self, ranges: Sequence[tuple[str, ByteRange]]) -> list[Buffer | None]:
        """Return one range of bytes per item of `ranges`; None where the key is missing.

        Parameters
        ----------
        ranges : sequence of (key, (start, length))
            Bytes; a length of None means up to the end, a negative start counts from
            the end. A range that passes the end of the value is cut there.

        Notes
        -----
        Where a store can, all ranges of a value come from the same version of it, if they
        follow each other in `ranges`.
        """
        values = self.getitems(list(dict.fromkeys(key for key, _ in ranges)))
        return [
            take_range(values[key], byte_range) if key in values else None
            for key, byte_range in ranges
        ]

    def get_versioned_values(
        self, ranges: Sequence[tuple[str, ByteRange]]
    ) -> tuple[list[Buffer | None], dict[str, str]]:
        """Return what :meth:`get_partial_values` does, and which versions that comes from.

        Returns
        -------
        values : list
        versions : dict
            Of those keys of which the store knows it, text that no value with other contents
            ever has at this key. All ranges of such a key come from that version.
        """
        return self.get_partial_values(ranges), {}

    def setitems(self, items: Mapping[str, Buffer]) -> None:
        """Store every value of `items`."""
        for key, value in items.items():
            self[key] = value

    def delitems(self, keys: Iterable[str]) -> None:
        """Delete those `keys` that exist."""
        for key in keys:
            with suppress(KeyError):
                del self[key]

    # -- hierarchy verbs -----------------------------------------------------------

    def list_prefix(self, path: str = "") -> Iterator[str]:
        """Yield every key below `path`, in no particular order."""
        prefix = f"{path}/" if path else ""
        return (key for key in list(self) if key.startswith(prefix))

    def listdir(self, path: str = "") -> list[str]:
        """Return the sorted names of keys and folders directly below `path`."""
        skip = len(path) + 1 if path else 0
        return sorted({key[skip:].partition("/")[0] for key in self.list_prefix(path)})

    def rmdir(self, path: str = "") -> None:
        """Delete the key `path`, if there is one, and every key below it."""
        keys = list(self.list_prefix(path))
        self.delitems([*keys, path] if path else keys)

    def clear(self) -> None:
        """Delete everything."""
        self.rmdir("")

    def rename(self, src_path: str, dst_path: str) -> None:
        """Move the value at `src_path` and all below it to `dst_path`."""
        if src_path == dst_path:
            return
        keys = list(self.list_prefix(src_path))
        if src_path in self:
            keys.append(src_path)
        for key in keys:
            self[dst_path + key[len(src_path) :]] = self[key]
        self.delitems(keys)

    def getsize(self, path: str = "") -> int:
        """Return the bytes stored at `path` and directly below it, or -1 if unknown.

        Values in folders below are not counted, as in the 2.x library.
        """
        if path and path in self:
            return memoryview(self[path]).nbytes
        prefix = f"{path}/" if path else ""
        keys = [f"{prefix}{name}" for name in self.listdir(path)]
        return sum(memoryview(v).nbytes for v in self.getitems(keys).values())

    # -- life cycle ----------------------------------------------------------------

    def close(self) -> None:
        """Release what the store holds open. The default holds nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # A mapping compares by content by default, which would read a whole store.
    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.location == other.location

    def __hash__(self) -> int:
        return hash((type(self), self.location))


Store = BaseStore


class KVStore(BaseStore):
    """A store in any ``MutableMapping`` of strings to bytes.

    Verbs that the mapping brings along (``getitems``, ``setitems``, ``delitems``,
    ``listdir``, ``rmdir``, ``rename``, ``getsize``, ``close``) are used in place of the
    defaults.

    Parameters
    ----------
    mutablemapping : MutableMapping
        For instance a dict.

    Examples
    --------
    >>> import zarr
    >>> from zarr.storage import KVStore
    >>> store = KVStore({})
    >>> z = zarr.zeros(10, chunks=5, store=store)
    >>> z[:5] = 42
    >>> sorted(store)
    ['.zarray', '0']
    """

    def __init__(self, mutablemapping: MutableMapping[str, Buffer]) -> None:
        self._mutable_mapping = mutablemapping
        self._adopt_verbs(mutablemapping)

    def _adopt_verbs(self, mapping: MutableMapping[str, Buffer]) -> None:
        # The one place where a foreign object is asked what it can do: once, at the door.
        for verb in ("setitems", "delitems", "listdir", "rmdir", "rename", "getsize", "close"):
            method = getattr(mapping, verb, None)
            if callable(method):
                setattr(self, verb, method)
        self._dimension_separator = getattr(mapping, "_dimension_separator", None)

    @property
    def location(self) -> Hashable:
        return id(self._mutable_mapping)

    def __getitem__(self, key: str) -> Buffer:
        return self._mutable_mapping[key]

    def __setitem__(self, key: str, value: Buffer) -> None:
        self._mutable_mapping[key] = as_bytes(value)

    def __delitem__(self, key: str) -> None:
        del self._mutable_mapping[key]

    def __contains__(self, key: object) -> bool:
        return key in self._mutable_mapping

    def __iter__(self) -> Iterator[str]:
        # A copy, because the mapping may change while somebody iterates.
        return iter(list(self._mutable_mapping))

    def __len__(self) -> int:
        return len(self._mutable_mapping)

    def getitems(self, keys: Sequence[str]) -> dict[str, Buffer]:
        if type(self._mutable_mapping) is not dict:
            return super().getitems(keys)
        get = self._mutable_mapping.get
        return {key: value for key in keys if (value := get(key)) is not None}

    def __eq__(self, other: object) -> bool:
        # What is in memory is equal when it holds the same: a pickle's copy equals the original.
        return isinstance(other, KVStore) and self._mutable_mapping == other._mutable_mapping

    __hash__ = BaseStore.__hash__

    def __getstate__(self) -> MutableMapping[str, Buffer]:
        return self._mutable_mapping

    def __setstate__(self, mapping: MutableMapping[str, Buffer]) -> None:
        self._mutable_mapping = mapping
        self._adopt_verbs(mapping)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._mutable_mapping!r:.60}>"


def as_store(store: Any) -> BaseStore:
    """Return `store` itself if it is one, else wrap the mapping it is.

    Raises
    ------
    TypeError
        If it is neither.
    """
    # Half of what `isinstance` costs for an abstract class, and each node asks twice.
    if BaseStore in type(store).__mro__:
        return store  # type: ignore[no-any-return]
    if isinstance(store, MutableMapping):
        return KVStore(store)
    raise TypeError(f"expected a store, a MutableMapping or a path, not {type(store).__name__}")
