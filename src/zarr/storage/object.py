"""A store in an object store: S3, Google Cloud Storage, Azure, HTTP, a directory, memory."""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from zarr import config
from zarr.errors import ReadOnlyError, StoreError, StorePermissionError, StoreTimeoutError
from zarr.storage.addresses import address_in_obstore
from zarr.storage.base import (
    BaseStore,
    Buffer,
    ByteRange,
    Separator,
    as_view,
    check_key,
    take_range,
)
from zarr.storage.directory import DirectoryStore
from zarr.storage.files import file_type
from zarr.storage.identity import identity_of
from zarr.storage.links import check_dangling, check_inside
from zarr.storage.remote import DENIED, age_of, cut_into, failure, map_requests, pauses, require

__all__ = ["ObjectStore"]

_DELETED_AT_A_TIME = 1_000

_GAP = 256 << 10
"""Bytes between two ranges that are rather fetched than left out by a second request."""

_LARGEST_PUT = 64 << 20
"""Bytes of a value that are sent in one request: parts take two more round trips."""

_TRIES = 4
"""How often a value may be replaced while ranges of it are read before the whole is read."""

_TAGGING = ("S3Store", "GCSStore", "AzureStore", "MemoryStore")
"""Kinds of places whose entity tags no two versions share.

Those of files and of HTTP servers are made of a time and a size: two quick changes share one.
"""

_READING = ("read", "look for")

_NOTHING_THERE = re.compile(r"Local.*\b((Not|Is) a directory|File name too long)\b", re.DOTALL)
"""What obstore says where a name on this machine is that of a folder, or cannot be one."""

_DENIED = re.compile(r"Local.*\bPermission denied\b", re.DOTALL)
"""What obstore says of files on this machine, for which it has no error of that kind."""

_IN_THE_MAKING = re.compile(r"#[0-9]+$")
"""How the names of local files end that obstore is writing, or was when it was killed."""

_first_user: int | None = None
"""The process that has used obstore first. Its threads do not survive a fork."""


