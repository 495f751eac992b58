"""One adapter per library: how its users would do the work of each row.

An adapter's method for a row takes the open array and the `Work`, does it, and returns
what there is to check. Imports are inside, for each adapter runs in the environment of
its library alone.
"""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

from rows import CODECS, Layout, Row
from work import Work, block_values, member_names

__all__ = [
    "HDF5",
    "Adapter",
    "Before",
    "Fused",
    "Newest",
    "Ours",
    "Tensorstore",
    "Zarr2",
    "Zarr3",
    "Zarrs",
]


class Adapter:
    """What all libraries share; a subclass makes arrays and does the rows.

    Attributes
    ----------
    label : str
        The library's key in the benchmark.
    lacks : dict
        Rows, actions, layouts and places that the library has not, each with what to say of it.
    closing : tuple of str
        Places where an array that was written is closed, and opened again to be read.
    """

    label: str
    import_line: ClassVar[str]
    distributions: ClassVar[tuple[str, ...]]
    lacks: ClassVar[dict[str, str]] = {}
    closing: ClassVar[tuple[str, ...]] = ("zip",)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def versions(self) -> dict[str, str]:
        """Return the versions of the library and of what it stands on."""
        return {name: version(name) for name in self.distributions}

    def lacking(self, row: Row) -> str:
        """Return why the library takes no part in a row, '' if it does."""
        features = (row.name, row.action, row.layout, row.place)
        return next((self.lacks[name] for name in features if name in self.lacks), "")

    def create(self, layout: Layout, place: str) -> Any:
        """Return an empty array that replaces any of this name."""
        raise NotImplementedError

    def reopen(self, layout: Layout, place: str) -> Any:
        """Return the array that is on disk, to be read."""
        raise NotImplementedError

    def create_members(self, layout: Layout, count: int) -> None:
        """Create a group of so many empty arrays on disk, with consolidated metadata."""
        raise NotImplementedError

    def fill(self, layout: Layout, place: str, write: Callable[[Any], None]) -> Any:
        """Return an array with the data that `write` puts into one that it is given."""
        array = self.create(layout, place)
        write(array)
        return self.finish(array, layout, place)

    def finish(self, array: Any, layout: Layout, place: str) -> Any:
        """Complete what was written; return the array, to be read."""
        self.close(array, place)
        return self.reopen(layout, place) if place in self.closing else array

    def close(self, array: Any, place: str) -> None:
        """Complete what was written, which belongs to the time of writing."""

    def path(self, layout: Layout, place: str) -> str:
        """Return where an array is."""
        suffix = {"zip": ".zip", "sqlite": ".sqlite"}.get(place, "")
        return str(self.folder / f"{layout.name}{suffix}")

    def clear(self, layout: Layout, place: str) -> None:
        """Remove the file or folder of an array."""
        path = Path(self.path(layout, place))
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)

    def read_region(self, array: Any, region: Any) -> Any:
        return array[region]

    def regions(self, array: Any, work: Work) -> Any:
        if work.row.threads == 1:
            return [self.read_region(array, region) for region in work.selection]
        with ThreadPoolExecutor(work.row.threads) as pool:
            return list(pool.map(lambda region: self.read_region(array, region), work.selection))

    chunks = regions

    def import_library(self, array: None, work: Work) -> float:
        """Return the seconds of the import in a fresh interpreter, its start not counted."""
        code = (
            "import time; start = time.perf_counter()\n"
            f"{self.import_line}\n"
            "print(time.perf_counter() - start)"
        )
        command = [sys.executable, "-c", code]
        return float(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)

    def peak_read(self, array: Any, work: Work) -> float:
        """Return the MiB beyond the array that reading it takes at most, in a new process."""
        return self._peak(work)

    peak_write = peak_read

    def _peak(self, work: Work) -> float:
        data = str(self.folder.parent / f"{work.layout.name}.npy")
        here = Path(__file__).with_name("peak.py")
        command = [sys.executable, str(here), self.label, work.row.action, str(self.folder)]
        done = subprocess.run([*command, work.layout.name, str(work.layout.shape[0]), data],
                              stdout=subprocess.PIPE, check=True)  # fmt: skip
        return float(done.stdout)


