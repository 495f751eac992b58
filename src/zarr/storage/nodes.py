"""Creating, finding, moving and measuring arrays and groups in any store and format."""

from __future__ import annotations

import itertools
import math
import re
import sys
import warnings
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from zarr import _formats, config
from zarr._codecs import v3_codecs
from zarr._codecs.codec_names import OBJECT_CODECS, step_from
from zarr._codecs.pipeline import CodecPipeline
from zarr._formats.base import Format, check_attributes
from zarr._formats.documents import is_metadata
from zarr._formats.seals import json_digest
from zarr._formats.v1 import V1
from zarr._metadata import dtypes
from zarr._metadata.records import ArrayMeta, GroupMeta, Step
from zarr._selection.grid import (
    Grid,
    lists_chunks,
    normalize_chunks,
    normalize_grid,
    normalize_shape,
    plain_chunks,
)
from zarr._shared.changes import changes
from zarr._shared.chunk_cache import forget_below
from zarr.config import Unchosen
from zarr.errors import (
    BadCompressorError,
    ContainsArrayError,
    ContainsGroupError,
    MetadataError,
    ZarrFutureWarning,
    ZarrUserWarning,
    warn_user,
)
from zarr.storage.base import BaseStore, Buffer, Separator, as_store, normalize_storage_path
from zarr.sync import KeyLocks

__all__ = [
    "NamedOptions",
    "array_meta",
    "contains_array",
    "contains_group",
    "getsize",
    "holds_metadata",
    "init_array",
    "init_group",
    "is_auto",
    "is_sharding",
    "listdir",
    "migrate_1to2",
    "rename",
    "rmdir",
    "settled",
]

T = TypeVar("T")
Found = tuple[Format, str, Buffer]
"""Format, key and document of a node."""

_Above = tuple[str, Buffer | None] | None
"""Key and document of a group above others, None if there is none."""

_TRIES = 10

_FEW = 1000
"""Number of chunks up to which deleting them by key is faster than listing the stored ones."""

StoreArgument = BaseStore | MutableMapping[str, Buffer]


def contains_array(store: StoreArgument, path: str | bytes | None = None) -> bool:
    """Return whether there is an array at a path.

    Parameters
    ----------
    store : BaseStore or MutableMapping
        The store.
    path : str, optional
        Path in the store. The root by default.

    Returns
    -------
    bool
        True for an array, False for a group or neither.

    References
    ----------
    Zarr specification, version 2: "Arrays"; version 3: "Array metadata", member ``node_type``.

    Examples
    --------
    >>> import zarr
    >>> from zarr.storage import contains_array
    >>> store = zarr.MemoryStore()
    >>> z = zarr.zeros(10, store=store, path='foo')
    >>> contains_array(store, 'foo'), contains_array(store)
    (True, False)
    """
    return _formats.kind(as_store(store), normalize_storage_path(path)) == "array"


def contains_group(
    store: StoreArgument, path: str | bytes | None = None, explicit_only: bool = True
) -> bool:
    """Return whether there is a group at a path.

    Parameters
    ----------
    store : BaseStore or MutableMapping
        The store.
    path : str, optional
        Path in the store. The root by default.
    explicit_only : bool, default True
        Not used: groups without metadata are found in formats that have them.

    Returns
    -------
    bool
        True for a group, False for an array or neither.

    References
    ----------
    Zarr specification, version 2: "Groups"; version 3: "Group metadata", member ``node_type``.

    Examples
    --------
    >>> import zarr
    >>> from zarr.storage import contains_group
    >>> store = zarr.MemoryStore()
    >>> z = zarr.zeros(10, store=store, path='foo')
    >>> contains_group(store, 'foo'), contains_group(store)
    (False, True)
    """
    return _formats.kind(as_store(store), normalize_storage_path(path)) == "group"


def listdir(store: StoreArgument, path: str | bytes | None = None) -> list[str]:
    """Return the names of all keys and folders directly below a path.

    Parameters
    ----------
    store : BaseStore or MutableMapping
        The store.
    path : str, optional
        Path in the store. The root by default.

    Returns
    -------
    list of str
        The names, sorted.

    Examples
    --------
    >>> import zarr
    >>> from zarr.storage import listdir
    >>> store = zarr.MemoryStore()
    >>> z = zarr.zeros(10, store=store, path='foo')
    >>> listdir(store)
    ['.zgroup', 'foo']
    """
    return as_store(store).listdir(normalize_storage_path(path))


