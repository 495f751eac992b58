"""The interface of a store: five mapping methods, and batch, range and list methods with defaults.

A back end subclasses :class:`BaseStore`, implements the five methods of a
``MutableMapping`` and overrides the other methods where it can be faster. Properties of a store
are class attributes; no caller asks a store which methods it has.
"""

from __future__ import annotations

import inspect
import itertools
import json
from abc import abstractmethod
from collections.abc import (
    Callable,
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    Sequence,
)
from contextlib import suppress
from functools import wraps
from importlib import import_module
from types import TracebackType
from typing import Any, ClassVar, Literal, Protocol, Self, TypeAlias

from zarr.errors import ReadOnlyError, StoreKeyError, StoreTypeError, TransactionError
from zarr.storage.coroutine_verbs import (
    ROUTES,
    CoroutineVerbs,
    is_asynchronous,
    serve_both,
)
from zarr.storage.identity import Identity, identity_of
from zarr.storage.order import in_order, is_document_name

__all__ = [
    "BaseStore", "Buffer", "ByteRange", "KVStore", "Outcome", "Store", "StoreTransaction",
    "as_store",
]  # fmt: skip

Buffer: TypeAlias = Any
"""Anything with the buffer protocol: bytes, bytearray, memoryview, a contiguous array."""

ByteRange: TypeAlias = tuple[int, int | None]
"""``(start, length)`` in bytes; no length means up to the end, a negative start counts
from the end."""

Separator: TypeAlias = Literal[".", "/"]

Outcome: TypeAlias = Literal["clean", "rolled back", "rolled forward"]
"""What :func:`zarr.recover` has found and done."""


class StoreTransaction(Protocol):
    """Protocol: a transaction that has begun, as :meth:`BaseStore.begin` returns it."""

    @property
    def store(self) -> BaseStore:
        """The store to work in."""

    def commit(self) -> None:
        """Make all changes in `store` visible together, and end the transaction."""

    def rollback(self) -> None:
        """Drop all changes that are not committed, and end the transaction.

        It is called again if an interrupt or an error comes out of it, or out of `commit`.
        """


_COPIED_AT_A_TIME = 32


def normalize_storage_path(path: str | bytes | None) -> str:
    """Return `path` without leading, trailing or doubled slashes.

    Parameters
    ----------
    path : str, bytes or None
        Logical path of a node; backslashes count as slashes.

    Returns
    -------
    str
        ``''`` for the root.

    Raises
    ------
    ValueError
        If a segment is ``.`` or ``..``.

    References
    ----------
    Zarr specification, version 2: "Logical storage paths"; version 3: "Node names".

    Examples
    --------
    >>> from zarr.storage import normalize_storage_path
    >>> normalize_storage_path('/foo//bar/')
    'foo/bar'
    """
    if not path:
        return ""
    text = path.decode("ascii") if isinstance(path, bytes) else str(path)
    if "/" not in text and "\\" not in text and text not in (".", ".."):
        return text
    segments = [s for s in text.replace("\\", "/").split("/") if s]
    if "." in segments or ".." in segments:
        raise ValueError(f"path {text!r} must not contain the segments '.' or '..'")
    return "/".join(segments)


def check_key(key: object) -> str:
    """Return `key` if it is one that every store may hold, else raise `StoreKeyError`."""
    if not isinstance(key, str):
        raise StoreKeyError(f"store keys are strings, not {type(key).__name__}: {key!r}")
    segments = key.split("/")
    if "" in segments or "." in segments or ".." in segments or "\0" in key:
        raise StoreKeyError(f"invalid store key {key!r}: it is empty or would leave the store")
    if not key.isascii():
        try:
            key.encode()
        except UnicodeEncodeError as error:
            raise StoreKeyError(f"invalid store key {key!r}: it is not valid Unicode") from error
    return key


def as_bytes(value: Buffer) -> bytes:
    """Return the bytes of `value`, copied unless they are `bytes`; `TypeError` if it has none."""
    # Not bytes(value): that makes zeros of an integer, and of an array without dimensions.
    return value if type(value) is bytes else memoryview(value).tobytes()


def as_view(value: Buffer) -> memoryview:
    """Return a flat view of the bytes of `value`; raise `TypeError` if it has none."""
    view = memoryview(value)
    return view.cast("B") if view.c_contiguous and view.nbytes else memoryview(view.tobytes())


def take_range(value: Buffer, byte_range: ByteRange) -> bytes:
    """Return the bytes of `value` that `byte_range` selects."""
    start, length = byte_range
    view = as_view(value)
    if start < 0:
        start = max(0, len(view) + start)
    stop = len(view) if length is None else start + length
    return bytes(view[start:stop])


