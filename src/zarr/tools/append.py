"""Rows for several arrays, appended together."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

import numpy as np

from zarr.core import Array
from zarr.hierarchy import Group, open_group
from zarr.storage.base import BaseStore
from zarr.storage.resolve import Opened
from zarr.tools.transaction import transaction

__all__ = ["append"]


def append(
    group: Group | BaseStore | MutableMapping[str, Any] | str,
    rows: Mapping[str, Any],
    axis: int = 0,
    *,
    fsync: bool = True,
    timeout: float = 30.0,
) -> dict[str, tuple[int, ...]]:
    """Append to several arrays of a group: to all or none, where the store has transactions.

    Parameters
    ----------
    group : Group, BaseStore, MutableMapping, str or path-like
        A group, or a store or path with a group at its root.
    rows : mapping of str to array_like
        What to append, by name or path of the array in the group. All is compared with the shapes
        of the arrays before anything is written.
    axis : int, default 0
        The dimension along which to append.
    fsync : bool, default True
        Whether to wait until all is on the disk, as for :func:`zarr.transaction`.
    timeout : float, default 30.0
        Seconds for which to wait for other transactions.

    Returns
    -------
    dict of str to tuple of int
        The new shapes, by name.

    Raises
    ------
    KeyError
        If there is no such array.
    TypeError
        If it is a group.
    ValueError
        If the lengths of other dimensions differ.
    TransactionError
        If another transaction takes longer than `timeout`.

    Notes
    -----
    On a store without transactions, such as a bucket, arrays grow one after the other, in the order
    of `rows`, and a failure in between leaves some longer than others.

    Examples
    --------
    >>> import zarr
    >>> root = zarr.open_group('data/days.zarr', mode='w')
    >>> for name in ('rain', 'wind'):
    ...     z = root.zeros(name, shape=(0, 2), chunks=(10, 2), dtype='f4')
    >>> zarr.append(root, {'rain': [[1, 2]], 'wind': [[3, 4]]})
    {'rain': (1, 2), 'wind': (1, 2)}
    """
    if not isinstance(group, Group):
        with Opened(group, "a") as store:
            return append(open_group(store, mode="r+"), rows, axis, fsync=fsync, timeout=timeout)
    if group.store.has_transactions:
        with transaction(group, fsync=fsync, timeout=timeout) as txn:
            return _append_each(txn.group, rows, axis)
    return _append_each(group, rows, axis)


def _append_each(group: Group, rows: Mapping[str, Any], axis: int) -> dict[str, tuple[int, ...]]:
    arrays = {name: _checked(group[name], name, data, axis) for name, data in rows.items()}
    return {name: arrays[name].append(data, axis) for name, data in rows.items()}


def _checked(z: Any, name: str, data: Any, axis: int) -> Array:
    """Return the array `z`; raise `TypeError` or `ValueError` if `data` cannot be appended."""
    if not isinstance(z, Array):
        raise TypeError(f"cannot append to {name!r}: it is a group; expected an array")
    shape, found = list(z.shape), list(np.shape(data))
    if not -len(shape) <= axis < len(shape):
        raise ValueError(f"cannot append to {name!r} along axis {axis}: it has shape {z.shape}")
    if (
        len(found) != len(shape)
        or found[:axis] + found[axis:][1:] != shape[:axis] + shape[axis:][1:]
    ):
        raise ValueError(
            f"cannot append data of shape {tuple(found)} to {name!r} of shape {z.shape} along axis "
            f"{axis}: the other lengths must be equal"
        )
    return z
