"""Lists of checksums of all values of a hierarchy, in formats of other programs."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from zarr import _formats, config
from zarr._formats.base import join
from zarr._shared.threads import run_all
from zarr.core import Array
from zarr.errors import PathNotFoundError
from zarr.hierarchy import Group
from zarr.storage.base import BaseStore, as_view, normalize_storage_path
from zarr.storage.resolve import Opened, StoreLike

__all__ = ["KINDS", "manifest"]

KINDS = ("sha256sum", "bagit", "dandi")

_AT_A_TIME = 64


def manifest(target: StoreLike | Array | Group, path: str = "", kind: str = "sha256sum") -> str:
    """Return checksums of all values of an array or group, as other programs understand them.

    Every value below `path` is read: metadata, chunks, and the digests of :func:`zarr.seal`.

    Parameters
    ----------
    target : Array, Group, BaseStore, MutableMapping, str or path-like
        An array or a group; or a store, a path or a URL.
    path : str, optional
        Path of the array or group in it.
    kind : {'sha256sum', 'bagit', 'dandi'}, default 'sha256sum'
        ``'sha256sum'``: lines that ``sha256sum --check`` reads in the folder of the array or
        group. ``'bagit'``: the file ``manifest-sha256.txt`` of a bag (RFC 8493) with the array
        or group in its folder ``data``. ``'dandi'``: the checksum of a Zarr asset of the DANDI
        archive.

    Returns
    -------
    str
        Lines, or one checksum.

    Raises
    ------
    PathNotFoundError
        If there is nothing at `path`.
    ValueError
        If `kind` is unknown.

    Examples
    --------
    >>> import zarr
    >>> z = zarr.array([1, 2, 3, 4], chunks=2, compressor=None)
    >>> [line[64:] for line in zarr.manifest(z).splitlines()]
    ['  .zarray', '  0', '  1']
    >>> zarr.manifest(z, kind='dandi').partition('-')[2]
    '3--225'
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {list(KINDS)}, not {kind!r}")
    if isinstance(target, (Array, Group)):
        inside = join(target.path, normalize_storage_path(path)) if path else target.path
        return _manifest_of(target._store, inside, kind)
    with Opened(target, "r") as store:
        return _manifest_of(store, normalize_storage_path(path), kind)


def _manifest_of(store: BaseStore, path: str, kind: str) -> str:
    if _formats.kind(store, path) is None:
        raise _formats.not_found(PathNotFoundError, store, path)
    if kind == "dandi":
        return _dandi(_digests(store, path, hashlib.md5))
    found = sorted(_digests(store, path, hashlib.sha256))
    line = _bagit_line if kind == "bagit" else _sha256sum_line
    return "".join(line(name, digest) for name, digest, _ in found)


def _digests(
    store: BaseStore, path: str, make_hash: Callable[..., Any]
) -> list[tuple[str, str, int]]:
    """Return the keys below `path`, without it, with the digests and sizes of their values."""
    skip = len(path) + 1 if path else 0
    found: list[tuple[str, str, int]] = []

    def digest_window(keys: Sequence[str]) -> None:
        for key, value in store.getitems(keys).items():
            view = as_view(value)
            digest = make_hash(view, usedforsecurity=False).hexdigest()
            found.append((key[skip:], digest, len(view)))

    windows = _batches(store.list_prefix(path), _AT_A_TIME)
    run_all(digest_window, windows, max(config.get().workers, store.threads))
    return found


def _batches(keys: Iterator[str], number: int) -> Iterator[list[str]]:
    while batch := list(itertools.islice(keys, number)):
        yield batch


def _sha256sum_line(name: str, digest: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return f"{'' if escaped == name else chr(92)}{digest}  {escaped}\n"


def _bagit_line(name: str, digest: str) -> str:
    escaped = name.replace("%", "%25").replace("\n", "%0A").replace("\r", "%0D")
    return f"{digest}  data/{escaped}\n"


def _dandi(found: list[tuple[str, str, int]]) -> str:
    """Return the MD5 of a folder: that of the JSON list of what is in it, folder by folder."""
    root: dict[str, Any] = {}
    for name, digest, size in found:
        *folders, last = name.split("/")
        folder = root
        for each in folders:
            folder = folder.setdefault(each, {})
        folder[last] = digest, size
    digest, count, size = _dandi_folder(root)
    return f"{digest}-{count}--{size}"


def _dandi_folder(folder: dict[str, Any]) -> tuple[str, int, int]:
    directories: list[dict[str, Any]] = []
    files: list[dict[str, Any]] = []
    total = nbytes = 0
    for name, entry in sorted(folder.items()):
        if isinstance(entry, dict):
            digest, count, size = _dandi_folder(entry)
            listed = directories, f"{digest}-{count}--{size}"
        else:
            (digest, size), count = entry, 1
            listed = files, digest
        listed[0].append({"digest": listed[1], "name": name, "size": size})
        total, nbytes = total + count, nbytes + size
    text = json.dumps({"directories": directories, "files": files}, separators=(",", ":"))
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest(), total, nbytes
