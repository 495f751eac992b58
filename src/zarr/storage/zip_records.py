"""The records of a ZIP archive as bytes: pure functions, which open no file.

The standard library's `zipfile` can neither delete an entry nor read two at a time, and
it overwrites the directory of an archive before the new one is written.
"""

from __future__ import annotations

import bz2
import lzma
import re
import struct
import time
import zlib
from typing import NamedTuple
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZIP_STORED, BadZipFile

__all__ = [
    "METHODS",
    "Entry",
    "compressed",
    "data_start",
    "decompressed",
    "entries_of",
    "expands_beyond",
    "moved_entry",
    "new_entry",
]

METHODS = (ZIP_STORED, ZIP_DEFLATED, ZIP_BZIP2, ZIP_LZMA)
_VERSIONS = {ZIP_STORED: 20, ZIP_DEFLATED: 20, ZIP_BZIP2: 46, ZIP_LZMA: 63}
_ZIP64_VERSION = 45

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LENGTHS = struct.Struct("<2H")

_ENCRYPTED, _LZMA_END_MARK, _LENGTHS_FOLLOW, _UTF8 = 0x1, 0x2, 0x8, 0x800
_UNIX = 3 << 8
_RW_R__R__ = 0o100644 << 16
_FULL32 = 0xFFFFFFFF

LOCAL_SIZE = _LOCAL.size
_NAME = _CENTRAL.size  # where the name is in an entry of the directory

_MOST_RATIO = {ZIP_DEFLATED: 1032, ZIP_BZIP2: 2_000_000, ZIP_LZMA: 16_384}
"""Bytes that one compressed byte can stand for at most, by method, and some more.

Deflate needs at least 2 bits for 258 bytes, bzip2 some 30 bytes for a block of 46 MB, LZMA
a third of a bit for 273 bytes.
"""

_USUAL_RATIO = 100
"""What compresses better than this is hardly more than a constant, or it is a bomb."""

_LEAST_DICTIONARY = 4096

_is_odd = re.compile(r"(?:^|/)\.{0,2}(?:/|\Z)|\0").search
_ODD_SEGMENTS = [a + name + b for name in ("", ".", "..") for a in "\0/" for b in "\0/"]


class Entry(NamedTuple):
    """Where one value is in the archive, and how it was written.

    `record` is its part of the directory as it stands there, so that what other tools
    noted in it is kept.
    """

    start: int
    packed: int
    size: int
    method: int
    crc: int
    record: bytes

    @property
    def name(self) -> bytes:
        """Return the name as it is in the directory."""
        return self.record[_NAME : _NAME + int(_LENGTHS.unpack_from(self.record, 28)[0])]


# -- compression -----------------------------------------------------------------------


def compressed(data: memoryview, method: int) -> bytes:
    """Return `data` compressed by `method`, as ZIP archives keep them."""
    if method == ZIP_DEFLATED:
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        return packer.compress(data) + packer.flush()
    if method == ZIP_BZIP2:
        return bz2.compress(data)
    if method == ZIP_LZMA:
        lzma_filter = {"id": lzma.FILTER_LZMA1, "dict_size": 1 << 23, "lc": 3, "lp": 0, "pb": 2}
        head = struct.pack("<BBHBL", 9, 4, 5, (2 * 5 + 0) * 9 + 3, 1 << 23)
        return head + lzma.compress(data, lzma.FORMAT_RAW, filters=[lzma_filter])
    return bytes(data)


def expands_beyond(limit: int, size: int, packed: int) -> bool:
    """Return whether `packed` bytes that become `size` are a bomb: large and hardly anything."""
    return size > limit and size > _USUAL_RATIO * packed


def _lzma_decoder(data: bytes, size: int) -> tuple[lzma.LZMADecompressor, bytes]:
    _, _, length, properties, dict_size = struct.unpack_from("<BBHBL", data)
    rest, lc = divmod(properties, 9)
    pb, lp = divmod(rest, 5)
    # The decoder looks back no further than to the first byte, whatever the header says.
    dict_size = min(dict_size, max(size, _LEAST_DICTIONARY))
    lzma_filter = {"id": lzma.FILTER_LZMA1, "dict_size": dict_size, "lc": lc, "lp": lp, "pb": pb}
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[lzma_filter]), data[4 + length :]


