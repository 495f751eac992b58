"""Stores of every format and pipeline, and ways to spoil them at random.

Case number `n` of a seed is always the same: ``case(seed, n)``.
"""

from __future__ import annotations

import json
import random
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numcodecs
import numpy as np

import zarr
from zarr import codecs
from zarr.storage.n5 import N5View

FIXTURES = Path(__file__).parent.parent / "fixtures"

Files = dict[str, bytes]


class Case(NamedTuple):
    """A spoiled store, and what has been done to it."""

    name: str
    files: Files
    is_n5: bool


# -- what is spoiled -------------------------------------------------------------------

COMPRESSORS: list[Any] = [
    None, numcodecs.Zlib(1), numcodecs.GZip(1), numcodecs.BZ2(1), numcodecs.LZMA(preset=0),
    numcodecs.LZ4(), numcodecs.Zstd(1), numcodecs.Blosc("lz4", 5), numcodecs.Blosc("zstd", 1, 2),
]  # fmt: skip
FILTERS: list[list[Any]] = [
    [], [numcodecs.Delta("<i4")], [numcodecs.FixedScaleOffset(0, 1, "<i4")],
    [numcodecs.AsType("<i8", "<i4")], [numcodecs.Quantize(3, "<f8")], [numcodecs.Shuffle(4)],
    [numcodecs.CRC32(), numcodecs.Fletcher32()], [numcodecs.Zlib(1)], [numcodecs.Base64()],
]  # fmt: skip
OBJECTS: list[Any] = [
    numcodecs.VLenUTF8(), numcodecs.VLenBytes(), numcodecs.JSON(), numcodecs.MsgPack(),
    numcodecs.Categorize(["a", "bc"], dtype=object), numcodecs.Pickle(),
]  # fmt: skip
DTYPES = ("|b1", "<i4", ">f8", "<c16", "|S3", "<U2", "<M8[s]", "|V5", "i4,S2", "|u1", "<f2")


