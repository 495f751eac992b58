"""Nodes of a hierarchy on any store, in any format: create, find, move, measure."""

from __future__ import annotations

import sys
import warnings
from collections.abc import MutableMapping, Sequence
from typing import Any

from zarr import dtypes, formats
from zarr.codecs import step_from
from zarr.errors import ContainsArrayError, ContainsGroupError
from zarr.formats.base import Format
from zarr.grid import Grid, normalize_chunks, normalize_shape
from zarr.metadata import ArrayMeta, ChunkKeys, GroupMeta, Step
from zarr.storage.base import BaseStore, Buffer, Separator, as_store, normalize_storage_path

__all__ = [
    "array_meta",
    "contains_array",
    "contains_group",
    "getsize",
    "init_array",
    "init_group",
    "listdir",
    "rename",
    "rmdir",
]

StoreArgument = BaseStore | MutableMapping[str, Buffer]


def contains_array(store: StoreArgument, path: str | bytes | None = None) -> bool:
    """Return True if the store contains an array at the given logical path."""
    return formats.kind(as_store(store), normalize_storage_path(path)) == "array"


def contains_group(
    store: StoreArgument, path: str | bytes | None = None, explicit_only: bool = True
) -> bool:
    """Return True if the store contains a group at the given logical path."""
    return formats.kind(as_store(store), normalize_storage_path(path)) == "group"


def listdir(store: StoreArgument, path: str | bytes | None = None) -> list[str]:
    """Return the sorted names of all keys and folders directly below a path."""
    return as_store(store).listdir(normalize_storage_path(path))


def rmdir(store: StoreArgument, path: str | bytes | None = None) -> None:
    """Delete everything at and below a path."""
    as_store(store).rmdir(normalize_storage_path(path))


def rename(
    store: StoreArgument, src_path: str | bytes | None, dst_path: str | bytes | None
) -> None:
    """Move everything at and below one path to another."""
    as_store(store).rename(normalize_storage_path(src_path), normalize_storage_path(dst_path))


def getsize(store: StoreArgument, path: str | bytes | None = None) -> int:
    """Return the bytes stored at a path and directly below it, or -1 if that is unknown."""
    return as_store(store).getsize(normalize_storage_path(path))


# -- what a new array is to be ---------------------------------------------------------


def array_meta(
    shape: int | tuple[int, ...],
    chunks: Any = True,
    dtype: Any = None,
    compressor: Any = "default",
    fill_value: Any = None,
    order: str = "C",
    filters: Sequence[Any] | None = None,
    object_codec: Any = None,
    dimension_separator: Separator | None = None,
) -> ArrayMeta:
    """Return what the arguments of a creation function say, checked.

    Parameters
    ----------
    shape, chunks, dtype, compressor, fill_value, order, filters, object_codec,
    dimension_separator
        As :func:`zarr.creation.create` has them.

    Raises
    ------
    ValueError, TypeError
        If an argument makes no sense; the message names it.
    """
    lengths = normalize_shape(shape)
    kind, implied_codec = dtypes.normalize_dtype(dtype)
    if order not in ("C", "F"):
        raise ValueError(f"order must be either 'C' or 'F', found: {order!r}")
    steps = [step_from("filter", codec) for codec in filters or ()]
    if not kind.hasobject:
        if object_codec is not None:
            warnings.warn("an object_codec is only needed for object arrays", FutureWarning, 2)
    elif object_codec is not None or implied_codec is not None:
        steps.insert(0, step_from("filter", object_codec or implied_codec))
    elif not steps:
        raise ValueError("missing object_codec for object array")
    # There is no point in compressing the one value of an array without dimensions.
    steps += _compressor_steps(compressor) if lengths else []
    return ArrayMeta(
        shape=lengths,
        dtype=kind,
        grid=Grid(normalize_chunks(chunks, lengths, kind.itemsize)),
        fill_value=dtypes.normalize_fill_value(fill_value, kind),
        order=order,  # type: ignore[arg-type]
        keys=ChunkKeys(dimension_separator or ".", stated=dimension_separator is not None),
        steps=tuple(steps),
    )


def _compressor_steps(compressor: Any) -> list[Step]:
    if compressor is None or compressor is False:
        return []
    if isinstance(compressor, str) and compressor == "default":
        # Looked up at each call: users change this variable of the public module.
        compressor = sys.modules["zarr.storage"].default_compressor
    return [] if compressor is None else [step_from("compressor", compressor)]


def _store_separator(store: BaseStore, wanted: Separator | None) -> Separator | None:
    if wanted not in (None, ".", "/"):
        raise ValueError(f"dimension_separator must be either '.' or '/', found: {wanted!r}")
    separator = store._dimension_separator
    if separator is None or wanted is None:
        return wanted or separator
    if wanted != separator:
        raise ValueError(
            f"Specified dimension_separator: {wanted!r} conflicts with store's separator: "
            f"{separator!r}"
        )
    return wanted


