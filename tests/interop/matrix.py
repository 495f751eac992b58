"""What the libraries exchange: the cases, their data, and how arrays are compared.

Every library's own environment imports this module, so it needs NumPy alone. A case says
with which arguments an array is made and what is written to it; its data follow from its
name, so that each library computes what it should find.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle, product
from typing import Any

import numpy as np

__all__ = ["CASES", "UPDATES", "Case", "describe", "tensorstore_document"]

Config = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One array to exchange.

    Attributes
    ----------
    name : str
        Path of the array and id of its tests; seed of its data.
    dtype : object
        What ``np.dtype`` takes, or ``str`` and ``bytes``, which become objects.
    written : {'all', 'ends', 'none'}
        Which chunks are written: 'ends' leaves out all but the first and the last.
    exact : bool
        Whether reading gives back what was written: false for lossy filters.
    kind : str
        For objects: what they are.
    """

    name: str
    dtype: Any
    shape: tuple[int, ...] = (7, 10)
    chunks: tuple[int, ...] = (3, 4)
    order: str = "C"
    compressor: Config | None = None
    filters: tuple[Config, ...] = ()
    separator: str = "."
    fill_value: Any = 0
    object_codec: Config | None = None
    written: str = "all"
    write_empty_chunks: bool = True
    exact: bool = True
    kind: str = ""

    @property
    def numpy_dtype(self) -> np.dtype[Any]:
        """The array's type: that of its elements in memory."""
        return np.dtype(object) if self.kind else np.dtype(self.dtype)

    def values(self) -> np.ndarray[Any, Any]:
        """Return what is written, in the array's shape."""
        rng = np.random.default_rng(zlib.crc32(self.name.encode()))
        if self.kind:
            return _objects(self.kind, self.shape, rng)
        return _plain(self.numpy_dtype, self.shape, rng, tame=not self.exact)

    def regions(self) -> list[tuple[slice, ...]]:
        """Return the parts of the array that are written."""
        if self.written == "all":
            return [(slice(None),) * len(self.shape)]
        if self.written == "none":
            return []
        first = tuple(slice(0, n) for n in self.chunks)
        last = tuple(
            slice((n - 1) // c * c, n) for n, c in zip(self.shape, self.chunks, strict=True)
        )
        return [first, last]

    def expected(self) -> np.ndarray[Any, Any]:
        """Return what the array holds after writing."""
        values = self.values()
        if self.written == "all":
            return values
        held = np.zeros(self.shape, self.numpy_dtype)
        held[...] = _fill_element(self.fill_value, self.numpy_dtype)
        for region in self.regions():
            held[region] = values[region]
        return held

    @property
    def everywhere(self) -> bool:
        """Whether every library with our interface has what the case needs: always."""
        return True

    @property
    def has_digest(self) -> bool:
        """Whether a digest over documents and stored chunks is the same for every author.

        Compressed bytes are not: they depend on the version of the compressor. Nor are
        documents with a fill value of fixed bytes, which zarr-python 2 writes without padding.
        """
        unpadded = self.numpy_dtype.kind == "S" and self.fill_value is not None
        return self.compressor is None and not self.kind and not unpadded

    @property
    def read_by_zarr2(self) -> bool:
        """Whether zarr-python 2 gives back what it wrote itself.

        It scrambles objects of a Fortran-ordered array that a codec stores with their shape.
        """
        shaped = (self.object_codec or {}).get("id") in ("json2", "msgpack2")
        return not (shaped and self.order == "F" and len(self.shape) > 1)

    @property
    def written_by_tensorstore(self) -> bool:
        """Whether tensorstore has this type, this compressor and no filter to apply."""
        if self.kind or self.filters or (self.compressor or {}).get("id") in ("lz4", "lzma"):
            return False
        if (self.compressor or {}).get("checksum"):
            return False
        if len(self.shape) < 2 and self.order == "F":
            # Where order means nothing, it creates arrays of order C only.
            return False
        dtype = self.numpy_dtype
        leaves = [dtype] if dtype.names is None else [dtype[name].base for name in dtype.names]
        return all(leaf.names is None and leaf.kind in "biufcSV" for leaf in leaves)

    @property
    def read_by_tensorstore(self) -> bool:
        """Whether tensorstore also takes our document: not the member ``checksum`` of zstd."""
        return self.written_by_tensorstore and "checksum" not in (self.compressor or {})


@dataclass(frozen=True)
class Update:
    """Changes that another library makes to an array that it did not create."""

    case: Case
    region: tuple[slice, ...]
    extra: int

    def patch(self) -> np.ndarray[Any, Any]:
        """Return what is written to the region."""
        return self._fresh("patch", np.empty(self.case.shape)[self.region].shape)

    def rows(self) -> np.ndarray[Any, Any]:
        """Return what is appended to the first axis."""
        return self._fresh("rows", (self.extra, *self.case.shape[1:]))

    def expected(self) -> np.ndarray[Any, Any]:
        """Return what the array holds afterwards."""
        held = self.case.expected()
        held[self.region] = self.patch()
        rows = self.rows()
        # Concatenation would return native byte order.
        both = np.empty((len(held) + len(rows), *held.shape[1:]), held.dtype)
        both[: len(held)] = held
        both[len(held) :] = rows
        return both

    def _fresh(self, what: str, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
        rng = np.random.default_rng(zlib.crc32(f"{self.case.name} {what}".encode()))
        if self.case.kind:
            return _objects(self.case.kind, shape, rng)
        return _plain(self.case.numpy_dtype, shape, rng)


def _fill_element(fill: Any, dtype: np.dtype[Any]) -> Any:
    """Return `fill` as one element; 0 is zero bytes for every type but objects."""
    if dtype.kind == "O":
        return fill
    element = np.zeros((), dtype)
    if not (isinstance(fill, int) and fill == 0):
        element[()] = fill
    return element[()]


# -- data -----------------------------------------------------------------------------


def _plain(
    dtype: np.dtype[Any], shape: tuple[int, ...], rng: np.random.Generator, *, tame: bool = False
) -> np.ndarray[Any, Any]:
    """Return values of every sort that `dtype` has; only small finite numbers if `tame`."""
    if dtype.names is not None:
        record = np.empty(shape, dtype)
        for name in dtype.names:
            record[name] = _plain(dtype[name].base, shape + dtype[name].shape, rng, tame=tame)
        return record
    if tame:
        return np.asarray(rng.integers(0, 200, shape) / 10).astype(dtype)
    size = int(np.prod(shape))
    return _FLAT[dtype.kind](dtype, size, rng).reshape(shape)


def _flat_bytes(dtype: np.dtype[Any], size: int, rng: np.random.Generator) -> Any:
    return np.frombuffer(rng.bytes(size * dtype.itemsize), dtype).copy()


def _flat_bool(dtype: np.dtype[Any], size: int, rng: np.random.Generator) -> Any:
    return rng.integers(0, 2, size).astype(dtype)


def _flat_floats(dtype: np.dtype[Any], size: int, rng: np.random.Generator) -> Any:
    with np.errstate(over="ignore"):
        values = (rng.standard_normal(size) * 10.0 ** rng.integers(-5, 6, size)).astype(dtype)
    specials = np.array([np.nan, np.nan, np.inf, -np.inf, -0.0, np.finfo(dtype).tiny], dtype)
    # A NaN with a payload, which arithmetic would lose and storage must not.
    specials.view(f"{dtype.byteorder}u{dtype.itemsize}")[0] |= 5
    where = rng.random(size) < 0.2
    values[where] = rng.choice(specials, int(where.sum()))
    return values


def _flat_complex(dtype: np.dtype[Any], size: int, rng: np.random.Generator) -> Any:
    parts = _flat_floats(np.dtype(f"{dtype.byteorder}f{dtype.itemsize // 2}"), 2 * size, rng)
    return parts.view(dtype)


def _flat_times(dtype: np.dtype[Any], size: int, rng: np.random.Generator) -> Any:
    numbers = rng.integers(-(2**40), 2**40, size)
    numbers[rng.random(size) < 0.1] = np.iinfo("i8").min  # NaT
    return numbers.astype(f"{dtype.byteorder}i8").view(dtype)


def _flat_text(dtype: np.dtype[Any], size: int, rng: np.random.Generator) -> Any:
    letters = "aZ 9~" if dtype.kind == "S" else "aZ é\u20ac\U0001f40b"
    longest = dtype.itemsize // (1 if dtype.kind == "S" else 4)
    words = ["".join(rng.choice(list(letters), rng.integers(0, longest + 1))) for _ in range(size)]
    return np.array(words, dtype)


_FLAT: dict[str, Callable[[np.dtype[Any], int, np.random.Generator], Any]] = {
    "b": _flat_bool,
    "i": _flat_bytes,
    "u": _flat_bytes,
    "V": _flat_bytes,
    "f": _flat_floats,
    "c": _flat_complex,
    "M": _flat_times,
    "m": _flat_times,
    "S": _flat_text,
    "U": _flat_text,
}


def _one_object(kind: str, rng: np.random.Generator) -> Any:
    number = int(rng.integers(0, 1000))
    word = "".join(rng.choice(list("aZ é\u20ac\U0001f40b"), number % 9))
    if kind == "text":
        return word
    if kind == "bytes":
        return rng.bytes(number % 9)
    if kind == "label":
        return ["low", "middle", "höchst"][number % 3]
    if kind.startswith("array:"):
        return np.arange(number % 5).astype(kind.partition(":")[2]) * 3
    return [word, number, number / 7, None, True, {"x": [number], word: "y"}][number % 6]


def _objects(kind: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray[Any, Any]:
    values = np.empty(shape, object)
    for index in np.ndindex(shape):
        values[index] = _one_object(kind, rng)
    return values


# -- comparison -----------------------------------------------------------------------


def describe(array: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Return what two arrays have in common exactly if they are equal bit for bit.

    Returns
    -------
    dict
        ``dtype`` and ``shape``; ``digest`` of the elements as little-endian bytes in C
        order, whatever the byte order in memory; ``head``, some elements for people.
    """
    array = np.asarray(array)
    if array.dtype.kind == "O":
        raw = json.dumps([_tagged(item) for item in array.ravel()]).encode()
    else:
        raw = array.astype(array.dtype.newbyteorder("<")).tobytes()
    return {
        "dtype": str(np.lib.format.dtype_to_descr(array.dtype)),
        "shape": list(array.shape),
        "digest": hashlib.sha256(raw).hexdigest(),
        "head": repr(array.ravel()[:8].tolist())[:300],
    }


def _tagged(item: Any) -> Any:
    """Return `item` as JSON that keeps types apart that compare equal."""
    if isinstance(item, np.ndarray):
        return ["array", item.dtype.str, item.tolist()]
    if isinstance(item, bytes):
        return ["bytes", item.hex()]
    if isinstance(item, list | dict):
        return [type(item).__name__, json.dumps(item, sort_keys=True)]
    return [type(item).__name__, item]


# -- documents for tensorstore --------------------------------------------------------


def tensorstore_document(case: Case) -> dict[str, Any]:
    """Return the array document that tensorstore shall create, as version 2 has it."""
    return {
        "zarr_format": 2,
        "shape": list(case.shape),
        "chunks": list(case.chunks),
        "dtype": _typestr(case.numpy_dtype),
        "compressor": _without_checksum(case.compressor),
        "filters": None,
        "order": case.order,
        "fill_value": _fill_document(case.fill_value, case.numpy_dtype),
        "dimension_separator": case.separator,
    }


def _without_checksum(config: Config | None) -> Config | None:
    return config and {key: value for key, value in config.items() if key != "checksum"}


def _typestr(dtype: np.dtype[Any]) -> Any:
    if dtype.names is None:
        return dtype.str
    fields = [(name, dtype[name]) for name in dtype.names]
    return [
        [name, field.base.str, *([list(field.shape)] if field.shape else [])]
        for name, field in fields
    ]


def _fill_document(fill: Any, dtype: np.dtype[Any]) -> Any:
    if fill is None:
        return None
    if dtype.kind in "SV":
        raw: bytes = np.asarray(_fill_element(fill, dtype), dtype).tobytes()
        return base64.b64encode(raw).decode()
    if dtype.kind == "c":
        return [_float_document(complex(fill).real), _float_document(complex(fill).imag)]
    if dtype.kind == "f":
        return _float_document(float(fill))
    return bool(fill) if dtype.kind == "b" else int(fill)


def _float_document(number: float) -> float | str:
    names = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
    return names.get(str(number), number)


# -- the cases ------------------------------------------------------------------------

NUMBERS = ["i2", "i4", "i8", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]

FLAT_RECORD = [("a", "<i4"), ("b", ">f8"), ("c", "S3"), ("d", "?")]

DTYPES: dict[str, Any] = {
    **{name: f"|{name}" for name in ("b1", "i1", "u1", "S1", "S12", "V4")},
    **{name: f"<{name}" for name in NUMBERS},
    **{f"be-{name}": f">{name}" for name in NUMBERS},
    "U1": "<U1",
    "U5": "<U5",
    "be-U5": ">U5",
    **{f"M8-{unit}": f"<M8[{unit}]" for unit in ("Y", "D", "s", "ms", "us", "ns")},
    **{f"m8-{unit}": f"<m8[{unit}]" for unit in ("W", "h", "s", "ns")},
    "be-M8-ns": ">M8[ns]",
    "be-m8-s": ">m8[s]",
    "record": FLAT_RECORD,
    "record-subarray": [("m", "<f8", (2, 3)), ("n", "u1"), ("t", "S2", (2,))],
    "record-nested": [("p", [("x", "<f4"), ("q", [("y", ">i2")])]), ("t", "<i8")],
    "record-text": [("name", "<U4"), ("when", "<M8[s]"), ("z", "<c8")],
}

BLOSC: Config = {"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1, "blocksize": 0}

LZMA: Config = {"id": "lzma", "format": 1, "check": -1, "preset": None, "filters": None}

COMPRESSORS: dict[str, Config | None] = {
    "raw": None,
    **{
        f"blosc-{cname}-{shuffle_name}": {**BLOSC, "cname": cname, "shuffle": shuffle}
        for cname in ("lz4", "zstd")
        for shuffle_name, shuffle in (("auto", -1), ("none", 0), ("byte", 1), ("bit", 2))
    },
    **{f"blosc-{c}": {**BLOSC, "cname": c} for c in ("lz4hc", "blosclz", "zlib")},
    "blosc-level0": {**BLOSC, "clevel": 0},
    "blosc-level9": {**BLOSC, "cname": "zstd", "clevel": 9},
    "blosc-blocks": {**BLOSC, "blocksize": 64},
    "zlib": {"id": "zlib", "level": 1},
    "zlib9": {"id": "zlib", "level": 9},
    "gzip": {"id": "gzip", "level": 5},
    "zstd": {"id": "zstd", "level": 3, "checksum": False},
    "zstd-checksum": {"id": "zstd", "level": 1, "checksum": True},
    "lz4": {"id": "lz4", "acceleration": 1},
    "bz2": {"id": "bz2", "level": 1},
    "lzma": LZMA,
    "lzma-raw": {**LZMA, "format": 3, "filters": [{"id": 3, "dist": 4}, {"id": 33, "preset": 1}]},
}


def _delta(dtype: str, astype: str | None = None) -> Config:
    return {"id": "delta", "dtype": dtype, "astype": astype or dtype}


def _scale(dtype: str, astype: str, scale: float, offset: float) -> Config:
    return {
        "id": "fixedscaleoffset",
        "scale": scale,
        "offset": offset,
        "dtype": dtype,
        "astype": astype,
    }


def _quantize(dtype: str, digits: int) -> Config:
    return {"id": "quantize", "digits": digits, "dtype": dtype, "astype": dtype}


# name: dtype, filters, whether reading gives back what was written
FILTERS: dict[str, tuple[str, tuple[Config, ...], bool]] = {
    "delta-i4": ("<i4", (_delta("<i4"),), True),
    "delta-u2": ("<u2", (_delta("<u2"),), True),
    "delta-be-i8": (">i8", (_delta(">i8"),), True),
    "delta-f8": ("<f8", (_delta("<f8"),), False),
    "delta-i8-i2": ("<i8", (_delta("<i8", "<i2"),), False),
    "scale-f8-u1": ("<f8", (_scale("<f8", "|u1", 10, 0),), False),
    "scale-f4-i4": ("<f4", (_scale("<f4", "<i4", 100, 1.5),), False),
    "quantize-f8": ("<f8", (_quantize("<f8", 1),), False),
    "quantize-f4": ("<f4", (_quantize("<f4", 2),), False),
    "bitround-f4": ("<f4", ({"id": "bitround", "keepbits": 8},), False),
    "shuffle-i4": ("<i4", ({"id": "shuffle", "elementsize": 4},), True),
    "shuffle-c16": ("<c16", ({"id": "shuffle", "elementsize": 16},), True),
    "packbits": ("|b1", ({"id": "packbits"},), True),
    "astype-i4-i8": (
        "<i4",
        ({"id": "astype", "encode_dtype": "<i8", "decode_dtype": "<i4"},),
        True,
    ),
    "crc32": ("<u2", ({"id": "crc32"},), True),
    "adler32": ("<f8", ({"id": "adler32"},), True),
    "fletcher32": ("<i4", ({"id": "fletcher32"},), True),
    "base64": ("<i4", ({"id": "base64"},), True),
    "delta-shuffle": ("<i4", (_delta("<i4"), {"id": "shuffle", "elementsize": 4}), True),
    "scale-delta-crc32": (
        "<f8",
        (_scale("<f8", "<i4", 10, 0), _delta("<i4"), {"id": "crc32"}),
        False,
    ),
}

RECORD_FILL = np.array((7, -0.5, b"xyz", True), FLAT_RECORD)[()]

FILLS: dict[str, list[Any]] = {
    "b1": [False, True],
    "i1": [0, -128, 5],
    "u1": [0, 255],
    "i4": [0, -7, 2**31 - 1],
    "be-i2": [0, 258],
    "i8": [-(2**63), 2**53 + 1],
    "u8": [0, 2**64 - 1],
    "f2": [0.0, 0.5, np.nan],
    "f4": [0.0, 0.1, np.nan, np.inf, -np.inf],
    "f8": [0.0, 0.1, np.nan, np.inf, -np.inf, -1e300],
    "be-f8": [0.1, np.nan],
    "c8": [0, 1.5 - 2j],
    "c16": [0, 1.5 - 2j, complex(np.nan, -np.inf)],
    "S12": [b"", b"xy"],
    "U5": ["", "né€"],
    "V4": [b"\1\2\3\4"],
    "M8-ns": [0, np.datetime64("2001-02-03", "ns"), np.datetime64("NaT", "ns")],
    "M8-D": [np.datetime64("2001-02-03", "D"), np.datetime64("NaT", "D")],
    "m8-s": [np.timedelta64(-5, "s"), np.timedelta64("NaT", "s")],
    "record": [0, RECORD_FILL],
}

VLEN_UTF8: Config = {"id": "vlen-utf8"}

JSON2: Config = {
    "id": "json2",
    "encoding": "utf-8",
    "skipkeys": False,
    "ensure_ascii": True,
    "check_circular": True,
    "allow_nan": True,
    "indent": None,
    "separators": [",", ":"],
    "sort_keys": True,
    "strict": True,
}

# name: dtype, codec, what the objects are
OBJECTS: dict[str, tuple[Any, Config | None, str]] = {
    "vlen-utf8": (object, VLEN_UTF8, "text"),
    "str": (str, None, "text"),
    "vlen-bytes": (object, {"id": "vlen-bytes"}, "bytes"),
    "bytes": (bytes, None, "bytes"),
    "vlen-array-i8": (object, {"id": "vlen-array", "dtype": "<i8"}, "array:<i8"),
    "vlen-array-f4": (object, {"id": "vlen-array", "dtype": "<f4"}, "array:<f4"),
    "array-i8": ("array:i8", None, "array:<i8"),
    "json2": (object, JSON2, "any"),
    "msgpack2": (
        object,
        {"id": "msgpack2", "use_single_float": False, "use_bin_type": True, "raw": False},
        "any",
    ),
    "categorize": (
        object,
        {"id": "categorize", "labels": ["low", "middle", "höchst"], "dtype": "|O", "astype": "|u1"},
        "label",
    ),
    "pickle": (object, {"id": "pickle", "protocol": 5}, "any"),
}

SHAPES: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "0d": ((), ()),
    "1d": ((12,), (4,)),
    "edge1d": ((13,), (5,)),
    "one-chunk": ((3, 5), (3, 5)),
    "chunk-beyond": ((3, 5), (4, 9)),
    "empty": ((0,), (3,)),
    "empty2d": ((4, 0), (2, 3)),
    "edge4d": ((3, 5, 2, 4), (2, 2, 1, 3)),
}

SEPARATORS = {"dot": ".", "slash": "/"}


def _layout_cases() -> Iterator[Case]:
    for dtype, order, separator, codec in product(
        DTYPES, "CF", SEPARATORS, ("raw", "blosc-lz4-byte")
    ):
        yield Case(
            f"layout-{dtype}-{order}-{separator}-{codec}",
            DTYPES[dtype],
            order=order,
            separator=SEPARATORS[separator],
            compressor=COMPRESSORS[codec],
            fill_value=None if dtype == "V4" or "record" in dtype else 0,
        )


def _shape_cases() -> Iterator[Case]:
    codecs = cycle(["blosc-lz4-byte", "raw", "zlib", "zstd", "bz2"])
    separators = cycle(SEPARATORS)
    for shape, dtype, order in product(SHAPES, DTYPES, "CF"):
        separator, codec = next(separators), next(codecs)
        yield Case(
            f"shape-{shape}-{dtype}-{order}-{separator}-{codec}",
            DTYPES[dtype],
            *SHAPES[shape],
            order=order,
            separator=SEPARATORS[separator],
            compressor=COMPRESSORS[codec],
            fill_value=None,
        )


def _codec_cases() -> Iterator[Case]:
    dtypes = ("b1", "u1", "be-i2", "i4", "f4", "f8", "c16", "S12", "U5", "M8-ns", "record")
    separators = cycle(SEPARATORS)
    for codec, dtype, order in product(COMPRESSORS, dtypes, "CF"):
        separator = next(separators)
        yield Case(
            f"codec-{codec}-{dtype}-{order}-{separator}",
            DTYPES[dtype],
            order=order,
            separator=SEPARATORS[separator],
            compressor=COMPRESSORS[codec],
            fill_value=None,
        )


def _filter_cases() -> Iterator[Case]:
    separators = cycle(SEPARATORS)
    for (name, (dtype, filters, exact)), order, codec in product(
        FILTERS.items(), "CF", ("raw", "zlib", "blosc-lz4-byte")
    ):
        yield Case(
            f"filter-{name}-{order}-{codec}",
            dtype,
            order=order,
            filters=filters,
            compressor=COMPRESSORS[codec],
            separator=SEPARATORS[next(separators)],
            exact=exact,
        )


def _fill_cases() -> Iterator[Case]:
    for dtype, fills in FILLS.items():
        for number, written in product(range(len(fills)), ("none", "ends", "all")):
            yield Case(
                f"fill-{dtype}-{number}-{written}",
                DTYPES[dtype],
                compressor=BLOSC,
                fill_value=fills[number],
                written=written,
                write_empty_chunks=written != "ends",
            )


def _object_cases() -> Iterator[Case]:
    for (name, (dtype, codec, kind)), order, (shape, written) in product(
        OBJECTS.items(), "CF", (("1d", "all"), ("edge1d", "all"), ("edge2d", "all"))
    ):
        lengths, chunks = SHAPES.get(shape, ((7, 10), (3, 4)))
        yield Case(
            f"object-{name}-{order}-{shape}",
            dtype,
            lengths,
            chunks,
            order=order,
            object_codec=codec,
            kind=kind,
            written=written,
            compressor=BLOSC if order == "C" else None,
            # A categorised chunk has only labels: its padding must be one of them.
            fill_value="low" if kind == "label" else None if kind == "any" else 0,
        )
    for written in ("none", "ends"):
        yield Case(
            f"object-str-fill-{written}",
            str,
            object_codec=None,
            kind="text",
            written=written,
            fill_value="",
        )


def _updates() -> Iterator[Update]:
    for name in ("b1", "be-i2", "i4", "f8", "c16", "S12", "U5", "M8-ns", "record-nested"):
        for order, separator, codec in product("CF", SEPARATORS, ("raw", "blosc-lz4-byte")):
            case = Case(
                f"update-{name}-{order}-{separator}-{codec}",
                DTYPES[name],
                order=order,
                separator=SEPARATORS[separator],
                compressor=COMPRESSORS[codec],
                fill_value={"U5": "", "S12": b""}.get(name, 0),
            )
            yield Update(case, (slice(1, 5), slice(2, 9)), extra=4)
    case = Case("update-text", str, kind="text", fill_value="", compressor=BLOSC)
    yield Update(case, (slice(1, 5), slice(2, 9)), extra=4)


CASES: dict[str, Case] = {
    case.name: case
    for cases in (
        _layout_cases(),
        _shape_cases(),
        _codec_cases(),
        _filter_cases(),
        _fill_cases(),
        _object_cases(),
    )
    for case in cases
}

UPDATES: dict[str, Update] = {update.case.name: update for update in _updates()}