Temporary: TypeAlias = tuple[str, int, float]
"""What an interrupted writer has left: its name, its size in bytes, and its age in seconds."""


def _folder_of(key: str) -> str:
    return key.rpartition("/")[0]


_VERBS = {
    "__getitem__": ("getitems", "probe", "get_partial_values", "keys_if_few"),
    "getitems": ("probe", "get_partial_values", "keys_if_few"),
    "get_partial_values": ("get_versioned_values",),
    "__contains__": ("present", "keys_if_few"),
    "__iter__": ("keys_if_few",),
    "__setitem__": ("setitems",),
    "__delitem__": ("delitems",),
    "list_prefix": ("list_sizes", "list_folders", "keys_if_few"),
    "list_temporary": ("list_folders",),
}
"""The verbs whose defaults go through another method, by that method."""


class_hooks: list[Callable[[type], None]] = []
"""What is called with each new class of stores."""


def _age(cls: type, name: str) -> int:
    """Return how many classes further up `cls` has its attribute `name` from."""
    return next(age for age, base in enumerate(cls.__mro__) if name in base.__dict__)


def _needs_contexts(getitems: Any) -> bool:
    """Tell whether a method `getitems` takes `contexts` without a default, as those of 2.x do."""
    if "contexts" not in getattr(getattr(getitems, "__code__", None), "co_varnames", ()):
        return False
    parameter = inspect.signature(getitems).parameters.get("contexts")
    return parameter is not None and parameter.default is parameter.empty


