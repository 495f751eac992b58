"""What a rechunking makes: the metadata of all arrays and groups, before anything is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

from zarr import _formats
from zarr._formats.base import Format, NodeKind, join
from zarr.core import Array
from zarr.hierarchy import Group, group
from zarr.storage.base import BaseStore
from zarr.storage.memory import MemoryStore
from zarr.tools.copy import new_like
from zarr.tools.sources import is_group

__all__ = ["Node", "Options", "outline"]

Options: TypeAlias = Mapping[str, Any]
"""Arguments for the creation of an array."""

_KNOWN = {"chunks", "shards", "compressor", "compressors", "filters", "serializer", "codecs"}
_WRITABLE = (_formats.DEFAULT, _formats.NAMED)


@dataclass(frozen=True, slots=True)
class Node:
    """An array or a group to be made.

    Attributes
    ----------
    path : str
        Relative to the destination.
    kind : {'array', 'group'}
    documents : dict of str to bytes
        What is to be stored by name below the path of the node, its own document last.
    source : Array, Group or what is like them
    """

    path: str
    kind: NodeKind
    documents: dict[str, bytes]
    source: Any

    @property
    def document(self) -> bytes:
        """The document of the node itself."""
        return list(self.documents.values())[-1]


def outline(
    source: Any,
    store: BaseStore,
    path: str,
    zarr_format: int | None,
    options: Options,
    by_path: Mapping[str, Options | None],
) -> tuple[Format, list[Node]]:
    """Return the format of what is made at `path` in `store`, and all nodes, the root first.

    Parameters
    ----------
    zarr_format : int, optional
        The format, if the caller has named one.
    options : Mapping
        Arguments for the creation of arrays; `chunks` and `shards` may be by dimension.
    by_path : Mapping
        More of them by pattern of the path; None to leave an array as it is.

    Raises
    ------
    ValueError, TypeError
        If the options are invalid.
    """
    for pattern, given in by_path.items():
        unknown = sorted((given or {}).keys() - _KNOWN)
        if unknown:
            known = ", ".join(sorted(_KNOWN))
            raise ValueError(f"options[{pattern!r}] has {', '.join(unknown)}; known are {known}")
    found = list(_below(source, ""))
    given = {at: _given(at, options, by_path) for at, node in found if not is_group(node)}
    _check_names(found, given)
    format = _format_for(source, store, path, zarr_format, given.values())
    scratch = MemoryStore(dimension_separator=store._dimension_separator)
    root = group(scratch, zarr_format=format.version)  # type: ignore[arg-type]
    return format, [_node(root, at, node, given.get(at, {})) for at, node in found]


def _below(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, node
    if is_group(node):
        for name, member in node.items():
            yield from _below(member, join(path, name) if path else name)


def _given(path: str, options: Options, by_path: Mapping[str, Options | None]) -> Options:
    """Return the options for the array at `path`: of the first pattern that matches, and of all."""
    for pattern, more in by_path.items():
        if fnmatchcase(path, pattern):
            return {} if more is None else {**options, **more}
    return options


def _names_of(array: Array) -> tuple[str | None, ...]:
    names = array.dimension_names or array.attrs.asdict().get("_ARRAY_DIMENSIONS") or ()
    return tuple(names) if len(names) == array.ndim else ()


def _check_names(found: list[tuple[str, Any]], given: Mapping[str, Options]) -> None:
    """Raise `ValueError` if no array has a dimension that is named."""
    wanted = {
        name
        for options in given.values()
        for lengths in (options.get("chunks"), options.get("shards"))
        if isinstance(lengths, Mapping)
        for name in lengths
    }
    known = {name for _, node in found if not is_group(node) for name in _names_of(node)}
    if wanted - known:
        raise ValueError(
            f"no array has a dimension {', '.join(map(repr, sorted(wanted - known)))}; "
            f"there are {', '.join(sorted(map(repr, known))) or 'no names of dimensions'}"
        )


def _format_for(
    source: Array | Group, store: BaseStore, path: str, version: int | None, given: Any
) -> Format:
    """Return the format that is asked for, or that of the hierarchy, or one like the source's."""
    named = _formats.by_version(version, "zarr_format")
    if named is not None and named not in _WRITABLE:
        raise ValueError(f"zarr_format must be 2 or 3, not {version!r}")
    there = _formats.find_node(store, path.partition("/")[0]) if path else None
    there = there or (_formats.find_node(store, "") if path else None)
    if there is not None:
        if named is not None and there[1][0] is not named:
            raise ValueError(
                f"zarr_format={version!r}, but the hierarchy in {store!r} has version "
                f"{there[1][0].version}"
            )
        return there[1][0]
    if named is not None:
        return named
    needs_names = ("shards", "codecs", "serializer")
    if any(options.get(name) is not None for options in given for name in needs_names):
        return _formats.NAMED
    return source._format if source._format in _WRITABLE else _formats.DEFAULT


def _node(root: Group, path: str, source: Any, options: Options) -> Node:
    """Make a node in a group in memory, and return its documents."""
    store, format = root._store, root._format
    kind: NodeKind = "group" if is_group(source) else "array"
    inside = join("made", path) if path else "made"
    if kind == "array":
        like = getattr(source, "node", source)  # what is copied knows datasets of h5py, too
        new_like(like, root, inside, _arguments(source, format, options))
    else:
        made = root.require_group(inside)
        made.attrs.update(source.attrs.asdict())
    keys = dict.fromkeys((format.attrs_key(inside), format.node_key(kind, inside)))
    documents = {key.removeprefix(f"{inside}/"): bytes(store[key]) for key in keys if key in store}
    return Node(path, kind, documents, source)


def _arguments(source: Array, format: Format, options: Options) -> dict[str, Any]:
    """Return what is to differ from `source`."""
    given = dict(options)
    for name in ("chunks", "shards", "codecs"):
        if given.get(name) is None:
            given.pop(name, None)
    for name in ("chunks", "shards"):
        if isinstance(lengths := given.get(name), Mapping):
            old = source.chunks if name == "chunks" else source.shards or source.chunks
            new = [lengths.get(d, n) for d, n in zip(_names_of(source), old, strict=False)]
            del given[name]
            if any(d in lengths for d in _names_of(source)):
                given[name] = tuple(new)
    if "codecs" in given:
        given = {"filters": None, "serializer": "auto", **given}
    keeps = given and not given.keys() & {"chunks", "shards", "codecs", "serializer"}
    if keeps and source._current.sharding is not None and format is _formats.NAMED:
        given["shards"] = source._current.grid.shards
    return given
