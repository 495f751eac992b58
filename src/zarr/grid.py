"""How an array is cut into chunks."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, SupportsIndex

__all__ = ["Grid", "guess_chunks", "normalize_chunks", "normalize_grid", "normalize_shape"]

_SMALLEST_GUESS = 128 << 10
_LARGEST_GUESS = 64 << 20
_TYPICAL_GUESS = 256 << 10


@dataclass(frozen=True, slots=True)
class Grid:
    """A regular grid: every chunk has the shape `chunks`, those at the edges included.

    Where chunks are stored several at a time, each such shard has the shape `shards`, a
    multiple of `chunks`.
    """

    chunks: tuple[int, ...]
    shards: tuple[int, ...] | None = None

    def counts(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the number of chunks along each dimension of an array of `shape`."""
        return tuple(-(-length // chunk) for length, chunk in zip(shape, self.chunks, strict=True))


def normalize_shape(shape: Any) -> tuple[int, ...]:
    """Return `shape`, an integer or a sequence of integers, as a tuple.

    Raises
    ------
    TypeError
        If it is None or not made of integers.
    ValueError
        If a length is negative.
    """
    try:
        lengths: tuple[int, ...] = (operator.index(shape),)
    except TypeError:
        if not isinstance(shape, Iterable):
            raise TypeError(f"shape must be one or several integers, not {shape!r}") from None
        lengths = tuple(_length(length, shape) for length in shape)
    if any(length < 0 for length in lengths):
        raise ValueError(f"shape {lengths} must not have negative lengths")
    return lengths


def _length(length: Any, shape: Any) -> int:
    try:
        return operator.index(length)
    except TypeError:
        raise TypeError(f"shape must be one or several integers, not {shape!r}") from None


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
    >>> from zarr.grid import guess_chunks
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
    given = list(chunks)
    if len(given) > len(shape):
        raise ValueError(f"chunks {tuple(given)} has more dimensions than shape {shape}")
    given += [None] * (len(shape) - len(given))
    result = tuple(
        max(length, 1) if chunk is None or chunk == -1 else int(chunk.__index__())
        for chunk, length in zip(given, shape, strict=True)
    )
    if any(chunk < 1 for chunk in result):
        raise ValueError(
            f"chunks {tuple(given)} must be positive, or -1 or None for a whole dimension"
        )
    return result


def normalize_grid(chunks: Any, shards: Any, shape: tuple[int, ...], itemsize: int) -> Grid:
    """Return the grid that the arguments `chunks` and `shards` of a creation function mean.

    Parameters
    ----------
    chunks, shape, itemsize
        As for :func:`normalize_chunks`.
    shards : int, tuple of int, True, 'auto' or None
        None: no shards. True or 'auto': guess.

    Raises
    ------
    ValueError
        If the chunks do not divide the shards.
    """
    if shards is None or shards is False:
        return Grid(normalize_chunks(chunks, shape, itemsize))
    if shards is True or shards == "auto":
        inner = normalize_chunks(chunks, shape, itemsize)
        return Grid(inner, _guess_shards(inner, shape, itemsize))
    outer = normalize_chunks(shards, shape, itemsize)
    if chunks is None or chunks is True:
        guessed = guess_chunks(outer, itemsize)
        return Grid(tuple(map(_largest_divisor, outer, guessed)), outer)
    inner = normalize_chunks(chunks, shape, itemsize)
    if any(length % chunk for length, chunk in zip(outer, inner, strict=True)):
        raise ValueError(f"chunks {inner} must divide shards {outer} in each dimension")
    return Grid(inner, outer)


def _largest_divisor(length: int, limit: int) -> int:
    return next(n for n in range(min(limit, length), 0, -1) if length % n == 0)


def _guess_shards(
    chunks: tuple[int, ...], shape: tuple[int, ...], itemsize: int
) -> tuple[int, ...]:
    """Return the shape of a shard of at most 64 MiB.

    Chunks are doubled along one dimension after the other.
    """
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
