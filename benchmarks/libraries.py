"""One adapter per library: how its users would do the work of each row.

An adapter's method for a row takes the open array and the `Work`, does it, and returns
what there is to check. Imports are inside, for each adapter runs in the environment of
its library alone.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from rows import BLOSC, Array, Layout, Work, block_values

__all__ = ["ADAPTERS", "Adapter", "CodecLoop", "split"]


class Adapter:
    """What all libraries share; a subclass makes arrays and does the rows."""

    import_line: ClassVar[str]
    distributions: ClassVar[tuple[str, ...]]

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def versions(self) -> dict[str, str]:
        """Return the versions of the library and of what it stands on."""
        return {name: version(name) for name in self.distributions}

    def create(self, layout: Layout, place: str) -> Any:
        """Return an empty array that replaces any of this name."""
        raise NotImplementedError

    def import_library(self, array: None, work: Work) -> float:
        """Return the seconds of the import in a fresh interpreter, its start not counted."""
        code = (
            "import time; start = time.perf_counter()\n"
            f"{self.import_line}\n"
            "print(time.perf_counter() - start)"
        )
        command = [sys.executable, "-c", code]
        return float(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


class _ZarrPython(Adapter):
    """The interface that both lines of zarr-python and this package have in common."""

    import_line = "import zarr"
    distributions = ("zarr", "numcodecs", "numpy")

    def _open(self, path: str) -> Any:
        raise NotImplementedError

    def write_all(self, array: Any, work: Work) -> None:
        array[...] = work.data

    def read_all(self, array: Any, work: Work) -> Any:
        return array[...]

    def points(self, array: Any, work: Work) -> Any:
        return [array[index] for index in work.selection]

    def rows(self, array: Any, work: Work) -> Any:
        return [array[i] for i in work.selection]

    def orthogonal(self, array: Any, work: Work) -> Any:
        return array.oindex[work.selection]

    def coordinates(self, array: Any, work: Work) -> Any:
        return array.vindex[work.selection]

    def mask(self, array: Any, work: Work) -> Any:
        return array.vindex[work.selection]

    def strided(self, array: Any, work: Work) -> Any:
        return array[::7, ::5]

    def write_blocks(self, array: Any, work: Work) -> None:
        block = block_values(work.layout)
        for region in work.selection:
            array[region] = block

    def append(self, array: Any, work: Work) -> Any:
        for start in range(0, work.row.count * 8, 8):
            array.append(work.data[start : start + 8])
        return array

    def open(self, array: Any, work: Work) -> Any:
        path = str(self.folder / work.layout.name)
        return [self._open(path) for _ in range(work.row.count)][-1].shape


class Zarr2(_ZarrPython):
    """zarr-python 2, and this package, in whatever store ``zarr.create`` chooses."""

    def create(self, layout: Layout, place: str) -> Any:
        import numcodecs

        import zarr

        return zarr.create(
            self._shape(layout),
            chunks=layout.chunks,
            dtype=layout.dtype,
            compressor=numcodecs.get_codec(dict(BLOSC)),
            store=str(self.folder / layout.name) if place == "directory" else None,
            overwrite=True,
        )

    def _shape(self, layout: Layout) -> tuple[int, ...]:
        return (0, *layout.shape[1:]) if layout.name == "growing" else layout.shape

    def _open(self, path: str) -> Any:
        import zarr

        return zarr.open_array(path, mode="r")


class Ours(Zarr2):
    """Our package, whose distribution need not be installed."""

    def versions(self) -> dict[str, str]:
        import zarr

        return {"zarr": zarr.__version__, **{n: version(n) for n in ("numcodecs", "numpy")}}


class Zarr3(_ZarrPython):
    """zarr-python 3."""

    def create(self, layout: Layout, place: str) -> Any:
        import numcodecs

        import zarr

        growing = layout.name == "growing"
        return zarr.create_array(
            str(self.folder / layout.name) if place == "directory" else zarr.storage.MemoryStore(),
            shape=(0, *layout.shape[1:]) if growing else layout.shape,
            chunks=layout.chunks,
            dtype=layout.dtype,
            zarr_format=2,
            compressors=numcodecs.get_codec(dict(BLOSC)),
            fill_value=0,
            overwrite=True,
        )

    def _open(self, path: str) -> Any:
        import zarr

        return zarr.open_array(path, mode="r", zarr_format=2)


class Tensorstore(Adapter):
    """tensorstore's driver for version 2, with one context for everything.

    Files are not synced to the disk, as none of the others does by default.
    """

    import_line = "import tensorstore"
    distributions = ("tensorstore", "numpy")

    def __init__(self, folder: Path) -> None:
        import tensorstore

        super().__init__(folder)
        self.ts = tensorstore
        self.context = tensorstore.Context({"file_io_sync": False})

    def _kvstore(self, layout: Layout, place: str) -> dict[str, str]:
        if place == "directory":
            return {"driver": "file", "path": f"{self.folder / layout.name}/"}
        return {"driver": "memory", "path": f"{layout.name}/"}

    def create(self, layout: Layout, place: str) -> Any:
        growing = layout.name == "growing"
        document = {
            "shape": [0, *layout.shape[1:]] if growing else list(layout.shape),
            "chunks": list(layout.chunks),
            "dtype": layout.dtype,
            "compressor": BLOSC,
            "fill_value": 0,
        }
        spec = {"driver": "zarr", "kvstore": self._kvstore(layout, place), "metadata": document}
        return self.ts.open(spec, create=True, delete_existing=True, context=self.context).result()

    def write_all(self, array: Any, work: Work) -> None:
        array.write(work.data).result()

    def read_all(self, array: Any, work: Work) -> Any:
        return array.read().result()

    def points(self, array: Any, work: Work) -> Any:
        return [array[index].read().result() for index in work.selection]

    def rows(self, array: Any, work: Work) -> Any:
        return [array[i].read().result() for i in work.selection]

    def orthogonal(self, array: Any, work: Work) -> Any:
        return array.oindex[work.selection].read().result()

    def coordinates(self, array: Any, work: Work) -> Any:
        return array.vindex[work.selection].read().result()

    def mask(self, array: Any, work: Work) -> Any:
        return array.vindex[work.selection].read().result()

    def strided(self, array: Any, work: Work) -> Any:
        return array[::7, ::5].read().result()

    def write_blocks(self, array: Any, work: Work) -> None:
        block = block_values(work.layout)
        for region in work.selection:
            array[region].write(block).result()

    def append(self, array: Any, work: Work) -> Any:
        for start in range(0, work.row.count * 8, 8):
            stop = start + 8
            array = array.resize(exclusive_max=[stop, None]).result()
            array[start:stop].write(work.data[start:stop]).result()
        return array

    def open(self, array: Any, work: Work) -> Any:
        spec = {"driver": "zarr", "kvstore": self._kvstore(work.layout, "directory")}
        opened = [
            self.ts.open(spec, open=True, context=self.context).result()
            for _ in range(work.row.count)
        ]
        return opened[-1].shape


class CodecLoop(Adapter):
    """The floor: a loop that only calls the codec on the chunks that a row touches.

    It moves encoded bytes from and to a dict or files, and copies nothing into place.
    """

    import_line = "import numpy, numcodecs"
    distributions = ("numcodecs", "numpy")

    def __init__(self, folder: Path) -> None:
        import numcodecs

        super().__init__(folder)
        self.codec = numcodecs.get_codec(dict(BLOSC))

    def create(self, layout: Layout, place: str) -> Any:
        folder = self.folder / layout.name if place == "directory" else None
        return _Chunks(layout, folder)

    def write_all(self, array: _Chunks, work: Work) -> None:
        encode = self.codec.encode
        put = array.put
        for key, part in work.selection:
            put(key, encode(part))

    def read_all(self, array: _Chunks, work: Work) -> None:
        decode, get, scratch = self.codec.decode, array.get, array.scratch
        for key in work.selection:
            decode(get(key), scratch)

    # Whatever is selected, the chunks that it touches are listed before the clock starts.
    points = rows = orthogonal = coordinates = mask = strided = read_all

    def write_blocks(self, array: _Chunks, work: Work) -> None:
        decode, encode = self.codec.decode, self.codec.encode
        get, put, scratch = array.get, array.put, array.scratch
        for key in work.selection:
            decode(get(key), scratch)
            put(key, encode(scratch))

    def append(self, array: _Chunks, work: Work) -> None:
        decode, encode = self.codec.decode, self.codec.encode
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


class _Chunks:
    """Encoded chunks of one array, in a dict or in files.

    Attributes
    ----------
    get, put : callable
        ``get(key)`` returns bytes, ``put(key, value)`` keeps them.
    scratch : ndarray
        Room for one decoded chunk.
    """

    def __init__(self, layout: Layout, folder: Path | None) -> None:
        values: dict[tuple[int, ...], bytes] = {}
        self.scratch: Array = np.zeros(layout.chunks, layout.dtype)
        self.get: Callable[[tuple[int, ...]], bytes] = values.__getitem__
        self.put: Callable[[tuple[int, ...], bytes], None] = values.__setitem__
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            self._prefix = f"{folder}/"
            self.get, self.put = self._read_file, self._write_file

    def _path(self, key: tuple[int, ...]) -> str:
        return self._prefix + ".".join(map(str, key))

    def _read_file(self, key: tuple[int, ...]) -> bytes:
        with open(self._path(key), "rb") as file:
            return file.read()

    def _write_file(self, key: tuple[int, ...], value: bytes) -> None:
        path = self._path(key)
        partial = f"{path}.partial"
        with open(partial, "wb") as file:
            file.write(value)
        os.replace(partial, path)


def split(layout: Layout, data: Array) -> Iterator[tuple[tuple[int, ...], Array]]:
    """Yield every chunk's key and its own contiguous part of `data`."""
    for key in itertools.product(*(range(layout.chunks_of(a)) for a in range(data.ndim))):
        region = tuple(slice(i * c, (i + 1) * c) for i, c in zip(key, layout.chunks, strict=True))
        yield key, np.ascontiguousarray(data[region])


