"""Datasets and groups of HDF5 files as sources of a rechunking.

h5py lets one thread of a process into the HDF5 library at a time: threads read one after the
other. A worker in another process opens the file itself, by its name, and only to read.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from zarr import _formats
from zarr._chunks.regions import Region
from zarr._nodes.rechunking import mean_bytes
from zarr.errors import warn_user
from zarr.hierarchy import group
from zarr.storage.memory import MemoryStore
from zarr.tools import hdf5, scales
from zarr.tools.copy import new_like

__all__ = ["Hdf5Array", "Hdf5Group", "StoredDataset", "hdf5_node"]

_SAMPLE = 1000


def hdf5_node(node: Any) -> Hdf5Array | Hdf5Group:
    """Return a dataset, a group or a file of h5py as a source."""
    return Hdf5Array(node) if hasattr(node, "shape") else Hdf5Group(node)


class _Hdf5Node:
    """What a dataset and a group have in common with an array and a group of Zarr.

    Parameters
    ----------
    node : h5py.Dataset or h5py.Group
    """

    _format = _formats.DEFAULT
    _is_view = False

    def __init__(self, node: Any) -> None:
        self.node = node
        self.path = node.name.strip("/")
        self._store = self._data_store = MemoryStore()
        self.left_out: list[str] = []

    def __repr__(self) -> str:
        return f"{self.node!r} in {self.node.file.filename!r}"

    @property
    def attrs(self) -> Any:
        """The attributes, read when they are asked for."""
        return SimpleNamespace(asdict=lambda: hdf5.read_attributes(self.node, len))

    def values(self) -> dict[str, int | str]:
        """Return what tells whether the file has changed, as `summary_of` does for a store."""
        path = Path(self.node.file.filename)
        if not path.is_file():  # in memory
            return {"values": 0, "nbytes": 0, "digest": ""}
        found = path.stat()
        return {"values": 1, "nbytes": found.st_size, "digest": str(found.st_mtime_ns)}

    def check_shared(self, executor: Executor) -> None:
        """Raise `ValueError` if workers in other processes cannot open the file."""
        file, workers = self.node.file, type(executor).__name__
        if file.mode != "r":
            raise ValueError(
                f"{file.filename!r} is open for writing, so workers of {workers}, which may be "
                "other processes, cannot open it; open it with mode='r', or use threads"
            )
        if not Path(file.filename).is_file() or file.driver not in ("sec2", "stdio", "windows"):
            raise ValueError(
                f"{file.filename!r} is no plain file (its driver is {file.driver!r}), and workers "
                f"of {workers} may be other processes, which do not see it; use threads"
            )


class Hdf5Group(_Hdf5Node):
    """A group or a file."""

    def items(self) -> Iterator[tuple[str, Hdf5Array | Hdf5Group]]:
        """Yield names and members, but for what no array can hold."""
        for name, node in hdf5.members(self.node, self.left_out.append):
            yield name, hdf5_node(node)
        if self.left_out:
            warn_user(f"not copied: {'; '.join(self.left_out[:10])}")


class Hdf5Array(_Hdf5Node):
    """A dataset; its chunks are those of the file, or some of a useful size where it has none.

    Parameters
    ----------
    node : h5py.Dataset
    file : h5py.File, optional
        Kept open as long as this is in use.
    """

    def __init__(self, node: Any, file: Any = None) -> None:
        super().__init__(node)
        self._file = file
        like = new_like(node, group(MemoryStore()), "a", {}, attributes=False)
        self._current = like._current
        self.shape, self.dtype = like.shape, like.dtype
        self.ndim, self.size, self.nchunks = like.ndim, like.size, like.nchunks
        self.chunks, self.shards, self.fill_value = like.chunks, None, like.fill_value
        said = [self.path, self.shape, str(node.dtype), node.chunks, repr(like.fill_value)]
        self._document = json.dumps(said).encode()

    @property
    def dimension_names(self) -> Any:
        """Names of the dimensions, from their scales."""
        return scales.names_of(self.node)

    def get_basic_selection(self, region: Region, out: Any) -> None:
        """Read a region into `out`."""
        out[...] = hdf5.read(self.node, region)

    def set_basic_selection(self, region: Region, value: Any) -> None:
        """Refuse: this is only a source."""
        raise TypeError(f"{self!r} is only read")

    def __getitem__(self, region: Any) -> Any:
        return hdf5.read(self.node, region)

    def bytes_of_element(self) -> int:
        """Return the bytes of an element in memory; for objects, the mean of some."""
        if not self.dtype.hasobject:
            return max(1, self.dtype.itemsize)
        ends = itertools.chain((1,) * (self.ndim - 1), (_SAMPLE,) * min(self.ndim, 1))
        sample = np.asarray(self[tuple(slice(0, end) for end in ends)] if self.size else [])
        return mean_bytes(sample)


@dataclass(frozen=True, slots=True)
class StoredDataset:
    """A dataset as a worker opens it.

    Attributes
    ----------
    filename : str
    name : str
        Of the dataset in the file.
    array : Hdf5Array or None
        The dataset, in the process that has the file open.
    """

    filename: str
    name: str
    array: Hdf5Array | None = None

    @classmethod
    def of(cls, array: Hdf5Array) -> StoredDataset:
        """Return where `array` is."""
        return cls(str(Path(array.node.file.filename).absolute()), array.node.name, array)

    def open(self, read_only: bool) -> Hdf5Array:
        """Return the dataset."""
        if not read_only:
            raise ValueError("datasets of HDF5 are only read")
        if self.array is not None:
            return self.array
        import h5py

        file = h5py.File(self.filename, "r")
        return Hdf5Array(file[self.name], file)

    def __reduce__(self) -> Any:
        return type(self), (self.filename, self.name)
