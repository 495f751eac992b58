"""Symbolic links in local folders: their targets, and whether these exist."""

from __future__ import annotations

import os
import stat

from zarr.errors import StoreError, StorePermissionError
from zarr.storage.files import FAILURES, check_circle, file_type, is_absent

__all__ = ["check_dangling", "check_inside"]


def check_inside(key: str, root: str, path: str) -> str:
    """Return the real path of `path`; raise `StorePermissionError` if it is not below `root`."""
    top, real = os.path.realpath(root), os.path.realpath(path)
    if real != top and not real.startswith(os.path.join(top, "")):
        raise StorePermissionError(
            f"key {key!r} is outside of the store {root!r}, through a symbolic link to {real!r}, "
            "and such links are not followed; pass follow_symlinks=True to DirectoryStore, or set "
            "zarr.config.set(follow_symlinks=True), to allow that"
        )
    return real


def check_dangling(key: str, root: str, path: str) -> None:
    """Raise `StoreError` if nothing is at `path` because a link at or above it leads nowhere.

    Links above `root` are not looked at. Otherwise the content of a link that was not fetched,
    or that is on a disk which is not mounted, would be taken for chunks that were never written.
    """
    while True:
        try:
            kind = stat.S_IFMT(os.lstat(path).st_mode)
        except FAILURES as error:
            if not is_absent(error):
                check_circle(error)
                raise
        else:
            if kind == stat.S_IFLNK and not file_type(path):
                raise StoreError(
                    f"cannot read key {key!r} of the store {root!r}: {path!r} is a symbolic link "
                    f"to {os.readlink(path)!r}, which does not exist; fetch its content (with "
                    "git-annex or DataLad), mount the disk that holds it, or delete the link"
                )
            return
        if len(path) <= len(root):
            return
        path = os.path.dirname(path)
