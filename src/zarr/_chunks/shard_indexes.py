"""The shard indexes that were read last, shared by all handles of the process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from zarr._codecs.sharding import ShardIndex
from zarr._system import RLock
from zarr.sync import renew_after_fork

__all__ = [
    "shard_indexes",
]


class ShardIndexCache:
    """The indexes of the shards read last, shared by all handles of the process."""

    LIMIT = 64 << 20

    def __init__(self) -> None:
        renew_after_fork(self)

    def _renew(self) -> None:
        self._lock = RLock()
        self._kept: OrderedDict[Hashable, ShardIndex] = OrderedDict()
        self._nbytes = 0

    def get(self, name: Hashable) -> ShardIndex | None:
        with self._lock:
            if name not in self._kept:  # not `get`: see KVStore.getitems
                return None
            self._kept.move_to_end(name)
            return self._kept[name]

    def keep(self, name: Hashable, index: ShardIndex) -> None:
        with self._lock:
            self._drop(name)
            self._kept[name] = index
            self._nbytes += index.nbytes
            if self._nbytes > self.LIMIT:
                self._make_room()

    def forget(self, name: Hashable) -> None:
        with self._lock:
            self._drop(name)

    def _make_room(self) -> None:
        while self._nbytes > self.LIMIT:
            self._drop(next(iter(self._kept)))

    def _drop(self, name: Hashable) -> None:
        index = self._kept.pop(name, None)
        if index is not None:
            self._nbytes -= index.nbytes


shard_indexes = ShardIndexCache()
