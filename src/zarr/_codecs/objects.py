"""Chunks of objects, whose decoded size is not declared.

What is in front of the codec of the objects is decoded without more ado as long as it stays
within a small multiple of what is stored. Beyond that it is first decoded piece by piece
without keeping any, and all pieces together must be a chunk of that many objects.
"""

from __future__ import annotations

import json
import lzma
import math
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Protocol, TypeAlias

import numpy as np
from numcodecs import blosc

from zarr._codecs import zstd
from zarr._codecs.blocks import Blocks
from zarr._codecs.builtin import TooLongError, check_pickles, limited_decode, stream_of

__all__ = [
    "NewCheck",
    "OneItem",
    "checks_of",
    "decode_items",
    "decode_unsized",
    "is_item_codec",
]

_FREE = 16 << 20
"""Bytes that everything may decode to."""

_USUAL_RATIO = 16
"""How much larger than what is stored the decoded data may be without suspicion."""

_UNCHECKED_RATIO = 64
"""The same where nothing can tell bombs from data: few real data are as repetitive."""

_PIECE = 1 << 20


class Check(Protocol):
    """Tells whether bytes are the beginning of a chunk of objects."""

    def feed(self, piece: Any) -> None:
        """Take the next bytes; raise `ValueError` if no such chunk continues like this."""
        ...

    def finish(self) -> None:
        """Raise `ValueError` if a chunk cannot end here."""
        ...


NewCheck: TypeAlias = Callable[[], Check]


