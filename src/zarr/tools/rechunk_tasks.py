"""Blocks of an array that are copied, each by a task that any executor can run."""

from __future__ import annotations

import itertools
import math
import pickle
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeAlias, TypeVar

import numpy as np

from zarr import _formats, config
from zarr._chunks.rechunk_plan import pieces
from zarr._chunks.regions import Region
from zarr._formats.base import join
from zarr._formats.documents import load_json
from zarr._nodes.rechunking import End, Scratch, copy_block
from zarr._selection.grid import find_chunks
from zarr._shared.chunk_cache import forget_below
from zarr.core import Array
from zarr.errors import ZarrError, ZarrRuntimeWarning, warn_user
from zarr.storage.base import BaseStore, Buffer
from zarr.storage.remote import request_apart
from zarr.storage.zip import ZipStore
from zarr.tools.rechunk_hdf5 import Hdf5Array, Hdf5Group, StoredDataset
from zarr.tools.rechunk_journal import Journal

__all__ = ["Source", "Stored", "Task", "check_shared", "run_task", "run_tasks", "unpublished"]

T = TypeVar("T")

_TRIES = 3
_WAITING = 64
"""Tasks on their way to an executor that does not say how many workers it has."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An array as a worker opens it, even before its document is where others find it.

    Attributes
    ----------
    store : BaseStore
    path : str
    version : int or str
        Of the format.
    key : str
        Of the document in the store.
    document : Buffer
    chunk_store : BaseStore, optional
        Of the chunks, if it is another one.
    write_empty_chunks : bool, default False
        Whether to store chunks in which every element equals the fill value.
    """

    store: BaseStore
    path: str
    version: int | str
    key: str
    document: Buffer
    chunk_store: BaseStore | None = None
    write_empty_chunks: bool = False

    @classmethod
    def of(cls, array: Array) -> Stored:
        """Return where `array` is."""
        return cls(
            array._store, array.path, array.zarr_format, array._key, array._document,
            array._chunk_store,
        )  # fmt: skip

    def open(self, read_only: bool) -> Array:
        """Return the array."""
        format = _formats.by_version(self.version)
        if format is None:
            raise ValueError("a stored array has a version")
        return Array._of(
            (format, self.key, self.document), self.store, self.path, read_only,
            self.chunk_store, write_empty_chunks=self.write_empty_chunks, missing="fill",
        )  # fmt: skip


Source: TypeAlias = Stored | StoredDataset


def unpublished(journal: Journal) -> Iterator[Array]:
    """Yield the arrays that an interrupted job was to make and that readers do not see.

    None where the journal is that of another version.
    """
    try:
        plan: Any = journal.read() or {}
        for number, array in enumerate(plan.get("arrays", ())):
            found = journal.document(number)
            if found is None:
                continue  # this array was there before
            key, document = found
            path = join(journal.path, array["path"]) if array["path"] else journal.path
            version = load_json(document, key).get("zarr_format")
            made = Stored(journal.store, path, version, key, document).open(read_only=True)
            if made._format.array_key(path) not in journal.store:
                yield made
    except (ZarrError, LookupError, TypeError):
        return


@dataclass(frozen=True, slots=True)
class Task:
    """One block to be copied.

    Attributes
    ----------
    source : Stored or StoredDataset
    target : Stored
    region : tuple of (int, int)
        Begin and end along each dimension: whole storage units of the target.
    encoded : bool
        Whether chunks are copied as they are.
    items : int
        Most elements of chunks to decode or encode at a time.
    itemsize : int
        Bytes of an element in memory, for counts.
    threads : int
        Most threads that decode and encode chunks at a time.
    done : tuple of BaseStore and str, optional
        Store and key of the marker that tells that the block is there.
    """

    source: Source
    target: Stored
    region: tuple[tuple[int, int], ...]
    encoded: bool
    items: int
    itemsize: int
    threads: int
    done: tuple[BaseStore, str] | None = None

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(end - begin for begin, end in self.region)


def run_alone(task: Task, scratch: Scratch | None = None) -> int:
    """Run a task that is the only one of this process."""
    with config.set(workers=min(task.threads, config.get().workers)):
        return run_task(task, scratch)


def run_task(task: Task, scratch: Scratch | None = None) -> int:
    """Copy a block, then store its marker; return how many elements it has.

    Tasks that run one after the other can share their `scratch`.
    """
    source, target = task.source.open(read_only=True), task.target.open(read_only=False)
    region = tuple(slice(*ends) for ends in task.region)
    if task.encoded and isinstance(source, Array):
        _copy_encoded(source, target, region, task.items)
    elif not region:
        target[...] = source[...]
    else:
        copy_block(End.of(source), End.of(target), region, task.items, scratch or Scratch())
    if task.done is not None:
        store, key = task.done
        store[key] = b"1"
    return task.size


def _copy_encoded(source: Array, target: Array, region: Region, items: int) -> None:
    """Copy chunks as they are, of one grid, from keys or shards to others."""
    here, there = source._current.grid, target._current.grid
    chunks = here.chunks
    # What is written is whole; where that is but a chunk, what is read is whole, too.
    units = here.stored if there.stored == chunks else there.stored
    old, new = source._engine.storage, target._engine.storage
    for piece in pieces(region, units, items, chunks if units == here.stored else None):
        keys = {old.key(coords): new.key(coords) for coords in _places(piece, chunks)}
        found = old.fetch(list(keys))
        new.write({there: found.get(here) for here, there in keys.items()}, {})
    forget_below(target.chunk_store.address(target.path))


