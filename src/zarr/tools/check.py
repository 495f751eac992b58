"""Checking and repairing hierarchies on any store, in any format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from zarr import _formats
from zarr._formats.base import Format
from zarr._wording import counted
from zarr.errors import PathNotFoundError
from zarr.storage.base import BaseStore, normalize_storage_path
from zarr.storage.resolve import Opened, StoreLike
from zarr.tools.check_chunks import check_chunks
from zarr.tools.check_fixes import Repair
from zarr.tools.check_hierarchy import check_hierarchy, visible_nodes
from zarr.tools.check_keys import (
    ArrayKeys,
    Listing,
    check_array_keys,
    check_other_keys,
    folder_of,
    list_keys,
)
from zarr.tools.check_leftovers import check_leftovers
from zarr.tools.check_nodes import (
    Node,
    candidates,
    check_nodes,
    finding,
    folders_above,
    is_ours,
    read_documents,
    walk_documents,
)
from zarr.tools.check_report import CODES, Finding, Report, period
from zarr.tools.check_seals import (
    check_orphan,
    check_sealed_metadata,
    check_sealed_values,
    is_sealed,
)
from zarr.tools.progress import followed
from zarr.tools.rechunk_journal import is_unfinished

__all__ = ["check", "vacuum"]

Progress = Callable[[int, int], None]

_LEVELS = ("meta", "keys", "data", "seal")
_SAFE = ("K001", "K002", "K006")
_OF_KEYS = ("K003", "K004", "C005")


def check(
    store: StoreLike,
    path: str = "",
    level: str = "data",
    fix: str | Iterable[str] = (),
    *,
    keep: int | str | None = None,
    quarantine: bool = False,
    age: float = 3600,
    dry_run: bool = False,
    progress: Progress | bool | None = None,
) -> Report:
    """Look for damage in a hierarchy or an array, and mend what the caller names.

    Parameters
    ----------
    store : BaseStore, MutableMapping, str or path-like
        A store, a path or a URL.
    path : str, optional
        Path of the group or array to check, with all below it.
    level : {'meta', 'keys', 'data', 'seal'}, default 'data'
        How much to look at; each level includes those before it. ``'meta'`` reads the
        metadata documents. ``'keys'`` lists all keys with the sizes of their values, once,
        and reads nothing but metadata. ``'data'`` fetches and decodes every chunk, once.
        ``'seal'`` compares every chunk of sealed arrays with its digest, see
        :func:`zarr.seal`; these are fetched a second time.
    fix : str or iterable of str, optional
        Codes of the findings to mend, for instance ``['K001', 'M005']``. Nothing is mended
        by default.
    keep : int or str, optional
        For the fix ``'M004'``, which of several nodes at a path stays: the number of its
        format, ``'array'`` or ``'group'``.
    quarantine : bool, default False
        Whether to move what a fix would delete or replace to the folder ``__quarantine``
        next to it.
    age : float, default 3600
        Seconds: what was stored more recently is neither deleted nor moved, as others may be
        writing it. Where a store does not know when a value was stored, that counts as
        recently; 0 spares nothing.
    dry_run : bool, default False
        Whether to change nothing, and report what would be done.
    progress : callable or bool, optional
        Called as ``progress(done, total)`` with numbers of stored chunks, at level ``'data'``.
        True draws a bar, on a terminal or in a notebook, if rich is installed.

    Returns
    -------
    Report
        What was found and mended.

    Raises
    ------
    PathNotFoundError
        If there is nothing at `path`.
    ValueError
        If `level` or a code in `fix` is unknown, or `keep` is needed.
    ReadOnlyError
        If something is to be mended in a store that is read-only.

    Examples
    --------
    >>> import zarr
    >>> store = zarr.MemoryStore()
    >>> z = zarr.ones((4, 4), chunks=2, store=store)
    >>> zarr.check(store).ok
    True
    >>> store['7.7'] = b'left by a crash'
    >>> for found in zarr.check(store).findings:
    ...     print(found.code, found.key, found.message)
    K002 7.7 chunk (7, 7) is outside of the grid of (2, 2) chunks
    >>> report = zarr.check(store, fix='K002', age=0)
    >>> '7.7' in store
    False
    """
    codes = _codes(fix, level)
    if level not in _LEVELS:
        raise ValueError(f"level must be one of {list(_LEVELS)}, not {level!r}")
    if "M004" in codes and keep is None:
        raise ValueError(
            "fix 'M004' deletes one of two nodes; say which to keep: keep=2 or keep=3 for a "
            "format, keep='array' or keep='group' for a kind"
        )
    changes = bool(codes) and not dry_run
    with Opened(store, "a" if changes else "r") as place:
        if changes:
            place.check_writeable()
        with followed(progress, "checking", "chunks") as callback:
            checked = _Check(place, normalize_storage_path(path), level, age, callback)
            checked.run()
        report = checked.report()
        if not codes:
            return report
        options: Any = {"quarantine": quarantine, "age": age, "dry_run": dry_run}
        repair = Repair(place, checked.nodes, checked.documents, keep=keep, **options)
        report = repair.run(report, [code for code in codes if code != "M006"])
        if "M006" not in codes:
            return report
        # Other fixes change what consolidated metadata are copies of.
        again = _Check(place, checked.path, "meta", age, None)
        again.run()
        repair = Repair(place, again.nodes, again.documents, keep=keep, **options)
        copied = repair.run(again.report(), ["M006"])
        new = {f for f in copied.findings if f.code == "M006"} - {*report.findings}
        findings = sorted([*report.findings, *new], key=_place_of)
        return replace(report, findings=tuple(findings), fixes=report.fixes + copied.fixes)


def vacuum(
    store: StoreLike,
    path: str = "",
    *,
    age: float = 3600,
    quarantine: bool = False,
    dry_run: bool = False,
) -> Report:
    """Delete what writers have left that no reader sees.

    These are temporary files of writers that were killed, intermediate arrays of copies that were
    killed, and chunks outside of the shape of their array. No chunk is read. A call of
    :func:`zarr.rechunk` that was interrupted goes on when it is repeated; what it has made so far
    is deleted when that is a week old, or if `age` is 0.

    Parameters
    ----------
    store : BaseStore, MutableMapping, str or path-like
        A store, a path or a URL.
    path : str, optional
        Path of the group or array to clean, with all below it.
    age : float, default 3600
        Seconds: what was stored more recently is spared, as for :func:`zarr.check`.
    quarantine : bool, default False
        Whether to move these values to ``__quarantine`` instead of deleting them.
    dry_run : bool, default False
        Whether to change nothing, and report what would be done.

    Returns
    -------
    Report
        Its `freed` is the number of bytes that became free.

    Raises
    ------
    PathNotFoundError
        If there is nothing at `path`.
    ReadOnlyError
        If the store is read-only.

    Examples
    --------
    >>> import zarr
    >>> store = zarr.MemoryStore()
    >>> z = zarr.ones((4, 4), chunks=2, store=store)
    >>> store['7.7'] = b'left by a crash'
    >>> zarr.vacuum(store, age=0).freed
    15
    """
    return check(
        store, path, "keys", _SAFE, age=age, quarantine=quarantine, dry_run=dry_run
    )  # fmt: skip


def _codes(fix: str | Iterable[str], level: str) -> list[str]:
    codes = [fix] if isinstance(fix, str) else list(fix)
    known = [code for code, what in CODES.items() if what.fix]
    for code in codes:
        if code not in known:
            raise ValueError(f"there is no fix {code!r}; known are {', '.join(known)}")
        if level in _LEVELS and _LEVELS.index(CODES[code].level) > _LEVELS.index(level):
            raise ValueError(f"fix {code!r} needs level={CODES[code].level!r}, not {level!r}")
    return codes


class _Check:
    """One check of a store, level by level."""

    def __init__(
        self, store: BaseStore, path: str, level: str, age: float, progress: Progress | None
    ) -> None:
        self.store, self.path, self.level, self.age = store, path, level, age
        self.nodes: list[Node] = []
        self.documents: dict[str, Any] = {}
        self._progress = progress
        self._findings: list[Finding] = []
        self._chunks = self._nbytes = self._done = 0

    def run(self) -> None:
        """Look at all that the level says."""
        store, path = self.store, self.path
        known = candidates(store, path)
        listing: Listing | None = None
        if self.level == "meta":
            self.documents = self._documents(known)
        else:
            listing = list_keys(store, path, known, sizes=self.level == "keys")
            self.documents = read_documents(store, sorted(listing.documents))
        self.nodes, found = check_nodes(store, known, self.documents)
        self._findings += found
        self._check_anything(known, listing)
        self._findings += check_hierarchy(path, self.nodes, self.documents)
        self._findings += check_sealed_metadata(visible_nodes(self.nodes), self.documents)
        if listing is not None:
            self._check_keys(listing)

    def _documents(self, known: Sequence[Format]) -> dict[str, Any]:
        if known is _formats.COMMON:
            return walk_documents(self.store, self.path, known)
        parts = known[0].documents(self.store, self.path)
        return {key: document for part in parts for key, document in part.items()}

    def _check_anything(self, known: Sequence[Format], listing: Listing | None) -> None:
        """Raise if there is nothing at the path; note it if only metadata are missing."""
        if self.nodes:
            return
        if listing is None or not (listing.folders or listing.leftovers):
            raise _formats.not_found(PathNotFoundError, self.store, self.path)
        key = known[-1].group_key(self.path)
        if listing.leftovers and not listing.documents:
            return  # an array or group that is not complete
        said = "there are values but no metadata of an array or a group"
        self._findings.append(finding("M005", key, said, fix=False))

    def _check_keys(self, listing: Listing) -> None:
        arrays: dict[str, list[Node]] = {}
        for node in visible_nodes(self.nodes):
            if node.kind != "group":
                arrays.setdefault(folder_of(node), []).append(node)
        owners = _owners(listing, arrays)
        self._findings += check_other_keys(listing, owners, self.nodes)
        self._findings += [
            finding("K001", name, f"left by a writer {period(seconds)} ago ({size})")
            for name, nbytes, seconds in listing.temporary
            for size in [counted(nbytes, "byte")]
            if not is_ours(name)
        ]
        self._findings += check_leftovers(self.store, listing.leftovers, self.age)
        for folder in sorted(arrays):
            for node in arrays[folder]:
                self._check_array(node, listing, owners[folder], alone=len(arrays[folder]) == 1)

    def _check_array(
        self, node: Node, listing: Listing, folders: Sequence[str], *, alone: bool
    ) -> None:
        stored, found = check_array_keys(node, listing, folders)
        # Next to another array there are keys of that one, too.
        found = found if alone else [f for f in found if f.code not in _OF_KEYS]
        if self.level == "seal" and is_sealed(node):
            found = [f for f in found if f.code != "C005"]  # the seal says what is to be absent
        self._findings += found
        if stored is None:
            return
        self._chunks += len(stored.keys)
        if self.level in ("data", "seal"):
            found, nbytes = check_chunks(node, stored, self._advance)
            self._findings += found
            self._nbytes += nbytes
        else:
            self._nbytes += sum(size for size in stored.sizes if size > 0)
        self._findings += self._check_seal(node, stored, listing)

    def _check_seal(self, node: Node, stored: ArrayKeys, listing: Listing) -> list[Finding]:
        if self.level == "seal":
            return check_sealed_values(node, stored, listing, self.store)
        orphan = check_orphan(node, listing)
        return [] if orphan is None else [orphan]

    def _advance(self, number: int) -> None:
        self._done += number
        if self._progress is not None:
            self._progress(self._done, self._chunks)

    def _without_young(self) -> list[Finding]:
        """Return the findings but for temporary files that others may be writing."""
        files = {f.key for f in self._findings if f.code == "K001" and not is_unfinished(f.key)}
        ages = self.store.get_ages(files)
        young = {key for key in files if ages.get(key, self.age) < self.age}
        return [f for f in self._findings if f.code != "K001" or f.key not in young]

    def report(self) -> Report:
        """Return what was found."""
        shown = visible_nodes(self.nodes)
        return Report(
            store=repr(self.store),
            path=self.path,
            level=self.level,
            findings=tuple(sorted(self._without_young(), key=_place_of)),
            arrays=sum(node.kind == "array" for node in shown),
            groups=sum(node.kind == "group" for node in shown),
            chunks=self._chunks,
            nbytes=self._nbytes,
        )


def _place_of(found: Finding) -> tuple[str, ...]:
    return found.key, found.code, found.message


def _owners(listing: Listing, arrays: Iterable[str]) -> dict[str, list[str]]:
    """Return which folders are in the folder of each array, itself included."""
    owners: dict[str, list[str]] = {folder: [] for folder in arrays}
    for folder in listing.folders:
        for above in (folder, *folders_above(folder)):
            if above in owners:
                owners[above].append(folder)
                break
    return owners
