"""The records of a ZIP archive as bytes: pure functions, which open no file.

The standard library's `zipfile` can neither delete an entry nor read two at a time, and
it overwrites the directory of an archive before the new one is written.
"""

from __future__ import annotations

import bz2
import lzma
import struct
import time
import zlib
from collections.abc import Callable
from typing import NamedTuple
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZIP_STORED, BadZipFile

__all__ = [
    "METHODS",
    "Entry",
    "compressed",
    "data_start",
    "decompressed",
    "end_records",
    "moved_entry",
    "new_entry",
    "read_directory",
]

METHODS = (ZIP_STORED, ZIP_DEFLATED, ZIP_BZIP2, ZIP_LZMA)
_VERSIONS = {ZIP_STORED: 20, ZIP_DEFLATED: 20, ZIP_BZIP2: 46, ZIP_LZMA: 63}
_ZIP64_VERSION = 45

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = struct.Struct("<4sLQL")
_LENGTHS = struct.Struct("<2H")

_ENCRYPTED, _LZMA_END_MARK, _LENGTHS_FOLLOW, _UTF8 = 0x1, 0x2, 0x8, 0x800
_UNIX = 3 << 8
_RW_R__R__ = 0o100644 << 16
_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF
_LONGEST_COMMENT = 0xFFFF

LOCAL_SIZE = _LOCAL.size


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


def _lzma_decoder(data: bytes) -> tuple[lzma.LZMADecompressor, bytes]:
    _, _, length, properties, dict_size = struct.unpack_from("<BBHBL", data)
    rest, lc = divmod(properties, 9)
    pb, lp = divmod(rest, 5)
    lzma_filter = {"id": lzma.FILTER_LZMA1, "dict_size": dict_size, "lc": lc, "lp": lp, "pb": pb}
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[lzma_filter]), data[4 + length :]


def decompressed(data: bytes, entry: Entry) -> bytes:
    """Return the value that `data` keeps compressed; never more than its declared size."""
    if entry.method not in METHODS:
        raise BadZipFile("it is encrypted or compressed by an unknown method")
    try:
        if entry.method == ZIP_DEFLATED:
            # A limit of zero would mean no limit.
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, max(entry.size, 1))
        if entry.method == ZIP_BZIP2:
            return bz2.BZ2Decompressor().decompress(data, entry.size)
        if entry.method == ZIP_LZMA:
            decoder, data = _lzma_decoder(data)
            return decoder.decompress(data, entry.size)
    except (zlib.error, lzma.LZMAError, OSError, EOFError, struct.error, ValueError) as error:
        raise BadZipFile(f"it does not decompress: {error}") from error
    return data


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


def end_records(start: int, size: int, count: int) -> bytes:
    """Return what follows a directory of `count` entries in `size` bytes at `start`."""
    end64 = b""
    if count >= _FULL16 or max(start, size) >= _FULL32:
        end64 = _END64.pack(b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, start)
        end64 += _LOCATOR64.pack(b"PK\6\7", 0, start + size, 1)
    short = min(count, _FULL16)
    return end64 + _END.pack(
        b"PK\5\6", 0, 0, short, short, min(size, _FULL32), min(start, _FULL32), 0
    )


# -- reading ---------------------------------------------------------------------------


def data_start(local: bytes, entry: Entry, at: int = 0) -> int:
    """Return where the data of `entry` start in the archive, from its record in `local`."""
    if local[at : at + 4] != b"PK\3\4" or len(local) - at < LOCAL_SIZE:
        raise BadZipFile("its record is not where the directory says")
    name_length, extra_length = _LENGTHS.unpack_from(local, at + LOCAL_SIZE - _LENGTHS.size)
    return entry.start + LOCAL_SIZE + int(name_length) + int(extra_length)


def _without_zip64(extra: bytes) -> bytes:
    kept, at = b"", 0
    while at + 4 <= len(extra):
        kind, length = _LENGTHS.unpack_from(extra, at)
        if kind != 1:
            kept += extra[at : at + 4 + length]
        at += 4 + length
    return kept


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


def _find_end(tail: bytes) -> int:
    """Return where in the last bytes of an archive its end record is."""
    at = tail.rfind(b"PK\5\6")
    while at >= 0:
        if at + _END.size <= len(tail):
            comment = _END.unpack_from(tail, at)[-1]
            if at + _END.size + comment == len(tail):
                return at
        at = tail.rfind(b"PK\5\6", 0, at + 3)
    raise BadZipFile(
        "it does not end with a ZIP directory: it is no ZIP archive, it was truncated, or its "
        "writer has not closed it (yet)"
    )


def _find_directory(read: Callable[[int, int], bytes], length: int) -> tuple[int, int, int]:
    """Return start and size of the directory, and how many entries it has."""
    tail_start = max(0, length - _END.size - _LONGEST_COMMENT)
    tail = read(tail_start, length - tail_start)
    at = _find_end(tail)
    _, disk, _, _, count, size, start, _ = _END.unpack_from(tail, at)
    end = tail_start + at
    if _FULL32 in (size, start) or count == _FULL16:
        locator = read(max(0, end - _LOCATOR64.size), _LOCATOR64.size)
        if locator[:4] == b"PK\6\7":
            end = _LOCATOR64.unpack(locator)[2]
            record = read(end, _END64.size)
            if record[:4] != b"PK\6\6" or len(record) < _END64.size:
                raise BadZipFile("its ZIP64 end record is not where it should be")
            _, _, _, _, disk, _, _, count, size, start = _END64.unpack(record)
    if disk != 0:
        raise BadZipFile("it is one part of a divided archive")
    if start + size > end:
        raise BadZipFile("bytes are missing before its directory")
    return start, size, count


def read_directory(read: Callable[[int, int], bytes], length: int) -> dict[str, Entry]:
    """Return the entries of an archive of `length` bytes.

    Parameters
    ----------
    read : callable
        Returns the bytes at an offset: ``read(start, length)``.
    length : int
        Bytes in the archive.

    Raises
    ------
    zipfile.BadZipFile
        If this is no archive, or not a whole one.
    """
    start, size, count = _find_directory(read, length)
    directory = read(start, size)
    entries: dict[str, Entry] = {}
    at = number = 0
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
        # The names of folders end with a slash: they hold no value.
        if name[-1:] != b"/":
            if flags & _ENCRYPTED:
                method = -1
            entries[_decode_name(name, flags)] = Entry(
                offset, packed, full, method, crc, directory[at:entry_end]
            )
        at = entry_end
        number += 1
    if number & _FULL16 != count & _FULL16:
        raise BadZipFile(f"its directory has {number} entries instead of {count}")
    return entries


def _decode_name(name: bytes, flags: int) -> str:
    try:
        return name.decode("utf-8" if flags & _UTF8 else "cp437")
    except UnicodeDecodeError as error:
        raise BadZipFile(f"the name {name!r} of an entry is not UTF-8") from error
