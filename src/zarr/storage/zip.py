"""A store in a ZIP archive."""

from __future__ import annotations

import errno
import os
import stat
import warnings
import zlib
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from operator import attrgetter
from typing import Any, ClassVar
from zipfile import ZIP64_LIMIT, ZIP_FILECOUNT_LIMIT, ZIP_STORED, BadZipFile, LargeZipFile, ZipFile

from zarr._system import KEEPS_OPEN_FILES, RLock, rename, sync, unlink
from zarr.errors import (
    StoreError,
    StoreKeyError,
    TransactionError,
    ZarrRuntimeWarning,
    ZarrUserWarning,
)
from zarr.storage import zip_records
from zarr.storage.base import (
    BaseStore,
    Buffer,
    ByteRange,
    Outcome,
    Separator,
    StoreTransaction,
    as_view,
    check_key,
    take_range,
)
from zarr.storage.files import file_type
from zarr.storage.key_tree import KeyTree
from zarr.storage.zip_archive import Archive, File, note_changed, note_written, stamp_of
from zarr.storage.zip_comment import Commented
from zarr.storage.zip_move import Movable
from zarr.storage.zip_records import Entry
from zarr.storage.zip_transaction import Staging, ZipTransaction
from zarr.sync import renew_after_fork

__all__ = ["ZipStore"]

_SMALL = 64 << 10
"""Values up to this many bytes are read together with their neighbours."""

_GAP = 16 << 10
"""Bytes between two values that are rather read than left out."""

_BLOCK = 1 << 20
"""Most bytes that are read together."""

_LONGEST_NAME = 0xFFFF

_method_of = attrgetter("method")


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


