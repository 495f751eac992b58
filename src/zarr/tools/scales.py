"""Names of dimensions in HDF5: dimension scales, as netCDF has them, and labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

__all__ = ["Names", "attach", "is_bookkeeping", "is_placeholder", "names_of"]

Names = tuple[str | None, ...]

_PLACEHOLDER = "This is a netCDF dimension but not a netCDF variable."
"""What netCDF calls the scale of a dimension that has no values of its own."""

_OF_SCALES = ("CLASS", "NAME")
_BOOKKEEPING = (
    "DIMENSION_LIST", "REFERENCE_LIST", "DIMENSION_LABELS", "_Netcdf4Coordinates", "_Netcdf4Dimid",
    "_nc3_strict", "_NCProperties",
)  # fmt: skip


def is_bookkeeping(node: Any, name: str) -> bool:
    """Tell whether an attribute is how HDF5 or netCDF keep dimensions, and nothing of the user."""
    return name in _BOOKKEEPING or (name in _OF_SCALES and getattr(node, "is_scale", False))


def is_placeholder(node: Any) -> bool:
    """Tell whether an h5py dataset only stands for a dimension: it has no data."""
    if not getattr(node, "is_scale", False):
        return False
    name = node.attrs.get("NAME", b"")
    text = name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
    return text.startswith(_PLACEHOLDER)


def names_of(dataset: Any) -> Names | None:
    """Return the names of the dimensions of an h5py dataset; None if none has a name."""
    names: list[str | None] = []
    for axis, dimension in enumerate(dataset.dims):
        name = dimension.label or None
        with suppress(RuntimeError, KeyError, ValueError):  # a scale that has been deleted
            if len(dimension):
                name = _basename(dimension[0])
        names.append(name if name is not None else _own_name(dataset, axis))
    return tuple(names) if any(name is not None for name in names) else None


def _basename(dataset: Any) -> str | None:
    return None if dataset.name is None else str(dataset.name.rpartition("/")[2])


def _own_name(dataset: Any, axis: int) -> str | None:
    """Return the name of a dimension of a dataset that is a scale, to which none is attached."""
    if not dataset.is_scale:
        return None
    if dataset.ndim == 1:
        return _basename(dataset)
    identifiers = dataset.attrs.get("_Netcdf4Coordinates")
    if identifiers is None or len(identifiers) != dataset.ndim:
        return None
    for group in _groups_of(dataset):
        for name, node in group.items():
            identifier = getattr(node, "shape", None) is not None and node.attrs.get(
                "_Netcdf4Dimid"
            )
            if identifier is not False and identifier == identifiers[axis]:
                return str(name)
    return None


def _groups_of(dataset: Any) -> Iterator[Any]:
    """Yield the group that a dataset is in, and those above it."""
    group = dataset.parent
    yield group
    while group.name != "/":
        group = group.parent
        yield group


# -- writing -----------------------------------------------------------------------------


def attach(named: Sequence[tuple[Any, Names]]) -> None:
    """Give the dimensions of h5py datasets their names.

    A dataset with one dimension of its own name becomes a scale, as in netCDF; where there is
    none, one without data is made. Where names clash, dimensions get labels instead.

    Parameters
    ----------
    named : sequence of (dataset, names)
    """
    for dataset, names in named:
        if names == (_basename(dataset),) and not dataset.is_scale:
            dataset.make_scale(names[0])
    lengths: dict[tuple[str, str], set[int]] = {}
    for dataset, names in named:
        for name, length in zip(names, dataset.shape, strict=True):
            if name is not None:
                lengths.setdefault((dataset.parent.name, name), set()).add(length)
    for dataset, names in named:
        if names == (_basename(dataset),):
            continue
        for axis, (name, length) in enumerate(zip(names, dataset.shape, strict=True)):
            if name is None:
                continue
            agreed = len(lengths[dataset.parent.name, name]) == 1
            scale = _scale(dataset, name, length, create=agreed)
            if scale is None:
                dataset.dims[axis].label = name
            else:
                dataset.dims[axis].attach_scale(scale)


def _scale(dataset: Any, name: str, length: int, create: bool) -> Any:
    """Return the scale of a dimension, None if there can be none."""
    if not name or "/" in name or name == "." or dataset.is_scale:
        return None
    for group in _groups_of(dataset):
        node = group.get(name)
        if node is not None:
            found = getattr(node, "shape", None) == (length,) and node.is_scale
            return node if found else None
    if not create:
        return None
    scale = dataset.parent.create_dataset(name, shape=(length,), dtype=np.dtype(">f4"))
    scale.make_scale(f"{_PLACEHOLDER}{length:10d}")
    return scale
