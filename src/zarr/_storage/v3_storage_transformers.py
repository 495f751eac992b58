"""The old way to ask for shards: a storage transformer, for `zarr.create`."""

from __future__ import annotations

from typing import Any

from zarr._storage.store import StorageTransformer

__all__ = ["ShardingStorageTransformer"]


class ShardingStorageTransformer(StorageTransformer):
    """Several chunks in one stored value; in arrays of version 3, the same as ``shards=``.

    Parameters
    ----------
    _type : {'indexed'}
    chunks_per_shard : int or tuple of int
        How many chunks a shard has along each dimension.

    Raises
    ------
    ValueError
        If there is no such kind of shards.

    References
    ----------
    Zarr specification, version 3: codec ``sharding_indexed``, which replaced this storage
    transformer of the draft ("Storage transformers").

    Examples
    --------
    >>> import zarr
    >>> from zarr._storage.v3_storage_transformers import ShardingStorageTransformer
    >>> transformer = ShardingStorageTransformer('indexed', chunks_per_shard=2)
    >>> store = zarr.MemoryStore()
    >>> z = zarr.create(
    ...     40, chunks=10, store=store, storage_transformers=[transformer], zarr_version=3
    ... )
    >>> z[:] = 1
    >>> z.chunks, sorted(store)
    ((10,), ['c/0', 'c/1', 'zarr.json'])
    """

    def __init__(self, _type: str, chunks_per_shard: int | tuple[int, ...]) -> None:
        if _type != "indexed":
            raise ValueError(f"shards must be of the type 'indexed', not {_type!r}")
        super().__init__(_type)
        counts = chunks_per_shard
        self.chunks_per_shard = (counts,) if isinstance(counts, int) else tuple(counts)

    def get_config(self) -> dict[str, Any]:
        return {"chunks_per_shard": self.chunks_per_shard}