def rmdir(store: StoreArgument, path: str | bytes | None = None) -> None:
    """Delete all keys at and below a path.

    Parameters
    ----------
    store : BaseStore or MutableMapping
        The store.
    path : str, optional
        Path in the store. The root by default.

    Examples
    --------
    >>> import zarr
    >>> from zarr.storage import rmdir
    >>> store = zarr.MemoryStore()
    >>> z = zarr.zeros(10, store=store, path='foo')
    >>> rmdir(store, 'foo')
    >>> sorted(store)
    ['.zgroup']
    """
    place, below = as_store(store), normalize_storage_path(path)
    try:
        place.rmdir(below)
    finally:
        _note_change(place, below)


def rename(
    store: StoreArgument, src_path: str | bytes | None, dst_path: str | bytes | None
) -> None:
    """Move all keys at and below a path to another path.

    Parameters
    ----------
    store : BaseStore or MutableMapping
        The store.
    src_path : str
        Path to move.
    dst_path : str
        The new path.

    Examples
    --------
    >>> import zarr
    >>> from zarr.storage import rename
    >>> store = zarr.MemoryStore()
    >>> z = zarr.zeros(10, store=store, path='foo')
    >>> rename(store, 'foo', 'bar')
    >>> sorted(store)
    ['.zgroup', 'bar/.zarray']
    """
    place = as_store(store)
    source, dest = normalize_storage_path(src_path), normalize_storage_path(dst_path)
    try:
        place.rename(source, dest)
    finally:
        _note_change(place, source)
        _note_change(place, dest)


def _note_change(store: BaseStore, path: str) -> None:
    """Discard what this process holds of the nodes at and below `path`."""
    name = store.address(path)
    changes.note(name)
    forget_below(name)


def getsize(store: StoreArgument, path: str | bytes | None = None) -> int:
    """Return the size of the values at a path and directly below it.

    Parameters
    ----------
    store : BaseStore or MutableMapping
        The store.
    path : str, optional
        Path in the store. The root by default.

    Returns
    -------
    int
        Size in bytes, -1 if unknown.

    Examples
    --------
    >>> from zarr.storage import getsize
    >>> getsize({'foo/0': b'1234', 'foo/bar/0': b'12'}, 'foo')
    4
    """
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
    checksum : bool
        Whether the last codec adds a checksum.
    """

    compressors: Any = "auto"
    serializer: Any = "auto"
    codecs: Sequence[Any] | None = None
    shards: Any = None
    chunk_key_encoding: Any = None
    dimension_names: Sequence[str | None] | None = None
    attributes: Mapping[str, Any] | None = None
    checksum: bool = False

    @property
    def needs_names(self) -> bool:
        """Whether only the format that names codecs has all of this."""
        return not is_auto(self.serializer) or any(
            option is not None
            for option in (self.codecs, self.shards, self.chunk_key_encoding, self.dimension_names)
        )


def is_auto(argument: Any) -> bool:
    """Tell whether `argument` leaves a choice to the library."""
    return isinstance(argument, str) and argument == "auto"


def is_sharding(serializer: Any) -> bool:
    """Tell whether `serializer` puts chunks together in shards, compressing each for itself."""
    return (
        not is_auto(serializer) and step_from("serializer", serializer).name == v3_codecs.SHARDING
    )


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
    format: Format = _formats.DEFAULT,
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
        If an argument is invalid; the message names it.
    """
    kind, implied_codec = dtypes.normalize_dtype(dtype)
    lengths, kind = dtypes.without_subarray(normalize_shape(shape), kind)
    if order not in ("C", "F"):
        raise ValueError(f"order must be either 'C' or 'F', found: {order!r}")
    if not kind.hasobject and object_codec is not None:
        warn_user("an object_codec is only needed for object arrays")
        object_codec = None
    # There is no point in compressing the one value of an array without dimensions.
    if not is_auto(options.compressors) and not _is_default(compressor):
        raise ValueError("compressor and compressors mean the same thing; give one of them")
    compressors = _compressor_steps(compressor) if lengths else []
    if any(step_from("filter", codec).name in OBJECT_CODECS for codec in _listed(filters)):
        implied_codec = None
    steps = _steps(filters, object_codec or implied_codec, compressors, options)
    if options.checksum:
        steps.append(_checksum_of(format))
    if kind.hasobject and object_codec is None and dtypes.normalize_dtype(dtype)[1] is None:
        _warn_of_filters(filters)
    if kind.hasobject and all(step.role == "compressor" for step in steps):
        raise ValueError(
            "missing object_codec for object array; use dtype=str for text, dtype=bytes for bytes, "
            "or choose an encoding, for instance object_codec=numcodecs.JSON()"
        )
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
            raise ValueError("codecs cannot be combined with filters, serializer or compressors")
        configs = [dict(step_from("compressor", codec).config) for codec in options.codecs]
        return list(v3_codecs.parse_codecs(configs))
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


