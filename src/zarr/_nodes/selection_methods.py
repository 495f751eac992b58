"""Methods and attributes of an array that each read and write one kind of selection."""

from __future__ import annotations

from typing import Any

import numpy as np

from zarr._chunks.assignment import Fields
from zarr._selection.indexers import BasicIndexer, BlockIndexer, Indexer, OrthogonalIndexer
from zarr._selection.parsing import split_fields
from zarr._selection.points import CoordinateIndexer, MaskIndexer
from zarr.errors import named_after

__all__ = ["BlockIndex", "OIndex", "Selections", "VIndex"]


@named_after("zarr.core", "Array")
class Selections:
    """The methods of an array that read and write one kind of selection each."""

    def _indexer(self, kind: Any, selection: Any) -> Any:
        raise NotImplementedError

    def _indexer_to_write(self, kind: Any, selection: Any) -> Any:
        raise NotImplementedError

    def _get(self, indexer: Indexer, out: Any, fields: Fields, selection: Any) -> Any:
        raise NotImplementedError

    def _set(self, indexer: Indexer, value: Any, fields: Fields) -> None:
        raise NotImplementedError

    # -- reading -------------------------------------------------------------------

    def get_basic_selection(
        self,
        selection: Any = Ellipsis,
        out: Any = None,
        fields: Fields = None,
        *,
        prototype: Any = None,
    ) -> Any:
        """Read an element or a rectangular region.

        Parameters
        ----------
        selection : int, slice, Ellipsis or tuple of these, default Ellipsis
            Index or range along each dimension, as for a NumPy array; missing dimensions are read
            completely. Steps of slices must be positive.
        out : array, optional
            Array of the shape of the selection to read into: a NumPy array, a Zarr array, an HDF5
            dataset, or any other object with a shape that supports assignment. A new NumPy array
            by default.
        fields : str or list of str, optional
            Names of the fields of a structured dtype to read. All fields by default.
        prototype : BufferPrototype, optional
            Not used.

        Returns
        -------
        scalar or ndarray
            A NumPy scalar if every index is an integer, otherwise an array with one dimension per
            slice; `out` if it is given.

        Raises
        ------
        BoundsCheckError
            If an index is outside the array.
        ArrayIndexError
            If the selection is of another type, or has more indices than the array has dimensions.
        NegativeStepError, ZeroStepError
            If the step of a slice is not positive.

        Examples
        --------
        >>> import numpy as np
        >>> import zarr
        >>> z = zarr.array(np.arange(20).reshape(4, 5))
        >>> z.get_basic_selection((slice(1, 3), 2))
        array([ 7, 12])
        >>> out = np.empty(5, dtype='i8')
        >>> z.get_basic_selection(3, out=out)
        array([15, 16, 17, 18, 19])
        """
        return self._get(self._indexer(BasicIndexer, selection), out, fields, selection)

    def get_orthogonal_selection(
        self, selection: Any, out: Any = None, fields: Fields = None, *, prototype: Any = None
    ) -> Any:
        """Read the elements that are selected in each dimension independently of the others.

        Parameters
        ----------
        selection : int, slice, array of int or bool, Ellipsis or tuple of these
            Indices along each dimension. A Boolean array has the length of the dimension.
        out : array, optional
            Array of the shape of the selection to read into, as for :meth:`get_basic_selection`.
        fields : str or list of str, optional
            Names of the fields of a structured dtype to read. All fields by default.
        prototype : BufferPrototype, optional
            Not used.

        Returns
        -------
        scalar or ndarray
            Array with one dimension per slice or array of indices; `out` if it is given.

        Raises
        ------
        BoundsCheckError
            If an index is outside the array.
        ArrayIndexError
            If the selection is of another type, or has more indices than the array has dimensions.

        Examples
        --------
        >>> import numpy as np
        >>> import zarr
        >>> z = zarr.array(np.arange(20).reshape(4, 5))
        >>> z.get_orthogonal_selection(([0, 2], [1, 3, 4]))
        array([[ 1,  3,  4],
               [11, 13, 14]])
        """
        return self._get(self._indexer(OrthogonalIndexer, selection), out, fields, selection)

    def get_coordinate_selection(
        self, selection: Any, out: Any = None, fields: Fields = None, *, prototype: Any = None
    ) -> Any:
        """Read single elements by their coordinates.

        Parameters
        ----------
        selection : tuple of int or array of int
            Coordinates of the elements, one array per dimension. The arrays are broadcast against
            each other.
        out : array, optional
            Array of the shape of the selection to read into, as for :meth:`get_basic_selection`.
        fields : str or list of str, optional
            Names of the fields of a structured dtype to read. All fields by default.
        prototype : BufferPrototype, optional
            Not used.

        Returns
        -------
        ndarray
            Array of the shape of the coordinate arrays after broadcasting; `out` if it is given.

        Raises
        ------
        BoundsCheckError
            If a coordinate is outside the array.
        VindexInvalidSelectionError
            If the selection is not one array of integers per dimension.

        Examples
        --------
        >>> import numpy as np
        >>> import zarr
        >>> z = zarr.array(np.arange(20).reshape(4, 5))
        >>> z.get_coordinate_selection(([0, 1, 3], [4, 0, 2]))
        array([ 4,  5, 17])
        """
        return self._get(self._indexer(CoordinateIndexer, selection), out, fields, selection)

    def get_mask_selection(
        self, selection: Any, out: Any = None, fields: Fields = None, *, prototype: Any = None
    ) -> Any:
        """Read the elements at which a Boolean array is True.

        Parameters
        ----------
        selection : array of bool
            Mask of the shape of the array.
        out : array, optional
            Array of one dimension to read into, as for :meth:`get_basic_selection`.
        fields : str or list of str, optional
            Names of the fields of a structured dtype to read. All fields by default.
        prototype : BufferPrototype, optional
            Not used.

        Returns
        -------
        ndarray
            Array of one dimension, with the elements in C order; `out` if it is given.

        Raises
        ------
        VindexInvalidSelectionError
            If the selection is not a Boolean array of the shape of the array.

        Examples
        --------
        >>> import numpy as np
        >>> import zarr
        >>> z = zarr.array(np.arange(20).reshape(4, 5))
        >>> z.get_mask_selection(z[:] % 7 == 0)
        array([ 0,  7, 14])
        """
        return self._get(self._indexer(MaskIndexer, selection), out, fields, selection)

    def get_block_selection(
        self, selection: Any, out: Any = None, fields: Fields = None, *, prototype: Any = None
    ) -> Any:
        """Read whole chunks by their indices in the chunk grid.

        Parameters
        ----------
        selection : int, slice, Ellipsis or tuple of these
            Index or range of chunks along each dimension. Steps of slices must be 1.
        out : array, optional
            Array of the shape of the selection to read into, as for :meth:`get_basic_selection`.
        fields : str or list of str, optional
            Names of the fields of a structured dtype to read. All fields by default.
        prototype : BufferPrototype, optional
            Not used.

        Returns
        -------
        ndarray
            Array with the elements of the chunks, as many dimensions as the Zarr array; `out` if it
            is given.

        Raises
        ------
        BoundsCheckError
            If an index is outside the chunk grid.
        ArrayIndexError
            If the selection is of another type, or the step of a slice is not 1.

        Examples
        --------
        >>> import numpy as np
        >>> import zarr
        >>> z = zarr.array(np.arange(20).reshape(4, 5), chunks=(2, 3))
        >>> z.get_block_selection((1, 0))
        array([[10, 11, 12],
               [15, 16, 17]])
        """
        return self._get(self._indexer(BlockIndexer, selection), out, fields, selection)

    @property
    def oindex(self) -> OIndex:
        """Orthogonal selections in square brackets, see :meth:`get_orthogonal_selection`.

        Examples
        --------
        >>> import numpy as np
        >>> import zarr
        >>> z = zarr.array(np.arange(20).reshape(4, 5))
        >>> z.oindex[[0, 2], [1, 3]]
        array([[ 1,  3],
               [11, 13]])
        >>> z.oindex[[0, 2], [1, 3]] = -1
        """
        return OIndex(self)

    @property
    def vindex(self) -> VIndex:
        """Elements by coordinates or a mask in square brackets.

        See :meth:`get_coordinate_selection` and :meth:`get_mask_selection`.

        Examples
        --------
        >>> import numpy as np
        >>> import zarr
        >>> z = zarr.array(np.arange(20).reshape(4, 5))
        >>> z.vindex[[0, 2], [1, 3]]
        array([ 1, 13])
        >>> z.vindex[z[:] > 17] = 0
        """
        return VIndex(self)

    @property
    def blocks(self) -> BlockIndex:
        """Whole chunks in square brackets, see :meth:`get_block_selection`.

        Examples
        --------
        >>> import numpy as np
        >>> import zarr
        >>> z = zarr.array(np.arange(20).reshape(4, 5), chunks=(2, 3))
        >>> z.blocks[0, 1]
        array([[3, 4],
               [8, 9]])
        >>> z.blocks[1] = 7
        """
        return BlockIndex(self)

    # -- writing -------------------------------------------------------------------

    def set_basic_selection(
        self, selection: Any, value: Any, fields: Fields = None, *, prototype: Any = None
    ) -> None:
        """Write an element or a rectangular region.

        Parameters
        ----------
        selection : int, slice, Ellipsis or tuple of these
            Index or range along each dimension, as for :meth:`get_basic_selection`.
        value : scalar or array_like
            Values to write, broadcast to the shape of the selection as NumPy does. Masked elements
            are stored as the fill value. None is refused unless the array holds objects.
        fields : str or list of str, optional
            Names of the fields of a structured dtype to write. The other fields keep their values.
        prototype : BufferPrototype, optional
            Not used.

        Raises
        ------
        ValueError
            If `value` cannot be broadcast to the shape of the selection.
        TypeError
            If `value` cannot be converted to the dtype of the array.
        ReadOnlyError
            If the array is read-only.
        BoundsCheckError
            If an index is outside the array.
        ArrayIndexError
            If the selection is of another type, or has more indices than the array has dimensions.

        Examples
        --------
        >>> import zarr
        >>> z = zarr.zeros((2, 3), dtype='i4')
        >>> z.set_basic_selection((0, slice(1, 3)), [5, 6])
        >>> z[:]
        array([[0, 5, 6],
               [0, 0, 0]], dtype=int32)
        """
        self._set(self._indexer_to_write(BasicIndexer, selection), value, fields)

    def set_orthogonal_selection(
        self, selection: Any, value: Any, fields: Fields = None, *, prototype: Any = None
    ) -> None:
        """Write the elements that are selected in each dimension independently of the others.

        The errors are those of :meth:`set_basic_selection`.

        Parameters
        ----------
        selection : int, slice, array of int or bool, Ellipsis or tuple of these
            Indices along each dimension, as for :meth:`get_orthogonal_selection`.
        value : scalar or array_like
            Values to write, broadcast to the shape of the selection.
        fields : str or list of str, optional
            Names of the fields of a structured dtype to write. The other fields keep their values.
        prototype : BufferPrototype, optional
            Not used.

        Examples
        --------
        >>> import zarr
        >>> z = zarr.zeros((3, 4), dtype='i4')
        >>> z.set_orthogonal_selection(([0, 2], [1, 3]), 1)
        >>> z[:]
        array([[0, 1, 0, 1],
               [0, 0, 0, 0],
               [0, 1, 0, 1]], dtype=int32)
        """
        self._set(self._indexer_to_write(OrthogonalIndexer, selection), value, fields)

    def set_coordinate_selection(
        self, selection: Any, value: Any, fields: Fields = None, *, prototype: Any = None
    ) -> None:
        """Write single elements by their coordinates.

        If coordinates occur more than once, the last value is stored. The errors are those of
        :meth:`set_basic_selection`.

        Parameters
        ----------
        selection : tuple of int or array of int
            Coordinates of the elements, as for :meth:`get_coordinate_selection`.
        value : scalar or array_like
            Values to write, broadcast to the shape of the coordinate arrays.
        fields : str or list of str, optional
            Names of the fields of a structured dtype to write. The other fields keep their values.
        prototype : BufferPrototype, optional
            Not used.

        Examples
        --------
        >>> import zarr
        >>> z = zarr.zeros((2, 3), dtype='i4')
        >>> z.set_coordinate_selection(([0, 1], [2, 0]), [5, 6])
        >>> z[:]
        array([[0, 0, 5],
               [6, 0, 0]], dtype=int32)
        """
        self._set(self._indexer_to_write(CoordinateIndexer, selection), value, fields)

    def set_mask_selection(
        self, selection: Any, value: Any, fields: Fields = None, *, prototype: Any = None
    ) -> None:
        """Write the elements at which a Boolean array is True.

        The errors are those of :meth:`set_basic_selection`.

        Parameters
        ----------
        selection : array of bool
            Mask of the shape of the array.
        value : scalar or array_like
            A scalar, or an array of one dimension with a value per selected element, in C order.
        fields : str or list of str, optional
            Names of the fields of a structured dtype to write. The other fields keep their values.
        prototype : BufferPrototype, optional
            Not used.

        Examples
        --------
        >>> import numpy as np
        >>> import zarr
        >>> z = zarr.array(np.arange(6).reshape(2, 3))
        >>> z.set_mask_selection(z[:] % 2 == 0, -1)
        >>> z[:]
        array([[-1,  1, -1],
               [ 3, -1,  5]])
        """
        self._set(self._indexer_to_write(MaskIndexer, selection), value, fields)

    def set_block_selection(
        self, selection: Any, value: Any, fields: Fields = None, *, prototype: Any = None
    ) -> None:
        """Write whole chunks by their indices in the chunk grid.

        The errors are those of :meth:`set_basic_selection`.

        Parameters
        ----------
        selection : int, slice, Ellipsis or tuple of these
            Index or range of chunks along each dimension, as for :meth:`get_block_selection`.
        value : scalar or array_like
            Values to write, broadcast to the shape of the selected chunks.
        fields : str or list of str, optional
            Names of the fields of a structured dtype to write. The other fields keep their values.
        prototype : BufferPrototype, optional
            Not used.

        Examples
        --------
        >>> import zarr
        >>> z = zarr.zeros((2, 4), chunks=(2, 2), dtype='i4')
        >>> z.set_block_selection((0, 1), 7)
        >>> z[:]
        array([[0, 0, 7, 7],
               [0, 0, 7, 7]], dtype=int32)
        """
        self._set(self._indexer_to_write(BlockIndexer, selection), value, fields)