class _LikeNumPy(Adapter):
    """Libraries whose arrays are read and written as those of NumPy."""

    def write_all(self, array: Any, work: Work) -> None:
        array[...] = work.data

    def read_all(self, array: Any, work: Work) -> Any:
        return array[...]

    def points(self, array: Any, work: Work) -> Any:
        return [array[index] for index in work.selection]

    rows = points

    def columns(self, array: Any, work: Work) -> Any:
        return [array[:, j] for j in work.selection]

    def strided(self, array: Any, work: Work) -> Any:
        return array[::7, ::5]

    def write_blocks(self, array: Any, work: Work) -> None:
        block = block_values(work)
        for region in work.selection:
            array[region] = block


class _ZarrPython(_LikeNumPy):
    """The interface that both lines of zarr-python and this package have in common."""

    import_line = "import zarr"
    distributions = ("zarr", "numcodecs", "numpy")
    format_options: ClassVar[dict[str, Any]] = {}

    def orthogonal(self, array: Any, work: Work) -> Any:
        return array.oindex[work.selection]

    def coordinates(self, array: Any, work: Work) -> Any:
        return array.vindex[work.selection]

    mask = coordinates

    def append(self, array: Any, work: Work) -> Any:
        for start in range(0, work.row.count * 8, 8):
            array.append(work.data[start : start + 8])
        return array

    def open(self, array: Any, work: Work) -> Any:
        import zarr

        path = self.path(work.layout, "directory")
        for _ in range(work.row.count):
            array = zarr.open_array(path, mode="r", **self.format_options)
        return array.shape

    def open_members(self, array: None, work: Work) -> Any:
        group = self._group(work)
        return [group[name].shape for name in member_names(work.row.count)]

    def list_members(self, array: None, work: Work) -> Any:
        return sorted(self._group(work).array_keys())

    def open_consolidated(self, array: None, work: Work) -> Any:
        import zarr

        path = self.path(work.layout, "directory")
        group = zarr.open_consolidated(path, mode="r", **self.format_options)
        return [group[name].shape for name in member_names(work.row.count)]

    def _group(self, work: Work) -> Any:
        raise NotImplementedError

    def close(self, array: Any, place: str) -> None:
        if place == "zip":
            array.store.close()


def _codec(layout: Layout) -> Any:
    import numcodecs

    config = CODECS[layout.codec]
    return None if config is None else numcodecs.get_codec(dict(config))


def _shape(layout: Layout) -> tuple[int, ...]:
    return (0, *layout.shape[1:]) if layout.name == "growing" else layout.shape


class Zarr2(_ZarrPython):
    """zarr-python 2, in memory in whatever store ``zarr.create`` chooses."""

    label = "zarr2"
    lacks: ClassVar = {"sharded": "no shards"}

    def create(self, layout: Layout, place: str) -> Any:
        import zarr

        if place != "memory":
            self.clear(layout, place)
        return zarr.create(
            _shape(layout),
            chunks=layout.chunks,
            dtype=layout.dtype,
            compressor=_codec(layout),
            store=self._store(layout, place, "w"),
            fill_value=layout.fill,
            overwrite=True,
            **self._sharding(layout),
        )

    def _sharding(self, layout: Layout) -> dict[str, Any]:
        return {}

    def _store(self, layout: Layout, place: str, mode: str) -> Any:
        import zarr

        path = self.path(layout, place)
        match place:
            case "zip":
                return zarr.ZipStore(path, mode=mode)
            case "sqlite":
                return zarr.SQLiteStore(path)
        return None if place == "memory" else path

    def reopen(self, layout: Layout, place: str) -> Any:
        import zarr

        return zarr.open_array(self._store(layout, place, "r"), mode="r")

    def create_members(self, layout: Layout, count: int) -> None:
        import zarr

        path = self.path(layout, "directory")
        group = zarr.open_group(path, mode="w")
        for name in member_names(count):
            group.zeros(name, shape=layout.shape, chunks=layout.chunks, dtype=layout.dtype)
        zarr.consolidate_metadata(path)

    def _group(self, work: Work) -> Any:
        import zarr

        return zarr.open_group(self.path(work.layout, "directory"), mode="r")


