"""Metadata of arrays in format 2, as value classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

from zarr._codecs.codec_names import OBJECT_CODECS, codec_from, step_from
from zarr._metadata.records import ArrayMeta, Role
from zarr.abc.metadata import Metadata
from zarr.core.chunk_grids import ChunkGrid
from zarr.core.chunk_key_encodings import V2ChunkKeyEncoding, parse_separator
from zarr.core.common import ZARRAY_JSON, ZATTRS_JSON, parse_order, parse_shapelike
from zarr.core.dtype import parse_dtype
from zarr.core.dtype.wrapper import ZDType
from zarr.core.metadata.documents import as_buffers, plain, record_from
from zarr.errors import MetadataValidationError

__all__ = ["ArrayV2Metadata", "parse_compressor", "parse_filters"]


def _codec(role: Role, codec: Any) -> Any:
    """Return a codec, which may be given as metadata have it, as an object of numcodecs."""
    return codec_from(step_from(role, codec)) if isinstance(codec, Mapping) else codec


def parse_compressor(data: Any) -> Any:
    """Return a compressor as an object, None without one."""
    return None if data is None else _codec("compressor", data)


def parse_filters(data: Iterable[Any] | None) -> tuple[Any, ...] | None:
    """Return filters as objects, None without any."""
    return tuple(_codec("filter", codec) for codec in data or ()) or None


def _config(codec: Any) -> dict[str, Any]:
    config = dict(step_from("filter", codec).config)
    if "id" not in config:
        raise MetadataValidationError(f"format 2 has no codec {config!r:.200}")
    return config


@dataclass(frozen=True, kw_only=True, eq=False)
class ArrayV2Metadata(Metadata):
    """Metadata of an array in format 2.

    Parameters
    ----------
    shape : tuple of int
        Length of each dimension.
    chunks : tuple of int
        Shape of a chunk.
    dtype : ZDType
        Data type of the elements.
    fill_value : scalar
        Value of elements that were never written; None if undefined.
    order : {'C', 'F'}
        Memory layout of the elements within a chunk.
    filters : iterable of codecs, optional
        Codecs of numcodecs, or their configurations.
    dimension_separator : {'.', '/'}, default '.'
        Separator between the chunk indices in a chunk key.
    compressor : codec, optional
        A codec of numcodecs, or its configuration.
    attributes : dict, optional
        User attributes.

    Raises
    ------
    MetadataValidationError
        If the metadata are invalid.
    """

    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: ZDType[Any, Any]
    fill_value: Any = 0
    order: Literal["C", "F"] = "C"
    filters: tuple[Any, ...] | None = None
    dimension_separator: Literal[".", "/"] = "."
    compressor: Any = None
    attributes: dict[str, Any] = field(default_factory=dict)
    zarr_format: Literal[2] = field(init=False, default=2)

    def __init__(
        self,
        *,
        shape: Any,
        dtype: Any,
        chunks: Any,
        fill_value: Any,
        order: Literal["C", "F"],
        dimension_separator: Literal[".", "/"] = ".",
        compressor: Any = None,
        filters: Iterable[Any] | None = None,
        attributes: dict[str, Any] | None = None,
    ) -> None:
        kind = parse_dtype(dtype, zarr_format=2)
        members = {
            "shape": parse_shapelike(shape),
            "chunks": parse_shapelike(chunks),
            "dtype": kind,
            "fill_value": None if fill_value is None else kind.cast_scalar(fill_value),
            "order": parse_order(order),
            "filters": parse_filters(filters),
            "dimension_separator": parse_separator(dimension_separator),
            "compressor": parse_compressor(compressor),
            "attributes": dict(attributes or {}),
        }
        for name, value in members.items():
            object.__setattr__(self, name, value)
        self.to_record()  # which checks them

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
        """Return the members of the metadata, the attributes among them.

        Returns
        -------
        dict
            The members as JSON has them.
        """
        fill = self.fill_value
        return {
            "shape": self.shape,
            "chunks": self.chunks,
            "dtype": self.dtype.to_json(2)["name"],
            "fill_value": None if fill is None else self.dtype.to_json_scalar(fill, zarr_format=2),
            "order": self.order,
            "filters": None if self.filters is None else [_config(f) for f in self.filters],
            "dimension_separator": self.dimension_separator,
            "compressor": None if self.compressor is None else _config(self.compressor),
            "attributes": self.attributes,
            "zarr_format": self.zarr_format,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, path: str | None = None) -> Self:
        """Return the metadata whose members are given.

        Parameters
        ----------
        data : dict
            The members as JSON has them. Those that format 2 does not have are ignored.
        path : str, optional
            Path of the array, for messages.

        Returns
        -------
        ArrayV2Metadata
            The metadata.

        Raises
        ------
        MetadataValidationError
            If they are invalid.
        """
        given = {n: v for n, v in data.items() if n in cls.__dataclass_fields__}
        where = f" at {path!r}" if path else ""
        if given.pop("zarr_format", 2) != 2:
            raise MetadataValidationError(
                f"zarr_format must be 2, not {data['zarr_format']!r:.50}{where}"
            )
        if names := [n for n in ("shape", "chunks", "dtype") if n not in given]:
            raise MetadataValidationError(
                f"required members are missing: {', '.join(names)}{where}"
            )
        given["dtype"] = _data_type(given["dtype"], given.get("filters"))
        fill = given.get("fill_value")
        given["fill_value"] = None if fill is None else _fill_of(given["dtype"], fill)
        given["dimension_separator"] = given.get("dimension_separator") or "."
        return cls(**{"order": "C", **given})

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
        members = self.to_dict()
        attributes = members.pop("attributes")
        return as_buffers({ZARRAY_JSON: members, ZATTRS_JSON: attributes}, prototype)

    # -- what follows from them --------------------------------------------------------

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    @property
    def shards(self) -> None:
        """None: format 2 has no shards."""
        return

    @property
    def chunk_grid(self) -> ChunkGrid:
        """How the array is cut into chunks."""
        return ChunkGrid.from_sizes(self.shape, self.chunks)

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
        return V2ChunkKeyEncoding(self.dimension_separator).encode_chunk_key(chunk_coords)

    def update_shape(self, shape: tuple[int, ...]) -> Self:
        """Return the same with another shape.

        Parameters
        ----------
        shape : tuple of int
            The shape.

        Returns
        -------
        ArrayV2Metadata
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
        ArrayV2Metadata
            The metadata.
        """
        return replace(self, attributes=attributes)


def _data_type(dtype: Any, filters: Any) -> ZDType[Any, Any]:
    """Return the data type; that of objects depends on the codec among the filters."""
    if isinstance(dtype, ZDType):
        return dtype
    ids = (plain(f).get("id") if isinstance(f, Mapping) else f.codec_id for f in filters or ())
    codec_id = next((name for name in ids if name in OBJECT_CODECS), None)
    given = {"name": plain(dtype), "object_codec_id": codec_id}
    parsed: ZDType[Any, Any] = parse_dtype(given, zarr_format=2)
    return parsed


def _fill_of(dtype: ZDType[Any, Any], value: Any) -> Any:
    try:
        return dtype.from_json_scalar(plain(value), zarr_format=2)
    except TypeError as error:
        raise MetadataValidationError(str(error)) from error
