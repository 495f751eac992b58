"""Moving the file of a ZIP archive to another path, while its store is open."""

from __future__ import annotations

import os
from typing import Any

from zarr._system import RLock, absolute_path
from zarr.errors import named_after
from zarr.storage.event_loop import in_thread
from zarr.storage.files import move

__all__ = ["Movable"]


@named_after("zarr.storage.zip", "ZipStore")
class Movable:
    """What a store in an archive has for moving the archive."""

    path: str
    mode: str
    _target: str
    _lock: RLock
    _archive: Any

    def _open(self) -> Any:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    async def move(self, path: str | os.PathLike[str]) -> None:
        """Move the archive. The store, and the arrays and groups in it, remain usable.

        Parameters
        ----------
        path : str or path-like
            The new path. Folders above it are created.

        Raises
        ------
        FileExistsError
            If there is a file or a folder at `path`.
        FileNotFoundError
            If the archive was deleted meanwhile.

        Examples
        --------
        >>> import asyncio
        >>> import zarr
        >>> store = zarr.ZipStore('data/before.zip', mode='w')
        >>> z = zarr.array([1, 2, 3], store=store)
        >>> asyncio.run(store.move('data/after.zip'))
        >>> z[:]
        array([1, 2, 3])
        >>> store.close()
        """
        await in_thread(self._move, absolute_path(path))

    def _move(self, path: str) -> None:
        if os.path.lexists(path):
            raise FileExistsError(f"cannot move the ZIP archive {self.path!r}: {path!r} exists")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with self._lock:
            os.lstat(self.path)  # if it is gone, that is an error, and no new one is made
            is_open = self._archive is not None
            # Not every system moves open files, and a copy must have the directory.
            self.close()
            if self.mode != "r":
                self.mode = "a"  # what has been created is not created again
            try:
                move(self.path, path)
                self.path, self._target = path, os.path.realpath(path)
            finally:
                if is_open:
                    self._archive = self._open()
