"""What an array or a group is, in words that belong to no format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np

from zarr._metadata.foreign_dtypes import JSON
from zarr._selection.grid import Grid

__all__ = ["ArrayMeta", "ChunkKeys", "GroupMeta", "Sharding", "Step"]

Role = Literal["filter", "serializer", "compressor"]


class Step(NamedTuple):
    """One codec of the pipeline as the document has it.

    `config` holds the complete entry of the metadata, the codec's name included, so that it can
    be written back unchanged.
    """

    role: Role
    name: str
    config: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class ChunkKeys:
    """How the place of a chunk in the grid becomes a key: `prefix`, then the indices.

    The only chunk of an array without dimensions has the key `prefix` + `scalar`. Whether
    the separator is `stated` in the document is remembered, to write it back unchanged.
    """

    separator: Literal[".", "/"] = "."
    prefix: str = ""
    scalar: str = "0"
    stated: bool = False


@dataclass(frozen=True, slots=True)
class Sharding:
    """How chunks are put together in shards.

    Attributes
    ----------
    shape : tuple of int
        Shape of a shard. Where shards differ: what divides the lengths of all.
    chunks : tuple of int
        Shape of the chunks in it; divides `shape`.
    index_steps : tuple of Step
        The codecs of the index.
    index_location : {'start', 'end'}
        Where in the shard the index is.
    inner : Sharding or None
        How the chunks are put together in their turn, if each is a shard itself.
    """

    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    index_steps: tuple[Step, ...]
    index_location: Literal["start", "end"] = "end"
    inner: Sharding | None = None

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of chunks along each dimension of a shard."""
        return tuple(n // chunk for n, chunk in zip(self.shape, self.chunks, strict=True))


@dataclass(frozen=True)
class ArrayMeta:
    """The metadata of an array.

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy.dtype
    grid : Grid
        How the array is cut into chunks.
    fill_value : scalar or None
        Value of elements that were never written; None if undefined.
    order : {'C', 'F'}
        Layout of the items within a chunk.
    keys : ChunkKeys
    steps : tuple of Step
        The codecs of a chunk in the order of encoding.
    sharding : Sharding or None
        How chunks are put together in shards, where ``grid.shards`` says that they are.
    attributes : Mapping or None
        User attributes where the document carries them.
    dimension_names : tuple or None
    extra : Mapping
        Members of the document that we do not know; kept and written back.
    stated : Mapping
        How the document spells what can be spelled in several ways: by member, the
        spelling and the values here that it stands for.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    grid: Grid
    fill_value: Any = None
    order: Literal["C", "F"] = "C"
    keys: ChunkKeys = ChunkKeys()
    steps: tuple[Step, ...] = ()
    sharding: Sharding | None = None
    attributes: Mapping[str, JSON] | None = None
    dimension_names: tuple[str | None, ...] | None = None
    extra: Mapping[str, JSON] = field(default_factory=dict)
    stated: Mapping[str, tuple[JSON, tuple[Any, ...]]] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, **members: Any) -> ArrayMeta:
        """Return what the constructor does, several times as fast: every opening needs it.

        `extra` and `stated` must be among the members.
        """
        made = object.__new__(cls)
        made.__dict__.update(members)
        return made

    @property
    def chunks(self) -> tuple[Any, ...]:
        """Lengths of chunks along each dimension: an integer, or `Edges` where they differ."""
        return self.grid.chunks

    def resized(self, shape: tuple[int, ...]) -> ArrayMeta:
        """Return the same with another shape, as every append needs it: fast."""
        other = object.__new__(ArrayMeta)
        other.__dict__.update(self.__dict__, shape=shape)
        return other


@dataclass(frozen=True, slots=True)
class GroupMeta:
    """The metadata of a group."""

    attributes: Mapping[str, JSON] | None = None
    extra: Mapping[str, JSON] = field(default_factory=dict)
