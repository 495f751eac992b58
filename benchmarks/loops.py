"""Bare loops: what the same bytes cost without any library around the codec.

`CodecLoop` calls the codec on one chunk after the other. `Limit` does the same on as many
threads as there are cores, and reads files into memory that it keeps; no library can be much
faster.
"""

from __future__ import annotations

import itertools
import json
import os
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter
from typing import Any, ClassVar, Protocol

import numpy as np
from libraries import Adapter
from rows import CODECS, Layout
from work import Array, Work, member_names

__all__ = ["CodecLoop", "Limit"]

Key = tuple[int, ...]


class Codec(Protocol):
    """What the loops call."""

    def encode(self, buf: Any) -> Any: ...

    def decode(self, buf: Any, out: Any) -> Any: ...


class _Raw:
    """No compression: a copy."""

    def encode(self, buf: Array) -> Array:
        return buf.copy()

    def decode(self, buf: Any, out: Array) -> None:
        np.copyto(out, np.frombuffer(buf, out.dtype, out.size).reshape(out.shape))


class _Gzip:
    """zlib itself, without the class that pretends to be a file."""

    def encode(self, buf: Array) -> bytes:
        return zlib.compress(buf, 5, 31)

    def decode(self, buf: Any, out: Array) -> None:
        _Raw().decode(zlib.decompress(buf, 31, out.nbytes), out)


def _codec(layout: Layout) -> Codec:
    import numcodecs

    config = CODECS[layout.codec]
    if config is None:
        return _Raw()
    return _Gzip() if layout.codec == "gzip" else numcodecs.get_codec(dict(config))


class _Chunks:
    """Encoded chunks of one array, in memory.

    Attributes
    ----------
    scratch : ndarray
        Room for one decoded chunk.
    """

    def __init__(self, layout: Layout) -> None:
        self.codec = _codec(layout)
        self.scratch: Array = np.zeros(layout.chunks, layout.dtype)
        self._values: dict[Key, Any] = {}

    def put(self, key: Key, value: Any) -> None:
        self._values[key] = value

    def get(self, key: Key) -> Any:
        return self._values[key]

    def get_into(self, key: Key, buffer: memoryview) -> Any:
        """Return the bytes of a chunk, in `buffer` if they are to be read."""
        return self._values[key]


class _Files(_Chunks):
    """Encoded chunks, each in a file that is renamed when it is complete."""

    def __init__(self, layout: Layout, folder: Path) -> None:
        super().__init__(layout)
        folder.mkdir()
        self.prefix = f"{folder}/"

    def path(self, key: Key) -> str:
        return self.prefix + ".".join(map(str, key))

    def put(self, key: Key, value: Any) -> None:
        path = self.path(key)
        partial = f"{path}.partial"
        with open(partial, "wb") as file:
            file.write(value)
        os.replace(partial, path)

    def get(self, key: Key) -> Any:
        with open(self.path(key), "rb") as file:
            return file.read()

    def get_into(self, key: Key, buffer: memoryview) -> Any:
        with open(self.path(key), "rb", buffering=0) as file:
            return buffer[: file.readinto(buffer)]  # type: ignore[attr-defined]


class _BareFiles(_Files):
    """Encoded chunks, each in a file that is written in place."""

    def put(self, key: Key, value: Any) -> None:
        with open(self.path(key), "wb", buffering=0) as file:
            file.write(value)


class _OneFile(_Chunks):
    """Encoded chunks, one after the other in one file: an archive without its directory."""

    def __init__(self, layout: Layout, path: Path) -> None:
        super().__init__(layout)
        self._file = open(path, "w+b", buffering=0)  # noqa: SIM115 - as long as this object
        self._lock = threading.Lock()
        self._end = 0

    def put(self, key: Key, value: Any) -> None:
        size = len(value) if isinstance(value, bytes) else value.nbytes
        with self._lock:
            self._values[key] = self._end, size
            self._end += size
        os.pwrite(self._file.fileno(), value, self._values[key][0])

    def get(self, key: Key) -> Any:
        start, size = self._values[key]
        return os.pread(self._file.fileno(), size, start)

    def get_into(self, key: Key, buffer: memoryview) -> Any:
        start, size = self._values[key]
        os.preadv(self._file.fileno(), [buffer[:size]], start)
        return buffer[:size]


