"""What the libraries exchange in version 3 of the format: documents, and the data that follow.

Every library's own environment imports this module, so it needs NumPy alone. A case is an
array's document; its data follow from its name, so that each library computes what it
should find.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np

__all__ = ["CASES", "CREATED", "Case", "describe"]

Codec = dict[str, Any]


def codec(name: str, **configuration: Any) -> Codec:
    return {"name": name, "configuration": configuration} if configuration else {"name": name}


LITTLE, BIG = codec("bytes", endian="little"), codec("bytes", endian="big")
CRC32C = codec("crc32c")
INDEX = [LITTLE, CRC32C]
ZSTD = codec("zstd", level=0, checksum=False)


def blosc(typesize: int, cname: str = "lz4", shuffle: str = "shuffle") -> Codec:
    return codec("blosc", typesize=typesize, cname=cname, clevel=5, shuffle=shuffle, blocksize=0)


def sharding(
    chunks: list[int], codecs: list[Codec], index: list[Codec] = INDEX, location: str = "end"
) -> Codec:
    return codec(
        "sharding_indexed", chunk_shape=chunks, codecs=codecs, index_codecs=index,
        index_location=location,
    )  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One array to exchange.

    Attributes
    ----------
    name : str
        Path of the array and id of its tests; seed of its data.
    dtype : str or list
        What ``np.dtype`` takes; 'string' and 'bytes' are objects.
    data_type
        How documents call it.
    refused : dict
        By library, which does not open it: why not.
    scrambled : dict
        By library, which does not read what it has written itself: why not.
    """

    name: str
    dtype: Any
    data_type: Any
    fill_value: Any = 0
    codecs: tuple[Codec, ...] = (LITTLE,)
    shape: tuple[int, ...] = (7, 10)
    chunks: tuple[int, ...] = (3, 4)
    keys: Codec = field(default_factory=lambda: codec("default", separator="/"))
    written: str = "all"
    more: dict[str, Any] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    scrambled: dict[str, str] = field(default_factory=dict)

    @property
    def document(self) -> dict[str, Any]:
        return {
            "zarr_format": 3,
            "node_type": "array",
            "shape": list(self.shape),
            "data_type": self.data_type,
            "chunk_grid": codec("regular", chunk_shape=list(self.chunks)),
            "chunk_key_encoding": self.keys,
            "fill_value": self.fill_value,
            "codecs": list(self.codecs),
            "attributes": {},
            **self.more,
        }

    def refused_by(self, library: str) -> str:
        """Return why a library does not open the array, '' if it does."""
        if library == "zarrs":
            return self._refused_by_zarrs()
        return self.refused.get(library, "")

    def _refused_by_zarrs(self) -> str:
        if not isinstance(self.data_type, str) or self.data_type not in _NUMBERS:
            return "its binding for Python does not have this data type"
        if self.name.startswith("numcodecs-") and self.name[10:] not in ("zlib", "bz2", "shuffle"):
            return "it does not have this codec of numcodecs, or not as numcodecs has it"
        if self.data_type.startswith("complex") and _is_big(self.codecs) and self._is_cut():
            return "it scrambles complex numbers in big-endian order in parts of a chunk"
        if self.name == "nan-payload":
            return "it fills with another NaN"
        return self.refused.get("zarr3", "")

    def _is_cut(self) -> bool:
        """Tell whether a chunk or shard that is written goes beyond the edge of the array."""
        ends = [part.indices(n)[1] for part, n in zip(self.region(), self.shape, strict=True)]
        ends = [max(end, n // 2 + 1) for end, n in zip(ends, self.shape, strict=True)]
        levels = [self.chunks]
        codecs = self.codecs
        while codecs[0]["name"] == "sharding_indexed":
            levels.append(codecs[0]["configuration"]["chunk_shape"])
            codecs = codecs[0]["configuration"]["codecs"]
        return any(
            n % chunk and end > n - n % chunk
            for chunks in levels
            for n, chunk, end in zip(self.shape, chunks, ends, strict=True)
        )

    def values(self) -> np.ndarray[Any, Any]:
        """Return what is written, in the array's shape."""
        rng = np.random.default_rng(zlib.crc32(self.name.encode()))
        size = int(np.prod(self.shape))
        if self.dtype in ("string", "bytes"):
            letters = list("abc äß€𝄞\0")
            words = ["".join(rng.choice(letters, rng.integers(0, 6))) for _ in range(size)]
            flat = np.empty(size, object)
            flat[:] = words if self.dtype == "string" else [word.encode() for word in words]
            return flat.reshape(self.shape)
        return _items(np.dtype(self.dtype), size, rng).reshape(self.shape)

    def region(self) -> tuple[slice, ...]:
        """Return the part of the array that is written."""
        if self.written == "all":
            return (slice(None),) * len(self.shape)
        # Across chunks and shards, with whole ones and parts of them.
        return tuple(slice(1, n - n // 3) for n in self.shape)

    def expected(self, fill: Any) -> np.ndarray[Any, Any]:
        """Return what the array holds, where `fill` is its fill value."""
        values = self.values()
        held = np.empty(self.shape, values.dtype)
        held[...] = fill
        held[self.region()] = values[self.region()]
        return held


def _is_big(codecs: Any) -> bool:
    """Tell whether items are stored in big-endian order, perhaps within shards."""
    return any(
        step == BIG or _is_big(step.get("configuration", {}).get("codecs", ())) for step in codecs
    )


def _items(dtype: np.dtype[Any], size: int, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    if dtype.kind == "b":
        return rng.integers(0, 2, size).astype(dtype)
    if dtype.kind == "U":
        length = dtype.itemsize // 4
        points = rng.choice(np.array([0x41, 0xE4, 0x20AC, 0x1D11E]), (size, length))
        return points.astype("u4").view(dtype).reshape(-1)
    if dtype.names is not None:
        record = np.empty(size, dtype)
        for name in dtype.names:
            record[name] = _items(dtype[name], size, rng)
        return record
    # Compressible, and with NaN of every sort among the floats.
    words = rng.integers(0, 256, (size // 3 + 1, dtype.itemsize)).astype("u1")
    return np.ascontiguousarray(words.repeat(3, axis=0)[:size]).view(dtype).reshape(-1)


def describe(array: Any) -> dict[str, Any]:
    """Return shape and contents of an array in JSON, in native byte order."""
    array = np.asarray(array)
    if array.dtype.kind in "OT":
        items = [item.hex() if isinstance(item, bytes) else str(item) for item in array.flat]
        return {"shape": list(array.shape), "items": items}
    native = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("=")))
    digest = hashlib.sha256(native.tobytes()).hexdigest()
    return {"shape": list(array.shape), "dtype": _name(native.dtype), "sha256": digest}


def _name(dtype: np.dtype[Any]) -> str:
    return str(dtype.descr) if dtype.names else dtype.str.lstrip("<|=")


# -- the table -------------------------------------------------------------------------

ONLY_REGULAR = dict.fromkeys(("zarr3", "tensorstore"), "it knows regular grids of chunks only")
ONLY_ZARR = {"tensorstore": "it does not have this data type, or not as one array"}
NO_VOID_IN_SHARDS = {"zarr3": "it fails on fill values of this data type in shards"}
NO_TRANSPOSED_OBJECTS = {"zarr3": "it writes the objects of a transposed chunk untransposed"}

_NUMBERS = {
    "bool": "?", "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4",
    "uint32": "u4", "int64": "i8", "uint64": "u8", "float16": "f2", "float32": "f4",
    "float64": "f8", "complex64": "c8", "complex128": "c16",
}  # fmt: skip
_FILLS: dict[str, list[Any]] = {
    "?": [False, True],
    "i": [0, -7],
    "u": [0, 200],
    "f": [0.0, -1.5, "NaN", "Infinity", "-Infinity"],
    "c": [[0.0, 0.0], [1.5, "NaN"], ["-Infinity", 2.0]],
}
_STRUCT = {
    "name": "structured",
    "configuration": {"fields": [["a", "int32"], ["b", "float64"], ["c", "uint8"]]},
}
_TIME = {"unit": "ns", "scale_factor": 1}


def _numbers() -> list[Case]:
    """Return each number with each chain of codecs, and with each fill value."""
    cases = []
    for data_type, dtype in _NUMBERS.items():
        size = np.dtype(dtype).itemsize
        little = LITTLE if size > 1 else codec("bytes")
        big = BIG if size > 1 else codec("bytes")
        fills = _FILLS.get(dtype[0], [0])
        chains: dict[str, tuple[Codec, ...]] = {
            "raw": (little,),
            "big": (big,),
            "blosc": (little, blosc(size)),
            "big-zstd": (big, ZSTD),
            "gzip-crc": (little, codec("gzip", level=5), CRC32C),
            "transposed": (codec("transpose", order=[1, 0]), little, ZSTD),
            "shard": (sharding([3, 2], [little, blosc(size, "zstd")]),),
            "shard-start": (sharding([1, 4], [big], location="start"),),
        }
        cases += [
            Case(f"{data_type}-{name}", dtype, data_type, fills[-1], chain, chunks=(6, 4))
            for name, chain in chains.items()
        ]
        cases += [
            Case(f"{data_type}-fill-{i}", dtype, data_type, fill, (little,), written="part")
            for i, fill in enumerate(fills)
        ]
    return cases


def _others() -> list[Case]:
    """Return the data types that are no numbers."""
    fixed = [
        ("raw", "V3", codec("raw_bytes", length_bytes=3), "AQID"),
        ("s", "S5", codec("null_terminated_bytes", length_bytes=5), "YWI="),
        ("u", "U3", codec("fixed_length_utf32", length_bytes=12), "aä"),
        ("date", "M8[ns]", codec("numpy.datetime64", **_TIME), -(2**63)),
        ("time", "m8[10s]", codec("numpy.timedelta64", unit="s", scale_factor=10), 5),
        ("struct", [("a", "i4"), ("b", "f8"), ("c", "u1")], _STRUCT, "AQAAAAAAAAAAAARABw=="),
    ]
    chains: dict[str, tuple[Codec, ...]] = {
        "raw": (LITTLE,),
        "zstd": (LITTLE, ZSTD),
        "blosc-crc": (LITTLE, blosc(1), CRC32C),
        "transposed": (codec("transpose", order=[1, 0]), LITTLE),
        "shard": (sharding([3, 2], [LITTLE, ZSTD]),),
    }
    cases = [
        Case(
            f"{name}-{chain}", dtype, data_type, fill, codecs, chunks=(6, 4), written=written,
            refused=ONLY_ZARR
            | (NO_VOID_IN_SHARDS if chain == "shard" and name in ("raw", "struct") else {}),
        )
        for (name, dtype, data_type, fill), (chain, codecs), written in product(
            fixed, chains.items(), ["part"]
        )
    ]  # fmt: skip
    objects = [
        ("string", "string", "vlen-utf8", "añ"),
        ("bytes", "variable_length_bytes", "vlen-bytes", "AQID"),
        ("bytes", "bytes", "vlen-bytes", "AQID"),
    ]
    for dtype, data_type, name, fill in objects:
        serializer = codec(name)
        chains = {
            "raw": (serializer,),
            "zstd": (serializer, ZSTD),
            "gzip": (serializer, codec("gzip", level=1)),
            "blosc": (serializer, blosc(1)),
            "transposed": (codec("transpose", order=[1, 0]), serializer),
            "shard": (sharding([3, 2], [serializer, ZSTD]),),
        }
        cases += [
            Case(
                f"{data_type}-{chain}", dtype, data_type, fill, codecs, chunks=(6, 4),
                written="part", refused=ONLY_ZARR,
                scrambled=NO_TRANSPOSED_OBJECTS if chain == "transposed" else {},
            )
            for chain, codecs in chains.items()
        ]  # fmt: skip
    return cases


def _layouts() -> list[Case]:
    """Return what is not about data types, each with one of them."""
    cases = []
    shapes: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
        ((), ()), ((0,), (3,)), ((1,), (1,)), ((10,), (3,)), ((9,), (3,)), ((2,), (5,)),
        ((4, 0, 3), (2, 1, 2)), ((5, 6, 7), (2, 3, 4)), ((2, 3, 2, 3), (1, 2, 2, 2)),
    ]  # fmt: skip
    for (shape, chunks), name, separator in product(shapes, ("default", "v2"), "./"):
        title = "x".join(map(str, shape)) or "scalar"
        cases.append(
            Case(
                f"{title}-{name}-{'dot' if separator == '.' else 'slash'}", "i4", "int32", 3,
                (LITTLE, ZSTD), shape, chunks, codec(name, separator=separator),
            )
        )  # fmt: skip
    three = {"shape": (5, 6, 7), "chunks": (2, 3, 4)}
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1]):
        name = "".join(map(str, order))
        steps = (codec("transpose", order=order), BIG)
        cases.append(Case(f"transpose-{name}", "f4", "float32", 1.0, steps, **three))
    for name, shapes, steps in (
        ("chunks", [[1, [2, 3]], [3, 7]], (LITTLE, ZSTD)),
        ("overflow", [[3, 3, 3, 3], 4], (LITTLE,)),
        ("shards", [[3, 6], [2, 8]], (sharding([3, 2], [LITTLE, ZSTD]),)),
    ):
        grid = codec("rectilinear", kind="inline", chunk_shapes=shapes)
        cases.append(
            Case(
                f"rectilinear-{name}", "i4", "int32", 3, steps, more={"chunk_grid": grid},
                refused=ONLY_REGULAR,
            )
        )  # fmt: skip
    twice = (codec("transpose", order=[1, 2, 0]), codec("transpose", order=[0, 2, 1]), LITTLE)
    cases.append(Case("transpose-twice", "f4", "float32", 1.0, twice, **three))
    for cname, shuffle in product(
        ("lz4", "lz4hc", "blosclz", "zlib", "zstd"), ("noshuffle", "shuffle", "bitshuffle")
    ):
        steps = (LITTLE, blosc(4, cname, shuffle))
        cases.append(Case(f"blosc-{cname}-{shuffle}", "i4", "int32", 0, steps))
    for name, steps in {
        "blosc-typesize": (LITTLE, blosc(2)),
        "zstd-checksum": (LITTLE, codec("zstd", level=3, checksum=True)),
        "zstd-fast": (LITTLE, codec("zstd", level=-5, checksum=False)),
        "gzip-0": (LITTLE, codec("gzip", level=0)),
        "crc-twice": (LITTLE, CRC32C, CRC32C),
        "zstd-gzip": (LITTLE, ZSTD, codec("gzip", level=1)),
    }.items():
        cases.append(Case(name, "i4", "int32", 0, steps))
    names = {"dimension_names": ["x", None], "attributes": {"a": [1, {"b": None}], "ü": "ß"}}
    cases.append(Case("names", "i4", "int32", 0, more=names))
    optional = {"unheard_of": {"must_understand": False, "x": 1}, "storage_transformers": []}
    cases.append(Case("optional-member", "i4", "int32", 0, more=optional))
    cases.append(Case("nan-payload", "f4", "float32", "0x7fc00001", written="part"))
    return cases


def _shards() -> list[Case]:
    inner, outer = [2, 2, 3], (4, 6, 6)
    layouts: dict[str, tuple[Codec, ...]] = {
        "plain": (sharding(inner, [LITTLE]),),
        "start": (sharding(inner, [LITTLE, ZSTD], location="start"),),
        "index-big": (sharding(inner, [LITTLE], [BIG, CRC32C]),),
        "index-bare": (sharding(inner, [LITTLE, CRC32C], [LITTLE]),),
        "one-chunk": (sharding([*outer], [LITTLE]),),
        "single-items": (sharding([1, 1, 1], [LITTLE]),),
        "inner-transposed": (sharding(inner, [codec("transpose", order=[2, 1, 0]), LITTLE]),),
        "inner-rotated": (sharding(inner, [codec("transpose", order=[1, 2, 0]), BIG, ZSTD]),),
        "nested": (sharding([2, 6, 6], [sharding(inner, [LITTLE, ZSTD], location="start")]),),
    }
    return [
        Case(
            f"shards-{name}-{written}", "u2", "uint16", 9, codecs, (9, 10, 11), outer,
            written=written,
        )
        for (name, codecs), written in product(layouts.items(), ("all", "part"))
    ] + [
        Case(
            "shards-transposed-outside", "u2", "uint16", 9,
            (codec("transpose", order=[2, 1, 0]), sharding([3, 2, 2], [LITTLE])), (9, 10, 11),
            outer,
            refused={"zarr3": "it compares the chunks in a shard with dimensions in another order"},
        ),
        Case(
            "shards-checked-outside", "u2", "uint16", 9, (sharding(inner, [LITTLE]), CRC32C),
            (9, 10, 11), outer,
            refused={"tensorstore": "it has no codecs after sharding"},
        ),
    ]  # fmt: skip


def _numcodecs() -> list[Case]:
    """Return the codecs of numcodecs, which only the libraries in Python have."""
    refused = {"tensorstore": "it does not have the codecs of numcodecs"}
    filters = {
        "delta": codec("numcodecs.delta", dtype="<i4"),
        "fixedscaleoffset": codec(
            "numcodecs.fixedscaleoffset", offset=0, scale=1, dtype="<i4", astype="<i4"
        ),
        "astype": codec("numcodecs.astype", encode_dtype="<i8", decode_dtype="<i4"),
    }
    after = {
        "zlib": codec("numcodecs.zlib", level=1),
        "bz2": codec("numcodecs.bz2", level=1),
        "lzma": codec("numcodecs.lzma", preset=1),
        "lz4": codec("numcodecs.lz4", acceleration=1),
        "zstd": codec("numcodecs.zstd", level=1),
        "gzip": codec("numcodecs.gzip", level=1),
        "blosc": codec("numcodecs.blosc", cname="lz4", clevel=1, shuffle=1),
        "shuffle": codec("numcodecs.shuffle", elementsize=4),
        **{
            # zarr-python wants a configuration even where there is nothing to say.
            name: {"name": f"numcodecs.{name}", "configuration": {}}
            for name in ("crc32", "crc32c", "adler32", "fletcher32", "jenkins_lookup3")
        },
    }
    bits = ({"name": "numcodecs.packbits", "configuration": {}}, codec("bytes"))
    return [
        *[
            Case(f"numcodecs-{name}", "i4", "int32", 5, (step, LITTLE), refused=refused)
            for name, step in filters.items()
        ],
        *[
            Case(f"numcodecs-{name}", "i4", "int32", 5, (LITTLE, step), refused=refused)
            for name, step in after.items()
        ],
        Case("numcodecs-packbits", "?", "bool", False, bits, refused=refused),
    ]


def _combinations(per_type: int = 24) -> list[Case]:
    """Return each common data type with all other choices combined, some of very many."""
    rng = np.random.default_rng(3)

    def one(options: Any) -> Any:
        return options[rng.integers(len(options))]

    layouts = [
        ((11,), (4,), (2,)), ((7, 10), (6, 4), (3, 2)), ((6, 8), (6, 4), (6, 1)),
        ((5, 6, 7), (4, 2, 6), (2, 1, 3)), ((3, 2), (5, 4), (1, 2)),
    ]  # fmt: skip
    cases = []
    for (data_type, dtype), number in product(
        [*_NUMBERS.items(), ("string", "string")], range(per_type)
    ):
        shape, chunks, inner = one(layouts)
        size = 1 if dtype == "string" else np.dtype(dtype).itemsize
        serializer = one([LITTLE, BIG]) if size > 1 else codec("bytes")
        serializer = codec("vlen-utf8") if dtype == "string" else serializer
        cname, shuffle = one(["lz4", "zstd", "blosclz"]), one(["noshuffle", "shuffle"])
        crc = [] if rng.integers(3) else [CRC32C]
        chain = [
            serializer,
            *one([[], [ZSTD], [codec("gzip", level=1)], [blosc(size, cname, shuffle)]]),
            *crc,
        ]
        if dtype != "string" and rng.integers(2):
            order = [int(dim) for dim in rng.permutation(len(shape))]
            chain = [codec("transpose", order=order), *chain]
        sharded = one(["", "", "end", "start", "nested"])
        if sharded:
            index = [one([LITTLE, BIG]), *one([[CRC32C], []])]
            location = "start" if sharded == "start" else "end"
            chain = [sharding([*inner], chain, index, location)]
        if sharded == "nested":
            chain = [sharding([*chunks], chain)]
        cases.append(
            Case(
                f"mixed-{data_type}-{number}", dtype, data_type,
                one(["", "añ"] if dtype == "string" else _FILLS.get(dtype[0], [0])),
                tuple(chain), shape, chunks,
                codec(one(["default", "v2"]), separator=one("./")),
                one(["all", "part"]),
                refused=ONLY_ZARR if dtype == "string" else {},
            )
        )  # fmt: skip
    return cases


CASES = {
    case.name: case
    for case in [
        *_numbers(), *_others(), *_layouts(), *_shards(), *_numcodecs(), *_combinations()
    ]
}  # fmt: skip


# -- documents -------------------------------------------------------------------------

Arguments = Callable[[Any], dict[str, Any]]


def _created() -> dict[str, Arguments]:
    """Return, by name, arguments of ``create_array``, given the module ``zarr.codecs``.

    Not among them are dtypes of foreign byte order, which zarr-python stores in little-endian
    order and we as they are, and structures, for which it leaves out the byte order that
    their specification asks for.
    """
    kinds = [
        "?", "i1", "u2", "<i8", "f2", "c8", "c16", "V3", "S5", "U3", "M8[ns]", "m8[10s]",
        "string", "variable_length_bytes",
    ]  # fmt: skip
    cases: dict[str, Arguments] = {
        f"dtype {kind}": (lambda _, kind=kind: {"dtype": kind}) for kind in kinds
    }
    fills: dict[str, tuple[Any, Any]] = {
        "nan": ("f4", float("nan")), "inf": ("f8", -float("inf")), "float": ("f4", 0.1),
        "complex": ("c8", complex(1.5, float("nan"))), "bytes": ("S5", b"ab"),
        "raw": ("V3", b"abc"), "text": ("U3", "aä"), "string": ("string", "é"),
        "date": ("M8[s]", np.datetime64(5, "s")), "bool": ("?", True), "int": ("i8", -(2**62)),
    }  # fmt: skip
    for name, (dtype, fill) in fills.items():
        cases[f"fill {name}"] = lambda _, d=dtype, f=fill: {"dtype": d, "fill_value": f}
    square = {"shape": (4, 4), "chunks": (2, 2), "dtype": "i4"}
    return cases | {
        "blosc": lambda c: {"compressors": c.BloscCodec()},
        "blosc bytes": lambda c: {"dtype": "u1", "compressors": c.BloscCodec()},
        "blosc wide": lambda c: {"dtype": "c16", "compressors": c.BloscCodec(cname="lz4")},
        "blosc text": lambda c: {"dtype": "U5", "compressors": c.BloscCodec(clevel=1)},
        "blosc strings": lambda c: {"dtype": "string", "compressors": c.BloscCodec()},
        "blosc plain": lambda c: {"compressors": c.BloscCodec(shuffle="noshuffle")},
        "blosc typesize": lambda c: {
            "compressors": c.BloscCodec(typesize=2, shuffle="bitshuffle")
        },
        "gzip": lambda c: {"compressors": c.GzipCodec()},
        "zstd": lambda c: {"compressors": [c.ZstdCodec(level=3, checksum=True)]},
        "none": lambda _: {"compressors": None},
        "two": lambda c: {"compressors": [c.BloscCodec(), c.Crc32cCodec()]},
        "big": lambda c: {"serializer": c.BytesCodec(endian="big")},
        "transpose": lambda c: {**square, "filters": [c.TransposeCodec(order=(1, 0))]},
        "shards": lambda _: {**square, "shards": (4, 4)},
        "shards of strings": lambda _: {**square, "dtype": "string", "shards": (4, 4)},
        "shards transposed": lambda c: {
            **square, "shards": (4, 4), "filters": [c.TransposeCodec(order=(1, 0))],
            "compressors": c.BloscCodec(),
        },
        "sharding codec": lambda c: {
            "serializer": c.ShardingCodec(chunk_shape=(1,), index_location="start"),
            "compressors": None,
        },
        "v2 keys": lambda _: {"chunk_key_encoding": {"name": "v2", "separator": "/"}},
        "dots": lambda _: {"chunk_key_encoding": {"name": "default", "separator": "."}},
        "dimension names": lambda _: {
            **square, "dimension_names": ["x", None], "attributes": {"ü": [1.5]},
        },
        "scalar": lambda _: {"shape": (), "chunks": ()},
        "empty": lambda _: {"shape": (0, 3), "chunks": (1, 2)},
    }  # fmt: skip


CREATED = _created()
