"""Decoding of the common codecs that never believes the data about sizes.

A stranger's chunk may claim any decoded size, or grow to it. Each function here decodes
with a limit: it raises `ValueError` rather than allocate more.
"""

from __future__ import annotations

import bz2
import lzma
import pickle
import struct
from collections.abc import Callable
from typing import Any, TypeAlias

import numcodecs
import numpy as np
from numcodecs import blosc

from zarr import config
from zarr.codecs import deflate
from zarr.errors import UnsafeDecodeError

__all__ = [
    "LIMITED",
    "check_blosc",
    "encoded_limit",
    "encoder",
    "limited_decode",
]

LimitedDecode: TypeAlias = Callable[[Any, Any, int], Any]

_BLOSC_HEADER = 16


def _exceeded(limit: int) -> ValueError:
    return ValueError(f"the data decode to more than the {limit} bytes that are declared")


# -- Blosc: https://github.com/Blosc/c-blosc, README_CHUNK_FORMAT ---------------------


def check_blosc(buf: Any, nbytes: int) -> None:
    """Raise `ValueError` unless `buf` is one Blosc chunk of `nbytes` decoded bytes.

    The decoder takes the compressed size from the header and would read past the end of
    a truncated buffer.
    """
    size = len(buf)
    if size < _BLOSC_HEADER:
        raise ValueError(f"{size} bytes are too few for a Blosc chunk")
    decoded, _, encoded = struct.unpack_from("<3I", buf, 4)
    if encoded != size:
        raise ValueError(f"the Blosc header says {encoded} bytes, but there are {size}")
    if decoded != nbytes:
        raise ValueError(f"the Blosc header says {decoded} decoded bytes, expected {nbytes}")


def _blosc(codec: Any, buf: Any, limit: int) -> Any:
    view = memoryview(buf).cast("B")
    if len(view) >= _BLOSC_HEADER:
        decoded = int.from_bytes(view[4:8], "little")
        if decoded > limit:
            raise _exceeded(limit)
        check_blosc(view, decoded)
    else:
        check_blosc(view, 0)
    return blosc.decompress(buf)


# -- the standard library's ------------------------------------------------------------


def _streams(new: Callable[[], Any], buf: Any, limit: int) -> bytes:
    """Decode one stream after the other until `buf` is used up."""
    parts, data = [], bytes(buf)
    while data:
        stream = new()
        part = stream.decompress(data, limit + 1)
        limit -= len(part)
        if limit < 0:
            raise _exceeded(limit + len(part))
        parts.append(part)
        if not stream.eof:
            raise ValueError("the compressed data are truncated")
        data = stream.unused_data.lstrip(b"\0")  # gzip members may be padded with zeros
    if not parts:
        raise ValueError("the compressed data are empty")
    return b"".join(parts)


def _zlib(codec: Any, buf: Any, limit: int) -> bytes:
    return _streams(lambda: deflate.decompressor(deflate.ZLIB), buf, limit)


def _gzip(codec: Any, buf: Any, limit: int) -> bytes:
    return _streams(lambda: deflate.decompressor(deflate.GZIP), buf, limit)


def _bz2(codec: Any, buf: Any, limit: int) -> bytes:
    return _streams(bz2.BZ2Decompressor, buf, limit)


def _lzma(codec: Any, buf: Any, limit: int) -> bytes:
    def new() -> Any:
        return lzma.LZMADecompressor(format=codec.format, filters=codec.filters)

    if codec.format != lzma.FORMAT_RAW:
        # The reader detects the container, whatever the writer was told.
        return _streams(lzma.LZMADecompressor, buf, limit)
    data = new().decompress(bytes(buf), limit + 1)
    if len(data) > limit:
        raise _exceeded(limit)
    return data  # type: ignore[no-any-return]


# -- formats that state their size -----------------------------------------------------


def _lz4(codec: Any, buf: Any, limit: int) -> Any:
    # numcodecs puts the decoded size in front, four bytes, little-endian.
    if int.from_bytes(memoryview(buf).cast("B")[:4], "little") > limit:
        raise _exceeded(limit)
    return codec.decode(buf)


