"""Stores in which new arrays and groups are of version 3 where no version is given.

They are the stores of `zarr.storage`, under the names that the releases 2.12 to 2.18 gave
them. Those wrote a draft of version 3; here it is the final one.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from zarr import storage

_NAMES = (
    "ABSStore", "DBMStore", "DirectoryStore", "FSStore", "KVStore", "LMDBStore", "LRUStoreCache",
    "MemoryStore", "MongoDBStore", "RedisStore", "SQLiteStore", "ZipStore",
)  # fmt: skip

__all__ = [  # noqa: PLE0604  the names of stores
    "ConsolidatedMetadataStoreV3",
    "RmdirV3",
    *(f"{name}V3" for name in _NAMES),
]


class RmdirV3:
    """Nothing: every store deletes folders its own way. Kept so that it can be inherited."""


class ConsolidatedMetadataStoreV3(storage.ConsolidatedMetadataStore):
    """The consolidated metadata of a hierarchy of version 3, as a store of documents only.

    Parameters
    ----------
    store : BaseStore or MutableMapping
    metadata_key : str
        Where they are, if not in the group itself.
    """

    default_version = 3

    def __init__(
        self,
        store: storage.BaseStore | MutableMapping[str, Any],
        metadata_key: str = "meta/root/consolidated/.zmetadata",
    ) -> None:
        super().__init__(store, metadata_key)


def __getattr__(name: str) -> Any:
    # Created at first use: many need other packages.
    base_name = name.removesuffix("V3")
    if base_name == name or base_name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    base = getattr(storage, base_name)
    members = {"__module__": __name__, "__doc__": base.__doc__, "default_version": 3}
    found = globals()[name] = type(name, (base,), members)
    return found