class CodecLoop(Adapter):
    """A loop that only calls the codec on the chunks that a row touches.

    It moves encoded bytes from and to a dict or files, and copies nothing into place.
    """

    label = "floor"
    import_line = "import numpy, numcodecs"
    distributions = ("numcodecs", "numpy")
    files: ClassVar[type[_Files]] = _Files
    closing = ()
    lacks: ClassVar = dict.fromkeys(
        ("open", "open_members", "list_members", "open_consolidated", "peak_read", "peak_write",
         "empty"), "nothing for a codec to do",
    )  # fmt: skip

    def create(self, layout: Layout, place: str) -> _Chunks:
        if place == "memory":
            return _Chunks(layout)
        self.clear(layout, place)
        path = Path(self.path(layout, place))
        one_file = place != "directory" or layout.shards is not None
        return _OneFile(layout, path) if one_file else self.files(layout, path)

    def write_all(self, array: _Chunks, work: Work) -> None:
        encode, put = array.codec.encode, array.put
        for key, part in work.selection:
            put(key, encode(part))

    def read_all(self, array: _Chunks, work: Work) -> Any:
        decode, get, scratch = array.codec.decode, array.get, array.scratch
        for key in work.selection:
            decode(get(key), scratch)

    # Whatever is selected, the chunks that it touches are listed before the clock starts.
    points = rows = columns = orthogonal = coordinates = mask = strided = read_all
    regions = chunks = read_all

    def write_blocks(self, array: _Chunks, work: Work) -> None:
        decode, encode = array.codec.decode, array.codec.encode
        get, put, scratch = array.get, array.put, array.scratch
        for key in work.selection:
            decode(get(key), scratch)
            put(key, encode(scratch))

    def append(self, array: _Chunks, work: Work) -> None:
        decode, encode = array.codec.decode, array.codec.encode
        get, put, scratch = array.get, array.put, array.scratch
        for key, part, held in work.selection:
            if held:
                decode(get(key), scratch)
            put(key, encode(part))

    def prepare(self, work: Work) -> Any:
        """Return the chunks that the row touches, in the order of its actions."""
        layout = work.layout
        if work.row.action == "write_all":
            return list(split(layout, work.data))
        if work.row.action == "append":
            parts = list(split(layout, work.data))
            per_chunk = layout.chunks[0] // 8
            return [(*parts[i // per_chunk], i % per_chunk) for i in range(work.row.count)]
        return _touched(work)


class Limit(CodecLoop):
    """The bare loop on all cores, or on one where that is faster, reading into place."""

    label = "limit"
    files = _BareFiles
    lacks: ClassVar = {
        "import_library": "nothing to import",
        "peak_read": "none but the array",
        "peak_write": "none but the array",
    }

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.cores = len(os.sched_getaffinity(0))
        self._pool = ThreadPoolExecutor(self.cores)
        self._width = 0

    def prepare(self, work: Work) -> Any:
        self._width = 0
        return None if work.layout.name in ("empty", "many") else super().prepare(work)

    def _spread(self, job: Callable[[Sequence[Any]], None], items: Sequence[Any]) -> None:
        """Do `job` on as many threads as prove best; the first run, which warms up, tries."""
        if not self._width:
            job(items)
            seconds = {width: _seconds(self._on, job, items, width) for width in (1, self.cores)}
            self._width = min(seconds, key=lambda width: seconds[width])
        self._on(job, items, self._width)

    def _on(self, job: Callable[[Sequence[Any]], None], items: Sequence[Any], width: int) -> None:
        if width == 1:
            job(items)
        else:
            list(self._pool.map(job, [items[i::width] for i in range(width)]))

    def write_all(self, array: _Chunks, work: Work) -> None:
        # Without compression nothing is to be done to the bytes, but memory needs its own.
        raw = isinstance(array.codec, _Raw) and type(array) is not _Chunks
        encode = (lambda part: part) if raw else array.codec.encode

        def write(parts: Sequence[tuple[Key, Array]]) -> None:
            for key, part in parts:
                array.put(key, encode(part))

        self._spread(write, work.selection)

    def read_all(self, array: _Chunks, work: Work) -> Any:
        """Decode into the parts of an array that has the chunks one after the other."""
        layout = work.layout
        if layout.fill:
            return np.full(layout.shape, layout.fill, layout.dtype)
        out = np.empty((len(work.selection), *layout.chunks), layout.dtype)
        raw_files = isinstance(array.codec, _Raw) and type(array) is not _Chunks

        def read(keys: Sequence[tuple[Array, Key]]) -> None:
            buffer = _buffer(layout)
            for part, key in keys:
                if raw_files:
                    array.get_into(key, memoryview(part).cast("B"))
                else:
                    array.codec.decode(array.get_into(key, buffer), part)

        self._spread(read, list(zip(out, work.selection, strict=True)))
        return None

    def _decode(self, array: _Chunks, work: Work) -> None:
        def read(keys: Sequence[Key]) -> None:
            buffer, scratch = _buffer(work.layout), np.empty_like(array.scratch)
            for key in keys:
                array.codec.decode(array.get_into(key, buffer), scratch)

        self._spread(read, work.selection)

    points = rows = columns = orthogonal = coordinates = mask = strided = _decode
    regions = chunks = _decode

    def write_blocks(self, array: _Chunks, work: Work) -> None:
        def rewrite(keys: Sequence[Key]) -> None:
            scratch = np.empty_like(array.scratch)
            for key in keys:
                array.codec.decode(array.get(key), scratch)
                array.put(key, array.codec.encode(scratch))

        self._spread(rewrite, work.selection)

    def create_members(self, layout: Layout, count: int) -> None:
        self.clear(layout, "directory")
        documents = {name: _document(layout) for name in member_names(count)}
        for name, document in documents.items():
            folder = Path(self.path(layout, "directory"), name)
            folder.mkdir(parents=True)
            (folder / ".zarray").write_text(json.dumps(document))
        Path(self.path(layout, "directory"), ".zmetadata").write_text(json.dumps(documents))

    def open_members(self, array: None, work: Work) -> Any:
        folder = self.path(work.layout, "directory")
        return [_load(f"{folder}/{name}/.zarray") for name in member_names(work.row.count)]

    def list_members(self, array: None, work: Work) -> Any:
        return sorted(os.listdir(self.path(work.layout, "directory")))

    def open_consolidated(self, array: None, work: Work) -> Any:
        return _load(f"{self.path(work.layout, 'directory')}/.zmetadata")

    def open(self, array: _Files, work: Work) -> Any:
        path = f"{array.prefix}.zarray"
        Path(path).write_text(json.dumps(_document(work.layout)))
        return [_load(path) for _ in range(work.row.count)]


def _document(layout: Layout) -> dict[str, Any]:
    """Return what format 2 says of an array."""
    return {
        "chunks": list(layout.chunks),
        "compressor": CODECS[layout.codec],
        "dtype": layout.dtype,
        "fill_value": layout.fill,
        "filters": None,
        "order": "C",
        "shape": list(layout.shape),
        "zarr_format": 2,
    }


def _load(path: str) -> Any:
    with open(path, "rb", buffering=0) as file:
        return json.loads(file.read())


def _buffer(layout: Layout) -> memoryview:
    """Return room for any encoded chunk."""
    return memoryview(bytearray(2 * np.dtype(layout.dtype).itemsize * int(np.prod(layout.chunks))))


def _seconds(action: Callable[..., Any], *args: Any) -> float:
    start = perf_counter()
    action(*args)
    return perf_counter() - start


# -- which chunks ---------------------------------------------------------------------


def split(layout: Layout, data: Array) -> Iterator[tuple[Key, Array]]:
    """Yield every chunk's key and its own contiguous part of `data`."""
    for key in itertools.product(*(range(layout.chunks_of(a)) for a in range(data.ndim))):
        region = tuple(slice(i * c, (i + 1) * c) for i, c in zip(key, layout.chunks, strict=True))
        yield key, np.ascontiguousarray(data[region])


def _touched(work: Work) -> list[Key]:
    """Return the keys of the chunks that a row reads, once for each of its actions."""
    layout, chosen = work.layout, work.selection
    chunks = layout.chunks
    everything = [range(layout.chunks_of(axis)) for axis in range(len(chunks))]
    match work.row.action:
        case "points":
            return [tuple(i // c for i, c in zip(p, chunks, strict=True)) for p in chosen]
        case "rows":
            return [(i // chunks[0], *rest) for i in chosen
                    for rest in itertools.product(*everything[1:])]  # fmt: skip
        case "columns":
            return [(i, j // chunks[1]) for j in chosen for i in everything[0]]
        case "orthogonal":
            axes = [np.unique(i // c).tolist() for i, c in zip(chosen, chunks, strict=True)]
            return list(itertools.product(*axes))
        case "coordinates":
            columns = np.stack([i // c for i, c in zip(chosen, chunks, strict=True)])
            return [tuple(key) for key in np.unique(columns, axis=1).T.tolist()]
        case "write_blocks" | "regions" | "chunks":
            axes_of = (
                [range(s.start // c, (s.stop - 1) // c + 1) for s, c in zip(r, chunks, strict=True)]
                for r in chosen
            )
            return [key for axes in axes_of for key in itertools.product(*axes)]
    # A mask of this density and these steps leave no chunk out.
    return list(itertools.product(*everything))
