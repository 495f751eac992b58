"""Nodes of a hierarchy on any store, in any format: create, find, move, measure."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from zarr import dtypes, formats
from zarr.chunk_cache import forget_below
from zarr.codecs import named, step_from
from zarr.errors import ContainsArrayError, ContainsGroupError
from zarr.formats.base import Format, check_attributes
from zarr.formats.v1 import V1
from zarr.grid import lists_chunks, normalize_chunks, normalize_grid, normalize_shape
from zarr.metadata import ArrayMeta, GroupMeta, Step
from zarr.storage.base import BaseStore, Buffer, Separator, as_store, normalize_storage_path

__all__ = [
    "NamedOptions",
    "array_meta",
    "contains_array",
    "contains_group",
    "getsize",
    "init_array",
    "init_group",
    "is_auto",
    "is_sharding",
    "listdir",
    "migrate_1to2",
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
    place, below = as_store(store), normalize_storage_path(path)
    place.rmdir(below)
    forget_below(place.location, below)


def rename(
    store: StoreArgument, src_path: str | bytes | None, dst_path: str | bytes | None
) -> None:
    """Move everything at and below one path to another."""
    place = as_store(store)
    source, dest = normalize_storage_path(src_path), normalize_storage_path(dst_path)
    place.rename(source, dest)
    forget_below(place.location, source)
    forget_below(place.location, dest)


def getsize(store: StoreArgument, path: str | bytes | None = None) -> int:
    """Return the bytes stored at a path and directly below it, or -1 if that is unknown."""
    return as_store(store).getsize(normalize_storage_path(path))


# -- what a new array is to be ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NamedOptions:
    """The arguments of creation functions that only version 3 of the format gave a meaning.

    Attributes
    ----------
    compressors : codec, sequence of codecs, None or 'auto'
        Applied to the bytes of a chunk; 'auto' leaves it to the argument `compressor`.
    serializer : codec or 'auto'
        Makes bytes of a chunk.
    codecs : sequence of codecs, optional
        All codecs, in place of filters, serializer and compressors.
    shards : int, tuple of int, or 'auto', optional
        Shape of a shard.
    chunk_key_encoding : str or Mapping, optional
    dimension_names : sequence of str or None, optional
    attributes : Mapping, optional
    """

    compressors: Any = "auto"
    serializer: Any = "auto"
    codecs: Sequence[Any] | None = None
    shards: Any = None
    chunk_key_encoding: Any = None
    dimension_names: Sequence[str | None] | None = None
    attributes: Mapping[str, Any] | None = None

    @property
    def default_format(self) -> Format:
        """The format of a new array for which none is given: the first that has all of this."""
        needs_names = not is_auto(self.serializer) or any(
            option is not None
            for option in (self.codecs, self.shards, self.chunk_key_encoding, self.dimension_names)
        )
        return formats.NAMED if needs_names else formats.DEFAULT


def is_auto(argument: Any) -> bool:
    """Tell whether `argument` leaves a choice to the library."""
    return isinstance(argument, str) and argument == "auto"


def is_sharding(serializer: Any) -> bool:
    """Tell whether `serializer` puts chunks together in shards, compressing each for itself."""
    return not is_auto(serializer) and step_from("serializer", serializer).name == named.SHARDING


def array_meta(
    shape: int | tuple[int, ...],
    chunks: Any = True,
    dtype: Any = None,
    compressor: Any = "default",
    fill_value: Any = None,
    order: str = "C",
    filters: Any = None,
    object_codec: Any = None,
    dimension_separator: Separator | None = None,
    options: NamedOptions = NamedOptions(),
    format: Format = formats.DEFAULT,
) -> ArrayMeta:
    """Return what the arguments of a creation function say, checked.

    Parameters
    ----------
    shape, chunks, dtype, compressor, fill_value, order, filters, object_codec,
    dimension_separator
        As :func:`zarr.creation.create` has them.
    options : NamedOptions
        More of them.
    format : Format
        Of the new array.

    Raises
    ------
    ValueError, TypeError
        If an argument makes no sense; the message names it.
    """
    lengths = normalize_shape(shape)
    kind, implied_codec = dtypes.normalize_dtype(dtype)
    if order not in ("C", "F"):
        raise ValueError(f"order must be either 'C' or 'F', found: {order!r}")
    if not kind.hasobject and object_codec is not None:
        warnings.warn("an object_codec is only needed for object arrays", FutureWarning, 2)
        object_codec = None
    # There is no point in compressing the one value of an array without dimensions.
    if not is_auto(options.compressors) and not _is_default(compressor):
        raise ValueError("compressor and compressors mean the same thing; give one of them")
    compressors = _compressor_steps(compressor) if lengths else []
    steps = _steps(filters, object_codec or implied_codec, compressors, options)
    if kind.hasobject and all(step.role == "compressor" for step in steps):
        raise ValueError("missing object_codec for object array")
    return ArrayMeta(
        shape=lengths,
        dtype=kind,
        grid=normalize_grid(
            True if is_auto(chunks) else chunks, options.shards, lengths, kind.itemsize
        ),
        fill_value=dtypes.normalize_fill_value(fill_value, kind),
        order=order,  # type: ignore[arg-type]
        keys=format.chunk_keys(dimension_separator, len(lengths), options.chunk_key_encoding),
        steps=tuple(steps),
        attributes=check_attributes(options.attributes or {}),
        dimension_names=None if options.dimension_names is None else tuple(options.dimension_names),
    )


def _steps(
    filters: Any, object_codec: Any, compressors: list[Step], options: NamedOptions
) -> list[Step]:
    """Return the codecs in their order."""
    if options.codecs is not None:
        if _listed(filters) or not all(map(is_auto, (options.serializer, options.compressors))):
            raise ValueError(
                "codecs are all there are; give no filters, serializer or compressors beside them"
            )
        configs = [dict(step_from("compressor", codec).config) for codec in options.codecs]
        return list(named.parse_codecs(configs))
    steps = [step_from("filter", codec) for codec in _listed(filters)]
    if not is_auto(options.serializer):
        steps.append(step_from("serializer", options.serializer))
    elif object_codec is not None:
        # Only codecs of version 3 can take objects.
        at = next((i for i, step in enumerate(steps) if "id" in step.config), len(steps))
        steps.insert(at, step_from("filter", object_codec))
    if is_auto(options.compressors):
        return steps if is_sharding(options.serializer) else steps + compressors
    return steps + [step_from("compressor", codec) for codec in _listed(options.compressors)]


def _listed(codecs: Any) -> Sequence[Any]:
    if codecs is None or is_auto(codecs):
        return ()
    return codecs if isinstance(codecs, (list, tuple)) else (codecs,)


def _is_default(compressor: Any) -> bool:
    return isinstance(compressor, str) and compressor == "default"


def _compressor_steps(compressor: Any) -> list[Step]:
    if compressor is None or compressor is False:
        return []
    if _is_default(compressor):
        # Looked up at each call: users change this variable of the public module.
        compressor = sys.modules["zarr.storage"].default_compressor
    return [] if compressor is None else [step_from("compressor", compressor)]


def _shards_of(transformers: Sequence[Any], chunks: Any, options: NamedOptions) -> NamedOptions:
    """Return `options` with the shards that a storage transformer of the 2.x library means."""
    if options.shards is not None or len(transformers) > 1:
        raise ValueError("storage_transformers and shards say the same; give one of them")
    (transformer,) = transformers
    counts = getattr(transformer, "chunks_per_shard", None)
    if counts is None:
        raise ValueError(f"storage transformer {transformer!r} is not known")
    counts = (counts,) if isinstance(counts, int) else tuple(counts)
    if len(counts) != len(chunks) or any(count < 1 for count in counts):
        raise ValueError(
            f"chunks_per_shard {counts} must be {len(chunks)} positive integers, one for each "
            "dimension"
        )
    return replace(
        options, shards=tuple(n * count for n, count in zip(chunks, counts, strict=True))
    )


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
    chunks: Any = True,
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
    options: NamedOptions = NamedOptions(),
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
    options : NamedOptions, optional
        More of them.

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
    if storage_transformers:
        lengths = normalize_shape(shape)
        chunks = normalize_chunks(chunks, lengths, dtypes.normalize_dtype(dtype)[0].itemsize)
        options = _shards_of(storage_transformers, chunks, options)
    version = store.default_version if zarr_version is None else zarr_version
    default = formats.NAMED if lists_chunks(chunks) else options.default_format
    format = formats.by_version(version) or default
    meta = array_meta(
        shape, chunks, dtype, compressor, fill_value, order, filters, object_codec,
        _store_separator(store, dimension_separator), options, format,
    )  # fmt: skip
    create_array_node(
        store,
        normalize_storage_path(path),
        meta,
        format,
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
    store.check_document(format.array_key(path), document)
    _make_room(store, path, format, overwrite, chunk_store)
    attrs_key = format.attrs_key(path)
    if meta.attributes and attrs_key != format.array_key(path):
        store[attrs_key] = format.dump_attrs(meta.attributes, None)
    store[format.array_key(path)] = document


def init_group(
    store: StoreArgument,
    overwrite: bool = False,
    path: str | bytes | None = None,
    chunk_store: StoreArgument | None = None,
    *,
    zarr_version: int | None = None,
    attributes: Mapping[str, Any] | None = None,
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
        Format.
    attributes : Mapping, optional
        User attributes.

    Raises
    ------
    ContainsArrayError, ContainsGroupError
        If there is something at `path`.
    """
    store = as_store(store)
    path = normalize_storage_path(path)
    version = store.default_version if zarr_version is None else zarr_version
    format = formats.by_version(version) or formats.DEFAULT
    given = check_attributes(attributes or {})
    document = format.dump_group(GroupMeta(given))
    store.check_document(format.group_key(path), document)
    _make_room(
        store, path, format, overwrite, None if chunk_store is None else as_store(chunk_store)
    )
    attrs_key = format.attrs_key(path)
    if given and attrs_key != format.group_key(path):
        store[attrs_key] = format.dump_attrs(given, None)
    store[format.group_key(path)] = document