def decode_unsized(codec: Any, buf: Any, check: NewCheck | None, usual: int = 0) -> Any:
    """Decode `buf`, whose decoded size is unknown.

    Parameters
    ----------
    codec : codec
    buf : buffer
    check : callable, optional
        Returns a check of what comes out.
    usual : int
        Bytes that are nothing unusual, if known.

    Raises
    ------
    ValueError
        If what comes out is too long to be true, or fails the check.
    """
    free = max(_FREE, usual, _USUAL_RATIO * len(buf))
    try:
        return limited_decode(codec, buf, free)
    except TooLongError:
        pieces = None if check is None else _pieces(codec, buf, free)
    if check is None or pieces is None:
        return limited_decode(codec, buf, free * _UNCHECKED_RATIO // _USUAL_RATIO)
    checked, total = check(), 0
    for piece in pieces:
        checked.feed(piece)
        total += len(piece)
    checked.finish()
    return limited_decode(codec, buf, total)


def _pieces(codec: Any, buf: Any, most: int) -> Iterator[Any] | None:
    """Yield what `buf` decodes to; None if that codec has no pieces."""
    if codec.codec_id == "zstd":
        return zstd.decode_pieces(codec, buf)
    if codec.codec_id == "blosc":
        return _blosc_pieces(buf, most)
    if codec.codec_id == "lz4":
        return _lz4_pieces(bytes(buf))
    new = stream_of(codec)
    is_marked = getattr(codec, "format", None) != lzma.FORMAT_RAW
    return None if new is None else _stream_pieces(new, bytes(buf), is_marked)


def _stream_pieces(new: Callable[[], Any], data: bytes, is_marked: bool) -> Iterator[bytes]:
    while data:
        stream = new()
        rest = data
        while not stream.eof:
            piece = stream.decompress(rest, _PIECE)
            rest = getattr(stream, "unconsumed_tail", b"")  # zlib's alone leave input to others
            if not piece and not stream.eof:
                if is_marked:
                    raise ValueError("the compressed data are truncated")
                return
            yield piece
        data = stream.unused_data.lstrip(b"\0")


_LZ4_WINDOW = 64 << 10


def _lz4_pieces(data: bytes) -> Iterator[bytes]:
    """Decode LZ4, https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md."""
    out, at = bytearray(), 4  # behind the decoded size that numcodecs puts in front
    while at < len(data):
        token = data[at]
        length, at = _lz4_length(data, at + 1, token >> 4)
        out += data[at : at + length]
        at += length
        if at >= len(data):
            break
        offset = int.from_bytes(data[at : at + 2], "little")
        length, at = _lz4_length(data, at + 2, token & 15)
        if not 0 < offset <= len(out):
            raise ValueError("the LZ4 data are damaged")
        length += 4
        while length:
            pattern = out[-offset:]
            part = (pattern * (min(length, _PIECE) // offset + 1))[: min(length, _PIECE)]
            out += part
            length -= len(part)
            if len(out) > _PIECE:
                yield bytes(out[:-_LZ4_WINDOW])
                del out[:-_LZ4_WINDOW]
    yield bytes(out)


def _lz4_length(data: bytes, at: int, length: int) -> tuple[int, int]:
    """Return a length whose first four bits are `length`, and where its other bytes end."""
    if length < 15:
        return length, at
    end = _full_bytes(data, at).end()  # type: ignore[union-attr]
    return length + 255 * (end - at) + (data[end] if end < len(data) else 0), end + 1


_full_bytes = re.compile(rb"\xff*").match


def _blosc_pieces(buf: Any, most: int) -> Iterator[Any]:
    view = memoryview(buf).cast("B")
    blocks = Blocks(view)
    if not blocks.count or blocks.size > most:
        raise TooLongError(
            f"a Blosc block decodes to {min(blocks.size, blocks.nbytes)} bytes, but {len(view)} "
            f"are stored"
        )
    blocks.locate(view)
    step = max(1, _PIECE // blocks.size)
    done = 0
    while done < blocks.nbytes:
        first = done // blocks.size
        last = min(first + step, blocks.count)
        low = first - 1 if last == blocks.count and blocks.nbytes % blocks.size else first
        parts = [view[begin:end] for begin, end in blocks.ranges(max(low, 0), last)]
        chunk, start, stop = blocks.chunk(max(low, 0), last, parts)
        yield blosc.decompress(chunk)[done - start :]
        done = stop


# -- items -----------------------------------------------------------------------------


def is_item_codec(codec: Any) -> bool:
    """Tell whether `codec` makes bytes of objects, as :func:`decode_items` decodes them."""
    return codec.codec_id in _CHECKS and codec.codec_id != "pickle"


def decode_items(codec: Any, buf: Any, count: int, item_nbytes: int = 8) -> np.ndarray[Any, Any]:
    """Return the `count` items that a codec of objects has encoded.

    Parameters
    ----------
    codec : codec
    buf : buffer
    count : int
    item_nbytes : int
        Most bytes of an item of the array, those that an object refers to left aside.

    Raises
    ------
    Exception
        If the data hold something else; found out before memory is taken for that.
    """
    if codec.codec_id == "json2":
        config = codec.get_config()
        text = bytes(buf).decode(config["encoding"])
        return _array(json.loads(text, strict=config["strict"]), count, item_nbytes)
    if codec.codec_id == "msgpack2":
        import msgpack  # type: ignore[import-untyped, unused-ignore]

        return _array(msgpack.unpackb(bytes(buf), raw=codec.raw), count, item_nbytes)
    held = int.from_bytes(memoryview(buf).cast("B")[:4], "little")
    if held != count:
        raise ValueError(f"the data hold {held} elements, expected {count}")
    items: np.ndarray[Any, Any] = codec.decode(buf)
    return items


def _array(items: Any, count: int, item_nbytes: int) -> np.ndarray[Any, Any]:
    """Return the array that a list of items, their dtype and shape stands for."""
    if not isinstance(items, list) or len(items) < 2:
        raise ValueError("the data are not a list of elements, their dtype and shape")
    *items, name, shape = items
    if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError(f"shape {shape!r:.100} is not a list of lengths")
    dtype: np.dtype[Any] = np.dtype(name)
    if math.prod(shape) != count or dtype.itemsize > item_nbytes:
        raise ValueError(
            f"the data hold elements of {dtype} in the shape {shape!r:.100}, expected {count}"
        )
    array = np.empty(shape, dtype)
    array[...] = items if shape else items[0]
    return array


class OneItem:
    """A codec of objects that decodes one item only: a fill value."""

    def __init__(self, codec: Any) -> None:
        self.codec_id = codec.codec_id
        self.encode = codec.encode
        self._codec = codec

    def decode(self, buf: Any) -> Any:
        """Decode `buf`."""
        if is_item_codec(self._codec):
            return decode_items(self._codec, buf, 1)
        return limited_decode(self._codec, buf, _FREE)


# -- checks ----------------------------------------------------------------------------

_CHECKSUMS = {
    **dict.fromkeys(("crc32", "adler32", "jenkins_lookup3"), "start"),
    **dict.fromkeys(("crc32c", "crc32c_end", "fletcher32"), "end"),
}
"""Codecs that add four bytes to the data, and where unless told otherwise."""


def checks_of(codecs: Sequence[Any], count: int) -> list[NewCheck | None]:
    """Return for each of the codecs of chunks of `count` items a check of what it decodes to.

    None where it makes something else than what a codec of objects has encoded.
    """
    checks: list[NewCheck | None] = []
    new: NewCheck | None = None
    for codec in codecs:
        checks.append(new)
        if codec.codec_id in _CHECKS:
            new = partial(_CHECKS[codec.codec_id], count, codec)
        elif new is not None and codec.codec_id in _CHECKSUMS:
            place = getattr(codec, "location", _CHECKSUMS[codec.codec_id])
            new = partial(_WithChecksum, place == "start", new)
        else:
            new = None
    return checks


_CHECKSUM_BYTES = 4


class _WithChecksum:
    """A check of what comes after a checksum, or before it."""

    def __init__(self, is_first: bool, check: NewCheck) -> None:
        self._first = _CHECKSUM_BYTES if is_first else 0
        self._last = 0 if is_first else _CHECKSUM_BYTES
        self._rest = b""
        self._check = check()

    def feed(self, piece: Any) -> None:
        data = self._rest + bytes(piece)
        begin, end = min(self._first, len(data)), max(0, len(data) - self._last)
        self._first -= begin
        self._rest = data[max(begin, end) :]
        self._check.feed(data[begin:end])

    def finish(self) -> None:
        self._check.finish()


class _Lengths:
    """Checks what vlen-utf8, -bytes and -array make: a count, then each item after its length."""

    def __init__(self, count: int, _codec: Any) -> None:
        self._count = count
        self._left = -1  # number of items to come, once their count is known
        self._skip = 0
        self._rest = b""

    def feed(self, piece: Any) -> None:
        data, at = self._rest + bytes(piece), self._skip
        end = len(data)
        if self._left < 0 and end >= 4:
            self._left, at = int.from_bytes(data[:4], "little"), 4
            if self._left != self._count:
                raise ValueError(f"the data hold {self._left} elements, expected {self._count}")
        while self._left > 0 and at + 4 <= end:
            at += 4 + int.from_bytes(data[at : at + 4], "little")
            self._left -= 1
        if self._left == 0 and at < end:
            raise ValueError(f"there are more data after the last of {self._count} elements")
        self._skip, self._rest = max(0, at - end), data[at:]

    def finish(self) -> None:
        if self._left or self._skip:
            raise ValueError(f"the data end before {self._count} elements do")


class _Pickled:
    """Checks only that pickles are allowed: who trusts them trusts them in their length."""

    def __init__(self, _count: int, _codec: Any) -> None:
        check_pickles()

    def feed(self, piece: Any) -> None:
        return

    def finish(self) -> None:
        return


class _Packed:
    """Checks what MsgPack makes: an array of the items, their dtype and shape."""

    def __init__(self, count: int, _codec: Any) -> None:
        import msgpack

        self._out_of_data = msgpack.OutOfData
        self._stream = msgpack.Unpacker(max_buffer_size=2**31 - 1)
        self._count = count
        self._left = -1

    def feed(self, piece: Any) -> None:
        self._stream.feed(piece)
        try:
            if self._left < 0:
                self._left = self._stream.read_array_header()
                if self._left != self._count + 2:
                    raise ValueError(f"the data hold {self._left - 2} elements, not {self._count}")
            while self._left:
                self._stream.skip()
                self._left -= 1
            self._stream.skip()
        except self._out_of_data:
            return
        raise ValueError(f"there are more data after {self._count} elements")

    def finish(self) -> None:
        if self._left:
            raise ValueError(f"the data end before {self._count} elements do")


_QUOTE, _COMMA = ord('"'), ord(",")


class _Text:
    """Checks what JSON makes: a list of the items, their dtype and shape, in UTF-8."""

    def __init__(self, count: int, codec: Any) -> None:
        indent = codec.get_config().get("indent")
        self._count = count
        self._blank_ratio = 2 + 8 * (indent if isinstance(indent, int) else 0)
        self._rest = b""
        self._in_string = 0
        self._depth = self._commas = self._blank = self._size = 0

    def feed(self, piece: Any) -> None:
        data = self._rest + bytes(piece)
        if self._in_string and b'"' not in data and b"\\" not in data:
            self._size += len(data)
            self._rest = b""
            return
        if not data:
            return
        # An escape may go on in the next piece.
        cut = (len(data) - len(data.rstrip(b"\\"))) % 2
        self._rest = data[len(data) - cut :]
        data = data[: len(data) - cut].replace(b"\\\\", b"").replace(b'\\"', b"")
        signs = np.frombuffer(data, "u1")
        outside = (np.cumsum(signs == _QUOTE, dtype="i4") + self._in_string) % 2 == 0
        self._in_string = (int((signs == _QUOTE).sum()) + self._in_string) % 2
        plain = signs[outside]
        if not self._size and (not len(plain) or plain[0] != ord("[")):
            raise ValueError("the data are not a list of elements in JSON")
        self._size += len(data)
        self._check(plain)

    def finish(self) -> None:
        if self._depth or not self._size:
            raise ValueError("the data are not one list of elements in JSON")

    def _check(self, plain: np.ndarray[Any, Any]) -> None:
        opens = (plain == ord("[")) | (plain == ord("{"))
        closes = (plain == ord("]")) | (plain == ord("}"))
        levels = np.cumsum(opens.astype("i1") - closes.astype("i1"), dtype="i4") + self._depth
        self._commas += int(((plain == _COMMA) & (levels == 1)).sum())
        self._blank += int((plain <= ord(" ")).sum())
        if len(levels):
            self._depth = int(levels[-1])
            ended = int(levels.min()) < 1 and (plain[levels < 1][1:] > ord(" ")).any()
            if ended or int(levels.min()) < 0 or (plain == 0).any():
                raise ValueError("the data are not one list of elements in JSON")
        if self._commas > self._count + 1:
            raise ValueError(f"the data hold more than {self._count} elements")
        if self._blank > _PIECE + self._blank_ratio * (self._size - self._blank):
            raise ValueError("the data are mostly white space")


_CHECKS: dict[str, Callable[[int, Any], Check]] = {
    **dict.fromkeys(("vlen-utf8", "vlen-bytes", "vlen-array"), _Lengths),
    "msgpack2": _Packed,
    "pickle": _Pickled,
    "json2": _Text,
}
