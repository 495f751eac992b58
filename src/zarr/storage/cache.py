"""A cache in memory for a slow store."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import (
    Callable,
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    Sequence,
)
from typing import Any

from zarr._system import RLock
from zarr.errors import StorePermissionError
from zarr.storage.base import BaseStore, Buffer, ByteRange, as_bytes, take_range
from zarr.storage.resolve import normalize_store_arg
from zarr.sync import renew_after_fork

__all__ = ["LRUStoreCache"]

Part = tuple[str, ByteRange | None]
"""What is cached: a key, and a range of bytes of its value, or None for all of it."""


class LRUStoreCache(BaseStore):
    """A store that caches the most recently used values of another store in memory.

    Changes made through the cache are seen through the cache. Changes that others make to the
    underlying store are seen only after `invalidate`.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str
        The store to read from and write to.
    max_size : int or None
        Maximum size in bytes of the values in memory, without the keys; None for no limit.

    Attributes
    ----------
    hits, misses : int
        Numbers of values that were found in memory, and that were read from the store.

    Notes
    -----
    Thread-safe. A pickle contains the store, but no cached values.

    Examples
    --------
    >>> import zarr
    >>> store = zarr.MemoryStore()
    >>> z = zarr.zeros(10, chunks=5, store=store)
    >>> z[:] = 42
    >>> cache = zarr.LRUStoreCache(store, max_size=2**20)
    >>> z = zarr.open_array(cache, mode='r')
    >>> int(z[0]), int(z[1])
    (42, 42)
    >>> cache.hits, cache.misses
    (1, 2)
    """

    forwards = True

    def __init__(
        self, store: BaseStore | MutableMapping[str, Any] | str, max_size: int | None
    ) -> None:
        self._store = normalize_store_arg(store, mode="a")
        self._max_size = max_size
        self._dimension_separator = self._store._dimension_separator
        self._mode = self._store._mode
        # Facts about the store underneath are facts about this one.
        self.threads = self._store.threads  # type: ignore[misc]
        self.partial_reads = self._store.partial_reads  # type: ignore[misc]
        self.is_view = self._store.is_view  # type: ignore[misc]
        self.atomic_folders = self._store.atomic_folders  # type: ignore[misc]
        self.frees_space = self._store.frees_space  # type: ignore[misc]
        if self.default_version is None:
            self.default_version = self._store.default_version  # type: ignore[misc]
        self.hits = self.misses = 0
        renew_after_fork(self)

    def _renew(self) -> None:
        self._lock = RLock()
        # Keys that have been written, or None for all. Told before and after a write by a
        # method of C, into which no interrupt can come; heeded before anything is used.
        self._written: deque[str | None] = deque()
        self._clear_values()
        self._clear_keys()

    def _clear_values(self) -> None:
        self._values: OrderedDict[Part, bytes] = OrderedDict()
        self._parts: dict[str, set[Part]] = {}
        self._size = 0
        # Keys being fetched. A write takes them out, so that a value fetched before the
        # write but arriving after it is not kept.
        self._fetching: dict[str, object] = {}

    def _clear_keys(self) -> None:
        self._keys: frozenset[str] | None = None
        self._listings: dict[str, list[str]] = {}
        self._key_changes = object()

    @property
    def location(self) -> Hashable:
        return self._store.location

    @property
    def source(self) -> BaseStore:
        return self._store.source

    def address(self, path: str = "") -> tuple[Hashable, str]:
        return self._store.address(path)

    def is_readable(self) -> bool:
        return self._store.is_readable()

    def is_writeable(self) -> bool:
        return self._store.is_writeable()

    def is_listable(self) -> bool:
        return self._store.is_listable()

    def is_erasable(self) -> bool:
        return self._store.is_erasable()

    def check_document(self, key: str, document: Buffer) -> None:
        self._store.check_document(key, document)

    def as_read(self, key: str, document: Buffer) -> Buffer:
        return self._store.as_read(key, document)

    # -- forgetting ----------------------------------------------------------------

    def invalidate(self) -> None:
        """Discard all cached values and keys, so that they are read from the store again."""
        with self._lock:
            self._clear_values()
            self._clear_keys()

    def invalidate_values(self) -> None:
        """Discard all cached values."""
        with self._lock:
            self._clear_values()

    def invalidate_keys(self) -> None:
        """Discard the cached list of keys."""
        with self._lock:
            self._clear_keys()

    def _forget_written(self) -> None:
        """Forget what has been written; called with the lock held."""
        if not self._written:
            return
        self._clear_keys()
        while self._written:
            key = self._written[0]
            if key is None:
                self._clear_values()
            else:
                self._fetching.pop(key, None)
                for part in list(self._parts.get(key, ())):
                    self._drop(part)
            self._written.popleft()  # last: an interrupt leaves it to the next call

    def _drop(self, part: Part) -> None:
        value = self._values.pop(part, b"")
        self._size -= len(value)
        parts = self._parts.get(part[0], set())
        parts.discard(part)
        if not parts:
            self._parts.pop(part[0], None)

    # -- values --------------------------------------------------------------------

    def _cached(self, part: Part) -> bytes | None:
        if part not in self._values:  # not `get`: see KVStore.getitems
            return None
        self._values.move_to_end(part)
        return self._values[part]

    def _keep(self, part: Part, value: bytes) -> None:
        if self._max_size is not None and len(value) > self._max_size:
            return
        self._drop(part)
        self._parts.setdefault(part[0], set()).add(part)  # first, or a write might not find it
        self._values[part] = value
        self._size += len(value)
        while self._max_size is not None and self._size > self._max_size:
            self._drop(next(iter(self._values)))

    def _fetch(
        self, keys: Iterable[str], fetch: Callable[[], Iterable[tuple[Part, Buffer]]]
    ) -> dict[Part, bytes]:
        """Return what `fetch` finds, and cache the values that have not been written meanwhile."""
        with self._lock:
            # Two may fetch the same key: the one that started last may keep it.
            self._forget_written()
            tokens = {key: object() for key in keys}
            self._fetching.update(tokens)
        found: dict[Part, bytes] = {}
        try:
            found = {part: as_bytes(value) for part, value in fetch()}
        finally:
            with self._lock:
                self._forget_written()
                self.misses += len(found)
                self._keep_fetched(found, tokens)
        return found

    def _keep_fetched(self, found: Mapping[Part, bytes], tokens: Mapping[str, object]) -> None:
        for part, value in found.items():
            if self._fetching.get(part[0]) is tokens[part[0]]:
                self._keep(part, value)
        for key, token in tokens.items():
            if self._fetching.get(key) is token:
                del self._fetching[key]

    def __getitem__(self, key: str) -> bytes:
        found = LRUStoreCache.getitems(self, (key,))
        if key not in found:
            raise KeyError(key)
        return found[key]  # type: ignore[no-any-return]

    def getitems(self, keys: Sequence[str], *, contexts: Any = None) -> dict[str, Buffer]:
        values = self._cached_parts(_wholes(keys))
        wanted = [key for key in dict.fromkeys(keys) if (key, None) not in values]
        if wanted:
            values |= self._fetch(wanted, lambda: _as_parts(self._store.getitems(wanted)))
        return {key: values[key, None] for key in keys if (key, None) in values}

    def probe(self, keys: Sequence[str]) -> dict[str, Buffer]:
        found = {key: value for (key, _), value in self._cached_parts(_wholes(keys)).items()}
        wanted = [key for key in dict.fromkeys(keys) if key not in found]
        try:
            fetched = self._fetch(wanted, lambda: _as_parts(self._store.probe(wanted)))
        except StorePermissionError:
            if not found:
                raise
            return found
        return found | {key: value for (key, _), value in fetched.items()}

    def get_partial_values(self, ranges: Sequence[tuple[str, ByteRange]]) -> list[Buffer | None]:
        if not self.partial_reads:
            return super().get_partial_values(ranges)
        values = self._cached_parts(ranges)
        wanted = [part for part in dict.fromkeys(ranges) if part not in values]

        def fetch() -> Iterator[tuple[Part, Buffer]]:
            fetched = self._store.get_partial_values(wanted)
            return ((p, v) for p, v in zip(wanted, fetched, strict=True) if v is not None)

        if wanted:
            values |= self._fetch([key for key, _ in wanted], fetch)
        return [values.get(part) for part in ranges]

    def _cached_parts(self, parts: Iterable[Part]) -> dict[Part, bytes]:
        with self._lock:
            self._forget_written()
            return self._take(parts)

    def _take(self, parts: Iterable[Part]) -> dict[Part, bytes]:
        values: dict[Part, bytes] = {}
        for part in parts:
            key, byte_range = part
            value = self._cached(part)
            if value is None and byte_range is not None:
                whole = self._cached((key, None))
                value = None if whole is None else take_range(whole, byte_range)
            if value is not None:
                values[part] = value
                self.hits += 1
        return values

    def __contains__(self, key: object) -> bool:
        with self._lock:
            self._forget_written()
            if self._keys is not None:
                return key in self._keys
            if (key, None) in self._values:
                return True
        return key in self._store

    # What is written is not kept: it would outlive what others write right after it.

    def __setitem__(self, key: str, value: Buffer) -> None:
        self._written.append(key)
        try:
            self._store[key] = value
        finally:  # whatever a failed write has left
            self._written.append(key)

    def setitems(self, items: Mapping[str, Buffer]) -> None:
        self._written.extend(items)
        try:
            self._store.setitems(items)
        finally:
            self._written.extend(items)

    def __delitem__(self, key: str) -> None:
        self._written.append(key)
        try:
            del self._store[key]
        finally:
            self._written.append(key)

    def delitems(self, keys: Iterable[str]) -> None:
        keys = list(keys)
        self._written.extend(keys)
        try:
            self._store.delitems(keys)
        finally:
            self._written.extend(keys)

    # -- keys ----------------------------------------------------------------------

    def _all_keys(self) -> frozenset[str]:
        with self._lock:
            self._forget_written()
            keys, before = self._keys, self._key_changes
        if keys is None:
            keys = frozenset(self._store)
            with self._lock:
                self._forget_written()
                if before is self._key_changes:
                    self._keys = keys
        return keys

    def __iter__(self) -> Iterator[str]:
        return iter(self._all_keys())

    def __len__(self) -> int:
        return len(self._all_keys())

    def list_prefix(self, path: str = "") -> Iterator[str]:
        with self._lock:
            self._forget_written()
            known = self._keys is not None
        if not known:
            return self._store.list_prefix(path)
        return super().list_prefix(path)

    def list_sizes(self, path: str = "") -> Iterator[tuple[str, int]]:
        return self._store.list_sizes(path)

    def list_temporary(self, path: str = "") -> Iterator[tuple[str, int, float]]:
        return self._store.list_temporary(path)

    def get_ages(self, keys: Iterable[str]) -> dict[str, float]:
        return self._store.get_ages(keys)

    def listdir(self, path: str = "") -> list[str]:
        with self._lock:
            self._forget_written()
            names, before = self._listings.get(path), self._key_changes
        if names is None:
            names = self._store.listdir(path)
            with self._lock:
                self._forget_written()
                if before is self._key_changes:
                    self._listings[path] = names
        return list(names)

    def getsize(self, path: str = "") -> int:
        return self._store.getsize(path)

    def rmdir(self, path: str = "") -> None:
        self._written.append(None)
        try:
            self._store.rmdir(path)
        finally:
            self._written.append(None)

    def rename(self, src_path: str, dst_path: str) -> None:
        self._written.append(None)
        try:
            self._store.rename(src_path, dst_path)
        finally:
            self._written.append(None)

    # -- as an object ----------------------------------------------------------------

    def close(self) -> None:
        self._store.close()

    def __reduce__(self) -> Any:
        return type(self), (self._store, self._max_size)

    def explain_absence(self, path: str) -> str:
        return self._store.explain_absence(path)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._size} bytes of {self._store!r}>"


def _wholes(keys: Iterable[str]) -> list[Part]:
    return [(key, None) for key in keys]


def _as_parts(values: Mapping[str, Buffer]) -> list[tuple[Part, Buffer]]:
    return [((key, None), value) for key, value in values.items()]
