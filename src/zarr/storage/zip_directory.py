"""The directory of a ZIP archive, and the records at its end: written, found and read.

A writer that is killed leaves a file whose last bytes are no directory. The last one that
is complete is then somewhere before, because nothing but the end of an archive is ever
written to, and it is still right.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple, TypeAlias
from zipfile import BadZipFile

from zarr.storage.zip_records import Entry, entries_of

__all__ = ["LONGEST_COMMENT", "Directory", "directory_records", "read_directory"]

_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = struct.Struct("<4sLQL")

_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF
LONGEST_COMMENT = 0xFFFF
_BLOCK = 1 << 20
_MOST_CANDIDATES = 1_000_000
"""End records that are looked at, so that a file full of them does not keep anybody busy."""

Read: TypeAlias = Callable[[int, int], bytes]
"""Returns the bytes at an offset: ``read(start, length)``, fewer at the end of the file."""


class Directory(NamedTuple):
    """What the directory of an archive says.

    Attributes
    ----------
    entries : dict
        By key.
    others : list of Entry
        Those with names that no key has.
    end : int
        Where the archive ends that it belongs to. What follows there in the file is what a
        writer had not finished.
    sealed : bool
        Whether it has a checksum, so that none of its names can be damaged.
    comment : bytes
        The comment of the archive, empty where that is such a checksum.
    """

    entries: dict[str, Entry]
    others: list[Entry]
    end: int
    sealed: bool
    comment: bytes


class _Place(NamedTuple):
    """Where the directory is that an end record belongs to.

    Attributes
    ----------
    shift : int
        Bytes before the archive, of a program that extracts it for instance, which its own
        offsets do not count.
    """

    start: int
    size: int
    number: int  # of entries
    comment: int
    comment_length: int
    shift: int


# -- writing ---------------------------------------------------------------------------


def _seal(start: int, directory: bytes) -> bytes:
    """Return the comment of an archive that protects its directory from damage.

    Start and size are in it, so that it says nothing about the directory of another tool
    that has changed the archive since, and kept the comment.
    """
    return b"%s%08x" % (_seal_start(start, len(directory)), zlib.crc32(directory))


def _seal_start(start: int, size: int) -> bytes:
    return b"zarr directory %d+%d crc32 " % (start, size)


_SEAL = re.compile(rb"zarr directory \d+\+\d+ crc32 [0-9a-f]{8}")


def directory_records(
    start: int, entries: Iterable[Entry], *, sealed: bool, comment: bytes = b""
) -> list[bytes]:
    """Return the directory of `entries` for an archive whose values end at `start`.

    Parameters
    ----------
    sealed : bool
        Whether the names of all entries are known to be right.
    comment : bytes, optional
        Comment of the archive. The directory has no checksum then.
    """
    records = [entry.record for entry in entries]
    directory, count = b"".join(records), len(records)
    size = len(directory)
    if sealed and not comment:
        comment = _seal(start, directory)
    end64 = b""
    if count >= _FULL16 or max(start, size) >= _FULL32:
        end64 = _END64.pack(b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, start)
        end64 += _LOCATOR64.pack(b"PK\6\7", 0, start + size, 1)
    short = min(count, _FULL16)
    end = _END.pack(
        b"PK\5\6", 0, 0, short, short, min(size, _FULL32), min(start, _FULL32), len(comment)
    )
    return [directory, end64 + end + comment]


# -- reading ---------------------------------------------------------------------------


def read_directory(read: Read, length: int) -> Directory:
    """Return the last complete directory of an archive of `length` bytes.

    Raises
    ------
    zipfile.BadZipFile
        If this is no archive, or its directory is damaged, or a writer was stopped before
        it had written one.
    """
    try:
        place = _place_at_the_end(read, length)
    except BadZipFile:
        # Not even a value that ends like an archive, after which its writer was stopped.
        found = _last_complete(read, length)
        if found is None:
            raise
        return found
    return _directory_at(read, place)


def _directory_at(read: Read, place: _Place) -> Directory:
    directory = read(place.start, place.size)
    comment = read(place.comment, place.comment_length)
    if len(directory) < place.size or len(comment) < place.comment_length:
        raise BadZipFile("its directory is not whole")
    start = place.start - place.shift
    sealed = comment.startswith(_seal_start(start, place.size))
    if sealed and comment != _seal(start, directory):
        raise BadZipFile("its directory is damaged (CRC-32)")
    entries, others = entries_of(directory, start, place.number, place.shift)
    if place.shift:
        first = min([entry.start for entry in (*entries.values(), *others)], default=0)
        if read(first, 4) != b"PK\3\4":
            raise BadZipFile("its directory is not right before its end record")
    end = place.comment + place.comment_length
    # Other tools that change an archive keep its comment, so that the checksum may be an old one.
    return Directory(entries, others, end, sealed, b"" if _SEAL.fullmatch(comment) else comment)


def _place_at_the_end(read: Read, length: int) -> _Place:
    tail_start = max(0, length - _END.size - LONGEST_COMMENT)
    tail = read(tail_start, length - tail_start)
    at = tail.rfind(b"PK\5\6")
    while at >= 0:
        if at + _END.size <= len(tail):
            comment = _END.unpack_from(tail, at)[-1]
            if at + _END.size + comment == len(tail):
                return _place(read, tail_start + at)
        at = tail.rfind(b"PK\5\6", 0, at + 3)
    raise BadZipFile(
        "it does not end with a ZIP directory, nor has it one before: it is no ZIP archive, it "
        "was truncated, or its writer was stopped or has not closed it (yet)"
    )


def _place(read: Read, at: int) -> _Place:
    """Return what the end record at `at` says, and the ZIP64 records before it."""
    record = read(at, _END.size)
    if len(record) < _END.size:
        raise BadZipFile("its end record is not whole")
    _, disk, _, _, count, size, start, length = _END.unpack(record)
    follower = at
    # Some tools write ZIP64 records where nothing needs them.
    locator = read(max(0, at - _LOCATOR64.size), _LOCATOR64.size)
    if locator[:4] == b"PK\6\7":
        follower = _LOCATOR64.unpack(locator)[2]
        if read(follower, 4) != b"PK\6\6":  # there may be something before the archive
            follower = max(0, at - _LOCATOR64.size - _END64.size)
        disk, count, size, start = _numbers64(read, follower, at)
    if disk != 0:
        raise BadZipFile("it is one part of a divided archive")
    shift = follower - size - start
    # What begins like an archive is one whose last value is an archive, not two of them.
    if shift < 0 or (shift and read(0, 2) == b"PK"):
        raise BadZipFile("its directory is not right before its end record")
    return _Place(start + shift, size, count, at + _END.size, length, shift)


def _numbers64(read: Read, at: int, limit: int) -> tuple[int, int, int, int]:
    record = read(at, _END64.size) if at < limit else b""
    if record[:4] != b"PK\6\6" or len(record) < _END64.size:
        raise BadZipFile("its ZIP64 end record is not where it should be")
    _, _, _, _, disk, _, _, count, size, start = _END64.unpack(record)
    return disk, count, size, start


def _last_complete(read: Read, length: int) -> Directory | None:
    """Return the last complete directory, wherever in the file it is."""
    if read(0, 2) != b"PK":
        return None
    # Directories do not overlap, so that all real ones together are no longer than the file.
    unread = length
    for at in islice(_end_records(read, length), _MOST_CANDIDATES):
        try:
            place = _place(read, at)
            if place.size <= unread:
                unread -= place.size
                return _directory_at(read, place)
        except BadZipFile:
            continue
    return None


def _end_records(read: Read, length: int) -> Iterator[int]:
    """Yield where the signature of an end record is, from the end to the start."""
    stop = length
    while stop > 0:
        start = max(0, stop - _BLOCK)
        block = read(start, stop - start + 3)
        at = block.rfind(b"PK\5\6")
        while at >= 0:
            yield start + at
            at = block.rfind(b"PK\5\6", 0, at + 3)
        stop = start