def _touched(work: Work) -> list[tuple[int, ...]]:
    """Return the keys of the chunks that a row reads, once for each of its actions."""
    layout, chosen = work.layout, work.selection
    chunks = layout.chunks
    everything = [range(layout.chunks_of(axis)) for axis in range(len(chunks))]
    match work.row.action:
        case "points":
            return [tuple(i // c for i, c in zip(p, chunks, strict=True)) for p in chosen]
        case "rows":
            return [(i // chunks[0], j) for i in chosen for j in everything[1]]
        case "orthogonal":
            axes = [np.unique(i // c).tolist() for i, c in zip(chosen, chunks, strict=True)]
            return list(itertools.product(*axes))
        case "coordinates":
            columns = np.stack([i // c for i, c in zip(chosen, chunks, strict=True)])
            return [tuple(key) for key in np.unique(columns, axis=1).T.tolist()]
        case "write_blocks":
            axes_of = (
                [range(s.start // c, (s.stop - 1) // c + 1) for s, c in zip(r, chunks, strict=True)]
                for r in chosen
            )
            return [key for axes in axes_of for key in itertools.product(*axes)]
    # A mask of this density and these steps leave no chunk out.
    return list(itertools.product(*everything))


ADAPTERS: dict[str, type[Adapter]] = {
    "ours": Ours,
    "floor": CodecLoop,
    "zarr2": Zarr2,
    "zarr3": Zarr3,
    "tensorstore": Tensorstore,
}
