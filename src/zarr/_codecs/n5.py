"""Blocks of N5 datasets: a header, then the elements in big-endian order, possibly compressed.

The format: https://github.com/saalfeldlab/n5#file-system-specification
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numcodecs
import numpy as np
from numcodecs import lz4
from numcodecs.abc import Codec
from numcodecs.compat import ensure_contiguous_ndarray, ndarray_copy

from zarr._codecs.builtin import LIMITED, limited_decode

__all__ = ["LZ4Block", "N5ChunkWrapper"]

_DEFAULT, _VARLENGTH = 0, 1


class N5ChunkWrapper(Codec):  # type: ignore[misc]
    """Codec between a chunk and an N5 block, the compressor of arrays in N5 stores.

    Parameters
    ----------
    dtype : str or numpy.dtype
        Data type of the elements in memory. A block contains them in big-endian order.
    chunk_shape : sequence of int
        Shape of a chunk, in the order of Zarr, which is the reverse of that of N5.
    compressor_config : dict, optional
        Configuration of the codec that compresses the elements.
    compressor : Codec, optional
        The codec itself.

    Examples
    --------
    >>> import numpy as np
    >>> from zarr.n5 import N5ChunkWrapper
    >>> codec = N5ChunkWrapper('<u2', (3, 2, 1))
    >>> codec.encode(np.arange(1, 7, dtype='u2').reshape(3, 2, 1)).hex(' ', 4)
    '00000003 00000001 00000002 00000003 00010002 00030004 00050006'
    """

    codec_id: ClassVar[str] = "n5_wrapper"

    def __init__(
        self,
        dtype: Any,
        chunk_shape: Sequence[int],
        compressor_config: Mapping[str, Any] | None = None,
        compressor: Any = None,
    ) -> None:
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.chunk_shape = tuple(chunk_shape)
        if compressor is None and compressor_config is not None:
            compressor = numcodecs.get_codec(dict(compressor_config))
        self.compressor_config = None if compressor is None else compressor.get_config()
        self._compressor = compressor
        self._stored = self.dtype.newbyteorder(">")
        self._items = math.prod(self.chunk_shape)
        self._dimensions = f">{len(self.chunk_shape)}I"
        self._header = struct.pack(">HH", _DEFAULT, len(self.chunk_shape))
        self._header += struct.pack(self._dimensions, *reversed(self.chunk_shape))

    def get_config(self) -> dict[str, Any]:
        """Return the configuration for `numcodecs.get_codec`.

        Returns
        -------
        dict
            The identifier and parameters of the codec.
        """
        return {
            "id": self.codec_id,
            "dtype": self.dtype.str,
            "chunk_shape": list(self.chunk_shape),
            "compressor_config": self.compressor_config,
        }

    def encode(self, buf: Any) -> bytes:
        """Encode a chunk as a block.

        Parameters
        ----------
        buf : array_like or bytes-like
            The chunk.

        Returns
        -------
        bytes
            The block.

        Raises
        ------
        ValueError
            If `buf` does not have the size of a chunk.
        """
        items = ensure_contiguous_ndarray(buf).reshape(-1, order="A").view(self.dtype)
        if items.size != self._items:
            raise ValueError(f"{items.size} elements are not a chunk of shape {self.chunk_shape}")
        # As plain unsigned integers: not every codec knows swapped or dated items.
        stored = items.astype(self._stored, copy=False).view(f"u{self.dtype.itemsize}")
        payload = stored if self._compressor is None else self._compressor.encode(stored)
        return b"".join((self._header, memoryview(payload).cast("B")))

    def decode(self, buf: Any, out: Any = None) -> Any:
        """Decode a block. A block that was cut at the edge of the array is padded with zeros.

        Parameters
        ----------
        buf : bytes-like
            The block.
        out : array, optional
            Array to decode into.

        Returns
        -------
        ndarray
            The chunk.

        Raises
        ------
        ValueError
            If `buf` is not a block of this array.
        """
        shape, payload = self._parse(_as_view(buf))
        size = math.prod(shape) * self.dtype.itemsize
        if self._compressor is not None:
            payload = _as_view(limited_decode(self._compressor, payload, size))
        if len(payload) != size:
            raise ValueError(f"a block of {size} bytes decoded to {len(payload)}")
        part = np.frombuffer(payload, self._stored).reshape(shape)
        if shape == self.chunk_shape:
            chunk = part.astype(self.dtype, copy=False)
        else:
            chunk = np.zeros(self.chunk_shape, self.dtype)
            chunk[tuple(map(slice, shape))] = part
        return chunk if out is None else ndarray_copy(chunk, out)

    def _parse(self, block: memoryview) -> tuple[tuple[int, ...], memoryview]:
        """Return shape, in the order of Zarr, and compressed items of a block."""
        if block[: len(self._header)] == self._header:
            return self.chunk_shape, block[len(self._header) :]
        try:
            mode, ndim = struct.unpack_from(">HH", block)
            if mode not in (_DEFAULT, _VARLENGTH) or ndim != len(self.chunk_shape):
                raise ValueError(
                    f"not an N5 block of {len(self.chunk_shape)} dimensions: "
                    f"its header says mode {mode} and {ndim} dimensions"
                )
            shape = struct.unpack_from(self._dimensions, block, 4)[::-1]
            if any(n > most for n, most in zip(shape, self.chunk_shape, strict=True)):
                raise ValueError(f"block of shape {shape} in an array with {self.chunk_shape}")
            if mode == _DEFAULT:
                return shape, block[len(self._header) :]
            (count,) = struct.unpack_from(">I", block, len(self._header))
        except struct.error:
            raise ValueError(f"{len(block)} bytes are too few for an N5 block") from None
        if count != math.prod(shape):
            raise ValueError(f"N5 block of shape {shape} with {count} elements")
        return shape, block[len(self._header) + 4 :]

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(dtype={self.dtype!r}, chunk_shape={self.chunk_shape}, "
            f"compressor_config={self.compressor_config})"
        )


def _as_view(buf: Any) -> memoryview:
    """Return the bytes of `buf`, flat."""
    if not isinstance(buf, (bytes, bytearray)):
        buf = ensure_contiguous_ndarray(buf).reshape(-1).view("u1")
    return memoryview(buf)


# -- the LZ4 of Java --------------------------------------------------------------------

_MAGIC = b"LZ4Block"
_FRAME = struct.Struct("<8sBIII")
_STORED, _COMPRESSED = 0x10, 0x20
_SEED = 0x9747B28C


class LZ4Block(Codec):  # type: ignore[misc]
    """LZ4 in the frames of the library lz4-java, which other N5 software expects.

    The LZ4 codec of `numcodecs` writes the same data with another header.

    Parameters
    ----------
    block_size : int, default 65536
        Size of a frame in bytes, from 64 to 2**25.

    Raises
    ------
    ValueError
        If `block_size` is out of range.

    Examples
    --------
    >>> import zarr
    >>> from zarr.n5 import LZ4Block, N5Store
    >>> z = zarr.zeros(10, store=N5Store('data/array.n5'), compressor=LZ4Block())
    """

    codec_id: ClassVar[str] = "n5_lz4block"

    def __init__(self, block_size: int = 65536) -> None:
        if not 64 <= block_size <= 1 << 25:
            raise ValueError(f"block_size must be from 64 to 2**25, not {block_size!r}")
        self.block_size = block_size
        self._level = max(0, (block_size - 1).bit_length() - 10)

    def encode(self, buf: Any) -> bytes:
        """Compress data to frames.

        Parameters
        ----------
        buf : bytes-like
            The data.

        Returns
        -------
        bytes
            The frames.
        """
        data = ensure_contiguous_ndarray(buf).reshape(-1).view("u1")
        pieces = [data[at : at + self.block_size] for at in range(0, data.size, self.block_size)]
        parts: list[Any] = []
        for piece, check in zip(pieces, _checks(pieces), strict=True):
            method, body = _COMPRESSED, lz4.compress(piece)[4:]
            if len(body) >= len(piece):
                method, body = _STORED, piece.tobytes()
            parts.append(_FRAME.pack(_MAGIC, method | self._level, len(body), len(piece), check))
            parts.append(body)
        parts.append(_FRAME.pack(_MAGIC, _STORED | self._level, 0, 0, 0))
        return b"".join(parts)

    def decode(self, buf: Any, out: Any = None) -> Any:
        """Decompress frames.

        Parameters
        ----------
        buf : bytes-like
            The frames.
        out : bytes-like, optional
            Buffer to decompress into.

        Returns
        -------
        bytes-like
            The data, or `out`.

        Raises
        ------
        ValueError
            If the frames are damaged.
        """
        data = _decode_frames(buf, None)
        return data if out is None else ndarray_copy(data, out)


def _decode_frames(buf: Any, limit: int | None) -> bytes:
    data = _as_view(buf)
    pieces, checks = [], []
    start = total = 0
    try:
        while (frame := _FRAME.unpack_from(data, start))[3]:
            magic, token, encoded, size, check = frame
            total += size
            if limit is not None and total > limit:
                raise ValueError(f"the LZ4 frames hold more than the {limit} bytes declared")
            start += _FRAME.size + encoded
            pieces.append(_decode_frame(magic, token, data[start - encoded : start], size))
            checks.append(check)
    except struct.error:
        raise ValueError("the LZ4 frames are truncated") from None
    if frame[0] != _MAGIC:
        raise ValueError("not an LZ4 frame of lz4-java")
    if _checks(pieces) != checks:
        raise ValueError("the checksum of an LZ4 frame is wrong")
    return b"".join(pieces)


def _decode_frame(magic: bytes, token: int, body: memoryview, size: int) -> Any:
    if magic != _MAGIC or token & 0xF0 not in (_STORED, _COMPRESSED):
        raise ValueError("not an LZ4 frame of lz4-java")
    if size > 1 << (token & 0x0F) + 10:
        raise ValueError(f"an LZ4 frame of {size} bytes is larger than it may be")
    if token & 0xF0 == _STORED:
        piece: Any = bytes(body)
    else:
        piece = lz4.decompress(size.to_bytes(4, "little") + bytes(body))
    if len(piece) != size:
        raise ValueError(f"an LZ4 frame of {size} bytes decoded to {len(piece)}")
    return piece


def _checks(pieces: Sequence[Any]) -> list[int]:
    """Return the checksums of `pieces` as lz4-java has them, all but the last of one length."""
    return [int(number) & 0x0FFFFFFF for number in _xxh32(pieces)]


# -- xxHash, 32 bits: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md --------

_P1, _P2, _P3, _P4, _P5 = 2654435761, 2246822519, 3266489917, 668265263, 374761393
_WORD = 0xFFFFFFFF


def _xxh32(pieces: Sequence[Any]) -> list[int]:
    """Return the hash of each of `pieces`; those of one length are hashed side by side."""
    hashes = [0] * len(pieces)
    by_length: dict[int, list[int]] = {}
    for number, piece in enumerate(pieces):
        by_length.setdefault(len(piece), []).append(number)
    for length, numbers in by_length.items():
        data = np.stack([np.frombuffer(pieces[n], "u1") for n in numbers])
        stripes = length // 16
        lanes = _lanes(data[:, : stripes * 16]) if stripes else None
        for row, number in enumerate(numbers):
            hashes[number] = _finish(
                None if lanes is None else lanes[row].tolist(),
                data[row, stripes * 16 :].tobytes(),
                length,
            )
    return hashes


def _lanes(data: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the four accumulators of each row of `data`, whose length divides by 16."""
    words = data.reshape(len(data), -1, 16).view("<u4").astype("u4", copy=False)
    start = [_SEED + _P1 + _P2, _SEED + _P2, _SEED, _SEED - _P1]
    lanes = np.tile(np.array([n & _WORD for n in start], "u4"), (len(data), 1))
    second, first = np.uint32(_P2), np.uint32(_P1)
    for stripe in range(words.shape[1]):
        lanes += words[:, stripe] * second
        lanes = (lanes << 13) | (lanes >> 19)
        lanes *= first
    return lanes