def decompressed(data: bytes, entry: Entry) -> bytes:
    """Return the value that `data` keeps compressed; never more than its declared size."""
    if entry.method not in METHODS:
        raise BadZipFile("it is encrypted or compressed by an unknown method")
    if entry.size > _MOST_RATIO[entry.method] * len(data):
        raise BadZipFile(f"{len(data)} compressed bytes cannot be the {entry.size} it declares")
    try:
        if entry.method == ZIP_DEFLATED:
            # A limit of zero would mean no limit.
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, max(entry.size, 1))
        if entry.method == ZIP_BZIP2:
            return bz2.BZ2Decompressor().decompress(data, entry.size)
        decoder, data = _lzma_decoder(data, entry.size)
        return decoder.decompress(data, entry.size)
    except (zlib.error, lzma.LZMAError, OSError, EOFError, struct.error, ValueError) as error:
        raise BadZipFile(f"it does not decompress: {error}") from error


# -- writing ---------------------------------------------------------------------------


def _dos_time() -> tuple[int, int]:
    year, month, day, hour, minute, second = time.localtime()[:6]
    year = min(max(year, 1980), 2107)
    return hour << 11 | minute << 5 | second // 2, (year - 1980) << 9 | month << 5 | day


def _zip64_field(*numbers: int) -> bytes:
    return struct.pack(f"<2H{len(numbers)}Q", 1, 8 * len(numbers), *numbers) if numbers else b""


def _local(
    flags: int, when: tuple[int, int], entry: tuple[int, int, int, int], name: bytes
) -> bytes:
    packed, size, method, crc = entry
    version, extra = _VERSIONS.get(method, 20), b""
    if max(packed, size) >= _FULL32:
        version, extra = max(version, _ZIP64_VERSION), _zip64_field(size, packed)
        packed = size = _FULL32
    head = _LOCAL.pack(
        b"PK\3\4", version, flags, method, *when, crc, packed, size, len(name), len(extra)
    )
    return head + name + extra


def _central(
    flags: int,
    when: tuple[int, int],
    entry: tuple[int, int, int, int, int],
    name: bytes,
    extra: bytes = b"",
    comment: bytes = b"",
    made_by: int = _UNIX | 20,
    attributes: tuple[int, int] = (0, _RW_R__R__),
) -> bytes:
    start, packed, size, method, crc = entry
    long = [number for number in (size, packed, start) if number >= _FULL32]
    version = max(_VERSIONS.get(method, 20), _ZIP64_VERSION if long else 20)
    extra = _zip64_field(*long) + extra
    head = _CENTRAL.pack(
        b"PK\1\2",
        made_by,
        version,
        flags,
        method,
        *when,
        crc,
        min(packed, _FULL32),
        min(size, _FULL32),
        len(name),
        len(extra),
        len(comment),
        0,
        *attributes,
        min(start, _FULL32),
    )
    return head + name + extra + comment


def new_entry(
    name: bytes, start: int, size: int, packed: bytes | memoryview, method: int, crc: int
) -> tuple[bytes, Entry]:
    """Return the record that precedes the bytes `packed` at `start`, and their entry."""
    flags = 0 if name.isascii() else _UTF8
    if method == ZIP_LZMA:
        flags |= _LZMA_END_MARK
    when = _dos_time()
    length = len(packed)
    local = _local(flags, when, (length, size, method, crc), name)
    record = _central(flags, when, (start, length, size, method, crc), name)
    return local, Entry(start, length, size, method, crc, record)


def moved_entry(entry: Entry, start: int, name: bytes | None = None) -> tuple[bytes, Entry]:
    """Return the local record and the entry of the same value at `start`, renamed to `name`."""
    fields = _CENTRAL.unpack_from(entry.record)
    made_by, flags, method, when = fields[1], fields[3], fields[4], fields[5:7]
    name_end = _CENTRAL.size + fields[10]
    extra_end = name_end + fields[11]
    if name is None:
        name = entry.record[_CENTRAL.size : name_end]
    elif not name.isascii():
        flags |= _UTF8
    flags &= ~_LENGTHS_FOLLOW
    sizes = (entry.packed, entry.size, method, entry.crc)
    record = _central(
        flags,
        when,
        (start, *sizes),
        name,
        _without_zip64(entry.record[name_end:extra_end]),
        entry.record[extra_end:],
        made_by,
        fields[14:16],
    )
    return _local(flags, when, sizes, name), entry._replace(start=start, record=record)


def _without_zip64(extra: bytes) -> bytes:
    kept, at = b"", 0
    while at + 4 <= len(extra):
        kind, length = _LENGTHS.unpack_from(extra, at)
        if kind != 1:
            kept += extra[at : at + 4 + length]
        at += 4 + length
    return kept


# -- reading ---------------------------------------------------------------------------


