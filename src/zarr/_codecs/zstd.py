"""Zstandard frames, of which only the headers are read here: RFC 8878.

They tell how much can come out of a frame before anything is decoded, and where its blocks
end, so that only the first of them can be decoded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

__all__ = ["decode_pieces", "decode_within", "decoded_size"]

_MAGIC = b"\x28\xb5\x2f\xfd"
_SKIPPABLE = 0x184D2A50
_LARGEST_BLOCK = 128 << 10
_RAW, _RLE, _COMPRESSED = range(3)


class _Frame(NamedTuple):
    """One frame.

    Attributes
    ----------
    start, end : int
        Where it is.
    blocks : list of int
        Where its header ends, and then each block.
    size : int or None
        Bytes of what it decodes to, if it says so.
    """

    start: int
    end: int
    blocks: list[int]
    size: int | None


def _frames(data: bytes) -> Iterator[_Frame]:
    """Yield the frames of `data`; raise `ValueError` if it is something else."""
    at = 0
    while (start := _skip(data, at)) < len(data):
        blocks: list[int] = []
        at, size, _ = _scan(data, start, blocks)
        yield _Frame(start, at, blocks, size)


def _skip(data: Any, at: int) -> int:
    """Return where behind `at` there is a frame, or the end of `data`."""
    while at < len(data) and data[at : at + 4] != _MAGIC:
        if int.from_bytes(data[at : at + 4], "little") & ~0xF != _SKIPPABLE:
            raise ValueError("the data are not Zstandard frames")
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "little")
    return at


def _scan(data: Any, start: int, blocks: list[int] | None) -> tuple[int, int | None, int]:
    """Read the headers of the frame at `start`.

    Parameters
    ----------
    blocks : list, optional
        What is to become that of a `_Frame`.

    Returns
    -------
    end : int
    size : int or None
    most : int
        Most bytes that the frame can decode to.
    """
    length = len(data)
    if length < start + 6:
        raise ValueError("the Zstandard frame is truncated")
    descriptor = data[start + 4]
    single_segment = descriptor >> 5 & 1
    width = (single_segment, 2, 4, 8)[descriptor >> 6]
    at = start + 6 - single_segment + (0, 1, 2, 4)[descriptor & 3]
    size = None
    if width:
        size = int.from_bytes(data[at : at + width], "little") + (256 if width == 2 else 0)
        at += width
    most = header = 0
    while not header & 1:
        if blocks is not None:
            blocks.append(at)
        header = int.from_bytes(data[at : at + 3], "little")
        kind = header >> 1 & 3
        most += header >> 3 if kind in (_RAW, _RLE) else _LARGEST_BLOCK
        at += 4 if kind == _RLE else 3 + (header >> 3)
        if at > length:
            raise ValueError("the Zstandard frame is truncated")
    if blocks is not None:
        blocks.append(at)
    if size is not None and size > most:
        raise ValueError(f"a Zstandard frame says {size} bytes, but cannot hold more than {most}")
    return at + (descriptor & 4), size, most


def decoded_size(buf: Any) -> tuple[int | None, int]:
    """Return how many bytes some frames say that they decode to, and the most that they can.

    Returns
    -------
    size : int or None
        None if a frame does not say it.
    most : int
    """
    data: Any = buf if isinstance(buf, bytes) else memoryview(buf).cast("B")
    sizes: int | None = 0
    total = at = 0
    while (start := _skip(data, at)) < len(data):
        at, size, most = _scan(data, start, None)
        sizes = None if sizes is None or size is None else sizes + size
        total += most
    return sizes, total


def decode_within(codec: Any, buf: Any, limit: int) -> Any:
    """Return what frames decode to that do not say how much that is; at most `limit` bytes.

    Raises
    ------
    Exception
        If it is more, or the frames are damaged.
    """
    out = np.empty(limit, "u1")
    try:
        return codec.decode(buf, out)
    except RuntimeError as error:
        # It decodes into larger memory as well, but then complains.
        found = re.search(r"expected to decompress \d+, got (\d+)", str(error))
        if found is None:
            raise
        return out[: int(found[1])]


def decode_pieces(codec: Any, buf: Any) -> Iterator[Any]:
    """Yield what some frames decode to, piece by piece: what is not asked for is not decoded."""
    data = bytes(buf)
    for frame in _frames(data):
        done, count = 0, 8
        while count < len(frame.blocks) - 1:
            piece = codec.decode(_first_blocks(data, frame, count))
            yield piece[done:]
            # To go on means to decode again from the start. Each block can hold 128 KiB.
            done, count = len(piece), count + max(min(count, 512), count // 64)
        yield codec.decode(data[frame.start : frame.end])[done:]


def _first_blocks(data: bytes, frame: _Frame, count: int) -> bytes:
    """Return a frame of the first `count` blocks of `frame`."""
    descriptor = data[frame.start + 4]
    single_segment = descriptor >> 5 & 1
    named = descriptor & 3
    begin = frame.start + 6 - single_segment
    dictionary = data[begin : begin + (0, 1, 2, 4)[named]]
    window = data[frame.start + 5]
    if single_segment:
        log = min(max(17, ((frame.size or 1) - 1).bit_length()), 27)
        window = log - 10 << 3
    body = bytearray(data[frame.blocks[0] : frame.blocks[count]])
    body[frame.blocks[count - 1] - frame.blocks[0]] |= 1  # the last one
    return b"".join([_MAGIC, bytes([named, window]), dictionary, body])
