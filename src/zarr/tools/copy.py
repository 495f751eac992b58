"""Copying arrays and groups between hierarchies, HDF5 files included."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeAlias

import numpy as np

from zarr._chunks.regions import Region, grow, items_in_part
from zarr._codecs.codec_names import step_from
from zarr._formats.base import Format
from zarr._formats.seals import without_seal
from zarr._metadata.records import ArrayMeta, Step
from zarr._selection.grid import Edges, Grid, count_chunks, longest
from zarr._shared.chunk_cache import forget_below
from zarr.core import Array
from zarr.errors import CopyError, warn_user
from zarr.hierarchy import Group
from zarr.storage.nodes import create_array_node
from zarr.tools import hdf5, scales

__all__ = ["Log", "Progress", "Reporter", "Result", "copy", "copy_all", "copy_data"]

Log: TypeAlias = Any
"""A function that takes a line, a path of a file, or a file."""

Progress: TypeAlias = Callable[[int, int, int, int], object]
"""Called with chunks done, chunks in all, bytes done and bytes in all."""

WINDOW_BYTES = 8 << 20
"""Most bytes on their way at a time, unless one chunk is larger."""

_NODE_CHOICES = ("raise", "replace", "skip", "skip_initialized")

Result: TypeAlias = tuple[int, int, int]


def copy(
    source: Any,
    dest: Any,
    name: str | None,
    shallow: bool,
    log: Log,
    dry_run: bool,
    options: Options,
) -> Result:
    """Copy a group or an array into the group `dest`; see `zarr.convenience.copy`."""
    options.check(dest)
    _check_source(source)
    name = (source.name or "").rpartition("/")[2] if name is None else name
    if not name.strip("/"):
        raise TypeError(
            "source has no name, please provide the `name` parameter to indicate a name to copy to"
        )
    with Reporter(log, dry_run) as reporter:
        job = _Job(options, reporter, dry_run)
        job.tracker.expect([source], shallow)
        if _is_array(source):
            job.array(source, dest, name)
        else:
            job.group(source, dest, name, shallow)
        job.finish()
        return reporter.result()


def copy_all(
    source: Any, dest: Any, shallow: bool, log: Log, dry_run: bool, options: Options
) -> Result:
    """Copy all members of a group into `dest`; see `zarr.convenience.copy_all`."""
    options.check(dest)
    _check_source(source)
    if _is_array(source):
        raise TypeError(f"source must be a group to copy all its members, not {source!r}")
    with Reporter(log, dry_run) as reporter:
        job = _Job(options, reporter, dry_run)
        members = _members(source, job.left_out.append)
        job.tracker.expect([node for _, node in members if _is_array(node) or not shallow])
        if not dry_run:
            job.attributes(source, dest)
        job.members(members, dest, shallow)
        job.finish()
        return reporter.result()


class Reporter:
    """Counts what happens, and tells the log."""

    def __init__(self, log: Log, dry_run: bool) -> None:
        self._stack = ExitStack()
        self._write = self._writer(log)
        self._dry_run = dry_run
        self.copied = self.skipped = self.nbytes = 0

    def _writer(self, log: Log) -> Callable[[str], object]:
        if log is None:
            return len  # anything that takes a line and does nothing
        if callable(log):
            return log  # type: ignore[no-any-return]
        if isinstance(log, (str, os.PathLike)):
            file = Path(log).open("w", encoding="utf-8")  # noqa: SIM115  the stack closes it
            log = self._stack.enter_context(file)
        if not callable(getattr(log, "write", None)):
            raise TypeError(
                f"log must be a callable function, file path or file-like object, found {log!r}"
            )
        return lambda line: print(line, file=log)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def copy(self, what: str) -> None:
        """Log that `what` is copied."""
        self._write(f"copy {what}")
        self.copied += 1

    def skip(self, what: str) -> None:
        """Log that `what` is not copied."""
        self._write(f"skip {what}")
        self.skipped += 1

    def say(self, line: str) -> None:
        """Tell the log."""
        self._write(line)

    def result(self) -> Result:
        """Log the end of the copy, and return the counts."""
        counts = f"{self.copied:,} copied, {self.skipped:,} skipped"
        if self._dry_run:
            self._write(f"dry run: {counts}")
        else:
            self._write(f"all done: {counts}, {self.nbytes:,} bytes copied")
        return self.copied, self.skipped, self.nbytes


class Options:
    """What holds for every node that is copied.

    Parameters
    ----------
    if_exists : {'raise', 'replace', 'skip', 'skip_initialized'}
    without_attrs : bool
    create_kws : Mapping
        Arguments for the creation of arrays.
    progress : callable, optional
    """

    def __init__(
        self,
        if_exists: str,
        without_attrs: bool,
        create_kws: Mapping[str, Any],
        progress: Progress | None,
    ) -> None:
        if if_exists not in _NODE_CHOICES:
            raise ValueError(
                f"if_exists must be one of {list(_NODE_CHOICES)!r}; found {if_exists!r}"
            )
        self.if_exists = if_exists
        self.without_attrs = without_attrs
        self.create_kws = create_kws
        self.progress = progress

    def check(self, dest: Any) -> None:
        """Raise `ValueError` unless `dest` is a group that takes a copy with these options."""
        if _is_array(dest) or not callable(getattr(dest, "require_group", None)):
            raise ValueError(f"dest must be a group, got {dest!r}")
        if self.if_exists == "skip_initialized" and hdf5.is_h5py(dest):
            raise ValueError("'skip_initialized' can only be used when copying to zarr")


class _Job:
    """One copy of nodes."""

    def __init__(self, options: Options, reporter: Reporter, dry_run: bool) -> None:
        self.options = options
        self.if_exists = options.if_exists
        self.reporter = reporter
        self.dry_run = dry_run
        self.tracker = _Tracker(None if dry_run else options.progress)
        self.left_out: list[str] = []
        self._named: list[tuple[Any, scales.Names]] = []

    def finish(self) -> None:
        """Name the dimensions of datasets, and warn of what could not be copied."""
        scales.attach(self._named)
        if self.left_out:
            more = f"; and {len(self.left_out) - 10} more" if len(self.left_out) > 10 else ""
            warn_user(f"not copied: {'; '.join(self.left_out[:10])}{more}")

    def members(self, members: Sequence[tuple[str, Any]], dest: Any, shallow: bool) -> None:
        """Copy members of a group into `dest`, None if that would exist only by then."""
        for name, node in members:
            if _is_array(node):
                self.array(node, dest, name)
            elif not shallow:
                self.group(node, dest, name, shallow=False)

    def group(self, source: Any, dest: Any, name: str, shallow: bool) -> None:
        """Copy a group to `name` in `dest`."""
        # Before anything is created: `dest` may lie in `source`.
        members = _members(source, self.left_out.append)
        there = _member(dest, name)
        in_the_way = there is not None and _is_array(there)
        if in_the_way and self.if_exists == "raise":
            raise CopyError(f"an array {name!r} already exists in destination {dest.name!r}")
        if in_the_way and (self.if_exists == "skip" or self._is_complete(there)):
            self.reporter.skip(_label(source))
            self.tracker.skip([source], shallow)
            return
        self.reporter.copy(_label(source))
        if self.dry_run:
            self.members(members, None if in_the_way else there, shallow)
            return
        if in_the_way:
            _check_apart(source, dest, name)
            del dest[name]
        target = dest.require_group(name)
        self.attributes(source, target)
        self.members(members, target, shallow)

    def array(self, source: Any, dest: Any, name: str) -> None:
        """Copy an array to `name` in `dest`."""
        there = _member(dest, name)
        label = f"{_label(source)} {source.shape} {source.dtype}"
        if there is not None and self.if_exists == "raise":
            raise CopyError(f"an object {name!r} already exists in destination {dest.name!r}")
        resumed = self._resumable(source, there)
        if there is not None and self._stays(source, there, resumed):
            self.reporter.skip(label)
            self.tracker.finish(source)
            return
        if there is not None and resumed is None:
            _check_apart(source, dest, name)
        self.reporter.copy(label)
        if self.dry_run:
            return
        target = resumed if resumed is not None else self._create(source, dest, name, there)
        has_document = not isinstance(target, Array) or target._key in target._store
        if has_document:
            self.attributes(source, target)
        transfer = _Transfer(source, target, resumed is not None, self.tracker)
        transfer.run()
        if not has_document:
            # Last, so that a copy that is cut short does not look like an array of fill values.
            target._put_meta(target._current)
            self.attributes(source, target)
        self.reporter.nbytes += transfer.nbytes
        self.tracker.finish(source)

    def _stays(self, source: Any, there: Any, resumed: Array | None) -> bool:
        """Tell whether the existing array or group must not be changed."""
        if self.if_exists == "skip":
            return True
        if self.if_exists == "replace":
            return False
        if not _is_array(there):
            raise CopyError(f"a group {there.name!r} exists where an array would be copied to")
        if resumed is None or hdf5.is_h5py(source):
            return self._is_complete(there)
        return _missing_coords(source, resumed) == []

    def _is_complete(self, there: Any) -> bool:
        return (
            self.if_exists == "skip_initialized"
            and isinstance(there, Array)
            and there.nchunks_initialized == there.nchunks
        )

    def _resumable(self, source: Any, there: Any) -> Array | None:
        """Return the array that is there if an earlier copy like this one can have made it."""
        if self.if_exists != "skip_initialized" or not isinstance(there, Array):
            return None
        wanted = dict(self.options.create_kws)
        if hdf5.is_h5py(source):
            wanted = hdf5.to_zarr(source) | wanted
        dtype = wanted.get("dtype", source.dtype)
        chunks = wanted.get("chunks", source.chunks)
        if there.shape != source.shape or there.dtype != dtype:
            return None
        if isinstance(chunks, (tuple, list)) and there.chunks != tuple(chunks):
            return None
        return there

    def _create(self, source: Any, dest: Any, name: str, there: Any) -> Any:
        kws = dict(self.options.create_kws)
        if hdf5.is_h5py(dest):
            arguments = hdf5.to_hdf5(source, _label(source), kws)
            if there is not None:
                del dest[name]
            return dest.create_dataset(name, **arguments)
        if hdf5.is_h5py(source):
            kws = hdf5.to_zarr(source) | kws
        else:
            meta = None if kws else self._meta_for(source, dest)
            if meta is not None:
                path, chunks = dest._member_path(name), dest._chunk_store
                # One that can be resumed is there from the beginning, as is one with locks
                # between processes, under which each write reads the document.
                locked = dest._synchronizer is not None
                written = locked or self.if_exists == "skip_initialized"
                where = dest._store, path, meta, dest._format, there is not None, chunks, written
                found = dest._change_members(partial(create_array_node, *where))
                return dest._member("array", path, found[2])
            kws = _like(source, dest, kws)
        return dest.create_dataset(name, overwrite=there is not None, **kws)

    def _meta_for(self, source: Array, dest: Group) -> ArrayMeta | None:
        """Return the metadata of a copy; None if the format cannot express them."""
        meta = source._meta
        attributes = None if meta.attributes is None else dict(meta.attributes)
        if self.options.without_attrs:
            attributes = None if attributes is None else {}
        extra = without_seal(meta.extra)  # the copy has none
        meta = replace(meta, steps=_unwrapped(meta.steps), attributes=attributes, extra=extra)
        separator = dest._store._dimension_separator
        if source._format is dest._format:
            if separator is not None:
                meta = replace(meta, keys=replace(meta.keys, separator=separator, stated=True))
            return meta
        separator = separator or (meta.keys.separator if meta.keys.stated else None)
        keys = dest._format.chunk_keys(separator, len(meta.shape))
        meta = replace(meta, keys=keys, extra={}, stated={})
        plain = replace(meta, grid=Grid(meta.grid.largest), sharding=None, dimension_names=None)
        return next((m for m in (meta, plain) if _can_be_said(m, dest._format)), None)

    def attributes(self, source: Any, target: Any) -> None:
        """Copy user attributes, in addition to those of `target`, and the names of dimensions."""
        if self.options.without_attrs:
            return
        attributes, names = self._said_of(source, target)
        if hdf5.is_h5py(target):
            if names is not None:
                self._named.append((target, names))
            hdf5.write_attributes(target, attributes)
            return
        if names is not None:
            meta = target._current
            said = target._format.adopted(replace(meta, attributes={}, dimension_names=names))
            attributes = {**(said.attributes or {}), **attributes}
            if said.dimension_names is not None:
                target._put_meta(replace(meta, dimension_names=said.dimension_names))
        if attributes and {**target.attrs, **attributes} != target.attrs.asdict():
            target.attrs.update(attributes)

    def _said_of(self, source: Any, target: Any) -> tuple[dict[str, Any], scales.Names | None]:
        """Return attributes, and names of dimensions that `target` does not have yet."""
        if hdf5.is_h5py(source):
            names = scales.names_of(source) if _is_array(source) else None
            return hdf5.read_attributes(source, self.left_out.append), names
        attributes = source.attrs.asdict()
        if not isinstance(source, Array):
            return attributes, None
        if hdf5.is_h5py(target):
            free = source._format.freed(replace(source._current, attributes=attributes))
            return dict(free.attributes or {}), free.dimension_names
        lost = target._current.dimension_names is None
        return attributes, source._current.dimension_names if lost else None


def _unwrapped(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Return `steps` with the codec inside the one that a store for N5 puts around it."""
    result = []
    for step in steps:
        if step.name != "n5_wrapper":
            result.append(step)
        elif step.config["compressor_config"] is not None:
            result.append(step_from("compressor", step.config["compressor_config"]))
    return tuple(result)


