"""The first level of a check: metadata documents, each for itself and next to the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zarr import _formats
from zarr._chunks.access import ChunkAccess
from zarr._chunks.seal_table import FOLDER
from zarr._formats.base import Format, NodeKind, join
from zarr._formats.documents import load_json, node_names
from zarr._nodes.rechunking import FOLDER as RECHUNKING
from zarr.errors import ExtensionNotFoundError, MetadataError
from zarr.storage.base import BaseStore, Buffer
from zarr.storage.consolidated import METADATA_KEY
from zarr.tools.check_report import CODES, Finding

__all__ = [
    "Node", "candidates", "check_nodes", "finding", "folders_above", "is_ours", "read_documents",
    "walk_documents",
]  # fmt: skip

_AT_A_TIME = 500
"""Documents that are read in one batch."""

_OURS = ("__quarantine", "__snapshots", "__txn")
"""Folders in groups that are not part of the hierarchy."""


@dataclass(frozen=True, slots=True)
class Node:
    """An array or a group, as its metadata document says.

    Attributes
    ----------
    path : str
    format : Format
    kind : {'array', 'group'} or None
        None if the document does not say it.
    key : str
        Key of the document.
    document : buffer
    meta : ArrayMeta, GroupMeta or None
        None if the document is invalid.
    access : ChunkAccess or None
        The chunks of an array, None if a codec is not available.
    """

    path: str
    format: Format
    kind: NodeKind | None
    key: str
    document: Buffer
    meta: Any = None
    access: ChunkAccess | None = None


def finding(
    code: str, key: str, message: str, array: str | None = None, *, fix: bool = True
) -> Finding:
    """Return a finding of the kind `code`; `fix` tells whether the fix of this kind mends it."""
    known = CODES[code]
    mends = code if fix and known.fix else None
    return Finding(code, known.severity, key, array, message, mends)


def folders_above(path: str) -> Iterator[str]:
    """Yield the folders above `path`, the nearest first, the root last."""
    while path:
        path = path.rpartition("/")[0]
        yield path


def is_ours(key: str) -> bool:
    """Tell whether `key` is below a folder that is not part of the hierarchy."""
    return "__" in key and any(name in _OURS for name in key.split("/"))


# -- which documents there are -----------------------------------------------------------


def candidates(store: BaseStore, path: str) -> Sequence[Format]:
    """Return the formats whose metadata are to be looked for at `path` and below it.

    Documents of rare formats have names that others may use, too. They count only where there
    are none of the common ones.
    """
    keys = {key for format in _formats.FORMATS for key in format.node_keys([path])}
    found = store.getitems(sorted(keys))
    for format in _formats.RARE:
        others = found.keys() - set(format.node_keys([path]))
        if found.keys() - others and not others and format.node_among(store, found, path):
            return (format,)
    return _formats.COMMON


def walk_documents(store: BaseStore, path: str, known: Sequence[Format]) -> dict[str, Buffer]:
    """Return the documents at `path` and below it by key, listing groups but no arrays.

    Unlike :meth:`Format.documents`, this goes on where a document is invalid.
    """
    documents = store.getitems(_keys_at(known, [path]))
    folders = [path]
    while folders:
        folder = folders.pop()
        if any(_is_array(format, documents, folder) for format in known):
            continue
        names = [name for name in node_names(store.listdir(folder)) if name[0] != "."]
        below = [join(folder, name) for name in names if name not in (*_OURS, RECHUNKING)]
        documents.update(read_documents(store, _keys_at(known, below)))
        folders += reversed(below)
    return documents


def read_documents(store: BaseStore, keys: Sequence[str]) -> dict[str, Buffer]:
    """Return the documents at those `keys` that exist."""
    found: dict[str, Buffer] = {}
    for start in range(0, len(keys), _AT_A_TIME):
        found.update(store.getitems(keys[start : start + _AT_A_TIME]))
    return found


def _keys_at(known: Sequence[Format], paths: Iterable[str]) -> list[str]:
    keys = []
    for path in paths:
        for format in known:
            keys += [*format.node_keys([path]), format.attrs_key(path)]
        keys.append(join(path, METADATA_KEY))
    return list(dict.fromkeys(keys))


def _is_array(format: Format, documents: Mapping[str, Buffer], path: str) -> bool:
    key = format.array_key(path)
    if key != format.group_key(path):
        return key in documents
    try:
        return format.kind_of(documents, path) == "array"
    except MetadataError:
        return False


# -- what they say -----------------------------------------------------------------------


def check_nodes(
    store: BaseStore, known: Sequence[Format], documents: Mapping[str, Buffer]
) -> tuple[list[Node], list[Finding]]:
    """Return the nodes that `documents` describe, sorted by path, and what is wrong with them."""
    nodes, findings = [], []
    for key in sorted(documents):
        for format in known:
            path = format.path_of(key)
            if path is not None:
                node, wrong = _node_of(store, format, path, key, documents[key])
                nodes += [node] if node is not None else []
                findings += [wrong] if wrong is not None else []
    for node in nodes:
        findings += _check_attributes(node, documents)
        if node.format.is_reserved(node.path) and node.path.rpartition("/")[2] != FOLDER:
            findings.append(
                finding("M007", node.key, f"names that begin with '__' are reserved: {node.path!r}")
            )
    nodes.sort(key=lambda node: node.path)
    return nodes, findings


def _node_of(
    store: BaseStore, format: Format, path: str, key: str, document: Buffer
) -> tuple[Node | None, Finding | None]:
    """Return the node whose document is at `key`, and what is wrong with it."""
    kind: NodeKind | None = None
    if format.array_key(path) != format.group_key(path):
        kind = "array" if key == format.array_key(path) else "group"
    try:
        load_json(document, key)
    except MetadataError as error:
        return Node(path, format, kind, key, document), finding("M001", key, str(error))
    meta: Any = None
    try:
        found = format.node_in({key: document}, path)
        if found is None:
            return None, None  # a document of another format, under the same key
        kind = found[0]
        if kind == "group":
            return Node(path, format, kind, key, document, format.parse_group(document, key)), None
        meta = format.parse_array(document, key)
        meta = format.in_store(meta, store, path, store._dimension_separator)
        prefix = format.chunk_prefix(path, meta)
        access = ChunkAccess(store, prefix, meta, (store, key))
        return Node(path, format, kind, key, document, meta, access), None
    except MetadataError as error:
        code = "M003" if _lacks_extension(error) else "M002"
        array = path if kind == "array" else None
        return Node(path, format, kind, key, document, meta), finding(code, key, str(error), array)


def _lacks_extension(error: BaseException | None) -> bool:
    """Tell whether `error`, or what caused it, is that a codec or data type is not available."""
    while error is not None:
        if isinstance(error, ExtensionNotFoundError):
            return True
        error = error.__cause__
    return False


def _check_attributes(node: Node, documents: Mapping[str, Buffer]) -> Iterator[Finding]:
    key = node.format.node_attrs_key(node.path, node.key)
    if key == node.key or key not in documents:
        return
    try:
        load_json(documents[key], key)
    except MetadataError as error:
        yield finding("M001", key, str(error))
        return
    try:
        node.format.parse_attrs(documents[key], key)
    except MetadataError as error:
        yield finding("M002", key, str(error))
