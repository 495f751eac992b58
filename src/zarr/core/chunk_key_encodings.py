"""How the indices of a chunk become a key, as value classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self, TypeAlias

from zarr.abc.metadata import Metadata
from zarr.core.common import parse_named_configuration
from zarr.errors import MetadataValidationError

__all__ = [
    "ChunkKeyEncoding", "ChunkKeyEncodingLike", "ChunkKeyEncodingParams", "DefaultChunkKeyEncoding",
    "SeparatorLiteral", "V2ChunkKeyEncoding", "parse_chunk_key_encoding", "parse_separator",
]  # fmt: skip

SeparatorLiteral: TypeAlias = Literal[".", "/"]
ChunkKeyEncodingParams: TypeAlias = Mapping[str, Any]


def parse_separator(data: Any) -> SeparatorLiteral:
    """Return `data`, which must be a separator."""
    if data not in (".", "/"):
        raise ValueError(f"Expected an '.' or '/' separator. Got {data} instead.")
    return data  # type: ignore[no-any-return]


@dataclass(frozen=True)
class ChunkKeyEncoding(Metadata):
    """How the indices of a chunk become a key."""

    name: ClassVar[str]

    def encode_chunk_key(self, chunk_coords: tuple[int, ...]) -> str:
        """Return the key of a chunk.

        Parameters
        ----------
        chunk_coords : tuple of int
            Indices of the chunk.

        Returns
        -------
        str
            The key, below the path of the array.
        """
        raise NotImplementedError

    def decode_chunk_key(self, chunk_key: str) -> tuple[int, ...]:
        """Return the indices of the chunk of a key.

        Parameters
        ----------
        chunk_key : str
            The key, below the path of the array.

        Returns
        -------
        tuple of int
            Indices of the chunk.
        """
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """Return the entry of the metadata.

        Returns
        -------
        dict
            Name and configuration.
        """
        return {"name": self.name, "configuration": super().to_dict()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Return the encoding that metadata describe.

        Parameters
        ----------
        data : dict
            Name and configuration.

        Returns
        -------
        ChunkKeyEncoding
            An object of this class.
        """
        _, configuration = parse_named_configuration(data, cls.name, require_configuration=False)
        return cls(**(configuration or {}))


@dataclass(frozen=True)
class DefaultChunkKeyEncoding(ChunkKeyEncoding):
    """Keys such as ``c/0/1``.

    Parameters
    ----------
    separator : {'/', '.'}, default '/'
        What stands between the indices.
    """

    name = "default"
    separator: SeparatorLiteral = "/"

    def __post_init__(self) -> None:
        parse_separator(self.separator)

    def encode_chunk_key(self, chunk_coords: tuple[int, ...]) -> str:
        return self.separator.join(map(str, ("c", *chunk_coords)))

    def decode_chunk_key(self, chunk_key: str) -> tuple[int, ...]:
        return tuple(map(int, chunk_key.split(self.separator)[1:]))


@dataclass(frozen=True)
class V2ChunkKeyEncoding(ChunkKeyEncoding):
    """Keys such as ``0.1``, as in format 2.

    Parameters
    ----------
    separator : {'.', '/'}, default '.'
        What stands between the indices.
    """

    name = "v2"
    separator: SeparatorLiteral = "."

    def __post_init__(self) -> None:
        parse_separator(self.separator)

    def encode_chunk_key(self, chunk_coords: tuple[int, ...]) -> str:
        return self.separator.join(map(str, chunk_coords)) or "0"

    def decode_chunk_key(self, chunk_key: str) -> tuple[int, ...]:
        return tuple(map(int, chunk_key.split(self.separator)))


ChunkKeyEncodingLike: TypeAlias = ChunkKeyEncoding | Mapping[str, Any] | str

encodings: dict[str, type[ChunkKeyEncoding]] = {
    cls.name: cls for cls in (DefaultChunkKeyEncoding, V2ChunkKeyEncoding)
}
"""The encodings that are known, by name."""


def parse_chunk_key_encoding(data: ChunkKeyEncodingLike) -> ChunkKeyEncoding:
    """Return the encoding that a user or metadata mean.

    Raises
    ------
    MetadataValidationError
        If it is not known.
    """
    if isinstance(data, ChunkKeyEncoding):
        return data
    given: dict[str, Any] = {"name": data} if isinstance(data, str) else dict(data)
    if "separator" in given:
        given["configuration"] = {"separator": given.pop("separator")}
    name, _ = parse_named_configuration(given, require_configuration=False)
    if name not in encodings:
        raise MetadataValidationError(
            f"chunk_key_encoding {name!r:.100} is not known; known are {sorted(encodings)}"
        )
    return encodings[name].from_dict(given)
