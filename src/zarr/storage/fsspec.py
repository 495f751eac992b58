"""A store in any file system that fsspec knows, found by its URL."""

from __future__ import annotations

import asyncio
import errno
import inspect
import os
import pickle
import time
from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import RLock
from typing import Any, ClassVar, TypeAlias, TypeVar
from urllib.parse import quote, unquote

from zarr.errors import ReadOnlyError, StoreError, StorePermissionError, StoreTimeoutError
from zarr.storage.base import (
    BaseStore,
    Buffer,
    ByteRange,
    Separator,
    as_bytes,
    check_key,
    take_range,
)
from zarr.storage.directory import _is_temporary, _temporary_name
from zarr.storage.remote import cut_into, failure, pauses, require

__all__ = ["FSStore"]

T = TypeVar("T")
_Request: TypeAlias = tuple[Any, ...]

_CONCURRENCY = 128
"""Requests under way at a time."""

_THREADS = 16
"""Threads that work on a selection, where they mostly wait."""

_DOCUMENTED = (KeyError, PermissionError, OSError)
"""The default of `exceptions` in the manual. It stands for `_ABSENT`: by itself it would
take a failed or denied read for a chunk that was never written."""

_ABSENT = (KeyError, FileNotFoundError, IsADirectoryError, NotADirectoryError)

_LASTING = (LookupError, FileNotFoundError, IsADirectoryError, NotADirectoryError,
            PermissionError, ValueError, TypeError, NotImplementedError, ImportError)  # fmt: skip
_LASTING_NUMBERS = (
    errno.EINVAL, errno.EPERM, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ENAMETOOLONG
)  # fmt: skip

_BUCKETS = {"s3", "s3a", "gs", "gcs", "abfs", "az", "adl", "oss", "oci"}
_CACHES = {"simplecache", "filecache", "blockcache", "cached"}

_FIRST_BYTE = {"start": 0, "end": 1}

_SECRETS = ("key", "secret", "token", "password", "username", "sas_token", "credential")
_IRRELEVANT = ("config_kwargs", "asynchronous", "loop", "skip_instance_cache", "auto_mkdir")


