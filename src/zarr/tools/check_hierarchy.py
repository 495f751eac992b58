"""What metadata documents say of each other: clashes, missing groups, outdated copies."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from typing import Any

from zarr import _formats
from zarr._formats.base import Format
from zarr._formats.documents import load_json
from zarr._metadata.records import ArrayMeta
from zarr.errors import MetadataError, ZarrError
from zarr.storage.base import BaseStore, Buffer
from zarr.storage.consolidated import METADATA_KEY, parse_copies
from zarr.tools.check_nodes import Node, finding, folders_above
from zarr.tools.check_report import Finding

__all__ = ["check_hierarchy", "consolidated_above", "copied_documents", "visible_nodes"]


def check_hierarchy(
    path: str, nodes: Sequence[Node], documents: Mapping[str, Buffer]
) -> Iterator[Finding]:
    """Yield what is wrong between the nodes at `path` and below it, sorted by path."""
    visible = visible_nodes(nodes)
    yield from _check_clashes(nodes)
    yield from _check_groups(path, visible)
    yield from _check_copies(visible, documents)
    shown, arrays = set(map(id, visible)), _arrays(nodes)
    for node in nodes:
        if id(node) not in shown:
            array = next(a for a in folders_above(node.path) if a in arrays)
            if node.path[len(array) :].lstrip("/").startswith("__"):
                continue  # what libraries keep next to the chunks
            yield finding("K004", node.key, f"a node inside of the array {array!r}", array)


def _arrays(nodes: Sequence[Node]) -> set[str]:
    return {node.path for node in nodes if node.kind == "array"}


def visible_nodes(nodes: Sequence[Node]) -> list[Node]:
    """Return those of `nodes` that are not inside of an array."""
    arrays = _arrays(nodes)
    return [node for node in nodes if arrays.isdisjoint(folders_above(node.path))]


def _check_clashes(nodes: Sequence[Node]) -> Iterator[Finding]:
    for path, group in groupby(nodes, attrgetter("path")):
        several = list(group)
        if len(several) > 1:
            what = " and ".join(map(_described, several))
            yield finding("M004", several[0].key, f"{what} at path {path!r}")


def _described(node: Node) -> str:
    kind = {"array": "an array", "group": "a group", None: "metadata"}[node.kind]
    return f"{kind} in format {node.format.version}"


def _check_groups(path: str, nodes: Sequence[Node]) -> Iterator[Finding]:
    """Yield the groups between `path` and a node below it that have no metadata."""
    known = {(node.format, node.path) for node in nodes}
    others = Counter(node.path for node in nodes)
    for node in nodes:
        if node.path == path or node.format.implicit_groups or others[node.path] > 1:
            continue
        for above in folders_above(node.path):
            if (node.format, above) not in known:
                known.add((node.format, above))
                yield _missing_group(node, above, clash=above in others)
            if above == path:
                break


def _missing_group(node: Node, above: str, *, clash: bool) -> Finding:
    key = node.format.group_key(above)
    version = node.format.version
    if clash:
        said = f"the group {above!r} has no metadata in format {version}, as {node.path!r} has"
    else:
        said = f"there is no metadata of the group {above!r}, in which {node.path!r} is"
    return finding("M005", key, said, fix=not clash)


# -- consolidated metadata ---------------------------------------------------------------


def _check_copies(nodes: Sequence[Node], documents: Mapping[str, Buffer]) -> Iterator[Finding]:
    for node in nodes:
        if node.kind != "group" or node.meta is None:
            continue
        try:
            copies = node.format.inline_documents(node.document, node.key)
        except MetadataError as error:
            yield finding("M006", node.key, str(error))
            continue
        if copies is not None:
            originals = {
                n.key: n.document
                for n in nodes
                if n.format is node.format and node.path in folders_above(n.path)
            }
            others = {key: copy for key, copy in copies.items() if key != node.key}
            yield from _compare(node.key, others, originals)
    for key in documents:
        if key.rpartition("/")[2] == METADATA_KEY:
            yield from _check_document_of_copies(key, nodes, documents)


def _check_document_of_copies(
    key: str, nodes: Sequence[Node], documents: Mapping[str, Buffer]
) -> Iterator[Finding]:
    prefix = key[: -len(METADATA_KEY)]
    try:
        copies = parse_copies(documents[key], key)
    except MetadataError as error:
        yield finding("M006", key, str(error))
        return
    originals = copied_documents(prefix.rstrip("/"), nodes, documents)
    yield from _compare(key, {prefix + name: copy for name, copy in copies.items()}, originals)


def consolidated_above(store: BaseStore, path: str) -> list[str]:
    """Return the paths of the groups above `path` that have consolidated metadata."""
    return [above for above in folders_above(path) if _has_copies(store, above)]


def _has_copies(store: BaseStore, path: str) -> bool:
    if f"{path}/{METADATA_KEY}".lstrip("/") in store:
        return True
    for format in _formats.COMMON:
        key = format.group_key(path)
        found = store.getitems([key]) if format.carries_copies else {}
        try:
            if key in found and format.inline_documents(found[key], key) is not None:
                return True
        except MetadataError:
            continue
    return False


def copied_documents(
    path: str, nodes: Sequence[Node], documents: Mapping[str, Buffer]
) -> dict[str, Buffer]:
    """Return the documents at `path` and below it that consolidated metadata have copies of.

    That is where the format does not carry copies in the documents of groups.
    """
    arrays = _arrays(nodes)
    known = [format for format in _formats.COMMON if not format.carries_copies]
    found: dict[str, Buffer] = {}
    for key, document in documents.items():
        folder = key.rpartition("/")[0]
        above = (folder, *folders_above(folder))
        inside = path in above and arrays.isdisjoint(above[1:])
        if inside and any(format.is_document(key) for format in known):
            found[key] = document
    return found


def _compare(
    key: str, copies: Mapping[str, Buffer], originals: Mapping[str, Buffer]
) -> Iterator[Finding]:
    """Yield a finding if the `copies` in the document at `key` are not those of `originals`."""
    absent = [name for name in copies if name not in originals and not _is_empty(copies[name])]
    missing = [name for name in originals if name not in copies and not _is_empty(originals[name])]
    changed = [name for name in copies if name in originals and not _same(name, copies, originals)]
    parts = [
        f"{said} {', '.join(map(repr, names[:3]))}{' and more' if len(names) > 3 else ''}"
        for said, names in (
            ("it has copies of absent documents:", absent),
            ("it lacks copies of", missing),
            ("it differs from", changed),
        )
        if names
    ]
    if parts:
        yield finding("M006", key, f"the consolidated metadata are out of date: {'; '.join(parts)}")


def _is_empty(document: Buffer) -> bool:
    """Tell whether a document says nothing: libraries copy attributes that are not stored."""
    return bytes(document).strip() == b"{}"


def _same(key: str, copies: Mapping[str, Buffer], originals: Mapping[str, Buffer]) -> bool:
    text, original = (_text(documents[key], key) for documents in (copies, originals))
    if text == original or original is None:
        return True  # that the original is damaged is said elsewhere
    return any(
        _canonical(format, key, copies[key]) == _canonical(format, key, originals[key]) is not None
        for format in _formats.COMMON
    )


def _text(document: Buffer, key: str) -> str | None:
    """Return a document as text with its members in order, because NaN does not equal itself."""
    try:
        return json.dumps(load_json(document, key), sort_keys=True)
    except MetadataError:
        return None


def _canonical(format: Format, key: str, document: Buffer) -> Any:
    """Return what the document of a node says, however it is spelled; None if it is no node's."""
    if (path := format.path_of(key)) is None:
        return None
    try:
        if format.kind_of({key: document}, path) != "array":
            return json.dumps(format.kept_members(document), sort_keys=True)
        meta: ArrayMeta = format.parse_array(document, key)
        return format.dump_array(replace(meta, stated={}))
    except ZarrError:
        return None
