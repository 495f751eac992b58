"""Functions that create and open arrays."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Literal, TypeAlias

import numpy as np

from zarr import _formats
from zarr._codecs.codec_names import codec_named
from zarr._metadata import dtypes
from zarr._metadata.v3_data_types import default_fill
from zarr._selection.grid import Edges
from zarr.config import Missing, Verify, get
from zarr.core import Array
from zarr.core.newer_names import chosen_config
from zarr.errors import (
    ArrayNotFoundError,
    ContainsArrayError,
    ContainsGroupError,
    did_you_mean,
    warn_user,
)
from zarr.storage.base import BaseStore, Separator, normalize_storage_path
from zarr.storage.nodes import NamedOptions, is_auto, is_sharding, new_array, settled
from zarr.storage.resolve import StoreLike, normalize_store_arg
from zarr.storage.store_path import without_path
from zarr.sync import Synchronizer

__all__ = [
    "array",
    "create",
    "create_array",
    "empty",
    "empty_like",
    "from_array",
    "full",
    "full_like",
    "ones",
    "ones_like",
    "open_array",
    "open_like",
    "zeros",
    "zeros_like",
]

Mode: TypeAlias = Literal["r", "r+", "a", "w", "w-"]
Lengths: TypeAlias = Sequence[int | tuple[int, int]]
Chunks: TypeAlias = int | Sequence[int | Lengths | None]


class _DefaultFillValue:
    """Stands for the fill value of an array for which none is given."""

    def __repr__(self) -> str:
        return "<default of the dtype>"

    def __reduce__(self) -> str:
        return "DEFAULT_FILL_VALUE"


DEFAULT_FILL_VALUE = _DefaultFillValue()


def check_mode(mode: str) -> Mode:
    """Return the mode in which to open an array or a group; 'x' is another name of 'w-'."""
    if mode not in ("r", "r+", "a", "w", "w-", "x"):
        raise ValueError(f"mode must be one of 'r', 'r+', 'a', 'w', 'w-', not {mode!r}")
    return "w-" if mode == "x" else mode  # type: ignore[return-value]


def way_out(kind: str, mode: str) -> str:
    """Return the advice for an existing array or group that conflicts with `mode`."""
    if mode == "w-":
        return "open it with mode='r+' or 'a', or replace it with mode='w'"
    other = ", or replace it with mode='w'" if mode == "a" else ""
    return f"open it with zarr.open_{kind} or zarr.open{other}"


def create(
    shape: int | tuple[int, ...],
    chunks: Chunks | bool | None = True,
    dtype: Any = None,
    compressor: Any = "default",
    fill_value: Any = 0,
    order: Literal["C", "F"] = "C",
    store: StoreLike = None,
    synchronizer: Synchronizer | None = None,
    overwrite: bool = False,
    path: str | bytes | None = None,
    chunk_store: StoreLike = None,
    filters: Sequence[Any] | None = None,
    cache_metadata: bool = True,
    cache_attrs: bool = True,
    read_only: bool = False,
    object_codec: Any = None,
    dimension_separator: Separator | None = None,
    write_empty_chunks: bool = True,
    *,
    zarr_version: int | None = None,
    meta_array: Any = None,
    storage_transformers: Sequence[Any] = (),
    zarr_format: int | None = None,
    compressors: Any = "auto",
    serializer: Any = "auto",
    codecs: Sequence[Any] | None = None,
    shards: Chunks | Literal["auto"] | None = None,
    chunk_key_encoding: Any = None,
    dimension_names: Sequence[str | None] | None = None,
    attributes: Mapping[str, Any] | None = None,
    checksum: bool = False,
    config: Any = None,
    **kwargs: Any,
) -> Array:
    """Create an array.

    Parameters
    ----------
    shape : int or tuple of int
        Length of each dimension.
    chunks : int, tuple of int or of lists of int, or bool, default True
        Shape of a chunk. True: chosen from shape and dtype. False: one chunk. None or -1 in a
        tuple stands for the whole dimension. A list in a tuple has the lengths of all chunks
        along that dimension, where ``(10, 3)`` stands for three chunks of ten; it requires
        format 3 and its extension for rectilinear chunk grids. A tuple of equal lengths, as in
        dask, stands for that length.
    dtype : str, numpy.dtype or type, optional
        Data type of the elements, any of those of NumPy. ``str``, ``bytes`` and ``'array:T'``
        stand for objects with a suitable codec. The shape of a dtype such as ``'(2,2)f4'`` is
        appended to that of the array. 64-bit floats by default.
    compressor : codec, optional
        A codec from :mod:`numcodecs` or :mod:`zarr.codecs`, or None to store chunks
        uncompressed. ``zarr.storage.default_compressor`` by default.
    fill_value : scalar, default 0
        Value of elements that were never written; None leaves them undefined.
    order : {'C', 'F'}, default 'C'
        Memory layout of the elements within a chunk, row-major or column-major.
    store : BaseStore, MutableMapping or str, optional
        A store, a path or a URL. A new store in memory by default.
    synchronizer : Synchronizer, optional
        Locks between processes. Threads of one process need none.
    overwrite : bool, default False
        Whether to delete an existing array or group at `path` first.
    path : str, optional
        Path of the array in the store. The root by default.
    chunk_store : BaseStore, MutableMapping or str, optional
        The store for the chunks. `store` by default.
    filters : sequence of codecs, optional
        Codecs from :mod:`numcodecs` or :mod:`zarr.codecs` that encode a chunk before the
        compressor. None by default.
    cache_metadata : bool, default True
        Whether to read the metadata of the array once. If False, they are read at each access.
    cache_attrs : bool, default True
        Whether to read the user attributes once. If False, they are read at each access.
    read_only : bool, default False
        Whether the array cannot be changed through the object returned.
    object_codec : codec, optional
        A codec that encodes the elements of an array of objects; required for `dtype` object.
    dimension_separator : {'.', '/'}, optional
        Separator between the chunk indices in a chunk key. '.' in format 2 and '/' in format 3
        by default, unless the store has another default.
    write_empty_chunks : bool, default True
        Whether to store chunks in which every element equals the fill value.
    zarr_version, zarr_format : int, optional
        Version of the format. 2 by default, or 3 if another argument requires it.
    meta_array : array, optional
        Array of the type that reads return, for instance of a GPU library. NumPy by default.
    storage_transformers : sequence, optional
        A ``ShardingStorageTransformer`` of the 2.x library, which is converted to `shards`.
    compressors : codec or sequence of codecs, optional
        One or several compressors, instead of `compressor`.
    serializer : codec, optional
        The codec between filters and compressors that converts an array to bytes. Format 3.
    codecs : sequence of codecs, optional
        All codecs of the array, instead of filters, serializer and compressors. Format 3.
    shards : int, tuple of int or of lists of int, or 'auto', optional
        Shape of a shard, the chunks of which are stored under one key: a multiple of `chunks`
        in each dimension. Lists as in `chunks`. Format 3. No shards by default.
    chunk_key_encoding : str or dict, optional
        ``'default'`` or ``'v2'``, or such a name with a separator:
        ``{'name': 'default', 'separator': '.'}``. Format 3.
    dimension_names : sequence of str or None, optional
        Name of each dimension, None for a dimension without. Format 3.
    attributes : dict, optional
        User attributes.
    checksum : bool, default False
        Whether to add a codec that appends a checksum to each chunk as the last one, so that
        damaged chunks raise `ChunkDecodeError`: ``crc32c`` in format 3, ``crc32`` of
        :mod:`numcodecs` in format 2, where the compressor becomes the last filter.
    config : dict, optional
        With the entries ``write_empty_chunks`` and ``order``, instead of these parameters.
    **kwargs
        As in h5py, `compression`, the name of a codec of :mod:`numcodecs`, `compression_opts`,
        the arguments of its class, and `fillvalue`. The first two are ignored with a warning if
        `compressor` is given, and so are other names.

    Returns
    -------
    Array
        The new array.

    Raises
    ------
    ContainsArrayError, ContainsGroupError
        If there is an array or group at `path` and `overwrite` is False.
    ValueError, TypeError
        If an argument is invalid.
    UnsupportedDtypeError
        If the format does not support the data type.

    References
    ----------
    Zarr specification, version 2: "Arrays"; version 3: "Array metadata", for chunks "Chunk grids",
    for their keys "Chunk key encodings", for codecs "Chunk encoding".

    Examples
    --------
    >>> import zarr
    >>> zarr.create((10000, 10000), chunks=(1000, 1000))
    <zarr.core.Array (10000, 10000) float64>
    """
    options = NamedOptions(
        compressors, serializer, codecs, shards, chunk_key_encoding, dimension_names, attributes,
        checksum,
    )  # fmt: skip
    settings = chosen_config(config)
    write_empty_chunks = settings.get("write_empty_chunks", write_empty_chunks)
    order = settings.get("order", order)
    compressor, fill_value = _h5py_arguments(compressor, fill_value, options, kwargs)
    zarr_version = _formats.one_version(zarr_version, zarr_format)
    store, path = without_path(store, path)
    store = normalize_store_arg(store, mode="w", zarr_version=zarr_version)
    chunk_store = None if chunk_store is None else normalize_store_arg(chunk_store, mode="w")
    found = new_array(
        store, shape, chunks, dtype, compressor, fill_value, order, overwrite, path, chunk_store,
        filters, object_codec, dimension_separator, storage_transformers, zarr_version, options,
    )  # fmt: skip
    return Array._of(
        found,
        store,
        normalize_storage_path(path),
        read_only,
        chunk_store,
        synchronizer,
        cache_metadata,
        cache_attrs,
        write_empty_chunks=write_empty_chunks,
        meta_array=meta_array,
        text="string" if dtypes.is_string_dtype(dtype) else None,
    )


def create_array(
    store: StoreLike = None,
    *,
    name: str | None = None,
    shape: int | tuple[int, ...] | None = None,
    dtype: Any = None,
    data: Any = None,
    chunks: Chunks | bool | Literal["auto"] = "auto",
    shards: Chunks | Literal["auto"] | None = None,
    filters: Any = "auto",
    compressors: Any = "auto",
    serializer: Any = "auto",
    fill_value: Any = DEFAULT_FILL_VALUE,
    order: Literal["C", "F"] | None = None,
    zarr_format: int | None = 3,
    attributes: Mapping[str, Any] | None = None,
    chunk_key_encoding: Any = None,
    dimension_names: Sequence[str | None] | None = None,
    storage_options: dict[str, Any] | None = None,
    overwrite: bool = False,
    config: Any = None,
    write_data: bool = True,
    **kwargs: Any,
) -> Array:
    """Create an array in format 3, with the parameters of the 3.x library.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str, optional
        A store, a path or a URL. A new store in memory by default.
    name : str, optional
        Path of the array in the store. The root by default.
    shape : int or tuple of int, optional
        Length of each dimension. Required without `data`.
    dtype : str, numpy.dtype or type, optional
        Data type of the elements, as for :func:`create`. That of `data` by default.
    data : array_like, optional
        Values to fill the array with.
    chunks : int, tuple of int or of lists of int, bool or 'auto', default 'auto'
        Shape of a chunk, as for :func:`create`. 'auto': chosen from shape and dtype.
    shards : int, tuple of int or of lists of int, or 'auto', optional
        Shape of a shard, a multiple of `chunks` in each dimension. No shards by default.
    filters : codec, sequence of codecs or None, optional
        Codecs that encode a chunk before the serializer. None by default.
    compressors : codec, sequence of codecs or None, optional
        Codecs that encode a chunk after the serializer, or None to store chunks uncompressed.
        Zstandard by default.
    serializer : codec, optional
        The codec that converts an array to bytes. Chosen from the dtype by default.
    fill_value : scalar or None, optional
        Value of elements that were never written. Zero of the dtype by default: an empty string
        for text and bytes, ``NaT`` for datetimes. None leaves them undefined in format 2, and is
        the default in format 3, which has no undefined values.
    order : {'C', 'F'}, optional
        Memory layout of the elements within a chunk. 'C' by default.
    zarr_format : int, default 3
        Version of the format, 2 or 3.
    attributes : dict, optional
        User attributes.
    chunk_key_encoding : str or dict, optional
        ``'default'`` or ``'v2'``, or such a name with a separator, as for :func:`create`.
    dimension_names : sequence of str or None, optional
        Name of each dimension, None for a dimension without.
    storage_options : dict, optional
        Options for the back end of a URL.
    overwrite : bool, default False
        Whether to delete an existing array or group at `name` first.
    config : dict, optional
        With the entry ``write_empty_chunks``: whether to store chunks in which every element
        equals the fill value, ``zarr.config.get('array.write_empty_chunks')`` (False) by default;
        and with the entry ``order``, instead of the parameter.
    write_data : bool, default True
        Whether to store `data`. If False, only their shape and dtype are used.
    **kwargs
        Other parameters of :func:`create`.

    Returns
    -------
    Array
        The new array.

    Raises
    ------
    ContainsArrayError, ContainsGroupError
        If there is an array or group at `name` and `overwrite` is False.
    ValueError, TypeError
        If an argument is invalid, or neither `shape` nor `data` is given.

    References
    ----------
    Zarr specification, version 3: "Array metadata", for chunks "Chunk grids", for their keys
    "Chunk key encodings", for codecs "Chunk encoding"; for `shards`, codec ``sharding_indexed``.

    Examples
    --------
    >>> import zarr
    >>> zarr.create_array(shape=(10000, 10000), dtype='f4', chunks=(100, 100), shards=(1000, 1000))
    <zarr.core.Array (10000, 10000) float32>
    """
    if data is None and shape is None:
        raise ValueError("create_array needs a shape or data")
    dtype = str if isinstance(dtype, str) and dtype == "str" else dtype
    _formats.one_version(None, zarr_format)
    settings = chosen_config(config)
    write_empty = settings.get("write_empty_chunks", get("array.write_empty_chunks"))
    kwargs.setdefault("write_empty_chunks", bool(write_empty))
    if is_auto(compressors) and not kwargs.keys() & {"compressor", "codecs"}:
        compressors = None if is_sharding(serializer) else _DEFAULT_COMPRESSORS
    store, path = without_path(store, name if name is not None else kwargs.get("path"))
    store = normalize_store_arg(store, storage_options, "w", zarr_version=zarr_format)
    kwargs |= {
        "store": store, "dtype": dtype, "path": path,
        "chunks": True if is_auto(chunks) else chunks, "shards": shards, "filters": filters,
        "compressors": compressors, "serializer": serializer, "fill_value": fill_value,
        "order": order or settings.get("order") or get("array.order"), "zarr_format": zarr_format,
        "attributes": attributes, "chunk_key_encoding": chunk_key_encoding,
        "dimension_names": dimension_names, "overwrite": overwrite,
    }  # fmt: skip
    if data is not None:
        data, kwargs["dtype"] = as_array(data, dtype, kwargs.get("meta_array"))
    if fill_value is DEFAULT_FILL_VALUE:
        kwargs["fill_value"] = _default_fill(kwargs["dtype"])
    if data is None:
        return create(shape, **kwargs)  # type: ignore[arg-type]
    z, data = create_for(data, **(kwargs if shape is None else {**kwargs, "shape": shape}))
    if write_data:
        z._fill_new(data)
    return z


def from_array(
    store: StoreLike,
    *,
    data: Any,
    write_data: bool = True,
    chunks: Any = "keep",
    shards: Any = "keep",
    filters: Any = "keep",
    compressors: Any = "keep",
    serializer: Any = "keep",
    zarr_format: int | None = None,
    **kwargs: Any,
) -> Array:
    """Create an array like another one, with its elements.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str
        A store, a path or a URL.
    data : array_like
        The array. If it is a Zarr array, the new one has its attributes, fill value and names of
        dimensions, too.
    write_data : bool, default True
        Whether to store the elements.
    chunks, shards, filters, compressors, serializer : object, optional
        As for :func:`create_array`. ``'keep'``, the default, takes over those of a Zarr array.
    zarr_format : int, optional
        Version of the format. That of a Zarr array by default, otherwise 3.
    **kwargs
        Other parameters of :func:`create_array`.

    Returns
    -------
    Array
        The new array.

    Raises
    ------
    ContainsArrayError, ContainsGroupError
        If there is an array or group and ``overwrite=True`` is not given.
    ValueError, TypeError
        If an argument is invalid.

    Examples
    --------
    >>> import zarr
    >>> z = zarr.from_array({}, data=zarr.ones((4, 6), chunks=(2, 3)))
    >>> z.chunks, z.zarr_format
    ((2, 3), 2)
    """
    given = {
        "chunks": chunks, "shards": shards, "filters": filters, "compressors": compressors,
        "serializer": serializer,
    }  # fmt: skip
    kept: dict[str, Any] = {}
    if isinstance(data, Array):
        kept = {
            **_layout_of(data),
            "attributes": data.attrs.asdict(),
            "fill_value": data.fill_value,
        }
        zarr_format = kept.pop("zarr_version", None) if zarr_format is None else zarr_format
        kept = {name: value for name, value in kept.items() if name != "dimension_separator"}
    chosen = {name: value for name, value in given.items() if not _is_keep(value)}
    version = _formats.NAMED.version if zarr_format is None else zarr_format
    arguments = {**kept, **chosen, **kwargs, "zarr_format": version}
    return create_array(store, data=data, write_data=write_data, **arguments)


def _is_keep(argument: Any) -> bool:
    return isinstance(argument, str) and argument == "keep"


def _default_fill(dtype: Any) -> Any:
    """Return the fill value of an array for which none is given."""
    kind, codec = dtypes.normalize_dtype(dtype)
    if not kind.hasobject:
        return default_fill(dtypes.without_subarray((), kind)[1])
    return {"vlen-utf8": "", "vlen-bytes": b""}.get(codec["id"]) if codec else None


_DEFAULT_COMPRESSORS = [{"name": "zstd", "configuration": {"level": 0, "checksum": False}}]


def _h5py_arguments(
    compressor: Any, fill_value: Any, options: NamedOptions, kwargs: dict[str, Any]
) -> tuple[Any, Any]:
    """Return compressor and fill value from the arguments of h5py; warn about all others."""
    if "fillvalue" in kwargs:
        fill_value = kwargs.pop("fillvalue")
    if "compression" in kwargs:
        given = {name: kwargs.pop(name) for name in _COMPRESSION if name in kwargs}
        if is_auto(options.compressors) and options.codecs is None and _is_default(compressor):
            compressor = _compression(**given)
        else:
            for name in given:
                warn_user(f"{name!r} keyword argument overridden by 'compressor'")
    for name in kwargs:
        known = {*inspect.signature(create).parameters, *_COMPRESSION, "fillvalue"} - {name}
        warn_user(f"ignoring keyword argument {name!r}{did_you_mean(name, sorted(known))}")
    return compressor, fill_value


_COMPRESSION = ("compression", "compression_opts")


def _is_default(compressor: Any) -> bool:
    return isinstance(compressor, str) and compressor == "default"


def _compression(compression: Any, compression_opts: Any = None) -> Any:
    """Return the codec for these arguments of h5py."""
    if not isinstance(compression, str) or compression in ("", "none", "default"):
        return compression
    return codec_named(compression, compression_opts)


def _without_fill_value(function: str, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return `kwargs`; raise if they set the fill value, which `function` itself determines."""
    for name in ("fill_value", "fillvalue"):
        if name in kwargs:
            instead = "full_like" if function.endswith("_like") else "full"
            raise TypeError(f"{function}() takes no {name!r}; use {instead}()")
    return kwargs


