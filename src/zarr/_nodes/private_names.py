"""Attributes of arrays that code written for 2.x uses though they were never documented."""

from __future__ import annotations

from collections.abc import Sequence
from operator import floordiv
from typing import Any

import numpy as np

from zarr._metadata.records import ArrayMeta

__all__ = ["PrivateNames"]


class PrivateNames:
    """The private attributes of arrays of the 2.x library, for reading only."""

    @property
    def _meta(self) -> ArrayMeta:
        raise NotImplementedError

    @property
    def _shape(self) -> tuple[int, ...]:
        return self._meta.shape

    @property
    def _chunks(self) -> tuple[Any, ...]:
        return self._meta.chunks

    @property
    def _dtype(self) -> np.dtype[Any]:
        return self._meta.dtype

    @property
    def _order(self) -> str:
        return self._meta.order

    @property
    def _fill_value(self) -> Any:
        return self._meta.fill_value

    @property
    def _dimension_separator(self) -> str:
        return self._meta.keys.separator

    @property
    def _filters(self) -> list[Any] | None:
        return self.filters  # type: ignore[attr-defined, no-any-return]

    @property
    def _compressor(self) -> Any:
        return self.compressor  # type: ignore[attr-defined]

    @property
    def _cdata_shape(self) -> tuple[int, ...]:
        return self.cdata_shape  # type: ignore[attr-defined, no-any-return]

    @property
    def _key_prefix(self) -> str:
        path = self.path  # type: ignore[attr-defined]
        return f"{path}/" if path else ""

    def _chunk_key(self, chunk_coords: Sequence[int]) -> str:
        """Return the key of the value that holds a chunk, or the shard in which it is."""
        meta = self._meta
        coords = tuple(chunk_coords) if meta.shape else ()  # a chunk without dimensions has one key
        if meta.sharding is not None:
            coords = tuple(map(floordiv, coords, meta.sharding.counts))
        key: str = self._storage.keys.key(coords)  # type: ignore[attr-defined]
        return key

    def _chunk_getitems(
        self,
        lchunk_coords: Sequence[Sequence[int]],
        lchunk_selection: Sequence[Any],
        out: Any,
        lout_selection: Sequence[Any],
        drop_axes: Any = None,
        fields: Any = None,
    ) -> None:
        """Read parts of chunks into `out`; the indexers of `zarr.indexing` yield the arguments."""
        read: Any = self.get_block_selection  # type: ignore[attr-defined]
        parts = zip(lchunk_coords, lchunk_selection, lout_selection, strict=True)
        for coords, taken, place in parts:
            part = read(tuple(coords) if self._shape else (), fields=fields)[taken]
            out[place] = np.squeeze(part, axis=drop_axes) if drop_axes else part