def remove_node(
    store: BaseStore, path: str, format: Format, chunk_store: BaseStore | None = None
) -> None:
    """Delete the node at `path` with all below it."""
    for place in (store, *([] if chunk_store is None else [chunk_store])):
        format.remove(place, path)
        forget_below(place.location, path)


def move_node(
    store: BaseStore, source: str, dest: str, format: Format, chunk_store: BaseStore | None = None
) -> None:
    """Move the node at `source` with all below it to `dest`."""
    for place in (store, *([] if chunk_store is None else [chunk_store])):
        format.move(place, source, dest)
        forget_below(place.location, source)
        forget_below(place.location, dest)


def _make_room(
    store: BaseStore, path: str, format: Format, overwrite: bool, chunk_store: BaseStore | None
) -> None:
    """See that nothing is at `path`, and groups are above it."""
    for segment in path.split("/"):
        if format.is_document(segment):
            raise ValueError(f"path {path!r} must not contain {segment!r}, a name of metadata")
    missing = _missing_parents(store, path, format)
    if overwrite:
        remove_node(store, path, format, chunk_store)
    else:
        there = formats.kind(store, path)
        if there == "array":
            raise ContainsArrayError(path)
        if there == "group":
            raise ContainsGroupError(path)
    if missing:
        store.setitems({key: format.dump_group(GroupMeta({})) for key in missing})


