"""Codecs of format 3 as classes, with their configuration as parameters.

They describe metadata. The encoding itself is done by other objects, which an array creates from
its metadata, and which also do what the methods of these classes do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import Enum, StrEnum
from functools import cache
from typing import Any, ClassVar, Literal, TypeAlias, get_args

from zarr._codecs.codec_methods import CodecMethods
from zarr._metadata.foreign_dtypes import JSON
from zarr._metadata.records import Step
from zarr.errors import MetadataError, warn_user

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
    "SubchunkWriteOrder",
    "TransposeCodec",
    "VLenBytesCodec",
    "VLenUTF8Codec",
    "ZstdCodec",
    "record_of",
]


class BloscShuffle(StrEnum):
    """Names of the shuffles of Blosc, as in the 3.x library; plain strings are valid, too."""

    noshuffle = "noshuffle"
    shuffle = "shuffle"
    bitshuffle = "bitshuffle"


class BloscCname(StrEnum):
    """Names of the compressors in Blosc, as in the 3.x library; plain strings are valid, too."""

    lz4 = "lz4"
    lz4hc = "lz4hc"
    blosclz = "blosclz"
    zstd = "zstd"
    snappy = "snappy"
    zlib = "zlib"


class Endian(StrEnum):
    """Names of the byte orders, as in the 3.x library; plain strings are valid, too."""

    big = "big"
    little = "little"


class ShardingCodecIndexLocation(StrEnum):
    """Positions of the index of a shard, as in the 3.x library; plain strings are valid, too."""

    start = "start"
    end = "end"


SubchunkWriteOrder: TypeAlias = Literal["morton", "unordered", "lexicographic", "colexicographic"]
"""Orders of the inner chunks in a shard, as in the 3.x library."""


def _plain(value: Any) -> JSON:
    if callable(getattr(value, "to_dict", None)):  # a codec in a shard, perhaps of another package
        return value.to_dict()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.value if isinstance(value, Enum) else value


def _configuration(data: Mapping[str, JSON]) -> Mapping[str, Any]:
    configuration: Any = data.get("configuration")
    return configuration or {}


class _Record(CodecMethods):
    name: ClassVar[str]

    @classmethod
    def _members(cls) -> dict[str, None]:
        """Return the names of what metadata have of the codec, in their order."""
        return {f.name: None for f in fields(cls) if f.compare}  # type: ignore[arg-type]

    def to_dict(self) -> dict[str, JSON]:
        """Return the codec as it is written to the metadata.

        Returns
        -------
        dict
            The name of the codec, and its configuration if it has one.
        """
        given = {name: _plain(getattr(self, name)) for name in self._members()}
        given = {name: value for name, value in given.items() if value is not None}
        return {"name": self.name, "configuration": given} if given else {"name": self.name}

    @classmethod
    def from_dict(cls, data: Mapping[str, JSON]) -> _Record:
        """Return the codec for its description in metadata.

        Parameters
        ----------
        data : mapping
            The name of the codec and its configuration.

        Returns
        -------
        object
            An object of this class.

        Raises
        ------
        MetadataError
            If the configuration has members that the codec does not support.
        """
        given = _configuration(data)
        if unknown := given.keys() - cls._members():
            raise MetadataError(f"codec {cls.name!r} has unknown members: {sorted(unknown)}")
        return cls(**given)


@dataclass(frozen=True)
class BytesCodec(_Record):
    """Stores the elements one after the other.

    Specification: version 3, codec ``bytes``.

    Parameters
    ----------
    endian : {'little', 'big'}, default 'little'
        Byte order. None is that of the dtype of the array.

    Examples
    --------
    >>> import zarr
    >>> zarr.codecs.BytesCodec(endian='big').to_dict()
    {'name': 'bytes', 'configuration': {'endian': 'big'}}
    """

    name: ClassVar[str] = "bytes"
    is_fixed_size: ClassVar[bool] = True
    endian: Literal["little", "big"] | None = "little"

    @classmethod
    def from_dict(cls, data: Mapping[str, JSON]) -> _Record:
        """Return the codec for its description in metadata.

        Parameters
        ----------
        data : mapping
            The name of the codec and its configuration. None is the byte order where there is
            none.

        Returns
        -------
        BytesCodec
            The codec.

        Raises
        ------
        MetadataError
            If the configuration has members that the codec does not support.
        """
        return super().from_dict({"configuration": {"endian": None, **_configuration(data)}})


@dataclass(frozen=True)
class TransposeCodec(_Record):
    """Stores the dimensions in another order.

    Specification: version 3, codec ``transpose``.

    Parameters
    ----------
    order : sequence of int
        A permutation of the dimensions.

    Examples
    --------
    >>> import zarr
    >>> zarr.codecs.TransposeCodec(order=(1, 0)).to_dict()
    {'name': 'transpose', 'configuration': {'order': [1, 0]}}
    """

    name: ClassVar[str] = "transpose"
    is_fixed_size: ClassVar[bool] = True
    order: Sequence[int]

    def __post_init__(self) -> None:
        if not isinstance(self.order, str):  # "C" and "F", before the specification was final
            object.__setattr__(self, "order", tuple(self.order))


@dataclass(frozen=True)
class BloscCodec(_Record):
    """Compresses with Blosc.

    Specification: version 3, codec ``blosc``.

    Parameters
    ----------
    typesize : int, optional
        Size of an element in bytes, for the shuffle. That of the dtype of the array by default.
    cname : {'zstd', 'lz4', 'lz4hc', 'blosclz', 'snappy', 'zlib'}, default 'zstd'
        The compressor.
    clevel : int, default 5
        Compression level from 0 to 9.
    shuffle : {'noshuffle', 'shuffle', 'bitshuffle'}, optional
        The shuffle. By default 'bitshuffle' for elements of one byte, otherwise 'shuffle'.
    blocksize : int, default 0
        Size of a block in bytes; 0 lets Blosc choose.

    Examples
    --------
    >>> import zarr
    >>> codec = zarr.codecs.BloscCodec(cname='lz4', clevel=3)
    >>> z = zarr.create_array(shape=100, dtype='i4', compressors=codec)
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

    Specification: registry of extensions of version 3, codec ``zstd``.

    Parameters
    ----------
    level : int, default 0
        Compression level from -131072 to 22; 0 is the default of Zstandard.
    checksum : bool, default False
        Whether to store a checksum.

    Examples
    --------
    >>> import zarr
    >>> z = zarr.create_array(shape=100, dtype='i4', compressors=zarr.codecs.ZstdCodec(level=9))
    """

    name: ClassVar[str] = "zstd"
    level: int = 0
    checksum: bool = False


@dataclass(frozen=True)
class GzipCodec(_Record):
    """Compresses with gzip.

    Specification: version 3, codec ``gzip``.

    Parameters
    ----------
    level : int, default 5
        Compression level from 0 to 9.

    Examples
    --------
    >>> import zarr
    >>> z = zarr.create_array(shape=100, dtype='i4', compressors=zarr.codecs.GzipCodec(level=9))
    """

    name: ClassVar[str] = "gzip"
    level: int = 5


@dataclass(frozen=True)
class Crc32cCodec(_Record):
    """Appends a CRC-32C checksum, which is verified when the chunk is read.

    Specification: version 3, codec ``crc32c``.

    Examples
    --------
    >>> import zarr
    >>> zarr.codecs.Crc32cCodec().to_dict()
    {'name': 'crc32c'}
    """

    name: ClassVar[str] = "crc32c"
    is_fixed_size: ClassVar[bool] = True


@dataclass(frozen=True)
class VLenUTF8Codec(_Record):
    """Stores strings of variable length.

    Specification: registry of extensions of version 3, codec ``vlen-utf8``.

    Examples
    --------
    >>> import zarr
    >>> zarr.codecs.VLenUTF8Codec().to_dict()
    {'name': 'vlen-utf8'}
    """

    name: ClassVar[str] = "vlen-utf8"


@dataclass(frozen=True)
class VLenBytesCodec(_Record):
    """Stores bytes of variable length.

    Specification: registry of extensions of version 3, codec ``vlen-bytes``.

    Examples
    --------
    >>> import zarr
    >>> zarr.codecs.VLenBytesCodec().to_dict()
    {'name': 'vlen-bytes'}
    """

    name: ClassVar[str] = "vlen-bytes"


@dataclass(frozen=True)
class PackBitsCodec(_Record):
    """Stores only some bits of each element, without gaps.

    Specification: registry of extensions of version 3, codec ``packbits``.

    Parameters
    ----------
    padding_encoding : {'none', 'first_byte', 'last_byte'}, optional
        Where to store the number of bits that pad the last byte. 'none' by default.
    first_bit, last_bit : int, optional
        Range of bits to store, counted from the lowest. All bits by default.

    Examples
    --------
    >>> import zarr
    >>> zarr.codecs.PackBitsCodec(last_bit=3).to_dict()
    {'name': 'packbits', 'configuration': {'last_bit': 3}}
    """

    name: ClassVar[str] = "packbits"
    is_fixed_size: ClassVar[bool] = True
    padding_encoding: Literal["none", "first_byte", "last_byte"] | None = None
    first_bit: int | None = None
    last_bit: int | None = None


@dataclass(frozen=True)
class CastValueCodec(_Record):
    """Stores numbers in another data type.

    Specification: registry of extensions of version 3, codec ``cast_value``.

    Parameters
    ----------
    data_type : str or dict
        Data type of the stored numbers, as in metadata.
    rounding : str, optional
        'nearest-even' by default, or 'nearest-away', 'towards-zero', 'towards-positive',
        'towards-negative'.
    out_of_range : {'clamp', 'wrap'}, optional
        How to convert numbers outside the range of the data type. An error by default.
    scalar_map : dict, optional
        Lists of pairs, by 'encode' and 'decode', of numbers to replace.

    Examples
    --------
    >>> import zarr
    >>> zarr.codecs.CastValueCodec('int16', out_of_range='clamp').to_dict()
    {'name': 'cast_value', 'configuration': {'data_type': 'int16', 'out_of_range': 'clamp'}}
    """

    name: ClassVar[str] = "cast_value"
    is_fixed_size: ClassVar[bool] = True
    data_type: JSON
    rounding: str | None = None
    out_of_range: Literal["clamp", "wrap"] | None = None
    scalar_map: Mapping[str, JSON] | None = None


@dataclass(frozen=True)
class ScaleOffsetCodec(_Record):
    """Stores ``(element - offset) * scale``.

    Specification: registry of extensions of version 3, codec ``scale_offset``.

    Parameters
    ----------
    offset, scale : number, optional
        0 and 1 by default.

    Examples
    --------
    >>> import zarr
    >>> zarr.codecs.ScaleOffsetCodec(offset=273, scale=10).to_dict()
    {'name': 'scale_offset', 'configuration': {'offset': 273, 'scale': 10}}
    """

    name: ClassVar[str] = "scale_offset"
    is_fixed_size: ClassVar[bool] = True
    offset: JSON = None
    scale: JSON = None


@dataclass(frozen=True)
class ShardingCodec(_Record):
    """Stores several chunks under one key.

    Specification: version 3, codec ``sharding_indexed``. The parameter `shards` of
    :func:`zarr.create_array` is the usual way to create such an array.

    Parameters
    ----------
    chunk_shape : sequence of int
        Shape of the inner chunks, a divisor of the shape of a shard in each dimension.
    codecs : sequence of codecs, optional
        Codecs for the inner chunks. Uncompressed by default.
    index_codecs : sequence of codecs, optional
        Codecs for the index. Little-endian integers and a checksum by default.
    index_location : {'end', 'start'}, default 'end'
        Position of the index in the shard.
    subchunk_write_order : str, default 'lexicographic'
        Order of the inner chunks in the shard: 'lexicographic', 'unordered', 'morton' or
        'colexicographic'. It is not stored in metadata. Shards are written in lexicographic order
        here; any order can be read.

    Warns
    -----
    ZarrUserWarning
        If `subchunk_write_order` is 'morton' or 'colexicographic'.

    Examples
    --------
    >>> import zarr
    >>> codec = zarr.codecs.ShardingCodec(chunk_shape=(10,), codecs=[zarr.codecs.BytesCodec()])
    >>> z = zarr.create_array(shape=1000, chunks=100, dtype='i4', serializer=codec)
    >>> z.shards, z.chunks
    ((100,), (10,))
    """

    name: ClassVar[str] = "sharding_indexed"
    chunk_shape: Sequence[int]
    codecs: Sequence[Any] = (BytesCodec(None),)
    index_codecs: Sequence[Any] = (BytesCodec("little"), Crc32cCodec())
    index_location: Literal["end", "start"] = "end"
    subchunk_write_order: SubchunkWriteOrder = field(default="lexicographic", compare=False)

    def __post_init__(self) -> None:
        order = self.subchunk_write_order
        if order not in get_args(SubchunkWriteOrder):
            raise ValueError(
                f"subchunk_write_order must be one of {get_args(SubchunkWriteOrder)}, not {order!r}"
            )
        if order not in ("lexicographic", "unordered"):
            warn_user(
                f"subchunk_write_order={order!r} is not used: the inner chunks of a shard are "
                "written in lexicographic order"
            )
        object.__setattr__(self, "chunk_shape", tuple(self.chunk_shape))
        for name in ("codecs", "index_codecs"):
            listed = tuple(map(_record, getattr(self, name)))
            object.__setattr__(self, name, listed)


def _record(codec: Any) -> Any:
    """Return the record of a codec that may be given as metadata have it, if it is known."""
    config = {"name": codec} if isinstance(codec, str) else codec
    records = record_classes()
    known = isinstance(config, Mapping) and config.get("name") in records
    return records[config["name"]].from_dict(config) if known else codec


_RECORDS: dict[str, Any] = {
    record.name: record
    for record in (
        BloscCodec, BytesCodec, CastValueCodec, Crc32cCodec, GzipCodec, PackBitsCodec,
        ScaleOffsetCodec, ShardingCodec, TransposeCodec, VLenBytesCodec, VLenUTF8Codec, ZstdCodec,
    )
}  # fmt: skip


def record_of(step: Step) -> Any:
    """Return the record of a codec that is spelled as in version 3."""
    records = _RECORDS if step.name in _RECORDS else record_classes()
    return records[step.name].from_dict(step.config)


@cache
def record_classes() -> dict[str, Any]:
    """Return the classes of codecs by the names that they have in format 3.

    The dict may be added to: classes of other packages make records of their codecs.
    """
    from zarr._codecs import numcodecs_classes

    classes = (vars(numcodecs_classes)[name] for name in numcodecs_classes.__all__)
    _RECORDS.update({kind.codec_name: kind for kind in classes if hasattr(kind, "codec_name")})
    return _RECORDS