def zstd_content_size(buf: Any) -> int | None:
    """Return the decoded size that a Zstandard frame states (RFC 8878, 3.1.1), if it does."""
    head = bytes(memoryview(buf).cast("B")[:18])
    if len(head) < 6 or head[:4] != b"\x28\xb5\x2f\xfd":
        return None
    descriptor = head[4]
    single_segment = descriptor >> 5 & 1
    width: int = (single_segment, 2, 4, 8)[descriptor >> 6]
    if width == 0:
        return None
    start = 5 + (1 - single_segment) + (0, 1, 2, 4)[descriptor & 3]
    size: int = int.from_bytes(head[start : start + width], "little")
    return size + 256 if width == 2 else size


def _zstd(codec: Any, buf: Any, limit: int) -> Any:
    size = zstd_content_size(buf)
    if size is not None:
        if size > limit:
            raise _exceeded(limit)
        return codec.decode(buf)
    # Nothing is known: decode into as much room as there may be, and not more.
    return codec.decode(buf, np.empty(limit, "u1"))


# -- objects ---------------------------------------------------------------------------


def _pickle(codec: Any, buf: Any, limit: int) -> Any:
    if not (
        config.get().allow_pickle or getattr(numcodecs.pickles, "ALLOW_UNSAFE_PICKLE_DECODE", False)
    ):
        raise UnsafeDecodeError(
            "it was written with the codec 'pickle', and decoding a pickle runs code that the "
            "data bring along; if you trust them, use zarr.config.set(allow_pickle=True) or the "
            "environment variable ZARR_ALLOW_PICKLE=1"
        )
    return pickle.loads(bytes(buf))


LIMITED: dict[str, LimitedDecode] = {
    "blosc": _blosc,
    "zlib": _zlib,
    "gzip": _gzip,
    "bz2": _bz2,
    "lzma": _lzma,
    "lz4": _lz4,
    "zstd": _zstd,
    "pickle": _pickle,
}


def limited_decode(codec: Any, buf: Any, limit: int) -> Any:
    """Decode `buf`, with at most `limit` bytes of output where the codec allows to know."""
    decode = LIMITED.get(codec.codec_id)
    return codec.decode(buf) if decode is None else decode(codec, buf, limit)


def encoder(codec: Any) -> Callable[[Any], Any]:
    """Return what encodes as ``codec.encode`` does, or faster with a result as good."""
    if type(codec) in (numcodecs.Zlib, numcodecs.GZip):
        container = deflate.ZLIB if codec.codec_id == "zlib" else deflate.GZIP
        return lambda data: deflate.compress(data, codec.level, container)
    return codec.encode  # type: ignore[no-any-return]


class Guarded:
    """A codec that decodes as :func:`limited_decode` does."""

    def __init__(self, codec: Any, limit: int = 2**31 - 1) -> None:
        self.codec_id = codec.codec_id
        self.encode = codec.encode
        self._codec = codec
        self._limit = limit

    def decode(self, buf: Any) -> Any:
        """Decode `buf`."""
        return limited_decode(self._codec, buf, self._limit)


def encoded_limit(codec: Any, items: int, nbytes: int | None) -> int | None:
    """Return the most bytes that a filter makes of `items` items in `nbytes` bytes.

    None if there is no telling, for objects or an unknown codec.
    """
    name = codec.codec_id
    if (known := getattr(codec, "encoded_nbytes", None)) is not None:
        return known  # type: ignore[no-any-return]
    if name == "packbits":
        return items // 8 + 2
    target = {"astype": "encode_dtype"}.get(name, "astype")
    if name in ("delta", "fixedscaleoffset", "quantize", "categorize", "astype"):
        return items * int(np.dtype(getattr(codec, target)).itemsize)
    if nbytes is None:
        return None
    if name in ("crc32", "adler32", "crc32c", "crc32c_end", "fletcher32", "jenkins_lookup3"):
        return nbytes + 4
    return nbytes if name in ("shuffle", "bitround") else None
