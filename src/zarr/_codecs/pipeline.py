"""From a chunk to the bytes in the store and back."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from threading import current_thread, main_thread
from typing import Any, Literal, TypeAlias

import numpy as np
from numcodecs import blosc

from zarr._codecs.blocks import blosc_joined, blosc_part
from zarr._codecs.builtin import (
    BLOSC_LIMIT,
    check_blosc,
    encoded_limit,
    encoder,
    limited_decode,
)
from zarr._codecs.codec_names import bound_codecs
from zarr._codecs.objects import checks_of, decode_items, decode_unsized, is_item_codec
from zarr._metadata.records import ArrayMeta
from zarr.errors import ChunkDecodeError, MetadataError, ZarrError

__all__ = ["ByteRanges", "CodecPipeline", "DecodedParts"]

ByteRanges: TypeAlias = np.ndarray[Any, Any]
"""Ranges of bytes, each a row of its start and its end."""

_MANY = 1 << 16
"""Number of ranges in a chunk from which the one that holds them all will do."""

_WORTH_THREADS = 12
"""Number of Blosc chunks from which one call is faster, even if Blosc starts threads for it."""

_COPIED = 32 << 10
"""Bytes of a chunk up to which it is copied from where Blosc has decoded it to."""

_SHRINKING = ("blosc", "bz2", "gzip", "lz4", "lzma", "zlib", "zstd")
_HEADERS = 64 << 10
"""Bytes by which such a codec never exceeds twice what it is given."""


_BUFFERS = (bytes, bytearray, memoryview)
"""What most codecs encode to, arrays aside."""


class DecodedParts(list[tuple[int, int, Any]]):
    """Parts of a chunk: which of its decoded bytes each holds, and its buffer.

    Attributes
    ----------
    is_blosc : bool
        Whether each buffer is a Blosc chunk, and not the bytes themselves.
    """

    is_blosc = False


class CodecPipeline:
    """The codecs of one array, bound to its dtype and chunk shape.

    Immutable and safe to use from several threads. A chunk is an array of shape `shape`;
    where it is decoded into memory of the caller, that memory holds the items in the
    array's `order` without gaps.

    Attributes
    ----------
    shape : tuple of int
    whole : list of slice
        What selects all of a chunk.
    dtype : numpy.dtype
        Of the items of a chunk as it is stored: perhaps in another byte order than the
        array's.
    order : {'C', 'F'}
    nbytes : int
        Bytes of a decoded chunk.
    encoded_limit : int or None
        Most bytes that an encoded chunk can have, if there is telling.
    sliceable : bool
        Whether the stored bytes are the items themselves, so that a range of them can be
        used alone.
    decodes_in_place : bool
        Whether `decode_into` needs no memory but that of its output.
    decodes_together : bool
        Whether many small chunks take few calls of a codec.
    filters : list of codecs
        Those that take and return arrays, and that which makes bytes of them.
    compressor : codec or None
    """

    def __init__(self, meta: ArrayMeta) -> None:
        self.shape = meta.chunks
        self.order: Literal["C", "F"] = meta.order
        self.whole = [slice(0, length) for length in self.shape]
        self.items = math.prod(self.shape)
        self._fill_value = meta.fill_value
        self.nbytes = self.items * meta.dtype.itemsize
        self.dtype, before_bytes, compressors = bound_codecs(meta)
        self.filters = before_bytes
        self.compressor = compressors[0] if compressors else None
        self._codecs = codecs = [*before_bytes, *compressors]
        # Version 2 leaves it to each filter how it takes a chunk of Fortran order.
        has_serializer = any(step.role == "serializer" for step in meta.steps)
        self._reversed = has_serializer and meta.order == "F"
        self._limits, self.encoded_limit = self._sizes()
        self._checks = checks_of(codecs, self.items)
        self._encoders = [encoder(codec) for codec in codecs]
        self.sliceable = not codecs and not self.dtype.hasobject
        plain_blosc = len(codecs) == 1 and type(codecs[0]) is blosc.Blosc
        self._blosc = plain_blosc and bool(compressors) and not self.dtype.hasobject
        # No Blosc chunk is larger: memory is not taken before that is found out.
        self.decodes_in_place = self._blosc and self.nbytes <= BLOSC_LIMIT
        self.decodes_together = self._blosc or self.sliceable
        sample = np.empty(0, self.dtype)
        self._is_plain = _plain(sample) is sample
        self._compress = _blosc_compress(codecs[0], self.nbytes) if self._blosc else None
        if self.dtype.kind == "O" and not self.filters:
            raise MetadataError("an array of objects needs a codec for them among its filters")

    def _sizes(self) -> tuple[list[int | None], int | None]:
        """Return the most bytes that go into each codec when encoding, and that come out last."""
        size: int | None = None if self.dtype.hasobject else self.nbytes
        limits = []
        for codec in self._codecs:
            limits.append(size)
            made = encoded_limit(codec, self.items, size)
            if made is None and size is not None and codec.codec_id in _SHRINKING:
                made = 2 * size + _HEADERS
            size = made
        return limits, size

    def without_codecs(self) -> CodecPipeline:
        """Return the pipeline for chunks that are decoded already, but for their bytes' meaning."""
        plain = copy.copy(self)
        plain._codecs = plain._limits = plain._encoders = plain.filters = []
        plain.compressor = plain._compress = None
        plain._blosc = plain.decodes_in_place = plain._reversed = False
        plain.sliceable = True
        return plain

    @property
    def object_codec(self) -> Any:
        """The codec that makes bytes of objects, where it is the first to take a chunk."""
        first = self.filters[0] if self.filters and self.dtype.kind == "O" else None
        return first if first is not None and is_item_codec(first) else None

    def check_usable(self) -> None:
        """Raise if the compressors cannot encode any chunk: before an array is created.

        Raises
        ------
        ValueError
            If chunks are larger than a codec can take.
        MetadataError
            If a codec has settings with which it cannot work.
        """
        for at in range(len(self.filters), len(self._codecs)):
            codec = self._codecs[at]
            if isinstance(codec, blosc.Blosc):
                if self._limits[at] == self.nbytes > BLOSC_LIMIT:
                    _refuse_size(self.nbytes)
            elif codec.codec_id in _SHRINKING:
                self._check_settings(at)

    # -- decoding ------------------------------------------------------------------

    def decode(self, buf: Any) -> np.ndarray[Any, Any]:
        """Return the chunk that `buf` holds, perhaps as a read-only view of `buf`.

        Raises
        ------
        ChunkDecodeError
            If it does not hold one.
        """
        if self._blosc:
            buf = self._guarded(_decompress, buf, self.nbytes)
        elif self._codecs:
            buf = self._guarded(self._decode_all, buf)
        return self._as_chunk(buf)

    def decode_into(self, buf: Any, out: np.ndarray[Any, Any]) -> None:
        """Decode `buf` into `out`, an array of the chunk's shape without gaps."""
        if not self._blosc:
            out[...] = self.decode(buf)
            return
        try:
            check_blosc(buf, self.nbytes)
            blosc.decompress(buf, out if self._is_plain else _plain(out))
        except Exception as error:  # without `_guarded`: two calls less for each chunk
            raise _undecodable(error) from error

    def decode_copy(self, buf: Any) -> np.ndarray[Any, Any]:
        """Return the chunk that `buf` holds, in memory of its own."""
        if self._blosc and self.nbytes <= _COPIED:
            # numcodecs takes longer to check the memory it is given than a small chunk to copy.
            try:
                check_blosc(buf, self.nbytes)
                buf = blosc.decompress(buf)
            except Exception as error:
                raise _undecodable(error) from error
        elif not self.sliceable:
            chunk = np.empty(self.shape, self.dtype, self.order)
            self.decode_into(buf, chunk)
            return chunk
        items = np.frombuffer(bytearray(buf), "u1")
        if len(items) != self.nbytes:
            self._as_chunk(items)  # which says so
        return items.view(self.dtype).reshape(self.shape, order=self.order)

    def decode_part(
        self, buf: Any, parts: Sequence[Any], scratch: np.ndarray[Any, Any]
    ) -> np.ndarray[Any, Any]:
        """Return the chunk that `buf` holds, of which only what `parts` select is valid.

        Parameters
        ----------
        buf : buffer
        parts : sequence of slice, array or int
            What is wanted, along each dimension.
        scratch : ndarray of uint8
            Memory for a chunk, which the result may use.
        """
        start, stop = self._span(parts)
        if (stop - start) * 2 > self.nbytes:
            start, stop = 0, self.nbytes
        self._guarded(_decompress_range, buf, self.nbytes, scratch, start, stop)
        return scratch.view(self.dtype).reshape(self.shape, order=self.order)

    def _span(self, parts: Sequence[Any]) -> tuple[int, int]:
        """Return the range of bytes of a decoded chunk in which `parts` lie."""
        first, last, stride = 0, 0, self.dtype.itemsize
        dims = range(len(self.shape))
        for dim in reversed(dims) if self.order == "C" else dims:
            low, high = _ends(parts[dim])
            first, last = first + low * stride, last + high * stride
            stride *= self.shape[dim]
        return first, last + self.dtype.itemsize

    # -- parts that were read as ranges ---------------------------------------------

    @property
    def readable_in_parts(self) -> bool:
        """Whether some bytes of an encoded chunk say what some of its items are."""
        return self.sliceable or self._blosc

    def spans(self, parts: Sequence[Any]) -> ByteRanges:
        """Return the ranges of bytes of a decoded chunk in which `parts` lie, sorted.

        Parameters
        ----------
        parts : sequence of slice, array or int
            What is wanted, along each dimension, independently of the others.
        """
        starts, length, stride = np.zeros(1, "i8"), self.dtype.itemsize, self.dtype.itemsize
        dims = range(len(self.shape))
        for dim in reversed(dims) if self.order == "C" else dims:
            low, high = _ends(parts[dim])
            if length == stride and _is_gapless(parts[dim]):  # all in the dimensions so far
                starts, length = starts + low * stride, (high - low + 1) * stride
            elif (high - low + 1) * len(starts) > _MANY:
                return np.array([self._span(parts)])
            else:
                starts = (_places(parts[dim])[:, None] * stride + starts).reshape(-1)
            stride *= self.shape[dim]
        starts.sort()
        return np.stack([starts, starts + length], axis=1)

    def spans_of_items(self, items: np.ndarray[Any, Any]) -> ByteRanges:
        """Return the same for items by their number in the order in which they are stored."""
        starts = np.unique(items) * self.dtype.itemsize
        return np.stack([starts, starts + self.dtype.itemsize], axis=1)

    def decode_pieces(
        self, pieces: DecodedParts, scratch: np.ndarray[Any, Any]
    ) -> np.ndarray[Any, Any]:
        """Return the chunk of which `pieces` are parts, valid where they are.

        Parameters
        ----------
        pieces : DecodedParts
        scratch : ndarray of uint8
            Memory for a chunk, which the result uses.
        """
        for low, high, buf in pieces:
            if pieces.is_blosc:
                self._guarded(_decompress_into, buf, high - low, scratch[low:high])
            else:
                scratch[low:high] = np.frombuffer(buf, "u1")
        return scratch.view(self.dtype).reshape(self.shape, order=self.order)

    def decode_run(
        self, bufs: Sequence[Any], scratch: np.ndarray[Any, Any]
    ) -> np.ndarray[Any, Any]:
        """Return the chunks that `bufs` hold as one array with one more dimension in front.

        Parameters
        ----------
        bufs : sequence of buffer
        scratch : ndarray of uint8
            Memory for these chunks, which the result may use.
        """
        shape = self.shape if self.order == "C" else self.shape[::-1]
        if self._blosc:
            self._guarded(_decompress_all, bufs, self.nbytes, scratch)
            data: Any = scratch
        elif self.sliceable and set(map(len, bufs)) == {self.nbytes}:
            data = b"".join(bufs)
        else:
            return np.stack([self.decode(buf) for buf in bufs])
        run = np.frombuffer(data, self.dtype).reshape((len(bufs), *shape))
        return run if self.order == "C" else run.transpose(0, *range(run.ndim - 1, 0, -1))

    def _guarded(self, decode: Callable[..., Any], *args: Any) -> Any:
        try:
            return decode(*args)
        except ChunkDecodeError:
            raise
        except Exception as error:  # codecs raise what they like, MemoryError included
            raise _undecodable(error) from error

    def _decode_all(self, buf: Any) -> Any:
        for at in range(len(self._codecs) - 1, -1, -1):
            codec, limit = self._codecs[at], self._limits[at]
            if is_item_codec(codec):
                buf = decode_items(codec, buf, self.items, max(8, self.dtype.itemsize))
            elif limit is None:
                usual = 0 if self.dtype.hasobject else 2 * self.nbytes
                buf = decode_unsized(codec, buf, self._checks[at], usual)
            else:
                buf = limited_decode(codec, buf, limit)
        if self._reversed and isinstance(buf, np.ndarray):
            return buf.reshape(-1)
        return buf

    def _as_chunk(self, data: Any) -> np.ndarray[Any, Any]:
        try:
            chunk = data if isinstance(data, np.ndarray) else np.frombuffer(data, "u1")
        except TypeError:
            raise ChunkDecodeError(f"decoded to an object of type {type(data).__name__}") from None
        if self.dtype.hasobject:
            if chunk.dtype != self.dtype or chunk.size != self.items:
                raise ChunkDecodeError(
                    f"decoded to {chunk.size} elements of {chunk.dtype}, "
                    f"expected {self.items} of {self.dtype}"
                )
            return chunk.reshape(self.shape, order=self.order)
        if chunk.nbytes != self.nbytes:
            raise ChunkDecodeError(f"decoded to {chunk.nbytes} bytes, expected {self.nbytes}")
        if chunk.dtype.kind == "O":
            raise ChunkDecodeError(f"decoded to objects, expected {self.dtype}")
        flat = chunk.reshape(-1, order="A").view(self.dtype)
        return flat.reshape(self.shape, order=self.order)

    # -- encoding ------------------------------------------------------------------

    def encode(self, chunk: np.ndarray[Any, Any]) -> Any:
        """Return the bytes to store for `chunk`, an array without gaps in the array's order.

        Where the pipeline is `sliceable`, the chunk may have gaps.

        The result never shares memory with `chunk`.

        Raises
        ------
        ValueError
            If the chunk is larger than a codec can take.
        """
        if not self._codecs:
            return chunk.tobytes(order=self.order)
        if self._compress is not None:
            return self._compress(chunk if self._is_plain else _plain(chunk))
        data: Any = chunk if self.filters else _plain(chunk)
        if self._reversed:
            data = data.T
        for at, encode in enumerate(self._encoders):
            try:
                data = encode(data)
            except ZarrError:
                raise
            except Exception:  # codecs raise what they like
                if at:
                    self._check_encoded(at - 1, data)
                self._check_settings(at)
                raise
        if isinstance(data, np.ndarray):
            return data.tobytes(order="A")
        if not isinstance(data, _BUFFERS):
            self._check_encoded(-1, data)
        return data

    def _check_encoded(self, at: int, data: Any) -> None:
        """Raise `TypeError` unless `data`, which a codec has made of a chunk, are bytes."""
        if isinstance(data, np.ndarray):
            return
        try:
            memoryview(data)
        except TypeError:
            raise TypeError(
                f"codec {self._codecs[at].codec_id!r} must encode to bytes, not to an object of "
                f"type {type(data).__name__}"
            ) from None

    def _check_settings(self, at: int) -> None:
        """Raise `MetadataError` if a codec cannot even encode zeros, or the fill value.

        Then not the value is wrong, but the metadata.
        """
        codec = self._codecs[at]
        sample: np.ndarray[Any, Any] = np.zeros(16, "u1")
        if at < len(self.filters):
            if at or hasattr(codec, "shape"):
                return  # what comes to it is known to those before it
            sample = np.zeros(1, self.dtype)
            if self.dtype.kind == "O":
                sample[0] = self._fill_value
        try:
            codec.encode(sample)
        except Exception as error:
            what = f"the fill value {sample[0]!r:.100}" if self.dtype.kind == "O" else "anything"
            raise MetadataError(
                f"codec {codec.codec_id!r} cannot encode {what} with its settings: {error!s:.500}"
            ) from error

    def encode_run(self, chunks: np.ndarray[Any, Any]) -> Iterable[Any]:
        """Return the bytes to store for each chunk of an array with one more dimension."""
        if self._compress is not None:
            return map(self._compress, _plain(chunks))
        return map(self.encode, chunks)


