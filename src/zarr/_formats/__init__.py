"""The formats the package knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias

from zarr import config
from zarr._formats.base import Format, NodeKind, join
from zarr._formats.n5 import ATTRIBUTES
from zarr._formats.v1 import V1
from zarr._formats.v2 import V2
from zarr._formats.v3 import V3
from zarr._formats.v3_draft import V3Draft
from zarr.errors import (
    ArrayNotFoundError,
    ContainsArrayError,
    GroupNotFoundError,
    NodeError,
    StorePermissionError,
    warn_user,
)

if TYPE_CHECKING:
    from zarr.storage.base import BaseStore, Buffer

__all__ = [
    "COMMON",
    "DEFAULT",
    "FORMATS",
    "NAMED",
    "RARE",
    "Format",
    "Found",
    "by_version",
    "find_array",
    "find_group",
    "find_node",
    "kind",
    "not_found",
    "one_version",
    "usual",
]

DEFAULT: Format = V2()

NAMED: Format = V3()
"""The format with names for dimensions, codecs and data types."""

COMMON: tuple[Format, ...] = (NAMED, DEFAULT)
RARE: tuple[Format, ...] = (V1(), V3Draft())

FORMATS: tuple[Format, ...] = COMMON + RARE
"""In the order of precedence: where one place has metadata of several formats, the first counts."""

Found: TypeAlias = "tuple[Format, str, Buffer]"
"""Format, key and metadata document of a node."""


_MOST_NAMES = 100
"""Names in a folder that are looked at for a hint."""


def by_version(version: Any, argument: str = "zarr_version") -> Format | None:
    """Return the format that users call `version`; None if they do not care.

    Parameters
    ----------
    version : int, str or None
    argument : str
        The name under which the caller was given it, for the message.

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
    known = ", ".join(sorted(repr(candidate.version) for candidate in FORMATS))
    raise ValueError(f"{argument} must be one of {known}, not {version!r}")


def usual() -> Format:
    """Return the format of new arrays and groups where no argument decides it.

    Raises
    ------
    ValueError
        If the setting ``default_zarr_format`` is not the version of a format that can be written.
    """
    version = config.get("default_zarr_format")
    for format in COMMON:
        if format.version == version:
            return format
    raise ValueError(f"default_zarr_format must be 2 or 3, not {version!r}")


def one_version(zarr_version: Any, zarr_format: Any) -> Any:
    """Return the version that two arguments with the same meaning say.

    Raises
    ------
    ValueError
        If they differ, or there is no such format.
    """
    if zarr_version is not None:
        by_version(zarr_version)
    if zarr_format is not None:
        by_version(zarr_format, "zarr_format")
    if zarr_version is None or zarr_format is None:
        return zarr_format if zarr_version is None else zarr_version
    if zarr_version != zarr_format:
        raise ValueError(
            f"zarr_version={zarr_version!r} and zarr_format={zarr_format!r} mean the same thing; "
            "give one of them"
        )
    return zarr_version


def find_array(store: BaseStore, path: str, version: int | None = None) -> Found:
    """Return format, key and document of the array at `path`.

    Raises
    ------
    ArrayNotFoundError
    """
    node = _find(store, path, version, "array")
    if node is None:
        raise not_found(ArrayNotFoundError, store, path, version)
    return node[1]


def find_group(store: BaseStore, path: str, version: int | None = None) -> Found:
    """Return format, key and document of the group at `path`.

    Raises
    ------
    GroupNotFoundError
    ContainsArrayError
        If there is an array.
    """
    node = find_node(store, path, version)
    if node is None:
        raise not_found(GroupNotFoundError, store, path, version)
    if node[0] == "array":
        raise ContainsArrayError(path, repr(store), "open it with zarr.open_array or zarr.open")
    return node[1]


def find_node(
    store: BaseStore, path: str, version: int | None = None
) -> tuple[NodeKind, Found] | None:
    """Return what is at `path`: its kind, and its format, key and document."""
    return _find(store, path, version, "array", "group")