class Ours(Zarr2):
    """Our package, whose distribution need not be installed."""

    label = "ours"
    lacks: ClassVar = {}

    def versions(self) -> dict[str, str]:
        import zarr

        return {"zarr": zarr.__version__, **{n: version(n) for n in ("numcodecs", "numpy")}}

    def _sharding(self, layout: Layout) -> dict[str, Any]:
        return {} if layout.shards is None else {"shards": layout.shards, "zarr_format": 3}


class Before(Ours):
    """An earlier version of our package."""

    label = "before"


class Zarr3(_ZarrPython):
    """zarr-python 3."""

    label = "zarr3"
    format_options: ClassVar = {"zarr_format": 2}
    lacks: ClassVar = {"sqlite": "no store in SQLite"}

    def create(self, layout: Layout, place: str) -> Any:
        import zarr

        if place != "memory":
            self.clear(layout, place)
        return zarr.create_array(
            self._store(layout, place, "w"),
            shape=_shape(layout),
            chunks=layout.chunks,
            shards=layout.shards,
            dtype=layout.dtype,
            zarr_format=2 if layout.shards is None else 3,
            compressors=self._compressor(layout),
            fill_value=layout.fill,
        )

    def _compressor(self, layout: Layout) -> Any:
        if layout.shards is None:
            return _codec(layout)
        from zarr.codecs import BloscCodec

        return BloscCodec(
            cname="lz4", clevel=5, shuffle="shuffle", typesize=int(layout.dtype[-1]), blocksize=0
        )

    def _store(self, layout: Layout, place: str, mode: Any) -> Any:
        import zarr

        path = self.path(layout, place)
        match place:
            case "zip":
                return zarr.storage.ZipStore(path, mode=mode)
            case "memory":
                return zarr.storage.MemoryStore()
        return path

    def reopen(self, layout: Layout, place: str) -> Any:
        import zarr

        return zarr.open_array(self._store(layout, place, "r"), mode="r")

    def create_members(self, layout: Layout, count: int) -> None:
        import zarr

        path = self.path(layout, "directory")
        group = zarr.create_group(path, overwrite=True, zarr_format=2)
        for name in member_names(count):
            group.create_array(name, shape=layout.shape, chunks=layout.chunks, dtype=layout.dtype)
        zarr.consolidate_metadata(path, zarr_format=2)

    def _group(self, work: Work) -> Any:
        import zarr

        path = self.path(work.layout, "directory")
        return zarr.open_group(path, mode="r", zarr_format=2, use_consolidated=False)


class Newest(Zarr3):
    """The newest zarr-python."""

    label = "newest"


class Fused(Zarr3):
    """The newest zarr-python with its codec pipeline that does without coroutines."""

    label = "fused"
    pipeline = "zarr.core.codec_pipeline.FusedCodecPipeline"

    def __init__(self, folder: Path) -> None:
        import zarr

        super().__init__(folder)
        zarr.config.set({"codec_pipeline.path": self.pipeline})


class Zarrs(Fused):
    """zarrs as the codec pipeline of the newest zarr-python."""

    label = "zarrs"
    import_line = "import zarr, zarrs"
    distributions = ("zarrs", "zarr", "numcodecs", "numpy")
    pipeline = "zarrs.ZarrsCodecPipeline"


