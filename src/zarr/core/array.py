"""The array: shape and dtype in front, an engine that moves chunks behind."""

from __future__ import annotations

import hashlib
import math
import sys
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from zarr import _formats, config
from zarr._chunks.appending import Appender
from zarr._chunks.assignment import (
    Fields,
    Result,
    as_value,
    checked_fields,
    describe_refused,
    fields_dtype,
    must_be_assigned_to,
    on_host,
    with_dropped_axes,
)  # fmt: skip
from zarr._chunks.chunk_storage import chunk_storage_of, stored_chunks
from zarr._chunks.dask_workers import warn_of_shared_chunks
from zarr._chunks.engine import Engine, WarningEngine
from zarr._chunks.explanation import Explanation
from zarr._chunks.regions import Region, items_in_part, nbytes_of_item, parts_of
from zarr._chunks.rehearsal import Rehearsal
from zarr._chunks.resizing import clear_outside, delete_outside
from zarr._chunks.sealed_store import ArraySeal, SealedStore
from zarr._codecs.codec_names import codec_from
from zarr._formats.seals import SEAL
from zarr._metadata import dtypes
from zarr._metadata.records import ArrayMeta
from zarr._nodes.derived import converted, viewed
from zarr._nodes.display import Info, array_html, array_info, type_name
from zarr._nodes.explain import Explain
from zarr._nodes.node import Node
from zarr._nodes.private_names import PrivateNames
from zarr._nodes.rechunking import copy_by_plan
from zarr._nodes.selection_methods import Selections
from zarr._selection.grid import appended_shape, normalize_end, normalize_shape
from zarr._selection.indexers import BasicIndexer, Indexer
from zarr._selection.parsing import has_ellipsis, single_item, split_fields
from zarr._selection.points import indexer_class
from zarr._shared.changes import changes
from zarr.config import Missing, Text, Verify
from zarr.core.newer_names import CalledCount, NewerNames, or_of_coroutines
from zarr.errors import ArrayNotFoundError, ZarrError, naming, warn_user
from zarr.storage.base import BaseStore
from zarr.sync import KeyLocks, Name, Synchronizer

__all__ = ["Array"]

_ELSEWHERE = {
    **dict.fromkeys(("AsyncArray", "AsyncOIndex", "AsyncVIndex"), "zarr._async.array"),
    **dict.fromkeys(("create_array", "from_array"), "zarr.creation"),
}
"""Names that code for the 3.x library imports from here, with the modules that have them."""