def empty(shape: int | tuple[int, ...], **kwargs: Any) -> Array:
    """Create an array without a fill value: elements that were never written are undefined.

    Parameters
    ----------
    shape : int or tuple of int
        Length of each dimension.
    **kwargs
        Other parameters of :func:`create`, except `fill_value`.

    Returns
    -------
    Array
        The new array.

    Raises
    ------
    TypeError
        If a fill value is given.

    Examples
    --------
    >>> import zarr
    >>> z = zarr.empty((100, 100), chunks=(10, 10), dtype='i4')
    >>> z.fill_value is None
    True
    """
    return create(shape, fill_value=None, **_without_fill_value("empty", kwargs))


def zeros(shape: int | tuple[int, ...], **kwargs: Any) -> Array:
    """Create an array of zeros.

    Parameters
    ----------
    shape : int or tuple of int
        Length of each dimension.
    **kwargs
        Other parameters of :func:`create`, except `fill_value`.

    Returns
    -------
    Array
        The new array.

    Raises
    ------
    TypeError
        If a fill value is given.

    Examples
    --------
    >>> import zarr
    >>> z = zarr.zeros((10000, 10000), chunks=(1000, 1000))
    >>> z[:2, :2]
    array([[0., 0.],
           [0., 0.]])
    """
    return create(shape, fill_value=0, **_without_fill_value("zeros", kwargs))


