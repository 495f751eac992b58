"""Small chunks and documents that would take gigabytes, each opened and read in a process.

As a script it prints what a reader makes of them, and by how much the peak of its memory grew,
as lines of JSON.
"""

from __future__ import annotations

import base64
import bz2
import json
import lzma
import os
import resource
import zlib
from collections.abc import Callable
from typing import Any

import numcodecs
import numpy as np

import zarr

SIZE = 256 << 20
"""Bytes that each bomb decodes to."""

_PIECE = 1 << 20
_MAGIC = b"\x28\xb5\x2f\xfd"


# -- what is compressed ----------------------------------------------------------------


def zstd_frame(data: bytes, zeros: int, stated: bool) -> bytes:
    """Return a Zstandard frame of `data` and then `zeros` zeros, all in uncompressed blocks."""
    blocks = [(0, data)] if data else []
    blocks += [(1, bytes(128 << 10))] * (zeros >> 17)
    parts = []
    for i, (kind, block) in enumerate(blocks):
        header = len(block) << 3 | kind << 1 | (i == len(blocks) - 1)
        parts.append(header.to_bytes(3, "little") + (block if kind == 0 else block[:1]))
    head = b"\x80\x88" if stated else b"\x00\x88"  # size in four bytes, or none; window 128 MiB
    size = (len(data) + zeros).to_bytes(4, "little") if stated else b""
    return b"".join([_MAGIC, head, size, *parts])


