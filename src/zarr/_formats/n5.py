"""N5: what ``attributes.json`` says, in the words of version 2, and the other way.

https://github.com/saalfeldlab/n5#file-system-specification. One file holds what version 2
keeps in ``.zarray`` or ``.zgroup`` and in ``.zattrs``; all dimensions are in reverse order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from zarr._formats.base import dump_json
from zarr._formats.documents import expect_object, load_json
from zarr._formats.v2 import V2
from zarr._metadata.foreign_dtypes import JSON
from zarr._metadata.records import GroupMeta
from zarr.errors import MetadataError, UnsupportedDtypeError

__all__ = [
    "ATTRIBUTES",
    "DOCUMENTS",
    "KEYWORDS",
    "VERSION",
    "dataset_members",
    "document",
    "documents",
    "is_dataset",
    "is_standard",
    "is_standard_dtype",
    "key_length",
    "load_attributes",
    "with_document",
    "without_document",
]

ATTRIBUTES = "attributes.json"
DOCUMENTS = (".zarray", ".zgroup", ".zattrs")

_MEMBERS = ("dimensions", "blockSize", "dataType", "compression")
KEYWORDS = ("n5", *_MEMBERS)
"""Names in ``attributes.json`` that are not for user attributes."""

VERSION = "2.0.0"
_LARGEST_BLOCK = 2**31 - 1
_LARGEST_ITEM = 8

_DTYPES = {
    name: np.dtype(name).newbyteorder("<").str
    for name in (
        "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64",
        "float32", "float64",
    )
}  # fmt: skip
_FOREIGN_KINDS = "bfmM"
"""Kinds of further data types, which only the 2.x library and this one write."""


# -- reading ---------------------------------------------------------------------------


def load_attributes(data: Any, key: str) -> dict[str, JSON]:
    """Return what an ``attributes.json`` says; raise `MetadataError` if it is not JSON."""
    attributes = expect_object(load_json(data, key), key)
    if "dimensions" in attributes and "compressionType" in attributes:
        # The spelling of N5 before version 1.
        attributes.setdefault("compression", {"type": attributes.pop("compressionType")})
    return attributes


def is_dataset(attributes: Mapping[str, JSON]) -> bool:
    """Tell whether `attributes` are those of a dataset, not of a group."""
    return "dimensions" in attributes


def key_length(attributes: Mapping[str, JSON]) -> int:
    """Return how many numbers the key of a dataset's block has; 0 if it is no dataset."""
    dimensions = attributes.get("dimensions")
    # The only block of a dataset without dimensions has a number, too.
    return max(1, len(dimensions)) if isinstance(dimensions, list) else 0


def documents(attributes: Mapping[str, JSON]) -> list[str]:
    """Return the names of the version-2 documents that `attributes` amount to."""
    node = ".zarray" if is_dataset(attributes) else ".zgroup"
    return [node] if all(name in KEYWORDS for name in attributes) else [".zattrs", node]


def document(name: str, attributes: Mapping[str, JSON], key: str) -> bytes | None:
    """Return the version-2 document `name` that `attributes` amount to, or None.

    Parameters
    ----------
    name : {'.zarray', '.zgroup', '.zattrs'}
    attributes : Mapping
        What an ``attributes.json`` says.
    key : str
        Its key, for messages.

    Raises
    ------
    MetadataError
        If they describe an impossible dataset.
    """
    if name not in documents(attributes):
        return None
    if name == ".zattrs":
        return dump_json({n: value for n, value in attributes.items() if n not in KEYWORDS})
    if name == ".zgroup":
        return V2().dump_group(GroupMeta())
    try:
        return dump_json(_v2_members(attributes))
    except MetadataError as error:
        raise MetadataError(f"{key!r}: {error}") from error


def _v2_members(attributes: Mapping[str, JSON]) -> dict[str, JSON]:
    shape = _reversed_lengths(attributes, "dimensions", smallest=0)
    chunks = _reversed_lengths(attributes, "blockSize", smallest=1)
    if len(shape) != len(chunks):
        raise MetadataError("dimensions and blockSize differ in length")
    dtype = _dtype_of(attributes.get("dataType"))
    wrapper = {
        "id": "n5_wrapper",
        "dtype": dtype,
        "chunk_shape": chunks,
        "compressor_config": _codec_config(attributes.get("compression")),
    }
    return {
        "zarr_format": V2.version,
        "shape": shape,
        "chunks": chunks,
        "dtype": dtype,
        "compressor": wrapper,
        "fill_value": {"f": 0.0, "b": False}.get(np.dtype(dtype).kind, 0),
        "order": "C",
        "filters": [],
        "dimension_separator": ".",
    }


