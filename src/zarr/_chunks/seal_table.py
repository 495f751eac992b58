"""The digests of the stored values of one array, themselves an array: see docs/formats/seal.md.

The array ``ARRAY/__seal`` has one row for each place in the grid of values: a state, a size and
the words of a digest. Its chunks are called cells here. A row is changed by reading its cell,
changing it and writing it back, under the lock of the cell.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from operator import mul
from typing import Any

import numpy as np

from zarr._chunks.chunk_keys import ChunkKeyEncoder
from zarr._codecs.pipeline import CodecPipeline
from zarr._formats.base import Format, join
from zarr._metadata.records import ArrayMeta
from zarr._selection.grid import Grid
from zarr.errors import ChunkDecodeError, MetadataError, SealError
from zarr.storage.base import BaseStore
from zarr.sync import KeyLocks, Synchronizer

__all__ = ["ABSENT", "CHANGING", "FOLDER", "STORED", "Place", "SealTable", "row_of", "table_meta"]

FOLDER = "__seal"
"""Name of the array of digests, in the folder of the array that they are of."""

ABSENT, STORED, CHANGING = range(3)
"""States of a value: not stored, stored, or being written."""

Place = tuple[int, ...]

_ROWS = 1 << 12
_FEW_ROWS = 64
_MOST_ROWS = 1 << 28
_CELLS_AT_A_TIME = 256


def row_of(digest: bytes, size: int) -> np.ndarray[Any, Any]:
    """Return the row of a stored value."""
    head = np.array([STORED, size], "<u8")
    return np.concatenate([head, np.frombuffer(digest, ">u8").astype("<u8")])


def table_meta(format: Format, counts: Place, words: int) -> ArrayMeta:
    """Return the metadata of a table with rows of `words` integers.

    Raises
    ------
    ValueError
        If the grid of `counts` values is too large.
    """
    _check_size(counts)
    cell = _cell_shape(counts)
    return ArrayMeta(
        shape=(*counts, words),
        dtype=np.dtype("<u8"),
        grid=Grid((*cell, words)),
        fill_value=np.uint64(0),
        keys=format.chunk_keys(format.default_separator, len(counts) + 1),
        steps=format.table_steps,
        attributes={},
    )


def _check_size(counts: Place) -> None:
    if math.prod(counts) > _MOST_ROWS:
        raise ValueError(
            f"a seal has a row for each place in the grid of {counts} stored values: more than "
            f"the {_MOST_ROWS} that are allowed"
        )


def _cell_shape(counts: Place) -> Place:
    """Return the shape of a cell: short dimensions whole, the longest with room to grow."""
    cell = [1] * len(counts)
    budget = _ROWS
    by_length = sorted(range(len(counts)), key=lambda dim: counts[dim])
    for left, dim in zip(range(len(counts), 0, -1), by_length, strict=True):
        wanted = max(counts[dim], 1) if left > 1 else max(counts[dim], _FEW_ROWS)
        cell[dim] = max(1, min(wanted, int(budget ** (1 / left))))
        budget //= cell[dim]
    return tuple(cell)


class SealTable:
    """The digests of the stored values of one array.

    Parameters
    ----------
    store : BaseStore
        The store that holds the chunks of the array.
    format : Format
    path : str
        Path of the array.
    ndim : int
        Its number of dimensions.
    words : int
        Number of integers in a row.
    synchronizer : Synchronizer, optional
        Locks between processes.

    Raises
    ------
    SealError
        If there is no such table, or its metadata are damaged.
    """

    def __init__(
        self,
        store: BaseStore,
        format: Format,
        path: str,
        ndim: int,
        words: int,
        synchronizer: Synchronizer | None = None,
    ) -> None:
        self.store, self.format, self.path = store, format, join(path, FOLDER)
        self.key = format.array_key(self.path)
        self._ndim, self._words = ndim, words
        self._synchronizer = synchronizer
        self._take(store)

    @cached_property
    def _locks(self) -> KeyLocks:
        return KeyLocks(self.store, self.path, self._synchronizer, beside=True)

    def _take(self, store: BaseStore) -> None:
        document = store.get(self.key)
        if document is None:
            raise SealError("there are no digests of the chunks; zarr.seal writes them", self.key)
        try:
            meta = self.format.parse_array(document, self.key)
        except MetadataError as error:
            raise SealError(f"the metadata of the digests are damaged: {error}", self.key) from None
        if not self._is_table(meta):
            raise SealError("the metadata are not those of digests of chunks", self.key)
        self.meta = meta
        self.pipeline = CodecPipeline(meta)
        self.keys = ChunkKeyEncoder(self.format.chunk_prefix(self.path, meta), meta)
        self.counts: Place = meta.shape[:-1]
        self.cell: Place = meta.chunks[:-1]

    def _is_table(self, meta: ArrayMeta) -> bool:
        """Tell whether `meta` are what :func:`table_meta` returns, in any size."""
        expected = table_meta(self.format, (1,) * self._ndim, self._words)
        return (
            meta.dtype == expected.dtype
            and [step.name for step in meta.steps] == [step.name for step in expected.steps]
            and meta.grid.regular
            and meta.sharding is None
            and len(meta.shape) == len(expected.shape)
            and meta.shape[-1] == meta.chunks[-1] == self._words
            and math.prod(meta.chunks[:-1]) <= _ROWS * _FEW_ROWS
        )

    def cell_of(self, place: Place) -> Place | None:
        """Return the cell with the row of `place`, None if there is none."""
        if any(at >= count for at, count in zip(place, self.counts, strict=True)):
            return None
        return tuple(at // n for at, n in zip(place, self.cell, strict=True))

    def _key_of(self, cell: Place) -> str:
        return self.keys.key((*cell, 0))

    def cells(self) -> Iterator[Place]:
        """Yield all cells."""
        return _all_cells(self.counts, self.cell)

    def region(self, cell: Place) -> list[range]:
        """Return the places that the rows of a cell are for."""
        return [
            range(at * n, min((at + 1) * n, count))
            for at, n, count in zip(cell, self.cell, self.counts, strict=True)
        ]

    # -- reading -------------------------------------------------------------------

    def read(self, cell: Place) -> np.ndarray[Any, Any]:
        """Return the rows of a cell, without those beyond the end of the table.

        Raises
        ------
        SealError
            If the cell is absent or damaged.
        """
        key = self._key_of(cell)
        rows = self._decoded(key, self.store.get(key))
        return rows[tuple(slice(0, len(part)) for part in self.region(cell))]

    def _decoded(self, key: str, value: Any) -> np.ndarray[Any, Any]:
        if value is None:
            raise SealError("these digests of chunks are absent", key)
        try:
            return self.pipeline.decode(value).reshape(*self.cell, self._words)
        except ChunkDecodeError as error:
            raise SealError(f"these digests of chunks are damaged: {error.reason}", key) from None

    # -- writing -------------------------------------------------------------------

    def update(
        self,
        rows: Mapping[Place, Sequence[int] | np.ndarray[Any, Any]],
        expected: np.ndarray[Any, Any] | None = None,
    ) -> list[Place]:
        """Change the rows of some places, all of them in the table.

        Parameters
        ----------
        rows : Mapping
        expected : ndarray, optional
            Rows that are not this one are left as they are.

        Returns
        -------
        list of tuple of int
            Places that others are writing, too: whose rows were not the expected one, or, without
            one, were those of values that are being written.
        """
        others: list[Place] = []
        for cell, places in self._by_cell(rows):
            new = np.array([rows[place] for place in places], "<u8")
            found = self._change_cell(cell, places, partial(np.asarray, new), expected)
            others += itertools.compress(places, found)
        return others

    def renew(
        self, places: Iterable[Place], rows_of: Callable[[Sequence[Place]], np.ndarray[Any, Any]]
    ) -> None:
        """Change the rows of some places to what `rows_of` returns under the lock of their cell."""
        for cell, group in self._by_cell(places):
            self._change_cell(cell, group, partial(rows_of, group), None)

    def _by_cell(self, places: Iterable[Place]) -> Iterable[tuple[Place, list[Place]]]:
        by_cell: dict[Place, list[Place]] = {}
        for place in places:
            cell = self.cell_of(place)
            if cell is not None:
                by_cell.setdefault(cell, []).append(place)
        return by_cell.items()

    def _change_cell(
        self,
        cell: Place,
        places: Sequence[Place],
        new: Callable[[], np.ndarray[Any, Any]],
        expected: np.ndarray[Any, Any] | None,
    ) -> list[bool]:
        """Change rows of a cell under its lock; return what :meth:`update` does, place by place."""
        first = np.array([*map(mul, cell, self.cell)], np.int64)
        inside = tuple(np.array(places, np.int64).T - first[:, None])
        key = self._key_of(cell)

        def change() -> list[bool]:
            rows = self._decoded(key, self.store.source.get(key)).copy()
            old, wanted = rows[inside], new()
            if expected is None:
                others = old[:, 0] == CHANGING
            else:
                others = (old != expected).any(axis=1)
                wanted = np.where(others[:, None], old, wanted)
            if (old != wanted).any():
                rows[inside] = wanted
                self.store[key] = self.pipeline.encode(rows)
            found: list[bool] = others.tolist()
            return found

        return self._locks.hold([key], change)

    def cover(self, places: Iterable[Place]) -> None:
        """Extend the table so that it has rows for all of `places`."""
        most = [max(axis) + 1 for axis in zip(*places, strict=True)]
        if all(n <= count for n, count in zip(most, self.counts, strict=True)):
            return

        def extend() -> None:
            self._take(self.store.source)
            counts = tuple(map(max, self.counts, most))
            _check_size(counts)
            known = set(self.cells())
            self.write_cells({}, (c for c in _all_cells(counts, self.cell) if c not in known))
            self._put(counts)

        self._locks.hold([self.key], extend)

    def _put(self, counts: Place) -> None:
        meta = replace(self.meta, shape=(*counts, self._words))
        self.store[self.key] = self.format.dump_array(meta)
        self._take(self.store.source)

    def write_cells(
        self, rows: Mapping[Place, np.ndarray[Any, Any]], cells: Iterable[Place]
    ) -> None:
        """Store cells with the given rows; others with those of absent values."""
        empty = self.pipeline.encode(np.zeros((*self.cell, self._words), "<u8"))
        todo = iter(cells)
        while part := list(itertools.islice(todo, _CELLS_AT_A_TIME)):
            self.store.setitems(
                {
                    self._key_of(cell): self.pipeline.encode(rows[cell]) if cell in rows else empty
                    for cell in part
                }
            )


def _all_cells(counts: Place, cell: Place) -> Iterator[Place]:
    return itertools.product(*[range(-(-c // n)) for c, n in zip(counts, cell, strict=True)])
