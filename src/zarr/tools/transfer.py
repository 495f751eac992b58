"""The data of one array on their way into another."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from zarr import config
from zarr._chunks.regions import Region, grow, items_in_part
from zarr._nodes.rechunking import bytes_of_element, copy_by_plan
from zarr._selection.grid import Edges, count_chunks, longest
from zarr._shared.chunk_cache import forget_below
from zarr.core import Array
from zarr.tools import hdf5

__all__ = [
    "WINDOW_BYTES", "Transfer", "copy_data", "missing_coords", "nbytes_of", "number_of_chunks",
    "same_chunks", "same_encoding",
]  # fmt: skip

WINDOW_BYTES = 8 << 20
"""Most bytes on their way at a time, unless one chunk is larger."""

MEMORY = 64 << 20
"""Bytes for arrays whose chunks change."""


def _stored_shape(array: Any) -> tuple[int, ...]:
    """Return the shape of what is stored under one key: of a shard, or else of a chunk.

    Where they differ, that of the largest.
    """
    if isinstance(array, Array):
        return tuple(map(longest, array._current.grid.stored))
    return tuple(array.chunks or array.shape)


def _stored_lengths(array: Any) -> tuple[Any, ...]:
    """Return the same where such lengths can differ."""
    return array._current.grid.stored if isinstance(array, Array) else _stored_shape(array)


def number_of_chunks(array: Any) -> int:
    """Return how many chunks, or shards, an array has."""
    lengths = zip(array.shape, _stored_lengths(array), strict=True)
    return math.prod(count_chunks(part, length) for length, part in lengths if part)


def nbytes_of(array: Any) -> int:
    """Return the bytes of the elements of an array."""
    return int(math.prod(array.shape) * array.dtype.itemsize)


class Transfer:
    """The data of one array on their way into another of the same shape.

    Parameters
    ----------
    source, target : Array or h5py.Dataset
    resume : bool
        Whether to leave the chunks alone that `target` has already.
    progress : callable
        Called with the part of the array that is done.
    """

    def __init__(
        self, source: Any, target: Any, resume: bool, progress: Callable[[float], object]
    ) -> None:
        self.source = source
        self.target = target
        self.resume = resume
        self.progress = progress
        self.nbytes = 0

    def run(self) -> None:
        """Copy the data, window by window."""
        if same_encoding(self.source, self.target):
            self._copy_encoded()
        elif not self._copy_by_plan():
            self._copy_items()
        if not self.resume:
            self.nbytes = nbytes_of(self.source)

    def _copy_encoded(self) -> None:
        source, target = self.source, self.target
        old, new = source._data_store, target._data_store
        if self.resume:
            coords: Iterator[tuple[int, ...]] = iter(missing_coords(source, target))
        else:
            coords = _stored_places(source)
        chunk_nbytes = math.prod(_stored_shape(source)) * source.dtype.itemsize
        per_window = max(1, WINDOW_BYTES // max(1, chunk_nbytes))
        done = 0
        while window := list(itertools.islice(coords, per_window)):
            keys = {source._engine.keys.key(c): target._engine.keys.key(c) for c in window}
            found = old.getitems(list(keys))
            new.setitems({keys[key]: value for key, value in found.items()})
            forget_below(new.address(target.path))
            done += len(window)
            self.nbytes += len(window) * chunk_nbytes
            self.progress(min(1.0, done / max(1, number_of_chunks(source))))

    def _copy_by_plan(self) -> bool:
        """Copy between other chunks as `zarr.rechunk` does; tell whether that was possible."""
        source, target = self.source, self.target
        if self.resume or not isinstance(source, Array) or not isinstance(target, Array):
            return False
        stored = self._stored()
        if stored is not None and _is_sparse(stored, source, target):
            return False
        is_whole = stored is None or len(stored) == number_of_chunks(source)
        itemsize = max(map(bytes_of_element, (source, target)))
        if not copy_by_plan(
            source, target, MEMORY, itemsize,
            progress=self.progress, wanted=None if is_whole else self._wanted(stored),
            limited=_limited,
        ):  # fmt: skip
            return False
        self.nbytes += nbytes_of(source)
        return True

    def _copy_items(self) -> None:
        stored = self._stored()
        wanted = self._wanted(stored)
        done, size = 0, max(1, math.prod(self.source.shape))
        if stored is None or not _is_sparse(stored, self.source, self.target):
            regions = _regions(self.source, self.target)
        else:
            regions = _regions_around(stored, self.source, self.target)
        for region in regions:
            items = math.prod(part.stop - part.start for part in region)
            if items and wanted(region):
                _write(self.target, region, _read(self.source, region))
                self.nbytes += items * self.source.dtype.itemsize
            done += items
            self.progress(done / size)

    def _stored(self) -> set[tuple[int, ...]] | None:
        """Return the places of the chunks that are all there is to copy; None if all is."""
        if not isinstance(self.source, Array) or not _same_absence(self.source, self.target):
            return None
        return set(_stored_places(self.source))

    def _wanted(self, stored: set[tuple[int, ...]] | None) -> Callable[[Region], bool]:
        """Return a function that tells whether a region must be copied."""
        tests: list[Callable[[Region], bool]] = []
        if self.resume:
            present = {coords for _, coords in self.target._engine.stored()}
            tests.append(lambda region: not _grid(self.target, region) <= present)
        if stored is not None and len(stored) < number_of_chunks(self.source):
            tests.append(lambda region: not _grid(self.source, region).isdisjoint(stored))
        return lambda region: all(test(region) for test in tests)


def _limited(threads: int) -> config.set:
    """Use no more threads than these, until the end of a `with` block."""
    return config.set(workers=min(threads, config.get().workers))


def copy_data(
    source: Array, target: Array, encoded: bool, progress: Callable[[float], object]
) -> int:
    """Copy the data of an array into another of the same shape; return how many bytes.

    Those of `encoded` chunks stay as they are. `progress` is called with the part that is done.
    """
    transfer = Transfer(source, target, False, progress)
    if encoded:
        transfer._copy_encoded()
    elif not transfer._copy_by_plan():
        transfer._copy_items()
    return transfer.nbytes


def _grid(array: Any, region: Region) -> set[tuple[int, ...]]:
    """Return the places of the chunks of `array` that `region` touches."""
    ranges = [
        range(count_chunks(length, part.start + 1) - 1, count_chunks(length, part.stop))
        for part, length in zip(region, _stored_lengths(array), strict=True)
    ]
    return set(itertools.product(*ranges))


def _stored_places(array: Array) -> Iterator[tuple[int, ...]]:
    """Yield the places of the chunks that an array has.

    Where nothing at all is listed, not even its metadata, the store cannot list, as over HTTP:
    then yield the places of all chunks.
    """
    keys, is_listed = array._engine.keys, False
    for key in array._data_store.list_prefix(array.path):
        is_listed = True
        if (place := keys.place(key)) is not None:
            yield place
    if not is_listed:
        counts = zip(_stored_lengths(array), array.shape, strict=True)
        yield from itertools.product(*(range(count_chunks(*count)) for count in counts))


def missing_coords(source: Array, target: Array) -> list[tuple[int, ...]]:
    """Return the places of the chunks that `source` has and `target` has not."""
    present = {coords for _, coords in target._engine.stored()}
    stored = list(_stored_places(source))
    if _stored_lengths(source) == _stored_lengths(target):
        return [coords for coords in stored if coords not in present]
    return stored if len(present) < number_of_chunks(target) else []


def same_encoding(source: Any, target: Any) -> bool:
    """Tell whether the bytes of a chunk of one are those of the other."""
    if not isinstance(source, Array) or not isinstance(target, Array):
        return False
    a, b = source._current, target._current
    return (
        a.dtype == b.dtype
        and a.grid == b.grid
        and a.sharding == b.sharding
        and (a.order == b.order or len(a.shape) < 2)
        and a.steps == b.steps
        and _same_fill(source, target)
    )


def same_chunks(source: Array, target: Array) -> bool:
    """Tell whether the chunks of one can be those of the other, be they in shards or not."""
    a, b = source._current, target._current
    inner = [meta.sharding and meta.sharding.inner for meta in (a, b)]
    return (
        a.dtype == b.dtype
        and a.grid.chunks == b.grid.chunks
        and inner == [None, None]
        and (a.order == b.order or len(a.shape) < 2)
        and a.steps == b.steps
        and _same_fill(source, target)
    )


def _same_fill(source: Any, target: Any) -> bool:
    a, b = source._current.fill_value, target._current.fill_value
    if a is None or b is None:
        return a is b
    if source.dtype.hasobject:
        return bool(np.all(a == b))
    return np.array(a, source.dtype).tobytes() == np.array(b, source.dtype).tobytes()


def _same_absence(source: Array, target: Any) -> bool:
    """Tell whether a chunk that `source` has not need not be written to `target`."""
    if source.fill_value is None:
        return True
    if hdf5.is_h5py(target):
        return hdf5.keeps_fill_value(target, source.fill_value)
    return target.dtype == source.dtype and _same_fill(source, target)


def _read(array: Any, region: Region) -> Any:
    return hdf5.read(array, region) if hdf5.is_h5py(array) else array[region]


def _write(array: Any, region: Region, data: Any) -> None:
    if hdf5.is_h5py(array):
        hdf5.write(array, region, data)
    else:
        array[region] = data


def _regions(source: Any, target: Any) -> Iterator[Region]:
    """Yield regions of whole chunks of `target` that cover it, each of bounded size.

    They grow first along the dimensions in which the chunks of `source` are the longer
    ones, so that each of those is read as seldom as the bound allows.
    """
    box = _box(source, target, _stored_shape(source), source.shape)
    cuts = list(map(_cuts, _stored_lengths(target), source.shape, box))
    yield from itertools.product(*cuts)


def _box(source: Any, target: Any, *aims: tuple[int, ...]) -> list[int]:
    """Return the shape of a region: chunks of `target`, grown towards some shapes."""
    return grow(list(_stored_shape(target)), items_in_part(source.dtype, WINDOW_BYTES), *aims)


def _is_sparse(stored: set[tuple[int, ...]], source: Any, target: Any) -> bool:
    """Tell whether to look only where there are chunks: less than an eighth of the array."""
    alike = all(isinstance(n, int) for n in _stored_lengths(source) + _stored_lengths(target))
    return alike and len(stored) * 8 < number_of_chunks(source)


def _regions_around(stored: set[tuple[int, ...]], source: Any, target: Any) -> Iterator[Region]:
    """Yield the regions of whole chunks of `target` in which `stored` chunks of `source` are."""
    chunks = _stored_shape(source)
    box = _box(source, target, chunks)
    places: set[tuple[int, ...]] = set()
    for coords in stored:
        begins = [at * length for at, length in zip(coords, chunks, strict=True)]
        ends = [min(at + n, of) for at, n, of in zip(begins, chunks, source.shape, strict=True)]
        touched = zip(begins, ends, box, strict=True)
        places.update(itertools.product(*(range(a // n, -(-b // n)) for a, b, n in touched)))
    for place in sorted(places):
        bounds = zip(place, box, source.shape, strict=True)
        yield tuple(slice(at * n, min(at * n + n, of)) for at, n, of in bounds)


def _cuts(lengths: int | Edges, length: int, step: int) -> list[slice]:
    """Cut a dimension into parts of whole chunks, of at most `step` items where that can be."""
    if isinstance(lengths, int):
        return [slice(at, min(at + step, length)) for at in range(0, length, step)]
    bounds = [0]
    for end in itertools.accumulate(lengths.cut(length)):
        if len(bounds) > 1 and end - bounds[-2] <= step:
            bounds.pop()
        bounds.append(end)
    return list(itertools.starmap(slice, itertools.pairwise(bounds)))
