"""Documents and chunks that somebody malicious, or a failing disk, might leave us.

As a script it reads every one of them under a limit of memory, and prints what happened as
lines of JSON: a crash, or memory that does not suffice, shows there.
"""

from __future__ import annotations

import json
import resource
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np

import zarr

MEMORY = 192 << 20
"""Bytes of address space that the reader gets on top of what it has after importing."""

GOOD: dict[str, Any] = {
    "zarr_format": 2,
    "shape": [4, 6],
    "chunks": [2, 3],
    "dtype": "<i4",
    "compressor": {"id": "zlib", "level": 1},
    "fill_value": 0,
    "order": "C",
    "filters": None,
}


@dataclass(frozen=True)
class Case:
    """A store and what to do with it.

    `verdict` is "refused" if an exception must come, "either" if the right shape will do,
    since a flipped bit in a value is nobody's business.
    """

    name: str
    store: dict[str, bytes]
    action: str  # "open array", "open group", "attrs", "read"
    key: str
    verdict: str = "refused"


# -- documents -------------------------------------------------------------------------

WRONG: dict[str, list[Any]] = {
    "zarr_format": [None, 0, 1, 3, -2, 2.5, "2", [2], {}, True],
    "shape": [
        None, 4, "4", {}, True, [[4], 6], [4.5, 6], ["4", 6], [-1, 6], [4, None], [True, 6],
        [4, {}], [4], [4, 6, 8], [], [2**63, 6], [10**40, 6], [1] * 65, {"0": 4}, [4, [6]],
    ],
    "chunks": [
        None, 2, "2", {}, False, [0, 3], [2, 0], [-2, 3], [2.5, 3], [2, None], ["2", 3], [2],
        [2, 3, 4], [], [2**63, 3], [2**62, 2**62], [True, 3], [10**40, 1], [[2], 3], [2, "x"],
    ],
    "dtype": [
        None, 4, "", "foo", "<i3", "<f5", "<M8", "<m8", "<i4,<i4", ",", {}, [], [[]],
        [["a"]], [["a", "<i4"], ["a", "<i4"]], [[1, "<i4"]], [["a", "nope"]], [["a", "<i4", -1]],
        [["a", "<i4", "x"]], [["a", "<i4", [2, -1]]], "<U99999999999999999999", "|S4294967296",
        "|S-1", "<U1000000000000", [["a", "|S2147483647"]] * 2, ["<i4"], True, "(3,)i4",
        "<i4\0", "os.system('x')", "np.int32", [["", []]],
        [["a", "<i4", [2**31, 2**31]]],
    ],
    "fill_value": ["abc", [1, 2], {}, 2**40, -(2**40), "NaN", "Infinity", "AAAA", [[]], 10**400],
    "order": [None, "A", "K", "c", "", 0, [], {}, ["C"], True],
    "filters": [
        5, "delta", {}, True, [5], ["delta"], [{}], [None], [[]], [{"id": 5}], [{"id": None}],
        [{"id": "nope"}], [{"id": ""}], [{"id": "delta"}], [{"id": "delta", "dtype": "nope"}],
        [{"id": "delta", "dtype": "<i4", "extra": 1}], [{"id": ["delta"]}],
        [{"id": "quantize", "digits": 3}], [{"id": "categorize"}],
        [{"id": "os.system"}], [{"id": "fixedscaleoffset"}], [{"id": "astype", "encode_dtype": 3}],
    ],
    "compressor": [
        5, "zlib", [], True, {}, {"id": None}, {"id": 7}, {"id": "nope"}, {"id": ""}, {"level": 1},
        {"id": "zlib", "extra": 1}, {"id": "zlib", "id2": 3}, {"id": ["zlib"]}, {"id": {}},
        {"id": "blosc", "cname": "lz4", "nope": 1}, [{"id": "zlib"}], {"id": "../../zlib"},
    ],
    "dimension_separator": ["", "-", "..", 5, [], {}, True, "\0", "./"],
}  # fmt: skip

