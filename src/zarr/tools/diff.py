"""What differs between two arrays, or between all that is in two groups."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from zarr._shared.threads import run_all
from zarr._system import RLock
from zarr._wording import counted
from zarr.tools.check_report import aligned
from zarr.tools.sources import (
    Region,
    attributes_of,
    block_shape,
    count_workers,
    dtype_name,
    is_group,
    little_endian,
    members_of,
    names_of,
    opened,
    read,
    regions,
)

__all__ = ["Diff", "Difference", "diff"]

What = Literal[
    "only in a", "only in b", "kind", "shape", "dtype", "dimension names", "attributes", "values",
]  # fmt: skip

_BLOCK_BYTES = 16 << 20
_BYTES_OF_OBJECT = 256
_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs.

    Attributes
    ----------
    path : str
        Path of the array or group, relative to what was compared.
    what : str
        'only in a', 'only in b', 'kind', 'shape', 'dtype', 'dimension names', 'attributes' or
        'values'.
    message : str
        How it differs.
    count : int
        Number of elements that differ, for 'values'; 1 otherwise.
    first : tuple of tuple of int
        Positions of the first of these elements, in C order.
    low : tuple of int
        The first corner of the smallest box that holds them all: ``low <= position < high``.
    high : tuple of int
        Its other corner.
    largest : float or None
        Largest absolute difference of numbers; None where it is undefined.
    """

    path: str
    what: What
    message: str
    count: int = 1
    first: tuple[tuple[int, ...], ...] = ()
    low: tuple[int, ...] = ()
    high: tuple[int, ...] = ()
    largest: float | None = None


@dataclass(frozen=True, slots=True)
class Diff:
    """What :func:`zarr.diff` has found; printed as a table.

    Attributes
    ----------
    differences : tuple of Difference
        Sorted by path.
    arrays : int
        Number of arrays that are in both.
    groups : int
        Number of groups that are in both.

    Examples
    --------
    >>> import zarr
    >>> a, b = zarr.zeros((4, 6), chunks=2), zarr.zeros((4, 6), chunks=3)
    >>> zarr.diff(a, b).equal
    True
    >>> b[1, 2:4] = 5
    >>> print(zarr.diff(a, b))
    /  values  2 of 24 elements differ in [1:2, 2:4], first at (1, 2): 0.0 and 5.0; by at most 5.0
    1 difference in 1 array and 0 groups
    """

    differences: tuple[Difference, ...]
    arrays: int
    groups: int

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return not self.differences

    def to_json(self) -> str:
        """Return the result as a JSON document, with the number of its schema.

        Returns
        -------
        str
            JSON.
        """
        members = {
            "schema": _SCHEMA,
            "equal": self.equal,
            "arrays": self.arrays,
            "groups": self.groups,
            "differences": [asdict(difference) for difference in self.differences],
        }
        return json.dumps(members, indent=2)

    def __str__(self) -> str:
        rows = [(f"/{found.path}", found.what, found.message) for found in self.differences]
        number = counted(len(self.differences), "difference")
        total = f"{number} in {counted(self.arrays, 'array')} and {counted(self.groups, 'group')}"
        return "\n".join([*aligned(rows), total])


def diff(
    a: Any,
    b: Any,
    *,
    path: str = "",
    other_path: str | None = None,
    rtol: float = 0.0,
    atol: float = 0.0,
    attributes: bool = True,
    limit: int = 10,
) -> Diff:
    """Compare two arrays, or all that is in two groups: structure, metadata, values, attributes.

    How data are stored makes no difference: chunks, shards, codecs, byte order, the format.

    Parameters
    ----------
    a, b : Array, Group, store, str, path-like or array
        Arrays or groups, of zarr or of h5py; stores, paths or URLs; or anything that NumPy makes
        an array of.
    path : str, optional
        Path in stores or groups.
    other_path : str, optional
        That in `b`, if it is another.
    rtol, atol : float, default 0
        Numbers are equal if they differ by at most ``atol + rtol * abs(b)``. Without either,
        their bits must be the same: NaN equals NaN, but 0.0 does not equal -0.0.
    attributes : bool, default True
        Whether attributes count.
    limit : int, default 10
        Most positions to report for each array.

    Returns
    -------
    Diff
        Its `equal` tells whether nothing differs.

    Raises
    ------
    PathNotFoundError
        If a store has nothing at its path.
    ChunkDecodeError
        If a chunk cannot be decoded.

    Notes
    -----
    Arrays are compared in blocks of some 16 MiB, on as many threads as reading has.

    Examples
    --------
    >>> import zarr
    >>> a, b = zarr.group(), zarr.group(zarr_version=3)
    >>> for group in (a, b):
    ...     z = group.create_dataset('t', data=[1.5, 2.5], chunks=1)
    >>> b['t'].attrs['units'] = 'K'
    >>> for found in zarr.diff(a, b).differences:
    ...     print(found.path, found.what, found.message)
    t attributes units: only in b
    """
    with opened(a, path) as one, opened(b, path if other_path is None else other_path) as other:
        comparison = _Comparison(rtol, atol, limit, attributes=attributes)
        comparison.nodes("", one, other)
        found = sorted(comparison.found, key=lambda difference: difference.path)
        return Diff(tuple(found), comparison.arrays, comparison.groups)


