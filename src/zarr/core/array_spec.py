"""How an array is used, and what a codec is told of the array that it encodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Self, TypeAlias, TypedDict

from zarr.config import get

__all__ = ["ArrayConfig", "ArrayConfigLike", "ArrayConfigParams", "ArraySpec", "parse_array_config"]


class ArrayConfigParams(TypedDict, total=False):
    """The members of `config`, a parameter of functions that create or open arrays."""

    order: Literal["C", "F"]
    write_empty_chunks: bool
    read_missing_chunks: bool


@dataclass(frozen=True)
class ArrayConfig:
    """How an array is used in this process, which its metadata do not say.

    Parameters
    ----------
    order : {'C', 'F'}
        Memory layout of what is read.
    write_empty_chunks : bool
        Whether chunks in which every element equals the fill value are stored.
    read_missing_chunks : bool, default True
        Whether absent chunks are read as fill values.
    """

    order: Literal["C", "F"]
    write_empty_chunks: bool
    read_missing_chunks: bool = True

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return a configuration; settings complete what `data` leaves out.

        Parameters
        ----------
        data : dict
            The members by name.

        Returns
        -------
        ArrayConfig
            The configuration.
        """
        names = [field.name for field in fields(cls)]
        return cls(**{name: data.get(name, get(f"array.{name}")) for name in names})

    def to_dict(self) -> dict[str, Any]:
        """Return the members by name.

        Returns
        -------
        dict
            The members.
        """
        return {field.name: getattr(self, field.name) for field in fields(self)}


ArrayConfigLike: TypeAlias = ArrayConfig | ArrayConfigParams


def parse_array_config(data: ArrayConfigLike | None) -> ArrayConfig:
    """Return the configuration that an argument `config` means."""
    if isinstance(data, ArrayConfig):
        return data
    return ArrayConfig.from_dict(data or {})


@dataclass(frozen=True)
class ArraySpec:
    """The array that a codec encodes, or makes when it decodes.

    Parameters
    ----------
    shape : tuple of int
        Its shape.
    dtype : ZDType
        Its data type.
    fill_value : scalar
        Value of elements that were never written.
    config : ArrayConfig
        How the array is used.
    prototype : BufferPrototype
        The classes of buffers.
    """

    shape: tuple[int, ...]
    dtype: Any
    fill_value: Any
    config: ArrayConfig
    prototype: Any

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    @property
    def order(self) -> Literal["C", "F"]:
        """Memory layout of the array."""
        return self.config.order
