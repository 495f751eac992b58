"""The second level of a check: keys and the sizes of values, from one list of the store."""

from __future__ import annotations

import math
import operator
import re
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice, repeat
from typing import Any

import numpy as np

from zarr._chunks.access import ChunkAccess
from zarr._chunks.chunk_keys import NUMBER
from zarr._formats.base import Format
from zarr._formats.documents import is_metadata
from zarr._wording import counted
from zarr.storage.base import BaseStore, Temporary
from zarr.tools.check_leftovers import left_in
from zarr.tools.check_nodes import Node, finding, is_ours
from zarr.tools.check_report import Finding
from zarr.tools.rechunk_journal import is_unfinished

__all__ = [
    "ArrayKeys", "Listing", "check_array_keys", "check_other_keys", "check_size", "folder_of",
    "list_keys",
]  # fmt: skip

_TEMPORARY = re.compile(r"(?:\.[0-9a-f][0-9a-f.-]{5,})?\.(?:__lock|partial|tmp)")
"""What libraries append to a key while they write its value: zarr-python, tensorstore, zarrs."""

_NUMBERS = re.compile(rf"(?:c[/.]?)?((?:{NUMBER})(?:[/.](?:{NUMBER}))*)")
"""How chunk keys can look, in whichever format."""

_LARGEST_GRID = 1 << 27
"""Number of chunks up to which those that are present are marked one by one."""

_WORTH_NAMING = 4
"""How many times as many values as keys an array may have for its keys to be made, not parsed."""

_AT_A_TIME = 1000

_LARGEST_PICTURE = 1 << 22
"""Number of chunks up to which the pattern of those that are absent is looked at."""


@dataclass(slots=True)
class _Folder:
    """Names of the keys directly in one folder, and the sizes of their values, if listed."""

    names: list[str] = field(default_factory=list)
    sizes: array[int] = field(default_factory=lambda: array("q"))


@dataclass(slots=True)
class Listing:
    """All keys of a store, by folder: some 70 bytes of memory for each.

    `leftovers` are the folders of copies and rechunkings that are not complete, `temporary` what
    interrupted writers have left.
    """

    folders: dict[str, _Folder] = field(default_factory=dict)
    documents: set[str] = field(default_factory=set)
    leftovers: set[str] = field(default_factory=set)
    temporary: list[Temporary] = field(default_factory=list)

    def keys(self, folder: str) -> Iterator[tuple[str, int]]:
        """Yield the keys directly in `folder`, and the sizes of their values."""
        prefix = f"{folder}/" if folder else ""
        found = self.folders[folder]
        for name, size in zip(found.names, found.sizes or repeat(-1), strict=False):
            yield prefix + name, size


@dataclass(slots=True)
class ArrayKeys:
    """The values of the store in which the chunks of an array are.

    Attributes
    ----------
    access : ChunkAccess
    keys : list of str
    sizes : array of int
        Bytes of their values, -1 where unknown.
    """

    access: ChunkAccess
    keys: list[str] = field(default_factory=list)
    sizes: array[int] = field(default_factory=lambda: array("q"))


def list_keys(store: BaseStore, path: str, known: Sequence[Format], *, sizes: bool) -> Listing:
    """Return all keys at `path` and below it, by one list of the store.

    Parameters
    ----------
    store : BaseStore
    path : str
    known : sequence of Format
    sizes : bool
        Whether to list the sizes of the values, too. Not where all are read, which tells them:
        local files are listed much faster without.
    """
    listing = Listing()
    root = known[0].folder_of_keys(path)
    if sizes:
        for folder, names, nbytes in _by_folder(store.list_sizes(root)):
            _take_names(listing, folder, names, known, nbytes)
    else:
        at_once = listing.temporary if root == path else None
        for folder, names in store.list_folders(root, at_once):
            _take_names(listing, folder, names, known)
    if sizes or root != path:
        listing.temporary += store.list_temporary(path)
    return listing


def _by_folder(keys: Iterable[tuple[str, int]]) -> Iterator[tuple[str, list[str], list[int]]]:
    """Group keys and sizes by folder, some at a time."""
    for folder, group in groupby(keys, key=lambda item: item[0].rpartition("/")[0]):
        while batch := list(islice(group, _AT_A_TIME)):
            names = [key.rpartition("/")[2] for key, _ in batch]
            yield folder, names, [size for _, size in batch]


