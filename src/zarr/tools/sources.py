"""Arrays and groups to compare, from wherever they come: stores, HDF5 files, memory."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from zarr import _formats, config
from zarr._selection.grid import longest
from zarr.core import Array
from zarr.errors import PathNotFoundError
from zarr.hierarchy import Group
from zarr.storage.base import BaseStore, normalize_storage_path
from zarr.storage.resolve import Opened
from zarr.tools import hdf5, scales

__all__ = [
    "Region", "attributes_of", "block_shape", "count_workers", "dtype_name", "is_group",
    "is_store",
    "little_endian", "members_of", "names_of", "opened", "read", "regions",
]  # fmt: skip

Region = tuple[slice, ...]


@contextmanager
def opened(source: Any, path: str = "") -> Iterator[Any]:
    """Give the array or group that `source` means, to be read.

    Parameters
    ----------
    source
        An array or a group, of zarr or of h5py, anything that NumPy makes an array of, or a
        store, a path or a URL; or the path of an HDF5 file.
    path : str, optional
        Path in a store, or of a member of a group.

    Raises
    ------
    PathNotFoundError
        If a store has nothing at `path`.
    """
    if hdf5.is_file(source):
        import h5py

        with h5py.File(source, "r") as file:
            inside = path.strip("/")
            if inside and inside not in file:
                raise PathNotFoundError(inside, repr(source))
            yield file[inside or "/"]
        return
    if not is_store(source):
        plain = not hasattr(source, "shape") and not hasattr(source, "keys")
        node = np.asarray(source) if plain else source
        yield node[path] if path else node
        return
    with Opened(source, "r") as store:
        inside = normalize_storage_path(path)
        found = _formats.find_node(store, inside)
        if found is None:
            raise _formats.not_found(PathNotFoundError, store, inside)
        kind = Array if found[0] == "array" else Group
        yield kind._of(found[1], store, inside, read_only=True)


def is_store(source: Any) -> bool:
    """Tell whether `source` is a store, or a path or URL, rather than an array or group."""
    if isinstance(source, Group) or hdf5.is_h5py(source):
        return False
    return isinstance(source, (str, os.PathLike, BaseStore, MutableMapping))


def is_group(node: Any) -> bool:
    """Tell whether a node has members rather than elements."""
    return not hasattr(node, "shape")


def members_of(group: Any) -> dict[str, Any]:
    """Return the members of a group by name, sorted."""
    found = hdf5.members(group, len) if hdf5.is_h5py(group) else group.items()
    return dict(sorted(found))


def attributes_of(node: Any) -> dict[str, Any]:
    """Return the attributes of a node as JSON values."""
    if hdf5.is_h5py(node):
        return hdf5.read_attributes(node, len)
    if isinstance(node, (Array, Group)):
        return dict(node.attrs.asdict())
    return dict(getattr(node, "attrs", None) or {})


def names_of(array: Any) -> tuple[str | None, ...] | None:
    """Return the names of the dimensions of an array."""
    if hdf5.is_h5py(array):
        return scales.names_of(array)
    return getattr(array, "dimension_names", None)


def read(array: Any, region: Region) -> np.ndarray[Any, Any]:
    """Return a region of an array, text of HDF5 as `str`."""
    found = hdf5.read(array, region) if hdf5.is_h5py(array) else array[region]
    return np.asarray(found)


def _stored_lengths(array: Any) -> tuple[int, ...]:
    """Return the longest chunk, or shard, along each dimension; the whole array without chunks."""
    if isinstance(array, Array):
        return tuple(map(longest, array._current.grid.stored))
    chunks = getattr(array, "chunks", None)
    if chunks is None or isinstance(chunks, str) or len(chunks) != len(array.shape):
        return tuple(array.shape)
    return tuple(n if isinstance(n, int) else max(n, default=1) for n in chunks)


def block_shape(
    arrays: Sequence[Any], unit: Sequence[int], most: int, shape: Sequence[int]
) -> list[int]:
    """Return how much of arrays to read at a time.

    Parameters
    ----------
    arrays : sequence of array
        All of `shape`.
    unit : sequence of int
        Each length of the result is one of these, doubled some times.
    most : int
        Number of elements, unless `unit` has more.

    Returns
    -------
    list of int
        Long enough for whole chunks of all arrays, if `most` allows it.
    """
    wanted = [
        min(length, max(lengths))
        for length, *lengths in zip(shape, *map(_stored_lengths, arrays), strict=True)
    ]
    block = list(unit)
    while True:
        short = [d for d in range(len(block)) if block[d] < wanted[d]]
        items = np.prod(block, dtype=object)
        if not short or items * 2 > most:
            break
        # The dimension in which most of a chunk would be read again comes first.
        dim = max(short, key=lambda d: wanted[d] / block[d])
        block[dim] *= 2
    return block


def count_workers(nbytes: int) -> int:
    """Return how many threads are worth working on so many bytes."""
    settings = config.get()
    return 1 if nbytes < settings.thread_bytes else settings.workers


def regions(shape: Sequence[int], block: Sequence[int]) -> Iterator[Region]:
    """Yield the parts of an array of `shape` in C order, of the shape `block` but at its end."""
    ranges = [range(0, length, step) for length, step in zip(shape, block, strict=True)]
    for place in itertools.product(*ranges):
        yield tuple(
            slice(at, min(at + step, length))
            for at, step, length in zip(place, block, shape, strict=True)
        )


def dtype_name(dtype: np.dtype[Any]) -> Any:
    """Return what a dtype is, whatever its byte order and padding: see :mod:`zarr.tools.digest`."""
    if dtype.kind == "O":
        return "object"
    if dtype.isbuiltin == 2:  # of another package
        return dtype.name
    if dtype.fields is not None:
        return [[name, dtype_name(dtype.fields[name][0])] for name in dtype.names or ()]
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return [dtype_name(base), list(shape)]
    return little_endian(dtype).str


def little_endian(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return `dtype` in little-endian order; those of other packages have the native only."""
    return dtype.newbyteorder("<") if dtype.isbuiltin != 2 else dtype