def _checksum_of(format: Format) -> Step:
    if format.checksum is None:
        raise ValueError(f"format {format.version} has no codec for checksum=True; use 2 or 3")
    return format.checksum


def _warn_of_filters(filters: Any) -> None:
    """Warn if a codec object for objects is given as a filter: what 2.x called deprecated."""
    for codec in _listed(filters):
        if getattr(codec, "codec_id", None) in OBJECT_CODECS:
            warn_user(
                f"missing object_codec for object array; give codec {codec.codec_id!r} as "
                "object_codec, not among the filters",
                ZarrFutureWarning,
            )


def _listed(codecs: Any) -> Sequence[Any]:
    if codecs is None or is_auto(codecs):
        return ()
    return codecs if isinstance(codecs, (list, tuple)) else (codecs,)


def _is_default(compressor: Any) -> bool:
    return isinstance(compressor, str) and compressor == "default"


def _compressor_steps(compressor: Any) -> list[Step]:
    if _is_default(compressor):
        # Looked up at each call: users change this variable of the public module.
        compressor = sys.modules["zarr.storage"].default_compressor
    plain = isinstance(compressor, (str, int, Sequence, Mapping))
    if compressor is None or (plain and (not compressor or compressor == "none")):
        return []
    if isinstance(compressor, str):
        raise BadCompressorError(
            f"bad value for compressor: {compressor!r}; expected a codec object, None or 'default'"
        )
    return [step_from("compressor", compressor)]


def _shards_of(transformers: Sequence[Any], chunks: Any, options: NamedOptions) -> NamedOptions:
    """Return `options` with the shards that a storage transformer of the 2.x library means."""
    if options.shards is not None or len(transformers) > 1:
        raise ValueError("storage_transformers and shards mean the same thing; give one of them")
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
) -> None:
    """Write the metadata of a new array, and those of missing groups above it.

    Parameters
    ----------
    store : BaseStore or MutableMapping
        The store for the metadata.
    shape : int or tuple of int
        Length of each dimension.
    chunks : int, tuple of int or of lists of int, or bool, default True
        Shape of a chunk, as for :func:`zarr.create`.
    dtype : str, numpy.dtype or type, optional
        Data type of the elements. 64-bit floats by default.
    compressor : codec, optional
        The compressor, or None to store chunks uncompressed. ``zarr.storage.default_compressor``
        by default.
    fill_value : scalar, optional
        Value of elements that were never written. Undefined by default.
    order : {'C', 'F'}, default 'C'
        Memory layout of the elements within a chunk.
    overwrite : bool, default False
        Whether to delete an existing array or group at `path` first.
    path : str, optional
        Path of the array in the store. The root by default.
    chunk_store : BaseStore or MutableMapping, optional
        The store for the chunks, from which existing chunks are deleted. `store` by default.
    filters : sequence of codecs, optional
        Codecs that encode a chunk before the compressor. None by default.
    object_codec : codec, optional
        A codec that encodes the elements of an array of objects.
    dimension_separator : {'.', '/'}, optional
        Separator between the chunk indices in a chunk key.
    storage_transformers : sequence, optional
        A ``ShardingStorageTransformer`` of the 2.x library.
    zarr_version : int, optional
        Version of the format, 2 or 3. 2 by default.

    Raises
    ------
    ContainsArrayError, ContainsGroupError
        If there is an array or group at `path` and `overwrite` is False.
    ValueError, TypeError
        If an argument is invalid.

    References
    ----------
    Zarr specification, version 2: "Arrays"; version 3: "Array metadata".

    Examples
    --------
    >>> from zarr.storage import init_array, KVStore
    >>> store = KVStore({})
    >>> init_array(store, shape=100, chunks=10, path='foo')
    >>> sorted(store)
    ['.zgroup', 'foo/.zarray']
    """
    new_array(
        store, shape, chunks, dtype, compressor, fill_value, order, overwrite, path, chunk_store,
        filters, object_codec, dimension_separator, storage_transformers, zarr_version,
        NamedOptions(),
    )  # fmt: skip


