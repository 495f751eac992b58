"""Buffering of rows that are appended one at a time."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np

from zarr._chunks.assignment import as_value, is_masked_array, on_host
from zarr._metadata.records import ArrayMeta
from zarr._selection.grid import longest, normalize_axis

__all__ = ["Appender"]


class Growing(Protocol):
    """The part of an array that an appender uses."""

    @property
    def name(self) -> str | None: ...

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def ndim(self) -> int: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    @property
    def fill_value(self) -> Any: ...

    @property
    def _current(self) -> ArrayMeta: ...

    def append(self, data: Any, axis: int = 0) -> tuple[int, ...]: ...


class Appender:
    """Buffers rows to be appended to an array, and writes them by whole chunks.

    :meth:`zarr.Array.append` writes immediately: a chunk of 100 rows that arrive one at a time is
    encoded a hundred times, and each row updates the metadata. An appender encodes it once.

    Created by :meth:`zarr.Array.appender` and used in a ``with`` statement, which writes the
    buffered rows at its end, also after an exception. If the process dies, the last `pending`
    rows are lost, fewer than a chunk (or a shard) has. The array in the store is valid at any
    time.

    An appender is not thread-safe. The array and other objects on it can be used meanwhile.

    Parameters
    ----------
    array : Array
        The array to extend.
    axis : int, default 0
        The dimension to extend.

    Attributes
    ----------
    pending : int
        Number of rows that are buffered and not in the store yet.

    Examples
    --------
    >>> import zarr
    >>> z = zarr.zeros((0, 3), chunks=(100, 3), dtype='i4')
    >>> with z.appender() as rows:
    ...     rows.append([1, 2, 3])
    ...     rows.pending
    1
    >>> z[:]
    array([[1, 2, 3]], dtype=int32)
    """

    def __init__(self, array: Growing, axis: int = 0) -> None:
        self.array = array
        self.axis = normalize_axis(axis, array.ndim)
        self.pending = 0
        length = longest(array._current.grid.stored[self.axis])
        others = (*array.shape[: self.axis], *array.shape[self.axis + 1 :])
        self._others = others
        memory = np.empty((length, *others), array.dtype)
        self._rows = np.moveaxis(memory, 0, self.axis)

    def append(self, data: Any) -> None:
        """Buffer one row or several, and write whole chunks.

        Parameters
        ----------
        data : array_like
            Several rows, with as many dimensions as the array; or one row, without the dimension
            that is extended.

        Raises
        ------
        ValueError
            If the lengths of the other dimensions differ from those of the array.
        """
        data = self._as_rows(data)
        if data.shape == self._others:
            data = np.expand_dims(data, self.axis)
        others = (*data.shape[: self.axis], *data.shape[self.axis + 1 :])
        if data.ndim != self.array.ndim or others != self._others:
            raise ValueError(
                f"data of shape {data.shape} cannot be appended along dimension {self.axis} to "
                f"an array of shape {self.array.shape}"
            )
        at, count = 0, data.shape[self.axis]
        while at < count:
            at += self._take(data, at, count)

    def _as_rows(self, data: Any) -> np.ndarray[Any, Any]:
        """Return `data` as an array of the dtype of the rows."""
        array, data = self.array, on_host(data)
        if is_masked_array(data):
            data = as_value(data, data.shape, array.dtype, array.fill_value, array.name or "/")
        return np.asarray(data, array.dtype)

    def _take(self, data: np.ndarray[Any, Any], at: int, count: int) -> int:
        """Write whole chunks of `data` from row `at` on, or keep what is less; return the rows."""
        grid = self.array._current.grid  # listed chunks become more with each append
        room = grid.room(self.axis, self.array.shape[self.axis])
        if not self.pending and count - at >= room:
            length = grid.stored[self.axis]
            more = (count - at - room) // length * length if isinstance(length, int) else 0
            whole = room + more
            self.array.append(data[self._part(at, at + whole)], self.axis)
            return whole
        taken = min(count - at, max(room - self.pending, 1))
        self._rows[self._part(self.pending, self.pending + taken)] = data[
            self._part(at, at + taken)
        ]
        self.pending += taken
        if self.pending >= room:
            self.flush()
        return taken

    def _part(self, start: int, stop: int) -> tuple[slice, ...]:
        return (*[slice(None)] * self.axis, slice(start, stop))

    def flush(self) -> None:
        """Write the buffered rows, even if they do not fill a chunk."""
        if self.pending:
            self.array.append(self._rows[self._part(0, self.pending)], self.axis)
            self.pending = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.flush()

    def __repr__(self) -> str:
        return f"<Appender of {self.array!r}, {self.pending} rows pending>"