def _with_contexts(getitems: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method `getitems` that may be called without `contexts`."""

    @wraps(getitems)
    def with_contexts(self: Any, keys: Sequence[str], *, contexts: Any = None) -> Any:
        return getitems(self, keys, contexts={} if contexts is None else contexts)

    return with_contexts


class BaseStore(CoroutineVerbs, MutableMapping[str, Buffer]):
    """A flat mapping of string keys to bytes, with methods for many keys at a time.

    Keys are segments joined by ``/``. A missing key raises `KeyError` from a single read and is
    left out of the result of a batch read; any other failure raises another error. Stored values
    do not change when the caller's buffer changes later. All methods can be called from several
    threads.

    Attributes
    ----------
    threads : int
        How many threads to use for a selection, however few processors the machine has: more
        than one for a remote store, because threads mostly wait for it.
    partial_reads : bool
        Whether :meth:`get_partial_values` transfers fewer bytes than reading whole values.
    whole_reads : bool
        Whether any part of a value takes as long as the whole, so that shards are read whole.
    default_version : int or None
        Version of the format of new arrays and groups for which none is given.
    is_view : bool
        Whether the store presents another format as a version of the Zarr format.
    atomic_folders : bool
        Whether :meth:`rmdir` and :meth:`rename` are atomic: readers, and readers after the
        process was killed, see all or nothing of the change.
    lists_folders : bool
        Whether listing the keys below a path takes time for those keys only.
    frees_space : bool
        Whether the space of deleted values is used again. If not, nothing intermediate is stored.
    forwards : bool
        Whether values are read from another store, as by a cache. :func:`zarr.traffic` leaves such
        stores out of its totals.
    has_transactions : bool
        Whether :meth:`begin` begins a transaction.
    rare_formats : bool
        Whether to look for metadata of the first version of the format, and of the draft of
        version 3, where there are none of the others.
    documents_first : bool
        Whether the metadata of a longer array must be written before its new chunks.

    Notes
    -----
    A store is an instance of `zarr.abc.store.Store`, too, and has its coroutines. A subclass that
    overrides coroutines such as ``get``, ``set`` or ``list_dir`` is used through them.

    References
    ----------
    Zarr specification, version 2: "Storage"; version 3: "Abstract store interface".

    Examples
    --------
    A store with its five methods; a complete one is tested with :class:`zarr.testing.StoreTests`.

    >>> import zarr
    >>> from zarr.storage import BaseStore
    >>> class Upper(BaseStore):
    ...     def __init__(self):
    ...         self.data = {}
    ...     def __getitem__(self, key):
    ...         return self.data[key.upper()]
    ...     def __setitem__(self, key, value):
    ...         self.data[key.upper()] = bytes(value)
    ...     def __delitem__(self, key):
    ...         del self.data[key.upper()]
    ...     def __iter__(self):
    ...         return iter([key.lower() for key in self.data])
    >>> z = zarr.array([1, 2, 3], store=Upper())
    >>> sorted(z.store.data)
    ['.ZARRAY', '0']
    """

    threads: ClassVar[int] = 1
    partial_reads: ClassVar[bool] = False
    whole_reads: ClassVar[bool] = False
    default_version: ClassVar[int | None] = None
    is_view: ClassVar[bool] = False
    atomic_folders: ClassVar[bool] = False
    lists_folders: ClassVar[bool] = False
    frees_space: ClassVar[bool] = True
    forwards: ClassVar[bool] = False
    has_transactions: ClassVar[bool] = False
    rare_formats: ClassVar[bool] = True
    documents_first: ClassVar[bool] = False
    _dimension_separator: Separator | None = None
    _counted_as: BaseStore | None = None
    """The store that a transaction is on, in which `zarr.traffic` counts what it does."""
    _mode: str = "a"
    _store_version: ClassVar[int] = 2  # what code written for 2.x asks of a store

    def __init_subclass__(cls, **kwargs: Any) -> None:
        # A class that overrides a method for one key means all keys: a verb for many that
        # it inherits would pass it by.
        super().__init_subclass__(**kwargs)
        own = dict(vars(cls))
        serve_both(cls)
        if overridden := [name for name in ROUTES if is_asynchronous(own.get(name))]:
            routed = import_module("zarr.storage.foreign").Routed
            routes = {verb for name in overridden for verb in ROUTES[name]}
            for verb in routes - {verb for verb in own if not is_asynchronous(own[verb])}:
                setattr(cls, verb, vars(routed).get(verb, getattr(BaseStore, verb)))
            cls._is_routed = True
            return
        if not cls._is_routed:
            cls._plain = cls
        if _needs_contexts(getitems := vars(cls).get("getitems")):
            cls.getitems = _with_contexts(getitems)  # type: ignore[method-assign, arg-type]
        for method, verbs in _VERBS.items():
            for verb in verbs:
                if _age(cls, method) < _age(cls, verb):
                    setattr(cls, verb, getattr(BaseStore, verb))
        if cls.probe is BaseStore.probe:
            cls.probe = cls.getitems  # type: ignore[method-assign]
        if cls.get_partial_values is BaseStore.get_partial_values:
            cls.partial_reads = False
        cls.lists_folders = cls.list_prefix is not BaseStore.list_prefix
        for hook in class_hooks:
            hook(cls)

    # -- five methods to implement -------------------------------------------------

    @abstractmethod
    def __getitem__(self, key: str) -> Buffer: ...

    @abstractmethod
    def __setitem__(self, key: str, value: Buffer) -> None: ...

    @abstractmethod
    def __delitem__(self, key: str) -> None: ...

    @abstractmethod
    def __iter__(self) -> Iterator[str]: ...

    def __len__(self) -> int:
        return sum(1 for _ in self)

    # -- facts ---------------------------------------------------------------------

    @property
    def given(self) -> Any:
        """The object that a user has passed as the store: this one, unless it is a view of it."""
        return self

    @property
    def _coroutines(self) -> Any:
        """The object whose coroutines are called instead of other methods."""
        return self

    @property
    def location(self) -> Hashable:
        """Where the data are: equal for two stores if and only if they share their data.

        Locks are kept per location, so that all objects on the same data exclude each other. By
        default the location is this object itself.
        """
        identity: Identity = vars(self).setdefault("_identity", Identity())
        return identity.number

    def address(self, path: str = "") -> tuple[Hashable, str]:
        """Return the real address of a path: a namespace, and a path in that namespace.

        Locks and cached chunks are named by it, so it must be equal for two stores if and only if
        both access the same data, however each of them was opened: through a subdirectory, a
        symbolic link, a relative path or an alias of a URL. The default is :attr:`location` and
        `path` itself.

        Parameters
        ----------
        path : str, optional
            Path in the store. The root by default.

        Returns
        -------
        space : hashable
            The namespace, for instance of files or of a database.
        path : str
            Path in that namespace.
        """
        return self.location, path

    @property
    def source(self) -> BaseStore:
        """The store that is read before a change: this one, unless it keeps copies."""
        return self

    def is_readable(self) -> bool:
        """Return whether values can be read.

        Returns
        -------
        bool
            True by default.
        """
        return True

    def is_writeable(self) -> bool:
        """Return whether values can be written.

        Returns
        -------
        bool
            False if the store was opened with mode 'r'.
        """
        return self._mode != "r"

    def is_listable(self) -> bool:
        """Return whether keys can be listed.

        Returns
        -------
        bool
            True by default.
        """
        return True

    def is_erasable(self) -> bool:
        """Return whether keys can be deleted.

        Returns
        -------
        bool
            By default whether values can be written.
        """
        return self.is_writeable()

    def check_writeable(self) -> None:
        """Raise an error unless values can be written.

        Raises
        ------
        ReadOnlyError
            If the store is read-only.
        """
        if not self.is_writeable():
            raise ReadOnlyError(f"{self!r} is read-only")

    def explain_absence(self, path: str) -> str:
        """Return why there is neither an array nor a group at a path, for error messages.

        Parameters
        ----------
        path : str
            Path in the store.

        Returns
        -------
        str
            The reason; empty if the store knows none.
        """
        return ""

    def consolidated_paths(self, path: str) -> list[str] | None:
        """Return the arrays and groups below a group whose metadata are consolidated ones.

        Parameters
        ----------
        path : str
            Path of the group.

        Returns
        -------
        list of str
            Paths relative to the group; None if the store has no consolidated metadata.
        """
        return None

    def check_document(self, key: str, document: Buffer) -> None:
        """Raise an error unless the store can hold a metadata document.

        Called before anything is deleted or written for an array or group. By default any
        document is accepted.

        Parameters
        ----------
        key : str
            Key of the document.
        document : bytes-like
            The document.
        """

    def as_read(self, key: str, document: Buffer) -> Buffer:
        """Return a metadata document as it will be read after it has been stored.

        Parameters
        ----------
        key : str
            Key of the document.
        document : bytes-like
            The document to be stored.

        Returns
        -------
        bytes-like
            `document` itself, unless the store converts it.
        """
        return document

    # -- batch verbs ---------------------------------------------------------------

    def getitems(self, keys: Sequence[str], *, contexts: Any = None) -> dict[str, Buffer]:
        """Return the values of those keys that exist.

        Parameters
        ----------
        keys : sequence of str
            Keys to read.
        contexts : Mapping, optional
            What the 2.x library passed to stores about keys. Not used; a store with such a
            parameter receives an empty mapping.

        Returns
        -------
        dict of str to bytes-like
            The values by key, without missing keys.

        Raises
        ------
        StoreError
            If reading fails for another reason than a missing key.
        """
        found = {}
        for key in keys:
            try:
                found[key] = self[key]
            except KeyError:
                continue
        return found

    def probe(self, keys: Sequence[str]) -> dict[str, Buffer]:
        """Return the values of those keys that exist, where one is enough to identify a node.

        Used to find the metadata of an array or group. Some servers deny access to missing keys:
        stores on such servers leave those keys out if they find one of the others.

        Parameters
        ----------
        keys : sequence of str
            Keys to read.

        Returns
        -------
        dict of str to bytes-like
            The values by key, without missing keys.

        Raises
        ------
        StorePermissionError
            If access is denied, and none of the keys can be read.
        """
        return self.getitems(keys)

    def present(self, keys: Sequence[str]) -> list[str]:
        """Return those keys that exist.

        Parameters
        ----------
        keys : sequence of str
            Keys to look up.

        Returns
        -------
        list of str
            The existing keys, in the order of `keys`.
        """
        found = self.getitems(keys)
        return [key for key in keys if key in found]

    def get_first(self, keys: Sequence[str]) -> dict[str, Buffer]:
        """Return the value of the first of several keys that exists; of more keys if as fast.

        Parameters
        ----------
        keys : sequence of str
            Keys to read, in the order of preference.

        Returns
        -------
        dict of str to bytes-like
            The values by key; empty if none exists.
        """
        if type(self).getitems is not BaseStore.getitems:
            return self.probe(keys)
        for key in keys:
            try:
                return {key: self[key]}
            except KeyError:
                continue
        return {}

    def get_partial_values(self, ranges: Sequence[tuple[str, ByteRange]]) -> list[Buffer | None]:
        """Return ranges of bytes of values.

        Parameters
        ----------
        ranges : sequence of (key, (start, length))
            Range to read of each key, in bytes. A length of None means up to the end, a negative
            start counts from the end. A range that extends beyond the end of the value is cut
            there.

        Returns
        -------
        list of bytes-like or None
            One entry per range; None for missing keys.

        Notes
        -----
        Where a store can, all ranges of a value come from the same version of it, if they are
        adjacent in `ranges`.

        References
        ----------
        Zarr specification, version 3: "Abstract store interface", operation
        ``get_partial_values``.
        """
        values = self.getitems(list(dict.fromkeys(key for key, _ in ranges)))
        return [
            take_range(values[key], byte_range) if key in values else None
            for key, byte_range in ranges
        ]

    def get_versioned_values(
        self, ranges: Sequence[tuple[str, ByteRange]]
    ) -> tuple[list[Buffer | None], dict[str, str]]:
        """Return ranges of bytes of values, and the versions of the values that they come from.

        Parameters
        ----------
        ranges : sequence of (key, (start, length))
            Range to read of each key, as for :meth:`get_partial_values`.

        Returns
        -------
        values : list of bytes-like or None
            One entry per range; None for missing keys.
        versions : dict of str to str
            The version by key, for keys whose version is known: text that differs for each value
            that is ever stored under the key. All ranges of such a key come from that version.
        """
        return self.get_partial_values(ranges), {}

    def setitems(self, items: Mapping[str, Buffer]) -> None:
        """Store several values.

        Parameters
        ----------
        items : mapping of str to bytes-like
            Values by key.

        Raises
        ------
        ReadOnlyError
            If the store is read-only.
        StoreError
            If writing fails.
        """
        for key, value in items.items():
            self[key] = value

    def copyitems(self, targets: Mapping[str, str]) -> None:
        """Copy values to other keys of the same store. Missing keys are ignored.

        Parameters
        ----------
        targets : mapping of str to str
            The new key by existing key.
        """
        keys = list(targets)
        for start in range(0, len(keys), _COPIED_AT_A_TIME):
            found = self.getitems(keys[start : start + _COPIED_AT_A_TIME])
            self.setitems({targets[key]: value for key, value in found.items()})

    def delitems(self, keys: Iterable[str]) -> None:
        """Delete several keys. Missing keys are ignored.

        Parameters
        ----------
        keys : iterable of str
            Keys to delete.

        Raises
        ------
        ReadOnlyError
            If the store is read-only.
        StoreError
            If deleting fails.
        """
        for key in keys:
            with suppress(KeyError):
                del self[key]

    # -- hierarchy verbs -----------------------------------------------------------

    def list_prefix(self, path: str = "") -> Iterator[str]:
        """Iterate over all keys below a path, in undefined order.

        Parameters
        ----------
        path : str, optional
            Path in the store. The root by default.

        Yields
        ------
        str
            The complete key.

        References
        ----------
        Zarr specification, version 3: "Abstract store interface", operation ``list_prefix``.
        """
        prefix = f"{path}/" if path else ""
        return (key for key in list(self) if key.startswith(prefix))

    def list_sizes(self, path: str = "") -> Iterator[tuple[str, int]]:
        """Iterate over all keys below a path and the sizes of their values, in undefined order.

        The default asks :meth:`getsize` for each key if the store overrides it, and reads the
        values otherwise. Stores whose listings contain sizes override this method.

        Parameters
        ----------
        path : str, optional
            Path in the store. The root by default.

        Yields
        ------
        key : str
            The complete key.
        nbytes : int
            Size of the value in bytes, -1 if the store does not know it.
        """
        asks = type(self).getsize is not BaseStore.getsize
        keys = self.list_prefix(path)
        while batch := list(itertools.islice(keys, _COPIED_AT_A_TIME)):
            if asks:
                yield from ((key, self.getsize(key)) for key in batch)
                continue
            found = self.getitems(batch)
            yield from ((key, memoryview(value).nbytes) for key, value in found.items())

    def list_folders(
        self, path: str = "", temporary: list[Temporary] | None = None
    ) -> Iterator[tuple[str, list[str]]]:
        """Iterate over all keys below a path, many at a time, in undefined order.

        Parameters
        ----------
        path : str, optional
            Path in the store. The root by default.
        temporary : list, optional
            Gets what :meth:`list_temporary` would yield, when all keys have been listed.

        Yields
        ------
        folder : str
            Where some keys are, without a slash at the end. May come more than once.
        names : list of str
            The rest of these keys.
        """
        for folder, keys in itertools.groupby(self.list_prefix(path), key=_folder_of):
            while batch := list(itertools.islice(keys, _COPIED_AT_A_TIME)):
                yield folder, [key.rpartition("/")[2] for key in batch]
        if temporary is not None:
            temporary += self.list_temporary(path)

    def keys_if_few(self, path: str, most: int) -> list[str] | None:
        """Return all keys below a path if they are few, which saves asking for each of many.

        The default returns None. For stores in which this takes less than looking for `most` keys,
        and which list a value as soon as it is stored.

        Parameters
        ----------
        path : str
            Path in the store.
        most : int
            How many keys are few.

        Returns
        -------
        list of str or None
            The complete keys; None if there are more, or to find out would take long.
        """
        return None

    def list_temporary(self, path: str = "") -> Iterator[Temporary]:
        """Iterate over the files below a path that interrupted writers have left.

        They are no keys. The default yields nothing.

        Parameters
        ----------
        path : str, optional
            Path in the store. The root by default.

        Yields
        ------
        name : str
            Name of the file or folder. :meth:`delitems` deletes a file, :meth:`rmdir` a folder.
        nbytes : int
            Size in bytes.
        age : float
            Time since the last change in seconds.
        """
        return iter(())

    def get_ages(self, keys: Iterable[str]) -> dict[str, float]:
        """Return how long ago values were stored.

        Parameters
        ----------
        keys : iterable of str
            Keys of the values.

        Returns
        -------
        dict of str to float
            Seconds by key, without missing keys and those for which the store does not know it. On
            remote stores, by the clock of the server. The default knows none.
        """
        return {}

    def listdir(self, path: str = "") -> list[str]:
        """Return the names of keys and folders directly below a path.

        Parameters
        ----------
        path : str, optional
            Path in the store. The root by default.

        Returns
        -------
        list of str
            The names, sorted; empty if nothing exists below `path`.

        References
        ----------
        Zarr specification, version 3: "Abstract store interface", operation ``list_dir``.
        """
        skip = len(path) + 1 if path else 0
        return sorted({key[skip:].partition("/")[0] for key in self.list_prefix(path)})

    def rmdir(self, path: str = "") -> None:
        """Delete all keys below a path, but not a value at the path itself.

        Metadata are deleted first, beginning with those directly at `path`, so that concurrent
        readers, and readers after the process was killed, find no array whose chunks are missing.

        Parameters
        ----------
        path : str, optional
            Path in the store. The root by default.

        References
        ----------
        Zarr specification, version 3: "Abstract store interface", operation ``erase_prefix``.
        """
        others, below, own = in_order(self.list_prefix(path), path)
        for keys in (own, below, others):
            if keys:
                self.delitems(keys)

    def clear(self) -> None:
        """Delete all keys."""
        self.rmdir("")

    def rename(self, src_path: str, dst_path: str) -> None:
        """Move the value at a path and all keys below it to another path.

        All values are copied, metadata last, before any is deleted.

        Parameters
        ----------
        src_path : str
            Path to move.
        dst_path : str
            The new path.

        Raises
        ------
        StoreKeyError
            If `dst_path` cannot be a key.
        """
        if src_path == dst_path:
            return
        check_key(dst_path)
        keys = list(self.list_prefix(src_path))
        if src_path in self:
            keys.append(src_path)
        for some in in_order(keys, src_path):
            self.copyitems({key: dst_path + key[len(src_path) :] for key in some})
        for some in reversed(in_order(keys, src_path)):
            if some:
                self.delitems(some)

    def getsize(self, path: str = "") -> int:
        """Return the size of the values at a path and directly below it.

        Values in folders below are not counted, as in the 2.x library.

        Parameters
        ----------
        path : str, optional
            Path in the store. The root by default.

        Returns
        -------
        int
            Size in bytes, -1 if unknown.
        """
        if path and path in self:
            return memoryview(self[path]).nbytes
        prefix = f"{path}/" if path else ""
        keys = [f"{prefix}{name}" for name in self.listdir(path)]
        return sum(memoryview(v).nbytes for v in self.getitems(keys).values())

    # -- transactions --------------------------------------------------------------

    def begin(
        self, *, fsync: bool = True, timeout: float = 30.0, read_only: bool = False
    ) -> StoreTransaction:
        """Begin a transaction; used by :func:`zarr.transaction`.

        Parameters
        ----------
        fsync : bool, default True
            Whether a commit waits until all changes are on the disk, where that is a choice.
        timeout : float, default 30.0
            Seconds for which to wait for other transactions.
        read_only : bool, default False
            Whether only to keep what is read from changing.

        Returns
        -------
        StoreTransaction
            The transaction, with a store to work in.

        Raises
        ------
        TransactionError
            If the store has no transactions, or another one takes longer than `timeout`.
        """
        raise self._without_transactions()

    def recover(self, timeout: float = 30.0) -> Outcome:
        """Complete or undo a transaction that was interrupted; used by :func:`zarr.recover`.

        Parameters
        ----------
        timeout : float, default 30.0
            Seconds for which to wait for other transactions.

        Returns
        -------
        str
            ``'clean'``, ``'rolled back'`` or ``'rolled forward'``.

        Raises
        ------
        TransactionError
            If the store has no transactions.
        """
        raise self._without_transactions()

    def _without_transactions(self) -> TransactionError:
        return TransactionError(
            f"{self!r} has no transactions; a directory (DirectoryStore), SQLiteStore, LMDBStore, "
            "RedisStore, OCDBTStore and ZipStore have. On object stores use OCDBTStore or icechunk"
        )

    # -- life cycle ----------------------------------------------------------------

    def close(self) -> None:
        """Release the resources of the store, such as files and connections."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # A mapping compares by content by default, which would read a whole store.
    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BaseStore):
            return False
        # In both orders: what is unpickled may be of a class above.
        is_kin = isinstance(other, type(self)) or isinstance(self, type(other))
        return is_kin and self.location == other.location

    def __hash__(self) -> int:
        return hash(self.location)


