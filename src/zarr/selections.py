"""The ways to select from an array that have names: methods, and brackets with another meaning."""

from __future__ import annotations

from typing import Any

import numpy as np

from zarr.indexing import (
    BasicIndexer,
    BlockIndexer,
    CoordinateIndexer,
    Indexer,
    MaskIndexer,
    OrthogonalIndexer,
    split_fields,
)
from zarr.values import Fields

__all__ = ["BlockIndex", "OIndex", "Selections", "VIndex"]


class Selections:
    """The methods of an array that read and write one kind of selection each."""

    def _indexer(self, kind: Any, selection: Any) -> Any:
        raise NotImplementedError

    def _get(self, indexer: Indexer, out: Any, fields: Fields, selection: Any) -> Any:
        raise NotImplementedError

    def _set(self, indexer: Indexer, value: Any, fields: Fields) -> None:
        raise NotImplementedError

    # -- reading -------------------------------------------------------------------

    def get_basic_selection(
        self, selection: Any = Ellipsis, out: Any = None, fields: Fields = None
    ) -> Any:
        """Read an item or a region.

        Parameters
        ----------
        selection : int, slice, Ellipsis or a tuple of these
            Slices may have steps of one and more.
        out : array, optional
            To read into, of the shape of the selection.
        fields : str or list of str, optional
            Fields of a structured dtype.

        Returns
        -------
        scalar or ndarray
        """
        return self._get(self._indexer(BasicIndexer, selection), out, fields, selection)

    def get_orthogonal_selection(
        self, selection: Any, out: Any = None, fields: Fields = None
    ) -> Any:
        """Read what is selected in each dimension, independently of the others.

        Parameters
        ----------
        selection : int, slice, array of int or bool, Ellipsis, or a tuple of these
        out, fields
            As for `get_basic_selection`.

        Returns
        -------
        scalar or ndarray
        """
        return self._get(self._indexer(OrthogonalIndexer, selection), out, fields, selection)

    def get_coordinate_selection(
        self, selection: Any, out: Any = None, fields: Fields = None
    ) -> Any:
        """Read points.

        Parameters
        ----------
        selection : tuple of array of int
            One array per dimension; they are broadcast against each other.
        out, fields
            As for `get_basic_selection`.

        Returns
        -------
        ndarray
            Of the shape of the arrays.
        """
        return self._get(self._indexer(CoordinateIndexer, selection), out, fields, selection)

    def get_mask_selection(self, selection: Any, out: Any = None, fields: Fields = None) -> Any:
        """Read the points where a Boolean array of the array's shape is True.

        Parameters
        ----------
        selection : array of bool
        out, fields
            As for `get_basic_selection`.

        Returns
        -------
        ndarray
            Of one dimension, in C order of the points.
        """
        return self._get(self._indexer(MaskIndexer, selection), out, fields, selection)

    def get_block_selection(self, selection: Any, out: Any = None, fields: Fields = None) -> Any:
        """Read whole chunks, selected by their place in the grid.

        Parameters
        ----------
        selection : int, slice of step one, Ellipsis, or a tuple of these
        out, fields
            As for `get_basic_selection`.

        Returns
        -------
        ndarray
        """
        return self._get(self._indexer(BlockIndexer, selection), out, fields, selection)

    @property
    def oindex(self) -> OIndex:
        """Orthogonal selections by square brackets; see `get_orthogonal_selection`."""
        return OIndex(self)

    @property
    def vindex(self) -> VIndex:
        """Selections of points by square brackets; see `get_coordinate_selection`."""
        return VIndex(self)

    @property
    def blocks(self) -> BlockIndex:
        """Selections of chunks by square brackets; see `get_block_selection`."""
        return BlockIndex(self)

    # -- writing -------------------------------------------------------------------

    def set_basic_selection(self, selection: Any, value: Any, fields: Fields = None) -> None:
        """Write an item or a region.

        Parameters
        ----------
        selection
            As for `get_basic_selection`.
        value : scalar or array_like
            Broadcast to the shape of the selection.
        fields : str or list of str, optional
            Fields of a structured dtype; the others stay as they are.

        Raises
        ------
        ValueError
            If `value` cannot be broadcast.
        ReadOnlyError
        """
        self._set(self._indexer(BasicIndexer, selection), value, fields)

    def set_orthogonal_selection(self, selection: Any, value: Any, fields: Fields = None) -> None:
        """Write what `get_orthogonal_selection` would read; see `set_basic_selection`."""
        self._set(self._indexer(OrthogonalIndexer, selection), value, fields)

    def set_coordinate_selection(self, selection: Any, value: Any, fields: Fields = None) -> None:
        """Write the points `get_coordinate_selection` would read; see `set_basic_selection`.

        Where a point is given twice, its last value stays.
        """
        self._set(self._indexer(CoordinateIndexer, selection), value, fields)

    def set_mask_selection(self, selection: Any, value: Any, fields: Fields = None) -> None:
        """Write the points `get_mask_selection` would read; see `set_basic_selection`."""
        self._set(self._indexer(MaskIndexer, selection), value, fields)

    def set_block_selection(self, selection: Any, value: Any, fields: Fields = None) -> None:
        """Write the chunks `get_block_selection` would read; see `set_basic_selection`."""
        self._set(self._indexer(BlockIndexer, selection), value, fields)


class _Selector:
    """Square brackets with another meaning."""

    def __init__(self, array: Any) -> None:
        self.array = array


class OIndex(_Selector):
    """Orthogonal selections of an array."""

    def __getitem__(self, selection: Any) -> Any:
        fields, selection = split_fields(selection)
        return self.array.get_orthogonal_selection(selection, fields=fields)

    def __setitem__(self, selection: Any, value: Any) -> None:
        fields, selection = split_fields(selection)
        self.array.set_orthogonal_selection(selection, value, fields=fields)


class VIndex(_Selector):
    """Selections of points of an array, by coordinates or by a mask."""

    def __getitem__(self, selection: Any) -> Any:
        fields, selection = split_fields(selection)
        if _is_mask(selection):
            return self.array.get_mask_selection(selection, fields=fields)
        return self.array.get_coordinate_selection(selection, fields=fields)

    def __setitem__(self, selection: Any, value: Any) -> None:
        fields, selection = split_fields(selection)
        if _is_mask(selection):
            self.array.set_mask_selection(selection, value, fields=fields)
        else:
            self.array.set_coordinate_selection(selection, value, fields=fields)


class BlockIndex(_Selector):
    """Selections of whole chunks of an array."""

    def __getitem__(self, selection: Any) -> Any:
        fields, selection = split_fields(selection)
        return self.array.get_block_selection(selection, fields=fields)

    def __setitem__(self, selection: Any, value: Any) -> None:
        fields, selection = split_fields(selection)
        self.array.set_block_selection(selection, value, fields=fields)


def _is_mask(selection: Any) -> bool:
    items = selection if isinstance(selection, tuple) else (selection,)
    return len(items) == 1 and np.asarray(items[0]).dtype.kind == "b"
