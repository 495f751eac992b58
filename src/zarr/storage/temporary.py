"""Stores that are deleted when Python exits."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from glob import glob
from typing import Any

from zarr.storage.base import Separator
from zarr.storage.directory import DirectoryStore, reopen

__all__ = ["TempStore", "atexit_rmglob", "atexit_rmtree"]


def atexit_rmtree(path: str, isdir: Callable[[str], bool] = os.path.isdir) -> None:
    """Delete a directory including its contents, if it exists; intended for :mod:`atexit`.

    Parameters
    ----------
    path : str
        The directory.
    isdir : callable, optional
        Returns whether the directory exists. :func:`os.path.isdir` by default.
    """
    if isdir(path):
        shutil.rmtree(path, ignore_errors=True)


def atexit_rmglob(path: str) -> None:
    """Delete the files and directories that match a pattern; intended for :mod:`atexit`.

    Parameters
    ----------
    path : str
        Pattern for :func:`glob.glob`.
    """
    for found in glob(path):
        if os.path.isfile(found):
            os.remove(found)
        else:
            atexit_rmtree(found)


class TempStore(DirectoryStore):
    """A `DirectoryStore` in a temporary directory that is deleted when Python exits.

    Parameters
    ----------
    suffix : str, default ''
        End of the name of the directory.
    prefix : str, default 'zarr'
        Start of the name of the directory.
    dir : str, optional
        The folder for the directory. That of :mod:`tempfile` by default.
    normalize_keys : bool, default False
        Whether to convert keys to lower case.
    dimension_separator : {'.', '/'}, optional
        Separator between the chunk indices in a chunk key, for arrays created in this store.
    fsync : bool, default False
        Whether a write returns only when the value is on the disk, as for :class:`DirectoryStore`.
    follow_symlinks : bool, optional
        Whether to follow symbolic links out of the directory, as for :class:`DirectoryStore`.

    Examples
    --------
    >>> import zarr
    >>> z = zarr.zeros(10, store=zarr.TempStore())
    """

    def __init__(
        self,
        suffix: str = "",
        prefix: str = "zarr",
        dir: str | None = None,
        normalize_keys: bool = False,
        dimension_separator: Separator | None = None,
        *,
        fsync: bool = False,
        follow_symlinks: bool | None = None,
    ) -> None:
        path = tempfile.mkdtemp(suffix=suffix, prefix=prefix, dir=dir)
        atexit.register(atexit_rmtree, path)
        super().__init__(
            path, normalize_keys, dimension_separator, fsync=fsync, follow_symlinks=follow_symlinks
        )

    def __reduce__(self) -> Any:
        # What is pickled is a reference: the directory still belongs to its creator.
        return reopen, (DirectoryStore, self.path, self._options())
