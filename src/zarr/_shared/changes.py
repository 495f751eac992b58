"""Which arrays this process has resized, replaced or deleted, so that other handles notice.

Handles read a document once. Between the handles of one process, changes are noted here, by
the address of what changes; to look costs next to nothing while nothing has changed.
"""

from __future__ import annotations

import itertools

from zarr._system import RLock
from zarr.sync import Name, renew_after_fork

__all__ = ["Changes", "changes"]


class Changes:
    """The addresses at which something has changed, with the moment of the last change.

    Attributes
    ----------
    moment : int
        Of the last change of all.
    """

    LIMIT = 10_000

    def __init__(self) -> None:
        self.moment = 0
        self._count = itertools.count(1)
        self._noted: dict[Name, int] = {}
        self._forgotten = 0
        renew_after_fork(self)

    def _renew(self) -> None:
        self._guard = RLock()

    def note(self, name: Name) -> None:
        """Note that what is at an address, and all below it, changes now."""
        with self._guard:
            self._noted.pop(name, None)
            if len(self._noted) >= self.LIMIT:
                self._forget_one()
            self._noted[name] = self.moment = next(self._count)

    def _forget_one(self) -> None:
        self._forgotten = self._noted.pop(next(iter(self._noted)))

    def since(self, before: int, name: Name) -> bool:
        """Tell whether what is at an address may have changed since a moment."""
        space, path = name
        while before >= max(self._forgotten, self._noted.get((space, path), 0)):
            if not path:
                return False
            path = path.rpartition("/")[0]
        return True


changes = Changes()