class FSStore(BaseStore):
    """A store in any file system that ``fsspec`` knows, found by its URL.

    Requires the package ``fsspec`` (``pip install 'zarr[fsspec]'``) and the one for the
    protocol, for instance ``s3fs`` for ``s3://``.

    Parameters
    ----------
    url : str
        Where the data are: ``protocol://path``, or several joined by ``::``, such as
        ``simplecache::s3://bucket/data.zarr``. With `fs`, a path in that file system.
    normalize_keys : bool, default False
        Whether to convert keys to lower case.
    key_separator : {'.', '/'}, optional
        The older name of `dimension_separator`.
    mode : str, default 'w'
        'r' for a store that refuses to be written.
    exceptions : tuple of Exception subclasses
        Errors that mean that a key is absent, so that its chunk reads as fill values. If
        not given, only those do that say so: `KeyError` and `FileNotFoundError`. Some
        public buckets answer "denied" for what is absent: for these, pass
        ``(KeyError, FileNotFoundError, PermissionError)``.
    dimension_separator : {'.', '/'}, optional
        Separator between the dimensions of a chunk key, for arrays created here.
    fs : fsspec.spec.AbstractFileSystem, optional
        A file system to use, instead of the one that `url` names.
    check : bool, default False
        Whether to write and delete a file at once, to see that this works.
    create : bool, default False
        Whether to make the outermost directory.
    missing_exceptions : sequence of Exception subclasses, optional
        More errors that mean that a key is absent.
    retries : int, default 3
        How often a request that failed for a passing reason is sent again, after a
        pause; 0 for never. Some file systems retry by themselves, in addition; those of
        ``s3://`` URLs do not, unless `storage_options` say so.
    **storage_options
        Passed on to the file system. Not together with `fs`.

    Raises
    ------
    ImportError
        If ``fsspec`` or the package for the protocol is missing.
    ValueError
        If `storage_options` are given with `fs`.

    Notes
    -----
    Batches of reads, ranges and writes are concurrent where the file system is
    asynchronous (S3, Google Cloud Storage, Azure, HTTP and others). Values in local files
    are replaced whole; on other file systems that is up to these. Lists of files that
    ``fsspec`` has cached are never trusted.

    Safe to use from several threads and processes, forked ones included.

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
        url: str,
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
        if fs is None:
            self._fs, path = fsspec.core.url_to_fs(url, **_tuned(url, storage_options))
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
        self._look_at(fsspec)
        self.path = path.lstrip("/") if self._is_bucket else path
        if check or create:
            self._fs.get_mapper(self.path, check=check, create=create)

    def _look_at(self, fsspec: Any) -> None:
        """Find out what matters of the file system, once."""
        self._fsspec = fsspec
        self._is_async = _is_async(self._fs)
        self._local_root = _local_root(self._fs)
        self._is_local = self._local_root is not None
        protocols = _protocols(self._fs)
        self._is_http = bool(protocols & {"http", "https"})
        self._is_bucket = bool(protocols & _BUCKETS)
        self._is_cache = type(self._fs).__name__ != "DirFileSystem" and bool(protocols & _CACHES)
        if self._made_fs and "s3" in protocols:
            self._fs.retries = 1  # attempts; the options make the instance ours alone
        self._gate = asyncio.Semaphore(_CONCURRENCY)
        self.threads = _THREADS if self._is_async else 1  # type: ignore[misc]
        self._copying = RLock()  # caching file systems are not meant for several threads
        # Whether the server heeds ranges; None as long as nobody knows.
        # A local copy is of a whole value.
        self._has_ranges = None if self._is_http else not self._is_cache
        base = fsspec.asyn.AsyncFileSystem if self._is_async else fsspec.AbstractFileSystem
        name = "_find" if self._is_async else "find"
        self._finds_flat = getattr(type(self._fs), name) is not getattr(base, name)
        # By default some ask for the size first, which costs another request, and put the
        # value together from parts that may come from different values.
        parameters = inspect.signature(
            getattr(self._fs, "_cat_file" if self._is_async else "cat_file")
        ).parameters
        self._whole = {n: 1 for n in ("max_concurrency", "concurrency") if n in parameters}
        self._process = os.getpid()  # last: other threads go on when they see it

    @classmethod
    def from_map(cls, mapping: Any, mode: str = "w") -> FSStore:
        """Return a store on the file system and root of an `fsspec.FSMap`."""
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
        """An `fsspec.FSMap` of the same place."""
        return self.fs.get_mapper(self.path)

    @property
    def key_separator(self) -> str:
        """Separator between the dimensions of a chunk key; never None."""
        return self._dimension_separator or "."

    def __getstate__(self) -> dict[str, Any]:
        left_out = ("_fsspec", "_process", "_copying", "_gate")
        return {name: value for name, value in vars(self).items() if name not in left_out}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._look_at(require("fsspec", "FSStore", "fsspec"))

    @property
    def location(self) -> Hashable:
        options = _place(getattr(self._fs, "storage_options", {}))
        return "fsspec", self._fs.unstrip_protocol(self.path), repr(options)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._fs.unstrip_protocol(self.path)!r}>"

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
        kind: type[StoreError] = StoreError
        if isinstance(error, PermissionError) or _status(error) in (401, 403):
            kind = StorePermissionError
        elif any("Timeout" in cls.__name__ for cls in type(error).__mro__):
            kind = StoreTimeoutError
        return failure(verb, what, self, error, kind)

    @contextmanager
    def _doing(self, verb: str, what: str) -> Iterator[None]:
        try:
            yield
        except StoreError:
            raise
        except self.exceptions:
            raise KeyError(what) from None
        except Exception as error:
            raise self._failed(verb, what, error) from error

    # -- requests ------------------------------------------------------------------

    def _ask(self, name: str, requests: Sequence[_Request], **options: Any) -> list[Any]:
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
            call = _calling(getattr(self.fs, name), options)
            return [self._attempt(call, request) for request in requests]
        call = _calling(getattr(self.fs, f"_{name}"), options)
        return self._fsspec.asyn.sync(  # type: ignore[no-any-return]
            self.fs.loop, self._attempt_all, call, requests
        )

    def _attempt(self, call: Callable[[_Request], Any], request: _Request) -> Any:
        waits = pauses(self.retries)
        while True:
            try:
                return call(request)
            except Exception as error:  # noqa: BLE001 (whatever the file system's library raises)
                pause = next(waits, None) if _may_pass(error) else None
                if pause is None:
                    return error
            time.sleep(pause)

    async def _attempt_all(
        self, call: Callable[[_Request], Awaitable[Any]], requests: Sequence[_Request]
    ) -> list[Any]:
        async def attempt(request: _Request) -> Any:
            waits = pauses(self.retries)
            while True:
                try:
                    async with self._gate:
                        return await call(request)
                except Exception as error:  # noqa: BLE001 (as above)
                    pause = next(waits, None) if _may_pass(error) else None
                    if pause is None:
                        return error
                await asyncio.sleep(pause)

        return await asyncio.gather(*map(attempt, requests))

    def _present(self, verb: str, keys: Sequence[str], outcomes: Sequence[T]) -> dict[str, T]:
        """Return the outcomes that are no errors; raise those that do not say 'absent'."""
        found = {}
        for key, outcome in zip(keys, outcomes, strict=True):
            if not isinstance(outcome, Exception):
                found[key] = outcome
            elif not isinstance(outcome, self.exceptions):
                raise self._failed(verb, key, outcome) from outcome
        return found

    # -- reading -------------------------------------------------------------------

    def __getitem__(self, key: str) -> bytes:
        return FSStore.getitems(self, (key,))[key]  # type: ignore[no-any-return]

    def getitems(self, keys: Sequence[str]) -> dict[str, Buffer]:
        keys = list(dict.fromkeys(keys))
        paths = [self._path(key) for key in keys]
        read = self._read_cached if self._is_cache else self._read
        return self._present("read", keys, read(paths))

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
            plain = [path for path in paths if not _has_magic(path)]
            found = self.fs.cat(plain, on_error="return") if len(plain) > 1 else {}
        except Exception:  # noqa: BLE001 (of any kind)
            # Copies may be cut short, and would be taken for whole ones from now on.
            self._forget_copies(lacking)
        outcomes = []
        for path in paths:
            outcome = found.get(path)
            if outcome is None or (isinstance(outcome, Exception) and _may_pass(outcome)):
                outcome = self._attempt(self._read_copy, (path,))
                if isinstance(outcome, Exception) and not isinstance(outcome, self.exceptions):
                    return [outcome] * len(paths)  # the others would hardly fare better
            outcomes.append(outcome)
        return outcomes

    def _read_copy(self, request: _Request) -> Any:
        (path,) = request
        had_copy = self.fs._check_file(path)
        try:
            return self.fs.cat_file(path)
        except Exception:
            if not had_copy:
                self._forget_copies([path])
            raise

    def _forget_copies(self, paths: Iterable[str]) -> None:
        """Delete the local copies that a caching file system has of `paths`."""
        if not self._is_cache:
            return
        with self._alone():
            for path in paths:
                copy = self.fs._check_file(path)
                if isinstance(copy, tuple):
                    self.fs.pop_from_cache(path)
                elif copy:
                    os.unlink(copy)

    def get_partial_values(self, ranges: Sequence[tuple[str, ByteRange]]) -> list[Buffer | None]:
        if not ranges:
            return []
        paths = [self._path(key) for key, _ in ranges]
        if self._has_ranges is None:
            self._has_ranges = self._heeds_ranges(paths[0])
        if not self._has_ranges:
            return super().get_partial_values(ranges)
        limits = [_limits(byte_range) for _, byte_range in ranges]
        outcomes = self._ask("cat_file", list(zip(paths, limits, strict=True)))
        parts: list[Buffer | None] = []
        for (key, byte_range), outcome in zip(ranges, outcomes, strict=True):
            if isinstance(outcome, Exception) and self._begins_behind(key, byte_range, outcome):
                parts.append(b"")
                continue
            part = self._present("read", [key], [outcome]).get(key)
            parts.append(part if part is None else _cut(part, byte_range))
        return parts

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
        if isinstance(error, self.exceptions) or not _is_about_range(error):
            return False
        self.fs.invalidate_cache(self._path(key))
        (known,) = self._ask("info", [(self._path(key),)])
        return not isinstance(known, Exception) and max(byte_range[0], 0) >= known["size"]

    def __contains__(self, key: object) -> bool:
        try:
            path = self._path(check_key(key))
        except ValueError:
            return False
        if not self._is_async:
            (outcome,) = self._ask("info", [(path,)])
            return any(
                i["type"] == "file" for i in self._present("look for", [path], [outcome]).values()
            )
        # One byte, because `exists` of some file systems takes a failure for a no.
        (outcome,) = self._ask("cat_file", [(path, _FIRST_BYTE)])
        if isinstance(outcome, Exception) and _is_about_range(outcome):
            return True  # there, but empty
        return bool(self._present("look for", [path], [outcome]))

    # -- writing -------------------------------------------------------------------

    def __setitem__(self, key: str, value: Buffer) -> None:
        FSStore.setitems(self, {key: value})

    def setitems(self, items: Mapping[str, Buffer]) -> None:
        requests = [(self._writeable_path(key), as_bytes(value)) for key, value in items.items()]
        with self._alone():
            outcomes = self._in_folders(self._write, requests, [path for path, _ in requests])
            self._forget_copies(path for path, _ in requests)
        for key, outcome in zip(items, outcomes, strict=True):
            if isinstance(outcome, Exception):
                raise self._failed("write", key, outcome) from outcome

    def _in_folders(
        self,
        ask: Callable[[Sequence[_Request]], list[Any]],
        requests: Sequence[_Request],
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

    def _local(self, path: str) -> str:
        return f"{self._local_root}/{path}" if self._local_root else path

    def _write(self, requests: Sequence[tuple[str, bytes]]) -> list[Any]:
        if self._is_local:
            replace = _calling(_replace, {})
            files = [(self._local(path), value) for path, value in requests]
            return [self._attempt(replace, request) for request in files]
        return self._ask("pipe_file", requests)

    def __delitem__(self, key: str) -> None:
        path = self._writeable_path(key)
        if key not in self:
            raise KeyError(key)
        (outcome,) = self._ask("rm_file", [(path,)])
        self._forget_copies([path])
        if isinstance(outcome, Exception):
            self._present("delete", [key], [outcome])
            raise KeyError(key)

    def delitems(self, keys: Iterable[str]) -> None:
        for part in cut_into(dict.fromkeys(keys), 1000):
            self._delete(part)

    def _delete(self, keys: list[str]) -> None:
        paths = [self._writeable_path(key) for key in keys]
        plain = [path for path in paths if not _has_magic(path)]
        left = paths
        if self._is_bucket and plain:
            # All of them in one request, where the service can do that. It would take a
            # star in a path for more than itself.
            (outcome,) = self._ask("rm", [(plain,)])
            if outcome is None or isinstance(outcome, list):
                left = [path for path in paths if _has_magic(path)]
        outcomes = self._ask("rm_file", [(path,) for path in left])
        self._forget_copies(paths)
        for path, outcome in zip(left, outcomes, strict=True):
            if isinstance(outcome, Exception) and not self._is_gone(path, outcome):
                raise self._failed("delete", self._key(path), outcome) from outcome

    def _is_gone(self, path: str, error: Exception) -> bool:
        if isinstance(error, self.exceptions):
            return True
        # Some systems say that it is forbidden to unlink a directory.
        return self._is_local and not os.path.isfile(self._local(path))

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
            and not (self._is_local and _is_temporary(os.path.basename(entry["name"])))
            and not (self._is_http and "?" in entry["name"])  # links that sort the list
        ]

    def __iter__(self) -> Iterator[str]:
        return self.list_prefix()

    def list_prefix(self, path: str = "") -> Iterator[str]:
        folder = self._folder(path)
        if not self._finds_flat:
            yield from self._walk(folder)
            return
        self.fs.invalidate_cache()
        (found,) = self._ask("find", [(folder,)])
        paths = self._present("list", [path], [found]).get(path, [])
        prefix = f"{path}/" if path else ""
        for key in map(self._key, paths):
            if key != path and key.startswith(prefix):
                yield key

    def _walk(self, folder: str) -> Iterator[str]:
        # The `find` that fsspec brings along leaves out folders that it failed to list.
        for entry in self._entries(folder):
            if entry["type"] != "directory":
                yield self._key(entry["name"])
            elif not entry.get("islink"):
                yield from self._walk(self.fs._strip_protocol(entry["name"]))

    def listdir(self, path: str = "") -> list[str]:
        found = self._entries(self._folder(path))
        skip = len(path) + 1 if path else 0
        names = {self._key(entry["name"])[skip:] for entry in found}
        return sorted(name for name in names if name)

    def rmdir(self, path: str = "") -> None:
        if self._mode == "r":
            raise ReadOnlyError(f"{self!r} was opened with mode 'r'")
        folder = self._folder(path)
        if self._is_bucket or self._is_cache or (_has_magic(folder) and not self._is_local):
            self.delitems([*self.list_prefix(path), *([path] if path else [])])
        else:
            self.fs.invalidate_cache()
            (outcome,) = self._ask("rm", [(folder,)], recursive=True)
            self._present("delete", [path], [outcome])

    def rename(self, src_path: str, dst_path: str) -> None:
        if src_path == dst_path:
            return
        self._writeable_path(dst_path)
        keys = list(self.list_prefix(src_path))
        if src_path in self:
            keys.append(src_path)
        for part in cut_into(keys, 1000):
            self._copy({key: dst_path + key[len(src_path) :] for key in part})
        self.delitems(keys)
        if not f"{dst_path}/".startswith(f"{src_path}/") and self._is_local:
            self.rmdir(src_path)

    def _copy(self, moves: dict[str, str]) -> None:
        requests = [(self._path(key), self._path(new)) for key, new in moves.items()]
        targets = [target for _, target in requests]
        outcomes = self._in_folders(lambda some: self._ask("cp_file", some), requests, targets)
        self._forget_copies(targets)
        for key, outcome in zip(moves, outcomes, strict=True):
            if isinstance(outcome, NotImplementedError):
                self[moves[key]] = self[key]
            elif isinstance(outcome, Exception):
                raise self._failed("rename", key, outcome) from outcome

    def getsize(self, path: str = "") -> int:
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
        """Do nothing: ``fsspec`` shares file systems between all that use the same one."""


def _calling(method: Callable[..., Any], options: dict[str, Any]) -> Callable[[_Request], Any]:
    """Return a function that calls `method` with a request."""

    def call(request: _Request) -> Any:
        if request and isinstance(request[-1], dict):
            return method(*request[:-1], **request[-1], **options)
        return method(*request, **options)

    return call


def _is_async(fs: Any) -> bool:
    # A file system within a directory of another is as asynchronous as that one.
    if type(fs).__name__ == "DirFileSystem":
        return _is_async(fs.fs)
    # Not by its attributes: a caching file system shows those of the one behind it.
    return any(cls.__name__ == "AsyncFileSystem" for cls in type(fs).__mro__)


def _local_root(fs: Any) -> str | None:
    """Return what to put before the paths of `fs` for the operating system, None if remote."""
    if type(fs).__name__ == "DirFileSystem":
        root = _local_root(fs.fs)
        return None if root is None else os.path.join(root, fs.path)
    return "" if type(fs).__name__ == "LocalFileSystem" else None


def _protocols(fs: Any) -> set[str]:
    if type(fs).__name__ == "DirFileSystem":
        return _protocols(fs.fs)
    return {fs.protocol} if isinstance(fs.protocol, str) else {*fs.protocol}


def _tuned(url: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return `options`, with more connections at a time for S3 and without its retries."""
    *before, last = url.split("::")
    if not last.startswith(("s3://", "s3a://")):
        return dict(options)
    if before:
        name = last.partition("://")[0]
        return {**options, name: _tuned(last, options.get(name) or {})}
    config = dict(options.get("config_kwargs") or {})
    config.setdefault("max_pool_connections", _CONCURRENCY)
    # Ours would be on top of them: a server that is down would be asked a hundred times.
    config.setdefault("retries", {"total_max_attempts": 1})
    return {**options, "config_kwargs": config}