def new_array(
    store: StoreArgument,
    shape: int | tuple[int, ...],
    chunks: Any,
    dtype: Any,
    compressor: Any,
    fill_value: Any,
    order: str,
    overwrite: bool,
    path: str | bytes | None,
    chunk_store: StoreArgument | None,
    filters: Sequence[Any] | None,
    object_codec: Any,
    dimension_separator: Separator | None,
    storage_transformers: Sequence[Any],
    zarr_version: int | None,
    options: NamedOptions,
) -> Found:
    """Do what :func:`init_array` does, and return what was written."""
    store = as_store(store)
    shape = normalize_shape(shape)
    lengths, kind = dtypes.without_subarray(shape, dtypes.normalize_dtype(dtype)[0])
    chunks = plain_chunks(chunks, lengths)
    if storage_transformers:
        chunks = normalize_chunks(chunks, lengths, kind.itemsize)
        options = _shards_of(storage_transformers, chunks, options)
    version = _version_in(store) if zarr_version is None else zarr_version
    format = _formats.by_version(version)
    if format is None and (options.needs_names or lists_chunks(chunks)):
        format = _formats.NAMED
    elif format is None:
        # Arguments that the newer format does not have decide, too, and not the setting.
        older = object_codec is not None or dimension_separator or not _is_default(compressor)
        format = _formats.DEFAULT if older else _formats.usual()
    meta = array_meta(
        shape, chunks, dtype, compressor, fill_value, order, filters, object_codec,
        _store_separator(store, dimension_separator), options, format,
    )  # fmt: skip
    return create_array_node(
        store,
        normalize_storage_path(path),
        meta,
        format,
        overwrite,
        None if chunk_store is None else as_store(chunk_store),
        usable=True,
    )


def create_array_node(
    store: BaseStore,
    path: str,
    meta: ArrayMeta,
    format: Format,
    overwrite: bool = False,
    chunk_store: BaseStore | None = None,
    written: bool = True,
    usable: bool = False,
) -> Found:
    """Write the document of a new array with the metadata `meta`; return what it is.

    Parameters
    ----------
    written : bool, default True
        Whether to write the document; if not, only room is made for the array, and the caller
        writes the document when its chunks are there.
    usable : bool, default False
        Whether it is an error if the codecs are not available.
    """
    key, document = format.array_key(path), format.dump_array(meta)
    parsed = format.parse_array(document, key)  # what cannot be read is not written
    store.check_document(key, document)
    if usable:
        CodecPipeline(replace(parsed, grid=Grid(parsed.grid.largest))).check_usable()

    def create() -> None:
        _make_room(store, path, format, overwrite, chunk_store)
        if not overwrite:
            _delete_leftovers(chunk_store or store, path, format, meta)
        if written:
            _write_documents(store, path, format, key, document, meta.attributes)

    KeyLocks(store, key.rpartition("/")[0]).hold([key], create)
    return format, key, store.as_read(key, document)


def _write_documents(
    store: BaseStore,
    path: str,
    format: Format,
    key: str,
    document: bytes,
    attributes: Mapping[str, Any] | None,
) -> None:
    """Write the attributes and, last of all, the document that makes a node of them."""
    attrs_key = format.attrs_key(path)
    try:
        if attributes and attrs_key != key:
            store[attrs_key] = format.dump_attrs(attributes, None)
        store[key] = document
    finally:
        _note_change(store, path)


_CHUNK = re.compile(r"c|(?:c[./])?[0-9]+(?:[./][0-9]+)*")
"""What the key of a chunk looks like below the path of its array, in any encoding."""


def _delete_leftovers(store: BaseStore, path: str, format: Format, meta: ArrayMeta) -> None:
    """Delete chunks where no array is: a deletion or a move was cut short there."""
    prefix, counts = format.chunk_prefix(path, meta), meta.grid.stored_counts(meta.shape)
    if not store.lists_folders and math.prod(counts) <= _FEW:
        # To look through all keys of the store would take longer.
        places = itertools.product(*map(range, counts))
        names = [meta.keys.separator.join(map(str, at)) or meta.keys.scalar for at in places]
        store.delitems([prefix + name for name in names])
        return
    keys = list(store.list_prefix(path))
    if keys:
        skip = len(path) + 1 if path else 0
        nodes = {key.rpartition("/")[0] for key in keys if is_metadata(key)} - {path}
        leftovers = [key for key in keys if _CHUNK.fullmatch(key, skip)]
        store.delitems([key for key in leftovers if not _is_below(key, nodes)])


