"""A store in any file system of fsspec, for a URL."""

from __future__ import annotations

import asyncio
import os
import pickle
import re
import time
from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any, ClassVar, TypeVar
from urllib.parse import quote, unquote

from zarr._system import RLock
from zarr.errors import (
    ReadOnlyError,
    StoreError,
    StoreKeyError,
    StorePermissionError,
    StoreTimeoutError,
)
from zarr.storage.addresses import address_in_fsspec
from zarr.storage.base import (
    BaseStore,
    Buffer,
    ByteRange,
    Separator,
    as_bytes,
    check_key,
    normalize_storage_path,
)
from zarr.storage.coroutines import run_in, to_its_end
from zarr.storage.directory import DirectoryStore
from zarr.storage.fsspec_facts import (
    BUCKETS,
    CACHES,
    CHANGES,
    CONCURRENCY,
    HTTP_CONCURRENCY,
    Request,
    by_one_request,
    calling,
    cut_part,
    has_magic,
    is_about_range,
    is_async,
    is_denial,
    known_ages,
    limits,
    listed,
    local_root,
    may_pass,
    protocols,
    tuned,
)
from zarr.storage.order import in_order
from zarr.storage.pace import Pace
from zarr.storage.remote import DENIED, cut_into, failure, pauses, request_apart, require

__all__ = ["FSStore"]

T = TypeVar("T")

_THREADS = 16
"""Threads that work on a selection, where they mostly wait."""

_DOCUMENTED = (KeyError, PermissionError, OSError)
"""The default of `exceptions` in the manual. It stands for `_ABSENT`: by itself it would
take a failed or denied read for a chunk that was never written."""

_ABSENT = (KeyError, FileNotFoundError, IsADirectoryError, NotADirectoryError)

_READING = ("read", "look for")

_FIRST_BYTE = {"start": 0, "end": 1}


