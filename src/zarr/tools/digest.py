"""A digest of what arrays and groups hold, however they are stored.

Definition, version 1. ``H`` is the hash algorithm; integers are in decimal ASCII.

An array has the digest ``H(header || H(tile 0) || H(tile 1) || ...)``. The header is the JSON
text ``{"digest":1,"dtype":T,"kind":"array","shape":[...]}`` without blanks, and a line feed. `T`
is what NumPy calls the dtype in little-endian order (``dtype.str``, or ``dtype.descr`` of records
without padding). Dtypes of other packages have their name, and arrays of objects ``"object"``.

Tiles are boxes that depend on the shape alone, in C order. Their shape begins as one element.
While it has at most half of 2**20 elements (2**14 of objects), the shortest length that is still
below that of the array, the last of equals, is doubled. A tile is its elements in C order,
little-endian, cut at the end of the array. NaN has the bits that are stored; -0.0 is not 0.0.

An object is a letter, its number of bytes, a colon and these bytes: ``s`` text in UTF-8, ``b``
bytes, ``a`` an array (its `T` as JSON, its shape as JSON, its elements), ``j`` anything else, as
JSON with sorted names.

A group has ``H(header || lines)``, the header being ``{"digest":1,"kind":"group"}`` and a line
feed. There is a line for each member, sorted by name in UTF-8: ``name as JSON, blank, digest in
hexadecimal, line feed``. With attributes, ``H`` of a node becomes ``H(digest || attributes as
JSON with sorted names)``.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib import recfunctions

from zarr._shared.threads import run_all
from zarr.tools.sources import (
    Region,
    attributes_of,
    block_shape,
    count_workers,
    dtype_name,
    is_group,
    little_endian,
    members_of,
    opened,
    read,
    regions,
)

__all__ = ["digest"]

_TILE = 1 << 20
_TILE_OF_OBJECTS = 1 << 14
_BLOCK_BYTES = 64 << 20
_BYTES_OF_OBJECT = 256
_VERSION = 1

Hash = Callable[..., Any]


def digest(x: Any, algorithm: str = "sha256", *, path: str = "", attributes: bool = False) -> str:
    """Return a digest of the shape, the dtype and the values of an array, or of all in a group.

    It does not depend on chunks, shards, codecs, memory order, byte order or the format. Arrays
    of HDF5 and NumPy with the same data have the same digest. The module
    :mod:`zarr.tools.digest` defines it, so that others can compute it.

    Parameters
    ----------
    x : Array, Group, store, str, path-like or array
        An array or a group, of zarr or of h5py; a store, a path or a URL; or anything that
        NumPy makes an array of.
    algorithm : str, default 'sha256'
        Name of an algorithm of `hashlib` with a digest of fixed length.
    path : str, optional
        Path in a store or a group.
    attributes : bool, default False
        Whether attributes count, too.

    Returns
    -------
    str
        In hexadecimal digits.

    Raises
    ------
    PathNotFoundError
        If a store has nothing at `path`.
    ValueError
        If there is no such algorithm.

    Notes
    -----
    Some 64 MiB of values are in memory at a time, and a digest of each 2**20 elements.

    Examples
    --------
    >>> import numpy as np
    >>> import zarr
    >>> data = np.arange(1000).reshape(10, 100)
    >>> z = zarr.array(data, chunks=(3, 7), compressor=None)
    >>> other = zarr.array(data, chunks=(5, 50), shards=(10, 100), zarr_version=3)
    >>> zarr.digest(z) == zarr.digest(other) == zarr.digest(data)
    True
    >>> other[2, 2] += 1
    >>> zarr.digest(z) == zarr.digest(other)
    False
    """
    if algorithm not in hashlib.algorithms_available or algorithm.startswith("shake"):
        raise ValueError(f"there is no hash algorithm {algorithm!r} with a fixed length")

    def make_hash(data: bytes = b"") -> Any:
        return hashlib.new(algorithm, data)

    with opened(x, path) as node:
        result: bytes = _digest_of(node, make_hash, attributes=attributes)
        return result.hex()


def _digest_of(node: Any, make_hash: Hash, *, attributes: bool) -> bytes:
    if is_group(node):
        total = make_hash(_json({"digest": _VERSION, "kind": "group"}) + b"\n")
        members = members_of(node)
        for name in sorted(members, key=str.encode):
            inner = _digest_of(members[name], make_hash, attributes=attributes)
            total.update(_json(name) + b" " + inner.hex().encode() + b"\n")
    else:
        total = _of_array(node, make_hash)
    found: bytes = total.digest()
    if not attributes:
        return found
    with_attributes: bytes = make_hash(found + _json(attributes_of(node))).digest()
    return with_attributes


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


# -- arrays -------------------------------------------------------------------------------


def _of_array(array: Any, make_hash: Hash) -> Any:
    dtype, shape = np.dtype(array.dtype), tuple(map(int, array.shape))
    header = {"digest": _VERSION, "dtype": dtype_name(dtype), "kind": "array", "shape": shape}
    total = make_hash(_json(header) + b"\n")
    if 0 in shape:
        return total
    tile = _tile(shape, _TILE_OF_OBJECTS if dtype.hasobject else _TILE)
    counts = [-(-length // n) for length, n in zip(shape, tile, strict=True)]
    size = total.digest_size
    found = np.empty((*counts, size), "u1")
    each = _BYTES_OF_OBJECT if dtype.hasobject else max(dtype.itemsize, 1)
    block = block_shape([array], tile, _BLOCK_BYTES // each, shape)
    for region in regions(shape, block):
        values = read(array, region)
        first = [part.start // n for part, n in zip(region, tile, strict=True)]

        def hash_tile(inner: Region, values: Any = values, first: Any = first) -> None:
            place = [at + part.start // n for at, part, n in zip(first, inner, tile, strict=True)]
            data = _canonical_bytes(values[inner], dtype)
            found[tuple(place)] = np.frombuffer(make_hash(data).digest(), "u1")

        run_all(hash_tile, regions(values.shape, tile), count_workers(values.nbytes))
    total.update(found.tobytes())
    return total


def _tile(shape: Sequence[int], most: int) -> list[int]:
    """Return the shape of the tiles of an array, which depends on its shape alone."""
    tile = [1] * len(shape)
    while math.prod(tile) * 2 <= most:
        short = [d for d in range(len(tile)) if tile[d] < shape[d]]
        if not short:
            break
        dim = min(reversed(short), key=tile.__getitem__)
        tile[dim] *= 2
    return tile


def _canonical_bytes(values: np.ndarray[Any, Any], dtype: np.dtype[Any]) -> Any:
    """Return the elements of a tile in C order, little-endian, without padding."""
    if dtype.kind == "O":
        return b"".join(map(_object_bytes, np.asarray(values, object).reshape(-1).tolist()))
    plain = np.asarray(values, dtype)
    if dtype.fields is not None:
        if dtype.hasobject:
            return b"".join(map(_object_bytes, plain.reshape(-1).tolist()))
        packed: Any = recfunctions.repack_fields(plain, recurse=True)
        plain = packed
    return np.ascontiguousarray(plain.astype(little_endian(plain.dtype), copy=False)).tobytes()


def _object_bytes(item: Any) -> bytes:
    kind, data = _object_parts(item)
    return b"%s%d:%s" % (kind, len(data), data)


def _object_parts(item: Any) -> tuple[bytes, bytes]:
    if isinstance(item, str):
        return b"s", item.encode("utf-8", "surrogatepass")
    if isinstance(item, (bytes, bytearray)):
        return b"b", bytes(item)
    if isinstance(item, np.ndarray):
        values = _canonical_bytes(item, item.dtype)
        return b"a", _json(dtype_name(item.dtype)) + _json(item.shape) + values
    if isinstance(item, np.generic):
        item = item.item()
    return b"j", _json(item)