def _undecodable(error: Exception) -> ChunkDecodeError:
    reason = str(error) or type(error).__name__
    return ChunkDecodeError(f"cannot be decoded: {reason:.500}")


def _plain(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return `array` with a dtype that the buffer protocol knows, of the same item size."""
    if array.dtype.kind in "mM":
        return array.view(array.dtype.str[0] + "i8")
    if array.dtype.fields is not None and not array.dtype.hasobject:
        return array.view(f"V{array.dtype.itemsize}")
    if array.dtype.isbuiltin == 2:  # of another package
        return array.view(f"u{array.dtype.itemsize}")
    return array


def _blosc_compress(codec: blosc.Blosc, nbytes: int) -> Callable[[Any], Any]:
    """Return what ``codec.encode`` comes to for so many bytes, without checks of each buffer."""
    if nbytes > BLOSC_LIMIT:
        return partial(_refuse_size, nbytes)
    return partial(
        blosc.compress,
        cname=codec.cname.encode("ascii") if isinstance(codec.cname, str) else codec.cname,
        clevel=codec.clevel,
        shuffle=codec.shuffle,
        blocksize=codec.blocksize,
        typesize=getattr(codec, "_typesize", None),  # else that of the items
    )


def _refuse_size(nbytes: int, _chunk: Any = None) -> Any:
    raise ValueError(
        f"a chunk of {nbytes} bytes is too large for Blosc, which takes at most {BLOSC_LIMIT}; "
        "use smaller chunks or another compressor"
    )


def _is_gapless(part: Any) -> bool:
    return isinstance(part, int) or (isinstance(part, slice) and part.step in (None, 1))


def _places(part: Any) -> np.ndarray[Any, Any]:
    """Return what `part` selects, as an array."""
    if isinstance(part, slice):
        return np.arange(part.start, part.stop, part.step)
    return np.atleast_1d(part)


def _ends(part: Any) -> tuple[int, int]:
    """Return the first and the last index that `part` selects."""
    if isinstance(part, slice):
        return part.start, part.stop - 1
    return (part, part) if isinstance(part, int) else (int(part.min()), int(part.max()))


def _decompress_range(
    buf: Any, nbytes: int, out: np.ndarray[Any, Any], start: int, stop: int
) -> None:
    """Decode at least the bytes from `start` to `stop` into their place in `out`."""
    check_blosc(buf, nbytes)
    if stop - start < nbytes:
        buf, start, stop = blosc_part(buf, start, stop)
    blosc.decompress(buf, out[start:stop])


def _decompress(buf: Any, nbytes: int) -> Any:
    check_blosc(buf, nbytes)
    return blosc.decompress(buf)


def _decompress_all(bufs: Sequence[Any], nbytes: int, out: np.ndarray[Any, Any]) -> None:
    """Decode chunks to one after the other in `out`: many of a kind in one call."""
    # Blosc starts threads in the main thread only.
    worth = len(bufs) >= _WORTH_THREADS or current_thread() is not main_thread()
    if worth and (joined := blosc_joined(bufs, nbytes)) is not None:
        blosc.decompress(joined, out)
        return
    # numcodecs takes longer to check the memory it is given than a small chunk to copy.
    memory = out.data
    for start, buf in zip(range(0, len(memory), nbytes), bufs, strict=True):
        memory[start : start + nbytes] = _decompress(buf, nbytes)


def _decompress_into(buf: Any, nbytes: int, out: np.ndarray[Any, Any]) -> None:
    check_blosc(buf, nbytes)
    blosc.decompress(buf, _plain(out))
