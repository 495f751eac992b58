"""What reading costs, in square brackets."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from zarr._chunks.explanation import Explanation

__all__ = ["Explain"]


class Explain:
    """What reading selections of an array would cost, by selections in square brackets.

    Obtained as :attr:`zarr.Array.explain`.

    By default nothing is read at all: all chunks are assumed to be stored, and numbers of bytes in
    the store are unknown. A call with ``sizes=True`` returns an object that finds out what is
    stored. Where several threads read parts of one shard, or a cache is too small for what they
    read, the numbers depend on their order.

    Parameters
    ----------
    rehearse : callable
        Returns the costs of a function that reads an array.
    kind : str, optional
        Name of the attribute of the array for the kind of selection, for instance ``'oindex'``.
    sizes : bool, default False
        Whether to find out what is stored.

    Examples
    --------
    >>> import zarr
    >>> z = zarr.zeros((4, 6), chunks=2)
    >>> z[:2] = 1
    >>> z.explain[:, 0].chunks
    2
    >>> z.explain.oindex[[0, 3], :].chunks
    6
    >>> z.explain(sizes=True)[:, 0].absent
    1
    """

    def __init__(
        self,
        rehearse: Callable[[Callable[[Any], Any], bool], Explanation],
        kind: str = "",
        sizes: bool = False,
    ) -> None:
        self._rehearse = rehearse
        self._kind = kind
        self._sizes = sizes

    def __call__(self, *, sizes: bool = True) -> Explain:
        """Choose whether to find out what is stored.

        Parameters
        ----------
        sizes : bool, default True
            Whether to list the keys of the array and the sizes of their values, and to read the
            indexes of shards and, with `partial_decompress`, the headers of chunks. No chunk is
            decoded. The costs of reading the array are then exact.

        Returns
        -------
        Explain
            An object to be used with square brackets.

        Examples
        --------
        >>> import zarr
        >>> z = zarr.array(range(10), chunks=5, compressor=None)
        >>> z.explain(sizes=True)[:5].stored_bytes
        40
        """
        return Explain(self._rehearse, self._kind, sizes)

    def __getitem__(self, selection: Any) -> Explanation:
        """Return what reading a selection costs.

        The errors are those of reading it.

        Parameters
        ----------
        selection : int, slice, Ellipsis, array, str or tuple of these
            What would be read, as for the array.

        Returns
        -------
        Explanation
            The costs.

        Examples
        --------
        >>> import zarr
        >>> z = zarr.ones((4, 6), chunks=2)
        >>> z.explain[0].keys
        3
        """
        if not self._kind:
            return self._rehearse(lambda array: array[selection], self._sizes)
        select = attrgetter(self._kind)
        return self._rehearse(lambda array: select(array)[selection], self._sizes)

    @property
    def oindex(self) -> Explain:
        """The same for :attr:`zarr.Array.oindex`.

        Examples
        --------
        >>> import zarr
        >>> zarr.ones((4, 6), chunks=2).explain.oindex[[0, 3], 1:].chunks
        6
        """
        return Explain(self._rehearse, "oindex", self._sizes)

    @property
    def vindex(self) -> Explain:
        """The same for :attr:`zarr.Array.vindex`.

        Examples
        --------
        >>> import zarr
        >>> zarr.ones((4, 6), chunks=2).explain.vindex[[0, 3], [1, 1]].chunks
        2
        """
        return Explain(self._rehearse, "vindex", self._sizes)

    @property
    def blocks(self) -> Explain:
        """The same for :attr:`zarr.Array.blocks`.

        Examples
        --------
        >>> import zarr
        >>> zarr.ones((4, 6), chunks=2).explain.blocks[0].chunks
        3
        """
        return Explain(self._rehearse, "blocks", self._sizes)
