"""Walks over the sorted keys of an LMDB database, within one transaction."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

__all__ = [
    "KEYS_AT_A_TIME", "LONGEST_KEY", "below", "children", "delete", "delete_folder", "next_below",
    "sizes_below",
]  # fmt: skip

LONGEST_KEY = 511
KEYS_AT_A_TIME = 10_000


def children(transaction: Any, prefix: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield the names behind `prefix` and the sizes of their values; folders end with ``/``.

    One seek per child, however much lies below it.
    """
    cursor = transaction.cursor()
    found = cursor.set_range(prefix) if prefix else cursor.first()
    while found:
        key = bytes(cursor.key())
        if not key.startswith(prefix):
            return
        name, slash, _ = key[len(prefix) :].partition(b"/")
        if slash:
            yield name + slash, 0
            found = cursor.set_range(prefix + name + b"0")  # "0" follows "/"
        else:
            yield name, len(cursor.value())
            found = cursor.next()


def below(transaction: Any, prefix: bytes, start: bytes) -> Iterator[bytes]:
    """Yield the keys from `start` on that begin with `prefix`."""
    cursor = transaction.cursor()
    if cursor.set_range(start) if start else cursor.first():
        for key in cursor.iternext(values=False):
            if not key.startswith(prefix):
                return
            yield key


def next_below(prefix: bytes, start: bytes, transaction: Any) -> list[bytes]:
    """Return the next keys from `start` on that begin with `prefix`."""
    return list(itertools.islice(below(transaction, prefix, start), KEYS_AT_A_TIME))


def sizes_below(prefix: bytes, start: bytes, transaction: Any) -> list[tuple[bytes, int]]:
    """Return the next keys from `start` on that begin with `prefix`, and the sizes of values."""
    cursor = transaction.cursor()
    found: list[tuple[bytes, int]] = []
    if cursor.set_range(start) if start else cursor.first():
        for name, value in cursor:
            key = bytes(name)
            if not key.startswith(prefix) or len(found) == KEYS_AT_A_TIME:
                break
            found.append((key, len(value)))
    return found


def delete(transaction: Any, names: Iterable[bytes]) -> int:
    """Delete those `names` that exist; return their number."""
    return sum(transaction.delete(name) for name in names if 0 < len(name) <= LONGEST_KEY)


def delete_folder(prefix: bytes, transaction: Any) -> None:
    """Delete all keys that begin with `prefix`."""
    cursor = transaction.cursor()
    found = cursor.set_range(prefix) if prefix else cursor.first()
    while found and cursor.key().startswith(prefix):
        found = cursor.delete() and cursor.key()
