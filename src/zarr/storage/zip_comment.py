"""The comment of a ZIP archive, which is read and set through its store."""

from __future__ import annotations

from typing import Self

from zarr._system import RLock
from zarr.storage.zip_archive import Archive
from zarr.storage.zip_directory import LONGEST_COMMENT

__all__ = ["Commented"]


class Commented:
    """What a store in an archive has for the comment of the archive."""

    _lock: RLock
    _uncommitted: bool

    def _reading(self) -> Archive:
        raise NotImplementedError

    def _writing(self) -> Archive:
        raise NotImplementedError

    @property
    def comment(self) -> bytes:
        """The comment of the archive; setting it writes it with the directory.

        At most 65535 bytes. Without one, the archive contains a checksum of its directory there.
        With one, names are compared as in archives of other tools.

        Examples
        --------
        >>> import zarr
        >>> with zarr.ZipStore('data/comment.zip', mode='w') as store:
        ...     store.comment = b'{"ome": {"version": "0.5"}}'
        >>> zarr.ZipStore('data/comment.zip', mode='r').comment
        b'{"ome": {"version": "0.5"}}'
        """
        return self._reading().comment

    @comment.setter
    def comment(self, value: bytes) -> None:
        _check(value)
        with self._lock:
            archive = self._writing()
            self._uncommitted = True
            archive.comment = bytes(value)

    @property
    def _zf(self) -> Self:
        """The store itself: code for the 3.x library sets the comment of its `ZipFile`."""
        return self


def _check(comment: bytes) -> None:
    """Raise a ValueError if an archive cannot have a comment."""
    if len(comment) > LONGEST_COMMENT:
        raise ValueError(
            f"the comment of a ZIP archive has at most {LONGEST_COMMENT} bytes, not {len(comment)}"
        )
    # Other tools would take the first for the end of the archive.
    if b"PK\5\6" in comment or comment.startswith(b"zarr directory "):
        raise ValueError(
            "the comment of a ZIP archive cannot contain b'PK\\x05\\x06' or begin with "
            f"b'zarr directory ': {comment!r:.100}"
        )