def _rotate(word: int, bits: int) -> int:
    return (word << bits | word >> (32 - bits)) & _WORD


def _finish(lanes: list[int] | None, rest: bytes, length: int) -> int:
    if lanes is None:
        total = _SEED + _P5
    else:
        total = sum(_rotate(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18), strict=True))
    total = (total + length) & _WORD
    while len(rest) >= 4:
        total = (total + int.from_bytes(rest[:4], "little") * _P3) & _WORD
        total = _rotate(total, 17) * _P4 & _WORD
        rest = rest[4:]
    for byte in rest:
        total = _rotate((total + byte * _P5) & _WORD, 11) * _P1 & _WORD
    total = (total ^ total >> 15) * _P2 & _WORD
    total = (total ^ total >> 13) * _P3 & _WORD
    return total ^ total >> 16


def _limited_chunk(codec: N5ChunkWrapper, buf: Any, limit: int) -> Any:
    size = math.prod(codec.chunk_shape) * codec.dtype.itemsize
    if size > limit:
        raise ValueError(f"N5 blocks of {size} bytes for chunks of {limit} bytes")
    return codec.decode(buf)


def _limited_frames(_codec: LZ4Block, buf: Any, limit: int) -> Any:
    return _decode_frames(buf, limit)


for _class in (N5ChunkWrapper, LZ4Block):
    numcodecs.register_codec(_class)
LIMITED[N5ChunkWrapper.codec_id] = _limited_chunk
LIMITED[LZ4Block.codec_id] = _limited_frames