class _Selector:
    """One kind of selection in square brackets.

    Parameters
    ----------
    array : Array
        The array to select from.
    """

    def __init__(self, array: Any) -> None:
        self.array = array


class OIndex(_Selector):
    """Orthogonal selections of an array in square brackets.

    Obtained as :attr:`zarr.Array.oindex`.

    Parameters
    ----------
    array : Array
        The array to select from.
    """

    def __getitem__(self, selection: Any) -> Any:
        """Read an orthogonal selection.

        The return value and errors are those of :meth:`zarr.Array.get_orthogonal_selection`.

        Parameters
        ----------
        selection : int, slice, array of int or bool, str, Ellipsis or tuple of these
            Indices along each dimension, and names of fields of a structured dtype.

        Examples
        --------
        >>> import numpy as np
        >>> import zarr
        >>> z = zarr.array(np.arange(20).reshape(4, 5))
        >>> z.oindex[1:3, [0, 4]]
        array([[ 5,  9],
               [10, 14]])
        """
        fields, selection = split_fields(selection)
        return self.array.get_orthogonal_selection(selection, fields=fields)

    def __setitem__(self, selection: Any, value: Any) -> None:
        """Write an orthogonal selection.

        The errors are those of :meth:`zarr.Array.set_orthogonal_selection`.

        Parameters
        ----------
        selection : int, slice, array of int or bool, str, Ellipsis or tuple of these
            Indices along each dimension, and names of fields of a structured dtype.
        value : scalar or array_like
            Values to write, broadcast to the shape of the selection.

        Examples
        --------
        >>> import zarr
        >>> z = zarr.zeros((2, 3), dtype='i4')
        >>> z.oindex[:, [0, 2]] = 1
        >>> z[:]
        array([[1, 0, 1],
               [1, 0, 1]], dtype=int32)
        """
        fields, selection = split_fields(selection)
        self.array.set_orthogonal_selection(selection, value, fields=fields)


