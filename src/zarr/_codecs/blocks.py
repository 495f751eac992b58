"""Blosc chunks block by block: https://github.com/Blosc/c-blosc, README_CHUNK_FORMAT."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["HEADER", "Blocks", "blosc_joined", "blosc_part"]

HEADER = 16
"""Bytes of the header of a chunk; the offsets of its blocks follow, four bytes each."""

_STORED = 2


class Blocks:
    """Where the blocks of a Blosc chunk are.

    Parameters
    ----------
    head : buffer
        The first bytes of a chunk, all of the header among them.

    Attributes
    ----------
    nbytes : int
        Bytes of the decoded chunk.
    size : int
        Bytes of a decoded block.
    encoded : int
        Bytes of the chunk.
    count : int
        Number of blocks; 0 if the chunk is not divided.
    is_stored : bool
        Whether the decoded bytes are what follows the header.
    table_end : int
        Where the header with the table of offsets ends.
    """

    __slots__ = ("_ends", "_start", "_starts", "count", "encoded", "is_stored", "nbytes", "size",
                 "table_end")  # fmt: skip

    def __init__(self, head: Any) -> None:
        view = memoryview(head).cast("B")
        self._start = view[:4]
        self.nbytes, self.size, self.encoded = np.frombuffer(view, "<i4", 3, 4).tolist()
        self.is_stored = bool(view[2] & _STORED)
        is_divided = not self.is_stored and 0 < self.size < self.nbytes
        self.count = -(-self.nbytes // self.size) if is_divided else 0
        self.table_end = HEADER + 4 * self.count
        if self.table_end > self.encoded:
            raise ValueError(
                f"{self.encoded} bytes are too few for a Blosc chunk of {self.count} blocks"
            )

    def locate(self, head: Any) -> None:
        """Take from `head`, which goes up to `table_end`, where the blocks are."""
        self._starts = np.frombuffer(head, "<i4", self.count, HEADER)
        # Threads write the blocks in any order: each ends where the next one in place begins.
        self._ends = np.append(np.sort(self._starts), self.encoded)

    def around(self, start: int, stop: int) -> tuple[int, int]:
        """Return the first block, and the one after the last, of some decoded bytes."""
        first, last = start // self.size, -(-stop // self.size)
        if first == self.count - 1 and self.nbytes % self.size:
            first -= 1  # the decoder refuses a chunk of one incomplete block
        return first, last

    def ranges(self, first: int, last: int) -> list[tuple[int, int]]:
        """Return where in the chunk each of some blocks begins and ends."""
        begins = self._starts[first:last]
        ends = self._ends[np.searchsorted(self._ends[:-1], begins, "right")]
        if (begins < self.table_end).any() or (ends - begins).sum(dtype="i8") > self.encoded:
            raise ValueError("the blocks of the Blosc chunk overlap")
        return [
            (begin, max(begin, end))
            for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)
        ]

    def chunk(self, first: int, last: int, parts: Sequence[Any]) -> tuple[Any, int, int]:
        """Return a chunk of only some blocks, and which decoded bytes it holds.

        Parameters
        ----------
        first, last : int
            The first block, and the one after the last.
        parts : sequence of buffer
            These blocks, encoded.
        """
        lengths = np.array([0, *map(len, parts)], "<i4")
        offsets = HEADER + 4 * len(parts) + np.cumsum(lengths, dtype="<i4")
        low, high = first * self.size, min(last * self.size, self.nbytes)
        sizes = np.array([high - low, self.size, offsets[-1]], "<i4").tobytes()
        return b"".join([self._start, sizes, offsets[:-1].tobytes(), *parts]), low, high


def blosc_part(buf: Any, start: int, stop: int) -> tuple[Any, int, int]:
    """Return a Blosc chunk of only those blocks of `buf` that hold some decoded bytes.

    Parameters
    ----------
    buf : buffer
        A chunk that :func:`~zarr._codecs.builtin.check_blosc` has passed.
    start, stop : int
        Range of decoded bytes that are wanted.

    Returns
    -------
    part : buffer
        A complete chunk that decodes to the bytes `first` to `last`; `buf` itself if it
        is not compressed in blocks.
    first, last : int
        Range of decoded bytes.
    """
    view = memoryview(buf).cast("B")
    blocks = Blocks(view)
    if not blocks.count:
        return buf, 0, blocks.nbytes
    blocks.locate(view)
    first, last = blocks.around(start, stop)
    parts = [view[begin:end] for begin, end in blocks.ranges(first, last)]
    return blocks.chunk(first, last, parts)


def blosc_joined(bufs: Sequence[Any], nbytes: int) -> bytes | None:
    """Return one Blosc chunk that decodes to what `bufs` decode to, one after the other.

    The decoder is then called once, not once for each of many small chunks: several
    threads can decode side by side, which otherwise wait for each other at every call.

    Parameters
    ----------
    bufs : sequence of buffer
    nbytes : int
        Bytes of each when decoded.

    Returns
    -------
    bytes or None
        None if they are not all whole chunks of that size, each of one block, compressed in
        the same way.
    """
    count, start = len(bufs), HEADER + 4
    heads = b"".join([buf[:start] for buf in bufs])
    if len(heads) != start * count or heads[2] & _STORED:
        return None
    words = struct.unpack(f"<{5 * count}I", heads)
    kinds, decoded, blocks, encoded, starts = [words[i::5] for i in range(5)]
    sizes = tuple(map(len, bufs))
    alike = set(zip(kinds, decoded, blocks, starts, strict=True))
    if encoded != sizes or alike != {(kinds[0], nbytes, nbytes, start)}:
        return None
    # Each chunk stays as it is, its header included; the table points to its block.
    table = itertools.accumulate(sizes, initial=HEADER + 4 * count + start)
    *offsets, end = table
    head = struct.pack(f"<{4 + count}I", kinds[0], nbytes * count, nbytes, end - start, *offsets)
    return b"".join([head, *bufs])