def _dtype_of(data_type: JSON) -> str:
    """Return the dtype in version 2 that a `dataType` stands for."""
    if isinstance(data_type, str):
        if data_type in _DTYPES:
            return _DTYPES[data_type]
        with suppress(TypeError, ValueError):
            found = np.dtype(data_type)
            if found.kind in _FOREIGN_KINDS and found.itemsize <= _LARGEST_ITEM:
                return found.newbyteorder("<").str
    raise MetadataError(f"dataType must be one of {', '.join(_DTYPES)}, not {data_type!r:.50}")


def is_standard_dtype(data_type: JSON) -> bool:
    """Tell whether other N5 software may be expected to have a `dataType`."""
    return isinstance(data_type, str) and data_type in _DTYPES


def _is_zero(fill_value: Any, dtype: np.dtype[Any]) -> bool:
    # Points in time and differences do not compare with numbers.
    is_number = dtype.kind not in "mM" and fill_value == 0
    return bool(is_number) or not np.array(fill_value, dtype).reshape(1).view("u1").any()


def _reversed_lengths(attributes: Mapping[str, JSON], name: str, smallest: int) -> list[int]:
    lengths = attributes.get(name)
    if not isinstance(lengths, list) or any(
        type(length) is not int or length < smallest for length in lengths
    ):
        raise MetadataError(
            f"{name} must be a list of integers from {smallest}, not {lengths!r:.200}"
        )
    return lengths[::-1]


def _codec_config(compression: JSON) -> dict[str, JSON] | None:
    """Return the configuration of the codec for a `compression`, None for raw blocks."""
    kind = compression.get("type") if isinstance(compression, dict) else None
    if not isinstance(kind, str):
        raise MetadataError(
            f"compression must be an object with the member 'type', not {compression!r:.200}"
        )
    given: dict[str, JSON] = {n: v for n, v in compression.items() if n not in ("type", "id")}
    if kind == "raw":
        return None
    if kind == "gzip":
        name = "zlib" if given.get("useZlib") else "gzip"
        return {"id": name, "level": given.get("level", -1)}
    if kind == "bzip2":
        return {"id": "bz2", "level": given.get("blockSize", 9)}
    if kind == "xz":
        preset = given.get("preset", 6)
        return {"id": "lzma", "format": 1, "check": -1, "preset": preset, "filters": None}
    if kind == "lz4" and "acceleration" not in given:
        return {"id": "n5_lz4block", "block_size": given.get("blockSize", 65536)}
    if kind == "blosc":
        known = ("cname", "clevel", "shuffle", "blocksize")
        return {"id": kind, **{n: given[n] for n in known if n in given}}
    return {"id": kind, **given}


# -- writing ---------------------------------------------------------------------------


def with_document(
    attributes: Mapping[str, JSON], name: str, data: Any, key: str
) -> dict[str, JSON]:
    """Return `attributes` as they are after the version-2 document `name` was stored.

    Parameters
    ----------
    attributes : Mapping
        What the ``attributes.json`` says so far.
    name : {'.zarray', '.zgroup', '.zattrs'}
    data : bytes-like
        The document.
    key : str
        Its key; at the root, that is without a folder, the version of N5 is added.

    Raises
    ------
    TypeError, ValueError
        If it describes an array that N5 does not have.
    """
    if name == ".zattrs":
        user = expect_object(load_json(data, key), key)
        kept = {n: value for n, value in attributes.items() if n in KEYWORDS}
        return {**{n: v for n, v in user.items() if n not in KEYWORDS}, **kept}
    if name == ".zgroup":
        V2().parse_group(data, key)
        return {"n5": VERSION, **attributes}
    members = dataset_members(data, key)
    if _same_codec(attributes.get("compression"), members["compression"]):
        # Perhaps it has members that mean nothing to us.
        members["compression"] = attributes["compression"]
    root = {"n5": VERSION} if key == name else {}
    return {**root, **attributes, **members}


