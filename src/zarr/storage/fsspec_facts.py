"""What `FSStore` must know of the file systems of fsspec, and of the errors that they raise."""

from __future__ import annotations

import errno
import inspect
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from zarr.errors import StoreError
from zarr.storage.base import ByteRange, take_range
from zarr.storage.remote import age_of

__all__ = [
    "BUCKETS", "CACHES", "CHANGES", "CONCURRENCY", "HTTP_CONCURRENCY", "Request",
    "by_one_request", "calling", "cut_part", "has_magic", "is_about_range", "is_async",
    "is_denial", "known_ages", "limits", "listed", "local_root", "may_pass", "protocols",
    "status", "tuned",
]  # fmt: skip

Request: TypeAlias = tuple[Any, ...]
"""The arguments of a method of a file system; a dict at the end holds keywords."""

CONCURRENCY = 128
"""Requests under way at a time, at most."""

HTTP_CONCURRENCY = 10
"""Requests under way at a time to a web server, at first."""

_LASTING = (StoreError, LookupError, FileNotFoundError, IsADirectoryError, NotADirectoryError,
            PermissionError, ValueError, TypeError, NotImplementedError, ImportError)  # fmt: skip
_LASTING_NUMBERS = (
    errno.EINVAL, errno.EPERM, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ENAMETOOLONG,
    errno.ELOOP,
)  # fmt: skip

BUCKETS = {"s3", "s3a", "gs", "gcs", "abfs", "az", "adl", "oss", "oci"}
_MOMENTS = ("LastModified", "last_modified", "mtime", "updated", "modified", "created")
"""What file systems call the time of the last change, the best first."""

CACHES = {"simplecache", "filecache", "blockcache", "cached"}

CHANGES = frozenset(["cp_file", "pipe_file", "rm", "rm_file"])
"""Methods of file systems that change something, and are not cancelled when they have begun."""


def is_async(fs: Any) -> bool:
    """Tell whether `fs` sends its requests from coroutines."""
    # A file system within a directory of another is as asynchronous as that one.
    if type(fs).__name__ == "DirFileSystem":
        return is_async(fs.fs)
    # Not by its attributes: a caching file system shows those of the one behind it.
    return any(cls.__name__ == "AsyncFileSystem" for cls in type(fs).__mro__)


def local_root(fs: Any) -> str | None:
    """Return what to put before the paths of `fs` for the operating system, None if remote."""
    if type(fs).__name__ == "DirFileSystem":
        root = local_root(fs.fs)
        return None if root is None else os.path.join(root, fs.path)
    return "" if type(fs).__name__ == "LocalFileSystem" else None


def protocols(fs: Any) -> set[str]:
    """Return what URLs for `fs` begin with; of a directory of another, of that one."""
    if type(fs).__name__ == "DirFileSystem":
        return protocols(fs.fs)
    return {fs.protocol} if isinstance(fs.protocol, str) else {*fs.protocol}


def tuned(url: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return `options`, with more connections at a time for S3 and without its retries."""
    *before, last = url.split("::")
    if not last.startswith(("s3://", "s3a://")):
        return dict(options)
    if before:
        name = last.partition("://")[0]
        return {**options, name: tuned(last, options.get(name) or {})}
    config = dict(options.get("config_kwargs") or {})
    config.setdefault("max_pool_connections", CONCURRENCY)
    # Ours would be on top of them: a server that is down would be asked a hundred times.
    config.setdefault("retries", {"total_max_attempts": 1})
    return {**options, "config_kwargs": config}


def has_magic(path: str) -> bool:
    """Tell whether some methods of file systems would take `path` for a pattern."""
    return any(c in path for c in "*?[")


def status(error: Exception) -> int | None:
    """Return the HTTP status of `error`, if it has one, where the libraries put it."""
    for name in ("status", "status_code", "code"):
        number = getattr(error, name, None)
        if isinstance(number, int):
            return number
    answer = getattr(error.__cause__, "response", None)  # of botocore
    if isinstance(answer, dict):
        found = answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return found if isinstance(found, int) else None
    return None


def is_about_range(error: Exception) -> bool:
    """Tell whether a server says that a range of bytes is not there."""
    return status(error) == 416


def may_pass(error: Exception) -> bool:
    """Tell whether the next attempt may succeed where this one ended with `error`."""
    if isinstance(error, _LASTING):
        return False
    if isinstance(error, OSError) and error.errno in _LASTING_NUMBERS:
        return False
    number = status(error)
    return number is None or number >= 500 or number in (408, 425, 429)


def is_denial(error: object) -> bool:
    """Tell whether the outcome of a request says that access is denied."""
    return isinstance(error, PermissionError) or (
        isinstance(error, Exception) and status(error) in (401, 403)
    )


def calling(method: Callable[..., Any], options: dict[str, Any]) -> Callable[[Request], Any]:
    """Return a function that calls `method` with a request."""

    def call(request: Request) -> Any:
        if request and isinstance(request[-1], dict):
            return method(*request[:-1], **request[-1], **options)
        return method(*request, **options)

    return call


def by_one_request(read: Callable[..., Any]) -> dict[str, Any]:
    """Return keywords with which the method `read` gets a whole value by one request.

    By default some ask for the size first, which costs another request, and put the value
    together from parts that may come from different values.
    """
    parameters = inspect.signature(read).parameters
    return {name: 1 for name in ("max_concurrency", "concurrency") if name in parameters}


def limits(byte_range: ByteRange) -> dict[str, int | None]:
    """Return where a range begins and ends, as fsspec counts, of at least one byte."""
    start, length = byte_range
    if start < 0 or length is None:
        # A suffix is cut here: its end is not known before the size is.
        return {"start": start or None, "end": None}
    return {"start": start, "end": start + max(length, 1)}


def cut_part(part: bytes, byte_range: ByteRange) -> bytes:
    """Return the range that `part` is, or that it begins with, or that it holds as a whole."""
    start, length = byte_range
    asked = -start if start < 0 else None if length is None else max(length, 1)
    if asked is not None and len(part) > asked:
        return take_range(part, byte_range)  # everything came
    return part[:length]


def known_ages(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Return how many seconds ago files were written, by what fsspec knows of each."""
    ages = {key: age_of(_last_change(entry)) for key, entry in entries.items()}
    return {key: age for key, age in ages.items() if age is not None}


def _last_change(entry: Mapping[str, Any]) -> Any:
    return next((entry[name] for name in _MOMENTS if entry.get(name) is not None), None)


def listed(verb: Callable[[str], Iterable[Any]], path: str) -> list[Any]:
    """Return all that a listing of `path` yields."""
    return list(verb(path))
