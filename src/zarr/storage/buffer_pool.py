"""Memory for large values that are read, reused when nothing refers to it any more.

Fresh memory costs a page fault per 4 KiB, which takes longer than reading 4 KiB from the
page cache does.
"""

from __future__ import annotations

from collections import deque
from sys import getrefcount
from typing import Any, TypeAlias

import numpy as np

__all__ = ["LEAST", "lend"]

LEAST = 128 << 10
"""Bytes from which on it is worth it: for less, the C library has memory at hand."""

_MOST = 16 << 20
_KEPT = 16 << 20
"""Most bytes that are kept in blocks of each size."""

_LOOKED_AT = 4
"""Most blocks that are looked at before a new one is made."""

_SIZES = [1 << n for n in range(LEAST.bit_length() - 1, _MOST.bit_length())]

_Block: TypeAlias = "np.ndarray[Any, Any]"

# Those in use, too: whether one is free is asked when it is wanted, by its references. To be
# told instead would take a `__del__`, and the interrupt that comes in it would be lost. To add
# to a deque and to take from it are atomic, so that no two threads look at one block.
_blocks: dict[int, deque[_Block]] = {size: deque(maxlen=_KEPT // size) for size in _SIZES}


def _take(blocks: deque[_Block]) -> tuple[_Block, int]:
    """Take the block that was lent last, and count the references to it."""
    block = blocks.pop()
    return block, getrefcount(block)


_, _UNUSED = _take(deque([np.empty(1, "u1")]))


def lend(nbytes: int) -> memoryview:
    """Return `nbytes` bytes of memory, the caller's as long as anything refers to them.

    Slices of the result and arrays made of it count: they refer to the memory, too.
    """
    if not LEAST <= nbytes <= _MOST:
        return np.empty(nbytes, "u1").data
    size = 1 << (nbytes - 1).bit_length()
    block = _free_block(_blocks[size])
    if block is None:
        block = np.empty(size, "u1")
    loan = block.data[:nbytes]
    _blocks[size].append(block)
    return loan


def _free_block(blocks: deque[_Block]) -> _Block | None:
    for _ in range(_LOOKED_AT):
        try:
            block, references = _take(blocks)
        except IndexError:
            return None
        if references == _UNUSED:
            return block
        blocks.appendleft(block)
    return None