def _check_source(source: Any) -> None:
    if not isinstance(source, (Array, Group)) and not hdf5.is_h5py(source):
        raise TypeError(
            f"source must be an array or a group of Zarr or h5py, not {type(source).__name__}"
        )


def _is_array(node: Any) -> bool:
    return isinstance(node, Array) or (hdf5.is_h5py(node) and hasattr(node, "shape"))


def _label(node: Any) -> str:
    return node.name or "/"


def _members(group: Any, note: hdf5.Note = len) -> list[tuple[str, Any]]:
    return hdf5.members(group, note) if hdf5.is_h5py(group) else list(group.items())


def _member(group: Any, name: str) -> Any:
    """Return the member of that name, or None."""
    return None if group is None or name not in group else group[name]


def _arrays(nodes: Sequence[Any], shallow: bool) -> Iterator[Any]:
    for node in nodes:
        if _is_array(node):
            yield node
        else:
            members = [member for _, member in _members(node)]
            yield from _arrays([m for m in members if _is_array(m) or not shallow], False)


def _check_apart(source: Any, dest: Any, name: str) -> None:
    """Raise `CopyError` if what is to be replaced is the source, or holds it."""
    if isinstance(source, (Array, Group)) and isinstance(dest, Group):
        path = dest._member_path(name)
        same_place = source._store.location == dest._store.location
        if same_place and f"{source.path}/".startswith(f"{path}/"):
            raise CopyError(f"a copy to {path!r} would replace its own source {source.path!r}")
    elif hdf5.is_h5py(source) and hdf5.is_h5py(dest) and dest[name] == source:
        raise CopyError(f"a copy to {name!r} would replace its own source {source.name!r}")


