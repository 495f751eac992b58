"""A store in front of another one that logs each call."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Self, TypeVar

from zarr.abc.buffer import Buffer, BufferPrototype
from zarr.abc.store import ByteRequest
from zarr.storage.wrapper import WrapperStore

__all__ = ["LoggingStore"]

T = TypeVar("T")


class LoggingStore(WrapperStore[T]):
    """A store that logs what is called of another one.

    Parameters
    ----------
    store : BaseStore or zarr.abc.store.Store
        The other store.
    log_level : str, default 'DEBUG'
        The level from which on messages are shown. Calls are logged at the level 'INFO'.
    log_handler : logging.Handler, optional
        The handler of the messages. The standard output by default.

    Attributes
    ----------
    counter : dict of str to int
        Number of calls by the names of the methods.

    Examples
    --------
    >>> import zarr
    >>> from zarr.storage import LoggingStore
    >>> store = LoggingStore(zarr.MemoryStore(), log_level='ERROR')
    >>> z = zarr.create_array(store, data=[1, 2, 3], chunks=1)
    >>> store.counter['set']
    4
    """

    counter: defaultdict[str, int]

    def __init__(
        self, store: T, log_level: str = "DEBUG", log_handler: logging.Handler | None = None
    ) -> None:
        super().__init__(store)
        self.counter = defaultdict(int)
        self.log_level, self.log_handler = log_level, log_handler
        self.logger = logging.getLogger(f"LoggingStore({store})")
        self.logger.setLevel(log_level)
        handler = log_handler or logging.StreamHandler()
        handler.setFormatter(
            logging.Formatter("%(asctime)s - %(name)s - %(levelname)s - %(message)s")
        )
        self.logger.handlers = [handler]

    def _with_store(self, store: Any) -> Self:
        return type(self)(store, self.log_level, self.log_handler)

    def __reduce__(self) -> Any:
        return type(self), (self._store, self.log_level)

    def __str__(self) -> str:
        return f"logging-{self._store}"

    @contextmanager
    def log(self, method: str, hint: Any = "") -> Iterator[None]:
        """Log a call, and how long it takes.

        Parameters
        ----------
        method : str
            Name of the method.
        hint : object, default ''
            What to log of its arguments.

        Returns
        -------
        context manager
            For the block that makes the call.
        """
        op = f"{type(self._store).__name__}.{method}({hint})"
        self.counter[method] += 1
        self.logger.info(" Calling %s", op)
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.logger.info("Finished %s [%.2f s]", op, time.perf_counter() - begun)

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        with self.log("get", key):
            return await super().get(key, prototype, byte_range)

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        requests = [*key_ranges]
        with self.log("get_partial_values", ",".join(key for key, _ in requests)):
            return await super().get_partial_values(prototype, requests)

    def get_sync(
        self,
        key: str,
        *,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        with self.log("get_sync", key):
            return super().get_sync(key, prototype=prototype, byte_range=byte_range)

    def set_sync(self, key: str, value: Buffer) -> None:
        with self.log("set_sync", key):
            super().set_sync(key, value)

    def delete_sync(self, key: str) -> None:
        with self.log("delete_sync", key):
            super().delete_sync(key)

    async def exists(self, key: str) -> bool:
        with self.log("exists", key):
            return await super().exists(key)

    async def getsize(self, key: str) -> int:
        with self.log("getsize", key):
            return await super().getsize(key)

    async def getsize_prefix(self, prefix: str) -> int:
        with self.log("getsize_prefix", prefix):
            return await super().getsize_prefix(prefix)

    async def is_empty(self, prefix: str = "") -> bool:
        with self.log("is_empty", prefix):
            return await super().is_empty(prefix)

    async def set(self, key: str, value: Buffer) -> None:
        with self.log("set", key):
            await super().set(key, value)

    async def set_if_not_exists(self, key: str, value: Buffer) -> None:
        with self.log("set_if_not_exists", key):
            await super().set_if_not_exists(key, value)

    async def delete(self, key: str) -> None:
        with self.log("delete", key):
            await super().delete(key)

    async def delete_dir(self, prefix: str) -> None:
        with self.log("delete_dir", prefix):
            await super().delete_dir(prefix)

    async def clear(self) -> None:
        with self.log("clear"):
            await super().clear()

    async def list(self) -> AsyncIterator[str]:
        with self.log("list"):
            async for key in super().list():
                yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        with self.log("list_prefix", prefix):
            async for key in super().list_prefix(prefix):
                yield key

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        with self.log("list_dir", prefix):
            async for name in super().list_dir(prefix):
                yield name
