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
from zarr._codecs import deflate, zstd
from zarr.errors import UnsafeDecodeError

__all__ = [
    "BLOSC_LIMIT",
    "LIMITED",
    "TooLongError",
    "check_blosc",
    "check_pickles",
    "check_settings",
    "encoded_limit",
    "encoder",
    "limited_decode",
    "stream_of",
]

LimitedDecode: TypeAlias = Callable[[Any, Any, int], Any]

_BLOSC_HEADER = 16
BLOSC_LIMIT = 2**31 - 1 - _BLOSC_HEADER
"""Most bytes that Blosc compresses at once."""


class TooLongError(ValueError):
    """What data decode to is longer than the limit."""


def _exceeded(limit: int) -> TooLongError:
    return TooLongError(f"the data decode to more than the {limit} bytes that they may have")


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


def stream_of(codec: Any) -> Callable[[], Any] | None:
    """Return what makes an object that decodes a stream piece by piece, if `codec` has one."""
    kind = codec.codec_id
    if kind in ("zlib", "gzip"):
        container = deflate.ZLIB if kind == "zlib" else deflate.GZIP
        return lambda: deflate.decompressor(container)
    if kind == "lzma":
        if codec.format == lzma.FORMAT_RAW:
            return lambda: lzma.LZMADecompressor(format=codec.format, filters=codec.filters)
        return lzma.LZMADecompressor  # it detects the container, whatever the writer was told
    return bz2.BZ2Decompressor if kind == "bz2" else None


def _stream(codec: Any, buf: Any, limit: int) -> bytes:
    new = stream_of(codec)
    if new is None:
        raise ValueError(f"codec {codec.codec_id!r} decodes no streams")
    if getattr(codec, "format", None) != lzma.FORMAT_RAW:
        return _streams(new, buf, limit)
    data: bytes = new().decompress(bytes(buf), limit + 1)  # which does not know where it ends
    if len(data) > limit:
        raise _exceeded(limit)
    return data


# -- formats that state their size -----------------------------------------------------


def _lz4(codec: Any, buf: Any, limit: int) -> Any:
    # numcodecs puts the decoded size in front, four bytes, little-endian.
    size = int.from_bytes(memoryview(buf).cast("B")[:4], "little")
    if size > limit:
        raise _exceeded(limit)
    if size > _LZ4_RATIO * len(buf):
        raise ValueError(f"{len(buf)} bytes of LZ4 cannot decode to the {size} that they state")
    return codec.decode(buf)


_LZ4_RATIO = 255
"""A byte of LZ4 stands for no more bytes than that."""


def _zstd(codec: Any, buf: Any, limit: int) -> Any:
    size, most = zstd.decoded_size(buf)
    if size is not None and size > limit:
        raise _exceeded(limit)
    if size is not None or most <= limit:
        return codec.decode(buf)
    try:
        return zstd.decode_within(codec, buf, limit)
    except RuntimeError as error:
        raise _exceeded(limit) if "too small" in str(error) else error from None


# -- objects ---------------------------------------------------------------------------


def _pickle(codec: Any, buf: Any, limit: int) -> Any:
    check_pickles()
    return pickle.loads(bytes(buf))


def check_pickles() -> None:
    """Raise `UnsafeDecodeError` unless pickles may be decoded."""
    if not (
        config.get().allow_pickle or getattr(numcodecs.pickles, "ALLOW_UNSAFE_PICKLE_DECODE", False)
    ):
        raise UnsafeDecodeError(
            "it was written with the codec 'pickle', and decoding a pickle runs code that the "
            "data bring along; if you trust them, use zarr.config.set(allow_pickle=True) or the "
            "environment variable ZARR_ALLOW_PICKLE=1"
        )


LIMITED: dict[str, LimitedDecode] = {
    "blosc": _blosc,
    "zlib": _stream,
    "gzip": _stream,
    "bz2": _stream,
    "lzma": _stream,
    "lz4": _lz4,
    "zstd": _zstd,
    "pickle": _pickle,
}


def limited_decode(codec: Any, buf: Any, limit: int) -> Any:
    """Decode `buf`, with at most `limit` bytes of output where the codec allows to know."""
    decode = LIMITED.get(codec.codec_id)
    return codec.decode(buf) if decode is None else decode(codec, buf, limit)


def check_settings(codec: Any) -> None:
    """Raise `ValueError` for settings that the class of `codec` does not check itself."""
    if not isinstance(codec, blosc.Blosc):
        return
    if codec.cname not in _BLOSC_COMPRESSORS:
        raise ValueError(f"cname {codec.cname!r:.100} is not a compressor of Blosc")
    for name, (low, high) in _BLOSC_SETTINGS.items():
        value = getattr(codec, name)
        if not isinstance(value, (int, np.integer)) or not low <= value <= high:
            raise ValueError(f"{name} must be an integer from {low} to {high}, not {value!r:.100}")


_BLOSC_COMPRESSORS = [form for name in blosc.list_compressors() for form in (name, name.encode())]
_BLOSC_SETTINGS = {"clevel": (0, 9), "shuffle": (-1, 2), "blocksize": (0, 2**31 - 1)}


def encoder(codec: Any) -> Callable[[Any], Any]:
    """Return what encodes as ``codec.encode`` does, or faster with a result as good."""
    if type(codec) in (numcodecs.Zlib, numcodecs.GZip):
        container = deflate.ZLIB if codec.codec_id == "zlib" else deflate.GZIP
        return lambda data: deflate.compress(data, codec.level, container)
    if codec.codec_id in _TEXT:
        return lambda items: _encode_text(codec, items)
    return codec.encode  # type: ignore[no-any-return]


_TEXT: dict[str, tuple[type, Callable[[Any], Any]]] = {
    "vlen-utf8": (str, str.__str__),
    "vlen-bytes": (bytes, lambda item: bytes(memoryview(item))),
}
"""Codecs that take items of exactly this type, and what makes such items of its subclasses."""


def _encode_text(codec: Any, items: Any) -> Any:
    """Encode text or bytes; items of subclasses, such as numpy.str_, are taken as what they are."""
    try:
        return codec.encode(items)
    except TypeError:
        kind, plain = _TEXT[codec.codec_id]
        subclassed = [isinstance(item, kind) and type(item) is not kind for item in items.flat]
        if not any(subclassed):
            raise
        items = items.copy()
        items.flat = [plain(i) if s else i for i, s in zip(items.flat, subclassed, strict=True)]
        return codec.encode(items)


def encoded_limit(codec: Any, items: int, nbytes: int | None) -> int | None:
    """Return the most bytes that a filter makes of `items` items in `nbytes` bytes.

    None if undefined, for objects or an unknown codec.
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
    if name == "base64":
        return 4 * -(-nbytes // 3)
    if name in ("crc32", "adler32", "crc32c", "crc32c_end", "fletcher32", "jenkins_lookup3"):
        return nbytes + 4
    return nbytes if name in ("shuffle", "bitround") else None