class Tensorstore(Adapter):
    """tensorstore, with one context for everything.

    Files are not synced to the disk, as none of the others does by default.
    """

    label = "tensorstore"
    import_line = "import tensorstore"
    distributions = ("tensorstore", "numpy")
    lacks: ClassVar = {
        "sqlite": "no store in SQLite",
        "small-write-zip": "ZIP files can only be read",
        "list_members": "no groups",
        "open_consolidated": "no groups",
    }

    def __init__(self, folder: Path) -> None:
        import tensorstore

        super().__init__(folder)
        self.ts = tensorstore
        self.context = tensorstore.Context({"file_io_sync": False})

    def _spec(self, layout: Layout, place: str) -> dict[str, Any]:
        path = self.path(layout, place)
        kvstore: dict[str, Any] = {"driver": "file", "path": f"{path}/"}
        match place:
            case "memory":
                kvstore = {"driver": "memory", "path": f"{layout.name}/"}
            case "zip":
                kvstore = {"driver": "zip", "base": {"driver": "file", "path": path}}
        return {"driver": "zarr" if layout.shards is None else "zarr3", "kvstore": kvstore}

    def _document(self, layout: Layout) -> dict[str, Any]:
        if layout.shards is not None:
            return _sharded_document(layout)
        return {
            "shape": list(_shape(layout)),
            "chunks": list(layout.chunks),
            "dtype": layout.dtype,
            "compressor": CODECS[layout.codec],
            "fill_value": layout.fill,
        }

    def create(self, layout: Layout, place: str) -> Any:
        return self._create(self._spec(layout, place), self._document(layout))

    def _create(self, spec: dict[str, Any], document: dict[str, Any]) -> Any:
        spec = {**spec, "metadata": document}
        return self.ts.open(spec, create=True, delete_existing=True, context=self.context).result()

    def reopen(self, layout: Layout, place: str) -> Any:
        return self.ts.open(self._spec(layout, place), open=True, context=self.context).result()

    def fill(self, layout: Layout, place: str, write: Callable[[Any], None]) -> Any:
        if place != "zip":
            return super().fill(layout, place, write)
        # It cannot write such a file, so the folder that it wrote is packed.
        write(self.create(layout, "directory"))
        folder = Path(self.path(layout, "directory"))
        with zipfile.ZipFile(self.path(layout, place), "w") as packed:
            for path in sorted(folder.rglob("*")):
                packed.write(path, path.relative_to(folder))
        return self.reopen(layout, place)

    def create_members(self, layout: Layout, count: int) -> None:
        self.clear(layout, "directory")
        document = self._document(layout)
        for name in member_names(count):
            self._create(self._member(layout, name), document)

    def _member(self, layout: Layout, name: str) -> dict[str, Any]:
        path = f"{self.path(layout, 'directory')}/{name}/"
        return {"driver": "zarr", "kvstore": {"driver": "file", "path": path}}

    def write_all(self, array: Any, work: Work) -> None:
        array.write(work.data).result()

    def read_all(self, array: Any, work: Work) -> Any:
        return array.read().result()

    def read_region(self, array: Any, region: Any) -> Any:
        return array[region].read().result()

    def points(self, array: Any, work: Work) -> Any:
        return [array[index].read().result() for index in work.selection]

    def rows(self, array: Any, work: Work) -> Any:
        return [array[i].read().result() for i in work.selection]

    def columns(self, array: Any, work: Work) -> Any:
        return [array[:, j].read().result() for j in work.selection]

    def orthogonal(self, array: Any, work: Work) -> Any:
        return array.oindex[work.selection].read().result()

    def coordinates(self, array: Any, work: Work) -> Any:
        return array.vindex[work.selection].read().result()

    mask = coordinates

    def strided(self, array: Any, work: Work) -> Any:
        return array[::7, ::5].read().result()

    def write_blocks(self, array: Any, work: Work) -> None:
        block = block_values(work)
        for region in work.selection:
            array[region].write(block).result()

    def append(self, array: Any, work: Work) -> Any:
        for start in range(0, work.row.count * 8, 8):
            stop = start + 8
            array = array.resize(exclusive_max=[stop, None]).result()
            array[start:stop].write(work.data[start:stop]).result()
        return array

    def open(self, array: Any, work: Work) -> Any:
        return [self.reopen(work.layout, "directory") for _ in range(work.row.count)][-1].shape

    def open_members(self, array: None, work: Work) -> Any:
        opened = (
            self.ts.open(self._member(work.layout, name), open=True, context=self.context).result()
            for name in member_names(work.row.count)
        )
        return [member.shape for member in opened]