def _numbers(dtype: Any, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    dtype = np.dtype(dtype)
    count = int(np.prod(shape))
    data = np.arange(count * max(dtype.itemsize, 1)) % 2
    return data[: count * dtype.itemsize].astype("u1").view(dtype).reshape(shape)


def _of_version_2() -> Files:
    files: Files = {}
    g = zarr.open_group(files, mode="w")
    g.attrs["title"] = {"deep": [1, [2, {"x": None}]], "text": "é"}
    for i, compressor in enumerate(COMPRESSORS):
        for k, filters in enumerate(FILTERS):
            dtype = "<f8" if filters and filters[0].codec_id == "quantize" else "<i4"
            z = g.create_dataset(
                f"numbers/{i}-{k}", shape=(4, 6), chunks=(2, 3), dtype=dtype,
                compressor=compressor, filters=filters, order="CF"[k % 2],
            )  # fmt: skip
            z[...] = _numbers(dtype, (4, 6))
    for i, dtype in enumerate(DTYPES):
        g.create_dataset(f"dtypes/{i}", data=_numbers(dtype, (5,)), chunks=2)
    for i, codec in enumerate(OBJECTS):
        for k, compressor in enumerate((None, numcodecs.Zstd(1), numcodecs.GZip(1))):
            z = g.create_dataset(
                f"objects/{i}-{k}", shape=5, chunks=5, dtype=object, object_codec=codec,
                compressor=compressor,
            )  # fmt: skip
            as_bytes = codec.codec_id == "vlen-bytes"
            z[:] = np.array([b"a" if as_bytes else "a", b"bc" if as_bytes else "bc"] * 2 + [None])[
                [0, 1, 2, 3, 0]
            ]
    g.create_dataset("scalar", data=np.float64(3), shape=())
    return files


def _consolidated() -> Files:
    files = _of_version_2()
    files = {key: data for key, data in files.items() if key.startswith((".z", "dtypes/"))}
    zarr.consolidate_metadata(files)
    return files


def _of_version_3() -> Files:
    files: Files = {}
    g = zarr.open_group(files, mode="w", zarr_format=3)
    g.attrs["title"] = {"deep": [1, [2, {"x": None}]]}
    inner = codecs.ShardingCodec((2, 3), [codecs.BytesCodec("big"), codecs.GzipCodec(1)])
    nested = codecs.ShardingCodec(
        (4, 6), [codecs.ShardingCodec((2, 3), [codecs.BytesCodec("little"), codecs.ZstdCodec(1)])],
        index_location="start",
    )  # fmt: skip
    pipelines: dict[str, dict[str, Any]] = {
        "plain": {"compressors": None},
        "zstd": {"compressors": codecs.ZstdCodec(1)},
        "blosc": {"compressors": codecs.BloscCodec(cname="lz4", clevel=5)},
        "crc": {"compressors": [codecs.GzipCodec(1), codecs.Crc32cCodec()]},
        "transposed": {"filters": codecs.TransposeCodec((1, 0)), "compressors": None},
        "cast": {"filters": [codecs.CastValueCodec("float64")], "compressors": None},
        "scaled": {"filters": [codecs.ScaleOffsetCodec(1, 2)], "dtype": "f8"},
        "bits": {"serializer": codecs.PackBitsCodec(), "dtype": "bool", "compressors": None},
        "shards": {"shards": (4, 6)},
        "shards-start": {"serializer": inner, "chunks": (4, 6), "compressors": None},
        "shards-nested": {"serializer": nested, "chunks": (4, 6), "compressors": None},
        "shards-gzip": {"serializer": inner, "chunks": (4, 6), "compressors": codecs.GzipCodec(1)},
        "listed": {"chunks": ((1, 3), (4, 2))},
        "named": {"dimension_names": ["x", None], "attributes": {"a": 1}},
    }
    for name, options in pipelines.items():
        given = {"shape": (4, 6), "chunks": (2, 3), "dtype": "i4", **options}
        z = g.create_array(name, **given)
        z[...] = _numbers(z.dtype, (4, 6))
    for i, dtype in enumerate((*DTYPES, "bfloat16", "int4")):
        with_codec = {"serializer": codecs.BytesCodec("little")}
        z = g.create_array(f"dtypes/{i}", shape=(5,), chunks=(2,), dtype=dtype, **with_codec)
        if i < len(DTYPES):
            z[...] = _numbers(z.dtype, (5,))
    for i, compressor in enumerate((None, codecs.ZstdCodec(1), codecs.BloscCodec())):
        for name, dtype, items in (("s", str, ["a", "é"]), ("b", bytes, [b"a", b""])):
            z = g.create_array(
                f"objects/{name}{i}", shape=4, chunks=2, dtype=dtype, compressors=compressor
            )
            z[:] = np.array(items * 2, object)
    return files


def _consolidated_3() -> Files:
    files = _of_version_3()
    zarr.consolidate_metadata(files)
    return files


def _archive(name: str) -> Files:
    with zipfile.ZipFile(FIXTURES / name) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _of_version_1() -> Files:
    found = _archive("v1.zip")
    folder = min({key.partition("/")[0] for key in found})
    return {k.partition("/")[2]: v for k, v in found.items() if k.startswith(f"{folder}/")}


def _n5() -> Files:
    tree = zarr.MemoryStore()
    g = zarr.open_group(N5View(tree), mode="w")
    g.attrs["title"] = [1, {"x": 2}]
    for i, compressor in enumerate(COMPRESSORS):
        if compressor is None or compressor.codec_id != "lzma":
            z = g.create_dataset(
                f"g/{i}", shape=(4, 6), chunks=(2, 3), dtype="<i2", compressor=compressor
            )
            z[...] = _numbers("<i2", (4, 6))
    return {key: bytes(tree[key]) for key in tree}


CORPUS: list[tuple[str, Callable[[], Files], int]] = [
    ("v2", _of_version_2, 4),
    ("consolidated", _consolidated, 1),
    ("v3", _of_version_3, 5),
    ("consolidated v3", _consolidated_3, 1),
    ("draft", lambda: _archive("draft_v3.zip"), 2),
    ("v1", _of_version_1, 1),
    ("n5", _n5, 2),
]
"""Name, contents and weight of each kind of store."""


@cache
def corpus() -> dict[str, Files]:
    """Return the sound stores by name."""
    return {name: {key: bytes(data) for key, data in make().items()} for name, make, _ in CORPUS}


# -- ways to spoil ---------------------------------------------------------------------

VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 2, 3, 7, 64, 255, 2**31 - 1, 2**31, 2**32, 2**62, 2**63, 2**64,
    10**40, -(2**63), 0.5, 1e308, float("nan"), float("inf"), "", "x", "/", ".", "..", "\0",
    "\ud800", "a/b", "a\\b", "<i4", "|O", "|S70000000", "<M8[s]", "float64", "string", "r8",
    "AAAA", "AAAAAA==", "0x7fc00000", "NaN", "-Infinity", [], [0], [1], [[0]], [2, "x"], ["x"],
    [-1], [2**62, 2**62], [None], {}, {"a": 1}, {"id": "zlib"}, {"id": "vlen-utf8"},
    {"id": "json2"}, {"id": "blosc", "shuffle": 6}, {"id": "blosc", "shuffle": []},
    {"name": "gzip", "configuration": {"level": "x"}}, {"name": "vlen-bytes"}, {"name": []},
    {"name": "transpose", "configuration": {"order": [0, 0]}}, {"configuration": []},
    {"id": "pickle"}, {"id": "categorize", "labels": [], "dtype": "|S70000000"}, "a" * 5000,
    {"id": "astype", "encode_dtype": "u1", "decode_dtype": "|S70000000"},
]  # fmt: skip
"""What is put in the place of something in a document."""

