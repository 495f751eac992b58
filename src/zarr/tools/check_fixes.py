"""Mending what a check has found, one kind of finding at a time, as the caller names them."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from zarr import _formats
from zarr._formats.base import join
from zarr._metadata.records import GroupMeta
from zarr._shared.changes import changes
from zarr._shared.chunk_cache import forget_below
from zarr._wording import counted
from zarr.errors import StoreError, ZarrError
from zarr.storage.base import BaseStore, Buffer
from zarr.storage.consolidated import METADATA_KEY, dump_copies
from zarr.sync import KeyLocks
from zarr.tools.check_hierarchy import copied_documents
from zarr.tools.check_keys import folder_of
from zarr.tools.check_leftovers import (
    RESUMABLE,
    owner_of,
    seconds_since,
    values_of,
)
from zarr.tools.check_nodes import Node
from zarr.tools.check_report import Finding, Fix, Report
from zarr.tools.check_shards import salvage
from zarr.tools.rechunk_journal import is_unfinished

__all__ = ["Repair"]

_ORDER = (
    "M004", "M005", "K003", "S001", "S002", "C002", "C001", "S003", "K002", "K001", "K006", "M006",
)  # fmt: skip
"""Consolidated metadata last, because other fixes change what they have copies of."""


class Repair:
    """The fixes for one store.

    Parameters
    ----------
    store : BaseStore
    nodes : sequence of Node
        All that was found.
    documents : Mapping
        Metadata documents by key.
    keep, quarantine, age, dry_run
        As for :func:`zarr.check`.
    """

    def __init__(
        self,
        store: BaseStore,
        nodes: Sequence[Node],
        documents: Mapping[str, Buffer],
        *,
        keep: int | str | None,
        quarantine: bool,
        age: float,
        dry_run: bool,
    ) -> None:
        self.store, self.nodes, self.documents = store, list(nodes), dict(documents)
        self.keep, self.quarantine, self.age, self.dry_run = keep, quarantine, age, dry_run
        several = Counter(node.path for node in nodes)
        self.arrays = {
            node.path: node for node in nodes if node.access is not None and several[node.path] == 1
        }
        self._done: list[Fix] = []
        self._fixes: Mapping[str, Callable[[Finding], None]] = {
            "M004": self._keep_one,
            "M005": self._write_group,
            "M006": self._consolidate,
            "K001": self._delete,
            "K002": self._delete_outside,
            "K003": self._rename,
            "K006": self._delete_leftover,
            "C001": self._delete_locked,
            "C002": self._drop_chunk,
            "S001": self._rebuild,
            "S002": self._rebuild,
            "S003": self._rebuild,
        }

    def run(self, report: Report, codes: Sequence[str]) -> Report:
        """Mend the findings of `report` with one of `codes`; return the report of both."""
        for code in _ORDER:
            seen: set[str] = set()
            for found in report.findings:
                if found.code != code or found.fix not in codes or found.key in seen:
                    continue
                seen.add(found.key)
                if found.array is not None and found.array not in self.arrays:
                    said = f"spared: there are two nodes at path {found.array!r}; mend that first"
                    self._note(found, said, done=False)
                    continue
                try:
                    self._fixes[code](found)
                except (ZarrError, OSError, KeyError) as error:
                    self._note(found, f"not mended: {error!s:.300}", done=False)
        return replace(report, fixes=tuple(self._done), dry_run=self.dry_run)

    def _note(self, found: Finding, action: str, nbytes: int = 0, *, done: bool = True) -> None:
        self._done.append(Fix(found.code, found.key, action, nbytes, done))

    # -- metadata ------------------------------------------------------------------------

    def _keep_one(self, found: Finding) -> None:
        path = next(node.path for node in self.nodes if node.key == found.key)
        several = [node for node in self.nodes if node.path == path]
        kept = [node for node in several if self.keep in (node.format.version, node.kind)]
        if len(kept) != 1:
            self._note(found, f"spared: keep={self.keep!r} does not choose one node", done=False)
            return
        for node in several:
            if node is not kept[0]:
                attributes = node.format.node_attrs_key(path, node.key)
                shared = attributes == kept[0].format.node_attrs_key(path, kept[0].key)
                for key in dict.fromkeys([node.key] if shared else [node.key, attributes]):
                    if key in self.documents:
                        self._remove(found, path, len(self.documents[key]), key)

    def _write_group(self, found: Finding) -> None:
        self._locked(found, lambda: self._write_group_locked(found))

    def _write_group_locked(self, found: Finding) -> None:
        path = found.key.rpartition("/")[0]
        if found.key in self.store:
            self._note(found, "spared: it has been created meanwhile", done=False)
            return
        format = next(f for f in _formats.FORMATS if f.group_key(path) == found.key)
        document = format.dump_group(GroupMeta())
        if not self.dry_run:
            self.store[found.key] = document
            changes.note(self.store.address(path))
        self.documents[found.key] = document
        self.nodes.append(Node(path, format, "group", found.key, document, GroupMeta()))
        self._note(found, "written")

    def _consolidate(self, found: Finding) -> None:
        folder, _, name = found.key.rpartition("/")
        if not self.dry_run:
            self.store[found.key] = self._new_copies(found.key, folder, name)
        self._note(found, "consolidated")

    def _new_copies(self, key: str, folder: str, name: str) -> bytes:
        if name == METADATA_KEY:
            skip = len(folder) + 1 if folder else 0
            documents = copied_documents(folder, self.nodes, self.documents)
            return dump_copies({k[skip:]: documents[k] for k in sorted(documents)})
        node = next(node for node in self.nodes if node.key == key)
        copies = node.format.with_inline_documents(node.document, key, self.documents)
        if copies is None:
            raise StoreError(f"the document at {key!r} has no place for copies")
        return copies

    # -- keys ----------------------------------------------------------------------------

    def _delete(self, found: Finding) -> None:
        if is_unfinished(found.key):
            self._delete_leftover(found)
            return
        self._remove(found, self._owner(found), self._size(found.key))

    def _delete_leftover(self, found: Finding) -> None:
        """Delete all that an interrupted copy or rechunking has left, or move it."""
        folder, limit = found.key, self.age
        if found.code == "K006" and limit > 0:
            limit = max(limit, RESUMABLE)
        seconds = seconds_since(self.store, folder)
        if (why := _why_young(seconds, limit)) is not None:
            self._note(found, why, done=False)
            return
        owner, nbytes = owner_of(folder), 0
        for values in values_of(self.store, folder):
            nbytes += sum(max(0, size) for size in values.values())
            if self.dry_run:
                continue
            if self.quarantine:
                for key in values:
                    self.store.rename(key, self._aside(key, owner))
            else:
                self.store.delitems(list(values))
        if not self.dry_run and next(iter(self.store.list_prefix(folder)), None) is None:
            self.store.rmdir(folder)
        if self.quarantine:
            self._note(found, f"moved to {join(owner, '__quarantine')!r}")
        else:
            self._note(found, "deleted", nbytes)

    def _delete_outside(self, found: Finding) -> None:
        """Delete a chunk unless its array has grown since it was found."""
        node = self.arrays[found.array or ""]
        document = self.store.get(node.key)
        if document is None or bytes(document) != bytes(node.document):
            self._note(found, "spared: the array has been changed meanwhile", done=False)
            return
        self._delete_locked(found)

    def _delete_locked(self, found: Finding) -> None:
        self._locked(found, lambda: self._remove(found, self._owner(found), self._size(found.key)))

    def _rename(self, found: Finding) -> None:
        node = self.arrays[found.array or ""]
        root = folder_of(node)
        name = found.key[len(root) + 1 if root else 0 :]
        numbers = "".join(c if c.isdigit() else " " for c in name).split()
        target = node.access.keys.key(tuple(map(int, numbers)))  # type: ignore[union-attr]
        KeyLocks(self.store, root).hold(
            sorted([found.key, target]), lambda: self._rename_locked(found, target)
        )

    def _rename_locked(self, found: Finding, target: str) -> None:
        if target in self.store:
            self._note(found, f"spared: {target!r} exists", done=False)
            return
        if not self.dry_run:
            self.store.rename(found.key, target)
            self._forget(found)
        self._note(found, f"renamed to {target!r}")

    def _drop_chunk(self, found: Finding) -> None:
        node = self.arrays[found.array or ""]
        (self._delete_locked if node.meta.sharding is None else self._rebuild)(found)

    # -- shards --------------------------------------------------------------------------

    def _rebuild(self, found: Finding) -> None:
        self._locked(found, lambda: self._rebuild_locked(found))

    def _rebuild_locked(self, found: Finding) -> None:
        access: Any = self.arrays[found.array or ""].access
        if (why := self._why_spared(found.key)) is not None:
            self._note(found, why, done=False)
            return
        shard = memoryview(self.store[found.key]).cast("B")
        layout = access.storage.layout(found.key)
        chunks = salvage(layout, access.pipeline_for(access.storage.chunks), shard)
        if not chunks:
            self._remove(found, self._owner(found), len(shard))
            return
        value = layout.build(*_without_copies(chunks))
        action = f"rebuilt from {counted(len(chunks), 'readable inner chunk')}"
        if not self.dry_run:
            if self.quarantine:
                self.store[self._aside(found.key, self._owner(found))] = bytes(shard)
            self.store[found.key] = value
            self._forget(found)
        self._note(found, action, max(0, len(shard) - len(value)))

    # -- deleting ------------------------------------------------------------------------

    def _remove(self, found: Finding, owner: str, nbytes: int, key: str | None = None) -> None:
        """Delete the value at `key`, that of `found` by default, or move it into quarantine."""
        what = "" if key is None else f" {key!r}"
        key = found.key if key is None else key
        if (why := self._why_spared(key)) is not None:
            self._note(found, why, done=False)
            return
        if self.quarantine:
            target = self._aside(key, owner)
            if not self.dry_run:
                self.store.rename(key, target)
                self._forget(found)
            self.documents.pop(key, None)
            self._note(found, f"moved{what} to {target!r}")
            return
        if not self.dry_run:
            self.store.delitems([key])
            if found.code == "K001":
                self.store.rmdir(key)  # a folder whose deletion was cut short
            self._forget(found)
        self.documents.pop(key, None)
        self._note(found, f"deleted{what}", nbytes)

    def _why_spared(self, key: str) -> str | None:
        """Return why a value is neither deleted nor moved; None if it may be."""
        if self.age <= 0:
            return None  # without asking the store
        return _why_young(self.store.get_ages([key]).get(key), self.age)

    def _owner(self, found: Finding) -> str:
        """Return the folder in which the quarantine for a key is."""
        return found.array if found.array is not None else found.key.rpartition("/")[0]

    def _aside(self, key: str, owner: str) -> str:
        name = key[len(owner) + 1 :] if owner and key.startswith(f"{owner}/") else key
        base = join(join(owner, "__quarantine"), name)
        free = (base if n == 0 else f"{base}.{n}" for n in itertools.count())
        return next(target for target in free if target not in self.store)

    def _size(self, key: str) -> int:
        return max(self.store.getsize(key), 0)

    def _locked(self, found: Finding, work: Callable[[], None]) -> None:
        node = self.arrays.get(found.array or "")
        folder = folder_of(node) if node is not None else found.key.rpartition("/")[0]
        KeyLocks(self.store, folder).hold([found.key], work)

    def _forget(self, found: Finding) -> None:
        """See that no handle of this process goes on with what was at a key."""
        address = self.store.address(self._owner(found))
        changes.note(address)
        forget_below(address)


def _why_young(seconds: float | None, limit: float) -> str | None:
    """Return why what was stored so many seconds ago is spared; None if it is not."""
    if limit <= 0:
        return None
    if seconds is None:
        return "spared: the store does not know its age; age=0 spares nothing"
    if seconds < limit:
        return f"spared: stored {counted(round(seconds), 'second')} ago, age is {limit:g}"
    return None


def _without_copies(chunks: Mapping[int, Any]) -> tuple[dict[int, Any], dict[int, int]]:
    """Return the chunks to store, and which others are equal to which of these.

    Equal chunks that were stored once stay so.
    """
    first: dict[bytes, int] = {}
    stored: dict[int, Any] = {}
    same: dict[int, int] = {}
    for slot, chunk in sorted(chunks.items()):
        owner = first.setdefault(bytes(chunk), slot)
        if owner == slot:
            stored[slot] = chunk
        else:
            same[slot] = owner
    return stored, same
