"""A folder of a process that is stopped at one of its writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import zarr

__all__ = ["StoppingStore"]


class StoppingStore(zarr.DirectoryStore):
    """Is interrupted at the change of number `left`, those of transactions included.

    Nothing is deleted afterwards, as nothing is by a process that is killed.
    """

    left = 0
    is_stopped = False

    def _count(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.is_stopped = True
            raise KeyboardInterrupt

    def __setitem__(self, key: str, value: Any) -> None:
        self._count()
        super().__setitem__(key, value)

    def setitems(self, items: Mapping[str, Any]) -> None:
        for key, value in items.items():
            self[key] = value

    def rmdir(self, path: str = "") -> None:
        if not self.is_stopped:
            super().rmdir(path)

    def begin(self, **options: Any) -> Any:
        self._count()
        begun = super().begin(**options)
        for name in ("rename", "delitems"):
            method = getattr(begun.store, name)

            def counted(*args: Any, method: Any = method) -> Any:
                self._count()
                return method(*args)

            setattr(begun.store, name, counted)
        return begun
