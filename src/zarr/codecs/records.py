"""Codecs of version 3 as users write them down: small records.

They say what a document is to say. The work is done by other objects, which an array
makes from its document.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import Enum, StrEnum
from typing import Any, ClassVar, Literal

from zarr.dtypes import JSON
from zarr.errors import MetadataError
from zarr.metadata import Step

__all__ = [
    "BloscCname",
    "BloscCodec",
    "BloscShuffle",
    "BytesCodec",
    "CastValueCodec",
    "Crc32cCodec",
    "Endian",
    "GzipCodec",
    "PackBitsCodec",
    "ScaleOffsetCodec",
    "ShardingCodec",
    "ShardingCodecIndexLocation",
    "TransposeCodec",
    "VLenBytesCodec",
    "VLenUTF8Codec",
    "ZstdCodec",
    "record_of",
]


class BloscShuffle(StrEnum):
    """How Blosc shuffles, as the 3.x library has it; plain strings do as well."""

    noshuffle = "noshuffle"
    shuffle = "shuffle"
    bitshuffle = "bitshuffle"


class BloscCname(StrEnum):
    """The compressors in Blosc, as the 3.x library has them; plain strings do as well."""

    lz4 = "lz4"
    lz4hc = "lz4hc"
    blosclz = "blosclz"
    zstd = "zstd"
    snappy = "snappy"
    zlib = "zlib"


class Endian(StrEnum):
    """Byte orders, as the 3.x library has them; plain strings do as well."""

    big = "big"
    little = "little"


class ShardingCodecIndexLocation(StrEnum):
    """Where the index of a shard is, as the 3.x library has it; plain strings do as well."""

    start = "start"
    end = "end"


def _plain(value: Any) -> JSON:
    if isinstance(value, _Record):
        return value.to_dict()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.value if isinstance(value, Enum) else value


class _Record:
    name: ClassVar[str]

    def to_dict(self) -> dict[str, JSON]:
        """Return the codec as a document has it."""
        given = {f.name: _plain(getattr(self, f.name)) for f in fields(self)}  # type: ignore[arg-type]
        given = {name: value for name, value in given.items() if value is not None}
        return {"name": self.name, "configuration": given} if given else {"name": self.name}

    @classmethod
    def from_dict(cls, data: Mapping[str, JSON]) -> _Record:
        """Return the record of a codec in a document.

        Raises
        ------
        MetadataError
            If its configuration has members that the codec does not know.
        """
        given = data.get("configuration") or {}
        known = {f.name for f in fields(cls)}  # type: ignore[arg-type]
        if unknown := given.keys() - known:
            raise MetadataError(f"codec {cls.name!r} has unknown members: {sorted(unknown)}")
        return cls(**given)


@dataclass(frozen=True)
class BytesCodec(_Record):
    """Stores the items one after the other.

    Parameters
    ----------
    endian : {'little', 'big'}
        Byte order; by default that of the array's dtype.

    Examples
    --------
    >>> import zarr
    >>> zarr.codecs.BytesCodec(endian='big').to_dict()
    {'name': 'bytes', 'configuration': {'endian': 'big'}}
    """

    name: ClassVar[str] = "bytes"
    endian: Literal["little", "big"] | None = None


@dataclass(frozen=True)
class TransposeCodec(_Record):
    """Stores the dimensions in another order.

    Parameters
    ----------
    order : sequence of int
        A permutation of the dimensions.
    """

    name: ClassVar[str] = "transpose"
    order: Sequence[int]


@dataclass(frozen=True)
class BloscCodec(_Record):
    """Compresses with Blosc.

    Parameters
    ----------
    typesize : int, optional
        Bytes of an item, for shuffling; by default those of the array's dtype.
    cname : {'zstd', 'lz4', 'lz4hc', 'blosclz', 'snappy', 'zlib'}
        The compressor within.
    clevel : int
        Level from 0 to 9.
    shuffle : {'noshuffle', 'shuffle', 'bitshuffle'}, optional
        By default by bytes, for items of one byte by bits.
    blocksize : int
        Bytes; 0 to leave it to Blosc.
    """

    name: ClassVar[str] = "blosc"
    typesize: int | None = None
    cname: str = "zstd"
    clevel: int = 5
    shuffle: Literal["noshuffle", "shuffle", "bitshuffle"] | None = None
    blocksize: int = 0


@dataclass(frozen=True)
class ZstdCodec(_Record):
    """Compresses with Zstandard.

    Parameters
    ----------
    level : int
        From -131072 to 22; 0 is the default of Zstandard.
    checksum : bool
        Whether to store a checksum.
    """

    name: ClassVar[str] = "zstd"
    level: int = 0
    checksum: bool = False


@dataclass(frozen=True)
class GzipCodec(_Record):
    """Compresses with gzip.

    Parameters
    ----------
    level : int
        From 0 to 9.
    """

    name: ClassVar[str] = "gzip"
    level: int = 5


@dataclass(frozen=True)
class Crc32cCodec(_Record):
    """Appends a CRC-32C checksum, which is verified when reading."""

    name: ClassVar[str] = "crc32c"


@dataclass(frozen=True)
class VLenUTF8Codec(_Record):
    """Stores strings of any length."""

    name: ClassVar[str] = "vlen-utf8"


@dataclass(frozen=True)
class VLenBytesCodec(_Record):
    """Stores bytes of any length."""

    name: ClassVar[str] = "vlen-bytes"


@dataclass(frozen=True)
class PackBitsCodec(_Record):
    """Stores some bits of each item only, without gaps.

    Parameters
    ----------
    padding_encoding : {'none', 'first_byte', 'last_byte'}, optional
        Where the number of bits that fill the last byte is stored.
    first_bit, last_bit : int, optional
        The bits to store, counted from the lowest; all by default.
    """

    name: ClassVar[str] = "packbits"
    padding_encoding: Literal["none", "first_byte", "last_byte"] | None = None
    first_bit: int | None = None
    last_bit: int | None = None


@dataclass(frozen=True)
class CastValueCodec(_Record):
    """Stores numbers as those of another data type.

    Parameters
    ----------
    data_type : str or dict
        As in a document.
    rounding : str, optional
        'nearest-even' by default, or 'nearest-away', 'towards-zero', 'towards-positive',
        'towards-negative'.
    out_of_range : {'clamp', 'wrap'}, optional
        What becomes of numbers that do not fit; an error by default.
    scalar_map : dict, optional
        Lists of pairs, by 'encode' and 'decode', of numbers that become others.
    """

    name: ClassVar[str] = "cast_value"
    data_type: JSON
    rounding: str | None = None
    out_of_range: Literal["clamp", "wrap"] | None = None
    scalar_map: Mapping[str, JSON] | None = None


@dataclass(frozen=True)
class ScaleOffsetCodec(_Record):
    """Stores ``(item - offset) * scale``.

    Parameters
    ----------
    offset, scale : number, optional
        0 and 1 by default.
    """

    name: ClassVar[str] = "scale_offset"
    offset: JSON = None
    scale: JSON = None


@dataclass(frozen=True)
class ShardingCodec(_Record):
    """Stores several chunks under one key.

    Parameters
    ----------
    chunk_shape : sequence of int
        Shape of the chunks within; divides the shape of what this codec encodes.
    codecs : sequence of codecs
        For the chunks.
    index_codecs : sequence of codecs
        For the index.
    index_location : {'end', 'start'}
        Where the index is.
    """

    name: ClassVar[str] = "sharding_indexed"
    chunk_shape: Sequence[int]
    codecs: Sequence[Any] = (BytesCodec(),)
    index_codecs: Sequence[Any] = (BytesCodec("little"), Crc32cCodec())
    index_location: Literal["end", "start"] = "end"


_RECORDS: dict[str, Any] = {
    record.name: record
    for record in (
        BloscCodec, BytesCodec, CastValueCodec, Crc32cCodec, GzipCodec, PackBitsCodec,
        ScaleOffsetCodec, ShardingCodec, TransposeCodec, VLenBytesCodec, VLenUTF8Codec, ZstdCodec,
    )
}  # fmt: skip


def record_of(step: Step) -> Any:
    """Return the record of a codec that is spelled as in version 3."""
    return _RECORDS[step.name].from_dict(step.config)
