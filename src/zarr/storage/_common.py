"""Names that code for the 3.x library imports from here."""

from __future__ import annotations

from typing import Any

from zarr.storage.resolve import StoreLike, normalize_store_arg
from zarr.storage.store_path import StorePath

__all__ = ["StoreLike", "StorePath", "make_store", "make_store_path"]


async def make_store_path(
    store_like: Any,
    *,
    path: str | None = "",
    mode: str | None = None,
    storage_options: dict[str, Any] | None = None,
) -> StorePath:
    """Return the store that an argument means, and a path in it.

    Parameters
    ----------
    store_like : StoreLike
        The argument.
    path : str, optional
        The path in the store.
    mode : str, optional
        The mode in which to open the store.
    storage_options : dict, optional
        Options of the file system of a URL.

    Returns
    -------
    StorePath
        The store and the path.
    """
    if isinstance(store_like, StorePath):
        return store_like / path if path else store_like
    return StorePath(
        await make_store(store_like, mode=mode, storage_options=storage_options), path or ""
    )


async def make_store(
    store_like: Any, *, mode: str | None = None, storage_options: dict[str, Any] | None = None
) -> Any:
    """Return the store that an argument means.

    Parameters
    ----------
    store_like : StoreLike
        The argument.
    mode : str, optional
        The mode in which to open the store.
    storage_options : dict, optional
        Options of the file system of a URL.

    Returns
    -------
    BaseStore or zarr.abc.store.Store
        The store.
    """
    return normalize_store_arg(store_like, storage_options, mode or "a").given
