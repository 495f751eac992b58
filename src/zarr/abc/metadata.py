"""The base class of metadata as value classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

__all__ = ["Metadata"]


@dataclass(frozen=True)
class Metadata:
    """A value that metadata describe by an object of JSON."""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name.

        Returns
        -------
        dict
            The fields; those that are metadata themselves as dicts.
        """
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Return the value that `data` describes.

        Parameters
        ----------
        data : dict
            The fields by name.

        Returns
        -------
        Metadata
            An object of this class.
        """
        return cls(**data)


def _plain(value: Any) -> Any:
    if isinstance(value, Metadata):
        return value.to_dict()
    if isinstance(value, str) or not isinstance(value, Sequence):
        return value
    return tuple(map(_plain, value))