class ObjectStore(BaseStore):
    """A store in an object store, through the package ``obstore``.

    Requires the package ``obstore``: ``pip install 'zarr[obstore]'``. It is the fastest store for
    S3, Google Cloud Storage and Azure; `FSStore` supports more protocols.

    Parameters
    ----------
    store : str or obstore.store.ObjectStore
        A URL such as ``s3://bucket/prefix``, ``gs://…``, ``az://…``, ``https://…``, ``file:///…``
        or ``memory:///``, or a store of ``obstore``.
    dimension_separator : {'.', '/'}, optional
        Separator between the chunk indices in a chunk key, for arrays created in this store.
    mode : str, default 'w'
        'r' for a read-only store.
    retries : int, default 3
        How often to repeat, after a pause, a request that failed for a temporary reason; 0 for
        never. The ``retry_config`` of a store of ``obstore`` applies in addition.
    concurrency : int, default 256
        Number of requests of a batch that are sent at a time.
    exceptions : tuple of Exception subclasses, optional
        More errors for which a key is absent when it is read, so that its chunk reads as fill
        values. For buckets that deny access to missing keys pass ``(PermissionError,)``; their
        arrays and groups open without that, too.
    read_only : bool, default False
        Whether nothing can be written: as mode 'r'.
    **config
        Options of `obstore.store.from_url` for a URL, for instance ``region``, ``skip_signature``
        or ``client_options``.

    Raises
    ------
    ImportError
        If the package ``obstore`` is missing.
    ValueError
        If options are given together with a store of ``obstore``.

    Notes
    -----
    Adjacent ranges of a value are read by one request. Values that are read are objects with the
    buffer protocol, without a copy. A reader sees the old value or the new one, whole.

    Safe to use from several threads and processes, but not in a process forked from one that has
    used ``obstore``: start workers with ``spawn`` or ``forkserver``.

    Examples
    --------
    >>> from zarr.storage import ObjectStore
    >>> store = ObjectStore('s3://bucket/data.zarr', skip_signature=True)  # doctest: +SKIP
    >>> root = zarr.open_group(store, mode='r')  # doctest: +SKIP
    """

    threads: ClassVar[int] = 16
    partial_reads: ClassVar[bool] = True

    def __init__(
        self,
        store: Any,
        dimension_separator: Separator | None = None,
        *,
        mode: str = "w",
        retries: int = 3,
        concurrency: int = 256,
        exceptions: Sequence[type[Exception]] = (),
        read_only: bool = False,
        **config: Any,
    ) -> None:
        mode = "r" if read_only else mode
        self._obstore = require("obstore", "ObjectStore", "obstore")
        self._url = store if isinstance(store, str) else None
        if self._url is not None:
            store = self._open(self._url, retries, config)
        elif config:
            raise ValueError(f"{sorted(config)} are for a URL; {store!r} has its own options")
        self._identity = identity_of(store)  # that of one in memory is its address
        self.store = store
        self._tags_are_versions = type(store).__name__ in _TAGGING
        self._in_memory = type(store).__name__ == "MemoryStore"  # which keeps what it is given
        self._folder = str(store.prefix or "/") if type(store).__name__ == "LocalStore" else None
        self.mode = mode
        self._mode = "r" if mode == "r" else "a"
        self.retries = retries
        self.concurrency = concurrency
        self.exceptions = tuple(exceptions)
        self._sends_ranges = True  # until a server says that it does not
        self._dimension_separator = dimension_separator

    def _open(self, url: str, retries: int, config: dict[str, Any]) -> Any:
        options: dict[str, Any] = dict(config)
        if url.startswith("file:"):
            local = {"mkdir": True, "automatic_cleanup": True}
            try:
                return self._obstore.store.from_url(url, **{**local, **options})
            except OSError as error:
                raise StoreError(f"cannot open a folder at {url!r}: {error}") from error
        if url.startswith("memory:"):
            return self._obstore.store.from_url(url, **options)
        if url.startswith("http:"):  # said by the URL: obstore wants it said again
            options["client_options"] = {"allow_http": True, **options.get("client_options", {})}
        options.setdefault(
            "retry_config",
            {
                "max_retries": retries,
                "backoff": {
                    "init_backoff": timedelta(seconds=0.1),
                    "max_backoff": timedelta(seconds=5),
                    "base": 2,
                },
                "retry_timeout": timedelta(seconds=180),
            },
        )
        return self._obstore.store.from_url(url, **options)

    def __getstate__(self) -> dict[str, Any]:
        return {
            "store": self.store,
            "url": self._url,
            "dimension_separator": self._dimension_separator,
            "mode": self.mode,
            "retries": self.retries,
            "concurrency": self.concurrency,
            "exceptions": self.exceptions,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        url = state.pop("url")
        ObjectStore.__init__(self, **state)
        self._url = url

    @property
    def location(self) -> Hashable:
        return self.address()

    def address(self, path: str = "") -> tuple[Hashable, str]:
        return address_in_obstore(self.store, path)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._url or self.store!r}>"

    # -- errors --------------------------------------------------------------------

    @contextmanager
    def _doing(self, verb: str, key: str) -> Iterator[None]:
        _check_process()
        try:
            yield
        except (self._obstore.exceptions.BaseError, OSError, ValueError) as error:
            if isinstance(error, StoreError):
                raise
            failed = self._failed(verb, key, error)
            raise failed from (None if isinstance(failed, KeyError) else error)

    def _failed(self, verb: str, key: str, error: Exception) -> Exception:
        """Return the error to raise when `error` ended a request."""
        errors, text = self._obstore.exceptions, str(error)
        if isinstance(error, FileNotFoundError) and "NoSuchBucket" not in text:
            return KeyError(key)
        denied = (PermissionError, errors.PermissionDeniedError, errors.UnauthenticatedError)
        if isinstance(error, denied) or _DENIED.search(text):
            if verb not in _READING or self._folder is not None:
                return failure(verb, key, self, error, StorePermissionError)
            if any(issubclass(StorePermissionError, kind) for kind in self.exceptions):
                return KeyError(key)
            return failure(verb, key, self, error, StorePermissionError, DENIED)
        if _NOTHING_THERE.search(text):
            return KeyError(key)
        if "PROPFIND" in text:
            said = (
                "this web server sends no lists (it has no WebDAV); open the hierarchy with "
                "zarr.open_consolidated, its members by their paths, or use FSStore"
            )
            return failure(verb, key, self, said)
        slow = "timed out" in text or "TimedOut" in text
        return failure(verb, key, self, error, StoreTimeoutError if slow else StoreError)

    # -- reading -------------------------------------------------------------------

    def __getitem__(self, key: str) -> Buffer:
        check_key(key)
        with self._doing("read", key):
            return self._get(key)

    def _get(self, key: str) -> Buffer:
        return self._get_tagged(key)[0]

    def _check_file(self, key: str) -> None:
        """Raise `StoreError` where obstore would wait for ever, or read without an end."""
        if self._folder is None:
            return
        path = os.path.join(self._folder, key)
        if not config.get().follow_symlinks:
            check_inside(key, self._folder, path)
        if not (found := file_type(path)):
            check_dangling(key, self._folder, path)
        if found not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise StoreError(
                f"cannot read key {key!r} of {self!r}: {path!r} is a pipe, a socket or a device; "
                "expected a regular file"
            )

    def _get_tagged(self, key: str, options: Any = None) -> tuple[Any, str | None]:
        """Return a value, or a part of it, and its entity tag."""
        self._check_file(key)
        waits: Iterator[float] | None = None
        while True:
            try:
                result = self._obstore.get(self.store, key, options=options)
                return result.bytes(), result.meta["e_tag"]
            except self._obstore.exceptions.GenericError as error:
                # All else is retried below; this only where the server sends entity tags.
                waits = pauses(self.retries) if waits is None else waits
                pause = next(waits, None) if "response body" in str(error) else None
                if pause is None:
                    raise
            time.sleep(pause)

    def _find(self, key: str) -> Buffer | None:
        # As `self[key]`, with less around each of many requests.
        try:
            return self._get(key)
        except (self._obstore.exceptions.BaseError, OSError, ValueError) as error:
            self._raise_unless_absent(key, error)
            return None

    def _raise_unless_absent(self, key: str, error: Exception) -> None:
        """Raise what `error` means, unless that is that there is no value."""
        if isinstance(error, StoreError):
            raise error
        failed = self._failed("read", key, error)
        if not isinstance(failed, KeyError):
            raise failed from error

    def getitems(self, keys: Sequence[str], *, contexts: Any = None) -> dict[str, Buffer]:
        _check_process()
        values = map_requests(self._find, [check_key(key) for key in keys], self.concurrency)
        return {key: value for key, value in zip(keys, values, strict=True) if value is not None}

    def probe(self, keys: Sequence[str]) -> dict[str, Buffer]:
        try:
            return self.getitems(keys)
        except StorePermissionError as error:
            if self._folder is not None:
                raise
            denied = error
        found = {}
        for key in keys:
            with suppress(StorePermissionError):
                found.update(self.getitems([key]))
        if not found:
            raise denied
        return found

    def get_partial_values(self, ranges: Sequence[tuple[str, ByteRange]]) -> list[Buffer | None]:
        return self.get_versioned_values(ranges)[0]

    def get_versioned_values(
        self, ranges: Sequence[tuple[str, ByteRange]]
    ) -> tuple[list[Buffer | None], dict[str, str]]:
        if not self._sends_ranges:
            return super().get_partial_values(ranges), {}
        if len(ranges) == 1:
            return self._read_one(*ranges[0])
        # Not obstore's get_ranges, which fails badly where a value ends within a range.
        parts: list[Buffer | None] = [None] * len(ranges)
        versions: dict[str, str] = {}
        spans = _spans(ranges)
        for _ in range(_TRIES):
            tags = map_requests(
                lambda span: self._read_span(span, ranges, parts), spans, self.concurrency
            )
            seen: dict[str, set[Any]] = {}
            for span, tag in zip(spans, tags, strict=True):
                seen.setdefault(span.key, set()).add(tag)
            # Entity tags differ where a value was replaced between two requests.
            spans = [span for span in spans if len(seen[span.key]) > 1]
            if self._tags_are_versions:
                alone = {key: next(iter(known)) for key, known in seen.items() if len(known) == 1}
                versions.update({key: tag for key, tag in alone.items() if tag})
            if not spans:
                return parts, versions
        # What others replace all the time is read as a whole.
        whole = self.getitems(list({span.key for span in spans}))
        for span in spans:
            value = whole.get(span.key)
            for at in span.places:
                parts[at] = None if value is None else take_range(value, ranges[at][1])
        return parts, versions

    def _read_one(
        self, key: str, byte_range: ByteRange
    ) -> tuple[list[Buffer | None], dict[str, str]]:
        """Return what :meth:`get_versioned_values` does of one range."""
        start, length = byte_range
        found, tag = self._read_part(key, start, length)
        part = None if found is None else found[:length]
        return [part], {key: tag} if tag and self._tags_are_versions else {}

    def _read_span(
        self, span: _Span, ranges: Sequence[tuple[str, ByteRange]], parts: list[Buffer | None]
    ) -> str | None:
        """Read a span into `parts`; return the value's entity tag, None where nothing is."""
        found, tag = self._read_part(span.key, span.start, span.length)
        for at in span.places:
            start, length = ranges[at][1]
            begin = max(start, 0) - max(span.start, 0)
            end = None if length is None else begin + length
            parts[at] = None if found is None else found[begin:end]
        return tag

    def _read_part(
        self, key: str, start: int, length: int | None
    ) -> tuple[memoryview | None, str | None]:
        """Return a part of a value, and its entity tag; None and None if there is no value."""
        _check_process()
        try:
            return self._read_range(check_key(key), start, length)
        except (self._obstore.exceptions.BaseError, OSError, ValueError) as error:
            self._raise_unless_absent(key, error)
            return None, None

    def _read_range(
        self, key: str, start: int, length: int | None, tries: int = _TRIES
    ) -> tuple[memoryview, str | None]:
        if length == 0:
            self._check_file(key)
            known = self._obstore.head(self.store, key)
            return memoryview(b""), known["e_tag"]
        wanted: Any = {"suffix": -start} if start < 0 else {"offset": start}
        if start >= 0 and length is not None:
            wanted = (start, start + length)
        try:
            found, tag = self._get_tagged(key, {"range": wanted})
            return memoryview(found), tag
        except (self._obstore.exceptions.BaseError, OSError, ValueError) as error:
            if isinstance(error, (FileNotFoundError, StoreError)):
                raise
            unsupported = isinstance(error, self._obstore.exceptions.NotSupportedError)
            if unsupported and start >= 0:
                return self._range_of_whole(key, start, length)
            known = self._obstore.head(self.store, key)
            size, tag = known["size"], known["e_tag"]
            # That a range begins behind the end of the value is an error to servers only.
            if max(start, 0) >= size:
                return memoryview(b""), tag
            if start >= 0 and tries:  # the value may have been shorter a moment ago
                return self._read_range(key, start, length, tries - 1)
            if start >= 0 or not unsupported:
                raise
        if not self._tags_are_versions:
            return self._range_of_whole(key, start, length)
        # Azure supports no ranges that count from the end. The tag makes sure that size and
        # bytes are of the same value.
        options = {"range": (max(0, size + start), size), "if_match": tag}
        try:
            found, tag = self._get_tagged(key, options)
            return memoryview(found), tag
        except self._obstore.exceptions.PreconditionError:
            return self._read_range(key, start, length)

    def _range_of_whole(
        self, key: str, start: int, length: int | None
    ) -> tuple[memoryview, str | None]:
        """Read a whole value for a part of it, from a server that sends no ranges."""
        self._sends_ranges = False
        value, tag = self._get_tagged(key)
        return memoryview(take_range(value, (start, length))), tag

    def __contains__(self, key: object) -> bool:
        try:
            name = check_key(key)
            with self._doing("look for", name):
                if self._folder is not None:  # of a pipe, obstore would wait for an end
                    return DirectoryStore(self._folder).__contains__(name)
                self._obstore.head(self.store, name)
        except (KeyError, ValueError):
            return False
        return True

    # -- writing -------------------------------------------------------------------

    def _check(self, key: object) -> str:
        if self._mode == "r":
            raise ReadOnlyError(f"{self!r} was opened with mode 'r'")
        name = check_key(key)
        if self._folder is not None and not config.get().follow_symlinks:
            check_inside(name, self._folder, os.path.dirname(os.path.join(self._folder, name)))
        return name

    def __setitem__(self, key: str, value: Buffer) -> None:
        self._write((self._check(key), as_view(value)))

    def setitems(self, items: Mapping[str, Buffer]) -> None:
        views = [(self._check(key), as_view(value)) for key, value in items.items()]
        map_requests(self._write, views, self.concurrency)

    def _write(self, item: tuple[str, memoryview]) -> None:
        key, view = item
        self._make_room(key)
        with self._doing("write", key):
            value = bytes(view) if self._in_memory else view
            self._obstore.put(self.store, key, value, use_multipart=view.nbytes > _LARGEST_PUT)

    def _make_room(self, key: str) -> None:
        # To obstore, a folder in the way of a file on this machine is a failure.
        if self._folder is not None and os.path.isdir(os.path.join(self._folder, key)):
            with self._doing("write", key):
                DirectoryStore(self._folder).rmdir(key)

    def __delitem__(self, key: str) -> None:
        self._check(key)
        with self._doing("delete", key):
            if key not in self:  # deleting does not say if there was a value
                raise KeyError(key)
            self._obstore.delete(self.store, key)

    def delitems(self, keys: Iterable[str]) -> None:
        for part in cut_into((self._check(key) for key in dict.fromkeys(keys)), _DELETED_AT_A_TIME):
            with self._doing("delete", part[0]):
                try:
                    self._obstore.delete(self.store, part)
                    continue
                except (FileNotFoundError, self._obstore.exceptions.BaseError):
                    pass  # some kinds of places stop at the first that is absent
            map_requests(self._delete, part, self.concurrency)

    def _delete(self, key: str) -> None:
        try:
            with self._doing("delete", key):
                self._obstore.delete(self.store, key)
        except KeyError:
            pass

    # -- listing -------------------------------------------------------------------

    def __iter__(self) -> Iterator[str]:
        return self.list_prefix()

    def list_prefix(self, path: str = "") -> Iterator[str]:
        if self._folder is not None:
            yield from self._local_keys(path)
        else:
            yield from (entry["path"] for entry in self._listed(path))

    def list_sizes(self, path: str = "") -> Iterator[tuple[str, int]]:
        if self._folder is None:
            yield from ((entry["path"], int(entry["size"])) for entry in self._listed(path))
            return
        with self._doing("list", path):
            found = list(DirectoryStore(str(self._folder)).list_sizes(path))
        yield from ((key, size) for key, size in found if not _IN_THE_MAKING.search(key))

    def get_ages(self, keys: Iterable[str]) -> dict[str, float]:
        keys = list(keys)
        if self._folder is not None:
            return DirectoryStore(str(self._folder)).get_ages(keys)
        ages = map_requests(self._age, keys, self.concurrency)
        return {key: age for key, age in zip(keys, ages, strict=True) if age is not None}

    def _age(self, key: str) -> float | None:
        try:
            with self._doing("measure", key):
                return age_of(self._obstore.head(self.store, check_key(key))["last_modified"])
        except KeyError:
            return None

    def _listed(self, path: str) -> Iterator[Any]:
        """Yield what obstore knows of each object below `path`; each page is a request."""
        with self._doing("list", path):
            pages = iter(self._obstore.list(self.store, prefix=path or None))
        while True:
            try:
                with self._doing("list", path):
                    page = next(pages, None)
            except KeyError:
                return
            if page is None:
                return
            yield from page

    def _entries(self, path: str) -> Any:
        try:
            with self._doing("list", path):
                return self._obstore.list_with_delimiter(self.store, prefix=path or None)
        except KeyError:
            return {"common_prefixes": [], "objects": []}

    def _local_keys(self, path: str) -> Iterator[str]:
        # Not by obstore, to which a link to a folder above it is a failure.
        with self._doing("list", path):
            keys = list(DirectoryStore(str(self._folder)).list_prefix(path))
        return (key for key in keys if not _IN_THE_MAKING.search(key))

    def listdir(self, path: str = "") -> list[str]:
        if self._folder is not None:
            with self._doing("list", path):
                names = DirectoryStore(self._folder).listdir(path)
            return [name for name in names if not _IN_THE_MAKING.search(name)]
        found = self._entries(path)
        paths = [*found["common_prefixes"], *(entry["path"] for entry in found["objects"])]
        skip = len(path) + 1 if path else 0
        return sorted({name[skip:].rstrip("/") for name in paths})

    def copyitems(self, targets: Mapping[str, str]) -> None:
        def copy(key: str) -> None:
            target = self._check(targets[key])
            with suppress(KeyError), self._doing("copy", key):
                self._obstore.copy(self.store, key, target)

        map_requests(copy, list(targets), self.concurrency)

    def getsize(self, path: str = "") -> int:
        if self._folder is not None:
            with self._doing("measure", path):
                return DirectoryStore(self._folder).getsize(path)
        if path:
            try:
                with self._doing("measure", path):
                    return int(self._obstore.head(self.store, path)["size"])
            except KeyError:
                pass
        return sum(int(entry["size"]) for entry in self._entries(path)["objects"])

    # -- life cycle ----------------------------------------------------------------

    def close(self) -> None:
        """Do nothing: ``obstore`` has no resources to release."""


