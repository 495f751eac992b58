"""The coroutines of stores, as code for the 3.x library calls them.

Some verbs have one name in both generations. Where the arguments do not tell which is meant, the
result serves both: keys that can be iterated over with ``for`` and with ``async for``, a value or
a number that can be awaited.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import (
    AsyncIterator,
    Callable,
    Coroutine,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from functools import partial, wraps
from importlib import import_module
from inspect import isasyncgenfunction, iscoroutinefunction
from typing import TYPE_CHECKING, Any, ClassVar, Self

from zarr.errors import ReadOnlyError, named_after

if TYPE_CHECKING:
    from zarr.abc.buffer import Buffer, BufferPrototype
    from zarr.abc.store import ByteRequest

__all__ = ["ROUTES", "CoroutineVerbs", "is_asynchronous", "serve_both"]

ROUTES: Mapping[str, tuple[str, ...]] = {
    "get": (
        "__getitem__",
        "getitems",
        "probe",
        "get_first",
        "present",
        "get_partial_values",
        "keys_if_few",
    ),
    "set": ("__setitem__", "setitems"),
    "delete": ("__delitem__", "delitems"),
    "exists": ("__contains__",),
    "list": ("__iter__", "keys_if_few"),
    "list_dir": ("listdir",),
    "delete_dir": ("rmdir",),
}
"""The coroutines that a subclass may override, with the verbs that call them then."""


def is_asynchronous(function: object) -> bool:
    """Return whether a function is a coroutine or an asynchronous generator."""
    return iscoroutinefunction(function) or isasyncgenfunction(function)


def _loop() -> Any:
    """Return the module that needs `asyncio`, which nothing else imports."""
    return import_module("zarr.storage.event_loop")


def _is_in_loop() -> bool:
    """Return whether coroutines of stores call, which must not wait for other coroutines."""
    module = sys.modules.get("zarr.storage.event_loop")
    return module is not None and module.is_in_loop()


def _as_buffer(value: Any, prototype: Any) -> Any:
    if value is None:
        return None
    wanted = prototype or import_module("zarr.buffer").default_buffer_prototype()
    view = memoryview(value)
    return wanted.buffer.from_bytes(view.cast("B") if view.nbytes else b"")


def as_range(request: Any) -> tuple[int, int | None]:
    """Return start and length of the bytes that a ByteRequest of the 3.x library selects."""
    match type(request).__name__:
        case "RangeByteRequest":
            return request.start, request.end - request.start
        case "OffsetByteRequest":
            return request.offset, None
        case "SuffixByteRequest":
            return -request.suffix, None
    if request is None:
        return 0, None
    raise TypeError(f"Unexpected byte_range, got {request!r}")


class _Finished(Coroutine[Any, Any, None]):
    """A coroutine that has ended already, and need not be awaited."""

    def send(self, value: Any) -> Any:
        raise StopIteration

    def throw(self, typ: Any, val: Any = None, tb: Any = None) -> Any:
        raise typ

    def close(self) -> None:
        """Do nothing."""

    def __await__(self) -> Generator[Any, Any, None]:
        yield from ()


class _Value(bytes, Coroutine[Any, Any, Any]):
    """A value, which is also a coroutine that returns a buffer with it."""

    def send(self, value: Any) -> Any:
        raise StopIteration(_as_buffer(bytes(self), None))

    def throw(self, typ: Any, val: Any = None, tb: Any = None) -> Any:
        raise typ

    def close(self) -> None:
        """Do nothing."""

    def __await__(self) -> Generator[Any, Any, Any]:
        yield from ()
        return _as_buffer(bytes(self), None)

    def __reduce__(self) -> Any:
        return bytes, (bytes(self),)


class _Size(int):
    """A size in bytes, which can be awaited."""

    _place: tuple[Any, str]

    def __await__(self) -> Generator[Any, Any, int]:
        yield from ()
        store, key = self._place
        if self < 1 and key not in store:
            raise FileNotFoundError(key)
        return int(self)


class _Keys(Iterator[str]):
    """Keys for both kinds of loops."""

    def __init__(self, method: Callable[[Any, str], Any], store: Any, prefix: str) -> None:
        self._method, self._store, self._prefix = method, store, prefix
        self._begun: Iterator[str] | None = None

    def __iter__(self) -> Iterator[str]:  # noqa: PYI034 (that of the store, which is faster)
        if self._begun is None:
            self._begun = iter(self._found())
        return self._begun

    def __next__(self) -> str:
        return next(iter(self))

    def _found(self) -> Iterable[str]:
        if not is_asynchronous(self._method):
            return self._method(self._store, self._prefix)  # type: ignore[no-any-return]
        folder = f"{self._prefix}/" if self._prefix else ""
        collected = _loop().collected
        found: list[str] = _loop().run(lambda: collected(self._method(self._store, folder)))
        return found

    async def __aiter__(self) -> AsyncIterator[str]:
        if is_asynchronous(self._method):
            async for key in self._method(self._store, self._prefix):
                yield key
            return
        folder = self._prefix.rpartition("/")[0]
        plain = self._store._as_plain
        keys = await self._store._aside(lambda: list(self._method(plain, folder)))
        for key in keys:
            if key.startswith(self._prefix):
                yield key


def _list_prefix(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def list_prefix(self: Any, path: str = "") -> Any:
        return _Keys(method, self, path)

    return list_prefix


def _getsize(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def getsize(self: Any, path: str = "") -> Any:
        if _is_in_loop():
            return self._size_of(partial(method, self, path), path)
        size = _Size(method(self, path))
        size._place = self, path
        return size

    return getsize


def _clear(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def clear(self: Any) -> Any:
        if _is_in_loop():
            return self._aside(method, self)
        method(self)
        return _Finished()

    return clear


def _get_partial_values(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def get_partial_values(
        self: Any, ranges: Any = None, key_ranges: Any = None, *, prototype: Any = None
    ) -> Any:
        if key_ranges is None:
            return method(self, ranges)
        return self._get_buffers(prototype or ranges, list(key_ranges))

    return get_partial_values


_SERVED = {
    "clear": _clear,
    "get_partial_values": _get_partial_values,
    "getsize": _getsize,
    "list_prefix": _list_prefix,
}


def serve_both(cls: type) -> None:
    """Make the methods that `cls` defines usable by code of both generations."""
    for name, wrap in _SERVED.items():
        method = vars(cls).get(name)
        # A decorator copies attributes: only what refers to itself was wrapped here.
        if callable(method) and getattr(method, "_served", None) is not method:
            served: Any = wrap(method)
            served._served = served
            setattr(cls, name, served)


@named_after("zarr.storage", "BaseStore")
class CoroutineVerbs:
    """What a store has for code for the 3.x library, over its other methods."""

    _has_coroutines: ClassVar[bool] = True
    _plain: ClassVar[Any]  # the class whose other methods do the work
    _is_routed: ClassVar[bool] = False  # whether other methods call coroutines
    _blocks: ClassVar[bool] = True  # whether they may have to wait for anything
    _mode: str

    @property
    def _as_plain(self) -> Any:
        """The same store, whose methods call no coroutines that a subclass overrides."""
        if type(self) is self._plain:
            return self
        plain = object.__new__(self._plain)
        plain.__dict__ = self.__dict__
        return plain

    async def _aside(self, function: Callable[..., Any], *args: Any) -> Any:
        if self._blocks:
            return await _loop().in_thread(function, *args)
        return function(*args)

    # -- facts -----------------------------------------------------------------------

    @property
    def read_only(self) -> bool:
        """Whether nothing can be written."""
        return self._mode == "r"

    @read_only.setter
    def read_only(self, value: bool) -> None:
        self._mode = "r" if value else "a"

    def with_read_only(self, read_only: bool = False) -> Self:
        """Return a store on the same data that can be written, or not.

        The parameters and return value are those of :meth:`zarr.abc.store.Store.with_read_only`.
        """
        other = copy.copy(self)
        other._mode = "r" if read_only else "a"
        return other

    @property
    def supports_writes(self) -> bool:
        """Whether values can be written."""
        return True

    @property
    def supports_deletes(self) -> bool:
        """Whether values can be deleted."""
        return True

    @property
    def supports_listing(self) -> bool:
        """Whether keys can be listed."""
        return bool(self.is_listable())  # type: ignore[attr-defined]

    @property
    def supports_partial_writes(self) -> bool:
        """Whether parts of values can be written: never."""
        return False

    @property
    def supports_consolidated_metadata(self) -> bool:
        """Whether consolidated metadata are useful in this store."""
        return True

    def _check_writable(self) -> None:
        if self.read_only:
            raise ReadOnlyError(f"{self!r} is read-only")

    # -- life cycle ------------------------------------------------------------------

    @classmethod
    async def open(cls, *args: Any, **kwargs: Any) -> Self:
        """Return a new store.

        Parameters
        ----------
        *args
            Positional parameters of the class.
        **kwargs
            Other parameters of the class.

        Returns
        -------
        BaseStore
            The store.
        """
        return cls(*args, **kwargs)

    @property
    def _is_open(self) -> bool:
        return True

    async def _ensure_open(self) -> None:
        """Do nothing: stores are open."""

    # -- reading ---------------------------------------------------------------------

    def get(
        self,
        key: str,
        default: Any = None,
        byte_range: ByteRequest | None = None,
        *,
        prototype: BufferPrototype | None = None,
    ) -> Any:
        """Return a value, or a default if there is none; or a coroutine that reads a value.

        Parameters
        ----------
        key : str
            The key.
        default : object, optional
            What to return if there is no such key. If it is a `BufferPrototype`, the method is the
            coroutine of the 3.x library.
        byte_range : ByteRequest, optional
            Which bytes to return, for the coroutine. All by default.
        prototype : BufferPrototype, optional
            The class of the buffer to return, for the coroutine.

        Returns
        -------
        bytes-like or Coroutine
            The value, which can be awaited for a `Buffer`; or with a `prototype` or a `byte_range`,
            a coroutine that returns a `Buffer`, None if there is no such key.
        """
        prototype = default if hasattr(type(default), "nd_buffer") else prototype
        if prototype is not None or byte_range is not None:
            return self._get_buffer(key, prototype, byte_range)
        try:
            value = self[key]  # type: ignore[index]
        except KeyError:
            return default
        return _Value(value) if isinstance(value, (bytes, memoryview)) else value

    async def _get_buffer(self, key: str, prototype: Any, byte_range: Any) -> Any:
        value = await self._aside(self._plain_value, key, byte_range)
        return _as_buffer(value, prototype)

    async def _get_buffers(self, prototype: Any, requests: Sequence[tuple[str, Any]]) -> list[Any]:
        found: list[Any] = await self._aside(self._buffers, prototype, requests)
        return found

    def _buffers(self, prototype: Any, requests: Sequence[tuple[str, Any]]) -> list[Any]:
        ranges = [(key, as_range(byte_range)) for key, byte_range in requests]
        values = self._as_plain.get_partial_values(ranges)
        return [_as_buffer(value, prototype) for value in values]

    def _plain_value(self, key: str, byte_range: Any) -> Any:
        if byte_range is not None:
            return self._as_plain.get_partial_values([(key, as_range(byte_range))])[0]
        try:
            return self._as_plain.__getitem__(key)
        except KeyError:
            return None

    async def get_ranges(
        self,
        key: str,
        byte_ranges: Sequence[ByteRequest | None],
        *,
        prototype: BufferPrototype,
        **limits: int,
    ) -> AsyncIterator[Sequence[tuple[int, Buffer | None]]]:
        """Iterate over ranges of one value, which are read at once.

        Other parameters are those of :meth:`zarr.abc.store.Store.get_ranges`.

        Parameters
        ----------
        **limits
            How requests may be merged. Not used.

        Yields
        ------
        sequence of (int, Buffer)
            Positions in `byte_ranges`, and the bytes.
        """
        yield await self._aside(self._numbered_ranges, key, byte_ranges, prototype)

    def get_ranges_sync(
        self,
        key: str,
        byte_ranges: Sequence[ByteRequest | None],
        *,
        prototype: BufferPrototype,
        max_gap_bytes: int | None = None,
        max_coalesced_bytes: int | None = None,
    ) -> Sequence[tuple[int, Buffer | None]]:
        """Return ranges of one value, which are read at once.

        The parameters and return value are those of
        :meth:`zarr.abc.store.Store.get_ranges_sync`.
        """
        return self._numbered_ranges(key, byte_ranges, prototype)

    def _numbered_ranges(
        self, key: str, byte_ranges: Sequence[Any], prototype: Any
    ) -> list[tuple[int, Any]]:
        found = self._buffers(prototype, [(key, part) for part in byte_ranges])
        if any(part is None for part in found):
            raise FileNotFoundError(key)
        return list(enumerate(found))

    def get_sync(
        self,
        key: str,
        *,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Return a value, or some of its bytes, as a buffer.

        Parameters
        ----------
        key : str
            The key.
        prototype : BufferPrototype, optional
            The class of the buffer to return.
        byte_range : ByteRequest, optional
            Which bytes to return. All by default.

        Returns
        -------
        Buffer or None
            The bytes; None if there is no such key.
        """
        return _as_buffer(self._plain_value(key, byte_range), prototype)  # type: ignore[no-any-return]

    async def exists(self, key: str) -> bool:
        """Return whether there is a value.

        The parameters and return value are those of :meth:`zarr.abc.store.Store.exists`.
        """
        return bool(await self._aside(self._as_plain.__contains__, key))

    async def _size_of(self, measure: Callable[[], int], key: str) -> int:
        size = await self._aside(measure)
        if size < 1 and not await self.exists(key):
            raise FileNotFoundError(key)
        return int(size)

    async def getsize_prefix(self, prefix: str) -> int:
        """Return the size of all values below a path.

        The parameters and return value are those of :meth:`zarr.abc.store.Store.getsize_prefix`.
        """
        path = prefix.strip("/")
        sizes = partial(self._as_plain.list_sizes, path)
        return sum([size for _, size in await self._aside(lambda: list(sizes()))])

    async def is_empty(self, prefix: str) -> bool:
        """Return whether there is no key below a path.

        The parameters and return value are those of :meth:`zarr.abc.store.Store.is_empty`.
        """
        keys = partial(self._as_plain.list_prefix, prefix.strip("/"))
        return await self._aside(lambda: next(keys(), None)) is None

    # -- writing ---------------------------------------------------------------------

    def set_sync(self, key: str, value: Buffer) -> None:
        """Store a value.

        Parameters
        ----------
        key : str
            The key.
        value : Buffer
            The value.

        Raises
        ------
        TypeError
            If the value is no `Buffer`.
        """
        self._check_writable()
        if not hasattr(value, "as_buffer_like"):
            raise TypeError(
                f"{type(self).__name__}.set(): `value` must be a Buffer instance. Got an instance "
                f"of {type(value)} instead."
            )
        self._as_plain.__setitem__(key, value.as_buffer_like())

    def delete_sync(self, key: str) -> None:
        """Delete a value. A missing key is ignored.

        Parameters
        ----------
        key : str
            The key.
        """
        self._check_writable()
        self._as_plain.delitems([key])

    async def set(self, key: str, value: Buffer, byte_range: None = None) -> None:
        """Store a value.

        Parameters
        ----------
        key : str
            The key.
        value : Buffer
            The value.
        byte_range : None
            Not supported.

        Raises
        ------
        TypeError
            If the value is no `Buffer`.
        """
        await self._aside(CoroutineVerbs.set_sync, self, key, value)

    async def set_if_not_exists(self, key: str, value: Buffer) -> None:
        """Store a value unless there is one.

        The parameters are those of :meth:`zarr.abc.store.Store.set_if_not_exists`.
        """
        self._check_writable()
        if not await self.exists(key):
            await self.set(key, value)

    async def delete(self, key: str) -> None:
        """Delete a value. A missing key is ignored.

        The parameters are those of :meth:`zarr.abc.store.Store.delete`.
        """
        await self._aside(CoroutineVerbs.delete_sync, self, key)

    async def delete_dir(self, prefix: str) -> None:
        """Delete all keys below a path.

        The parameters are those of :meth:`zarr.abc.store.Store.delete_dir`.
        """
        self._check_writable()
        await self._aside(self._as_plain.rmdir, prefix.strip("/"))

    async def _set_many(self, values: Iterable[tuple[str, Buffer]]) -> None:
        for key, value in values:
            await self.set(key, value)

    # -- listing ---------------------------------------------------------------------

    async def list(self) -> AsyncIterator[str]:
        """Iterate over all keys.

        Yields
        ------
        str
            The keys, in undefined order.
        """
        for key in await self._aside(lambda: [*self._as_plain.__iter__()]):
            yield key

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """Iterate over the names of keys and folders directly below a path.

        The parameters are those of :meth:`zarr.abc.store.Store.list_dir`.

        Yields
        ------
        str
            The names, sorted.
        """
        for name in await self._aside(self._as_plain.listdir, prefix.strip("/")):
            yield name
