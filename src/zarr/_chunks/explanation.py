"""What reading a selection costs: the record, and the advice that follows from it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from zarr._chunks.engine import Engine
from zarr._selection.grid import longest
from zarr._selection.indexers import Indexer
from zarr._wording import counted

__all__ = ["Explanation", "Request", "advice_on"]

_SCHEMA = 1
"""Number of the schema of `to_json`: a change of what members mean raises it."""

_POOR = 4
"""How many times more than selected is decoded before advice is given."""

_SMALL_CHUNK = 32 << 10
_LARGE_CHUNK = 1 << 20
_MANY_CHUNKS = 100


@dataclass(frozen=True, slots=True)
class Request:
    """A call of a method of the store.

    Attributes
    ----------
    verb : str
        Name of the method, for instance ``'getitems'``.
    keys : tuple of str
        The keys; with `ranges`, one for each range.
    ranges : tuple of (int, int), optional
        Start and length in bytes of what is read of each value, a negative start counting from the
        end; None if whole values are read.
    nbytes : int or None
        Number of bytes that are returned, None if unknown.

    Examples
    --------
    >>> import zarr
    >>> z = zarr.ones(10, chunks=5)
    >>> z.explain[3:7].requests[0].keys
    ('0', '1')
    """

    verb: str
    keys: tuple[str, ...]
    ranges: tuple[tuple[int, int], ...] | None = None
    nbytes: int | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """What reading a selection costs; printed as a table.

    Attributes
    ----------
    shape : tuple of int
        Shape of the selection.
    chunks : int
        Number of chunks that have a part in it. Of chunks in shards, these are the inner chunks.
    absent : int or None
        Number of these chunks that are not stored, and so not decoded; None if unknown.
    requests : tuple of Request
        The calls of the store, in order of the windows that are read.
    selected_bytes : int
        Size of the selection in memory.
    decoded_bytes : int
        Size of what is decoded for it. What is kept in memory already is not decoded.
    exact : bool
        Whether the store will be called exactly so. If False, all chunks were assumed to be stored,
        and those of a shard whose index is not known to follow each other.
    advice : tuple of str
        What would make such reads cheaper.

    Examples
    --------
    >>> import zarr
    >>> z = zarr.ones((100, 100), chunks=(1, 100))
    >>> cost = z.explain[:, 5]
    >>> cost.chunks, cost.calls, cost.amplification
    (100, 1, 100.0)
    """

    shape: tuple[int, ...]
    chunks: int
    absent: int | None
    requests: tuple[Request, ...]
    selected_bytes: int
    decoded_bytes: int
    exact: bool
    advice: tuple[str, ...] = ()

    @property
    def calls(self) -> int:
        """Number of calls of the store."""
        return len(self.requests)

    @property
    def keys(self) -> int:
        """Number of keys, or of ranges of bytes, in all calls.

        A remote store sends about one request for each.
        """
        return sum(len(request.keys) for request in self.requests)

    @property
    def stored_bytes(self) -> int | None:
        """Number of bytes that the store returns, None if unknown."""
        sizes = [request.nbytes for request in self.requests]
        return None if None in sizes else sum(filter(None, sizes))

    @property
    def amplification(self) -> float:
        """Bytes that are decoded for each selected byte; 0.0 if nothing is selected."""
        return self.decoded_bytes / self.selected_bytes if self.selected_bytes else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes and properties, as JSON has them.

        Returns
        -------
        dict
            With the number of its schema.
        """
        return {
            "schema": _SCHEMA,
            "shape": list(self.shape),
            "chunks": self.chunks,
            "absent": self.absent,
            "calls": self.calls,
            "keys": self.keys,
            "selected_bytes": self.selected_bytes,
            "decoded_bytes": self.decoded_bytes,
            "stored_bytes": self.stored_bytes,
            "amplification": self.amplification,
            "exact": self.exact,
            "advice": list(self.advice),
            "requests": [asdict(request) for request in self.requests],
        }

    def to_json(self) -> str:
        """Return :meth:`to_dict` as a JSON document.

        Returns
        -------
        str
            JSON.
        """
        return json.dumps(self.to_dict(), indent=2)

    def __str__(self) -> str:
        absent = f", {self.absent} of them absent" if self.absent else ""
        stored = "unknown" if self.stored_bytes is None else f"{self.stored_bytes:,}"
        calls = counted(self.calls, "call", spec=",")
        keys = counted(self.keys, "key or range", "keys or ranges", ",")
        selected = counted(self.selected_bytes, "byte", spec=",")
        rows = [
            ("selection", f"{self.shape}, {selected}"),
            ("chunks", f"{self.chunks:,}{absent}"),
            ("store", f"{calls}, {keys}"),
            ("bytes stored", stored),
            ("bytes decoded", f"{self.decoded_bytes:,}"),
            ("amplification", f"{self.amplification:.3g}"),
            ("exact", "yes" if self.exact else "no, an estimate"),
            *[("advice", text) for text in self.advice],
        ]
        width = max(len(label) for label, _ in rows)
        return "\n".join(f"{label:<{width}} : {text}" for label, text in rows)

    __repr__ = __str__


def advice_on(engine: Engine, indexer: Indexer, chunks: int, amplification: float) -> list[str]:
    """Return what would make such reads cheaper.

    Parameters
    ----------
    engine : Engine
        Of the array.
    indexer : Indexer
        The selection.
    chunks : int
        Number of chunks that have a part in it.
    amplification : float
        Bytes that are decoded for each selected byte.
    """
    advice = []
    if amplification >= _POOR:
        advice += _on_shape(engine, indexer)
        advice += _on_settings(engine)
    if chunks >= _MANY_CHUNKS and engine.pipeline.nbytes < _SMALL_CHUNK:
        advice.append(
            f"{chunks:,} chunks of {counted(engine.pipeline.nbytes, 'byte', spec=',')} are small: "
            "larger chunks take less time for each byte"
        )
    return advice


def _on_shape(engine: Engine, indexer: Indexer) -> list[str]:
    """Return advice for each dimension along which most of the chunks is not selected."""
    if indexer.axes is None:
        return ["the points lie in many chunks: select those in the same chunks together"]
    advice = []
    for dim, (axis, lengths) in enumerate(zip(indexer.axes, engine.grid.chunks, strict=True)):
        length = longest(lengths)
        factor = len(axis.chunks) * length / max(axis.size, 1)
        if factor >= _POOR:
            advice.append(
                f"dimension {dim}: about {length // factor or 1:.0f} of {length} elements of a "
                "chunk are selected; read more of this dimension at a time, or use chunks that "
                "are shorter in it"
            )
    return advice


def _on_settings(engine: Engine) -> list[str]:
    advice = []
    if engine._cache is None:
        advice.append("further selections in the same chunks: keep them with cache_bytes=")
    large = engine.pipeline.nbytes >= _LARGE_CHUNK and engine.is_divisible
    if large and engine._ranges is None and engine.store.partial_reads:
        advice.append("single selections in large chunks: open with partial_decompress=True")
    return advice
