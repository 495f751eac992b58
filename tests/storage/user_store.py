"""A store as users of the 3.x library write it, with nothing but what that library asks for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

from zarr.abc.buffer import Buffer, BufferPrototype
from zarr.abc.store import (
    ByteRequest,
    OffsetByteRequest,
    RangeByteRequest,
    Store,
    SuffixByteRequest,
)

__all__ = ["UserStore"]


class UserStore(Store):
    """Values in a dictionary, and a log of the coroutines that were called."""

    supports_writes = True
    supports_deletes = True
    supports_listing = True

    def __init__(self, data: dict[str, bytes] | None = None, *, read_only: bool = False) -> None:
        super().__init__(read_only=read_only)
        self.data = {} if data is None else data
        self.log: list[tuple[Any, ...]] = []

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UserStore) and other.data is self.data

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return "user://"

    def with_read_only(self, read_only: bool = False) -> UserStore:
        return UserStore(self.data, read_only=read_only)

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        self.log.append(("get", key, byte_range))
        if key not in self.data:
            return None
        value = self.data[key]
        match byte_range:
            case RangeByteRequest(start, end):
                value = value[start:end]
            case OffsetByteRequest(offset):
                value = value[offset:]
            case SuffixByteRequest(suffix):
                value = value[-suffix:] if suffix else b""
        return prototype.buffer.from_bytes(value)

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        return [await self.get(key, prototype, part) for key, part in key_ranges]

    async def exists(self, key: str) -> bool:
        return key in self.data

    async def set(self, key: str, value: Buffer) -> None:
        self._check_writable()
        self.log.append(("set", key))
        self.data[key] = value.to_bytes()

    async def delete(self, key: str) -> None:
        self._check_writable()
        self.log.append(("delete", key))
        self.data.pop(key, None)

    async def list(self) -> AsyncIterator[str]:
        for key in [*self.data]:
            yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        for key in [*self.data]:
            if key.startswith(prefix):
                yield key

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        prefix = f"{prefix}/" if prefix else ""
        below = [key.removeprefix(prefix) for key in self.data if key.startswith(prefix)]
        for name in {name.partition("/")[0] for name in below}:
            yield name
