"""Stores as code for the 3.x library defines and calls them: with coroutines.

A subclass of :class:`Store` can be passed wherever a store is expected. The stores of
`zarr.storage` are instances of it, too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Protocol, Self, TypeAlias, runtime_checkable

from zarr.abc.buffer import Buffer, BufferPrototype
from zarr.errors import ReadOnlyError

__all__ = [
    "ByteGetter", "ByteRequest", "ByteSetter", "OffsetByteRequest", "RangeByteRequest", "Store",
    "SuffixByteRequest", "SupportsDeleteSync", "SupportsGetSync", "SupportsSetSync",
    "SupportsSyncStore", "SyncByteGetter", "SyncByteSetter", "set_or_delete",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class RangeByteRequest:
    """A request for the bytes of a value between two positions.

    Parameters
    ----------
    start : int
        Position of the first byte.
    end : int
        Position after the last byte.

    Examples
    --------
    >>> from zarr.abc.store import RangeByteRequest
    >>> RangeByteRequest(0, 100)
    RangeByteRequest(start=0, end=100)
    """

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class OffsetByteRequest:
    """A request for the bytes of a value from a position on.

    Parameters
    ----------
    offset : int
        Position of the first byte.

    Examples
    --------
    >>> from zarr.abc.store import OffsetByteRequest
    >>> OffsetByteRequest(100)
    OffsetByteRequest(offset=100)
    """

    offset: int


@dataclass(frozen=True, slots=True)
class SuffixByteRequest:
    """A request for the last bytes of a value.

    Parameters
    ----------
    suffix : int
        Number of bytes.

    Examples
    --------
    >>> from zarr.abc.store import SuffixByteRequest
    >>> SuffixByteRequest(16)
    SuffixByteRequest(suffix=16)
    """

    suffix: int


ByteRequest: TypeAlias = RangeByteRequest | OffsetByteRequest | SuffixByteRequest


class Store(ABC):
    """A store whose methods are coroutines, to be subclassed.

    Parameters
    ----------
    read_only : bool, default False
        Whether nothing can be written.

    Notes
    -----
    All coroutines of all such stores run in one event loop, in a thread of its own, if they are
    called by arrays and groups.

    Examples
    --------
    >>> import zarr
    >>> from zarr.storage import WrapperStore
    >>> class Loud(WrapperStore):
    ...     async def get(self, key, prototype, byte_range=None):
    ...         print('get', key)
    ...         return await super().get(key, prototype, byte_range)
    >>> z = zarr.create_array(zarr.MemoryStore(), data=[1.0, 2.0], chunks=2)
    >>> zarr.open_array(Loud(z.store), zarr_format=3)[0]
    get zarr.json
    get c/0
    np.float64(1.0)
    """

    _read_only: bool = False
    _is_open: bool = False

    def __init__(self, *, read_only: bool = False) -> None:
        self._is_open = False
        self._read_only = read_only

    @classmethod
    def __subclasshook__(cls, other: type) -> Any:
        # Stores of `zarr.storage` have all that this class has, and are no subclasses of it
        # so that `import zarr` needs none of it.
        if cls is Store and any("_has_coroutines" in vars(base) for base in other.__mro__):
            return True
        return NotImplemented

    # -- life cycle ------------------------------------------------------------------

    @classmethod
    async def open(cls, *args: Any, **kwargs: Any) -> Self:
        """Return a new store, opened.

        Parameters
        ----------
        *args
            Positional parameters of the class.
        **kwargs
            Other parameters of the class.

        Returns
        -------
        Store
            The store.
        """
        store = cls(*args, **kwargs)
        await store._open()
        return store

    async def _open(self) -> None:
        if self._is_open:
            raise ValueError("store is already open")
        self._is_open = True

    async def _ensure_open(self) -> None:
        if not self._is_open:
            await self._open()

    def close(self) -> None:
        """Release the resources of the store."""
        self._is_open = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @abstractmethod
    def __eq__(self, value: object) -> bool: ...

    __hash__ = object.__hash__

    # -- facts -----------------------------------------------------------------------

    @property
    def read_only(self) -> bool:
        """Whether nothing can be written."""
        return self._read_only

    def with_read_only(self, read_only: bool = False) -> Store:
        """Return a store on the same data that can be written, or not.

        Parameters
        ----------
        read_only : bool, default False
            Whether nothing can be written.

        Returns
        -------
        Store
            A new store.

        Raises
        ------
        NotImplementedError
            If the class does not override this method.
        """
        raise NotImplementedError(
            f"with_read_only is not implemented for the {type(self).__name__} store type."
        )

    def _check_writable(self) -> None:
        if self.read_only:
            raise ReadOnlyError("store was opened in read-only mode and does not support writing")

    @property
    @abstractmethod
    def supports_writes(self) -> bool:
        """Whether values can be written."""

    @property
    @abstractmethod
    def supports_deletes(self) -> bool:
        """Whether values can be deleted."""

    @property
    @abstractmethod
    def supports_listing(self) -> bool:
        """Whether keys can be listed."""

    @property
    def supports_partial_writes(self) -> Literal[False]:
        """Whether parts of values can be written: never."""
        return False

    @property
    def supports_consolidated_metadata(self) -> bool:
        """Whether consolidated metadata are useful in this store."""
        return True

    # -- reading ---------------------------------------------------------------------

    @abstractmethod
    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Return a value, or some of its bytes.

        Parameters
        ----------
        key : str
            The key.
        prototype : BufferPrototype
            The class of the buffer to return.
        byte_range : ByteRequest, optional
            Which bytes to return. All by default.

        Returns
        -------
        Buffer or None
            The bytes; None if there is no such key.
        """

    @abstractmethod
    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        """Return some bytes of several values.

        Parameters
        ----------
        prototype : BufferPrototype
            The class of the buffers to return.
        key_ranges : iterable of (str, ByteRequest or None)
            Keys, and which bytes of their values to return.

        Returns
        -------
        list of Buffer or None
            One entry per range; None for missing keys.
        """

    async def get_ranges(
        self,
        key: str,
        byte_ranges: Sequence[ByteRequest | None],
        *,
        prototype: BufferPrototype,
        max_concurrency: int | None = None,
        max_gap_bytes: int | None = None,
        max_coalesced_bytes: int | None = None,
    ) -> AsyncIterator[Sequence[tuple[int, Buffer | None]]]:
        """Iterate over ranges of one value, in the order in which they arrive.

        Parameters
        ----------
        key : str
            The key.
        byte_ranges : sequence of ByteRequest or None
            The ranges.
        prototype : BufferPrototype
            The class of the buffers to return.
        max_concurrency : int, optional
            Number of requests at a time. Not used here.
        max_gap_bytes : int, optional
            Size of the gaps that are read rather than left out. Not used here.
        max_coalesced_bytes : int, optional
            Size of the requests into which ranges are merged. Not used here.

        Yields
        ------
        sequence of (int, Buffer)
            Positions in `byte_ranges`, and the bytes.

        Raises
        ------
        FileNotFoundError
            If there is no such key.
        """
        found = await self.get_partial_values(prototype, [(key, part) for part in byte_ranges])
        if any(part is None for part in found):
            raise FileNotFoundError(key)
        yield list(enumerate(found))

    def get_ranges_sync(
        self,
        key: str,
        byte_ranges: Sequence[ByteRequest | None],
        *,
        prototype: BufferPrototype,
        max_gap_bytes: int | None = None,
        max_coalesced_bytes: int | None = None,
    ) -> Sequence[tuple[int, Buffer | None]]:
        """Return ranges of one value without a coroutine, of a store that has ``get_sync``.

        Parameters
        ----------
        key : str
            The key.
        byte_ranges : sequence of ByteRequest or None
            The ranges.
        prototype : BufferPrototype
            The class of the buffers to return.
        max_gap_bytes : int, optional
            Size of the gaps that are read rather than left out. Not used here.
        max_coalesced_bytes : int, optional
            Size of the requests into which ranges are merged. Not used here.

        Returns
        -------
        sequence of (int, Buffer)
            Positions in `byte_ranges`, and the bytes.

        Raises
        ------
        FileNotFoundError
            If there is no such key.
        TypeError
            If the store has coroutines only.
        """
        if not isinstance(self, SupportsGetSync):
            raise TypeError(f"the store {self} has coroutines only, not get_sync()")
        found = [self.get_sync(key, prototype=prototype, byte_range=part) for part in byte_ranges]
        if any(part is None for part in found):
            raise FileNotFoundError(key)
        return list(enumerate(found))

    @abstractmethod
    async def exists(self, key: str) -> bool:
        """Return whether there is a value.

        Parameters
        ----------
        key : str
            The key.

        Returns
        -------
        bool
            Whether the key exists.
        """

    async def getsize(self, key: str) -> int:
        """Return the size of a value.

        Parameters
        ----------
        key : str
            The key.

        Returns
        -------
        int
            Size in bytes.

        Raises
        ------
        FileNotFoundError
            If there is no such key.
        """
        from zarr.buffer import default_buffer_prototype

        value = await self.get(key, default_buffer_prototype())
        if value is None:
            raise FileNotFoundError(key)
        return len(value)

    async def getsize_prefix(self, prefix: str) -> int:
        """Return the size of all values whose keys begin with a prefix.

        Parameters
        ----------
        prefix : str
            The prefix.

        Returns
        -------
        int
            Size in bytes.
        """
        return sum([await self.getsize(key) async for key in self.list_prefix(prefix)])

    async def is_empty(self, prefix: str) -> bool:
        """Return whether there is no key below a path.

        Parameters
        ----------
        prefix : str
            The path.

        Returns
        -------
        bool
            Whether there is none.
        """
        folder = f"{prefix}/" if prefix and not prefix.endswith("/") else prefix
        async for _ in self.list_prefix(folder):
            return False
        return True

    async def _get_many(
        self, requests: Iterable[tuple[str, BufferPrototype, ByteRequest | None]]
    ) -> AsyncGenerator[tuple[str, Buffer | None], None]:
        for key, prototype, byte_range in requests:
            yield key, await self.get(key, prototype, byte_range)

    # -- writing ---------------------------------------------------------------------

    @abstractmethod
    async def set(self, key: str, value: Buffer) -> None:
        """Store a value.

        Parameters
        ----------
        key : str
            The key.
        value : Buffer
            The value.
        """

    async def set_if_not_exists(self, key: str, value: Buffer) -> None:
        """Store a value unless there is one.

        Parameters
        ----------
        key : str
            The key.
        value : Buffer
            The value.
        """
        if not await self.exists(key):
            await self.set(key, value)

    async def _set_many(self, values: Iterable[tuple[str, Buffer]]) -> None:
        for key, value in values:
            await self.set(key, value)

    @abstractmethod
    async def delete(self, key: str) -> None:
        """Delete a value. A missing key is ignored.

        Parameters
        ----------
        key : str
            The key.
        """

    async def delete_dir(self, prefix: str) -> None:
        """Delete all keys below a path.

        Parameters
        ----------
        prefix : str
            The path.
        """
        self._check_writable()
        folder = f"{prefix}/" if prefix and not prefix.endswith("/") else prefix
        for key in [key async for key in self.list_prefix(folder)]:
            await self.delete(key)

    async def clear(self) -> None:
        """Delete all keys."""
        self._check_writable()
        await self.delete_dir("")

    # -- listing ---------------------------------------------------------------------

    @abstractmethod
    def list(self) -> AsyncIterator[str]:
        """Iterate over all keys.

        Returns
        -------
        AsyncIterator of str
            The keys, in undefined order.
        """

    @abstractmethod
    def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """Iterate over the keys that begin with a prefix.

        Parameters
        ----------
        prefix : str
            The prefix.

        Returns
        -------
        AsyncIterator of str
            The complete keys, in undefined order.
        """

    @abstractmethod
    def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """Iterate over the names of keys and folders directly below a path.

        Parameters
        ----------
        prefix : str
            The path.

        Returns
        -------
        AsyncIterator of str
            The names, in undefined order.
        """