def __getattr__(name: str) -> Any:
    if name in _ELSEWHERE:
        return getattr(import_module(_ELSEWHERE[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class Array(Selections, PrivateNames, NewerNames, Node):
    """An array in a store, opened by its path.

    Arrays are created by the functions of :mod:`zarr.creation` and found in groups; the class
    itself is rarely called.

    Parameters
    ----------
    store : BaseStore, MutableMapping or str
        The store that holds the array, or a path or URL of one.
    path : str, optional
        Path of the array in the store. The root by default.
    read_only : bool, default False
        Whether the array cannot be changed through this object.
    chunk_store : BaseStore, MutableMapping or str, optional
        The store that holds the chunks, if they are not in `store`.
    synchronizer : Synchronizer, optional
        Locks between processes. Threads of one process need none.
    cache_metadata : bool, default True
        Whether to read the metadata of the array once. If False, they are read at each access.
    cache_attrs : bool, default True
        Whether to read the user attributes once. If False, they are read at each access.
    partial_decompress : bool, default False
        Whether to read only the bytes of large chunks that a selection needs, from stores that
        support byte ranges: the blocks of chunks compressed with Blosc, the elements of chunks
        stored uncompressed. Useful for small selections within a chunk, because it takes one
        more request to the store.
    write_empty_chunks : bool, default True
        Whether to store chunks in which every element equals the fill value.
    zarr_version : int, optional
        Version of the format. The version found in the store by default.
    meta_array : array, optional
        Array of the type to return, for instance of a GPU library. NumPy by default.
    cache_bytes : int, optional
        Maximum size in bytes of the decoded chunks to keep in memory, see
        :func:`zarr.open_array`.
    missing : {'fill', 'warn', 'error'}, optional
        How reading treats absent chunks, see :func:`zarr.open_array`.
    verify : bool or 'auto', optional
        Whether reading compares what is stored with its seal, see :func:`zarr.open_array`.
    text : {'object', 'string'}, optional
        Whether text of any length is returned as objects or as NumPy's `StringDType`. By default
        as ``zarr.config.get().text`` says.

    Raises
    ------
    ArrayNotFoundError
        If there is no array at `path`.
    MetadataError
        If the metadata are invalid.
    SealError
        If the metadata are not as they were sealed.

    References
    ----------
    Zarr specification, version 2: "Arrays"; version 3: "Array metadata" and "Chunk encoding".

    Examples
    --------
    >>> import zarr
    >>> z = zarr.zeros((4, 6), chunks=(2, 3), dtype='i4')
    >>> z[1:3, ::2] = 7
    >>> z[:2]
    array([[0, 0, 0, 0, 0, 0],
           [7, 0, 7, 0, 7, 0]], dtype=int32)
    """

    __module__ = "zarr.core"  # where the manual has it, and pickles look for it

    @or_of_coroutines
    def __init__(
        self,
        store: BaseStore | MutableMapping[str, Any] | str,
        path: str | None = None,
        read_only: bool = False,
        chunk_store: BaseStore | MutableMapping[str, Any] | str | None = None,
        synchronizer: Synchronizer | None = None,
        cache_metadata: bool = True,
        cache_attrs: bool = True,
        partial_decompress: bool = False,
        write_empty_chunks: bool = True,
        zarr_version: int | None = None,
        meta_array: Any = None,
        *,
        cache_bytes: int | None = None,
        missing: Missing | None = None,
        verify: Verify | None = None,
        text: Text | None = None,
    ) -> None:
        self._place(store, path, read_only, chunk_store, synchronizer, cache_attrs, meta_array)
        self._seen = changes.moment  # before the document is read
        self._cache_metadata = cache_metadata
        self._partial_decompress = partial_decompress
        self._write_empty_chunks = write_empty_chunks
        self._is_view = False
        usual = config.get()
        self._cache_bytes = usual.cache_bytes if cache_bytes is None else cache_bytes
        self._missing = usual.missing if missing is None else config.check_missing(missing)
        self._verify = usual.verify if verify is None else config.check_verify(verify)
        self._text = usual.text if text is None else config.check_text(text)
        found = self.__dict__.pop("_found", None)
        if found is None:
            found = _formats.find_array(self._store, self._path, zarr_version)
        self._format, self._key, self._document = found
        self._current = self._format.parse_array(self._document, self._key)
        if self._chunk_store is not None or self._store._dimension_separator is not None:
            self._current = self._placed(self._current)
        self._seal: ArraySeal | None = None
        if SEAL in self._current.extra or self._verify is True:
            self._open_seal()
        self._engine_: Engine | None = None
        self._address_: Name | None = None
        self._locks: KeyLocks | None = None

    # -- metadata ------------------------------------------------------------------

    def _placed(self, meta: ArrayMeta) -> ArrayMeta:
        """Return `meta` with what it leaves to the stores of the array."""
        separator = self._store._dimension_separator
        if self._chunk_store is not None:
            separator = self._chunk_store._dimension_separator or separator
        if separator is None:
            return meta
        return self._format.in_store(meta, self._data_store, self._path, separator)

    def _open_seal(self) -> None:
        """Verify the metadata, and prepare to verify the chunks."""
        if self._check_seal(self._document) is None:
            self._seal = None
            return
        store, seal = self._data_store, self._format.seal_of(self._document, self._key) or {}
        keys = chunk_storage_of(
            store, self._format.chunk_prefix(self._path, self._current), self._current
        ).keys
        document = self._store, self._key
        try:
            self._seal = ArraySeal(
                store, self._format, self._path, keys, len(self._current.shape), document, seal,
                self._synchronizer,
            )  # fmt: skip
        except ImportError as error:
            if self._verify is True or not self._read_only:
                raise
            warn_user(f"array '/{self._path}' is sealed, and read without verification: {error}")

    @property
    def _meta(self) -> ArrayMeta:
        if not self._cache_metadata:
            self._reload()
        return self._current

    def _record(self) -> ArrayMeta:
        return self._current

    def _reload(self) -> None:
        """Take over what the store now says of the array."""
        if self._is_view:
            return
        try:
            document = self._store.source[self._key]
        except KeyError:
            raise ArrayNotFoundError(
                self._path, repr(self._store), "it was deleted or moved after it was opened"
            ) from None
        if document != self._document:
            before, now = self._current, self._placed(self._format.parse_array(document, self._key))
            if replace(before, shape=now.shape) != now:
                self._engine_ = None
            self._document, self._current = document, now
            if SEAL in before.extra or SEAL in now.extra:
                self._open_seal()

    def _put_meta(self, meta: ArrayMeta) -> None:
        self._put(meta, self._format.dump_array(meta))

    def _put_resized(self, meta: ArrayMeta, new: ArrayMeta) -> None:
        if new.grid is meta.grid:
            self._put(new, self._format.dump_resized(new, self._document, meta.shape))
        else:
            self._put_meta(new)

    def _put(self, meta: ArrayMeta, document: bytes) -> None:
        try:
            self._store[self._key] = document
        finally:
            changes.note(self._address)
        self._document, self._current, self._seen = document, meta, changes.moment

    @property
    def _address(self) -> Name:
        """Where the document really is, however the store was opened."""
        if self._address_ is None:
            folder, _, name = self._key.rpartition("/")
            space, path = self._store.address(folder)
            self._address_ = space, f"{path}/{name}" if path else name
        return self._address_

    def _change(self, change: Callable[[ArrayMeta], None]) -> None:
        """Call `change` with the current metadata, while no other caller changes them."""
        self._check_writeable()
        self._store.check_writeable()

        def reload_and_change() -> None:
            self._reload()
            change(self._current)

        if self._locks is None:
            folder = self._key.rpartition("/")[0]
            self._locks = KeyLocks(self._store, folder, self._synchronizer)
        self._locks.hold([self._key], reload_and_change)

    def _shape_to_write(self) -> tuple[int, ...]:
        """Return the shape that a selection to be written refers to.

        That is the shape that the user of this handle could see. Where the array has become
        shorter through another one it is what remains, so that nothing is stored outside.
        """
        shape = self._meta.shape
        now = changes.moment
        if self._is_view:
            return shape
        if self._synchronizer is None and now == self._seen:
            return shape
        if self._synchronizer is not None or changes.since(self._seen, self._address):
            self._reload()
        self._seen = now
        return tuple(map(min, shape, self._current.shape))

    @property
    def _engine(self) -> Engine:
        engine = self._engine_
        if engine is None:
            engine = self._engine_ = self._engine_for(self._current)
        return engine

    def _engine_for(self, meta: ArrayMeta) -> Engine:
        prefix = self._format.chunk_prefix(self._path, meta)
        store, cache_bytes = self._data_store, self._cache_bytes
        if self._seal is not None:
            store = SealedStore(store, self._seal, bool(self._verify))
            # Others take what is cached for verified.
            cache_bytes = cache_bytes if self._verify else 0
        with naming(self._key):
            kind = WarningEngine if self._missing == "warn" else Engine
            return kind(
                store, prefix, meta, (self._store, self._key), self._write_empty_chunks,
                self._synchronizer, cache_bytes, self._partial_decompress, self._missing,
            )  # fmt: skip

    @property
    def _storage(self) -> Any:
        """Where the chunks are, which is known even where a codec is not."""
        if self._engine_ is not None and self._seal is None:
            return self._engine_.storage
        meta = self._current
        return chunk_storage_of(self._data_store, self._format.chunk_prefix(self._path, meta), meta)

    @property
    def name(self) -> str | None:
        """Path with a leading slash, as in h5py; None for an array at the root."""
        return f"/{self._path}" if self._path else None

    @property
    def basename(self) -> str | None:
        """The last segment of the path; None for an array at the root."""
        return self._path.rpartition("/")[2] if self._path else None

    @property
    def is_view(self) -> bool:
        """Whether this is a view of another array."""
        return self._is_view

    @property
    def write_empty_chunks(self) -> bool:
        """Whether chunks in which every element equals the fill value are stored."""
        return self._write_empty_chunks

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension. Assigning to it resizes the array."""
        return self._meta.shape

    @shape.setter
    def shape(self, value: int | tuple[int, ...]) -> None:
        self.resize(value)

    @property
    def chunks(self) -> tuple[Any, ...]:
        """Shape of a chunk, or the lengths of all chunks where they differ.

        One entry per dimension: an integer, or a tuple of the lengths of all chunks if they were
        listed when the array was created. These lengths add up to the length of the array, as in
        dask: a last chunk that extends beyond the end of the array is cut there.

        References
        ----------
        Zarr specification, version 2: "Chunks"; version 3: "Chunk grids". Lengths that differ are
        the chunk grid ``rectilinear`` in the registry of extensions.

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
        """Shape of a shard, or the lengths of all shards as in `chunks`; None without shards.

        References
        ----------
        Zarr specification, version 3: codec ``sharding_indexed``.
        """
        return self._current.grid.cut_shards(self._current.shape)

    @property
    def dimension_names(self) -> tuple[str | None, ...] | None:
        """Name of each dimension, None for a dimension without; None if the metadata have no names.

        Format 2 has no names of dimensions; xarray keeps them there in the attribute
        ``_ARRAY_DIMENSIONS``.

        References
        ----------
        Zarr specification, version 3: "Array metadata", member ``dimension_names``.

        Examples
        --------
        >>> import zarr
        >>> zarr.zeros((2, 3), dimension_names=['y', 'x']).dimension_names
        ('y', 'x')
        """
        return self._current.dimension_names

    @property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy dtype.

        References
        ----------
        Zarr specification, version 2: "Data type encoding"; version 3: "Data types".
        """
        return np.dtypes.StringDType() if self._returns_strings else self._current.dtype

    @property
    def _returns_strings(self) -> bool:
        """Whether elements are text that is returned as NumPy's strings, not as objects."""
        return self._text == "string" and dtypes.is_text(self._current)

    @property
    def order(self) -> str:  # not Literal: jedi, which completes names in IPython, fails with it
        """Memory layout of the elements within a chunk, 'C' (row-major) or 'F' (column-major).

        References
        ----------
        Zarr specification, version 2: "Arrays", member ``order``; version 3: codec ``transpose``.
        """
        return self._current.order

    @property
    def fill_value(self) -> Any:
        """Value of elements that were never written; None if undefined.

        References
        ----------
        Zarr specification, version 2: "Fill value encoding"; version 3: "Array metadata", member
        ``fill_value``.
        """
        return self._meta.fill_value

    @fill_value.setter
    def fill_value(self, value: Any) -> None:
        def change(meta: ArrayMeta) -> None:
            fill_value = dtypes.normalize_fill_value(value, meta.dtype)
            self._put_meta(replace(meta, fill_value=fill_value))
            self._engine_ = None

        self._change(change)

    @property
    def compressor(self) -> Any:
        """The compressor, or None if chunks are not compressed.

        References
        ----------
        Zarr specification, version 2: "Chunks"; version 3: "Chunk encoding".
        """
        return next((codec_from(s) for s in self._current.steps if s.role == "compressor"), None)

    @property
    def filters(self) -> list[Any] | None:
        """The filters in the order of encoding, or None if there are none.

        References
        ----------
        Zarr specification, version 2: "Filters"; version 3: "Chunk encoding".
        """
        return [codec_from(s) for s in self._current.steps if s.role == "filter"] or None

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self._current.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def itemsize(self) -> int:
        """Size of an element in bytes."""
        return self._current.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Size of the array in memory, in bytes."""
        return self.size * self.itemsize

    @property
    def cdata_shape(self) -> tuple[int, ...]:
        """Number of chunks along each dimension.

        An array without dimensions has one chunk, and the shape ``(1,)`` here.
        """
        meta = self._meta
        return meta.grid.counts(meta.shape) or (1,)

    @property
    def nchunks(self) -> int:
        """Number of chunks."""
        return math.prod(self.cdata_shape)

    @property
    def nchunks_initialized(self) -> int:
        """Number of chunks that are stored."""
        meta, storage = self._meta, self._storage
        keys = [key for key, _ in stored_chunks(storage)]
        return int(storage.count_present(keys, meta.grid.counts(meta.shape)))

    initialized = nchunks_initialized

    def missing(self) -> np.ndarray[Any, Any]:
        """Return which chunks are absent, and so read as fill values.

        Keys are listed, and of shards the indexes are read. No chunk is read.

        Returns
        -------
        ndarray of int64
            Of shape (n, ndim): each row is the position of a chunk in the grid of chunks, in C
            order. ``z.blocks[tuple(row)]`` is that chunk. One byte of memory is needed for each
            chunk of the grid.

        Examples
        --------
        >>> import zarr
        >>> z = zarr.zeros((4, 6), chunks=2)
        >>> z[:3, :4] = 1
        >>> z.missing().tolist()
        [[0, 2], [1, 2]]
        """
        meta, storage = self._meta, self._storage
        present = np.zeros(meta.grid.counts(meta.shape), bool)
        storage.mark_present(stored_chunks(storage), present)
        return np.argwhere(~present).astype(np.int64, copy=False)

    @property
    def nbytes_stored(self) -> int:
        """Size of the stored array in bytes, including metadata and attributes; -1 if unknown.

        It can be called as well, as in the 3.x library.
        """
        sizes = [self._store.getsize(self._path)]
        if self._chunk_store is not None:
            sizes.append(self._chunk_store.getsize(self._path))
        storage = self._storage
        if storage.keys.separator == "/":
            folders = {key.rpartition("/")[0] for key, _ in stored_chunks(storage)}
            sizes += [self._data_store.getsize(folder) for folder in folders - {self._path}]
        return CalledCount(-1 if -1 in sizes else sum(sizes))

    # -- reading -------------------------------------------------------------------

    def __getitem__(self, selection: Any) -> Any:
        """Read an element or a region.

        Parameters
        ----------
        selection : int, slice, Ellipsis, array, str or tuple of these
            Integers and slices, with at most one array of integers or Booleans among them (see
            :attr:`oindex`); or one integer array per dimension, or one mask (see :attr:`vindex`).
            Strings name fields of a structured dtype.

        Returns
        -------
        scalar or ndarray
            A NumPy scalar if every index is an integer, otherwise an array.

        Raises
        ------
        BoundsCheckError
            If an index is outside the array.
        ArrayIndexError
            If the selection is of another type, or has more indices than the array has dimensions.
        ChunkDecodeError
            If a stored chunk cannot be decoded.

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
        fields = fields if fields is None else checked_fields(fields)
        dtype = meta.dtype if fields is None else fields_dtype(meta.dtype, fields)
        if out is not None and must_be_assigned_to(out, indexer.shape):
            return self._read_into(indexer, out, fields, dtype)
        result = Result(indexer, dtype, meta.order, self._given_meta_array, out)
        self._engine.read(indexer, result.memory, fields)
        found = result.take()
        if out is None and self._returns_strings:
            found = dtypes.strings_of(found)
        return found if out is not None or found.ndim or has_ellipsis(selection) else found[()]

    def _read_into(self, indexer: Indexer, out: Any, fields: Fields, dtype: np.dtype[Any]) -> Any:
        """Assign the selection to `out`, whose parts are copies, part by part."""
        meta = self._current
        for part, region in parts_of(indexer, meta.grid, dtype, out):
            memory = np.empty(part.kept_shape, dtype, meta.order)
            self._engine.read(part, memory, fields)
            out[region] = memory.reshape(part.shape + memory.shape[len(part.kept_shape) :])
        return out

    @property
    def explain(self) -> Explain:
        """What reading a selection would cost, by the selection in square brackets.

        ``z.explain[0]`` tells it of ``z[0]``; ``z.explain.oindex``, ``z.explain.vindex`` and
        ``z.explain.blocks`` of the other kinds of selections. Nothing is read, see
        :class:`Explain`. :func:`zarr.traffic` counts what then happens.

        Examples
        --------
        >>> import zarr
        >>> z = zarr.ones((100, 100), chunks=(1, 100))
        >>> z.explain[:, 5].amplification
        100.0
        >>> print(z.explain[5])
        selection     : (100,), 800 bytes
        chunks        : 1
        store         : 1 call, 1 key or range
        bytes stored  : unknown
        bytes decoded : 800
        amplification : 1
        exact         : no, an estimate
        """
        return Explain(self._rehearse)

    def _rehearse(self, read: Callable[[Any], Any], look: bool) -> Explanation:
        """Return what `read` costs, which is called with an array; `look` at what is stored."""
        meta, engine = self._meta, self._engine
        folder = engine.keys.prefix.rpartition("/")[0]
        sizes = dict(self._data_store.list_sizes(folder)) if look else None
        rehearsal = Rehearsal(engine, sizes)
        if not (self._cache_metadata or self._is_view):
            rehearsal.store.note("__getitem__", [self._key], nbytes=len(self._document))
        array: Any = self._view(meta, None, None)
        array._engine_, array._get = rehearsal, rehearsal.get
        read(array)
        return rehearsal.explanation()

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
        """Iterate over the first dimension, reading each chunk only once.

        Parameters
        ----------
        start, end : int, optional
            Range of indices along the first dimension. The whole dimension by default.

        Yields
        ------
        scalar or ndarray
            The elements, or the subarrays, of the first dimension.

        Raises
        ------
        TypeError
            If the array has no dimensions.

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
        length = self.shape[0]
        start, end = normalize_end(start, 0), min(normalize_end(end, length), length)
        for band in self._current.grid.bands(start, end):
            yield from self[band]

    # -- writing -------------------------------------------------------------------

    def __setitem__(self, selection: Any, value: Any) -> None:
        """Write an element or a region.

        The errors are those of :meth:`set_basic_selection`.

        Parameters
        ----------
        selection : int, slice, Ellipsis, array, str or tuple of these
            The elements to write, as for :meth:`__getitem__`.
        value : scalar or array_like
            Values to write, broadcast to the shape of the selection as NumPy does. Masked elements
            are stored as the fill value.

        Examples
        --------
        >>> import zarr
        >>> z = zarr.zeros((2, 3), dtype='i4')
        >>> z[:, 1] = [5, 6]
        >>> z[:]
        array([[0, 5, 0],
               [0, 6, 0]], dtype=int32)
        """
        fields, selection = split_fields(selection)
        self._check_writeable()
        shape = self._shape_to_write()
        indexer: Any = indexer_class(selection, len(shape))
        self._write(indexer(selection, shape, self._current.chunks), value, fields)

    def _indexer_to_write(self, kind: Any, selection: Any) -> Any:
        return kind(selection, self._shape_to_write(), self._current.chunks)

    def _set(self, indexer: Indexer, value: Any, fields: Fields) -> None:
        self._check_writeable()
        self._write(indexer, value, fields)

    def _write(
        self, indexer: Indexer, value: Any, fields: Fields, engine: Engine | None = None
    ) -> None:
        dtype = self._current.dtype
        if fields is not None and (fields := checked_fields(fields)) is not None:
            dtype = fields_dtype(dtype, fields)
        meta = self._current
        value = as_value(value, indexer.shape, dtype, meta.fill_value, self.name or "/")
        engine = engine or self._engine
        if isinstance(value, np.ndarray):
            self._put_items(engine, indexer, value, fields)
            return
        if self._is_copied_by_plan(indexer, value, fields, engine):
            return
        for part, region in parts_of(indexer, engine.grid, dtype, value):
            items = as_value(
                np.asanyarray(on_host(value[region])), part.shape, dtype, meta.fill_value,
                self.name or "/",
            )  # fmt: skip
            self._put_items(engine, part, items, fields)

    def _is_copied_by_plan(
        self, indexer: Indexer, value: Any, fields: Fields, engine: Engine
    ) -> bool:
        """Copy another array with other chunks into the whole of this one, if that is asked for."""
        shape, dtype = self._current.shape, self._current.dtype
        if not isinstance(value, Array) or fields is not None or engine is not self._engine_:
            return False
        is_whole = isinstance(indexer, BasicIndexer) and indexer.kept_shape == shape == value.shape
        in_part = items_in_part(dtype)
        if not is_whole or math.prod(shape) <= in_part:
            return False

        def write(region: Region, items: Any) -> None:
            part = BasicIndexer(region, shape, engine.grid.chunks)
            self._write(part, items, None, engine)

        memory = 2 * in_part * nbytes_of_item(dtype)  # of which a block has half
        itemsize = max(nbytes_of_item(dtype), nbytes_of_item(value.dtype))
        return copy_by_plan(value, self, memory, itemsize, write=write)

    def _put_items(self, engine: Engine, indexer: Indexer, value: Any, fields: Fields) -> None:
        if value.ndim:
            value = with_dropped_axes(value, indexer)
        if "distributed" in sys.modules and indexer.axes and self._synchronizer is None:
            warn_of_shared_chunks(indexer.axes, self._current, self.name or "/")
        try:
            engine.write(indexer, value, fields)
        except (TypeError, ValueError) as error:
            codec = None if isinstance(error, ZarrError) else engine.pipeline.object_codec
            if codec is None or (reason := describe_refused(codec, value)) is None:
                raise
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"array {self.name or '/'!r}, {codec.codec_id}: {reason}") from error

    def _fill_with(self, data: Any) -> None:
        """Write `data` to the whole array, which may already be for reading only."""
        self._write(BasicIndexer(..., self.shape, self._current.chunks), data, None)

    def _fill_new(self, data: Any) -> None:
        """Write `data` to this array, just created; delete it if they cannot be stored."""
        try:
            self._fill_with(data)
        except (TypeError, ValueError, OverflowError):
            self._store.delitems(dict.fromkeys((self._key, self.attrs.key)))
            changes.note(self._address)
            self._data_store.delitems([key for key, _ in self._engine.stored()])
            raise

    def resize(self, *args: Any, new_shape: Any = None) -> None:
        """Change the shape of the array; elements inside the new shape keep their values.

        Chunks outside the new shape are deleted. Elements that are added have the fill value.

        If the chunks of a dimension were listed and do not cover the new length, chunks are added
        to the list: as long as the longest chunk, the last one only as long as needed.

        Parameters
        ----------
        *args : int or tuple of int
            The new shape, as one tuple or one integer per dimension.
        new_shape : int or tuple of int, optional
            The same, by name.

        Raises
        ------
        PermissionError
            If this is a view.
        ReadOnlyError
            If the array is read-only.
        ValueError
            If the number of dimensions would change.

        References
        ----------
        Zarr specification, version 3: "Resizing". It leaves to libraries whether to delete chunks.

        Examples
        --------
        >>> import zarr
        >>> z = zarr.ones(3)
        >>> z.resize(5)
        >>> z[:]
        array([1., 1., 1., 1., 1.])
        """
        self._check_resizable()
        given = args if new_shape is None else (new_shape,)

        def change(meta: ArrayMeta) -> None:
            shape = normalize_shape(given[0] if len(given) == 1 else given, self.ndim)
            new, engine = self._with_shape(meta, shape)
            both = tuple(map(max, meta.shape, shape))
            # Beyond the end there may be what an append has left that never came to its own.
            clear_outside(engine, meta.shape, both)
            self._put_resized(meta, new)
            self._engine_ = engine
            clear_outside(engine, shape, both)

        self._change(change)

    def _with_shape(self, meta: ArrayMeta, shape: tuple[int, ...]) -> tuple[ArrayMeta, Engine]:
        """Return what the array is with another shape, and an engine for it."""
        grid = meta.grid.covering(shape)
        if grid is meta.grid:
            return meta.resized(shape), self._engine
        new = replace(meta, shape=shape, grid=grid)
        engine = self._engine_for(new)
        # An append that never ended may have left chunks of other lengths there.
        delete_outside(engine, new.grid.counts(shape), meta.grid.listed_counts(shape))
        return new, engine

    def _check_resizable(self) -> None:
        if self._is_view:
            raise PermissionError("operation not permitted for views")

    def append(self, data: Any, axis: int = 0) -> tuple[int, ...]:
        """Extend the array along one dimension and write `data` to the new part.

        Metadata are updated last, so concurrent readers, and readers after a crash, see the old
        shape; but first in stores of the 3.x library, which may refuse chunks outside of the shape.
        Where the chunks of a dimension were listed, chunks are added as by :meth:`resize`.

        Parameters
        ----------
        data : array_like
            Values to append. Its shape equals that of the array in all dimensions but `axis`.
        axis : int, default 0
            The dimension to extend.

        Returns
        -------
        tuple of int
            The new shape.

        Raises
        ------
        ValueError
            If the shapes differ in another dimension.
        PermissionError
            If this is a view.
        ReadOnlyError
            If the array is read-only.

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
        shape: tuple[int, ...] = ()

        def change(meta: ArrayMeta) -> None:
            nonlocal shape
            dim, shape = appended_shape(meta.shape, data.shape, axis)
            region = (*[slice(None)] * dim, slice(meta.shape[dim], shape[dim]))
            new, engine = self._with_shape(meta, shape)
            indexer = BasicIndexer(region, shape, new.chunks)
            if self._store.documents_first:
                self._put_resized(meta, new)
                self._engine_ = engine
                self._write(indexer, data, None, engine)
                return
            self._write(indexer, data, None, engine)
            self._put_resized(meta, new)
            self._engine_ = engine

        self._change(change)
        return shape

    def appender(self, axis: int = 0) -> Appender:
        """Return an `Appender`, which buffers rows and writes whole chunks.

        Parameters
        ----------
        axis : int, default 0
            The dimension to extend.

        Returns
        -------
        Appender
            A context manager that writes the buffered rows at its end.

        Raises
        ------
        PermissionError
            If this is a view.

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
        """Return an array object that interprets the same chunks with other metadata.

        Only decoding checks whether the chunks match: a view with the wrong dtype or filters can
        return meaningless values, and writing through it can damage the array.

        Parameters
        ----------
        shape : int or tuple of int, optional
            Shape of the view. All parameters have the value of this array by default.
        chunks : int, tuple of int or bool, optional
            Shape of a chunk.
        dtype : str, numpy.dtype or type, optional
            Data type of the elements.
        fill_value : scalar, optional
            Value of elements that were never written.
        filters : sequence of codecs, optional
            Filters that decode the chunks.
        read_only : bool, optional
            Whether the view is read-only.
        synchronizer : Synchronizer, optional
            Locks between processes.

        Returns
        -------
        Array
            An array whose `is_view` is True. It cannot be resized.

        Examples
        --------
        >>> import numpy as np
        >>> import zarr
        >>> z = zarr.array(np.array([0, 1, -1], dtype='i1'))
        >>> z.view(dtype='u1')[:]
        array([  0,   1, 255], dtype=uint8)
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
        result._engine_ = result._attrs = result._locks = None
        if read_only is not None:
            result._read_only = read_only
        if synchronizer is not None:
            result._synchronizer = synchronizer
        return result

    def astype(self, dtype: Any) -> Array:
        """Return a read-only view that converts elements to another dtype when they are read.

        Parameters
        ----------
        dtype : str or numpy.dtype
            Data type of the elements that are returned.

        Returns
        -------
        Array
            A read-only view.

        Examples
        --------
        >>> import numpy as np
        >>> import zarr
        >>> z = zarr.array(np.arange(3))
        >>> z.astype('f4')[:]
        array([0., 1., 2.], dtype=float32)
        """
        return self._view(converted(self._current, np.dtype(dtype)), True, None)

    # -- as an object --------------------------------------------------------------

    def digest(self, hashname: str = "sha1") -> bytes:
        """Return a checksum of the stored chunks, metadata and attributes.

        It identifies stored content: arrays with equal elements but other chunks or compression
        have other checksums.

        Parameters
        ----------
        hashname : str, default 'sha1'
            Name of an algorithm of :mod:`hashlib`.

        Returns
        -------
        bytes
            The checksum.

        Raises
        ------
        ValueError
            If :mod:`hashlib` has no such algorithm.

        Examples
        --------
        >>> import zarr
        >>> len(zarr.zeros(10).digest('sha256'))
        32
        """
        h = hashlib.new(hashname)
        for key, _ in sorted(stored_chunks(self._storage), key=lambda chunk: chunk[1]):
            h.update(self._data_store.get(key, b""))  # it may have been deleted since it was listed
        for key in (self._key, self._format.node_attrs_key(self._path, self._key)):
            h.update(self._store.get(key, b""))
        return h.digest()

    def hexdigest(self, hashname: str = "sha1") -> str:
        """Return :meth:`digest` as hexadecimal digits.

        Parameters
        ----------
        hashname : str, default 'sha1'
            Name of an algorithm of :mod:`hashlib`.

        Returns
        -------
        str
            The checksum.

        Raises
        ------
        ValueError
            If :mod:`hashlib` has no such algorithm.

        Examples
        --------
        >>> import zarr
        >>> zarr.zeros(10).hexdigest() == zarr.zeros(10).hexdigest()
        True
        """
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
            self._write_empty_chunks, self._format.version, self._given_meta_array,
        ]  # fmt: skip
        defaults = [None, False, None, None, True, True, False, True, None, None]
        while options and options[-1] is defaults[len(options) - 1]:
            options.pop()
        usual = config.get()
        kept: dict[str, Any] = {}
        if self._cache_bytes != usual.cache_bytes:
            kept["cache_bytes"] = self._cache_bytes
        if self._missing != usual.missing:
            kept["missing"] = self._missing
        if self._verify != usual.verify:
            kept["verify"] = self._verify
        if self._text != usual.text:
            kept["text"] = self._text
        return partial(Array, **kept) if kept else Array, (self._store, *options)

    def __repr__(self) -> str:
        name = f" {self.name!r}" if self._path else ""
        read_only = " read-only" if self._read_only else ""
        return f"<{type_name(self)}{name} {self.shape} {self.dtype}{read_only}>"

    def _repr_html_(self) -> str:
        return array_html(self)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.dtype.names or ())

    @property
    def info(self) -> Info:
        """A summary of the array and how it is stored, shown as text or as a table."""
        return Info(self)

    def info_items(self) -> list[tuple[str, str]]:
        """Return the labels and values of :attr:`info`.

        Returns
        -------
        list of (str, str)
            One pair per line.

        Examples
        --------
        >>> import zarr
        >>> dict(zarr.zeros(10, chunks=5).info_items())['Chunk shape']
        '(5,)'
        """
        return array_info(self)