class VIndex(_Selector):
    """Selections of single elements of an array in square brackets.

    Obtained as :attr:`zarr.Array.vindex`.

    Parameters
    ----------
    array : Array
        The array to select from.
    """

    def __getitem__(self, selection: Any) -> Any:
        """Read elements by their coordinates or by a mask.

        The return value and errors are those of :meth:`zarr.Array.get_coordinate_selection`, or for
        a mask those of :meth:`zarr.Array.get_mask_selection`.

        Parameters
        ----------
        selection : tuple of int or array of int, array of bool, str or tuple of these
            Coordinates, one array per dimension, or a mask of the shape of the array; and names of
            fields of a structured dtype.

        Examples
        --------
        >>> import numpy as np
        >>> import zarr
        >>> z = zarr.array(np.arange(20).reshape(4, 5))
        >>> z.vindex[[1, 3], [0, 4]]
        array([ 5, 19])
        >>> z.vindex[z[:] > 17]
        array([18, 19])
        """
        fields, selection = split_fields(selection)
        if _is_mask(selection):
            return self.array.get_mask_selection(selection, fields=fields)
        return self.array.get_coordinate_selection(selection, fields=fields)

    def __setitem__(self, selection: Any, value: Any) -> None:
        """Write elements by their coordinates or by a mask.

        The errors are those of :meth:`zarr.Array.set_coordinate_selection`, or for a mask those of
        :meth:`zarr.Array.set_mask_selection`.

        Parameters
        ----------
        selection : tuple of int or array of int, array of bool, str or tuple of these
            Coordinates, one array per dimension, or a mask of the shape of the array; and names of
            fields of a structured dtype.
        value : scalar or array_like
            Values to write, broadcast to the shape of the selection.

        Examples
        --------
        >>> import zarr
        >>> z = zarr.zeros((2, 3), dtype='i4')
        >>> z.vindex[[0, 1], [0, 2]] = [5, 6]
        >>> z[:]
        array([[5, 0, 0],
               [0, 0, 6]], dtype=int32)
        """
        fields, selection = split_fields(selection)
        if _is_mask(selection):
            self.array.set_mask_selection(selection, value, fields=fields)
        else:
            self.array.set_coordinate_selection(selection, value, fields=fields)


