"""Functions that create and open arrays."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import fields
from typing import Any, Literal, TypeAlias
from warnings import warn

import numpy as np

from zarr import dtypes, formats
from zarr.core import Array
from zarr.errors import ContainsArrayError, ContainsGroupError
from zarr.grid import Edges
from zarr.storage.base import BaseStore, Separator, normalize_storage_path
from zarr.storage.nodes import NamedOptions, init_array, is_auto, is_sharding
from zarr.storage.resolve import normalize_store_arg
from zarr.sync import Synchronizer

__all__ = [
    "array",
    "create",
    "create_array",
    "empty",
    "empty_like",
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
StoreLike: TypeAlias = BaseStore | MutableMapping[str, Any] | str | None


def check_mode(mode: str) -> str:
    """Return the mode in which to open an array or a group; 'x' is another name of 'w-'."""
    if mode not in ("r", "r+", "a", "w", "w-", "x"):
        raise ValueError(f"mode must be one of 'r', 'r+', 'a', 'w', 'w-', not {mode!r}")
    return "w-" if mode == "x" else mode


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
    **kwargs: Any,
) -> Array:
    """Create an array.

    Parameters
    ----------
    shape : int or tuple of int
        Length of each dimension.
    chunks : int, tuple of int or of lists of int, or bool, default True
        Shape of a chunk. True: guessed from shape and dtype. False: one chunk. In a
        tuple None or -1 stands for the whole dimension. A list in it has the lengths of
        all chunks along that dimension; ``(10, 3)`` in that list stands for three chunks
        of ten. This needs version 3 of the format.
    dtype : str, numpy.dtype or type, optional
        Any of NumPy's; ``str``, ``bytes`` and ``'array:T'`` are short for objects with a
        suitable codec. 64-bit floats by default.
    compressor : codec, optional
        Of `numcodecs` or of :mod:`zarr.codecs`; None for none; by default
        ``zarr.storage.default_compressor``.
    fill_value : scalar, default 0
        Value of cells never written; None if there is no telling.
    order : {'C', 'F'}
        Layout of the items within a chunk.
    store : BaseStore, MutableMapping or str, optional
        A store, a path or a URL; a new store in memory by default.
    synchronizer : Synchronizer, optional
        Locks between processes.
    overwrite : bool, default False
        Whether to delete what is at `path`.
    path : str, optional
        Path in the store.
    chunk_store : BaseStore, MutableMapping or str, optional
        Where the chunks will be, if not in `store`.
    filters : sequence of codecs, optional
        Applied before the compressor.
    cache_metadata : bool, default True
        Whether to read the array's document once; else it is read at each access.
    cache_attrs : bool, default True
        The same for the user attributes.
    read_only : bool, default False
        Whether the array may not be changed through the object returned.
    object_codec : codec, optional
        Encodes the items of an array of objects.
    dimension_separator : {'.', '/'}, optional
        Separator between the dimensions of a chunk key.
    write_empty_chunks : bool, default True
        Whether to store chunks in which every cell equals the fill value.
    zarr_version, zarr_format : int, optional
        Format: 2 by default, 3 if it is needed for one of the arguments.
    meta_array : array, optional
        Array of the type that reads return; NumPy's by default.
    storage_transformers : sequence, optional
        A ``ShardingStorageTransformer`` of the 2.x library says what `shards` says.
    compressors : codec or sequence of codecs, optional
        In place of `compressor`, one or several.
    serializer : codec, optional
        Makes bytes of a chunk, between filters and compressors.
    codecs : sequence of codecs, optional
        In place of filters, serializer and compressors.
    shards : int, tuple of int or 'auto', optional
        Shape of a shard: what is stored under one key. A multiple of `chunks`. May have
        lists, as `chunks` may.
    chunk_key_encoding : str or dict, optional
        ``'default'`` or ``'v2'``, or such a name with a separator:
        ``{'name': 'default', 'separator': '.'}``.
    dimension_names : sequence of str or None, optional
    attributes : dict, optional
        User attributes.

    Returns
    -------
    Array

    Raises
    ------
    ContainsArrayError, ContainsGroupError
        If there is something at `path` and `overwrite` is False.

    Examples
    --------
    >>> import zarr
    >>> zarr.create((10000, 10000), chunks=(1000, 1000))
    <zarr.core.Array (10000, 10000) float64>
    """
    compressor, fill_value = _h5py_arguments(compressor, fill_value, kwargs)
    zarr_version = formats.one_version(zarr_version, zarr_format)
    options = NamedOptions(
        compressors, serializer, codecs, shards, chunk_key_encoding, dimension_names, attributes
    )
    store = normalize_store_arg(store, mode="w", zarr_version=zarr_version)
    chunk_store = None if chunk_store is None else normalize_store_arg(chunk_store, mode="w")
    init_array(
        store, shape, chunks, dtype, compressor, fill_value, order, overwrite, path, chunk_store,
        filters, object_codec, dimension_separator, storage_transformers, zarr_version=zarr_version,
        options=options,
    )  # fmt: skip
    return Array(
        store,
        normalize_storage_path(path),
        read_only,
        chunk_store,
        synchronizer,
        cache_metadata,
        cache_attrs,
        write_empty_chunks=write_empty_chunks,
        zarr_version=zarr_version,
        meta_array=meta_array,
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
    fill_value: Any = None,
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
    """Create an array of version 3 of the format, with the arguments of the 3.x library.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str, optional
        A store, a path or a URL; a new store in memory by default.
    name : str, optional
        Path in the store.
    shape : int or tuple of int, optional
        Length of each dimension; needed unless there are data.
    dtype : str, numpy.dtype or type, optional
    data : array_like, optional
        What to fill the array with.
    filters, compressors : codec, sequence of codecs or None, optional
        By default there are no filters, and the compressor is Zstandard.
    fill_value : scalar, optional
        By default zero or what is like it, for datetimes ``NaT``.
    zarr_format : int, default 3
        Format.
    storage_options : dict, optional
        Options of the back end of a URL.
    config : dict, optional
        With the member ``write_empty_chunks`` (default False): whether to store chunks in
        which every cell equals the fill value; and with the member ``order``, in place of
        the argument.
    write_data : bool, default True
        Whether to store `data`, or only to take shape and dtype from there.
    chunks, shards, serializer, order, attributes, chunk_key_encoding, dimension_names, \
