"""Metadata of arrays in format 3, as value classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self, TypeAlias

from zarr._codecs import v3_codecs
from zarr._codecs.codec_classes import ShardingCodec
from zarr._metadata.records import ArrayMeta
from zarr._selection.grid import Edges
from zarr.abc.metadata import Metadata
from zarr.core.chunk_key_encodings import ChunkKeyEncoding, parse_chunk_key_encoding
from zarr.core.common import (
    ZARR_JSON,
    parse_dimension_names,
    parse_named_configuration,
    parse_shapelike,
)
from zarr.core.dtype import data_type_registry, parse_dtype
from zarr.core.dtype.wrapper import ZDType
from zarr.core.metadata.documents import as_buffers, plain, record_from
from zarr.errors import MetadataValidationError, NodeTypeValidationError
from zarr.registry import get_codec_class

__all__ = [
    "ArrayMetadataJSON_V3", "ArrayV3Metadata", "ChunkGridMetadata", "RectilinearChunkGridMetadata",
    "RegularChunkGrid", "RegularChunkGridMetadata", "parse_codecs", "parse_dimension_names",
    "parse_shapelike",
]  # fmt: skip

ArrayMetadataJSON_V3: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class RegularChunkGridMetadata(Metadata):
    """Chunks of one shape.

    Parameters
    ----------
    chunk_shape : tuple of int
        Shape of a chunk.
    """

    chunk_shape: tuple[int, ...]

    def __post_init__(self) -> None:
        shape = parse_shapelike(self.chunk_shape)
        if any(length < 1 for length in shape):
            raise ValueError(f"chunk_shape must have lengths of at least 1, not {shape}")
        object.__setattr__(self, "chunk_shape", shape)

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.chunk_shape)

    @property
    def lengths(self) -> tuple[Any, ...]:
        """Length of the chunks along each dimension."""
        return self.chunk_shape

    def to_dict(self) -> dict[str, Any]:
        """Return the entry of the metadata.

        Returns
        -------
        dict
            Name and configuration.
        """
        return {"name": "regular", "configuration": {"chunk_shape": self.chunk_shape}}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Return the grid that metadata describe.

        Parameters
        ----------
        data : dict
            Name and configuration.

        Returns
        -------
        RegularChunkGridMetadata
            The grid.
        """
        _, configuration = parse_named_configuration(data, "regular")
        return cls(chunk_shape=tuple(configuration["chunk_shape"]))


RegularChunkGrid = RegularChunkGridMetadata


