"""Deflate, as in zlib and gzip, through the fastest library that is installed.

The packages ``isal`` (decoding) and ``zlib-ng`` (encoding) are two to three times as fast
as the standard library. They are installed where they have wheels, and elsewhere by the extra
``zarr[fast]``. All read what each writes.
"""

from __future__ import annotations

import zlib
from functools import cache
from typing import Any

import numpy as np

__all__ = ["GZIP", "ZLIB", "compress", "decompressor"]

ZLIB = zlib.MAX_WBITS
GZIP = zlib.MAX_WBITS + 16


@cache
def _libraries() -> tuple[Any, Any]:
    """Return the modules that decode and that encode."""
    decoding: Any = zlib
    encoding: Any = zlib
    try:
        from zlib_ng import zlib_ng
    except ImportError:
        pass
    else:
        decoding = encoding = zlib_ng
    try:
        from isal import isal_zlib
    except ImportError:
        pass
    else:
        decoding = isal_zlib
    return decoding, encoding


_FASTEST = 1
"""The level at which zlib-ng packs a third worse than zlib."""


def decompressor(container: int) -> Any:
    """Return an object with the methods of ``zlib.decompressobj``."""
    return _libraries()[0].decompressobj(container)


def compress(data: Any, level: int, container: int) -> bytes:
    """Return `data`, an array or a buffer, encoded.

    Parameters
    ----------
    level : int
        From 0 to 9; -1 for the library's default.
    container : int
        `ZLIB` or `GZIP`.
    """
    if isinstance(data, np.ndarray):  # whose bytes are meant in the order in which they lie
        data = data.reshape(-1, order="A").view("u1")
    library = zlib if level == _FASTEST else _libraries()[1]
    stream = library.compressobj(level, zlib.DEFLATED, container)
    return stream.compress(data) + stream.flush()  # type: ignore[no-any-return]