class _Comparison:
    """One comparison, node by node."""

    def __init__(self, rtol: float, atol: float, limit: int, *, attributes: bool) -> None:
        self.rtol, self.atol, self.limit, self.attributes = rtol, atol, limit, attributes
        self.found: list[Difference] = []
        self.arrays = self.groups = 0

    def _note(self, path: str, what: What, message: str) -> None:
        self.found.append(Difference(path, what, message))

    def nodes(self, path: str, a: Any, b: Any) -> None:
        """Compare what is at `path`."""
        kinds = ["a group" if is_group(node) else "an array" for node in (a, b)]
        if kinds[0] != kinds[1]:
            self._note(path, "kind", f"{kinds[0]} in a, {kinds[1]} in b")
            return
        if is_group(a):
            self.groups += 1
            self._members(path, members_of(a), members_of(b))
        else:
            self.arrays += 1
            self._arrays(path, a, b)
        if self.attributes:
            said = list(_changes(attributes_of(a), attributes_of(b)))
            if said:
                self._note(path, "attributes", "; ".join(said))

    def _members(self, path: str, a: dict[str, Any], b: dict[str, Any]) -> None:
        for name in sorted(a.keys() | b.keys()):
            below = f"{path}/{name}" if path else name
            if name in a and name in b:
                self.nodes(below, a[name], b[name])
            else:
                kind = "a group" if is_group(a.get(name, b.get(name))) else "an array"
                self._note(below, "only in a" if name in a else "only in b", kind)

    def _arrays(self, path: str, a: Any, b: Any) -> None:
        names = names_of(a), names_of(b)
        if names[0] != names[1] and None not in names:
            self._note(path, "dimension names", f"{names[0]} in a, {names[1]} in b")
        shapes = tuple(a.shape), tuple(b.shape)
        dtypes = np.dtype(a.dtype), np.dtype(b.dtype)
        if dtype_name(dtypes[0]) != dtype_name(dtypes[1]):
            self._note(path, "dtype", f"{dtypes[0]} in a, {dtypes[1]} in b")
        if shapes[0] != shapes[1]:
            self._note(path, "shape", f"{shapes[0]} in a, {shapes[1]} in b")
        elif (found := _Values(self, a, b).compare(path)) is not None:
            self.found.append(found)


def _changes(a: Any, b: Any, where: str = "") -> Iterator[str]:
    """Yield what differs between two attributes, or parts of them."""
    if isinstance(a, dict) and isinstance(b, dict):
        for name in sorted(a.keys() | b.keys()):
            at = f"{where}.{name}" if where else name
            if name not in b or name not in a:
                yield f"{at}: only in {'a' if name in a else 'b'}"
            else:
                yield from _changes(a[name], b[name], at)
    elif json.dumps(a, sort_keys=True) != json.dumps(b, sort_keys=True):  # NaN equals NaN
        yield f"{where}: {json.dumps(a):.60} in a, {json.dumps(b):.60} in b"


