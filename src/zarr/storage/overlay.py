"""A directory with changes over it: those of a transaction, or of a commit not yet completed."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar

from zarr._system import READ, link, unlink
from zarr.errors import ReadOnlyError, StoreKeyError, TransactionError
from zarr.storage.base import (
    BaseStore,
    Buffer,
    ByteRange,
    as_bytes,
    check_key,
    take_range,
)
from zarr.storage.files import ABSENT, read_all, read_ranges, write_new_file
from zarr.storage.journal import Changes

__all__ = ["MemoryStagingStore", "OverlayStore", "StagingStore"]


class OverlayStore(BaseStore):
    """A read-only store that shows a directory as it is after some changes.

    Parameters
    ----------
    base : DirectoryStore
        The directory.
    journal : Journal
        The journal of the directory, which has the new files.
    changes : Changes
        What has changed.
    """

    partial_reads: ClassVar[bool] = True
    atomic_folders: ClassVar[bool] = True
    _mode = "r"

    def __init__(self, base: Any, journal: Any, changes: Changes) -> None:
        self.base = self._counted_as = base
        self._journal = journal
        self._changes = changes
        self._dimension_separator = base._dimension_separator

    @property
    def location(self) -> Hashable:
        return ("transaction", self._changes.token, self.base.location)

    def __repr__(self) -> str:
        return f"<transaction on {self.base!r}>"

    def explain_absence(self, path: str) -> str:
        return self.base.explain_absence(path)  # type: ignore[no-any-return]

    def _name(self, key: object) -> str:
        """Return a key as the store below has it."""
        return self._plain_name(key)

    def _plain_name(self, key: object) -> str:
        return self.base._name(key)  # type: ignore[no-any-return]

    # -- reading -------------------------------------------------------------------

    def _new(self, name: str, ranges: Sequence[ByteRange] | None = None) -> Any:
        """Return the new value of a key, or those `ranges` of it.

        None if it has none, or none any more, because it has been put into its place.
        """
        known = self._changes.files.get(name)
        if known is None:
            return None
        path = self._journal.path(self._changes, known[0])
        with suppress(*ABSENT):
            (descriptor,) = map(os.open, (path,), (READ,))
            try:
                return read_all(descriptor) if ranges is None else read_ranges(descriptor, ranges)
            finally:
                os.close(descriptor)
        return None

    def _split(self, keys: Iterable[str]) -> tuple[dict[str, str], list[str]]:
        """Return the names of keys with new values, and the keys to be read of the directory."""
        new: dict[str, str] = {}
        old: list[str] = []
        for key in keys:
            try:
                name = self._name(key)
            except StoreKeyError:
                if isinstance(key, str):
                    old.append(key)
                continue
            if name in self._changes.files:
                new[key] = name
            elif not self._changes.hides(name):
                old.append(key)
        return new, old

    def __getitem__(self, key: str) -> Buffer:
        self._name(key)
        found = OverlayStore.getitems(self, [key])
        if not found:
            raise KeyError(key)
        return found[key]

    def getitems(self, keys: Sequence[str], *, contexts: Any = None) -> dict[str, Buffer]:
        new, old = self._split(keys)
        found: dict[str, Buffer] = {}
        for key, name in new.items():
            value = self._new(name)
            if value is None:
                old.append(key)
            else:
                found[key] = value
        return found | self.base.getitems(old) if old else found

    def get_partial_values(self, ranges: Sequence[tuple[str, ByteRange]]) -> list[Buffer | None]:
        values: list[Buffer | None] = []
        for key, group in itertools.groupby(ranges, key=lambda item: item[0]):
            wanted = [byte_range for _, byte_range in group]
            new, old = self._split([key])
            parts = self._new(new[key], wanted) if new else None
            if parts is None and (new or old):
                parts = self.base.get_partial_values([(key, one) for one in wanted])
            values += parts or [None] * len(wanted)
        return values

    def __contains__(self, key: object) -> bool:
        try:
            new, old = self._split([key])  # type: ignore[list-item]
        except StoreKeyError:
            return False
        return bool(new) or (bool(old) and key in self.base)

    def present(self, keys: Sequence[str]) -> list[str]:
        return [key for key in keys if key in self]

    # -- listing -------------------------------------------------------------------

    def _files_below(self, path: str) -> list[tuple[str, int]]:
        prefix = f"{path}/" if path else ""
        files = self._changes.files
        return [(key, files[key][1]) for key in list(files) if key.startswith(prefix)]

    def __iter__(self) -> Iterator[str]:
        return self.list_prefix()

    def list_prefix(self, path: str = "") -> Iterator[str]:
        return (key for key, _ in self.list_sizes(path))

    def list_sizes(self, path: str = "") -> Iterator[tuple[str, int]]:
        new = self._files_below(path)
        yield from new
        names = {key for key, _ in new}
        if path and self._changes.hides(path):
            return
        for key, size in self.base.list_sizes(path):
            if key not in names and not self._changes.hides(key):
                yield key, size

    def listdir(self, path: str = "") -> list[str]:
        skip = len(path) + 1 if path else 0
        names = {key[skip:].partition("/")[0] for key, _ in self._files_below(path)}
        if not (path and self._changes.hides(path)):
            prefix = f"{path}/" if path else ""
            names |= {name for name in self.base.listdir(path) if self._is_left(prefix + name)}
        return sorted(names)

    def _is_left(self, path: str) -> bool:
        """Tell whether something of what the directory has at `path` is left."""
        if self._changes.hides(path):
            return False
        return not self._changes.deletes_below(path) or any(True for _ in self.list_prefix(path))

    def getsize(self, path: str = "") -> int:
        if path and path in self:
            new, _ = self._split([path])
            return self._changes.files[new[path]][1] if new else self.base.getsize(path)
        prefix = f"{path}/" if path else ""
        return sum(size for key, size in self.list_sizes(path) if "/" not in key[len(prefix) :])

    def get_ages(self, keys: Iterable[str]) -> dict[str, float]:
        new, old = self._split(keys)
        return self.base.get_ages([*new, *old])  # type: ignore[no-any-return]

    # -- refusing to write -----------------------------------------------------------

    def _refuse(self, *args: Any) -> None:
        raise ReadOnlyError(f"{self!r} is read-only: it was begun with read_only=True")

    __setitem__ = __delitem__ = _refuse
    setitems = delitems = rmdir = rename = _refuse  # type: ignore[assignment]


class StagingStore(OverlayStore):
    """A store whose changes go into the journal of a directory until they are committed.

    Parameters
    ----------
    base : DirectoryStore
        The directory.
    journal : Journal
        Its journal, locked for this transaction.
    changes : Changes
        What has changed; written by this store.
    """

    _mode = "a"

    def __init__(self, base: Any, journal: Any, changes: Changes) -> None:
        super().__init__(base, journal, changes)
        self._numbers = itertools.count()
        self._is_over = self._has_folder = False

    def close_for_changes(self) -> None:
        """Refuse all use from now on."""
        self._is_over = True

    def _check_open(self) -> None:
        if self._is_over:
            raise TransactionError(f"{self!r} is over; begin another one with zarr.transaction")

    def _name(self, key: object) -> str:
        if self._is_over:
            self._check_open()
        return super()._name(key)

    # -- writing -------------------------------------------------------------------

    def __setitem__(self, key: str, value: Buffer) -> None:
        StagingStore.setitems(self, {key: value})

    def setitems(self, items: Mapping[str, Buffer]) -> None:
        for key, value in items.items():
            name, number = self._name(key), next(self._numbers)
            size = self._write(number, value)
            self._note(name, number, size)

    def _note(self, name: str, number: int, size: int) -> None:
        before = self._changes.files.get(name)
        self._changes.files[name] = number, size
        self._changes.keys.discard(name)
        self._remove(before)

    def _write(self, number: int, value: Buffer) -> int:
        path = self._journal.path(self._changes, number)
        try:
            return write_new_file(path, value)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            return write_new_file(path, value)

    def adopt(self, key: str, path: str, put: Any) -> None:
        """Store a file under a key: ``put(path, new_path)`` makes the new one.

        Parameters
        ----------
        key : str
            The key.
        path : str
            The file.
        put : callable
            Links or copies it.
        """
        name, number = self._name(key), next(self._numbers)
        target = self._journal.path(self._changes, number)
        if not self._has_folder:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            self._has_folder = True
        put(path, target)
        self._note(name, number, os.stat(target).st_size)

    def _remove(self, file: tuple[int, int] | None) -> None:
        if file is not None:
            unlink(self._journal.path(self._changes, file[0]))

    def __delitem__(self, key: str) -> None:
        if key not in self:
            raise KeyError(key)
        StagingStore.delitems(self, [key])

    def delitems(self, keys: Iterable[str]) -> None:
        for key in keys:
            try:
                name = self._name(key)
            except StoreKeyError:
                continue
            self._remove(self._changes.files.pop(name, None))
            if not self._changes.hides(name) and self._is_below(key):
                self._changes.keys.add(name)

    def _is_below(self, key: str) -> bool:
        """Tell whether the store below has a key."""
        return key in self.base

    def rmdir(self, path: str = "") -> None:
        self._check_open()
        changes = self._changes
        prefix = self._name(f"{path}/x")[:-1] if path else ""
        for name in list(changes.files):
            if name.startswith(prefix):
                self._remove(changes.files.pop(name))
        if path and changes.hides(prefix[:-1]):
            return
        if any(True for _ in self.base.list_prefix(path)):
            changes.folders.add(prefix[:-1])

    def rename(self, src_path: str, dst_path: str) -> None:
        self._check_open()
        if src_path == dst_path:
            return
        self._name(dst_path)
        keys = list(self.list_prefix(src_path))
        if src_path in self:
            keys.append(src_path)
        for key in keys:
            self._move(key, dst_path + key[len(src_path) :])

    def _move(self, key: str, new_key: str) -> None:
        """Give a value another key; its file is not copied where the file system has links."""
        name = self._name(key)
        new = self._changes.files.pop(name, None)
        if new is None:
            self.adopt(new_key, self.base._file(key), _link_or_copy)
        else:
            self._note(self._name(new_key), *new)
        self.delitems([key])

    # -- the end -------------------------------------------------------------------

    def settle(self) -> None:
        """List the keys in deleted folders that get new values, or are the root.

        A folder may be deleted again after an interruption only if nothing new is in it.
        """
        changes = self._changes
        for folder in sorted(changes.folders):
            prefix = f"{folder}/" if folder else ""
            new = any(name.startswith(prefix) for name in changes.files)
            if not folder or new:
                names = map(self._plain_name, list(self.base.list_prefix(folder)))
                changes.keys.update(name for name in names if name not in changes.files)
                changes.folders.discard(folder)


class MemoryStagingStore(StagingStore):
    """A store whose changes are in memory until they are committed.

    Parameters
    ----------
    base : BaseStore
        The store below.
    changes : Changes
        What has changed; written by this store.
    read_only : bool
        Whether nothing may change.
    """

    def __init__(self, base: Any, changes: Changes, *, read_only: bool) -> None:
        super().__init__(base, None, changes)
        self._values: dict[int, bytes] = {}
        self._mode = "r" if read_only else "a"

    def _plain_name(self, key: object) -> str:
        return check_key(key)

    def _new(self, name: str, ranges: Sequence[ByteRange] | None = None) -> Any:
        known = self._changes.files.get(name)
        if known is None:
            return None
        value = self._values[known[0]]
        return value if ranges is None else [take_range(value, one) for one in ranges]

    def _write(self, number: int, value: Buffer) -> int:
        self.check_writeable()
        self._values[number] = as_bytes(value)
        return len(self._values[number])

    def _remove(self, file: tuple[int, int] | None) -> None:
        self.check_writeable()
        if file is not None:
            del self._values[file[0]]

    def rename(self, src_path: str, dst_path: str) -> None:
        self._check_open()
        BaseStore.rename(self, src_path, dst_path)

    def _is_below(self, key: str) -> bool:
        return True  # to delete what is not there costs less than to ask

    def settle(self) -> None:
        """List the keys in deleted folders."""
        changes = self._changes
        for folder in changes.folders:
            changes.keys.update(
                key for key in self.base.list_prefix(folder) if key not in changes.files
            )
        changes.folders.clear()

    def new_values(self) -> dict[str, bytes]:
        """Return the new values by key."""
        return {key: self._values[number] for key, (number, _) in self._changes.files.items()}


def _link_or_copy(source: str, target: str) -> None:
    # A link to elsewhere would lead astray from where it is put.
    if os.path.islink(source) or not link(source, target):
        shutil.copyfile(source, target)