overwrite, **kwargs
        As for :func:`create`.

    Returns
    -------
    Array

    Raises
    ------
    ContainsArrayError, ContainsGroupError
        If there is something at `name` and `overwrite` is False.

    Examples
    --------
    >>> import zarr
    >>> zarr.create_array(shape=(10000, 10000), dtype='f4', chunks=(100, 100), shards=(1000, 1000))
    <zarr.core.Array (10000, 10000) float32>
    """
    if data is None and shape is None:
        raise ValueError("create_array needs a shape or data")
    settings = dict(config or {}) if isinstance(config, Mapping | None) else vars(config)
    kwargs.setdefault("write_empty_chunks", bool(settings.get("write_empty_chunks", False)))
    if is_auto(compressors) and not kwargs.keys() & {"compressor", "codecs"}:
        compressors = None if is_sharding(serializer) else _DEFAULT_COMPRESSORS
    store = normalize_store_arg(store, storage_options, "w", zarr_version=zarr_format)
    kwargs |= {
        "store": store, "dtype": dtype,
        "path": name if name is not None else kwargs.get("path"),
        "chunks": True if is_auto(chunks) else chunks, "shards": shards, "filters": filters,
        "compressors": compressors, "serializer": serializer, "fill_value": fill_value,
        "order": order or settings.get("order") or "C", "zarr_format": zarr_format,
        "attributes": attributes, "chunk_key_encoding": chunk_key_encoding,
        "dimension_names": dimension_names, "overwrite": overwrite,
    }  # fmt: skip
    if data is None:
        return create(shape, **kwargs)  # type: ignore[arg-type]
    z, data = create_for(data, **(kwargs if shape is None else {**kwargs, "shape": shape}))
    if write_data:
        z._fill_with(data)
    return z


_DEFAULT_COMPRESSORS = [{"name": "zstd", "configuration": {"level": 0, "checksum": False}}]


def _h5py_arguments(compressor: Any, fill_value: Any, kwargs: dict[str, Any]) -> tuple[Any, Any]:
    """Understand what h5py calls these arguments; complain of any other."""
    if "fillvalue" in kwargs:
        fill_value = kwargs.pop("fillvalue")
    if "compression" in kwargs:
        compressor = kwargs.pop("compression")
        level = kwargs.pop("compression_opts", None)
        if isinstance(compressor, str) and compressor != "default":
            compressor = {"id": compressor}
            if level is not None:
                compressor |= level if isinstance(level, dict) else {"level": level}
    if isinstance(compressor, str) and compressor not in ("default", "none"):
        raise ValueError(
            f"bad value for compressor: {compressor!r}; expected a codec object, None or 'default'"
        )
    for name in kwargs:
        warn(f"ignoring keyword argument {name!r}", UserWarning, 3)
    return (None if compressor == "none" else compressor), fill_value


def empty(shape: int | tuple[int, ...], **kwargs: Any) -> Array:
    """Create an array without a fill value: there is no telling what is in cells never written.

    For the parameters see :func:`create`.
    """
    return create(shape, fill_value=None, **kwargs)


def zeros(shape: int | tuple[int, ...], **kwargs: Any) -> Array:
    """Create an array of zeros.

    For the parameters see :func:`create`.

    Examples
    --------
    >>> import zarr
    >>> z = zarr.zeros((10000, 10000), chunks=(1000, 1000))
    >>> z[:2, :2]
    array([[0., 0.],
           [0., 0.]])
    """
    return create(shape, fill_value=0, **kwargs)


def ones(shape: int | tuple[int, ...], **kwargs: Any) -> Array:
    """Create an array of ones.

    For the parameters see :func:`create`.

    Examples
    --------
    >>> import zarr
    >>> zarr.ones(3)[:]
    array([1., 1., 1.])
    """
    return create(shape, fill_value=1, **kwargs)


def full(shape: int | tuple[int, ...], fill_value: Any, **kwargs: Any) -> Array:
    """Create an array of one value.

    For the parameters see :func:`create`.

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
        A NumPy array, a list, another array of ours or of h5py. Shape, dtype and, where
        it has them, chunks are taken over.
    **kwargs
        As for :func:`create`.

    Examples
    --------
    >>> import numpy as np
    >>> import zarr
    >>> zarr.array(np.arange(100000000).reshape(10000, 10000), chunks=(1000, 1000))
    <zarr.core.Array (10000, 10000) int64>
    """
    z, data = create_for(data, **kwargs)
    z._fill_with(data)
    return z


def create_for(data: Any, **kwargs: Any) -> tuple[Array, Any]:
    """Create an array that is to hold `data`; return it, and `data` as an array."""
    if not hasattr(data, "shape") or not hasattr(data, "dtype"):
        data = as_array(data, kwargs.get("dtype"), kwargs.get("meta_array"))
    for name, value in _taken_over(data).items():
        if kwargs.get(name) is None:
            kwargs[name] = value
    return create(**kwargs), data


def as_array(data: Any, dtype: Any, like: Any) -> Any:
    """Return `data`, a list for instance, as an array that can become one of `dtype`."""
    if dtype is not None:
        dtype = dtypes.normalize_dtype(dtype)[0]
    if dtype is not None and dtype.kind == "O" and isinstance(data, (list, tuple)):
        result = np.empty(len(data), object)
        for i, item in enumerate(data):
            result[i] = item
        return result
    return np.asanyarray(data, dtype, like=like)


def _taken_over(data: Any) -> dict[str, Any]:
    """Return shape, dtype and chunks of `data` as arguments of `create`."""
    chunks = data._current.chunks if isinstance(data, Array) else getattr(data, "chunks", None)
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
    **kwargs: Any,
) -> Array:
    """Open an array the way files are opened.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str, optional
        A store, a path or a URL; a new store in memory by default.
    mode : {'r', 'r+', 'a', 'w', 'w-'}
        'r': read only, must exist. 'r+': read and write, must exist. 'a': read and
        write, is created if it does not exist. 'w': create, delete what is there. 'w-':
        create, must not exist.
    storage_options : dict, optional
        Options of the back end of a URL.
    partial_decompress : bool, default False
        Whether to read only those bytes of large chunks that are needed, from stores that
        can read ranges: of chunks compressed with Blosc the blocks, of others that are
        stored as they are the items. Worth it where little of a chunk is wanted, in one
        place: it takes one more request to the store.
    cache_bytes : int, optional
        Most bytes of decoded chunks to keep in memory, for thin slices through thick
        chunks; by default ``zarr.config.get().cache_bytes``, which is 0. What other
        processes write to chunks that are kept is not seen.
    shape, chunks, dtype, compressor, fill_value, order, synchronizer, filters, \
