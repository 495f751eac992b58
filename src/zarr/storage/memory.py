"""A store in main memory."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar
from weakref import WeakValueDictionary

from zarr._system import RLock
from zarr.errors import StoreKeyError, ZarrDeprecationWarning
from zarr.storage.base import BaseStore, Buffer, KVStore, Separator, as_bytes, check_key
from zarr.storage.identity import identity_of
from zarr.sync import renew_after_fork

__all__ = ["DictStore", "MemoryStore"]

Folder = MutableMapping[str, Any]

_stores: WeakValueDictionary[int, MemoryStore] = WeakValueDictionary()


class MemoryStore(BaseStore):
    """A store that keeps folders and values in nested dictionaries in memory.

    Listing or moving a folder takes time for its direct children only, however many chunks lie
    below.

    Parameters
    ----------
    root : MutableMapping, optional
        The root folder. A new `cls` by default.
    cls : type, default dict
        Type of the folders.
    dimension_separator : {'.', '/'}, optional
        Separator between the chunk indices in a chunk key, for arrays created in this store.
    read_only : bool, default False
        Whether nothing can be written.
    store_dict : MutableMapping, optional
        A flat dictionary of keys and values to use instead of nested ones, as in the 3.x library.
        What is written appears in it. For a subclass, its values are copied.

    Notes
    -----
    Thread-safe.

    A folder within `root` may be the root of another store. Both show the same nodes, until the
    folder is deleted or replaced through the store above: the other keeps the old contents.

    Examples
    --------
    >>> import zarr
    >>> type(zarr.group().store)
    <class 'zarr.storage.MemoryStore'>
    """

    atomic_folders: ClassVar[bool] = True
    _blocks: ClassVar[bool] = False

    def __init__(
        self,
        root: Folder | None = None,
        cls: type[Folder] = dict,
        dimension_separator: Separator | None = None,
        *,
        read_only: bool = False,
        store_dict: MutableMapping[str, Any] | None = None,
    ) -> None:
        if store_dict is not None and type(self) is MemoryStore:
            self.__class__ = FlatMemoryStore
            FlatMemoryStore.__init__(self, store_dict=store_dict, read_only=read_only)  # type: ignore[arg-type]
            return
        root_given = root is not None
        root = cls() if root is None else root
        # The identity first, so that it does not survive the folder for a moment.
        self._identity = identity_of(root)
        self.root: Folder = root
        self.cls = cls
        self._dimension_separator = dimension_separator
        self._base: tuple[Hashable, str] = self._identity.number, ""
        renew_after_fork(self)
        if root_given:
            self._relate()
        _stores[id(self)] = self
        for key, value in (store_dict or {}).items():
            MemoryStore.setitems(self, {key: _bytes_in(value)})
        self._mode = "r" if read_only else "a"

    def _renew(self) -> None:
        self._write_lock = RLock()

    @property
    def location(self) -> Hashable:
        return self._identity.number

    def address(self, path: str = "") -> tuple[Hashable, str]:
        space, base = self._base
        return space, f"{base}/{path}".strip("/")

    def _relate(self) -> None:
        """Find out whether the root is a folder of another store, or has the root of one."""
        for other in list(_stores.values()):
            if (inside := other._path_of(self.root)) is not None:
                self._base = other.address(inside)
            elif (inside := self._path_of(other.root)) is not None:
                other._base = self.address(inside)

    def _path_of(self, wanted: Folder, folder: Any = None, path: str = "") -> str | None:
        """Return the path at which a folder is in this store, None if it is not."""
        folder = self.root if folder is None else folder
        if folder is wanted:
            return path
        for name, child in list(folder.items()):
            if isinstance(child, self.cls):
                found = self._path_of(wanted, child, f"{path}/{name}".lstrip("/"))
                if found is not None:
                    return found
        return None

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
                if child is None:
                    child = folder[segment] = self.cls()
                elif not isinstance(child, self.cls):
                    raise StoreKeyError(
                        f"cannot store anything in {path!r}: {segment!r} in it is a value"
                    )
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

    def getitems(self, keys: Sequence[str], *, contexts: Any = None) -> dict[str, Buffer]:
        found = {}
        last_path, folder = None, None
        try:
            for key in keys:
                path, _, name = key.rpartition("/")
                if path != last_path:
                    last_path, folder = path, self._folder(path)
                # Not by `get`, which free-threaded Python 3.13 makes wait for a lock that it has.
                if folder is not None and name in folder:
                    value = folder[name]
                    if value is not None and type(value) is not self.cls and key[:1] != "/":
                        found[key] = value
        except KeyError:  # another thread has deleted it meanwhile
            return BaseStore.getitems(self, keys)
        return found

    def keys_if_few(self, path: str, most: int) -> list[str] | None:
        found: list[str] = []
        folders = [(path, self._folder(path) or {})]
        while folders:
            path, folder = folders.pop()
            if len(found) + len(folders) + len(folder) > most:
                return None
            prefix = f"{path}/" if path else ""
            for name, value in list(folder.items()):
                if isinstance(value, self.cls):
                    folders.append((prefix + name, value))
                else:
                    found.append(prefix + name)
        return found

    def __setitem__(self, key: str, value: Buffer) -> None:
        MemoryStore.setitems(self, {key: value})

    def setitems(self, items: Mapping[str, Buffer]) -> None:
        if self._mode == "r":
            self.check_writeable()
        with self._write_lock:
            last_path, folder = None, self.root
            for key, value in items.items():
                path, _, name = check_key(key).rpartition("/")
                if path != last_path:
                    last_path, folder = path, self._require_folder(path)
                folder[name] = as_bytes(value)

    def __delitem__(self, key: str) -> None:
        self.check_writeable()
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

    def list_sizes(self, path: str = "") -> Iterator[tuple[str, int]]:
        for key in self.list_prefix(path):
            with suppress(KeyError):  # deleted meanwhile
                yield key, len(self[key])

    def listdir(self, path: str = "") -> list[str]:
        folder = self._folder(path)
        return [] if folder is None else sorted(folder)

    def rmdir(self, path: str = "") -> None:
        self.check_writeable()
        with self._write_lock:
            if not path:
                self.root.clear()
            elif self._folder(path) is not None:
                self._remove(path)

    def rename(self, src_path: str, dst_path: str) -> None:
        self.check_writeable()
        with self._write_lock:
            src_parent, _, src_name = src_path.rpartition("/")
            folder = self._folder(src_parent)
            if folder is None or src_name not in folder:
                return
            moved = folder[src_name]
            dst_parent, _, dst_name = check_key(dst_path).rpartition("/")
            self._remove(src_path)
            try:
                target = self._require_folder(dst_parent)
            except StoreKeyError:
                self._require_folder(src_parent)[src_name] = moved
                raise
            target[dst_name] = moved

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

    def __getstate__(self) -> tuple[Any, ...]:
        state = self.root, self.cls, self._dimension_separator
        return (*state, True) if self.read_only else state

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        MemoryStore.__init__(self, *state[:3], read_only=len(state) > 3)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self.root)} members at the root>"


class FlatMemoryStore(KVStore, MemoryStore):  # type: ignore[misc]
    """A store in a flat dictionary of keys and values, as the `MemoryStore` of the 3.x library.

    Parameters
    ----------
    store_dict : MutableMapping
        The dictionary.
    read_only : bool, default False
        Whether nothing can be written.
    """

    atomic_folders: ClassVar[bool] = False
    _blocks: ClassVar[bool] = False

    def __init__(self, *, store_dict: MutableMapping[str, Any], read_only: bool = False) -> None:
        KVStore.__init__(self, store_dict)
        self._mode = "r" if read_only else "a"

    @property
    def _store_dict(self) -> MutableMapping[str, Any]:
        return self._mutable_mapping

    def address(self, path: str = "") -> tuple[Hashable, str]:
        return KVStore.address(self, path)

    def __getitem__(self, key: str) -> Buffer:
        value = self._mutable_mapping[key]
        return value if type(value) is bytes else _bytes_in(value)

    def getitems(self, keys: Sequence[str], *, contexts: Any = None) -> dict[str, Buffer]:
        return BaseStore.getitems(self, keys)

    def __setitem__(self, key: str, value: Buffer) -> None:
        self.check_writeable()
        KVStore.__setitem__(self, check_key(key), value)

    def __delitem__(self, key: str) -> None:
        self.check_writeable()
        KVStore.__delitem__(self, key)

    setitems = BaseStore.setitems
    list_prefix = BaseStore.list_prefix
    list_sizes = BaseStore.list_sizes
    listdir = BaseStore.listdir
    rmdir = BaseStore.rmdir
    rename = BaseStore.rename
    getsize = BaseStore.getsize

    def __reduce__(self) -> Any:
        return partial(MemoryStore, store_dict=self._store_dict, read_only=self.read_only), ()

    def __repr__(self) -> str:
        return f"<MemoryStore: {len(self._mutable_mapping)} keys>"


def _bytes_in(value: Any) -> Buffer:
    """Return the bytes of a value in a dictionary, which may be a buffer of the 3.x library."""
    return value.as_buffer_like() if hasattr(value, "as_buffer_like") else value


class DictStore(MemoryStore):
    """The name that :class:`MemoryStore` had before version 2.4. Deprecated.

    Parameters
    ----------
    *args
        Positional parameters of :class:`MemoryStore`.
    **kwargs
        Other parameters of :class:`MemoryStore`.

    Examples
    --------
    >>> import warnings
    >>> import zarr
    >>> with warnings.catch_warnings(action='ignore'):
    ...     store = zarr.DictStore()
    >>> isinstance(store, zarr.MemoryStore)
    True
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            "DictStore has been called MemoryStore since version 2.4; use that name",
            ZarrDeprecationWarning,
            stacklevel=2,
        )
        super().__init__(*args, **kwargs)
