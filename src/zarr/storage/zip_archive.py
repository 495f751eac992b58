"""The file of a ZIP archive: opened, read, and written at its end only."""

from __future__ import annotations

import atexit
import os
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from io import FileIO
from typing import Any
from weakref import WeakValueDictionary
from zipfile import BadZipFile

from zarr._system import FileLock, read_at, write_at
from zarr.storage import zip_records
from zarr.storage.zip_directory import directory_records, read_directory
from zarr.storage.zip_records import Entry

__all__ = ["Archive", "File", "note_changed", "note_written", "stamp_of"]

_COPY = 16 << 20
_MOST_BUFFERS = 1000


class File:
    """An open file that is closed as soon as no archive uses it any more.

    Parameters
    ----------
    path : str
    mode : str
        As for `io.FileIO`.

    Notes
    -----
    Where an exception such as a KeyboardInterrupt keeps this object from closing it, the
    `FileIO` closes itself, though not without a ResourceWarning.
    """

    _raw: FileIO | None = None

    def __init__(self, path: str, mode: str) -> None:
        raw = FileIO(path, mode)
        self.descriptor = raw.fileno()
        self.lock = FileLock(path, self.descriptor)
        self._raw = raw

    def close(self) -> None:
        """Close the file now, although an archive uses it."""
        if self._raw is not None:
            self._raw.close()
            self.lock.after_close()

    def __del__(self) -> None:
        self.close()


_files: dict[int, File] = {}
"""The files of stores whose directory is still to be written, by the store's identity.

Python finalizes objects that refer to each other in any order; these must outlive their stores.
Whether a store has changed is not told by this: another may get the identity of one that is gone.
"""

_stores: WeakValueDictionary[int, Any] = WeakValueDictionary()


def note_changed(store: Any, file: File) -> None:
    """Note that the directory of a store in `file` is to be written before both are gone."""
    _files[id(store)] = file
    _stores[id(store)] = store


def note_written(store: Any) -> None:
    """Note that the directory of a store is written."""
    _files.pop(id(store), None)
    _stores.pop(id(store), None)


@atexit.register
def _flush_all() -> None:
    # Later, Python may close the file of a store before it asks the store.
    with ExitStack() as stack:  # one that fails leaves the others their turn
        for store in list(_stores.values()):
            stack.callback(store.flush)