BAD_JSON: list[bytes] = [
    b"", b" ", b"{", b"}", b"[", b"null", b"true", b"5", b'"x"', b"[]", b"[1]", b"{]", b"{'a': 1}",
    b'{"a": }', b'{"a" 1}', b'{"a": 1,}', b'{"a": 1} x', b"\xff\xfe{}", b"\x80", b"\0", b"{\0}",
    b'{"a": "\n"}', b'{"a": 01}', b'{"a": nan}', b"[" * 100_000, b'{"a":' * 100_000,
    b'{"a": "\\ud800', b"9" * 5000, b"-", b"1e", b"\xef\xbb\xbf", b"{}\0", b"\xc0\x80",
]  # fmt: skip


def changed(**members: Any) -> bytes:
    return json.dumps({**GOOD, **members}).encode()


def array_documents() -> Iterator[Case]:
    def case(name: str, document: bytes, verdict: str = "refused") -> Case:
        return Case(f"array {name}", {".zarray": document}, "open array", ".zarray", verdict)

    for member, values in WRONG.items():
        # An array whose codecs are not installed may be looked at, but not read.
        verdict = "refused on reading" if member in ("filters", "compressor") else "refused"
        for i, value in enumerate(values):
            yield case(f"{member}-{i}", changed(**{member: value}), verdict)
    for member in GOOD:
        document = {k: v for k, v in GOOD.items() if k != member}
        yield case(f"without {member}", json.dumps(document).encode())
    for i, text in enumerate(BAD_JSON):
        yield case(f"json-{i}", text)
    good = json.dumps(GOOD, indent=4).encode()
    for length in range(1, len(good), 7):
        yield case(f"cut at {length}", good[:length])
    rng = np.random.default_rng(1)
    for i in range(150):
        damaged = bytearray(good)
        for at in rng.integers(0, len(good), 1 + i % 3):
            damaged[at] = rng.integers(0, 256)
        yield case(f"damaged {i}", bytes(damaged), "either")
    for fill in ("AAA", "====", 5, "é", None, "AAAAAAAAAAAAAAAA", [0, 0]):
        document = changed(dtype=[["a", "<i4"], ["b", "|S2"]], fill_value=fill)
        yield case(f"fill of records {fill!r}", document, "either" if fill is None else "refused")
    for dtype, fill in (
        ("<f8", "nano"), ("<f8", [1]), ("<f8", "1.5x"), ("<c16", [1]), ("<c16", ["NaN", "x"]),
        ("<c16", [1, 2, 3]), ("|S3", 5), ("|S3", "not base64!"), ("<M8[s]", {}), ("<M8[s]", "soon"),
        ("|b1", "yes"), ("<U3", 5), ("<u1", -1), ("|u1", 256), ("<f8", {}), ("<f8", True),
    ):  # fmt: skip
        yield case(f"fill of {dtype} {fill!r}", changed(dtype=dtype, fill_value=fill))
    yield case(
        "objects without a codec", changed(dtype="|O", fill_value=None), "refused on reading"
    )


def group_documents() -> Iterator[Case]:
    wrong = [None, 0, 1, 3, 2.5, "2", [2], {}, True]
    documents = [json.dumps({"zarr_format": value}).encode() for value in wrong]
    for i, document in enumerate([*documents, b"{}", *BAD_JSON]):
        yield Case(f"group {i}", {".zgroup": document}, "open group", ".zgroup")
    for i, document in enumerate(BAD_JSON):
        store = {".zgroup": b'{"zarr_format": 2}', ".zattrs": document}
        yield Case(f"attributes {i}", store, "attrs", ".zattrs")


# -- chunks ----------------------------------------------------------------------------

ITEMS = np.arange(600, dtype="<i4").reshape(20, 30)