def _take_names(
    listing: Listing,
    folder: str,
    names: list[str],
    known: Sequence[Format],
    sizes: Sequence[int] = (),
) -> None:
    """Add keys of one folder, without those that are of no array."""
    prefix = f"{folder}/" if folder else ""
    left_out: set[int] = set()
    for at in _special(folder, names):
        key = prefix + names[at]
        is_number = "0" <= key[-1:] <= "9"
        if "__" in key and is_unfinished(key):
            if not is_ours(key):
                listing.leftovers.add(left_in(key))
            left_out.add(at)
        elif is_ours(key) and (not is_number or "__" in folder):
            left_out.add(at)
        elif not is_number and (
            is_metadata(key) or any(format.is_document(key) for format in known)
        ):
            listing.documents.add(key)
    if left_out:
        names = [name for at, name in enumerate(names) if at not in left_out]
        sizes = [size for at, size in enumerate(sizes) if at not in left_out]
    if names:
        found = listing.folders.setdefault(folder, _Folder())
        found.names += names
        found.sizes.extend(sizes)


def _special(folder: str, names: list[str]) -> Iterable[int]:
    """Return which keys of a folder have to be looked at: most end with a digit, and are chunks."""
    if "__" in folder or "__" in "/".join(names):
        return range(len(names))
    return [at for at, name in enumerate(names) if not "0" <= name[-1:] <= "9"]


def folder_of(node: Node) -> str:
    """Return the folder in which all chunks of an array are."""
    if node.meta is None:
        return node.path
    prefix = node.format.chunk_prefix(node.path, node.meta)
    return prefix.removesuffix(node.meta.keys.prefix).rstrip("/")


# -- the keys of an array ----------------------------------------------------------------


def check_array_keys(
    node: Node, listing: Listing, folders: Sequence[str]
) -> tuple[ArrayKeys | None, list[Finding]]:
    """Return the chunks of the array `node`, and what is wrong with its keys.

    Parameters
    ----------
    node : Node
    listing : Listing
    folders : sequence of str
        The folder of the array, and those below it.
    """
    if node.meta is None or node.access is None:
        return None, []
    access, meta = node.access, node.meta
    counts = access.storage.values(meta.grid.counts(meta.shape))
    present = _Present(counts)
    chunks, findings, others = ArrayKeys(access), [], []
    root = folder_of(node)
    skip = len(root) + 1 if root else 0
    names = _names_of_all(access, counts, sum(len(listing.folders[f].names) for f in folders))
    for folder in folders:
        if folder[skip:].startswith("__"):
            continue  # what libraries keep next to the chunks
        left: Iterable[tuple[str, int]] = listing.keys(folder)
        if names:
            left = _take_known(listing, folder, names, chunks, present)
        for key, size in left:
            place = access.keys.place(key)
            if place is None:
                if key not in listing.documents:
                    others.append(key)
            elif not all(map(operator.lt, place, counts)):
                said = f"chunk {place} is outside of the grid of {counts} chunks"
                findings.append(finding("K002", key, said, node.path))
            else:
                present.add(place)
                chunks.keys.append(key)
                chunks.sizes.append(size)
                if size >= 0:
                    findings += check_size(node, access, key, place, size)
    for key in others:
        findings.append(_other_key(node, key, key[skip:], present))
    findings += _check_holes(node, present)
    return chunks, findings


def _names_of_all(
    access: ChunkAccess, counts: tuple[int, ...], listed: int
) -> dict[str, int] | None:
    """Return the keys of all values of an array, with their numbers in C order.

    None where they are many more than the keys that are `listed`, which are then parsed instead.
    """
    size = math.prod(counts)
    if not counts or size > _LARGEST_GRID or size > _WORTH_NAMING * listed:
        return None
    keys = access.keys.keys_in(list(map(range, counts)))
    return dict(zip(keys, range(len(keys)), strict=True))


def _take_known(
    listing: Listing,
    folder: str,
    names: Mapping[str, int],
    chunks: ArrayKeys,
    present: _Present,
) -> list[tuple[str, int]]:
    """Add the keys of a folder that are those of values of unknown size; return all others."""
    found = listing.folders[folder]
    if found.sizes and max(found.sizes) >= 0:
        return list(listing.keys(folder))  # each size is looked at
    prefix = f"{folder}/" if folder else ""
    keys = [prefix + name for name in found.names]
    numbers = list(map(names.get, keys))
    others: list[tuple[str, int]] = []
    if None in numbers:
        others = [(key, -1) for key, at in zip(keys, numbers, strict=True) if at is None]
        keys = [key for key, at in zip(keys, numbers, strict=True) if at is not None]
        numbers = [at for at in numbers if at is not None]
    present.marks.reshape(-1)[np.array(numbers, np.intp)] = True
    chunks.keys += keys
    chunks.sizes.extend([-1] * len(keys))
    return others


def check_size(
    node: Node, access: ChunkAccess, key: str, place: tuple[int, ...], size: int
) -> Iterator[Finding]:
    """Yield what is wrong with the size of the value of a chunk or a shard."""
    if not access.pipeline.nbytes:
        return
    name = "shard" if node.meta.sharding is not None else "chunk"
    if size == 0:
        yield finding("C001", key, f"{name} {place} has no bytes", node.path)
    elif node.meta.sharding is not None:
        least = access.storage.layout(key).index_nbytes
        if size < least:
            few = counted(size, "byte is", "bytes are")
            said = f"{few} too few for the index of a shard, which has {least}"
            yield finding("S001", key, said, node.path)
    elif access.pipeline.sliceable:
        expected = access.pipeline.nbytes if access.uniform_chunks else _nbytes_at(access, place)
        if size != expected:
            said = f"{counted(size, 'byte')} stored, expected {expected}"
            yield finding("C002", key, said, node.path)


