"""Memory for large values that are read, used again as soon as nobody refers to it.

Fresh memory costs a page fault per 4 KiB, which takes longer than reading 4 KiB from the
page cache does.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

__all__ = ["LEAST", "lend"]

LEAST = 128 << 10
"""Bytes from which on it is worth it: for less, the C library has memory at hand."""

_MOST = 16 << 20
_KEPT = 16 << 20
"""Most bytes that are kept in blocks of each size."""

_SIZES = [1 << n for n in range(LEAST.bit_length() - 1, _MOST.bit_length())]

# To add to a deque and to take from it are atomic, so that blocks may come back at any
# moment, in any thread, and even while another is being lent.
_free: dict[int, deque[np.ndarray[Any, Any]]] = {
    size: deque(maxlen=_KEPT // size) for size in _SIZES
}


class _Loan(np.ndarray[Any, Any]):
    """A view of a block that gives it back when nothing refers to the view any more."""

    def __del__(self) -> None:
        if type(self.base) is np.ndarray:
            _free[self.base.size].append(self.base)


def lend(nbytes: int) -> memoryview:
    """Return `nbytes` bytes of memory, the caller's as long as anything refers to them.

    Slices of the result and arrays made of it count: they refer to the memory, too.
    """
    if not LEAST <= nbytes <= _MOST:
        return np.empty(nbytes, "u1").data
    size = 1 << (nbytes - 1).bit_length()
    try:
        block = _free[size].pop()
    except IndexError:
        block = np.empty(size, "u1")
    return block.view(_Loan).data[:nbytes]