def _places(region: Region, chunks: Any) -> Iterator[tuple[int, ...]]:
    """Yield the places of the chunks in `region`."""
    ends = [
        find_chunks(lengths, np.array([part.start, part.stop - 1])).tolist()
        for part, lengths in zip(region, chunks, strict=True)
    ]
    yield from itertools.product(*(range(first, last + 1) for first, last in ends))


def _is_here(executor: Executor | None) -> bool:
    """Tell whether the workers are threads of this process."""
    return executor is None or isinstance(executor, ThreadPoolExecutor)


def check_shared(executor: Executor | None, dest: BaseStore, source: Any) -> None:
    """Raise `ValueError` if workers of `executor` cannot write to `dest`, or read `source`."""
    if executor is None or _is_here(executor):
        return
    sources: tuple[BaseStore, ...] = ()
    if isinstance(source, (Hdf5Array, Hdf5Group)):
        source.check_shared(executor)
    else:
        sources = source._store, source._data_store
    if isinstance(dest, ZipStore):
        message = f"only one process can write to {dest!r}; use threads, or a folder"
        raise ValueError(message)  # noqa: TRY004  its type is right, but not with this executor
    for store in (dest, *sources):
        try:
            there = pickle.loads(pickle.dumps(store))
        except Exception as error:
            raise ValueError(f"{store!r} cannot be sent to the workers: {error}") from error
        if there.location != store.location:
            raise ValueError(
                f"workers of {type(executor).__name__} may be other processes, which do not see "
                f"{store!r}; use threads, or a store on disk or in a network"
            )


def run_tasks(
    tasks: Iterator[Task], executor: Executor | None, finished: Callable[[Task], object]
) -> None:
    """Run tasks, few of them waiting at a time, and call `finished` after each.

    A task whose worker has failed runs again, up to three times. When the executor itself does
    not work any more, what is left runs in this process.

    Raises
    ------
    Exception
        What a task has raised. No task is under way any more.
    """
    if executor is None:
        scratch = Scratch()
        for task in tasks:
            _run_here(task, scratch)
            finished(task)
    elif _is_here(executor):
        with config.set(workers=1):
            _Flow(executor, finished).run(tasks)
    else:
        _Flow(executor, finished).run(tasks)


def _run_here(task: Task, scratch: Scratch) -> None:
    for left in reversed(range(_TRIES)):
        try:
            run_alone(task, scratch)
        except Exception as error:
            if not left or not _may_pass(error):
                raise
        else:
            return


def _may_pass(error: BaseException) -> bool:
    """Tell whether what has failed may work at another try."""
    lasting = isinstance(error, (ZarrError, ValueError, TypeError, NotImplementedError))
    return not lasting or isinstance(error, BrokenExecutor)


class _Flow:
    """Tasks on their way through an executor."""

    def __init__(self, executor: Executor, finished: Callable[[Task], object]) -> None:
        self.executor = executor
        self.finished = finished
        self.is_broken = False
        self._scratch = Scratch()  # for what is left when the pool is broken
        self._answers: SimpleQueue[Future[int]] = SimpleQueue()
        self._under_way: dict[Future[int], tuple[Task, int]] = {}
        workers = getattr(executor, "_max_workers", None)
        # Of several tasks in one process, each has one thread.
        self._run = run_task if _is_here(executor) else run_alone
        self._width = 2 * workers if isinstance(workers, int) else _WAITING
        # Earlier Pythons leave no lock held, and fork processes where there are no threads.
        self._is_asked_apart = _is_here(executor) or sys.version_info >= (3, 14)

    def run(self, tasks: Iterator[Task]) -> None:
        """Run all of `tasks`."""
        try:
            # Of its own, as an interrupt that comes at the end of a loop is not caught around it.
            self._pass_on(tasks)
        except BaseException:
            self._ask(self._stop)
            raise

    def _pass_on(self, tasks: Iterator[Task]) -> None:
        for task in tasks:
            self._submit(task, 1)
            while len(self._under_way) >= self._width:
                self._take_answer()
        while self._under_way:
            self._take_answer()

    def _ask(self, work: Callable[[], T]) -> T:
        """Return ``work()``, which takes locks of the executor.

        On a thread that no interrupt reaches: one that comes when a lock was just taken would
        leave it held, and all who use the executor waiting, the end of the program included.
        """
        return request_apart(work) if self._is_asked_apart else work()

    def _submit(self, task: Task, attempt: int) -> None:
        if not self.is_broken:
            try:
                self._ask(partial(self._begin, task, attempt))
            except BrokenExecutor as error:
                self._note_broken(error)
            else:
                return
        _run_here(task, self._scratch)
        self.finished(task)

    def _begin(self, task: Task, attempt: int) -> None:
        future = self.executor.submit(self._run, task)
        self._under_way[future] = task, attempt
        future.add_done_callback(self._answers.put)

    def _take_answer(self) -> None:
        future = self._answers.get()
        task, attempt = self._under_way.pop(future)
        error = future.exception()
        if error is None:
            self.finished(task)
        elif attempt < _TRIES and _may_pass(error):
            if isinstance(error, BrokenExecutor):
                self._note_broken(error)
            self._submit(task, attempt + 1)
        else:
            raise error

    def _note_broken(self, error: BaseException) -> None:
        if not self.is_broken:
            self.is_broken = True
            warn_user(
                f"a worker of {type(self.executor).__name__} was killed ({error}); the blocks that "
                "are left are copied in this process",
                ZarrRuntimeWarning,
            )

    def _stop(self) -> None:
        """Wait until nothing is under way."""
        for future in self._under_way:
            future.cancel()
        for future in self._under_way:
            with suppress(BaseException):
                future.exception()
