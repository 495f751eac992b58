"""Parts of chunks, read as ranges of the store's values.

For arrays with ``partial_decompress=True`` on stores that can read ranges. A chunk that is
wanted in large part is read whole; so is one that turns out to be other than expected, or
changes while it is read: then complaints are those of every read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Protocol, TypeAlias

import numpy as np

from zarr._codecs.blocks import HEADER, Blocks
from zarr._codecs.pipeline import ByteRanges, CodecPipeline, DecodedParts
from zarr.storage.base import BaseStore

__all__ = ["Layout", "Ranges", "StoredBytes", "usual_head"]

_GAP = 8 << 10
"""Bytes that are sooner read than spared by one more range."""

_USUAL_BLOCK = 32 << 10
"""Bytes of a block, for a guess at how long the table of offsets is."""

Wanted: TypeAlias = Mapping[str, ByteRanges]


class Ranges:
    """The chunks of one array, of which parts can be read.

    Parameters
    ----------
    store : BaseStore
    pipeline : CodecPipeline
        One that is ``readable_in_parts``.
    """

    def __init__(self, store: BaseStore, pipeline: CodecPipeline) -> None:
        self.store = store
        self.nbytes = pipeline.nbytes
        self.is_raw = pipeline.sliceable
        self._gap = max(_GAP, self.nbytes >> 6)

    def fetch(self, wanted: Iterable[tuple[str, ByteRanges]]) -> dict[str, Any]:
        """Return those of the chunks that exist, each whole or as `DecodedParts`.

        Parameters
        ----------
        wanted : iterable of (key, spans)
            Which decoded bytes of each chunk are wanted.
        """
        parts, whole = {}, []
        for key, spans in wanted:
            near = _merged(spans, self._gap)
            if np.diff(near).sum() * 2 > self.nbytes:
                whole.append(key)
            else:
                parts[key] = near
        found = self._read_parts(parts, whole) if parts else {}
        if whole:
            found.update(self.store.getitems(whole))
        return found

    def _read_parts(self, wanted: Wanted, whole: list[str]) -> dict[str, Any]:
        """Read parts of chunks; add to `whole` those that must be read whole."""
        heads = {} if self.is_raw else self._heads(wanted)
        layouts: dict[str, Layout] = {}
        for key, spans in wanted.items():
            if self.is_raw:
                layouts[key] = StoredBytes(spans, 0)
            elif key in heads:
                layout = self._layout(heads[key], spans)
                if layout is None:
                    whole.append(key)
                else:
                    layouts[key] = layout
        return self._pieces(layouts, heads, whole)

    def _heads(self, keys: Iterable[str]) -> dict[str, Any]:
        """Return headers and tables of the chunks that exist."""
        guess = usual_head(self.nbytes)
        heads = self._first_bytes(dict.fromkeys(keys, guess))
        longer = {}
        for key, head in heads.items():
            blocks = _blocks_of(head, self.nbytes) if len(head) == guess else None
            if blocks is not None and blocks.table_end > guess:
                longer[key] = blocks.table_end
        if longer:
            heads.update(self._first_bytes(longer))
        return heads

    def _layout(self, head: Any, spans: ByteRanges) -> Layout | None:
        return _layout_of(head, spans, self.nbytes)

    def _first_bytes(self, counts: Mapping[str, int]) -> dict[str, Any]:
        values = self.store.get_partial_values([(key, (0, n)) for key, n in counts.items()])
        return {key: v for key, v in zip(counts, values, strict=True) if v is not None}

    def _pieces(
        self, layouts: Mapping[str, Layout], heads: Mapping[str, Any], whole: list[str]
    ) -> dict[str, Any]:
        requests = [
            (key, (begin, end - begin))
            for key, layout in layouts.items()
            for begin, end in layout.ranges
        ]
        # The head again: has the chunk been written between our two reads?
        again = {key: heads[key] for key in layouts if key in heads}
        requests += [(key, (0, len(head))) for key, head in again.items()]
        values = iter(self.store.get_partial_values(requests) if requests else [])
        read = {key: list(islice(values, len(layout.ranges))) for key, layout in layouts.items()}
        same = {
            key: value == head for (key, head), value in zip(again.items(), values, strict=True)
        }
        found = {}
        for key, buffers in read.items():
            ranges = layouts[key].ranges
            if all(buffer is None for buffer in buffers):
                continue  # there is no such chunk
            if same.get(key, True) and _complete(buffers, ranges):
                found[key] = self._parts(layouts[key], buffers)
            else:
                whole.append(key)
        return found

    def _parts(self, layout: Layout, buffers: Sequence[Any]) -> DecodedParts:
        return layout.pieces(buffers)


class Layout(Protocol):
    """Which bytes of a value to read for a part of a chunk, and what they make up."""

    ranges: list[tuple[int, int]]

    @property
    def decoded(self) -> list[tuple[int, int]]:
        """Ranges of the decoded bytes that they make up."""

    def pieces(self, buffers: Sequence[Any]) -> DecodedParts:
        """Return the part, given what is in `ranges`."""


class StoredBytes:
    """Bytes that are stored as they are, `shift` bytes from the beginning."""

    def __init__(self, spans: ByteRanges, shift: int) -> None:
        self.spans = spans.tolist()
        self.ranges = [(low + shift, high + shift) for low, high in self.spans]

    @property
    def decoded(self) -> list[tuple[int, int]]:
        return [(low, high) for low, high in self.spans]

    def pieces(self, buffers: Sequence[Any]) -> DecodedParts:
        spans = zip(self.spans, buffers, strict=True)
        return DecodedParts((low, high, buffer) for (low, high), buffer in spans)


class _Divided:
    """The blocks of a Blosc chunk that hold some decoded bytes."""

    def __init__(self, blocks: Blocks, spans: ByteRanges) -> None:
        self.blocks = blocks
        around = [blocks.around(low, high) for low, high in spans.tolist()]
        self.runs = _merged(np.array(around), 0).tolist()
        self.places = [blocks.ranges(first, last) for first, last in self.runs]
        each = np.array([place for places in self.places for place in places])
        self._merged = _merged(each[each[:, 0].argsort()], _GAP)
        self.ranges = [(begin, end) for begin, end in self._merged.tolist()]

    @property
    def decoded(self) -> list[tuple[int, int]]:
        size, end = self.blocks.size, self.blocks.nbytes
        return [(first * size, min(last * size, end)) for first, last in self.runs]

    def pieces(self, buffers: Sequence[Any]) -> DecodedParts:
        starts = self._merged[:, 0]
        views = [memoryview(buffer).cast("B") for buffer in buffers]
        pieces = DecodedParts()
        pieces.is_blosc = True
        for (first, last), places in zip(self.runs, self.places, strict=True):
            parts = []
            for begin, end in places:
                at = int(np.searchsorted(starts, begin, "right")) - 1
                offset = self.ranges[at][0]
                parts.append(views[at][begin - offset : end - offset])
            chunk, low, high = self.blocks.chunk(first, last, parts)
            pieces.append((low, high, chunk))
        return pieces


def usual_head(nbytes: int) -> int:
    """Return how many bytes to read first of a Blosc chunk of `nbytes` decoded bytes."""
    return HEADER + 4 * max(1, nbytes // _USUAL_BLOCK)


def _layout_of(head: Any, spans: ByteRanges, nbytes: int) -> Layout | None:
    """Return how to read a part of the Blosc chunk that begins with `head`; None if not so."""
    blocks = _blocks_of(head, nbytes)
    if blocks is None:
        return None
    if blocks.is_stored:
        return StoredBytes(spans, HEADER)
    if not blocks.count or len(head) < blocks.table_end:
        return None
    try:
        blocks.locate(head)
        return _Divided(blocks, spans)
    except ValueError:  # of a broken chunk
        return None


def _blocks_of(head: Any, nbytes: int) -> Blocks | None:
    """Return what `head` says of a chunk of `nbytes` decoded bytes; None if it is broken."""
    if len(head) < HEADER:
        return None
    try:
        blocks = Blocks(head)
    except ValueError:
        return None
    return blocks if blocks.nbytes == nbytes else None


def _complete(buffers: Sequence[Any], ranges: Sequence[tuple[int, int]]) -> bool:
    return all(
        buffer is not None and len(buffer) == end - begin
        for buffer, (begin, end) in zip(buffers, ranges, strict=True)
    )


def _merged(spans: ByteRanges, gap: int) -> ByteRanges:
    """Return sorted ranges with those joined that are at most `gap` apart."""
    ends = np.maximum.accumulate(spans[:, 1])
    apart = spans[1:, 0] - ends[:-1] > gap
    starts = spans[np.append(True, apart), 0]
    return np.stack([starts, ends[np.append(apart, True)]], axis=1)