@dataclass(slots=True)
class _Span:
    """Bytes to fetch in one request, and which of the wanted ranges lie in them."""

    key: str
    start: int
    length: int | None
    places: list[int]


def _spans(ranges: Sequence[tuple[str, ByteRange]]) -> list[_Span]:
    """Return the requests for `ranges`: one for those of a value that lie near each other."""
    spans: list[_Span] = []
    order = sorted(range(len(ranges)), key=lambda at: (ranges[at][0], ranges[at][1][0]))
    for at in order:
        key, (start, length) = ranges[at]
        last = spans[-1] if spans else None
        if (
            last is not None
            and last.key == key
            and last.length
            and length
            and 0 <= last.start <= start <= last.start + last.length + _GAP
        ):
            last.length = max(last.length, start + length - last.start)
            last.places.append(at)
        else:
            spans.append(_Span(key, start, length, [at]))
    return spans


def _check_process() -> None:
    """Raise an error where a request would wait for threads that a fork has lost."""
    global _first_user
    if _first_user is None:
        _first_user = os.getpid()
    elif _first_user != os.getpid():
        raise StoreError(
            "an ObjectStore cannot be used in a forked process: the threads of obstore are in "
            f"process {_first_user}. Start workers by multiprocessing's 'spawn' or 'forkserver', "
            "or use FSStore"
        )