class ZipStore(Commented, Movable, BaseStore):
    """A store in a ZIP archive, one entry per key.

    Parameters
    ----------
    path : str or path-like
        The archive.
    compression : int, default 0
        Compression of new entries: `zipfile.ZIP_STORED`, ``ZIP_DEFLATED``, ``ZIP_BZIP2`` or
        ``ZIP_LZMA``. Chunks are usually compressed already.
    allowZip64 : bool, default True
        Whether the archive can grow beyond 2 GiB or 65535 entries.
    mode : {'a', 'r', 'w', 'x'}, default 'a'
        ``'r'``: read an existing archive. ``'w'``: create, an existing file is replaced. ``'a'``:
        change an existing archive, or create one. ``'x'``: create, must not exist.
    dimension_separator : {'.', '/'}, optional
        Separator between the chunk indices in a chunk key, for arrays created in this store.
    read_only : bool, optional
        Whether nothing can be written: as mode 'r'. By default as `mode` says.

    Attributes
    ----------
    max_expansion : int, default 256 MiB
        Maximum size in bytes of a value that is decompressed from less than a hundredth of its
        size. Set it on a store, or on the class, to read larger values that compress that well.

    Raises
    ------
    StoreError
        If the file is not a ZIP archive, or its directory is damaged, or its writer was stopped
        before the first :meth:`flush` or :meth:`close`.
    FileNotFoundError, FileExistsError
        If the file is missing in mode ``'r'``, or exists in mode ``'x'``.

    Warns
    -----
    ZarrRuntimeWarning
        If the archive does not end with its directory, because its writer was stopped or has not
        closed it yet. The store then contains the values that were flushed.

    Notes
    -----
    Call :meth:`close` after writing, or use the store as a context manager: the directory of the
    archive is written then. :meth:`flush` writes it, too. A process that is killed loses only
    values written since: a new directory is appended, and the previous one remains in the file.
    Other ZIP tools can open such an archive after :meth:`repair`. The file is not synchronized
    with the disk, except by :meth:`compact`; a power failure can damage values, which raises an
    error when they are read.

    A value that is replaced or deleted leaves its bytes in the archive until :meth:`compact`.
    Replacing a value warns about a duplicate name, as the standard library does; write whole chunks
    once to avoid it.

    Damaged values raise `StoreError`. The comment of the archive contains a checksum of the
    directory, so that a damaged name does not make a value absent. In archives of other tools,
    the names in the directory are compared with those before the values: of a value when it is
    read, and of all names of the same length before a key is reported as missing, once each.

    Compressed values are checked before they are decompressed: sizes that the compression cannot
    produce are refused, and so are values (or several that are read together) that expand more
    than a hundredfold beyond `max_expansion`. Values that would do so are stored uncompressed.

    A transaction appends its values and writes the directory once, at its end; an exception cuts
    them off again. Meanwhile this store can be read, and not changed.

    Safe to use from several threads. Several processes can read; of two that write, the second gets
    a `StoreError` until the first has closed or flushed.

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
    atomic_folders: ClassVar[bool] = True
    has_transactions: ClassVar[bool] = True
    frees_space: ClassVar[bool] = False
    max_expansion: int = 256 << 20

    def __init__(
        self,
        path: str | os.PathLike[str],
        compression: int = ZIP_STORED,
        allowZip64: bool = True,  # noqa: N803  (the documented name)
        mode: str = "a",
        dimension_separator: Separator | None = None,
        *,
        read_only: bool | None = None,
    ) -> None:
        mode = "r" if read_only else mode
        if mode not in ("r", "w", "a", "x"):
            raise ValueError(f"mode must be 'r', 'w', 'a' or 'x', not {mode!r}")
        if compression not in zip_records.METHODS:
            raise ValueError(
                f"compression must be one of zipfile.ZIP_STORED, ZIP_DEFLATED, ZIP_BZIP2 and "
                f"ZIP_LZMA, not {compression!r}"
            )
        self.path = os.path.abspath(os.fspath(path))
        # The file itself, which this store keeps to when a link is changed.
        self._target = os.path.realpath(self.path)
        self.compression = compression
        self.allowZip64 = allowZip64
        self.mode = self._mode = mode
        self._dimension_separator = dimension_separator
        self._pid = os.getpid()
        renew_after_fork(self)
        # Whether other writers are surely excluded, as they are where something is uncommitted.
        self._locked = self._uncommitted = self._in_transaction = False
        self._archive: Archive | None = self._open()

    @property
    def _uncommitted(self) -> bool:
        """Whether something may have changed that the directory in the file does not tell yet."""
        return self._is_changed

    @_uncommitted.setter
    def _uncommitted(self, value: bool) -> None:
        self._is_changed = value
        if value and self._archive is not None:
            note_changed(self, self._archive.file)
        else:
            note_written(self)

    # -- the file ------------------------------------------------------------------

    @property
    def location(self) -> Hashable:
        return self._target

    def _renew(self) -> None:
        # In a forked child no thread is left that would release the lock, or finish the index.
        self._lock = RLock()
        self._tree: KeyTree | None = None

    def _open(self) -> Archive:
        if self.mode == "r":
            archive = Archive(self._opened("r"))
        elif self.mode == "a":
            archive = Archive(self._opened_or_created())
        else:
            if self.mode == "w":
                self._put_away()
            archive = Archive(self._opened(f"{self.mode}+"))
        if self.mode != "r" and os.fstat(archive.descriptor).st_size == 0:
            self._exclude_others(archive)
            self._locked = True
            self._archive, self._uncommitted = archive, True
        else:
            self._load(archive)
        return archive

    def _opened(self, mode: str) -> File:
        # Opening a pipe waits for a process at its other end, perhaps forever.
        if file_type(self._target) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise StoreError(f"cannot open the ZIP archive {self.path!r}: it is not a file")
        return File(self._target, mode)

    def _opened_or_created(self) -> File:
        while True:
            with suppress(FileNotFoundError):
                return self._opened("r+")
            with suppress(FileExistsError):
                return self._opened("x+")

    def _put_away(self) -> None:
        # Whoever still has the old archive open keeps it, instead of seeing it torn.
        if os.path.isfile(self.path) and not os.path.islink(self.path):
            try:
                unlink(self.path)
            except PermissionError as error:
                if KEEPS_OPEN_FILES:
                    raise StoreError(
                        f"cannot replace the ZIP archive {self.path!r}: {error.strerror}"
                    ) from error

    def _load(self, archive: Archive) -> None:
        try:
            archive.load()
        except (BadZipFile, MemoryError) as error:
            raise StoreError(f"cannot open the ZIP archive {self.path!r}: {error}") from error
        if archive.unfinished:
            warnings.warn(
                f"the ZIP archive {self.path!r} does not end with its directory: its writer was "
                f"stopped, or has not closed it yet; its last {archive.unfinished} bytes are "
                "ignored. When no process writes to it, ZipStore.repair() restores it",
                ZarrRuntimeWarning,
                stacklevel=4,
            )

    def _exclude_others(self, archive: Archive) -> None:
        try:
            archive.file.lock.acquire()
        except BlockingIOError:
            raise StoreError(
                f"cannot write to the ZIP archive {self.path!r}: another process or another "
                "store object is writing to it; close or flush that one first"
            ) from None
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL):
                raise

    def _reading(self) -> Archive:
        archive = self._archive
        if archive is None:
            raise StoreError(f"the ZIP archive {self.path!r} is closed")
        return archive

    def _writing(self) -> Archive:
        """Return the archive, ready to be changed; call it with the lock held."""
        archive = self._reading()
        self.check_writeable()
        self._check_no_transaction()
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

    def _check_no_transaction(self) -> None:
        if self._in_transaction:
            raise TransactionError(
                f"{self!r} is in a transaction: use that one, or wait for its end"
            )

    def _renewed(self, archive: Archive) -> Archive:
        """Return the archive as other writers may have left it in the meantime."""
        try:
            stamp = stamp_of(os.stat(self._target))
        except FileNotFoundError:
            raise StoreError(f"the ZIP archive {self.path!r} was deleted") from None
        if stamp == archive.stamp:
            return archive
        if stamp[:2] == archive.stamp[:2]:
            # The same open file, because the lock belongs to it.
            archive = Archive(archive.file)
        else:
            archive = Archive(self._opened("r+"))
            self._exclude_others(archive)
        self._load(archive)
        self._tree = None
        self._archive = archive
        return archive

    def flush(self) -> None:
        """Write the directory of the archive, so that all values written so far are in it.

        Raises
        ------
        StoreError
            If writing fails, for instance because the disk is full. The store stays open, so that
            the call can be repeated.
        """
        with self._lock:
            archive = self._reading()
            if not self.is_writeable() or self._pid != os.getpid() or self._in_transaction:
                return
            if self._uncommitted:
                self._append_directory(archive)
            # In this order, or an interruption could make this store believe that it still
            # excludes others.
            self._locked = False
            archive.file.lock.release()

    def _append_directory(self, archive: Archive) -> None:
        try:
            archive.append_directory()
        except OSError as error:
            raise self._write_failure(error) from error
        self._uncommitted = False

    def _write_failure(self, error: OSError) -> StoreError:
        reason = f"cannot write to the ZIP archive: {error.strerror}"
        return StoreError(error.errno, reason, self.path)

    def close(self) -> None:
        """Write the directory of the archive if it has changed, and close the file.

        Raises
        ------
        StoreError
            If writing fails, for instance because the disk is full. The store stays open, so that
            the call can be repeated.
        """
        with self._lock:
            if self._archive is not None:
                self._check_no_transaction()
                self.flush()
                self._archive = self._tree = None
                self._uncommitted = False

    def __del__(self) -> None:
        # An archive that was not closed would otherwise be lost.
        try:
            if getattr(self, "_archive", None) is not None:
                self.close()
        finally:
            note_written(self)

    def begin(
        self, *, fsync: bool = True, timeout: float = 30.0, read_only: bool = False
    ) -> StoreTransaction:
        return ZipTransaction(self, _ZipStaging, fsync, read_only)

    def recover(self, timeout: float = 30.0) -> Outcome:
        return "rolled back" if self.repair() else "clean"

    def repair(self) -> int:
        """Restore an archive whose writer was stopped.

        Bytes after the last complete directory are cut off, so that every ZIP tool can open the
        file; no value that this store shows is lost. If the process is killed meanwhile, the
        archive is unchanged or repaired.

        Returns
        -------
        int
            Number of bytes that were cut off; 0 if the archive was complete, or has become so by
            a write since it was opened.

        Examples
        --------
        >>> import zarr
        >>> with zarr.ZipStore('data/repaired.zip', mode='w') as store:
        ...     store['a'] = b'value'
        >>> with open('data/repaired.zip', 'ab') as file:  # as a killed writer leaves it
        ...     _ = file.write(b'half a value')
        >>> import warnings
        >>> with warnings.catch_warnings(action='ignore'):
        ...     store = zarr.ZipStore('data/repaired.zip', mode='a')
        >>> store['a'], store.repair()
        (b'value', 12)
        >>> store.close()
        """
        with self._lock:
            archive = self._writing()
            cut = 0
            try:
                if not self._uncommitted:
                    cut = archive.cut_unfinished()
            except OSError as error:
                raise self._write_failure(error) from error
            self.flush()
            return cut

    def compact(self) -> int:
        """Rewrite the archive without the bytes of replaced and deleted values.

        The new archive replaces the old one when it is complete and on the disk; a failure before
        that leaves the old one unchanged.

        Returns
        -------
        int
            Number of bytes by which the file has become smaller.
        """
        with self._lock:
            old = self._writing()
            if self._uncommitted:
                # Whatever happens after the new archive has taken the place of the old one,
                # nothing is left to be written to the old one.
                self._append_directory(old)
            folder, name = os.path.split(self._target)
            # Always the same name, so that the next time takes away what a kill has left.
            temporary = os.path.join(folder, f".{name}.compacting")
            size = old.end
            try:
                new = self._rewritten(old, temporary)
                self._locked = False
                if KEEPS_OPEN_FILES:
                    del old
                    new = self._replaced_closed(new, temporary)
                else:
                    rename(temporary, self._target)
            except BaseException as error:
                with suppress(OSError):
                    os.unlink(temporary)
                if isinstance(error, (BadZipFile, OSError)):
                    reason = f"cannot compact the ZIP archive {self.path!r}: {error}"
                    raise StoreError(reason) from error
                raise
            self._archive = new
            return size - new.end

    def _replaced_closed(self, new: Archive, path: str) -> Archive:
        """Put the file of `new` in place of the archive, where both must be closed for that.

        Readers that are not done with the old archive in time make it fail.
        """
        new.file.close()
        self._archive = self._tree = None
        try:
            rename(path, self._target)
        finally:
            archive = self._archive = Archive(self._opened("r+"))
            self._load(archive)
        return archive

    def _rewritten(self, old: Archive, path: str) -> Archive:
        with suppress(FileNotFoundError):
            os.unlink(path)
        new = Archive(File(path, "x+"))
        new.comment = old.comment
        os.chmod(path, os.fstat(old.descriptor).st_mode & 0o7777)
        for entry, key in sorted((entry, key) for key, entry in old.entries.items()):
            new.entries[key] = new.append_copy(old, entry)
        new.others = [new.append_copy(old, entry) for entry in sorted(old.others)]
        new.append_directory()
        sync(new.descriptor)
        return new

    # -- reading -------------------------------------------------------------------

    def __getitem__(self, key: str) -> bytes:
        archive = self._reading()
        entry = archive.entries.get(key)
        if entry is None:
            self._check_absent(archive, key)
            raise KeyError(key)
        return self._value(archive, entry, key)

    def _check_absent(self, archive: Archive, key: str) -> None:
        """Raise `StoreError` if `key` may be there, under a damaged name."""
        try:
            archive.check_absent(key)
        except (BadZipFile, OSError, MemoryError) as error:
            reason = f"cannot tell whether {key!r} is in the ZIP archive {self.path!r}: {error}"
            raise StoreError(reason) from error

    def _value(self, archive: Archive, entry: Entry, key: str) -> bytes:
        try:
            packed = archive.read(archive.data_start(entry), entry.packed)
            return self._unpacked(packed, entry)
        except (BadZipFile, OSError, MemoryError) as error:
            raise self._damaged(key, error) from error

    def _unpacked(self, packed: bytes, entry: Entry) -> bytes:
        if len(packed) < entry.packed:
            raise BadZipFile("the file was truncated")
        value = self._expanded(packed, entry) if entry.method else packed
        if len(value) != entry.size or zlib.crc32(value) != entry.crc:
            raise BadZipFile("its bytes differ from those that were written (CRC-32)")
        return value

    def _expanded(self, packed: bytes, entry: Entry) -> bytes:
        if zip_records.expands_beyond(self.max_expansion, entry.size, entry.packed):
            raise BadZipFile(
                f"{entry.packed} compressed bytes would expand to {entry.size}; set "
                "ZipStore.max_expansion to allow that"
            )
        return zip_records.decompressed(packed, entry)

    def _damaged(self, key: str, error: Exception) -> StoreError:
        if isinstance(error, MemoryError):
            error = MemoryError("it does not fit into memory")
        return StoreError(f"cannot read {key!r} from the ZIP archive {self.path!r}: {error}")

    def getitems(self, keys: Sequence[str], *, contexts: Any = None) -> dict[str, Buffer]:
        archive = self._reading()
        get = archive.entries.get
        found: dict[str, Buffer] = {}
        wanted = {key: entry for key in keys if (entry := get(key)) is not None}
        if not archive.sealed:
            for key in keys:
                if key not in wanted:
                    self._check_absent(archive, key)
        if any(map(_method_of, wanted.values())):
            self._check_expansion(wanted)
        for block in _blocks((entry, key) for key, entry in wanted.items()):
            if len(block) == 1:
                ((entry, key),) = block
                found[key] = self._value(archive, entry, key)
            else:
                self._read_block(archive, block, found)
        return found

    def _check_expansion(self, wanted: Mapping[str, Entry]) -> None:
        """Raise if values that are no bombs alone are one together."""
        bombs = {
            key: entry.size
            for key, entry in wanted.items()
            if entry.method and zip_records.expands_beyond(0, entry.size, entry.packed)
        }
        if len(bombs) > 1 and sum(bombs.values()) > self.max_expansion:
            raise StoreError(
                f"cannot read {next(iter(bombs))!r} and {len(bombs) - 1} other keys from the ZIP "
                f"archive {self.path!r} together: they would expand to "
                f"{sum(bombs.values())} bytes; read fewer keys, or set ZipStore.max_expansion"
            )

    def _read_block(
        self, archive: Archive, block: list[tuple[Entry, str]], found: dict[str, Buffer]
    ) -> None:
        begin, last = block[0][0].start, block[-1][0]
        # What precedes the data is not longer than its twin in the directory, or nearly so.
        end = last.start + len(last.record) + _SMALL // 16 + last.packed
        try:
            data = archive.read(begin, end - begin)
        except (OSError, MemoryError) as error:
            raise self._damaged(block[0][1], error) from error
        data_start, check = zip_records.data_start, not archive.sealed
        for entry, key in block:
            try:
                start = data_start(data, entry, entry.start - begin, check_name=check) - begin
                if start + entry.packed > len(data):
                    found[key] = self._value(archive, entry, key)
                else:
                    found[key] = self._unpacked(data[start : start + entry.packed], entry)
            except (BadZipFile, MemoryError) as error:
                raise self._damaged(key, error) from error

    def get_partial_values(self, ranges: Sequence[tuple[str, ByteRange]]) -> list[Buffer | None]:
        archive = self._reading()
        values: list[Buffer | None] = []
        for key, byte_range in ranges:
            entry = archive.entries.get(key)
            if entry is None:
                self._check_absent(archive, key)
                values.append(None)
            elif entry.method != ZIP_STORED:
                values.append(take_range(self._value(archive, entry, key), byte_range))
            else:
                values.append(self._part(archive, entry, key, byte_range))
        return values

    def _part(self, archive: Archive, entry: Entry, key: str, byte_range: ByteRange) -> bytes:
        start, length = byte_range
        begin = max(0, entry.size + start) if start < 0 else min(start, entry.size)
        wanted = entry.size - begin if length is None else min(length, entry.size - begin)
        try:
            if entry.packed != entry.size:
                raise BadZipFile("it is not compressed, but declares to be")
            data = archive.read(archive.data_start(entry) + begin, wanted)
        except (BadZipFile, OSError, MemoryError) as error:
            raise self._damaged(key, error) from error
        if len(data) < wanted:
            raise self._damaged(key, BadZipFile("the file was truncated"))
        return data

    def __contains__(self, key: object) -> bool:
        archive = self._reading()
        if key in archive.entries:
            return True
        if isinstance(key, str):
            self._check_absent(archive, key)
        return False

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
        packed = [self._packed(key, as_view(value)) for key, value in items.items()]
        if not packed:
            return
        with self._lock:
            archive = self._writing()
            self._warn_of_duplicates(archive, items)
            end, buffers, entries, starts = archive.end, [], {}, {}
            for key, name, size, pack, method, crc in packed:
                local, entry = zip_records.new_entry(name, end, size, pack, method, crc)
                entries[key] = entry
                buffers += [local, pack]
                starts[entry.record] = end + len(local)
                end += len(local) + len(pack)
            self._check_limits(archive, end, entries)
            self._uncommitted = True
            try:
                archive.append_values(buffers, starts)
            except OSError as error:
                raise self._write_failure(error) from error
            tree, self._tree = self._tree, None
            archive.entries.update(entries)
            if tree is not None:
                for key in entries:
                    tree.add(key)
                self._tree = tree

    def _packed(
        self, key: str, data: memoryview
    ) -> tuple[str, bytes, int, bytes | memoryview, int, int]:
        name, size, method = self._name(key), len(data), self.compression
        pack = zip_records.compressed(data, method) if method else data
        if zip_records.expands_beyond(self.max_expansion, size, len(pack)):
            # It could not be distinguished from a decompression bomb.
            pack, method = data, ZIP_STORED
        return key, name, size, pack, method, zlib.crc32(data)

    def _warn_of_duplicates(self, archive: Archive, keys: Iterable[str]) -> None:
        for key in keys:
            if key in archive.entries:
                warnings.warn(f"Duplicate name: {key!r}", ZarrUserWarning, stacklevel=4)

    def _check_limits(self, archive: Archive, end: int, entries: Mapping[str, Entry]) -> None:
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
                self._check_absent(archive, key)
                raise KeyError(key)
            self._remove(archive, [key])

    def delitems(self, keys: Iterable[str]) -> None:
        with self._lock:
            self._remove(self._writing(), keys)

    def _remove(self, archive: Archive, keys: Iterable[str]) -> None:
        tree, self._tree = self._tree, None
        for key in keys:
            if key not in archive.entries:
                continue
            self._uncommitted = True
            del archive.entries[key]
            if tree is not None:
                tree.remove(key)
        self._tree = tree

    # -- listing -------------------------------------------------------------------

    def _keys(self) -> KeyTree:
        """Return the index of the keys by folder; call it with the lock held."""
        if self._tree is None:
            self._tree = KeyTree(self._reading().entries)
        return self._tree

    @property
    def zf(self) -> ZipFile:
        """The archive as a `zipfile.ZipFile` for reading, with all values written so far."""
        self._reading()
        self.flush()
        return ZipFile(self._target)

    def keylist(self) -> list[str]:
        """Return all keys.

        Returns
        -------
        list of str
            The keys, sorted.
        """
        return sorted(self)

    def list_prefix(self, path: str = "") -> Iterator[str]:
        with self._lock:
            return iter(list(self._keys().below(path)))

    def list_sizes(self, path: str = "") -> Iterator[tuple[str, int]]:
        with self._lock:
            entries = self._reading().entries
            return iter([(key, entries[key].size) for key in self._keys().below(path)])

    def listdir(self, path: str = "") -> list[str]:
        with self._lock:
            return self._keys().names(path)

    def rmdir(self, path: str = "") -> None:
        with self._lock:
            archive = self._writing()
            self._exchange(archive, list(self._keys().below(path)), {})

    def rename(self, src_path: str, dst_path: str) -> None:
        if src_path == dst_path:
            return
        with self._lock:
            archive = self._writing()
            keys = self._at_or_below(archive, src_path)
            new_keys = [dst_path + key[len(src_path) :] for key in keys]
            names = [self._name(key) for key in new_keys]
            self._uncommitted, start = True, archive.end
            try:
                copies = [self._copied(archive, *moved) for moved in zip(keys, names, strict=True)]
            except StoreError:
                archive.give_back(start)
                raise
            self._exchange(archive, keys, dict(zip(new_keys, copies, strict=True)))

    def _at_or_below(self, archive: Archive, path: str) -> list[str]:
        return [key for key in (*self._keys().below(path), path) if key in archive.entries]

    def _copied(self, archive: Archive, key: str, name: bytes) -> Entry:
        # The name is part of what precedes the data, so the value is written again.
        try:
            return archive.append_copy(archive, archive.entries[key], name)
        except BadZipFile as error:
            raise self._damaged(key, error) from error
        except OSError as error:
            raise self._write_failure(error) from error

    def _exchange(self, archive: Archive, removed: list[str], added: dict[str, Entry]) -> None:
        """Put the entries `added` in place of those `removed`, at once for all readers."""
        if not removed:
            return
        self._uncommitted = True
        gone = set(removed)
        entries = {key: entry for key, entry in archive.entries.items() if key not in gone}
        entries.update(added)
        tree, self._tree = self._tree, None
        archive.entries = entries
        if tree is not None:
            for key in removed:
                tree.remove(key)
            for key in added:
                tree.add(key)
            self._tree = tree

    def getsize(self, path: str = "") -> int:
        with self._lock:
            entries = self._reading().entries
            if path in entries:
                return entries[path].size
            return sum(entries[key].size for key in self._keys().values(path))

    # -- as an object --------------------------------------------------------------

    def __reduce__(self) -> Any:
        with self._lock:
            if self._archive is not None:
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


class _ZipStaging(Staging, ZipStore):
    """The store in a transaction."""
