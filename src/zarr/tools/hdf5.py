"""Conversion of arrays and attributes between Zarr and HDF5.

Nothing here imports h5py before one of its objects is passed.
"""

from __future__ import annotations

import json
import operator
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numcodecs import VLenArray, VLenUTF8

from zarr.core import Array
from zarr.tools import scales

__all__ = [
    "Note", "is_file", "is_h5py", "keeps_fill_value", "members", "read", "read_attributes",
    "to_hdf5", "to_zarr", "write", "write_attributes",
]  # fmt: skip

Note: TypeAlias = Callable[[str], object]
"""Is told what is not copied."""

_SIGNATURE = b"\x89HDF\r\n\x1a\n"

_GZIP_LEVEL = 1
"""Level of gzip for arrays whose own compressor HDF5 does not have."""


def is_h5py(node: object) -> bool:
    """Tell whether `node` is an object of h5py."""
    return type(node).__module__.partition(".")[0] == "h5py"


def is_file(path: object) -> bool:
    """Tell whether `path` is that of an HDF5 file, which its first bytes say."""
    if not isinstance(path, (str, os.PathLike)) or not Path(path).is_file():
        return False
    with Path(path).open("rb") as file:
        return file.read(len(_SIGNATURE)) == _SIGNATURE


def members(group: Any, note: Note) -> list[tuple[str, Any]]:
    """Return names and members of an h5py group, without those that cannot be copied.

    Left out are named types, links that lead nowhere or back to a group above, and datasets
    that no array can hold; and datasets without data that stand for dimensions.
    """
    above = set(_ids_above(group))
    found = []
    for name in group:
        node = group.get(name)
        reason = _why_not(node, above)
        if reason:
            note(f"{group.name.rstrip('/')}/{name} {reason}")
        elif not scales.is_placeholder(node):
            found.append((name, node))
    return found


def _why_not(node: Any, above: set[Any]) -> str:
    """Return why a member of a group cannot be copied, '' if it can."""
    if node is None:
        return "is a broken link"
    if hasattr(node, "shape"):
        return _no_array(node)
    if not hasattr(node, "keys"):
        return "is a named type"
    return "is a link to a group above it" if node.id in above else ""


def _no_array(dataset: Any) -> str:
    import h5py

    if dataset.shape is None:
        return "has neither shape nor data, and no array can store it"
    if h5py.check_ref_dtype(dataset.dtype) is not None:
        return "holds references, which have no meaning elsewhere"
    return ""


def _ids_above(group: Any) -> Iterator[Any]:
    # By name: the parent of a group reached through a link is where the link is.
    path = group.name
    while path != "/":
        yield group.file[path].id
        path = path.rpartition("/")[0] or "/"
    yield group.file["/"].id


# -- creating --------------------------------------------------------------------------


def to_zarr(dataset: Any) -> dict[str, Any]:
    """Return the arguments of `zarr.create` for an array like `dataset`.

    Raises
    ------
    TypeError
        If the dataset is empty (without a shape) or holds references.
    """
    import h5py

    if reason := _no_array(dataset):
        raise TypeError(f"{dataset.name!r} {reason}")
    arguments: dict[str, Any] = {
        "shape": dataset.shape,
        "dtype": dataset.dtype,
        "chunks": dataset.chunks or True,
        "fill_value": dataset.fillvalue,
    }
    if _is_text(dataset.dtype):
        return arguments | {"object_codec": VLenUTF8(), "fill_value": _text(dataset.fillvalue)}
    if (base := h5py.check_vlen_dtype(dataset.dtype)) is not None:
        return arguments | {"object_codec": VLenArray(base), "fill_value": None}
    return arguments