NUMBERS = (0, 1, 3, 15, 16, 255, 2**16, 10**9, 2**31 - 1, 2**31, 2**32 - 1)
"""What is put in the place of four bytes in a chunk."""

KEYS = ("", "/", "//x", "/abs", "..", "../x", ".", "a//b", "d\\..\\x", "\ud800", "c", "0", "a\0b")
"""Folders into which a key is moved."""


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Return every container in `value` with each of its keys or indexes."""
    found: list[tuple[Any, Any]] = []
    pending = [value]
    while pending:
        container = pending.pop()
        keys = list(container) if isinstance(container, dict) else range(len(container))
        for key in keys:
            found.append((container, key))
            if isinstance(container[key], (dict, list)):
                pending.append(container[key])
    return found


def _nested(rng: random.Random, value: Any) -> Any:
    for _ in range(rng.choice((2, 70, 130, 500, 1200, 3000))):
        value = [value] if rng.random() < 0.8 else {"a": value}
    return value


def _dump(value: Any, depth: int = 0) -> str:
    # Not json.dumps, which cannot write what is nested thousands of levels deep.
    parts: list[Any] = [value]
    text: list[str] = []
    while parts:
        part = parts.pop()
        if isinstance(part, _Raw):
            text.append(part)
        elif isinstance(part, dict) and part:
            inside: list[Any] = []
            for key, item in part.items():
                inside += [_Raw(", " if inside else "{"), _Raw(json.dumps(key) + ": "), item]
            parts += reversed([*inside, _Raw("}")])
        elif isinstance(part, list) and part:
            inside = []
            for item in part:
                inside += [_Raw(", " if inside else "["), item]
            parts += reversed([*inside, _Raw("]")])
        else:
            text.append(json.dumps(part))
    return "".join(text)


class _Raw(str):
    """Text that is written as it is."""

    __slots__ = ()


def _spoil_document(rng: random.Random, data: bytes) -> bytes:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return _spoil_bytes(rng, data)
    places = _places([value])
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        container, key = rng.choice(places)
        kind = rng.random()
        if kind < 0.6:
            container[key] = rng.choice(VALUES)
        elif kind < 0.7 and isinstance(container, dict):
            container.pop(key, None)
            places = _places([value]) or [([value], 0)]
        elif kind < 0.8:
            other, name = rng.choice(places)
            container[key] = other[name] if _is_plain(other, name) else None
        elif kind < 0.87:
            container[key] = _nested(rng, rng.choice(VALUES))
        elif isinstance(container, dict):
            container[rng.choice(("extra", "", "id", "name", "\ud800", "must_understand"))] = (
                rng.choice(VALUES)
            )
        else:
            container.append(rng.choice(VALUES))
    return _dump(value).encode()


def _is_plain(container: Any, key: Any) -> bool:
    present = key in container if isinstance(container, dict) else key < len(container)
    return present and not isinstance(container[key], (dict, list))


def _spoil_bytes(rng: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        kind, at = rng.random(), rng.randrange(max(1, len(changed)))
        if rng.random() < 0.4:
            at = min(at, rng.randrange(32))
        if kind < 0.35 and changed:
            changed[at] ^= 1 << rng.randrange(8)
        elif kind < 0.5:
            del changed[at:]
        elif kind < 0.6:
            changed[at:at] = rng.randbytes(rng.choice((1, 4, 16, 300)))
        elif kind < 0.7:
            del changed[at : at + rng.choice((1, 2, 4, 16))]
        elif kind < 0.95:
            order = rng.choice(("little", "big"))
            at = at // 4 * 4 if rng.random() < 0.7 else at
            changed[at : at + 4] = rng.choice(NUMBERS).to_bytes(4, order)  # type: ignore[arg-type]
        else:
            changed += changed[:1000]
    return bytes(changed)


def _is_document(key: str) -> bool:
    name = key.rpartition("/")[2]
    return name.startswith((".z", "zarr.json")) or name.endswith(("json", "meta", "attrs"))


def case(seed: int, number: int) -> Case:
    """Return one spoiled store."""
    rng = random.Random(f"{seed}-{number}")
    kind = rng.choices([name for name, _, _ in CORPUS], [weight for _, _, weight in CORPUS])[0]
    whole = corpus()[kind]
    # A few nodes only: most of the time goes to what has been spoiled.
    folders = _folders(kind)
    chosen = {rng.choice(list(folders)) for _ in range(rng.choice((1, 1, 2)))}
    files = {key: whole[key] for folder in sorted(chosen) for key in folders[folder]}
    what = []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        documents = [key for key in files if _is_document(key)]
        others = [key for key in files if not _is_document(key)]
        pool = documents if documents and (not others or rng.random() < 0.65) else others
        if not pool:
            break
        key = rng.choice(sorted(pool))
        if rng.random() < 0.04:
            moved = f"{rng.choice(KEYS)}/{key}"
            files[moved] = files[key]
            what.append(f"{key!r} also at {moved!r}")
        elif pool is documents and rng.random() < 0.85:
            files[key] = _spoil_document(rng, files[key])
            what.append(f"document {key!r}")
        else:
            files[key] = _spoil_bytes(rng, files[key])
            what.append(f"bytes of {key!r}")
    return Case(f"{kind}: {', '.join(what)}", files, kind == "n5")


@cache
def _folders(kind: str) -> dict[str, list[str]]:
    """Return for each folder of a sound store its keys, and those of documents above it."""
    keys = sorted(corpus()[kind])
    folders = sorted({key.rpartition("/")[0] for key in keys})
    return {folder: [key for key in keys if _is_near(key, folder)] for folder in folders}


def _is_near(key: str, wanted: str) -> bool:
    """Tell whether `key` is in the folder `wanted`, or a document above it."""
    folder = key.rpartition("/")[0]
    bare = wanted.removeprefix("meta/root").removeprefix("data/root").strip("/")
    inside = folder in ("", wanted) or wanted.startswith(f"{folder}/")
    below = folder.startswith(f"{wanted}/") or (bare and f"/{bare}" in f"/{key}")
    return bool(inside or below or key == "zarr.json")
