"""Names of chunks: keys of the store, or numbers of chunks within a shard."""

from __future__ import annotations

import itertools
import math
import operator
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from zarr._metadata.records import ArrayMeta
from zarr._selection.axes import Axis, offsets_before
from zarr._selection.grid import Edges

__all__ = [
    "NUMBER",
    "Block",
    "ChunkKey",
    "ChunkKeyEncoder",
    "InnerChunkIds",
    "first_at",
    "length_at",
    "split_by_length",
]

ChunkKey: TypeAlias = Any
"""A string, or a pair of the key of a shard and a number."""

NUMBER = "0|[1-9][0-9]{0,18}"
"""The number of a chunk along a dimension, below 2**63 or little more, as a regular expression.

Longer ones are the keys of no array, and `int` refuses those of thousands of digits.
"""


class ChunkKeyEncoder:
    """How the keys of an array's chunks are made: computed once per array."""

    def __init__(self, prefix: str, meta: ArrayMeta) -> None:
        self.separator: str = meta.keys.separator
        self.prefix = prefix
        self.only = prefix + meta.keys.scalar
        self._pattern: re.Pattern[str] | None = None
        self._ndim = len(meta.shape)

    def key(self, coords: Sequence[int]) -> str:
        """Return the key of the chunk at `coords`."""
        return self.prefix + self.separator.join(map(str, coords)) if coords else self.only

    def place(self, key: str) -> tuple[int, ...] | None:
        """Return the coordinates of the chunk whose key is `key`, or None if it is no chunk's."""
        if not self._ndim:
            return () if key == self.only else None
        if not key.startswith(self.prefix):
            return None
        if self._pattern is None:  # without the prefix, so that arrays share what is compiled
            numbers = [f"({NUMBER})"] * self._ndim
            self._pattern = re.compile(re.escape(self.separator).join(numbers))
        match = self._pattern.fullmatch(key, len(self.prefix))
        return None if match is None else tuple(map(int, match.groups()))

    def box_of(self, keys: Iterable[str], last: Sequence[int]) -> list[range]:
        """Return the smallest box with all those of `keys` that are of chunks up to `last`.

        Keys of other places may be there, too: anybody may have stored them.
        """
        places = [
            place
            for place in map(self.place, keys)
            if place is not None and all(map(operator.le, place, last))
        ]
        if not places:
            return [range(0)] * self._ndim
        return [range(min(along), max(along) + 1) for along in zip(*places, strict=True)]

    def keys_in(self, region: Sequence[range]) -> list[str]:
        """Return the keys of the chunks in a box, in C order."""
        if not region:
            return [self.only]
        pieces, tail = [], ""
        for dim in range(len(region) - 1, -1, -1):
            head = self.separator if dim else self.prefix
            if dim and len(region[dim]) == 1:  # as chunks of (1, y, x) have: no list for each
                tail = f"{head}{region[dim][0]}{tail}"
            else:
                pieces.append([f"{head}{at}{tail}" for at in region[dim]])
                tail = ""
        keys = pieces.pop()
        for parts in reversed(pieces):
            keys = [key + part for key in keys for part in parts]
        return keys

    def names(self, axes: Sequence[Axis]) -> list[list[str]]:
        """Return, per dimension, what each entry contributes to a key."""
        names = []
        for d, axis in enumerate(axes):
            head = "" if d else self.prefix
            tail = self.separator if d < len(axes) - 1 else ""
            names.append([f"{head}{at}{tail}" for at in axis.chunks])
        return names

    def run(self, head: Sequence[str], names: Sequence[str], tail: Sequence[str]) -> list[str]:
        """Return the keys of neighbours from what the dimensions contribute."""
        before, after = "".join(head), "".join(tail)
        return [f"{before}{name}{after}" for name in names]


class InnerChunkIds:
    """How the keys of the chunks in one shard are made."""

    def __init__(self, shard: str, counts: Sequence[int]) -> None:
        self.shard = shard
        self.counts = counts
        self.only = (shard, 0)

    def names(self, axes: Sequence[Axis]) -> list[list[int]]:
        """Return, per dimension, what each entry contributes to the number of a chunk."""
        strides = [math.prod(self.counts[d + 1 :]) for d in range(len(self.counts))]
        return [[at * n for at in axis.chunks] for axis, n in zip(axes, strides, strict=True)]

    def run(self, head: Sequence[int], names: Sequence[int], tail: Sequence[int]) -> list[Any]:
        """Return the keys of neighbours from what the dimensions contribute."""
        base = sum(head) + sum(tail)
        return [(self.shard, base + name) for name in names]


class Block(NamedTuple):
    """A part of a selection.

    Attributes
    ----------
    axes : sequence of Axis
    keys : ChunkKeyEncoder or InnerChunkIds
        How the keys of its chunks are made.
    shape : tuple of int
        Of all its chunks.
    """

    axes: Sequence[Axis]
    keys: Any
    shape: tuple[int, ...]


def length_at(lengths: int | Edges, at: int) -> int:
    return lengths if isinstance(lengths, int) else int(lengths.lengths(at))


def first_at(lengths: int | Edges, at: int) -> int:
    return lengths * at if isinstance(lengths, int) else int(lengths.begins(at))


def split_by_length(axis: Axis, lengths: int | Edges) -> list[tuple[int, Axis]]:
    """Cut a table where the lengths of chunks change; return those with the parts."""
    if isinstance(lengths, int):
        return [(lengths, axis)]
    chunks = np.asarray(axis.chunks, np.int64)
    runs = lengths.runs_of(chunks)
    bounds = [*np.flatnonzero(np.diff(runs, prepend=-1)).tolist(), len(chunks)]
    shifts = offsets_before(chunks, lengths)
    return [
        (int(lengths.lengths(chunks[start])), axis.part(start, stop, 0, int(shifts[start])))
        for start, stop in itertools.pairwise(bounds)
    ]