class BlockIndex(_Selector):
    """Selections of whole chunks of an array in square brackets.

    Obtained as :attr:`zarr.Array.blocks`.

    Parameters
    ----------
    array : Array
        The array to select from.
    """

    def __getitem__(self, selection: Any) -> Any:
        """Read whole chunks.

        The return value and errors are those of :meth:`zarr.Array.get_block_selection`.

        Parameters
        ----------
        selection : int, slice, str, Ellipsis or tuple of these
            Index or range of chunks along each dimension, and fields of a structured dtype.

        Examples
        --------
        >>> import numpy as np
        >>> import zarr
        >>> z = zarr.array(np.arange(10), chunks=4)
        >>> z.blocks[1:]
        array([4, 5, 6, 7, 8, 9])
        """
        fields, selection = split_fields(selection)
        return self.array.get_block_selection(selection, fields=fields)

    def __setitem__(self, selection: Any, value: Any) -> None:
        """Write whole chunks.

        The errors are those of :meth:`zarr.Array.set_block_selection`.

        Parameters
        ----------
        selection : int, slice, str, Ellipsis or tuple of these
            Index or range of chunks along each dimension, and fields of a structured dtype.
        value : scalar or array_like
            Values to write, broadcast to the shape of the selected chunks.

        Examples
        --------
        >>> import zarr
        >>> z = zarr.zeros(10, chunks=4, dtype='i4')
        >>> z.blocks[-1] = 3
        >>> z[:]
        array([0, 0, 0, 0, 0, 0, 0, 0, 3, 3], dtype=int32)
        """
        fields, selection = split_fields(selection)
        self.array.set_block_selection(selection, value, fields=fields)


def _is_mask(selection: Any) -> bool:
    items = selection if isinstance(selection, tuple) else (selection,)
    return len(items) == 1 and np.asarray(items[0]).dtype.kind == "b"
