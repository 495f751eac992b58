"""The fourth level of a check: what is stored is compared with its seal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from zarr import config
from zarr._chunks.seal_table import CHANGING, FOLDER, STORED
from zarr._chunks.sealed_store import ArraySeal
from zarr._formats.base import join
from zarr._formats.seals import json_digest
from zarr._shared.threads import run_all
from zarr.errors import SealError, ZarrError
from zarr.storage.base import BaseStore, Buffer
from zarr.tools.check_keys import ArrayKeys, Listing, folder_of
from zarr.tools.check_nodes import Node, finding
from zarr.tools.check_report import Finding
from zarr.tools.seal import count_at_once

__all__ = ["check_orphan", "check_sealed_metadata", "check_sealed_values", "is_sealed"]

# -- metadata -----------------------------------------------------------------------------


def check_sealed_metadata(
    nodes: Sequence[Node], documents: Mapping[str, Buffer]
) -> Iterator[Finding]:
    """Yield the nodes whose metadata or attributes are not as they were sealed."""
    known = [node for node in nodes if node.meta is not None]
    sealed = {node.path for node in known if _seal_of(node) is not None}
    parents = {path.rpartition("/")[0] for path in sealed if path}
    for node in known:
        seal = _seal_of(node)
        if seal is None:
            if node.kind == "group" and node.path in parents:
                said = "it has no seal, and members have: another writer may have replaced it"
                yield finding("X009", node.key, said)
            continue
        try:
            node.format.check_seal(node.document, node.key)
        except SealError as error:
            yield finding("X004", node.key, error.reason, _array(node))
        key = node.format.node_attrs_key(node.path, node.key)
        if key != node.key and not _are_sealed(node, seal, documents.get(key), key):
            said = "the attributes were changed by another writer, or are damaged"
            yield finding("X004", key, said, _array(node))


def is_sealed(node: Node) -> bool:
    """Tell whether there is a seal in the metadata of a node."""
    return node.meta is not None and _seal_of(node) is not None


def _seal_of(node: Node) -> dict[str, Any] | None:
    return node.format.seal_of(node.document, node.key)


def _array(node: Node) -> str | None:
    return node.path if node.kind == "array" else None


def _are_sealed(node: Node, seal: Mapping[str, Any], document: Buffer | None, key: str) -> bool:
    known = seal.get("attributes")
    try:
        attributes = {} if document is None else node.format.parse_attrs(document, key)
    except ZarrError:
        return False
    return isinstance(known, list) and json_digest(attributes) in known


# -- chunks -------------------------------------------------------------------------------


def check_sealed_values(
    node: Node,
    stored: ArrayKeys,
    listing: Listing,
    store: BaseStore,
    progress: Callable[[int], None] | None = None,
) -> list[Finding]:
    """Return the values of an array that are not as they were sealed; each is read once.

    Parameters
    ----------
    node : Node
    stored : ArrayKeys
        Its values.
    listing : Listing
        All keys of the store.
    store : BaseStore
    progress : callable, optional
        Called with the number of values that were read.
    """
    seal = _seal_of(node)
    if seal is None:
        orphan = check_orphan(node, listing)
        return [] if orphan is None else [orphan]
    keys, document = stored.access.keys, (store, node.key)
    try:
        sealed = ArraySeal(
            store, node.format, node.path, keys, len(node.meta.shape), document, seal
        )
        return _check_values(node, stored, sealed, progress)
    except SealError as error:
        return [finding("X005", str(error.key), error.reason, node.path)]
    except ImportError as error:
        return [finding("X008", node.key, str(error), node.path)]


def check_orphan(node: Node, listing: Listing) -> Finding | None:
    """Return a finding if there are digests of an array that is not sealed."""
    if _seal_of(node) is not None or join(folder_of(node), FOLDER) not in listing.folders:
        return None
    said = (
        "there are digests of chunks, and no seal in the metadata of the array: another writer "
        "has replaced them, or sealing was interrupted"
    )
    return finding("X007", node.key, said, node.path)


def _check_values(
    node: Node,
    stored: ArrayKeys,
    sealed: ArraySeal,
    progress: Callable[[int], None] | None,
) -> list[Finding]:
    findings: list[Finding] = []
    store = stored.access.store

    def check_window(keys: Sequence[str]) -> None:
        for key in sealed.differing(keys, store.getitems(keys)):
            findings.extend(_check_again(node, key, store, sealed))
        if progress is not None:
            progress(len(keys))

    workers = max(config.get().workers, store.threads)
    number = count_at_once(node.meta)
    starts = range(0, len(stored.keys), number)
    run_all(check_window, (stored.keys[at : at + number] for at in starts), workers)
    return findings + list(_check_rows(node, stored, sealed))


def _check_again(node: Node, key: str, store: BaseStore, sealed: ArraySeal) -> Iterator[Finding]:
    """Yield a finding if a value is not as it was sealed, and nobody is writing it."""
    found = store.getitems([key])
    try:
        sealed.verified([key], found, store.getitems)
    except SealError as error:
        code = "X002" if key not in found else "X001" if sealed.entries([key])[key] else "X003"
        yield finding(code, key, error.reason, node.path)


def _check_rows(node: Node, stored: ArrayKeys, sealed: ArraySeal) -> Iterator[Finding]:
    """Yield the sealed values that are absent, and those that were being written."""
    present, meta = set(stored.keys), node.meta
    counts = stored.access.storage.values(meta.grid.counts(meta.shape))
    for cell in sealed.table.cells():
        region = [
            range(part.start, min(part.stop, n))
            for part, n in zip(sealed.table.region(cell), counts, strict=True)
        ]
        rows = sealed.table.read(cell)[tuple(slice(0, len(part)) for part in region)]
        keys, states = sealed.keys.keys_in(region), rows[..., 0].reshape(-1).tolist()
        for key, state in zip(keys, states, strict=True):
            if state == STORED and key not in present:
                yield finding("X002", key, "it is absent, and was stored", node.path)
            elif state == CHANGING:
                said = "a writer was killed, or is writing it: it has no digest"
                yield finding("X006", key, said, node.path)