COMPRESSORS: list[Any] = [
    None,
    numcodecs.Zlib(1),
    numcodecs.GZip(1),
    numcodecs.BZ2(1),
    numcodecs.LZMA(preset=0),
    numcodecs.LZ4(),
    numcodecs.Zstd(1),
    numcodecs.Blosc("lz4", 5, numcodecs.Blosc.SHUFFLE),
    numcodecs.Blosc("zstd", 1, numcodecs.Blosc.BITSHUFFLE),
    numcodecs.Blosc("zlib", 1, numcodecs.Blosc.NOSHUFFLE),
    numcodecs.Blosc("blosclz", 9, numcodecs.Blosc.SHUFFLE),
    numcodecs.Blosc("lz4hc", 1, numcodecs.Blosc.SHUFFLE),
]

FILTERS: list[Any] = [
    numcodecs.Delta("<i4"),
    numcodecs.Shuffle(4),
    numcodecs.CRC32(),
    numcodecs.Adler32(),
    numcodecs.Fletcher32(),
    numcodecs.AsType("<i8", "<i4"),
    numcodecs.FixedScaleOffset(0, 1, "<i4"),
    numcodecs.Zlib(1),
]


def name_of(compressor: Any) -> str:
    if compressor is None:
        return "raw"
    inner = getattr(compressor, "cname", None)
    return compressor.codec_id if inner is None else f"{compressor.codec_id}-{inner}"


def encode(compressor: Any, raw: bytes) -> bytes:
    return raw if compressor is None else bytes(compressor.encode(raw))


def chunk_store(compressor: Any, filters: Any, chunk: bytes, **members: Any) -> dict[str, bytes]:
    document = {
        **GOOD,
        "shape": [20, 30],
        "chunks": [20, 30],
        "compressor": None if compressor is None else compressor.get_config(),
        "filters": [f.get_config() for f in filters] if filters else None,
        **members,
    }
    return {".zarray": json.dumps(document).encode(), "0.0": chunk}


