"""Arrays whose methods are coroutines."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Self

from zarr import _formats
from zarr._async.threads import in_thread
from zarr.core import Array
from zarr.core.created_nodes import create_node
from zarr.core.metadata.group import node_metadata
from zarr.creation import open_array
from zarr.storage.base import as_store
from zarr.storage.store_path import StorePath

__all__ = ["AsyncArray", "AsyncOIndex", "AsyncVIndex", "array_of"]


def array_of(metadata: Any, store_path: Any, config: Any = None) -> Array:
    """Return the array at a path that has the given metadata, which are not read."""
    if isinstance(metadata, Mapping):
        metadata = node_metadata(metadata)
    format = _formats.by_version(metadata.zarr_format) or _formats.NAMED
    document = format.dump_array(metadata.to_record())
    store, path = as_store(store_path.store), store_path.path
    found = format, format.array_key(path), document
    array = Array._of(found, store, path, not store.is_writeable()).with_config(config)
    array.attrs._cached = dict(metadata.attributes)
    return array


def _array_in(out: Any) -> Any:
    """Return the array that an argument `out` holds, which may be an `NDBuffer`."""
    return out.as_ndarray_like() if hasattr(out, "as_ndarray_like") else out


def _property(name: str) -> property:
    return property(lambda self: getattr(self._array, name), doc=getattr(Array, name).__doc__)


class AsyncArray:
    """An array whose methods are coroutines.

    Each coroutine calls the method of :class:`zarr.Array` in a thread. A coroutine that is
    cancelled ends when the call has ended, so that nothing goes on behind it.

    Parameters
    ----------
    metadata : ArrayV2Metadata, ArrayV3Metadata or dict
        The metadata. They are not read from the store.
    store_path : StorePath
        The store and the path of the array.
    config : ArrayConfig or dict, optional
        How the array is used.

    Examples
    --------
    >>> import asyncio
    >>> import zarr
    >>> z = zarr.array([1, 2, 3]).async_array
    >>> asyncio.run(z.getitem(slice(1, None)))
    array([2, 3])
    """

    _array: Array

    def __init__(self, metadata: Any, store_path: StorePath, config: Any = None) -> None:
        self._array = array_of(metadata, store_path, config)

    async def _save_metadata(self, metadata: Any, ensure_parents: bool = False) -> None:
        """Write the metadata of a new array."""
        await in_thread(create_node, self._array._store, self._array._path, metadata)

    @classmethod
    def _of(cls, array: Array) -> Self:
        """Return the coroutines of an array."""
        result = cls.__new__(cls)
        result._array = array
        return result

    attrs = _property("attrs")
    basename = _property("basename")
    cdata_shape = _property("cdata_shape")
    chunks = _property("chunks")
    compressor = _property("compressor")
    compressors = _property("compressors")
    config = _property("config")
    _config = config
    dtype = _property("dtype")
    fill_value = _property("fill_value")
    filters = _property("filters")
    info = _property("info")
    metadata = _property("metadata")
    name = _property("name")
    nbytes = _property("nbytes")
    nchunks = _property("nchunks")
    ndim = _property("ndim")
    order = _property("order")
    path = _property("path")
    read_chunk_sizes = _property("read_chunk_sizes")
    read_only = _property("read_only")
    serializer = _property("serializer")
    shape = _property("shape")
    shards = _property("shards")
    size = _property("size")
    store = _property("store")
    store_path = _property("store_path")
    write_chunk_sizes = _property("write_chunk_sizes")

    @property
    def codec_pipeline(self) -> Any:
        """The codecs as a pipeline, of the class that the setting ``codec_pipeline.path`` names.

        For code that encodes and decodes chunks itself: arrays do not use it.

        Examples
        --------
        >>> import zarr
        >>> z = zarr.create_array(shape=3, dtype='i4', compressors=None).async_array
        >>> z.codec_pipeline.array_bytes_codec
        BytesCodec(endian='little')
        """
        pipelines = import_module("zarr.core.codec_pipeline")
        return pipelines.pipeline_of(self.metadata, self.store)

    @classmethod
    async def open(cls, store: Any, zarr_format: int | None = None, *, config: Any = None) -> Self:
        """Open an existing array.

        Parameters
        ----------
        store : StoreLike
            The store, with the path of the array if it is not at the root.
        zarr_format : {2, 3}, optional
            Version of the format. The version found in the store by default.
        config : ArrayConfig or dict, optional
            How the array is used.

        Returns
        -------
        AsyncArray
            The array.
        """
        array = await in_thread(
            open_array, store, mode="r+", zarr_format=zarr_format, config=config
        )
        return cls._of(array)

    @classmethod
    def from_dict(cls, store_path: StorePath, data: Mapping[str, Any]) -> Self:
        """Return the array at a path that has the given metadata, which are not read.

        Parameters
        ----------
        store_path : StorePath
            The store and the path of the array.
        data : dict
            The metadata.

        Returns
        -------
        AsyncArray
            The array.
        """
        return cls(data, store_path)

    def with_config(self, config: Any) -> Self:
        """Return the array for use in another way.

        Parameters
        ----------
        config : ArrayConfig or dict
            What changes.

        Returns
        -------
        AsyncArray
            The same array.
        """
        return self._of(self._array.with_config(config))

    # -- reading ---------------------------------------------------------------------

    async def getitem(self, selection: Any, *, prototype: Any = None) -> Any:
        """Return the elements of a basic selection.

        Parameters
        ----------
        selection : int, slice, Ellipsis or tuple of these
            The selection, as for ``array[selection]``.
        prototype : BufferPrototype, optional
            Not used.

        Returns
        -------
        ndarray or scalar
            The elements.
        """
        return await in_thread(self._array.__getitem__, selection)

    async def get_orthogonal_selection(
        self, selection: Any, *, out: Any = None, fields: Any = None, prototype: Any = None
    ) -> Any:
        """Return the elements of a selection that takes each dimension on its own.

        Parameters
        ----------
        selection : tuple
            The selection, as for :meth:`zarr.Array.get_orthogonal_selection`.
        out : ndarray or NDBuffer, optional
            The array to read into.
        fields : str or sequence of str, optional
            Fields of structured elements.
        prototype : BufferPrototype, optional
            Not used.

        Returns
        -------
        ndarray
            The elements.

        Examples
        --------
        >>> import asyncio
        >>> import zarr
        >>> z = zarr.array([[1, 2], [3, 4]]).async_array
        >>> asyncio.run(z.get_orthogonal_selection(([0], slice(None))))
        array([[1, 2]])
        """
        return await in_thread(
            self._array.get_orthogonal_selection, selection, _array_in(out), fields
        )

    async def get_coordinate_selection(
        self, selection: Any, *, out: Any = None, fields: Any = None, prototype: Any = None
    ) -> Any:
        """Return the elements at coordinates.

        Parameters
        ----------
        selection : tuple of array_like
            The coordinates, as for :meth:`zarr.Array.get_coordinate_selection`.
        out : ndarray or NDBuffer, optional
            The array to read into.
        fields : str or sequence of str, optional
            Fields of structured elements.
        prototype : BufferPrototype, optional
            Not used.

        Returns
        -------
        ndarray
            The elements.

        Examples
        --------
        >>> import asyncio
        >>> import zarr
        >>> z = zarr.array([[1, 2], [3, 4]]).async_array
        >>> asyncio.run(z.get_coordinate_selection(([0, 1], [0, 1])))
        array([1, 4])
        """
        return await in_thread(
            self._array.get_coordinate_selection, selection, _array_in(out), fields
        )

    async def get_mask_selection(
        self, mask: Any, *, out: Any = None, fields: Any = None, prototype: Any = None
    ) -> Any:
        """Return the elements for which a mask is true.

        Parameters
        ----------
        mask : array_like of bool
            The mask, of the shape of the array.
        out : ndarray or NDBuffer, optional
            The array to read into.
        fields : str or sequence of str, optional
            Fields of structured elements.
        prototype : BufferPrototype, optional
            Not used.

        Returns
        -------
        ndarray
            The elements.

        Examples
        --------
        >>> import asyncio
        >>> import zarr
        >>> z = zarr.array([[1, 2], [3, 4]]).async_array
        >>> asyncio.run(z.get_mask_selection([[False, True], [True, False]]))
        array([2, 3])
        """
        return await in_thread(self._array.get_mask_selection, mask, _array_in(out), fields)

    @property
    def oindex(self) -> AsyncOIndex:
        """Selections that take each dimension on its own.

        Examples
        --------
        >>> import asyncio
        >>> import zarr
        >>> z = zarr.array([[1, 2], [3, 4]]).async_array
        >>> asyncio.run(z.oindex.getitem(([0], [0, 1])))
        array([[1, 2]])
        """
        return AsyncOIndex(self)

    @property
    def vindex(self) -> AsyncVIndex:
        """Selections of points, and of what a mask says.

        Examples
        --------
        >>> import asyncio
        >>> import zarr
        >>> z = zarr.array([[1, 2], [3, 4]]).async_array
        >>> asyncio.run(z.vindex.getitem(([0, 1], [0, 1])))
        array([1, 4])
        """
        return AsyncVIndex(self)

    # -- writing ---------------------------------------------------------------------

    async def setitem(self, selection: Any, value: Any, prototype: Any = None) -> None:
        """Set the elements of a basic selection.

        Parameters
        ----------
        selection : int, slice, Ellipsis or tuple of these
            The selection, as for ``array[selection] = value``.
        value : array_like
            The values.
        prototype : BufferPrototype, optional
            Not used.
        """
        await in_thread(self._array.__setitem__, selection, value)

    async def append(self, data: Any, axis: int = 0) -> tuple[int, ...]:
        """Extend the array along one dimension and write `data` to the new part.

        Parameters
        ----------
        data : array_like
            Values to append.
        axis : int, default 0
            The dimension to extend.

        Returns
        -------
        tuple of int
            The new shape.
        """
        return await in_thread(self._array.append, data, axis)

    async def resize(self, new_shape: Any, delete_outside_chunks: bool = True) -> None:
        """Change the shape.

        Parameters
        ----------
        new_shape : int or tuple of int
            The shape.
        delete_outside_chunks : bool, default True
            Not used: chunks outside of the shape are always deleted.
        """
        await in_thread(self._array.resize, new_shape)

    async def update_attributes(self, new_attributes: Mapping[str, Any]) -> Self:
        """Set user attributes; others are kept.

        Parameters
        ----------
        new_attributes : dict
            Attributes by name.

        Returns
        -------
        AsyncArray
            This array.
        """
        await in_thread(self._array.update_attributes, new_attributes)
        return self

    # -- what is stored --------------------------------------------------------------

    async def nchunks_initialized(self) -> int:
        """Return the number of chunks that are stored.

        Returns
        -------
        int
            The number.
        """
        return await in_thread(lambda: self._array.nchunks_initialized)

    async def nbytes_stored(self) -> int:
        """Return the size of what is stored, in bytes.

        Returns
        -------
        int
            The size.
        """
        return await in_thread(lambda: self._array.nbytes_stored)

    async def info_complete(self) -> Any:
        """Return :attr:`info`, which is complete here.

        Returns
        -------
        Info
            The summary.
        """
        return await in_thread(self._array.info_complete)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AsyncArray) and self._array == other._array

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<AsyncArray {self.store_path} shape={self.shape} dtype={self.dtype}>"


class _AsyncIndex:
    """A way to select elements of an array by a coroutine.

    Parameters
    ----------
    array : AsyncArray
        The array.
    """

    def __init__(self, array: AsyncArray) -> None:
        self.array = array

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.array == other.array

    __hash__ = None  # type: ignore[assignment]


class AsyncOIndex(_AsyncIndex):
    """Selections that take each dimension on its own, by a coroutine.

    Parameters
    ----------
    array : AsyncArray
        The array.
    """

    async def getitem(self, selection: Any) -> Any:
        """Return the elements of a selection.

        Parameters
        ----------
        selection : tuple
            The selection, as for ``array.oindex[selection]``.

        Returns
        -------
        ndarray
            The elements.
        """
        return await in_thread(self.array._array.oindex.__getitem__, selection)


class AsyncVIndex(_AsyncIndex):
    """Selections of points, and of what a mask says, by a coroutine.

    Parameters
    ----------
    array : AsyncArray
        The array.
    """

    async def getitem(self, selection: Any) -> Any:
        """Return the elements of a selection.

        Parameters
        ----------
        selection : tuple of array_like, or array_like of bool
            The selection, as for ``array.vindex[selection]``.

        Returns
        -------
        ndarray
            The elements.
        """
        return await in_thread(self.array._array.vindex.__getitem__, selection)
