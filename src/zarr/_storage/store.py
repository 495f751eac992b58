"""The old place of the base class of stores, and that of storage transformers."""

from __future__ import annotations

from typing import Any

from zarr.storage import BaseStore, Store

__all__ = ["BaseStore", "StorageTransformer", "Store"]


class StorageTransformer:
    """Something between an array and its store, of a kind that a name tells.

    Parameters
    ----------
    _type : str
        The name of the kind.
    """

    def __init__(self, _type: str) -> None:
        self.type = _type

    def get_config(self) -> dict[str, Any]:
        """Return the parameters."""
        return {}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, StorageTransformer) or type(self) is not type(other):
            return False
        return (self.type, self.get_config()) == (other.type, other.get_config())

    def __hash__(self) -> int:
        return hash((type(self), self.type))

    def __repr__(self) -> str:
        given = [repr(self.type), *(f"{name}={v!r}" for name, v in self.get_config().items())]
        return f"{type(self).__name__}({', '.join(given)})"