BaseStore._plain = BaseStore
serve_both(BaseStore)
Store = BaseStore


_MAPPING_METHODS = (
    "keys", "values", "get", "__getitem__", "__setitem__", "__delitem__", "__contains__",
)  # fmt: skip
"""What an object must have to be a store, though it is no `MutableMapping`."""


def is_mapping(store: Any) -> bool:
    """Tell whether `store` is a `MutableMapping`, or has the methods of one that matter."""
    if isinstance(store, MutableMapping):
        return True
    return all(callable(getattr(type(store), name, None)) for name in _MAPPING_METHODS)


class KVStore(BaseStore):
    """A store in any ``MutableMapping`` of strings to bytes.

    Methods of the mapping (``setitems``, ``delitems``, ``listdir``, ``rmdir``, ``rename``,
    ``getsize``, ``close``) are used instead of the defaults.

    Parameters
    ----------
    mutablemapping : MutableMapping
        For instance a dict; or another object with the methods ``keys``, ``values``, ``get`` and
        those for ``[]`` and ``in``.

    Raises
    ------
    StoreTypeError
        If the object lacks one of these methods.

    Notes
    -----
    A key is absent if the mapping raises `KeyError` or `FileNotFoundError`. Metadata in the mapping
    can be text or dictionaries instead of bytes, as from `json`; all values are written as bytes.

    Examples
    --------
    >>> import zarr
    >>> from zarr.storage import KVStore
    >>> store = KVStore({})
    >>> z = zarr.zeros(10, chunks=5, store=store)
    >>> z[:5] = 42
    >>> sorted(store)
    ['.zarray', '0']
    """

    def __init__(self, mutablemapping: MutableMapping[str, Buffer]) -> None:
        if not is_mapping(mutablemapping):
            raise StoreTypeError(f"expected a MutableMapping, not {type(mutablemapping).__name__}")
        self._hold(mutablemapping)

    def _hold(self, mapping: MutableMapping[str, Buffer]) -> None:
        # The identity first, so that it does not survive the mapping for a moment.
        self._identity = identity_of(mapping)
        self._mutable_mapping = mapping
        self._adopt_verbs(mapping)

    def _adopt_verbs(self, mapping: MutableMapping[str, Buffer]) -> None:
        # The one place where a foreign object is asked what it can do: once, at the door.
        self._verbs: dict[str, Any] = {}
        for verb in ("setitems", "delitems", "listdir", "rmdir", "rename", "getsize", "close"):
            method = getattr(mapping, verb, None)
            if callable(method):
                self._verbs[verb] = method
        for verb in self._verbs.keys() & {"getsize", "close"}:
            setattr(self, verb, self._verbs[verb])
        self.forwards = isinstance(mapping, BaseStore)  # type: ignore[misc]
        self._dimension_separator = getattr(mapping, "_dimension_separator", None)
        # A defaultdict stores what it is asked for.
        self._fills_itself = callable(getattr(type(mapping), "__missing__", None))
        self._has_length = callable(getattr(type(mapping), "__len__", None))

    @property
    def location(self) -> Hashable:
        return self._identity.number

    def address(self, path: str = "") -> tuple[Hashable, str]:
        mapping = self._mutable_mapping
        if isinstance(mapping, BaseStore):
            return mapping.address(path)
        return self._identity.number, path

    def __getitem__(self, key: str) -> Buffer:
        if self._fills_itself and key not in self._mutable_mapping:
            raise KeyError(key)
        try:
            value = self._mutable_mapping[key]
        except FileNotFoundError:
            raise KeyError(key) from None
        return value if type(value) is bytes else _value_of(key, value)

    def __setitem__(self, key: str, value: Buffer) -> None:
        self._mutable_mapping[key] = as_bytes(value)

    def __delitem__(self, key: str) -> None:
        try:
            del self._mutable_mapping[key]
        except FileNotFoundError:
            raise KeyError(key) from None

    def __contains__(self, key: object) -> bool:
        return key in self._mutable_mapping

    def __iter__(self) -> Iterator[str]:
        # A copy, because the mapping may change during the iteration.
        return iter(list(self._mutable_mapping.keys()))

    def __len__(self) -> int:
        return len(self._mutable_mapping) if self._has_length else super().__len__()

    def setitems(self, items: Mapping[str, Buffer]) -> None:
        if type(self._mutable_mapping) is not dict:
            self._verbs.get("setitems", super().setitems)(items)
            return
        put = self._mutable_mapping.__setitem__
        for key, value in items.items():
            put(key, value if type(value) is bytes else as_bytes(value))

    def delitems(self, keys: Iterable[str]) -> None:
        self._verbs.get("delitems", super().delitems)(keys)

    def listdir(self, path: str = "") -> list[str]:
        names: list[str] = self._verbs.get("listdir", super().listdir)(path)
        return names

    def rmdir(self, path: str = "") -> None:
        self._verbs.get("rmdir", super().rmdir)(path)

    def rename(self, src_path: str, dst_path: str) -> None:
        self._verbs.get("rename", super().rename)(src_path, dst_path)

    def list_sizes(self, path: str = "") -> Iterator[tuple[str, int]]:
        mapping = self._mutable_mapping
        if isinstance(mapping, BaseStore):
            return mapping.list_sizes(path)
        return super().list_sizes(path)

    def getitems(self, keys: Sequence[str], *, contexts: Any = None) -> dict[str, Buffer]:
        mapping = self._mutable_mapping
        if type(mapping) is not dict:
            return super().getitems(keys)
        try:
            # Not by `get`, which free-threaded Python 3.13 makes wait for a lock that it has.
            found = {key: mapping[key] for key in keys if key in mapping}
        except KeyError:  # another thread has deleted it meanwhile
            return super().getitems(keys)
        if any([type(value) is not bytes for value in found.values()]):
            return {k: _value_of(k, value) for k, value in found.items() if value is not None}
        return found

    def keys_if_few(self, path: str, most: int) -> list[str] | None:
        mapping = self._mutable_mapping
        if type(mapping) is not dict or len(mapping) > most:
            return None
        prefix = f"{path}/" if path else ""
        return [key for key in list(mapping) if key.startswith(prefix)]

    def __eq__(self, other: object) -> bool:
        # What is in memory is equal when it holds the same: a pickle's copy equals the original.
        return isinstance(other, KVStore) and self._mutable_mapping == other._mutable_mapping

    __hash__ = BaseStore.__hash__

    def __getstate__(self) -> MutableMapping[str, Buffer]:
        return self._mutable_mapping

    def __setstate__(self, mapping: MutableMapping[str, Buffer]) -> None:
        self._hold(mapping)

    def __repr__(self) -> str:
        mapping = self._mutable_mapping
        # To write out all values of a dictionary can take seconds, and much memory.
        shown = f"dict of {len(mapping)} keys" if type(mapping) is dict else f"{mapping!r:.60}"
        return f"<{type(self).__name__}: {shown}>"


