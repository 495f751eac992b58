"""What all data types of the 3.x library have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, Self, TypeAlias, TypeVar

import numpy as np

from zarr._codecs.objects import OneItem
from zarr._metadata import dtypes, v2_data_types, v3_data_types
from zarr._metadata.foreign_dtypes import JSON
from zarr.core.dtype.registry import parse_json
from zarr.errors import DataTypeValidationError, MetadataError

__all__ = [
    "EndiannessStr",
    "HasEndianness",
    "HasItemSize",
    "HasLength",
    "HasObjectCodec",
    "TBaseDType",
    "TBaseScalar",
    "TDType_co",
    "TScalar_co",
    "ZDType",
]

TBaseDType: TypeAlias = np.dtype[Any]
TBaseScalar: TypeAlias = "np.generic | str | bytes"
TDType_co = TypeVar("TDType_co", bound=TBaseDType, covariant=True)
TScalar_co = TypeVar("TScalar_co", covariant=True)
EndiannessStr: TypeAlias = Literal["little", "big"]


@dataclass(frozen=True, kw_only=True)
class ZDType(ABC, Generic[TDType_co, TScalar_co]):
    """A data type as a value: NumPy's dtype, and how metadata spell it and its scalars.

    Code for the 3.x library makes and compares such values, and passes them as `dtype`. The
    spelling itself is done by the functions that read and write metadata.
    """

    dtype_cls: ClassVar[Any]  # the class of NumPy's dtype
    _zarr_v3_name: ClassVar[str]

    @classmethod
    @abstractmethod
    def from_native_dtype(cls, dtype: np.dtype[Any]) -> Self:
        """Return the data type for a NumPy dtype.

        Parameters
        ----------
        dtype : numpy.dtype
            A dtype of the kind of this class.

        Returns
        -------
        ZDType
            An object of this class.

        Raises
        ------
        DataTypeValidationError
            If `dtype` is of another kind.
        """

    @abstractmethod
    def to_native_dtype(self) -> Any:
        """Return the NumPy dtype.

        Returns
        -------
        numpy.dtype
            The dtype of the elements.
        """

    @classmethod
    def _check_native(cls, dtype: np.dtype[Any]) -> None:
        if not isinstance(dtype, cls.dtype_cls):
            raise DataTypeValidationError(
                f"Invalid data type: {dtype}. Expected an instance of {cls.dtype_cls}."
            )

    @classmethod
    def from_json(cls, data: Any, *, zarr_format: int) -> Self:
        """Return the data type that metadata spell as `data`.

        Parameters
        ----------
        data : str, list or dict
            The entry of the metadata.
        zarr_format : {2, 3}
            Version of the format of the metadata.

        Returns
        -------
        ZDType
            An object of this class.

        Raises
        ------
        DataTypeValidationError
            If `data` is not the spelling of a data type of this class.
        """
        found = parse_json(data, zarr_format=zarr_format)
        if not isinstance(found, cls):
            raise DataTypeValidationError(
                f"Invalid JSON representation of {cls.__name__}. Got {data!r:.200}."
            )
        return found

    def to_json(self, zarr_format: int) -> Any:
        """Return how metadata spell this data type.

        Parameters
        ----------
        zarr_format : {2, 3}
            Version of the format of the metadata.

        Returns
        -------
        str or dict
            In format 2, a dict with the name and the identifier of the codec for objects.
        """
        by_format = {2: self._spelled_in_2, 3: self._spelled_in_3}
        if zarr_format not in by_format:
            raise ValueError(f"zarr_format must be 2 or 3, not {zarr_format!r}")
        return by_format[zarr_format]()

    def _spelled_in_2(self) -> Any:
        name = v2_data_types.encode_data_type(self._stored_dtype)
        return {"name": name, "object_codec_id": self._object_codec_id}

    def _spelled_in_3(self) -> Any:
        return v3_data_types.encode_data_type(self._stored_dtype, self._items)

    _object_codec_id: ClassVar[str | None] = None
    _items: ClassVar[v3_data_types.Items | None] = None

    @property
    def _stored_dtype(self) -> np.dtype[Any]:
        """The dtype of arrays here, in which text and bytes of any length are objects."""
        return np.dtype(object) if self._items else self.to_native_dtype()

    def default_scalar(self) -> Any:
        """Return the fill value of arrays for which none is given.

        Returns
        -------
        scalar
            Zero of the data type, ``NaT`` for times.
        """
        return v3_data_types.default_fill(self._stored_dtype, self._items)

    def cast_scalar(self, data: object) -> Any:
        """Return `data` as a scalar of this data type.

        Parameters
        ----------
        data : object
            The value.

        Returns
        -------
        scalar
            The scalar.

        Raises
        ------
        ValueError, TypeError
            If `data` cannot be converted.
        """
        if self._items == "string":
            return str(data)
        if self._items == "bytes":
            return data.encode() if isinstance(data, str) else bytes(data)  # type: ignore[call-overload]
        return dtypes.normalize_fill_value(data, self._stored_dtype)

    def to_json_scalar(self, data: object, *, zarr_format: int) -> Any:
        """Return how metadata spell a scalar of this data type.

        Parameters
        ----------
        data : object
            The scalar.
        zarr_format : {2, 3}
            Version of the format of the metadata.

        Returns
        -------
        object
            A value that JSON can express.
        """
        if {2: True, 3: False}[zarr_format]:
            return v2_data_types.encode_fill(self.cast_scalar(data), self._stored_dtype, self._one)
        return v3_data_types.encode_fill(self.cast_scalar(data), self._spelled_in_3())

    def from_json_scalar(self, data: JSON, *, zarr_format: int) -> Any:
        """Return the scalar that metadata spell as `data`.

        Parameters
        ----------
        data : object
            The entry of the metadata.
        zarr_format : {2, 3}
            Version of the format of the metadata.

        Returns
        -------
        scalar
            A scalar of this data type.

        Raises
        ------
        TypeError
            If `data` is not the spelling of such a scalar.
        """
        try:
            if {2: True, 3: False}[zarr_format]:
                return v2_data_types.decode_fill(data, self._stored_dtype, self._one)
            return v3_data_types.decode_fill(data, self._spelled_in_3())
        except MetadataError as error:
            raise TypeError(str(error)) from error

    @property
    def _one(self) -> Any:
        """The codec that format 2 has for one object; None for other data types."""
        if self._object_codec_id is None:
            return None
        import numcodecs

        return OneItem(numcodecs.get_codec({"id": self._object_codec_id}))


@dataclass(frozen=True, kw_only=True)
class HasEndianness:
    """A data type whose elements have a byte order in memory.

    Parameters
    ----------
    endianness : {'little', 'big'}, default 'little'
        The byte order.
    """

    endianness: EndiannessStr = "little"

    def __post_init__(self) -> None:
        if self.endianness not in ("little", "big"):
            raise ValueError(f"endianness must be 'little' or 'big', not {self.endianness!r}")


@dataclass(frozen=True, kw_only=True)
class HasLength:
    """A data type whose elements have a length.

    Parameters
    ----------
    length : int
        The length, in characters or bytes.
    """

    length: int

    def __post_init__(self) -> None:
        if self.length < 1:
            raise ValueError(f"length must be >= 1, got {self.length}.")


class HasItemSize:
    """A data type whose elements have a fixed size."""

    @property
    def item_size(self) -> int:
        """Size of an element in bytes."""
        size: int = self.to_native_dtype().itemsize  # type: ignore[attr-defined]
        return size


class HasObjectCodec:
    """A data type whose elements are objects, which format 2 encodes with a filter."""

    object_codec_id: ClassVar[str]
