"""A store in an OCDBT database, which keeps its versions."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar, NamedTuple, TypeVar

from zarr._codecs.array_codecs import checksum_of
from zarr.errors import (
    ReadOnlyError,
    StoreError,
    StorePermissionError,
    TransactionConflictError,
)
from zarr.storage.base import (
    BaseStore,
    Buffer,
    ByteRange,
    Outcome,
    Separator,
    StoreTransaction,
    as_bytes,
    check_key,
    take_range,
)
from zarr.storage.identity import Identity
from zarr.storage.journal import Changes
from zarr.storage.overlay import MemoryStagingStore
from zarr.storage.remote import cut_into, failure, request_apart, require

__all__ = ["OCDBTStore", "OCDBTVersion"]

T = TypeVar("T")

_AT_A_TIME = 10_000
"""How many reads or writes are under way at a time."""

_MAGIC = b"\x0c\xdb\x3a\x2a"
"""What a manifest begins with."""

_HINT = "; a writer was killed: zarr.recover, or any use of the store for writing, may mend that"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_first_user: int | None = None
"""The process that uses tensorstore, whose threads are lost in a forked child."""


class OCDBTVersion(NamedTuple):
    """A version of a database.

    Attributes
    ----------
    number : int
        Its number, the argument `version` of :class:`OCDBTStore`.
    time : datetime.datetime
        When it was committed, in UTC.
    """

    number: int
    time: datetime


class OCDBTStore(BaseStore):
    """A store in an OCDBT database, which has transactions and keeps its versions.

    Requires the package ``tensorstore``: ``pip install 'zarr[tensorstore]'``.

    Parameters
    ----------
    url : str, path-like or dict
        A directory, or a URL or specification of a key-value store of tensorstore, such as
        ``'s3://bucket/path/'``, in which the database has its files. It is created by the first
        write.
    version : int, str or datetime.datetime, optional
        The version to read: its number, or a time in ISO 8601 for the last version before. The
        store is read-only then. By default the newest one, at each read.
    dimension_separator : {'.', '/'}, optional
        Separator between the chunk indices in a chunk key, for arrays created in this store.
    read_only : bool, default False
        Whether nothing can be written.

    Raises
    ------
    ImportError
        If the package ``tensorstore`` is missing.
    StoreError
        If there is no such version.

    Notes
    -----
    OCDBT, `Optionally-Cooperative Distributed B+Tree`__, is a format of tensorstore, which reads
    and writes the arrays in such a store too, with the URL ``file:///path/|ocdbt:``, and so does
    Neuroglancer. All keys and values are in few, large files.

    __ https://google.github.io/tensorstore/kvstore/ocdbt/index.html

    Each call makes one version at most, however many keys it writes; :func:`zarr.transaction` makes
    one of many calls. No version is ever deleted, nor are the values in it.

    A transaction reads the version with which it began, and keeps its changes in memory. It is
    committed only if nothing that it has read was changed by others, and raises
    :class:`~zarr.errors.TransactionConflictError` otherwise: begin another one then. Nobody waits.

    Listing a folder lists all keys below it, and sizes are known by reading the values.

    Safe to use from several threads and processes, but not in a forked child of a process that has
    used tensorstore, whose threads are lost there: start processes with ``spawn`` or
    ``forkserver``.

    Examples
    --------
    >>> import zarr
    >>> store = zarr.storage.OCDBTStore('data/versions.ocdbt')  # doctest: +SKIP
    >>> z = zarr.open_array(store, mode='w', shape=3, dtype='i4')  # doctest: +SKIP
    >>> before = store.versions()[-1]  # doctest: +SKIP
    >>> z[:] = 7  # doctest: +SKIP
    >>> old = zarr.storage.OCDBTStore('data/versions.ocdbt', before.number)  # doctest: +SKIP
    >>> zarr.open_array(old, mode='r')[:].tolist(), z[:].tolist()  # doctest: +SKIP
    ([0, 0, 0], [7, 7, 7])
    """

    partial_reads: ClassVar[bool] = True
    has_transactions: ClassVar[bool] = True

    def __init__(
        self,
        url: str | os.PathLike[str] | Mapping[str, Any],
        version: int | str | datetime | None = None,
        dimension_separator: Separator | None = None,
        *,
        read_only: bool = False,
    ) -> None:
        self._tensorstore = require("tensorstore", "OCDBTStore", "tensorstore")
        self.url = dict(url) if isinstance(url, Mapping) else os.fspath(url)
        self.version = version
        self._dimension_separator = dimension_separator
        self._mode = "r" if read_only or version is not None else "a"
        self._base = _base_of(self._tensorstore, self.url)
        self._identity = Identity()
        self._kv = self._opened(version)
        if version is not None:
            self._do("find", f"version {version}", lambda: self._kv.read("\0").result())

    def _opened(self, version: int | str | datetime | None) -> Any:
        _check_process()
        spec: dict[str, Any] = {"driver": "ocdbt", "base": self._base}
        if isinstance(version, datetime):
            utc = version.astimezone(UTC) if version.tzinfo else version
            version = utc.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        if version is not None:
            spec["version"] = version
        kind = self._tensorstore.KvStore
        return self._do("open", str(self.url), lambda: kind.open(spec).result())

    def _do(self, verb: str, what: str, request: Callable[[], T]) -> T:
        """Return what `request` returns, called on a thread that no interrupt reaches."""
        _check_process()
        try:
            try:
                return request_apart(request)
            except ValueError as error:
                if "Error decoding manifest" not in str(error) or self._mode == "r":
                    raise
                self._mend()
                return request_apart(request)
        except StoreError:
            raise
        except (ValueError, OSError, RuntimeError, NotImplementedError) as error:
            kind = StorePermissionError if "PERMISSION_DENIED" in str(error) else StoreError
            hint = _HINT if "Error decoding manifest" in str(error) else ""
            raise failure(verb, what, self, error, kind, hint) from error

    def _mend(self) -> bool:
        """Cut what a killed writer has left at the end of the manifest; tell whether it did.

        tensorstore takes the file that a killed process was writing for the next manifest, and
        does not cut it before. The manifest itself has its length and a checksum.
        """
        if self._base["driver"] != "file":
            return False
        try:
            with open(os.path.join(self._base["path"], "manifest.ocdbt"), "r+b") as file:
                found = file.read()
                length = int.from_bytes(found[4:12], "little")
                if length >= len(found) or not _is_whole(found[:length]):
                    return False
                file.truncate(length)
        except OSError:
            return False
        return True

    @property
    def location(self) -> Hashable:
        base = self._base
        if base["driver"] == "memory":  # each has its own
            return self._identity.number
        if base["driver"] == "file":
            return "ocdbt", os.path.realpath(base["path"]), self.version
        return "ocdbt", repr(base), self.version

    def __reduce__(self) -> Any:
        again = partial(type(self), read_only=self._mode == "r")
        return again, (self.url, self.version, self._dimension_separator)

    def __repr__(self) -> str:
        version = "" if self.version is None else f", version {self.version}"
        return f"<{type(self).__name__}: {self.url!r}{version}>"

    # -- versions ------------------------------------------------------------------

    def versions(self) -> list[OCDBTVersion]:
        """Return all versions of the database, from the oldest to the newest.

        Returns
        -------
        list of OCDBTVersion
            Empty if the database does not exist yet.
        """
        manifest = self._manifest()
        found = [*self._older(manifest["version_tree_nodes"]), *manifest["versions"]]
        return [
            OCDBTVersion(entry["generation_number"], _time_of(entry["commit_time"]))
            for entry in found
        ]

    def _manifest(self) -> Mapping[str, Any]:
        try:
            return self._dump(None)
        except StoreError as error:
            if "NOT_FOUND" not in str(error):
                raise
        return {"version_tree_nodes": [], "versions": []}

    def _older(self, nodes: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        for entry in nodes:
            if "num_generations" not in entry:
                yield entry
            else:
                yield from self._older(self._dump(entry["location"])["entries"])

    def _dump(self, node: str | None) -> Mapping[str, Any]:
        dump = self._tensorstore.ocdbt.dump
        return self._do("list", "the versions", lambda: dump(self._kv.base, node).result())

    def _newest(self) -> int | None:
        """Return the number of the newest version, None if the database does not exist yet."""
        versions = self._manifest()["versions"]
        return int(versions[-1]["generation_number"]) if versions else None

    # -- reading -------------------------------------------------------------------

    def _read(self, keys: Sequence[str]) -> list[Any]:
        """Return the results of reading some keys."""

        def read() -> list[Any]:
            answers = [self._kv.read(key) for key in keys]
            return [answer.result() for answer in answers]

        return self._do("read", _named(keys), read)

    def __getitem__(self, key: str) -> bytes:
        (found,) = self._read([check_key(key)])
        if found.state == "missing":
            raise KeyError(key)
        return found.value  # type: ignore[no-any-return]

    def getitems(self, keys: Sequence[str], *, contexts: Any = None) -> dict[str, Buffer]:
        values: dict[str, Buffer] = {}
        for part in cut_into(keys, _AT_A_TIME):
            found = zip(part, self._read(part), strict=True)
            values.update({key: one.value for key, one in found if one.state != "missing"})
        return values

    def get_partial_values(self, ranges: Sequence[tuple[str, ByteRange]]) -> list[Buffer | None]:
        def read() -> list[Buffer | None]:
            answers = [self._kv.read(key, byte_range=_slice(one)) for key, one in ranges]
            return [self._part(*item) for item in zip(answers, ranges, strict=True)]

        return self._do("read", _named([key for key, _ in ranges]), read) if ranges else []

    def _part(self, answer: Any, wanted: tuple[str, ByteRange]) -> Buffer | None:
        key, byte_range = wanted
        try:
            found = answer.result()
        except ValueError as error:
            if "OUT_OF_RANGE" not in str(error):
                raise
            # It ends beyond the value, which is unusual, so the value is read whole.
            found = self._kv.read(key).result()
            return None if found.state == "missing" else take_range(found.value, byte_range)
        return None if found.state == "missing" else found.value[: byte_range[1]]

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._read([key])[0].state != "missing"

    # -- writing -------------------------------------------------------------------

    def __setitem__(self, key: str, value: Buffer) -> None:
        OCDBTStore.setitems(self, {key: value})

    def setitems(self, items: Mapping[str, Buffer]) -> None:
        self._change({check_key(key): as_bytes(value) for key, value in items.items()})

    def _change(self, changes: Mapping[str, bytes | None]) -> None:
        """Store values, and delete keys with None, in one version."""
        if self.version is not None:
            raise ReadOnlyError(f"{self!r} is read-only: it is one version of a database")
        self.check_writeable()
        if changes:
            self._do("write", _named(list(changes)), lambda: _commit(self, changes, {}))

    def __delitem__(self, key: str) -> None:
        self.check_writeable()
        if key not in self:
            raise KeyError(key)
        self._change({key: None})

    def delitems(self, keys: Iterable[str]) -> None:
        self._change(dict.fromkeys(keys))

    def rmdir(self, path: str = "") -> None:
        self._change(dict.fromkeys(self.list_prefix(path)))

    # -- listing -------------------------------------------------------------------

    def __iter__(self) -> Iterator[str]:
        return self.list_prefix()

    def list_prefix(self, path: str = "") -> Iterator[str]:
        return iter(self._keys(path))

    def _keys(self, path: str) -> list[str]:
        kind = self._tensorstore.KvStore.KeyRange
        below = kind(f"{path}/", f"{path}0") if path else kind()  # '0' comes after '/'
        found = self._do("list", path, lambda: self._kv.list(below).result())
        return [key.decode() for key in found]

    def listdir(self, path: str = "") -> list[str]:
        skip = len(path) + 1 if path else 0
        return sorted({key[skip:].partition("/")[0] for key in self._keys(path)})

    # -- transactions --------------------------------------------------------------

    def begin(
        self, *, fsync: bool = True, timeout: float = 30.0, read_only: bool = False
    ) -> StoreTransaction:
        if not read_only:
            self.check_writeable()
        return _OCDBTTransaction(self, read_only=read_only)

    def recover(self, timeout: float = 30.0) -> Outcome:
        self.check_writeable()
        return "rolled forward" if self._mend() else "clean"  # what is not committed is not seen


class _View(OCDBTStore):
    """One version of a database, which notes what is read of it."""

    def __init__(self, store: OCDBTStore) -> None:
        self.__dict__.update(store.__dict__)
        self._counted_as = store
        self.seen: dict[str, bytes | None] = {}
        """The generations of values, None where there is none."""
        self.listed: set[str] = set()
        self.number = None if store.version is not None else store._newest()
        if self.number is not None:
            self._kv = self._opened(self.number)
            self.version = self.number

    def _read(self, keys: Sequence[str]) -> list[Any]:
        results = super()._read(keys)
        for key, found in zip(keys, results, strict=True):
            self.seen[key] = None if found.state == "missing" else found.stamp.generation
        return results

    def get_partial_values(self, ranges: Sequence[tuple[str, ByteRange]]) -> list[Buffer | None]:
        values = self.getitems(list(dict.fromkeys(key for key, _ in ranges)))
        return [take_range(values[key], one) if key in values else None for key, one in ranges]

    def _keys(self, path: str) -> list[str]:
        self.listed.add(path)
        return super()._keys(path)


class _OCDBTTransaction:
    """A transaction of OCDBT."""

    def __init__(self, store: OCDBTStore, *, read_only: bool) -> None:
        self._base = store
        self._view = _View(store)
        self._changes = Changes(os.urandom(8).hex())
        self.store = MemoryStagingStore(self._view, self._changes, read_only=read_only)

    def commit(self) -> None:
        """Make all changes visible together, and end the transaction."""
        self.store.close_for_changes()
        self.store.settle()
        if self._changes.is_empty():
            return
        changes: dict[str, bytes | None] = dict.fromkeys(self._changes.keys)
        changes.update(self.store.new_values())
        base = self._base
        if base._newest() != self._view.number:
            for path in self._view.listed:
                if sorted(base._keys(path)) != sorted(self._view._keys(path)):
                    raise _conflict(base)
        base._do("commit a transaction on", str(base.url), lambda: self._commit(changes))

    def _commit(self, changes: Mapping[str, bytes | None]) -> None:
        try:
            _commit(self._base, changes, self._view.seen)
        except ValueError as error:
            if "ABORTED" not in str(error):
                raise
            raise _conflict(self._base) from error

    def rollback(self) -> None:
        """Drop all changes, and end the transaction."""
        self.store.close_for_changes()


def _conflict(store: OCDBTStore) -> TransactionConflictError:
    return TransactionConflictError(
        f"others have changed what the transaction on {store!r} has read; nothing was changed. "
        "Begin another one"
    )


def _commit(
    store: OCDBTStore, changes: Mapping[str, bytes | None], seen: Mapping[str, bytes | None]
) -> None:
    """Make one version with some changes, if the keys that were `seen` are as they were."""
    kind = store._tensorstore.Transaction
    transaction = kind(atomic=True, repeatable_read=bool(seen))
    try:
        bound = store._kv.with_transaction(transaction)
        if not _is_as_seen(bound, seen):
            raise _conflict(store)
        _write(bound, changes)
        transaction.commit_sync()
    finally:
        transaction.abort()  # nothing, if it was committed


def _is_as_seen(bound: Any, seen: Mapping[str, bytes | None]) -> bool:
    for part in cut_into(seen.items(), _AT_A_TIME):
        answers = [
            bound.read(key, **({} if known is None else {"if_not_equal": known}))
            for key, known in part
        ]
        for answer, (_, known) in zip(answers, part, strict=True):
            if answer.result().state != ("missing" if known is None else "unspecified"):
                return False
    return True


def _write(bound: Any, changes: Mapping[str, bytes | None]) -> None:
    for writes in cut_into(changes.items(), _AT_A_TIME):
        waiting = [bound.write(key, value) for key, value in writes]
        del waiting  # each is complete with the commit


def _base_of(tensorstore: Any, url: str | dict[str, Any]) -> dict[str, Any]:
    """Return the specification of the key-value store that a database is in."""
    if isinstance(url, str):
        url = url.removesuffix("|ocdbt:")
        if "://" not in url:
            return {"driver": "file", "path": os.path.abspath(url) + "/"}
        url = url if url.endswith("/") else f"{url}/"
    base: dict[str, Any] = tensorstore.KvStore.Spec(url).to_json()
    return base


def _is_whole(manifest: bytes) -> bool:
    """Tell whether a manifest begins and ends as the format says: with its checksum."""
    checksum = int.from_bytes(manifest[-4:], "little")
    return manifest[:4] == _MAGIC and checksum_of(manifest[:-4]) == checksum


def _time_of(nanoseconds: int) -> datetime:
    """Return a time; rounded up, so that the last version before it is that one."""
    return _EPOCH + timedelta(microseconds=-(-nanoseconds // 1000))


def _slice(byte_range: ByteRange) -> slice:
    start, length = byte_range
    return slice(start, None if length is None or start < 0 else start + length)


def _named(keys: Sequence[str]) -> str:
    return keys[0] if len(keys) == 1 else f"{keys[0]} … {keys[-1]}" if keys else ""


def _check_process() -> None:
    global _first_user
    if _first_user is None:
        _first_user = os.getpid()
    elif _first_user != os.getpid():
        raise StoreError(
            "OCDBTStore cannot be used in a forked child of a process that has used tensorstore: "
            "start processes with 'spawn' or 'forkserver'"
        )
