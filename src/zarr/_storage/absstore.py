"""The old place of the store in Azure Blob Storage."""

from zarr._storage.v3 import ABSStoreV3
from zarr.storage import ABSStore

__all__ = ["ABSStore", "ABSStoreV3"]
