"""Stores that are used through coroutines: those of the 3.x library, and subclasses of ours.

A batch is one coroutine in the event loop for stores (`event_loop`): its requests run side by
side, no more at a time than the setting ``async.concurrency`` allows.
"""

from __future__ import annotations

from collections.abc import (
    Awaitable,
    Callable,
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar, TypeVar

from zarr import config
from zarr.abc.store import OffsetByteRequest, RangeByteRequest, Store, SuffixByteRequest
from zarr.buffer import default_buffer_prototype
from zarr.config import Unchosen
from zarr.errors import ReadOnlyError, StoreError, StorePermissionError, StoreTypeError
from zarr.storage.base import BaseStore, Buffer, ByteRange, as_bytes, check_key, take_range
from zarr.storage.coroutines import to_its_end
from zarr.storage.event_loop import collected, gathered, run
from zarr.storage.identity import identity_of
from zarr.storage.remote import failure

__all__ = ["ForeignStore", "Routed"]

T = TypeVar("T")
R = TypeVar("R")

_PROTOTYPE = default_buffer_prototype()


def _is_absence(error: Exception, key: str) -> bool:
    """Tell whether an error of a store says that `key` is absent, instead of None as it should."""
    return isinstance(error, FileNotFoundError) or (
        isinstance(error, KeyError) and error.args == (key,)
    )


def _failed(verb: str, key: str, store: object, error: Exception) -> Exception:
    """Return the error to raise when a coroutine of a store has raised `error`."""
    if isinstance(error, (StoreError, ReadOnlyError)):
        return error
    kind = StorePermissionError if isinstance(error, PermissionError) else StoreError
    named = failure(verb, key, store, error, kind)
    if not _is_of_a_package(type(error)):
        return named
    try:
        failed = _of_both(kind, type(error))(*named.args)
    except TypeError:  # classes that are written in another language do not go together with ours
        if str(named) not in getattr(error, "__notes__", ()):  # a store may raise it once more
            error.add_note(str(named))
        return error
    failed.__dict__.update(error.__dict__)
    return failed


def _is_of_a_package(raised: type[Exception]) -> bool:
    """Tell whether errors of a class can be told from the built-in ones.

    One that is also a `KeyError`, say, would be taken for the absence of a value.
    """
    plain = {object, BaseException, Exception, RuntimeError}
    builtin = {base for base in raised.__mro__ if base.__module__ == "builtins"}
    return raised not in plain and builtin <= plain


def _of_both(kind: type[StoreError], raised: type[Exception]) -> type[StoreError]:
    """Return a class of errors that who expects either of the two classes catches."""
    members = {
        "__module__": kind.__module__,
        "__qualname__": kind.__qualname__,
        "__doc__": kind.__doc__,
        "__reduce__": lambda error: (kind, error.args),  # another process has no such class
    }
    return type(kind.__name__, (kind, raised), members)


def _bytes_of(value: Any) -> Buffer:
    """Return the bytes of a buffer of the 3.x library, or of what is none but has bytes."""
    return value.as_buffer_like() if hasattr(value, "as_buffer_like") else value


def _as_request(byte_range: ByteRange) -> Any:
    """Return what the 3.x library calls a range."""
    start, length = byte_range
    if start < 0:
        return SuffixByteRequest(-start)
    return OffsetByteRequest(start) if length is None else RangeByteRequest(start, start + length)


def _each(
    store: BaseStore,
    verb: str,
    request: Callable[[Any, str, T], Awaitable[R]],
    items: Iterable[tuple[str, T]],
) -> list[R]:
    """Return what the coroutine `request` returns for each key and item, side by side."""

    async def named(item: tuple[str, T]) -> R:
        try:
            return await request(store._coroutines, *item)
        except Exception as error:  # noqa: BLE001 (whatever a store raises)
            failed = _failed(verb, item[0], store, error)
            raise failed from (None if failed is error else error)

    checked = [(check_key(key), item) for key, item in items]
    return run(partial(gathered, named, checked, config.get("async.concurrency")))


async def _get_up_to_end(store: Any, key: str, byte_range: ByteRange, error: Exception) -> Any:
    """Return what a range has of a value that may end before it, which is an `error` to some.

    If the value is longer than that, there was another reason, and `error` is raised.
    """
    size = await _size(store, key, None)
    start, length = byte_range
    if start < 0 and -start > size >= 0:
        return await store.get(key, _PROTOTYPE, None)
    if start < 0 or size < 0 or (start < size and start + (length or 0) <= size):
        raise error
    if start >= size:
        return _PROTOTYPE.buffer.from_bytes(b"")
    return await store.get(key, _PROTOTYPE, OffsetByteRequest(start))


async def _get(store: Any, key: str, byte_range: ByteRange | None) -> Buffer | None:
    request = None if byte_range is None else _as_request(byte_range)
    try:
        value = await store.get(key, _PROTOTYPE, request)
    except Exception as error:
        if _is_absence(error, key):
            return None
        if byte_range is None or isinstance(error, (PermissionError, StoreError)):
            raise
        value = await _get_up_to_end(store, key, byte_range, error)
    if value is None:
        return None
    found = _bytes_of(value)
    if byte_range is not None and byte_range[0] < 0:
        return take_range(found, byte_range)  # a suffix may be longer than what is wanted
    return found


async def _set(store: Any, key: str, value: bytes) -> None:
    await to_its_end(store.set(key, _PROTOTYPE.buffer.from_bytes(value)))


async def _delete(store: Any, key: str, _: None) -> None:
    with suppress(FileNotFoundError):
        await to_its_end(store.delete(key))


async def _exists(store: Any, key: str, _: None) -> bool:
    return bool(await store.exists(key))


async def _size(store: Any, key: str, _: None) -> int:
    try:
        return int(await store.getsize(key))
    except (FileNotFoundError, KeyError):
        return -1


def _whole(
    store: BaseStore, verb: str, path: str, make: Callable[[], Awaitable[T]], absent: T
) -> T:
    """Return the result of one coroutine about all that is below `path`."""

    async def named() -> T:
        try:
            return await make()
        except FileNotFoundError:
            return absent
        except Exception as error:  # noqa: BLE001 (whatever a store raises)
            failed = _failed(verb, path, store, error)
            raise failed from (None if failed is error else error)

    return run(named)


class Routed(BaseStore):
    """The verbs of a store that call the coroutines of `_coroutines`.

    A subclass of one of our stores that overrides coroutines has those of them that are concerned.
    """

    # -- reading ---------------------------------------------------------------------

    def __getitem__(self, key: str) -> Buffer:
        value = _each(self, "read", _get, [(key, None)])[0]
        if value is None:
            raise KeyError(key)
        return value

    def getitems(self, keys: Sequence[str], *, contexts: Any = None) -> dict[str, Buffer]:
        values = _each(self, "read", _get, [(key, None) for key in keys])
        return {key: value for key, value in zip(keys, values, strict=True) if value is not None}

    def get_partial_values(self, ranges: Sequence[tuple[str, ByteRange]]) -> list[Buffer | None]:
        return _each(self, "read", _get, ranges)

    def __contains__(self, key: object) -> bool:
        try:
            name = check_key(key)
        except ValueError:
            return False
        return _each(self, "look for", _exists, [(name, None)])[0]

    # -- writing ---------------------------------------------------------------------

    def __setitem__(self, key: str, value: Buffer) -> None:
        self.setitems({key: value})

    def setitems(self, items: Mapping[str, Buffer]) -> None:
        self.check_writeable()
        # Copies, because a store may keep what it is given.
        _each(self, "write", _set, [(key, as_bytes(value)) for key, value in items.items()])

    def __delitem__(self, key: str) -> None:
        self.check_writeable()
        if key not in self:  # deleting does not say whether there was a value
            raise KeyError(key)
        self.delitems([key])

    def delitems(self, keys: Iterable[str]) -> None:
        self.check_writeable()
        _each(self, "delete", _delete, [(key, None) for key in keys])

    def rmdir(self, path: str = "") -> None:
        self.check_writeable()
        if getattr(type(self._coroutines), "delete_dir", None) is Store.delete_dir:
            super().rmdir(path)  # several at a time, metadata first
            return
        whole = self._coroutines.delete_dir
        _whole(self, "delete", path, lambda: to_its_end(whole(path)), None)

    # -- listing ---------------------------------------------------------------------

    def __iter__(self) -> Iterator[str]:
        return iter(_whole(self, "list", "", lambda: collected(self._coroutines.list()), []))

    def listdir(self, path: str = "") -> list[str]:
        listing = partial(self._coroutines.list_dir, path)
        names: list[str] = _whole(self, "list", path, lambda: collected(listing()), [])
        return sorted({name.strip("/") for name in names} - {""})


class ForeignStore(Routed):
    """A store of the 3.x library as a store of this one.

    Parameters
    ----------
    store : zarr.abc.store.Store
        The store.
    """

    threads: ClassVar[int] = 4
    partial_reads: ClassVar[bool] = True
    default_version: ClassVar[int | None] = Unchosen(3)
    rare_formats: ClassVar[bool] = False
    documents_first: ClassVar[bool] = True

    def __init__(self, store: Store) -> None:
        self._store = store
        self._identity = identity_of(store)

    @classmethod
    def of(cls, store: Any) -> ForeignStore:
        """Return a store for a `Store` of the 3.x library.

        Parameters
        ----------
        store : zarr.abc.store.Store
            The store.

        Returns
        -------
        ForeignStore
            A view of it.

        Raises
        ------
        StoreTypeError
            If it is no such store.
        """
        if not isinstance(store, Store):
            raise StoreTypeError(
                f"expected a store, a MutableMapping or a path, not {type(store).__name__}"
            )
        return cls(store)

    def __reduce__(self) -> Any:
        return ForeignStore, (self._store,)

    def __repr__(self) -> str:
        shown = " ".join(str(self._store).split())  # of some it has several lines
        return f"<{type(self._store).__name__}: {shown:.100}>"

    @property
    def given(self) -> Store:
        """The store of the 3.x library."""
        return self._store

    @property
    def _coroutines(self) -> Any:
        return self._store

    @property
    def location(self) -> Hashable:
        return self._identity.number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ForeignStore) and bool(self._store == other._store)

    __hash__ = BaseStore.__hash__

    # -- facts -----------------------------------------------------------------------

    @property  # type: ignore[misc]
    def read_only(self) -> bool:
        """Whether nothing can be written."""
        return bool(self._store.read_only)

    def with_read_only(self, read_only: bool = False) -> ForeignStore:
        return ForeignStore(self._store.with_read_only(read_only))

    def is_writeable(self) -> bool:
        return not self._store.read_only and bool(self._store.supports_writes)

    def is_erasable(self) -> bool:
        return self.is_writeable() and bool(self._store.supports_deletes)

    def is_listable(self) -> bool:
        return bool(self._store.supports_listing)

    # -- what is below a path ----------------------------------------------------------

    def list_prefix(self, path: str = "") -> Iterator[str]:
        prefix = f"{path}/" if path else ""
        listing = partial(self._store.list_prefix, prefix)
        found: list[str]
        try:
            found = _whole(self, "list", path, lambda: collected(listing()), [])
        except StoreError:
            if self.listdir(path):
                raise
            found = []  # some refuse to list below what does not exist
        return (key for key in found if key.startswith(prefix))

    def list_sizes(self, path: str = "") -> Iterator[tuple[str, int]]:
        keys = [*self.list_prefix(path)]
        sizes = _each(self, "measure", _size, [(key, None) for key in keys])
        return (pair for pair in zip(keys, sizes, strict=True) if pair[1] >= 0)

    def getsize(self, path: str = "") -> int:
        if path and (size := _each(self, "measure", _size, [(path, None)])[0]) >= 0:
            return size
        prefix = f"{path}/" if path else ""
        keys = [(f"{prefix}{name}", None) for name in self.listdir(path)]
        return sum(size for size in _each(self, "measure", _size, keys) if size >= 0)

    def close(self) -> None:
        """Close the store."""
        self._store.close()
