"""What commands say of arrays and groups, of ours and of h5py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from zarr._nodes import display
from zarr.tools import hdf5, scales

__all__ = [
    "attributes", "codecs", "dimension_names", "is_array", "is_readable", "members",
    "stored_bytes", "summary", "walk", "windows",
]  # fmt: skip


_WINDOW_BYTES = 64 << 20


def is_array(node: Any) -> bool:
    """Tell whether a node is an array, not a group."""
    # Asked of the class: a group of ours would look for a member of that name.
    return hasattr(type(node), "shape")


def is_readable(node: Any) -> bool:
    """Tell whether a member could be opened."""
    return not isinstance(node, display._Unreadable)


def members(group: Any) -> list[tuple[str, Any]]:
    """Return names and members of a group, sorted by name."""
    if is_array(group):
        return []
    return sorted(display._members(group), key=lambda item: item[0])


def walk(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield paths and members of all that is below a group, groups before their members."""
    yield from _walk(node, path, ())


def _walk(node: Any, path: str, above: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    if not is_readable(node) or is_array(node) or node in above:
        return  # links of HDF5 can lead back
    for name, member in members(node):
        inside = f"{path}/{name}" if path else name
        yield inside, member
        yield from _walk(member, inside, (*above, node))


def attributes(node: Any) -> dict[str, Any]:
    """Return the attributes of a node as JSON values."""
    if hdf5.is_h5py(node):
        return hdf5.read_attributes(node, len)
    found: dict[str, Any] = node.attrs.asdict()
    return found


def dimension_names(array: Any) -> list[str | None] | None:
    """Return the names of dimensions, of format 3, of xarray or of HDF5; None if it has none."""
    if hdf5.is_h5py(array):
        names = scales.names_of(array)
        return None if names is None else list(names)
    if array.dimension_names is not None:
        return list(array.dimension_names)
    listed = array.attrs.asdict().get("_ARRAY_DIMENSIONS")
    is_list = isinstance(listed, list) and len(listed) == array.ndim
    return list(map(str, listed)) if is_list else None


def codecs(array: Any) -> list[tuple[str, dict[str, Any]]]:
    """Return the codecs of an array as short text and as configuration."""
    if hdf5.is_h5py(array):
        used = [name for name in ("shuffle", "fletcher32", "scaleoffset") if getattr(array, name)]
        used += [array.compression] if array.compression else []
        return [(name, {"id": name}) for name in used]
    return [(_short(dict(step.config)), dict(step.config)) for step in array._current.steps]


def _short(config: dict[str, Any]) -> str:
    name = str(config.get("id", config.get("name", "?"))).removeprefix("numcodecs.")
    inner = config.get("cname") or (config.get("configuration") or {}).get("cname")
    return f"{name}({inner})" if inner else name


def stored_bytes(array: Any) -> int:
    """Return the bytes of an array as stored, -1 if unknown; stores are listed for it."""
    return int(array.id.get_storage_size() if hdf5.is_h5py(array) else array.nbytes_stored)


def summary(node: Any) -> dict[str, Any]:
    """Return what `zarr ls` and `zarr info` say of a node without listing its store."""
    if not is_readable(node):
        return {"kind": "unreadable", "reason": node.reason}
    if not is_array(node):
        return {"kind": "group"}
    return {
        "kind": "array",
        "shape": node.shape,
        "dtype": str(node.dtype),
        "chunks": node.chunks,
        "dimension_names": dimension_names(node),
    }


def windows(array: Any) -> Iterator[Any]:
    """Yield slices of the first dimension, whole chunks each, that together select an array."""
    if not array.shape:
        yield ()
        return
    chunk = array.chunks[0] if array.chunks else 1
    chunk = chunk if isinstance(chunk, int) else max(chunk)  # lengths may differ
    row = max(1, array.nbytes // max(1, array.shape[0]))
    step = max(1, _WINDOW_BYTES // (row * chunk)) * chunk
    for start in range(0, array.shape[0], step):
        yield slice(start, start + step)
