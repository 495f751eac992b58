"""A store in front of the chunks of a sealed array: it verifies reads and seals writes.

Writing marks the rows of the values as changing, stores the values, and then their digests. So a
row that is not marked is that of the value that is stored, or of one that is lost or damaged,
wherever a writer was killed. A reader that finds another value than its copy of the row says reads
both again: another writer may have changed them.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

import numpy as np

from zarr._chunks.chunk_keys import ChunkKeyEncoder
from zarr._chunks.seal_digests import ALGORITHMS, digest_function
from zarr._chunks.seal_table import ABSENT, CHANGING, STORED, Place, SealTable, row_of
from zarr._formats.base import Format
from zarr._system import RLock
from zarr.errors import SealError
from zarr.storage.base import BaseStore, Buffer, ByteRange, as_view
from zarr.sync import Synchronizer, renew_after_fork

__all__ = ["ArraySeal", "Entry", "SealedStore"]

_MOST_ENTRIES = 1 << 20
_TRIES = 3
_MOST_TRIES = 30

Entry: TypeAlias = bytes | None
"""What is sealed of a value: its digest; no bytes if it is absent; None if it is being written."""

_ABSENT = b""


def _entries_of(rows: np.ndarray[Any, Any]) -> list[Entry]:
    """Return what the rows of a cell say, in C order."""
    flat = rows.reshape(-1, rows.shape[-1])
    digests = flat[:, 2:].astype(">u8").view(f"V{(rows.shape[-1] - 2) * 8}")
    entries: list[Entry] = digests[:, 0].tolist()  # as bytes, by one call
    for at in np.flatnonzero(flat[:, 0] != STORED).tolist():
        entries[at] = _ABSENT if flat[at, 0] == ABSENT else None
    return entries


class ArraySeal:
    """What is sealed of the chunks of one array.

    Parameters
    ----------
    store : BaseStore
        The store that holds the chunks, and the digests.
    format : Format
    path : str
        Path of the array.
    keys : ChunkKeyEncoder
    ndim : int
        Number of dimensions.
    document : tuple of BaseStore and str
        Store and key of the metadata of the array.
    seal : Mapping
        The seal in these metadata.
    synchronizer : Synchronizer, optional
        Locks between processes.

    Raises
    ------
    ImportError
        If the algorithm needs a package that is not installed.
    """

    def __init__(
        self,
        store: BaseStore,
        format: Format,
        path: str,
        keys: ChunkKeyEncoder,
        ndim: int,
        document: tuple[BaseStore, str],
        seal: Mapping[str, Any],
        synchronizer: Synchronizer | None = None,
    ) -> None:
        self.store, self.format, self.path = store, format, path
        self.keys, self.ndim, self.document = keys, ndim, document
        self._synchronizer = synchronizer
        self._set_algorithm(seal)
        self._entries: dict[str, Entry] = {}
        self._table: SealTable | None = None
        renew_after_fork(self)

    def _renew(self) -> None:
        self._first = RLock()

    def _set_algorithm(self, seal: Mapping[str, Any]) -> None:
        algorithm = seal.get("algorithm")
        if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
            said = f"its seal has digests that are not known: {algorithm!r:.50}"
            raise SealError(said, self.document[1])
        self.digest = digest_function(algorithm)
        self.words = 2 + ALGORITHMS[algorithm] // 8

    @property
    def table(self) -> SealTable:
        """The digests, whose metadata are read when they are needed."""
        table = self._table
        if table is None:
            table = self._table = SealTable(
                self.store.source, self.format, self.path, self.ndim, self.words,
                self._synchronizer,
            )  # fmt: skip
        return table

    # -- reading -------------------------------------------------------------------

    def verified(
        self,
        keys: Sequence[str],
        found: dict[str, Buffer],
        fetch: Callable[[Sequence[str]], dict[str, Buffer]],
    ) -> dict[str, Buffer]:
        """Return the values `found` at some keys, or what has replaced them meanwhile.

        Parameters
        ----------
        keys : sequence of str
        found : dict
        fetch : callable
            Reads the values of keys again.

        Raises
        ------
        SealError
            If values are not those that were sealed.
        """
        wrong = self.differing(keys, found)
        return self._settle(wrong, dict(found), fetch) if wrong else found

    def differing(self, keys: Sequence[str], found: Mapping[str, Buffer]) -> list[str]:
        """Return which of some keys seem to have other values than those that were sealed.

        Parameters
        ----------
        keys : sequence of str
        found : Mapping
            Their values.
        """
        digests = list(map(self.digest, found.values()))
        are_all = len(found) == len(keys)
        with suppress(KeyError):  # not `get`: see KVStore.getitems
            if are_all and digests == list(map(self._entries.__getitem__, found)):
                return []  # most often: a few calls of C functions for each value
        entries = self._look_up(keys)
        pairs = zip(found, digests, strict=True)
        differ = [key for key, digest in pairs if digest != entries[key]]
        if not are_all:
            differ += [key for key in keys if key not in found and entries[key]]
        return [key for key in differ if self.refute(entries[key], found.get(key))]

    def _settle(
        self,
        wrong: list[str],
        found: dict[str, Buffer],
        fetch: Callable[[Sequence[str]], dict[str, Buffer]],
    ) -> dict[str, Buffer]:
        """Return what :meth:`verified` does, where some values seem `wrong`.

        Others may have changed them since their entries were read, or the other way round. A
        value is wrong if it was read between two readings of its entry that agree, several
        times, as a writer may have changed it there and back in between.
        """
        times: Counter[str] = Counter()
        before = self._renewed(wrong)
        for _ in range(_MOST_TRIES):
            if before is None:
                return found
            for key in wrong:
                found.pop(key, None)
            found.update(fetch(wrong))
            after = self._renewed(wrong)
            if after is None:
                return found
            wrong = [key for key in wrong if self.refute(after[key], found.get(key))]
            if not wrong:
                return found
            times.update([key for key in wrong if after[key] == before[key]])
            sure = [key for key in wrong if times[key] == _TRIES]
            if sure:
                said = self.describe(after[sure[0]], found.get(sure[0]), sure[0])
                raise SealError(said, sure[0])
            before = after
        raise SealError("it and its digest are changed all the time", wrong[0])

    def refute(self, entry: Entry, value: Any) -> bool:
        """Tell whether a value, None if it is absent, is not the one that was sealed.

        What a writer had begun to change when it was killed may be anything.
        """
        if entry is None:
            return False
        if value is None or not entry:
            return value is not None or bool(entry)
        return self.digest(as_view(value)) != entry

    def describe(self, entry: Entry, value: Any, key: str) -> str:
        """Return how a value differs from the one that was sealed."""
        if value is None:
            return "it is absent, and was stored"
        length = len(as_view(value))
        if not entry:
            return f"{length} bytes are stored where nothing was"
        size = self._size_of(key)
        if length != size:
            return f"{length} bytes are stored, {size} were"
        return "other bytes are stored than were"

    def _size_of(self, key: str) -> int:
        """Return the size of a value that was sealed."""
        place = self.keys.place(key) or ()
        rows = self.table.read(self.table.cell_of(place) or ())
        inside = tuple(at % n for at, n in zip(place, self.table.cell, strict=True))
        return int(rows[(*inside, 1)])

    def entries(self, keys: Sequence[str]) -> dict[str, Entry]:
        """Return what is sealed of the values of some keys."""
        entries = self._look_up(keys)
        return {key: entries[key] for key in keys}

    def _look_up(self, keys: Sequence[str]) -> dict[str, Entry]:
        """Return the entries of some keys, and of others; from memory if they are there."""
        entries = self._entries
        if not all(map(entries.__contains__, keys)):
            unknown = [key for key in keys if key not in entries]
            if len(entries) > _MOST_ENTRIES:
                entries = self._entries = {}
            if entries:
                self._load(unknown, entries)
            else:  # the threads of a read come all at once, most of them for the same
                with self._first:
                    self._load(unknown, entries)
        return entries

    def _load(self, keys: Sequence[str], entries: dict[str, Entry]) -> None:
        """Add the entries of some keys, and those of their neighbours."""
        table = self.table
        for key in keys:
            if key in entries:
                continue  # it came with another key
            place = self.keys.place(key)
            cell = None if place is None else table.cell_of(place)
            if cell is None:
                entries[key] = None if place is None else _ABSENT
            else:
                rows = table.read(cell)
                names = self.keys.keys_in(table.region(cell))
                entries.update(zip(names, _entries_of(rows), strict=True))

    def _renewed(self, keys: Sequence[str]) -> dict[str, Entry] | None:
        """Return the entries of some keys as they are now; None if the array is not sealed."""
        store, key = self.document
        document = store.source.get(key)
        seal = None if document is None else self.format.seal_of(document, key)
        if seal is None:
            return None
        self._set_algorithm(seal)
        self._table, self._entries = None, {}
        return dict(self._look_up(keys))

    # -- writing -------------------------------------------------------------------

    def change(
        self, values: Mapping[str, Buffer], deleted: Iterable[str], work: Callable[[], None]
    ) -> None:
        """Call `work`, which stores `values` and deletes values, and keep the seal true."""
        new = {
            place: row_of(self.digest(view), len(view))
            for key, value in values.items()
            if (place := self.keys.place(key)) is not None and (view := as_view(value)) is not None
        }
        gone = {place for key in deleted if (place := self.keys.place(key)) is not None}
        table = self.table
        if new:
            table.cover(new)
        nothing = np.zeros(self.words, "<u8")
        # A number of its own tells this change from those of others.
        changing = nothing.copy()
        changing[:2] = CHANGING, int.from_bytes(os.urandom(8))
        shared = table.update(dict.fromkeys((*new, *gone), changing))
        self._entries = {}
        work()
        rows = {**new, **dict.fromkeys(gone, nothing)}
        for place in shared:
            del rows[place]
        shared += table.update(rows, changing)
        if shared:
            # Others are writing these values, or were killed: whose came last is not known.
            table.renew(shared, self._stored_rows)

    def _stored_rows(self, places: Sequence[Place]) -> np.ndarray[Any, Any]:
        """Return the rows of what is stored now."""
        keys = [self.keys.key(place) for place in places]
        found = self.store.source.getitems(keys)
        rows = np.zeros((len(keys), self.words), "<u8")
        for row, key in zip(rows, keys, strict=True):
            if key in found:
                view = as_view(found[key])
                row[:] = row_of(self.digest(view), len(view))
        return rows


class SealedStore(BaseStore):
    """The values of a sealed array, verified as they are read and sealed as they are written.

    Values are read whole, since their digests are those of whole values.

    Parameters
    ----------
    store : BaseStore
        The store that holds the chunks.
    seal : ArraySeal
    verify : bool
        Whether to verify what is read.
    """

    forwards = True

    def __init__(self, store: BaseStore, seal: ArraySeal, verify: bool) -> None:
        self._store, self._seal, self._verify = store, seal, verify
        self._dimension_separator = store._dimension_separator
        self._mode = store._mode
        self.threads = store.threads  # type: ignore[misc]
        self.partial_reads = store.partial_reads and not verify  # type: ignore[misc]
        self.whole_reads = verify  # type: ignore[misc]
        self.is_view = store.is_view  # type: ignore[misc]
        self.lists_folders = store.lists_folders  # type: ignore[misc]

    @property
    def location(self) -> Hashable:
        return self._store.location

    @property
    def source(self) -> BaseStore:
        source = self._store.source
        return self if source is self._store else SealedStore(source, self._seal, self._verify)

    def address(self, path: str = "") -> tuple[Hashable, str]:
        return self._store.address(path)

    def is_writeable(self) -> bool:
        return self._store.is_writeable()

    def is_erasable(self) -> bool:
        return self._store.is_erasable()

    def is_listable(self) -> bool:
        return self._store.is_listable()

    def __iter__(self) -> Iterator[str]:
        return iter(self._store)

    def list_prefix(self, path: str = "") -> Iterator[str]:
        return self._store.list_prefix(path)

    def __contains__(self, key: object) -> bool:
        return key in self._store

    # -- reading -------------------------------------------------------------------

    def __getitem__(self, key: str) -> Buffer:
        return self.getitems([key])[key]

    def getitems(self, keys: Sequence[str], *, contexts: Any = None) -> dict[str, Buffer]:
        fetch = self._store.getitems
        return self._seal.verified(keys, fetch(keys), fetch) if self._verify else fetch(keys)

    def get_partial_values(self, ranges: Sequence[tuple[str, ByteRange]]) -> list[Buffer | None]:
        if not self._verify:
            return self._store.get_partial_values(ranges)
        return super().get_partial_values(ranges)

    def get_versioned_values(
        self, ranges: Sequence[tuple[str, ByteRange]]
    ) -> tuple[list[Buffer | None], dict[str, str]]:
        if not self._verify:
            return self._store.get_versioned_values(ranges)
        return self.get_partial_values(ranges), {}

    # -- writing -------------------------------------------------------------------

    def __setitem__(self, key: str, value: Buffer) -> None:
        self.setitems({key: value})

    def setitems(self, items: Mapping[str, Buffer]) -> None:
        self._seal.change(items, (), lambda: self._store.setitems(items))

    def __delitem__(self, key: str) -> None:
        self.delitems([key])

    def delitems(self, keys: Iterable[str]) -> None:
        gone = list(keys)
        self._seal.change({}, gone, lambda: self._store.delitems(gone))

    def __repr__(self) -> str:
        return repr(self._store)
