"""The array: shape and dtype in front, an engine that moves chunks behind."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import numpy as np

from zarr import config, dtypes, formats
from zarr.appending import Appender
from zarr.codecs import codec_from
from zarr.display import Info, array_info, type_name
from zarr.engine import Engine
from zarr.errors import ArrayNotFoundError, naming
from zarr.formats.base import Format
from zarr.grid import appended_shape, normalize_shape
from zarr.indexing import (
    BasicIndexer,
    Indexer,
    has_ellipsis,
    indexer_class,
    single_item,
    split_fields,
)
from zarr.metadata import ArrayMeta
from zarr.node import Node
from zarr.selections import Selections
from zarr.storage.base import BaseStore
from zarr.sync import Synchronizer, holding_document, lock_for
from zarr.values import Fields, Result, as_value, fields_dtype, on_host, with_dropped_axes
from zarr.views import converted, viewed

__all__ = ["Array"]


class Array(Selections, Node):
    """An array in a store, opened by its path.

    Arrays are made by the functions of :mod:`zarr.creation` and found in groups; there is
    seldom a reason to call the class.

    Parameters
    ----------
    store : BaseStore or MutableMapping
        Where the array is.
    path : str, optional
        Path in the store.
    read_only : bool, default False
        Whether the array may not be changed through this object.
    chunk_store : BaseStore or MutableMapping, optional
        Where the chunks are, if not in `store`.
    synchronizer : Synchronizer, optional
        Locks between processes. Threads need none.
    cache_metadata : bool, default True
        Whether to read the array's document once; else it is read at each access.
    cache_attrs : bool, default True
        The same for the user attributes.
    partial_decompress : bool, default False
        Whether to read only those bytes of large chunks that are needed, from stores that
        can read ranges: of chunks compressed with Blosc the blocks, of others that are
        stored as they are the items. Worth it where little of a chunk is wanted, in one
        place: it takes one more request to the store.
    write_empty_chunks : bool, default True
        Whether to store chunks in which every cell equals the fill value.
    zarr_version : int, optional
        Format; by default the one that is found.
    meta_array : array, optional
        Array of the type to return, for instance of a GPU; NumPy's by default.
    cache_bytes : int, optional
        Most bytes of decoded chunks to keep, see :func:`zarr.open_array`.

    Raises
    ------
    ArrayNotFoundError
        If there is no array at `path`.
    MetadataError
        If its document makes no sense.

    Examples
    --------
    >>> import zarr
    >>> z = zarr.zeros((4, 6), chunks=(2, 3), dtype='i4')
    >>> z[1:3, ::2] = 7
    >>> z[:2]
    array([[0, 0, 0, 0, 0, 0],
           [7, 0, 7, 0, 7, 0]], dtype=int32)
    """

    def __init__(
        self,
        store: BaseStore | MutableMapping[str, Any],
        path: str | None = None,
        read_only: bool = False,
        chunk_store: BaseStore | MutableMapping[str, Any] | None = None,
        synchronizer: Synchronizer | None = None,
        cache_metadata: bool = True,
        cache_attrs: bool = True,
        partial_decompress: bool = False,
        write_empty_chunks: bool = True,
        zarr_version: int | None = None,
        meta_array: Any = None,
        *,
        cache_bytes: int | None = None,
        found: tuple[Format, str, Any] | None = None,
    ) -> None:
        self._place(store, path, read_only, chunk_store, synchronizer, cache_attrs, meta_array)
        self._cache_metadata = cache_metadata
        self._partial_decompress = partial_decompress
        self._write_empty_chunks = write_empty_chunks
        self._is_view = False
        self._cache_bytes = config.get().cache_bytes if cache_bytes is None else cache_bytes
        if found is None:
            found = formats.find_array(self._store, self._path, zarr_version)
        self._format, self._key, self._document = found
        self._current = self._format.parse_array(self._document, self._key)
        self._engine_: Engine | None = None
        self._lock: Any = None

    # -- metadata ------------------------------------------------------------------

    @property
    def _meta(self) -> ArrayMeta:
        if not self._cache_metadata:
            self._reload()
        return self._current

    def _reload(self) -> None:
        """Take over what the store now says of the array."""
        if self._is_view:
            return
        try:
            document = self._store[self._key]
        except KeyError:
            raise ArrayNotFoundError(self._path) from None
        if document != self._document:
            before, self._document = self._current, document
            self._current = self._format.parse_array(document, self._key)
            if replace(before, shape=self._current.shape) != self._current:
                self._engine_ = None

    def _put_meta(self, meta: ArrayMeta) -> None:
        self._put(meta, self._format.dump_array(meta))

    def _put_resized(self, meta: ArrayMeta, new: ArrayMeta) -> None:
        if new.grid is meta.grid:
            self._put(new, self._format.dump_resized(new, self._document, meta.shape))
        else:
            self._put_meta(new)

    def _put(self, meta: ArrayMeta, document: bytes) -> None:
        self._store[self._key] = document
        self._document, self._current = document, meta

    @contextmanager
    def _changing(self) -> Iterator[ArrayMeta]:
        """Hold the locks of the array's document, and give what it now says."""
        self._check_writeable()
        self._store.check_writeable()
        if self._lock is None:
            self._lock = lock_for(self._store.location, self._key)
        with holding_document(self._lock, self._synchronizer, self._key):
            self._reload()
            yield self._current

    @property
    def _engine(self) -> Engine:
        engine = self._engine_
        if engine is None:
            engine = self._engine_ = self._engine_for(self._current)
        return engine

    def _engine_for(self, meta: ArrayMeta) -> Engine:
        prefix = self._format.chunk_prefix(self._path, meta)
        with naming(self._key):
            return Engine(
                self.chunk_store, prefix, meta, self._write_empty_chunks, self._synchronizer,
                self._cache_bytes, self._partial_decompress,
            )  # fmt: skip

    @property
    def name(self) -> str | None:
        """Path with a slash in front, as h5py has it; None for an array at the root."""
        return f"/{self._path}" if self._path else None

    @property
    def basename(self) -> str | None:
        """The last segment of the path; None for an array at the root."""
        return self._path.rpartition("/")[2] if self._path else None

    @property
    def is_view(self) -> bool:
        """Whether this is a view on another array."""
        return self._is_view

    @property
    def write_empty_chunks(self) -> bool:
        """Whether chunks in which every cell equals the fill value are stored."""
        return self._write_empty_chunks

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension."""
        return self._meta.shape

    @shape.setter
    def shape(self, value: int | tuple[int, ...]) -> None:
        self.resize(value)

    @property
    def chunks(self) -> tuple[Any, ...]:
        """Shape of a chunk; where chunks differ, their lengths.

        One item per dimension: an integer, or, where chunks were listed, a tuple of the
        lengths of all. These add up to the length of the array, as dask has it: a last chunk
        that passes the end of the array is cut there.

        Examples
        --------
        >>> import zarr
        >>> zarr.zeros((30, 30), chunks=([10, 15, 5], 20)).chunks
        ((10, 15, 5), 20)
        """
        meta = self._current
        return meta.chunks if meta.grid.regular else meta.grid.cut(meta.shape)

    @property
    def shards(self) -> tuple[Any, ...] | None:
        """Shape of a shard, or the lengths of shards as `chunks` has them; None without shards."""
        return self._current.grid.cut_shards(self._current.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy dtype."""
        return self._current.dtype

    @property
    def order(self) -> Literal["C", "F"]:
        """Layout of the items within a chunk."""
        return self._current.order

    @property
    def fill_value(self) -> Any:
        """Value of cells never written; None if there is no telling."""
        return self._meta.fill_value

    @fill_value.setter
    def fill_value(self, value: Any) -> None:
        with self._changing() as meta:
            fill_value = dtypes.normalize_fill_value(value, meta.dtype)
            self._put_meta(replace(meta, fill_value=fill_value))
            self._engine_ = None

    @property
    def compressor(self) -> Any:
        """The compressor, or None."""
        return next((codec_from(s) for s in self._current.steps if s.role == "compressor"), None)

    @property
    def filters(self) -> list[Any] | None:
        """The filters in the order of encoding, or None if there are none."""
        return [codec_from(s) for s in self._current.steps if s.role == "filter"] or None

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self._current.shape)

    @property
    def size(self) -> int:
        """Number of items."""
        return math.prod(self.shape)

    @property
    def itemsize(self) -> int:
        """Bytes per item."""
        return self._current.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes that the array needs in memory."""
        return self.size * self.itemsize

    @property
    def cdata_shape(self) -> tuple[int, ...]:
        """Number of chunks along each dimension."""
        meta = self._meta
        return meta.grid.counts(meta.shape)

    @property
    def nchunks(self) -> int:
        """Number of chunks."""
        return math.prod(self.cdata_shape)

    @property
    def nchunks_initialized(self) -> int:
        """Number of chunks that are stored."""
        return self._engine.nchunks_stored(self.cdata_shape)

    initialized = nchunks_initialized

    @property
    def nbytes_stored(self) -> int:
        """Bytes stored for the array, its document and attributes included; -1 if unknown."""
        sizes = [self._store.getsize(self._path)]
        if self._chunk_store is not None:
            sizes.append(self._chunk_store.getsize(self._path))
        if self._engine.keys.separator == "/":
            folders = {key.rpartition("/")[0] for key, _ in self._engine.stored()}
            sizes += [self.chunk_store.getsize(folder) for folder in folders - {self._path}]
        return -1 if -1 in sizes else sum(sizes)

    # -- reading -------------------------------------------------------------------

    def __getitem__(self, selection: Any) -> Any:
        """Read an item or a region.

        Parameters
        ----------
        selection : int, slice, Ellipsis, array, str or a tuple of these
            Integers and slices; at most one array of integers or Booleans among them
            (as in `oindex`); or an integer array per dimension, or one mask (as in
            `vindex`). Strings name fields of a structured dtype.

        Returns
        -------
        scalar or ndarray

        Examples
        --------
        >>> import numpy as np
        >>> import zarr
        >>> z = zarr.array(np.arange(20).reshape(4, 5))
        >>> z[1, 2:4]
        array([7, 8])
        """
        meta = self._meta
        if (place := single_item(selection, meta.shape)) and self._given_meta_array is None:
            return self._engine.read_item(place)
        fields, selection = split_fields(selection)
        indexer: Any = indexer_class(selection, len(meta.shape))
        return self._get(indexer(selection, meta.shape, meta.chunks), None, fields, selection)

    def _indexer(self, kind: Any, selection: Any) -> Any:
        meta = self._meta
        return kind(selection, meta.shape, meta.chunks)

    def _get(self, indexer: Indexer, out: Any, fields: Fields, selection: Any) -> Any:
        meta = self._current
        dtype = meta.dtype if fields is None else fields_dtype(meta.dtype, fields)
        result = Result(indexer, dtype, meta.order, self._given_meta_array, out)
        self._engine.read(indexer, result.memory, fields)
        found = result.take()
        return found if out is not None or found.ndim or has_ellipsis(selection) else found[()]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if copy is False:
            raise ValueError("an array in a store cannot become a NumPy array without a copy")
        data = np.asarray(on_host(self[...]))
        return data if dtype is None else data.astype(dtype, copy=False)

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return self.islice()

    def islice(self, start: int | None = None, end: int | None = None) -> Iterator[Any]:
        """Iterate over the first dimension, reading each chunk once only.

        Parameters
        ----------
        start, end : int, optional
            Range of indices; all by default.

        Yields
        ------
        scalar or ndarray

        Examples
        --------
        >>> import numpy as np
        >>> import zarr
        >>> z = zarr.array(np.arange(100))
        >>> [int(value) for value in z.islice(25, 28)]
        [25, 26, 27]
        """
        if not self.ndim:
            raise TypeError("iteration over a 0-d array")
        start = 0 if start is None else start
        end = self.shape[0] if end is None else min(end, self.shape[0])
        if start < 0 or end < 0:
            raise ValueError(f"start and end must not be negative, got {start} and {end}")
        for band in self._current.grid.bands(start, end):
            yield from self[band]

    # -- writing -------------------------------------------------------------------

    def __setitem__(self, selection: Any, value: Any) -> None:
        """Write an item or a region; for `selection` see `__getitem__`."""
        fields, selection = split_fields(selection)
        meta = self._meta
        indexer: Any = indexer_class(selection, len(meta.shape))
        self._set(indexer(selection, meta.shape, meta.chunks), value, fields)

    def _set(self, indexer: Indexer, value: Any, fields: Fields) -> None:
        self._check_writeable()
        self._write(indexer, value, fields)

    def _write(
        self, indexer: Indexer, value: Any, fields: Fields, engine: Engine | None = None
    ) -> None:
        dtype = self._current.dtype
        if fields is not None:
            dtype = fields_dtype(dtype, fields)
        value = as_value(value, indexer.shape, dtype)
        if value.ndim:
            value = with_dropped_axes(np.asarray(value) if indexer.drop_axes else value, indexer)
        (engine or self._engine).write(indexer, value, fields)

    def _fill_with(self, data: Any) -> None:
        """Write `data` to the whole array, which may already be for reading only."""
        self._write(BasicIndexer(..., self.shape, self._current.chunks), data, None)

    def resize(self, *args: Any) -> None:
        """Change the shape; the data that remain stay where they are.

        Chunks that lie outside the new shape are deleted. What lies outside it in chunks
        that remain is kept, and comes back when the array grows again.

        Where chunks were listed and do not suffice for the new shape, more are added: as
        long as the longest there is, the last one as short as will do.

        Parameters
        ----------
        *args : int or tuple of int
            The new shape.

        Raises
        ------
        PermissionError
            If this is a view.
        ValueError
            If the number of dimensions would change.
        """
        self._check_resizable()
        with self._changing() as meta:
            before = meta.grid.counts(meta.shape)
            shape = normalize_shape(args[0] if len(args) == 1 else args, self.ndim)
            new, engine = self._with_shape(meta, shape)
            self._put_resized(meta, new)
            self._engine_ = engine
            engine.delete_outside(before, new.grid.counts(shape))

    def _with_shape(self, meta: ArrayMeta, shape: tuple[int, ...]) -> tuple[ArrayMeta, Engine]:
        """Return what the array is with another shape, and an engine for it."""
        grid = meta.grid.covering(shape)
        if grid is meta.grid:
            return meta.resized(shape), self._engine
        new = replace(meta, shape=shape, grid=grid)
        engine = self._engine_for(new)
        # An append that never ended may have left chunks of other lengths there.
        engine.delete_outside(new.grid.counts(shape), meta.grid.listed_counts(shape))
        return new, engine

    def _check_resizable(self) -> None:
        if self._is_view:
            raise PermissionError("operation not permitted for views")

    def append(self, data: Any, axis: int = 0) -> tuple[int, ...]:
        """Make the array longer along one dimension, and write `data` there.

        The document changes last: who reads meanwhile, or after a crash, sees the array
        as it was. Where chunks are listed, more are added as for `resize`.

        Parameters
        ----------
        data : array_like
            With the array's lengths in all dimensions but `axis`.
        axis : int, default 0

        Returns
        -------
        tuple of int
            The new shape.

        Raises
        ------
        ValueError
            If the lengths differ.

        Examples
        --------
        >>> import numpy as np
        >>> import zarr
        >>> z = zarr.array(np.zeros((2, 3)))
        >>> z.append(np.ones((1, 3)))
        (3, 3)
        """
        self._check_resizable()
        if not hasattr(data, "shape"):
            data = np.asanyarray(data, like=self._given_meta_array)
        with self._changing() as meta:
            axis, shape = appended_shape(meta.shape, data.shape, axis)
            start, stop = meta.shape[axis], shape[axis]
            region = (*[slice(None)] * axis, slice(start, stop))
            new, engine = self._with_shape(meta, shape)
            self._write(BasicIndexer(region, shape, new.chunks), data, None, engine)
            self._put_resized(meta, new)
            self._engine_ = engine
        return shape

    def appender(self, axis: int = 0) -> Appender:
        """Return an :class:`~zarr.appending.Appender`, which appends by whole chunks.

        Examples
        --------
        >>> import zarr
        >>> z = zarr.zeros((0, 3), chunks=(100, 3), dtype='i4')
        >>> with z.appender() as rows:
        ...     for n in range(250):
        ...         rows.append([n, n, n])
        >>> z.shape
        (250, 3)
        """
        self._check_resizable()
        return Appender(self, axis)

    # -- views ---------------------------------------------------------------------

    def view(
        self,
        shape: int | tuple[int, ...] | None = None,
        chunks: Any = None,
        dtype: Any = None,
        fill_value: Any = None,
        filters: Sequence[Any] | None = None,
        read_only: bool | None = None,
        synchronizer: Synchronizer | None = None,
    ) -> Array:
        """Return another array object over the same chunks, understood differently.

        Nothing is checked beyond what decoding checks: a view can show nonsense, and
        writing through it can damage the array.

        Parameters
        ----------
        shape, chunks, dtype, fill_value, filters, read_only, synchronizer
            What is to differ from this array.

        Returns
        -------
        Array
            With ``is_view`` True; it cannot be resized.
        """
        meta = viewed(self._meta, shape, chunks, dtype, fill_value, filters)
        return self._view(meta, read_only, synchronizer)

    def _view(
        self, meta: ArrayMeta, read_only: bool | None, synchronizer: Synchronizer | None
    ) -> Array:
        result = Array.__new__(Array)
        result.__dict__.update(self.__dict__)
        result._current = meta
        result._is_view = True
        result._cache_bytes = 0  # for what is kept are chunks as the array understands them
        result._engine_ = result._attrs = None
        if read_only is not None:
            result._read_only = read_only
        if synchronizer is not None:
            result._synchronizer = synchronizer
        return result

    def astype(self, dtype: Any) -> Array:
        """Return a read-only view that converts items to another dtype as they are read.

        Parameters
        ----------
        dtype : str or numpy.dtype

        Returns
        -------
        Array
        """
        return self._view(converted(self._current, np.dtype(dtype)), True, None)

    # -- as an object --------------------------------------------------------------

    def digest(self, hashname: str = "sha1") -> bytes:
        """Return a checksum of the stored chunks, the document and the attributes.

        Equal data in other chunks, or compressed otherwise, have another checksum.

        Parameters
        ----------
        hashname : str
            Name of an algorithm of `hashlib`.
        """
        h = hashlib.new(hashname)
        for key, _ in sorted(self._engine.stored(), key=lambda chunk: chunk[1]):
            h.update(self.chunk_store[key])
        for key in (self._key, self._format.node_attrs_key(self._path, self._key)):
            h.update(self._store.get(key, b""))
        return h.digest()

    def hexdigest(self, hashname: str = "sha1") -> str:
        """Return :meth:`digest` in hexadecimal digits."""
        return self.digest(hashname).hex()

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Array)
            and self._store == other._store
            and self._path == other._path
            and self._read_only == other._read_only
            and not self._is_view
        )

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> Any:
        options = [
            self._path or None, self._read_only, self._chunk_store, self._synchronizer,
            self._cache_metadata, self._cache_attrs, self._partial_decompress,
            self._write_empty_chunks, None, self._given_meta_array,
        ]  # fmt: skip
        defaults = [None, False, None, None, True, True, False, True, None, None]
        while options and options[-1] is defaults[len(options) - 1]:
            options.pop()
        keeps = self._cache_bytes != config.get().cache_bytes
        make = partial(Array, cache_bytes=self._cache_bytes) if keeps else Array
        return make, (self._store, *options)

    def __repr__(self) -> str:
        name = f" {self.name!r}" if self._path else ""
        read_only = " read-only" if self._read_only else ""
        return f"<{type_name(self)}{name} {self.shape} {self.dtype}{read_only}>"

    @property
    def info(self) -> Info:
        """A report of what the array is and how it is stored."""
        return Info(self)

    def info_items(self) -> list[tuple[str, str]]:
        """Return the lines of the report as pairs of strings."""
        return array_info(self)