def damaged(chunk: bytes, rng: np.random.Generator) -> Iterator[tuple[str, bytes, str]]:
    """Yield (what, bytes, verdict) for some ways to spoil a chunk."""
    size = len(chunk)
    yield "empty", b"", "refused"
    for length in sorted({1, 3, 4, 8, 15, 16, 17, size // 4, size // 2, size - 5, size - 1}):
        if 0 < length < size:
            yield f"cut at {length} of {size}", chunk[:length], "refused"
    for more in (1, 16, 5000):
        yield f"longer by {more}", chunk + bytes(rng.integers(0, 256, more, "u1")), "either"
    yield "zeros", bytes(size), "either"
    yield "ones", b"\xff" * size, "either"
    yield "noise", bytes(rng.integers(0, 256, size, "u1")), "either"
    for i in range(6):
        flipped = bytearray(chunk)
        for at in rng.integers(0, min(size, 32 if i < 3 else size), 1 + i % 3):
            flipped[at] ^= 1 << int(rng.integers(8))
        yield f"flipped {i}", bytes(flipped), "either"


def chunks() -> Iterator[Case]:
    rng = np.random.default_rng(2)
    raw = ITEMS.tobytes()
    for compressor in COMPRESSORS:
        name = name_of(compressor)
        sizes = {"short": raw[:-4], "half": raw[: len(raw) // 2], "odd": raw[:-1], "nothing": b""}
        sizes |= {"long": raw + b"1234", "double": raw * 2, "one item": raw[:4]}
        for what, content in sizes.items():
            if compressor is not None or content:
                store = chunk_store(compressor, None, encode(compressor, content))
                yield Case(f"{name} {what}", store, "read", "0.0")
        for what, chunk, verdict in damaged(encode(compressor, raw), rng):
            strict = verdict if compressor is not None or "longer" not in what else "refused"
            yield Case(
                f"{name} {what}", chunk_store(compressor, None, chunk), "read", "0.0", strict
            )
    for codec in FILTERS:
        good = bytes(codec.encode(ITEMS if codec.codec_id != "zlib" else raw))
        for what, chunk, verdict in damaged(good, rng):
            store = chunk_store(None, [codec], chunk)
            yield Case(f"filter {codec.codec_id} {what}", store, "read", "0.0", verdict)


def bombs() -> Iterator[Case]:
    """Yield chunks that decode to more than there is memory; a few kilobytes are declared."""
    for compressor in COMPRESSORS[1:7]:
        name = f"bomb of {name_of(compressor)}"
        data = bomb(compressor, MEMORY * 4 // 3)
        yield Case(name, chunk_store(compressor, None, data), "read", "0.0")
        yield Case(f"{name} as a filter", chunk_store(None, [compressor], data), "read", "0.0")


def bombs_of_objects() -> Iterator[Case]:
    """Yield the same for objects, whose size nobody declares: only a crash is wrong."""
    for compressor in COMPRESSORS[1:7]:
        data = bomb(compressor, MEMORY * 4 // 3)
        store = chunk_store(compressor, [numcodecs.VLenUTF8()], data, dtype="|O", fill_value=None)
        yield Case(f"bomb of {name_of(compressor)} in objects", store, "read", "0.0")


def bomb(compressor: Any, size: int) -> bytes:
    """Return `size` zeros, encoded piece by piece so that making it takes little memory."""
    piece = bytes(1 << 20)
    kind = compressor.codec_id
    if kind == "zlib":
        stream = zlib.compressobj(9)
        pieces = [stream.compress(piece) for _ in range(size // len(piece))]
        return b"".join([*pieces, stream.flush()])
    if kind in ("gzip", "bz2", "lzma"):  # streams one after the other are one stream
        return encode(compressor, piece) * (size // len(piece))
    # A small block whose header is made to promise more.
    if kind == "lz4":
        return size.to_bytes(4, "little") + encode(compressor, bytes(2400))[4:]
    frame = bytearray(encode(compressor, bytes(70_000)))  # gives its size in four bytes
    at = 5 if frame[4] & 0x20 else 6
    frame[at : at + 4] = size.to_bytes(4, "little")
    return bytes(frame)


def blosc_headers() -> Iterator[Case]:
    codec = numcodecs.Blosc("lz4", 5, numcodecs.Blosc.SHUFFLE)
    good = bytes(codec.encode(ITEMS))
    for field, at in (("nbytes", 4), ("blocksize", 8), ("cbytes", 12)):
        for value in (0, 1, 15, 16, 2399, 2401, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**30):
            header = bytearray(good)
            header[at : at + 4] = value.to_bytes(4, "little")
            verdict = "refused" if field != "blocksize" else "either"
            yield Case(
                f"blosc {field} {value}",
                chunk_store(codec, None, bytes(header)),
                "read",
                "0.0",
                verdict,
            )
    for at in range(4):
        for value in (0, 1, 7, 127, 128, 255):
            header = bytearray(good)
            header[at] = value
            yield Case(
                f"blosc byte {at} {value}",
                chunk_store(codec, None, bytes(header)),
                "read",
                "0.0",
                "either",
            )
    raw_copy = bytes(numcodecs.Blosc("lz4", 0).encode(ITEMS))  # stored, not compressed
    for length in (16, 17, 100, len(raw_copy) - 1):
        yield Case(
            f"blosc stored {length}", chunk_store(codec, None, raw_copy[:length]), "read", "0.0"
        )


NOT_ITEMS = [
    b"[]", b"{}", b"5", b"[1]", b'["|O", [12]]', b'[1, "|O", [12, 12]]', b"[" * 50_000,
    b'["a", "|O", [1000000000000]]', b'["a", "<i4", [1]]', b'["a", "|O", [-1]]',
    b'["a", "|O", "x"]', b'[1, 2, 3, "nope", [3]]',
]  # fmt: skip
"""JSON that is no array of twelve objects."""


def object_chunks() -> Iterator[Case]:
    rng = np.random.default_rng(3)
    words = np.array(["", "abc", "Ångström", "x" * 40] * 3, object)
    codecs: list[tuple[Any, Any]] = [
        (numcodecs.VLenUTF8(), words),
        (numcodecs.VLenBytes(), np.array([w.encode() for w in words], object)),
        (numcodecs.JSON(), words),
        (numcodecs.MsgPack(), words),
        (numcodecs.Categorize(sorted(set(words) - {""}), dtype=object), words),
    ]
    ragged = np.empty(12, object)
    for i in range(12):
        ragged[i] = np.arange(i % 4, dtype="<i4")
    codecs.append((numcodecs.VLenArray("<i4"), ragged))
    for codec, items in codecs:
        shape = {"shape": [12], "chunks": [12], "dtype": "|O", "fill_value": None}
        good = bytes(codec.encode(items))

        def case(
            what: str, chunk: bytes, verdict: str, codec: Any = codec, shape: Any = shape
        ) -> Case:
            store = chunk_store(None, [codec], chunk, **shape)
            store["0"] = store.pop("0.0")
            return Case(f"{codec.codec_id} {what}", store, "read", "0", verdict)

        for what, chunk, verdict in damaged(good, rng):
            if codec.codec_id == "categorize" and verdict == "either":
                continue
            yield case(what, chunk, verdict)
        for count in (0, 1, 11, 13, 100):
            more = np.concatenate([items] * 9)[:count]
            yield case(f"{count} items", bytes(codec.encode(more)), "refused")
        if codec.codec_id.startswith("vlen"):
            for count in (2**31 - 1, 2**31, 2**32 - 1, 10**9):
                yield case(f"count {count}", count.to_bytes(4, "little") + good[4:], "refused")
                longer = good[:4] + count.to_bytes(4, "little") + good[8:]
                yield case(f"length {count}", longer, "refused")
        if codec.codec_id == "json2":
            for text in NOT_ITEMS:
                yield case(f"text {text[:30]!r}", text, "refused")


def other_dtypes() -> Iterator[Case]:
    """Yield chunks of the right size in bytes for another dtype or shape."""
    for dtype, size in (("<i8", 4), ("<i2", 4), ("|S3", 600), ("<U2", 600), ("<c16", 8)):
        raw = bytes(600 * size)
        store = chunk_store(None, None, raw, dtype=dtype, fill_value=None)
        yield Case(f"{len(raw)} bytes for {dtype}", store, "read", "0.0")


def all_cases() -> Iterator[Case]:
    for cases in (
        array_documents, group_documents, chunks, bombs, blosc_headers, object_chunks, other_dtypes,
    ):  # fmt: skip
        yield from cases()


# -- the script ------------------------------------------------------------------------


def act(case: Case) -> Any:
    """Do what the case asks for; return the shape of what came out."""
    store = dict(case.store)
    if case.action == "open group":
        return len(zarr.open_group(store, mode="r"))
    if case.action == "attrs":
        return len(zarr.open_group(store, mode="r").attrs)
    z = zarr.open_array(store, mode="r")
    if case.action == "open array":
        shape, dtype = z.shape, z.dtype
        if case.verdict == "refused on reading":
            return z[...].shape
        if case.verdict == "either" and z.nbytes < 10**6 and np.prod(z.chunks) < 10**6:
            out = z[...]
            assert (out.shape, out.dtype) == (shape, dtype), "another shape"
        return shape
    out = z[...]
    assert out.shape == z.shape, "another shape"
    assert out.dtype == z.dtype, "another dtype"
    part = z[(slice(1, 3),) * z.ndim]
    assert part.shape == (2,) * z.ndim, "another shape"
    return out.shape


def report(case: Case) -> None:
    """Print what becomes of a case."""
    print(json.dumps({"started": case.name}), flush=True)
    try:
        outcome: dict[str, Any] = {"result": repr(act(case))}
    except Exception as error:  # noqa: BLE001  whatever it is, the test is to see it
        outcome = {
            "error": [cls.__name__ for cls in type(error).__mro__],
            "message": str(error),
            "ours": isinstance(error, zarr.errors.ZarrError),
        }
    print(json.dumps({"name": case.name, **outcome}), flush=True)


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    cases, last = list(all_cases()), list(bombs_of_objects())
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    before = peak()
    for case in cases:
        report(case)
    print(json.dumps({"name": "memory", "more": peak() - before}), flush=True)
    for case in last:
        report(case)


if __name__ == "__main__":
    sys.setrecursionlimit(1000)
    main()