def _nbytes_at(access: ChunkAccess, place: tuple[int, ...]) -> int:
    nbytes: int = access.pipeline_at(place).nbytes
    return nbytes


def _other_key(node: Node, key: str, name: str, present: _Present) -> Finding:
    """Return the finding for a key of an array that is no chunk's."""
    if written := _being_written(node, key):
        return finding("K001", key, f"a file that was to become {written!r}", node.path)
    match = _NUMBERS.fullmatch(name)
    ndim = len(node.meta.shape)
    if match is not None and ndim:
        place = tuple(map(int, re.split("[/.]", match[1])))
        if len(place) == ndim and present.is_absent(place):
            present.add(place)
            right = node.access.keys.key(place)  # type: ignore[union-attr]
            said = f"chunk {place} belongs under the key {right!r}, which is absent"
            return finding("K003", key, said, node.path)
    return finding("K004", key, "neither a chunk nor metadata of the array", node.path)


def _being_written(node: Node, key: str) -> str | None:
    """Return the key whose value a temporary file of the name `key` was to become."""
    for match in _TEMPORARY.finditer(key):
        final = key[: match.start()]
        is_chunk = node.access is not None and node.access.keys.place(final) is not None
        if match.end() == len(key) and (is_chunk or is_metadata(final)):
            return final
    return None


class _Present:
    """Which chunks of a grid are stored."""

    def __init__(self, counts: tuple[int, ...]) -> None:
        self.counts = counts
        self.marks: Any = None
        if math.prod(counts) <= _LARGEST_GRID:
            self.marks = np.zeros(counts, bool)
        self._places: set[tuple[int, ...]] = set()

    def add(self, place: tuple[int, ...]) -> None:
        if self.marks is None:
            self._places.add(place)
        else:
            self.marks[place] = True

    def is_absent(self, place: tuple[int, ...]) -> bool:
        """Tell whether `place` is in the grid, and nothing is stored for it."""
        if any(at >= count for at, count in zip(place, self.counts, strict=True)):
            return False
        return place not in self._places if self.marks is None else not self.marks[place]


def _check_holes(node: Node, present: _Present) -> Iterator[Finding]:
    """Yield a finding if few chunks are absent, and stored ones are on all sides of each.

    Arrays are seldom sparse in such a way, but transfers fail so.
    """
    marks = present.marks
    if marks is None or marks.ndim == 0 or not 3 < marks.size <= _LARGEST_PICTURE:
        return
    absent = ~marks
    number = int(absent.sum())
    if not 0 < number <= max(1, marks.size // 10):
        return
    lonely = absent.copy()
    for dim in range(marks.ndim):
        before = [slice(None)] * marks.ndim
        after = [slice(None)] * marks.ndim
        before[dim], after[dim] = slice(None, -1), slice(1, None)
        lonely[tuple(before)] &= marks[tuple(after)]
        lonely[tuple(after)] &= marks[tuple(before)]
    if int(lonely.sum()) != number:
        return
    places = [tuple(map(int, place)) for place in np.argwhere(absent)[:3]]
    shown = ", ".join(map(str, places)) + (", ..." if number > 3 else "")
    key = node.access.keys.key(places[0])  # type: ignore[union-attr]
    verbs = ("is", "reads") if number == 1 else ("are", "read")
    said = (
        f"{number} of {marks.size} chunks {verbs[0]} absent among stored ones, and {verbs[1]} as "
        "fill values"
    )
    yield finding("C005", key, f"{said}: {shown}", node.path)


# -- keys of no array ---------------------------------------------------------------------


def check_other_keys(
    listing: Listing, owners: Mapping[str, Sequence[str]], nodes: Sequence[Node]
) -> Iterator[Finding]:
    """Yield what is wrong with the keys of no array, and with the names of nodes."""
    owned = {folder for folders in owners.values() for folder in folders}
    for folder in listing.folders:
        if folder in owned:
            continue
        for key, _ in listing.keys(folder):
            if key in listing.documents:
                continue
            final = _TEMPORARY.sub("", key)
            if final != key and is_metadata(final):
                yield finding("K001", key, f"a file that was to become {final!r}")
            else:
                yield finding("K004", key, "neither metadata nor a chunk of an array")
    names: dict[str, str] = {}
    for node in nodes:
        other = names.setdefault(node.path.casefold(), node.path)
        if other != node.path:
            said = f"the names of {node.path!r} and {other!r} differ only in case"
            yield finding("K005", node.key, f"{said}: not every file system tells them apart")