def to_hdf5(array: Any, name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of h5py's `create_dataset` for a dataset like `array`.

    Parameters
    ----------
    array : Array or h5py.Dataset
    name : str
        Where it will be, for messages.
    options : Mapping
        What the caller wants otherwise.

    Raises
    ------
    TypeError
        If HDF5 has no type for the items.
    """
    arguments = _like_dataset(array) if is_h5py(array) else _like_array(array, name, options)
    if not array.shape:
        for scalars_have_none in ("chunks", "maxshape", "compression", "compression_opts"):
            arguments.pop(scalars_have_none, None)
    if "compression" in options:
        arguments.pop("compression_opts", None)
    arguments |= options
    chunks = arguments.get("chunks")
    if isinstance(chunks, tuple) and any(map(operator.gt, chunks, array.shape)):
        # HDF5 wants chunks to fit into what the dataset may grow to.
        arguments.setdefault("maxshape", tuple(map(max, chunks, array.shape)))
    return arguments


def _like_dataset(dataset: Any) -> dict[str, Any]:
    names = ("shape", "dtype", "chunks", "compression", "compression_opts", "fillvalue")
    arguments = {name: getattr(dataset, name) for name in names}
    if dataset.chunks:
        for name in ("maxshape", "shuffle", "fletcher32", "scaleoffset"):
            arguments[name] = getattr(dataset, name)
    if dataset.fillvalue is not None:
        arguments["fillvalue"] = _fill(dataset.fillvalue, dataset.dtype, dataset.dtype)
    return {name: value for name, value in arguments.items() if value is not None}


def _fill(value: Any, dtype: np.dtype[Any], stored: np.dtype[Any]) -> Any:
    """Return a fill value in the form in which h5py takes it."""
    if dtype.kind == "O":
        return value
    fill = np.array(value, dtype)
    return fill.astype(stored) if stored.kind in "mMV" else fill[()]


def keeps_fill_value(dataset: Any, fill_value: Any) -> bool:
    """Tell whether what was never written to `dataset` reads as `fill_value`.

    A string with a zero in it, for one, is cut there.
    """
    if _is_text(dataset.dtype):
        return _text(dataset.fillvalue) == _text(fill_value)
    if dataset.dtype.kind == "O":
        return True
    dtype = dataset.dtype
    return np.array(dataset.fillvalue, dtype).tobytes() == np.array(fill_value, dtype).tobytes()


def _like_array(array: Array, name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    dtype = options.get("dtype", _hdf5_dtype(array, name))
    chunks = array._current.grid.largest
    arguments: dict[str, Any] = {"shape": array.shape, "chunks": chunks, "dtype": dtype}
    if array.fill_value is not None and not _is_variable(dtype):
        arguments["fillvalue"] = _fill(array.fill_value, array.dtype, dtype)
    elif _is_text(dtype) and isinstance(array.fill_value, str):
        arguments["fillvalue"] = str(array.fill_value)
    if array.shape and array.compressor is not None:
        arguments |= {"compression": "gzip", "compression_opts": _gzip_level(array.compressor)}
    if any(codec.codec_id == "shuffle" for codec in array.filters or ()) and array.shape:
        arguments["shuffle"] = True
    return arguments


def _gzip_level(compressor: Any) -> int:
    if compressor.codec_id in ("zlib", "gzip") and 0 <= compressor.level <= 9:
        return int(compressor.level)
    return _GZIP_LEVEL


def _hdf5_dtype(array: Array, name: str) -> np.dtype[Any]:
    import h5py

    dtype = array.dtype
    if dtype.kind == "O":
        steps = array._current.steps
        first = steps[0].name.removeprefix("numcodecs.") if steps else None
        if first in ("vlen-utf8", "categorize"):
            return h5py.string_dtype()  # type: ignore[no-any-return]
        if first == "vlen-bytes":  # strings of HDF5 end at the first zero
            return h5py.vlen_dtype(np.dtype("u1"))  # type: ignore[no-any-return]
        if first == "vlen-array":
            base = array.filters[0].dtype  # type: ignore[index]
            return h5py.vlen_dtype(np.dtype(base))  # type: ignore[no-any-return]
        raise TypeError(f"HDF5 has no type for the objects of {name!r}, encoded by {first!r}")
    return h5py.string_dtype() if dtype.kind == "U" else _stored_as(dtype)


def _stored_as(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype in which h5py stores items of `dtype`."""
    import h5py

    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return np.dtype((_stored_as(base), shape))
    if dtype.fields is not None:
        return np.dtype(
            {
                "names": list(dtype.names or ()),
                "formats": [_stored_as(dtype.fields[n][0]) for n in dtype.names or ()],
                "offsets": [dtype.fields[n][1] for n in dtype.names or ()],
                "itemsize": dtype.itemsize,
            }
        )
    return h5py.opaque_dtype(dtype) if dtype.kind in "mMU" else dtype


def _is_text(dtype: np.dtype[Any]) -> bool:
    import h5py

    kind = h5py.check_string_dtype(dtype)
    return kind is not None and kind.length is None


def _is_variable(dtype: np.dtype[Any]) -> bool:
    return np.dtype(dtype).kind == "O"


# -- data ------------------------------------------------------------------------------


def read(dataset: Any, region: tuple[slice, ...]) -> Any:
    """Return a region of an h5py dataset as an array, text as `str`."""
    source = dataset.asstr() if _is_text(dataset.dtype) else dataset
    return source[region]


def write(dataset: Any, region: tuple[slice, ...], data: Any) -> None:
    """Store `data` in a region of an h5py dataset."""
    if _is_text(dataset.dtype):
        _write_text(dataset, region, _as_text(np.asarray(data)))
    elif dataset.dtype.kind == "O":
        _write_items(dataset, region, np.asarray(data))
    else:
        data = np.asarray(data)
        dataset[region] = data.astype(dataset.dtype) if data.dtype.kind in "mMV" else data


def _write_text(dataset: Any, region: tuple[slice, ...], text: np.ndarray[Any, Any]) -> None:
    try:
        dataset[region] = text[()]
    except ValueError as error:
        if any("\0" in item for item in text.flat):
            raise ValueError(
                f"{dataset.name!r}: text in HDF5 cannot hold the character NUL"
            ) from error
        raise


def _as_text(data: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return an array of `str`; what is not, a fill value such as 0, is empty text."""
    result = np.empty(data.shape, object)
    result[...] = data
    for place, item in np.ndenumerate(result):
        result[place] = _text(item)
    return result


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return value if isinstance(value, str) else ""


def _write_items(dataset: Any, region: tuple[slice, ...], data: np.ndarray[Any, Any]) -> None:
    # One by one: h5py takes several items of equal length for an array of numbers.
    first = [part.start or 0 for part in region]
    for place, item in np.ndenumerate(data):
        numbers = np.frombuffer(item, "u1") if isinstance(item, (bytes, bytearray)) else item
        if isinstance(numbers, np.ndarray) and numbers.size:
            dataset[tuple(map(operator.add, first, place))] = numbers


# -- attributes ------------------------------------------------------------------------


def read_attributes(node: Any, note: Note) -> dict[str, Any]:
    """Return the attributes of an h5py node as JSON values; arrays of one element as a scalar.

    Left out are references and other values that JSON cannot express, and how HDF5 and netCDF
    keep dimensions.
    """
    result = {}
    for name in node.attrs:
        if scales.is_bookkeeping(node, name):
            continue
        try:
            value = node.attrs[name]
            # So netCDF stores every number.
            single = isinstance(value, np.ndarray) and value.shape == (1,)
            result[name] = _json_value(value[0] if single else value)
        except (TypeError, OSError) as error:
            note(f"attribute {name!r} of {node.name}: {error}")
    return result


def _json_value(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return str(value)
    if isinstance(value, np.generic):
        return _json_value(value.item())
    if isinstance(value, np.ndarray):
        return _json_value(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_json_value(item) for item in value]
    if isinstance(value, complex):
        return [value.real, value.imag]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if type(value).__name__ == "Empty":
        return None
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def write_attributes(node: Any, attributes: Mapping[str, Any]) -> None:
    """Store JSON values as attributes of an h5py node.

    None becomes an empty attribute; what HDF5 has no type for, such as an object, becomes
    JSON text.
    """
    import h5py

    for name, value in attributes.items():
        if value is None:
            node.attrs[name] = h5py.Empty("S1")
            continue
        try:
            node.attrs[name] = value
        except (TypeError, ValueError):
            node.attrs[name] = json.dumps(value)