def _find(
    store: BaseStore, path: str, version: int | str | None, *kinds: NodeKind
) -> tuple[NodeKind, Found] | None:
    """Return the node of one of `kinds` at `path`.

    What is met often is looked for first, and the rest only if it does not exist: on a remote
    store each key is a request. Some servers deny what is absent, so denied metadata of one
    format say nothing of the others.
    """
    denied = None
    for candidates in _candidates(store, version):
        only_arrays = kinds == ("array",) and candidates[0] in COMMON
        keys: list[str] = []
        for format in candidates:
            keys += [format.array_key(path)] if only_arrays else format.node_keys([path])
        try:
            found = store.probe(list(dict.fromkeys(keys)))
        except StorePermissionError as error:
            denied = denied or error
            continue
        if (node := _first(store, found, path, candidates, *kinds)) is not None:
            return node
    if denied is not None:
        raise denied
    return None


def _candidates(store: BaseStore, version: int | str | None) -> tuple[tuple[Format, ...], ...]:
    if (wanted := None if version is None else by_version(version)) is not None:
        return ((wanted,),)
    return (COMMON, RARE) if store.rare_formats else (COMMON,)


def _first(
    store: BaseStore,
    found: Mapping[str, Buffer],
    path: str,
    candidates: Sequence[Format],
    *kinds: NodeKind,
) -> tuple[NodeKind, Found] | None:
    """Return the node of the first of `candidates` that has one; warn if others have one, too."""
    nodes: list[tuple[NodeKind, Found]] = []
    for format in candidates:
        node = format.node_among(store, found, path)
        if node is not None and node[0] in kinds:
            kind, document = node
            nodes.append((kind, (format, format.node_key(kind, path), document)))
    if len(nodes) > 1:
        (_, (first, *_)), (_, (other, *_)) = nodes[:2]
        warn_user(
            f"path {path!r} of {store!r} has metadata of both format {first.version} and "
            f"{other.version}; format {first.version} is opened, zarr_format={other.version} "
            "opens the other"
        )
    return nodes[0] if nodes else None


def not_found(
    error: type[NodeError], store: BaseStore, path: str, version: int | str | None = None
) -> NodeError:
    """Return the error to raise where nothing of format `version` is at `path`."""
    if (there := kind(store, path, version)) is not None:
        hint = f"it is the path of {_an(there)}; open it with zarr.open_{there} or zarr.open"
        return error(path, repr(store), hint)
    if version is not None and (there := kind(store, path)) is not None:
        hint = f"it is the path of {_an(there)} in another format than {version!r}"
        return error(path, repr(store), hint)
    with suppress(Exception):  # to find the reason must not hide the error
        if hint := _instead(store, path):
            return error(path, repr(store), hint)
    return error.absent_from(store, path)


def _instead(store: BaseStore, path: str) -> str:
    """Return what is in the folder `path` instead of a node, if asking costs little."""
    if store.threads > 1 or not store.is_listable():
        return ""
    names = store.listdir(path)
    if ATTRIBUTES in names:
        return "this is an N5 container; open it with zarr.N5Store"
    for name in names[:_MOST_NAMES]:
        inside = join(path, name)
        if (there := kind(store, inside)) is not None:
            return f"there is {_an(there)} at path {inside!r}"
    return ""


def _an(kind: NodeKind) -> str:
    return "an array" if kind == "array" else "a group"


def kind(store: BaseStore, path: str, version: int | str | None = None) -> NodeKind | None:
    """Tell what is at `path`, in whichever format."""
    candidates = tuple(chain(*_candidates(store, version)))
    keys = [key for candidate in candidates for key in candidate.node_keys([path])]
    found = store.probe(list(dict.fromkeys(keys)))
    for candidate in candidates:
        if (there := candidate.node_among(store, found, path)) is not None:
            return there[0]
    return None
