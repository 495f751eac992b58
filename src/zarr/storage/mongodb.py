"""A store in a collection of a MongoDB database."""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, ClassVar, TypeVar

from zarr.errors import StoreError, StorePermissionError, StoreTimeoutError
from zarr.storage.aliases import canonical_host, server_name
from zarr.storage.base import BaseStore, Buffer, Separator, as_bytes, check_key
from zarr.storage.remote import cut_into, failure, pauses, request_apart, require

__all__ = ["MongoDBStore"]

MAX_DOCUMENT_BYTES = 16 << 20
"""What MongoDB takes for one document."""

_DOCUMENT_OVERHEAD = 128
"""Bytes of a document without its key and value, rounded up."""

T = TypeVar("T")

_PAGE = 10_000
_DENIED = (13, 18)  # Unauthorized, AuthenticationFailed


class MongoDBStore(BaseStore):
    """A store in a collection of a MongoDB database.

    Requires the package ``pymongo``: ``pip install 'zarr[mongodb]'``.

    Parameters
    ----------
    database : str, default 'mongodb_zarr'
        Name of the database.
    collection : str, default 'zarr_collection'
        Name of the collection.
    dimension_separator : {'.', '/'}, optional
        Separator between the chunk indices in a chunk key, for arrays created in this store.
    retries : int, default 3
        How often to repeat an operation, after a pause, if the connection broke; 0 for never. For a
        server that does not respond the driver itself waits, up to ``serverSelectionTimeoutMS``.
    **kwargs
        Options of `pymongo.MongoClient`: ``host``, ``port``, ``username``, …

    Raises
    ------
    ImportError
        If the package ``pymongo`` is missing.

    Notes
    -----
    A key and its value are one document, which MongoDB limits to 16 MB. A batch with a larger value
    raises `StoreError` before anything is written.

    A batch of reads is one query. The first write creates an index of the keys, in which a folder
    is a range: listing one takes one query per child folder, however many chunks lie below it.

    Safe to use from several threads and processes.

    Examples
    --------
    >>> import zarr
    >>> store = zarr.MongoDBStore(host='localhost')  # doctest: +SKIP
    >>> root = zarr.group(store=store, overwrite=True)  # doctest: +SKIP
    """

    threads: ClassVar[int] = 4

    def __init__(
        self,
        database: str = "mongodb_zarr",
        collection: str = "zarr_collection",
        dimension_separator: Separator | None = None,
        *,
        retries: int = 3,
        **kwargs: Any,
    ) -> None:
        self._pymongo = require("pymongo", "MongoDBStore", "mongodb")
        self._arguments = (database, collection, dimension_separator, retries, dict(kwargs))
        self._dimension_separator = dimension_separator
        self.retries = retries
        self._connect()

    def _connect(self) -> None:
        database, collection, _, retries, kwargs = self._arguments
        again = {} if retries else {"retryReads": False, "retryWrites": False}
        self.client = request_apart(self._pymongo.MongoClient, **{**again, **kwargs})
        self._end = weakref.finalize(self, self.client.close)
        self.db = self.client.get_database(database)
        self._collection = self.db.get_collection(collection)
        self._has_index = False
        self._process: int | None = os.getpid()

    @property
    def collection(self) -> Any:
        """The `pymongo.collection.Collection` of the documents."""
        if self._process != os.getpid():
            # A client's sockets and threads belong to the process that made it.
            self._connect()
        return self._collection

    def __reduce__(self) -> Any:
        return _reopen, (type(self), *self._arguments)

    @property
    def location(self) -> Hashable:
        database, collection, *_ = self._arguments
        addresses = frozenset(
            (canonical_host(host), port or 27017) for host, port in self._given_hosts()
        )
        try:
            server = server_name("mongodb", addresses, self._ask_for_name)
        except StoreError:  # it does not answer now
            server = addresses
        return "mongodb", server, database, collection

    def _given_hosts(self) -> list[tuple[str, int | None]]:
        kwargs = self._arguments[-1]
        host, port = kwargs.get("host") or "localhost", kwargs.get("port")
        given: list[tuple[str, int | None]] = []
        for each in [host] if isinstance(host, str) else host:
            _, _, rest = each.rpartition("://")
            for one in rest.partition("/")[0].rpartition("@")[2].split(","):
                name, _, number = (
                    one.rpartition(":") if one.rpartition(":")[2].isdigit() else (one, "", "")
                )
                given.append((name, int(number) if number else port))
        return given

    def _ask_for_name(self) -> Hashable | None:
        said = self._ask("ask for", "its name", lambda c: c.database.command("hello"))
        if "setName" in said:
            return said["setName"], frozenset(said.get("hosts", ()))
        return said.get("topologyVersion", {}).get("processId")  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        database, collection, *_ = self._arguments
        return f"<{type(self).__name__}: collection {collection!r} of database {database!r}>"

    # -- errors and the index ------------------------------------------------------

    @contextmanager
    def _doing(self, verb: str, what: str) -> Iterator[None]:
        errors = self._pymongo.errors
        try:
            yield
        except (errors.NetworkTimeout, errors.ExecutionTimeout) as error:
            raise failure(verb, what, self, error, StoreTimeoutError) from error
        except errors.ServerSelectionTimeoutError as error:
            # Nobody was there to take the request; that it took some time to see is no news.
            raise failure(verb, what, self, error) from error
        except errors.PyMongoError as error:
            denied = isinstance(error, errors.OperationFailure) and error.code in _DENIED
            kind = StorePermissionError if denied else StoreError
            raise failure(verb, what, self, error, kind) from error

    def _ask(self, verb: str, what: str, request: Callable[[Any], T]) -> T:
        """Return ``request(collection)``, which may be sent again, as it changes nothing then."""
        errors = self._pymongo.errors
        with self._doing(verb, what):
            for pause in pauses(self.retries):
                try:
                    return request_apart(request, self.collection)
                except errors.ServerSelectionTimeoutError:
                    raise  # the driver has tried for long
                except errors.AutoReconnect:
                    time.sleep(pause)
            return request_apart(request, self.collection)

    def _with_index(self) -> None:
        """Make the index before the first write."""
        if self._process != os.getpid() or not self._has_index:
            self._ask("index", "key", self._make_index)
            self._has_index = True

    def _make_index(self, collection: Any) -> None:
        try:
            collection.create_index("key", unique=True)
        except self._pymongo.errors.OperationFailure as error:
            if error.code in _DENIED:
                raise
            # Earlier programs, racing without an index, have written a key twice.
            collection.create_index("key", name="zarr_key")

    # -- reading -------------------------------------------------------------------

    def __getitem__(self, key: str) -> bytes:
        document = self._ask(
            "read", key, lambda c: c.find_one({"key": key}, {"_id": 0, "value": 1})
        )
        if document is None:
            raise KeyError(key)
        return document["value"]  # type: ignore[no-any-return]

    def getitems(self, keys: Sequence[str], *, contexts: Any = None) -> dict[str, Buffer]:
        if not keys:
            return {}
        query = {"key": {"$in": list(keys)}}
        fields = {"_id": 0, "key": 1, "value": 1}
        documents = self._ask(
            "read", _named(keys), lambda c: list(c.find(query, fields, batch_size=len(keys) + 1))
        )
        return {document["key"]: document["value"] for document in documents}

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, str):
            return False
        query, fields = {"key": key}, {"_id": 0, "key": 1}
        return self._ask("look for", key, lambda c: c.find_one(query, fields)) is not None

    # -- writing -------------------------------------------------------------------

    def __setitem__(self, key: str, value: Buffer) -> None:
        MongoDBStore.setitems(self, {key: value})

    def setitems(self, items: Mapping[str, Buffer]) -> None:
        values = {check_key(key): as_bytes(value) for key, value in items.items()}
        for key, value in values.items():
            if len(value) + len(key.encode()) + _DOCUMENT_OVERHEAD > MAX_DOCUMENT_BYTES:
                raise StoreError(
                    f"the value of {key!r} has {len(value)} bytes, and MongoDB holds at most "
                    f"{MAX_DOCUMENT_BYTES} in one document, its key included: use smaller chunks"
                )
        if not values:
            return
        self._with_index()
        changes = [
            # The size is stored with the value, because not every server can compute it.
            self._pymongo.UpdateOne(
                {"key": key}, {"$set": {"value": value, "size": len(value)}}, upsert=True
            )
            for key, value in values.items()
        ]
        self._ask("write", _named(list(values)), lambda c: c.bulk_write(changes, ordered=False))

    def __delitem__(self, key: str) -> None:
        if not self._ask("delete", key, lambda c: c.delete_many({"key": key}).deleted_count):
            raise KeyError(key)

    def delitems(self, keys: Iterable[str]) -> None:
        for part in cut_into(keys, _PAGE):
            query = {"key": {"$in": part}}
            self._ask("delete", _named(part), partial(_delete_many, query))

    # -- listing -------------------------------------------------------------------

    def _find_keys(self, path: str, bounds: dict[str, str], limit: int) -> list[str]:
        """Return the first keys within `bounds`, which lie below `path`, in order."""
        query = {"key": bounds} if bounds else {}
        found = self._ask(
            "list",
            path,
            lambda c: list(c.find(query, {"_id": 0, "key": 1}).sort("key", 1).limit(limit)),
        )
        return [document["key"] for document in found]

    def __iter__(self) -> Iterator[str]:
        return self.list_prefix()

    def __len__(self) -> int:
        return int(self._ask("count the keys of", self.db.name, lambda c: c.count_documents({})))

    def list_prefix(self, path: str = "") -> Iterator[str]:
        bounds = _below(path)
        while True:
            keys = self._find_keys(path, bounds, _PAGE)
            yield from keys
            if len(keys) < _PAGE:
                return
            bounds = _after("$gt", keys[-1], path)

    def listdir(self, path: str = "") -> list[str]:
        skip = len(path) + 1 if path else 0
        names: set[str] = set()
        bounds, page = _below(path), 16
        while keys := self._find_keys(path, bounds, page):
            before = len(names)
            names.update(key[skip:].partition("/")[0] for key in keys)
            if len(keys) < page:
                break
            # Leap over what is left of the last folder; look at more at a time where
            # folders are small, and at less where they are big.
            name, slash, _ = keys[-1][skip:].partition("/")
            if slash:
                bounds = _after("$gte", f"{keys[-1][:skip]}{name}0", path)
            else:
                bounds = _after("$gt", keys[-1], path)
            many = len(names) - before > page // 2
            page = min(page * 2, _PAGE) if many else max(page // 2, 2)
        return sorted(names)

    def list_sizes(self, path: str = "") -> Iterator[tuple[str, int]]:
        for page in cut_into(self.list_prefix(path), _PAGE):
            yield from self._sizes(path, page).items()

    def getsize(self, path: str = "") -> int:
        names = self.listdir(path)
        keys = [f"{path}/{name}" if path else name for name in names]
        sizes = self._sizes(path, [path, *keys])
        return sizes[path] if path in sizes else sum(sizes.values())

    def _sizes(self, path: str, keys: Sequence[str]) -> dict[str, int]:
        """Return the bytes of the values of those `keys` that exist; `path` is for messages."""
        sizes: dict[str, int] = {}
        for part in cut_into(keys, _PAGE):
            query = {"key": {"$in": part}}
            fields = {"_id": 0, "key": 1, "size": 1}
            found = self._ask("measure", path, partial(_find_all, query, fields))
            sizes.update({document["key"]: document.get("size", -1) for document in found})
        # Values that the 2.x library wrote have no size stored with them.
        unknown = [key for key, size in sizes.items() if size < 0]
        sizes.update({key: len(value) for key, value in self.getitems(unknown).items()})
        return sizes

    # -- life cycle ----------------------------------------------------------------

    def close(self) -> None:
        """Close the connections. The next use opens them again."""
        request_apart(self.client.close)
        self._process = None


def _find_all(query: dict[str, Any], fields: dict[str, int], collection: Any) -> list[Any]:
    return list(collection.find(query, fields))


def _delete_many(query: dict[str, Any], collection: Any) -> None:
    collection.delete_many(query)


def _reopen(
    cls: type[MongoDBStore],
    database: str,
    collection: str,
    dimension_separator: Separator | None,
    retries: int,
    options: dict[str, Any],
) -> MongoDBStore:
    return cls(database, collection, dimension_separator, retries=retries, **options)


def _named(keys: Sequence[str]) -> str:
    return keys[0] if len(keys) == 1 else f"{keys[0]} … {keys[-1]}" if keys else ""


def _below(path: str) -> dict[str, str]:
    """Return the bounds of the keys below `path`."""
    # '0' is the character after '/'.
    return {"$gte": f"{path}/", "$lt": f"{path}0"} if path else {}


def _after(relation: str, key: str, path: str) -> dict[str, str]:
    """Return the bounds of the keys below `path` that come after `key`."""
    return {relation: key, "$lt": f"{path}0"} if path else {relation: key}
