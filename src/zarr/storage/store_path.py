"""A store and a path in it, as code for the 3.x library passes them around together."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self

from zarr.storage.base import BaseStore, normalize_storage_path

if TYPE_CHECKING:
    from zarr.abc.buffer import Buffer, BufferPrototype
    from zarr.abc.store import ByteRequest, Store

__all__ = ["StorePath", "without_path"]


def _prototype(prototype: BufferPrototype | None) -> BufferPrototype:
    from zarr.buffer import default_buffer_prototype

    return prototype or default_buffer_prototype()


def with_sync(store: Any, method: str) -> Any:
    """Return a method of a store that is not a coroutine.

    Raises
    ------
    TypeError
        If the store has no such method.
    """
    try:
        return getattr(store, method)
    except AttributeError:
        raise TypeError(f"the store {store} has coroutines only, not {method}()") from None


class StorePath:
    """A store and a path in it: of a value, an array or a group.

    Functions that open or create arrays and groups accept it as a store.

    Parameters
    ----------
    store : BaseStore or zarr.abc.store.Store
        The store.
    path : str, default ''
        The path. The root by default.

    Examples
    --------
    >>> import zarr
    >>> from zarr.storage import StorePath
    >>> place = StorePath(zarr.MemoryStore(), 'a') / 'b'
    >>> place.path
    'a/b'
    >>> zarr.open_array(place, mode='w', shape=3)
    <zarr.core.Array '/a/b' (3,) float64>
    """

    store: Any
    path: str

    def __init__(self, store: Store | Any, path: str = "") -> None:
        self.store = store.given if isinstance(store, BaseStore) else store
        self.path = normalize_storage_path(path)

    @property
    def read_only(self) -> bool:
        """Whether nothing can be written."""
        return bool(self.store.read_only)

    @classmethod
    async def open(cls, store: Store | Any, path: str, mode: str | None = None) -> Self:
        """Return a path in a store, after a check.

        Parameters
        ----------
        store : BaseStore or zarr.abc.store.Store
            The store.
        path : str
            The path.
        mode : {'r', 'r+', 'a', 'w', 'w-'}, optional
            'w' deletes what is there, 'w-' requires that there is nothing.

        Returns
        -------
        StorePath
            The store and the path.

        Raises
        ------
        FileExistsError
            If the mode is 'w-' and there is something.
        """
        await store._ensure_open()
        place = cls(store, path)
        if mode == "w":
            await place.delete_dir()
        if mode == "w-" and not await place.is_empty():
            raise FileExistsError(
                f"Cannot create '{path}' with mode 'w-' because it already contains data. Use mode "
                "'w' to overwrite or 'a' to append."
            )
        return place

    async def get(
        self, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Return the value at the path, or some of its bytes.

        Parameters
        ----------
        prototype : BufferPrototype, optional
            The class of the buffer to return.
        byte_range : ByteRequest, optional
            Which bytes to return. All by default.

        Returns
        -------
        Buffer or None
            The bytes; None if there is no value.
        """
        found: Buffer | None = await self.store.get(
            self.path, prototype=_prototype(prototype), byte_range=byte_range
        )
        return found

    async def get_json(self, *, byte_range: ByteRequest | None = None) -> Any:
        """Return the JSON value at the path.

        Parameters
        ----------
        byte_range : ByteRequest, optional
            Which bytes to parse. All by default.

        Returns
        -------
        object
            The value; None if there is none.
        """
        found = await self.get(byte_range=byte_range)
        return None if found is None else json.loads(found.to_bytes())

    async def set(self, value: Buffer) -> None:
        """Store a value at the path.

        Parameters
        ----------
        value : Buffer
            The value.
        """
        await self.store.set(self.path, value)

    async def set_if_not_exists(self, default: Buffer) -> None:
        """Store a value at the path unless there is one.

        Parameters
        ----------
        default : Buffer
            The value.
        """
        await self.store.set_if_not_exists(self.path, default)

    async def delete(self) -> None:
        """Delete the value at the path."""
        await self.store.delete(self.path)

    async def delete_dir(self) -> None:
        """Delete all values below the path."""
        await self.store.delete_dir(self.path)

    def get_sync(
        self,
        *,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Return the value at the path without a coroutine.

        Parameters
        ----------
        prototype : BufferPrototype, optional
            The class of the buffer to return.
        byte_range : ByteRequest, optional
            Which bytes to return. All by default.

        Returns
        -------
        Buffer or None
            The bytes; None if there is no value.

        Raises
        ------
        TypeError
            If the store has coroutines only.
        """
        found: Buffer | None = with_sync(self.store, "get_sync")(
            self.path, prototype=_prototype(prototype), byte_range=byte_range
        )
        return found

    def set_sync(self, value: Buffer) -> None:
        """Store a value at the path without a coroutine.

        Parameters
        ----------
        value : Buffer
            The value.

        Raises
        ------
        TypeError
            If the store has coroutines only.
        """
        with_sync(self.store, "set_sync")(self.path, value)

    def delete_sync(self) -> None:
        """Delete the value at the path without a coroutine.

        Raises
        ------
        TypeError
            If the store has coroutines only.
        """
        with_sync(self.store, "delete_sync")(self.path)

    async def exists(self) -> bool:
        """Return whether there is a value at the path.

        Returns
        -------
        bool
            Whether there is one.
        """
        return bool(await self.store.exists(self.path))

    async def is_empty(self) -> bool:
        """Return whether there is no value below the path.

        Returns
        -------
        bool
            Whether there is none.
        """
        return bool(await self.store.is_empty(self.path))

    def __truediv__(self, other: str) -> Self:
        return type(self)(self.store, f"{self.path}/{other}")

    def __str__(self) -> str:
        return f"{self.store}/{self.path}".rstrip("/")

    def __repr__(self) -> str:
        return f"StorePath({type(self.store).__name__}, {str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, StorePath) and self.store == other.store and self.path == other.path
        )

    __hash__ = None  # type: ignore[assignment]


def without_path(store: Any, path: Any) -> tuple[Any, Any]:
    """Return the store and the path that two arguments say; the store may have a path with it."""
    if not isinstance(store, StorePath):
        return store, path
    below = normalize_storage_path(path)
    return store.store, f"{store.path}/{below}".strip("/")
