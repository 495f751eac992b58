"""Data types by NumPy's dtypes and by their spelling in metadata."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from zarr._metadata import dtypes, v2_data_types, v3_data_types
from zarr._metadata.foreign_dtypes import is_foreign
from zarr.errors import DataTypeValidationError, MetadataError

__all__ = ["DataTypeRegistry", "data_type_registry", "parse_data_type", "parse_dtype", "parse_json"]

ZDTypeLike: TypeAlias = Any
"""A data type, or what NumPy or metadata call one."""


@dataclass
class DataTypeRegistry:
    """The data types that are known, by their names in format 3.

    Parameters
    ----------
    contents : dict, optional
        Classes of data types by name.
    fallback : type, optional
        The class for NumPy dtypes for which there is no other.
    """

    contents: dict[str, type[Any]] = field(default_factory=dict)
    fallback: Any = None

    def register(self, key: str, cls: type[Any]) -> None:
        """Add a class of data types.

        Parameters
        ----------
        key : str
            Its name in format 3.
        cls : type
            The class.
        """
        self.contents[key] = cls

    def unregister(self, key: str) -> None:
        """Remove a class of data types.

        Parameters
        ----------
        key : str
            Its name in format 3.

        Raises
        ------
        KeyError
            If there is none.
        """
        del self.contents[key]

    def get(self, key: str) -> type[Any]:
        """Return the class of data types of a name.

        Parameters
        ----------
        key : str
            Its name in format 3.

        Returns
        -------
        type
            The class.

        Raises
        ------
        KeyError
            If there is none.
        """
        return self.contents[key]

    def match_dtype(self, dtype: np.dtype[Any]) -> Any:
        """Return the data type for a NumPy dtype.

        Parameters
        ----------
        dtype : numpy.dtype
            The dtype. Objects have none: they may be text, bytes or anything else.

        Returns
        -------
        ZDType
            The data type.

        Raises
        ------
        ValueError
            If there is none, or more than one.
        """
        dtype = np.dtype(dtype)
        if dtype.kind == "O":
            raise DataTypeValidationError(
                "objects can be text, bytes or anything else; give a data type such as "
                "zarr.dtype.VariableLengthUTF8()"
            )
        if is_foreign(dtype):
            return self.fallback(native=dtype)
        for cls in self.contents.values():
            try:
                return cls.from_native_dtype(dtype)
            except DataTypeValidationError:
                continue
        raise DataTypeValidationError(f"No Zarr data type found that matches dtype '{dtype!r}'")

    def match_json(self, data: Any, *, zarr_format: int) -> Any:
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
            The data type.

        Raises
        ------
        ValueError
            If there is none.
        """
        return parse_json(data, zarr_format=zarr_format)


data_type_registry = DataTypeRegistry()
"""The data types of :mod:`zarr.core.dtype.types`, and those that clients register."""


_OF_OBJECTS = {"vlen-utf8": "string", "vlen-bytes": "variable_length_bytes"}


def of_objects(codec_id: str | None) -> Any:
    """Return the data type of an array of objects that a codec encodes."""
    name = _OF_OBJECTS.get(codec_id or "")
    if name is None:
        return data_type_registry.fallback(native=np.dtype(object))
    return data_type_registry.get(name)()


def parse_json(data: Any, *, zarr_format: int) -> Any:
    """Return the data type that metadata spell as `data`.

    Parameters
    ----------
    data : str, list or dict
        The entry of the metadata; in format 2 also a dict with the name and the codec for objects.
    zarr_format : {2, 3}
        Version of the format of the metadata.

    Raises
    ------
    DataTypeValidationError
        If there is no such data type.
    """
    try:
        return _from_2(data) if {2: True, 3: False}[zarr_format] else _from_3(data)
    except MetadataError as error:
        raise DataTypeValidationError(str(error)) from error


def _from_2(data: Any) -> Any:
    codec_id = None
    if isinstance(data, Mapping):
        codec_id, data = data.get("object_codec_id"), data.get("name")
    dtype = v2_data_types.decode_data_type(_lists(data))
    return of_objects(codec_id) if dtype.kind == "O" else data_type_registry.match_dtype(dtype)


def _from_3(data: Any) -> Any:
    items = v3_data_types.items_of(data)
    if items is not None:
        return of_objects({"string": "vlen-utf8", "bytes": "vlen-bytes"}[items])
    dtype = v3_data_types.decode_data_type(_lists(data))
    if (
        isinstance(data, Mapping) and data["name"] == "structured"
    ):  # which NumPy's dtype leaves open
        return data_type_registry.get("structured").from_native_dtype(dtype)
    return data_type_registry.match_dtype(v3_data_types.byte_ordered(dtype, "little"))


def _lists(data: Any) -> Any:
    """Return JSON with lists in the place of tuples."""
    if isinstance(data, Mapping):
        return {name: _lists(value) for name, value in data.items()}
    return [_lists(value) for value in data] if isinstance(data, (list, tuple)) else data


def parse_dtype(dtype_spec: ZDTypeLike, *, zarr_format: int) -> Any:
    """Return the data type that a user, or metadata, mean.

    Parameters
    ----------
    dtype_spec : ZDType, numpy.dtype, type, str, list or dict
        A data type, what `numpy.dtype` accepts, or a spelling of metadata.
    zarr_format : {2, 3}
        Version of the format in which metadata are spelled.

    Returns
    -------
    ZDType
        The data type.

    Raises
    ------
    ValueError, TypeError
        If there is no such data type.
    """
    if callable(getattr(dtype_spec, "to_native_dtype", None)) and not isinstance(dtype_spec, type):
        return dtype_spec
    if isinstance(dtype_spec, Mapping):
        return parse_json(dict(dtype_spec), zarr_format=zarr_format)
    # NumPy takes the name for strings of no length.
    dtype, codec = dtypes.normalize_dtype(str if dtype_spec == "str" else dtype_spec)
    return of_objects(codec["id"]) if codec else data_type_registry.match_dtype(dtype)


parse_data_type = parse_dtype