def ones(shape: int | tuple[int, ...], **kwargs: Any) -> Array:
    """Create an array of ones.

    Parameters
    ----------
    shape : int or tuple of int
        Length of each dimension.
    **kwargs
        Other parameters of :func:`create`, except `fill_value`.

    Returns
    -------
    Array
        The new array.

    Raises
    ------
    TypeError
        If a fill value is given.

    Examples
    --------
    >>> import zarr
    >>> zarr.ones(3)[:]
    array([1., 1., 1.])
    """
    return create(shape, fill_value=1, **_without_fill_value("ones", kwargs))


def full(shape: int | tuple[int, ...], fill_value: Any, **kwargs: Any) -> Array:
    """Create an array of one value, which is its fill value.

    Parameters
    ----------
    shape : int or tuple of int
        Length of each dimension.
    fill_value : scalar
        Value of all elements.
    **kwargs
        Other parameters of :func:`create`.

    Returns
    -------
    Array
        The new array.

    Examples
    --------
    >>> import zarr
    >>> zarr.full(3, fill_value=42)[:]
    array([42., 42., 42.])
    """
    return create(shape, fill_value=fill_value, **kwargs)


def array(data: Any, **kwargs: Any) -> Array:
    """Create an array filled with data.

    Parameters
    ----------
    data : array_like
        A NumPy array, a list, a Zarr array or an HDF5 dataset. It determines shape and dtype, and
        the chunks if it has any.
    **kwargs
        Parameters of :func:`create` that are to differ.

    Returns
    -------
    Array
        The new array.

    Raises
    ------
    ContainsArrayError, ContainsGroupError
        If there is an array or group at that path and ``overwrite=True`` is not given.
    TypeError, ValueError
        If `data` cannot be stored. The array is then deleted.

    Examples
    --------
    >>> import numpy as np
    >>> import zarr
    >>> zarr.array(np.arange(100000000).reshape(10000, 10000), chunks=(1000, 1000))
    <zarr.core.Array (10000, 10000) int64>
    """
    z, data = create_for(data, **kwargs)
    z._fill_new(data)
    return z