@dataclass(frozen=True, kw_only=True)
class RectilinearChunkGridMetadata(Metadata):
    """Chunks of different lengths.

    Parameters
    ----------
    chunk_shapes : tuple of int or of tuples of int
        Along each dimension the length of all chunks, or the lengths of each.
    """

    chunk_shapes: tuple[int | tuple[int, ...], ...]

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.chunk_shapes)

    @property
    def lengths(self) -> tuple[Any, ...]:
        """Lengths of the chunks along each dimension."""
        return self.chunk_shapes

    def to_dict(self) -> dict[str, Any]:
        """Return the entry of the metadata.

        Returns
        -------
        dict
            Name and configuration.
        """
        shapes = [
            n if isinstance(n, int) else [list(run) for run in Edges((m, 1) for m in n).runs]
            for n in self.chunk_shapes
        ]
        return {"name": "rectilinear", "configuration": {"kind": "inline", "chunk_shapes": shapes}}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Return the grid that metadata describe.

        Parameters
        ----------
        data : dict
            Name and configuration.

        Returns
        -------
        RectilinearChunkGridMetadata
            The grid.
        """
        _, configuration = parse_named_configuration(data, "rectilinear")
        return cls(chunk_shapes=tuple(map(_lengths, configuration["chunk_shapes"])))


def _lengths(given: Any) -> int | tuple[int, ...]:
    if isinstance(given, int):
        return given
    runs = [(n, 1) if isinstance(n, int) else tuple(n) for n in given]
    return tuple(Edges(runs))


ChunkGridMetadata: TypeAlias = RegularChunkGridMetadata | RectilinearChunkGridMetadata


def parse_chunk_grid(data: Any) -> ChunkGridMetadata:
    """Return the grid that a user or metadata mean.

    Raises
    ------
    MetadataValidationError
        If it is not known.
    """
    if isinstance(data, (RegularChunkGridMetadata, RectilinearChunkGridMetadata)):
        return data
    name, _ = parse_named_configuration(data)
    kinds: dict[str, Any] = {
        "regular": RegularChunkGridMetadata,
        "rectilinear": RectilinearChunkGridMetadata,
    }
    if name not in kinds:
        raise MetadataValidationError(f"chunk_grid {name!r:.100} is not known")
    grid: ChunkGridMetadata = kinds[name].from_dict(data)
    return grid


def parse_codecs(data: Iterable[Any]) -> tuple[Any, ...]:
    """Return codecs, which may be given as metadata have them, as objects.

    Raises
    ------
    UnknownCodecError
        If one is not known.
    """
    return tuple(map(_codec, data))


def _codec(data: Any) -> Any:
    if not isinstance(data, (str, Mapping)):
        return data
    given = {"name": data} if isinstance(data, str) else dict(data)
    name, _ = parse_named_configuration(given, require_configuration=False)
    return get_codec_class(name).from_dict({**given, "name": v3_codecs.canonical(name)})


@dataclass(frozen=True, kw_only=True, eq=False)
class ArrayV3Metadata(Metadata):
    """Metadata of an array in format 3.

    Parameters
    ----------
    shape : tuple of int
        Length of each dimension.
    data_type : ZDType
        Data type of the elements.
    chunk_grid : dict or ChunkGridMetadata
        How the array is cut into chunks: into shards, if there are.
    chunk_key_encoding : dict or ChunkKeyEncoding
        How the indices of a chunk become a key.
    fill_value : scalar
        Value of elements that were never written.
    codecs : iterable of codecs
        Codecs, or what metadata have for them.
    attributes : dict, optional
        User attributes.
    dimension_names : iterable of str or None, optional
        Names of the dimensions.
    storage_transformers : iterable of dict, optional
        Storage transformers, of which none is known.
    extra_fields : dict, optional
        Other members of the metadata, which readers may skip.

    Raises
    ------
    MetadataValidationError
        If the metadata are invalid.
    """

    shape: tuple[int, ...]
    data_type: ZDType[Any, Any]
    chunk_grid: ChunkGridMetadata
    chunk_key_encoding: ChunkKeyEncoding
    fill_value: Any
    codecs: tuple[Any, ...]
    attributes: dict[str, Any] = field(default_factory=dict)
    dimension_names: tuple[str | None, ...] | None = None
    zarr_format: Literal[3] = field(default=3, init=False)
    node_type: Literal["array"] = field(default="array", init=False)
    storage_transformers: tuple[dict[str, Any], ...] = ()
    extra_fields: dict[str, Any] = field(default_factory=dict)

    def __init__(
        self,
        *,
        shape: Any,
        data_type: Any,
        chunk_grid: Any,
        chunk_key_encoding: Any,
        fill_value: Any,
        codecs: Iterable[Any],
        attributes: dict[str, Any] | None = None,
        dimension_names: Iterable[str | None] | None = None,
        storage_transformers: Iterable[dict[str, Any]] | None = None,
        extra_fields: Mapping[str, Any] | None = None,
    ) -> None:
        kind = parse_dtype(data_type, zarr_format=3)
        self._take(
            shape=parse_shapelike(shape),
            data_type=kind,
            chunk_grid=parse_chunk_grid(chunk_grid),
            chunk_key_encoding=parse_chunk_key_encoding(chunk_key_encoding),
            fill_value=None if fill_value is None else kind.cast_scalar(fill_value),
            codecs=parse_codecs(codecs),
            attributes=dict(attributes or {}),
            dimension_names=parse_dimension_names(dimension_names),
            storage_transformers=tuple(storage_transformers or ()),
            extra_fields=dict(extra_fields or {}),
        )
        self.to_record()  # which checks them

    def _take(self, **members: Any) -> None:
        for name, value in members.items():
            object.__setattr__(self, name, value)

    def to_record(self) -> ArrayMeta:
        """Return the same for the engine.

        Returns
        -------
        ArrayMeta
            The record.

        Raises
        ------
        MetadataError
            If the metadata are invalid.
        """
        return record_from(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Return the members of the metadata.

        Returns
        -------
        dict
            The members as JSON has them.
        """
        fill = self.fill_value
        members = {
            **self.extra_fields,
            "shape": self.shape,
            "data_type": self.data_type.to_json(3),
            "chunk_grid": self.chunk_grid.to_dict(),
            "chunk_key_encoding": self.chunk_key_encoding.to_dict(),
            "fill_value": None
            if fill is None
            else self.data_type.to_json_scalar(fill, zarr_format=3),
            "codecs": tuple(codec.to_dict() for codec in self.codecs),
            "attributes": self.attributes,
            "dimension_names": self.dimension_names,
            "zarr_format": self.zarr_format,
            "node_type": self.node_type,
            "storage_transformers": self.storage_transformers,
        }
        if self.dimension_names is None:
            del members["dimension_names"]
        return members

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, path: str | None = None) -> Self:
        """Return the metadata whose members are given.

        Parameters
        ----------
        data : dict
            The members as JSON has them.
        path : str, optional
            Path of the array, for messages.

        Returns
        -------
        ArrayV3Metadata
            The metadata.

        Raises
        ------
        MetadataValidationError
            If they are invalid.
        """
        given = dict(data)
        where = f" at {path!r}" if path else ""
        if given.pop("zarr_format", 3) != 3:
            raise MetadataValidationError(
                f"zarr_format must be 3, not {data['zarr_format']!r:.50}{where}"
            )
        if given.pop("node_type", "array") != "array":
            raise NodeTypeValidationError(
                f"node_type must be 'array', not {data['node_type']!r:.50}{where}"
            )
        names = [n for n in _REQUIRED if n not in given]
        if names:
            raise MetadataValidationError(
                f"required members are missing: {', '.join(names)}{where}"
            )
        data_type = given.pop("data_type")
        if not isinstance(data_type, ZDType):
            data_type = data_type_registry.match_json(data_type, zarr_format=3)
        fill = given.pop("fill_value")
        if fill is not None:
            fill = _fill_of(data_type, fill)
        own = {name: given.pop(name) for name in [*given] if name in cls.__dataclass_fields__}
        return cls(data_type=data_type, fill_value=fill, **{**own, "extra_fields": given})

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and plain(self.to_dict()) == plain(other.to_dict())

    __hash__ = None  # type: ignore[assignment]

    def to_buffer_dict(self, prototype: Any) -> dict[str, Any]:
        """Return the documents by key, below the path of the array.

        Parameters
        ----------
        prototype : BufferPrototype
            The classes of buffers.

        Returns
        -------
        dict
            The text of each document, as a buffer.
        """
        return as_buffers({ZARR_JSON: self.to_dict()}, prototype)

    # -- what follows from them --------------------------------------------------------

    @property
    def dtype(self) -> ZDType[Any, Any]:
        """Data type of the elements."""
        return self.data_type

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    @property
    def sharding_codec(self) -> ShardingCodec | None:
        """The codec that puts chunks together in shards; None without shards."""
        last = self.codecs[-1] if len(self.codecs) == 1 else None
        return last if isinstance(last, ShardingCodec) else None

    @property
    def inner_codecs(self) -> tuple[Any, ...]:
        """The codecs of chunks, within shards if there are."""
        sharding = self.sharding_codec
        return self.codecs if sharding is None else tuple(sharding.codecs)

    @property
    def chunks(self) -> tuple[Any, ...]:
        """Shape of a chunk, within a shard if there are."""
        sharding = self.sharding_codec
        return self.chunk_grid.lengths if sharding is None else tuple(sharding.chunk_shape)

    @property
    def shards(self) -> tuple[Any, ...] | None:
        """Shape of a shard; None without shards."""
        return None if self.sharding_codec is None else self.chunk_grid.lengths

    def encode_chunk_key(self, chunk_coords: tuple[int, ...]) -> str:
        """Return the key of a chunk, below the path of the array.

        Parameters
        ----------
        chunk_coords : tuple of int
            Indices of the chunk.

        Returns
        -------
        str
            The key.
        """
        return self.chunk_key_encoding.encode_chunk_key(chunk_coords)

    def update_shape(self, shape: tuple[int, ...]) -> Self:
        """Return the same with another shape.

        Parameters
        ----------
        shape : tuple of int
            The shape.

        Returns
        -------
        ArrayV3Metadata
            The metadata.
        """
        return replace(self, shape=shape)

    def update_attributes(self, attributes: dict[str, Any]) -> Self:
        """Return the same with other attributes.

        Parameters
        ----------
        attributes : dict
            The attributes.

        Returns
        -------
        ArrayV3Metadata
            The metadata.
        """
        return replace(self, attributes=attributes)


_REQUIRED = (
    "shape", "data_type", "chunk_grid", "chunk_key_encoding", "fill_value", "codecs",
)  # fmt: skip


def _fill_of(data_type: ZDType[Any, Any], value: Any) -> Any:
    try:
        return data_type.from_json_scalar(plain(value), zarr_format=3)
    except TypeError as error:
        raise MetadataValidationError(str(error)) from error