def _is_below(key: str, folders: set[str]) -> bool:
    while key:
        key = key.rpartition("/")[0]
        if key in folders:
            return True
    return False


def holds_metadata(store: BaseStore, path: str) -> bool:
    """Tell whether there are nodes below a path, though there need not be one at it."""
    return any(map(is_metadata, store.list_prefix(path)))


def settled(act: Callable[[], T], *passing: type[Exception]) -> T:
    """Return ``act()``, called again where it fails since another process was just faster.

    Parameters
    ----------
    act : callable
        Looks for a node, and creates it if it does not exist.
    *passing : type of Exception
        What it raises if the node was created, or deleted, after it had looked.
    """
    for _ in range(_TRIES - 1):
        try:
            return act()
        except passing:
            continue
    return act()


def init_group(
    store: StoreArgument,
    overwrite: bool = False,
    path: str | bytes | None = None,
    chunk_store: StoreArgument | None = None,
    *,
    zarr_version: int | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> None:
    """Write the metadata of a new group, and those of missing groups above it.

    Parameters
    ----------
    store : BaseStore or MutableMapping
        The store for the metadata.
    overwrite : bool, default False
        Whether to delete an existing array or group at `path` first.
    path : str, optional
        Path of the group in the store. The root by default.
    chunk_store : BaseStore or MutableMapping, optional
        The store for chunks, from which existing chunks are deleted. `store` by default.
    zarr_version : int, optional
        Version of the format, 2 or 3. 2 by default.
    attributes : Mapping, optional
        User attributes.

    Raises
    ------
    ContainsArrayError, ContainsGroupError
        If there is an array or group at `path` and `overwrite` is False.

    References
    ----------
    Zarr specification, version 2: "Groups"; version 3: "Group metadata".

    Examples
    --------
    >>> from zarr.storage import init_group, KVStore
    >>> store = KVStore({})
    >>> init_group(store, path='foo')
    >>> sorted(store)
    ['.zgroup', 'foo/.zgroup']
    """
    new_group(store, overwrite, path, chunk_store, zarr_version, attributes)


def new_group(
    store: StoreArgument,
    overwrite: bool,
    path: str | bytes | None,
    chunk_store: StoreArgument | None = None,
    zarr_version: int | str | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> Found:
    """Do what :func:`init_group` does, and return what was written."""
    store = as_store(store)
    path = normalize_storage_path(path)
    version = _version_in(store) if zarr_version is None else zarr_version
    format = _formats.by_version(version) or _formats.usual()
    given = check_attributes(attributes or {})
    key, document = format.group_key(path), format.dump_group(GroupMeta(given))
    store.check_document(key, document)
    chunks = None if chunk_store is None else as_store(chunk_store)

    def create() -> bytes:
        above = _make_room(store, path, format, overwrite, chunks)
        is_sealed = _is_sealed(store, above, format)
        new = _sealed(document, key, path, format, given) if is_sealed else document
        _write_documents(store, path, format, key, new, given)
        return new

    written = KeyLocks(store, key.rpartition("/")[0]).hold([key], create)
    return format, key, store.as_read(key, written)


def remove_node(
    store: BaseStore, path: str, format: Format, chunk_store: BaseStore | None = None
) -> None:
    """Delete the node at `path` with all below it."""
    for place in (store, *([] if chunk_store is None else [chunk_store])):
        try:
            format.remove(place, path)
        finally:
            _note_change(place, path)


def move_node(
    store: BaseStore, source: str, dest: str, format: Format, chunk_store: BaseStore | None = None
) -> None:
    """Move the node at `source` with all below it to `dest`."""
    warn_of_reserved_names(format, [dest])
    for place in (store, *([] if chunk_store is None else [chunk_store])):
        try:
            format.move(place, source, dest)
        finally:
            _note_change(place, source)
            _note_change(place, dest)


def _version_in(store: BaseStore) -> int | str | None:
    """Return the version of new nodes in a store where no argument says it.

    What a store of the 3.x library has for want of a choice gives way to one by the user.
    """
    version = store.default_version
    chosen = config.get("default_zarr_format")
    is_choice = isinstance(version, Unchosen) and not isinstance(chosen, Unchosen)
    return _formats.usual().version if is_choice else version


def _make_room(
    store: BaseStore, path: str, format: Format, overwrite: bool, chunk_store: BaseStore | None
) -> _Above:
    """See that nothing is at `path`, and groups are above it; return what :func:`_parents` does."""
    for segment in path.split("/"):
        if format.is_document(segment):
            raise ValueError(f"path {path!r} must not contain {segment!r}, a name of metadata")
    missing, above = _parents(store, path, format, overwrite)
    if overwrite:
        remove_node(store, path, format, chunk_store)
    else:
        there = _formats.kind(store, path)
        if there is not None:
            error = ContainsArrayError if there == "array" else ContainsGroupError
            raise error(path, repr(store), "replace it with overwrite=True")
    warn_of_reserved_names(format, [*missing, path])
    _create_groups(store, missing, above, format)
    return above


def require_parents(store: BaseStore, path: str, format: Format) -> None:
    """Write the documents of groups missing above `path`."""
    missing, above = _parents(store, path, format)
    warn_of_reserved_names(format, missing)
    _create_groups(store, missing, above, format)


def _create_groups(store: BaseStore, paths: Sequence[str], above: _Above, format: Format) -> None:
    """Write the documents of groups, sealed if the existing group `above` them is."""
    if not paths:
        return
    documents = {format.group_key(path): format.dump_group(GroupMeta({})) for path in paths}
    if _is_sealed(store, above, format):
        for path, (key, document) in zip(paths, documents.items(), strict=True):
            documents[key] = _sealed(document, key, path, format, {})
    store.setitems(documents)


def _is_sealed(store: BaseStore, group: _Above, format: Format) -> bool:
    """Tell whether there is a seal in the metadata of a group; what cannot be read has none."""
    if group is None or not format.sealable:
        return False
    key, document = group
    if store.source is not store:
        document = store.source.get(key)  # copies may have lost it
    try:
        return document is not None and format.seal_of(document, key) is not None
    except MetadataError:
        return False


def _sealed(
    document: bytes, key: str, path: str, format: Format, attributes: Mapping[str, Any]
) -> bytes:
    """Return the document of a new group with a seal."""
    digests = [json_digest(attributes)] if format.attrs_key(path) != key else None
    return format.sealed(document, key, None, digests)


def warn_of_reserved_names(format: Format, paths: Sequence[str]) -> None:
    """Warn if nodes to be created at `paths` have names that the specification reserves.

    The warning points at this package: where a library has chosen the name, as xarray does for
    arrays without one, its users can do nothing, and are told once in a process.
    """
    reserved = [f"/{path}" for path in paths if format.is_reserved(path)]
    if reserved:
        more = f" and {len(reserved) - 5} more" if len(reserved) > 5 else ""
        warnings.warn(
            f"the specification of version {format.version} of the format reserves names that "
            f"begin with '__', as in {', '.join(reserved[:5])}{more}; other libraries may refuse "
            "them or not show them",
            ZarrUserWarning,
            stacklevel=1,
        )


def _parents(
    store: BaseStore, path: str, format: Format, overwrite: bool = False
) -> tuple[list[str], _Above]:
    """Return the paths of groups that must be created above `path`, top first.

    The second value is the closest group above that exists.

    Raises
    ------
    ContainsArrayError
        If there is an array above, also with `overwrite`: that is for what is at `path`.
    """
    segments = path.split("/")[:-1] if path else []
    if not path:
        return [], None
    parents = ["/".join(segments[:n]) for n in range(len(segments) + 1)]
    found = store.getitems(format.node_keys(parents))
    kinds = {parent: format.kind_of(found, parent) for parent in parents}
    for parent, kind in kinds.items():
        if kind == "array":
            hint = f"delete it to have {path!r} below it, or choose another path"
            if overwrite:
                hint += "; overwrite=True and mode='w' replace only what is at the path itself"
            raise ContainsArrayError(parent, repr(store), hint)
    missing = [parent for parent, kind in kinds.items() if kind is None]
    closest = next((p for p in reversed(parents) if kinds[p] is not None), None)
    if closest is None:
        return missing, None
    key = format.group_key(closest)
    return missing, (key, found.get(key))


# -- migrating -------------------------------------------------------------------------


def migrate_1to2(store: StoreArgument) -> None:
    """Convert the metadata of an array in format 1 to format 2; its chunks are not changed.

    After an interruption, call it again.

    Parameters
    ----------
    store : BaseStore or MutableMapping
        The store that holds the array at its root.

    Raises
    ------
    KeyError
        If there is no such array.
    MetadataError
        If the metadata are invalid.
    """
    store = as_store(store)
    old, new = V1(), _formats.DEFAULT
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
