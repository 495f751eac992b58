"""Copying arrays and groups between hierarchies, HDF5 files included."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeAlias

from zarr._codecs.codec_names import step_from
from zarr._formats.base import Format
from zarr._formats.seals import without_seal
from zarr._metadata.records import ArrayMeta, Step
from zarr._selection.grid import Grid
from zarr._wording import counted
from zarr.core import Array
from zarr.errors import CopyError, warn_user
from zarr.hierarchy import Group
from zarr.storage.nodes import create_array_node
from zarr.tools import hdf5, scales
from zarr.tools.progress import Progress, Tracker
from zarr.tools.transfer import Transfer, missing_coords

__all__ = [
    "Log", "Reporter", "Result", "copy", "copy_all", "new_like",
]  # fmt: skip

Log: TypeAlias = Any
"""A function that takes a line, a path of a file, or a file."""

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
        job.tracker.expect(_arrays([source], shallow))
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
        nodes = [node for _, node in members if _is_array(node) or not shallow]
        job.tracker.expect(_arrays(nodes, False))
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
            self._write(f"all done: {counts}, {counted(self.nbytes, 'byte', spec=',')} copied")
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
        self.tracker = Tracker(None if dry_run else options.progress)
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
            self.tracker.skip(_arrays([source], shallow))
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
        transfer = Transfer(source, target, resumed is not None, partial(self.tracker.part, source))
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
        return missing_coords(source, resumed) == []

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


def new_like(
    source: Array,
    dest: Group,
    name: str,
    create_kws: Mapping[str, Any],
    attributes: bool = True,
) -> Array:
    """Create an array like `source` in `dest`, without its data.

    Parameters
    ----------
    create_kws : Mapping
        Arguments for the creation of the array that are to differ.
    attributes : bool, default True
        Whether to copy attributes.
    """
    options = Options("replace", not attributes, create_kws, None)
    job = _Job(options, Reporter(None, False), False)
    target: Array = job._create(source, dest, name, None)
    if target._key not in target.store:
        target._put_meta(target._current)
    job.attributes(source, target)
    return target


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