def require_parents(store: BaseStore, path: str, format: Format) -> None:
    """Write the documents of groups missing above `path`."""
    missing = _missing_parents(store, path, format)
    store.setitems({key: format.dump_group(GroupMeta({})) for key in missing})


def _missing_parents(store: BaseStore, path: str, format: Format) -> list[str]:
    """Return the keys of group documents that must be written above `path`, top first."""
    segments = path.split("/")[:-1] if path else []
    if not path:
        return []
    parents = ["/".join(segments[:n]) for n in range(len(segments) + 1)]
    found = store.getitems(format.node_keys(parents))
    kinds = {parent: format.kind_of(found, parent) for parent in parents}
    for parent, kind in kinds.items():
        if kind == "array":
            raise ContainsArrayError(parent)
    return [format.group_key(parent) for parent, kind in kinds.items() if kind is None]


# -- migrating -------------------------------------------------------------------------


def migrate_1to2(store: StoreArgument) -> None:
    """Turn the array in format 1 that a store holds into one in format 2; its chunks stay.

    If it is interrupted, call it again.

    Parameters
    ----------
    store : BaseStore or MutableMapping

    Raises
    ------
    KeyError
        If there is no such array.
    MetadataError
        If its document makes no sense.
    """
    store = as_store(store)
    old, new = V1(), formats.DEFAULT
    key, attrs_key = old.array_key(""), old.attrs_key("")
    found = store.getitems([key, attrs_key])
    if key not in found:
        raise KeyError(f"there is no array in format 1: the store has no key {key!r}")
    documents = {new.array_key(""): old.as_version_2(found[key], key)}
    if attrs_key in found:
        documents[new.attrs_key("")] = found[attrs_key]
    store.setitems(documents)
    store.delitems([attrs_key])
    store.delitems([key])  # last, because it shows that there is something to do
