"""How an array is cut into chunks."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, SupportsIndex

import numpy as np

from zarr import config
from zarr.errors import warn_user

__all__ = [
    "LONGEST",
    "Edges",
    "Grid",
    "appended_shape",
    "boundaries",
    "common_divisor",
    "count_chunks",
    "edges_from",
    "find_chunks",
    "first_items",
    "guess_chunks",
    "is_listed",
    "lists_chunks",
    "longest",
    "normalize_axis",
    "normalize_chunks",
    "normalize_end",
    "normalize_grid",
    "normalize_shape",
    "plain_chunks",
]

LONGEST = 2**63 - 1
"""Most items along a dimension: NumPy's own limit."""

_SMALLEST_GUESS = 128 << 10
_LARGEST_GUESS = 64 << 20
_TYPICAL_GUESS = 256 << 10


class Edges:
    """The lengths of the chunks along one dimension, where they are listed one by one.

    They are kept as runs of equal lengths: what a document says in a few bytes takes a few
    bytes here. Immutable.

    Parameters
    ----------
    runs : iterable of (int, int)
        Length and number of chunks that follow each other, both positive.

    Attributes
    ----------
    runs : tuple of (int, int)
        Neighbours of equal length joined.
    count : int
        Number of chunks.
    total : int
        Sum of their lengths.
    longest : int
        Length of the longest; one if there are none.
    """

    __slots__ = ("_begins", "_firsts", "_lengths", "count", "longest", "runs", "total")

    def __init__(self, runs: Iterable[tuple[int, int]]) -> None:
        joined: list[tuple[int, int]] = []
        for length, count in runs:
            before = joined.pop() if joined and joined[-1][0] == length else (length, 0)
            joined.append((length, before[1] + count))
        self.runs = tuple(joined)
        self.longest = max((length for length, _ in joined), default=1)
        begins = [0, *itertools.accumulate(length * count for length, count in joined)]
        firsts = [0, *itertools.accumulate(count for _, count in joined)]
        self.total, self.count = begins[-1], firsts[-1]
        if self.total > LONGEST:
            raise ValueError(f"chunk lengths add up to {self.total}, more than 2**63-1")
        self._begins = np.array(begins[:-1], np.int64)
        self._firsts = np.array(firsts[:-1], np.int64)
        self._lengths = np.array([length for length, _ in joined], np.int64)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Edges) and self.runs == other.runs

    def __hash__(self) -> int:
        return hash(self.runs)

    def __repr__(self) -> str:
        parts = [f"{n} * {length}" if n > 1 else str(length) for length, n in self.runs[:9]]
        return f"[{', '.join(parts[:8])}{', …' if len(parts) > 8 else ''}]"

    def __iter__(self) -> Iterator[int]:
        for length, count in self.runs:
            yield from itertools.repeat(length, count)

    def find(self, items: Any) -> np.ndarray[Any, Any]:
        """Return the chunk in which each of `items` is."""
        run = np.searchsorted(self._begins, items, "right") - 1
        inside = (items - self._begins[run]) // self._lengths[run]
        return self._firsts[run] + inside  # type: ignore[no-any-return]

    def runs_of(self, chunks: Any) -> np.ndarray[Any, Any]:
        """Return the run to which each of `chunks` belongs."""
        run: np.ndarray[Any, Any] = np.searchsorted(self._firsts, chunks, "right") - 1
        return run

    def begins(self, chunks: Any) -> np.ndarray[Any, Any]:
        """Return the first item of each of `chunks`; the number after the last has one too."""
        if not self.runs:
            return np.zeros_like(chunks)
        run = self.runs_of(chunks)
        inside = (chunks - self._firsts[run]) * self._lengths[run]
        return self._begins[run] + inside  # type: ignore[no-any-return]

    def lengths(self, chunks: Any) -> np.ndarray[Any, Any]:
        """Return the length of each of `chunks`."""
        return self._lengths[self.runs_of(chunks)]  # type: ignore[no-any-return]

    def at(self, item: int) -> tuple[int, int, int]:
        """Return the chunk in which `item` is, its first item and its length."""
        run = int(np.searchsorted(self._begins, item, "right")) - 1
        begin, length = int(self._begins[run]), int(self._lengths[run])
        inside = (item - begin) // length
        return int(self._firsts[run]) + inside, begin + inside * length, length

    def covering(self, length: int, unit: int = 1) -> Edges:
        """Return these chunks, followed by as many more as `length` needs.

        New chunks are as long as the longest there is, the last one only as long as
        needed, in multiples of `unit`.
        """
        missing = -(-(length - self.total) // unit) * unit
        if missing <= 0:
            return self
        full = max(self.longest, unit) if self.runs else missing
        more = [(full, missing // full), (missing % full, 1)]
        return Edges([*self.runs, *[run for run in more if all(run)]])

    def cut(self, length: int) -> tuple[int, ...]:
        """Return the lengths of those chunks that hold the first `length` items, cut there."""
        result = []
        for edge in self:
            if length <= 0:
                break
            result.append(min(edge, length))
            length -= edge
        return tuple(result)


def count_chunks(lengths: int | Edges, length: int) -> int:
    """Return how many chunks of `lengths` a dimension of `length` items has."""
    if isinstance(lengths, int):
        return -(-length // lengths)
    return lengths.at(length - 1)[0] + 1 if length > 0 else 0


def find_chunks(lengths: int | Edges, items: Any) -> np.ndarray[Any, Any]:
    """Return the chunk in which each of an array of `items` is."""
    if isinstance(lengths, int):
        return np.floor_divide(items, lengths)  # type: ignore[no-any-return]
    return lengths.find(items)


def first_items(lengths: int | Edges, chunks: Any) -> np.ndarray[Any, Any]:
    """Return the first item of each of an array of `chunks`."""
    if isinstance(lengths, int):
        return chunks * lengths  # type: ignore[no-any-return]
    return lengths.begins(chunks)


def boundaries(lengths: int | Edges, length: int) -> np.ndarray[Any, Any]:
    """Return where the chunks of a dimension of `length` items begin, and `length`."""
    if isinstance(lengths, int):
        return np.append(np.arange(0, length, lengths), length)
    return np.append(lengths.begins(np.arange(count_chunks(lengths, length))), length)


def longest(lengths: int | Edges) -> int:
    """Return the length of the longest chunk."""
    return lengths if isinstance(lengths, int) else lengths.longest


def common_divisor(lengths: int | Edges) -> int:
    """Return the largest number that divides the lengths of all chunks."""
    if isinstance(lengths, int):
        return lengths
    return math.gcd(*[length for length, _ in lengths.runs]) or 1


def _end_of_last(lengths: int | Edges, length: int) -> int:
    """Return where the last chunk of a dimension of `length` items ends."""
    if isinstance(lengths, int):
        return -(-length // lengths) * lengths
    if not length:
        return 0
    _, begin, last = lengths.at(length - 1)
    return begin + last


def _items_at(lengths: int | Edges, at: int) -> slice:
    """Return the items of a chunk; none if a list has no such chunk."""
    if isinstance(lengths, int):
        return slice(at * lengths, (at + 1) * lengths)
    if at >= lengths.count:
        return slice(0, 0)
    begin = int(lengths.begins(at))
    return slice(begin, begin + int(lengths.lengths(at)))


def _cut(stored: tuple[Any, ...], shape: tuple[int, ...]) -> tuple[Any, ...]:
    return tuple(
        lengths if isinstance(lengths, int) else lengths.cut(length)
        for lengths, length in zip(stored, shape, strict=True)
    )


@dataclass(frozen=True, slots=True)
class Grid:
    """How the items are divided among chunks, along each dimension.

    Attributes
    ----------
    chunks : tuple of int or Edges
        An integer is the length of all chunks along that dimension, of those at the end
        of the array too, which pass it.
    shards : tuple of int or Edges, or None
        Where chunks are stored several at a time: the same for these shards. Then
        `chunks` are integers that divide all lengths here.
    """

    chunks: tuple[Any, ...]
    shards: tuple[Any, ...] | None = None

    @property
    def stored(self) -> tuple[Any, ...]:
        """The lengths of what is stored under one key, along each dimension."""
        return self.chunks if self.shards is None else self.shards

    @property
    def regular(self) -> bool:
        """Whether all chunks, and all shards, have the same shape."""
        return {*map(type, self.stored)} <= {int}

    @property
    def largest(self) -> tuple[int, ...]:
        """Shape of the largest chunk."""
        return tuple(map(longest, self.chunks))

    def counts(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the number of chunks along each dimension of an array of `shape`."""
        return tuple(map(count_chunks, self.chunks, shape))

    def stored_counts(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return how many keys there are along each dimension of an array of `shape`."""
        return tuple(map(count_chunks, self.stored, shape))

    def edges(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return where what is stored under the last keys of an array of `shape` ends."""
        return tuple(map(_end_of_last, self.stored, shape))

    def box(self, place: tuple[int, ...]) -> list[slice]:
        """Return the items of what is stored under the key for `place`."""
        return list(map(_items_at, self.stored, place))

    def listed_counts(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the same, but with all chunks of a list, also those outside of `shape`."""
        counts = []
        for dim, stored in enumerate(self.stored):
            if isinstance(stored, int):
                counts.append(count_chunks(self.chunks[dim], shape[dim]))
            else:
                whole = self.shards is None
                counts.append(stored.count if whole else stored.total // self.chunks[dim])
        return tuple(counts)

    def bands(self, start: int, stop: int) -> Iterator[slice]:
        """Cut a range of the first dimension where chunks end."""
        lengths = self.chunks[0]
        while start < stop:
            if isinstance(lengths, int):
                end = (start // lengths + 1) * lengths
            else:
                _, begin, length = lengths.at(start)
                end = begin + length
            yield slice(start, min(end, stop))
            start = end

    def locate(self, place: tuple[int, ...]) -> tuple[list[int], tuple[int, ...]]:
        """Return the place of the chunk in which an item is, and the item's place in it."""
        coords, inside = [], []
        for item, lengths in zip(place, self.chunks, strict=True):
            if isinstance(lengths, int):
                at, offset = divmod(item, lengths)
            else:
                at, begin, _ = lengths.at(item)
                offset = item - begin
            coords.append(at)
            inside.append(offset)
        return coords, tuple(inside)

    def room(self, dim: int, length: int) -> int:
        """Return how many items fit behind `length` items until a stored value is full."""
        lengths = self.stored[dim]
        if isinstance(lengths, int):
            return int(lengths - length % lengths)
        if length >= lengths.total:
            return int(lengths.longest)
        _, begin, here = lengths.at(length)
        return int(begin + here - length)

    def cut(self, shape: tuple[int, ...]) -> tuple[Any, ...]:
        """Return an integer where chunks have one length, else those of all, in `shape`."""
        return _cut(self.chunks, shape)

    def cut_shards(self, shape: tuple[int, ...]) -> tuple[Any, ...] | None:
        """Return the same for shards; None if there are none."""
        return None if self.shards is None else _cut(self.shards, shape)

    def covering(self, shape: tuple[int, ...]) -> Grid:
        """Return this grid with as many more chunks as an array of `shape` needs."""
        if self.regular:
            return self
        units = (1,) * len(shape) if self.shards is None else self.chunks
        stored = tuple(
            lengths if isinstance(lengths, int) else lengths.covering(length, unit)
            for lengths, length, unit in zip(self.stored, shape, units, strict=True)
        )
        if all(one is other for one, other in zip(stored, self.stored, strict=True)):
            return self
        return Grid(stored) if self.shards is None else Grid(self.chunks, stored)


def normalize_shape(shape: Any, ndim: int | None = None) -> tuple[int, ...]:
    """Return `shape`, an integer or a sequence of integers, as a tuple.

    Parameters
    ----------
    shape : int or sequence of int
    ndim : int, optional
        Number of dimensions it must have.

    Raises
    ------
    TypeError
        If it is None or not made of integers.
    ValueError
        If a length is negative, or the number of dimensions another.
    """
    try:
        lengths: tuple[int, ...] = (operator.index(shape),)
    except TypeError:
        if not isinstance(shape, Iterable):
            raise TypeError(f"shape must be one or several integers, not {shape!r}") from None
        lengths = tuple(_lengths(shape, "shape"))
    if any(length < 0 for length in lengths):
        raise ValueError(f"shape {lengths} must not have negative lengths")
    if ndim is not None and len(lengths) != ndim:
        raise ValueError(f"new shape {lengths} must have {ndim} dimensions, as now")
    return lengths


def _lengths(given: Iterable[Any], name: str) -> list[int]:
    """Return the lengths in a tuple; floats with integral values are taken, with a warning."""
    lengths = []
    floats = False
    for length in given:
        try:
            lengths.append(operator.index(length))
        except TypeError:
            if not isinstance(length, (float, np.floating)) or not float(length).is_integer():
                raise TypeError(f"{name} must be one or several integers, not {given!r}") from None
            lengths.append(int(length))
            floats = True
    if floats:
        warn_user(f"{name} contains non-integer value(s): {given!r}")
    return lengths


def normalize_axis(axis: int, ndim: int) -> int:
    """Return the number of a dimension, counted from zero; raise `ValueError` if there is none."""
    if not -ndim <= axis < ndim:
        raise ValueError(f"axis {axis} is out of bounds for {ndim} dimensions")
    return axis % ndim


def normalize_end(index: Any, default: int) -> int:
    """Return `index`, where an iteration starts or ends, or `default` for None."""
    if index is None:
        return default
    if not isinstance(index, SupportsIndex) or operator.index(index) < 0:
        raise ValueError(f"start and end must be nonnegative integers, not {index!r}")
    return operator.index(index)


def appended_shape(
    shape: tuple[int, ...], added: tuple[int, ...], axis: int
) -> tuple[int, tuple[int, ...]]:
    """Return the dimension along which an array grows, from zero, and its shape then.

    Raises
    ------
    ValueError
        If what is `added` has other lengths in the other dimensions.
    """
    ndim = len(shape)
    axis = normalize_axis(axis, ndim)
    if len(added) != ndim or any(added[d] != shape[d] for d in range(ndim) if d != axis):
        raise ValueError(
            f"shape of data to append is not compatible with the array; all dimensions "
            f"but {axis} must match: {tuple(added)} to {shape}"
        )
    return axis, (*shape[:axis], shape[axis] + added[axis], *shape[axis + 1 :])


def guess_chunks(shape: Sequence[int], itemsize: int) -> tuple[int, ...]:
    """Return a chunk shape for an array of which only shape and item size are known.

    The chunk aims at 256 KiB for an array of 1 MiB and doubles with each tenfold size of
    the array, within 128 KiB and 64 MiB. It is found by halving one dimension after the
    other.

    Parameters
    ----------
    shape : sequence of int
    itemsize : int
        Bytes per item.

    Examples
    --------
    >>> from zarr._selection.grid import guess_chunks
    >>> guess_chunks((10000, 10000), 4)
    (625, 625)
    """
    itemsize = max(itemsize, 1)
    chunks = [max(length, 1) for length in shape]
    total = math.prod(chunks) * itemsize
    target = _TYPICAL_GUESS * 2 ** math.log10(total / (1 << 20))
    target = min(max(target, _SMALLEST_GUESS), _LARGEST_GUESS)
    axis = 0
    while chunks:
        size = math.prod(chunks) * itemsize
        near_enough = abs(size - target) / target < 0.5 and size < _LARGEST_GUESS
        if size < target or near_enough or math.prod(chunks) == 1:
            break
        chunks[axis % len(chunks)] = math.ceil(chunks[axis % len(chunks)] / 2)
        axis += 1
    return tuple(chunks)


def normalize_chunks(chunks: Any, shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Return the chunk shape that the argument `chunks` of a creation function means.

    Parameters
    ----------
    chunks : tuple, int, bool or None
        True or None: guess. False: one chunk. An integer: that length in every
        dimension. In a tuple None, -1 and missing trailing entries stand for the whole
        dimension.
    shape : tuple of int
    itemsize : int
        Bytes per item.

    Raises
    ------
    ValueError
        If there are more chunk lengths than dimensions, or one is not positive.
    """
    if chunks is None or chunks is True:
        return guess_chunks(shape, itemsize)
    if chunks is False:
        return tuple(max(length, 1) for length in shape)
    if isinstance(chunks, SupportsIndex):
        chunks = (chunks,) * len(shape)
    if not isinstance(chunks, Iterable):
        raise TypeError(f"chunks must be one or several integers, not {chunks!r}")
    given = list(chunks)
    if len(given) > len(shape):
        raise ValueError(f"chunks {tuple(given)} has more dimensions than shape {shape}")
    given += [None] * (len(shape) - len(given))
    result = tuple(
        max(length, 1) if chunk == -1 else chunk
        for chunk, length in zip(
            _lengths([-1 if chunk is None else chunk for chunk in given], "chunks"),
            shape,
            strict=True,
        )
    )
    if any(chunk < 1 for chunk in result):
        raise ValueError(
            f"chunks {tuple(given)} must be positive, or -1 or None for a whole dimension"
        )
    return result


def plain_chunks(chunks: Any, shape: tuple[int, ...]) -> Any:
    """Return the argument `chunks` of a creation function with integers where these will do.

    Dask spells chunks of one length as a tuple of these lengths, of which the last may be
    shorter; lists of lengths stay what they are.
    """
    if isinstance(chunks, np.ndarray):
        return tuple(chunks.tolist()) if chunks.ndim else int(chunks)
    if not isinstance(chunks, tuple) or len(chunks) != len(shape):
        return chunks
    return tuple(map(_one_length, chunks, shape))


def _one_length(lengths: Any, length: int) -> Any:
    if not isinstance(lengths, tuple) or not all(isinstance(n, (int, np.integer)) for n in lengths):
        return lengths
    alike = len(set(lengths[:-1])) < 2 and sum(lengths) == length
    return max(int(lengths[0]), 1) if lengths and alike and lengths[-1] <= lengths[0] else lengths


def lists_chunks(chunks: Any) -> bool:
    """Tell whether the argument `chunks` of a creation function has a list for a dimension."""
    return isinstance(chunks, (list, tuple)) and any(map(is_listed, chunks))


def is_listed(lengths: Any) -> bool:
    """Tell whether `lengths`, what is given for one dimension, lists chunks one by one."""
    return isinstance(lengths, (Edges, list, tuple, np.ndarray))


def edges_from(lengths: Any) -> Edges:
    """Return what a list of chunk lengths means.

    Parameters
    ----------
    lengths : Edges, or sequence of int or of (int, int)
        A pair is a length and how often it is repeated.

    Raises
    ------
    ValueError
        If it holds anything else.
    """
    if isinstance(lengths, Edges):
        return lengths
    runs = []
    for item in lengths.tolist() if isinstance(lengths, np.ndarray) else lengths:
        run = item if isinstance(item, (list, tuple)) else (item, 1)
        whole = [isinstance(n, (int, np.integer)) and not isinstance(n, bool) for n in run]
        if whole != [True, True] or run[0] < 1 or run[1] < 1:
            raise ValueError(
                f"chunk lengths must be positive integers, or pairs of a length and how often "
                f"it is repeated, not {item!r:.100}"
            )
        runs.append((int(run[0]), int(run[1])))
    return Edges(runs)


def _normalize_lengths(given: Any, name: str, shape: tuple[int, ...], itemsize: int) -> Any:
    """Return what `normalize_chunks` does, where some dimensions may list their chunks."""
    if not lists_chunks(given):
        return normalize_chunks(given, shape, itemsize)
    plain = [None if is_listed(lengths) else lengths for lengths in given]
    result: list[Any] = list(normalize_chunks(plain, shape, itemsize))
    for dim, lengths in enumerate(given):
        if is_listed(lengths):
            result[dim] = edges_from(lengths)
            if result[dim].total < shape[dim]:
                raise ValueError(
                    f"{name} of dimension {dim} add up to {result[dim].total}, less than the "
                    f"{shape[dim]} of the array's shape"
                )
    return tuple(result)


def normalize_grid(chunks: Any, shards: Any, shape: tuple[int, ...], itemsize: int) -> Grid:
    """Return the grid that the arguments `chunks` and `shards` of a creation function mean.

    Parameters
    ----------
    chunks, shape, itemsize
        As for :func:`normalize_chunks`. Besides, `chunks` can have a list of lengths for a
        dimension: of its chunks, one by one, or as pairs of a length and how often it is
        repeated.
    shards : int, tuple of int or of lists, True, 'auto' or None
        None: no shards. True or 'auto': guess.

    Raises
    ------
    ValueError
        If the chunks do not divide the shards, or do not cover the array.
    """
    if shards is None or shards is False:
        return Grid(_normalize_lengths(chunks, "chunks", shape, itemsize))
    if lists_chunks(chunks):
        raise ValueError("chunks in shards have one length in each dimension; list those of shards")
    if shards is True or isinstance(shards, str):
        inner = normalize_chunks(chunks, shape, itemsize)
        return Grid(inner, _guess_shards(inner, shape, itemsize))
    outer = _normalize_lengths(shards, "shards", shape, itemsize)
    divisors = tuple(map(common_divisor, outer))
    if chunks is None or chunks is True:
        guessed = guess_chunks(divisors, itemsize)
        return Grid(tuple(map(_largest_divisor, divisors, guessed)), outer)
    inner = normalize_chunks(chunks, shape, itemsize)
    if any(length % chunk for length, chunk in zip(divisors, inner, strict=True)):
        raise ValueError(f"chunks {inner} must divide shards {outer} in each dimension")
    return Grid(inner, outer)


def _largest_divisor(length: int, limit: int) -> int:
    return next(n for n in range(min(limit, length), 0, -1) if length % n == 0)


def _guess_shards(
    chunks: tuple[int, ...], shape: tuple[int, ...], itemsize: int
) -> tuple[int, ...]:
    """Return the shape of a shard of at most 64 MiB, or of the bytes that the settings name.

    Chunks are doubled along one dimension after the other, or put together in cubes of chunks.
    """
    target = config.get("array.target_shard_size_bytes", None)
    if target is not None:
        return _shards_within(target, chunks, shape, itemsize)
    shards = list(chunks)
    grew = True
    while grew:
        grew = False
        for axis, length in enumerate(shape):
            fits = 2 * math.prod(shards) * max(itemsize, 1) <= _LARGEST_GUESS
            if shards[axis] < length and fits:
                shards[axis] *= 2
                grew = True
    return tuple(shards)


def _shards_within(
    target: Any, chunks: tuple[int, ...], shape: tuple[int, ...], itemsize: int
) -> tuple[int, ...]:
    """Return the shape of a shard of at most `target` bytes, and of one chunk at least.

    It has as many chunks along each dimension, fewer where the array ends before.
    """
    if not isinstance(target, (int, np.integer)):
        raise TypeError(
            f"the setting array.target_shard_size_bytes must be an integer, not {target!r:.100}"
        )
    left = int(target) // (math.prod(chunks) * max(itemsize, 1))
    counts = [max(-(-length // chunk), 1) for length, chunk in zip(shape, chunks, strict=True)]
    shards = list(chunks)
    axes = sorted(range(len(shape)), key=counts.__getitem__)
    for position, axis in enumerate(axes):
        root = _root(left, len(axes) - position)
        if counts[axis] >= root:  # as for all that follow
            for other in axes[position:]:
                shards[other] *= root
            break
        shards[axis] *= counts[axis]
        left //= counts[axis]
    return tuple(shards)


def _root(number: int, degree: int) -> int:
    """Return the largest integer whose power of `degree` is at most `number`, and at least 1."""
    root: int = round(max(number, 1) ** (1 / degree))
    return max(root - 1, 1) if root**degree > number else root