def data_start(local: bytes, entry: Entry, at: int = 0, *, check_name: bool = True) -> int:
    """Return where the data of `entry` start in the archive, from its record in `local`.

    Raises
    ------
    zipfile.BadZipFile
        If the record is not there, or has another name than the entry.
    """
    if local[at : at + 4] != b"PK\3\4" or len(local) - at < LOCAL_SIZE:
        raise BadZipFile("its record is not where the directory says")
    name_length, extra_length = _LENGTHS.unpack_from(local, at + LOCAL_SIZE - _LENGTHS.size)
    name, record = at + LOCAL_SIZE, entry.record
    if check_name and (
        local[name : name + name_length] != record[_NAME : _NAME + name_length]
        or local[at + 26 : at + 28] != record[28:30]  # the length of the name
        or local[at + 7] != record[9]  # how it is encoded, among others
    ):
        _check_name(local[at : name + name_length], entry)
    return entry.start + LOCAL_SIZE + int(name_length) + int(extra_length)


def _check_name(local: bytes, entry: Entry) -> None:
    name = local[LOCAL_SIZE:]
    other_encoding = (local[7] ^ entry.record[9]) << 8 & _UTF8
    if name != entry.name or (other_encoding and not name.isascii()):
        raise BadZipFile(f"the directory says {entry.name!r} where the name is {name!r}")


def _long_numbers(extra: bytes, numbers: list[int]) -> list[int]:
    """Return `numbers` with those replaced that only the ZIP64 field can hold."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = _LENGTHS.unpack_from(extra, at)
        if kind == 1:
            field = extra[at + 4 : at + 4 + length]
            if len(field) < 8 * numbers.count(_FULL32):
                break
            values = struct.iter_unpack("<Q", field[: 8 * numbers.count(_FULL32)])
            return [next(values)[0] if n == _FULL32 else n for n in numbers]
        at += 4 + length
    raise BadZipFile("an entry lacks its ZIP64 sizes")


def entries_of(
    directory: bytes, start: int, count: int, shift: int = 0
) -> tuple[dict[str, Entry], list[Entry]]:
    """Return the entries of the directory that is at `start` in the archive.

    Parameters
    ----------
    shift : int
        Where in the file the archive begins; entries are identified by their position in the file.

    Returns
    -------
    entries : dict
        By key.
    others : list
        Those with names that no key has: of folders, which end with a slash, or absolute ones.

    Raises
    ------
    zipfile.BadZipFile
        If `directory` is anything else than `count` entries of values that precede it.
    """
    entries: dict[str, Entry] = {}
    folders: list[Entry] = []
    at, size, number = 0, len(directory), 0
    while at < size:
        if directory[at : at + 4] != b"PK\1\2" or at + _CENTRAL.size > size:
            raise BadZipFile("its directory is damaged")
        fields = _CENTRAL.unpack_from(directory, at)
        flags, method, crc, packed, full = fields[3], fields[4], fields[7], fields[8], fields[9]
        name_end = at + _CENTRAL.size + fields[10]
        extra_end = name_end + fields[11]
        entry_end = extra_end + fields[12]
        offset = fields[16]
        if _FULL32 in (full, packed, offset):
            numbers = [full, packed, offset]
            full, packed, offset = _long_numbers(directory[name_end:extra_end], numbers)
        if entry_end > size or offset + LOCAL_SIZE + packed > start:
            raise BadZipFile("its directory is damaged")
        name = directory[at + _CENTRAL.size : name_end]
        if flags & _ENCRYPTED:
            method = -1
        entry = Entry(offset, packed, full, method, crc, directory[at:entry_end])
        entry = moved_entry(entry, offset + shift)[1] if shift else entry
        if name[-1:] == b"/":
            folders.append(entry)
        else:
            entries[_decode_name(name, flags)] = entry
        at = entry_end
        number += 1
    if number & 0xFFFF != count & 0xFFFF:
        raise BadZipFile(f"its directory has {number} entries instead of {count}")
    return entries, folders + _taken_by_odd_names(entries)


def _taken_by_odd_names(entries: dict[str, Entry]) -> list[Entry]:
    # To look at all names at once is faster than at one after the other.
    names = "\0".join(["", *entries, ""])
    if names.count("\0") == len(entries) + 1 and not any(odd in names for odd in _ODD_SEGMENTS):
        return []
    return [entries.pop(key) for key in list(entries) if _is_odd(key)]


def _decode_name(name: bytes, flags: int) -> str:
    try:
        return name.decode("utf-8" if flags & _UTF8 else "cp437")
    except UnicodeDecodeError as error:
        raise BadZipFile(f"the name {name!r} of an entry is not UTF-8") from error
