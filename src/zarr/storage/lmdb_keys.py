"""Keys and folders in a transaction of LMDB."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

__all__ = [
    "KEYS_AT_A_TIME", "LONGEST_KEY", "children", "delete_folder", "delete_keys", "keys_below",
    "next_keys", "next_sizes",
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


def keys_below(transaction: Any, prefix: bytes, start: bytes) -> Iterator[bytes]:
    """Yield the keys from `start` on that begin with `prefix`."""
    cursor = transaction.cursor()
    if cursor.set_range(start) if start else cursor.first():
        for key in cursor.iternext(values=False):
            if not key.startswith(prefix):
                return
            yield key


def next_keys(prefix: bytes, start: bytes, transaction: Any) -> list[bytes]:
    """Return the next keys from `start` on that begin with `prefix`."""
    return list(itertools.islice(keys_below(transaction, prefix, start), KEYS_AT_A_TIME))


def next_sizes(prefix: bytes, start: bytes, transaction: Any) -> list[tuple[bytes, int]]:
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


def delete_keys(transaction: Any, names: Iterable[bytes]) -> int:
    """Delete those `names` that exist; return their number."""
    return sum(transaction.delete(name) for name in names if 0 < len(name) <= LONGEST_KEY)


def delete_folder(prefix: bytes, transaction: Any) -> None:
    """Delete the keys that begin with `prefix`."""
    cursor = transaction.cursor()
    found = cursor.set_range(prefix) if prefix else cursor.first()
    while found and cursor.key().startswith(prefix):
        found = cursor.delete() and cursor.key()