cache_metadata, cache_attrs, path, object_codec, chunk_store, write_empty_chunks, \
zarr_version, zarr_format, dimension_separator, meta_array, **kwargs
        As for :func:`create`.

    Returns
    -------
    Array

    Raises
    ------
    ArrayNotFoundError
        In the modes 'r' and 'r+', if there is no array.
    ContainsArrayError
        In the mode 'w-', if there is an array.
    ContainsGroupError
        If there is a group, except in the mode 'w'.

    Examples
    --------
    >>> import zarr
    >>> z = zarr.open_array('data/example.zarr', mode='w', shape=(100, 100), chunks=(10, 10))
    >>> z[:] = 42
    >>> zarr.open_array('data/example.zarr', mode='r')
    <zarr.core.Array (100, 100) float64 read-only>
    """
    mode = check_mode(mode)  # type: ignore[assignment]
    zarr_version = formats.one_version(zarr_version, zarr_format)
    store = normalize_store_arg(store, storage_options, mode, zarr_version=zarr_version)
    if chunk_store is not None:
        chunk_store = normalize_store_arg(chunk_store, storage_options, mode)
    path = normalize_storage_path(path)
    if mode not in ("r", "r+") and _must_create(store, path, mode, zarr_version):
        names = [option.name for option in fields(NamedOptions) if option.name in kwargs]
        options = NamedOptions(**{name: kwargs.pop(name) for name in names})
        transformers = kwargs.pop("storage_transformers", ())
        compressor, fill_value = _h5py_arguments(compressor, fill_value, kwargs)
        init_array(
            store, shape, chunks, dtype, compressor, fill_value, order,  # type: ignore[arg-type]
            mode == "w", path, chunk_store, filters, object_codec, dimension_separator,
            transformers, zarr_version=zarr_version, options=options,
        )  # fmt: skip
    return Array(
        store,
        path,
        mode == "r",
        chunk_store,
        synchronizer,
        cache_metadata,
        cache_attrs,
        partial_decompress,
        write_empty_chunks,
        zarr_version,
        meta_array,
        cache_bytes=cache_bytes,
    )


def _must_create(store: BaseStore, path: str, mode: str, version: int | None) -> bool:
    if mode == "w":
        return True
    there = formats.kind(store, path, version)
    if there == "group":
        raise ContainsGroupError(path)
    if there == "array" and mode != "a":
        raise ContainsArrayError(path)
    return there is None


def _like_arguments(a: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of `create` for an array like `a`, except those given."""
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
    if a._format in (formats.DEFAULT, formats.NAMED):  # the others are only read
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
    """Create an array like `a` without a fill value; for the parameters see :func:`create`."""
    return create(**{**_like_arguments(a, kwargs), "fill_value": None})


def zeros_like(a: Any, **kwargs: Any) -> Array:
    """Create an array of zeros like `a`; for the parameters see :func:`create`."""
    return create(**{**_like_arguments(a, kwargs), "fill_value": 0})


def ones_like(a: Any, **kwargs: Any) -> Array:
    """Create an array of ones like `a`; for the parameters see :func:`create`."""
    return create(**{**_like_arguments(a, kwargs), "fill_value": 1})


def full_like(a: Any, **kwargs: Any) -> Array:
    """Create an array of one value like `a`, by default of the fill value of `a`.

    For the parameters see :func:`create`.
    """
    return create(**_like_arguments(a, kwargs))


def open_like(a: Any, path: Any, **kwargs: Any) -> Array:
    """Open an array like `a` at `path`; for the parameters see :func:`open_array`."""
    return open_array(path, **_like_arguments(a, kwargs))