@runtime_checkable
class ByteGetter(Protocol):
    """Protocol: a place that a value is read from."""

    async def get(
        self, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Return the value, None if there is none.

        Parameters
        ----------
        prototype : BufferPrototype
            The class of the buffer to return.
        byte_range : ByteRequest, optional
            Which bytes to return. All by default.

        Returns
        -------
        Buffer or None
            The bytes; None if there is no value.
        """
        ...


@runtime_checkable
class ByteSetter(Protocol):
    """Protocol: a place that a value is read from and written to."""

    async def get(
        self, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Return the value, None if there is none.

        The parameters and return value are those of :meth:`zarr.abc.store.ByteGetter.get`.
        """
        ...

    async def set(self, value: Buffer) -> None:
        """Store the value.

        Parameters
        ----------
        value : Buffer
            The value.
        """
        ...

    async def delete(self) -> None:
        """Delete the value."""
        ...

    async def set_if_not_exists(self, default: Buffer) -> None:
        """Store the value unless there is one.

        Parameters
        ----------
        default : Buffer
            The value.
        """
        ...


@runtime_checkable
class SyncByteGetter(Protocol):
    """Protocol: a place that a value is read from without a coroutine."""

    def get_sync(
        self, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Return the value, None if there is none.

        The parameters and return value are those of :meth:`zarr.abc.store.ByteGetter.get`.
        """
        ...


@runtime_checkable
class SyncByteSetter(SyncByteGetter, Protocol):
    """Protocol: a place that a value is read from and written to without a coroutine."""

    def set_sync(self, value: Buffer) -> None:
        """Store the value.

        Parameters
        ----------
        value : Buffer
            The value.
        """
        ...

    def delete_sync(self) -> None:
        """Delete the value."""
        ...


@runtime_checkable
class SupportsGetSync(Protocol):
    """Protocol: a store that is read without a coroutine."""

    def get_sync(
        self,
        key: str,
        *,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Return a value, None if there is none.

        The parameters and return value are those of :meth:`zarr.abc.store.Store.get`.
        """
        ...


@runtime_checkable
class SupportsSetSync(Protocol):
    """Protocol: a store that is written without a coroutine."""

    def set_sync(self, key: str, value: Buffer) -> None:
        """Store a value.

        The parameters are those of :meth:`zarr.abc.store.Store.set`.
        """
        ...


@runtime_checkable
class SupportsDeleteSync(Protocol):
    """Protocol: a store whose values are deleted without a coroutine."""

    def delete_sync(self, key: str) -> None:
        """Delete a value.

        The parameters are those of :meth:`zarr.abc.store.Store.delete`.
        """
        ...


@runtime_checkable
class SupportsSyncStore(SupportsGetSync, SupportsSetSync, SupportsDeleteSync, Protocol):
    """Protocol: a store that is used without coroutines."""


async def set_or_delete(byte_setter: ByteSetter, value: Buffer | None) -> None:
    """Store a value, or delete the one that is there.

    Parameters
    ----------
    byte_setter : ByteSetter
        Where to store it.
    value : Buffer, optional
        The value; None to delete it.
    """
    if value is None:
        await byte_setter.delete()
    else:
        await byte_setter.set(value)