def create_for(data: Any, **kwargs: Any) -> tuple[Array, Any]:
    """Create an array that is to hold `data`; return it, and `data` as an array."""
    data, kwargs["dtype"] = as_array(data, kwargs.get("dtype"), kwargs.get("meta_array"))
    for name, value in _taken_over(data).items():
        if kwargs.get(name) is None:
            kwargs[name] = value
    return create(**kwargs), data


def as_array(data: Any, dtype: Any, like: Any) -> tuple[Any, Any]:
    """Return `data` as an array, and the dtype of the Zarr array that is to hold it.

    That is `dtype`, unless it is None.
    """
    if hasattr(data, "shape") and hasattr(data, "dtype"):
        if not isinstance(data.dtype, np.dtype):  # of pandas, for instance, which has one for text
            is_text = dtype is None and getattr(data.dtype, "type", None) is str
            data, dtype = np.asarray(data), str if is_text else dtype
        return data, data.dtype if dtype is None else dtype
    kind = None if dtype is None else dtypes.normalize_dtype(dtype)[0]
    if kind is not None and kind.kind == "O" and isinstance(data, (list, tuple)):
        result = np.empty(len(data), object)
        for i, item in enumerate(data):
            result[i] = item
        return result, dtype
    result = np.asanyarray(data, kind, like=like)
    if kind is None and result.dtype.kind == "O" and not result.ndim:
        raise ValueError(
            f"cannot make an array of {type(data).__name__}; to store one object, choose an "
            "encoding: dtype=object, object_codec=numcodecs.JSON()"
        )
    return result, result.dtype if dtype is None else dtype


