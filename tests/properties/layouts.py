"""Arrays of every kind, for properties: how one is laid out, what is in it, what NumPy holds.

A `Layout` is drawn by hypothesis. `build` makes the Zarr array it describes and a NumPy
array with the same contents, the oracle.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
from hypothesis import strategies as st

import zarr

UNDEFINED = None

# -- contents --------------------------------------------------------------------------

WORDS = ["", "a", "wind", "Ångström", "温度", "x" * 30, "n\0l", "🌊"]

PLAIN_DTYPES = [
    "|b1", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8", ">i2", ">i4", ">u8",
    "<f2", "<f4", "<f8", ">f4", ">f8", "<c8", "<c16", ">c16",
    "<M8[D]", "<M8[ns]", ">M8[s]", "<m8[h]", "<m8[us]",
    "|S1", "|S7", "<U1", "<U5", ">U3", "|V6",
]  # fmt: skip

RECORD_DTYPES: list[Any] = [
    [("foo", "S3"), ("bar", "<i4"), ("baz", "<f8")],
    [("x", ">i2"), ("y", "?"), ("when", "<M8[s]")],
    [("point", [("lat", "<f4"), ("lon", "<f4")]), ("id", "<u8")],
    [("rgb", "|u1", (3,)), ("mat", "<f4", (2, 2)), ("name", "<U4")],
]

OBJECTS: dict[str, tuple[Callable[[], Any], Callable[[np.random.Generator], Any]]] = {
    "vlen-utf8": (numcodecs.VLenUTF8, lambda rng: WORDS[rng.integers(len(WORDS))]),
    "vlen-bytes": (numcodecs.VLenBytes, lambda rng: rng.bytes(rng.integers(9))),
    "vlen-array": (
        lambda: numcodecs.VLenArray("<i4"),
        lambda rng: rng.integers(-99, 99, rng.integers(4)).astype("<i4"),
    ),
    "json": (numcodecs.JSON, lambda rng: [1, "zwei", 3.5, {"a": None}][rng.integers(4)]),
    "msgpack": (numcodecs.MsgPack, lambda rng: [1, "zwei", 3.5, {"a": 0}][rng.integers(4)]),
    "categorize": (
        lambda: numcodecs.Categorize(WORDS[1:6], dtype=object),
        lambda rng: WORDS[rng.integers(1, 6)],
    ),
}


def contents(dtype: np.dtype[Any], shape: tuple[int, ...], seed: int) -> np.ndarray[Any, Any]:
    """Return an array of random items, the awkward ones of `dtype` among them."""
    rng = np.random.default_rng(seed)
    if dtype.subdtype is not None:
        base, inner = dtype.subdtype
        return contents(base, shape + inner, seed)
    if dtype.names is not None:
        out = np.zeros(shape, dtype)
        for i, name in enumerate(dtype.names):
            out[name] = contents(dtype[name], shape, seed + i + 1)
        return out
    pool = _pool(dtype, rng)
    return np.asarray(pool[rng.integers(len(pool), size=shape)], dtype)


def _pool(dtype: np.dtype[Any], rng: np.random.Generator) -> np.ndarray[Any, Any]:
    """Return some items of `dtype`: its extremes and ordinary ones."""
    kind = dtype.kind
    if kind == "b":
        return np.array([True, False])
    if kind in "iu":
        limits = np.iinfo(dtype)
        few = rng.integers(limits.min, limits.max, 12, dtype.newbyteorder("="), endpoint=True)
        return np.array([0, 1, 1, 2, limits.min, limits.max, *few.tolist()], dtype)
    if kind == "f":
        extremes = [
            0,
            -0.0,
            1,
            2,
            np.nan,
            np.inf,
            -np.inf,
            np.finfo(dtype).max,
            np.finfo(dtype).tiny,
        ]
        return np.concatenate([extremes, rng.normal(size=12)]).astype(dtype)
    if kind == "c":
        real, imag = rng.normal(size=(2, 12))
        return np.concatenate([[0, 1j, complex(np.nan, 1)], real + 1j * imag]).astype(dtype)
    if kind in "mM":
        few = [0, 1, 2, -1, 1234567, np.iinfo("i8").min]  # the last one is NaT
        return np.array(few, "i8").view(f"{kind}8[{np.datetime_data(dtype)[0]}]").astype(dtype)
    if kind == "S":
        return np.array([b"", b"a", b"zz", b"\xff\x01", b"1234567", b"a\0b"], dtype)
    if kind == "U":
        return np.array(WORDS, dtype)
    return np.frombuffer(bytes(rng.integers(0, 256, 6 * dtype.itemsize, "u1")), dtype)


def objects(codec: str, shape: tuple[int, ...], seed: int) -> np.ndarray[Any, Any]:
    """Return an array of random objects that `codec` can encode."""
    rng = np.random.default_rng(seed)
    out = np.empty(shape, object)
    for index in np.ndindex(shape):
        out[index] = OBJECTS[codec][1](rng)
    return out


def same(actual: Any, expected: Any) -> None:
    """Assert that NumPy would not tell the two apart, to the bit.

    Scalars and arrays without dimensions count as the same.
    """
    if np.ndim(expected) == 0 or isinstance(expected, (list, dict)):
        actual, expected = _alone(actual), _alone(expected)
    assert np.shape(actual) == np.shape(expected)
    expected_dtype = np.asarray(expected).dtype if not _is_object(expected) else np.dtype(object)
    assert np.asarray(actual).dtype == expected_dtype
    if expected_dtype.hasobject:
        for left, right in zip(np.ravel(actual), np.ravel(expected), strict=True):
            assert type(left) is type(right)
            assert np.array_equal(left, right)
    elif np.asarray(actual).tobytes() != np.asarray(expected).tobytes():
        np.testing.assert_array_equal(actual, expected)
        raise AssertionError("equal in value, different in bytes")


def _alone(value: Any) -> np.ndarray[Any, Any]:
    """Return an array without dimensions that holds a scalar or an object."""
    if isinstance(value, (np.generic, np.ndarray)) and value.ndim == 0:
        array = np.asarray(value)
        # A scalar does not know the byte order of its array, nor how long a string might be.
        if array.dtype.kind in "SU":
            return np.array(array.item())
        return array if array.dtype.names else array.astype(array.dtype.newbyteorder("="))
    out = np.empty((), object)
    out[()] = value
    return out


def _is_object(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == object


# -- layout ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Layout:
    """All that a property varies about an array, but the selections made from it."""

    shape: tuple[int, ...]
    chunks: Any
    dtype: Any
    fill: str  # "zero", "none", "item" or "nan"
    order: str
    compressor: Any
    filters: Any
    separator: str | None
    write_empty_chunks: bool
    store: str
    object_codec: str | None
    written: tuple[slice, ...] | None  # None: every cell
    seed: int
    engine: dict[str, int]

    def np_dtype(self) -> np.dtype[Any]:
        return np.dtype(object) if self.object_codec else np.dtype(self.dtype)

    def items(self, shape: tuple[int, ...], seed: int) -> np.ndarray[Any, Any]:
        """Return an array of `shape` that may be written to the array."""
        if self.object_codec:
            return objects(self.object_codec, shape, self.seed + seed)
        out = contents(self.np_dtype(), shape, self.seed + seed)
        if not self.write_empty_chunks and not self.np_dtype().hasobject:
            # Zeros of either sign equal the fill value, and the stored sign is then lost.
            out = _without_minus_zero(out)
        return out


def _without_minus_zero(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    for name in array.dtype.names or ():
        array[name] = _without_minus_zero(array[name])
    if array.dtype.kind in "fc":
        array[array == 0] = 0
    return array


shapes = st.lists(st.sampled_from([1, 2, 3, 4, 5, 6, 7, 9, 12, 0]), max_size=4).map(
    lambda lengths: tuple(lengths[:2] + [min(n, 5) for n in lengths[2:]])
)

scalar_fills = st.sampled_from(["zero", "none", "item", "nan"])

compressors = st.sampled_from(
    [
        None,
        "default",
        numcodecs.Blosc("lz4", 1, numcodecs.Blosc.BITSHUFFLE),
        numcodecs.Blosc("zstd", 3, numcodecs.Blosc.NOSHUFFLE),
        numcodecs.Blosc("blosclz", 9, numcodecs.Blosc.SHUFFLE),
        numcodecs.Zlib(1),
        numcodecs.GZip(1),
        numcodecs.BZ2(1),
        numcodecs.LZMA(preset=0),
        numcodecs.LZ4(),
        numcodecs.Zstd(1),
    ]
)

engines = st.sampled_from(
    [
        {},
        {"workers": 1},
        {"workers": 1, "window_bytes": 1},
        {"workers": 3, "window_bytes": 64, "thread_bytes": 0},
        {"workers": 4, "window_bytes": 1 << 20, "thread_bytes": 0},
    ]
)

STORES = ["none", "dict", "memory", "kv", "directory", "nested"]


@st.composite
def chunkings(draw: st.DrawFn, shape: tuple[int, ...]) -> Any:
    """Draw an argument `chunks` of any kind."""
    kind = draw(
        st.sampled_from(
            ["lengths", "lengths", "lengths", "lengths", "int", "true", "false", "some"]
        )
    )
    if kind == "int":
        return draw(st.integers(1, 7))
    if kind == "true":
        return True
    if kind == "false":
        return False
    lengths = [
        draw(st.sampled_from([1, 2, 3, 4, max(length, 1), max(length - 1, 1), length + 3]))
        for length in shape
    ]
    if kind == "some" and shape:
        lengths[draw(st.integers(0, len(shape) - 1))] = draw(st.sampled_from([None, -1]))
    return tuple(lengths)


def filter_chains(dtype: Any) -> st.SearchStrategy[Any]:
    """Draw filters that lose nothing of items of `dtype`."""
    kind = np.dtype(dtype).kind
    size = np.dtype(dtype).itemsize
    chains: list[Any] = [
        None,
        [],
        [numcodecs.CRC32()],
        [numcodecs.Adler32(), numcodecs.Zlib(1)],
        [numcodecs.Shuffle(max(size, 1)), numcodecs.Fletcher32()],
    ]
    if kind in "iu":
        chains += [[numcodecs.Delta(dtype)], [numcodecs.Delta(dtype), numcodecs.CRC32()]]
        chains += [
            [
                numcodecs.AsType(
                    encode_dtype=np.dtype(dtype).str.replace("<", ">"), decode_dtype=dtype
                )
            ]
        ]
    if kind == "b":
        chains += [[numcodecs.PackBits()]]
    return st.sampled_from(chains)


@st.composite
def layouts(
    draw: st.DrawFn,
    shape: st.SearchStrategy[tuple[int, ...]] = shapes,
    dtypes: list[Any] | None = None,
    with_objects: bool = True,
    stores: list[str] = STORES,
) -> Layout:
    """Draw a layout."""
    kinds = PLAIN_DTYPES + RECORD_DTYPES + (list(OBJECTS) if with_objects else [])
    dtype = draw(st.sampled_from(dtypes or kinds))
    object_codec = dtype if isinstance(dtype, str) and dtype in OBJECTS else None
    # Without dimensions, NumPy takes an array for the item's items, and numcodecs has no JSON.
    scalar = object_codec not in ("json", "msgpack", "vlen-array")
    lengths = draw(shape if scalar else shape.filter(len))
    whole = draw(st.booleans())
    written = None
    if not whole:
        written = tuple(
            slice(*sorted((draw(st.integers(0, n)), draw(st.integers(0, n))))) for n in lengths
        )
    fill = draw(scalar_fills)
    if object_codec:
        written = None  # what an empty cell of objects holds is the codec's affair
        fill = "zero" if object_codec in ("json", "msgpack") else "none"
    elif fill == "none":
        written = None  # the contents of empty cells are not defined
    return Layout(
        shape=lengths,
        chunks=draw(chunkings(lengths)),
        dtype=dtype,
        fill=fill,
        order=draw(st.sampled_from("CF")),
        compressor=draw(compressors),
        filters=None if object_codec else draw(filter_chains(dtype)),
        separator=draw(st.sampled_from([None, ".", "/"])),
        write_empty_chunks=draw(st.booleans()),
        store=draw(st.sampled_from(stores)),
        object_codec=object_codec,
        written=written,
        seed=draw(st.integers(0, 2**16)),
        engine=draw(engines),
    )


@st.composite
def large_layouts(draw: st.DrawFn) -> Layout:
    """Draw layouts of chunks that are worth a thread each, and settings that give them one."""
    shape, chunks = draw(
        st.sampled_from(
            [
                ((150_000,), (30_000,)),
                ((150_001,), (40_000,)),
                ((400, 300), (150, 100)),
                ((333, 301), (100, 301)),
                ((50, 60, 40), (25, 60, 15)),
            ]
        )
    )
    dtype = draw(st.sampled_from(["<f8", ">i8", "<c16", "|S7", "<M8[ns]"]))
    layout = draw(layouts(shape=st.just(shape), dtypes=[dtype]))
    engine = {
        "workers": draw(st.sampled_from([2, 3, 7])),
        "window_bytes": draw(st.sampled_from([1, 250_000, 10**7])),
        "thread_bytes": 0,
    }
    return replace(layout, chunks=chunks, engine=engine)


_serial = itertools.count()


def new_store(kind: str, folder: Path) -> Any:
    """Return an empty store of `kind`."""
    path = folder / f"{next(_serial)}.zarr"
    return {
        "none": lambda: None,
        "dict": dict,
        "kv": lambda: zarr.storage.KVStore({}),
        "memory": zarr.MemoryStore,
        "directory": lambda: zarr.DirectoryStore(str(path)),
        "nested": lambda: zarr.NestedDirectoryStore(str(path)),
    }[kind]()


def fill_of(layout: Layout) -> Any:
    """Return the argument `fill_value` that `layout` stands for."""
    dtype = layout.np_dtype()
    if layout.object_codec:
        return None if layout.fill == "none" else 0
    if layout.fill == "none":
        return UNDEFINED
    if layout.fill == "nan" and dtype.kind in "fc":
        return np.nan
    if layout.fill == "nan" and dtype.kind in "mM":
        return np.array("NaT", dtype)[()]
    if layout.fill == "item":
        return contents(dtype, (), layout.seed + 77)[()]
    return 0 if dtype.kind != "V" else None if dtype.names is None else np.zeros((), dtype)[()]


def empty_cells(layout: Layout) -> np.ndarray[Any, Any]:
    """Return what NumPy holds where nothing has been written yet."""
    dtype = layout.np_dtype()
    out = np.zeros(layout.shape, dtype)
    fill = fill_of(layout)
    if fill is not None and not (dtype.kind in "SU" and isinstance(fill, int)):
        out[...] = fill
    return out


def build(layout: Layout, folder: Path, **options: Any) -> tuple[Any, np.ndarray[Any, Any]]:
    """Return the Zarr array of `layout` and a NumPy array that holds the same.

    `options` are more arguments of `create`.
    """
    separator = layout.separator if layout.store != "nested" else None
    z = zarr.create(
        layout.shape,
        chunks=layout.chunks,
        dtype=layout.np_dtype(),
        compressor=layout.compressor,
        fill_value=fill_of(layout),
        order=layout.order,
        store=new_store(layout.store, folder),
        filters=layout.filters,
        object_codec=OBJECTS[layout.object_codec][0]() if layout.object_codec else None,
        dimension_separator=separator,
        write_empty_chunks=layout.write_empty_chunks,
        **options,
    )
    a = empty_cells(layout)
    region = layout.written if layout.written is not None else (Ellipsis,)
    value = layout.items(a[region].shape, 1)
    a[region] = value
    z[region] = value
    return z, a


def engine_of(layout: Layout) -> AbstractContextManager[Any]:
    """Return the settings of the engine under which `layout` is to be used."""
    return zarr.config.set(**layout.engine)