def _place(options: Any) -> Any:
    """Return the options of a file system that say where it is, not who may read it how."""
    if isinstance(options, Mapping):
        items = {name: _place(value) for name, value in sorted(options.items())}
        return {n: v for n, v in items.items() if n not in (*_SECRETS, *_IRRELEVANT) and v != {}}
    return options


def _limits(byte_range: ByteRange) -> dict[str, int | None]:
    """Return where a range begins and ends, as fsspec counts, of at least one byte."""
    start, length = byte_range
    if start < 0 or length is None:
        # A suffix is cut here: its end is not known before the size is.
        return {"start": start or None, "end": None}
    return {"start": start, "end": start + max(length, 1)}


def _cut(part: bytes, byte_range: ByteRange) -> bytes:
    """Return the range that `part` is, or that it begins with, or that it holds as a whole."""
    start, length = byte_range
    asked = -start if start < 0 else None if length is None else max(length, 1)
    if asked is not None and len(part) > asked:
        return take_range(part, byte_range)  # everything came
    return part[:length]


def _replace(path: str, value: bytes) -> None:
    """Write a local file such that readers see the old value or the new one, whole."""
    temporary = os.path.join(os.path.dirname(path), _temporary_name())
    try:
        with open(temporary, "xb") as file:
            file.write(value)
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise


def _has_magic(path: str) -> bool:
    return any(c in path for c in "*?[")


def _status(error: Exception) -> int | None:
    """Return the HTTP status of `error`, if it has one, where the libraries put it."""
    for name in ("status", "status_code", "code"):
        status = getattr(error, name, None)
        if isinstance(status, int):
            return status
    answer = getattr(error.__cause__, "response", None)  # of botocore
    if isinstance(answer, dict):
        found = answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return found if isinstance(found, int) else None
    return None


def _is_about_range(error: Exception) -> bool:
    return _status(error) == 416


def _may_pass(error: Exception) -> bool:
    """Tell whether the next attempt may succeed where this one ended with `error`."""
    if isinstance(error, _LASTING):
        return False
    if isinstance(error, OSError) and error.errno in _LASTING_NUMBERS:
        return False
    status = _status(error)
    return status is None or status >= 500 or status in (408, 425, 429)
