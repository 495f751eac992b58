"""Files of `dbm.dumb` that a writer may leave at any moment.

`dbm.dumb` overwrites values in place before it says so in the index, and moves the index
away to write another: a process that is killed meanwhile leaves torn values, or an empty
database. Here a value gets a place of its own, then a line of the index, where a later
line counts; and an index is replaced at once. `dbm.dumb` reads such files as its own.
"""

from __future__ import annotations

import dbm
import dbm.dumb
import os
from collections.abc import Callable
from typing import Any

__all__ = ["find_damage", "is_dumb", "secure"]

_BLOCK = 512
_BASE: Any = dbm.dumb._Database


def is_dumb(handle: Any) -> bool:
    """Return whether `dbm.dumb` has made `handle`."""
    return isinstance(handle, _BASE)


def find_damage(path: str, open: Callable[..., Any]) -> str | None:
    """Return why `open` must not be called for `path`, or None.

    For `dbm.dumb` a database without an index is empty, and so it becomes.
    """
    if open not in (dbm.open, dbm.dumb.open) or os.path.exists(path + ".dir"):
        return None
    try:
        size = os.path.getsize(path + ".dat")
    except FileNotFoundError:
        return None
    if os.path.exists(path + ".bak"):
        return (
            f"its index {path + '.dir'!r} is missing, as a killed writer leaves it; the older "
            f"index {path + '.bak'!r} may be renamed to it, but then some values may be torn"
        )
    return f"its index {path + '.dir'!r} is missing" if size else None


def secure(handle: Any) -> Any:
    """Return a database of `dbm.dumb` that stays valid if the process ends at any moment.

    Raises
    ------
    ValueError
        If its index contradicts its data.
    """
    _check(handle)
    handle.__class__ = _Database
    handle._free = {}
    handle._given_up = []
    return handle


def _check(handle: Any) -> None:
    """Raise `ValueError` unless the values lie in the file, each in a place of its own."""
    size = os.path.getsize(handle._datfile)
    end = 0
    for start, length in sorted(handle._index.values()):
        if start < end or start % _BLOCK or length < 0 or start + length > size:
            raise ValueError("its index contradicts its data: it is truncated, or a writer died")
        end = start + length


def _blocks(size: int) -> int:
    return -(-size // _BLOCK)


class _Database(_BASE):  # type: ignore[misc]
    """A database of `dbm.dumb` whose files are whole at any moment.

    Attributes
    ----------
    _free : dict of int to list of int
        Places that the index in the file does not refer to any more, by number of blocks.
    _given_up : list of (int, int)
        Places of values that were deleted, but not yet from the index in the file.
    """

    _free: dict[int, list[int]]
    _given_up: list[tuple[int, int]]

    def __getitem__(self, key: bytes) -> bytes:
        value: bytes = super().__getitem__(key)
        _, size = self._index[key]
        if len(value) != size:
            raise ValueError(f"the file of values is truncated: {key!r} has {len(value)} bytes")
        return value

    def __setitem__(self, key: bytes, value: bytes) -> None:
        if self._readonly:
            raise dbm.dumb.error("the database is open read-only")
        self._verify_open()
        old = self._index.get(key)
        free = self._free.get(_blocks(len(value)))
        place = self._setval(free.pop(), value) if free else self._addval(value)
        # If an interrupt comes between, the index is rewritten when it is closed.
        self._modified, was_modified = True, self._modified
        self._addkey(key, place)
        self._modified = was_modified
        if old is not None:
            self._release(*old)

    def __delitem__(self, key: bytes) -> None:
        """Delete a value; for good once :meth:`sync` is called."""
        if self._readonly:
            raise dbm.dumb.error("the database is open read-only")
        self._verify_open()
        self._given_up.append(self._index.pop(key))
        self._modified = True

    def _release(self, start: int, size: int) -> None:
        self._free.setdefault(_blocks(size), []).append(start)

    def _commit(self) -> None:
        if self._index is None or not self._modified:
            return
        lines = [f"{key.decode('latin-1')!r}, {place!r}\n" for key, place in self._index.items()]
        temporary = self._dirfile + b".new"
        with self._io.open(temporary, "w", encoding="latin-1") as file:
            file.writelines(lines)
        self._chmod(temporary)
        self._os.replace(temporary, self._dirfile)
        self._modified = False
        while self._given_up:
            self._release(*self._given_up.pop())

    sync = _commit
