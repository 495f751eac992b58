"""Whether an LMDB database file can be mapped into memory without harm.

LMDB believes what the file says. Where the file is shorter than it says, or a page is not
what it should be, the first access ends the process with a signal. So the file is read
here, the ordinary way, before LMDB maps it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from struct import Struct
from typing import Any, NamedTuple

import numpy as np

from zarr._system import read_at

__all__ = ["find_damage"]

_MAGIC = 0xBEEFC0DE
_META = Struct("@II PN IHHNNNNN IHHNNNNN NN")
_FREE_FLAGS = (8, 8 | 0x4000)  # keys are integers; the file lies in no folder of its own
_NO_PAGE = (1 << 8 * Struct("@N").size) - 1
_MOST_DEPTH = 32
_BRANCH, _LEAF, _META_PAGE = 1, 2, 8
_BIG_VALUE, _SUBTREE = 1, 2  # flags of a value that has pages of its own
_NODE_SIZE = 8
_NUMBER = np.dtype(np.uintp)

_MOST_PAGES = 1 << 47  # so that sums of page numbers fit into 64 bits

_SMALL_TREE = 8 << 20
"""Trees up to this many bytes are read as a whole, which takes some milliseconds."""


class _Layout(NamedTuple):
    """What differs between the versions of the format."""

    header: Struct  # page number, the transaction in version 3, padding, flags, lower, upper
    base: int  # from where the offsets in a page count
    key_unit: int  # what the space for a key is a multiple of


_LAYOUTS = {1: _Layout(Struct("@NHHHH"), 0, 1), 3: _Layout(Struct("@NNHHHH"), 24, 2)}
_HEAD = max(layout.header.size for layout in _LAYOUTS.values()) + _META.size


class _Damage(Exception):  # noqa: N818  (never leaves this module)
    """Says what is wrong."""


class _Tree(NamedTuple):
    flags: int
    depth: int
    branch_pages: int
    leaf_pages: int
    overflow_pages: int
    entries: int
    root: int


class _Meta(NamedTuple):
    version: int
    page_size: int
    free: _Tree  # the numbers of the free pages
    values: _Tree
    last_page: int
    transaction: int


def find_damage(path: str, *, read_trees: bool = True) -> str | None:
    """Return what is wrong with the LMDB database file at `path`, or None.

    Parameters
    ----------
    path : str
        A file that does not exist or is empty is a database that LMDB is about to make.
    read_trees : bool, default True
        Whether to read the trees of the database too, unless they are big; otherwise
        only whether the file is truncated.
    """
    try:
        file = open(path, "rb", buffering=0)  # noqa: SIM115  (closed below)
    except (FileNotFoundError, NotADirectoryError):
        return None
    with file:
        descriptor = file.fileno()
        for _ in range(3):
            heads = _read_heads(descriptor)
            try:
                _check(descriptor, heads, read_trees)
            except _Damage as damage:
                # What another process has changed meanwhile is no damage.
                if _read_heads(descriptor) == heads:
                    return str(damage)
            else:
                return None
    return None  # it is being written to all the time, so its writer finds it valid


def _read_heads(descriptor: int) -> tuple[bytes, bytes]:
    """Return the beginnings of the two meta pages."""
    first = read_at(descriptor, _HEAD, 0)
    try:
        page_size = _parse(first).page_size
    except _Damage:
        return first, b""
    return first, read_at(descriptor, _HEAD, page_size)


def _check(descriptor: int, heads: tuple[bytes, bytes], read_trees: bool) -> None:
    if heads == (b"", b""):
        return
    first, second = map(_parse, heads)
    if (first.version, first.page_size) != (second.version, second.page_size):
        raise _Damage("its two meta pages contradict each other")
    meta = max(first, second, key=lambda meta: meta.transaction)
    # Looked at after the meta pages, because another process may let the file grow.
    pages = os.fstat(descriptor).st_size // meta.page_size
    reader = _Reader(descriptor, meta, pages)
    if pages <= meta.last_page and not reader.are_free(pages, meta.last_page):
        size = (meta.last_page + 1) * meta.page_size
        raise _Damage(f"it is truncated: it has {pages * meta.page_size} of {size} bytes")
    if read_trees:
        for tree in (meta.free, meta.values):
            if (tree.branch_pages + tree.leaf_pages) * meta.page_size <= _SMALL_TREE:
                reader.check(tree)


def _parse(head: bytes) -> _Meta:
    """Return what a meta page says."""
    for version, layout in _LAYOUTS.items():
        start = layout.header.size
        if len(head) < start + _META.size:
            continue
        magic, said, _, _, page_size, *fields = _META.unpack_from(head, start)
        if (magic, said) == (_MAGIC, version):
            _, *_, page_flags, _, _ = layout.header.unpack_from(head)
            free, values = _Tree(*fields[:7]), _Tree(*fields[8:15])
            meta = _Meta(version, page_size, free, values, *fields[15:])
            return _plausible(meta, page_flags)
    raise _Damage("it has no valid meta page")


def _plausible(meta: _Meta, page_flags: int) -> _Meta:
    if (
        not page_flags & _META_PAGE
        or meta.free.flags not in _FREE_FLAGS
        or meta.values.flags
        or meta.page_size not in [1 << n for n in range(9, 17)]
    ):
        raise _Damage("its meta pages are damaged")
    for tree in (meta.free, meta.values):
        is_empty = (tree.root, tree.depth) == (_NO_PAGE, 0)
        if not (is_empty or (2 <= tree.root <= meta.last_page and 0 < tree.depth <= _MOST_DEPTH)):
            raise _Damage("its meta pages refer to no tree")
    return meta


class _Nodes(NamedTuple):
    """The nodes of the pages of one level of a tree, with one item per node."""

    pages: np.ndarray[Any, Any]  # one row of bytes per page
    rows: np.ndarray[Any, Any]
    sizes: np.ndarray[Any, Any]
    flags: np.ndarray[Any, Any]
    at: np.ndarray[Any, Any]  # where the value begins

    def children(self) -> np.ndarray[Any, Any]:
        """Return the numbers of the pages of the next level."""
        return np.asarray(self.sizes | self.flags << 32)

    def value_pages(self) -> np.ndarray[Any, Any]:
        """Return where the big values are."""
        big = self.flags == _BIG_VALUE
        places = self.at[big, None] + np.arange(_NUMBER.itemsize)
        numbers = self.pages[self.rows[big, None], places].view(_NUMBER).ravel()
        return np.asarray(np.minimum(numbers, _MOST_PAGES), np.int64)


class _Reader:
    """Reads pages of a database, and believes nothing."""

    def __init__(self, descriptor: int, meta: _Meta, pages: int) -> None:
        self._descriptor = descriptor
        self._meta = meta
        self._pages = pages
        self._layout = _LAYOUTS[meta.version]

    def are_free(self, first: int, last: int) -> bool:
        """Return whether the pages from `first` to `last` hold nothing.

        A file may lack pages at its end that were used and given up in one transaction.
        """
        free: set[int] = set()
        for record in self._records(self._meta.free):
            count, *numbers = record[: len(record) // 8 * 8].view(_NUMBER).tolist() or [0]
            free.update(numbers[:count])
        return free.issuperset(range(first, last + 1))

    def check(self, tree: _Tree) -> None:
        """Look at all pages of a tree, though not at the pages of its big values."""
        if not tree.depth:
            return
        leaves = self._leaves(tree)
        sizes = leaves.sizes[leaves.flags == _BIG_VALUE] + self._layout.header.size
        ends = leaves.value_pages() + -(-sizes // self._meta.page_size)
        if (ends > self._pages).any():
            raise _Damage("it refers to pages that it does not have")

    def _records(self, tree: _Tree) -> Iterator[np.ndarray[Any, Any]]:
        """Yield the values of a tree."""
        if not tree.depth:
            return
        start = self._layout.header.size
        leaves = self._leaves(tree)
        numbers = iter(leaves.value_pages().tolist())
        for row, size, flags, at in zip(*(array.tolist() for array in leaves[1:]), strict=True):
            if flags == _BIG_VALUE:
                yield self._read(next(numbers), start + size)[start:]
            else:
                yield leaves.pages[row, at : at + size].copy()

    def _leaves(self, tree: _Tree) -> _Nodes:
        left = tree.branch_pages + tree.leaf_pages
        numbers = [tree.root]
        for _ in range(tree.depth - 1):
            left -= len(numbers)
            numbers = self._nodes(numbers, _BRANCH).children().tolist()
            if len(numbers) > left:
                raise _Damage("its trees have more pages than they should")
        return self._nodes(numbers, _LEAF)

    def _nodes(self, numbers: list[int], kind: int) -> _Nodes:
        size = self._meta.page_size
        pages = np.stack([self._read(number, size) for number in numbers])
        words = pages.view(np.uint16)
        rows, offsets = self._offsets(words, numbers, kind)
        # A node is two halves of a number, flags, the size of the key, the key, the value.
        fields = words[rows, offsets // 2 + np.arange(4)[:, None]].astype(np.int64)
        low, high, flags, key_sizes = fields
        key_sizes += -key_sizes % self._layout.key_unit
        nodes = _Nodes(pages, rows, low | high << 16, flags, offsets + _NODE_SIZE + key_sizes)
        ends = nodes.at
        if kind == _LEAF:
            ends = ends + np.where(flags == _BIG_VALUE, _NUMBER.itemsize, nodes.sizes)
        if (ends > size).any() or (kind == _LEAF and (flags > _SUBTREE).any()):
            raise _Damage("a page of its trees is damaged")
        return nodes

    def _offsets(self, words: np.ndarray[Any, Any], numbers: list[int], kind: int) -> Any:
        """Return the page of each node, and where in it the node begins."""
        base, start = self._layout.base, self._layout.header.size
        size = self._meta.page_size
        itself = words[:, : _NUMBER.itemsize // 2].copy().view(_NUMBER).ravel()
        flags, lower, upper = words[:, start // 2 - 3 : start // 2].astype(np.int64).T
        lower, upper = lower + base, upper + base
        are_sound = (itself == numbers) & (flags == kind) & (lower % 2 == 0)
        if (are_sound & (start <= lower) & (lower <= upper) & (upper <= size)).all():
            counts = (lower - start) // 2
            rows = np.repeat(np.arange(len(words)), counts)
            nth = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
            offsets = words[rows, start // 2 + nth].astype(np.int64) + base
            last = size - _NODE_SIZE
            if not ((offsets < upper[rows]) | (offsets > last) | (offsets % 2 == 1)).any():
                return rows, offsets
        raise _Damage("a page of its trees is damaged")

    def _read(self, number: int, size: int) -> np.ndarray[Any, Any]:
        """Return `size` bytes from the beginning of a page on."""
        if not 2 <= number <= self._pages - size / self._meta.page_size:
            raise _Damage("it refers to pages that it does not have")
        data = read_at(self._descriptor, size, number * self._meta.page_size)
        if len(data) < size:
            raise _Damage("it became shorter")
        return np.frombuffer(data, np.uint8)