class _Values:
    """The elements of two arrays of one shape, and those that differ."""

    def __init__(self, options: _Comparison, a: Any, b: Any) -> None:
        self.options, self.a, self.b = options, a, b
        self.shape = tuple(map(int, a.shape))
        self._lock = RLock()
        self.count = 0
        self.first: list[tuple[tuple[int, ...], Any, Any]] = []
        self.low, self.high = list(self.shape), [0] * len(self.shape)
        self.largest: float | None = None

    def compare(self, path: str) -> Difference | None:
        """Return the difference to report, None if there is none."""
        if 0 in self.shape:
            return None
        each = max(_itemsize(self.a), _itemsize(self.b))
        unit = [1] * len(self.shape)
        block = block_shape([self.a, self.b], unit, max(_BLOCK_BYTES // each, 1), self.shape)
        workers = count_workers(math.prod(self.shape) * each)
        run_all(self._compare_block, regions(self.shape, block), workers)
        if not self.count:
            return None
        self.first.sort(key=lambda item: item[0])
        del self.first[self.options.limit :]
        return Difference(
            path, "values", self._message(), self.count,
            tuple(place for place, _, _ in self.first), tuple(self.low), tuple(self.high),
            self.largest,
        )  # fmt: skip

    def _compare_block(self, region: Region) -> None:
        a, b = read(self.a, region), read(self.b, region)
        differ = _differ(a, b, self.options.rtol, self.options.atol)
        if not differ.any():
            return
        places = np.argwhere(differ)
        begin = [part.start for part in region]
        size = _largest_difference(a[differ], b[differ])
        first = [
            (tuple(int(x + at) for x, at in zip(place, begin, strict=True)), a[tuple(place)],
             b[tuple(place)])
            for place in places[: self.options.limit]
        ]  # fmt: skip
        lowest, highest = places.min(axis=0), places.max(axis=0)
        with self._lock:
            self.count += len(places)
            self.first += first
            for dim, at in enumerate(begin):
                self.low[dim] = min(self.low[dim], int(lowest[dim]) + at)
                self.high[dim] = max(self.high[dim], int(highest[dim]) + at + 1)
            if size is not None:
                self.largest = max(size, self.largest or 0.0)

    def _message(self) -> str:
        number = math.prod(self.shape)
        box = ", ".join(f"{low}:{high}" for low, high in zip(self.low, self.high, strict=True))
        verb = "differs" if self.count == 1 else "differ"
        said = f"{self.count} of {counted(number, 'element')} {verb} in [{box}]"
        if self.first:
            place, a, b = self.first[0]
            said = f"{said}, first at {place}: {a!s:.40} and {b!s:.40}"
        return said if self.largest is None else f"{said}; by at most {self.largest:.6}"


def _itemsize(array: Any) -> int:
    dtype = np.dtype(array.dtype)
    return _BYTES_OF_OBJECT if dtype.hasobject else max(dtype.itemsize, 1)


def _differ(
    a: np.ndarray[Any, Any], b: np.ndarray[Any, Any], rtol: float, atol: float
) -> np.ndarray[Any, Any]:
    """Return where two arrays of one shape differ."""
    if a.dtype.hasobject or b.dtype.hasobject:
        pairs = zip(a.reshape(-1).tolist(), b.reshape(-1).tolist(), strict=True)
        return np.array([not _same_object(x, y) for x, y in pairs], bool).reshape(a.shape)
    numbers = a.dtype.kind in "biufc" and b.dtype.kind in "biufc"
    if numbers and (rtol or atol):
        return np.asarray(~np.isclose(a, b, rtol=rtol, atol=atol, equal_nan=True))
    if dtype_name(a.dtype) == dtype_name(b.dtype):
        return _differ_in_bits(a, b)
    if not numbers:
        if a.dtype.kind == b.dtype.kind and a.dtype.kind in "SUmM":
            return np.asarray(a != b)
        return np.ones(a.shape, bool)
    both_nan = np.asarray((a != a) & (b != b))  # noqa: PLR0124  NaN
    return np.asarray((a != b) & ~both_nan)


def _differ_in_bits(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if a.dtype.fields is not None:  # padding between fields does not count
        found = np.zeros(a.shape, bool)
        for name in a.dtype.names or ():
            part = _differ_in_bits(np.asarray(a[name]), np.asarray(b[name]))
            found |= part.reshape(*a.shape, -1).any(axis=-1)
        return found
    dtype = little_endian(a.dtype)
    size = dtype.itemsize
    if not size:
        return np.zeros(a.shape, bool)
    x, y = (np.ascontiguousarray(array, dtype).reshape(array.shape) for array in (a, b))
    if size in (1, 2, 4, 8):
        return np.asarray(x.view(f"u{size}") != y.view(f"u{size}"))
    octets = [array.reshape(*array.shape, 1).view("u1") for array in (x, y)]
    return np.asarray((octets[0] != octets[1]).any(axis=-1))


def _same_object(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        x, y = np.asarray(a), np.asarray(b)
        return x.shape == y.shape and x.dtype == y.dtype and not _differ(x, y, 0, 0).any()
    if type(a) is not type(b):
        return False
    return bool(a == b) or (a != a and b != b)  # noqa: PLR0124  NaN


def _largest_difference(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> float | None:
    """Return the largest difference of two arrays of numbers; None where it is undefined."""
    if a.dtype.kind not in "iufc" or b.dtype.kind not in "iufc":
        return None
    wide = [array.astype("c16" if array.dtype.kind == "c" else "f8") for array in (a, b)]
    with np.errstate(invalid="ignore", over="ignore"):
        sizes = np.abs(wide[0] - wide[1])
    sizes = sizes[~np.isnan(sizes)]
    return float(sizes.max()) if sizes.size else None
