"""A store in a ZIP archive."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import tempfile
import warnings
import zlib
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from threading import RLock
from typing import Any, ClassVar
from zipfile import ZIP64_LIMIT, ZIP_FILECOUNT_LIMIT, ZIP_STORED, BadZipFile, LargeZipFile

from zarr.errors import StoreError, StoreKeyError
from zarr.storage import zip_records
from zarr.storage.base import (
    BaseStore,
    Buffer,
    ByteRange,
    Separator,
    as_view,
    check_key,
    take_range,
)
from zarr.storage.key_tree import KeyTree
from zarr.storage.zip_records import Entry

__all__ = ["ZipStore"]

_SMALL = 64 << 10
"""Values up to this many bytes are read together with their neighbours."""

_GAP = 16 << 10
"""Bytes between two values that are rather read than left out."""

_BLOCK = 1 << 20
"""Most bytes that are read together."""

_COPY = 16 << 20
_MOST_BUFFERS = 1000
_LONGEST_NAME = 0xFFFF


class _Archive:
    """An open archive and what its directory says.

    Readers keep hold of it for the time of a read, so that the file is closed when the
    last of them is done with it, whatever the store does meanwhile.
    """

    __slots__ = ("data_starts", "descriptor", "end", "entries", "stamp")

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.entries: dict[str, Entry] = {}
        self.data_starts: dict[int, int] = {}
        self.end = 0
        self.stamp: tuple[int, ...] = ()

    def __del__(self) -> None:
        os.close(self.descriptor)

    def load(self) -> None:
        """Read the directory."""
        self.end = os.fstat(self.descriptor).st_size
        self.entries = zip_records.read_directory(self.read, self.end)
        self.data_starts.clear()
        self.stamp = self.look()

    def look(self) -> tuple[int, ...]:
        """Return what changes when somebody writes to the file."""
        status = os.fstat(self.descriptor)
        return status.st_ino, status.st_size, status.st_mtime_ns

    def read(self, start: int, length: int) -> bytes:
        """Return bytes of the file, fewer than `length` only at its end."""
        data = os.pread(self.descriptor, length, start)
        while len(data) < length:
            more = os.pread(self.descriptor, length - len(data), start + len(data))
            if not more:
                break
            data += more
        return data

    def data_start(self, entry: Entry) -> int:
        """Return where the data of `entry` start."""
        start = self.data_starts.get(entry.start)
        if start is None:
            local = self.read(entry.start, zip_records.LOCAL_SIZE)
            start = self.data_starts[entry.start] = zip_records.data_start(local, entry)
        return start

    def write(self, buffers: list[bytes | memoryview], start: int) -> int:
        """Write `buffers` one after the other; return where they end."""
        left, at = list(buffers), 0
        while at < len(left):
            written = os.pwritev(self.descriptor, left[at : at + _MOST_BUFFERS], start)
            start += written
            while at < len(left) and written >= len(left[at]):
                written -= len(left[at])
                at += 1
            if written:
                left[at] = memoryview(left[at])[written:]
        return start

    def copy(self, start: int, length: int, target: _Archive, to: int) -> None:
        """Copy bytes of the file into the file of `target`."""
        for at in range(0, length, _COPY):
            part = self.read(start + at, min(_COPY, length - at))
            if len(part) < min(_COPY, length - at):
                raise BadZipFile("it was truncated")
            target.write([part], to + at)


def _blocks(entries: Iterable[tuple[Entry, str]]) -> Iterator[list[tuple[Entry, str]]]:
    """Yield runs of entries that are best read together, in the order of the file."""
    block: list[tuple[Entry, str]] = []
    end = 0
    for entry, key in sorted(entries):
        if block and not (
            entry.packed <= _SMALL
            and entry.start - end <= _GAP
            and entry.start + entry.packed - block[0][0].start <= _BLOCK
        ):
            yield block
            block = []
        block.append((entry, key))
        end = entry.start + entry.packed
        if entry.packed > _SMALL:
            yield block
            block = []
    if block:
        yield block


class ZipStore(BaseStore):
    """A store in a ZIP archive, one entry per key.

    Parameters
    ----------
    path : str or path-like
        The archive.
    compression : int, default 0
        How to compress what is written: one of `zipfile.ZIP_STORED`, ``ZIP_DEFLATED``,
        ``ZIP_BZIP2`` and ``ZIP_LZMA``. Chunks are usually compressed already.
    allowZip64 : bool, default True
        Whether the archive may grow past 2 GiB or 65535 entries.
    mode : {'a', 'r', 'w', 'x'}
        ``'r'`` reads an existing archive, ``'w'`` makes a new one in place of any that
        exists, ``'a'`` changes one or makes it, ``'x'`` makes one that must not exist.
    dimension_separator : {'.', '/'}, optional
        Separator between the dimensions of a chunk key, for arrays created here.

    Raises
    ------
    StoreError
        If the file is not a whole archive, for example because its writer was stopped.
    FileNotFoundError, FileExistsError
        If the file is missing in mode ``'r'``, or exists in mode ``'x'``.

    Notes
    -----
    Call :meth:`close` after writing, or use the store as a context manager: the directory
    of the archive is written then, and before that no other reader can open the file.

    A value that is replaced or deleted leaves its bytes in the archive until
    :meth:`compact`. Replacing warns, as the standard library does, about a duplicate
    name; write chunks whole and once to avoid it.

    Safe to use from several threads. Several processes may read; of two that write, the
    second gets a `StoreError` until the first has closed or flushed.

    Examples
    --------
    >>> import zarr
    >>> with zarr.ZipStore('data/array.zip', mode='w') as store:
    ...     z = zarr.zeros((10, 10), chunks=(5, 5), store=store)
    ...     z[...] = 42
    >>> with zarr.ZipStore('data/array.zip', mode='r') as store:
    ...     sorted(store)
    ['.zarray', '0.0', '0.1', '1.0', '1.1']
    """

    partial_reads: ClassVar[bool] = True

    def __init__(
        self,
        path: str | os.PathLike[str],
        compression: int = ZIP_STORED,
        allowZip64: bool = True,  # noqa: N803  (the documented name)
        mode: str = "a",
        dimension_separator: Separator | None = None,
    ) -> None:
        if mode not in ("r", "w", "a", "x"):
            raise ValueError(f"mode must be 'r', 'w', 'a' or 'x', not {mode!r}")
        if compression not in zip_records.METHODS:
            raise ValueError(
                f"compression must be one of zipfile.ZIP_STORED, ZIP_DEFLATED, ZIP_BZIP2 and "
                f"ZIP_LZMA, not {compression!r}"
            )
        self.path = os.path.abspath(os.fspath(path))
        self.compression = compression
        self.allowZip64 = allowZip64
        self.mode = self._mode = mode
        self._dimension_separator = dimension_separator
        self._lock = RLock()
        self._tree: KeyTree | None = None
        self._pid = os.getpid()
        # Whether other writers are excluded, and whether this one has changed something that
        # the directory in the file does not tell yet.
        self._locked = self._uncommitted = False
        self._archive: _Archive | None = self._open()

    # -- the file ------------------------------------------------------------------

    @property
    def location(self) -> Hashable:
        return os.path.realpath(self.path)

    def _open(self) -> _Archive:
        if self.mode == "r":
            archive = _Archive(os.open(self.path, os.O_RDONLY))
        else:
            flags = os.O_RDWR | os.O_CREAT | (os.O_EXCL if self.mode == "x" else 0)
            if self.mode == "w":
                self._put_away()
                flags |= os.O_TRUNC
            archive = _Archive(os.open(self.path, flags, 0o666))
        if self.mode != "r" and os.fstat(archive.descriptor).st_size == 0:
            self._exclude_others(archive)
            self._locked = self._uncommitted = True
        else:
            self._load(archive)
        return archive

    def _put_away(self) -> None:
        # Whoever still has the old archive open keeps it, instead of seeing it torn.
        if os.path.isfile(self.path) and not os.path.islink(self.path):
            with contextlib.suppress(PermissionError):
                os.unlink(self.path)

    def _load(self, archive: _Archive) -> None:
        try:
            archive.load()
        except BadZipFile as error:
            raise StoreError(f"cannot open the ZIP archive {self.path!r}: {error}") from error

    def _exclude_others(self, archive: _Archive) -> None:
        try:
            fcntl.flock(archive.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(
                f"cannot write to the ZIP archive {self.path!r}: another process or another "
                "store object is writing to it; close or flush that one first"
            ) from None
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL):
                raise

    def _reading(self) -> _Archive:
        archive = self._archive
        if archive is None:
            raise StoreError(f"the ZIP archive {self.path!r} is closed")
        return archive

    def _writing(self) -> _Archive:
        """Return the archive, ready to be changed; call it with the lock held."""
        archive = self._reading()
        self.check_writeable()
        if self._pid != os.getpid():
            raise StoreError(
                f"the ZIP archive {self.path!r} was opened by another process; open it again "
                "to write to it"
            )
        if not self._locked:
            self._exclude_others(archive)
            archive = self._renewed(archive)
            self._locked = True
        return archive

    def _renewed(self, archive: _Archive) -> _Archive:
        """Return the archive as other writers may have left it in the meantime."""
        try:
            status = os.stat(self.path)
        except FileNotFoundError:
            raise StoreError(f"the ZIP archive {self.path!r} was deleted") from None
        if (status.st_ino, status.st_size, status.st_mtime_ns) == archive.stamp:
            return archive
        if status.st_ino == archive.stamp[0]:
            # The same open file, because the lock belongs to it.
            archive = _Archive(os.dup(archive.descriptor))
        else:
            archive = _Archive(os.open(self.path, os.O_RDWR))
            self._exclude_others(archive)
        self._load(archive)
        self._archive, self._tree = archive, None
        return archive

    def _commit(self) -> None:
        """Write the directory, so that the file is a whole archive again."""
        with self._lock:
            archive = self._reading()
            if not self._locked or self._pid != os.getpid():
                return
            if self._uncommitted:
                self._write_directory(archive)
            with contextlib.suppress(OSError):
                fcntl.flock(archive.descriptor, fcntl.LOCK_UN)
            self._locked = False

    def _write_directory(self, archive: _Archive) -> None:
        directory = b"".join([entry.record for entry in archive.entries.values()])
        ends = zip_records.end_records(archive.end, len(directory), len(archive.entries))
        archive.end = self._append(archive, [directory, ends])
        os.ftruncate(archive.descriptor, archive.end)
        archive.stamp = archive.look()
        self._uncommitted = False

    def _append(self, archive: _Archive, buffers: list[bytes | memoryview]) -> int:
        """Write at the end of the archive; return the new end."""
        self._uncommitted = True
        try:
            return archive.write(buffers, archive.end)
        except OSError as error:
            raise self._write_failure(archive, error) from error

    def _write_failure(self, archive: _Archive, error: OSError) -> StoreError:
        # Give back what a full disk took, so that there is room for the directory.
        with contextlib.suppress(OSError):
            os.ftruncate(archive.descriptor, archive.end)
        reason = f"cannot write to the ZIP archive: {error.strerror}"
        return StoreError(error.errno, reason, self.path)

    def flush(self) -> None:
        """Make the file a whole archive, with all that was written so far.

        Raises
        ------
        StoreError
            If the disk is full, among others; the store stays open to try again.
        """
        self._commit()

    def close(self) -> None:
        """Write what the archive lacks to be whole, and close it.

        Raises
        ------
        StoreError
            If the disk is full, among others; the store stays open to try again.
        """
        with self._lock:
            if self._archive is not None:
                self._commit()
                self._archive = self._tree = None

    def __del__(self) -> None:
        # An archive that nobody closed would otherwise be lost.
        if getattr(self, "_archive", None) is not None:
            self.close()

    def compact(self) -> int:
        """Rewrite the archive without the bytes of replaced and deleted values.

        The new archive takes the place of the old one at once, when it is complete and
        on the disk; whatever happens before leaves the old one as it was.

        Returns
        -------
        int
            Bytes by which the file has become smaller.
        """
        with self._lock:
            old = self._writing()
            target = os.path.realpath(self.path)
            folder, name = os.path.split(target)
            descriptor, temporary = tempfile.mkstemp(".tmp", f".{name}.", folder)
            try:
                new = self._rewritten(old, _Archive(descriptor))
                os.replace(temporary, target)
            except BaseException as error:
                os.unlink(temporary)
                if isinstance(error, (BadZipFile, OSError)):
                    reason = f"cannot compact the ZIP archive {self.path!r}: {error}"
                    raise StoreError(reason) from error
                raise
            self._archive, self._locked, self._uncommitted = new, False, False
            return old.end - new.end

    def _rewritten(self, old: _Archive, new: _Archive) -> _Archive:
        os.fchmod(new.descriptor, os.fstat(old.descriptor).st_mode & 0o7777)
        for entry, key in sorted((entry, key) for key, entry in old.entries.items()):
            new.end = self._copy_entry(old, entry, new, key, key)
        directory = b"".join([entry.record for entry in new.entries.values()])
        ends = zip_records.end_records(new.end, len(directory), len(new.entries))
        new.end = new.write([directory, ends], new.end)
        os.fsync(new.descriptor)
        new.stamp = new.look()
        return new

    def _copy_entry(
        self, source: _Archive, entry: Entry, target: _Archive, key: str, new_key: str
    ) -> int:
        """Copy a value as it is packed to the end of `target`; return the new end."""
        name = None if key == new_key else self._name(new_key)
        local, moved = zip_records.moved_entry(entry, target.end, name)
        start = target.end + len(local)
        target.write([local], target.end)
        source.copy(source.data_start(entry), entry.packed, target, start)
        target.entries[new_key] = moved
        target.data_starts[target.end] = start
        return start + entry.packed

    # -- reading -------------------------------------------------------------------

    def __getitem__(self, key: str) -> bytes:
        archive = self._reading()
        entry = archive.entries.get(key)
        if entry is None:
            raise KeyError(key)
        return self._value(archive, entry, key)

    def _value(self, archive: _Archive, entry: Entry, key: str) -> bytes:
        try:
            packed = archive.read(archive.data_start(entry), entry.packed)
            return self._unpacked(packed, entry)
        except BadZipFile as error:
            raise self._damaged(key, error) from error

    def _unpacked(self, packed: bytes, entry: Entry) -> bytes:
        if len(packed) < entry.packed:
            raise BadZipFile("the file was truncated")
        value = zip_records.decompressed(packed, entry) if entry.method else packed
        if len(value) != entry.size or zlib.crc32(value) != entry.crc:
            raise BadZipFile("its bytes are not those that were written (CRC-32)")
        return value

    def _damaged(self, key: str, error: Exception) -> StoreError:
        return StoreError(f"cannot read {key!r} from the ZIP archive {self.path!r}: {error}")

    def getitems(self, keys: Sequence[str]) -> dict[str, Buffer]:
        archive = self._reading()
        get = archive.entries.get
        found: dict[str, Buffer] = {}
        wanted = {key: entry for key in keys if (entry := get(key)) is not None}
        for block in _blocks((entry, key) for key, entry in wanted.items()):
            if len(block) == 1:
                ((entry, key),) = block
                found[key] = self._value(archive, entry, key)
            else:
                self._read_block(archive, block, found)
        return found

    def _read_block(
        self, archive: _Archive, block: list[tuple[Entry, str]], found: dict[str, Buffer]
    ) -> None:
        begin, last = block[0][0].start, block[-1][0]
        # What precedes the data is not longer than its twin in the directory, or nearly so.
        end = last.start + len(last.record) + _SMALL // 16 + last.packed
        data = archive.read(begin, end - begin)
        for entry, key in block:
            try:
                start = zip_records.data_start(data, entry, entry.start - begin) - begin
                if start + entry.packed > len(data):
                    found[key] = self._value(archive, entry, key)
                else:
                    found[key] = self._unpacked(data[start : start + entry.packed], entry)
            except BadZipFile as error:
                raise self._damaged(key, error) from error

    def get_partial_values(self, ranges: Sequence[tuple[str, ByteRange]]) -> list[Buffer | None]:
        archive = self._reading()
        values: list[Buffer | None] = []
        for key, byte_range in ranges:
            entry = archive.entries.get(key)
            if entry is None:
                values.append(None)
            elif entry.method != ZIP_STORED:
                values.append(take_range(self._value(archive, entry, key), byte_range))
            else:
                values.append(self._part(archive, entry, key, byte_range))
        return values

    def _part(self, archive: _Archive, entry: Entry, key: str, byte_range: ByteRange) -> bytes:
        start, length = byte_range
        begin = max(0, entry.size + start) if start < 0 else min(start, entry.size)
        wanted = entry.size - begin if length is None else min(length, entry.size - begin)
        try:
            data = archive.read(archive.data_start(entry) + begin, wanted)
        except BadZipFile as error:
            raise self._damaged(key, error) from error
        if len(data) < wanted:
            raise self._damaged(key, BadZipFile("the file was truncated"))
        return data

    def __contains__(self, key: object) -> bool:
        return key in self._reading().entries

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._reading().entries))

    def __len__(self) -> int:
        return len(self._reading().entries)

    # -- writing -------------------------------------------------------------------

    def _name(self, key: str) -> bytes:
        name = check_key(key).encode()
        if len(name) > _LONGEST_NAME:
            raise StoreKeyError(f"key {key[:40]!r}... is too long for a ZIP archive")
        return name

    def __setitem__(self, key: str, value: Buffer) -> None:
        self._put({key: value})

    def setitems(self, items: Mapping[str, Buffer]) -> None:
        self._put(items)

    def _put(self, items: Mapping[str, Buffer]) -> None:
        self.check_writeable()
        method = self.compression
        packed = []
        for key, value in items.items():
            data = as_view(value)
            pack = zip_records.compressed(data, method) if method else data
            packed.append((key, self._name(key), len(data), pack, zlib.crc32(data)))
        if not packed:
            return
        with self._lock:
            archive = self._writing()
            self._warn_of_duplicates(archive, items)
            end, buffers, entries, starts = archive.end, [], {}, {}
            for key, name, size, pack, crc in packed:
                local, entries[key] = zip_records.new_entry(name, end, size, pack, method, crc)
                buffers += [local, pack]
                starts[end] = end + len(local)
                end += len(local) + len(pack)
            self._check_limits(archive, end, entries)
            archive.end = self._append(archive, buffers)
            archive.data_starts.update(starts)
            archive.entries.update(entries)
            if self._tree is not None:
                for key in entries:
                    self._tree.add(key)

    def _warn_of_duplicates(self, archive: _Archive, keys: Iterable[str]) -> None:
        for key in keys:
            if key in archive.entries:
                warnings.warn(f"Duplicate name: {key!r}", UserWarning, stacklevel=4)

    def _check_limits(self, archive: _Archive, end: int, entries: Mapping[str, Entry]) -> None:
        if self.allowZip64:
            return
        number = len(archive.entries.keys() | entries.keys())
        if end > ZIP64_LIMIT or number > ZIP_FILECOUNT_LIMIT:
            raise LargeZipFile(
                f"the ZIP archive {self.path!r} would need ZIP64 extensions, which "
                "allowZip64=False forbids"
            )

    def __delitem__(self, key: str) -> None:
        with self._lock:
            archive = self._writing()
            if key not in archive.entries:
                raise KeyError(key)
            self._remove(archive, [key])

    def delitems(self, keys: Iterable[str]) -> None:
        with self._lock:
            self._remove(self._writing(), keys)

    def _remove(self, archive: _Archive, keys: Iterable[str]) -> None:
        for key in keys:
            if archive.entries.pop(key, None) is None:
                continue
            self._uncommitted = True
            if self._tree is not None:
                self._tree.remove(key)

    # -- listing -------------------------------------------------------------------

    def _keys(self) -> KeyTree:
        """Return the index of the keys by folder; call it with the lock held."""
        if self._tree is None:
            self._tree = KeyTree(self._reading().entries)
        return self._tree

    def list_prefix(self, path: str = "") -> Iterator[str]:
        with self._lock:
            return iter(list(self._keys().below(path)))

    def listdir(self, path: str = "") -> list[str]:
        with self._lock:
            return self._keys().names(path)

    def rmdir(self, path: str = "") -> None:
        with self._lock:
            archive = self._writing()
            self._remove(archive, [*self._keys().below(path), path])

    def rename(self, src_path: str, dst_path: str) -> None:
        if src_path == dst_path:
            return
        with self._lock:
            archive = self._writing()
            for key in [*self._keys().below(src_path), src_path]:
                entry = archive.entries.get(key)
                if entry is not None:
                    self._move(archive, entry, key, dst_path + key[len(src_path) :])

    def _move(self, archive: _Archive, entry: Entry, key: str, new_key: str) -> None:
        # The name is part of what precedes the data, so the value is written once more.
        self._uncommitted = True
        try:
            archive.end = self._copy_entry(archive, entry, archive, key, new_key)
        except BadZipFile as error:
            raise self._damaged(key, error) from error
        except StoreKeyError:
            raise
        except OSError as error:
            raise self._write_failure(archive, error) from error
        del archive.entries[key]
        self._keys().remove(key)
        self._keys().add(new_key)

    def getsize(self, path: str = "") -> int:
        with self._lock:
            entries = self._reading().entries
            if path in entries:
                return entries[path].size
            return sum(entries[key].size for key in self._keys().values(path))

    # -- as an object --------------------------------------------------------------

    def __reduce__(self) -> Any:
        self.flush()
        mode = "r" if self.mode == "r" else "a"
        return type(self), (
            self.path,
            self.compression,
            self.allowZip64,
            mode,
            self._dimension_separator,
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.path!r}, mode {self.mode!r}>"
