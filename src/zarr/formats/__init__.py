"""The formats the package knows, newest last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zarr.errors import ArrayNotFoundError, GroupNotFoundError
from zarr.formats.base import Format, NodeKind
from zarr.formats.v2 import V2

if TYPE_CHECKING:
    from zarr.storage.base import BaseStore, Buffer

__all__ = ["DEFAULT", "FORMATS", "Format", "by_version", "find_array", "find_group", "kind"]

DEFAULT: Format = V2()

FORMATS: tuple[Format, ...] = (DEFAULT,)
"""In the order in which documents are looked for."""


def by_version(version: Any) -> Format | None:
    """Return the format that users call `version`; None if they do not care.

    Raises
    ------
    ValueError
        If there is no such format.
    """
    if version is None:
        return None
    for candidate in FORMATS:
        if candidate.version == version:
            return candidate
    known = ", ".join(str(candidate.version) for candidate in FORMATS)
    raise ValueError(f"zarr_version must be one of {known}, not {version!r}")


def find_array(
    store: BaseStore, path: str, version: int | None = None
) -> tuple[Format, str, Buffer]:
    """Return format, key and document of the array at `path`.

    Raises
    ------
    ArrayNotFoundError
    """
    wanted = by_version(version)
    for candidate in FORMATS if wanted is None else (wanted,):
        key = candidate.array_key(path)
        try:
            return candidate, key, store[key]
        except KeyError:
            pass
    raise ArrayNotFoundError(path)


def find_group(
    store: BaseStore, path: str, version: int | None = None
) -> tuple[Format, str, Buffer]:
    """Return format, key and document of the group at `path`.

    Raises
    ------
    GroupNotFoundError
    """
    wanted = by_version(version)
    for candidate in FORMATS if wanted is None else (wanted,):
        key = candidate.group_key(path)
        try:
            return candidate, key, store[key]
        except KeyError:
            pass
    raise GroupNotFoundError(path)


def kind(store: BaseStore, path: str, version: int | None = None) -> NodeKind | None:
    """Tell what is at `path`, in whichever format."""
    wanted = by_version(version)
    for candidate in FORMATS if wanted is None else (wanted,):
        if (found := candidate.kind(store, path)) is not None:
            return found
    return None
