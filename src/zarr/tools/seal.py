"""Seals: digests of what is stored, beside what is stored. docs/formats/seal.md specifies them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from zarr import _formats, config
from zarr._chunks.chunk_storage import stored_chunks
from zarr._chunks.seal_digests import ALGORITHMS, digest_function
from zarr._chunks.seal_table import FOLDER, STORED, Place, SealTable, row_of, table_meta
from zarr._chunks.sealed_store import ArraySeal
from zarr._formats.base import join
from zarr._formats.seals import SEAL, VERSION, json_digest
from zarr._metadata.records import ArrayMeta
from zarr._shared.changes import changes
from zarr._shared.threads import run_all
from zarr._wording import counted
from zarr.config import Verify
from zarr.core import Array
from zarr.errors import PathNotFoundError, SealError, ZarrError
from zarr.hierarchy import Group
from zarr.storage.base import BaseStore, as_view, normalize_storage_path
from zarr.storage.consolidated import METADATA_KEY, consolidate
from zarr.storage.resolve import Opened, StoreLike
from zarr.sync import KeyLocks
from zarr.tools.progress import followed

__all__ = ["Sealed", "count_at_once", "seal", "unseal"]

Progress = Callable[[int, int], None]

_MOST_KEYS = 1000

_OTHER_VALUES = ("more value differs", "more values differ")


@dataclass(frozen=True, slots=True)
class Sealed:
    """What :func:`zarr.seal` or :func:`zarr.unseal` has done.

    Attributes
    ----------
    arrays : int
        Number of arrays.
    groups : int
        Number of groups.
    chunks : int
        Number of stored chunks, or shards, that were digested.
    nbytes : int
        Size of these values in bytes.
    """

    arrays: int = 0
    groups: int = 0
    chunks: int = 0
    nbytes: int = 0

    def __add__(self, other: Sealed) -> Sealed:
        return Sealed(
            self.arrays + other.arrays,
            self.groups + other.groups,
            self.chunks + other.chunks,
            self.nbytes + other.nbytes,
        )


def seal(
    target: StoreLike | Array | Group,
    path: str = "",
    algorithm: str = "xxh3-64",
    *,
    overwrite: bool = False,
    progress: Progress | bool | None = None,
) -> Sealed:
    """Store digests of an array, or of all in a group, with which every read is verified.

    Each stored chunk (or shard) gets a digest, in an array next to the chunks; metadata and
    attributes get one in the metadata. From then on, reading raises `SealError` where a stored
    value is not the one that was sealed: a flipped bit, a swapped, lost, truncated or older value,
    or one that another program has written. Writing through this package updates the digests.
    Other libraries read a sealed array as before.

    What is sealed already is verified, and gets digests of what a writer that was killed had begun
    to change. Nothing may be written meanwhile by other processes.

    Parameters
    ----------
    target : Array, Group, BaseStore, MutableMapping, str or path-like
        An array or a group; or a store, a path or a URL.
    path : str, optional
        Path of the array or group in it.
    algorithm : {'xxh3-64', 'sha256', 'blake3'}, default 'xxh3-64'
        How chunks are digested. The first is the fastest and detects damage; the others also
        detect values that were forged, if the digests are kept elsewhere. 'blake3' needs the
        package of that name.
    overwrite : bool, default False
        Whether to replace existing digests without verifying what they are of.
    progress : callable or bool, optional
        Called as ``progress(done, total)`` with numbers of stored chunks.
        True draws a bar, on a terminal or in a notebook, if rich is installed.

    Returns
    -------
    Sealed
        What was sealed.

    Raises
    ------
    SealError
        If something is not as it was sealed before; nothing of that array is changed then.
    PathNotFoundError
        If there is nothing at `path`.
    ReadOnlyError
        If the store is read-only.
    ValueError
        If the algorithm is unknown, or the format has no room for digests.
    ImportError
        If the algorithm needs a package that is not installed.

    Examples
    --------
    >>> import zarr
    >>> store = zarr.MemoryStore()
    >>> z = zarr.array([1, 2, 3, 4], chunks=2, compressor=None, store=store)
    >>> zarr.seal(store)
    Sealed(arrays=1, groups=0, chunks=2, nbytes=32)
    >>> store['1'] = store['0']
    >>> zarr.open_array(store, mode='r')[:]
    Traceback (most recent call last):
        ...
    zarr.errors.SealError: '1' is not as it was sealed: other bytes are stored than were
    """
    digest_function(algorithm)
    with (
        followed(progress, "sealing", "chunks") as callback,
        _opened(target, path, verify=False if overwrite else "auto") as node,
    ):
        work = _Sealing(algorithm, overwrite, callback)
        nodes = list(_walk(node))
        for each in nodes:
            _check_sealable(each)
        work.total = sum(_count(each) for each in nodes if isinstance(each, Array))
        result = sum(map(work.seal, nodes), Sealed())
        _consolidate_again(node)
    return result


def unseal(target: StoreLike | Array | Group, path: str = "") -> Sealed:
    """Delete the digests that :func:`zarr.seal` has stored, without verifying anything.

    Parameters
    ----------
    target : Array, Group, BaseStore, MutableMapping, str or path-like
        An array or a group; or a store, a path or a URL.
    path : str, optional
        Path of the array or group in it.

    Returns
    -------
    Sealed
        The numbers of arrays and groups that were sealed.

    Raises
    ------
    PathNotFoundError
        If there is nothing at `path`.
    ReadOnlyError
        If the store is read-only.

    Examples
    --------
    >>> import zarr
    >>> z = zarr.array(range(10), chunks=5)
    >>> zarr.seal(z).chunks
    2
    >>> zarr.unseal(z)
    Sealed(arrays=1, groups=0, chunks=0, nbytes=0)
    """
    with _opened(target, path, verify=False) as node:
        result = sum(map(_unsealed, list(_walk(node))), Sealed())
        _consolidate_again(node)
    return result


# -- what to seal -------------------------------------------------------------------------


@contextmanager
def _opened(target: Any, path: str, verify: Verify) -> Iterator[Array | Group]:
    """Give the array or group that the arguments mean, to be changed."""
    if not isinstance(target, (Array, Group)):
        with Opened(target, "a") as store:
            yield _node_at(store, normalize_storage_path(path), None, None, verify)
        return
    target._check_writeable()
    inside = join(target.path, normalize_storage_path(path)) if path else target.path
    yield _node_at(target._store, inside, target._chunk_store, target.synchronizer, verify)
    if isinstance(target, Array):
        target._reload()


def _node_at(
    store: BaseStore, path: str, chunk_store: BaseStore | None, synchronizer: Any, verify: Verify
) -> Array | Group:
    found = _formats.find_node(store, path)
    if found is None:
        raise _formats.not_found(PathNotFoundError, store, path)
    store.check_writeable()
    kind = Array if found[0] == "array" else Group
    options: Any = {"synchronizer": synchronizer, "verify": verify}
    return kind._of(found[1], store, path, False, chunk_store, **options)


def _walk(node: Array | Group) -> Iterator[Array | Group]:
    """Yield a node, and all below it before it."""
    if isinstance(node, Group):
        for _, member in node._nodes():
            yield from _walk(member)
    yield node


def _check_sealable(node: Array | Group) -> None:
    if not node._format.sealable or node._store.is_view:
        raise ValueError(
            f"{node!r} cannot be sealed: only arrays and groups in the formats 2 and 3 have room "
            "for digests"
        )


def _count(array: Array) -> int:
    return sum(1 for _ in stored_chunks(array._storage))


# -- sealing ------------------------------------------------------------------------------


class _Sealing:
    """One call of :func:`seal`."""

    def __init__(self, algorithm: str, overwrite: bool, progress: Progress | None) -> None:
        self.algorithm, self.overwrite = algorithm, overwrite
        self.digest = digest_function(algorithm)
        self.words = 2 + ALGORITHMS[algorithm] // 8
        self.total = self._done = 0
        self._progress = progress

    def seal(self, node: Array | Group) -> Sealed:
        """Seal one array, or one group without its members."""
        if isinstance(node, Group):
            _change_document(node, partial(_sealed_document, node, None))
            return Sealed(groups=1)
        counts, rows = self._rows(node)
        if node._seal is not None:
            _change_document(node, lambda document: node._format.unsealed(document, node._key))
        self._write_table(node, counts, rows)
        _change_document(node, partial(_sealed_document, node, self.algorithm))
        stored = rows[..., 0] == STORED
        return Sealed(1, 0, int(stored.sum()), int(rows[..., 1][stored].sum()))

    def _rows(self, array: Array) -> tuple[Place, np.ndarray[Any, Any]]:
        """Return the grid of stored values, and their digests; verify them if they are sealed."""
        meta, storage = array._current, array._storage
        counts = tuple(storage.values(meta.grid.counts(meta.shape)))
        table_meta(array._format, counts, self.words)  # which may be too large
        rows = np.zeros((*counts, self.words), "<u8")
        old = None if self.overwrite else array._seal
        wrong: list[tuple[str, str]] = []

        def digest_window(window: Sequence[tuple[str, Place]]) -> None:
            found = array._data_store.source.getitems([key for key, _ in window])
            entries = None if old is None else old.entries([key for key, _ in window])
            for key, place in window:
                value = found.get(key)
                if entries is not None and old is not None and old.refute(entries[key], value):
                    wrong.append((key, old.describe(entries[key], value, key)))
                if value is not None:
                    view = as_view(value)
                    rows[place] = row_of(self.digest(view), len(view))
            self._advance(len(window))

        run_all(digest_window, _windows(array, counts), _workers(array))
        if old is not None:
            wrong += [(key, "it is absent, and was stored") for key in _lost(old, rows[..., 0])]
        if wrong:
            key, said = min(wrong)
            more = f"; {counted(len(wrong) - 1, *_OTHER_VALUES)}" if len(wrong) > 1 else ""
            raise SealError(f"{said}{more}; overwrite=True seals what is there now", key)
        return counts, rows

    def _advance(self, number: int) -> None:
        self._done += number
        if self._progress is not None:
            self._progress(self._done, self.total)

    def _write_table(self, array: Array, counts: Place, rows: np.ndarray[Any, Any]) -> None:
        store, format = array._data_store, array._format
        path = join(array.path, FOLDER)
        _delete_table(array)
        about = {
            SEAL: {
                "version": VERSION,
                "algorithm": self.algorithm,
                "columns": ["state", "size", *["digest"] * (self.words - 2)],
            }
        }
        key, attrs_key = format.array_key(path), format.attrs_key(path)
        document = format.dump_array(table_meta(format, counts, self.words))
        before = document if attrs_key == key else None
        store.setitems({key: document, attrs_key: format.dump_attrs(about, before)})
        table = SealTable(store, format, array.path, len(counts), self.words)
        for cells in _batches(table.cells(), _MOST_KEYS):
            table.write_cells({cell: _cell_of(table, rows, cell) for cell in cells}, cells)


def _cell_of(table: SealTable, rows: np.ndarray[Any, Any], cell: Place) -> np.ndarray[Any, Any]:
    result = np.zeros((*table.cell, rows.shape[-1]), "<u8")
    region = table.region(cell)
    inside = tuple(slice(0, len(part)) for part in region)
    result[inside] = rows[tuple(slice(part.start, part.stop) for part in region)]
    return result


def _windows(array: Array, counts: Place) -> Iterator[list[tuple[str, Place]]]:
    """Yield keys and places of the stored values in the grid, some at a time."""
    number = count_at_once(array._current)
    inside = (
        (key, place)
        for key, place in stored_chunks(array._storage)
        if all(at < count for at, count in zip(place, counts, strict=True))
    )
    yield from _batches(inside, number)


def count_at_once(meta: ArrayMeta) -> int:
    """Return how many stored values, chunks or shards, to hold in memory at a time."""
    each = max(meta.dtype.itemsize, 1) * math.prod(map(_longest, meta.grid.stored))
    return max(1, min(config.get().window_bytes // max(each, 1), _MOST_KEYS))


def _longest(lengths: Any) -> int:
    return lengths if isinstance(lengths, int) else max(n for n, _ in lengths.runs)


def _batches(items: Iterator[Any], number: int) -> Iterator[list[Any]]:
    while batch := list(itertools.islice(items, number)):
        yield batch


def _workers(array: Array) -> int:
    return max(config.get().workers, array._data_store.threads)


def _lost(seal: ArraySeal, states: np.ndarray[Any, Any]) -> Iterator[str]:
    """Yield the keys of sealed values that are not among those found, which have states."""
    for cell in seal.table.cells():
        rows = seal.table.read(cell)
        region = seal.table.region(cell)
        for offset in np.argwhere(rows[..., 0] == STORED).tolist():
            place = tuple(part[at] for part, at in zip(region, offset, strict=True))
            inside = all(at < n for at, n in zip(place, states.shape, strict=True))
            if inside and states[place] != STORED:
                yield seal.keys.key(place)


# -- metadata -----------------------------------------------------------------------------


def _change_document(node: Array | Group, change: Callable[[Any], bytes]) -> None:
    """Replace the document of a node, while nobody else changes it."""
    store, key = node._store, node._key

    def replace_document() -> None:
        document = store.source[key]
        if isinstance(node, Array) and document != node._document:
            raise ZarrError(f"array '/{node.path}' was changed while it was sealed; seal it again")
        new = change(document)
        try:
            store[key] = new
        finally:
            if isinstance(node, Array):
                changes.note(node._address)
        if isinstance(node, Array):
            node._document = new

    KeyLocks(store, key.rpartition("/")[0], node.synchronizer).hold([key], replace_document)


def _sealed_document(node: Array | Group, algorithm: str | None, document: Any) -> bytes:
    attributes = None
    attrs_key = node._format.node_attrs_key(node.path, node._key)
    if attrs_key != node._key:
        stored = node._store.source.get(attrs_key)
        parsed: Mapping[str, Any] = {}
        if stored is not None:
            parsed = node._format.parse_attrs(stored, attrs_key)
        attributes = [json_digest(parsed)]
    return node._format.sealed(document, node._key, algorithm, attributes)


def _unsealed(node: Array | Group) -> Sealed:
    sealed = node._is_sealed
    if sealed:
        _change_document(node, lambda document: node._format.unsealed(document, node._key))
    if isinstance(node, Group):
        return Sealed(groups=int(sealed))
    _delete_table(node)
    return Sealed(arrays=int(sealed))


def _delete_table(array: Array) -> None:
    store, path = array._data_store, join(array.path, FOLDER)
    if next(store.list_prefix(path), None) is not None:
        store.rmdir(path)


def _consolidate_again(node: Array | Group) -> None:
    """Renew the copies of the metadata of a node and of all below it."""
    store, path = node._store, node.path
    groups = [each.path for each in _walk(node) if isinstance(each, Group)]
    while path:
        path = path.rpartition("/")[0]
        groups.append(path)
    version = node._format.version
    if METADATA_KEY in store:
        consolidate(store, METADATA_KEY, "", version)
    for group in groups:
        key = node._format.group_key(group)
        document = store.get(key)
        if document is not None and node._format.inline_documents(document, key) is not None:
            consolidate(store, METADATA_KEY, group, version)
