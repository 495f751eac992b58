"""Shards that are damaged: what is wrong with them, and what can be saved of them.

Chunks are put only where an entry of the index says that they are. Where the index is lost,
nobody knows which chunk is which: libraries store them in different orders.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from zarr._codecs.array_codecs import checksum_of
from zarr._codecs.pipeline import CodecPipeline
from zarr._codecs.sharding import ABSENT, ShardLayout
from zarr.errors import ChunkDecodeError

__all__ = ["count_unused", "read_index", "salvage"]

_LONGEST_CORRECTED = 1 << 16
"""Bytes of an index up to which the bit that was flipped is looked for."""

_POLYNOMIAL = 0x82F63B78


def read_index(layout: ShardLayout, shard: memoryview) -> tuple[Any, str, str]:
    """Return the index of a shard, and what is wrong with it.

    Returns
    -------
    index : ndarray or None
        None if it cannot be used.
    code, message : str
        Of the finding; empty if there is none.
    """
    try:
        index = layout.decode_index(layout.encoded_index(shard))
    except ChunkDecodeError as error:
        return None, "S001", error.reason
    try:
        layout.check_index(index, len(shard))
    except ChunkDecodeError as error:
        return None, "S002", error.reason
    return index, "", ""


def count_unused(layout: ShardLayout, index: np.ndarray[Any, Any], nbytes: int) -> int:
    """Return the bytes of a shard of `nbytes` that are neither index nor a chunk."""
    present = np.unique(index[index[:, 0] != np.uint64(ABSENT)], axis=0)
    return nbytes - layout.index_nbytes - int(present[:, 1].sum())


def salvage(layout: ShardLayout, pipeline: CodecPipeline, shard: memoryview) -> dict[int, Any]:
    """Return the encoded chunks of a shard that can be decoded, by their number.

    Parameters
    ----------
    layout : ShardLayout
    pipeline : CodecPipeline
        Of the chunks in the shard.
    shard : memoryview
        All bytes of it.
    """
    try:
        encoded = layout.encoded_index(shard)
    except ChunkDecodeError:
        return {}
    index, is_sure = _best_index(layout, encoded)
    chunks = {}
    for slot in _placed(layout, index, len(shard), shared=is_sure):
        start, length = map(int, index[slot])
        chunk = shard[start : start + length]
        try:
            pipeline.decode(chunk)
        except ChunkDecodeError:
            continue
        chunks[slot] = chunk
    return chunks


def _placed(
    layout: ShardLayout, index: np.ndarray[Any, Any], nbytes: int, *, shared: bool
) -> list[int]:
    """Return the numbers of the chunks that lie within the shard and overlap no other entry.

    An entry with a damaged offset would otherwise show the bytes of another chunk. Equal chunks
    may be stored once; that counts only where the index is known to be right (`shared`).
    """
    at_start = layout.index_range[0] == 0
    low = layout.index_nbytes if at_start else 0
    high = nbytes if at_start else nbytes - layout.index_nbytes
    spans: dict[tuple[int, int], list[int]] = {}
    for slot, (start, length) in enumerate(index.tolist()):
        if start != ABSENT and low <= start <= high and length <= high - start:
            spans.setdefault((start, start + length), []).append(slot)
    bad = {span for span, slots in spans.items() if len(slots) > 1 and not shared}
    last = (0, 0)
    for span in sorted(spans):
        if span[0] < last[1]:
            bad.update((span, last))
        if span[1] >= last[1]:
            last = span
    return [slot for span, slots in spans.items() if span not in bad for slot in slots]


def _best_index(layout: ShardLayout, encoded: memoryview) -> tuple[np.ndarray[Any, Any], bool]:
    """Return the index of a shard, and whether its checksum says that it is right.

    Where the checksum shows that one bit was flipped, it is flipped back.
    """
    if not layout.is_checked:
        return layout.unchecked_index(encoded), False
    body, stored = encoded[:-4], int.from_bytes(encoded[-4:], "little")
    difference = checksum_of(body) ^ stored
    if difference.bit_count() < 2:  # none, or a bit of the checksum itself
        return layout.unchecked_index(encoded), True
    bit = _flipped_bit(len(body), difference) if len(body) <= _LONGEST_CORRECTED else None
    if bit is None:
        return layout.unchecked_index(encoded), False
    mended = bytearray(body)
    mended[bit >> 3] ^= 1 << (bit & 7)
    return layout.unchecked_index(mended), True


def _flipped_bit(nbytes: int, difference: int) -> int | None:
    """Return which bit of `nbytes` bytes changes their CRC-32C by `difference`, if one does."""
    effects = [_shifted(1 << bit, 8) for bit in range(8)]
    for at in reversed(range(nbytes)):
        if difference in effects:
            return at * 8 + effects.index(difference)
        effects = [_shifted(effect, 8) for effect in effects]
    return None


def _shifted(remainder: int, bits: int) -> int:
    """Return what a remainder of CRC-32C becomes after as many zero bits."""
    for _ in range(bits):
        remainder = remainder >> 1 ^ (_POLYNOMIAL if remainder & 1 else 0)
    return remainder