def stamp_of(status: os.stat_result) -> tuple[int, ...]:
    """Return a signature that changes when a file is written to or replaced."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


class Archive:
    """An open archive and what its directory says.

    Readers keep hold of it for the time of a read, so that the file is closed when the
    last of them is done with it, whatever the store does meanwhile.

    Parameters
    ----------
    file : File
        Empty, until :meth:`load` reads the directory.
    """

    __slots__ = (
        "_checked",
        "_data_starts",
        "comment",
        "descriptor",
        "end",
        "entries",
        "file",
        "others",
        "sealed",
        "stamp",
        "unfinished",
    )

    def __init__(self, file: File) -> None:
        self.file = file
        self.descriptor = file.descriptor
        self.entries: dict[str, Entry] = {}
        self.others: list[Entry] = []
        self._data_starts: dict[bytes, int] = {}
        self._checked: set[int] = set()
        self.end = 0
        self.stamp: tuple[int, ...] = ()
        self.comment = b""
        # Whether no name in the directory can be wrong, and how many bytes after the directory
        # a writer has left that was stopped.
        self.sealed = True
        self.unfinished = 0

    def load(self) -> None:
        """Read the directory."""
        status = os.fstat(self.descriptor)
        directory = read_directory(self.read, status.st_size)
        self.entries, self.others = directory.entries, directory.others
        self.sealed, self.comment = directory.sealed, directory.comment
        self.end = status.st_size
        self.unfinished = self.end - directory.end
        self.stamp = stamp_of(status)

    def branch(self) -> Archive:
        """Return the archive again, with entries that change apart from those of this one."""
        new = Archive(self.file)
        new.entries, new.others = dict(self.entries), list(self.others)
        new._data_starts, new._checked = dict(self._data_starts), set(self._checked)
        new.end, new.stamp = self.end, self.stamp
        new.sealed, new.unfinished = self.sealed, self.unfinished
        new.comment = self.comment
        return new

    # -- reading -------------------------------------------------------------------

    def read(self, start: int, length: int) -> bytes:
        """Return bytes of the file, fewer than `length` only at its end."""
        data = read_at(self.descriptor, length, start)
        while len(data) < length:
            more = read_at(self.descriptor, length - len(data), start + len(data))
            if not more:
                break
            data += more
        return data

    def data_start(self, entry: Entry) -> int:
        """Return where the data of `entry` start."""
        start = self._data_starts.get(entry.record)
        if start is None:
            # What precedes the data up to its name is shorter than its twin in the directory.
            local = self.read(entry.start, len(entry.record))
            start = self._data_starts[entry.record] = zip_records.data_start(
                local, entry, check_name=not self.sealed
            )
        return start

    def check_absent(self, key: str) -> None:
        """Raise `BadZipFile` if a damaged name in the directory could be that of `key`.

        The checksum of a sealed directory excludes it. Else the names of the same length are
        compared, once, with those that precede the values.
        """
        if self.sealed:
            return
        lengths = {len(key), len(key.encode(errors="surrogatepass"))} - self._checked
        if lengths:
            for entry in sorted([*self.entries.values(), *self.others]):
                if len(entry.name) in lengths:
                    self.data_start(entry)
            self._checked |= lengths

    # -- writing -------------------------------------------------------------------

    def append(self, buffers: Sequence[bytes | memoryview]) -> None:
        """Write at the end.

        The end moves first: wherever this is interrupted, nothing is written there again, so that
        what is complete in the file remains so.
        """
        start = self.end
        self.end += sum(map(len, buffers))
        try:
            self._write(buffers, start)
        except OSError:
            self.give_back(start)
            raise

    def give_back(self, start: int) -> None:
        """Take back what was written from `start` on, so that a full disk has room again."""
        self.end = start
        with suppress(OSError):
            os.ftruncate(self.descriptor, start)

    def _write(self, buffers: Sequence[bytes | memoryview], start: int) -> None:
        left, at = list(buffers), 0
        while at < len(left):
            written = write_at(self.descriptor, left[at : at + _MOST_BUFFERS], start)
            start += written
            while at < len(left) and written >= len(left[at]):
                written -= len(left[at])
                at += 1
            if written:
                left[at] = memoryview(left[at])[written:]

    def append_values(
        self, buffers: Sequence[bytes | memoryview], starts: dict[bytes, int]
    ) -> None:
        """Write values at the end; `starts` says by record of the directory where the data are."""
        self.append(buffers)
        self._data_starts.update(starts)

    def append_copy(self, source: Archive, entry: Entry, name: bytes | None = None) -> Entry:
        """Write a value of `source` at the end, as it is packed there, and return its entry."""
        start = source.data_start(entry)
        at = self.end
        local, copy = zip_records.moved_entry(entry, at, name)
        self.append([local])
        for done in range(0, entry.packed, _COPY):
            length = min(_COPY, entry.packed - done)
            part = source.read(start + done, length)
            if len(part) < length:
                raise BadZipFile("it was truncated")
            self.append([part])
        self._data_starts[copy.record] = at + len(local)
        return copy

    def append_directory(self) -> None:
        """Write the directory, so that the file is a whole archive.

        The one before is in the file until then, and still right.
        """
        entries = [*self.entries.values(), *self.others]
        self.append(directory_records(self.end, entries, sealed=self.sealed, comment=self.comment))
        os.ftruncate(self.descriptor, self.end)
        self.unfinished = 0
        self.stamp = stamp_of(os.fstat(self.descriptor))

    def cut_unfinished(self) -> int:
        """Cut off what follows the directory; return how many bytes that is."""
        unfinished = self.unfinished
        if unfinished:
            os.ftruncate(self.descriptor, self.end - unfinished)
            self.end -= unfinished
            self.unfinished = 0
            self.stamp = stamp_of(os.fstat(self.descriptor))
        return unfinished