def _value_of(key: str, value: Any) -> Buffer:
    """Return a value of a foreign mapping as bytes, or as it is if it can be read like bytes.

    Raises
    ------
    TypeError
        If it is neither, nor text or JSON of metadata.
    """
    if is_document_name(key.rpartition("/")[2]):
        if isinstance(value, str):
            return value.encode()
        if isinstance(value, Mapping):
            return json.dumps(value).encode()
    try:
        memoryview(value)
    except TypeError:
        raise TypeError(
            f"the value of {key!r} in the store is of type {type(value).__name__}; expected bytes"
        ) from None
    return value


def as_store(store: Any) -> BaseStore:
    """Return a store as it is, or a store in a mapping.

    Parameters
    ----------
    store : BaseStore or MutableMapping
        A store or a mapping of strings to bytes.

    Returns
    -------
    BaseStore
        `store` itself, or a :class:`KVStore`.

    Raises
    ------
    StoreTypeError
        If `store` is neither a store nor a mapping.

    Examples
    --------
    >>> from zarr.storage import as_store
    >>> as_store({})
    <KVStore: dict of 0 keys>
    """
    # Half of what `isinstance` costs for an abstract class, and each node asks twice.
    if BaseStore in type(store).__mro__:
        return store  # type: ignore[no-any-return]
    if is_mapping(store):
        return KVStore(store)
    if callable(getattr(type(store), "get_partial_values", None)):
        return import_module("zarr.storage.foreign").ForeignStore.of(store)  # type: ignore[no-any-return]
    raise StoreTypeError(
        f"expected a store, a MutableMapping or a path, not {type(store).__name__}"
    )