def _can_be_said(meta: ArrayMeta, format: Format) -> bool:
    try:
        format.dump_array(meta)
    except ValueError:
        return False
    return True


def _like(source: Array, dest: Group, kws: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of `create_dataset` for an array like `source`, `kws` apart."""
    meta = source._meta
    configs = [dict(step.config) for step in _unwrapped(meta.steps)]
    roles = [step.role for step in _unwrapped(meta.steps)]
    by_role = {
        role: [config for config, r in zip(configs, roles, strict=True) if r == role]
        for role in ("filter", "serializer", "compressor")
    }
    like: dict[str, Any] = {
        "shape": meta.shape,
        "dtype": meta.dtype,
        "chunks": meta.chunks if source._format is dest._format else meta.grid.largest,
        "order": meta.order,
        "fill_value": meta.fill_value,
        "filters": by_role["filter"] or None,
    }
    if by_role["serializer"]:
        like["serializer"] = by_role["serializer"][0]
    if not kws.keys() & {"compressor", "compressors", "codecs"}:
        like["compressors"] = by_role["compressor"]
    if meta.keys.stated and dest._store._dimension_separator is None:
        like["dimension_separator"] = meta.keys.separator
    if source._format is dest._format and meta.dimension_names is not None:
        like["dimension_names"] = meta.dimension_names
    return like | kws


class _Tracker:
    """How far a copy is, for a callback."""

    def __init__(self, callback: Progress | None) -> None:
        self.callback = callback
        self.chunks = self.all_chunks = self.nbytes = self.all_nbytes = 0
        self._before = (0, 0)

    def expect(self, nodes: Sequence[Any], shallow: bool = False) -> None:
        """Measure the arrays at and below `nodes`, which are to be copied."""
        if self.callback is not None:
            for array in _arrays(nodes, shallow):
                self.all_chunks += _count_chunks(array)
                self.all_nbytes += _nbytes(array)
            self.tell()

    def skip(self, nodes: Sequence[Any], shallow: bool) -> None:
        """Report everything at and below `nodes` as done or not needed."""
        if self.callback is not None:
            for array in _arrays(nodes, shallow):
                self.finish(array)

    def tell(self) -> None:
        """Call the callback, if there is one."""
        if self.callback is not None:
            self.callback(self.chunks, self.all_chunks, self.nbytes, self.all_nbytes)

    def part(self, array: Any, part: float) -> None:
        """Report the part of `array` that is done."""
        if self.callback is not None:
            chunks, nbytes = self._before
            self.chunks = chunks + int(part * _count_chunks(array))
            self.nbytes = nbytes + int(part * _nbytes(array))
            self.tell()

    def finish(self, array: Any) -> None:
        """Report `array` as done."""
        if self.callback is not None:
            chunks, nbytes = self._before
            self._before = chunks + _count_chunks(array), nbytes + _nbytes(array)
            self.chunks, self.nbytes = self._before
            self.tell()


def _stored_shape(array: Any) -> tuple[int, ...]:
    """Return the shape of what is stored under one key: of a shard, or else of a chunk.

    Where they differ, that of the largest.
    """
    if isinstance(array, Array):
        return tuple(map(longest, array._current.grid.stored))
    return tuple(array.chunks or array.shape)


def _stored_lengths(array: Any) -> tuple[Any, ...]:
    """Return the same where such lengths can differ."""
    return array._current.grid.stored if isinstance(array, Array) else _stored_shape(array)


def _count_chunks(array: Any) -> int:
    lengths = zip(array.shape, _stored_lengths(array), strict=True)
    return math.prod(count_chunks(part, length) for length, part in lengths if part)


def _nbytes(array: Any) -> int:
    return int(math.prod(array.shape) * array.dtype.itemsize)


# -- the data of one array ---------------------------------------------------------------


class _Transfer:
    """The data of one array on their way into another of the same shape.

    Parameters
    ----------
    source, target : Array or h5py.Dataset
    resume : bool
        Whether to leave the chunks alone that `target` has already.
    tracker : _Tracker
    """

    def __init__(self, source: Any, target: Any, resume: bool, tracker: _Tracker) -> None:
        self.source = source
        self.target = target
        self.resume = resume
        self.tracker = tracker
        self.nbytes = 0

    def run(self) -> None:
        """Copy the data, window by window."""
        if _same_encoding(self.source, self.target):
            self._copy_encoded()
        else:
            self._copy_items()
        if not self.resume:
            self.nbytes = _nbytes(self.source)

    def _copy_encoded(self) -> None:
        source, target = self.source, self.target
        old, new = source._data_store, target._data_store
        if self.resume:
            coords: Iterator[tuple[int, ...]] = iter(_missing_coords(source, target))
        else:
            coords = _stored_places(source)
        chunk_nbytes = math.prod(_stored_shape(source)) * source.dtype.itemsize
        per_window = max(1, WINDOW_BYTES // max(1, chunk_nbytes))
        done = 0
        while window := list(itertools.islice(coords, per_window)):
            keys = {source._engine.keys.key(c): target._engine.keys.key(c) for c in window}
            found = old.getitems(list(keys))
            new.setitems({keys[key]: value for key, value in found.items()})
            forget_below(new.address(target.path))
            done += len(window)
            self.nbytes += len(window) * chunk_nbytes
            self.tracker.part(source, min(1.0, done / max(1, _count_chunks(source))))

    def _copy_items(self) -> None:
        stored = self._stored()
        wanted = self._wanted(stored)
        done, size = 0, max(1, math.prod(self.source.shape))
        if stored is None or not _is_sparse(stored, self.source, self.target):
            regions = _regions(self.source, self.target)
        else:
            regions = _regions_around(stored, self.source, self.target)
        for region in regions:
            items = math.prod(part.stop - part.start for part in region)
            if items and wanted(region):
                _write(self.target, region, _read(self.source, region))
                self.nbytes += items * self.source.dtype.itemsize
            done += items
            self.tracker.part(self.source, done / size)

    def _stored(self) -> set[tuple[int, ...]] | None:
        """Return the places of the chunks that are all there is to copy; None if all is."""
        if not isinstance(self.source, Array) or not _same_absence(self.source, self.target):
            return None
        return set(_stored_places(self.source))

    def _wanted(self, stored: set[tuple[int, ...]] | None) -> Callable[[Region], bool]:
        """Return a function that tells whether a region must be copied."""
        tests: list[Callable[[Region], bool]] = []
        if self.resume:
            present = {coords for _, coords in self.target._engine.stored()}
            tests.append(lambda region: not _grid(self.target, region) <= present)
        if stored is not None and len(stored) < _count_chunks(self.source):
            tests.append(lambda region: not _grid(self.source, region).isdisjoint(stored))
        return lambda region: all(test(region) for test in tests)


def copy_data(source: Array, target: Array, encoded: bool) -> int:
    """Copy the data of an array into another of the same shape; return how many bytes.

    Those of `encoded` chunks stay as they are.
    """
    transfer = _Transfer(source, target, False, _Tracker(None))
    if encoded:
        transfer._copy_encoded()
    else:
        transfer._copy_items()
    return transfer.nbytes


def _grid(array: Any, region: Region) -> set[tuple[int, ...]]:
    """Return the places of the chunks of `array` that `region` touches."""
    ranges = [
        range(count_chunks(length, part.start + 1) - 1, count_chunks(length, part.stop))
        for part, length in zip(region, _stored_lengths(array), strict=True)
    ]
    return set(itertools.product(*ranges))


def _stored_places(array: Array) -> Iterator[tuple[int, ...]]:
    """Yield the places of the chunks that an array has.

    Where nothing at all is listed, not even its metadata, the store cannot list, as over HTTP:
    then yield the places of all chunks.
    """
    keys, is_listed = array._engine.keys, False
    for key in array._data_store.list_prefix(array.path):
        is_listed = True
        if (place := keys.place(key)) is not None:
            yield place
    if not is_listed:
        counts = zip(_stored_lengths(array), array.shape, strict=True)
        yield from itertools.product(*(range(count_chunks(*count)) for count in counts))


def _missing_coords(source: Array, target: Array) -> list[tuple[int, ...]]:
    """Return the places of the chunks that `source` has and `target` has not."""
    present = {coords for _, coords in target._engine.stored()}
    stored = list(_stored_places(source))
    if _stored_lengths(source) == _stored_lengths(target):
        return [coords for coords in stored if coords not in present]
    return stored if len(present) < _count_chunks(target) else []


def _same_encoding(source: Any, target: Any) -> bool:
    """Tell whether the bytes of a chunk of one are those of the other."""
    if not isinstance(source, Array) or not isinstance(target, Array):
        return False
    a, b = source._current, target._current
    return (
        a.dtype == b.dtype
        and a.grid == b.grid
        and a.sharding == b.sharding
        and (a.order == b.order or len(a.shape) < 2)
        and a.steps == b.steps
        and _same_fill(source, target)
    )


def _same_fill(source: Any, target: Any) -> bool:
    a, b = source._current.fill_value, target._current.fill_value
    if a is None or b is None:
        return a is b
    if source.dtype.hasobject:
        return bool(np.all(a == b))
    return np.array(a, source.dtype).tobytes() == np.array(b, source.dtype).tobytes()


def _same_absence(source: Array, target: Any) -> bool:
    """Tell whether a chunk that `source` has not need not be written to `target`."""
    if source.fill_value is None:
        return True
    if hdf5.is_h5py(target):
        return hdf5.keeps_fill_value(target, source.fill_value)
    return target.dtype == source.dtype and _same_fill(source, target)


def _read(array: Any, region: Region) -> Any:
    return hdf5.read(array, region) if hdf5.is_h5py(array) else array[region]


def _write(array: Any, region: Region, data: Any) -> None:
    if hdf5.is_h5py(array):
        hdf5.write(array, region, data)
    else:
        array[region] = data


def _regions(source: Any, target: Any) -> Iterator[Region]:
    """Yield regions of whole chunks of `target` that cover it, each of bounded size.

    They grow first along the dimensions in which the chunks of `source` are the longer
    ones, so that each of those is read as seldom as the bound allows.
    """
    box = _box(source, target, _stored_shape(source), source.shape)
    cuts = list(map(_cuts, _stored_lengths(target), source.shape, box))
    yield from itertools.product(*cuts)


def _box(source: Any, target: Any, *aims: tuple[int, ...]) -> list[int]:
    """Return the shape of a region: chunks of `target`, grown towards some shapes."""
    return grow(list(_stored_shape(target)), items_in_part(source.dtype, WINDOW_BYTES), *aims)


def _is_sparse(stored: set[tuple[int, ...]], source: Any, target: Any) -> bool:
    """Tell whether to look only where there are chunks: less than an eighth of the array."""
    alike = all(isinstance(n, int) for n in _stored_lengths(source) + _stored_lengths(target))
    return alike and len(stored) * 8 < _count_chunks(source)


def _regions_around(stored: set[tuple[int, ...]], source: Any, target: Any) -> Iterator[Region]:
    """Yield the regions of whole chunks of `target` in which `stored` chunks of `source` are."""
    chunks = _stored_shape(source)
    box = _box(source, target, chunks)
    places: set[tuple[int, ...]] = set()
    for coords in stored:
        begins = [at * length for at, length in zip(coords, chunks, strict=True)]
        ends = [min(at + n, of) for at, n, of in zip(begins, chunks, source.shape, strict=True)]
        touched = zip(begins, ends, box, strict=True)
        places.update(itertools.product(*(range(a // n, -(-b // n)) for a, b, n in touched)))
    for place in sorted(places):
        bounds = zip(place, box, source.shape, strict=True)
        yield tuple(slice(at * n, min(at * n + n, of)) for at, n, of in bounds)


def _cuts(lengths: int | Edges, length: int, step: int) -> list[slice]:
    """Cut a dimension into parts of whole chunks, of at most `step` items where that can be."""
    if isinstance(lengths, int):
        return [slice(at, min(at + step, length)) for at in range(0, length, step)]
    bounds = [0]
    for end in itertools.accumulate(lengths.cut(length)):
        if len(bounds) > 1 and end - bounds[-2] <= step:
            bounds.pop()
        bounds.append(end)
    return list(itertools.starmap(slice, itertools.pairwise(bounds)))