def _sharded_document(layout: Layout) -> dict[str, Any]:
    little = {"name": "bytes", "configuration": {"endian": "little"}}
    blosc = {
        "cname": "lz4", "clevel": 5, "shuffle": "shuffle", "blocksize": 0,
        "typesize": int(layout.dtype[-1]),
    }  # fmt: skip
    sharding = {
        "chunk_shape": list(layout.chunks),
        "codecs": [little, {"name": "blosc", "configuration": blosc}],
        "index_codecs": [little, {"name": "crc32c"}],
        "index_location": "end",
    }
    assert layout.shards is not None
    return {
        "shape": list(layout.shape),
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(layout.shards)}},
        "data_type": {"<u2": "uint16", "<i4": "int32"}[layout.dtype],
        "codecs": [{"name": "sharding_indexed", "configuration": sharding}],
        "fill_value": layout.fill,
    }


class HDF5(_LikeNumPy):
    """h5py: another format, with the same chunks and codecs, in one file."""

    label = "h5py"
    import_line = "import h5py"
    distributions = ("h5py", "hdf5plugin", "numpy")
    lacks: ClassVar = {
        "zip": "another format",
        "sqlite": "another format",
        "sharded": "no shards",
        "orthogonal": "one list of indices at a time",
        "coordinates": "one list of indices at a time",
        "open_consolidated": "another format",
    }
    closing = ("directory",)

    def __init__(self, folder: Path) -> None:
        import h5py

        super().__init__(folder)
        self.h5py = h5py
        self._numbers = itertools.count()

    def _compression(self, layout: Layout) -> dict[str, Any]:
        import hdf5plugin

        match layout.codec:
            case "blosc":
                return dict(hdf5plugin.Blosc(cname="lz4", clevel=5, shuffle=1))
            case "zstd":
                return dict(hdf5plugin.Zstd(clevel=3))
            case "gzip":
                return {"compression": "gzip", "compression_opts": 5}
        return {}

    def _file(self, layout: Layout, place: str) -> Any:
        if place == "memory":
            # A name that is not taken, for HDF5 knows its open files by their names.
            name = f"{layout.name}-{next(self._numbers)}"
            return self.h5py.File(name, "w", driver="core", backing_store=False)
        self.clear(layout, place)
        return self.h5py.File(self.path(layout, place), "w")

    def create(self, layout: Layout, place: str) -> Any:
        return self._file(layout, place).create_dataset(
            "data",
            shape=_shape(layout),
            maxshape=(None,) * len(layout.shape),
            chunks=layout.chunks,
            dtype=layout.dtype,
            fillvalue=layout.fill,
            **self._compression(layout),
        )

    def reopen(self, layout: Layout, place: str) -> Any:
        import hdf5plugin  # noqa: F401 - it registers the codecs

        return self.h5py.File(self.path(layout, place), "r")["data"]

    def close(self, array: Any, place: str) -> None:
        if place in self.closing:
            array.file.close()

    def create_members(self, layout: Layout, count: int) -> None:
        with self._file(layout, "directory") as file:
            for name in member_names(count):
                file.create_dataset(
                    name, layout.shape, layout.dtype, chunks=layout.chunks,
                    **self._compression(layout),
                )  # fmt: skip

    def mask(self, array: Any, work: Work) -> Any:
        return array[work.selection]

    def append(self, array: Any, work: Work) -> Any:
        for start in range(0, work.row.count * 8, 8):
            array.resize(start + 8, axis=0)
            array[start : start + 8] = work.data[start : start + 8]
        return array

    def open(self, array: Any, work: Work) -> Any:
        shape = ()
        for _ in range(work.row.count):
            with self.h5py.File(self.path(work.layout, "directory"), "r") as file:
                shape = file["data"].shape
        return shape

    def open_members(self, array: None, work: Work) -> Any:
        with self.h5py.File(self.path(work.layout, "directory"), "r") as file:
            return [file[name].shape for name in member_names(work.row.count)]

    def list_members(self, array: None, work: Work) -> Any:
        with self.h5py.File(self.path(work.layout, "directory"), "r") as file:
            return sorted(file)
