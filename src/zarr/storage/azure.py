"""A store in a container of Azure Blob Storage."""

from __future__ import annotations

import os
import pickle
import warnings
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlsplit

from zarr.errors import (
    StoreError,
    StoreKeyError,
    StorePermissionError,
    StoreTimeoutError,
    ZarrFutureWarning,
)
from zarr.storage.aliases import canonical_host
from zarr.storage.base import BaseStore, Buffer, ByteRange, Separator, as_bytes, check_key
from zarr.storage.remote import age_of, cut_into, failure, map_requests, request_apart, require

__all__ = ["ABSStore"]

T = TypeVar("T")

_CONNECTIONS = 10
"""Requests under way at a time: as many as the connections that a client keeps open."""

_OVERWRITES = 10
"""How often reading begins again because the value has been overwritten meanwhile."""

_DELETED_AT_A_TIME = 256
"""What Azure takes in one batch."""

_EMULATED_URL = "http://127.0.0.1:10000/devstoreaccount1"
_EMULATED_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)
"""The address and the key of every emulator on its own machine; the key is public."""


class ABSStore(BaseStore):
    """A store in a container of Azure Blob Storage.

    Requires the package ``azure-storage-blob``: ``pip install 'zarr[azure]'``.

    Parameters
    ----------
    container : str, optional
        Name of the container. Deprecated: use `client`.
    prefix : str, default ''
        Prefix of the blob names ``<prefix>/<key>``; None is the same as ''.
    account_name, account_key : str, optional
        The storage account and its access key. Deprecated: use `client`.
    blob_service_kwargs : dict, optional
        Other options of the client; ``{'is_emulated': True}`` for an emulator on this machine.
        Deprecated: use `client`.
    dimension_separator : {'.', '/'}, optional
        Separator between the chunk indices in a chunk key, for arrays created in this store.
    client : azure.storage.blob.ContainerClient, optional
        Client of the container, with its retry policy and timeouts. Required unless `container` is
        given.
    retries : int, optional
        How often to repeat a request that failed for a temporary reason; 0 for never. By default
        the setting of the client: three times with long pauses without a ``retry_policy``.

    Raises
    ------
    ImportError
        If the package ``azure-storage-blob`` is missing.
    ValueError
        If neither a client nor a container is given.

    Notes
    -----
    A batch of reads, writes or ranges sends ten requests at a time. Values are block blobs; a
    reader sees the old value or the new one, whole.

    Safe to use from several threads and processes.

    Examples
    --------
    >>> import azure.storage.blob  # doctest: +SKIP
    >>> client = azure.storage.blob.ContainerClient(...)  # doctest: +SKIP
    >>> store = zarr.ABSStore(client=client, prefix='zarr-testing')  # doctest: +SKIP
    >>> root = zarr.group(store=store, overwrite=True)  # doctest: +SKIP
    """

    threads: ClassVar[int] = 4
    partial_reads: ClassVar[bool] = True

    def __init__(
        self,
        container: str | None = None,
        prefix: str | None = "",
        account_name: str | None = None,
        account_key: str | None = None,
        blob_service_kwargs: Mapping[str, Any] | None = None,
        dimension_separator: Separator | None = None,
        client: Any = None,
        *,
        retries: int | None = None,
    ) -> None:
        self._blob = require("azure.storage.blob", "ABSStore", "azure", "azure-storage-blob")
        core = require("azure.core", "ABSStore", "azure", "azure-storage-blob")
        self._errors = core.exceptions
        self._if_unchanged = core.MatchConditions.IfNotModified
        if client is None:
            client = self._make_client(container, account_name, account_key, blob_service_kwargs)
        self._client = client
        self._process = os.getpid()
        self._dimension_separator = dimension_separator
        self.prefix = (prefix or "").strip("/")
        self.retries = retries
        names = ("retry_total", "retry_connect", "retry_read", "retry_status")
        self._policy = {} if retries is None else dict.fromkeys(names, retries)

    def _make_client(
        self,
        container: str | None,
        account_name: str | None,
        account_key: str | None,
        blob_service_kwargs: Mapping[str, Any] | None,
    ) -> Any:
        if container is None:
            raise ValueError(
                "ABSStore needs client=, an azure.storage.blob.ContainerClient"
                + (f"; no container given for {account_name=}" if account_name else "")
            )
        warnings.warn(
            "the arguments container, account_name, account_key and blob_service_kwargs of "
            "ABSStore are deprecated: pass client=azure.storage.blob.ContainerClient(...)",
            ZarrFutureWarning,
            stacklevel=3,
        )
        options = dict(blob_service_kwargs or {})
        if options.pop("is_emulated", False):
            url = _EMULATED_URL
            account_name, account_key = (
                account_name or "devstoreaccount1",
                account_key or _EMULATED_KEY,
            )
        else:
            url = f"https://{account_name}.blob.core.windows.net"
        url = options.pop("account_url", url)
        if account_name and account_key:
            options["credential"] = {"account_name": account_name, "account_key": account_key}
        return self._blob.ContainerClient(url, container, **options)

    @property
    def client(self) -> Any:
        """The `azure.storage.blob.ContainerClient` in use."""
        if self._process != os.getpid():
            # Open sockets came along through a fork, and both processes would talk on them.
            self._client = pickle.loads(pickle.dumps(self._client))
            self._process = os.getpid()
        return self._client

    @property
    def container(self) -> str:
        """Name of the container."""
        return str(self._client.container_name)

    @property
    def account_name(self) -> str:
        """Name of the storage account."""
        return str(self._client.account_name)

    @property
    def account_key(self) -> str | None:
        """Key of the storage account, if the client signs requests with one."""
        return getattr(self._client.credential, "account_key", None)

    def __reduce__(self) -> Any:
        return _reopen, (
            type(self), self._client, self.prefix, self._dimension_separator, self.retries
        )  # fmt: skip

    @property
    def location(self) -> Hashable:
        return *self._space(), self.prefix

    def address(self, path: str = "") -> tuple[Hashable, str]:
        return self._space(), "/".join(part for part in (self.prefix, path) if part)

    def _space(self) -> tuple[Hashable, ...]:
        """Return the container."""
        # What follows the question mark is a signature: a right, not a place.
        parts = urlsplit(self._client.url.partition("?")[0])
        host = canonical_host(parts.hostname or "")
        port = parts.port or {"http": 80}.get(parts.scheme, 443)
        return "azure", (host, port), parts.path.strip("/")

    def __repr__(self) -> str:
        place = "/".join(part for part in (self._client.url.partition("?")[0], self.prefix) if part)
        return f"<{type(self).__name__}: {place!r}>"

    # -- names and errors ----------------------------------------------------------

    def _name(self, key: str) -> str:
        # Checked for reading too: a client would follow '..' to places above the prefix.
        if "\\" in check_key(key):
            # The service takes it for a slash, and the value would be under another key.
            raise StoreKeyError(
                f"invalid key {key!r}: names of Azure blobs cannot contain backslashes"
            )
        return f"{self.prefix}/{key}" if self.prefix else key

    def _start(self, path: str) -> str:
        """Return how the names of all blobs below `path` start."""
        return "".join(f"{part}/" for part in (self.prefix, path) if part)

    @contextmanager
    def _doing(self, verb: str, key: str) -> Iterator[None]:
        errors = self._errors
        try:
            yield
        except (errors.ServiceRequestTimeoutError, errors.ServiceResponseTimeoutError) as error:
            raise failure(verb, key, self, error, StoreTimeoutError) from error
        except errors.AzureError as error:
            status = getattr(error, "status_code", None)
            if status == 404 and getattr(error, "error_code", None) == "BlobNotFound":
                raise KeyError(key) from None
            denied = status in (401, 403) or isinstance(error, errors.ClientAuthenticationError)
            kind = StorePermissionError if denied else StoreError
            raise failure(verb, key, self, error, kind) from error

    # -- reading -------------------------------------------------------------------

    def __getitem__(self, key: str) -> bytes:
        name = self._name(key)
        with self._doing("read", key):
            return self._at_rest(name, lambda blob: blob.download_blob(**self._policy).readall())

    def _ask(self, name: str, request: Callable[[Any], T]) -> T:
        """Return what `request` does with the client of a blob, on a thread of its own.

        To make that client takes the lock of `logging`, which an interrupt would leave held.
        """
        return request_apart(lambda: request(self.client.get_blob_client(name)))

    def _at_rest(self, name: str, read: Callable[[Any], bytes]) -> bytes:
        """Call `read` until the value has not been overwritten meanwhile."""
        for _ in range(_OVERWRITES):
            try:
                return self._ask(name, read)
            except self._errors.ResourceModifiedError:
                pass  # it takes several requests, which are of one value or fail
        return self._ask(name, read)

    def _find(self, key: str) -> bytes | None:
        try:
            return self[key]
        except KeyError:
            return None

    def getitems(self, keys: Sequence[str], *, contexts: Any = None) -> dict[str, Buffer]:
        values = map_requests(self._find, keys, _CONNECTIONS)
        return {key: value for key, value in zip(keys, values, strict=True) if value is not None}

    def get_partial_values(self, ranges: Sequence[tuple[str, ByteRange]]) -> list[Buffer | None]:
        return map_requests(self._find_range, ranges, _CONNECTIONS)

    def _find_range(self, wanted: tuple[str, ByteRange]) -> bytes | None:
        key, (start, length) = wanted
        try:
            name = self._name(key)
            with self._doing("read", key):
                return self._at_rest(name, lambda blob: self._read_range(blob, start, length))
        except KeyError:
            return None

    def _read_range(self, blob: Any, start: int, length: int | None) -> bytes:
        unchanged: dict[str, Any] = {}
        if start < 0 or length == 0:
            # Azure supports no ranges that count from the end. The tag makes sure that size
            # and bytes are of the same value.
            known = blob.get_blob_properties(**self._policy)
            start = max(0, known.size + start) if start < 0 else start
            length = min(known.size - start if length is None else length, known.size - start)
            if length <= 0:
                return b""
            unchanged = {"etag": known.etag, "match_condition": self._if_unchanged}
        try:
            stream = blob.download_blob(offset=start, length=length, **unchanged, **self._policy)
            return stream.readall()  # type: ignore[no-any-return]
        except self._errors.HttpResponseError as error:
            if error.status_code == 416:  # the value ends before the range begins
                return b""
            raise

    def __contains__(self, key: object) -> bool:
        try:
            name = self._name(check_key(key))
        except StoreKeyError:
            return False
        # Not `exists()`, for which nothing is in a container that does not exist.
        try:
            with self._doing("look for", str(key)):
                self._properties(name)
        except KeyError:
            return False
        return True

    def _properties(self, name: str) -> Any:
        return self._ask(name, lambda blob: blob.get_blob_properties(**self._policy))

    # -- writing -------------------------------------------------------------------

    def __setitem__(self, key: str, value: Buffer) -> None:
        self._write((check_key(key), as_bytes(value)))

    def setitems(self, items: Mapping[str, Buffer]) -> None:
        values = [(check_key(key), as_bytes(value)) for key, value in items.items()]
        map_requests(self._write, values, _CONNECTIONS)

    def _write(self, item: tuple[str, bytes]) -> None:
        key, value = item
        with self._doing("write", key):
            upload = partial(self.client.upload_blob, self._name(key), value, overwrite=True)
            request_apart(upload, **self._policy)

    def __delitem__(self, key: str) -> None:
        with self._doing("delete", key):
            request_apart(self.client.delete_blob, self._name(key), **self._policy)

    def delitems(self, keys: Iterable[str]) -> None:
        for part in cut_into(dict.fromkeys(keys), _DELETED_AT_A_TIME):
            self._delete(part)

    def _delete(self, keys: list[str]) -> None:
        names = [self._name(key) for key in keys]
        with self._doing("delete", keys[0] if keys else ""):
            # The answers come in the order of the names.
            delete = partial(self.client.delete_blobs, *names, raise_on_any_failure=False)
            answers = request_apart(lambda: list(delete(**self._policy)))
            for key, answer in zip(keys, answers, strict=True):
                if answer.status_code in (401, 403):
                    raise failure("delete", key, self, answer.reason, StorePermissionError)
                is_absent = (
                    answer.status_code == 404
                    and answer.headers.get("x-ms-error-code", "BlobNotFound") == "BlobNotFound"
                )
                if answer.status_code != 202 and not is_absent:
                    raise failure("delete", key, self, f"{answer.status_code} {answer.reason}")

    # -- listing -------------------------------------------------------------------

    def __iter__(self) -> Iterator[str]:
        return self.list_prefix()

    def list_prefix(self, path: str = "") -> Iterator[str]:
        return (key for key, _ in self.list_sizes(path))

    def list_sizes(self, path: str = "") -> Iterator[tuple[str, int]]:
        skip = len(self._start(""))
        with self._doing("list", path):
            find = partial(self.client.list_blobs, self._start(path), include=["metadata"])
            for blob in _paged(partial(find, **self._policy)):
                if not _is_folder(blob):
                    yield blob.name[skip:], int(blob.size)

    def get_ages(self, keys: Iterable[str]) -> dict[str, float]:
        keys = list(keys)
        ages = map_requests(self._age, keys, _CONNECTIONS)
        return {key: age for key, age in zip(keys, ages, strict=True) if age is not None}

    def _age(self, key: str) -> float | None:
        try:
            with self._doing("measure", key):
                return age_of(self._properties(self._name(key)).last_modified)
        except KeyError:
            return None

    def _entries(self, path: str) -> Iterator[tuple[str, int | None]]:
        """Yield the names directly below `path`, with the size of a value, None for a folder."""
        start = self._start(path)
        with self._doing("list", path):
            find = partial(self.client.walk_blobs, start, include=["metadata"], delimiter="/")
            for entry in _paged(partial(find, **self._policy)):
                if isinstance(entry, self._blob.BlobPrefix):
                    yield entry.name[len(start) : -1], None
                elif not _is_folder(entry):
                    yield entry.name[len(start) :], entry.size

    def listdir(self, path: str = "") -> list[str]:
        return sorted({name for name, _ in self._entries(path)})

    def getsize(self, path: str = "") -> int:
        if path:
            try:
                with self._doing("measure", path):
                    return int(self._properties(self._name(path)).size)
            except KeyError:
                pass
        return sum(size for _, size in self._entries(path) if size is not None)

    # -- life cycle ----------------------------------------------------------------

    def close(self) -> None:
        """Do nothing: the client belongs to the caller."""


def _paged(find: Callable[[], Any]) -> Iterator[Any]:
    """Yield what a listing finds; each of its pages is a request."""
    pages = request_apart(lambda: find().by_page())
    while page := request_apart(lambda: [list(page) for page in islice(pages, 1)]):
        yield from page[0]


def _is_folder(blob: Any) -> bool:
    # Accounts with real folders list them among the blobs.
    return (blob.metadata or {}).get("hdi_isfolder") == "true"


def _reopen(
    cls: type[ABSStore],
    client: Any,
    prefix: str,
    dimension_separator: Separator | None,
    retries: int | None,
) -> ABSStore:
    return cls(
        prefix=prefix, dimension_separator=dimension_separator, client=client, retries=retries
    )