class FSStore(BaseStore):
    """A store in any file system that ``fsspec`` supports, for a URL.

    Requires the package ``fsspec`` (``pip install 'zarr[fsspec]'``) and the one for the protocol,
    for instance ``s3fs`` for ``s3://``.

    Parameters
    ----------
    url : str or path-like
        ``protocol://path``, or several URLs joined by ``::``, such as
        ``simplecache::s3://bucket/data.zarr``. With `fs`, a path in that file system.
    normalize_keys : bool, default False
        Whether to convert keys to lower case.
    key_separator : {'.', '/'}, optional
        The older name of `dimension_separator`.
    mode : str, default 'w'
        'r' for a read-only store.
    exceptions : tuple of Exception subclasses, default (KeyError, PermissionError, OSError)
        Errors for which a key is absent, so that its chunk reads as fill values. With the default,
        only `KeyError` and `FileNotFoundError` are such errors. Some public buckets deny access to
        missing keys. Their arrays and groups open, but reading a missing chunk raises
        `StorePermissionError`; to read such chunks as fill values, pass
        ``(KeyError, FileNotFoundError, PermissionError)``. `PermissionError` includes the HTTP
        statuses 401 and 403, and is used for reading only.
    dimension_separator : {'.', '/'}, optional
        Separator between the chunk indices in a chunk key, for arrays created in this store.
    fs : fsspec.spec.AbstractFileSystem, optional
        The file system, instead of the one that `url` names.
    check : bool, default False
        Whether to check write access immediately, by writing and deleting a file.
    create : bool, default False
        Whether to create the root directory.
    missing_exceptions : sequence of Exception subclasses, optional
        More errors for which a key is absent.
    retries : int, default 3
        How often to repeat, after a pause, a request that failed for a temporary reason; 0 for
        never. Some file systems also repeat requests themselves; those of ``s3://`` URLs do so only
        if `storage_options` enable it.
    **storage_options
        Options of the file system. Not together with `fs`.

    Raises
    ------
    ImportError
        If ``fsspec`` or the package for the protocol is missing.
    ValueError
        If `storage_options` are given with `fs`.

    Notes
    -----
    Batches of reads, ranges and writes are concurrent where the file system is asynchronous (S3,
    Google Cloud Storage, Azure, HTTP and others). Local files are read and written as by
    `DirectoryStore`: values are replaced whole, and folders are deleted and moved atomically. Other
    file systems have their own guarantees. Listings that ``fsspec`` has cached are not used.

    Safe to use from several threads and processes, including forked ones.

    Examples
    --------
    >>> from zarr.storage import FSStore
    >>> store = FSStore('memory://example.zarr')
    >>> store['.zgroup'] = b'{"zarr_format": 2}'
    >>> store.listdir()
    ['.zgroup']
    """

    partial_reads: ClassVar[bool] = True

    def __init__(
        self,
        url: str | os.PathLike[str],
        normalize_keys: bool = False,
        key_separator: Separator | None = None,
        mode: str = "w",
        exceptions: Sequence[type[Exception]] = _DOCUMENTED,
        dimension_separator: Separator | None = None,
        fs: Any = None,
        check: bool = False,
        create: bool = False,
        missing_exceptions: Sequence[type[Exception]] | None = None,
        *,
        retries: int = 3,
        **storage_options: Any,
    ) -> None:
        fsspec = require("fsspec", "FSStore", "fsspec")
        url = os.fspath(url)
        if fs is None:
            self._fs, path = fsspec.core.url_to_fs(url, **tuned(url, storage_options))
        elif storage_options:
            raise ValueError(
                f"storage options {sorted(storage_options)} are for a URL; {fs!r} has been made "
                "with its own"
            )
        else:
            self._fs, path = fs, fs._strip_protocol(url)
        if getattr(self._fs, "asynchronous", False):
            raise ValueError(f"{self._fs!r} is for use in coroutines only (asynchronous=True)")
        self.mode = mode
        self.normalize_keys = normalize_keys
        self.retries = retries
        self._made_fs = fs is None
        self.missing_exceptions = tuple(missing_exceptions or ())
        given = () if exceptions is _DOCUMENTED else tuple(exceptions)
        self.exceptions: tuple[type[Exception], ...] = tuple(
            dict.fromkeys((*_ABSENT, *given, *self.missing_exceptions))
        )
        self._mode = "r" if mode == "r" else "a"
        self._dimension_separator = dimension_separator or key_separator
        self.path = path.lstrip("/") if protocols(self._fs) & BUCKETS else path
        self._look_at(fsspec)
        if check or create:
            self._fs.get_mapper(self.path, check=check, create=create)

    def _look_at(self, fsspec: Any) -> None:
        """Find out what matters of the file system, once."""
        self._fsspec = fsspec
        self._is_async = is_async(self._fs)
        self._directory = self._local_directory()
        self.atomic_folders = self._directory is not None  # type: ignore[misc]
        names = protocols(self._fs)
        self._is_http = bool(names & {"http", "https"})
        self._is_bucket = bool(names & BUCKETS)
        self._is_memory = "memory" in names
        self._is_cache = type(self._fs).__name__ != "DirFileSystem" and bool(names & CACHES)
        if self._made_fs and "s3" in names:
            self._fs.retries = 1  # attempts; the options make the instance ours alone
        self._pace = Pace(HTTP_CONCURRENCY if self._is_http else CONCURRENCY, CONCURRENCY)
        self.threads = _THREADS if self._is_async else 1  # type: ignore[misc]
        self._copying = RLock()  # caching file systems are not meant for several threads
        # Whether the server supports ranges; None until known.
        # A local copy is of a whole value.
        self._has_ranges = None if self._is_http else not self._is_cache
        base = fsspec.asyn.AsyncFileSystem if self._is_async else fsspec.AbstractFileSystem
        name = "_find" if self._is_async else "find"
        self._finds_flat = getattr(type(self._fs), name) is not getattr(base, name)
        self._whole = by_one_request(self._fs._cat_file if self._is_async else self._fs.cat_file)
        self._process = os.getpid()  # last: other threads go on when they see it

    def _local_directory(self) -> DirectoryStore | None:
        """Return the store for the same files without fsspec, None if they are not local."""
        root = local_root(self._fs)
        if root is None:
            return None
        return DirectoryStore(os.path.join(root, self.path), self.normalize_keys)

    @classmethod
    def from_map(cls, mapping: Any, mode: str = "w") -> FSStore:
        """Return a store on the file system and root of an `fsspec.FSMap`.

        Parameters
        ----------
        mapping : fsspec.FSMap
            The mapping, for instance from ``fsspec.get_mapper``.
        mode : str, default 'w'
            'r' for a read-only store.

        Returns
        -------
        FSStore
            The store.
        """
        return cls(
            mapping.root,
            fs=mapping.fs,
            mode=mode,
            missing_exceptions=mapping.missing_exceptions,
        )

    @property
    def fs(self) -> Any:
        """The `fsspec.AbstractFileSystem` in use."""
        self._renew()
        return self._fs

    def _renew(self) -> None:
        if self._process != os.getpid():
            # Event loops, their threads and open sockets do not survive a fork.
            self._fs = pickle.loads(pickle.dumps(self._fs))
            self._look_at(self._fsspec)

    @property
    def map(self) -> Any:
        """An `fsspec.FSMap` of the same directory."""
        return self.fs.get_mapper(self.path)

    @property
    def key_separator(self) -> str:
        """Separator between the chunk indices in a chunk key; never None."""
        return self._dimension_separator or "."

    def __getstate__(self) -> dict[str, Any]:
        left_out = ("_fsspec", "_process", "_copying", "_pace", "_directory")
        return {name: value for name, value in vars(self).items() if name not in left_out}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._look_at(require("fsspec", "FSStore", "fsspec"))

    @property
    def location(self) -> Hashable:
        return self.address()

    def address(self, path: str = "") -> tuple[Hashable, str]:
        if self.normalize_keys:
            path = path.lower()
        below = "/".join(part for part in (self.path.rstrip("/"), path) if part)
        return address_in_fsspec(self._fs, below)

    def __repr__(self) -> str:
        url = re.sub(r"//[^/@]*@", "//", self._fs.unstrip_protocol(self.path))  # no passwords
        return f"<{type(self).__name__}: {url!r}>"

    def explain_absence(self, path: str) -> str:
        if self._is_http or self.fs.exists(self.path):
            return ""
        bucket, _, below = self.path.partition("/")
        if bucket and below and not self.fs.exists(bucket):
            return f"there is no {bucket!r}"
        return "nothing exists at this URL"

    def dir_path(self, path: str | None = None) -> str:
        """Return the path of the folder for the keys below a path.

        Parameters
        ----------
        path : str, optional
            Path in the store. The root by default.

        Returns
        -------
        str
            The path in the file system.
        """
        return self._folder(normalize_storage_path(path))

    # -- names and errors ----------------------------------------------------------

    def _path(self, key: str) -> str:
        """Return the path of `key`, which is sure to lie below the root."""
        check_key(key)
        if self.normalize_keys:
            key = key.lower()
        if self._is_http:
            key = quote(key)
        return f"{self.path.rstrip('/')}/{key}" if self.path else key

    def _folder(self, path: str) -> str:
        return self._path(path) if path else self.path

    def _key(self, path: str) -> str:
        """Return the key of a path that a list contains."""
        key = self.fs._strip_protocol(path)[len(self.path.rstrip("/")) :].strip("/")
        return unquote(key) if self._is_http else key

    def _writeable_path(self, key: object) -> str:
        if self._mode == "r":
            raise ReadOnlyError(f"{self!r} was opened with mode 'r'")
        return self._path(check_key(key))

    def _failed(self, verb: str, what: str, error: Exception) -> Exception:
        """Return the error to raise when `error` ended a request."""
        if isinstance(error, ImportError):
            return error
        if isinstance(error, NotImplementedError):
            said = f"the file system {type(self._fs).__name__} cannot do that"
            return failure(verb, what, self, said)
        if is_denial(error):
            hint = DENIED if verb in _READING and self._directory is None else ""
            return failure(verb, what, self, error, StorePermissionError, hint)
        if any("Timeout" in cls.__name__ for cls in type(error).__mro__):
            return failure(verb, what, self, error, StoreTimeoutError)
        # File systems look at their options in the first request.
        unknown = isinstance(error, TypeError) and "keyword argument" in str(error)
        return failure(verb, what, self, error, hint="; check storage_options" if unknown else "")

    def _means_absent(self, error: object, verb: str = "read") -> bool:
        """Tell whether the outcome of a request says that a key is absent."""
        if is_denial(error):
            # Of any class: servers that are asked through HTTP have no `PermissionError`.
            allowed = any(issubclass(PermissionError, kind) for kind in self.exceptions)
            return allowed and verb in _READING
        return isinstance(error, self.exceptions)

    @contextmanager
    def _doing(self, verb: str, what: str) -> Iterator[None]:
        try:
            yield
        except StoreError:
            raise
        except Exception as error:
            if self._means_absent(error, verb):
                raise KeyError(what) from None
            raise self._failed(verb, what, error) from error

    # -- requests ------------------------------------------------------------------

    def _ask(self, name: str, requests: Sequence[Request], **options: Any) -> list[Any]:
        """Call the method `name` for each of `requests`, concurrently if the file system can.

        Parameters
        ----------
        requests : sequence of tuple
            The arguments of each call; a dict at the end holds its keywords.
        **options
            Keywords of every call.

        Returns
        -------
        list
            What each call returned, or the exception that ended its last attempt.
        """
        if not self._is_async:
            call = calling(getattr(self.fs, name), options)
            if not self._is_memory:
                call = partial(request_apart, call)
            return [self._attempt(call, request) for request in requests]
        call = calling(getattr(self.fs, f"_{name}"), options)
        begin = (lambda request: to_its_end(call(request))) if name in CHANGES else call
        return run_in(self.fs.loop, partial(self._attempt_all, begin, requests))

    def _attempt(self, call: Callable[[Request], Any], request: Request) -> Any:
        waits = pauses(self.retries)
        while True:
            try:
                return call(request)
            except Exception as error:  # noqa: BLE001 (whatever the file system's library raises)
                pause = next(waits, None) if may_pass(error) else None
                if pause is None:
                    return error
            time.sleep(pause)

    async def _attempt_all(
        self, call: Callable[[Request], Awaitable[Any]], requests: Sequence[Request]
    ) -> list[Any]:
        async def attempt(request: Request) -> Any:
            waits = pauses(self.retries)
            while True:
                try:
                    return await self._pace.run(partial(call, request))
                except Exception as error:  # noqa: BLE001 (as above)
                    pause = next(waits, None) if may_pass(error) else None
                    if pause is None:
                        return error
                await asyncio.sleep(pause)

        # Such that it waits for all of them, also when it is cancelled.
        outcomes = await asyncio.gather(*map(attempt, requests), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException) and not isinstance(outcome, Exception):
                raise outcome
        return outcomes

    def _locally(self, verb: str, what: str, method: Callable[..., T], *arguments: Any) -> T:
        """Return what a method of the local directory does; raise the errors of this store."""
        outcome = self._attempt(calling(method, {}), arguments)
        if isinstance(outcome, KeyError):
            raise outcome
        if isinstance(outcome, Exception):
            raise self._failed(verb, what, outcome) from outcome
        return outcome  # type: ignore[no-any-return]

    def _present(self, verb: str, keys: Sequence[str], outcomes: Sequence[T]) -> dict[str, T]:
        """Return the outcomes that are no errors; raise those that do not say 'absent'."""
        found = {}
        for key, outcome in zip(keys, outcomes, strict=True):
            if not isinstance(outcome, Exception):
                found[key] = outcome
            elif isinstance(outcome, StoreError):
                raise outcome  # of the local directory, and about this key already
            elif not self._means_absent(outcome, verb):
                raise self._failed(verb, key, outcome) from outcome
        return found

    # -- reading -------------------------------------------------------------------

    def __getitem__(self, key: str) -> bytes:
        # As in the 2.x library, slashes at the ends of a key that is read do not matter.
        name = str.strip(key, "/")
        try:
            return FSStore.getitems(self, (name,))[name]  # type: ignore[no-any-return]
        except KeyError:
            raise KeyError(key) from None

    def getitems(self, keys: Sequence[str], *, contexts: Any = None) -> dict[str, Buffer]:
        keys = list(dict.fromkeys(keys))
        if self._directory is not None:
            return self._read_files(self._directory, keys)
        return self._present("read", keys, self._read_any(keys))

    def probe(self, keys: Sequence[str]) -> dict[str, Buffer]:
        if self._directory is not None:
            return self.getitems(keys)
        outcomes = dict(zip(keys, self._read_any(keys), strict=True))
        denied = {key: outcome for key, outcome in outcomes.items() if is_denial(outcome)}
        others = [key for key in outcomes if key not in denied]
        found = self._present("read", others, [outcomes[key] for key in others])
        return found or self._present("read", list(denied), list(denied.values()))

    def _read_any(self, keys: Sequence[str]) -> list[Any]:
        """Return for each of `keys` its value, or the exception that reading it ended with."""
        read = self._read_cached if self._is_cache else self._read
        return read([self._path(key) for key in keys])

    def _read_files(self, directory: DirectoryStore, keys: list[str]) -> dict[str, Any]:
        found = self._attempt(calling(directory.getitems, {}), (keys,))
        if not isinstance(found, Exception):
            return found  # type: ignore[no-any-return]
        # One by one, to tell which key it is about, and whether it means that it is absent.
        read = calling(directory.__getitem__, {})
        return self._present("read", keys, [self._attempt(read, (key,)) for key in keys])

    def _read(self, paths: list[str]) -> list[Any]:
        return self._ask("cat_file", [(path,) for path in paths], **self._whole)

    def _read_cached(self, paths: list[str]) -> list[Any]:
        """Read through a file system that keeps local copies, all that it lacks at once."""
        with self._alone():
            return self._read_copies(paths)

    def _alone(self) -> AbstractContextManager[Any]:
        """Return what to hold where no other thread may use the file system."""
        self._renew()  # what another thread held before a fork is held forever
        return self._copying if self._is_cache else nullcontext()

    def _read_copies(self, paths: list[str]) -> list[Any]:
        lacking = [path for path in paths if not self.fs._check_file(path)]
        found: dict[str, Any] = {}
        try:
            plain = [path for path in paths if not has_magic(path)]
            found = self.fs.cat(plain, on_error="return") if len(plain) > 1 else {}
        except Exception:  # noqa: BLE001 (of any kind)
            # Copies may be cut short, and would be taken for whole ones from now on.
            self._forget_copies(lacking)
        outcomes = []
        for path in paths:
            outcome = found.get(path)
            if outcome is None or (isinstance(outcome, Exception) and may_pass(outcome)):
                outcome = self._attempt(self._read_copy, (path,))
                if isinstance(outcome, Exception) and not (
                    self._means_absent(outcome) or is_denial(outcome)
                ):
                    return [outcome] * len(paths)  # the others would hardly fare better
            outcomes.append(outcome)
        return outcomes

    def _read_copy(self, request: Request) -> Any:
        had_copy = self.fs._check_file(*request)
        try:
            return self.fs.cat_file(*request)
        except Exception:
            if not had_copy:
                self._forget_copies(request)
            raise

    def _forget_copies(self, paths: Iterable[str]) -> None:
        """Delete the local copies that a caching file system has of `paths`."""
        if self._is_cache:
            with self._alone():
                self._unlink_copies(paths)

    def _unlink_copies(self, paths: Iterable[str]) -> None:
        for path in paths:
            if isinstance(copy := self.fs._check_file(path), tuple):
                self.fs.pop_from_cache(path)
            elif copy:
                os.unlink(copy)

    def get_partial_values(self, ranges: Sequence[tuple[str, ByteRange]]) -> list[Buffer | None]:
        if not ranges:
            return []
        if self._directory is not None:
            return self._read_ranges(self._directory, ranges)
        paths = [self._path(key) for key, _ in ranges]
        if self._has_ranges is None:
            self._has_ranges = self._heeds_ranges(paths[0])
        if not self._has_ranges:
            return super().get_partial_values(ranges)
        bounds = [limits(byte_range) for _, byte_range in ranges]
        outcomes = self._ask("cat_file", list(zip(paths, bounds, strict=True)))
        parts: list[Buffer | None] = []
        for (key, byte_range), outcome in zip(ranges, outcomes, strict=True):
            if isinstance(outcome, Exception) and self._begins_behind(key, byte_range, outcome):
                parts.append(b"")
                continue
            part = self._present("read", [key], [outcome]).get(key)
            parts.append(part if part is None else cut_part(part, byte_range))
        return parts

    def _read_ranges(
        self, directory: DirectoryStore, ranges: Sequence[tuple[str, ByteRange]]
    ) -> list[Buffer | None]:
        read = calling(directory.get_partial_values, {})
        parts = self._attempt(read, (ranges,))
        if not isinstance(parts, Exception):
            return parts  # type: ignore[no-any-return]
        outcomes = [self._attempt(read, ([item],)) for item in ranges]
        found = [
            self._present("read", [key], [outcome]).get(key, [None])
            for (key, _), outcome in zip(ranges, outcomes, strict=True)
        ]
        return [part for (part,) in found]

    def _heeds_ranges(self, path: str) -> bool | None:
        """Tell whether a server sends the range that it is asked for, and not everything."""
        (outcome,) = self._ask("cat_file", [(path, _FIRST_BYTE)])
        (known,) = self._ask("info", [(path,)])
        if isinstance(outcome, Exception) or isinstance(known, Exception):
            return None
        # Of a value of one byte, that byte is everything.
        return False if len(outcome) > 1 or known["size"] is None else known["size"] > 1 or None

    def _begins_behind(self, key: str, byte_range: ByteRange, error: Exception) -> bool:
        """Tell whether `error` only says that the value ends before the range begins."""
        if self._means_absent(error) or not is_about_range(error):
            return False
        self.fs.invalidate_cache(self._path(key))
        (known,) = self._ask("info", [(self._path(key),)])
        return not isinstance(known, Exception) and max(byte_range[0], 0) >= known["size"]

    def __contains__(self, key: object) -> bool:
        try:
            key = key.strip("/") if isinstance(key, str) else key
            path = self._path(check_key(key))
        except ValueError:
            return False
        if self._directory is not None:
            outcome = self._attempt(calling(self._directory.__contains__, {}), (key,))
            return bool(self._present("look for", [path], [outcome]).get(path))
        if not self._is_async:
            (outcome,) = self._ask("info", [(path,)])
            return any(
                i["type"] == "file" for i in self._present("look for", [path], [outcome]).values()
            )
        # One byte, because `exists` of some file systems takes a failure for a no.
        (outcome,) = self._ask("cat_file", [(path, _FIRST_BYTE)])
        if isinstance(outcome, Exception) and is_about_range(outcome):
            return True  # there, but empty
        return bool(self._present("look for", [path], [outcome]))

    # -- writing -------------------------------------------------------------------

    def __setitem__(self, key: str, value: Buffer) -> None:
        FSStore.setitems(self, {key: value})

    def setitems(self, items: Mapping[str, Buffer]) -> None:
        requests = [(self._writeable_path(key), as_bytes(value)) for key, value in items.items()]
        if self._directory is not None:
            write = calling(self._directory.__setitem__, {})
            outcomes = [self._attempt(write, item) for item in items.items()]
        else:
            with self._alone():
                outcomes = self._in_folders(self._write, requests, [path for path, _ in requests])
                self._forget_copies(path for path, _ in requests)
        for key, outcome in zip(items, outcomes, strict=True):
            if isinstance(outcome, StoreKeyError):
                raise outcome
            if isinstance(outcome, (FileExistsError, NotADirectoryError)):
                said = f"cannot store key {key!r} in {self!r}: a folder above it is a value"
                raise StoreKeyError(said) from outcome
            if isinstance(outcome, Exception):
                raise self._failed("write", key, outcome) from outcome

    def _in_folders(
        self,
        ask: Callable[[Sequence[Request]], list[Any]],
        requests: Sequence[Request],
        targets: Sequence[str],
    ) -> list[Any]:
        """Call `ask`; where folders of the `targets` are missing, make them and ask again."""
        outcomes = ask(requests)
        again = [at for at, o in enumerate(outcomes) if isinstance(o, FileNotFoundError)]
        if again and not self._is_bucket:  # a bucket is not made by mistake
            for folder in dict.fromkeys(self.fs._parent(targets[at]) for at in again):
                with self._doing("make the folder", folder):
                    self.fs.makedirs(folder, exist_ok=True)
            for at, outcome in zip(again, ask([requests[at] for at in again]), strict=True):
                outcomes[at] = outcome
        return outcomes

    def _write(self, requests: Sequence[tuple[str, bytes]]) -> list[Any]:
        return self._ask("pipe_file", requests)

    def __delitem__(self, key: str) -> None:
        path = self._writeable_path(key)
        if self._directory is not None:
            self._locally("delete", key, self._directory.__delitem__, key)
            return
        if key not in self:
            raise KeyError(key)
        (outcome,) = self._ask("rm_file", [(path,)])
        self._forget_copies([path])
        if isinstance(outcome, Exception):
            self._present("delete", [key], [outcome])
            raise KeyError(key)

    def delitems(self, keys: Iterable[str]) -> None:
        for part in cut_into(dict.fromkeys(keys), 1000):
            if self._directory is None:
                self._delete(part)
            else:
                paths = [self._writeable_path(key) for key in part]
                self._locally("delete", paths[0], self._directory.delitems, part)

    def _delete(self, keys: list[str]) -> None:
        paths = [self._writeable_path(key) for key in keys]
        plain = [path for path in paths if not has_magic(path)]
        left = paths
        if self._is_bucket and plain:
            # All of them in one request, where the service can do that. It would take a
            # star in a path for more than itself.
            (outcome,) = self._ask("rm", [(plain,)])
            if outcome is None or isinstance(outcome, list):
                left = [path for path in paths if has_magic(path)]
        outcomes = self._ask("rm_file", [(path,) for path in left])
        self._forget_copies(paths)
        for path, outcome in zip(left, outcomes, strict=True):
            if isinstance(outcome, Exception) and not self._means_absent(outcome, "delete"):
                raise self._failed("delete", self._key(path), outcome) from outcome

    # -- listing -------------------------------------------------------------------

    def _entries(self, path: str) -> list[dict[str, Any]]:
        """Return what fsspec knows of the files and folders directly at `path`."""
        # Others may have written since the list was cached.
        self.fs.invalidate_cache(path)
        (found,) = self._ask("ls", [(path,)], detail=True)
        entries = self._present("list", [path], [found]).get(path, [])
        own = path.rstrip("/")
        return [
            entry
            for entry in entries
            if self.fs._strip_protocol(entry["name"]).rstrip("/") != own
            and not (self._is_http and "?" in entry["name"])  # links that sort the list
        ]

    def __iter__(self) -> Iterator[str]:
        return self.list_prefix()

    def list_prefix(self, path: str = "") -> Iterator[str]:
        if self._directory is not None:
            yield from self._locally("list", path, listed, self._directory.list_prefix, path)
            return
        yield from (key for key, _ in self._listed(path))

    def list_sizes(self, path: str = "") -> Iterator[tuple[str, int]]:
        if self._directory is not None:
            yield from self._locally("list", path, listed, self._directory.list_sizes, path)
            return
        for key, entry in self._listed(path):
            yield key, int(-1 if (size := entry.get("size")) is None else size)

    def list_temporary(self, path: str = "") -> Iterator[tuple[str, int, float]]:
        if self._directory is not None:
            yield from self._locally("list", path, listed, self._directory.list_temporary, path)

    def get_ages(self, keys: Iterable[str]) -> dict[str, float]:
        keys = list(keys)
        if self._directory is not None:
            return self._directory.get_ages(keys)
        self.fs.invalidate_cache()
        outcomes = self._ask("info", [(self._path(key),) for key in keys])
        return known_ages(self._present("look for", keys, outcomes))

    def _listed(self, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield each key below `path`, with what fsspec knows of the file."""
        folder = self._folder(path)
        if not self._finds_flat:
            yield from self._walk(folder)
            return
        self.fs.invalidate_cache()
        (found,) = self._ask("find", [(folder,)], detail=True)
        entries = self._present("list", [path], [found]).get(path, {})
        prefix = f"{path}/" if path else ""
        for name, entry in entries.items():
            key = self._key(name)
            if key != path and key.startswith(prefix):
                yield key, entry

    def _walk(self, folder: str) -> Iterator[tuple[str, dict[str, Any]]]:
        # The `find` that fsspec brings along leaves out folders that it failed to list.
        for entry in self._entries(folder):
            if entry["type"] != "directory":
                yield self._key(entry["name"]), entry
            elif not entry.get("islink"):
                yield from self._walk(self.fs._strip_protocol(entry["name"]))

    def listdir(self, path: str = "") -> list[str]:
        if self._directory is not None:
            return self._locally("list", path, self._directory.listdir, path)
        found = self._entries(self._folder(path))
        skip = len(path) + 1 if path else 0
        names = {self._key(entry["name"])[skip:] for entry in found}
        return sorted(name for name in names if name)

    def rmdir(self, path: str = "") -> None:
        if self._mode == "r":
            raise ReadOnlyError(f"{self!r} was opened with mode 'r'")
        folder = self._folder(path)
        if self._directory is not None:
            self._locally("delete", path, self._directory.rmdir, path)
        elif self._is_bucket or self._is_cache or has_magic(folder) or (path and path in self):
            super().rmdir(path)  # which leaves a value at the path alone
        else:
            _, below, own = in_order(self.list_prefix(path), path)
            self.delitems(own)
            self.delitems(below)
            self.fs.invalidate_cache()
            (outcome,) = self._ask("rm", [(folder,)], recursive=True)
            self._present("delete", [path], [outcome])

    def rename(self, src_path: str, dst_path: str) -> None:
        if src_path == dst_path:
            return
        self._writeable_path(dst_path)
        if self._directory is not None:
            self._locally("rename", src_path, self._directory.rename, src_path, dst_path)
            return
        super().rename(src_path, dst_path)

    def copyitems(self, targets: Mapping[str, str]) -> None:
        for keys in cut_into(targets, 1000):
            requests = [(self._path(key), self._writeable_path(targets[key])) for key in keys]
            files = [file for _, file in requests]
            outcomes = self._in_folders(lambda some: self._ask("cp_file", some), requests, files)
            self._forget_copies(files)
            for key, outcome in zip(keys, outcomes, strict=True):
                if isinstance(outcome, NotImplementedError):
                    self[targets[key]] = self[key]
                elif isinstance(outcome, Exception) and not self._means_absent(outcome, "copy"):
                    raise self._failed("copy", key, outcome) from outcome

    def getsize(self, path: str = "") -> int:
        if self._directory is not None:
            return self._locally("measure", path, self._directory.getsize, path)
        folder = self._folder(path)
        if path and path in self:
            self.fs.invalidate_cache(self.fs._parent(folder))
            (known,) = self._ask("info", [(folder,)])
            sizes = [info["size"] for info in self._present("measure", [path], [known]).values()]
        else:
            sizes = [e["size"] for e in self._entries(folder) if e["type"] != "directory"]
        return -1 if None in sizes else int(sum(sizes))

    # -- life cycle ----------------------------------------------------------------

    def close(self) -> None:
        """Do nothing: ``fsspec`` shares file systems between all their users."""