def without_document(attributes: Mapping[str, JSON], name: str) -> dict[str, JSON]:
    """Return `attributes` as they are after the version-2 document `name` was deleted."""
    if name == ".zattrs":
        return {n: value for n, value in attributes.items() if n in KEYWORDS}
    # Of an array also the version, which would stay behind as a group.
    gone = ("n5",) if name == ".zgroup" else KEYWORDS
    return {n: value for n, value in attributes.items() if n not in gone}


def dataset_members(data: Any, key: str) -> dict[str, JSON]:
    """Convert the members of a ``.zarray`` document to those of an ``attributes.json``.

    Raises
    ------
    UnsupportedDtypeError
        If N5 has no such data type.
    ValueError
        If N5 has no such arrays for another reason.
    """
    meta = V2().parse_array(data, key)
    dtype = meta.dtype
    if not is_standard_dtype(dtype.name) and (
        dtype.kind not in _FOREIGN_KINDS or dtype.itemsize > _LARGEST_ITEM
    ):
        raise UnsupportedDtypeError(
            f"dtype {dtype} of {key!r} is not supported by N5, which has {', '.join(_DTYPES)}"
        )
    if meta.fill_value is not None and not _is_zero(meta.fill_value, dtype):
        raise ValueError(
            f"fill_value {meta.fill_value} of {key!r} is not supported by N5; it must be 0 or None"
        )
    if meta.order != "C":
        raise ValueError(f"order {meta.order!r} of {key!r} is not supported by N5; it must be 'C'")
    filters = [step.name for step in meta.steps if step.role == "filter"]
    if filters:
        raise ValueError(f"the filters {filters} of {key!r} are not supported by N5")
    if math.prod(meta.chunks) * dtype.itemsize > _LARGEST_BLOCK:
        raise ValueError(
            f"chunks {meta.chunks} of {dtype} in {key!r} are larger than the 2 GiB of an N5 block"
        )
    configs = [dict(step.config) for step in meta.steps if step.role == "compressor"]
    return {
        "dimensions": list(meta.shape[::-1]),
        "blockSize": list(meta.chunks[::-1]),
        "dataType": dtype.name,
        "compression": _compression(configs[0] if configs else None, dtype.itemsize),
    }


def _compression(config: Mapping[str, JSON] | None, itemsize: int) -> dict[str, JSON]:
    """Return the `compression` that stands for a codec with the configuration `config`."""
    if config is not None and config["id"] == "n5_wrapper":
        config = config.get("compressor_config")
    if config is None:
        return {"type": "raw"}
    kind = config["id"]
    given = {name: value for name, value in config.items() if name != "id"}
    if kind in ("gzip", "zlib"):
        return {"type": "gzip", "level": given.get("level", 1), "useZlib": kind == "zlib"}
    if kind == "bz2":
        return {"type": "bzip2", "blockSize": given.get("level", 1)}
    if kind == "lzma" and _is_xz(given):
        preset = given.get("preset")
        return {"type": "xz", "preset": 6 if preset is None else preset}
    if kind == "n5_lz4block":
        return {"type": "lz4", "blockSize": given.get("block_size", 65536)}
    if kind == "blosc" and given.get("shuffle") == -1:
        # What that comes to, for readers that do not know it: by bits for bytes, else by bytes.
        given["shuffle"] = 2 if itemsize == 1 else 1
    if kind == "zstd" and not given.get("checksum"):
        given.pop("checksum", None)
    return {**given, "type": kind}


def _is_xz(given: Mapping[str, JSON]) -> bool:
    plain = given.get("format", 1) == 1 and given.get("check", -1) == -1
    return plain and given.get("filters") is None


def _same_codec(one: JSON, other: JSON) -> bool:
    try:
        return _codec_config(one) == _codec_config(other)
    except MetadataError:
        return False


def is_standard(compression: Mapping[str, JSON]) -> bool:
    """Tell whether other N5 software may be expected to know a `compression`."""
    kind = compression["type"]
    if kind == "lz4":
        return "acceleration" not in compression
    return kind in ("raw", "gzip", "bzip2", "xz", "blosc", "zstd")