def _as_array_like(a: Any) -> Any:
    """Return `a`, or an array of it if it is a list."""
    return a if hasattr(a, "shape") and hasattr(a, "dtype") else np.asanyarray(a)


def _taken_over(data: Any) -> dict[str, Any]:
    """Return shape, dtype and chunks of `data` as arguments of `create`."""
    chunks = data._current.chunks if isinstance(data, Array) else getattr(data, "chunks", None)
    if chunks is None and hasattr(data, "chunklen"):  # as tables of bcolz have it
        chunks = (data.chunklen, *data.shape[1:])
    if chunks and any(not isinstance(length, (int, np.integer, Edges)) for length in chunks):
        chunks = None  # those of dask arrays are lists of lengths
    return {"shape": data.shape, "dtype": data.dtype, "chunks": tuple(chunks) if chunks else True}


def open_array(
    store: StoreLike = None,
    mode: Mode = "a",
    shape: int | tuple[int, ...] | None = None,
    chunks: Chunks | bool | None = True,
    dtype: Any = None,
    compressor: Any = "default",
    fill_value: Any = 0,
    order: Literal["C", "F"] = "C",
    synchronizer: Synchronizer | None = None,
    filters: Sequence[Any] | None = None,
    cache_metadata: bool = True,
    cache_attrs: bool = True,
    path: str | None = None,
    object_codec: Any = None,
    chunk_store: StoreLike = None,
    storage_options: dict[str, Any] | None = None,
    partial_decompress: bool = False,
    write_empty_chunks: bool = True,
    *,
    zarr_version: int | None = None,
    dimension_separator: Separator | None = None,
    meta_array: Any = None,
    zarr_format: int | None = None,
    cache_bytes: int | None = None,
    missing: Missing | None = None,
    verify: Verify | None = None,
    config: Any = None,
    **kwargs: Any,
) -> Array:
    """Open an array, with a mode as for files.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str, optional
        A store, a path or a URL. A new store in memory by default.
    mode : {'r', 'r+', 'a', 'w', 'w-'}, default 'a'
        'r': read only, must exist. 'r+': read and write, must exist. 'a': read and write, created
        if it does not exist. 'w': create, an existing array or group is deleted. 'w-': create,
        must not exist.
    shape : int or tuple of int, optional
        Length of each dimension. Required if the array is created.
    chunks : int, tuple of int or of lists of int, or bool, default True
        Shape of a chunk of a new array, as for :func:`create`.
    dtype : str, numpy.dtype or type, optional
        Data type of a new array. 64-bit floats by default.
    compressor : codec, optional
        Compressor of a new array, or None to store chunks uncompressed.
        ``zarr.storage.default_compressor`` by default.
    fill_value : scalar, default 0
        Value of elements of a new array that were never written; None leaves them undefined.
    order : {'C', 'F'}, default 'C'
        Memory layout of the elements within a chunk of a new array.
    synchronizer : Synchronizer, optional
        Locks between processes. Threads of one process need none.
    filters : sequence of codecs, optional
        Codecs that encode a chunk of a new array before the compressor. None by default.
    cache_metadata : bool, default True
        Whether to read the metadata of the array once. If False, they are read at each access.
    cache_attrs : bool, default True
        Whether to read the user attributes once. If False, they are read at each access.
    path : str, optional
        Path of the array in the store. The root by default.
    object_codec : codec, optional
        A codec that encodes the elements of a new array of objects.
    chunk_store : BaseStore, MutableMapping or str, optional
        The store that holds the chunks. `store` by default.
    storage_options : dict, optional
        Options for the back end of a URL.
    partial_decompress : bool, default False
        Whether to read only the bytes of large chunks that a selection needs, from stores that
        support byte ranges: the blocks of chunks compressed with Blosc, the elements of chunks
        stored uncompressed. Useful for small selections within a chunk, because it takes one
        more request to the store.
    write_empty_chunks : bool, default True
        Whether to store chunks in which every element equals the fill value.
    zarr_version, zarr_format : int, optional
        Version of the format. The version found in the store by default; for a new array 2, or 3
        if another argument requires it.
    dimension_separator : {'.', '/'}, optional
        Separator between the chunk indices in a chunk key of a new array.
    meta_array : array, optional
        Array of the type that reads return, for instance of a GPU library. NumPy by default.
    cache_bytes : int, optional
        Maximum size in bytes of the decoded chunks to keep in memory, useful for reading thin
        slices through thick chunks. ``zarr.config.get().cache_bytes`` by default, which is 0.
        Changes that other processes make to chunks in memory are not seen.
    missing : {'fill', 'warn', 'error'}, optional
        How reading treats absent chunks: return fill values, return them with a warning, or
        raise `ChunkNotFoundError`. ``zarr.config.get().missing`` by default, which is
        ``'fill'``. Chunks that exist and cannot be read are always an error.
    verify : bool or 'auto', optional
        Whether reading compares metadata, attributes and chunks with the digests that
        :func:`zarr.seal` has stored, and raises `SealError` where they differ. 'auto' does so
        where there is a seal, True requires one of what is opened
        read-only, False reads without.
        ``zarr.config.get().verify`` by default, which is ``'auto'``.
    config : dict, optional
        With the entries ``write_empty_chunks`` and ``order``, instead of these parameters, and
        ``read_missing_chunks``: if False, absent chunks are an error.
    **kwargs
        Other parameters of :func:`create`, for a new array.

    Returns
    -------
    Array
        The array.

    Raises
    ------
    ArrayNotFoundError
        If there is no array, in the modes 'r' and 'r+'.
    ContainsArrayError
        If there is an array, in the mode 'w-'.
    ContainsGroupError
        If there is a group, except in the mode 'w'.
    ValueError, TypeError
        If an argument is invalid.

    Examples
    --------
    >>> import zarr
    >>> z = zarr.open_array('data/example.zarr', mode='w', shape=(100, 100), chunks=(10, 10))
    >>> z[:] = 42
    >>> zarr.open_array('data/example.zarr', mode='r')
    <zarr.core.Array (100, 100) float64 read-only>
    """
    mode = check_mode(mode)
    settings = chosen_config(config)
    write_empty_chunks = settings.get("write_empty_chunks", write_empty_chunks)
    order = settings.get("order", order)
    if missing is None and settings.get("read_missing_chunks") is False:
        missing = "error"
    zarr_version = _formats.one_version(zarr_version, zarr_format)
    store, path = without_path(store, path)
    store = normalize_store_arg(store, storage_options, mode, zarr_version=zarr_version)
    if chunk_store is not None:
        chunk_store = normalize_store_arg(chunk_store, storage_options, mode)
    path = normalize_storage_path(path)

    def create() -> Any:
        names = [option.name for option in fields(NamedOptions) if option.name in kwargs]
        rest = {name: value for name, value in kwargs.items() if name not in names}
        options = NamedOptions(**{name: kwargs[name] for name in names})
        transformers = rest.pop("storage_transformers", ())
        codec, fill = _h5py_arguments(compressor, fill_value, options, rest)
        return new_array(
            store, shape, chunks, dtype, codec, fill, order,  # type: ignore[arg-type]
            mode == "w", path, chunk_store, filters, object_codec, dimension_separator,
            transformers, zarr_version, options,
        )  # fmt: skip

    def open_or_create() -> Array:
        found = _existing(store, path, mode, zarr_version) or create()
        return Array._of(
            found, store, path, mode == "r", chunk_store, synchronizer, cache_metadata, cache_attrs,
            partial_decompress, write_empty_chunks, zarr_version, meta_array,
            cache_bytes=cache_bytes, missing=missing, verify=verify,
        )  # fmt: skip

    if mode == "a":
        return settled(open_or_create, ContainsArrayError, ArrayNotFoundError)
    try:
        return open_or_create()
    except ArrayNotFoundError:
        if _formats.kind(store, path, zarr_version) == "group":
            raise ContainsGroupError(path, repr(store), way_out("group", mode)) from None
        raise


