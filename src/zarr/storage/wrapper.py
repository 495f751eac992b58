"""A store in front of another one, to be subclassed by code for the 3.x library."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from zarr.abc.buffer import Buffer, BufferPrototype
from zarr.abc.store import ByteRequest, Store
from zarr.storage.store_path import with_sync

__all__ = ["WrapperStore"]

T = TypeVar("T")


class WrapperStore(Store, Generic[T]):
    """A store that calls the coroutines of another one.

    Parameters
    ----------
    store : BaseStore or zarr.abc.store.Store
        The other store.

    Examples
    --------
    >>> import zarr
    >>> from zarr.storage import WrapperStore
    >>> class Counting(WrapperStore):
    ...     writes = 0
    ...     async def set(self, key, value):
    ...         self.writes += 1
    ...         await super().set(key, value)
    >>> store = Counting(zarr.MemoryStore())
    >>> z = zarr.create_array(store, data=[1, 2, 3], chunks=1)
    >>> store.writes
    4
    """

    _store: Any

    def __init__(self, store: T) -> None:
        self._store = store

    @classmethod
    async def open(cls, store_cls: type[Any], *args: Any, **kwargs: Any) -> Self:
        """Return a new store in front of a new store.

        Parameters
        ----------
        store_cls : type
            The class of the other store.
        *args
            Positional parameters of that class.
        **kwargs
            Other parameters of that class.

        Returns
        -------
        WrapperStore
            The store.
        """
        store = store_cls(*args, **kwargs)
        await store._ensure_open()
        return cls(store)

    def _with_store(self, store: Any) -> Self:
        return type(self)(store)

    @property
    def _is_open(self) -> bool:  # type: ignore[override]
        return bool(self._store._is_open)

    async def _open(self) -> None:
        await self._store._open()

    async def _ensure_open(self) -> None:
        await self._store._ensure_open()

    def close(self) -> None:
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __eq__(self, value: object) -> bool:
        return type(value) is type(self) and bool(self._store == value._store)

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"wrapping-{self._store}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({type(self._store).__name__}, '{self._store}')"

    @property
    def read_only(self) -> bool:
        return bool(self._store.read_only)

    def with_read_only(self, read_only: bool = False) -> Self:
        return self._with_store(self._store.with_read_only(read_only))

    def _check_writable(self) -> None:
        self._store._check_writable()

    @property
    def supports_writes(self) -> bool:
        return bool(self._store.supports_writes)

    @property
    def supports_deletes(self) -> bool:
        return bool(self._store.supports_deletes)

    @property
    def supports_listing(self) -> bool:
        return bool(self._store.supports_listing)

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        found: Buffer | None = await self._store.get(
            key, prototype=prototype, byte_range=byte_range
        )
        return found

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        found: list[Buffer | None] = await self._store.get_partial_values(prototype, key_ranges)
        return found

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
        async for found in self._store.get_ranges(key, byte_ranges, prototype=prototype):
            yield found

    def get_ranges_sync(
        self,
        key: str,
        byte_ranges: Sequence[ByteRequest | None],
        *,
        prototype: BufferPrototype,
        max_gap_bytes: int | None = None,
        max_coalesced_bytes: int | None = None,
    ) -> Sequence[tuple[int, Buffer | None]]:
        get = with_sync(self._store, "get_ranges_sync")
        found: Sequence[tuple[int, Buffer | None]] = get(key, byte_ranges, prototype=prototype)
        return found

    def get_sync(
        self,
        key: str,
        *,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Return a value without a coroutine, if the other store can.

        The parameters and return value are those of :meth:`zarr.abc.store.Store.get`.
        """
        found: Buffer | None = with_sync(self._store, "get_sync")(
            key, prototype=prototype, byte_range=byte_range
        )
        return found

    def set_sync(self, key: str, value: Buffer) -> None:
        """Store a value without a coroutine, if the other store can.

        The parameters are those of :meth:`zarr.abc.store.Store.set`.
        """
        with_sync(self._store, "set_sync")(key, value)

    def delete_sync(self, key: str) -> None:
        """Delete a value without a coroutine, if the other store can.

        The parameters are those of :meth:`zarr.abc.store.Store.delete`.
        """
        with_sync(self._store, "delete_sync")(key)

    async def exists(self, key: str) -> bool:
        return bool(await self._store.exists(key))

    async def getsize(self, key: str) -> int:
        return int(await self._store.getsize(key))

    async def getsize_prefix(self, prefix: str) -> int:
        return int(await self._store.getsize_prefix(prefix))

    async def is_empty(self, prefix: str) -> bool:
        return bool(await self._store.is_empty(prefix))

    async def set(self, key: str, value: Buffer) -> None:
        await self._store.set(key, value)

    async def set_if_not_exists(self, key: str, value: Buffer) -> None:
        await self._store.set_if_not_exists(key, value)

    async def _set_many(self, values: Iterable[tuple[str, Buffer]]) -> None:
        for key, value in values:
            await self.set(key, value)

    async def _get_many(
        self, requests: Iterable[tuple[str, BufferPrototype, ByteRequest | None]]
    ) -> AsyncGenerator[tuple[str, Buffer | None], None]:
        for key, prototype, byte_range in requests:
            yield key, await self.get(key, prototype, byte_range)

    async def delete(self, key: str) -> None:
        await self._store.delete(key)

    async def delete_dir(self, prefix: str) -> None:
        await self._store.delete_dir(prefix)

    async def clear(self) -> None:
        await self._store.clear()

    async def list(self) -> AsyncIterator[str]:
        async for key in self._store.list():
            yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        async for key in self._store.list_prefix(prefix):
            yield key

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        async for name in self._store.list_dir(prefix):
            yield name
