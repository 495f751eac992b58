"""What a check finds, and what it has mended: records, and how they are shown."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from zarr._wording import counted

__all__ = ["CODES", "Code", "Finding", "Fix", "Report", "Severity", "aligned", "period"]

Severity = Literal["error", "warning", "note"]

_SCHEMA = 1
"""Number of the schema of `to_json`: a change of what members mean raises it."""

_MOST_SHOWN = 100
"""Findings that a report shows; `findings` has them all."""


@dataclass(frozen=True, slots=True)
class Code:
    """What a code of a finding stands for.

    Attributes
    ----------
    summary : str
        The finding in a few words.
    severity : {'error', 'warning', 'note'}
        Severity of these findings.
    level : {'meta', 'keys', 'data', 'seal'}
        The first level of a check that finds it.
    fix : str
        What the fix of this name does; empty if there is none.
    """

    summary: str
    severity: Severity
    level: str
    fix: str = ""


CODES: Mapping[str, Code] = {
    "M001": Code("metadata are not JSON", "error", "meta"),
    "M002": Code("metadata are invalid", "error", "meta"),
    "M003": Code("codec or data type is not available", "warning", "meta"),
    "M004": Code(
        "two nodes at one path", "error", "meta", "deletes the metadata that `keep` does not name"
    ),
    "M005": Code("group metadata are missing", "error", "meta", "writes them"),
    "M006": Code("consolidated metadata are out of date", "error", "meta", "consolidates again"),
    "M007": Code("name is reserved", "warning", "meta"),
    "K001": Code("temporary file", "warning", "keys", "deletes it"),
    "K002": Code("chunk outside the grid", "warning", "keys", "deletes it"),
    "K003": Code("chunk under a key of another spelling", "error", "keys", "renames it"),
    "K004": Code("unknown key", "note", "keys"),
    "K005": Code("names differ only in case", "note", "keys"),
    "K006": Code(
        "rechunking was interrupted", "note", "keys", "deletes it and its chunks, after a week"
    ),
    "C001": Code("chunk of zero length", "error", "keys", "deletes it: fill values are read"),
    "C002": Code("chunk cannot be decoded", "error", "data", "deletes it: fill values are read"),
    "C005": Code("chunks are absent among others", "note", "keys"),
    "S001": Code(
        "index of a shard is damaged", "error", "data", "rebuilds it from its readable chunks"
    ),
    "S002": Code(
        "index of a shard is impossible", "error", "data", "rebuilds it from its readable chunks"
    ),
    "S003": Code("shard has unused bytes", "note", "data", "rebuilds it without them"),
    "X001": Code("value differs from its seal", "error", "seal"),
    "X002": Code("sealed value is absent", "error", "seal"),
    "X003": Code("value is stored where nothing was sealed", "error", "seal"),
    "X004": Code("metadata or attributes differ from their seal", "error", "meta"),
    "X005": Code("digests of chunks are absent or damaged", "error", "seal"),
    "X006": Code("value was being written, and has no digest", "warning", "seal"),
    "X007": Code("digests of chunks without a seal in the metadata", "warning", "keys"),
    "X008": Code("package for the digests is not installed", "warning", "seal"),
    "X009": Code("group without a seal has sealed members", "note", "meta"),
}
"""All codes of findings: M metadata, K keys, C chunks, S shards, X seals."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong in a store.

    Attributes
    ----------
    code : str
        What kind of finding it is, one of `CODES`.
    severity : {'error', 'warning', 'note'}
        An error: data are lost or cannot be read, or may read as something else. A warning:
        nothing is lost yet. A note: most likely as it should be.
    key : str
        Key of the store that it is about.
    array : str or None
        Path of the array, None if it is about none.
    message : str
        What is wrong.
    fix : str or None
        Name of the fix that mends it, None if nothing does.
    """

    code: str
    severity: Severity
    key: str
    array: str | None
    message: str
    fix: str | None = None


@dataclass(frozen=True, slots=True)
class Fix:
    """What was done about a finding, or would be in a dry run.

    Attributes
    ----------
    code : str
        Code of the finding.
    key : str
        Its key.
    action : str
        What was done, for instance ``'deleted'``; why not, if `done` is False.
    nbytes : int
        Bytes that became free.
    done : bool
        False if the fix spared the key, or failed.
    """

    code: str
    key: str
    action: str
    nbytes: int = 0
    done: bool = True


@dataclass(frozen=True, slots=True)
class Report:
    """What :func:`zarr.check` has found and mended; printed as a table.

    Attributes
    ----------
    store : str
        The store, as text.
    path : str
        Path of what was checked.
    level : {'meta', 'keys', 'data', 'seal'}
        How much was looked at.
    findings : tuple of Finding
        Sorted by key.
    fixes : tuple of Fix
        What was mended.
    arrays : int
        Number of arrays that were checked.
    groups : int
        Number of groups that were checked.
    chunks : int
        Number of the stored chunks, or shards, that were checked; 0 at level 'meta'.
    nbytes : int
        Size of these values in bytes, as far as it is known.
    dry_run : bool
        Whether nothing was changed.

    Examples
    --------
    >>> import zarr
    >>> store = zarr.MemoryStore()
    >>> z = zarr.ones((4, 4), chunks=2, store=store)
    >>> store['0.1'] = b''
    >>> report = zarr.check(store)
    >>> report.ok, report.counts
    (False, {'C001': 1})
    >>> print(report)
    error  C001  0.1  chunk (0, 1) has no bytes  [fix: C001]
    1 error, 0 warnings, 0 notes in 1 array, 0 groups and 1 chunk (level 'data')
    """

    store: str
    path: str
    level: str
    findings: tuple[Finding, ...] = ()
    fixes: tuple[Fix, ...] = ()
    arrays: int = 0
    groups: int = 0
    chunks: int = 0
    nbytes: int = 0
    dry_run: bool = False

    @property
    def ok(self) -> bool:
        """Whether no error is left: none was found, or all were mended."""
        mended = () if self.dry_run else [(fix.code, fix.key) for fix in self.fixes if fix.done]
        return all(
            found.severity != "error" or (found.code, found.key) in mended
            for found in self.findings
        )

    @property
    def counts(self) -> dict[str, int]:
        """Number of findings by code, sorted by code."""
        return dict(sorted(Counter(finding.code for finding in self.findings).items()))

    @property
    def freed(self) -> int:
        """Bytes that fixes have freed, or would free in a dry run."""
        return sum(fix.nbytes for fix in self.fixes if fix.done)

    def to_json(self) -> str:
        """Return the report as a JSON document, with the number of its schema.

        Returns
        -------
        str
            JSON.
        """
        members = {
            "schema": _SCHEMA,
            "store": self.store,
            "path": self.path,
            "level": self.level,
            "ok": self.ok,
            "counts": self.counts,
            "arrays": self.arrays,
            "groups": self.groups,
            "chunks": self.chunks,
            "nbytes": self.nbytes,
            "dry_run": self.dry_run,
            "freed": self.freed,
            "findings": [asdict(finding) for finding in self.findings],
            "fixes": [asdict(fix) for fix in self.fixes],
        }
        return json.dumps(members, indent=2)

    def __str__(self) -> str:
        rows = [
            (f.severity, f.code, f.key or "/", f.message, f"[fix: {f.fix}]" if f.fix else "")
            for f in self.findings[:_MOST_SHOWN]
        ]
        lines = aligned(rows)
        if len(self.findings) > len(rows):
            lines.append(f"... and {counted(len(self.findings) - len(rows), 'more finding')}")
        lines += aligned([(_verb(fix, self.dry_run), fix.code, fix.key) for fix in self.fixes])
        return "\n".join([*lines, self._summary()])

    def _summary(self) -> str:
        by_severity = Counter(finding.severity for finding in self.findings)
        found = ", ".join(
            counted(by_severity[severity], severity) for severity in ("error", "warning", "note")
        )
        what = f"{counted(self.arrays, 'array')}, {counted(self.groups, 'group')}"
        return f"{found} in {what} and {counted(self.chunks, 'chunk')} (level {self.level!r})"


def _verb(fix: Fix, dry_run: bool) -> str:
    return f"would be {fix.action}" if dry_run and fix.done else fix.action


def aligned(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    """Return each row as a line, the columns below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def period(seconds: float) -> str:
    """Return about how long a time is, in the largest unit of which it has two or more."""
    for length, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= 2 * length:
            return counted(int(seconds // length), name)
    return counted(max(int(seconds), 0), "second")