# -- creating --------------------------------------------------------------------------


def init_array(
    store: StoreArgument,
    shape: int | tuple[int, ...],
    chunks: bool | int | tuple[int | None, ...] | None = True,
    dtype: Any = None,
    compressor: Any = "default",
    fill_value: Any = None,
    order: str = "C",
    overwrite: bool = False,
    path: str | bytes | None = None,
    chunk_store: StoreArgument | None = None,
    filters: Sequence[Any] | None = None,
    object_codec: Any = None,
    dimension_separator: Separator | None = None,
    storage_transformers: Sequence[Any] = (),
    *,
    zarr_version: int | None = None,
) -> None:
    """Write the document of a new array, and those of missing groups above it.

    Parameters
    ----------
    store : BaseStore or MutableMapping
    overwrite : bool, default False
        Whether to delete what is at `path`.
    path : str, optional
        Where in the store.
    chunk_store : BaseStore or MutableMapping, optional
        Where the chunks will be, if not in `store`.
    shape, chunks, dtype, compressor, fill_value, order, filters, object_codec,
    dimension_separator, storage_transformers, zarr_version
        As :func:`zarr.creation.create` has them.

    Raises
    ------
    ContainsArrayError, ContainsGroupError
        If there is something at `path`.

    Examples
    --------
    >>> from zarr.storage import init_array, KVStore
    >>> store = KVStore({})
    >>> init_array(store, shape=100, chunks=10, path='foo')
    >>> sorted(store)
    ['.zgroup', 'foo/.zarray']
    """
    store = as_store(store)
    meta = array_meta(
        shape, chunks, dtype, compressor, fill_value, order, filters, object_codec,
        _store_separator(store, dimension_separator),
    )  # fmt: skip
    create_array_node(
        store,
        normalize_storage_path(path),
        meta,
        formats.by_version(zarr_version) or formats.DEFAULT,
        overwrite,
        None if chunk_store is None else as_store(chunk_store),
    )


def create_array_node(
    store: BaseStore,
    path: str,
    meta: ArrayMeta,
    format: Format,
    overwrite: bool = False,
    chunk_store: BaseStore | None = None,
) -> None:
    """Write the document of a new array with the metadata `meta`."""
    document = format.dump_array(meta)
    _make_room(store, path, format, overwrite, chunk_store)
    store[format.array_key(path)] = document


def init_group(
    store: StoreArgument,
    overwrite: bool = False,
    path: str | bytes | None = None,
    chunk_store: StoreArgument | None = None,
    *,
    zarr_version: int | None = None,
) -> None:
    """Write the document of a new group, and those of missing groups above it.

    Parameters
    ----------
    store : BaseStore or MutableMapping
    overwrite : bool, default False
        Whether to delete what is at `path`.
    path : str, optional
        Where in the store.
    chunk_store : BaseStore or MutableMapping, optional
        Where chunks will be, if not in `store`.
    zarr_version : int, optional

    Raises
    ------
    ContainsArrayError, ContainsGroupError
        If there is something at `path`.
    """
    store = as_store(store)
    path = normalize_storage_path(path)
    format = formats.by_version(zarr_version) or formats.DEFAULT
    document = format.dump_group(GroupMeta())
    _make_room(
        store, path, format, overwrite, None if chunk_store is None else as_store(chunk_store)
    )
    store[format.group_key(path)] = document


def _make_room(
    store: BaseStore, path: str, format: Format, overwrite: bool, chunk_store: BaseStore | None
) -> None:
    """See that nothing is at `path`, and groups are above it."""
    for segment in path.split("/"):
        if format.is_document(segment):
            raise ValueError(f"path {path!r} must not contain {segment!r}, a name of metadata")
    missing = _missing_parents(store, path, format)
    if overwrite:
        format.remove(store, path)
        if chunk_store is not None:
            format.remove(chunk_store, path)
    else:
        there = formats.kind(store, path)
        if there == "array":
            raise ContainsArrayError(path)
        if there == "group":
            raise ContainsGroupError(path)
    if missing:
        store.setitems({key: format.dump_group(GroupMeta()) for key in missing})


def require_parents(store: BaseStore, path: str, format: Format) -> None:
    """Write the documents of groups missing above `path`."""
    missing = _missing_parents(store, path, format)
    store.setitems({key: format.dump_group(GroupMeta()) for key in missing})


def _missing_parents(store: BaseStore, path: str, format: Format) -> list[str]:
    """Return the keys of group documents that must be written above `path`, top first."""
    segments = path.split("/")[:-1] if path else []
    if not path:
        return []
    parents = ["/".join(segments[:n]) for n in range(len(segments) + 1)]
    array_keys = [format.array_key(parent) for parent in parents]
    group_keys = [format.group_key(parent) for parent in parents]
    found = store.getitems(array_keys + group_keys)
    for parent, key in zip(parents, array_keys, strict=True):
        if key in found:
            raise ContainsArrayError(parent)
    return [key for key in group_keys if key not in found]
