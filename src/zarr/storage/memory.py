"""A store in main memory."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, MutableMapping, Sequence
from threading import RLock
from typing import Any

from zarr.storage.base import BaseStore, Buffer, Separator, as_bytes, check_key
from zarr.sync import renew_after_fork

__all__ = ["MemoryStore"]

Folder = MutableMapping[str, Any]


class MemoryStore(BaseStore):
    """A store that keeps folders and values in nested dicts in main memory.

    Listing or moving a folder costs as much as the folder has direct children, however
    many chunks lie below.

    Parameters
    ----------
    root : MutableMapping, optional
        The outermost folder; a new `cls` by default.
    cls : type, default dict
        Type of the folders.
    dimension_separator : {'.', '/'}, optional
        Separator between the dimensions of a chunk key, for arrays created here.

    Notes
    -----
    Safe to use from several threads.

    Examples
    --------
    >>> import zarr
    >>> type(zarr.group().store)
    <class 'zarr.storage.MemoryStore'>
    """

    def __init__(
        self,
        root: Folder | None = None,
        cls: type[Folder] = dict,
        dimension_separator: Separator | None = None,
    ) -> None:
        self.root: Folder = cls() if root is None else root
        self.cls = cls
        self._dimension_separator = dimension_separator
        renew_after_fork(self)

    def _renew(self) -> None:
        self._write_lock = RLock()

    @property
    def location(self) -> Hashable:
        return id(self.root)

    def _folder(self, path: str) -> Folder | None:
        """Return the folder at `path`, or None if there is none."""
        folder: Any = self.root
        if path:
            for segment in path.split("/"):
                folder = folder.get(segment)
                if not isinstance(folder, self.cls):
                    return None
        return folder  # type: ignore[no-any-return]

    def _require_folder(self, path: str) -> Folder:
        folder = self.root
        if path:
            for segment in path.split("/"):
                child = folder.get(segment)
                if not isinstance(child, self.cls):
                    # A value in the way gives place, as an object store would let it.
                    child = folder[segment] = self.cls()
                folder = child
        return folder

    def __getitem__(self, key: str) -> Buffer:
        path, _, name = key.rpartition("/")
        folder = self._folder(path)
        value = None if folder is None else folder.get(name)
        if value is None or isinstance(value, self.cls) or key[:1] == "/":
            raise KeyError(key)
        return value

    def __contains__(self, key: object) -> bool:
        try:
            self[key]  # type: ignore[index]
        except (KeyError, AttributeError):
            return False
        return True

    def getitems(self, keys: Sequence[str]) -> dict[str, Buffer]:
        found = {}
        last_path, folder = None, None
        for key in keys:
            path, _, name = key.rpartition("/")
            if path != last_path:
                last_path, folder = path, self._folder(path)
            if folder is not None:
                value = folder.get(name)
                if value is not None and type(value) is not self.cls and key[:1] != "/":
                    found[key] = value
        return found

    def __setitem__(self, key: str, value: Buffer) -> None:
        MemoryStore.setitems(self, {key: value})

    def setitems(self, items: Mapping[str, Buffer]) -> None:
        with self._write_lock:
            last_path, folder = None, self.root
            for key, value in items.items():
                path, _, name = check_key(key).rpartition("/")
                if path != last_path:
                    last_path, folder = path, self._require_folder(path)
                folder[name] = as_bytes(value)

    def __delitem__(self, key: str) -> None:
        with self._write_lock:
            self[key]
            self._remove(key)

    def _remove(self, path: str) -> None:
        """Take the value or folder at `path` out, and folders that become empty."""
        parent, _, name = path.rpartition("/")
        folder = self._folder(parent)
        if folder is None or name not in folder:
            return
        del folder[name]
        if parent and not folder:
            self._remove(parent)

    def _walk(self, folder: Folder, prefix: str) -> Iterator[str]:
        for name, value in list(folder.items()):
            if isinstance(value, self.cls):
                yield from self._walk(value, f"{prefix}{name}/")
            else:
                yield prefix + name

    def __iter__(self) -> Iterator[str]:
        return self._walk(self.root, "")

    def list_prefix(self, path: str = "") -> Iterator[str]:
        folder = self._folder(path)
        return iter(()) if folder is None else self._walk(folder, f"{path}/" if path else "")

    def listdir(self, path: str = "") -> list[str]:
        folder = self._folder(path)
        return [] if folder is None else sorted(folder)

    def rmdir(self, path: str = "") -> None:
        with self._write_lock:
            if path:
                self._remove(path)
            else:
                self.root.clear()

    def rename(self, src_path: str, dst_path: str) -> None:
        with self._write_lock:
            src_parent, _, src_name = src_path.rpartition("/")
            folder = self._folder(src_parent)
            if folder is None or src_name not in folder:
                return
            moved = folder[src_name]
            self._remove(src_path)
            dst_parent, _, dst_name = check_key(dst_path).rpartition("/")
            self._require_folder(dst_parent)[dst_name] = moved

    def getsize(self, path: str = "") -> int:
        folder = self._folder(path)
        if folder is None:
            try:
                return len(self[path])
            except KeyError:
                return 0
        return sum(len(v) for v in list(folder.values()) if not isinstance(v, self.cls))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MemoryStore) and self.root == other.root

    __hash__ = BaseStore.__hash__

    def __getstate__(self) -> tuple[Folder, type[Folder], Separator | None]:
        return self.root, self.cls, self._dimension_separator

    def __setstate__(self, state: tuple[Folder, type[Folder], Separator | None]) -> None:
        MemoryStore.__init__(self, *state)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self.root)} members at the root>"
