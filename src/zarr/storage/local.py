"""The store in a directory, by the name and with the parameters that it has in the 3.x library."""

from __future__ import annotations

import os
import shutil
from typing import Any, ClassVar, Self

from zarr._system import absolute_path
from zarr.config import Unchosen
from zarr.storage.base import Separator
from zarr.storage.directory import DirectoryStore
from zarr.storage.event_loop import in_thread

__all__ = ["LocalStore"]


class LocalStore(DirectoryStore):
    """A store in a directory of a file system: `DirectoryStore` under its name in the 3.x library.

    Every `DirectoryStore` is an instance of this class. New arrays and groups have format 3.

    Parameters
    ----------
    root : str or path-like
        The directory, which is created by the first write.
    normalize_keys : bool, default False
        Whether to convert keys to lower case, as for `DirectoryStore`.
    dimension_separator : {'.', '/'}, optional
        Separator between the chunk indices in a chunk key, as for `DirectoryStore`.
    read_only : bool, default False
        Whether nothing can be written.
    fsync : bool, default False
        Whether a write returns only when the value is on the disk, as for `DirectoryStore`.
    follow_symlinks : bool, optional
        Whether to follow symbolic links out of the directory, as for `DirectoryStore`.

    Examples
    --------
    >>> import zarr
    >>> from zarr.storage import LocalStore
    >>> z = zarr.create_array(LocalStore('data/local.zarr'), shape=4, dtype='i4', overwrite=True)
    >>> sorted(z.store)
    ['zarr.json']
    """

    default_version: ClassVar[int | None] = Unchosen(3)

    def __init__(
        self,
        root: str | os.PathLike[str],
        normalize_keys: bool = False,
        dimension_separator: Separator | None = None,
        *,
        read_only: bool = False,
        fsync: bool = False,
        follow_symlinks: bool | None = None,
    ) -> None:
        super().__init__(
            root, normalize_keys, dimension_separator, fsync=fsync, follow_symlinks=follow_symlinks
        )
        self._mode = "r" if read_only else "a"

    @classmethod
    def __subclasshook__(cls, other: type) -> Any:
        return True if cls is LocalStore and DirectoryStore in other.__mro__ else NotImplemented

    @classmethod
    async def open(
        cls,
        root: str | os.PathLike[str],
        *,
        read_only: bool = False,
        mode: str | None = None,
        **kwargs: Any,
    ) -> Self:
        """Return a new store.

        Parameters
        ----------
        root : str or path-like
            The directory.
        read_only : bool, default False
            Whether nothing can be written.
        mode : {'r', 'r+', 'a', 'w', 'w-'}, optional
            'r' and 'r+' require that the directory exists.
        **kwargs
            Other parameters of the class.

        Returns
        -------
        LocalStore
            The store.

        Raises
        ------
        FileNotFoundError
            If the store is read-only and the directory does not exist.
        """
        store = cls(root, read_only=read_only, **kwargs)
        if read_only or mode in ("r", "r+"):
            await in_thread(store._check_exists)
        return store

    def _check_exists(self) -> None:
        if not os.path.isdir(self.path):
            raise FileNotFoundError(f"{self.root} does not exist")

    async def move(self, dest_root: str | os.PathLike[str]) -> None:
        """Move the directory.

        Parameters
        ----------
        dest_root : str or path-like
            The new path.

        Raises
        ------
        FileExistsError
            If it exists.
        """
        await in_thread(self._move, absolute_path(dest_root))

    def _move(self, dest: str) -> None:
        self.check_writeable()
        if os.path.exists(dest):
            raise FileExistsError(f"Destination root {dest} already exists.")
        os.makedirs(os.path.dirname(dest), exist_ok=True)
        shutil.move(self.path, dest)
        LocalStore.__init__(
            self, dest, self.normalize_keys, self._dimension_separator, read_only=self.read_only,
            fsync=self.fsync, follow_symlinks=self.follow_symlinks,
        )  # fmt: skip

    def __str__(self) -> str:
        return f"file://{self.root.as_posix()}"
