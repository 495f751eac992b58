"""Other chunks, shards and codecs for arrays of any size, within bounded memory.

An array is copied block by block; a block consists of whole storage units of what is written, so
that no two blocks share one, and blocks can be copied by any number of workers without locks. The
journal next to the destination (:mod:`zarr.tools.rechunk_journal`) tells which blocks are there.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from zarr import _formats
from zarr._chunks.rechunk_plan import Plan, Stage
from zarr._chunks.regions import Region
from zarr._formats.base import join
from zarr._metadata.records import ArrayMeta
from zarr._nodes.rechunking import bytes_of_element, plans_for
from zarr._selection.grid import find_chunks, first_items
from zarr._shared.changes import changes
from zarr.core import Array
from zarr.errors import ContainsArrayError, ContainsGroupError, CopyError
from zarr.hierarchy import Group
from zarr.storage.base import BaseStore, normalize_storage_path
from zarr.storage.nodes import create_array_node, remove_node, require_parents
from zarr.storage.resolve import Opened
from zarr.tools import hdf5
from zarr.tools.check_report import aligned
from zarr.tools.diff import diff
from zarr.tools.progress import Progress, followed
from zarr.tools.rechunk_hdf5 import Hdf5Array, Hdf5Group, StoredDataset, hdf5_node
from zarr.tools.rechunk_in_place import (
    check_in_place,
    is_same_node,
    opened_for_writing,
    put_in_place,
)
from zarr.tools.rechunk_journal import Journal, fingerprint_of, least_age, summary_of
from zarr.tools.rechunk_outline import Node, Options, outline
from zarr.tools.rechunk_stages import intermediate, tasks_of
from zarr.tools.rechunk_tasks import Source, Stored, Task, check_shared, run_tasks
from zarr.tools.sources import is_group, opened
from zarr.tools.transaction import transaction
from zarr.tools.transfer import same_chunks, same_encoding

__all__ = ["ArrayPlan", "Plan", "Rechunked", "Stage", "rechunk"]

Verify: TypeAlias = Literal["sample", "all"] | None
Lengths: TypeAlias = int | Sequence[Any] | Mapping[str, int]

_UNITS = {"": 0, "k": 1, "M": 2, "G": 3, "T": 4}
_LEAST_SAMPLES, _MOST_SAMPLES = 8, 1000
_LOSSLESS = {
    "blosc", "bytes", "bz2", "crc32c", "gzip", "json2", "lz4", "lzma", "msgpack2", "packbits",
    "pickle", "sharding_indexed", "shuffle", "transpose", "vlen-array", "vlen-bytes", "vlen-utf8",
    "zlib", "zstd",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ArrayPlan:
    """How one array is copied.

    Attributes
    ----------
    path : str
        Path relative to what is copied.
    chosen : Plan
        The cheapest of the candidates: its `name`, its `stages` and the estimated `seconds`.
    candidates : tuple of Plan
        All that were looked at, the cheapest first.
    """

    path: str
    chosen: Plan
    candidates: tuple[Plan, ...]


@dataclass(frozen=True, slots=True)
class Rechunked:
    """What :func:`zarr.rechunk` has done, or would do; printed as a table of the plans.

    Attributes
    ----------
    plans : tuple of ArrayPlan
        One for each array.
    blocks : int
        Number of blocks that were copied.
    found : int
        Number of blocks that an earlier call had copied.
    nbytes : int
        Bytes in memory of the blocks that were copied.
    """

    plans: tuple[ArrayPlan, ...]
    blocks: int = 0
    found: int = 0
    nbytes: int = 0

    def __str__(self) -> str:
        head = ("array", "plan", "blocks", "shape of a block", "read", "written", "times", "s")
        rows = [
            (
                f"/{array.path}", f"{'*' if plan is array.chosen else ' '}{plan.name}",
                f"{stage.blocks}", f"{stage.block}", f"{stage.nbytes_read}",
                f"{stage.nbytes_written}", f"{stage.reads}", f"{stage.seconds:.3g}",
            )
            for array in self.plans
            for plan in array.candidates
            for stage in plan.stages
        ]  # fmt: skip
        return "\n".join(aligned([head, *rows]))


def rechunk(
    source: Any,
    dest: Any = None,
    chunks: Lengths | None = None,
    shards: Lengths | None = None,
    *,
    compressor: Any = "auto",
    compressors: Any = "auto",
    filters: Any = "auto",
    serializer: Any = "auto",
    codecs: Sequence[Any] | None = None,
    options: Mapping[str, Mapping[str, Any] | None] | None = None,
    zarr_format: int | None = None,
    memory: int | str = "256MB",
    executor: Executor | None = None,
    resume: bool = True,
    overwrite: bool = False,
    verify: Verify = "sample",
    progress: Progress | bool | None = None,
    dry_run: bool = False,
    path: str = "",
    dest_path: str = "",
) -> Rechunked:
    """Copy an array, or all that is in a group, with other chunks, shards or codecs.

    The memory of each worker is bounded, whatever the size of the array. An array is copied block
    by block, directly or by way of intermediate arrays, whichever is estimated to be faster. A
    call that was interrupted goes on where it was when it is repeated. The arrays and groups
    become visible only when all their data are there.

    Parameters
    ----------
    source : Array, Group, store, str or path-like
        An array or group, or the store, path or URL of one; also a dataset, group or file of
        h5py, or the path of an HDF5 file.
    dest : Array, Group, store, str or path-like, optional
        What is to hold the copy: a store, a path or a URL, or a group for `dest_path` in it. An
        array of the same shape and dtype is filled as it is. By default, or where it is the
        source, arrays are replaced in place, which takes a store with transactions.
    chunks : int, tuple of int or of lists of int, or Mapping of str to int, optional
        Shape of a chunk, as in :func:`zarr.create`; or lengths by names of dimensions, for arrays
        that have these dimensions. As in the source by default.
    shards : int, tuple of int or of lists of int, or Mapping of str to int, optional
        Shape of a shard. Without `chunks` and `shards` those of the source stay; with `chunks`
        alone there are none.
    compressor : codec or None, default 'auto'
        The compressor, or None for chunks that are not compressed. 'auto': as in the source.
    compressors : codec or sequence of codec, default 'auto'
        The same, with the name that the 3.x library gave it.
    filters : sequence of codec, default 'auto'
        Codecs before the compressor. 'auto': as in the source.
    serializer : codec, default 'auto'
        Codec of format 3 that makes bytes of a chunk. 'auto': as in the source.
    codecs : sequence of codec, optional
        All codecs of format 3, in place of the four before.
    options : Mapping of str to Mapping or None, optional
        Arguments from `chunks` to `codecs` for some arrays of a group, by pattern of their
        paths, such as ``{'ocean/*': {'chunks': (12, 90)}, 'time': None}``. The first pattern that
        matches counts; its values replace those of this call. With None, an array stays as it is.
    zarr_format : int, optional
        Format of what is made, 2 or 3. By default that of the hierarchy in which it is; otherwise
        that of the source, or 3 if the options need it.
    memory : int or str, default '256MB'
        Bytes that each worker may use, beyond those that Python and libraries take.
    executor : concurrent.futures.Executor, optional
        What runs the copies of blocks: a pool of threads or processes of the standard library or of
        loky, `mpi4py.futures`, ``dask.distributed.Client().get_executor()``. By default blocks are
        copied one after the other, each with the threads that reading and writing have anyway.
    resume : bool, default True
        Whether to go on with an earlier call that was interrupted. If False, it starts again.
    overwrite : bool, default False
        Whether to replace what is at the destination. An interrupted call with the same arguments
        is still resumed.
    verify : {'sample', 'all'} or None, default 'sample'
        What to compare at the end, before the result becomes visible: parts of one in a hundred
        chunks, at least eight; or all elements. Arrays with codecs that may lose information
        are not compared.
    progress : callable or bool, optional
        Function that is called with four numbers: blocks done, all blocks, bytes done, all bytes.
        True draws a bar, on a terminal or in a notebook, if rich is installed.
    dry_run : bool, default False
        Whether to return the plans without writing anything.
    path : str, optional
        Path in `source`. The root by default.
    dest_path : str, optional
        Path in `dest`. The root by default.

    Returns
    -------
    Rechunked
        The plans, and numbers of blocks. Printed, it is a table of all candidates.

    Raises
    ------
    PathNotFoundError
        If there is nothing at `path` in `source`.
    ContainsArrayError, ContainsGroupError
        If there is an array or group at the destination and `overwrite` is False.
    CopyError
        If the call that was interrupted had other options, or the source has changed since; or if
        the copy differs from the source.
    ValueError
        If `dest` overlaps with the source; if arrays cannot be replaced in place; if an option is
        invalid; if `memory` does not suffice for one chunk; if workers in other processes cannot
        reach a store.
    TransactionError
        If, in place, another transaction takes longer than 30 seconds. Repeat the call.
    TypeError
        If `source` is no array or group of Zarr.

    Notes
    -----
    While it runs, ``__rechunk`` below the destination holds the plan, a marker for each block
    that is done, and intermediate arrays; other libraries ignore it. A block that fails because
    its worker does is copied again.

    Blocks consist of whole chunks, or shards, of what is written: no two workers write to one, so
    no locks are needed. Chunks in which all elements are equal to the fill value are not stored.
    Where chunks stay and only shards change, chunks are copied without decoding.

    In place, the new arrays are made below ``__rechunk``, and one transaction (see
    :func:`zarr.transaction`) replaces all of them, with the copies in consolidated metadata. Until
    then the old ones are complete, and the store needs room for both. Arrays whose chunks and
    codecs stay are left alone. An array that is changed meanwhile, or its attributes, is an error.
    Other handles on the arrays than `source` must be opened again.

    Examples
    --------
    >>> import numpy as np
    >>> import zarr
    >>> days = zarr.array(np.arange(60000).reshape(100, 20, 30), chunks=(1, 20, 30))
    >>> places = zarr.open_group('places.zarr', mode='w')
    >>> done = zarr.rechunk(days, places, chunks=(100, 5, 5), dest_path='t')
    >>> done.blocks, places['t'].chunks, places['t'][50, 1, 2]
    (1, (100, 5, 5), np.int64(30032))

    In place:

    >>> done = zarr.rechunk(places['t'], chunks=(10, 20, 30))
    >>> places['t'].chunks
    (10, 20, 30)
    """
    nbytes = _parse_memory(memory)
    if verify not in ("sample", "all", None):
        raise ValueError(f"verify must be 'sample', 'all' or None, not {verify!r}")
    given: dict[str, Any] = {
        "compressor": compressor, "compressors": compressors, "filters": filters,
        "serializer": serializer,
    }  # fmt: skip
    layout = {name: value for name, value in given.items() if not _is_auto(value)}
    layout |= {"chunks": chunks, "shards": shards, "codecs": codecs}
    with ExitStack() as stack:
        node = stack.enter_context(opened(source, path))
        node = hdf5_node(node) if hdf5.is_h5py(node) else node
        _check_source(node, dest)
        in_place = dest is None or is_same_node(node, dest, dest_path)
        if in_place:
            node = opened_for_writing(stack, source, path)
            dest, dest_path = node._store, node.path
        store, inside = _destination(stack, node, dest, dest_path, in_place)
        existing = dest if isinstance(dest, Array) else None
        job = _Job(node, existing, store, inside, nbytes, in_place)
        job.outline(zarr_format, layout, options or {})
        plans = job.plan()
        if dry_run or (in_place and not plans):
            return Rechunked(plans)
        check_shared(executor, store, node)
        callback = stack.enter_context(followed(progress, "rechunking"))
        job.begin(resume, overwrite)
        return job.run(executor, callback, verify)


def _is_auto(value: Any) -> bool:
    return isinstance(value, str) and value == "auto"


def _parse_memory(memory: int | str) -> int:
    """Return a number of bytes, given as such or with a unit."""
    if isinstance(memory, (int, np.integer)) and not isinstance(memory, bool) and memory > 0:
        return int(memory)
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kMGT]?)(i?)B?\s*", str(memory))
    if isinstance(memory, str) and found is not None and float(found[1]) > 0:
        return int(float(found[1]) * (1024 if found[3] else 1000) ** _UNITS[found[2]])
    raise ValueError(f"memory must be a number of bytes, or text such as '256MB', not {memory!r}")


def _check_source(node: Any, dest: Any) -> None:
    if isinstance(node, (Hdf5Array, Hdf5Group)):
        if dest is None:
            raise ValueError("dest is required for a source in HDF5")
        return
    if not isinstance(node, (Array, Group)):
        raise TypeError(
            "source must be an array or group of Zarr or h5py, or its store, not "
            f"{type(node).__name__}"
        )
    if node._is_view:
        raise TypeError("source must not be a view of an array; zarr.array copies views")


def _destination(
    stack: ExitStack, source: Any, dest: Any, dest_path: str, in_place: bool
) -> tuple[BaseStore, str]:
    """Return store and path of what is made."""
    if isinstance(dest, (Array, Group)):
        store, path = dest._store, join(dest.path, normalize_storage_path(dest_path))
        if isinstance(dest, Array) and dest_path:
            raise ValueError(f"dest is an array, which has nothing at dest_path={dest_path!r}")
    else:
        store, path = stack.enter_context(Opened(dest, "a")), normalize_storage_path(dest_path)
    path = path.strip("/")
    store.check_writeable()
    if store.is_view:
        raise ValueError(f"{store!r} presents another format as Zarr; zarr.copy_all copies to it")
    if not store.is_erasable():
        raise ValueError(f"nothing can be deleted in {store!r}, as the journal must be at the end")
    if source._store.location == store.location and not in_place:
        one, other = (f"/{at}/".replace("//", "/") for at in (source.path, path))
        if one.startswith(other) or other.startswith(one):
            raise ValueError(f"dest path {path!r} overlaps with source path {source.path!r}")
    return store, path


@dataclass(frozen=True, slots=True)
class _ArrayJob:
    """One array to be copied.

    Attributes
    ----------
    number : int
        In the order of the nodes.
    path : str
    source : Stored or StoredDataset
    target : Stored
    shape : tuple of int
    itemsize : int
        Bytes of an element in memory, an estimate for objects.
    plan : ArrayPlan
    """

    number: int
    path: str
    source: Source
    target: Stored
    shape: tuple[int, ...]
    itemsize: int
    plan: ArrayPlan

    @property
    def stages(self) -> int:
        """Number of passes; none over an array without elements."""
        return len(self.plan.chosen.stages) if math.prod(self.shape) else 0


class _Job:
    """All that one call does.

    Parameters
    ----------
    source : Array or Group
    existing : Array or None
        The destination, if it exists and is to be filled.
    store, path : BaseStore, str
        Of the destination.
    memory : int
        Bytes for each worker.
    in_place : bool
        Whether the source is to be replaced.
    """

    def __init__(
        self,
        source: Any,
        existing: Array | None,
        store: BaseStore,
        path: str,
        memory: int,
        in_place: bool,
    ) -> None:
        self.source, self.existing, self.in_place = source, existing, in_place
        self.store, self.path, self.memory = store, path, memory
        self.journal = Journal(store, path)
        self.arrays: list[_ArrayJob] = []
        self.done: set[str] = set()

    # -- what is to be done ----------------------------------------------------------

    def outline(
        self, zarr_format: int | None, layout: Options, options: Mapping[str, Options | None]
    ) -> None:
        """Find out what is to be made."""
        if self.existing is None:
            self.format, self.nodes = outline(
                self.source, self.store, self.path, zarr_format, layout, options
            )
            if self.in_place:
                self._leave_alone()
            return
        there = self.existing
        if zarr_format is not None or options or any(v is not None for v in layout.values()):
            raise ValueError("dest is an array, whose chunks and codecs cannot be chosen")
        if is_group(self.source) or self.source.shape != there.shape:
            raise ValueError(
                f"dest is an array of shape {there.shape}, expected one of the shape of the "
                f"source, {getattr(self.source, 'shape', 'a group')}"
            )
        if self.source.dtype != there.dtype:
            raise ValueError(f"dest has dtype {there.dtype}, expected {self.source.dtype}")
        there._check_writeable()
        self.format = there._format
        self.nodes = [Node("", "array", {"": bytes(there._document)}, self.source)]

    def _leave_alone(self) -> None:
        """Leave groups, and arrays of which nothing changes, as they are.

        Raises
        ------
        ValueError, ReadOnlyError
            If what changes cannot be replaced.
        """
        format = self.source._format
        if self.format is not format:
            raise ValueError(
                f"{self.source!r} has format {format.version}, which stays in place, and the "
                f"options need format {self.format.version}; zarr.convert changes the format"
            )
        arrays = [node for node in self.nodes if node.kind == "array"]
        scratch = [(node, self._target(0, node).open(read_only=True)) for node in arrays]
        self.nodes = [node for node, made in scratch if not same_encoding(node.source, made)]
        check_in_place(self.source, [node.source for node in self.nodes])

    def plan(self) -> tuple[ArrayPlan, ...]:
        """Choose how each array is copied."""
        nodes = [node for node in self.nodes if node.kind == "array"]
        self.arrays = [self._planned(number, node) for number, node in enumerate(nodes)]
        return tuple(array.plan for array in self.arrays)

    def _planned(self, number: int, node: Node) -> _ArrayJob:
        read = node.source
        stored = self._target(number, node)
        target = stored.open(read_only=True)
        source: Source
        if isinstance(read, Array):
            source, encoded = Stored.of(read), same_chunks(read, target)
            itemsize = bytes_of_element(read)
        else:
            source, encoded, itemsize = StoredDataset.of(read), False, read.bytes_of_element()
        found = plans_for(read, target, self.memory, itemsize, encoded)
        plan = ArrayPlan(node.path, found[0], tuple(found))
        return _ArrayJob(number, node.path, source, stored, read.shape, itemsize, plan)

    def _target(self, number: int, node: Node) -> Stored:
        """Return the array to be made, which workers find by its document in the journal."""
        if self.existing is not None:
            return Stored.of(self.existing)
        path = join(self.path, node.path) if node.path else self.path
        if self.in_place:
            path = self.journal.new(node.path)
        key = self.journal.document_key(number)
        return Stored(self.store, path, self.format.version, key, node.document)

    # -- the journal ------------------------------------------------------------------

    def begin(self, resume: bool, overwrite: bool) -> None:
        """Begin the job, or go on with one that was interrupted.

        Raises
        ------
        CopyError
            If the journal is that of another job, or the source has changed.
        ContainsArrayError, ContainsGroupError
            If something is there.
        """
        before = self.journal.read() if resume else None
        mine = self._description()
        if before is not None and before.get("fingerprint") == mine["fingerprint"]:
            self._check_unchanged(before, mine["source_values"], self.journal)
            self.done = self.journal.done()
            return
        if before is not None and not overwrite:
            raise CopyError(
                f"rechunking to {self.path or '/'!r} in {self.store!r} was begun from another "
                "source, or with other options; resume=False starts again"
            )
        self._make_room(overwrite)
        for array in self.arrays:
            self.store[array.target.key] = array.target.document
        self.journal.begin(mine)

    def _description(self) -> dict[str, Any]:
        """Return what the journal holds of this job."""
        arrays = [
            {
                "path": array.path,
                "stages": [
                    {"block": stage.block, "chunks": stage.chunks, "blocks": stage.blocks}
                    for stage in array.plan.chosen.stages
                ],
            }
            for array in self.arrays
        ]
        made = {
            f"{node.path}/{name}": hashlib.sha256(document).hexdigest()
            for node in self.nodes
            for name, document in node.documents.items()
        }
        read = [
            (node.path, hashlib.sha256(bytes(node.source._document)).hexdigest())
            for node in self.nodes
            if node.kind == "array"
        ]
        source = self.source
        if isinstance(source, (Hdf5Array, Hdf5Group)):
            place, values = source.node.file.filename, source.values()
        else:
            stores = dict.fromkeys((source._store, source._data_store))
            place, values = source._store, summary_of(stores, source.path)
        return {
            "fingerprint": fingerprint_of([arrays, made, read, self.in_place]),
            "source": f"{source!r} in {place!r}",
            "source_values": values,
            "in_place": self.in_place,
            "arrays": arrays,
        }

    def _check_unchanged(self, plan: Mapping[str, Any], values: Any, journal: Journal) -> None:
        """Raise `CopyError` if values of the source have changed since the job began."""
        same = plan.get("source_values") == values
        since = journal.age()
        store = journal.store if self.in_place else self.source._data_store
        if same and since is not None and store.is_listable():
            same = least_age(store, self.source.path) >= since
        if not same:
            raise CopyError(
                f"the source {self.source!r} has changed since rechunking to {self.path or '/'!r} "
                "was begun; resume=False starts again"
            )

    def _make_room(self, overwrite: bool) -> None:
        """Delete what is there if it may be replaced."""
        self.journal.delete()
        if self.existing is not None or self.in_place:
            return
        found = _formats.find_node(self.store, self.path)
        if found is not None and not overwrite:
            error = ContainsArrayError if found[0] == "array" else ContainsGroupError
            raise error(self.path, repr(self.store), "replace it with overwrite=True")
        if found is not None:
            remove_node(self.store, self.path, found[1][0])
        for array in self.arrays:
            meta = array.target.open(read_only=True)._current
            create_array_node(
                self.store, array.target.path, meta, self.format, overwrite=False, written=False
            )

    # -- the work ----------------------------------------------------------------------

    def run(self, executor: Executor | None, progress: Any, verify: Verify) -> Rechunked:
        """Copy all blocks that are not there, check some, and publish what was made."""
        counter = _Counter(self.arrays, progress)
        single = [array for array in self.arrays if array.stages == 1]
        tasks = itertools.chain.from_iterable(self._tasks(array, 0, counter) for array in single)
        run_tasks(tasks, executor, counter.add)
        for array in self.arrays:
            if array.stages > 1:
                self._run_stages(array, executor, counter)
        for array in self.arrays:
            _verify(array, verify)
        if self.in_place:
            self._replace()
        else:
            if self.existing is None:
                self._publish()
            self.journal.delete()
        changes.note(self.store.address(self.path))
        plans = tuple(array.plan for array in self.arrays)
        return Rechunked(plans, counter.blocks, counter.found, counter.nbytes)

    def _run_stages(self, array: _ArrayJob, executor: Executor | None, counter: _Counter) -> None:
        """Copy an array by way of intermediate arrays."""
        for number, stage in enumerate(array.plan.chosen.stages):
            if stage.chunks is not None:
                made = self._intermediate(array, number)
                self.store[made.key] = made.document
            run_tasks(self._tasks(array, number, counter), executor, counter.add)
        for number in range(array.stages - 1):
            self.store.rmdir(self.journal.intermediate(array.number, number))

    def _intermediate(self, array: _ArrayJob, number: int) -> Stored:
        """Return the intermediate array that a stage writes."""
        chunks = array.plan.chosen.stages[number].chunks or ()
        path = self.journal.intermediate(array.number, number)
        return intermediate(array.source.open(read_only=True), self.store, path, chunks)

    def _tasks(self, array: _ArrayJob, number: int, counter: _Counter) -> Iterator[Task]:
        """Yield the tasks of a stage whose blocks are not there."""
        plan = array.plan.chosen
        stage = plan.stages[number]
        source = array.source if number == 0 else self._intermediate(array, number - 1)
        target = array.target if stage.chunks is None else self._intermediate(array, number)
        encoded = plan.name == "encoded"
        tasks = tasks_of(stage, source, target, self.memory, array.itemsize, encoded)
        for at, task in enumerate(tasks):
            name = f"{array.number}.{number}.{at}"
            if name in self.done:
                counter.skip(task)
            else:
                yield replace(task, done=self.journal.marker(name))

    def _replace(self) -> None:
        """Put the new arrays into the places of those they were made from, all at once."""
        with transaction(self.store) as begun:
            journal = Journal(begun.store, self.path)
            # Nobody else changes the store from now on.
            values = summary_of([begun.store], self.source.path)
            self._check_unchanged(journal.read() or {}, values, journal)
            pairs: Any = [(array.source, array.target) for array in self.arrays]
            put_in_place(begun.store, pairs)
            begun.store.rmdir(journal.folder)
        if isinstance(self.source, Array):
            self.source._reload()

    def _publish(self) -> None:
        """Store the metadata, those of the root last."""
        require_parents(self.store, self.path, self.format)
        for node in sorted(self.nodes, key=lambda node: -node.path.count("/") - bool(node.path)):
            path = join(self.path, node.path) if node.path else self.path
            for name, document in node.documents.items():
                key = join(path, name)
                self.store.check_document(key, document)
                self.store[key] = document
            changes.note(self.store.address(path))


class _Counter:
    """How far the job is, for a callback."""

    def __init__(self, arrays: Sequence[_ArrayJob], callback: Any) -> None:
        self.callback = callback
        self.blocks = self.found = self.nbytes = 0
        self._found_nbytes = 0
        stages = [(array, stage) for array in arrays for stage in array.plan.chosen.stages]
        self._all = sum(stage.blocks for _, stage in stages)
        self._all_nbytes = sum(math.prod(array.shape) * array.itemsize for array, _ in stages)
        self._tell()

    def add(self, task: Task) -> None:
        """Count a block that was copied."""
        self.blocks += 1
        self.nbytes += task.size * task.itemsize
        self._tell()

    def skip(self, task: Task) -> None:
        """Count a block that is there."""
        self.found += 1
        self._found_nbytes += task.size * task.itemsize
        self._tell()

    def _tell(self) -> None:
        if self.callback is not None:
            done = self.nbytes + self._found_nbytes
            self.callback(self.blocks + self.found, self._all, done, self._all_nbytes)


# -- comparing ---------------------------------------------------------------------------


def _verify(array: _ArrayJob, verify: Verify) -> None:
    """Compare what was made with the source.

    Raises
    ------
    CopyError
        If they differ.
    """
    source, target = array.source.open(read_only=True), array.target.open(read_only=True)
    if verify is None or not source.size or not _is_lossless(target._current):
        return
    if verify == "all":
        found = diff(getattr(source, "node", source), target, attributes=False)
        if not found.equal:
            raise CopyError(f"array /{array.path} differs from its source: {found}")
        return
    for region in _samples(source, target):
        found = diff(np.asarray(source[region]), np.asarray(target[region]))
        if not found.equal:
            raise CopyError(f"array /{array.path} differs from its source in {region}: {found}")


def _is_lossless(meta: ArrayMeta) -> bool:
    return all(step.name.removeprefix("numcodecs.") in _LOSSLESS for step in meta.steps)


def _samples(source: Any, target: Array) -> Iterator[Region]:
    """Yield parts of one chunk of the source each, and of one chunk of the target: of 1 in 100."""
    chooser = random.Random(0)  # noqa: S311  NumPy's is imported when it is first used
    number = min(max(_LEAST_SAMPLES, source.nchunks // 100), _MOST_SAMPLES)
    grids = list(zip(source._current.grid.chunks, target._current.grid.chunks, strict=True))
    for _ in range(number):
        place = [chooser.randrange(length) for length in source.shape]
        yield tuple(
            slice(*_common(pair, at, length))
            for pair, at, length in zip(grids, place, source.shape, strict=True)
        )


def _common(grids: Sequence[Any], at: int, length: int) -> tuple[int, int]:
    """Return begin and end of what two chunks share that both have element `at`."""
    ends = []
    for lengths in grids:
        chunk = find_chunks(lengths, np.int64(at))
        begin, end = first_items(lengths, np.array([chunk, chunk + 1])).tolist()
        ends.append((begin, end))
    return max(begin for begin, _ in ends), min(length, *(end for _, end in ends))