def _streamed(stream: Any, head: bytes, piece: bytes) -> bytes:
    parts = [stream.compress(head)]
    parts += [stream.compress(piece) for _ in range(SIZE // len(piece))]
    return b"".join([*parts, stream.flush()])


def compressed(kind: str, head: bytes, piece: bytes) -> bytes:
    """Return `head` and then `piece` again and again, encoded."""
    if kind == "gzip":
        return _streamed(zlib.compressobj(1, zlib.DEFLATED, 31), head, piece)
    if kind == "bz2":
        return _streamed(bz2.BZ2Compressor(), head, piece)
    if kind == "lzma":
        return _streamed(lzma.LZMACompressor(preset=0), head, piece)
    if kind.startswith("zstd"):
        return zstd_frame(head, SIZE, stated=kind == "zstd-stated")
    raw = np.zeros(SIZE, "u1")
    raw[: len(head)] = np.frombuffer(head, "u1")
    codec = numcodecs.Blosc("zstd", 5) if kind == "blosc" else numcodecs.LZ4()
    return bytes(codec.encode(raw))


COMPRESSORS: dict[str, Any] = {
    "gzip": numcodecs.GZip(), "bz2": numcodecs.BZ2(), "lzma": numcodecs.LZMA(preset=0),
    "zstd": numcodecs.Zstd(), "zstd-stated": numcodecs.Zstd(), "blosc": numcodecs.Blosc(),
    "lz4": numcodecs.LZ4(),
}  # fmt: skip

OBJECTS: dict[str, tuple[Any, dict[str, tuple[bytes, bytes]]]] = {
    "vlen-utf8": (
        numcodecs.VLenUTF8(),
        {"zeros": (b"", bytes(_PIECE)), "counted": (b"\x64\0\0\0", bytes(_PIECE))},
    ),
    "vlen-bytes": (numcodecs.VLenBytes(), {"counted": (b"\x64\0\0\0", bytes(_PIECE))}),
    "vlen-array": (numcodecs.VLenArray("<i4"), {"counted": (b"\x64\0\0\0", bytes(_PIECE))}),
    "json2": (
        numcodecs.JSON(),
        {
            "zeros": (b"", bytes(_PIECE)),
            "blanks": (b"[1,", b" " * _PIECE),
            "items": (b"[1", b",1" * (_PIECE // 2)),
            "open string": (b'["', b"a" * _PIECE),
        },
    ),
    "msgpack2": (numcodecs.MsgPack(), {"counted": (b"\xdc\x00\x66", bytes(_PIECE))}),
    "pickle": (numcodecs.Pickle(), {"zeros": (b"", bytes(_PIECE))}),
}
"""Codecs of objects, and what to put in the place of a hundred objects: its begin, and the rest."""


def document(**members: Any) -> bytes:
    good = {
        "zarr_format": 2, "shape": [100], "chunks": [100], "dtype": "|O", "compressor": None,
        "fill_value": None, "order": "C", "filters": None,
    }  # fmt: skip
    return json.dumps({**good, **members}).encode()


def _chunk(kind: str, objects: str, what: str) -> dict[str, bytes]:
    codec, contents = OBJECTS[objects]
    compressor, filters = COMPRESSORS[kind].get_config(), [codec.get_config()]
    return {
        ".zarray": document(compressor=compressor, filters=filters),
        "0": compressed(kind, *contents[what]),
    }


def _fill(count: int, codec: Any) -> dict[str, bytes]:
    data = base64.b64encode(count.to_bytes(4, "little") + bytes(12)).decode()
    filters = [codec.get_config()]
    return {".zarray": document(dtype=[["a", "|O"]], filters=filters, fill_value=data)}


def _text_chunk(codec: Any, data: bytes, **members: Any) -> dict[str, bytes]:
    return {".zarray": document(filters=[codec.get_config()], **members), "0": data}


def _wide_filter(config: dict[str, Any]) -> dict[str, bytes]:
    return {".zarray": document(dtype="|u1", filters=[config], fill_value=0), "0": bytes(100)}


def _nested_shards() -> dict[str, bytes]:
    inner = {"name": "bytes"}
    sharding = {
        "name": "sharding_indexed",
        "configuration": {"chunk_shape": [1], "codecs": [inner], "index_codecs": [inner]},
    }
    members = {
        "zarr_format": 3, "node_type": "array", "shape": [2**30], "data_type": "uint8",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2**30]}},
        "chunk_key_encoding": {"name": "default"}, "fill_value": 0,
        "codecs": [sharding, {"name": "gzip", "configuration": {"level": 1}}],
    }  # fmt: skip
    return {"zarr.json": json.dumps(members).encode(), "c/0": zlib.compress(b"abc")}


def _multiple_frames() -> dict[str, bytes]:
    compressor = numcodecs.Zstd().get_config()
    frames = zstd_frame(bytes(100), 0, stated=True) + zstd_frame(b"", SIZE, stated=True)
    return {".zarray": document(dtype="|u1", compressor=compressor), "0": frames}


def _wide_items(dtype: str, fill: Any) -> dict[str, bytes]:
    return {".zarray": document(dtype=dtype, shape=[1], chunks=[1], fill_value=fill)}


BOMBS: dict[str, Callable[[], dict[str, bytes]]] = {
    **{
        f"{kind} of {objects}, {what}": lambda k=kind, o=objects, w=what: _chunk(k, o, w)  # type: ignore[misc]
        for kind in COMPRESSORS
        for objects, (_, contents) in OBJECTS.items()
        for what, (_, piece) in contents.items()
        if kind == "gzip" or (objects in ("vlen-utf8", "pickle") and not any(piece))
    },
    **{
        f"fill value of {count} in {codec.codec_id}": lambda n=count, c=codec: _fill(n, c)  # type: ignore[misc]
        for count in (2, 2 * 10**8, 10**9)
        for codec in (numcodecs.VLenUTF8(), numcodecs.VLenBytes(), numcodecs.VLenArray("<i4"))
    },
    "JSON of a large shape": lambda: _text_chunk(numcodecs.JSON(), b'["a", "|O", [300000000]]'),
    "JSON of large items": lambda: _text_chunk(
        numcodecs.JSON(), json.dumps(["a"] * 100 + ["|S50000000", [100]]).encode()
    ),
    "MsgPack of a large shape": lambda: _text_chunk(
        numcodecs.MsgPack(), b"\x93\xa1a\xa2|O\x91\xce\x11\xe1\xa3\x00"
    ),
    "a filter of large items": lambda: _wide_filter(
        {"id": "astype", "encode_dtype": "|u1", "decode_dtype": "|S50000000"}
    ),
    "labels of large items": lambda: _wide_filter(
        {"id": "categorize", "dtype": "<U12500000", "astype": "u1", "labels": ["a"]}
    ),
    "a shard of 2**30 chunks": _nested_shards,
    "a small frame before a large one": _multiple_frames,
    "items of 2 GiB": lambda: _wide_items("|S2147483647", ""),
    "text of 2 GiB": lambda: _wide_items("<U536870911", ""),
    "void of 2 GiB": lambda: _wide_items("|V2147483647", 0),
}


# -- the script ------------------------------------------------------------------------


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _read(files: dict[str, bytes]) -> str:
    try:
        return f"accepted {zarr.open_array(files, mode='r')[...].shape}"
    except zarr.errors.ZarrError as error:
        return f"{type(error).__name__}: {error}"


def main() -> None:
    for name, make in BOMBS.items():
        files = make()
        # Making some takes as much memory as they would; the child's peak starts anew.
        if pid := os.fork():
            _, status = os.waitpid(pid, 0)
            if status:
                print(json.dumps({"name": name, "said": f"status {status}", "more": 0}))
            continue
        before = _peak()
        said = _read(files)
        print(json.dumps({"name": name, "said": said, "more": _peak() - before}), flush=True)
        os._exit(0)


if __name__ == "__main__":
    main()