def _existing(store: BaseStore, path: str, mode: str, version: int | None) -> _formats.Found | None:
    """Return the array to be opened; None if it is to be created."""
    if mode in ("r", "r+"):
        return _formats.find_array(store, path, version)
    node = None if mode == "w" else _formats.find_node(store, path, version)
    if node is None:
        return None
    kind, found = node
    if kind == "group":
        raise ContainsGroupError(path, repr(store), way_out("group", mode))
    if mode != "a":
        raise ContainsArrayError(path, repr(store), way_out("array", mode))
    return found


def _like_arguments(a: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of `create` for an array like `a`, except those given."""
    a = _as_array_like(a)
    like = {"shape": a.shape, "dtype": a.dtype}
    if isinstance(a, Array):
        like |= _layout_of(a)
        if any(name in kwargs for name in ("compressor", "compressors", "codecs")):
            del like["compressors"]
        if "zarr_format" in kwargs:
            like.pop("zarr_version", None)
        if not a.dtype.hasobject:
            like["fill_value"] = a.fill_value
    elif _taken_over(a)["chunks"] is not True:
        like["chunks"] = _taken_over(a)["chunks"]
    return like | kwargs


def _layout_of(a: Array) -> dict[str, Any]:
    """Return how the chunks of `a` are stored, as arguments of `create`."""
    meta = a._current
    by_role: dict[str, list[Any]] = {"filter": [], "serializer": [], "compressor": []}
    for step in meta.steps:
        by_role[step.role].append(step.config)
    layout: dict[str, Any] = {
        "chunks": meta.chunks,
        "order": meta.order,
        "filters": by_role["filter"] or None,
        "compressors": by_role["compressor"],
        "dimension_separator": meta.keys.separator if meta.keys.stated else None,
    }
    if a._format in (_formats.DEFAULT, _formats.NAMED):  # the others are only read
        layout["zarr_version"] = a._format.version
    if by_role["serializer"]:
        layout["serializer"] = by_role["serializer"][0]
    return layout | {
        name: value
        for name, value in (
            ("shards", meta.grid.shards),
            ("dimension_names", meta.dimension_names),
        )
        if value is not None
    }


def empty_like(a: Any, **kwargs: Any) -> Array:
    """Create an array like another one, without a fill value.

    Parameters
    ----------
    a : array_like
        The array that determines shape and dtype; chunks, codecs, order and format, too, if it is
        a Zarr array.
    **kwargs
        Parameters of :func:`create` that are to differ, except `fill_value`.

    Returns
    -------
    Array
        The new array.

    Raises
    ------
    TypeError
        If a fill value is given.

    Examples
    --------
    >>> import zarr
    >>> zarr.empty_like(zarr.zeros((100, 100), chunks=(10, 10), dtype='i4')).chunks
    (10, 10)
    """
    like = _like_arguments(a, _without_fill_value("empty_like", kwargs))
    return create(**{**like, "fill_value": None})


def zeros_like(a: Any, **kwargs: Any) -> Array:
    """Create an array of zeros like another one.

    Parameters
    ----------
    a : array_like
        The array that determines shape and dtype; chunks, codecs, order and format, too, if it is
        a Zarr array.
    **kwargs
        Parameters of :func:`create` that are to differ, except `fill_value`.

    Returns
    -------
    Array
        The new array.

    Raises
    ------
    TypeError
        If a fill value is given.

    Examples
    --------
    >>> import zarr
    >>> zarr.zeros_like(zarr.ones(3, dtype='i4'))[:]
    array([0, 0, 0], dtype=int32)
    """
    like = _like_arguments(a, _without_fill_value("zeros_like", kwargs))
    return create(**{**like, "fill_value": 0})


def ones_like(a: Any, **kwargs: Any) -> Array:
    """Create an array of ones like another one.

    Parameters
    ----------
    a : array_like
        The array that determines shape and dtype; chunks, codecs, order and format, too, if it is
        a Zarr array.
    **kwargs
        Parameters of :func:`create` that are to differ, except `fill_value`.

    Returns
    -------
    Array
        The new array.

    Raises
    ------
    TypeError
        If a fill value is given.

    Examples
    --------
    >>> import zarr
    >>> zarr.ones_like(zarr.zeros(3, dtype='i4'))[:]
    array([1, 1, 1], dtype=int32)
    """
    like = _like_arguments(a, _without_fill_value("ones_like", kwargs))
    return create(**{**like, "fill_value": 1})


def full_like(a: Any, **kwargs: Any) -> Array:
    """Create an array of one value like another array.

    Parameters
    ----------
    a : array_like
        The array that determines shape and dtype; chunks, codecs, order, format and fill value,
        too, if it is a Zarr array.
    **kwargs
        Parameters of :func:`create` that are to differ. `fill_value` is required unless `a` is a
        Zarr array.

    Returns
    -------
    Array
        The new array.

    Raises
    ------
    TypeError
        If no fill value is given and `a` has none.

    Examples
    --------
    >>> import zarr
    >>> zarr.full_like(zarr.zeros(3, dtype='i4'), fill_value=42)[:]
    array([42, 42, 42], dtype=int32)
    """
    like = _like_arguments(a, kwargs)
    if not isinstance(a, Array) and not like.keys() & {"fill_value", "fillvalue"}:
        raise TypeError("full_like() needs a fill_value, because the array it is based on has none")
    return create(**like)


def open_like(a: Any, path: Any, **kwargs: Any) -> Array:
    """Open an array, which is created like another one if it does not exist.

    Parameters
    ----------
    a : array_like
        The array that determines shape and dtype; chunks, codecs, order, format and fill value,
        too, if it is a Zarr array.
    path : BaseStore, MutableMapping or str
        A store, a path or a URL.
    **kwargs
        Parameters of :func:`open_array` that are to differ.

    Returns
    -------
    Array
        The array.

    Raises
    ------
    ContainsGroupError
        If there is a group.

    Examples
    --------
    >>> import zarr
    >>> z = zarr.zeros((100, 100), chunks=(10, 10), dtype='i4')
    >>> zarr.open_like(z, 'data/example.zarr')
    <zarr.core.Array (100, 100) int32>
    """
    return open_array(path, **_like_arguments(a, kwargs))
