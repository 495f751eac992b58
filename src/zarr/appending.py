"""Rows that come one by one, written by whole chunks."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from zarr.grid import longest, normalize_axis
from zarr.values import on_host

if TYPE_CHECKING:
    from zarr.core import Array

__all__ = ["Appender"]


class Appender:
    """Collects what is to be appended to an array, and writes it by whole chunks.

    `Array.append` writes at once: a chunk of 100 rows that come one by one is encoded a
    hundred times, and each row costs a document. An appender encodes it once.

    Made by :meth:`zarr.Array.appender`; use it in a ``with`` statement, which flushes at
    its end, also when the block ends with an exception. What has not been flushed when
    the process dies is lost: the last `pending` rows, fewer than a chunk (or a shard) has.
    What is in the store is whole at any time.

    Not for use by several threads; arrays and other handles may be used meanwhile.

    Parameters
    ----------
    array : Array
    axis : int
        The dimension that grows.

    Attributes
    ----------
    pending : int
        Number of rows that are accepted and not in the store yet.
    """

    def __init__(self, array: Array, axis: int = 0) -> None:
        self.array = array
        self.axis = normalize_axis(axis, array.ndim)
        self.pending = 0
        length = longest(array._current.grid.stored[self.axis])
        others = (*array.shape[: self.axis], *array.shape[self.axis + 1 :])
        self._others = others
        memory = np.empty((length, *others), array.dtype)
        self._rows = np.moveaxis(memory, 0, self.axis)

    def append(self, data: Any) -> None:
        """Take over one row or several; write as soon as a chunk is full.

        Parameters
        ----------
        data : array_like
            Several rows, with all the array's dimensions; or one, without the dimension
            that grows.

        Raises
        ------
        ValueError
            If the lengths of the other dimensions differ from the array's.
        """
        data = np.asarray(on_host(data), self.array.dtype)
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
        """Write the rows that are pending, even if they do not fill a chunk."""
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
