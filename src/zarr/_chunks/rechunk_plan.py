"""What is read and written to give an array other chunks, and what that costs.

A plan has one stage, which reads regions of the source and writes them to the destination, or
several with intermediate arrays between. Each region consists of whole storage units (shards, or
else chunks) of what the stage writes, so that no two regions share one.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from zarr._chunks.regions import Region, grow
from zarr._selection.grid import (
    Edges,
    boundaries,
    common_divisor,
    count_chunks,
    find_chunks,
    first_items,
    longest,
)

__all__ = ["Cost", "Layout", "Plan", "Regions", "Stage", "candidates", "pieces"]

Lengths: TypeAlias = tuple[int | Edges, ...]
"""Lengths of chunks along each dimension."""

_MOST_INTERMEDIATES = 2
_SMALL_CHUNK = 1 << 19
_CHUNKS_IN_MEMORY = 64
_FACTORS = (2, 2, 2, 3, 5, 7)


@dataclass(frozen=True, slots=True)
class Cost:
    """What the parts of a job take, in seconds.

    Attributes
    ----------
    read, write : float
        For a byte of decoded chunks.
    get, put : float
        For a value of the store.
    """

    read: float
    write: float
    get: float
    put: float


LOCAL = Cost(read=0.6e-9, write=1.2e-9, get=50e-6, put=150e-6)
REMOTE = Cost(read=5e-9, write=5e-9, get=20e-3, put=20e-3)


@dataclass(frozen=True, slots=True)
class Layout:
    """How an array is stored.

    Attributes
    ----------
    chunks : tuple of int or Edges
        What is decoded at a time.
    units : tuple of int or Edges
        What is written at a time: shards, if there are any.
    cost : Cost
    """

    chunks: Lengths
    units: Lengths
    cost: Cost = LOCAL


class Regions:
    """The regions that a stage writes, in C order, each computed when it is asked for."""

    def __init__(self, shape: Sequence[int], units: Lengths, block: Sequence[int]) -> None:
        self.bounds = list(map(_bounds, units, shape, block))
        self._counts = tuple(len(bounds) - 1 for bounds in self.bounds)

    def __len__(self) -> int:
        return math.prod(self._counts)

    def __getitem__(self, number: int) -> Region:
        place = np.unravel_index(number, self._counts) if self._counts else ()
        ends = zip(self.bounds, place, strict=True)
        return tuple(slice(int(bounds[at]), int(bounds[at + 1])) for bounds, at in ends)


@dataclass(frozen=True, slots=True)
class Stage:
    """One pass over the array.

    Attributes
    ----------
    block : tuple of int
        Shape of a region.
    chunks : tuple of int or None
        Chunks of the intermediate array that is written; None for the destination.
    blocks : int
        Number of regions.
    nbytes_read : int
        Bytes of the decoded chunks that are read, each as often as it is read.
    nbytes_written : int
        Bytes of the elements that are written.
    reads : int
        How often a chunk is read, at most.
    seconds : float
        Estimate.
    """

    block: tuple[int, ...]
    chunks: tuple[int, ...] | None
    blocks: int
    nbytes_read: int
    nbytes_written: int
    reads: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Plan:
    """How the chunks of an array are changed.

    Attributes
    ----------
    name : str
        'encoded' if chunks stay as they are, 'direct', or the number of intermediate arrays.
    stages : tuple of Stage
        The passes over the array.
    """

    name: str
    stages: tuple[Stage, ...]

    @property
    def seconds(self) -> float:
        """Estimated time."""
        return sum(stage.seconds for stage in self.stages)

    @property
    def reads(self) -> int:
        """How often a chunk of the source is read, at most."""
        return self.stages[0].reads


def candidates(
    shape: tuple[int, ...],
    itemsize: int,
    source: Layout,
    target: Layout,
    memory: int,
    temporary: Cost,
    encoded: bool = False,
) -> list[Plan]:
    """Return possible plans, the best one first.

    Parameters
    ----------
    shape : tuple of int
    itemsize : int
        Bytes of an element in memory.
    source, target : Layout
    memory : int
        Bytes that a worker may use.
    temporary : Cost
        Of intermediate arrays.
    encoded : bool
        Whether chunks need not be decoded.

    Raises
    ------
    ValueError
        If `memory` is too little for one storage unit.
    """
    planner = _Planner(shape, itemsize, source, target, memory)
    if encoded:
        return [Plan("encoded", (planner.stage(source, target, None),))]
    found = [Plan("direct", (planner.stage(source, target, None),))]
    if found[0].reads > 1:
        for number in range(1, _MOST_INTERMEDIATES + 1):
            name = f"{number} intermediate{'s' if number > 1 else ''}"
            boxes = planner.boxes(number)
            layouts = planner.intermediates(boxes, temporary)
            ends = zip([source, *layouts], [*layouts, target], boxes, strict=True)
            stages = [planner.stage(a, b, None if b is target else b, box) for a, b, box in ends]
            found.append(Plan(name, tuple(stages)))
    return sorted(found, key=lambda plan: plan.seconds)


class _Planner:
    """The plans for one array."""

    def __init__(
        self,
        shape: tuple[int, ...],
        itemsize: int,
        source: Layout,
        target: Layout,
        memory: int,
    ) -> None:
        self.shape, self.itemsize, self.memory = shape, itemsize, memory
        self.source, self.target = source, target
        chunk, unit = (
            math.prod(map(longest, lengths)) * itemsize for lengths in (source.chunks, target.units)
        )
        # A chunk may be in memory as bytes and decoded at a time, next to the region.
        besides = 2 * max(chunk, unit)
        if unit + besides > memory:
            what = "a shard or chunk of the destination" if unit >= chunk else "a chunk"
            raise ValueError(
                f"memory={memory} is too little for {what}, of {max(chunk, unit)} bytes; "
                f"at least {unit + besides} bytes are needed"
            )
        self.items = max(unit, min(memory // 2, memory - besides)) // itemsize

    def box(self, units: Lengths, *aims: Sequence[int]) -> tuple[int, ...]:
        """Return a region of whole `units`, grown towards some shapes within the memory."""
        box = list(map(min, map(longest, units), self.shape))
        for aim in (*aims, self.shape):
            for d, length in reversed(list(enumerate(self.shape))):
                most = self.items // max(1, math.prod(box) // max(1, box[d]))
                wanted = min(aim[d], length)
                if wanted == length <= most:
                    box[d] = length
                elif wanted > box[d]:
                    factor = min(most // box[d], -(-wanted // box[d]))
                    box[d] = min(box[d] * max(1, factor), length)
        return tuple(box)

    def boxes(self, number: int) -> list[tuple[int, ...]]:
        """Return about what is in memory at a time, for each stage from the source on."""
        read = self.box(self.source.chunks, tuple(map(longest, self.target.units)))
        write = self.box(self.target.units, tuple(map(longest, self.source.chunks)))
        steps = [_between(a, b, number) for a, b in zip(read, write, strict=True)]
        return [read, *zip(*steps, strict=True), write]

    def intermediates(self, boxes: list[tuple[int, ...]], cost: Cost) -> list[Layout]:
        """Return the layouts of intermediate arrays, each between two stages."""
        chunks = [self.divided(tuple(map(min, a, b))) for a, b in itertools.pairwise(boxes)]
        return [Layout(lengths, lengths, cost) for lengths in chunks]

    def divided(self, chunks: tuple[int, ...]) -> tuple[int, ...]:
        """Return chunks so small that each of several threads can hold some.

        The first dimensions are divided first: a chunk as wide as a block is decoded right into it.
        """
        most = max(_SMALL_CHUNK, self.memory // _CHUNKS_IN_MEMORY) // self.itemsize
        lengths = list(chunks)
        for d, factor in itertools.product(range(len(lengths)), _FACTORS):
            if math.prod(lengths) > most and lengths[d] % factor == 0:
                lengths[d] //= factor
        return tuple(lengths)

    def stage(
        self, source: Layout, target: Layout, made: Layout | None, *aims: tuple[int, ...]
    ) -> Stage:
        """Return the pass from one array to the next, and what it costs.

        Of several shapes of blocks, among them those grown towards `aims`, the cheapest is taken.
        """
        lengths = tuple(map(longest, target.units))
        ways: list[tuple[tuple[int, ...], ...]] = []
        for read in dict.fromkeys((source.units, source.chunks)):
            common = tuple(map(math.lcm, map(common_divisor, read), lengths))
            ways += [(tuple(map(longest, read)), common), (common,)]
        ways += [(), *((aim,) for aim in aims)]
        blocks = dict.fromkeys(self.box(target.units, *way) for way in ways)
        stages = [self._stage(source, target, made, block) for block in blocks]
        return min(stages, key=lambda stage: stage.seconds)

    def _stage(
        self, source: Layout, target: Layout, made: Layout | None, block: tuple[int, ...]
    ) -> Stage:
        bounds = Regions(self.shape, target.units, block).bounds
        axes = [_Touched(*axis) for axis in zip(source.chunks, bounds, self.shape, strict=True)]
        nread = math.prod(axis.items for axis in axes) * self.itemsize
        nwritten = math.prod(self.shape) * self.itemsize
        gets = math.prod(axis.count for axis in axes)
        puts = math.prod(map(count_chunks, target.units, self.shape))
        seconds = (
            nread * source.cost.read
            + gets * source.cost.get
            + nwritten * target.cost.write
            + puts * target.cost.put
        )
        return Stage(
            block=block,
            chunks=None if made is None else tuple(map(longest, made.chunks)),
            blocks=math.prod(len(axis) - 1 for axis in bounds),
            nbytes_read=nread,
            nbytes_written=nwritten,
            reads=math.prod(axis.most for axis in axes),
            seconds=seconds,
        )


class _Touched:
    """How the chunks along a dimension are read by regions.

    Attributes
    ----------
    count : int
        Number of chunks, each as often as it is read.
    items : int
        Number of their elements.
    most : int
        How often one of them is read, at most.
    """

    def __init__(self, lengths: int | Edges, bounds: np.ndarray[Any, Any], length: int) -> None:
        number = count_chunks(lengths, length)
        first, last = find_chunks(lengths, bounds[:-1]), find_chunks(lengths, bounds[1:] - 1)
        self.count = int((last - first + 1).sum())
        mean = length / number if isinstance(lengths, Edges) and number else longest(lengths)
        self.items = round(self.count * min(mean, max(length, 1)))
        inner = bounds[1:-1]
        chunks = find_chunks(lengths, inner)
        cut = chunks[first_items(lengths, chunks) != inner]
        # No table of all chunks: there may be very many.
        self.most = 1 + int(np.unique(cut, return_counts=True)[1].max(initial=0))


def _between(start: int, end: int, number: int) -> list[int]:
    """Return lengths from `start` towards `end`, without both, each a multiple of its smaller one.

    They are as many as there are arrays between `number` intermediate ones.
    """
    low, high = sorted((start, end))
    lengths = [low]
    for step in range(1, number):
        wanted = low * (high / low) ** (step / number)
        lengths.append(min(high, lengths[-1] * max(1, round(wanted / lengths[-1]))))
    steps = lengths[1:]
    return steps if start <= end else steps[::-1]


def _bounds(lengths: int | Edges, length: int, step: int) -> np.ndarray[Any, Any]:
    """Return where regions begin along a dimension, and its length.

    A region has whole chunks, and at most `step` elements where that can be.
    """
    if isinstance(lengths, int):
        return np.append(np.arange(0, length, max(step, 1)), length)
    return _joined(boundaries(lengths, length), step)


def _joined(bounds: np.ndarray[Any, Any], most: int) -> np.ndarray[Any, Any]:
    """Return those of `bounds` that are left when parts are joined up to `most` elements."""
    kept = [0]
    at = 0
    while at < len(bounds) - 1:
        at = max(at + 1, int(np.searchsorted(bounds, bounds[at] + most, "right")) - 1)
        kept.append(at)
    return bounds[kept]


def pieces(
    region: Region, units: Lengths, items: int, chunks: Lengths | None = None
) -> Iterator[Region]:
    """Cut a region such that whole chunks of about `items` elements are touched at a time.

    Parameters
    ----------
    region : tuple of slice
    units : tuple of int or Edges
        Of what is stored: shards, or else chunks. None is cut that has no more than `items`.
    items : int
        Most elements of chunks, unless one has more.
    chunks : tuple of int or Edges, optional
        Of what is decoded, if that is not `units`.
    """
    if chunks is None or chunks == units:
        yield from _pieces(region, units, units, items)
        return
    # A shard of which more than half is wanted at a time is read whole.
    half = math.prod(map(longest, units)) // 2
    for part in _pieces(region, units, chunks, items):
        size = math.prod(end - begin for begin, end in _touched(part, chunks))
        yield from _pieces(part, chunks, chunks, items if size <= items else min(items, half))


def _pieces(region: Region, cuts: Lengths, chunks: Lengths, items: int) -> Iterator[Region]:
    """Cut a region where `cuts` end."""
    touched = [max(1, end - begin) for begin, end in _touched(region, chunks)]
    box = [min(longest(lengths), most) for lengths, most in zip(cuts, touched, strict=True)]
    yield from itertools.product(*map(_cut, region, cuts, grow(box, items, touched)))


def _touched(region: Region, chunks: Lengths) -> list[tuple[int, int]]:
    """Return where the first of the chunks in a region begins, and where the last ends."""
    found = []
    for part, lengths in zip(region, chunks, strict=True):
        first, last = find_chunks(lengths, np.array([part.start, part.stop - 1])).tolist()
        begin, end = first_items(lengths, np.array([first, last + 1])).tolist()
        found.append((begin, end))
    return found


def _cut(part: slice, lengths: int | Edges, most: int) -> list[slice]:
    first, last = (int(find_chunks(lengths, np.int64(at))) for at in (part.start, part.stop - 1))
    bounds = np.asarray(first_items(lengths, np.arange(first, last + 1)))
    bounds = np.clip(np.append(bounds, part.stop), part.start, part.stop)
    ends = _joined(bounds, most).tolist()
    return [slice(a, b) for a, b in itertools.pairwise(ends)]
