"""The formats the package knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zarr.errors import ArrayNotFoundError, GroupNotFoundError
from zarr.formats.base import Format, NodeKind
from zarr.formats.v1 import V1
from zarr.formats.v2 import V2
from zarr.formats.v3 import V3
from zarr.formats.v3_draft import V3Draft

if TYPE_CHECKING:
    from zarr.storage.base import BaseStore, Buffer

__all__ = [
    "DEFAULT",
    "FORMATS",
    "NAMED",
    "Format",
    "by_version",
    "find_array",
    "find_group",
    "kind",
    "one_version",
]

DEFAULT: Format = V2()

NAMED: Format = V3()
"""The format with names for dimensions, codecs and data types."""

FORMATS: tuple[Format, ...] = (DEFAULT, NAMED, V1(), V3Draft())
"""In the order in which documents are looked for: what is met most often first."""


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


def one_version(zarr_version: Any, zarr_format: Any) -> Any:
    """Return the version that two arguments with the same meaning say.

    Raises
    ------
    ValueError
        If they differ.
    """
    if zarr_version is None or zarr_format is None:
        return zarr_format if zarr_version is None else zarr_version
    if zarr_version != zarr_format:
        raise ValueError(
            f"zarr_version={zarr_version!r} and zarr_format={zarr_format!r} mean the same thing; "
            "give one of them"
        )
    return zarr_version


def _candidates(version: Any) -> tuple[Format, ...]:
    wanted = by_version(version)
    return FORMATS if wanted is None else (wanted,)


def find_array(
    store: BaseStore, path: str, version: int | None = None
) -> tuple[Format, str, Buffer]:
    """Return format, key and document of the array at `path`.

    Raises
    ------
    ArrayNotFoundError
    """
    for candidate in _candidates(version):
        if (found := candidate.find(store, path, "array")) is not None:
            return candidate, *found
    raise ArrayNotFoundError(path)


def find_group(
    store: BaseStore, path: str, version: int | None = None
) -> tuple[Format, str, Buffer]:
    """Return format, key and document of the group at `path`.

    Raises
    ------
    GroupNotFoundError
    """
    for candidate in _candidates(version):
        if (found := candidate.find(store, path, "group")) is not None:
            return candidate, *found
    raise GroupNotFoundError(path)


def kind(store: BaseStore, path: str, version: int | None = None) -> NodeKind | None:
    """Tell what is at `path`, in whichever format."""
    candidates = _candidates(version)
    keys = [key for candidate in candidates for key in candidate.node_keys([path])]
    found = store.getitems(list(dict.fromkeys(keys)))
    for candidate in candidates:
        if (there := candidate.kind_in(store, found, path)) is not None:
            return there
    return None
